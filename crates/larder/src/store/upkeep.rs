//! Upkeep: reaping what has expired, and what a store tells about itself.

use super::core::{Core, Store};
use super::graves::{GRAVES_TICK, SMALL};
use super::hash::Ripe;
use super::outside::Gone;
use super::words::Words;
use crate::error::BuildError;
use crate::event::{EventKind, KeyEvent};
use crate::reaper::{AT_ONCE, Upkept, Watch};
use crate::shard::{Departed, REAP_STEP, World};
use crate::stats::{Count, Stats};
use crate::stripes::Stripe;
use crate::time::Millis;

/// What came of a step of upkeep in a stripe.
struct Step {
    /// When it wants the next one.
    due: Option<Millis>,
    /// Hashes that have more fields that are due.
    unfinished: Vec<Ripe>,
    /// Whether it holds something that takes long to free.
    large: bool,
}

impl Core {
    /// Reaps at most one step's worth in a stripe.
    fn step_stripe(&self, stripe: &Stripe<Words>, now: Millis) -> Step {
        let (mut departed, mut events) = (Departed::<Gone>::default(), Vec::new());
        let step = stripe.write(&self.stripes.budget, |world: &mut World<'_, Words>| {
            let more = world.reap(now, REAP_STEP, &mut departed);
            let unfinished = self.ripen(world, &mut departed, &mut events, now);
            world.tend(&mut departed, None);
            let due = if more {
                Some(AT_ONCE)
            } else {
                world.shard.next_due()
            };
            Step {
                due,
                unfinished,
                large: world.shard.entries.outside.bytes() >= SMALL,
            }
        });
        self.part(departed);
        self.announce_any(events);
        step
    }

    /// Takes all fields that are due out of a hash, a step's worth under each hold of the lock.
    fn finish(&self, stripe: &Stripe<Words>, ripe: &Ripe, now: Millis) {
        let mut more = true;
        while more {
            let (mut departed, mut events) = (Departed::<Gone>::default(), Vec::new());
            more = stripe.write(&self.stripes.budget, |world: &mut World<'_, Words>| {
                self.ripen_key(world, &mut departed, &mut events, (ripe, now))
            });
            self.part(departed);
            self.announce_any(events);
        }
    }
}

impl Upkept for Core {
    fn step(&self) -> Option<Millis> {
        self.graves.clear();
        let now = self.clock.fine_now();
        let (mut due, mut large) = (self.sweep_tags(now), false);
        for stripe in self.stripes.iter() {
            let step = self.step_stripe(stripe, now);
            due = due.into_iter().chain(step.due).min();
            large |= step.large;
        }
        if large {
            self.graves.begin_vigil();
            let next = now + GRAVES_TICK;
            due = Some(due.map_or(next, |due| due.min(next)));
        } else if self.graves.end_vigil() {
            due = Some(AT_ONCE);
        }
        due
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
    /// O(what is due); each stripe is locked for at most 256 timers, or fields of a hash, at a time.
    pub fn tick(&self) {
        while self.core.sweep_tags(Millis::MAX) == Some(AT_ONCE) {}
        let now = self.core.clock.fine_now();
        for stripe in self.core.stripes.iter() {
            let mut more = true;
            while more {
                let step = self.core.step_stripe(stripe, now);
                for ripe in &step.unfinished {
                    self.core.finish(stripe, ripe, now);
                }
                more = step.due.is_some_and(|due| due <= now);
            }
        }
    }

    /// Removes everything.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("a", 1)?;
    /// store.clear();
    /// assert!(store.is_empty());
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(entries), under all locks: nobody sees some keys gone and others not, so everybody waits. Large values are freed
    /// after the unlock; the memory of tables and records stays for the next ones. To empty a large store beside others
    /// who use it, where it need not be at once, [`remove_matching`](Store::remove_matching) with `*` holds one stripe's lock
    /// for one key at a time.
    #[doc(alias("FLUSHDB", "FLUSHALL"))]
    pub fn clear(&self) {
        let core = &*self.core;
        let mut removed = 0;
        let mut large = Vec::new();
        let mut worlds = core.stripes.lock_all();
        for place in 0..worlds.len() {
            worlds.open(place).clear(|gone| {
                removed += 1;
                if gone.is_large() {
                    large.push(gone);
                }
            });
        }
        core.watched.mark_all();
        let is_wanted = core.wanted_under_lock().has(EventKind::Clear);
        drop(worlds);
        core.bury(large);
        core.counters.add(Count::Removals, removed);
        if is_wanted {
            core.announce(vec![KeyEvent::new([], EventKind::Clear)]);
        }
    }

    /// Changes the bound that the store was built with: entries or bytes, whichever it counts.
    ///
    /// Where less is allowed than is held, entries are evicted before this returns.
    ///
    /// ```
    /// let store = larder::Store::builder().max_entries(100).build()?;
    /// for number in 0..100 {
    ///     store.set(format!("key {number}"), number).expect("small");
    /// }
    /// store.set_capacity(10)?;
    /// assert_eq!(store.len(), 10);
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(what is evicted), one stripe's lock at a time.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for a capacity of zero, and for a store that was built without a bound: nobody kept its entries'
    /// order.
    #[doc(alias("CONFIG SET", "maxmemory"))]
    pub fn set_capacity(&self, capacity: u64) -> Result<(), BuildError> {
        let budget = &self.core.stripes.budget;
        let mut faults = Vec::new();
        if capacity == 0 {
            faults.push("the capacity must be at least 1");
        }
        if budget.limit() == u64::MAX {
            faults.push("a store built without a bound cannot be given one");
        }
        BuildError::check(faults)?;
        // The highest number stands for no bound.
        budget.set_limit(capacity.min(u64::MAX - 1));
        for stripe in self.core.stripes.iter() {
            stripe.write(budget, |world| {
                world.shard.entries.set_share(budget.share())
            });
        }
        while let Some(departed) = self.core.stripes.shed(None) {
            self.core.part(departed);
        }
        Ok(())
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
    pub fn len(&self) -> usize {
        self.core.stripes.len() as usize
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
            stripe.read(|table, _, shard| {
                table.bytes() + shard.entries.bytes() + shard.upkeep_bytes()
            })
        };
        self.core.stripes.iter().map(held).sum::<u64>()
            + self.core.counters.bytes()
            + self.core.idle.bytes()
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
        Stats {
            entries,
            weight,
            bytes,
            ..core.counters.snapshot()
        }
    }
}
