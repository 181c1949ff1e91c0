//! `Clock`: where larder's time comes from; the only file that reads a clock.
//!
//! Inside the engine an instant is a count of milliseconds since the clock's origin ([`Millis`]). The system clock is
//! read coarsely (some 6 ns), and finely (some 25 ns) only where that leaves a doubt, or something begins. A call reads it
//! when something first depends on it, and then judges all by that reading ([`Present`]).
//!
//! ```text
//!            now()                                        soon()
//! --------------|---------------- doubt -------------------|-------------> time
//!  surely past           read the fine clock                 surely to come
//! ```
//!
//! The coarse clock stands still for a step, and so did it when its origin was read: it may be a step behind or ahead of
//! the fine one. So a deadline counts as passed when it surely has, never early, and at most a millisecond late.
//! [`ManualClock`] stands still until it is told to move, so that expiry can be tested without waiting.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since the origin of a clock.
pub(crate) type Millis = u64;

/// The coarse clock is less than this behind or ahead of the fine one: its step is 1 to 10 ms on the systems we know, 16 on
/// Windows.
const COARSE_STEP_MS: Millis = 20;
/// How much may lie between [`Clock::now`] and the present.
pub(crate) const DOUBT_MS: Millis = 2 * COARSE_STEP_MS;

/// Nanoseconds of a millisecond.
const NANOS: u64 = 1_000_000;

/// A source of time, shared by every part of a store or cache that was built with it.
///
/// ```
/// use larder::{Cache, ManualClock};
/// use std::time::Duration;
///
/// let time = ManualClock::new();
/// let cache: Cache<&str, u32> = Cache::builder()
///     .max_entries(100)
///     .ttl(Duration::from_secs(60))
///     .clock(time.clock())
///     .build()?;
/// cache.insert("a", 1);
/// time.advance(Duration::from_secs(60));
/// assert_eq!(cache.get("a"), None);
/// # Ok::<(), larder::BuildError>(())
/// ```
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System {
        coarse: coarsetime::Instant,
        fine: Instant,
        unix: u64,
    },
    Manual(Arc<AtomicU64>),
}

/// The Unix time at which every [`ManualClock`] starts: 2024-01-01 00:00:00 UTC, in milliseconds.
const MANUAL_UNIX_MS: u64 = 1_704_067_200_000;

impl Clock {
    /// The system's monotonic clock, tied to the wall clock once, now.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system's clocks"
    )]
    pub fn system() -> Self {
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_millis() as u64);
        Clock(Source::System {
            coarse: coarsetime::Instant::now(),
            fine: Instant::now(),
            unix,
        })
    }

    /// Milliseconds since the origin: never ahead of the present, and on the system clock some milliseconds behind it.
    #[inline(never)]
    pub(crate) fn now(&self) -> Millis {
        #[cfg(test)]
        readings::count();
        match &self.0 {
            Source::System { coarse, .. } => floor(
                // The other way to ask writes to a word that all threads share.
                coarsetime::Instant::now_without_cache_update()
                    .duration_since(*coarse)
                    .as_millis(),
            ),
            Source::Manual(now) => now.load(Ordering::Acquire),
        }
    }

    /// The time as a call that begins now will see it.
    #[inline]
    pub(crate) fn present(&self) -> Present<'_> {
        Present::of(self, Seen::Nothing)
    }

    /// The same for a call that many judgements depend on: not coarsened, so that none contradicts another.
    #[inline]
    pub(crate) fn exact_present(&self) -> Present<'_> {
        Present::of(self, Seen::NothingExact)
    }

    /// The same for a call that is part of something whose time is known.
    pub(crate) fn present_at(&self, millis: Millis) -> Present<'_> {
        let nanos = millis.saturating_mul(NANOS);
        Present::of(self, Seen::Fine { millis, nanos })
    }

    /// Whole milliseconds since the origin, not coarsened.
    pub(crate) fn fine_now(&self) -> Millis {
        self.fine().0
    }

    /// Nanoseconds since the origin, for measuring how long something took.
    pub(crate) fn fine_nanos(&self) -> u64 {
        self.fine().1
    }

    /// Milliseconds and nanoseconds since the origin.
    #[inline(never)]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system's clocks"
    )]
    fn fine(&self) -> (Millis, u64) {
        #[cfg(test)]
        readings::count();
        match &self.0 {
            Source::System { fine, .. } => {
                let since = Instant::now().duration_since(*fine);
                let nanos = since.as_secs() * (1_000 * NANOS) + u64::from(since.subsec_nanos());
                (nanos / NANOS, nanos)
            }
            Source::Manual(now) => {
                let millis = now.load(Ordering::Acquire);
                (millis, millis.saturating_mul(NANOS))
            }
        }
    }

    /// A moment of the wall clock; one before the origin is 0.
    pub(crate) fn at(&self, moment: SystemTime) -> Millis {
        let unix = moment.duration_since(UNIX_EPOCH).map_or(0, millis);
        unix.saturating_sub(self.unix_origin())
    }

    /// Unix time of the origin in milliseconds.
    pub(crate) fn unix_origin(&self) -> u64 {
        match &self.0 {
            Source::System { unix, .. } => *unix,
            Source::Manual(_) => MANUAL_UNIX_MS,
        }
    }

    /// How many milliseconds after another clock's origin this one's is, rounded up. Both are the system's.
    pub(crate) fn origin_after(&self, other: &Clock) -> i64 {
        let (Source::System { fine: here, .. }, Source::System { fine: there, .. }) =
            (&self.0, &other.0)
        else {
            return 0;
        };
        let after = here.saturating_duration_since(*there);
        let before = there.duration_since(*here).as_millis() as i64;
        if after.is_zero() {
            -before
        } else {
            millis(after) as i64
        }
    }

    /// Whether time moves by hand only.
    pub(crate) fn is_manual(&self) -> bool {
        matches!(self.0, Source::Manual(_))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Clock::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.is_manual() { "manual" } else { "system" };
        f.debug_tuple("Clock").field(&name).finish()
    }
}

/// A clock that moves only when told to; for tests and simulations.
///
/// It starts at Unix time 1,704,067,200 (the first second of 2024, UTC). Clones share their time.
///
/// ```
/// use larder::ManualClock;
/// use std::time::Duration;
///
/// let time = ManualClock::new();
/// time.advance(Duration::from_millis(1_500));
/// assert_eq!(time.elapsed(), Duration::from_millis(1_500));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that stands at its origin.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves time forward by whole milliseconds; what is finer is dropped.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_add(by, Ordering::Release);
    }

    /// Time since the origin.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Acquire))
    }

    /// This clock as a store or cache takes it.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock(Source::Manual(Arc::clone(&self.0)))
    }
}

/// The time as one call sees it: the clock is read when that is first needed, and then not again.
///
/// One reading serves both ways: rounded down for what may have ended, rounded up for what begins. Where only the coarse
/// clock was read, and that leaves a doubt, the fine one is read as well.
#[derive(Clone)]
pub(crate) struct Present<'c> {
    clock: &'c Clock,
    seen: Cell<Seen>,
}

/// What a call knows of the time.
#[derive(Clone, Copy)]
enum Seen {
    Nothing,
    /// And the coarse clock is not to be asked.
    NothingExact,
    /// [`Clock::now`].
    Coarse(Millis),
    Fine {
        millis: Millis,
        nanos: u64,
    },
}

impl<'c> Present<'c> {
    pub(crate) fn clock(&self) -> &'c Clock {
        self.clock
    }

    #[inline]
    fn of(clock: &'c Clock, seen: Seen) -> Self {
        let seen = Cell::new(seen);
        Present { clock, seen }
    }

    /// Milliseconds and nanoseconds since the origin.
    #[inline]
    fn fine(&self) -> (Millis, u64) {
        if let Seen::Fine { millis, nanos } = self.seen.get() {
            return (millis, nanos);
        }
        let (millis, nanos) = self.clock.fine();
        self.seen.set(Seen::Fine { millis, nanos });
        (millis, nanos)
    }

    /// Whole milliseconds since the origin, not coarsened.
    pub(crate) fn exact(&self) -> Millis {
        self.fine().0
    }

    /// Nanoseconds since the origin.
    pub(crate) fn nanos(&self) -> u64 {
        self.fine().1
    }

    /// Milliseconds since the origin, not coarsened and rounded up: what begins now and lasts for `n` milliseconds has
    /// surely lasted that long when the clock shows `n` more.
    #[inline]
    pub(crate) fn up(&self) -> Millis {
        let (millis, nanos) = self.fine();
        millis + Millis::from(nanos > millis.saturating_mul(NANOS))
    }

    /// Milliseconds since the origin: never ahead of the present, and perhaps some milliseconds behind it.
    #[inline]
    pub(crate) fn now(&self) -> Millis {
        match self.seen.get() {
            Seen::Coarse(now) => now,
            Seen::Nothing if !self.clock.is_manual() => {
                let now = self.clock.now();
                self.seen.set(Seen::Coarse(now));
                now
            }
            _ => self.exact(),
        }
    }

    /// Milliseconds since the origin: never behind the present, and perhaps some milliseconds ahead of it.
    #[inline]
    pub(crate) fn soon(&self) -> Millis {
        let now = self.now();
        match self.seen.get() {
            Seen::Coarse(_) => now + DOUBT_MS,
            _ => self.up(),
        }
    }

    /// The deadline of what lives for so long from now. What lives for no time is over already.
    #[inline]
    pub(crate) fn after(&self, ttl: Millis) -> Millis {
        if ttl == 0 {
            self.exact()
        } else {
            self.up().saturating_add(ttl)
        }
    }

    /// [`Self::now`], exact where else it would be open whether this moment has come.
    #[inline]
    pub(crate) fn around(&self, moment: Millis) -> Millis {
        let now = self.now();
        match self.seen.get() {
            Seen::Coarse(_) => judged(moment, now, || self.exact()),
            _ => now,
        }
    }

    /// Whether a deadline has passed: never `true` before it, and `false` at most a millisecond after it.
    #[inline]
    pub(crate) fn has_passed(&self, deadline: Millis) -> bool {
        self.around(deadline) >= deadline
    }
}

/// How long an entry still lives.
///
/// ```
/// use larder::{Cache, Ttl};
///
/// let cache = Cache::<&str, u32>::new(100);
/// cache.insert("a", 1);
/// assert_eq!(cache.ttl("a"), Ttl::Forever);
/// assert_eq!(cache.ttl("b"), Ttl::Absent);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// There is no such entry.
    Absent,
    /// It has no deadline.
    Forever,
    /// It expires after this time.
    Left(Duration),
}

impl Ttl {
    /// The time left, if there is an entry and it has a deadline.
    ///
    /// ```
    /// use larder::Ttl;
    /// use std::time::Duration;
    ///
    /// assert_eq!(Ttl::Left(Duration::from_secs(1)).left(), Some(Duration::from_secs(1)));
    /// assert_eq!(Ttl::Forever.left(), None);
    /// ```
    #[must_use]
    pub fn left(self) -> Option<Duration> {
        match self {
            Ttl::Left(left) => Some(left),
            _ => None,
        }
    }
}

/// A duration in whole milliseconds, rounded up so that nothing ends early, saturating.
#[inline]
pub(crate) fn millis(duration: Duration) -> Millis {
    checked_millis(duration).unwrap_or(Millis::MAX)
}

/// [`millis`], or `None` for more than there are.
#[inline]
pub(crate) fn checked_millis(duration: Duration) -> Option<Millis> {
    let part = u64::from(duration.subsec_nanos()).div_ceil(NANOS);
    duration.as_secs().checked_mul(1_000)?.checked_add(part)
}

/// What the coarse clock shows, less what it may be ahead.
#[inline(always)]
fn floor(coarse: Millis) -> Millis {
    coarse.saturating_sub(COARSE_STEP_MS)
}

/// The time by which to judge whether a moment has come: `now`, which is at most [`DOUBT_MS`] behind the present, or what
/// `fine` tells exactly.
#[inline(always)]
fn judged(moment: Millis, now: Millis, fine: impl FnOnce() -> Millis) -> Millis {
    let ahead = moment.saturating_sub(now);
    if 0 < ahead && ahead <= DOUBT_MS {
        fine()
    } else {
        now
    }
}

/// How often the clocks were read, for tests.
#[cfg(test)]
pub(crate) mod readings {
    use std::cell::Cell;

    thread_local! {
        static READ: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        READ.set(READ.get() + 1);
    }

    /// How often this thread reads a clock in `work`.
    pub(crate) fn during<R>(work: impl FnOnce() -> R) -> (usize, R) {
        let before = READ.get();
        let result = work();
        (READ.get() - before, result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_coarse_clock_never_decides_otherwise_than_the_fine_one(
            step in 1..COARSE_STEP_MS,
            origin in 0..1_000u64,
            elapsed in 0..500u64,
            deadline in 0..600u64,
        ) {
            // A clock that stands still for a step, when its origin was read as well.
            let shown = |at: u64| at / step * step;
            let coarse = shown(origin + elapsed) - shown(origin);
            let judged = judged(deadline, floor(coarse), || elapsed);
            prop_assert_eq!(judged >= deadline, elapsed >= deadline);
            prop_assert!(floor(coarse) <= elapsed && elapsed <= floor(coarse) + DOUBT_MS);
        }
    }

    #[test]
    fn the_present_lies_between_now_and_soon() {
        let clock = Clock::system();
        for _ in 0..100_000 {
            let before = clock.fine_now();
            let present = clock.present();
            let (now, soon) = (present.now(), present.soon());
            assert!(now <= clock.fine_now() && before <= soon);
            let deadline = present.up() + 1;
            assert!(!present.has_passed(deadline) && present.has_passed(before));
            assert!(clock.present().has_passed(before));
            assert!(!clock.present().has_passed(deadline) || clock.fine_now() >= deadline);
        }
    }

    #[test]
    fn one_reading_serves_a_whole_call() {
        let system = Clock::system();
        const FAR: Millis = 1_000_000;
        type Ask = fn(&Present<'_>) -> bool;
        let asked: [(usize, Ask); 6] = [
            (0, |_| false),
            (1, |time| time.has_passed(FAR) || time.has_passed(FAR + 1)),
            (1, |time| {
                time.after(5) > FAR || time.has_passed(time.exact() + 1)
            }),
            (1, |time| time.soon() > FAR || time.has_passed(FAR)),
            // The one doubt: the coarse clock cannot tell, and the fine one is asked.
            (2, |time| time.has_passed(time.now() + 1) && time.up() > FAR),
            (1, |time| {
                time.after(0) > time.up() || time.nanos() / NANOS > time.up()
            }),
        ];
        for (wanted, ask) in asked {
            let (read, answer) = readings::during(|| ask(&system.present()));
            assert_eq!((read, answer), (wanted, false));
        }
        let manual = ManualClock::new().clock();
        let (read, _) = readings::during(|| {
            let time = manual.present();
            (time.has_passed(time.soon()), time.after(1), time.up())
        });
        assert_eq!(read, 1);
    }

    #[test]
    fn durations_and_moments_are_rounded_up() {
        assert_eq!(millis(Duration::from_nanos(1)), 1);
        assert_eq!(millis(Duration::from_millis(7)), 7);
        assert_eq!(millis(Duration::MAX), u64::MAX);
        let clock = ManualClock::new().clock();
        let origin = UNIX_EPOCH + Duration::from_millis(MANUAL_UNIX_MS);
        assert_eq!(clock.at(origin + Duration::from_micros(1_500)), 2);
        assert_eq!(clock.at(UNIX_EPOCH), 0);
    }
}
