//! What the ring promises, each under schedules that shuttle draws.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crossbeam_utils::CachePadded;
use shuttle::check_random;
use shuttle::thread::{self, Thread};

use super::mailbox::Mailbox;
use super::message::Event;
use super::overflow::WhenFull;
use super::reader::Reader;
use super::ring::Ring;
use super::sending::Sending;
use crate::sync::modelled::AtomicU64;
use crate::time::Clock;

/// Schedules tried per test.
const SCHEDULES: usize = 2_000;

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

fn sending(ring: &Arc<Ring<Arc<u64>>>, number: u64) -> Sending<Arc<u64>> {
    Sending::new(Arc::clone(ring), Arc::new(number), &Clock::system())
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

/// Gaps are as large as what publishers were told of.
pub fn a_reader_that_lags_misses_exactly_what_publishers_dropped() {
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

/// Every message comes, and nobody sleeps for ever.
pub fn publishers_that_wait_lose_nothing_and_are_always_woken() {
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
                            let mut sending = sending(&ring, id * 3 + number);
                            let delivery = wait(|context| sending.attempt(context));
                            assert_eq!(delivery.dropped, 0);
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

/// Reads to the end; how many messages there were.
fn read_all(mut reader: Reader<Arc<u64>>) -> u64 {
    let mut seen = 0;
    wait(|context| {
        loop {
            if let Some(event) = reader.take() {
                assert!(matches!(event, Event::Message(_)), "nothing is lost");
                seen += 1;
            } else if reader.is_at_end() {
                return Poll::Ready(seen);
            } else if reader.sleep(context.waker()) {
                return Poll::Pending;
            }
        }
    })
}

/// No wake-up is lost.
pub fn a_reader_that_sleeps_is_woken_by_a_message_and_by_the_end() {
    check_random(
        || {
            let ring = ring();
            let (reader, _) = Reader::new(Arc::clone(&ring), WhenFull::Lag, 4);
            let reader = thread::spawn(move || read_all(reader));
            ring.send(Arc::new(1));
            ring.send(Arc::new(2));
            ring.close();
            assert_eq!(reader.join().expect("no panic"), 2);
        },
        SCHEDULES,
    );
}

/// A publisher that leaves while it waits takes its message along, and no other misses its turn for it.
pub fn a_publisher_that_gives_up_sends_nothing_and_keeps_nobody_waiting() {
    check_random(
        || {
            let ring = ring();
            let patient = WhenFull::Block(Duration::MAX);
            let (reader, _) = Reader::new(Arc::clone(&ring), patient, 1);
            ring.send(Arc::new(0));
            let leaving = Arc::clone(&ring);
            let leaving = thread::spawn(move || {
                let mut sending = sending(&leaving, 7);
                let context = Context::from_waker(Waker::noop());
                sending.attempt(&context).is_ready()
            });
            let staying = Arc::clone(&ring);
            let staying = thread::spawn(move || {
                let mut sending = sending(&staying, 1);
                wait(|context| sending.attempt(context))
            });
            let reader = thread::spawn(move || read_all(reader));
            let sent = leaving.join().expect("no panic");
            assert_eq!(staying.join().expect("no panic").dropped, 0);
            ring.close();
            assert_eq!(reader.join().expect("no panic"), 2 + u64::from(sent));
        },
        SCHEDULES,
    );
}

/// What came and what was refused is what was sent.
pub fn a_queue_that_refuses_counts_what_it_refused() {
    check_random(
        || {
            let ring = ring();
            let mailbox = Arc::new(Mailbox::new(2, None));
            ring.attach(&mailbox);
            let reader = Arc::clone(&mailbox);
            let reader = thread::spawn(move || {
                let (mut came, mut missed) = (0, 0);
                while came + missed < 6 {
                    let event = wait(|context| {
                        loop {
                            match reader.take() {
                                Some(event) => return Poll::Ready(event),
                                None if reader.sleep(context.waker()) => return Poll::Pending,
                                None => {}
                            }
                        }
                    });
                    match event {
                        Event::Message(_) => came += 1,
                        Event::Gap { missed: gap } => missed += gap,
                    }
                }
                missed
            });
            let publishers = [0, 1].map(|id: u64| {
                let ring = Arc::clone(&ring);
                thread::spawn(move || -> u64 {
                    (0..3)
                        .map(|n| ring.send(Arc::new(id * 3 + n)).dropped)
                        .sum()
                })
            });
            let dropped: u64 = publishers
                .map(|one| one.join().expect("no panic"))
                .iter()
                .sum();
            assert_eq!(reader.join().expect("no panic"), dropped);
        },
        SCHEDULES,
    );
}
