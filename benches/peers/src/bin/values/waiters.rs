//! Writers beside waiters: what a push costs on keys that nobody waits for, while nobody waits at all, and while tasks
//! wait for ten thousand other keys.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use larder::{End, Error, Store};
use larder_peers::clock::{Spread, Stopwatch};
use larder_peers::progress::bar;
use larder_peers::table::{Table, digits};

use crate::keyspace::mixed;

/// Keys that somebody waits for.
const WAITED: usize = 10_000;
/// Keys that are written.
const WRITTEN: u64 = 1_000;
const ROUNDS: usize = 15;
const CALLS: u64 = 100_000;

const KINDS: [&str; 2] = ["push_back to a list", "add to a sorted set"];

type Served = Result<(Vec<u8>, Vec<u8>), Error>;
type Waiter<'s> = Pin<Box<dyn Future<Output = Served> + 's>>;

fn name(number: u64) -> String {
    format!("written:{number:04}")
}

/// One round of each kind, in nanoseconds of CPU for one call. What it wrote is gone then.
fn round(store: &Store, round: u64) -> [f64; KINDS.len()] {
    let lists: Vec<_> = (0..WRITTEN)
        .map(|key| store.list::<i64>(name(key)))
        .collect();
    let pushed = timed(round, |key, call| {
        assert!(lists[key].push_back(call).is_ok());
    });
    (0..WRITTEN).for_each(|key| assert!(store.remove(name(key))));
    let sets: Vec<_> = (0..WRITTEN)
        .map(|key| store.sorted_set::<i64>(name(key)))
        .collect();
    let added = timed(round, |key, call| {
        assert_eq!(sets[key].add(call, call as f64), Ok(true));
    });
    (0..WRITTEN).for_each(|key| assert!(store.remove(name(key))));
    [pushed, added]
}

fn timed(round: u64, mut call: impl FnMut(usize, i64)) -> f64 {
    let watch = Stopwatch::start();
    for nth in 0..CALLS {
        let key = mixed(round * CALLS + nth) % WRITTEN;
        call(key as usize, nth as i64);
    }
    let (_, cpu) = watch.elapsed();
    cpu.as_nanos() as f64 / CALLS as f64
}

/// Tasks of which each waits for a key of its own.
fn waiters(store: &Store) -> Vec<Waiter<'_>> {
    let mut context = Context::from_waker(Waker::noop());
    let waiter = |number: usize| -> Waiter<'_> {
        let keys = [format!("waited:{number:05}")];
        let mut waiter: Waiter<'_> = Box::pin(store.take::<Vec<u8>>(keys, End::Front));
        assert!(waiter.as_mut().poll(&mut context).is_pending());
        waiter
    };
    (0..WAITED).map(waiter).collect()
}

/// Everyone who waited is served now.
fn serve(store: &Store, waiters: Vec<Waiter<'_>>) {
    let mut context = Context::from_waker(Waker::noop());
    for (number, mut waiter) in waiters.into_iter().enumerate() {
        let key = format!("waited:{number:05}");
        let pushed = store.list::<Vec<u8>>(&key).push_back("a task");
        assert_eq!(pushed, Ok(1));
        let expected = (key.into_bytes(), b"a task".to_vec());
        match waiter.as_mut().poll(&mut context) {
            Poll::Ready(served) => assert_eq!(served, Ok(expected)),
            Poll::Pending => unreachable!("whoever waits is served by the push"),
        }
    }
}

pub(crate) fn run() -> Vec<Table> {
    let (quiet, waited) = (Store::new(), Store::new());
    let waiting = waiters(&waited);
    let progress = bar(ROUNDS + 1, "waiters");
    let mut rounds = Vec::new();
    // The first round warms up. Who begins takes turns, too.
    for number in 0..=ROUNDS {
        let nth = number as u64;
        let figures = if number % 2 == 0 {
            let first = round(&quiet, nth);
            [first, round(&waited, nth)]
        } else {
            let first = round(&waited, nth);
            [round(&quiet, nth), first]
        };
        if number > 0 {
            rounds.push(figures);
        }
        progress.inc(1);
    }
    serve(&waited, waiting);
    progress.finish_and_clear();
    vec![shown(&rounds)]
}

/// What was measured: each beside the other, and their ratio round by round.
fn shown(rounds: &[[[f64; KINDS.len()]; 2]]) -> Table {
    let columns = [
        "a write to a key that nobody waits for".to_owned(),
        "nobody waits".to_owned(),
        format!("{WAITED} wait for others"),
        "ratio".to_owned(),
    ];
    let mut table = Table::new("Writers beside waiters, ns of CPU", columns);
    table.note(format!(
        "{WRITTEN} keys, views kept, elements are integers; {ROUNDS} rounds of {CALLS} calls, interleaved; median (least–greatest)"
    ));
    for (kind, name) in KINDS.into_iter().enumerate() {
        let of = |which: fn(&[[f64; KINDS.len()]; 2], usize) -> f64| {
            let spread = Spread::of(rounds.iter().map(|round| which(round, kind)));
            let [median, min, max] = [spread.median, spread.min, spread.max].map(digits);
            format!("{median} ({min}–{max})")
        };
        table.row([
            name.to_owned(),
            of(|round, kind| round[0][kind]),
            of(|round, kind| round[1][kind]),
            of(|round, kind| round[1][kind] / round[0][kind]),
        ]);
    }
    table
}
