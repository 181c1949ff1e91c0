//! `Bits`: a string seen as bits, the first one the highest of the first byte.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use super::core::Store;
use super::site::{InStore, InTx, Scope, Site, site_of};
use super::span::Span;
use super::stored::Stored;
use super::tx::Tx;
use crate::error::Error;
use crate::event::EventKind;

/// How [`Store::combine_bits`] joins the bits of several strings.
///
/// ```
/// use larder::{BitOp, Store};
///
/// let store = Store::new();
/// store.bits("monday").set(7)?;
/// store.bits("tuesday").set(7)?;
/// store.combine_bits(BitOp::And, "both", ["monday", "tuesday"])?;
/// assert!(store.bits("both").get(7)?);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BitOp {
    /// Set in all.
    And,
    /// Set in any.
    Or,
    /// Set in an odd number of them.
    Xor,
    /// Not set in the first; others are not looked at.
    Not,
    /// Set in the first, and in none of the others.
    Diff,
    /// Set in any of the others, but not in the first.
    Diff1,
    /// Set in the first, and in any of the others.
    AndOr,
    /// Set in exactly one.
    One,
}

impl BitOp {
    /// Joins the bytes at one place, one of each string.
    fn join(self, first: u8, others: impl Iterator<Item = u8> + Clone) -> u8 {
        let any = || others.clone().fold(0, |sum, byte| sum | byte);
        match self {
            BitOp::And => others.fold(first, |sum, byte| sum & byte),
            BitOp::Or => first | any(),
            BitOp::Xor => others.fold(first, |sum, byte| sum ^ byte),
            BitOp::Not => !first,
            BitOp::Diff => first & !any(),
            BitOp::Diff1 => !first & any(),
            BitOp::AndOr => first & any(),
            BitOp::One => {
                let once_or_more = (first, 0);
                let (once, more) = others.fold(once_or_more, |(once, more), byte| {
                    (once ^ byte, more | once & byte)
                });
                once & !more
            }
        }
    }

    /// Joins whole strings; a shorter one counts as filled up with zeros.
    fn join_all(self, strings: &[Vec<u8>]) -> Vec<u8> {
        let Some((first, others)) = strings.split_first() else {
            return Vec::new();
        };
        let length = strings.iter().map(Vec::len).max().unwrap_or(0);
        let byte = |string: &Vec<u8>, at: usize| string.get(at).copied().unwrap_or(0);
        (0..length)
            .map(|at| self.join(byte(first, at), others.iter().map(|other| byte(other, at))))
            .collect()
    }
}

/// A string of bits: a view of one key.
///
/// ```
/// let store = larder::Store::new();
/// let seen = store.bits("seen");
/// assert!(!seen.set(1_000)?);
/// assert!(seen.get(1_000)?);
/// assert_eq!(seen.count(..)?, 1);
/// assert_eq!(seen.first_set(..)?, Some(1_000));
/// # Ok::<(), larder::Error>(())
/// ```
///
/// The string is as long as the highest bit that was set or cleared needs, and is the same that `get` and `set` see.
///
/// # Cost
///
/// O(bytes of the string), and one stripe's lock for a change.
///
/// # Errors
///
/// Every call is refused with [`Error::WrongType`] if the key holds no string.
#[derive(Clone)]
pub struct Bits<'a, S = InStore<'a>> {
    scope: S,
    key: Vec<u8>,
    of: PhantomData<&'a ()>,
}

impl<S> fmt::Debug for Bits<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bits").finish_non_exhaustive()
    }
}

/// The byte that a bit is in, and its mask there.
fn place(at: u32) -> (usize, u8) {
    ((at / 8) as usize, 0x80 >> (at % 8))
}

impl<S: Scope> Bits<'_, S> {
    pub(super) fn site(&self) -> Site<'_> {
        site_of(&self.scope)
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// Whether a bit is set; one beyond the end is not.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("key", "a")?;
    /// assert!(store.bits("key").get(1)?);
    /// assert!(!store.bits("key").get(100)?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As said of [`Bits`].
    #[doc(alias = "GETBIT")]
    pub fn get(&self, at: u32) -> Result<bool, Error> {
        let (byte, mask) = place(at);
        self.look(|text| text.get(byte).is_some_and(|byte| byte & mask != 0))
    }

    /// Sets a bit; says whether it was set before. The string grows with zeros, and a deadline stays.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert!(!store.bits("key").set(3)?);
    /// assert!(store.bits("key").set(3)?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if the string does not fit the store's bound, and as said of [`Bits`].
    #[doc(alias = "SETBIT")]
    pub fn set(&self, at: u32) -> Result<bool, Error> {
        self.change(at, |byte, mask| byte | mask)
    }

    /// Clears a bit; says whether it was set before. Also a bit beyond the end makes the string grow.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.bits("key").set(3)?;
    /// assert!(store.bits("key").clear(3)?);
    /// assert!(!store.bits("key").get(3)?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Bits::set`].
    #[doc(alias = "SETBIT")]
    pub fn clear(&self, at: u32) -> Result<bool, Error> {
        self.change(at, |byte, mask| byte & !mask)
    }

    /// How many bits of a part are set.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("key", "foobar")?;
    /// assert_eq!(store.bits("key").count(..)?, 26);
    /// assert_eq!(store.bits("key").count(5..=30)?, 17);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As said of [`Bits`].
    #[doc(alias = "BITCOUNT")]
    pub fn count(&self, part: impl Into<Span>) -> Result<u64, Error> {
        let part = part.into();
        self.look(|text| count(text, part.of_string(text.len() * 8)))
    }

    /// How many bits of a part are set; the part is counted in bytes.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("key", "foobar")?;
    /// assert_eq!(store.bits("key").count_in_bytes(1..=1)?, 6);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As said of [`Bits`].
    #[doc(alias = "BITCOUNT")]
    pub fn count_in_bytes(&self, part: impl Into<Span>) -> Result<u64, Error> {
        let part = part.into();
        self.look(|text| count(text, bits_of(part.of_string(text.len()))))
    }

    /// The first bit of a part that is set.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.bits("key").set(9)?;
    /// assert_eq!(store.bits("key").first_set(..)?, Some(9));
    /// assert_eq!(store.bits("key").first_set(10..)?, None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As said of [`Bits`].
    #[doc(alias = "BITPOS")]
    pub fn first_set(&self, part: impl Into<Span>) -> Result<Option<u64>, Error> {
        let part = part.into();
        self.look(|text| first(text, part.of_string(text.len() * 8), |byte| byte))
    }

    /// The first bit of a part that is not set; none where all are, also those of a string that is not there.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.bits("key").set(0)?;
    /// assert_eq!(store.bits("key").first_clear(..)?, Some(1));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As said of [`Bits`].
    #[doc(alias = "BITPOS")]
    pub fn first_clear(&self, part: impl Into<Span>) -> Result<Option<u64>, Error> {
        let part = part.into();
        self.look(|text| first(text, part.of_string(text.len() * 8), |byte| !byte))
    }

    pub(super) fn look<R>(&self, work: impl FnOnce(&[u8]) -> R) -> Result<R, Error> {
        let value = self.site().string(self.site().key(&self.key))?;
        Ok(match value {
            Some(value) => value.as_stored().with_text(work),
            None => work(b""),
        })
    }

    fn change(&self, at: u32, to: impl Fn(u8, u8) -> u8) -> Result<bool, Error> {
        let (byte, mask) = place(at);
        self.site().write(self.site().key(&self.key), |seat| {
            let text = seat.with_string(|old| old.with_text(<[u8]>::to_vec))?;
            let mut text = text.unwrap_or_default();
            let grows = text.len() <= byte;
            if grows {
                text.resize(byte + 1, 0);
            }
            let was = text[byte];
            text[byte] = to(was, mask);
            if grows || text[byte] != was {
                let deadline = seat.deadline();
                seat.put(&Stored::text(&text), deadline)?;
                seat.tell(EventKind::SetBit);
            }
            Ok(was & mask != 0)
        })
    }
}

/// The bits of a range of bytes.
fn bits_of(bytes: Range<usize>) -> Range<usize> {
    bytes.start * 8..bytes.end * 8
}

/// The bytes that a range of bits touches, each with a mask of the bits that are inside.
fn masked(text: &[u8], bits: Range<usize>) -> impl Iterator<Item = (usize, u8, u8)> {
    let bytes = bits.start / 8..bits.end.div_ceil(8).max(bits.start / 8);
    bytes.map(move |at| {
        let low = bits.start.saturating_sub(at * 8).min(8);
        let high = (bits.end - at * 8).min(8);
        let mask = (0xff_u16 >> low) & !(0xff_u16 >> high);
        (at, text[at], mask as u8)
    })
}

fn count(text: &[u8], bits: Range<usize>) -> u64 {
    masked(text, bits)
        .map(|(_, byte, mask)| u64::from((byte & mask).count_ones()))
        .sum()
}

fn first(text: &[u8], bits: Range<usize>, see: impl Fn(u8) -> u8) -> Option<u64> {
    masked(text, bits).find_map(|(at, byte, mask)| {
        let found = see(byte) & mask;
        (found != 0).then(|| at as u64 * 8 + u64::from(found.leading_zeros()))
    })
}

/// Writes the joined bits of the sources; says how long the result is. An empty one removes the key.
fn combine(site: Site<'_>, op: BitOp, to: &[u8], from: &[&[u8]]) -> Result<usize, Error> {
    let mut strings = Vec::with_capacity(from.len());
    for key in from {
        let value = site.string(site.key(key))?;
        let text = value.map(|value| value.as_stored().with_text(<[u8]>::to_vec));
        strings.push(text.unwrap_or_default());
    }
    let joined = op.join_all(&strings);
    site.write(site.key(to), |seat| {
        if joined.is_empty() {
            seat.delete();
        } else {
            seat.assign_until(&Stored::text(&joined), None)?;
        }
        Ok(joined.len())
    })
}

impl Store {
    /// A view of a key as a string of bits.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert!(!store.bits("none").get(5)?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[must_use]
    pub fn bits(&self, key: impl AsRef<[u8]>) -> Bits<'_> {
        Bits {
            scope: InStore(&self.core),
            key: key.as_ref().to_vec(),
            of: PhantomData,
        }
    }

    /// Joins the bits of several strings, and puts the result in place of whatever `to` held; its length in bytes.
    ///
    /// A shorter string counts as filled up with zeros. An empty result removes the key.
    ///
    /// ```
    /// use larder::{BitOp, Store};
    ///
    /// let store = Store::new();
    /// store.set_many([("a", "\x0f"), ("b", "\x70")])?;
    /// assert_eq!(store.combine_bits(BitOp::Or, "c", ["a", "b"])?, 1);
    /// assert_eq!(store.get::<Vec<u8>>("c")?, Some(vec![0x7f]));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(bytes of all), under the locks of all their stripes.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if a source holds no string, [`Error::TooLarge`] if the result does not fit the bound.
    #[doc(alias = "BITOP")]
    pub fn combine_bits(
        &self,
        op: BitOp,
        to: impl AsRef<[u8]>,
        from: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<usize, Error> {
        let from: Vec<_> = from.into_iter().collect();
        let from: Vec<&[u8]> = from.iter().map(AsRef::as_ref).collect();
        let keys = from.iter().copied().chain([to.as_ref()]);
        self.atomic(keys, |tx| combine(tx.site, op, to.as_ref(), &from))
    }
}

impl<'a> From<Bits<'a>> for Bits<'a, InTx<'a>> {
    /// A view that may be of a store or of a transaction.
    fn from(view: Bits<'a>) -> Self {
        Bits {
            scope: view.scope.into(),
            key: view.key,
            of: PhantomData,
        }
    }
}

impl Tx<'_> {
    /// See [`Store::bits`].
    #[must_use]
    pub fn bits(&self, key: impl AsRef<[u8]>) -> Bits<'_, InTx<'_>> {
        Bits {
            scope: InTx(self.site),
            key: key.as_ref().to_vec(),
            of: PhantomData,
        }
    }

    /// See [`Store::combine_bits`].
    ///
    /// # Errors
    ///
    /// Those of the store's call, and [`Error::KeyNotNamed`].
    #[doc(alias = "BITOP")]
    pub fn combine_bits(
        &self,
        op: BitOp,
        to: impl AsRef<[u8]>,
        from: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<usize, Error> {
        let from: Vec<_> = from.into_iter().collect();
        let from: Vec<&[u8]> = from.iter().map(AsRef::as_ref).collect();
        combine(self.site, op, to.as_ref(), &from)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The bits one by one.
    fn spelled(text: &[u8]) -> Vec<bool> {
        let bits = |byte: &u8| {
            (0..8)
                .map(|bit| byte << bit & 0x80 != 0)
                .collect::<Vec<_>>()
        };
        text.iter().flat_map(bits).collect()
    }

    proptest! {
        #[test]
        fn counts_and_places_are_those_of_bits_spelled_out(
            text in prop::collection::vec(any::<u8>(), 0..12),
            first in -100_i64..100,
            last in -100_i64..100,
        ) {
            let store = Store::new();
            store.set("key", &text)?;
            let spelled = spelled(&text);
            let span = Span::new(first, last);
            let range = span.of_string(spelled.len());
            let part = &spelled[range.clone()];
            let place = |wanted| {
                let found = part.iter().position(|bit| *bit == wanted);
                found.map(|at| (at + range.start) as u64)
            };
            let bits = store.bits("key");
            prop_assert_eq!(bits.count(span)?, part.iter().filter(|bit| **bit).count() as u64);
            prop_assert_eq!(bits.first_set(span)?, place(true));
            prop_assert_eq!(bits.first_clear(span)?, place(false));
        }

        #[test]
        fn a_bit_that_is_changed_is_the_only_one(text in prop::collection::vec(any::<u8>(), 0..9), at in 0_u32..80) {
            let store = Store::new();
            store.set("key", &text)?;
            let mut wanted = spelled(&text);
            let was = wanted.get(at as usize).copied().unwrap_or(false);
            wanted.resize(wanted.len().max((at as usize / 8 + 1) * 8), false);
            wanted[at as usize] = true;
            prop_assert_eq!(store.bits("key").set(at)?, was);
            prop_assert_eq!(spelled(&store.get::<Vec<u8>>("key")?.unwrap_or_default()), wanted.clone());
            wanted[at as usize] = false;
            prop_assert!(store.bits("key").clear(at)?);
            prop_assert_eq!(spelled(&store.get::<Vec<u8>>("key")?.unwrap_or_default()), wanted);
        }
    }

    #[test]
    fn one_is_what_exactly_one_has() {
        let strings = [vec![0b1100_0011], vec![0b1010_0101], vec![0b1001_0110, 1]];
        assert_eq!(BitOp::One.join_all(&strings), [0b0111_0000, 1]);
        assert_eq!(BitOp::Diff.join_all(&strings), [0b0100_0000, 0]);
        assert_eq!(BitOp::Diff1.join_all(&strings), [0b0011_0100, 1]);
        assert_eq!(BitOp::AndOr.join_all(&strings), [0b1000_0011, 0]);
    }
}
