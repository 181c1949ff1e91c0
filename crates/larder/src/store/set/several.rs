//! What is made of several sets: intersection, union, difference; copied, counted, stored.

use super::commands::Combination;
use crate::bytes::FromValue;
use crate::error::Error;
use crate::store::core::Store;
use crate::store::group::Key;
use crate::store::site::Site;
use crate::store::tx::Tx;

/// Runs `work` on keys with their hashes.
fn with_keys<R>(
    site: Site<'_>,
    keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    work: impl FnOnce(&[Key<'_>]) -> R,
) -> R {
    let names: Vec<_> = keys.into_iter().collect();
    let keys: Vec<Key<'_>> = names.iter().map(|name| site.key(name.as_ref())).collect();
    work(&keys)
}

impl Store {
    /// The members that all of these sets have, in no particular order.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_of::<i64>("a").add_many([1, 2, 3])?;
    /// store.set_of::<i64>("b").add_many([2, 3, 4])?;
    /// let mut members = store.intersection::<i64>(["a", "b"])?;
    /// members.sort();
    /// assert_eq!(members, [2, 3]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(smallest set × sets); the locks of their stripes, shared.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if any key holds another type, [`Error::Convert`] if a member is not a `T`.
    #[doc(alias = "SINTER")]
    pub fn intersection<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Vec<T>, Error> {
        with_keys(self.site(), keys, |keys| {
            Ok(self
                .site()
                .set_combined(keys, Combination::Intersection)?
                .convert()?)
        })
    }

    /// The number of members that all of these sets have, counted no further than to a limit.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_of::<i64>("a").add_many([1, 2, 3])?;
    /// store.set_of::<i64>("b").add_many([2, 3, 4])?;
    /// assert_eq!(store.intersection_len(["a", "b"], None)?, 2);
    /// assert_eq!(store.intersection_len(["a", "b"], Some(1))?, 1);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::intersection`], and no more than it takes to the limit; nothing is copied.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if any key holds another type.
    #[doc(alias = "SINTERCARD")]
    pub fn intersection_len(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        limit: Option<usize>,
    ) -> Result<usize, Error> {
        with_keys(self.site(), keys, |keys| {
            self.site()
                .set_count(keys, Combination::Intersection, limit.unwrap_or(usize::MAX))
        })
    }

    /// Stores the members that all of these sets have under a key, in place of whatever it held, and returns their number; of none, the key is
    /// removed.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_of::<i64>("a").add_many([1, 2, 3])?;
    /// store.set_of::<i64>("b").add_many([2, 3, 4])?;
    /// assert_eq!(store.store_intersection("c", ["a", "b"])?, 2);
    /// assert_eq!(store.set_of::<i64>("c").len()?, 2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::intersection`], under the locks of all their stripes.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if any key but the first holds another type, [`Error::TooLarge`] if the result does not fit
    /// the store's bound beside the sets that it is made of; then nothing has changed.
    #[doc(alias = "SINTERSTORE")]
    pub fn store_intersection(
        &self,
        to: impl AsRef<[u8]>,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<usize, Error> {
        let to = self.site().key(to.as_ref());
        with_keys(self.site(), keys, |keys| {
            self.site().set_store(to, keys, Combination::Intersection)
        })
    }

    /// The members that any of these sets has, in no particular order.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_of::<i64>("a").add_many([1, 2, 3])?;
    /// store.set_of::<i64>("b").add_many([2, 3, 4])?;
    /// let mut members = store.union::<i64>(["a", "b"])?;
    /// members.sort();
    /// assert_eq!(members, [1, 2, 3, 4]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(all members × sets); the locks of their stripes, shared.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if any key holds another type, [`Error::Convert`] if a member is not a `T`.
    #[doc(alias = "SUNION")]
    pub fn union<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Vec<T>, Error> {
        with_keys(self.site(), keys, |keys| {
            Ok(self
                .site()
                .set_combined(keys, Combination::Union)?
                .convert()?)
        })
    }

    /// The number of members that any of these sets has, counted no further than to a limit.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_of::<i64>("a").add_many([1, 2, 3])?;
    /// store.set_of::<i64>("b").add_many([2, 3, 4])?;
    /// assert_eq!(store.union_len(["a", "b"], None)?, 4);
    /// assert_eq!(store.union_len(["a", "b"], Some(1))?, 1);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::union`], and no more than it takes to the limit; nothing is copied.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if any key holds another type.
    #[doc(alias = "SUNIONCARD")]
    pub fn union_len(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        limit: Option<usize>,
    ) -> Result<usize, Error> {
        with_keys(self.site(), keys, |keys| {
            self.site()
                .set_count(keys, Combination::Union, limit.unwrap_or(usize::MAX))
        })
    }

    /// Stores the members that any of these sets has under a key, in place of whatever it held, and returns their number; of none, the key is
    /// removed.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_of::<i64>("a").add_many([1, 2, 3])?;
    /// store.set_of::<i64>("b").add_many([2, 3, 4])?;
    /// assert_eq!(store.store_union("c", ["a", "b"])?, 4);
    /// assert_eq!(store.set_of::<i64>("c").len()?, 4);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::union`], under the locks of all their stripes.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if any key but the first holds another type, [`Error::TooLarge`] if the result does not fit
    /// the store's bound beside the sets that it is made of; then nothing has changed.
    #[doc(alias = "SUNIONSTORE")]
    pub fn store_union(
        &self,
        to: impl AsRef<[u8]>,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<usize, Error> {
        let to = self.site().key(to.as_ref());
        with_keys(self.site(), keys, |keys| {
            self.site().set_store(to, keys, Combination::Union)
        })
    }

    /// The members of the first set that no other has, in no particular order.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_of::<i64>("a").add_many([1, 2, 3])?;
    /// store.set_of::<i64>("b").add_many([2, 3, 4])?;
    /// let mut members = store.difference::<i64>(["a", "b"])?;
    /// members.sort();
    /// assert_eq!(members, [1]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(first set × sets); the locks of their stripes, shared.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if any key holds another type, [`Error::Convert`] if a member is not a `T`.
    #[doc(alias = "SDIFF")]
    pub fn difference<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Vec<T>, Error> {
        with_keys(self.site(), keys, |keys| {
            Ok(self
                .site()
                .set_combined(keys, Combination::Difference)?
                .convert()?)
        })
    }

    /// The number of members of the first set that no other has, counted no further than to a limit.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_of::<i64>("a").add_many([1, 2, 3])?;
    /// store.set_of::<i64>("b").add_many([2, 3, 4])?;
    /// assert_eq!(store.difference_len(["a", "b"], None)?, 1);
    /// assert_eq!(store.difference_len(["a", "b"], Some(1))?, 1);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::difference`], and no more than it takes to the limit; nothing is copied.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if any key holds another type.
    #[doc(alias = "SDIFFCARD")]
    pub fn difference_len(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        limit: Option<usize>,
    ) -> Result<usize, Error> {
        with_keys(self.site(), keys, |keys| {
            self.site()
                .set_count(keys, Combination::Difference, limit.unwrap_or(usize::MAX))
        })
    }

    /// Stores the members of the first set that no other has under a key, in place of whatever it held, and returns their number; of none, the key is
    /// removed.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_of::<i64>("a").add_many([1, 2, 3])?;
    /// store.set_of::<i64>("b").add_many([2, 3, 4])?;
    /// assert_eq!(store.store_difference("c", ["a", "b"])?, 1);
    /// assert_eq!(store.set_of::<i64>("c").len()?, 1);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::difference`], under the locks of all their stripes.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if any key but the first holds another type, [`Error::TooLarge`] if the result does not fit
    /// the store's bound beside the sets that it is made of; then nothing has changed.
    #[doc(alias = "SDIFFSTORE")]
    pub fn store_difference(
        &self,
        to: impl AsRef<[u8]>,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<usize, Error> {
        let to = self.site().key(to.as_ref());
        with_keys(self.site(), keys, |keys| {
            self.site().set_store(to, keys, Combination::Difference)
        })
    }
}

impl Tx<'_> {
    /// See [`Store::intersection`].
    ///
    /// # Errors
    ///
    /// Those of the store's call, and [`Error::KeyNotNamed`].
    #[doc(alias = "SINTER")]
    pub fn intersection<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Vec<T>, Error> {
        with_keys(self.site, keys, |keys| {
            Ok(self
                .site
                .set_combined(keys, Combination::Intersection)?
                .convert()?)
        })
    }

    /// See [`Store::intersection_len`].
    ///
    /// # Errors
    ///
    /// Those of the store's call, and [`Error::KeyNotNamed`].
    #[doc(alias = "SINTERCARD")]
    pub fn intersection_len(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        limit: Option<usize>,
    ) -> Result<usize, Error> {
        with_keys(self.site, keys, |keys| {
            self.site
                .set_count(keys, Combination::Intersection, limit.unwrap_or(usize::MAX))
        })
    }

    /// See [`Store::store_intersection`].
    ///
    /// # Errors
    ///
    /// Those of the store's call, and [`Error::KeyNotNamed`].
    #[doc(alias = "SINTERSTORE")]
    pub fn store_intersection(
        &self,
        to: impl AsRef<[u8]>,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<usize, Error> {
        let to = self.site.key(to.as_ref());
        with_keys(self.site, keys, |keys| {
            self.site.set_store(to, keys, Combination::Intersection)
        })
    }

    /// See [`Store::union`].
    ///
    /// # Errors
    ///
    /// Those of the store's call, and [`Error::KeyNotNamed`].
    #[doc(alias = "SUNION")]
    pub fn union<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Vec<T>, Error> {
        with_keys(self.site, keys, |keys| {
            Ok(self
                .site
                .set_combined(keys, Combination::Union)?
                .convert()?)
        })
    }

    /// See [`Store::union_len`].
    ///
    /// # Errors
    ///
    /// Those of the store's call, and [`Error::KeyNotNamed`].
    #[doc(alias = "SUNIONCARD")]
    pub fn union_len(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        limit: Option<usize>,
    ) -> Result<usize, Error> {
        with_keys(self.site, keys, |keys| {
            self.site
                .set_count(keys, Combination::Union, limit.unwrap_or(usize::MAX))
        })
    }

    /// See [`Store::store_union`].
    ///
    /// # Errors
    ///
    /// Those of the store's call, and [`Error::KeyNotNamed`].
    #[doc(alias = "SUNIONSTORE")]
    pub fn store_union(
        &self,
        to: impl AsRef<[u8]>,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<usize, Error> {
        let to = self.site.key(to.as_ref());
        with_keys(self.site, keys, |keys| {
            self.site.set_store(to, keys, Combination::Union)
        })
    }

    /// See [`Store::difference`].
    ///
    /// # Errors
    ///
    /// Those of the store's call, and [`Error::KeyNotNamed`].
    #[doc(alias = "SDIFF")]
    pub fn difference<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Vec<T>, Error> {
        with_keys(self.site, keys, |keys| {
            Ok(self
                .site
                .set_combined(keys, Combination::Difference)?
                .convert()?)
        })
    }

    /// See [`Store::difference_len`].
    ///
    /// # Errors
    ///
    /// Those of the store's call, and [`Error::KeyNotNamed`].
    #[doc(alias = "SDIFFCARD")]
    pub fn difference_len(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        limit: Option<usize>,
    ) -> Result<usize, Error> {
        with_keys(self.site, keys, |keys| {
            self.site
                .set_count(keys, Combination::Difference, limit.unwrap_or(usize::MAX))
        })
    }

    /// See [`Store::store_difference`].
    ///
    /// # Errors
    ///
    /// Those of the store's call, and [`Error::KeyNotNamed`].
    #[doc(alias = "SDIFFSTORE")]
    pub fn store_difference(
        &self,
        to: impl AsRef<[u8]>,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<usize, Error> {
        let to = self.site.key(to.as_ref());
        with_keys(self.site, keys, |keys| {
            self.site.set_store(to, keys, Combination::Difference)
        })
    }
}
