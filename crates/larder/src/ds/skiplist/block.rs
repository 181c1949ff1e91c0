//! `Block`: a run of elements in order, packed into one allocation.
//!
//! ```text
//! data   tags [len] | scores [len × width] | ends [len × 2 or 4] | members, one behind the other
//! ```
//!
//! * A score is held as its distance from the block's `base`, shifted right by `shift` (the low bits in which all
//!   scores agree), in `width` bytes: none where all scores are equal, one or two for integers that lie close, five
//!   for a million random floats. A score that does not fit reframes the block.
//! * An end is where a member ends, counted from the first; four bytes only where the members pass 64 KiB.
//! * Elements that are popped off the front stay in the sections, uncounted, until they are half of them.
//! * The allocation grows in steps, so that a block holds what it needs and little more.
//!
//! Cost: inserting and removing move the bytes behind the place, at most some 2 KiB in four copies.

use std::cmp::Ordering;
use std::ops::Range;

use super::frame::Frame;
use super::search::partition;
use super::tagged::Tagged;

/// Most elements of a block. Larger blocks hold less beside the elements, and take longer to search and to change.
pub(super) const MAX_LEN: usize = 96;
/// A block of more bytes is split, unless it has one element only.
pub(super) const MAX_BYTES: usize = 4096;
/// Capacities are multiples of this, less the eight bytes that an allocator puts before them.
const STEP: usize = 128;
/// What the allocator takes, at most, beside an allocation.
const ALLOCATED: u64 = 16;

/// One element of a block.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) key: u64,
    pub(super) tag: u8,
    pub(super) member: &'a [u8],
}

/// See the module's text.
#[derive(Clone, Default)]
pub(crate) struct Block {
    data: Vec<u8>,
    frame: Frame,
    /// The neighbours, and the node above; `NIL` for none.
    pub(super) prev: u32,
    pub(super) next: u32,
    pub(super) parent: u32,
    len: u8,
    /// Elements at the front that were taken out, but are still in all sections.
    gone: u8,
    /// Whether ends take four bytes.
    wide: bool,
}

impl Block {
    pub(super) fn new(prev: u32, next: u32, parent: u32) -> Self {
        Block {
            prev,
            next,
            parent,
            ..Block::default()
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Elements in the sections.
    #[inline]
    fn stored(&self) -> usize {
        usize::from(self.gone) + self.len()
    }

    /// Where element `i` stands in the sections.
    #[inline]
    fn slot(&self, i: usize) -> usize {
        usize::from(self.gone) + i
    }

    /// Bytes in use.
    pub(super) fn used(&self) -> usize {
        self.data.len()
    }

    /// Bytes held on the heap.
    pub(super) fn held(&self) -> u64 {
        match self.data.capacity() {
            0 => 0,
            capacity => capacity as u64 + ALLOCATED,
        }
    }

    /// Asks for what a search reads first.
    #[inline]
    pub(super) fn approach(&self) {
        if let Some(first) = self.data.get(self.slot(0)) {
            crate::ds::approach(first);
        }
    }

    #[inline]
    fn width(&self) -> usize {
        usize::from(self.frame.width)
    }

    #[inline]
    fn end_width(&self) -> usize {
        2 << u32::from(self.wide)
    }

    #[inline]
    fn ends_at(&self) -> usize {
        self.stored() * (1 + self.width())
    }

    #[inline]
    fn members_at(&self) -> usize {
        self.ends_at() + self.stored() * self.end_width()
    }

    /// Where member `i` ends, from the first member's start.
    #[inline]
    fn end(&self, i: usize) -> usize {
        self.end_in(self.slot(i))
    }

    /// Where the member of a slot ends.
    #[inline]
    fn end_in(&self, slot: usize) -> usize {
        let at = self.ends_at() + slot * self.end_width();
        if self.wide {
            u32::from_le_bytes([
                self.data[at],
                self.data[at + 1],
                self.data[at + 2],
                self.data[at + 3],
            ]) as usize
        } else {
            usize::from(u16::from_le_bytes([self.data[at], self.data[at + 1]]))
        }
    }

    #[inline]
    fn start(&self, i: usize) -> usize {
        match self.slot(i) {
            0 => 0,
            slot => self.end_in(slot - 1),
        }
    }

    #[inline]
    pub(super) fn member(&self, i: usize) -> &[u8] {
        let members = &self.data[self.members_at()..];
        &members[self.start(i)..self.end(i)]
    }

    /// The score of element `i`, in the order's form.
    #[inline]
    pub(super) fn key(&self, i: usize) -> u64 {
        self.frame.base + (self.held_key(i) << self.frame.shift)
    }

    /// The score of element `i`, as the frame holds it.
    #[inline]
    fn held_key(&self, i: usize) -> u64 {
        let width = self.width();
        let at = self.stored() + self.slot(i) * width;
        if let Some(word) = self.data[at..].first_chunk() {
            u64::from_le_bytes(*word) & self.frame.most()
        } else {
            let mut word = [0; 8];
            word[..width].copy_from_slice(&self.data[at..at + width]);
            u64::from_le_bytes(word)
        }
    }

    #[inline]
    pub(super) fn element(&self, i: usize) -> Element<'_> {
        Element {
            key: self.key(i),
            tag: self.data[self.slot(i)],
            member: self.member(i),
        }
    }

    /// The place of the member.
    #[inline]
    pub(super) fn find(&self, tag: u8, member: &[u8]) -> Option<usize> {
        self.tagged(tag).find(|&i| {
            // Where members are as long as this one, it stands here: the line comes while the end is read.
            let likely = self.members_at() + self.slot(i) * member.len();
            if let Some(first) = self.data.get(likely) {
                crate::ds::approach(first);
            }
            self.member(i) == member
        })
    }

    /// The places whose tag is this one, eight compared at a time.
    #[inline]
    pub(super) fn tagged(&self, tag: u8) -> Tagged<'_> {
        Tagged::new(&self.data[self.slot(0)..self.stored()], tag)
    }

    /// How many elements come before this score and member.
    #[inline]
    pub(super) fn place_of(&self, key: u64, member: &[u8]) -> usize {
        let Some(distance) = key.checked_sub(self.frame.base) else {
            return 0;
        };
        let wanted = distance >> self.frame.shift;
        let first = partition(0..self.len(), |i| self.held_key(i) < wanted);
        // Held scores that are the same are the same scores, unless the low bits of the wanted one were cut off.
        let cut_off = wanted << self.frame.shift != distance;
        let before = |i: usize| self.held_key(i) == wanted && (cut_off || self.member(i) < member);
        if first == self.len() || !before(first) {
            return first;
        }
        partition(first + 1..self.len(), before)
    }

    /// Bytes of the members of some elements.
    pub(super) fn member_bytes(&self, range: &Range<usize>) -> usize {
        self.start(range.end) - self.start(range.start)
    }

    /// The element in which half of the members' bytes end, so that two halves of about the same size can be made.
    pub(super) fn middle(&self) -> usize {
        let (len, all) = (self.len(), self.end(self.len() - 1));
        // Elements count too, where members are short.
        let weight = |i: usize| self.start(i) + i * 12;
        partition(0..len, |i| weight(i) * 2 < all + len * 12)
    }

    /// Compares element `i` with this score and member.
    pub(super) fn compare(&self, i: usize, key: u64, member: &[u8]) -> Ordering {
        self.key(i)
            .cmp(&key)
            .then_with(|| self.member(i).cmp(member))
    }

    /// Puts an element to place `i`, where it belongs.
    pub(super) fn insert(&mut self, i: usize, new: Element<'_>) {
        self.settle();
        if self.len == 0 {
            self.frame = Frame::of(new.key, new.key, std::iter::empty());
        } else if !self.frame.holds(new.key) {
            self.reframe(Some(new.key));
        }
        let added = new.member.len();
        let total = self.data.len() - self.members_at() + added;
        if total > usize::from(u16::MAX) && !self.wide {
            self.widen();
        }
        let (len, width, end_width) = (self.len(), self.width(), self.end_width());
        let (keys_at, ends_at, members_at) = (len, self.ends_at(), self.members_at());
        let start = self.start(i);
        let old = self.data.len();
        self.reserve(1 + width + end_width + added);
        self.data.resize(old + 1 + width + end_width + added, 0);
        let data = &mut self.data[..];
        let (key_at, end_at) = (keys_at + i * width, ends_at + i * end_width);
        let shift = 1 + width + end_width;
        data.copy_within(members_at + start..old, members_at + start + shift + added);
        data.copy_within(end_at..members_at + start, end_at + shift);
        data.copy_within(key_at..end_at, key_at + 1 + width);
        data.copy_within(i..key_at, i + 1);
        data[i] = new.tag;
        let held = (new.key - self.frame.base) >> self.frame.shift;
        data[key_at + 1..key_at + 1 + width].copy_from_slice(&held.to_le_bytes()[..width]);
        let member_at = members_at + start + shift;
        data[member_at..member_at + added].copy_from_slice(new.member);
        self.len += 1;
        let end = (start + added) as u32;
        let end_at = end_at + 1 + width;
        self.data[end_at..end_at + end_width].copy_from_slice(&end.to_le_bytes()[..end_width]);
        self.move_ends(i + 1, added as u32);
        // A narrower frame may have left room.
        self.trim();
    }

    /// Takes elements out at the front, fewer than all, without moving the others each time.
    pub(super) fn remove_front(&mut self, n: usize) {
        debug_assert!(n < self.len());
        self.gone += n as u8;
        self.len -= n as u8;
        if self.gone >= self.len || self.start(0) > MAX_BYTES / 2 {
            self.settle();
        }
    }

    /// Moves the elements to where those stood that are gone.
    fn settle(&mut self) {
        let gone = std::mem::take(&mut self.gone);
        if gone > 0 {
            self.len += gone;
            self.remove(0..usize::from(gone));
        }
    }

    /// Takes elements out.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        self.settle();
        let (len, width, end_width) = (self.len(), self.width(), self.end_width());
        let n = range.len();
        let (ends_at, members_at) = (self.ends_at(), self.members_at());
        let (start, end) = (self.start(range.start), self.start(range.end));
        let data = &mut self.data[..];
        let key_at = |i: usize| len + i * width;
        let end_at = |i: usize| ends_at + i * end_width;
        let old = data.len();
        data.copy_within(range.end..key_at(range.start), range.start);
        let mut out = key_at(range.start) - n;
        data.copy_within(key_at(range.end)..end_at(range.start), out);
        out += end_at(range.start) - key_at(range.end);
        data.copy_within(end_at(range.end)..members_at + start, out);
        out += members_at + start - end_at(range.end);
        data.copy_within(members_at + end..old, out);
        out += old - members_at - end;
        self.data.truncate(out);
        self.len -= n as u8;
        self.move_ends(range.start, ((end - start) as u32).wrapping_neg());
        self.trim();
    }

    /// Adds to the ends from `i` on; a wrapped sum subtracts.
    fn move_ends(&mut self, i: usize, by: u32) {
        let from = self.ends_at() + i * self.end_width();
        let to = self.members_at();
        let ends = &mut self.data[from..to];
        if self.wide {
            for end in ends.as_chunks_mut::<4>().0 {
                *end = u32::from_le_bytes(*end).wrapping_add(by).to_le_bytes();
            }
        } else {
            for end in ends.as_chunks_mut::<2>().0 {
                *end = u16::from_le_bytes(*end)
                    .wrapping_add(by as u16)
                    .to_le_bytes();
            }
        }
    }

    /// Holds the scores in the narrowest frame in which there is room for one more.
    fn reframe(&mut self, more: Option<u64>) {
        let mut keys = [0; MAX_LEN + 1];
        let len = self.len();
        for (i, key) in keys[..len].iter_mut().enumerate() {
            *key = self.key(i);
        }
        let keys = &keys[..len];
        let extra = more.unwrap_or(keys[0]);
        let (first, last) = (keys[0].min(extra), keys[len - 1].max(extra));
        let frame = Frame::of(first, last, keys.iter().copied().chain(more));
        self.resize_section(len, self.ends_at(), len * usize::from(frame.width));
        self.frame = frame;
        let width = self.width();
        if width > 0 {
            for (key, out) in keys.iter().zip(self.data[len..].chunks_exact_mut(width)) {
                let held = (key - frame.base) >> frame.shift;
                out.copy_from_slice(&held.to_le_bytes()[..width]);
            }
        }
    }

    /// Gives the ends four bytes each.
    fn widen(&mut self) {
        let ends: Vec<u32> = (0..self.len()).map(|i| self.end(i) as u32).collect();
        let (from, to) = (self.ends_at(), self.members_at());
        self.resize_section(from, to, ends.len() * 4);
        self.wide = true;
        for (end, out) in ends.iter().zip(self.data[from..].as_chunks_mut::<4>().0) {
            *out = end.to_le_bytes();
        }
    }

    /// Makes the section `from..to` so many bytes long; what it holds is to be written anew.
    fn resize_section(&mut self, from: usize, to: usize, wanted: usize) {
        let (held, old) = (to - from, self.data.len());
        if wanted > held {
            self.reserve(wanted - held);
            self.data.resize(old + wanted - held, 0);
            self.data.copy_within(to..old, from + wanted);
        } else {
            self.data.copy_within(to..old, from + wanted);
            self.data.truncate(old + wanted - held);
        }
    }

    /// Makes room, in steps.
    fn reserve(&mut self, more: usize) {
        let needed = self.data.len() + more;
        if needed > self.data.capacity() {
            self.data
                .reserve_exact(capacity_for(needed) - self.data.len());
        }
    }

    /// Gives back what is not needed, in steps, but keeps a step to spare.
    fn trim(&mut self) {
        if self.data.len() + 2 * STEP <= self.data.capacity() {
            self.data.shrink_to(capacity_for(self.data.len()));
        }
    }

    /// Moves the elements from `at` on to a block of their own.
    pub(super) fn split_off(&mut self, at: usize) -> Block {
        self.settle();
        let mut right = self.copy_from(at);
        right.reframe(None);
        right.data.shrink_to(capacity_for(right.data.len()));
        self.remove(at..self.len());
        if self.len > 0 {
            self.reframe(None);
        }
        self.data.shrink_to(capacity_for(self.data.len()));
        right
    }

    /// A block of the elements from `at` on, one at least, in the same frame.
    fn copy_from(&self, at: usize) -> Block {
        let (len, n, start) = (self.len(), self.len() - at, self.start(at));
        let sections = [
            &self.data[at..len],
            &self.data[len + at * self.width()..self.ends_at()],
            &self.data[self.ends_at() + at * self.end_width()..self.members_at()],
            &self.data[self.members_at() + start..],
        ];
        let mut data = Vec::new();
        let bytes = sections.iter().map(|section| section.len()).sum();
        data.reserve_exact(capacity_for(bytes));
        for section in sections {
            data.extend_from_slice(section);
        }
        let mut copy = Block {
            data,
            frame: self.frame,
            len: n as u8,
            wide: self.wide,
            ..Block::default()
        };
        copy.move_ends(0, (start as u32).wrapping_neg());
        copy
    }

    /// Adds copies of another block's elements, which come before or after all of this one's.
    pub(super) fn take(&mut self, other: &Block, range: Range<usize>) {
        self.settle();
        let before = self.len > 0
            && !range.is_empty()
            && other
                .compare(range.start, self.key(0), self.member(0))
                .is_lt();
        let bytes = range.len() * 12 + other.start(range.end) - other.start(range.start);
        self.reserve(if self.len == 0 { bytes } else { 0 });
        let at = if before { 0 } else { self.len() };
        for (to, from) in range.enumerate() {
            self.insert(at + to, other.element(from));
        }
        if self.len > 0 {
            self.reframe(None);
        }
        self.data.shrink_to(capacity_for(self.data.len()));
    }
}

/// The capacity of a block that needs so many bytes.
fn capacity_for(bytes: usize) -> usize {
    (bytes + 8).next_multiple_of(STEP) - 8
}

/// Bytes held by blocks of so many elements with so many bytes of members, at most: in `blocks` blocks.
pub(super) fn most_held(elements: u64, bytes: u64, blocks: u64) -> u64 {
    elements * (1 + 8 + 4) + bytes + blocks * (3 * STEP as u64 + ALLOCATED)
}

#[cfg(test)]
impl Block {
    /// The narrowest width would have been this one.
    pub(super) fn assert_sound(&self) {
        for i in 0..self.len() {
            assert!(self.frame.holds(self.key(i)));
            assert!(self.start(i) <= self.end(i));
            if i > 0 {
                assert!(self.compare(i - 1, self.key(i), self.member(i)).is_lt());
            }
        }
        if self.len > 0 {
            assert_eq!(self.members_at() + self.end(self.len() - 1), self.used());
        } else {
            assert_eq!((self.used(), self.gone), (0, 0));
        }
        assert!(self.data.capacity() < self.used() + 3 * STEP);
    }
}
