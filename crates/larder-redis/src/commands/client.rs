//! CLIENT: what sessions say of themselves, and how one ends another's wait.

use super::connection::is_printable;
use super::{exactly, subcommand_arity, unfit_subcommand, unknown_subcommand};
use crate::args::{Args, Outcome, int, is};
use crate::clients::{Client, Ending};
use crate::fault::Fault;
use crate::reply::Reply;
use crate::resp::Protocol;
use crate::session::{Session, Wanted};

pub(crate) fn client(session: &mut Session, mut args: Args<'_>) -> Outcome {
    let word = args.take()?.to_ascii_uppercase();
    match &word[..] {
        b"ID" => {
            exactly(args, 2)?;
            Ok(Reply::Int(id(session.id)))
        }
        b"GETNAME" => {
            exactly(args, 2)?;
            let name = Some(session.client.facts().name).filter(|name| !name.is_empty());
            Ok(Reply::option(name))
        }
        b"SETNAME" => {
            exactly(args, 3)?;
            set_name(session, args.take()?)?;
            Ok(Reply::Ok)
        }
        b"SETINFO" => set_info(session, args),
        b"REPLY" => reply(session, args),
        b"INFO" => {
            exactly(args, 2)?;
            Ok(Reply::Text(line(&session.client)))
        }
        b"LIST" => list(session, args),
        b"UNBLOCK" => unblock(session, args),
        b"GETREDIR" => {
            exactly(args, 2)?;
            Ok(Reply::Int(-1))
        }
        b"NO-EVICT" | b"NO-TOUCH" => {
            exactly(args, 3)?;
            let word = args.take()?;
            if is(word, "ON") || is(word, "OFF") {
                Ok(Reply::Ok)
            } else {
                Err(Fault::SYNTAX)
            }
        }
        _ => Err(unknown_subcommand(args)),
    }
}

fn id(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Whether a client may have this name.
pub(crate) fn check_name(name: &[u8]) -> Result<(), Fault> {
    if is_printable(name) {
        return Ok(());
    }
    Err(Fault::fixed(
        "ERR Client names cannot contain spaces, newlines or special characters.",
    ))
}

pub(crate) fn set_name(session: &mut Session, name: &[u8]) -> Result<(), Fault> {
    check_name(name)?;
    session.client.change(|facts| facts.name = name.to_vec());
    Ok(())
}

fn unblock(session: &Session, mut args: Args<'_>) -> Outcome {
    match args.left() {
        0 => return Err(subcommand_arity(args)),
        1 | 2 => {}
        _ => return Err(unfit_subcommand(args)),
    }
    let (number, reason) = (args.take()?, args.take().unwrap_or(b"TIMEOUT"));
    let ending = match reason {
        _ if is(reason, "TIMEOUT") => Ending::TimeOver,
        _ if is(reason, "ERROR") => Ending::Error,
        _ => {
            return Err(Fault::fixed(
                "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR",
            ));
        }
    };
    let number = int(number)?;
    let found = u64::try_from(number).ok();
    let found = found.and_then(|number| session.databases.clients().find(number));
    Ok(Reply::truth(
        found.is_some_and(|client| client.unblock(ending)),
    ))
}

/// All sessions of these databases, or those of these numbers, a line each.
fn list(session: &Session, mut args: Args<'_>) -> Outcome {
    let all = session.databases.clients().all();
    let mut numbers = None;
    if args.left() > 1 && args.accept("ID") {
        let asked: Result<Vec<i64>, Fault> = args.rest().iter().map(|word| int(word)).collect();
        numbers = Some(asked.map_err(|_| Fault::fixed("ERR Invalid client ID"))?);
    } else if args.accept("TYPE") {
        let kind = args.take()?;
        args.end()?;
        let known = ["normal", "master", "replica", "slave", "pubsub"];
        if !known.iter().any(|name| is(kind, name)) {
            let kind = String::from_utf8_lossy(kind);
            return Err(Fault::new(format!("ERR Unknown client type '{kind}'")));
        }
        numbers = Some(Vec::new()).filter(|_| !is(kind, "normal"));
    } else {
        args.end()?;
    }
    let wanted = |client: &&std::sync::Arc<Client>| {
        let number = id(client.facts().id);
        numbers
            .as_ref()
            .is_none_or(|numbers| numbers.contains(&number))
    };
    let lines: String = all
        .iter()
        .filter(wanted)
        .map(|client| line(client))
        .collect();
    Ok(Reply::Text(lines))
}

fn set_info(session: &mut Session, mut args: Args<'_>) -> Outcome {
    exactly(args, 4)?;
    let (field, value) = (args.take()?, args.take()?);
    let place = match () {
        () if is(field, "LIB-NAME") => 0,
        () if is(field, "LIB-VER") => 1,
        () => {
            let field = String::from_utf8_lossy(field);
            return Err(Fault::new(format!("ERR Unrecognized option '{field}'")));
        }
    };
    if !is_printable(value) {
        let field = String::from_utf8_lossy(field);
        return Err(Fault::new(format!(
            "ERR {field} cannot contain spaces, newlines or special characters."
        )));
    }
    session
        .client
        .change(|facts| facts.library[place] = value.to_vec());
    Ok(Reply::Ok)
}

fn reply(session: &mut Session, mut args: Args<'_>) -> Outcome {
    if args.left() != 1 {
        return Err(subcommand_arity(args));
    }
    let word = args.take()?;
    session.wanted = match session.wanted {
        _ if is(word, "ON") => Wanted::All,
        _ if is(word, "OFF") => Wanted::None,
        Wanted::None if is(word, "SKIP") => Wanted::None,
        _ if is(word, "SKIP") => Wanted::AllButNext,
        _ => return Err(Fault::SYNTAX),
    };
    Ok(Reply::Ok)
}

/// A session as a line of CLIENT LIST.
fn line(client: &Client) -> String {
    let facts = client.facts();
    let [library, version] = &facts.library;
    let flags = if client.is_waiting() { "b" } else { "N" };
    let protocol = match facts.protocol {
        Protocol::Resp2 => 2,
        Protocol::Resp3 => 3,
    };
    format!(
        "id={} name={} flags={flags} db={} resp={protocol} lib-name={} lib-ver={}\n",
        facts.id,
        String::from_utf8_lossy(&facts.name),
        facts.database,
        String::from_utf8_lossy(library),
        String::from_utf8_lossy(version),
    )
}
