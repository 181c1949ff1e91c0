//! Counters: INCR and what is like it.

use crate::args::{Args, Outcome};
use crate::db::{Db, on};
use crate::reply::Reply;

pub(crate) fn incr(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let key = args.take()?;
    Ok(Reply::Int(on!(db, |d| d.incr(key, 1))?))
}

pub(crate) fn decr(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let key = args.take()?;
    Ok(Reply::Int(on!(db, |d| d.incr(key, -1))?))
}

pub(crate) fn incrby(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (key, by) = (args.take()?, args.int()?);
    Ok(Reply::Int(on!(db, |d| d.incr(key, by))?))
}

pub(crate) fn decrby(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (key, by) = (args.take()?, args.int()?);
    Ok(Reply::Int(on!(db, |d| d.decr(key, by))?))
}

pub(crate) fn incrbyfloat(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (key, by) = (args.take()?, args.take()?);
    Ok(Reply::bulk(on!(db, |d| d.incr_by_float(key, by))?))
}
