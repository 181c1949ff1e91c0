//! `Rule`: one limit, as an algorithm, a number of calls and a period.

use std::time::Duration;

/// Nanoseconds; 64 bits of them are 584 years.
pub(super) type Nanos = u64;

/// How calls are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What was spent flows back evenly.
    Pace,
    /// Counts from a key's first call to the end of the period, then from zero.
    FixedWindow,
    /// Keeps the time of every call.
    SlidingLog,
    /// Two neighbouring windows, the earlier one weighed by what of it the sliding window still covers.
    SlidingWindow,
}

/// One limit of a [`RateLimiter`](crate::RateLimiter).
///
/// | | state | exact | at most in any period |
/// |---|---|---|---|
/// | [`fixed_window`](Rule::fixed_window) | a count | no | twice the limit, at the edge of two windows |
/// | [`sliding_window`](Rule::sliding_window) | two counts | nearly | the limit, if calls come evenly within a window |
/// | [`sliding_log`](Rule::sliding_log) | 16 bytes a call | yes | the limit |
/// | [`token_bucket`](Rule::token_bucket), [`gcra`](Rule::gcra) | a sum | yes | the burst and the limit |
///
/// ```
/// use larder::Rule;
/// use std::time::Duration;
///
/// let rule = Rule::token_bucket(100, Duration::from_secs(60)).burst(20).named("api");
/// assert_eq!((rule.limit(), rule.name()), (100, "api"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    pub(super) limit: u64,
    pub(super) period: Duration,
    /// The period as the arithmetic takes it.
    pub(super) nanos: Nanos,
    /// What may be spent at once: for windows the limit.
    pub(super) burst: u64,
}

impl Rule {
    fn new(kind: Kind, limit: u64, period: Duration) -> Self {
        Rule {
            kind,
            name: "default",
            limit,
            period,
            nanos: u64::try_from(period.as_nanos()).unwrap_or(u64::MAX),
            burst: limit,
        }
    }

    /// At most `limit` calls from a key's first call until `period` after it; then it begins anew.
    ///
    /// The cheapest to explain. Calls at the end of one window and at the start of the next add up to twice the limit.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let logins = RateLimiter::<&str>::new(Rule::fixed_window(1, Duration::from_secs(60)));
    /// assert!(logins.check(&"ada").allowed);
    /// assert!(!logins.check(&"ada").allowed);
    /// ```
    #[must_use]
    pub fn fixed_window(limit: u64, period: Duration) -> Self {
        Self::new(Kind::FixedWindow, limit, period)
    }

    /// At most `limit` calls in any `period`, kept exactly: the time of every call is remembered.
    ///
    /// A key takes up to 16 bytes per call of its limit, which may be 65,536 at most.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let payments = RateLimiter::<&str>::new(Rule::sliding_log(3, Duration::from_secs(60)));
    /// assert_eq!(payments.check(&"ada").remaining, 2);
    /// ```
    #[must_use]
    pub fn sliding_log(limit: u64, period: Duration) -> Self {
        Self::new(Kind::SlidingLog, limit, period)
    }

    /// At most about `limit` calls in any `period`, from two counts: those of the window before count by the part of it
    /// that the sliding window still covers.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let api = RateLimiter::<&str>::new(Rule::sliding_window(1_000, Duration::from_secs(3600)));
    /// assert_eq!(api.check(&"ada").remaining, 999);
    /// ```
    #[must_use]
    pub fn sliding_window(limit: u64, period: Duration) -> Self {
        Self::new(Kind::SlidingWindow, limit, period)
    }

    /// A bucket of `limit` tokens which refills evenly, `limit` tokens in a `period`; a call takes one.
    ///
    /// [`burst`](Rule::burst) gives the bucket another size.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let api = RateLimiter::<&str>::new(Rule::token_bucket(60, Duration::from_secs(60)).burst(5));
    /// assert!((0..5).all(|_| api.check(&"ada").allowed));
    /// assert!(!api.check(&"ada").allowed);
    /// ```
    #[must_use]
    pub fn token_bucket(limit: u64, period: Duration) -> Self {
        Self::new(Kind::Pace, limit, period)
    }

    /// One call every `period / limit`: the generic cell rate algorithm.
    ///
    /// [`burst`](Rule::burst) says how many may come at once. It is the token bucket seen from its empty side, and the
    /// same arithmetic here; this one holds one token unless told otherwise.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let mail = RateLimiter::<&str>::new(Rule::gcra(60, Duration::from_secs(60)));
    /// assert!(mail.check(&"ada").allowed);
    /// assert!(mail.check(&"ada").retry_after.is_some_and(|wait| wait <= Duration::from_secs(1)));
    /// ```
    #[doc(alias = "CL.THROTTLE")]
    #[must_use]
    pub fn gcra(limit: u64, period: Duration) -> Self {
        Self::new(Kind::Pace, limit, period).burst(1)
    }

    /// How many calls may come at once; of a token bucket, its size. Windows have no burst of their own: their limit is it.
    ///
    /// ```
    /// use larder::Rule;
    /// use std::time::Duration;
    ///
    /// assert_eq!(Rule::gcra(60, Duration::from_secs(60)).burst(10).most_at_once(), 10);
    /// ```
    #[must_use]
    pub fn burst(mut self, calls: u64) -> Self {
        if self.kind == Kind::Pace {
            self.burst = if self.limit == 0 { 0 } else { calls };
        }
        self
    }

    /// Gives the rule a name, by which decisions and header fields speak of it: printable ASCII without `"` and `\`.
    ///
    /// ```
    /// use larder::Rule;
    /// use std::time::Duration;
    ///
    /// assert_eq!(Rule::gcra(9, Duration::from_secs(1)).named("burst").name(), "burst");
    /// ```
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// The name; `default` where none was given.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Calls in a period.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Calls that may come at once.
    #[must_use]
    pub fn most_at_once(&self) -> u64 {
        self.burst
    }

    /// The period.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// The rule with another limit, and its burst in proportion, so that a bucket takes as long to fill as before.
    pub(super) fn scaled(self, limit: u64) -> Self {
        if limit == self.limit {
            return self;
        }
        let burst = if self.burst == self.limit || limit == 0 {
            limit
        } else {
            let scaled = u128::from(self.burst) * u128::from(limit) / u128::from(self.limit.max(1));
            u64::try_from(scaled).unwrap_or(u64::MAX).max(1)
        };
        Rule {
            limit,
            burst,
            ..self
        }
    }

    /// After how long without a call a key's state is as new, at any quota.
    pub(super) fn forgets_after(&self) -> Duration {
        let period = u128::from(self.nanos);
        let nanos = match self.kind {
            Kind::FixedWindow | Kind::SlidingLog => period,
            Kind::SlidingWindow => 2 * period,
            // A quota's burst is at least one call, which takes no longer than a period to flow back.
            Kind::Pace => (u128::from(self.burst) * period)
                .checked_div(u128::from(self.limit))
                .map_or(period, |full| (full + 1).max(period)),
        };
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}
