//! Nanoseconds per operation, in interleaved rounds: A B C, A B C, ... so that what slows the machine slows all.
//!
//! One round of one peer: prepare outside of the clock, start the threads, let each walk its part of the
//! order, check what was found. Caches of all peers live side by side; each round starts with them cold in the
//! CPU's caches, since the others have run in between.

use std::hint::black_box;
use std::marker::PhantomData;
use std::sync::Barrier;
use std::thread;

use indicatif::{ProgressBar, ProgressStyle};

use crate::Failure;
use crate::args::Args;
use crate::clock::Stopwatch;
use crate::peer::{Key, Peer, Value, Visitor, visit_peers};
use crate::standing::{self, Measured};
use crate::table::Table;
use crate::workload::{Answers, BATCH, Op, Plan, WORKLOADS, Workload};

/// The fewest rounds that a median is taken from.
const ROUNDS: usize = 7;

/// Keys that were never inserted start here.
const ABSENT: u64 = 1 << 40;

/// Runs the workloads that are wanted and returns their tables.
///
/// # Errors
/// Arguments that are no numbers.
pub fn run(args: &Args) -> Result<Vec<Table>, Failure> {
    let rounds = args.number("--rounds", ROUNDS)?;
    let quick = args.has("--quick");
    let large = args.number("--entries", if quick { 1 << 17 } else { 1_000_000 })?;
    let ops = args.number("--ops", if quick { 1 << 17 } else { 1 << 20 })?;
    let threads: Vec<usize> = match args.number("--threads", 0)? {
        0 => vec![1, 2],
        some => vec![some],
    };
    let scale = Scale {
        rounds,
        large,
        ops,
        threads,
    };
    let mut measured = Vec::new();
    measure::<u64>(args, &scale, &mut measured);
    measure::<[u8; 16]>(args, &scale, &mut measured);
    measure::<String>(args, &scale, &mut measured);
    Ok(standing::tables(&measured, &scale.describe()))
}

/// How much is done.
struct Scale {
    rounds: usize,
    large: usize,
    ops: usize,
    threads: Vec<usize>,
}

impl Scale {
    fn describe(&self) -> String {
        let Self {
            rounds, large, ops, ..
        } = self;
        format!(
            "{large} entries (4K: 4096 entries, in L2), 32 B values, {ops} operations a round split over the threads, {rounds} interleaved rounds"
        )
    }
}

/// Measures every wanted workload with one type of key.
fn measure<K: Key>(args: &Args, scale: &Scale, measured: &mut Vec<Measured>) {
    if !args.wants("--keys", K::NAME) {
        return;
    }
    for workload in WORKLOADS
        .iter()
        .filter(|workload| args.wants("--only", workload.name))
    {
        let entries = workload.entries(scale.large);
        let plan = workload.plan(entries, scale.ops);
        let mut grid = Grid {
            args,
            workload,
            entries,
            lanes: Vec::new(),
        };
        visit_peers::<K, [u8; 32]>(&mut grid);
        let mut lanes = grid.lanes;
        let bar = progress(
            lanes.len() * scale.rounds * scale.threads.len(),
            K::NAME,
            workload.name,
        );
        for &threads in &scale.threads {
            let mut rows: Vec<Measured> = lanes
                .iter()
                .map(|lane| Measured::new(K::NAME, workload.name, threads, lane.name()))
                .collect();
            for _ in 0..scale.rounds {
                for (lane, row) in lanes.iter_mut().zip(&mut rows) {
                    let sample = lane.round(&plan, threads);
                    row.push(sample.wall_ns, sample.cpu_ns, sample.wrong);
                    bar.inc(1);
                }
            }
            measured.append(&mut rows);
        }
        bar.finish_and_clear();
    }
}

fn progress(steps: usize, keys: &str, workload: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
    let bar = ProgressBar::new(steps as u64);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.with_message(format!("{keys}: {workload}"))
}

/// Builds a lane for each peer that a workload applies to.
struct Grid<'a> {
    args: &'a Args,
    workload: &'a Workload,
    entries: usize,
    lanes: Vec<Box<dyn Lane>>,
}

impl<K: Key, V: Value> Visitor<K, V> for Grid<'_> {
    fn visit<P: Peer<K, V>>(&mut self) {
        let applies = P::BOUNDED || self.workload.op != Op::Insert;
        if applies && self.args.wants("--peers", P::NAME) {
            let peer = P::new(self.workload.capacity(self.entries));
            fill(&peer, 0..self.entries as u64);
            self.lanes.push(Box::new(Track {
                peer,
                fresh: self.entries as u64,
                types: PhantomData,
            }));
        }
    }
}

fn fill<K: Key, V: Value, P: Peer<K, V>>(peer: &P, numbers: std::ops::Range<u64>) {
    numbers.for_each(|number| peer.insert(K::nth(number), V::of(number)));
    peer.settle();
}

/// One round of one peer.
struct Sample {
    wall_ns: f64,
    cpu_ns: f64,
    wrong: Option<String>,
}

/// A peer in its place in the order of a round. One call through a table of functions per round.
trait Lane {
    fn name(&self) -> &'static str;
    fn round(&mut self, plan: &Plan, threads: usize) -> Sample;
}

/// A filled peer, and the number of the first key that it has not seen.
struct Track<K, V, P> {
    peer: P,
    fresh: u64,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K: Key, V: Value, P: Peer<K, V>> Lane for Track<K, V, P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn round(&mut self, plan: &Plan, threads: usize) -> Sample {
        let base = match plan.op {
            Op::Get | Op::GetApart | Op::GetMany | Op::Mixed => 0,
            Op::Miss => ABSENT,
            Op::Insert => self.fresh,
            Op::Remove => {
                fill(&self.peer, 0..plan.entries as u64);
                0
            }
        };
        let (wall_ns, cpu_ns, found) =
            timed(plan, threads, |part| walk(&self.peer, plan, part, base));
        self.fresh += plan.order.len() as u64;
        Sample {
            wall_ns,
            cpu_ns,
            wrong: self.complaint(plan, found),
        }
    }
}

impl<K: Key, V: Value, P: Peer<K, V>> Track<K, V, P> {
    /// What is wrong with a round's answers, if anything.
    fn complaint(&self, plan: &Plan, found: Answers) -> Option<String> {
        self.peer.settle();
        let len = self.peer.count();
        let expected = plan.expected();
        match plan.op {
            Op::Get | Op::GetApart | Op::GetMany | Op::Miss | Op::Mixed => {
                (found != expected).then(|| format!("{} hits of {}", found.hits, expected.hits))
            }
            Op::Insert => {
                let bounds = plan.entries * 9 / 10..=plan.entries + plan.entries / 50;
                (!bounds.contains(&len)).then(|| format!("{len} entries kept of {}", plan.entries))
            }
            Op::Remove => (len != 0).then(|| format!("{len} entries left")),
        }
    }
}

/// Walks a part of an order, doing at each step what the plan says.
fn walk<K: Key, V: Value, P: Peer<K, V>>(
    peer: &P,
    plan: &Plan,
    part: &[u32],
    base: u64,
) -> Answers {
    let mut found = Answers::default();
    let mut buffer = Vec::with_capacity(64);
    let mut keys = Vec::with_capacity(BATCH);
    for _ in 0..plan.laps {
        match plan.op {
            Op::Get | Op::Miss => part.iter().for_each(|&step| {
                if let Some(stamp) = peer.read(&K::nth(base + u64::from(step)), &mut buffer) {
                    found.add(stamp);
                }
            }),
            Op::GetApart => part.iter().for_each(|&step| {
                if let Some(stamp) = peer.read(&K::nth(u64::from(step)), &mut buffer) {
                    found.add(stamp);
                }
                other_work();
            }),
            Op::GetMany => {
                for steps in part.chunks(BATCH) {
                    keys.clear();
                    keys.extend(steps.iter().map(|&step| K::nth(u64::from(step))));
                    peer.read_many(&keys, &mut buffer, &mut |stamp| found.add(stamp));
                }
            }
            Op::Mixed => part.iter().for_each(|&step| {
                let (number, inserts) = Plan::step(step);
                if inserts {
                    peer.insert(K::nth(number), V::of(number));
                } else if let Some(stamp) = peer.read(&K::nth(number), &mut buffer) {
                    found.add(stamp);
                }
            }),
            Op::Insert => part.iter().for_each(|&step| {
                let number = base + u64::from(step);
                peer.insert(K::nth(number), V::of(number));
            }),
            Op::Remove => part
                .iter()
                .for_each(|&step| peer.remove(&K::nth(u64::from(step)))),
        }
    }
    found
}

/// Some 20 ns in which nothing else can be done: each step needs the one before.
fn other_work() {
    let work = (0..20_u64).fold(black_box(7_u64), |x, _| {
        black_box(x ^ x.wrapping_shl(13)).rotate_left(7)
    });
    black_box(work);
}

/// Splits the order over the threads, runs the parts at once, and returns wall and CPU nanoseconds per
/// operation of one thread. The wall's time is that of the slowest thread.
fn timed(
    plan: &Plan,
    threads: usize,
    work: impl Fn(&[u32]) -> Answers + Sync,
) -> (f64, f64, Answers) {
    let part = plan.order.len().div_ceil(threads);
    let start = Barrier::new(plan.order.chunks(part).len());
    let runs: Vec<_> = thread::scope(|scope| {
        let run = |part| {
            start.wait();
            let watch = Stopwatch::start();
            let found = work(part);
            (watch.elapsed(), found)
        };
        let spawned: Vec<_> = plan
            .order
            .chunks(part)
            .map(|part| scope.spawn(move || run(part)))
            .collect();
        spawned
            .into_iter()
            .map(|thread| thread.join().expect("no peer panics"))
            .collect()
    });
    let steps = (part * plan.laps) as f64;
    let wall = runs
        .iter()
        .map(|((wall, _), _)| wall.as_nanos())
        .max()
        .unwrap_or(0) as f64;
    let cpu = runs
        .iter()
        .map(|((_, cpu), _)| cpu.as_nanos())
        .sum::<u128>() as f64
        / runs.len() as f64;
    let found = runs
        .iter()
        .fold(Answers::default(), |sum, (_, found)| sum.plus(*found));
    (wall / steps, cpu / steps, found)
}
