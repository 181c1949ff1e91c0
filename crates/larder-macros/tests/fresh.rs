//! Memoized functions over time: what is fresh, what is stale, what `None` and errors are worth, and tags.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use larder::{LoadError, ManualClock, Tags, memo_evict, memo_put, memoize};

const SECOND: Duration = Duration::from_secs(1);

/// A source of numbers that goes up, and may be down.
#[derive(Default)]
struct Source {
    calls: AtomicU32,
    is_down: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Failure {
    Down,
    Late,
}

impl From<LoadError<Infallible>> for Failure {
    fn from(_: LoadError<Infallible>) -> Self {
        Failure::Late
    }
}

impl Source {
    fn down() -> Self {
        Source {
            is_down: true,
            ..Source::default()
        }
    }

    fn call(&self) -> u32 {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }

    fn try_call(&self) -> Result<u32, Failure> {
        let number = self.call();
        if self.is_down {
            Err(Failure::Down)
        } else {
            Ok(number)
        }
    }
}

#[memoize(skip(calls), max_entries = 10)]
fn counted(calls: &Source, key: &str, cache: u32) -> u32 {
    calls.call() + cache + key.len() as u32
}

#[test]
fn a_call_that_misses_is_counted_once() {
    let source = Source::default();
    for _ in 0..3 {
        // Arguments may have the names that generated code would use.
        assert_eq!(counted(&source, "key", 5), 8);
    }
    let stats = counted::stats();
    assert_eq!((stats.hits, stats.misses, stats.loads), (2, 1, 1));
}

struct Part(u32);

static CLONES: AtomicU32 = AtomicU32::new(0);

impl Clone for Part {
    fn clone(&self) -> Self {
        CLONES.fetch_add(1, Ordering::Relaxed);
        Part(self.0)
    }
}

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Part {}

impl std::hash::Hash for Part {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[memoize]
fn number_of(part: Part, other: &Part) -> u32 {
    part.0 + other.0
}

#[test]
fn a_hit_clones_no_argument() {
    assert_eq!(number_of(Part(1), &Part(2)), 3);
    let of_the_miss = CLONES.load(Ordering::Relaxed);
    assert_eq!(number_of(Part(1), &Part(2)), 3);
    assert_eq!(CLONES.load(Ordering::Relaxed), of_the_miss);
}

static RESILIENT: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

#[memoize(
    skip(source), ttl = "60s", refresh_at = 0.5, stale = "10s", stale_if_error = "10m",
    soft_timeout = "50ms", timeout = "2s", clock = RESILIENT.clock()
)]
fn resilient(source: &Source, id: u64) -> Result<u32, Failure> {
    let _ = id;
    source.try_call()
}

#[test]
fn a_result_is_refreshed_ahead_and_outlasts_its_source() {
    let (source, down) = (Source::default(), Source::down());
    assert_eq!(resilient(&source, 1), Ok(0));
    RESILIENT.advance(29 * SECOND);
    assert_eq!(resilient(&source, 1), Ok(0));
    // Halfway, a caller refreshes; the body runs in it.
    RESILIENT.advance(SECOND);
    assert_eq!(resilient(&source, 1), Ok(1));
    RESILIENT.advance(100 * SECOND);
    assert_eq!(resilient(&down, 1), Ok(1));
    RESILIENT.advance(600 * SECOND);
    assert_eq!(resilient(&down, 1), Err(Failure::Down));
    let calls = [&source, &down].map(|source| source.calls.load(Ordering::Relaxed));
    assert_eq!(calls, [2, 2]);
}

static LATE: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

#[memoize(ttl = "60s", timeout = "2s", clock = LATE.clock())]
async fn endless(id: u64) -> Result<u64, Failure> {
    std::future::pending::<()>().await;
    Ok(id)
}

#[test]
fn who_waits_too_long_for_anothers_call_is_told_so() {
    let mut context = Context::from_waker(Waker::noop());
    let (mut first, mut second) = (pin!(endless(1)), pin!(endless(1)));
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(second.as_mut().poll(&mut context).is_pending());
    LATE.advance(2 * SECOND);
    let late = second.as_mut().poll(&mut context);
    assert_eq!(late, Poll::Ready(Err(Failure::Late)));
}

static JITTERED: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

#[memoize(ttl = "100s", jitter = 0.5, early = 1, clock = JITTERED.clock())]
fn jittered(id: u64) -> u64 {
    id
}

#[test]
fn results_of_one_time_do_not_end_together() {
    assert!((0..100).all(|id| jittered(id) == id));
    JITTERED.advance(49 * SECOND);
    assert!((0..100).all(|id| jittered::peek(&id).is_some()));
    JITTERED.advance(26 * SECOND);
    let left = (0..100).filter(|id| jittered::peek(id).is_some()).count();
    assert!((20..80).contains(&left), "{left} of 100 are left");
}

static NEGATIVE: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

#[memoize(skip(source), ttl = "60s", none = "15s", errors = "2s", clock = NEGATIVE.clock())]
fn negative(source: &Source, id: u64) -> Result<Option<u32>, Failure> {
    source.try_call().map(|number| (id != 0).then_some(number))
}

#[test]
fn errors_and_none_are_kept_for_times_of_their_own() {
    let (source, down) = (Source::default(), Source::down());
    assert_eq!(negative(&down, 1), Err(Failure::Down));
    assert_eq!(negative(&source, 0), Ok(None));
    NEGATIVE.advance(SECOND);
    assert_eq!(negative(&source, 1), Err(Failure::Down));
    assert_eq!(negative::peek(&1), Some(Err(Failure::Down)));
    NEGATIVE.advance(SECOND);
    assert_eq!(negative(&source, 1), Ok(Some(1)));
    NEGATIVE.advance(12 * SECOND);
    assert_eq!(negative(&down, 0), Ok(None));
    NEGATIVE.advance(SECOND);
    assert_eq!(negative(&down, 0), Err(Failure::Down));
    assert_eq!(negative(&down, 1), Ok(Some(1)));
}

static ABSENT: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

#[memoize(none = "15s", clock = ABSENT.clock())]
fn absent(id: u64) -> Option<u64> {
    (id != 0).then_some(id)
}

#[test]
fn what_is_absent_may_be_forgotten_sooner() {
    assert_eq!((absent(0), absent(1)), (None, Some(1)));
    ABSENT.advance(15 * SECOND);
    assert_eq!((absent::peek(&0), absent::peek(&1)), (None, Some(Some(1))));
}

#[derive(Clone, Debug, PartialEq)]
struct User {
    org: u32,
}

#[memoize(tags = ["fresh-user:{id}", "fresh-org:{result.org}"])]
fn user(id: u32) -> Result<Option<User>, Failure> {
    Ok((id != 0).then_some(User { org: id % 2 }))
}

#[memoize(key: u32 = user.org, tags = ["fresh-org:{key}", "fresh-names"])]
fn org_name(user: &User) -> String {
    format!("org {}", user.org)
}

#[memo_evict(tags = ["fresh-org:{result.org}"])]
fn rename_org(org: u32) -> Result<User, Failure> {
    if org > 9 {
        Err(Failure::Down)
    } else {
        Ok(User { org })
    }
}

#[memo_evict(tags = ["fresh-user:{name}"])]
fn remove_user(name: String) {
    drop(name);
}

#[memo_put(user(&id))]
fn move_user(id: u32, org: u32) -> Result<Option<User>, Failure> {
    let _ = id;
    Ok(Some(User { org }))
}

#[test]
fn results_are_forgotten_by_tags_of_their_arguments_and_of_themselves() {
    let kept = || {
        (0..5)
            .map(|id| user::peek(&id).is_some())
            .collect::<Vec<_>>()
    };
    (0..5).for_each(|id| drop(user(id)));
    org_name(&User { org: 1 });

    rename_org(10).expect_err("it fails");
    assert_eq!(kept(), [true; 5]);
    rename_org(1).expect("it is small");
    assert_eq!(kept(), [true, false, true, false, true]);
    assert_eq!(org_name::peek(&1), None);

    // `None` has the tags of the arguments.
    remove_user("0".into());
    assert_eq!(kept(), [false, false, true, false, true]);

    // What is put, and what is refreshed, has tags too.
    move_user(2, 7).expect("it works");
    user::refresh(1).expect("it works");
    Tags::shared().invalidate("fresh-org:7");
    assert_eq!(kept(), [false, true, false, false, true]);
    Tags::shared().invalidate("fresh-org:1");
    assert_eq!(kept(), [false, false, false, false, true]);

    org_name(&User { org: 3 });
    Tags::shared().invalidate("fresh-names");
    assert_eq!(org_name::peek(&3), None);
}
