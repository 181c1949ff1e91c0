//! The calls: several rules at once, costs, refunds, quotas, forgetting, bounds.

use super::*;
use crate::reaper::Upkeep;

fn both() -> (ManualClock, RateLimiter<String>) {
    timed([
        Rule::fixed_window(2, SECOND).named("burst"),
        Rule::fixed_window(3, MINUTE).named("minute"),
    ])
}

#[test]
fn what_one_rule_refuses_no_rule_is_charged_for() {
    let (time, limiter) = both();
    assert_eq!(allowed(&limiter, 50), 2);
    assert_eq!(limiter.check("ada").policy, "burst");
    time.advance(SECOND);
    let third = limiter.check("ada");
    assert!(third.allowed, "48 refused calls were charged to the minute");
    assert_eq!((third.remaining, third.policy), (0, "minute"));
    let fourth = limiter.check("ada");
    assert_eq!(
        (fourth.policy, fourth.retry_after),
        ("minute", Some(59 * SECOND))
    );
}

#[test]
fn a_refused_call_spends_nothing_under_any_algorithm() {
    for rule in [
        Rule::fixed_window(10, MINUTE),
        Rule::sliding_window(10, MINUTE),
        Rule::sliding_log(10, MINUTE),
        Rule::token_bucket(10, MINUTE),
    ] {
        let (_, limiter) = timed([rule]);
        assert!(limiter.check_n("ada", 8).allowed);
        for _ in 0..100 {
            assert!(!limiter.check_n("ada", 3).allowed);
        }
        assert!(limiter.check_n("ada", 2).allowed, "{rule:?}");
    }
}

#[test]
fn a_peek_charges_nothing_and_makes_no_state() {
    let (_, limiter) = both();
    for _ in 0..9 {
        assert!(limiter.peek("ada").allowed);
    }
    assert!(limiter.is_empty());
    assert_eq!(allowed(&limiter, 9), 2);
    assert!(!limiter.peek("ada").allowed);
}

#[test]
fn a_refund_gives_back_once_and_never_more_than_was_charged() {
    let (_, limiter) = timed([Rule::token_bucket(10, MINUTE)]);
    assert!(limiter.check_n("ada", 6).allowed);
    limiter.refund("ada", 100);
    assert_eq!(limiter.peek("ada").remaining, 10);
    limiter.refund("nobody", 1);
    assert_eq!(limiter.len(), 1);
}

#[test]
fn a_reservation_is_settled_by_what_it_came_to_or_cancelled_or_kept() {
    let (_, limiter) = timed([Rule::fixed_window(100, MINUTE)]);
    let remaining = || limiter.peek("ada").remaining;
    let reserve = |estimate| limiter.reserve("ada", estimate).expect("there is room");
    reserve(40).settle(10);
    assert_eq!(remaining(), 90);
    reserve(10).settle(30);
    assert_eq!(remaining(), 60);
    reserve(50).cancel();
    assert_eq!(remaining(), 60);
    drop(reserve(60));
    assert_eq!(remaining(), 0);
    assert!(limiter.reserve("ada", 1).is_err());
}

#[test]
fn each_key_has_its_own_quota_and_what_it_spent_stays_spent_when_that_changes() {
    let time = ManualClock::new();
    let limiter: RateLimiter<String> = RateLimiter::builder()
        .rule(Rule::token_bucket(10, MINUTE))
        .quota(|key: &String, rule| match key.as_str() {
            "pro" => 10 * rule.limit(),
            "banned" => 0,
            _ => rule.limit(),
        })
        .clock(time.clock())
        .build()
        .expect("the rule is sound");
    assert_eq!(limiter.check_n("pro", 60).remaining, 40);
    assert_eq!(limiter.check_n("ada", 6).remaining, 4);
    assert!(limiter.check("banned").is_hopeless());
    time.advance(6 * SECOND);
    assert_eq!(limiter.peek("pro").remaining, 50);
    assert_eq!(limiter.peek("ada").remaining, 5);
}

#[test]
fn a_key_is_forgotten_by_itself_once_its_state_is_as_new_and_not_before() {
    let (time, limiter) = timed([Rule::sliding_window(5, MINUTE)]);
    assert_eq!(allowed(&limiter, 5), 5);
    time.advance(2 * MINUTE - SECOND);
    limiter.tick();
    assert_eq!(limiter.len(), 1);
    // A quarter longer, so that few calls move the deadline.
    time.advance(MINUTE);
    limiter.tick();
    assert_eq!(limiter.len(), 0);
}

#[test]
fn a_key_that_goes_on_calling_is_kept_however_seldom_its_deadline_moves() {
    for rules in [
        vec![Rule::fixed_window(1_000_000, MINUTE)],
        vec![
            Rule::fixed_window(1_000_000, MINUTE).named("a"),
            Rule::gcra(1, SECOND).burst(1_000_000).named("b"),
        ],
    ] {
        let (time, limiter) = timed(rules);
        assert!(limiter.check("ada").allowed);
        for _ in 0..2_000 {
            time.advance(Duration::from_millis(700));
            limiter.tick();
            assert_eq!(limiter.len(), 1);
            assert!(limiter.check("ada").allowed);
        }
    }
}

#[test]
fn a_state_that_is_as_new_counts_as_new_where_nobody_does_the_upkeep() {
    let (time, limiter) = timed([Rule::fixed_window(5, SECOND)]);
    for pause in [SECOND, 1_000 * MINUTE, Duration::from_millis(1 << 41)] {
        assert_eq!(allowed(&limiter, 9), 5);
        time.advance(pause);
        assert_eq!(limiter.peek("ada").remaining, 5);
    }
}

#[test]
fn a_key_that_is_refused_all_day_keeps_its_state_and_knows_its_wait() {
    for rule in [
        Rule::fixed_window(1, 100 * MINUTE),
        Rule::sliding_log(1, 100 * MINUTE),
        Rule::gcra(1, 100 * MINUTE),
    ] {
        let (time, limiter) = timed([rule]);
        assert!(limiter.check("ada").allowed);
        for minute in 1..100 {
            time.advance(MINUTE);
            limiter.tick();
            let refused = limiter.check("ada");
            assert_eq!(
                refused.retry_after,
                Some((100 - minute) * MINUTE),
                "{rule:?}"
            );
        }
        time.advance(MINUTE);
        assert!(limiter.check("ada").allowed);
    }
}

#[test]
fn a_new_key_that_is_refused_takes_no_room() {
    let (_, limiter) = timed([Rule::fixed_window(5, SECOND)]);
    assert!(!limiter.check_n("ada", 6).allowed);
    assert_eq!(limiter.len(), 0);
}

#[test]
fn a_bucket_that_takes_longer_than_its_period_to_refill_is_kept_for_so_long() {
    let (time, limiter) = timed([Rule::token_bucket(1, SECOND).burst(100)]);
    assert_eq!(allowed(&limiter, 200), 100);
    time.advance(50 * SECOND);
    limiter.tick();
    assert_eq!(allowed(&limiter, 200), 50);
}

#[test]
fn a_flood_of_strange_keys_keeps_to_the_bound_and_leaves_a_busy_key_its_state() {
    let limiter: RateLimiter<u64> = RateLimiter::builder()
        .rule(Rule::fixed_window(1_000_000, MINUTE))
        .max_keys(1_000)
        .clock(ManualClock::new().clock())
        .build()
        .expect("the rule is sound");
    let mut calls = 0;
    for stranger in 1..100_000 {
        assert!(limiter.check(&stranger).allowed);
        if stranger % 10 == 0 {
            calls += 1;
            assert_eq!(limiter.check(&0).remaining, 1_000_000 - calls);
        }
        assert!(limiter.len() <= 1_000);
    }
}

#[test]
fn threads_share_a_limit_exactly() {
    let limiter: RateLimiter<u8> = RateLimiter::new(Rule::fixed_window(1_000, 100 * MINUTE));
    let allowed: usize = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..600).filter(|_| limiter.check(&1).allowed).count()))
            .collect();
        callers
            .into_iter()
            .map(|caller| caller.join().expect("no panic"))
            .sum()
    });
    assert_eq!(allowed, 1_000);
}

#[test]
fn the_systems_clock_keeps_a_pace_that_is_finer_than_its_coarse_step() {
    let limiter: RateLimiter<u8> = RateLimiter::builder()
        .rule(Rule::gcra(100_000, SECOND))
        .upkeep(Upkeep::Manual)
        .build()
        .expect("the rule is sound");
    let clock = crate::time::Clock::system();
    let mut allowed = 0_u64;
    while clock.fine_nanos() < 50_000_000 {
        allowed += u64::from(limiter.check(&1).allowed);
    }
    let most = clock.fine_nanos() / 10_000 + 2_100;
    assert!(allowed <= most, "{allowed} of at most {most}");
    assert!(
        allowed > 100,
        "{allowed}: the coarse clock's step is not the pace"
    );
}

#[test]
fn a_builder_says_all_that_is_wrong() {
    let faulty = RateLimiter::<u8>::builder()
        .rule(Rule::fixed_window(1, Duration::ZERO))
        .rule(Rule::gcra(1, SECOND).burst(0))
        .rule(Rule::gcra(1, SECOND).named("a\"b"))
        .max_keys(0)
        .build()
        .expect_err("much is wrong");
    assert_eq!(faulty.faults().len(), 5, "{faulty}");
    assert!(RateLimiter::<u8>::builder().build().is_err());
}
