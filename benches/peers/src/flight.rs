//! One missing key, many callers: how often the loader runs, how long others wait for it, and what a hit through the
//! loading call costs.
//!
//! 64 threads ask for one missing key at once; its loader takes 5 ms. Meanwhile one more thread reads all the other
//! keys, over and over: where the loader runs under a lock, the keys beside it wait. Then one thread reads keys that
//! are there, by `get` and by the loading call.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::args::Args;
use crate::clock::{Spread, thread_cpu};
use crate::table::{Table, digits};

/// Callers of the missing key.
const CALLERS: usize = 64;
/// How long the loader takes.
const LOADING: Duration = Duration::from_millis(5);
/// Keys that are there.
const KEYS: u64 = 4096;
/// Reads of a round of hits.
const READS: u64 = 1 << 20;
/// The fewest rounds that a median is taken from.
const ROUNDS: usize = 7;

/// A cache that loads what is missing.
trait Loading: Send + Sync {
    const NAME: &'static str;
    fn new() -> Self;
    fn insert(&self, key: u64, value: u64);
    fn get(&self, key: u64) -> Option<u64>;
    fn get_or_load(&self, key: u64, load: impl FnOnce() -> u64) -> u64;
}

/// Room for every key, and to spare.
const ROOM: usize = 4 * KEYS as usize;

#[cfg(feature = "larder")]
impl Loading for larder::Cache<u64, u64> {
    const NAME: &'static str = "larder Cache";
    fn new() -> Self {
        larder::Cache::new(ROOM)
    }
    fn insert(&self, key: u64, value: u64) {
        larder::Cache::insert(self, key, value);
    }
    fn get(&self, key: u64) -> Option<u64> {
        larder::Cache::get(self, &key)
    }
    fn get_or_load(&self, key: u64, load: impl FnOnce() -> u64) -> u64 {
        larder::Cache::get_or_load(self, &key, load).expect("the loader does not fail")
    }
}

impl Loading for quick_cache::sync::Cache<u64, u64> {
    const NAME: &'static str = "quick_cache";
    fn new() -> Self {
        quick_cache::sync::Cache::new(ROOM)
    }
    fn insert(&self, key: u64, value: u64) {
        self.insert(key, value);
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.get(&key)
    }
    fn get_or_load(&self, key: u64, load: impl FnOnce() -> u64) -> u64 {
        let loaded: Result<u64, std::convert::Infallible> =
            self.get_or_insert_with(&key, || Ok(load()));
        loaded.unwrap_or_else(|never| match never {})
    }
}

impl Loading for moka::sync::Cache<u64, u64, ahash::RandomState> {
    const NAME: &'static str = "moka";
    fn new() -> Self {
        moka::sync::Cache::builder()
            .max_capacity(ROOM as u64)
            .build_with_hasher(ahash::RandomState::new())
    }
    fn insert(&self, key: u64, value: u64) {
        self.insert(key, value);
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.get(&key)
    }
    fn get_or_load(&self, key: u64, load: impl FnOnce() -> u64) -> u64 {
        self.get_with(key, load)
    }
}

impl Loading for dashmap::DashMap<u64, u64, ahash::RandomState> {
    const NAME: &'static str = "dashmap";
    fn new() -> Self {
        dashmap::DashMap::with_hasher(ahash::RandomState::new())
    }
    fn insert(&self, key: u64, value: u64) {
        self.insert(key, value);
    }
    fn get(&self, key: u64) -> Option<u64> {
        self.get(&key).map(|value| *value)
    }
    fn get_or_load(&self, key: u64, load: impl FnOnce() -> u64) -> u64 {
        *self.entry(key).or_insert_with(load)
    }
}

/// Runs all caches, in turns, and returns the tables.
///
/// # Errors
/// Arguments that are no numbers.
pub fn run(args: &Args) -> Result<Vec<Table>, Failure> {
    let rounds = args.number("--rounds", ROUNDS)?;
    let mut rows = [
        Row::default(),
        Row::default(),
        Row::default(),
        Row::default(),
    ];
    for _ in 0..rounds {
        let [quick, moka, dashmap, larder] = &mut rows;
        quick.round::<quick_cache::sync::Cache<u64, u64>>();
        moka.round::<moka::sync::Cache<u64, u64, ahash::RandomState>>();
        dashmap.round::<dashmap::DashMap<u64, u64, ahash::RandomState>>();
        #[cfg(feature = "larder")]
        larder.round::<larder::Cache<u64, u64>>();
        #[cfg(not(feature = "larder"))]
        let _ = larder;
    }
    let mut table = Table::new(
        format!("Single flight: {CALLERS} callers of one missing key, {LOADING:?} to load"),
        [
            "cache",
            "loads, most",
            "all answered after ms",
            "worst get of another key ms",
            "get CPU ns",
            "get through the loading call",
            "difference",
        ],
    );
    table.note(format!(
        "medians of {rounds} interleaved rounds; {KEYS} other keys, in L2; one thread reads hits"
    ));
    for row in rows.iter().filter(|row| !row.get.is_empty()) {
        let median = |samples: &[f64]| Spread::of(samples.iter().copied()).median;
        let (get, load) = (median(&row.get), median(&row.hit));
        table.row([
            row.name.to_string(),
            row.loads.to_string(),
            digits(median(&row.answered)),
            digits(median(&row.worst)),
            digits(get),
            digits(load),
            digits(load - get),
        ]);
    }
    Ok(vec![table])
}

/// The rounds of one cache.
#[derive(Default)]
struct Row {
    name: &'static str,
    loads: u64,
    answered: Vec<f64>,
    worst: Vec<f64>,
    get: Vec<f64>,
    hit: Vec<f64>,
}

impl Row {
    fn round<C: Loading>(&mut self) {
        self.name = C::NAME;
        let cache = C::new();
        for key in 1..=KEYS {
            cache.insert(key, key);
        }
        let stampede = stampede(&cache);
        self.loads = self.loads.max(stampede.loads);
        self.answered.push(stampede.answered.as_secs_f64() * 1e3);
        self.worst.push(stampede.worst.as_secs_f64() * 1e3);
        self.get.push(hits(|key| cache.get(key).unwrap_or(0)));
        self.hit.push(hits(|key| {
            cache.get_or_load(key, || unreachable!("it is there"))
        }));
    }
}

struct Stampede {
    loads: u64,
    answered: Duration,
    worst: Duration,
}

/// All callers at once, and one reader beside them.
fn stampede<C: Loading>(cache: &C) -> Stampede {
    let (loads, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let barrier = Barrier::new(CALLERS + 2);
    thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    let value = cache.get_or_load(0, || {
                        loads.fetch_add(1, Ordering::Relaxed);
                        thread::sleep(LOADING);
                        7
                    });
                    assert_eq!(value, 7);
                })
            })
            .collect();
        let reader = scope.spawn(|| {
            barrier.wait();
            let mut worst = Duration::ZERO;
            while !done.load(Ordering::Relaxed) {
                for key in 1..=KEYS {
                    let start = Instant::now();
                    assert_eq!(cache.get(key), Some(key));
                    worst = worst.max(start.elapsed());
                }
            }
            worst
        });
        barrier.wait();
        let start = Instant::now();
        for caller in callers {
            caller.join().expect("no caller panics");
        }
        let answered = start.elapsed();
        done.store(true, Ordering::Relaxed);
        Stampede {
            loads: loads.load(Ordering::Relaxed),
            answered,
            worst: reader.join().expect("the reader does not panic"),
        }
    })
}

/// CPU nanoseconds of one read of a key that is there.
fn hits(mut read: impl FnMut(u64) -> u64) -> f64 {
    let start = thread_cpu();
    for turn in 0..READS {
        let key = turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) % KEYS + 1;
        assert_eq!(black_box(read(key)), key);
    }
    (thread_cpu() - start).as_secs_f64() * 1e9 / READS as f64
}
