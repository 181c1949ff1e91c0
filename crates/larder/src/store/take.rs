//! Taking from a key as soon as it has something: the pops that wait.
//!
//! ```text
//! ask     [locks of the keys] nobody waits, something there -> goods         else -> queue up, in this very hold
//! serve   after a write that touched a waited key: from the first in the queue on
//!             [locks of the waiter's keys] still wanted? something there? -> taken, handed over; wake after the unlock
//! leave   timed out or dropped: out of the queues; what was handed over meanwhile is returned, or put back
//! ```
//!
//! Waiters of a key are served in the order in which they came, each from the first of its own keys that has something.
//! One that comes while others wait queues up behind them and has the queue served, so it never overtakes. What a
//! waiter moves to another key may serve the next: that is a turn of the same loop, so chains are no deeper than one.
//! A thread and a task wait on the same [`Pending`].

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::core::Core;
use super::group::Name;
use super::seat::Refusal;
use super::waiting::Place;
use super::wish::{Goods, Waiter, Wish};
use crate::error::Error;
use crate::wait::{Limit, block_on};

/// What came of asking.
enum Answer<'a> {
    Now(Goods),
    Later(Pending<'a>),
}

/// A place in the queues. Dropping it leaves them; goods that were handed over go back.
struct Pending<'a> {
    core: &'a Core,
    place: Place<Waiter>,
    fetched: bool,
}

impl Pending<'_> {
    fn poll(&mut self, context: &Context<'_>) -> Poll<Result<Goods, Error>> {
        let polled = self.place.waiter.handover.poll(context);
        self.fetched = polled.is_ready();
        polled
    }

    /// Stops waiting; what was handed over at the last moment.
    fn leave(mut self) -> Option<Result<Goods, Error>> {
        self.fetched = true;
        self.core.dismiss(&self.place);
        self.place.waiter.handover.close()
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if self.fetched {
            return;
        }
        self.core.dismiss(&self.place);
        if let Some(Ok(goods)) = self.place.waiter.handover.close() {
            let waiter = &self.place.waiter;
            // Where nothing may be evicted for it, there is no room to put it back to.
            let _ = self
                .core
                .write_many(&waiter.all_keys(), |group| waiter.put_back(group, &goods));
        }
    }
}

impl Core {
    /// Takes what is wished for from the first of the keys that has it, or queues up.
    fn ask(&self, keys: Vec<Name>, wish: Wish) -> Result<Answer<'_>, Error> {
        if keys.is_empty() {
            return Err(Error::Syntax);
        }
        let waiter = Arc::new(Waiter::new(keys, wish));
        let mut queued = None;
        let (taken, _) = self.hold_many(&waiter.all_keys(), |group| {
            let first = waiter.first(group)?;
            let mut others = waiter.keys.iter();
            let others = others.any(|(hash, key)| self.waiting.has(self.stripe(*hash), key));
            if let (Some(nth), false) = (first, others) {
                return waiter.take(group, nth);
            }
            let ticket = self.waiting.ticket();
            for (hash, key) in &waiter.keys {
                let stripe = self.stripe(*hash);
                self.waiting.enter(stripe, key, ticket, &waiter);
            }
            queued = Some((ticket, first.is_some()));
            Ok(None)
        });
        let Some((ticket, may_be_served)) = queued else {
            return taken?.map_or(Err(Error::NoSuchKey), |goods| {
                self.serve(waiter.destination().map(|to| to.1.clone()));
                Ok(Answer::Now(goods))
            });
        };
        let pending = Pending {
            core: self,
            place: Place {
                ticket,
                waiter: Arc::clone(&waiter),
            },
            fetched: false,
        };
        if may_be_served {
            self.serve(waiter.keys.iter().map(|(_, key)| key.clone()));
        }
        Ok(Answer::Later(pending))
    }

    /// The number of a hash's stripe.
    fn stripe(&self, hash: u64) -> usize {
        self.stripes.number(hash)
    }

    /// Takes a waiter out of its queues.
    fn dismiss(&self, place: &Place<Waiter>) {
        for (hash, key) in &place.waiter.keys {
            self.waiting.leave(self.stripe(*hash), key, place.ticket);
        }
    }

    /// Serves those who wait for these keys, which may have got something. No lock is held.
    pub(crate) fn serve(&self, touched: impl IntoIterator<Item = Vec<u8>>) {
        let mut touched: VecDeque<Vec<u8>> = touched.into_iter().collect();
        while let Some(key) = touched.pop_front() {
            let stripe = self.stripe(self.hash(&key));
            let mut last = None;
            while let Some(place) = self.waiting.next(stripe, &key, last.as_ref()) {
                match self.key_type(&key) {
                    None => break,
                    Some(found) if found == place.waiter.key_type() => {
                        touched.extend(self.satisfy(&place));
                    }
                    Some(_) => {}
                }
                last = Some(place);
            }
        }
    }

    /// Hands a waiter what it waits for, if it is there; the key that got something by that.
    fn satisfy(&self, place: &Place<Waiter>) -> Option<Vec<u8>> {
        let waiter = &*place.waiter;
        let (given, _) = self.hold_many(&waiter.all_keys(), |group| {
            waiter.handover.give::<Refusal>(|| {
                let Some(nth) = waiter.first_fit(group) else {
                    return Ok(None);
                };
                Ok(waiter.take(group, nth)?.map(Ok))
            })
        });
        let moved = given.is_ok();
        let (done, _wakes) = given.unwrap_or_else(|error| {
            let given = waiter.handover.give::<Infallible>(|| Ok(Some(Err(error))));
            given.unwrap_or_else(|never| match never {})
        });
        if !done {
            return None;
        }
        self.dismiss(place);
        let to = waiter.destination().filter(|_| moved);
        to.map(|(_, key)| key.clone())
    }

    /// Waits for what is wished for.
    pub(crate) async fn take(&self, keys: Vec<Name>, wish: Wish) -> Result<Goods, Error> {
        match self.ask(keys, wish)? {
            Answer::Now(goods) => Ok(goods),
            Answer::Later(mut pending) => poll_fn(|context| pending.poll(context)).await,
        }
    }

    /// Parks the thread until there is what is wished for; `None` if the wait is over before.
    pub(crate) fn take_blocking(
        &self,
        keys: Vec<Name>,
        wish: Wish,
        wait: Option<Duration>,
    ) -> Result<Option<Goods>, Error> {
        let limit = wait.map(|wait| Limit::new(&self.clock, wait));
        let mut pending = match self.ask(keys, wish)? {
            Answer::Now(goods) => return Ok(Some(goods)),
            Answer::Later(pending) => pending,
        };
        let fetched = block_on(|context| pending.poll(context), limit.as_ref());
        fetched.or_else(|| pending.leave()).transpose()
    }
}
