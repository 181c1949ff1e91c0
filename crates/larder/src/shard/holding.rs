//! What a stripe of a store bounded in bytes really holds, and how it gets smaller.
//!
//! Weights say what an entry needs; what is held is that and more: pages that are not full, a table with room, ghosts,
//! timers. So such a stripe has spent the sum of its weights and a *tare*, the rest of what it holds, which may be
//! negative. The tare is put right at the end of every hold of the lock ([`World::reconcile`]).
//!
//! ```text
//! insert ── budget left?          spend the weight
//!        ├─ idle memory?          use that: pages with nothing in them, or that compaction gains
//!        └─ else                  evict; what the victim leaves is idle memory
//! then   ── the bound is passed?  move entries closer, give pages back; evict where nothing lies idle
//! ```
//!
//! Memory that nobody can give back (the table, pages that are read without a lock) is *sunk*: nothing larger than the
//! rest of the bound can be stored.
//!
//! Cost: a write of such a store sums up some twenty numbers. Moving an entry takes some 200 ns; what one write does
//! for others is bounded as what it does for itself.

use super::{COMPACTION_STEPS, Departed, EVICTIONS, Shard, World};
use crate::ds::Ref;
use crate::ds::arena::PAGE_BYTES;
use crate::entry::{Entries, Holding};

/// Stripes whose share is smaller count weights alone: a page and a segment of the table would be a large part of it.
const LEAST_SHARE: u64 = 1 << 20;
/// What a stripe holds beyond weights and idle memory before it is charged: the start of a table, half-filled pages.
const FREE_TARE: i64 = 32 << 10;
/// A stripe is poor when this part of its share is missing.
const POOR_PART: u64 = 10;
/// Entries moved at a time: some 8 µs.
const MOVES: usize = 32;
/// Beyond this part of the bound, what it is passed by is not left for later writes.
const MOST_EXCESS_PART: u64 = 256;
/// A weight up to this may be put where memory lies idle: a record. What is larger needs memory of its own.
const RECORD_BYTES: u64 = 2 * crate::ds::arena::MAX_WORDS as u64 * 8;

/// How a stripe stands with the budget beside its weights.
#[derive(Default)]
pub(super) struct Standing {
    /// What is held beyond the weights, and charged.
    tare: i64,
    /// Of the tare, what entries that are about to be written will take.
    drawn: u64,
    sunk: u64,
}

/// What is charged beyond the weights.
fn tare(held: u64, idle: u64, weight: u64, share: u64) -> i64 {
    let rest = held as i64 - weight as i64 - idle as i64;
    let charged = if rest <= 0 {
        rest
    } else {
        // However badly it lies, half of a share is always there to be used.
        (rest - FREE_TARE).clamp(0, share as i64 / 2)
    };
    idle as i64 + charged
}

impl<E: Entries> Shard<E> {
    /// What is charged: weights and tare.
    pub(super) fn charge(&self) -> u64 {
        self.weight.saturating_add_signed(self.standing.tare)
    }
}

impl<E: Entries> World<'_, E> {
    /// What the entries hold, if that is what is charged.
    fn holding(&self) -> Option<Holding> {
        let holding = self.shard.entries.holding()?;
        (self.budget.share() >= LEAST_SHARE).then_some(holding)
    }

    /// Whether what is held is charged.
    pub(super) fn is_charged(&self) -> bool {
        self.holding().is_some()
    }

    /// Whether the stripe holds so much less than its share that others should make room for it. Without this, weights
    /// make the shares drift apart: who inserts something heavy evicts more than it weighs.
    #[inline]
    pub(super) fn is_poor(&self) -> bool {
        let share = self.budget.share();
        self.shard.charge() < share - share / POOR_PART
    }

    /// Charges what is held now, if anything is charged but weights.
    #[inline(always)]
    pub(crate) fn reconcile(&mut self) {
        if self.shard.entries.weighs_memory() {
            self.charge_anew();
        }
    }

    #[inline(never)]
    fn charge_anew(&mut self) {
        let (mut now, mut sunk) = (0, 0);
        if let Some(holding) = self.holding() {
            self.table.hold_back();
            if self
                .table
                .wanted_level()
                .is_some_and(|bytes| self.budget.has(bytes))
            {
                self.table.make_level();
            }
            let beside = self.table.asked_bytes() + self.shard.upkeep_bytes();
            let held = holding.all + beside;
            now = tare(held, holding.idle, self.shard.weight, self.budget.share());
            sunk = (holding.fixed + beside).saturating_sub(FREE_TARE as u64);
        }
        let Shard {
            standing, credit, ..
        } = &mut *self.shard;
        let change = now - std::mem::replace(&mut standing.tare, now);
        standing.drawn = 0;
        self.budget
            .sink(std::mem::replace(&mut standing.sunk, sunk), sunk);
        match u64::try_from(change) {
            Ok(more) => credit.insist(self.budget, more),
            Err(_) => credit.earn(change.unsigned_abs()),
        }
        credit.settle(self.budget);
    }

    /// Takes room for a record out of idle memory; `false` if there is too little.
    pub(super) fn draw(&mut self, weight: u64) -> bool {
        if weight > RECORD_BYTES {
            return false;
        }
        let drawn = self.shard.standing.drawn + weight;
        let enough = self.holding().is_some_and(|holding| holding.idle >= drawn);
        if enough {
            self.shard.standing.drawn = drawn;
            self.shard.standing.tare -= weight as i64;
        }
        enough
    }

    /// Makes memory free for what is too large to be put where some lies idle; `false` if none does.
    pub(super) fn gain(&mut self, weight: u64, keep: Option<Ref>) -> bool {
        if weight <= RECORD_BYTES || !self.is_charged() {
            return false;
        }
        // What was evicted since is idle memory now.
        self.reconcile();
        let gained = self.compact(keep);
        self.reconcile();
        gained
    }

    /// Moves some entries closer, but not `keep`; `false` if nothing is gained by that.
    pub(super) fn compact(&mut self, keep: Option<Ref>) -> bool {
        let movers = self.shard.entries.movers(self.shared, MOVES);
        let some = !movers.is_empty();
        for old in movers {
            if Some(old) != keep && !self.move_entry(old) {
                break;
            }
        }
        some
    }

    /// Moves an entry; `false` if it has no room elsewhere.
    fn move_entry(&mut self, old: Ref) -> bool {
        let World {
            table,
            shared,
            shard,
            ..
        } = &mut *self;
        let hash = shard.entries.hash(shared, old);
        let Some((slot, _)) = table.find(hash, |entry| entry == old) else {
            return true;
        };
        let Some(entry) = shard.entries.relocate(shared, old) else {
            return false;
        };
        table.replace(slot, entry);
        let weight = shard.entries.weight(shared, entry);
        self.revise(old, entry, weight);
        self.schedule(entry);
        self.shard.entries.forsake(self.shared, old);
        true
    }

    /// Does a bounded part of what keeps the store within its bound, and its memory dense.
    #[inline(always)]
    pub(crate) fn tend(&mut self, departed: &mut Departed<E::Gone>, keep: Option<Ref>) {
        if self.shard.entries.weighs_memory() {
            self.repay(departed, keep);
        } else if self.shard.entries.is_slack() {
            self.compact(keep);
        }
    }

    /// Gives back what the bound is passed by, and saves up for the table's next level.
    fn repay(&mut self, departed: &mut Departed<E::Gone>, keep: Option<Ref>) {
        let mut steps = EVICTIONS;
        while steps > 0 || self.budget.excess() > self.budget.limit() / MOST_EXCESS_PART {
            self.reconcile();
            let Some(holding) = self.holding() else {
                return;
            };
            let level = self.table.wanted_level();
            if self.budget.excess() == 0 {
                let Some(bytes) = level else { return };
                // Saved up for with what lies idle; else the table stays as small as it is.
                if !self.budget.has(bytes.saturating_sub(holding.idle)) {
                    let _ = self.evict(keep, departed);
                    break;
                }
            }
            if holding.idle >= PAGE_BYTES && self.compact(keep) {
                steps = steps.saturating_sub(COMPACTION_STEPS);
            } else if self.evict(keep, departed).is_ok() {
                steps = steps.saturating_sub(1);
            } else {
                break;
            }
        }
        self.reconcile();
    }
}
