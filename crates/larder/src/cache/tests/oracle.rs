//! A cache and a plain map in lockstep under generated operations, with time moved by hand.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;

use crate::{Cache, Change, ManualClock, Outcome, Ttl};

const TTL_MS: u64 = 500;

#[derive(Clone, Debug)]
enum Op {
    Insert(u8, u32),
    InsertFor(u8, u32, u64),
    Remove(u8),
    RemoveIf(u8, u32),
    Get(u8),
    Peek(u8),
    Update(u8, u32),
    Compute(u8, u32, u8),
    Expire(u8, u64),
    Persist(u8),
    Touch(u8),
    Ttl(u8),
    Load(u8, u32),
    Retain(u32),
    Walk,
    Clear,
    Advance(u64),
    Tick,
}

fn op() -> impl Strategy<Value = Op> {
    let (key, value, ms) = (|| 0..24u8, || 0..9u32, || 0..900u64);
    prop_oneof![
        6 => (key(), value()).prop_map(|(k, v)| Op::Insert(k, v)),
        4 => (key(), value(), ms()).prop_map(|(k, v, t)| Op::InsertFor(k, v, t)),
        3 => key().prop_map(Op::Remove),
        2 => (key(), value()).prop_map(|(k, v)| Op::RemoveIf(k, v)),
        6 => key().prop_map(Op::Get),
        2 => key().prop_map(Op::Peek),
        2 => (key(), value()).prop_map(|(k, v)| Op::Update(k, v)),
        4 => (key(), value(), 0..3u8).prop_map(|(k, v, c)| Op::Compute(k, v, c)),
        3 => (key(), ms()).prop_map(|(k, t)| Op::Expire(k, t)),
        2 => key().prop_map(Op::Persist),
        2 => key().prop_map(Op::Touch),
        2 => key().prop_map(Op::Ttl),
        3 => (key(), value()).prop_map(|(k, v)| Op::Load(k, v)),
        1 => value().prop_map(Op::Retain),
        1 => Just(Op::Walk),
        1 => Just(Op::Clear),
        5 => ms().prop_map(Op::Advance),
        2 => Just(Op::Tick),
    ]
}

/// What a key has: the value, its deadline, its last access.
type Held = (u32, Option<u64>, u64);

/// The naive cache.
struct Oracle {
    held: HashMap<u8, Held>,
    now: u64,
    ttl: Option<u64>,
    idle: Option<u64>,
}

impl Oracle {
    fn deadline(&self, &(_, deadline, touched): &Held) -> Option<u64> {
        deadline
            .into_iter()
            .chain(self.idle.map(|idle| touched + idle))
            .min()
    }

    fn live(&mut self, key: u8) -> Option<&mut Held> {
        let deadline = self.deadline(self.held.get(&key)?);
        if deadline.is_some_and(|at| at <= self.now) {
            return None;
        }
        self.held.get_mut(&key)
    }

    fn read(&mut self, key: u8) -> Option<u32> {
        let now = self.now;
        let held = self.live(key)?;
        held.2 = now;
        Some(held.0)
    }

    fn put(&mut self, key: u8, value: u32, ttl: Option<u64>) -> Outcome<u32> {
        let old = self.live(key).map(|held| held.0);
        self.held
            .insert(key, (value, ttl.map(|ttl| self.now + ttl), self.now));
        old.map_or(Outcome::Inserted, Outcome::Replaced)
    }

    fn take(&mut self, key: u8) -> Option<u32> {
        let value = self.live(key).map(|held| held.0)?;
        self.held.remove(&key);
        Some(value)
    }
}

fn step(
    cache: &Cache<u8, u32>,
    oracle: &mut Oracle,
    time: &ManualClock,
    op: Op,
) -> Result<(), TestCaseError> {
    let now = oracle.now;
    match op {
        Op::Insert(key, value) => {
            let ttl = oracle.ttl;
            prop_assert_eq!(cache.insert(key, value), oracle.put(key, value, ttl));
        }
        Op::InsertFor(key, value, ttl) => {
            let outcome = cache.insert_with_ttl(key, value, Duration::from_millis(ttl));
            prop_assert_eq!(outcome, oracle.put(key, value, Some(ttl)));
        }
        Op::Remove(key) => prop_assert_eq!(cache.remove(&key), oracle.take(key)),
        Op::RemoveIf(key, value) => {
            let expected = if oracle.live(key).is_some_and(|held| held.0 == value) {
                oracle.take(key)
            } else {
                None
            };
            prop_assert_eq!(cache.remove_if(&key, |held| *held == value), expected);
        }
        Op::Get(key) => prop_assert_eq!(cache.get(&key), oracle.read(key)),
        Op::Peek(key) => {
            let expected = oracle.live(key).map(|held| held.0);
            prop_assert_eq!(
                (cache.peek(&key), cache.contains(&key)),
                (expected, expected.is_some())
            );
        }
        Op::Update(key, by) => {
            let expected = oracle.live(key).map(|held| {
                held.0 += by;
                held.2 = now;
                held.0
            });
            let updated = cache.update(&key, |value| {
                *value += by;
                *value
            });
            prop_assert_eq!(updated, expected);
        }
        Op::Compute(key, value, decision) => {
            let expected = match decision {
                0 => oracle
                    .read(key)
                    .map(|_| Outcome::Kept)
                    .unwrap_or(Outcome::Kept),
                1 => {
                    let ttl = oracle.ttl;
                    oracle.put(key, value, ttl)
                }
                _ => oracle.take(key).map_or(Outcome::Kept, Outcome::Removed),
            };
            let outcome = cache.compute(key, |_| match decision {
                0 => Change::Keep,
                1 => Change::Insert(value),
                _ => Change::Remove,
            });
            prop_assert_eq!(outcome, expected);
        }
        Op::Expire(key, ttl) => {
            let expected = oracle
                .live(key)
                .map(|held| held.1 = Some(now + ttl))
                .is_some();
            prop_assert_eq!(cache.expire(&key, Duration::from_millis(ttl)), expected);
        }
        Op::Persist(key) => {
            let expected = oracle.live(key).map(|held| held.1 = None).is_some();
            prop_assert_eq!(cache.persist(&key), expected);
        }
        Op::Touch(key) => {
            let ttl = oracle.ttl;
            let expected = oracle
                .live(key)
                .map(|held| *held = (held.0, ttl.map_or(held.1, |ttl| Some(now + ttl)), now));
            prop_assert_eq!(cache.touch(&key), expected.is_some());
        }
        Op::Ttl(key) => {
            let held = oracle.live(key).map(|held| *held);
            let expected = match held.map(|held| oracle.deadline(&held)) {
                None => Ttl::Absent,
                Some(None) => Ttl::Forever,
                Some(Some(at)) => Ttl::Left(Duration::from_millis(at - now)),
            };
            prop_assert_eq!(cache.ttl(&key), expected);
        }
        Op::Load(key, value) => {
            let expected = oracle.read(key).unwrap_or(value);
            if oracle.live(key).is_none() {
                let ttl = oracle.ttl;
                oracle.put(key, value, ttl);
            }
            prop_assert_eq!(cache.get_or_load(&key, || value), Ok(expected));
        }
        Op::Retain(least) => {
            let keys: Vec<u8> = oracle.held.keys().copied().collect();
            let gone = keys
                .into_iter()
                .filter(|&key| oracle.live(key).is_some_and(|held| held.0 < least));
            let gone: Vec<u8> = gone.collect::<Vec<_>>();
            gone.iter().for_each(|key| _ = oracle.held.remove(key));
            prop_assert_eq!(cache.retain(|_, value| *value >= least), gone.len() as u64);
        }
        Op::Walk => {
            let mut walked: Vec<(u8, u32)> = cache.iter().collect();
            let keys: Vec<u8> = oracle.held.keys().copied().collect();
            let mut expected: Vec<(u8, u32)> = keys
                .into_iter()
                .filter_map(|key| Some((key, oracle.live(key)?.0)))
                .collect();
            walked.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(walked, expected);
        }
        Op::Clear => {
            cache.clear();
            oracle.held.clear();
            prop_assert!(cache.is_empty());
        }
        Op::Advance(by) => {
            time.advance(Duration::from_millis(by));
            oracle.now += by;
        }
        Op::Tick => {
            cache.tick();
            // What is past its deadline by two ticks is gone; what is live is there.
            let deadlines: Vec<Option<u64>> = oracle
                .held
                .values()
                .map(|held| oracle.deadline(held))
                .collect();
            let live = deadlines
                .iter()
                .filter(|at| at.is_none_or(|at| at > now))
                .count();
            let least = deadlines
                .iter()
                .filter(|at| at.is_none_or(|at| at + 10 > now - now % 10))
                .count();
            prop_assert!(
                (live..=least).contains(&cache.len()),
                "{} not in {live}..={least}",
                cache.len()
            );
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_cache_with_room_for_all_agrees_with_a_map(
        ops in prop::collection::vec(op(), 1..250),
        ttl in any::<bool>(),
        idle in any::<bool>(),
        stripes in prop::sample::select(vec![1usize, 4]),
    ) {
        let time = ManualClock::new();
        let builder = Cache::builder().max_entries(1000).stripes(stripes).seed(7).clock(time.clock());
        let builder = if ttl { builder.ttl(Duration::from_millis(TTL_MS)) } else { builder };
        let builder = if idle { builder.idle(Duration::from_millis(300)) } else { builder };
        let cache: Cache<u8, u32> = builder.build().expect("the settings are valid");
        let mut oracle =
            Oracle { held: HashMap::new(), now: 0, ttl: ttl.then_some(TTL_MS), idle: idle.then_some(300) };
        for op in ops {
            step(&cache, &mut oracle, &time, op)?;
            cache.assert_invariants();
        }
    }
}

#[test]
fn a_walk_shows_what_stays_exactly_once_while_the_table_grows_and_shrinks() {
    let cache: Cache<u32, u32> = Cache::builder()
        .unbounded()
        .stripes(2)
        .seed(1)
        .build()
        .expect("the settings are valid");
    for key in 0..20_000 {
        cache.insert(key, key);
    }
    let mut seen = vec![0; 20_000];
    for (step, (key, _)) in cache.iter().enumerate() {
        if key < 20_000 {
            seen[key as usize] += 1;
        }
        cache.insert(20_000 + step as u32, 0);
    }
    assert!(
        seen.iter().all(|&times| times == 1),
        "{:?}",
        seen.iter().position(|&times| times != 1)
    );
}
