//! In-process broadcast: rings, topics, channels, patterns. It knows neither a store nor its keys.
//!
//! ```text
//! channels   Bus: name → rings ──┐
//! topic      Topic<T> ───────────┴── ring ── window of segments
//!                                     ├── reader, a cursor ────┐
//!                                     └── mailbox, a queue ────┴── feed ── subscription ── remote
//! ```

mod blocking;
mod channels;
mod feed;
mod forward;
mod mailbox;
mod membership;
mod message;
mod overflow;
mod reader;
mod registry;
mod remote;
mod ring;
mod segment;
mod sending;
mod state;
mod subscription;
#[cfg(test)]
mod tests;
mod topic;

pub use blocking::Listened;
pub use channels::Bus;
pub(crate) use feed::Name;
pub use message::{BusError, Delivery, Event, Message, RecvError};
pub use overflow::Overflow;
pub use remote::Remote;
pub use sending::Deliver;
pub use subscription::Subscription;
pub use topic::Topic;
