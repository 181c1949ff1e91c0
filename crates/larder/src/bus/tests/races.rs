//! The ring and its wake-ups under schedules that shuttle chooses:
//!
//! ```text
//! RUSTFLAGS="--cfg larder_race" cargo test -p larder --lib bus::tests::races
//! ```

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crossbeam_utils::CachePadded;
use shuttle::check_random;
use shuttle::thread::{self, Thread};

use crate::bus::message::Event;
use crate::bus::overflow::WhenFull;
use crate::bus::reader::Reader;
use crate::bus::ring::Ring;
use crate::bus::state::Patience;
use crate::sync::modelled::AtomicU64;

/// Schedules tried per test.
const SCHEDULES: usize = 3_000;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Parks until the poll is ready, and only wakes when it is woken: a lost wake-up is a deadlock, which shuttle reports.
fn wait<R>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<R>) -> R {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match poll(&mut context) {
            Poll::Ready(result) => return result,
            Poll::Pending => thread::park(),
        }
    }
}

fn ring() -> Arc<Ring<Arc<u64>>> {
    let order = Arc::new(CachePadded::new(AtomicU64::new(0)));
    Arc::new(Ring::new(Some(order), false))
}

/// Reads until `messages` came or were missed; checks the order.
fn read(mut reader: Reader<Arc<u64>>, messages: u64) -> u64 {
    let (mut seen, mut missed, mut last) = (0, 0, None);
    while seen + missed < messages {
        let event = wait(|context| {
            loop {
                let event = reader.take().map(|event| event.map(|number| **number));
                match event {
                    Some(event) => return Poll::Ready(event),
                    None if reader.sleep(context.waker()) => return Poll::Pending,
                    None => {}
                }
            }
        });
        match event {
            Event::Message(number) => {
                assert!(last.is_none_or(|last| last < number));
                last = Some(number);
                seen += 1;
            }
            Event::Gap { missed: gap } => missed += gap,
        }
    }
    missed
}

#[test]
fn a_reader_that_lags_misses_exactly_what_publishers_dropped() {
    check_random(
        || {
            let ring = ring();
            let (one, _) = Reader::new(Arc::clone(&ring), WhenFull::Lag, 1);
            let (two, _) = Reader::new(Arc::clone(&ring), WhenFull::Lag, 3);
            let readers = [one, two].map(|reader| thread::spawn(|| read(reader, 8)));
            let dropped: u64 = (0..8).map(|n| ring.send(Arc::new(n)).dropped).sum();
            let missed = readers.map(|reader| reader.join().expect("no panic"));
            // A reader that was overrun when it left is told of its gap before.
            assert_eq!(missed.iter().sum::<u64>(), dropped);
        },
        SCHEDULES,
    );
}

#[test]
fn publishers_that_wait_lose_nothing_and_are_always_woken() {
    check_random(
        || {
            let ring = ring();
            let patient = WhenFull::Block(Duration::MAX);
            let (reader, _) = Reader::new(Arc::clone(&ring), patient, 1);
            let reader = thread::spawn(|| read_any_order(reader, 6));
            let publishers: Vec<_> = (0..2_u64)
                .map(|id| {
                    let ring = Arc::clone(&ring);
                    thread::spawn(move || {
                        for number in 0..3 {
                            let mut message = Some(Arc::new(id * 3 + number));
                            wait(|context| {
                                let waits = Patience::Waits(1_000 + id, context.waker());
                                match ring.offer(&mut message, waits) {
                                    Ok(delivery) => Poll::Ready(assert_eq!(delivery.dropped, 0)),
                                    Err(_) => Poll::Pending,
                                }
                            });
                        }
                    })
                })
                .collect();
            for publisher in publishers {
                publisher.join().expect("no panic");
            }
            assert_eq!(reader.join().expect("no panic"), 0..6);
        },
        SCHEDULES,
    );
}

/// Reads so many; returns the range that they fill.
fn read_any_order(mut reader: Reader<Arc<u64>>, messages: usize) -> std::ops::Range<u64> {
    let mut numbers: Vec<u64> = (0..messages)
        .map(|_| {
            wait(|context| {
                loop {
                    let event = reader.take().map(|event| event.map(|number| **number));
                    match event {
                        Some(event) => return Poll::Ready(event.message().expect("no gap")),
                        None if reader.sleep(context.waker()) => return Poll::Pending,
                        None => {}
                    }
                }
            })
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), messages);
    numbers[0]..numbers[messages - 1] + 1
}

#[test]
fn a_reader_that_sleeps_is_woken_by_a_message_and_by_the_end() {
    check_random(
        || {
            let ring = ring();
            let (mut reader, _) = Reader::new(Arc::clone(&ring), WhenFull::Lag, 4);
            let reader = thread::spawn(move || {
                let mut seen = 0;
                wait(|context| {
                    loop {
                        if reader.take().is_some() {
                            seen += 1;
                        } else if reader.is_at_end() {
                            return Poll::Ready(seen);
                        } else if reader.sleep(context.waker()) {
                            return Poll::Pending;
                        }
                    }
                })
            });
            ring.send(Arc::new(1));
            ring.send(Arc::new(2));
            ring.close();
            assert_eq!(reader.join().expect("no panic"), 2);
        },
        SCHEDULES,
    );
}
