//! `Waiting`: who waits for which key to get elements.
//!
//! ```text
//! per stripe   number of rows (a writer looks at this only)     rows: key → waiters, first come first
//! ```
//!
//! A waiter enters while it holds the locks of its keys' stripes, having found nothing there: a writer that comes later
//! sees it. It leaves without them. Tickets ascend in the order of entering, so a queue is searched by halving.
//!
//! Cost: a writer loads one word, under its stripe's lock. Waiters on other keys of the stripe cost it a search of the
//! rows.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::sync::Mutex;

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
    pub(crate) fn has(&self, stripe: usize, key: &[u8]) -> bool {
        self.any(stripe) && self.rooms[stripe].queues.lock().contains_key(key)
    }

    /// The ticket of the next waiter; the caller holds the locks of its keys' stripes.
    pub(crate) fn ticket(&self) -> u64 {
        self.tickets.fetch_add(1, Ordering::Relaxed)
    }

    /// Queues a waiter up for a key, once; the caller holds its stripe's lock.
    pub(crate) fn enter(&self, stripe: usize, key: &[u8], ticket: u64, waiter: &Arc<W>) {
        let room = &self.rooms[stripe];
        let mut queues = room.queues.lock();
        let queue = queues.entry(key.to_vec()).or_default();
        if queue.back().is_none_or(|last| last.ticket != ticket) {
            let waiter = Arc::clone(waiter);
            queue.push_back(Place { ticket, waiter });
        }
        room.keys.store(queues.len(), Ordering::Relaxed);
    }

    /// Leaves the queue of a key.
    pub(crate) fn leave(&self, stripe: usize, key: &[u8], ticket: u64) {
        let room = &self.rooms[stripe];
        let mut queues = room.queues.lock();
        let Some(queue) = queues.get_mut(key) else {
            return;
        };
        let place = queue.binary_search_by_key(&ticket, |place| place.ticket);
        let left = place.ok().and_then(|place| queue.remove(place));
        if queue.is_empty() {
            queues.remove(key);
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
        key: &[u8],
        after: Option<&Place<W>>,
    ) -> Option<Place<W>> {
        if !self.any(stripe) {
            return None;
        }
        let queues = self.rooms[stripe].queues.lock();
        let queue = queues.get(key)?;
        let from = after.map_or(0, |after| {
            queue.partition_point(|place| place.ticket <= after.ticket)
        });
        queue.get(from).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiters_of_a_key_come_in_the_order_in_which_they_entered_and_past_those_who_left() {
        let waiting = Waiting::new(2);
        for name in ["a", "b", "c"] {
            let (ticket, waiter) = (waiting.ticket(), Arc::new(name));
            waiting.enter(1, b"key", ticket, &waiter);
            waiting.enter(1, b"key", ticket, &waiter);
        }
        let mut met = Vec::new();
        let mut last = None;
        while let Some(place) = waiting.next(1, b"key", last.as_ref()) {
            met.push(*place.waiter);
            if met.len() == 1 {
                waiting.leave(1, b"key", 1);
            }
            last = Some(place);
        }
        assert_eq!(met, ["a", "c"]);
    }

    #[test]
    fn a_stripe_without_waiters_looks_so_and_others_do_not_notice() {
        let waiting = Waiting::new(2);
        waiting.enter(1, b"key", waiting.ticket(), &Arc::new(()));
        assert!(waiting.any(1) && waiting.has(1, b"key"));
        assert!(!waiting.any(0) && !waiting.has(1, b"other"));
        waiting.leave(1, b"key", 0);
        waiting.leave(1, b"key", 0);
        assert!(!waiting.any(1) && !waiting.has(1, b"key"));
    }
}
