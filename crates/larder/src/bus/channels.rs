//! `Bus`: channels by name, patterns, and the way from a channel to all who listen.
//!
//! ```text
//! publish(channel) ── routes[hash] ── route of this generation? ──yes── its rings: the channel's, each matching pattern's
//!                                        │ no
//!                                        └── registry: look the channel up, try the patterns, remember the route
//! ```
//!
//! Every channel with a subscriber, and every pattern, has one ring. A route remembers the rings of a channel, also that
//! there are none, until the generation changes, with any change of who listens to what. So patterns are matched once per channel and
//! generation, not once per message. There are 1,024 places for routes; channels that share one take turns.
//!
//! Locks are taken in the order registry, ring, box; nothing of a user's runs under them.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Weak};

use ahash::RandomState;
use crossbeam_utils::CachePadded;

use super::feed::{Feed, Host, Name};
use super::mailbox::Mailbox;
use super::message::{BusError, Delivery, Message};
use super::overflow::Overflow;
use super::remote::Line;
use super::ring::Ring;
use super::subscription::Subscription;
use super::topic::{Shared, Topic};
use crate::bytes::{Raw, ToValue};
use crate::glob::Glob;
use crate::number::MAX_I64_LEN;
use crate::sync::RwLock;
use crate::sync::modelled::AtomicU64;
use crate::time::Clock;

/// Places for routes: a power of two.
const ROUTES: usize = 1024;

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

struct Core {
    me: Weak<Core>,
    clock: Clock,
    hasher: RandomState,
    order: Arc<CachePadded<AtomicU64>>,
    /// Changes with every change of who listens to what.
    generation: AtomicU64,
    routes: Box<[RwLock<Option<Arc<Route>>>]>,
    registry: RwLock<Registry>,
}

#[derive(Default)]
struct Registry {
    channels: HashMap<Arc<[u8]>, Arc<Ring<Message>>, RandomState>,
    patterns: BTreeMap<Arc<[u8]>, (Glob, Arc<Ring<Message>>)>,
    topics: HashMap<Vec<u8>, Weak<dyn Any + Send + Sync>, RandomState>,
    /// How many topics there may be before those that are gone are swept out.
    topics_at_sweep: usize,
    /// Those who may sleep without any channel.
    lines: Vec<Weak<Line<Message>>>,
}

/// The rings of a channel.
struct Route {
    generation: u64,
    channel: Arc<[u8]>,
    exact: Option<Arc<Ring<Message>>>,
    patterns: Vec<(Arc<[u8]>, Arc<Ring<Message>>)>,
}

impl Route {
    /// The rings, each with the pattern that led to it.
    fn rings(&self) -> impl Iterator<Item = (Option<&Arc<[u8]>>, &Ring<Message>)> {
        let exact = self.exact.iter().map(|ring| (None, &**ring));
        let patterns = self.patterns.iter();
        exact.chain(patterns.map(|(pattern, ring)| (Some(pattern), &**ring)))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this file owns the registry's locks"
)]
impl Core {
    /// The rings of a channel.
    #[inline]
    fn route(&self, channel: &[u8]) -> Arc<Route> {
        let generation = self.generation.load(Acquire);
        let place = self.hasher.hash_one(channel) as usize % ROUTES;
        if let Some(route) = &*self.routes[place].read()
            && route.generation == generation
            && *route.channel == *channel
        {
            return Arc::clone(route);
        }
        self.find_route(channel, place)
    }

    #[cold]
    fn find_route(&self, channel: &[u8], place: usize) -> Arc<Route> {
        let registry = self.registry.read();
        let matching = registry.patterns.iter();
        let matching = matching.filter(|(_, (glob, _))| glob.matches(channel));
        let route = Arc::new(Route {
            generation: self.generation.load(Acquire),
            channel: channel.into(),
            exact: registry.channels.get(channel).cloned(),
            patterns: matching
                .map(|(name, (_, ring))| (Arc::clone(name), Arc::clone(ring)))
                .collect(),
        });
        drop(registry);
        let earlier = self.routes[place].write().replace(Arc::clone(&route));
        drop(earlier);
        route
    }

    fn publish(
        &self,
        channel: &[u8],
        payload: &Raw<'_>,
        send: impl Fn(&Ring<Message>, Message) -> Delivery,
    ) -> Delivery {
        let mut delivery = Delivery::default();
        let route = self.route(channel);
        let mut rings = route.rings().peekable();
        if rings.peek().is_none() {
            return delivery;
        }
        let payload: Arc<[u8]> = payload.bytes(&mut [0; MAX_I64_LEN]).into();
        for (pattern, ring) in rings {
            let message = Message {
                channel: Arc::clone(&route.channel),
                payload: Arc::clone(&payload),
                pattern: pattern.cloned(),
            };
            delivery += send(ring, message);
        }
        delivery
    }

    fn ring(&self, retains: bool) -> Arc<Ring<Message>> {
        Arc::new(Ring::new(Arc::clone(&self.order), retains))
    }

    /// Says that routes are out of date. The registry is locked.
    fn renew(&self) {
        // No read-modify-write: only who holds the registry changes it.
        let generation = self.generation.load(Acquire);
        self.generation.store(generation + 1, Release);
    }

    /// Has a listener without channels woken when the bus goes.
    fn remember(&self, line: &Arc<Line<Message>>) {
        let mut registry = self.registry.write();
        if registry.lines.len() == registry.lines.capacity() {
            registry.lines.retain(|line| line.strong_count() > 0);
        }
        registry.lines.push(Arc::downgrade(line));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this file owns the registry's locks"
)]
impl Host<Message> for Core {
    fn feed(
        &self,
        name: &Name,
        overflow: &Overflow<Message>,
        mailbox: Option<&Arc<Mailbox<Message>>>,
    ) -> (Feed<Message>, Vec<Message>) {
        let mut registry = self.registry.write();
        let (ring, retained) = match name {
            Name::Channel(channel) => {
                let ring = registry.channels.entry(Arc::clone(channel));
                (
                    Arc::clone(ring.or_insert_with(|| self.ring(false))),
                    Vec::new(),
                )
            }
            Name::Pattern(pattern) => {
                let ring = registry.patterns.entry(Arc::clone(pattern));
                let (glob, ring) = ring.or_insert_with(|| (Glob::new(pattern), self.ring(false)));
                let (glob, ring) = (glob.clone(), Arc::clone(ring));
                let channels = registry.channels.iter();
                let matching = channels.filter(|(channel, _)| glob.matches(channel));
                let retained = matching.filter_map(|(_, ring)| {
                    let last = ring.last()?;
                    Some(Message {
                        pattern: Some(Arc::clone(pattern)),
                        ..last
                    })
                });
                (ring, retained.collect())
            }
        };
        let (feed, last) = Feed::new(ring, overflow, mailbox);
        self.renew();
        drop(registry);
        let retained = retained.into_iter().chain(last).collect();
        let host: Weak<dyn Host<Message>> = self.me.clone();
        (feed.hosted(name.clone(), host), retained)
    }

    fn vacated(&self, name: &Name) {
        let mut registry = self.registry.write();
        let gone = match name {
            Name::Channel(channel) => match registry.channels.get(channel) {
                Some(ring) if ring.is_idle() => registry.channels.remove(channel),
                _ => None,
            },
            Name::Pattern(pattern) => match registry.patterns.get(pattern) {
                Some((_, ring)) if ring.is_idle() => {
                    registry.patterns.remove(pattern).map(|(_, ring)| ring)
                }
                _ => None,
            },
        };
        if gone.is_some() {
            self.renew();
        }
        drop(registry);
        drop(gone);
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        let registry = self.registry.get_mut();
        registry.channels.values().for_each(|ring| ring.close());
        registry
            .patterns
            .values()
            .for_each(|(_, ring)| ring.close());
        let lines = registry.lines.iter().filter_map(Weak::upgrade);
        lines.for_each(|line| line.tell(None));
    }
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
        let core = Arc::new_cyclic(|me| Core {
            me: me.clone(),
            clock,
            hasher: RandomState::new(),
            order: Arc::new(CachePadded::new(AtomicU64::new(0))),
            generation: AtomicU64::new(0),
            routes: (0..ROUTES).map(|_| RwLock::new(None)).collect(),
            registry: RwLock::new(Registry::default()),
        });
        Bus { core }
    }

    /// Sends a message to all who subscribed to the channel, or to a pattern that it matches. Waits only for those that
    /// asked for it with [`Overflow::block`].
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
        let send = |ring: &Ring<Message>, message| ring.send_blocking(message, &self.core.clock);
        self.core
            .publish(channel.as_ref(), &payload.to_value(), send)
    }

    /// Sends a message and never waits: full subscriptions lose their oldest, also those that would be waited for.
    pub fn try_publish(&self, channel: impl AsRef<[u8]>, payload: impl ToValue) -> Delivery {
        let send = |ring: &Ring<Message>, message| ring.send(message);
        self.core
            .publish(channel.as_ref(), &payload.to_value(), send)
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

    /// Subscribes to patterns, as [`Glob`] reads them; each may lag behind by up to 1,024 messages.
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
        let ring = registry.channels.entry(channel.as_ref().into());
        ring.or_insert_with(|| self.core.ring(true)).retain(true);
        self.core.renew();
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
