//! `Cells`: what one key has spent, a cell per rule, as a cache's entry holds it.
//!
//! A lone rule's cell is three words that are read and exchanged as one, so that a check needs its stripe's lock only for
//! reading. Several rules, or a log, are changed under the lock for writing.

use crossbeam_utils::atomic::AtomicCell;

use super::meter::{Cell, Words};
use super::rule::{Kind, Rule};

/// See the module's text.
#[derive(Debug)]
pub(super) enum Cells {
    One(AtomicCell<Words>),
    Several(Box<[Cell]>),
}

/// The rule whose cell is words, if it is alone.
#[inline]
pub(super) fn lone(rules: &[Rule]) -> Option<&Rule> {
    match rules {
        [rule] if rule.kind != Kind::SlidingLog => Some(rule),
        _ => None,
    }
}

impl Cells {
    /// A new key's.
    pub(super) fn new(rules: &[Rule]) -> Self {
        match lone(rules) {
            Some(_) => Cells::One(AtomicCell::new([0; 3])),
            None => Cells::Several(rules.iter().map(Cell::new).collect()),
        }
    }

    /// Runs `work` on the cell of a lone rule, again if another thread changed it meanwhile.
    #[inline]
    pub(super) fn share<R>(&self, rule: &Rule, work: impl Fn(&mut Cell) -> R) -> Option<R> {
        let Cells::One(shared) = self else {
            return None;
        };
        let mut before = shared.load();
        loop {
            let mut cell = Cell::of(rule, before);
            let result = work(&mut cell);
            let after = cell.words();
            if after == before {
                return Some(result);
            }
            match shared.compare_exchange(before, after) {
                Ok(_) => return Some(result),
                Err(now) => before = now,
            }
        }
    }

    /// Runs `work` on all cells.
    pub(super) fn change<R>(&mut self, rules: &[Rule], work: impl FnOnce(&mut [Cell]) -> R) -> R {
        match self {
            Cells::One(shared) => {
                let rule = rules.first().expect("a limiter has a rule");
                let mut cell = Cell::of(rule, shared.load());
                let result = work(std::slice::from_mut(&mut cell));
                shared.store(cell.words());
                result
            }
            Cells::Several(cells) => work(cells),
        }
    }
}

impl Clone for Cells {
    fn clone(&self) -> Self {
        match self {
            Cells::One(shared) => Cells::One(AtomicCell::new(shared.load())),
            Cells::Several(cells) => Cells::Several(cells.clone()),
        }
    }
}
