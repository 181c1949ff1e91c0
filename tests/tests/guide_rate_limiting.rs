//! The usual guide to rate limiting with Redis, section by section: its way, where it fails, and larder's.
//!
//! The guide's own ways are written against a store's strings, as it writes them against a server's. Time is moved by
//! hand.

use larder::{ManualClock, RateLimiter, Rule, Store, Ttl};
use std::collections::BTreeMap;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn timed(rule: Rule) -> (ManualClock, RateLimiter<String>) {
    let time = ManualClock::new();
    let limiter = RateLimiter::builder()
        .rule(rule)
        .clock(time.clock())
        .build()
        .expect("the rule is sound");
    (time, limiter)
}

fn allowed(limiter: &RateLimiter<String>, calls: usize) -> usize {
    (0..calls)
        .filter(|_| limiter.check("client").allowed)
        .count()
}

/// The guide's first limiter, which it calls a token bucket: a sorted set of the times of calls.
mod token_bucket {
    use super::*;

    /// The guide's sorted set: members are texts of times, so that calls of one time are one member.
    #[derive(Default)]
    struct GuidesLog(BTreeMap<String, u64>);

    impl GuidesLog {
        /// Forget the old, count, add, then compare: the four calls of the guide's pipeline.
        fn is_allowed(&mut self, now: u64, most: usize, window: u64) -> bool {
            self.0.retain(|_, at| *at > now.saturating_sub(window));
            let count = self.0.len();
            self.0.insert(now.to_string(), now);
            count < most
        }
    }

    #[test]
    fn trap_refused_calls_who_keeps_asking_gets_the_rate_where_the_guide_charges_refusals_and_never_lets_in()
     {
        let mut log = GuidesLog::default();
        let let_in = (1..=600).filter(|now| log.is_allowed(*now, 3, 60)).count();
        assert_eq!(let_in, 3, "the guide's way");

        let (time, limiter) = timed(Rule::sliding_log(3, MINUTE));
        let let_in = (0..600).filter(|_| {
            time.advance(SECOND);
            limiter.check("client").allowed
        });
        assert_eq!(let_in.count(), 30);
    }

    #[test]
    fn the_guides_way_takes_calls_of_one_time_for_one_call() {
        let mut log = GuidesLog::default();
        assert!((0..1_000).all(|_| log.is_allowed(5, 3, 60)));
    }

    #[test]
    fn calls_of_one_time_are_as_many_calls() {
        let (_, limiter) = timed(Rule::sliding_log(3, MINUTE));
        assert_eq!(allowed(&limiter, 1_000), 3);
    }

    #[test]
    fn a_bucket_of_tokens_refills_evenly_and_says_what_remains() {
        let (time, limiter) = timed(Rule::token_bucket(100, MINUTE));
        assert_eq!(limiter.check("client").remaining, 99);
        assert_eq!(allowed(&limiter, 200), 99);
        assert_eq!(
            limiter.check("client").retry_after,
            Some(Duration::from_millis(600))
        );
        time.advance(6 * SECOND);
        assert_eq!(allowed(&limiter, 200), 10);
    }
}

/// The guide's second limiter, which it calls a sliding window: a counter with an expiry, set by a second call.
mod sliding_window {
    use super::*;

    fn guides_way(store: &Store, most: i64) -> bool {
        let count = store.incr("calls", 1).expect("a counter");
        if count == 1 {
            store.expire("calls", MINUTE).expect("a positive time");
        }
        count <= most
    }

    fn timed_store() -> (ManualClock, Store) {
        let time = ManualClock::new();
        let store = Store::builder()
            .clock(time.clock())
            .build()
            .expect("the defaults are sound");
        (time, store)
    }

    #[test]
    fn trap_counters_that_never_expire_a_decision_is_one_step_where_a_crash_between_the_guides_two_locks_out_for_ever()
     {
        let (time, store) = timed_store();
        // The first call counted, and its process died before it set the expiry.
        store.incr("calls", 1).expect("a counter");
        let let_in = (0..1_000).filter(|_| {
            time.advance(MINUTE);
            guides_way(&store, 3)
        });
        assert_eq!(let_in.count(), 2, "the guide's way");
        assert_eq!(store.ttl("calls"), Ttl::Forever, "the guide's way");

        let (time, limiter) = timed(Rule::fixed_window(3, MINUTE));
        for _ in 0..10 {
            assert_eq!(allowed(&limiter, 9), 3);
            time.advance(MINUTE);
        }
        time.advance(MINUTE);
        limiter.tick();
        assert!(limiter.is_empty());
    }

    #[test]
    fn the_guides_way_lets_twice_the_limit_through_at_the_edge_of_its_window() {
        let (time, store) = timed_store();
        let mut within_two_seconds = 0;
        guides_way(&store, 10);
        time.advance(59 * SECOND);
        within_two_seconds += (0..20).filter(|_| guides_way(&store, 10)).count();
        time.advance(SECOND);
        within_two_seconds += (0..20).filter(|_| guides_way(&store, 10)).count();
        assert_eq!(within_two_seconds, 19);
    }

    #[test]
    fn a_window_that_slides_has_no_edge() {
        for rule in [
            Rule::sliding_window(10, MINUTE),
            Rule::sliding_log(10, MINUTE),
        ] {
            let (time, limiter) = timed(rule);
            let mut within_two_seconds = 0;
            allowed(&limiter, 1);
            time.advance(59 * SECOND);
            within_two_seconds += allowed(&limiter, 20);
            time.advance(SECOND);
            within_two_seconds += allowed(&limiter, 20);
            assert!(within_two_seconds <= 10, "{within_two_seconds}");
        }
    }
}

/// The guide's middleware; that of larder is in larder-tower.
mod middleware {
    use super::*;

    #[test]
    fn each_client_has_its_own_count_and_a_refusal_says_when_to_come_back() {
        let (_, limiter) = timed(Rule::sliding_window(100, MINUTE));
        assert_eq!(allowed(&limiter, 150), 100);
        let refused = limiter.check("client");
        assert_eq!((refused.remaining, refused.limit), (0, 100));
        assert!(refused.retry_after_secs().is_some_and(|wait| wait >= 1));
        assert!(limiter.check("another").allowed);
    }
}
