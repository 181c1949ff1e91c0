//! `Dict`: any number of elements by key, in packed blocks under linear hashing.
//!
//! ```text
//! hash ── low bits ──> bucket ──> segment of 64 buckets ──> packed block ── tags ──> element
//! ```
//!
//! A bucket is one packed block of some 36 to 72 elements, or some 1.5 to 3 KiB. With `n` buckets, a hash goes to its low
//! bits modulo the next power of two, or half of it where that bucket is not there yet. When the blocks are fuller than
//! that on average, the next bucket in order takes its share of the one that stood for it; when they are emptier than a
//! third, the last one goes back. So each change does a bounded step, and nothing of any size is ever copied at once.
//!
//! * `grow` holds the steps, `walk` scanning and drawing, `dues` the deadlines.
//! * Invariant: an element is in the bucket that its hash names; a key is there once.
//! * Cost: find, put, remove O(1), three cache lines far apart: handle, tags, element. 20 bytes per 16-byte key, all told.
//! * A block is moved when it changes: where values are very large, so are the moves.

mod dues;
mod grow;
mod walk;

use dues::Dues;
pub(crate) use walk::below;

use super::packed::{Element, HEAD, MOST_OVERHEAD, MOST_ROUNDING, MOST_SLACK, Packed};

/// Buckets of a segment, whose handles are one allocation.
const SEGMENT: usize = 64;
/// Bytes of a full segment.
const SEGMENT_BYTES: usize = SEGMENT * size_of::<Vec<u8>>() + ALLOCATION;
/// What an allocator spends on an allocation beside its size.
pub(crate) const ALLOCATION: usize = 16;

/// Elements in packed blocks, by hash; see the module's text.
#[derive(Debug, Default)]
pub(crate) struct Dict<const SHORT: usize> {
    /// All are full but the last.
    segments: Vec<Vec<Packed<SHORT>>>,
    /// Buckets in all segments; at least one once there is an element.
    buckets: usize,
    len: usize,
    /// Bytes in use in all blocks.
    used: u64,
    /// Bytes held by blocks and segments.
    held: u64,
    /// No block ever had more elements.
    fullest: usize,
    dues: Dues,
}

/// Where an element is, until the next change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Spot {
    bucket: usize,
    index: usize,
}

fn held_by(capacity: usize, item: usize) -> u64 {
    match capacity {
        0 => 0,
        some => (some * item + ALLOCATION) as u64,
    }
}

impl<const SHORT: usize> Clone for Dict<SHORT> {
    fn clone(&self) -> Self {
        let mut clone = Dict {
            segments: self.segments.clone(),
            dues: self.dues.clone(),
            held: 0,
            ..*self
        };
        // A clone's buffers are as long as what they hold.
        let blocks = clone.segments.iter().flatten();
        let blocks: u64 = blocks.map(|block| held_by(block.capacity(), 1)).sum();
        let segments = clone.segments.iter().map(Vec::capacity);
        let segments = segments.map(|handles| held_by(handles, size_of::<Packed<SHORT>>()));
        clone.held = blocks + segments.sum::<u64>();
        clone
    }
}

impl<const SHORT: usize> Dict<SHORT> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes in use in all blocks.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// Bytes held on the heap, with what the allocator adds.
    pub(crate) fn bytes(&self) -> u64 {
        let spine = held_by(self.segments.capacity(), size_of::<Vec<Packed<SHORT>>>());
        self.held + spine + self.dues.bytes()
    }

    /// Bytes held by segments.
    fn handles(&self) -> u64 {
        self.segments.split_last().map_or(0, |(last, full)| {
            (full.len() * SEGMENT_BYTES) as u64
                + held_by(last.capacity(), size_of::<Packed<SHORT>>())
        })
    }

    /// At most so many bytes more are held once so many elements with so many bytes were put.
    ///
    /// For few elements: what they may lengthen and split. For many: what all may hold then.
    pub(crate) fn growth(&self, elements: usize, bytes: usize) -> u64 {
        // An element may be the first of its block to want wide codes for all.
        let used = self.used as usize + self.len + bytes + elements * (MOST_OVERHEAD + HEAD);
        let most = grow::most_buckets(self.len + elements, used).max(self.buckets);
        let splits = (most - self.buckets).min(grow::STEPS * elements + 1);
        let block = HEAD + MOST_ROUNDING + ALLOCATION;
        let singly = elements * (MOST_OVERHEAD + MOST_ROUNDING + self.fullest)
            + bytes
            + (2 * splits + 1) * block;
        let together = used + used / 8 + most * (block + MOST_SLACK);
        let held = self.held - self.handles();
        let blocks = (singly as u64).min((together as u64).saturating_sub(held));
        let spine = self.segments.capacity().max(most / SEGMENT + 4);
        let frame = match splits {
            0 => 0,
            some => (some / SEGMENT + 2) * SEGMENT_BYTES + spine * size_of::<Vec<Packed<SHORT>>>(),
        };
        let dues = match SHORT {
            1 => 0,
            _ => Dues::most_bytes(most).saturating_sub(self.dues.bytes()),
        };
        blocks + (frame + ALLOCATION) as u64 + dues
    }

    /// The bucket of a hash.
    #[inline]
    fn bucket_of(&self, hash: u64) -> usize {
        let below = 1_usize << self.buckets.ilog2();
        let bucket = hash as usize & (2 * below - 1);
        if bucket < self.buckets {
            bucket
        } else {
            bucket & (below - 1)
        }
    }

    #[inline]
    fn block(&self, bucket: usize) -> &Packed<SHORT> {
        &self.segments[bucket / SEGMENT][bucket % SEGMENT]
    }

    /// Changes a block and keeps the sums right.
    fn change<R>(&mut self, bucket: usize, work: impl FnOnce(&mut Packed<SHORT>) -> R) -> R {
        let block = &mut self.segments[bucket / SEGMENT][bucket % SEGMENT];
        let used = block.bytes().len() as u64;
        let held = held_by(block.capacity(), 1);
        let result = work(block);
        block.trim();
        self.used = self.used + block.bytes().len() as u64 - used;
        self.held = self.held + held_by(block.capacity(), 1) - held;
        self.fullest = self.fullest.max(block.len());
        result
    }

    /// The place of a key.
    #[inline]
    pub(crate) fn spot(&self, hash: u64, key: &[u8]) -> Option<Spot> {
        if self.len == 0 {
            return None;
        }
        let bucket = self.bucket_of(hash);
        let index = self.block(bucket).find(key)?;
        Some(Spot { bucket, index })
    }

    /// The element at a place.
    pub(crate) fn at(&self, spot: Spot) -> Element<'_> {
        self.block(spot.bucket).get(spot.index)
    }

    pub(crate) fn find(&self, hash: u64, key: &[u8]) -> Option<Element<'_>> {
        Some(self.at(self.spot(hash, key)?))
    }

    /// Puts an element, in place of that with its key if there is one; tells whether there was none. Splits nothing.
    pub(crate) fn put(&mut self, hash: u64, element: Element<'_>) -> bool {
        if self.buckets == 0 {
            self.add_bucket(Packed::default());
        }
        let bucket = self.bucket_of(hash);
        let new = self.change(bucket, |block| match block.find(element.key) {
            Some(index) => {
                block.replace(index, element);
                false
            }
            None => {
                block.push(element);
                true
            }
        });
        self.len += usize::from(new);
        self.dues.lower(bucket, element.due);
        new
    }

    /// Takes the element at a place out. Merges nothing.
    pub(crate) fn remove(&mut self, spot: Spot) {
        self.change(spot.bucket, |block| block.remove(spot.index));
        self.len -= 1;
    }

    /// No deadline is earlier; [`NEVER`](super::packed::NEVER) if there is none.
    pub(crate) fn next_due(&self) -> u64 {
        self.dues.next()
    }

    /// The place of an element that is due.
    pub(crate) fn due(&mut self, now: u64) -> Option<Spot> {
        while let Some(bucket) = self.dues.first(now) {
            let block = &self.segments[bucket / SEGMENT][bucket % SEGMENT];
            if let Some(index) = block.iter().position(|element| element.due <= now) {
                return Some(Spot { bucket, index });
            }
            self.dues.set(bucket, block.next_due());
        }
        None
    }

    /// How many elements are due; O(1) if none may be.
    pub(crate) fn count_due(&self, now: u64) -> usize {
        if self.next_due() > now {
            return 0;
        }
        let buckets = (0..self.buckets).filter(|&bucket| self.dues.of(bucket) <= now);
        let due = |bucket| {
            self.block(bucket)
                .iter()
                .filter(|element| element.due <= now)
        };
        buckets.map(|bucket| due(bucket).count()).sum()
    }

    /// Checks sums, places and deadlines against the blocks.
    #[cfg(test)]
    pub(crate) fn assert_invariants(&self, hash_of: impl Fn(&[u8]) -> u64) {
        let (mut len, mut used, mut held) = (0, 0, 0);
        for (at, segment) in self.segments.iter().enumerate() {
            let last = at + 1 == self.segments.len();
            assert!(last && !segment.is_empty() || segment.len() == SEGMENT);
            held += held_by(segment.capacity(), size_of::<Packed<SHORT>>());
        }
        for bucket in 0..self.buckets {
            let block = self.block(bucket);
            block.assert_invariants();
            len += block.len();
            used += block.bytes().len() as u64;
            held += held_by(block.capacity(), 1);
            assert!(block.len() <= self.fullest);
            assert!(self.dues.of(bucket) <= block.next_due());
            for element in block.iter() {
                assert_eq!(self.bucket_of(hash_of(element.key)), bucket);
            }
        }
        let buckets: usize = self.segments.iter().map(Vec::len).sum();
        assert_eq!((buckets, len), (self.buckets, self.len));
        assert_eq!((used, held), (self.used, self.held));
        let next = self.iter().map(|element| element.due).min();
        assert!(self.next_due() <= next.unwrap_or(super::packed::NEVER));
        self.dues.assert_invariants(self.buckets);
    }
}

#[cfg(test)]
mod tests;
