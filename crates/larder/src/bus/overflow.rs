//! `Overflow`: how much a subscription may have unread, and what happens beyond that.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::message::BusError;

/// What a full ring reader means to a publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenFull {
    Lag,
    Block(Duration),
    Disconnect,
}

/// Where the messages of a subscription wait.
pub(super) enum Place<T> {
    /// In the rings, read by cursors.
    Ring(WhenFull),
    /// In a box of its own.
    Box(Option<KeyOf<T>>),
}

/// By what messages are conflated.
pub(super) type KeyOf<T> = Arc<dyn Fn(&T) -> Vec<u8> + Send + Sync>;

impl<T> Clone for Place<T> {
    fn clone(&self) -> Self {
        match self {
            Place::Ring(when_full) => Place::Ring(*when_full),
            Place::Box(key) => Place::Box(key.clone()),
        }
    }
}

/// How many messages a subscription may have unread, and what happens beyond that.
///
/// The capacity of [`lag`](Self::lag), [`block`](Self::block) and [`disconnect`](Self::disconnect) is that of each channel
/// and pattern; they cost a publisher nothing per subscription. Those of [`drop_newest`](Self::drop_newest) and
/// [`conflate`](Self::conflate) have a queue of their own, filled by the publisher.
///
/// ```
/// use larder::{Bus, Overflow};
/// use std::time::Duration;
///
/// let bus = Bus::new();
/// let patient = Overflow::block(16, Duration::from_secs(1));
/// let _audit = bus.subscribe_with(["orders"], patient)?;
/// let latest = Overflow::conflate(100, |message: &larder::Message| message.channel().to_vec());
/// let _prices = bus.psubscribe_with(["price.*"], latest)?;
/// # Ok::<(), larder::BusError>(())
/// ```
pub struct Overflow<T> {
    pub(super) capacity: u64,
    pub(super) place: Place<T>,
}

impl<T> Clone for Overflow<T> {
    fn clone(&self) -> Self {
        Overflow {
            capacity: self.capacity,
            place: self.place.clone(),
        }
    }
}

impl<T> fmt::Debug for Overflow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overflow")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

impl<T> Default for Overflow<T> {
    /// Lag behind by up to 1,024 messages.
    fn default() -> Self {
        Self::lag(1024)
    }
}

impl<T> Overflow<T> {
    /// The largest capacity.
    pub const MOST: usize = 1 << 24;

    fn ring(capacity: usize, when_full: WhenFull) -> Self {
        Overflow {
            capacity: capacity as u64,
            place: Place::Ring(when_full),
        }
    }

    /// Loses the oldest messages; how many, it is told.
    pub fn lag(capacity: usize) -> Self {
        Self::ring(capacity, WhenFull::Lag)
    }

    /// Makes [`deliver`](crate::Topic::deliver) and [`deliver_blocking`](crate::Topic::deliver_blocking) wait, for so long; then
    /// it loses its oldest message, and no one waits again until it reads. [`publish`](crate::Topic::publish) never waits.
    ///
    /// A callback that delivers to its own full subscription waits in vain.
    pub fn block(capacity: usize, timeout: Duration) -> Self {
        Self::ring(capacity, WhenFull::Block(timeout))
    }

    /// Cuts the subscription off: it is told how much it lost, and ends.
    pub fn disconnect(capacity: usize) -> Self {
        Self::ring(capacity, WhenFull::Disconnect)
    }

    /// Refuses new messages until some were read; how many, it is told.
    pub fn drop_newest(capacity: usize) -> Self {
        Overflow {
            capacity: capacity as u64,
            place: Place::Box(None),
        }
    }

    /// Keeps the latest message of every key, in the order in which their keys came; of more keys than the capacity, it loses
    /// the oldest, and is told how many.
    ///
    /// `key` runs on the publisher's thread, under no lock.
    pub fn conflate<K: Into<Vec<u8>>>(
        capacity: usize,
        key: impl Fn(&T) -> K + Send + Sync + 'static,
    ) -> Self {
        Overflow {
            capacity: capacity as u64,
            place: Place::Box(Some(Arc::new(move |message| key(message).into()))),
        }
    }

    /// Refuses a capacity that makes no sense.
    pub(super) fn check(&self) -> Result<(), BusError> {
        if (1..=Self::MOST as u64).contains(&self.capacity) {
            Ok(())
        } else {
            Err(BusError::Capacity)
        }
    }
}
