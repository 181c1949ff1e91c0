//! INFO: numbers of the stores, under the headings that clients look for.

use std::fmt::Write;

use crate::args::{Args, Outcome, is};
use crate::reply::Reply;
use crate::session::Session;

type Section = fn(&Session, &mut String) -> std::fmt::Result;

const SECTIONS: [(&str, Section); 4] = [
    ("Server", server),
    ("Memory", memory),
    ("Stats", stats),
    ("Keyspace", keyspace),
];

pub(crate) fn info(session: &mut Session, args: Args<'_>) -> Outcome {
    let mut text = String::new();
    for (name, section) in SECTIONS {
        let all = ["all", "default", "everything"];
        let mut words = args.rest().iter();
        let asked = words.any(|word| is(word, name) || all.iter().any(|all| is(word, all)));
        if args.is_empty() || asked {
            let gap = if text.is_empty() { "" } else { "\r\n" };
            text += gap;
            text += &format!("# {name}\r\n");
            section(session, &mut text).expect("a string takes any text");
        }
    }
    Ok(Reply::Text(text))
}

fn server(_: &Session, out: &mut String) -> std::fmt::Result {
    write!(
        out,
        "larder_version:{}\r\nredis_mode:standalone\r\n",
        env!("CARGO_PKG_VERSION")
    )?;
    write!(out, "process_id:{}\r\n", std::process::id())
}

fn memory(session: &Session, out: &mut String) -> std::fmt::Result {
    let used: u64 = session
        .databases
        .used()
        .map(|(_, store)| store.bytes())
        .sum();
    write!(out, "used_memory:{used}\r\n")
}

fn stats(session: &Session, out: &mut String) -> std::fmt::Result {
    let mut sums = [0; 4];
    for (_, store) in session.databases.used() {
        let stats = store.stats();
        let one = [stats.hits, stats.misses, stats.expirations, stats.evictions];
        sums.iter_mut().zip(one).for_each(|(sum, one)| *sum += one);
    }
    let names = [
        "keyspace_hits",
        "keyspace_misses",
        "expired_keys",
        "evicted_keys",
    ];
    names
        .iter()
        .zip(sums)
        .try_for_each(|(name, sum)| write!(out, "{name}:{sum}\r\n"))
}

fn keyspace(session: &Session, out: &mut String) -> std::fmt::Result {
    for (number, store) in session
        .databases
        .used()
        .filter(|(_, store)| !store.is_empty())
    {
        write!(out, "db{number}:keys={}\r\n", store.len())?;
    }
    Ok(())
}
