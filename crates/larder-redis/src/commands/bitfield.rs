//! BITFIELD: integers of any width at any bit of a string.

use larder::SetOptions;

use super::bits::OFFSET;
use crate::args::{Args, Outcome, int, is};
use crate::db::{Db, on};
use crate::fault::Fault;
use crate::reply::Reply;

/// Bits of the longest string.
const MAX_BITS: u64 = 1 << 32;

/// What becomes of a number that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overflow {
    Wrap,
    Saturate,
    Fail,
}

#[derive(Clone, Copy, Debug)]
struct Field {
    signed: bool,
    width: u32,
    at: u64,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Get,
    Set(i64),
    Add(i64),
}

impl Field {
    fn read(args: &mut Args<'_>) -> Result<Self, Fault> {
        let (signed, width) = width(args.take()?)?;
        let word = args.take()?;
        let (word, unit) = match word.strip_prefix(b"#") {
            Some(index) => (index, i64::from(width)),
            None => (word, 1),
        };
        let at = int(word).ok().and_then(|at| at.checked_mul(unit));
        let at = at
            .and_then(|at| u64::try_from(at).ok())
            .filter(|at| *at < MAX_BITS);
        let at = at.ok_or(OFFSET)?;
        Ok(Field { signed, width, at })
    }

    /// Bytes that a string must have for this field.
    fn end(self) -> usize {
        ((self.at + u64::from(self.width)).div_ceil(8)) as usize
    }

    /// The least and the largest number.
    fn bounds(self) -> (i128, i128) {
        if self.signed {
            (-(1 << (self.width - 1)), (1 << (self.width - 1)) - 1)
        } else {
            (0, (1 << self.width) - 1)
        }
    }

    /// The number whose lowest bits are these.
    fn wrapped(self, bits: i128) -> i128 {
        let low = bits & ((1 << self.width) - 1);
        let (_, most) = self.bounds();
        if low > most {
            low - (1 << self.width)
        } else {
            low
        }
    }

    fn get(self, text: &[u8]) -> i128 {
        let bits = (self.at..self.at + u64::from(self.width)).fold(0, |sum, at| {
            let byte = text.get((at / 8) as usize).copied().unwrap_or(0);
            sum << 1 | i128::from(byte >> (7 - at % 8) & 1)
        });
        self.wrapped(bits)
    }

    fn put(self, text: &mut [u8], number: i128) {
        for bit in 0..u64::from(self.width) {
            let at = self.at + u64::from(self.width) - 1 - bit;
            let (byte, mask) = ((at / 8) as usize, 0x80_u8 >> (at % 8));
            if number >> bit & 1 == 1 {
                text[byte] |= mask;
            } else {
                text[byte] &= !mask;
            }
        }
    }

    /// A number made to fit, if it can be.
    fn fit(self, number: i128, overflow: Overflow) -> Option<i128> {
        let (least, most) = self.bounds();
        match overflow {
            _ if (least..=most).contains(&number) => Some(number),
            Overflow::Wrap => Some(self.wrapped(number)),
            Overflow::Saturate => Some(number.clamp(least, most)),
            Overflow::Fail => None,
        }
    }

    fn run(self, text: &mut [u8], op: Op, overflow: Overflow) -> Reply {
        let old = self.get(text);
        let shown = |number: i128| Reply::Int(i64::try_from(number).unwrap_or(i64::MAX));
        let new = match op {
            Op::Get => return shown(old),
            // A negative number is a very large one where there are none.
            Op::Set(number) if !self.signed => i128::from(number as u64),
            Op::Set(number) => number.into(),
            Op::Add(by) => old + i128::from(by),
        };
        let Some(new) = self.fit(new, overflow) else {
            return Reply::Null;
        };
        self.put(text, new);
        shown(if matches!(op, Op::Set(_)) { old } else { new })
    }
}

/// `i` or `u` and a number of bits.
fn width(word: &[u8]) -> Result<(bool, u32), Fault> {
    let wrong = Fault::fixed(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
    );
    let (signed, most) = match word.first() {
        Some(b'i') => (true, 64),
        Some(b'u') => (false, 63),
        _ => return Err(wrong),
    };
    let width = int(&word[1..])
        .ok()
        .filter(|width| (1..=most).contains(width));
    let width = width.and_then(|width| u32::try_from(width).ok());
    Ok((signed, width.ok_or(wrong)?))
}

type Ops = Vec<(Field, Op, Overflow)>;

fn read(mut args: Args<'_>, read_only: bool) -> Result<Ops, Fault> {
    let (mut ops, mut overflow) = (Ops::new(), Overflow::Wrap);
    while !args.is_empty() {
        let word = args.take()?;
        if is(word, "OVERFLOW") {
            let word = args.take()?;
            let named = [
                ("WRAP", Overflow::Wrap),
                ("SAT", Overflow::Saturate),
                ("FAIL", Overflow::Fail),
            ];
            let found = named.into_iter().find(|(name, _)| is(word, name));
            (_, overflow) = found.ok_or(Fault::fixed("ERR Invalid OVERFLOW type specified"))?;
            continue;
        }
        let words = if is(word, "GET") { 2 } else { 3 };
        if !["GET", "SET", "INCRBY"].iter().any(|name| is(word, name)) || args.left() < words {
            return Err(Fault::SYNTAX);
        }
        let field = Field::read(&mut args)?;
        let op = match word {
            _ if is(word, "GET") => Op::Get,
            _ if is(word, "SET") => Op::Set(args.int()?),
            _ => Op::Add(args.int()?),
        };
        ops.push((field, op, overflow));
    }
    if read_only && ops.iter().any(|(_, op, _)| !matches!(op, Op::Get)) {
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
    let value: Option<Vec<u8>> = on!(db, |d| d.get(key))?;
    let mut text = value.unwrap_or_default();
    let writes = ops.iter().filter(|(_, op, _)| !matches!(op, Op::Get));
    let end = writes.map(|(field, ..)| field.end()).max();
    if let Some(end) = end {
        text.resize(text.len().max(end), 0);
    }
    let replies = ops
        .iter()
        .map(|(field, op, overflow)| field.run(&mut text, *op, *overflow));
    let replies = Reply::Array(replies.collect());
    if end.is_some() {
        let options = SetOptions::new().keep_ttl();
        on!(db, |d| d.set_with(key, &text, options))?;
    }
    Ok(replies)
}
