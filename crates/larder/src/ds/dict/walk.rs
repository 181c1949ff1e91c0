//! Walks over a dict: all elements, a scan that survives changes, a draw.
//!
//! Read from its lowest bit on, a hash is a place on a line, and a bucket is a stretch of that line, halved when the
//! bucket is split and joined when it is merged. A scan goes along the line, and its cursor is the place that it has
//! reached: whatever is split or merged meanwhile, what lies beyond the cursor is still to come. This is the reversed
//! counter of Redis' cursors, stated for buckets of two depths.

use super::super::packed::Element;
use super::{Dict, Spot};

/// Draws of a bucket that are rejected before the next bucket with elements is taken. One draw in three is accepted at
/// an ordinary fill, so this ends a draw only where the source of numbers is broken.
const DRAWS: usize = 200;

/// A number below `end`, from 64 random bits.
#[inline]
pub(crate) fn below(end: usize, bits: u64) -> usize {
    ((u128::from(bits) * end as u128) >> 64) as usize
}

impl<const SHORT: usize> Dict<SHORT> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = Element<'_>> {
        self.segments
            .iter()
            .flatten()
            .flat_map(|block| block.iter())
    }

    /// How many bits of a hash decide that it belongs to a bucket.
    fn depth(&self, bucket: usize) -> u32 {
        let level = self.buckets.ilog2();
        let below = 1 << level;
        level + u32::from((bucket & (below - 1)) + below < self.buckets)
    }

    /// Visits the elements of whole buckets, from a cursor on, until it has seen `count`; returns the next cursor, 0 at the end.
    pub(crate) fn scan(
        &self,
        cursor: u64,
        count: usize,
        visit: &mut dyn FnMut(Element<'_>),
    ) -> u64 {
        let (mut at, mut seen) = (cursor, 0);
        while self.buckets > 0 {
            let bucket = self.bucket_of(at.reverse_bits());
            let block = self.block(bucket);
            block.iter().for_each(&mut *visit);
            seen += block.len().max(1);
            let last = at | (u64::MAX >> self.depth(bucket));
            at = last.wrapping_add(1);
            if at == 0 || seen >= count {
                return at;
            }
        }
        0
    }

    /// A place, each with the same chance; `None` if there are no elements.
    pub(crate) fn draw(&self, draw: &mut dyn FnMut() -> u64) -> Option<Spot> {
        if self.len == 0 {
            return None;
        }
        let mut bucket = 0;
        for _ in 0..DRAWS {
            bucket = below(self.buckets, draw());
            let index = below(self.fullest, draw());
            if index < self.block(bucket).len() {
                return Some(Spot { bucket, index });
            }
        }
        let order = (bucket..self.buckets).chain(0..bucket);
        let bucket = order
            .into_iter()
            .find(|&bucket| self.block(bucket).len() > 0)?;
        Some(Spot { bucket, index: 0 })
    }
}
