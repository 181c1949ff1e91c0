//! `Store`: Redis' keyspace in the process.
//!
//! A write goes from a method (`strings`, `counters`, `ranges`, `expiry`, `keys`, `many`) through `core`, which hashes,
//! locks and cleans up afterwards, to `seat`, the key's place in its stripe; `words` keeps the entries. A read goes
//! through `read` and takes no lock. `scan` walks the keys, `upkeep` reaps.

mod builder;
mod core;
mod counters;
mod expiry;
mod keys;
mod many;
mod options;
mod ranges;
mod read;
mod scan;
mod seat;
mod span;
mod stored;
mod strings;
#[cfg(test)]
mod tests;
mod upkeep;
mod words;

pub use builder::StoreBuilder;
pub use core::Store;
pub use expiry::Condition;
pub use keys::KeyType;
pub use options::{SetOptions, SetOutcome};
pub use scan::{Cursor, Scan, ScanOptions, ScanPage};
pub use span::Span;
pub use strings::GetExpire;
