//! Sets in a store: the replies that real servers gave, algebra, transactions.

use super::assert_invariants;
use crate::store::{Draw, Store};
use crate::{Cursor, Error, KeyType, ScanOptions};

fn sorted(members: Result<Vec<String>, Error>) -> Vec<String> {
    let mut members = members.unwrap();
    members.sort();
    members
}

#[test]
fn members_answer_as_servers_do() {
    let store = Store::new();
    let set = store.set_of::<String>("s");
    assert_eq!(set.add_many(["a", "b", "c", "a"]), Ok(3));
    assert_eq!(set.add("a"), Ok(false));
    assert_eq!(set.remove("z"), Ok(false));
    assert_eq!(set.remove_many(["a", "z", "b"]), Ok(2));
    assert_eq!(set.remove("c"), Ok(true));
    assert!(!store.exists("s"));
    set.add_many([1, 2, 3]).unwrap();
    assert_eq!(set.pop_many(0), Ok(vec![]));
    assert_eq!(sorted(set.pop_many(10)), ["1", "2", "3"]);
    assert!(!store.exists("s"));
    assert_eq!((set.pop(), set.random()), (Ok(None), Ok(None)));
    set.add_many(["-1", "+1", "01", "1"]).unwrap();
    assert_eq!(sorted(set.members()), ["+1", "-1", "01", "1"]);
    assert_eq!(set.random_many(Draw::Repeated(9)).unwrap().len(), 9);
    assert_eq!(set.contains_many(["1", "2"]), Ok(vec![true, false]));
    assert_invariants(&store);
}

#[test]
fn a_member_moves_as_on_servers() {
    let store = Store::new();
    let set = store.set_of::<String>("s");
    set.add_many(["a", "b"]).unwrap();
    assert_eq!(set.move_to("d", "nope"), Ok(false));
    assert_eq!(set.move_to("d", "a"), Ok(true));
    assert_eq!(set.move_to("s", "b"), Ok(true));
    store.set("str", "v").unwrap();
    assert_eq!(store.set_of::<i64>("none").move_to("str", "a"), Ok(false));
    assert_eq!(set.move_to("str", "b"), Err(Error::WrongType));
    assert_eq!(set.move_to("d", "b"), Ok(true));
    assert!(!store.exists("s"));
    assert_invariants(&store);
}

#[test]
fn combinations_answer_as_servers_do() {
    let store = Store::new();
    store
        .set_of::<String>("x")
        .add_many(["a", "b", "c"])
        .unwrap();
    store
        .set_of::<String>("y")
        .add_many(["b", "c", "d"])
        .unwrap();
    assert_eq!(sorted(store.intersection(["x", "y"])), ["b", "c"]);
    assert_eq!(sorted(store.union(["x", "y"])), ["a", "b", "c", "d"]);
    assert_eq!(sorted(store.difference(["x", "y"])), ["a"]);
    assert_eq!(store.intersection::<String>(["x", "none"]), Ok(vec![]));
    assert_eq!(store.difference::<String>(["none", "x"]), Ok(vec![]));
    assert_eq!(sorted(store.difference(["x", "none", "y"])), ["a"]);
    store.set("str", "v").unwrap();
    for keys in [["x", "str"], ["none", "str"], ["str", "none"]] {
        assert_eq!(store.intersection::<String>(keys), Err(Error::WrongType));
        assert_eq!(store.union::<String>(keys), Err(Error::WrongType));
        assert_eq!(store.store_union("dst", keys), Err(Error::WrongType));
    }
    assert!(!store.exists("dst"));
    assert_eq!(store.store_intersection("str", ["x", "y"]), Ok(2));
    assert_eq!(store.key_type("str"), Some(KeyType::Set));
    assert_eq!(store.store_difference("str", ["none"]), Ok(0));
    assert!(!store.exists("str"));
    assert_eq!(store.intersection_len(["x", "y"], Some(1)), Ok(1));
    assert_eq!(store.intersection_len(["x", "y"], None), Ok(2));
    assert_invariants(&store);
}

#[test]
fn large_sets_are_scanned_stored_and_taken_back_whole() {
    let store = Store::new();
    let set = store.set_of::<String>("s");
    set.add_many((0..5000).map(|n| format!("member {n}")))
        .unwrap();
    let (mut seen, mut next) = (0, Some(Cursor::START));
    while let Some(cursor) = next {
        let (page, then) = set.scan_page(cursor, &ScanOptions::new()).unwrap();
        (seen, next) = (seen + page.len(), then);
    }
    assert_eq!(seen, 5000);
    assert_eq!(store.store_union("copy", ["s"]), Ok(5000));
    let refused: Result<(), Error> = store.atomic(["s"], |tx| {
        tx.set_of::<String>("s").pop_many(4990)?;
        tx.set_of::<String>("s").add("new")?;
        Err(Error::NoSuchKey)
    });
    assert!(refused.is_err());
    assert_eq!(store.intersection_len(["s", "copy"], None), Ok(5000));
    assert_eq!(set.len(), Ok(5000));
    assert_invariants(&store);
}

#[test]
fn who_pops_all_members_gets_each_once_and_a_transaction_can_take_it_back() {
    let store = Store::new();
    let set = store.set_of::<u64>("set");
    for size in [3, 600, 20_000] {
        set.add_many(0..size).unwrap();
        let failed = store.atomic(["set"], |tx| {
            let popped = tx.set_of::<u64>("set").pop_many(usize::MAX)?;
            assert_eq!((popped.len() as u64, tx.exists("set")), (size, false));
            Err::<(), _>(Error::OutOfRange)
        });
        assert_eq!(failed, Err(Error::OutOfRange));
        assert_eq!(set.len(), Ok(size as usize));
        let mut popped = set.pop_many(size as usize).unwrap();
        popped.sort_unstable();
        assert!(popped.into_iter().eq(0..size));
        assert!(!store.exists("set"));
    }
    assert_invariants(&store);
}
