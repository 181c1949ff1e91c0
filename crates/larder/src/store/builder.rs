//! `StoreBuilder`: the settings of a store.

use crate::budget::{MAX_SHARES, fitting};
use crate::wait::cores;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock, Weak};

use ahash::RandomState;

use super::core::{Core, Store};
use super::events::{Listening, Told};
use super::graves::Graves;
use super::held::stable_pages;
use super::idle::Idle;
use super::tagging::Tagged;
use super::waiting::Waiting;
use super::watched::Watched;
use super::words::Words;
use crate::bus::Bus;
use crate::ds::arena::Pages;
use crate::error::BuildError;
use crate::evict::{Balance, Chosen, Eviction};
use crate::reaper::{Upkeep, Upkept, Watch};
use crate::shard::Shard;
use crate::stats::Counters;
use crate::stripes::Stripes;
use crate::tags::Tags;
use crate::time::Clock;

/// A stripe with fewer bytes than 4 MiB chooses its victims badly and wastes pages: what stands for one entry
/// where [`fitting`] counts in entries, of which it wants 128.
const BYTES_PER_SHARE: u64 = (4 << 20) / 128;
/// Bytes that an entry is expected to take, for the size that tables are made for.
const BYTES_PER_ENTRY: u64 = 256;

/// A bound in bytes counts as spent when less than this part of it is left.
const GRAIN_PART: u64 = 1024;

/// Whether a bound counts entries or bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Entries,
    Bytes,
}

/// Most keys whose times are kept: as many bits of a hash say where, and 24 others whose.
const MAX_IDLE_TIMES: usize = 1 << 32;

/// What a store is to be like; made by [`Store::builder`].
///
/// ```
/// use larder::{ManualClock, Store};
///
/// let time = ManualClock::new();
/// let store = Store::builder().max_bytes(64 << 20).clock(time.clock()).seed(7).build()?;
/// assert!(store.is_empty());
/// # Ok::<(), larder::BuildError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct StoreBuilder {
    max_entries: Option<u64>,
    max_bytes: Option<u64>,
    eviction: Eviction,
    clock: Option<Clock>,
    upkeep: Upkeep,
    stripes: Option<usize>,
    seed: Option<u64>,
    idle_times: Option<usize>,
    bus: Option<Bus>,
    database: u32,
    tags: Option<Tags>,
    /// Keys are in groups by prefixes that end with this.
    separator: Option<u8>,
}

impl StoreBuilder {
    /// Makes this bus the store's own: several stores and others can share one. Without it, the store makes one when it
    /// is first asked for.
    ///
    /// ```
    /// use larder::{Bus, Store};
    ///
    /// let bus = Bus::new();
    /// let store = Store::builder().bus(&bus).build()?;
    /// let _reader = bus.subscribe(["news"]);
    /// assert_eq!(store.publish("news", "hello").received, 1);
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn bus(mut self, bus: &Bus) -> Self {
        self.bus = Some(bus.clone());
        self
    }

    /// Numbers the store among others, for its keyspace events: `__keyevent@1__:set` is heard for number 1. It is 0 by
    /// default.
    ///
    /// ```
    /// use larder::{Bus, Event, Store};
    ///
    /// let bus = Bus::new();
    /// let store = Store::builder().bus(&bus).database(1).build().expect("valid");
    /// let mut sets = bus.subscribe(["__keyevent@1__:set"]);
    /// store.set("key", "value")?;
    /// let Event::Message(message) = sets.try_recv()? else { unreachable!() };
    /// assert_eq!(message.payload(), b"key");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "SELECT")]
    pub fn database(mut self, number: u32) -> Self {
        self.database = number;
        self
    }

    /// Bounds the number of entries; another one then evicts one.
    ///
    /// ```
    /// let store = larder::Store::builder().max_entries(2).build()?;
    /// for key in ["a", "b", "c"] {
    ///     store.set(key, 1).expect("small");
    /// }
    /// assert_eq!(store.len(), 2);
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    #[doc(alias = "maxmemory")]
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = Some(entries as u64);
        self
    }

    /// Bounds the bytes that the store holds: keys, values, and what keeping them costs.
    ///
    /// From a mebibyte per stripe on, this is the memory that is really in use, half-filled pages and tables included; it is
    /// not passed by more than a fiftieth. Smaller bounds count what the entries need and no more than that.
    ///
    /// # Cost
    ///
    /// Memory that is read without a lock cannot be given back, so half of the bound at most is such memory: of a full
    /// store, every other string is read under its stripe's lock. A value that takes more than the rest of the bound may be
    /// refused.
    ///
    /// ```
    /// let store = larder::Store::builder().max_bytes(1 << 20).build()?;
    /// assert!(store.set("too large", vec![0_u8; 2 << 20]).is_err());
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    #[doc(alias = "maxmemory")]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Chooses who goes when room is needed.
    ///
    /// ```
    /// use larder::{Eviction, Store};
    ///
    /// let store = Store::builder().max_entries(1000).eviction(Eviction::S3Fifo).build()?;
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    #[doc(alias = "maxmemory-policy")]
    pub fn eviction(mut self, eviction: Eviction) -> Self {
        self.eviction = eviction;
        self
    }

    /// Takes the time from this clock.
    ///
    /// ```
    /// use larder::{ManualClock, Store};
    ///
    /// let time = ManualClock::new();
    /// let store = Store::builder().clock(time.clock()).build()?;
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Chooses who reaps what has expired.
    ///
    /// ```
    /// use larder::{Store, Upkeep};
    ///
    /// let store = Store::builder().upkeep(Upkeep::Manual).build()?;
    /// store.tick();
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn upkeep(mut self, upkeep: Upkeep) -> Self {
        self.upkeep = upkeep;
        self
    }

    /// Sets the number of stripes, each with a lock of its own; rounded up to a power of two.
    ///
    /// The default suits the machine's cores and the bound.
    ///
    /// ```
    /// let store = larder::Store::builder().stripes(1).build()?;
    /// assert!(larder::Store::builder().stripes(1 << 20).build().is_err());
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn stripes(mut self, stripes: usize) -> Self {
        self.stripes = Some(stripes);
        self
    }

    /// Makes placement, scan order and eviction repeatable: two stores with one seed do the same.
    ///
    /// Without a seed the hash is keyed at random, which keeps outsiders from choosing keys that collide.
    ///
    /// ```
    /// use larder::Store;
    ///
    /// let stores = [Store::builder().seed(1).build()?, Store::builder().seed(1).build()?];
    /// for store in &stores {
    ///     store.set_many([("a", 1), ("b", 2), ("c", 3)]).expect("small");
    /// }
    /// assert_eq!(stores[0].keys("*"), stores[1].keys("*"));
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Keeps the times at which keys were last used, of about so many keys: [`Inspection::idle`](crate::Inspection::idle).
    ///
    /// ```
    /// use larder::{ManualClock, Store};
    /// use std::time::Duration;
    ///
    /// let time = ManualClock::new();
    /// let store = Store::builder().clock(time.clock()).idle_times(10_000).build()?;
    /// store.set("key", 1).expect("small");
    /// time.advance(Duration::from_secs(5));
    /// let idle = |store: &Store| store.inspect("key").and_then(|seen| seen.idle);
    /// assert_eq!(idle(&store), Some(Duration::from_secs(5)));
    /// store.get::<i64>("key").expect("a number");
    /// assert_eq!(idle(&store), Some(Duration::ZERO));
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// 8 bytes per key, rounded up to a power of two of keys; a coarse clock and a store in every call. Without it, nothing.
    ///
    /// # Consistency
    ///
    /// Of keys that share a place only the one that was used last is known: with as many keys as this says, more than a
    /// third are not; with a quarter as many, one in nine.
    #[doc(alias = "OBJECT IDLETIME")]
    pub fn idle_times(mut self, keys: usize) -> Self {
        self.idle_times = Some(keys);
        self
    }

    /// Lets keys have tags of this registry instead of [`Tags::shared`].
    ///
    /// ```
    /// use larder::{Store, Tags};
    ///
    /// let tags = Tags::new();
    /// let store = Store::builder().tags(&tags).build()?;
    /// store.set("a", 1).expect("it is small");
    /// store.tag("a", tags.stamp(["group".into()]));
    /// tags.invalidate("group");
    /// assert!(!store.exists("a"));
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn tags(mut self, tags: &Tags) -> Self {
        self.tags = Some(tags.clone());
        self
    }

    /// Lets groups of keys be invalidated at once by what they begin with, down to a separator; see
    /// [`Store::invalidate_prefix`].
    ///
    /// Every key is in a group for each of its prefixes that ends with the separator, up to eight. The groups are tags, of
    /// the store's registry.
    ///
    /// ```
    /// use larder::Store;
    ///
    /// let store = Store::builder().prefixes(b':').build()?;
    /// store.set_many([("user:1:name", "Ada"), ("user:10:name", "Bob")]).expect("they are small");
    /// store.invalidate_prefix("user:1:");
    /// assert!(!store.exists("user:1:name") && store.exists("user:10:name"));
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// Some 100 bytes per key, the key once more, and 8 bytes per separator in it; a lock and a hash for each when it comes
    /// into being. Calls on keys that exist pay nothing.
    pub fn prefixes(mut self, separator: u8) -> Self {
        self.separator = Some(separator);
        self
    }

    /// Makes the store.
    ///
    /// ```
    /// let error = larder::Store::builder().max_entries(0).stripes(0).build().unwrap_err();
    /// assert_eq!(error.faults().len(), 2);
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError`] with everything that is wrong: a bound of zero, two bounds, no stripe or more than
    /// 1024, times of no key or of more than 2^32.
    pub fn build(self) -> Result<Store, BuildError> {
        BuildError::check(self.faults())?;
        let (limit, measure) = match (self.max_entries, self.max_bytes) {
            (_, Some(bytes)) => (bytes, Measure::Bytes),
            (Some(entries), _) => (entries, Measure::Entries),
            (None, None) => (u64::MAX, Measure::Entries),
        };
        let count = self
            .stripes
            .map_or_else(|| default_stripes(limit, measure), usize::next_power_of_two);
        let bounded = limit != u64::MAX;
        let expected = match measure {
            _ if !bounded => 0,
            Measure::Entries => limit,
            Measure::Bytes => limit / BYTES_PER_ENTRY,
        };
        let clock = self.clock.unwrap_or_default();
        let hasher = self.seed.map_or_else(RandomState::new, seeded);
        let listening = Listening::new(self.database);
        if let Some(bus) = &self.bus {
            listening.follow(bus);
        }
        let tagged = Tagged::by(self.tags, self.separator);
        let balance = Balance::new(count);
        let pages = Arc::new(Pages::new(stable_pages(measure, limit)));
        let mut stripes = Stripes::new(count, limit, expected, || {
            let told = Told {
                wanted: listening.word(),
                grouping: tagged.grouping().cloned(),
            };
            let mut words = Words::new(hasher.clone(), measure, told);
            words.set_share(limit / count as u64);
            (
                Arc::clone(&pages),
                Shard::new(
                    words,
                    Chosen::new(self.eviction, bounded, &balance),
                    clock.now(),
                ),
            )
        });
        if measure == Measure::Bytes {
            stripes.budget.set_grain(limit / GRAIN_PART);
        }
        let waiting = Waiting::new(stripes.iter().count());
        let core = Arc::new_cyclic(|core: &Weak<Core>| {
            let who: Weak<dyn Upkept> = core.clone();
            let watch = Watch::new(self.upkeep, &clock, who);
            Core {
                stripes,
                hasher,
                clock,
                counters: Counters::new(),
                watch,
                draws: AtomicU64::new(0),
                watched: Watched::default(),
                listening,
                bus: self.bus.clone().map_or_else(OnceLock::new, OnceLock::from),
                waiting,
                graves: Graves::default(),
                idle: self.idle_times.map(Idle::new).unwrap_or_default(),
                tagged,
            }
        });
        Ok(Store { core })
    }

    fn faults(&self) -> Vec<&'static str> {
        let mut faults = Vec::new();
        if self.max_entries == Some(0) {
            faults.push("max_entries must be at least 1");
        }
        if self.max_bytes == Some(0) {
            faults.push("max_bytes must be at least 1");
        }
        if self.max_entries.is_some() && self.max_bytes.is_some() {
            faults.push("max_entries and max_bytes exclude each other");
        }
        if self
            .stripes
            .is_some_and(|stripes| stripes == 0 || stripes > MAX_SHARES)
        {
            faults.push("stripes must be between 1 and 1024");
        }
        if self
            .idle_times
            .is_some_and(|keys| keys == 0 || keys > MAX_IDLE_TIMES)
        {
            faults.push("idle_times must be between 1 and 2^32");
        }
        faults
    }
}

/// How many stripes suit a bound on this machine.
fn default_stripes(limit: u64, measure: Measure) -> usize {
    let cores = cores();
    match measure {
        Measure::Entries => fitting(limit, cores),
        Measure::Bytes => fitting(limit / BYTES_PER_SHARE, cores),
    }
}

/// A hasher that depends on the seed alone.
fn seeded(seed: u64) -> RandomState {
    let mixed = |round: u64| {
        seed.wrapping_add(round)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(31)
    };
    RandomState::with_seeds(mixed(1), mixed(2), mixed(3), mixed(4))
}

impl Store {
    /// An empty store without a bound.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("key", "value")?;
    /// assert_eq!(store.len(), 1);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// Some 10 KiB per stripe; nothing is started.
    #[must_use]
    pub fn new() -> Self {
        StoreBuilder::default()
            .build()
            .expect("the defaults are valid")
    }

    /// Settings for a store: a bound, a clock, who does the upkeep.
    ///
    /// ```
    /// let store = larder::Store::builder().max_entries(10_000).build()?;
    /// assert!(store.is_empty());
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn builder() -> StoreBuilder {
        StoreBuilder::default()
    }
}

impl Default for Store {
    fn default() -> Self {
        Store::new()
    }
}
