//! Overwriting a value in its record: what most settings of a key that is there come to.
//!
//! Where the new value takes the room of the old one, the entry keeps its record, weight, slot and place with the policy:
//! only the record's head and the bytes of the value are written, while readers are kept off.

use std::sync::Arc;

use super::seat::Seat;
use super::stored::Stored;
use super::words::Words;
use crate::ds::Ref;
use crate::ds::arena::{Pages, rounded};
use crate::ds::table::Slot;
use crate::record::{Content, Head, MAX_INLINE, Overlay};
use crate::shard::World;
use crate::time::Millis;

impl Seat<'_, '_> {
    /// Runs `write` on an entry's record, which stays where it is, while readers are kept off, and notes the change.
    #[inline(always)]
    pub(crate) fn write_over(
        &mut self,
        (slot, entry): (Slot, Ref),
        write: impl FnOnce(&mut Words, &Arc<Pages>, Ref),
    ) {
        let World {
            table,
            shared,
            shard,
            ..
        } = &mut *self.world;
        table.mutate(slot, || write(&mut shard.entries, shared, entry));
        table.touch(slot);
        self.after.replaced += 1;
        self.mark();
    }

    /// Sets the value and the deadline where that takes no other room than before; `false` if it does.
    #[inline]
    pub(super) fn overlay(&mut self, value: &Stored<'_>, deadline: Option<Millis>) -> bool {
        let Some((slot, entry)) = self.found else {
            return false;
        };
        let World { shared, shard, .. } = &*self.world;
        let overlay = shard.entries.overlay(shared, entry, value, deadline);
        let Some((overlay, before)) = overlay else {
            return false;
        };
        self.write_over((slot, entry), |words, pages, entry| {
            if let Some(words) = words.arena.words(pages, entry) {
                overlay.write(words);
            }
        });
        // A later deadline reuses the timer of the earlier one.
        if deadline.is_some() && before.is_none_or(|before| deadline < Some(before)) {
            self.file(entry, before);
        }
        true
    }
}

impl Words {
    /// What is to be written over the entry's record, and its deadline so far; `None` if it would weigh more or
    /// less, or something stands outside.
    #[inline(always)]
    fn overlay<'a>(
        &self,
        pages: &Arc<Pages>,
        entry: Ref,
        value: &'a Stored<'a>,
        deadline: Option<Millis>,
    ) -> Option<(Overlay<'a>, Option<Millis>)> {
        let content = match value {
            Stored::Int(int) => Content::Int(*int),
            Stored::Bytes(bytes) | Stored::Packed(_, bytes) if bytes.len() <= MAX_INLINE => {
                Content::Bytes(bytes)
            }
            _ => return None,
        };
        let words = self.arena.words(pages, entry)?;
        let old = Head::load(words);
        let before = old.deadline(words);
        let overlay = Overlay::new(old, content, value.key_type(), deadline)?;
        let new = overlay.head();
        let is_as_long =
            old.value_len() == new.value_len() || rounded(old.words()) == rounded(new.words());
        let is_as_heavy = is_as_long && before.is_some() == deadline.is_some();
        is_as_heavy.then_some((overlay, before))
    }
}
