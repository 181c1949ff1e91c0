//! The locks: picks a stripe by the hash, locks it, runs, unlocks. The only file that locks a shard.
//!
//! ```text
//! hash (64 bits)   [ stripe | ................ | 31 bits for table, tag, ghost ]
//! ```
//!
//! A stripe is padded to its own cache lines. What readers without the lock look at (`table`, `shared`) stands beside
//! the lock, not behind it.

use crossbeam_utils::CachePadded;

use crate::budget::Budget;
use crate::ds::table::{HASH_MASK, HASH_ONE, Table};
use crate::entry::Entries;
use crate::shard::{Departed, NoRoom, Shard, World};
use crate::sync::{RwLock, RwLockWriteGuard};

/// Upper bound of stripes: beyond it, memory grows and contention no longer shrinks.
pub(crate) const MAX_STRIPES: usize = 1024;

/// One stripe.
pub(crate) struct Stripe<E: Entries> {
    pub(crate) table: Table,
    pub(crate) shared: E::Shared,
    shard: RwLock<Shard<E>>,
}

/// All stripes of a store or cache and the budget that they share.
pub(crate) struct Stripes<E: Entries> {
    stripes: Box<[CachePadded<Stripe<E>>]>,
    /// `hash >> 32 >> shift` is the stripe; at most 32, which gives stripe 0.
    shift: u32,
    pub(crate) budget: Budget,
}

/// The bits of a hash that a stripe works with.
#[inline(always)]
pub(crate) fn low_bits(hash: u64) -> u32 {
    hash as u32 & HASH_MASK | HASH_ONE
}

impl<E: Entries> Stripes<E> {
    /// `count` stripes, a power of two, made by `make`, which is told the stripe's number.
    pub(crate) fn new(count: usize, limit: u64, mut make: impl FnMut(usize) -> (E::Shared, Shard<E>)) -> Self {
        debug_assert!(count.is_power_of_two() && count <= MAX_STRIPES);
        let stripes = (0..count)
            .map(|number| {
                let (shared, shard) = make(number);
                let table = Table::new();
                CachePadded::new(Stripe { table, shared, shard: RwLock::new(shard) })
            })
            .collect();
        Stripes { stripes, shift: 32 - count.trailing_zeros(), budget: Budget::new(limit, count as u64) }
    }

    /// The stripe of a hash.
    #[inline(always)]
    pub(crate) fn of(&self, hash: u64) -> &Stripe<E> {
        &self.stripes[(hash >> 32 >> (self.shift & 63)) as usize]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Stripe<E>> {
        self.stripes.iter().map(|stripe| &**stripe)
    }

    /// Runs `work` on the stripe of a hash. Where it finds no room, room is made in other stripes and it runs again.
    pub(crate) fn write<R>(
        &self,
        hash: u64,
        mut work: impl FnMut(&mut World<'_, E>, &mut Departed<E::Gone>) -> Result<R, NoRoom>,
    ) -> (Result<R, NoRoom>, Departed<E::Gone>) {
        let mut departed = Departed::default();
        let result = self.of(hash).write(&self.budget, |world| work(world, &mut departed));
        (result, departed)
    }
}

impl<E: Entries> Stripe<E> {
    /// Runs `work` under the read lock.
    #[inline]
    #[expect(clippy::disallowed_methods, reason = "this file locks shards")]
    pub(crate) fn read<R>(&self, work: impl FnOnce(&Table, &E::Shared, &Shard<E>) -> R) -> R {
        work(&self.table, &self.shared, &self.shard.read())
    }

    /// Runs `work` under the write lock.
    #[inline]
    #[expect(clippy::disallowed_methods, reason = "this file locks shards")]
    pub(crate) fn write<R>(&self, budget: &Budget, work: impl FnOnce(&mut World<'_, E>) -> R) -> R {
        let mut guard: RwLockWriteGuard<'_, Shard<E>> = self.shard.write();
        work(&mut World { table: &self.table, shared: &self.shared, shard: &mut guard, budget })
    }
}
