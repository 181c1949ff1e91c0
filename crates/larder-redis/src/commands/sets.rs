//! Sets: SADD, SINTER and what is like them.

use larder::{InTx, Set};

use super::hashes::drawn;
use crate::args::{Args, Outcome, int};
use crate::db::{Db, on};
use crate::fault::Fault;
use crate::reply::Reply;

type Bytes = Vec<u8>;

fn set<'d>(db: Db<'d>, key: &[u8]) -> Set<'d, Bytes, InTx<'d>> {
    db.set_of::<Bytes>(key)
}

fn members(members: Vec<Bytes>) -> Reply {
    Reply::Set(members.into_iter().map(Reply::Bulk).collect())
}

pub(crate) fn add(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    Ok(Reply::count(set(db, args.take()?).add_many(args.rest())?))
}

pub(crate) fn remove(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    Ok(Reply::count(
        set(db, args.take()?).remove_many(args.rest())?,
    ))
}

pub(crate) fn card(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    Ok(Reply::count(set(db, args.take()?).len()?))
}

pub(crate) fn is_member(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    Ok(Reply::truth(set(db, args.take()?).contains(args.take()?)?))
}

pub(crate) fn are_members(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let found = set(db, args.take()?).contains_many(args.rest())?;
    Ok(Reply::Array(found.into_iter().map(Reply::truth).collect()))
}

pub(crate) fn all(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    Ok(members(set(db, args.take()?).members()?))
}

pub(crate) fn move_to(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let from = set(db, args.take()?);
    Ok(Reply::truth(from.move_to(args.take()?, args.take()?)?))
}

pub(crate) fn pop(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let set = set(db, args.take()?);
    if args.is_empty() {
        return Ok(Reply::option(set.pop()?));
    }
    if args.left() > 1 {
        return Err(Fault::SYNTAX);
    }
    let count = int(args.take()?)
        .ok()
        .and_then(|count| usize::try_from(count).ok());
    Ok(members(set.pop_many(count.ok_or(Fault::NOT_POSITIVE)?)?))
}

pub(crate) fn random(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let set = set(db, args.take()?);
    if args.is_empty() {
        return Ok(Reply::option(set.random()?));
    }
    if args.left() > 1 {
        return Err(Fault::SYNTAX);
    }
    Ok(Reply::bulks(set.random_many(drawn(args.int()?)?)?))
}

/// SINTER, SUNION and SDIFF.
pub(crate) fn combine(db: Db<'_>, args: Args<'_>) -> Outcome {
    let keys = args.rest();
    Ok(members(match &args.name()[..] {
        "sinter" => on!(db, |d| d.intersection(keys)),
        "sunion" => on!(db, |d| d.union(keys)),
        _ => on!(db, |d| d.difference(keys)),
    }?))
}

/// SINTERSTORE, SUNIONSTORE and SDIFFSTORE.
pub(crate) fn store_combined(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let name = args.name();
    let (to, keys) = (args.take()?, args.rest());
    Ok(Reply::count(match &name[..] {
        "sinterstore" => on!(db, |d| d.store_intersection(to, keys)),
        "sunionstore" => on!(db, |d| d.store_union(to, keys)),
        _ => on!(db, |d| d.store_difference(to, keys)),
    }?))
}

/// SINTERCARD, SUNIONCARD and SDIFFCARD. The union that is asked for about is counted all the same.
pub(crate) fn combined_card(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let name = args.name();
    let count = args.positive("ERR numkeys should be greater than 0")?;
    if count > args.left() {
        return Err(Fault::fixed(
            "ERR Number of keys can't be greater than number of args",
        ));
    }
    let keys = args.take_many(count)?;
    let mut limit = None;
    while !args.is_empty() {
        if name == "sunioncard" && args.accept("APPROX") {
            continue;
        }
        if !args.accept("LIMIT") || args.is_empty() {
            return Err(Fault::SYNTAX);
        }
        let most = usize::try_from(args.int().unwrap_or(-1));
        let most = most.map_err(|_| Fault::fixed("ERR LIMIT can't be negative"))?;
        limit = Some(most).filter(|most| *most > 0);
    }
    Ok(Reply::count(match &name[..] {
        "sintercard" => on!(db, |d| d.intersection_len(keys, limit)),
        "sunioncard" => on!(db, |d| d.union_len(keys, limit)),
        _ => on!(db, |d| d.difference_len(keys, limit)),
    }?))
}
