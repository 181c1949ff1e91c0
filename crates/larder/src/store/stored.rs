//! `Stored`: a value on its way in or out of a store; `Value`: a copy that outlives the lock.

use std::sync::Arc;

use crate::bytes::{ConvertError, FromValue, Raw};
use crate::error::Error;
use crate::key::KeyType;
use crate::number::{parse_i64, write_i64};
use crate::record::MAX_INLINE;

/// A value as it stands in the store.
#[derive(Clone, Debug)]
pub(crate) enum Stored<'a> {
    Bytes(&'a [u8]),
    Int(i64),
    Large(Arc<Vec<u8>>),
    /// A small value with elements.
    Packed(KeyType, &'a [u8]),
    /// A large value with elements, that holds so many bytes. It is moved in by
    /// [`Words::fill`](super::words::Words::fill).
    Elements(KeyType, u64),
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

    /// The value's type.
    pub(crate) fn key_type(&self) -> KeyType {
        match self {
            Stored::Packed(key_type, _) | Stored::Elements(key_type, _) => *key_type,
            _ => KeyType::String,
        }
    }

    /// Bytes that the value takes outside the arena, if that is where it stands.
    pub(crate) fn outside_bytes(&self) -> Option<u64> {
        match self {
            Stored::Bytes(bytes) if bytes.len() > MAX_INLINE => Some(bytes.len() as u64),
            Stored::Bytes(_) | Stored::Int(_) | Stored::Packed(..) => None,
            Stored::Large(bytes) => Some(bytes.len() as u64),
            Stored::Elements(_, bytes) => Some(*bytes),
        }
    }

    /// The bytes that stand for the value in its record, if that is where it stands.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Stored::Bytes(bytes) | Stored::Packed(_, bytes) => bytes,
            Stored::Large(bytes) => bytes,
            Stored::Int(_) | Stored::Elements(..) => &[],
        }
    }

    /// The value, if it is a string.
    pub(crate) fn string(self) -> Result<Self, Error> {
        match self {
            Stored::Packed(..) | Stored::Elements(..) => Err(Error::WrongType),
            string => Ok(string),
        }
    }

    /// Runs `work` on a string's text.
    pub(crate) fn with_text<R>(&self, work: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Stored::Int(int) => work(write_i64(*int, &mut [0; 20])),
            other => work(other.bytes()),
        }
    }

    /// The integer whose canonical text the string is.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Stored::Int(int) => Some(*int),
            other => other.with_text(parse_i64),
        }
    }

    /// A copy of a string that outlives the lock.
    pub(crate) fn into_owned(self) -> Result<Value, Error> {
        match self {
            Stored::Bytes(bytes) => Ok(Value::Bytes(bytes.to_vec())),
            Stored::Int(int) => Ok(Value::Int(int)),
            Stored::Large(bytes) => Ok(Value::Large(bytes)),
            Stored::Packed(..) | Stored::Elements(..) => Err(Error::WrongType),
        }
    }
}

/// A string taken out of the store.
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
