//! `Set`: a set of a store, seen as members of one type.
//!
//! `commands` runs, `write` changes, `read` hands out what is read, `several` takes several sets.

mod commands;
mod read;
mod several;
mod write;

use std::fmt;
use std::marker::PhantomData;

use super::core::Store;
use super::group::Key;
use super::site::{InStore, InTx, Scope, Site, site_of};
use super::tx::Tx;

/// A set: members, each once.
///
/// It is a view of one key: cheap, without a lock, and there whether the key exists or not. A set is made by its first
/// member and gone with its last. Members are written from whatever [`ToValue`](crate::ToValue) takes, and read as `T`.
///
/// ```
/// use larder::Store;
///
/// let store = Store::new();
/// let tags = store.set_of::<String>("tags");
/// assert_eq!(tags.add_many(["red", "green", "red"])?, 2);
/// assert!(tags.contains("red")?);
/// assert_eq!(tags.len()?, 2);
/// # Ok::<(), larder::Error>(())
/// ```
///
/// | command | method |
/// |---|---|
/// | `SADD`, `SREM` | [`add`](Set::add), [`add_many`](Set::add_many), [`remove`](Set::remove), [`remove_many`](Set::remove_many) |
/// | `SISMEMBER`, `SMISMEMBER`, `SCARD`, `SMEMBERS` | [`contains`](Set::contains), [`contains_many`](Set::contains_many), [`len`](Set::len), [`members`](Set::members) |
/// | `SPOP`, `SRANDMEMBER` | [`pop`](Set::pop), [`pop_many`](Set::pop_many), [`random`](Set::random), [`random_many`](Set::random_many) |
/// | `SMOVE`, `SSCAN` | [`move_to`](Set::move_to), [`scan_page`](Set::scan_page) |
/// | `SINTER`, `SUNION`, `SDIFF` | [`Store::intersection`], [`Store::union`], [`Store::difference`] |
/// | `SINTERCARD`, `SUNIONCARD`, `SDIFFCARD` | [`Store::intersection_len`], [`Store::union_len`], [`Store::difference_len`] |
/// | `SINTERSTORE`, `SUNIONSTORE`, `SDIFFSTORE` | [`Store::store_intersection`], [`Store::store_union`], [`Store::store_difference`] |
///
/// # Cost
///
/// Up to 128 members in 3.5 KiB are packed in the key's record, up to 512 integers in an array of as many bytes each as
/// the widest needs. A larger set stands in blocks: each call is O(1) per member, and a member costs some four bytes
/// more than itself.
///
/// # Errors
///
/// Every call is refused with [`Error::WrongType`](crate::Error::WrongType) if the key holds a value of another type.
pub struct Set<'a, T, S = InStore<'a>> {
    scope: S,
    hash: u64,
    key: Vec<u8>,
    read_as: PhantomData<fn() -> (&'a (), T)>,
}

impl<T, S: Scope> Clone for Set<'_, T, S> {
    fn clone(&self) -> Self {
        Set {
            key: self.key.clone(),
            ..*self
        }
    }
}

impl<T, S> fmt::Debug for Set<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Set").finish_non_exhaustive()
    }
}

impl<T, S: Scope> Set<'_, T, S> {
    fn new(scope: S, key: &[u8]) -> Self {
        Set {
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
}

impl Store {
    /// A view of a key as a set.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert!(store.set_of::<String>("none").is_empty()?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// One hash and one allocation: keep the view where it is used often.
    #[must_use]
    pub fn set_of<T>(&self, key: impl AsRef<[u8]>) -> Set<'_, T> {
        Set::new(InStore(&self.core), key.as_ref())
    }
}

impl<'a, T> From<Set<'a, T>> for Set<'a, T, InTx<'a>> {
    /// A view that may be of a store or of a transaction.
    fn from(view: Set<'a, T>) -> Self {
        Set {
            scope: view.scope.into(),
            hash: view.hash,
            key: view.key,
            read_as: PhantomData,
        }
    }
}

impl Tx<'_> {
    /// See [`Store::set_of`].
    #[must_use]
    pub fn set_of<T>(&self, key: impl AsRef<[u8]>) -> Set<'_, T, InTx<'_>> {
        Set::new(InTx(self.site), key.as_ref())
    }
}
