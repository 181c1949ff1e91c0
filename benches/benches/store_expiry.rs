//! `Store::expire`, which moves a deadline, and `Store::ttl`, which reads it. One thread.

use criterion::{BenchmarkId, Criterion};
use larder::{Store, Ttl};
use larder_benches::{Draws, NumberedKey, SIZES, doubled, run};
use std::time::Duration;

/// Longer than any run: nothing expires while it is measured.
const HOUR: Duration = Duration::from_secs(3600);

type Key = [u8; 16];

fn main() {
    run(|criterion| {
        for (entries, size) in SIZES {
            bench(criterion, entries, size);
        }
    });
}

fn bench(criterion: &mut Criterion, entries: u64, size: &str) {
    let store = Store::new();
    for key in (0..entries).map(Key::numbered) {
        store
            .set(key, doubled(&key))
            .expect("a store without a bound");
        assert_eq!(store.expire(key, 2 * HOUR), Ok(true));
    }
    let mut draws = Draws::default();
    let mut group = criterion.benchmark_group("store_expiry");
    let name = |what| {
        BenchmarkId::new(
            what,
            format!("key=16B value=32B entries={size} uniform hits=100%"),
        )
    };

    let mut last = Key::numbered(0);
    group.bench_function(name("expire"), |bencher| {
        bencher.iter(|| {
            last = Key::numbered(draws.below(entries));
            assert_eq!(store.expire(last, HOUR), Ok(true));
        });
    });
    assert!(store.ttl(last).left().is_some_and(|left| left <= HOUR));

    group.bench_function(name("ttl"), |bencher| {
        bencher.iter(|| {
            let ttl = store.ttl(Key::numbered(draws.below(entries)));
            assert!(matches!(ttl, Ttl::Left(left) if left <= 2 * HOUR));
        });
    });
    assert_eq!(store.len() as u64, entries);
    group.finish();
}
