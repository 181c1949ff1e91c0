//! `Graves`: large values that nobody has any more, until upkeep frees them.
//!
//! Freeing a value of a million elements takes milliseconds; whoever removes it only unlinks it. It is freed by the
//! next step of upkeep, without a lock.
//!
//! To wake the thread that does the upkeep takes longer than to unlink the value, and gives that thread the core of
//! whoever removes it. So as long as a store holds large values, the thread looks at the graves ten times a second (the
//! *vigil*), and nobody wakes it. The vigil begins with the write that makes a value large.
//!
//! Who buries says that there is something, then asks for the vigil; who ends the vigil says so, then asks for graves. In
//! one order for all, so at least one of them sees the other: no grave is left that nobody looks at.

use std::sync::atomic::{AtomicBool, Ordering};

use super::outside::Gone;
use crate::sync::Mutex;
use crate::time::Millis;

/// Values that hold less are freed by whoever removes them: some ten microseconds.
pub(crate) const SMALL: u64 = 64 << 10;
/// How often the graves are looked at during a vigil: what was removed is held for so long.
pub(crate) const GRAVES_TICK: Millis = 100;

/// See the module's text.
#[derive(Default)]
pub(crate) struct Graves {
    /// Whether there may be any.
    any: AtomicBool,
    /// Whether the thread that does the upkeep looks here by itself.
    vigil: AtomicBool,
    gone: Mutex<Vec<Gone>>,
}

impl Graves {
    /// Whether the thread that does the upkeep looks here by itself.
    #[inline]
    pub(crate) fn has_vigil(&self) -> bool {
        self.vigil.load(Ordering::SeqCst)
    }

    pub(crate) fn begin_vigil(&self) {
        self.vigil.store(true, Ordering::SeqCst);
    }

    /// Whether something was buried since the graves were cleared: somebody may have relied on the vigil.
    pub(crate) fn end_vigil(&self) -> bool {
        self.vigil.store(false, Ordering::SeqCst);
        self.any.load(Ordering::SeqCst)
    }

    /// Takes over what is large, and drops the rest; `true` if upkeep is to be told.
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    pub(crate) fn bury(&self, gone: Vec<Gone>) -> bool {
        let large = gone.into_iter().filter(|gone| gone.bytes() >= SMALL);
        let mut large = large.peekable();
        let some = large.peek().is_some();
        if some {
            self.gone.lock().extend(large);
            self.any.store(true, Ordering::SeqCst);
        }
        some && !self.has_vigil()
    }

    /// Whether nothing waits to be freed.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    /// Frees what was buried.
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    pub(crate) fn clear(&self) {
        if self.any.swap(false, Ordering::Acquire) {
            let gone = std::mem::take(&mut *self.gone.lock());
            drop(gone);
        }
    }
}
