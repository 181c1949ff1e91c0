//! What the words of a stripe hold, and how their records are moved closer.

use std::sync::Arc;

use std::sync::atomic::Ordering;

use super::builder::Measure;
use super::words::Words;
use crate::ds::Ref;
use crate::ds::arena::{PAGE_BYTES, Pages};
use crate::entry::Holding;
use crate::record::Head;

/// Of so many bytes, the pages that are never given back.
pub(super) fn stable_pages(measure: Measure, bytes: u64) -> u32 {
    match measure {
        Measure::Bytes => u32::try_from(bytes / 2 / PAGE_BYTES).unwrap_or(u32::MAX),
        Measure::Entries => u32::MAX,
    }
}

impl Words {
    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        self.arena.held().all + self.outside.bytes()
    }

    /// Tells how many bytes are the stripe's share of the bound.
    ///
    /// Half of them may become pages that are never given back, so that those who read what is in them need no lock. A
    /// large value, or a large table, has to make do with the other half.
    pub(crate) fn set_share(&mut self, share: u64) {
        self.arena.set_quota(stable_pages(self.measure(), share));
    }

    /// What is held, by what it is for.
    pub(super) fn held(&self) -> Holding {
        let arena = self.arena.held();
        Holding {
            all: arena.all - arena.excused + self.outside.bytes(),
            idle: arena.idle.saturating_sub(arena.excused),
            fixed: arena.fixed - arena.excused,
        }
    }

    /// Records to be moved closer, each of them once.
    pub(super) fn choose_movers(&mut self, pages: &Arc<Pages>, most: usize) -> Vec<Ref> {
        if !self.arena.begin_drain() {
            return Vec::new();
        }
        let movers = self.arena.residents(pages, most);
        if movers.is_empty() {
            self.arena.end_drain();
        }
        movers
    }

    /// Copies a record elsewhere, if there is room.
    pub(super) fn move_record(&mut self, pages: &Arc<Pages>, entry: Ref) -> Option<Ref> {
        let words = Head::load(self.arena.words(pages, entry)?).words();
        if !self.arena.has_refuge(words) {
            self.arena.end_drain();
            return None;
        }
        let to = self.arena.alloc(pages, words)?;
        let (from, copy) = (
            self.arena.words(pages, entry)?,
            self.arena.words(pages, to)?,
        );
        for (from, to) in from.iter().zip(copy).take(words) {
            to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        Some(to)
    }
}
