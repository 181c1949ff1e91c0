//! Strings that are removed or set under a condition: DELEX, DELIFEQ, MSETEX; and DIGEST, which conditions name.

use larder::SetOptions;

use super::expiry::Life;
use crate::args::{Args, Outcome, is};
use crate::db::{Db, on};
use crate::fault::Fault;
use crate::reply::Reply;

/// What a string is compared with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Likeness<'a> {
    Value(&'a [u8]),
    /// 16 hexadecimal digits.
    Digest(&'a [u8]),
}

impl<'a> Likeness<'a> {
    pub(super) fn digest(word: &'a [u8]) -> Result<Self, Fault> {
        if word.len() == 16 && word.iter().all(u8::is_ascii_hexdigit) {
            return Ok(Likeness::Digest(word));
        }
        Err(Fault::fixed(
            "ERR must be exactly 16 hexadecimal characters",
        ))
    }

    pub(super) fn is_of(self, string: &[u8]) -> bool {
        match self {
            Likeness::Value(value) => string == value,
            Likeness::Digest(digest) => digest_of(string).as_bytes().eq_ignore_ascii_case(digest),
        }
    }
}

/// XXH3 of 64 bits, as the `redis` crate has it for callers.
fn digest_of(string: &[u8]) -> String {
    redis::calculate_value_digest(string)
}

/// DIGEST, after Redis' documentation of 8.4.
pub(crate) fn digest(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let found: Option<Vec<u8>> = on!(db, |d| d.get(args.take()?))?;
    Ok(found.map_or(Reply::Null, |string| Reply::bulk(digest_of(&string))))
}

/// Removes a key if its string is like this, or is not.
fn remove_if(db: Db<'_>, key: &[u8], likeness: Likeness<'_>, like: bool) -> Outcome {
    db.atomic(&[key], |db| {
        let found: Option<Vec<u8>> = on!(db, |d| d.get(key))?;
        let meets = found.is_some_and(|found| likeness.is_of(&found) == like);
        Ok(Reply::truth(meets && on!(db, |d| d.remove(key))))
    })
}

/// DELIFEQ, as Valkey has it.
pub(crate) fn delifeq(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (key, value) = (args.take()?, args.take()?);
    remove_if(db, key, Likeness::Value(value), true)
}

/// DELEX, after Redis' documentation of 8.4.
pub(crate) fn delex(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let key = args.take()?;
    if args.is_empty() {
        return Ok(Reply::truth(on!(db, |d| d.remove(key))));
    }
    let (word, other) = (args.take()?, args.take()?);
    let (likeness, like) = match word {
        _ if is(word, "IFEQ") => (Likeness::Value(other), true),
        _ if is(word, "IFNE") => (Likeness::Value(other), false),
        _ if is(word, "IFDEQ") => (Likeness::digest(other)?, true),
        _ if is(word, "IFDNE") => (Likeness::digest(other)?, false),
        _ => return Err(Fault::SYNTAX),
    };
    args.end()?;
    remove_if(db, key, likeness, like)
}

/// MSETEX: keys with values, all or none, with one time to live.
pub(crate) fn msetex(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let count = args.positive("ERR invalid numkeys value or out of range")?;
    let pairs = count.checked_mul(2).filter(|words| *words <= args.left());
    let pairs = pairs.ok_or(Fault::SYNTAX)?;
    let pairs = args.take_many(pairs)?.chunks_exact(2);
    let (mut life, mut absent) = (Life::Unsaid, None);
    while !args.is_empty() {
        if args.accept("KEEPTTL") {
            life.keep()?;
        } else if args.accept("NX") {
            absent = set_guard(absent, true)?;
        } else if args.accept("XX") {
            absent = set_guard(absent, false)?;
        } else {
            life.read(&mut args)?;
        }
    }
    let options = life.of_set(SetOptions::new(), "msetex")?;
    let keys: Vec<&[u8]> = pairs.clone().map(|pair| pair[0]).collect();
    db.atomic(&keys, |db| {
        let there = |key: &&[u8]| on!(db, |d| d.exists(key));
        let meets = match absent {
            None => true,
            Some(true) => !keys.iter().any(there),
            Some(false) => keys.iter().all(there),
        };
        if meets {
            for pair in pairs {
                on!(db, |d| d.set_with(pair[0], pair[1], options.clone()))
                    .map_err(Fault::in_set("msetex"))?;
            }
        }
        Ok(Reply::truth(meets))
    })
}

/// NX and XX exclude each other.
fn set_guard(before: Option<bool>, now: bool) -> Result<Option<bool>, Fault> {
    match before {
        Some(before) if before != now => Err(Fault::SYNTAX),
        _ => Ok(Some(now)),
    }
}
