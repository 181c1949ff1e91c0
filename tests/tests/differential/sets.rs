//! Commands on sets.

use crate::draw::{Draw, Words};

const LINES: &[&str] = &[
    "SADD {k} {e}",
    "SADD {k} {e} {e} {v}",
    "SADD {k} {s} {s} {s} {s}",
    "SREM {k} {e} {e}",
    "SREM {k} {s}",
    "SCARD {k}",
    "SISMEMBER {k} {e}",
    "SMISMEMBER {k} {e} {s} {e}",
    "SMEMBERS {k}",
    "SMOVE {k} {k} {e}",
    "SPOP {k} 1000",
    "SPOP {k} 0",
    "SPOP {k} -1",
    "SRANDMEMBER {k} 1000",
    "SRANDMEMBER {k} 0",
    "SRANDMEMBER {k} {o} {s}",
    "SINTER {k} {k}",
    "SUNION {k} {k} {k}",
    "SDIFF {k} {k}",
    "SINTERSTORE {k} {k} {k}",
    "SUNIONSTORE {k} {k} {k}",
    "SDIFFSTORE {k} {k} {k}",
    "SINTERCARD 2 {k} {k}",
    "SINTERCARD 2 {k} {k} LIMIT {s}",
    "SINTERCARD {s} {k} {k}",
    "SSCAN {k} 0",
    "SSCAN {k} 0 MATCH e[1-3] COUNT 100",
    "SSCAN {k} abc",
    "SSCAN {k} 0 COUNT 0",
    "SSCAN {k} 0 TYPE set",
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
