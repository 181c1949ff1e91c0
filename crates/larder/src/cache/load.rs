//! Loading: one load of a key for any number of threads and tasks that ask for it.

use std::borrow::ToOwned;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::hash::{BuildHasher, Hash};
use std::pin::pin;
use std::time::Duration;

use equivalent::Equivalent;

use crate::error::LoadError;
use crate::wait::{Limit, block_on};

use super::Cache;
use super::core::Core;
use super::flight::{Arrival, Way};

impl<K: Hash + Eq, V: Clone, S: BuildHasher> Core<K, V, S> {
    /// The value of a key, or its hash.
    #[inline]
    fn get_or_hash<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Result<V, u64> {
        let hash = self.hash(key);
        self.get(key, hash, V::clone).ok_or(hash)
    }

    #[inline]
    fn load<Q, E>(
        &self,
        key: &Q,
        patience: Option<Duration>,
        loader: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        match self.get_or_hash(key) {
            Ok(value) => Ok(value),
            Err(hash) => self.load_missing((key, hash), patience, loader),
        }
    }

    #[inline(never)]
    fn load_missing<Q, E>(
        &self,
        (key, hash): (&Q, u64),
        patience: Option<Duration>,
        loader: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        let limit = patience.map(|patience| Limit::new(&self.clock, patience));
        loop {
            let arrival = match self.claim(key, hash) {
                Way::Hit(value) => Arrival::Value(value),
                Way::Lead(claim) => Arrival::Turn(claim),
                Way::Reentrant => Arrival::Reentrant,
                Way::Follow(mut follower) => {
                    block_on(|context| follower.poll(context), limit.as_ref())
                        .ok_or(LoadError::TimedOut)?
                }
            };
            match arrival {
                Arrival::Value(value) => return Ok(value),
                Arrival::Reentrant => return Err(LoadError::Reentrant),
                Arrival::Void => {}
                Arrival::Turn(mut claim) => {
                    claim.start();
                    let loaded = claim.run(loader);
                    return loaded
                        .map(|value| claim.land(value))
                        .map_err(LoadError::Failed);
                }
            }
        }
    }

    async fn load_async<Q, E>(
        &self,
        key: &Q,
        patience: Option<Duration>,
        loader: impl Future<Output = Result<V, E>>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        let hash = match self.get_or_hash(key) {
            Ok(value) => return Ok(value),
            Err(hash) => hash,
        };
        let limit = patience.map(|patience| Limit::new(&self.clock, patience));
        let mut loader = pin!(loader);
        loop {
            let arrival = match self.claim(key, hash) {
                Way::Hit(value) => Arrival::Value(value),
                Way::Lead(claim) => Arrival::Turn(claim),
                Way::Reentrant => Arrival::Reentrant,
                Way::Follow(mut follower) => {
                    let arrival = poll_fn(|context| follower.poll_until(context, limit.as_ref()));
                    arrival.await.ok_or(LoadError::TimedOut)?
                }
            };
            match arrival {
                Arrival::Value(value) => return Ok(value),
                Arrival::Reentrant => return Err(LoadError::Reentrant),
                Arrival::Void => {}
                Arrival::Turn(mut claim) => {
                    claim.start();
                    let loaded =
                        poll_fn(|context| claim.run(|| loader.as_mut().poll(context))).await;
                    return loaded
                        .map(|value| claim.land(value))
                        .map_err(LoadError::Failed);
                }
            }
        }
    }
}

impl<K: Hash + Eq, V: Clone, S: BuildHasher> Cache<K, V, S> {
    /// Returns the value of a key, loading it if there is none: once, however many threads and tasks ask for it.
    ///
    /// Others that ask meanwhile wait for this load, on whichever of the loading calls. If it panics, or its future is
    /// dropped, the first of them runs its own loader.
    ///
    /// ```
    /// let cache = larder::Cache::<u32, String>::new(100);
    /// assert_eq!(cache.get_or_load(&1, || "one".to_owned())?, "one");
    /// assert_eq!(cache.get_or_load(&1, || unreachable!("it is there"))?, "one");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Cost
    ///
    /// A hit is a [`get`](Cache::get). A miss takes the stripe's lock for writing twice, and allocates the row of the
    /// load. The loader runs without any lock: other keys do not wait for it.
    ///
    /// # Consistency
    ///
    /// A load never overwrites a value that was written after it began, nor brings back one that was removed since: what it
    /// brings then goes to those who asked before, and is not stored.
    ///
    /// # Errors
    ///
    /// [`LoadError::Reentrant`] if the loader asks for the key that it loads.
    ///
    /// # Panics
    ///
    /// If the loader does.
    #[inline]
    pub fn get_or_load<Q>(
        &self,
        key: &Q,
        loader: impl FnOnce() -> V,
    ) -> Result<V, LoadError<Infallible>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        self.core.load(key, None, || Ok(loader()))
    }

    /// Returns the value of a key, loading it if there is none, with a loader that may fail.
    ///
    /// Its error goes to the caller whose loader it is; the first of those who wait then runs its own.
    ///
    /// ```
    /// use larder::{Cache, LoadError};
    ///
    /// let cache = Cache::<String, u32>::new(100);
    /// assert_eq!(cache.get_or_try_load("7", || "7".parse())?, 7);
    /// let error = cache.get_or_try_load("x", || "x".parse()).unwrap_err();
    /// assert!(matches!(error, LoadError::Failed(_)));
    /// # Ok::<(), LoadError<std::num::ParseIntError>>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`get_or_load`](Cache::get_or_load).
    ///
    /// # Consistency
    ///
    /// As [`get_or_load`](Cache::get_or_load). An error is not stored.
    ///
    /// # Errors
    ///
    /// [`LoadError::Failed`] with the loader's own error; [`LoadError::Reentrant`] if the loader asks for the key that it loads.
    ///
    /// # Panics
    ///
    /// If the loader does.
    #[inline]
    pub fn get_or_try_load<Q, E>(
        &self,
        key: &Q,
        loader: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        self.core.load(key, None, loader)
    }

    /// Returns the value of a key, loading it with a future if there is none; on any runtime or none.
    ///
    /// The future is polled only if this caller has the turn. Safe to drop at any point: nothing is lost, the turn passes on.
    ///
    /// ```
    /// # use std::{pin::pin, task::{Context, Poll, Waker}};
    /// # fn run<F: Future>(future: F) -> F::Output {
    /// #     let Poll::Ready(output) = pin!(future).poll(&mut Context::from_waker(Waker::noop())) else { panic!() };
    /// #     output
    /// # }
    /// let cache = larder::Cache::<u32, u32>::new(100);
    /// # run(async {
    /// assert_eq!(cache.get_or_load_async(&1, async { 10 }).await?, 10);
    /// assert_eq!(cache.get(&1), Some(10));
    /// # Ok::<(), larder::LoadError<std::convert::Infallible>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Cost
    ///
    /// As [`get_or_load`](Cache::get_or_load).
    ///
    /// # Consistency
    ///
    /// As [`get_or_load`](Cache::get_or_load).
    ///
    /// # Errors
    ///
    /// As [`get_or_load`](Cache::get_or_load).
    pub async fn get_or_load_async<Q>(
        &self,
        key: &Q,
        loader: impl Future<Output = V>,
    ) -> Result<V, LoadError<Infallible>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        self.core
            .load_async(key, None, async { Ok(loader.await) })
            .await
    }

    /// Returns the value of a key, loading it with a future that may fail if there is none.
    ///
    /// ```
    /// # use std::{pin::pin, task::{Context, Poll, Waker}};
    /// # fn run<F: Future>(future: F) -> F::Output {
    /// #     let Poll::Ready(output) = pin!(future).poll(&mut Context::from_waker(Waker::noop())) else { panic!() };
    /// #     output
    /// # }
    /// use larder::{Cache, LoadError};
    ///
    /// let cache = Cache::<u32, u32>::new(100);
    /// # run(async {
    /// let failed = cache.get_or_try_load_async(&1, async { Err("no such row") }).await;
    /// assert_eq!(failed, Err(LoadError::Failed("no such row")));
    /// # });
    /// ```
    ///
    /// # Cost
    ///
    /// As [`get_or_load`](Cache::get_or_load).
    ///
    /// # Consistency
    ///
    /// As [`get_or_load`](Cache::get_or_load).
    ///
    /// # Errors
    ///
    /// As [`get_or_try_load`](Cache::get_or_try_load).
    pub async fn get_or_try_load_async<Q, E>(
        &self,
        key: &Q,
        loader: impl Future<Output = Result<V, E>>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        self.core.load_async(key, None, loader).await
    }
}

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
}
