//! `Cell`: what one key has spent under one rule, and the arithmetic on it.
//!
//! Pure: time is an argument, in nanoseconds; whole numbers only, so nothing drifts. A cell of zeros is a new key's.
//!
//! * **Pace** (token bucket, GCRA). One call weighs `period` units; `limit` units flow back per nanosecond. So a rate of
//!   3 per second is exact without a fraction. `spent` never exceeds `burst x period`.
//! * **Fixed window**: its start and a count. It starts with the first call.
//! * **Sliding window**: start, count, and the count of the window before. Calls of that one count by the part that the
//!   sliding window still covers, rounded up.
//! * **Sliding log**: time and cost of every call within the period, oldest first.
//!
//! Every question begins with [`Cell::advance`], which brings the state to now. A clock that jumps back never gives back
//! what was spent, and never lets a key wait longer than its rule could make it wait: the state is moved back with it.
//! A step back by less than [`DOUBT`] is no jump: two readings of different clocks may differ so.
//!
//! Cost: O(1); for the log O(calls that leave or, refused, that have to leave).

use std::collections::VecDeque;

use super::rule::{Kind, Nanos, Rule};

/// Less than this back is a doubt between readings: time then stands still for the key.
const DOUBT: Nanos = 1_000_000_000;

/// How long a call has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wait {
    Nanos(Nanos),
    /// It costs more than the rule ever allows.
    Forever,
}

/// The calls of a sliding log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Log {
    /// When, and what they cost; oldest first.
    calls: VecDeque<(Nanos, u64)>,
    /// The sum of their costs.
    used: u64,
}

/// What a state says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// How long the call that was asked about has to wait; `None` if it need not.
    pub(super) wait: Option<Wait>,
    /// How many more calls would be allowed now.
    pub(super) remaining: u64,
    /// After how long the state is as new.
    pub(super) reset: Nanos,
}

/// See the module's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Units spent, at a time.
    Pace {
        spent: [u64; 2],
        at: Nanos,
    },
    /// A window that began at a time, its count, and that of the one before.
    Window {
        start: Nanos,
        used: u64,
        before: u64,
    },
    Log(Box<Log>),
}

impl Cell {
    /// A new key's.
    pub(super) fn new(rule: &Rule) -> Self {
        match rule.kind {
            Kind::Pace => Cell::Pace {
                spent: [0; 2],
                at: 0,
            },
            Kind::FixedWindow | Kind::SlidingWindow => Cell::Window {
                start: 0,
                used: 0,
                before: 0,
            },
            Kind::SlidingLog => Cell::Log(Box::default()),
        }
    }

    /// Brings the state to now.
    #[inline]
    pub(super) fn advance(&mut self, rule: &Rule, now: Nanos) {
        let period = rule.nanos;
        match self {
            Cell::Pace { spent, at } => {
                let then = settle(*at, now);
                let back = u128::from(now.saturating_sub(then)) * u128::from(rule.limit);
                let left = wide(*spent).saturating_sub(back).min(capacity(rule));
                (*spent, *at) = (narrow(left), now.max(then));
            }
            Cell::Window {
                start,
                used,
                before,
            } => {
                *start = settle(*start, now);
                let age = now.saturating_sub(*start);
                if age >= period {
                    let follows = rule.kind == Kind::SlidingWindow && age - period < period;
                    *before = if follows { *used } else { 0 };
                    *start = if follows { *start + period } else { now };
                    *used = 0;
                }
            }
            Cell::Log(log) => log.advance(period, now),
        }
    }

    /// How long a call of this cost has to wait; `None` if it need not.
    #[inline]
    pub(super) fn wait(&self, rule: &Rule, now: Nanos, cost: u64) -> Option<Wait> {
        if cost == 0 {
            return None;
        }
        if cost > rule.burst {
            return Some(Wait::Forever);
        }
        let period = rule.nanos;
        let wait = match self {
            Cell::Pace { spent, .. } => {
                let wanted = wide(*spent).saturating_add(units(cost, period));
                let over = wanted.saturating_sub(capacity(rule));
                ceiling(over, rule.limit)
            }
            Cell::Window { start, used, .. } if rule.kind == Kind::FixedWindow => {
                let fits = used.saturating_add(cost) <= rule.limit;
                if fits { 0 } else { until(*start, period, now) }
            }
            Cell::Window {
                start,
                used,
                before,
            } => sliding_wait((*start, *used, *before), rule, now, cost),
            Cell::Log(log) => log.wait(rule.limit - cost, period, now),
        };
        (wait > 0).then_some(Wait::Nanos(wait))
    }

    /// Charges a call, as far as the limit reaches.
    #[inline]
    pub(super) fn spend(&mut self, rule: &Rule, now: Nanos, cost: u64) {
        match self {
            Cell::Pace { spent, .. } => {
                let sum = wide(*spent).saturating_add(units(cost, rule.nanos));
                *spent = narrow(sum.min(capacity(rule)));
            }
            Cell::Window {
                start,
                used,
                before,
            } => {
                if *used == 0 && *before == 0 {
                    *start = now;
                }
                *used = used.saturating_add(cost).min(rule.limit);
            }
            Cell::Log(log) => log.push(now, cost.min(rule.limit.saturating_sub(log.used))),
        }
    }

    /// Gives back what a call was charged, as far as it is still charged.
    pub(super) fn refund(&mut self, rule: &Rule, cost: u64) {
        match self {
            Cell::Pace { spent, .. } => {
                let paid = units(cost, rule.nanos);
                *spent = narrow(wide(*spent).saturating_sub(paid));
            }
            Cell::Window { used, before, .. } => {
                let rest = cost.saturating_sub(*used);
                *used = used.saturating_sub(cost);
                *before = before.saturating_sub(rest);
            }
            Cell::Log(log) => log.pop(cost),
        }
    }

    /// What the state says to a call that has to wait for so long.
    #[inline]
    pub(super) fn verdict(&self, rule: &Rule, now: Nanos, wait: Option<Wait>) -> Verdict {
        Verdict {
            wait,
            remaining: self.remaining(rule, now),
            reset: self.reset(rule, now),
        }
    }

    /// How many more calls would be allowed now.
    #[inline]
    pub(super) fn remaining(&self, rule: &Rule, now: Nanos) -> u64 {
        let period = rule.nanos;
        match self {
            Cell::Pace { spent, .. } => {
                let room = capacity(rule).saturating_sub(wide(*spent));
                quotient(room, period)
            }
            Cell::Window {
                start,
                used,
                before,
            } => {
                let covered = until(*start, period, now);
                let weighed = ceiling(units(*before, covered), period);
                rule.limit.saturating_sub(used.saturating_add(weighed))
            }
            Cell::Log(log) => rule.limit.saturating_sub(log.used),
        }
    }

    /// After how long the state is as new.
    #[inline]
    pub(super) fn reset(&self, rule: &Rule, now: Nanos) -> Nanos {
        let period = rule.nanos;
        match self {
            Cell::Pace { spent, .. } => ceiling(wide(*spent), rule.limit),
            Cell::Window {
                used: 0, before: 0, ..
            } => 0,
            Cell::Window { start, used, .. } => {
                let windows = u64::from(*used > 0 && rule.kind == Kind::SlidingWindow);
                until(*start, period, now).saturating_add(windows * period)
            }
            Cell::Log(log) => log
                .calls
                .back()
                .map_or(0, |(at, _)| until(*at, period, now)),
        }
    }
}

impl Log {
    fn advance(&mut self, period: Nanos, now: Nanos) {
        if let Some((newest, _)) = self.calls.back()
            && settle(*newest, now) != *newest
        {
            self.calls
                .iter_mut()
                .for_each(|(at, _)| *at = (*at).min(now));
        }
        while let Some((at, cost)) = self.calls.front()
            && now.saturating_sub(*at) >= period
        {
            self.used = self.used.saturating_sub(*cost);
            self.calls.pop_front();
        }
    }

    /// How long until no more than `room` is used.
    fn wait(&self, room: u64, period: Nanos, now: Nanos) -> Nanos {
        let mut used = self.used;
        let mut wait = 0;
        for (at, cost) in &self.calls {
            if used <= room {
                break;
            }
            used = used.saturating_sub(*cost);
            wait = until(*at, period, now);
        }
        wait
    }

    fn push(&mut self, now: Nanos, cost: u64) {
        if cost == 0 {
            return;
        }
        self.used += cost;
        match self.calls.back_mut() {
            Some((at, last)) if *at >= now => *last += cost,
            _ => self.calls.push_back((now, cost)),
        }
    }

    fn pop(&mut self, cost: u64) {
        let mut left = cost;
        while left > 0
            && let Some((_, last)) = self.calls.back_mut()
        {
            let back = left.min(*last);
            *last -= back;
            left -= back;
            self.used -= back;
            if *last == 0 {
                self.calls.pop_back();
            }
        }
    }
}

/// The wait of a sliding window whose state is (start, used, before). The cost is within the limit.
fn sliding_wait(
    (start, used, before): (Nanos, u64, u64),
    rule: &Rule,
    now: Nanos,
    cost: u64,
) -> Nanos {
    let period = rule.nanos;
    let covered = until(start, period, now);
    let room = rule.limit - cost;
    if let Some(room) = room.checked_sub(used) {
        return covered.saturating_sub(may_cover(before, room, period));
    }
    // Not in this window. In the next, what is used now counts as what came before.
    covered.saturating_add(period.saturating_sub(may_cover(used, room, period)))
}

/// How much of a window with so many calls may be covered if no more than `room` of them may count.
fn may_cover(calls: u64, room: u64, period: Nanos) -> Nanos {
    let covers = units(room, period).checked_div(u128::from(calls));
    covers.map_or(period, |covers| {
        u64::try_from(covers).unwrap_or(u64::MAX).min(period)
    })
}

/// A time of the past on a clock that reads `now`: a jump back takes it along.
#[inline]
fn settle(then: Nanos, now: Nanos) -> Nanos {
    if then > now && then - now > DOUBT {
        now
    } else {
        then
    }
}

/// How long until a period that began at `start` ends.
#[inline]
fn until(start: Nanos, period: Nanos, now: Nanos) -> Nanos {
    period.saturating_sub(now.saturating_sub(start))
}

/// What a rule's pace allows at once.
#[inline]
fn capacity(rule: &Rule) -> u128 {
    units(rule.burst, rule.nanos)
}

#[inline]
fn units(calls: u64, period: Nanos) -> u128 {
    u128::from(calls) * u128::from(period)
}

#[inline]
fn wide([high, low]: [u64; 2]) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

#[inline]
fn narrow(wide: u128) -> [u64; 2] {
    [(wide >> 64) as u64, wide as u64]
}

/// A quotient, rounded down. Most are of 64 bits, several times cheaper than those of 128.
#[inline]
fn quotient(dividend: u128, divisor: u64) -> u64 {
    match u64::try_from(dividend) {
        Ok(dividend) => dividend.checked_div(divisor).unwrap_or(u64::MAX),
        Err(_) => dividend
            .checked_div(u128::from(divisor))
            .and_then(|quotient| u64::try_from(quotient).ok())
            .unwrap_or(u64::MAX),
    }
}

/// A quotient, rounded up; of zero it is zero whatever the divisor.
#[inline]
fn ceiling(dividend: u128, divisor: u64) -> u64 {
    match dividend.checked_sub(1) {
        None => 0,
        Some(less) => quotient(less, divisor).saturating_add(1),
    }
}
