//! `Core`: the way from a channel to all who listen.
//!
//! ```text
//! publish(channel) ── recent routes of the thread ── routes[hash] ── route of this generation? ──yes── its rings: the channel's,
//!                                                                       │ no                            each matching pattern's
//!                                                                       └── registry: look the channel up, try the patterns, remember the route
//! ```
//!
//! Every channel with a subscriber, and every pattern, has one ring. A route remembers the rings of a channel, also that
//! there are none, until the generation changes, with any change of who listens to what. So patterns are matched once per channel and
//! generation, not once per message. There are 1,024 places for routes; channels that share one take turns.
//!
//! Locks are taken in the order registry, ring, box; nothing of a user's runs under them.

use std::any::Any;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::iter::repeat_n;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Arc, Weak, atomic};

use ahash::RandomState;
use crossbeam_utils::CachePadded;

use super::feed::{Feed, Host, Name};
use super::mailbox::Mailbox;
use super::message::{Delivery, Message};
use super::overflow::Overflow;
use super::remote::Line;
use super::ring::{Order, Ring};
use super::sending::Sending;
use crate::bytes::Raw;
use crate::glob::Glob;
use crate::number::MAX_I64_LEN;
use crate::sync::RwLock;
use crate::sync::modelled::AtomicU64;
use crate::time::Clock;

/// Where messages go.
type Target = Arc<Ring<Message>>;

/// Called when it changes who listens to this name, with the registry locked; `false` if nobody wants it any more.
pub(super) type Signal = Box<dyn Fn(&Name) -> bool + Send + Sync>;

/// Places for routes: a power of two.
const ROUTES: usize = 1024;

/// Routes that a thread remembers: a power of two; each keeps a channel's name and its rings.
const RECENTS: usize = 8;

/// A route with the number of its bus.
type Recent = Cell<Option<(u64, Arc<Route>)>>;

thread_local! {
    /// Routes that this thread has used, with their bus: using one again takes no lock and counts no reference. One that
    /// is out of date, or whose bus is gone, stays until another takes its place; its rings are empty then.
    static RECENT: [Recent; RECENTS] = const { [const { Cell::new(None) }; RECENTS] };
}

/// The place of a channel among the recent routes: cheap, since a full hash costs as much as what it saves.
#[inline]
fn recent_place(channel: &[u8]) -> usize {
    let edge = |byte: Option<&u8>| usize::from(byte.copied().unwrap_or(0));
    (channel.len() ^ edge(channel.last()) ^ edge(channel.first()) << 1) % RECENTS
}

/// Numbers buses, so that a recent route is never taken for another bus's.
static BUSES: atomic::AtomicU64 = atomic::AtomicU64::new(0);

/// What the handles of a bus share; see the module's text.
pub(super) struct Core {
    pub(super) me: Weak<Core>,
    id: u64,
    pub(super) clock: Clock,
    pub(super) hasher: RandomState,
    pub(super) order: Order,
    /// Changes with every change of who listens to what.
    pub(super) generation: AtomicU64,
    pub(super) routes: Box<[RwLock<Option<Arc<Route>>>]>,
    pub(super) registry: RwLock<Registry>,
}

/// Who listens to what.
#[derive(Default)]
pub(super) struct Registry {
    pub(super) channels: HashMap<Arc<[u8]>, Target, RandomState>,
    pub(super) patterns: BTreeMap<Arc<[u8]>, (Glob, Target)>,
    pub(super) topics: HashMap<Vec<u8>, Weak<dyn Any + Send + Sync>, RandomState>,
    /// How many topics there may be before those that are gone are swept out.
    pub(super) topics_at_sweep: usize,
    pub(super) signals: Vec<Signal>,
    /// Those who may sleep without any channel.
    pub(super) lines: Vec<Weak<Line<Message>>>,
}

/// The rings of a channel.
pub(super) struct Route {
    pub(super) generation: u64,
    pub(super) channel: Arc<[u8]>,
    pub(super) exact: Option<Target>,
    pub(super) patterns: Vec<(Arc<[u8]>, Target)>,
}

impl Route {
    /// The rings, each with the pattern that led to it.
    fn rings(&self) -> impl Iterator<Item = (Option<&Arc<[u8]>>, &Target)> {
        let exact = self.exact.iter().map(|ring| (None, ring));
        let patterns = self.patterns.iter();
        exact.chain(patterns.map(|(pattern, ring)| (Some(pattern), ring)))
    }

    #[inline]
    fn send(&self, payload: &Raw<'_>) -> Delivery {
        let mut delivery = Delivery::default();
        if let (Some(ring), []) = (&self.exact, &self.patterns[..]) {
            return ring.send(self.message(payload));
        }
        for (ring, message) in self.messages(payload) {
            delivery += ring.send(message);
        }
        delivery
    }

    #[inline]
    fn message(&self, payload: &Raw<'_>) -> Message {
        Message::new(&self.channel, payload.bytes(&mut [0; MAX_I64_LEN]))
    }

    /// The rings, each with the message that it gets.
    fn messages(&self, payload: &Raw<'_>) -> impl Iterator<Item = (&Target, Message)> {
        let rings = usize::from(self.exact.is_some()) + self.patterns.len();
        let message = (rings > 0).then(|| self.message(payload));
        // The last ring takes the message itself: one ring costs no reference count.
        let messages = message
            .into_iter()
            .flat_map(move |message| repeat_n(message, rings));
        let rings = self.rings().zip(messages);
        rings.map(|((pattern, ring), message)| (ring, message.by(pattern)))
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

    pub(super) fn publish(&self, channel: &[u8], payload: &Raw<'_>) -> Delivery {
        let sent = RECENT.try_with(|recent| {
            let place = &recent[recent_place(channel)];
            let generation = self.generation.load(Acquire);
            let used = place.take().filter(|(bus, route)| {
                *bus == self.id && route.generation == generation && *route.channel == *channel
            });
            let (_, route) = used.unwrap_or_else(|| (self.id, self.route(channel)));
            let delivery = route.send(payload);
            place.set(Some((self.id, route)));
            delivery
        });
        // A thread that is ending has no recent routes any more.
        sent.unwrap_or_else(|_| self.route(channel).send(payload))
    }

    /// The messages of a publish, on their way.
    pub(super) fn sendings(&self, channel: &[u8], payload: &Raw<'_>) -> Vec<Sending<Message>> {
        let route = self.route(channel);
        let messages = route.messages(payload);
        messages
            .map(|(ring, message)| Sending::new(Arc::clone(ring), message, &self.clock))
            .collect()
    }

    pub(super) fn ring(&self, retains: bool) -> Target {
        Arc::new(Ring::new(Some(Arc::clone(&self.order)), retains))
    }

    /// Says that routes are out of date. The registry is locked.
    pub(super) fn renew(&self, registry: &Registry, name: &Name) {
        // No read-modify-write: only who holds the registry changes it.
        let generation = self.generation.load(Acquire);
        self.generation.store(generation + 1, Release);
        for signal in &registry.signals {
            signal(name);
        }
    }

    /// Has a listener without channels woken when the bus goes.
    pub(super) fn remember(&self, line: &Arc<Line<Message>>) {
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
                let retained =
                    matching.filter_map(|(_, ring)| Some(ring.last()?.by(Some(pattern))));
                (ring, retained.collect())
            }
        };
        let (feed, last) = Feed::new(ring, overflow, mailbox);
        self.renew(&registry, name);
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
            self.renew(&registry, name);
        }
        drop(registry);
        drop(gone);
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        let registry = self.registry.get_mut();
        for ring in registry.channels.values() {
            ring.close();
            // Somebody's recent route may keep the ring: it is not to keep a message.
            ring.retain(false);
        }
        registry
            .patterns
            .values()
            .for_each(|(_, ring)| ring.close());
        let lines = registry.lines.iter().filter_map(Weak::upgrade);
        lines.for_each(|line| line.tell(None));
    }
}

impl Core {
    /// A bus without subscribers.
    pub(super) fn new(clock: Clock) -> Arc<Self> {
        Arc::new_cyclic(|me| Core {
            me: me.clone(),
            id: BUSES.fetch_add(1, Relaxed),
            clock,
            hasher: RandomState::new(),
            order: Arc::new(CachePadded::new(AtomicU64::new(0))),
            generation: AtomicU64::new(0),
            routes: (0..ROUTES).map(|_| RwLock::new(None)).collect(),
            registry: RwLock::new(Registry::default()),
        })
    }
}
