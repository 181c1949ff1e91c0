//! The page that says of each command whether larder has it, how it differs, or why it has none.
//!
//! Made from the command table, the list of allowed differences, and [`ABSENT`].

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use larder_redis::{Reply, Session};

use crate::differences::all;

/// What larder has not, and why.
const ABSENT: &[(&str, &[&str])] = &[
    ("Not yet: hashes", &["HGETEX", "HSETEX"]),
    (
        "Not yet: geo on sorted sets",
        &[
            "GEOADD",
            "GEODIST",
            "GEOHASH",
            "GEOPOS",
            "GEORADIUS",
            "GEORADIUSBYMEMBER",
            "GEOSEARCH",
            "GEOSEARCHSTORE",
        ],
    ),
    (
        "No shards: all channels are of one process",
        &["SPUBLISH", "SSUBSCRIBE", "SUNSUBSCRIBE"],
    ),
    (
        "Not yet: strings and keys",
        &[
            "DELEX", "DELIFEQ", "DIGEST", "DUMP", "INCREX", "MEMORY", "MOVE", "MSETEX", "PFADD",
            "PFCOUNT", "PFMERGE", "RESTORE", "SWAPDB",
        ],
    ),
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
    ("copy", "within one database only"),
    (
        "client",
        "ID, INFO, LIST (of this session), SETNAME, GETNAME, SETINFO, REPLY, NO-EVICT, NO-TOUCH",
    ),
    (
        "config",
        "GET of what exists; a store is built as it is to be, so that SET is refused",
    ),
    ("debug", "SLEEP, SET-ACTIVE-EXPIRE"),
    (
        "hexpire",
        "faults as Redis 8.2 words them; no condition together with another",
    ),
    ("info", "the sections Server, Memory, Stats, Keyspace"),
    ("keys", "in a transaction, parts it in two"),
    ("scan", "in a transaction, parts it in two"),
    ("sort", "in a transaction, parts it in two"),
    ("sort_ro", "in a transaction, parts it in two"),
    ("dbsize", "in a transaction, parts it in two"),
    ("randomkey", "in a transaction, parts it in two"),
    ("select", "in a transaction, parts it in two"),
    ("flushdb", "in a transaction, parts it in two"),
    ("flushall", "in a transaction, parts it in two"),
    (
        "watch",
        "a deadline that the key has already, set again, is no change",
    ),
    ("lcs", "tables of more than 2^28 cells are refused"),
];

/// Commands that were compared with fewer servers than the page says, with which.
const LESS_COMPARED: &[(&str, &[&str])] = &[
    (
        "compared with Redis 7.0 only",
        &[
            "bzmpop",
            "bzpopmax",
            "bzpopmin",
            "hscan",
            "sort",
            "sort_ro",
            "sscan",
            "zdiff",
            "zdiffstore",
            "zinter",
            "zintercard",
            "zinterstore",
            "zmpop",
            "zrandmember",
            "zrangestore",
            "zscan",
            "zunion",
            "zunionstore",
        ],
    ),
    (
        "compared with recorded replies of Redis 8.2 only",
        &[
            "hexpire",
            "hexpireat",
            "hexpiretime",
            "hgetdel",
            "hpersist",
            "hpexpire",
            "hpexpireat",
            "hpexpiretime",
            "hpttl",
            "httl",
        ],
    ),
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
         Valkey 9.1 gave the same replies; of connections and the server, only a part is compared.\n",
    );
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
