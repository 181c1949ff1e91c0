//! `Entries`: what the engine asks of whatever keeps a stripe's entries.
//!
//! The table, the wheel and the policy know entries by reference only. Two things keep them: words in an arena
//! (`store`) and typed pairs in columns (`cache`); both answer these questions. Everything is called by the holder of
//! the stripe's lock; `Shared` is the part that readers without the lock may look at.

use crate::ds::Ref;
use crate::time::Millis;

/// What a stripe's entries hold, in bytes.
pub(crate) struct Holding {
    pub(crate) all: u64,
    /// Of it, what has nothing in it, or would have if the rest were packed closer.
    pub(crate) idle: u64,
    /// Of it, what is never given back.
    pub(crate) fixed: u64,
}

/// Keeps the entries of one stripe.
pub(crate) trait Entries {
    /// What may be read without the lock.
    type Shared;
    /// What is left of an entry that was taken out; dropped after the lock is let go.
    type Gone;

    /// The 31 hash bits of a live entry's key.
    fn hash(&self, shared: &Self::Shared, entry: Ref) -> u32;

    /// Brings a live entry's memory near.
    fn approach(&self, shared: &Self::Shared, entry: Ref);

    /// What the entry counts against a bound on weight.
    fn weight(&self, shared: &Self::Shared, entry: Ref) -> u64;

    /// When the entry expires; `None` for never, and for a reference that is not live.
    fn deadline(&self, shared: &Self::Shared, entry: Ref) -> Option<Millis>;

    /// When something is next to be done about a live entry: it expires, or a part of it does.
    #[inline]
    fn due(&self, shared: &Self::Shared, entry: Ref) -> Option<Millis> {
        self.deadline(shared, entry)
    }

    /// Whether parts of the entry have deadlines. For a reference that is not live the answer means nothing.
    #[inline]
    fn is_timed(&self, shared: &Self::Shared, entry: Ref) -> bool {
        let _ = (shared, entry);
        false
    }

    /// Whether the entry is on probation (the policy's small queue); `false` for a reference that is not live.
    fn is_young(&self, shared: &Self::Shared, entry: Ref) -> bool;

    /// Puts the entry on probation or ends it.
    fn set_young(&mut self, shared: &Self::Shared, entry: Ref, young: bool);

    /// When a live entry was last used, as a number that grows from use to use in its stripe; `None` where entries keep
    /// no such stamps.
    fn stamp(&self, shared: &Self::Shared, entry: Ref) -> Option<u64> {
        let _ = (shared, entry);
        None
    }

    /// Stamps an entry that is used, where entries keep stamps.
    fn note_use(&self, shared: &Self::Shared, entry: Ref) {
        let _ = (shared, entry);
    }

    /// Whether the bound is on what the entries hold.
    fn weighs_memory(&self) -> bool {
        false
    }

    /// What the entries hold; `None` where the bound is not on that.
    fn holding(&self) -> Option<Holding> {
        None
    }

    /// Whether so much lies idle that entries should be moved closer.
    fn is_slack(&self) -> bool {
        false
    }

    /// Entries that are to be moved so that memory becomes free, each of them once; none where that gains nothing.
    fn movers(&mut self, shared: &Self::Shared, most: usize) -> Vec<Ref> {
        let _ = (shared, most);
        Vec::new()
    }

    /// Copies an entry of [`Self::movers`] elsewhere; the caller replaces the reference, then calls
    /// [`Self::forsake`]. `None` if there is no room any more: the others stay as well.
    fn relocate(&mut self, shared: &Self::Shared, entry: Ref) -> Option<Ref> {
        let _ = (shared, entry);
        None
    }

    /// Frees the slot of an entry that was copied elsewhere.
    fn forsake(&mut self, shared: &Self::Shared, entry: Ref) {
        let _ = (shared, entry);
    }

    /// Takes the entry out of its slot, which may be used again.
    fn take(&mut self, shared: &Self::Shared, entry: Ref) -> Self::Gone;
}
