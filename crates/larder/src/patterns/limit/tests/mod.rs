//! Tests of the limiter: each algorithm against a plain model, each promise of the calls, each trap of the trade.

mod algorithms;
mod calls;
mod packing;
mod waiting;

use std::time::Duration;

use super::{RateLimiter, Rule};
use crate::time::ManualClock;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A limiter whose time stands until it is moved.
fn timed(rules: impl IntoIterator<Item = Rule>) -> (ManualClock, RateLimiter<String>) {
    let time = ManualClock::new();
    // Not at the origin, which would hide states that begin there.
    time.advance(1000 * SECOND);
    let builder = RateLimiter::builder().clock(time.clock());
    let limiter = rules
        .into_iter()
        .fold(builder, super::RateLimiterBuilder::rule)
        .build()
        .expect("the rules are sound");
    (time, limiter)
}

/// How many of so many calls are allowed.
fn allowed(limiter: &RateLimiter<String>, calls: u64) -> u64 {
    (0..calls)
        .map(|_| u64::from(limiter.check("ada").allowed))
        .sum()
}
