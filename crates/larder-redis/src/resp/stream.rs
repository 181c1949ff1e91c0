//! `RespSession`: a session behind bytes.

use super::decode::{Decoder, Limits};
use super::encode::encode;
use crate::reply::Reply;
use crate::session::{Session, Step};

/// A [`Session`] that is fed with the bytes a client sends, and says what bytes the client is to receive.
///
/// It neither reads nor writes anything itself: put it behind a pipe, a socket of yours, or a test.
///
/// ```
/// use larder_redis::{RespSession, Session};
///
/// let mut session = RespSession::new(Session::new(larder::Store::new()));
/// let mut out = Vec::new();
/// session.feed(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\nGET ", &mut out);
/// assert_eq!(out, b"+OK\r\n");
/// session.feed(b"k\r\n", &mut out);
/// assert_eq!(out, b"+OK\r\n$1\r\nv\r\n");
/// ```
#[derive(Debug)]
pub struct RespSession {
    session: Session,
    decoder: Decoder,
    closed: bool,
}

impl RespSession {
    /// A session with the limits of a server.
    ///
    /// ```
    /// let session = larder_redis::Session::new(larder::Store::new());
    /// assert!(!larder_redis::RespSession::new(session).is_closed());
    /// ```
    #[must_use]
    pub fn new(session: Session) -> Self {
        Self::with_limits(session, Limits::default())
    }

    /// A session whose requests are bounded otherwise.
    ///
    /// ```
    /// use larder_redis::{Limits, RespSession, Session};
    ///
    /// let limits = Limits::default().words(2);
    /// let mut session = RespSession::with_limits(Session::new(larder::Store::new()), limits);
    /// session.feed(b"*3\r\n", &mut Vec::new());
    /// assert!(session.is_closed());
    /// ```
    #[must_use]
    pub fn with_limits(session: Session, limits: Limits) -> Self {
        RespSession {
            session,
            decoder: Decoder::new(limits),
            closed: false,
        }
    }

    /// Takes in bytes, runs the requests that are whole, and appends their replies to `out`.
    ///
    /// Bytes that break the protocol are answered with an error and end the session; what comes later is ignored.
    ///
    /// ```
    /// let mut session = larder_redis::RespSession::new(larder_redis::Session::new(larder::Store::new()));
    /// let mut out = Vec::new();
    /// session.feed(b"PING\r\n", &mut out);
    /// assert_eq!(out, b"+PONG\r\n");
    /// ```
    ///
    /// # Cost
    ///
    /// O(bytes) and the commands; one that waits parks the thread.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.take_in(bytes);
        while let Some(step) = self.step(out) {
            let reply = match step {
                Step::Done(reply) => reply,
                Step::Wait(wait) => wait.park().into(),
            };
            self.answer(&reply, out);
        }
    }

    /// Appends the messages that have arrived for the session's subscriptions.
    ///
    /// ```
    /// use larder_redis::{Databases, RespSession, Session};
    ///
    /// let databases = Databases::default();
    /// let mut reader = RespSession::new(Session::of(&databases));
    /// reader.feed(b"SUBSCRIBE news\r\n", &mut Vec::new());
    /// databases.bus().publish("news", "hello");
    /// let mut out = Vec::new();
    /// reader.pushes(&mut out);
    /// assert_eq!(out, b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n");
    /// ```
    pub fn pushes(&mut self, out: &mut Vec<u8>) {
        while let Some(push) = self.session.take_push() {
            self.answer(&push, out);
        }
    }

    /// Takes in bytes.
    pub(crate) fn take_in(&mut self, bytes: &[u8]) {
        if !self.closed {
            self.decoder.feed(bytes);
        }
    }

    /// Runs the next request that is whole; who calls gives the answer.
    pub(crate) fn step(&mut self, out: &mut Vec<u8>) -> Option<Step> {
        if self.closed {
            return None;
        }
        let session = &mut self.session;
        match self.decoder.next(|words| session.start(words)) {
            Ok(step) => step,
            Err(fault) => {
                self.answer(&Reply::Error(fault), out);
                self.closed = true;
                None
            }
        }
    }

    /// The next message, when one is there.
    #[cfg(feature = "aio")]
    pub(crate) async fn next_push(&mut self) -> Option<Reply> {
        self.session.next_push().await
    }

    /// Appends a reply.
    pub(crate) fn answer(&mut self, reply: &Reply, out: &mut Vec<u8>) {
        encode(reply, self.session.protocol(), out);
        self.closed |= self.session.is_closed();
    }

    /// Whether the session has ended: after QUIT, or bytes that broke the protocol.
    ///
    /// ```
    /// let mut session = larder_redis::RespSession::new(larder_redis::Session::new(larder::Store::new()));
    /// session.feed(b"QUIT\r\n", &mut Vec::new());
    /// assert!(session.is_closed());
    /// ```
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }
}
