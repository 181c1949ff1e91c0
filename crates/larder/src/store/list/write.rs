//! What changes a list.

use super::List;
use super::commands::{Beside, Missing};
use super::options::Matches;
use crate::bytes::{Raw, ToValue};
use crate::ds::deque::End;
use crate::error::Error;
use crate::store::site::Scope;
use crate::store::span::Span;

impl<T, S: Scope> List<'_, T, S> {
    /// Adds an element before the first and returns the list's length.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let list = store.list::<String>("list");
    /// list.push_front("b")?;
    /// assert_eq!(list.push_front("a")?, 2);
    /// assert_eq!(list.range(..)?, ["a", "b"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), one stripe's lock; a packed list is copied, and what changed is written. Those who wait for elements are served before it
    /// returns; the length counts what they took.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if the list would not fit the store's bound; then nothing has changed.
    #[doc(alias = "LPUSH")]
    pub fn push_front(&self, value: impl ToValue) -> Result<usize, Error> {
        self.push(End::Front, &[value.to_value()])
    }

    /// Adds an element after the last and returns the list's length.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let list = store.list::<i64>("list");
    /// list.push_back(1)?;
    /// assert_eq!(list.push_back(2)?, 2);
    /// assert_eq!(list.range(..)?, [1, 2]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`List::push_front`].
    ///
    /// # Errors
    ///
    /// As [`List::push_front`].
    #[doc(alias = "RPUSH")]
    pub fn push_back(&self, value: impl ToValue) -> Result<usize, Error> {
        self.push(End::Back, &[value.to_value()])
    }

    /// Adds elements before the first, one after the other, so that the last of them comes first; the list's length.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let list = store.list::<String>("list");
    /// assert_eq!(list.push_front_many(["a", "b", "c"])?, 3);
    /// assert_eq!(list.range(..)?, ["c", "b", "a"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`List::push_front`], for each.
    ///
    /// # Errors
    ///
    /// As [`List::push_front`].
    #[doc(alias = "LPUSH")]
    pub fn push_front_many(
        &self,
        values: impl IntoIterator<Item = impl ToValue>,
    ) -> Result<usize, Error> {
        self.push_many(End::Front, values, Missing::Made)
    }

    /// Adds elements after the last; the list's length.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let list = store.list::<i64>("list");
    /// assert_eq!(list.push_back_many([1, 2, 3])?, 3);
    /// assert_eq!(list.range(-2..)?, [2, 3]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`List::push_front`], for each.
    ///
    /// # Errors
    ///
    /// As [`List::push_front`].
    #[doc(alias = "RPUSH")]
    pub fn push_back_many(
        &self,
        values: impl IntoIterator<Item = impl ToValue>,
    ) -> Result<usize, Error> {
        self.push_many(End::Back, values, Missing::Made)
    }

    /// Adds elements at an end of a list that exists; its length, zero if there is none.
    ///
    /// ```
    /// use larder::End;
    ///
    /// let store = larder::Store::new();
    /// let list = store.list::<i64>("list");
    /// assert_eq!(list.push_existing(End::Back, [1])?, 0);
    /// list.push_back(0)?;
    /// assert_eq!(list.push_existing(End::Back, [1])?, 2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`List::push_front`], for each.
    ///
    /// # Errors
    ///
    /// As [`List::push_front`].
    #[doc(alias("LPUSHX", "RPUSHX"))]
    pub fn push_existing(
        &self,
        end: End,
        values: impl IntoIterator<Item = impl ToValue>,
    ) -> Result<usize, Error> {
        self.push_many(end, values, Missing::LeftOut)
    }

    fn push(&self, end: End, raws: &[Raw<'_>]) -> Result<usize, Error> {
        self.site().list_push(self.key(), end, raws, Missing::Made)
    }

    fn push_many(
        &self,
        end: End,
        values: impl IntoIterator<Item = impl ToValue>,
        missing: Missing,
    ) -> Result<usize, Error> {
        let values: Vec<_> = values.into_iter().collect();
        let raws: Vec<Raw<'_>> = values.iter().map(ToValue::to_value).collect();
        self.site().list_push(self.key(), end, &raws, missing)
    }

    /// Puts another element in the place of one; a negative index counts from the end.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let list = store.list::<String>("list");
    /// list.push_back_many(["a", "b"])?;
    /// list.set(-1, "z")?;
    /// assert_eq!(list.range(..)?, ["a", "z"]);
    /// assert_eq!(list.set(2, "c"), Err(larder::Error::IndexOutOfRange));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(blocks) from the nearer end, one stripe's lock.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchKey`] if there is no list, [`Error::IndexOutOfRange`], [`Error::TooLarge`] as
    /// [`List::push_front`].
    #[doc(alias = "LSET")]
    pub fn set(&self, index: i64, value: impl ToValue) -> Result<(), Error> {
        self.site().list_set(self.key(), index, &value.to_value())
    }

    /// Inserts an element before the first that equals `pivot`: the list's length then, zero if there is no list, and
    /// `None` if it has no such element.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let list = store.list::<String>("list");
    /// assert_eq!(list.insert_before("c", "b")?, Some(0));
    /// list.push_back_many(["a", "c"])?;
    /// assert_eq!(list.insert_before("c", "b")?, Some(3));
    /// assert_eq!(list.insert_before("z", "y")?, None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(elements before the pivot), one stripe's lock.
    ///
    /// # Errors
    ///
    /// As [`List::push_front`].
    #[doc(alias = "LINSERT")]
    pub fn insert_before(
        &self,
        pivot: impl ToValue,
        value: impl ToValue,
    ) -> Result<Option<usize>, Error> {
        let (pivot, value) = (pivot.to_value(), value.to_value());
        self.site()
            .list_insert(self.key(), Beside::Before, &pivot, &value)
    }

    /// Inserts an element after the first that equals `pivot`; otherwise as [`List::insert_before`].
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let list = store.list::<String>("list");
    /// list.push_back_many(["a", "c"])?;
    /// assert_eq!(list.insert_after("a", "b")?, Some(3));
    /// assert_eq!(list.range(..)?, ["a", "b", "c"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`List::insert_before`].
    ///
    /// # Errors
    ///
    /// As [`List::push_front`].
    #[doc(alias = "LINSERT")]
    pub fn insert_after(
        &self,
        pivot: impl ToValue,
        value: impl ToValue,
    ) -> Result<Option<usize>, Error> {
        let (pivot, value) = (pivot.to_value(), value.to_value());
        self.site()
            .list_insert(self.key(), Beside::After, &pivot, &value)
    }

    /// Removes elements that equal a value; says how many.
    ///
    /// ```
    /// use larder::Matches;
    ///
    /// let store = larder::Store::new();
    /// let list = store.list::<String>("list");
    /// list.push_back_many(["a", "b", "a"])?;
    /// assert_eq!(list.remove("a", Matches::First(1))?, 1);
    /// assert_eq!(list.range(..)?, ["b", "a"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(elements) in one pass, one stripe's lock.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias = "LREM")]
    pub fn remove(&self, value: impl ToValue, matches: Matches) -> Result<usize, Error> {
        self.site()
            .list_remove(self.key(), &value.to_value(), matches)
    }

    /// Keeps a part and removes the rest.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let recent = store.list::<i64>("recent");
    /// recent.push_front_many(1..=5)?;
    /// recent.trim(0..=2)?;
    /// assert_eq!(recent.range(..)?, [5, 4, 3]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(blocks), one stripe's lock; what was cut off is freed after the unlock.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias = "LTRIM")]
    pub fn trim(&self, keep: impl Into<Span>) -> Result<(), Error> {
        self.site().list_trim(self.key(), keep.into())
    }
}
