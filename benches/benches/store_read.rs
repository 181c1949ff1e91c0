//! `Store::get_into`, `get`, `get_with` and `get_many` where the values are there. One thread.

use criterion::{BenchmarkId, Criterion, Throughput};
use larder::Store;
use larder_benches::{Draws, NumberedKey, SIZES, doubled, run};
use std::array;

/// How many keys one `get_many` asks for.
const BATCH: usize = 16;

type Key = [u8; 16];

fn main() {
    run(|criterion| {
        for (entries, size) in SIZES {
            let store = Store::new();
            for key in (0..entries).map(Key::numbered) {
                store
                    .set(key, doubled(&key))
                    .expect("a store without a bound");
            }
            assert_eq!(store.len() as u64, entries);
            bench_one(criterion, &store, size);
            bench_many(criterion, &store, size);
        }
    });
}

fn name(what: &str, size: &str) -> BenchmarkId {
    BenchmarkId::new(
        what,
        format!("key=16B value=32B entries={size} uniform hits=100%"),
    )
}

fn bench_one(criterion: &mut Criterion, store: &Store, size: &str) {
    let entries = store.len() as u64;
    let mut draws = Draws::default();
    let mut group = criterion.benchmark_group("store_read");
    group.bench_function(name("get_into", size), |bencher| {
        let mut value = Vec::new();
        bencher.iter(|| {
            let key = Key::numbered(draws.below(entries));
            assert_eq!(store.get_into(key, &mut value), Ok(true));
            assert_eq!(value, doubled(&key));
        });
    });
    group.bench_function(name("get String", size), |bencher| {
        bencher.iter(|| {
            let key = Key::numbered(draws.below(entries));
            let value = store
                .get::<String>(key)
                .expect("text")
                .expect("every key is there");
            assert_eq!(value.as_bytes(), doubled(&key));
        });
    });
    group.bench_function(name("get_with", size), |bencher| {
        bencher.iter(|| {
            let key = Key::numbered(draws.below(entries));
            assert_eq!(
                store.get_with(key, |value| value == doubled(&key)),
                Ok(Some(true))
            );
        });
    });
    group.finish();
}

/// The time is that of a batch, the throughput that of its keys.
fn bench_many(criterion: &mut Criterion, store: &Store, size: &str) {
    let entries = store.len() as u64;
    let mut draws = Draws::default();
    let mut group = criterion.benchmark_group("store_read");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function(name("get_many String of 16", size), |bencher| {
        bencher.iter(|| {
            let keys: [Key; BATCH] = array::from_fn(|_| Key::numbered(draws.below(entries)));
            let values = store.get_many::<String>(keys).expect("text");
            assert_eq!(values.len(), BATCH);
            for (key, value) in keys.iter().zip(values) {
                assert_eq!(value.expect("every key is there").as_bytes(), doubled(key));
            }
        });
    });
    group.finish();
}
