//! The `redis` crate's own asynchronous connections, over a pipe in memory whose other end is a session.
//!
//! For code that names `redis::aio::MultiplexedConnection`. Every command is written, read, and its reply parsed, as over
//! a socket: some ten times what [`AsyncConnection`](crate::AsyncConnection) costs.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use super::redis::aio::{MultiplexedConnection, PubSub};
use super::redis::{AsyncConnectionConfig, ConnectionInfo, IntoConnectionInfo, RedisResult};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::aio::finish;
use super::client::Client;
use crate::reply::Reply;
use crate::resp::RespSession;
use crate::session::Step;

/// Bytes that the pipe holds in one direction; more make the writer wait.
const PIPE: usize = 64 << 10;
/// Bytes that are taken in while a command waits. Behind more of them it is not seen any more that the other end was dropped.
const AHEAD: usize = 1 << 20;

impl Client {
    /// The `redis` crate's multiplexed connection, to this client's databases. It must be made inside a tokio runtime,
    /// which runs both ends of the pipe until the last clone is dropped.
    ///
    /// ```
    /// use redis::AsyncCommands;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    /// # runtime.block_on(async {
    /// let client = larder_redis::Client::open("larder://")?;
    /// let mut con = client.get_multiplexed_async_connection().await?;
    /// let hits: i64 = con.incr("hits", 1).await?;
    /// assert_eq!(hits, 1);
    /// # Ok::<(), redis::RedisError>(())
    /// # })?;
    /// # Ok::<(), redis::RedisError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the `redis` crate says.
    pub async fn get_multiplexed_async_connection(&self) -> RedisResult<MultiplexedConnection> {
        if let Some(server) = self.server() {
            return server.get_multiplexed_async_connection().await;
        }
        let (near, info) = self.pipe()?;
        let config = AsyncConnectionConfig::new();
        let (connection, driver) =
            MultiplexedConnection::new_with_config(info.redis_settings(), near, config).await?;
        tokio::spawn(driver);
        Ok(connection)
    }

    /// The `redis` crate's subscriber, to what is published on this client's databases. It must be made inside a tokio
    /// runtime.
    ///
    /// ```
    /// use redis::AsyncCommands;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    /// # runtime.block_on(async {
    /// let client = larder_redis::Client::open("larder://")?;
    /// let mut news = client.get_async_pubsub().await?;
    /// news.subscribe("news").await?;
    /// let readers: i64 = client.get_async_connection().await?.publish("news", "hello").await?;
    /// assert_eq!(readers, 1);
    /// # Ok::<(), redis::RedisError>(())
    /// # })?;
    /// # Ok::<(), redis::RedisError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the `redis` crate says.
    pub async fn get_async_pubsub(&self) -> RedisResult<PubSub> {
        if let Some(server) = self.server() {
            return server.get_async_pubsub().await;
        }
        let (near, info) = self.pipe()?;
        PubSub::new(info.redis_settings(), near).await
    }

    /// The near end of a pipe whose far end is a new session.
    fn pipe(&self) -> RedisResult<(DuplexStream, ConnectionInfo)> {
        let (near, far) = tokio::io::duplex(PIPE);
        tokio::spawn(serve(RespSession::new(self.session()?), far));
        // Only the database and the protocol are read of it; the session has the first already.
        Ok((near, "redis://larder".into_connection_info()?))
    }
}

/// What a session behind a pipe waits for.
enum Arrived {
    /// So many bytes; none when the pipe was closed.
    Bytes(usize),
    /// A message of a channel; none when the session was too slow.
    Push(Option<Reply>),
}

/// What is first while a command waits: its reply, or so many bytes.
enum Next {
    Reply(Reply),
    Bytes(usize),
}

/// Waits for bytes or for a message, whichever is first. Neither is lost with the other's wait.
async fn arrived(session: &mut RespSession, pipe: &mut DuplexStream, read: &mut [u8]) -> Arrived {
    let (mut bytes, mut push) = (pin!(pipe.read(read)), pin!(session.next_push()));
    poll_fn(|context| {
        if let Poll::Ready(length) = bytes.as_mut().poll(context) {
            return Poll::Ready(Arrived::Bytes(length.unwrap_or(0)));
        }
        push.as_mut().poll(context).map(Arrived::Push)
    })
    .await
}

/// The reply of a command; `None` if the other end was dropped while it waited, and then nothing was taken for it. What
/// the other end sends meanwhile is taken in.
async fn reply_of(
    step: Step,
    session: &mut RespSession,
    pipe: &mut DuplexStream,
    read: &mut [u8],
) -> Option<Reply> {
    let (mut reply, mut ahead) = (pin!(finish(step)), 0);
    while ahead < AHEAD {
        let mut bytes = pin!(pipe.read(read));
        let next = poll_fn(|context| {
            if let Poll::Ready(reply) = reply.as_mut().poll(context) {
                return Poll::Ready(Next::Reply(reply));
            }
            let length = bytes.as_mut().poll(context);
            length.map(|length| Next::Bytes(length.unwrap_or(0)))
        });
        match next.await {
            Next::Reply(reply) => return Some(reply),
            Next::Bytes(0) => return None,
            Next::Bytes(length) => {
                session.take_in(&read[..length]);
                ahead += length;
            }
        }
    }
    Some(reply.await)
}

/// Writes what is to be sent.
async fn send(pipe: &mut DuplexStream, out: &mut Vec<u8>) -> std::io::Result<()> {
    pipe.write_all(out).await?;
    out.clear();
    Ok(())
}

/// Feeds the session from the pipe until either ends.
async fn serve(mut session: RespSession, mut pipe: DuplexStream) {
    let mut read = vec![0; PIPE];
    let mut out = Vec::new();
    while !session.is_closed() {
        match arrived(&mut session, &mut pipe, &mut read).await {
            Arrived::Bytes(0) | Arrived::Push(None) => return,
            Arrived::Push(Some(push)) => session.answer(&push, &mut out),
            Arrived::Bytes(length) => {
                session.take_in(&read[..length]);
                while let Some(step) = session.step(&mut out) {
                    // Who asked before is not to wait with it.
                    let waits = matches!(step, Step::Wait(_));
                    if waits && send(&mut pipe, &mut out).await.is_err() {
                        return;
                    }
                    let reply = reply_of(step, &mut session, &mut pipe, &mut read).await;
                    let Some(reply) = reply else {
                        return;
                    };
                    session.answer(&reply, &mut out);
                }
            }
        }
        if send(&mut pipe, &mut out).await.is_err() {
            return;
        }
    }
}
