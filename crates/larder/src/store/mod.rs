//! `Store`: Redis' keyspace in the process.
//!
//! A write goes from a method (`strings`, `counters`, `ranges`, `expiry`, `keys`, `many`) through `core`, which hashes,
//! locks and cleans up afterwards, to `seat`, the key's place in its stripe; `words` keeps the entries. A read goes
//! through `read` and takes no lock. `scan` walks the keys, `survey` ranks them, `upkeep` reaps.

mod between;
mod bit_field;
mod bits;
mod bound;
mod builder;
mod calls;
mod core;
mod counters;
mod deadline;
mod draw;
mod dump;
mod elements;
mod events;
mod expiry;
mod geo;
mod graves;
mod group;
mod hash;
mod held;
mod hyperloglog;
mod idle;
mod inspect;
mod invalidation;
mod keys;
mod list;
mod many;
mod members;
mod name;
mod options;
mod outside;
mod park;
mod pipeline;
mod pubsub;
mod ranges;
mod read;
mod scan;
mod scan_options;
mod seat;
mod set;
mod site;
mod sort;
mod sorted_set;
mod span;
mod stored;
mod strings;
mod survey;
mod tagging;
mod take;
#[cfg(test)]
mod tests;
mod tx;
mod undo;
mod upkeep;
mod waiting;
mod watch;
mod watched;
mod whole;
mod wish;
mod words;

pub use bit_field::{BitField, BitFieldOp, BitOverflow};
pub use bits::{BitOp, Bits};
pub use builder::StoreBuilder;
pub use core::Store;
pub use draw::Draw;
pub use expiry::Condition;
pub use geo::{Center, Geo, GeoFound, GeoSearch};
pub use hash::{FieldExpiry, Hash};
pub use hyperloglog::HyperLogLog;
pub use inspect::{Encoding, Inspection};
pub use list::{List, Matches, MoveOptions, PositionOptions};
pub use options::{SetOptions, SetOutcome};
pub use pipeline::Pipeline;
pub use scan::{Cursor, Scan, ScanPage};
pub use scan_options::ScanOptions;
pub use set::Set;
pub use site::{InStore, InTx, Scope};
pub use sort::SortOptions;
pub use sorted_set::{AddCount, Combine, MemberPage, Select, SortedSet};
pub use span::Span;
pub use strings::GetExpire;
pub use tx::{Tx, WatchedKeys};
pub use watch::{KeyState, Watch};
