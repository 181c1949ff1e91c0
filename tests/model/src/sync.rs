//! loom's atomics and locks, in the shape of the engine's.

use std::sync::OnceLock;

use loom::sync::atomic;
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering, fence};
pub(crate) use loom::sync::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};

/// An atomic that loom learns of when it is first touched, if it is one of many: a table has a thousand, of which a model
/// touches a few. What two threads touch must have been touched before they start.
pub(crate) struct AtomicU32(OnceLock<atomic::AtomicU32>);

impl AtomicU32 {
    pub(crate) fn new(word: u32) -> Self {
        AtomicU32(OnceLock::from(atomic::AtomicU32::new(word)))
    }

    fn atomic(&self) -> &atomic::AtomicU32 {
        self.0.get_or_init(|| atomic::AtomicU32::new(0))
    }

    pub(crate) fn load(&self, order: Ordering) -> u32 {
        self.atomic().load(order)
    }

    pub(crate) fn store(&self, word: u32, order: Ordering) {
        self.atomic().store(word, order);
    }
}

pub(crate) fn zeroed_words(words: usize) -> Box<[AtomicU32]> {
    (0..words).map(|_| AtomicU32(OnceLock::new())).collect()
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
