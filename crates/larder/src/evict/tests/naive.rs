//! `Naive`: S3-FIFO with maps and deques, as slow and as plain as can be.
//!
//! It is told what happens to the entries of a [`Stage`](super::stage::Stage), and asked for the victim that the policy should
//! find. Of the table it takes the order of the entries in their buckets, since main has no order of its own.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::scale::{Queue, Scale, Seen};
use crate::ds::Ref;

/// What the model knows of an entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Held {
    pub(super) hash: u32,
    pub(super) weight: u64,
    /// Uses counted, up to three.
    pub(super) uses: u32,
    /// Whether it is on probation.
    pub(super) young: bool,
}

/// Which bucket a hash belongs to, how many there are, and what stands in them.
pub(super) trait Shelves {
    fn home(&self, hash: u32) -> u32;
    fn count(&self) -> u32;
    fn shelf(&self, number: u32) -> Vec<(u32, Ref)>;
}

/// The model; see the module's text.
#[derive(Default)]
pub(super) struct Naive {
    pub(super) held: BTreeMap<Ref, Held>,
    /// The small queue. Who leaves otherwise than by its head stays in it as a ticket that is void.
    small: VecDeque<(Ref, u32)>,
    /// By bucket, the latest first.
    probation: HashMap<u32, VecDeque<u32>>,
    left_main: HashMap<u32, u32>,
    remembered: usize,
    queued: u64,
    hand: u32,
    /// The hand is past the bucket's places below this one.
    passed: u32,
    seen: Seen,
    /// How often each way out and in was taken: a test that never takes one proves nothing about it.
    pub(super) ways: Ways,
}

/// Counts of what came to pass.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ways {
    pub(super) never_hit: u32,
    pub(super) promoted: u32,
    pub(super) swept: u32,
    pub(super) least_used: u32,
    pub(super) cut_short: u32,
    pub(super) remembered: u32,
    pub(super) back_in_main: u32,
    pub(super) warm: u32,
    pub(super) void: u32,
}

impl Ways {
    pub(super) fn named(self) -> [(u32, &'static str); 9] {
        [
            (self.never_hit, "out of the small queue"),
            (self.promoted, "from the small queue to main"),
            (self.swept, "out of main without uses"),
            (self.least_used, "out as the least used"),
            (self.cut_short, "out of a small queue that is all there is"),
            (self.remembered, "to main since it was remembered"),
            (self.back_in_main, "back to main"),
            (self.warm, "to main while there is room"),
            (self.void, "past a void ticket"),
        ]
    }
}

impl Naive {
    pub(super) fn total(&self) -> u64 {
        self.held.values().map(|held| held.weight).sum()
    }

    fn young(&self) -> impl Iterator<Item = &Held> {
        self.held.values().filter(|held| held.young)
    }

    fn small_weight(&self) -> u64 {
        self.young().map(|held| held.weight).sum()
    }

    pub(super) fn note_use(&mut self, entry: Ref) {
        if let Some(held) = self.held.get_mut(&entry) {
            held.uses = (held.uses + 1).min(3);
        }
    }

    /// An entry comes; its bucket is known already.
    pub(super) fn admit(
        &mut self,
        entry: Ref,
        (hash, weight): (u32, u64),
        (full, scale): (bool, &mut Scale),
        shelves: &impl Shelves,
    ) {
        self.drop_void();
        let home = shelves.home(hash);
        let queue = self.probation.entry(home).or_default();
        let place = queue.iter().position(|other| *other == hash);
        if let Some(place) = place {
            queue.remove(place);
        }
        let left_main = place.is_none() && self.left_main.get(&home) == Some(&hash);
        if left_main {
            self.left_main.remove(&home);
        }
        let fresh = Held {
            hash,
            weight,
            uses: 0,
            young: false,
        };
        let before = self.small_weight();
        self.held.insert(entry, fresh);
        if full {
            self.count(place, left_main, (scale, shelves));
        }
        let total = self.total();
        let room = scale.room(total);
        let to_main = match place {
            Some(_) => true,
            None if left_main => before > room + room / 50 + 1,
            None => !full && 10 * before >= total,
        };
        self.ways.remembered += u32::from(place.is_some());
        self.ways.back_in_main += u32::from(left_main && to_main);
        self.ways.warm += u32::from(place.is_none() && !left_main && to_main);
        if to_main {
            self.set(entry, |held| held.uses = u32::from(place.is_some()));
            return;
        }
        if self.queued.is_multiple_of(64) {
            // Nine eighths of the entries, spread over the buckets.
            let per_bucket = self.held.len() as f64 * 1.125 / f64::from(shelves.count());
            self.remembered = per_bucket.round().clamp(1.0, 8.0) as usize;
        }
        self.queued += 1;
        let queue = self.probation.entry(home).or_default();
        queue.push_front(hash);
        queue.truncate(self.remembered);
        self.set(entry, |held| held.young = true);
        self.small.push_back((entry, hash));
    }

    fn set(&mut self, entry: Ref, change: impl FnOnce(&mut Held)) {
        change(self.held.get_mut(&entry).expect("the entry is held"));
    }

    /// Void tickets never outnumber the good ones by much: two looks at the head where they do.
    fn drop_void(&mut self) {
        if self.small.len() <= 2 * self.young().count() + 64 {
            return;
        }
        for _ in 0..2 {
            if let Some(ticket) = self.small.pop_front()
                && self.held.get(&ticket.0).is_some_and(|held| held.young)
            {
                self.small.push_back(ticket);
            }
        }
    }

    /// An insert that cost another entry; `place` others of the bucket went on probation after this hash did.
    fn count(
        &mut self,
        place: Option<usize>,
        left_main: bool,
        (scale, shelves): (&mut Scale, &impl Shelves),
    ) {
        let waiting = self.young().count() as f64 / f64::from(shelves.count());
        let just_now = place.is_some_and(|place| {
            let place = place as f64;
            place + 1.0 >= waiting && place < waiting + 0.5
        });
        self.seen.inserts += 1;
        self.seen.short += u64::from(just_now);
        self.seen.lost += u64::from(left_main);
        if self.seen.inserts >= 16 {
            let seen = std::mem::take(&mut self.seen);
            scale.report(seen, self.held.len(), || self.queue());
        }
    }

    /// The small queue as it stands: up to 64 tickets, evenly spread, those of them that are good.
    fn queue(&self) -> Queue {
        let samples = self.small.len().min(64);
        let tickets = (0..samples).map(|sample| self.small[sample * self.small.len() / samples]);
        Queue {
            weight: self.small_weight(),
            of: self.total(),
            sample: tickets
                .filter_map(|(entry, hash)| Some(self.good(entry, hash)?.uses > 0))
                .collect(),
        }
    }

    /// The entry of a ticket, if that is still what it was written for.
    fn good(&self, entry: Ref, hash: u32) -> Option<Held> {
        let held = self.held.get(&entry).copied()?;
        (held.young && held.hash == hash).then_some(held)
    }

    /// Who has to go.
    pub(super) fn victim(
        &mut self,
        keep: Option<Ref>,
        scale: &Scale,
        shelves: &impl Shelves,
    ) -> Option<Ref> {
        if let Some(entry) = self.never_hit(keep, scale) {
            self.ways.never_hit += 1;
            return Some(entry);
        }
        if let Some(entry) = self.sweep(keep, shelves) {
            let hash = self.held[&entry].hash;
            self.left_main.insert(shelves.home(hash), hash);
            return Some(entry);
        }
        self.ways.cut_short += 1;
        for _ in 0..self.small.len() {
            let (entry, hash) = self.small.pop_front()?;
            if keep == Some(entry) {
                if self.held[&entry].young {
                    self.small.push_back((entry, hash));
                }
            } else if self.good(entry, hash).is_some() {
                return Some(entry);
            }
        }
        None
    }

    /// The first of the small queue that was not hit, while that is larger than it should be.
    fn never_hit(&mut self, keep: Option<Ref>, scale: &Scale) -> Option<Ref> {
        for _ in 0..64 {
            let (small, total) = (self.small_weight(), self.total());
            if small <= scale.room(total) && small < total {
                return None;
            }
            let (entry, hash) = self.small.pop_front()?;
            let young = self.held.get(&entry).is_some_and(|held| held.young);
            match self.good(entry, hash) {
                _ if young && keep == Some(entry) => self.small.push_back((entry, hash)),
                None => self.ways.void += 1,
                Some(held) if held.uses == 0 => return Some(entry),
                Some(_) => {
                    self.set(entry, |held| (held.uses, held.young) = (0, false));
                    self.ways.promoted += 1;
                }
            }
        }
        None
    }

    /// The next of main that has no uses left, as the hand takes one from each that it passes; after 64 buckets, whoever it
    /// saw with the fewest.
    fn sweep(&mut self, keep: Option<Ref>, shelves: &impl Shelves) -> Option<Ref> {
        let mut least: Option<(u32, Ref)> = None;
        for swept in 0..=shelves.count() {
            if swept >= 64 && least.is_some() {
                break;
            }
            for (place, entry) in shelves.shelf(self.hand) {
                let held = self.held[&entry];
                if place < self.passed {
                    continue;
                }
                if held.uses > 0 {
                    self.set(entry, |held| held.uses -= 1);
                    if keep != Some(entry) && least.is_none_or(|(uses, _)| held.uses < uses) {
                        least = Some((held.uses, entry));
                    }
                } else if keep != Some(entry) && !held.young {
                    self.passed = place + 1;
                    self.ways.swept += 1;
                    return Some(entry);
                }
            }
            self.hand = (self.hand + 1) % shelves.count();
            self.passed = 0;
        }
        self.ways.least_used += u32::from(least.is_some());
        Some(least?.1)
    }

    pub(super) fn remove(&mut self, entry: Ref) {
        self.held.remove(&entry);
    }

    pub(super) fn reweigh(&mut self, entry: Ref, weight: u64) {
        self.set(entry, |held| held.weight = weight);
    }

    /// An entry has another name from now on. Its place in the small queue is lost.
    pub(super) fn relocate(&mut self, from: Ref, entry: Ref) {
        let held = self.held.remove(&from).expect("the entry is held");
        self.held.insert(entry, held);
        if held.young {
            self.small.push_back((entry, held.hash));
        }
    }

    /// All of it goes; what came to pass stays counted.
    pub(super) fn clear(&mut self) {
        *self = Naive {
            ways: self.ways,
            ..Naive::default()
        };
    }
}
