//! Sets beside an ordered set, in transactions as well; algebra; conversions.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use ahash::RandomState;
use proptest::prelude::*;

use super::*;

fn hasher() -> RandomState {
    RandomState::with_seeds(1, 2, 3, 4)
}

/// Numbers that look random, the same in each run.
fn dice(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
    }
}

#[derive(Debug, Clone)]
enum Step {
    Insert(Vec<u8>),
    InsertInts(i64, u16),
    InsertTexts(u32, u16),
    Remove(usize),
    Pop(usize),
    Transaction(Vec<Step>),
}

fn step() -> impl Strategy<Value = Step> {
    let member = prop_oneof![
        4 => (-30..30_i64).prop_map(|int| int.to_string().into_bytes()),
        1 => any::<i64>().prop_map(|int| int.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..300),
    ];
    let leaf = prop_oneof![
        4 => member.prop_map(Step::Insert),
        1 => (-1000..1000_i64, 0..600_u16).prop_map(|(from, many)| Step::InsertInts(from, many)),
        1 => (0..1000_u32, 0..300_u16).prop_map(|(from, many)| Step::InsertTexts(from, many)),
        2 => any::<usize>().prop_map(Step::Remove),
        2 => (0..400_usize).prop_map(Step::Pop),
    ];
    leaf.prop_recursive(1, 6, 6, |inner| {
        prop::collection::vec(inner, 0..6).prop_map(Step::Transaction)
    })
}

type Model = BTreeSet<Vec<u8>>;

/// A set that has shrunk in a transaction stays large, and so do the rows of handles that it had: what it may grow was
/// measured against those, too, and came out too little.
#[test]
fn a_set_that_has_shrunk_grows_by_no_more_than_it_says() {
    let (mut set, mut model) = (Set::default(), Model::new());
    let member = |n: u32| format!("member {n}").into_bytes();
    run(&mut set, &mut model, Step::InsertTexts(0, 1500), 0);
    set.begin();
    (20..1500).for_each(|n| assert!(set.remove(&hasher(), &member(n))));
    (20..1500).for_each(|n| assert!(model.remove(&member(n))));
    run(&mut set, &mut model, Step::InsertTexts(2000, 40), 1);
    set.commit();
    check(&set, &model);
}

fn run(set: &mut Set, model: &mut Model, step: Step, depth: u32) {
    let hasher = hasher();
    let put = |set: &mut Set, model: &mut Model, member: Vec<u8>| {
        let room = set.bytes() + set.growth(1, member.len());
        assert_eq!(set.insert(&hasher, &member), model.insert(member));
        assert!(set.bytes() <= room, "{} > {room}", set.bytes());
    };
    match step {
        Step::Insert(member) => put(set, model, member),
        Step::InsertInts(from, many) => {
            (from..from + i64::from(many))
                .for_each(|int| put(set, model, int.to_string().into_bytes()));
        }
        Step::InsertTexts(from, many) => {
            (from..from + u32::from(many))
                .for_each(|n| put(set, model, format!("member {n}").into_bytes()));
        }
        Step::Remove(nth) if !model.is_empty() => {
            let member = model.iter().nth(nth % model.len()).cloned();
            let member = member.expect("the index is below the length");
            assert!(set.remove(&hasher, &member) && model.remove(&member));
            assert!(!set.remove(&hasher, &member));
        }
        Step::Remove(_) => {}
        Step::Pop(count) => {
            let (len, mut popped) = (set.len(), 0);
            set.pop(&hasher, count, &mut dice(count as u64), &mut |member| {
                assert!(model.remove(&owned(member)[..]));
                popped += 1;
            });
            assert_eq!(popped, count.min(len));
        }
        Step::Transaction(_) if depth > 0 => {}
        Step::Transaction(steps) => {
            let (before, keep) = (model.clone(), steps.len() % 2 == 0);
            set.begin();
            for step in steps {
                run(set, model, step, depth + 1);
            }
            if keep {
                set.commit();
            } else {
                set.rollback();
                *model = before;
            }
        }
    }
}

fn check(set: &Set, model: &Model) {
    match &set.form {
        Form::Ints(ints) => ints.assert_invariants(),
        Form::Members(pairs) => pairs.assert_invariants(&hasher()),
    }
    let members: Model = set
        .iter()
        .map(|member| owned(member).into_owned())
        .collect();
    assert_eq!((&members, set.len()), (model, model.len()));
    for member in model {
        assert!(set.contains(&hasher(), Member::Bytes(member)));
    }
    assert!(!set.contains(&hasher(), Member::Bytes(b"nowhere")));
    for count in [1, 3, 50, 5000] {
        let mut sampled = BTreeSet::new();
        set.sample(count, &mut dice(9), &mut |member| {
            assert!(sampled.insert(owned(member).into_owned()));
        });
        assert_eq!(sampled.len(), count.min(model.len()));
        assert!(sampled.is_subset(model));
    }
    let (mut seen, mut cursor) = (Model::new(), 0);
    loop {
        cursor = set.scan(cursor, 10, &mut |member| {
            seen.insert(owned(member).into_owned());
        });
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(&seen, model);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_set_follows_an_ordered_set(steps in prop::collection::vec(step(), 0..25)) {
        let (mut set, mut model) = (Set::default(), Model::new());
        for step in steps {
            run(&mut set, &mut model, step, 0);
            check(&set, &model);
            prop_assert_eq!(set.clone().bytes() <= set.bytes(), true);
            if let Some(packed) = set.packed() {
                prop_assert!(packed.len() <= MAX_PACKED);
                let again = Set::unpack(packed.to_vec());
                check(&again, &model);
                set = again;
            }
        }
    }

    #[test]
    fn algebra_agrees_with_that_of_ordered_sets(
        sets in prop::collection::vec(prop::collection::btree_set(0..40_u32, 0..30), 1..4),
        texts: [bool; 4],
        limit in 1..50_usize,
    ) {
        let spell = |n: &u32, text: bool| if text && n.is_multiple_of(3) { format!("t{n}") } else { n.to_string() };
        let hasher = hasher();
        let models: Vec<Model> = sets.iter().zip(texts).map(|(set, text)| {
            set.iter().map(|n| spell(n, text).into_bytes()).collect()
        }).collect();
        let values: Vec<Set> = models.iter().map(|model| {
            let mut set = Set::default();
            model.iter().for_each(|member| { set.insert(&hasher, member); });
            set
        }).collect();
        let refs: Vec<&Set> = values.iter().collect();
        let all: Model = models.iter().flatten().cloned().collect();
        let mut seen = Vec::new();
        intersection(&refs, &hasher, &mut |member| {
            seen.push(owned(member).into_owned());
            if seen.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        let common: Model = all.iter().filter(|m| models.iter().all(|model| model.contains(*m))).cloned().collect();
        prop_assert_eq!(seen.len(), common.len().min(limit));
        prop_assert!(seen.iter().all(|member| common.contains(member)));
        let mut seen = Vec::new();
        union(&refs, &hasher, &mut |member| { seen.push(owned(member).into_owned()); ControlFlow::Continue(()) });
        seen.sort();
        prop_assert_eq!(seen, all.iter().cloned().collect::<Vec<_>>());
        let mut seen = Model::new();
        difference(refs[0], &refs[1..], &hasher, &mut |member| { seen.insert(owned(member).into_owned()); ControlFlow::Continue(()) });
        let own: Model = models[0].iter().filter(|m| !models[1..].iter().any(|model| model.contains(*m))).cloned().collect();
        prop_assert_eq!(seen, own);
    }
}

#[test]
fn five_hundred_wide_integers_fit_four_kibibytes() {
    let mut set = Set::default();
    for n in 0..500_i64 {
        set.insert(&hasher(), (n << 40).to_string().as_bytes());
    }
    assert_eq!(set.len(), 500);
    assert!(set.packed().is_none());
    assert!(set.bytes() <= 4120, "{}", set.bytes());
}

#[test]
fn a_set_comes_down_at_half_of_what_took_it_up() {
    let mut set = Set::default();
    for n in 0..129 {
        set.insert(&hasher(), format!("m{n}").as_bytes());
    }
    assert!(set.packed().is_none());
    for n in 65..129 {
        assert!(set.packed().is_none());
        set.remove(&hasher(), format!("m{n}").as_bytes());
    }
    assert!(set.packed().is_none());
    set.remove(&hasher(), b"m64");
    assert_eq!((set.len(), set.packed().is_some()), (64, true));
}
