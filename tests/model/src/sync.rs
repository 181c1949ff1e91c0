//! loom's atomics and locks, in the shape of the engine's.

use std::sync::OnceLock;

use loom::sync::RwLockWriteGuard;
use loom::sync::atomic;
pub(crate) use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
pub(crate) use loom::sync::{MutexGuard, RwLockReadGuard};
pub(crate) use parking_lot::lock_api::{
    GuardNoSend, RawRwLock, RwLock as RwLockBy, RwLockReadGuard as ReadGuardBy,
    RwLockWriteGuard as WriteGuardBy,
};

/// An atomic that loom learns of when it is first touched, if it is one of many: a table has a thousand, of which a model
/// touches a few. What two threads touch must have been touched before they start.
pub(crate) struct AtomicU32(OnceLock<atomic::AtomicU32>, u32);

impl AtomicU32 {
    pub(crate) const fn new(word: u32) -> Self {
        AtomicU32(OnceLock::new(), word)
    }

    fn atomic(&self) -> &atomic::AtomicU32 {
        self.0.get_or_init(|| atomic::AtomicU32::new(self.1))
    }

    pub(crate) fn load(&self, order: Ordering) -> u32 {
        self.atomic().load(order)
    }

    pub(crate) fn store(&self, word: u32, order: Ordering) {
        self.atomic().store(word, order);
    }
}

pub(crate) fn zeroed_words(words: usize) -> Box<[AtomicU32]> {
    (0..words).map(|_| AtomicU32::new(0)).collect()
}

/// A lock that nobody poisons.
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Mutex(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect("no holder panics")
    }
}

/// A lock that nobody poisons.
pub(crate) struct RwLock<T>(loom::sync::RwLock<T>);

impl<T> RwLock<T> {
    pub(crate) fn new(value: T) -> Self {
        RwLock(loom::sync::RwLock::new(value))
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().expect("no holder panics")
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().expect("no holder panics")
    }

    pub(crate) fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        self.0.try_write().ok()
    }
}

/// Waiting for another thread lets it run.
pub(crate) struct Backoff;

impl Backoff {
    pub(crate) fn new() -> Self {
        Backoff
    }

    pub(crate) fn snooze(&self) {
        loom::thread::yield_now();
    }
}

/// The lock that a latch falls back to: readers are counted, a writer is `u32::MAX`, whoever must wait lets others run.
pub(crate) struct SystemLock(OnceLock<atomic::AtomicU32>);

impl SystemLock {
    fn holders(&self) -> &atomic::AtomicU32 {
        self.0.get_or_init(|| atomic::AtomicU32::new(0))
    }

    fn swap(&self, from: u32, to: u32) -> bool {
        self.holders()
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }
}

// SAFETY: a writer comes in where nobody is, a reader where no writer is, by one exchange each.
unsafe impl RawRwLock for SystemLock {
    const INIT: Self = SystemLock(OnceLock::new());

    type GuardMarker = GuardNoSend;

    fn lock_shared(&self) {
        while !self.try_lock_shared() {
            loom::thread::yield_now();
        }
    }

    fn try_lock_shared(&self) -> bool {
        let now = self.holders().load(Ordering::Relaxed);
        now != u32::MAX && self.swap(now, now + 1)
    }

    unsafe fn unlock_shared(&self) {
        self.holders().fetch_sub(1, Ordering::Release);
    }

    fn lock_exclusive(&self) {
        while !self.try_lock_exclusive() {
            loom::thread::yield_now();
        }
    }

    fn try_lock_exclusive(&self) -> bool {
        self.swap(0, u32::MAX)
    }

    unsafe fn unlock_exclusive(&self) {
        self.holders().store(0, Ordering::Release);
    }
}
