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
//! A write of the source through the cache is a claim too: it takes a load's row out, queues up behind another write,
//! and stores what it wrote. If it fails, nobody knows what the source has: the entry is taken out. A write of the key
//! past it, meanwhile, leaves its row and makes it doubtful, which ends the same way.
//!
//! Threads and tasks meet here: both hold the same Claims and Followers, and differ in how they wait ([`block_on`] or
//! `await`). A thread knows which loads it runs at the moment, in nested calls or polls; asking for one of them
//! again can never end, and is an error.

use std::cell::RefCell;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use equivalent::Equivalent;

use crate::ds::Ref;
use crate::ds::table::Slot;
use crate::memo::ToKey;
use crate::shard::{Departed, NoRoom};
use crate::stats::Count;
use crate::stripes::low_bits;
use crate::time::Present;
use crate::wait::Relay;

use super::core::{Core, Displaced, Left, Life, Open, Origin};
use super::follower::Follower;
use super::freshness::Standing;
use super::listener::Cause;
use super::loaded::{Keep, Loaded};
use super::typed::{Flight, Task};
use super::write::find;

thread_local! {
    /// The loads that this thread runs, in nested calls or polls.
    static RUNNING: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

pub(super) fn is_running(id: u64) -> bool {
    RUNNING.with_borrow(|running| running.contains(&id))
}

/// Marks a load as run by this thread for as long as it lives.
pub(super) struct Run;

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

/// What a caller wants who comes to load or write a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    /// A value: what is there, or another's load, or a load of its own.
    Need,
    /// A load if nobody runs one: it has a value that is good enough.
    Refresh,
    /// A load, whatever is there.
    Renew,
    /// A write of the source: loads that began before it are not to be stored.
    Write,
}

/// What a caller has to do.
pub(super) enum Way<'a, K: Hash + Eq, V, S> {
    Arrived(Arrival<'a, K, V, S>),
    Follow(Follower<'a, K, V, S>),
}

/// What a caller came to.
pub(super) enum Arrival<'a, K: Hash + Eq, V, S> {
    Value(V),
    Turn(Claim<'a, K, V, S>),
    /// The load was overtaken by a write and brought nothing.
    Void,
    /// Somebody loads, and this caller wanted to do that only otherwise.
    Busy,
    /// This thread runs the key's loader already.
    Reentrant,
}

/// Names a load.
pub(super) struct Seat<'a, K, V, S> {
    core: &'a Core<K, V, S>,
    hash: u64,
    pub(super) id: u64,
    pub(super) relay: Arc<Relay<V>>,
    /// Whether the caller came to write the source.
    writes: bool,
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
    /// When the loader started, in nanoseconds, if it did.
    started: Option<u64>,
    /// How long it ran, once that is known.
    took: Option<u64>,
    /// The tags' epoch at that time.
    epoch: u64,
    end: End,
}

/// How a claim ended, if it did.
#[derive(PartialEq, Eq)]
enum End {
    Given,
    Landed,
    /// Another thread has the turn now.
    HandedOver,
}

/// A claim on its way to another thread.
pub(super) struct Errand<V> {
    hash: u64,
    id: u64,
    relay: Arc<Relay<V>>,
}

impl<K: Hash + Eq, V: Clone, S> Core<K, V, S> {
    /// Claims the load or the write of a key, or queues up for it.
    pub(super) fn claim<Q>(&self, key: &Q, hash: u64, intent: Intent) -> Way<'_, K, V, S>
    where
        Q: Equivalent<K> + ToKey<K> + ?Sized,
    {
        static IDS: AtomicU64 = AtomicU64::new(0);
        let low = low_bits(hash);
        let owned = key.to_key();
        let writes = intent == Intent::Write;
        let seat = |id, relay| Seat {
            core: self,
            hash,
            id,
            relay,
            writes,
        };
        let (mut superseded, time) = (None, self.clock.present());
        let way = self.stripes.hold(hash, |world| {
            let entries = &mut world.shard.entries;
            if writes {
                superseded = entries.supersede_load(low, |other| key.equivalent(other));
            }
            if let Some((id, flight)) = entries.flight(low, |other| key.equivalent(other)) {
                return Self::follow(seat(id, Arc::clone(&flight.relay)), intent);
            }
            if let Intent::Need | Intent::Refresh = intent
                && let Some((slot, entry)) = find(world, low, key)
                && self.standing(&world.shard.entries, entry, &time) == Standing::Use
                && let Some((_, value)) = world.shard.entries.pair(entry)
            {
                world.touch(slot, entry);
                return Way::Arrived(Arrival::Value(value.clone()));
            }
            let (id, relay) = (
                IDS.fetch_add(1, Ordering::Relaxed),
                Arc::new(Relay::running()),
            );
            let flight = Flight {
                key: owned,
                relay: Arc::clone(&relay),
                task: if writes { Task::Write } else { Task::Load },
            };
            world.shard.entries.flights.insert((low, id), flight);
            Way::Arrived(Arrival::Turn(Claim::new(seat(id, relay))))
        });
        drop(superseded);
        way
    }

    /// Queues up for a load that is under way.
    fn follow(seat: Seat<'_, K, V, S>, intent: Intent) -> Way<'_, K, V, S> {
        if intent == Intent::Refresh {
            return Way::Arrived(Arrival::Busy);
        }
        if is_running(seat.id) {
            return Way::Arrived(Arrival::Reentrant);
        }
        match seat.relay.join() {
            Some(ticket) => Way::Follow(Follower::new(seat, ticket)),
            None => Way::Arrived(Arrival::Turn(Claim::new(seat))),
        }
    }

    /// Takes over a claim that was handed over.
    pub(super) fn resume(&self, errand: Errand<V>) -> Claim<'_, K, V, S> {
        let Errand { hash, id, relay } = errand;
        Claim::new(Seat {
            core: self,
            hash,
            id,
            relay,
            writes: false,
        })
    }
}

impl<K: Eq, V, S> Core<K, V, S> {
    /// Takes out what a key has, since its source was written and has something else.
    fn withdraw(
        &self,
        world: &mut Open<'_, K, V>,
        hash: u32,
        key: &K,
        time: &Present<'_>,
    ) -> Option<Displaced<K, V>> {
        let place = find(world, hash, key)?;
        Some(self.discard(world, place, hash, time))
    }

    /// The tail of a withdrawal.
    fn removed(&self, displaced: Option<Displaced<K, V>>) {
        if let Some(displaced) = displaced {
            drop(self.took(displaced, Cause::Removed, Count::Removals));
        }
    }
}

impl<K: Eq, V, S> Seat<'_, K, V, S> {
    /// Runs `work` on the entry of the load's key, if there are both.
    fn with_entry<R>(
        &self,
        work: impl FnOnce(&mut Open<'_, K, V>, (Slot, Ref)) -> Option<R>,
    ) -> Option<R> {
        let core = self.core;
        let low = low_bits(self.hash);
        core.stripes.hold(self.hash, |world| {
            let place = world.find(low, |entries, entry| {
                let flight = entries.flights.get(&(low, self.id));
                let held = entries.pair(entry);
                held.zip(flight)
                    .is_some_and(|(held, flight)| held.0 == flight.key)
            })?;
            work(world, place)
        })
    }

    /// Takes the entry out if this caller was to write the source, and nobody knows what it has now.
    fn withdraw(&self, time: &Present<'_>) -> Option<Displaced<K, V>> {
        if !self.writes {
            return None;
        }
        let (core, low) = (self.core, low_bits(self.hash));
        self.with_entry(|world, place| Some(core.discard(world, place, low, time)))
    }

    /// Ends a load whose value is not stored, and takes the entry out as [`withdraw`](Self::withdraw) does.
    fn give_up(&self, time: &Present<'_>) -> Option<Displaced<K, V>> {
        let core = self.core;
        let row = (low_bits(self.hash), self.id);
        let outdated = self.withdraw(time);
        let flights = |world: &mut Open<'_, K, V>| world.shard.entries.flights.remove(&row);
        drop(core.stripes.hold(self.hash, flights));
        outdated
    }

    /// Lets the entry be returned for a while without another try to load.
    fn hush(&self) {
        let core = self.core;
        let now = core.clock.fine_now();
        self.with_entry(|world, (_, entry)| {
            let mark = world.shard.entries.mark_mut(entry)?;
            core.rules.as_ref()?.hush(mark, now);
            Some(())
        });
    }
}

impl<K, V, S> Seat<'_, K, V, S> {
    /// Gives the turn to the next in the queue; without any, the load is over.
    pub(super) fn pass(&self) {
        let core = self.core;
        let row = (low_bits(self.hash), self.id);
        let (wakes, ended) = core.stripes.hold(self.hash, |world| {
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
    /// The key was written meanwhile. What is there was taken out if it may be wrong.
    Overtaken(Option<Displaced<K, V>>),
    /// What is there was taken out if it is wrong now.
    TooHeavy(Option<Displaced<K, V>>),
    /// Not stored, as its source said; what is there was taken out if it is wrong now.
    Passed(Option<Displaced<K, V>>),
}

impl<'a, K: Hash + Eq, V, S> Claim<'a, K, V, S> {
    pub(super) fn new(seat: Seat<'a, K, V, S>) -> Self {
        Claim {
            seat,
            started: None,
            took: None,
            epoch: 0,
            end: End::Given,
        }
    }

    /// Notes that the loader starts.
    pub(super) fn start(&mut self) {
        self.started = Some(self.seat.core.clock.fine_nanos());
        self.epoch = self.seat.core.epoch();
    }

    /// Runs the loader, or a part of it, as this thread's.
    pub(super) fn run<R>(&self, part: impl FnOnce() -> R) -> R {
        let _run = self.running();
        part()
    }

    /// Marks the load as run by this thread, until what is returned is dropped. Those of one thread end in reverse order.
    pub(super) fn running(&self) -> Run {
        Run::of(self.seat.id)
    }

    /// Gives the claim to another thread.
    pub(super) fn hand_over(mut self) -> Errand<V> {
        self.end = End::HandedOver;
        let Seat {
            hash, id, relay, ..
        } = &self.seat;
        Errand {
            hash: *hash,
            id: *id,
            relay: Arc::clone(relay),
        }
    }

    /// Stores what was loaded and tells the followers.
    pub(super) fn land(mut self, loaded: Loaded<V>) -> V
    where
        V: Clone,
    {
        let Seat { core, hash, .. } = self.seat;
        let Loaded {
            value,
            ttl,
            tags,
            keep,
        } = loaded;
        let time = core.clock.present();
        self.took = self.elapsed(&time);
        let life = core.life_by(&value, ttl, time);
        let mut origin = Origin {
            epoch: self.epoch,
            load_nanos: self.took.unwrap_or(0),
            tags,
        };
        let mut stored = Some(value.clone());
        let mut left = Departed::default();
        let landing = match keep {
            Keep::Passed => Landing::Passed(self.seat.give_up(&life.time)),
            Keep::Stored => {
                let landing = core.stripes.write(hash, &mut left, |world, left| {
                    self.store(world, left, &mut stored, (&life, &mut origin))
                });
                landing.unwrap_or_else(|NoRoom| Landing::TooHeavy(self.seat.give_up(&life.time)))
            }
        };
        self.end = End::Landed;
        if self.seat.relay.followers() > 0 {
            drop(self.seat.relay.land(value.clone()));
        }
        core.depart(left);
        match landing {
            Landing::Stored(displaced) => {
                core.watch_over(&life);
                drop(core.replaced(displaced));
            }
            Landing::TooHeavy(outdated) => {
                core.counters.count(Count::Rejections);
                core.removed(outdated);
            }
            Landing::Overtaken(outdated) | Landing::Passed(outdated) => core.removed(outdated),
        }
        value
    }

    /// Stores a loaded value, if its key was not written meanwhile. The row stays until that is done.
    fn store(
        &self,
        world: &mut Open<'_, K, V>,
        left: &mut Left<K, V>,
        stored: &mut Option<V>,
        (life, origin): (&Life<'_>, &mut Origin),
    ) -> Result<Landing<K, V>, NoRoom> {
        let core = self.seat.core;
        let low = low_bits(self.seat.hash);
        let row = (low, self.seat.id);
        let Some(flight) = world.shard.entries.flights.remove(&row) else {
            return Ok(Landing::Overtaken(None));
        };
        let Flight { key, relay, task } = flight;
        if task == Task::DoubtfulWrite {
            return Ok(Landing::Overtaken(
                core.withdraw(world, low, &key, &life.time),
            ));
        }
        let value = stored.take().expect("a value is stored once");
        let weight = core.weigh(&key, &value);
        if weight > core.stripes.budget.limit() {
            *stored = Some(value);
            let withdraw = || core.withdraw(world, low, &key, &life.time);
            let outdated = self.seat.writes.then(withdraw);
            return Ok(Landing::TooHeavy(outdated.flatten()));
        }
        let mut pair = Some((key, value));
        let placed = core.place(world, left, low, &mut pair, (weight, life));
        if let (Err(NoRoom), Some((key, value))) = (&placed, pair) {
            *stored = Some(value);
            let flight = Flight { key, relay, task };
            world.shard.entries.flights.insert(row, flight);
        }
        let (entry, displaced) = placed?;
        core.sign(world, entry, Some(origin));
        Ok(Landing::Stored(displaced))
    }
}

impl<K: Hash + Eq, V, S> Claim<'_, K, V, S> {
    /// How long the loader has run, if it started.
    fn elapsed(&self, time: &Present<'_>) -> Option<u64> {
        self.started
            .map(|started| time.nanos().saturating_sub(started))
    }

    /// Ends a load that failed, while the entry is good enough to be returned: nobody tries again for a while.
    pub(super) fn rest(self) {
        self.seat.hush();
    }
}

impl<K: Hash + Eq, V, S> Drop for Claim<'_, K, V, S> {
    fn drop(&mut self) {
        if self.end == End::HandedOver {
            return;
        }
        let core = self.seat.core;
        let time = core.clock.present();
        let took = self.took.or_else(|| self.elapsed(&time));
        if let Some(took) = took {
            core.counters.count(Count::Loads);
            core.counters.add(Count::LoadNanos, took);
            if self.end == End::Given {
                core.counters.count(Count::LoadFailures);
            }
        }
        if self.end == End::Given {
            core.removed(self.seat.withdraw(&time));
            self.seat.pass();
        }
    }
}
