//! `Patient`: the loading calls for a caller whose wait for others has an end.

use std::borrow::ToOwned;
use std::convert::Infallible;
use std::future::Future;
use std::hash::{BuildHasher, Hash};
use std::time::Duration;

use equivalent::Equivalent;

use crate::error::LoadError;
use crate::memo::ToKey;

use super::Cache;
use super::loaded::Loaded;

impl<K, V, S> Cache<K, V, S> {
    /// The loading calls, for a caller that waits no longer than `patience` for another caller's load.
    ///
    /// ```
    /// use larder::Cache;
    /// use std::time::Duration;
    ///
    /// let cache = Cache::<u32, u32>::new(100);
    /// let value = cache.patient(Duration::from_millis(50)).get_or_load(&1, || 10)?;
    /// assert_eq!(value, 10);
    /// # Ok::<(), larder::LoadError<std::convert::Infallible>>(())
    /// ```
    pub fn patient(&self, patience: Duration) -> Patient<'_, K, V, S> {
        Patient {
            cache: self,
            patience,
        }
    }
}

/// The loading calls of a [`Cache`], with an end to the wait for others; see [`Cache::patient`].
///
/// Only waiting is limited, not the caller's own loader. A caller that gives up does not disturb the load. Tasks are
/// woken at their limit by the cache's upkeep; with [`Upkeep::Manual`](crate::Upkeep), by `tick()`.
#[derive(Debug)]
pub struct Patient<'a, K, V, S = ahash::RandomState> {
    cache: &'a Cache<K, V, S>,
    patience: Duration,
}

impl<K: Hash + Eq, V: Clone, S: BuildHasher> Patient<'_, K, V, S> {
    /// As [`Cache::get_or_load`].
    ///
    /// # Errors
    ///
    /// Besides, [`LoadError::TimedOut`].
    pub fn get_or_load<Q>(
        &self,
        key: &Q,
        loader: impl FnOnce() -> V,
    ) -> Result<V, LoadError<Infallible>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        self.cache
            .core
            .load(key, Some(self.patience), || Ok(loader()))
    }

    /// As [`Cache::get_or_try_load`].
    ///
    /// # Errors
    ///
    /// Besides, [`LoadError::TimedOut`].
    pub fn get_or_try_load<Q, E>(
        &self,
        key: &Q,
        loader: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        self.cache.core.load(key, Some(self.patience), loader)
    }

    /// As [`Cache::get_or_load_async`].
    ///
    /// # Errors
    ///
    /// Besides, [`LoadError::TimedOut`].
    pub async fn get_or_load_async<Q>(
        &self,
        key: &Q,
        loader: impl Future<Output = V>,
    ) -> Result<V, LoadError<Infallible>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        self.cache
            .core
            .load_async(key, Some(self.patience), async { Ok(loader.await) })
            .await
    }

    /// As [`Cache::get_or_try_load_async`].
    ///
    /// # Errors
    ///
    /// Besides, [`LoadError::TimedOut`].
    pub async fn get_or_try_load_async<Q, E>(
        &self,
        key: &Q,
        loader: impl Future<Output = Result<V, E>>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        self.cache
            .core
            .load_async(key, Some(self.patience), loader)
            .await
    }

    /// As [`Cache::fetch`].
    ///
    /// # Errors
    ///
    /// Besides, [`LoadError::TimedOut`].
    pub fn fetch<Q, E>(
        &self,
        key: &Q,
        loader: impl FnOnce() -> Result<Loaded<V>, E>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToKey<K> + ?Sized,
    {
        self.cache.core.fetch(key, Some(self.patience), loader)
    }

    /// As [`Cache::fetch_async`].
    ///
    /// # Errors
    ///
    /// Besides, [`LoadError::TimedOut`].
    pub async fn fetch_async<Q, E>(
        &self,
        key: &Q,
        loader: impl Future<Output = Result<Loaded<V>, E>>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToKey<K> + ?Sized,
    {
        let core = &self.cache.core;
        core.fetch_async(key, Some(self.patience), loader).await
    }

    /// As [`Cache::refresh`].
    ///
    /// # Errors
    ///
    /// Besides, [`LoadError::TimedOut`].
    pub fn refresh<Q, E>(
        &self,
        key: &Q,
        loader: impl FnOnce() -> Result<Loaded<V>, E>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToKey<K> + ?Sized,
    {
        let core = &self.cache.core;
        core.carry_out(key, core.renewal(key, Some(self.patience)), loader)
    }

    /// As [`Cache::refresh_async`].
    ///
    /// # Errors
    ///
    /// Besides, [`LoadError::TimedOut`].
    pub async fn refresh_async<Q, E>(
        &self,
        key: &Q,
        loader: impl Future<Output = Result<Loaded<V>, E>>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToKey<K> + ?Sized,
    {
        let core = &self.cache.core;
        let plan = core.renewal(key, Some(self.patience));
        core.carry_out_async(key, plan, loader).await
    }
}
