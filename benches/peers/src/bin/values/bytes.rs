//! What hashes, sets and lists hold beside what they are made of, here, in the rival, and in a server.
//!
//! A keyspace is filled by a process of its own, and what that has grown by counts: resident bytes, since larder asks for
//! more than the system gives it before it is written.

use larder::Store;
use larder_peers::footprint::resident;
use larder_peers::progress::bar;
use larder_peers::server::Server;
use larder_peers::table::{Table, digits};
use larder_peers::{Failure, child};

use crate::keyspace::{Keyspace, Naive, text};

/// Fields of a small hash, of 8 bytes with values of 16, under keys of 16.
const FIELDS: u64 = 10;
/// Members of a set of integers.
const INTEGERS: u64 = 500;

pub(crate) fn field(number: u64) -> Vec<u8> {
    format!("field-{number:02}").into_bytes()
}

/// Shows every command that fills a server with so many.
type Calls = fn(u64, &mut dyn FnMut(&[&[u8]]));

/// What is measured in bytes: what one of them is called, how many there are, and the calls that fill them in.
pub(crate) struct Filling {
    name: &'static str,
    count: u64,
    pub(crate) fill: Calls,
}

/// As commands of a server, which every contender carries out. So many that half-empty pages do not count.
pub(crate) const FILLINGS: [Filling; 4] = [
    Filling {
        name: "hash of 10 fields, 240 B",
        count: 1 << 18,
        fill: |count, run| {
            for hash in 0..count {
                for number in 0..FIELDS {
                    run(&[b"HSET", &text(hash), &field(number), &text(hash ^ number)]);
                }
            }
        },
    },
    Filling {
        name: "member of 16 B, of a million",
        count: 1_000_000,
        fill: |count, run| (0..count).for_each(|number| run(&[b"SADD", b"set", &text(number)])),
    },
    Filling {
        name: "set of 500 integers of 8 B",
        count: 10_000,
        fill: |count, run| {
            for set in 0..count {
                for number in 0..INTEGERS {
                    let member = (i64::MAX as u64 - (number * count + set)).to_string();
                    run(&[b"SADD", &text(set), member.as_bytes()]);
                }
            }
        },
    },
    Filling {
        name: "element `task:N`",
        count: 1_000_000,
        fill: |count, run| {
            (0..count)
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

/// What a child does: fills a keyspace, and says by how many bytes it has grown.
fn grown<K: Keyspace>(filling: &Filling) -> Result<u64, Failure> {
    let before = resident()?;
    let mut all = K::new();
    (filling.fill)(filling.count, &mut |words| carry_out(&mut all, words));
    let grown = resident()?.saturating_sub(before);
    drop(all);
    Ok(grown)
}

/// The part that only a child is given: `larder:2` for the third filling of larder.
pub(crate) fn child(which: &str) -> Result<(), Failure> {
    let (keyspace, nth) = which.split_once(':').ok_or("no filling was named")?;
    let filling = FILLINGS.get(nth.parse::<usize>()?);
    let filling = filling.ok_or("there is no such filling")?;
    let grown = match keyspace {
        "larder" => grown::<Store>(filling)?,
        _ => grown::<Naive>(filling)?,
    };
    child::print(Some(&[grown]));
    Ok(())
}

/// Bytes of each filling.
fn held(keyspace: &str) -> Result<[f64; FILLINGS.len()], Failure> {
    let mut cells = [f64::NAN; FILLINGS.len()];
    for (nth, cell) in cells.iter_mut().enumerate() {
        let part = format!("held:{keyspace}:{nth}");
        let grown = child::numbers(&child::own()?, &[&part])?;
        let grown = grown.and_then(|numbers| numbers.first().copied());
        *cell = grown.map_or(f64::NAN, |bytes| bytes as f64 / FILLINGS[nth].count as f64);
    }
    Ok(cells)
}

pub(crate) fn run() -> Result<Vec<Table>, Failure> {
    let columns = FILLINGS.map(|filling| filling.name);
    let mut table = Table::new(
        "Values, bytes held",
        ["keyspace"].into_iter().chain(columns),
    );
    table.note("resident bytes, a process for each; a server's `used_memory`");
    let progress = bar(3, "bytes");
    let mut row = |name: &str, cells: [f64; FILLINGS.len()]| {
        let cells = cells.map(digits);
        table.row([name.to_owned()].into_iter().chain(cells));
        progress.inc(1);
    };
    row(Store::NAME, held("larder")?);
    row(Naive::NAME, held("rival")?);
    match Server::start() {
        Ok(mut server) => {
            let cells = FILLINGS.map(|filling| {
                let before = server.used_memory();
                (filling.fill)(filling.count, &mut |words| server.send(words));
                let held = server.used_memory() - before;
                server.flush_all();
                held as f64 / filling.count as f64
            });
            row(&server.name(), cells);
        }
        Err(reason) => table.note(format!("no server's bytes: {reason}")),
    }
    progress.finish_and_clear();
    Ok(vec![table])
}
