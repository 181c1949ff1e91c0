//! `Watch`: what keys hold now, and then every change of it.
//!
//! ```text
//! begin   listen ── pass through the locks ── list the keys that are there
//! next    a listed key, as it is now ── else the next event: its key, as it is now
//! gap     list the keys anew
//! ```
//!
//! A change that is not in the first look is told: whoever writes looks under the lock of the key's stripe who listens,
//! and the watch passed through that lock between beginning to listen and its first look. So a writer came before, and
//! is seen, or comes after, and tells.
//!
//! Events say which key has changed; its value is read when the event is handed out. It is therefore never older than
//! the event, and after the last event the last value has been seen, whatever threads did to the key meanwhile.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;

use super::core::{Core, Store};
use crate::bus::{BusError, Event, Overflow, RecvError, Remote, Subscription};
use crate::bytes::FromValue;
use crate::error::Error;
use crate::event::{EventKind, EventMask, KeyEvent};
use crate::glob::Glob;

/// What is watched.
#[derive(Clone)]
enum Target {
    Key(Vec<u8>),
    Pattern(Vec<u8>),
}

impl Target {
    /// The kinds of events that change what is seen.
    fn mask() -> EventMask {
        EventMask::ALL | EventKind::Clear
    }

    /// A pattern that matches what is watched.
    fn glob(&self) -> Glob {
        match self {
            Target::Key(key) => Glob::literal(key),
            Target::Pattern(pattern) => Glob::new(pattern),
        }
    }
}

/// What a key holds, as a [`Watch`] shows it.
///
/// ```
/// use larder::{Event, EventKind, Store};
///
/// let store = Store::new();
/// let mut watch = store.watch_key::<u32>("limit");
/// store.set("limit", 7)?;
/// let Event::Message(first) = watch.try_recv()? else { unreachable!() };
/// assert_eq!((first.key(), first.kind()), (&b"limit"[..], None));
/// let Event::Message(change) = watch.try_recv()? else { unreachable!() };
/// assert_eq!((change.value(), change.kind()), (Ok(Some(&7)), Some(EventKind::Set)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState<T> {
    key: Vec<u8>,
    value: Result<Option<T>, Error>,
    kind: Option<EventKind>,
}

impl<T> KeyState<T> {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Its value when this was handed out; `None` if it was gone.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if it holds another type than a string: read that through its view, as
    /// [`list`](Store::list) and its like. [`Error::Convert`] if it is not a `T`.
    pub fn value(&self) -> Result<Option<&T>, Error> {
        self.value.as_ref().map(Option::as_ref).map_err(|e| *e)
    }

    /// [`Self::value`] itself.
    ///
    /// # Errors
    ///
    /// As [`Self::value`].
    pub fn into_value(self) -> Result<Option<T>, Error> {
        self.value
    }

    /// What happened to it; `None` for what was there before: at the beginning, and after a gap.
    #[must_use]
    pub fn kind(&self) -> Option<EventKind> {
        self.kind
    }
}

/// Keys that are watched: what they hold, and then every change, until this is dropped or the store is.
///
/// It begins with what is there, and goes on with one [`KeyState`] per event, in the events' order. One that is too slow is
/// told of a gap; then everything that is there comes again, so it may forget what it knew, and is right again.
///
/// | to wait in | call |
/// |---|---|
/// | a task, of any runtime | [`recv`](Self::recv), or the `Stream` that it is |
/// | a thread | [`recv_blocking`](Self::recv_blocking), [`iter_blocking`](Self::iter_blocking) |
/// | nowhere | [`try_recv`](Self::try_recv) |
///
/// ```
/// use larder::{Event, Store};
/// use std::collections::HashMap;
///
/// let store = Store::new();
/// store.set("config:theme", "dark")?;
/// let mut watch = store.watch::<String>("config:*");
/// store.set("config:language", "en")?;
/// store.remove("config:theme");
///
/// let mut config = HashMap::new();
/// while let Ok(event) = watch.try_recv() {
///     match event {
///         Event::Gap { .. } => config.clear(),
///         Event::Message(state) => match state.value()? {
///             Some(value) => drop(config.insert(state.key().to_vec(), value.clone())),
///             None => drop(config.remove(state.key())),
///         },
///     }
/// }
/// assert_eq!(config.len(), 1);
/// assert_eq!(config[&b"config:language"[..]], "en");
/// # Ok::<(), larder::Error>(())
/// ```
///
/// # Consistency
///
/// A value is as new as its event or newer: of two changes in quick succession, the last value may be shown twice. Once
/// there is nothing more to receive, the last value of every key has been shown.
pub struct Watch<T> {
    /// Who watches does not keep the store.
    core: Weak<Core>,
    target: Target,
    events: Subscription<Arc<KeyEvent>>,
    /// Keys to be shown as they are.
    present: VecDeque<Vec<u8>>,
    read_as: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Watch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl<T> Watch<T> {
    /// A handle to stop it from outside.
    #[must_use]
    pub fn remote(&self) -> Remote<Arc<KeyEvent>> {
        self.events.remote()
    }

    fn store(&self) -> Option<Store> {
        let core = self.core.upgrade()?;
        Some(Store { core })
    }

    /// Lists what is there, to be shown next.
    fn list(&mut self, store: &Store) {
        self.present = match &self.target {
            Target::Key(key) => [key.clone()].into(),
            Target::Pattern(pattern) => store.keys(pattern).into(),
        };
    }
}

impl<T: FromValue> Watch<T> {
    /// Hands out what is there; never waits.
    ///
    /// # Cost
    ///
    /// A look-up of the key.
    ///
    /// # Errors
    ///
    /// [`RecvError::Empty`] if there is nothing for now; else why there will be no more.
    pub fn try_recv(&mut self) -> Result<Event<KeyState<T>>, RecvError> {
        match self.next_present() {
            Some(state) => Ok(state),
            None => self.events.try_recv().and_then(|event| self.show(event)),
        }
    }

    /// Waits for the next state, in a task of any runtime. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// Why there will be no more.
    pub async fn recv(&mut self) -> Result<Event<KeyState<T>>, RecvError> {
        match self.next_present() {
            Some(state) => Ok(state),
            None => self.events.recv().await.and_then(|event| self.show(event)),
        }
    }

    /// Waits for the next state, parking the thread; with a duration, at most so long.
    ///
    /// ```
    /// use larder::{Event, RecvError, Store};
    /// use std::time::Duration;
    ///
    /// let store = Store::new();
    /// let mut watch = store.watch_key::<String>("mode");
    /// let Event::Message(state) = watch.recv_blocking(None)? else { unreachable!() };
    /// assert_eq!(state.value(), Ok(None));
    /// assert_eq!(watch.recv_blocking(Duration::from_millis(1)), Err(RecvError::Empty));
    /// # Ok::<(), RecvError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RecvError::Empty`] when the time is over; else why there will be no more.
    pub fn recv_blocking(
        &mut self,
        limit: impl Into<Option<Duration>>,
    ) -> Result<Event<KeyState<T>>, RecvError> {
        match self.next_present() {
            Some(state) => Ok(state),
            None => self
                .events
                .recv_blocking(limit)
                .and_then(|event| self.show(event)),
        }
    }

    /// The states to come, each waited for by parking the thread; it ends when there will be no more.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("a", 1)?;
    /// let mut watch = store.watch::<i64>("*");
    /// store.set("b", 2)?;
    /// let states = watch.iter_blocking().take(2).filter_map(larder::Event::message);
    /// let values: Vec<_> = states.filter_map(|state| state.into_value().ok()?).collect();
    /// assert_eq!(values, [1, 2]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    pub fn iter_blocking(&mut self) -> impl Iterator<Item = Event<KeyState<T>>> + use<'_, T> {
        std::iter::from_fn(|| self.recv_blocking(None).ok())
    }

    /// The next of what was listed; keys of a pattern that went meanwhile are left out, since that is told.
    fn next_present(&mut self) -> Option<Event<KeyState<T>>> {
        if self.present.is_empty() || self.events.remote().is_stopped() {
            return None;
        }
        let store = self.store()?;
        let is_pattern = matches!(self.target, Target::Pattern(_));
        while let Some(key) = self.present.pop_front() {
            let state = read(&store, key, None);
            if !(is_pattern && matches!(state.value, Ok(None))) {
                return Some(Event::Message(state));
            }
        }
        None
    }

    /// What an event has led to.
    fn show(&mut self, event: Event<Arc<KeyEvent>>) -> Result<Event<KeyState<T>>, RecvError> {
        let store = self.store().ok_or(RecvError::Closed)?;
        let event = match event {
            Event::Message(event) => event,
            Event::Gap { missed } => {
                self.list(&store);
                return Ok(Event::Gap { missed });
            }
        };
        let kind = event.kind();
        Ok(match (&self.target, kind) {
            (Target::Key(key), EventKind::Clear) => {
                Event::Message(read(&store, key.clone(), Some(kind)))
            }
            // Which keys it took is not known.
            (Target::Pattern(_), EventKind::Clear) => {
                self.list(&store);
                Event::Gap { missed: 1 }
            }
            _ => Event::Message(read(&store, event.key().to_vec(), Some(kind))),
        })
    }
}

/// What a key holds now.
fn read<T: FromValue>(store: &Store, key: Vec<u8>, kind: Option<EventKind>) -> KeyState<T> {
    KeyState {
        value: store.get(&key),
        key,
        kind,
    }
}

impl<T> Unpin for Watch<T> {}

impl<T: FromValue> Stream for Watch<T> {
    type Item = Event<KeyState<T>>;

    /// The next state; `None` when there will be no more.
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(state) = self.next_present() {
            return Poll::Ready(Some(state));
        }
        let event = Pin::new(&mut self.events).poll_next(context);
        event.map(|event| event.and_then(|event| self.show(event).ok()))
    }
}

impl Store {
    /// Watches the keys that match a pattern: what they hold now, and then every change.
    ///
    /// ```
    /// use larder::{Event, Store};
    ///
    /// let store = Store::new();
    /// store.set("config:theme", "dark")?;
    /// let mut watch = store.watch::<String>("config:*");
    /// for value in ["dark", "light"] {
    ///     let Event::Message(state) = watch.try_recv()? else { unreachable!() };
    ///     assert_eq!(state.into_value()?.as_deref(), Some(value));
    ///     store.set("config:theme", "light")?;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Cost
    ///
    /// A walk over all keys to begin with, and after a gap. While it is there, every write of a key that matches copies
    /// the key, as for [`events`](Store::events).
    ///
    /// # Consistency
    ///
    /// No change is lost between the first look and the first change. [`clear`](Store::clear) is told as a gap. Up to
    /// 1,024 changes may be unread.
    #[doc(alias = "configuration")]
    #[must_use]
    pub fn watch<T: FromValue>(&self, pattern: impl AsRef<[u8]>) -> Watch<T> {
        let target = Target::Pattern(pattern.as_ref().to_vec());
        let events = self.listen(Target::mask(), target.glob(), |topic| topic.subscribe());
        self.attend(target, events)
    }

    /// [`Store::watch`] with a policy for changes that are not read in time.
    ///
    /// Where only the last value of a key counts, one change of each is enough:
    ///
    /// ```
    /// use larder::{Overflow, Store};
    ///
    /// let store = Store::new();
    /// let last_of_each = Overflow::conflate(1024, |event: &std::sync::Arc<larder::KeyEvent>| event.key().to_vec());
    /// let mut watch = store.watch_with::<i64>("*", last_of_each)?;
    /// for value in 0..5_000 {
    ///     store.set("a", value).expect("small");
    /// }
    /// let state = watch.try_recv().ok().and_then(larder::Event::message);
    /// assert_eq!(state.and_then(|state| state.into_value().ok()?), Some(4_999));
    /// assert!(watch.try_recv().is_err());
    /// # Ok::<(), larder::BusError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BusError::Capacity`] if the capacity is zero or too large.
    pub fn watch_with<T: FromValue>(
        &self,
        pattern: impl AsRef<[u8]>,
        overflow: Overflow<Arc<KeyEvent>>,
    ) -> Result<Watch<T>, BusError> {
        let target = Target::Pattern(pattern.as_ref().to_vec());
        let events = self.listen(Target::mask(), target.glob(), |topic| {
            topic.subscribe_with(overflow)
        })?;
        Ok(self.attend(target, events))
    }

    /// [`Store::watch`] for one key, whose name is no pattern: it begins with what the key holds, also if it is not there.
    ///
    /// ```
    /// use larder::{Event, Store};
    ///
    /// let store = Store::new();
    /// let mut watch = store.watch_key::<bool>("maintenance");
    /// let Event::Message(state) = watch.try_recv()? else { unreachable!() };
    /// assert_eq!(state.value(), Ok(None));
    /// # Ok::<(), larder::RecvError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::watch`], without the walk.
    #[must_use]
    pub fn watch_key<T: FromValue>(&self, key: impl AsRef<[u8]>) -> Watch<T> {
        let target = Target::Key(key.as_ref().to_vec());
        let events = self.listen(Target::mask(), target.glob(), |topic| topic.subscribe());
        self.attend(target, events)
    }

    /// Begins to watch what is listened to already.
    fn attend<T>(&self, target: Target, events: Subscription<Arc<KeyEvent>>) -> Watch<T> {
        // Through the locks, as the module's text says.
        let stripes = &self.core.stripes;
        match &target {
            Target::Key(key) => {
                let stripe = stripes.of(self.core.hash(key));
                stripe.write(&stripes.budget, |_| ());
            }
            Target::Pattern(_) => {
                for stripe in stripes.iter() {
                    stripe.write(&stripes.budget, |_| ());
                }
            }
        }
        let mut watch = Watch {
            core: Arc::downgrade(&self.core),
            target,
            events,
            present: VecDeque::new(),
            read_as: PhantomData,
        };
        watch.list(self);
        watch
    }
}
