//! `Budget`: one exact bound for a whole store or cache, lent to its stripes in small credits.
//!
//! `used` counts what stripes have been given, spent or not; it never passes `limit`. A stripe asks for what it needs
//! plus a little ([`Budget::borrow`]); the little shrinks with what is left, to nothing when the budget is spent, so
//! that hardly any credit lies idle when the first eviction is due, and [`Credit`] gives idle credit back.
//!
//! Credit that lies idle counts as used, so the first eviction may come before the bound is reached: by a sixteenth of it
//! at most, if some stripes borrowed when all was left and have not been written to since. Hashed keys reach all stripes
//! alike, and each gives back what is too much with its next write: then it comes within a thousandth. To call idle
//! credit in would need either the lock of another stripe under one's own, or an atomic exchange for every insert.
//!
//! Cost: an insert that stays within its stripe's credit touches no shared word.

use std::sync::atomic::{AtomicU64, Ordering};

/// A bound shared by stripes; see the module's text.
pub(crate) struct Budget {
    limit: AtomicU64,
    used: AtomicU64,
    /// Of what is used, what is never given back.
    sunk: AtomicU64,
    /// How many borrowers share the budget, as a power of two.
    stripes_log: u32,
    /// Less than this left counts as nothing left.
    grain: u64,
}

/// A stripe never keeps more idle credit than this part of what is left, divided among the stripes.
const IDLE_PART: u64 = 16;

/// Upper bound of stripes: beyond it, memory grows and contention no longer shrinks.
pub(crate) const MAX_SHARES: usize = 1024;
/// Fewest stripes of a large store or cache: two busy threads seldom meet.
const MIN_SHARES: usize = 16;
/// A stripe with a smaller share of the bound than this chooses its victims badly.
const MIN_SHARE: u64 = 128;
/// How many stripes suit a bound on a machine with so many cores.
pub(crate) fn fitting(limit: u64, cores: usize) -> usize {
    let mut count = (4 * cores)
        .next_power_of_two()
        .clamp(MIN_SHARES, MAX_SHARES);
    while count > 1 && limit / (count as u64) < MIN_SHARE {
        count /= 2;
    }
    count
}

impl Budget {
    /// `stripes` is a power of two.
    pub(crate) fn new(limit: u64, stripes: u64) -> Self {
        debug_assert!(stripes.is_power_of_two());
        Budget {
            limit: AtomicU64::new(limit),
            used: AtomicU64::new(0),
            sunk: AtomicU64::new(0),
            stripes_log: stripes.ilog2(),
            grain: 1,
        }
    }

    /// Lets it count as spent when less than this is left: where what one insert takes is not what another gives back.
    pub(crate) fn set_grain(&mut self, grain: u64) {
        self.grain = grain.max(1);
    }

    /// Whether an insert has to take the place of another.
    #[inline]
    pub(crate) fn is_spent(&self) -> bool {
        self.left() < self.grain
    }

    /// The most that anything can weigh.
    pub(crate) fn largest(&self) -> u64 {
        self.limit()
            .saturating_sub(self.sunk.load(Ordering::Relaxed))
    }

    /// Takes notice that of what a borrower was lent so much is never given back, where it was `before`.
    pub(crate) fn sink(&self, before: u64, now: u64) {
        if now != before {
            self.sunk
                .fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
        }
    }

    #[inline(always)]
    pub(crate) fn limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    /// Sets another bound. What is lent beyond it must be given back by evicting.
    pub(crate) fn set_limit(&self, limit: u64) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Lent, spent or not.
    #[inline(always)]
    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// By how much the bound is passed: only after it was lowered.
    pub(crate) fn excess(&self) -> u64 {
        self.used().saturating_sub(self.limit())
    }

    fn left(&self) -> u64 {
        self.limit().saturating_sub(self.used())
    }

    /// Idle credit that one stripe may keep now.
    #[inline]
    fn idle(&self) -> u64 {
        (self.left() / IDLE_PART) >> self.stripes_log
    }

    /// What one borrower would have if all had the same.
    #[inline]
    pub(crate) fn share(&self) -> u64 {
        self.limit() >> self.stripes_log
    }

    /// Whether so much is left.
    #[inline]
    pub(crate) fn has(&self, need: u64) -> bool {
        self.left() >= need
    }

    /// Takes `amount` even where the bound is passed by it: the taker sees to it that others give back.
    pub(crate) fn overdraw(&self, amount: u64) {
        self.used.fetch_add(amount, Ordering::Relaxed);
    }

    /// Takes `need`, or nothing.
    pub(crate) fn take(&self, need: u64) -> bool {
        self.take_some(need, need).is_some()
    }

    /// Takes between `need` and `want`, or nothing.
    fn take_some(&self, need: u64, want: u64) -> Option<u64> {
        let limit = self.limit();
        let mut used = self.used();
        loop {
            let granted = want.min(limit.saturating_sub(used));
            if granted < need {
                return None;
            }
            match self.used.compare_exchange_weak(
                used,
                used + granted,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(granted),
                Err(now) => used = now,
            }
        }
    }

    /// Gives back what was taken.
    pub(crate) fn give(&self, amount: u64) {
        if amount > 0 {
            self.used.fetch_sub(amount, Ordering::Relaxed);
        }
    }
}

/// What one stripe has borrowed and not spent. Belongs to the holder of the stripe's lock.
#[derive(Default)]
pub(crate) struct Credit {
    idle: u64,
    /// Nothing is given back: a call that changes several entries may need it for the next one, or to take the last
    /// one back.
    hoarding: bool,
}

impl Credit {
    /// Spends `need`, borrowing if it must; `false` and nothing spent if the budget does not have it.
    #[inline]
    pub(crate) fn spend(&mut self, budget: &Budget, need: u64) -> bool {
        if self.idle < need {
            let missing = need - self.idle;
            if !budget.has(missing) {
                return false;
            }
            match budget.take_some(missing, missing + budget.idle()) {
                Some(granted) => self.idle += granted,
                None => return false,
            }
        }
        self.idle -= need;
        true
    }

    /// Spends `amount`, even where the bound is passed by it.
    #[inline]
    pub(crate) fn insist(&mut self, budget: &Budget, amount: u64) {
        if amount > 0 && !self.spend(budget, amount) {
            let missing = amount - self.idle.min(amount);
            budget.overdraw(missing);
            self.idle -= amount - missing;
        }
    }

    /// Earns back what was spent before.
    #[inline]
    pub(crate) fn earn(&mut self, amount: u64) {
        self.idle += amount;
    }

    /// Gives back what the stripe should not keep.
    #[inline]
    pub(crate) fn settle(&mut self, budget: &Budget) {
        if self.idle > 0 && !self.hoarding {
            let keep = budget.idle();
            if self.idle > keep {
                budget.give(self.idle - keep);
                self.idle = keep;
            }
        }
    }

    /// Gives everything back; says how much it was.
    pub(crate) fn surrender(&mut self, budget: &Budget) -> u64 {
        if self.hoarding {
            return 0;
        }
        let all = std::mem::take(&mut self.idle);
        budget.give(all);
        all
    }

    /// Takes over `amount`, and gives nothing back until [`Self::hand_over`].
    pub(crate) fn hoard(&mut self, amount: u64) {
        self.idle += amount;
        self.hoarding = true;
    }

    /// Ends the hoarding; the caller has to see to all that was idle.
    pub(crate) fn hand_over(&mut self) -> u64 {
        self.hoarding = false;
        std::mem::take(&mut self.idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_lies_idle_is_a_sixteenth_of_the_bound_at_most(
            ops in prop::collection::vec((0..8usize, 1..300u64, any::<bool>()), 1..400),
        ) {
            let budget = Budget::new(10_000, 8);
            let mut credits: Vec<(Credit, u64)> = (0..8).map(|_| (Credit::default(), 0)).collect();
            for (stripe, amount, spend) in ops {
                let (credit, spent) = &mut credits[stripe];
                if spend {
                    *spent += if credit.spend(&budget, amount) { amount } else { 0 };
                } else {
                    let amount = amount.min(*spent);
                    *spent -= amount;
                    credit.earn(amount);
                    credit.settle(&budget);
                }
                let idle: u64 = credits.iter().map(|(credit, _)| credit.idle).sum();
                let spent: u64 = credits.iter().map(|(_, spent)| spent).sum();
                prop_assert!(idle <= 10_000 / IDLE_PART);
                prop_assert_eq!(idle + spent, budget.used());
                prop_assert!(budget.used() <= budget.limit());
            }
        }
    }

    #[test]
    fn credits_add_up_to_the_budget_and_never_pass_it() {
        let budget = Budget::new(1000, 4);
        let mut credits: Vec<Credit> = (0..4).map(|_| Credit::default()).collect();
        let mut spent = 0;
        while credits[0].spend(&budget, 1) {
            spent += 1;
        }
        assert_eq!((spent, budget.used()), (1000, 1000));
        credits[0].earn(10);
        credits[0].settle(&budget);
        assert!(credits[1].spend(&budget, 10));
        assert!(!credits[2].spend(&budget, 1));
        budget.set_limit(900);
        assert_eq!(budget.excess(), 100);
    }
}
