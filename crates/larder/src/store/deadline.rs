//! Deadlines of a seat: the key's own, and those of its elements.
//!
//! A timer is filed for whichever comes first. One that comes no later than needed is left alone: it files itself again
//! when it finds the later deadline.

use super::seat::Seat;
use super::stored::Stored;
use super::whole::Whole;
use crate::ds::Ref;
use crate::entry::Entries;
use crate::event::EventKind;
use crate::key::KeyType;
use crate::shard::{NoRoom, World};
use crate::time::Millis;

impl Seat<'_, '_> {
    /// Files a timer unless one that comes no later is there: it files itself again when it finds the later deadline.
    pub(crate) fn file(&mut self, entry: Ref, before: Option<Millis>) {
        let Some(deadline) = self.deadline() else {
            return;
        };
        if before.is_none_or(|before| deadline < before) {
            self.world.schedule(entry);
            self.after.due = self.after.due.min(deadline);
        }
    }

    /// Files a timer for the first element that expires by itself, after the value was written.
    #[inline]
    pub(crate) fn time_elements(&mut self, due: Option<Millis>) {
        let Some((slot, entry)) = self.found else {
            return;
        };
        let World {
            table,
            shared,
            shard,
            ..
        } = &mut *self.world;
        if due.is_some() != shard.entries.is_timed(shared, entry) {
            table.mutate(slot, || {
                shard.entries.set_timed(shared, entry, due.is_some());
            });
        }
        if let Some(due) = due {
            self.world.schedule(entry);
            self.after.due = self.after.due.min(due);
        }
    }

    /// Gives the key that is there a deadline on request.
    pub(crate) fn expire(&mut self, deadline: Millis) -> Result<(), NoRoom> {
        self.set_deadline(Some(deadline))?;
        if self.exists() {
            self.tell(EventKind::Expire);
        }
        Ok(())
    }

    /// Takes the deadline off on request; `false` if there is none.
    pub(crate) fn persist(&mut self) -> Result<bool, NoRoom> {
        let timed = self.deadline().is_some();
        if timed {
            self.set_deadline(None)?;
            self.tell(EventKind::Persist);
        }
        Ok(timed)
    }

    /// Sets the deadline of the entry that is there.
    pub(crate) fn set_deadline(&mut self, deadline: Option<Millis>) -> Result<(), NoRoom> {
        let Some((slot, entry)) = self.found else {
            return Ok(());
        };
        let before = self.deadline();
        if before == deadline {
            // Setting the deadline that is there counts as a change, taking one off that is not there does not.
            if deadline.is_some() {
                self.mark();
            }
            return Ok(());
        }
        let World { shared, shard, .. } = &mut *self.world;
        if !shard.entries.can_redate(shared, entry, deadline) {
            return self.renew_dated(deadline);
        }
        let held = self.weight();
        let more = self
            .world
            .shard
            .entries
            .weight_redated(self.world.shared, entry, deadline)
            .saturating_sub(held);
        if more > 0 {
            self.world.make_room(more, Some(entry), self.departed)?;
        }
        let World {
            table,
            shared,
            shard,
            ..
        } = &mut *self.world;
        table.mutate(slot, || shard.entries.redate(shared, entry, deadline));
        self.book(entry, entry, held);
        self.file(entry, before);
        self.mark();
        Ok(())
    }

    /// Writes the record anew, with a deadline that takes more or less room.
    fn renew_dated(&mut self, deadline: Option<Millis>) -> Result<(), NoRoom> {
        let Some(value) = self.with(|stored| Whole::of(&stored)) else {
            return Ok(());
        };
        match value {
            Some(value) => self.put(&value.as_stored(), deadline),
            None => self.redate_elements(deadline),
        }?;
        self.time_hash();
        Ok(())
    }

    /// [`Self::time_elements`] of a value that came as a whole, and may be of a type whose elements expire.
    pub(crate) fn time_hash(&mut self) {
        if self.key_type() == Some(KeyType::Hash)
            && let Some((_, entry)) = self.found
        {
            let World { shared, shard, .. } = &*self.world;
            let due = shard.entries.element_due(shared, entry);
            self.time_elements(due);
        }
    }

    /// [`Self::renew_dated`] of a value with elements outside, which are kept.
    fn redate_elements(&mut self, deadline: Option<Millis>) -> Result<(), NoRoom> {
        let Some((_, entry)) = self.found else {
            return Ok(());
        };
        let World { shared, shard, .. } = &mut *self.world;
        let Some(any) = shard.entries.lift(shared, entry) else {
            return Ok(());
        };
        let result = self.put(&Stored::Elements(any.key_type(), any.bytes()), deadline);
        self.fill(any);
        result
    }
}
