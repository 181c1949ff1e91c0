//! Keys of any type: DEL, RENAME, TYPE, OBJECT and what is like them.

use larder::KeyType;

use super::{exactly, unknown_subcommand};
use crate::args::{Args, Outcome, is};
use crate::db::{Db, on};
use crate::fault::Fault;
use crate::reply::Reply;

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

pub(crate) fn copy(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (from, to) = (args.take()?, args.take()?);
    let mut replace = false;
    while !args.is_empty() {
        if args.accept("REPLACE") {
            replace = true;
        } else if args.accept("DB") {
            args.int()?;
            return Err(Fault::fixed(
                "ERR COPY to another database is not supported",
            ));
        } else {
            return Err(Fault::SYNTAX);
        }
    }
    let copied = if replace {
        on!(db, |d| d.copy_over(from, to))
    } else {
        on!(db, |d| d.copy(from, to))
    };
    Ok(Reply::truth(copied?))
}

/// Longest string that Redis keeps beside its header.
const EMBEDDED: usize = 44;

/// How Redis would hold the value; larder has other forms, and callers look at the name only.
fn encoding(db: Db<'_>, key: &[u8]) -> Result<Option<&'static str>, Fault> {
    let Some(key_type) = on!(db, |d| d.key_type(key)) else {
        return Ok(None);
    };
    Ok(Some(match key_type {
        KeyType::String => {
            let value: Vec<u8> = on!(db, |d| d.get(key))?.unwrap_or_default();
            match crate::args::int(&value) {
                Ok(_) => "int",
                Err(_) if value.len() <= EMBEDDED => "embstr",
                Err(_) => "raw",
            }
        }
        _ => "unknown",
    }))
}

pub(crate) fn object(db: Db<'_>, mut args: Args<'_>) -> Outcome {
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
    let key = args.take()?;
    let Some(encoding) = encoding(db, key)? else {
        return Ok(Reply::Null);
    };
    if is(word, "ENCODING") {
        return Ok(Reply::bulk(encoding));
    }
    if is(word, "FREQ") {
        return Err(Fault::fixed(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when \
             switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    // Nobody shares a value, and when one was last read is not kept.
    Ok(Reply::truth(is(word, "REFCOUNT")))
}
