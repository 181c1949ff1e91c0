//! `Group`: several stripes, held by one call that changes or reads their keys as one.
//!
//! ```text
//! write_many ── lock the stripes, ascending ── work on seats ── unlock ── drop, count, plan upkeep
//!                  ^                               │ no room
//!                  └── make room in any stripe ────┘
//! ```
//!
//! Room that one seat gives up or others made is kept by the group until its end, whichever stripe it came from: the
//! next seat may need it.

use std::hash::{BuildHasher, Hasher};

use ahash::RandomState;

use super::core::Core;
use super::outside::Gone;
use super::read::Seen;
use super::seat::{After, Refusal, Seat};
use super::strings::with_buffer;
use super::take::Service;
use super::undo::Undo;
use super::waiting::Place;
use super::wish::Waiter;
use super::words::Words;
use crate::entry::Entries;
use crate::error::Error;
use crate::event::EventKind;
use crate::shard::{Departed, NoRoom, World};
use crate::stripes::{Peek, Worlds, low_bits};
use crate::time::{Millis, Present};
use crate::value::Variant;

/// The hash of a key. Its length goes into it by way of the hasher's `write`.
#[inline(always)]
pub(crate) fn hash_key(hasher: &RandomState, key: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(key);
    hasher.finish()
}

/// A key with its hash.
#[derive(Clone, Copy)]
pub(crate) struct Key<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) hash: u64,
}

/// A key that was named, with its hash before it.
pub(crate) type Name = (u64, Vec<u8>);

impl<'a> Key<'a> {
    pub(crate) fn of((hash, bytes): &'a Name) -> Self {
        Key { bytes, hash: *hash }
    }
}

/// See the module's text.
pub(crate) struct Group<'w> {
    pub(crate) core: &'w Core,
    /// One moment for the whole call: nothing expires while it runs. Exact.
    pub(crate) time: Present<'w>,
    pub(crate) worlds: Worlds<'w, Words>,
    pub(crate) departed: Departed<Gone>,
    pub(crate) after: After,
    /// Room that was made and not used yet.
    pub(crate) spare: u64,
    /// What is needed to take changes back, in a transaction.
    pub(crate) undo: Option<Undo>,
}

impl<'w> Group<'w> {
    pub(crate) fn new(core: &'w Core, time: Present<'w>, worlds: Worlds<'w, Words>) -> Self {
        Group {
            core,
            time,
            worlds,
            departed: Departed::default(),
            after: After {
                wanted: core.wanted_under_lock(),
                ..After::new(false)
            },
            spare: 0,
            undo: None,
        }
    }

    /// Runs `work` on the world of the stripe at a place, which has the group's room.
    pub(crate) fn world<R>(
        &mut self,
        place: usize,
        work: impl FnOnce(&mut World<'_, Words>, &mut Departed<Gone>) -> R,
    ) -> R {
        let mut world = self.worlds.open(place);
        world.hoard(std::mem::take(&mut self.spare));
        let result = work(&mut world, &mut self.departed);
        self.spare = world.hand_over();
        result
    }

    /// Runs `work` on the seat of a key whose stripe is held.
    pub(crate) fn seat<R>(&mut self, key: Key<'_>, work: impl FnOnce(&mut Seat<'_, '_>) -> R) -> R {
        self.after.observed = self.core.is_observed(key.hash);
        let mut world = self.worlds.open(self.worlds.place(key.hash));
        world.hoard(std::mem::take(&mut self.spare));
        let passed = |at| self.time.has_passed(at);
        let mut seat = Seat::open(
            &mut world,
            &mut self.departed,
            &mut self.after,
            key.bytes,
            low_bits(key.hash),
            passed,
        );
        if let Some(undo) = &mut self.undo {
            if !undo.has(key) {
                undo.push(seat.note(key.hash));
            }
            seat.undo = Some(undo);
        }
        let result = work(&mut seat);
        self.spare = world.hand_over();
        result
    }

    /// Puts a new value, which was made from those of other keys, in the place of whatever a key holds. Where it would not
    /// fit the bound beside them it is refused: else they might be evicted for what is made from them.
    pub(crate) fn overwrite_from<C: Variant>(
        &mut self,
        to: Key<'_>,
        sources: &[Key<'_>],
        kind: EventKind,
        value: C,
    ) -> Result<(), Refusal> {
        let weight = self.seat(to, |seat| seat.weight_of(&value));
        self.check_beside(to, sources, weight)?;
        self.seat(to, |seat| seat.overwrite(kind, value))
    }

    /// An error if a key's new value of this weight would not fit the bound beside other keys.
    pub(crate) fn check_beside(
        &mut self,
        to: Key<'_>,
        sources: &[Key<'_>],
        weight: u64,
    ) -> Result<(), Error> {
        let mut all = weight;
        for (nth, source) in sources.iter().enumerate() {
            let earlier = [to].into_iter().chain(sources[..nth].iter().copied());
            if earlier.map(|key| key.bytes).all(|key| key != source.bytes) {
                // It counts as used: whoever evicts for the new value takes others first.
                let held = self.seat(*source, |seat| {
                    seat.touch();
                    seat.weight()
                });
                all = all.saturating_add(held);
            }
        }
        if all > self.core.stripes.budget.largest() {
            return Err(Error::TooLarge);
        }
        Ok(())
    }

    /// Runs `work`; again, with more room, where there was too little and others that nobody holds can make some.
    pub(crate) fn insist<R>(
        &mut self,
        mut work: impl FnMut(&mut Group<'_>) -> Result<R, Refusal>,
    ) -> Result<R, Error> {
        loop {
            match work(self) {
                Ok(result) => return Ok(result),
                Err(Refusal::Error(error)) => return Err(error),
                Err(Refusal::NoRoom) => {
                    let lacking = std::mem::take(&mut self.departed.lacking);
                    let stripes = &self.core.stripes;
                    if lacking == 0 || !stripes.relieve_holder(lacking, &mut self.departed) {
                        return Err(Error::TooLarge);
                    }
                    self.spare += lacking;
                }
            }
        }
    }

    /// What may be read of the keys whose stripes are held.
    pub(crate) fn views(&self) -> Views<'_> {
        Views {
            stripes: &self.worlds,
            time: &self.time,
        }
    }
}

/// Values that are read together; their stripes are held.
#[derive(Clone, Copy)]
pub(crate) struct Views<'v> {
    stripes: &'v dyn Peek<Words>,
    /// Exact.
    pub(crate) time: &'v Present<'v>,
}

/// A value with elements, to be read: where it stands, or as a copy of its record.
pub(crate) enum View<'v, C> {
    Outside(&'v C),
    Copied(C),
}

impl<C> std::ops::Deref for View<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        match self {
            View::Outside(value) => value,
            View::Copied(value) => value,
        }
    }
}

impl<'v> Views<'v> {
    /// The entry of a key that has not expired.
    fn find(
        self,
        key: Key<'_>,
    ) -> Option<(&'v Words, &'v <Words as Entries>::Shared, crate::ds::Ref)> {
        let (table, pages, shard) = self.stripes.peek(key.hash)?;
        let words = &shard.entries;
        let entry = table.hit(low_bits(key.hash), |entry| {
            words.has_key(pages, entry, key.bytes).then_some(entry)
        })?;
        let deadline = words.deadline(pages, entry);
        let passed = deadline.is_some_and(|at| self.time.has_passed(at));
        (!passed).then_some((words, pages, entry))
    }

    /// The value of a key, if it has one.
    pub(crate) fn get<C: Variant>(self, key: Key<'_>) -> Result<Option<View<'v, C>>, Error> {
        let Some((words, pages, entry)) = self.find(key) else {
            return Ok(None);
        };
        if words.key_type(pages, entry) != C::TYPE {
            return Err(Error::WrongType);
        }
        if let Some(any) = words.elements(pages, entry) {
            return Ok(C::of(any).map(View::Outside));
        }
        let mut packed = Vec::new();
        words.packed_into(pages, entry, &mut packed);
        Ok(Some(View::Copied(C::unpack(packed))))
    }

    /// Runs `work` on the value of a key as it is stored.
    pub(crate) fn with<R>(
        self,
        key: Key<'_>,
        work: impl FnOnce(super::stored::Stored<'_>) -> R,
    ) -> Option<R> {
        let (words, pages, entry) = self.find(key)?;
        Some(words.with_value(pages, entry, work))
    }

    /// The deadline of a key, if it exists.
    pub(crate) fn deadline(self, key: Key<'_>) -> Option<Option<Millis>> {
        let (words, pages, entry) = self.find(key)?;
        Some(words.deadline(pages, entry))
    }

    /// The type of a key's value, if it exists.
    pub(crate) fn key_type(self, key: Key<'_>) -> Option<crate::key::KeyType> {
        let (words, pages, entry) = self.find(key)?;
        Some(words.key_type(pages, entry))
    }
}

impl Core {
    /// A key with its hash.
    #[inline]
    pub(crate) fn key<'a>(&self, bytes: &'a [u8]) -> Key<'a> {
        Key {
            bytes,
            hash: self.hash(bytes),
        }
    }

    /// Runs `work` on the stripes of these keys, locked together; again, with more room, where there was too little. It
    /// must make room before it changes anything. Those who wait for keys that it touched are served under the same locks.
    pub(crate) fn write_many<R>(
        &self,
        keys: &[Key<'_>],
        mut work: impl FnMut(&mut Group<'_>) -> Result<R, Refusal>,
    ) -> Result<R, Error> {
        let mut result = None;
        let mut work = |group: &mut Group<'_>| {
            result = Some(Ok(work(group)?));
            Ok(())
        };
        let held = self.hold_many(keys, &mut work);
        match held {
            Ok(()) => result.unwrap_or(Err(Error::TooLarge)),
            Err(error) => Err(error),
        }
    }

    fn hold_many(
        &self,
        keys: &[Key<'_>],
        work: &mut dyn FnMut(&mut Group<'_>) -> Result<(), Refusal>,
    ) -> Result<(), Error> {
        let mut unserved = Vec::new();
        let held = self.hold(keys, work, &mut unserved);
        self.serve_later(unserved);
        held
    }

    /// Serves those for whose goods there was no room under the locks that were held.
    pub(crate) fn serve_later(&self, mut unserved: Vec<Place<Waiter>>) {
        while let Some(place) = unserved.pop() {
            self.serve_anew(&place, &mut unserved);
        }
    }

    /// [`Self::write_many`], but for those who could not be served under these locks: they join `unserved`.
    pub(crate) fn hold(
        &self,
        keys: &[Key<'_>],
        work: &mut dyn FnMut(&mut Group<'_>) -> Result<(), Refusal>,
        unserved: &mut Vec<Place<Waiter>>,
    ) -> Result<(), Error> {
        let time = self.clock.exact_present();
        let (mut departed, mut outcome) = (Departed::default(), None);
        let mut hashes: Vec<u64> = keys.iter().map(|key| key.hash).collect();
        loop {
            let mut beyond = Vec::new();
            let held = self.stripes.write_many(
                hashes.iter().copied(),
                &mut departed,
                |worlds, departed, room| {
                    beyond = self.beyond(keys.iter().copied(), &worlds);
                    if !beyond.is_empty() {
                        return Ok(Ok(()));
                    }
                    let mut group = Group::new(self, time.clone(), worlds);
                    group.departed = std::mem::take(departed);
                    group.spare = std::mem::take(room);
                    let result = work(&mut group);
                    let mut service = Service::default();
                    if !group.after.touched.is_empty() && !matches!(result, Err(Refusal::NoRoom)) {
                        service = self.serve(&mut group);
                    }
                    self.watched.mark(&group.after.touched);
                    (*departed, *room) = (group.departed, group.spare);
                    outcome = Some((group.after, service));
                    match result {
                        Ok(()) => Ok(Ok(())),
                        Err(Refusal::Error(error)) => Ok(Err(error)),
                        Err(Refusal::NoRoom) => Err(NoRoom),
                    }
                },
            );
            if beyond.is_empty() {
                if let Some((mut after, mut service)) = outcome {
                    self.conclude(departed, &mut after);
                    self.repay();
                    unserved.append(&mut service.unserved);
                }
                return held.unwrap_or(Err(Error::TooLarge));
            }
            hashes.append(&mut beyond);
        }
    }

    /// Runs `work` on the values of these keys, none of which changes meanwhile.
    pub(crate) fn read_many<R>(
        &self,
        keys: &[Key<'_>],
        time: &Present<'_>,
        work: impl FnOnce(Views<'_>) -> R,
    ) -> R {
        self.stripes
            .read_many(keys.iter().map(|key| key.hash), |stripes| {
                work(Views { stripes, time })
            })
    }

    /// Runs `work` on the value of a key, if it has one.
    ///
    /// A small value is copied without a lock; a large one is read under its stripe's, shared with other readers.
    pub(crate) fn look<C: Variant, R>(
        &self,
        key: Key<'_>,
        time: &Present<'_>,
        work: impl FnOnce(&C) -> R,
    ) -> Result<Option<R>, Error> {
        let mut work = Some(work);
        with_buffer(|buffer| {
            let take = |seen: Seen<'_>| seen.elements(buffer, &mut work);
            let seen = self.read_as(key, C::TYPE, time, take)?;
            Ok(match seen {
                None => None,
                Some(Some(result)) => Some(result),
                Some(None) => {
                    let value = C::unpack(std::mem::take(buffer));
                    let result = work.take().map(|work| work(&value));
                    *buffer = value.into_buffer();
                    result
                }
            })
        })
    }
}
