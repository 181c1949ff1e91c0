//! Loads under way: who runs a key's loader, who waits, and how the turn passes.
//!
//! ```text
//! miss --> [lock] stored meanwhile? -> a hit      none under way? -> Claim      else -> Follower
//!
//! Claim      runs its loader without a lock -> [lock] stores, unless the key was written meanwhile -> all learn the value
//!            error, panic, dropped          -> [lock] the first follower has the turn, and becomes a Claim
//! Follower   a poll over a queue of wakers; dropped: leaves the queue, or passes the turn on
//! ```
//!
//! A load has a row in its stripe's entries, under the stripe's lock. A write of the key takes the row out: whoever
//! misses after that starts a new load, and what the old one brings goes to those who waited for it, but is not
//! stored. If it brings nothing, they start anew.
//!
//! Threads and tasks meet here: both hold the same Claims and Followers, and differ in how they wait ([`block_on`] or
//! `await`). A thread knows which loads it runs at the moment, in nested calls or polls; asking for one of them
//! again can never end, and is an error.

use std::borrow::ToOwned;
use std::cell::RefCell;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use equivalent::Equivalent;

use crate::shard::NoRoom;
use crate::stats::Count;
use crate::stripes::low_bits;
use crate::wait::{AlarmId, Limit, News, Relay};

use super::core::{Core, Displaced, Left, Life, Open};
use super::typed::Flight;
use super::write::find;

thread_local! {
    /// The loads that this thread runs, in nested calls or polls.
    static RUNNING: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

fn is_running(id: u64) -> bool {
    RUNNING.with_borrow(|running| running.contains(&id))
}

/// Marks a load as run by this thread for as long as it lives.
struct Run;

impl Run {
    fn of(id: u64) -> Self {
        RUNNING.with_borrow_mut(|running| running.push(id));
        Run
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        RUNNING.with_borrow_mut(|running| running.pop());
    }
}

/// What a caller has to do who found nothing.
pub(super) enum Way<'a, K: Hash + Eq, V, S> {
    /// Nothing: it is there now.
    Hit(V),
    Lead(Claim<'a, K, V, S>),
    Follow(Follower<'a, K, V, S>),
    /// This thread runs the key's loader already.
    Reentrant,
}

/// What a follower came to.
pub(super) enum Arrival<'a, K: Hash + Eq, V, S> {
    Value(V),
    Turn(Claim<'a, K, V, S>),
    /// The load was overtaken by a write and brought nothing.
    Void,
    Reentrant,
}

/// Names a load.
struct Seat<'a, K, V, S> {
    core: &'a Core<K, V, S>,
    hash: u64,
    id: u64,
    relay: Arc<Relay<V>>,
}

impl<K, V, S> Clone for Seat<'_, K, V, S> {
    fn clone(&self) -> Self {
        Seat {
            relay: Arc::clone(&self.relay),
            ..*self
        }
    }
}

/// The turn to load a key. Dropping it passes the turn on.
pub(super) struct Claim<'a, K: Hash + Eq, V, S> {
    seat: Seat<'a, K, V, S>,
    /// When the loader started, in nanoseconds.
    started: u64,
    landed: bool,
}

/// A place in the queue for a key. Dropping it leaves the queue.
pub(super) struct Follower<'a, K: Hash + Eq, V, S> {
    seat: Seat<'a, K, V, S>,
    ticket: u64,
    alarm: Option<AlarmId>,
    arrived: bool,
}

impl<K: Hash + Eq, V: Clone, S> Core<K, V, S> {
    /// Claims the load of a key, or queues up for it.
    pub(super) fn claim<Q>(&self, key: &Q, hash: u64) -> Way<'_, K, V, S>
    where
        Q: Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        static IDS: AtomicU64 = AtomicU64::new(0);
        let low = low_bits(hash);
        let owned = key.to_owned();
        let seat = |id, relay| Seat {
            core: self,
            hash,
            id,
            relay,
        };
        self.stripes.of(hash).write(&self.stripes.budget, |world| {
            if let Some((id, flight)) = world
                .shard
                .entries
                .flight(low, |other| key.equivalent(other))
            {
                return Self::follow(seat(id, Arc::clone(&flight.relay)));
            }
            if let Some((slot, entry)) = find(world, low, key)
                && self.is_live(&world.shard.entries, entry)
                && let Some((_, value)) = world.shard.entries.pair(entry)
            {
                world.touch(slot, entry);
                return Way::Hit(value.clone());
            }
            let (id, relay) = (
                IDS.fetch_add(1, Ordering::Relaxed),
                Arc::new(Relay::running()),
            );
            let flight = Flight {
                key: owned,
                relay: Arc::clone(&relay),
            };
            world.shard.entries.flights.insert((low, id), flight);
            Way::Lead(Claim::new(seat(id, relay)))
        })
    }

    /// Queues up for a load that is under way.
    fn follow(seat: Seat<'_, K, V, S>) -> Way<'_, K, V, S> {
        if is_running(seat.id) {
            return Way::Reentrant;
        }
        match seat.relay.join() {
            Some(ticket) => Way::Follow(Follower {
                seat,
                ticket,
                alarm: None,
                arrived: false,
            }),
            None => Way::Lead(Claim::new(seat)),
        }
    }
}

impl<K, V, S> Seat<'_, K, V, S> {
    /// Gives the turn to the next in the queue; without any, the load is over.
    fn pass(&self) {
        let core = self.core;
        let row = (low_bits(self.hash), self.id);
        let (wakes, ended) = core
            .stripes
            .of(self.hash)
            .write(&core.stripes.budget, |world| {
                let flights = &mut world.shard.entries.flights;
                if !flights.contains_key(&row) {
                    return (self.relay.void(), None);
                }
                let (passed, wakes) = self.relay.pass();
                (wakes, if passed { None } else { flights.remove(&row) })
            });
        drop(ended);
        drop(wakes);
    }
}

/// What became of a value that was loaded.
enum Landing<K, V> {
    Stored(Option<Displaced<K, V>>),
    /// The key was written meanwhile.
    Overtaken,
    TooHeavy,
}

impl<'a, K: Hash + Eq, V, S> Claim<'a, K, V, S> {
    fn new(seat: Seat<'a, K, V, S>) -> Self {
        Claim {
            seat,
            started: 0,
            landed: false,
        }
    }

    /// Notes that the loader starts.
    pub(super) fn start(&mut self) {
        self.started = self.seat.core.clock.fine_nanos();
    }

    /// Runs the loader, or a part of it, as this thread's.
    pub(super) fn run<R>(&self, part: impl FnOnce() -> R) -> R {
        let _run = Run::of(self.seat.id);
        part()
    }

    /// Stores what was loaded and tells the followers.
    pub(super) fn land(mut self, value: V) -> V
    where
        V: Clone,
    {
        let Seat { core, hash, id, .. } = self.seat;
        let life = core.life();
        let row = (low_bits(hash), id);
        let mut stored = Some(value.clone());
        let (landing, left) = core.stripes.write(hash, |world, left| {
            self.store(world, left, &mut stored, life)
        });
        let landing = landing.unwrap_or_else(|NoRoom| {
            let flights = |world: &mut Open<'_, K, V>| world.shard.entries.flights.remove(&row);
            drop(core.stripes.of(hash).write(&core.stripes.budget, flights));
            Landing::TooHeavy
        });
        self.landed = true;
        if self.seat.relay.followers() > 0 {
            drop(self.seat.relay.land(value.clone()));
        }
        core.depart(left);
        match landing {
            Landing::Stored(displaced) => {
                core.watch_over(life);
                drop(core.replaced(displaced));
            }
            Landing::TooHeavy => core.counters.count(Count::Rejections),
            Landing::Overtaken => {}
        }
        value
    }

    /// Stores a loaded value, if its key was not written meanwhile. The row stays until that is done.
    fn store(
        &self,
        world: &mut Open<'_, K, V>,
        left: &mut Left<K, V>,
        stored: &mut Option<V>,
        life: Life,
    ) -> Result<Landing<K, V>, NoRoom> {
        let core = self.seat.core;
        let low = low_bits(self.seat.hash);
        let row = (low, self.seat.id);
        let Some(Flight { key, relay }) = world.shard.entries.flights.remove(&row) else {
            return Ok(Landing::Overtaken);
        };
        let value = stored.take().expect("a value is stored once");
        let weight = core.weigh(&key, &value);
        let mut pair = Some((key, value));
        if weight > core.stripes.budget.limit() {
            *stored = pair.map(|pair| pair.1);
            return Ok(Landing::TooHeavy);
        }
        let placed = core.place(world, left, low, &mut pair, (weight, life));
        if let (Err(NoRoom), Some((key, value))) = (&placed, pair) {
            *stored = Some(value);
            world
                .shard
                .entries
                .flights
                .insert(row, Flight { key, relay });
        }
        placed.map(|(_, displaced)| Landing::Stored(displaced))
    }
}

impl<K: Hash + Eq, V, S> Drop for Claim<'_, K, V, S> {
    fn drop(&mut self) {
        let core = self.seat.core;
        core.counters.count(Count::Loads);
        let took = core.clock.fine_nanos().saturating_sub(self.started);
        core.counters.add(Count::LoadNanos, took);
        if !self.landed {
            core.counters.count(Count::LoadFailures);
            self.seat.pass();
        }
    }
}

impl<'a, K: Hash + Eq, V: Clone, S> Follower<'a, K, V, S> {
    /// Asks how the load goes.
    pub(super) fn poll(&mut self, context: &Context<'_>) -> Poll<Arrival<'a, K, V, S>> {
        if is_running(self.seat.id) {
            return Poll::Ready(Arrival::Reentrant);
        }
        let Poll::Ready(news) = self.seat.relay.poll(self.ticket, context) else {
            return Poll::Pending;
        };
        self.arrived = true;
        Poll::Ready(match news {
            News::Landed(value) => Arrival::Value(value),
            News::Turn => Arrival::Turn(Claim::new(self.seat.clone())),
            News::Void => Arrival::Void,
        })
    }

    /// Asks how the load goes, until the limit: then `None`. Whoever does the upkeep calls the waker at the limit.
    pub(super) fn poll_until(
        &mut self,
        context: &Context<'_>,
        limit: Option<&Limit>,
    ) -> Poll<Option<Arrival<'a, K, V, S>>> {
        if let Poll::Ready(arrival) = self.poll(context) {
            return Poll::Ready(Some(arrival));
        }
        let Some(limit) = limit else {
            return Poll::Pending;
        };
        if limit.is_reached() {
            return Poll::Ready(None);
        }
        let core = self.seat.core;
        self.alarm = Some(
            core.alarms
                .set(limit.at, context.waker().clone(), self.alarm.take()),
        );
        core.watch.note(limit.at, &core.clock);
        Poll::Pending
    }
}

impl<K: Hash + Eq, V, S> Drop for Follower<'_, K, V, S> {
    fn drop(&mut self) {
        if let Some(alarm) = self.alarm.take() {
            self.seat.core.alarms.cancel(alarm);
        }
        if !self.arrived && self.seat.relay.leave(self.ticket) {
            self.seat.pass();
        }
    }
}
