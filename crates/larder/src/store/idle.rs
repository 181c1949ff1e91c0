//! `Idle`: when keys were last used, for stores that were asked to know.
//!
//! ```text
//! hash of a key ── low bits ──> cell: 24 other bits of the hash | 40 bits of milliseconds
//! ```
//!
//! Every call writes its key's cell, whatever that held, and reads nothing: so a read stays without a lock. Where two
//! keys share a cell, the one that was used last has it, and nothing is known of the other: a time that is told is that of
//! the key (but for one pair of such keys in sixteen million), and a key of which none is told was not used since.
//!
//! Cost: a coarse clock and one store per call; 8 bytes per cell. One load and a branch where no times are kept.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::time::{Clock, Millis, Present};

/// Bits of the time: 34 years.
const TIME_BITS: u32 = 40;
const TIME: u64 = (1 << TIME_BITS) - 1;

/// See the module's text.
#[derive(Default)]
pub(crate) struct Idle {
    /// A power of two of them, or none where no times are kept.
    cells: Box<[AtomicU64]>,
}

impl Idle {
    /// Cells for at least so many keys.
    pub(crate) fn new(keys: usize) -> Self {
        let cells = (0..keys.next_power_of_two()).map(|_| AtomicU64::new(0));
        Idle {
            cells: cells.collect(),
        }
    }

    /// Whether times are kept.
    #[inline(always)]
    pub(crate) fn is_kept(&self) -> bool {
        !self.cells.is_empty()
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        size_of_val(&*self.cells) as u64
    }

    /// The cell of a hash, and what marks the hash there. The stripe's bits come last: keys of one stripe share no cell
    /// more often than others.
    fn cell(&self, hash: u64) -> (&AtomicU64, u64) {
        let cell = &self.cells[hash as usize & (self.cells.len() - 1)];
        (cell, hash & !TIME)
    }

    /// Notes that the key with this hash is used.
    #[cold]
    pub(crate) fn note(&self, hash: u64, clock: &Clock) {
        let (cell, mark) = self.cell(hash);
        // Zero is a cell that was never written.
        cell.store(mark | (clock.now() + 1) & TIME, Ordering::Relaxed);
    }

    /// For how long the key with this hash was not used, if that is known.
    pub(crate) fn since(&self, hash: u64, time: &Present<'_>) -> Option<Millis> {
        if !self.is_kept() {
            return None;
        }
        let (cell, mark) = self.cell(hash);
        let noted = cell.load(Ordering::Relaxed);
        let known = noted & TIME != 0 && noted & !TIME == mark;
        known.then(|| time.now().saturating_sub((noted & TIME) - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::ManualClock;
    use std::time::Duration;

    #[test]
    fn the_last_key_to_use_a_cell_has_it_and_of_others_nothing_is_known() {
        let (time, idle) = (ManualClock::new(), Idle::new(3));
        let clock = time.clock();
        let [first, second] = [5, 5 | 1 << 63];
        assert_eq!(idle.since(first, &clock.present()), None);
        idle.note(first, &clock);
        time.advance(Duration::from_millis(7));
        assert_eq!(idle.since(first, &clock.present()), Some(7));
        idle.note(second, &clock);
        assert_eq!(idle.since(first, &clock.present()), None);
        assert_eq!(idle.since(second, &clock.present()), Some(0));
        assert_eq!(idle.bytes(), 4 * 8);
    }

    #[test]
    fn where_no_times_are_kept_nothing_is_known() {
        let idle = Idle::default();
        assert!(!idle.is_kept());
        assert_eq!(idle.since(1, &Clock::system().present()), None);
    }
}
