//! How an arena becomes dense: the emptiest pages are emptied into the others.

use std::sync::atomic::Ordering;

use super::Ref;
use super::arena::{Arena, LOOSE_PAGE, Pages};
use super::sizes::{CAPACITY, CLASSES, class_of, class_words};

/// Pages looked at for the emptiest of a class.
const SAMPLE: usize = 32;
/// Where nobody asks for memory, a page is emptied when one in so many could be gained.
const SLACK_PART: u32 = 8;

/// The page that is being emptied.
pub(super) struct Drain {
    pub(super) page: u32,
    /// The next slot to look at.
    slot: u16,
}

impl Arena {
    /// The page that is being emptied.
    pub(crate) fn draining(&self) -> Option<u32> {
        self.drain.as_ref().map(|drain| drain.page)
    }

    /// Whether a page is being emptied, or so much could be gained that one should be.
    #[inline]
    pub(crate) fn is_slack(&self) -> bool {
        let pages = (self.sheets[0].len() + self.sheets[1].len()) as u32;
        self.drain.is_some() || self.gain * SLACK_PART > pages
    }

    /// Begins to empty the page with the least in it of those whose records have room elsewhere, if none is being emptied;
    /// `false` if there is no such page. Nothing is put into it from now on; the caller moves what
    /// [`Self::residents`] names, and frees it.
    pub(crate) fn begin_drain(&mut self) -> bool {
        if self.drain.is_some() {
            return true;
        }
        // Only a loose page is given back; a stable one can take over what is in a loose one.
        let Some(page) = self
            .emptiest(true)
            .or_else(|| self.emptiest_loose())
            .or_else(|| self.emptiest(false))
        else {
            return false;
        };
        self.unlist(page);
        self.drain = Some(Drain { page, slot: 0 });
        true
    }

    /// The page with the least in it, of some of the gainful classes' pages.
    fn emptiest(&self, loose: bool) -> Option<u32> {
        if loose && self.loose_pages() == 0 {
            return None;
        }
        let classes = (0..CLASSES).filter(|number| self.gainful >> number & 1 != 0);
        let pages = classes.flat_map(|number| {
            let roomy = self.classes[number].roomy.iter();
            roomy
                .filter(|page| !loose || **page & LOOSE_PAGE != 0)
                .take(SAMPLE)
        });
        pages.copied().min_by_key(|page| self.load(*page))
    }

    /// A loose page, whose records can go to a spare stable one.
    fn emptiest_loose(&self) -> Option<u32> {
        if self.spare.iter().all(|page| page & LOOSE_PAGE != 0) {
            return None;
        }
        let held =
            (0..self.loose.len() as u32).filter(|number| self.loose[*number as usize].is_some());
        let pages = held.map(|number| LOOSE_PAGE | number);
        pages
            .filter(|page| self.sheet(*page).live > 0)
            .take(SAMPLE)
            .min_by_key(|page| self.load(*page))
    }

    /// Words that must be moved to empty the page.
    fn load(&self, page: u32) -> usize {
        let sheet = self.sheet(page);
        sheet.live as usize * class_words(sheet.class as usize)
    }

    /// Some of the live records of the page that is being emptied, each of them once.
    pub(crate) fn residents(&mut self, pages: &Pages, most: usize) -> Vec<Ref> {
        let Some(Drain { page, slot }) = self.drain else {
            return Vec::new();
        };
        let sheet = self.sheet(page);
        let (size, first, fresh) = (class_words(sheet.class as usize), sheet.first, sheet.fresh);
        let Some(words) = self.words(pages, first) else {
            return Vec::new();
        };
        let live = |slot: &u16| words[*slot as usize * size].load(Ordering::Relaxed) & 0xff != 0;
        let found: Vec<u16> = (slot..fresh).filter(live).take(most).collect();
        let next = if found.len() < most {
            fresh
        } else {
            found[most - 1] + 1
        };
        self.drain = Some(Drain { page, slot: next });
        found
            .into_iter()
            .map(|slot| first | (slot as usize * size) as u32)
            .collect()
    }

    /// Whether a record of `words` that leaves the page that is being emptied has room elsewhere.
    pub(crate) fn has_refuge(&self, words: usize) -> bool {
        let stable = |page: &u32| page & LOOSE_PAGE == 0;
        let leaves_loose = self.draining().is_some_and(|page| page & LOOSE_PAGE != 0);
        !self.classes[class_of(words.max(1))].roomy.is_empty()
            || leaves_loose && self.spare.last().is_some_and(stable)
    }

    /// Lets the page that was to be emptied be: its records found no room elsewhere, or are all that is left.
    pub(crate) fn end_drain(&mut self) {
        if let Some(Drain { page, .. }) = self.drain.take() {
            let sheet = self.sheet(page);
            if u32::from(sheet.live) < CAPACITY[sheet.class as usize] {
                self.list(page);
            }
        }
    }
}
