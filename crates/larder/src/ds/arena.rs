//! `Arena`: records of a few words in size-class pages, named by a 32-bit reference.
//!
//! A page is 16 KiB of word atomics, cut into slots of one size class (1 to 512 words, at most 12.5 % apart).
//! `Pages` holds the words and can be read by anyone at any time; `Arena` is the allocator's own state and belongs
//! to whoever holds the stripe's lock.
//!
//! * A reference is `level << 27 | page in the level << 11 | word`. Level `k` holds `min(16 << k, 65536)` pages, so the
//!   parts of a reference lead to its words without arithmetic; all levels together 20 GiB per stripe.
//! * Contract with the record format: the low byte of a live record's first word is not zero. A free slot has zero
//!   there and the next free slot of its page above it.
//! * Pages are never given back to the system, since a reader may look at them; an emptied page serves any class.
//!   A page less than a quarter full is offered by [`Arena::sparse`], so that its records can be moved elsewhere.
//!
//! Cost: allocate and free are a few loads and stores; slack is at most one partly filled page per class, plus the
//! rounding to the class.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Ref;

const WORD_BITS: u32 = 11;
/// Words of a page: small, since every stripe keeps a partly filled page for every class it uses.
pub(crate) const PAGE_WORDS: usize = 1 << WORD_BITS;
/// Bytes of a page.
pub(crate) const PAGE_BYTES: u64 = PAGE_WORDS as u64 * 8;
/// Largest record: a quarter of a page, so that rounding wastes little of it.
pub(crate) const MAX_WORDS: usize = 512;
/// Classes of 1 to 16 words, then eight per doubling up to [`MAX_WORDS`].
const CLASSES: usize = 16 + 8 * 5;
/// Bits of a page's number in its level.
const PAGE_BITS: u32 = 16;
const LEVELS: usize = 1 << (32 - WORD_BITS - PAGE_BITS);
/// Pages of the first level; each one more has twice as many, up to what the bits name.
const FIRST_PAGES: u32 = 16;
const NONE: u32 = u32::MAX;
const NO_SLOT: u16 = u16::MAX;

type Page = [AtomicU64; PAGE_WORDS];

type Level = OnceLock<Box<[OnceLock<Box<Page>>]>>;

/// The words of all pages; readable without a lock.
pub(crate) struct Pages([Level; LEVELS]);

/// What the allocator knows of one page.
struct Sheet {
    class: u8,
    /// The reference of its first word.
    first: Ref,
    /// Waits in the list of sparse pages, or is being emptied.
    sparse: bool,
    live: u16,
    /// Slots handed out at least once; those above have never been touched.
    fresh: u16,
    /// First free slot below `fresh`.
    free: u16,
    /// Place in its class's list of pages with room.
    place: u32,
}

#[derive(Default)]
struct Class {
    /// Pages with at least one free slot.
    roomy: Vec<u32>,
    /// Free slots in those pages.
    room: u32,
}

/// The allocator's state; see the module's text.
pub(crate) struct Arena {
    sheets: Vec<Sheet>,
    classes: [Class; CLASSES],
    /// Pages of no class.
    spare: Vec<u32>,
    sparse: Vec<u32>,
    live_words: u64,
}

/// The smallest class that holds `words`, at least 1 and at most [`MAX_WORDS`].
#[inline]
fn class_of(words: usize) -> usize {
    let last = words - 1;
    if last < 16 {
        return last;
    }
    let power = last.ilog2() as usize;
    16 + (power - 4) * 8 + ((last >> (power - 3)) & 7)
}

/// Words of a class's slots.
#[inline]
fn class_words(class: usize) -> usize {
    if class < 16 {
        return class + 1;
    }
    let power = (class - 16) / 8 + 4;
    let step = (class - 16) % 8 + 1;
    (1 << power) + (step << (power - 3))
}

fn capacity(class: usize) -> u32 {
    (PAGE_WORDS / class_words(class)) as u32
}

/// Words that a record of `words` takes.
pub(crate) fn rounded(words: usize) -> usize {
    class_words(class_of(words.max(1)))
}

/// Pages of a level.
fn level_pages(level: usize) -> u32 {
    FIRST_PAGES << level.min((PAGE_BITS - FIRST_PAGES.ilog2()) as usize)
}

/// The reference of the first word of the page that is made as number `page`; `None` beyond the last level.
fn first_word(page: u32) -> Option<Ref> {
    let mut before = 0;
    for level in 0..LEVELS {
        if page - before < level_pages(level) {
            return Some((level as u32) << (WORD_BITS + PAGE_BITS) | (page - before) << WORD_BITS);
        }
        before += level_pages(level);
    }
    None
}

/// The number of a reference's page in the order of making, and the word.
fn split(reference: Ref) -> (u32, usize) {
    let level = (reference >> (WORD_BITS + PAGE_BITS)) as usize;
    let doubling = level.min((PAGE_BITS - FIRST_PAGES.ilog2()) as usize);
    let before =
        FIRST_PAGES * ((1 << doubling) - 1) + ((level - doubling) as u32) * (1 << PAGE_BITS);
    let page = reference >> WORD_BITS & ((1 << PAGE_BITS) - 1);
    (before + page, reference as usize & (PAGE_WORDS - 1))
}

impl Pages {
    pub(crate) fn new() -> Self {
        Pages([const { OnceLock::new() }; LEVELS])
    }

    /// The words from a reference to the end of its page; `None` for a reference that was never handed out.
    #[inline(always)]
    pub(crate) fn words(&self, reference: Ref) -> Option<&[AtomicU64]> {
        let level = self.0[(reference >> (WORD_BITS + PAGE_BITS)) as usize].get()?;
        let page = level
            .get((reference >> WORD_BITS) as usize % (1 << PAGE_BITS))?
            .get()?;
        page.get(reference as usize % PAGE_WORDS..)
    }

    /// Makes the page that starts at a reference.
    fn make(&self, first: Ref) {
        let level = (first >> (WORD_BITS + PAGE_BITS)) as usize;
        let cells = self.0[level]
            .get_or_init(|| (0..level_pages(level)).map(|_| OnceLock::new()).collect());
        cells[(first >> WORD_BITS) as usize % (1 << PAGE_BITS)].get_or_init(|| {
            let words: Box<[AtomicU64]> = (0..PAGE_WORDS).map(|_| AtomicU64::new(0)).collect();
            words.try_into().expect("the length is that of a page")
        });
    }
}

impl Arena {
    pub(crate) fn new() -> Self {
        Arena {
            sheets: Vec::new(),
            classes: std::array::from_fn(|_| Class::default()),
            spare: Vec::new(),
            sparse: Vec::new(),
            live_words: 0,
        }
    }

    /// Bytes of the pages held and of what is known of them.
    pub(crate) fn bytes(&self) -> u64 {
        let pages = self.sheets.len() as u64;
        let cell = size_of::<OnceLock<Box<Page>>>();
        pages * (PAGE_BYTES + (size_of::<Sheet>() + cell) as u64)
    }

    /// Whether a record of `words` can be placed without a new page.
    pub(crate) fn has_room(&self, words: usize) -> bool {
        !self.classes[class_of(words.max(1))].roomy.is_empty() || !self.spare.is_empty()
    }

    /// Adds an empty page. `false` if no page can be named any more.
    pub(crate) fn add_page(&mut self, pages: &Pages) -> bool {
        let page = self.sheets.len() as u32;
        let Some(first) = first_word(page) else {
            return false;
        };
        pages.make(first);
        self.sheets.push(Sheet {
            class: 0,
            first,
            sparse: false,
            live: 0,
            fresh: 0,
            free: NO_SLOT,
            place: NONE,
        });
        self.spare.push(page);
        true
    }

    /// A slot for a record of `words`, or `None` where [`Self::has_room`] is false.
    pub(crate) fn alloc(&mut self, pages: &Pages, words: usize) -> Option<Ref> {
        let number = class_of(words.max(1));
        if self.classes[number].roomy.is_empty() {
            let page = self.spare.pop()?;
            let sheet = &mut self.sheets[page as usize];
            *sheet = Sheet {
                class: number as u8,
                first: sheet.first,
                sparse: false,
                live: 0,
                fresh: 0,
                free: NO_SLOT,
                place: 0,
            };
            self.classes[number].roomy.push(page);
            self.classes[number].room += capacity(number);
        }
        let class = &mut self.classes[number];
        let page = *class.roomy.last()?;
        let sheet = &mut self.sheets[page as usize];
        let size = class_words(number);
        let slot = if sheet.free == NO_SLOT {
            sheet.fresh += 1;
            sheet.fresh - 1
        } else {
            let slot = sheet.free;
            let word = &pages.words(sheet.first)?[slot as usize * size];
            sheet.free = (word.load(Ordering::Relaxed) >> 8) as u16;
            slot
        };
        sheet.live += 1;
        class.room -= 1;
        if u32::from(sheet.live) == capacity(number) {
            sheet.place = NONE;
            class.roomy.pop();
        }
        self.live_words += size as u64;
        Some(sheet.first | (slot as usize * size) as u32)
    }

    /// Gives a record's slot back.
    pub(crate) fn free(&mut self, pages: &Pages, reference: Ref) {
        let (page, word) = split(reference);
        let sheet = &mut self.sheets[page as usize];
        let number = sheet.class as usize;
        let size = class_words(number);
        let words = pages
            .words(reference)
            .expect("a live reference names a page");
        words[0].store(u64::from(sheet.free) << 8, Ordering::Relaxed);
        sheet.free = (word / size) as u16;
        sheet.live -= 1;
        self.live_words -= size as u64;
        let class = &mut self.classes[number];
        if sheet.place == NONE && !sheet.sparse {
            sheet.place = class.roomy.len() as u32;
            class.roomy.push(page);
            // The page's other slots were all live.
        }
        if sheet.place != NONE {
            class.room += 1;
        }
        if sheet.live == 0 {
            self.empty(page);
        } else if !sheet.sparse && u32::from(sheet.live) * 4 < capacity(number) {
            sheet.sparse = true;
            self.sparse.push(page);
        }
    }

    /// Takes a page with nothing live out of its class.
    fn empty(&mut self, page: u32) {
        self.unlist(page);
        let sheet = &mut self.sheets[page as usize];
        sheet.sparse = false;
        sheet.class = 0;
        self.spare.push(page);
    }

    /// Takes a page off its class's list, so that nothing is put there.
    fn unlist(&mut self, page: u32) {
        let sheet = &mut self.sheets[page as usize];
        if sheet.place == NONE {
            return;
        }
        let (place, number) = (sheet.place as usize, sheet.class as usize);
        sheet.place = NONE;
        let free = capacity(number) - u32::from(sheet.live);
        let class = &mut self.classes[number];
        class.room -= free;
        class.roomy.swap_remove(place);
        if let Some(&moved) = class.roomy.get(place) {
            self.sheets[moved as usize].place = place as u32;
        }
    }

    /// Whether [`Self::sparse`] has pages to look at.
    #[inline]
    pub(crate) fn may_be_sparse(&self) -> bool {
        !self.sparse.is_empty()
    }

    /// A page less than a quarter full whose records fit into other pages of their class; nothing is put into it
    /// from now on. The caller moves what [`Self::residents`] names, and frees it.
    pub(crate) fn sparse(&mut self) -> Option<u32> {
        // A page that does not qualify is looked at again when it next loses a record.
        for _ in 0..4 {
            let page = self.sparse.pop()?;
            let sheet = &mut self.sheets[page as usize];
            if !sheet.sparse {
                continue;
            }
            let number = sheet.class as usize;
            let own = capacity(number) - u32::from(sheet.live);
            let elsewhere = self.classes[number].room.saturating_sub(own);
            if u32::from(sheet.live) * 4 < capacity(number) && elsewhere >= u32::from(sheet.live) {
                self.unlist(page);
                return Some(page);
            }
            sheet.sparse = false;
        }
        None
    }

    /// The page's live records.
    pub(crate) fn residents(&self, pages: &Pages, page: u32) -> Vec<Ref> {
        let sheet = &self.sheets[page as usize];
        let size = class_words(sheet.class as usize);
        let Some(words) = pages.words(sheet.first) else {
            return Vec::new();
        };
        (0..sheet.fresh as usize)
            .filter(|slot| words[slot * size].load(Ordering::Relaxed) & 0xff != 0)
            .map(|slot| sheet.first | (slot * size) as u32)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn assert_invariants(arena: &Arena) {
        let mut live_words = 0;
        let mut room = [0u32; CLASSES];
        for (page, sheet) in arena.sheets.iter().enumerate() {
            live_words += u64::from(sheet.live) * class_words(sheet.class as usize) as u64;
            if sheet.place != NONE {
                let class = &arena.classes[sheet.class as usize];
                assert_eq!(class.roomy[sheet.place as usize], page as u32);
                room[sheet.class as usize] +=
                    capacity(sheet.class as usize) - u32::from(sheet.live);
            } else {
                let full = u32::from(sheet.live) == capacity(sheet.class as usize);
                assert!(full || sheet.sparse || arena.spare.contains(&(page as u32)));
            }
        }
        assert_eq!(live_words, arena.live_words);
        for (number, class) in arena.classes.iter().enumerate() {
            assert_eq!(class.room, room[number]);
        }
    }

    #[test]
    fn a_reference_leads_back_to_its_page() {
        for page in (0..200_000).chain([1_000_000]) {
            let first = first_word(page).unwrap();
            assert_eq!(split(first | 77), (page, 77));
        }
        assert!(first_word(u32::MAX).is_none());
    }

    #[test]
    fn classes_cover_every_size_and_waste_at_most_an_eighth() {
        for words in 1..=MAX_WORDS {
            let class = class_of(words);
            assert!(class < CLASSES);
            assert!(class_words(class) >= words);
            assert!(class == 0 || class_words(class - 1) < words);
            assert!(class_words(class) * 8 <= words * 9 + 8);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn records_keep_their_words_through_allocation_and_evacuation(
            ops in prop::collection::vec((0..10u8, 1..=MAX_WORDS, any::<prop::sample::Index>()), 1..1500)
        ) {
            let (pages, mut arena) = (Pages::new(), Arena::new());
            let mut oracle: HashMap<Ref, (usize, u64)> = HashMap::new();
            let mut stamp = 1u64;
            let write = |reference: Ref, words: usize, stamp: u64| {
                for word in &pages.words(reference).unwrap()[..words] {
                    word.store(stamp << 8 | 1, Ordering::Relaxed);
                }
            };
            for (kind, words, pick) in ops {
                let words = if kind < 6 { words % 20 + 1 } else { words };
                if kind < 6 || kind == 9 || oracle.is_empty() {
                    if !arena.has_room(words) {
                        assert!(arena.add_page(&pages));
                    }
                    let reference = arena.alloc(&pages, words).unwrap();
                    stamp += 1;
                    write(reference, words, stamp);
                    assert!(oracle.insert(reference, (words, stamp)).is_none());
                } else {
                    let mut keys: Vec<_> = oracle.keys().copied().collect();
                    keys.sort_unstable();
                    let reference = keys[pick.index(keys.len())];
                    oracle.remove(&reference);
                    arena.free(&pages, reference);
                }
                if let Some(page) = arena.sparse() {
                    for from in arena.residents(&pages, page) {
                        let (words, stamp) = oracle.remove(&from).unwrap();
                        let to = arena.alloc(&pages, words).expect("the class has room elsewhere");
                        write(to, words, stamp);
                        arena.free(&pages, from);
                        oracle.insert(to, (words, stamp));
                    }
                }
                assert_invariants(&arena);
            }
            for (&reference, &(words, stamp)) in &oracle {
                for word in &pages.words(reference).unwrap()[..words] {
                    assert_eq!(word.load(Ordering::Relaxed), stamp << 8 | 1);
                }
            }
        }
    }
}
