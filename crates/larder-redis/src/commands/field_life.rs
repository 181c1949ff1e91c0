//! Fields of a hash that are set or read together with their deadlines: HSETEX, HGETEX.
//!
//! Faults are told as Redis 8.2 tells them.

use std::time::{Duration, UNIX_EPOCH};

use larder::{GetExpire, SetOptions};

use super::expiry::Unit;
use super::field_expiry::{fields, hash};
use crate::args::{Args, Outcome, int, is};
use crate::db::Db;
use crate::fault::Fault;
use crate::reply::Reply;

/// A time for fields: from now on, or a moment. One that is over removes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    In(Duration),
    At(Duration),
}

/// The names of times, with their units and whether they are moments.
const TIMES: [(&str, Unit, bool); 4] = [
    ("EX", Unit::Seconds, false),
    ("PX", Unit::Millis, false),
    ("EXAT", Unit::Seconds, true),
    ("PXAT", Unit::Millis, true),
];

/// Reads EX, PX, EXAT or PXAT with its number, if one of them stands here.
fn time(args: &mut Args<'_>, name: &str) -> Result<Option<Time>, Fault> {
    let Some(word) = args.peek() else {
        return Ok(None);
    };
    let Some((_, unit, is_moment)) = TIMES.iter().find(|(known, ..)| is(word, known)) else {
        return Ok(None);
    };
    args.take()?;
    let number = args.take().map_err(|_| Fault::arity(name))?;
    let number = int(number)?;
    if number < 0 {
        return Err(Fault::fixed("ERR invalid expire time, must be >= 0"));
    }
    let millis = unit
        .millis(number)
        .and_then(|time| u64::try_from(time).ok());
    let time = Duration::from_millis(millis.ok_or_else(|| Fault::expire_time(name))?);
    Ok(Some(if *is_moment {
        Time::At(time)
    } else {
        Time::In(time)
    }))
}

/// The options before FIELDS of HSETEX.
fn options(args: &mut Args<'_>) -> Result<SetOptions<'static>, Fault> {
    let (mut options, mut guarded, mut lives) = (SetOptions::new(), false, false);
    while let Some(word) = args.peek().filter(|word| !is(word, "FIELDS")) {
        let guard = [("FNX", true), ("FXX", false)];
        if let Some((_, absent)) = guard.into_iter().find(|(name, _)| args.accept(name)) {
            if std::mem::replace(&mut guarded, true) {
                return Err(Fault::fixed(
                    "ERR Only one of FXX or FNX arguments can be specified",
                ));
            }
            options = match absent {
                true => options.if_absent(),
                false => options.if_present(),
            };
            continue;
        }
        let is_life = is(word, "KEEPTTL") || TIMES.iter().any(|(name, ..)| is(word, name));
        if !is_life {
            let word = String::from_utf8_lossy(word);
            return Err(Fault::new(format!("ERR unknown argument: {word}")));
        }
        if std::mem::replace(&mut lives, true) {
            return Err(Fault::fixed(
                "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
            ));
        }
        options = if args.accept("KEEPTTL") {
            options.keep_ttl()
        } else {
            match time(args, "hsetex")? {
                Some(Time::In(time)) => options.ttl(time),
                Some(Time::At(time)) => options.expire_at(UNIX_EPOCH + time),
                None => options,
            }
        };
    }
    Ok(options)
}

pub(crate) fn setex(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let hash = hash(db, args.take()?);
    let options = options(&mut args)?;
    let arity = || Fault::arity("hsetex");
    args.take().map_err(|_| arity())?;
    let count = int(args.take().map_err(|_| arity())?).ok();
    let count = count.filter(|count| *count > 0);
    let count = count.ok_or(Fault::fixed("ERR invalid number of fields"))?;
    let words = usize::try_from(count)
        .ok()
        .and_then(|count| count.checked_mul(2));
    if words != Some(args.left()) {
        return Err(arity());
    }
    let pairs = args.rest().chunks_exact(2).map(|pair| (pair[0], pair[1]));
    let set = hash
        .set_many_with(pairs, options)
        .map_err(Fault::in_set("hsetex"))?;
    Ok(Reply::truth(set))
}

pub(crate) fn getex(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let key = args.take()?;
    let hash = hash(db, key);
    // A value of another type is told first.
    hash.len()?;
    let expire = match time(&mut args, "hgetex")? {
        Some(Time::In(time)) => GetExpire::In(time),
        Some(Time::At(time)) => GetExpire::At(UNIX_EPOCH + time),
        None if args.accept("PERSIST") => GetExpire::Never,
        None => GetExpire::Unchanged,
    };
    let values = hash
        .get_expire(fields(&mut args)?, expire)
        .map_err(Fault::in_set("hgetex"))?;
    Ok(Reply::Array(
        values.into_iter().map(Reply::option).collect(),
    ))
}
