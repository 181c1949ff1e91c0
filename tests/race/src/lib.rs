//! The bus's ring, its queues and its wake-ups, under schedules that shuttle chooses.
//!
//! This crate compiles the engine's own files, as they are, against shuttle's locks and atomics: `sync.rs` stands in the
//! place of the engine's file of that name. A schedule is drawn for every run; a lost wake-up is a deadlock, which shuttle
//! reports with the schedule that led there.
//!
//! What it cannot show: what weaker orders of memory would allow. shuttle runs one thread at a time.

// The engine's files use each other in ways that the races do not.
#![allow(dead_code, unused_imports, unreachable_pub, missing_docs)]
// They take shuttle's locks here, which no lint forbids.
#![allow(unfulfilled_lint_expectations)]

pub mod bus;
#[path = "../../../crates/larder/src/bytes.rs"]
mod bytes;
#[path = "../../../crates/larder/src/decimal.rs"]
mod decimal;
#[path = "../../../crates/larder/src/number.rs"]
mod number;
mod sync;
#[path = "../../../crates/larder/src/time.rs"]
mod time;
#[path = "../../../crates/larder/src/wait.rs"]
mod wait;
