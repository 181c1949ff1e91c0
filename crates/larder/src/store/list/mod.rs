//! `List`: a list of a store, seen as elements of one type.
//!
//! `commands` runs, `copies` brings elements out, `options` says what a search looks for, `write` changes
//! a list, `read` hands out what is read, `moves` moves many, and `take` waits for elements.

mod commands;
mod copies;
mod moves;
mod options;
mod read;
mod take;
mod write;

use std::fmt;
use std::marker::PhantomData;

use super::core::Store;
use super::group::Key;
use super::site::{InStore, InTx, Scope, Site, site_of};
use super::tx::Tx;
use crate::bytes::{FromValue, ToValue};
use crate::ds::deque::End;
use crate::error::Error;

/// Elements, with the key that had them before.
type Batch<T> = (Vec<u8>, Vec<T>);

pub(crate) use copies::{Copies, convert};
pub use moves::MoveOptions;
pub use options::{Matches, PositionOptions};
pub(crate) use take::names;

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
/// | `LMOVE`, `RPOPLPUSH`, `LMOVEM` | [`move_to`](List::move_to), [`move_many_to`](List::move_many_to) |
/// | `LLEN`, `LINDEX`, `LRANGE` | [`len`](List::len), [`get`](List::get), [`range`](List::range) |
/// | `LSET`, `LINSERT` | [`set`](List::set), [`insert_before`](List::insert_before), [`insert_after`](List::insert_after) |
/// | `LREM`, `LTRIM` | [`remove`](List::remove), [`trim`](List::trim) |
/// | `LPOS` | [`position`](List::position), [`positions`](List::positions) |
/// | `BLPOP`, `BRPOP` | [`Store::take`], [`Store::take_blocking`] |
/// | `BLMPOP` | [`Store::take_many`], [`Store::take_many_blocking`] |
/// | `BLMOVE`, `BRPOPLPUSH` | [`Store::take_to`], [`Store::take_to_blocking`] |
/// | `BLMOVEM` | [`Store::take_many_to`], [`Store::take_many_to_blocking`] |
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
pub struct List<'a, T, S = InStore<'a>> {
    scope: S,
    hash: u64,
    key: Vec<u8>,
    read_as: PhantomData<fn() -> (&'a (), T)>,
}

impl<T, S: Scope> Clone for List<'_, T, S> {
    fn clone(&self) -> Self {
        List {
            key: self.key.clone(),
            ..*self
        }
    }
}

impl<T, S> fmt::Debug for List<'_, T, S> {
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
        List::new(InStore(&self.core), key.as_ref())
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
    ) -> Result<Option<Batch<T>>, Error> {
        pop_any(self.site(), keys, end, most)
    }
}

impl<'a, T> From<List<'a, T>> for List<'a, T, InTx<'a>> {
    /// A view that may be of a store or of a transaction.
    fn from(view: List<'a, T>) -> Self {
        List {
            scope: view.scope.into(),
            hash: view.hash,
            key: view.key,
            read_as: PhantomData,
        }
    }
}

impl Tx<'_> {
    /// See [`Store::list`].
    #[must_use]
    pub fn list<T>(&self, key: impl AsRef<[u8]>) -> List<'_, T, InTx<'_>> {
        List::new(InTx(self.site), key.as_ref())
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
    ) -> Result<Option<Batch<T>>, Error> {
        pop_any(self.site, keys, end, most)
    }
}

fn pop_any<T: FromValue>(
    site: Site<'_>,
    keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    end: End,
    most: usize,
) -> Result<Option<Batch<T>>, Error> {
    let names: Vec<_> = keys.into_iter().collect();
    let keys: Vec<Key<'_>> = names.iter().map(|name| site.key(name.as_ref())).collect();
    let popped = site.list_pop_any(&keys, end, most)?;
    let named = popped.map(|(nth, copies)| Ok((keys[nth].bytes.to_vec(), copies.convert()?)));
    named.transpose()
}

impl<T, S: Scope> List<'_, T, S> {
    fn new(scope: S, key: &[u8]) -> Self {
        List {
            scope,
            hash: site_of(&scope).hash(key),
            key: key.to_vec(),
            read_as: PhantomData,
        }
    }

    fn site(&self) -> Site<'_> {
        site_of(&self.scope)
    }

    fn key(&self) -> Key<'_> {
        self.site().known(&self.key, self.hash)
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
        self.site().list_len(self.key())
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
        self.site()
            .list_positions(self.key(), &value.to_value(), options)
    }
}
