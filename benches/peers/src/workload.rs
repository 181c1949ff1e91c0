//! What is done to a cache in a throughput bench: the operation, how many entries there are, and which keys in
//! which order. Orders are drawn once, with a fixed seed, and are the same for every peer and round.

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};

use crate::peer::stamp;

/// Entries of the small workloads: about 400 KiB with 16 B keys, which stays in a core's L2.
const SMALL: usize = 4096;

/// Length of an order over the small set; longer ones would push the entries out of L2 themselves.
const SMALL_ORDER: usize = 1 << 14;

/// Keys of one [`Op::GetMany`].
pub const BATCH: usize = 16;

/// Marks a step of [`Op::Mixed`] that inserts.
const INSERTS: u32 = 1 << 31;

/// The exponent of every skewed workload.
const ZIPF_EXPONENT: f64 = 0.99;

/// What one step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Looks up a key that is there.
    Get,
    /// The same, with some 20 ns of other work between two look-ups, so that the processor cannot begin the next before one
    /// has ended. The work counts.
    GetApart,
    /// Looks up [`BATCH`] keys at once, in one call where the peer has such a call.
    GetMany,
    /// Looks up a key that never was.
    Miss,
    /// Looks up in nine steps of ten, overwrites in the tenth.
    Mixed,
    /// Inserts a fresh key into a full cache.
    Insert,
    /// Removes a key that is there.
    Remove,
}

/// Which keys are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skew {
    /// Any, alike.
    Uniform,
    /// Zipf with exponent 0.99; ranks are shuffled over the keys, so that hot entries are not neighbours.
    Zipf,
    /// Always the same one.
    Single,
    /// Each once, shuffled.
    Each,
}

/// One row of the throughput tables.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// What tables call it.
    pub name: &'static str,
    /// What one step does.
    pub op: Op,
    /// Which keys are taken.
    pub skew: Skew,
    /// Whether the entries fit in a core's L2; otherwise there are as many as asked for.
    pub small: bool,
}

/// Every workload, in the order of the tables.
pub const WORKLOADS: [Workload; 13] = [
    row("get hit uniform", Op::Get, Skew::Uniform, false),
    row("get hit Zipf 0.99", Op::Get, Skew::Zipf, false),
    row("get hit uniform, apart", Op::GetApart, Skew::Uniform, false),
    row("get hit uniform 4K", Op::Get, Skew::Uniform, true),
    row("get hit Zipf 0.99 4K", Op::Get, Skew::Zipf, true),
    row("get hit one hot key", Op::Get, Skew::Single, true),
    row("get 16 at once", Op::GetMany, Skew::Uniform, false),
    row("get 16 at once 4K", Op::GetMany, Skew::Uniform, true),
    row("get miss", Op::Miss, Skew::Uniform, false),
    row("get miss 4K", Op::Miss, Skew::Uniform, true),
    row(
        "90/10 get/overwrite Zipf 0.99",
        Op::Mixed,
        Skew::Zipf,
        false,
    ),
    row("insert evicting", Op::Insert, Skew::Each, false),
    row("remove", Op::Remove, Skew::Each, false),
];

const fn row(name: &'static str, op: Op, skew: Skew, small: bool) -> Workload {
    Workload {
        name,
        op,
        skew,
        small,
    }
}

impl Workload {
    /// How many entries there are, where the large workloads have `large`.
    pub fn entries(&self, large: usize) -> usize {
        if self.small { SMALL } else { large }
    }

    /// The bound of the cache: exact where it must evict, otherwise a quarter above the entries, so that no
    /// stripe of any peer overflows and every look-up is a hit.
    pub fn capacity(&self, entries: usize) -> usize {
        if self.op == Op::Insert {
            entries
        } else {
            entries + entries / 4
        }
    }

    /// Draws the steps of one round, about `ops` of them.
    pub fn plan(&self, entries: usize, ops: usize) -> Plan {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(0x1A2D_E700 + entries as u64);
        let length = if self.small {
            SMALL_ORDER.min(ops)
        } else {
            ops
        };
        let mut order = match self.skew {
            Skew::Uniform => (0..length)
                .map(|_| rng.random_range(0..entries as u32))
                .collect(),
            Skew::Zipf => zipf(&mut rng, entries, length),
            Skew::Single => vec![entries as u32 / 2; length],
            Skew::Each => shuffled(
                &mut rng,
                if self.op == Op::Remove {
                    entries
                } else {
                    length
                },
            ),
        };
        if self.op == Op::Mixed {
            order
                .iter_mut()
                .for_each(|step| *step |= if rng.random_ratio(1, 10) { INSERTS } else { 0 });
        }
        let laps = if self.small {
            (ops / order.len()).max(1)
        } else {
            1
        };
        Plan {
            op: self.op,
            order,
            laps,
            entries,
        }
    }
}

fn zipf(rng: &mut Xoshiro256PlusPlus, entries: usize, length: usize) -> Vec<u32> {
    let keys = shuffled(rng, entries);
    let ranks =
        Zipf::new(entries as f64, ZIPF_EXPONENT).expect("a positive size and exponent are valid");
    (0..length)
        .map(|_| keys[(ranks.sample(rng) as usize).clamp(1, entries) - 1])
        .collect()
}

fn shuffled(rng: &mut Xoshiro256PlusPlus, length: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..length as u32).collect();
    order.shuffle(rng);
    order
}

/// The steps of one round.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What each step does.
    pub op: Op,
    /// The keys' numbers.
    pub order: Vec<u32>,
    /// How often the order is walked.
    pub laps: usize,
    /// How many entries there are.
    pub entries: usize,
}

/// What a round's look-ups found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Keys found.
    pub hits: u64,
    /// The wrapping sum of the stamps of the values found.
    pub stamps: u64,
}

impl Answers {
    /// Counts one value.
    pub fn add(&mut self, stamp: u64) {
        self.hits += 1;
        self.stamps = self.stamps.wrapping_add(stamp);
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            stamps: self.stamps.wrapping_add(other.stamps),
        }
    }
}

impl Plan {
    /// A step's key number, and whether it inserts.
    pub fn step(step: u32) -> (u64, bool) {
        (u64::from(step & !INSERTS), step & INSERTS != 0)
    }

    /// What the look-ups must find.
    pub fn expected(&self) -> Answers {
        if !matches!(self.op, Op::Get | Op::GetApart | Op::GetMany | Op::Mixed) {
            return Answers::default();
        }
        let mut lap = Answers::default();
        let looked_up = self
            .order
            .iter()
            .map(|&step| Self::step(step))
            .filter(|(_, inserts)| !inserts);
        looked_up.for_each(|(number, _)| lap.add(stamp(number)));
        let laps = self.laps as u64;
        Answers {
            hits: lap.hits * laps,
            stamps: lap.stamps.wrapping_mul(laps),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_repeat_and_stay_within_their_entries() {
        for workload in WORKLOADS {
            let entries = workload.entries(10_000);
            let plan = workload.plan(entries, 50_000);
            assert_eq!(
                plan.order,
                workload.plan(entries, 50_000).order,
                "{}",
                workload.name
            );
            let bound = if workload.op == Op::Insert {
                50_000
            } else {
                entries as u64
            };
            assert!(
                plan.order.iter().all(|&step| Plan::step(step).0 < bound),
                "{}",
                workload.name
            );
        }
    }

    #[test]
    fn zipf_takes_its_first_rank_as_often_as_it_should() {
        let plan = WORKLOADS[1].plan(1000, 200_000);
        let mut counts = vec![0_u32; 1000];
        plan.order
            .iter()
            .for_each(|&step| counts[step as usize] += 1);
        let harmonic: f64 = (1..=1000)
            .map(|rank| f64::from(rank).powf(-ZIPF_EXPONENT))
            .sum();
        let top = f64::from(counts.into_iter().max().unwrap_or(0)) / 200_000.0;
        assert!(
            (top * harmonic - 1.0).abs() < 0.05,
            "the hottest key has a share of {top}"
        );
    }
}
