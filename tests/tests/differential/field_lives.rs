//! Commands on hashes' fields with deadlines; on hashes of their own, since servers before them know none.

use crate::draw::{Draw, Words};

const LINES: &[&str] = &[
    "HSET {k} {f} {v} {f} {v}",
    "HSETEX {k} EX {t} FIELDS 2 {f} {v} {f} {v}",
    "HSETEX {k} PXAT {x}000 FIELDS 1 {f} {e}",
    "HSETEX {k} FNX EXAT {x} FIELDS 2 {f} {e} {f} {e}",
    "HSETEX {k} FXX KEEPTTL FIELDS 1 {f} {e}",
    "HSETEX {k} KEEPTTL FIELDS 1 {f} {e}",
    "HSETEX {k} FIELDS 1 {f} {e}",
    "HSETEX {k} EX 0 FIELDS 1 {f} {e}",
    "HSETEX {k} EXAT 1 FIELDS 1 {f} {e}",
    "HGETEX {k} EXAT {x} FIELDS 2 {f} {f}",
    "HGETEX {k} PERSIST FIELDS 2 {f} {f}",
    "HGETEX {k} FIELDS 1 {f}",
    "HGETEX {k} EX 0 FIELDS 1 {f}",
    "HGETDEL {k} FIELDS 2 {f} {f}",
    "HEXPIRE {k} {t} FIELDS 2 {f} {f}",
    "HEXPIREAT {k} {x} FIELDS 1 {f}",
    "HEXPIREAT {k} {x} NX FIELDS 1 {f}",
    "HEXPIREAT {k} {x} XX FIELDS 1 {f}",
    "HEXPIREAT {k} {x} GT FIELDS 1 {f}",
    "HEXPIREAT {k} {x} LT FIELDS 2 {f} {f}",
    "HPEXPIREAT {k} {x}123 FIELDS 1 {f}",
    "HEXPIRE {k} 0 FIELDS 1 {f}",
    "HPERSIST {k} FIELDS 2 {f} {f}",
    "HEXPIRETIME {k} FIELDS 2 {f} {f}",
    "HPEXPIRETIME {k} FIELDS 1 {f}",
    "HTTL {k} FIELDS 2 {f} {f}",
    "HPTTL {k} FIELDS 1 {f}",
    "HGET {k} {f}",
    "HDEL {k} {f} {f}",
    "HINCRBY {k} n 2",
    "HEXPIREAT {k} {x} FIELDS 1 n",
    "HEXPIRETIME {k} FIELDS 1 n",
    "HLEN {k}",
    "HGETALL {k}",
    "HEXISTS {k} {f}",
    "COPY {k} {k} REPLACE",
    "RENAME {k} {k}",
    "DEL {k}",
    "SET {k} {v}",
    "EXPIREAT {k} {x}",
    "EXPIRETIME {k}",
];

pub(crate) fn command(draw: &mut Draw) -> Words {
    let line = draw.one(LINES);
    draw.fill(line)
}
