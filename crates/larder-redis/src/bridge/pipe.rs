//! The `redis` crate's own asynchronous connections, over a pipe in memory whose other end is a session.
//!
//! For code that names `redis::aio::MultiplexedConnection`. Every command is written, read, and its reply parsed, as over
//! a socket: some ten times what [`AsyncConnection`](crate::AsyncConnection) costs.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, IntoConnectionInfo, RedisResult};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::client::Client;
use crate::resp::RespSession;

/// Bytes that the pipe holds in one direction; more make the writer wait.
const PIPE: usize = 64 << 10;

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
        let (near, far) = tokio::io::duplex(PIPE);
        tokio::spawn(serve(RespSession::new(self.session()?), far));
        // Only the database and the protocol are read of it; the session has the first already.
        let info = "redis://larder".into_connection_info()?;
        let config = AsyncConnectionConfig::new();
        let (connection, driver) =
            MultiplexedConnection::new_with_config(info.redis_settings(), near, config).await?;
        tokio::spawn(driver);
        Ok(connection)
    }
}

/// Feeds the session from the pipe until either ends.
async fn serve(mut session: RespSession, mut pipe: DuplexStream) {
    let mut read = vec![0; PIPE];
    let mut out = Vec::new();
    while !session.is_closed() {
        let Ok(length @ 1..) = pipe.read(&mut read).await else {
            return;
        };
        session.feed(&read[..length], &mut out);
        if pipe.write_all(&out).await.is_err() {
            return;
        }
        out.clear();
    }
}
