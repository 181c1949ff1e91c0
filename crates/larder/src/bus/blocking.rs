//! The ends of a subscription that park a thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Context;
use std::time::Duration;

use super::message::{Event, RecvError};
use super::subscription::Subscription;
use crate::wait::{Limit, block_on};

/// What [`Subscription::listen_blocking`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listened {
    /// Events that the callback was called for.
    pub events: u64,
    /// Those of them for which it panicked.
    pub panics: u64,
    /// Why it ended.
    pub end: RecvError,
}

impl<T: Clone> Subscription<T> {
    /// Waits for the next event, parking the thread; with a duration, at most so long.
    ///
    /// ```
    /// use larder::RecvError;
    /// use std::time::Duration;
    ///
    /// let topic = larder::Topic::<u32>::new();
    /// let mut reader = topic.subscribe();
    /// assert_eq!(reader.recv_blocking(Duration::from_millis(1)), Err(RecvError::Empty));
    /// drop(topic);
    /// assert_eq!(reader.recv_blocking(None), Err(RecvError::Closed));
    /// ```
    ///
    /// # Errors
    ///
    /// [`RecvError::Empty`] when the time is over; else why there will be no more.
    pub fn recv_blocking(
        &mut self,
        limit: impl Into<Option<Duration>>,
    ) -> Result<Event<T>, RecvError> {
        match self.try_recv() {
            Err(RecvError::Empty) => {}
            result => return result,
        }
        let limit = limit.into().map(|wait| Limit::new(&self.clock, wait));
        let poll = |context: &mut Context<'_>| {
            let mut look = Some(|event: Event<&T>| event.map(T::clone));
            self.poll_recv_with(context, &mut look)
        };
        block_on(poll, limit.as_ref()).unwrap_or(Err(RecvError::Empty))
    }

    /// The events to come, each waited for by parking the thread; it ends when there will be no more.
    ///
    /// ```
    /// let topic = larder::Topic::<u32>::new();
    /// let mut reader = topic.subscribe();
    /// topic.publish(1);
    /// topic.publish(2);
    /// drop(topic);
    /// assert_eq!(reader.iter_blocking().count(), 2);
    /// ```
    pub fn iter_blocking(&mut self) -> impl Iterator<Item = Event<T>> + use<'_, T> {
        std::iter::from_fn(|| self.recv_blocking(None).ok())
    }

    /// Calls back for every event, on this thread, until there will be no more: a [`Remote`](crate::Remote) stops it.
    ///
    /// A callback that panics is counted, and called again for the next event. It may publish, also to what it listens to.
    ///
    /// ```
    /// let topic = larder::Topic::<u32>::new();
    /// let mut reader = topic.subscribe();
    /// for number in 1..=3 {
    ///     topic.publish(number);
    /// }
    /// drop(topic);
    /// let mut sum = 0;
    /// let listened = reader.listen_blocking(|event| sum += event.message().map_or(0, |number| **number));
    /// assert_eq!((sum, listened.events, listened.panics), (6, 3, 0));
    /// ```
    pub fn listen_blocking(&mut self, mut callback: impl FnMut(Event<&T>)) -> Listened {
        let line = Arc::clone(self.line());
        let (mut events, mut panics) = (0, 0);
        let end = loop {
            let mut look = Some(|event: Event<&T>| {
                events += 1;
                if catch_unwind(AssertUnwindSafe(|| callback(event))).is_err() {
                    panics += 1;
                    line.panics.fetch_add(1, Relaxed);
                }
            });
            if let Some(Err(end)) =
                block_on(|context| self.poll_recv_with(context, &mut look), None)
            {
                break end;
            }
        };
        Listened {
            events,
            panics,
            end,
        }
    }
}
