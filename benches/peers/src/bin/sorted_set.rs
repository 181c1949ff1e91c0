//! `peers-sorted-set`: larder's sorted set beside a map from members to scores with an ordered set of both: indexset's
//! `BTreeSet`, which knows ranks, and the standard library's, which counts them by walking.
//!
//! A million members of 16 bytes with random scores. Rounds are interleaved, on the thread's CPU time; median, least and
//! greatest are shown, and how larder's median compares with each rival's. The rivals share no string between their two
//! halves: members are held in both, as `Box<[u8]>`, of which a reader gets a copy in all three. Larder's view is made
//! anew for every call, as a server's command would; the row "view kept" makes it once and reads members as `[u8; 16]`.
//!
//! Parts: `all`, `ranked` (without the standard library's set, some seconds), `servers`.
//!
//! Where a server is installed, one is started, filled with the same members, and asked for the bytes that it takes.

use std::alloc::System;
use std::collections::HashMap;
use std::hint::black_box;
use std::process::ExitCode;

use cap::Cap;
use larder::Store;
use larder_peers::clock::{Spread, Stopwatch};
use larder_peers::progress::bar;
use larder_peers::server::Server;
use larder_peers::table::{Table, digits};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const MEMBERS: u64 = 1_000_000;
const ROUNDS: u64 = 7;
/// Operations of a round. The standard library walks for ranks: fewer there.
const CALLS: u64 = 20_000;
const WALKS: u64 = 20;
const RANGE: usize = 100;
/// Bytes of a member itself.
const OWN: f64 = 16.0;

type Member = Box<[u8]>;
/// A score whose bits compare as it does, since it is not negative, and a member.
type Row = (u64, Member);

/// A sorted set, as far as the rounds need it.
trait Sorted {
    const NAME: &str;
    /// How many ranks are asked for in a round.
    const RANKS: u64 = CALLS;

    /// Gives a member a score.
    fn add(&mut self, member: &[u8], score: f64);
    fn score(&self, member: &[u8]) -> Option<f64>;
    fn rank(&self, member: &[u8]) -> Option<usize>;
    /// Copies a hundred rows from a rank on; how many there were.
    fn range(&self, from: usize) -> usize;
    /// Adds up a hundred scores from a rank on, and the first bytes of the members; copies nothing for the caller.
    fn walk(&self, from: usize) -> f64;
    fn pop_min(&mut self) -> Option<f64>;
}

/// What a walk does with a row.
fn weigh(member: &[u8], score: f64) -> f64 {
    score + f64::from(member[0])
}

/// The ordered half of a rival.
trait Rows: Default {
    const NAME: &str;
    const RANKS: u64;

    fn insert(&mut self, row: Row);
    fn remove(&mut self, row: &Row);
    fn rank(&self, row: &Row) -> usize;
    fn from(&self, rank: usize) -> impl Iterator<Item = &Row>;
    fn pop(&mut self) -> Option<Row>;
}

impl Rows for indexset::BTreeSet<Row> {
    const NAME: &str = "indexset + HashMap";
    const RANKS: u64 = CALLS;

    fn insert(&mut self, row: Row) {
        self.insert(row);
    }

    fn remove(&mut self, row: &Row) {
        self.remove(row);
    }

    fn rank(&self, row: &Row) -> usize {
        self.rank(row)
    }

    fn from(&self, rank: usize) -> impl Iterator<Item = &Row> {
        self.range_idx(rank..)
    }

    fn pop(&mut self) -> Option<Row> {
        self.pop_first()
    }
}

impl Rows for std::collections::BTreeSet<Row> {
    const NAME: &str = "BTreeSet + HashMap";
    const RANKS: u64 = WALKS;

    fn insert(&mut self, row: Row) {
        self.insert(row);
    }

    fn remove(&mut self, row: &Row) {
        self.remove(row);
    }

    fn rank(&self, row: &Row) -> usize {
        self.range(..row).count()
    }

    fn from(&self, rank: usize) -> impl Iterator<Item = &Row> {
        self.iter().skip(rank)
    }

    fn pop(&mut self) -> Option<Row> {
        self.pop_first()
    }
}

#[derive(Default)]
struct Halves<R> {
    scores: HashMap<Member, f64, ahash::RandomState>,
    rows: R,
}

impl<R: Rows> Sorted for Halves<R> {
    const NAME: &str = R::NAME;
    const RANKS: u64 = R::RANKS;

    fn add(&mut self, member: &[u8], score: f64) {
        let before = self.scores.insert(member.into(), score);
        if let Some(before) = before {
            self.rows.remove(&(before.to_bits(), member.into()));
        }
        self.rows.insert((score.to_bits(), member.into()));
    }

    fn score(&self, member: &[u8]) -> Option<f64> {
        self.scores.get(member).copied()
    }

    fn rank(&self, member: &[u8]) -> Option<usize> {
        let score = self.score(member)?;
        Some(self.rows.rank(&(score.to_bits(), member.into())))
    }

    fn range(&self, from: usize) -> usize {
        let rows: Vec<Row> = self.rows.from(from).take(RANGE).cloned().collect();
        black_box(rows).len()
    }

    fn walk(&self, from: usize) -> f64 {
        let rows = self.rows.from(from).take(RANGE);
        rows.map(|(score, member)| weigh(member, f64::from_bits(*score)))
            .sum()
    }

    fn pop_min(&mut self) -> Option<f64> {
        let (score, member) = self.rows.pop()?;
        self.scores.remove(&member);
        black_box(member);
        Some(f64::from_bits(score))
    }
}

fn walked<T>(set: &larder::SortedSet<'_, T>, from: usize) -> f64 {
    let (from, mut sum) = (from as i64, 0.0);
    let part = from..=from + RANGE as i64 - 1;
    let shown = set.range_with(part, |member, score| sum += weigh(member, score));
    assert_eq!(shown, Ok(RANGE), "the set is larger");
    sum
}

impl Sorted for Store {
    const NAME: &str = "larder SortedSet";

    fn add(&mut self, member: &[u8], score: f64) {
        let added = self.sorted_set::<Vec<u8>>("set").add(member, score);
        added.expect("a store without a bound");
    }

    fn score(&self, member: &[u8]) -> Option<f64> {
        let score = self.sorted_set::<Vec<u8>>("set").score(member);
        score.expect("a sorted set")
    }

    fn rank(&self, member: &[u8]) -> Option<usize> {
        let rank = self.sorted_set::<Vec<u8>>("set").rank(member);
        rank.expect("a sorted set")
    }

    fn range(&self, from: usize) -> usize {
        let (set, from) = (self.sorted_set::<Vec<u8>>("set"), from as i64);
        let rows = set.range_with_scores(from..=from + RANGE as i64 - 1);
        black_box(rows.expect("a sorted set")).len()
    }

    fn walk(&self, from: usize) -> f64 {
        walked(&self.sorted_set::<Vec<u8>>("set"), from)
    }

    fn pop_min(&mut self) -> Option<f64> {
        let popped = self.sorted_set::<Vec<u8>>("set").pop_min();
        popped.expect("a sorted set").map(|(_, score)| score)
    }
}

/// A store, and a view that is made once.
struct Kept {
    set: larder::SortedSet<'static, [u8; 16]>,
}

impl Kept {
    /// The store is never dropped: it is one, and the bench ends with the process.
    fn new() -> Self {
        let store: &'static Store = Box::leak(Box::new(Store::new()));
        Kept {
            set: store.sorted_set("set"),
        }
    }
}

impl Sorted for Kept {
    const NAME: &str = "larder, view kept";

    fn add(&mut self, member: &[u8], score: f64) {
        let added = self.set.add(member, score);
        added.expect("a store without a bound");
    }

    fn score(&self, member: &[u8]) -> Option<f64> {
        self.set.score(member).expect("a sorted set")
    }

    fn rank(&self, member: &[u8]) -> Option<usize> {
        self.set.rank(member).expect("a sorted set")
    }

    fn range(&self, from: usize) -> usize {
        let from = from as i64;
        let rows = self.set.range_with_scores(from..=from + RANGE as i64 - 1);
        black_box(rows.expect("a sorted set")).len()
    }

    fn walk(&self, from: usize) -> f64 {
        walked(&self.set, from)
    }

    fn pop_min(&mut self) -> Option<f64> {
        let popped = self.set.pop_min().expect("a sorted set");
        popped.map(|(_, score)| score)
    }
}

/// The finish of SplitMix64: numbers into strangers.
fn mixed(number: u64) -> u64 {
    let bits = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn member(number: u64) -> [u8; 16] {
    let (low, high) = (mixed(number), mixed(!number));
    (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
}

fn score(number: u64) -> f64 {
    (mixed(number ^ 0x5c0_0e5) >> 12) as f64 / 1e9
}

const KINDS: [&str; 7] = [
    "add new",
    "score anew",
    "score",
    "rank",
    "range, each",
    "walk, each",
    "pop_min",
];

/// One round of every kind, in nanoseconds of CPU for one of them; as many are popped as were added.
fn round<S: Sorted>(set: &mut S, round: u64) -> [f64; KINDS.len()] {
    let there = |call: u64| member(mixed(round * CALLS + call) % (MEMBERS / 2));
    let fresh = |call: u64| MEMBERS + round * CALLS + call;
    [
        timed(CALLS, |call| {
            set.add(&member(fresh(call)), score(fresh(call)))
        }),
        timed(CALLS, |call| set.add(&there(call), score(!fresh(call)))),
        timed(CALLS, |call| {
            black_box(set.score(&there(call)));
        }),
        timed(S::RANKS, |call| {
            black_box(set.rank(&there(call)));
        }),
        timed(S::RANKS.min(CALLS / 10), |call| {
            let from = mixed(fresh(call)) as usize % (MEMBERS as usize / 2);
            assert_eq!(set.range(from), RANGE, "the set is larger");
        }) / RANGE as f64,
        timed(S::RANKS.min(CALLS / 10), |call| {
            let from = mixed(!fresh(call)) as usize % (MEMBERS as usize / 2);
            black_box(set.walk(from));
        }) / RANGE as f64,
        timed(CALLS, |_| {
            assert!(set.pop_min().is_some(), "the set has members")
        }),
    ]
}

fn timed(calls: u64, mut call: impl FnMut(u64)) -> f64 {
    let watch = Stopwatch::start();
    (0..calls).for_each(&mut call);
    let (_, cpu) = watch.elapsed();
    cpu.as_nanos() as f64 / calls as f64
}

/// One contender: what it holds, and how its rounds are run.
struct Contender {
    name: &'static str,
    bytes: f64,
    run: Box<dyn FnMut(u64) -> [f64; KINDS.len()]>,
    rounds: Vec<[f64; KINDS.len()]>,
}

fn contender<S: Sorted + 'static>(make: impl FnOnce() -> S) -> Contender {
    let before = ALLOCATOR.allocated();
    let mut set = make();
    for number in 0..MEMBERS {
        set.add(&member(number), score(number));
    }
    let bytes = (ALLOCATOR.allocated() - before) as f64 / MEMBERS as f64;
    Contender {
        name: S::NAME,
        bytes,
        run: Box::new(move |n| round(&mut set, n)),
        rounds: Vec::new(),
    }
}

/// The middle one of a contender's rounds.
fn median(one: &Contender, kind: usize) -> f64 {
    Spread::of(one.rounds.iter().map(|round| round[kind])).median
}

/// What was measured.
fn figures(all: &[Contender]) -> Table {
    let columns = ["sorted set", "bytes beside the member"];
    let mut table = Table::new("Sorted set, ns of CPU", columns.into_iter().chain(KINDS));
    table.note(format!(
        "{MEMBERS} members of 16 bytes, {ROUNDS} rounds, interleaved; median (least–greatest)"
    ));
    for one in all {
        let cells = (0..KINDS.len()).map(|kind| {
            let spread = Spread::of(one.rounds.iter().map(|round| round[kind]));
            let [median, min, max] = [spread.median, spread.min, spread.max].map(digits);
            format!("{median} ({min}–{max})")
        });
        let first = [one.name.to_owned(), digits(one.bytes - OWN)];
        table.row(first.into_iter().chain(cells));
    }
    table
}

/// The first contender's figures as parts of the others'.
fn ratios(all: &[Contender]) -> Table {
    let columns = ["larder SortedSet is", "bytes"];
    let title = "Sorted set, part of the rival's time";
    let mut table = Table::new(title, columns.into_iter().chain(KINDS));
    let [larder, others @ ..] = all else {
        return table;
    };
    for one in others {
        let cells = (0..KINDS.len()).map(|kind| digits(median(larder, kind) / median(one, kind)));
        let bytes = digits((larder.bytes - OWN) / (one.bytes - OWN));
        let first = [format!("of {}", one.name), bytes];
        table.row(first.into_iter().chain(cells));
    }
    table
}

/// What a server takes for the same set, or that there is none.
fn servers() {
    let mut server = match Server::start() {
        Ok(server) => server,
        Err(reason) => {
            println!("- no server's bytes: {reason}");
            return;
        }
    };
    let before = server.used_memory();
    for number in 0..MEMBERS {
        let score = score(number).to_string();
        server.send(&[b"ZADD", b"set", score.as_bytes(), &member(number)]);
    }
    let held = (server.used_memory() - before) as f64 / MEMBERS as f64;
    let beside = digits(held - OWN);
    println!("- {}: {beside} bytes beside the member", server.name());
}

/// The rounds of some contenders, interleaved.
fn measured(mut all: Vec<Contender>) -> Vec<Contender> {
    let progress = bar((ROUNDS as usize + 1) * all.len(), "sorted sets");
    // The first round warms up.
    for round in 0..=ROUNDS {
        for one in &mut all {
            let figures = (one.run)(round);
            if round > 0 {
                one.rounds.push(figures);
            }
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    all
}

/// What each part contends with: `ranked` leaves out the standard library's set, which takes long to count ranks.
fn part(name: &str) -> Option<Vec<Contender>> {
    if !["all", "ranked"].contains(&name) {
        return None;
    }
    let mut contenders = vec![
        contender(Store::new),
        contender(Kept::new),
        contender(Halves::<indexset::BTreeSet<Row>>::default),
    ];
    if name == "all" {
        let unranked = contender(Halves::<std::collections::BTreeSet<Row>>::default);
        contenders.push(unranked);
    }
    Some(contenders)
}

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    // `cargo bench` adds a flag.
    let mut wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    wanted.retain(|word| *word != "--bench");
    if wanted.is_empty() {
        wanted = vec!["all", "servers"];
    }
    for name in wanted {
        if name == "servers" {
            servers();
            continue;
        }
        let Some(all) = part(name).map(measured) else {
            eprintln!("no part {name}: there are all, ranked, servers");
            return ExitCode::FAILURE;
        };
        println!("{}", figures(&all));
        println!("{}", ratios(&all));
    }
    ExitCode::SUCCESS
}
