//! `Sending`: a message on its way to a ring whose readers may have to be waited for.
//!
//! One poll, for threads and for tasks. The message stays here until the ring takes it, for all of its readers at once.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::message::Delivery;
use super::ring::Ring;
use super::state::Patience;
use crate::time::Clock;
use crate::wait::{Limit, block_on};

/// See the module's text.
pub(super) struct Sending<T: Clone> {
    ring: Arc<Ring<T>>,
    clock: Clock,
    message: Option<T>,
    /// The number under which it waits, and until when, once it does.
    waits: Option<(u64, Limit)>,
}

impl<T: Clone> Unpin for Sending<T> {}

impl<T: Clone> Sending<T> {
    pub(super) fn new(ring: Arc<Ring<T>>, message: T, clock: &Clock) -> Self {
        Sending {
            ring,
            clock: clock.clone(),
            message: Some(message),
            waits: None,
        }
    }

    /// Waits as a thread.
    pub(super) fn block(mut self) -> Delivery {
        loop {
            let limit = self.waits.as_ref().map(|(_, limit)| limit.clone());
            let poll = |context: &mut Context<'_>| match self.attempt(context) {
                // The limit is known now: it bounds the sleep.
                Poll::Pending if limit.is_none() => Poll::Ready(None),
                polled => polled.map(Some),
            };
            // At its limit it looks once more, and goes on without the reader.
            if let Some(Some(delivery)) = block_on(poll, limit.as_ref()) {
                return delivery;
            }
        }
    }

    /// Asks whether it has gone; else the context's waker is called when it may go.
    pub(super) fn attempt(&mut self, context: &Context<'_>) -> Poll<Delivery> {
        loop {
            let patience = match &self.waits {
                None => Patience::Asks,
                Some((_, limit)) if limit.is_reached() => Patience::None,
                Some((id, _)) => Patience::Waits(*id, context.waker()),
            };
            match self.ring.offer(&mut self.message, patience) {
                Ok(delivery) => return Poll::Ready(delivery),
                Err(_) if self.waits.is_some() => return Poll::Pending,
                Err(timeout) => {
                    let limit = Limit::new(&self.clock, timeout);
                    self.waits = Some((self.ring.next_id(), limit));
                }
            }
        }
    }
}

impl<T: Clone> Drop for Sending<T> {
    fn drop(&mut self) {
        if let Some((id, _)) = &self.waits {
            self.ring.give_up(*id);
        }
    }
}

/// The future of [`Bus::deliver`](crate::Bus::deliver) and [`Topic::deliver`](crate::Topic::deliver): a message on its way to
/// those who may have to be waited for. It needs no runtime.
#[must_use = "nothing is sent before it is polled"]
pub struct Deliver<T: Clone> {
    now: Option<Sending<T>>,
    later: std::vec::IntoIter<Sending<T>>,
    delivery: Delivery,
}

impl<T: Clone> fmt::Debug for Deliver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deliver").finish_non_exhaustive()
    }
}

impl<T: Clone> Deliver<T> {
    /// One after the other.
    pub(super) fn all(sendings: Vec<Sending<T>>) -> Self {
        let mut later = sendings.into_iter();
        Deliver {
            now: later.next(),
            later,
            delivery: Delivery::default(),
        }
    }

    /// Waits as a thread.
    pub(super) fn block(self) -> Delivery {
        let mut delivery = self.delivery;
        for sending in self.now.into_iter().chain(self.later) {
            delivery += sending.block();
        }
        delivery
    }
}

impl<T: Clone> From<Sending<T>> for Deliver<T> {
    fn from(sending: Sending<T>) -> Self {
        Deliver {
            now: Some(sending),
            ..Deliver::all(Vec::new())
        }
    }
}

impl<T: Clone> Future for Deliver<T> {
    type Output = Delivery;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Delivery> {
        while let Some(sending) = &mut self.now {
            let Poll::Ready(delivery) = sending.attempt(context) else {
                return Poll::Pending;
            };
            self.delivery += delivery;
            self.now = self.later.next();
        }
        Poll::Ready(self.delivery)
    }
}
