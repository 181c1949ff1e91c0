//! `Whole`: a value of any type, taken out of its key or copied, on its way to the same or another one.

use std::sync::Arc;

use super::seat::Seat;
use super::stored::Stored;
use crate::event::EventKind;
use crate::key::KeyType;
use crate::record::MAX_KEY;
use crate::shard::NoRoom;
use crate::time::Millis;
use crate::value::Any;

/// What a value takes where: as much of it as its weight under another key depends on.
pub(crate) enum Sketch {
    Whole(Whole),
    Elements(KeyType, u64),
}

/// See the module's text.
#[derive(Clone)]
pub(crate) enum Whole {
    Bytes(Vec<u8>),
    Int(i64),
    Large(Arc<Vec<u8>>),
    Packed(KeyType, Vec<u8>),
    Elements(Box<Any>),
}

impl Whole {
    /// What is stored, apart from elements that stand outside.
    pub(crate) fn of(stored: &Stored<'_>) -> Option<Self> {
        match stored {
            Stored::Bytes(bytes) => Some(Whole::Bytes(bytes.to_vec())),
            Stored::Int(int) => Some(Whole::Int(*int)),
            Stored::Large(bytes) => Some(Whole::Large(Arc::clone(bytes))),
            Stored::Packed(key_type, bytes) => Some(Whole::Packed(*key_type, bytes.to_vec())),
            Stored::Elements(..) => None,
        }
    }

    /// The value as it is stored under a key: beside a long one nothing is packed.
    fn suited(self, key: &[u8]) -> Self {
        match self {
            Whole::Packed(key_type, bytes) if key.len() > MAX_KEY => {
                Any::unpack(key_type, bytes.clone()).map_or(Whole::Packed(key_type, bytes), |any| {
                    Whole::Elements(Box::new(any))
                })
            }
            other => other,
        }
    }

    /// The value as it will stand in the store.
    pub(crate) fn as_stored(&self) -> Stored<'_> {
        match self {
            Whole::Bytes(bytes) => Stored::Bytes(bytes),
            Whole::Int(int) => Stored::Int(*int),
            Whole::Large(bytes) => Stored::Large(Arc::clone(bytes)),
            Whole::Packed(key_type, bytes) => Stored::Packed(*key_type, bytes),
            Whole::Elements(any) => Stored::Elements(any.key_type(), any.bytes()),
        }
    }
}

impl Seat<'_, '_> {
    /// A copy of the value.
    pub(crate) fn copy_whole(&self) -> Option<Whole> {
        self.with(|stored| Whole::of(&stored))?.or_else(|| {
            self.elements()
                .map(|any| Whole::Elements(Box::new(any.clone())))
        })
    }

    /// The value's size, copied only where it is small.
    pub(crate) fn sketch(&self) -> Option<Sketch> {
        self.with(|stored| match &stored {
            Stored::Elements(key_type, bytes) => Some(Sketch::Elements(*key_type, *bytes)),
            other => Whole::of(other).map(Sketch::Whole),
        })?
    }

    /// What the key would weigh with a value of this size.
    pub(crate) fn weight_of_sketch(&self, sketch: &Sketch, deadline: Option<Millis>) -> u64 {
        match sketch {
            Sketch::Whole(whole) => {
                let whole = whole.clone().suited(self.key());
                self.weight_with(&whole.as_stored(), deadline)
            }
            Sketch::Elements(key_type, bytes) => {
                self.weight_with(&Stored::Elements(*key_type, *bytes), deadline)
            }
        }
    }

    /// Takes the value out and leaves the key absent; its room is idle then.
    pub(crate) fn take_whole(&mut self) -> Option<Whole> {
        let copied = self.with(|stored| Whole::of(&stored))?;
        let gone = self.vacate()?;
        match copied {
            Some(whole) => {
                self.keep(gone);
                Some(whole)
            }
            None => gone.into_elements().ok().map(Whole::Elements),
        }
    }

    /// Sets the value and the deadline.
    pub(crate) fn put_whole(
        &mut self,
        whole: Whole,
        deadline: Option<Millis>,
    ) -> Result<(), NoRoom> {
        let whole = whole.suited(self.key());
        self.put(&whole.as_stored(), deadline)?;
        if let Whole::Elements(any) = whole {
            self.fill(any);
        }
        self.time_hash();
        Ok(())
    }

    /// [`Self::put_whole`] as a key that was not there before, whatever it replaces: so servers tell of renames and copies.
    pub(crate) fn put_anew(
        &mut self,
        whole: Whole,
        deadline: Option<Millis>,
    ) -> Result<(), NoRoom> {
        let was_there = self.exists();
        self.put_whole(whole, deadline)?;
        if was_there {
            self.tell(EventKind::New);
        }
        Ok(())
    }
}
