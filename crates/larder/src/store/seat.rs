//! `Seat`: one key's place in its stripe, opened by the holder of the lock.
//!
//! Opening a seat looks the key up once; an entry whose deadline has passed is taken out then and there, so that to
//! every command it is absent. What a command does after that, it does through the seat: read the value, put another,
//! move the deadline, remove. A seat keeps table, records, wheel, policy and budget in step:
//!
//! ```text
//! put ── room for what is more than before (evicting others, never this entry)
//!      ├─ no entry:          new record, added
//!      ├─ same size class:   rewritten in place; slot, counter, timer and probation stay
//!      └─ another class:     new record, the slot renamed, the old one freed
//! ```
//!
//! Room comes before anything is changed, so a refused write leaves the old value as it was.

use super::builder::Measure;
use super::elements::Edit;
use super::outside::Gone;
use super::stored::Stored;
use super::undo::Undo;
use super::words::Words;
use crate::ds::Ref;
use crate::ds::table::{Slot, Spot};
use crate::entry::Entries;
use crate::error::Error;
use crate::event::{EventKind, EventMask, KeyEvent};
use crate::key::KeyType;
use crate::shard::{Departed, NoRoom, World};
use crate::time::Millis;
use crate::value::{Any, Variant};

/// What is to be done about a write once its work is done.
pub(crate) struct After {
    /// Whether somebody wants to know which keys were changed.
    pub(crate) observed: bool,
    /// The keys that were changed, if so.
    pub(crate) touched: Vec<Vec<u8>>,
    /// The kinds of events that somebody wants to be told of.
    pub(crate) wanted: EventMask,
    /// What happened, of these kinds.
    pub(crate) events: Vec<KeyEvent>,
    /// The earliest deadline that was filed; `Millis::MAX` for none.
    pub(crate) due: Millis,
    /// Whether a value became one that takes long to free, or still is.
    pub(crate) large: bool,
    pub(crate) added: u64,
    pub(crate) replaced: u64,
    pub(crate) removed: u64,
}

impl After {
    pub(crate) fn new(observed: bool) -> Self {
        After {
            observed,
            touched: Vec::new(),
            wanted: EventMask::NONE,
            events: Vec::new(),
            due: Millis::MAX,
            large: false,
            added: 0,
            replaced: 0,
            removed: 0,
        }
    }
}

impl After {
    /// Adds what was done before.
    pub(crate) fn follow(&mut self, mut earlier: After) {
        earlier.touched.append(&mut self.touched);
        self.touched = earlier.touched;
        self.due = self.due.min(earlier.due);
        self.large |= earlier.large;
        self.added += earlier.added;
        self.replaced += earlier.replaced;
        self.removed += earlier.removed;
        earlier.events.append(&mut self.events);
        self.events = earlier.events;
    }

    /// Takes note of an event, if somebody wants it.
    #[inline]
    pub(crate) fn tell(&mut self, key: &[u8], kind: EventKind) {
        if self.wanted.has(kind) {
            self.events.push(KeyEvent::new(key, kind));
        }
    }

    /// Forgets what was done: it was taken back. Timers that were filed are there still.
    pub(crate) fn forget(&mut self) {
        *self = After {
            due: self.due,
            wanted: self.wanted,
            ..After::new(self.observed)
        };
    }
}

/// Why a command went no further.
pub(crate) enum Refusal {
    /// Others must make room; then it runs again.
    NoRoom,
    Error(Error),
}

impl From<NoRoom> for Refusal {
    fn from(NoRoom: NoRoom) -> Self {
        Refusal::NoRoom
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::Error(error)
    }
}

/// See the module's text.
pub(crate) struct Seat<'s, 'w> {
    pub(crate) world: &'s mut World<'w, Words>,
    pub(crate) departed: &'s mut Departed<Gone>,
    pub(crate) after: &'s mut After,
    /// What is needed to take changes back, in a transaction.
    pub(crate) undo: Option<&'s mut Undo>,
    key: &'s [u8],
    spot: Spot<'w>,
    /// The live entry of the key.
    pub(crate) found: Option<(Slot, Ref)>,
}

impl<'s, 'w> Seat<'s, 'w> {
    /// Looks the key up; an entry whose deadline has `passed` is taken out.
    #[inline]
    pub(crate) fn open(
        world: &'s mut World<'w, Words>,
        departed: &'s mut Departed<Gone>,
        after: &'s mut After,
        key: &'s [u8],
        hash: u32,
        passed: impl Fn(Millis) -> bool,
    ) -> Self {
        let spot = world.table.spot(hash);
        let mut found = world.find_at(spot, |words, entry| words.has_key(world.shared, entry, key));
        if let Some((slot, entry)) = found
            && world
                .shard
                .entries
                .deadline(world.shared, entry)
                .is_some_and(passed)
        {
            world.expire(slot, entry, hash, departed);
            found = None;
        }
        Seat {
            world,
            departed,
            after,
            undo: None,
            key,
            spot,
            found,
        }
    }

    pub(crate) fn key(&self) -> &'s [u8] {
        self.key
    }

    /// The type of the value, if there is one.
    #[inline]
    pub(crate) fn key_type(&self) -> Option<KeyType> {
        let (_, entry) = self.found?;
        Some(self.world.shard.entries.key_type(self.world.shared, entry))
    }

    /// Whether weights depend on sizes.
    pub(crate) fn is_weighed(&self) -> bool {
        self.world.shard.entries.measure() == Measure::Bytes
    }

    /// Notes that the key's value or deadline is another.
    #[inline]
    pub(crate) fn mark(&mut self) {
        if self.after.observed {
            self.after.touched.push(self.key.to_vec());
        }
    }

    /// Takes note of what a command did to the key, for those who listen. A command that removes the last element notes
    /// `Del` after its own event.
    #[inline]
    pub(crate) fn tell(&mut self, kind: EventKind) {
        self.after.tell(self.key, kind);
    }

    /// Removes the key on request; `false` if there is none.
    pub(crate) fn delete(&mut self) -> bool {
        let removed = self.remove();
        if removed {
            self.tell(EventKind::Del);
        }
        removed
    }

    #[inline]
    pub(crate) fn exists(&self) -> bool {
        self.found.is_some()
    }

    /// The entry's deadline.
    #[inline]
    pub(crate) fn deadline(&self) -> Option<Millis> {
        let (_, entry) = self.found?;
        self.world.shard.entries.deadline(self.world.shared, entry)
    }

    /// The value with elements, if it stands outside.
    pub(crate) fn elements(&self) -> Option<&Any> {
        let (_, entry) = self.found?;
        self.world.shard.entries.elements(self.world.shared, entry)
    }

    /// Replaces what `out` holds by a value that stands in its record.
    pub(crate) fn packed_into(&self, out: &mut Vec<u8>) {
        if let Some((_, entry)) = self.found {
            let World { shared, shard, .. } = &*self.world;
            shard.entries.packed_into(shared, entry, out);
        }
    }

    /// Moves a value with elements into the entry that was put for it.
    pub(crate) fn fill(&mut self, any: Box<Any>) {
        if let Some((_, entry)) = self.found {
            let World { shared, shard, .. } = &mut *self.world;
            shard.entries.fill(shared, entry, any);
        }
    }

    /// Runs `work` on the value with elements that stands outside, if it is of this type.
    pub(crate) fn edit<C: Variant, R>(
        &mut self,
        work: impl FnOnce(&mut C) -> Edit<R>,
    ) -> Option<Edit<R>> {
        let (slot, _) = self.found?;
        self.world.table.touch(slot);
        self.alter(|any| C::of_mut(any).map(work))?
    }

    /// Runs `work` on the value with elements that stands outside.
    pub(crate) fn alter<R>(&mut self, work: impl FnOnce(&mut Any) -> R) -> Option<R> {
        let (_, entry) = self.found?;
        let World { shared, shard, .. } = &mut *self.world;
        shard.entries.change_elements(shared, entry, work)
    }

    /// Books that the entry, which weighed `held`, was changed in place, and gives back what is left of the `room` that
    /// was made for it.
    pub(crate) fn book_growth(&mut self, held: u64, room: u64) {
        let Some((_, entry)) = self.found else { return };
        let weight = self.weight();
        debug_assert!(
            weight <= held + room,
            "a change grew by no more than it said"
        );
        if weight != held {
            self.world.revise(entry, entry, held);
        }
        self.world.return_room((held + room).saturating_sub(weight));
    }

    /// Runs `work` on the value, if there is one and it is a string.
    #[inline]
    pub(crate) fn with_string<R>(
        &self,
        work: impl FnOnce(Stored<'_>) -> R,
    ) -> Result<Option<R>, Error> {
        self.with(|stored| stored.string().map(work)).transpose()
    }

    /// Runs `work` on the value, if there is one.
    #[inline]
    pub(crate) fn with<R>(&self, work: impl FnOnce(Stored<'_>) -> R) -> Option<R> {
        let (_, entry) = self.found?;
        Some(
            self.world
                .shard
                .entries
                .with_value(self.world.shared, entry, work),
        )
    }

    /// The integer that the record holds in place, if that is what the value is.
    #[inline]
    pub(crate) fn int(&self) -> Option<i64> {
        let (_, entry) = self.found?;
        self.world.shard.entries.int(self.world.shared, entry)
    }

    /// Overwrites the integer of a record for which [`Self::int`] was `Some`.
    #[inline]
    pub(crate) fn set_int(&mut self, value: i64) {
        if let Some(place) = self.found {
            self.write_over(place, |words, pages, entry| {
                words.set_int(pages, entry, value)
            });
        }
    }

    /// Counts an access.
    pub(crate) fn touch(&self) {
        if let Some((slot, _)) = self.found {
            self.world.table.touch(slot);
        }
    }

    /// What the entry weighs; zero if there is none.
    #[inline]
    pub(crate) fn weight(&self) -> u64 {
        self.found.map_or(0, |(_, entry)| {
            self.world.shard.entries.weight(self.world.shared, entry)
        })
    }

    /// What the key would weigh with this value and deadline.
    #[inline]
    pub(crate) fn weight_with(&self, value: &Stored<'_>, deadline: Option<Millis>) -> u64 {
        self.world
            .shard
            .entries
            .weight_of(self.key, value, deadline)
    }

    /// Sets the value and the deadline.
    #[inline]
    pub(crate) fn put(
        &mut self,
        value: &Stored<'_>,
        deadline: Option<Millis>,
    ) -> Result<(), NoRoom> {
        if self.overlay(value, deadline) {
            return Ok(());
        }
        let (held, weight) = (self.weight(), self.weight_with(value, deadline));
        if weight > self.world.budget.largest() {
            return Err(NoRoom);
        }
        if self.found.is_none() {
            self.spot = self.world.approach(self.spot);
        }
        if weight > held {
            self.world.make_room(
                weight - held,
                self.found.map(|(_, entry)| entry),
                self.departed,
            )?;
        }
        self.place(value, deadline)
    }

    /// Sets the value and the deadline; room for what is more than before was made, and a new key's spot approached.
    fn place(&mut self, value: &Stored<'_>, deadline: Option<Millis>) -> Result<(), NoRoom> {
        self.mark();
        let Some((slot, old)) = self.found else {
            let World { shared, shard, .. } = &mut *self.world;
            let Some(entry) = shard.entries.put(shared, self.key, value, deadline) else {
                let weight = self.weight_with(value, deadline);
                self.world.return_room(weight);
                return Err(NoRoom);
            };
            self.found = Some((self.world.add(self.spot, entry), entry));
            self.world.shard.entries.told.of_birth(self.key);
            self.tell(EventKind::New);
            self.after.added += 1;
            self.after.due = self.after.due.min(deadline.unwrap_or(Millis::MAX));
            return Ok(());
        };
        self.world.table.touch(slot);
        self.after.replaced += 1;
        if self
            .world
            .shard
            .entries
            .fits(self.world.shared, old, self.key, value, deadline)
        {
            self.rewrite(slot, old, value, deadline);
            return Ok(());
        }
        self.renew(slot, old, value, deadline)
    }

    /// Rewrites the record in place.
    fn rewrite(&mut self, slot: Slot, entry: Ref, value: &Stored<'_>, deadline: Option<Millis>) {
        let (held, before) = (self.weight(), self.deadline());
        let World {
            table,
            shared,
            shard,
            ..
        } = &mut *self.world;
        let gone = table.mutate(slot, || {
            shard
                .entries
                .rewrite(shared, entry, self.key, value, deadline)
        });
        self.keep(gone);
        self.book(entry, entry, held);
        self.file(entry, before);
    }

    /// Writes a new record and renames the slot.
    fn renew(
        &mut self,
        slot: Slot,
        old: Ref,
        value: &Stored<'_>,
        deadline: Option<Millis>,
    ) -> Result<(), NoRoom> {
        let held = self.weight();
        let World {
            table,
            shared,
            shard,
            ..
        } = &mut *self.world;
        let Some(entry) = shard.entries.put(shared, self.key, value, deadline) else {
            let weight = self.weight_with(value, deadline);
            self.world.return_room(weight.saturating_sub(held));
            return Err(NoRoom);
        };
        let young = shard.entries.is_young(shared, old);
        shard.entries.set_young(shared, entry, young);
        table.replace(slot, entry);
        self.found = Some((slot, entry));
        self.book(old, entry, held);
        let World { shared, shard, .. } = &mut *self.world;
        let gone = shard.entries.take(shared, old);
        self.keep(gone);
        self.file(entry, None);
        Ok(())
    }

    /// Tells the policy and the budget what an entry weighs now.
    pub(crate) fn book(&mut self, from: Ref, entry: Ref, held: u64) {
        let weight = self.weight();
        if from != entry || weight != held {
            self.world.revise(from, entry, held);
        }
        if weight < held {
            self.world.return_room(held - weight);
        }
    }

    /// The entry that was found.
    pub(crate) fn entry(&self) -> Option<Ref> {
        self.found.map(|(_, entry)| entry)
    }

    /// Takes the entry out and returns what was outside; its room is idle then.
    pub(crate) fn vacate(&mut self) -> Option<Gone> {
        let (slot, entry) = self.found.take()?;
        self.mark();
        Some(self.world.remove(slot, entry, self.spot.hash))
    }

    /// Keeps what was taken out for after the unlock, if freeing it takes time, or for taking it back.
    #[inline]
    pub(crate) fn keep(&mut self, gone: Gone) {
        if gone.is_large() {
            match &mut self.undo {
                None => self.departed.keep(gone),
                Some(undo) => undo.keep(gone, self.departed),
            }
        }
    }

    /// Takes the entry out; `false` if there is none.
    pub(crate) fn remove(&mut self) -> bool {
        let Some((slot, entry)) = self.found.take() else {
            return false;
        };
        self.mark();
        let gone = self.world.discard(slot, entry, self.spot.hash);
        self.keep(gone);
        self.after.removed += 1;
        true
    }
}
