//! `Bus`: channels by name and patterns, as their users see them.
//!
//! The way from a channel to those who listen is in [`registry`](super::registry).

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Weak};

use super::feed::{Host, Name};
use super::message::{BusError, Delivery, Message};
use super::overflow::Overflow;
use super::registry::Core;
use super::sending::Deliver;
use super::subscription::Subscription;
use super::topic::{Shared, Topic};
use crate::bytes::ToValue;
use crate::time::Clock;

/// In-process broadcast: channels by name, glob patterns, typed topics.
///
/// A bus is a handle: clones share it, from any number of threads and tasks. With the last one the subscriptions end.
///
/// | command | call |
/// |---|---|
/// | `PUBLISH` | [`publish`](Self::publish) |
/// | `SUBSCRIBE`, `PSUBSCRIBE` | [`subscribe`](Self::subscribe), [`psubscribe`](Self::psubscribe), or on the [`Subscription`] |
/// | `UNSUBSCRIBE`, `PUNSUBSCRIBE` | dropping the [`Subscription`], or its `unsubscribe`, `punsubscribe` |
/// | `PUBSUB CHANNELS`, `NUMSUB`, `NUMPAT` | [`channels`](Self::channels), [`subscribers`](Self::subscribers), [`patterns`](Self::patterns) |
///
/// ```
/// use larder::{Bus, Event};
///
/// let bus = Bus::new();
/// let mut reader = bus.subscribe(["user.42"]);
/// let delivery = bus.publish("user.42", "updated");
/// assert_eq!(delivery.received, 1);
/// let Event::Message(message) = reader.try_recv()? else { unreachable!() };
/// assert_eq!(message.payload(), b"updated");
/// # Ok::<(), larder::RecvError>(())
/// ```
///
/// # Consistency
///
/// Who has subscribed when a publish begins receives it. Messages of one publisher, and those of one channel, keep their order.
#[derive(Clone)]
pub struct Bus {
    core: Arc<Core>,
}

impl Default for Bus {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus")
            .field("channels", &self.channels().len())
            .finish_non_exhaustive()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this file owns the registry's locks"
)]
impl Bus {
    /// A bus without subscribers.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Clock::system())
    }

    /// A bus whose waits are measured by this clock.
    #[must_use]
    pub fn with_clock(clock: Clock) -> Self {
        let core = Core::new(clock);
        Bus { core }
    }

    /// Calls `signal` with the channel or the pattern of which it changes who listens, until it returns `false`; it must not
    /// use the bus.
    pub(crate) fn signal(&self, signal: impl Fn(&Name) -> bool + Send + Sync + 'static) {
        let mut registry = self.core.registry.write();
        let nothing = Name::Channel(Arc::default());
        registry.signals.retain(|signal| signal(&nothing));
        registry.signals.push(Box::new(signal));
    }

    /// Sends a message to all who subscribed to the channel, or to a pattern that it matches, and never waits: full
    /// subscriptions lose their oldest, also those that [`deliver`](Self::deliver) waits for.
    ///
    /// ```
    /// let bus = larder::Bus::new();
    /// let _reader = bus.psubscribe(["n*", "*s"]);
    /// assert_eq!(bus.publish("news", "hello").received, 2);
    /// assert_eq!(bus.publish("olds", 7).received, 1);
    /// ```
    ///
    /// # Cost
    ///
    /// A lock shared by the readers of a route, and one lock per ring: the channel's, and each matching pattern's; one allocation for the
    /// bytes. The same for one reader of a ring and for a thousand, unless they sleep.
    #[doc(alias = "PUBLISH")]
    pub fn publish(&self, channel: impl AsRef<[u8]>, payload: impl ToValue) -> Delivery {
        self.core.publish(channel.as_ref(), &payload.to_value())
    }

    /// [`Self::publish`], once full subscriptions that asked for it with [`Overflow::block`] have room.
    ///
    /// A task has no timer of its own: the policy's time limit is looked at when the task is polled. To be woken at one,
    /// put the runtime's timer around it. The channel and each pattern are served one after the other; dropping the
    /// future before it is ready leaves out those that were not served.
    ///
    /// ```
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let mut future = std::pin::pin!(future);
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     loop {
    /// #         if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) { return output }
    /// #     }
    /// # }
    /// use larder::{Bus, Overflow};
    /// use std::time::Duration;
    ///
    /// let bus = Bus::new();
    /// let mut jobs = bus.subscribe_with(["jobs"], Overflow::block(1, Duration::from_secs(3600)))?;
    /// block_on(async {
    ///     bus.deliver("jobs", "first").await;
    ///     assert!(jobs.try_recv().is_ok());
    ///     assert_eq!(bus.deliver("jobs", "second").await.dropped, 0);
    /// });
    /// # Ok::<(), larder::BusError>(())
    /// ```
    pub fn deliver(&self, channel: impl AsRef<[u8]>, payload: impl ToValue) -> Deliver<Message> {
        Deliver::all(self.core.sendings(channel.as_ref(), &payload.to_value()))
    }

    /// [`Self::deliver`], parking the thread while it waits; after the policy's time limit it goes on, and the full
    /// subscription loses its oldest.
    ///
    /// ```
    /// use larder::{Bus, Overflow};
    /// use std::time::Duration;
    ///
    /// let bus = Bus::new();
    /// let patient = Overflow::block(1, Duration::from_millis(1));
    /// let _never_reads = bus.subscribe_with(["jobs"], patient)?;
    /// assert_eq!(bus.deliver_blocking("jobs", "first").dropped, 0);
    /// assert_eq!(bus.deliver_blocking("jobs", "second").dropped, 1);
    /// # Ok::<(), larder::BusError>(())
    /// ```
    pub fn deliver_blocking(&self, channel: impl AsRef<[u8]>, payload: impl ToValue) -> Delivery {
        self.deliver(channel, payload).block()
    }

    /// Subscribes to channels; each may lag behind by up to 1,024 messages.
    #[doc(alias = "SUBSCRIBE")]
    #[must_use]
    pub fn subscribe(
        &self,
        channels: impl IntoIterator<Item: AsRef<[u8]>>,
    ) -> Subscription<Message> {
        let mut subscription = self.listener(Overflow::default());
        subscription.subscribe(channels);
        subscription
    }

    /// Subscribes to channels, with a policy for messages that are not read in time.
    ///
    /// # Errors
    ///
    /// [`BusError::Capacity`] if the capacity is zero or too large.
    pub fn subscribe_with(
        &self,
        channels: impl IntoIterator<Item: AsRef<[u8]>>,
        overflow: Overflow<Message>,
    ) -> Result<Subscription<Message>, BusError> {
        overflow.check()?;
        let mut subscription = self.listener(overflow);
        subscription.subscribe(channels);
        Ok(subscription)
    }

    /// Subscribes to patterns, as [`Glob`](crate::Glob) reads them; each may lag behind by up to 1,024 messages.
    #[doc(alias = "PSUBSCRIBE")]
    #[must_use]
    pub fn psubscribe(
        &self,
        patterns: impl IntoIterator<Item: AsRef<[u8]>>,
    ) -> Subscription<Message> {
        let mut subscription = self.listener(Overflow::default());
        subscription.psubscribe(patterns);
        subscription
    }

    /// Subscribes to patterns, with a policy for messages that are not read in time.
    ///
    /// # Errors
    ///
    /// [`BusError::Capacity`] if the capacity is zero or too large.
    pub fn psubscribe_with(
        &self,
        patterns: impl IntoIterator<Item: AsRef<[u8]>>,
        overflow: Overflow<Message>,
    ) -> Result<Subscription<Message>, BusError> {
        overflow.check()?;
        let mut subscription = self.listener(overflow);
        subscription.psubscribe(patterns);
        Ok(subscription)
    }

    fn listener(&self, overflow: Overflow<Message>) -> Subscription<Message> {
        let me: Weak<dyn Host<Message>> = self.core.me.clone();
        let subscription = Subscription::new(overflow, Some(me), self.core.clock.clone());
        self.core.remember(subscription.line());
        subscription
    }

    /// Keeps the last message of a channel from now on, and shows it to every newcomer.
    ///
    /// ```
    /// let bus = larder::Bus::new();
    /// bus.retain("mode");
    /// bus.publish("mode", "dark");
    /// let mut late = bus.subscribe(["mode"]);
    /// let event = late.try_recv()?;
    /// assert_eq!(event.message().unwrap().payload(), b"dark");
    /// # Ok::<(), larder::RecvError>(())
    /// ```
    ///
    /// # Consistency
    ///
    /// Who subscribes to a pattern while a message is published may see it twice: as the retained one, and as a new one.
    pub fn retain(&self, channel: impl AsRef<[u8]>) {
        let mut registry = self.core.registry.write();
        let channel: Arc<[u8]> = channel.as_ref().into();
        let ring = registry.channels.entry(Arc::clone(&channel));
        ring.or_insert_with(|| self.core.ring(true)).retain(true);
        self.core.renew(&registry, &Name::Channel(channel));
    }

    /// Ends [`retain`](Self::retain), and forgets the last message.
    pub fn forget(&self, channel: impl AsRef<[u8]>) {
        let channel = channel.as_ref();
        let ring = self.core.registry.read().channels.get(channel).cloned();
        if let Some(ring) = ring {
            ring.retain(false);
            self.core.vacated(&Name::Channel(channel.into()));
        }
    }

    /// The last message of a channel, if it is retained.
    #[must_use]
    pub fn last(&self, channel: impl AsRef<[u8]>) -> Option<Message> {
        let registry = self.core.registry.read();
        registry.channels.get(channel.as_ref())?.last()
    }

    /// The channels that somebody subscribed to by name, in no order.
    ///
    /// ```
    /// let bus = larder::Bus::new();
    /// let _reader = bus.subscribe(["news"]);
    /// assert_eq!(&*bus.channels()[0], b"news");
    /// ```
    #[doc(alias = "PUBSUB CHANNELS")]
    #[must_use]
    pub fn channels(&self) -> Vec<Arc<[u8]>> {
        let registry = self.core.registry.read();
        let channels = registry.channels.iter();
        let heard = channels.filter(|(_, ring)| ring.subscribers() > 0);
        heard.map(|(channel, _)| Arc::clone(channel)).collect()
    }

    /// How many subscribed to a channel by its name.
    #[doc(alias = "PUBSUB NUMSUB")]
    #[must_use]
    pub fn subscribers(&self, channel: impl AsRef<[u8]>) -> u64 {
        let registry = self.core.registry.read();
        let ring = registry.channels.get(channel.as_ref());
        ring.map_or(0, |ring| ring.subscribers())
    }

    /// The patterns that somebody subscribed to, in their order as bytes.
    #[doc(alias = "PUBSUB NUMPAT")]
    #[must_use]
    pub fn patterns(&self) -> Vec<Arc<[u8]>> {
        self.core.registry.read().patterns.keys().cloned().collect()
    }

    /// The typed topic of a name, made by the first who asks. Its messages are not those of the channel of this name.
    ///
    /// ```
    /// use larder::{Bus, BusError};
    ///
    /// let bus = Bus::new();
    /// let prices = bus.topic::<u64>("prices")?;
    /// let mut reader = bus.topic::<u64>("prices")?.subscribe();
    /// prices.publish(1_250);
    /// assert!(reader.try_recv().is_ok());
    /// assert_eq!(bus.topic::<String>("prices").err(), Some(BusError::WrongType));
    /// # Ok::<(), BusError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BusError::WrongType`] if it carries messages of another type.
    pub fn topic<T: Send + Sync + 'static>(
        &self,
        name: impl AsRef<[u8]>,
    ) -> Result<Topic<T>, BusError> {
        let mut registry = self.core.registry.write();
        let name = name.as_ref();
        if let Some(topic) = registry.topics.get(name).and_then(Weak::upgrade) {
            drop(registry);
            let shared = topic.downcast::<Shared<T>>();
            return shared.map(Topic::of).map_err(|_| BusError::WrongType);
        }
        if registry.topics.len() >= registry.topics_at_sweep {
            registry.topics.retain(|_, topic| topic.strong_count() > 0);
            registry.topics_at_sweep = (registry.topics.len() * 2).max(64);
        }
        let topic = Topic::with_clock(self.core.clock.clone());
        let shared: Arc<dyn Any + Send + Sync> = topic.shared().clone();
        registry
            .topics
            .insert(name.to_vec(), Arc::downgrade(&shared));
        Ok(topic)
    }
}
