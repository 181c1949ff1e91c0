//! `Freshness`: for how long a value is fresh, and what happens around the end of that, as data; and the one mechanism
//! that carries it out.
//!
//! ```text
//! written        refresh          fresh until                                  kept until
//!    |---- Use ----|--- Refresh ------|---- Refresh ----|------- Fallback --------| Gone
//!                   ahead, or early     stale_for          stale_if_error
//! ```
//!
//! Every entry of a cache with such rules has a [`Mark`] beside its deadline: the end of freshness, when a refresh may
//! begin, how long its load took. The deadline that the wheel knows is the end of the last window. From these follows how
//! an entry stands ([`Standing`]); each policy is a setting of the windows. A caller that loads acts on the standing;
//! every other call sees fresh entries only.
//!
//! Early refresh is XFetch (Vattani, Chierichetti, Lowenstein, 2015): each caller begins a refresh with a probability
//! that grows towards the end of freshness, the earlier the longer a load takes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::prefixes::Prefixes;
use crate::tags::{Stamp, Tag, Tags, Validity};
use crate::time::{Millis, Present, millis};

use super::core::Life;

/// The odd step of SplitMix64: 2⁶⁴ divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// For how long values are fresh, and what is done with them when they are no longer.
///
/// ```
/// use larder::{Cache, Freshness, ManualClock};
/// use std::time::Duration;
///
/// let time = ManualClock::new();
/// let rules = Freshness::new(Duration::from_secs(60)).stale_if_error(Duration::from_secs(600));
/// let cache: Cache<u32, u32> =
///     Cache::builder().max_entries(100).freshness(rules).clock(time.clock()).build()?;
/// cache.insert(7, 1);
/// time.advance(Duration::from_secs(90));
/// assert_eq!(cache.get(&7), None);
/// assert_eq!(cache.get_or_try_load(&7, || Err("the source is down")), Ok(1));
/// # Ok::<(), larder::BuildError>(())
/// ```
///
/// # Consistency
///
/// Only the loading calls return a value that is past its time, and only as the windows allow;
/// [`get_stale`](crate::Cache::get_stale) says so in its name. To all others it is absent.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Freshness {
    pub(super) ttl: Duration,
    jitter: f64,
    refresh_at: Option<f64>,
    early: f64,
    stale_for: Duration,
    stale_if_error: Duration,
    soft_timeout: Option<Duration>,
    hard_timeout: Option<Duration>,
    retry_after: Duration,
}

impl Freshness {
    /// Values are fresh for `ttl`, and gone after that; the other rules are settings on top.
    pub fn new(ttl: Duration) -> Self {
        Freshness {
            ttl,
            jitter: 0.0,
            refresh_at: None,
            early: 0.0,
            stale_for: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            soft_timeout: None,
            hard_timeout: None,
            retry_after: Duration::from_secs(1),
        }
    }

    /// Shortens each time to live by a random part of up to this fraction (0 to 1), so that what was loaded together
    /// does not end together.
    pub fn jitter(mut self, fraction: f64) -> Self {
        self.jitter = fraction;
        self
    }

    /// Refreshes ahead: the first caller after this fraction (0 to 1) of the time to live begins a load, the others get
    /// the present value.
    pub fn refresh_at(mut self, fraction: f64) -> Self {
        self.refresh_at = Some(fraction);
        self
    }

    /// Refreshes early by chance: the nearer the end and the longer the last load took, the likelier (XFetch). 1 is
    /// the usual eagerness, more is earlier.
    pub fn early(mut self, eagerness: f64) -> Self {
        self.early = eagerness;
        self
    }

    /// Stale while revalidating: for so long after its time to live, a value is still returned by the loading calls
    /// while one caller loads a new one.
    pub fn stale_for(mut self, window: Duration) -> Self {
        self.stale_for = window;
        self
    }

    /// Stale if there is an error: for so long after its time to live, a value is returned where a load fails, or takes
    /// longer than the soft timeout.
    pub fn stale_if_error(mut self, window: Duration) -> Self {
        self.stale_if_error = window;
        self
    }

    /// How long a caller waits for a load before it takes the stale value, where there is one. The load goes on.
    pub fn soft_timeout(mut self, timeout: Duration) -> Self {
        self.soft_timeout = Some(timeout);
        self
    }

    /// How long a caller waits for a load at all, before it takes the stale value or
    /// [`LoadError::TimedOut`](crate::LoadError::TimedOut). The load goes on.
    pub fn hard_timeout(mut self, timeout: Duration) -> Self {
        self.hard_timeout = Some(timeout);
        self
    }

    /// How long after a load that failed the stale value is returned without another try; one second, unless said.
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = pause;
        self
    }

    /// Everything that is wrong.
    pub(super) fn faults(&self) -> Vec<(bool, &'static str)> {
        let is_fraction = |part: f64| (0.0..=1.0).contains(&part);
        let is_zero =
            |time: Option<Duration>| time.is_some_and(|time| time < Duration::from_millis(1));
        vec![
            (
                is_zero(Some(self.ttl)),
                "ttl must be at least a millisecond",
            ),
            (!is_fraction(self.jitter), "jitter must be from 0 to 1"),
            (
                self.refresh_at.is_some_and(|at| !is_fraction(at)),
                "refresh_at must be from 0 to 1",
            ),
            (
                !(self.early >= 0.0 && self.early.is_finite()),
                "early must be zero or more",
            ),
            (
                is_zero(self.soft_timeout) || is_zero(self.hard_timeout),
                "a timeout must be at least a millisecond",
            ),
        ]
    }
}

/// The rules of a cache whose entries have marks.
pub(super) struct Rules {
    /// Each part in fractions of the time to live.
    jitter: f64,
    refresh_at: Option<f64>,
    early: f64,
    stale_for: Millis,
    stale_if_error: Millis,
    pub(super) soft_timeout: Option<Duration>,
    pub(super) hard_timeout: Option<Duration>,
    retry_after: Millis,
    tags: Option<Tags>,
    /// Groups of keys, if they are tags.
    prefixes: Option<Prefixes>,
    /// Where the chances come from.
    draws: AtomicU64,
}

/// What a cache with rules keeps of an entry besides its deadline.
pub(crate) struct Mark {
    /// When it stops being fresh.
    fresh_until: Millis,
    /// From when on one caller should refresh it.
    refresh_from: Millis,
    /// Until when it is returned without a try to load: after a load failed.
    quiet_until: Millis,
    /// How long its load took.
    load_ms: u32,
    stamp: Stamp,
}

impl Default for Mark {
    fn default() -> Self {
        Mark {
            fresh_until: Millis::MAX,
            refresh_from: Millis::MAX,
            quiet_until: 0,
            load_ms: 0,
            stamp: Stamp::default(),
        }
    }
}

/// How an entry stands before a caller that could load it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is to be returned.
    Use,
    /// It is to be returned, and one caller should load a new value meanwhile.
    Refresh,
    /// A new value is to be loaded; if that fails, this one is to be returned.
    Fallback,
    /// As if it were not there.
    Gone,
}

impl Rules {
    /// Rules for tags alone.
    pub(super) fn plain() -> Self {
        Rules {
            jitter: 0.0,
            refresh_at: None,
            early: 0.0,
            stale_for: 0,
            stale_if_error: 0,
            soft_timeout: None,
            hard_timeout: None,
            retry_after: 0,
            tags: None,
            prefixes: None,
            draws: AtomicU64::new(0),
        }
    }

    pub(super) fn new(freshness: &Freshness) -> Self {
        Rules {
            jitter: freshness.jitter,
            refresh_at: freshness.refresh_at,
            early: freshness.early,
            stale_for: millis(freshness.stale_for),
            stale_if_error: millis(freshness.stale_if_error),
            soft_timeout: freshness.soft_timeout,
            hard_timeout: freshness.hard_timeout,
            retry_after: millis(freshness.retry_after),
            ..Rules::plain()
        }
    }

    pub(super) fn with_tags(mut self, tags: Option<Tags>, prefixes: Option<Prefixes>) -> Self {
        (self.tags, self.prefixes) = (tags, prefixes);
        self
    }

    /// Invalidates the entries that a group's tag is for, if keys are in groups and `tag` knows of one.
    pub(super) fn invalidate(&self, tag: impl FnOnce(&Prefixes) -> Option<Tag>) -> bool {
        let tag = self.prefixes.as_ref().and_then(tag);
        match (&self.tags, tag) {
            (Some(tags), Some(tag)) => {
                tags.invalidate(tag);
                true
            }
            _ => false,
        }
    }

    /// How long after its freshness a value is kept.
    pub(super) fn grace(&self) -> Millis {
        self.stale_for.max(self.stale_if_error)
    }

    /// A time to live, shortened by chance.
    pub(super) fn jittered(&self, ttl: Millis) -> Millis {
        if self.jitter == 0.0 {
            return ttl;
        }
        ttl - (ttl as f64 * self.jitter * self.draw()) as Millis
    }

    /// A number from 0 to 1, both excluded.
    fn draw(&self) -> f64 {
        let state = self.draws.fetch_add(STEP, Ordering::Relaxed);
        let bits = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 12) as f64 / (1u64 << 52) as f64 + 1.0 / (1u64 << 53) as f64
    }

    /// The mark of an entry that begins such a life.
    pub(super) fn mark(&self, life: &Life<'_>) -> Mark {
        let (Some(now), Some(fresh_until)) = (life.now, life.fresh_until) else {
            return Mark::default();
        };
        let ttl = fresh_until.saturating_sub(now) as f64;
        let ahead = self.refresh_at.map(|at| (ttl * at) as Millis);
        Mark {
            fresh_until,
            refresh_from: ahead.map_or(fresh_until, |ahead| now.saturating_add(ahead)),
            ..Mark::default()
        }
    }

    /// The tags' present epoch.
    pub(super) fn epoch(&self) -> u64 {
        self.tags.as_ref().map_or(0, Tags::epoch)
    }

    fn validity(&self, mark: &Mark) -> Validity {
        let tags = self.tags.as_ref();
        tags.map_or(Validity::Valid, |tags| tags.validity(&mark.stamp))
    }

    /// Whether an entry whose deadline has not passed is fresh.
    pub(super) fn is_fresh(&self, mark: &Mark, time: &Present<'_>) -> bool {
        let in_time = mark.fresh_until == Millis::MAX || !time.has_passed(mark.fresh_until);
        in_time && self.validity(mark) == Validity::Valid
    }

    /// How an entry stands whose deadline has not passed.
    pub(super) fn standing(&self, mark: &Mark, time: &Present<'_>) -> Standing {
        let validity = self.validity(mark);
        if validity == Validity::Invalid {
            return Standing::Gone;
        }
        let now = time.around(mark.fresh_until);
        let is_outdated = validity == Validity::Outdated;
        if now < mark.quiet_until || mark.fresh_until == Millis::MAX && !is_outdated {
            Standing::Use
        } else if now < mark.fresh_until && !is_outdated {
            if now >= mark.refresh_from || self.is_early(mark, now) {
                Standing::Refresh
            } else {
                Standing::Use
            }
        } else if !is_outdated && now < mark.fresh_until.saturating_add(self.stale_for) {
            Standing::Refresh
        } else {
            Standing::Fallback
        }
    }

    /// XFetch: whether this caller should refresh a fresh entry before its time.
    fn is_early(&self, mark: &Mark, now: Millis) -> bool {
        if self.early == 0.0 || mark.load_ms == 0 {
            return false;
        }
        let ahead = f64::from(mark.load_ms) * self.early * -self.draw().ln();
        ahead >= (mark.fresh_until - now) as f64
    }

    /// Keeps callers from trying again at once after a load of an entry failed.
    pub(super) fn hush(&self, mark: &mut Mark, now: Millis) {
        mark.quiet_until = now.saturating_add(self.retry_after);
    }
}

impl Mark {
    /// When the entry stops being fresh; `None` for never.
    pub(super) fn fresh_until(&self) -> Option<Millis> {
        (self.fresh_until != Millis::MAX).then_some(self.fresh_until)
    }

    /// Keeps what was noted of the load, for a life that begins anew.
    pub(super) fn renew(&mut self, begun: Mark) {
        let (load_ms, stamp) = (self.load_ms, std::mem::take(&mut self.stamp));
        *self = Mark {
            load_ms,
            stamp,
            ..begun
        };
    }

    /// Notes what a load knew.
    pub(super) fn sign(&mut self, load_nanos: u64, stamp: Stamp) {
        self.load_ms = u32::try_from(load_nanos / 1_000_000).unwrap_or(u32::MAX);
        self.stamp = stamp;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::ManualClock;

    const SECOND: Duration = Duration::from_secs(1);

    fn rules(freshness: &Freshness) -> Rules {
        assert!(freshness.faults().iter().all(|(wrong, _)| !wrong));
        Rules::new(freshness)
    }

    fn mark(rules: &Rules, ttl: Millis) -> Mark {
        rules.mark(&Life {
            time: ManualClock::new().clock().present(),
            now: Some(0),
            deadline: None,
            fresh_until: Some(ttl),
        })
    }

    #[test]
    fn an_entry_passes_through_its_windows() {
        let rules = rules(
            &Freshness::new(10 * SECOND)
                .refresh_at(0.5)
                .stale_for(5 * SECOND)
                .stale_if_error(20 * SECOND),
        );
        let time = ManualClock::new();
        let mark = mark(&rules, 10_000);
        let mut stood = Vec::new();
        for _ in 0..5 {
            stood.push(rules.standing(&mark, &time.clock().present()));
            time.advance(5 * SECOND);
        }
        use Standing::{Fallback, Refresh, Use};
        assert_eq!(stood, [Use, Refresh, Refresh, Fallback, Fallback]);
        assert_eq!(rules.grace(), 20_000);
    }

    #[test]
    fn jitter_only_shortens_and_by_no_more_than_its_part() {
        let rules = rules(&Freshness::new(SECOND).jitter(0.2));
        let ttls: Vec<_> = (0..1000).map(|_| rules.jittered(1000)).collect();
        assert!(ttls.iter().all(|ttl| (800..=1000).contains(ttl)));
        let spread = ttls.iter().max().zip(ttls.iter().min());
        assert!(spread.is_some_and(|(most, least)| most - least > 180));
    }

    #[test]
    fn early_refresh_grows_likelier_towards_the_end_and_with_the_time_that_a_load_takes() {
        let rules = rules(&Freshness::new(100 * SECOND).early(1.0));
        let mut mark = mark(&rules, 100_000);
        let mut share = |load_ms, now| {
            mark.load_ms = load_ms;
            (0..10_000).filter(|_| rules.is_early(&mark, now)).count()
        };
        // The chance is exp(-left / load).
        assert!((3_479..3_879).contains(&share(1_000, 99_000)));
        assert!((1_153..1_553).contains(&share(1_000, 98_000)));
        assert_eq!(share(1_000, 50_000), 0);
        assert!(share(50_000, 50_000) > 3_400);
        assert_eq!(share(0, 99_999), 0);
    }

    #[test]
    fn what_is_wrong_with_the_rules_is_said() {
        let wrong = |freshness: Freshness| {
            let faults = freshness.faults();
            faults.iter().filter(|(wrong, _)| *wrong).count()
        };
        assert_eq!(wrong(Freshness::new(Duration::ZERO)), 1);
        assert_eq!(
            wrong(Freshness::new(SECOND).jitter(1.5).refresh_at(-0.1)),
            2
        );
        assert_eq!(wrong(Freshness::new(SECOND).jitter(f64::NAN)), 1);
        assert_eq!(wrong(Freshness::new(SECOND).early(f64::INFINITY)), 1);
        assert_eq!(
            wrong(Freshness::new(SECOND).soft_timeout(Duration::ZERO)),
            1
        );
    }
}
