//! larder: an embeddable, in-process cache engine.
#![allow(dead_code, missing_docs, reason = "x")]
mod budget;
mod bytes;
mod cache;
mod decimal;
mod ds;
mod entry;
mod error;
mod evict;
mod glob;
mod number;
mod record;
mod reaper;
mod shard;
mod stats;
mod store;
mod stripes;
mod sync;
mod time;
mod wait;
pub use bytes::{ConvertError, FromValue, Raw, ToValue};
pub use cache::{Cache, CacheBuilder, Cause, Change, Iter, Outcome, Patient, Ttl};
pub use error::{BuildError, Error, LoadError};
pub use evict::Eviction;
pub use glob::Glob;
pub use store::{
    Condition, Cursor, GetExpire, KeyType, Scan, ScanOptions, ScanPage, SetOptions, SetOutcome, Span, Store, StoreBuilder,
};
pub use number::{NumberError, NumberText};
pub use reaper::Upkeep;
pub use stats::Stats;
pub use time::{Clock, ManualClock};
