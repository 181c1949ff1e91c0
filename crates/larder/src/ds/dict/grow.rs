//! How a dict grows and shrinks: one bucket at a time, in order.

use super::super::packed::{Element, NEVER, Packed};
use super::{Dict, SEGMENT, held_by};

/// Elements per bucket, on average, above which the next bucket is split off. Those whose turn is still to come have up
/// to twice as many: more would make each change move more bytes, fewer would cost handles and allocations.
const SPLIT_LEN: usize = 36;
/// Bytes per bucket above which it is split likewise.
const SPLIT_BYTES: u64 = 1536;
/// A bucket is merged below this part of both: far enough that a split is not undone at once.
const MERGE_PART: usize = 3;
/// Steps per change: the second catches up after long elements.
pub(super) const STEPS: usize = 2;

/// At most so many buckets are made for so many elements in so many bytes.
pub(super) fn most_buckets(elements: usize, bytes: usize) -> usize {
    let long = (bytes / SPLIT_BYTES as usize).min(elements);
    (elements / SPLIT_LEN).max(long) + 1
}

impl<const SHORT: usize> Dict<SHORT> {
    /// Splits a bucket or two if the blocks are too full: to be called after elements were put.
    pub(crate) fn grow(&mut self, hash_of: impl Fn(&[u8]) -> u64) {
        for _ in 0..STEPS {
            let long = self.used > SPLIT_BYTES * self.buckets as u64 && self.buckets < self.len;
            if !long && self.len <= SPLIT_LEN * self.buckets {
                return;
            }
            self.split(&hash_of);
        }
    }

    /// Merges a bucket or two if the blocks are too empty: to be called after elements were removed.
    pub(crate) fn shrink(&mut self) {
        for _ in 0..STEPS {
            let part = self.buckets / MERGE_PART;
            if self.len >= SPLIT_LEN * part || self.used >= SPLIT_BYTES * part as u64 {
                return;
            }
            self.merge();
        }
    }

    /// The bucket that stood for `fresh` before it was there.
    fn elder(fresh: usize) -> usize {
        fresh - (1 << fresh.ilog2())
    }

    fn split(&mut self, hash_of: impl Fn(&[u8]) -> u64) {
        let fresh = self.buckets;
        let elder = Self::elder(fresh);
        let bit = 1_u64 << fresh.ilog2();
        let (moved, kept): (Vec<Element<'_>>, Vec<Element<'_>>) = self
            .block(elder)
            .iter()
            .partition(|element| hash_of(element.key) & bit != 0);
        let (moved, kept) = (Packed::of(&moved), Packed::of(&kept));
        let due = if self.dues.of(elder) == NEVER {
            NEVER
        } else {
            moved.next_due()
        };
        self.change(elder, |block| *block = kept);
        self.add_bucket(moved);
        self.dues.lower(fresh, due);
    }

    fn merge(&mut self) {
        let last = self.buckets - 1;
        let elder = Self::elder(last);
        let block = self.drop_bucket();
        let due = self.dues.of(last);
        if due != NEVER {
            self.dues.set(last, NEVER);
            self.dues.lower(elder, due);
        }
        self.change(elder, |into| {
            let all: Vec<Element<'_>> = into.iter().chain(block.iter()).collect();
            *into = Packed::of(&all);
        });
    }

    /// Appends a bucket.
    pub(super) fn add_bucket(&mut self, block: Packed<SHORT>) {
        if self.buckets.is_multiple_of(SEGMENT) {
            self.segments.push(Vec::new());
        }
        let segment = self.segments.last_mut().expect("a segment was just pushed");
        self.held -= held_by(segment.capacity(), size_of::<Packed<SHORT>>());
        self.used += block.bytes().len() as u64;
        self.held += held_by(block.capacity(), 1);
        self.fullest = self.fullest.max(block.len());
        segment.push(block);
        self.held += held_by(segment.capacity(), size_of::<Packed<SHORT>>());
        self.buckets += 1;
    }

    /// Takes the last bucket off.
    fn drop_bucket(&mut self) -> Packed<SHORT> {
        let segment = self.segments.last_mut().expect("the last bucket is there");
        let block = segment.pop().expect("no segment is empty");
        self.used -= block.bytes().len() as u64;
        self.held -= held_by(block.capacity(), 1);
        if segment.is_empty() {
            self.held -= held_by(segment.capacity(), size_of::<Packed<SHORT>>());
            self.segments.pop();
        }
        self.buckets -= 1;
        block
    }
}
