//! `Lru`: the entry that was used longest ago goes.
//!
//! ```text
//! read    note the use: a stamp in the entry, or the table's counter       (no queue is touched)
//! victim  the least of the heap; has it been used since it was filed?
//!           no:  it goes        yes: file it anew, look at the next
//! ```
//!
//! * Each live entry has one item in a binary heap, with the stamp that it had when it was filed. Stamps only grow, so
//!   an item whose stamp is its entry's still is the least of all: the order is exact, without links and without a
//!   write to anything shared by two entries when one is read.
//! * Entries that keep no stamps (those of a `Store`, whose reads hold no lock) are ordered by when they were filed; one
//!   whose counter shows a use since is filed anew. That is a second chance, not an exact order: of two that were used
//!   since the policy last came by, it does not know which came first.
//! * Who leaves otherwise than as the heap's least leaves its item behind, as a *ghost*; so each reference has one item
//!   at most, and the heap is never longer than the references that were in use at one time.
//! * A victim looks at [`CORRECTIONS`] items at most. If all of them were used since they were filed, the one among them
//!   goes that was used longest ago.
//!
//! Cost: 16 bytes per entry here and 8 for the stamp; a hit writes the stamp; an item is filed anew at most once for
//! every use, in O(log n). When the heap doubles, it is copied.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use super::{Policy, Victim, View};
use crate::ds::Ref;
use crate::ds::table::{Home, Slot, Spot};
use crate::entry::Entries;

/// Items looked at for one victim: some 50 µs. Only where more entries in a row were read since they were filed does it
/// cut the search short.
const CORRECTIONS: usize = 256;

/// The exact policy for entries with stamps; see the module's text.
#[derive(Default)]
pub(crate) struct Lru {
    /// By stamp when filed. One item for each live entry and each ghost.
    heap: BinaryHeap<Reverse<(u64, Ref)>>,
    /// References whose item was left behind by an entry that is gone.
    ghosts: HashSet<Ref, ahash::RandomState>,
    /// The latest stamp given to an entry that keeps none.
    filed: u64,
}

impl Lru {
    /// The order in which an entry is to be filed now.
    fn stamp<E: Entries>(&mut self, view: &View<'_, E>, entry: Ref) -> u64 {
        view.entries
            .stamp(view.shared, entry)
            .unwrap_or_else(|| self.next())
    }

    fn next(&mut self) -> u64 {
        self.filed += 1;
        self.filed
    }

    /// Files an entry that has no item. A ghost's item serves in its place: it is older than the entry, so it comes up
    /// too early and is filed anew then.
    fn file<E: Entries>(&mut self, view: &View<'_, E>, entry: Ref, slot: Slot) {
        if !self.ghosts.remove(&entry) {
            let stamp = self.stamp(view, entry);
            self.heap.push(Reverse((stamp, entry)));
        } else if view.entries.stamp(view.shared, entry).is_none() {
            view.table.touch(slot);
        }
    }

    /// Where an entry would have to be filed now, if it was used since it was filed at `filed`.
    fn used_since<E: Entries>(
        &mut self,
        view: &View<'_, E>,
        (entry, slot): (Ref, Slot),
        filed: u64,
    ) -> Option<u64> {
        if let Some(stamp) = view.entries.stamp(view.shared, entry) {
            return (stamp != filed).then_some(stamp);
        }
        if view.table.counter(slot) == 0 {
            return None;
        }
        view.table.set_counter(slot, 0);
        Some(self.next())
    }
}

impl Policy for Lru {
    /// The next victim's entry.
    #[inline]
    fn approach<E: Entries>(&self, view: &View<'_, E>, _home: Home) {
        if view.full
            && let Some(Reverse((_, entry))) = self.heap.peek()
            && !self.ghosts.contains(entry)
        {
            view.entries.approach(view.shared, *entry);
        }
    }

    fn admit<E: Entries>(
        &mut self,
        view: &mut View<'_, E>,
        entry: Ref,
        slot: Slot,
        _spot: Spot<'_>,
    ) {
        view.entries.set_young(view.shared, entry, false);
        self.file(view, entry, slot);
    }

    fn victim<E: Entries>(&mut self, view: &mut View<'_, E>, keep: Option<Ref>) -> Option<Victim> {
        let mut kept = None;
        let mut least: Option<(u64, Victim)> = None;
        let mut looks = 0;
        while looks < CORRECTIONS || least.is_none() {
            let Some(&Reverse((filed, entry))) = self.heap.peek() else {
                break;
            };
            if self.ghosts.remove(&entry) {
                self.heap.pop();
                continue;
            }
            if Some(entry) == keep {
                kept = self.heap.pop();
                continue;
            }
            let hash = view.entries.hash(view.shared, entry);
            let place = view.seat(entry, hash).expect("an item names a live entry");
            let slot = place.slot;
            let victim = Victim { entry, slot, hash };
            let Some(stamp) = self.used_since(view, (entry, slot), filed) else {
                least = Some((filed, victim));
                break;
            };
            self.heap.pop();
            self.heap.push(Reverse((stamp, entry)));
            if least.as_ref().is_none_or(|(other, _)| stamp < *other) {
                least = Some((stamp, victim));
            }
            looks += 1;
        }
        self.heap.extend(kept);
        least.map(|(_, victim)| victim)
    }

    fn forget<E: Entries>(&mut self, _view: &mut View<'_, E>, entry: Ref) {
        match self.heap.peek() {
            Some(Reverse((_, least))) if *least == entry => drop(self.heap.pop()),
            _ => drop(self.ghosts.insert(entry)),
        }
    }

    fn revise<E: Entries>(&mut self, view: &mut View<'_, E>, from: Ref, entry: Ref, _old: u64) {
        if from != entry {
            self.forget(view, from);
            let hash = view.entries.hash(view.shared, entry);
            if let Some(place) = view.seat(entry, hash) {
                self.file(view, entry, place.slot);
            }
        }
    }

    fn bytes(&self) -> u64 {
        let item = size_of::<Reverse<(u64, Ref)>>();
        (self.heap.capacity() * item + self.ghosts.capacity() * (size_of::<Ref>() + 1)) as u64
    }

    fn clear(&mut self) {
        *self = Lru::default();
    }
}
