//! `Message`, `Event`, `Delivery`, `RecvError`: what is sent, what arrives, and what is said of it.

use std::fmt;
use std::ops::AddAssign;
use std::sync::Arc;

use crate::bytes::{ConvertError, FromValue};

/// A message of a [`Bus`](crate::Bus), on the channel that it was published to.
///
/// Cloning it copies nothing: the bytes are shared by all who got it.
///
/// ```
/// use larder::{Bus, Event};
///
/// let bus = Bus::new();
/// let mut news = bus.psubscribe(["news.*"]);
/// bus.publish("news.tech", "hello");
/// let Event::Message(message) = news.try_recv()? else { unreachable!() };
/// assert_eq!((message.channel(), message.payload()), (&b"news.tech"[..], &b"hello"[..]));
/// assert_eq!(message.pattern(), Some(&b"news.*"[..]));
/// # Ok::<(), larder::RecvError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The channel's name and the payload behind it: what all receivers share is counted once.
    bytes: Arc<[u8]>,
    channel_len: usize,
    pattern: Option<Arc<[u8]>>,
}

/// Bytes of a channel and a payload that are put together on the stack.
const SHORT: usize = 96;

impl Message {
    /// A message to who subscribed to the channel itself.
    #[inline]
    pub(super) fn new(channel: &[u8], payload: &[u8]) -> Self {
        let len = channel.len() + payload.len();
        let bytes: Arc<[u8]> = if len <= SHORT {
            let mut short = [0; SHORT];
            short[..channel.len()].copy_from_slice(channel);
            short[channel.len()..len].copy_from_slice(payload);
            short[..len].into()
        } else {
            [channel, payload].concat().into()
        };
        Message {
            bytes,
            channel_len: channel.len(),
            pattern: None,
        }
    }

    /// The same message to who subscribed to a pattern.
    #[inline]
    pub(super) fn by(self, pattern: Option<&Arc<[u8]>>) -> Self {
        Message {
            pattern: pattern.cloned(),
            ..self
        }
    }
}

impl Message {
    /// The channel that it was published to.
    #[must_use]
    pub fn channel(&self) -> &[u8] {
        &self.bytes[..self.channel_len]
    }

    /// Its bytes.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.bytes[self.channel_len..]
    }

    /// The pattern by which the subscriber got it; `None` if it subscribed to the channel itself.
    #[must_use]
    pub fn pattern(&self) -> Option<&[u8]> {
        self.pattern.as_deref()
    }

    /// Its bytes as a value.
    ///
    /// ```
    /// use larder::{Bus, Event};
    ///
    /// let bus = Bus::new();
    /// let mut visits = bus.subscribe(["visits"]);
    /// bus.publish("visits", 42);
    /// let Event::Message(message) = visits.try_recv()? else { unreachable!() };
    /// assert_eq!(message.get::<u32>(), Ok(42));
    /// # Ok::<(), larder::RecvError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If they are no such value.
    pub fn get<V: FromValue>(&self) -> Result<V, ConvertError> {
        V::from_value(self.payload())
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("channel", &self.channel().escape_ascii().to_string())
            .field("bytes", &self.payload().len())
            .finish_non_exhaustive()
    }
}

/// What arrives at a [`Subscription`](crate::Subscription): a message, or the news that some were lost.
///
/// ```
/// use larder::{Event, Overflow, Topic};
///
/// let topic = Topic::<u32>::new();
/// let mut slow = topic.subscribe_with(Overflow::lag(2))?;
/// for number in 0..5 {
///     topic.publish(number);
/// }
/// assert_eq!(slow.try_recv(), Ok(Event::Gap { missed: 3 }));
/// assert_eq!(slow.try_recv(), Ok(Event::Message(3.into())));
/// # Ok::<(), larder::BusError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<T> {
    /// A message.
    Message(T),
    /// Between what came before and what comes after, so many messages were lost.
    Gap {
        /// How many.
        missed: u64,
    },
}

impl<T> Event<T> {
    /// The message, unless it is a gap.
    ///
    /// ```
    /// use larder::Event;
    ///
    /// assert_eq!(Event::Message(1).message(), Some(1));
    /// assert_eq!(Event::<u32>::Gap { missed: 7 }.message(), None);
    /// ```
    pub fn message(self) -> Option<T> {
        match self {
            Event::Message(message) => Some(message),
            Event::Gap { .. } => None,
        }
    }

    /// The event with another message.
    pub(super) fn map<U>(self, with: impl FnOnce(T) -> U) -> Event<U> {
        match self {
            Event::Message(message) => Event::Message(with(message)),
            Event::Gap { missed } => Event::Gap { missed },
        }
    }
}

/// What became of a publish.
///
/// ```
/// use larder::Bus;
///
/// let bus = Bus::new();
/// let _reader = bus.subscribe(["a"]);
/// let delivery = bus.publish("a", "x");
/// assert_eq!((delivery.received, delivery.dropped), (1, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// To how many subscriptions the message was given, each matching pattern counted.
    pub received: u64,
    /// How many messages were lost by full subscriptions, or superseded in conflating ones. Each is reported to its
    /// subscription in a gap, superseded ones by [`conflated`](crate::Subscription::conflated).
    pub dropped: u64,
}

impl AddAssign for Delivery {
    fn add_assign(&mut self, other: Self) {
        self.received += other.received;
        self.dropped += other.dropped;
    }
}

/// Why a [`Subscription`](crate::Subscription) has nothing to hand out.
///
/// ```
/// use larder::{Bus, RecvError};
///
/// let bus = Bus::new();
/// let mut reader = bus.subscribe(["a"]);
/// assert_eq!(reader.try_recv(), Err(RecvError::Empty));
/// drop(bus);
/// assert_eq!(reader.try_recv(), Err(RecvError::Closed));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecvError {
    /// Nothing for now, or within the time that the caller would wait.
    Empty,
    /// It was stopped by its [`Remote`](crate::Remote).
    Stopped,
    /// Nobody can publish any more, and everything was read.
    Closed,
    /// It was full, and asked to be cut off then.
    Disconnected,
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RecvError::Empty => "no message for now",
            RecvError::Stopped => "the subscription was stopped",
            RecvError::Closed => "there will be no more messages",
            RecvError::Disconnected => "the subscription was full and cut off",
        })
    }
}

impl std::error::Error for RecvError {}

/// Why a subscription or a topic could not be had.
///
/// ```
/// use larder::{BusError, Overflow, Topic};
///
/// let topic = Topic::<u32>::new();
/// assert_eq!(topic.subscribe_with(Overflow::lag(0)).err(), Some(BusError::Capacity));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BusError {
    /// The capacity is zero, or above [`Overflow::MOST`](crate::Overflow::MOST).
    Capacity,
    /// There is a topic of this name, with messages of another type.
    WrongType,
}

impl fmt::Display for BusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BusError::Capacity => "the capacity must be between 1 and Overflow::MOST",
            BusError::WrongType => "the topic of this name carries another type",
        })
    }
}

impl std::error::Error for BusError {}
