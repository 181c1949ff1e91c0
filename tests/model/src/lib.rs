//! The engine's protocols for readers without a lock, under a model checker.
//!
//! This crate compiles the engine's own files, as they are, against loom's atomics and locks: `sync.rs` stands in the place
//! of the engine's file of that name. Each model is a function that sets up a table or two stripes, lets a writer and a
//! reader loose on them, and says what the reader may see. loom runs it in every order of their steps, up to so many
//! preemptions, and lets relaxed loads return older values as far as the memory model allows.
//!
//! What it cannot show: orders that need more than `PREEMPTIONS` preemptions.

// The engine's files use each other in ways that the models do not.
#![allow(dead_code, unused_imports, unreachable_pub, missing_docs)]
// The latch's promise, and the models that try whether it is kept.
#![allow(unsafe_code)]
// They take loom's locks here, which no lint forbids.
#![allow(unfulfilled_lint_expectations)]

#[path = "../../../crates/larder/src/budget.rs"]
mod budget;
mod ds;
#[path = "../../../crates/larder/src/entry.rs"]
mod entry;
#[path = "../../../crates/larder/src/key.rs"]
mod key;
mod lease;
#[path = "../../../crates/larder/src/record.rs"]
mod record;
mod shard;
#[path = "../../../crates/larder/src/stripes.rs"]
mod stripes;
mod sync;

/// The engine's measure of time.
mod time {
    pub(crate) type Millis = u64;
}

pub mod groups;
pub mod latches;
pub mod reads;

/// A thread may be interrupted so often in one order of steps.
const PREEMPTIONS: usize = 3;

/// Runs a model in every order.
fn every_order(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.max_branches = 100_000;
    builder.check(model);
}
