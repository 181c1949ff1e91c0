//! A bounded store beside a map, under any stream of operations; time is moved by hand.
//!
//! The store may have evicted what the map still has; what it has must be what the map has.
#![no_main]

use std::collections::HashMap;
use std::time::Duration;

use arbitrary::Arbitrary;
use larder::{Error, ManualClock, SetOptions, Store};
use libfuzzer_sys::fuzz_target;

/// Keys of up to 300 bytes, so that some stand outside their records.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Key(u8);

impl Key {
    fn bytes(self) -> Vec<u8> {
        let len = if self.0 < 4 {
            250 + usize::from(self.0) * 2
        } else {
            3
        };
        vec![self.0; len]
    }
}

#[derive(Arbitrary, Debug)]
enum Op {
    Set(Key, u16, u8),
    SetFor(Key, u16, u8, u16),
    SetMany(Vec<(Key, u8)>),
    Append(Key, u16),
    Incr(Key, i8),
    Remove(Key),
    Rename(Key, Key),
    Copy(Key, Key),
    Expire(Key, u16),
    Persist(Key),
    Get(Key),
    Advance(u16),
    Tick,
    Clear,
}

/// Value and deadline.
type Held = (Vec<u8>, Option<u64>);

struct Pair {
    store: Store,
    time: ManualClock,
    map: HashMap<Vec<u8>, Held>,
    now: u64,
}

const MAX_BYTES: u64 = 30_000;

impl Pair {
    /// What the store has, which must be what the map has; an eviction is copied to the map.
    fn settle(&mut self, key: &[u8]) -> Option<Held> {
        let now = self.now;
        self.map.retain(|_, (_, at)| at.is_none_or(|at| at > now));
        match self.store.get::<Vec<u8>>(key).expect("all are strings") {
            None => {
                self.map.remove(key);
            }
            Some(value) => assert_eq!(Some(&value), self.map.get(key).map(|held| &held.0)),
        }
        self.map.get(key).cloned()
    }

    fn note(&mut self, key: &[u8], done: Result<(), Error>, held: Held) {
        if done.is_ok() {
            self.map.insert(key.to_vec(), held);
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Set(key, len, byte) => {
                let (key, value) = (key.bytes(), vec![byte; usize::from(len)]);
                let done = self.store.set(&key, &value);
                self.note(&key, done, (value, None));
            }
            Op::SetFor(key, len, byte, ms) => {
                let (key, value) = (key.bytes(), vec![byte; usize::from(len)]);
                let options = SetOptions::new().ttl(Duration::from_millis(u64::from(ms) + 1));
                let done = self.store.set_with(&key, &value, options).map(drop);
                let deadline = self.now + u64::from(ms) + 1;
                self.note(&key, done, (value, Some(deadline)));
            }
            Op::SetMany(pairs) => {
                let pairs: Vec<_> = pairs
                    .into_iter()
                    .map(|(key, byte)| (key.bytes(), vec![byte; 40]))
                    .collect();
                if self.store.set_many(pairs.clone()).is_ok() {
                    for (key, value) in pairs {
                        self.map.insert(key, (value, None));
                    }
                }
            }
            Op::Append(key, len) => {
                let key = key.bytes();
                let (mut value, at) = self.settle(&key).unwrap_or_default();
                let tail = vec![b'+'; usize::from(len)];
                let done = self.store.append(&key, &tail).map(drop);
                value.extend(tail);
                self.note(&key, done, (value, at));
            }
            Op::Incr(key, by) => {
                let key = key.bytes();
                let held = self.settle(&key);
                if let Ok(sum) = self.store.incr(&key, by.into()) {
                    let at = held.and_then(|held| held.1);
                    self.map.insert(key, (sum.to_string().into_bytes(), at));
                }
            }
            Op::Remove(key) => {
                let key = key.bytes();
                let there = self.settle(&key).is_some();
                assert_eq!(self.store.remove(&key), there);
                self.map.remove(&key);
            }
            Op::Rename(from, to) => {
                let (from, to) = (from.bytes(), to.bytes());
                let held = self.settle(&from);
                let done = self.store.rename(&from, &to);
                assert!(held.is_some() || done == Err(Error::NoSuchKey));
                if let (Some(held), Ok(())) = (held, done) {
                    self.map.remove(&from);
                    self.map.insert(to, held);
                }
            }
            Op::Copy(from, to) => {
                let (from, to) = (from.bytes(), to.bytes());
                let held = self.settle(&from);
                if let (Some(held), Ok(true)) = (held, self.store.copy_over(&from, &to)) {
                    self.map.insert(to, held);
                }
            }
            Op::Expire(key, ms) => {
                let key = key.bytes();
                let held = self.settle(&key);
                let done = self.store.expire(&key, Duration::from_millis(ms.into()));
                assert_eq!(done, Ok(held.is_some()));
                if let Some(held) = self.map.get_mut(&key) {
                    held.1 = Some(self.now + u64::from(ms));
                }
            }
            Op::Persist(key) => {
                let key = key.bytes();
                let timed = self.settle(&key).is_some_and(|held| held.1.is_some());
                assert_eq!(self.store.persist(&key), timed);
                if let Some(held) = self.map.get_mut(&key) {
                    held.1 = None;
                }
            }
            Op::Get(key) => drop(self.settle(&key.bytes())),
            Op::Advance(ms) => {
                self.time.advance(Duration::from_millis(ms.into()));
                self.now += u64::from(ms);
            }
            Op::Tick => self.store.tick(),
            Op::Clear => {
                self.store.clear();
                self.map.clear();
            }
        }
        assert!(self.store.stats().weight <= MAX_BYTES);
    }
}

fuzz_target!(|ops: Vec<Op>| {
    let time = ManualClock::new();
    let builder = Store::builder().max_bytes(MAX_BYTES).clock(time.clock());
    let mut pair = Pair {
        store: builder.build().expect("valid settings"),
        time,
        map: HashMap::new(),
        now: 0,
    };
    for op in ops {
        pair.apply(op);
    }
});
