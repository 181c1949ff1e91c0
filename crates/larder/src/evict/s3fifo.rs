//! `S3Fifo`: a small probation queue, a CLOCK over the table, and a memory of who left.
//!
//! ```text
//!            not remembered           hit meanwhile
//!  insert ------------------> small --------------> main (swept by a hand over the table)
//!    |                          | never hit           | counter 0: out
//!    |  remembered by the ghost v                     | else: counter - 1
//!    +----------------> main    out
//! ```
//!
//! * *Small* is a ring of references. Who leaves it without a hit is evicted; who was hit goes to main. The ghost takes
//!   note of who enters: its line is at hand then. Its part of the weight is a tenth to begin with, and follows what
//!   turns out to have been evicted too early: see `balance.rs`.
//! * *Main* has no links at all: it is every entry not on probation, and the hand goes over the table's buckets,
//!   lowering 2-bit counters until one is zero.
//! * *Warm fill*: while the budget is not spent, newcomers beyond a tenth go straight to main; this is what repairs
//!   S3-FIFO's failure on loops that are a little too long.
//! * Who comes back right after it left main goes to main again where the small queue is to shrink; so room changes hands.
//!
//! Cost: nothing per hit beyond the table's counter; 0.8 bytes per entry for a ring of a tenth and 2.5 for the ghost. A
//! victim takes bounded work. After Yang et al., "FIFO queues are all you need for cache eviction" (SOSP 2023).

use std::sync::Arc;

use super::balance::{Balance, SAMPLES, Standing, Tally};
use super::{Policy, Victim, View};
use crate::ds::Ref;
use crate::ds::ghost::{Ghost, Memory};
use crate::ds::ring::{Queued, Ring};
use crate::ds::table::{BUCKETS, Home, Slot, Spot, Table};
use crate::entry::Entries;

/// While the budget lasts, the small queue's share of the weight is one in this many.
const WARM_PART: u64 = 10;
/// The small queue gives room to main where it is larger than it should be by one in this many.
const SLACK_PART: u64 = 50;
/// The ghost remembers so many eighths of what there are entries.
const GHOST_PARTS: u32 = 9;
/// Buckets that the hand passes for one victim before it takes the least used entry that it saw.
const SWEEP_BUCKETS: u32 = 64;
/// How much the ghost may remember is measured anew every so many entries: it follows the table's fill, which moves slowly.
const REMEASURED: u32 = 64;
/// Queue heads looked at for one victim before the hand takes over.
const PROBATIONS: usize = 64;

/// The default policy; see the module's text.
pub(crate) struct S3Fifo {
    small: Ring,
    /// Weight of the entries on probation.
    small_weight: u64,
    /// How many they are; the ring may hold stale references besides.
    small_len: usize,
    /// The bucket that the hand points into.
    hand: Option<Home>,
    /// Slots of that bucket that the hand has passed.
    passed: u32,
    ghost: Ghost,
    /// Fingerprints per bucket, as measured some entries ago.
    memory: u32,
    /// Entries that began on probation.
    admitted: u32,
    balance: Arc<Balance>,
    /// What the balance has not been told.
    tally: Tally,
}

impl S3Fifo {
    pub(super) fn new(balance: Arc<Balance>) -> Self {
        S3Fifo {
            small: Ring::default(),
            small_weight: 0,
            small_len: 0,
            hand: None,
            passed: 0,
            ghost: Ghost::default(),
            memory: 0,
            admitted: 0,
            balance,
            tally: Tally::default(),
        }
    }

    #[inline(always)]
    fn small_is_due<E: Entries>(&self, view: &View<'_, E>) -> bool {
        self.small_weight > self.balance.room(view.total) || self.small_weight == view.total
    }

    /// Whether the small queue is to give room to main.
    fn small_is_too_large(&self, total: u64) -> bool {
        let room = self.balance.room(total);
        self.small_weight > room + room / SLACK_PART + 1
    }

    /// Whether a hash that left the small queue `place` others of its bucket ago would still be there if the queue were a
    /// bucket's worth longer. Those that are on probation now take the first places.
    fn left_just_now<E: Entries>(&self, view: &View<'_, E>, place: u32) -> bool {
        let (waiting, buckets) = (self.small_len as u64, u64::from(buckets(view.table)));
        let place = u64::from(place);
        (place + 1) * buckets >= waiting && 2 * place * buckets < 2 * waiting + buckets
    }

    /// Counts an insert that cost another entry, and what the ghost knew of it.
    #[inline(always)]
    fn note<E: Entries>(&mut self, view: &View<'_, E>, known: Memory) {
        self.tally.inserts += 1;
        match known {
            Memory::Unknown => {}
            Memory::Probation(place) => {
                self.tally.short += u32::from(self.left_just_now(view, place));
            }
            Memory::Main => self.tally.lost += 1,
        }
        if self.tally.is_due() {
            self.report(view);
        }
    }

    #[inline(never)]
    fn report<E: Entries>(&mut self, view: &View<'_, E>) {
        let tally = std::mem::take(&mut self.tally);
        if let Some(seen) = self.balance.report(tally, view.table.len()) {
            self.balance.decide(seen, &self.standing(view));
        }
    }

    /// How the small queue stands.
    fn standing<E: Entries>(&self, view: &View<'_, E>) -> Standing {
        let mut standing = Standing {
            small: self.small_weight,
            total: view.total,
            looked: 0,
            hit: 0,
        };
        let samples = SAMPLES.min(self.small.len());
        for sample in 0..samples {
            let waiting = self.small.peek(sample * self.small.len() / samples);
            if let Some(Queued { entry, hash }) = waiting
                && is_young(view, entry)
                && let Some(place) = view.seat(entry, hash)
            {
                standing.looked += 1;
                standing.hit += u32::from(place.counter() > 0);
            }
        }
        standing
    }

    #[inline(always)]
    fn queue<E: Entries>(&mut self, view: &mut View<'_, E>, entry: Ref, hash: u32) {
        view.entries.set_young(view.shared, entry, true);
        self.small.push(Queued { entry, hash });
        self.small_weight += view.weight(entry);
        self.small_len += 1;
    }

    /// Drops stale references from the head while they are more than the live ones; live heads go to the tail.
    #[inline]
    fn trim<E: Entries>(&mut self, view: &View<'_, E>) {
        if self.small.len() > 2 * self.small_len + PROBATIONS {
            self.drop_stale(view);
        }
    }

    #[cold]
    fn drop_stale<E: Entries>(&mut self, view: &View<'_, E>) {
        for _ in 0..2 {
            if let Some(head) = self.small.pop()
                && is_young(view, head.entry)
            {
                self.small.push(head);
            }
        }
    }

    /// Looks through the small queue's head for one that was never hit.
    #[inline(always)]
    fn probation<E: Entries>(
        &mut self,
        view: &mut View<'_, E>,
        keep: Option<Ref>,
    ) -> Option<Victim> {
        for _ in 0..PROBATIONS {
            if !self.small_is_due(view) {
                return None;
            }
            let queued = self.small.pop()?;
            let Queued { entry, hash } = queued;
            if !is_young(view, entry) {
                continue;
            }
            if Some(entry) == keep {
                self.small.push(queued);
                continue;
            }
            // A slot that was freed and filled again is in the queue under both hashes.
            let Some(place) = view.seat(entry, hash) else {
                continue;
            };
            if place.counter() == 0 {
                let slot = place.slot;
                return Some(Victim { entry, slot, hash });
            }
            place.set_counter(0);
            self.promote(view, entry);
        }
        None
    }

    /// The first entry on probation, hit or not.
    #[inline(never)]
    fn head<E: Entries>(&mut self, view: &View<'_, E>, keep: Option<Ref>) -> Option<Victim> {
        for _ in 0..self.small.len() {
            let queued = self.small.pop()?;
            let Queued { entry, hash } = queued;
            if !is_young(view, entry) {
                continue;
            }
            if Some(entry) != keep {
                let Some(place) = view.seat(entry, hash) else {
                    continue;
                };
                let slot = place.slot;
                return Some(Victim { entry, slot, hash });
            }
            self.small.push(queued);
        }
        None
    }

    #[inline(always)]
    fn promote<E: Entries>(&mut self, view: &mut View<'_, E>, entry: Ref) {
        view.entries.set_young(view.shared, entry, false);
        self.small_weight -= view.weight(entry);
        self.small_len -= 1;
    }

    /// Sweeps main for an entry without hits; after too many buckets, the least used one seen. Counters of entries on
    /// probation are lowered with the others: the hand comes by too seldom for it to matter, and a look at each
    /// entry would cost a cache miss.
    #[inline(never)]
    fn sweep<E: Entries>(&mut self, view: &View<'_, E>, keep: Option<Ref>) -> Option<Victim> {
        let mut least: Option<(u32, Slot, Ref)> = None;
        // Once around, and the bucket again in whose middle the hand began.
        let everything = view.table.segments() * BUCKETS as u32 + 1;
        for swept in 0..everything {
            if swept >= SWEEP_BUCKETS && least.is_some() {
                break;
            }
            let home = self.hand.unwrap_or(Home {
                segment: 0,
                bucket: 0,
            });
            let passed = self.passed;
            let unused = view.table.search_bucket(home, |slot, entry| {
                if slot.order() < passed {
                    return false;
                }
                let counter = view.table.counter(slot);
                if counter == 0 {
                    return Some(entry) != keep && !is_young(view, entry);
                }
                view.table.set_counter(slot, counter - 1);
                if Some(entry) != keep && least.is_none_or(|(other, ..)| counter < other) {
                    least = Some((counter, slot, entry));
                }
                false
            });
            if let Some((slot, entry)) = unused {
                self.passed = slot.order() + 1;
                return Some(Victim {
                    entry,
                    slot,
                    hash: view.entries.hash(view.shared, entry),
                });
            }
            self.hand = Some(next(home, view));
            self.passed = 0;
        }
        let (_, slot, entry) = least?;
        Some(Victim {
            entry,
            slot,
            hash: view.entries.hash(view.shared, entry),
        })
    }
}

#[inline(always)]
fn is_young<E: Entries>(view: &View<'_, E>, entry: Ref) -> bool {
    view.entries.is_young(view.shared, entry)
}

/// Fingerprints per bucket, so that about as many are remembered as there are entries: a longer memory lets loops push
/// each other out of main.
fn memory(table: &Table) -> u32 {
    let buckets = buckets(table);
    (table.len() * GHOST_PARTS / 8 + buckets / 2) / buckets
}

fn buckets(table: &Table) -> u32 {
    table.segments() * BUCKETS as u32
}

/// The bucket after this one in the table's order.
fn next<E: Entries>(home: Home, view: &View<'_, E>) -> Home {
    if home.bucket + 1 < BUCKETS as u32 {
        return Home {
            bucket: home.bucket + 1,
            ..home
        };
    }
    let segment = if home.segment + 1 < view.table.segments() {
        home.segment + 1
    } else {
        0
    };
    Home { segment, bucket: 0 }
}

impl Policy for S3Fifo {
    /// The new hash's ghosts; the bucket and the entry of the victim after the next, so that they have arrived when the next
    /// insert wants them. Those of the next one were brought near by the insert before.
    #[inline]
    fn approach<E: Entries>(&self, view: &View<'_, E>, home: Home) {
        self.ghost.approach(home);
        if !view.full {
            return;
        }
        if let Some(head) = self.small.peek(1) {
            view.table.approach(head.hash);
            view.entries.approach(view.shared, head.entry);
        }
    }

    #[inline]
    fn admit<E: Entries>(
        &mut self,
        view: &mut View<'_, E>,
        entry: Ref,
        slot: Slot,
        Spot { hash, home, .. }: Spot<'_>,
    ) {
        self.trim(view);
        let known = self.ghost.forget(home, hash);
        if view.full {
            self.note(view, known);
        }
        let to_main = match known {
            Memory::Probation(_) => true,
            Memory::Main => self.small_is_too_large(view.total),
            Memory::Unknown => {
                !view.full && self.small_weight.saturating_mul(WARM_PART) >= view.total
            }
        };
        if to_main {
            view.entries.set_young(view.shared, entry, false);
            if let Memory::Probation(_) = known {
                // Asked for twice: it has earned one pass of the hand.
                view.table.set_counter(slot, 1);
            }
        } else {
            if self.admitted.is_multiple_of(REMEASURED) {
                self.memory = memory(view.table);
            }
            self.admitted = self.admitted.wrapping_add(1);
            self.ghost.remember(home, hash, self.memory);
            self.queue(view, entry, hash);
        }
    }

    #[inline]
    fn victim<E: Entries>(&mut self, view: &mut View<'_, E>, keep: Option<Ref>) -> Option<Victim> {
        if let Some(victim) = self.probation(view, keep) {
            return Some(victim);
        }
        if let Some(victim) = self.sweep(view, keep) {
            self.ghost.lose(view.table.home(victim.hash), victim.hash);
            return Some(victim);
        }
        // Without anything in main (or nothing but `keep`), probation ends early for whoever is next.
        self.head(view, keep)
    }

    #[inline]
    fn forget<E: Entries>(&mut self, view: &mut View<'_, E>, entry: Ref) {
        if view.entries.is_young(view.shared, entry) {
            self.promote(view, entry);
        }
    }

    fn revise<E: Entries>(&mut self, view: &mut View<'_, E>, from: Ref, entry: Ref, old: u64) {
        if view.entries.is_young(view.shared, entry) {
            self.small_weight = self.small_weight - old + view.weight(entry);
            if from != entry {
                let hash = view.entries.hash(view.shared, entry);
                self.small.push(Queued { entry, hash });
            }
        }
    }

    fn bytes(&self) -> u64 {
        self.small.bytes() + self.ghost.bytes()
    }

    fn clear(&mut self) {
        *self = S3Fifo::new(Arc::clone(&self.balance));
    }
}
