//! Commands on hashes.

use crate::draw::{Draw, Words};

const LINES: &[&str] = &[
    "HSET {k} {e} {v}",
    "HSET {k} {e} {v} {e} {v} {e} {i}",
    "HSET {k} {e}",
    "HMSET {k} {e} {v} {e} {i}",
    "HSETNX {k} {e} {v}",
    "HGET {k} {e}",
    "HMGET {k} {e} {e} {e}",
    "HGETALL {k}",
    "HKEYS {k}",
    "HVALS {k}",
    "HLEN {k}",
    "HEXISTS {k} {e}",
    "HSTRLEN {k} {e}",
    "HDEL {k} {e}",
    "HDEL {k} {e} {e} {e}",
    "HINCRBY {k} {e} {i}",
    "HINCRBYFLOAT {k} {e} 0.25",
    "HINCRBYFLOAT {k} {e} {i}",
    "HRANDFIELD {k} 100",
    "HRANDFIELD {k} 0",
    "HRANDFIELD {k} 100 WITHVALUES",
    "HRANDFIELD {k} 5 BOGUS",
    "HSCAN {k} 0",
    "HSCAN {k} 0 MATCH e[1-3] COUNT 100",
    "HSCAN {k} abc",
    "HSCAN {k} 0 COUNT 0",
    "HSCAN {k} 0 BOGUS",
    "SET {k} {v}",
    "DEL {k}",
    "EXPIREAT {k} 33177117420",
    "EXPIRETIME {k}",
    "TYPE {k}",
    "RENAME {k} {k}",
    "COPY {k} {k} REPLACE",
];

pub(crate) fn command(draw: &mut Draw) -> Words {
    draw.line(LINES)
}
