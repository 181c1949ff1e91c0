//! A store that is too small, in lockstep with a map: growth, eviction, removal, expiry and resizing in several stripes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::assert_invariants;
use crate::store::{SetOptions, Store};
use crate::{Error, Eviction, ManualClock};

#[derive(Clone, Debug)]
enum Op {
    /// So many keys from the first on, with values so long, and a time to live or none.
    Set(u16, u16, usize, Option<u64>),
    Append(u16, u16, usize),
    Get(u16, u16),
    Remove(u16, u16),
    Expire(u16, u16, u64),
    Rename(u16, u16),
    RemovePrefix(u16),
    Advance(u64),
    Tick,
    Resize(u64),
    Clear,
}

fn op() -> impl Strategy<Value = Op> {
    let (key, many) = (
        || 0..2000u16,
        || prop_oneof![3 => 1..40u16, 1 => 40..500u16],
    );
    let len = || prop_oneof![8 => 0..90usize, 1 => 4_000..5_000usize];
    let ms = || 1..900u64;
    prop_oneof![
        8 => (key(), many(), len(), prop::option::of(ms())).prop_map(|(k, n, l, t)| Op::Set(k, n, l, t)),
        2 => (key(), 1..20u16, len()).prop_map(|(k, n, l)| Op::Append(k, n, l)),
        5 => (key(), many()).prop_map(|(k, n)| Op::Get(k, n)),
        3 => (key(), many()).prop_map(|(k, n)| Op::Remove(k, n)),
        2 => (key(), many(), ms()).prop_map(|(k, n, t)| Op::Expire(k, n, t)),
        1 => (key(), key()).prop_map(|(a, b)| Op::Rename(a, b)),
        1 => (0..20u16).prop_map(Op::RemovePrefix),
        3 => ms().prop_map(Op::Advance),
        2 => Just(Op::Tick),
        1 => (1..10u64).prop_map(Op::Resize),
        1 => prop::bool::weighted(0.2).prop_map(|yes| if yes { Op::Clear } else { Op::Tick }),
    ]
}

fn name(number: u16) -> String {
    format!("key:{number}")
}

/// A store beside a map of all that may be in it.
struct Lockstep {
    store: Store,
    time: ManualClock,
    now: u64,
    /// Value and deadline as they were last written. What was evicted is taken out when that is found.
    written: BTreeMap<String, (Vec<u8>, Option<u64>)>,
    /// Evictions that the map has not been told of.
    evictions: u64,
    bound: u64,
    stamp: u64,
}

impl Lockstep {
    fn live(&self, key: &str) -> Option<&(Vec<u8>, Option<u64>)> {
        let written = self.written.get(key)?;
        written.1.is_none_or(|at| at > self.now).then_some(written)
    }

    /// A value that no other write has had.
    fn value(&mut self, len: usize) -> Vec<u8> {
        self.stamp += 1;
        let mut value = self.stamp.to_le_bytes().to_vec();
        value.resize(len.max(8), b'v');
        value
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Set(first, many, len, ttl) => {
                (first..first + many).for_each(|key| self.set(&name(key), len, ttl))
            }
            Op::Append(first, many, len) => {
                (first..first + many).for_each(|key| self.append(&name(key), len))
            }
            Op::Get(first, many) => (first..first + many).for_each(|key| self.get(&name(key))),
            Op::Remove(first, many) => (first..first + many).for_each(|key| {
                let removed = self.store.remove(name(key));
                assert!(!removed || self.live(&name(key)).is_some());
                self.written.remove(&name(key));
            }),
            Op::Expire(first, many, ttl) => (first..first + many).for_each(|key| {
                let done = self
                    .store
                    .expire(name(key), Duration::from_millis(ttl))
                    .unwrap();
                assert!(!done || self.live(&name(key)).is_some());
                if done {
                    let at = Some(self.now + ttl);
                    self.written
                        .entry(name(key))
                        .and_modify(|written| written.1 = at);
                }
            }),
            Op::Rename(from, to) => self.rename(&name(from), &name(to)),
            Op::RemovePrefix(number) => {
                let prefix = name(number);
                self.store.remove_prefix(&prefix);
                self.written.retain(|key, _| !key.starts_with(&prefix));
            }
            Op::Advance(ms) => {
                self.time.advance(Duration::from_millis(ms));
                self.now += ms;
            }
            Op::Tick => self.store.tick(),
            Op::Resize(bound) => {
                self.bound = bound * 6_000;
                self.store.set_capacity(self.bound).unwrap();
            }
            Op::Clear => {
                self.store.clear();
                self.written.clear();
            }
        }
    }

    fn set(&mut self, key: &str, len: usize, ttl: Option<u64>) {
        let value = self.value(len);
        let options = match ttl {
            Some(ttl) => SetOptions::new().ttl(Duration::from_millis(ttl)),
            None => SetOptions::new(),
        };
        let outcome = self.store.set_with(key, &value, options).unwrap();
        assert!(outcome.is_set(), "what fits is always admitted");
        assert_eq!(
            self.store.get::<Vec<u8>>(key).unwrap().as_ref(),
            Some(&value)
        );
        self.written
            .insert(key.to_owned(), (value, ttl.map(|ttl| self.now + ttl)));
    }

    fn append(&mut self, key: &str, len: usize) {
        let tail = self.value(len);
        let before = self.store.get::<Vec<u8>>(key).unwrap();
        let deadline = before.as_ref().and_then(|_| self.live(key)?.1);
        let joined = [before.unwrap_or_default(), tail.clone()].concat();
        match self.store.append(key, &tail) {
            Ok(length) => {
                assert_eq!(length, joined.len());
                assert_eq!(
                    self.store.get::<Vec<u8>>(key).unwrap().as_ref(),
                    Some(&joined)
                );
                self.written.insert(key.to_owned(), (joined, deadline));
            }
            Err(error) => assert_eq!(error, Error::TooLarge),
        }
    }

    fn get(&mut self, key: &str) {
        if let Some(value) = self.store.get::<Vec<u8>>(key).unwrap() {
            assert_eq!(self.live(key).map(|written| &written.0), Some(&value));
        }
    }

    fn rename(&mut self, from: &str, to: &str) {
        match self.store.rename(from, to) {
            Ok(()) => {
                let written = self
                    .written
                    .remove(from)
                    .expect("only what was written is renamed");
                self.written.insert(to.to_owned(), written);
            }
            Err(error) => assert_eq!(error, Error::NoSuchKey),
        }
    }

    /// What the store shows was written last and is live; what it lacks was evicted, and is counted so.
    fn assert_invariants(&mut self) {
        let shown: BTreeSet<String> = self
            .store
            .keys("*")
            .into_iter()
            .map(|key| String::from_utf8(key).unwrap())
            .collect();
        for key in &shown {
            let written = self.live(key).expect("nothing is shown that is not there");
            assert_eq!(
                self.store.get::<Vec<u8>>(key).unwrap().as_ref(),
                Some(&written.0)
            );
        }
        let evictions = self.store.stats().evictions;
        let missing: Vec<String> = self
            .written
            .keys()
            .filter(|key| self.live(key).is_some() && !shown.contains(*key))
            .cloned()
            .collect();
        // Entries past their deadline may have been evicted, too.
        assert!(
            missing.len() as u64 <= evictions - self.evictions,
            "lost: {missing:?}"
        );
        missing.iter().for_each(|key| _ = self.written.remove(key));
        self.evictions = evictions;
        assert!(self.store.stats().weight <= self.bound);
        assert_invariants(&self.store);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_store_that_is_too_small_holds_what_was_written_last_or_has_evicted_it(
        bound in prop_oneof![2..9u64, 9..40u64],
        stripes in prop::sample::select(vec![1usize, 4, 16]),
        lru in any::<bool>(),
        ops in prop::collection::vec(op(), 1..40),
    ) {
        let (time, bound) = (ManualClock::new(), bound * 6_000);
        let builder = Store::builder().clock(time.clock()).max_bytes(bound).stripes(stripes).seed(13);
        let builder = builder.eviction(if lru { Eviction::Lru } else { Eviction::S3Fifo });
        let mut lockstep = Lockstep {
            store: builder.build().unwrap(),
            time,
            now: 0,
            written: BTreeMap::new(),
            evictions: 0,
            bound,
            stamp: 0,
        };
        for op in ops {
            lockstep.apply(&op);
            lockstep.assert_invariants();
        }
    }
}
