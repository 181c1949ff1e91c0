//! `Connection`: the `redis` crate's blocking connection, over a session instead of a socket.

use super::redis;
use super::redis::{
    Cmd, ConnectionLike, ControlFlow, ErrorKind, Msg, PubSubCommands, RedisError, RedisResult,
    ToRedisArgs, Value,
};
use larder::Event;

use super::values::{pipelined, run, run_packed, value};
use crate::commands::pubsub::{is_held_back, listener, push};
use crate::session::Session;

/// In this process, or to a server.
enum Way {
    Here(Box<Session>),
    There(Box<redis::Connection>),
}

/// A connection that takes the calls of `redis::Commands`, pipelines and transactions.
///
/// ```
/// use redis::Commands;
///
/// let mut con = larder_redis::Client::open("larder://")?.get_connection()?;
/// let (a, b): (i64, i64) = redis::pipe().atomic().incr("a", 1).incr("b", 2).query(&mut con)?;
/// assert_eq!((a, b), (1, 2));
/// assert_eq!(con.mget::<_, Vec<i64>>(&["a", "b"])?, [1, 2]);
/// # Ok::<(), redis::RedisError>(())
/// ```
///
/// Replies have the shapes of RESP2 until `HELLO 3` is sent, as with a server. Scripts are not run: EVAL is refused
/// with an error that says so.
#[must_use]
pub struct Connection(Way);

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) fn here(session: Session) -> Self {
        Connection(Way::Here(Box::new(session)))
    }

    pub(super) fn there(connection: redis::Connection) -> Self {
        Connection(Way::There(Box::new(connection)))
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command(&mut self, cmd: &[u8]) -> RedisResult<Value> {
        match &mut self.0 {
            Way::There(connection) => connection.req_packed_command(cmd),
            Way::Here(session) => {
                let replies = match run_packed(session, cmd) {
                    Ok(replies) => replies,
                    Err(fault) => vec![crate::reply::Reply::Error(fault)],
                };
                let last = replies.into_iter().next_back();
                Ok(last.map_or(Value::Nil, |reply| value(reply, session.protocol())))
            }
        }
    }

    fn req_packed_commands(
        &mut self,
        cmd: &[u8],
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        match &mut self.0 {
            Way::There(connection) => connection.req_packed_commands(cmd, offset, count),
            Way::Here(session) => {
                let replies = run_packed(session, cmd)
                    .unwrap_or_else(|fault| vec![crate::reply::Reply::Error(fault)]);
                pipelined(replies, offset, session.protocol())
            }
        }
    }

    fn req_command(&mut self, cmd: &Cmd) -> RedisResult<Value> {
        match &mut self.0 {
            Way::There(connection) => connection.req_command(cmd),
            Way::Here(session) => Ok(run(session, cmd)),
        }
    }

    fn get_db(&self) -> i64 {
        match &self.0 {
            Way::There(connection) => connection.get_db(),
            Way::Here(session) => i64::try_from(session.database()).unwrap_or(i64::MAX),
        }
    }

    fn check_connection(&mut self) -> bool {
        match &mut self.0 {
            Way::There(connection) => connection.check_connection(),
            Way::Here(session) => !session.is_closed(),
        }
    }

    fn is_open(&self) -> bool {
        match &self.0 {
            Way::There(connection) => connection.is_open(),
            Way::Here(session) => !session.is_closed(),
        }
    }
}

impl Connection {
    /// Calls back for each message of what it listens to.
    fn listen<U>(
        session: &mut Session,
        listen: &'static str,
        names: impl ToRedisArgs,
        mut work: impl FnMut(Msg) -> ControlFlow<U>,
    ) -> RedisResult<U> {
        let words = names.to_redis_args();
        let mut listener = listener(session.databases.bus());
        match listen {
            "PSUBSCRIBE" => listener.psubscribe(words),
            _ => listener.subscribe(words),
        }
        loop {
            let closed = || RedisError::from((ErrorKind::Io, "too many messages were left unread"));
            let Ok(Event::Message(message)) = listener.recv_blocking(None) else {
                return Err(closed());
            };
            if is_held_back(session.databases(), &message) {
                continue;
            }
            let message = value(push(&message), session.protocol());
            let message = Msg::from_owned_value(message).ok_or_else(closed)?;
            if let ControlFlow::Break(result) = work(message) {
                return Ok(result);
            }
        }
    }
}

impl PubSubCommands for Connection {
    fn subscribe<C, F, U>(&mut self, channels: C, work: F) -> RedisResult<U>
    where
        F: FnMut(Msg) -> ControlFlow<U>,
        C: ToRedisArgs,
    {
        match &mut self.0 {
            Way::There(connection) => connection.subscribe(channels, work),
            Way::Here(session) => Self::listen(session, "SUBSCRIBE", channels, work),
        }
    }

    fn psubscribe<P, F, U>(&mut self, patterns: P, work: F) -> RedisResult<U>
    where
        F: FnMut(Msg) -> ControlFlow<U>,
        P: ToRedisArgs,
    {
        match &mut self.0 {
            Way::There(connection) => connection.psubscribe(patterns, work),
            Way::Here(session) => Self::listen(session, "PSUBSCRIBE", patterns, work),
        }
    }
}
