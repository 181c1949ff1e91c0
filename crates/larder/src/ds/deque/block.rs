//! `Block`: a run of elements with a gap on both sides.
//!
//! ```text
//! buffer  [ gap | run ................ | gap ]
//!           start                    end
//! ```
//!
//! An insertion moves the shorter side of the run into its gap. Where only the other gap has room, the run slides so
//! that half of the free bytes are on the side that grows. Cost: at most one move of the run, 4 KiB.

use super::End;
use super::element::{Codes, Element, last_len, offset_of};

/// Most bytes of a run of several elements: a change moves at most these, and they fit a page.
pub(super) const MAX: usize = 4096;
/// A longer element has a block of its own, of its size: shared, such elements would waste up to half of a block.
pub(super) const SOLO: usize = 1024;
/// Smallest buffer.
const MIN: usize = 64;
/// A run that fills less than this part of its buffer gets a smaller one.
const SPARSE: usize = 4;
/// What the allocator takes for itself.
pub(super) const ALLOCATION: usize = 16;

#[derive(Clone)]
pub(super) struct Block {
    buffer: Box<[u8]>,
    start: u32,
    end: u32,
    count: u32,
}

/// The buffer for a run of so many bytes.
pub(super) fn capacity_for(bytes: usize) -> usize {
    if bytes > MAX {
        bytes
    } else {
        bytes.next_power_of_two().max(MIN)
    }
}

impl Block {
    /// An empty block with a buffer of `capacity` bytes, which grows at this end.
    pub(super) fn new(capacity: usize, growing: End) -> Self {
        let start = match growing {
            End::Front => capacity as u32,
            End::Back => 0,
        };
        Block {
            buffer: vec![0; capacity].into_boxed_slice(),
            start,
            end: start,
            count: 0,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count as usize
    }

    /// Bytes of the run.
    pub(super) fn len(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// Bytes held, beside the block itself.
    pub(super) fn bytes(&self) -> u64 {
        (self.buffer.len() + ALLOCATION) as u64
    }

    pub(super) fn is_solo(&self) -> bool {
        self.count == 1 && self.len() > SOLO
    }

    /// Whether a code of this size belongs here.
    pub(super) fn takes(&self, code_len: usize) -> bool {
        code_len <= SOLO && !self.is_solo() && self.len() + code_len <= MAX
    }

    pub(super) fn run(&self) -> &[u8] {
        &self.buffer[self.start as usize..self.end as usize]
    }

    pub(super) fn codes(&self) -> Codes<'_> {
        Codes(self.run())
    }

    /// Where the element with this index begins.
    #[inline]
    pub(super) fn offset_of(&self, index: usize) -> usize {
        if index + 1 == self.count() {
            let run = self.run();
            return run.len() - last_len(run);
        }
        offset_of(self.run(), self.count(), index)
    }

    /// Inserts an element where `offset` bytes of the run come before it.
    #[inline]
    pub(super) fn insert(&mut self, offset: usize, element: Element<'_>) {
        let need = element.code_len();
        let at = self.open(offset, need);
        element.encode(&mut self.buffer[at..at + need]);
        self.count += 1;
    }

    /// Opens a hole of `need` bytes in the run; says where it begins in the buffer.
    #[inline]
    fn open(&mut self, offset: usize, need: usize) -> usize {
        let (before, len) = (offset, self.len());
        let growing = if before * 2 < len || (len == 0 && self.start > 0) {
            End::Front
        } else {
            End::Back
        };
        if self.gap(growing) < need {
            self.make_gap(growing, need);
        }
        let (start, end) = (self.start as usize, self.end as usize);
        let at = start + offset;
        match growing {
            End::Front => {
                self.buffer.copy_within(start..at, start - need);
                self.start -= need as u32;
                at - need
            }
            End::Back => {
                self.buffer.copy_within(at..end, at + need);
                self.end += need as u32;
                at
            }
        }
    }

    fn gap(&self, side: End) -> usize {
        match side {
            End::Front => self.start as usize,
            End::Back => self.buffer.len() - self.end as usize,
        }
    }

    /// Slides the run within its buffer, or into a larger one, so that there are `need` free bytes on a side.
    #[cold]
    fn make_gap(&mut self, side: End, need: usize) {
        let len = self.len();
        if len + need > self.buffer.len() {
            self.refit(capacity_for(len + need), side);
            return;
        }
        let free = self.buffer.len() - len;
        let gap = need + (free - need) / 2;
        let start = match side {
            End::Front => gap,
            End::Back => free - gap,
        };
        let run = self.start as usize..self.end as usize;
        self.buffer.copy_within(run, start);
        self.start = start as u32;
        self.end = (start + len) as u32;
    }

    /// Moves the run into a buffer of this size, all of whose gap is on one side.
    fn refit(&mut self, capacity: usize, gap: End) {
        let mut fitted = Block::new(capacity, gap);
        let len = self.len() as u32;
        match gap {
            End::Front => fitted.start -= len,
            End::Back => fitted.end += len,
        }
        fitted.buffer[fitted.start as usize..fitted.end as usize].copy_from_slice(self.run());
        fitted.count = self.count;
        *self = fitted;
    }

    /// Removes the code of `len` bytes at `offset`.
    #[inline]
    pub(super) fn remove(&mut self, offset: usize, len: usize) {
        let (start, end) = (self.start as usize, self.end as usize);
        let at = start + offset;
        if offset * 2 < self.len() {
            self.buffer.copy_within(start..at, start + len);
            self.start += len as u32;
        } else {
            self.buffer.copy_within(at + len..end, at);
            self.end -= len as u32;
        }
        self.count -= 1;
    }

    /// Keeps the codes that `keep` agrees to, asked from the front.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&[u8]) -> bool) {
        let (mut from, mut to) = (self.start as usize, self.start as usize);
        let end = self.end as usize;
        while from < end {
            let len = super::element::first_len(&self.buffer[from..end]);
            if keep(&self.buffer[from..from + len]) {
                self.buffer.copy_within(from..from + len, to);
                to += len;
            } else {
                self.count -= 1;
            }
            from += len;
        }
        self.end = to as u32;
    }

    /// Gives unused bytes back if most are unused.
    pub(super) fn shrink(&mut self, growing: End) {
        if self.buffer.len() > MIN && self.len() * SPARSE < self.buffer.len() {
            self.refit(capacity_for(self.len() * 2), growing);
        }
    }

    /// Gives unused bytes back that a block will hardly need, because the list now ends elsewhere.
    pub(super) fn close(&mut self) {
        if self.len() < self.buffer.len() / 4 * 3 {
            self.refit(self.len(), End::Back);
        }
    }

    /// Takes off what comes after the first `count` elements.
    pub(super) fn split_off(&mut self, count: usize) -> Block {
        let offset = offset_of(self.run(), self.count(), count);
        let rest = &self.run()[offset..];
        let mut after = Block::new(capacity_for(rest.len()), End::Back);
        after.append(rest, self.count() - count);
        self.end = self.start + offset as u32;
        self.count = count as u32;
        self.refit(capacity_for(offset), End::Back);
        after
    }

    /// Appends a run of `count` elements.
    pub(super) fn append(&mut self, run: &[u8], count: usize) {
        if self.gap(End::Back) < run.len() {
            self.make_gap(End::Back, run.len());
        }
        let end = self.end as usize;
        self.buffer[end..end + run.len()].copy_from_slice(run);
        self.end += run.len() as u32;
        self.count += count as u32;
    }
}
