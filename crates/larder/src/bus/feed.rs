//! `Feed`: what a subscription reads, and how it ends: the ring first, then whoever keeps the ring by name.

use std::sync::{Arc, Weak};

use super::mailbox::Mailbox;
use super::overflow::{Overflow, Place};
use super::reader::Reader;
use super::ring::Ring;

/// The name of a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Channel(Arc<[u8]>),
    Pattern(Arc<[u8]>),
}

/// Who keeps rings by name.
pub(super) trait Host<T: Clone>: Send + Sync {
    /// A feed of the ring of this name, with what is retained for newcomers.
    fn feed(
        &self,
        name: &Name,
        overflow: &Overflow<T>,
        mailbox: Option<&Arc<Mailbox<T>>>,
    ) -> (Feed<T>, Vec<T>);

    /// A feed of this name ended.
    fn vacated(&self, name: &Name);
}

/// A ring's box.
pub(super) struct Attachment<T: Clone> {
    ring: Arc<Ring<T>>,
    mailbox: Arc<Mailbox<T>>,
}

impl<T: Clone> Drop for Attachment<T> {
    fn drop(&mut self) {
        self.ring.detach(&self.mailbox);
    }
}

/// How the messages come.
pub(super) enum Source<T: Clone> {
    Reader(Reader<T>),
    /// Through the subscription's box.
    Box(#[expect(dead_code, reason = "it is held to be dropped")] Attachment<T>),
}

/// See the module's text.
pub(super) struct Feed<T: Clone> {
    pub(super) source: Source<T>,
    /// Dropped after the source.
    vacancy: Option<Vacancy<T>>,
}

struct Vacancy<T: Clone> {
    name: Name,
    host: Weak<dyn Host<T>>,
}

impl<T: Clone> Drop for Vacancy<T> {
    fn drop(&mut self) {
        if let Some(host) = self.host.upgrade() {
            host.vacated(&self.name);
        }
    }
}

impl<T: Clone> Feed<T> {
    /// A feed of a ring; with it the last message, if the ring retains.
    pub(super) fn new(
        ring: Arc<Ring<T>>,
        overflow: &Overflow<T>,
        mailbox: Option<&Arc<Mailbox<T>>>,
    ) -> (Self, Option<T>) {
        let (source, last) = match (mailbox, &overflow.place) {
            (Some(mailbox), _) => {
                let last = ring.attach(mailbox);
                let mailbox = Arc::clone(mailbox);
                (Source::Box(Attachment { ring, mailbox }), last)
            }
            (None, Place::Ring(when_full)) => {
                let (reader, last) = Reader::new(ring, *when_full, overflow.capacity);
                (Source::Reader(reader), last)
            }
            (None, Place::Box(_)) => unreachable!("who has a box passes it"),
        };
        let feed = Feed {
            source,
            vacancy: None,
        };
        (feed, last)
    }

    /// Tells the host when the feed ends.
    pub(super) fn hosted(mut self, name: Name, host: Weak<dyn Host<T>>) -> Self {
        self.vacancy = Some(Vacancy { name, host });
        self
    }

    pub(super) fn name(&self) -> Option<&Name> {
        self.vacancy.as_ref().map(|vacancy| &vacancy.name)
    }

    /// The reader, unless there is a box.
    #[inline]
    pub(super) fn reader(&mut self) -> Option<&mut Reader<T>> {
        match &mut self.source {
            Source::Reader(reader) => Some(reader),
            Source::Box(_) => None,
        }
    }
}
