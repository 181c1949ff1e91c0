//! The code of `redis_rs.rs`, unchanged, against the release candidate of the `redis` crate's next major version.

// What that file calls by the names of today is that of tomorrow here.
extern crate larder_redis as bridge;
extern crate redis2 as redis;
extern crate self as larder_redis;

pub use bridge::redis2::{Client, Connection};

#[path = "redis_rs.rs"]
mod unchanged;
