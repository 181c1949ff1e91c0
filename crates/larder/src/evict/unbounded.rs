//! `Unbounded`: keeps no books, never chooses anyone.

use super::{Policy, Victim, View};
use crate::ds::Ref;
use crate::ds::table::{Home, Slot, Spot};
use crate::entry::Entries;

/// The policy of a cache without a bound.
pub(crate) struct Unbounded;

impl Policy for Unbounded {
    fn approach<E: Entries>(&self, _view: &View<'_, E>, _home: Home) {}

    fn admit<E: Entries>(
        &mut self,
        _view: &mut View<'_, E>,
        _entry: Ref,
        _slot: Slot,
        _spot: Spot<'_>,
    ) {
    }

    fn victim<E: Entries>(
        &mut self,
        _view: &mut View<'_, E>,
        _keep: Option<Ref>,
    ) -> Option<Victim> {
        None
    }

    fn forget<E: Entries>(&mut self, _view: &mut View<'_, E>, _entry: Ref) {}

    fn revise<E: Entries>(&mut self, _view: &mut View<'_, E>, _from: Ref, _entry: Ref, _old: u64) {}

    fn bytes(&self) -> u64 {
        0
    }

    fn clear(&mut self) {}
}
