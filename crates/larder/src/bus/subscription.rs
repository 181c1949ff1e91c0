//! `Subscription`: the reading end, with every way to wait: tasks, threads, `select!`, callbacks.
//!
//! There is one poll ([`Subscription::poll_recv_with`]); all other ends are made of it. Messages of several channels come in
//! the order in which they were published, as far as one publish ended before the other began: the feed with the
//! smallest stamp is next, once a second look finds the same.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use crossbeam_channel::Receiver;
use futures_core::Stream;

use super::feed::{Feed, Host};
use super::mailbox::Mailbox;
use super::message::{Event, RecvError};
use super::overflow::{Overflow, Place};
use super::remote::{Change, Line, Remote};
use crate::time::Clock;
use crate::wait::signal;

/// The reading end of a [`Bus`](crate::Bus) or a [`Topic`](crate::Topic). Dropping it unsubscribes.
///
/// | to wait in | call |
/// |---|---|
/// | a task, of any runtime | [`recv`](Self::recv), or the `Stream` that it is |
/// | a thread | [`recv_blocking`](Self::recv_blocking), [`iter_blocking`](Self::iter_blocking), [`listen_blocking`](Self::listen_blocking) |
/// | crossbeam's `select!` | [`forward_blocking`](Self::forward_blocking) from a thread: a channel of events; or without one [`ready`](Self::ready), a channel of signals, then [`try_recv`](Self::try_recv) |
/// | nowhere | [`try_recv`](Self::try_recv), [`try_recv_with`](Self::try_recv_with) |
///
/// ```
/// use larder::{Bus, Event};
/// use std::time::Duration;
///
/// let bus = Bus::new();
/// let mut news = bus.subscribe(["news", "sport"]);
/// bus.publish("sport", "1:0");
/// match news.recv_blocking(Duration::from_secs(1))? {
///     Event::Message(message) => assert_eq!(message.payload(), b"1:0"),
///     Event::Gap { missed } => println!("{missed} messages were lost"),
/// }
/// # Ok::<(), larder::RecvError>(())
/// ```
///
/// # Consistency
///
/// Messages of one publisher come in its order, those of one channel in the channel's order. Loss is an
/// [`Event::Gap`], never silence and never the end.
pub struct Subscription<T: Clone> {
    pub(super) feeds: Vec<Feed<T>>,
    mailbox: Option<Arc<Mailbox<T>>>,
    /// Retained messages, for the newcomer.
    replay: VecDeque<T>,
    pub(super) ended: Option<RecvError>,
    ready: Option<(Waker, Receiver<()>)>,
    pub(super) remote: Remote<T>,
    pub(super) clock: Clock,
}

impl<T: Clone> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("feeds", &self.feeds.len())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl<T: Clone> Unpin for Subscription<T> {}

impl<T: Clone> Subscription<T> {
    /// A subscription to nothing yet.
    pub(super) fn new(
        overflow: Overflow<T>,
        host: Option<Weak<dyn Host<T>>>,
        clock: Clock,
    ) -> Self {
        let mailbox = match &overflow.place {
            Place::Box(key) => Some(Arc::new(Mailbox::new(overflow.capacity, key.clone()))),
            Place::Ring(_) => None,
        };
        Subscription {
            feeds: Vec::new(),
            mailbox: mailbox.clone(),
            replay: VecDeque::new(),
            ended: None,
            ready: None,
            remote: Remote {
                line: Arc::new(Line::default()),
                overflow,
                mailbox,
                host,
            },
            clock,
        }
    }

    /// Reads a ring, too.
    pub(super) fn add(&mut self, feed: Feed<T>, retained: impl IntoIterator<Item = T>) {
        let is_there = feed.name().is_some() && self.feeds.iter().any(|f| f.name() == feed.name());
        if !is_there {
            self.feeds.push(feed);
            self.replay.extend(retained);
        }
    }

    pub(super) fn mailbox(&self) -> Option<&Arc<Mailbox<T>>> {
        self.mailbox.as_ref()
    }

    pub(super) fn overflow(&self) -> &Overflow<T> {
        &self.remote.overflow
    }

    pub(super) fn line(&self) -> &Arc<Line<T>> {
        &self.remote.line
    }

    /// A handle to stop or change it from outside.
    #[must_use]
    pub fn remote(&self) -> Remote<T> {
        self.remote.clone()
    }

    /// How many messages were superseded by later ones of their key; see [`Overflow::conflate`].
    #[must_use]
    pub fn conflated(&self) -> u64 {
        self.mailbox
            .as_ref()
            .map_or(0, |mailbox| mailbox.conflated())
    }

    /// Hands out what is there; never waits.
    ///
    /// ```
    /// use larder::{Event, RecvError, Topic};
    ///
    /// let topic = Topic::<u32>::new();
    /// let mut reader = topic.subscribe();
    /// assert_eq!(reader.try_recv(), Err(RecvError::Empty));
    /// topic.publish(7);
    /// assert_eq!(reader.try_recv(), Ok(Event::Message(7.into())));
    /// ```
    ///
    /// # Cost
    ///
    /// No lock; one clone of a message, which is a reference count or two: [`try_recv_with`](Self::try_recv_with) has none.
    ///
    /// # Errors
    ///
    /// [`RecvError::Empty`] if there is nothing for now; else why there will be no more.
    pub fn try_recv(&mut self) -> Result<Event<T>, RecvError> {
        self.try_recv_with(|event| event.map(T::clone))
    }

    /// Shows what is there to `look`, without a clone; never waits.
    ///
    /// ```
    /// let topic = larder::Topic::<String>::new();
    /// let mut reader = topic.subscribe();
    /// topic.publish("hello".to_owned());
    /// let length = reader.try_recv_with(|event| event.message().map(|text| text.len()));
    /// assert_eq!(length, Ok(Some(5)));
    /// ```
    ///
    /// # Cost
    ///
    /// No lock, no allocation, no reference count; one atomic exchange on a line of the reader's own.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv).
    #[inline]
    pub fn try_recv_with<R>(&mut self, look: impl FnOnce(Event<&T>) -> R) -> Result<R, RecvError> {
        let mut look = look;
        loop {
            match self.attempt(look) {
                Ok(result) => return Ok(result),
                Err((RecvError::Empty, back)) if self.rearm() => look = back,
                Err((error, _)) => {
                    // The end stays readable.
                    self.rearm();
                    return Err(error);
                }
            }
        }
    }

    /// Polls for the next event; shows it to what `look` holds, and takes that.
    pub(super) fn poll_recv_with<R, F: FnOnce(Event<&T>) -> R>(
        &mut self,
        context: &Context<'_>,
        look: &mut Option<F>,
    ) -> Poll<Result<R, RecvError>> {
        while let Some(function) = look.take() {
            match self.attempt(function) {
                Ok(result) => return Poll::Ready(Ok(result)),
                Err((RecvError::Empty, back)) => {
                    *look = Some(back);
                    if self.sleep(context.waker()) {
                        break;
                    }
                }
                Err((error, _)) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Pending
    }

    /// Waits for the next event, in a task of any runtime. Dropping the future loses nothing.
    ///
    /// ```
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let mut future = std::pin::pin!(future);
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     loop {
    /// #         if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) { return output }
    /// #     }
    /// # }
    /// let topic = larder::Topic::<u32>::new();
    /// let mut reader = topic.subscribe();
    /// topic.publish(7);
    /// let event = block_on(async { reader.recv().await });
    /// assert_eq!(event, Ok(larder::Event::Message(7.into())));
    /// ```
    ///
    /// # Errors
    ///
    /// Why there will be no more.
    pub async fn recv(&mut self) -> Result<Event<T>, RecvError> {
        poll_fn(|context| {
            let mut look = Some(|event: Event<&T>| event.map(T::clone));
            self.poll_recv_with(context, &mut look)
        })
        .await
    }

    /// A channel that becomes readable when there is something to receive, for crossbeam's `select!`.
    ///
    /// It carries signals, not messages, so that no message waits in a second queue. After a signal, call
    /// [`try_recv`](Self::try_recv) until it has nothing more; then the next signal can come.
    ///
    /// ```
    /// use crossbeam_channel::{after, select};
    /// use std::time::Duration;
    ///
    /// let bus = larder::Bus::new();
    /// let mut news = bus.subscribe(["news"]);
    /// let ready = news.ready();
    /// bus.publish("news", "hello");
    /// let mut seen = 0;
    /// select! {
    ///     recv(ready) -> _ => while news.try_recv().is_ok() { seen += 1 },
    ///     recv(after(Duration::from_secs(5))) -> _ => {}
    /// }
    /// assert_eq!(seen, 1);
    /// ```
    pub fn ready(&mut self) -> Receiver<()> {
        if self.ready.is_none() {
            self.ready = Some(signal());
        }
        self.rearm();
        self.ready
            .as_ref()
            .map_or_else(crossbeam_channel::never, |(_, ready)| ready.clone())
    }

    /// Makes the next event signal, if anybody waits for signals; `true` if there is one already.
    fn rearm(&mut self) -> bool {
        let Some((waker, _)) = self.ready.clone() else {
            return false;
        };
        let asleep = self.sleep(&waker);
        if !asleep {
            waker.wake();
        }
        !asleep && self.ended.is_none()
    }

    /// Hands the next event to `look`, or `look` back.
    #[inline]
    fn attempt<R, F: FnOnce(Event<&T>) -> R>(&mut self, look: F) -> Result<R, (RecvError, F)> {
        if self.remote.line.has_news() {
            self.settle();
        }
        if let Some(end) = self.ended {
            return Err((end, look));
        }
        if let Some(message) = self.replay.pop_front() {
            return Ok(look(Event::Message(&message)));
        }
        if let Some(event) = self.mailbox.as_ref().and_then(|mailbox| mailbox.take()) {
            return Ok(match &event {
                Event::Message(message) => look(Event::Message(message)),
                Event::Gap { missed } => look(Event::Gap { missed: *missed }),
            });
        }
        if let Some(place) = self.next_feed()
            && let Some(reader) = self.feeds[place].reader()
        {
            match reader.take() {
                Some(Event::Message(message)) => return Ok(look(Event::Message(message))),
                Some(Event::Gap { missed }) => {
                    if reader.is_cut_off() {
                        self.end(RecvError::Disconnected);
                    }
                    return Ok(look(Event::Gap { missed }));
                }
                None => {}
            }
        }
        if self.is_over() {
            self.end(RecvError::Closed);
            return Err((RecvError::Closed, look));
        }
        Err((RecvError::Empty, look))
    }

    /// The feed whose event is next; a single one without looking.
    #[inline]
    fn next_feed(&mut self) -> Option<usize> {
        if self.feeds.len() <= 1 {
            return self.feeds.len().checked_sub(1);
        }
        let mut first = self.earliest()?;
        loop {
            let again = self.earliest()?;
            if again == first {
                return Some(first);
            }
            first = again;
        }
    }

    /// The feed with the smallest stamp.
    fn earliest(&mut self) -> Option<usize> {
        let stamps = self
            .feeds
            .iter_mut()
            .enumerate()
            .filter_map(|(place, feed)| Some((feed.reader()?.peek()?, place)));
        stamps.min().map(|(_, place)| place)
    }

    /// Does what remotes asked for.
    #[cold]
    pub(super) fn settle(&mut self) {
        for change in self.remote.line.changes() {
            match change {
                Change::Add(feed, retained) => self.add(feed, retained),
                Change::Remove(name) => self.feeds.retain(|feed| feed.name() != Some(&name)),
            }
        }
        if self.remote.line.is_stopped() {
            self.end(RecvError::Stopped);
        }
    }

    fn end(&mut self, end: RecvError) {
        self.ended = Some(end);
        self.feeds.clear();
        self.replay.clear();
    }

    /// Whether nobody can publish any more.
    fn is_over(&mut self) -> bool {
        if self.feeds.is_empty() {
            let host = self.remote.host.as_ref();
            return host.is_some_and(|host| host.strong_count() == 0);
        }
        match &self.mailbox {
            Some(mailbox) => mailbox.is_closed(),
            None => self
                .feeds
                .iter_mut()
                .all(|feed| feed.reader().is_none_or(|reader| reader.is_at_end())),
        }
    }

    /// Files the waker wherever something may come from; `false` if there is something already.
    fn sleep(&mut self, waker: &Waker) -> bool {
        if self.ended.is_some() || !self.replay.is_empty() || !self.remote.line.sleep(waker) {
            return false;
        }
        let boxed = self
            .mailbox
            .as_ref()
            .is_none_or(|mailbox| mailbox.sleep(waker));
        boxed
            && self
                .feeds
                .iter_mut()
                .all(|feed| feed.reader().is_none_or(|reader| reader.sleep(waker)))
            && !self.is_over()
    }
}

impl<T: Clone> Stream for Subscription<T> {
    type Item = Event<T>;

    /// The next event; `None` when there will be no more.
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event<T>>> {
        let mut look = Some(|event: Event<&T>| event.map(T::clone));
        self.get_mut()
            .poll_recv_with(context, &mut look)
            .map(Result::ok)
    }
}
