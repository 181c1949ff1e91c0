//! `Watched`: who wants to know whether a key was changed, for optimistic transactions.
//!
//! A vigil is a flag that every key of it refers to. Who changes a key while somebody watches sets the flags of that
//! key, under the stripe's lock: a transaction that holds the lock and finds its flag unset knows that nothing changed.
//!
//! Cost: a writer loads one word while nobody watches.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::sync::Mutex;

/// Set once a key of the vigil was changed.
pub(crate) type Flag = Arc<AtomicBool>;

/// See the module's text.
#[derive(Default)]
pub(crate) struct Watched {
    count: AtomicUsize,
    flags: Mutex<HashMap<Vec<u8>, Vec<Flag>>>,
}

impl Watched {
    /// Whether anybody watches any key.
    #[inline(always)]
    pub(crate) fn any(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// Watches a key; the caller holds its stripe's lock.
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    pub(crate) fn add(&self, key: &[u8], flag: &Flag) {
        let mut flags = self.flags.lock();
        flags
            .entry(key.to_vec())
            .or_default()
            .push(Arc::clone(flag));
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Sets the flags of these keys; the caller holds their stripes' locks.
    #[inline]
    pub(crate) fn mark(&self, keys: &[Vec<u8>]) {
        if !keys.is_empty() {
            self.set_flags(keys);
        }
    }

    #[cold]
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    fn set_flags(&self, keys: &[Vec<u8>]) {
        let flags = self.flags.lock();
        for flag in keys.iter().filter_map(|key| flags.get(key)).flatten() {
            flag.store(true, Ordering::Release);
        }
    }

    /// Sets all flags.
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    pub(crate) fn mark_all(&self) {
        for flag in self.flags.lock().values().flatten() {
            flag.store(true, Ordering::Release);
        }
    }

    /// Ends the watch of these keys.
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    pub(crate) fn remove<'a>(&self, keys: impl Iterator<Item = &'a [u8]>, flag: &Flag) {
        let mut flags = self.flags.lock();
        for key in keys {
            let Some(those) = flags.get_mut(key) else {
                continue;
            };
            let before = those.len();
            those.retain(|other| !Arc::ptr_eq(other, flag));
            self.count
                .fetch_sub(before - those.len(), Ordering::Relaxed);
            if those.is_empty() {
                flags.remove(key);
            }
        }
    }
}
