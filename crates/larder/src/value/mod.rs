//! Values: what a key may hold beside a string. Plain types over `ds`: no lock, no time, no key.
//!
//! A small value is one packed run of bytes and lives in the key's record; a large one stands outside and is changed in
//! place. Both are the same type: it converts itself up, and with hysteresis down.
//!
//! ```text
//! record ── bytes ──> unpack ──> command ──> into_packed ──> record
//!                                    │ grew
//! outside ────────── &mut ───────> command                 outside
//! ```

use std::ops::Range;

mod any;
pub(crate) mod geo;
mod hash;
pub(crate) mod hyperloglog;
mod list;
mod pairs;
mod set;
pub(crate) mod sorted_set;

pub(crate) use any::{Any, Variant};
pub(crate) use hash::Hash;
pub(crate) use list::{List, Search};
pub(crate) use set::{Set, difference, intersection, owned, union};
pub(crate) use sorted_set::SortedSet;

/// Most bytes of a packed value: with its key it fits a record.
pub(crate) const MAX_PACKED: usize = 3584;
/// Most elements of a packed value: they are found by a linear walk.
pub(crate) const MAX_PACKED_LEN: usize = 128;

/// Which bytes of a packed value are others than when it was unpacked; it may have become longer or shorter as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Changed {
    #[default]
    Nothing,
    /// These, and no others that are there still.
    Parts([Range<u16>; 2]),
    /// Any.
    All,
}

/// What the store asks of a value with elements.
pub(crate) trait Collection: Clone + Send + Sync {
    /// The value that [`Self::packed`] was.
    fn unpack(packed: Vec<u8>) -> Self;

    /// The value as one run of at most [`MAX_PACKED`] bytes, if it is small.
    fn packed(&self) -> Option<&[u8]>;

    /// Which bytes of a packed value are to be written.
    fn changed(&self) -> Changed {
        Changed::All
    }

    /// The buffer of a packed value, to be used again.
    fn into_buffer(self) -> Vec<u8>;

    /// Gives back what it holds for nothing, before it stands outside: it may have been made in a buffer for all sizes.
    fn tighten(&mut self) {}

    /// The number of elements.
    fn len(&self) -> usize;

    /// Bytes held on the heap, the allocator's own share included, a journal's excepted; exact and O(1).
    fn bytes(&self) -> u64;

    /// At most so many bytes more are held after so many elements with so many bytes together were added.
    fn growth(&self, elements: usize, bytes: usize) -> u64;

    /// A moment at or before the first at which an element expires by itself.
    fn next_due(&self) -> Option<u64> {
        None
    }

    /// From here on changes are noted, so that they can be taken back.
    fn begin(&mut self);

    /// The changes since [`Self::begin`] stand.
    fn commit(&mut self);

    /// Takes the changes since [`Self::begin`] back.
    fn rollback(&mut self);
}
