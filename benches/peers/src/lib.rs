//! Measures `larder` beside its rivals: the only crate that knows moka, `quick_cache` and the others.
//!
//! ```text
//! main ─┬─ throughput   ns per operation, rounds interleaved
//!       ├─ footprint    bytes per entry, one child process per rival
//!       ├─ accounting   what larder says that it holds, and what it holds
//!       ├─ growth       the worst single insert
//!       ├─ hits         hit ratios by replaying traces
//!       ├─ storm        a million entries falling due together
//!       └─ report       all of them, dated, into one file
//! ```
//! All of them see a rival only as a [`peer::Peer`]; `rivals` and `larder_peers` implement it.

#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "a bench reads clocks, sleeps and takes the locks of rivals"
)]

pub mod accounting;
pub mod args;
pub mod child;
pub mod clock;
pub mod flight;
pub mod footprint;
pub mod growth;
pub mod hits;
pub mod larder_peers;
pub mod peer;
pub mod progress;
pub mod report;
pub mod rivals;
pub mod server;
pub mod standing;
pub mod storm;
pub mod table;
pub mod throughput;
pub mod timers;
pub mod trace;
pub mod workload;

/// What can go wrong in a bench: files, children, arguments. It is only ever printed.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
