//! A wheel in lockstep with a map of deadlines that come, move, go and fall due between its turns.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::ds::Ref;
use crate::ds::wheel::Wheel;

#[derive(Clone, Debug)]
enum Op {
    /// A deadline so far away; a timer is filed where none comes before it.
    Date(Ref, u64),
    /// The deadline is taken off. Its timer stays.
    Cancel(Ref),
    Turn(u64),
    /// As far as the wheel asks to be turned.
    Wait,
    Clear,
    /// Another wheel takes over, with one timer for each deadline.
    Replace,
}

fn op() -> impl Strategy<Value = Op> {
    let delta = || (1..200u64, 0..26u32).prop_map(|(delta, power)| (delta << power) >> 6);
    prop_oneof![
        12 => (0..200 as Ref, delta()).prop_map(|(entry, delta)| Op::Date(entry, delta)),
        3 => (0..200 as Ref).prop_map(Op::Cancel),
        6 => delta().prop_map(Op::Turn),
        3 => Just(Op::Wait),
        1 => prop::bool::weighted(0.2).prop_map(|yes| if yes { Op::Clear } else { Op::Wait }),
        1 => Just(Op::Replace),
    ]
}

/// A wheel beside the deadlines that it should keep.
struct Lockstep {
    wheel: Wheel,
    now: u64,
    deadlines: BTreeMap<Ref, u64>,
    /// Timers that were filed and have not come.
    timers: Vec<(Ref, u64)>,
}

impl Lockstep {
    fn file(&mut self, entry: Ref, due: u64) {
        self.wheel.file(entry, due);
        self.timers.push((entry, due));
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Date(entry, delta) => {
                // What is past comes with the next tick.
                let due = self.now + delta.max(1);
                let before = self.deadlines.insert(entry, due);
                if before.is_none_or(|before| due < before) {
                    self.file(entry, self.now + delta);
                }
            }
            Op::Cancel(entry) => _ = self.deadlines.remove(&entry),
            Op::Turn(step) => self.turn(self.now + step),
            Op::Wait => {
                if let Some(due) = self.wheel.next_due() {
                    self.turn(due.max(self.now));
                }
            }
            Op::Clear => {
                self.wheel.clear();
                self.timers.clear();
                self.deadlines.clear();
            }
            Op::Replace => {
                self.wheel = self.wheel.successor();
                self.timers.clear();
                let deadlines = self.deadlines.clone();
                deadlines
                    .into_iter()
                    .for_each(|(entry, due)| self.file(entry, due));
            }
        }
    }

    /// Turns the wheel as a shard does: reaps what is due, files again what has a later deadline, skips the rest.
    fn turn(&mut self, now: u64) {
        self.now = now;
        let mut reaped = Vec::new();
        while let Some(entry) = self.wheel.pop(now) {
            let at = self.timers.iter().position(|timer| timer.0 == entry);
            self.timers.swap_remove(at.expect("a timer that was filed"));
            match self.deadlines.get(&entry) {
                Some(&due) if due > now => self.file(entry, due),
                Some(&due) => {
                    reaped.push((entry, due));
                    self.deadlines.remove(&entry);
                }
                None => {}
            }
        }
        let late: Vec<_> = self
            .deadlines
            .iter()
            .filter(|deadline| *deadline.1 <= now)
            .collect();
        assert_eq!(late, [], "due at {now} and not handed out");
        assert!(reaped.iter().all(|deadline| deadline.1 <= now));
    }

    fn assert_invariants(&self) {
        assert_eq!(self.wheel.len() as usize, self.timers.len());
        let first = self.deadlines.values().min().copied();
        let next = self.wheel.next_due();
        if let Some(first) = first {
            let next = next.expect("a deadline has a timer");
            assert!(
                next <= first.max(self.now + 1),
                "asks for {next}, {first} is due"
            );
        }
        assert!(
            next.is_none_or(|next| next > self.now),
            "it was turned to the end"
        );
    }
}

proptest! {
    #[test]
    fn a_wheel_hands_out_what_is_due_whatever_came_moved_and_went_meanwhile(
        start in prop_oneof![Just(0u64), 0..1u64 << 40],
        ops in prop::collection::vec(op(), 1..500),
    ) {
        let mut lockstep = Lockstep {
            wheel: Wheel::new(start),
            now: start,
            deadlines: BTreeMap::new(),
            timers: Vec::new(),
        };
        for op in ops {
            lockstep.apply(&op);
            lockstep.assert_invariants();
        }
        lockstep.turn(lockstep.now + (1 << 33));
        prop_assert!(lockstep.deadlines.is_empty());
        prop_assert_eq!(lockstep.wheel.len(), 0);
    }
}
