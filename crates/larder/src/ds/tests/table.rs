//! A table that grows, loses and renames in lockstep with a map, its own books checked after every step.

use std::collections::HashMap;

use proptest::prelude::*;

use crate::ds::Ref;
use crate::ds::bucket::BUCKETS;
use crate::ds::slot::{after, home_bucket};
use crate::ds::table::{Glance, HASH_MASK, HASH_ONE, Home, Slot, Table};
use crate::sync::Ordering;

/// What a key should have: its reference, and the uses counted.
type Held = (Ref, u32);

#[derive(Clone, Debug)]
enum Op {
    /// So many keys from the first on, those that are not there yet.
    Insert(u32, u32),
    Remove(u32, u32),
    Touch(u32, u32),
    SetCounter(u32, u32),
    /// The entries are named anew.
    Rename(u32, u32),
    Mutate(u32),
    Clear,
}

fn op() -> impl Strategy<Value = Op> {
    let (key, many) = (
        || 0..3000u32,
        || prop_oneof![3 => 1..30u32, 1 => 30..900u32],
    );
    prop_oneof![
        12 => (key(), many()).prop_map(|(key, many)| Op::Insert(key, many)),
        9 => (key(), many()).prop_map(|(key, many)| Op::Remove(key, many)),
        4 => (key(), many()).prop_map(|(key, many)| Op::Touch(key, many)),
        3 => (key(), 0..4u32).prop_map(|(key, uses)| Op::SetCounter(key, uses)),
        2 => (key(), many()).prop_map(|(key, many)| Op::Rename(key, many)),
        2 => key().prop_map(Op::Mutate),
        1 => prop::bool::weighted(0.2).prop_map(|yes| if yes { Op::Clear } else { Op::Touch(0, 9) }),
    ]
}

/// A table beside its model.
struct Lockstep {
    table: Table,
    keys: HashMap<u32, Held>,
    /// The key of each reference, as the records of a stripe know it.
    records: Vec<u32>,
    /// How many different hashes there are, or 0 for one for each key.
    bad: u32,
}

impl Lockstep {
    fn hash(&self, key: u32) -> u32 {
        let key = if self.bad == 0 { key } else { key % self.bad };
        key.wrapping_mul(0x9e37_79b9)
            .rotate_left(15)
            .wrapping_mul(0x85eb_ca6b)
            & HASH_MASK
            | HASH_ONE
    }

    fn fresh(&mut self, key: u32) -> Ref {
        self.records.push(key);
        self.records.len() as Ref - 1
    }

    fn find(&self, key: u32) -> Option<(Slot, Ref)> {
        self.table
            .find(self.hash(key), |entry| self.records[entry as usize] == key)
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Insert(first, many) => (first..first + many).for_each(|key| self.insert(key)),
            Op::Remove(first, many) => (first..first + many).for_each(|key| self.remove(key)),
            Op::Touch(first, many) => (first..first + many).for_each(|key| self.touch(key)),
            Op::SetCounter(key, uses) => {
                if let Some((slot, _)) = self.find(key) {
                    self.table.set_counter(slot, uses);
                    self.keys.entry(key).and_modify(|held| held.1 = uses);
                }
            }
            Op::Rename(first, many) => (first..first + many).for_each(|key| self.rename(key)),
            Op::Mutate(key) => {
                if let Some((slot, entry)) = self.find(key) {
                    assert_eq!(self.table.mutate(slot, || entry + 1), entry + 1);
                }
            }
            Op::Clear => {
                self.table.clear();
                self.keys.clear();
            }
        }
    }

    fn insert(&mut self, key: u32) {
        assert_eq!(self.find(key).is_some(), self.keys.contains_key(&key));
        if !self.keys.contains_key(&key) {
            let entry = self.fresh(key);
            let slot = self.table.insert(self.hash(key), entry, |other| {
                self.hash(self.records[other as usize])
            });
            assert_eq!(self.find(key), Some((slot, entry)));
            self.keys.insert(key, (entry, 0));
        }
    }

    fn remove(&mut self, key: u32) {
        let found = self.find(key);
        let held = self.keys.remove(&key);
        assert_eq!(found.map(|(_, entry)| entry), held.map(|(entry, _)| entry));
        if let Some((slot, _)) = found {
            self.table.remove(slot, self.hash(key));
            assert_eq!(self.find(key), None);
        }
    }

    fn touch(&mut self, key: u32) {
        let records = &self.records;
        let hit = self.table.hit(self.hash(key), |entry| {
            (records[entry as usize] == key).then_some(entry)
        });
        assert_eq!(hit, self.keys.get(&key).map(|held| held.0));
        self.keys
            .entry(key)
            .and_modify(|held| held.1 = (held.1 + 1).min(3));
    }

    fn rename(&mut self, key: u32) {
        if let Some((slot, _)) = self.find(key) {
            let entry = self.fresh(key);
            self.table.replace(slot, entry);
            self.keys.entry(key).and_modify(|held| held.0 = entry);
        }
    }

    fn assert_invariants(&self) {
        assert_eq!(self.table.len() as usize, self.keys.len());
        for (&key, &(entry, uses)) in &self.keys {
            let (slot, found) = self.find(key).expect("what is held is found");
            assert_eq!((found, self.table.counter(slot)), (entry, uses));
            assert!(!matches!(self.table.glance(self.hash(key)), Glance::Absent));
            assert_eq!(slot.segment, self.table.home(self.hash(key)).segment);
        }
        for key in 100_000..100_040 {
            assert_eq!(self.find(key), None);
        }
        self.assert_buckets();
    }

    /// Every entry has one slot, no bucket is being changed, and each counts the entries that passed it.
    fn assert_buckets(&self) {
        let mut seen = 0;
        for number in 0..self.table.segments() {
            let (mut passed, mut chained) = ([0u32; BUCKETS], false);
            for at in 0..BUCKETS {
                let home = Home {
                    segment: number,
                    bucket: at as u32,
                };
                self.table.visit_bucket(home, |slot, entry| {
                    let key = self.records[entry as usize];
                    assert_eq!(self.keys.get(&key).map(|held| held.0), Some(entry));
                    seen += 1;
                    chained |= slot.depth > 0;
                    let mut step = home_bucket(self.hash(key));
                    while step != at {
                        passed[step] += 1;
                        step = after(step);
                    }
                });
            }
            for (at, passed) in passed.into_iter().enumerate() {
                let bucket = self.table.memory.get(number).bucket(at);
                assert!(bucket.version(Ordering::Relaxed).is_multiple_of(2));
                // A count that once was 255 stays there.
                let counted = bucket.load().overflow();
                assert!(
                    chained || counted == passed || counted == 255,
                    "{counted} for {passed}"
                );
            }
        }
        assert_eq!(seen, self.keys.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_table_agrees_with_a_map_after_every_step_and_keeps_its_own_books(
        bad in prop_oneof![4 => Just(0u32), 1 => 1..4u32, 1 => 4..90u32],
        ops in prop::collection::vec(op(), 1..60),
    ) {
        let mut lockstep = Lockstep { table: Table::new(0), keys: HashMap::new(), records: Vec::new(), bad };
        let mut segments = 1;
        for op in ops {
            lockstep.apply(&op);
            lockstep.assert_invariants();
            prop_assert!(lockstep.table.segments() >= segments, "segments are never given back");
            segments = lockstep.table.segments();
        }
    }
}

#[test]
fn growing_and_shrinking_again_and_again_keeps_the_books() {
    let mut lockstep = Lockstep {
        table: Table::new(0),
        keys: HashMap::new(),
        records: Vec::new(),
        bad: 0,
    };
    for round in 0..6 {
        lockstep.apply(&Op::Insert(0, 1500 * (round + 1)));
        lockstep.apply(&Op::Touch(round * 100, 700));
        lockstep.assert_invariants();
        lockstep.apply(&Op::Remove(round * 300, 1500 * round + 900));
        lockstep.apply(&Op::Rename(0, 9000));
        lockstep.assert_invariants();
    }
    assert!(lockstep.table.segments() >= 16, "several rounds of growth");
}
