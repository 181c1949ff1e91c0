//! `Pages`: the words of all stripes' records that are read without a lock, and how a 32-bit reference names a word.
//!
//! A reference is `level << 27 | page in the level << 11 | word`. Level `k` holds `min(16 << k, 65536)` pages of 16 KiB, one
//! allocation whose memory the system gives when it is first written, so the parts of a reference lead to its words
//! without arithmetic, through one pointer. The last levels name loose pages, which lie elsewhere (see `arena.rs`).
//!
//! Stripes take pages one by one; so they are used in the order in which they lie, by large pages of the system's where there
//! are many, and never given back while the store lives: a reader without a lock may look at any of them at any time.
//!
//! Bounds: 17 GiB of pages, and 4 GiB of loose ones per stripe.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use zerocopy::FromZeros;

use super::{Ref, huge};

pub(super) const WORD_BITS: u32 = 11;
/// Words of a page: small, since every stripe keeps a partly filled page for every class it uses.
pub(crate) const PAGE_WORDS: usize = 1 << WORD_BITS;
/// Bytes of a page.
pub(crate) const PAGE_BYTES: u64 = PAGE_WORDS as u64 * 8;
/// Bits of a page's number in its level.
const PAGE_BITS: u32 = 16;
const LEVELS: usize = 1 << (32 - WORD_BITS - PAGE_BITS);
/// From this level on, references name loose pages.
const LOOSE_LEVEL: usize = LEVELS - 4;
/// The reference of the first word of the first loose page.
pub(super) const LOOSE: Ref = (LOOSE_LEVEL as Ref) << (WORD_BITS + PAGE_BITS);
/// One less than the levels could name: a reference is never all ones.
pub(super) const MAX_LOOSE: u32 = ((LEVELS - LOOSE_LEVEL) << PAGE_BITS) as u32 - 1;
/// Pages of the first level; each one more has twice as many, up to what the bits name.
const FIRST_PAGES: u32 = 16;

pub(super) type Page = [AtomicU64; PAGE_WORDS];

/// Pages of a level that are worth large pages of the system's.
const LARGE: u32 = (2 << 20) / PAGE_BYTES as u32;

struct Level {
    words: Box<[AtomicU64]>,
    /// For each page, its number in the arena that took it.
    numbers: Box<[AtomicU32]>,
}

/// The words of all stable pages; readable without a lock.
pub(crate) struct Pages {
    levels: [OnceLock<Level>; LEVELS],
    taken: AtomicU32,
    most: u32,
}

/// Whether the reference names a record in a loose page, which only the holder of the lock can read.
#[inline(always)]
pub(crate) fn is_loose(reference: Ref) -> bool {
    reference >= LOOSE
}

/// Pages of a level.
fn level_pages(level: usize) -> u32 {
    FIRST_PAGES << level.min((PAGE_BITS - FIRST_PAGES.ilog2()) as usize)
}

/// The reference of the first word of the stable page that is taken as number `page`; `None` beyond the last level.
fn first_word(page: u32) -> Option<Ref> {
    let mut before = 0;
    for level in 0..LOOSE_LEVEL {
        if page - before < level_pages(level) {
            return Some((level as u32) << (WORD_BITS + PAGE_BITS) | (page - before) << WORD_BITS);
        }
        before += level_pages(level);
    }
    None
}

/// The level of a reference to a stable page, the page in it, and the word in it.
#[inline(always)]
fn parts(reference: Ref) -> (usize, usize, usize) {
    (
        (reference >> (WORD_BITS + PAGE_BITS)) as usize,
        (reference >> WORD_BITS) as usize % (1 << PAGE_BITS),
        reference as usize % (1 << (WORD_BITS + PAGE_BITS)),
    )
}

/// So many zeros, of which the system has not touched the memory yet where they are many.
fn zeros<T: FromZeros>(count: usize) -> Box<[T]> {
    <[T]>::new_box_zeroed_with_elems(count).unwrap_or_else(|_| {
        let layout = std::alloc::Layout::array::<T>(count);
        std::alloc::handle_alloc_error(layout.expect("a level fits the address space"))
    })
}

impl Level {
    fn new(pages: u32) -> Self {
        let words = zeros(pages as usize * PAGE_WORDS);
        if pages >= LARGE {
            huge::prefer(&words);
        }
        Level {
            words,
            numbers: zeros(pages as usize),
        }
    }
}

impl Pages {
    /// At most so many pages, or as many as can be named.
    pub(crate) fn new(most: u32) -> Self {
        Pages {
            levels: [const { OnceLock::new() }; LEVELS],
            taken: AtomicU32::new(0),
            most,
        }
    }

    /// The words from a reference on; `None` for a reference that was never handed out, and in a loose page.
    #[inline(always)]
    pub(crate) fn words(&self, reference: Ref) -> Option<&[AtomicU64]> {
        let (level, _, word) = parts(reference);
        self.levels[level].get()?.words.get(word..)
    }

    /// Takes a page for an arena that knows it by `number`, and returns the reference of its first word.
    pub(super) fn take(&self, number: u32) -> Option<Ref> {
        let next = |page: u32| (page < self.most && first_word(page).is_some()).then(|| page + 1);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        let page = self.taken.fetch_update(set, fetch, next).ok()?;
        let first = first_word(page)?;
        let (level, place, _) = parts(first);
        let made = self.levels[level].get_or_init(|| {
            let before = page - place as u32;
            Level::new(level_pages(level).min(self.most - before))
        });
        made.numbers[place].store(number, Ordering::Relaxed);
        Some(first)
    }

    /// The number by which the arena knows the page of a live reference to a stable page.
    pub(super) fn number(&self, reference: Ref) -> u32 {
        let (level, page, _) = parts(reference);
        let level = self.levels[level].get();
        level.map_or(0, |level| level.numbers[page].load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_taken_in_order_and_know_who_took_them() {
        let pages = Pages::new(5_000);
        for page in 0..5_000 {
            let first = pages.take(7_000 - page).unwrap();
            assert_eq!(Some(first), first_word(page));
            assert!(!is_loose(first));
            assert_eq!(pages.number(first | 77), 7_000 - page);
            assert!(
                pages
                    .words(first | 2047)
                    .is_some_and(|words| !words.is_empty())
            );
        }
        assert_eq!(pages.take(0), None);
        assert!(pages.words(LOOSE).is_none() && is_loose(LOOSE));
        assert!(first_word(1_000_000).is_some_and(|first| !is_loose(first)));
        assert!(first_word(u32::MAX).is_none());
    }
}
