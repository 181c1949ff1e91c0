//! `States`: what each key has spent, as entries of a cache, and how long they are kept.
//!
//! Of a lone rule a word ([`Packing`]), changed by compare-and-swap; else a cell per rule behind a small lock. Either is
//! changed in place, under the stripe's lock for reading. So a check does not move its entry's deadline: an entry is
//! given one that lies further off than its state needs, and only once that margin is used up, after [`Keep::renewal`], is
//! it renewed under the lock for writing. Whether a deadline has passed does not matter to a check, since a state that
//! old is as new.
//!
//! A new key that is refused gets no state.

use std::hash::Hash;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use equivalent::Equivalent;

use crate::cache::{Cache, Change};
use crate::sync::Mutex;
use crate::time::{Clock, Millis, millis};

use super::meter::Cell;
use super::packing::Packing;
use super::rule::{Nanos, Rule};

pub(super) const NANOS_PER_MILLI: Nanos = 1_000_000;
/// No state is renewed more often than that: a renewal costs as much as a dozen checks.
const SHORTEST_RENEWAL_MS: Millis = 10_000;
/// More than two readings of the clock may differ.
const DOUBT_MS: Millis = 1_000;

/// For how long states are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    /// After how long without a call a state is as new.
    forgets: Millis,
    /// How much longer it is kept, at most.
    renewal: Millis,
}

impl Keep {
    pub(super) fn of(rules: &[Rule]) -> Self {
        let forgets = rules.iter().map(Rule::forgets_after).max();
        let forgets = millis(forgets.unwrap_or_default());
        Keep {
            forgets,
            renewal: (forgets / 4).max(SHORTEST_RENEWAL_MS),
        }
    }

    /// From a renewal to the deadline.
    fn ttl(self) -> Millis {
        let margin = self.renewal.saturating_add(DOUBT_MS);
        self.forgets.saturating_add(margin)
    }

    /// Nobody looks at a state later than that after its last change.
    pub(super) fn horizon(self) -> Nanos {
        let longest = self.ttl().saturating_add(2 * DOUBT_MS);
        longest.saturating_mul(NANOS_PER_MILLI)
    }
}

/// A key's state.
#[derive(Debug)]
pub(super) struct Kept<T> {
    state: T,
    /// From when on the next call renews the entry's deadline.
    renew_at: Millis,
}

/// When an entry's deadline is to be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Later,
    Now,
}

/// A cell per rule, behind a lock of their own.
#[derive(Debug)]
pub(super) struct Cells(Mutex<Box<[Cell]>>);

#[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
impl Cells {
    /// Without anything spent.
    pub(super) fn new(rules: &[Rule]) -> Self {
        Cells(Mutex::new(rules.iter().map(Cell::new).collect()))
    }

    pub(super) fn change<R>(&self, work: impl FnOnce(&mut [Cell]) -> R) -> R {
        work(&mut self.0.lock())
    }

    pub(super) fn copied(&self) -> Box<[Cell]> {
        self.0.lock().clone()
    }
}

/// The states of a limiter.
pub(super) enum States<K> {
    Words(Packing, Cache<K, Kept<AtomicU64>>),
    Cells(Cache<K, Kept<Cells>>),
}

impl<K> States<K> {
    pub(super) fn len(&self) -> usize {
        match self {
            States::Words(_, words) => words.len(),
            States::Cells(cells) => cells.len(),
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        match self {
            States::Words(_, words) => words.bytes(),
            States::Cells(cells) => cells.bytes(),
        }
    }

    pub(super) fn tick(&self) {
        match self {
            States::Words(_, words) => words.tick(),
            States::Cells(cells) => cells.tick(),
        }
    }
}

impl<K: Hash + Eq> States<K> {
    pub(super) fn remove<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> bool {
        match self {
            States::Words(_, words) => words.remove(key).is_some(),
            States::Cells(cells) => cells.remove(key).is_some(),
        }
    }
}

impl<K> Clone for States<K> {
    fn clone(&self) -> Self {
        match self {
            States::Words(packing, words) => States::Words(packing.clone(), words.clone()),
            States::Cells(cells) => States::Cells(cells.clone()),
        }
    }
}

/// A cache of states with what it takes to keep them.
pub(super) struct Keeper<'a, K, T> {
    pub(super) states: &'a Cache<K, Kept<T>>,
    pub(super) keep: Keep,
    pub(super) clock: &'a Clock,
}

impl<K: Hash + Eq, T> Keeper<'_, K, T> {
    /// Runs `work` on a key's state at the coarse time, if it has one that counts. `work` is told whether the deadline is to
    /// be renewed: then it must not charge.
    #[inline(always)]
    pub(super) fn with<Q: Hash + Equivalent<K> + ?Sized, R>(
        &self,
        key: &Q,
        work: impl FnOnce(&T, Nanos, Due) -> Option<R>,
    ) -> Option<R> {
        let now = self.clock.now();
        let known = |kept: &Kept<T>| {
            let due = if now < kept.renew_at {
                Due::Later
            } else if now < self.until(kept) {
                Due::Now
            } else {
                return None;
            };
            work(&kept.state, now.saturating_mul(NANOS_PER_MILLI), due)
        };
        self.states.resident_with(key, known).flatten()
    }

    /// Until when a state counts that is not renewed.
    fn until(&self, kept: &Kept<T>) -> Millis {
        kept.renew_at.saturating_add(self.keep.forgets)
    }

    /// Runs `work` on a key's state at the fine time, if it has one that counts, without keeping it any longer for that.
    pub(super) fn look<Q: Hash + Equivalent<K> + ?Sized, R>(
        &self,
        key: &Q,
        work: impl FnOnce(&T, Nanos) -> R,
    ) -> Option<R> {
        let now = self.clock.fine_nanos();
        let known = |kept: &Kept<T>| {
            let counts = now / NANOS_PER_MILLI < self.until(kept);
            counts.then(|| work(&kept.state, now))
        };
        self.states.resident_with(key, known).flatten()
    }

    /// Runs `work` on a key's state at the fine time, and keeps it for as long as it will count. A new key's is kept
    /// only if that is what `work` says.
    #[cold]
    pub(super) fn renew<R>(
        &self,
        key: K,
        fresh: impl FnOnce(Nanos) -> T,
        work: impl FnOnce(&T, Nanos) -> (R, bool),
    ) -> R {
        let now = self.clock.fine_nanos();
        let renew_at = (now / NANOS_PER_MILLI).saturating_add(self.keep.renewal);
        let mut result = None;
        let ttl = Duration::from_millis(self.keep.ttl());
        self.states.compute_with_ttl(key, ttl, |known| match known {
            Some(kept) => {
                kept.renew_at = renew_at;
                result = Some(work(&kept.state, now).0);
                Change::Keep
            }
            None => {
                let state = fresh(now);
                let (outcome, keeps) = work(&state, now);
                result = Some(outcome);
                if keeps {
                    Change::Insert(Kept { state, renew_at })
                } else {
                    Change::Keep
                }
            }
        });
        result.expect("the closure runs once")
    }
}
