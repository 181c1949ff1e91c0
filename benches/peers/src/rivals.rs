//! The rivals, each behind [`Peer`] in the configuration that a careful user would give it.
//!
//! Hashers: `quick_cache` keeps its own (foldhash, faster than ahash); those whose default is SipHash get ahash.
//! moka keeps its default clock. schnellru is not shared by itself, so it sits behind a `parking_lot` mutex.

use std::time::Duration;

use ahash::RandomState;
use mini_moka::sync::ConcurrentCacheExt;
use parking_lot::Mutex;
use schnellru::{ByLength, LruMap};

use crate::peer::{Key, Peer, Value, Visitor};

/// Shows a visitor the rivals.
pub fn visit_rivals<K: Key, V: Value>(visitor: &mut impl Visitor<K, V>) {
    visitor.visit::<quick_cache::sync::Cache<K, V>>();
    visitor.visit::<moka::sync::Cache<K, V, RandomState>>();
    visitor.visit::<mini_moka::sync::Cache<K, V, RandomState>>();
    visitor.visit::<LockedLru<K, V>>();
    visitor.visit::<dashmap::DashMap<K, V, RandomState>>();
    visitor.visit::<papaya::HashMap<K, V, RandomState>>();
}

/// schnellru behind a mutex. Also the exact LRU that hit ratios are compared with.
pub type LockedLru<K, V> = Mutex<LruMap<K, V, ByLength, RandomState>>;

impl<K: Key, V: Value> Peer<K, V> for quick_cache::sync::Cache<K, V> {
    const NAME: &'static str = "quick_cache";
    fn new(capacity: usize) -> Self {
        Self::new(capacity)
    }
    fn reserved(capacity: usize) -> Option<Self> {
        let cache = Self::new(capacity);
        cache.reserve(capacity);
        Some(cache)
    }
    fn get(&self, key: &K) -> Option<V> {
        self.get(key)
    }
    fn insert(&self, key: K, value: V) {
        self.insert(key, value);
    }
    fn remove(&self, key: &K) {
        self.remove(key);
    }
    fn count(&self) -> usize {
        self.len()
    }
}

impl<K: Key, V: Value> Peer<K, V> for moka::sync::Cache<K, V, RandomState> {
    const NAME: &'static str = "moka";
    fn new(capacity: usize) -> Self {
        moka::sync::Cache::builder()
            .max_capacity(capacity as u64)
            .build_with_hasher(RandomState::new())
    }
    fn with_ttl(capacity: usize, ttl: Duration) -> Option<Self> {
        let cache = moka::sync::Cache::builder()
            .max_capacity(capacity as u64)
            .time_to_live(ttl);
        Some(cache.build_with_hasher(RandomState::new()))
    }
    fn get(&self, key: &K) -> Option<V> {
        self.get(key)
    }
    fn insert(&self, key: K, value: V) {
        self.insert(key, value);
    }
    fn remove(&self, key: &K) {
        self.invalidate(key);
    }
    fn count(&self) -> usize {
        usize::try_from(self.entry_count()).unwrap_or(usize::MAX)
    }
    fn settle(&self) {
        self.run_pending_tasks();
    }
}

impl<K: Key, V: Value> Peer<K, V> for mini_moka::sync::Cache<K, V, RandomState> {
    const NAME: &'static str = "mini-moka";
    fn new(capacity: usize) -> Self {
        mini_moka::sync::Cache::builder()
            .max_capacity(capacity as u64)
            .build_with_hasher(RandomState::new())
    }
    fn with_ttl(capacity: usize, ttl: Duration) -> Option<Self> {
        let cache = mini_moka::sync::Cache::builder().max_capacity(capacity as u64);
        Some(
            cache
                .time_to_live(ttl)
                .build_with_hasher(RandomState::new()),
        )
    }
    fn get(&self, key: &K) -> Option<V> {
        self.get(key)
    }
    fn insert(&self, key: K, value: V) {
        self.insert(key, value);
    }
    fn remove(&self, key: &K) {
        self.invalidate(key);
    }
    fn count(&self) -> usize {
        usize::try_from(self.entry_count()).unwrap_or(usize::MAX)
    }
    fn settle(&self) {
        self.sync();
    }
}

impl<K: Key, V: Value> Peer<K, V> for LockedLru<K, V> {
    const NAME: &'static str = "schnellru + mutex";
    fn new(capacity: usize) -> Self {
        let bound = ByLength::new(u32::try_from(capacity).unwrap_or(u32::MAX));
        Mutex::new(LruMap::with_hasher(bound, RandomState::new()))
    }
    fn get(&self, key: &K) -> Option<V> {
        self.lock().get(key).cloned()
    }
    fn insert(&self, key: K, value: V) {
        self.lock().insert(key, value);
    }
    fn remove(&self, key: &K) {
        self.lock().remove(key);
    }
    fn count(&self) -> usize {
        self.lock().len()
    }
}

impl<K: Key, V: Value> Peer<K, V> for dashmap::DashMap<K, V, RandomState> {
    const NAME: &'static str = "dashmap";
    const BOUNDED: bool = false;
    fn new(_capacity: usize) -> Self {
        Self::with_hasher(RandomState::new())
    }
    fn get(&self, key: &K) -> Option<V> {
        self.get(key).map(|entry| entry.value().clone())
    }
    fn insert(&self, key: K, value: V) {
        self.insert(key, value);
    }
    fn remove(&self, key: &K) {
        self.remove(key);
    }
    fn count(&self) -> usize {
        self.len()
    }
}

impl<K: Key, V: Value> Peer<K, V> for papaya::HashMap<K, V, RandomState> {
    const NAME: &'static str = "papaya";
    const BOUNDED: bool = false;
    fn new(_capacity: usize) -> Self {
        Self::with_hasher(RandomState::new())
    }
    fn get(&self, key: &K) -> Option<V> {
        self.pin().get(key).cloned()
    }
    fn insert(&self, key: K, value: V) {
        self.pin().insert(key, value);
    }
    fn remove(&self, key: &K) {
        self.pin().remove(key);
    }
    fn count(&self) -> usize {
        self.len()
    }
}
