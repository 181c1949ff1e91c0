//! `Window`: the last messages of a topic, in sealed segments that readers share and an open one that publishers fill.
//!
//! ```text
//! sealed [ 0 .. 63 ][ 64 .. 70 ][ 71 .. 134 ]   open [ 135 136 137 .
//!          ^ cut when nobody needs it                              ^ the next message
//! ```
//!
//! Publishers push to the open segment, under the ring's lock. It is sealed when it is full, and when a reader comes to a
//! message in it: from then on it never changes, so whoever holds it reads it without a lock. A reader holds one segment,
//! and asks for the next when it has come to its end; what it holds is therefore bounded, however far behind it is. One
//! that keeps up with every single message asks for every one; one that has fallen behind for one in dozens.
//!
//! An open segment has room for twice what the last one held, from 4 messages to a kilobyte of them, so that a topic with few
//! messages is small.
//!
//! A ring of slots with a lock each, in safe Rust as well, takes one and two thirds of the time for a delivery to a reader
//! alone, and two readers at one lock delay each other by a multiple of that. Slots that are written once without the lock
//! (`OnceLock`) cost two exchanges a publish more.

use std::collections::VecDeque;
use std::sync::Arc;

/// Room of the first segment.
const FEWEST: usize = 4;

/// Room of a large one at most: making it costs each message little, and a reader that is behind holds no more than it.
const MOST: usize = 64;

/// Bytes of a large one at most: what common allocators still hand out from their lists of small blocks. With larger ones
/// a publish ran a tenth (topics) to two fifths (names) more instructions.
const MOST_BYTES: usize = 1000;

/// A message with its number in the order that rings share.
pub(super) struct Sent<T> {
    pub(super) stamp: u64,
    pub(super) value: T,
}

/// Messages that follow each other; see the module's text.
pub(super) struct Segment<T> {
    /// The number of the first.
    first: u64,
    sent: Vec<Sent<T>>,
}

impl<T> Segment<T> {
    fn end(&self) -> u64 {
        self.first + self.sent.len() as u64
    }

    /// Whether the message of this number is here.
    #[inline]
    pub(super) fn holds(&self, number: u64) -> bool {
        number.wrapping_sub(self.first) < self.sent.len() as u64
    }

    /// The message of this number.
    #[inline]
    pub(super) fn get(&self, number: u64) -> Option<&Sent<T>> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.sent.get(place)
    }
}

/// See the module's text.
pub(super) struct Window<T> {
    sealed: VecDeque<Arc<Segment<T>>>,
    /// It follows the last sealed one.
    open: Segment<T>,
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        Window {
            sealed: VecDeque::new(),
            open: Segment {
                first: 0,
                sent: Vec::new(),
            },
        }
    }
}

impl<T> Window<T> {
    /// Room of a large segment.
    const MOST: usize = {
        let few = MOST_BYTES / size_of::<Sent<T>>();
        let few = if few < FEWEST { FEWEST } else { few };
        if few < MOST { few } else { MOST }
    };

    /// Whether the next message needs a segment of its own.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.open.sent.len() == self.open.sent.capacity()
    }

    /// Opens a segment that begins with the message of this number.
    pub(super) fn open(&mut self, number: u64) {
        self.seal();
        let last = self.sealed.back().map_or(0, |last| last.sent.len());
        self.open = Segment {
            first: number,
            sent: Vec::with_capacity((last * 2).clamp(FEWEST, Self::MOST)),
        };
    }

    /// Adds the next message; there is room for it.
    #[inline]
    pub(super) fn put(&mut self, sent: Sent<T>) {
        self.open.sent.push(sent);
    }

    fn seal(&mut self) {
        if self.open.sent.is_empty() {
            return;
        }
        let first = self.open.end();
        let sent = Vec::new();
        let mut sealed = std::mem::replace(&mut self.open, Segment { first, sent });
        if sealed.sent.len() < sealed.sent.capacity() / 2 {
            sealed.sent.shrink_to_fit();
        }
        self.sealed.push_back(Arc::new(sealed));
    }

    /// The segment of this message, if it was sent and is not cut.
    pub(super) fn segment(&mut self, number: u64) -> Option<Arc<Segment<T>>> {
        if self.open.holds(number) {
            self.seal();
        }
        let behind = self
            .sealed
            .partition_point(|segment| segment.first <= number);
        let segment = self.sealed.get(behind.checked_sub(1)?)?;
        segment.holds(number).then(|| Arc::clone(segment))
    }

    /// The last message, if it is not cut.
    pub(super) fn last(&self) -> Option<&T> {
        let sealed = || self.sealed.back()?.sent.last();
        let last = self.open.sent.last().or_else(sealed)?;
        Some(&last.value)
    }

    /// Whether something ends before this number.
    #[inline]
    pub(super) fn is_cuttable(&self, number: u64) -> bool {
        self.sealed
            .front()
            .is_some_and(|first| first.end() <= number)
    }

    /// Takes out what ends before this number.
    pub(super) fn cut(&mut self, number: u64) -> Vec<Arc<Segment<T>>> {
        let spent = self
            .sealed
            .partition_point(|segment| segment.end() <= number);
        self.sealed.drain(..spent).collect()
    }

    /// How many messages are held, or have room.
    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        let sealed = self.sealed.iter().map(|segment| segment.sent.capacity());
        sealed.sum::<usize>() + self.open.sent.capacity()
    }
}
