//! What changes a hash.

use super::commands::Pair;
use super::{Hash, with_fields};
use crate::bytes::{FromValue, ToValue};
use crate::error::Error;
use crate::store::options::SetOptions;
use crate::store::site::Scope;

/// Runs `work` on the bytes of fields and on their values.
fn with_pairs<R>(
    pairs: impl IntoIterator<Item = (impl AsRef<[u8]>, impl ToValue)>,
    work: impl FnOnce(&[Pair<'_>]) -> R,
) -> R {
    let pairs: Vec<_> = pairs.into_iter().collect();
    let pairs: Vec<Pair<'_>> = pairs
        .iter()
        .map(|(field, value)| (field.as_ref(), value.to_value()))
        .collect();
    work(&pairs)
}

impl<T, S: Scope> Hash<'_, T, S> {
    /// Sets a field and clears its deadline; `true` if it was not there.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// assert!(hash.set("a", 1)?);
    /// assert!(!hash.set("a", 2)?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), one stripe's lock; a packed hash is copied, and what changed is written.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if the hash would not fit the store's bound; then nothing has changed.
    #[doc(alias("HSET"))]
    pub fn set(&self, field: impl AsRef<[u8]>, value: impl ToValue) -> Result<bool, Error> {
        let pair = (field.as_ref(), value.to_value());
        Ok(self.site().hash_set(self.key(), &[pair])? == 1)
    }

    /// Sets fields and clears their deadlines; returns how many were not there.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// assert_eq!(hash.set_many([("a", 1), ("b", 2)])?, 2);
    /// assert_eq!(hash.set_many([("a", 9), ("c", 3)])?, 1);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Hash::set`], for each.
    ///
    /// # Errors
    ///
    /// As [`Hash::set`].
    #[doc(alias("HSET", "HMSET"))]
    pub fn set_many(
        &self,
        pairs: impl IntoIterator<Item = (impl AsRef<[u8]>, impl ToValue)>,
    ) -> Result<usize, Error> {
        with_pairs(pairs, |pairs| self.site().hash_set(self.key(), pairs))
    }

    /// Sets fields, all of them or none: with a deadline, or only if all are there, or none; tells whether it did.
    ///
    /// A time to live of zero, or a moment that has passed, removes the fields.
    ///
    /// ```
    /// use larder::{SetOptions, Store};
    /// use std::time::Duration;
    ///
    /// let store = Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// let fresh = SetOptions::new().if_absent().ttl(Duration::from_secs(60));
    /// assert!(hash.set_many_with([("a", 1), ("b", 2)], fresh.clone())?);
    /// assert!(!hash.set_many_with([("b", 9), ("c", 9)], fresh)?);
    /// assert_eq!(hash.get_many(["a", "b", "c"])?, [Some(1), Some(2), None]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Hash::set`], for each.
    ///
    /// # Errors
    ///
    /// [`Error::Syntax`] for options that exclude each other, [`SetOptions::if_equal`] and [`SetOptions::return_old`];
    /// [`Error::InvalidExpiry`] for a deadline too far away; otherwise as [`Hash::set`].
    #[doc(alias("HSETEX", "FNX", "FXX"))]
    pub fn set_many_with(
        &self,
        pairs: impl IntoIterator<Item = (impl AsRef<[u8]>, impl ToValue)>,
        options: SetOptions<'_>,
    ) -> Result<bool, Error> {
        let time = self.site().exact_present();
        let setting = options.resolve_for_fields(&time)?;
        with_pairs(pairs, |pairs| {
            let setting = (&setting, time.clone());
            self.site().hash_set_with(self.key(), pairs, setting)
        })
    }

    /// Sets a field unless it is there; tells whether it did.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// assert!(hash.set_if_absent("a", 1)?);
    /// assert!(!hash.set_if_absent("a", 2)?);
    /// assert_eq!(hash.get("a")?, Some(1));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Hash::set`].
    ///
    /// # Errors
    ///
    /// As [`Hash::set`].
    #[doc(alias("HSETNX"))]
    pub fn set_if_absent(
        &self,
        field: impl AsRef<[u8]>,
        value: impl ToValue,
    ) -> Result<bool, Error> {
        let pair = (field.as_ref(), value.to_value());
        self.site().hash_set_if_absent(self.key(), &pair)
    }

    /// Removes a field; `false` if it was not there.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// hash.set("a", 1)?;
    /// assert!(hash.remove("a")?);
    /// assert!(!store.exists("hash"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), one stripe's lock; a packed hash is copied, and what changed is written.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias("HDEL"))]
    pub fn remove(&self, field: impl AsRef<[u8]>) -> Result<bool, Error> {
        Ok(self.remove_many([field])? == 1)
    }

    /// Removes fields; returns how many were there.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// hash.set_many([("a", 1), ("b", 2)])?;
    /// assert_eq!(hash.remove_many(["a", "a", "z"])?, 1);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Hash::remove`], for each.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias("HDEL"))]
    pub fn remove_many(
        &self,
        fields: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<usize, Error> {
        let taken = with_fields(fields, |fields| self.site().hash_remove(self.key(), fields))?;
        Ok(taken.iter().flatten().count())
    }

    /// Adds to an integer and returns the sum; a missing field counts from 0, and its deadline stays.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// assert_eq!(hash.incr("n", 5)?, 5);
    /// assert_eq!(hash.incr("n", -7)?, -2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), one stripe's lock; a packed hash is copied, and what changed is written.
    ///
    /// # Errors
    ///
    /// [`Error::FieldNotAnInteger`] if the value is not the canonical text of a 64-bit integer, [`Error::Overflow`] if the sum is
    /// not one, [`Error::TooLarge`] as [`Hash::set`].
    #[doc(alias("HINCRBY"))]
    pub fn incr(&self, field: impl AsRef<[u8]>, by: i64) -> Result<i64, Error> {
        self.site().hash_incr(self.key(), field.as_ref(), by)
    }

    /// Adds to a decimal number and returns the sum as it is stored, exact; otherwise as [`Hash::incr`].
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// assert_eq!(hash.incr_by_float("x", "0.1")?, "0.1");
    /// assert_eq!(hash.incr_by_float("x", 0.2)?, "0.3");
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), one stripe's lock; a packed hash is copied, and what changed is written.
    ///
    /// # Errors
    ///
    /// [`Error::FieldNotAFloat`] if the value is not a decimal number, [`Error::NotAFloat`] if the increment is not,
    /// [`Error::NotFinite`] if the sum is not, [`Error::TooLarge`] as [`Hash::set`].
    #[doc(alias("HINCRBYFLOAT"))]
    pub fn incr_by_float(
        &self,
        field: impl AsRef<[u8]>,
        by: impl ToValue,
    ) -> Result<String, Error> {
        let (field, by) = (field.as_ref(), by.to_value());
        self.site().hash_incr_by_float(self.key(), field, &by)
    }
}

impl<T: FromValue, S: Scope> Hash<'_, T, S> {
    /// Removes fields and returns their values.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// hash.set("a", 1)?;
    /// assert_eq!(hash.take_many(["a", "b"])?, [Some(1), None]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Hash::remove`], for each.
    ///
    /// # Errors
    ///
    /// [`Error::Convert`] if a value is not a `T`; it is gone all the same.
    #[doc(alias("HGETDEL"))]
    pub fn take_many(
        &self,
        fields: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Vec<Option<T>>, Error> {
        let taken = with_fields(fields, |fields| self.site().hash_remove(self.key(), fields))?;
        super::read::convert_all(&taken)
    }
}
