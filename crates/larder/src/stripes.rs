//! The locks: picks a stripe by the hash, locks it, runs, unlocks. The only file that locks a shard.
//!
//! ```text
//! hash (64 bits)   [ stripe | ................ | 31 bits for table, tag, ghost ]
//! ```
//!
//! A stripe is padded to its own cache lines. What readers without the lock look at stands beside the lock, not behind it.

use crossbeam_utils::CachePadded;

use crate::budget::{Budget, MAX_SHARES};
use crate::ds::Ref;
use crate::ds::latch::{Inside, LatchReadGuard, LatchWriteGuard, Latched};
use crate::ds::table::{HASH_MASK, HASH_ONE, Table};
use crate::entry::Entries;
use crate::shard::{Departed, NoRoom, Shard, World};
use crate::sync::{
    AtomicU32, AtomicU64, Mutex, MutexGuard, Ordering, RwLock, RwLockReadGuard, fence,
};

/// How often no stripe had anything to evict before an insert gives up: others may take what was freed.
const RELIEF_FAILURES: u32 = 8;
/// How often several keys are read without locks before those who change several at once are kept out.
const OBSERVATIONS: u32 = 4;

/// One stripe.
pub(crate) struct Stripe<E: Entries> {
    pub(crate) table: Table,
    pub(crate) shared: E::Shared,
    /// Odd while someone who holds several stripes changes them; see [`Stripes::write_many`].
    exclusive: AtomicU32,
    /// Weight of the entries, as the last holder of the lock left it.
    weight: AtomicU64,
    shard: Latched<Shard<E>>,
}

/// All stripes of a store or cache and the budget that they share.
pub(crate) struct Stripes<E: Entries> {
    stripes: Box<[CachePadded<Stripe<E>>]>,
    /// `hash >> 32 >> shift` is the stripe; at most 32, which gives stripe 0.
    shift: u32,
    pub(crate) budget: Budget,
    /// Held for reading by who changes several stripes, for writing by who must see none of that under way.
    groups: RwLock<()>,
    /// Held by who makes room across stripes, until it is used.
    relief: Mutex<()>,
}

/// The bits of a hash that a stripe works with.
#[inline(always)]
pub(crate) fn low_bits(hash: u64) -> u32 {
    hash as u32 & HASH_MASK | HASH_ONE
}

impl<E: Entries> Stripes<E> {
    /// `count` stripes, a power of two, for the `expected` entries or more, made by `make`.
    pub(crate) fn new(
        count: usize,
        limit: u64,
        expected: u64,
        mut make: impl FnMut() -> (E::Shared, Shard<E>),
    ) -> Self {
        debug_assert!(count.is_power_of_two() && count <= MAX_SHARES);
        let stripes = Table::row(count, expected / count as u64)
            .into_iter()
            .map(|table| {
                let (shared, shard) = make();
                CachePadded::new(Stripe {
                    table,
                    shared,
                    exclusive: AtomicU32::new(0),
                    weight: AtomicU64::new(0),
                    shard: Latched::new(shard),
                })
            })
            .collect();
        Stripes {
            stripes,
            shift: 32 - count.trailing_zeros(),
            budget: Budget::new(limit, count as u64),
            groups: RwLock::new(()),
            relief: Mutex::new(()),
        }
    }

    /// The stripe of a hash.
    #[inline(always)]
    pub(crate) fn of(&self, hash: u64) -> &Stripe<E> {
        &self.stripes[self.number(hash)]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Stripe<E>> {
        self.stripes.iter().map(|stripe| &**stripe)
    }

    /// Runs `work` on the stripe of a hash, under its write lock.
    #[inline(always)]
    pub(crate) fn hold<R>(&self, hash: u64, work: impl FnOnce(&mut World<'_, E>) -> R) -> R {
        self.approach(hash).write(&self.budget, work)
    }

    /// The stripe of a hash, whose bucket comes near while the lock is being taken: that keeps later loads waiting.
    #[inline(always)]
    fn approach(&self, hash: u64) -> &Stripe<E> {
        let stripe = self.of(hash);
        stripe.table.approach(low_bits(hash));
        stripe
    }

    /// [`Self::hold`] for work that may find no room: then room is made in other stripes, and it runs again.
    #[inline(always)]
    pub(crate) fn write<R>(
        &self,
        hash: u64,
        departed: &mut Departed<E::Gone>,
        mut work: impl FnMut(&mut World<'_, E>, &mut Departed<E::Gone>) -> Result<R, NoRoom>,
    ) -> Result<R, NoRoom> {
        let stripe = self.approach(hash);
        let mut alone = None;
        loop {
            let result = stripe.write(&self.budget, |world| {
                // Nothing is lacking before the first try.
                world.receive(std::mem::take(&mut departed.lacking));
                let result = work(world, departed);
                if alone.is_some() {
                    world.return_room(0);
                }
                result
            });
            if result.is_ok() || !self.relieve_alone(&mut alone, departed, stripe) {
                return result;
            }
        }
    }

    /// Makes room for a call in a stripe that found none, while nobody else does.
    #[cold]
    fn relieve_alone<'s>(
        &'s self,
        alone: &mut Option<MutexGuard<'s, ()>>,
        departed: &mut Departed<E::Gone>,
        stripe: &Stripe<E>,
    ) -> bool {
        alone.get_or_insert_with(|| self.relief());
        self.relieve(departed, Some(stripe))
    }

    /// The number of a hash's stripe.
    #[inline(always)]
    pub(crate) fn number(&self, hash: u64) -> usize {
        (hash >> 32 >> (self.shift & 63)) as usize
    }

    /// Runs `work` on the stripes of all these hashes at once. Where it finds no room, room is made in any stripe, and
    /// it runs again with what was taken from the budget for it, which it has to use or hand back.
    ///
    /// Locks are taken in ascending order, so that two such calls cannot wait for each other.
    ///
    /// **Readers without a lock** see all of it or nothing. While the stripes are changed, their `exclusive` numbers
    /// are odd: all turn odd before the first change and even after the last one. A reader looks at the number first
    /// and takes the lock if it is odd. So, if it saw a change of one stripe, it also sees that the number of every
    /// other turned odd; reading that stripe next, it either waits for the lock or comes after the last change. Who
    /// reads several keys as one ([`Self::observe`]) looks at the numbers again afterwards.
    pub(crate) fn write_many<'a, R>(
        &'a self,
        hashes: impl Iterator<Item = u64>,
        departed: &mut Departed<E::Gone>,
        mut work: impl FnMut(Worlds<'a, E>, &mut Departed<E::Gone>, &mut u64) -> Result<R, NoRoom>,
    ) -> Result<R, NoRoom> {
        let numbers = self.numbers(hashes);
        let mut room = 0;
        let mut result = work(self.lock(&numbers), departed, &mut room);
        let _alone = result.is_err().then(|| self.relief());
        while result.is_err() && self.relieve(departed, None) {
            room += std::mem::take(&mut departed.lacking);
            result = work(self.lock(&numbers), departed, &mut room);
        }
        self.budget.give(room);
        result
    }

    /// The numbers of the stripes of these hashes, ascending.
    fn numbers(&self, hashes: impl Iterator<Item = u64>) -> Vec<usize> {
        let mut numbers: Vec<usize> = hashes.map(|hash| self.number(hash)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// Locks the stripes of these hashes for as long as the caller keeps them.
    pub(crate) fn lock_many(&self, hashes: impl Iterator<Item = u64>) -> Worlds<'_, E> {
        self.lock(&self.numbers(hashes))
    }

    /// Locks all stripes.
    pub(crate) fn lock_all(&self) -> Worlds<'_, E> {
        self.lock(&(0..self.stripes.len()).collect::<Vec<_>>())
    }

    /// Locks the stripes, whose numbers ascend, and keeps readers without the lock off them.
    #[expect(clippy::disallowed_methods, reason = "this file locks shards")]
    fn lock(&self, numbers: &[usize]) -> Worlds<'_, E> {
        let group = self.groups.read();
        let open: Vec<_> = numbers
            .iter()
            .map(|&number| (number, self.stripes[number].shard.write()))
            .collect();
        for (number, _) in &open {
            let exclusive = &self.stripes[*number].exclusive;
            exclusive.store(
                exclusive.load(Ordering::Relaxed).wrapping_add(1),
                Ordering::Relaxed,
            );
        }
        // Whoever sees a change made from here on sees the odd numbers as well.
        fence(Ordering::Release);
        Worlds {
            stripes: self,
            open,
            _group: group,
        }
    }

    /// Runs `work` on the stripes of all these hashes at once, which nobody changes meanwhile.
    pub(crate) fn read_many<R>(
        &self,
        hashes: impl Iterator<Item = u64>,
        work: impl FnOnce(&dyn Peek<E>) -> R,
    ) -> R {
        let numbers = self.numbers(hashes);
        let open = numbers
            .iter()
            .map(|&number| (number, self.stripes[number].shard.read()))
            .collect();
        work(&Glimpses {
            stripes: self,
            open,
        })
    }

    /// Takes `lacking` from the budget for the holder of some stripes' locks, evicting in those of the others that
    /// nobody holds: it may not wait for any. `false` if that could not be done.
    #[cold]
    pub(crate) fn relieve_holder(&self, lacking: u64, departed: &mut Departed<E::Gone>) -> bool {
        let mut failures = 0;
        while lacking <= self.budget.largest() && failures < RELIEF_FAILURES {
            if self.budget.take(lacking) {
                return true;
            }
            let mut freed = false;
            for stripe in self.iter() {
                if let Some(mut guard) = stripe.shard.try_write() {
                    freed |= stripe.on(&mut guard, &self.budget, |world| {
                        world.evict_until(departed, None, |budget| budget.has(lacking))
                    });
                }
            }
            failures += u32::from(!freed);
        }
        false
    }

    /// Runs `work`, which reads the keys of these hashes, so that it sees every call of [`Self::write_many`] as a
    /// whole or not at all. It may run more than once.
    #[expect(clippy::disallowed_methods, reason = "this file locks shards")]
    pub(crate) fn observe<R>(&self, hashes: &[u64], mut work: impl FnMut() -> R) -> R {
        for _ in 0..OBSERVATIONS {
            let Some(before) = self.turn(hashes) else {
                std::hint::spin_loop();
                continue;
            };
            let result = work();
            fence(Ordering::Acquire);
            if self.turn(hashes) == Some(before) {
                return result;
            }
        }
        let _alone = self.groups.write();
        work()
    }

    /// The sum of the `exclusive` numbers, which only grow; `None` if one is odd.
    fn turn(&self, hashes: &[u64]) -> Option<u64> {
        hashes.iter().try_fold(0_u64, |sum, hash| {
            let number = self.of(*hash).exclusive.load(Ordering::Acquire);
            (number & 1 == 0).then(|| sum + u64::from(number))
        })
    }

    /// Waits until nobody else makes room across stripes: what one has taken from the budget and not stored yet,
    /// another would look for in vain. Taken before any stripe's lock.
    #[cold]
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    fn relief(&self) -> MutexGuard<'_, ()> {
        self.relief.lock()
    }

    /// Takes what `departed` says is lacking from the budget, evicting in the heaviest stripes where it must; `false` if
    /// nothing is lacking, or nothing can be found. In `own` stripe the entry that grows is kept.
    #[cold]
    fn relieve(&self, departed: &mut Departed<E::Gone>, own: Option<&Stripe<E>>) -> bool {
        let (lacking, growing) = (departed.lacking, departed.growing.take());
        let mut evict = |stripe: &Stripe<E>| {
            let keep = growing.filter(|_| own.is_some_and(|own| std::ptr::eq(own, stripe)));
            stripe.write(&self.budget, |world| {
                world.evict_until(departed, keep, |budget| budget.has(lacking))
            })
        };
        let mut failures = 0;
        while lacking > 0 && lacking <= self.budget.largest() && failures < RELIEF_FAILURES {
            if self.budget.take(lacking) {
                return true;
            }
            let freed = self
                .iter()
                .max_by_key(|stripe| stripe.weight())
                .is_some_and(&mut evict);
            if !freed && self.iter().map(&mut evict).filter(|freed| *freed).count() == 0 {
                failures += 1;
            }
        }
        false
    }

    /// Evicts in the heaviest stripes what there is no room for, a bounded slice at a time; `None` once the bound holds,
    /// or nothing can be evicted. `grown` names an entry, by hash and reference, that others have to make room for.
    pub(crate) fn shed(&self, grown: Option<(u64, Ref)>) -> Option<Departed<E::Gone>> {
        if self.budget.excess() == 0 {
            return None;
        }
        let mut departed = Departed::default();
        let own = grown.map(|(hash, entry)| (self.of(hash), entry));
        let is_own = |stripe: &Stripe<E>| own.is_some_and(|(own, _)| std::ptr::eq(own, stripe));
        let mut freed = |stripe: &Stripe<E>, keep| {
            stripe.write(&self.budget, |world| {
                world.evict_until(&mut departed, keep, |budget| budget.excess() == 0)
            })
        };
        let others = || self.iter().filter(|stripe| !is_own(stripe));
        let progress = others()
            .max_by_key(|stripe| stripe.weight())
            .is_some_and(|stripe| freed(stripe, None))
            || others().any(|stripe| freed(stripe, None))
            || own.is_some_and(|(stripe, entry)| freed(stripe, Some(entry)));
        progress.then_some(departed)
    }

    /// Weight of all entries.
    pub(crate) fn weight(&self) -> u64 {
        self.iter().map(Stripe::weight).sum()
    }

    /// Entries of all stripes.
    pub(crate) fn len(&self) -> u64 {
        self.iter()
            .map(|stripe| u64::from(stripe.table.len()))
            .sum()
    }
}

/// What those who hold several stripes' locks, shared or not, may look at.
pub(crate) trait Peek<E: Entries> {
    /// The stripe of a hash, if it is among those that are held.
    fn peek(&self, hash: u64) -> Option<(&Table, &E::Shared, &Shard<E>)>;
}

/// Several stripes, locked together for reading.
struct Glimpses<'a, E: Entries> {
    stripes: &'a Stripes<E>,
    /// Stripe numbers, ascending, with their guards.
    open: Vec<(usize, LatchReadGuard<'a, Shard<E>>)>,
}

impl<E: Entries> Peek<E> for Glimpses<'_, E> {
    fn peek(&self, hash: u64) -> Option<(&Table, &E::Shared, &Shard<E>)> {
        let number = self.stripes.number(hash);
        let place = self
            .open
            .binary_search_by_key(&number, |(number, _)| *number);
        let Stripe { table, shared, .. } = &*self.stripes.stripes[number];
        Some((table, shared, &self.open[place.ok()?].1))
    }
}

impl<E: Entries> Peek<E> for Worlds<'_, E> {
    fn peek(&self, hash: u64) -> Option<(&Table, &E::Shared, &Shard<E>)> {
        let number = self.stripes.number(hash);
        let Stripe { table, shared, .. } = &*self.stripes.stripes[number];
        Some((table, shared, &self.open[self.find(hash)?].1))
    }
}

/// Several stripes, locked together; see [`Stripes::write_many`].
pub(crate) struct Worlds<'a, E: Entries> {
    stripes: &'a Stripes<E>,
    /// Stripe numbers, ascending, with their guards.
    open: Vec<(usize, LatchWriteGuard<'a, Shard<E>>)>,
    _group: RwLockReadGuard<'a, ()>,
}

impl<'a, E: Entries> Worlds<'a, E> {
    /// How many stripes are open.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// The place of a hash's stripe among the open ones.
    pub(crate) fn find(&self, hash: u64) -> Option<usize> {
        let number = self.stripes.number(hash);
        self.open
            .binary_search_by_key(&number, |(number, _)| *number)
            .ok()
    }

    /// The place of the stripe of a hash that was named when locking.
    pub(crate) fn place(&self, hash: u64) -> usize {
        self.find(hash).expect("the hash was named when locking")
    }

    /// Opens the stripe at a place.
    pub(crate) fn open(&mut self, place: usize) -> World<'_, E> {
        let (number, guard) = &mut self.open[place];
        self.stripes.stripes[*number].world(guard, &self.stripes.budget)
    }
}

impl<E: Entries> Drop for Worlds<'_, E> {
    fn drop(&mut self) {
        for place in 0..self.open.len() {
            self.open(place).reconcile();
        }
        // All numbers turn even before the first lock is let go.
        for (number, guard) in &self.open {
            let stripe = &self.stripes.stripes[*number];
            stripe.weight.store(guard.weight(), Ordering::Relaxed);
            stripe.exclusive.store(
                stripe.exclusive.load(Ordering::Relaxed).wrapping_add(1),
                Ordering::Release,
            );
        }
    }
}

impl<E: Entries> Stripe<E> {
    /// Runs `work` under the read lock.
    #[inline(always)]
    pub(crate) fn read<R>(&self, work: impl FnOnce(&Table, &E::Shared, &Shard<E>) -> R) -> R {
        self.shard
            .show(|shard| work(&self.table, &self.shared, shard))
    }

    /// Shows the shard to a reader that comes in without a lock, if that is possible just now.
    #[inline(always)]
    pub(crate) fn enter(&self) -> Option<Inside<'_, Shard<E>>> {
        self.shard.enter()
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

    /// Runs `work` under the write lock.
    #[inline(always)]
    pub(crate) fn write<R>(&self, budget: &Budget, work: impl FnOnce(&mut World<'_, E>) -> R) -> R {
        self.on(&mut self.shard.write(), budget, work)
    }

    #[inline(always)]
    fn world<'w>(&'w self, shard: &'w mut Shard<E>, budget: &'w Budget) -> World<'w, E> {
        let Stripe { table, shared, .. } = self;
        World {
            table,
            shared,
            shard,
            budget,
        }
    }

    /// Runs `work` for the holder of the write lock.
    #[inline(always)]
    fn on<R>(
        &self,
        guard: &mut LatchWriteGuard<'_, Shard<E>>,
        budget: &Budget,
        work: impl FnOnce(&mut World<'_, E>) -> R,
    ) -> R {
        let mut world = self.world(guard, budget);
        let result = work(&mut world);
        world.reconcile();
        self.weight.store(guard.weight(), Ordering::Relaxed);
        result
    }
}
