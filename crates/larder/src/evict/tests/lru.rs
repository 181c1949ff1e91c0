//! LRU in lockstep with lists: in the order of use where entries keep stamps, and of second chances where they do not.

use proptest::prelude::*;

use super::hash_of;
use super::stage::Stage;
use crate::ds::Ref;
use crate::evict::Policy;
use crate::evict::lru::Lru;

/// No more entries than one victim looks at: beyond that the order is cut short.
const MOST: usize = 200;

#[derive(Clone, Debug)]
enum Op {
    Ask(u32),
    Hit(u32),
    Remove(u32),
    Relocate(u32),
    Evict(Option<u32>),
    Resize(usize),
    Clear,
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0..260u32;
    prop_oneof![
        40 => key().prop_map(Op::Ask),
        20 => key().prop_map(Op::Hit),
        12 => key().prop_map(Op::Remove),
        6 => key().prop_map(Op::Relocate),
        6 => prop::option::of(key()).prop_map(Op::Evict),
        1 => (1..MOST).prop_map(Op::Resize),
        1 => prop::bool::weighted(0.2).prop_map(|yes| if yes { Op::Clear } else { Op::Evict(None) }),
    ]
}

/// A model of the order in which entries go.
trait Order: Default {
    fn insert(&mut self, entry: Ref);
    fn note_use(&mut self, entry: Ref);
    fn remove(&mut self, entry: Ref);
    fn relocate(&mut self, from: Ref, entry: Ref);
    fn victim(&mut self, keep: Option<Ref>) -> Option<Ref>;
    fn len(&self) -> usize;
}

/// Entries from the one that was used longest ago to the latest.
#[derive(Default)]
struct ByUse(Vec<Ref>);

impl Order for ByUse {
    fn insert(&mut self, entry: Ref) {
        self.0.push(entry);
    }

    fn note_use(&mut self, entry: Ref) {
        self.remove(entry);
        self.insert(entry);
    }

    fn remove(&mut self, entry: Ref) {
        self.0.retain(|other| *other != entry);
    }

    fn relocate(&mut self, from: Ref, entry: Ref) {
        self.0
            .iter_mut()
            .filter(|other| **other == from)
            .for_each(|other| *other = entry);
    }

    fn victim(&mut self, keep: Option<Ref>) -> Option<Ref> {
        self.0.iter().find(|entry| Some(**entry) != keep).copied()
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// Entries in the order of filing, with whether they were used since. One that left from the middle leaves its place to
/// whoever has its reference next.
#[derive(Default)]
struct ByChance(Vec<(Ref, Place)>);

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Unused,
    Used,
    Left,
}

impl ByChance {
    fn place(&mut self, entry: Ref) -> Option<&mut Place> {
        let found = self.0.iter_mut().find(|(other, _)| *other == entry);
        found.map(|(_, place)| place)
    }
}

impl Order for ByChance {
    fn insert(&mut self, entry: Ref) {
        match self.place(entry) {
            // The place is older than the entry: it is given a chance to make up for it.
            Some(place) => *place = Place::Used,
            None => self.0.push((entry, Place::Unused)),
        }
    }

    fn note_use(&mut self, entry: Ref) {
        *self.place(entry).expect("a live entry has a place") = Place::Used;
    }

    fn remove(&mut self, entry: Ref) {
        if self.0[0].0 == entry {
            self.0.remove(0);
        } else {
            *self.place(entry).expect("a live entry has a place") = Place::Left;
        }
    }

    fn relocate(&mut self, from: Ref, entry: Ref) {
        let used = self.place(from) == Some(&mut Place::Used);
        self.remove(from);
        self.insert(entry);
        if used {
            self.note_use(entry);
        }
    }

    fn victim(&mut self, keep: Option<Ref>) -> Option<Ref> {
        let mut at = 0;
        while let Some(&(entry, place)) = self.0.get(at) {
            match place {
                Place::Left => drop(self.0.remove(at)),
                _ if Some(entry) == keep => at += 1,
                Place::Unused => return Some(entry),
                Place::Used => {
                    self.0.remove(at);
                    self.0.push((entry, Place::Unused));
                }
            }
        }
        None
    }

    fn len(&self) -> usize {
        self.0
            .iter()
            .filter(|(_, place)| *place != Place::Left)
            .count()
    }
}

struct Lockstep<O> {
    stage: Stage<Lru>,
    order: O,
    capacity: usize,
}

impl<O: Order> Lockstep<O> {
    fn evict(&mut self, keep: Option<Ref>) -> bool {
        let wanted = self.order.victim(keep);
        assert_eq!(self.stage.evict(keep), wanted);
        if let Some(entry) = wanted {
            self.order.remove(entry);
        }
        wanted.is_some()
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Ask(key) => self.ask(hash_of(key)),
            Op::Hit(key) => _ = self.hit(hash_of(key)),
            Op::Remove(key) => {
                if let Some((slot, entry)) = self.stage.find(hash_of(key)) {
                    self.stage.remove((slot, entry));
                    self.order.remove(entry);
                }
            }
            Op::Relocate(key) => {
                if let Some((slot, from)) = self.stage.find(hash_of(key)) {
                    let entry = self.stage.relocate((slot, from));
                    self.order.relocate(from, entry);
                }
            }
            Op::Evict(key) => {
                let keep = key.and_then(|key| self.stage.find(hash_of(key)));
                self.evict(keep.map(|(_, entry)| entry));
            }
            Op::Resize(capacity) => {
                self.capacity = capacity;
                while self.order.len() > capacity && self.evict(None) {}
            }
            Op::Clear => {
                self.stage.clear();
                self.order = O::default();
            }
        }
        assert_eq!(self.stage.table.len() as usize, self.order.len());
        assert!(self.order.len() <= self.capacity);
    }

    fn hit(&mut self, hash: u32) -> bool {
        let found = self.stage.find(hash);
        if let Some((slot, entry)) = found {
            self.stage.note_use((slot, entry));
            self.order.note_use(entry);
        }
        found.is_some()
    }

    fn ask(&mut self, hash: u32) {
        if self.hit(hash) {
            return;
        }
        let full = self.order.len() == self.capacity;
        self.stage.approach(hash, full);
        if full {
            self.evict(None);
        }
        let entry = self.stage.insert(hash, 1, full);
        self.order.insert(entry);
    }
}

fn run<O: Order>(stamped: bool, capacity: usize, ops: Vec<Op>) {
    let stage = Stage::new(Lru::default(), stamped);
    let mut lockstep = Lockstep {
        stage,
        order: O::default(),
        capacity,
    };
    for op in ops {
        // Only a store moves entries, and its entries keep no stamps.
        if !(stamped && matches!(op, Op::Relocate(_))) {
            lockstep.apply(op);
        }
        // An item of 16 bytes for every reference that was in use at one time, and the set of those left behind.
        assert!(lockstep.stage.policy.bytes() <= 16 * 2 * MOST as u64 + 5 * 4 * MOST as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn with_stamps_whoever_was_used_longest_ago_goes(
        capacity in 1..MOST,
        ops in prop::collection::vec(op(), 1..1200),
    ) {
        run::<ByUse>(true, capacity, ops);
    }

    #[test]
    fn without_stamps_whoever_was_used_gets_a_second_chance(
        capacity in 1..MOST,
        ops in prop::collection::vec(op(), 1..1200),
    ) {
        run::<ByChance>(false, capacity, ops);
    }
}
