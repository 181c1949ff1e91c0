//! Many keys at once: each call sees or changes all of its keys as one.
//!
//! Writes lock the stripes of their keys together ([`Stripes::write_many`](crate::stripes::Stripes::write_many)) and
//! make room for all of them before they change one; where a stripe alone cannot, everything is let go, room for all
//! new entries is made anywhere, and it starts again. Reads take no lock and are repeated if such a write came between.

use std::ops::Range;

use super::core::{Core, Store};
use super::group::{Group, Key};
use super::read::Seen;
use super::site::Site;
use super::stored::Stored;
use super::strings::with_buffer;
use crate::bytes::{FromValue, Raw, ToValue};
use crate::ds::table::Glance;
use crate::error::Error;
use crate::event::KeyEvent;
use crate::key::KeyType;
use crate::shard::NoRoom;
use crate::stats::Count;
use crate::stripes::low_bits;

/// Keys whose buckets and records are fetched from memory together.
const BATCH: usize = 16;

/// A value that was copied: an integer, or a part of the texts.
enum Copied {
    Int(i64),
    Text(Range<usize>),
}

/// A key and the value that it is to have.
struct Planned<'a> {
    key: Key<'a>,
    value: Stored<'a>,
    /// Its place among the arguments, in which order it is told of.
    nth: usize,
}

/// A key that was named before: the place of that argument, and that of the last one of this key, which is planned.
type Repeat = (usize, usize);

/// Tells also of the arguments that later ones of the same key replace. A key's first tells what its last one did, each
/// other the setting alone.
fn tell_repeats(told: &mut Vec<(usize, Vec<KeyEvent>)>, repeats: &[Repeat]) {
    let mut earlier = Vec::new();
    // The repeats of a key stand from the last to the first.
    for (nth, last) in repeats.iter().rev() {
        if let Ok(at) = told.binary_search_by_key(last, |(nth, _)| *nth) {
            let set: Vec<_> = told[at].1.last().cloned().into_iter().collect();
            earlier.push((*nth, std::mem::replace(&mut told[at].1, set)));
        }
    }
    told.append(&mut earlier);
    told.sort_unstable_by_key(|(nth, _)| *nth);
}

impl Group<'_> {
    /// By how much an entry that is to be written weighs more than the present one.
    fn growth(&mut self, planned: &Planned<'_>) -> u64 {
        self.seat(planned.key, |seat| {
            seat.weight_with(&planned.value, None)
                .saturating_sub(seat.weight())
        })
    }

    /// Makes room in a stripe for what is planned there; says how much. What is evicted may be about to be
    /// overwritten, so the sum is taken again until it holds.
    fn make_room(&mut self, part: &[Planned<'_>]) -> Result<u64, NoRoom> {
        let place = self.worlds.place(part[0].key.hash);
        let mut made = 0;
        loop {
            let need: u64 = part.iter().map(|planned| self.growth(planned)).sum();
            if need <= made {
                return Ok(made);
            }
            let room = self.world(place, |world, departed| {
                world.make_room(need - made, None, departed)
            });
            if let Err(NoRoom) = room {
                self.spare += made;
                return Err(NoRoom);
            }
            made = need;
        }
    }

    /// Makes room for a plan, sorted by stripe.
    fn reserve(&mut self, plan: &[Planned<'_>]) -> Result<(), NoRoom> {
        let full = self.full_weight(plan);
        if full > self.core.stripes.budget.largest() {
            return Err(NoRoom);
        }
        let mut reserved = 0;
        let worlds = |a: &Planned<'_>, b: &Planned<'_>| a.key.hash >> 32 == b.key.hash >> 32;
        for part in plan.chunk_by(worlds) {
            match self.make_room(part) {
                Ok(room) => reserved += room,
                Err(NoRoom) => {
                    self.spare += reserved;
                    self.departed.lacking = full;
                    return Err(NoRoom);
                }
            }
        }
        self.spare += reserved;
        Ok(())
    }

    /// What the planned entries will weigh, whatever is there now.
    fn full_weight(&mut self, plan: &[Planned<'_>]) -> u64 {
        let weights = plan.iter().map(|Planned { key, value, .. }| {
            self.seat(*key, |seat| seat.weight_with(value, None))
        });
        weights.sum()
    }

    /// Sets what is planned, sorted by stripe.
    fn set_all(&mut self, plan: &[Planned<'_>], repeats: &[Repeat]) -> Result<(), NoRoom> {
        self.reserve(plan)?;
        let mut told = Vec::new();
        for planned in plan {
            let before = self.after.events.len();
            self.seat(planned.key, |seat| seat.assign_until(&planned.value, None))?;
            if self.after.events.len() > before {
                told.push((planned.nth, self.after.events.split_off(before)));
            }
        }
        told.sort_unstable_by_key(|(nth, _)| *nth);
        if !repeats.is_empty() && !told.is_empty() {
            tell_repeats(&mut told, repeats);
        }
        let events = told.into_iter().flat_map(|(_, events)| events);
        self.after.events.extend(events);
        Ok(())
    }
}

impl Site<'_> {
    /// Removes keys; says how many there were.
    pub(crate) fn remove_many(self, keys: &[impl AsRef<[u8]>]) -> usize {
        let keys: Vec<_> = keys.iter().map(|key| self.key(key.as_ref())).collect();
        let removed = self.write_many(&keys, |group| {
            let there = |key: &&Key<'_>| group.seat(**key, |seat| seat.delete());
            Ok(keys.iter().filter(there).count())
        });
        removed.unwrap_or(0)
    }

    /// Sets what is planned if `guard` agrees; the last of several values for a key counts.
    fn set_all(
        self,
        pairs: &[(&[u8], Raw<'_>)],
        mut guard: impl FnMut(&mut Group<'_>, &[Planned<'_>]) -> bool,
    ) -> Result<bool, Error> {
        let mut plan: Vec<_> = pairs
            .iter()
            .enumerate()
            .map(|(nth, (key, raw))| Planned {
                key: self.key(key),
                value: Stored::new(raw),
                nth,
            })
            .collect();
        // Stable, so that of equal keys the last stays last; the stripe is in the upper bits.
        plan.reverse();
        plan.sort_by(|a, b| (a.key.hash, a.key.bytes).cmp(&(b.key.hash, b.key.bytes)));
        let mut repeats = Vec::new();
        plan.dedup_by(|earlier, last| {
            let again = earlier.key.bytes == last.key.bytes;
            if again {
                repeats.push((earlier.nth, last.nth));
            }
            again
        });
        let keys: Vec<_> = plan.iter().map(|planned| planned.key).collect();
        self.write_many(&keys, |group| {
            let agreed = guard(group, &plan);
            if agreed {
                group.set_all(&plan, &repeats)?;
            }
            Ok(agreed)
        })
    }
}

impl Store {
    /// Reads several values as one.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_many([("a", 1), ("b", 2)])?;
    /// assert_eq!(store.get_many::<i64>(["a", "none", "b"])?, [Some(1), None, Some(2)]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(values), no lock as for [`Store::get`]; memory is fetched for 16 keys at a time, so a batch takes less time
    /// than single reads.
    ///
    /// # Consistency
    ///
    /// No other call that changes several keys is half seen. Calls that change one key may fall in between.
    ///
    /// # Errors
    ///
    /// [`Error::Convert`] if a value is not a `T`.
    #[doc(alias = "MGET")]
    pub fn get_many<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Vec<Option<T>>, Error> {
        let core = &*self.core;
        let keys: Vec<_> = keys.into_iter().collect();
        let hashes: Vec<u64> = keys.iter().map(|key| core.hash(key.as_ref())).collect();
        with_buffer(|texts| {
            let observed = || core.copy_all(&keys, &hashes, texts);
            let copies = core.stripes.observe(&hashes, observed);
            let hits = copies.iter().flatten().count();
            core.counters.add(Count::Hits, hits as u64);
            core.counters
                .add(Count::Misses, (copies.len() - hits) as u64);
            // What a value converts to is the caller's code: it runs on a copy, when nothing is held.
            let mut values = Vec::with_capacity(copies.len());
            for copy in copies {
                values.push(match copy {
                    None => None,
                    Some(Copied::Int(int)) => Some(T::from_int(int)?),
                    Some(Copied::Text(range)) => Some(T::from_value(&texts[range])?),
                });
            }
            Ok(values)
        })
    }

    /// Sets several values as one; of several for one key, the last counts. Deadlines are cleared.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_many([("a", "1"), ("b", "2"), ("a", "3")])?;
    /// assert_eq!(store.get::<i64>("a")?, Some(3));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(values); the locks of all their stripes.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if the entries do not fit the store's bound together; then nothing has changed.
    #[doc(alias = "MSET")]
    pub fn set_many<K: AsRef<[u8]>, V: ToValue>(
        &self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), Error> {
        let pairs: Vec<(K, V)> = pairs.into_iter().collect();
        self.site().set_all(&raws(&pairs), |_, _| true).map(drop)
    }

    /// Sets several values if none of the keys exists; `false`, and nothing set, if one does.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert!(store.set_many_if_absent([("a", 1), ("b", 2)])?);
    /// assert!(!store.set_many_if_absent([("b", 3), ("c", 4)])?);
    /// assert!(!store.exists("c"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::set_many`].
    ///
    /// # Errors
    ///
    /// As [`Store::set_many`].
    #[doc(alias = "MSETNX")]
    pub fn set_many_if_absent<K: AsRef<[u8]>, V: ToValue>(
        &self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<bool, Error> {
        let pairs: Vec<(K, V)> = pairs.into_iter().collect();
        self.site().set_all(&raws(&pairs), |group, plan| {
            !plan
                .iter()
                .any(|planned| group.seat(planned.key, |seat| seat.exists()))
        })
    }

    /// Removes several keys as one; returns how many there were.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_many([("a", 1), ("b", 2)])?;
    /// assert_eq!(store.remove_many(["a", "a", "b", "none"]), 2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(keys); the locks of all their stripes. Large values are freed after the unlock.
    #[doc(alias("DEL", "UNLINK"))]
    pub fn remove_many(&self, keys: impl IntoIterator<Item = impl AsRef<[u8]>>) -> usize {
        let keys: Vec<_> = keys.into_iter().collect();
        self.site().remove_many(&keys)
    }

    /// Counts how many of these keys exist; a key that is named twice counts twice.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("a", 1)?;
    /// assert_eq!(store.exists_many(["a", "a", "b"]), 2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(keys), no lock.
    ///
    /// # Consistency
    ///
    /// As [`Store::get_many`].
    #[doc(alias = "EXISTS")]
    #[must_use]
    pub fn exists_many(&self, keys: impl IntoIterator<Item = impl AsRef<[u8]>>) -> usize {
        let core = &*self.core;
        let keys: Vec<_> = keys.into_iter().collect();
        let hashes: Vec<u64> = keys.iter().map(|key| core.hash(key.as_ref())).collect();
        core.stripes.observe(&hashes, || {
            let time = core.clock.present();
            keys.iter()
                .filter(|key| core.deadline(key.as_ref(), &time).is_some())
                .count()
        })
    }
}

/// The pairs in the form in which they are stored.
fn raws<K: AsRef<[u8]>, V: ToValue>(pairs: &[(K, V)]) -> Vec<(&[u8], Raw<'_>)> {
    pairs
        .iter()
        .map(|(key, value)| (key.as_ref(), value.to_value()))
        .collect()
}

impl Core {
    /// Brings the buckets, then the records of a few keys near, so that their cache misses overlap.
    fn approach(&self, hashes: &[u64]) {
        for hash in hashes {
            self.stripes.of(*hash).table.approach(low_bits(*hash));
        }
        for hash in hashes {
            let stripe = self.stripes.of(*hash);
            // What is seen may be gone already: it is not read.
            if let Glance::Seen(seen) = stripe.table.glance(low_bits(*hash))
                && let Some(words) = stripe.shared.words(seen.reference())
                && let Some(first) = words.first()
            {
                crate::ds::approach(first);
            }
        }
    }

    /// Copies the values of keys; texts one behind the other.
    fn copy_all(
        &self,
        keys: &[impl AsRef<[u8]>],
        hashes: &[u64],
        texts: &mut Vec<u8>,
    ) -> Vec<Option<Copied>> {
        let mut copies = Vec::with_capacity(keys.len());
        let time = self.clock.present();
        let mut end = 0;
        for (keys, hashes) in keys.chunks(BATCH).zip(hashes.chunks(BATCH)) {
            self.approach(hashes);
            for (key, hash) in keys.iter().zip(hashes) {
                let key = Key {
                    bytes: key.as_ref(),
                    hash: *hash,
                };
                let mut copy = |seen: Seen<'_>| match seen {
                    Seen::Int(int) => Copied::Int(int),
                    other => Copied::Text(end..other.copy_behind(texts, end)),
                };
                let found = match self.read_plain(key, &mut copy) {
                    Some(read) => Ok(read),
                    None => self.read_as(key, KeyType::String, &time, copy),
                };
                if let Ok(Some(Copied::Text(text))) = &found {
                    end = text.end;
                }
                // A value that is no string counts as none.
                copies.push(found.unwrap_or(None));
            }
        }
        copies
    }
}
