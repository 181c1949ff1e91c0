//! `Backoff`: how long to wait before something that failed is tried again.

use std::time::Duration;

use crate::time::{Millis, millis};

/// The pauses between tries of a write that fails: the first, doubled each time up to the longest.
///
/// ```
/// use larder::Backoff;
/// use std::time::Duration;
///
/// let backoff = Backoff { first: Duration::from_millis(50), ..Backoff::default() };
/// assert_eq!(backoff.longest, Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// No pause is longer.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(30),
        }
    }
}

impl Backoff {
    /// The pause after so many failures in a row.
    pub(super) fn after(self, failures: u32) -> Millis {
        let factor = 1u64 << failures.saturating_sub(1).min(32);
        let pause = millis(self.first).saturating_mul(factor);
        pause.min(millis(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_however_many_failures() {
        let backoff = Backoff::default();
        let pauses = [1, 2, 3, 9, 10, 100, u32::MAX].map(|failures| backoff.after(failures));
        assert_eq!(pauses, [100, 200, 400, 25_600, 30_000, 30_000, 30_000]);
        let endless = Backoff {
            longest: Duration::MAX,
            ..backoff
        };
        assert_eq!(endless.after(u32::MAX), 100 << 32);
    }
}
