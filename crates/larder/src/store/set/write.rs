//! What changes a set.

use super::Set;
use crate::bytes::{Raw, ToValue};
use crate::error::Error;
use crate::store::site::Scope;

impl<T, S: Scope> Set<'_, T, S> {
    /// Adds a member; `false` if it was there.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.set_of::<i64>("set");
    /// assert!(set.add(1)?);
    /// assert!(!set.add(1)?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), one stripe's lock; a packed set is written anew.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if the set would not fit the store's bound; then nothing has changed.
    #[doc(alias = "SADD")]
    pub fn add(&self, member: impl ToValue) -> Result<bool, Error> {
        Ok(self.site().set_add(self.key(), &[member.to_value()])? == 1)
    }

    /// Adds members; returns how many were not there.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert_eq!(store.set_of::<String>("set").add_many(["a", "b", "a"])?, 2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Set::add`], for each.
    ///
    /// # Errors
    ///
    /// As [`Set::add`].
    #[doc(alias = "SADD")]
    pub fn add_many(
        &self,
        members: impl IntoIterator<Item = impl ToValue>,
    ) -> Result<usize, Error> {
        let members: Vec<_> = members.into_iter().collect();
        let raws: Vec<Raw<'_>> = members.iter().map(ToValue::to_value).collect();
        self.site().set_add(self.key(), &raws)
    }

    /// Removes a member; `false` if it was not there.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.set_of::<i64>("set");
    /// set.add(1)?;
    /// assert!(set.remove(1)?);
    /// assert!(!store.exists("set"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Set::add`].
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias = "SREM")]
    pub fn remove(&self, member: impl ToValue) -> Result<bool, Error> {
        Ok(self.site().set_remove(self.key(), &[member.to_value()])? == 1)
    }

    /// Removes members; returns how many were there.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.set_of::<String>("set");
    /// set.add_many(["a", "b", "c"])?;
    /// assert_eq!(set.remove_many(["a", "z", "b"])?, 2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Set::add`], for each.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias = "SREM")]
    pub fn remove_many(
        &self,
        members: impl IntoIterator<Item = impl ToValue>,
    ) -> Result<usize, Error> {
        let members: Vec<_> = members.into_iter().collect();
        let raws: Vec<Raw<'_>> = members.iter().map(ToValue::to_value).collect();
        self.site().set_remove(self.key(), &raws)
    }

    /// Moves a member to another set; `false` if it is not in this one.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_of::<i64>("from").add(1)?;
    /// assert!(store.set_of::<i64>("from").move_to("to", 1)?);
    /// assert_eq!(store.set_of::<i64>("to").members()?, [1]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), the locks of both keys' stripes.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if either key holds another type (without a set to take from, the other key is not looked
    /// at), [`Error::TooLarge`] if the other set would not fit the store's bound; then nothing has changed.
    #[doc(alias = "SMOVE")]
    pub fn move_to(&self, other: impl AsRef<[u8]>, member: impl ToValue) -> Result<bool, Error> {
        let other = self.site().key(other.as_ref());
        self.site().set_move(self.key(), other, &member.to_value())
    }
}
