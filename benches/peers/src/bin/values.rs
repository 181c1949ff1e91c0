//! `peers-values`: larder's hashes, sets and lists beside maps of the standard library's collections behind one mutex,
//! which is what one builds without larder, and, where a server is installed, the bytes that Redis takes for the same.
//!
//! Bytes are those of the allocator, per hash, member and element, with the key's part of the tables; a server's are its
//! `used_memory`. Times are of one thread's CPU, interleaved rounds: median, least and greatest. Every answer is checked.

#![allow(
    clippy::disallowed_methods,
    reason = "a bench measures, and its rival stands behind a mutex"
)]

use std::alloc::System;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hint::black_box;
use std::time::Instant;

use ahash::RandomState;
use cap::Cap;
use larder::Store;
use larder_peers::clock::{Spread, Stopwatch};
use larder_peers::server::Server;
use larder_peers::table::{Table, digits, nanos};
use parking_lot::Mutex;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Small hashes: ten fields of 8 bytes with values of 16, under keys of 16.
const HASHES: u64 = 1 << 16;
const FIELDS: u64 = 10;
/// Members of the large set, fields of the large hash.
const LARGE: u64 = 1_000_000;
/// Elements of the list.
const ELEMENTS: u64 = 100_000;
/// Elements of a queue, into and out of which one goes at a time.
const QUEUE: u64 = 100;
/// Members of the set that is removed.
const HUGE: u64 = 10_000_000;
const REMOVALS: usize = 5;
const ROUNDS: u64 = 7;
const CALLS: u64 = 50_000;

type Bytes = Vec<u8>;

/// A keyspace of hashes, sets and lists, as far as the rounds need it.
trait Keyspace {
    const NAME: &str;

    fn new() -> Self;
    fn hset(&mut self, key: &[u8], field: &[u8], value: &[u8]) -> bool;
    fn hget(&mut self, key: &[u8], field: &[u8]) -> Option<Bytes>;
    fn sadd(&mut self, key: &[u8], member: &[u8]) -> bool;
    fn sismember(&mut self, key: &[u8], member: &[u8]) -> bool;
    fn rpush(&mut self, key: &[u8], element: &[u8]) -> usize;
    fn lpop(&mut self, key: &[u8]) -> Option<Bytes>;
    fn del(&mut self, key: &[u8]) -> bool;
}

impl Keyspace for Store {
    const NAME: &str = "larder Store";

    fn new() -> Self {
        Store::new()
    }

    fn hset(&mut self, key: &[u8], field: &[u8], value: &[u8]) -> bool {
        self.hash::<Bytes>(key).set(field, value).expect("a hash")
    }

    fn hget(&mut self, key: &[u8], field: &[u8]) -> Option<Bytes> {
        self.hash::<Bytes>(key).get(field).expect("a hash")
    }

    fn sadd(&mut self, key: &[u8], member: &[u8]) -> bool {
        self.set_of::<Bytes>(key).add(member).expect("a set")
    }

    fn sismember(&mut self, key: &[u8], member: &[u8]) -> bool {
        self.set_of::<Bytes>(key).contains(member).expect("a set")
    }

    fn rpush(&mut self, key: &[u8], element: &[u8]) -> usize {
        self.list::<Bytes>(key).push_back(element).expect("a list")
    }

    fn lpop(&mut self, key: &[u8]) -> Option<Bytes> {
        self.list::<Bytes>(key).pop_front().expect("a list")
    }

    fn del(&mut self, key: &[u8]) -> bool {
        self.remove(key)
    }
}

enum Value {
    Hash(HashMap<Bytes, Bytes, RandomState>),
    Set(HashSet<Bytes, RandomState>),
    List(VecDeque<Bytes>),
}

/// Maps of collections behind a mutex.
struct Naive(Mutex<HashMap<Bytes, Value, RandomState>>);

impl Naive {
    /// Runs `work` on the value of a key, which is made if there is none.
    fn with<R>(
        &self,
        key: &[u8],
        make: impl FnOnce() -> Value,
        work: impl FnOnce(&mut Value) -> R,
    ) -> R {
        let mut all = self.0.lock();
        match all.get_mut(key) {
            Some(value) => work(value),
            None => work(all.entry(key.to_vec()).or_insert_with(make)),
        }
    }
}

impl Keyspace for Naive {
    const NAME: &str = "Mutex<HashMap<_, collection>>";

    fn new() -> Self {
        Naive(Mutex::default())
    }

    fn hset(&mut self, key: &[u8], field: &[u8], value: &[u8]) -> bool {
        let set = |hash: &mut Value| match hash {
            Value::Hash(hash) => match hash.get_mut(field) {
                Some(old) => {
                    *old = value.to_vec();
                    false
                }
                None => hash.insert(field.to_vec(), value.to_vec()).is_none(),
            },
            _ => false,
        };
        self.with(key, || Value::Hash(HashMap::default()), set)
    }

    fn hget(&mut self, key: &[u8], field: &[u8]) -> Option<Bytes> {
        match self.0.lock().get(key)? {
            Value::Hash(hash) => hash.get(field).cloned(),
            _ => None,
        }
    }

    fn sadd(&mut self, key: &[u8], member: &[u8]) -> bool {
        let add = |set: &mut Value| match set {
            Value::Set(set) => set.insert(member.to_vec()),
            _ => false,
        };
        self.with(key, || Value::Set(HashSet::default()), add)
    }

    fn sismember(&mut self, key: &[u8], member: &[u8]) -> bool {
        matches!(self.0.lock().get(key), Some(Value::Set(set)) if set.contains(member))
    }

    fn rpush(&mut self, key: &[u8], element: &[u8]) -> usize {
        let push = |list: &mut Value| match list {
            Value::List(list) => {
                list.push_back(element.to_vec());
                list.len()
            }
            _ => 0,
        };
        self.with(key, || Value::List(VecDeque::new()), push)
    }

    fn lpop(&mut self, key: &[u8]) -> Option<Bytes> {
        match self.0.lock().get_mut(key)? {
            Value::List(list) => list.pop_front(),
            _ => None,
        }
    }

    fn del(&mut self, key: &[u8]) -> bool {
        self.0.lock().remove(key).is_some()
    }
}

/// The finish of SplitMix64: numbers into strangers.
fn mixed(number: u64) -> u64 {
    let bits = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Sixteen bytes of text.
fn text(number: u64) -> Bytes {
    format!("{:016x}", mixed(number)).into_bytes()
}

fn field(number: u64) -> Bytes {
    format!("field-{number:02}").into_bytes()
}

/// Shows every command that fills a server with the case.
type Calls = fn(&mut dyn FnMut(&[&[u8]]));

/// What is measured in bytes: what one of them is called, how many there are, and the calls that fill them in.
struct Filling {
    name: &'static str,
    count: u64,
    fill: Calls,
}

/// As commands of a server, which every contender carries out.
const FILLINGS: [Filling; 4] = [
    Filling {
        name: "hash of 10 fields, 240 B",
        count: HASHES,
        fill: |run| {
            for hash in 0..HASHES {
                for number in 0..FIELDS {
                    run(&[b"HSET", &text(hash), &field(number), &text(hash ^ number)]);
                }
            }
        },
    },
    Filling {
        name: "member of 16 B, of a million",
        count: LARGE,
        fill: |run| (0..LARGE).for_each(|number| run(&[b"SADD", b"set", &text(number)])),
    },
    Filling {
        name: "set of 500 integers of 8 B",
        count: 1000,
        fill: |run| {
            for set in 0..1000 {
                for number in 0..500 {
                    let member = (i64::MAX - (number * 1000 + set)).to_string();
                    run(&[b"SADD", &text(set as u64), member.as_bytes()]);
                }
            }
        },
    },
    Filling {
        name: "element `task:N`",
        count: ELEMENTS,
        fill: |run| {
            (0..ELEMENTS)
                .for_each(|number| run(&[b"RPUSH", b"list", format!("task:{number}").as_bytes()]));
        },
    },
];

fn carry_out<K: Keyspace>(all: &mut K, words: &[&[u8]]) {
    match *words {
        [b"HSET", key, field, value] => assert!(all.hset(key, field, value)),
        [b"SADD", key, member] => assert!(all.sadd(key, member)),
        [b"RPUSH", key, element] => assert!(all.rpush(key, element) > 0),
        _ => unreachable!("no other command is used"),
    }
}

/// Bytes of each filling.
fn bytes<K: Keyspace>() -> [f64; FILLINGS.len()] {
    FILLINGS.map(|filling| {
        let before = ALLOCATOR.allocated();
        let mut all = K::new();
        (filling.fill)(&mut |words| carry_out(&mut all, words));
        let held = ALLOCATOR.allocated() - before;
        drop(all);
        held as f64 / filling.count as f64
    })
}

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
    (FILLINGS[0].fill)(&mut |words| carry_out(&mut all, words));
    (FILLINGS[1].fill)(&mut |words| carry_out(&mut all, words));
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

/// How long the caller of a removal of a huge set waits, sorted.
fn removals<K: Keyspace>() -> Vec<u64> {
    let mut all = K::new();
    let mut times: Vec<u64> = (0..REMOVALS)
        .map(|_| {
            for number in 0..HUGE {
                assert!(all.sadd(b"huge", &text(number)));
            }
            let start = Instant::now();
            assert!(all.del(b"huge"));
            start.elapsed().as_nanos() as u64
        })
        .collect();
    times.sort_unstable();
    times
}

fn print_bytes() {
    let columns = FILLINGS.map(|filling| filling.name);
    let mut table = Table::new(
        "Values, bytes held",
        ["keyspace"].into_iter().chain(columns),
    );
    let mut row = |name: &str, cells: [f64; FILLINGS.len()]| {
        let cells = cells.map(digits);
        table.row([name.to_owned()].into_iter().chain(cells));
    };
    row(Store::NAME, bytes::<Store>());
    row(Naive::NAME, bytes::<Naive>());
    match Server::start() {
        Ok(mut server) => {
            let cells = FILLINGS.map(|filling| {
                let before = server.used_memory();
                (filling.fill)(&mut |words| server.send(words));
                let held = server.used_memory() - before;
                server.flush_all();
                held as f64 / filling.count as f64
            });
            row(&server.name(), cells);
        }
        Err(reason) => table.note(format!("no server's bytes: {reason}")),
    }
    println!("{table}");
}

fn print_times() {
    let (mut store, mut naive) = (filled::<Store>(), filled::<Naive>());
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
    }
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
    println!("{table}");
}

fn print_removals() {
    let columns = ["keyspace", "least", "median", "greatest"];
    let mut table = Table::new(
        "Removal of a set of 10M members, as its caller sees it",
        columns,
    );
    for (name, times) in [
        (Store::NAME, removals::<Store>()),
        (Naive::NAME, removals::<Naive>()),
    ] {
        let shown = [times[0], times[REMOVALS / 2], times[REMOVALS - 1]].map(nanos);
        table.row([name.to_owned()].into_iter().chain(shown));
    }
    println!("{table}");
}

fn main() {
    print_bytes();
    print_times();
    print_removals();
}
