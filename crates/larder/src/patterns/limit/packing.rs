//! `Packing`: what one key has spent under a lone rule, in one word, and the arithmetic on it.
//!
//! ```text
//! pace      when all that was spent will have flowed back, in ticks; a tick is the 1/rate part of a nanosecond
//! window    [ start | calls of the window before, if it counts | calls ]     start in nanoseconds or milliseconds
//! ```
//!
//! A word is changed by compare-and-swap, so a check needs its stripe's lock only for reading, and a refused call writes
//! nothing. The arithmetic is that of [`Cell`], exactly; rules whose numbers do not fit ([`Packing::of`]) have cells.
//!
//! A pace is kept exactly although its word has no fraction: `limit / period` is reduced to `rate / price`, then a call
//! weighs `price` ticks and `rate` of them flow back in a nanosecond.
//!
//! Times wrap around. They are read right as long as a word is not looked at later than [`horizon`] after its last change,
//! which the keeper of the words sees to.

use std::sync::atomic::{AtomicU64, Ordering};

use super::meter::{Cell, Verdict, Wait};
use super::rule::{Kind, Nanos, Rule};

const NANOS_PER_MILLI: Nanos = 1_000_000;

/// What is done to a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// A call is charged if it is allowed.
    Check(u64),
    /// A cost is charged as far as the limit reaches.
    Charge(u64),
    /// A cost is given back.
    Refund(u64),
}

/// See the module's text.
#[derive(Clone, Debug)]
pub(super) enum Packing {
    Pace(Pace),
    Window(Window),
}

/// The numbers of a pace; see the module's text.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    rate: u64,
    price: u64,
    /// What may be spent at once.
    capacity: u64,
    /// 2⁶⁴ divided by the price, and by the rate.
    inverses: [u64; 2],
}

/// Where a window's numbers stand in its word.
#[derive(Clone, Debug)]
pub(super) struct Window {
    kind: Kind,
    /// Of one count.
    bits: u32,
    /// Of all counts.
    counts: u32,
    /// What the start is counted in.
    unit: Nanos,
}

impl Packing {
    /// How a rule's states are packed if nobody looks at one later than `horizon` after its last change; `None` if its
    /// numbers do not fit.
    pub(super) fn of(rule: &Rule, horizon: Nanos) -> Option<Self> {
        match rule.kind {
            Kind::SlidingLog => None,
            Kind::Pace => Pace::of(rule, horizon).map(Packing::Pace),
            Kind::FixedWindow | Kind::SlidingWindow => {
                Window::of(rule, horizon).map(Packing::Window)
            }
        }
    }

    /// A new key's word.
    pub(super) fn fresh(&self, now: Nanos) -> u64 {
        match self {
            Packing::Pace(pace) => pace.ticks(now),
            Packing::Window(window) => window.pack(now, 0, 0),
        }
    }

    /// Does a deed, again if another thread changed the word meanwhile. The verdict is about the state after it.
    #[inline(never)]
    pub(super) fn change(&self, rule: &Rule, word: &AtomicU64, now: Nanos, deed: Deed) -> Verdict {
        exchange(word, |word| self.turn(rule, word, now, deed))
    }

    /// Charges a call if it is allowed, as [`change`](Self::change) does: the arithmetic of each kind by itself, with
    /// nothing to be decided on the way.
    #[inline(always)]
    pub(super) fn check(&self, rule: &Rule, word: &AtomicU64, now: Nanos, cost: u64) -> Verdict {
        match self {
            Packing::Pace(pace) => exchange(word, |word| pace.check(rule, word, now, cost)),
            Packing::Window(window) => exchange(word, |word| window.check(rule, word, now, cost)),
        }
    }

    /// What a call of this cost would be told; nothing is charged.
    pub(super) fn foresee(&self, rule: &Rule, word: u64, now: Nanos, cost: u64) -> Verdict {
        let free = self.turn(rule, word, now, Deed::Check(0)).1;
        let wait = self.turn(rule, word, now, Deed::Check(cost)).1.wait;
        Verdict { wait, ..free }
    }

    /// A word after a deed, and the verdict about it. A call that is refused leaves the word as it is.
    #[inline]
    pub(super) fn turn(&self, rule: &Rule, word: u64, now: Nanos, deed: Deed) -> (u64, Verdict) {
        match self {
            Packing::Pace(pace) => pace.turn(rule, word, now, deed),
            Packing::Window(window) => window.turn(rule, word, now, deed),
        }
    }
}

impl Pace {
    fn of(rule: &Rule, horizon: Nanos) -> Option<Self> {
        let (limit, period) = (rule.limit, rule.nanos);
        let common = common_divisor(limit, period);
        let (rate, price) = (limit.checked_div(common)?, period / common);
        let capacity = price.checked_mul(rule.burst)?;
        let longest = rate.checked_mul(horizon)?;
        let fits = rate > 0 && capacity < 1 << 62 && longest < 1 << 62;
        fits.then(|| Pace {
            rate,
            price,
            capacity,
            inverses: [price, rate].map(inverse),
        })
    }

    #[inline]
    fn ticks(&self, now: Nanos) -> u64 {
        now.wrapping_mul(self.rate)
    }

    /// The ticks that are spent in a word.
    #[inline(always)]
    fn spent(&self, word: u64, now: u64) -> u64 {
        // Beyond the capacity only if time has gone back; then it stands still for the key.
        let ahead = word.wrapping_sub(now).cast_signed();
        u64::try_from(ahead).unwrap_or(0).min(self.capacity)
    }

    /// What a call of this cost weighs.
    #[inline(always)]
    fn weight(&self, cost: u64) -> u64 {
        cost.saturating_mul(self.price).min(self.capacity)
    }

    #[inline(always)]
    fn check(&self, rule: &Rule, word: u64, now: Nanos, cost: u64) -> (u64, Verdict) {
        let now = self.ticks(now);
        let spent = self.spent(word, now);
        let wanted = spent + self.weight(cost);
        if wanted <= self.capacity && cost <= rule.burst {
            let after = if cost == 0 {
                word
            } else {
                now.wrapping_add(wanted)
            };
            return (after, self.verdict(wanted, None));
        }
        let wait = if cost > rule.burst {
            Wait::Forever
        } else {
            Wait::Nanos(self.nanos(wanted - self.capacity))
        };
        (word, self.verdict(spent, Some(wait)))
    }

    fn turn(&self, rule: &Rule, word: u64, now: Nanos, deed: Deed) -> (u64, Verdict) {
        let ticks = self.ticks(now);
        let spent = self.spent(word, ticks);
        let spent = match deed {
            Deed::Check(cost) => return self.check(rule, word, now, cost),
            Deed::Charge(cost) => (spent + self.weight(cost)).min(self.capacity),
            Deed::Refund(cost) => spent.saturating_sub(self.weight(cost)),
        };
        (ticks.wrapping_add(spent), self.verdict(spent, None))
    }

    #[inline(always)]
    fn verdict(&self, spent: u64, wait: Option<Wait>) -> Verdict {
        Verdict {
            wait,
            remaining: quotient(self.capacity - spent, self.price, self.inverses[0]).0,
            reset: self.nanos(spent),
        }
    }

    /// How long it takes until so many ticks have flowed back.
    #[inline(always)]
    fn nanos(&self, ticks: u64) -> Nanos {
        let (nanos, is_exact) = quotient(ticks, self.rate, self.inverses[1]);
        nanos + u64::from(!is_exact)
    }
}

impl Window {
    fn of(rule: &Rule, horizon: Nanos) -> Option<Self> {
        let bits = (u64::BITS - rule.limit.leading_zeros()).max(1);
        let counts = if rule.kind == Kind::SlidingWindow {
            2 * bits
        } else {
            bits
        };
        let left = u64::BITS.checked_sub(counts).filter(|left| *left >= 2)?;
        let fits = |unit: &Nanos| {
            rule.nanos.is_multiple_of(*unit) && horizon / unit < 1 << (left - 1).min(62)
        };
        let unit = [1, NANOS_PER_MILLI].into_iter().find(fits)?;
        Some(Window {
            kind: rule.kind,
            bits,
            counts,
            unit,
        })
    }

    #[inline(always)]
    fn check(&self, rule: &Rule, word: u64, now: Nanos, cost: u64) -> (u64, Verdict) {
        let mut cell = self.unpack(word, now);
        cell.advance(rule, now);
        let wait = cell.wait(rule, now, cost);
        if wait.is_some() || cost == 0 {
            return (word, cell.verdict(rule, now, wait));
        }
        cell.spend(rule, now, cost);
        (self.packed(&cell), cell.verdict(rule, now, None))
    }

    fn turn(&self, rule: &Rule, word: u64, now: Nanos, deed: Deed) -> (u64, Verdict) {
        let mut cell = self.unpack(word, now);
        cell.advance(rule, now);
        match deed {
            Deed::Check(cost) => return self.check(rule, word, now, cost),
            Deed::Charge(cost) => cell.spend(rule, now, cost),
            Deed::Refund(cost) => cell.refund(rule, cost),
        }
        (self.packed(&cell), cell.verdict(rule, now, None))
    }

    /// The word of a cell that was unpacked.
    #[inline(always)]
    fn packed(&self, cell: &Cell) -> u64 {
        match cell {
            Cell::Window {
                start,
                used,
                before,
            } => self.pack(*start, *used, *before),
            Cell::Pace { .. } | Cell::Log(_) => unreachable!("a window was unpacked"),
        }
    }

    /// A start between two units counts as the later one: no window ends early.
    #[inline]
    fn pack(&self, start: Nanos, used: u64, before: u64) -> u64 {
        let start = if self.unit == 1 {
            start
        } else {
            start.div_ceil(NANOS_PER_MILLI)
        };
        let before = match self.kind {
            Kind::SlidingWindow => before << self.bits,
            _ => 0,
        };
        start << self.counts | before | used
    }

    #[inline]
    fn unpack(&self, word: u64, now: Nanos) -> Cell {
        let count = |word: u64| word & !(u64::MAX << self.bits);
        let present = if self.unit == 1 {
            now
        } else {
            now / NANOS_PER_MILLI
        };
        // The distance of the two times, in the bits that a start has.
        let shifted = (present << self.counts).wrapping_sub(word & (u64::MAX << self.counts));
        let age = shifted.cast_signed() >> self.counts;
        Cell::Window {
            start: present
                .saturating_add_signed(-age)
                .saturating_mul(self.unit),
            used: count(word),
            before: match self.kind {
                Kind::SlidingWindow => count(word >> self.bits),
                _ => 0,
            },
        }
    }
}

/// Changes a word, again if another thread changed it meanwhile; `turn` tells the word after, and the verdict.
#[inline(always)]
fn exchange(word: &AtomicU64, turn: impl Fn(u64) -> (u64, Verdict)) -> Verdict {
    let mut before = word.load(Ordering::Relaxed);
    loop {
        let (after, verdict) = turn(before);
        if after == before {
            return verdict;
        }
        match word.compare_exchange_weak(before, after, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return verdict,
            Err(found) => before = found,
        }
    }
}

/// 2⁶⁴ divided by a number, rounded down.
fn inverse(number: u64) -> u64 {
    u64::try_from((1_u128 << 64) / u128::from(number)).unwrap_or(u64::MAX)
}

/// A quotient, rounded down, by the divisor's inverse, and whether it is exact: a tenth of what dividing costs.
#[inline(always)]
fn quotient(dividend: u64, divisor: u64, inverse: u64) -> (u64, bool) {
    let about = ((u128::from(dividend) * u128::from(inverse)) >> 64) as u64;
    let left = dividend - about * divisor;
    // The inverse is rounded down, and so at most one is missed.
    let is_short = left >= divisor;
    (about + u64::from(is_short), left == 0 || left == divisor)
}

fn common_divisor(mut one: u64, mut other: u64) -> u64 {
    while other > 0 {
        (one, other) = (other, one % other);
    }
    one
}
