//! `Set`: `add` and `contains` among a million members, the intersection of two sets of 100 000, and the removal of a set of
//! ten million as its caller sees it; bytes per member at the start. One thread, beside the one that frees large values.

#![allow(clippy::disallowed_methods, reason = "a bench measures")]

use criterion::{BenchmarkId, Criterion, Throughput};
use larder::{Set, Store};
use larder_benches::{Draws, NumberedKey, run};
use std::time::{Duration, Instant};

const MEMBERS: u64 = 1_000_000;

/// Members of each side of an intersection; half of them are in both.
const SIDE: u64 = 100_000;

/// Members of the set that is removed.
const HUGE: u64 = 10_000_000;

/// Integers of a small set: eight bytes each, none fits four.
const INTEGERS: u64 = 500;

/// Small sets of integers.
const SMALL_SETS: u64 = 1000;

type Text = [u8; 16];

fn main() {
    run(|criterion| {
        print_integers();
        let store = Store::new();
        bench_members(criterion, &large(&store));
        drop(store);
        bench_intersection(criterion);
        time_removal();
    });
}

fn print_integers() {
    let store = Store::new();
    let before = store.bytes();
    for key in 0..SMALL_SETS {
        let members = (0..INTEGERS).map(|number| i64::MAX - (number * SMALL_SETS + key) as i64);
        let added = store.set_of::<i64>(Text::numbered(key)).add_many(members);
        assert_eq!(added, Ok(INTEGERS as usize));
    }
    let each = (store.bytes() - before) as f64 / (SMALL_SETS * INTEGERS) as f64;
    println!("an integer of eight bytes, in a set of 500: {each:.2} bytes");
}

fn filled(store: &Store, key: &str, members: impl Iterator<Item = u64>) {
    let set = store.set_of::<Vec<u8>>(key);
    for number in members {
        assert_eq!(set.add(Text::numbered(number)), Ok(true));
    }
}

fn large(store: &Store) -> Set<'_, Vec<u8>> {
    let before = store.bytes();
    filled(store, "large", 0..MEMBERS);
    let each = (store.bytes() - before) as f64 / MEMBERS as f64;
    println!("a member of 16 bytes, in a set of a million: {each:.1} bytes");
    store.set_of("large")
}

fn bench_members(criterion: &mut Criterion, set: &Set<'_, Vec<u8>>) {
    let mut group = criterion.benchmark_group("set");
    let id = |what| BenchmarkId::new(what, "members=1M member=16B");
    let mut draws = Draws::default();
    group.bench_function(id("contains, there"), |bencher| {
        bencher.iter(|| {
            let number = draws.below(MEMBERS);
            assert_eq!(set.contains(Text::numbered(number)), Ok(true));
        });
    });
    group.bench_function(id("contains, not there"), |bencher| {
        bencher.iter(|| {
            let number = MEMBERS + draws.below(MEMBERS);
            assert_eq!(set.contains(Text::numbered(number)), Ok(false));
        });
    });
    group.bench_function(id("add, there"), |bencher| {
        bencher.iter(|| {
            let number = draws.below(MEMBERS);
            assert_eq!(set.add(Text::numbered(number)), Ok(false));
        });
    });
    let mut next = MEMBERS;
    group.bench_function(id("add, remove the oldest"), |bencher| {
        bencher.iter(|| {
            assert_eq!(set.add(Text::numbered(next)), Ok(true));
            assert_eq!(set.remove(Text::numbered(next - MEMBERS)), Ok(true));
            next += 1;
        });
    });
    group.finish();
}

fn bench_intersection(criterion: &mut Criterion) {
    let store = Store::new();
    filled(&store, "left", 0..SIDE);
    filled(&store, "right", SIDE / 2..SIDE / 2 + SIDE);
    let mut group = criterion.benchmark_group("set");
    group.throughput(Throughput::Elements(SIDE));
    let id = BenchmarkId::new("intersection", "members=2x100K member=16B both=50K");
    group.bench_function(id, |bencher| {
        bencher.iter(|| {
            let both = store.intersection::<Vec<u8>>(["left", "right"]);
            assert_eq!(both.expect("two sets").len(), (SIDE / 2) as usize);
        });
    });
    group.finish();
}

/// The set is far more work to fill than to remove, so that it is removed a few times and not as often as criterion would.
fn time_removal() {
    const ROUNDS: usize = 3;
    let store = Store::new();
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..ROUNDS {
        filled(&store, "huge", 0..HUGE);
        let start = Instant::now();
        let removed = store.remove("huge");
        times.push(start.elapsed());
        assert!(removed);
    }
    times.sort();
    println!("set/removal by its caller/members=10M member=16B: {times:?}");
}
