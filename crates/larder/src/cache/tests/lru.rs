//! A cache with LRU in lockstep with a list in the order of use.

use proptest::prelude::*;

use crate::{Cache, Change, Eviction, Outcome};

#[derive(Clone, Debug)]
enum Op {
    Insert(u16),
    Get(u16),
    Peek(u16),
    Update(u16),
    Compute(u16),
    Remove(u16),
    Clear,
    Resize(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0..120u16;
    prop_oneof![
        40 => key().prop_map(Op::Insert),
        40 => key().prop_map(Op::Get),
        5 => key().prop_map(Op::Peek),
        5 => key().prop_map(Op::Update),
        5 => key().prop_map(Op::Compute),
        12 => key().prop_map(Op::Remove),
        1 => Just(Op::Clear),
        2 => (1..80u64).prop_map(Op::Resize),
    ]
}

/// Keys from the one used longest ago to the latest.
struct Oracle {
    keys: Vec<u16>,
    capacity: usize,
}

impl Oracle {
    fn remove(&mut self, key: u16) -> bool {
        let before = self.keys.len();
        self.keys.retain(|held| *held != key);
        self.keys.len() < before
    }

    /// Moves a key to the end; `false` if it is not there.
    fn note_use(&mut self, key: u16) -> bool {
        let there = self.remove(key);
        if there {
            self.keys.push(key);
        }
        there
    }

    fn insert(&mut self, key: u16) -> bool {
        let there = self.remove(key);
        if self.keys.len() == self.capacity {
            self.keys.remove(0);
        }
        self.keys.push(key);
        there
    }
}

fn cache(capacity: usize) -> Cache<u16, u16> {
    let builder = Cache::builder().max_entries(capacity);
    builder.eviction(Eviction::Lru).stripes(1).build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_lru_cache_evicts_exactly_what_was_used_longest_ago(
        capacity in 1..100usize,
        ops in prop::collection::vec(op(), 1..600),
    ) {
        let cache = cache(capacity);
        let mut oracle = Oracle { keys: Vec::new(), capacity };
        for op in ops {
            match op {
                Op::Insert(key) => {
                    let replaced = matches!(cache.insert(key, key), Outcome::Replaced(_));
                    prop_assert_eq!(replaced, oracle.insert(key));
                }
                Op::Get(key) => prop_assert_eq!(cache.get(&key).is_some(), oracle.note_use(key)),
                Op::Peek(key) => prop_assert_eq!(cache.peek(&key).is_some(), oracle.keys.contains(&key)),
                Op::Update(key) => prop_assert_eq!(cache.update(&key, |_| ()).is_some(), oracle.note_use(key)),
                Op::Compute(key) => {
                    cache.compute(key, |_| Change::Insert(key));
                    oracle.insert(key);
                }
                Op::Remove(key) => prop_assert_eq!(cache.remove(&key).is_some(), oracle.remove(key)),
                Op::Clear => {
                    cache.clear();
                    oracle.keys.clear();
                }
                Op::Resize(capacity) => {
                    cache.set_capacity(capacity);
                    oracle.capacity = capacity as usize;
                    let surplus = oracle.keys.len().saturating_sub(oracle.capacity);
                    oracle.keys.drain(..surplus);
                }
            }
            let mut held: Vec<u16> = cache.iter().map(|(key, _)| key).collect();
            let mut wanted = oracle.keys.clone();
            held.sort_unstable();
            wanted.sort_unstable();
            prop_assert_eq!(held, wanted);
        }
        cache.assert_invariants();
    }
}

#[test]
fn a_victim_is_found_in_bounded_work_when_everything_was_read() {
    let cache = cache(10_000);
    for key in 0..10_000 {
        cache.insert(key, key);
    }
    for key in (0..10_000).rev() {
        cache.get(&key);
    }
    cache.insert(10_000, 0);
    assert_eq!(cache.len(), 10_000);
    // The first 256 in the order of filing were looked at; the one of them that was read first is 255.
    assert!(!cache.contains(&255));
}
