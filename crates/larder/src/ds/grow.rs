//! How a table grows: by rounds of linear hashing, one split at a time.
//!
//! A round doubles the number of segments. It starts when the average fill passes `ROUND_AT`, and splits one segment
//! every few inserts, in order, so that it is over before the unsplit segments are full.

use super::Ref;
use super::bucket::{BUCKET_BITS, BUCKETS, SLOTS, WORDS};
use super::table::{Home, Table};
use crate::sync::{AtomicU32, Ordering};

/// A doubling round starts when this part of all slots is taken (of 256): later, long probes; earlier, wasted lines.
const ROUND_AT: u64 = 224;
/// A table that is held back does not wait longer than this for its next level: beyond, probes get long.
const ROUND_AT_LAST: u64 = 240;
/// It asks for its next level from here on.
const LEVEL_AT: u64 = 216;
/// While a round lasts, one split for so many entries more: it ends within 4 % more entries.
const PACE: u32 = (BUCKETS * SLOTS) as u32 / 32;
/// Segments are named by 16 hash bits.
const MAX_SEGMENTS: u32 = 1 << 16;

/// Bytes of a segment.
const SEGMENT_BYTES: u64 = (BUCKETS * WORDS * size_of::<AtomicU32>()) as u64;

/// Entries that fill this part (of 256) of so many segments, if there may be more segments.
fn filling(segments: u32, part: u64) -> u32 {
    if segments == MAX_SEGMENTS {
        return u32::MAX;
    }
    (u64::from(segments) * (BUCKETS * SLOTS) as u64 * part).div_ceil(256) as u32
}

/// Entries at which a round starts in a table of so many segments.
fn round_at(segments: u32) -> u32 {
    filling(segments, ROUND_AT)
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
    /// Bytes held: all segments that came into use, or will until the round is over.
    pub(crate) fn bytes(&self) -> u64 {
        let used = self.segments().next_power_of_two() + self.memory.chained();
        u64::from(used) * SEGMENT_BYTES
    }

    /// Bytes asked of the system, touched or not.
    pub(crate) fn asked_bytes(&self) -> u64 {
        let segments = self.segments();
        let next = if self.memory.has(segments) {
            segments + 1
        } else {
            segments
        };
        let made = self.memory.expected().max(next.next_power_of_two());
        u64::from(made + self.memory.chained()) * SEGMENT_BYTES
    }

    /// Splits one segment if a round is due or under way, and says when the next one is.
    #[cold]
    #[inline(never)]
    pub(super) fn grow(&self, hash_of: impl Fn(Ref) -> u32, near: impl Fn(Ref)) {
        let segments = self.segments();
        if !segments.is_power_of_two() || self.len() >= self.next_round() {
            self.split(segments, hash_of, near);
        }
        let next = match self.segments() {
            segments if segments.is_power_of_two() => self.next_round(),
            _ => self.len() + PACE,
        };
        self.grow_at.store(next, Ordering::Relaxed);
    }

    /// Entries at which the next round starts.
    fn next_round(&self) -> u32 {
        let segments = self.segments();
        if self.held_back.load(Ordering::Relaxed) && !self.memory.has(segments) {
            return filling(segments, ROUND_AT_LAST);
        }
        round_at(segments)
    }

    /// Lets a round wait until its memory was made, by [`Self::make_level`].
    pub(crate) fn hold_back(&self) {
        self.held_back.store(true, Ordering::Relaxed);
    }

    /// The bytes of the next level, if a round is near and it was not made yet.
    pub(crate) fn wanted_level(&self) -> Option<u64> {
        let segments = self.segments();
        let wanted = self.len() >= filling(segments, LEVEL_AT)
            && segments.is_power_of_two()
            && !self.memory.has(segments);
        wanted.then(|| u64::from(segments) * SEGMENT_BYTES)
    }

    /// Makes the next level.
    pub(crate) fn make_level(&self) {
        self.memory.ensure(self.segments());
        self.grow_at.store(self.next_round(), Ordering::Relaxed);
    }

    /// Moves what belongs to segment `fresh` out of the segment that stood for it, then publishes it.
    ///
    /// Readers that still look at the old one find every entry there until the new one is published; what is taken
    /// out after that changes versions, so a miss in the old one is retried in the new.
    ///
    /// The entries lie scattered, and a split looks at some 600: those of the next bucket are brought near while one is
    /// worked on, else it would take 50 µs of waiting.
    pub(super) fn split(&self, fresh: u32, hash_of: impl Fn(Ref) -> u32, near: impl Fn(Ref)) {
        self.memory.ensure(fresh);
        let old = Self::address(fresh << (BUCKET_BITS + 1), Self::shape_of(fresh));
        let shape = Self::shape_of(fresh + 1);
        let mut moved = Vec::with_capacity(BUCKETS * SLOTS / 2);
        let home = |bucket| Home {
            segment: old,
            bucket,
        };
        self.visit_bucket(home(0), |_, reference| near(reference));
        for bucket in 0..BUCKETS as u32 {
            self.visit_bucket(home((bucket + 1) % BUCKETS as u32), |_, reference| {
                near(reference);
            });
            self.visit_bucket(home(bucket), |slot, reference| {
                let hash = hash_of(reference);
                if Self::address(hash, shape) == fresh {
                    moved.push((slot, hash, reference));
                }
            });
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
