//! `Arena`: records of a few words in size-class pages, named by a 32-bit reference.
//!
//! A page is 16 KiB of word atomics, cut into slots of one size class (1 to 512 words, at most 12.5 % apart). There are
//! two kinds of page:
//!
//! ```text
//! stable   in `Pages`   anyone may look at it at any time; never given back, an emptied one serves any class
//! loose    in `Arena`   only for who holds the stripe's lock; given back to the system as soon as it is empty
//! ```
//!
//! `Arena` belongs to the holder of the stripe's lock. It takes stable pages up to a quota, which is all there are unless a
//! store is bounded in bytes, and makes loose ones beyond it.
//!
//! * Contract with the record format: the low byte of a live record's first word is not zero. A free slot has zero
//!   there and the next free slot of its page above it.
//! * **Compaction.** A class whose pages have `n` pages' worth of free slots *gains* `n` pages if its records are packed
//!   closer. The emptiest page is chosen for that ([`Arena::begin_drain`]), nothing is put there any more, and its
//!   records are moved elsewhere, a few at a time ([`Arena::residents`]).
//!
//! Cost: allocate and free are a few loads and stores; what compaction cannot gain is at most one partly filled page per
//! class, plus the rounding to the class.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Ref;
use super::drain::Drain;
use super::sizes::{CAPACITY, CLASSES, class_of, class_words};

use super::pages::{LOOSE, MAX_LOOSE, Page, WORD_BITS};

pub(crate) use super::pages::{PAGE_BYTES, PAGE_WORDS, Pages, is_loose};
pub(crate) use super::sizes::{MAX_WORDS, rounded};

/// Marks the number of a loose page.
pub(super) const LOOSE_PAGE: u32 = 1 << 31;
const NONE: u32 = u32::MAX;
const NO_SLOT: u16 = u16::MAX;
/// What the allocator takes, at most, beside a page.
const ALLOCATED: u64 = 16;

/// What the allocator knows of one page.
pub(super) struct Sheet {
    pub(super) class: u8,
    /// The reference of its first word.
    pub(super) first: Ref,
    pub(super) live: u16,
    /// Slots handed out at least once; those above have never been touched.
    pub(super) fresh: u16,
    /// First free slot below `fresh`.
    free: u16,
    /// Place in its class's list of pages with room.
    pub(super) place: u32,
}

impl Sheet {
    fn new(first: Ref) -> Self {
        Sheet {
            class: 0,
            first,
            live: 0,
            fresh: 0,
            free: NO_SLOT,
            place: NONE,
        }
    }
}

#[derive(Default)]
pub(super) struct Class {
    /// Pages with at least one free slot, apart from the one that is being emptied.
    pub(super) roomy: Vec<u32>,
    /// Free slots in those pages.
    pub(super) room: u32,
    /// Pages that compaction would gain: `room` in whole pages.
    pub(super) gain: u32,
}

/// What an arena holds, in bytes.
pub(crate) struct Held {
    pub(crate) all: u64,
    /// Of it, empty stable pages beyond a quota that was lowered: they cannot be given back.
    pub(crate) excused: u64,
    /// Of it, pages with nothing in them, and those that compaction would gain.
    pub(crate) idle: u64,
    /// Of it, what is never given back.
    pub(crate) fixed: u64,
}

/// The allocator's state; see the module's text. The number of a page is its place among the stable or the loose ones,
/// these with [`LOOSE_PAGE`].
pub(crate) struct Arena {
    /// Of stable and of loose pages.
    pub(super) sheets: [Vec<Sheet>; 2],
    pub(super) loose: Vec<Option<Box<Page>>>,
    /// Numbers of loose pages that were given back.
    vacant: Vec<u32>,
    pub(super) classes: [Class; CLASSES],
    /// One bit per class with a gain.
    pub(super) gainful: u64,
    /// Of all classes.
    pub(super) gain: u32,
    /// Pages of no class.
    pub(super) spare: Vec<u32>,
    pub(super) drain: Option<Drain>,
    /// How many stable pages are made before loose ones.
    quota: u32,
    live_words: u64,
}

/// A page of zeros.
fn blank() -> Box<Page> {
    let words: Box<[AtomicU64]> = (0..PAGE_WORDS).map(|_| AtomicU64::new(0)).collect();
    words.try_into().expect("the length is that of a page")
}

/// The number of a live reference's page, and the word in it.
fn split(pages: &Pages, reference: Ref) -> (u32, usize) {
    let word = reference as usize % PAGE_WORDS;
    if is_loose(reference) {
        return (LOOSE_PAGE | (reference - LOOSE) >> WORD_BITS, word);
    }
    (pages.number(reference), word)
}

/// The words of a page of either kind from a reference on.
#[inline(always)]
fn words_at<'a>(
    loose: &'a [Option<Box<Page>>],
    pages: &'a Pages,
    reference: Ref,
) -> Option<&'a [AtomicU64]> {
    if !is_loose(reference) {
        return pages.words(reference);
    }
    let page = loose.get((reference - LOOSE) as usize >> WORD_BITS)?;
    page.as_ref()?.get(reference as usize % PAGE_WORDS..)
}

impl Class {
    /// Puts `gain` right after `room` has changed; returns by how much it changed.
    #[inline]
    fn regain(&mut self, capacity: u32) -> i32 {
        let before = self.gain;
        while self.room >= (self.gain + 1) * capacity {
            self.gain += 1;
        }
        while self.room < self.gain * capacity {
            self.gain -= 1;
        }
        self.gain.wrapping_sub(before) as i32
    }
}

impl Arena {
    /// An empty arena that makes `quota` stable pages before loose ones.
    pub(crate) fn new(quota: u32) -> Self {
        Arena {
            sheets: [Vec::new(), Vec::new()],
            loose: Vec::new(),
            vacant: Vec::new(),
            classes: std::array::from_fn(|_| Class::default()),
            gainful: 0,
            gain: 0,
            spare: Vec::new(),
            drain: None,
            quota,
            live_words: 0,
        }
    }

    /// Sets how many stable pages are made before loose ones; those that were made stay.
    pub(crate) fn set_quota(&mut self, quota: u32) {
        self.quota = quota;
    }

    /// The words from a live reference to the end of its page.
    #[inline(always)]
    pub(crate) fn words<'a>(&'a self, pages: &'a Pages, reference: Ref) -> Option<&'a [AtomicU64]> {
        words_at(&self.loose, pages, reference)
    }

    pub(super) fn sheet(&self, page: u32) -> &Sheet {
        &self.sheets[(page >> 31) as usize][(page & !LOOSE_PAGE) as usize]
    }

    fn sheet_mut(&mut self, page: u32) -> &mut Sheet {
        &mut self.sheets[(page >> 31) as usize][(page & !LOOSE_PAGE) as usize]
    }

    /// Loose pages that are held.
    pub(super) fn loose_pages(&self) -> u32 {
        (self.loose.len() - self.vacant.len()) as u32
    }

    /// Bytes of the pages held and of what is known of them.
    pub(crate) fn held(&self) -> Held {
        let (stable, loose) = (self.sheets[0].len() as u64, u64::from(self.loose_pages()));
        let page = PAGE_BYTES + ALLOCATED;
        // Beside its sheet and its number, a page may stand in two of the lists.
        let sheets = self.sheets[0].capacity() + self.sheets[1].capacity();
        let books = sheets * (size_of::<Sheet>() + 3 * size_of::<u32>())
            + self.loose.capacity() * size_of::<Option<Box<Page>>>();
        let fixed = stable * page + books as u64;
        let spare = self.spare.len() as u64;
        let excused = spare.min(stable.saturating_sub(u64::from(self.quota))) * page;
        Held {
            all: fixed + loose * page,
            excused,
            idle: (spare + u64::from(self.gain)) * PAGE_BYTES,
            fixed,
        }
    }

    /// Whether a record of `words` can be placed without a new page.
    pub(crate) fn has_room(&self, words: usize) -> bool {
        !self.classes[class_of(words.max(1))].roomy.is_empty() || !self.spare.is_empty()
    }

    /// Adds an empty page. `false` if no page can be named any more.
    pub(crate) fn add_page(&mut self, pages: &Pages) -> bool {
        let stable = self.sheets[0].len() as u32;
        let loose = stable >= self.quota && self.loose_pages() < MAX_LOOSE;
        let added = if loose { None } else { self.add_stable(pages) };
        match added.or_else(|| self.add_loose()) {
            Some(page) => self.spare.push(page),
            None => return false,
        }
        true
    }

    fn add_stable(&mut self, pages: &Pages) -> Option<u32> {
        let page = self.sheets[0].len() as u32;
        let first = pages.take(page)?;
        self.sheets[0].push(Sheet::new(first));
        Some(page)
    }

    fn add_loose(&mut self) -> Option<u32> {
        let number = match self.vacant.pop() {
            Some(number) => number,
            None if self.loose.len() as u32 == MAX_LOOSE => return None,
            None => {
                let number = self.loose.len() as u32;
                self.loose.push(None);
                self.sheets[1].push(Sheet::new(LOOSE + (number << WORD_BITS)));
                number
            }
        };
        self.loose[number as usize] = Some(blank());
        Some(LOOSE_PAGE | number)
    }

    /// Puts the gain right after the room of a class has changed.
    #[inline]
    fn regain(&mut self, number: usize) {
        let class = &mut self.classes[number];
        let change = class.regain(CAPACITY[number]);
        if change != 0 {
            let any = u64::from(class.gain > 0);
            self.gain = self.gain.wrapping_add_signed(change);
            self.gainful = self.gainful & !(1 << number) | any << number;
        }
    }

    /// Gives an empty page to a class.
    fn found(&mut self, number: usize, page: u32) {
        let sheet = self.sheet_mut(page);
        *sheet = Sheet {
            class: number as u8,
            ..Sheet::new(sheet.first)
        };
        self.list(page);
    }

    /// Puts a page with room on its class's list.
    pub(super) fn list(&mut self, page: u32) {
        let sheet = self.sheet(page);
        let (number, live) = (sheet.class as usize, u32::from(sheet.live));
        let place = self.classes[number].roomy.len() as u32;
        self.sheet_mut(page).place = place;
        let class = &mut self.classes[number];
        class.roomy.push(page);
        class.room += CAPACITY[number] - live;
        self.regain(number);
    }

    /// A slot for a record of `words`, or `None` where [`Self::has_room`] is false.
    pub(crate) fn alloc(&mut self, pages: &Pages, words: usize) -> Option<Ref> {
        let number = class_of(words.max(1));
        if self.classes[number].roomy.is_empty() {
            let page = self.spare.pop()?;
            self.found(number, page);
        }
        let page = *self.classes[number].roomy.last()?;
        let sheet = &mut self.sheets[(page >> 31) as usize][(page & !LOOSE_PAGE) as usize];
        let size = class_words(number);
        let slot = if sheet.free == NO_SLOT {
            sheet.fresh += 1;
            sheet.fresh - 1
        } else {
            let slot = sheet.free;
            let word = &words_at(&self.loose, pages, sheet.first)?[slot as usize * size];
            sheet.free = (word.load(Ordering::Relaxed) >> 8) as u16;
            slot
        };
        sheet.live += 1;
        let (first, full) = (sheet.first, u32::from(sheet.live) == CAPACITY[number]);
        if full {
            sheet.place = NONE;
            self.classes[number].roomy.pop();
        }
        self.classes[number].room -= 1;
        self.regain(number);
        self.live_words += size as u64;
        Some(first | (slot as usize * size) as u32)
    }

    /// Gives a record's slot back.
    pub(crate) fn free(&mut self, pages: &Pages, reference: Ref) {
        let (page, word) = split(pages, reference);
        let sheet = &mut self.sheets[(page >> 31) as usize][(page & !LOOSE_PAGE) as usize];
        let number = sheet.class as usize;
        let size = class_words(number);
        let words = words_at(&self.loose, pages, reference).expect("a live reference names a page");
        words[0].store(u64::from(sheet.free) << 8, Ordering::Relaxed);
        sheet.free = (word / size) as u16;
        sheet.live -= 1;
        let (live, place) = (sheet.live, sheet.place);
        self.live_words -= size as u64;
        if place != NONE {
            self.classes[number].room += 1;
            self.regain(number);
        }
        if live == 0 {
            self.empty(page);
        } else if place == NONE && self.draining() != Some(page) {
            self.list(page);
        }
    }

    /// Takes a page with nothing live out of its class.
    fn empty(&mut self, page: u32) {
        self.unlist(page);
        if self.draining() == Some(page) {
            self.drain = None;
        }
        if page & LOOSE_PAGE == 0 {
            self.sheet_mut(page).class = 0;
            self.spare.push(page);
        } else {
            let number = page & !LOOSE_PAGE;
            self.loose[number as usize] = None;
            self.vacant.push(number);
        }
    }

    /// Takes a page off its class's list, so that nothing is put there.
    pub(super) fn unlist(&mut self, page: u32) {
        let sheet = self.sheet_mut(page);
        if sheet.place == NONE {
            return;
        }
        let (place, number) = (sheet.place as usize, sheet.class as usize);
        sheet.place = NONE;
        let free = CAPACITY[number] - u32::from(sheet.live);
        let class = &mut self.classes[number];
        class.room -= free;
        class.roomy.swap_remove(place);
        if let Some(&moved) = class.roomy.get(place) {
            self.sheet_mut(moved).place = place as u32;
        }
        self.regain(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn assert_invariants(arena: &Arena) {
        let (mut live_words, mut gain) = (0, 0);
        let mut room = [0u32; CLASSES];
        let stable = 0..arena.sheets[0].len() as u32;
        let loose = (0..arena.sheets[1].len() as u32).map(|number| LOOSE_PAGE | number);
        for page in stable.chain(loose) {
            let sheet = arena.sheet(page);
            let (number, live) = (sheet.class as usize, u32::from(sheet.live));
            live_words += u64::from(live) * class_words(number) as u64;
            let held = arena.loose.get((page & !LOOSE_PAGE) as usize);
            let vacant = page & LOOSE_PAGE != 0 && held.is_none_or(Option::is_none);
            if sheet.place != NONE {
                assert_eq!(arena.classes[number].roomy[sheet.place as usize], page);
                room[number] += CAPACITY[number] - live;
            } else {
                let draining = arena.draining() == Some(page);
                assert!(
                    live == CAPACITY[number] || draining || vacant || arena.spare.contains(&page)
                );
            }
        }
        assert_eq!(live_words, arena.live_words);
        for (number, class) in arena.classes.iter().enumerate() {
            assert_eq!(class.room, room[number]);
            assert_eq!(class.gain, room[number] / CAPACITY[number]);
            assert_eq!(arena.gainful >> number & 1 != 0, class.gain > 0);
            gain += class.gain;
        }
        assert_eq!(gain, arena.gain);
        let held = arena.held();
        let pages = arena.sheets[0].len() as u64 + u64::from(arena.loose_pages());
        assert!(held.all >= pages * PAGE_BYTES && held.all >= held.fixed);
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
        fn records_keep_their_words_through_allocation_and_compaction(
            quota in prop_oneof![Just(0u32), 1..6u32, Just(u32::MAX)],
            ops in prop::collection::vec((0..10u8, 1..=MAX_WORDS, any::<prop::sample::Index>()), 1..1500)
        ) {
            let (pages, mut arena) = (Pages::new(u32::MAX), Arena::new(quota));
            let mut oracle: HashMap<Ref, (usize, u64)> = HashMap::new();
            let mut stamp = 1u64;
            let write = |arena: &Arena, reference: Ref, words: usize, stamp: u64| {
                for word in &arena.words(&pages, reference).unwrap()[..words] {
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
                    write(&arena, reference, words, stamp);
                    assert!(oracle.insert(reference, (words, stamp)).is_none());
                } else {
                    let mut keys: Vec<_> = oracle.keys().copied().collect();
                    keys.sort_unstable();
                    let reference = keys[pick.index(keys.len())];
                    oracle.remove(&reference);
                    arena.free(&pages, reference);
                }
                if kind % 3 == 0 && arena.begin_drain() {
                    let some = arena.residents(&pages, 20);
                    let mut stuck = some.is_empty();
                    for from in some {
                        let (words, stamp) = oracle[&from];
                        if !arena.has_refuge(words) {
                            stuck = true;
                            break;
                        }
                        oracle.remove(&from);
                        let to = arena.alloc(&pages, words).expect("the class has room elsewhere");
                        write(&arena, to, words, stamp);
                        arena.free(&pages, from);
                        oracle.insert(to, (words, stamp));
                    }
                    if stuck {
                        arena.end_drain();
                    }
                }
                assert_invariants(&arena);
            }
            for (&reference, &(words, stamp)) in &oracle {
                for word in &arena.words(&pages, reference).unwrap()[..words] {
                    assert_eq!(word.load(Ordering::Relaxed), stamp << 8 | 1);
                }
            }
        }
    }

    /// Places a record, adding a page where there is none.
    fn place(arena: &mut Arena, pages: &Pages, words: usize) -> Ref {
        if !arena.has_room(words) {
            assert!(arena.add_page(pages));
        }
        let reference = arena.alloc(pages, words).unwrap();
        arena.words(pages, reference).unwrap()[0].store(1, Ordering::Relaxed);
        reference
    }

    #[test]
    fn a_loose_page_is_given_back_when_compaction_has_emptied_it() {
        let (pages, mut arena) = (Pages::new(u32::MAX), Arena::new(0));
        let records: Vec<Ref> = (0..64 * 20)
            .map(|_| place(&mut arena, &pages, 32))
            .collect();
        assert_eq!(arena.loose_pages(), 20);
        // Every other one goes: ten pages hold what is left.
        for reference in records.iter().step_by(2) {
            arena.free(&pages, *reference);
        }
        assert_eq!(arena.held().idle, 10 * PAGE_BYTES);
        while arena.begin_drain() {
            for from in arena.residents(&pages, 8) {
                assert!(arena.has_refuge(32));
                place(&mut arena, &pages, 32);
                arena.free(&pages, from);
            }
        }
        assert_invariants(&arena);
        assert_eq!((arena.loose_pages(), arena.held().idle), (10, 0));
    }

    #[test]
    fn what_is_in_a_loose_page_can_go_to_a_spare_stable_one() {
        let (pages, mut arena) = (Pages::new(u32::MAX), Arena::new(1));
        let (stable, loose) = (place(&mut arena, &pages, 10), place(&mut arena, &pages, 20));
        assert!(!is_loose(stable) && is_loose(loose));
        assert!(!arena.begin_drain());
        arena.free(&pages, stable);
        assert!(arena.begin_drain());
        assert_eq!(arena.residents(&pages, 9), [loose]);
        assert!(arena.has_refuge(20));
        assert!(!is_loose(place(&mut arena, &pages, 20)));
        arena.free(&pages, loose);
        assert_eq!((arena.loose_pages(), arena.draining()), (0, None));
        assert_invariants(&arena);
    }
}
