//! The channels and patterns of a subscription, while it lasts.

use std::sync::Arc;

use super::feed::Name;
use super::message::Message;
use super::subscription::Subscription;

impl Subscription<Message> {
    /// Adds channels; those that are there stay as they are.
    ///
    /// ```
    /// let bus = larder::Bus::new();
    /// let mut news = bus.subscribe(["news"]);
    /// news.subscribe(["sport"]);
    /// assert_eq!(bus.publish("sport", "1:0").received, 1);
    /// news.unsubscribe(["sport"]);
    /// assert_eq!(bus.publish("sport", "2:0").received, 0);
    /// assert_eq!(&*news.channels()[0], b"news");
    /// ```
    #[doc(alias = "SUBSCRIBE")]
    pub fn subscribe(&mut self, channels: impl IntoIterator<Item: AsRef<[u8]>>) {
        for channel in channels {
            self.take_in(&Name::Channel(channel.as_ref().into()));
        }
    }

    /// Adds patterns; those that are there stay as they are.
    #[doc(alias = "PSUBSCRIBE")]
    pub fn psubscribe(&mut self, patterns: impl IntoIterator<Item: AsRef<[u8]>>) {
        for pattern in patterns {
            self.take_in(&Name::Pattern(pattern.as_ref().into()));
        }
    }

    /// Removes channels, with what was unread of them. (A subscription with a queue of its own keeps what is in it.)
    #[doc(alias = "UNSUBSCRIBE")]
    pub fn unsubscribe(&mut self, channels: impl IntoIterator<Item: AsRef<[u8]>>) {
        self.settle();
        for channel in channels {
            let name = Name::Channel(channel.as_ref().into());
            self.feeds.retain(|feed| feed.name() != Some(&name));
        }
    }

    /// Removes patterns, with what was unread of them.
    #[doc(alias = "PUNSUBSCRIBE")]
    pub fn punsubscribe(&mut self, patterns: impl IntoIterator<Item: AsRef<[u8]>>) {
        self.settle();
        for pattern in patterns {
            let name = Name::Pattern(pattern.as_ref().into());
            self.feeds.retain(|feed| feed.name() != Some(&name));
        }
    }

    /// The channels that it is subscribed to, in the order in which they were added.
    #[must_use]
    pub fn channels(&self) -> Vec<Arc<[u8]>> {
        self.names(|name| match name {
            Name::Channel(name) => Some(name),
            Name::Pattern(_) => None,
        })
    }

    /// The patterns that it is subscribed to, in the order in which they were added.
    #[must_use]
    pub fn patterns(&self) -> Vec<Arc<[u8]>> {
        self.names(|name| match name {
            Name::Pattern(name) => Some(name),
            Name::Channel(_) => None,
        })
    }

    fn names(&self, of: impl Fn(&Name) -> Option<&Arc<[u8]>>) -> Vec<Arc<[u8]>> {
        let names = self.feeds.iter().filter_map(|feed| of(feed.name()?));
        names.cloned().collect()
    }

    pub(super) fn take_in(&mut self, name: &Name) {
        self.settle();
        let is_there = self.feeds.iter().any(|feed| feed.name() == Some(name));
        if !is_there
            && self.ended.is_none()
            && let Some((feed, retained)) = self.remote.feed(name)
        {
            self.add(feed, retained);
        }
    }
}
