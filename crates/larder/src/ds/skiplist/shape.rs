//! `Shape`: where the sections of a block stand.
//!
//! ```text
//! data   order [capacity] | keys [capacity × width] | spans [capacity × 3] | members, then eight bytes that are nobody's
//! ```
//!
//! * Members of one length stand one behind the other, each in its slot's place: there are no spans.
//! * Members whose lengths differ stand in a heap, and each slot has a span: 14 bits of where, 10 of how long.

use super::frame::Frame;

/// What a span takes.
const SPAN: usize = 3;
/// The bits of a span that say where.
const AT_BITS: u32 = 14;
/// Bytes behind everything, so that the last key is read as eight.
const PAD: usize = 8;
/// Longest member that a span can hold.
pub(super) const MAX_SHARED: usize = (1 << (8 * SPAN as u32 - AT_BITS)) - 1;
/// No common length.
const MIXED: u32 = u32::MAX;

/// See the module's text.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) frame: Frame,
    /// The length of all members, or `MIXED`.
    stride: u32,
    /// Slots.
    capacity: u8,
}

impl Default for Shape {
    fn default() -> Self {
        Shape {
            frame: Frame::default(),
            stride: MIXED,
            capacity: 0,
        }
    }
}

impl Shape {
    /// Members are all of this length, if there is one.
    pub(super) fn new(frame: Frame, length: Option<usize>, capacity: usize) -> Self {
        debug_assert!(capacity <= super::block::MAX_LEN);
        Shape {
            frame,
            stride: length.map_or(MIXED, |length| length as u32),
            capacity: capacity as u8,
        }
    }

    #[inline(always)]
    pub(super) fn capacity(self) -> usize {
        usize::from(self.capacity)
    }

    /// The length of all members, if they have the same.
    #[inline(always)]
    pub(super) fn length(self) -> Option<usize> {
        (self.stride != MIXED).then_some(self.stride as usize)
    }

    #[inline(always)]
    pub(super) fn is_mixed(self) -> bool {
        self.stride == MIXED
    }

    /// Where the key of a slot stands.
    #[inline(always)]
    pub(super) fn key_at(self, slot: usize) -> usize {
        self.capacity() + slot * usize::from(self.frame.width)
    }

    #[inline(always)]
    pub(super) fn members_at(self) -> usize {
        let spans = if self.is_mixed() { SPAN } else { 0 };
        self.capacity() * (1 + usize::from(self.frame.width) + spans)
    }

    /// Where the span of a slot stands.
    #[inline(always)]
    pub(super) fn span_at(self, slot: usize) -> usize {
        self.key_at(self.capacity()) + slot * SPAN
    }

    /// Bytes of the data, with so many for members.
    pub(super) fn bytes(self, members: usize) -> usize {
        self.members_at() + members + PAD
    }

    /// Bytes for members in data of so many bytes.
    pub(super) fn members(self, bytes: usize) -> usize {
        bytes.saturating_sub(self.members_at() + PAD)
    }

    /// Where the member of a slot starts and how long it is.
    #[inline(always)]
    pub(super) fn member(self, data: &[u8], slot: usize) -> (usize, usize) {
        if self.is_mixed() {
            let at = self.span_at(slot);
            let span = u32::from_le_bytes([data[at], data[at + 1], data[at + 2], 0]);
            let from = span & ((1 << AT_BITS) - 1);
            (
                self.members_at() + from as usize,
                (span >> AT_BITS) as usize,
            )
        } else {
            let length = self.stride as usize;
            (self.members_at() + slot * length, length)
        }
    }

    /// Notes where the member of a slot stands, counted from the first, and how long it is.
    pub(super) fn set_member(self, data: &mut [u8], slot: usize, from: usize, length: usize) {
        debug_assert!(from < 1 << AT_BITS && length <= MAX_SHARED);
        let at = self.span_at(slot);
        let span = (from as u32 | (length as u32) << AT_BITS).to_le_bytes();
        data[at..at + SPAN].copy_from_slice(&span[..SPAN]);
    }
}
