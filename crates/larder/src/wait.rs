//! Waiting: the only seam between threads and tasks.
//!
//! Whatever waits in larder is a poll over a queue of wakers. A task polls it; a thread polls it with a waker that
//! unparks it ([`block_on`]). So there is one implementation of every wait, and no runtime.
//!
//! * [`Relay`]: many wait for what one is doing; if that one gives up, the first of them has the turn.
//! * [`Handover`]: one waits for what another has for it, or takes from somewhere if it is still wanted.
//! * [`Alarms`]: wakers to be called at a time, by whoever does the upkeep.
//! * [`signal`]: a waker that makes a channel readable, for `select!`.
//! * [`Sleepers`]: wakers to be called at the next event, kept by a structure under its own lock.
//! * [`Limit`]: how long a caller is willing to wait.
//!
//! Wakers are never called under a lock: what must be woken is returned, as [`Wakes`], which wakes when it is dropped.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::sync::Mutex;
use crate::time::{Clock, Millis, millis};

/// How long a parked thread sleeps before it looks at a manual clock again, which tells nobody that it moved.
const MANUAL_NAP: Duration = Duration::from_millis(1);

/// How many threads the machine runs at once.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Unparks a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Makes a channel readable.
struct Signal(Sender<()>);

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        // A signal that was not yet seen is enough.
        let _full_or_gone = self.0.try_send(());
    }
}

/// A waker, and the channel that gets one signal each time when it is called and the channel is empty.
pub(crate) fn signal() -> (Waker, Receiver<()>) {
    let (sender, receiver) = bounded(1);
    (Waker::from(Arc::new(Signal(sender))), receiver)
}

/// A time until which a caller waits.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    clock: Clock,
    pub(crate) at: Millis,
}

impl Limit {
    /// The limit of a caller that waits for so long from now on; one that does not wait has reached it.
    pub(crate) fn new(clock: &Clock, wait: Duration) -> Self {
        Limit {
            clock: clock.clone(),
            at: clock.present().after(millis(wait)),
        }
    }

    /// Whether it was reached.
    pub(crate) fn is_reached(&self) -> bool {
        self.clock.fine_now() >= self.at
    }

    /// How long a thread may sleep before it looks again.
    fn nap(&self) -> Duration {
        let left = Duration::from_millis(self.at.saturating_sub(self.clock.fine_now()));
        if self.clock.is_manual() {
            left.min(MANUAL_NAP)
        } else {
            left
        }
    }
}

/// Parks the calling thread until `poll` is ready, or the limit is reached: then `None`.
pub(crate) fn block_on<R>(
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<R>,
    limit: Option<&Limit>,
) -> Option<R> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(result) = poll(&mut context) {
            return Some(result);
        }
        match limit {
            None => thread::park(),
            Some(limit) if limit.is_reached() => return None,
            Some(limit) => thread::park_timeout(limit.nap()),
        }
    }
}

/// Wakers to be called once every lock is let go: dropping it calls them.
#[derive(Default)]
#[must_use]
pub(crate) struct Wakes(Vec<Waker>);

impl Drop for Wakes {
    fn drop(&mut self) {
        self.0.drain(..).for_each(Waker::wake);
    }
}

/// Who waits for the next event of a structure that keeps them under its own lock.
///
/// A waker may own what locks the structure again: those that are handed back are to be dropped after the unlock.
#[derive(Default)]
pub(crate) struct Sleepers(BTreeMap<u64, Waker>);

impl Sleepers {
    /// Files the waker of a sleeper; returns the one that it had before.
    #[must_use]
    pub(crate) fn file(&mut self, id: u64, waker: &Waker) -> Option<Waker> {
        self.0.insert(id, waker.clone())
    }

    /// Strikes a sleeper off.
    #[must_use]
    pub(crate) fn forget(&mut self, id: u64) -> Option<Waker> {
        self.0.remove(&id)
    }

    /// Whether nobody sleeps.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, to be woken after the unlock.
    #[inline]
    pub(crate) fn take(&mut self) -> Wakes {
        if self.0.is_empty() {
            return Wakes::default();
        }
        Wakes(std::mem::take(&mut self.0).into_values().collect())
    }
}

/// One runs, the others wait for the outcome or for their turn; see the module's text.
pub(crate) struct Relay<V> {
    race: Mutex<Race<V>>,
}

struct Race<V> {
    stage: Stage<V>,
    /// Those who wait, in the order in which they came.
    queue: VecDeque<Waiting>,
    /// The next ticket.
    tickets: u64,
}

enum Stage<V> {
    /// Someone runs.
    Running,
    /// The holder of this ticket, no longer in the queue, may run.
    Offered(u64),
    /// Nobody runs, nobody waits.
    Idle,
    /// The outcome.
    Landed(V),
    /// There will be no outcome: everybody starts anew.
    Void,
}

struct Waiting {
    ticket: u64,
    waker: Option<Waker>,
}

/// What a waiter learns.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum News<V> {
    /// The outcome.
    Landed(V),
    /// It is this waiter's turn to run.
    Turn,
    /// There will be no outcome: start anew.
    Void,
}

#[expect(clippy::disallowed_methods, reason = "this file owns the queue's lock")]
impl<V> Relay<V> {
    /// A relay that its maker runs.
    pub(crate) fn running() -> Self {
        Relay {
            race: Mutex::new(Race {
                stage: Stage::Running,
                queue: VecDeque::new(),
                tickets: 0,
            }),
        }
    }

    /// Queues up and returns a ticket; `None` if nobody runs, which makes it the caller's turn.
    pub(crate) fn join(&self) -> Option<u64> {
        let mut race = self.race.lock();
        if matches!(race.stage, Stage::Idle) {
            race.stage = Stage::Running;
            return None;
        }
        let ticket = race.tickets;
        race.tickets += 1;
        race.queue.push_back(Waiting {
            ticket,
            waker: None,
        });
        Some(ticket)
    }

    /// Asks for news; without any, the context's waker is called when there are some.
    pub(crate) fn poll(&self, ticket: u64, context: &Context<'_>) -> Poll<News<V>>
    where
        V: Clone,
    {
        let mut race = self.race.lock();
        match &race.stage {
            Stage::Landed(value) => return Poll::Ready(News::Landed(value.clone())),
            Stage::Void => return Poll::Ready(News::Void),
            Stage::Offered(to) if *to == ticket => {
                race.stage = Stage::Running;
                return Poll::Ready(News::Turn);
            }
            _ => {}
        }
        let place = race
            .queue
            .binary_search_by_key(&ticket, |waiting| waiting.ticket);
        let earlier = place.ok().and_then(|place| {
            let slot = &mut race.queue[place].waker;
            let is_same = slot
                .as_ref()
                .is_some_and(|waker| waker.will_wake(context.waker()));
            if is_same {
                None
            } else {
                slot.replace(context.waker().clone())
            }
        });
        // A waker may own a task that owns a waiter: it is dropped without the lock.
        drop(race);
        drop(earlier);
        Poll::Pending
    }

    /// Stops waiting. `true` if it was this waiter's turn, which must be passed on.
    pub(crate) fn leave(&self, ticket: u64) -> bool {
        let mut race = self.race.lock();
        if matches!(race.stage, Stage::Offered(to) if to == ticket) {
            return true;
        }
        let place = race
            .queue
            .binary_search_by_key(&ticket, |waiting| waiting.ticket);
        let left = place.ok().and_then(|place| race.queue.remove(place));
        drop(race);
        drop(left);
        false
    }

    /// Gives the turn to the first in the queue; `true` if there is one.
    pub(crate) fn pass(&self) -> (bool, Wakes) {
        let mut race = self.race.lock();
        match race.queue.pop_front() {
            Some(first) => {
                race.stage = Stage::Offered(first.ticket);
                (true, Wakes(first.waker.into_iter().collect()))
            }
            None => {
                race.stage = Stage::Idle;
                (false, Wakes::default())
            }
        }
    }

    /// How many wait.
    pub(crate) fn followers(&self) -> usize {
        self.race.lock().queue.len()
    }

    /// Tells everybody the outcome.
    pub(crate) fn land(&self, value: V) -> Wakes {
        self.end(Stage::Landed(value))
    }

    /// Tells everybody to start anew.
    pub(crate) fn void(&self) -> Wakes {
        self.end(Stage::Void)
    }

    fn end(&self, stage: Stage<V>) -> Wakes {
        let mut race = self.race.lock();
        race.stage = stage;
        Wakes(
            race.queue
                .drain(..)
                .filter_map(|waiting| waiting.waker)
                .collect(),
        )
    }
}

/// Where one waits for what another has for it; see the module's text.
///
/// Whether it is still wanted, and the taking of it, are decided under one lock: so a waiter that left has taken
/// nothing, or learns on leaving what it was given.
pub(crate) struct Handover<G> {
    stage: Mutex<Wanting<G>>,
}

enum Wanting<G> {
    /// Nothing was given yet.
    Open(Option<Waker>),
    Given(G),
    /// Nothing is to come: it was fetched, is no longer wanted, or there is none.
    Closed,
}

#[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
impl<G> Handover<G> {
    /// A waiter that was given nothing yet.
    pub(crate) fn new() -> Self {
        Handover {
            stage: Mutex::new(Wanting::Open(None)),
        }
    }

    /// Runs `take` if something is still wanted, and hands over what it brings; `false` if that is nothing.
    pub(crate) fn give<E>(
        &self,
        take: impl FnOnce() -> Result<Option<G>, E>,
    ) -> Result<(bool, Wakes), E> {
        let mut stage = self.stage.lock();
        let Wanting::Open(waker) = &mut *stage else {
            return Ok((false, Wakes::default()));
        };
        let Some(goods) = take()? else {
            return Ok((false, Wakes::default()));
        };
        let wakes = Wakes(waker.take().into_iter().collect());
        *stage = Wanting::Given(goods);
        Ok((true, wakes))
    }

    /// Hands this over, if something is still wanted.
    pub(crate) fn put(&self, goods: G) -> (bool, Wakes) {
        let given = self.give::<Infallible>(|| Ok(Some(goods)));
        given.unwrap_or_else(|never| match never {})
    }

    /// Says that there will be nothing, unless there was something.
    pub(crate) fn end(&self) -> Wakes {
        let mut stage = self.stage.lock();
        let Wanting::Open(waker) = &mut *stage else {
            return Wakes::default();
        };
        let wakes = Wakes(waker.take().into_iter().collect());
        *stage = Wanting::Closed;
        wakes
    }

    /// Fetches what was given, `None` if there will be nothing; without either, the context's waker is called later.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<Option<G>> {
        let mut stage = self.stage.lock();
        match std::mem::replace(&mut *stage, Wanting::Closed) {
            Wanting::Given(goods) => Poll::Ready(Some(goods)),
            Wanting::Closed => Poll::Ready(None),
            Wanting::Open(earlier) => {
                *stage = Wanting::Open(Some(context.waker().clone()));
                // A waker may own a task that owns a waiter: it is dropped without the lock.
                drop(stage);
                drop(earlier);
                Poll::Pending
            }
        }
    }

    /// Wants nothing any more; what was given and not fetched.
    pub(crate) fn close(&self) -> Option<G> {
        let left = std::mem::replace(&mut *self.stage.lock(), Wanting::Closed);
        match left {
            Wanting::Given(goods) => Some(goods),
            Wanting::Open(_) | Wanting::Closed => None,
        }
    }
}

/// Wakers to be called at a time.
#[derive(Default)]
pub(crate) struct Alarms {
    set: Mutex<Set>,
}

#[derive(Default)]
struct Set {
    alarms: BTreeMap<(Millis, u64), Waker>,
    /// Tells alarms of one time apart.
    number: u64,
}

/// Names an alarm.
pub(crate) type AlarmId = (Millis, u64);

#[expect(clippy::disallowed_methods, reason = "this file owns the alarms' lock")]
impl Alarms {
    /// Sets an alarm, in the place of an earlier one.
    pub(crate) fn set(&self, at: Millis, waker: Waker, earlier: Option<AlarmId>) -> AlarmId {
        let mut set = self.set.lock();
        let replaced = earlier.and_then(|id| set.alarms.remove(&id));
        set.number += 1;
        let id = (at, set.number);
        set.alarms.insert(id, waker);
        drop(set);
        drop(replaced);
        id
    }

    /// Takes an alarm back.
    pub(crate) fn cancel(&self, id: AlarmId) {
        let waker = self.set.lock().alarms.remove(&id);
        drop(waker);
    }

    /// Rings what is due.
    pub(crate) fn ring(&self, now: Millis) -> Wakes {
        let mut set = self.set.lock();
        let later = set.alarms.split_off(&(now.saturating_add(1), 0));
        let due = std::mem::replace(&mut set.alarms, later);
        Wakes(due.into_values().collect())
    }

    /// When the next one is due.
    pub(crate) fn next_due(&self) -> Option<Millis> {
        self.set.lock().alarms.first_key_value().map(|(id, _)| id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::ManualClock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Bell(AtomicUsize);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn bell() -> (Arc<Bell>, Waker) {
        let bell = Arc::new(Bell::default());
        (Arc::clone(&bell), Waker::from(bell))
    }

    #[test]
    fn a_thread_waits_for_a_poll_that_another_thread_makes_ready() {
        let relay = Relay::running();
        let ticket = relay.join().expect("somebody runs");
        let landed = std::thread::scope(|scope| {
            let follower = scope.spawn(|| block_on(|context| relay.poll(ticket, context), None));
            drop(relay.land(7));
            follower.join().expect("the follower does not panic")
        });
        assert_eq!(landed, Some(News::Landed(7)));
    }

    #[test]
    fn a_thread_stops_waiting_when_a_manual_clock_reaches_its_limit() {
        let time = ManualClock::new();
        let limit = Limit::new(&time.clock(), Duration::from_secs(5));
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| block_on(|_| Poll::<()>::Pending, Some(&limit)));
            time.advance(Duration::from_secs(5));
            assert_eq!(waiter.join().expect("the waiter does not panic"), None);
        });
    }

    #[test]
    fn the_turn_goes_to_those_who_wait_in_their_order_and_past_those_who_left() {
        let relay = Relay::<()>::running();
        let (bell, waker) = bell();
        let context = Context::from_waker(&waker);
        let tickets: Vec<u64> = (0..3).filter_map(|_| relay.join()).collect();
        for &ticket in &tickets {
            assert_eq!(relay.poll(ticket, &context), Poll::Pending);
        }
        assert!(!relay.leave(tickets[0]));
        assert!(relay.pass().0);
        assert_eq!(bell.0.load(Ordering::Relaxed), 1);
        assert!(relay.leave(tickets[1]));
        assert!(relay.pass().0);
        assert_eq!(relay.poll(tickets[2], &context), Poll::Ready(News::Turn));
        assert!(!relay.pass().0);
        assert_eq!(relay.join(), None);
    }

    #[test]
    fn goods_are_taken_only_for_a_waiter_that_wants_them_and_come_back_from_one_that_left() {
        let (bell, waker) = bell();
        let context = Context::from_waker(&waker);
        let give =
            |waiter: &Handover<u32>| waiter.give(|| Ok::<_, ()>(Some(7))).map(|given| given.0);
        let waiter = Handover::new();
        assert_eq!(waiter.poll(&context), Poll::Pending);
        assert!(!waiter.give(|| Ok::<_, ()>(None)).expect("no error").0);
        assert_eq!(give(&waiter), Ok(true));
        assert_eq!(bell.0.load(Ordering::Relaxed), 1);
        assert_eq!(give(&waiter), Ok(false), "a waiter is served once");
        assert_eq!(waiter.poll(&context), Poll::Ready(Some(7)));
        assert_eq!(waiter.poll(&context), Poll::Ready(None));

        let (gone, late) = (Handover::new(), Handover::new());
        assert_eq!(gone.close(), None);
        assert_eq!(give(&gone), Ok(false));
        assert_eq!(give(&late), Ok(true));
        assert_eq!(late.close(), Some(7));
    }

    #[test]
    fn goods_given_while_the_waiter_leaves_are_neither_lost_nor_doubled() {
        for _ in 0..200 {
            let (waiter, stock) = (Handover::new(), AtomicUsize::new(1));
            let take = || Ok::<_, ()>(Some(stock.fetch_sub(1, Ordering::Relaxed)));
            let kept = std::thread::scope(|scope| {
                scope.spawn(|| drop(waiter.give(take)));
                scope.spawn(|| waiter.close()).join().expect("no panic")
            });
            let left = stock.load(Ordering::Relaxed);
            assert_eq!(left + kept.unwrap_or(0), 1);
        }
    }

    #[test]
    fn an_alarm_rings_at_its_time_once_unless_it_was_taken_back() {
        let alarms = Alarms::default();
        let (bell, waker) = bell();
        let first = alarms.set(10, waker.clone(), None);
        let first = alarms.set(20, waker.clone(), Some(first));
        let second = alarms.set(20, waker, None);
        drop(alarms.ring(19));
        assert_eq!(
            (bell.0.load(Ordering::Relaxed), alarms.next_due()),
            (0, Some(20))
        );
        alarms.cancel(second);
        drop(alarms.ring(20));
        alarms.cancel(first);
        assert_eq!(
            (bell.0.load(Ordering::Relaxed), alarms.next_due()),
            (1, None)
        );
    }

    #[test]
    fn what_was_put_arrives_and_who_waits_for_nothing_is_told_so() {
        let (bell, waker) = bell();
        let context = Context::from_waker(&waker);
        let (some, none) = (Handover::new(), Handover::<u32>::new());
        assert_eq!(some.poll(&context), Poll::Pending);
        assert!(some.put(7).0 && !some.put(8).0);
        drop(some.end());
        assert_eq!(bell.0.load(Ordering::Relaxed), 1);
        assert_eq!(some.poll(&context), Poll::Ready(Some(7)));
        assert_eq!(none.poll(&context), Poll::Pending);
        drop(none.end());
        assert_eq!(bell.0.load(Ordering::Relaxed), 2);
        assert_eq!(none.poll(&context), Poll::Ready(None));
    }
}
