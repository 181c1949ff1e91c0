//! Reading a string: without the lock where that settles it, under the lock otherwise.
//!
//! The walk: hash, stripe, home bucket, record, copy, check that the bucket's version held. A read that was disturbed,
//! or whose entry sits in another bucket, is tried again out of line; one whose value or key stands outside the arena
//! takes the stripe's read lock.
//!
//! Cost of the usual read: two cache lines of the table and the record, no lock, no allocation, no write but an access
//! counter that is not yet full; the clock is read only if the entry has a deadline.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::core::Core;
use super::group::Key;
use super::stored::Stored;
use super::words::Words;
use crate::bytes::Raw;
use crate::ds::arena::{Pages, is_loose};
use crate::ds::look::Look;
use crate::ds::word_bytes::{copy_behind, copy_to_vec};
use crate::error::Error;
use crate::key::KeyType;
use crate::record::{Head, Kind, MAX_KEY};
use crate::stripes::{Stripe, low_bits};
use crate::time::Present;
use crate::value::{Any, Variant};

/// A value where it was seen: to be copied, not to be trusted before the read is over.
pub(crate) enum Seen<'a> {
    Record(&'a [AtomicU64], Head),
    Int(i64),
    Bytes(&'a [u8]),
    Large(Arc<Vec<u8>>),
    /// Elements outside; the lock is held.
    Elements(&'a Any),
}

impl Seen<'_> {
    /// Runs `work` on elements that stand outside; those in a record are copied to `out` for later.
    pub(crate) fn elements<C: Variant, R>(
        self,
        out: &mut Vec<u8>,
        work: &mut Option<impl FnOnce(&C) -> R>,
    ) -> Option<R> {
        let Seen::Elements(any) = self else {
            self.copy_into(out);
            return None;
        };
        C::of(any).and_then(|value| work.take().map(|work| work(value)))
    }

    /// Replaces what `out` holds by the value as text.
    #[inline(always)]
    pub(crate) fn copy_into(self, out: &mut Vec<u8>) {
        match self {
            Seen::Record(words, head) => {
                copy_to_vec(words, head.value_at(), head.value_len(), out);
            }
            other => drop(other.copy_other(out, 0)),
        }
    }

    /// Puts the value as text behind the first `kept` bytes of `out`, which may grow beyond it; returns where it ends.
    #[inline(always)]
    pub(crate) fn copy_behind(self, out: &mut Vec<u8>, kept: usize) -> usize {
        match self {
            Seen::Record(words, head) => {
                copy_behind(words, head.value_at(), head.value_len(), out, kept);
                kept + head.value_len()
            }
            other => other.copy_other(out, kept),
        }
    }

    /// [`Self::copy_behind`] of what is no record; `out` ends with it.
    #[inline(never)]
    fn copy_other(self, out: &mut Vec<u8>, kept: usize) -> usize {
        out.truncate(kept);
        match self {
            Seen::Int(int) => out.extend_from_slice(Raw::Int(int).bytes(&mut [0; 20])),
            Seen::Bytes(bytes) => out.extend_from_slice(bytes),
            Seen::Large(bytes) => out.extend_from_slice(&bytes),
            Seen::Record(..) | Seen::Elements(_) => {}
        }
        out.len()
    }
}

/// Looks for a key's record in its home bucket.
#[inline(always)]
fn look<'a>(stripe: &'a Stripe<Words>, low: u32, key: &[u8]) -> Look<'a, (&'a [AtomicU64], Head)> {
    if stripe.is_exclusive() {
        return Look::Unsettled;
    }
    stripe.table.look(low, |entry| {
        let Some(words) = stripe.shared.words(entry) else {
            // Its key may be the right one: that is for the holder of the lock to see.
            return is_loose(entry).then(Default::default);
        };
        let head = Head::load(words);
        head.has_key(words, key).then_some((words, head))
    })
}

/// What a read without the lock came to.
enum Outcome<R> {
    Taken(R),
    Expired,
    WrongType,
    /// Only the holder of the lock can read it.
    Locked,
}

impl Core {
    /// Replaces what `out` holds by the value of a key.
    #[inline]
    pub(crate) fn read_into(&self, key: &[u8], out: &mut Vec<u8>) -> Result<bool, Error> {
        let hash = self.hash(key);
        let stripe = self.stripes.of(hash);
        match look(stripe, low_bits(hash), key) {
            Look::Absent if key.len() <= MAX_KEY => return Ok(false),
            Look::Found((words, head), sight) if head.is_plain() => {
                copy_to_vec(words, Head::plain_value_at(key), head.value_len(), out);
                if sight.holds() {
                    return Ok(true);
                }
            }
            _ => {}
        }
        let (key, time) = (Key { bytes: key, hash }, self.clock.present());
        let found = self.read_as(key, KeyType::String, &time, |seen| seen.copy_into(out))?;
        Ok(found.is_some())
    }

    /// Shows the value of a key to `take`, perhaps more than once; what it returned last is passed on.
    #[inline]
    pub(crate) fn read<R>(
        &self,
        key: &[u8],
        mut take: impl FnMut(Seen<'_>) -> R,
    ) -> Result<Option<R>, Error> {
        let key = self.key(key);
        match self.read_plain(key, &mut take) {
            Some(read) => Ok(read),
            None => self.read_as(key, KeyType::String, &self.clock.present(), take),
        }
    }

    /// [`Self::read`] where a look at the home bucket settles it: there is no such key, or a plain string.
    #[inline(always)]
    pub(crate) fn read_plain<R>(
        &self,
        Key { bytes: key, hash }: Key<'_>,
        take: &mut impl FnMut(Seen<'_>) -> R,
    ) -> Option<Option<R>> {
        match look(self.stripes.of(hash), low_bits(hash), key) {
            Look::Absent if key.len() <= MAX_KEY => Some(None),
            Look::Found((words, head), sight) if head.is_plain() => {
                let taken = take(Seen::Record(words, head));
                sight.holds().then_some(Some(taken))
            }
            _ => None,
        }
    }

    /// [`Self::read`] of a value of this type, be it no plain string, in another bucket, or disturbed.
    #[inline(never)]
    pub(crate) fn read_as<R>(
        &self,
        Key { bytes: key, hash }: Key<'_>,
        wanted: KeyType,
        time: &Present<'_>,
        mut take: impl FnMut(Seen<'_>) -> R,
    ) -> Result<Option<R>, Error> {
        let (stripe, low) = (self.stripes.of(hash), low_bits(hash));
        if key.len() <= MAX_KEY && !stripe.is_exclusive() {
            let read = stripe.table.read(low, |entry| {
                let Some(words) = stripe.shared.words(entry) else {
                    return is_loose(entry).then_some(Outcome::Locked);
                };
                let head = Head::load(words);
                if !head.has_key(words, key) {
                    return None;
                }
                if head
                    .deadline(words)
                    .is_some_and(|deadline| time.has_passed(deadline))
                {
                    return Some(Outcome::Expired);
                }
                Some(match head.kind()? {
                    _ if head.key_type() != wanted => Outcome::WrongType,
                    Kind::Bytes => Outcome::Taken(take(Seen::Record(words, head))),
                    Kind::Int => Outcome::Taken(take(Seen::Int(head.number(words) as i64))),
                    Kind::Outside => Outcome::Locked,
                })
            });
            match read {
                Ok(None | Some(Outcome::Expired)) => return Ok(None),
                Ok(Some(Outcome::Taken(taken))) => return Ok(Some(taken)),
                Ok(Some(Outcome::WrongType)) => return Err(Error::WrongType),
                Ok(Some(Outcome::Locked)) | Err(_) => {}
            }
        }
        stripe.read(|table, pages: &Arc<Pages>, shard| {
            let words = &shard.entries;
            let found = table.hit(low, |entry| {
                words.has_key(pages, entry, key).then_some(entry)
            });
            let Some(entry) = found else { return Ok(None) };
            let deadline = crate::entry::Entries::deadline(words, pages, entry);
            if deadline.is_some_and(|deadline| time.has_passed(deadline)) {
                return Ok(None);
            }
            if words.key_type(pages, entry) != wanted {
                return Err(Error::WrongType);
            }
            if let Some(any) = words.elements(pages, entry) {
                return Ok(Some(take(Seen::Elements(any))));
            }
            Ok(Some(words.with_value(pages, entry, |stored| {
                take(match stored {
                    Stored::Int(int) => Seen::Int(int),
                    Stored::Large(bytes) => Seen::Large(bytes),
                    ref other => Seen::Bytes(other.bytes()),
                })
            })))
        })
    }
}
