//! What happens to those who do not read in time.

use std::sync::Arc;
use std::time::Duration;

use super::{drain, is_empty, tally};
use crate::bus::{BusError, Deliver, Delivery, Event, Overflow, RecvError, Subscription, Topic};
use crate::time::ManualClock;

fn reader(topic: &Topic<u32>, overflow: Overflow<Arc<u32>>) -> Subscription<Arc<u32>> {
    topic.subscribe_with(overflow).expect("a capacity")
}

fn publish(topic: &Topic<u32>, numbers: std::ops::Range<u32>) -> u64 {
    numbers.map(|number| topic.publish(number).dropped).sum()
}

/// Publishes these numbers, waiting for who asked for it; returns how many were dropped.
fn deliver(topic: &Topic<u32>, mut numbers: std::ops::Range<u32>) -> u64 {
    let mut dropped = 0;
    numbers
        .by_ref()
        .for_each(|number| dropped += topic.deliver_blocking(number).dropped);
    dropped
}

#[test]
fn a_capacity_of_zero_or_beyond_the_most_is_refused() {
    let topic = Topic::<u32>::new();
    for capacity in [0, Overflow::<Arc<u32>>::MOST + 1] {
        for overflow in [
            Overflow::lag(capacity),
            Overflow::block(capacity, Duration::ZERO),
            Overflow::disconnect(capacity),
            Overflow::drop_newest(capacity),
            Overflow::conflate(capacity, |_| ""),
        ] {
            assert_eq!(
                topic.subscribe_with(overflow).err(),
                Some(BusError::Capacity)
            );
        }
    }
}

#[test]
fn a_slow_reader_is_told_how_many_it_missed() {
    let topic = Topic::new();
    let mut slow = reader(&topic, Overflow::lag(4));
    assert_eq!(publish(&topic, 0..10), 6);
    let events = drain(&mut slow);
    assert_eq!(events[0], Event::Gap { missed: 6 });
    assert_eq!(tally(&events), (vec![6, 7, 8, 9], 6));
    assert_eq!(publish(&topic, 10..14), 0);
    assert_eq!(tally(&drain(&mut slow)), (vec![10, 11, 12, 13], 0));
}

#[test]
fn readers_of_one_topic_lag_by_their_own_capacities() {
    let topic = Topic::new();
    let mut readers: Vec<_> = [1, 3, 100]
        .map(|capacity| reader(&topic, Overflow::lag(capacity)))
        .into();
    assert_eq!(publish(&topic, 0..200), 199 + 197 + 100);
    let missed: Vec<u64> = readers
        .iter_mut()
        .map(|reader| tally(&drain(reader)).1)
        .collect();
    assert_eq!(missed, [199, 197, 100]);
}

#[test]
fn one_that_never_reads_holds_no_more_than_its_capacity_and_a_segment() {
    let topic = Topic::new();
    let mut idle = reader(&topic, Overflow::lag(100));
    publish(&topic, 0..1);
    assert!(idle.try_recv().is_ok());
    publish(&topic, 0..100_000);
    assert!(topic.slots() <= 100 + 2 * 64, "{} slots", topic.slots());
}

#[test]
fn what_everybody_has_read_is_let_go_of() {
    let topic = Topic::new();
    let mut reader = reader(&topic, Overflow::lag(1 << 20));
    for number in 0..10_000 {
        topic.publish(number);
        assert!(reader.try_recv().is_ok());
    }
    assert!(topic.slots() <= 2 * 64, "{} slots", topic.slots());
    drop(reader);
    assert_eq!(topic.slots(), 0);
}

#[test]
fn one_that_drops_the_newest_keeps_the_oldest_and_sees_the_gap_behind_them() {
    let topic = Topic::new();
    let mut first = reader(&topic, Overflow::drop_newest(2));
    let delivery = topic.publish(0);
    assert_eq!((delivery.received, delivery.dropped), (1, 0));
    assert_eq!(publish(&topic, 1..5), 3);
    assert_eq!(first.try_recv(), Ok(Event::Message(0.into())));
    topic.publish(5);
    let rest = drain(&mut first);
    let expected = [
        Event::Message(1.into()),
        Event::Gap { missed: 3 },
        Event::Message(5.into()),
    ];
    assert_eq!(rest, expected);
}

#[test]
fn one_that_conflates_gets_the_latest_of_every_key() {
    let topic = Topic::<u32>::new();
    let mut latest = reader(
        &topic,
        Overflow::conflate(3, |n: &Arc<u32>| [(**n % 3) as u8]),
    );
    assert_eq!(publish(&topic, 0..30), 27);
    assert_eq!(latest.conflated(), 27);
    assert_eq!(tally(&drain(&mut latest)), (vec![27, 28, 29], 0));
}

#[test]
fn one_that_conflates_more_keys_than_it_has_room_for_is_told_what_it_lost() {
    let topic = Topic::<u32>::new();
    let mut latest = reader(&topic, Overflow::conflate(2, |n: &Arc<u32>| n.to_string()));
    assert_eq!(publish(&topic, 0..5), 3);
    let events = drain(&mut latest);
    assert_eq!(events[0], Event::Gap { missed: 3 });
    assert_eq!(tally(&events), (vec![3, 4], 3));
}

#[test]
fn one_that_disconnects_is_told_of_the_gap_and_then_of_the_end() {
    let topic = Topic::new();
    let mut strict = reader(&topic, Overflow::disconnect(2));
    let mut other = topic.subscribe();
    assert_eq!(publish(&topic, 0..5), 3);
    assert_eq!(topic.subscribers(), 1);
    assert_eq!(strict.try_recv(), Ok(Event::Gap { missed: 3 }));
    assert_eq!(strict.try_recv(), Err(RecvError::Disconnected));
    drop(strict);
    assert_eq!(drain(&mut other).len(), 5);
}

#[test]
fn a_publisher_waits_for_room_and_nothing_is_lost() {
    let topic = Topic::new();
    let mut careful = reader(&topic, Overflow::block(2, Duration::from_secs(3600)));
    std::thread::scope(|scope| {
        let publisher = scope.spawn(|| deliver(&topic, 0..500));
        let numbers: Vec<u32> = careful
            .iter_blocking()
            .take(500)
            .filter_map(|event| event.message().map(|number| *number))
            .collect();
        assert!(numbers.iter().copied().eq(0..500));
        assert_eq!(publisher.join().expect("it does not panic"), 0);
    });
}

#[test]
fn a_publisher_that_has_waited_long_enough_goes_on_and_waits_no_more() {
    let time = ManualClock::new();
    let topic = Topic::with_clock(time.clock());
    let mut dead = reader(&topic, Overflow::block(2, Duration::from_secs(5)));
    publish(&topic, 0..2);
    std::thread::scope(|scope| {
        let publisher = scope.spawn(|| deliver(&topic, 2..6));
        while !publisher.is_finished() {
            time.advance(Duration::from_secs(5));
            std::thread::yield_now();
        }
        assert_eq!(publisher.join().expect("it does not panic"), 4);
    });
    assert_eq!(tally(&drain(&mut dead)), (vec![4, 5], 4));
    assert!(is_empty(&mut dead));
}

#[test]
fn a_publisher_that_waits_goes_on_when_the_reader_leaves() {
    let topic = Topic::new();
    let full = reader(&topic, Overflow::block(1, Duration::from_secs(3600)));
    topic.publish(0);
    std::thread::scope(|scope| {
        let publisher = scope.spawn(|| topic.deliver_blocking(1));
        drop(full);
        let delivery = publisher.join().expect("it does not panic");
        assert_eq!(delivery.dropped, 0);
    });
}

#[test]
fn a_publisher_that_never_waits_takes_the_oldest_from_one_that_would_be_waited_for() {
    let topic = Topic::new();
    let mut full = reader(&topic, Overflow::block(1, Duration::from_secs(3600)));
    topic.publish(0);
    let expected = Delivery {
        received: 1,
        dropped: 1,
    };
    assert_eq!(topic.publish(1), expected);
    assert_eq!(tally(&drain(&mut full)), (vec![1], 1));
}

#[test]
fn a_task_that_delivers_waits_for_room_and_sends_nothing_if_it_is_dropped() {
    let topic = Topic::new();
    let mut full = reader(&topic, Overflow::block(1, Duration::from_secs(3600)));
    let mut other = topic.subscribe();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut poll =
        |sending: &mut Deliver<Arc<u32>>| std::pin::Pin::new(sending).poll(&mut context).is_ready();
    let mut first = topic.deliver(0);
    assert!(poll(&mut first));
    let (mut dropped, mut second) = (topic.deliver(1), topic.deliver(2));
    assert!(!poll(&mut dropped) && !poll(&mut second));
    drop(dropped);
    assert_eq!(tally(&drain(&mut full)), (vec![0], 0));
    assert!(poll(&mut second));
    assert_eq!(tally(&drain(&mut full)), (vec![2], 0));
    assert_eq!(tally(&drain(&mut other)), (vec![0, 2], 0));
}

#[test]
fn a_task_that_delivers_is_woken_when_there_is_room() {
    let topic = Topic::new();
    let mut full = reader(&topic, Overflow::block(1, Duration::from_secs(3600)));
    std::thread::scope(|scope| {
        let publisher = scope.spawn(|| {
            for number in 0..500 {
                let mut sending = topic.deliver(number);
                let poll = |context: &mut std::task::Context<'_>| {
                    std::pin::Pin::new(&mut sending).poll(context)
                };
                crate::wait::block_on(poll, None).expect("no limit");
            }
        });
        let events = full.iter_blocking().take(500);
        let numbers: Vec<u32> = events.filter_map(Event::message).map(|n| *n).collect();
        assert!(numbers.into_iter().eq(0..500));
        assert!(publisher.join().is_ok());
    });
}

#[test]
fn a_thousand_readers_who_keep_up_are_never_looked_at() {
    let topic = Topic::<u32>::new();
    let mut readers: Vec<_> = (0..1_000).map(|_| topic.subscribe()).collect();
    for batch in 0..8 {
        for number in 0..512 {
            assert!(!topic.has_due(), "batch {batch}, message {number}");
            assert_eq!(topic.publish(number).dropped, 0);
        }
        for reader in &mut readers {
            assert_eq!(std::iter::from_fn(|| reader.try_recv().ok()).count(), 512);
        }
    }
    // What all have read is not kept for a capacity's sake.
    assert!(topic.slots() <= 2 * 512 + 2 * 64, "{} slots", topic.slots());
}
