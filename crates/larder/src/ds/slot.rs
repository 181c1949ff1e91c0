//! Where entries stand in a table, and where hashes belong: what a [`Table`](super::table::Table) hands out.

use super::bucket::{BUCKETS, Bucket, SLOTS};
use super::table::HASH_MASK;
use super::{Ref, approach};

/// Where an entry's reference stands; valid until the next change of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(super) segment: u32,
    /// How many chained segments down.
    pub(super) depth: u16,
    pub(super) bucket: u8,
    pub(super) index: u8,
}

impl Slot {
    /// The slot's place among those of its home bucket and the chained ones behind it.
    pub(crate) fn order(self) -> u32 {
        u32::from(self.depth) * SLOTS as u32 + u32::from(self.index)
    }
}

/// The home of a hash: names a set of a structure laid out beside the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) segment: u32,
    pub(crate) bucket: u32,
}

/// Where a hash belongs, with the bucket at hand; valid until the table grows.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'a> {
    pub(crate) hash: u32,
    pub(crate) home: Home,
    pub(super) bucket: Bucket<'a>,
}

impl Spot<'_> {
    /// Brings the home bucket near.
    #[inline(always)]
    pub(crate) fn approach(self) {
        approach(&self.bucket.0[0]);
    }
}

/// Where an entry's reference stands, with the bucket at hand.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) slot: Slot,
    pub(super) bucket: Bucket<'a>,
}

impl Place<'_> {
    /// Accesses counted, 0 to 3.
    #[inline(always)]
    pub(crate) fn counter(self) -> u32 {
        self.bucket.counter(self.slot.index as usize)
    }

    #[inline(always)]
    pub(crate) fn set_counter(self, value: u32) {
        self.bucket.set_counter(self.slot.index as usize, value);
    }
}

/// What a home bucket says at first sight; see [`Table::glance`].
pub(crate) enum Glance<'a> {
    /// This is the first slot with the right tag; another may be the one looked for.
    Seen(Seen<'a>),
    /// No entry has the hash.
    Absent,
    /// There may be one in another bucket.
    Elsewhere,
}

/// A slot in sight.
pub(crate) struct Seen<'a> {
    pub(super) bucket: Bucket<'a>,
    pub(super) index: usize,
}

impl Seen<'_> {
    #[inline(always)]
    pub(crate) fn reference(&self) -> Ref {
        self.bucket.reference(self.index)
    }

    /// Counts an access.
    #[inline(always)]
    pub(crate) fn touch(&self) {
        self.bucket.touch(self.index);
    }
}

/// The home bucket of a hash inside its segment.
#[inline(always)]
pub(super) fn home_bucket(hash: u32) -> usize {
    (hash >> 1) as usize % BUCKETS
}

/// The bucket after this one in a segment.
#[inline(always)]
pub(super) fn after(bucket: usize) -> usize {
    (bucket + 1) % BUCKETS
}

/// The tag of a hash, never zero.
#[inline(always)]
pub(super) fn tag_of(hash: u32) -> u8 {
    (((hash & HASH_MASK) >> 23) as u8).max(1)
}
