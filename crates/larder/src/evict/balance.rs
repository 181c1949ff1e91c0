//! `Balance`: which part of a cache's room its small queues have, learnt from what was evicted too early.
//!
//! ```text
//! a miss whose hash left the small queue a moment ago:  short     a larger small queue would have hit
//! a miss whose hash left main a moment ago:             lost      a larger main would have hit
//!
//! short >= 3 x lost    the part grows by a quarter, or doubles where it is clear
//! short <= 3/4 x lost  it shrinks by a fifth
//! between              it creeps back to a tenth
//! ```
//!
//! * *Short* alone would be led astray by loops that are a little too long: each of their keys comes back just after it
//!   was evicted, however large the queue is made. So a queue that is larger than usual must *earn* its room: if fewer of
//!   the entries in it have been hit than a little more room promises, the part shrinks instead.
//! * All stripes of a cache report here and obey the same part: keys are spread by their hashes, so what one stripe sees
//!   holds for the others, and together they know 16 times as soon.
//! * A part is not moved on while the queue has not followed the last move.
//!
//! Cost: a stripe adds up three counts here every [`BATCH`] inserts that evict; a decision falls when a 64th of the entries
//! has been replaced and looks at [`SAMPLES`] entries. What two stripes report at the same moment may be forgotten: it
//! is evidence, not an account.
//!
//! That the ghosts' hits should move the border is ARC's idea (Megiddo and Modha, FAST 2003); where it moves one entry per
//! hit, this compares what the two sides miss within the same distance.

use std::sync::Arc;

use crate::sync::{AtomicU32, Ordering};

/// Parts are counted in so many.
const WHOLE: u32 = 1 << 16;
/// A tenth: where the part starts, and what it goes back to when nothing speaks for another.
const USUAL: u32 = WHOLE / 10;
/// One in a hundred is enough for a loop, and nine in ten is what a recency-bound load wants.
const LEAST: u32 = WHOLE / 100;
const MOST: u32 = WHOLE / 10 * 9;

/// Inserts between two reports of a stripe: few enough that small caches learn, and the shared line is left alone.
const BATCH: u32 = 16;
/// A decision falls when one in this many entries was replaced, but not before `FEWEST` were.
const PERIOD_PART: u64 = 64;
const FEWEST: u64 = 64;
/// Counts fit their words if no more entries than this are told apart.
const MOST_ENTRIES: u64 = 1 << 30;
/// Misses of either kind without which nothing is decided; and one in this many inserts must be one.
const ENOUGH: u32 = 16;
const RARE: u32 = 100;

/// So many times as many must be short as lost for the part to grow, and for it to double.
const GROWS_AT: u32 = 3;
const DOUBLES_AT: u32 = 8;
/// Entries looked at to see whether a small queue earns its room: some 5 µs.
pub(super) const SAMPLES: usize = 64;

/// What stripes have seen since a decision fell.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) inserts: u32,
    pub(super) short: u32,
    pub(super) lost: u32,
}

impl Tally {
    /// Whether it is to be reported.
    #[inline(always)]
    pub(super) fn is_due(&self) -> bool {
        self.inserts >= BATCH
    }
}

/// How a stripe's small queue stands.
pub(super) struct Standing {
    /// Weight of the small queue, and of everything.
    pub(super) small: u64,
    pub(super) total: u64,
    /// Of so many entries of the small queue so many have been hit.
    pub(super) looked: u32,
    pub(super) hit: u32,
}

/// See the module's text.
pub(crate) struct Balance {
    part: AtomicU32,
    stripes: u32,
    inserts: AtomicU32,
    short: AtomicU32,
    lost: AtomicU32,
}

/// That part of a weight.
fn part_of(total: u64, part: u32) -> u64 {
    ((u128::from(total) * u128::from(part)) / u128::from(WHOLE)) as u64
}

impl Balance {
    /// The balance of a cache with so many stripes.
    pub(crate) fn new(stripes: usize) -> Arc<Self> {
        Arc::new(Balance {
            part: AtomicU32::new(USUAL),
            stripes: stripes as u32,
            inserts: AtomicU32::new(0),
            short: AtomicU32::new(0),
            lost: AtomicU32::new(0),
        })
    }

    /// What a small queue may weigh in a stripe that weighs `total`.
    #[inline]
    pub(super) fn room(&self, total: u64) -> u64 {
        part_of(total, self.part.load(Ordering::Relaxed))
    }

    /// Takes over what a stripe of so many entries saw. Returns what all have seen if it is time to decide: then the caller
    /// must [`decide`](Self::decide).
    pub(super) fn report(&self, tally: Tally, entries: u32) -> Option<Tally> {
        let add = |count: &AtomicU32, more: u32| count.fetch_add(more, Ordering::Relaxed) + more;
        let seen = Tally {
            inserts: add(&self.inserts, tally.inserts),
            short: add(&self.short, tally.short),
            lost: add(&self.lost, tally.lost),
        };
        let entries = (u64::from(entries) * u64::from(self.stripes)).min(MOST_ENTRIES);
        let inserts = u64::from(seen.inserts);
        let misses = seen.short + seen.lost;
        if inserts < FEWEST.max(entries / PERIOD_PART) || (misses < ENOUGH && inserts < entries) {
            return None;
        }
        let claimed =
            self.inserts
                .compare_exchange(seen.inserts, 0, Ordering::Relaxed, Ordering::Relaxed);
        claimed.ok()?;
        self.short.store(0, Ordering::Relaxed);
        self.lost.store(0, Ordering::Relaxed);
        (misses >= ENOUGH && misses.saturating_mul(RARE) >= seen.inserts).then_some(seen)
    }

    /// Moves the part by what was seen.
    pub(super) fn decide(&self, seen: Tally, standing: &Standing) {
        let part = self.part.load(Ordering::Relaxed);
        let next = moved(part, seen, standing).clamp(LEAST, MOST);
        self.part.store(next, Ordering::Relaxed);
    }
}

/// The part that follows from what was seen.
fn moved(part: u32, seen: Tally, standing: &Standing) -> u32 {
    let room = part_of(standing.total, part);
    let large = standing.small > part_of(standing.total, USUAL + USUAL / 2);
    if seen.short >= GROWS_AT * seen.lost {
        if large && !earns_its_room(seen, standing) {
            return back(part, part / 5);
        }
        if standing.small + standing.small / 4 < room {
            return part;
        }
        let clear = seen.short >= DOUBLES_AT * seen.lost;
        return part + if clear { part } else { part / 4 };
    }
    if 4 * u64::from(seen.short) <= 3 * u64::from(seen.lost) {
        let has_followed = standing.small <= room + room / 4 + 1;
        return if has_followed { part - part / 5 } else { part };
    }
    back(part, part / 20)
}

/// Whether as many of the entries that pass through the queue are hit there as miss it by a little.
fn earns_its_room(seen: Tally, standing: &Standing) -> bool {
    u64::from(standing.hit) * u64::from(seen.inserts)
        >= u64::from(seen.short) * u64::from(standing.looked)
}

/// A step towards the usual part.
fn back(part: u32, step: u32) -> u32 {
    if part > USUAL {
        (part - step).max(USUAL)
    } else {
        (part + step).min(USUAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(short: u32, lost: u32) -> Tally {
        Tally {
            inserts: 1000,
            short,
            lost,
        }
    }

    fn standing(small: u64, hit: u32) -> Standing {
        Standing {
            small,
            total: 1000,
            looked: 64,
            hit,
        }
    }

    #[test]
    fn the_part_grows_where_the_queue_is_short_and_shrinks_where_main_is() {
        let next = |short, lost| moved(USUAL, tally(short, lost), &standing(100, 0));
        assert_eq!(next(100, 5), 2 * USUAL);
        assert_eq!(next(100, 30), USUAL + USUAL / 4);
        assert_eq!(next(100, 50), USUAL);
        assert_eq!(next(38, 50), USUAL);
        assert_eq!(next(37, 50), USUAL - USUAL / 5);
    }

    #[test]
    fn a_large_queue_that_is_not_hit_shrinks_however_short_it_seems() {
        let next = |hit| moved(4 * USUAL, tally(100, 0), &standing(400, hit));
        assert!(next(0) < 4 * USUAL);
        assert_eq!(next(64), 8 * USUAL);
    }

    #[test]
    fn the_part_waits_for_the_queue_to_follow() {
        assert_eq!(
            moved(4 * USUAL, tally(100, 0), &standing(120, 64)),
            4 * USUAL
        );
        assert_eq!(moved(USUAL, tally(0, 100), &standing(300, 64)), USUAL);
    }

    #[test]
    fn nothing_is_decided_on_little_evidence() {
        let balance = Balance::new(4);
        let report = |inserts, short| {
            let tally = Tally {
                inserts,
                short,
                lost: 0,
            };
            balance.report(tally, 1000)
        };
        assert!(report(60, 60).is_none(), "a period is 64 inserts at least");
        let seen = report(40, 40).expect("a period has passed");
        assert_eq!((seen.inserts, seen.short), (100, 100));
        assert!(report(3999, 15).is_none(), "one short of enough");
        assert!(report(16, 0).is_none(), "and then it is forgotten");
        assert!(report(1000, 0).is_none());
    }
}
