//! A list and a `VecDeque` in lockstep.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Op {
    Push(End, Vec<Vec<u8>>),
    Pop(End, usize),
    Set(usize, Vec<u8>),
    Insert(usize, Vec<u8>),
    Remove(usize),
    RemoveEqual(usize, i64),
    Trim(usize, usize),
    Search(usize, End, usize, usize, usize),
    Range(usize, usize),
    Begin,
    Commit,
    Rollback,
    Repack,
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Front), Just(End::Back)]
}

fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (0..40_i64).prop_map(|int| int.to_string().into_bytes()),
        2 => any::<i64>().prop_map(|int| int.to_string().into_bytes()),
        6 => (0..100_usize, 0..4_u8).prop_map(|(len, byte)| vec![byte; len]),
        2 => (500..1500_usize, 0..4_u8).prop_map(|(len, byte)| vec![byte; len]),
        1 => (3000..9000_usize, 0..4_u8).prop_map(|(len, byte)| vec![byte; len]),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let any_place = || any::<prop::sample::Index>().prop_map(|index| index.index(1 << 20));
    prop_oneof![
        8 => (end(), prop::collection::vec(element(), 1..60)).prop_map(|(end, all)| Op::Push(end, all)),
        4 => (end(), 1..40_usize).prop_map(|(end, count)| Op::Pop(end, count)),
        2 => (any_place(), element()).prop_map(|(at, element)| Op::Set(at, element)),
        6 => (any_place(), element()).prop_map(|(at, element)| Op::Insert(at, element)),
        4 => any_place().prop_map(Op::Remove),
        3 => (any_place(), prop_oneof![-3..4_i64, Just(i64::MIN)]).prop_map(|(at, n)| Op::RemoveEqual(at, n)),
        1 => (0..60_usize, 0..60_usize).prop_map(|(front, back)| Op::Trim(front, back)),
        2 => (any_place(), end(), 0..3_usize, 0..4_usize, 0..200_usize)
            .prop_map(|(at, end, skip, most, looks)| Op::Search(at, end, skip, most, looks)),
        2 => (any_place(), 0..50_usize).prop_map(|(at, len)| Op::Range(at, len)),
        1 => Just(Op::Begin),
        1 => Just(Op::Commit),
        1 => Just(Op::Rollback),
        1 => Just(Op::Repack),
    ]
}

impl List {
    fn assert_invariants(&self) {
        match &self.form {
            Form::Packed(packed) => {
                assert!(packed.len() <= MAX_PACKED && self.len() <= MAX_PACKED_LEN);
                assert_eq!(Codes(packed_run(packed)).count(), self.len());
            }
            Form::Blocks(deque) => {
                deque.assert_invariants();
                assert!(
                    deque.len() > FEW.0 || deque.packed() + HEAD > FEW.1,
                    "few, yet in blocks"
                );
            }
        }
    }

    fn all(&self, from: End) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        let start = if from == End::Front { 0 } else { self.len() };
        let _ = self.walk(start, from, |code| {
            all.push(Element::decode(code).with_bytes(<[u8]>::to_vec));
            ControlFlow::<()>::Continue(())
        });
        all
    }
}

struct Pair {
    list: List,
    oracle: VecDeque<Vec<u8>>,
    /// The oracle when the journal began.
    begun: Option<VecDeque<Vec<u8>>>,
}

impl Pair {
    fn new() -> Self {
        Pair {
            list: List::unpack(Vec::new()),
            oracle: VecDeque::new(),
            begun: None,
        }
    }

    /// Runs an insertion and checks that it holds no more than was announced.
    fn grow(&mut self, added: &[Vec<u8>], change: impl FnOnce(&mut List)) {
        let bytes = added.iter().map(Vec::len).sum();
        let most = self.list.bytes() + self.list.growth(added.len(), bytes);
        change(&mut self.list);
        assert!(self.list.bytes() <= most, "{} > {most}", self.list.bytes());
    }

    fn push(&mut self, end: End, added: &[Vec<u8>]) {
        self.grow(added, |list| {
            added
                .iter()
                .for_each(|one| list.push(end, Element::new(one)))
        });
        for one in added {
            match end {
                End::Front => self.oracle.push_front(one.clone()),
                End::Back => self.oracle.push_back(one.clone()),
            }
        }
    }

    fn remove_equal(&mut self, needle: &[u8], count: i64) {
        let most = if count == 0 {
            u64::MAX
        } else {
            count.unsigned_abs()
        };
        let from = if count < 0 { End::Back } else { End::Front };
        let removed = self
            .list
            .remove_equal(Element::new(needle), from, most as usize);
        let mut expected = 0;
        let mut rest: Vec<Vec<u8>> = self.oracle.drain(..).collect();
        if count < 0 {
            rest.reverse();
        }
        rest.retain(|one| {
            let goes = one == needle && expected < most;
            expected += u64::from(goes);
            !goes
        });
        if count < 0 {
            rest.reverse();
        }
        self.oracle = rest.into();
        assert_eq!(removed as u64, expected);
    }

    fn search(&self, needle: &[u8], search: Search) {
        let found = self.list.search(Element::new(needle), search);
        let mut places: Vec<usize> = (0..self.oracle.len()).collect();
        if search.from == End::Back {
            places.reverse();
        }
        places.truncate(search.looks);
        places.retain(|&place| self.oracle[place] == needle);
        let expected: Vec<usize> = places
            .into_iter()
            .skip(search.skip)
            .take(search.most)
            .collect();
        assert_eq!(found, expected);
    }

    fn pop(&mut self, end: End, count: usize) {
        for _ in 0..count {
            let popped = self
                .list
                .pop(end, |element| element.with_bytes(<[u8]>::to_vec));
            let expected = match end {
                End::Front => self.oracle.pop_front(),
                End::Back => self.oracle.pop_back(),
            };
            assert_eq!(popped, expected);
        }
    }

    fn trim(&mut self, front: usize, back: usize) {
        let end = self.oracle.len().saturating_sub(back);
        let keep = front.min(end)..end;
        drop(self.list.trim(keep.clone()));
        self.oracle.truncate(keep.end);
        self.oracle.drain(..keep.start);
    }

    fn range(&self, part: Range<usize>) {
        let mut shown = Vec::new();
        self.list.range(part.clone(), |one| {
            shown.push(one.with_bytes(<[u8]>::to_vec))
        });
        assert!(shown.iter().eq(self.oracle.range(part)));
    }

    fn rollback(&mut self) {
        if let Some(begun) = self.begun.take() {
            self.oracle = begun;
            self.list.rollback();
        }
    }

    fn run(&mut self, op: &Op) {
        let len = self.oracle.len();
        let place = |at: &usize| (at * len) >> 20;
        match op {
            Op::Push(end, added) => self.push(*end, added),
            Op::Pop(end, count) => self.pop(*end, *count),
            Op::Insert(at, one) => {
                self.grow(std::slice::from_ref(one), |list| {
                    list.insert(place(at), Element::new(one))
                });
                self.oracle.insert(place(at), one.clone());
            }
            Op::Range(at, count) => self.range(place(at)..(place(at) + count).min(len)),
            Op::Trim(front, back) => self.trim(*front, *back),
            Op::Begin => {
                self.begun = Some(self.oracle.clone());
                self.list.begin();
            }
            Op::Commit => {
                self.begun = None;
                self.list.commit();
            }
            Op::Rollback => self.rollback(),
            Op::Repack if self.begun.is_none() && self.list.packed().is_some() => {
                let list = std::mem::replace(&mut self.list, List::unpack(Vec::new()));
                self.list = List::unpack(list.into_buffer());
            }
            _ if len == 0 => {}
            Op::Set(at, one) => {
                self.list.set(place(at), Element::new(one));
                self.oracle[place(at)] = one.clone();
            }
            Op::Remove(at) => {
                self.list.remove(place(at), |_| ());
                self.oracle.remove(place(at));
            }
            Op::RemoveEqual(at, count) => {
                let needle = self.oracle[place(at)].clone();
                self.remove_equal(&needle, *count);
            }
            Op::Search(at, from, skip, most, looks) => {
                let search = Search {
                    from: *from,
                    skip: *skip,
                    most: *most,
                    looks: *looks,
                };
                self.search(&self.oracle[place(at)], search);
                let shown = self
                    .list
                    .get(place(at), |one| one.with_bytes(<[u8]>::to_vec));
                assert_eq!(shown.as_ref(), self.oracle.get(place(at)));
            }
            Op::Repack => {}
        }
        self.check();
    }

    fn check(&self) {
        self.list.assert_invariants();
        assert_eq!(self.list.len(), self.oracle.len());
        assert!(self.list.all(End::Front).iter().eq(&self.oracle));
        assert!(self.list.all(End::Back).iter().rev().eq(&self.oracle));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn a_list_does_what_a_deque_of_vectors_does(ops in prop::collection::vec(op(), 1..60)) {
        let mut pair = Pair::new();
        for op in &ops {
            pair.run(op);
        }
    }
}

/// So many elements of 16 bytes.
fn pushed(count: usize) -> List {
    let mut list = List::unpack(Vec::new());
    for number in 0..count {
        list.push(
            End::Back,
            Element::new(format!("element-{number:08}").as_bytes()),
        );
    }
    list
}

#[test]
fn a_long_list_of_16_byte_elements_takes_less_than_19_bytes_for_each() {
    let list = pushed(100_000);
    let each = list.bytes() as f64 / 100_000.0;
    assert!(each < 19.0, "{each} bytes");
}

#[test]
fn a_trim_gives_what_it_cut_to_its_caller_and_takes_it_back_on_rollback() {
    let mut list = pushed(10_000);
    list.begin();
    assert!(
        list.trim(100..200).iter().all(Option::is_none),
        "the journal keeps it"
    );
    assert_eq!(list.len(), 100);
    list.rollback();
    assert_eq!(list.len(), 10_000);
    list.assert_invariants();
    let cut = list.trim(100..9_900);
    assert_eq!(
        cut.map(|part| part.map_or(0, |part| part.len())),
        [100, 100]
    );
}

#[test]
fn every_equal_element_of_a_long_list_goes_in_one_pass() {
    let mut list = List::unpack(Vec::new());
    (0..60_000).for_each(|number| list.push(End::Back, Element::Int(number % 3)));
    assert_eq!(
        list.remove_equal(Element::Int(1), End::Front, usize::MAX),
        20_000
    );
    assert_eq!(
        list.remove_equal(Element::Int(2), End::Back, usize::MAX),
        20_000
    );
    list.assert_invariants();
    assert_eq!(list.len(), 20_000);
    assert!(list.bytes() < 4 * 20_000);
}
