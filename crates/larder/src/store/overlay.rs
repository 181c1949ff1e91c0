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
use crate::record::{Content, Head, MAX_INLINE, Overlay};
use crate::shard::World;
use crate::sync::AtomicU64;
use crate::time::Millis;

impl Seat<'_, '_> {
    /// Sets the value and the deadline where that takes no other room than before; `false` if it does.
    #[inline]
    pub(super) fn overlay(&mut self, value: &Stored<'_>, deadline: Option<Millis>) -> bool {
        let Some((slot, entry)) = self.found else {
            return false;
        };
        let World {
            table,
            shared,
            shard,
            ..
        } = &mut *self.world;
        let overlay = shard.entries.overlay(shared, entry, value, deadline);
        let Some((overlay, words, before)) = overlay else {
            return false;
        };
        table.mutate(slot, || overlay.write(words));
        table.touch(slot);
        self.after.replaced += 1;
        self.mark();
        // A later deadline reuses the timer of the earlier one.
        if deadline.is_some() && before.is_none_or(|before| deadline < Some(before)) {
            self.file(entry, before);
        }
        true
    }
}

impl Words {
    /// What is to be written over the entry's record, and where, and its deadline so far; `None` if it would weigh more or
    /// less, or something stands outside.
    #[inline(always)]
    fn overlay<'a>(
        &'a self,
        pages: &'a Arc<Pages>,
        entry: Ref,
        value: &'a Stored<'a>,
        deadline: Option<Millis>,
    ) -> Option<(Overlay<'a>, &'a [AtomicU64], Option<Millis>)> {
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
        is_as_heavy.then_some((overlay, words, before))
    }
}
