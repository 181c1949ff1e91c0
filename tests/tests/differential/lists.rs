//! Commands on lists.

use crate::draw::{Draw, Words};

const LINES: &[&str] = &[
    "LPUSH {k} {v}",
    "RPUSH {k} {e} {e}",
    "LPUSH {k} {e} {e} {e}",
    "RPUSH {k} {e} {v} {e} {e} {e} {e}",
    "LPUSHX {k} {e}",
    "RPUSHX {k} {e} {e}",
    "LPOP {k}",
    "RPOP {k}",
    "LPOP {k} {s}",
    "RPOP {k} {i}",
    "LLEN {k}",
    "LINDEX {k} {s}",
    "LINDEX {k} {i}",
    "LRANGE {k} 0 -1",
    "LRANGE {k} {s} {s}",
    "LRANGE {k} {i} {i}",
    "LSET {k} {s} {e}",
    "LSET {k} {i} {v}",
    "LINSERT {k} BEFORE {e} {e}",
    "LINSERT {k} AFTER {e} {v}",
    "LINSERT {k} MIDDLE {e} {e}",
    "LREM {k} {s} {e}",
    "LREM {k} 0 {e}",
    "LTRIM {k} {s} {s}",
    "LTRIM {k} 0 50",
    "LPOS {k} {e}",
    "LPOS {k} {e} RANK {s}",
    "LPOS {k} {e} COUNT {s}",
    "LPOS {k} {e} RANK -1 COUNT 0 MAXLEN {s}",
    "LPOS {k} {e} RANK 2 MAXLEN {i}",
    "LMOVE {k} {k} LEFT RIGHT",
    "LMOVE {k} {k} RIGHT LEFT",
    "LMOVE {k} {k} LEFT LEFT",
    "LMOVE {k} {k} UP LEFT",
    "RPOPLPUSH {k} {k}",
    "LMPOP 2 {k} {k} LEFT",
    "LMPOP 2 {k} {k} RIGHT COUNT {s}",
    "LMPOP {s} {k} {k} LEFT",
    "BLPOP {k} {k} 0.001",
    "BRPOP {k} 0.001",
    "BLMPOP 0.001 2 {k} {k} LEFT COUNT 2",
    "BLMOVE {k} {k} LEFT RIGHT 0.001",
    "BRPOPLPUSH {k} {k} 0.001",
    "BLPOP {k} -1",
    "BLPOP {k} abc",
    "RPUSH numbers {s} {s} {s}",
    "SET {s} {s}",
    "SORT numbers",
    "SORT numbers DESC LIMIT {s} {s}",
    "SORT numbers BY nothing DESC",
    "SORT numbers BY * GET # GET *",
    "SORT numbers GET bogus LIMIT 0 {o}",
    "SORT numbers DESC STORE {k}",
    "SORT_RO numbers LIMIT {s} {s}",
    "SORT_RO numbers STORE {k}",
    "SORT {k} ALPHA LIMIT 0 0",
    "SORT none STORE {k}",
    "SORT {k} BY",
    "DEL numbers",
    "SET {k} {v}",
    "DEL {k}",
    "EXPIREAT {k} 33177117420",
    "EXPIRETIME {k}",
    "TYPE {k}",
    "RENAME {k} {k}",
    "COPY {k} {k} REPLACE",
    "MULTI",
    "EXEC",
    "EXEC",
];

/// Elements beyond [`LINES`]' own, so that lists grow past their packed form.
pub(crate) fn command(draw: &mut Draw) -> Words {
    if draw.once_in(100) {
        let mut words = draw.fill("RPUSH {k}");
        words.extend((0..draw.below(300)).map(|n| format!("many{n}").into_bytes()));
        return words;
    }
    loop {
        let words = draw.line(LINES);
        match (&words[0][..], words.len()) {
            (b"MULTI", _) if draw.in_multi => continue,
            (b"MULTI", 1) => draw.in_multi = true,
            (b"EXEC", _) => draw.in_multi = false,
            _ => {}
        }
        return words;
    }
}
