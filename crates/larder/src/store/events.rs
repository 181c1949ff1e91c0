//! Keyspace events: who listens, and how they are told.
//!
//! ```text
//! write   [lock] command notes an event, if its kind is wanted [unlock] ── publish ─┬─ each listener whose pattern fits
//! upkeep  [lock] what leaves keeps its key, if that is wanted   [unlock] ──────────┘└─ the bus: __keyspace@0__, __keyevent@0__
//! ```
//!
//! Which kinds are wanted is one word: the union of all listeners' masks, and a bit that says that who listens on the bus
//! has changed since it was computed. It is zero when nobody listens; then a call costs one relaxed load.
//!
//! A listener's topic stays until a publication finds that nobody reads it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::core::{Core, Store};
use super::tagging::Tagging;
use crate::bus::{Bus, BusError, Name, Overflow, Subscription, Topic};
use crate::event::{EventKind, EventMask, KeyEvent};
use crate::glob::Glob;
use crate::sync::Mutex;

/// In the word of what is wanted: it has to be computed again.
const STALE: u64 = 1 << 63;

/// Somebody who listens to some keys.
struct Listener {
    mask: EventMask,
    glob: Glob,
    topic: Topic<KeyEvent>,
}

impl Listener {
    /// What names no key is for everybody who asked for it.
    fn hears(&self, event: &KeyEvent) -> bool {
        let kind = event.kind();
        self.mask.has(kind) && (kind == EventKind::Clear || self.glob.matches(event.key()))
    }
}

/// What all channels of keyspace events begin with, whatever the database.
const KEYSPACE: &str = "__keyspace@";
const KEYEVENT: &str = "__keyevent@";

/// The number of a store among others.
struct Number {
    database: u32,
    /// What its channels on the bus begin with.
    keyspace: String,
    keyevent: String,
}

impl Number {
    fn new(database: u32) -> Arc<Self> {
        Arc::new(Number {
            database,
            keyspace: format!("{KEYSPACE}{database}__:"),
            keyevent: format!("{KEYEVENT}{database}__:"),
        })
    }
}

/// Who listens to what.
#[derive(Clone)]
struct Audience {
    listeners: Arc<Vec<Listener>>,
    /// What is wanted under `__keyspace@0__`.
    keyspace: EventMask,
    /// What is wanted under `__keyevent@0__`.
    keyevent: EventMask,
    number: Arc<Number>,
}

/// See the module's text.
pub(crate) struct Listening {
    wanted: Arc<AtomicU64>,
    audience: Mutex<Audience>,
}

impl Listening {
    /// Nobody listens yet to the database of this number.
    pub(crate) fn new(database: u32) -> Self {
        Listening {
            wanted: Arc::default(),
            audience: Mutex::new(Audience {
                listeners: Arc::default(),
                keyspace: EventMask::NONE,
                keyevent: EventMask::NONE,
                number: Number::new(database),
            }),
        }
    }

    /// Looks at the bus whenever it changes who listens.
    pub(crate) fn follow(&self, bus: &Bus) {
        let word = Arc::downgrade(&self.wanted);
        bus.signal(move |name| {
            let Some(word) = word.upgrade() else {
                return false;
            };
            // Of any database: the number may change.
            let concerns = |prefix: &&str| match name {
                Name::Channel(channel) => channel.starts_with(prefix.as_bytes()),
                Name::Pattern(pattern) => may_match(&Glob::new(pattern), prefix),
            };
            if [KEYSPACE, KEYEVENT].iter().any(concerns) {
                word.fetch_or(STALE, Ordering::AcqRel);
            }
            true
        });
        self.wanted.fetch_or(STALE, Ordering::AcqRel);
    }

    /// The word of what is wanted, for those who keep keys of what leaves.
    pub(crate) fn word(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.wanted)
    }
}

/// Whether a word of what is wanted asks for what leaves by itself.
#[inline]
pub(crate) fn wants_departures(word: &AtomicU64) -> bool {
    let word = word.load(Ordering::Relaxed);
    let wanted = EventMask::from_bits(word);
    word != 0
        && (word & STALE != 0 || wanted.has(EventKind::Expired) || wanted.has(EventKind::Evicted))
}

/// Who is told of keys that come and go, under the lock of their stripe.
pub(crate) struct Told {
    /// What those want who listen to the keyspace: a word of [`Listening`].
    pub(crate) wanted: Arc<AtomicU64>,
    /// Told of new keys, if keys are in groups.
    pub(crate) grouping: Option<Arc<Tagging>>,
}

impl Told {
    /// Tells of a new key.
    #[inline]
    pub(crate) fn of_birth(&self, key: &[u8]) {
        if let Some(grouping) = &self.grouping {
            grouping.note_birth(key);
        }
    }
}

/// Whether a channel with this prefix may match the pattern.
fn may_match(glob: &Glob, prefix: &str) -> bool {
    let (literal, prefix) = (glob.literal_prefix(), prefix.as_bytes());
    literal.starts_with(prefix) || (prefix.starts_with(literal) && !glob.is_literal())
}

impl Number {
    /// What those who listen on a bus want of the keyspace, and of the events.
    fn wanted_on(&self, bus: &Bus) -> (EventMask, EventMask) {
        let (mut keyspace, mut keyevent) = (EventMask::NONE, EventMask::NONE);
        for channel in bus.channels() {
            if channel.starts_with(self.keyspace.as_bytes()) {
                keyspace = EventMask::ALL;
            } else if let Some(name) = channel.strip_prefix(self.keyevent.as_bytes()) {
                let kind = EventKind::ALL
                    .iter()
                    .find(|kind| kind.name().as_bytes() == name);
                keyevent = kind.map_or(keyevent, |kind| keyevent | *kind);
            }
        }
        for pattern in bus.patterns() {
            let glob = Glob::new(&pattern);
            if may_match(&glob, &self.keyspace) {
                keyspace = EventMask::ALL;
            }
            for kind in EventKind::ALL {
                let asked_for = EventMask::ALL.has(*kind) || glob.is_literal();
                if asked_for && glob.matches(format!("{}{kind}", self.keyevent).as_bytes()) {
                    keyevent = keyevent | *kind;
                }
            }
        }
        (keyspace, keyevent)
    }
}

impl Core {
    /// A bus that says when its listeners change.
    pub(crate) fn make_bus(&self) -> Bus {
        let bus = Bus::with_clock(self.clock.clone());
        self.listening.follow(&bus);
        bus
    }

    /// The kinds of events that somebody wants to be told of.
    #[inline]
    pub(crate) fn wanted(&self) -> EventMask {
        let word = self.listening.wanted.load(Ordering::Relaxed);
        if word & STALE == 0 {
            return EventMask::from_bits(word);
        }
        self.gather(|_| ());
        EventMask::from_bits(self.listening.wanted.load(Ordering::Relaxed) & !STALE)
    }

    /// [`Self::wanted`] for who holds a stripe's lock: everything, where it has to be computed again.
    ///
    /// Read under the lock it shows every listener that passed through the lock since it began to listen.
    #[inline]
    pub(crate) fn wanted_under_lock(&self) -> EventMask {
        let word = self.listening.wanted.load(Ordering::Relaxed);
        if word & STALE == 0 {
            EventMask::from_bits(word)
        } else {
            EventMask::EVERYTHING
        }
    }

    /// Changes who listens, and computes what is wanted.
    #[cold]
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    fn gather(&self, change: impl FnOnce(&mut Vec<Listener>)) {
        let mut audience = self.listening.audience.lock();
        // Before the look at the bus: what changes after that look makes it stale again.
        self.listening.wanted.fetch_and(!STALE, Ordering::AcqRel);
        let mut listeners: Vec<_> = audience.listeners.iter().cloned().collect();
        listeners.retain(|listener| listener.topic.subscribers() > 0);
        change(&mut listeners);
        (audience.keyspace, audience.keyevent) = self
            .bus
            .get()
            .map_or_else(Default::default, |bus| audience.number.wanted_on(bus));
        let wanted = listeners
            .iter()
            .fold(audience.keyspace | audience.keyevent, |all, one| {
                all | one.mask
            });
        audience.listeners = Arc::new(listeners);
        let wanted = wanted.bits() & !STALE;
        let _ = self
            .listening
            .wanted
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |word| {
                Some(word & STALE | wanted)
            });
    }

    /// [`Self::announce`], if there is something.
    pub(crate) fn announce_any(&self, events: Vec<KeyEvent>) {
        if !events.is_empty() {
            self.announce(events);
        }
    }

    /// [`Self::announce`] of one thing, if somebody wants it.
    pub(crate) fn announce_one(&self, key: &[u8], kind: EventKind) {
        if self.wanted().has(kind) {
            self.announce(vec![KeyEvent::new(key, kind)]);
        }
    }

    /// Tells those who listen. No lock is held.
    #[cold]
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    pub(crate) fn announce(&self, events: Vec<KeyEvent>) {
        // So that who came meanwhile is known.
        self.wanted();
        let audience = self.listening.audience.lock().clone();
        let mut deserted = false;
        for mut event in events {
            event.set_database(audience.number.database);
            let event = Arc::new(event);
            for listener in &*audience.listeners {
                if listener.topic.subscribers() == 0 {
                    deserted = true;
                } else if listener.hears(&event) {
                    listener.topic.publish(Arc::clone(&event));
                }
            }
            if let Some(bus) = self.bus.get() {
                if audience.keyspace.has(event.kind()) {
                    let channel = [audience.number.keyspace.as_bytes(), event.key()].concat();
                    bus.publish(channel, event.kind().name());
                }
                if audience.keyevent.has(event.kind()) {
                    let channel = format!("{}{}", audience.number.keyevent, event.kind());
                    bus.publish(channel, event.key());
                }
            }
        }
        if deserted {
            self.gather(|_| ());
        }
    }
}

impl Clone for Listener {
    fn clone(&self) -> Self {
        Listener {
            mask: self.mask,
            glob: self.glob.clone(),
            topic: self.topic.clone(),
        }
    }
}

impl Store {
    /// Subscribes to what happens to keys that match a pattern.
    ///
    /// ```
    /// use larder::{Event, EventKind, Store};
    ///
    /// let store = Store::new();
    /// let mut events = store.events(EventKind::Set | EventKind::Del, "user:*");
    /// store.set("user:7", "Ada")?;
    /// store.set("other", 1)?;
    /// store.remove("user:7");
    /// for kind in [EventKind::Set, EventKind::Del] {
    ///     let Event::Message(event) = events.try_recv()? else { unreachable!() };
    ///     assert_eq!((event.kind(), event.key()), (kind, &b"user:7"[..]));
    /// }
    /// assert!(events.try_recv().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A server's channels work as well, on [`subscribe`](Self::subscribe) and [`psubscribe`](Self::psubscribe):
    /// `__keyevent@0__:expired` says the key, `__keyspace@0__:key` the event. They need not be switched on.
    ///
    /// [`EventKind::New`] and [`EventKind::Clear`] are told to those who ask for them by name.
    ///
    /// # Cost
    ///
    /// While anybody listens, each event of a kind that somebody wants copies its key; each listener's pattern is tried on
    /// it. Where nobody listens, a call of the store pays for one relaxed load.
    ///
    /// # Consistency
    ///
    /// Events are sent after the call's locks are released and before it returns; those of one call in their order. Calls
    /// of several threads on one key may be told of in another order than they happened in. A transaction's events are
    /// sent at its end, and not if it was taken back. [`clear`](Self::clear) sends nothing but [`EventKind::Clear`]. A
    /// key expires when it is taken out: at the next write of it, or by the upkeep, within one step of its deadline.
    #[doc(alias("notify-keyspace-events", "keyspace notifications"))]
    #[must_use]
    pub fn events(
        &self,
        mask: impl Into<EventMask>,
        pattern: impl AsRef<[u8]>,
    ) -> Subscription<Arc<KeyEvent>> {
        self.listen(mask.into(), Glob::new(pattern), |topic| topic.subscribe())
    }

    /// [`Store::events`] with a policy for events that are not read in time.
    ///
    /// ```
    /// use larder::{EventMask, Overflow, Store};
    ///
    /// let store = Store::new();
    /// let events = store.events_with(EventMask::ALL, "*", Overflow::drop_newest(16));
    /// assert!(events.is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// [`BusError::Capacity`] if the capacity is zero or too large.
    pub fn events_with(
        &self,
        mask: impl Into<EventMask>,
        pattern: impl AsRef<[u8]>,
        overflow: Overflow<Arc<KeyEvent>>,
    ) -> Result<Subscription<Arc<KeyEvent>>, BusError> {
        self.listen(mask.into(), Glob::new(pattern), |topic| {
            topic.subscribe_with(overflow)
        })
    }

    /// Gives the store another number among others, under which its keyspace events are told from now on; see
    /// [`StoreBuilder::database`](crate::StoreBuilder::database).
    ///
    /// ```
    /// use larder::{Bus, Store};
    ///
    /// let bus = Bus::new();
    /// let store = Store::builder().bus(&bus).build()?;
    /// let mut sets = bus.subscribe(["__keyevent@7__:set"]);
    /// store.set("key", "untold").expect("it is small");
    /// store.renumber(7);
    /// store.set("key", "told").expect("it is small");
    /// assert!(sets.try_recv().is_ok() && sets.try_recv().is_err());
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// A lock that calls take when they tell an event.
    ///
    /// # Consistency
    ///
    /// A call that runs meanwhile tells its events under either number, all under the same.
    #[doc(alias = "SWAPDB")]
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    pub fn renumber(&self, number: u32) {
        let listening = &self.core.listening;
        let mut audience = listening.audience.lock();
        audience.number = Number::new(number);
        // Who listens to the old number's channels no longer counts, who listens to the new one's does.
        listening.wanted.fetch_or(STALE, Ordering::AcqRel);
    }

    /// Begins to listen.
    pub(super) fn listen<R>(
        &self,
        mask: EventMask,
        glob: Glob,
        subscribe: impl FnOnce(&Topic<KeyEvent>) -> R,
    ) -> R {
        let topic = Topic::with_clock(self.core.clock.clone());
        let subscription = subscribe(&topic);
        self.core
            .gather(|listeners| listeners.push(Listener { mask, glob, topic }));
        subscription
    }
}
