//! The server: TIME, DBSIZE, FLUSHALL, DEBUG, MEMORY.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use larder::Store;

use super::{exactly, unknown_subcommand};
use crate::args::{Args, Outcome};
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

/// What test suites need: SLEEP, and SET-ACTIVE-EXPIRE, which nothing depends on here.
#[expect(clippy::disallowed_methods, reason = "DEBUG SLEEP is asked to")]
pub(crate) fn debug(_: &mut Session, mut args: Args<'_>) -> Outcome {
    let word = args.take()?.to_ascii_uppercase();
    match &word[..] {
        b"SLEEP" => {
            exactly(args, 3)?;
            let time =
                Duration::try_from_secs_f64(args.float()?).map_err(|_| Fault::NOT_A_FLOAT)?;
            std::thread::sleep(time);
            Ok(Reply::Ok)
        }
        b"SET-ACTIVE-EXPIRE" => {
            exactly(args, 3)?;
            args.int()?;
            Ok(Reply::Ok)
        }
        _ => Err(unknown_subcommand(args)),
    }
}
