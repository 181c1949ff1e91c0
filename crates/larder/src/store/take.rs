//! Taking from a key as soon as it has something: the pops that wait.
//!
//! ```text
//! ask     [locks of the keys] something there -> goods        nothing -> queue up, in this very hold
//! serve   [locks of the writer] its work is done -> for each key that it touched, from the first in the queue on:
//!             still wanted? something there? -> taken, handed over;        wake after the unlock
//! leave   timed out or dropped: out of the queues; what was handed over meanwhile is put back, and serves the next
//! ```
//!
//! Waiters of a key are served in the order in which they came, each from the first of its own keys that has something.
//! All of it happens before the writer lets its locks go, so that nobody comes in between: whenever a stripe is not
//! held, no key in it has what somebody waits for.
//!
//! Where what is moved finds no room, and none can be made since others hold the stripes that have some, the waiter keeps
//! its turn and is served by a hold of its own, which may wait for them, once this one is over.
//!
//! What a waiter moves to another key may serve the next: that is a turn of the same loop. So a writer whose key is
//! waited for holds the stripes of all keys to which something may be moved from it, over any number of turns
//! ([`Core::beyond`]). Of a waiter's keys, those whose stripes are not held are passed over: they have nothing, or their
//! own writer is about to serve.
//!
//! A thread and a task wait on the same [`Pending`].

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::core::Core;
use super::group::{Group, Key, Name};
use super::seat::{Refusal, Seat};
use super::waiting::Place;
use super::wish::{Goods, Waiter, Wish};
use super::words::Words;
use crate::error::Error;
use crate::stripes::Worlds;
use crate::wait::{Limit, Wakes, block_on};

/// What became of those who wait for what was touched.
#[derive(Default)]
pub(crate) struct Service {
    /// Who is to be woken after the unlock.
    pub(crate) wakes: Vec<Wakes>,
    /// Those for whose goods there was no room, to be [served anew](Core::serve_anew) after the unlock.
    pub(crate) unserved: Vec<Place<Waiter>>,
}

/// There was no room for what is moved.
struct Unserved;

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
        match self.place.waiter.handover.poll(context) {
            Poll::Ready(Some(goods)) => {
                self.fetched = true;
                Poll::Ready(goods)
            }
            // Nobody but this waiter ends the wait.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
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
        let taken = self.write_many(&waiter.all_keys(), |group| {
            if let Some(nth) = waiter.first(group)? {
                return waiter.take(group, nth);
            }
            let ticket = self.waiting.ticket();
            for name in &waiter.keys {
                let stripe = self.stripe(name.0);
                self.waiting.enter(stripe, Key::of(name), ticket, &waiter);
            }
            queued = Some(ticket);
            Ok(None)
        })?;
        match queued {
            None => taken.map(Answer::Now).ok_or(Error::NoSuchKey),
            Some(ticket) => Ok(Answer::Later(Pending {
                core: self,
                place: Place { ticket, waiter },
                fetched: false,
            })),
        }
    }

    /// The number of a hash's stripe.
    fn stripe(&self, hash: u64) -> usize {
        self.stripes.number(hash)
    }

    /// Takes a waiter out of its queues.
    fn dismiss(&self, place: &Place<Waiter>) {
        for name in &place.waiter.keys {
            let stripe = self.stripe(name.0);
            self.waiting.leave(stripe, Key::of(name), place.ticket);
        }
    }

    /// Whether anybody waits for a key; its stripe is held.
    #[inline]
    pub(crate) fn is_waited_for(&self, key: Key<'_>) -> bool {
        self.waiting.has(self.stripe(key.hash), key)
    }

    /// [`Core::write_at`] for a key that somebody waits for.
    #[cold]
    #[inline(never)]
    pub(crate) fn write_waited(
        &self,
        key: Key<'_>,
        work: &mut dyn FnMut(&mut Seat<'_, '_>) -> Result<(), Refusal>,
    ) -> Result<(), Error> {
        self.write_many(&[key], |group| group.seat(key, &mut *work))
    }

    /// The hashes of keys whose stripes must be held as well to serve those who wait for these: where something may be
    /// moved to from them, and from there on.
    ///
    /// What is held stays as it is. What is not may change until it is held too, so the caller asks again then.
    pub(crate) fn beyond<'k>(
        &self,
        keys: impl IntoIterator<Item = Key<'k>>,
        worlds: &Worlds<'_, Words>,
    ) -> Vec<u64> {
        let moved_from = |key: Key<'_>| {
            let to = |place: &Place<Waiter>| place.waiter.destination().cloned();
            self.waiting.collect(self.stripe(key.hash), key, to)
        };
        let mut reached: Vec<Name> = Vec::new();
        for key in keys {
            reached.extend(moved_from(key));
        }
        let mut looked = 0;
        while let Some(name) = reached.get(looked) {
            looked += 1;
            let further = moved_from(Key::of(name));
            let mut further: Vec<Name> = further
                .into_iter()
                .filter(|name| !reached.contains(name))
                .collect();
            further.dedup();
            reached.append(&mut further);
        }
        let hashes = reached.iter().map(|(hash, _)| *hash);
        hashes.filter(|hash| worlds.find(*hash).is_none()).collect()
    }

    /// Serves those who wait for keys that the group has touched.
    pub(crate) fn serve(&self, group: &mut Group<'_>) -> Service {
        let mut service = Service::default();
        let touched = std::mem::take(&mut group.after.touched);
        let (mut todo, mut done) = (VecDeque::from(touched), Vec::new());
        while let Some(key) = todo.pop_front() {
            self.serve_key(group, self.key(&key), &mut service);
            for touched in group.after.touched.drain(..) {
                if touched != key && todo.back() != Some(&touched) {
                    todo.push_back(touched);
                }
            }
            done.push(key);
        }
        group.after.touched = done;
        service
    }

    /// Serves those who wait for a key.
    fn serve_key(&self, group: &mut Group<'_>, key: Key<'_>, service: &mut Service) {
        let (stripe, mut last) = (self.stripe(key.hash), None);
        while let Some(place) = self.waiting.next(stripe, key, last.as_ref()) {
            match group.seat(key, |seat| seat.key_type()) {
                None => return,
                Some(found) if found == place.waiter.key_type() => {
                    match self.satisfy(group, &place) {
                        Ok(wakes) => service.wakes.extend(wakes),
                        Err(Unserved) => {
                            // Nobody behind it is served before it.
                            service.unserved.push(place);
                            return;
                        }
                    }
                }
                Some(_) => {}
            }
            last = Some(place);
        }
    }

    /// Hands a waiter what it waits for, if it is there; who is to be woken then.
    fn satisfy(
        &self,
        group: &mut Group<'_>,
        place: &Place<Waiter>,
    ) -> Result<Option<Wakes>, Unserved> {
        let waiter = &*place.waiter;
        let given = waiter
            .handover
            .give(|| group.insist(|group| waiter.take_fit(group)));
        let (done, wakes) = match given {
            Ok(given) => given,
            Err(Error::TooLarge) => return Err(Unserved),
            Err(error) => waiter.handover.put(Err(error)),
        };
        if done {
            self.dismiss(place);
        }
        Ok(done.then_some(wakes))
    }

    /// Serves a waiter, and those behind it, by a hold of its own; an error that says that there is no room is true then.
    pub(crate) fn serve_anew(&self, place: &Place<Waiter>, unserved: &mut Vec<Place<Waiter>>) {
        let waiter = &*place.waiter;
        let (keys, mut wakes) = (waiter.all_keys(), None);
        let held = self.hold(
            &keys,
            &mut |group| {
                let (done, woken) = waiter.handover.give(|| waiter.take_fit(group))?;
                wakes = done.then_some(woken);
                Ok(())
            },
            unserved,
        );
        if let Err(error) = held {
            let (done, woken) = waiter.handover.put(Err(error));
            wakes = done.then_some(woken);
        }
        if wakes.is_some() {
            self.dismiss(place);
        }
        if held.is_err() {
            // Those behind it have their turn.
            let touched = waiter.keys.iter().map(|(_, key)| key.clone());
            let _ = self.hold(
                &keys,
                &mut |group| {
                    group.after.touched.extend(touched.clone());
                    Ok(())
                },
                unserved,
            );
        }
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
