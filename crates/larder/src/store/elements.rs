//! Elements: the values of a seat that have some, read and changed.
//!
//! ```text
//! packed in the record ── copy ── unpack ── change ── weigh ── room ── write back
//! outside              ── room for the most that it may grow ── change in place ── book what it did
//! ```
//!
//! A packed value is changed in the copy, so that a refusal leaves the record as it was. Where the copy knows which of its
//! bytes are others now and needs no other room, only those are written back. A value that has become too large moves
//! outside, and one that has become small moves back. A value without elements left is no value: its key goes.

use std::sync::Arc;

use std::ops::Range;

use super::graves::SMALL;
use super::seat::{Refusal, Seat};
use super::stored::Stored;
use super::strings::with_buffer;
use super::words::Words;
use crate::ds::Ref;
use crate::ds::arena::{Pages, rounded};
use crate::error::Error;
use crate::event::EventKind;
use crate::record::{Head, Kind, MAX_KEY};
use crate::shard::{NoRoom, World};
use crate::time::Millis;
use crate::value::{Any, Changed, Variant};

/// Bytes that a value takes outside beside its own, at most: its box, slot and the allocator's share.
const OUTSIDE_MOST: u64 = 512;

/// What a change may add.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Growth {
    pub(crate) elements: usize,
    /// Bytes of all of them.
    pub(crate) bytes: usize,
}

impl Growth {
    /// Nothing is added.
    pub(crate) const NONE: Growth = Growth {
        elements: 0,
        bytes: 0,
    };

    /// These elements are added.
    pub(crate) fn of<'a>(elements: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut growth = Growth::NONE;
        for element in elements {
            growth.elements += 1;
            growth.bytes += element.len();
        }
        growth
    }
}

/// What became of a change.
pub(crate) enum Edit<R> {
    /// The value is another now.
    Changed(R),
    /// The value is as it was.
    Same(R),
}

impl Seat<'_, '_> {
    /// Whether there is a value; an error if it is of another type.
    pub(crate) fn check<C: Variant>(&self) -> Result<bool, Error> {
        match self.key_type() {
            None => Ok(false),
            Some(key_type) if key_type == C::TYPE => Ok(true),
            Some(_) => Err(Error::WrongType),
        }
    }

    /// Runs `work` on the value, if there is one.
    pub(crate) fn look<C: Variant, R>(
        &self,
        work: impl FnOnce(&C) -> R,
    ) -> Result<Option<R>, Error> {
        if !self.check::<C>()? {
            return Ok(None);
        }
        if let Some(any) = self.elements() {
            return Ok(C::of(any).map(work));
        }
        Ok(Some(with_buffer(|buffer| {
            self.packed_into(buffer);
            let value = C::unpack(std::mem::take(buffer));
            let result = work(&value);
            *buffer = value.into_buffer();
            result
        })))
    }

    /// [`Self::amend`], and tells of the change, if there was one.
    pub(crate) fn change<C: Variant, R>(
        &mut self,
        kind: EventKind,
        growth: Growth,
        work: impl FnOnce(&mut C) -> Edit<R>,
    ) -> Result<R, Refusal> {
        Ok(match self.amend(growth, work)? {
            Edit::Changed(result) => {
                self.tell_change(&[kind]);
                result
            }
            Edit::Same(result) => result,
        })
    }

    /// Removes the value with all of its elements, and tells of the change that took them out. What is large is freed
    /// later: its elements need not be taken out one by one.
    pub(crate) fn remove_whole(&mut self, kind: EventKind) {
        self.remove();
        self.tell_change(&[kind]);
    }

    /// Tells what a change of elements was, and that the key is gone, where none was left.
    pub(crate) fn tell_change(&mut self, kinds: &[EventKind]) {
        kinds.iter().for_each(|kind| self.tell(*kind));
        if !self.exists() {
            self.tell(EventKind::Del);
        }
    }

    /// Runs `work` on the value, an empty one if there is none, and keeps what it made of it. `growth` is the most that
    /// it may add. Who listens is not told.
    ///
    /// `work` runs once, or, where there is no room, its work on a copy is dropped.
    pub(crate) fn amend<C: Variant, R>(
        &mut self,
        growth: Growth,
        work: impl FnOnce(&mut C) -> Edit<R>,
    ) -> Result<Edit<R>, Refusal> {
        if let Some(any) = self.elements() {
            // Looked up once: what a large value is asked for costs a walk from its record each time.
            let value = C::of(any).ok_or(Error::WrongType)?;
            let more = if growth.elements > 0 && self.is_weighed() {
                value.growth(growth.elements, growth.bytes)
            } else {
                0
            };
            return self.change_outside(more, work);
        }
        self.check::<C>()?;
        self.change_packed(work)
    }

    fn change_packed<C: Variant, R>(
        &mut self,
        work: impl FnOnce(&mut C) -> Edit<R>,
    ) -> Result<Edit<R>, Refusal> {
        with_buffer(|buffer| {
            buffer.clear();
            self.packed_into(buffer);
            let mut value = C::unpack(std::mem::take(buffer));
            match work(&mut value) {
                Edit::Same(result) => {
                    *buffer = value.into_buffer();
                    Ok(Edit::Same(result))
                }
                Edit::Changed(result) => {
                    if self.patch(&value) {
                        *buffer = value.into_buffer();
                        return Ok(Edit::Changed(result));
                    }
                    let (deadline, due) = (self.deadline(), value.next_due());
                    *buffer = self.store(value, deadline)?;
                    self.time_elements(due);
                    Ok(Edit::Changed(result))
                }
            }
        })
    }

    /// Writes the parts of a packed value that are others now over those in its record, if it says which they are and the
    /// record takes as much room as before. No deadline of an element is among them.
    fn patch<C: Variant>(&mut self, value: &C) -> bool {
        let (Some(place), Changed::Parts(parts)) = (self.found, value.changed()) else {
            return false;
        };
        let World { shared, shard, .. } = &*self.world;
        let packed = value.packed().filter(|packed| {
            value.len() > 0 && shard.entries.can_resize(shared, place.1, packed.len())
        });
        let Some(packed) = packed else {
            return false;
        };
        self.write_over(place, |words, pages, entry| {
            words.patch(pages, entry, packed, &parts)
        });
        true
    }

    /// Stores a value that was changed outside of the store, and returns its buffer, if it still has it.
    fn store<C: Variant>(
        &mut self,
        mut value: C,
        deadline: Option<Millis>,
    ) -> Result<Vec<u8>, NoRoom> {
        if value.len() == 0 {
            self.remove();
            return Ok(value.into_buffer());
        }
        if self.key().len() <= MAX_KEY
            && let Some(bytes) = value.packed()
        {
            self.put(&Stored::Packed(C::TYPE, bytes), deadline)?;
            return Ok(value.into_buffer());
        }
        value.tighten();
        let any = Box::new(value.into_any());
        self.put(&Stored::Elements(C::TYPE, any.bytes()), deadline)?;
        self.after.large |= any.bytes() >= SMALL;
        self.fill(any);
        Ok(Vec::new())
    }

    /// What the key would weigh with this value, and no deadline.
    pub(crate) fn weight_of<C: Variant>(&self, value: &C) -> u64 {
        let stored = match value.packed() {
            Some(bytes) if self.key().len() <= MAX_KEY => Stored::Packed(C::TYPE, bytes),
            _ => Stored::Elements(C::TYPE, value.bytes()),
        };
        self.weight_with(&stored, None)
    }

    /// Puts a new value, without a deadline, in the place of whatever is there; an empty one is none, and told as a
    /// removal.
    pub(crate) fn overwrite<C: Variant>(
        &mut self,
        kind: EventKind,
        value: C,
    ) -> Result<(), Refusal> {
        let (was_there, due) = (self.exists(), value.next_due());
        self.store(value, None)?;
        self.time_elements(due);
        match (self.exists(), was_there) {
            (true, _) => self.tell(kind),
            (false, true) => self.tell(EventKind::Del),
            (false, false) => {}
        }
        Ok(())
    }

    /// `room` is the most that the value may weigh more.
    fn change_outside<C: Variant, R>(
        &mut self,
        room: u64,
        work: impl FnOnce(&mut C) -> Edit<R>,
    ) -> Result<Edit<R>, Refusal> {
        let held = if self.is_weighed() { self.weight() } else { 1 };
        if held.saturating_add(room) > self.world.budget.largest() {
            return Err(Refusal::NoRoom);
        }
        if room > 0 {
            self.world.make_room(room, self.entry(), self.departed)?;
        }
        let mut outcome = None;
        let edit = self.edit(|value: &mut C| {
            let edit = work(value);
            if let Edit::Changed(_) = edit {
                outcome = Some(Outcome::of(value));
            }
            edit
        });
        if self.is_weighed() {
            self.book_growth(held, room);
        }
        if let Some(outcome) = outcome {
            self.mark();
            self.after.large |= outcome.is_large;
            self.settle::<C>(outcome.size)?;
            self.time_elements(outcome.due);
        }
        edit.ok_or(Error::WrongType.into())
    }

    /// Removes a value that has no elements left; moves one that has become small into the record.
    fn settle<C: Variant>(&mut self, size: Size) -> Result<(), NoRoom> {
        match size {
            Size::None => {
                self.remove();
                return Ok(());
            }
            Size::Small if self.key().len() <= MAX_KEY => {}
            Size::Small | Size::Large => return Ok(()),
        }
        let packed = self.elements().and_then(Any::packed).map(<[u8]>::to_vec);
        let Some(packed) = packed else { return Ok(()) };
        let (stored, deadline) = (Stored::Packed(C::TYPE, &packed), self.deadline());
        // It is smaller in its record; where rounding would have it otherwise, it stays.
        if self.weight_with(&stored, deadline) <= self.weight() {
            self.put(&stored, deadline)?;
        }
        Ok(())
    }
}

/// What a change has made of a value that stands outside.
struct Outcome {
    size: Size,
    /// Whether freeing it takes long.
    is_large: bool,
    due: Option<Millis>,
}

enum Size {
    /// No elements are left.
    None,
    /// It fits its record.
    Small,
    Large,
}

impl Outcome {
    fn of<C: Variant>(value: &C) -> Self {
        let size = match value.packed() {
            _ if value.len() == 0 => Size::None,
            Some(_) => Size::Small,
            None => Size::Large,
        };
        Outcome {
            size,
            // With the box and the slot that it stands in.
            is_large: value.bytes() + OUTSIDE_MOST >= SMALL,
            due: value.next_due(),
        }
    }
}

impl Words {
    /// Whether the entry's packed value can have so many bytes where it stands.
    pub(crate) fn can_resize(&self, pages: &Arc<Pages>, entry: Ref, len: usize) -> bool {
        self.arena.words(pages, entry).is_some_and(|words| {
            let head = Head::load(words);
            let then = (head.value_at() + len).div_ceil(8);
            head.kind() == Some(Kind::Bytes) && rounded(head.words()) == rounded(then)
        })
    }

    /// Writes parts of a packed value over those that were there, where [`Self::can_resize`] said so; readers must be kept
    /// off.
    pub(crate) fn patch(
        &mut self,
        pages: &Arc<Pages>,
        entry: Ref,
        packed: &[u8],
        parts: &[Range<u16>],
    ) {
        let Some(words) = self.arena.words(pages, entry) else {
            return;
        };
        let at = Head::load(words).value_at();
        Head::set_value_len(words, packed.len());
        for part in parts {
            let part = usize::from(part.start)..packed.len().min(part.end.into());
            if let Some(bytes) = packed.get(part.clone()) {
                crate::ds::word_bytes::patch(words, at + part.start, bytes);
            }
        }
    }
}
