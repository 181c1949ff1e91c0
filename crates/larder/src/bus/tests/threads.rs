//! Many publishers and readers at once.

use std::sync::Arc;
use std::time::Duration;

use crate::bus::{Bus, Event, Message, Overflow, Subscription, Topic};

const PUBLISHERS: u64 = 3;
const EACH: u64 = 2_000;

/// Reads to the end; checks each publisher's order, and returns how many came and how many were missed.
fn read_all(mut reader: Subscription<Arc<(u64, u64)>>) -> (u64, u64) {
    let mut next = [0; PUBLISHERS as usize];
    let (mut came, mut missed) = (0, 0);
    for event in reader.iter_blocking() {
        match event {
            Event::Message(message) => {
                let (publisher, number) = *message;
                let next = &mut next[publisher as usize];
                assert!(number >= *next, "a publisher's messages stay in order");
                *next = number + 1;
                came += 1;
            }
            Event::Gap { missed: gap } => missed += gap,
        }
    }
    (came, missed)
}

fn storm(overflows: impl IntoIterator<Item = Overflow<Arc<(u64, u64)>>>) -> (Vec<(u64, u64)>, u64) {
    let topic = Topic::new();
    let readers: Vec<_> = overflows
        .into_iter()
        .map(|overflow| topic.subscribe_with(overflow).expect("a capacity"))
        .collect();
    std::thread::scope(|scope| {
        let publish = |publisher| {
            let topic = topic.clone();
            scope.spawn(move || -> u64 {
                (0..EACH)
                    .map(|number| topic.deliver_blocking((publisher, number)).dropped)
                    .sum()
            })
        };
        let publishers: Vec<_> = (0..PUBLISHERS).map(publish).collect();
        drop(topic.clone());
        let readers: Vec<_> = readers
            .into_iter()
            .map(|reader| scope.spawn(|| read_all(reader)))
            .collect();
        let dropped = publishers
            .into_iter()
            .map(|publisher| publisher.join().expect("no panic"))
            .sum();
        drop(topic);
        let read = readers
            .into_iter()
            .map(|reader| reader.join().expect("no panic"));
        (read.collect(), dropped)
    })
}

#[test]
fn nothing_is_lost_where_publishers_wait() {
    let overflow = || Overflow::block(3, Duration::from_secs(3600));
    let (read, dropped) = storm([overflow(), overflow(), overflow()]);
    assert_eq!(read, [(PUBLISHERS * EACH, 0); 3]);
    assert_eq!(dropped, 0);
}

#[test]
fn gaps_add_up_to_what_publishers_were_told() {
    let overflows = [
        Overflow::lag(2),
        Overflow::lag(70),
        Overflow::drop_newest(5),
    ];
    let (read, dropped) = storm(overflows);
    for (came, missed) in &read {
        assert_eq!(came + missed, PUBLISHERS * EACH);
    }
    assert_eq!(read.iter().map(|(_, missed)| missed).sum::<u64>(), dropped);
}

#[test]
fn no_wake_up_is_lost_between_two_who_answer_each_other() {
    let bus = Bus::new();
    let mut ping = bus.subscribe(["ping", "other"]);
    let mut pong = bus.psubscribe(["po*"]);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..2_000 {
                ping.recv_blocking(None).expect("a message");
                bus.publish("pong", "");
            }
        });
        for _ in 0..2_000 {
            bus.publish("ping", "");
            pong.recv_blocking(None).expect("an answer");
        }
    });
}

#[test]
fn readers_come_and_go_while_messages_flow() {
    let bus = Bus::new();
    let conflating = || Overflow::conflate(2, |message: &Message| message.channel().to_vec());
    std::thread::scope(|scope| {
        let publisher = scope.spawn(|| {
            for number in 0..20_000 {
                bus.publish("a", number);
            }
        });
        while !publisher.is_finished() {
            let mut one = bus.subscribe(["a"]);
            let mut two = bus
                .psubscribe_with(["*"], conflating())
                .expect("a capacity");
            drop((one.try_recv(), two.try_recv()));
        }
    });
    assert!(bus.channels().is_empty() && bus.patterns().is_empty());
}
