//! The server: TIME, DBSIZE, FLUSHALL, SWAPDB, MEMORY, DEBUG.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use larder::Store;

use super::{subcommand_arity, unfit_subcommand, unknown_subcommand};
use crate::args::{Args, Outcome};
use crate::encoding;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::session::Session;

#[expect(
    clippy::disallowed_methods,
    reason = "TIME is asked for the wall clock"
)]
pub(crate) fn time(_: &mut Session, _: Args<'_>) -> Outcome {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Ok(Reply::bulks([
        now.as_secs().to_string(),
        now.subsec_micros().to_string(),
    ]))
}

pub(crate) fn dbsize(store: &Store, _: Args<'_>) -> Outcome {
    Ok(Reply::count(store.len()))
}

/// ASYNC and SYNC are the same here: values are freed after the unlock.
fn flush_mode(args: Args<'_>) -> Result<(), Fault> {
    let mut args = args;
    if args.accept("ASYNC") || args.accept("SYNC") || args.is_empty() {
        args.end()
    } else {
        Err(Fault::SYNTAX)
    }
}

pub(crate) fn flushdb(store: &Store, args: Args<'_>) -> Outcome {
    flush_mode(args)?;
    store.clear();
    Ok(Reply::Ok)
}

pub(crate) fn flushall(session: &mut Session, args: Args<'_>) -> Outcome {
    flush_mode(args)?;
    for (_, store) in session.databases.used() {
        store.clear();
    }
    Ok(Reply::Ok)
}

/// SWAPDB. Who waits for an element goes on waiting in the store that it began in.
pub(crate) fn swapdb(session: &mut Session, mut args: Args<'_>) -> Outcome {
    let mut number = |otherwise: &'static str| {
        let number = args
            .int()
            .ok()
            .filter(|number| i32::try_from(*number).is_ok());
        number.ok_or(Fault::fixed(otherwise))
    };
    let one = number("ERR invalid first DB index")?;
    let other = number("ERR invalid second DB index")?;
    let (one, _) = session.databases.select(one)?;
    let (other, _) = session.databases.select(other)?;
    if one != other {
        session.databases.swap(one, other);
        // At once: in a transaction, the next command is this session's own.
        session.follow_swaps();
    }
    Ok(Reply::Ok)
}

/// MEMORY USAGE: bytes of a key, its part of the table included.
pub(crate) fn memory(session: &mut Session, mut args: Args<'_>) -> Outcome {
    let word = args.take()?.to_ascii_uppercase();
    match &word[..] {
        b"USAGE" => {
            let Ok(key) = args.take() else {
                return Err(subcommand_arity(args));
            };
            while !args.is_empty() {
                let sampled = args.left() > 1 && args.accept("SAMPLES");
                if !sampled || args.int()? < 0 {
                    return Err(Fault::SYNTAX);
                }
            }
            let bytes = session.store.inspect(key).map(|seen| seen.bytes);
            let bytes = bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
            Ok(bytes.map_or(Reply::Null, Reply::Int))
        }
        _ => Err(unknown_subcommand(args)),
    }
}

/// What test suites need: SLEEP, OBJECT, and SET-ACTIVE-EXPIRE, which nothing depends on here.
#[expect(clippy::disallowed_methods, reason = "DEBUG SLEEP is asked to")]
pub(crate) fn debug(session: &mut Session, mut args: Args<'_>) -> Outcome {
    let word = args.take()?.to_ascii_uppercase();
    match &word[..] {
        b"SLEEP" if args.left() == 1 => {
            let time =
                Duration::try_from_secs_f64(args.float()?).map_err(|_| Fault::NOT_A_FLOAT)?;
            std::thread::sleep(time);
            Ok(Reply::Ok)
        }
        b"SET-ACTIVE-EXPIRE" if args.left() == 1 => {
            args.int()?;
            Ok(Reply::Ok)
        }
        b"OBJECT" if args.left() == 1 => object(session, args.take()?),
        _ => Err(unfit_subcommand(args)),
    }
}

fn object(session: &Session, key: &[u8]) -> Outcome {
    let store = &session.store;
    let seen = store.inspect(key).ok_or(Fault::NO_SUCH_KEY)?;
    let encoding = encoding::name(store, key, &seen)?.unwrap_or("none");
    let dumped = store.dump(key)?.map_or(0, |dump| dump.len());
    Ok(Reply::Status(
        format!(
            "Value refcount:1 encoding:{encoding} serializedlength:{dumped} bytes:{} uses:{}",
            seen.bytes, seen.uses
        )
        .into(),
    ))
}
