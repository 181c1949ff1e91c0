//! Any commands of two clients, words among them that commands know: no panic, no wait without end, no key that is empty.
#![no_main]

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use larder::{Bus, Store};
use larder_redis::{Databases, Reply, Session};
use libfuzzer_sys::fuzz_target;

/// A word of a command.
#[derive(Arbitrary, Debug)]
enum Word {
    /// One of few keys.
    Key(u8),
    /// One that commands know.
    Known(u8),
    Int(i64),
    Small(i8),
    Float(f64),
    Bytes(Vec<u8>),
    /// So many of a byte.
    Long(u16),
}

const KNOWN: &[&str] = &[
    "NX", "XX", "GT", "LT", "CH", "INCR", "EX", "PX", "EXAT", "PXAT", "KEEPTTL", "PERSIST", "GET", "COUNT", "MATCH",
    "TYPE", "LIMIT", "WITHSCORES", "WITHVALUES", "BYSCORE", "BYLEX", "REV", "WEIGHTS", "AGGREGATE", "SUM", "MIN", "MAX",
    "LEFT", "RIGHT", "BEFORE", "AFTER", "RANK", "MAXLEN", "BY", "ASC", "DESC", "ALPHA", "STORE", "STOREDIST", "FIELDS",
    "FNX", "FXX", "FROMMEMBER", "FROMLONLAT", "BYRADIUS", "BYBOX", "WITHDIST", "WITHHASH", "WITHCOORD", "ANY", "m", "km",
    "REPLACE", "DB", "ABSTTL", "AND", "OR", "XOR", "NOT", "BIT", "BYTE", "OVERFLOW", "WRAP", "SAT", "FAIL", "u8", "i64",
    "ENCODING", "USAGE", "OBJECT", "SAMPLES", "ID", "SETNAME", "UNBLOCK", "LIST", "INFO", "DOCS", "GETKEYS", "SET",
    "notify-keyspace-events", "KEA", "[a", "(b", "-", "+", "-inf", "+inf", "(1", "*", "#", "string", "list", "zset",
    "EXACTLY", "BULK", "OBO", "IFEQ", "IFNE", "IFDEQ", "IFDNE", "b6acb9d84a38ff74",
    "BYINT", "BYFLOAT", "LBOUND", "UBOUND", "SATURATE", "ENX", "AUTH", "3",
    "LEN", "IDX", "MINMATCHLEN", "WITHMATCHLEN", "CHANNELS", "NUMSUB", "__key*__:*", "news",
];

/// Most bytes of a word, so that a run is fast.
const LONGEST: usize = 5_000;

impl Word {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Word::Key(number) => vec![b'k', b'0' + number % 4],
            Word::Known(number) => KNOWN[usize::from(*number) % KNOWN.len()].into(),
            Word::Int(int) => int.to_string().into_bytes(),
            Word::Small(int) => int.to_string().into_bytes(),
            Word::Float(float) => float.to_string().into_bytes(),
            Word::Bytes(bytes) => bytes.iter().copied().take(LONGEST).collect(),
            Word::Long(length) => vec![b'x'; usize::from(*length) % LONGEST],
        }
    }
}

#[derive(Arbitrary, Debug)]
struct Call {
    client: bool,
    command: u8,
    words: Vec<Word>,
}

/// Commands that sleep or park.
const SLOW: [&str; 10] = [
    "blpop", "brpop", "blmpop", "blmove", "blmovem", "brpoplpush", "bzpopmin", "bzpopmax", "bzmpop", "debug",
];

static NAMES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut session = Session::new(Store::new());
    let Reply::Array(names) = session.execute(&[b"COMMAND", b"LIST"]) else {
        panic!("COMMAND LIST answers with names");
    };
    let name = |reply| match reply {
        Reply::Bulk(name) => name,
        other => panic!("a name, not {other:?}"),
    };
    names.into_iter().map(name).collect()
});

/// How many elements a big count, or a large offset, would make: such calls only cost time here.
fn is_huge(words: &[Vec<u8>]) -> bool {
    let number = |word: &Vec<u8>| std::str::from_utf8(word).ok()?.parse::<i64>().ok();
    let repeats = [&b"hrandfield"[..], b"srandmember", b"zrandmember", b"setrange", b"setbit", b"bitfield", b"lcs"];
    let name = words[0].to_ascii_lowercase();
    let far = |number: i64| !(-100_000..100_000).contains(&number);
    repeats.contains(&&name[..])
        && words[1..].iter().any(|word| {
            let word = word.strip_prefix(b"#").map_or_else(|| word.clone(), <[u8]>::to_vec);
            number(&word).is_some_and(far)
        })
}

/// Few small stores: what a run costs is mostly to make and to walk them.
fn databases() -> Databases {
    let bus = Bus::new();
    let store = |number| {
        let store = Store::builder().bus(&bus).database(number).stripes(1);
        store.build().expect("nothing is wrong with it")
    };
    (0..3).map(store).collect()
}

fuzz_target!(|calls: Vec<Call>| {
    let databases = databases();
    let mut clients = [Session::of(&databases), Session::of(&databases)];
    for call in calls {
        let session = &mut clients[usize::from(call.client)];
        let name = &NAMES[usize::from(call.command) % NAMES.len()];
        if SLOW.iter().any(|slow| slow.as_bytes() == &name[..]) {
            continue;
        }
        let words: Vec<Vec<u8>> = [name.clone()]
            .into_iter()
            .chain(call.words.iter().map(Word::bytes))
            .collect();
        if is_huge(&words) {
            continue;
        }
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        session.execute(&words);
        while session.take_push().is_some() {}
    }
    // Whatever was done, no aggregate is left empty, and every key can be dumped and restored.
    for number in 0..databases.count() {
        let store = databases.get(number).expect("there is a store");
        for key in store.keys("*") {
            let Some(dump) = store.dump(&key).expect("a value can be dumped") else {
                continue;
            };
            let done = store.restore("restored", &dump, larder::SetOptions::new());
            assert_eq!(done, Ok(true), "an empty value, or one that is not what it was");
        }
    }
});
