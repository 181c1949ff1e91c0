//! Changing an entry in one step: a closure sees what is there and decides.
//!
//! The closure runs once, under the stripe's lock, so its decision cannot be put off when a value grew. Room for what it
//! grew is made in the stripe first, and then, still under the lock, in the other stripes that nobody holds. Only if
//! that is not enough is the bound passed by what is lacking, and others are evicted right after the unlock, before the
//! call returns.
//!
//! Why that is left: only the closure knows how much a value grows, and when it has run, the memory is taken already.
//! To wait for other stripes under this one's lock would let two changes wait for each other; to let the entry go and
//! put it back would let others miss it meanwhile; and to book its old weight until room was made would make the books
//! say less than what is held.

use std::hash::{BuildHasher, Hash};
use std::time::Duration;

use equivalent::Equivalent;

use crate::ds::Ref;
use crate::ds::table::Slot;
use crate::entry::Entries;
use crate::stats::Count;
use crate::stripes::low_bits;

use super::Cache;
use super::core::{Core, Displaced, Left, Life, Open};
use super::listener::Cause;
use super::typed::Flight;
use super::write::{Outcome, find};

/// What a closure of [`Cache::compute`] decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<V> {
    /// What is there stays, as the closure left it.
    Keep,
    /// This value is stored, with the cache's own time to live.
    Insert(V),
    /// What is there is removed.
    Remove,
}

/// What a change came to under the lock.
enum Changed<K, V> {
    Placed(Ref, Option<Displaced<K, V>>),
    Removed(Displaced<K, V>),
    /// It stands here, if there is one.
    Kept(Option<Ref>),
    /// A new value that is too heavy.
    Refused(V),
    /// An entry that grew too heavy and was taken out.
    Outgrown((K, V)),
}

/// A live entry and its place.
type Found = Option<(Slot, Ref)>;

impl<K: Hash + Eq, V, S: BuildHasher> Core<K, V, S> {
    fn compute(
        &self,
        key: K,
        ttl: Option<Duration>,
        change: impl FnOnce(Option<&mut V>) -> Change<V>,
    ) -> Outcome<V> {
        let hash = self.hash(&key);
        let low = low_bits(hash);
        let life = ttl.map_or_else(|| self.life(), |ttl| self.life_for(ttl));
        let mut left = Left::default();
        let mut superseded = None;
        let changed = self.stripes.hold(hash, |world| {
            let found = find(world, low, &key);
            let live =
                found.filter(|(_, entry)| self.is_live(&world.shard.entries, *entry, &life.time));
            let change = change(live.and_then(|(_, entry)| value_of(world, entry)));
            if live.is_some() || !matches!(change, Change::Keep) {
                superseded = world.shard.entries.supersede(low, |other| *other == key);
            }
            match change {
                Change::Insert(value) => {
                    self.place_surely(world, &mut left, low, (key, value), &life)
                }
                Change::Remove => take(world, live, low),
                Change::Keep => {
                    if let (Some((_, entry)), Some(_)) = (live, ttl) {
                        self.give_life(world, entry, &life);
                    }
                    self.keep(world, &mut left, live, low, &life)
                }
            }
        });
        self.changed(superseded, left, (hash, &life), changed)
    }

    fn update<Q: Hash + Equivalent<K> + ?Sized, R>(
        &self,
        key: &Q,
        change: impl FnOnce(&mut V) -> R,
    ) -> Option<R> {
        let hash = self.hash(key);
        let low = low_bits(hash);
        let life = self.life();
        let mut left = Left::default();
        let mut superseded = None;
        let mut result = None;
        let changed = self.stripes.hold(hash, |world| {
            let found = find(world, low, key);
            let live =
                found.filter(|(_, entry)| self.is_live(&world.shard.entries, *entry, &life.time));
            let value = live.and_then(|(_, entry)| value_of(world, entry))?;
            result = Some(change(value));
            superseded = world
                .shard
                .entries
                .supersede(low, |other| key.equivalent(other));
            Some(self.keep(world, &mut left, live, low, &life))
        });
        drop(self.changed(
            superseded,
            left,
            (hash, &life),
            changed.unwrap_or(Changed::Kept(None)),
        ));
        result
    }

    /// Stores a pair, beyond the bound if it must.
    fn place_surely(
        &self,
        world: &mut Open<'_, K, V>,
        left: &mut Left<K, V>,
        hash: u32,
        pair: (K, V),
        life: &Life<'_>,
    ) -> Changed<K, V> {
        let weight = self.weigh(&pair.0, &pair.1);
        if weight > self.stripes.budget.limit() {
            return Changed::Refused(pair.1);
        }
        let mut pair = Some(pair);
        let mut placed = self.place(world, left, hash, &mut pair, (weight, life));
        if placed.is_err() {
            let there = pair
                .as_ref()
                .and_then(|(key, _)| find(world, hash, key))
                .map(|found| found.1);
            self.seize(world, left, there);
            placed = self.place(world, left, hash, &mut pair, (weight, life));
            world.return_room(0);
        }
        let (entry, displaced) = placed.expect("room was made");
        self.sign(world, entry, self.origin().as_mut());
        Changed::Placed(entry, displaced)
    }

    /// Takes the room that the stripe lacks from others, from the stripe itself even if it has little, or where neither
    /// has anything to give, from beyond the bound.
    #[cold]
    fn seize(&self, world: &mut Open<'_, K, V>, left: &mut Left<K, V>, keep: Option<Ref>) {
        let lacking = std::mem::take(&mut left.lacking);
        let taken = self.stripes.relieve_holder(lacking, left) || {
            world.evict_until(left, keep, |budget| budget.has(lacking));
            world.budget.take(lacking)
        };
        if taken {
            world.receive(lacking);
        } else {
            world.overdraw(lacking);
        }
    }

    /// Books what a closure did to a value in place.
    fn keep(
        &self,
        world: &mut Open<'_, K, V>,
        left: &mut Left<K, V>,
        live: Found,
        hash: u32,
        life: &Life<'_>,
    ) -> Changed<K, V> {
        let Some((slot, entry)) = live else {
            return Changed::Kept(None);
        };
        world.touch(slot, entry);
        if let Some(now) = life.now {
            world.shard.entries.note_access(entry, now);
        }
        let Some((key, value)) = world.shard.entries.pair(entry) else {
            return Changed::Kept(None);
        };
        let new = self.weigh(key, value);
        let old = world.shard.entries.weight(world.shared, entry);
        if new > self.stripes.budget.limit() {
            return Changed::Outgrown(world.discard(slot, entry, hash));
        }
        if new > old && world.make_room(new - old, Some(entry), left).is_err() {
            self.seize(world, left, Some(entry));
            let room = world.make_room(new - old, Some(entry), left);
            debug_assert!(room.is_ok(), "what was seized can be spent");
            world.return_room(0);
        }
        self.reweigh(world, entry, old, new);
        Changed::Kept(Some(entry))
    }

    /// The tail of a change.
    fn changed(
        &self,
        superseded: Option<Flight<K, V>>,
        left: Left<K, V>,
        (hash, life): (u64, &Life<'_>),
        changed: Changed<K, V>,
    ) -> Outcome<V> {
        drop(superseded);
        self.depart(left);
        let grown = match &changed {
            Changed::Placed(entry, _) | Changed::Kept(Some(entry)) => Some((hash, *entry)),
            _ => None,
        };
        self.shed(grown);
        self.watch_over(life);
        match changed {
            Changed::Placed(_, displaced) => self.replaced(displaced),
            Changed::Removed(displaced) => self
                .took(displaced, Cause::Removed, Count::Removals)
                .map_or(Outcome::Kept, Outcome::Removed),
            Changed::Kept(_) => Outcome::Kept,
            Changed::Refused(value) => self.reject(value),
            Changed::Outgrown((key, value)) => {
                self.counters.count(Count::Evictions);
                self.tell(&key, &value, Cause::Evicted);
                self.reject(value)
            }
        }
    }
}

fn value_of<'w, K, V>(world: &'w mut Open<'_, K, V>, entry: Ref) -> Option<&'w mut V> {
    world.shard.entries.pair_mut(entry).map(|pair| &mut pair.1)
}

/// Takes a live entry out.
fn take<K, V>(world: &mut Open<'_, K, V>, live: Found, hash: u32) -> Changed<K, V> {
    let Some((slot, entry)) = live else {
        return Changed::Kept(None);
    };
    Changed::Removed(Displaced {
        pair: world.discard(slot, entry, hash),
        expired: false,
    })
}

impl<K: Hash + Eq, V, S: BuildHasher> Cache<K, V, S> {
    /// Shows what a key has to a closure, which may change it in place and decides what becomes of it, in one step.
    ///
    /// The closure runs once, under the stripe's lock: it must be short, and must not use this cache, which would deadlock.
    /// What it changed in place is weighed anew and keeps its deadline.
    ///
    /// ```
    /// use larder::{Cache, Change};
    ///
    /// let cache = Cache::<&str, u32>::new(100);
    /// let count = |value: Option<&mut u32>| match value {
    ///     None => Change::Insert(1),
    ///     Some(n) if *n == 2 => Change::Remove,
    ///     Some(n) => {
    ///         *n += 1;
    ///         Change::Keep
    ///     }
    /// };
    /// cache.compute("a", count);
    /// cache.compute("a", count);
    /// assert_eq!(cache.get("a"), Some(2));
    /// cache.compute("a", count);
    /// assert_eq!(cache.get("a"), None);
    /// ```
    ///
    /// # Cost
    ///
    /// As [`insert`](Cache::insert), and the closure, while all calls on the stripe wait.
    ///
    /// # Consistency
    ///
    /// Atomic. Where a value grew and all stripes that could make room are being written to, the bound may be passed by
    /// what it grew until the call returns. A value that came to weigh more than the whole budget is taken out and handed back as [`Outcome::Rejected`].
    ///
    /// # Panics
    ///
    /// If the closure does; the entry then stays as the closure left it.
    pub fn compute(&self, key: K, change: impl FnOnce(Option<&mut V>) -> Change<V>) -> Outcome<V> {
        self.core.compute(key, None, change)
    }

    /// As [`compute`](Cache::compute), and what the key then has lives for `ttl` from now, whether it was stored or kept.
    ///
    /// ```
    /// use larder::{Cache, Change, ManualClock};
    /// use std::time::Duration;
    ///
    /// let time = ManualClock::new();
    /// let tries: Cache<&str, u32> = Cache::builder().max_entries(100).clock(time.clock()).build()?;
    /// let mut attempt = || tries.compute_with_ttl("ada", Duration::from_secs(60), |tried| match tried {
    ///     None => Change::Insert(1),
    ///     Some(n) => {
    ///         *n += 1;
    ///         Change::Keep
    ///     }
    /// });
    /// attempt();
    /// time.advance(Duration::from_secs(59));
    /// attempt();
    /// time.advance(Duration::from_secs(59));
    /// assert_eq!(tries.get("ada"), Some(2));
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`compute`](Cache::compute), and a reading of the clock.
    ///
    /// # Consistency
    ///
    /// As [`compute`](Cache::compute).
    ///
    /// # Panics
    ///
    /// As [`compute`](Cache::compute).
    pub fn compute_with_ttl(
        &self,
        key: K,
        ttl: Duration,
        change: impl FnOnce(Option<&mut V>) -> Change<V>,
    ) -> Outcome<V> {
        self.core.compute(key, Some(ttl), change)
    }

    /// Changes a value in place, and returns what the closure returns; `None` if there is none.
    ///
    /// The closure runs under the stripe's lock: it must be short, and must not use this cache, which would deadlock.
    ///
    /// ```
    /// let cache = larder::Cache::<&str, u32>::new(100);
    /// cache.insert("a", 1);
    /// assert_eq!(cache.update("a", |n| { *n += 1; *n }), Some(2));
    /// assert_eq!(cache.update("b", |n| *n), None);
    /// ```
    ///
    /// # Cost
    ///
    /// As [`compute`](Cache::compute).
    ///
    /// # Consistency
    ///
    /// As [`compute`](Cache::compute).
    ///
    /// # Panics
    ///
    /// If the closure does; the value then stays as the closure left it.
    pub fn update<Q: Hash + Equivalent<K> + ?Sized, R>(
        &self,
        key: &Q,
        change: impl FnOnce(&mut V) -> R,
    ) -> Option<R> {
        self.core.update(key, change)
    }
}
