//! `BitField`: an integer of any width at any bit of a string, read, set and counted up in place.
//!
//! ```text
//! bit     0       8      13
//! string  |.......|.xxxxx|..    BitField::unsigned(5) at(9): x, the highest bit first
//! ```
//!
//! Several operations on one string run as one call, each on what the one before left. Numbers are computed in 128 bits,
//! where no sum of two fields overflows, and then made to fit.
//!
//! Cost: a copy of the string, O(its bytes), and O(width) for each operation.

use super::bits::Bits;
use super::site::Scope;
use super::stored::Stored;
use crate::error::Error;
use crate::event::EventKind;

/// Widest field with a sign; without one it is a bit less, so that every number is an `i64`.
const MOST_BITS: u32 = 64;

/// What becomes of a number that does not fit its [`BitField`].
///
/// ```
/// use larder::{BitField, BitOverflow, Store};
///
/// let store = Store::new();
/// let counter = BitField::unsigned(8)?;
/// let full = store.bits("key").fields([
///     counter.set(250),
///     counter.incr(10).overflow(BitOverflow::Saturate),
///     counter.incr(1).overflow(BitOverflow::Fail),
///     counter.incr(1).overflow(BitOverflow::Wrap),
/// ])?;
/// assert_eq!(full, [Some(0), Some(255), None, Some(0)]);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BitOverflow {
    /// Its lowest bits are kept.
    #[default]
    Wrap,
    /// The nearest number that fits is taken.
    Saturate,
    /// Nothing is written, and the operation's result is `None`.
    Fail,
}

/// An integer of so many bits, at a bit of a string: what [`Bits::fields`] works on.
///
/// ```
/// use larder::{BitField, Store};
///
/// let store = Store::new();
/// let (health, armor) = (BitField::unsigned(7)?, BitField::signed(9)?.at(7));
/// store.bits("player").fields([health.set(100), armor.set(-3)])?;
/// assert_eq!(store.bits("player").fields([armor.incr(-1), health.get()])?, [Some(-4), Some(100)]);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitField {
    signed: bool,
    width: u32,
    at: u32,
}

impl BitField {
    /// An integer without a sign, at the first bit.
    ///
    /// ```
    /// assert!(larder::BitField::unsigned(63).is_ok());
    /// assert_eq!(larder::BitField::unsigned(64), Err(larder::Error::FieldWidth));
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::FieldWidth`] unless it has 1 to 63 bits.
    pub fn unsigned(bits: u32) -> Result<Self, Error> {
        Self::of(false, bits, MOST_BITS - 1)
    }

    /// An integer in two's complement, at the first bit.
    ///
    /// ```
    /// assert!(larder::BitField::signed(64).is_ok());
    /// assert_eq!(larder::BitField::signed(0), Err(larder::Error::FieldWidth));
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::FieldWidth`] unless it has 1 to 64 bits.
    pub fn signed(bits: u32) -> Result<Self, Error> {
        Self::of(true, bits, MOST_BITS)
    }

    fn of(signed: bool, width: u32, most: u32) -> Result<Self, Error> {
        if !(1..=most).contains(&width) {
            return Err(Error::FieldWidth);
        }
        Ok(BitField {
            signed,
            width,
            at: 0,
        })
    }

    /// The same integer at another bit.
    #[must_use]
    pub fn at(self, bit: u32) -> Self {
        BitField { at: bit, ..self }
    }

    /// The same integer at a place of an array of such integers.
    ///
    /// ```
    /// use larder::BitField;
    ///
    /// assert_eq!(BitField::unsigned(5)?.nth(3), Ok(BitField::unsigned(5)?.at(15)));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`] if no string has that many bits.
    #[doc(alias = "#")]
    pub fn nth(self, index: u32) -> Result<Self, Error> {
        let at = index.checked_mul(self.width).ok_or(Error::OutOfRange)?;
        Ok(self.at(at))
    }

    /// Reads it; bits beyond the string's end are zeros.
    #[doc(alias = "BITFIELD GET")]
    #[must_use]
    pub fn get(self) -> BitFieldOp {
        self.op(Change::Get)
    }

    /// Sets it; the result is what it was before. Without a sign, a negative number is a very large one.
    #[doc(alias = "BITFIELD SET")]
    #[must_use]
    pub fn set(self, to: i64) -> BitFieldOp {
        self.op(Change::Set(to))
    }

    /// Adds to it; the result is the sum.
    #[doc(alias = "BITFIELD INCRBY")]
    #[must_use]
    pub fn incr(self, by: i64) -> BitFieldOp {
        self.op(Change::Add(by))
    }

    fn op(self, change: Change) -> BitFieldOp {
        BitFieldOp {
            field: self,
            change,
            overflow: BitOverflow::default(),
        }
    }

    /// Bytes that a string must have for it.
    fn end(self) -> usize {
        (u64::from(self.at) + u64::from(self.width)).div_ceil(8) as usize
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

    /// Its bits, as bytes of the string and their places there, the highest first.
    fn places(self) -> impl DoubleEndedIterator<Item = (usize, u8)> {
        let from = u64::from(self.at);
        (from..from + u64::from(self.width)).map(|at| ((at / 8) as usize, 0x80 >> (at % 8)))
    }

    fn read(self, text: &[u8]) -> i128 {
        let bit = |(byte, mask): (usize, u8)| {
            let byte = text.get(byte).copied().unwrap_or(0);
            i128::from(byte & mask != 0)
        };
        self.wrapped(self.places().map(bit).fold(0, |sum, bit| sum << 1 | bit))
    }

    fn write(self, text: &mut [u8], number: i128) {
        for (bit, (byte, mask)) in self.places().rev().enumerate() {
            if number >> bit & 1 == 1 {
                text[byte] |= mask;
            } else {
                text[byte] &= !mask;
            }
        }
    }

    /// A number made to fit, if it can be.
    fn fit(self, number: i128, overflow: BitOverflow) -> Option<i128> {
        let (least, most) = self.bounds();
        match overflow {
            _ if (least..=most).contains(&number) => Some(number),
            BitOverflow::Wrap => Some(self.wrapped(number)),
            BitOverflow::Saturate => Some(number.clamp(least, most)),
            BitOverflow::Fail => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Get,
    Set(i64),
    Add(i64),
}

/// What is to be done with a [`BitField`]: made by its `get`, `set` and `incr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitFieldOp {
    field: BitField,
    change: Change,
    overflow: BitOverflow,
}

/// What an operation did.
struct Done {
    result: Option<i64>,
    /// Whether it wrote, and whether the field was another before.
    wrote: bool,
    differs: bool,
}

impl BitFieldOp {
    /// What becomes of a number that does not fit; otherwise it is [`BitOverflow::Wrap`].
    #[doc(alias = "OVERFLOW")]
    #[must_use]
    pub fn overflow(self, overflow: BitOverflow) -> Self {
        BitFieldOp { overflow, ..self }
    }

    fn writes(&self) -> bool {
        self.change != Change::Get
    }

    fn run(&self, text: &mut [u8]) -> Done {
        let old = self.field.read(text);
        let new = match self.change {
            Change::Get => old,
            Change::Set(to) if !self.field.signed => i128::from(to.cast_unsigned()),
            Change::Set(to) => to.into(),
            Change::Add(by) => old + i128::from(by),
        };
        let Some(new) = self.field.fit(new, self.overflow) else {
            return Done {
                result: None,
                wrote: false,
                differs: false,
            };
        };
        if self.writes() {
            self.field.write(text, new);
        }
        let shown = if let Change::Add(_) = self.change {
            new
        } else {
            old
        };
        Done {
            result: Some(i64::try_from(shown).expect("no field is wider than an i64")),
            wrote: self.writes(),
            differs: new != old,
        }
    }
}

impl<S: Scope> Bits<'_, S> {
    /// Reads, sets and adds to integers of any width at any bit, one operation after the other, as one call; says the result
    /// of each: `None` where the number does not fit and was to [fail](BitOverflow::Fail).
    ///
    /// The string grows with zeros up to the last field that is to be written, and a deadline stays.
    ///
    /// ```
    /// use larder::{BitField, Store};
    ///
    /// let store = Store::new();
    /// let hour = |nth| BitField::unsigned(12)?.nth(nth);
    /// store.bits("visits").fields([hour(0)?.incr(1), hour(23)?.incr(5)])?;
    /// assert_eq!(store.bits("visits").fields([hour(23)?.get()])?, [Some(5)]);
    /// assert_eq!(store.len_of("visits")?, 24 * 12 / 8);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(bytes of the string and operations); one stripe's lock if anything is to be written.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if the string does not fit the store's bound, and as said of [`Bits`]. Nothing has changed then.
    #[doc(alias("BITFIELD", "BITFIELD_RO"))]
    pub fn fields(
        &self,
        ops: impl IntoIterator<Item = BitFieldOp>,
    ) -> Result<Vec<Option<i64>>, Error> {
        let ops: Vec<BitFieldOp> = ops.into_iter().collect();
        let written = ops.iter().filter(|op| op.writes());
        let Some(end) = written.map(|op| op.field.end()).max() else {
            return self.look(|text| {
                let read = |op: &BitFieldOp| i64::try_from(op.field.read(text)).ok();
                ops.iter().map(read).collect()
            });
        };
        self.site().write(self.site().key(self.key()), |seat| {
            let text = seat.with_string(|old| old.with_text(<[u8]>::to_vec))?;
            let mut text = text.unwrap_or_default();
            let grows = text.len() < end;
            text.resize(text.len().max(end), 0);
            let done: Vec<Done> = ops.iter().map(|op| op.run(&mut text)).collect();
            if grows || done.iter().any(|done| done.differs) {
                let deadline = seat.deadline();
                seat.put(&Stored::text(&text), deadline)?;
            }
            // Where no number fitted, the string may have grown: of that a server tells nobody.
            if done
                .iter()
                .any(|done| done.wrote && (grows || done.differs))
            {
                seat.tell(EventKind::SetBit);
            }
            Ok(done.into_iter().map(|done| done.result).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Store;

    fn field() -> impl Strategy<Value = BitField> {
        (any::<bool>(), 1..=64_u32, 0..200_u32).prop_map(|(signed, width, at)| {
            let field = if signed {
                BitField::signed(width)
            } else {
                BitField::unsigned(width.min(63))
            };
            field.expect("a width that there is").at(at)
        })
    }

    proptest! {
        #[test]
        fn what_is_set_is_read_and_its_neighbours_stay(
            field in field(),
            text in prop::collection::vec(any::<u8>(), 40),
            number: i64,
        ) {
            let mut after = text.clone();
            let number = field.wrapped(number.into());
            field.write(&mut after, number);
            prop_assert_eq!(field.read(&after), number);
            // Back again, and all is as it was: no other bit was touched.
            field.write(&mut after, field.read(&text));
            prop_assert_eq!(after, text);
        }

        #[test]
        fn a_number_that_is_made_to_fit_fits(field in field(), number: i64) {
            let (least, most) = field.bounds();
            for overflow in [BitOverflow::Wrap, BitOverflow::Saturate, BitOverflow::Fail] {
                if let Some(fitted) = field.fit(number.into(), overflow) {
                    prop_assert!((least..=most).contains(&fitted));
                }
            }
        }
    }

    #[test]
    fn a_field_may_end_behind_the_last_offset_that_there_is() {
        let last = BitField::signed(64)
            .expect("a width that there is")
            .at(u32::MAX);
        assert_eq!(last.end(), (1 << 29) + 8);
        let store = Store::new();
        assert_eq!(store.bits("none").fields([last.get()]), Ok(vec![Some(0)]));
        assert!(!store.exists("none"));
        assert_eq!(last.nth(1 << 30), Err(Error::OutOfRange));
    }

    #[test]
    fn a_key_of_another_type_is_refused_and_stays() {
        let store = Store::new();
        let field = BitField::unsigned(8).expect("a width that there is");
        assert_eq!(store.list::<i32>("key").push_back(1), Ok(1));
        assert_eq!(
            store.bits("key").fields([field.incr(1)]),
            Err(Error::WrongType)
        );
        assert_eq!(
            store.bits("key").fields([field.get()]),
            Err(Error::WrongType)
        );
        assert_eq!(store.list::<i32>("key").len(), Ok(1));
    }
}
