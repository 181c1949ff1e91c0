//! CLIENT: what a session says of itself.

use super::connection::is_printable;
use super::{exactly, subcommand_arity, unknown_subcommand};
use crate::args::{Args, Outcome, is};
use crate::fault::Fault;
use crate::reply::Reply;
use crate::session::{Session, Wanted};

pub(crate) fn client(session: &mut Session, mut args: Args<'_>) -> Outcome {
    let word = args.take()?.to_ascii_uppercase();
    match &word[..] {
        b"ID" => {
            exactly(args, 2)?;
            Ok(Reply::Int(i64::try_from(session.id).unwrap_or(i64::MAX)))
        }
        b"GETNAME" => {
            exactly(args, 2)?;
            let name = Some(session.name.clone()).filter(|name| !name.is_empty());
            Ok(Reply::option(name))
        }
        b"SETNAME" => {
            exactly(args, 3)?;
            set_name(session, args.take()?)?;
            Ok(Reply::Ok)
        }
        b"SETINFO" => set_info(session, args),
        b"REPLY" => reply(session, args),
        b"INFO" | b"LIST" => Ok(Reply::Text(line(session))),
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

pub(crate) fn set_name(session: &mut Session, name: &[u8]) -> Result<(), Fault> {
    if !is_printable(name) {
        return Err(Fault::fixed(
            "ERR Client names cannot contain spaces, newlines or special characters.",
        ));
    }
    session.name = name.to_vec();
    Ok(())
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
    session.library[place] = value.to_vec();
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

/// The session as a line of CLIENT LIST.
fn line(session: &Session) -> String {
    let [library, version] = &session.library;
    let queued = session
        .queue
        .as_ref()
        .map_or(-1, |queue| queue.commands.len() as i64);
    format!(
        "id={} name={} db={} multi={queued} watch={} lib-name={} lib-ver={}\n",
        session.id,
        String::from_utf8_lossy(&session.name),
        session.number,
        session.watched.len(),
        String::from_utf8_lossy(library),
        String::from_utf8_lossy(version),
    )
}
