//! What a bench knows of a cache.
//!
//! A bench is a [`Visitor`]: it is shown every peer as a type, so that its timed loop is compiled for that
//! peer and no call in it goes through a table of functions.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

/// A key that can be made from a number, alike for every peer.
pub trait Key: Hash + Eq + Clone + Send + Sync + 'static {
    /// What tables call it.
    const NAME: &'static str;
    /// The key with this number; different numbers give different keys.
    fn nth(number: u64) -> Self;
    /// Its bytes, for peers that know only bytes.
    fn bytes(&self) -> impl AsRef<[u8]>;
}

/// A value that tells which number it was made from, so that answers can be checked.
pub trait Value: Clone + Send + Sync + 'static {
    /// The value of this number.
    fn of(number: u64) -> Self;
    /// The value with these bytes, for peers that know only bytes.
    fn from_bytes(bytes: &[u8]) -> Self;
    /// Its bytes, which begin with [`stamp`] of its number, little endian.
    fn bytes(&self) -> &[u8];
}

/// The number that a value's first eight bytes spell.
pub fn stamp(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1
}

/// The stamp at the front of a value's bytes, or 0 if they are too short.
pub fn stamp_of(bytes: &[u8]) -> u64 {
    bytes
        .first_chunk::<8>()
        .map_or(0, |word| u64::from_le_bytes(*word))
}

impl Key for u64 {
    const NAME: &'static str = "u64";
    fn nth(number: u64) -> Self {
        number.wrapping_mul(0xD6E8_FEB8_6659_FD93)
    }
    fn bytes(&self) -> impl AsRef<[u8]> {
        self.to_le_bytes()
    }
}

impl Key for [u8; 16] {
    const NAME: &'static str = "[u8; 16]";
    fn nth(number: u64) -> Self {
        let mut key = [b'k'; 16];
        key[..8].copy_from_slice(&number.wrapping_mul(0xD6E8_FEB8_6659_FD93).to_le_bytes());
        key[8..].copy_from_slice(&number.rotate_left(32).to_le_bytes());
        key
    }
    fn bytes(&self) -> impl AsRef<[u8]> {
        self
    }
}

impl Key for String {
    const NAME: &'static str = "String of 16 B";
    fn nth(number: u64) -> Self {
        format!("{:016x}", <u64 as Key>::nth(number))
    }
    fn bytes(&self) -> impl AsRef<[u8]> {
        self
    }
}

impl Key for Box<[u8]> {
    const NAME: &'static str = "Box<[u8]> of 16 B";
    fn nth(number: u64) -> Self {
        <[u8; 16] as Key>::nth(number).into()
    }
    fn bytes(&self) -> impl AsRef<[u8]> {
        self
    }
}

impl Value for [u8; 32] {
    fn of(number: u64) -> Self {
        let mut value = [0x5A; 32];
        value[..8].copy_from_slice(&stamp(number).to_le_bytes());
        value
    }
    fn from_bytes(bytes: &[u8]) -> Self {
        bytes.first_chunk().copied().unwrap_or([0; 32])
    }
    fn bytes(&self) -> &[u8] {
        self
    }
}

impl Value for Arc<[u8]> {
    fn of(number: u64) -> Self {
        <[u8; 32] as Value>::of(number).as_slice().into()
    }
    fn from_bytes(bytes: &[u8]) -> Self {
        bytes.into()
    }
    fn bytes(&self) -> &[u8] {
        self
    }
}

/// One cache or map under test. It is shared between threads as it is.
pub trait Peer<K: Key, V: Value>: Send + Sync + Sized + 'static {
    /// What tables call it.
    const NAME: &'static str;
    /// Whether it evicts: a map without a bound is left out of eviction rows.
    const BOUNDED: bool = true;

    /// A peer bounded to this many entries; an unbounded one starts empty.
    fn new(capacity: usize) -> Self;

    /// The same, with room for all entries made beforehand, or `None` where the peer has no such call.
    fn reserved(capacity: usize) -> Option<Self> {
        let _ = capacity;
        None
    }

    /// A peer whose entries all live this long, or `None` if it knows no time.
    fn with_ttl(capacity: usize, ttl: Duration) -> Option<Self> {
        let _ = (capacity, ttl);
        None
    }

    /// Looks a key up and takes its value out, as a caller would.
    fn get(&self, key: &K) -> Option<V>;

    /// Looks a key up, leaves its bytes outside of the cache and returns its stamp. Peers with a cheaper way
    /// out than a value (a buffer of the caller's) use `buffer`.
    fn read(&self, key: &K, buffer: &mut Vec<u8>) -> Option<u64> {
        let _ = buffer;
        let value = std::hint::black_box(self.get(key)?);
        Some(stamp_of(value.bytes()))
    }

    /// Reads several keys and shows the stamp of each value found; by one call where the peer has one for many.
    fn read_many(&self, keys: &[K], buffer: &mut Vec<u8>, show: &mut impl FnMut(u64)) {
        for key in keys {
            self.read(key, buffer).into_iter().for_each(&mut *show);
        }
    }

    /// Inserts or overwrites.
    fn insert(&self, key: K, value: V);

    /// Removes.
    fn remove(&self, key: &K);

    /// How many entries it holds, exact after [`Peer::settle`].
    fn count(&self) -> usize;

    /// Does the upkeep that it put off. Never called inside of a timed loop.
    fn settle(&self) {}
}

/// A bench that wants to see every peer of these types.
pub trait Visitor<K: Key, V: Value> {
    /// Is shown one peer.
    fn visit<P: Peer<K, V>>(&mut self);
}

/// Shows a visitor every peer, larder last, always in the same order.
pub fn visit_peers<K: Key, V: Value>(visitor: &mut impl Visitor<K, V>) {
    crate::rivals::visit_rivals(visitor);
    crate::larder_peers::visit_larder(visitor);
}
