//! Deadlines of single entries: reading, setting and clearing them without touching the value.

use std::hash::{BuildHasher, Hash};
use std::time::{Duration, SystemTime};

use equivalent::Equivalent;

use crate::ds::Ref;
use crate::entry::Entries;
use crate::stripes::low_bits;
use crate::time::Ttl;

use super::Cache;
use super::core::{Core, Life, Open, refile};
use super::freshness::Mark;
use super::write::find;

impl<K, V, S> Core<K, V, S> {
    /// Runs `change` on a live entry and sees to its timer; `false` if there is none.
    fn change_life<Q: Equivalent<K> + ?Sized>(
        &self,
        (key, hash): (&Q, u64),
        life: &Life<'_>,
        change: impl FnOnce(&mut Open<'_, K, V>, Ref),
    ) -> bool {
        let changed = self.stripes.hold(hash, |world| {
            let found = find(world, low_bits(hash), key);
            let Some((_, entry)) =
                found.filter(|(_, entry)| self.is_live(&world.shard.entries, *entry, &life.time))
            else {
                return false;
            };
            let before = world.shard.entries.deadline(world.shared, entry);
            change(world, entry);
            refile(world, entry, before);
            true
        });
        if changed {
            self.watch_over(life);
        }
        changed
    }
}

impl<K, V, S> Core<K, V, S> {
    /// Gives a live entry another end, and sees to its timer.
    pub(super) fn give_life(&self, world: &mut Open<'_, K, V>, entry: Ref, life: &Life<'_>) {
        let before = world.shard.entries.deadline(world.shared, entry);
        self.set_life(world, entry, life);
        refile(world, entry, before);
    }

    /// Gives a live entry another end.
    fn set_life(&self, world: &mut Open<'_, K, V>, entry: Ref, life: &Life<'_>) {
        let entries = &mut world.shard.entries;
        entries.set_deadline(entry, life.deadline);
        if let (Some(rules), Some(mark)) = (&self.rules, entries.mark_mut(entry)) {
            mark.renew(rules.mark(life));
        }
    }
}

impl<K, V, S: BuildHasher> Cache<K, V, S> {
    /// How long an entry still lives, idle time included; with rules of freshness, how long it is fresh. (Redis: `PTTL`.)
    ///
    /// ```
    /// use larder::{Cache, Ttl};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let cache = Cache::<&str, u32>::new(100);
    /// cache.insert_with_ttl("a", 1, Duration::from_secs(60));
    /// assert!(cache.ttl("a").left().is_some_and(|left| left <= Duration::from_secs(60)));
    /// ```
    ///
    /// # Cost
    ///
    /// O(1); one stripe's lock for reading; a clock reading; no allocation.
    #[doc(alias = "PTTL")]
    pub fn ttl<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Ttl {
        let core = &*self.core;
        let time = core.clock.exact_present();
        let deadline = core.look_at(key, core.hash(key), &time, |entries, entry, _| {
            let fresh_until = entries.mark(entry).and_then(Mark::fresh_until);
            let deadline = entries.deadline(&(), entry);
            fresh_until.into_iter().chain(deadline).min()
        });
        match deadline {
            None => Ttl::Absent,
            Some(None) => Ttl::Forever,
            Some(Some(at)) => {
                let left = at.saturating_sub(time.up());
                // Idle time is counted from a little after the access.
                Ttl::Left(Duration::from_millis(left.min(core.idle.unwrap_or(left))))
            }
        }
    }

    /// Lets an entry expire after `ttl` from now; `false` if there is none. (Redis: `PEXPIRE`.)
    ///
    /// ```
    /// use larder::Cache;
    /// use std::time::{Duration, SystemTime};
    ///
    /// let cache = Cache::<&str, u32>::new(100);
    /// cache.insert("a", 1);
    /// assert!(cache.expire("a", Duration::ZERO));
    /// assert_eq!(cache.get("a"), None);
    /// assert!(!cache.expire("a", Duration::from_secs(60)));
    /// ```
    ///
    /// # Cost
    ///
    /// O(1); one stripe's lock for writing; a clock reading. A later deadline reuses the timer of the earlier one.
    #[doc(alias = "PEXPIRE")]
    pub fn expire<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q, ttl: Duration) -> bool {
        let core = &*self.core;
        let life = core.life_for(ttl);
        core.change_life((key, core.hash(key)), &life, |world, entry| {
            core.set_life(world, entry, &life);
        })
    }

    /// Lets an entry expire at a moment of the wall clock; `false` if there is none. (Redis: `PEXPIREAT`.)
    ///
    /// The wall clock is compared with the cache's [`Clock`](crate::Clock) once, when that is made: a later change of the
    /// system's time does not move deadlines.
    ///
    /// ```
    /// use larder::Cache;
    /// use std::time::{Duration, SystemTime};
    ///
    /// let cache = Cache::<&str, u32>::new(100);
    /// cache.insert("a", 1);
    /// assert!(cache.expire_at("a", SystemTime::now() + Duration::from_secs(60)));
    /// assert_eq!(cache.get("a"), Some(1));
    /// assert!(cache.expire_at("a", SystemTime::UNIX_EPOCH));
    /// assert_eq!(cache.get("a"), None);
    /// ```
    ///
    /// # Cost
    ///
    /// As [`expire`](Cache::expire).
    #[doc(alias("EXPIREAT", "PEXPIREAT"))]
    pub fn expire_at<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q, moment: SystemTime) -> bool {
        let core = &*self.core;
        let deadline = Some(core.clock.at(moment));
        let time = core.present();
        let life = Life {
            now: Some(core.access_time(&time)),
            deadline,
            fresh_until: deadline,
            time,
        };
        core.change_life((key, core.hash(key)), &life, |world, entry| {
            world.shard.entries.set_deadline(entry, life.deadline);
        })
    }

    /// Takes an entry's deadline away; `false` if there is no entry. Idle time goes on counting. (Redis: `PERSIST`.)
    ///
    /// ```
    /// use larder::{Cache, Ttl};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let cache = Cache::<&str, u32>::new(100);
    /// cache.insert_with_ttl("a", 1, Duration::from_secs(60));
    /// assert!(cache.persist("a"));
    /// assert_eq!(cache.ttl("a"), Ttl::Forever);
    /// ```
    ///
    /// # Cost
    ///
    /// O(1); one stripe's lock for writing; no allocation.
    #[doc(alias = "PERSIST")]
    pub fn persist<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> bool {
        let core = &*self.core;
        let life = Life::endless(core.clock.present());
        core.change_life((key, core.hash(key)), &life, |world, entry| {
            core.set_life(world, entry, &life);
        })
    }

    /// Starts an entry's life anew, as if its value had just been inserted: time to live, idle time and use; `false` if
    /// there is no entry.
    ///
    /// In a cache without a time to live, a deadline of the entry's own stays as it is.
    ///
    /// ```
    /// use larder::{Cache, ManualClock};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let time = ManualClock::new();
    /// let cache: Cache<&str, u32> =
    ///     Cache::builder().max_entries(9).ttl(Duration::from_secs(10)).clock(time.clock()).build()?;
    /// cache.insert("a", 1);
    /// time.advance(Duration::from_secs(9));
    /// assert!(cache.touch("a"));
    /// time.advance(Duration::from_secs(9));
    /// assert_eq!(cache.get("a"), Some(1));
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1); one stripe's lock for writing; no allocation.
    #[doc(alias = "TOUCH")]
    pub fn touch<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> bool {
        let core = &*self.core;
        let life = core.life();
        let hash = core.hash(key);
        core.change_life((key, hash), &life, |world, entry| {
            if life.deadline.is_some() {
                core.set_life(world, entry, &life);
            }
            if let Some(now) = life.now {
                world.shard.entries.note_access(entry, now);
            }
            if let Some((slot, _)) = world.table.find(low_bits(hash), |other| other == entry) {
                world.touch(slot, entry);
            }
        })
    }
}
