//! `Stored`: a value on its way in or out of a store; `Value`: a copy that outlives the lock.

use std::sync::Arc;

use crate::bytes::{ConvertError, FromValue, Raw};
use crate::number::{i64_len, parse_i64, write_i64};
use crate::record::MAX_INLINE;

/// A value as it stands in the store.
#[derive(Clone, Debug)]
pub(crate) enum Stored<'a> {
    Bytes(&'a [u8]),
    Int(i64),
    Large(Arc<Vec<u8>>),
}

impl<'a> Stored<'a> {
    /// The form that a value is stored in. What stands outside the arena is copied here, before the lock is taken.
    #[inline]
    pub(crate) fn new(raw: &'a Raw<'_>) -> Self {
        if let Some(int) = raw.int() {
            return Stored::Int(int);
        }
        match raw {
            Raw::Int(int) => Stored::Int(*int),
            Raw::Bytes(bytes) => Stored::text(bytes),
            Raw::Text(text) => Stored::text(text.as_bytes()),
            Raw::Owned(bytes) => Stored::text(bytes),
        }
    }

    /// Bytes, as they are.
    pub(crate) fn text(bytes: &'a [u8]) -> Self {
        if bytes.len() > MAX_INLINE {
            Stored::Large(Arc::new(bytes.to_vec()))
        } else {
            Stored::Bytes(bytes)
        }
    }

    /// Bytes of the value's text.
    pub(crate) fn len(&self) -> usize {
        match self {
            Stored::Bytes(bytes) => bytes.len(),
            Stored::Int(int) => i64_len(*int),
            Stored::Large(bytes) => bytes.len(),
        }
    }

    /// Runs `work` on the value's text.
    pub(crate) fn with_text<R>(&self, work: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Stored::Bytes(bytes) => work(bytes),
            Stored::Int(int) => work(write_i64(*int, &mut [0; 20])),
            Stored::Large(bytes) => work(bytes),
        }
    }

    /// The integer whose canonical text the value is.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Stored::Int(int) => Some(*int),
            other => other.with_text(parse_i64),
        }
    }

    /// A copy that outlives the lock.
    pub(crate) fn into_owned(self) -> Value {
        match self {
            Stored::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Stored::Int(int) => Value::Int(int),
            Stored::Large(bytes) => Value::Large(bytes),
        }
    }
}

/// A value taken out of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Bytes(Vec<u8>),
    Int(i64),
    Large(Arc<Vec<u8>>),
}

impl Value {
    /// The value as it would stand in the store.
    pub(crate) fn as_stored(&self) -> Stored<'_> {
        match self {
            Value::Bytes(bytes) => Stored::Bytes(bytes),
            Value::Int(int) => Stored::Int(*int),
            Value::Large(bytes) => Stored::Large(Arc::clone(bytes)),
        }
    }

    /// The value as the type asked for.
    pub(crate) fn convert<T: FromValue>(&self) -> Result<T, ConvertError> {
        match self {
            Value::Bytes(bytes) => T::from_value(bytes),
            Value::Int(int) => T::from_int(*int),
            Value::Large(bytes) => T::from_value(bytes),
        }
    }
}
