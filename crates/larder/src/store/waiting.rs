//! `Waiting`: who waits for which key to get elements.
//!
//! ```text
//! per stripe   number of rows     marks: rows per parts of the hashes    rows: key → waiters, first come first
//!              (all that a writer looks at where nobody waits)
//! ```
//!
//! A waiter enters while it holds the locks of its keys' stripes, having found nothing there: a writer that comes later
//! sees it. It leaves without them. Tickets ascend in the order of entering, so a queue is searched by halving.
//!
//! Cost: a writer loads one word, under its stripe's lock; where others of the stripe's keys are waited for, a mark or two as
//! well. It searches the rows only where keys with the same marks are waited for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::group::Key;
use crate::sync::Mutex;

/// Marks of a stripe, a byte each, of which a key has two: where a thousand of its keys are waited for, a writer of another
/// finds one of them in eight times, and both in seventy.
const MARKS: usize = 1 << 14;

/// A waiter in a queue.
pub(crate) struct Place<W> {
    pub(crate) ticket: u64,
    pub(crate) waiter: Arc<W>,
}

impl<W> Clone for Place<W> {
    fn clone(&self) -> Self {
        Place {
            ticket: self.ticket,
            waiter: Arc::clone(&self.waiter),
        }
    }
}

/// The waiters on the keys of one stripe.
struct Room<W> {
    /// How many keys are waited for.
    keys: AtomicUsize,
    /// By two parts of their hashes, how many keys are waited for; more than it can count stay marked.
    marks: OnceLock<Box<[AtomicU8]>>,
    queues: Mutex<BTreeMap<Vec<u8>, VecDeque<Place<W>>>>,
}

/// See the module's text.
pub(crate) struct Waiting<W> {
    rooms: Box<[Room<W>]>,
    tickets: AtomicU64,
}

#[expect(clippy::disallowed_methods, reason = "this file owns the locks")]
impl<W> Waiting<W> {
    /// Nobody waits yet, in so many stripes.
    pub(crate) fn new(stripes: usize) -> Self {
        let room = |_| Room {
            keys: AtomicUsize::new(0),
            marks: OnceLock::new(),
            queues: Mutex::default(),
        };
        Waiting {
            rooms: (0..stripes).map(room).collect(),
            tickets: AtomicU64::new(0),
        }
    }

    /// Whether anybody waits for a key of this stripe.
    #[inline(always)]
    pub(crate) fn any(&self, stripe: usize) -> bool {
        self.rooms[stripe].keys.load(Ordering::Relaxed) > 0
    }

    /// Whether anybody waits for a key.
    #[inline]
    pub(crate) fn has(&self, stripe: usize, key: Key<'_>) -> bool {
        self.any(stripe) && self.rooms[stripe].has(key)
    }

    /// The ticket of the next waiter; the caller holds the locks of its keys' stripes.
    pub(crate) fn ticket(&self) -> u64 {
        self.tickets.fetch_add(1, Ordering::Relaxed)
    }

    /// Queues a waiter up for a key, once; the caller holds its stripe's lock.
    pub(crate) fn enter(&self, stripe: usize, key: Key<'_>, ticket: u64, waiter: &Arc<W>) {
        let room = &self.rooms[stripe];
        let mut queues = room.queues.lock();
        if !queues.contains_key(key.bytes) {
            room.mark(key.hash, 1);
        }
        let queue = queues.entry(key.bytes.to_vec()).or_default();
        if queue.back().is_none_or(|last| last.ticket != ticket) {
            let waiter = Arc::clone(waiter);
            queue.push_back(Place { ticket, waiter });
        }
        room.keys.store(queues.len(), Ordering::Relaxed);
    }

    /// Leaves the queue of a key.
    pub(crate) fn leave(&self, stripe: usize, key: Key<'_>, ticket: u64) {
        let room = &self.rooms[stripe];
        let mut queues = room.queues.lock();
        let Some(queue) = queues.get_mut(key.bytes) else {
            return;
        };
        let place = queue.binary_search_by_key(&ticket, |place| place.ticket);
        let left = place.ok().and_then(|place| queue.remove(place));
        if queue.is_empty() {
            queues.remove(key.bytes);
            room.mark(key.hash, -1);
        }
        room.keys.store(queues.len(), Ordering::Relaxed);
        // Its last owner drops a waiter without the lock.
        drop(queues);
        drop(left);
    }

    /// The first in the queue of a key, or the first after this one.
    pub(crate) fn next(
        &self,
        stripe: usize,
        key: Key<'_>,
        after: Option<&Place<W>>,
    ) -> Option<Place<W>> {
        if !self.has(stripe, key) {
            return None;
        }
        let queues = self.rooms[stripe].queues.lock();
        let queue = queues.get(key.bytes)?;
        let from = after.map_or(0, |after| {
            queue.partition_point(|place| place.ticket <= after.ticket)
        });
        queue.get(from).cloned()
    }

    /// What `pick` finds in those who wait for a key, in their order.
    pub(crate) fn collect<R>(
        &self,
        stripe: usize,
        key: Key<'_>,
        pick: impl FnMut(&Place<W>) -> Option<R>,
    ) -> Vec<R> {
        if !self.has(stripe, key) {
            return Vec::new();
        }
        let queues = self.rooms[stripe].queues.lock();
        let queue = queues.get(key.bytes);
        queue.into_iter().flatten().filter_map(pick).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "this file owns the locks")]
impl<W> Room<W> {
    /// The marks of a hash.
    fn marks_of(marks: &[AtomicU8], hash: u64) -> [&AtomicU8; 2] {
        let hash = hash as usize;
        [&marks[hash % MARKS], &marks[hash / MARKS % MARKS]]
    }

    /// Counts a key that is waited for in or out; the caller holds the queues' lock.
    fn mark(&self, hash: u64, by: i8) {
        let marks = || (0..MARKS).map(|_| AtomicU8::new(0)).collect();
        for mark in Self::marks_of(self.marks.get_or_init(marks), hash) {
            let count = mark.load(Ordering::Relaxed);
            if count != u8::MAX {
                mark.store(count.wrapping_add_signed(by), Ordering::Relaxed);
            }
        }
    }

    #[cold]
    fn has(&self, key: Key<'_>) -> bool {
        let is_marked = |mark: &AtomicU8| mark.load(Ordering::Relaxed) > 0;
        let marks = self.marks.get();
        let marked =
            marks.is_some_and(|marks| Self::marks_of(marks, key.hash).into_iter().all(is_marked));
        marked && self.queues.lock().contains_key(key.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key<'static> = Key {
        bytes: b"key",
        hash: 7,
    };
    /// A key with the same marks.
    const OTHER: Key<'static> = Key {
        bytes: b"other",
        hash: 7 + (MARKS * MARKS) as u64,
    };

    #[test]
    fn waiters_of_a_key_come_in_the_order_in_which_they_entered_and_past_those_who_left() {
        let waiting = Waiting::new(2);
        for name in ["a", "b", "c"] {
            let (ticket, waiter) = (waiting.ticket(), Arc::new(name));
            waiting.enter(1, KEY, ticket, &waiter);
            waiting.enter(1, KEY, ticket, &waiter);
        }
        let mut met = Vec::new();
        let mut last = None;
        while let Some(place) = waiting.next(1, KEY, last.as_ref()) {
            met.push(*place.waiter);
            if met.len() == 1 {
                waiting.leave(1, KEY, 1);
            }
            last = Some(place);
        }
        assert_eq!(met, ["a", "c"]);
    }

    #[test]
    fn a_stripe_without_waiters_looks_so_and_others_do_not_notice() {
        let waiting = Waiting::new(2);
        waiting.enter(1, KEY, waiting.ticket(), &Arc::new(()));
        assert!(waiting.any(1) && waiting.has(1, KEY));
        assert!(!waiting.any(0) && !waiting.has(1, OTHER));
        waiting.leave(1, KEY, 0);
        waiting.leave(1, KEY, 0);
        assert!(!waiting.any(1) && !waiting.has(1, KEY));
    }
}
