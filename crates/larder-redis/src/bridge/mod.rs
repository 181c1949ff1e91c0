//! What code that is written against the `redis` crate takes in place of its client and connections.

#[cfg(feature = "aio")]
mod aio;
mod client;
mod connection;
#[cfg(feature = "aio")]
mod pipe;
mod values;

#[cfg(feature = "aio")]
pub use aio::AsyncConnection;
pub use client::Client;
pub use connection::Connection;
