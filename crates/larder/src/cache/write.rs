//! Writing a cache: insert, remove, clear.

use std::hash::{BuildHasher, Hash};
use std::time::Duration;

use equivalent::Equivalent;

use crate::ds::Ref;
use crate::ds::table::{Slot, Spot};
use crate::shard::Departed;
use crate::stats::Count;
use crate::stripes::low_bits;

use super::Cache;
use super::core::{Before, Core, Displaced, Life, Open, Origin};
use super::listener::Cause;
use super::loaded::{Keep, Loaded};

/// What became of a value.
///
/// ```
/// use larder::{Cache, Outcome};
///
/// let cache = Cache::<&str, u32>::new(100);
/// assert_eq!(cache.insert("a", 1), Outcome::Inserted);
/// assert_eq!(cache.insert("a", 2), Outcome::Replaced(1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome<V> {
    /// It was stored; the key had none.
    Inserted,
    /// It was stored in the place of this one.
    Replaced(V),
    /// The key's value was removed: this one.
    Removed(V),
    /// The key has what it had; it may have been changed in place.
    Kept,
    /// This value weighs more than the whole budget and was not stored; nothing else changed.
    Rejected(V),
}

impl<V> Outcome<V> {
    /// The value that the key had before, if it has it no longer.
    ///
    /// ```
    /// let cache = larder::Cache::<&str, u32>::new(100);
    /// assert_eq!(cache.insert("a", 1).old(), None);
    /// assert_eq!(cache.insert("a", 2).old(), Some(1));
    /// ```
    pub fn old(self) -> Option<V> {
        match self {
            Outcome::Replaced(old) | Outcome::Removed(old) => Some(old),
            _ => None,
        }
    }

    /// Whether the value was too heavy.
    ///
    /// ```
    /// use larder::Cache;
    ///
    /// let cache: Cache<u32, String> =
    ///     Cache::builder().max_weight(10).weigher(|_, v: &String| v.len() as u64).build()?;
    /// assert!(cache.insert(1, "eleven long".to_owned()).is_rejected());
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn is_rejected(&self) -> bool {
        matches!(self, Outcome::Rejected(_))
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> Core<K, V, S> {
    #[inline(always)]
    fn insert(&self, key: K, value: V, life: &Life<'_>, mut origin: Option<Origin>) -> Outcome<V> {
        let hash = self.hash(&key);
        let weight = self.weigh(&key, &value);
        if weight > self.stripes.budget.limit() {
            return self.reject(value);
        }
        let low = low_bits(hash);
        let mut pair = Some((key, value));
        let mut superseded = None;
        let mut left = Departed::default();
        let stored = self.stripes.write(hash, &mut left, |world, left| {
            if let Some((key, _)) = &pair
                && let Some(flight) = world.shard.entries.supersede(low, |other| other == key)
            {
                superseded = Some(flight);
            }
            let (entry, before) = self.settle(world, left, low, &mut pair, (weight, life))?;
            self.sign(world, entry, origin.as_mut());
            Ok(before)
        });
        drop(superseded);
        self.depart(left);
        match (stored, pair) {
            (Err(_), Some((_, value))) => self.reject(value),
            (stored, pair) => {
                self.watch_over(life);
                self.replaced(stored.unwrap_or(Before::Nothing).displaced(pair))
            }
        }
    }

    /// Removes an entry that `condition` is true of.
    fn remove<Q: Equivalent<K> + ?Sized>(
        &self,
        key: &Q,
        hash: u64,
        condition: impl FnOnce(&V) -> bool,
    ) -> Option<V> {
        let (low, time) = (low_bits(hash), self.clock.present());
        let (flight, taken) = self.stripes.hold(hash, |world| {
            let flight = world
                .shard
                .entries
                .supersede(low, |other| key.equivalent(other));
            let taken = find(world, low, key).and_then(|(slot, entry)| {
                let entries = &world.shard.entries;
                let live = self.is_live(entries, entry, &time);
                let goes = !live || condition(&entries.pair(entry)?.1);
                goes.then(|| Displaced {
                    pair: world.discard(slot, entry, low),
                    expired: !live,
                })
            });
            (flight, taken)
        });
        drop(flight);
        self.took(taken?, Cause::Removed, Count::Removals)
    }
}

/// Finds a key's entry, live or not.
#[inline(always)]
pub(super) fn find<K, V, Q: Equivalent<K> + ?Sized>(
    world: &Open<'_, K, V>,
    hash: u32,
    key: &Q,
) -> Option<(Slot, Ref)> {
    find_at(world, world.table.spot(hash), key)
}

/// [`find`], of a key whose spot is known.
#[inline(always)]
pub(super) fn find_at<K, V, Q: Equivalent<K> + ?Sized>(
    world: &Open<'_, K, V>,
    spot: Spot<'_>,
    key: &Q,
) -> Option<(Slot, Ref)> {
    world.find_at(spot, |entries, entry| {
        entries
            .pair(entry)
            .is_some_and(|held| key.equivalent(&held.0))
    })
}

impl<K, V, S> Core<K, V, S> {
    /// Counts a value that is too heavy.
    pub(super) fn reject(&self, value: V) -> Outcome<V> {
        self.counters.count(Count::Rejections);
        Outcome::Rejected(value)
    }

    /// The tail of a write that stored a value.
    #[inline(always)]
    pub(super) fn replaced(&self, displaced: Option<Displaced<K, V>>) -> Outcome<V> {
        let Some(displaced) = displaced else {
            self.counters.count(Count::Inserts);
            return Outcome::Inserted;
        };
        if displaced.expired {
            self.counters.count(Count::Inserts);
        }
        match self.took(displaced, Cause::Replaced, Count::Replaced) {
            Some(old) => Outcome::Replaced(old),
            None => Outcome::Inserted,
        }
    }

    /// The tail of a value that was taken out on request; `None` if it had expired before.
    #[inline(always)]
    pub(super) fn took(&self, displaced: Displaced<K, V>, cause: Cause, count: Count) -> Option<V> {
        let Displaced {
            pair: (key, value),
            expired,
        } = displaced;
        if expired {
            self.counters.count(Count::Expirations);
            self.tell(&key, &value, Cause::Expired);
            return None;
        }
        self.counters.count(count);
        self.tell(&key, &value, cause);
        Some(value)
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> Cache<K, V, S> {
    /// Stores a value under a key, with the cache's own time to live.
    ///
    /// ```
    /// use larder::{Cache, Outcome};
    ///
    /// let cache = Cache::<&str, u32>::new(100);
    /// cache.insert("a", 1);
    /// assert_eq!(cache.insert("a", 2), Outcome::Replaced(1));
    /// assert_eq!(cache.get("a"), Some(2));
    /// ```
    ///
    /// # Cost
    ///
    /// O(1) amortised; one stripe's lock for writing. Where the cache is full, another entry is evicted, in bounded work;
    /// what leaves is dropped after the unlock. Only if the stripe has far less than its share, or nothing to evict, the
    /// victim comes from another stripe, for a second lock. Allocates one chunk in 256 new entries.
    ///
    /// # Consistency
    ///
    /// Atomic, and seen by every call that begins after it returned. A new entry is never refused silently: one that
    /// weighs more than the whole budget is handed back as [`Outcome::Rejected`]. A load of the key that is under way
    /// does not overwrite it.
    pub fn insert(&self, key: K, value: V) -> Outcome<V> {
        let life = self.core.life_by(&value, None, self.core.clock.present());
        self.core.insert(key, value, &life, self.core.origin())
    }

    /// Stores a value with a time to live and tags of its own.
    ///
    /// ```
    /// use larder::{Cache, Loaded, Tags};
    ///
    /// let tags = Tags::new();
    /// let cache: Cache<u32, u32> = Cache::builder().max_entries(100).tags(&tags).build()?;
    /// cache.insert_loaded(1, Loaded::new(10).tag("tens"));
    /// tags.invalidate("tens");
    /// assert_eq!(cache.get(&1), None);
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`insert`](Cache::insert); tags are kept in a block of 8 bytes each.
    ///
    /// # Consistency
    ///
    /// As [`insert`](Cache::insert). Invalidations count from the call on: for a value that was read before, take a
    /// loading call, which counts from the beginning of the load. A value that is [`unstored`](Loaded::unstored) is handed
    /// back as [`Outcome::Rejected`].
    pub fn insert_loaded(&self, key: K, loaded: Loaded<V>) -> Outcome<V> {
        let Loaded {
            value,
            ttl,
            tags,
            keep,
        } = loaded;
        if keep == Keep::Passed {
            return Outcome::Rejected(value);
        }
        let life = self.core.life_by(&value, ttl, self.core.clock.present());
        let origin = self.core.origin().map(|origin| Origin { tags, ..origin });
        self.core.insert(key, value, &life, origin)
    }

    /// Stores a value that expires after `ttl`, whatever the cache's own time to live.
    ///
    /// A `ttl` of zero stores a value that nobody will see; one beyond what can be counted means never.
    ///
    /// ```
    /// use larder::{Cache, ManualClock};
    /// use std::time::Duration;
    ///
    /// let time = ManualClock::new();
    /// let cache: Cache<&str, u32> = Cache::builder().max_entries(100).clock(time.clock()).build()?;
    /// cache.insert_with_ttl("a", 1, Duration::from_secs(5));
    /// time.advance(Duration::from_secs(5));
    /// assert_eq!(cache.get("a"), None);
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`insert`](Cache::insert), a clock reading, and 8 bytes for the deadline and its timer.
    ///
    /// # Consistency
    ///
    /// As [`insert`](Cache::insert).
    pub fn insert_with_ttl(&self, key: K, value: V, ttl: Duration) -> Outcome<V> {
        let life = self.core.life_for(ttl);
        self.core.insert(key, value, &life, self.core.origin())
    }

    /// Removes a key and returns its value.
    ///
    /// ```
    /// let cache = larder::Cache::<&str, u32>::new(100);
    /// cache.insert("a", 1);
    /// assert_eq!(cache.remove("a"), Some(1));
    /// assert_eq!(cache.remove("a"), None);
    /// ```
    ///
    /// # Cost
    ///
    /// O(1); one stripe's lock for writing; no allocation.
    ///
    /// # Consistency
    ///
    /// A load of the key that is under way still answers those who wait for it, but what it brings is not stored.
    pub fn remove<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<V> {
        self.core.remove(key, self.core.hash(key), |_| true)
    }

    /// Removes a key if `condition` is true of its value, in one step.
    ///
    /// The condition runs under the stripe's lock: it must be short, and must not use this cache, which would deadlock.
    ///
    /// ```
    /// let cache = larder::Cache::<&str, u32>::new(100);
    /// cache.insert("a", 1);
    /// assert_eq!(cache.remove_if("a", |value| *value == 2), None);
    /// assert_eq!(cache.remove_if("a", |value| *value == 1), Some(1));
    /// ```
    ///
    /// # Cost
    ///
    /// As [`remove`](Cache::remove), and the condition.
    pub fn remove_if<Q: Hash + Equivalent<K> + ?Sized>(
        &self,
        key: &Q,
        condition: impl FnOnce(&V) -> bool,
    ) -> Option<V> {
        self.core.remove(key, self.core.hash(key), condition)
    }
}

impl<K, V, S> Cache<K, V, S> {
    /// Removes everything.
    ///
    /// ```
    /// let cache = larder::Cache::<u32, u32>::new(100);
    /// cache.insert(1, 10);
    /// cache.clear();
    /// assert!(cache.is_empty());
    /// ```
    ///
    /// # Cost
    ///
    /// O(n), but a stripe's lock is held only while its table is emptied, some 50 µs for 60,000 entries; the entries are
    /// told of and dropped after the unlock. Keeps the memory of the table for the next ones.
    ///
    /// # Consistency
    ///
    /// Atomic per stripe. Loads that are under way are not stored.
    pub fn clear(&self) {
        let core = &*self.core;
        for stripe in core.stripes.iter() {
            let mut flights = None;
            let old = stripe.write(&core.stripes.budget, |world| {
                flights = Some(world.shard.entries.supersede_all());
                let fresh = world.shard.entries.successor();
                world.exchange(fresh)
            });
            let mut removed = 0;
            for (key, value) in old.into_pairs() {
                removed += 1;
                core.tell(&key, &value, Cause::Cleared);
            }
            core.counters.add(Count::Removals, removed);
        }
    }
}
