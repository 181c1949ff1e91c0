//! Keys of any type: DEL, RENAME, TYPE, OBJECT and what is like them.

use std::time::Duration;

use larder::{KeyType, SetOptions};

use super::config::policy;
use super::{exactly, unknown_subcommand};
use crate::args::{Args, Outcome, int, is};
use crate::db::{Db, on};
use crate::encoding;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::session::Session;

/// DEL and UNLINK: values are freed off the caller's path either way.
pub(crate) fn del(db: Db<'_>, args: Args<'_>) -> Outcome {
    Ok(Reply::count(match db {
        Db::Store(store) => match args.rest() {
            [key] => usize::from(store.remove(key)),
            keys => store.remove_many(keys),
        },
        Db::Tx(tx) => args.rest().iter().filter(|key| tx.remove(key)).count(),
    }))
}

pub(crate) fn exists(db: Db<'_>, args: Args<'_>) -> Outcome {
    Ok(Reply::count(match db {
        Db::Store(store) => store.exists_many(args.rest()),
        Db::Tx(tx) => args.rest().iter().filter(|key| tx.exists(key)).count(),
    }))
}

pub(crate) fn touch(db: Db<'_>, args: Args<'_>) -> Outcome {
    let touched = |key: &&&[u8]| match db {
        Db::Store(store) => store.touch(key),
        Db::Tx(tx) => tx.exists(key),
    };
    Ok(Reply::count(args.rest().iter().filter(touched).count()))
}

pub(crate) fn type_of(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let key = args.take()?;
    let found = on!(db, |d| d.key_type(key));
    Ok(Reply::Status(found.map_or("none", KeyType::name).into()))
}

pub(crate) fn rename(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (from, to) = (args.take()?, args.take()?);
    on!(db, |d| d.rename(from, to))?;
    Ok(Reply::Ok)
}

pub(crate) fn renamenx(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (from, to) = (args.take()?, args.take()?);
    Ok(Reply::truth(on!(db, |d| d.rename_if_absent(from, to))?))
}

/// What COPY is given.
struct CopyWords<'a> {
    from: &'a [u8],
    to: &'a [u8],
    replace: bool,
    number: Option<i64>,
}

impl<'a> CopyWords<'a> {
    /// Reads the words, where there are databases below `count`: one that there is not is told before what stands behind it.
    fn read(mut args: Args<'a>, count: usize) -> Result<Self, Fault> {
        let (from, to) = (args.take()?, args.take()?);
        let (mut replace, mut number) = (false, None);
        while !args.is_empty() {
            if args.accept("REPLACE") {
                replace = true;
            } else if args.left() > 1 && args.accept("DB") {
                let named = database(args.take()?)?;
                if !usize::try_from(named).is_ok_and(|named| named < count) {
                    return Err(Fault::NO_SUCH_DATABASE);
                }
                number = Some(named);
            } else {
                return Err(Fault::SYNTAX);
            }
        }
        Ok(CopyWords {
            from,
            to,
            replace,
            number,
        })
    }

    /// Copies within a database.
    fn copy(&self, db: Db<'_>) -> Outcome {
        let copied = if self.replace {
            on!(db, |d| d.copy_over(self.from, self.to))
        } else {
            on!(db, |d| d.copy(self.from, self.to))
        };
        Ok(Reply::truth(copied?))
    }
}

/// COPY within a database. One that names a database stands alone in a transaction, and never comes here.
pub(crate) fn copy(db: Db<'_>, args: Args<'_>) -> Outcome {
    CopyWords::read(args, 0)?.copy(db)
}

/// COPY, which may name another database.
pub(crate) fn copy_between(session: &mut Session, args: Args<'_>) -> Outcome {
    let words = CopyWords::read(args, session.databases.count())?;
    let Some(number) = words.number else {
        return words.copy(Db::Store(&session.store));
    };
    let (number, other) = session.databases.select(number)?;
    if number == session.number {
        return words.copy(Db::Store(&session.store));
    }
    let (CopyWords { from, to, .. }, store) = (&words, &session.store);
    let copied = if words.replace {
        store.copy_over_to(from, other, to)
    } else {
        store.copy_to(from, other, to)
    };
    Ok(Reply::truth(copied?))
}

/// The number of a database, which servers keep in 32 bits.
fn database(word: &[u8]) -> Result<i64, Fault> {
    let number = int(word)?;
    if i32::try_from(number).is_err() {
        return Err(Fault::fixed(
            "ERR value is out of range, value must between -2147483648 and 2147483647",
        ));
    }
    Ok(number)
}

/// MOVE: to another database.
pub(crate) fn move_to(session: &mut Session, mut args: Args<'_>) -> Outcome {
    let (key, number) = (args.take()?, int(args.take()?)?);
    let (number, other) = session.databases.select(number)?;
    if number == session.number {
        return Err(larder::Error::SameKey.into());
    }
    Ok(Reply::truth(session.store.move_to(key, other)?))
}

pub(crate) fn dump(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let key = args.take()?;
    Ok(Reply::option(on!(db, |d| d.dump(key))?))
}

/// RESTORE. IDLETIME and FREQ are read, and say nothing here.
pub(crate) fn restore(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (key, life, dump) = (args.take()?, args.take()?, args.take()?);
    let (mut replace, mut absolute) = (false, false);
    while !args.is_empty() {
        if args.accept("REPLACE") {
            replace = true;
        } else if args.accept("ABSTTL") {
            absolute = true;
        } else if args.left() > 1 && (args.accept("IDLETIME") || args.accept("FREQ")) {
            args.int()?;
        } else {
            return Err(Fault::SYNTAX);
        }
    }
    let busy = Fault::fixed("BUSYKEY Target key name already exists.");
    if !replace && on!(db, |d| d.exists(key)) {
        return Err(busy);
    }
    let millis = u64::try_from(int(life)?)
        .map_err(|_| Fault::fixed("ERR Invalid TTL value, must be >= 0"))?;
    let life = Duration::from_millis(millis);
    let mut options = match (millis, absolute) {
        (0, _) => SetOptions::new(),
        (_, true) => SetOptions::new().expire_at(std::time::UNIX_EPOCH + life),
        (_, false) => SetOptions::new().ttl(life),
    };
    if !replace {
        options = options.if_absent();
    }
    if !on!(db, |d| d.restore(key, dump, options))? {
        return Err(busy);
    }
    Ok(Reply::Ok)
}

/// OBJECT. The store is asked outside of the locks that a transaction holds, so that it stands alone there.
pub(crate) fn object(session: &mut Session, mut args: Args<'_>) -> Outcome {
    let word = args.take()?;
    if is(word, "HELP") {
        return Ok(Reply::bulks([
            "OBJECT ENCODING|REFCOUNT|IDLETIME|FREQ <key>",
        ]));
    }
    if !["ENCODING", "REFCOUNT", "IDLETIME", "FREQ"]
        .iter()
        .any(|name| is(word, name))
    {
        return Err(unknown_subcommand(args));
    }
    exactly(args, 3)?;
    let (key, store) = (args.take()?, &session.store);
    let Some(seen) = store.inspect(key) else {
        return Ok(Reply::Null);
    };
    let counts_uses = policy(store) == "allkeys-lfu";
    if is(word, "ENCODING") {
        let encoding = encoding::name(store, key, &seen)?;
        return Ok(encoding.map_or(Reply::Null, Reply::bulk));
    }
    if is(word, "FREQ") && !counts_uses {
        return Err(Fault::fixed(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when \
             switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    if is(word, "FREQ") {
        return Ok(Reply::Int(seen.uses.into()));
    }
    if is(word, "IDLETIME") && counts_uses {
        return Err(Fault::fixed(
            "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between \
             policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    if is(word, "IDLETIME") {
        let idle = seen.idle.unwrap_or_default();
        return Ok(Reply::Int(
            i64::try_from(idle.as_secs()).unwrap_or(i64::MAX),
        ));
    }
    // Nobody shares a value.
    Ok(Reply::Int(1))
}
