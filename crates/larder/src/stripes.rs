//! The locks: picks a stripe by the hash, locks it, runs, unlocks. The only file that locks a shard.
//!
//! ```text
//! hash (64 bits)   [ stripe | ................ | 31 bits for table, tag, ghost ]
//! ```
//!
//! A stripe is padded to its own cache lines. What readers without the lock look at (`table`, `shared`) stands beside
//! the lock, not behind it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crossbeam_utils::CachePadded;

use crate::budget::Budget;
use crate::ds::table::{HASH_MASK, HASH_ONE, Table};
use crate::entry::Entries;
use crate::shard::{Departed, EVICTIONS, NoRoom, Shard, World};
use crate::sync::{RwLock, RwLockWriteGuard};

/// Upper bound of stripes: beyond it, memory grows and contention no longer shrinks.
pub(crate) const MAX_STRIPES: usize = 1024;
/// Fewest stripes of a large store or cache: two busy threads seldom meet.
const MIN_STRIPES: usize = 16;
/// A stripe with a smaller share of the bound than this chooses its victims badly.
const MIN_SHARE: u64 = 128;
/// How often no stripe had anything to evict before an insert gives up: others may hold what they took for a moment.
const RELIEF_FAILURES: u32 = 8;

/// One stripe.
pub(crate) struct Stripe<E: Entries> {
    pub(crate) table: Table,
    pub(crate) shared: E::Shared,
    /// Odd while someone who holds several stripes changes them; see [`Stripes::write_many`].
    exclusive: AtomicU32,
    /// Weight of the entries, as the last holder of the lock left it.
    weight: AtomicU64,
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

/// How many stripes suit a bound on a machine with so many cores.
pub(crate) fn fitting(limit: u64, cores: usize) -> usize {
    let mut count = (4 * cores).next_power_of_two().clamp(MIN_STRIPES, MAX_STRIPES);
    while count > 1 && limit / (count as u64) < MIN_SHARE {
        count /= 2;
    }
    count
}

impl<E: Entries> Stripes<E> {
    /// `count` stripes, a power of two, made by `make`, which is told the stripe's number.
    pub(crate) fn new(count: usize, limit: u64, mut make: impl FnMut(usize) -> (E::Shared, Shard<E>)) -> Self {
        debug_assert!(count.is_power_of_two() && count <= MAX_STRIPES);
        let stripes = (0..count)
            .map(|number| {
                let (shared, shard) = make(number);
                let table = Table::new();
                CachePadded::new(Stripe { table, shared, exclusive: AtomicU32::new(0), weight: AtomicU64::new(0), shard: RwLock::new(shard) })
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
        let stripe = self.of(hash);
        let mut departed = Departed::default();
        let mut result = stripe.write(&self.budget, |world| work(world, &mut departed));
        while result.is_err() && self.relieve(&mut departed) {
            result = stripe.write(&self.budget, |world| {
                world.receive(std::mem::take(&mut departed.lacking));
                let result = work(world, &mut departed);
                world.return_room(0);
                result
            });
        }
        (result, departed)
    }

    /// Takes what `departed` says is lacking from the budget, evicting in the heaviest stripes where it must; `false` if
    /// nothing is lacking, or nothing can be found.
    #[cold]
    fn relieve(&self, departed: &mut Departed<E::Gone>) -> bool {
        let lacking = departed.lacking;
        let mut failures = 0;
        while lacking > 0 && lacking <= self.budget.limit() && failures < RELIEF_FAILURES {
            if self.budget.take(lacking) {
                return true;
            }
            let enough = |budget: &Budget| budget.has(lacking);
            let freed = self.heaviest().is_some_and(|stripe| stripe.evict_until(&self.budget, departed, enough));
            let all = |stripe: &Stripe<E>| stripe.evict_until(&self.budget, departed, enough);
            if !freed && self.iter().map(all).filter(|freed| *freed).count() == 0 {
                failures += 1;
            }
        }
        false
    }

    /// Evicts in the heaviest stripes what a lowered bound no longer has room for, a bounded slice at a time; `None`
    /// once it holds, or nothing can be evicted.
    pub(crate) fn shed(&self) -> Option<Departed<E::Gone>> {
        if self.budget.excess() == 0 {
            return None;
        }
        let mut departed = Departed::default();
        let enough = |budget: &Budget| budget.excess() == 0;
        let freed = self.heaviest().is_some_and(|stripe| stripe.evict_until(&self.budget, &mut departed, enough))
            || self.iter().any(|stripe| stripe.evict_until(&self.budget, &mut departed, enough));
        freed.then_some(departed)
    }

    fn heaviest(&self) -> Option<&Stripe<E>> {
        self.iter().max_by_key(|stripe| stripe.weight())
    }

    /// Weight of all entries.
    pub(crate) fn weight(&self) -> u64 {
        self.iter().map(Stripe::weight).sum()
    }

    /// Entries of all stripes.
    pub(crate) fn len(&self) -> u64 {
        self.iter().map(|stripe| u64::from(stripe.table.len())).sum()
    }
}

impl<E: Entries> Stripe<E> {
    /// Runs `work` under the read lock.
    #[inline]
    #[expect(clippy::disallowed_methods, reason = "this file locks shards")]
    pub(crate) fn read<R>(&self, work: impl FnOnce(&Table, &E::Shared, &Shard<E>) -> R) -> R {
        work(&self.table, &self.shared, &self.shard.read())
    }

    /// Whether someone changes several stripes, this one among them: then readers take the lock.
    #[inline(always)]
    pub(crate) fn is_exclusive(&self) -> bool {
        self.exclusive.load(Ordering::Acquire) & 1 != 0
    }

    /// Weight of the entries.
    pub(crate) fn weight(&self) -> u64 {
        self.weight.load(Ordering::Relaxed)
    }

    /// Evicts until there is `enough`, in bounded work, and gives all idle credit back; `false` if nothing was freed.
    fn evict_until(
        &self,
        budget: &Budget,
        departed: &mut Departed<E::Gone>,
        enough: impl Fn(&Budget) -> bool,
    ) -> bool {
        self.write(budget, |world| {
            let mut freed = world.surrender();
            for _ in 0..EVICTIONS {
                if enough(budget) || world.evict(None, departed).is_err() {
                    break;
                }
                freed += world.surrender();
            }
            freed > 0
        })
    }

    /// Runs `work` under the write lock.
    #[inline]
    #[expect(clippy::disallowed_methods, reason = "this file locks shards")]
    pub(crate) fn write<R>(&self, budget: &Budget, work: impl FnOnce(&mut World<'_, E>) -> R) -> R {
        let mut guard: RwLockWriteGuard<'_, Shard<E>> = self.shard.write();
        let result = work(&mut World { table: &self.table, shared: &self.shared, shard: &mut guard, budget });
        self.weight.store(guard.weight(), Ordering::Relaxed);
        result
    }
}
