//! Keyspace events: what happened to a key, and sets of such things.
//!
//! A kind is one bit of an [`EventMask`], so that "does anybody want this?" is one `and`.

use std::fmt;
use std::ops::BitOr;

/// Declares the kinds, each with its Redis name.
macro_rules! kinds {
    ($($(#[$text:meta])* $kind:ident = $name:literal,)*) => {
        /// What happened to a key.
        ///
        /// Names are those of a server's keyspace notifications: [`name`](Self::name).
        ///
        /// ```
        /// use larder::EventKind;
        ///
        /// assert_eq!(EventKind::RenameFrom.name(), "rename_from");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum EventKind {
            $($(#[$text])* $kind,)*
        }

        impl EventKind {
            /// All kinds.
            pub const ALL: &[EventKind] = &[$(EventKind::$kind,)*];

            /// The name that a server gives the event.
            ///
            /// ```
            /// assert_eq!(larder::EventKind::Expired.name(), "expired");
            /// ```
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(EventKind::$kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    /// A string was set.
    Set = "set",
    /// The key was removed, or its last element was.
    Del = "del",
    /// The key's deadline passed, and it was removed.
    Expired = "expired",
    /// The key made room for others.
    Evicted = "evicted",
    /// The key was given another name.
    RenameFrom = "rename_from",
    /// Another key was given this name.
    RenameTo = "rename_to",
    /// Another key was copied to this one.
    CopyTo = "copy_to",
    /// The key got a deadline.
    Expire = "expire",
    /// The key lost its deadline.
    Persist = "persist",
    /// An integer was added.
    IncrBy = "incrby",
    /// A float was added.
    IncrByFloat = "incrbyfloat",
    /// A string was made longer.
    Append = "append",
    /// A part of a string was overwritten.
    SetRange = "setrange",
    /// Bits of a string were set.
    SetBit = "setbit",
    /// Elements were added to a HyperLogLog, or others merged into it.
    PfAdd = "pfadd",
    /// Elements were pushed to the front.
    LPush = "lpush",
    /// Elements were pushed to the back.
    RPush = "rpush",
    /// Elements were popped off the front.
    LPop = "lpop",
    /// Elements were popped off the back.
    RPop = "rpop",
    /// An element was inserted.
    LInsert = "linsert",
    /// An element was replaced.
    LSet = "lset",
    /// Elements were removed by value.
    LRem = "lrem",
    /// A list was trimmed.
    LTrim = "ltrim",
    /// A sorted result was stored.
    SortStore = "sortstore",
    /// Fields were set.
    HSet = "hset",
    /// An integer was added to a field.
    HIncrBy = "hincrby",
    /// A float was added to a field.
    HIncrByFloat = "hincrbyfloat",
    /// Fields were removed.
    HDel = "hdel",
    /// Fields got a deadline.
    HExpire = "hexpire",
    /// Fields lost their deadline.
    HPersist = "hpersist",
    /// Fields' deadlines passed, and they were removed.
    HExpired = "hexpired",
    /// Members were added to a set.
    SAdd = "sadd",
    /// Members were removed from a set.
    SRem = "srem",
    /// Members were drawn and removed.
    SPop = "spop",
    /// An intersection of sets was stored.
    SInterStore = "sinterstore",
    /// A union of sets was stored.
    SUnionStore = "sunionstore",
    /// A difference of sets was stored.
    SDiffStore = "sdiffstore",
    /// Members were added to a sorted set, or their scores set.
    ZAdd = "zadd",
    /// A score was added to.
    ZIncr = "zincr",
    /// Members were removed from a sorted set.
    ZRem = "zrem",
    /// The members with the lowest scores were popped.
    ZPopMin = "zpopmin",
    /// The members with the highest scores were popped.
    ZPopMax = "zpopmax",
    /// Members were removed by rank.
    ZRemRangeByRank = "zremrangebyrank",
    /// Members were removed by score.
    ZRemRangeByScore = "zremrangebyscore",
    /// Members were removed by their order as bytes.
    ZRemRangeByLex = "zremrangebylex",
    /// An intersection of sorted sets was stored.
    ZInterStore = "zinterstore",
    /// A union of sorted sets was stored.
    ZUnionStore = "zunionstore",
    /// A difference of sorted sets was stored.
    ZDiffStore = "zdiffstore",
    /// A range of a sorted set was stored.
    ZRangeStore = "zrangestore",
    /// Places that were found were stored.
    GeoSearchStore = "geosearchstore",
    /// The key came from another store.
    MoveTo = "move_to",
    /// The key went to another store.
    MoveFrom = "move_from",
    /// The key was made from a dump.
    Restore = "restore",
    /// There was no such key before. It is told before the command's own event, to those who ask for it by its name.
    New = "new",
    /// All keys were removed at once, by [`Store::clear`](crate::Store::clear). It names no key, and is told to those who
    /// ask for it by its name; servers do not send it.
    Clear = "flushdb",
}

impl EventKind {
    /// Whether it was the store's own doing: it expired, or made room.
    ///
    /// ```
    /// use larder::EventKind;
    ///
    /// assert!(EventKind::Expired.is_automatic() && !EventKind::Del.is_automatic());
    /// ```
    #[must_use]
    pub const fn is_automatic(self) -> bool {
        matches!(
            self,
            EventKind::Expired | EventKind::HExpired | EventKind::Evicted
        )
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of [`EventKind`]s.
///
/// ```
/// use larder::{EventKind, EventMask};
///
/// let mask = EventKind::Expired | EventKind::Evicted;
/// assert!(mask.has(EventKind::Expired));
/// assert!(!mask.has(EventKind::Set));
/// assert!(EventMask::ALL.has(EventKind::Set));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventMask(u64);

impl EventMask {
    /// Every kind but [`EventKind::New`] and [`EventKind::Clear`]: what `A` is for a server.
    pub const ALL: EventMask = EventMask((1 << EventKind::New as u64) - 1);
    /// No kind.
    pub const NONE: EventMask = EventMask(0);

    /// Whether the kind is in the set.
    ///
    /// ```
    /// use larder::{EventKind, EventMask};
    ///
    /// assert!(!EventMask::NONE.has(EventKind::Del));
    /// ```
    #[inline]
    #[must_use]
    pub const fn has(self, kind: EventKind) -> bool {
        self.0 & (1 << kind as u64) != 0
    }

    /// Every kind, those included that must be asked for by name.
    pub(crate) const EVERYTHING: EventMask = EventMask((1 << EventKind::ALL.len()) - 1);

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        EventMask(bits)
    }
}

impl From<EventKind> for EventMask {
    fn from(kind: EventKind) -> Self {
        EventMask(1 << kind as u64)
    }
}

impl<M: Into<EventMask>> BitOr<M> for EventMask {
    type Output = EventMask;

    fn bitor(self, other: M) -> EventMask {
        EventMask(self.0 | other.into().0)
    }
}

impl<M: Into<EventMask>> BitOr<M> for EventKind {
    type Output = EventMask;

    fn bitor(self, other: M) -> EventMask {
        EventMask::from(self) | other
    }
}

/// Something that happened to a key of a [`Store`](crate::Store).
///
/// ```
/// use larder::{Event, EventKind, EventMask, Store};
///
/// let store = Store::new();
/// let mut events = store.events(EventMask::ALL, "*");
/// store.set("key", 1)?;
/// let Event::Message(event) = events.try_recv()? else { unreachable!() };
/// assert_eq!((event.key(), event.kind()), (&b"key"[..], EventKind::Set));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEvent {
    key: Box<[u8]>,
    kind: EventKind,
    database: u32,
}

impl KeyEvent {
    pub(crate) fn new(key: impl Into<Box<[u8]>>, kind: EventKind) -> Self {
        KeyEvent {
            key: key.into(),
            kind,
            database: 0,
        }
    }

    pub(crate) fn set_database(&mut self, database: u32) {
        self.database = database;
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// What happened to it, and so why: `Del` was asked for, `Expired` and `Evicted` were not.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        self.kind
    }

    /// The number of the key's database: 0, unless the store was built with
    /// [`StoreBuilder::database`](crate::StoreBuilder::database).
    #[must_use]
    pub fn database(&self) -> u32 {
        self.database
    }
}
