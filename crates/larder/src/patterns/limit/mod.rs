//! `RateLimiter<K>`: how often each key may call.
//!
//! ```text
//! check   key -> one stripe's lock for reading: state -> brought to now, rule asked, word exchanged -> Decision
//!             -> new, or not renewed for long: the lock for writing, state, deadline
//! wait    refused -> the key's queue -> first in it: check, alarm at retry_after, check -> passes the turn on
//! ```
//!
//! `rule` says what is limited, `meter` is the arithmetic (pure, integers only), `packing` the same in one word,
//! `limiter` the calls, `queue` those who wait. The state of a key is an entry of a [`Cache`](crate::Cache), which bounds
//! their number and forgets a key some time after its state is as new; `states` sees to that.

mod builder;
mod decision;
mod limiter;
mod meter;
mod packing;
mod queue;
mod reservation;
mod rule;
mod states;
mod terms;
#[cfg(test)]
mod tests;

pub use builder::RateLimiterBuilder;
pub use decision::Decision;
pub use limiter::RateLimiter;
pub use queue::Ready;
pub use reservation::Reservation;
pub use rule::Rule;
