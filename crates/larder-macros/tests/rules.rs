//! Memoized functions whose results are judged, live as long as they say, are computed side by side, or are kept in a
//! cache of the program's own.

#![allow(clippy::disallowed_methods, reason = "tests start threads")]

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use larder::{Cache, ManualClock, memoize};

const SECOND: Duration = Duration::from_secs(1);

fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

#[memoize(cache_if = |user| user.is_some())]
fn found(id: u64) -> Option<u64> {
    (id % 2 == 0).then_some(id)
}

#[test]
fn a_result_that_is_not_worth_it_goes_to_the_caller_and_is_not_kept() {
    assert_eq!((found(1), found(2)), (None, Some(2)));
    assert_eq!((found::peek(&1), found::peek(&2)), (None, Some(Some(2))));
    assert_eq!(found(1), None);
    assert_eq!(found::stats().loads, 3);
    // Who puts a result himself has judged it.
    found::put(&1, None);
    assert_eq!(found::peek(&1), Some(None));
}

fn is_small(number: &u64) -> bool {
    *number < 100
}

#[memoize(cache_if = is_small)]
fn square(number: u64) -> Result<u64, String> {
    number
        .checked_mul(number)
        .ok_or_else(|| "too large".to_owned())
}

#[test]
fn a_rule_may_be_a_function_and_sees_the_success() {
    assert_eq!((square(9), square(10)), (Ok(81), Ok(100)));
    assert_eq!((square::peek(&9), square::peek(&10)), (Some(81), None));
    assert!(square(u64::MAX).is_err());
}

static ERRORS: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

#[memoize(
    skip(source), ttl = "60s", errors = "5s", cache_if = |result| *result != Err("lost"), clock = ERRORS.clock()
)]
fn with_errors(source: Result<u32, &'static str>, id: u32) -> Result<u32, &'static str> {
    source.map(|number| number + id)
}

#[test]
fn where_errors_are_kept_a_rule_sees_them_too() {
    assert_eq!(with_errors(Err("lost"), 1), Err("lost"));
    assert_eq!(with_errors(Err("down"), 1), Err("down"));
    assert_eq!(with_errors(Ok(1), 1), Err("down"));
    ERRORS.advance(5 * SECOND);
    assert_eq!(with_errors(Ok(1), 1), Ok(2));
}

static REFRESHED: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

#[memoize(
    skip(number), ttl = "60s", stale = "60s", cache_if = |number| *number != 0, clock = REFRESHED.clock()
)]
fn latest(number: u32, id: u32) -> u32 {
    let _ = id;
    number
}

#[test]
fn a_refresh_whose_result_is_not_kept_leaves_the_present_one() {
    assert_eq!(latest(1, 7), 1);
    assert_eq!(latest::refresh(0, 7), 0);
    assert_eq!(latest(2, 7), 1);
    REFRESHED.advance(60 * SECOND);
    // Stale: this caller computes a new one, which is not kept.
    assert_eq!(latest(0, 7), 0);
    assert_eq!(latest(3, 7), 3);
    assert_eq!(latest(4, 7), 3);
}

static TOKENS: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

#[derive(Clone, Debug, PartialEq)]
struct Token {
    lives: Duration,
}

#[memoize(ttl_fn = |token| token.lives, none = "1s", tags = ["token:{id}"], clock = TOKENS.clock())]
async fn token(id: u64) -> Result<Option<Token>, String> {
    Ok((id != 0).then(|| Token {
        lives: id as u32 * 10 * SECOND,
    }))
}

#[test]
fn a_result_may_say_itself_how_long_it_lives() {
    let kept = || [0, 1, 2].map(|id| token::peek(&id).is_some());
    for id in 0..3 {
        ready(token(id)).expect("it does not fail");
    }
    assert_eq!(kept(), [true, true, true]);
    TOKENS.advance(SECOND);
    assert_eq!(kept(), [false, true, true]);
    TOKENS.advance(9 * SECOND);
    assert_eq!(kept(), [false, false, true]);
    // What is put says so too, and has the tags besides.
    token::put(&9, Some(Token { lives: SECOND }));
    TOKENS.advance(SECOND);
    assert_eq!(token::peek(&9), None);
    larder::Tags::shared().invalidate("token:2");
    assert_eq!(kept(), [false; 3]);
}

static MIXED: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

#[memoize(ttl = "10s", ttl_fn = |number| (*number > 5).then_some(SECOND), clock = MIXED.clock())]
fn mixed(number: u64) -> u64 {
    number
}

#[test]
fn a_result_that_says_nothing_of_its_time_has_that_of_all() {
    mixed(1);
    mixed(9);
    MIXED.advance(SECOND);
    assert_eq!((mixed::peek(&1), mixed::peek(&9)), (Some(1), None));
    MIXED.advance(9 * SECOND);
    assert_eq!(mixed::peek(&1), None);
}

static BULK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

#[memoize(
    bulk, ttl_fn = |price| u32::try_from(*price).ok().map(|price| price * SECOND), cache_if = |price| *price != 3,
    clock = BULK.clock()
)]
fn prices(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, *id)).collect()
}

#[test]
fn each_pair_of_a_bulk_function_is_judged_by_itself() {
    assert_eq!(prices(&[1, 2, 3]).len(), 3);
    assert_eq!(
        [1, 2, 3].map(|id| prices::peek(&id)),
        [Some(1), Some(2), None]
    );
    BULK.advance(SECOND);
    assert_eq!([1, 2, 3].map(|id| prices::peek(&id)), [None, Some(2), None]);
}

static RUNS: AtomicU32 = AtomicU32::new(0);

#[memoize(single_flight = off)]
fn side_by_side(depth: u32) -> u32 {
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    if run == 0 {
        // Another thread asks for the same while this call runs.
        let other = std::thread::spawn(move || side_by_side(depth)).join();
        assert_eq!(other.expect("it does not wait for this call"), 1);
    }
    run
}

#[test]
fn without_single_flight_nobody_waits_and_the_first_result_is_kept() {
    assert_eq!(side_by_side(7), 0);
    assert_eq!(RUNS.load(Ordering::Relaxed), 2);
    assert_eq!(side_by_side(7), 0);
    assert_eq!(side_by_side::refresh(7), 2);
    assert_eq!(side_by_side(7), 2);
}

#[memoize(single_flight = off)]
async fn pending_once(id: u32) -> Result<u32, String> {
    if RUNS_ASYNC.fetch_add(1, Ordering::Relaxed) == 0 {
        std::future::pending::<()>().await;
    }
    Ok(id)
}

static RUNS_ASYNC: AtomicU32 = AtomicU32::new(0);

#[test]
fn without_single_flight_a_task_that_hangs_holds_nobody_up() {
    let mut context = Context::from_waker(Waker::noop());
    let mut hangs = pin!(pending_once(1));
    assert!(hangs.as_mut().poll(&mut context).is_pending());
    assert_eq!(ready(pending_once(1)), Ok(1));
    // What is kept is the result of the call that was first.
    assert_eq!(pending_once::peek(&1), None);
}

#[memoize(single_flight = key)]
fn usual(id: u32) -> u32 {
    id
}

#[test]
fn single_flight_by_key_is_what_is_usual() {
    assert_eq!(usual(1) + usual(1), 2);
    assert_eq!(usual::stats().loads, 1);
}

static USERS: LazyLock<Cache<(u64, String), String>> = LazyLock::new(|| Cache::new(10));

#[memoize(cache = USERS)]
fn user(id: u64, name: &str) -> Result<String, std::fmt::Error> {
    Ok(format!("{name} {id}"))
}

fn names() -> &'static Cache<u64, String> {
    static NAMES: LazyLock<Cache<u64, String>> = LazyLock::new(|| Cache::new(10));
    &NAMES
}

#[memoize(cache = names())]
fn name(id: u64) -> String {
    id.to_string()
}

#[test]
fn results_may_be_kept_in_a_cache_of_the_programs_own() {
    assert_eq!(user(7, "ada").as_deref(), Ok("ada 7"));
    assert_eq!(USERS.get(&(7, "ada".to_owned())).as_deref(), Some("ada 7"));
    assert!(user::invalidate(&7, "ada"));
    assert!(USERS.is_empty());
    assert_eq!(name(8), "8");
    assert_eq!(names().get(&8).as_deref(), Some("8"));
    assert!(std::ptr::eq(name::cache(), names()));
}

struct App {
    lengths: Cache<String, usize>,
}

#[memoize(scope = field(app.lengths))]
fn length(app: &App, text: &str) -> usize {
    text.len()
}

struct Shop;

impl Shop {
    const MARKUP: usize = 2;

    #[memoize(scope = field(app.lengths))]
    fn price(app: &App, text: &str) -> usize {
        text.len() * Self::MARKUP
    }
}

#[test]
fn a_cache_may_be_found_through_an_argument_which_is_no_part_of_the_key() {
    let app = App {
        lengths: Cache::new(10),
    };
    assert_eq!(length(&app, "four"), 4);
    assert_eq!(app.lengths.get("four"), Some(4));
    assert_eq!(Shop::price(&app, "four"), 4);
    assert_eq!(Shop::price(&app, "seven"), 10);
}
