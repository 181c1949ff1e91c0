//! CONFIG: what a store can be asked and told as a server is.

use larder::Glob;

use super::{exactly, subcommand_arity, unknown_subcommand};
use crate::args::{Args, Outcome};
use crate::fault::Fault;
use crate::reply::Reply;
use crate::session::Session;

/// What clients ask for at their start, with what larder has in its place.
fn parameters(session: &Session) -> Vec<(&'static str, String)> {
    vec![
        ("appendonly", "no".into()),
        ("databases", session.databases.count().to_string()),
        ("proto-max-bulk-len", (512 << 20).to_string()),
        ("save", String::new()),
    ]
}

pub(crate) fn config(session: &mut Session, mut args: Args<'_>) -> Outcome {
    let word = args.take()?.to_ascii_uppercase();
    match &word[..] {
        b"GET" if args.is_empty() => Err(subcommand_arity(args)),
        b"GET" => Ok(get(session, args)),
        b"SET" if args.is_empty() || !args.left().is_multiple_of(2) => Err(subcommand_arity(args)),
        b"SET" => Err(set(session, args)),
        b"RESETSTAT" => {
            exactly(args, 2)?;
            Ok(Reply::Ok)
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

/// A store is built as it is to be; nothing can be set from here.
fn set(session: &Session, args: Args<'_>) -> Fault {
    let name = String::from_utf8_lossy(args.rest()[0]).to_ascii_lowercase();
    if parameters(session).iter().any(|(known, _)| *known == name) {
        return Fault::new(format!(
            "ERR CONFIG SET failed (possibly related to argument '{name}') - can't set immutable config"
        ));
    }
    Fault::new(format!(
        "ERR Unknown option or number of arguments for CONFIG SET - '{name}'"
    ))
}
