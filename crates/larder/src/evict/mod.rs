//! Which entry goes when room is needed: policies over references, counters and weights.
//!
//! A policy never sees a key or a value. Hits do not reach it: they bump the table's counters, and stamp entries that
//! keep stamps; the policy reads both when it looks for a victim.

mod balance;
mod lru;
mod s3fifo;
#[cfg(test)]
mod tests;
mod unbounded;

use std::sync::Arc;

use crate::ds::Ref;
use crate::ds::table::{Home, Place, Slot, Spot, Table};
use crate::entry::Entries;

pub(crate) use balance::Balance;
use lru::Lru;
use s3fifo::S3Fifo;
use unbounded::Unbounded;

/// What a policy may look at while it decides.
pub(crate) struct View<'a, E: Entries> {
    pub(crate) table: &'a Table,
    pub(crate) shared: &'a E::Shared,
    pub(crate) entries: &'a mut E,
    /// Weight of all entries of the stripe.
    pub(crate) total: u64,
    /// Whether the budget is spent, so that from now on every entry costs another.
    pub(crate) full: bool,
}

impl<'a, E: Entries> View<'a, E> {
    fn weight(&self, entry: Ref) -> u64 {
        self.entries.weight(self.shared, entry)
    }

    /// The place of an entry, if it stands under this hash.
    #[inline(always)]
    fn seat(&self, entry: Ref, hash: u32) -> Option<Place<'a>> {
        let table = self.table;
        let (place, _) = table.find_at(table.spot(hash), |other| other == entry)?;
        Some(place)
    }
}

/// An entry chosen to go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Victim {
    pub(crate) entry: Ref,
    pub(crate) slot: Slot,
    pub(crate) hash: u32,
}

/// Decides about one stripe's entries.
pub(crate) trait Policy {
    /// Brings near what an insert at `home` will touch, so that its cache misses overlap.
    fn approach<E: Entries>(&self, view: &View<'_, E>, home: Home);

    /// Takes notice of a new entry, already in the table.
    fn admit<E: Entries>(&mut self, view: &mut View<'_, E>, entry: Ref, slot: Slot, spot: Spot<'_>);

    /// Chooses an entry other than `keep` to go, in bounded work; `None` if there is none.
    fn victim<E: Entries>(&mut self, view: &mut View<'_, E>, keep: Option<Ref>) -> Option<Victim>;

    /// Takes notice of an entry that goes, by whatever cause, before it does.
    fn forget<E: Entries>(&mut self, view: &mut View<'_, E>, entry: Ref);

    /// Takes notice of an entry whose weight changes from `old`, or that moves from the reference `from`, after it did.
    fn revise<E: Entries>(&mut self, view: &mut View<'_, E>, from: Ref, entry: Ref, old: u64);

    /// Bytes held.
    fn bytes(&self) -> u64;

    /// Forgets everything.
    fn clear(&mut self);
}

/// The eviction policy of a store or cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Eviction {
    /// S3-FIFO with a warm start: resists scans and loops, hits cost nothing. The default.
    ///
    /// New entries wait in a small queue until they are asked for again. Its share of the room is a tenth to begin with, and
    /// follows what turns out to have been evicted too early: from 1 % for loops to 90 % where what is recent is what counts.
    #[default]
    S3Fifo,
    /// The entry goes that was used longest ago.
    ///
    /// Exact in a [`Cache`](crate::Cache), within each of its stripes; if more than 256 entries in a row were read since
    /// the policy last looked at them, one of those goes. In a [`Store`](crate::Store), whose reads take no lock, an entry
    /// that was read is known to have been read, but not when: it gets a second chance.
    ///
    /// A single scan of many keys pushes everything else out. Costs 24 bytes more per entry and a store per hit in a
    /// cache, 16 bytes in a store.
    Lru,
}

/// The policies, dispatched without a virtual call.
pub(crate) enum Chosen {
    S3Fifo(S3Fifo),
    Lru(Lru),
    Unbounded(Unbounded),
}

macro_rules! each {
    ($self:ident, $policy:ident => $call:expr) => {
        match $self {
            Chosen::S3Fifo($policy) => $call,
            Chosen::Lru($policy) => $call,
            Chosen::Unbounded($policy) => $call,
        }
    };
}

impl Chosen {
    /// The policy of one stripe of a bounded cache, or the one that never evicts. Stripes share the balance.
    pub(crate) fn new(eviction: Eviction, bounded: bool, balance: &Arc<Balance>) -> Self {
        if !bounded {
            return Chosen::Unbounded(Unbounded);
        }
        match eviction {
            Eviction::S3Fifo => Chosen::S3Fifo(S3Fifo::new(Arc::clone(balance))),
            Eviction::Lru => Chosen::Lru(Lru::default()),
        }
    }
}

impl Policy for Chosen {
    #[inline]
    fn approach<E: Entries>(&self, view: &View<'_, E>, home: Home) {
        each!(self, policy => policy.approach(view, home));
    }

    #[inline]
    fn admit<E: Entries>(
        &mut self,
        view: &mut View<'_, E>,
        entry: Ref,
        slot: Slot,
        spot: Spot<'_>,
    ) {
        each!(self, policy => policy.admit(view, entry, slot, spot));
    }

    #[inline]
    fn victim<E: Entries>(&mut self, view: &mut View<'_, E>, keep: Option<Ref>) -> Option<Victim> {
        each!(self, policy => policy.victim(view, keep))
    }

    #[inline]
    fn forget<E: Entries>(&mut self, view: &mut View<'_, E>, entry: Ref) {
        each!(self, policy => policy.forget(view, entry));
    }

    fn revise<E: Entries>(&mut self, view: &mut View<'_, E>, from: Ref, entry: Ref, old: u64) {
        each!(self, policy => policy.revise(view, from, entry, old));
    }

    fn bytes(&self) -> u64 {
        each!(self, policy => policy.bytes())
    }

    fn clear(&mut self) {
        each!(self, policy => policy.clear());
    }
}
