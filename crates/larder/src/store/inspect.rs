//! `Inspection`: how a key's value is stored, what it takes, and how much it is used.

use std::sync::Arc;

use std::time::Duration;

use super::core::{Core, Store};
use super::group::{Key, hash_key};
use super::words::Words;
use crate::ds::Ref;
use crate::ds::arena::Pages;
use crate::entry::Entries;
use crate::key::KeyType;
use crate::stripes::low_bits;

/// How a value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// A 64-bit integer in the key's record.
    Int,
    /// A string in the key's record.
    Record,
    /// A string of its own, because it is large.
    Large,
    /// Elements packed in the key's record.
    Packed,
    /// Elements in a structure of their own, because they are many.
    Structure,
}

/// What [`Store::inspect`] tells of a key.
///
/// ```
/// use larder::{Encoding, Store};
///
/// let store = Store::new();
/// store.set("visits", 41)?;
/// let seen = store.inspect("visits").expect("it is there");
/// assert_eq!(seen.encoding, Encoding::Int);
/// assert!(seen.bytes < 64);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// The value's type.
    #[doc(alias = "TYPE")]
    pub key_type: KeyType,
    /// How it is stored.
    #[doc(alias = "OBJECT ENCODING")]
    pub encoding: Encoding,
    /// Bytes that the key and its value take, their part of the table included.
    #[doc(alias = "MEMORY USAGE")]
    pub bytes: u64,
    /// Accesses lately, counted up to 3: what eviction goes by.
    #[doc(alias = "OBJECT FREQ")]
    pub uses: u8,
    /// For how long it was not used: known in a store that keeps [`idle_times`](crate::StoreBuilder::idle_times), unless a
    /// key that has its place was used since.
    #[doc(alias = "OBJECT IDLETIME")]
    pub idle: Option<Duration>,
}

impl Words {
    fn encoding(&self, pages: &Arc<Pages>, entry: Ref) -> Encoding {
        if self.elements(pages, entry).is_some() {
            return Encoding::Structure;
        }
        if self.key_type(pages, entry) != KeyType::String {
            return Encoding::Packed;
        }
        if self.int(pages, entry).is_some() {
            return Encoding::Int;
        }
        self.with_value(pages, entry, |stored| {
            if stored.outside_bytes().is_some() {
                Encoding::Large
            } else {
                Encoding::Record
            }
        })
    }
}

impl Core {
    fn inspect(&self, key: Key<'_>) -> Option<Inspection> {
        let time = self.clock.present();
        let idle = self.idle.since(key.hash, &time);
        self.stripes.of(key.hash).read(|table, pages, shard| {
            let words = &shard.entries;
            let (slot, entry) = table.find(low_bits(key.hash), |entry| {
                words.has_key(pages, entry, key.bytes)
            })?;
            let deadline = words.deadline(pages, entry);
            if deadline.is_some_and(|at| time.has_passed(at)) {
                return None;
            }
            Some(Inspection {
                key_type: words.key_type(pages, entry),
                encoding: words.encoding(pages, entry),
                bytes: words.bytes_of(pages, entry),
                uses: table.counter(slot) as u8,
                idle: idle.map(Duration::from_millis),
            })
        })
    }
}

impl Store {
    /// How a key's value is stored, what it takes and how much it is used; `None` if there is no such key.
    ///
    /// ```
    /// use larder::{Encoding, KeyType, Store};
    ///
    /// let store = Store::new();
    /// let numbers = store.set_of::<u32>("numbers");
    /// numbers.add_many(0..100)?;
    /// assert_eq!(store.inspect("numbers").map(|seen| seen.encoding), Some(Encoding::Packed));
    /// numbers.add_many(0..10_000)?;
    /// let seen = store.inspect("numbers").expect("it is there");
    /// assert_eq!((seen.key_type, seen.encoding), (KeyType::Set, Encoding::Structure));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), one stripe's lock, shared with readers; no access is counted.
    #[doc(alias(
        "OBJECT ENCODING",
        "OBJECT FREQ",
        "OBJECT IDLETIME",
        "OBJECT REFCOUNT",
        "MEMORY USAGE"
    ))]
    #[must_use]
    pub fn inspect(&self, key: impl AsRef<[u8]>) -> Option<Inspection> {
        let bytes = key.as_ref();
        if let Some(tagging) = self.core.tagged.pending() {
            self.core.settle(tagging, bytes);
        }
        // A look is no use.
        let hash = hash_key(&self.core.hasher, bytes);
        self.core.inspect(Key { bytes, hash })
    }
}
