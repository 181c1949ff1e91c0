//! Strings as bits: SETBIT, BITCOUNT, BITOP and what is like them.

use larder::{BitOp, Bits, InTx, Span};

use crate::args::{Args, Outcome, int, is};
use crate::db::{Db, on};
use crate::fault::Fault;
use crate::reply::Reply;

pub(crate) const OFFSET: Fault = Fault::fixed("ERR bit offset is not an integer or out of range");
const BIT: Fault = Fault::fixed("ERR bit is not an integer or out of range");

fn bits<'d>(db: Db<'d>, key: &[u8]) -> Bits<'d, InTx<'d>> {
    db.bits(key)
}

fn offset(word: &[u8]) -> Result<u32, Fault> {
    int(word)
        .ok()
        .and_then(|offset| u32::try_from(offset).ok())
        .ok_or(OFFSET)
}

pub(crate) fn getbit(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (key, at) = (args.take()?, offset(args.take()?)?);
    Ok(Reply::truth(bits(db, key).get(at)?))
}

pub(crate) fn setbit(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (key, at) = (args.take()?, offset(args.take()?)?);
    let bits = bits(db, key);
    Ok(Reply::truth(match int(args.take()?) {
        Ok(0) => bits.clear(at)?,
        Ok(1) => bits.set(at)?,
        _ => return Err(BIT),
    }))
}

/// First and last, and whether they count bits.
struct Part {
    span: Option<(i64, Option<i64>)>,
    in_bits: bool,
}

impl Part {
    fn read(mut args: Args<'_>) -> Result<Self, Fault> {
        let mut part = Part {
            span: None,
            in_bits: false,
        };
        if !args.is_empty() {
            let first = args.int()?;
            let last = if args.is_empty() {
                None
            } else {
                Some(args.int()?)
            };
            part.span = Some((first, last));
        }
        if args.accept("BIT") {
            part.in_bits = true;
        } else if !args.accept("BYTE") {
            args.end()?;
        }
        args.end()?;
        Ok(part)
    }
}

pub(crate) fn bitcount(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let key = args.take()?;
    if args.left() == 1 {
        return Err(Fault::SYNTAX);
    }
    let part = Part::read(args)?;
    let (first, last) = part.span.unwrap_or((0, None));
    let span = Span::new(first, last.unwrap_or(-1));
    let bits = bits(db, key);
    let count = if part.in_bits {
        bits.count(span)
    } else {
        bits.count_in_bytes(span)
    }?;
    Ok(Reply::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}

/// The span of bits that a part stands for in a string of so many bytes; `None` if it is empty.
fn span_of_bits(part: &Part, bytes: usize) -> Option<Span> {
    let (first, last) = part.span.unwrap_or((0, None));
    let unit = if part.in_bits { 1 } else { 8 };
    let length = i64::try_from(bytes).ok()? * 8 / unit;
    let from_start = |at: i64| {
        if at < 0 {
            at.saturating_add(length).max(0)
        } else {
            at
        }
    };
    let (first, last) = (
        from_start(first),
        from_start(last.unwrap_or(-1)).min(length - 1),
    );
    (first <= last).then(|| Span::new(first * unit, last * unit + unit - 1))
}

pub(crate) fn bitpos(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (key, bit) = (args.take()?, args.int()?);
    if bit != 0 && bit != 1 {
        return Err(Fault::fixed("ERR The bit argument must be 1 or 0."));
    }
    let part = Part::read(args)?;
    let length = on!(db, |d| d.len_of(key))?;
    if length == 0 && !on!(db, |d| d.exists(key)) {
        return Ok(Reply::Int(-bit));
    }
    let Some(span) = span_of_bits(&part, length) else {
        return Ok(Reply::Int(-1));
    };
    let bits = bits(db, key);
    let found = if bit == 1 {
        bits.first_set(span)
    } else {
        bits.first_clear(span)
    }?;
    let open_end = part.span.is_none_or(|(_, last)| last.is_none());
    Ok(Reply::Int(match found {
        Some(at) => i64::try_from(at).unwrap_or(i64::MAX),
        // Without an end, a string goes on with zeros.
        None if bit == 0 && open_end => length as i64 * 8,
        None => -1,
    }))
}

pub(crate) fn bitop(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (word, to) = (args.take()?, args.take()?);
    let ops = [
        ("AND", BitOp::And),
        ("OR", BitOp::Or),
        ("XOR", BitOp::Xor),
        ("NOT", BitOp::Not),
        ("DIFF", BitOp::Diff),
        ("DIFF1", BitOp::Diff1),
        ("ANDOR", BitOp::AndOr),
        ("ONE", BitOp::One),
    ];
    let (name, op) = ops
        .into_iter()
        .find(|(name, _)| is(word, name))
        .ok_or(Fault::SYNTAX)?;
    if op == BitOp::Not && args.left() != 1 {
        return Err(Fault::fixed(
            "ERR BITOP NOT must be called with a single source key.",
        ));
    }
    if matches!(op, BitOp::Diff | BitOp::Diff1 | BitOp::AndOr) && args.left() < 2 {
        return Err(Fault::new(format!(
            "ERR BITOP {name} must be called with at least two source keys."
        )));
    }
    Ok(Reply::count(on!(db, |d| d.combine_bits(
        op,
        to,
        args.rest()
    ))?))
}
