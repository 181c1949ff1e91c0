//! `RateLimiter<K>`: how often each key may call.
//!
//! ```text
//! check   key -> rules (at the key's quota) -> one stripe's lock: state brought to now, all rules asked, all or none
//!         charged -> Decision
//! wait    refused -> the key's queue -> first in it: check, alarm at retry_after, check -> passes the turn on
//! ```
//!
//! `rule` says what is limited, `meter` is the arithmetic (pure, integers only), `limiter` the calls, `queue` those
//! who wait. The state of a key is an entry of a [`Cache`](crate::Cache), which bounds their number and forgets a key
//! once its state would be as new.

mod builder;
mod cells;
mod decision;
mod limiter;
mod meter;
mod queue;
mod reservation;
mod rule;
#[cfg(test)]
mod tests;

pub use builder::RateLimiterBuilder;
pub use decision::Decision;
pub use limiter::RateLimiter;
pub use queue::Ready;
pub use reservation::Reservation;
pub use rule::Rule;
