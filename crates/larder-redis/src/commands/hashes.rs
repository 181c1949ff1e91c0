//! Hashes: HSET, HGET and what is like them.

use larder::{Draw, Error, Hash, InTx};

use crate::args::{Args, Outcome, float};
use crate::db::Db;
use crate::fault::Fault;
use crate::reply::Reply;

type Bytes = Vec<u8>;

fn hash<'d>(db: Db<'d>, key: &[u8]) -> Hash<'d, Bytes, InTx<'d>> {
    db.hash::<Bytes>(key)
}

/// HSET and HMSET.
pub(crate) fn set(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let name = args.name();
    let hash = hash(db, args.take()?);
    if args.is_empty() || !args.left().is_multiple_of(2) {
        return Err(Fault::arity(&name));
    }
    let pairs = args.rest().chunks_exact(2).map(|pair| (pair[0], pair[1]));
    let added = hash.set_many(pairs)?;
    Ok(if name == "hmset" {
        Reply::Ok
    } else {
        Reply::count(added)
    })
}

pub(crate) fn setnx(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let hash = hash(db, args.take()?);
    Ok(Reply::truth(
        hash.set_if_absent(args.take()?, args.take()?)?,
    ))
}

pub(crate) fn get(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    Ok(Reply::option(hash(db, args.take()?).get(args.take()?)?))
}

pub(crate) fn mget(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let values = hash(db, args.take()?).get_many(args.rest())?;
    Ok(Reply::Array(
        values.into_iter().map(Reply::option).collect(),
    ))
}

pub(crate) fn getall(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    Ok(Reply::Map(rows(hash(db, args.take()?).entries()?)))
}

fn rows(rows: Vec<(Bytes, Bytes)>) -> Vec<(Reply, Reply)> {
    let row = |(field, value)| (Reply::Bulk(field), Reply::Bulk(value));
    rows.into_iter().map(row).collect()
}

pub(crate) fn keys(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    Ok(Reply::bulks(hash(db, args.take()?).fields::<Bytes>()?))
}

pub(crate) fn vals(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    Ok(Reply::bulks(hash(db, args.take()?).values()?))
}

pub(crate) fn len(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    Ok(Reply::count(hash(db, args.take()?).len()?))
}

pub(crate) fn exists(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    Ok(Reply::truth(hash(db, args.take()?).contains(args.take()?)?))
}

pub(crate) fn strlen(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    Ok(Reply::count(hash(db, args.take()?).len_of(args.take()?)?))
}

pub(crate) fn del(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    Ok(Reply::count(
        hash(db, args.take()?).remove_many(args.rest())?,
    ))
}

/// What a store refuses of a sum, in the words that hashes have.
fn in_hash(error: Error) -> Fault {
    match error {
        Error::NotAnInteger => Fault::fixed("ERR hash value is not an integer"),
        Error::NotAFloat => Fault::fixed("ERR hash value is not a float"),
        other => other.into(),
    }
}

pub(crate) fn incrby(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let hash = hash(db, args.take()?);
    let (field, by) = (args.take()?, args.int()?);
    Ok(Reply::Int(hash.incr(field, by).map_err(in_hash)?))
}

pub(crate) fn incrbyfloat(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let hash = hash(db, args.take()?);
    let (field, by) = (args.take()?, args.take()?);
    if !float(by).ok_or(Fault::NOT_A_FLOAT)?.is_finite() {
        return Err(Fault::fixed("ERR value is NaN or Infinity"));
    }
    Ok(Reply::bulk(hash.incr_by_float(field, by).map_err(in_hash)?))
}

pub(crate) fn randfield(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let hash = hash(db, args.take()?);
    if args.is_empty() {
        let drawn = hash.random_many::<Bytes>(Draw::Repeated(1))?.pop();
        return Ok(Reply::option(drawn.map(|(field, _)| field)));
    }
    let draw = drawn(args.int()?)?;
    let with_values = !args.is_empty();
    if with_values && !args.accept("WITHVALUES") {
        return Err(Fault::SYNTAX);
    }
    args.end()?;
    let found = hash.random_many::<Bytes>(draw)?;
    if with_values {
        return Ok(Reply::Pairs(rows(found)));
    }
    Ok(Reply::bulks(found.into_iter().map(|(field, _)| field)))
}

/// How a count draws: a positive one each at most once, a negative one with repeats.
pub(crate) fn drawn(count: i64) -> Result<Draw, Fault> {
    let many = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    match count {
        i64::MIN => Err(Fault::fixed(
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        )),
        0.. => Ok(Draw::Distinct(many)),
        _ => Ok(Draw::Repeated(many)),
    }
}
