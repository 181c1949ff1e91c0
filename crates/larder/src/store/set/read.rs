//! What is read of a set.

use super::Set;
use crate::bytes::{FromValue, Raw, ToValue};
use crate::error::Error;
use crate::store::draw::Draw;
use crate::store::site::Scope;
use crate::store::{scan::Cursor, scan_options::ScanOptions};

impl<T, S: Scope> Set<'_, T, S> {
    /// The number of members; zero if there is no set.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert_eq!(store.set_of::<i64>("none").len()?, 0);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1); no lock while the set is packed, then its stripe's, shared.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias = "SCARD")]
    pub fn len(&self) -> Result<usize, Error> {
        self.site().set_len(self.key())
    }

    /// Whether there is no set.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert!(store.set_of::<i64>("none").is_empty()?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.len()? == 0)
    }

    /// Whether a member is there.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.set_of::<String>("set");
    /// set.add("a")?;
    /// assert!(set.contains("a")? && !set.contains("b")?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Set::len`].
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias = "SISMEMBER")]
    pub fn contains(&self, member: impl ToValue) -> Result<bool, Error> {
        let found = self.site().set_contains(self.key(), &[member.to_value()])?;
        Ok(found == [true])
    }

    /// Whether each of these members is there.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.set_of::<String>("set");
    /// set.add("a")?;
    /// assert_eq!(set.contains_many(["a", "b"])?, [true, false]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Set::len`], for each; all are looked up at one moment.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias = "SMISMEMBER")]
    pub fn contains_many(
        &self,
        members: impl IntoIterator<Item = impl ToValue>,
    ) -> Result<Vec<bool>, Error> {
        let members: Vec<_> = members.into_iter().collect();
        let raws: Vec<Raw<'_>> = members.iter().map(ToValue::to_value).collect();
        self.site().set_contains(self.key(), &raws)
    }
}

impl<T: FromValue, S: Scope> Set<'_, T, S> {
    /// All members, in no particular order.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.set_of::<i64>("set");
    /// set.add_many([2, 1])?;
    /// assert_eq!(set.members()?, [1, 2]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(members); no lock while the set is packed, then its stripe's, shared.
    ///
    /// # Errors
    ///
    /// [`Error::Convert`] if a member is not a `T`.
    #[doc(alias = "SMEMBERS")]
    pub fn members(&self) -> Result<Vec<T>, Error> {
        Ok(self.site().set_members(self.key())?.convert()?)
    }

    /// Takes out a member at random; `None` if there is no set.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.set_of::<i64>("set");
    /// set.add(7)?;
    /// assert_eq!(set.pop()?, Some(7));
    /// assert_eq!(set.pop()?, None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), one stripe's lock; a packed set is written anew.
    ///
    /// # Errors
    ///
    /// [`Error::Convert`] if the member is not a `T`; it is gone all the same.
    #[doc(alias = "SPOP")]
    pub fn pop(&self) -> Result<Option<T>, Error> {
        Ok(self.pop_many(1)?.pop())
    }

    /// Takes out up to so many members at random.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.set_of::<i64>("set");
    /// set.add_many(0..3)?;
    /// assert_eq!(set.pop_many(10)?.len(), 3);
    /// assert!(!store.exists("set"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Set::pop`], for each, in one hold of the lock: the members leave as one. Who takes all pays for copies of them
    /// only.
    ///
    /// # Errors
    ///
    /// As [`Set::pop`].
    #[doc(alias = "SPOP")]
    pub fn pop_many(&self, most: usize) -> Result<Vec<T>, Error> {
        Ok(self.site().set_pop(self.key(), most)?.convert()?)
    }

    /// A member at random; `None` if there is no set.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.set_of::<i64>("set");
    /// set.add(7)?;
    /// assert_eq!(set.random()?, Some(7));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1); no lock while the set is packed, then its stripe's, shared.
    ///
    /// # Errors
    ///
    /// [`Error::Convert`] if the member is not a `T`.
    #[doc(alias = "SRANDMEMBER")]
    pub fn random(&self) -> Result<Option<T>, Error> {
        Ok(self.random_many(Draw::Repeated(1))?.pop())
    }

    /// Members at random.
    ///
    /// ```
    /// use larder::Draw;
    ///
    /// let store = larder::Store::new();
    /// let set = store.set_of::<i64>("set");
    /// set.add_many(0..9)?;
    /// assert_eq!(set.random_many(Draw::Distinct(4))?.len(), 4);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(drawn), or O(members) where more than a third of them is drawn.
    ///
    /// # Errors
    ///
    /// As [`Set::random`].
    #[doc(alias = "SRANDMEMBER")]
    pub fn random_many(&self, draw: Draw) -> Result<Vec<T>, Error> {
        Ok(self.site().set_draw(self.key(), draw)?.convert()?)
    }

    /// Some members that match, and where to go on; `None` at the end.
    ///
    /// ```
    /// use larder::{Cursor, ScanOptions};
    ///
    /// let store = larder::Store::new();
    /// let set = store.set_of::<String>("set");
    /// set.add_many(["a1", "a2", "b1"])?;
    /// let (page, next) = set.scan_page(Cursor::START, &ScanOptions::new().matching("a*"))?;
    /// assert_eq!((page.len(), next), (2, None));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(count), or all of a small set at once.
    ///
    /// # Consistency
    ///
    /// A member that is there from beginning to end is shown at least once, whatever is added and removed meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::Syntax`] if the count is 0, [`Error::Convert`] if a member is not a `T`.
    #[doc(alias = "SSCAN")]
    pub fn scan_page(
        &self,
        cursor: Cursor,
        options: &ScanOptions,
    ) -> Result<(Vec<T>, Option<Cursor>), Error> {
        let (copies, next) = self.site().set_page(self.key(), cursor, options)?;
        Ok((copies.convert()?, next))
    }
}
