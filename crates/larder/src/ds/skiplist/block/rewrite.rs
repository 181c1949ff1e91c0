//! How a block is written anew: larger, tighter, in another frame, or as two.
//!
//! Elements keep their slots, but for those whose slots are given back, and those that go to another block.
//!
//! Cost: a copy of the block, of sections where nothing but its capacity changes, of elements otherwise.

use std::ops::Range;

use super::super::frame::Frame;
use super::super::shape::Shape;
use super::{Block, SPARE_BYTES, capacity_for};

impl Block {
    /// Writes the block anew, with room for one element more.
    #[cold]
    pub(super) fn make_room(&mut self, key: u64, bytes: usize) {
        let (len, shape) = (self.len(), self.shape);
        if len == 0 {
            let frame = Frame::of(key, key, std::iter::empty());
            let shape = Shape::new(frame, Some(bytes), capacity_for(1, bytes));
            *self = self.rewritten(0..0, &[], shape, 0);
            return;
        }
        let full = self.stored == self.len && len == shape.capacity();
        let capacity = if full {
            capacity_for(len + 1, (self.member_bytes() + bytes) / (len + 1))
        } else {
            shape.capacity()
        };
        let length = shape.length().filter(|&length| length == bytes);
        let frame = self.frame_with(key);
        let wanted = Shape::new(frame, length, capacity);
        if frame == shape.frame && length.is_some() {
            self.lengthen(wanted);
        } else {
            let slots = self.data[..len].to_vec();
            *self = self.rewritten(0..len, &slots, wanted, bytes);
        }
    }

    /// Adds slots to a block whose members are of one length; all sections are copied as they are.
    fn lengthen(&mut self, shape: Shape) {
        let (old, stored) = (self.shape, usize::from(self.stored));
        let members = shape.capacity() * shape.length().unwrap_or(0);
        let mut data = Vec::with_capacity(shape.bytes(members));
        data.extend_from_slice(&self.data[..stored]);
        data.resize(shape.key_at(0), 0);
        data.extend_from_slice(&self.data[old.key_at(0)..old.key_at(stored)]);
        data.resize(shape.members_at(), 0);
        let held = old.members_at()..old.members_at() + stored * old.length().unwrap_or(0);
        data.extend_from_slice(&self.data[held]);
        data.resize(shape.bytes(members), 0);
        (self.data, self.shape) = (data.into_boxed_slice(), shape);
    }

    /// The frame, or where it does not hold a key, the narrowest that does.
    pub(super) fn frame_with(&self, key: u64) -> Frame {
        if self.shape.frame.holds(key) {
            return self.shape.frame;
        }
        self.frame_of(0..self.len(), Some(key))
    }

    /// The narrowest frame of some elements, one at least, and one more key.
    fn frame_of(&self, part: Range<usize>, more: Option<u64>) -> Frame {
        let (first, last) = (self.key(part.start), self.key(part.end - 1));
        let extra = more.unwrap_or(first);
        let keys = part.map(|i| self.key(i)).chain(more);
        Frame::of(first.min(extra), last.max(extra), keys)
    }

    /// Some elements in slots of their own in another shape; where lengths differ, with room for so many bytes more.
    pub(super) fn rewritten(
        &self,
        part: Range<usize>,
        slots: &[u8],
        shape: Shape,
        more: usize,
    ) -> Block {
        let capacity = shape.capacity();
        let members = match shape.length() {
            Some(length) => capacity * length,
            None => {
                let held = self.member_bytes_of(&part) + more;
                let spare = capacity - part.len().min(capacity);
                held + (spare * held.div_ceil(part.len() + 1)).min(SPARE_BYTES)
            }
        };
        let mut block = Block {
            data: vec![0; shape.bytes(members)].into_boxed_slice(),
            shape,
            ..Block::new(self.prev, self.next, self.above)
        };
        let mut taken = 0_u128;
        for (i, &slot) in part.zip(slots) {
            let from = self.slot(i);
            block.data[block.len()] = slot;
            block.len += 1;
            block.write(slot.into(), self.key_in(from), self.member_in(from));
            taken |= 1 << slot;
        }
        block.stored = (u128::BITS - taken.leading_zeros()) as u8;
        let free = (0..block.stored).filter(|slot| taken >> slot & 1 == 0);
        for (place, slot) in block.data[slots.len()..].iter_mut().zip(free) {
            *place = slot;
        }
        block
    }

    /// Whether so much room is held for nothing that the block should be tightened.
    pub(in super::super) fn is_loose(&self) -> bool {
        let each = 1 + usize::from(self.shape.frame.width);
        let needed = self.len() * each + self.member_bytes();
        self.data.len() > 2 * (needed + SPARE_BYTES)
    }

    /// Gives back what is held for nothing, and returns the slots that have changed for it.
    pub(in super::super) fn tighten(&mut self) -> Vec<(u8, u8)> {
        let len = self.len();
        let shape = self.shape_of(0..len);
        let mut slots = self.data[..len].to_vec();
        let within = |slot: &u8| usize::from(*slot) < shape.capacity();
        let mut taken = slots
            .iter()
            .filter(|slot| within(slot))
            .fold(0_u128, |taken, slot| taken | 1 << slot);
        let mut moved = Vec::new();
        for slot in slots.iter_mut().filter(|slot| !within(slot)) {
            let to = taken.trailing_ones() as u8;
            taken |= 1 << to;
            moved.push((*slot, to));
            *slot = to;
        }
        *self = self.rewritten(0..len, &slots, shape, 0);
        moved
    }

    /// The narrowest shape of some elements.
    fn shape_of(&self, part: Range<usize>) -> Shape {
        let length = self.shape.length().or_else(|| {
            let length = self.member(part.start).len();
            let same = |i: usize| self.member(i).len() == length;
            part.clone().all(same).then_some(length)
        });
        let mean = self.member_bytes_of(&part) / part.len();
        let capacity = capacity_for(part.len() + 1, mean);
        Shape::new(self.frame_of(part, None), length, capacity)
    }

    /// Moves the elements from `at` on to a block of their own, and returns it and the slots that they had: they are
    /// in the slots from 0 on there.
    pub(in super::super) fn split_off(&mut self, at: usize) -> (Block, Vec<u8>) {
        let part = at..self.len();
        let before = self.data[part.clone()].to_vec();
        let slots: Vec<u8> = (0..part.len() as u8).collect();
        let right = self.rewritten(part.clone(), &slots, self.shape_of(part.clone()), 0);
        self.remove(part);
        (right, before)
    }
}
