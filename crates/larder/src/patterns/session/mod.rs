//! `Sessions<T>`: who is logged in, with what.
//!
//! ```text
//! create    index: id added to its user, the oldest beyond the limit taken -> session stored -> still in the index?
//! end       session leaves the cache (destroyed, expired, evicted) -> its listener takes the id out of the index
//! ```
//!
//! Two caches: sessions by id, ids by user. The index is written before the session and cleared after it, so that a
//! session that lives is always in it, and what is in it beyond that is on its way in or out. No lock is held across
//! both.

mod builder;
mod id;
#[cfg(feature = "json")]
mod serial;
mod sessions;
#[cfg(test)]
mod tests;

pub use builder::SessionsBuilder;
pub use id::{InvalidId, NoRandomness, SessionId};
pub use sessions::{Session, Sessions};
