//! Looking at a whole cache: sizes, walks over all entries, removal by predicate.
//!
//! A walk holds a stripe's lock for some thousand entries at a time; see `ds/walk.rs` for why it shows every entry that
//! stays exactly once.

use std::hash::BuildHasher;

use crate::ds::ranking::{End, Ranking};
use crate::ds::walk::Walk;
use crate::entry::Entries;
use crate::stats::{Count, Stats};

use super::Cache;
use super::core::{Core, Displaced};
use super::listener::Cause;

impl<K, V, S> Core<K, V, S> {
    /// Shows all live entries under the stripes' read locks.
    fn survey(&self, mut show: impl FnMut(&K, &V, u32)) {
        let mut walk = Walk::default();
        while self.survey_next(&mut walk, &mut show) {}
    }

    /// Shows the live entries of one place and moves on; `false` at the end.
    fn survey_next(&self, walk: &mut Walk, show: &mut impl FnMut(&K, &V, u32)) -> bool {
        let Some(stripe) = self.stripes.iter().nth(walk.table()) else {
            return false;
        };
        let time = self.clock.present();
        stripe.read(|table, _, shard| {
            walk.step(table, |slot, entry| {
                if let Some((key, value)) = shard.entries.pair(entry)
                    && self.is_live(&shard.entries, entry, &time)
                {
                    show(key, value, table.counter(slot));
                }
            });
        });
        true
    }

    /// Removes the entries of one place that `keep` is false of, and returns them.
    fn sift(
        &self,
        walk: &mut Walk,
        keep: &mut impl FnMut(&K, &V) -> bool,
    ) -> Option<Vec<Displaced<K, V>>> {
        let stripe = self.stripes.iter().nth(walk.table())?;
        let time = self.clock.present();
        let (flights, gone) = stripe.write(&self.stripes.budget, |world| {
            let mut chosen = Vec::new();
            walk.step(world.table, |_, entry| {
                let entries = &world.shard.entries;
                let Some((key, value)) = entries.pair(entry) else {
                    return;
                };
                let expired = !self.is_live(entries, entry, &time);
                if expired || !keep(key, value) {
                    chosen.push((entry, expired));
                }
            });
            let gone = chosen.into_iter().filter_map(|(entry, expired)| {
                let hash = world.shard.entries.hash(world.shared, entry);
                let (slot, _) = world.table.find(hash, |other| other == entry)?;
                Some(Displaced {
                    pair: world.discard(slot, entry, hash),
                    expired,
                })
            });
            let gone: Vec<_> = gone.collect();
            (world.shard.entries.supersede_all(), gone)
        });
        drop(flights);
        Some(gone)
    }

    /// Up to `n` keys from one end of the order of their counters.
    fn ranked(&self, end: End, n: usize) -> Vec<K>
    where
        K: Clone,
    {
        let mut ranking = Ranking::new(end, n);
        self.survey(|key, _, counter| ranking.offer(counter, || key.clone()));
        ranking.into_keys()
    }
}

impl<K, V, S> Cache<K, V, S> {
    /// How many entries there are, those included that have expired and are not reaped yet.
    ///
    /// ```
    /// let cache = larder::Cache::<u32, u32>::new(100);
    /// cache.insert(1, 10);
    /// assert_eq!(cache.len(), 1);
    /// ```
    ///
    /// # Cost
    ///
    /// One word per stripe, no lock.
    ///
    /// # Consistency
    ///
    /// Exact while nobody writes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.core.stripes.len() as usize
    }

    /// Whether there are no entries.
    ///
    /// ```
    /// assert!(larder::Cache::<u32, u32>::new(100).is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What all entries weigh: their number, where there is no weigher.
    ///
    /// ```
    /// use larder::Cache;
    ///
    /// let cache: Cache<u32, String> =
    ///     Cache::builder().max_weight(100).weigher(|_, v: &String| v.len() as u64).build()?;
    /// cache.insert(1, "four".to_owned());
    /// assert_eq!(cache.weight(), 4);
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// One word per stripe, no lock.
    ///
    /// # Consistency
    ///
    /// Exact while nobody writes; never above [`capacity`](Cache::capacity), but as [`compute`](Cache::compute) says.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.core.stripes.weight()
    }

    /// Bytes that the cache holds: table, records, policy, timers and counters; not what keys and values own elsewhere.
    ///
    /// ```
    /// assert!(larder::Cache::<u32, u32>::new(100).bytes() > 4096);
    /// ```
    ///
    /// # Cost
    ///
    /// All stripes' locks for reading, one after the other.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let core = &*self.core;
        let stripes = core.stripes.iter().map(|stripe| {
            let behind = stripe.read(|_, _, shard| shard.entries.bytes() + shard.upkeep_bytes());
            behind + stripe.table.bytes() + size_of_val(stripe) as u64
        });
        stripes.sum::<u64>() + core.counters.bytes() + size_of::<Core<K, V, S>>() as u64
    }

    /// What the cache has done, and what it holds.
    ///
    /// ```
    /// let cache = larder::Cache::<u32, u32>::new(100);
    /// cache.get(&1);
    /// assert_eq!(cache.stats().misses, 1);
    /// ```
    ///
    /// # Cost
    ///
    /// Some microseconds; the stripes' locks for reading, one after the other.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = self.core.counters.snapshot();
        stats.entries = self.core.stripes.len();
        stats.weight = self.weight();
        stats.bytes = self.bytes();
        stats
    }

    /// Shows every live entry to a closure.
    ///
    /// The closure runs under a stripe's lock: it must be short, and must not use this cache, which could deadlock.
    ///
    /// ```
    /// let cache = larder::Cache::<u32, u32>::new(100);
    /// cache.insert(1, 10);
    /// let mut sum = 0;
    /// cache.for_each(|_, value| sum += value);
    /// assert_eq!(sum, 10);
    /// ```
    ///
    /// # Cost
    ///
    /// O(n); a stripe's lock is held for reading, for some thousand entries at a time. No allocation.
    ///
    /// # Consistency
    ///
    /// An entry that is there all the while is shown exactly once; one that comes or goes, at most once.
    pub fn for_each(&self, mut show: impl FnMut(&K, &V)) {
        self.core.survey(|key, value, _| show(key, value));
    }

    /// Iterates over clones of all live entries.
    ///
    /// ```
    /// let cache = larder::Cache::<u32, u32>::new(100);
    /// cache.insert(1, 10);
    /// assert_eq!(cache.iter().collect::<Vec<_>>(), [(1, 10)]);
    /// ```
    ///
    /// # Cost
    ///
    /// As [`for_each`](Cache::for_each); copies some thousand entries at a time and holds no lock in between.
    ///
    /// # Consistency
    ///
    /// As [`for_each`](Cache::for_each); an entry may have left by the time it is returned.
    pub fn iter(&self) -> Iter<'_, K, V, S> {
        Iter {
            cache: self,
            walk: Walk::default(),
            copied: Vec::new(),
        }
    }

    /// Removes the entries that `keep` is false of, and returns how many.
    ///
    /// The predicate runs under a stripe's lock: it must be short, and must not use this cache, which would deadlock.
    ///
    /// ```
    /// let cache = larder::Cache::<u32, u32>::new(100);
    /// for key in 0..10 {
    ///     cache.insert(key, key);
    /// }
    /// assert_eq!(cache.retain(|key, _| key % 2 == 0), 5);
    /// assert_eq!(cache.len(), 5);
    /// ```
    ///
    /// # Cost
    ///
    /// O(n); a stripe's lock is held for writing, for some thousand entries at a time.
    ///
    /// # Consistency
    ///
    /// As [`for_each`](Cache::for_each). Loads that are under way are not stored, since nobody can say what they bring.
    pub fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) -> u64 {
        let mut removed = 0;
        let mut walk = Walk::default();
        while let Some(gone) = self.core.sift(&mut walk, &mut keep) {
            for displaced in gone {
                removed += u64::from(!displaced.expired);
                self.core.took(displaced, Cause::Removed, Count::Removals);
            }
        }
        removed
    }

    /// Up to `n` keys that were used most of late, by the policy's 2-bit counters; in no order among equals.
    ///
    /// ```
    /// let cache = larder::Cache::<u32, u32>::new(100);
    /// cache.insert(1, 10);
    /// cache.insert(2, 20);
    /// cache.get(&2);
    /// assert_eq!(cache.hottest(1), [2]);
    /// ```
    ///
    /// # Cost
    ///
    /// As [`for_each`](Cache::for_each), and at most `4 * n` clones of keys.
    #[must_use]
    pub fn hottest(&self, n: usize) -> Vec<K>
    where
        K: Clone,
    {
        self.core.ranked(End::Hottest, n)
    }

    /// Up to `n` keys that were used least of late, by the policy's 2-bit counters; in no order among equals.
    ///
    /// ```
    /// let cache = larder::Cache::<u32, u32>::new(100);
    /// cache.insert(1, 10);
    /// cache.insert(2, 20);
    /// cache.get(&2);
    /// assert_eq!(cache.coldest(1), [1]);
    /// ```
    ///
    /// # Cost
    ///
    /// As [`hottest`](Cache::hottest).
    #[must_use]
    pub fn coldest(&self, n: usize) -> Vec<K>
    where
        K: Clone,
    {
        self.core.ranked(End::Coldest, n)
    }
}

/// Clones of a cache's entries; see [`Cache::iter`].
pub struct Iter<'a, K, V, S = ahash::RandomState> {
    cache: &'a Cache<K, V, S>,
    walk: Walk,
    copied: Vec<(K, V)>,
}

impl<K: Clone, V: Clone, S> Iterator for Iter<'_, K, V, S> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        while self.copied.is_empty() {
            let copied = &mut self.copied;
            let mut copy = |key: &K, value: &V, _| copied.push((key.clone(), value.clone()));
            if !self.cache.core.survey_next(&mut self.walk, &mut copy) {
                return None;
            }
        }
        self.copied.pop()
    }
}

impl<'a, K: Clone, V: Clone, S: BuildHasher> IntoIterator for &'a Cache<K, V, S> {
    type Item = (K, V);
    type IntoIter = Iter<'a, K, V, S>;

    fn into_iter(self) -> Iter<'a, K, V, S> {
        self.iter()
    }
}
