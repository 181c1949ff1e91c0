//! `Scale`: how the small queue's part of the room is learnt, as a plain model of `balance.rs`.

/// Parts are counted in 65,536ths; a tenth is usual.
pub(super) const WHOLE: u64 = 65_536;
pub(super) const USUAL: u64 = WHOLE / 10;
const LEAST: u64 = WHOLE / 100;
const MOST: u64 = WHOLE / 10 * 9;

/// Inserts that cost another entry, those of them that a longer small queue would have spared, and those that a larger main
/// would have.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) inserts: u64,
    pub(super) short: u64,
    pub(super) lost: u64,
}

/// A small queue at the moment of a decision.
pub(super) struct Queue {
    pub(super) weight: u64,
    pub(super) of: u64,
    /// Whether each of the entries looked at was hit.
    pub(super) sample: Vec<bool>,
}

/// The part, and what was seen since it was last decided about.
pub(super) struct Scale {
    pub(super) part: u64,
    pub(super) decisions: u32,
    seen: Seen,
    stripes: u64,
}

impl Scale {
    pub(super) fn new(stripes: usize) -> Self {
        Scale {
            part: USUAL,
            decisions: 0,
            seen: Seen::default(),
            stripes: stripes as u64,
        }
    }

    /// The room of a small queue in a stripe that weighs so much.
    pub(super) fn room(&self, total: u64) -> u64 {
        total * self.part / WHOLE
    }

    /// Adds what a stripe of so many entries saw, and decides if it is time. A period lasts until a 64th of all entries was
    /// replaced, and on while fewer than 16 misses speak, but not beyond one full turn.
    pub(super) fn report(&mut self, more: Seen, entries: usize, queue: impl FnOnce() -> Queue) {
        self.seen.inserts += more.inserts;
        self.seen.short += more.short;
        self.seen.lost += more.lost;
        let all = entries as u64 * self.stripes;
        let Seen {
            inserts,
            short,
            lost,
        } = self.seen;
        let speaks = short + lost >= 16;
        if inserts < 64 || inserts < all / 64 || !speaks && inserts < all {
            return;
        }
        let seen = std::mem::take(&mut self.seen);
        if speaks && 100 * (short + lost) >= inserts {
            self.part = self.next(seen, &queue()).clamp(LEAST, MOST);
            self.decisions += 1;
        }
    }

    fn next(
        &self,
        Seen {
            inserts,
            short,
            lost,
        }: Seen,
        queue: &Queue,
    ) -> u64 {
        let (part, room) = (self.part, self.room(queue.of));
        if short >= 3 * lost {
            let is_large = queue.weight > queue.of * (USUAL + USUAL / 2) / WHOLE;
            let hits = queue.sample.iter().filter(|hit| **hit).count() as u64;
            let earns_its_room = hits * inserts >= short * queue.sample.len() as u64;
            let has_followed = queue.weight + queue.weight / 4 >= room;
            match (is_large && !earns_its_room, has_followed) {
                (true, _) => self.towards_usual(part / 5),
                (_, false) => part,
                _ if short >= 8 * lost => 2 * part,
                _ => part + part / 4,
            }
        } else if 4 * short > 3 * lost {
            self.towards_usual(part / 20)
        } else if queue.weight > room + room / 4 + 1 {
            part
        } else {
            part - part / 5
        }
    }

    fn towards_usual(&self, step: u64) -> u64 {
        if self.part > USUAL {
            USUAL.max(self.part - step)
        } else {
            USUAL.min(self.part + step)
        }
    }
}
