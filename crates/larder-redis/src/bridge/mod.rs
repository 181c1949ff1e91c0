//! What code that is written against the `redis` crate takes in place of its client and connections.
//!
//! These files are compiled once for each major version of that crate: they name it as their parent's parent does.

#[cfg(feature = "aio")]
mod aio;
mod client;
mod connection;
#[cfg(feature = "aio")]
mod pipe;
mod values;

use super::redis;

#[cfg(feature = "aio")]
pub use aio::AsyncConnection;
pub use client::Client;
pub use connection::Connection;
