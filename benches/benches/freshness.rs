//! What freshness and tags cost: a hit without them, with a time to live, with rules, with tags that nobody invalidated
//! and with tags after invalidations of others; by `get` and by a loading call. One thread.

use criterion::{BenchmarkId, Criterion};
use larder::{Cache, Freshness, Loaded, Tag, Tags};
use larder_benches::{Draws, NumberedKey, SIZES, run};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn main() {
    run(|criterion| {
        for (entries, size) in SIZES {
            let tags = Tags::new();
            let bounded = || Cache::builder().max_entries(entries as usize);
            let built = [
                ("plain", bounded().build()),
                ("ttl", bounded().ttl(HOUR).build()),
                ("freshness", bounded().freshness(rules()).build()),
                ("one tag", bounded().tags(&tags).build()),
            ];
            for (what, cache) in built {
                let cache = cache.expect("the settings are valid");
                bench(criterion, (what, size), &fill(cache, entries), entries);
            }
            let tags = Tags::new();
            let outdated = bounded().tags(&tags).build();
            let cache = fill(outdated.expect("the settings are valid"), entries);
            // Every hit now looks at the ledgers.
            (0..10_000u64).for_each(|other| tags.invalidate(&other.to_le_bytes()));
            bench(
                criterion,
                ("one tag, others invalidated", size),
                &cache,
                entries,
            );
        }
        invalidations(criterion);
    });
}

fn rules() -> Freshness {
    Freshness::new(HOUR)
        .refresh_at(0.9)
        .early(1.0)
        .stale_for(HOUR)
        .stale_if_error(HOUR)
}

fn fill(cache: Cache<u64, u64>, entries: u64) -> Cache<u64, u64> {
    for number in 0..entries {
        let tag = Tag::new(format!("group:{}", number % 1000));
        cache.insert_loaded(u64::numbered(number), Loaded::new(number).tag(tag));
    }
    assert_eq!(cache.len() as u64, entries);
    cache
}

fn bench(
    criterion: &mut Criterion,
    (what, size): (&str, &str),
    cache: &Cache<u64, u64>,
    entries: u64,
) {
    let mut draws = Draws::default();
    let mut group = criterion.benchmark_group("freshness");
    let name = |call| BenchmarkId::new(call, format!("{what} entries={size} hits=100%"));
    group.bench_function(name("get"), |bencher| {
        bencher.iter(|| {
            let number = draws.below(entries);
            assert_eq!(cache.get(&u64::numbered(number)), Some(number));
        });
    });
    group.bench_function(name("get_or_load"), |bencher| {
        bencher.iter(|| {
            let number = draws.below(entries);
            let value = cache.get_or_load(&u64::numbered(number), || unreachable!("it is there"));
            assert_eq!(value, Ok(number));
        });
    });
    group.finish();
}

fn invalidations(criterion: &mut Criterion) {
    let (tags, mut draws) = (Tags::new(), Draws::default());
    let mut group = criterion.benchmark_group("freshness");
    group.bench_function("invalidate one of 1M tags", |bencher| {
        bencher.iter(|| tags.invalidate(&draws.below(1 << 20).to_le_bytes()));
    });
    group.finish();
}
