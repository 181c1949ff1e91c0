//! Publish and subscribe beside the keyspace: the store's own bus.

use super::core::Store;
use crate::bus::{Bus, Delivery, Message, Subscription};
use crate::bytes::ToValue;

impl Store {
    /// The store's bus: the one that it was [built](crate::StoreBuilder::bus) with, or one made when it is first asked for. That
    /// lives as long as the store or a handle of it.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let _reader = store.subscribe(["news"]);
    /// assert_eq!(store.bus().subscribers("news"), 1);
    /// ```
    #[must_use]
    pub fn bus(&self) -> &Bus {
        self.core.bus.get_or_init(|| self.core.make_bus())
    }

    /// Sends a message to all who subscribed to the channel, or to a pattern that it matches; see [`Bus::publish`].
    ///
    /// ```
    /// use larder::{Event, Store};
    ///
    /// let store = Store::new();
    /// let mut reader = store.subscribe(["news"]);
    /// assert_eq!(store.publish("news", "hello").received, 1);
    /// let Event::Message(message) = reader.try_recv()? else { unreachable!() };
    /// assert_eq!(message.payload(), b"hello");
    /// # Ok::<(), larder::RecvError>(())
    /// ```
    #[doc(alias = "PUBLISH")]
    pub fn publish(&self, channel: impl AsRef<[u8]>, message: impl ToValue) -> Delivery {
        match self.core.bus.get() {
            Some(bus) => bus.publish(channel, message),
            None => Delivery::default(),
        }
    }

    /// Subscribes to channels; see [`Bus::subscribe`], and [`Bus::subscribe_with`] on [`bus`](Self::bus) for other policies.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let reader = store.subscribe(["news", "sport"]);
    /// assert_eq!(reader.channels().len(), 2);
    /// ```
    #[doc(alias = "SUBSCRIBE")]
    #[must_use]
    pub fn subscribe(
        &self,
        channels: impl IntoIterator<Item: AsRef<[u8]>>,
    ) -> Subscription<Message> {
        self.bus().subscribe(channels)
    }

    /// Subscribes to patterns; see [`Bus::psubscribe`].
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let _reader = store.psubscribe(["news.*"]);
    /// assert_eq!(store.publish("news.tech", "hello").received, 1);
    /// ```
    #[doc(alias = "PSUBSCRIBE")]
    #[must_use]
    pub fn psubscribe(
        &self,
        patterns: impl IntoIterator<Item: AsRef<[u8]>>,
    ) -> Subscription<Message> {
        self.bus().psubscribe(patterns)
    }
}
