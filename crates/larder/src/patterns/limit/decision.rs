//! `Decision`: what a limiter answers.

use std::time::Duration;

use super::meter::{Cell, Verdict, Wait};
use super::rule::{Nanos, Rule};

/// What a [`RateLimiter`](crate::RateLimiter) says to a call.
///
/// It speaks of the rule that is closest to its limit: of a call that was refused, the one with the longest wait.
///
/// ```
/// use larder::{RateLimiter, Rule};
/// use std::time::Duration;
///
/// let limiter = RateLimiter::<&str>::new(Rule::fixed_window(1, Duration::from_secs(60)));
/// assert_eq!(limiter.check(&"ada").remaining, 0);
/// let refused = limiter.check(&"ada");
/// assert!(!refused.allowed);
/// assert_eq!((refused.limit, refused.policy), (1, "default"));
/// assert_eq!(refused.retry_after_secs(), Some(60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Decision {
    /// Whether the call may go on. It then was charged; one that may not was not.
    pub allowed: bool,
    /// How many calls the rule allows at once.
    pub limit: u64,
    /// How many it would still allow now.
    pub remaining: u64,
    /// When a call of the same cost would be allowed, if nobody else came; `None` if it was allowed now, or never will be.
    /// On the system's clock rounded up by as much as 40 ms.
    pub retry_after: Option<Duration>,
    /// When the key's state will be as new, if nobody came.
    pub reset_after: Duration,
    /// The name of the rule.
    pub policy: &'static str,
}

impl Decision {
    /// The wait in whole seconds, rounded up, at least one: what a `Retry-After` field says.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let limiter = RateLimiter::<&str>::new(Rule::gcra(10, Duration::from_secs(1)));
    /// assert!(limiter.check(&"ada").allowed);
    /// assert_eq!(limiter.check(&"ada").retry_after_secs(), Some(1)); // 100 ms, never 0
    /// ```
    #[must_use]
    pub fn retry_after_secs(&self) -> Option<u64> {
        self.retry_after.map(|wait| whole_secs(wait).max(1))
    }

    /// The time to a state as new in whole seconds, rounded up.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let limiter = RateLimiter::<&str>::new(Rule::gcra(10, Duration::from_secs(1)));
    /// assert_eq!(limiter.check(&"ada").reset_after_secs(), 1);
    /// ```
    #[must_use]
    pub fn reset_after_secs(&self) -> u64 {
        whole_secs(self.reset_after)
    }

    /// Whether no wait would help: the call costs more than the rule ever allows.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let limiter = RateLimiter::<&str>::new(Rule::fixed_window(5, Duration::from_secs(1)));
    /// assert!(limiter.check_n(&"ada", 6).is_hopeless());
    /// ```
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        !self.allowed && self.retry_after.is_none()
    }

    /// What a rule's state says.
    #[inline]
    pub(super) fn of(rule: &Rule, verdict: Verdict) -> Self {
        Decision {
            allowed: verdict.wait.is_none(),
            limit: rule.burst,
            remaining: verdict.remaining,
            retry_after: match verdict.wait {
                Some(Wait::Nanos(wait)) => Some(Duration::from_nanos(wait)),
                _ => None,
            },
            reset_after: Duration::from_nanos(verdict.reset),
            policy: rule.name,
        }
    }

    /// What the states of several rules say, which were brought to `now`, and charged if `refused` is none.
    pub(super) fn over(
        rules: &[Rule],
        cells: &[Cell],
        now: Nanos,
        refused: Option<(usize, Wait)>,
    ) -> Self {
        let (rule, cell) = match refused {
            Some((place, _)) => (&rules[place], &cells[place]),
            None => tightest(rules, cells, now),
        };
        Self::of(rule, cell.verdict(rule, now, refused.map(|(_, wait)| wait)))
    }
}

/// The rule that allows the fewest more calls; of several, the one that takes longest to recover.
fn tightest<'a>(rules: &'a [Rule], cells: &'a [Cell], now: Nanos) -> (&'a Rule, &'a Cell) {
    let mut pairs = rules.iter().zip(cells);
    let first = pairs.next().expect("a limiter has a rule");
    let rank = |(rule, cell): &(&Rule, &Cell)| (cell.remaining(rule, now), !cell.reset(rule, now));
    pairs.fold(first, |best, pair| {
        if rank(&pair) < rank(&best) {
            pair
        } else {
            best
        }
    })
}

fn whole_secs(duration: Duration) -> u64 {
    let started = u64::from(duration.subsec_nanos() > 0);
    duration.as_secs().saturating_add(started)
}
