//! `Ring`: one topic's messages, its readers' cursors, and what happens when a reader is full.
//!
//! ```text
//! head            number of the next message; written under the lock, read without
//! cursor          number of a reader's next message, with two marks: OVERRUN, AWAITED
//! due             readers by the number at which their backlog may be full: cursor when filed + capacity; who reads on
//!                 files itself anew, where it takes the lock anyway
//! limit           the smallest of them; below it nobody is looked at
//! ```
//!
//! * **Publish**: lock; where there is nothing but a message to write, write it. Else, at length: if `head` reached `limit`,
//!   look at the readers that are due; write the slot, move `head`, take the sleepers; unlock; wake them. Readers file
//!   themselves anew as they read, so those that keep up are never looked at, and it costs the same for 1 and 1,000 of
//!   them. One that is three quarters of its capacity behind costs a look at most once per quarter that it moves.
//! * **Read**: a message below `head` is claimed by moving the own cursor with compare-and-swap, and read in the segment
//!   that the reader holds. No lock, no reference count.
//! * **Full**: the publisher marks the cursor. From then on the reader cannot move it without the lock, so what it lost
//!   is counted exactly: as `dropped` to publishers, one a message, and as one gap of the same size to the reader.
//!   A reader that publishers wait for is marked too, and wakes them when it moves on.
//!
//! Nothing of a user is called under the lock: what leaves is dropped, and who sleeps is woken, after it. Only
//! clones of messages, which are reference counts, are made under it.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::task::Waker;
use std::time::Duration;

use crossbeam_utils::CachePadded;

use super::mailbox::{Keyed, Mailbox, Posted};
use super::message::Delivery;
use super::overflow::WhenFull;
use super::segment::{Segment, Sent, Window};
use super::state::{Cursor, FEW_READERS, MANY_READERS, MARKS, OVERRUN, Patience, State};
use crate::sync::modelled::{AtomicBool, AtomicU64, Mutex};
use crate::wait::Wakes;

/// See the module's text.
pub(super) struct Ring<T> {
    head: CachePadded<AtomicU64>,
    closed: AtomicBool,
    /// The number of the next message of everything that shares the order; a ring that stands alone has its own.
    order: Option<Order>,
    state: Mutex<State<T>>,
}

/// Numbers the messages of several rings.
pub(super) type Order = Arc<CachePadded<AtomicU64>>;

/// What a call took out under the lock, to be dropped after it.
struct Leavings<T> {
    _spent: Vec<Arc<Segment<T>>>,
    _earlier: Option<Waker>,
    _posted: Option<Posted<T>>,
    /// Dropped last: it wakes.
    _wakes: Option<Wakes>,
}

impl<T> Default for Leavings<T> {
    fn default() -> Self {
        Leavings {
            _spent: Vec::new(),
            _earlier: None,
            _posted: None,
            _wakes: None,
        }
    }
}

/// What a reader learns from the lock, after its cursor was marked.
pub(super) enum Recovered {
    /// The message was claimed after all.
    Claimed,
    /// So many messages were lost; the cursor is behind them.
    Lost(u64),
    /// So many messages were lost, and no more will come.
    CutOff(u64),
}

#[expect(clippy::disallowed_methods, reason = "this file owns the ring's lock")]
impl<T: Clone> Ring<T> {
    /// A ring whose messages are numbered in an order that it shares, if any.
    pub(super) fn new(order: Option<Order>, retains: bool) -> Self {
        let state = State {
            retains,
            ..State::default()
        };
        Ring {
            head: CachePadded::new(AtomicU64::new(0)),
            closed: AtomicBool::new(false),
            order,
            state: Mutex::new(state),
        }
    }

    /// The number of the next message.
    #[inline]
    pub(super) fn head(&self) -> u64 {
        self.head.load(Acquire)
    }

    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Acquire)
    }

    /// Sends the message; full readers lose their oldest.
    #[inline]
    pub(super) fn send(&self, message: T) -> Delivery {
        let mut state = self.state.lock();
        let head = self.head.load(Relaxed);
        if state.is_plain(head) {
            let (received, dropped) = (state.readers, state.overrun);
            self.put(&mut state, head, message);
            return Delivery { received, dropped };
        }
        drop(state);
        self.send_at_length(message)
    }

    #[cold]
    fn send_at_length(&self, message: T) -> Delivery {
        self.offer(&mut Some(message), Patience::None)
            .unwrap_or_default()
    }

    /// Writes the next message; there is room for it.
    #[inline]
    fn put(&self, state: &mut State<T>, head: u64, value: T) {
        let order = self.order.as_ref();
        let stamp = order.map_or(head, |order| order.fetch_add(1, Relaxed));
        state.window.put(Sent { stamp, value });
        self.head.store(head + 1, Release);
    }

    /// Sends the message, unless a reader must be waited for; then the message stays, and so long it may take.
    #[inline]
    pub(super) fn offer(
        &self,
        message: &mut Option<T>,
        patience: Patience<'_>,
    ) -> Result<Delivery, Duration> {
        let mut keyed = None;
        loop {
            let mut state = self.state.lock();
            if Keyed::are_for(keyed.as_ref(), state.boxes.as_ref()) {
                let mut leavings = Leavings::default();
                let keyed = keyed.as_ref();
                let result = self.commit(&mut state, message, keyed, patience, &mut leavings);
                drop(state);
                return result;
            }
            let boxes = state.boxes.clone();
            drop(state);
            // Keys are made by a user's function: not under the lock.
            keyed = boxes.map(|boxes| Keyed::new(boxes, message.as_ref()));
        }
    }

    /// What an offer does under the lock.
    #[inline]
    fn commit(
        &self,
        state: &mut State<T>,
        message: &mut Option<T>,
        keyed: Option<&Keyed<T>>,
        patience: Patience<'_>,
        leavings: &mut Leavings<T>,
    ) -> Result<Delivery, Duration> {
        let head = self.head.load(Relaxed);
        if head >= state.limit
            && let Err(timeout) = state.review(head, patience)
        {
            if let Patience::Waits(id, waker) = patience {
                leavings._earlier = state.waiting.file(id, waker);
            }
            return Err(timeout);
        }
        let mut delivery = Delivery {
            received: state.readers,
            dropped: state.overrun + std::mem::take(&mut state.cut_off),
        };
        if state.readers == 0 && state.boxes.is_none() && !state.retains {
            return Ok(delivery);
        }
        let Some(value) = message.take() else {
            return Ok(delivery);
        };
        if state.window.is_full() {
            state.window.open(head);
            leavings._spent = state.spent(head, FEW_READERS);
        }
        if let Some(keyed) = keyed {
            let posted = keyed.post(&value);
            delivery += posted.delivery;
            leavings._posted = Some(posted);
        }
        self.put(state, head, value);
        if !state.sleepers.is_empty() {
            leavings._wakes = Some(state.sleepers.take());
        }
        Ok(delivery)
    }

    /// A number to wait under.
    pub(super) fn next_id(&self) -> u64 {
        let mut state = self.state.lock();
        state.ids += 1;
        state.ids
    }

    /// Forgets a publisher that waited under this number.
    pub(super) fn give_up(&self, id: u64) {
        let forgotten = self.state.lock().waiting.forget(id);
        drop(forgotten);
    }

    /// Counts a reader in, from the next message on. With it comes the last message, if the ring retains.
    pub(super) fn join(&self, when_full: WhenFull, capacity: u64) -> (Arc<Cursor>, Option<T>) {
        let mut state = self.state.lock();
        let head = self.head.load(Relaxed);
        state.ids += 1;
        let cursor = Arc::new(Cursor {
            word: CachePadded::new(AtomicU64::new(head << MARKS)),
            id: state.ids,
            capacity,
            when_full,
            filed: AtomicU64::new(0),
            cut: AtomicU64::new(0),
            left: AtomicBool::new(false),
        });
        state.readers += 1;
        *state.capacities.entry(capacity).or_default() += 1;
        state.file(Arc::clone(&cursor), head + capacity);
        (cursor, Self::retained(&state))
    }

    /// Counts a reader out.
    pub(super) fn leave(&self, cursor: &Cursor) {
        let mut state = self.state.lock();
        let asleep = state.sleepers.forget(cursor.id);
        let mut spent = Window::default();
        let mut wakes = Wakes::default();
        if !cursor.left.load(Relaxed) {
            state.strike_off(cursor);
            let filed = state.due.remove(&(cursor.filed.load(Relaxed), cursor.id));
            if filed.is_none() {
                state.overrun -= 1;
            }
            state.refresh_limit();
            wakes = state.waiting.take();
            if state.readers == 0 && !state.retains {
                spent = std::mem::take(&mut state.window);
            }
        }
        drop(state);
        drop((asleep, spent, wakes));
    }

    /// Settles a marked cursor. The message at `next` must be within the reader's segment, unless the mark is OVERRUN.
    #[cold]
    pub(super) fn recover(&self, cursor: &Arc<Cursor>, next: u64) -> Recovered {
        let mut state = self.state.lock();
        let word = cursor.word.load(Acquire);
        if word & OVERRUN == 0 {
            cursor.word.store((next + 1) << MARKS, Release);
            let wakes = state.waiting.take();
            drop(state);
            drop(wakes);
            return Recovered::Claimed;
        }
        if matches!(cursor.when_full, WhenFull::Disconnect) {
            return Recovered::CutOff(cursor.cut.load(Relaxed) - next);
        }
        let head = self.head.load(Relaxed);
        let oldest = head - cursor.capacity;
        cursor.word.store(oldest << MARKS, Release);
        state.overrun -= 1;
        state.file(Arc::clone(cursor), head);
        Recovered::Lost(oldest - next)
    }

    /// The segment of a message that is not lost.
    ///
    /// What all have read is dropped here rather than by the next publisher, who need not look at this reader either.
    pub(super) fn segment(&self, cursor: &Cursor, number: u64) -> Option<Arc<Segment<T>>> {
        let mut state = self.state.lock();
        let segment = state.window.segment(number);
        state.file_anew(cursor, number);
        let spent = if state.window.is_cuttable(number) && state.is_turn_to_cut() {
            state.spent(self.head.load(Relaxed) - 1, MANY_READERS)
        } else {
            Vec::new()
        };
        drop(state);
        drop(spent);
        segment
    }

    /// Files the waker of a reader without messages; `false` if there is something to read.
    pub(super) fn sleep(&self, cursor: &Cursor, next: u64, waker: &Waker) -> bool {
        let mut state = self.state.lock();
        let marked = cursor.word.load(Acquire) & OVERRUN != 0;
        if marked || self.head.load(Relaxed) > next || self.closed.load(Relaxed) {
            return false;
        }
        let earlier = state.sleepers.file(cursor.id, waker);
        drop(state);
        drop(earlier);
        true
    }

    /// Puts every later message into a box, too. Returns the last one, if the ring retains.
    pub(super) fn attach(&self, mailbox: &Arc<Mailbox<T>>) -> Option<T> {
        let mut state = self.state.lock();
        let boxes = state.boxes.iter().flat_map(|boxes| boxes.iter());
        let boxes = boxes.chain([mailbox]).cloned().collect();
        let earlier = state.boxes.replace(boxes);
        let last = Self::retained(&state);
        drop(state);
        drop(earlier);
        last
    }

    /// Forgets a box.
    pub(super) fn detach(&self, mailbox: &Arc<Mailbox<T>>) {
        let mut state = self.state.lock();
        let boxes = state.boxes.iter().flat_map(|boxes| boxes.iter());
        let others = boxes.filter(|other| !Arc::ptr_eq(other, mailbox));
        let others: Vec<_> = others.cloned().collect();
        let others = (!others.is_empty()).then(|| others.into());
        let earlier = std::mem::replace(&mut state.boxes, others);
        drop(state);
        drop(earlier);
    }

    fn retained(state: &State<T>) -> Option<T> {
        if !state.retains {
            return None;
        }
        state.window.last().cloned()
    }

    /// The last message, if the ring retains.
    pub(super) fn last(&self) -> Option<T> {
        Self::retained(&self.state.lock())
    }

    /// Sets whether the last message is kept.
    pub(super) fn retain(&self, retains: bool) {
        let mut state = self.state.lock();
        state.retains = retains;
        let mut spent = Window::default();
        if state.readers == 0 && !retains {
            spent = std::mem::take(&mut state.window);
        }
        drop(state);
        drop(spent);
    }

    /// How many subscriptions there are.
    pub(super) fn subscribers(&self) -> u64 {
        let state = self.state.lock();
        state.readers + state.boxes.as_ref().map_or(0, |boxes| boxes.len() as u64)
    }

    /// Whether nobody subscribes and nothing is kept.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.state.lock();
        state.readers == 0 && state.boxes.is_none() && !state.retains
    }

    /// Says that there will be no more messages.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        self.closed.store(true, Release);
        let wakes = state.sleepers.take();
        let boxes = state.boxes.take();
        drop(state);
        drop(wakes);
        for mailbox in boxes.iter().flat_map(|boxes| boxes.iter()) {
            drop(mailbox.close());
        }
    }

    /// Whether the next publish looks at readers.
    #[cfg(test)]
    pub(super) fn has_due(&self) -> bool {
        self.head.load(Relaxed) >= self.state.lock().limit
    }

    /// How many slots are held.
    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        self.state.lock().window.slots()
    }
}
