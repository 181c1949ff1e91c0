//! `Reservation`: an estimate that was charged before the cost is known.

use std::fmt;
use std::hash::Hash;

use super::decision::Decision;
use super::limiter::RateLimiter;

/// What [`RateLimiter::reserve`] charged. Dropped, it stays charged.
///
/// ```
/// use larder::{RateLimiter, Rule};
/// use std::time::Duration;
///
/// let limiter = RateLimiter::<String>::new(Rule::fixed_window(10, Duration::from_secs(60)));
/// if let Ok(reserved) = limiter.reserve("ada", 6) {
///     reserved.settle(8); // it came out dearer
/// }
/// assert_eq!(limiter.peek("ada").remaining, 2);
/// ```
#[must_use = "settle it, or its estimate stays charged"]
pub struct Reservation<'a, K> {
    limiter: &'a RateLimiter<K>,
    key: K,
    estimate: u64,
    decision: Decision,
}

impl<'a, K: Hash + Eq + Clone + Send + Sync + 'static> Reservation<'a, K> {
    pub(super) fn new(
        limiter: &'a RateLimiter<K>,
        key: K,
        estimate: u64,
        decision: Decision,
    ) -> Self {
        Reservation {
            limiter,
            key,
            estimate,
            decision,
        }
    }

    /// The decision about the estimate.
    pub fn decision(&self) -> Decision {
        self.decision
    }

    /// Gives back what the estimate was too high, or charges what it was too low, as far as the limit reaches.
    pub fn settle(self, cost: u64) {
        if cost <= self.estimate {
            self.limiter.refund(&self.key, self.estimate - cost);
        } else {
            self.limiter.charge(&self.key, cost - self.estimate);
        }
    }

    /// Gives all of it back.
    pub fn cancel(self) {
        self.settle(0);
    }
}

impl<K> fmt::Debug for Reservation<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation")
            .field("estimate", &self.estimate)
            .finish_non_exhaustive()
    }
}
