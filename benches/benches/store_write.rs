//! `Store::set` of new keys and over old values, `set_with` a time to live, `incr`. One thread.

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use larder::{SetOptions, Store, Ttl};
use larder_benches::{Draws, NumberedKey, SIZES, doubled, run};
use std::time::Duration;

/// Longer than any run: nothing expires while it is measured.
const HOUR: Duration = Duration::from_secs(3600);

type Key = [u8; 16];

fn main() {
    run(|criterion| {
        for (entries, size) in SIZES {
            bench_fresh(criterion, entries, size);
            bench_over(criterion, entries, size);
            bench_incr(criterion, entries, size);
        }
    });
}

fn filled(entries: u64) -> Store {
    let store = Store::new();
    for key in (0..entries).map(Key::numbered) {
        store
            .set(key, doubled(&key))
            .expect("a store without a bound");
    }
    assert_eq!(store.len() as u64, entries);
    store
}

/// From nothing to so many entries, the table's growth included; per set.
fn bench_fresh(criterion: &mut Criterion, entries: u64, size: &str) {
    let mut group = criterion.benchmark_group("store_write");
    group
        .sampling_mode(SamplingMode::Flat)
        .throughput(Throughput::Elements(entries));
    let name = BenchmarkId::new(
        "set fresh, whole fill",
        format!("key=16B value=32B entries={size} hits=0%"),
    );
    group.bench_function(name, |bencher| {
        bencher.iter_with_large_drop(|| filled(entries));
    });
    group.finish();
}

fn bench_over(criterion: &mut Criterion, entries: u64, size: &str) {
    let store = filled(entries);
    let mut draws = Draws::default();
    let mut group = criterion.benchmark_group("store_write");
    let name = |what| {
        BenchmarkId::new(
            what,
            format!("key=16B value=32B entries={size} uniform hits=100%"),
        )
    };

    let mut last = Key::numbered(0);
    group.bench_function(name("set over"), |bencher| {
        bencher.iter(|| {
            last = Key::numbered(draws.below(entries));
            store
                .set(last, doubled(&Key::numbered(0)))
                .expect("a store without a bound");
        });
    });
    assert_eq!(
        store.get_with(last, |value| value == doubled(&Key::numbered(0))),
        Ok(Some(true))
    );
    assert_eq!(store.ttl(last), Ttl::Forever);

    group.bench_function(name("set over, ttl=1h"), |bencher| {
        bencher.iter(|| {
            last = Key::numbered(draws.below(entries));
            let set = store.set_with(last, doubled(&last), SetOptions::new().ttl(HOUR));
            assert!(set.expect("a store without a bound").is_set());
        });
    });
    assert_eq!(
        store.get_with(last, |value| value == doubled(&last)),
        Ok(Some(true))
    );
    assert!(store.ttl(last).left().is_some_and(|left| left <= HOUR));
    assert_eq!(store.len() as u64, entries);
    group.finish();
}

/// Counters whose sum must be the number of calls in the end.
fn bench_incr(criterion: &mut Criterion, entries: u64, size: &str) {
    let store = Store::new();
    for key in (0..entries).map(Key::numbered) {
        store.set(key, 0).expect("a store without a bound");
    }
    let mut draws = Draws::default();
    let mut group = criterion.benchmark_group("store_write");
    let name = BenchmarkId::new(
        "incr",
        format!("key=16B value=integer entries={size} uniform hits=100%"),
    );
    let mut calls = 0;
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            calls += 1;
            let sum = store.incr(Key::numbered(draws.below(entries)), 1);
            assert!((1..=calls).contains(&sum.expect("an integer")));
        });
    });
    let counters = (0..entries).map(|number| store.get::<i64>(Key::numbered(number)));
    let sum: i64 = counters
        .map(|count| count.expect("an integer").expect("every key is there"))
        .sum();
    assert_eq!(sum, calls);
    group.finish();
}
