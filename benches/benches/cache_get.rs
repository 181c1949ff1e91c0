//! `Cache::get`: a hit on any key, a hit on one hot key, a miss. One thread.

use criterion::{BenchmarkId, Criterion};
use larder::Cache;
use larder_benches::{Draws, NumberedKey, SIZES, run};
use std::hint::black_box;

fn main() {
    run(|criterion| {
        for (entries, size) in SIZES {
            bench::<u64>(criterion, entries, size);
            bench::<[u8; 16]>(criterion, entries, size);
        }
    });
}

fn bench<K: NumberedKey>(criterion: &mut Criterion, entries: u64, size: &str) {
    let cache = Cache::new(entries as usize);
    for number in 0..entries {
        cache.insert(K::numbered(number), number);
    }
    assert_eq!(cache.len() as u64, entries);

    let mut draws = Draws::default();
    let mut group = criterion.benchmark_group("cache_get");
    let name = |what, hits| {
        let key = K::SIZE;
        BenchmarkId::new(
            what,
            format!("key={key} value=8B entries={size} hits={hits}"),
        )
    };
    group.bench_function(name("uniform", "100%"), |bencher| {
        bencher.iter(|| {
            let number = draws.below(entries);
            assert_eq!(cache.get(&K::numbered(number)), Some(number));
        });
    });
    group.bench_function(name("one hot key", "100%"), |bencher| {
        let (number, key) = (7, K::numbered(7));
        bencher.iter(|| assert_eq!(cache.get(black_box(&key)), Some(number)));
    });
    group.bench_function(name("miss", "0%"), |bencher| {
        bencher.iter(|| {
            let number = entries + draws.below(entries);
            assert_eq!(cache.get(&K::numbered(number)), None);
        });
    });
    group.finish();
}
