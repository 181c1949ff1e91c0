//! CONFIG: what databases can be asked and told as a server is.

use larder::Glob;

use super::{exactly, subcommand_arity, unknown_subcommand};
use crate::args::{Args, Outcome, is};
use crate::fault::Fault;
use crate::notify::Classes;
use crate::reply::Reply;
use crate::session::Session;

/// A store is built with it.
const IMMUTABLE: &str = "can't set immutable config";

/// A name, and what it is now.
type Parameter = (&'static str, String);

/// What clients ask for at their start, with what larder has in its place.
fn parameters(session: &Session) -> Vec<Parameter> {
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

/// A parameter that is to be set, once all of them are known to be right.
enum Setting {
    Notified(Classes),
    MaxMemory(u64),
    /// It is so already.
    Unchanged,
}

/// So many bytes, with one of the units that a server knows.
fn bytes(word: &[u8]) -> Option<u64> {
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = word.split_at(digits);
    let number: u64 = std::str::from_utf8(number).ok()?.parse().ok()?;
    let units: [(&str, u64); 8] = [
        ("", 1),
        ("b", 1),
        ("k", 1000),
        ("kb", 1 << 10),
        ("m", 1_000_000),
        ("mb", 1 << 20),
        ("g", 1_000_000_000),
        ("gb", 1 << 30),
    ];
    let (_, factor) = units.into_iter().find(|(name, _)| is(unit, name))?;
    number.checked_mul(factor)
}

/// Reads a bound in bytes for a store that can have another one.
fn bound(store: &larder::Store, word: &[u8]) -> Result<Setting, &'static str> {
    let bytes = bytes(word).ok_or("argument must be a memory value")?;
    match (store.max_bytes(), bytes) {
        (None, 0) => Ok(Setting::Unchanged),
        (None, _) => Err("the store was built without a bound in bytes"),
        (Some(_), 0) => Err("the store was built with a bound in bytes, and has to have one"),
        (Some(_), bytes) => Ok(Setting::MaxMemory(bytes)),
    }
}

/// Reads a value; says why it cannot be set.
fn setting(
    session: &Session,
    (name, now): &Parameter,
    word: &[u8],
) -> Result<Setting, &'static str> {
    match *name {
        "notify-keyspace-events" => Classes::read(word)
            .map(Setting::Notified)
            .ok_or("Invalid event class character. Use 'Ag$lshzxeKEtmdn'."),
        "maxmemory" => bound(&session.store, word),
        _ if is(word, now) => Ok(Setting::Unchanged),
        "appendonly" if !is(word, "yes") => Err("argument must be 'yes' or 'no'"),
        "maxmemory-policy" => Err("a store has its policy from when it was built"),
        _ => Err(IMMUTABLE),
    }
}

/// What may be set is which keyspace events are told, and the bound of the selected database. All is set, or nothing.
fn set(session: &Session, args: Args<'_>) -> Outcome {
    let known = parameters(session);
    let mut parameters = Vec::new();
    for pair in args.rest().chunks_exact(2) {
        let name = String::from_utf8_lossy(pair[0]).to_ascii_lowercase();
        let Some(parameter) = known.iter().find(|(known, _)| *known == name) else {
            return Err(Fault::new(format!(
                "ERR Unknown option or number of arguments for CONFIG SET - '{name}'"
            )));
        };
        if parameters.iter().any(|(known, _)| *known == parameter) {
            return Err(failed(&name, "duplicate parameter"));
        }
        parameters.push((parameter, pair[1]));
    }
    let read = |(parameter, word): (&Parameter, &[u8])| {
        setting(session, parameter, word).map_err(|why| failed(parameter.0, why))
    };
    let settings: Result<Vec<_>, Fault> = parameters.into_iter().map(read).collect();
    for setting in settings? {
        match setting {
            Setting::Notified(classes) => session.databases.notified().set(classes),
            Setting::MaxMemory(bytes) => {
                let set = session.store.set_capacity(bytes);
                set.map_err(|error| failed("maxmemory", &error.to_string()))?;
            }
            Setting::Unchanged => {}
        }
    }
    Ok(Reply::Ok)
}
