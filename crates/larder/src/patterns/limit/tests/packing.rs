//! The packed words beside the cells, which are their oracle: same verdicts, same states, whatever is done to them.

use proptest::prelude::*;

use super::super::meter::{Cell, Verdict};
use super::super::packing::{Deed, Packing};
use super::super::rule::Nanos;
use super::super::states::Keep;
use super::*;

const MILLI: Nanos = 1_000_000;

/// What a deed does to a cell.
fn turn(cell: &mut Cell, rule: &Rule, now: Nanos, deed: Deed) -> Verdict {
    cell.advance(rule, now);
    let wait = match deed {
        Deed::Check(cost) => cell.wait(rule, now, cost),
        Deed::Charge(_) | Deed::Refund(_) => None,
    };
    match deed {
        Deed::Check(_) if wait.is_some() => {}
        Deed::Check(cost) | Deed::Charge(cost) => cell.spend(rule, now, cost),
        Deed::Refund(cost) => cell.refund(rule, cost),
    }
    cell.verdict(rule, now, wait)
}

fn deed() -> impl Strategy<Value = Deed> {
    let cost = || prop_oneof![4 => Just(1_u64), 2 => 0_u64..6, 1 => any::<u64>()];
    prop_oneof![
        6 => cost().prop_map(Deed::Check),
        1 => cost().prop_map(Deed::Charge),
        1 => cost().prop_map(Deed::Refund),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    let period = prop_oneof![
        Just(SECOND),
        Just(MINUTE),
        Just(Duration::from_nanos(999_999_937)),
        (1_u64..5_000).prop_map(Duration::from_millis),
    ];
    (0_usize..4, 1_u64..40, 1_u64..60, period).prop_map(|(kind, limit, burst, period)| match kind {
        0 => Rule::fixed_window(limit, period),
        1 => Rule::sliding_window(limit, period),
        2 => Rule::gcra(limit, period),
        _ => Rule::token_bucket(limit, period).burst(burst),
    })
}

fn packing(rule: &Rule) -> Option<Packing> {
    Packing::of(rule, Keep::of(&[*rule]).horizon())
}

proptest! {
    #[test]
    fn a_word_says_what_a_cell_says(
        rule in rule(),
        origin in prop_oneof![0_u64..1_000_000, any::<u64>().prop_map(|at| at >> 2)],
        steps in prop::collection::vec((0_u64..20, 0_u64..2_000, deed()), 1..120),
    ) {
        let packing = packing(&rule).expect("small numbers fit");
        let mut now = origin / MILLI * MILLI;
        let mut word = packing.fresh(now);
        let mut cell = Cell::new(&rule);
        for (rests, millis, deed) in steps {
            // Mostly short steps, now and then one of many periods.
            now += millis * MILLI * if rests == 0 { 40 } else { 1 };
            let expected = turn(&mut cell, &rule, now, deed);
            let (after, verdict) = packing.turn(&rule, word, now, deed);
            prop_assert_eq!(verdict, expected, "{:?} {:?} at {}", rule, deed, now);
            if verdict.wait.is_some() {
                prop_assert_eq!(after, word);
            }
            word = after;
        }
    }

    #[test]
    fn a_word_is_read_right_up_to_its_horizon(rule in rule(), at in any::<u64>(), age in any::<u64>()) {
        let horizon = Keep::of(&[rule]).horizon();
        let packing = packing(&rule).expect("small numbers fit");
        let then = (at >> 2) / MILLI * MILLI;
        let mut cell = Cell::new(&rule);
        turn(&mut cell, &rule, then, Deed::Charge(u64::MAX));
        let (word, _) = packing.turn(&rule, packing.fresh(then), then, Deed::Charge(u64::MAX));
        let now = then + age % horizon / MILLI * MILLI;
        let expected = turn(&mut cell, &rule, now, Deed::Check(1));
        prop_assert_eq!(packing.turn(&rule, word, now, Deed::Check(1)).1, expected);
    }
}

#[test]
fn numbers_that_do_not_fit_a_word_are_left_to_the_cells() {
    let day = Duration::from_secs(86_400);
    for rule in [
        Rule::gcra(0, SECOND),
        Rule::gcra(u64::MAX, day),
        Rule::token_bucket(1, 365_000 * day),
        Rule::fixed_window(u64::MAX, SECOND),
        Rule::sliding_window(1 << 40, SECOND),
        Rule::sliding_log(5, SECOND),
    ] {
        assert!(packing(&rule).is_none(), "{rule:?}");
    }
    for rule in [
        Rule::gcra(3, SECOND),
        Rule::token_bucket(1 << 30, SECOND),
        Rule::token_bucket(1_000_000, 30 * day),
        Rule::fixed_window(1_000_000, 30 * day),
        Rule::sliding_window(10_000, day),
    ] {
        assert!(packing(&rule).is_some(), "{rule:?}");
    }
}

#[test]
fn threads_share_every_algorithms_limit_exactly() {
    let hour = 60 * MINUTE;
    for rules in [
        vec![Rule::fixed_window(1_000, hour)],
        vec![Rule::sliding_window(1_000, hour)],
        vec![Rule::sliding_log(1_000, hour)],
        vec![Rule::token_bucket(1, 1_000 * hour).burst(1_000)],
        vec![Rule::token_bucket(1, 1_000_000 * hour).burst(1_000)],
        vec![
            Rule::fixed_window(1_000, hour).named("a"),
            Rule::sliding_log(5_000, hour).named("b"),
        ],
    ] {
        let (_, limiter) = timed(rules.clone());
        let all = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| allowed(&limiter, 600)))
                .collect();
            let counts = callers.into_iter().map(|caller| caller.join());
            counts.map(|count| count.expect("no panic")).sum::<u64>()
        });
        assert_eq!(all, 1_000, "{rules:?}");
        assert_eq!(limiter.peek("ada").remaining, 0, "{rules:?}");
    }
}
