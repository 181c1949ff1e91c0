//! A stripe's world without wheel, policy and credit: what a lock guards matters to no model, and loom's threads have
//! small stacks.

use crate::budget::Budget;
use crate::ds::Ref;
use crate::ds::table::Table;
use crate::entry::Entries;

/// What the lock guards.
pub(crate) struct Shard<E: Entries> {
    pub(crate) entries: E,
}

impl<E: Entries> Shard<E> {
    pub(crate) fn weight(&self) -> u64 {
        1
    }
}

/// What left: nothing does here.
pub(crate) struct Departed<G> {
    pub(crate) lacking: u64,
    pub(crate) growing: Option<Ref>,
    gone: Vec<G>,
}

impl<G> Default for Departed<G> {
    fn default() -> Self {
        Departed {
            lacking: 0,
            growing: None,
            gone: Vec::new(),
        }
    }
}

pub(crate) struct NoRoom;

/// A stripe, opened by the holder of its lock.
pub(crate) struct World<'a, E: Entries> {
    pub(crate) table: &'a Table,
    pub(crate) shared: &'a E::Shared,
    pub(crate) shard: &'a mut Shard<E>,
    pub(crate) budget: &'a Budget,
}

impl<E: Entries> World<'_, E> {
    pub(crate) fn reconcile(&mut self) {}

    pub(crate) fn receive(&mut self, _weight: u64) {}

    pub(crate) fn return_room(&mut self, _weight: u64) {}

    pub(crate) fn evict_until(
        &mut self,
        _departed: &mut Departed<E::Gone>,
        _keep: Option<Ref>,
        _enough: impl Fn(&Budget) -> bool,
    ) -> bool {
        false
    }
}
