//! `Bucket`: eleven tagged references, their access counters and a version, in one cache line; and the runs of memory
//! that buckets stand in.
//!
//! ```text
//! word   0 1          2                   3          4 .. 14       15
//!        8 tags       3 tags, overflow    counters   11 refs       version
//! ```
//!
//! Writers make the version odd while they change a bucket, or a record that it names, and even again after; they are
//! serialised by the caller. Readers without a lock compare it before and after.

use super::{Ref, huge};
use crate::sync::{AtomicU32, Ordering, fence, zeroed_words};

/// References per bucket: with their tags, counters, overflow count and version they fill one cache line.
pub(crate) const SLOTS: usize = 11;
pub(crate) const BUCKET_BITS: u32 = 6;
/// Buckets per segment: 4 KiB, and a split moves some 300 entries in 15 µs.
pub(crate) const BUCKETS: usize = 1 << BUCKET_BITS;
/// Highest value of an access counter.
pub(crate) const COUNTER_MAX: u32 = 3;

/// Segments of a run that is worth large pages, together with those of other tables beside it: 256 KiB.
const LARGE: usize = 64;

/// Bytes of a cache line.
const LINE_BYTES: usize = 64;
/// Words of a bucket, which is one cache line.
pub(crate) const WORDS: usize = 16;
/// Words 0 and 1: tags of slots 0 to 7, a byte each, zero where the slot is free.
const LOW: usize = 0;
/// Tags of slots 8 to 10, then the overflow count, which sticks at 255.
const TAIL: usize = 2;
/// Access counters, two bits per slot.
const COUNTERS: usize = 3;
/// First of the references.
pub(crate) const REFS: usize = 4;
/// Odd while a writer is inside.
const VERSION: usize = 15;

/// One bucket, as the words of its line.
#[derive(Clone, Copy)]
pub(crate) struct Bucket<'a>(pub(crate) &'a [AtomicU32; WORDS]);

/// Segments in a row, in zeroed memory.
pub(crate) struct Run {
    words: Box<[AtomicU32]>,
    /// Word of the table's line 0, were it in this run: brings buckets onto cache lines, and takes off the segments of
    /// earlier runs. Wraps around below zero.
    origin: usize,
    /// For each segment, the number of the one chained behind it, or 0.
    links: Box<[AtomicU32]>,
    /// Number of the first segment.
    first: u32,
}

impl Run {
    /// Memory for `segments` segments of which the first has this number. Where it is large, the system has not
    /// touched it yet.
    pub(crate) fn new(first: u32, segments: usize) -> Self {
        let words = zeroed_words((segments * BUCKETS + 1) * WORDS);
        let skip = words.as_ptr().align_offset(LINE_BYTES).min(WORDS);
        let origin = skip.wrapping_sub(first as usize * BUCKETS * WORDS);
        Run {
            words,
            origin,
            links: zeroed_words(segments),
            first,
        }
    }

    /// Asks for large pages if there is much of it.
    pub(crate) fn prefer_large_pages(&self) {
        if self.links.len() >= LARGE {
            huge::prefer(&self.words);
        }
    }

    /// A line of the table that is in this run.
    #[inline(always)]
    pub(crate) fn line(&self, line: usize) -> Bucket<'_> {
        let words = &self.words[self.origin.wrapping_add(line * WORDS)..];
        Bucket(
            words
                .first_chunk()
                .expect("a bucket's line is inside its run"),
        )
    }
}

/// A segment: the lines of a run from `first` on.
#[derive(Clone, Copy)]
pub(crate) struct Segment<'a> {
    pub(crate) run: &'a Run,
    pub(crate) number: u32,
}

impl<'a> Segment<'a> {
    #[inline(always)]
    pub(crate) fn bucket(self, index: usize) -> Bucket<'a> {
        self.run.line((self.number as usize) << BUCKET_BITS | index)
    }

    pub(crate) fn link(self) -> &'a AtomicU32 {
        &self.run.links[(self.number - self.run.first) as usize]
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Bucket<'a>> {
        (0..BUCKETS).map(move |index| self.bucket(index))
    }

    /// Puts a reference into the first free slot from `home` on, counting the overflow of every bucket passed.
    /// `None` if all buckets are full; then nothing was counted.
    pub(crate) fn place(
        self,
        home: usize,
        tag: u8,
        reference: Ref,
        counter: u32,
    ) -> Option<(usize, usize)> {
        let (step, index) = (0..BUCKETS).find_map(|step| {
            let free = self
                .bucket((home + step) % BUCKETS)
                .load()
                .matches(0)
                .next()?;
            Some((step, free))
        })?;
        for passed in 0..step {
            self.bucket((home + passed) % BUCKETS)
                .change(Bucket::add_overflow);
        }
        let at = (home + step) % BUCKETS;
        self.bucket(at).fill(index, tag, reference, counter);
        Some((at, index))
    }

    /// Takes back the overflow counts of the buckets from `home` up to `end`, which stays.
    pub(crate) fn uncount(self, home: usize, end: usize) {
        let mut at = home;
        while at != end {
            self.bucket(at).change(Bucket::sub_overflow);
            at = (at + 1) % BUCKETS;
        }
    }
}

/// The tags of a bucket as two words.
#[derive(Clone, Copy)]
pub(crate) struct Tags {
    low: u64,
    high: u32,
}

/// Slots that matched, one bit each.
pub(crate) struct Matches(u32);

impl Iterator for Matches {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let index = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(index)
    }
}

/// One bit per slot of a bucket.
const ALL: u32 = (1 << SLOTS) - 1;

/// One bit per byte that equals `tag`, of 16 bytes.
#[cfg(target_feature = "sse2")]
#[inline(always)]
fn equal_bytes(low: u64, high: u32, tag: u8) -> u32 {
    use safe_arch::{cmp_eq_mask_i8_m128i, move_mask_i8_m128i, set_i64_m128i, set_splat_i32_m128i};
    let bytes = set_i64_m128i(i64::from(high), low as i64);
    let pattern = set_splat_i32_m128i((u32::from(tag) * 0x0101_0101) as i32);
    move_mask_i8_m128i(cmp_eq_mask_i8_m128i(bytes, pattern)) as u32
}

/// One bit per byte that equals `tag`, of 12 bytes.
#[cfg(any(test, not(target_feature = "sse2")))]
#[inline(always)]
fn equal_bytes_in_words(low: u64, high: u32, tag: u8) -> u32 {
    const LOW_BITS: u64 = 0x0101_0101_0101_0101;
    const LOW_SEVEN: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let pattern = u64::from(tag) * LOW_BITS;
    // The lowest bit of every byte that is zero, exactly; a multiplication gathers the eight bits.
    let gather = |word: u64| {
        let zero = !((((word & LOW_SEVEN) + LOW_SEVEN) | word) >> 7) & LOW_BITS;
        (zero.wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
    };
    gather(low ^ pattern) | gather(u64::from(high) ^ pattern) << 8
}

#[cfg(not(target_feature = "sse2"))]
use equal_bytes_in_words as equal_bytes;

impl Tags {
    /// The slots whose tag is `tag`.
    #[inline(always)]
    pub(crate) fn matches(self, tag: u8) -> Matches {
        Matches(equal_bytes(self.low, self.high, tag) & ALL)
    }

    pub(crate) fn occupied(self) -> Matches {
        Matches(self.matches(0).0 ^ ALL)
    }

    #[inline(always)]
    pub(crate) fn overflow(self) -> u32 {
        self.high >> 24
    }
}

impl Bucket<'_> {
    #[inline(always)]
    pub(crate) fn load(self) -> Tags {
        let low = u64::from(self.0[LOW].load(Ordering::Relaxed));
        let more = u64::from(self.0[LOW + 1].load(Ordering::Relaxed));
        Tags {
            low: low | more << 32,
            high: self.0[TAIL].load(Ordering::Relaxed),
        }
    }

    #[inline(always)]
    pub(crate) fn reference(self, index: usize) -> Ref {
        self.0[(REFS + index) % WORDS].load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn set_reference(self, index: usize, reference: Ref) {
        self.0[(REFS + index) % WORDS].store(reference, Ordering::Relaxed);
    }

    #[inline(always)]
    pub(crate) fn set_tag(self, index: usize, tag: u8) {
        let (word, shift) = (&self.0[index / 4 % WORDS], index % 4 * 8);
        let rest = word.load(Ordering::Relaxed) & !(0xff << shift);
        word.store(rest | u32::from(tag) << shift, Ordering::Relaxed);
    }

    pub(crate) fn add_overflow(self) {
        let tail = self.0[TAIL].load(Ordering::Relaxed);
        if tail >> 24 != 255 {
            self.0[TAIL].store(tail + (1 << 24), Ordering::Relaxed);
        }
    }

    pub(crate) fn sub_overflow(self) {
        let tail = self.0[TAIL].load(Ordering::Relaxed);
        if tail >> 24 != 255 {
            self.0[TAIL].store(tail - (1 << 24), Ordering::Relaxed);
        }
    }

    #[inline(always)]
    pub(crate) fn counter(self, index: usize) -> u32 {
        (self.0[COUNTERS].load(Ordering::Relaxed) >> (2 * index)) & COUNTER_MAX
    }

    #[inline(always)]
    pub(crate) fn set_counter(self, index: usize, value: u32) {
        let word = self.0[COUNTERS].load(Ordering::Relaxed) & !(COUNTER_MAX << (2 * index));
        self.0[COUNTERS].store(word | value << (2 * index), Ordering::Relaxed);
    }

    /// Counts an access; writes nothing once the counter is full.
    #[inline(always)]
    pub(crate) fn touch(self, index: usize) {
        let word = self.0[COUNTERS].load(Ordering::Relaxed);
        if (word >> (2 * index)) & COUNTER_MAX != COUNTER_MAX {
            self.0[COUNTERS].store(word + (1 << (2 * index)), Ordering::Relaxed);
        }
    }

    #[inline(always)]
    pub(crate) fn version(self, order: Ordering) -> u32 {
        self.0[VERSION].load(order)
    }

    /// Whether nothing was written to the bucket, or a record that it names, since its version was loaded.
    #[inline(always)]
    pub(crate) fn is_still(self, version: u32) -> bool {
        fence(Ordering::Acquire);
        version & 1 == 0 && self.version(Ordering::Relaxed) == version
    }

    /// Runs `work` while readers are kept off the bucket and the records that it names.
    #[inline(always)]
    pub(crate) fn change<R>(self, work: impl FnOnce(Self) -> R) -> R {
        let version = self.version(Ordering::Relaxed);
        debug_assert!(version & 1 == 0, "two writers in one bucket");
        self.0[VERSION].store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        let result = work(self);
        self.0[VERSION].store(version.wrapping_add(2), Ordering::Release);
        result
    }

    /// Fills a free slot.
    #[inline]
    pub(crate) fn fill(self, index: usize, tag: u8, reference: Ref, counter: u32) {
        self.change(|bucket| {
            bucket.set_reference(index, reference);
            bucket.set_counter(index, counter);
            bucket.set_tag(index, tag);
        });
    }

    #[inline]
    pub(crate) fn clear(self, index: usize) {
        self.change(|bucket| {
            bucket.set_tag(index, 0);
            bucket.set_counter(index, 0);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tags_match_alike_with_and_without_vectors(low: u64, high: u32, tag in 0..4u8, small: bool) {
            let (low, high) = if small { (low & 0x0303_0303_0303_0303, high & 0x0303_0303) } else { (low, high) };
            prop_assert_eq!(equal_bytes(low, high, tag) & ALL, equal_bytes_in_words(low, high, tag) & ALL);
        }
    }
}
