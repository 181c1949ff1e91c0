//! Loading many keys: one call of the loader for all that this caller has to load, one load per key among all callers.
//!
//! ```text
//! 1  every key is looked up; for each that is missing this caller gets the turn, or a place in another's queue
//! 2  the keys whose turn it has are loaded in one call, stored, and others woken
//! 3  then it waits for the others' loads; where a turn comes to it, it loads that key at once
//! ```
//!
//! A caller never waits while it has a turn, so two callers with the same keys in different orders do not wait for each
//! other.

use std::borrow::ToOwned;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::hash::{BuildHasher, Hash};
use std::pin::pin;

use equivalent::Equivalent;

use crate::error::LoadError;
use crate::wait::block_on;

use super::Cache;
use super::core::Core;
use super::flight::{Arrival, Claim, Way};
use super::follower::{Follower, Vigil};
use super::load::{Plan, Step};
use super::loaded::Loaded;

/// The number of a key, what is planned for it, and what came of that.
type Numbered<V, T> = (usize, Plan<V>, T);

/// Keys that are being looked up, and how far they are.
struct Batch<'a, 'k, Q: ?Sized, K: Hash + Eq, V, S> {
    core: &'a Core<K, V, S>,
    keys: Vec<&'k Q>,
    answers: Vec<Option<V>>,
    /// Numbers of keys that are still to be claimed.
    open: Vec<(usize, Plan<V>)>,
    turns: Vec<Numbered<V, Claim<'a, K, V, S>>>,
    others: Vec<Numbered<V, Follower<'a, K, V, S>>>,
}

impl<'a, 'k, Q, K, V, S> Batch<'a, 'k, Q, K, V, S>
where
    Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    K: Hash + Eq,
    V: Clone,
    S: BuildHasher,
{
    fn new(core: &'a Core<K, V, S>, keys: impl IntoIterator<Item = &'k Q>) -> Self {
        let keys: Vec<&Q> = keys.into_iter().collect();
        let (mut answers, mut open) = (Vec::with_capacity(keys.len()), Vec::new());
        for (number, key) in keys.iter().enumerate() {
            match core.plan(*key, None) {
                Ok(value) => answers.push(Some(value)),
                Err(plan) => {
                    answers.push(None);
                    open.push((number, plan));
                }
            }
        }
        Batch {
            core,
            keys,
            answers,
            open,
            turns: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Claims what is open; `false` once there is nothing left to do.
    fn claim<E>(&mut self) -> Result<bool, LoadError<E>> {
        for (number, plan) in std::mem::take(&mut self.open) {
            match self.core.claim(self.keys[number], plan.hash, plan.intent) {
                Way::Arrived(arrival) => self.take(number, plan, arrival)?,
                Way::Follow(follower) => self.others.push((number, plan, follower)),
            }
        }
        Ok(!self.turns.is_empty() || !self.others.is_empty())
    }

    /// Takes what came for one key.
    fn take<E>(
        &mut self,
        number: usize,
        mut plan: Plan<V>,
        arrival: Arrival<'a, K, V, S>,
    ) -> Result<(), LoadError<E>> {
        match self.core.step(self.keys[number], &mut plan, arrival) {
            Step::Settled(result) => self.answers[number] = Some(result?),
            Step::Run(claim) => self.turns.push((number, plan, claim)),
            Step::Again => self.open.push((number, plan)),
        }
        Ok(())
    }

    /// The keys whose turn this caller has.
    fn due(&self) -> Vec<&'k Q> {
        let numbers = self.turns.iter().map(|(number, ..)| *number);
        numbers.map(|number| self.keys[number]).collect()
    }

    /// Runs the loader, or a part of it, as this thread's load of all keys that are due.
    fn run<R>(&self, part: impl FnOnce() -> R) -> R {
        let mut running: Vec<_> = self.turns.iter().map(|turn| turn.2.running()).collect();
        let result = part();
        while running.pop().is_some() {}
        result
    }

    /// Stores what was loaded; a key that the loader left out has no value.
    fn absorb<E>(
        &mut self,
        loaded: Result<impl IntoIterator<Item = (K, impl Into<Loaded<V>>)>, E>,
    ) -> Result<(), LoadError<E>> {
        let turns = std::mem::take(&mut self.turns);
        let pairs = match loaded {
            Ok(pairs) => pairs,
            Err(error) => return self.fall_back(turns, error),
        };
        let mut found: HashMap<u64, Vec<(K, Loaded<V>)>> = HashMap::new();
        for (key, value) in pairs {
            let hash = self.core.hash(&key);
            found.entry(hash).or_default().push((key, value.into()));
        }
        for (number, plan, claim) in turns {
            let key = self.keys[number];
            let loaded = found.get_mut(&plan.hash).and_then(|pairs| {
                let place = pairs.iter().position(|(other, _)| key.equivalent(other))?;
                Some(pairs.swap_remove(place).1)
            });
            if let Some(loaded) = loaded {
                let value = self.core.finish(claim, Ok(loaded), plan.fallback)?;
                self.answers[number] = Some(value);
            }
        }
        Ok(())
    }

    /// Answers with what is stale, if all keys that were to be loaded have that.
    fn fall_back<E>(
        &mut self,
        turns: Vec<Numbered<V, Claim<'a, K, V, S>>>,
        error: E,
    ) -> Result<(), LoadError<E>> {
        if turns.iter().any(|(_, plan, _)| plan.fallback.is_none()) {
            return Err(LoadError::Failed(error));
        }
        for (number, plan, claim) in turns {
            claim.rest();
            self.answers[number] = plan.fallback;
        }
        Ok(())
    }

    /// What a caller does at the end of its patience with one key.
    fn give_up<E>(&mut self, number: usize, mut plan: Plan<V>) -> Result<(), LoadError<E>> {
        self.answers[number] = Some(plan.without(LoadError::TimedOut)?);
        Ok(())
    }
}

impl<K: Hash + Eq, V: Clone, S: BuildHasher> Cache<K, V, S> {
    /// Returns the values of many keys in their order, loading those that are missing with one call of the loader.
    ///
    /// The loader gets the keys that this caller is to load, and returns pairs of keys and values, or
    /// [`Loaded`] values; `None` comes back for a key that it leaves out. A key that another caller loads is waited for; only if that fails is the loader called again, for that key.
    ///
    /// ```
    /// let cache = larder::Cache::<u32, u32>::new(100);
    /// cache.insert(1, 10);
    /// let squares = cache.get_many_or_load(&[1, 2, 3, 4], |missing| {
    ///     assert_eq!(missing, [&2, &3, &4]);
    ///     Ok::<_, String>(missing.into_iter().filter(|key| **key != 3).map(|key| (*key, key * 10)))
    /// });
    /// assert_eq!(squares, Ok(vec![Some(10), Some(20), None, Some(40)]));
    /// ```
    ///
    /// # Cost
    ///
    /// Per key as [`get_or_load`](Cache::get_or_load); allocates the answer and some rows per missing key.
    ///
    /// # Consistency
    ///
    /// Per key as [`get_or_load`](Cache::get_or_load); the whole is not atomic. What the loader returns unasked is dropped.
    ///
    /// # Errors
    ///
    /// [`LoadError::Failed`] with the loader's error, unless every key that was to be loaded has a stale value that may be
    /// returned; [`LoadError::Reentrant`] if the loader asks for a key that it loads; [`LoadError::TimedOut`] at the
    /// cache's hard timeout.
    ///
    /// # Panics
    ///
    /// If the loader does.
    pub fn get_many_or_load<'k, Q, E, I, L>(
        &self,
        keys: impl IntoIterator<Item = &'k Q>,
        mut loader: impl FnMut(Vec<&'k Q>) -> Result<I, E>,
    ) -> Result<Vec<Option<V>>, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized + 'k,
        I: IntoIterator<Item = (K, L)>,
        L: Into<Loaded<V>>,
    {
        let mut batch = Batch::new(&self.core, keys);
        while batch.claim()? {
            loop {
                if !batch.turns.is_empty() {
                    let due = batch.due();
                    let loaded = batch.run(|| loader(due));
                    batch.absorb(loaded)?;
                }
                let Some((number, plan, mut follower)) = batch.others.pop() else {
                    break;
                };
                let limit = plan.limit.as_ref();
                match block_on(|context| follower.poll(context), limit) {
                    Some(arrival) => batch.take(number, plan, arrival)?,
                    None => batch.give_up(number, plan)?,
                }
            }
        }
        Ok(batch.answers)
    }

    /// As [`get_many_or_load`](Cache::get_many_or_load), with a loader that returns a future.
    ///
    /// # Errors
    ///
    /// As [`get_many_or_load`](Cache::get_many_or_load).
    pub async fn get_many_or_load_async<'k, Q, E, I, L, F>(
        &self,
        keys: impl IntoIterator<Item = &'k Q>,
        mut loader: impl FnMut(Vec<&'k Q>) -> F,
    ) -> Result<Vec<Option<V>>, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized + 'k,
        I: IntoIterator<Item = (K, L)>,
        L: Into<Loaded<V>>,
        F: Future<Output = Result<I, E>>,
    {
        let mut batch = Batch::new(&self.core, keys);
        while batch.claim()? {
            loop {
                if !batch.turns.is_empty() {
                    let mut load = pin!(loader(batch.due()));
                    let loaded = poll_fn(|context| batch.run(|| load.as_mut().poll(context))).await;
                    batch.absorb(loaded)?;
                }
                let Some((number, plan, mut follower)) = batch.others.pop() else {
                    break;
                };
                let arrival = {
                    let mut vigil = Vigil::new(&self.core, plan.limit.as_ref());
                    poll_fn(|context| vigil.poll(context, |context| follower.poll(context))).await
                };
                match arrival {
                    Some(arrival) => batch.take(number, plan, arrival)?,
                    None => batch.give_up(number, plan)?,
                }
            }
        }
        Ok(batch.answers)
    }
}
