//! Loads and writes of the source that a cache stands before: with what only the source knows, whatever is there, and
//! in the order in which the source sees them.

use std::borrow::ToOwned;
use std::future::Future;
use std::hash::{BuildHasher, Hash};
use std::time::Duration;

use equivalent::Equivalent;

use crate::error::LoadError;
use crate::memo::ToKey;

use super::Cache;
use super::core::Core;
use super::flight::Intent;
use super::load::Plan;
use super::loaded::Loaded;

impl<K: Hash + Eq, V: Clone, S: BuildHasher> Core<K, V, S> {
    /// See [`Cache::fetch`].
    #[inline]
    pub(super) fn fetch<Q, E>(
        &self,
        key: &Q,
        patience: Option<Duration>,
        loader: impl FnOnce() -> Result<Loaded<V>, E>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToKey<K> + ?Sized,
    {
        match self.plan(key, patience) {
            Ok(value) => Ok(value),
            Err(plan) => self.carry_out(key, plan, loader),
        }
    }

    /// See [`Cache::fetch_async`].
    pub(super) async fn fetch_async<Q, E>(
        &self,
        key: &Q,
        patience: Option<Duration>,
        loader: impl Future<Output = Result<Loaded<V>, E>>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToKey<K> + ?Sized,
    {
        match self.plan(key, patience) {
            Ok(value) => Ok(value),
            Err(plan) => self.carry_out_async(key, plan, loader).await,
        }
    }

    /// To load a key anew, whatever is there.
    pub(super) fn renewal<Q: Hash + ?Sized>(&self, key: &Q, patience: Option<Duration>) -> Plan<V> {
        self.plan_of(self.hash(key), Intent::Renew, None, patience)
    }
}

impl<K: Hash + Eq, V: Clone, S: BuildHasher> Cache<K, V, S> {
    /// Returns the value of a key, loading it if there is none, with a loader that chooses time to live and tags.
    ///
    /// ```
    /// use larder::{Cache, Loaded, Tags};
    ///
    /// let tags = Tags::new();
    /// let users: Cache<u32, &str> = Cache::builder().max_entries(100).tags(&tags).build()?;
    /// let load = || Ok::<_, String>(Loaded::new("Ada").tag("org:1"));
    /// assert_eq!(users.fetch(&7, load), Ok("Ada"));
    /// tags.invalidate("org:1");
    /// assert_eq!(users.get(&7), None);
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`get_or_load`](Cache::get_or_load).
    ///
    /// # Consistency
    ///
    /// As [`get_or_load`](Cache::get_or_load). An invalidation of one of its tags since the load began makes the value
    /// invalid.
    ///
    /// # Errors
    ///
    /// As [`get_or_try_load`](Cache::get_or_try_load), unless there is a stale value that may be returned.
    ///
    /// # Panics
    ///
    /// If the loader does.
    #[inline]
    pub fn fetch<Q, E>(
        &self,
        key: &Q,
        loader: impl FnOnce() -> Result<Loaded<V>, E>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToKey<K> + ?Sized,
    {
        self.core.fetch(key, None, loader)
    }

    /// As [`fetch`](Cache::fetch), with a future.
    ///
    /// # Errors
    ///
    /// As [`fetch`](Cache::fetch).
    pub async fn fetch_async<Q, E>(
        &self,
        key: &Q,
        loader: impl Future<Output = Result<Loaded<V>, E>>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToKey<K> + ?Sized,
    {
        self.core.fetch_async(key, None, loader).await
    }

    /// Loads a key anew, whatever is there, and stores what comes; the present value serves others until then.
    ///
    /// A load that is under way is waited for instead.
    ///
    /// ```
    /// use larder::{Cache, Loaded};
    ///
    /// let cache = Cache::<u32, u32>::new(100);
    /// cache.insert(1, 10);
    /// assert_eq!(cache.refresh(&1, || Ok::<_, String>(Loaded::new(11))), Ok(11));
    /// assert_eq!(cache.get(&1), Some(11));
    /// ```
    ///
    /// # Cost
    ///
    /// As a miss of [`get_or_load`](Cache::get_or_load).
    ///
    /// # Errors
    ///
    /// As [`get_or_try_load`](Cache::get_or_try_load); the present value then stays.
    ///
    /// # Panics
    ///
    /// If the loader does.
    pub fn refresh<Q, E>(
        &self,
        key: &Q,
        loader: impl FnOnce() -> Result<Loaded<V>, E>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToKey<K> + ?Sized,
    {
        self.core
            .carry_out(key, self.core.renewal(key, None), loader)
    }

    /// As [`refresh`](Cache::refresh), with a future.
    ///
    /// # Errors
    ///
    /// As [`refresh`](Cache::refresh).
    pub async fn refresh_async<Q, E>(
        &self,
        key: &Q,
        loader: impl Future<Output = Result<Loaded<V>, E>>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToKey<K> + ?Sized,
    {
        let plan = self.core.renewal(key, None);
        self.core.carry_out_async(key, plan, loader).await
    }

    /// Writes a key's source, as its only writer through this cache, and stores what `write` returns.
    ///
    /// Several writers of one key take turns, so that the cache ends with what the source ends with. Callers that miss
    /// meanwhile wait for the outcome; those that hit have the value from before until the write has ended.
    ///
    /// ```
    /// use larder::{Cache, Loaded};
    ///
    /// let cache = Cache::<u32, u32>::new(100);
    /// cache.insert(1, 10);
    /// let failed = cache.write_with(&1, || Err("the disk is full"));
    /// assert!(failed.is_err());
    /// assert_eq!(cache.get(&1), None); // who knows how far it came
    /// assert_eq!(cache.write_with(&1, || Ok::<_, String>(Loaded::new(11))), Ok(11));
    /// assert_eq!(cache.get(&1), Some(11));
    /// ```
    ///
    /// # Cost
    ///
    /// As a miss of [`get_or_load`](Cache::get_or_load). `write` runs without any lock.
    ///
    /// # Consistency
    ///
    /// A load that began before the write is never stored over it. If `write` fails, panics, or its future is dropped,
    /// or the key was written past it meanwhile, by `insert` or `remove`, nobody can say what the source has, and the
    /// entry is removed.
    ///
    /// # Errors
    ///
    /// [`LoadError::Failed`] with the error of `write`; [`LoadError::Reentrant`] if `write` writes its own key again;
    /// [`LoadError::TimedOut`] if another writer outlasted the cache's hard timeout.
    ///
    /// # Panics
    ///
    /// If `write` does.
    pub fn write_with<Q, E>(
        &self,
        key: &Q,
        write: impl FnOnce() -> Result<Loaded<V>, E>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        let plan = (self.core).plan_of(self.core.hash(key), Intent::Write, None, None);
        self.core.carry_out(key, plan, write)
    }

    /// As [`write_with`](Cache::write_with), with a future.
    ///
    /// # Errors
    ///
    /// As [`write_with`](Cache::write_with).
    pub async fn write_with_async<Q, E>(
        &self,
        key: &Q,
        write: impl Future<Output = Result<Loaded<V>, E>>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        let plan = (self.core).plan_of(self.core.hash(key), Intent::Write, None, None);
        self.core.carry_out_async(key, plan, write).await
    }
}
