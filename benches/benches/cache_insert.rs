//! `Cache::insert` into room, into a full cache and over an old value; `Cache::remove`. One thread.
#![allow(
    clippy::disallowed_methods,
    reason = "removing is timed by hand, without the inserts that make up for it"
)]

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use larder::{Cache, Outcome};
use larder_benches::{Draws, NumberedKey, SIZES, run, scattered};
use std::ops::Range;
use std::time::{Duration, Instant};

/// How many entries are missing at most while `remove` is measured: a quarter of the smallest cache.
const REMOVED: u64 = 1024;

fn main() {
    run(|criterion| {
        for (entries, size) in SIZES {
            bench_fresh::<u64>(criterion, entries, size);
            bench_full::<u64>(criterion, entries, size);
            bench_fresh::<[u8; 16]>(criterion, entries, size);
            bench_full::<[u8; 16]>(criterion, entries, size);
        }
    });
}

fn filled<K: NumberedKey>(entries: u64) -> Cache<K, u64> {
    let cache = Cache::new(entries as usize);
    for number in 0..entries {
        assert_eq!(cache.insert(K::numbered(number), number), Outcome::Inserted);
    }
    assert_eq!(cache.len() as u64, entries);
    cache
}

fn name<K: NumberedKey>(what: &str, size: &str, hits: &str) -> BenchmarkId {
    let key = K::SIZE;
    BenchmarkId::new(
        what,
        format!("key={key} value=8B entries={size} hits={hits}"),
    )
}

/// From nothing to a full cache, the table's growth included; per insert.
fn bench_fresh<K: NumberedKey>(criterion: &mut Criterion, entries: u64, size: &str) {
    let mut group = criterion.benchmark_group("cache_insert");
    group
        .sampling_mode(SamplingMode::Flat)
        .throughput(Throughput::Elements(entries));
    group.bench_function(
        name::<K>("fresh into room, whole fill", size, "0%"),
        |bencher| {
            bencher.iter_with_large_drop(|| filled::<K>(entries));
        },
    );
    group.finish();
}

fn bench_full<K: NumberedKey>(criterion: &mut Criterion, entries: u64, size: &str) {
    let mut draws = Draws::default();
    let mut group = criterion.benchmark_group("cache_insert");
    let cache = filled::<K>(entries);
    group.bench_function(name::<K>("replace", size, "100%"), |bencher| {
        bencher.iter(|| {
            let number = draws.below(entries);
            assert_eq!(
                cache.insert(K::numbered(number), number),
                Outcome::Replaced(number)
            );
        });
    });
    let mut removed = 0;
    group.bench_function(name::<K>("remove", size, "100%"), |bencher| {
        bencher.iter_custom(|rounds| {
            let places = removed..removed + rounds;
            removed = places.end;
            removing(&cache, entries, places)
        });
    });
    assert_eq!(cache.len() as u64, entries);

    let mut fresh = entries..;
    group.bench_function(name::<K>("fresh, evicting", size, "0%"), |bencher| {
        bencher.iter(|| {
            let number = fresh.next().expect("fewer than 2⁶⁴ rounds");
            assert_eq!(cache.insert(K::numbered(number), number), Outcome::Inserted);
        });
    });
    assert_eq!(cache.len() as u64, entries);
    group.finish();
}

/// Removes the entries at these places of a scattered order; what is gone comes back between the timed stretches.
fn removing<K: NumberedKey>(cache: &Cache<K, u64>, entries: u64, places: Range<u64>) -> Duration {
    let mut spent = Duration::ZERO;
    let mut place = places.start;
    while place < places.end {
        let stretch = place..places.end.min(place + REMOVED);
        place = stretch.end;
        let start = Instant::now();
        for number in stretch.clone().map(|place| scattered(place, entries)) {
            assert_eq!(cache.remove(&K::numbered(number)), Some(number));
        }
        spent += start.elapsed();
        for number in stretch.map(|place| scattered(place, entries)) {
            cache.insert(K::numbered(number), number);
        }
    }
    spent
}
