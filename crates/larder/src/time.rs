//! `Clock`: where larder's time comes from; the only file that reads a clock.
//!
//! Inside the engine an instant is a count of milliseconds since the clock's origin ([`Millis`]). The system clock is
//! read coarsely (some 6 ns), and finely (some 25 ns) only where that leaves a doubt:
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
    #[inline]
    pub(crate) fn now(&self) -> Millis {
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

    /// Milliseconds since the origin: never behind the present, and on the system clock some milliseconds ahead of it.
    #[inline]
    pub(crate) fn soon(&self) -> Millis {
        self.now() + if self.is_manual() { 0 } else { DOUBT_MS }
    }

    /// Whether a deadline has passed: never `true` before it, never `false` a millisecond after it.
    #[inline(never)]
    pub(crate) fn has_passed(&self, deadline: Millis) -> bool {
        passed(deadline, self.now(), || self.fine_now())
    }

    /// Whole milliseconds since the origin, not coarsened.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system's clocks"
    )]
    pub(crate) fn fine_now(&self) -> Millis {
        match &self.0 {
            Source::System { fine, .. } => Instant::now().duration_since(*fine).as_millis() as u64,
            Source::Manual(now) => now.load(Ordering::Acquire),
        }
    }

    /// Milliseconds since the origin, not coarsened and rounded up: what begins now and lasts for `n` milliseconds has
    /// surely lasted that long when the clock shows `n` more.
    pub(crate) fn fine_now_up(&self) -> Millis {
        match &self.0 {
            Source::System { .. } => self.fine_nanos().div_ceil(1_000_000),
            Source::Manual(now) => now.load(Ordering::Acquire),
        }
    }

    /// The deadline of what lives for so long from `now`, which was rounded up. What lives for no time is over already.
    pub(crate) fn after(&self, now: Millis, ttl: Millis) -> Millis {
        if ttl == 0 {
            self.fine_now()
        } else {
            now.saturating_add(ttl)
        }
    }

    /// A moment of the wall clock; one before the origin is 0.
    pub(crate) fn at(&self, moment: SystemTime) -> Millis {
        let unix = moment.duration_since(UNIX_EPOCH).map_or(0, millis);
        unix.saturating_sub(self.unix_origin())
    }

    /// Nanoseconds since the origin, for measuring how long something took.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system's clocks"
    )]
    pub(crate) fn fine_nanos(&self) -> u64 {
        match &self.0 {
            Source::System { fine, .. } => Instant::now().duration_since(*fine).as_nanos() as u64,
            Source::Manual(now) => now.load(Ordering::Acquire).saturating_mul(1_000_000),
        }
    }

    /// Unix time of the origin in milliseconds.
    pub(crate) fn unix_origin(&self) -> u64 {
        match &self.0 {
            Source::System { unix, .. } => *unix,
            Source::Manual(_) => MANUAL_UNIX_MS,
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
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// What the coarse clock shows, less what it may be ahead.
#[inline(always)]
fn floor(coarse: Millis) -> Millis {
    coarse.saturating_sub(COARSE_STEP_MS)
}

/// Whether a deadline has passed, where `now` is at most [`DOUBT_MS`] behind the present and `fine` tells it exactly.
#[inline(always)]
fn passed(deadline: Millis, now: Millis, fine: impl FnOnce() -> Millis) -> bool {
    now >= deadline || deadline - now <= DOUBT_MS && fine() >= deadline
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
            prop_assert_eq!(passed(deadline, floor(coarse), || elapsed), elapsed >= deadline);
            prop_assert!(floor(coarse) <= elapsed && elapsed <= floor(coarse) + DOUBT_MS);
        }
    }

    #[test]
    fn the_present_lies_between_now_and_soon() {
        let clock = Clock::system();
        for _ in 0..100_000 {
            let before = clock.fine_now();
            let (now, soon) = (clock.now(), clock.soon());
            assert!(now <= clock.fine_now() && before <= soon);
            let deadline = clock.fine_now_up() + 1;
            assert!(clock.has_passed(before));
            assert!(!clock.has_passed(deadline) || clock.fine_now() >= deadline);
        }
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
