//! BITFIELD: integers of any width at any bit of a string.

use larder::{BitField, BitFieldOp, BitOverflow, Error};

use super::bits::OFFSET;
use crate::args::{Args, Outcome, int, is};
use crate::db::Db;
use crate::fault::Fault;
use crate::reply::Reply;

/// `i` or `u` and a number of bits, and where they are: a bit, or `#` and a place in an array of such integers.
fn field(args: &mut Args<'_>) -> Result<BitField, Fault> {
    let field = integer(args.take()?)?;
    let word = args.take()?;
    let number = |word| u32::try_from(int(word).map_err(|_| OFFSET)?).map_err(|_| OFFSET);
    match word.strip_prefix(b"#") {
        Some(index) => field.nth(number(index)?).map_err(|_| OFFSET),
        None => Ok(field.at(number(word)?)),
    }
}

fn integer(word: &[u8]) -> Result<BitField, Fault> {
    let wrong = Fault::from(Error::FieldWidth);
    let Some((sign, width)) = word.split_first() else {
        return Err(wrong);
    };
    let width = int(width).ok().and_then(|width| u32::try_from(width).ok());
    let width = width.ok_or(wrong)?;
    match sign {
        b'i' => Ok(BitField::signed(width)?),
        b'u' => Ok(BitField::unsigned(width)?),
        _ => Err(Error::FieldWidth.into()),
    }
}

fn overflow(word: &[u8]) -> Result<BitOverflow, Fault> {
    let named = [
        ("WRAP", BitOverflow::Wrap),
        ("SAT", BitOverflow::Saturate),
        ("FAIL", BitOverflow::Fail),
    ];
    let found = named.into_iter().find(|(name, _)| is(word, name));
    let (_, overflow) = found.ok_or(Fault::fixed("ERR Invalid OVERFLOW type specified"))?;
    Ok(overflow)
}

fn read(mut args: Args<'_>, read_only: bool) -> Result<Vec<BitFieldOp>, Fault> {
    let (mut ops, mut behind, mut writes) = (Vec::new(), BitOverflow::Wrap, false);
    while !args.is_empty() {
        let word = args.take()?;
        if is(word, "OVERFLOW") {
            behind = overflow(args.take()?)?;
            continue;
        }
        let words = if is(word, "GET") { 2 } else { 3 };
        if !["GET", "SET", "INCRBY"].iter().any(|name| is(word, name)) || args.left() < words {
            return Err(Fault::SYNTAX);
        }
        let field = field(&mut args)?;
        let op = match word {
            _ if is(word, "GET") => field.get(),
            _ if is(word, "SET") => field.set(args.int()?),
            _ => field.incr(args.int()?),
        };
        writes |= words == 3;
        ops.push(op.overflow(behind));
    }
    if read_only && writes {
        return Err(Fault::fixed(
            "ERR BITFIELD_RO only supports the GET subcommand",
        ));
    }
    Ok(ops)
}

/// BITFIELD and BITFIELD_RO.
pub(crate) fn bitfield(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let read_only = args.name().ends_with("_ro");
    let key = args.take()?;
    let ops = read(args, read_only)?;
    let results = db.bits(key).fields(ops)?;
    let reply = |result: Option<i64>| result.map_or(Reply::Null, Reply::Int);
    Ok(Reply::Array(results.into_iter().map(reply).collect()))
}
