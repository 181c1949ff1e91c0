//! What a cache or store holds stays in proportion to its entries, and within its bound, whatever is done to it.
//!
//! The allocator counts for the whole process, so the tests take turns.

use std::alloc::System;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use cap::Cap;
use larder::{Cache, ManualClock, SetOptions, Store, Upkeep};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Waits for the test's turn.
#[expect(clippy::disallowed_methods, reason = "the tests' own lock")]
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The bound of the stores that are watched.
const BOUND: u64 = 8 << 20;

/// A store bounded in bytes, and what the process held before it was made.
struct Watched {
    store: Store,
    time: ManualClock,
    before: usize,
    /// A number that looks random; the same in every run.
    state: u64,
    /// Keys written so far.
    written: u64,
    most: u64,
}

impl Watched {
    fn new() -> Self {
        let before = ALLOCATOR.allocated();
        let time = ManualClock::new();
        let builder = Store::builder().max_bytes(BOUND).stripes(2).seed(11);
        let store = builder.clock(time.clock()).upkeep(Upkeep::Manual).build();
        Watched {
            store: store.expect("the settings are valid"),
            time,
            before,
            state: 1,
            written: 0,
            most: 0,
        }
    }

    fn draw(&mut self, below: usize) -> usize {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.state >> 33) as usize % below
    }

    /// Bytes that the process holds because of the store.
    fn held(&self) -> u64 {
        ALLOCATOR.allocated().saturating_sub(self.before) as u64
    }

    fn check(&mut self) {
        let held = self.held();
        self.most = self.most.max(held);
        assert!(
            held * 100 <= BOUND * 102,
            "{held} bytes are held after {} writes: {:.3} of the bound; {} are told of, weight {}",
            self.written,
            held as f64 / BOUND as f64,
            self.store.bytes(),
            self.store.stats().weight
        );
    }

    /// Writes strings of about `len` bytes, twice as many bytes as the bound.
    fn fill(&mut self, len: usize, ttl: Option<Duration>) {
        let value = vec![7; 2 * len + 1];
        for number in 0..2 * BOUND / (len as u64 + 64) {
            let len = len / 2 + self.draw(len + 1);
            let key = self.written.to_le_bytes();
            self.written += 1;
            let options = match ttl {
                None => SetOptions::new(),
                Some(ttl) => SetOptions::new().ttl(ttl),
            };
            let set = self.store.set_with(key, &value[..len], options);
            set.expect("a string far below the bound fits");
            if number % 64 == 0 {
                self.check();
                self.time.advance(Duration::from_millis(3));
            }
        }
        self.check();
    }

    /// Whether most of the bound is used for entries. In a store this small, pages that are partly filled (up to one
    /// for each size and stripe), the table and what a page leaves over behind its last record take up to a quarter.
    fn is_well_used(&self) -> bool {
        let weight = self.store.stats().weight;
        weight * 4 >= BOUND * 3
    }
}

#[test]
fn a_store_never_holds_more_than_its_bound_whatever_sizes_its_values_have() {
    let _turn = turn();
    let mut watched = Watched::new();
    for len in [30, 700, 3_000, 100, 8, 1_500, 20_000, 40] {
        watched.fill(len, None);
        assert!(
            watched.is_well_used(),
            "strings of {len} leave much of the bound unused"
        );
    }
}

#[test]
fn a_store_never_holds_more_than_its_bound_when_values_expire() {
    let _turn = turn();
    let mut watched = Watched::new();
    for (round, len) in [30, 700, 3_000, 100, 8, 1_500].into_iter().enumerate() {
        let ttl = Duration::from_millis([400, 10_000_000][round % 2]);
        watched.fill(len, Some(ttl));
        watched.store.tick();
    }
}

#[test]
fn a_store_never_holds_more_than_its_bound_when_collections_push_strings_out() {
    let _turn = turn();
    let mut watched = Watched::new();
    watched.fill(60, None);
    for number in 0..300_000u32 {
        let key = format!("collection {}", watched.draw(400));
        let member = [number.to_le_bytes(); 5].concat();
        let store = watched.store.clone();
        let done = match number % 4 {
            0 => store.list::<Vec<u8>>(&key).push_back(member).map(|_| ()),
            1 => store
                .set_of::<Vec<u8>>(format!("s{key}"))
                .add(member)
                .map(|_| ()),
            2 => store
                .hash::<Vec<u8>>(format!("h{key}"))
                .set(number.to_string(), member)
                .map(|_| ()),
            _ => store
                .sorted_set::<Vec<u8>>(format!("z{key}"))
                .add(member, f64::from(number))
                .map(|_| ()),
        };
        // One that has grown too large for the bound is refused.
        assert!(matches!(done, Ok(()) | Err(larder::Error::TooLarge)));
        watched.written += 1;
        if number % 64 == 0 {
            watched.check();
        }
    }
    watched.fill(60, None);
}

#[test]
fn timers_of_entries_that_left_early_do_not_pile_up() {
    let _turn = turn();
    let time = ManualClock::new();
    let cache: Cache<u64, u64> = Cache::builder()
        .max_entries(1_000)
        .ttl(Duration::from_secs(3_600))
        .clock(time.clock())
        .upkeep(Upkeep::Manual)
        .build()
        .expect("the settings are valid");
    let mut most = 0;
    for key in 0..300_000 {
        cache.insert(key, key);
        if key % 1_000 == 0 {
            time.advance(Duration::from_millis(70));
        }
        if key > 20_000 {
            most = most.max(cache.bytes());
        }
    }
    assert_eq!(cache.len(), 1_000);
    assert!(most < 700_000, "1,000 entries hold {most} bytes");
}

#[test]
fn a_deadline_that_moves_to_and_fro_keeps_the_store_small() {
    let _turn = turn();
    let time = ManualClock::new();
    let store = Store::builder()
        .clock(time.clock())
        .upkeep(Upkeep::Manual)
        .build()
        .expect("the settings are valid");
    store
        .set("key", "value")
        .expect("an unbounded store takes everything");
    let before = store.bytes();
    for round in 0..200_000u64 {
        let ttl = Duration::from_secs(if round % 2 == 0 { 10 } else { 100_000 });
        let set = store.set_with("key", "value", SetOptions::new().ttl(ttl));
        set.expect("an unbounded store takes everything");
    }
    assert!(
        store.bytes() < before + 300_000,
        "one entry holds {} bytes",
        store.bytes()
    );
}

#[test]
fn sizes_that_shift_do_not_leave_the_store_full_of_holes() {
    let _turn = turn();
    let store = Store::builder()
        .max_entries(20_000)
        .upkeep(Upkeep::Manual)
        .build()
        .expect("the settings are valid");
    for key in 0..20_000u32 {
        store
            .set(key.to_le_bytes(), vec![1; 40])
            .expect("a small value fits");
    }
    let small = store.bytes();
    for round in 0..6usize {
        let value = vec![2; 40 + round * 24];
        for key in 0..20_000u32 {
            store
                .set(key.to_le_bytes(), &value)
                .expect("a small value fits");
        }
    }
    let live = small + 20_000 * (6 * 24);
    assert!(
        store.bytes() < live * 5 / 4,
        "{} bytes for {live} live ones",
        store.bytes()
    );
}
