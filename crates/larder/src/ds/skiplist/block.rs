//! `Block`: a run of elements in order, packed into one allocation.
//!
//! ```text
//! order   slot slot slot …│free free       the slots of the elements, in order; then slots that can be used again
//!          │    └────────────┐
//! keys    [ key  key  key … ]│             by slot, as is all that follows
//! members [ member member … ]┘
//! ```
//!
//! * An element stays in its slot for as long as it is in the block: whoever names it by slot need not follow when others
//!   come and go, and nothing but a byte of the order moves for each of them.
//! * A score is held as its distance from the block's `base`, shifted right by `shift` (the low bits in which all
//!   scores agree), in `width` bytes: none where all scores are equal, one or two for integers that lie close, five
//!   for a million random floats. A score that does not fit reframes the block.
//! * Members of one length need nothing beside themselves, others three bytes (see [`Shape`]).
//! * There is room for some elements more than there are; when it is used up, or too large, the block is written anew.
//!
//! Cost: inserting and removing touch the order (one line or two), the keys that halving looks at, and the lines of
//! the element; one change in sixteen copies the block.

mod rewrite;

use std::cmp::Ordering;
use std::ops::Range;

use super::level::Above;
use super::search::partition;
pub(super) use super::shape::MAX_SHARED;
use super::shape::Shape;

/// Most elements of a block: a slot takes seven bits. Larger blocks hold less beside the elements, and take longer to
/// search.
pub(super) const MAX_LEN: usize = 128;
/// Most bytes of the members of a block, unless it has one element only.
pub(super) const MAX_BYTES: usize = 4096;
/// Most slots that are held in reserve: so many elements come before a block is copied.
const SPARE: usize = 16;
/// Bytes that spare slots may take.
const SPARE_BYTES: usize = 512;
/// What the allocator takes, at most, beside an allocation.
const ALLOCATED: u64 = 16;

/// See the module's text. One line, so that whoever looks at a block's head waits once.
#[derive(Clone, Default)]
#[repr(align(64))]
pub(crate) struct Block {
    data: Box<[u8]>,
    shape: Shape,
    /// The neighbours; `NIL` for none.
    pub(super) prev: u32,
    pub(super) next: u32,
    pub(super) above: Above,
    /// Where lengths differ: bytes of the heap that are written, and those of them that are somebody's.
    used: u16,
    live: u16,
    len: u8,
    /// Slots that have been used; those of the order behind `len` are free.
    stored: u8,
}

impl Block {
    pub(super) fn new(prev: u32, next: u32, above: Above) -> Self {
        Block {
            prev,
            next,
            above,
            ..Block::default()
        }
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Bytes held on the heap.
    pub(super) fn held(&self) -> u64 {
        match self.data.len() {
            0 => 0,
            bytes => bytes as u64 + ALLOCATED,
        }
    }

    /// Bytes of all members.
    #[inline]
    pub(super) fn member_bytes(&self) -> usize {
        match self.shape.length() {
            Some(length) => length * self.len(),
            None => usize::from(self.live),
        }
    }

    /// Bytes of the members of some elements.
    pub(super) fn member_bytes_of(&self, range: &Range<usize>) -> usize {
        match self.shape.length() {
            Some(length) => length * range.len(),
            None => range.clone().map(|i| self.member(i).len()).sum(),
        }
    }

    /// Asks for what a search reads, and for where the next element will be written.
    #[inline]
    pub(super) fn approach(&self) {
        let end = self.shape.key_at(usize::from(self.stored));
        for line in self.data[..end].chunks(64) {
            crate::ds::approach(&line[0]);
        }
        if let Some(length) = self.shape.length() {
            self.approach_at(self.shape.members_at() + usize::from(self.stored) * length);
        }
    }

    /// Asks for the order.
    #[inline]
    pub(super) fn approach_order(&self) {
        for line in self.data[..usize::from(self.stored)].chunks(64) {
            crate::ds::approach(&line[0]);
        }
    }

    /// Asks for all of a block.
    #[inline]
    pub(super) fn approach_all(&self) {
        for line in self.data.chunks(64) {
            crate::ds::approach(&line[0]);
        }
    }

    /// Asks for the key and, where all members are as long as this one, the member of a slot.
    #[inline]
    pub(super) fn approach_slot(&self, slot: usize, member: &[u8]) {
        self.approach_at(self.shape.key_at(slot));
        self.approach_at(match self.shape.length() {
            Some(_) => self.shape.members_at() + slot * member.len(),
            None => self.shape.span_at(slot),
        });
    }

    /// Asks for the member of a slot, if it is known where it stands.
    #[inline]
    pub(super) fn approach_member(&self, slot: usize) {
        if let Some(length) = self.shape.length() {
            self.approach_at(self.shape.members_at() + slot * length);
        }
    }

    #[inline]
    fn approach_at(&self, at: usize) {
        if let Some(byte) = self.data.get(at) {
            crate::ds::approach(byte);
        }
    }

    /// The slot of element `i`.
    #[inline(always)]
    pub(super) fn slot(&self, i: usize) -> usize {
        usize::from(self.data[i])
    }

    /// Which element is in a slot.
    #[inline]
    pub(super) fn position(&self, slot: usize) -> usize {
        let (slot, len) = (slot as u8, self.len);
        if let Some(order) = self.data.first_chunk::<MAX_LEN>() {
            // All are compared, sixteen at a time: where the slot is cannot be guessed.
            let place = |(at, &here): (usize, &u8)| {
                if here == slot && (at as u8) < len {
                    at as u8
                } else {
                    0
                }
            };
            let places = order.iter().enumerate().map(place);
            return places.fold(0, |found, place| found | place).into();
        }
        let mut order = self.data[..self.len()].iter();
        let found = order.position(|&here| here == slot);
        found.expect("an element that is named is there")
    }

    /// The member of a slot.
    #[inline(always)]
    pub(super) fn member_in(&self, slot: usize) -> &[u8] {
        let (from, length) = self.shape.member(&self.data, slot);
        &self.data[from..from + length]
    }

    #[inline(always)]
    pub(super) fn member(&self, i: usize) -> &[u8] {
        self.member_in(self.slot(i))
    }

    /// The score of a slot, in the order's form.
    #[inline(always)]
    pub(super) fn key_in(&self, slot: usize) -> u64 {
        let frame = self.shape.frame;
        frame.base + (self.held_key(slot) << frame.shift)
    }

    /// The score of element `i`, in the order's form.
    #[inline(always)]
    pub(super) fn key(&self, i: usize) -> u64 {
        self.key_in(self.slot(i))
    }

    /// The score of a slot, as the frame holds it.
    #[inline(always)]
    fn held_key(&self, slot: usize) -> u64 {
        let at = self.shape.key_at(slot);
        let word = self.data[at..at + 8].first_chunk();
        u64::from_le_bytes(*word.expect("eight bytes were taken")) & self.shape.frame.most()
    }

    /// Shows some elements in order.
    #[inline]
    pub(super) fn visit<'a>(&'a self, part: Range<usize>, mut show: impl FnMut(&'a [u8], u64)) {
        match self.shape.length() {
            None => {
                for &slot in &self.data[part] {
                    show(self.member_in(slot.into()), self.key_in(slot.into()));
                }
            }
            // Where the length is known while compiling, a member is copied without a call.
            Some(8) => self.visit_equal::<8>(part, show),
            Some(16) => self.visit_equal::<16>(part, show),
            Some(length) => {
                let members = &self.data[self.shape.members_at()..];
                self.visit_keys(part, |slot, key| {
                    show(&members[slot * length..(slot + 1) * length], key);
                });
            }
        }
    }

    /// Shows some elements whose members all have `LENGTH` bytes.
    #[inline(always)]
    fn visit_equal<'a, const LENGTH: usize>(
        &'a self,
        part: Range<usize>,
        mut show: impl FnMut(&'a [u8], u64),
    ) {
        let members = self.data[self.shape.members_at()..].as_chunks::<LENGTH>().0;
        self.visit_keys(part, |slot, key| show(&members[slot], key));
    }

    /// Shows the slots and scores of some elements in order.
    #[inline(always)]
    fn visit_keys(&self, part: Range<usize>, mut show: impl FnMut(usize, u64)) {
        let (order, keys) = self.data.split_at(self.shape.capacity());
        let (frame, most) = (self.shape.frame, self.shape.frame.most());
        for &slot in &order[part] {
            let slot = usize::from(slot);
            let word = keys[slot * usize::from(frame.width)..].first_chunk();
            let held = u64::from_le_bytes(*word.expect("eight bytes are behind a key")) & most;
            show(slot, frame.base + (held << frame.shift));
        }
    }

    /// How many elements come before this score and member.
    #[inline]
    pub(super) fn place_of(&self, key: u64, member: &[u8]) -> usize {
        let frame = self.shape.frame;
        let Some(distance) = key.checked_sub(frame.base) else {
            return 0;
        };
        let wanted = distance >> frame.shift;
        let (order, keys) = self.data.split_at(self.shape.capacity());
        let (order, width, most) = (&order[..self.len()], usize::from(frame.width), frame.most());
        let first = partition(0..order.len(), |i| {
            let at = usize::from(order[i]) * width;
            keys[at..]
                .first_chunk()
                .is_some_and(|key| u64::from_le_bytes(*key) & most < wanted)
        });
        // Held scores that are the same are the same scores, unless the low bits of the wanted one were cut off.
        let cut_off = wanted << frame.shift != distance;
        let before = |i: usize| {
            let slot = self.slot(i);
            self.held_key(slot) == wanted && (cut_off || self.member_in(slot) < member)
        };
        if first == self.len() || !before(first) {
            return first;
        }
        partition(first + 1..self.len(), before)
    }

    /// The element in which half of the members' bytes end, so that two halves of about the same size can be made.
    pub(super) fn middle(&self) -> usize {
        let (len, half) = (self.len(), self.member_bytes() / 2);
        if self.shape.is_mixed() {
            let mut sum = 0;
            let middle = (0..len).find(|&i| {
                sum += self.member(i).len();
                sum >= half
            });
            // Elements count too, where members are short.
            return middle.map_or(len / 2, |at| (at + len / 2) / 2);
        }
        len / 2
    }

    /// Compares element `i` with this score and member.
    pub(super) fn compare(&self, i: usize, key: u64, member: &[u8]) -> Ordering {
        self.key(i)
            .cmp(&key)
            .then_with(|| self.member(i).cmp(member))
    }

    /// Whether there may be one more element with a member of so many bytes.
    #[inline]
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let held = self.member_bytes();
        // The first of them that does not fit beside others stands alone.
        let shares = bytes <= MAX_SHARED && !self.is_alone();
        self.len == 0 || (shares && self.len() < MAX_LEN && held + bytes <= MAX_BYTES)
    }

    /// Whether the member is so long that it does not share its block.
    #[inline]
    fn is_alone(&self) -> bool {
        self.shape
            .length()
            .is_some_and(|length| length > MAX_SHARED)
    }

    /// Whether the elements of two blocks fit into one, and leave room for others.
    pub(super) fn goes_with(&self, other: &Block) -> bool {
        !self.is_alone()
            && !other.is_alone()
            && self.len() + other.len() <= MAX_LEN * 3 / 4
            && self.member_bytes() + other.member_bytes() <= MAX_BYTES * 3 / 4
    }

    /// Puts an element, for which there is room, to place `i`, where it belongs, and returns its slot.
    pub(super) fn insert(&mut self, i: usize, key: u64, member: &[u8]) -> usize {
        debug_assert!(self.has_room(member.len()));
        self.prepare(key, member.len());
        let len = self.len();
        if self.stored == self.len {
            self.data[len] = self.stored;
            self.stored += 1;
        }
        let slot = self.data[len];
        self.data.copy_within(i..len, i + 1);
        self.data[i] = slot;
        self.len += 1;
        self.write(slot.into(), key, member);
        slot.into()
    }

    /// Writes a key and a member to a slot.
    #[inline]
    fn write(&mut self, slot: usize, key: u64, member: &[u8]) {
        self.write_key(slot, key);
        if self.shape.is_mixed() {
            let from = usize::from(self.used);
            self.shape
                .set_member(&mut self.data, slot, from, member.len());
            self.used += member.len() as u16;
            self.live += member.len() as u16;
        }
        let (from, length) = self.shape.member(&self.data, slot);
        let place = &mut self.data[from..from + length];
        // Where the length is known while compiling, there is no call.
        match (<&mut [u8; 16]>::try_from(&mut *place), member.try_into()) {
            (Ok(place), Ok(member)) => *place = member,
            _ => place.copy_from_slice(member),
        }
    }

    #[inline]
    fn write_key(&mut self, slot: usize, key: u64) {
        let (frame, at) = (self.shape.frame, self.shape.key_at(slot));
        let held = (key - frame.base) >> frame.shift;
        // Eight bytes are behind every key. Those that are others' are written as they are: a copy of as many bytes as
        // the width says would be a call.
        let word = self.data[at..].first_chunk_mut();
        let word = word.expect("eight bytes are behind a key");
        *word = (u64::from_le_bytes(*word) & !frame.most() | held).to_le_bytes();
    }

    /// Sees to it that a slot, a frame and bytes are there for one element more.
    #[inline]
    fn prepare(&mut self, key: u64, bytes: usize) {
        let shape = self.shape;
        let fits = self.len > 0
            && (self.stored > self.len || self.len() < shape.capacity())
            && shape.frame.holds(key)
            && match shape.length() {
                Some(length) => length == bytes,
                None => usize::from(self.used) + bytes <= shape.members(self.data.len()),
            };
        if !fits {
            self.make_room(key, bytes);
        }
    }

    /// Takes elements out.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        let (len, n) = (self.len(), range.len());
        if self.shape.is_mixed() {
            self.live -= self.member_bytes_of(&range) as u16;
        }
        if n == 1 {
            let slot = self.data[range.start];
            self.data.copy_within(range.end..len, range.start);
            self.data[len - 1] = slot;
        } else {
            self.data[range.start..len].rotate_left(n);
        }
        self.len -= n as u8;
        if self.len == 0 {
            *self = Block::new(self.prev, self.next, self.above);
        }
    }

    /// Gives element `i`, which is this member, another score.
    pub(super) fn rescore(&mut self, i: usize, key: u64, member: &[u8]) {
        if !self.shape.frame.holds(key) {
            let (shape, slots) = (self.shape, self.data[..self.len()].to_vec());
            let shape = Shape::new(self.frame_with(key), shape.length(), shape.capacity());
            *self = self.rewritten(0..self.len(), &slots, shape, 0);
        }
        let (slot, len) = (self.data[i], self.len());
        self.data.copy_within(i + 1..len, i);
        self.len -= 1;
        let to = self.place_of(key, member);
        self.data.copy_within(to..len - 1, to + 1);
        self.data[to] = slot;
        self.len += 1;
        self.write_key(slot.into(), key);
    }

    /// Adds the elements of another block, which come before all of this one's or after them, and returns their slots,
    /// there and here.
    pub(super) fn take(&mut self, other: &Block, before: bool) -> Vec<(u8, u8)> {
        let start = if before { 0 } else { self.len() };
        let mut moved = Vec::with_capacity(other.len());
        for i in 0..other.len() {
            let slot = self.insert(start + i, other.key(i), other.member(i));
            moved.push((other.slot(i) as u8, slot as u8));
        }
        moved
    }
}

/// Slots for so many elements, whose members have so many bytes on average, and some to spare.
fn capacity_for(len: usize, mean: usize) -> usize {
    let spare = (SPARE_BYTES / (8 + mean)).clamp(1, SPARE);
    len.next_multiple_of(spare).min(MAX_LEN)
}

/// Bytes held at most for so many elements with so many bytes of members, in `blocks` blocks.
pub(super) fn most_held(elements: u64, bytes: u64, blocks: u64) -> u64 {
    // One that is not loose holds twice what it needs, and what is spare. At the ends, one may be as loose as it gets.
    let each = 1 + 8 + 3;
    let most = (MAX_LEN * 12 + 2 * MAX_BYTES) as u64;
    2 * (elements * each + bytes) + blocks * (4 * SPARE_BYTES as u64 + ALLOCATED) + 2 * most
}

/// Bytes that a block may hold beside the members when its lengths begin to differ and its scores to need all bytes,
/// and what is spare.
pub(super) const MOST_BESIDE: u64 = (MAX_LEN * 11 + 4 * SPARE_BYTES) as u64;

#[cfg(test)]
impl Block {
    /// What must hold between two changes.
    pub(super) fn assert_sound(&self) {
        let mut slots: Vec<u8> = self.data[..usize::from(self.stored)].to_vec();
        slots.sort_unstable();
        assert!(slots.iter().copied().eq(0..self.stored));
        assert!(usize::from(self.stored) <= self.shape.capacity());
        for i in 0..self.len() {
            assert!(self.shape.frame.holds(self.key(i)));
            assert_eq!(self.position(self.slot(i)), i);
            if i > 0 {
                assert!(self.compare(i - 1, self.key(i), self.member(i)).is_lt());
            }
        }
        let bytes: usize = (0..self.len()).map(|i| self.member(i).len()).sum();
        assert_eq!(self.member_bytes(), bytes);
        assert!(self.len() <= 1 || bytes <= MAX_BYTES);
        if self.shape.is_mixed() && self.len > 0 {
            assert!(usize::from(self.used) <= self.shape.members(self.data.len()));
            assert!(self.live <= self.used);
        }
        if self.len == 0 {
            assert!(self.data.is_empty());
        }
    }
}
