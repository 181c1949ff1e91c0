//! Strings: GET, SET and what is like them.

use larder::{GetExpire, SetOptions, Span};

use crate::args::{Args, Outcome};
use crate::commands::expiry::{Life, Unit, When};
use crate::commands::guarded::Likeness;
use crate::db::{Db, on};
use crate::fault::Fault;
use crate::reply::Reply;

/// Longest string, as Redis' `proto-max-bulk-len` has it.
const MAX_STRING: usize = 512 << 20;

pub(crate) fn get(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let key = args.take()?;
    Ok(Reply::option(match db {
        // Read into what is answered, without a buffer between.
        Db::Store(store) => {
            let mut value = Vec::new();
            store.get_into(key, &mut value)?.then_some(value)
        }
        Db::Tx(tx) => tx.get(key)?,
    }))
}

/// What SET may be given behind key and value.
#[derive(Default)]
struct SetWords<'a> {
    life: Life<'a>,
    options: SetOptions<'a>,
    /// One of NX, XX, IFEQ and what is like it was given; not two different ones.
    guard: Option<&'static str>,
    /// What IFNE, IFDEQ or IFDNE names, and whether the old string is to be like it.
    likeness: Option<(Likeness<'a>, bool)>,
    get: bool,
}

impl<'a> SetWords<'a> {
    fn read(mut args: Args<'a>) -> Result<Self, Fault> {
        let mut words = SetWords::default();
        while !args.is_empty() {
            if args.accept("GET") {
                words.get = true;
            } else if args.accept("NX") {
                words.guard("NX", SetOptions::if_absent)?;
            } else if args.accept("XX") {
                words.guard("XX", SetOptions::if_present)?;
            } else if args.accept("IFEQ") {
                let value = args.take()?;
                words.guard("IFEQ", |options| options.if_equal(value))?;
            } else if args.accept("IFNE") {
                words.likeness = Some((Likeness::Value(args.take()?), false));
                words.guard("IFNE", |options| options)?;
            } else if args.accept("IFDEQ") {
                words.likeness = Some((Likeness::digest(args.take()?)?, true));
                words.guard("IFDEQ", |options| options)?;
            } else if args.accept("IFDNE") {
                words.likeness = Some((Likeness::digest(args.take()?)?, false));
                words.guard("IFDNE", |options| options)?;
            } else if args.accept("KEEPTTL") {
                words.life.keep()?;
            } else {
                words.life.read(&mut args)?;
            }
        }
        Ok(words)
    }

    fn guard(
        &mut self,
        word: &'static str,
        set: impl FnOnce(SetOptions<'a>) -> SetOptions<'a>,
    ) -> Result<(), Fault> {
        match self.guard.replace(word) {
            None => self.options = set(std::mem::take(&mut self.options)),
            Some(before) if before == word => {}
            Some(_) => return Err(Fault::SYNTAX),
        }
        Ok(())
    }
}

pub(crate) fn set(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (key, value) = (args.take()?, args.take()?);
    if args.is_empty() {
        on!(db, |d| d.set(key, value))?;
        return Ok(Reply::Ok);
    }
    let words = SetWords::read(args)?;
    let get = words.get;
    let mut options = words.life.of_set(words.options, "set")?;
    if get {
        options = options.return_old();
    }
    let Some((likeness, like)) = words.likeness else {
        return set_with(db, key, value, options, get);
    };
    db.atomic(&[key], |db| {
        let old: Option<Vec<u8>> = on!(db, |d| d.get(key))?;
        let is_like = old.as_deref().is_some_and(|old| likeness.is_of(old));
        if is_like != like {
            return Ok(Reply::option(old.filter(|_| get)));
        }
        set_with(db, key, value, options, get)
    })
}

/// Sets a string; the old one is the reply if it is asked for.
fn set_with(db: Db<'_>, key: &[u8], value: &[u8], options: SetOptions<'_>, get: bool) -> Outcome {
    let outcome = on!(db, |d| d.set_with(key, value, options)).map_err(Fault::in_set("set"))?;
    if get {
        return Ok(Reply::option(outcome.old()?));
    }
    Ok(if outcome.is_set() {
        Reply::Ok
    } else {
        Reply::Null
    })
}

pub(crate) fn setnx(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (key, value) = (args.take()?, args.take()?);
    let options = SetOptions::new().if_absent();
    Ok(Reply::truth(
        on!(db, |d| d.set_with(key, value, options))?.is_set(),
    ))
}

/// SETEX and PSETEX.
pub(crate) fn setex(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let name = args.name();
    let unit = if name == "psetex" {
        Unit::Millis
    } else {
        Unit::Seconds
    };
    let (key, time, value) = (args.take()?, args.take()?, args.take()?);
    let life = Life::After(unit, time);
    let options = life.of_set(SetOptions::new(), &name)?;
    on!(db, |d| d.set_with(key, value, options)).map_err(Fault::in_set(&name))?;
    Ok(Reply::Ok)
}

pub(crate) fn getset(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (key, value) = (args.take()?, args.take()?);
    let options = SetOptions::new().return_old();
    Ok(Reply::option(
        on!(db, |d| d.set_with(key, value, options))?.old()?,
    ))
}

pub(crate) fn getdel(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let key = args.take()?;
    Ok(Reply::option(on!(db, |d| d.get_delete(key))?))
}

pub(crate) fn getex(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let key = args.take()?;
    let mut life = Life::Unsaid;
    while !args.is_empty() {
        if args.accept("PERSIST") {
            life.persist()?;
        } else {
            life.read(&mut args)?;
        }
    }
    let when = life.resolve("getex");
    // A key that does not exist, or holds something else, is told before a time that cannot be.
    if when.is_err() && on!(db, |d| d.get::<Vec<u8>>(key))?.is_none() {
        return Ok(Reply::Null);
    }
    let expire = match when? {
        None if life == Life::Persist => GetExpire::Never,
        None => GetExpire::Unchanged,
        Some(When::After(time)) => GetExpire::In(time),
        Some(When::At(time)) => GetExpire::At(time),
    };
    let value = on!(db, |d| d.get_expire(key, expire)).map_err(Fault::in_set("getex"))?;
    Ok(Reply::option(value))
}

pub(crate) fn mget(db: Db<'_>, args: Args<'_>) -> Outcome {
    let keys = args.rest();
    let values: Vec<Option<Vec<u8>>> = match db {
        Db::Store(store) => store.get_many(keys)?,
        // A value that is no string counts as none.
        Db::Tx(tx) => keys.iter().map(|key| tx.get(key).unwrap_or(None)).collect(),
    };
    Ok(Reply::Array(
        values.into_iter().map(Reply::option).collect(),
    ))
}

/// The words two and two.
fn pairs<'a>(args: Args<'a>) -> Result<impl Iterator<Item = (&'a [u8], &'a [u8])>, Fault> {
    if !args.left().is_multiple_of(2) {
        return Err(Fault::arity(&args.name()));
    }
    Ok(args.rest().chunks_exact(2).map(|pair| (pair[0], pair[1])))
}

pub(crate) fn mset(db: Db<'_>, args: Args<'_>) -> Outcome {
    let mut pairs = pairs(args)?;
    match db {
        Db::Store(store) => store.set_many(pairs)?,
        Db::Tx(tx) => pairs.try_for_each(|(key, value)| tx.set(key, value))?,
    }
    Ok(Reply::Ok)
}

pub(crate) fn msetnx(db: Db<'_>, args: Args<'_>) -> Outcome {
    let mut pairs = pairs(args)?;
    let set = match db {
        Db::Store(store) => store.set_many_if_absent(pairs)?,
        Db::Tx(tx) => {
            let mut keys = args.rest().iter().step_by(2);
            let free = !keys.any(|key| tx.exists(key));
            if free {
                pairs.try_for_each(|(key, value)| tx.set(key, value))?;
            }
            free
        }
    };
    Ok(Reply::truth(set))
}

pub(crate) fn append(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (key, value) = (args.take()?, args.take()?);
    Ok(Reply::count(on!(db, |d| d.append(key, value))?))
}

pub(crate) fn strlen(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let key = args.take()?;
    Ok(Reply::count(on!(db, |d| d.len_of(key))?))
}

/// GETRANGE and SUBSTR.
pub(crate) fn getrange(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (key, first, last) = (args.take()?, args.int()?, args.int()?);
    let part = on!(db, |d| d.get_range(key, Span::new(first, last)))?;
    Ok(Reply::Bulk(part))
}

pub(crate) fn setrange(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (key, offset, value) = (args.take()?, args.int()?, args.take()?);
    let offset = usize::try_from(offset).map_err(|_| Fault::fixed("ERR offset is out of range"))?;
    if value.is_empty() || offset.saturating_add(value.len()) > MAX_STRING {
        // Nothing is written, whatever the offset; but a value of another type is told first.
        let length = on!(db, |d| d.len_of(key))?;
        if value.is_empty() {
            return Ok(Reply::count(length));
        }
        return Err(Fault::fixed(
            "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        ));
    }
    Ok(Reply::count(on!(db, |d| d.set_range(key, offset, value))?))
}
