//! Publishing: SUBSCRIBE, PUBLISH, PUBSUB and what is like them.

use larder::{Bus, Event, Glob, Message, Overflow, RecvError, Subscription};

use super::{exactly, unfit_subcommand, unknown_subcommand};
use crate::args::{Args, Outcome, is};
use crate::databases::Databases;
use crate::reply::Reply;
use crate::session::Session;

/// Messages that a session may leave unread; with one more it is closed, as a server closes a slow client.
const UNREAD: usize = 1 << 16;

/// A channel or a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Channel,
    Pattern,
}

impl Kind {
    /// PSUBSCRIBE and PUNSUBSCRIBE are of patterns.
    fn of(args: &Args<'_>) -> Self {
        if args.name().starts_with('p') {
            Kind::Pattern
        } else {
            Kind::Channel
        }
    }
}

/// A subscription to nothing yet.
pub(crate) fn listener(bus: &Bus) -> Subscription<Message> {
    let none: [&[u8]; 0] = [];
    bus.subscribe_with(none, Overflow::disconnect(UNREAD))
        .expect("the capacity is within its bounds")
}

/// Whether it is a keyspace event of a class that is not switched on.
pub(crate) fn is_held_back(databases: &Databases, message: &Message) -> bool {
    let notified = databases.notified();
    !notified.admits(message.channel(), message.payload())
}

/// A message as a client sees it.
pub(crate) fn push(message: &Message) -> Reply {
    let (channel, payload) = (message.channel(), message.payload());
    Reply::Push(match message.pattern() {
        Some(pattern) => [&b"pmessage"[..], pattern, channel, payload]
            .map(Reply::bulk)
            .into(),
        None => [b"message", channel, payload].map(Reply::bulk).into(),
    })
}

impl Session {
    /// How many channels and patterns the session listens to.
    pub(crate) fn listens_to(&self) -> usize {
        let listener = self.listener.as_ref();
        listener.map_or(0, |it| it.channels().len() + it.patterns().len())
    }

    /// The next message of the channels and patterns that the session has subscribed to, if one is there.
    ///
    /// ```
    /// use larder_redis::{Databases, Reply, Session};
    ///
    /// let databases = Databases::default();
    /// let (mut reader, mut writer) = (Session::of(&databases), Session::of(&databases));
    /// reader.execute(&[b"SUBSCRIBE", b"news"]);
    /// assert_eq!(writer.execute(&[b"PUBLISH", b"news", b"hello"]), Reply::Int(1));
    /// assert!(matches!(reader.take_push(), Some(Reply::Push(_))));
    /// assert_eq!(reader.take_push(), None);
    /// ```
    ///
    /// # Consistency
    ///
    /// A session that leaves 65,536 messages of a channel unread is closed.
    pub fn take_push(&mut self) -> Option<Reply> {
        let listener = self.listener.as_mut()?;
        loop {
            match listener.try_recv() {
                Ok(Event::Message(message)) if is_held_back(&self.databases, &message) => {}
                Ok(Event::Message(message)) => return Some(push(&message)),
                Err(RecvError::Empty) => return None,
                _ => {
                    self.closed = true;
                    return None;
                }
            }
        }
    }

    /// The next message, when one is there; never, where the session listens to nothing.
    #[cfg(feature = "aio")]
    pub(crate) async fn next_push(&mut self) -> Option<Reply> {
        let Some(listener) = self.listener.as_mut() else {
            return std::future::pending().await;
        };
        loop {
            match listener.recv().await {
                Ok(Event::Message(message)) if is_held_back(&self.databases, &message) => {}
                Ok(Event::Message(message)) => return Some(push(&message)),
                _ => {
                    self.closed = true;
                    return None;
                }
            }
        }
    }
}

/// What is told of a change: its name, the channel or pattern, and how many are left.
fn told(args: &Args<'_>, name: Reply, left: usize) -> Reply {
    Reply::Push(vec![Reply::bulk(args.name()), name, Reply::count(left)])
}

/// SUBSCRIBE and PSUBSCRIBE.
pub(crate) fn subscribe(session: &mut Session, args: Args<'_>) -> Outcome {
    let kind = Kind::of(&args);
    let mut replies = Vec::new();
    for name in args.rest() {
        let bus = session.databases.bus();
        let listener = session.listener.get_or_insert_with(|| listener(bus));
        match kind {
            Kind::Channel => listener.subscribe([name]),
            Kind::Pattern => listener.psubscribe([name]),
        }
        replies.push(told(&args, Reply::bulk(*name), session.listens_to()));
    }
    Ok(Reply::Several(replies))
}

/// UNSUBSCRIBE and PUNSUBSCRIBE; without a name, from all. What was unread is told first.
pub(crate) fn unsubscribe(session: &mut Session, args: Args<'_>) -> Outcome {
    let kind = Kind::of(&args);
    let mut replies: Vec<Reply> = std::iter::from_fn(|| session.take_push()).collect();
    let mut names: Vec<Vec<u8>> = args.rest().iter().map(|name| name.to_vec()).collect();
    if let (true, Some(listener)) = (names.is_empty(), &session.listener) {
        let all = match kind {
            Kind::Channel => listener.channels(),
            Kind::Pattern => listener.patterns(),
        };
        names.extend(all.iter().map(|name| name.to_vec()));
    }
    if names.is_empty() {
        replies.push(told(&args, Reply::Null, session.listens_to()));
    }
    for name in names {
        if let Some(listener) = &mut session.listener {
            match kind {
                Kind::Channel => listener.unsubscribe([&name]),
                Kind::Pattern => listener.punsubscribe([&name]),
            }
        }
        replies.push(told(&args, Reply::Bulk(name), session.listens_to()));
    }
    Ok(Reply::Several(replies))
}

pub(crate) fn publish(session: &mut Session, mut args: Args<'_>) -> Outcome {
    let (channel, payload) = (args.take()?, args.take()?);
    let delivery = session.databases.bus().publish(channel, payload);
    Ok(Reply::Int(
        i64::try_from(delivery.received).unwrap_or(i64::MAX),
    ))
}

pub(crate) fn pubsub(session: &mut Session, mut args: Args<'_>) -> Outcome {
    let bus = session.databases.bus();
    let word = args.take()?;
    if is(word, "CHANNELS") {
        if args.left() > 1 {
            return Err(unfit_subcommand(args));
        }
        let glob = args.peek().map(Glob::new);
        let mut channels = bus.channels();
        channels.retain(|name| glob.as_ref().is_none_or(|glob| glob.matches(name)));
        return Ok(Reply::bulks(channels.iter().map(|name| name.to_vec())));
    }
    if is(word, "NUMSUB") {
        let subscribers = |name: &&[u8]| {
            let count = i64::try_from(bus.subscribers(name)).unwrap_or(i64::MAX);
            [Reply::bulk(*name), Reply::Int(count)]
        };
        return Ok(Reply::Array(
            args.rest().iter().flat_map(subscribers).collect(),
        ));
    }
    if is(word, "NUMPAT") {
        exactly(args, 2)?;
        return Ok(Reply::count(bus.patterns().len()));
    }
    Err(unknown_subcommand(args))
}
