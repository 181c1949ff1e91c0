//! The set in lockstep with a sorted map and a hash map, in both forms, with transactions.

use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;

use super::*;
use crate::ds::skiplist::order_of;

fn hasher() -> RandomState {
    RandomState::with_seeds(1, 2, 3, 4)
}

#[derive(Clone, Default)]
struct Naive {
    scores: HashMap<Vec<u8>, f64>,
    order: BTreeSet<(u64, Vec<u8>)>,
}

impl Naive {
    fn set(&mut self, member: &[u8], score: Option<f64>) {
        if let Some(old) = self.scores.remove(member) {
            self.order.remove(&(order_of(old), member.to_vec()));
        }
        if let Some(score) = score {
            self.scores.insert(member.to_vec(), score);
            self.order.insert((order_of(score), member.to_vec()));
        }
    }

    fn rows(&self) -> Vec<(&[u8], f64)> {
        let row = |(_, member): &'_ (u64, Vec<u8>)| self.scores[member];
        self.order.iter().map(|at| (&at.1[..], row(at))).collect()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Add(u16, f64, AddRule),
    Many(u16, f64),
    Increment(u16, f64),
    Remove(u16),
    RemoveRanks(prop::sample::Index, u8),
    Begin,
    End(bool),
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-40..40i32).prop_map(f64::from),
        3 => -1e6..1e6f64,
        1 => prop::sample::select(vec![f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e300, 5e-324, 40_000.0]),
    ]
}

fn rule() -> impl Strategy<Value = AddRule> {
    use AddRule::*;
    let rules = [
        Always,
        IfAbsent,
        IfPresent,
        IfGreater,
        IfLess,
        IfPresentAndGreater,
        IfPresentAndLess,
    ];
    prop_oneof![Just(Always), prop::sample::select(rules.to_vec())]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (0..300u16, score(), rule()).prop_map(|(m, s, rule)| Step::Add(m, s, rule)),
        2 => (0..300u16, score()).prop_map(|(n, s)| Step::Many(n, s)),
        3 => (0..300u16, score()).prop_map(|(m, s)| Step::Increment(m, s)),
        3 => (0..300u16).prop_map(Step::Remove),
        3 => (any::<prop::sample::Index>(), 1..120u8).prop_map(|(at, n)| Step::RemoveRanks(at, n)),
        1 => Just(Step::Begin),
        1 => any::<bool>().prop_map(Step::End),
    ]
}

fn name(n: u16) -> Vec<u8> {
    let long = if n.is_multiple_of(29) { 90 } else { 0 };
    format!("m{n:0width$}", width = 3 + long).into_bytes()
}

fn add(set: &mut SortedSet, naive: &mut Naive, member: &[u8], score: f64, rule: AddRule) {
    let old = naive.scores.get(member).copied();
    let admitted = rule.admits(old, score);
    let most = set.bytes() + set.growth(1, member.len());
    let added = set.add(&hasher(), member, score, rule);
    assert!(set.bytes() <= most);
    let expected = match old {
        _ if !admitted => Added::Refused,
        None => Added::New,
        Some(old) if old == score => Added::Same,
        Some(_) => Added::Changed,
    };
    assert_eq!(added, expected);
    if admitted {
        naive.set(member, Some(score));
    }
}

fn apply(set: &mut SortedSet, naive: &mut Naive, step: Step) {
    let hasher = hasher();
    match step {
        Step::Add(member, score, rule) => add(set, naive, &name(member), score, rule),
        Step::Many(n, score) => {
            for i in 0..n {
                add(
                    set,
                    naive,
                    &name(i),
                    score + f64::from(i % 7),
                    AddRule::Always,
                );
            }
        }
        Step::Increment(member, by) => {
            let member = name(member);
            let sum = naive.scores.get(&member).unwrap_or(&0.0) + by;
            let result = set.increment(&hasher, &member, by, AddRule::Always);
            if sum.is_nan() {
                assert_eq!(result, Err(NoIncrement::NotANumber));
            } else {
                assert_eq!(result, Ok(sum));
                naive.set(&member, Some(sum));
            }
        }
        Step::Remove(member) => {
            let member = name(member);
            assert_eq!(
                set.remove(&hasher, &member),
                naive.scores.contains_key(&member)
            );
            naive.set(&member, None);
        }
        Step::RemoveRanks(at, n) if !naive.order.is_empty() => {
            let from = at.index(naive.order.len());
            let ranks = from..naive.order.len().min(from + usize::from(n));
            let gone: Vec<_> = naive
                .order
                .iter()
                .skip(from)
                .take(ranks.len())
                .cloned()
                .collect();
            gone.iter().for_each(|(_, member)| naive.set(member, None));
            set.remove_ranks(&hasher, ranks);
        }
        Step::RemoveRanks(..) | Step::Begin | Step::End(_) => {}
    }
}

fn rows(set: &SortedSet, ranks: Range<usize>, direction: Direction) -> Vec<(&[u8], f64)> {
    let mut rows = Vec::new();
    set.visit(ranks, direction, |member, score| rows.push((member, score)));
    rows
}

fn assert_same(set: &SortedSet, naive: &Naive) {
    if let Form::Large(large) = &set.form {
        large.assert_invariants(&hasher());
    }
    let len = naive.order.len();
    assert_eq!(set.len(), len);
    let mut expected = naive.rows();
    assert_eq!(rows(set, 0..len, Direction::Up), expected);
    for (rank, (member, score)) in expected.iter().enumerate().step_by(11) {
        assert_eq!(set.rank(&hasher(), member), Some((rank, *score)));
        let before = expected.iter().filter(|row| row.1 < *score).count();
        let upto = expected.iter().filter(|row| row.1 <= *score).count();
        assert_eq!(set.rank_at_score(Edge::Before(*score)), before);
        assert_eq!(set.rank_at_score(Edge::Behind(*score)), upto);
    }
    let part = len / 3..len / 2;
    expected.reverse();
    assert_eq!(
        rows(set, part.clone(), Direction::Down),
        expected[len - part.end..len - part.start]
    );
    assert_eq!(set.score(&hasher(), b"absent"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_set_is_a_map_in_order_and_transactions_are_taken_back(steps in prop::collection::vec(step(), 1..80)) {
        let (mut set, mut naive) = (SortedSet::new(), Naive::default());
        let mut before: Option<Naive> = None;
        for step in steps {
            match step {
                Step::Begin if before.is_none() => {
                    set.begin();
                    before = Some(naive.clone());
                }
                Step::End(true) => {
                    set.commit();
                    before = None;
                }
                Step::End(false) => {
                    set.rollback();
                    naive = before.take().unwrap_or(naive);
                }
                step => apply(&mut set, &mut naive, step),
            }
            if let Some(packed) = set.packed() {
                prop_assert!(packed.len() <= MAX_PACKED);
            }
            assert_same(&set, &naive);
        }
    }

    #[test]
    fn a_packed_set_comes_back_from_its_bytes(rows in prop::collection::vec((0..300u16, score()), 0..60)) {
        let (mut set, mut naive) = (SortedSet::new(), Naive::default());
        for (member, score) in rows {
            add(&mut set, &mut naive, &name(member), score, AddRule::Always);
        }
        let packed = set.packed().map(<[u8]>::to_vec);
        if let Some(packed) = packed {
            assert_same(&SortedSet::unpack(packed), &naive);
        }
    }

    #[test]
    fn algebra_is_that_of_maps(
        sets in prop::collection::vec(prop::collection::hash_map(0..250u16, score(), 0..200), 1..4),
        weights in prop::collection::vec(prop::sample::select(vec![1.0, 0.0, -2.0, 0.5, f64::INFINITY]), 4),
        aggregate in prop::sample::select(vec![Aggregate::Sum, Aggregate::Min, Aggregate::Max]),
    ) {
        let hasher = hasher();
        let made: Vec<_> = sets.iter().map(|rows| {
            let mut set = SortedSet::new();
            for (member, score) in rows {
                set.add(&hasher, &name(*member), *score, AddRule::Always);
            }
            set
        }).collect();
        let plain: Vec<_> = made.iter().map(|set| set as &dyn Source).collect();
        let sources: Vec<_> = plain.iter().copied().zip(weights.iter().copied()).collect();
        let mut by_size: Vec<_> = sets.iter().zip(&weights).collect();
        by_size.sort_by_key(|(set, _)| set.len());
        let scores = |member: u16| by_size.iter().filter_map(move |(set, weight)| Some(set.get(&member)? * **weight));
        fn number(score: f64) -> f64 { if score.is_nan() { 0.0 } else { score } }
        let united = |member: u16| scores(member).map(number).reduce(|a, b| aggregate.of(a, b));
        let common = |member: u16| {
            let mut scores = scores(member);
            let first = scores.next().map(number)?;
            Some(scores.fold(first, |all, score| match aggregate {
                Aggregate::Sum => number(all + score),
                Aggregate::Min => if score < all { score } else { all },
                Aggregate::Max => if score > all { score } else { all },
            }))
        };
        let (mut any, mut all, mut first) = (Naive::default(), Naive::default(), Naive::default());
        for member in 0..250 {
            let there: Vec<_> = sets.iter().map(|set| set.contains_key(&member)).collect();
            if there.contains(&true) {
                any.set(&name(member), united(member));
            }
            if !there.contains(&false) {
                all.set(&name(member), common(member));
            }
            if there[0] && !there[1..].contains(&true) {
                first.set(&name(member), Some(sets[0][&member]));
            }
        }
        let united = union(&hasher, &sources, aggregate);
        prop_assert_eq!(united.iter().collect::<Vec<_>>(), any.rows());
        let common = intersection(&hasher, &sources, aggregate);
        prop_assert_eq!(common.iter().collect::<Vec<_>>(), all.rows());
        prop_assert_eq!(intersection_len(&hasher, &plain, usize::MAX), common.len());
        prop_assert_eq!(intersection_len(&hasher, &plain, 3), common.len().min(3));
        let rest = difference(&hasher, &plain);
        prop_assert_eq!(rest.iter().collect::<Vec<_>>(), first.rows());
        assert_same(&common.into_set(&hasher), &all);
    }
}

#[test]
fn members_of_one_score_are_found_by_their_bytes_in_both_forms() {
    for n in [50u16, 2000] {
        let mut set = SortedSet::new();
        for i in 0..n {
            set.add(
                &hasher(),
                format!("{:04}", i * 2).as_bytes(),
                7.0,
                AddRule::Always,
            );
        }
        for probe in 0..n * 2 {
            let member = format!("{probe:04}");
            let before = usize::from(probe.div_ceil(2));
            assert_eq!(set.rank_at_member(Edge::Before(member.as_bytes())), before);
            let upto = usize::from(probe / 2) + 1;
            assert_eq!(set.rank_at_member(Edge::Behind(member.as_bytes())), upto);
        }
    }
}

#[test]
fn a_scan_shows_every_member_once_if_nothing_changes() {
    for n in [100usize, 5000] {
        let mut set = SortedSet::new();
        for i in 0..n {
            set.add(
                &hasher(),
                format!("{i}").as_bytes(),
                i as f64,
                AddRule::Always,
            );
        }
        let (mut cursor, mut seen) = (0, Vec::new());
        loop {
            cursor = set.scan(cursor, 10, |member, _| seen.push(member.to_vec()));
            if cursor == 0 {
                break;
            }
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), n);
    }
}
