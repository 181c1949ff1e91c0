//! S3-FIFO in lockstep with [`Naive`] and [`Scale`]: every victim, every place on probation and every counter.

use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;

use super::hash_of;
use super::naive::{Held, Naive, Shelves};
use super::scale::{Scale, USUAL, WHOLE};
use super::stage::Stage;
use crate::ds::Ref;
use crate::evict::s3fifo::S3Fifo;
use crate::evict::{Balance, Policy};

impl Shelves for Stage<S3Fifo> {
    fn home(&self, hash: u32) -> u32 {
        Stage::home(self, hash)
    }

    fn count(&self) -> u32 {
        self.buckets()
    }

    fn shelf(&self, number: u32) -> Vec<(u32, Ref)> {
        self.bucket(number)
    }
}

/// Stripes that share a bound and a balance, each beside its model.
struct Lockstep {
    stripes: Vec<(Stage<S3Fifo>, Naive)>,
    balance: Arc<Balance>,
    scale: Scale,
    capacity: u64,
    heavy: bool,
    /// Keys that were evicted, the latest last.
    gone: VecDeque<u32>,
}

impl Lockstep {
    fn new(stripes: usize, capacity: u64, heavy: bool) -> Self {
        let balance = Balance::new(stripes);
        let stripe = |_| {
            let stage = Stage::new(S3Fifo::new(Arc::clone(&balance)), false);
            (stage, Naive::default())
        };
        Lockstep {
            stripes: (0..stripes).map(stripe).collect(),
            scale: Scale::new(stripes),
            balance,
            capacity,
            heavy,
            gone: VecDeque::new(),
        }
    }

    fn stripe_of(&self, hash: u32) -> usize {
        (hash >> 9) as usize % self.stripes.len()
    }

    fn total(&self) -> u64 {
        self.stripes.iter().map(|(stage, _)| stage.weight).sum()
    }

    /// Evicts one entry other than `keep` from a stripe; both must name the same.
    fn evict(&mut self, stripe: usize, keep: Option<Ref>) -> bool {
        let (stage, naive) = &mut self.stripes[stripe];
        let wanted = naive.victim(keep, &self.scale, stage);
        assert_eq!(stage.evict(keep), wanted, "the victim");
        if let Some(entry) = wanted {
            self.gone.push_back(naive.held[&entry].hash);
            self.gone.truncate(4000);
            naive.remove(entry);
        }
        wanted.is_some()
    }

    /// Evicts until so much more fits, from this stripe first; `true` if something had to go.
    fn make_room(&mut self, stripe: usize, weight: u64, keep: Option<Ref>) -> bool {
        let before = self.gone.len();
        let mut evicted = false;
        for step in 0..self.stripes.len() {
            let other = (stripe + step) % self.stripes.len();
            let keep = keep.filter(|_| step == 0);
            while self.total() + weight > self.capacity && self.evict(other, keep) {
                evicted = true;
            }
        }
        evicted || self.gone.len() > before
    }

    /// A look-up, and an insert where it missed.
    fn ask(&mut self, hash: u32) {
        let weight = if self.heavy {
            1 + u64::from(hash >> 8) % 40
        } else {
            1
        };
        let stripe = self.stripe_of(hash);
        if self.hit(hash) || weight > self.capacity {
            return;
        }
        let full = self.total() + weight > self.capacity;
        self.stripes[stripe].0.approach(hash, full);
        let full = self.make_room(stripe, weight, None) || self.total() + weight == self.capacity;
        let (stage, naive) = &mut self.stripes[stripe];
        let entry = stage.insert(hash, weight, full);
        naive.admit(entry, (hash, weight), (full, &mut self.scale), stage);
        assert_eq!(self.balance.room(WHOLE), self.scale.part, "the part");
    }

    fn hit(&mut self, hash: u32) -> bool {
        let stripe = self.stripe_of(hash);
        let (stage, naive) = &mut self.stripes[stripe];
        let found = stage.find(hash);
        if let Some((slot, entry)) = found {
            stage.note_use((slot, entry));
            naive.note_use(entry);
        }
        found.is_some()
    }

    fn remove(&mut self, hash: u32) {
        let stripe = self.stripe_of(hash);
        let (stage, naive) = &mut self.stripes[stripe];
        if let Some((slot, entry)) = stage.find(hash) {
            stage.remove((slot, entry));
            naive.remove(entry);
        }
    }

    /// An entry grows or shrinks; others go for it, never itself.
    fn reweigh(&mut self, hash: u32, weight: u64) {
        let stripe = self.stripe_of(hash);
        let Some((_, entry)) = self.stripes[stripe].0.find(hash) else {
            return;
        };
        let held = self.stripes[stripe].0.plain(entry).weight;
        if weight > self.capacity {
            return;
        }
        self.make_room(stripe, weight.saturating_sub(held), Some(entry));
        let (stage, naive) = &mut self.stripes[stripe];
        stage.reweigh(entry, weight);
        naive.reweigh(entry, weight);
    }

    fn relocate(&mut self, hash: u32) {
        let stripe = self.stripe_of(hash);
        let (stage, naive) = &mut self.stripes[stripe];
        if let Some((slot, from)) = stage.find(hash) {
            naive.relocate(from, stage.relocate((slot, from)));
        }
    }

    fn clear(&mut self) {
        for (stage, naive) in &mut self.stripes {
            stage.clear();
            naive.clear();
        }
    }

    fn assert_invariants(&self) {
        assert!(self.total() <= self.capacity);
        for (stage, naive) in &self.stripes {
            assert_eq!(stage.table.len() as usize, naive.held.len());
            assert_eq!(stage.weight, naive.total());
            let mut young = 0;
            for bucket in 0..stage.buckets() {
                for (_, entry) in stage.bucket(bucket) {
                    let plain = stage.plain(entry);
                    let (slot, _) = stage.find(plain.hash).expect("it stands in the table");
                    let held = Held {
                        hash: plain.hash,
                        weight: plain.weight,
                        uses: stage.table.counter(slot),
                        young: plain.young,
                    };
                    assert_eq!(naive.held.get(&entry), Some(&held));
                    young += u64::from(plain.young);
                }
            }
            // Tickets of 8 bytes in chunks of 2 KiB, no more than twice the good ones; 18 bytes of ghosts a bucket.
            let tickets = (2 * young + 66) * 8 + 2 * 2048 + 1024;
            let ghosts = u64::from(stage.buckets()) * 18 + 1024;
            assert!(stage.policy.bytes() <= tickets + ghosts);
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    /// One key.
    Ask(u32),
    /// So many keys in order, so many times.
    Loop(u32, u32, u32),
    /// Keys in order, each asked for again so many keys later.
    Echo(u32, u32, u32),
    /// Uses of some keys that are there.
    Hits(u32, u32),
    /// The last that were evicted, again.
    Regret(usize),
    Remove(u32, u32),
    Reweigh(u32, u64),
    Relocate(u32, u32),
    Evict(usize),
    Resize(u64),
    Clear,
}

fn op() -> impl Strategy<Value = Op> {
    let key = || prop_oneof![3 => 0..300u32, 1 => 0..6000u32];
    prop_oneof![
        6 => key().prop_map(Op::Ask),
        5 => (key(), 1..400u32, 1..4u32).prop_map(|(k, n, r)| Op::Loop(k, n, r)),
        4 => (key(), 20..300u32, 1..120u32).prop_map(|(k, n, b)| Op::Echo(k, n, b)),
        4 => (key(), 1..60u32).prop_map(|(k, n)| Op::Hits(k, n)),
        4 => (1..80usize).prop_map(Op::Regret),
        2 => (key(), 1..150u32).prop_map(|(k, n)| Op::Remove(k, n)),
        2 => (key(), 1..60u64).prop_map(|(k, w)| Op::Reweigh(k, w)),
        2 => (key(), 1..60u32).prop_map(|(k, n)| Op::Relocate(k, n)),
        1 => (0..4usize).prop_map(Op::Evict),
        1 => capacities().prop_map(Op::Resize),
        1 => prop::bool::weighted(0.2).prop_map(|yes| if yes { Op::Clear } else { Op::Regret(9) }),
    ]
}

fn capacities() -> impl Strategy<Value = u64> {
    prop_oneof![1 => 1..20u64, 6 => 20..300u64, 1 => 600..1000u64]
}

fn apply(lockstep: &mut Lockstep, op: Op) {
    match op {
        Op::Ask(key) => lockstep.ask(hash_of(key)),
        Op::Loop(first, keys, rounds) => {
            for key in (0..rounds).flat_map(|_| first..first + keys) {
                lockstep.ask(hash_of(key));
            }
        }
        Op::Echo(first, keys, behind) => {
            for key in first..first + keys {
                lockstep.ask(hash_of(key));
                lockstep.ask(hash_of(key.saturating_sub(behind).max(first)));
            }
        }
        Op::Hits(first, keys) => {
            (first..first + keys).for_each(|key| _ = lockstep.hit(hash_of(key)))
        }
        Op::Regret(many) => {
            let last: Vec<u32> = lockstep.gone.iter().rev().take(many).copied().collect();
            last.into_iter().for_each(|hash| lockstep.ask(hash));
        }
        Op::Remove(first, keys) => {
            (first..first + keys).for_each(|key| lockstep.remove(hash_of(key)))
        }
        Op::Reweigh(key, weight) => lockstep.reweigh(hash_of(key), weight),
        Op::Relocate(first, keys) => {
            (first..first + keys).for_each(|key| lockstep.relocate(hash_of(key)));
        }
        Op::Evict(stripe) => _ = lockstep.evict(stripe % lockstep.stripes.len(), None),
        Op::Resize(capacity) => {
            lockstep.capacity = capacity;
            lockstep.make_room(0, 0, None);
        }
        Op::Clear => lockstep.clear(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn s3_fifo_agrees_with_its_model_on_every_victim_and_every_queue(
        stripes in 1..4usize,
        capacity in capacities(),
        heavy in any::<bool>(),
        ops in prop::collection::vec(op(), 1..40),
    ) {
        let mut lockstep = Lockstep::new(stripes, capacity, heavy);
        for op in ops {
            apply(&mut lockstep, op);
            lockstep.assert_invariants();
        }
    }
}

/// Pseudo-random numbers below a bound.
fn random(state: &mut u64, below: u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}

#[test]
fn the_part_of_the_small_queue_agrees_with_its_model_in_both_directions() {
    let mut lockstep = Lockstep::new(2, 300, false);
    for number in 0..10_000 {
        lockstep.ask(hash_of(number % 400));
    }
    assert!(
        lockstep.scale.part < USUAL / 5,
        "a loop wants a small one: {}",
        lockstep.scale.part
    );
    lockstep.assert_invariants();
    let mut state = 5;
    for number in 0..5_000u32 {
        lockstep.ask(hash_of(number % 7000));
        let back = random(&mut state, 240) as u32;
        lockstep.ask(hash_of(number.saturating_sub(back) % 7000));
    }
    assert!(
        lockstep.scale.part > 2 * USUAL,
        "what is recent counts: {}",
        lockstep.scale.part
    );
    assert!(lockstep.scale.decisions > 20);
    lockstep.assert_invariants();
}

#[test]
fn the_model_is_driven_through_every_way_in_and_out() {
    let mut lockstep = Lockstep::new(1, 200, false);
    let mut state = 9;
    for round in 0..80u32 {
        let first = random(&mut state, 3000) as u32;
        apply(&mut lockstep, Op::Loop(0, 260, 1));
        apply(&mut lockstep, Op::Hits(first % 300, 200));
        apply(&mut lockstep, Op::Echo(first, 90, 30));
        apply(&mut lockstep, Op::Remove(first, 40));
        apply(&mut lockstep, Op::Relocate(first + 40, 20));
        apply(&mut lockstep, Op::Regret(40));
        match round % 40 {
            5 => {
                // One in main that grows until the other, on probation, has to go for it.
                apply(&mut lockstep, Op::Clear);
                apply(&mut lockstep, Op::Resize(40));
                (0..2).for_each(|key| apply(&mut lockstep, Op::Ask(key)));
                (39..41).for_each(|weight| apply(&mut lockstep, Op::Reweigh(1, weight)));
                apply(&mut lockstep, Op::Resize(200));
            }
            10 => apply(&mut lockstep, Op::Resize(1)),
            11 => apply(&mut lockstep, Op::Resize(700)),
            20 => apply(&mut lockstep, Op::Resize(150)),
            30 => (0..4).for_each(|_| apply(&mut lockstep, Op::Hits(0, 6000))),
            _ => {}
        }
        lockstep.assert_invariants();
    }
    let ways = lockstep.stripes[0].1.ways;
    for (count, way) in ways.named() {
        assert!(count > 0, "never {way}: {ways:?}");
    }
}
