//! `Databases`: the numbered key spaces that the sessions of one client share, their bus, and what CONFIG sets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use larder::{Bus, Store};
use parking_lot::RwLock;

use crate::clients::Clients;
use crate::fault::Fault;
use crate::notify::Notified;

/// How many there are where the caller does not say; as many as a server has.
const COUNT: usize = 16;

/// Keys of each of them whose idle times are kept, for OBJECT IDLETIME: 128 KiB. Of more keys some are not known.
const IDLE_TIMES: usize = 1 << 14;

/// Numbered stores; clones share them.
///
/// ```
/// use larder_redis::{Databases, Reply, Session};
///
/// let databases = Databases::default();
/// let mut session = Session::of(&databases);
/// session.execute(&[b"SELECT", b"1"]);
/// session.execute(&[b"SET", b"key", b"value"]);
/// assert_eq!(databases.get(1).map(|store| store.len()), Some(1));
/// assert_eq!(databases.get(0).map(|store| store.len()), Some(0));
/// ```
#[derive(Clone, Debug)]
pub struct Databases(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    stores: Box<[OnceLock<Store>]>,
    /// The place of each number's store; SWAPDB swaps two.
    places: RwLock<Box<[usize]>>,
    /// Counts the swaps: sessions look whether their store is another one now.
    swaps: AtomicU64,
    clients: Clients,
    notified: Notified,
    bus: Bus,
}

impl Default for Databases {
    /// 16 unbounded stores on one bus, each made when it is first used. They keep idle times.
    fn default() -> Self {
        Databases::of((0..COUNT).map(|_| OnceLock::new()).collect())
    }
}

impl FromIterator<Store> for Databases {
    /// The stores in the order of their numbers.
    ///
    /// A store tells its keyspace events under the number and on the bus that it was built with:
    ///
    /// ```
    /// use larder::{Bus, Store};
    /// use larder_redis::{Databases, Session};
    ///
    /// let bus = Bus::new();
    /// let store = |number| Store::builder().bus(&bus).database(number).max_bytes(1 << 20).build();
    /// let databases = Databases::from_iter([store(0)?, store(1)?]);
    /// let mut sets = databases.bus().subscribe(["__keyevent@1__:set"]);
    /// let mut session = Session::of(&databases);
    /// session.execute(&[b"SELECT", b"1"]);
    /// session.execute(&[b"SET", b"key", b"value"]);
    /// assert!(sets.try_recv().is_ok());
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    fn from_iter<I: IntoIterator<Item = Store>>(stores: I) -> Self {
        Databases::of(stores.into_iter().map(OnceLock::from).collect())
    }
}

impl From<Store> for Databases {
    /// One store, number 0.
    fn from(store: Store) -> Self {
        [store].into_iter().collect()
    }
}

impl Databases {
    fn of(stores: Box<[OnceLock<Store>]>) -> Self {
        let places = (0..stores.len()).collect();
        let given = stores.first().and_then(OnceLock::get);
        let bus = given.map_or_else(Bus::new, |store| store.bus().clone());
        Databases(Arc::new(Shared {
            stores,
            places: RwLock::new(places),
            swaps: AtomicU64::new(0),
            clients: Clients::default(),
            notified: Notified::default(),
            bus,
        }))
    }

    /// What the sessions publish on, and where keyspace events are told: the bus of the store that was number 0 at first.
    ///
    /// ```
    /// use larder_redis::{Databases, Session};
    ///
    /// let databases = Databases::default();
    /// let mut news = databases.bus().subscribe(["news"]);
    /// Session::of(&databases).execute(&[b"PUBLISH", b"news", b"hello"]);
    /// assert!(news.try_recv().is_ok());
    /// ```
    #[must_use]
    pub fn bus(&self) -> &Bus {
        &self.0.bus
    }

    /// The store of this number, if there is one.
    ///
    /// ```
    /// let databases = larder_redis::Databases::from(larder::Store::new());
    /// assert!(databases.get(0).is_some());
    /// assert!(databases.get(1).is_none());
    /// ```
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    pub fn get(&self, number: usize) -> Option<&Store> {
        // Held while a store is made, so that it is made with the number that it has.
        let places = self.0.places.read();
        let store = &self.0.stores[*places.get(number)?];
        Some(store.get_or_init(|| self.make(number)))
    }

    /// A store of this number, on the bus of all.
    fn make(&self, number: usize) -> Store {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let store = Store::builder().bus(&self.0.bus).database(number);
        let store = store.idle_times(IDLE_TIMES).build();
        store.expect("there is no bound that could be wrong")
    }

    /// How many stores there are.
    ///
    /// ```
    /// assert_eq!(larder_redis::Databases::default().count(), 16);
    /// ```
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.stores.len()
    }

    /// The store of this number; none is Redis' error.
    pub(crate) fn select(&self, number: i64) -> Result<(usize, &Store), Fault> {
        let number = i32::try_from(number).map_err(|_| Fault::NO_INT)?;
        let number = usize::try_from(number).map_err(|_| Fault::NO_SUCH_DATABASE)?;
        let store = self.get(number).ok_or(Fault::NO_SUCH_DATABASE)?;
        Ok((number, store))
    }

    /// A way back to these stores that does not keep them.
    pub(crate) fn downgrade(&self) -> WeakDatabases {
        WeakDatabases(Arc::downgrade(&self.0))
    }

    /// The stores that were used so far, with their numbers.
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    pub(crate) fn used(&self) -> impl Iterator<Item = (usize, &Store)> {
        let places = self.0.places.read().clone();
        let numbered = places.into_iter().enumerate();
        numbered.filter_map(|(number, place)| Some((number, self.0.stores[place].get()?)))
    }

    /// Swaps the stores of two numbers that there are.
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    pub(crate) fn swap(&self, one: usize, other: usize) {
        let mut places = self.0.places.write();
        places.swap(one, other);
        for number in [one, other] {
            // Who was made later is made with its number.
            if let Some(store) = self.0.stores[places[number]].get() {
                store.renumber(u32::try_from(number).unwrap_or(u32::MAX));
            }
        }
        self.0.swaps.fetch_add(1, Ordering::Release);
    }

    /// How many swaps there were.
    #[inline]
    pub(crate) fn swaps(&self) -> u64 {
        self.0.swaps.load(Ordering::Acquire)
    }

    /// The sessions.
    pub(crate) fn clients(&self) -> &Clients {
        &self.0.clients
    }

    /// Which keyspace events are told.
    pub(crate) fn notified(&self) -> &Notified {
        &self.0.notified
    }
}

/// [`Databases`] that may be gone.
#[derive(Debug)]
pub(crate) struct WeakDatabases(Weak<Shared>);

impl WeakDatabases {
    pub(crate) fn upgrade(&self) -> Option<Databases> {
        self.0.upgrade().map(Databases)
    }
}
