//! `RespSession`: a session behind bytes.

use super::decode::{Decoder, Limits};
use super::encode::encode;
use crate::reply::Reply;
use crate::session::Session;

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
    /// O(bytes) and the commands.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.closed {
            return;
        }
        self.decoder.feed(bytes);
        while !self.closed {
            let session = &mut self.session;
            match self.decoder.next(|words| session.execute(words)) {
                Ok(None) => return,
                Ok(Some(reply)) => encode(&reply, session.protocol(), out),
                Err(fault) => {
                    encode(&Reply::Error(fault), session.protocol(), out);
                    self.closed = true;
                }
            }
            self.closed |= self.session.is_closed();
        }
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
