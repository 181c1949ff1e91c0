//! Transactions: MULTI, EXEC, DISCARD, WATCH, UNWATCH.
//!
//! EXEC takes the locks of all keys that its commands name, checks that no watched key has changed, and runs them on the
//! open transaction. What a command refuses is its reply; the others stand all the same. A command that takes the store
//! as a whole (FLUSHDB, KEYS, SELECT) parts a transaction in two: what stands before it is one, what stands behind it too.

use std::convert::Infallible;

use larder::{Tx, WatchedKeys};

use crate::args::{Args, Outcome, is};
use crate::db::Db;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::session::{Queue, Queued, Session};
use crate::table::{ALONE, Handler};

pub(crate) fn multi(session: &mut Session, _: Args<'_>) -> Outcome {
    if session.queue.is_some() {
        return Err(Fault::NESTED_MULTI);
    }
    session.queue = Some(Queue::default());
    Ok(Reply::Ok)
}

pub(crate) fn discard(session: &mut Session, _: Args<'_>) -> Outcome {
    session.queue.take().ok_or(Fault::DISCARD_WITHOUT_MULTI)?;
    session.forget_watched();
    Ok(Reply::Ok)
}

pub(crate) fn watch(session: &mut Session, args: Args<'_>) -> Outcome {
    if session.queue.is_some() {
        return Err(Fault::WATCH_INSIDE_MULTI);
    }
    let mut watched = session.watched.iter_mut();
    match watched.find(|(number, _)| *number == session.number) {
        Some((_, watched)) => watched.watch_more(args.rest()),
        None => {
            let watched = session.store.watch_keys(args.rest());
            session.watched.push((session.number, watched));
        }
    }
    Ok(Reply::Ok)
}

pub(crate) fn unwatch(session: &mut Session, _: Args<'_>) -> Outcome {
    session.forget_watched();
    Ok(Reply::Ok)
}

impl Queued {
    /// Whether it takes the store as a whole, and so cannot run under the locks of some keys.
    fn is_alone(&self) -> bool {
        match self.command.handler {
            Handler::Whole(_) => true,
            Handler::Between(..) => self.words.iter().skip(3).any(|word| is(word, "DB")),
            _ => self.command.has(ALONE),
        }
    }

    /// Runs `work` on the words.
    fn with_words<R>(&self, work: impl FnOnce(&[&[u8]]) -> R) -> R {
        let words: Vec<&[u8]> = self.words.iter().map(Vec::as_slice).collect();
        work(&words)
    }

    fn keys(&self) -> Vec<Vec<u8>> {
        self.with_words(|words| {
            let keys = self.command.keys_of(words).unwrap_or_default();
            keys.into_iter().map(<[u8]>::to_vec).collect()
        })
    }

    /// Runs the command on the open transaction, or on the session.
    fn run(&self, session: &mut Session, tx: &Tx<'_>) -> Reply {
        self.with_words(|words| {
            let args = Args::new(words);
            match self.command.handler {
                Handler::Data(run) | Handler::Between(run, _) => run(Db::Tx(tx), args).into(),
                Handler::Waiting(read) => read(args)
                    .and_then(|want| want.in_transaction(Db::Tx(tx)))
                    .into(),
                Handler::Session(run) => run(session, args).into(),
                Handler::Whole(_) => Reply::Error(Fault::SYNTAX),
            }
        })
    }
}

pub(crate) fn exec(session: &mut Session, _: Args<'_>) -> Outcome {
    let queue = session.queue.take().ok_or(Fault::EXEC_WITHOUT_MULTI)?;
    let watched = std::mem::take(&mut session.watched);
    let swapped = session.forget_watched();
    if queue.aborted {
        return Err(Fault::ABORTED);
    }
    let (here, elsewhere): (Vec<_>, Vec<_>) = watched
        .into_iter()
        .partition(|(number, _)| *number == session.number);
    if swapped || !elsewhere.iter().all(|(_, watched)| watched.are_unchanged()) {
        return Ok(Reply::NullArray);
    }
    let mut replies = Vec::with_capacity(queue.commands.len());
    let mut watched = here.first().map(|(_, watched)| watched);
    let mut rest = &queue.commands[..];
    loop {
        let together = rest.iter().take_while(|queued| !queued.is_alone()).count();
        let (run, after) = rest.split_at(together);
        if !run_together(session, run, watched.take(), &mut replies) {
            return Ok(Reply::NullArray);
        }
        let Some((alone, after)) = after.split_first() else {
            return Ok(Reply::Array(replies));
        };
        replies.push(
            alone
                .with_words(|words| session.run_now(alone.command, words))
                .into(),
        );
        rest = after;
    }
}

/// Runs commands as one; `false`, and nothing done, if a watched key has changed.
fn run_together(
    session: &mut Session,
    commands: &[Queued],
    watched: Option<&WatchedKeys>,
    replies: &mut Vec<Reply>,
) -> bool {
    let keys = commands.iter().flat_map(Queued::keys);
    let store = session.store.clone();
    let work = |tx: &Tx<'_>| {
        replies.extend(commands.iter().map(|queued| queued.run(session, tx)));
        Ok::<_, Infallible>(())
    };
    let done = match watched {
        Some(watched) => store.atomic_if_unchanged(watched, keys, work),
        None => store.atomic(keys, work).map(Some),
    };
    matches!(done, Ok(Some(())))
}
