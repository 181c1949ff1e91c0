//! `AsyncConnection`: the `redis` crate's asynchronous connection, over a session instead of a socket.

use std::sync::Arc;

use super::redis;
use super::redis::aio::ConnectionLike;
use super::redis::{Cmd, Pipeline, RedisFuture, RedisResult, Value};
use parking_lot::Mutex;

use super::client::Client;
use super::values::{pipelined, run_packed, start, value};
use crate::commands::waiting::Want;
use crate::reply::Reply;
use crate::session::{Session, Step};

/// In this process, or to a server.
#[derive(Clone)]
enum Way {
    Here(Arc<Mutex<Session>>),
    There(redis::aio::MultiplexedConnection),
}

/// A connection that takes the calls of `redis::AsyncCommands`, pipelines and transactions. Clones share its session,
/// as clones of the `redis` crate's own connection share a socket; a session of its own comes from the client.
///
/// Commands run when the future is first polled. The lock of the session is held while one runs, never across an await:
/// while one clone waits for an element (BLPOP), the others go on. Only a wait with a time needs tokio's clock.
/// A command in a pipeline that waits parks the thread.
///
/// ```
/// use redis::AsyncCommands;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
/// # runtime.block_on(async {
/// let client = larder_redis::Client::open("larder://")?;
/// let mut con = client.get_async_connection().await?;
/// let hits: i64 = con.incr("hits", 1).await?;
/// assert_eq!(hits, 1);
/// # Ok::<(), redis::RedisError>(())
/// # })?;
/// # Ok::<(), redis::RedisError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct AsyncConnection(Way);

impl std::fmt::Debug for AsyncConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AsyncConnection").finish_non_exhaustive()
    }
}

impl Client {
    /// A new asynchronous connection, with a session of its own.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    /// # runtime.block_on(async {
    /// let client = larder_redis::Client::from(larder::Store::new());
    /// let mut con = client.get_async_connection().await?;
    /// let pong: String = redis::cmd("PING").query_async(&mut con).await?;
    /// assert_eq!(pong, "PONG");
    /// # Ok::<(), redis::RedisError>(())
    /// # })?;
    /// # Ok::<(), redis::RedisError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// None in this process; what the `redis` crate says when it connects to a server.
    pub async fn get_async_connection(&self) -> RedisResult<AsyncConnection> {
        Ok(AsyncConnection(match self.server() {
            Some(server) => Way::There(server.get_multiplexed_async_connection().await?),
            None => Way::Here(Arc::new(Mutex::new(self.session()?))),
        }))
    }
}

/// Runs `work` on the session.
#[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
fn with<R>(session: &Mutex<Session>, work: impl FnOnce(&mut Session) -> R) -> R {
    work(&mut session.lock())
}

/// The reply of a command, after a wait where it has one. Nothing is held meanwhile; what arrives for a future that was
/// dropped goes to the next.
pub(super) async fn finish(step: Step) -> Reply {
    let wait = match step {
        Step::Done(reply) => return reply,
        Step::Wait(wait) => wait,
    };
    let Some(time) = wait.time() else {
        return wait.arrive().await.into();
    };
    match tokio::time::timeout(time, wait.arrive()).await {
        Ok(outcome) => outcome.into(),
        Err(_) => Want::nothing(),
    }
}

/// Executes a pipeline's commands one after the other under one hold of the session, so that clones stay out of it.
fn run_all(session: &mut Session, pipeline: &Pipeline, offset: usize) -> RedisResult<Vec<Value>> {
    let packed = pipeline.get_packed_pipeline();
    let replies = run_packed(session, &packed).unwrap_or_else(|fault| vec![Reply::Error(fault)]);
    pipelined(replies, offset, session.protocol())
}

impl ConnectionLike for AsyncConnection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match &mut self.0 {
            Way::There(connection) => connection.req_packed_command(cmd),
            Way::Here(session) => Box::pin(async move {
                let step = with(session, |session| start(session, cmd));
                let reply = finish(step).await;
                let protocol = with(session, |session| session.protocol());
                Ok(value(reply, protocol))
            }),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match &mut self.0 {
            Way::There(connection) => connection.req_packed_commands(pipeline, offset, count),
            Way::Here(session) => {
                Box::pin(async move { with(session, |session| run_all(session, pipeline, offset)) })
            }
        }
    }

    fn get_db(&self) -> i64 {
        match &self.0 {
            Way::There(connection) => connection.get_db(),
            Way::Here(session) => {
                let number = with(session, |session| session.database());
                i64::try_from(number).unwrap_or(i64::MAX)
            }
        }
    }
}
