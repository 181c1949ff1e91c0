//! `peers-bus`: broadcast beside tokio's, `bus`, and a channel per reader of crossbeam and flume.
//!
//! One thread publishes 512 messages and then lets every reader read them, so that nothing is lost and nobody waits:
//! the cost of the structures, without the scheduler's. Rounds are interleaved; median and spread are shown. Every
//! reader's sum is checked.

#![allow(clippy::disallowed_methods, reason = "a bench measures")]

use std::sync::Arc;
use std::time::Instant;

use larder::{Bus, Event, Message, Topic};

const BATCH: u64 = 512;
const ROUNDS: usize = 9;

/// Batches of a round: fewer with more readers.
fn batches(readers: u64) -> u64 {
    (4_000 / readers).max(60)
}

/// A broadcast: publishes a number, and lets reader `n` read all there is.
type Pair = (Box<dyn FnMut(u64)>, Box<dyn FnMut(usize) -> u64>);

fn larder(readers: u64) -> Pair {
    let topic = Topic::<u64>::new();
    let mut ends: Vec<_> = (0..readers).map(|_| topic.subscribe()).collect();
    let publish = move |number: u64| assert_eq!(topic.publish(number).dropped, 0);
    let read = move |reader: usize| {
        let mut sum = 0;
        let mut add = |event: Event<&Arc<u64>>| sum += event.message().map_or(0, |number| **number);
        while ends[reader].try_recv_with(&mut add).is_ok() {}
        sum
    };
    (Box::new(publish), Box::new(read))
}

/// A channel found by its name, whose messages are bytes.
fn larder_by_name(readers: u64) -> Pair {
    let bus = Bus::new();
    let mut ends: Vec<_> = (0..readers).map(|_| bus.subscribe(["news"])).collect();
    let publish = move |number: u64| assert_eq!(bus.publish("news", number).dropped, 0);
    let read = move |reader: usize| {
        let mut sum = 0;
        let number = |message: &Message| message.get::<u64>().unwrap_or(0);
        let mut add = |event: Event<&Message>| sum += event.message().map_or(0, number);
        while ends[reader].try_recv_with(&mut add).is_ok() {}
        sum
    };
    (Box::new(publish), Box::new(read))
}

fn tokio_broadcast(readers: u64) -> Pair {
    let (sender, first) = tokio::sync::broadcast::channel(1024);
    drop(first);
    let mut ends: Vec<_> = (0..readers).map(|_| sender.subscribe()).collect();
    let publish = move |number: u64| drop(sender.send(Arc::new(number)));
    let read = move |reader: usize| {
        let end = &mut ends[reader];
        std::iter::from_fn(|| end.try_recv().ok())
            .map(|number| *number)
            .sum()
    };
    (Box::new(publish), Box::new(read))
}

fn bus_crate(readers: u64) -> Pair {
    let mut bus = bus::Bus::new(1024);
    let mut ends: Vec<_> = (0..readers).map(|_| bus.add_rx()).collect();
    let publish = move |number: u64| bus.broadcast(Arc::new(number));
    let read = move |reader: usize| {
        let end = &mut ends[reader];
        std::iter::from_fn(|| end.try_recv().ok())
            .map(|number| *number)
            .sum()
    };
    (Box::new(publish), Box::new(read))
}

fn crossbeam(readers: u64) -> Pair {
    let (senders, ends): (Vec<_>, Vec<_>) = (0..readers)
        .map(|_| crossbeam_channel::bounded(1024))
        .unzip();
    let publish = move |number: u64| {
        let message = Arc::new(number);
        for sender in &senders {
            assert!(sender.try_send(Arc::clone(&message)).is_ok());
        }
    };
    let read = move |reader: usize| ends[reader].try_iter().map(|number| *number).sum();
    (Box::new(publish), Box::new(read))
}

fn flume(readers: u64) -> Pair {
    let (senders, ends): (Vec<_>, Vec<_>) = (0..readers).map(|_| flume::bounded(1024)).unzip();
    let publish = move |number: u64| {
        let message = Arc::new(number);
        for sender in &senders {
            assert!(sender.try_send(Arc::clone(&message)).is_ok());
        }
    };
    let read = move |reader: usize| ends[reader].try_iter().map(|number| *number).sum();
    (Box::new(publish), Box::new(read))
}

/// One round: nanoseconds per publish, and per delivery.
fn round(pair: &mut Pair, readers: u64) -> (f64, f64) {
    let (mut publishing, mut reading) = (0, 0);
    for _ in 0..batches(readers) {
        let start = Instant::now();
        (0..BATCH).for_each(&mut pair.0);
        publishing += start.elapsed().as_nanos();
        let start = Instant::now();
        let complete = (0..readers as usize).all(|n| pair.1(n) == BATCH * (BATCH - 1) / 2);
        reading += start.elapsed().as_nanos();
        assert!(complete, "a message was lost");
    }
    let messages = (batches(readers) * BATCH) as f64;
    (
        publishing as f64 / messages,
        reading as f64 / messages / readers as f64,
    )
}

fn median(mut figures: Vec<f64>) -> (f64, f64) {
    figures.sort_by(f64::total_cmp);
    (
        figures[figures.len() / 2],
        figures[figures.len() - 1] - figures[0],
    )
}

/// Publishes to so many readers.
type Rival = fn(u64) -> Pair;

fn main() {
    let rivals: [(&str, Rival); 6] = [
        ("larder Topic", larder),
        ("larder Bus, by name", larder_by_name),
        ("tokio broadcast", tokio_broadcast),
        ("bus", bus_crate),
        ("crossbeam, a channel per reader", crossbeam),
        ("flume, a channel per reader", flume),
    ];
    println!(
        "| readers | broadcast | publish ns (spread) | delivery ns (spread) | both, per delivery |"
    );
    println!("|---|---|---|---|---|");
    for readers in [1, 8, 64, 1_000] {
        let mut pairs: Vec<Pair> = rivals.iter().map(|(_, make)| make(readers)).collect();
        let mut figures = vec![(Vec::new(), Vec::new()); rivals.len()];
        for _ in 0..ROUNDS {
            for (pair, figures) in pairs.iter_mut().zip(&mut figures) {
                let (publish, delivery) = round(pair, readers);
                figures.0.push(publish);
                figures.1.push(delivery);
            }
        }
        for ((name, _), (publishes, deliveries)) in rivals.iter().zip(figures) {
            let (publish, publish_spread) = median(publishes);
            let (delivery, delivery_spread) = median(deliveries);
            let both = publish / readers as f64 + delivery;
            println!(
                "| {readers} | {name} | {publish:.1} ({publish_spread:.1}) | {delivery:.1} ({delivery_spread:.1}) | {both:.1} |"
            );
        }
    }
}
