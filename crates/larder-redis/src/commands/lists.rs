//! Lists: LPUSH, LRANGE and what is like them; those that wait are in `waiting`.

use larder::{End, InTx, List, Matches, MoveOptions, PositionOptions, Span};

use crate::args::{Args, Outcome, int, is};
use crate::db::{Db, on};
use crate::fault::Fault;
use crate::reply::Reply;

type Bytes = Vec<u8>;

fn list<'d>(db: Db<'d>, key: &[u8]) -> List<'d, Bytes, InTx<'d>> {
    db.list::<Bytes>(key)
}

/// The end that the name of a command begins with: LPUSH, RPOP.
fn end_of(args: &Args<'_>) -> End {
    if args.name().starts_with('l') {
        End::Front
    } else {
        End::Back
    }
}

/// LEFT or RIGHT.
pub(crate) fn end(word: &[u8]) -> Result<End, Fault> {
    match word {
        _ if is(word, "LEFT") => Ok(End::Front),
        _ if is(word, "RIGHT") => Ok(End::Back),
        _ => Err(Fault::SYNTAX),
    }
}

/// LPUSH and RPUSH.
pub(crate) fn push(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let end = end_of(&args);
    let list = list(db, args.take()?);
    Ok(Reply::count(match end {
        End::Front => list.push_front_many(args.rest()),
        End::Back => list.push_back_many(args.rest()),
    }?))
}

/// LPUSHX and RPUSHX.
pub(crate) fn pushx(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let end = end_of(&args);
    let list = list(db, args.take()?);
    Ok(Reply::count(list.push_existing(end, args.rest())?))
}

/// LPOP and RPOP.
pub(crate) fn pop(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (end, name) = (end_of(&args), args.name());
    let list = list(db, args.take()?);
    if args.is_empty() {
        let popped = if end == End::Front {
            list.pop_front()
        } else {
            list.pop_back()
        };
        return Ok(Reply::option(popped?));
    }
    if args.left() > 1 {
        return Err(Fault::arity(&name));
    }
    let count = int(args.take()?)
        .ok()
        .and_then(|count| usize::try_from(count).ok());
    let count = count.ok_or(Fault::NOT_POSITIVE)?;
    if count == 0 {
        let there = !list.is_empty()?;
        return Ok(if there {
            Reply::Array(Vec::new())
        } else {
            Reply::NullArray
        });
    }
    let popped = list.pop_many(end, count)?;
    Ok(if popped.is_empty() {
        Reply::NullArray
    } else {
        Reply::bulks(popped)
    })
}

pub(crate) fn len(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    Ok(Reply::count(list(db, args.take()?).len()?))
}

pub(crate) fn index(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let list = list(db, args.take()?);
    match args.int() {
        Ok(index) => Ok(Reply::option(list.get(index)?)),
        // Of a missing key and a wrong index, the missing key is told.
        Err(_) if list.is_empty()? => Ok(Reply::Null),
        Err(fault) => Err(fault),
    }
}

pub(crate) fn range(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (key, first, last) = (args.take()?, args.int()?, args.int()?);
    Ok(Reply::bulks(list(db, key).range(Span::new(first, last))?))
}

pub(crate) fn set(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let list = list(db, args.take()?);
    match args.int() {
        Ok(index) => list.set(index, args.take()?)?,
        Err(_) if list.is_empty()? => return Err(Fault::NO_SUCH_KEY),
        Err(fault) => return Err(fault),
    }
    Ok(Reply::Ok)
}

pub(crate) fn insert(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let list = list(db, args.take()?);
    let (place, pivot, value) = (args.take()?, args.take()?, args.take()?);
    let length = match place {
        _ if is(place, "BEFORE") => list.insert_before(pivot, value)?,
        _ if is(place, "AFTER") => list.insert_after(pivot, value)?,
        _ => return Err(Fault::SYNTAX),
    };
    Ok(length.map_or(Reply::Int(-1), Reply::count))
}

pub(crate) fn remove(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let list = list(db, args.take()?);
    let count = args.int()?;
    let most = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let matches = match count {
        0 => Matches::All,
        1.. => Matches::First(most),
        _ => Matches::Last(most),
    };
    Ok(Reply::count(list.remove(args.take()?, matches)?))
}

pub(crate) fn trim(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (key, first, last) = (args.take()?, args.int()?, args.int()?);
    list(db, key).trim(Span::new(first, last))?;
    Ok(Reply::Ok)
}

/// A count that is not negative, with the text for one that is.
fn natural(args: &mut Args<'_>, otherwise: &'static str) -> Result<usize, Fault> {
    let count = int(args.take()?)
        .ok()
        .and_then(|count| usize::try_from(count).ok());
    count.ok_or(Fault::fixed(otherwise))
}

pub(crate) fn position(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (key, value) = (args.take()?, args.take()?);
    let mut options = PositionOptions::new();
    let mut count = None;
    while !args.is_empty() {
        if args.accept("RANK") {
            let rank = args.int()?;
            options = options.from(if rank > 0 { End::Front } else { End::Back });
            options = options.skip(skipped(rank)?);
        } else if args.accept("COUNT") {
            count = Some(natural(&mut args, "ERR COUNT can't be negative")?);
        } else if args.accept("MAXLEN") {
            let within = natural(&mut args, "ERR MAXLEN can't be negative")?;
            options = options.within(if within == 0 { usize::MAX } else { within });
        } else {
            return Err(Fault::SYNTAX);
        }
    }
    let most = match count {
        None => 1,
        Some(0) => usize::MAX,
        Some(count) => count,
    };
    let found = list(db, key).positions(value, options.most(most))?;
    let mut found = found.into_iter().map(Reply::count);
    Ok(match count {
        None => found.next().unwrap_or(Reply::Null),
        Some(_) => Reply::Array(found.collect()),
    })
}

/// How many matches come before the one of this rank.
fn skipped(rank: i64) -> Result<usize, Fault> {
    match rank {
        0 => Err(Fault::fixed(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to \
             start from the end of the list",
        )),
        i64::MIN => Err(Fault::fixed(
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        )),
        rank => Ok(usize::try_from(rank.unsigned_abs() - 1).unwrap_or(usize::MAX)),
    }
}

pub(crate) fn move_between(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (from, to) = (args.take()?, args.take()?);
    let (from_end, to_end) = (end(args.take()?)?, end(args.take()?)?);
    Ok(Reply::option(list(db, from).move_to(from_end, to, to_end)?))
}

/// How many elements LMOVEM and BLMOVEM move, and in which order they arrive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    most: usize,
    /// Nothing moves if there are fewer.
    exactly: bool,
    /// As a block, instead of one by one.
    bulk: bool,
}

impl Load {
    pub(crate) fn read(args: &mut Args<'_>) -> Result<Self, Fault> {
        let (mut most, mut exactly, mut bulk) = (1, false, false);
        if !args.is_empty() {
            exactly = args.accept("EXACTLY");
            if !exactly && !args.accept("COUNT") {
                return Err(Fault::SYNTAX);
            }
            most = args.positive("ERR count should be greater than 0")?;
            bulk = args.accept("BULK");
            if !bulk && !args.accept("OBO") {
                return Err(Fault::SYNTAX);
            }
        }
        args.end()?;
        Ok(Load {
            most,
            exactly,
            bulk,
        })
    }

    pub(crate) fn options(self) -> MoveOptions {
        let options = if self.exactly {
            MoveOptions::exactly(self.most)
        } else {
            MoveOptions::up_to(self.most)
        };
        if self.bulk {
            options.in_order()
        } else {
            options
        }
    }

    /// Elements that left in this order, in that in which they stand now.
    pub(crate) fn arrived(self, from: End, to: End, mut moved: Vec<Bytes>) -> Reply {
        let turned = match to {
            End::Front => !(self.bulk && from == to),
            End::Back => self.bulk && from == to,
        };
        if turned {
            moved.reverse();
        }
        Reply::bulks(moved)
    }

    /// Where there is nothing to move, or too little.
    pub(crate) fn nothing(self) -> Reply {
        if self.exactly {
            Reply::Null
        } else {
            Reply::Array(Vec::new())
        }
    }
}

/// LMOVEM, after Redis' documentation of 8.10.
pub(crate) fn move_many(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (from, to) = (args.take()?, args.take()?);
    let (from_end, to_end) = (end(args.take()?)?, end(args.take()?)?);
    let load = Load::read(&mut args)?;
    let moved = list(db, from).move_many_to(from_end, to, to_end, load.options())?;
    let arrived = moved.map(|moved| load.arrived(from_end, to_end, moved));
    Ok(arrived.unwrap_or_else(|| load.nothing()))
}

pub(crate) fn rpoplpush(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (from, to) = (args.take()?, args.take()?);
    Ok(Reply::option(list(db, from).move_to(
        End::Back,
        to,
        End::Front,
    )?))
}

/// The words of LMPOP and ZMPOP from the number of keys on: keys, end, count.
pub(crate) fn many<'a, E>(
    args: &mut Args<'a>,
    end: fn(&[u8]) -> Result<E, Fault>,
) -> Result<(&'a [&'a [u8]], E, usize), Fault> {
    let count = args.positive("ERR numkeys should be greater than 0")?;
    let keys = args.take_many(count)?;
    let end = end(args.take()?)?;
    let mut most = 1;
    if !args.is_empty() {
        if !args.accept("COUNT") {
            return Err(Fault::SYNTAX);
        }
        most = args.positive("ERR count should be greater than 0")?;
    }
    args.end()?;
    Ok((keys, end, most))
}

pub(crate) fn pop_any(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (keys, end, most) = many(&mut args, end)?;
    let popped = on!(db, |d| d.pop_any::<Bytes>(keys, end, most))?;
    Ok(popped.map_or(Reply::NullArray, taken))
}

/// A key with what was taken off it.
pub(crate) fn taken((key, elements): (Bytes, Vec<Bytes>)) -> Reply {
    Reply::Array(vec![Reply::Bulk(key), Reply::bulks(elements)])
}
