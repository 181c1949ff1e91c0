//! Union and intersection of two sets of ten million members, half of which they share: copied, counted and stored; and
//! refused, where what comes out does not fit the store's bound.

use std::time::Instant;

use larder::{Error, Store};
use larder_peers::clock::Spread;
use larder_peers::progress::bar;
use larder_peers::table::{Table, digits};

use crate::ALLOCATOR;
use crate::keyspace::{Keyspace, Naive, Together, text};

/// Members of each set.
const HUGE: u64 = 10_000_000;
const ROUNDS: usize = 3;
const SETS: [&str; 2] = ["a", "b"];
/// Share of what the two sets hold by which the bound exceeds it: less than their union needs.
const SLACK: u64 = 8;

const KINDS: [(&str, Together); 2] = [
    ("union", Together::Union),
    ("intersection", Together::Intersection),
];

fn expected(of: Together) -> usize {
    match of {
        Together::Union => (HUGE + HUGE / 2) as usize,
        Together::Intersection => (HUGE / 2) as usize,
    }
}

fn fill<K: Keyspace>(all: &mut K) {
    for number in 0..HUGE {
        all.sadd(b"a", &text(number));
        all.sadd(b"b", &text(number + HUGE / 2));
    }
}

/// Seconds to copy, to count and to store.
fn round<K: Keyspace>(all: &mut K, of: Together) -> [f64; 3] {
    let count = expected(of);
    let seconds = [
        timed(count, || all.copied(of, SETS)),
        timed(count, || all.counted(of, SETS)),
        timed(count, || all.stored(of, "to", SETS)),
    ];
    assert!(all.del(b"to"), "something was stored");
    seconds
}

fn timed(count: usize, call: impl FnOnce() -> usize) -> f64 {
    let start = Instant::now();
    assert_eq!(call(), count);
    start.elapsed().as_secs_f64()
}

fn rows<K: Keyspace>(table: &mut Table, step: impl Fn()) {
    let mut all = K::new();
    fill(&mut all);
    step();
    for (name, of) in KINDS {
        let rounds: Vec<_> = (0..ROUNDS)
            .map(|_| {
                step();
                round(&mut all, of)
            })
            .collect();
        let cells = [0, 1, 2].map(|kind| {
            let spread = Spread::of(rounds.iter().map(|round| round[kind]));
            let [median, min, max] = [spread.median, spread.min, spread.max].map(digits);
            format!("{median} ({min}–{max})")
        });
        let first = [name.to_owned(), K::NAME.to_owned()];
        table.row(first.into_iter().chain(cells));
    }
}

/// A union that does not fit the bound: it is refused, and nothing has changed.
fn refused(held: u64) -> Table {
    let bound = held + held / SLACK;
    let mut store = match Store::builder().max_bytes(bound).build() {
        Ok(store) => store,
        Err(error) => unreachable!("a bound in bytes is all that was asked for: {error}"),
    };
    fill(&mut store);
    let before = ALLOCATOR.allocated();
    let start = Instant::now();
    let result = store.store_union("to", SETS);
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(result, Err(Error::TooLarge));
    assert!(!store.exists("to"), "nothing was stored");
    for key in SETS {
        assert_eq!(store.set_of::<Vec<u8>>(key).len(), Ok(HUGE as usize));
    }
    let left = ALLOCATOR.allocated().saturating_sub(before);
    let columns = ["bound, MB", "seconds to the error", "MB held then"];
    let mut table = Table::new("A union that does not fit the bound", columns);
    table.row([
        digits(bound as f64 / 1e6),
        digits(seconds),
        digits(left as f64 / 1e6),
    ]);
    table
}

pub(crate) fn run() -> Vec<Table> {
    let columns = ["what", "keyspace", "copied", "counted", "stored"];
    let title = "Two sets of 10M members, half of them shared, in seconds";
    let mut table = Table::new(title, columns);
    table.note(format!(
        "members of 16 B; {ROUNDS} rounds; median (least–greatest); wall time"
    ));
    let progress = bar(2 * (1 + KINDS.len() * ROUNDS) + 2, "together");
    rows::<Store>(&mut table, || progress.inc(1));
    rows::<Naive>(&mut table, || progress.inc(1));
    let held = {
        let mut store = Store::new();
        fill(&mut store);
        store.bytes()
    };
    progress.inc(1);
    let refused = refused(held);
    progress.finish_and_clear();
    vec![table, refused]
}
