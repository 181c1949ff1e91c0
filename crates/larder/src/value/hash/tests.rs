//! Hashes beside a map whose entries have deadlines, in transactions as well.

use std::collections::BTreeMap;

use ahash::RandomState;
use proptest::prelude::*;

use super::*;

fn hasher() -> RandomState {
    RandomState::with_seeds(1, 2, 3, 4)
}

fn dice(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
    }
}

#[derive(Debug, Clone)]
enum Step {
    Set(u32, usize, Option<u64>),
    SetMany(u32, u16, Option<u64>),
    SetDue(u32, Option<u64>),
    Remove(u32),
    RemoveMany(u32, u16),
    Pass(u64),
    Expire(usize),
    Transaction(Vec<Step>),
}

fn step() -> impl Strategy<Value = Step> {
    let field = || 0..300_u32;
    let due = || prop_oneof![2 => Just(None), 1 => (0..100_u64).prop_map(Some)];
    let size = prop_oneof![8 => 0..40_usize, 1 => 0..2000_usize];
    let leaf = prop_oneof![
        4 => (field(), size, due()).prop_map(|(n, size, due)| Step::Set(n, size, due)),
        2 => (field(), 0..300_u16, due()).prop_map(|(n, many, due)| Step::SetMany(n, many, due)),
        2 => (field(), due()).prop_map(|(n, due)| Step::SetDue(n, due)),
        2 => field().prop_map(Step::Remove),
        2 => (field(), 0..300_u16).prop_map(|(n, many)| Step::RemoveMany(n, many)),
        2 => (0..40_u64).prop_map(Step::Pass),
        2 => (0..400_usize).prop_map(Step::Expire),
    ];
    leaf.prop_recursive(1, 6, 6, |inner| {
        prop::collection::vec(inner, 0..6).prop_map(Step::Transaction)
    })
}

/// Values and deadlines by field; what is due stays until it is asked for.
type Model = BTreeMap<Vec<u8>, (Vec<u8>, u64)>;

struct Bench {
    hash: Hash,
    model: Model,
    now: u64,
}

fn field(n: u32) -> Vec<u8> {
    format!("field{n}").into_bytes()
}

impl Bench {
    fn forget_due(&mut self) {
        self.model.retain(|_, (_, due)| *due > self.now);
    }

    fn set(&mut self, n: u32, size: usize, due: Option<u64>) {
        self.forget_due();
        let (key, value) = (field(n), vec![b'v'; size]);
        let due = due.map_or(NEVER, |due| self.now + due + 1);
        let room = self.hash.bytes() + self.hash.growth(1, key.len() + size);
        let element = Element {
            key: &key,
            value: &value,
            due,
        };
        let new = self.hash.set(&hasher(), element, self.now);
        assert!(self.hash.bytes() <= room, "{} > {room}", self.hash.bytes());
        assert_eq!(new, self.model.insert(key, (value, due)).is_none());
    }

    fn remove(&mut self, n: u32) {
        self.forget_due();
        let gone = self.hash.remove(&hasher(), &field(n), self.now);
        assert_eq!(gone, self.model.remove(&field(n)).is_some());
    }

    fn run(&mut self, step: Step, depth: u32) {
        match step {
            Step::Set(n, size, due) => self.set(n, size, due),
            Step::SetMany(n, many, due) => {
                (n..n + u32::from(many)).for_each(|n| self.set(n, 5, due));
            }
            Step::SetDue(n, due) => {
                self.forget_due();
                let due = due.map_or(NEVER, |due| self.now + due + 1);
                self.hash.set_due(&hasher(), &field(n), due, self.now);
                if let Some(row) = self.model.get_mut(&field(n)) {
                    row.1 = due;
                }
            }
            Step::Remove(n) => self.remove(n),
            Step::RemoveMany(n, many) => (n..n + u32::from(many)).for_each(|n| self.remove(n)),
            Step::Pass(time) if depth == 0 => self.now += time,
            Step::Expire(most) => {
                self.forget_due();
                let due = self.hash.len() - self.hash.len_at(self.now);
                let expired = self.hash.expire(&hasher(), self.now, most);
                assert_eq!(expired, due.min(most));
            }
            Step::Transaction(steps) if depth == 0 => {
                let (before, keep) = (self.model.clone(), steps.len() % 2 == 0);
                self.hash.begin();
                for step in steps {
                    self.run(step, 1);
                }
                if keep {
                    self.hash.commit();
                } else {
                    self.hash.rollback();
                    self.model = before;
                }
            }
            Step::Pass(_) | Step::Transaction(_) => {}
        }
    }

    fn check(&mut self) {
        self.forget_due();
        let (hash, now) = (&self.hash, self.now);
        hash.pairs.assert_invariants(&hasher());
        let row = |element: Element<'_>| {
            let value = (element.value.to_vec(), element.due);
            (element.key.to_vec(), value)
        };
        let rows: Model = hash.iter(now).map(row).collect();
        assert_eq!(rows, self.model);
        assert_eq!(hash.len_at(now), self.model.len());
        let next = self.model.values().map(|row| row.1).min();
        assert!(hash.next_due().unwrap_or(NEVER) <= next.unwrap_or(NEVER));
        for (key, value) in &self.model {
            let found = hash.get(&hasher(), key, now);
            assert_eq!(
                found.map(|e| (e.value, e.due)),
                Some((&value.0[..], value.1))
            );
        }
        for count in [1, 20, 5000] {
            let mut sampled = Model::new();
            hash.sample(count, &mut dice(3), now, &mut |element| {
                let (key, value) = row(element);
                assert!(sampled.insert(key, value).is_none());
            });
            assert_eq!(sampled.len(), count.min(self.model.len()));
            assert!(
                sampled
                    .iter()
                    .all(|(key, value)| self.model.get(key) == Some(value))
            );
        }
        let drawn = hash.draw(&mut dice(5), now).map(row);
        assert_eq!(drawn.is_none(), self.model.is_empty());
        assert!(drawn.is_none_or(|(key, value)| self.model[&key] == value));
        let (mut seen, mut cursor) = (Model::new(), 0);
        loop {
            cursor = hash.scan(cursor, 10, now, &mut |element| {
                seen.extend([row(element)]);
            });
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen, self.model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_hash_follows_a_map_with_deadlines(steps in prop::collection::vec(step(), 0..25)) {
        let mut bench = Bench { hash: Hash::default(), model: Model::new(), now: 0 };
        for step in steps {
            bench.run(step, 0);
            bench.check();
            if let Some(packed) = bench.hash.packed() {
                bench.hash = Hash::unpack(packed.to_vec());
                bench.check();
            }
        }
    }
}

#[test]
fn a_field_is_gone_at_its_deadline_and_taken_out_when_asked() {
    let mut hash = Hash::default();
    for n in 0..1000 {
        let (key, due) = (field(n), if n < 600 { 50 } else { NEVER });
        let element = Element {
            key: &key,
            value: b"v",
            due,
        };
        hash.set(&hasher(), element, 0);
    }
    assert_eq!((hash.len_at(49), hash.len_at(50)), (1000, 400));
    assert!(hash.get(&hasher(), b"field0", 49).is_some());
    assert!(hash.get(&hasher(), b"field0", 50).is_none());
    assert_eq!(hash.expire(&hasher(), 49, 1000), 0);
    assert_eq!(hash.expire(&hasher(), 50, 256), 256);
    assert_eq!(hash.next_due(), Some(50));
    assert_eq!(hash.expire(&hasher(), 50, 1000), 344);
    assert_eq!((hash.len(), hash.next_due()), (400, None));
}

#[test]
fn hashes_without_deadlines_pay_nothing_for_them() {
    let mut hash = Hash::default();
    for n in 0..10 {
        let key = format!("field:{n:02}");
        let element = Element {
            key: key.as_bytes(),
            value: b"16 bytes, always",
            due: NEVER,
        };
        hash.set(&hasher(), element, 0);
    }
    assert_eq!(hash.packed().map(<[u8]>::len), Some(2 + 10 * (1 + 8 + 16)));
    assert_eq!(hash.next_due(), None);
}
