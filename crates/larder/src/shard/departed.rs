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
    /// What seldom comes about, made when it does.
    rest: Option<Box<Rest<G>>>,
    /// What the evicted ones weighed.
    pub(crate) evicted_weight: u64,
    /// The weight that the last call of [`World::make_room`] found no room for.
    pub(crate) lacking: u64,
    /// The entry that it was to keep: what grows is not evicted for itself.
    pub(crate) growing: Option<Ref>,
}

struct Rest<G> {
    more: Vec<(Departure, G)>,
    kept: Vec<G>,
    /// Live entries of which a part has expired.
    ripe: Vec<Ref>,
}

impl<G> Default for Departed<G> {
    #[inline(always)]
    fn default() -> Self {
        Departed {
            first: None,
            rest: None,
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
            Some(_) => self.rest().more.push((cause, gone)),
        }
    }

    #[cold]
    fn rest(&mut self) -> &mut Rest<G> {
        self.rest.get_or_insert_with(|| {
            Box::new(Rest {
                more: Vec::new(),
                kept: Vec::new(),
                ripe: Vec::new(),
            })
        })
    }

    /// Keeps what was taken out on request, to be dropped with the others.
    pub(crate) fn keep(&mut self, gone: G) {
        self.rest().kept.push(gone);
    }

    /// Takes out what was kept.
    #[inline]
    pub(crate) fn kept(&mut self) -> Vec<G> {
        self.rest
            .as_mut()
            .map_or_else(Vec::new, |rest| std::mem::take(&mut rest.kept))
    }

    /// Notes a live entry of which a part has expired: for the caller of [`World::reap`], under the same lock.
    pub(super) fn ripen(&mut self, entry: Ref) {
        self.rest().ripe.push(entry);
    }

    /// Takes out the entries of which a part has expired.
    #[inline]
    pub(crate) fn ripe(&mut self) -> Vec<Ref> {
        self.rest
            .as_mut()
            .map_or_else(Vec::new, |rest| std::mem::take(&mut rest.ripe))
    }

    /// Takes out everything that left by itself, in order.
    #[inline]
    pub(crate) fn each(&mut self, mut take: impl FnMut(Departure, G)) {
        if let Some((cause, gone)) = self.first.take() {
            take(cause, gone);
        }
        if let Some(rest) = &mut self.rest {
            for (cause, gone) in std::mem::take(&mut rest.more) {
                take(cause, gone);
            }
        }
    }

    /// How many left by themselves.
    pub(crate) fn len(&self) -> usize {
        let more = self.rest.as_ref().map_or(0, |rest| rest.more.len());
        usize::from(self.first.is_some()) + more
    }

    /// Whether there is nothing at all here.
    #[inline(always)]
    pub(crate) fn is_unused(&self) -> bool {
        self.first.is_none() && self.rest.is_none()
    }

    /// Whether nothing left.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}
