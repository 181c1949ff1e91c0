//! The list in lockstep with a sorted vector.

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;
use std::ops::Range;

impl SkipList {
    /// Everything that must hold between two changes.
    pub(crate) fn assert_invariants(&self) {
        let (mut count, mut held, mut bytes) = (0, 0, 0);
        let (mut number, mut before) = (self.first, NIL);
        let mut last: Option<(u64, &[u8])> = None;
        while number != NIL {
            let block = &self.blocks[number];
            block.assert_sound();
            assert_eq!(block.prev, before);
            assert!(block.len() > 0 || self.len == 0);
            assert!(block.len() <= block::MAX_LEN);
            if let (Some(last), true) = (last, block.len() > 0) {
                assert!(block.compare(0, last.0, last.1).is_gt());
            }
            for at in 0..block.len() {
                let spot = Spot { block: number, at };
                assert_eq!(self.rank(self.place(spot)), count + at);
                assert_eq!(self.spot_of_rank(count + at), spot);
            }
            count += block.len();
            held += block.held();
            bytes += block.member_bytes() as u64;
            last = (block.len() > 0)
                .then(|| (block.key(block.len() - 1), block.member(block.len() - 1)));
            (before, number) = (number, block.next);
        }
        assert_eq!((self.len, self.last), (count, before));
        assert_eq!((self.packed, self.member_bytes), (held, bytes));
        assert_eq!(self.nodes[self.root].above, Above::NONE);
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
                let first = &self.blocks[first];
                assert!(node.head(i) <= Head::of(first.key(0), first.member(0)));
            }
            let above = if level == 1 {
                assert_eq!(self.blocks[child].len(), node.entry(i).count as usize);
                self.blocks[child].above
            } else {
                assert_eq!(self.check(child, level - 1), node.entry(i).count as usize);
                self.nodes[child].above
            };
            assert_eq!(above, Above::new(number, i));
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
        1 => (1..2000usize).prop_map(|len| vec![len as u8; len]),
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

/// A list, a sorted vector, and the place of each member by its name, score and all.
struct Twins {
    list: SkipList,
    naive: Vec<(u64, Vec<u8>)>,
    places: HashMap<(u64, Vec<u8>), Place>,
}

impl Default for Twins {
    fn default() -> Self {
        Twins {
            list: SkipList::new(),
            naive: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl Twins {
    fn rank_of(&self, order: u64, member: &[u8]) -> Result<usize, usize> {
        self.naive
            .binary_search_by(|(key, name)| (*key, &name[..]).cmp(&(order, member)))
    }

    /// Follows what has moved, in turn, as the index of names does.
    fn follow(&mut self, moved: &[Move]) {
        for step in moved {
            let found = self.places.values_mut().filter(|at| **at == step.from);
            let mut found: Vec<_> = found.collect();
            assert_eq!(found.len(), 1, "a place has one element");
            *found[0] = step.to;
        }
    }

    fn add(&mut self, order: u64, member: &[u8]) {
        let Err(at) = self.rank_of(order, member) else {
            return;
        };
        let room = self.list.bytes() + self.list.growth(1, member.len());
        let (block, mut moved) = (self.list.block_for(order, member), Vec::new());
        let place = self.list.insert(block, order, member, &mut moved);
        self.follow(&moved);
        self.naive.insert(at, (order, member.to_vec()));
        self.places.insert((order, member.to_vec()), place);
        assert!(self.list.bytes() <= room, "{} > {room}", self.list.bytes());
    }

    /// Removes ranks, block by block.
    fn remove(&mut self, ranks: Range<usize>) {
        let mut left = ranks.len();
        while left > 0 {
            let spot = self.list.spot_of_rank(ranks.start);
            let here = left.min(self.list.len_of(spot.block) - spot.at);
            for row in self.naive.drain(ranks.start..ranks.start + here) {
                self.places.remove(&row).unwrap();
            }
            let mut moved = Vec::new();
            let range = spot.at..spot.at + here;
            self.list.remove(spot.block, range, &mut moved);
            self.follow(&moved);
            left -= here;
        }
    }

    fn rescore(&mut self, at: usize, order: u64) {
        let (before, member) = self.naive[at].clone();
        let Err(to) = self.rank_of(order, &member) else {
            return;
        };
        let place = self.places[&(before, member.clone())];
        let block = self.list.block_for(order, &member);
        if self.list.rescore(place, block, order, &member) {
            self.naive.remove(at);
            let to = to - usize::from(to > at);
            self.naive.insert(to, (order, member.clone()));
            self.places.remove(&(before, member.clone()));
            self.places.insert((order, member), place);
        } else {
            self.add(order, &member);
            let at = self.rank_of(before, &member).unwrap();
            self.remove(at..at + 1);
        }
    }

    fn apply(&mut self, step: Step) {
        let len = self.naive.len();
        match step {
            Step::Add(score, member) => self.add(order_of(score), &member),
            Step::Run(score, n) => {
                for i in 0..n {
                    let order = order_of(score + f64::from(i));
                    self.add(order, format!("run{i}").as_bytes());
                }
            }
            Step::Remove(at, n) if len > 0 => {
                let at = at.index(len);
                self.remove(at..len.min(at + usize::from(n)));
            }
            Step::Pop(n) => {
                for _ in 0..usize::from(n).min(len) {
                    self.remove(0..1);
                }
                self.assert_same();
            }
            Step::Rescore(at, score) if len > 0 => self.rescore(at.index(len), order_of(score)),
            Step::Remove(..) | Step::Rescore(..) => {}
        }
    }

    fn assert_same(&self) {
        let (list, naive) = (&self.list, &self.naive);
        list.assert_invariants();
        assert_eq!(list.len(), naive.len());
        let expected = naive
            .iter()
            .map(|(key, member)| (&member[..], score_of(*key)));
        assert!(list.iter(0..list.len()).eq(expected.clone()));
        assert!(list.iter(0..list.len()).rev().eq(expected.rev()));
        assert_eq!(self.places.len(), naive.len());
        for ((order, member), &place) in &self.places {
            assert_eq!(list.member(place), member);
            assert!(list.holds(place, member));
            assert_eq!(order_of(list.score(place)), *order);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_list_is_a_sorted_vector(steps in prop::collection::vec(step(), 1..120), probe in member(), near in score()) {
        let mut twins = Twins::default();
        for step in steps {
            twins.apply(step);
        }
        twins.assert_same();
        let order = order_of(near);
        let rank = twins.rank_of(order, &probe).unwrap_or_else(|at| at);
        prop_assert_eq!(twins.list.rank_of(order, &probe), rank);
        for from in (0..twins.naive.len()).step_by(37) {
            let part = from..twins.naive.len().min(from + 150);
            let expected = twins.naive[part.clone()].iter().map(|(key, member)| (&member[..], score_of(*key)));
            prop_assert!(twins.list.iter(part.clone()).eq(expected.clone()));
            let mut seen = Vec::new();
            twins.list.iter(part).visit(|member, score| seen.push((member, score)));
            prop_assert!(seen.into_iter().eq(expected));
        }
        while twins.list.len() > 0 {
            let len = twins.naive.len();
            twins.remove(len / 3..len.min(len / 3 + 70));
        }
        twins.assert_same();
    }

    #[test]
    fn scores_order_as_their_bits(a in score(), b in score()) {
        prop_assert_eq!(order_of(a).cmp(&order_of(b)), a.partial_cmp(&b).unwrap());
        prop_assert_eq!(score_of(order_of(a)), a);
    }
}

fn insert(list: &mut SkipList, order: u64, member: &[u8]) {
    let block = list.block_for(order, member);
    list.insert(block, order, member, &mut Vec::new());
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
    const N: u64 = 150_000;
    // Long members, so that blocks hold few.
    let member = [7; 100];
    for i in 0..N {
        let order = shuffled(i);
        insert(&mut list, order, &member);
    }
    assert!(list.height >= 3);
    assert_eq!(list.len(), N as usize);
    assert_eq!(list.check(list.root, list.height), list.len());
    for i in 0..N {
        let place = list.place(list.spot_of_rank(list.rank_of(shuffled(i), &member)));
        list.take(place, &mut Vec::new());
    }
    list.assert_invariants();
    assert_eq!(list.height, 1);
}

#[test]
fn what_comes_in_order_fills_its_blocks() {
    let mut list = SkipList::new();
    for i in 0..50_000 {
        let member = format!("member:{i:09}");
        insert(&mut list, order_of(f64::from(i)), member.as_bytes());
    }
    assert!(list.bytes() < 50_000 * (16 + 7), "{}", list.bytes());
    list.assert_invariants();
}

#[test]
fn a_member_of_many_bytes_has_a_block_almost_for_itself() {
    let mut list = SkipList::new();
    for i in 0..500u32 {
        let member = vec![i as u8; if i % 50 == 0 { 100_000 } else { 10 }];
        insert(&mut list, order_of(f64::from(i * 7919 % 500)), &member);
    }
    list.assert_invariants();
    let most = (0..list.len()).map(|rank| list.spot_of_rank(rank).block);
    assert!(most.max().unwrap() < 60);
}
