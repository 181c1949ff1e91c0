//! shuttle's atomics and locks, in the shape of the engine's.

pub(crate) use modelled::Mutex;
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

pub(crate) mod modelled {
    //! What the bus shares between threads.

    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64};

    /// A lock that is not poisoned by a panic.
    #[derive(Default)]
    pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Mutex(shuttle::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> shuttle::sync::MutexGuard<'_, T> {
            self.0
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
        }
    }
}
