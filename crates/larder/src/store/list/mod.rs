//! `List`: a list of a store, seen as elements of one type.
//!
//! `commands` runs, `copies` brings elements out, `options` says what a search looks for, `read` hands out what is read,
//! and `take` waits for elements.

mod commands;
mod copies;
mod options;
mod read;
mod take;

use std::fmt;
use std::marker::PhantomData;

use self::commands::{Beside, Missing};
use super::core::Store;
use super::group::Key;
use super::site::Site;
use super::span::Span;
use super::tx::Tx;
use crate::bytes::{FromValue, Raw, ToValue};
use crate::ds::deque::End;
use crate::error::Error;

pub(crate) use copies::{Copies, convert};
pub use options::{Matches, PositionOptions};

/// A list: elements in a row, open at both ends.
///
/// It is a view of one key: cheap, without a lock, and there whether the key exists or not. A list is made by the first
/// push and gone with its last element. Elements are written from whatever [`ToValue`] takes, and read as `T`.
///
/// ```
/// use larder::Store;
///
/// let store = Store::new();
/// let queue = store.list::<String>("queue");
/// queue.push_back("task1")?;
/// queue.push_back_many(["task2", "task3"])?;
/// assert_eq!(queue.pop_front()?.as_deref(), Some("task1"));
/// assert_eq!(queue.range(..)?, ["task2", "task3"]);
/// # Ok::<(), larder::Error>(())
/// ```
///
/// | command | method |
/// |---|---|
/// | `LPUSH`, `RPUSH` | [`push_front`](List::push_front), [`push_front_many`](List::push_front_many), [`push_back`](List::push_back), [`push_back_many`](List::push_back_many) |
/// | `LPUSHX`, `RPUSHX` | [`push_existing`](List::push_existing) |
/// | `LPOP`, `RPOP` | [`pop_front`](List::pop_front), [`pop_back`](List::pop_back), [`pop_many`](List::pop_many) |
/// | `LMPOP` | [`Store::pop_any`] |
/// | `LMOVE`, `RPOPLPUSH` | [`move_to`](List::move_to) |
/// | `LLEN`, `LINDEX`, `LRANGE` | [`len`](List::len), [`get`](List::get), [`range`](List::range) |
/// | `LSET`, `LINSERT` | [`set`](List::set), [`insert_before`](List::insert_before), [`insert_after`](List::insert_after) |
/// | `LREM`, `LTRIM` | [`remove`](List::remove), [`trim`](List::trim) |
/// | `LPOS` | [`position`](List::position), [`positions`](List::positions) |
/// | `BLPOP`, `BRPOP` | [`Store::take`], [`Store::take_blocking`] |
/// | `BLMPOP` | [`Store::take_many`], [`Store::take_many_blocking`] |
/// | `BLMOVE`, `BRPOPLPUSH` | [`Store::take_to`], [`Store::take_to_blocking`] |
///
/// # Cost
///
/// Up to 128 elements in 3.5 KiB are packed in the key's record: every call is a walk over at most that. A longer list
/// stands in blocks of 4 KiB: the ends are O(1), an index is O(blocks), and an element costs two bytes more than itself.
///
/// # Errors
///
/// Every call is refused with [`Error::WrongType`] if the key holds a value of another type. What else may be wrong is
/// said with the call.
pub struct List<'a, T> {
    site: Site<'a>,
    hash: u64,
    key: Vec<u8>,
    read_as: PhantomData<fn() -> T>,
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        List {
            key: self.key.clone(),
            ..*self
        }
    }
}

impl<T> fmt::Debug for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").finish_non_exhaustive()
    }
}

impl Store {
    /// A view of a key as a list.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert!(store.list::<String>("none").is_empty()?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// One hash and one allocation: keep the view where it is used often.
    #[must_use]
    pub fn list<T>(&self, key: impl AsRef<[u8]>) -> List<'_, T> {
        List::new(self.site(), key.as_ref())
    }

    /// Takes up to `most` elements off an end of the first of these lists that exists; says of which.
    ///
    /// ```
    /// use larder::{End, Store};
    ///
    /// let store = Store::new();
    /// store.list::<i64>("low").push_back_many([1, 2, 3])?;
    /// let taken = store.pop_any::<i64>(["high", "low"], End::Front, 2)?;
    /// assert_eq!(taken, Some((b"low".to_vec(), vec![1, 2])));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(keys + taken), the locks of all the keys' stripes.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if a key before that list holds another type, [`Error::Convert`] if an element is not a
    /// `T`; it is gone all the same.
    #[doc(alias = "LMPOP")]
    pub fn pop_any<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        end: End,
        most: usize,
    ) -> Result<Option<(Vec<u8>, Vec<T>)>, Error> {
        pop_any(self.site(), keys, end, most)
    }
}

impl Tx<'_> {
    /// See [`Store::list`].
    #[must_use]
    pub fn list<T>(&self, key: impl AsRef<[u8]>) -> List<'_, T> {
        List::new(self.site, key.as_ref())
    }

    /// See [`Store::pop_any`].
    ///
    /// # Errors
    ///
    /// Those of the store's call, and [`Error::KeyNotNamed`].
    #[doc(alias = "LMPOP")]
    pub fn pop_any<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        end: End,
        most: usize,
    ) -> Result<Option<(Vec<u8>, Vec<T>)>, Error> {
        pop_any(self.site, keys, end, most)
    }
}

fn pop_any<T: FromValue>(
    site: Site<'_>,
    keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    end: End,
    most: usize,
) -> Result<Option<(Vec<u8>, Vec<T>)>, Error> {
    let names: Vec<_> = keys.into_iter().collect();
    let keys: Vec<Key<'_>> = names.iter().map(|name| site.key(name.as_ref())).collect();
    let popped = site.list_pop_any(&keys, end, most)?;
    let named = popped.map(|(nth, copies)| Ok((keys[nth].bytes.to_vec(), copies.convert()?)));
    named.transpose()
}

impl<'a, T> List<'a, T> {
    fn new(site: Site<'a>, key: &[u8]) -> Self {
        List {
            site,
            hash: site.key(key).hash,
            key: key.to_vec(),
            read_as: PhantomData,
        }
    }

    fn key(&self) -> Key<'_> {
        Key {
            bytes: &self.key,
            hash: self.hash,
        }
    }

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
    /// O(1), one stripe's lock; a packed list is written anew. Those who wait for elements are served before it
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
        self.site.list_push(self.key(), end, raws, Missing::Made)
    }

    fn push_many(
        &self,
        end: End,
        values: impl IntoIterator<Item = impl ToValue>,
        missing: Missing,
    ) -> Result<usize, Error> {
        let values: Vec<_> = values.into_iter().collect();
        let raws: Vec<Raw<'_>> = values.iter().map(ToValue::to_value).collect();
        self.site.list_push(self.key(), end, &raws, missing)
    }

    /// The number of elements; zero if there is no list.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert_eq!(store.list::<i64>("none").len()?, 0);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1); no lock while the list is packed, then its stripe's, shared.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias = "LLEN")]
    pub fn len(&self) -> Result<usize, Error> {
        self.site.list_len(self.key())
    }

    /// Whether there is no list.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert!(store.list::<i64>("none").is_empty()?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.len()? == 0)
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
        self.site.list_set(self.key(), index, &value.to_value())
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
        self.site
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
        self.site
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
        self.site
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
        self.site.list_trim(self.key(), keep.into())
    }

    /// The index of the first element that equals a value.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let list = store.list::<String>("list");
    /// list.push_back_many(["a", "b", "b"])?;
    /// assert_eq!(list.position("b")?, Some(1));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(elements up to it); no lock while the list is packed, then its stripe's, shared.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias = "LPOS")]
    pub fn position(&self, value: impl ToValue) -> Result<Option<usize>, Error> {
        let first = PositionOptions::new().most(1);
        Ok(self.positions(value, first)?.first().copied())
    }

    /// The indexes of elements that equal a value, in the order in which the search meets them.
    ///
    /// ```
    /// use larder::PositionOptions;
    ///
    /// let store = larder::Store::new();
    /// let list = store.list::<String>("list");
    /// list.push_back_many(["a", "b", "b"])?;
    /// assert_eq!(list.positions("b", PositionOptions::new())?, [1, 2]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`List::position`].
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias = "LPOS")]
    pub fn positions(
        &self,
        value: impl ToValue,
        options: PositionOptions,
    ) -> Result<Vec<usize>, Error> {
        self.site
            .list_positions(self.key(), &value.to_value(), options)
    }
}
