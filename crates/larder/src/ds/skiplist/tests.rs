//! The list in lockstep with a sorted vector.

use super::block::Element;
use super::*;
use proptest::prelude::*;
use std::ops::Range;

impl SkipList {
    /// Everything that must hold between two changes.
    pub(crate) fn assert_invariants(&self) {
        let (mut count, mut held, mut bytes) = (0, 0, 0);
        let (mut number, mut before) = (self.first, NIL);
        let mut last: Option<Element<'_>> = None;
        while number != NIL {
            let block = &self.blocks[number];
            block.assert_sound();
            assert_eq!(block.prev, before);
            assert!(block.len() > 0 || self.len == 0);
            assert!(block.len() <= block::MAX_LEN);
            if let (Some(last), true) = (last, block.len() > 0) {
                assert!(block.compare(0, last.key, last.member).is_gt());
            }
            for at in 0..block.len() {
                let place = Place { block: number, at };
                assert_eq!(self.rank(place), count + at);
            }
            count += block.len();
            held += block.held();
            bytes += block.member_bytes(&(0..block.len())) as u64;
            last = (block.len() > 0).then(|| block.element(block.len() - 1));
            (before, number) = (number, block.next);
        }
        assert_eq!((self.len, self.last), (count, before));
        assert_eq!((self.packed, self.member_bytes), (held, bytes));
        assert_eq!(self.nodes[self.root].parent, NIL);
        assert_eq!(self.check(self.root, self.height), count);
    }

    /// Counts what is under a node, `level` levels above the blocks.
    fn check(&self, number: u32, level: u32) -> usize {
        let node = &self.nodes[number];
        assert!(node.len() > 0);
        for i in 0..node.len() {
            let child = node.child(i);
            let mut first = child;
            for _ in 1..level {
                first = self.nodes[first].child(0);
            }
            if self.len > 0 {
                let first = self.blocks[first].element(0);
                assert!(node.head(i) <= Head::of(first.key, first.member));
            }
            let parent = if level == 1 {
                assert_eq!(self.blocks[child].len(), node.entry(i).count as usize);
                self.blocks[child].parent
            } else {
                assert_eq!(self.check(child, level - 1), node.entry(i).count as usize);
                self.nodes[child].parent
            };
            assert_eq!(parent, number);
        }
        node.total()
    }
}

/// Scores in which little, much, or nothing differs.
fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        (0..50i32).prop_map(f64::from),
        (0..1_000_000i32).prop_map(|n| f64::from(n) / 7.0),
        any::<f64>().prop_filter("NaN never gets in", |score| !score.is_nan()),
    ]
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (0..400u32).prop_map(|n| format!("member:{n:04}").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Add(f64, Vec<u8>),
    /// Adds so many in a row, each score greater by one.
    Run(f64, u16),
    Remove(prop::sample::Index, u8),
    /// Takes so many off the front, one by one.
    Pop(u8),
    Rescore(prop::sample::Index, f64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (score(), member()).prop_map(|(score, member)| Step::Add(score, member)),
        1 => (score(), 1..300u16).prop_map(|(score, n)| Step::Run(score, n)),
        2 => (any::<prop::sample::Index>(), 1..90u8).prop_map(|(at, n)| Step::Remove(at, n)),
        1 => (1..90u8).prop_map(Step::Pop),
        4 => (any::<prop::sample::Index>(), score()).prop_map(|(at, score)| Step::Rescore(at, score)),
    ]
}

#[derive(Default)]
struct Naive(Vec<(u64, Vec<u8>)>);

impl Naive {
    fn place(&self, order: u64, member: &[u8]) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(key, name)| (*key, &name[..]).cmp(&(order, member)))
    }
}

fn add(list: &mut SkipList, naive: &mut Naive, score: f64, member: &[u8]) {
    let order = order_of(score);
    if let Err(at) = naive.place(order, member) {
        let room = list.bytes() + list.growth(1, member.len());
        list.insert(order, member.len() as u8, member);
        naive.0.insert(at, (order, member.to_vec()));
        assert!(list.bytes() <= room, "{} > {room}", list.bytes());
    }
}

/// Removes ranks, block by block.
fn remove(list: &mut SkipList, ranks: Range<usize>) {
    let mut left = ranks.len();
    while left > 0 {
        let place = list.place_of_rank(ranks.start);
        let here = left.min(list.blocks[place.block].len() - place.at);
        list.remove(place.block, place.at..place.at + here);
        left -= here;
    }
}

fn apply(list: &mut SkipList, naive: &mut Naive, step: Step) {
    match step {
        Step::Add(score, member) => add(list, naive, score, &member),
        Step::Run(score, n) => {
            for i in 0..n {
                add(
                    list,
                    naive,
                    score + f64::from(i),
                    format!("run{i}").as_bytes(),
                );
            }
        }
        Step::Remove(at, n) if !naive.0.is_empty() => {
            let at = at.index(naive.0.len());
            let ranks = at..naive.0.len().min(at + usize::from(n));
            naive.0.drain(ranks.clone());
            remove(list, ranks);
        }
        Step::Pop(n) => {
            for _ in 0..usize::from(n).min(naive.0.len()) {
                naive.0.remove(0);
                remove(list, 0..1);
            }
            list.assert_invariants();
            assert_same(list, naive);
        }
        Step::Rescore(at, score) if !naive.0.is_empty() => {
            let at = at.index(naive.0.len());
            let (_, member) = naive.0[at].clone();
            let order = order_of(score);
            if naive.place(order, &member).is_err() {
                naive.0.remove(at);
                let to = naive.place(order, &member).unwrap_err();
                naive.0.insert(to, (order, member.clone()));
                let place = list.place_of_rank(at);
                if !list.rescore(place, order, &member) {
                    list.remove(place.block, place.at..place.at + 1);
                    list.insert(order, member.len() as u8, &member);
                }
            }
        }
        Step::Remove(..) | Step::Rescore(..) => {}
    }
}

fn assert_same(list: &SkipList, naive: &Naive) {
    assert_eq!(list.len(), naive.0.len());
    let expected = naive
        .0
        .iter()
        .map(|(key, member)| (&member[..], score_of(*key)));
    assert!(list.iter(0..list.len()).eq(expected.clone()));
    assert!(list.iter(0..list.len()).rev().eq(expected.rev()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_list_is_a_sorted_vector(steps in prop::collection::vec(step(), 1..120), probe in member(), near in score()) {
        let (mut list, mut naive) = (SkipList::new(), Naive::default());
        for step in steps {
            apply(&mut list, &mut naive, step);
        }
        list.assert_invariants();
        assert_same(&list, &naive);
        let order = order_of(near);
        let rank = naive.place(order, &probe).unwrap_or_else(|at| at);
        prop_assert_eq!(list.rank_of(order, &probe), rank);
        for from in (0..naive.0.len()).step_by(37) {
            let part = from..naive.0.len().min(from + 150);
            let expected = naive.0[part.clone()].iter().map(|(key, member)| (&member[..], score_of(*key)));
            prop_assert!(list.iter(part.clone()).eq(expected.clone()));
            let mut seen = Vec::new();
            list.iter(part).visit(|member, score| seen.push((member, score)));
            prop_assert!(seen.into_iter().eq(expected));
        }
        while list.len() > 0 {
            let ranks = naive.0.len() / 3..naive.0.len().min(naive.0.len() / 3 + 70);
            naive.0.drain(ranks.clone());
            remove(&mut list, ranks);
        }
        list.assert_invariants();
    }

    #[test]
    fn scores_order_as_their_bits(a in score(), b in score()) {
        prop_assert_eq!(order_of(a).cmp(&order_of(b)), a.partial_cmp(&b).unwrap());
        prop_assert_eq!(score_of(order_of(a)), a);
    }
}

#[test]
fn a_negative_zero_is_zero() {
    assert_eq!(order_of(-0.0), order_of(0.0));
    assert!(score_of(order_of(-0.0)).is_sign_positive());
}

#[test]
fn three_levels_of_nodes_grow_and_go() {
    let mut list = SkipList::new();
    let shuffled = |i: u64| {
        (i ^ i >> 9)
            .wrapping_mul(0xd6e8_feb8_6659_fd93)
            .rotate_left(32)
            .wrapping_mul(0xd6e8_feb8_6659_fd93)
            >> 8
    };
    const N: u64 = 300_000;
    for i in 0..N {
        let order = shuffled(i);
        list.insert(order, 0, b"");
    }
    assert!(list.height >= 3);
    assert_eq!(list.len(), N as usize);
    assert_eq!(list.check(list.root, list.height), list.len());
    for i in 0..N {
        let place = list.place_of_rank(list.rank_of(shuffled(i), b""));
        list.remove(place.block, place.at..place.at + 1);
    }
    list.assert_invariants();
    assert_eq!(list.height, 1);
}

#[test]
fn what_comes_in_order_fills_its_blocks() {
    let mut list = SkipList::new();
    for i in 0..50_000 {
        list.insert(
            order_of(f64::from(i)),
            0,
            format!("member:{i:09}").as_bytes(),
        );
    }
    assert!(list.bytes() < 50_000 * (16 + 7), "{}", list.bytes());
    list.assert_invariants();
}

#[test]
fn a_member_of_many_bytes_has_a_block_almost_for_itself() {
    let mut list = SkipList::new();
    for i in 0..500u32 {
        let member = vec![i as u8; if i % 50 == 0 { 100_000 } else { 10 }];
        list.insert(order_of(f64::from(i * 7919 % 500)), 0, &member);
    }
    list.assert_invariants();
    let most = (0..list.len()).map(|rank| list.place_of_rank(rank).block);
    assert!(most.max().unwrap() < 60);
}
