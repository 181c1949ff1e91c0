//! `Stage`: a table, plain entries and a policy, moved as a stripe moves them, without lock, wheel and budget.

use std::cell::Cell;

use crate::ds::Ref;
use crate::ds::table::{BUCKETS, Home, Slot, Table};
use crate::entry::Entries;
use crate::evict::{Policy, Victim, View};
use crate::time::Millis;

/// What a policy may know of an entry.
#[derive(Clone, Debug)]
pub(super) struct Plain {
    pub(super) hash: u32,
    pub(super) weight: u64,
    pub(super) young: bool,
    stamp: Cell<u64>,
}

/// Entries in a vector; what is freed last is used again first, so that references soon name others.
#[derive(Default)]
pub(super) struct Row {
    plain: Vec<Option<Plain>>,
    free: Vec<Ref>,
    stamped: bool,
    uses: Cell<u64>,
}

impl Row {
    fn get(&self, entry: Ref) -> &Plain {
        self.plain[entry as usize]
            .as_ref()
            .expect("only live entries are asked for")
    }

    fn put(&mut self, plain: Plain) -> Ref {
        let entry = self.free.pop().unwrap_or_else(|| {
            self.plain.push(None);
            self.plain.len() as Ref - 1
        });
        self.plain[entry as usize] = Some(plain);
        entry
    }

    fn next_stamp(&self) -> u64 {
        self.uses.set(self.uses.get() + 1);
        self.uses.get()
    }
}

impl Entries for Row {
    type Shared = ();
    type Gone = Plain;

    fn hash(&self, (): &(), entry: Ref) -> u32 {
        self.get(entry).hash
    }

    fn approach(&self, (): &(), _: Ref) {}

    fn weight(&self, (): &(), entry: Ref) -> u64 {
        self.get(entry).weight
    }

    fn deadline(&self, (): &(), _: Ref) -> Option<Millis> {
        None
    }

    fn is_young(&self, (): &(), entry: Ref) -> bool {
        self.plain[entry as usize]
            .as_ref()
            .is_some_and(|plain| plain.young)
    }

    fn set_young(&mut self, (): &(), entry: Ref, young: bool) {
        let plain = self.plain[entry as usize].as_mut();
        plain.expect("only live entries are marked").young = young;
    }

    fn stamp(&self, (): &(), entry: Ref) -> Option<u64> {
        self.stamped.then(|| self.get(entry).stamp.get())
    }

    fn note_use(&self, (): &(), entry: Ref) {
        self.get(entry).stamp.set(self.next_stamp());
    }

    fn take(&mut self, (): &(), entry: Ref) -> Plain {
        self.free.push(entry);
        let plain = self.plain[entry as usize].take();
        plain.expect("only live entries are taken")
    }
}

/// One stripe's entries under a policy; see the module's text.
pub(super) struct Stage<P> {
    pub(super) table: Table,
    row: Row,
    pub(super) policy: P,
    pub(super) weight: u64,
}

impl<P: Policy> Stage<P> {
    /// `stamped`: entries keep stamps of their use, as a cache's do and a store's do not.
    pub(super) fn new(policy: P, stamped: bool) -> Self {
        let row = Row {
            stamped,
            ..Row::default()
        };
        Stage {
            table: Table::new(0),
            row,
            policy,
            weight: 0,
        }
    }

    fn view(&mut self, full: bool) -> (&mut P, View<'_, Row>) {
        let view = View {
            table: &self.table,
            shared: &(),
            entries: &mut self.row,
            total: self.weight,
            full,
        };
        (&mut self.policy, view)
    }

    pub(super) fn find(&self, hash: u32) -> Option<(Slot, Ref)> {
        self.table
            .find(hash, |entry| self.row.get(entry).hash == hash)
    }

    pub(super) fn plain(&self, entry: Ref) -> &Plain {
        self.row.get(entry)
    }

    /// Counts a use, as a hit does.
    pub(super) fn note_use(&self, (slot, entry): (Slot, Ref)) {
        self.table.touch(slot);
        self.row.note_use(&(), entry);
    }

    /// Grows the table where it is due, and brings near what an insert will touch.
    pub(super) fn approach(&mut self, hash: u32, full: bool) {
        let row = &self.row;
        let spot = self.table.spot(hash);
        self.table
            .prepare(spot, |entry| row.get(entry).hash, |_| {});
        let home = self.table.home(hash);
        let (policy, view) = self.view(full);
        policy.approach(&view, home);
    }

    /// Adds an entry that was approached.
    pub(super) fn insert(&mut self, hash: u32, weight: u64, full: bool) -> Ref {
        let plain = Plain {
            hash,
            weight,
            young: false,
            stamp: Cell::new(self.row.next_stamp()),
        };
        let entry = self.row.put(plain);
        let slot = self.table.insert_at(self.table.spot(hash), entry);
        self.weight += weight;
        let (policy, mut view) = self.view(full);
        let spot = view.table.spot(hash);
        policy.admit(&mut view, entry, slot, spot);
        entry
    }

    /// Takes an entry out.
    pub(super) fn remove(&mut self, (slot, entry): (Slot, Ref)) {
        let (policy, mut view) = self.view(true);
        policy.forget(&mut view, entry);
        let plain = self.row.get(entry);
        let (hash, weight) = (plain.hash, plain.weight);
        self.table.remove(slot, hash);
        self.weight -= weight;
        self.row.take(&(), entry);
    }

    /// Asks for a victim, and takes it out.
    pub(super) fn evict(&mut self, keep: Option<Ref>) -> Option<Ref> {
        let (policy, mut view) = self.view(true);
        let Victim { entry, slot, hash } = policy.victim(&mut view, keep)?;
        assert_eq!(self.row.get(entry).hash, hash);
        assert_eq!(self.find(hash), Some((slot, entry)));
        self.remove((slot, entry));
        Some(entry)
    }

    /// Changes what an entry weighs.
    pub(super) fn reweigh(&mut self, entry: Ref, weight: u64) {
        let plain = self.row.plain[entry as usize].as_mut();
        let old = std::mem::replace(&mut plain.expect("a live entry").weight, weight);
        self.weight = self.weight - old + weight;
        let (policy, mut view) = self.view(true);
        policy.revise(&mut view, entry, entry, old);
    }

    /// Gives an entry another reference, as a store does with a record that grows.
    pub(super) fn relocate(&mut self, (slot, from): (Slot, Ref)) -> Ref {
        let plain = self.row.get(from).clone();
        let weight = plain.weight;
        let entry = self.row.put(plain);
        self.table.replace(slot, entry);
        let (policy, mut view) = self.view(true);
        policy.revise(&mut view, from, entry, weight);
        self.row.take(&(), from);
        entry
    }

    pub(super) fn clear(&mut self) {
        self.table.clear();
        self.policy.clear();
        self.weight = 0;
        for entry in 0..self.row.plain.len() as Ref {
            if self.row.plain[entry as usize].is_some() {
                self.row.take(&(), entry);
            }
        }
    }

    /// Buckets of the table.
    pub(super) fn buckets(&self) -> u32 {
        self.table.segments() * BUCKETS as u32
    }

    /// The number of a hash's home bucket.
    pub(super) fn home(&self, hash: u32) -> u32 {
        let Home { segment, bucket } = self.table.home(hash);
        segment * BUCKETS as u32 + bucket
    }

    /// What a bucket holds, in order, each with its place.
    pub(super) fn bucket(&self, number: u32) -> Vec<(u32, Ref)> {
        let home = Home {
            segment: number / BUCKETS as u32,
            bucket: number % BUCKETS as u32,
        };
        let mut held = Vec::new();
        self.table
            .visit_bucket(home, |slot, entry| held.push((slot.order(), entry)));
        held
    }
}
