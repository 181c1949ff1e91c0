//! Lists in a store: the replies that real servers gave, bounds, deadlines, transactions.

use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;

use super::assert_invariants;
use crate::store::{List, Matches, MoveOptions, PositionOptions, Span, Store};
use crate::time::Ttl;
use crate::{End, Error};

fn all(list: &List<'_, String>) -> String {
    list.range(..).unwrap().join(" ")
}

#[test]
fn pushes_reads_and_changes_answer_as_servers_do() {
    let store = Store::new();
    let list = store.list::<String>("l");
    assert_eq!(list.push_front_many(["a", "b", "c"]), Ok(3));
    assert_eq!(all(&list), "c b a");
    assert_eq!(list.push_back_many(["x", "y"]), Ok(5));
    assert_eq!(
        store
            .list::<String>("none")
            .push_existing(End::Front, ["a"]),
        Ok(0)
    );
    assert_eq!(list.push_existing(End::Back, ["z"]), Ok(6));
    assert!(!store.exists("none"));
    assert_eq!(list.get(0).unwrap().as_deref(), Some("c"));
    assert_eq!(list.get(-1).unwrap().as_deref(), Some("z"));
    assert_eq!(list.get(100), Ok(None));
    assert_eq!(list.get(i64::MIN), Ok(None));
    assert_eq!(list.set(0, "C"), Ok(()));
    assert_eq!(list.set(-1, "Z"), Ok(()));
    assert_eq!(list.set(100, "q"), Err(Error::IndexOutOfRange));
    assert_eq!(
        Error::IndexOutOfRange.redis_text(),
        "ERR index out of range"
    );
    assert_eq!(
        store.list::<String>("none").set(0, "q"),
        Err(Error::NoSuchKey)
    );
    assert_eq!(list.insert_before("a", "A0"), Ok(Some(7)));
    assert_eq!(list.insert_after("nope", "q"), Ok(None));
    assert_eq!(
        store.list::<String>("none").insert_before("a", "b"),
        Ok(Some(0))
    );
    assert_eq!(all(&list), "C b A0 a x y Z");
    assert_eq!(list.range(Span::new(-100, 100)).unwrap().len(), 7);
    for empty in [Span::new(5, 1), Span::new(100, 200), Span::new(-100, -90)] {
        assert_eq!(list.range(empty).unwrap().len(), 0);
    }
    assert_eq!(list.pop_many(End::Front, 0).unwrap().len(), 0);
    assert_eq!(list.pop_many(End::Front, 2).unwrap(), ["C", "b"]);
    assert_eq!(list.pop_many(End::Back, 2).unwrap(), ["Z", "y"]);
    assert_eq!(list.pop_many(End::Front, 100).unwrap(), ["A0", "a", "x"]);
    assert!(!store.exists("l"));
}

#[test]
fn removals_and_trims_answer_as_servers_do() {
    let store = Store::new();
    let list = store.list::<String>("l");
    list.push_back_many(["a", "b", "c", "a", "b", "c", "a"])
        .unwrap();
    assert_eq!(list.remove("a", Matches::First(2)), Ok(2));
    assert_eq!(all(&list), "b c b c a");
    assert_eq!(list.remove("b", Matches::Last(1)), Ok(1));
    assert_eq!(all(&list), "b c c a");
    assert_eq!(list.remove("c", Matches::All), Ok(2));
    assert_eq!(
        store.list::<String>("none").remove("a", Matches::All),
        Ok(0)
    );
    assert_eq!(list.remove("zz", Matches::All), Ok(0));
    store.remove("l");
    list.push_back_many(["a", "b", "c", "d", "e"]).unwrap();
    list.trim(Span::new(1, -2)).unwrap();
    assert_eq!(all(&list), "b c d");
    list.trim(5..=10).unwrap();
    assert!(!store.exists("l"));
    assert_eq!(list.trim(0..=1), Ok(()));
}

#[test]
fn positions_answer_as_servers_do() {
    let store = Store::new();
    let list = store.list::<String>("l");
    list.push_back_many(["a", "b", "c", "1", "2", "3", "c", "c"])
        .unwrap();
    let found = |options| list.positions("c", options).unwrap();
    let new = PositionOptions::new;
    assert_eq!(list.position("c"), Ok(Some(2)));
    assert_eq!(found(new().skip(1).most(1)), [6]);
    assert_eq!(found(new().from(End::Back).most(1)), [7]);
    assert_eq!(found(new().most(2)), [2, 6]);
    assert_eq!(found(new()), [2, 6, 7]);
    assert_eq!(found(new().from(End::Back).most(2)), [7, 6]);
    assert_eq!(found(new().within(3)), [2]);
    assert_eq!(list.position("zz"), Ok(None));
    assert_eq!(list.position(2), Ok(Some(4)), "a number is its text");
}

#[test]
fn moves_answer_as_servers_do() {
    let store = Store::new();
    let list = store.list::<String>("l");
    list.push_back_many(["a", "b", "c"]).unwrap();
    let moved = |from, to, end| list.move_to(from, to, end).unwrap().unwrap();
    assert_eq!(moved(End::Front, "l", End::Back), "a");
    assert_eq!(all(&list), "b c a");
    assert_eq!(moved(End::Front, "l", End::Front), "b");
    assert_eq!(moved(End::Back, "other", End::Front), "a");
    assert_eq!(moved(End::Back, "other", End::Back), "c");
    assert_eq!(all(&store.list("other")), "a c");
    store.set("s", "x").unwrap();
    assert_eq!(
        list.move_to(End::Front, "s", End::Front),
        Err(Error::WrongType)
    );
    assert_eq!(all(&list), "b", "it stays where it was");
    let none = store.list::<String>("none");
    assert_eq!(none.move_to(End::Front, "s", End::Front), Ok(None));
    assert_eq!(moved(End::Front, "other", End::Front), "b");
    assert!(!store.exists("l"));
}

#[test]
fn a_pop_from_any_takes_from_the_first_list_and_refuses_other_types() {
    let store = Store::new();
    store
        .list::<String>("l")
        .push_back_many(["a", "b", "c"])
        .unwrap();
    store.set("s", "x").unwrap();
    let pop = |keys: [&str; 2], end, most| store.pop_any::<String>(keys, end, most);
    let taken = |elements: &[&str]| {
        Ok(Some((
            b"l".to_vec(),
            elements.iter().map(|one| (*one).to_owned()).collect(),
        )))
    };
    assert_eq!(pop(["none", "l"], End::Front, 1), taken(&["a"]));
    assert_eq!(pop(["none", "nothing"], End::Front, 1), Ok(None));
    assert_eq!(pop(["l", "s"], End::Back, 2), taken(&["c", "b"]));
    assert_eq!(pop(["s", "l"], End::Front, 1), Err(Error::WrongType));
}

#[test]
fn a_value_of_another_type_is_refused_everywhere() {
    let store = Store::new();
    store.set("s", "x").unwrap();
    let list = store.list::<String>("s");
    assert_eq!(list.push_front("x"), Err(Error::WrongType));
    assert_eq!(list.len(), Err(Error::WrongType));
    assert_eq!(list.pop_front(), Err(Error::WrongType));
    assert_eq!(list.pop_many(End::Front, 0), Err(Error::WrongType));
    assert_eq!(list.range(..), Err(Error::WrongType));
    assert_eq!(list.get(0), Err(Error::WrongType));
    assert_eq!(list.set(0, "x"), Err(Error::WrongType));
    assert_eq!(list.remove("x", Matches::All), Err(Error::WrongType));
    assert_eq!(list.trim(..), Err(Error::WrongType));
    assert_eq!(list.position("x"), Err(Error::WrongType));
    store.list::<String>("l").push_back("x").unwrap();
    assert_eq!(store.get::<String>("l"), Err(Error::WrongType));
}

#[test]
fn a_list_keeps_its_deadline_through_changes_and_loses_it_with_its_last_element() {
    let store = Store::new();
    let list = store.list::<i64>("l");
    list.push_back_many([1, 2]).unwrap();
    store.expire("l", Duration::from_secs(100)).unwrap();
    list.push_back(3).unwrap();
    list.move_to(End::Front, "l", End::Back).unwrap();
    assert!(matches!(store.ttl("l"), Ttl::Left(_)));
    list.push_back_many(0..1000).unwrap();
    assert!(matches!(store.ttl("l"), Ttl::Left(_)), "in blocks as well");
    list.pop_many(End::Front, 2000).unwrap();
    list.push_back(1).unwrap();
    assert_eq!(store.ttl("l"), Ttl::Forever);
}

#[test]
fn a_transaction_that_fails_leaves_lists_as_they_were() {
    let store = Store::new();
    store.list::<i64>("long").push_back_many(0..5000).unwrap();
    store.list::<i64>("short").push_back_many(0..5).unwrap();
    let failed = store.atomic(["long", "short", "new"], |tx| {
        tx.list::<i64>("long").trim(100..=200)?;
        tx.list::<i64>("long")
            .move_to(End::Front, "short", End::Back)?;
        tx.list::<i64>("short").push_back_many(0..500)?;
        tx.list::<i64>("new").push_back_many(0..500)?;
        assert_eq!(tx.list::<i64>("long").len()?, 100);
        tx.list::<i64>("short")
            .push_back("other")
            .and(Err::<(), _>(Error::OutOfRange))
    });
    assert_eq!(failed, Err(Error::OutOfRange));
    assert!(
        store
            .list::<i64>("long")
            .range(..)
            .unwrap()
            .into_iter()
            .eq(0..5000)
    );
    assert!(
        store
            .list::<i64>("short")
            .range(..)
            .unwrap()
            .into_iter()
            .eq(0..5)
    );
    assert!(!store.exists("new"));
    assert_invariants(&store);
}

#[test]
fn a_list_that_grows_evicts_others_and_never_itself() {
    let store = Store::builder().max_bytes(200_000).build().unwrap();
    for number in 0..1000 {
        store.set(format!("key{number}"), [b'x'; 100]).unwrap();
    }
    let list = store.list::<Vec<u8>>("list");
    for _ in 0..1000 {
        list.push_back([b'y'; 100]).unwrap();
    }
    assert_eq!(list.len(), Ok(1000));
    assert!(store.len() < 900);
    assert_invariants(&store);
    let refused = (0..2000).find_map(|_| list.push_back([b'y'; 100]).err());
    assert_eq!(refused, Some(Error::TooLarge));
    assert!(
        list.len().unwrap() > 1200,
        "a list may take most of the store"
    );
    assert_invariants(&store);
}

#[derive(Clone, Debug)]
enum Op {
    Push(usize, End, Vec<Vec<u8>>),
    Pop(usize, End, usize),
    Move(usize, End, usize, End),
    Trim(usize, i64, i64),
    Remove(usize, Vec<u8>),
    Copy(usize, usize),
}

fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (0..50_i64).prop_map(|int| int.to_string().into_bytes()),
        (0..200_usize).prop_map(|len| vec![b'x'; len]),
        (800..5000_usize).prop_map(|len| vec![b'y'; len]),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let end = || prop_oneof![Just(End::Front), Just(End::Back)];
    let key = || 0..3_usize;
    prop_oneof![
        4 => (key(), end(), prop::collection::vec(element(), 1..40)).prop_map(|(k, e, v)| Op::Push(k, e, v)),
        2 => (key(), end(), 0..50_usize).prop_map(|(k, e, n)| Op::Pop(k, e, n)),
        2 => (key(), end(), key(), end()).prop_map(|(k, e, o, f)| Op::Move(k, e, o, f)),
        1 => (key(), -30..30_i64, -30..30_i64).prop_map(|(k, a, b)| Op::Trim(k, a, b)),
        1 => (key(), element()).prop_map(|(k, v)| Op::Remove(k, v)),
        1 => (key(), key()).prop_map(|(k, o)| Op::Copy(k, o)),
    ]
}

const KEYS: [&str; 3] = ["a", "b", "c"];

fn take(list: &mut VecDeque<Vec<u8>>, end: End) -> Option<Vec<u8>> {
    match end {
        End::Front => list.pop_front(),
        End::Back => list.pop_back(),
    }
}

fn add(list: &mut VecDeque<Vec<u8>>, end: End, element: Vec<u8>) {
    match end {
        End::Front => list.push_front(element),
        End::Back => list.push_back(element),
    }
}

fn run(store: &Store, oracle: &mut [VecDeque<Vec<u8>>; 3], op: Op) {
    let list = |key: usize| store.list::<Vec<u8>>(KEYS[key]);
    match op {
        Op::Push(key, end, values) => {
            match end {
                End::Front => list(key).push_front_many(&values),
                End::Back => list(key).push_back_many(&values),
            }
            .unwrap();
            values
                .into_iter()
                .for_each(|value| add(&mut oracle[key], end, value));
        }
        Op::Pop(key, end, most) => {
            let popped = list(key).pop_many(end, most).unwrap();
            let expected: Vec<_> = (0..most)
                .map_while(|_| take(&mut oracle[key], end))
                .collect();
            assert_eq!(popped, expected);
        }
        Op::Move(from, end, to, other) => {
            let moved = list(from).move_to(end, KEYS[to], other).unwrap();
            let expected = take(&mut oracle[from], end);
            assert_eq!(moved, expected);
            expected
                .into_iter()
                .for_each(|element| add(&mut oracle[to], other, element));
        }
        Op::Trim(key, first, last) => {
            list(key).trim(Span::new(first, last)).unwrap();
            let keep = Span::new(first, last).of_elements(oracle[key].len());
            oracle[key].truncate(keep.end);
            oracle[key].drain(..keep.start);
        }
        Op::Remove(key, value) => {
            let removed = list(key).remove(&value, Matches::All).unwrap();
            let before = oracle[key].len();
            oracle[key].retain(|other| *other != value);
            assert_eq!(removed, before - oracle[key].len());
        }
        Op::Copy(from, to) if from != to => {
            let copied = store.copy_over(KEYS[from], KEYS[to]).unwrap();
            assert_eq!(copied, !oracle[from].is_empty());
            if copied {
                oracle[to] = oracle[from].clone();
            }
        }
        Op::Copy(..) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn lists_of_a_store_do_what_deques_of_vectors_do(ops in prop::collection::vec(op(), 1..40)) {
        let store = Store::builder().max_bytes(64 << 20).build().unwrap();
        let mut oracle: [VecDeque<Vec<u8>>; 3] = Default::default();
        for op in ops {
            run(&store, &mut oracle, op);
            for (key, expected) in KEYS.iter().zip(&oracle) {
                let list = store.list::<Vec<u8>>(key);
                prop_assert!(list.range(..).unwrap().iter().eq(expected));
                prop_assert_eq!(store.exists(key), !expected.is_empty());
            }
            assert_invariants(&store);
        }
    }
}

#[test]
fn many_elements_move_at_once_in_either_order_or_not_at_all() {
    let store = Store::new();
    let (from, to) = (store.list::<String>("from"), store.list::<String>("to"));
    let letters = |list: &List<'_, String>| list.range(..).unwrap().concat();
    let mut results = Vec::new();
    for (from_end, to_end) in [
        (End::Front, End::Front),
        (End::Front, End::Back),
        (End::Back, End::Front),
        (End::Back, End::Back),
    ] {
        for options in [MoveOptions::up_to(2), MoveOptions::exactly(2).in_order()] {
            store.remove_many(["from", "to"]);
            from.push_back_many(["a", "b", "c"]).unwrap();
            to.push_back("x").unwrap();
            let moved = from.move_many_to(from_end, "to", to_end, options);
            let left = moved.unwrap().unwrap().concat();
            results.push((left, letters(&to)));
            assert_eq!(from.len(), Ok(1));
        }
    }
    let expected = [
        ("ab", "bax"),
        ("ab", "abx"),
        ("ab", "xab"),
        ("ab", "xab"),
        ("cb", "bcx"),
        ("cb", "bcx"),
        ("cb", "xcb"),
        ("cb", "xbc"),
    ];
    let expected = expected.map(|(left, arrived)| (left.to_owned(), arrived.to_owned()));
    assert_eq!(results, expected);

    let three = MoveOptions::exactly(3);
    let none = from.move_many_to(End::Front, "to", End::Back, three);
    assert_eq!((none, letters(&from)), (Ok(None), "a".to_owned()));
    from.push_back_many(["b", "c"]).unwrap();
    let turned = from.move_many_to(End::Front, "from", End::Front, three);
    assert_eq!(turned.unwrap().unwrap().concat(), "abc");
    assert_eq!(letters(&from), "cba", "within one list");
    store.set("string", "text").unwrap();
    let refused = from.move_many_to(End::Front, "string", End::Back, three);
    assert_eq!(
        (refused, letters(&from)),
        (Err(Error::WrongType), "cba".to_owned())
    );
    assert!(!store.exists("none"));
    let absent = store.list::<String>("none");
    assert_eq!(
        absent.move_many_to(End::Front, "string", End::Back, three),
        Ok(None)
    );
}
