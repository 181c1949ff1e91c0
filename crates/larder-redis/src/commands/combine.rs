//! Sorted sets put together: ZUNION, ZINTER, ZDIFF, what stores them, and ZINTERCARD.

use larder::{Aggregate, Combine};

use super::sorted_sets::{pairs, set};
use crate::args::{Args, Outcome, float};
use crate::db::{Db, on};
use crate::fault::Fault;
use crate::reply::Reply;

/// What is asked for.
struct Words {
    sets: Combine,
    with_scores: bool,
    limit: usize,
}

/// Reads from the number of keys on. Redis looks at the types of the keys before it looks at the words behind them.
fn read(db: Db<'_>, args: &mut Args<'_>) -> Result<Words, Fault> {
    let name = args.name();
    let count = args.int()?;
    let count = usize::try_from(count).ok().filter(|count| *count > 0);
    let count = count.ok_or_else(|| {
        Fault::new(format!(
            "ERR at least 1 input key is needed for '{name}' command"
        ))
    })?;
    let keys = args.take_many(count)?;
    let words = behind(&name, keys, args);
    if words.is_err() {
        for key in keys {
            set(db, key).len()?;
        }
    }
    words
}

/// Reads the words behind the keys.
fn behind(name: &str, keys: &[&[u8]], args: &mut Args<'_>) -> Result<Words, Fault> {
    let (counts, stores) = (name == "zintercard", name.ends_with("store"));
    let weighs = !counts && !name.starts_with("zdiff");
    let make = match name {
        _ if name.starts_with("zunion") => Combine::union,
        _ if name.starts_with("zinter") => Combine::intersection,
        _ => Combine::difference,
    };
    let mut words = Words {
        sets: make(keys.iter()),
        with_scores: false,
        limit: usize::MAX,
    };
    while !args.is_empty() {
        if weighs && args.left() > keys.len() && args.accept("WEIGHTS") {
            let wrong = Fault::fixed("ERR weight value is not a float");
            let weights = args.take_many(keys.len())?.iter().map(|word| float(word));
            let weights: Option<Vec<f64>> = weights.collect();
            words.sets = words.sets.weights(weights.ok_or(wrong)?);
        } else if weighs && args.accept("AGGREGATE") {
            words.sets = words.sets.aggregate(aggregate(args)?);
        } else if !counts && !stores && args.accept("WITHSCORES") {
            words.with_scores = true;
        } else if counts && args.left() > 1 && args.accept("LIMIT") {
            let limit = usize::try_from(args.int().unwrap_or(-1));
            let limit = limit.map_err(|_| Fault::fixed("ERR LIMIT can't be negative"))?;
            words.limit = if limit == 0 { usize::MAX } else { limit };
        } else {
            return Err(Fault::SYNTAX);
        }
    }
    Ok(words)
}

fn aggregate(args: &mut Args<'_>) -> Result<Aggregate, Fault> {
    let all = [
        ("SUM", Aggregate::Sum),
        ("MIN", Aggregate::Min),
        ("MAX", Aggregate::Max),
    ];
    let found = all.into_iter().find(|(name, _)| args.accept(name));
    Ok(found.ok_or(Fault::SYNTAX)?.1)
}

/// ZUNION, ZINTER and ZDIFF.
pub(crate) fn combine(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let words = read(db, &mut args)?;
    let found = on!(db, |d| d.combine::<Vec<u8>>(&words.sets))?;
    if words.with_scores {
        return Ok(pairs(found));
    }
    Ok(Reply::bulks(found.into_iter().map(|(member, _)| member)))
}

/// ZUNIONSTORE, ZINTERSTORE and ZDIFFSTORE.
pub(crate) fn store(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let to = args.take()?;
    let words = read(db, &mut args)?;
    Ok(Reply::count(set(db, to).store_combined(&words.sets)?))
}

/// ZINTERCARD.
pub(crate) fn intersection_card(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let words = read(db, &mut args)?;
    let count = on!(db, |d| d.combine_len(&words.sets, words.limit))?;
    Ok(Reply::count(count))
}
