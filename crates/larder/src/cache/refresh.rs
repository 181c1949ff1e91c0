//! Loads that may run elsewhere: refreshes in the background, and loads that outlast their caller's patience.
//!
//! ```text
//! turn to refresh --> claim handed over --> executor ... loads, lands        the caller has the present value
//! turn to load, and a timeout: as above, and the caller waits for the answer until its limit; then it takes what is stale
//! ```
//!
//! What is handed over passes its turn on when it is dropped, so an executor that drops it strands nobody.

use std::borrow::ToOwned;
use std::future::{Future, poll_fn};
use std::hash::{BuildHasher, Hash};
use std::pin::pin;
use std::sync::Arc;

use equivalent::Equivalent;

use crate::error::LoadError;
use crate::wait::{Handover, block_on};

use super::Cache;
use super::core::{Core, Executor};
use super::flight::{Claim, Errand, Intent};
use super::follower::Vigil;
use super::load::Plan;
use super::loaded::Loaded;

/// The answer of a load that runs elsewhere.
type Answer<V, E> = Result<V, LoadError<E>>;

/// A load on its way to the executor.
struct Parcel<K: Hash + Eq, V: Clone, S, E> {
    core: Arc<Core<K, V, S>>,
    errand: Option<Errand<V>>,
    fallback: Option<V>,
    handover: Arc<Handover<Answer<V, E>>>,
}

impl<K: Hash + Eq, V: Clone, S: BuildHasher, E> Parcel<K, V, S, E> {
    /// Loads, stores, and answers.
    fn open(mut self, loader: impl FnOnce() -> Result<Loaded<V>, E>) {
        let core = Arc::clone(&self.core);
        let Some(errand) = self.errand.take() else {
            return;
        };
        let mut claim = core.resume(errand);
        claim.start();
        let loaded = claim.run(loader);
        let answer = core.finish(claim, loaded, self.fallback.take());
        drop(self.handover.put(answer));
    }
}

impl<K: Hash + Eq, V: Clone, S, E> Drop for Parcel<K, V, S, E> {
    fn drop(&mut self) {
        if let Some(errand) = self.errand.take() {
            drop(self.core.resume(errand));
        }
        drop(self.handover.end());
    }
}

impl<K, V, S> Core<K, V, S>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Send + Sync + 'static,
{
    /// The executor, if there is one and the caller need not run the load itself.
    fn executor_for(&self, plan: &Plan<V>) -> Option<&Executor> {
        let is_apart = plan.intent == Intent::Refresh || plan.limit.is_some();
        self.executor.as_ref().filter(|_| is_apart)
    }

    /// Gives a load to the executor; returns where its answer will be.
    fn send<E: Send + 'static>(
        self: &Arc<Self>,
        execute: &Executor,
        (claim, plan): (Claim<'_, K, V, S>, &Plan<V>),
        loader: impl FnOnce() -> Result<Loaded<V>, E> + Send + 'static,
    ) -> Arc<Handover<Answer<V, E>>> {
        let handover = Arc::new(Handover::new());
        let parcel = Parcel {
            core: Arc::clone(self),
            errand: Some(claim.hand_over()),
            fallback: plan.fallback.clone(),
            handover: Arc::clone(&handover),
        };
        execute(Box::new(move || parcel.open(loader)));
        handover
    }

    fn load_apart<Q, E: Send + 'static>(
        self: &Arc<Self>,
        key: &Q,
        mut plan: Plan<V>,
        loader: impl FnOnce() -> Result<Loaded<V>, E> + Send + 'static,
    ) -> Answer<V, E>
    where
        Q: Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        let claim = match self.arrive(key, &mut plan) {
            Err(settled) => return settled,
            Ok(claim) => claim,
        };
        let Some(execute) = self.executor_for(&plan) else {
            let loaded = claim.run(loader);
            return self.finish(claim, loaded, plan.fallback);
        };
        let handover = self.send(execute, (claim, &plan), loader);
        if plan.intent == Intent::Refresh {
            return plan.without(LoadError::Abandoned);
        }
        let answer = block_on(|context| handover.poll(context), plan.limit.as_ref());
        answered(&mut plan, answer)
    }

    async fn load_apart_async<Q, E: Send + 'static>(
        self: &Arc<Self>,
        key: &Q,
        mut plan: Plan<V>,
        loader: impl Future<Output = Result<Loaded<V>, E>> + Send + 'static,
    ) -> Answer<V, E>
    where
        Q: Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        let claim = match self.arrive_async(key, &mut plan).await {
            Err(settled) => return settled,
            Ok(claim) => claim,
        };
        let Some(execute) = self.executor_for(&plan) else {
            let mut loader = pin!(loader);
            let loaded = poll_fn(|context| claim.run(|| loader.as_mut().poll(context))).await;
            return self.finish(claim, loaded, plan.fallback);
        };
        let handover = self.send(execute, (claim, &plan), || wait_for(loader));
        if plan.intent == Intent::Refresh {
            return plan.without(LoadError::Abandoned);
        }
        let answer = {
            let mut vigil = Vigil::new(self, plan.limit.as_ref());
            poll_fn(|context| vigil.poll(context, |context| handover.poll(context))).await
        };
        answered(&mut plan, answer)
    }
}

/// Runs a future on this thread.
fn wait_for<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    block_on(|context| future.as_mut().poll(context), None).expect("there is no limit")
}

/// What a caller returns that waited for an answer: `None` if its limit came first.
fn answered<V, E>(plan: &mut Plan<V>, answer: Option<Option<Answer<V, E>>>) -> Answer<V, E> {
    match answer {
        Some(Some(answer)) => answer,
        Some(None) => plan.without(LoadError::Abandoned),
        None => plan.without(LoadError::TimedOut),
    }
}

impl<K, V, S> Cache<K, V, S>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Send + Sync + 'static,
{
    /// Returns the value of a key, loading it if there is none, with a loader that may run in the background.
    ///
    /// As [`fetch`](Cache::fetch), but where there is an [`executor`](crate::CacheBuilder::executor) it runs refreshes,
    /// while all callers have the present value at once, and loads under a soft or hard timeout, which go on when their
    /// caller has given up.
    ///
    /// ```
    /// use larder::{Cache, Freshness, Loaded};
    /// use std::time::Duration;
    ///
    /// let cache: Cache<u32, u32> = Cache::builder()
    ///     .max_entries(100)
    ///     .freshness(Freshness::new(Duration::from_secs(60)).stale_for(Duration::from_secs(600)))
    ///     .refresh_thread()
    ///     .build()?;
    /// assert_eq!(cache.get_or_refresh(&1, || Ok::<_, String>(Loaded::new(10))), Ok(10));
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// A hit is a [`get`](Cache::get). A load that runs elsewhere allocates three blocks more.
    ///
    /// # Consistency
    ///
    /// As [`get_or_load`](Cache::get_or_load).
    ///
    /// # Errors
    ///
    /// [`LoadError::Failed`] with the loader's error, [`LoadError::TimedOut`] at the hard timeout,
    /// [`LoadError::Abandoned`] if the loader panicked elsewhere or the executor dropped it; each only if there is no
    /// stale value that may be returned. [`LoadError::Reentrant`] if the loader asks for the key that it loads.
    pub fn get_or_refresh<Q, E: Send + 'static>(
        &self,
        key: &Q,
        loader: impl FnOnce() -> Result<Loaded<V>, E> + Send + 'static,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        match self.core.plan(key, None) {
            Ok(value) => Ok(value),
            Err(plan) => self.core.load_apart(key, plan, loader),
        }
    }

    /// Returns the value of a key, loading it if there is none, with a future that may be run in the background.
    ///
    /// The executor's thread polls the future itself and is parked in between. A future that needs a runtime needs an
    /// executor whose threads are the runtime's, such as one for blocking work.
    ///
    /// ```
    /// # use std::{pin::pin, task::{Context, Poll, Waker}};
    /// # fn run<F: Future>(future: F) -> F::Output {
    /// #     let Poll::Ready(output) = pin!(future).poll(&mut Context::from_waker(Waker::noop())) else { panic!() };
    /// #     output
    /// # }
    /// use larder::{Cache, Loaded};
    ///
    /// let cache = Cache::<u32, u32>::new(100);
    /// # run(async {
    /// let value = cache.get_or_refresh_async(&1, async { Ok::<_, String>(Loaded::new(10)) }).await;
    /// assert_eq!(value, Ok(10));
    /// # });
    /// ```
    ///
    /// # Cost
    ///
    /// As [`get_or_refresh`](Cache::get_or_refresh).
    ///
    /// # Errors
    ///
    /// As [`get_or_refresh`](Cache::get_or_refresh).
    pub async fn get_or_refresh_async<Q, E: Send + 'static>(
        &self,
        key: &Q,
        loader: impl Future<Output = Result<Loaded<V>, E>> + Send + 'static,
    ) -> Result<V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        match self.core.plan(key, None) {
            Ok(value) => Ok(value),
            Err(plan) => self.core.load_apart_async(key, plan, loader).await,
        }
    }
}
