//! `RateLimiter<K>`: the calls.
//!
//! A key's state is an entry of a cache that is changed in place ([`States`]): one decision over all rules, in which
//! nothing is charged unless all agree. The time is read coarsely, which never shows more than has passed; only where it
//! says no, and the present may say yes, is it read again finely.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use equivalent::Equivalent;

use crate::cache::Cache;

use super::builder::RateLimiterBuilder;
use super::decision::Decision;
use super::meter::Cell;
use super::packing::Deed;
use super::queue::{Queues, Ready};
use super::reservation::Reservation;
use super::rule::{Nanos, Rule};
use super::states::{Cells, Due, Keeper, Kept, States};
use super::terms::{Answer, Terms, foresee, turn};

/// Decides how often each key may call: by one rule, or by several at once.
///
/// A handle: clones are cheap and share their states. Calls are plain functions, for threads and tasks alike; only
/// [`until_ready`](RateLimiter::until_ready) waits.
///
/// ```
/// use larder::{ManualClock, RateLimiter, Rule};
/// use std::time::Duration;
///
/// let time = ManualClock::new();
/// let limiter: RateLimiter<String> = RateLimiter::builder()
///     .rule(Rule::token_bucket(2, Duration::from_secs(60)))
///     .clock(time.clock())
///     .build()?;
/// assert_eq!(limiter.check("ada").remaining, 1);
/// assert!(limiter.check("ada").allowed);
/// let refused = limiter.check("ada");
/// assert_eq!(refused.retry_after, Some(Duration::from_secs(30)));
/// time.advance(Duration::from_secs(30));
/// assert!(limiter.check("ada").allowed);
/// # Ok::<(), larder::BuildError>(())
/// ```
///
/// # Consistency
///
/// A decision is atomic over all rules. A key's state is kept until it would be as new, unless `max_keys` are in use:
/// then keys that seldom call are forgotten earlier. On the system's clock, time is exact to some milliseconds.
pub struct RateLimiter<K> {
    pub(super) states: States<K>,
    pub(super) terms: Arc<Terms<K>>,
    pub(super) queues: Arc<Queues<K>>,
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> RateLimiter<K> {
    /// A limiter with one rule, for at most 1,048,576 keys.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let limiter = RateLimiter::<u64>::new(Rule::token_bucket(100, Duration::from_secs(1)));
    /// assert!(limiter.check(&7).allowed);
    /// ```
    ///
    /// # Panics
    ///
    /// If the rule is not one that [`build`](RateLimiterBuilder::build) would accept.
    #[must_use]
    pub fn new(rule: Rule) -> Self {
        match Self::builder().rule(rule).build() {
            Ok(limiter) => limiter,
            Err(error) => panic!("{error}"),
        }
    }

    /// A builder, for everything else.
    pub fn builder() -> RateLimiterBuilder<K> {
        RateLimiterBuilder::new()
    }

    /// Decides about one call of a key.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let limiter = RateLimiter::<String>::new(Rule::fixed_window(1, Duration::from_secs(60)));
    /// assert!(limiter.check("ada").allowed);
    /// assert!(!limiter.check("ada").allowed);
    /// assert!(limiter.check("bob").allowed);
    /// ```
    ///
    /// # Cost
    ///
    /// O(rules); one stripe's lock for reading, a coarse reading of the clock, and a compare-and-swap; for several rules, a
    /// quota, a sliding log, and numbers beyond 64 bits a small lock instead of the last. A refused call costs no more, and
    /// a fine reading of the clock if it would have to wait for 40 ms or less. The stripe's lock for writing only for a new
    /// key, and for one that was kept for a quarter longer than its state needs. No allocation, except for a new
    /// key, for the entries of a sliding log, and where there is a quota.
    ///
    /// # Consistency
    ///
    /// Atomic. A call that is refused by one rule is charged by none.
    pub fn check<Q>(&self, key: &Q) -> Decision
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        self.check_n(key, 1)
    }

    /// Decides about a call that counts as `cost` calls: all of them or none.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let limiter = RateLimiter::<String>::new(Rule::fixed_window(10, Duration::from_secs(60)));
    /// assert_eq!(limiter.check_n("ada", 8).remaining, 2);
    /// assert!(!limiter.check_n("ada", 3).allowed);
    /// assert_eq!(limiter.check_n("ada", 2).remaining, 0);
    /// ```
    ///
    /// # Cost
    ///
    /// As [`check`](Self::check).
    pub fn check_n<Q>(&self, key: &Q, cost: u64) -> Decision
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        if let States::Words(packing, words) = &self.states {
            let rule = &self.terms.rules[0];
            let again = |word: &_, now| packing.change(rule, word, now, Deed::Check(cost));
            let known = self.terms.keeper(words).with(key, |word, now, due| {
                if due == Due::Now {
                    return None;
                }
                let verdict = packing.check(rule, word, now, cost);
                let stands = verdict.stands();
                Some(if stands {
                    verdict
                } else {
                    again(word, self.terms.clock.fine_nanos())
                })
            });
            if let Some(verdict) = known {
                return Decision::of(rule, verdict);
            }
        }
        self.carry_out(key, Deed::Check(cost))
    }

    /// What [`check`](Self::check) would say, without charging the key.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let limiter = RateLimiter::<String>::new(Rule::fixed_window(1, Duration::from_secs(60)));
    /// assert_eq!(limiter.peek("ada").remaining, 1);
    /// assert_eq!(limiter.peek("ada").remaining, 1);
    /// ```
    ///
    /// # Cost
    ///
    /// As [`check`](Self::check), with a fine reading of the clock; a key without a state is not given one.
    pub fn peek<Q>(&self, key: &Q) -> Decision
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        self.look(key, 1)
    }

    /// Charges a key without asking, as far as its limits reach: for costs that are known only afterwards.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let limiter = RateLimiter::<String>::new(Rule::fixed_window(10, Duration::from_secs(60)));
    /// limiter.charge("ada", 25);
    /// assert_eq!(limiter.peek("ada").remaining, 0);
    /// ```
    ///
    /// # Cost
    ///
    /// As [`check`](Self::check).
    pub fn charge<Q>(&self, key: &Q, cost: u64)
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        let _ = self.carry_out(key, Deed::Charge(cost));
    }

    /// Gives back what a call was charged, under every rule, as far as it still counts; what has flowed back or fallen
    /// out of its window by now is not given back twice.
    ///
    /// Who waits in [`until_ready`](Self::until_ready) notices when it looks again: at the time that it was told.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let limiter = RateLimiter::<String>::new(Rule::fixed_window(10, Duration::from_secs(60)));
    /// assert!(limiter.check_n("ada", 10).allowed);
    /// limiter.refund("ada", 4);
    /// assert_eq!(limiter.peek("ada").remaining, 4);
    /// ```
    ///
    /// # Cost
    ///
    /// As [`check`](Self::check); a key without a state is not given one.
    pub fn refund<Q>(&self, key: &Q, cost: u64)
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        let rules = self.terms.rules_for(|| key.to_owned());
        let deed = Deed::Refund(cost);
        match &self.states {
            States::Words(packing, words) => {
                let refund = |word: &_, now| packing.change(&rules[0], word, now, deed);
                self.terms.keeper(words).look(key, refund);
            }
            States::Cells(cells) => {
                let refund =
                    |cells: &Cells, now| cells.change(|cells| turn(&rules, cells, now, deed));
                self.terms.keeper(cells).look(key, refund);
            }
        }
    }

    /// Charges an estimate, to be settled once the cost is known.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let tokens = RateLimiter::<String>::new(Rule::fixed_window(1_000, Duration::from_secs(60)));
    /// let reserved = tokens.reserve("ada", 400).map_err(|refused| format!("{refused:?}"))?;
    /// reserved.settle(150);
    /// assert_eq!(tokens.peek("ada").remaining, 850);
    /// # Ok::<(), String>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The decision, if the estimate is refused; then nothing was charged.
    ///
    /// # Cost
    ///
    /// As [`check`](Self::check), and a copy of the key.
    pub fn reserve<Q>(&self, key: &Q, estimate: u64) -> Result<Reservation<'_, K>, Decision>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        let decision = self.check_n(key, estimate);
        if !decision.allowed {
            return Err(decision);
        }
        Ok(Reservation::new(self, key.to_owned(), estimate, decision))
    }

    /// Waits until a call of a key is allowed; a future that needs no runtime, with a twin that blocks.
    ///
    /// Those who wait for one key are served in the order in which they came; [`check`](Self::check) does not queue.
    /// The answer is a refusal only if no wait would help, or none that [`Ready::within`] allows.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let limiter = RateLimiter::<String>::new(Rule::gcra(1_000, Duration::from_secs(1)));
    /// for _ in 0..3 {
    ///     assert!(limiter.until_ready("ada").wait_blocking().allowed);
    /// }
    /// ```
    ///
    /// # Cost
    ///
    /// As [`check`](Self::check); who has to wait allocates a place in the key's queue.
    pub fn until_ready<Q>(&self, key: &Q) -> Ready<'_, K>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        Ready::new(self, key.to_owned())
    }

    /// Forgets what a key has spent; whether there was anything.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let limiter = RateLimiter::<String>::new(Rule::fixed_window(1, Duration::from_secs(60)));
    /// assert!(limiter.check("ada").allowed);
    /// assert!(limiter.reset("ada"));
    /// assert!(limiter.check("ada").allowed);
    /// ```
    pub fn reset<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> bool {
        self.states.remove(key)
    }

    /// Decides as [`check_n`](Self::check_n) does, by the fine clock.
    pub(super) fn check_finely(&self, key: &K, cost: u64) -> Decision {
        let asked = self.look(key, cost);
        if asked.allowed {
            self.carry_out(key, Deed::Check(cost))
        } else {
            asked
        }
    }

    /// Does a deed to a key's state.
    #[inline(never)]
    fn carry_out<Q>(&self, key: &Q, deed: Deed) -> Decision
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        match &self.states {
            States::Words(packing, words) => {
                let rule = &self.terms.rules[0];
                let at = |word: &_, now| packing.change(rule, word, now, deed);
                let keeper = self.terms.keeper(words);
                let known = keeper.with(key, |word: &AtomicU64, now, due| match (due, deed) {
                    (Due::Later, _) => Some(self.terms.ask(now, |now| at(word, now))),
                    (Due::Now, Deed::Check(cost)) => {
                        let word = word.load(Ordering::Relaxed);
                        let verdict = packing.foresee(rule, word, now, cost);
                        (verdict.wait.is_some() && verdict.stands()).then_some(verdict)
                    }
                    (Due::Now, _) => None,
                });
                match known {
                    Some(verdict) => Decision::of(rule, verdict),
                    None => {
                        let at = |word: &_, now| Decision::of(rule, at(word, now));
                        self.begin(&keeper, key, deed, |now| packing.fresh(now).into(), at)
                    }
                }
            }
            States::Cells(cells) => self.carry_out_on_cells(cells, key, deed),
        }
    }

    fn carry_out_on_cells<Q>(&self, cells: &Cache<K, Kept<Cells>>, key: &Q, deed: Deed) -> Decision
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        let rules = self.terms.rules_for(|| key.to_owned());
        let at = |cells: &Cells, now| cells.change(|cells| turn(&rules, cells, now, deed));
        let keeper = self.terms.keeper(cells);
        let known = keeper.with(key, |cells, now, due| {
            (due == Due::Later).then(|| self.terms.ask(now, |now| at(cells, now)))
        });
        known.unwrap_or_else(|| self.begin(&keeper, key, deed, |_| Cells::new(&rules), at))
    }

    /// Does a deed to the state of a key that is new, or whose deadline is to be renewed.
    #[cold]
    fn begin<Q, T>(
        &self,
        keeper: &Keeper<'_, K, T>,
        key: &Q,
        deed: Deed,
        fresh: impl FnOnce(Nanos) -> T,
        at: impl Fn(&T, Nanos) -> Decision,
    ) -> Decision
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        if let Deed::Check(cost) = deed {
            let asked = self.look(key, cost);
            if !asked.allowed {
                return asked;
            }
        }
        keeper.renew(key.to_owned(), fresh, |state, now| {
            let decision = at(state, now);
            (decision, decision.allowed)
        })
    }

    /// What a call of this cost would be told by the fine clock; nothing is charged.
    fn look<Q>(&self, key: &Q, cost: u64) -> Decision
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        let rules = self.terms.rules_for(|| key.to_owned());
        let known = match &self.states {
            States::Words(packing, words) => self.terms.keeper(words).look(key, |word, now| {
                let word = word.load(Ordering::Relaxed);
                Decision::of(&rules[0], packing.foresee(&rules[0], word, now, cost))
            }),
            States::Cells(cells) => self
                .terms
                .keeper(cells)
                .look(key, |cells, now| foresee(&rules, cells.copied(), now, cost)),
        };
        known.unwrap_or_else(|| {
            let fresh = rules.iter().map(Cell::new).collect();
            foresee(&rules, fresh, self.terms.clock.fine_nanos(), cost)
        })
    }
}

impl<K> RateLimiter<K> {
    /// The rules, in the order in which they were given.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.terms.rules
    }

    /// How many keys have a state.
    #[must_use]
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether no key has a state.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held for the states; logs and several rules hold more elsewhere.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.states.bytes()
    }

    /// Forgets keys whose state is as new by now, and wakes who may go on.
    ///
    /// Needed only with [`Upkeep::Manual`](crate::Upkeep) or a [`ManualClock`](crate::ManualClock).
    pub fn tick(&self) {
        self.states.tick();
        self.queues.ring();
    }
}

impl<K> Clone for RateLimiter<K> {
    fn clone(&self) -> Self {
        RateLimiter {
            states: self.states.clone(),
            terms: Arc::clone(&self.terms),
            queues: Arc::clone(&self.queues),
        }
    }
}

impl<K> fmt::Debug for RateLimiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("rules", &self.terms.rules)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
