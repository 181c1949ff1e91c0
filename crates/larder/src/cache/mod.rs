//! `Cache<K, V>`: typed values without serialization.
//!
//! ```text
//! read      key -> hash -> stripe -> read lock: table -> pair -> deadline? -> unlock
//! write     key -> hash -> stripe -> lock: room, pair, table, wheel, policy -> unlock -> count, tell, drop
//! load      miss -> claim under the lock -> loader runs without one -> write -> waiters wake
//! ```
//!
//! `core` is what the handles share; `typed` keeps the pairs; the other files are the calls, one noun each.

mod builder;
mod bulk;
mod compute;
mod core;
mod expiry;
mod flight;
mod follower;
mod freshness;
mod listener;
mod load;
mod loaded;
mod patient;
mod pattern;
mod read;
mod refresh;
mod resident;
mod ruling;
mod source;
mod survey;
#[cfg(test)]
mod tests;
mod typed;
mod upkeep;
mod write;

pub use builder::CacheBuilder;
pub use compute::Change;
pub use freshness::Freshness;
pub use listener::Cause;
pub use loaded::Loaded;
pub use patient::Patient;
pub use survey::Iter;
pub use write::Outcome;

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use ahash::RandomState;

use self::core::Core;

/// A bounded, concurrent cache of typed values, within the process.
///
/// A handle: clones are cheap and share one cache. Calls are plain functions, for threads and tasks alike; only waiting for
/// another caller's load waits, and says so.
///
/// ```
/// use larder::Cache;
///
/// let cache: Cache<String, u32> = Cache::new(10_000);
/// cache.insert("answer".to_owned(), 42);
/// let other = cache.clone();
/// assert_eq!(other.get("answer"), Some(42));
/// ```
///
/// # Consistency
///
/// Every call on one key is atomic, and seen by every call that begins after it returned. The bound holds at all times.
pub struct Cache<K, V, S = RandomState> {
    core: Arc<Core<K, V, S>>,
}

impl<K, V> Cache<K, V> {
    /// A cache of at most `max_entries` entries (0 counts as 1), which never expire.
    ///
    /// ```
    /// let cache = larder::Cache::<u64, u64>::new(1000);
    /// cache.insert(1, 2);
    /// assert_eq!(cache.get(&1), Some(2));
    /// ```
    #[must_use]
    pub fn new(max_entries: usize) -> Self
    where
        K: Hash + Eq + Send + Sync + 'static,
        V: Send + Sync + 'static,
    {
        Self::builder()
            .max_entries(max_entries.max(1))
            .build()
            .expect("a bound is all that a cache needs")
    }

    /// A builder, for everything else.
    ///
    /// ```
    /// use larder::Cache;
    ///
    /// let cache: Cache<u64, u64> = Cache::builder().max_entries(1000).build()?;
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn builder() -> CacheBuilder<K, V> {
        CacheBuilder::new()
    }
}

impl<K, V, S> Clone for Cache<K, V, S> {
    fn clone(&self) -> Self {
        Cache {
            core: Arc::clone(&self.core),
        }
    }
}

impl<K, V, S> fmt::Debug for Cache<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("len", &self.len())
            .field("weight", &self.weight())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}
