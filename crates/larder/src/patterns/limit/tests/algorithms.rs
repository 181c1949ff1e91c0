//! The algorithms: what they allow, beside plain models, at the ends of their numbers, on clocks that jump.

use proptest::prelude::*;

use super::super::meter::{Cell, Wait};
use super::super::rule::Nanos;
use super::*;

const S: Nanos = 1_000_000_000;

fn all(limit: u64, period: Duration) -> [Rule; 5] {
    [
        Rule::fixed_window(limit, period),
        Rule::sliding_window(limit, period),
        Rule::sliding_log(limit, period),
        Rule::token_bucket(limit, period),
        Rule::gcra(limit, period),
    ]
}

#[test]
fn a_fixed_window_allows_its_limit_and_begins_anew_after_its_period() {
    let (time, limiter) = timed([Rule::fixed_window(3, MINUTE)]);
    assert_eq!(allowed(&limiter, 5), 3);
    time.advance(59 * SECOND);
    assert_eq!(limiter.check("ada").retry_after, Some(SECOND));
    time.advance(SECOND);
    assert_eq!(allowed(&limiter, 5), 3);
}

#[test]
fn a_fixed_window_lets_twice_its_limit_through_at_its_edge_and_the_others_do_not() {
    let burst_at_the_edge = |rule| {
        let (time, limiter) = timed([rule]);
        assert!(limiter.check("ada").allowed);
        time.advance(59 * SECOND);
        let before = allowed(&limiter, 20);
        time.advance(SECOND);
        before + allowed(&limiter, 20)
    };
    let [fixed, sliding, log, _, _] = all(10, MINUTE);
    assert_eq!(burst_at_the_edge(fixed), 19);
    assert_eq!(burst_at_the_edge(sliding), 9);
    assert_eq!(burst_at_the_edge(log), 10);
}

#[test]
fn a_sliding_window_weighs_the_window_before_by_what_it_still_covers() {
    let (time, limiter) = timed([Rule::sliding_window(10, MINUTE)]);
    assert_eq!(allowed(&limiter, 20), 10);
    time.advance(75 * SECOND); // three quarters of the window before are covered: 7.5, rounded up
    assert_eq!(allowed(&limiter, 20), 2);
    let refused = limiter.check("ada");
    assert_eq!(refused.retry_after, Some(3 * SECOND)); // 7 of 10 are covered by 42 s
    time.advance(3 * SECOND);
    assert_eq!(allowed(&limiter, 20), 1);
}

#[test]
fn a_token_bucket_refills_evenly_and_never_beyond_its_size() {
    let (time, limiter) = timed([Rule::token_bucket(60, MINUTE).burst(5)]);
    assert_eq!(allowed(&limiter, 9), 5);
    time.advance(2 * SECOND);
    assert_eq!(allowed(&limiter, 9), 2);
    time.advance(100 * MINUTE);
    assert_eq!(allowed(&limiter, 9), 5);
}

#[test]
fn the_cell_rate_algorithm_spaces_calls_evenly() {
    let (time, limiter) = timed([Rule::gcra(4, SECOND)]);
    for _ in 0..10 {
        assert_eq!(allowed(&limiter, 3), 1);
        assert_eq!(
            limiter.check("ada").retry_after,
            Some(Duration::from_millis(250))
        );
        time.advance(Duration::from_millis(250));
    }
}

#[test]
fn a_rate_that_no_decimal_holds_does_not_drift_in_a_million_calls() {
    // One call every third of a nanosecond's multiple: 3 a second.
    let rule = Rule::gcra(3, SECOND);
    let mut cell = Cell::new(&rule);
    let mut now = 5 * S;
    for _ in 0..1_000_000_u64 {
        cell.advance(&rule, now);
        match cell.wait(&rule, now, 1) {
            None => cell.spend(&rule, now, 1),
            Some(Wait::Nanos(wait)) => {
                now += wait;
                cell.advance(&rule, now);
                assert_eq!(cell.wait(&rule, now, 1), None);
                cell.spend(&rule, now, 1);
            }
            Some(Wait::Forever) => panic!("one call fits"),
        }
    }
    let calls = u128::from(now - 5 * S) * 3 / u128::from(S) + 1;
    assert!((1_000_000..=1_000_001).contains(&calls), "{calls}");
}

#[test]
fn a_limit_of_zero_allows_nothing_and_no_wait_would_help() {
    for rule in all(0, MINUTE) {
        let (_, limiter) = timed([rule]);
        let refused = limiter.check("ada");
        assert!(refused.is_hopeless(), "{rule:?}");
        assert_eq!((refused.remaining, refused.limit), (0, rule.burst));
        assert!(limiter.check_n("ada", 0).allowed);
    }
}

#[test]
fn a_limit_of_u64_max_does_not_overflow() {
    for rule in all(u64::MAX, MINUTE) {
        if rule.kind == super::super::rule::Kind::SlidingLog {
            continue;
        }
        for period in [
            Duration::from_nanos(1),
            MINUTE,
            Duration::from_nanos(u64::MAX / 2),
        ] {
            let rule = Rule { period, ..rule };
            let (time, limiter) = timed([rule]);
            assert!(limiter.check_n("ada", rule.burst).allowed, "{rule:?}");
            limiter.charge("ada", u64::MAX);
            limiter.refund("ada", u64::MAX);
            time.advance(Duration::from_millis(u64::MAX / 2));
            assert!(limiter.check("ada").allowed, "{rule:?}");
        }
    }
    let log = RateLimiter::<u8>::builder()
        .rule(Rule::sliding_log(u64::MAX, MINUTE))
        .build();
    assert_eq!(
        log.expect_err("16 bytes a call").to_string(),
        "a sliding log's limit must be at most 65536"
    );
}

#[test]
fn a_clock_that_jumps_back_frees_nothing_and_locks_nobody_out_for_longer_than_the_rule_could() {
    for rule in all(5, MINUTE) {
        let mut cell = Cell::new(&rule);
        let now = 1_000_000 * S;
        cell.advance(&rule, now);
        cell.spend(&rule, now, rule.burst);
        let longest = u64::try_from(rule.forgets_after().as_nanos()).expect("a minute or two");
        for back in [1, S / 2, S, 10 * S, 999_999 * S] {
            let then = now - back;
            cell.advance(&rule, then);
            assert_eq!(cell.remaining(&rule, then), 0, "{rule:?} {back}");
            assert!(cell.reset(&rule, then) <= longest, "{rule:?} {back}");
            let Some(Wait::Nanos(wait)) = cell.wait(&rule, then, 1) else {
                panic!("{rule:?} was spent");
            };
            assert!(wait <= longest, "{rule:?} {back}: {wait}");
        }
    }
}

#[test]
fn readings_of_two_clocks_that_differ_a_little_give_nothing_away() {
    for rule in all(5, MINUTE) {
        let mut cell = Cell::new(&rule);
        let mut spent = 0;
        for turn in 0..100_000_u64 {
            // Forward by a microsecond a turn, but every other reading is 15 ms late.
            let now = 1000 * S + turn * 1_000 - (turn % 2) * 15_000_000;
            cell.advance(&rule, now);
            if cell.wait(&rule, now, 1).is_none() {
                cell.spend(&rule, now, 1);
                spent += 1;
            }
        }
        assert_eq!(spent, rule.burst, "{rule:?}");
    }
}

/// Calls in time order, as the log of a model that keeps all of them.
fn within(calls: &[(Nanos, u64)], from: Nanos, to: Nanos) -> u64 {
    let inside = calls.iter().filter(|(at, _)| *at > from && *at <= to);
    inside.map(|(_, cost)| cost).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_algorithm_keeps_to_its_bound_and_to_the_wait_that_it_names(
        limit in 1_u64..12,
        period in 1_u64..2_000,
        kind in 0_usize..5,
        steps in prop::collection::vec((0_u64..900, 1_u64..6), 1..80),
    ) {
        let rule = all(limit, Duration::from_nanos(period))[kind];
        let mut cell = Cell::new(&rule);
        let (mut now, mut calls) = (10 * S, Vec::new());
        for (pause, cost) in steps {
            now += pause;
            cell.advance(&rule, now);
            match cell.wait(&rule, now, cost) {
                None => {
                    prop_assert!(cost <= cell.remaining(&rule, now));
                    cell.spend(&rule, now, cost);
                    calls.push((now, cost));
                }
                Some(Wait::Forever) => prop_assert!(cost > rule.burst),
                Some(Wait::Nanos(wait)) => {
                    prop_assert!(cost > cell.remaining(&rule, now));
                    for (after, fits) in [(wait - 1, false), (wait, true)] {
                        let mut later = cell.clone();
                        later.advance(&rule, now + after);
                        prop_assert_eq!(later.wait(&rule, now + after, cost).is_none(), fits);
                    }
                }
            }
            let mut later = cell.clone();
            let reset = now + cell.reset(&rule, now);
            later.advance(&rule, reset);
            prop_assert_eq!(later.remaining(&rule, reset), rule.burst);
        }
        for &(to, _) in &calls {
            let most = match kind {
                0 | 1 => 2 * limit,
                2 => limit,
                _ => rule.burst + limit,
            };
            prop_assert!(within(&calls, to.saturating_sub(period), to) <= most);
        }
    }

    #[test]
    fn the_log_is_a_model_that_keeps_every_call(
        limit in 1_u64..9,
        steps in prop::collection::vec((0_u64..60, 1_u64..4), 1..80),
    ) {
        let rule = Rule::sliding_log(limit, Duration::from_nanos(100));
        let mut cell = Cell::new(&rule);
        let (mut now, mut calls) = (10 * S, Vec::new());
        for (pause, cost) in steps {
            now += pause;
            let used = within(&calls, now - 100, now);
            cell.advance(&rule, now);
            prop_assert_eq!(cell.remaining(&rule, now), limit - used);
            let fits = used + cost <= limit;
            prop_assert_eq!(cell.wait(&rule, now, cost).is_none(), fits);
            if fits {
                cell.spend(&rule, now, cost);
                calls.push((now, cost));
            }
        }
    }
}
