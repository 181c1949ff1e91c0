//! HyperLogLogs: PFADD, PFCOUNT, PFMERGE.

use crate::args::{Args, Outcome};
use crate::db::{Db, on};
use crate::reply::Reply;

pub(crate) fn add(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let key = args.take()?;
    let changed = on!(db, |d| d.hyperloglog(key).add_many(args.rest()))?;
    Ok(Reply::truth(changed))
}

pub(crate) fn count(db: Db<'_>, args: Args<'_>) -> Outcome {
    let count = match args.rest() {
        [key] => on!(db, |d| d.hyperloglog(key).count()),
        keys => on!(db, |d| d.count_distinct(keys)),
    }?;
    Ok(Reply::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}

pub(crate) fn merge(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let to = args.take()?;
    on!(db, |d| d.hyperloglog(to).merge(args.rest()))?;
    Ok(Reply::Ok)
}
