//! A hit of a memoized function beside the hit of a `Cache` that it stands for: the same key, value and bound.

use std::hint::black_box;

use criterion::Criterion;
use larder::{Cache, memoize};
use larder_benches::run;

const ENTRIES: u64 = 1000;

#[memoize(max_entries = 1000)]
fn by_number(number: u64) -> u64 {
    number * 2
}

#[memoize(max_entries = 1000)]
fn by_text(number: u64, text: &str) -> u64 {
    number + text.len() as u64
}

fn main() {
    run(bench);
}

fn bench(criterion: &mut Criterion) {
    let numbers: Cache<u64, u64> = Cache::new(ENTRIES as usize);
    numbers.insert(7, by_number(7));
    let texts: Cache<(u64, String), u64> = Cache::new(ENTRIES as usize);
    let pair = (7, "a text".to_owned());
    texts.insert(pair.clone(), by_text(7, "a text"));

    let mut group = criterion.benchmark_group("memoize");
    group.bench_function("Cache::get key=8B", |bencher| {
        bencher.iter(|| assert_eq!(numbers.get(black_box(&7)), Some(14)));
    });
    group.bench_function("memoized key=8B", |bencher| {
        bencher.iter(|| assert_eq!(by_number(black_box(7)), 14));
    });
    group.bench_function("Cache::get key=(8B, text)", |bencher| {
        bencher.iter(|| assert_eq!(texts.get(black_box(&pair)), Some(13)));
    });
    group.bench_function("memoized key=(8B, text)", |bencher| {
        bencher.iter(|| assert_eq!(by_text(black_box(7), black_box("a text")), 13));
    });
    group.finish();
}
