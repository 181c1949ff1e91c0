//! `Follower`: a caller in the queue for a key's load; `Vigil`: its wait, where that has an end.
//!
//! A follower is a poll over the load's queue of wakers, for threads and tasks alike. A vigil sets an alarm at the
//! caller's limit, which whoever does the upkeep rings.

use std::hash::Hash;
use std::task::{Context, Poll};

use crate::wait::{AlarmId, Limit, News};

use super::core::Core;
use super::flight::{Arrival, Claim, Seat, is_running};

/// A place in the queue for a key. Dropping it leaves the queue.
pub(super) struct Follower<'a, K: Hash + Eq, V, S> {
    seat: Seat<'a, K, V, S>,
    ticket: u64,
    arrived: bool,
}

/// A wait that may have an end, at which whoever does the upkeep calls the waker.
pub(super) struct Vigil<'a, K, V, S> {
    core: &'a Core<K, V, S>,
    limit: Option<&'a Limit>,
    alarm: Option<AlarmId>,
}

impl<'a, K: Hash + Eq, V, S> Follower<'a, K, V, S> {
    pub(super) fn new(seat: Seat<'a, K, V, S>, ticket: u64) -> Self {
        Follower {
            seat,
            ticket,
            arrived: false,
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
}

impl<K: Hash + Eq, V, S> Drop for Follower<'_, K, V, S> {
    fn drop(&mut self) {
        if !self.arrived && self.seat.relay.leave(self.ticket) {
            self.seat.pass();
        }
    }
}

impl<'a, K, V, S> Vigil<'a, K, V, S> {
    pub(super) fn new(core: &'a Core<K, V, S>, limit: Option<&'a Limit>) -> Self {
        Vigil {
            core,
            limit,
            alarm: None,
        }
    }

    /// Asks how it goes, until the limit: then `None`.
    pub(super) fn poll<R>(
        &mut self,
        context: &Context<'_>,
        news: impl FnOnce(&Context<'_>) -> Poll<R>,
    ) -> Poll<Option<R>> {
        if let Poll::Ready(news) = news(context) {
            return Poll::Ready(Some(news));
        }
        let Some(limit) = self.limit else {
            return Poll::Pending;
        };
        if limit.is_reached() {
            return Poll::Ready(None);
        }
        let core = self.core;
        let alarm = self.alarm.take();
        self.alarm = Some(core.alarms.set(limit.at, context.waker().clone(), alarm));
        core.watch.note(limit.at);
        Poll::Pending
    }
}

impl<K, V, S> Drop for Vigil<'_, K, V, S> {
    fn drop(&mut self) {
        if let Some(alarm) = self.alarm.take() {
            self.core.alarms.cancel(alarm);
        }
    }
}
