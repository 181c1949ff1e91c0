//! The size classes of records.

use super::arena::PAGE_WORDS;

/// Largest record: a quarter of a page, so that rounding wastes little of it.
pub(crate) const MAX_WORDS: usize = 512;
/// Classes of 1 to 16 words, then eight per doubling up to [`MAX_WORDS`].
pub(super) const CLASSES: usize = 16 + 8 * 5;
/// Slots of a page, by class.
pub(super) const CAPACITY: [u32; CLASSES] = {
    let mut capacity = [0; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        capacity[class] = (PAGE_WORDS / class_words(class)) as u32;
        class += 1;
    }
    capacity
};

/// The smallest class that holds `words`, at least 1 and at most [`MAX_WORDS`].
#[inline]
pub(super) fn class_of(words: usize) -> usize {
    let last = words - 1;
    if last < 16 {
        return last;
    }
    let power = last.ilog2() as usize;
    16 + (power - 4) * 8 + ((last >> (power - 3)) & 7)
}

/// Words of a class's slots.
#[inline]
pub(super) const fn class_words(class: usize) -> usize {
    if class < 16 {
        return class + 1;
    }
    let power = (class - 16) / 8 + 4;
    let step = (class - 16) % 8 + 1;
    (1 << power) + (step << (power - 3))
}

/// Words that a record of `words` takes.
pub(crate) fn rounded(words: usize) -> usize {
    class_words(class_of(words.max(1)))
}
