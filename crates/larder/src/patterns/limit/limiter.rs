//! `RateLimiter<K>`: the calls.
//!
//! A key's state is one entry of a cache, changed in one step: one decision over all rules, in which nothing is charged
//! unless all agree. The time is read coarsely; only where it says no, a few milliseconds late, is it read
//! again finely. So an allowed call reads no fine clock, and a refused one knows its wait exactly.

use std::borrow::Cow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use equivalent::Equivalent;

use crate::cache::{Cache, Change};
use crate::time::Clock;

use super::builder::RateLimiterBuilder;
use super::cells::{Cells, lone};
use super::decision::Decision;
use super::meter::{Cell, Wait};
use super::queue::{Queues, Ready};
use super::reservation::Reservation;
use super::rule::{Nanos, Rule};

/// A key's limit under a rule.
pub(super) type Quota<K> = Box<dyn Fn(&K, &Rule) -> u64 + Send + Sync>;

const NANOS_PER_MILLI: Nanos = 1_000_000;

/// What a limiter was built with.
pub(super) struct Terms<K> {
    pub(super) rules: Box<[Rule]>,
    pub(super) quota: Option<Quota<K>>,
    pub(super) clock: Clock,
}

impl<K> Terms<K> {
    /// The rules as they are for a key.
    #[inline]
    fn rules_for(&self, key: impl FnOnce() -> K) -> Cow<'_, [Rule]> {
        match &self.quota {
            None => Cow::Borrowed(&self.rules),
            Some(quota) => {
                let key = key();
                let scaled = |rule: &Rule| rule.scaled(quota(&key, rule));
                Cow::Owned(self.rules.iter().map(scaled).collect())
            }
        }
    }

    #[inline]
    fn coarse(&self) -> Nanos {
        self.clock.now().saturating_mul(NANOS_PER_MILLI)
    }

    /// Asks all rules, and charges all or none.
    #[inline]
    fn decide(&self, rules: &[Rule], cells: &mut [Cell], cost: u64) -> Decision {
        let now = self.coarse();
        let Some(_) = refusal(rules, cells, now, cost) else {
            return charge(rules, cells, now, cost);
        };
        let now = self.clock.fine_nanos();
        match refusal(rules, cells, now, cost) {
            None => charge(rules, cells, now, cost),
            refused => Decision::new(rules, cells, now, refused),
        }
    }
}

/// The rule that makes a call wait longest, if any does, after the states were brought to now.
#[inline]
fn refusal(rules: &[Rule], cells: &mut [Cell], now: Nanos, cost: u64) -> Option<(usize, Wait)> {
    let mut longest = None;
    for (place, (rule, cell)) in rules.iter().zip(cells).enumerate() {
        cell.advance(rule, now);
        if let Some(wait) = cell.wait(rule, now, cost)
            && longest.is_none_or(|(_, other)| wait > other)
        {
            longest = Some((place, wait));
        }
    }
    longest
}

#[inline]
fn charge(rules: &[Rule], cells: &mut [Cell], now: Nanos, cost: u64) -> Decision {
    for (rule, cell) in rules.iter().zip(&mut *cells) {
        cell.spend(rule, now, cost);
    }
    Decision::new(rules, cells, now, None)
}

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
    pub(super) states: Cache<K, Cells>,
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
    /// O(rules); one stripe's lock, for reading if there is one rule that is no log, else for writing; a coarse reading of
    /// the clock, and a fine one if the call is refused.
    /// No allocation, except for a new key, for the entries of a sliding log, and where there is a quota.
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
        self.with_cells(key, |rules, cells| self.terms.decide(rules, cells, cost))
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
    /// As [`check`](Self::check), with a copy of the state.
    pub fn peek<Q>(&self, key: &Q) -> Decision
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        let rules = self.terms.rules_for(|| key.to_owned());
        let mut cells = self
            .states
            .peek(key)
            .unwrap_or_else(|| Cells::new(&self.terms.rules));
        let now = self.terms.clock.fine_nanos();
        cells.change(&rules, |cells| {
            let refused = refusal(&rules, cells, now, 1);
            Decision::new(&rules, cells, now, refused)
        })
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
        self.with_cells(key, |rules, cells| {
            let now = self.terms.clock.fine_nanos();
            for (rule, cell) in rules.iter().zip(cells) {
                cell.advance(rule, now);
                cell.spend(rule, now, cost);
            }
        });
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
        self.states.update(key, |cells| {
            let now = self.terms.clock.fine_nanos();
            cells.change(&rules, |cells| {
                for (rule, cell) in rules.iter().zip(cells) {
                    cell.advance(rule, now);
                    cell.refund(rule, cost);
                }
            });
        });
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
        self.states.remove(key).is_some()
    }

    /// Runs `work` on a key's state; perhaps more than once, only the last of which counts.
    #[inline]
    fn with_cells<Q, R>(&self, key: &Q, work: impl Fn(&[Rule], &mut [Cell]) -> R) -> R
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        let rules = self.terms.rules_for(|| key.to_owned());
        let known = match lone(&rules) {
            Some(rule) => {
                let shared = |cell: &mut Cell| work(&rules, std::slice::from_mut(cell));
                let known = self.states.get_with(key, |cells| cells.share(rule, shared));
                known.flatten()
            }
            None => self.states.update(key, |cells| {
                cells.change(&rules, |cells| work(&rules, cells))
            }),
        };
        known.unwrap_or_else(|| self.with_new_cells(key.to_owned(), &rules, work))
    }

    #[cold]
    fn with_new_cells<R>(
        &self,
        key: K,
        rules: &[Rule],
        work: impl Fn(&[Rule], &mut [Cell]) -> R,
    ) -> R {
        let mut result = None;
        self.states.compute(key, |known| match known {
            Some(cells) => {
                result = Some(cells.change(rules, |cells| work(rules, cells)));
                Change::Keep
            }
            None => {
                let mut cells = Cells::new(rules);
                result = Some(cells.change(rules, |cells| work(rules, cells)));
                Change::Insert(cells)
            }
        });
        result.expect("the closure runs once")
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
        self.states.is_empty()
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
