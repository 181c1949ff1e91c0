//! `Store`: Redis' keyspace in the process.

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
