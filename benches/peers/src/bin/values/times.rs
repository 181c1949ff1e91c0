//! What one call takes, in rounds that take turns with the rival's.

use std::hint::black_box;

use larder::Store;
use larder_peers::clock::{Spread, Stopwatch};
use larder_peers::progress::bar;
use larder_peers::table::{Table, digits};

use crate::bytes::{FILLINGS, carry_out, field};
use crate::keyspace::{Keyspace, Naive, mixed, text};

/// Small hashes.
const HASHES: u64 = 1 << 16;
/// Members of the large set, fields of the large hash.
const LARGE: u64 = 1_000_000;
/// Elements of a queue, into and out of which one goes at a time.
const QUEUE: u64 = 100;
const ROUNDS: u64 = 7;
const CALLS: u64 = 50_000;

const KINDS: [&str; 6] = [
    "HGET of 10",
    "HSET of 10",
    "HGET of 1M",
    "HSET of 1M",
    "SISMEMBER of 1M",
    "RPUSH + LPOP at 100",
];

fn filled<K: Keyspace>() -> K {
    let mut all = K::new();
    (FILLINGS[0].fill)(HASHES, &mut |words| carry_out(&mut all, words));
    (FILLINGS[1].fill)(LARGE, &mut |words| carry_out(&mut all, words));
    for number in 0..LARGE {
        assert!(all.hset(b"hash", &text(number), &text(!number)));
    }
    for number in 0..QUEUE {
        all.rpush(b"queue", format!("task:{number:06}").as_bytes());
    }
    all
}

/// One round of every kind, in nanoseconds of CPU for one of them.
fn round<K: Keyspace>(all: &mut K, round: u64) -> [f64; KINDS.len()] {
    let draw = |call: u64| mixed(round * CALLS + call);
    let small = |call: u64| (draw(call) % HASHES, draw(call) >> 32 & 7);
    let large = |call: u64| draw(call) % LARGE;
    [
        timed(|call| {
            let (hash, number) = small(call);
            let value = all.hget(&text(hash), &field(number));
            assert_eq!(value, Some(text(hash ^ number)));
        }),
        timed(|call| {
            let (hash, number) = small(call);
            assert!(!all.hset(&text(hash), &field(number), &text(hash ^ number)));
        }),
        timed(|call| {
            let value = all.hget(b"hash", &text(large(call)));
            assert_eq!(value, Some(text(!large(call))));
        }),
        timed(|call| assert!(!all.hset(b"hash", &text(large(call)), &text(!large(call))))),
        timed(|call| assert!(all.sismember(b"set", &text(large(call))))),
        timed(|call| {
            all.rpush(b"queue", format!("task:{:06}", call % 1_000_000).as_bytes());
            assert!(black_box(all.lpop(b"queue")).is_some());
        }),
    ]
}

fn timed(mut call: impl FnMut(u64)) -> f64 {
    let watch = Stopwatch::start();
    (0..CALLS).for_each(&mut call);
    let (_, cpu) = watch.elapsed();
    cpu.as_nanos() as f64 / CALLS as f64
}

pub(crate) fn run() -> Vec<Table> {
    let progress = bar(ROUNDS as usize + 2, "times");
    let (mut store, mut naive) = (filled::<Store>(), filled::<Naive>());
    progress.inc(1);
    let mut rounds = [Vec::new(), Vec::new()];
    // The first round warms up.
    for number in 0..=ROUNDS {
        let figures = [round(&mut store, number), round(&mut naive, number)];
        if number > 0 {
            rounds
                .iter_mut()
                .zip(figures)
                .for_each(|(all, one)| all.push(one));
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    let columns = ["keyspace"].into_iter().chain(KINDS);
    let mut table = Table::new("Values, ns of CPU", columns);
    table.note(format!(
        "{ROUNDS} rounds of {CALLS} calls, interleaved; median (least–greatest); the keys and values are made in each call"
    ));
    for (name, rounds) in [Store::NAME, Naive::NAME].into_iter().zip(&rounds) {
        let cells = (0..KINDS.len()).map(|kind| {
            let spread = Spread::of(rounds.iter().map(|round| round[kind]));
            let [median, min, max] = [spread.median, spread.min, spread.max].map(digits);
            format!("{median} ({min}–{max})")
        });
        table.row([name.to_owned()].into_iter().chain(cells));
    }
    vec![table]
}
