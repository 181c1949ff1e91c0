//! `Mailbox`: the queue of a subscription that drops the newest or conflates, filled by publishers.
//!
//! A queue of items by arrival number: messages, and gaps where messages were refused. With keys, a message takes the
//! place of the earlier one of its key. Messages never outnumber the capacity, nor gaps the messages by more than one.
//!
//! Cost: a lock and O(log capacity) per message and box. Boxes are filled under their ring's lock, so that all
//! subscriptions agree on the order.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::task::Waker;

use super::message::{Delivery, Event};
use super::overflow::KeyOf;
use crate::sync::modelled::Mutex;
use crate::wait::{Sleepers, Wakes};

/// See the module's text.
pub(super) struct Mailbox<T> {
    capacity: usize,
    key_of: Option<KeyOf<T>>,
    post: Mutex<Post<T>>,
}

struct Post<T> {
    items: BTreeMap<u64, Item<T>>,
    by_key: HashMap<Vec<u8>, u64>,
    messages: usize,
    arrivals: u64,
    /// Messages that left at the front, unread.
    lost: u64,
    conflated: u64,
    sleepers: Sleepers,
    closed: bool,
}

enum Item<T> {
    Message(T, Option<Vec<u8>>),
    Gap(u64),
}

/// What one message did to a box.
enum Put<T> {
    Accepted,
    /// Another one was lost for it.
    Displaced(Option<T>),
    Refused,
}

impl<T> Post<T> {
    fn append(&mut self, message: T, key: Option<Vec<u8>>) {
        self.arrivals += 1;
        if let Some(key) = &key {
            self.by_key.insert(key.clone(), self.arrivals);
        }
        self.items
            .insert(self.arrivals, Item::Message(message, key));
        self.messages += 1;
    }

    /// Takes the first message out.
    fn pop(&mut self) -> Option<T> {
        let (_, item) = self.items.pop_first()?;
        match item {
            Item::Message(message, key) => {
                self.messages -= 1;
                if let Some(key) = key {
                    self.by_key.remove(&key);
                }
                Some(message)
            }
            Item::Gap(_) => None,
        }
    }

    fn put(&mut self, message: T, key: Option<Vec<u8>>, capacity: usize) -> Put<T> {
        if let Some(key) = &key
            && let Some(arrival) = self.by_key.get(key)
            && let Some(Item::Message(held, _)) = self.items.get_mut(arrival)
        {
            self.conflated += 1;
            return Put::Displaced(Some(std::mem::replace(held, message)));
        }
        if self.messages < capacity {
            self.append(message, key);
            return Put::Accepted;
        }
        if key.is_some() {
            let displaced = self.pop();
            self.lost += 1;
            self.append(message, key);
            return Put::Displaced(displaced);
        }
        if let Some(mut last) = self.items.last_entry()
            && let Item::Gap(missed) = last.get_mut()
        {
            *missed += 1;
        } else {
            self.arrivals += 1;
            self.items.insert(self.arrivals, Item::Gap(1));
        }
        Put::Refused
    }
}

#[expect(clippy::disallowed_methods, reason = "this file owns the box's lock")]
impl<T> Mailbox<T> {
    pub(super) fn new(capacity: u64, key_of: Option<KeyOf<T>>) -> Self {
        Mailbox {
            capacity: usize::try_from(capacity).unwrap_or(usize::MAX),
            key_of,
            post: Mutex::new(Post {
                items: BTreeMap::new(),
                by_key: HashMap::new(),
                messages: 0,
                arrivals: 0,
                lost: 0,
                conflated: 0,
                sleepers: Sleepers::default(),
                closed: false,
            }),
        }
    }

    /// The next message or gap.
    pub(super) fn take(&self) -> Option<Event<T>> {
        let mut post = self.post.lock();
        let lost = std::mem::take(&mut post.lost);
        if lost > 0 {
            return Some(Event::Gap { missed: lost });
        }
        if let Some(first) = post.items.first_entry()
            && let Item::Gap(missed) = *first.get()
        {
            first.remove();
            return Some(Event::Gap { missed });
        }
        post.pop().map(Event::Message)
    }

    /// Files the waker of a reader without messages; `false` if there is something to read.
    pub(super) fn sleep(&self, waker: &Waker) -> bool {
        let mut post = self.post.lock();
        if post.lost > 0 || !post.items.is_empty() || post.closed {
            return false;
        }
        let earlier = post.sleepers.file(0, waker);
        drop(post);
        drop(earlier);
        true
    }

    pub(super) fn is_closed(&self) -> bool {
        self.post.lock().closed
    }

    /// Says that there will be no more messages.
    pub(super) fn close(&self) -> Wakes {
        let mut post = self.post.lock();
        post.closed = true;
        post.sleepers.take()
    }

    /// How many messages were superseded by later ones of their keys.
    pub(super) fn conflated(&self) -> u64 {
        self.post.lock().conflated
    }
}

/// The boxes of a ring.
pub(super) type Boxes<T> = Arc<[Arc<Mailbox<T>>]>;

/// The boxes of a ring, with a message's key for each of them.
pub(super) struct Keyed<T> {
    boxes: Boxes<T>,
    keys: Vec<Option<Vec<u8>>>,
}

/// What posting did; to be dropped after the unlock.
pub(super) struct Posted<T> {
    pub(super) delivery: Delivery,
    displaced: Vec<T>,
    wakes: Vec<Wakes>,
}

impl<T> Default for Posted<T> {
    fn default() -> Self {
        Posted {
            delivery: Delivery::default(),
            displaced: Vec::new(),
            wakes: Vec::new(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this file owns the boxes' locks")]
impl<T: Clone> Keyed<T> {
    /// Asks the boxes for the message's keys.
    pub(super) fn new(boxes: Boxes<T>, message: Option<&T>) -> Self {
        let key = |mailbox: &Arc<Mailbox<T>>| Some(mailbox.key_of.as_ref()?(message?));
        let keys = boxes.iter().map(key).collect();
        Keyed { boxes, keys }
    }

    /// Whether these are the ring's boxes.
    #[inline]
    pub(super) fn are_for(keyed: Option<&Self>, boxes: Option<&Boxes<T>>) -> bool {
        match (keyed, boxes) {
            (None, None) => true,
            (Some(keyed), Some(boxes)) => Arc::ptr_eq(&keyed.boxes, boxes),
            _ => false,
        }
    }

    /// Puts the message into every box.
    pub(super) fn post(&self, message: &T) -> Posted<T> {
        let mut posted = Posted::default();
        for (mailbox, key) in self.boxes.iter().zip(&self.keys) {
            let mut post = mailbox.post.lock();
            match post.put(message.clone(), key.clone(), mailbox.capacity) {
                Put::Accepted => posted.delivery.received += 1,
                Put::Displaced(displaced) => {
                    posted.delivery.received += 1;
                    posted.delivery.dropped += 1;
                    posted.displaced.extend(displaced);
                }
                Put::Refused => posted.delivery.dropped += 1,
            }
            posted.wakes.push(post.sleepers.take());
        }
        posted
    }
}
