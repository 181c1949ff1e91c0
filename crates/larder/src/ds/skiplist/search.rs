//! `partition`: the place in an order at which a condition ends.

use std::hint::select_unpredictable;
use std::ops::Range;

/// The first place of a range that is not on the near side of a boundary.
#[inline]
pub(super) fn partition(places: Range<usize>, near: impl Fn(usize) -> bool) -> usize {
    let (mut from, mut size) = (places.start, places.len());
    if size == 0 {
        return from;
    }
    // As many steps wherever the boundary is, and none is guessed: half of the guesses would be wrong.
    while size > 1 {
        let half = size / 2;
        from = select_unpredictable(near(from + half), from + half, from);
        size -= half;
    }
    from + usize::from(near(from))
}
