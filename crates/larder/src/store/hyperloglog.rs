//! `HyperLogLog`: a string seen as an estimate of how many different elements were added.

use std::fmt;

use super::core::Store;
use super::seat::Refusal;
use super::site::Site;
use super::stored::Stored;
use super::tx::Tx;
use crate::bytes::ToValue;
use crate::error::Error;
use crate::event::EventKind;
use crate::value::hyperloglog::{Flaw, Registers, Sign, Sketch};

/// How many different elements were added: an estimate, in 12 KiB at most, whatever their number.
///
/// It is a view of one key. The estimate's standard error is 0.81 %. The value is a string, laid out as a server lays it
/// out: [`Store::get`] and [`Store::set`] move it from and to one.
///
/// ```
/// let store = larder::Store::new();
/// let visitors = store.hyperloglog("visitors:monday");
/// visitors.add_many(["ada", "grace", "ada"])?;
/// assert_eq!(visitors.count()?, 2);
/// # Ok::<(), larder::Error>(())
/// ```
///
/// | command | method |
/// |---|---|
/// | `PFADD` | [`add`](Self::add), [`add_many`](Self::add_many) |
/// | `PFCOUNT` | [`count`](Self::count), [`Store::count_distinct`] |
/// | `PFMERGE` | [`merge`](Self::merge) |
///
/// # Cost
///
/// Few elements are kept as runs of registers, in up to 3,000 bytes, which a change writes anew; many as 16,384 registers
/// of 6 bits, which a change copies. An element that changes nothing, as most do once there are many, copies nothing. A count
/// looks at all registers and is not kept.
///
/// # Errors
///
/// Every call is refused with [`Error::WrongType`] if the key holds no string, with [`Error::NotAHyperLogLog`] if the string
/// is none, and with [`Error::CorruptHyperLogLog`] if it is a broken one.
#[derive(Clone)]
pub struct HyperLogLog<'a> {
    site: Site<'a>,
    key: Vec<u8>,
}

impl fmt::Debug for HyperLogLog<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperLogLog").finish_non_exhaustive()
    }
}

impl From<Flaw> for Error {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::NotOne => Error::NotAHyperLogLog,
            Flaw::Corrupt => Error::CorruptHyperLogLog,
        }
    }
}

impl HyperLogLog<'_> {
    /// Adds an element; whether the estimate may have changed.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let seen = store.hyperloglog("seen");
    /// assert!(seen.add("a")?);
    /// assert!(!seen.add("a")?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`HyperLogLog`] says; one stripe's lock.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if the value does not fit the store's bound, and as said of [`HyperLogLog`].
    #[doc(alias = "PFADD")]
    pub fn add(&self, element: impl ToValue) -> Result<bool, Error> {
        self.add_many([element])
    }

    /// Adds elements; whether the estimate may have changed. Also without any the key exists afterwards.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert!(store.hyperloglog("seen").add_many([1, 2, 3])?);
    /// assert_eq!(store.hyperloglog("seen").count()?, 3);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Self::add`], the value written once for all.
    ///
    /// # Errors
    ///
    /// As [`Self::add`].
    #[doc(alias = "PFADD")]
    pub fn add_many(
        &self,
        elements: impl IntoIterator<Item = impl ToValue>,
    ) -> Result<bool, Error> {
        let signs: Vec<Sign> = elements
            .into_iter()
            .map(|element| Sign::of(element.to_value().bytes(&mut [0; 20])))
            .collect();
        self.change(|old| match old {
            Some(sketch) if !sketch.lacks(&signs) => None,
            old => {
                let mut registers = old.map(Registers::from).unwrap_or_default();
                registers.add(&signs);
                Some(registers)
            }
        })
    }

    /// How many different elements were added, estimated; 0 if there is no such key.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let seen = store.hyperloglog("seen");
    /// seen.add_many(0..100_000)?;
    /// assert!(seen.count()?.abs_diff(100_000) < 2_500);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(registers), on a copy, without the lock; a value that a server counted is counted again.
    ///
    /// # Errors
    ///
    /// As said of [`HyperLogLog`].
    #[doc(alias = "PFCOUNT")]
    pub fn count(&self) -> Result<u64, Error> {
        let value = self.site.string(self.site.key(&self.key))?;
        value.map_or(Ok(0), |value| {
            value
                .as_stored()
                .with_text(|text| Ok(Sketch::read(text)?.count()))
        })
    }

    /// Adds what was added to others. Also without any the key exists afterwards; a deadline stays.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.hyperloglog("monday").add_many(["ada", "grace"])?;
    /// store.hyperloglog("tuesday").add_many(["ada", "alan"])?;
    /// let week = store.hyperloglog("week");
    /// week.merge(["monday", "tuesday"])?;
    /// assert_eq!(week.count()?, 3);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(registers) for each, under the locks of all their stripes.
    ///
    /// # Errors
    ///
    /// As [`Self::add`], also for the others; in a transaction, [`Error::KeyNotNamed`].
    #[doc(alias = "PFMERGE")]
    pub fn merge(&self, others: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<(), Error> {
        let others: Vec<_> = others.into_iter().collect();
        let others = others.iter().map(AsRef::as_ref);
        let keys = [&self.key[..]].into_iter().chain(others);
        let keys: Vec<_> = keys.map(|key| self.site.key(key)).collect();
        let to = self.site.key(&self.key);
        self.site.write_many(&keys, |group| {
            let mut all = Registers::default();
            for key in &keys {
                let merged = group.seat(*key, |seat| {
                    seat.with_string(|old| old.with_text(|text| merge(&mut all, text)))
                })?;
                merged.transpose()?;
            }
            group.seat(to, |seat| {
                let deadline = seat.deadline();
                seat.put(&Stored::text(&all.write()), deadline)?;
                seat.tell(EventKind::PfAdd);
                Ok(())
            })
        })
    }

    /// Writes the registers that `work` makes of those there are, if it makes any.
    fn change(
        &self,
        work: impl Fn(Option<Sketch<'_>>) -> Option<Registers>,
    ) -> Result<bool, Error> {
        self.site.write(self.site.key(&self.key), |seat| {
            let old = seat.with_string(|old| {
                old.with_text(|text| {
                    Ok::<_, Refusal>(work(Some(Sketch::read(text).map_err(Error::from)?)))
                })
            })?;
            let Some(registers) = old.unwrap_or_else(|| Ok(work(None)))? else {
                return Ok(false);
            };
            let deadline = seat.deadline();
            seat.put(&Stored::text(&registers.write()), deadline)?;
            seat.tell(EventKind::PfAdd);
            Ok(true)
        })
    }
}

fn merge(all: &mut Registers, text: &[u8]) -> Result<(), Error> {
    all.merge(Sketch::read(text)?);
    Ok(())
}

/// The estimate for several keys together.
fn count(site: Site<'_>, keys: &[&[u8]]) -> Result<u64, Error> {
    let keys: Vec<_> = keys.iter().map(|key| site.key(key)).collect();
    let mut all = Registers::default();
    site.look_many(&keys, |views| {
        for key in &keys {
            let merged = views.with(*key, |stored| {
                stored.string()?.with_text(|text| merge(&mut all, text))
            });
            merged.transpose()?;
        }
        Ok(())
    })?;
    Ok(all.count())
}

impl Store {
    /// A view of a key as a HyperLogLog.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert_eq!(store.hyperloglog("none").count()?, 0);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[must_use]
    pub fn hyperloglog(&self, key: impl AsRef<[u8]>) -> HyperLogLog<'_> {
        HyperLogLog {
            site: self.site(),
            key: key.as_ref().to_vec(),
        }
    }

    /// How many different elements were added to any of these [`HyperLogLog`]s, estimated.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.hyperloglog("monday").add_many(["ada", "grace"])?;
    /// store.hyperloglog("tuesday").add_many(["ada", "alan"])?;
    /// assert_eq!(store.count_distinct(["monday", "tuesday"])?, 3);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(registers) for each, under the locks of all their stripes.
    ///
    /// # Errors
    ///
    /// As said of [`HyperLogLog`].
    #[doc(alias = "PFCOUNT")]
    pub fn count_distinct(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<u64, Error> {
        let keys: Vec<_> = keys.into_iter().collect();
        let keys: Vec<&[u8]> = keys.iter().map(AsRef::as_ref).collect();
        count(self.site(), &keys)
    }
}

impl Tx<'_> {
    /// See [`Store::hyperloglog`].
    #[must_use]
    pub fn hyperloglog(&self, key: impl AsRef<[u8]>) -> HyperLogLog<'_> {
        HyperLogLog {
            site: self.site,
            key: key.as_ref().to_vec(),
        }
    }

    /// See [`Store::count_distinct`].
    ///
    /// # Errors
    ///
    /// Those of the store's call, and [`Error::KeyNotNamed`].
    #[doc(alias = "PFCOUNT")]
    pub fn count_distinct(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<u64, Error> {
        let keys: Vec<_> = keys.into_iter().collect();
        let keys: Vec<&[u8]> = keys.iter().map(AsRef::as_ref).collect();
        count(self.site, &keys)
    }
}
