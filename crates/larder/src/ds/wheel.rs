//! `Wheel`: a hierarchical timer wheel of bare references.
//!
//! Six levels of 64 slots; a slot of level `k` spans `8^k` ticks. A timer goes to the lowest level whose 64 slots
//! reach its tick, and its slot is *opened* when the wheel comes to the slot's first tick: the caller then looks at
//! the entry's present deadline and reaps it, files it again (it lands at a lower level), or drops the timer because
//! the entry is gone. So nothing is ever unlinked, and entries hold no links: cancelling and prolonging are free.
//! What lies beyond the last level waits in its last slot and is filed again from there.
//!
//! ```text
//! level   0        1       2       3       4        5
//! slot    10 ms    80 ms   640 ms  5.1 s   41 s     5.5 min      (at ticks of 10 ms)
//! reach   0.64 s   5.1 s   41 s    5.5 min 44 min   5.8 h
//! ```
//!
//! A slot is a chain of 128-byte chunks of references: 4.13 bytes a timer when full. Filing is O(1) and allocates
//! at most one chunk block; opening is O(1) per reference. After Varghese and Lauck, with the lazy cancelling that
//! suits caches; unlike Linux' wheel it cascades, to be exact to the tick.

use super::Ref;

const LEVELS: usize = 6;
const SLOTS: usize = 64;
/// Each level is 2^3 times coarser than the one below.
const STEP_BITS: u32 = 3;
/// References of a chunk: with its link it fills two cache lines.
const CHUNK: usize = 31;
/// Chunks allocated at once: 8 KiB, so that growing never copies.
const BLOCK: usize = 64;
const NIL: u32 = u32::MAX;

struct Chunk {
    next: u32,
    refs: [Ref; CHUNK],
}

#[derive(Clone, Copy)]
struct Slot {
    /// First chunk, the only one that may be partly filled.
    head: u32,
    /// References in the first chunk.
    fill: u32,
}

/// A timer wheel; see the module's text. Time is in ticks.
pub(crate) struct Wheel {
    /// Every slot that begins at or before this tick was opened.
    now: u64,
    slots: [[Slot; SLOTS]; LEVELS],
    /// One bit per slot that holds something.
    filled: [u64; LEVELS],
    blocks: Vec<Box<[Chunk; BLOCK]>>,
    /// Chain of unused chunks.
    unused: u32,
    /// Per level, what its opened slot held and [`Self::pop`] has not handed out.
    open: [Slot; LEVELS],
    timers: u32,
}

const EMPTY: Slot = Slot { head: NIL, fill: 0 };

impl Wheel {
    /// An empty wheel that stands at tick `now`.
    pub(crate) fn new(now: u64) -> Self {
        Wheel {
            now,
            slots: [[EMPTY; SLOTS]; LEVELS],
            filled: [0; LEVELS],
            blocks: Vec::new(),
            unused: NIL,
            open: [EMPTY; LEVELS],
            timers: 0,
        }
    }

    /// An empty wheel that stands where this one does.
    pub(crate) fn successor(&self) -> Self {
        Wheel::new(self.now)
    }

    /// Timers filed and not handed out, stale ones included.
    pub(crate) fn len(&self) -> u32 {
        self.timers
    }

    /// Bytes held beyond the wheel itself.
    pub(crate) fn bytes(&self) -> u64 {
        self.blocks.len() as u64 * (size_of::<[Chunk; BLOCK]>() + size_of::<usize>()) as u64
    }

    /// Files a timer for tick `due`; one that is past comes with the next tick.
    pub(crate) fn file(&mut self, reference: Ref, due: u64) {
        let due = due.max(self.now + 1);
        let (level, slot) = self.place(due);
        self.filled[level] |= 1 << slot;
        self.timers += 1;
        let mut chain = self.slots[level][slot];
        self.push(&mut chain, reference);
        self.slots[level][slot] = chain;
    }

    fn place(&self, due: u64) -> (usize, usize) {
        for level in 0..LEVELS {
            let shift = level as u32 * STEP_BITS;
            if (due >> shift) - (self.now >> shift) < SLOTS as u64 {
                return (level, (due >> shift) as usize % SLOTS);
            }
        }
        let shift = (LEVELS - 1) as u32 * STEP_BITS;
        (
            LEVELS - 1,
            ((self.now >> shift) as usize + SLOTS - 1) % SLOTS,
        )
    }

    fn chunk(&mut self, number: u32) -> &mut Chunk {
        &mut self.blocks[number as usize / BLOCK][number as usize % BLOCK]
    }

    fn push(&mut self, chain: &mut Slot, reference: Ref) {
        if chain.head == NIL || chain.fill as usize == CHUNK {
            let fresh = self.take_chunk();
            self.chunk(fresh).next = chain.head;
            *chain = Slot {
                head: fresh,
                fill: 0,
            };
        }
        let fill = chain.fill as usize;
        self.chunk(chain.head).refs[fill] = reference;
        chain.fill += 1;
    }

    fn take_chunk(&mut self) -> u32 {
        if self.unused == NIL {
            let first = (self.blocks.len() * BLOCK) as u32;
            let link = |i: usize| {
                if i + 1 == BLOCK {
                    NIL
                } else {
                    first + i as u32 + 1
                }
            };
            self.blocks.push(Box::new(std::array::from_fn(|i| Chunk {
                next: link(i),
                refs: [0; CHUNK],
            })));
            self.unused = first;
        }
        let taken = self.unused;
        self.unused = self.chunk(taken).next;
        taken
    }

    /// The next tick at which a slot opens: `Some(now)` where opened timers wait for [`Self::pop`].
    pub(crate) fn next_due(&self) -> Option<u64> {
        if self.open.iter().any(|chain| chain.head != NIL) {
            return Some(self.now);
        }
        (0..LEVELS).filter_map(|level| self.opens_at(level)).min()
    }

    /// First tick after `now` at which a filled slot of this level begins.
    fn opens_at(&self, level: usize) -> Option<u64> {
        let shift = level as u32 * STEP_BITS;
        let turn = self.now >> shift;
        let ahead = self.filled[level].rotate_right(((turn + 1) % SLOTS as u64) as u32);
        (ahead != 0).then(|| (turn + 1 + u64::from(ahead.trailing_zeros())) << shift)
    }

    /// Turns the wheel towards tick `now` and hands out one timer of an opened slot, or `None` once it stands at
    /// `now` with nothing open. The caller reaps the entry, or files the timer again for its present deadline.
    pub(crate) fn pop(&mut self, now: u64) -> Option<Ref> {
        loop {
            if let Some(level) = self.open.iter().position(|chain| chain.head != NIL) {
                self.timers -= 1;
                return Some(self.take(level));
            }
            match self.next_due() {
                Some(tick) if tick <= now => self.open_slots(tick),
                _ => {
                    self.now = self.now.max(now);
                    return None;
                }
            }
        }
    }

    /// The timer that [`Self::pop`] hands out after `ahead` others, if that is known without a look at the next chunk.
    #[inline]
    pub(crate) fn peek(&self, ahead: u32) -> Option<Ref> {
        let chain = self.open.iter().find(|chain| chain.head != NIL)?;
        let place = chain.fill.checked_sub(1 + ahead)?;
        let chunk = &self.blocks[chain.head as usize / BLOCK][chain.head as usize % BLOCK];
        Some(chunk.refs[place as usize])
    }

    /// Takes one reference out of a level's opened chain.
    fn take(&mut self, level: usize) -> Ref {
        let Slot { head, fill } = self.open[level];
        let unused = self.unused;
        let chunk = self.chunk(head);
        let reference = chunk.refs[fill as usize - 1];
        if fill > 1 {
            self.open[level].fill = fill - 1;
        } else {
            let next = std::mem::replace(&mut chunk.next, unused);
            self.unused = head;
            self.open[level] = Slot {
                head: next,
                fill: CHUNK as u32,
            };
        }
        reference
    }

    /// Steps to `tick` and opens every slot that begins there.
    fn open_slots(&mut self, tick: u64) {
        self.now = tick;
        for level in 0..LEVELS {
            let shift = level as u32 * STEP_BITS;
            if tick.trailing_zeros() < shift {
                break;
            }
            let slot = (tick >> shift) as usize % SLOTS;
            self.filled[level] &= !(1 << slot);
            self.open[level] = std::mem::replace(&mut self.slots[level][slot], EMPTY);
        }
    }

    /// Drops every timer.
    pub(crate) fn clear(&mut self) {
        *self = Wheel {
            blocks: std::mem::take(&mut self.blocks),
            ..Wheel::new(self.now)
        };
        for first in (0..self.blocks.len()).map(|block| (block * BLOCK) as u32) {
            for number in first..first + BLOCK as u32 {
                let unused = self.unused;
                self.chunk(number).next = unused;
                self.unused = number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// Turns the wheel to `now` as a shard does, and returns which references were due.
    fn turn(wheel: &mut Wheel, deadlines: &HashMap<Ref, u64>, now: u64) -> Vec<Ref> {
        let mut due = Vec::new();
        while let Some(reference) = wheel.pop(now) {
            match deadlines.get(&reference) {
                Some(&deadline) if deadline > wheel.now => wheel.file(reference, deadline),
                Some(_) => due.push(reference),
                None => {}
            }
        }
        due.sort_unstable();
        due
    }

    proptest! {
        #[test]
        fn every_timer_fires_at_its_tick_and_cancelled_ones_never(
            start in 0..1u64 << 40,
            timers in prop::collection::vec((1..200u64, 0..22u32, any::<bool>()), 1..400),
            steps in prop::collection::vec(1..50_000u64, 1..60),
        ) {
            let mut wheel = Wheel::new(start);
            let mut deadlines = HashMap::new();
            for (reference, &(delta, power, cancelled)) in timers.iter().enumerate() {
                let due = start + (delta << power >> 4) + 1;
                wheel.file(reference as u32, due);
                if !cancelled {
                    deadlines.insert(reference as u32, due);
                }
            }
            let mut now = start;
            for step in steps {
                now += step;
                let mut expected: Vec<Ref> =
                    deadlines.iter().filter(|d| *d.1 <= now).map(|d| *d.0).collect();
                expected.sort_unstable();
                // Nothing fires before its tick: turning to just before the first deadline yields nothing new.
                let due = turn(&mut wheel, &deadlines, now);
                prop_assert_eq!(&due, &expected);
                for reference in due {
                    deadlines.remove(&reference);
                }
                prop_assert!(wheel.next_due().is_none_or(|tick| tick > now));
            }
        }
    }

    #[test]
    fn a_timer_opens_no_later_than_its_tick_and_is_exact_after_refiling() {
        let mut wheel = Wheel::new(0);
        let deadlines = HashMap::from([(7, 1_000_003)]);
        wheel.file(7, 1_000_003);
        assert!(turn(&mut wheel, &deadlines, 1_000_002).is_empty());
        assert_eq!(wheel.next_due(), Some(1_000_003));
        assert_eq!(turn(&mut wheel, &deadlines, 1_000_003), [7]);
        assert_eq!(wheel.len(), 0);
    }

    #[test]
    fn a_peek_sees_what_is_popped_later() {
        let mut wheel = Wheel::new(0);
        (0..70).for_each(|reference| wheel.file(reference, 5));
        assert_eq!(wheel.peek(0), None);
        let (mut popped, mut peeked) = (Vec::new(), HashMap::new());
        while let Some(reference) = wheel.pop(5) {
            popped.push(reference);
            if let Some(later) = wheel.peek(3) {
                peeked.insert(popped.len() + 3, later);
            }
        }
        assert_eq!((popped.len(), peeked.len()), (70, 60));
        assert!(
            peeked
                .iter()
                .all(|(place, reference)| popped[*place] == *reference)
        );
    }

    #[test]
    fn chunks_are_used_again() {
        let mut wheel = Wheel::new(0);
        for round in 0..50u64 {
            for reference in 0..5000 {
                wheel.file(reference, round * 100 + 50);
            }
            assert!(turn(&mut wheel, &HashMap::new(), (round + 1) * 100).is_empty());
        }
        assert!(wheel.bytes() < 5000 * 5 + 3 * 8192);
        wheel.file(1, 1_000_000);
        wheel.clear();
        assert_eq!((wheel.next_due(), wheel.len()), (None, 0));
    }
}
