//! `Stable`: a growable array whose elements never move and never go away.
//!
//! Level `k` holds the elements `[2^(k-1), 2^k)` (level 0 holds element 0), so growing allocates a new level
//! and touches no old one. That is what lets a reader without a lock follow an index at any time.
//!
//! ```text
//! index    0 | 1 | 2 3 | 4 5 6 7 | 8 ..
//! level    0 | 1 |  2  |    3    | 4
//! ```
//!
//! Cost: two dependent loads per access, 16 bytes per element plus the boxed element, amortised.
//! The shape is that of a segmented vector as in `boxcar`; here every element is set at most once.

use std::sync::OnceLock;

/// Enough levels for every `u32` index that the engine's references can carry.
const LEVELS: usize = 24;

type Level<T> = OnceLock<Box<[OnceLock<Box<T>>]>>;

/// A growable array of boxed elements with stable addresses; reads take no lock.
pub(crate) struct Stable<T: ?Sized> {
    levels: [Level<T>; LEVELS],
}

/// Splits an index into its level and the offset inside it.
#[inline(always)]
fn locate(index: u32) -> (usize, usize) {
    let level = (u32::BITS - index.leading_zeros()) as usize;
    let first = (1usize << level) >> 1;
    (level, index as usize - first)
}

impl<T: ?Sized> Stable<T> {
    pub(crate) fn new() -> Self {
        Stable {
            levels: [const { OnceLock::new() }; LEVELS],
        }
    }

    /// The element at `index`, if it was ever set.
    #[inline(always)]
    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        let (level, offset) = locate(index);
        Some(self.levels.get(level)?.get()?.get(offset)?.get()?)
    }

    /// The element at `index`, made by `make` if it was never set; `None` beyond the last level.
    pub(crate) fn get_or_set(&self, index: u32, make: impl FnOnce() -> Box<T>) -> Option<&T> {
        let (level, offset) = locate(index);
        let cells = self.levels.get(level)?.get_or_init(|| {
            let len = ((1usize << level) >> 1).max(1);
            (0..len).map(|_| OnceLock::new()).collect()
        });
        Some(cells.get(offset)?.get_or_init(make))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_found_where_it_was_set_and_nowhere_else() {
        let array = Stable::<u32>::new();
        for index in [0, 1, 2, 3, 4, 7, 8, 1000] {
            assert!(array.get(index).is_none());
            assert_eq!(array.get_or_set(index, || Box::new(index)), Some(&index));
            assert_eq!(array.get(index), Some(&index));
        }
        assert!(array.get(5).is_none());
        assert!(array.get_or_set(u32::MAX, || Box::new(0)).is_none());
    }
}
