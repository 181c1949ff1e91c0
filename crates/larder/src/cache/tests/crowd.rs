//! A cache that is too small, in lockstep with a map that its listener keeps: growth, eviction, expiry and resizing in
//! several stripes.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use proptest::prelude::*;

use crate::{Cache, Cause, Change, Eviction, ManualClock, Outcome};

#[derive(Clone, Debug)]
enum Op {
    /// So many keys from the first on, with a time to live or none.
    Insert(u16, u16, Option<u64>),
    Get(u16, u16),
    Load(u16, u16),
    Compute(u16, u16),
    Remove(u16, u16),
    Expire(u16, u16, u64),
    Persist(u16, u16),
    Retain(u32),
    Advance(u64),
    Tick,
    Resize(u64),
    Clear,
}

fn op() -> impl Strategy<Value = Op> {
    let (key, many) = (
        || 0..2500u16,
        || prop_oneof![3 => 1..40u16, 1 => 40..600u16],
    );
    let ms = || 0..900u64;
    prop_oneof![
        8 => (key(), many(), prop::option::of(ms())).prop_map(|(k, n, t)| Op::Insert(k, n, t)),
        6 => (key(), many()).prop_map(|(k, n)| Op::Get(k, n)),
        3 => (key(), many()).prop_map(|(k, n)| Op::Load(k, n)),
        2 => (key(), many()).prop_map(|(k, n)| Op::Compute(k, n)),
        3 => (key(), many()).prop_map(|(k, n)| Op::Remove(k, n)),
        3 => (key(), many(), ms()).prop_map(|(k, n, t)| Op::Expire(k, n, t)),
        1 => (key(), many()).prop_map(|(k, n)| Op::Persist(k, n)),
        1 => (0..4000u32).prop_map(Op::Retain),
        3 => ms().prop_map(Op::Advance),
        2 => Just(Op::Tick),
        1 => (1..1500u64).prop_map(Op::Resize),
        1 => prop::bool::weighted(0.2).prop_map(|yes| if yes { Op::Clear } else { Op::Tick }),
    ]
}

/// A cache beside what its listener says that it holds.
struct Lockstep {
    cache: Cache<u16, u32>,
    told: Receiver<(u16, u32, Cause)>,
    time: ManualClock,
    now: u64,
    /// Value and deadline of every key that was written and not told of.
    held: HashMap<u16, (u32, Option<u64>)>,
    evicted: u64,
    /// The next value: no two are the same.
    value: u32,
}

impl Lockstep {
    fn new(capacity: usize, stripes: usize, eviction: Eviction) -> Self {
        let (time, (tell, told)) = (ManualClock::new(), channel());
        let builder = Cache::builder()
            .max_entries(capacity)
            .stripes(stripes)
            .eviction(eviction)
            .seed(11);
        let builder = builder
            .listener(move |key: &u16, value: &u32, cause| _ = tell.send((*key, *value, cause)));
        Lockstep {
            cache: builder
                .clock(time.clock())
                .build()
                .expect("the settings are valid"),
            told,
            time,
            now: 0,
            held: HashMap::new(),
            evicted: 0,
            value: 0,
        }
    }

    fn live(&self, key: u16) -> Option<u32> {
        let (value, deadline) = self.held.get(&key)?;
        deadline.is_none_or(|at| at > self.now).then_some(*value)
    }

    /// Takes over what was told: each departure must be of the value that was held, for a reason that fits.
    fn listen(&mut self) {
        for (key, value, cause) in self.told.try_iter() {
            let held = self.held.remove(&key);
            let (was, deadline) = held.expect("only what is held leaves, and once");
            assert_eq!(was, value, "{key} left as {cause:?}");
            let is_past = deadline.is_some_and(|at| at <= self.now);
            match cause {
                Cause::Expired => assert!(is_past, "{key} expired before its deadline"),
                Cause::Evicted => self.evicted += 1,
                Cause::Replaced | Cause::Removed => {
                    assert!(!is_past, "{key} was past its deadline")
                }
                Cause::Cleared => {}
            }
        }
    }

    /// Runs a call that may write `key`, and books what came of it.
    fn write(
        &mut self,
        key: u16,
        ttl: Option<u64>,
        call: impl FnOnce(&Cache<u16, u32>, u32) -> Outcome<u32>,
    ) {
        self.value += 1;
        let (before, value) = (self.live(key), self.value);
        let outcome = call(&self.cache, value);
        assert_eq!(outcome, before.map_or(Outcome::Inserted, Outcome::Replaced));
        self.listen();
        let deadline = ttl.map(|ttl| self.now + ttl);
        self.held.insert(key, (value, deadline));
        assert_eq!(
            self.cache.peek(&key),
            self.live(key),
            "a new entry is always admitted"
        );
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Insert(first, many, ttl) => (first..first + many).for_each(|key| {
                self.write(key, ttl, |cache, value| match ttl {
                    Some(ttl) => cache.insert_with_ttl(key, value, Duration::from_millis(ttl)),
                    None => cache.insert(key, value),
                });
            }),
            Op::Compute(first, many) => (first..first + many).for_each(|key| {
                self.write(key, None, |cache, value| {
                    cache.compute(key, |_| Change::Insert(value))
                });
            }),
            Op::Get(first, many) => (first..first + many).for_each(|key| {
                assert_eq!(self.cache.get(&key), self.live(key));
                self.listen();
            }),
            Op::Load(first, many) => (first..first + many).for_each(|key| self.load(key)),
            Op::Remove(first, many) => (first..first + many).for_each(|key| {
                let wanted = self.live(key);
                assert_eq!(self.cache.remove(&key), wanted);
                self.listen();
                assert_eq!(self.live(key), None);
            }),
            Op::Expire(first, many, ttl) => (first..first + many).for_each(|key| {
                let live = self.live(key).is_some();
                assert_eq!(self.cache.expire(&key, Duration::from_millis(ttl)), live);
                self.listen();
                self.redate(key, live, Some(self.now + ttl));
            }),
            Op::Persist(first, many) => (first..first + many).for_each(|key| {
                let live = self.live(key).is_some();
                assert_eq!(self.cache.persist(&key), live);
                self.listen();
                self.redate(key, live, None);
            }),
            Op::Retain(least) => _ = self.cache.retain(|_, value| *value >= least),
            Op::Advance(ms) => {
                self.time.advance(Duration::from_millis(ms));
                self.now += ms;
            }
            Op::Tick => self.cache.tick(),
            Op::Resize(capacity) => _ = self.cache.set_capacity(capacity),
            Op::Clear => self.cache.clear(),
        }
        self.listen();
    }

    fn redate(&mut self, key: u16, live: bool, deadline: Option<u64>) {
        if live {
            self.held.entry(key).and_modify(|held| held.1 = deadline);
        }
    }

    fn load(&mut self, key: u16) {
        self.value += 1;
        let (before, value) = (self.live(key), self.value);
        assert_eq!(
            self.cache.get_or_load(&key, || value),
            Ok(before.unwrap_or(value))
        );
        self.listen();
        if before.is_none() {
            self.held.insert(key, (value, None));
        }
    }

    fn assert_invariants(&self) {
        assert_eq!(self.cache.len(), self.held.len());
        assert!(self.cache.len() as u64 <= self.cache.capacity());
        assert_eq!(self.cache.stats().evictions, self.evicted);
        let mut walked: Vec<(u16, u32)> = self.cache.iter().collect();
        let mut wanted: Vec<(u16, u32)> = self
            .held
            .keys()
            .filter_map(|key| Some((*key, self.live(*key)?)))
            .collect();
        walked.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(walked, wanted);
        for (key, value) in wanted {
            assert_eq!(self.cache.peek(&key), Some(value));
        }
        self.cache.assert_invariants();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_cache_that_is_too_small_holds_exactly_what_it_has_not_told_of(
        capacity in prop_oneof![1..50usize, 50..1500usize],
        stripes in prop::sample::select(vec![1usize, 4, 16]),
        lru in any::<bool>(),
        ops in prop::collection::vec(op(), 1..50),
    ) {
        let eviction = if lru { Eviction::Lru } else { Eviction::S3Fifo };
        let mut lockstep = Lockstep::new(capacity, stripes, eviction);
        for op in ops {
            lockstep.apply(&op);
            lockstep.assert_invariants();
        }
    }
}
