//! The page that says of each command whether larder has it, how it differs, or why it has none.
//!
//! Made from the command table, the list of allowed differences, and [`ABSENT`].

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use larder_redis::{Reply, Session};

use crate::differences::all;
use crate::record;

/// What larder has not, and why.
const ABSENT: &[(&str, &[&str])] = &[
    (
        "No shards: all channels are of one process",
        &["SPUBLISH", "SSUBSCRIBE", "SUNSUBSCRIBE"],
    ),
    ("A server's tests of itself", &["PFDEBUG", "PFSELFTEST"]),
    (
        "No scripts: a closure given to `Store::atomic` does what they do",
        &[
            "EVAL",
            "EVALSHA",
            "EVALSHA_RO",
            "EVAL_RO",
            "FCALL",
            "FCALL_RO",
            "FUNCTION",
            "SCRIPT",
        ],
    ),
    (
        "No streams",
        &[
            "XACK",
            "XADD",
            "XAUTOCLAIM",
            "XCLAIM",
            "XDEL",
            "XGROUP",
            "XINFO",
            "XLEN",
            "XPENDING",
            "XRANGE",
            "XREAD",
            "XREADGROUP",
            "XREVRANGE",
            "XSETID",
            "XTRIM",
        ],
    ),
    (
        "No server: nothing is saved, replicated, clustered, or guarded by users, and nobody listens",
        &[
            "ACL",
            "ASKING",
            "BGREWRITEAOF",
            "BGSAVE",
            "CLUSTER",
            "FAILOVER",
            "LASTSAVE",
            "LATENCY",
            "LOLWUT",
            "MIGRATE",
            "MODULE",
            "MONITOR",
            "PSYNC",
            "READONLY",
            "READWRITE",
            "REPLCONF",
            "REPLICAOF",
            "ROLE",
            "SAVE",
            "SHUTDOWN",
            "SLAVEOF",
            "SLOWLOG",
            "SYNC",
            "WAIT",
            "WAITAOF",
        ],
    ),
];

/// Differences that no comparison can show, by command.
const NOTES: &[(&str, &str)] = &[
    ("blmovem", AFTER_DOCUMENTATION),
    (
        "client",
        "ID, INFO, LIST, SETNAME, GETNAME, SETINFO, REPLY, UNBLOCK, GETREDIR, NO-EVICT, NO-TOUCH; nobody is connected \
         who could be killed, paused or tracked",
    ),
    (
        "command",
        "COUNT, LIST, INFO, DOCS, GETKEYS, GETKEYSANDFLAGS",
    ),
    (
        "config",
        "GET of what exists; SET of notify-keyspace-events, and of maxmemory, which is the selected database's own, where it was \
         built with a bound; a store has its policy from when it was built",
    ),
    (
        "copy",
        "to another database: in a transaction, parts it in two",
    ),
    ("dbsize", "in a transaction, parts it in two"),
    ("debug", "SLEEP, OBJECT, SET-ACTIVE-EXPIRE"),
    ("delex", AFTER_DOCUMENTATION),
    ("digest", AFTER_DOCUMENTATION),
    ("dump", "the bytes are larder's own, not a server's"),
    (
        "flushall",
        "in a transaction, parts it in two; every watched key counts as changed",
    ),
    (
        "flushdb",
        "in a transaction, parts it in two; every watched key counts as changed",
    ),
    ("georadius", "with STORE, tells `geosearchstore`"),
    ("georadiusbymember", "with STORE, tells `geosearchstore`"),
    ("geosearch", "no BYPOLYGON"),
    ("geosearchstore", "no BYPOLYGON"),
    (
        "hexpire",
        "faults as Redis 8.2 words them; no condition together with another",
    ),
    ("hgetex", "faults as Redis 8.2 words them"),
    ("hsetex", "faults as Redis 8.2 words them"),
    ("increx", AFTER_DOCUMENTATION),
    ("info", "the sections Server, Memory, Stats, Keyspace"),
    ("keys", "in a transaction, parts it in two"),
    ("lcs", "tables of more than 2^28 cells are refused"),
    ("lmovem", AFTER_DOCUMENTATION),
    ("memory", "USAGE"),
    ("move", "in a transaction, parts it in two"),
    ("object", "in a transaction, parts it in two"),
    (
        "object",
        "IDLETIME is known of the 16,384 keys used last of each database, and of some of them not where the database was not \
         built to know it: 0",
    ),
    ("pfcount", "a count is never kept: it is computed each time"),
    ("randomkey", "in a transaction, parts it in two"),
    (
        "restore",
        "takes what DUMP of larder gives; IDLETIME and FREQ are read, and say nothing",
    ),
    ("scan", "in a transaction, parts it in two"),
    ("sdiffcard", AFTER_DOCUMENTATION),
    ("select", "in a transaction, parts it in two"),
    (
        "set",
        "IFNE, IFDEQ and IFDNE after Redis' documentation: no server that has them was at hand",
    ),
    ("sort", "in a transaction, parts it in two"),
    ("sort_ro", "in a transaction, parts it in two"),
    ("sunioncard", AFTER_DOCUMENTATION),
    ("sunioncard", "APPROX counts exactly"),
    (
        "swapdb",
        "who waits for an element goes on waiting in the store that it began in; every watched key counts as changed",
    ),
    (
        "watch",
        "a deadline that the key has already, set again, is no change",
    ),
];

/// Of commands that Redis has since 8.4.
const AFTER_DOCUMENTATION: &str = "after Redis' documentation: no server that has it was at hand";

/// What cannot be told of one command.
const AT_LARGE: &[&str] = &[
    "Keyspace events are told when `CONFIG SET notify-keyspace-events` has switched them on, `m` (misses), `o` and `c` \
     excepted, and `n` (new keys) to who asks for `new` by its name. A deadline that had passed when it was set is told at \
     once; a server tells it when it next comes upon the key.",
    "Who waits for several keys, of which an earlier one came to hold another type meanwhile, is served from a later one; \
     Redis since 7.2 answers WRONGTYPE.",
    "A waiter is served also where a command overwrites a value of another type; servers wake it for a key that is new.",
    "Blocking commands in a transaction do not wait; CLIENT UNBLOCK ends the wait of any session of the same databases.",
];

/// Commands that were compared with fewer servers than the page says, with which.
const LESS_COMPARED: &[(&str, &[&str])] = &[
    (
        "not in Redis 7.0",
        &[
            "hexpire",
            "hexpireat",
            "hexpiretime",
            "hgetdel",
            "hgetex",
            "hpersist",
            "hpexpire",
            "hpexpireat",
            "hpexpiretime",
            "hpttl",
            "hsetex",
            "httl",
        ],
    ),
    ("compared with Valkey 9.1 only", &["delifeq", "msetex"]),
];

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

/// The commands of the table with their groups.
fn supported() -> BTreeMap<String, Vec<String>> {
    let mut session = Session::new(larder::Store::new());
    let Reply::Map(docs) = session.execute(&[b"COMMAND", b"DOCS"]) else {
        panic!("COMMAND DOCS answers with a map");
    };
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, doc) in &docs {
        let Reply::Map(fields) = doc else {
            panic!("a command's documentation is a map");
        };
        groups
            .entry(text(&fields[0].1))
            .or_default()
            .push(text(name));
    }
    groups.values_mut().for_each(|names| names.sort());
    groups
}

fn page() -> String {
    let mut page = String::from(
        "# Commands\n\nMade by `tests/tests/differential/page.rs` from the command table and from the list of differences \
         that the comparison with real servers allows. Where there is no note, Redis 7.0, Redis 8.2 and \
         Valkey 9.1 gave the same replies, in RESP2 and in RESP3; of connections and the server, only a part is compared.\n\n\
         ## What was compared\n\n",
    );
    page += &record::table();
    page.push('\n');
    for text in AT_LARGE {
        writeln!(page, "* {text}").expect("a string takes text");
    }
    for (group, names) in supported() {
        write!(
            page,
            "\n## {group}\n\n| command | how it differs |\n|---|---|\n"
        )
        .expect("a string takes text");
        for name in names {
            let upper = name.to_uppercase();
            let noted = NOTES
                .iter()
                .filter(|(of, _)| *of == name)
                .map(|(_, note)| *note);
            let less = LESS_COMPARED
                .iter()
                .filter(|(_, of)| of.contains(&&name[..]))
                .map(|(with, _)| *with);
            let mut notes: Vec<&str> = noted.chain(all(&upper)).chain(less).collect();
            notes.dedup();
            writeln!(page, "| `{upper}` | {} |", notes.join("; ")).expect("a string takes text");
        }
    }
    page += "\n## What there is not\n\n| why | commands |\n|---|---|\n";
    for (why, names) in ABSENT {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        writeln!(page, "| {why} | {} |", names.join(", ")).expect("a string takes text");
    }
    page
}

#[test]
fn the_page_of_commands_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/larder-redis/COMMANDS.md");
    if std::env::var_os("LARDER_WRITE_PAGE").is_some() {
        std::fs::write(&path, page()).expect("the page can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page(),
        "COMMANDS.md is stale: run this test with LARDER_WRITE_PAGE=1"
    );
}

#[test]
fn no_command_is_both_there_and_absent() {
    let there: Vec<String> = supported().into_values().flatten().collect();
    let both = |name: &&&str| there.contains(&name.to_lowercase());
    let absent = ABSENT.iter().flat_map(|(_, names)| names.iter());
    assert_eq!(absent.filter(both).collect::<Vec<_>>(), Vec::<&&str>::new());
}
