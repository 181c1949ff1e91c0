//! larder: an embeddable, in-process cache engine.
#![allow(dead_code, missing_docs, reason = "x")]
mod budget;
mod bytes;
mod cache;
mod ds;
mod entry;
mod error;
mod evict;
mod glob;
mod number;
mod shard;
mod stripes;
mod sync;
mod time;
pub use bytes::{ConvertError, FromValue, Raw, ToValue};
pub use cache::Cache;
pub use error::{BuildError, Error, LoadError};
pub use glob::Glob;
pub use number::{NumberError, NumberText};
pub use time::{Clock, ManualClock};
