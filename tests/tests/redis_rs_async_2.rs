//! The code of `redis_rs_async.rs`, unchanged, against the release candidate of the `redis` crate's next major version.

// What that file calls by the names of today is that of tomorrow here.
extern crate larder_redis as bridge;
extern crate redis2 as redis;
extern crate self as larder_redis;

pub use bridge::redis2::{AsyncConnection, Client};

#[path = "redis_rs_async.rs"]
mod unchanged;
