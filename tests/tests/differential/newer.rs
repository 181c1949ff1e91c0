//! Commands that newer servers have.

use crate::draw::{Draw, Words};

const LINES: &[&str] = &[
    "SET {k} {v}",
    "SET {k} {e}",
    "SET {k} {e} IFEQ {e}",
    "SET {k} {e} IFEQ {e} GET",
    "SET {k} {e} EXAT {x}",
    "GET {k}",
    "DELIFEQ {k} {e}",
    "DELIFEQ {k}",
    "MSETEX 2 {k} {e} {k} {v}",
    "MSETEX 1 {k} {e} NX",
    "MSETEX 2 {k} {e} {k} {e} XX EXAT {x}",
    "MSETEX 1 {k} {e} EX {t}",
    "MSETEX 1 {k} {e} KEEPTTL",
    "MSETEX 1 {k} {e} EX 0",
    "MSETEX {s} {k} {e} {k} {e}",
    "MSETEX 1 {k} {e} NX XX",
    "MSETEX 1 {k} {e} EX {t} KEEPTTL",
    "EXPIRETIME {k}",
    "LPUSH {k} {e}",
    "TYPE {k}",
    "DEL {k}",
];

pub(crate) fn command(draw: &mut Draw) -> Words {
    draw.line(LINES)
}
