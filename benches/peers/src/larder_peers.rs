//! larder itself, twice: the typed cache, and the store read through a buffer of the caller's.

#[cfg(feature = "larder")]
pub use faces::{ACCOUNTS, visit_expiring_larder, visit_larder, visit_larder_lru};
#[cfg(not(feature = "larder"))]
pub use nothing::{ACCOUNTS, visit_expiring_larder, visit_larder, visit_larder_lru};

/// What one of larder's faces says of itself. It holds what it says until it is dropped.
pub struct Account {
    /// Entries held.
    pub entries: u64,
    /// Bytes that it says it holds.
    pub bytes: u64,
    /// The bound on bytes, or 0.
    pub bound: u64,
    /// The cache or store itself.
    pub held: Box<dyn std::any::Any>,
}

/// A case of accounting: its name, and what fills a face for so many entries.
pub type Case = (&'static str, fn(usize) -> Account);

/// What tables call larder's cache with LRU, which is in the tables of hit ratios only.
pub const LRU_NAME: &str = "larder Cache, LRU";

#[cfg(not(feature = "larder"))]
mod nothing {
    use crate::peer::{Key, Value, Visitor};
    use crate::storm::ExpiringVisitor;

    /// No case.
    pub const ACCOUNTS: [super::Case; 0] = [];

    /// Shows a visitor nothing.
    pub fn visit_larder<K: Key, V: Value>(_visitor: &mut impl Visitor<K, V>) {}

    /// Shows a visitor nothing.
    pub fn visit_larder_lru<K: Key, V: Value>(_visitor: &mut impl Visitor<K, V>) {}

    /// Shows a visitor nothing.
    pub fn visit_expiring_larder(_visitor: &mut impl ExpiringVisitor) {}
}

#[cfg(feature = "larder")]
mod faces {
    use std::hint::black_box;
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Account, Case};
    use crate::peer::{Key, Peer, Value, Visitor, stamp_of};
    use crate::storm::{Expiring, ExpiringVisitor, Ticket};

    /// The cases of accounting.
    pub const ACCOUNTS: [Case; 5] = [
        ("Cache", |entries| cache(entries, None)),
        ("Cache with TTL", |entries| cache(entries, Some(DAY))),
        ("Store", |entries| store(entries, None)),
        ("Store with TTL", |entries| store(entries, Some(DAY))),
        ("Store under max_bytes, churned", churned),
    ];

    /// Longer than any run.
    const DAY: Duration = Duration::from_secs(86_400);

    fn cache(entries: usize, ttl: Option<Duration>) -> Account {
        let cache = match ttl {
            None => <larder::Cache<[u8; 16], [u8; 32]> as Peer<_, _>>::new(entries),
            Some(ttl) => Peer::<[u8; 16], [u8; 32]>::with_ttl(entries, ttl).expect("it knows time"),
        };
        (0..entries as u64).for_each(|number| {
            cache.insert(Key::nth(number), Value::of(number));
        });
        Account {
            entries: cache.len() as u64,
            bytes: cache.bytes(),
            bound: 0,
            held: Box::new(cache),
        }
    }

    fn store(entries: usize, ttl: Option<Duration>) -> Account {
        let strings = Strings::bounded(entries, ttl);
        (0..entries as u64).for_each(|number| {
            let (key, value) = (<[u8; 16]>::nth(number), <[u8; 32]>::of(number));
            strings.insert(key, value);
        });
        told(strings.store, 0)
    }

    /// A bounded store written over five times, each time with values of other sizes.
    fn churned(entries: usize) -> Account {
        let bound = entries as u64 * 100;
        let store = larder::Store::builder().max_bytes(bound).build();
        let store = store.expect("a bound above zero is valid");
        let value = vec![0x5A; 512];
        for round in 0..5 {
            for number in 0..entries as u64 {
                let len = (number.wrapping_mul(0x9E37_79B9) >> 8) % (64 << round) % 512;
                let key = <[u8; 16]>::nth(round * entries as u64 + number);
                let done = store.set(key, &value[..len as usize]);
                done.expect("a small string always fits");
            }
        }
        told(store, bound)
    }

    fn told(store: larder::Store, bound: u64) -> Account {
        Account {
            entries: store.len() as u64,
            bytes: store.bytes(),
            bound,
            held: Box::new(store),
        }
    }

    /// Shows a visitor larder's two faces.
    pub fn visit_larder<K: Key, V: Value>(visitor: &mut impl Visitor<K, V>) {
        visitor.visit::<larder::Cache<K, V>>();
        visitor.visit::<Strings>();
    }

    /// Shows a visitor larder's typed cache with LRU.
    pub fn visit_larder_lru<K: Key, V: Value>(visitor: &mut impl Visitor<K, V>) {
        visitor.visit::<Lru<K, V>>();
    }

    /// Shows a visitor larder's typed cache.
    pub fn visit_expiring_larder(visitor: &mut impl ExpiringVisitor) {
        visitor.visit::<larder::Cache<u64, Arc<Ticket>>>();
    }

    impl<K: Key, V: Value> Peer<K, V> for larder::Cache<K, V> {
        const NAME: &'static str = "larder Cache";
        fn new(capacity: usize) -> Self {
            let cache = Self::builder().max_entries(capacity).build();
            cache.expect("a capacity above zero is valid")
        }
        fn with_ttl(capacity: usize, ttl: Duration) -> Option<Self> {
            let cache = Self::builder().max_entries(capacity).ttl(ttl).build();
            Some(cache.expect("a capacity and a ttl above zero are valid"))
        }
        fn get(&self, key: &K) -> Option<V> {
            self.get(key)
        }
        fn read_many(&self, keys: &[K], _: &mut Vec<u8>, show: &mut impl FnMut(u64)) {
            let values = black_box(self.get_many(keys));
            let found = values.iter().flatten();
            found.for_each(|value| show(stamp_of(value.bytes())));
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
        fn settle(&self) {
            self.tick();
        }
    }

    /// A cache with another policy.
    struct Lru<K, V>(larder::Cache<K, V>);

    impl<K: Key, V: Value> Peer<K, V> for Lru<K, V> {
        const NAME: &'static str = super::LRU_NAME;
        fn new(capacity: usize) -> Self {
            let builder = larder::Cache::builder().max_entries(capacity);
            let cache = builder.eviction(larder::Eviction::Lru).build();
            Self(cache.expect("a capacity above zero is valid"))
        }
        fn get(&self, key: &K) -> Option<V> {
            self.0.get(key)
        }
        fn insert(&self, key: K, value: V) {
            self.0.insert(key, value);
        }
        fn remove(&self, key: &K) {
            self.0.remove(key);
        }
        fn count(&self) -> usize {
            self.0.len()
        }
    }

    impl Expiring for larder::Cache<u64, Arc<Ticket>> {
        const NAME: &'static str = "larder Cache";
        fn new(capacity: usize) -> Self {
            let cache = Self::builder().max_entries(capacity).build();
            cache.expect("a capacity above zero is valid")
        }
        fn insert(&self, key: u64, ticket: Arc<Ticket>) {
            let ttl = ticket.ttl();
            self.insert_with_ttl(key, ticket, ttl);
        }
        fn get(&self, key: u64) -> Option<Arc<Ticket>> {
            self.get(&key)
        }
    }

    /// A store, and the time that its entries live.
    struct Strings {
        store: larder::Store,
        ttl: Option<Duration>,
    }

    impl Strings {
        fn bounded(capacity: usize, ttl: Option<Duration>) -> Self {
            let store = larder::Store::builder().max_entries(capacity).build();
            Self {
                store: store.expect("a capacity above zero is valid"),
                ttl,
            }
        }

        fn find<K: Key>(&self, key: &K, buffer: &mut Vec<u8>) -> bool {
            let found = self.store.get_into(key.bytes(), buffer);
            found.expect("every value is a string")
        }
    }

    impl<K: Key, V: Value> Peer<K, V> for Strings {
        const NAME: &'static str = "larder Store";
        fn new(capacity: usize) -> Self {
            Self::bounded(capacity, None)
        }
        fn with_ttl(capacity: usize, ttl: Duration) -> Option<Self> {
            Some(Self::bounded(capacity, Some(ttl)))
        }
        fn get(&self, key: &K) -> Option<V> {
            let mut buffer = Vec::with_capacity(32);
            self.find(key, &mut buffer).then(|| V::from_bytes(&buffer))
        }
        fn read(&self, key: &K, buffer: &mut Vec<u8>) -> Option<u64> {
            self.find(key, buffer).then(|| stamp_of(black_box(buffer)))
        }
        fn read_many(&self, keys: &[K], _: &mut Vec<u8>, show: &mut impl FnMut(u64)) {
            let found = self.store.get_many::<[u8; 32]>(keys.iter().map(Key::bytes));
            let values = black_box(found.expect("every value is a string"));
            let found = values.iter().flatten();
            found.for_each(|value| show(stamp_of(value)));
        }
        fn insert(&self, key: K, value: V) {
            let done = match self.ttl {
                None => self.store.set(key.bytes(), value.bytes()),
                Some(ttl) => {
                    let options = larder::SetOptions::new().ttl(ttl);
                    self.store
                        .set_with(key.bytes(), value.bytes(), options)
                        .map(|_| ())
                }
            };
            done.expect("a small string always fits");
        }
        fn remove(&self, key: &K) {
            self.store.remove(key.bytes());
        }
        fn count(&self) -> usize {
            self.store.len()
        }
        fn settle(&self) {
            self.store.tick();
        }
    }
}
