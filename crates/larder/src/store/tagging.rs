//! `Tagging`: which keys have tags, and taking out those of a tag that was invalidated.
//!
//! ```text
//! invalidate   one write in the registry of tags; no store is told
//! any call     an invalidation since the last sweep? no -> nothing more
//!                                                    yes -> has this key a stamp that is no longer valid? -> removed first
//! upkeep       sweeps the stamps: keys of invalidated tags are removed; then "since the last sweep" begins anew
//! ```
//!
//! Stamps stand beside the keys, in a map of their own, so a record knows nothing of tags and a store without tagged keys
//! pays one load per call. Between an invalidation and the end of the sweep a call pays a look into that map.
//!
//! Locks: a stripe's, then a shard's of the map; never the other way round. A stamp is judged, stored and dropped under
//! its shard's lock, so that the sweep meets it or it meets what the sweep was for.
//!
//! In a store with groups of prefixes every key has a stamp from its birth on, with the tags of its groups, which it keeps
//! under whatever other tags it is given.
//!
//! Tags belong to a key, whatever it holds, until it is invalidated, untagged, or found gone by the sweep: a shard that
//! has doubled since it was last cleared of such keys has them looked for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use ahash::RandomState;

use super::core::Core;
use super::group::{Key, hash_key};
use super::scan::{Cursor, ScanPage};
use super::scan_options::ScanOptions;
use super::seat::Seat;
use crate::prefixes::Prefixes;
use crate::reaper::AT_ONCE;
use crate::sync::{Mutex, MutexGuard};
use crate::tags::{Stamp, Tag, Tags};
use crate::time::Millis;

/// Shards of the map: with a million tagged keys the sweep holds a lock for some 20 µs.
const SHARDS: usize = 1024;
/// Shards that one step of upkeep sweeps.
const SWEEP_STEP: usize = 64;
/// From the end of a sweep to the beginning of the next: invalidations that follow each other closely share one.
const REST_MS: Millis = 100;
/// A smaller shard is not looked through for keys that are gone.
const LEAST_STALE: usize = 32;

/// The stamps of some keys.
struct Shard {
    stamps: HashMap<Box<[u8]>, Stamp>,
    /// With so many keys it is looked through for those that are gone.
    crowded_at: usize,
}

impl Default for Shard {
    fn default() -> Self {
        Shard {
            stamps: HashMap::new(),
            crowded_at: LEAST_STALE,
        }
    }
}

/// How far a sweep is.
#[derive(Default)]
struct Sweep {
    /// The next shard; 0 where none is under way.
    next: usize,
    /// The epoch that it will have reached.
    target: u64,
}

/// The tagged keys of a store; see the module's text.
pub(crate) struct Tagging {
    pub(super) tags: Tags,
    /// Groups of keys by their prefixes, if every key is in some.
    pub(super) prefixes: Option<Prefixes>,
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
    /// Stamps are in order up to this epoch of the tags.
    swept: AtomicU64,
    /// Held by who sweeps.
    sweep: Mutex<Sweep>,
    /// No sweep begins by itself before.
    rests_until: AtomicU64,
    /// Whether some shard is crowded.
    is_crowded: AtomicBool,
    /// Whether upkeep was asked for.
    is_asked: AtomicBool,
}

/// A store's tagging, made with its first tagged key, or with the store if all keys are.
#[derive(Default)]
pub(crate) struct Tagged {
    /// Chosen when the store was built.
    tags: Option<Tags>,
    pub(super) tagging: OnceLock<Arc<Tagging>>,
}

impl Tagged {
    pub(crate) fn by(tags: Option<Tags>, separator: Option<u8>) -> Self {
        let tagged = Tagged {
            tags,
            tagging: OnceLock::new(),
        };
        if let Some(separator) = separator {
            tagged.make(Some(Prefixes::new(separator)));
        }
        tagged
    }

    fn make(&self, prefixes: Option<Prefixes>) -> &Tagging {
        let tags = self.tags.as_ref().unwrap_or_else(|| Tags::shared());
        let make = || Arc::new(Tagging::new(tags.clone(), prefixes));
        self.tagging.get_or_init(make)
    }

    /// The tagging, made if no key had tags before.
    pub(super) fn get_or_make(&self) -> &Tagging {
        self.make(None)
    }

    /// The tagging, if keys are in groups.
    pub(crate) fn grouping(&self) -> Option<&Arc<Tagging>> {
        let tagging = self.tagging.get();
        tagging.filter(|tagging| tagging.prefixes.is_some())
    }

    /// The tagging, if stamps may be out of order.
    #[inline(always)]
    pub(crate) fn pending(&self) -> Option<&Tagging> {
        let tagging = self.tagging.get().map(|tagging| &**tagging);
        tagging.filter(|tagging| tagging.is_pending())
    }
}

impl Tagging {
    fn new(tags: Tags, prefixes: Option<Prefixes>) -> Self {
        Tagging {
            swept: AtomicU64::new(tags.epoch()),
            tags,
            prefixes,
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            sweep: Mutex::default(),
            rests_until: AtomicU64::new(0),
            is_crowded: AtomicBool::new(false),
            is_asked: AtomicBool::new(false),
        }
    }

    #[inline]
    fn is_pending(&self) -> bool {
        self.tags.epoch() > self.swept.load(Ordering::Acquire)
    }

    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    fn shard(&self, key: &[u8]) -> MutexGuard<'_, Shard> {
        self.shards[self.hasher.hash_one(key) as usize % SHARDS].lock()
    }

    /// Whether a key has a stamp that is not valid.
    pub(crate) fn is_invalid(&self, key: &[u8]) -> bool {
        let shard = self.shard(key);
        let stamp = shard.stamps.get(key);
        stamp.is_some_and(|stamp| !self.tags.is_valid(stamp))
    }

    /// Drops a key's stamp if it is not valid, and says so.
    fn take_invalid(&self, key: &[u8]) -> bool {
        let mut shard = self.shard(key);
        let is_invalid = (shard.stamps.get(key)).is_some_and(|stamp| !self.tags.is_valid(stamp));
        if is_invalid {
            shard.stamps.remove(key);
        }
        is_invalid
    }

    /// The tags of a key's groups.
    fn groups<'a>(&'a self, key: &'a [u8]) -> impl Iterator<Item = Tag> + 'a {
        let prefixes = self.prefixes.iter();
        prefixes.flat_map(|prefixes| prefixes.of_key(key))
    }

    /// Notes a key that has just come into being, under its stripe's lock. What it has of tags from before, it keeps.
    pub(crate) fn note_birth(&self, key: &[u8]) {
        let mut shard = self.shard(key);
        let held = shard.stamps.get(key);
        if held.is_none_or(|stamp| !self.tags.is_valid(stamp)) {
            let born = self.tags.stamp([]);
            self.note(&mut shard, key, born);
        }
    }

    /// Takes a key's tags away but those of its groups; whether it had any.
    pub(super) fn untag(&self, key: &[u8]) -> bool {
        let mut shard = self.shard(key);
        let Some(stamp) = shard.stamps.get_mut(key) else {
            return false;
        };
        let left = stamp.without_others(self.groups(key));
        match (left, &self.prefixes) {
            (None, _) => return false,
            (Some(_), None) => drop(shard.stamps.remove(key)),
            (Some(left), Some(_)) => *stamp = left,
        }
        true
    }

    /// Notes a stamp, in the place of another, under the shard's lock.
    fn note(&self, shard: &mut Shard, key: &[u8], stamp: Stamp) {
        let stamp = match &self.prefixes {
            Some(_) => stamp.with(self.groups(key)),
            None => stamp,
        };
        shard.stamps.insert(key.into(), stamp);
        if shard.stamps.len() >= shard.crowded_at {
            self.is_crowded.store(true, Ordering::Relaxed);
        }
    }

    /// Notes the stamp of the key in a seat, or removes the key if one of its tags was invalidated meanwhile, and says which.
    pub(super) fn note_or_expel(&self, seat: &mut Seat<'_, '_>, stamp: Stamp) -> bool {
        let key = seat.key();
        let mut shard = self.shard(key);
        let is_valid = self.tags.is_valid(&stamp);
        if is_valid {
            self.note(&mut shard, key, stamp);
        } else {
            shard.stamps.remove(key);
            seat.delete();
        }
        is_valid
    }

    /// Begins a sweep if none is under way and there is a reason; `false` if there is nothing to sweep.
    fn begin(&self, sweep: &mut Sweep, now: Millis) -> bool {
        if sweep.next > 0 {
            return true;
        }
        if now < self.rests_until.load(Ordering::Relaxed) {
            return false;
        }
        self.is_asked.store(false, Ordering::Relaxed);
        let is_crowded = self.is_crowded.swap(false, Ordering::Relaxed);
        // What is being noted just now is left to another sweep.
        let noted = self.tags.noted_epoch().filter(|_| self.is_pending());
        sweep.target = noted.unwrap_or(0);
        is_crowded || noted.is_some()
    }

    /// When a sweep may begin that is asked for or needed.
    fn next_sweep(&self) -> Option<Millis> {
        let is_wanted = self.is_pending() || self.is_crowded.load(Ordering::Relaxed);
        is_wanted.then(|| self.rests_until.load(Ordering::Relaxed))
    }

    /// The keys of a shard whose stamps are not valid; all of them if it is crowded, which is said too.
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    fn doubtful(&self, number: usize) -> (Vec<Box<[u8]>>, bool) {
        let shard = self.shards[number].lock();
        let is_crowded = shard.stamps.len() >= shard.crowded_at;
        let doubtful = |stamp: &Stamp| is_crowded || !self.tags.is_valid(stamp);
        let stamps = shard.stamps.iter();
        let keys = stamps
            .filter(|(_, stamp)| doubtful(stamp))
            .map(|(key, _)| key.clone());
        (keys.collect(), is_crowded)
    }

    /// Says when a shard that was cleared of keys that are gone will be crowded again.
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    fn set_crowded_at(&self, number: usize) {
        let mut shard = self.shards[number].lock();
        shard.crowded_at = (2 * shard.stamps.len()).max(LEAST_STALE);
        if shard.stamps.capacity() > 2 * shard.crowded_at {
            shard.stamps.shrink_to_fit();
        }
    }
}

impl Core {
    /// Removes a key whose tags were invalidated, before anything is done with it.
    #[cold]
    pub(crate) fn settle(&self, tagging: &Tagging, key: &[u8]) {
        if tagging.is_invalid(key) {
            self.expel(tagging, key);
        }
        if !self.watch.is_manual() && !tagging.is_asked.swap(true, Ordering::Relaxed) {
            self.watch.note(tagging.rests_until.load(Ordering::Relaxed));
        }
    }

    /// Keys of a page of the scan whose tags are valid.
    pub(crate) fn valid_page(&self, cursor: Cursor, options: &ScanOptions) -> ScanPage {
        let mut page = self.page(cursor, options);
        if let Some(tagging) = self.tagged.pending() {
            page.keys.retain(|key| !tagging.is_invalid(key));
        }
        page
    }

    /// Removes a key if its stamp is not valid, and its stamp if there is no such key.
    fn expel(&self, tagging: &Tagging, key: &[u8]) {
        let place = Key {
            bytes: key,
            hash: hash_key(&self.hasher, key),
        };
        let removed = self.write_at(place, &self.clock.present(), |seat| {
            if tagging.take_invalid(key) {
                seat.delete();
            } else if !seat.exists() {
                tagging.shard(key).stamps.remove(key);
            }
            Ok(())
        });
        debug_assert!(removed.is_ok(), "a removal takes no room");
    }

    /// Removes all keys whose tags were invalidated.
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    pub(crate) fn settle_all(&self) {
        if let Some(tagging) = self.tagged.pending() {
            let mut sweep = tagging.sweep.lock();
            // A sweep under way may be of an earlier invalidation.
            sweep.next = 0;
            while self.sweep_step(tagging, &mut sweep, Millis::MAX) == Some(AT_ONCE) {}
        }
    }

    /// One bounded step of the sweep, if it is not resting; when to go on: at once while one is under way.
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    pub(crate) fn sweep_tags(&self, now: Millis) -> Option<Millis> {
        let tagging = self.tagged.tagging.get()?;
        let mut sweep = tagging.sweep.try_lock()?;
        self.sweep_step(tagging, &mut sweep, now)
    }

    fn sweep_step(&self, tagging: &Tagging, sweep: &mut Sweep, now: Millis) -> Option<Millis> {
        if !tagging.begin(sweep, now) {
            return tagging.next_sweep();
        }
        for number in sweep.next..(sweep.next + SWEEP_STEP).min(SHARDS) {
            let (keys, is_crowded) = tagging.doubtful(number);
            for key in keys {
                self.expel(tagging, &key);
            }
            if is_crowded {
                tagging.set_crowded_at(number);
            }
        }
        sweep.next += SWEEP_STEP;
        if sweep.next < SHARDS {
            return Some(AT_ONCE);
        }
        sweep.next = 0;
        tagging.swept.fetch_max(sweep.target, Ordering::AcqRel);
        let rests_until = self.clock.now().saturating_add(REST_MS);
        tagging.rests_until.store(rests_until, Ordering::Relaxed);
        tagging.next_sweep()
    }
}

impl Core {
    /// How many keys have stamps.
    #[cfg(test)]
    #[expect(clippy::disallowed_methods, reason = "this file owns the locks")]
    pub(crate) fn tagged_keys(&self) -> usize {
        let tagging = self.tagged.get_or_make();
        let lens = tagging.shards.iter().map(|shard| shard.lock().stamps.len());
        lens.sum()
    }

    /// Has upkeep look for keys that are gone.
    pub(super) fn ask_for_sweep(&self, tagging: &Tagging) {
        if tagging.is_crowded.load(Ordering::Relaxed)
            && !self.watch.is_manual()
            && !tagging.is_asked.swap(true, Ordering::Relaxed)
        {
            self.watch.note(tagging.rests_until.load(Ordering::Relaxed));
        }
    }
}
