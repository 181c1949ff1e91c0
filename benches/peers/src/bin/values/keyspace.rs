//! `Keyspace`: what larder and its rival have in common, as far as the parts need it; the rival; and what both are
//! filled with.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::hint::black_box;

use ahash::RandomState;
use larder::Store;
use parking_lot::Mutex;

pub(crate) type Bytes = Vec<u8>;

/// A keyspace of hashes, sets, lists and sorted sets.
pub(crate) trait Keyspace {
    const NAME: &str;

    fn new() -> Self;
    fn hset(&mut self, key: &[u8], field: &[u8], value: &[u8]) -> bool;
    fn hget(&mut self, key: &[u8], field: &[u8]) -> Option<Bytes>;
    fn sadd(&mut self, key: &[u8], member: &[u8]) -> bool;
    fn sismember(&mut self, key: &[u8], member: &[u8]) -> bool;
    fn rpush(&mut self, key: &[u8], element: &[u8]) -> usize;
    fn lpop(&mut self, key: &[u8]) -> Option<Bytes>;
    /// A score of no sign.
    fn zadd(&mut self, key: &[u8], member: &[u8], score: f64) -> bool;
    fn del(&mut self, key: &[u8]) -> bool;
    /// Copies what two sets have in common or, of a union, what any has; how many.
    fn copied(&mut self, of: Together, sets: [&str; 2]) -> usize;
    /// Counts what two sets have in common or, of a union, what any has.
    fn counted(&mut self, of: Together, sets: [&str; 2]) -> usize;
    /// Stores what two sets have in common or, of a union, what any has; how many.
    fn stored(&mut self, of: Together, to: &str, sets: [&str; 2]) -> usize;
}

/// What is made of two sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Together {
    Union,
    Intersection,
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

    fn zadd(&mut self, key: &[u8], member: &[u8], score: f64) -> bool {
        let set = self.sorted_set::<Bytes>(key);
        set.add(member, score).expect("a sorted set")
    }

    fn del(&mut self, key: &[u8]) -> bool {
        self.remove(key)
    }

    fn copied(&mut self, of: Together, sets: [&str; 2]) -> usize {
        let all = match of {
            Together::Union => self.union::<Bytes>(sets),
            Together::Intersection => self.intersection::<Bytes>(sets),
        };
        black_box(all.expect("two sets")).len()
    }

    fn counted(&mut self, of: Together, sets: [&str; 2]) -> usize {
        let count = match of {
            Together::Union => self.union_len(sets, None),
            Together::Intersection => self.intersection_len(sets, None),
        };
        count.expect("two sets")
    }

    fn stored(&mut self, of: Together, to: &str, sets: [&str; 2]) -> usize {
        let count = match of {
            Together::Union => self.store_union(to, sets),
            Together::Intersection => self.store_intersection(to, sets),
        };
        count.expect("two sets, in a store without a bound")
    }
}

type Members = HashSet<Bytes, RandomState>;

enum Value {
    Hash(HashMap<Bytes, Bytes, RandomState>),
    Set(Members),
    List(VecDeque<Bytes>),
    SortedSet(HashMap<Bytes, u64, RandomState>, BTreeSet<(u64, Bytes)>),
}

/// Maps of collections behind a mutex.
pub(crate) struct Naive(Mutex<HashMap<Bytes, Value, RandomState>>);

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

    /// Runs `work` on two sets.
    fn with_sets<R>(&self, sets: [&str; 2], work: impl FnOnce(&Members, &Members) -> R) -> R {
        let all = self.0.lock();
        let set = |key: &str| match all.get(key.as_bytes()) {
            Some(Value::Set(set)) => set,
            _ => unreachable!("there are two sets"),
        };
        work(set(sets[0]), set(sets[1]))
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

    fn zadd(&mut self, key: &[u8], member: &[u8], score: f64) -> bool {
        let order = score.to_bits();
        let add = |set: &mut Value| match set {
            Value::SortedSet(scores, rows) => {
                let before = scores.insert(member.to_vec(), order);
                if let Some(before) = before {
                    rows.remove(&(before, member.to_vec()));
                }
                rows.insert((order, member.to_vec()));
                before.is_none()
            }
            _ => false,
        };
        let make = || Value::SortedSet(HashMap::default(), BTreeSet::new());
        self.with(key, make, add)
    }

    fn del(&mut self, key: &[u8]) -> bool {
        self.0.lock().remove(key).is_some()
    }

    fn copied(&mut self, of: Together, sets: [&str; 2]) -> usize {
        let copies: Vec<Bytes> = self.with_sets(sets, |a, b| match of {
            Together::Union => a.union(b).cloned().collect(),
            Together::Intersection => a.intersection(b).cloned().collect(),
        });
        black_box(copies).len()
    }

    fn counted(&mut self, of: Together, sets: [&str; 2]) -> usize {
        self.with_sets(sets, |a, b| match of {
            Together::Union => a.union(b).count(),
            Together::Intersection => a.intersection(b).count(),
        })
    }

    fn stored(&mut self, of: Together, to: &str, sets: [&str; 2]) -> usize {
        let made: Members = self.with_sets(sets, |a, b| match of {
            Together::Union => a.union(b).cloned().collect(),
            Together::Intersection => a.intersection(b).cloned().collect(),
        });
        let count = made.len();
        let mut all = self.0.lock();
        all.insert(to.as_bytes().to_vec(), Value::Set(made));
        count
    }
}

/// The finish of SplitMix64: numbers into strangers.
pub(crate) fn mixed(number: u64) -> u64 {
    let bits = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Sixteen bytes of text.
pub(crate) fn text(number: u64) -> Bytes {
    format!("{:016x}", mixed(number)).into_bytes()
}
