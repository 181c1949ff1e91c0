//! Transactions, with the commands that go into them.

use crate::draw::{Draw, Words};

const LINES: &[&str] = &[
    "MULTI",
    "MULTI",
    "EXEC",
    "EXEC",
    "EXEC",
    "DISCARD",
    "WATCH {k}",
    "WATCH {k} {k}",
    "UNWATCH",
    "SET {k} {v}",
    "SET {k} {i}",
    "GET {k}",
    "INCR {k}",
    "INCRBY {k} {i}",
    "APPEND {k} {v}",
    "MSET {k} {v} {k} {v}",
    "MSETNX {k} {v} {k} {v}",
    "MGET {k} {k}",
    "DEL {k} {k}",
    "EXISTS {k} {k}",
    "RENAME {k} {k}",
    "RENAMENX {k} {k}",
    "COPY {k} {k} REPLACE",
    "EXPIREAT {k} {x}",
    "PERSIST {k}",
    "EXPIRETIME {k}",
    "TYPE {k}",
    "STRLEN {k}",
    "SETRANGE {k} {s} {v}",
    "GETRANGE {k} {s} {s}",
    "GETDEL {k}",
    "PING",
    "SELECT 1",
    "SELECT 0",
    "DBSIZE",
    "LCS {k} {k} LEN",
];

/// Of MULTI and WATCH inside a transaction, Valkey makes more than Redis: they are left to the session's own tests.
pub(crate) fn command(draw: &mut Draw) -> Words {
    loop {
        let words = draw.line(LINES);
        let name = String::from_utf8_lossy(&words[0]).into_owned();
        match (&name[..], words.len()) {
            ("MULTI" | "WATCH", _) if draw.in_multi => continue,
            ("MULTI", 1) => draw.in_multi = true,
            ("EXEC", _) | ("DISCARD", 1) => draw.in_multi = false,
            _ => {}
        }
        return words;
    }
}
