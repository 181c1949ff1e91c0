//! What hashes, sets and lists hold beside what they are made of, here, in the rival, and in a server.

use larder::Store;
use larder_peers::progress::bar;
use larder_peers::server::Server;
use larder_peers::table::{Table, digits};

use crate::ALLOCATOR;
use crate::keyspace::{Keyspace, Naive, text};

/// Small hashes: ten fields of 8 bytes with values of 16, under keys of 16.
pub(crate) const HASHES: u64 = 1 << 16;
const FIELDS: u64 = 10;
/// Members of the large set, fields of the large hash.
pub(crate) const LARGE: u64 = 1_000_000;
/// Elements of the list.
const ELEMENTS: u64 = 100_000;

pub(crate) fn field(number: u64) -> Vec<u8> {
    format!("field-{number:02}").into_bytes()
}

/// Shows every command that fills a server with the case.
type Calls = fn(&mut dyn FnMut(&[&[u8]]));

/// What is measured in bytes: what one of them is called, how many there are, and the calls that fill them in.
pub(crate) struct Filling {
    name: &'static str,
    count: u64,
    pub(crate) fill: Calls,
}

/// As commands of a server, which every contender carries out.
pub(crate) const FILLINGS: [Filling; 4] = [
    Filling {
        name: "hash of 10 fields, 240 B",
        count: HASHES,
        fill: |run| {
            for hash in 0..HASHES {
                for number in 0..FIELDS {
                    run(&[b"HSET", &text(hash), &field(number), &text(hash ^ number)]);
                }
            }
        },
    },
    Filling {
        name: "member of 16 B, of a million",
        count: LARGE,
        fill: |run| (0..LARGE).for_each(|number| run(&[b"SADD", b"set", &text(number)])),
    },
    Filling {
        name: "set of 500 integers of 8 B",
        count: 1000,
        fill: |run| {
            for set in 0..1000 {
                for number in 0..500 {
                    let member = (i64::MAX - (number * 1000 + set)).to_string();
                    run(&[b"SADD", &text(set as u64), member.as_bytes()]);
                }
            }
        },
    },
    Filling {
        name: "element `task:N`",
        count: ELEMENTS,
        fill: |run| {
            (0..ELEMENTS)
                .for_each(|number| run(&[b"RPUSH", b"list", format!("task:{number}").as_bytes()]));
        },
    },
];

pub(crate) fn carry_out<K: Keyspace>(all: &mut K, words: &[&[u8]]) {
    match *words {
        [b"HSET", key, field, value] => assert!(all.hset(key, field, value)),
        [b"SADD", key, member] => assert!(all.sadd(key, member)),
        [b"RPUSH", key, element] => assert!(all.rpush(key, element) > 0),
        _ => unreachable!("no other command is used"),
    }
}

/// Bytes of each filling.
fn held<K: Keyspace>() -> [f64; FILLINGS.len()] {
    FILLINGS.map(|filling| {
        let before = ALLOCATOR.allocated();
        let mut all = K::new();
        (filling.fill)(&mut |words| carry_out(&mut all, words));
        let held = ALLOCATOR.allocated() - before;
        drop(all);
        held as f64 / filling.count as f64
    })
}

pub(crate) fn run() -> Vec<Table> {
    let columns = FILLINGS.map(|filling| filling.name);
    let mut table = Table::new(
        "Values, bytes held",
        ["keyspace"].into_iter().chain(columns),
    );
    let progress = bar(3, "bytes");
    let mut row = |name: &str, cells: [f64; FILLINGS.len()]| {
        let cells = cells.map(digits);
        table.row([name.to_owned()].into_iter().chain(cells));
        progress.inc(1);
    };
    row(Store::NAME, held::<Store>());
    row(Naive::NAME, held::<Naive>());
    match Server::start() {
        Ok(mut server) => {
            let cells = FILLINGS.map(|filling| {
                let before = server.used_memory();
                (filling.fill)(&mut |words| server.send(words));
                let held = server.used_memory() - before;
                server.flush_all();
                held as f64 / filling.count as f64
            });
            row(&server.name(), cells);
        }
        Err(reason) => table.note(format!("no server's bytes: {reason}")),
    }
    progress.finish_and_clear();
    vec![table]
}
