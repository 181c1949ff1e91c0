//! What a deadline costs the caller who sets it: inserts into a cache whose entries live for a day, less the same without.
//!
//! Each round of each peer fills two caches, with and without, by turns in short runs, and then overwrites all entries in another order: a
//! new timer for each, while the old one is still filed. What slows the machine slows both.

use indicatif::ProgressBar;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use std::time::Duration;

use crate::Failure;
use crate::args::Args;
use crate::clock::{Spread, Stopwatch};
use crate::peer::{Key, Peer, Value, Visitor, visit_peers};
use crate::table::{Table, digits};

/// Longer than any run: nothing may expire while it is measured.
const TTL: Duration = Duration::from_secs(24 * 3600);

/// The fewest rounds that a median is taken from.
const ROUNDS: usize = 5;

/// Inserts before it is the other cache's turn.
const RUN: usize = 1 << 12;

/// Measures every wanted peer that knows time.
///
/// # Errors
/// Arguments that are no numbers.
pub fn run(args: &Args) -> Result<Vec<Table>, Failure> {
    let quick = args.has("--quick");
    let entries = args.number("--entries", if quick { 1 << 17 } else { 1_000_000 })?;
    let rounds = args.number("--rounds", ROUNDS)?;
    let mut order: Vec<u64> = (0..entries).collect();
    order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(
        0x7173_0000 + entries,
    ));
    let columns = ["peer, what", "without", "with", "a timer", "min..max"];
    let mut table = Table::new(format!("Timers: {entries} × u64 → [u8; 32]"), columns);
    table.note(format!(
        "thread CPU ns per insert, {rounds} rounds; a timer: the median of the paired differences"
    ));
    table.note("left out: quick_cache, schnellru, dashmap, papaya (no TTL)");
    let mut timers = Timers {
        args,
        order,
        rounds,
        table: &mut table,
    };
    visit_peers::<u64, [u8; 32]>(&mut timers);
    Ok(vec![table])
}

struct Timers<'a> {
    args: &'a Args,
    order: Vec<u64>,
    rounds: usize,
    table: &'a mut Table,
}

impl<K: Key, V: Value> Visitor<K, V> for Timers<'_> {
    fn visit<P: Peer<K, V>>(&mut self) {
        let capacity = self.order.len() * 5 / 4;
        if !self.args.wants("--peers", P::NAME) || P::with_ttl(1, TTL).is_none() {
            return;
        }
        let bar = ProgressBar::new(self.rounds as u64);
        bar.set_message(P::NAME);
        let (mut fresh, mut again) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            let without = P::new(capacity);
            let with = P::with_ttl(capacity, TTL).expect("it knew time before");
            fresh.push(insert_all(&without, &with, &self.order));
            self.order.reverse();
            again.push(insert_all(&without, &with, &self.order));
            bar.inc(1);
        }
        bar.finish_and_clear();
        for (what, rounds) in [("insert", fresh), ("overwrite", again)] {
            let column = |of: fn(&[f64; 2]) -> f64| Spread::of(rounds.iter().map(of));
            let timer = column(|round| round[1] - round[0]);
            self.table.row(vec![
                format!("{}, {what}", P::NAME),
                digits(column(|round| round[0]).median),
                digits(column(|round| round[1]).median),
                digits(timer.median),
                format!("{}..{}", digits(timer.min), digits(timer.max)),
            ]);
        }
    }
}

/// Inserts all keys into both, by turns; thread CPU nanoseconds per insert of each.
fn insert_all<K: Key, V: Value, P: Peer<K, V>>(without: &P, with: &P, order: &[u64]) -> [f64; 2] {
    let insert = |peer: &P, run: &[u64]| {
        let watch = Stopwatch::start();
        run.iter()
            .for_each(|&number| peer.insert(K::nth(number), V::of(number)));
        watch.elapsed().1
    };
    let mut spent = [Duration::ZERO; 2];
    for run in order.chunks(RUN) {
        spent[0] += insert(without, run);
        spent[1] += insert(with, run);
    }
    without.settle();
    with.settle();
    spent.map(|spent| spent.as_nanos() as f64 / order.len() as f64)
}
