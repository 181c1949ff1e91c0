//! `Hash`: a hash of a store, seen as fields with values of one type.
//!
//! `commands` runs, `write` changes, `read` hands out what is read, `due` and `expiry` keep the deadlines of fields.

mod commands;
mod due;
mod expiry;
mod read;
mod write;

use std::fmt;
use std::marker::PhantomData;

use super::core::Store;
use super::group::Key;
use super::site::{InStore, InTx, Scope, Site, site_of};
use super::tx::Tx;

pub use due::FieldExpiry;
pub(super) use due::Ripe;

/// A hash: fields with values.
///
/// It is a view of one key: cheap, without a lock, and there whether the key exists or not. A hash is made by its first
/// field and gone with its last. Fields are any bytes; values are written from whatever
/// [`ToValue`](crate::ToValue) takes, and read as `T`. A field may have a deadline of its own.
///
/// ```
/// use larder::Store;
///
/// let store = Store::new();
/// let user = store.hash::<String>("user:1");
/// user.set_many([("name", "Ada"), ("email", "ada@example.org")])?;
/// assert_eq!(user.get("name")?.as_deref(), Some("Ada"));
/// assert_eq!(user.incr("visits", 1)?, 1);
/// assert_eq!(user.len()?, 3);
/// # Ok::<(), larder::Error>(())
/// ```
///
/// | command | method |
/// |---|---|
/// | `HSET`, `HMSET`, `HSETNX` | [`set`](Hash::set), [`set_many`](Hash::set_many), [`set_if_absent`](Hash::set_if_absent) |
/// | `HSETEX`, `HGETEX` | [`set_many_with`](Hash::set_many_with), [`get_expire`](Hash::get_expire) |
/// | `HGET`, `HMGET`, `HGETALL` | [`get`](Hash::get), [`get_many`](Hash::get_many), [`entries`](Hash::entries) |
/// | `HKEYS`, `HVALS`, `HLEN`, `HEXISTS`, `HSTRLEN` | [`fields`](Hash::fields), [`values`](Hash::values), [`len`](Hash::len), [`contains`](Hash::contains), [`len_of`](Hash::len_of) |
/// | `HDEL`, `HGETDEL` | [`remove`](Hash::remove), [`remove_many`](Hash::remove_many), [`take_many`](Hash::take_many) |
/// | `HINCRBY`, `HINCRBYFLOAT` | [`incr`](Hash::incr), [`incr_by_float`](Hash::incr_by_float) |
/// | `HRANDFIELD`, `HSCAN` | [`random_many`](Hash::random_many), [`scan_page`](Hash::scan_page), [`scan_fields_page`](Hash::scan_fields_page) |
/// | `HEXPIRE`, `HPEXPIRE`, `HEXPIREAT`, `HPEXPIREAT` | [`expire`](Hash::expire), [`expire_at`](Hash::expire_at) |
/// | `HTTL`, `HPTTL`, `HEXPIRETIME`, `HPEXPIRETIME`, `HPERSIST` | [`ttl`](Hash::ttl), [`expire_times`](Hash::expire_times), [`persist`](Hash::persist) |
///
/// # Cost
///
/// Up to 128 fields in 3.5 KiB are packed in the key's record; a short field costs one or two bytes more than its name
/// and value. A larger hash stands in blocks: each call is O(1) per field. Deadlines cost eight bytes where there are some.
///
/// # Errors
///
/// Every call is refused with [`Error::WrongType`](crate::Error::WrongType) if the key holds a value of another type.
pub struct Hash<'a, T, S = InStore<'a>> {
    scope: S,
    hash: u64,
    key: Vec<u8>,
    read_as: PhantomData<fn() -> (&'a (), T)>,
}

impl<T, S: Scope> Clone for Hash<'_, T, S> {
    fn clone(&self) -> Self {
        Hash {
            key: self.key.clone(),
            ..*self
        }
    }
}

impl<T, S> fmt::Debug for Hash<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hash").finish_non_exhaustive()
    }
}

impl<T, S: Scope> Hash<'_, T, S> {
    fn new(scope: S, key: &[u8]) -> Self {
        Hash {
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

/// Runs `work` on the bytes of fields.
fn with_fields<R>(
    fields: impl IntoIterator<Item = impl AsRef<[u8]>>,
    work: impl FnOnce(&[&[u8]]) -> R,
) -> R {
    let fields: Vec<_> = fields.into_iter().collect();
    let bytes: Vec<&[u8]> = fields.iter().map(AsRef::as_ref).collect();
    work(&bytes)
}

impl Store {
    /// A view of a key as a hash.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert!(store.hash::<String>("none").is_empty()?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// One hash and one allocation: keep the view where it is used often.
    #[must_use]
    pub fn hash<T>(&self, key: impl AsRef<[u8]>) -> Hash<'_, T> {
        Hash::new(InStore(&self.core), key.as_ref())
    }
}

impl<'a, T> From<Hash<'a, T>> for Hash<'a, T, InTx<'a>> {
    /// A view that may be of a store or of a transaction.
    fn from(view: Hash<'a, T>) -> Self {
        Hash {
            scope: view.scope.into(),
            hash: view.hash,
            key: view.key,
            read_as: PhantomData,
        }
    }
}

impl Tx<'_> {
    /// See [`Store::hash`].
    #[must_use]
    pub fn hash<T>(&self, key: impl AsRef<[u8]>) -> Hash<'_, T, InTx<'_>> {
        Hash::new(InTx(self.site), key.as_ref())
    }
}
