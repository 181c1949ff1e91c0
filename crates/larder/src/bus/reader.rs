//! `Reader`: one cursor on one ring. Alone with it, a thread reads without a lock.

use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire};
use std::task::Waker;

use super::message::Event;
use super::overflow::WhenFull;
use super::ring::{Recovered, Ring};
use super::segment::{Segment, Sent};
use super::state::{Cursor, MARKS};

/// See the module's text.
pub(super) struct Reader<T: Clone> {
    ring: Arc<Ring<T>>,
    cursor: Arc<Cursor>,
    /// Where the next message is, once it was looked for.
    segment: Option<Arc<Segment<T>>>,
    /// The cursor's number: only this reader moves it.
    next: u64,
    /// Whether it was cut off: nothing more will come.
    is_cut_off: bool,
}

impl<T: Clone> Reader<T> {
    /// A reader of what is sent from now on; with it the last message, if the ring retains.
    pub(super) fn new(ring: Arc<Ring<T>>, when_full: WhenFull, capacity: u64) -> (Self, Option<T>) {
        let (cursor, last) = ring.join(when_full, capacity);
        let next = cursor.word.load(Acquire) >> MARKS;
        let reader = Reader {
            ring,
            cursor,
            segment: None,
            next,
            is_cut_off: false,
        };
        (reader, last)
    }

    pub(super) fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }

    /// Whether nothing is left to read, and nothing will come.
    pub(super) fn is_at_end(&self) -> bool {
        self.is_cut_off || self.ring.is_closed() && self.next >= self.ring.head()
    }

    /// Finds the segment of the next message; `false` if the message is lost.
    #[inline]
    fn locate(&mut self) -> bool {
        let is_here = |segment: &Arc<Segment<T>>| segment.holds(self.next);
        if self.segment.as_ref().is_some_and(is_here) {
            return true;
        }
        self.segment = self.ring.segment(&self.cursor, self.next);
        self.segment.is_some()
    }

    /// The stamp of what comes next: zero for a gap, `None` if there is nothing.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u64> {
        if self.is_cut_off || self.next >= self.ring.head() {
            return None;
        }
        if !self.locate() {
            return Some(0);
        }
        let sent = self
            .segment
            .as_ref()
            .and_then(|segment| segment.get(self.next));
        Some(sent.map_or(0, |sent| sent.stamp))
    }

    /// Takes the next message or gap.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Event<&T>> {
        loop {
            if self.is_cut_off || self.next >= self.ring.head() {
                return None;
            }
            let word = self.next << MARKS;
            let is_here = self.locate();
            let moved = (self.next + 1) << MARKS;
            if is_here
                && self
                    .cursor
                    .word
                    .compare_exchange(word, moved, AcqRel, Acquire)
                    .is_ok()
            {
                break;
            }
            match self.ring.recover(&self.cursor, self.next) {
                Recovered::Claimed => break,
                // It was full, but no publisher went on before it was read.
                Recovered::Lost(0) => {}
                Recovered::Lost(missed) => {
                    self.next += missed;
                    return Some(Event::Gap { missed });
                }
                Recovered::CutOff(missed) => {
                    self.is_cut_off = true;
                    self.segment = None;
                    return Some(Event::Gap { missed });
                }
            }
        }
        self.next += 1;
        let segment: Option<&Segment<T>> = self.segment.as_deref();
        let sent: Option<&Sent<T>> = segment.and_then(|segment| segment.get(self.next - 1));
        let sent = sent.expect("a message below the head was sent, and its segment is held");
        Some(Event::Message(&sent.value))
    }

    /// Files the waker, to be called when there is something to read; `false` if there is.
    pub(super) fn sleep(&self, waker: &Waker) -> bool {
        self.is_cut_off || self.ring.sleep(&self.cursor, self.next, waker)
    }
}

impl<T: Clone> Drop for Reader<T> {
    fn drop(&mut self) {
        self.ring.leave(&self.cursor);
    }
}
