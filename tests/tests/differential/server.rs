//! Commands on connections, databases and the server.

use crate::draw::{Draw, Words};

const LINES: &[&str] = &[
    "SET {k} {v}",
    "RPUSH {k} {e} {e}",
    "HSET {k} {e} {v}",
    "SADD {k} {e} {i}",
    "ZADD {k} {s} {e}",
    "EXPIREAT {k} {x}",
    "GET {k}",
    "EXPIRETIME {k}",
    "TYPE {k}",
    "DEL {k}",
    "MOVE {k} 1",
    "MOVE {k} 0",
    "MOVE {k} {s}",
    "MOVE {k} {i}",
    "COPY {k} {k} DB 1",
    "COPY {k} {k} DB 0 REPLACE",
    "COPY {k} {k} DB {s} REPLACE",
    "COPY {k} {k} REPLACE DB {i}",
    "COPY {k} {k} DB",
    "COPY {k} {k} DB 77 BOGUS",
    "SELECT 0",
    "SELECT 1",
    "SELECT {s}",
    "SELECT {i}",
    "SWAPDB 0 1",
    "SWAPDB {s} {s}",
    "SWAPDB {i} 1",
    "SWAPDB 0 {i}",
    "DBSIZE",
    "FLUSHDB",
    "FLUSHDB ASYNC",
    "FLUSHDB BOGUS",
    "WATCH {k}",
    "UNWATCH",
    "MULTI",
    "EXEC",
    "EXEC",
    "DISCARD",
    "PING",
    "PING {v}",
    "ECHO {v}",
    "OBJECT REFCOUNT none",
    "OBJECT BOGUS {k}",
    "OBJECT ENCODING",
    "OBJECT FREQ {k}",
    "MEMORY USAGE none",
    "MEMORY USAGE {k} SAMPLES -1",
    "MEMORY USAGE {k} BOGUS",
    "MEMORY BOGUS",
    "DEBUG OBJECT none",
    "DEBUG BOGUS",
    "DEBUG SET-ACTIVE-EXPIRE 1",
    "CLIENT SETNAME name{s}",
    "CLIENT SETNAME {v}",
    "CLIENT GETNAME",
    "CLIENT UNBLOCK 999999999",
    "CLIENT UNBLOCK {o}",
    "CLIENT UNBLOCK 1 BOGUS",
    "CLIENT NO-EVICT ON",
    "CLIENT NO-EVICT MAYBE",
    "CLIENT SETINFO LIB-NAME {e}",
    "CLIENT SETINFO BOGUS {e}",
    "CLIENT GETREDIR",
    "CLIENT BOGUS",
    "PUBSUB CHANNELS a b",
    "PUBSUB BOGUS",
    "CONFIG SET notify-keyspace-events KEA",
    "CONFIG SET notify-keyspace-events Elg",
    "CONFIG SET notify-keyspace-events {e}!",
    "CONFIG SET notify-keyspace-events ",
    "CONFIG GET notify-keyspace-events",
    "CONFIG GET appendonly",
    "CONFIG GET databases",
    "CONFIG GET none*",
    "CONFIG SET bogus 1",
    "CONFIG SET notify-keyspace-events @ bogus 1",
    "CONFIG SET databases 4",
    "CONFIG SET appendonly",
    "CONFIG REWRITE",
    "CONFIG BOGUS",
    "COMMAND GETKEYS SET {k} {v}",
    "COMMAND GETKEYS MSET {k} {v} {k} {v}",
    "COMMAND GETKEYS ZUNIONSTORE {k} 2 {k} {k}",
    "COMMAND GETKEYS BLPOP {k} {k} 0",
    "COMMAND GETKEYS OBJECT ENCODING {k}",
    "COMMAND GETKEYS GEORADIUS {k} 1 1 1 m STORE {k}",
    "COMMAND GETKEYS SORT {k} BY w* STORE {k}",
    "COMMAND GETKEYS ZUNIONSTORE {k} 2 {k}",
    "COMMAND GETKEYS ZUNIONSTORE {k} {s} {k} {k}",
    "COMMAND GETKEYS OBJECT",
    "COMMAND GETKEYS PING",
    "COMMAND GETKEYS BOGUS",
    "COMMAND INFO BOGUS",
    "COMMAND BOGUS",
    "COMMAND LIST FILTERBY PATTERN bogus*",
    "COMMAND LIST FILTERBY BOGUS x",
    "AUTH x",
    "AUTH default x",
    "HELLO 2",
    "HELLO 4",
    "HELLO x",
    "RESET",
    "LOLWUTS {e}",
];

/// What is not drawn for a transaction.
const OUTSIDE: &[&str] = &[
    "MULTI", "WATCH", "HELLO", "AUTH", "CLIENT", "OBJECT", "DEBUG", "CONFIG", "COMMAND", "MEMORY",
];

/// Of passwords; a kind of their own: Redis 7.0 looks at one before it has read the options behind it, and Redis 8.2 answers a
/// wrong one behind the commands that were sent after it, or not at all.
const PASSWORDS: &[&str] = &[
    "AUTH x",
    "AUTH default x",
    "AUTH nobody x",
    "AUTH {e} {v}",
    "AUTH default x x",
    "HELLO 2 AUTH nobody x",
    "HELLO 3 AUTH {e} {v} SETNAME name{s}",
    "HELLO 2 SETNAME {v} AUTH nobody x",
    "ECHO {v}",
    "PING",
];

pub(crate) fn password(draw: &mut Draw) -> Words {
    draw.line(PASSWORDS)
}

/// As of transactions: what may stand in one is left to the session's own tests.
pub(crate) fn command(draw: &mut Draw) -> Words {
    loop {
        let words = draw.line(LINES);
        let name = String::from_utf8_lossy(&words[0]).into_owned();
        match (&name[..], words.len()) {
            // Their own commands are looked at when they are queued, and that is another matter.
            (name, _) if draw.in_multi && OUTSIDE.contains(&name) => continue,
            // With a swap or a flush every watched key counts as changed here; for a server, those that there are.
            ("SWAPDB" | "FLUSHDB", _) if draw.watches => continue,
            // A matter of `PASSWORDS`.
            ("AUTH", 3) if words[1] != b"default" => continue,
            ("WATCH", _) => draw.watches = true,
            ("UNWATCH", 1) if !draw.in_multi => draw.watches = false,
            ("MULTI", 1) => draw.in_multi = true,
            ("EXEC", _) | ("DISCARD", 1) if draw.in_multi => {
                (draw.in_multi, draw.watches) = (false, false)
            }
            ("RESET", 1) => (draw.in_multi, draw.watches) = (false, false),
            // Greetings tell who greets.
            ("HELLO", 1) => continue,
            ("HELLO", 2) if words[1] == b"2" => continue,
            _ => {}
        }
        return words;
    }
}
