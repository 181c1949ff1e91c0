//! Upkeep of a cache: reaping in bounded steps, and moving the bound at run time.

use crate::ds::Ref;
use crate::reaper::{AT_ONCE, Upkept, Watch};
use crate::shard::{Departed, REAP_STEP};
use crate::time::Millis;

use super::Cache;
use super::core::Core;

impl<K, V, S> Core<K, V, S> {
    /// Reaps what is due in every stripe, a bounded part of each, and says whether there is more.
    fn reap(&self, now: Millis) -> bool {
        let mut more = false;
        for stripe in self.stripes.iter() {
            let due = stripe.read(|_, _, shard| shard.next_due());
            if due.is_none_or(|due| due > now) {
                continue;
            }
            let mut left = Departed::default();
            more |= stripe.write(&self.stripes.budget, |world| {
                world.shard.entries.rebase(now);
                world.reap(now, REAP_STEP, &mut left)
            });
            self.depart(left);
        }
        drop(self.alarms.ring(now));
        more
    }

    /// When the next timer or alarm is due.
    fn next_due(&self) -> Option<Millis> {
        let timers = self
            .stripes
            .iter()
            .filter_map(|stripe| stripe.read(|_, _, shard| shard.next_due()));
        timers.chain(self.alarms.next_due()).min()
    }
}

impl<K: Send + Sync, V: Send + Sync, S: Send + Sync> Upkept for Core<K, V, S> {
    fn step(&self) -> Option<Millis> {
        if self.reap(self.clock.fine_now()) {
            Some(AT_ONCE)
        } else {
            self.next_due()
        }
    }

    fn watch(&self) -> &Watch {
        &self.watch
    }
}

impl<K, V, S> Cache<K, V, S> {
    /// Reaps everything that has expired by now, and wakes waiters whose time is over.
    ///
    /// Needed only with [`Upkeep::Manual`](crate::Upkeep) or a [`ManualClock`](crate::ManualClock); and even then only to
    /// free memory, as an expired entry is never returned. An entry is reaped at the first 10 ms boundary after its deadline.
    ///
    /// ```
    /// use larder::{Cache, ManualClock};
    /// use std::time::Duration;
    ///
    /// let time = ManualClock::new();
    /// let cache: Cache<&str, u32> = Cache::builder().max_entries(100).clock(time.clock()).build()?;
    /// cache.insert_with_ttl("a", 1, Duration::from_secs(5));
    /// time.advance(Duration::from_secs(6));
    /// assert_eq!(cache.len(), 1);
    /// cache.tick();
    /// assert_eq!(cache.len(), 0);
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// Some 100 ns per expired entry; stripe after stripe, a lock is held for no more than 256 entries at a time.
    pub fn tick(&self) {
        let now = self.core.clock.fine_now();
        while self.core.reap(now) {}
    }

    /// The bound: entries, or weight where there is a weigher.
    ///
    /// ```
    /// assert_eq!(larder::Cache::<u32, u32>::new(100).capacity(), 100);
    /// ```
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.core.stripes.budget.limit()
    }

    /// Sets another bound, evicts at once what it has no room for, and returns how many entries that was.
    ///
    /// With a bound of zero every new entry is rejected. A cache that was built `unbounded()` keeps no books by which to
    /// choose victims: it keeps what it has and rejects new entries beyond the bound.
    ///
    /// ```
    /// let cache = larder::Cache::<u32, u32>::new(100);
    /// for key in 0..100 {
    ///     cache.insert(key, key);
    /// }
    /// assert_eq!(cache.set_capacity(10), 90);
    /// assert_eq!(cache.len(), 10);
    /// ```
    ///
    /// # Cost
    ///
    /// O(evicted); a stripe's lock is held for no more than 64 evictions at a time.
    ///
    /// # Consistency
    ///
    /// Inserts that run meanwhile keep to the new bound.
    pub fn set_capacity(&self, capacity: u64) -> u64 {
        self.core.stripes.budget.set_limit(capacity);
        self.core.shed(None)
    }
}

impl<K, V, S> Core<K, V, S> {
    /// Evicts until the bound holds; says how many. `grown` names an entry that others have to make room for.
    pub(super) fn shed(&self, grown: Option<(u64, Ref)>) -> u64 {
        let mut evicted = 0;
        while let Some(left) = self.stripes.shed(grown) {
            evicted += left.len() as u64;
            self.depart(left);
        }
        evicted
    }
}
