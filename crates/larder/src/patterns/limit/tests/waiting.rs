//! Waiting: order, turns that are passed on, patience.

use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use super::*;

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn those_who_wait_are_served_in_the_order_in_which_they_came() {
    let (time, limiter) = timed([Rule::gcra(1, SECOND)]);
    assert!(limiter.check("ada").allowed);
    let mut waiting: Vec<_> = (0..3).map(|_| limiter.until_ready("ada")).collect();
    assert!(waiting.iter_mut().all(|ready| poll(ready).is_pending()));
    for first in 0..3 {
        time.advance(SECOND);
        limiter.tick();
        // The last asks first, and has to wait all the same.
        for later in (first + 1..3).rev() {
            assert!(poll(&mut waiting[later]).is_pending());
        }
        assert!(matches!(poll(&mut waiting[first]), Poll::Ready(decision) if decision.allowed));
    }
    assert!(limiter.queues.is_empty());
}

#[test]
fn who_comes_while_others_wait_queues_behind_them() {
    let (time, limiter) = timed([Rule::gcra(1, SECOND)]);
    assert!(limiter.check("ada").allowed);
    let mut first = limiter.until_ready("ada");
    assert!(poll(&mut first).is_pending());
    time.advance(SECOND);
    let mut second = limiter.until_ready("ada");
    assert!(poll(&mut second).is_pending());
    assert!(poll(&mut first).is_ready());
    drop(second);
    assert!(limiter.queues.is_empty());
}

#[test]
fn a_dropped_waiter_hands_its_turn_on_and_is_charged_nothing() {
    let (time, limiter) = timed([Rule::fixed_window(1, SECOND)]);
    assert!(limiter.check("ada").allowed);
    let mut waiting: Vec<_> = (0..3).map(|_| limiter.until_ready("ada")).collect();
    assert!(waiting.iter_mut().all(|ready| poll(ready).is_pending()));
    drop(waiting.remove(0));
    drop(waiting.remove(0));
    time.advance(SECOND);
    assert!(poll(&mut waiting[0]).is_ready());
    assert!(limiter.queues.is_empty());
    time.advance(SECOND);
    assert!(limiter.check("ada").allowed);
}

#[test]
fn one_keys_queue_holds_up_no_other_key() {
    let (_, limiter) = timed([Rule::gcra(1, SECOND)]);
    assert!(limiter.check("ada").allowed);
    let mut ada = limiter.until_ready("ada");
    assert!(poll(&mut ada).is_pending());
    assert!(poll(&mut limiter.until_ready("bob")).is_ready());
}

#[test]
fn a_wait_that_is_hopeless_or_beyond_patience_is_refused_at_once() {
    let (_, limiter) = timed([Rule::fixed_window(1, MINUTE)]);
    let hopeless = limiter.until_ready("ada").cost(2).wait_blocking();
    assert!(hopeless.is_hopeless());
    assert!(limiter.check("ada").allowed);
    let impatient = limiter.until_ready("ada").within(SECOND).wait_blocking();
    assert_eq!(
        (impatient.allowed, impatient.retry_after),
        (false, Some(MINUTE))
    );
    assert!(limiter.queues.is_empty());
}

#[test]
fn who_is_not_first_is_refused_when_patience_ends() {
    let (time, limiter) = timed([Rule::fixed_window(1, MINUTE)]);
    assert!(limiter.check("ada").allowed);
    let mut first = limiter.until_ready("ada");
    assert!(poll(&mut first).is_pending());
    let mut second = limiter.until_ready("ada").within(SECOND);
    assert!(poll(&mut second).is_pending());
    time.advance(SECOND);
    limiter.tick();
    assert!(matches!(poll(&mut second), Poll::Ready(decision) if !decision.allowed));
}

#[test]
fn threads_block_until_their_turn_and_all_are_served() {
    let limiter: RateLimiter<String> = RateLimiter::new(Rule::gcra(1_000, SECOND));
    let served = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    assert!(limiter.until_ready("ada").wait_blocking().allowed);
                    #[expect(clippy::disallowed_methods, reason = "the test's own lock")]
                    let mut served = served.lock().expect("nobody panics");
                    *served += 1;
                }
            });
        }
    });
    assert_eq!(served.into_inner().expect("nobody panics"), 40);
    assert!(limiter.queues.is_empty());
}
