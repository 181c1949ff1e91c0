//! Commands on HyperLogLogs.

use crate::draw::{Draw, Words};

const LINES: &[&str] = &[
    "PFADD {k} {e} {v}",
    "PFADD {k} {v} {v} {v}",
    "PFADD {k} {v}",
    "PFADD {k} {e}",
    "PFADD {k} {i} {i}",
    "PFADD {k}",
    "PFCOUNT {k}",
    "PFCOUNT {k}",
    "PFCOUNT {k} {k}",
    "PFCOUNT {k} {k} {k}",
    "PFMERGE {k} {k}",
    "PFMERGE {k} {k} {k}",
    "PFMERGE {k}",
    "PFMERGE new {k}",
    "DEL new",
    "GETRANGE {k} 0 3",
    "SET other {v}",
    "PFADD other {e}",
    "PFCOUNT {k} other",
    "PFMERGE {k} other",
    "LPUSH list {e}",
    "PFADD list {e}",
    "PFCOUNT list {k}",
    "PFMERGE list {k}",
    "SET other HYLL",
    "DEL {k}",
    "EXPIREAT {k} 33177117420",
    "EXPIRETIME {k}",
    "TYPE {k}",
    "RENAME {k} {k}",
    "COPY {k} {k} REPLACE",
    "EXISTS {k} new",
];

/// Elements beyond [`LINES`]' own, so that the dense form is reached.
pub(crate) fn command(draw: &mut Draw) -> Words {
    if draw.once_in(40) {
        let mut words = draw.fill("PFADD {k}");
        let (from, most) = (draw.below(100_000), draw.below(600));
        words.extend((from..from + most).map(|n| format!("many{n}").into_bytes()));
        return words;
    }
    draw.line(LINES)
}
