//! `Departed`: entries that left a stripe, on their way to be dropped, counted and told of after the unlock.

use crate::ds::Ref;

/// Why an entry left without being asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    Evicted,
    Expired,
}

/// Entries that left, for the caller to drop after the unlock; the first without allocating.
pub(crate) struct Departed<G> {
    first: Option<(Departure, G)>,
    more: Vec<(Departure, G)>,
    kept: Vec<G>,
    /// Live entries of which a part has expired, found by [`World::reap`]: for its caller, under the same lock.
    pub(crate) ripe: Vec<Ref>,
    /// What the evicted ones weighed.
    pub(crate) evicted_weight: u64,
    /// The weight that the last call of [`World::make_room`] found no room for.
    pub(crate) lacking: u64,
    /// The entry that it was to keep: what grows is not evicted for itself.
    pub(crate) growing: Option<Ref>,
}

impl<G> Default for Departed<G> {
    fn default() -> Self {
        Departed {
            first: None,
            more: Vec::new(),
            kept: Vec::new(),
            ripe: Vec::new(),
            evicted_weight: 0,
            lacking: 0,
            growing: None,
        }
    }
}

impl<G> Departed<G> {
    #[inline]
    pub(super) fn push(&mut self, cause: Departure, gone: G) {
        match self.first {
            None => self.first = Some((cause, gone)),
            Some(_) => self.more.push((cause, gone)),
        }
    }

    /// Keeps what was taken out on request, to be dropped with the others.
    pub(crate) fn keep(&mut self, gone: G) {
        self.kept.push(gone);
    }

    /// Takes out what was kept.
    #[inline]
    pub(crate) fn kept(&mut self) -> Vec<G> {
        std::mem::take(&mut self.kept)
    }

    /// Takes everything out, in order.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (Departure, G)> {
        self.first
            .take()
            .into_iter()
            .chain(std::mem::take(&mut self.more))
    }

    /// How many left by themselves.
    pub(crate) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }

    /// Whether nothing left.
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}
