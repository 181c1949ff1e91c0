//! Upkeep: reaping what has expired, and what a store tells about itself.

use super::core::{Core, Store};
use super::words::{Gone, Words};
use crate::entry::Entries;
use crate::reaper::{Next, Upkept, Watch};
use crate::shard::{Departed, REAP_STEP, World};
use crate::stats::Stats;
use crate::stripes::Stripe;
use crate::time::Millis;

/// Moves the records of one page that is nearly empty, if there is one, so that the page can serve another class.
pub(crate) fn evacuate(world: &mut World<'_, Words>) {
    let residents = world.shard.entries.sparse(world.shared).unwrap_or_default();
    for old in residents {
        let World { table, shared, shard, .. } = &mut *world;
        let hash = shard.entries.hash(shared, old);
        let Some((slot, _)) = table.find(hash, |entry| entry == old) else { continue };
        let Some(entry) = shard.entries.relocate(shared, old) else { return };
        table.replace(slot, entry);
        let weight = shard.entries.weight(shared, entry);
        world.revise(old, entry, weight);
        world.schedule(entry);
        world.shard.entries.forsake(world.shared, old);
    }
}

impl Core {
    /// Reaps at most one step's worth in a stripe; returns when it wants the next step.
    fn step_stripe(&self, stripe: &Stripe<Words>, now: Millis) -> Option<Millis> {
        let mut departed = Departed::<Gone>::default();
        let due = stripe.write(&self.stripes.budget, |world: &mut World<'_, Words>| {
            let more = world.reap(now, REAP_STEP, &mut departed);
            evacuate(world);
            if more { Some(now) } else { world.shard.next_due() }
        });
        self.part(departed);
        due
    }
}

impl Upkept for Core {
    fn step(&self) -> Next {
        let now = self.clock.fine_now();
        let due = self.stripes.iter().filter_map(|stripe| self.step_stripe(stripe, now)).min();
        Next { now, due }
    }

    fn watch(&self) -> &Watch {
        &self.watch
    }
}

impl Store {
    /// Reaps everything that has expired by now.
    ///
    /// Reads never see an expired entry anyway; this gives its memory back. It need not be called unless the store has
    /// a [`ManualClock`](crate::ManualClock) or [`Upkeep::Manual`](crate::Upkeep::Manual).
    ///
    /// ```
    /// use larder::{ManualClock, SetOptions, Store};
    /// use std::time::Duration;
    ///
    /// let time = ManualClock::new();
    /// let store = Store::builder().clock(time.clock()).build().expect("valid");
    /// store.set_with("a", 1, SetOptions::new().ttl(Duration::from_secs(1)))?;
    /// time.advance(Duration::from_secs(2));
    /// assert_eq!(store.len(), 1);
    /// store.tick();
    /// assert_eq!(store.len(), 0);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(what is due); each stripe is locked for at most 256 timers at a time.
    pub fn tick(&self) {
        let now = self.core.clock.fine_now();
        for stripe in self.core.stripes.iter() {
            while self.core.step_stripe(stripe, now).is_some_and(|due| due <= now) {}
        }
    }

    /// The number of entries, those included that have expired and are not reaped yet.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("a", 1)?;
    /// store.set("b", 2)?;
    /// assert_eq!(store.len(), 2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// One load per stripe; no lock.
    #[doc(alias = "DBSIZE")]
    #[must_use]
    pub fn len(&self) -> u64 {
        self.core.stripes.len()
    }

    /// Whether there is no entry.
    ///
    /// ```
    /// assert!(larder::Store::new().is_empty());
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::len`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that the store holds: tables, records, large values, timers and the policy's books.
    ///
    /// Memory that was freed by removals counts, since it is kept for the next entries.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let before = store.bytes();
    /// store.set("large", vec![0_u8; 1 << 20])?;
    /// assert!(store.bytes() >= before + (1 << 20));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// Every stripe's read lock, one after the other.
    #[doc(alias = "MEMORY STATS")]
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let held = |stripe: &Stripe<Words>| {
            stripe.read(|table, _, shard| table.bytes() + shard.entries.bytes() + shard.upkeep_bytes())
        };
        self.core.stripes.iter().map(held).sum::<u64>() + self.core.counters.bytes()
    }

    /// What the store has done since it was built, and what it holds.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("a", 1)?;
    /// store.get::<i64>("a")?;
    /// store.get::<i64>("b")?;
    /// let stats = store.stats();
    /// assert_eq!((stats.hits, stats.misses, stats.entries), (1, 1, 1));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::bytes`].
    #[doc(alias = "INFO")]
    #[must_use]
    pub fn stats(&self) -> Stats {
        let core = &*self.core;
        let (entries, weight, bytes) = (core.stripes.len(), core.stripes.weight(), self.bytes());
        Stats { entries, weight, bytes, ..core.counters.snapshot() }
    }
}
