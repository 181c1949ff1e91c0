//! `Remote`: a handle on a subscription from outside of the thread or task that listens.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::{Arc, Weak};
use std::task::Waker;

use super::feed::{Feed, Host, Name};
use super::mailbox::Mailbox;
use super::message::Message;
use super::overflow::Overflow;
use crate::sync::modelled::{AtomicBool, Mutex};
use crate::wait::{Sleepers, Wakes};

/// What a remote wants of the listener.
pub(super) enum Change<T: Clone> {
    Add(Feed<T>, Vec<T>),
    Remove(Name),
}

/// What a subscription and its remotes share.
pub(super) struct Line<T: Clone> {
    /// Whether there is anything below to look at.
    news: AtomicBool,
    stopped: AtomicBool,
    desk: Mutex<Desk<T>>,
    /// Panics of the callback.
    pub(super) panics: AtomicU64,
}

struct Desk<T: Clone> {
    changes: Vec<Change<T>>,
    sleepers: Sleepers,
}

impl<T: Clone> Default for Line<T> {
    fn default() -> Self {
        Line {
            news: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            desk: Mutex::new(Desk {
                changes: Vec::new(),
                sleepers: Sleepers::default(),
            }),
            panics: AtomicU64::new(0),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this file owns the line's lock")]
impl<T: Clone> Line<T> {
    /// Whether there is something new; it is, until [`changes`](Self::changes) are taken.
    #[inline]
    pub(super) fn has_news(&self) -> bool {
        self.news.load(Acquire)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Acquire)
    }

    /// What remotes asked for.
    pub(super) fn changes(&self) -> Vec<Change<T>> {
        let mut desk = self.desk.lock();
        self.news.store(false, Release);
        std::mem::take(&mut desk.changes)
    }

    /// Makes the listener look.
    pub(super) fn tell(&self, change: Option<Change<T>>) {
        let mut desk = self.desk.lock();
        desk.changes.extend(change);
        self.news.store(true, Release);
        let wakes: Wakes = desk.sleepers.take();
        drop(desk);
        drop(wakes);
    }

    /// Files the listener's waker; `false` if there are news.
    pub(super) fn sleep(&self, waker: &Waker) -> bool {
        let mut desk = self.desk.lock();
        if self.news.load(Acquire) {
            return false;
        }
        let earlier = desk.sleepers.file(0, waker);
        drop(desk);
        drop(earlier);
        true
    }
}

/// A handle on a [`Subscription`](crate::Subscription), to stop or change it from outside while it listens.
///
/// ```
/// use larder::Bus;
///
/// let bus = Bus::new();
/// let mut news = bus.subscribe(["news"]);
/// let remote = news.remote();
/// bus.publish("news", "hello");
/// std::thread::scope(|scope| {
///     let listener = scope.spawn(|| news.listen_blocking(|_| assert!(remote.stop())));
///     assert_eq!(listener.join().unwrap().events, 1);
/// });
/// assert!(remote.is_stopped());
/// ```
///
/// # Consistency
///
/// Once [`stop`](Self::stop) returned, the subscription hands out nothing more. What is added is received from the return of
/// the call on; what is removed may still be received until the listener looks again.
pub struct Remote<T: Clone> {
    pub(super) line: Arc<Line<T>>,
    pub(super) overflow: Overflow<T>,
    pub(super) mailbox: Option<Arc<Mailbox<T>>>,
    pub(super) host: Option<Weak<dyn Host<T>>>,
}

impl<T: Clone> Clone for Remote<T> {
    fn clone(&self) -> Self {
        Remote {
            line: Arc::clone(&self.line),
            overflow: self.overflow.clone(),
            mailbox: self.mailbox.clone(),
            host: self.host.clone(),
        }
    }
}

impl<T: Clone> fmt::Debug for Remote<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("is_stopped", &self.is_stopped())
            .finish_non_exhaustive()
    }
}

impl<T: Clone> Remote<T> {
    /// Ends the subscription: who waits for it returns, what it had unread is gone. `false` if it was stopped before.
    pub fn stop(&self) -> bool {
        let first = !self.line.stopped.swap(true, AcqRel);
        self.line.tell(None);
        first
    }

    /// Whether it was stopped.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.line.is_stopped()
    }

    /// How many calls of the callback panicked; see [`listen_blocking`](crate::Subscription::listen_blocking).
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.line.panics.load(Relaxed)
    }

    /// A feed for the listener.
    pub(super) fn feed(&self, name: &Name) -> Option<(Feed<T>, Vec<T>)> {
        let host = self.host.as_ref()?.upgrade()?;
        Some(host.feed(name, &self.overflow, self.mailbox.as_ref()))
    }
}

impl Remote<Message> {
    /// Adds channels; those that are there stay as they are.
    #[doc(alias = "SUBSCRIBE")]
    pub fn subscribe(&self, channels: impl IntoIterator<Item: AsRef<[u8]>>) {
        self.add(channels, Name::Channel);
    }

    /// Adds patterns; those that are there stay as they are.
    #[doc(alias = "PSUBSCRIBE")]
    pub fn psubscribe(&self, patterns: impl IntoIterator<Item: AsRef<[u8]>>) {
        self.add(patterns, Name::Pattern);
    }

    /// Removes channels.
    #[doc(alias = "UNSUBSCRIBE")]
    pub fn unsubscribe(&self, channels: impl IntoIterator<Item: AsRef<[u8]>>) {
        self.remove(channels, Name::Channel);
    }

    /// Removes patterns.
    #[doc(alias = "PUNSUBSCRIBE")]
    pub fn punsubscribe(&self, patterns: impl IntoIterator<Item: AsRef<[u8]>>) {
        self.remove(patterns, Name::Pattern);
    }

    fn add(&self, names: impl IntoIterator<Item: AsRef<[u8]>>, named: impl Fn(Arc<[u8]>) -> Name) {
        for name in names {
            if let Some((feed, retained)) = self.feed(&named(name.as_ref().into())) {
                self.line.tell(Some(Change::Add(feed, retained)));
            }
        }
    }

    fn remove(
        &self,
        names: impl IntoIterator<Item: AsRef<[u8]>>,
        named: impl Fn(Arc<[u8]>) -> Name,
    ) {
        for name in names {
            self.line
                .tell(Some(Change::Remove(named(name.as_ref().into()))));
        }
    }
}
