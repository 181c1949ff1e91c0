//! `Terms`: what a limiter was built with, and how it decides by several rules.

use std::borrow::Cow;
use std::time::Duration;

use crate::cache::Cache;
use crate::time::{Clock, DOUBT_MS};

use super::decision::Decision;
use super::meter::{Cell, Verdict, Wait};
use super::packing::Deed;
use super::rule::{Nanos, Rule};
use super::states::{Keep, Keeper, Kept, NANOS_PER_MILLI};

/// How much the coarse clock may lag behind the present.
const DOUBT: Nanos = DOUBT_MS * NANOS_PER_MILLI;

/// A key's limit under a rule.
pub(super) type Quota<K> = Box<dyn Fn(&K, &Rule) -> u64 + Send + Sync>;

/// What a limiter was built with.
pub(super) struct Terms<K> {
    pub(super) rules: Box<[Rule]>,
    pub(super) quota: Option<Quota<K>>,
    pub(super) keep: Keep,
    pub(super) clock: Clock,
}

impl<K> Terms<K> {
    /// The rules as they are for a key.
    #[inline]
    pub(super) fn rules_for(&self, key: impl FnOnce() -> K) -> Cow<'_, [Rule]> {
        match &self.quota {
            None => Cow::Borrowed(&self.rules),
            Some(quota) => {
                let key = key();
                let scaled = |rule: &Rule| rule.scaled(quota(&key, rule));
                Cow::Owned(self.rules.iter().map(scaled).collect())
            }
        }
    }

    pub(super) fn keeper<'a, T>(&'a self, states: &'a Cache<K, Kept<T>>) -> Keeper<'a, K, T> {
        Keeper {
            states,
            keep: self.keep,
            clock: &self.clock,
        }
    }

    /// Asks at a time that may lag behind; where it refuses a call that the present may allow, asks again then.
    #[inline(always)]
    pub(super) fn ask<A: Answer>(&self, now: Nanos, at: impl Fn(Nanos) -> A) -> A {
        let answer = at(now);
        if answer.stands() {
            return answer;
        }
        at(self.clock.fine_nanos())
    }
}

/// What a call is told at a time that may lag behind the present.
pub(super) trait Answer {
    /// Whether the present would say the same.
    fn stands(&self) -> bool;
}

impl Answer for Verdict {
    #[inline(always)]
    fn stands(&self) -> bool {
        match self.wait {
            Some(Wait::Nanos(wait)) => wait > DOUBT,
            Some(Wait::Forever) | None => true,
        }
    }
}

impl Answer for Decision {
    fn stands(&self) -> bool {
        let doubt = Duration::from_nanos(DOUBT);
        self.retry_after.is_none_or(|wait| wait > doubt)
    }
}

/// Does a deed to the cells of all rules.
pub(super) fn turn(rules: &[Rule], cells: &mut [Cell], now: Nanos, deed: Deed) -> Decision {
    let cost = match deed {
        Deed::Check(cost) => cost,
        Deed::Charge(_) | Deed::Refund(_) => 0,
    };
    let refused = refusal(rules, cells, now, cost);
    for (rule, cell) in rules.iter().zip(&mut *cells) {
        match deed {
            Deed::Check(_) if refused.is_some() => {}
            Deed::Check(cost) | Deed::Charge(cost) => cell.spend(rule, now, cost),
            Deed::Refund(cost) => cell.refund(rule, cost),
        }
    }
    Decision::over(rules, cells, now, refused)
}

/// What a call of this cost would be told.
pub(super) fn foresee(rules: &[Rule], mut cells: Box<[Cell]>, now: Nanos, cost: u64) -> Decision {
    let refused = refusal(rules, &mut cells, now, cost);
    Decision::over(rules, &cells, now, refused)
}

/// The rule that makes a call wait longest, if any does, after the states were brought to now.
fn refusal(rules: &[Rule], cells: &mut [Cell], now: Nanos, cost: u64) -> Option<(usize, Wait)> {
    let mut longest = None;
    for (place, (rule, cell)) in rules.iter().zip(cells).enumerate() {
        cell.advance(rule, now);
        if let Some(wait) = cell.wait(rule, now, cost)
            && longest.is_none_or(|(_, other)| wait > other)
        {
            longest = Some((place, wait));
        }
    }
    longest
}
