//! Many keys at once: each call sees or changes all of its keys as one.
//!
//! Writes lock the stripes of their keys together ([`Stripes::write_many`](crate::stripes::Stripes::write_many)) and
//! make room for all of them before they change one; where a stripe alone cannot, everything is let go, room for all
//! new entries is made anywhere, and it starts again. Reads take no lock and are repeated if such a write came between.

use std::ops::Range;

use super::core::{Core, Store};
use super::read::Seen;
use super::seat::{After, Seat};
use super::stored::Stored;
use super::strings::with_buffer;
use super::words::{Gone, Words};
use crate::bytes::{FromValue, Raw, ToValue};
use crate::error::Error;
use crate::shard::{Departed, NoRoom};
use crate::stats::Count;
use crate::stripes::{Worlds, low_bits};
use crate::time::Millis;

/// Keys whose buckets and records are fetched from memory together.
const BATCH: usize = 16;

/// A value that was copied: an integer, or a part of the texts.
enum Copied {
    Int(i64),
    Text(Range<usize>),
}

/// A key and the value that it is to have.
struct Planned<'a> {
    key: &'a [u8],
    hash: u64,
    value: Stored<'a>,
    /// The place of its stripe among those that are open.
    place: usize,
}

/// Several stripes open, and what is done once they are not.
struct Group<'g, 'w> {
    core: &'g Core,
    /// One moment for the whole call: nothing expires while it runs.
    now: Millis,
    worlds: &'g mut Worlds<'w, Words>,
    departed: &'g mut Departed<Gone>,
    after: &'g mut After,
}

impl Group<'_, '_> {
    /// Runs `work` on the seat of a key.
    fn seat<R>(&mut self, key: &[u8], hash: u64, work: impl FnOnce(&mut Seat<'_, '_>) -> R) -> R {
        let place = self.worlds.place(hash);
        let mut world = self.worlds.open(place);
        let passed = |at| at <= self.now;
        work(&mut Seat::open(
            &mut world,
            self.departed,
            self.after,
            key,
            low_bits(hash),
            passed,
        ))
    }

    /// By how much an entry that is to be written weighs more than the present one.
    fn growth(&mut self, planned: &Planned<'_>) -> u64 {
        self.seat(planned.key, planned.hash, |seat| {
            seat.weight_with(&planned.value, None)
                .saturating_sub(seat.weight())
        })
    }

    /// Makes room in a stripe for what is planned there; says how much. What is evicted may be about to be
    /// overwritten, so the sum is taken again until it holds.
    fn make_room(&mut self, plan: &[Planned<'_>]) -> Result<u64, NoRoom> {
        let mut made = 0;
        loop {
            let need: u64 = plan.iter().map(|planned| self.growth(planned)).sum();
            if need <= made {
                return Ok(made);
            }
            let mut world = self.worlds.open(plan[0].place);
            if let Err(NoRoom) = world.make_room(need - made, None, self.departed) {
                world.return_room(made);
                return Err(NoRoom);
            }
            made = need;
        }
    }

    /// Makes room for a plan, sorted by stripe; says how much in each.
    fn make_all_room(&mut self, plan: &[Planned<'_>]) -> Result<Vec<u64>, NoRoom> {
        let mut made = Vec::with_capacity(self.worlds.len());
        for part in plan.chunk_by(|a, b| a.place == b.place) {
            match self.make_room(part) {
                Ok(room) => made.push(room),
                Err(NoRoom) => {
                    for (part, room) in plan.chunk_by(|a, b| a.place == b.place).zip(made) {
                        self.worlds.open(part[0].place).return_room(room);
                    }
                    self.departed.lacking = self.full_weight(plan);
                    return Err(NoRoom);
                }
            }
        }
        Ok(made)
    }

    /// What the planned entries will weigh, whatever is there now.
    fn full_weight(&mut self, plan: &[Planned<'_>]) -> u64 {
        plan.iter()
            .map(
                |Planned {
                     key, value, place, ..
                 }| {
                    let world = self.worlds.open(*place);
                    world.shard.entries.weight_of(key, value, None)
                },
            )
            .sum()
    }

    /// Writes a plan, sorted by stripe. `room` was taken from the budget for all of it, or is zero.
    fn write(&mut self, plan: &mut [Planned<'_>], room: u64) -> Result<(), NoRoom> {
        for planned in &mut *plan {
            planned.place = self.worlds.place(planned.hash);
        }
        if room > 0 {
            let mut rest = room;
            for part in plan.chunk_by(|a, b| a.place == b.place) {
                let share = self.full_weight(part).min(rest);
                self.write_part(part, share)?;
                rest -= share;
            }
            self.core.stripes.budget.give(rest);
            return Ok(());
        }
        if self.full_weight(plan) > self.core.stripes.budget.limit() {
            return Err(NoRoom);
        }
        let made = self.make_all_room(plan)?;
        for (part, room) in plan.chunk_by(|a, b| a.place == b.place).zip(made) {
            self.write_part(part, room)?;
        }
        Ok(())
    }

    /// Writes what is planned in one stripe, with room that was made for it.
    fn write_part(&mut self, part: &[Planned<'_>], mut room: u64) -> Result<(), NoRoom> {
        for planned in part {
            let more = self.growth(planned);
            debug_assert!(more <= room, "room was made for every entry");
            room = room.saturating_sub(more);
            self.seat(planned.key, planned.hash, |seat| {
                seat.place(&planned.value, None)
            })?;
        }
        self.worlds.open(part[0].place).return_room(room);
        Ok(())
    }
}

impl Core {
    /// Runs `work` on the stripes of these hashes, locked together; with it comes room that was taken from the budget.
    fn write_many<R>(
        &self,
        hashes: impl Iterator<Item = u64>,
        mut work: impl FnMut(&mut Group<'_, '_>, u64) -> Result<R, NoRoom>,
    ) -> Result<R, NoRoom> {
        let (mut after, now) = (After::default(), self.clock.fine_now());
        let (result, departed) = self.stripes.write_many(hashes, |worlds, departed, room| {
            work(
                &mut Group {
                    core: self,
                    now,
                    worlds,
                    departed,
                    after: &mut after,
                },
                room,
            )
        });
        self.conclude(departed, &after);
        result
    }

    /// Runs `work` on the seats of two keys whose stripes are locked together, one after the other.
    pub(crate) fn write_two<R>(
        &self,
        keys: [&[u8]; 2],
        mut work: impl FnMut(&mut Pair<'_, '_, '_>) -> Result<R, NoRoom>,
    ) -> Result<R, NoRoom> {
        let hashes = keys.map(|key| self.hash(key));
        self.write_many(hashes.into_iter(), |group, room| {
            let mut pair = Pair {
                group,
                keys,
                hashes,
            };
            if room > 0 {
                pair.with(1, |seat| seat.world.receive(room));
            }
            let result = work(&mut pair);
            if room > 0 {
                pair.with(1, |seat| seat.world.return_room(0));
            }
            result
        })
    }

    /// Sets what is planned if `guard` agrees; the last of several values for a key counts.
    fn set_all(
        &self,
        pairs: &[(&[u8], Raw<'_>)],
        mut guard: impl FnMut(&mut Group<'_, '_>, &[Planned<'_>]) -> bool,
    ) -> Result<bool, Error> {
        let mut planned: Vec<_> = pairs
            .iter()
            .map(|(key, raw)| Planned {
                key,
                hash: self.hash(key),
                value: Stored::new(raw),
                place: 0,
            })
            .collect();
        // Stable, so that of equal keys the last stays last; the stripe is in the upper bits.
        planned.reverse();
        planned.sort_by(|a, b| (a.hash, a.key).cmp(&(b.hash, b.key)));
        planned.dedup_by(|later, first| later.key == first.key);
        let hashes: Vec<u64> = planned.iter().map(|planned| planned.hash).collect();
        let done = self.write_many(hashes.into_iter(), |group, room| {
            if !guard(group, &planned) {
                group.core.stripes.budget.give(room);
                return Ok(false);
            }
            group.write(&mut planned, room)?;
            Ok(true)
        });
        done.map_err(|NoRoom| Error::TooLarge)
    }
}

/// Two keys whose stripes are locked together.
pub(crate) struct Pair<'p, 'g, 'w> {
    group: &'p mut Group<'g, 'w>,
    keys: [&'p [u8]; 2],
    hashes: [u64; 2],
}

impl Pair<'_, '_, '_> {
    /// Whether both keys are in one stripe.
    pub(crate) fn are_neighbours(&self) -> bool {
        self.group.worlds.len() == 1
    }

    /// Runs `work` on the seat of the first or second key.
    pub(crate) fn with<R>(&mut self, which: usize, work: impl FnOnce(&mut Seat<'_, '_>) -> R) -> R {
        self.group.seat(self.keys[which], self.hashes[which], work)
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
        // What a value converts to is the caller's code: it runs on a copy, when nothing is held.
        let (texts, copies) = core
            .stripes
            .observe(&hashes, || core.copy_all(&keys, &hashes));
        let hits = copies.iter().flatten().count();
        core.counters.add(Count::Hits, hits as u64);
        core.counters
            .add(Count::Misses, (copies.len() - hits) as u64);
        let convert = |copy: Option<Copied>| {
            Ok(match copy {
                None => None,
                Some(Copied::Int(int)) => Some(T::from_int(int)?),
                Some(Copied::Text(range)) => Some(T::from_value(&texts[range])?),
            })
        };
        copies.into_iter().map(convert).collect()
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
        self.core.set_all(&raws(&pairs), |_, _| true).map(drop)
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
        self.core.set_all(&raws(&pairs), |group, plan| {
            !plan
                .iter()
                .any(|planned| group.seat(planned.key, planned.hash, |seat| seat.exists()))
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
        let hashes: Vec<u64> = keys
            .iter()
            .map(|key| self.core.hash(key.as_ref()))
            .collect();
        let removed = self.core.write_many(hashes.iter().copied(), |group, room| {
            group.core.stripes.budget.give(room);
            let each = keys.iter().zip(&hashes);
            Ok(each
                .filter(|(key, hash)| group.seat(key.as_ref(), **hash, |seat| seat.remove()))
                .count())
        });
        removed.unwrap_or(0)
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
            keys.iter()
                .filter(|key| core.deadline(key.as_ref()).is_some())
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
            stripe.table.look(low_bits(*hash), |entry| {
                if let Some(words) = stripe.shared.words(entry) {
                    crate::ds::approach(&words[0]);
                }
                None::<()>
            });
        }
    }

    /// Copies the values of keys; texts one behind the other.
    fn copy_all(
        &self,
        keys: &[impl AsRef<[u8]>],
        hashes: &[u64],
    ) -> (Vec<u8>, Vec<Option<Copied>>) {
        let (mut texts, mut copies) = (Vec::new(), Vec::with_capacity(keys.len()));
        with_buffer(|buffer| {
            for (keys, hashes) in keys.chunks(BATCH).zip(hashes.chunks(BATCH)) {
                self.approach(hashes);
                for key in keys {
                    let found = self.read(key.as_ref(), |seen| match seen {
                        Seen::Int(int) => Some(int),
                        other => {
                            other.copy_into(buffer);
                            None
                        }
                    });
                    // A value that is no string counts as none.
                    copies.push(found.unwrap_or(None).map(|int| match int {
                        Some(int) => Copied::Int(int),
                        None => {
                            let start = texts.len();
                            texts.extend_from_slice(buffer);
                            Copied::Text(start..texts.len())
                        }
                    }));
                }
            }
        });
        (texts, copies)
    }
}
