//! CONFIG: what databases can be asked and told as a server is.

use larder::Glob;

use super::{exactly, subcommand_arity, unknown_subcommand};
use crate::args::{Args, Outcome, is};
use crate::fault::Fault;
use crate::reply::Reply;
use crate::session::Session;

/// A store is built with it.
const IMMUTABLE: &str = "can't set immutable config";

/// What clients ask for at their start, with what larder has in its place.
fn parameters(session: &Session) -> Vec<(&'static str, String)> {
    let bound = session.store.max_bytes().unwrap_or(0);
    vec![
        ("appendonly", "no".into()),
        ("databases", session.databases.count().to_string()),
        ("maxmemory", bound.to_string()),
        ("maxmemory-policy", policy(&session.store).into()),
        (
            "notify-keyspace-events",
            session.databases.notified().classes(),
        ),
        ("proto-max-bulk-len", (512 << 20).to_string()),
        ("save", String::new()),
    ]
}

/// The nearest of the names that a server has: what goes is what was used least.
pub(crate) fn policy(store: &larder::Store) -> &'static str {
    if store.is_bounded() {
        "allkeys-lfu"
    } else {
        "noeviction"
    }
}

pub(crate) fn config(session: &mut Session, mut args: Args<'_>) -> Outcome {
    let word = args.take()?.to_ascii_uppercase();
    match &word[..] {
        b"GET" if args.is_empty() => Err(subcommand_arity(args)),
        b"GET" => Ok(get(session, args)),
        b"SET" if args.left() < 2 => Err(subcommand_arity(args)),
        b"SET" if !args.left().is_multiple_of(2) => Err(Fault::SYNTAX),
        b"SET" => set(session, args),
        b"RESETSTAT" => {
            exactly(args, 2)?;
            Ok(Reply::Ok)
        }
        b"REWRITE" => {
            exactly(args, 2)?;
            Err(Fault::fixed(
                "ERR The server is running without a config file",
            ))
        }
        _ => Err(unknown_subcommand(args)),
    }
}

fn get(session: &Session, args: Args<'_>) -> Reply {
    let globs: Vec<Glob> = args
        .rest()
        .iter()
        .map(|word| Glob::new(word.to_ascii_lowercase()))
        .collect();
    let found = parameters(session)
        .into_iter()
        .filter(|(name, _)| globs.iter().any(|glob| glob.matches(name.as_bytes())));
    Reply::Map(
        found
            .map(|(name, value)| (Reply::bulk(name), Reply::bulk(value)))
            .collect(),
    )
}

fn failed(name: &str, why: &str) -> Fault {
    Fault::new(format!(
        "ERR CONFIG SET failed (possibly related to argument '{name}') - {why}"
    ))
}

/// What may be set is which keyspace events are told; a store has its bound and its policy from when it was built.
fn set(session: &Session, args: Args<'_>) -> Outcome {
    let pairs: Vec<_> = args.rest().chunks_exact(2).collect();
    let known = parameters(session);
    let mut names: Vec<String> = Vec::new();
    for pair in &pairs {
        let name = String::from_utf8_lossy(pair[0]).to_ascii_lowercase();
        let Some((_, value)) = known.iter().find(|(known, _)| *known == name) else {
            return Err(Fault::new(format!(
                "ERR Unknown option or number of arguments for CONFIG SET - '{name}'"
            )));
        };
        if names.contains(&name) {
            return Err(failed(&name, "duplicate parameter"));
        }
        // What is so already may be said.
        if name != "notify-keyspace-events" && !is(pair[1], value) {
            return Err(failed(&name, IMMUTABLE));
        }
        names.push(name);
    }
    for (name, pair) in names.iter().zip(pairs) {
        let set = session.databases.notified();
        if name == "notify-keyspace-events" && set.set(pair[1]).is_none() {
            let why = "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
            return Err(failed(name, why));
        }
    }
    Ok(Reply::Ok)
}
