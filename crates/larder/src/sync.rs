//! The locks and the atomics that readers without a lock rely on, named in one place: `tests/model` compiles the files that
//! take them from here against a model checker's, and tries every order of their steps.
//!
//! [`modelled`] holds those of the bus: `tests/race` compiles its files against shuttle's, which runs them under schedules of
//! its choice.

pub(crate) use crossbeam_utils::Backoff;
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard};
use zerocopy::FromZeros;

/// The lock that a [`Latch`](crate::ds::latch::Latch) falls back to.
pub(crate) use parking_lot::RawRwLock as SystemLock;
pub(crate) use parking_lot::lock_api::{
    GuardNoSend, RawRwLock, RwLock as RwLockBy, RwLockReadGuard as ReadGuardBy,
    RwLockWriteGuard as WriteGuardBy,
};

/// So many words, all zero. Where they are many, the system has not touched their memory yet.
pub(crate) fn zeroed_words(words: usize) -> Box<[AtomicU32]> {
    <[AtomicU32]>::new_box_zeroed_with_elems(words).unwrap_or_else(|_| {
        let layout = std::alloc::Layout::array::<AtomicU32>(words);
        std::alloc::handle_alloc_error(layout.expect("a table that fits the address space"))
    })
}

pub(crate) mod modelled {
    //! As everywhere else.

    pub(crate) use parking_lot::Mutex;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64};
}
