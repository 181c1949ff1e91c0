//! Sorting: the replies that real servers gave.

use std::time::Duration;

use crate::Error;
use crate::store::{SortOptions, Store};
use crate::time::Ttl;

fn numbers() -> Store {
    let store = Store::new();
    store
        .list::<i64>("l")
        .push_back_many([3, 1, 10, 2])
        .unwrap();
    store
}

#[test]
fn sorts_of_elements_answer_as_servers_do() {
    let store = numbers();
    let sort = |options| store.sort::<i64>("l", options).unwrap();
    let new = SortOptions::new;
    assert_eq!(sort(new()), [1, 2, 3, 10]);
    assert_eq!(sort(new().descending()), [10, 3, 2, 1]);
    assert_eq!(sort(new().alphabetic()), [1, 10, 2, 3]);
    assert_eq!(sort(new().skip(1).most(2)), [2, 3]);
    assert_eq!(sort(new().by("nosort")), [3, 1, 10, 2]);
    assert_eq!(sort(new().by("nosort").descending()), [2, 10, 1, 3]);
    store
        .list::<String>("m")
        .push_back_many(["b", "a"])
        .unwrap();
    assert_eq!(store.sort::<String>("m", new()), Err(Error::NotSortable));
    assert_eq!(
        store.sort::<String>("m", new().alphabetic()).unwrap(),
        ["a", "b"]
    );
    assert_eq!(store.sort::<String>("none", new()).unwrap().len(), 0);
    store.set("s", "x").unwrap();
    assert_eq!(store.sort::<String>("s", new()), Err(Error::WrongType));
}

#[test]
fn sorts_by_other_keys_answer_as_servers_do() {
    let store = numbers();
    store
        .set_many([("w_1", 9), ("w_2", 8), ("w_3", 7), ("w_10", 6)])
        .unwrap();
    store.set_many([("d_1", "one"), ("d_2", "two")]).unwrap();
    let by = SortOptions::new().by("w_*");
    assert_eq!(store.sort::<i64>("l", by.clone()).unwrap(), [10, 3, 2, 1]);
    let answers = store
        .sort_get::<String>("l", by.get("d_*").get("#"))
        .unwrap();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        answers,
        [
            None,
            text("10"),
            None,
            text("3"),
            text("two"),
            text("2"),
            text("one"),
            text("1")
        ]
    );
}

#[test]
fn a_sort_into_a_key_replaces_it_and_its_deadline_and_removes_it_for_nothing() {
    let store = numbers();
    store.set("dst", "text").unwrap();
    store.expire("dst", Duration::from_secs(9)).unwrap();
    assert_eq!(store.sort_into("l", SortOptions::new(), "dst"), Ok(4));
    assert_eq!(store.list::<i64>("dst").range(..).unwrap(), [1, 2, 3, 10]);
    assert_eq!(store.ttl("dst"), Ttl::Forever);
    assert_eq!(store.sort_into("l", SortOptions::new(), "l"), Ok(4));
    assert_eq!(store.list::<i64>("l").get(0), Ok(Some(1)));
    let names = SortOptions::new().get("none_*");
    assert_eq!(store.sort_into("l", names, "dst"), Ok(4));
    assert_eq!(
        store.list::<String>("dst").get(0).unwrap().as_deref(),
        Some("")
    );
    assert_eq!(store.sort_into("none", SortOptions::new(), "dst"), Ok(0));
    assert!(!store.exists("dst"));
    store.list::<u32>("long").push_back_many(0..5000).unwrap();
    assert_eq!(
        store.sort_into("long", SortOptions::new().descending(), "dst"),
        Ok(5000)
    );
    assert_eq!(store.list::<u32>("dst").get(0), Ok(Some(4999)));
}

#[test]
fn sets_and_sorted_sets_are_sorted_as_lists_are() {
    let store = Store::new();
    store.set_of::<i64>("s").add_many([3, 1, 10, 2]).unwrap();
    let sorted = store.sorted_set::<i64>("z");
    sorted.add_many([(3, 1.0), (1, 2.0), (2, 3.0)]).unwrap();
    let new = SortOptions::new;
    let sort = |key, options| store.sort::<i64>(key, options).unwrap();
    assert_eq!(sort("s", new()), [1, 2, 3, 10]);
    assert_eq!(sort("s", new().descending().most(2)), [10, 3]);
    assert_eq!(sort("s", new().alphabetic()), [1, 10, 2, 3]);
    assert_eq!(sort("s", new().by("nosort")), [1, 10, 2, 3]);
    assert_eq!(sort("z", new()), [1, 2, 3]);
    assert_eq!(sort("z", new().by("nosort")), [3, 1, 2]);
    assert_eq!(sort("z", new().by("nosort").descending()), [2, 1, 3]);
    assert_eq!(store.sort_into("s", new(), "sorted"), Ok(4));
    assert_eq!(
        store.list::<i64>("sorted").range(..).unwrap(),
        [1, 2, 3, 10]
    );
    store.hash::<i64>("h").set("f", 1).unwrap();
    assert_eq!(store.sort::<i64>("h", new()), Err(Error::WrongType));
}

#[test]
fn patterns_name_fields_of_hashes() {
    let store = numbers();
    for (number, weight) in [(1, 9), (2, 8), (3, 7), (10, 6)] {
        let hash = format!("h_{number}x");
        store.hash::<i64>(&hash).set("weight", weight).unwrap();
    }
    store.set("h_1->", "arrow").unwrap();
    store.set("h_3", "no hash").unwrap();
    let by = SortOptions::new().by("h_*x->weight");
    assert_eq!(store.sort::<i64>("l", by.clone()).unwrap(), [10, 3, 2, 1]);
    let get = |pattern| {
        store
            .sort_get::<String>("l", by.clone().get(pattern))
            .unwrap()
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        get("h_*x->weight"),
        [text("6"), text("7"), text("8"), text("9")]
    );
    assert_eq!(get("h_*x->none"), [None, None, None, None]);
    // A string has no fields, and an arrow at the end is a part of the name.
    assert_eq!(get("h_*->weight"), [None, None, None, None]);
    assert_eq!(get("h_*->"), [None, None, None, text("arrow")]);
}
