//! `State`: what a ring keeps under its lock, and its judgement of readers that may be full.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::task::Waker;
use std::time::Duration;

use crossbeam_utils::CachePadded;

use super::mailbox::Boxes;
use super::overflow::WhenFull;
use super::segment::{Segment, Window};
use crate::sync::modelled::{AtomicBool, AtomicU64};
use crate::wait::Sleepers;

/// In a cursor: the reader is full, and lost at least one message.
pub(super) const OVERRUN: u64 = 1;

/// In a cursor: publishers wait for the reader to move on.
pub(super) const AWAITED: u64 = 2;

/// Bits of a cursor that are marks.
pub(super) const MARKS: u32 = 2;

/// At most so many readers are looked at by a publisher to find what everybody has read, once per segment.
pub(super) const FEW_READERS: usize = 64;

/// At most so many by a reader, once per as many segments as there are readers: some 10 µs under the lock.
pub(super) const MANY_READERS: usize = 1_024;

/// Where a reader is.
pub(super) struct Cursor {
    pub(super) word: CachePadded<AtomicU64>,
    pub(super) id: u64,
    pub(super) capacity: u64,
    pub(super) when_full: WhenFull,
    /// Under the lock: the number that the reader is filed at.
    pub(super) filed: AtomicU64,
    /// Under the lock: the first message that was refused to a reader that was cut off.
    pub(super) cut: AtomicU64,
    /// Under the lock: whether it is no longer counted.
    pub(super) left: AtomicBool,
}

/// What a full reader means to a publisher.
#[derive(Clone, Copy)]
pub(super) enum Patience<'a> {
    /// It does not wait: who is full loses its oldest message.
    None,
    /// It would wait, and wants to know whether it must.
    Asks,
    /// It waits under this number.
    Waits(u64, &'a Waker),
}

/// What a ring keeps under its lock.
pub(super) struct State<T> {
    pub(super) window: Window<T>,
    pub(super) readers: u64,
    pub(super) due: BTreeMap<(u64, u64), Arc<Cursor>>,
    pub(super) limit: u64,
    /// Readers that lose a message with each publish.
    pub(super) overrun: u64,
    /// How many readers have which capacity.
    pub(super) capacities: BTreeMap<u64, usize>,
    pub(super) boxes: Option<Boxes<T>>,
    pub(super) sleepers: Sleepers,
    /// Publishers that wait for room.
    pub(super) waiting: Sleepers,
    /// Messages lost by readers that were cut off, and not yet told to a publisher.
    pub(super) cut_off: u64,
    pub(super) retains: bool,
    /// Segments that readers asked for, since somebody last looked at all of them.
    pub(super) fetches: usize,
    pub(super) ids: u64,
}

impl<T> Default for State<T> {
    fn default() -> Self {
        State {
            window: Window::default(),
            readers: 0,
            due: BTreeMap::new(),
            limit: u64::MAX,
            overrun: 0,
            capacities: BTreeMap::new(),
            boxes: None,
            sleepers: Sleepers::default(),
            waiting: Sleepers::default(),
            cut_off: 0,
            retains: false,
            fetches: 0,
            ids: 0,
        }
    }
}

impl<T> State<T> {
    /// Files a reader whose backlog is full at `number`.
    pub(super) fn file(&mut self, cursor: Arc<Cursor>, number: u64) {
        cursor.filed.store(number, Relaxed);
        self.due.insert((number, cursor.id), cursor);
        self.refresh_limit();
    }

    /// Files a reader that has come to message `number`, if that is a quarter of its capacity further than when it was filed:
    /// so publishers come to look only at one whose backlog is nearly three quarters of what it may be.
    pub(super) fn file_anew(&mut self, cursor: &Cursor, number: u64) {
        let (filed, full) = (cursor.filed.load(Relaxed), number + cursor.capacity);
        if full <= filed + cursor.capacity / 4 {
            return;
        }
        // Who was overrun or cut off is not filed.
        if let Some(cursor) = self.due.remove(&(filed, cursor.id)) {
            self.file(cursor, full);
        }
    }

    /// Whether as many segments were asked for as there are readers, since somebody last looked at all of them.
    pub(super) fn is_turn_to_cut(&mut self) -> bool {
        self.fetches += 1;
        let is_turn = self.fetches >= self.due.len();
        if is_turn {
            self.fetches = 0;
        }
        is_turn
    }

    pub(super) fn refresh_limit(&mut self) {
        self.limit = self
            .due
            .first_key_value()
            .map_or(u64::MAX, |(key, _)| key.0);
    }

    /// The longest backlog that a reader may have.
    pub(super) fn capacity(&self) -> u64 {
        let most = self
            .capacities
            .last_key_value()
            .map_or(0, |(most, _)| *most);
        most.max(u64::from(self.retains))
    }

    /// Stops counting a reader.
    pub(super) fn strike_off(&mut self, cursor: &Cursor) {
        cursor.left.store(true, Relaxed);
        self.readers -= 1;
        if let Some(count) = self.capacities.get_mut(&cursor.capacity) {
            *count -= 1;
            if *count == 0 {
                self.capacities.remove(&cursor.capacity);
            }
        }
    }

    /// Looks at the readers that may be full before message `head` is sent; says how long one may be waited for.
    #[cold]
    pub(super) fn review(&mut self, head: u64, patience: Patience<'_>) -> Result<(), Duration> {
        let mut result = Ok(());
        while let Some(entry) = self.due.first_entry()
            && entry.key().0 <= head
            && result.is_ok()
        {
            let cursor = entry.remove();
            result = self.judge(cursor, head, patience);
        }
        self.refresh_limit();
        result
    }

    /// Looks at one of them.
    fn judge(
        &mut self,
        cursor: Arc<Cursor>,
        head: u64,
        patience: Patience<'_>,
    ) -> Result<(), Duration> {
        let word = cursor.word.load(Acquire);
        let full = (word >> MARKS) + cursor.capacity;
        if full > head {
            self.file(cursor, full);
            return Ok(());
        }
        let timeout = match (cursor.when_full, patience) {
            (WhenFull::Block(timeout), Patience::Asks | Patience::Waits(..)) => Some(timeout),
            _ => None,
        };
        let mark = if timeout.is_some() { AWAITED } else { OVERRUN };
        let marked = cursor
            .word
            .compare_exchange(word, word | mark, AcqRel, Acquire);
        match (marked, timeout) {
            // It moved on meanwhile: it is looked at again.
            (Err(_), _) => self.file(cursor, full),
            (Ok(_), Some(timeout)) => {
                self.file(cursor, full);
                return Err(timeout);
            }
            (Ok(_), None) if matches!(cursor.when_full, WhenFull::Disconnect) => {
                cursor.cut.store(head + 1, Relaxed);
                self.cut_off += cursor.capacity + 1;
                self.strike_off(&cursor);
            }
            (Ok(_), None) => self.overrun += 1,
        }
        Ok(())
    }

    /// Whether message `head` is to be written, and nothing else to be done.
    #[inline]
    pub(super) fn is_plain(&self, head: u64) -> bool {
        head < self.limit
            && self.readers > 0
            && !self.window.is_full()
            && self.boxes.is_none()
            && self.sleepers.is_empty()
            && self.cut_off == 0
    }

    /// What nobody needs any more, once message `head` is sent. If there are at most so many readers, they are looked at.
    pub(super) fn spent(&mut self, head: u64, readers: usize) -> Vec<Arc<Segment<T>>> {
        let mut needed = (head + 1).saturating_sub(self.capacity().max(1));
        if self.overrun == 0 && self.due.len() <= readers {
            let position = |cursor: &Arc<Cursor>| cursor.word.load(Acquire) >> MARKS;
            let read = self.due.values().map(position).min().unwrap_or(head);
            needed = needed.max(read.min(head));
        }
        self.window.cut(needed)
    }
}
