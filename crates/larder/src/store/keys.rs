//! Keys: what can be asked and done of a key whatever its value.

use super::core::{Core, Store};
use super::many::Pair;
use super::words::Words;
use crate::ds::table::{BUCKETS, Home};
use crate::entry::Entries;
use crate::error::Error;
use crate::record::{Head, MAX_KEY};
use crate::shard::NoRoom;
use crate::stripes::{Stripe, low_bits};
use crate::time::Millis;

/// The type of a value.
///
/// ```
/// use larder::{KeyType, Store};
///
/// let store = Store::new();
/// store.set("key", 1)?;
/// assert_eq!(store.key_type("key"), Some(KeyType::String));
/// assert_eq!(store.key_type("none"), None);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// Bytes, text and numbers.
    String,
}

/// What [`Store::rename_if_absent`] and the like do about a destination that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Destination {
    Replaced,
    Respected,
}

impl Pair<'_, '_, '_> {
    /// Moves the value and deadline of the first key to the second; `false` if that has to be respected.
    fn rename(&mut self, destination: Destination) -> Result<Result<bool, Error>, NoRoom> {
        let source = self.with(0, |seat| {
            Some((seat.value()?, seat.deadline(), seat.weight(), seat.entry()))
        });
        let Some((value, deadline, old, entry)) = source else {
            return Ok(Err(Error::NoSuchKey));
        };
        if destination == Destination::Respected && self.with(1, |seat| seat.exists()) {
            return Ok(Ok(false));
        }
        let stored = value.as_stored();
        let weight = self.with(1, |seat| seat.weight_with(&stored, deadline));
        let keep = if self.are_neighbours() { entry } else { None };
        let mut made = 0;
        self.with(1, |seat| {
            if weight > seat.world.budget.limit() {
                return Err(NoRoom);
            }
            Ok(())
        })?;
        loop {
            // What is evicted may be the destination's present entry.
            let more = self.with(1, |seat| weight.saturating_sub(seat.weight() + old));
            if more <= made {
                break;
            }
            self.with(1, |seat| {
                let result = seat.world.make_room(more - made, keep, seat.departed);
                result.inspect_err(|_| seat.world.return_room(made))
            })?;
            made = more;
        }
        let room = made + self.with(0, |seat| seat.vacate());
        self.with(1, |seat| {
            let more = weight.saturating_sub(seat.weight());
            seat.place(&stored, deadline)?;
            seat.world.return_room(room - more);
            Ok(Ok(true))
        })
    }

    /// Copies the value and deadline of the first key to the second; `false` if there is nothing to copy, or the
    /// second has to be respected.
    fn copy(&mut self, destination: Destination) -> Result<bool, NoRoom> {
        let Some((value, deadline)) = self.with(0, |seat| Some((seat.value()?, seat.deadline())))
        else {
            return Ok(false);
        };
        self.with(1, |seat| {
            if destination == Destination::Respected && seat.exists() {
                return Ok(false);
            }
            seat.put(&value.as_stored(), deadline)?;
            Ok(true)
        })
    }
}

impl Core {
    fn rename(&self, from: &[u8], to: &[u8], destination: Destination) -> Result<bool, Error> {
        if from == to {
            let exists = self.deadline(from).is_some();
            return if exists {
                Ok(destination == Destination::Replaced)
            } else {
                Err(Error::NoSuchKey)
            };
        }
        self.write_two([from, to], |pair| pair.rename(destination))
            .unwrap_or(Err(Error::TooLarge))
    }

    fn copy_key(&self, from: &[u8], to: &[u8], destination: Destination) -> Result<bool, Error> {
        if from == to {
            return Err(Error::SameKey);
        }
        self.write_two([from, to], |pair| pair.copy(destination))
            .map_err(|NoRoom| Error::TooLarge)
    }

    /// A live key of a stripe, of those in the first bucket with any from a random one on.
    fn random_in(&self, stripe: &Stripe<Words>) -> Option<Vec<u8>> {
        let draw = self.draw();
        stripe.read(|table, pages, shard| {
            let buckets = u64::from(table.segments()) * BUCKETS as u64;
            let start = draw % buckets;
            let mut live = Vec::new();
            for step in 0..buckets {
                let at = ((start + step) % buckets) as u32;
                let home = Home {
                    segment: at / BUCKETS as u32,
                    bucket: at % BUCKETS as u32,
                };
                table.visit_bucket(home, |_, entry| {
                    let deadline = shard.entries.deadline(pages, entry);
                    if !deadline.is_some_and(|deadline| self.clock.has_passed(deadline)) {
                        live.push(entry);
                    }
                });
                if !live.is_empty() {
                    let entry = live[(draw >> 32) as usize % live.len()];
                    return Some(shard.entries.with_key(pages, entry, <[u8]>::to_vec));
                }
            }
            None
        })
    }

    /// The deadline of a live key.
    pub(crate) fn deadline(&self, key: &[u8]) -> Option<Option<Millis>> {
        let hash = self.hash(key);
        let (low, stripe) = (low_bits(hash), self.stripes.of(hash));
        let glance = if key.len() <= MAX_KEY && !stripe.is_exclusive() {
            stripe.table.read(low, |entry| {
                let words = stripe.shared.words(entry)?;
                let head = Head::load(words);
                head.has_key(words, key).then(|| head.deadline(words))
            })
        } else {
            Err(crate::ds::look::Contended)
        };
        let deadline = glance.unwrap_or_else(|_| {
            stripe.read(|table, pages, shard| {
                let (_, entry) =
                    table.find(low, |entry| shard.entries.has_key(pages, entry, key))?;
                Some(shard.entries.deadline(pages, entry))
            })
        })?;
        (!deadline.is_some_and(|deadline| self.clock.has_passed(deadline))).then_some(deadline)
    }
}

impl Store {
    /// Whether a key exists.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("key", 1)?;
    /// assert!(store.exists("key"));
    /// assert!(!store.exists("other"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), no lock.
    #[doc(alias = "EXISTS")]
    #[must_use]
    pub fn exists(&self, key: impl AsRef<[u8]>) -> bool {
        self.core.deadline(key.as_ref()).is_some()
    }

    /// Removes a key; `false` if there was none.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("key", 1)?;
    /// assert!(store.remove("key"));
    /// assert!(!store.remove("key"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), one stripe's lock; a large value is freed after the unlock.
    #[doc(alias("DEL", "UNLINK", "delete"))]
    pub fn remove(&self, key: impl AsRef<[u8]>) -> bool {
        self.core
            .write(key.as_ref(), |seat| Ok(seat.remove()))
            .unwrap_or(false)
    }

    /// The type of a key's value; `None` if there is no such key.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("key", 1)?;
    /// assert_eq!(store.key_type("key"), Some(larder::KeyType::String));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), no lock.
    #[doc(alias = "TYPE")]
    #[must_use]
    pub fn key_type(&self, key: impl AsRef<[u8]>) -> Option<KeyType> {
        self.exists(key).then_some(KeyType::String)
    }

    /// Counts an access to a key, which makes it less likely to be evicted; `false` if there is no such key.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("key", 1)?;
    /// assert!(store.touch("key"));
    /// assert!(!store.touch("none"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), no lock.
    #[doc(alias = "TOUCH")]
    pub fn touch(&self, key: impl AsRef<[u8]>) -> bool {
        self.core
            .read(key.as_ref(), |_| ())
            .is_ok_and(|found| found.is_some())
    }

    /// Gives a value another key, deadline and all; whatever that key held is lost.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("old", 1)?;
    /// store.rename("old", "new")?;
    /// assert_eq!(store.get::<i64>("new")?, Some(1));
    /// assert!(!store.exists("old"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(value) up to 3.8 KiB, else O(1); the locks of two stripes.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchKey`] if there is no value, [`Error::TooLarge`] if it does not fit the bound under the new key.
    #[doc(alias = "RENAME")]
    pub fn rename(&self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Result<(), Error> {
        self.core
            .rename(from.as_ref(), to.as_ref(), Destination::Replaced)
            .map(drop)
    }

    /// Gives a value another key if that does not exist; `false` if it does.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_many([("a", 1), ("b", 2)])?;
    /// assert!(!store.rename_if_absent("a", "b")?);
    /// assert!(store.rename_if_absent("a", "c")?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::rename`].
    ///
    /// # Errors
    ///
    /// As [`Store::rename`].
    #[doc(alias = "RENAMENX")]
    pub fn rename_if_absent(
        &self,
        from: impl AsRef<[u8]>,
        to: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        self.core
            .rename(from.as_ref(), to.as_ref(), Destination::Respected)
    }

    /// Copies a value and its deadline to a key that does not exist; `false` if it does, or there is no value.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("a", 1)?;
    /// assert!(store.copy("a", "b")?);
    /// assert!(!store.copy("a", "b")?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(value) up to 3.8 KiB; a larger one is shared until either changes. The locks of two stripes.
    ///
    /// # Errors
    ///
    /// [`Error::SameKey`] if both are one key, [`Error::TooLarge`] if the copy does not fit the bound.
    #[doc(alias = "COPY")]
    pub fn copy(&self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.core
            .copy_key(from.as_ref(), to.as_ref(), Destination::Respected)
    }

    /// Copies a value and its deadline to a key, whatever that held; `false` if there is no value.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_many([("a", 1), ("b", 2)])?;
    /// assert!(store.copy_over("a", "b")?);
    /// assert_eq!(store.get::<i64>("b")?, Some(1));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::copy`].
    ///
    /// # Errors
    ///
    /// As [`Store::copy`].
    #[doc(alias = "COPY")]
    pub fn copy_over(&self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.core
            .copy_key(from.as_ref(), to.as_ref(), Destination::Replaced)
    }

    /// A key at random; `None` if there is none.
    ///
    /// Keys are about equally likely, not exactly.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert_eq!(store.random_key(), None);
    /// store.set("only", 1)?;
    /// assert_eq!(store.random_key().as_deref(), Some(b"only".as_slice()));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(stripes); one stripe's read lock, of more where keys have expired.
    #[doc(alias = "RANDOMKEY")]
    #[must_use]
    pub fn random_key(&self) -> Option<Vec<u8>> {
        let stripes = || self.core.stripes.iter();
        let mut rank = self.core.draw() % self.core.stripes.len().max(1);
        let chosen = stripes().position(|stripe| {
            let len = u64::from(stripe.table.len());
            let here = rank < len;
            rank = rank.saturating_sub(len);
            here
        });
        let (before, from) = (stripes().take(chosen?), stripes().skip(chosen?));
        from.chain(before)
            .find_map(|stripe| self.core.random_in(stripe))
    }
}
