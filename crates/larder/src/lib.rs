//! An embeddable, in-process cache engine: Redis' data model and a typed concurrent cache, without a server.
//!
//! * [`Cache`] holds typed values without serialization: bounded by entries or weight, with times to live, idle times,
//!   and one load per key however many threads and tasks ask for it.
//! * [`Store`] is Redis' keyspace in the process: strings and counters with expiry, multi-key commands that are atomic,
//!   scan with Redis' guarantee. Reading a string takes no lock.
//!
//! ```
//! use larder::{Cache, Store};
//!
//! let cache: Cache<u64, String> = Cache::builder().max_entries(10_000).build()?;
//! let name = cache.get_or_load(&7, || "Ada".to_string())?;
//! assert_eq!(name, "Ada");
//!
//! let store = Store::new();
//! store.set("visits", 41)?;
//! assert_eq!(store.incr("visits", 1)?, 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which to take
//!
//! A `Cache` where values are Rust types that one program computes and reads; a `Store` where they are what Redis
//! would hold, or where bytes per entry count.
//!
//! # Time
//!
//! An entry is there until its deadline, and no reader gets it a few milliseconds later, whenever it is reclaimed. (Idle
//! times of a second and more are counted coarsely: they end up to 40 ms late.) One thread for the whole process reclaims
//! what is due, or the owner calls `tick()` ([`Upkeep`]). Tests move a [`ManualClock`], which is exact.
//!
//! # Memory
//!
//! Inserts and loads never pass a bound on entries or weight. A closure that changes a value in place
//! ([`Cache::update`], [`Cache::compute`]) may, until the call returns, if every stripe that could make room for what the
//! value grew is being written to by others: how much it grows is known only when it has grown. What a cache or store
//! holds beyond its entries (table, policy, timers) is in `bytes()`.

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

mod budget;
mod bus;
mod bytes;
mod cache;
mod decimal;
mod ds;
mod entry;
mod error;
mod event;
mod evict;
mod glob;
#[cfg(feature = "json")]
mod json;
mod key;
mod lease;
pub mod memo;
mod number;
mod patterns;
mod prefixes;
mod reaper;
mod record;
mod shard;
mod stats;
mod store;
mod stripes;
mod sync;
mod tags;
mod time;
mod value;
mod wait;
mod worker;
pub use bus::{
    Bus, BusError, Deliver, Delivery, Event, Listened, Message, Overflow, RecvError, Remote,
    Subscription, Topic,
};
pub use bytes::{ConvertError, FromValue, Raw, ToValue};
pub use cache::{Cache, CacheBuilder, Cause, Change, Freshness, Iter, Loaded, Outcome, Patient};
pub use ds::deque::End;
pub use error::{BuildError, Error, LoadError};
pub use event::{EventKind, EventMask, KeyEvent};
pub use evict::Eviction;
pub use glob::Glob;
#[cfg(feature = "json")]
pub use json::Json;
pub use key::KeyType;
#[cfg(feature = "macros")]
pub use larder_macros::{memo_evict, memo_put, memoize};
pub use number::{NumberError, NumberText};
pub use patterns::limit::{Decision, RateLimiter, RateLimiterBuilder, Ready, Reservation, Rule};
pub use patterns::session::{
    InvalidId, NoRandomness, Session, SessionId, Sessions, SessionsBuilder,
};
pub use patterns::{
    Aside, AsyncSink, AsyncSource, Backoff, Full, Memos, Sink, Source, Trouble, WriteBehind,
    WriteBehindBuilder, WriteThrough,
};
pub use reaper::Upkeep;
pub use stats::Stats;
pub use store::{
    AddCount, BitField, BitFieldOp, BitOp, BitOverflow, Bits, Center, Combine, Condition, Cursor,
    Draw, Encoding, FieldExpiry, Geo, GeoFound, GeoSearch, GetExpire, Hash, HyperLogLog, InStore,
    InTx, Inspection, KeyState, List, Matches, MemberPage, MoveOptions, Pipeline, PositionOptions,
    Scan, ScanOptions, ScanPage, Scope, Select, Set, SetOptions, SetOutcome, SortOptions,
    SortedSet, Span, Store, StoreBuilder, Tx, Watch, WatchedKeys,
};
pub use tags::{Stamp, Tag, Tags};
pub use time::{Clock, ManualClock, Ttl};
pub use value::geo::{GeoArea, Position};
pub use value::sorted_set::{AddRule, Aggregate};
