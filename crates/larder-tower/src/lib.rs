//! Tower layers over larder's caches and limiters, and a session store. No sockets: they sit in a program's own server.
//!
//! * [`RateLimitLayer`] answers 429 to who calls too often, and tells everybody where they stand.
//! * [`ResponseCacheLayer`] answers GET from memory as far as responses allow, one run of the handler per key.
//! * [`SessionStore`] keeps the sessions of `tower-sessions`; a session that was deleted stays deleted.
//!
//! The layers work with any body that can be made of `Bytes`, such as axum's and `http_body_util::Full`.

#![forbid(unsafe_code)]

mod rate_limit;
mod response_cache;
mod session_store;

pub use rate_limit::{Fields, RateLimitLayer, RateLimitService};
pub use response_cache::{ResponseCacheLayer, ResponseCacheService};
pub use session_store::SessionStore;

use std::future::Future;
use std::pin::Pin;

/// What both layers return.
type BoxFuture<R> = Pin<Box<dyn Future<Output = R> + Send>>;
