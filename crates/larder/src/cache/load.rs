//! Loading: one load of a key for any number of threads and tasks that ask for it.
//!
//! A caller looks the key up and makes a [`Plan`]: what it wants, what it falls back on, how long it waits. Then it goes
//! through arrivals, until one settles the matter ([`Core::step`]) or gives it the turn to load ([`Core::finish`]).
//! Threads and tasks differ only in how they wait.

use std::borrow::ToOwned;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::hash::{BuildHasher, Hash};
use std::pin::pin;
use std::time::Duration;

use equivalent::Equivalent;

use crate::error::LoadError;
use crate::memo::ToKey;
use crate::wait::{Limit, block_on};

use super::Cache;
use super::core::Core;
use super::flight::{Arrival, Claim, Intent, Way};
use super::follower::Vigil;
use super::freshness::Standing;
use super::loaded::Loaded;

/// What a caller does about a key for which it has no value, or none that is fresh.
pub(super) struct Plan<V> {
    pub(super) hash: u64,
    pub(super) intent: Intent,
    /// A stale value for the case that the load fails or takes too long.
    pub(super) fallback: Option<V>,
    pub(super) limit: Option<Limit>,
}

/// Where a caller stands after an arrival.
pub(super) enum Step<'a, K: Hash + Eq, V, S, E> {
    Settled(Result<V, LoadError<E>>),
    /// It has the turn.
    Run(Claim<'a, K, V, S>),
    Again,
}

impl<V> Plan<V> {
    /// What a caller gets whose patience is over, or which cannot have what it wants.
    pub(super) fn without<E>(&mut self, error: LoadError<E>) -> Result<V, LoadError<E>> {
        self.fallback.take().ok_or(error)
    }
}

impl<K: Hash + Eq, V: Clone, S: BuildHasher> Core<K, V, S> {
    /// The value of a key, or what to do about it.
    #[inline]
    pub(super) fn plan<Q: Hash + Equivalent<K> + ?Sized>(
        &self,
        key: &Q,
        patience: Option<Duration>,
    ) -> Result<V, Plan<V>> {
        let hash = self.hash(key);
        if self.rules.is_some() {
            return self.plan_by_rules((key, hash), patience);
        }
        self.get((key, hash), || self.present(), V::clone)
            .ok_or_else(|| self.plan_of(hash, Intent::Need, None, patience))
    }

    /// A plan that begins now.
    pub(super) fn plan_of(
        &self,
        hash: u64,
        intent: Intent,
        fallback: Option<V>,
        patience: Option<Duration>,
    ) -> Plan<V> {
        let timeouts = self.rules.as_ref().map(|rules| {
            let soft = rules.soft_timeout.filter(|_| fallback.is_some());
            (soft, rules.hard_timeout)
        });
        let (soft, hard) = timeouts.unwrap_or_default();
        let patience = patience.into_iter().chain(soft).chain(hard).min();
        Plan {
            hash,
            intent,
            fallback,
            limit: patience.map(|patience| Limit::new(&self.clock, patience)),
        }
    }

    /// The value of a key, or what to do about it, in a cache with rules of freshness.
    fn plan_by_rules<Q: Equivalent<K> + ?Sized>(
        &self,
        (key, hash): (&Q, u64),
        patience: Option<Duration>,
    ) -> Result<V, Plan<V>> {
        let found = self.stand(key, hash);
        let is_hit = matches!(found, Some((Standing::Use | Standing::Refresh, _)));
        self.count_lookup(is_hit);
        let (intent, fallback) = match found {
            Some((Standing::Use, value)) => return Ok(value),
            Some((Standing::Refresh, value)) => (Intent::Refresh, Some(value)),
            Some((Standing::Fallback, value)) => (Intent::Need, Some(value)),
            Some((Standing::Gone, _)) | None => (Intent::Need, None),
        };
        let is_due = intent == Intent::Refresh;
        let fallback = fallback.filter(|value| is_due || !self.judge.is_failure(value));
        Err(self.plan_of(hash, intent, fallback, patience))
    }

    /// What an arrival means to a caller.
    pub(super) fn step<'a, Q, E>(
        &self,
        key: &Q,
        plan: &mut Plan<V>,
        arrival: Arrival<'a, K, V, S>,
    ) -> Step<'a, K, V, S, E>
    where
        Q: Equivalent<K> + ?Sized,
    {
        match arrival {
            // A writer waited for another writer.
            Arrival::Value(_) if plan.intent == Intent::Write => Step::Again,
            Arrival::Value(value) => Step::Settled(Ok(value)),
            Arrival::Void => Step::Again,
            Arrival::Reentrant => Step::Settled(plan.without(LoadError::Reentrant)),
            Arrival::Busy => match plan.fallback.take() {
                Some(present) => Step::Settled(Ok(present)),
                None => Step::Again,
            },
            Arrival::Turn(mut claim) => {
                // The one before failed a moment ago, and said not to try again so soon.
                let is_quiet = || matches!(self.stand(key, plan.hash), Some((Standing::Use, _)));
                if plan.fallback.is_some() && plan.intent == Intent::Need && is_quiet() {
                    return Step::Settled(plan.without(LoadError::Reentrant));
                }
                claim.start();
                Step::Run(claim)
            }
        }
    }

    /// What becomes of a load that ended.
    pub(super) fn finish<E>(
        &self,
        claim: Claim<'_, K, V, S>,
        loaded: Result<Loaded<V>, E>,
        fallback: Option<V>,
    ) -> Result<V, LoadError<E>> {
        let loaded = match (loaded, fallback) {
            (Ok(loaded), Some(fallback)) if self.judge.is_failure(&loaded.value) => Err(fallback),
            (Err(_), Some(fallback)) => Err(fallback),
            (Err(error), None) => return Err(LoadError::Failed(error)),
            (Ok(loaded), _) => Ok(loaded),
        };
        match loaded {
            Ok(loaded) => Ok(claim.land(loaded)),
            Err(fallback) => {
                claim.rest();
                Ok(fallback)
            }
        }
    }

    #[inline]
    pub(super) fn load<Q, E>(
        &self,
        key: &Q,
        patience: Option<Duration>,
        loader: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        match self.plan(key, patience) {
            Ok(value) => Ok(value),
            Err(plan) => self.carry_out(key, plan, || loader().map(Loaded::new)),
        }
    }

    /// Waits for the turn or for a value; `Ok` with the turn.
    pub(super) fn arrive<'a, Q, E>(
        &'a self,
        key: &Q,
        plan: &mut Plan<V>,
    ) -> Result<Claim<'a, K, V, S>, Result<V, LoadError<E>>>
    where
        Q: Equivalent<K> + ToKey<K> + ?Sized,
    {
        loop {
            let arrival = match self.claim(key, plan.hash, plan.intent) {
                Way::Arrived(arrival) => arrival,
                Way::Follow(mut follower) => {
                    let arrival = block_on(|context| follower.poll(context), plan.limit.as_ref());
                    match arrival {
                        Some(arrival) => arrival,
                        None => return Err(plan.without(LoadError::TimedOut)),
                    }
                }
            };
            match self.step(key, plan, arrival) {
                Step::Settled(result) => return Err(result),
                Step::Run(claim) => return Ok(claim),
                Step::Again => {}
            }
        }
    }

    /// As [`arrive`](Core::arrive), for tasks.
    pub(super) async fn arrive_async<'a, Q, E>(
        &'a self,
        key: &Q,
        plan: &mut Plan<V>,
    ) -> Result<Claim<'a, K, V, S>, Result<V, LoadError<E>>>
    where
        Q: Equivalent<K> + ToKey<K> + ?Sized,
    {
        loop {
            let arrival = match self.claim(key, plan.hash, plan.intent) {
                Way::Arrived(arrival) => arrival,
                Way::Follow(mut follower) => {
                    let mut vigil = Vigil::new(self, plan.limit.as_ref());
                    let arrival =
                        poll_fn(|context| vigil.poll(context, |context| follower.poll(context)));
                    let arrival = arrival.await;
                    drop(vigil);
                    match arrival {
                        Some(arrival) => arrival,
                        None => return Err(plan.without(LoadError::TimedOut)),
                    }
                }
            };
            match self.step(key, plan, arrival) {
                Step::Settled(result) => return Err(result),
                Step::Run(claim) => return Ok(claim),
                Step::Again => {}
            }
        }
    }

    #[inline(never)]
    pub(super) fn carry_out<Q, E>(
        &self,
        key: &Q,
        mut plan: Plan<V>,
        loader: impl FnOnce() -> Result<Loaded<V>, E>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Equivalent<K> + ToKey<K> + ?Sized,
    {
        match self.arrive(key, &mut plan) {
            Err(settled) => settled,
            Ok(claim) => {
                let loaded = claim.run(loader);
                self.finish(claim, loaded, plan.fallback)
            }
        }
    }

    pub(super) async fn carry_out_async<Q, E>(
        &self,
        key: &Q,
        mut plan: Plan<V>,
        loader: impl Future<Output = Result<Loaded<V>, E>>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Equivalent<K> + ToKey<K> + ?Sized,
    {
        let mut loader = pin!(loader);
        match self.arrive_async(key, &mut plan).await {
            Err(settled) => settled,
            Ok(claim) => {
                let loaded = poll_fn(|context| claim.run(|| loader.as_mut().poll(context))).await;
                self.finish(claim, loaded, plan.fallback)
            }
        }
    }

    pub(super) async fn load_async<Q, E>(
        &self,
        key: &Q,
        patience: Option<Duration>,
        loader: impl Future<Output = Result<V, E>>,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        match self.plan(key, patience) {
            Ok(value) => Ok(value),
            Err(plan) => {
                let loader = async { loader.await.map(Loaded::new) };
                self.carry_out_async(key, plan, loader).await
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
