//! The calls of [`Store`](super::Store) that [`Tx`] has: the same commands, on the keys of a transaction.

use std::time::{Duration, SystemTime};

use super::expiry::Condition;
use super::keys::Destination;
use super::options::{SetOptions, SetOutcome};
use super::span::Span;
use super::stored::Value;
use super::strings::GetExpire;
use super::tx::Tx;
use crate::bytes::{FromValue, ToValue};
use crate::error::Error;
use crate::key::KeyType;
use crate::time::Ttl;

/// Inside a transaction nothing expires: all of it happens at one moment.
impl Tx<'_> {
    /// See [`Store::get`](super::Store::get).
    ///
    /// # Errors
    ///
    /// Those of the store's call, here and below, and [`Error::KeyNotNamed`].
    #[doc(alias = "GET")]
    pub fn get<T: FromValue>(&self, key: impl AsRef<[u8]>) -> Result<Option<T>, Error> {
        let value = self.site.string(self.site.key(key.as_ref()))?;
        Ok(value.as_ref().map(Value::convert).transpose()?)
    }

    /// See [`Store::set`](super::Store::set).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias = "SET")]
    pub fn set(&self, key: impl AsRef<[u8]>, value: impl ToValue) -> Result<(), Error> {
        self.site.set(key.as_ref(), &value.to_value())
    }

    /// See [`Store::set_with`](super::Store::set_with).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias("SET", "SETNX", "SETEX", "PSETEX", "GETSET"))]
    pub fn set_with(
        &self,
        key: impl AsRef<[u8]>,
        value: impl ToValue,
        options: SetOptions<'_>,
    ) -> Result<SetOutcome, Error> {
        self.site.set_with(key.as_ref(), &value.to_value(), options)
    }

    /// See [`Store::get_delete`](super::Store::get_delete).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias = "GETDEL")]
    pub fn get_delete<T: FromValue>(&self, key: impl AsRef<[u8]>) -> Result<Option<T>, Error> {
        self.site.get_delete(key.as_ref())
    }

    /// See [`Store::get_expire`](super::Store::get_expire).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias = "GETEX")]
    pub fn get_expire<T: FromValue>(
        &self,
        key: impl AsRef<[u8]>,
        expire: GetExpire,
    ) -> Result<Option<T>, Error> {
        self.site.get_expire(key.as_ref(), expire)
    }

    /// See [`Store::incr`](super::Store::incr).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias("INCR", "INCRBY"))]
    pub fn incr(&self, key: impl AsRef<[u8]>, by: i64) -> Result<i64, Error> {
        self.site.incr(key.as_ref(), by)
    }

    /// See [`Store::decr`](super::Store::decr).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias("DECR", "DECRBY"))]
    pub fn decr(&self, key: impl AsRef<[u8]>, by: i64) -> Result<i64, Error> {
        self.incr(key, by.checked_neg().ok_or(Error::DecrementOverflow)?)
    }

    /// See [`Store::incr_by_float`](super::Store::incr_by_float).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias = "INCRBYFLOAT")]
    pub fn incr_by_float(&self, key: impl AsRef<[u8]>, by: impl ToValue) -> Result<String, Error> {
        self.site.incr_by_float(key.as_ref(), &by.to_value())
    }

    /// See [`Store::append`](super::Store::append).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias = "APPEND")]
    pub fn append(&self, key: impl AsRef<[u8]>, value: impl ToValue) -> Result<usize, Error> {
        self.site.append(key.as_ref(), &value.to_value())
    }

    /// See [`Store::len_of`](super::Store::len_of).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias = "STRLEN")]
    pub fn len_of(&self, key: impl AsRef<[u8]>) -> Result<usize, Error> {
        self.site.len_of(key.as_ref())
    }

    /// See [`Store::get_range`](super::Store::get_range).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias("GETRANGE", "SUBSTR"))]
    pub fn get_range(
        &self,
        key: impl AsRef<[u8]>,
        span: impl Into<Span>,
    ) -> Result<Vec<u8>, Error> {
        let value = self.site.string(self.site.key(key.as_ref()))?;
        let part = |text: &[u8]| text[span.into().of_string(text.len())].to_vec();
        Ok(value.map_or_else(Vec::new, |value| value.as_stored().with_text(part)))
    }

    /// See [`Store::set_range`](super::Store::set_range).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias = "SETRANGE")]
    pub fn set_range(
        &self,
        key: impl AsRef<[u8]>,
        offset: usize,
        value: impl ToValue,
    ) -> Result<usize, Error> {
        self.site.set_range(key.as_ref(), offset, &value.to_value())
    }

    /// See [`Store::exists`](super::Store::exists); `false` for a key that was not named.
    #[doc(alias = "EXISTS")]
    #[must_use]
    pub fn exists(&self, key: impl AsRef<[u8]>) -> bool {
        self.site.deadline(key.as_ref()).is_some()
    }

    /// See [`Store::remove`](super::Store::remove); `false` for a key that was not named.
    #[doc(alias("DEL", "UNLINK", "delete"))]
    pub fn remove(&self, key: impl AsRef<[u8]>) -> bool {
        self.site.remove(key.as_ref())
    }

    /// See [`Store::key_type`](super::Store::key_type); `None` for a key that was not named.
    #[doc(alias = "TYPE")]
    #[must_use]
    pub fn key_type(&self, key: impl AsRef<[u8]>) -> Option<KeyType> {
        self.site.key_type(key.as_ref())
    }

    /// See [`Store::expire`](super::Store::expire).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias("EXPIRE", "PEXPIRE"))]
    pub fn expire(&self, key: impl AsRef<[u8]>, ttl: Duration) -> Result<bool, Error> {
        self.site.expire(key.as_ref(), ttl, None)
    }

    /// See [`Store::expire_if`](super::Store::expire_if).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias("EXPIRE", "PEXPIRE"))]
    pub fn expire_if(
        &self,
        key: impl AsRef<[u8]>,
        ttl: Duration,
        condition: Condition,
    ) -> Result<bool, Error> {
        self.site.expire(key.as_ref(), ttl, Some(condition))
    }

    /// See [`Store::expire_at`](super::Store::expire_at).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias("EXPIREAT", "PEXPIREAT"))]
    pub fn expire_at(&self, key: impl AsRef<[u8]>, moment: SystemTime) -> Result<bool, Error> {
        self.site.expire_at(key.as_ref(), moment, None)
    }

    /// See [`Store::expire_at_if`](super::Store::expire_at_if).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias("EXPIREAT", "PEXPIREAT"))]
    pub fn expire_at_if(
        &self,
        key: impl AsRef<[u8]>,
        moment: SystemTime,
        condition: Condition,
    ) -> Result<bool, Error> {
        self.site.expire_at(key.as_ref(), moment, Some(condition))
    }

    /// See [`Store::persist`](super::Store::persist); `false` for a key that was not named.
    #[doc(alias = "PERSIST")]
    pub fn persist(&self, key: impl AsRef<[u8]>) -> bool {
        self.site.persist(key.as_ref())
    }

    /// See [`Store::ttl`](super::Store::ttl).
    #[doc(alias("TTL", "PTTL"))]
    #[must_use]
    pub fn ttl(&self, key: impl AsRef<[u8]>) -> Ttl {
        self.site.ttl(key.as_ref())
    }

    /// See [`Store::expire_time`](super::Store::expire_time).
    #[doc(alias("EXPIRETIME", "PEXPIRETIME"))]
    #[must_use]
    pub fn expire_time(&self, key: impl AsRef<[u8]>) -> Option<SystemTime> {
        self.site.expire_time(key.as_ref())
    }

    /// See [`Store::rename`](super::Store::rename).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias = "RENAME")]
    pub fn rename(&self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Result<(), Error> {
        self.site
            .rename(from.as_ref(), to.as_ref(), Destination::Replaced)
            .map(drop)
    }

    /// See [`Store::rename_if_absent`](super::Store::rename_if_absent).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias = "RENAMENX")]
    pub fn rename_if_absent(
        &self,
        from: impl AsRef<[u8]>,
        to: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        self.site
            .rename(from.as_ref(), to.as_ref(), Destination::Respected)
    }

    /// See [`Store::copy`](super::Store::copy).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias = "COPY")]
    pub fn copy(&self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.site
            .copy(from.as_ref(), to.as_ref(), Destination::Respected)
    }

    /// See [`Store::copy_over`](super::Store::copy_over).
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    #[doc(alias = "COPY")]
    pub fn copy_over(&self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.site
            .copy(from.as_ref(), to.as_ref(), Destination::Replaced)
    }
}
