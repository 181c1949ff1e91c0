//! `Clock`: where larder's time comes from; the only file that reads a clock.
//!
//! Inside the engine an instant is a count of milliseconds since the clock's origin ([`Millis`]). The system clock is
//! read coarsely (some 6 ns; a few milliseconds old) and only finely (some 25 ns) where a deadline lies within that
//! doubt. [`ManualClock`] stands still until it is told to move, so that expiry can be tested without waiting.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since the origin of a clock.
pub(crate) type Millis = u64;

/// How far the coarse clock may lag or, by the reading of its origin, lead: its step is 1 to 10 ms on the systems we know, 16 on Windows.
const COARSE_LAG_MS: Millis = 20;

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

    /// Milliseconds since the origin; on the system clock up to a few milliseconds old.
    #[inline]
    pub(crate) fn now(&self) -> Millis {
        match &self.0 {
            Source::System { coarse, .. } => coarsetime::Instant::now()
                .duration_since(*coarse)
                .as_millis(),
            Source::Manual(now) => now.load(Ordering::Acquire),
        }
    }

    /// Whether a deadline has passed: never `false` more than a millisecond after it, perhaps `true` a coarse step before.
    pub(crate) fn has_passed(&self, deadline: Millis) -> bool {
        let now = self.now();
        if now >= deadline {
            return true;
        }
        deadline - now <= COARSE_LAG_MS && self.fine_now() >= deadline
    }

    /// Milliseconds since the origin, not coarsened.
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
        self.0.fetch_add(millis(by), Ordering::Release);
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

/// A duration in whole milliseconds, saturating.
#[inline]
pub(crate) fn millis(duration: Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coarse_clock_stays_within_a_step_of_the_fine_one() {
        let clock = Clock::system();
        for _ in 0..200_000 {
            let coarse = clock.now();
            let fine = clock.fine_now();
            // Their origins were read one after the other: the coarse one may be a step early.
            assert!(coarse <= fine + COARSE_LAG_MS && fine <= coarse + COARSE_LAG_MS);
            assert!(!clock.has_passed(fine + 1_000));
            assert!(clock.has_passed(fine.saturating_sub(1)));
        }
    }
}
