//! Patterns: what programs build on a cache, done once and right. Built on the public faces.
//!
//! `aside`, `write_through` and `write_behind` put a cache before a `backing`; `limit` decides who may call how often;
//! `session` keeps who is logged in, `memos` what was computed for a request.

mod aside;
mod backing;
mod backoff;
pub(crate) mod limit;
mod memos;
pub(crate) mod session;
mod write_behind;
mod write_through;

pub use aside::Aside;
pub use backing::{AsyncSink, AsyncSource, Sink, Source};
pub use backoff::Backoff;
pub use memos::Memos;
pub use write_behind::{Full, Trouble, WriteBehind, WriteBehindBuilder};
pub use write_through::WriteThrough;
