//! `Outsides`: what a stripe keeps beside its records: values too large for one, and keys too long.
//!
//! A record names its part by number. Everything here is behind the stripe's lock.

use std::sync::Arc;

use super::stored::Stored;
use crate::key::KeyType;
use crate::record::MAX_KEY;
use crate::value::Any;

/// What something outside costs beside its bytes: its slot, the counts, the allocator's own.
pub(crate) const OUTSIDE_BYTES: u64 = 64;

/// A value outside the arena.
pub(crate) enum Large {
    Bytes(Arc<Vec<u8>>),
    Elements(Box<Any>),
    /// The seat of a value with elements that is about to be moved in.
    Vacant(KeyType, u64),
}

/// Something outside: a large value, or any value with a long key.
pub(crate) struct Outside {
    /// The key, where it is too long for the record.
    pub(crate) key: Option<Box<[u8]>>,
    pub(crate) value: Large,
}

/// What is left of an entry that was taken out.
pub(crate) struct Gone {
    /// What was outside; freed when this is dropped.
    outside: Option<Outside>,
    /// The key, if somebody wants to be told of it.
    pub(crate) key: Option<Box<[u8]>>,
}

impl Gone {
    pub(crate) fn new(outside: Option<Outside>) -> Self {
        Gone { outside, key: None }
    }

    /// Whether dropping it frees something.
    pub(crate) fn is_large(&self) -> bool {
        self.outside.is_some()
    }

    /// Bytes that dropping it frees.
    pub(crate) fn bytes(&self) -> u64 {
        self.outside.as_ref().map_or(0, Outside::bytes)
    }

    /// What is left of a value with elements.
    pub(crate) fn of(any: Box<Any>) -> Self {
        Gone::new(Some(Outside {
            key: None,
            value: Large::Elements(any),
        }))
    }

    /// The value with elements, if that is what was outside.
    pub(crate) fn into_elements(self) -> Result<Box<Any>, Self> {
        match self.outside {
            Some(Outside {
                value: Large::Elements(elements),
                ..
            }) => Ok(elements),
            outside => Err(Gone::new(outside)),
        }
    }
}

impl Large {
    /// Takes the elements out, and keeps their seat.
    pub(crate) fn lift(&mut self) -> Option<Box<Any>> {
        let vacant = match self {
            Large::Elements(any) => Large::Vacant(any.key_type(), any.bytes()),
            _ => return None,
        };
        match std::mem::replace(self, vacant) {
            Large::Elements(any) => Some(any),
            _ => None,
        }
    }
}

impl Outside {
    /// Whether a value stands outside the arena under this key.
    #[inline]
    pub(crate) fn holds(key: &[u8], value: &Stored<'_>) -> bool {
        key.len() > MAX_KEY || value.outside_bytes().is_some()
    }

    /// What stands outside for this key and value.
    pub(crate) fn of(key: &[u8], value: &Stored<'_>) -> Option<Self> {
        if !Self::holds(key, value) {
            return None;
        }
        debug_assert!(
            !matches!(value, Stored::Packed(..)),
            "under a long key nothing is packed"
        );
        let value = match value {
            Stored::Large(bytes) => Large::Bytes(Arc::clone(bytes)),
            Stored::Elements(key_type, bytes) => Large::Vacant(*key_type, *bytes),
            other => Large::Bytes(Arc::new(other.with_text(<[u8]>::to_vec))),
        };
        Some(Outside {
            key: (key.len() > MAX_KEY).then(|| key.into()),
            value,
        })
    }

    pub(crate) fn bytes(&self) -> u64 {
        let held = match &self.value {
            Large::Bytes(bytes) => bytes.len() as u64,
            Large::Elements(elements) => elements.bytes(),
            Large::Vacant(_, bytes) => *bytes,
        };
        self.key.as_ref().map_or(0, |key| key.len()) as u64 + held + OUTSIDE_BYTES
    }
}

/// See the module's text.
#[derive(Default)]
pub(crate) struct Outsides {
    slots: Vec<Option<Outside>>,
    free: Vec<u32>,
    /// Of all that is here.
    bytes: u64,
}

impl Outsides {
    pub(crate) fn bytes(&self) -> u64 {
        let slots = self.slots.capacity() * size_of::<Option<Outside>>()
            + self.free.capacity() * size_of::<u32>();
        self.bytes + slots as u64
    }

    pub(crate) fn get(&self, number: u64) -> Option<&Outside> {
        self.slots.get(number as usize)?.as_ref()
    }

    /// Runs `work` on a value, and books what it grew.
    pub(crate) fn change<R>(
        &mut self,
        number: u64,
        work: impl FnOnce(&mut Large) -> R,
    ) -> Option<R> {
        let outside = self.slots.get_mut(number as usize)?.as_mut()?;
        let before = outside.bytes();
        let result = work(&mut outside.value);
        self.bytes = self.bytes - before + outside.bytes();
        Some(result)
    }

    pub(crate) fn put(&mut self, outside: Outside) -> u32 {
        self.bytes += outside.bytes();
        let number = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        self.slots[number as usize] = Some(outside);
        number
    }

    pub(crate) fn take(&mut self, number: u64) -> Option<Outside> {
        let outside = self.slots.get_mut(number as usize)?.take()?;
        self.free.push(number as u32);
        self.bytes -= outside.bytes();
        Some(outside)
    }
}
