//! `Undo`: what a transaction needs to take its changes back.
//!
//! Before a transaction first changes a key, the key's value is noted: a small one as a copy; of elements that stand
//! outside, their address, and from there on they keep a journal of their own. Boxes that leave their key are kept
//! until the end, so that nothing large is ever copied.
//!
//! Taking back goes in two steps, so that there is room for what comes back: first every key is emptied, then each gets
//! its old value. What was evicted meanwhile stays evicted.

use super::group::{Key, Name};
use super::outside::Gone;
use super::seat::Seat;
use super::whole::Whole;
use crate::shard::Departed;
use crate::time::Millis;
use crate::value::Any;

/// Elements that left their key. They are known by the address of their box.
pub(crate) type Taken = Vec<Box<Any>>;

/// See the module's text.
#[derive(Default)]
pub(crate) struct Undo {
    notes: Vec<Note>,
    taken: Taken,
}

/// What a key held.
pub(crate) struct Note {
    pub(crate) name: Name,
    pub(crate) held: Held,
}

pub(crate) enum Held {
    Nothing,
    Value(Whole, Option<Millis>),
    /// Elements outside, at this address.
    Elements(usize, Option<Millis>),
}

fn address(any: &Any) -> usize {
    std::ptr::from_ref(any) as usize
}

impl Undo {
    /// Whether the key was noted.
    pub(crate) fn has(&self, key: Key<'_>) -> bool {
        self.notes
            .iter()
            .any(|note| note.name.0 == key.hash && note.name.1 == key.bytes)
    }

    /// Keeps elements that left their key; what else was outside goes with the departed.
    pub(crate) fn keep(&mut self, gone: Gone, departed: &mut Departed<Gone>) {
        match gone.into_elements() {
            Ok(any) => self.taken.push(any),
            Err(gone) => departed.keep(gone),
        }
    }

    pub(crate) fn push(&mut self, note: Note) {
        self.notes.push(note);
    }

    /// The notes, and what left its key: for taking back, or for good.
    pub(crate) fn into_parts(self) -> (Vec<Note>, Taken) {
        (self.notes, self.taken)
    }
}

impl Seat<'_, '_> {
    /// Notes what the key holds, which the transaction has not changed yet.
    pub(crate) fn note(&mut self, hash: u64) -> Note {
        let deadline = self.deadline();
        let held = match self.begin() {
            Some(address) => Held::Elements(address, deadline),
            None => match self.copy_whole() {
                Some(whole) => Held::Value(whole, deadline),
                None => Held::Nothing,
            },
        };
        Note {
            name: (hash, self.key().to_vec()),
            held,
        }
    }

    /// Has the elements that stand outside keep a journal; their address.
    fn begin(&mut self) -> Option<usize> {
        self.alter(|any| {
            any.begin();
            address(any)
        })
    }

    /// Ends the journal of elements that stand outside.
    pub(crate) fn commit(&mut self) {
        self.alter(Any::commit);
    }

    /// Takes back what became of the key; its value joins `taken`.
    pub(crate) fn empty(&mut self, taken: &mut Taken) {
        if let Some(Whole::Elements(any)) = self.take_whole() {
            taken.push(any);
        }
    }

    /// Gives the key what it held; it is empty now.
    pub(crate) fn restore(&mut self, held: Held, taken: &mut Taken) {
        let (whole, deadline) = match held {
            Held::Nothing => return,
            Held::Value(whole, deadline) => (whole, deadline),
            Held::Elements(wanted, deadline) => {
                let Some(place) = taken.iter().position(|any| address(any) == wanted) else {
                    return;
                };
                let mut any = taken.swap_remove(place);
                any.rollback();
                (Whole::Elements(any), deadline)
            }
        };
        let restored = self.put_whole(whole, deadline);
        debug_assert!(restored.is_ok(), "its room was kept");
    }
}
