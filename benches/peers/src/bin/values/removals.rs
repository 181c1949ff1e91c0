//! How long the caller of a removal of something huge waits, and when its memory has gone back.

use std::time::{Duration, Instant};

use larder::Store;
use larder_peers::progress::bar;
use larder_peers::table::{Table, nanos};

use crate::ALLOCATOR;
use crate::keyspace::{Keyspace, Naive, mixed, text};

/// Elements of what is removed.
const HUGE: u64 = 10_000_000;
/// Removals of larder's; the rival is filled and emptied less often, it takes long and does not vary as much.
const REMOVALS: usize = 5;
const RIVALS_REMOVALS: usize = 3;
/// What may be held of a thing that is gone: tables that have grown for its key.
const LEFT: usize = 16 << 20;
/// After so long it is said that memory was not given back.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is removed, and how one element comes.
struct Case<K> {
    name: &'static str,
    add: fn(&mut K, u64),
}

fn cases<K: Keyspace>() -> [Case<K>; 4] {
    [
        Case {
            name: "set",
            add: |all, number| assert!(all.sadd(b"huge", &text(number))),
        },
        Case {
            name: "hash",
            add: |all, number| assert!(all.hset(b"huge", &text(number), b"a value")),
        },
        Case {
            name: "list",
            add: |all, number| assert!(all.rpush(b"huge", &text(number)) as u64 > number),
        },
        Case {
            name: "sorted set",
            add: |all, number| {
                let score = (mixed(!number) >> 12) as f64;
                assert!(all.zadd(b"huge", &text(number), score));
            },
        },
    ]
}

/// What removals took: the caller's waits, sorted, and the longest time until the memory had gone back.
struct Taken {
    waits: Vec<u64>,
    freed: Option<u64>,
}

fn removals<K: Keyspace>(case: &Case<K>, rounds: usize, step: impl Fn()) -> Taken {
    let mut all = K::new();
    let mut taken = Taken {
        waits: Vec::new(),
        freed: Some(0),
    };
    for _ in 0..rounds {
        let before = ALLOCATOR.allocated();
        (0..HUGE).for_each(|number| (case.add)(&mut all, number));
        let start = Instant::now();
        assert!(all.del(b"huge"), "there is something to remove");
        taken.waits.push(start.elapsed().as_nanos() as u64);
        let freed = loop {
            let after = start.elapsed();
            if ALLOCATOR.allocated() < before + LEFT {
                break Some(after.as_nanos() as u64);
            }
            if after > PATIENCE {
                break None;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        taken.freed = taken.freed.zip(freed).map(|(a, b)| a.max(b));
        step();
    }
    taken.waits.sort_unstable();
    taken
}

fn rows<K: Keyspace>(table: &mut Table, rounds: usize, wanted: &str, step: impl Fn()) {
    for case in cases::<K>() {
        if !case.name.contains(wanted) {
            continue;
        }
        let taken = removals(&case, rounds, &step);
        let waits = [0, rounds / 2, rounds - 1].map(|nth| nanos(taken.waits[nth]));
        let freed = taken.freed.map_or("not".to_owned(), nanos);
        let first = [case.name.to_owned(), K::NAME.to_owned()];
        table.row(first.into_iter().chain(waits).chain([freed]));
    }
}

/// The cases whose name has `wanted` in it.
pub(crate) fn run(wanted: &str) -> Vec<Table> {
    let columns = [
        "what",
        "keyspace",
        "least",
        "median",
        "greatest",
        "freed after, at most",
    ];
    let title = "Removal of 10M elements, as its caller sees it";
    let mut table = Table::new(title, columns);
    table.note(format!(
        "elements of 16 B; {REMOVALS} removals, {RIVALS_REMOVALS} of the rival's; wall time"
    ));
    let cases = cases::<Store>();
    let shown = cases.iter().filter(|case| case.name.contains(wanted));
    let progress = bar(shown.count() * (REMOVALS + RIVALS_REMOVALS), "removals");
    rows::<Store>(&mut table, REMOVALS, wanted, || progress.inc(1));
    rows::<Naive>(&mut table, RIVALS_REMOVALS, wanted, || progress.inc(1));
    progress.finish_and_clear();
    vec![table]
}
