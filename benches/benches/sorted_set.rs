//! `SortedSet`: a million members of 16 bytes with random scores; adding, scoring anew, rank, score, a range of a
//! hundred, popping. Before the benches: the bytes that a member takes. One thread.

use criterion::{BenchmarkId, Criterion, Throughput};
use larder::{SortedSet, Store};
use larder_benches::{Draws, NumberedKey, run};
use std::hint::black_box;

const MEMBERS: u64 = 1_000_000;
/// A member's own bytes.
const OWN: f64 = 16.0;

fn main() {
    run(|criterion| {
        let store = Store::new();
        let set = store.sorted_set::<Vec<u8>>("set");
        let mut draws = Draws::default();
        for number in 0..MEMBERS {
            add(&set, number, &mut draws);
        }
        assert_eq!(set.len(), Ok(MEMBERS as usize));
        let beside = store.bytes() as f64 / MEMBERS as f64 - OWN;
        println!("a member of 16 bytes takes {beside:.1} beside its own, the score's with them");
        bench_reads(criterion, &set, &mut draws);
        bench_writes(criterion, &set, &mut draws);
    });
}

fn member(number: u64) -> Vec<u8> {
    <[u8; 16]>::numbered(number).to_vec()
}

/// A random score of up to a million.
fn score(draws: &mut Draws) -> f64 {
    draws.below(1 << 52) as f64 / (1u64 << 52) as f64 * 1e6
}

fn add(set: &SortedSet<'_, Vec<u8>>, number: u64, draws: &mut Draws) -> bool {
    let added = set.add(member(number), score(draws));
    added.expect("a store without a bound")
}

fn id(what: &str) -> BenchmarkId {
    BenchmarkId::new(what, "member=16B len=1M")
}

fn bench_reads(criterion: &mut Criterion, set: &SortedSet<'_, Vec<u8>>, draws: &mut Draws) {
    let mut group = criterion.benchmark_group("sorted_set");
    group.bench_function(id("score"), |bencher| {
        bencher.iter(|| set.score(member(draws.below(MEMBERS))));
    });
    group.bench_function(id("rank"), |bencher| {
        bencher.iter(|| set.rank(member(draws.below(MEMBERS))));
    });
    group.throughput(Throughput::Elements(100));
    group.bench_function(id("range of 100"), |bencher| {
        bencher.iter(|| {
            let first = draws.below(MEMBERS - 100) as i64;
            let part = set
                .range_with_scores(first..=first + 99)
                .expect("a sorted set");
            assert_eq!(black_box(part).len(), 100);
        });
    });
    group.finish();
}

fn bench_writes(criterion: &mut Criterion, set: &SortedSet<'_, Vec<u8>>, draws: &mut Draws) {
    let mut group = criterion.benchmark_group("sorted_set");
    group.bench_function(id("add, scored anew"), |bencher| {
        bencher.iter(|| {
            let number = draws.below(MEMBERS);
            assert!(!add(set, number, draws), "all members are there");
        });
    });
    let mut next = MEMBERS;
    group.bench_function(id("add, new"), |bencher| {
        bencher.iter(|| {
            assert!(add(set, next, draws), "numbers come once");
            next += 1;
        });
    });
    group.bench_function(id("pop_min"), |bencher| {
        bencher.iter(|| {
            let popped = set.pop_min().expect("a sorted set");
            if popped.is_none() {
                add(set, next, draws);
                next += 1;
            }
            popped
        });
    });
    group.finish();
}
