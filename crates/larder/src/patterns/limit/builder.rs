//! `RateLimiterBuilder`: the settings of a limiter.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::Cache;
use crate::error::BuildError;
use crate::reaper::Upkeep;
use crate::time::Clock;

use super::limiter::RateLimiter;
use super::packing::Packing;
use super::queue::Queues;
use super::rule::{Kind, Rule};
use super::states::{Keep, Kept, States};
use super::terms::{Quota, Terms};

/// Keys whose state is kept, unless told otherwise: some 100 MiB of small keys.
const MAX_KEYS: usize = 1 << 20;
/// Calls that a sliding log remembers at most, 16 bytes each.
const MAX_LOG: u64 = 1 << 16;
/// More rules than that are a mistake: all of them are asked under the lock.
const MAX_RULES: usize = 16;
/// Beyond this a period cannot be told from never: 292 years, so that two of them still fit the arithmetic.
const MAX_PERIOD: Duration = Duration::from_nanos(u64::MAX / 2);

/// Builds a [`RateLimiter`].
///
/// ```
/// use larder::{RateLimiter, Rule};
/// use std::time::Duration;
///
/// let limiter: RateLimiter<String> = RateLimiter::builder()
///     .rule(Rule::gcra(10, Duration::from_secs(1)).burst(5).named("burst"))
///     .rule(Rule::sliding_window(1_000, Duration::from_secs(86_400)).named("daily"))
///     .max_keys(100_000)
///     .build()?;
/// assert_eq!(limiter.check("ada").policy, "burst");
/// # Ok::<(), larder::BuildError>(())
/// ```
#[must_use]
pub struct RateLimiterBuilder<K> {
    rules: Vec<Rule>,
    max_keys: usize,
    quota: Option<Quota<K>>,
    clock: Clock,
    upkeep: Upkeep,
}

impl<K> RateLimiterBuilder<K> {
    pub(super) fn new() -> Self {
        RateLimiterBuilder {
            rules: Vec::new(),
            max_keys: MAX_KEYS,
            quota: None,
            clock: Clock::system(),
            upkeep: Upkeep::default(),
        }
    }

    /// Adds a rule. A call has to satisfy all of them; if one refuses it, none is charged.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Keeps the state of at most so many keys (1,048,576 without this).
    ///
    /// Beyond it, keys that seldom call are forgotten first, and begin as new: a flood of strange keys passes through
    /// without pushing out those that call often.
    pub fn max_keys(mut self, max: usize) -> Self {
        self.max_keys = max;
        self
    }

    /// Says what a key's limit is under a rule, in the place of the rule's own. Its burst changes in proportion.
    ///
    /// Asked at every call, without a lock. What a key has spent stays spent when its quota changes.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let limiter: RateLimiter<String> = RateLimiter::builder()
    ///     .rule(Rule::fixed_window(100, Duration::from_secs(60)))
    ///     .quota(|key: &String, rule| rule.limit() * if key.starts_with("pro:") { 10 } else { 1 })
    ///     .build()?;
    /// assert_eq!(limiter.check("pro:ada").limit, 1000);
    /// assert_eq!(limiter.check("bob").limit, 100);
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn quota(mut self, limit: impl Fn(&K, &Rule) -> u64 + Send + Sync + 'static) -> Self {
        self.quota = Some(Box::new(limit));
        self
    }

    /// Takes the time from here.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Chooses who forgets keys whose state is as new, and wakes who waits.
    pub fn upkeep(mut self, upkeep: Upkeep) -> Self {
        self.upkeep = upkeep;
        self
    }

    /// Everything that is wrong.
    fn faults(&self) -> Vec<&'static str> {
        let any = |wrong: fn(&Rule) -> bool| self.rules.iter().any(wrong);
        let named_twice = |(place, rule): (usize, &Rule)| {
            self.rules[..place]
                .iter()
                .any(|other| other.name == rule.name)
        };
        let all = [
            (self.rules.is_empty(), "give at least one rule"),
            (self.rules.len() > MAX_RULES, "at most 16 rules"),
            (self.max_keys == 0, "max_keys must be at least 1"),
            (
                any(|rule| rule.period.is_zero()),
                "a rule's period must be longer than zero",
            ),
            (
                any(|rule| rule.period > MAX_PERIOD),
                "a rule's period must be at most 292 years",
            ),
            (
                any(|rule| rule.burst == 0 && rule.limit > 0),
                "a burst must be at least 1",
            ),
            (
                any(|rule| rule.kind == Kind::SlidingLog && rule.limit > MAX_LOG),
                "a sliding log's limit must be at most 65536",
            ),
            (
                any(|rule| !is_plain(rule.name)),
                "a rule's name must be printable ASCII without \" and \\",
            ),
            (
                self.rules.iter().enumerate().any(named_twice),
                "several rules need names of their own",
            ),
        ];
        all.into_iter()
            .filter_map(|(wrong, what)| wrong.then_some(what))
            .collect()
    }

    /// Builds the limiter.
    ///
    /// # Errors
    ///
    /// Says everything that is wrong: no rule or more than 16, two of one name, a name that a header field cannot hold,
    /// a period of zero or beyond 292 years, a burst of zero, a sliding log of more than 65,536 calls, no keys.
    pub fn build(self) -> Result<RateLimiter<K>, BuildError>
    where
        K: Hash + Eq + Clone + Send + Sync + 'static,
    {
        BuildError::check(self.faults())?;
        let keep = Keep::of(&self.rules);
        let packing = match (&*self.rules, &self.quota) {
            ([rule], None) => Packing::of(rule, keep.horizon()),
            _ => None,
        };
        let states = match packing {
            Some(packing) => States::Words(packing, self.cache()?),
            None => States::Cells(self.cache()?),
        };
        let queues = Queues::new(self.clock.clone(), self.upkeep)?;
        Ok(RateLimiter {
            states,
            terms: Arc::new(Terms {
                rules: self.rules.into(),
                quota: self.quota,
                keep,
                clock: self.clock,
            }),
            queues,
        })
    }
}

impl<K: Hash + Eq + Send + Sync + 'static> RateLimiterBuilder<K> {
    fn cache<T: Send + Sync + 'static>(&self) -> Result<Cache<K, Kept<T>>, BuildError> {
        Cache::builder()
            .max_entries(self.max_keys)
            .clock(self.clock.clone())
            .upkeep(self.upkeep)
            .without_stats()
            .build()
    }
}

/// Whether a name can stand in a header field, as the text between quotes.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
}

impl<K> fmt::Debug for RateLimiterBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiterBuilder")
            .field("rules", &self.rules)
            .field("max_keys", &self.max_keys)
            .finish_non_exhaustive()
    }
}
