//! Redis' commands, and the `redis` crate, in the process: no server, no socket.
//!
//! * [`Session`] executes commands as a server's connection does: transactions, watched keys, databases.
//! * [`RespSession`] is the same behind bytes: RESP2 and RESP3, without any input or output of its own.
//! * [`Client`] gives connections for code that is written against the `redis` crate; by URL, so that one line of
//!   configuration moves it to a real server.
//!
//! ```
//! use redis::Commands;
//!
//! let client = larder_redis::Client::open("larder://docs")?;
//! let mut con = client.get_connection()?;
//! let hits: i64 = con.incr("hits", 1)?;
//! assert_eq!(hits, 1);
//! # Ok::<(), redis::RedisError>(())
//! ```
//!
//! What each command does, and where it differs from a server, is in `COMMANDS.md` beside this crate's sources.

#![forbid(unsafe_code)]

mod args;
mod clients;
mod commands;
mod databases;
mod db;
mod encoding;
mod fault;
mod group;
mod named;
mod notify;
mod reply;
mod resp;
mod rows;
mod session;
mod table;

pub use databases::Databases;
pub use fault::Fault;
#[cfg(feature = "aio")]
pub use redis1::bridge::AsyncConnection;
pub use redis1::bridge::{Client, Connection};
pub use reply::Reply;
pub use resp::{Limits, Protocol, RespSession};
pub use session::Session;

/// The bridge for the `redis` crate of this major version.
#[path = "."]
mod redis1 {
    use ::redis;

    #[path = "bridge/mod.rs"]
    pub(crate) mod bridge;
}

/// The same connections for the coming major version of the `redis` crate, of which there are release candidates.
///
/// Under a name, `larder://name`, clients of both versions find the same databases.
///
/// ```
/// use redis2::Commands;
///
/// let client = larder_redis::redis2::Client::open("larder://")?;
/// let mut con = client.get_connection()?;
/// let hits: i64 = con.incr("hits", 1)?;
/// assert_eq!(hits, 1);
/// # Ok::<(), redis2::RedisError>(())
/// ```
#[cfg(feature = "redis-2")]
#[path = "."]
pub mod redis2 {
    use ::redis2 as redis;

    #[expect(
        clippy::duplicate_mod,
        reason = "one source for both versions of the crate"
    )]
    #[path = "bridge/mod.rs"]
    mod bridge;

    #[cfg(feature = "aio")]
    pub use bridge::AsyncConnection;
    pub use bridge::{Client, Connection};
}
