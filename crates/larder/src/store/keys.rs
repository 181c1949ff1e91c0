//! Keys: what can be asked and done of a key whatever its value.

use super::core::{Core, Store};
use super::group::{Group, Key};
use super::seat::Refusal;
use super::site::Site;
use super::words::Words;
use crate::ds::arena::is_loose;
use crate::ds::table::{BUCKETS, Home};
use crate::entry::Entries;
use crate::error::Error;
use crate::event::EventKind;
use crate::key::KeyType;
use crate::record::{Head, MAX_KEY};
use crate::stripes::{Stripe, low_bits};
use crate::time::{Millis, Present};

/// What [`Store::rename_if_absent`] and the like do about a destination that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    Replaced,
    Respected,
}

impl Group<'_> {
    /// Moves the value and deadline of a key to another; `false` if that has to be respected.
    fn rename(
        &mut self,
        from: Key<'_>,
        to: Key<'_>,
        destination: Destination,
    ) -> Result<bool, Refusal> {
        let (there, old, entry) =
            self.seat(from, |seat| (seat.exists(), seat.weight(), seat.entry()));
        if !there {
            return Err(Error::NoSuchKey.into());
        }
        let deadline = self.seat(from, |seat| seat.deadline());
        if destination == Destination::Respected && self.seat(to, |seat| seat.exists()) {
            return Ok(false);
        }
        let weight = self.weight_moved(from, to, deadline);
        if weight > self.core.stripes.budget.largest() {
            return Err(Refusal::NoRoom);
        }
        // The source stays until there is room; where both are neighbours, it must not be evicted for it.
        let place = self.worlds.place(to.hash);
        let neighbours = self.worlds.place(from.hash) == place;
        let keep = if neighbours { entry } else { None };
        let mut made = 0;
        loop {
            // What is evicted may be the destination's present entry.
            let more = self.seat(to, |seat| weight.saturating_sub(seat.weight() + old));
            if more <= made {
                break;
            }
            let room = self.world(place, |world, departed| {
                world.make_room(more - made, keep, departed)
            });
            if let Err(no_room) = room {
                self.spare += made;
                return Err(no_room.into());
            }
            made = more;
        }
        self.spare += made;
        let whole = self.seat(from, |seat| seat.take_whole());
        if let Some(whole) = whole {
            self.seat(to, |seat| seat.put_anew(whole, deadline))?;
            self.after.tell(from.bytes, EventKind::RenameFrom);
            self.after.tell(to.bytes, EventKind::RenameTo);
        }
        Ok(true)
    }

    /// What a key will weigh with the value of another.
    fn weight_moved(&mut self, from: Key<'_>, to: Key<'_>, deadline: Option<Millis>) -> u64 {
        let size = self.seat(from, |seat| seat.sketch());
        self.seat(to, |seat| {
            size.map_or(0, |size| seat.weight_of_sketch(&size, deadline))
        })
    }

    /// Copies the value and deadline of a key to another; `false` if there is nothing to copy, or the other has to be
    /// respected.
    fn copy(
        &mut self,
        from: Key<'_>,
        to: Key<'_>,
        destination: Destination,
    ) -> Result<bool, Refusal> {
        if destination == Destination::Respected && self.seat(to, |seat| seat.exists()) {
            return Ok(false);
        }
        let found = self.seat(from, |seat| Some((seat.copy_whole()?, seat.deadline())));
        let Some((whole, deadline)) = found else {
            return Ok(false);
        };
        let weight = self.seat(from, |seat| seat.weight());
        self.check_beside(to, &[from], weight)?;
        self.seat(to, |seat| seat.put_anew(whole, deadline))?;
        self.after.tell(to.bytes, EventKind::CopyTo);
        Ok(true)
    }
}

impl Site<'_> {
    pub(crate) fn remove(self, key: &[u8]) -> bool {
        self.write(self.key(key), |seat| Ok(seat.delete()))
            .unwrap_or(false)
    }

    pub(crate) fn rename(
        self,
        from: &[u8],
        to: &[u8],
        destination: Destination,
    ) -> Result<bool, Error> {
        let (from, to) = (self.key(from), self.key(to));
        self.write_many(&[from, to], |group| {
            if from.bytes == to.bytes {
                return if group.seat(from, |seat| seat.exists()) {
                    Ok(destination == Destination::Replaced)
                } else {
                    Err(Error::NoSuchKey.into())
                };
            }
            group.rename(from, to, destination)
        })
    }

    pub(crate) fn copy(
        self,
        from: &[u8],
        to: &[u8],
        destination: Destination,
    ) -> Result<bool, Error> {
        if from == to {
            return Err(Error::SameKey);
        }
        let (from, to) = (self.key(from), self.key(to));
        self.write_many(&[from, to], |group| group.copy(from, to, destination))
    }
}

impl Core {
    /// A live key of a stripe, of those in the first bucket with any from a random one on.
    fn random_in(&self, stripe: &Stripe<Words>) -> Option<Vec<u8>> {
        let (draw, time) = (self.draw(), self.clock.present());
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
                    if !deadline.is_some_and(|deadline| time.has_passed(deadline)) {
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

    /// Counts an access to a key; `false` if there is no such key.
    fn touch(&self, key: &[u8]) -> bool {
        let Key { bytes, hash } = self.key(key);
        let deadline = self.stripes.of(hash).read(|table, pages, shard| {
            table.hit(low_bits(hash), |entry| {
                let words = &shard.entries;
                words
                    .has_key(pages, entry, bytes)
                    .then(|| words.deadline(pages, entry))
            })
        });
        let time = self.clock.present();
        deadline.is_some_and(|at| !at.is_some_and(|at| time.has_passed(at)))
    }

    /// The deadline of a live key.
    #[inline]
    pub(crate) fn deadline(&self, key: &[u8], time: &Present<'_>) -> Option<Option<Millis>> {
        self.glance(key, time).map(|(deadline, _)| deadline)
    }

    /// The type of a live key's value.
    pub(crate) fn key_type(&self, key: &[u8]) -> Option<KeyType> {
        let time = self.clock.present();
        self.glance(key, &time).map(|(_, key_type)| key_type)
    }

    /// The deadline of a live key, and its value's type.
    fn glance(&self, key: &[u8], time: &Present<'_>) -> Option<(Option<Millis>, KeyType)> {
        let hash = self.hash(key);
        let (low, stripe) = (low_bits(hash), self.stripes.of(hash));
        let glance = if key.len() <= MAX_KEY && !stripe.is_exclusive() {
            stripe.table.read(low, |entry| {
                let Some(words) = stripe.shared.words(entry) else {
                    return is_loose(entry).then_some(None);
                };
                let head = Head::load(words);
                head.has_key(words, key)
                    .then(|| Some((head.deadline(words), head.key_type())))
            })
        } else {
            Err(crate::ds::look::Contended)
        };
        let (deadline, key_type) = match glance {
            Ok(None) => None,
            Ok(Some(Some(seen))) => Some(seen),
            // Only the holder of the lock can see it.
            Ok(Some(None)) | Err(_) => stripe.read(|table, pages, shard| {
                let (_, entry) =
                    table.find(low, |entry| shard.entries.has_key(pages, entry, key))?;
                let words = &shard.entries;
                Some((words.deadline(pages, entry), words.key_type(pages, entry)))
            }),
        }?;
        let passed = deadline.is_some_and(|deadline| time.has_passed(deadline));
        (!passed).then_some((deadline, key_type))
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
        self.site().deadline(key.as_ref()).is_some()
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
        self.site().remove(key.as_ref())
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
        self.core.key_type(key.as_ref())
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
        self.core.touch(key.as_ref())
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
        self.site()
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
        self.site()
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
    /// O(value), under the locks of two stripes; a string above 3.8 KiB is shared until either changes. Who copies a
    /// collection of millions lets others of those stripes wait for some milliseconds per million: where it need not be of
    /// one moment, scan it in pages.
    ///
    /// # Errors
    ///
    /// [`Error::SameKey`] if both are one key, [`Error::TooLarge`] if the copy does not fit the bound beside its source.
    #[doc(alias = "COPY")]
    pub fn copy(&self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.site()
            .copy(from.as_ref(), to.as_ref(), Destination::Respected)
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
        self.site()
            .copy(from.as_ref(), to.as_ref(), Destination::Replaced)
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
