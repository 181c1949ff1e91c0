//! One stripe's world: its table, entries, wheel, policy and weight, kept in step.
//!
//! A [`World`] is what the holder of the stripe's lock sees. It has no lock, reads no clock and hashes no key; it
//! starts no work, and returns what happened, so that dropping, waking and publishing come after the unlock.
//!
//! Invariants, between two calls:
//! * every live entry is named by exactly one slot of the table, and every slot names a live entry;
//! * an entry with a deadline has a timer in the slot of the wheel that its deadline lies in, or in an earlier one;
//! * `weight` is the sum of the entries' weights, and what is spent of the budget is that sum; in a store bounded in bytes,
//!   that and the tare (see `holding`).

mod departed;
mod holding;

pub(crate) use departed::{Departed, Departure};

use crate::budget::{Budget, Credit};
use crate::ds::Ref;
use crate::ds::table::{BUCKETS, Home, Slot, Spot, Table};
use crate::ds::wheel::Wheel;
use crate::entry::Entries;
use crate::evict::{Chosen, Policy, View};
use crate::time::Millis;
use holding::Standing;

/// Milliseconds per tick of the wheel.
pub(crate) const TICK_MS: u64 = 10;
/// Entries evicted for one call in its own stripe before the caller is told to try elsewhere.
const EVICTIONS: usize = 64;
/// Moving some entries closer takes as long as so many evictions.
const COMPACTION_STEPS: usize = 16;
/// Timers beyond twice the number of entries before the wheel is replaced: small wheels are not worth it.
const STALE_TIMERS: u32 = 4096;
/// Buckets whose entries are filed anew per call while a wheel is replaced: some 30 entries, 3 µs.
const RENEWED_BUCKETS: u32 = 4;
/// How many timers ahead a bucket is brought near; an entry, twice as many.
const APPROACHED: u32 = 4;
/// Timers looked at under one hold of the lock: some 50 µs.
pub(crate) const REAP_STEP: usize = 256;

/// The part of a stripe that its lock guards.
pub(crate) struct Shard<E: Entries> {
    pub(crate) entries: E,
    wheel: Wheel,
    /// A wheel that is being replaced, because most of its timers were stale.
    renewal: Option<Renewal>,
    policy: Chosen,
    credit: Credit,
    weight: u64,
    standing: Standing,
}

/// The replacement of a wheel under way.
struct Renewal {
    old: Wheel,
    /// The next bucket of the table whose entries get timers in the new wheel.
    next: u32,
}

/// The stripe has nothing more to evict: others must make room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

/// A stripe, opened by the holder of its lock.
pub(crate) struct World<'a, E: Entries> {
    pub(crate) table: &'a Table,
    pub(crate) shared: &'a E::Shared,
    pub(crate) shard: &'a mut Shard<E>,
    pub(crate) budget: &'a Budget,
}

/// The tick at which a deadline has surely passed.
#[inline]
fn due_tick(deadline: Millis) -> u64 {
    deadline.div_ceil(TICK_MS)
}

impl<E: Entries> Shard<E> {
    pub(crate) fn new(entries: E, policy: Chosen, now: Millis) -> Self {
        Shard {
            entries,
            wheel: Wheel::new(now / TICK_MS),
            renewal: None,
            policy,
            credit: Credit::default(),
            weight: 0,
            standing: Standing::default(),
        }
    }

    /// A timer whose time has come, of either wheel.
    fn pop(&mut self, tick: u64) -> Option<Ref> {
        self.wheel
            .pop(tick)
            .or_else(|| self.renewal.as_mut()?.old.pop(tick))
    }

    /// Weight of all entries.
    pub(crate) fn weight(&self) -> u64 {
        self.weight
    }

    /// Bytes of the wheel and the policy.
    pub(crate) fn upkeep_bytes(&self) -> u64 {
        let old = self
            .renewal
            .as_ref()
            .map_or(0, |renewal| renewal.old.bytes());
        self.wheel.bytes() + old + self.policy.bytes()
    }

    /// When upkeep is next wanted, in milliseconds.
    pub(crate) fn next_due(&self) -> Option<Millis> {
        let old = self
            .renewal
            .as_ref()
            .and_then(|renewal| renewal.old.next_due());
        let next = self.wheel.next_due().into_iter().chain(old).min()?;
        Some(next * TICK_MS)
    }
}

impl<'a, E: Entries> World<'a, E> {
    /// Finds the entry of this hash for which `same` holds, expired or not.
    #[inline(always)]
    pub(crate) fn find(&self, hash: u32, same: impl Fn(&E, Ref) -> bool) -> Option<(Slot, Ref)> {
        self.find_at(self.table.spot(hash), same)
    }

    /// [`Self::find`], of the hash of a spot.
    #[inline(always)]
    pub(crate) fn find_at(
        &self,
        spot: Spot<'_>,
        same: impl Fn(&E, Ref) -> bool,
    ) -> Option<(Slot, Ref)> {
        let entries = &self.shard.entries;
        let found = self.table.find_at(spot, |entry| same(entries, entry));
        found.map(|(place, entry)| (place.slot, entry))
    }

    /// Counts a use of a live entry for the policy.
    #[inline]
    pub(crate) fn touch(&self, slot: Slot, entry: Ref) {
        self.table.touch(slot);
        self.shard.entries.note_use(self.shared, entry);
    }

    /// Where an entry more will stand: takes the growth step that is due, and brings near what else an insert will touch.
    #[inline]
    pub(crate) fn approach(&mut self, spot: Spot<'a>) -> Spot<'a> {
        let entries = &self.shard.entries;
        let spot = self.table.prepare(
            spot,
            |other| entries.hash(self.shared, other),
            |other| entries.approach(self.shared, other),
        );
        let full = self.is_full();
        let (policy, view) = self.view(full);
        policy.approach(&view, spot.home);
        spot
    }

    /// Whether an entry more costs another.
    #[inline]
    fn is_full(&self) -> bool {
        self.budget.is_spent()
    }

    /// Spends `weight` of the budget, evicting others than `keep` where it must.
    #[inline(always)]
    pub(crate) fn make_room(
        &mut self,
        weight: u64,
        keep: Option<Ref>,
        departed: &mut Departed<E::Gone>,
    ) -> Result<(), NoRoom> {
        if self.shard.credit.spend(self.budget, weight) {
            return Ok(());
        }
        self.evict_for(weight, keep, departed)
    }

    /// [`Self::make_room`] where something has to go, or lies idle.
    fn evict_for(
        &mut self,
        weight: u64,
        keep: Option<Ref>,
        departed: &mut Departed<E::Gone>,
    ) -> Result<(), NoRoom> {
        let mut steps = EVICTIONS;
        while steps > 0 {
            if self.draw(weight) {
                return Ok(());
            }
            if self.gain(weight, keep) {
                steps = steps.saturating_sub(COMPACTION_STEPS);
            } else if self.is_poor() || self.evict(keep, departed).is_err() {
                break;
            } else {
                steps -= 1;
            }
            if self.shard.credit.spend(self.budget, weight) {
                return Ok(());
            }
        }
        if self.shard.credit.spend(self.budget, weight) || self.draw(weight) {
            return Ok(());
        }
        (departed.lacking, departed.growing) = (weight, keep);
        self.surrender();
        Err(NoRoom)
    }

    /// Goes beyond the bound, for a change that cannot be put off: the caller sees to it that others make room.
    pub(crate) fn overdraw(&mut self, weight: u64) {
        self.budget.overdraw(weight);
        self.shard.credit.earn(weight);
    }

    /// Takes over room that others made.
    pub(crate) fn receive(&mut self, weight: u64) {
        self.shard.credit.earn(weight);
    }

    /// Gives back room that was made and not used.
    pub(crate) fn return_room(&mut self, weight: u64) {
        self.shard.credit.earn(weight);
        self.shard.credit.settle(self.budget);
    }

    /// Takes over room, and gives none back to the budget until [`Self::hand_over`].
    pub(crate) fn hoard(&mut self, room: u64) {
        self.shard.credit.hoard(room);
    }

    /// Hands the room that is not used to the caller.
    pub(crate) fn hand_over(&mut self) -> u64 {
        self.shard.credit.hand_over()
    }

    /// Gives all idle credit back to the budget; says how much it was.
    pub(crate) fn surrender(&mut self) -> u64 {
        self.shard.credit.surrender(self.budget)
    }

    /// Evicts one entry other than `keep`.
    #[inline]
    pub(crate) fn evict(
        &mut self,
        keep: Option<Ref>,
        departed: &mut Departed<E::Gone>,
    ) -> Result<(), NoRoom> {
        let (policy, mut view) = self.view(true);
        let victim = policy.victim(&mut view, keep).ok_or(NoRoom)?;
        departed.evicted_weight += self.shard.entries.weight(self.shared, victim.entry);
        let gone = self.remove(victim.slot, victim.entry, victim.hash);
        departed.push(Departure::Evicted, gone);
        Ok(())
    }

    /// Evicts until there is `enough`, in bounded work, and gives all idle credit back; `false` if nothing came of it.
    pub(crate) fn evict_until(
        &mut self,
        departed: &mut Departed<E::Gone>,
        keep: Option<Ref>,
        enough: impl Fn(&Budget) -> bool,
    ) -> bool {
        let mut progress = self.surrender() > 0;
        let mut steps = EVICTIONS;
        while steps > 0 && !enough(self.budget) {
            if self.is_charged() && self.compact(keep) {
                steps = steps.saturating_sub(COMPACTION_STEPS);
            } else if self.evict(keep, departed).is_ok() {
                steps -= 1;
            } else {
                break;
            }
            // A step that gives nothing back makes it so that the next ones can.
            progress = true;
            self.reconcile();
            self.surrender();
        }
        progress
    }

    #[inline(always)]
    fn view(&mut self, full: bool) -> (&mut Chosen, View<'_, E>) {
        let Shard {
            entries,
            policy,
            weight,
            ..
        } = &mut *self.shard;
        (
            policy,
            View {
                table: self.table,
                shared: self.shared,
                entries,
                total: *weight,
                full,
            },
        )
    }

    /// Takes a live entry, for whose weight room was made, into the table, the wheel and the policy. Its spot was
    /// approached under the present hold of the lock.
    #[inline]
    pub(crate) fn add(&mut self, spot: Spot<'_>, entry: Ref) -> Slot {
        let slot = self.table.insert_at(spot, entry);
        self.shard.weight += self.shard.entries.weight(self.shared, entry);
        self.schedule(entry);
        let full = self.is_full();
        let (policy, mut view) = self.view(full);
        policy.admit(&mut view, entry, slot, spot);
        self.shard.credit.settle(self.budget);
        slot
    }

    /// Files a timer for the entry's deadline, if it has one.
    #[inline(always)]
    pub(crate) fn schedule(&mut self, entry: Ref) {
        if let Some(due) = self.shard.entries.due(self.shared, entry) {
            self.file(entry, due);
        }
    }

    #[inline(never)]
    fn file(&mut self, entry: Ref, due: Millis) {
        self.shard.wheel.file(entry, due_tick(due));
        self.renew();
    }

    /// Replaces the wheel, a few buckets of the table per call, when most of its timers are stale: those of entries that
    /// left early, or whose deadline came nearer. Every live entry with a deadline gets one timer in the new wheel.
    fn renew(&mut self) {
        let most = STALE_TIMERS + 2 * self.table.len();
        if self.shard.renewal.is_none() {
            if self.shard.wheel.len() <= most {
                return;
            }
            let fresh = self.shard.wheel.successor();
            let old = std::mem::replace(&mut self.shard.wheel, fresh);
            self.shard.renewal = Some(Renewal { old, next: 0 });
        }
        let buckets = self.table.segments() * BUCKETS as u32;
        let Some(renewal) = &mut self.shard.renewal else {
            return;
        };
        let first = renewal.next;
        renewal.next = first + RENEWED_BUCKETS;
        let (entries, wheel) = (&self.shard.entries, &mut self.shard.wheel);
        for bucket in first..buckets.min(first + RENEWED_BUCKETS) {
            let home = Home {
                segment: bucket / BUCKETS as u32,
                bucket: bucket % BUCKETS as u32,
            };
            self.table.visit_bucket(home, |_, entry| {
                if let Some(due) = entries.due(self.shared, entry) {
                    wheel.file(entry, due_tick(due));
                }
            });
        }
        if first + RENEWED_BUCKETS >= buckets {
            self.shard.renewal = None;
        }
    }

    /// Takes an entry out of everything.
    #[inline]
    pub(crate) fn remove(&mut self, slot: Slot, entry: Ref, hash: u32) -> E::Gone {
        let weight = self.shard.entries.weight(self.shared, entry);
        let (policy, mut view) = self.view(true);
        policy.forget(&mut view, entry);
        self.table.remove(slot, hash);
        self.shard.weight -= weight;
        self.shard.credit.earn(weight);
        self.shard.entries.take(self.shared, entry)
    }

    /// Takes an entry out on request, and gives its room back.
    pub(crate) fn discard(&mut self, slot: Slot, entry: Ref, hash: u32) -> E::Gone {
        let gone = self.remove(slot, entry, hash);
        self.shard.credit.settle(self.budget);
        gone
    }

    /// Takes an entry out whose deadline the caller found passed.
    pub(crate) fn expire(
        &mut self,
        slot: Slot,
        entry: Ref,
        hash: u32,
        departed: &mut Departed<E::Gone>,
    ) {
        let gone = self.discard(slot, entry, hash);
        departed.push(Departure::Expired, gone);
    }

    /// Books that an entry's weight was `old`, or that it stood at the reference `from`. Room was made.
    pub(crate) fn revise(&mut self, from: Ref, entry: Ref, old: u64) {
        let weight = self.shard.entries.weight(self.shared, entry);
        self.shard.weight = self.shard.weight - old + weight;
        let (policy, mut view) = self.view(true);
        policy.revise(&mut view, from, entry, old);
    }

    /// Reaps entries whose deadline is at or before `now`, looking at no more than `step` timers.
    /// `true` if more are waiting.
    pub(crate) fn reap(
        &mut self,
        now: Millis,
        step: usize,
        departed: &mut Departed<E::Gone>,
    ) -> bool {
        let tick = now / TICK_MS;
        for _ in 0..step {
            let Some(entry) = self.shard.pop(tick) else {
                return false;
            };
            self.approach_due();
            let entries = &self.shard.entries;
            // Of a stale reference anything may look like a value: its parts are looked at only once it is found.
            if entries.is_timed(self.shared, entry) {
                let hash = entries.hash(self.shared, entry);
                if self.table.find(hash, |other| other == entry).is_none() {
                    continue;
                }
            }
            let Some(due) = entries.due(self.shared, entry) else {
                continue;
            };
            if due_tick(due) > tick {
                self.shard.wheel.file(entry, due_tick(due));
                continue;
            }
            let deadline = entries.deadline(self.shared, entry);
            if deadline.is_none_or(|deadline| due_tick(deadline) > tick) {
                departed.ripen(entry);
                continue;
            }
            let hash = self.shard.entries.hash(self.shared, entry);
            if let Some((slot, _)) = self.table.find(hash, |other| other == entry) {
                let gone = self.discard(slot, entry, hash);
                departed.push(Departure::Expired, gone);
            }
        }
        true
    }

    /// Brings near what the timers will touch that are popped a little later: entries first, then their buckets.
    #[inline]
    fn approach_due(&self) {
        let Shard { entries, wheel, .. } = &*self.shard;
        if let Some(entry) = wheel.peek(2 * APPROACHED) {
            entries.approach(self.shared, entry);
        }
        if let Some(entry) = wheel.peek(APPROACHED)
            && entries.deadline(self.shared, entry).is_some()
        {
            self.table.approach(entries.hash(self.shared, entry));
        }
    }

    /// Empties the stripe; `gone` is shown every entry.
    pub(crate) fn clear(&mut self, mut gone: impl FnMut(E::Gone)) {
        let mut all = Vec::with_capacity(self.table.len() as usize);
        for segment in 0..self.table.segments() {
            for bucket in 0..BUCKETS as u32 {
                self.table
                    .visit_bucket(Home { segment, bucket }, |_, entry| all.push(entry));
            }
        }
        // Before the entries go: readers without the lock must not be led to them.
        self.forget_all();
        for entry in all {
            gone(self.shard.entries.take(self.shared, entry));
        }
    }

    /// Empties the stripe without a look at its entries: they are handed over as they are.
    pub(crate) fn exchange(&mut self, fresh: E) -> E {
        self.forget_all();
        std::mem::replace(&mut self.shard.entries, fresh)
    }

    /// Empties all that names entries, and gives their room back.
    fn forget_all(&mut self) {
        self.table.clear();
        self.shard.policy.clear();
        self.shard.wheel.clear();
        self.shard.renewal = None;
        self.shard
            .credit
            .earn(std::mem::take(&mut self.shard.weight));
        self.surrender();
    }
}
