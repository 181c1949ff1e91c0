//! Broadcast: what a publish costs with more and more readers, by topic or by name, and what a delivery costs. One thread.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use larder::{Bus, Event, Overflow, Subscription, Topic};
use larder_benches::run;
use std::sync::Arc;

/// Messages between two rounds of reading; fewer than a reader may have unread, so that nothing is lost.
const BATCH: u64 = 512;

/// How many subscribe.
const READERS: [u64; 4] = [1, 8, 64, 1_000];

fn main() {
    run(|criterion| {
        publish(criterion);
        deliver(criterion);
        named(criterion);
        patterns(criterion);
    });
}

fn readers(topic: &Topic<u64>, count: u64) -> Vec<Subscription<Arc<u64>>> {
    (0..count).map(|_| topic.subscribe()).collect()
}

/// Reads all there is; the sum shows that nothing was lost.
fn drain(reader: &mut Subscription<Arc<u64>>) -> u64 {
    let mut sum = 0;
    let mut add = |event: Event<&Arc<u64>>| match event {
        Event::Message(number) => sum += **number,
        Event::Gap { missed } => unreachable!("{missed} messages were lost"),
    };
    while reader.try_recv_with(&mut add).is_ok() {}
    sum
}

fn publish(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bus_publish");
    group.throughput(Throughput::Elements(BATCH));
    for count in READERS {
        let topic = Topic::new();
        let mut readers = readers(&topic, count);
        group.bench_function(
            BenchmarkId::new("topic", format!("readers={count}")),
            |bencher| {
                bencher.iter_batched(
                    || readers.iter_mut().map(drain).max(),
                    |_| {
                        for number in 0..BATCH {
                            assert_eq!(topic.publish(number).dropped, 0);
                        }
                    },
                    BatchSize::PerIteration,
                );
            },
        );
    }
    group.finish();
}

fn deliver(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bus_deliver");
    for count in READERS {
        let topic = Topic::new();
        let mut readers = readers(&topic, count);
        group.throughput(Throughput::Elements(BATCH * count));
        group.bench_function(
            BenchmarkId::new("topic", format!("readers={count}")),
            |bencher| {
                bencher.iter_batched(
                    || (0..BATCH).for_each(|number| assert_eq!(topic.publish(number).dropped, 0)),
                    |()| {
                        let expected = BATCH * (BATCH - 1) / 2;
                        assert!(readers.iter_mut().all(|reader| drain(reader) == expected));
                    },
                    BatchSize::PerIteration,
                );
            },
        );
    }
    group.finish();
}

/// A channel found by its name.
fn named(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bus_publish");
    group.throughput(Throughput::Elements(BATCH));
    for count in READERS {
        let bus = Bus::new();
        let mut readers: Vec<_> = (0..count).map(|_| bus.subscribe(["news"])).collect();
        group.bench_function(
            BenchmarkId::new("name 32B", format!("readers={count}")),
            |bencher| {
                bencher.iter_batched(
                    || {
                        for reader in &mut readers {
                            while reader.try_recv_with(|_| ()).is_ok() {}
                        }
                    },
                    |()| {
                        for _ in 0..BATCH {
                            let delivery = bus.publish("news", [7; 32]);
                            assert_eq!((delivery.received, delivery.dropped), (count, 0));
                        }
                    },
                    BatchSize::PerIteration,
                );
            },
        );
    }
    group.finish();
}

/// A named channel on a bus, beside 1,000 patterns that do not match it.
fn patterns(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bus_channel");
    for patterns in [0, 1_000] {
        let bus = Bus::new();
        let names = (0..patterns).map(|number| format!("other.{number}.*"));
        let _idle = bus.psubscribe(names);
        let _reader = bus
            .subscribe_with(["news"], Overflow::lag(1))
            .expect("a capacity");
        let name = BenchmarkId::new("publish 32B", format!("idle patterns={patterns}"));
        group.bench_function(name, |bencher| {
            bencher.iter(|| assert_eq!(bus.publish("news", [7; 32]).received, 1));
        });
    }
    group.finish();
}
