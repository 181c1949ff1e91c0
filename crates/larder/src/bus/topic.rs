//! `Topic`: typed messages, shared and never serialized.

use std::fmt;
use std::sync::Arc;

use super::feed::Feed;
use super::message::{BusError, Delivery};
use super::overflow::Overflow;
use super::ring::Ring;
use super::sending::{Deliver, Sending};
use super::subscription::Subscription;
use crate::time::Clock;

/// A broadcast of typed messages: everybody who subscribed gets each of them, and all share the one `Arc`.
///
/// It stands alone, or has a name on a bus: [`Bus::topic`](crate::Bus::topic). Clones publish to the same
/// subscribers; with the last of them the subscriptions end, once they have read all.
///
/// ```
/// use larder::{Event, Topic};
///
/// #[derive(Debug, PartialEq)]
/// struct Price { symbol: &'static str, cents: u64 }
///
/// let prices = Topic::new();
/// let mut reader = prices.subscribe();
/// prices.publish(Price { symbol: "XYZ", cents: 1_250 });
/// let Ok(Event::Message(price)) = reader.try_recv() else { unreachable!() };
/// assert_eq!(price.cents, 1_250);
/// ```
pub struct Topic<T> {
    shared: Arc<Shared<T>>,
}

pub(super) struct Shared<T> {
    ring: Arc<Ring<Arc<T>>>,
    clock: Clock,
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        self.ring.close();
    }
}

impl<T> Clone for Topic<T> {
    fn clone(&self) -> Self {
        Topic {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T> fmt::Debug for Topic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic")
            .field("subscribers", &self.subscribers())
            .finish_non_exhaustive()
    }
}

impl<T> Default for Topic<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Topic<T> {
    /// A topic without subscribers.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Clock::system())
    }

    /// A topic whose waits are measured by this clock.
    #[must_use]
    pub fn with_clock(clock: Clock) -> Self {
        let ring = Arc::new(Ring::new(None, false));
        Topic {
            shared: Arc::new(Shared { ring, clock }),
        }
    }

    pub(super) fn shared(&self) -> &Arc<Shared<T>> {
        &self.shared
    }

    pub(super) fn of(shared: Arc<Shared<T>>) -> Self {
        Topic { shared }
    }

    /// Keeps the last message from now on, and shows it to every newcomer.
    ///
    /// ```
    /// use larder::{Event, Topic};
    ///
    /// let config = Topic::<&str>::new().retaining();
    /// config.publish("v1");
    /// assert_eq!(config.subscribe().try_recv(), Ok(Event::Message("v1".into())));
    /// assert_eq!(config.last(), Some("v1".into()));
    /// ```
    #[must_use]
    pub fn retaining(self) -> Self {
        self.shared.ring.retain(true);
        self
    }

    /// The last message, if it is retained.
    #[must_use]
    pub fn last(&self) -> Option<Arc<T>> {
        self.shared.ring.last()
    }

    /// Sends a message to every subscription, and never waits: full ones lose their oldest, also those that
    /// [`deliver`](Self::deliver) waits for.
    ///
    /// ```
    /// let topic = larder::Topic::<u32>::new();
    /// let _one = topic.subscribe();
    /// let _two = topic.subscribe();
    /// assert_eq!(topic.publish(7).received, 2);
    /// ```
    ///
    /// # Cost
    ///
    /// The topic's lock, one allocation for the message; the same for one reader and for a thousand, unless they sleep, have
    /// queues of their own (see [`Overflow`]), or are behind by three quarters of their capacity: then each is looked at.
    #[inline]
    pub fn publish(&self, message: impl Into<Arc<T>>) -> Delivery {
        self.shared.ring.send(message.into())
    }

    /// Sends a message to every subscription, once those that are full and asked for it with [`Overflow::block`] have room.
    ///
    /// A task has no timer of its own: the policy's time limit is looked at when the task is polled. To be woken at one,
    /// put the runtime's timer around it. Dropping the future before it is ready sends nothing.
    ///
    /// ```
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let mut future = std::pin::pin!(future);
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     loop {
    /// #         if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) { return output }
    /// #     }
    /// # }
    /// use larder::{Overflow, Topic};
    /// use std::time::Duration;
    ///
    /// let topic = Topic::<u32>::new();
    /// let mut reader = topic.subscribe_with(Overflow::block(1, Duration::from_secs(3600)))?;
    /// block_on(async {
    ///     topic.deliver(1).await;
    ///     assert!(reader.try_recv().is_ok());
    ///     assert_eq!(topic.deliver(2).await.dropped, 0);
    /// });
    /// # Ok::<(), larder::BusError>(())
    /// ```
    pub fn deliver(&self, message: impl Into<Arc<T>>) -> Deliver<Arc<T>> {
        self.sending(message.into()).into()
    }

    /// [`Self::deliver`], parking the thread while it waits; after the policy's time limit it goes on, and the full
    /// subscription loses its oldest.
    ///
    /// ```
    /// use larder::{Overflow, Topic};
    /// use std::time::Duration;
    ///
    /// let topic = Topic::<u32>::new();
    /// let _never_reads = topic.subscribe_with(Overflow::block(1, Duration::from_millis(1)))?;
    /// assert_eq!(topic.deliver_blocking(1).dropped, 0);
    /// assert_eq!(topic.deliver_blocking(2).dropped, 1);
    /// # Ok::<(), larder::BusError>(())
    /// ```
    pub fn deliver_blocking(&self, message: impl Into<Arc<T>>) -> Delivery {
        self.sending(message.into()).block()
    }

    fn sending(&self, message: Arc<T>) -> Sending<Arc<T>> {
        let ring = Arc::clone(&self.shared.ring);
        Sending::new(ring, message, &self.shared.clock)
    }

    /// Subscribes; it may lag behind by up to 1,024 messages.
    #[must_use]
    pub fn subscribe(&self) -> Subscription<Arc<T>> {
        self.reader(Overflow::default())
    }

    /// Subscribes with a policy for messages that are not read in time.
    ///
    /// # Errors
    ///
    /// [`BusError::Capacity`] if the capacity is zero or too large.
    pub fn subscribe_with(
        &self,
        overflow: Overflow<Arc<T>>,
    ) -> Result<Subscription<Arc<T>>, BusError> {
        overflow.check()?;
        Ok(self.reader(overflow))
    }

    fn reader(&self, overflow: Overflow<Arc<T>>) -> Subscription<Arc<T>> {
        let mut subscription = Subscription::new(overflow, None, self.shared.clock.clone());
        let ring = Arc::clone(&self.shared.ring);
        let (feed, last) = Feed::new(ring, subscription.overflow(), subscription.mailbox());
        subscription.add(feed, last);
        subscription
    }

    /// How many subscriptions there are.
    #[must_use]
    pub fn subscribers(&self) -> u64 {
        self.shared.ring.subscribers()
    }

    /// Whether the next publish looks at readers.
    #[cfg(test)]
    pub(super) fn has_due(&self) -> bool {
        self.shared.ring.has_due()
    }

    /// How many messages it has room for at present.
    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        self.shared.ring.slots()
    }
}
