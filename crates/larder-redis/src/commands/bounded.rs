//! INCREX: a counter with bounds, and a time to live of its own; after Redis' documentation of 8.8.

use super::expiry::{Life, When};
use crate::args::{Args, Outcome, float, int};
use crate::db::{Db, on};
use crate::fault::Fault;
use crate::reply::Reply;

/// What the words say.
#[derive(Default)]
struct Words<'a> {
    /// BYINT or BYFLOAT with its number; neither is BYINT 1.
    by: Option<(Kind, &'a [u8])>,
    least: Option<&'a [u8]>,
    most: Option<&'a [u8]>,
    saturates: bool,
    life: Life<'a>,
    only_first: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Int,
    Float,
}

impl<'a> Words<'a> {
    fn read(mut args: Args<'a>) -> Result<Self, Fault> {
        let mut words = Words::default();
        while !args.is_empty() {
            if args.accept("BYINT") {
                words.set_step(Kind::Int, args.take()?)?;
            } else if args.accept("BYFLOAT") {
                words.set_step(Kind::Float, args.take()?)?;
            } else if args.accept("LBOUND") {
                words.least = Some(args.take()?);
            } else if args.accept("UBOUND") {
                words.most = Some(args.take()?);
            } else if args.accept("SATURATE") {
                words.saturates = true;
            } else if args.accept("ENX") {
                words.only_first = true;
            } else if args.accept("PERSIST") {
                words.life.persist()?;
            } else {
                words.life.read(&mut args)?;
            }
        }
        let timed = matches!(words.life, Life::After(..) | Life::At(..));
        if words.only_first && !timed {
            return Err(Fault::SYNTAX);
        }
        Ok(words)
    }

    fn set_step(&mut self, kind: Kind, step: &'a [u8]) -> Result<(), Fault> {
        match self.by.replace((kind, step)) {
            None => Ok(()),
            Some(_) => Err(Fault::SYNTAX),
        }
    }
}

/// Moves the deadline as the words say.
fn set_life(db: Db<'_>, key: &[u8], words: &Words<'_>) -> Result<(), Fault> {
    match words.life.resolve("increx")? {
        None if words.life == Life::Persist => {
            on!(db, |d| d.persist(key));
        }
        None => {}
        Some(_) if words.only_first && on!(db, |d| d.expire_time(key)).is_some() => {}
        Some(When::After(time)) => {
            on!(db, |d| d.expire(key, time)).map_err(Fault::in_set("increx"))?;
        }
        Some(When::At(time)) => {
            on!(db, |d| d.expire_at(key, time)).map_err(Fault::in_set("increx"))?;
        }
    }
    Ok(())
}

pub(crate) fn increx(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let key = args.take()?;
    let words = Words::read(args)?;
    // A time that cannot be is told before anything is counted.
    words.life.resolve("increx")?;
    match words.by {
        Some((Kind::Float, step)) => {
            let step = float(step).filter(|step| step.is_finite());
            let step = step.ok_or(Fault::NOT_A_FLOAT)?;
            db.atomic(&[key], |db| by_float(db, key, step, &words))
        }
        step => {
            let step = step.map_or(Ok(1), |(_, step)| int(step))?;
            db.atomic(&[key], |db| by_int(db, key, step, &words))
        }
    }
}

fn by_int(db: Db<'_>, key: &[u8], step: i64, words: &Words<'_>) -> Outcome {
    let least = words.least.map_or(Ok(i64::MIN), int)?;
    let most = words.most.map_or(Ok(i64::MAX), int)?;
    if least > most {
        return Err(Fault::fixed("ERR LBOUND can't be greater than UBOUND"));
    }
    let text: Option<Vec<u8>> = on!(db, |d| d.get(key))?;
    let before = text.as_deref().map_or(Ok(0), int)?;
    let sum = i128::from(before) + i128::from(step);
    let bounded = sum.clamp(least.into(), most.into());
    if bounded != sum && !words.saturates {
        return Ok(Reply::Array(vec![Reply::Int(before), Reply::Int(0)]));
    }
    let delta = i64::try_from(bounded - i128::from(before));
    let delta = delta.map_err(|_| Fault::fixed("ERR increment or decrement would overflow"))?;
    let after = on!(db, |d| d.incr(key, delta))?;
    set_life(db, key, words)?;
    Ok(Reply::Array(vec![Reply::Int(after), Reply::Int(delta)]))
}

fn by_float(db: Db<'_>, key: &[u8], step: f64, words: &Words<'_>) -> Outcome {
    let bound = |word: Option<&[u8]>, otherwise: f64| {
        word.map_or(Ok(otherwise), |word| float(word).ok_or(Fault::NOT_A_FLOAT))
    };
    let least = bound(words.least, f64::MIN)?;
    let most = bound(words.most, f64::MAX)?;
    if least > most {
        return Err(Fault::fixed("ERR LBOUND can't be greater than UBOUND"));
    }
    let text: Option<Vec<u8>> = on!(db, |d| d.get(key))?;
    let before = text.as_deref().map_or(Some(0.0), float);
    let before = before.ok_or(Fault::NOT_A_FLOAT)?;
    let sum = before + step;
    let bounded = sum.clamp(least, most);
    if bounded == sum {
        let text = on!(db, |d| d.incr_by_float(key, step))?;
        set_life(db, key, words)?;
        let after = float(text.as_bytes()).unwrap_or(sum);
        return Ok(Reply::Array(vec![
            Reply::Double(after),
            Reply::Double(step),
        ]));
    }
    if !words.saturates {
        return Ok(Reply::Array(vec![
            Reply::Double(before),
            Reply::Double(0.0),
        ]));
    }
    let ttl_kept = larder::SetOptions::new().keep_ttl();
    on!(db, |d| d.set_with(key, bounded, ttl_kept))?;
    set_life(db, key, words)?;
    let delta = bounded - before;
    Ok(Reply::Array(vec![
        Reply::Double(bounded),
        Reply::Double(delta),
    ]))
}
