//! How a table grows: by rounds of linear hashing, one split at a time.
//!
//! A round doubles the number of segments. It starts when the average fill passes `ROUND_AT`, and splits one segment
//! every few inserts, in order, so that it is over before the unsplit segments are full.

use super::Ref;
use super::bucket::{BUCKET_BITS, BUCKETS, SLOTS};
use super::table::{Home, Table};
use crate::sync::Ordering;

/// A doubling round starts when this part of all slots is taken (of 256): later, long probes; earlier, wasted lines.
const ROUND_AT: u64 = 224;
/// While a round lasts, one split for so many entries more: it ends within 4 % more entries.
const PACE: u32 = (BUCKETS * SLOTS) as u32 / 32;
/// Segments are named by 16 hash bits.
const MAX_SEGMENTS: u32 = 1 << 16;

/// Entries at which a round starts in a table of so many segments.
fn round_at(segments: u32) -> u32 {
    if segments == MAX_SEGMENTS {
        return u32::MAX;
    }
    (u64::from(segments) * (BUCKETS * SLOTS) as u64 * ROUND_AT).div_ceil(256) as u32
}

/// Segments that a table is made for at the most: 1 MiB of address space in each stripe, in case a bound is set high above
/// what will be stored.
const MOST_EXPECTED: u32 = 256;

/// How many segments a table with so many entries has at the end of a round.
pub(super) fn segments_for(entries: u64) -> u32 {
    let mut segments = 1;
    while segments < MOST_EXPECTED && u64::from(round_at(segments)) <= entries {
        segments *= 2;
    }
    segments
}

impl Table {
    /// Splits one segment if a round is due or under way, and says when the next one is.
    #[cold]
    #[inline(never)]
    pub(super) fn grow(&self, hash_of: impl Fn(Ref) -> u32) {
        let segments = self.segments();
        if !segments.is_power_of_two() || self.len() >= round_at(segments) {
            self.split(segments, hash_of);
        }
        let next = match self.segments() {
            segments if segments.is_power_of_two() => round_at(segments),
            _ => self.len() + PACE,
        };
        self.grow_at.store(next, Ordering::Relaxed);
    }

    /// Moves what belongs to segment `fresh` out of the segment that stood for it, then publishes it.
    ///
    /// Readers that still look at the old one find every entry there until the new one is published; what is taken
    /// out after that changes versions, so a miss in the old one is retried in the new.
    pub(super) fn split(&self, fresh: u32, hash_of: impl Fn(Ref) -> u32) {
        self.ensure(fresh);
        let old = Self::address(fresh << (BUCKET_BITS + 1), Self::shape_of(fresh));
        let shape = Self::shape_of(fresh + 1);
        let mut moved = Vec::with_capacity(BUCKETS * SLOTS / 2);
        for bucket in 0..BUCKETS as u32 {
            self.visit_bucket(
                Home {
                    segment: old,
                    bucket,
                },
                |slot, reference| {
                    let hash = hash_of(reference);
                    if Self::address(hash, shape) == fresh {
                        moved.push((slot, hash, reference));
                    }
                },
            );
        }
        for &(slot, hash, reference) in &moved {
            self.place(fresh, hash, reference, self.counter(slot));
        }
        self.shape.store(shape, Ordering::Release);
        for &(slot, hash, _) in &moved {
            self.take(slot, hash);
        }
    }
}
