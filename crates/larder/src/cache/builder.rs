//! `CacheBuilder`: the settings of a cache.

use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ahash::RandomState;

use crate::budget::{MAX_SHARES, fitting};
use crate::error::BuildError;
use crate::evict::{Balance, Chosen, Eviction};
use crate::reaper::{Upkeep, Upkept, Watch};
use crate::shard::Shard;
use crate::stats::Counters;
use crate::stripes::Stripes;
use crate::time::{Clock, millis};
use crate::wait::{Alarms, cores};

use super::Cache;
use super::core::{Core, Listener, Weigher};
use super::listener::Cause;
use super::ruling::Ruling;
use super::typed::{Shape, Typed};

/// Builds a [`Cache`].
///
/// ```
/// use larder::Cache;
/// use std::time::Duration;
///
/// let cache: Cache<String, Vec<u8>> = Cache::builder()
///     .max_weight(64 << 20)
///     .weigher(|key: &String, value: &Vec<u8>| (key.len() + value.len()) as u64)
///     .ttl(Duration::from_secs(300))
///     .build()?;
/// cache.insert("a".to_owned(), vec![1, 2, 3]);
/// assert_eq!(cache.weight(), 4);
/// # Ok::<(), larder::BuildError>(())
/// ```
#[must_use]
pub struct CacheBuilder<K, V, S = RandomState> {
    max_entries: Option<u64>,
    max_weight: Option<u64>,
    unbounded: bool,
    weigher: Option<Weigher<K, V>>,
    listener: Option<Listener<K, V>>,
    ttl: Option<Duration>,
    idle: Option<Duration>,
    eviction: Eviction,
    clock: Clock,
    upkeep: Upkeep,
    hasher: S,
    mixes: bool,
    stripes: Option<usize>,
    counts: bool,
    pub(super) rules: Ruling<K, V>,
}

impl<K, V> CacheBuilder<K, V> {
    pub(super) fn new() -> Self {
        CacheBuilder {
            max_entries: None,
            max_weight: None,
            unbounded: false,
            weigher: None,
            listener: None,
            ttl: None,
            idle: None,
            eviction: Eviction::default(),
            clock: Clock::system(),
            upkeep: Upkeep::default(),
            hasher: RandomState::new(),
            mixes: false,
            stripes: None,
            counts: true,
            rules: Ruling::default(),
        }
    }

    /// Hashes the same way in every run: for tests and simulations, not where keys come from strangers.
    ///
    /// ```
    /// use larder::Cache;
    ///
    /// let cache: Cache<u32, u32> = Cache::builder().max_entries(10).seed(42).build()?;
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn seed(mut self, seed: u64) -> Self {
        self.hasher = RandomState::with_seeds(seed, !seed, seed.rotate_left(32), 0);
        self
    }
}

impl<K, V, S> CacheBuilder<K, V, S> {
    /// Holds at most so many entries.
    ///
    /// ```
    /// use larder::Cache;
    ///
    /// let cache: Cache<u32, u32> = Cache::builder().max_entries(2).build()?;
    /// (0..10).for_each(|key| drop(cache.insert(key, key)));
    /// assert_eq!(cache.len(), 2);
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// The bound sets address space aside for that many pairs (up to 64 MiB per stripe), which costs nothing until they come.
    /// Where a stripe's part is 2 MiB or more, the system is asked for pages of that size, and the first entries take one per
    /// stripe.
    pub fn max_entries(mut self, max: usize) -> Self {
        self.max_entries = Some(max as u64);
        self
    }

    /// Holds entries that together weigh at most so much, by the [`weigher`](Self::weigher).
    pub fn max_weight(mut self, max: u64) -> Self {
        self.max_weight = Some(max);
        self
    }

    /// Says what an entry weighs, when it is written; what is below 1 counts as 1.
    ///
    /// Called without a lock by inserts, and under the stripe's lock after a change in place: it must not use the cache.
    pub fn weigher(mut self, weigher: impl Fn(&K, &V) -> u64 + Send + Sync + 'static) -> Self {
        self.weigher = Some(Box::new(weigher));
        self
    }

    /// Holds whatever is inserted, for as long as its time to live lasts.
    ///
    /// ```
    /// use larder::Cache;
    ///
    /// assert!(Cache::<u32, u32>::builder().build().is_err());
    /// assert!(Cache::<u32, u32>::builder().unbounded().build().is_ok());
    /// ```
    pub fn unbounded(mut self) -> Self {
        self.unbounded = true;
        self
    }

    /// Lets entries expire so long after they were written.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Lets entries expire that were neither read nor written for so long.
    ///
    /// ```
    /// use larder::{Cache, ManualClock};
    /// use std::time::Duration;
    ///
    /// let time = ManualClock::new();
    /// let cache: Cache<&str, u32> =
    ///     Cache::builder().max_entries(9).idle(Duration::from_secs(10)).clock(time.clock()).build()?;
    /// cache.insert("read", 1);
    /// cache.insert("left", 2);
    /// time.advance(Duration::from_secs(9));
    /// assert_eq!(cache.get("read"), Some(1));
    /// time.advance(Duration::from_secs(9));
    /// assert_eq!((cache.get("read"), cache.get("left")), (Some(1), None));
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// Chooses the eviction policy.
    pub fn eviction(mut self, eviction: Eviction) -> Self {
        self.eviction = eviction;
        self
    }

    /// Takes the time from here.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Chooses who reaps what has expired.
    pub fn upkeep(mut self, upkeep: Upkeep) -> Self {
        self.upkeep = upkeep;
        self
    }

    /// Hashes keys with another hasher; its hashes are mixed once more, so that a poor one does no harm.
    ///
    /// ```
    /// use larder::Cache;
    /// use std::hash::RandomState;
    ///
    /// let cache: Cache<u32, u32, RandomState> =
    ///     Cache::builder().max_entries(10).hasher(RandomState::new()).build()?;
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn hasher<T>(self, hasher: T) -> CacheBuilder<K, V, T> {
        CacheBuilder {
            max_entries: self.max_entries,
            max_weight: self.max_weight,
            unbounded: self.unbounded,
            weigher: self.weigher,
            listener: self.listener,
            ttl: self.ttl,
            idle: self.idle,
            eviction: self.eviction,
            clock: self.clock,
            upkeep: self.upkeep,
            hasher,
            mixes: true,
            stripes: self.stripes,
            counts: self.counts,
            rules: self.rules,
        }
    }

    /// Splits the cache into so many stripes, a power of two up to 1024, each with its lock. Without this: four per
    /// core, at least 16, fewer for small caches.
    pub fn stripes(mut self, count: usize) -> Self {
        self.stripes = Some(count);
        self
    }

    /// Is told of every value that leaves, with the cause.
    ///
    /// It runs without a lock, in the thread whose call made the value leave, before that call returns; for expired
    /// entries usually in the shared thread of [`Upkeep::Shared`]. It may use the cache. A panic in it is caught and
    /// counted ([`Stats::listener_panics`](crate::Stats)). It is not told of what is dropped with the cache.
    pub fn listener(mut self, listener: impl Fn(&K, &V, Cause) + Send + Sync + 'static) -> Self {
        self.listener = Some(Box::new(listener));
        self
    }

    /// Counts nothing: [`stats`](Cache::stats) then knows only what the cache holds. Saves about a nanosecond a look-up.
    pub fn without_stats(mut self) -> Self {
        self.counts = false;
        self
    }

    /// Everything that is wrong.
    fn faults(&self) -> Vec<&'static str> {
        let bounds = [
            self.max_entries.is_some(),
            self.max_weight.is_some(),
            self.unbounded,
        ];
        let given = bounds.iter().filter(|bound| **bound).count();
        let is_zero =
            |duration: Option<Duration>| duration.is_some_and(|duration| duration.is_zero());
        let all = [
            (
                given == 0,
                "give max_entries or max_weight, or say unbounded",
            ),
            (
                given > 1,
                "max_entries, max_weight and unbounded exclude each other",
            ),
            (
                self.max_entries == Some(0),
                "max_entries must be at least 1",
            ),
            (self.max_weight == Some(0), "max_weight must be at least 1"),
            (
                self.max_weight.is_some() && self.weigher.is_none(),
                "max_weight needs a weigher",
            ),
            (
                self.max_entries.is_some() && self.weigher.is_some(),
                "a weigher needs max_weight, not max_entries",
            ),
            (is_zero(self.ttl), "ttl must be longer than zero"),
            (is_zero(self.idle), "idle must be longer than zero"),
            (
                self.stripes
                    .is_some_and(|count| !count.is_power_of_two() || count > MAX_SHARES),
                "stripes must be a power of two, at most 1024",
            ),
        ];
        all.into_iter()
            .chain(self.rules.faults(self.ttl.is_some()))
            .filter_map(|(wrong, what)| wrong.then_some(what))
            .collect()
    }

    /// Builds the cache.
    ///
    /// # Errors
    ///
    /// Says everything that is wrong with the settings: no bound or several, a bound or a duration of zero, a weight
    /// without a weigher, a count of stripes that is not a power of two up to 1024.
    pub fn build(self) -> Result<Cache<K, V, S>, BuildError>
    where
        K: Hash + Eq + Send + Sync + 'static,
        V: Send + Sync + 'static,
        S: Send + Sync + 'static,
    {
        BuildError::check(self.faults())?;
        let core = Arc::new_cyclic(|who: &Weak<Core<K, V, S>>| self.core(who.clone()));
        Ok(Cache { core })
    }

    fn core(self, who: Weak<dyn Upkept>) -> Core<K, V, S> {
        let limit = self.max_entries.or(self.max_weight);
        let bound = limit.unwrap_or(u64::MAX);
        let count = self.stripes.unwrap_or_else(|| fitting(bound, cores()));
        let shape = Shape {
            expected: self.max_entries.map_or(0, |most| most / count as u64) as usize,
            weighed: self.weigher.is_some(),
            idle: self.idle.map(millis),
            stamped: limit.is_some() && self.eviction == Eviction::Lru,
            marked: self.rules.are_given(),
        };
        let now = self.clock.now();
        let balance = Balance::new(count);
        let stripes = Stripes::new(count, bound, self.max_entries.unwrap_or(0), || {
            (
                (),
                Shard::new(
                    Typed::new(shape),
                    Chosen::new(self.eviction, limit.is_some(), &balance),
                    now,
                ),
            )
        });
        let ttl = self.rules.ttl().or(self.ttl);
        let ruling = self.rules.rule();
        Core {
            stripes,
            hasher: self.hasher,
            mixes: self.mixes,
            watch: Watch::new(self.upkeep, &self.clock, who),
            clock: self.clock,
            ttl: ttl.map(millis),
            idle: shape.idle,
            rules: ruling.rules,
            judge: ruling.judge,
            tag_by: ruling.tag_by,
            executor: ruling.executor,
            weigher: self.weigher,
            listener: self.listener,
            counters: if self.counts {
                Counters::new()
            } else {
                Counters::off()
            },
            alarms: Alarms::default(),
        }
    }
}

impl<K, V, S> fmt::Debug for CacheBuilder<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheBuilder")
            .field("max_entries", &self.max_entries)
            .field("max_weight", &self.max_weight)
            .field("ttl", &self.ttl)
            .field("idle", &self.idle)
            .field("eviction", &self.eviction)
            .finish_non_exhaustive()
    }
}
