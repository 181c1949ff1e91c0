//! `Graves`: large values that nobody has any more, until upkeep frees them.
//!
//! Freeing a value of a million elements takes milliseconds; whoever removes it only unlinks it. It is freed by the
//! next step of upkeep, without a lock.

use std::sync::atomic::{AtomicBool, Ordering};

use super::outside::Gone;
use crate::sync::Mutex;

/// Values that hold less are freed by whoever removes them: some ten microseconds.
const SMALL: u64 = 64 << 10;

/// See the module's text.
#[derive(Default)]
pub(crate) struct Graves {
    /// Whether there may be any.
    any: AtomicBool,
    gone: Mutex<Vec<Gone>>,
}

impl Graves {
    /// Takes over what is large, and drops the rest; `true` if upkeep has something to do.
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    pub(crate) fn bury(&self, gone: Vec<Gone>) -> bool {
        let large = gone.into_iter().filter(|gone| gone.bytes() >= SMALL);
        let mut large = large.peekable();
        let some = large.peek().is_some();
        if some {
            self.gone.lock().extend(large);
            self.any.store(true, Ordering::Release);
        }
        some
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
