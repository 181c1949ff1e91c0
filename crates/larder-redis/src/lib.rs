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
mod bridge;
mod clients;
mod commands;
mod databases;
mod db;
mod encoding;
mod fault;
mod group;
mod notify;
mod reply;
mod resp;
mod rows;
mod session;
mod table;

#[cfg(feature = "aio")]
pub use bridge::AsyncConnection;
pub use bridge::{Client, Connection};
pub use databases::Databases;
pub use fault::Fault;
pub use reply::Reply;
pub use resp::{Limits, Protocol, RespSession};
pub use session::Session;
