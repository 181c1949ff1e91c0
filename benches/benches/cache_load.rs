//! `Cache::get_or_load` where the value is there, beside the `get` that it should not cost more than. One thread.

use criterion::{BenchmarkId, Criterion};
use larder::Cache;
use larder_benches::{Draws, NumberedKey, SIZES, run};

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
    let mut group = criterion.benchmark_group("cache_load");
    let name = |what| {
        let key = K::SIZE;
        BenchmarkId::new(
            what,
            format!("key={key} value=8B entries={size} uniform hits=100%"),
        )
    };
    group.bench_function(name("get"), |bencher| {
        bencher.iter(|| {
            let number = draws.below(entries);
            assert_eq!(cache.get(&K::numbered(number)), Some(number));
        });
    });
    group.bench_function(name("get_or_load"), |bencher| {
        bencher.iter(|| {
            let number = draws.below(entries);
            let value =
                cache.get_or_load(&K::numbered(number), || unreachable!("every key is there"));
            assert_eq!(value, Ok(number));
        });
    });
    group.finish();
}
