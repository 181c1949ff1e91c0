//! Tags of keys: what an invalidation takes, when, and what is kept of tags.

use super::super::{SetOptions, Store};
use crate::reaper::Upkeep;
use crate::tags::Tags;
use crate::time::ManualClock;

fn tagged() -> (Tags, Store) {
    let tags = Tags::new();
    let builder = Store::builder().tags(&tags).upkeep(Upkeep::Manual);
    let store = builder.clock(ManualClock::new().clock()).build();
    (tags, store.expect("the settings are sound"))
}

/// A key of each type and of each size, tagged "all" and by its name.
fn zoo(tags: &Tags, store: &Store) -> Vec<&'static str> {
    store.set("string", "a value").expect("small");
    store.set("int", 7).expect("small");
    store.set("large", vec![7; 100_000]).expect("small");
    store.list::<String>("list").push_back("a").expect("small");
    store.hash::<i64>("hash").set("a", 1).expect("small");
    store.set_of::<String>("set").add("a").expect("small");
    store
        .sorted_set::<String>("sorted")
        .add("a", 1.0)
        .expect("small");
    let keys = vec!["string", "int", "large", "list", "hash", "set", "sorted"];
    for key in &keys {
        assert!(store.tag(key, tags.stamp(["all".into(), (*key).into()])));
    }
    keys
}

/// A view that had been made before showed what was invalidated until upkeep came by: it looked at the tags when it was
/// made, not when it was used.
#[test]
fn an_invalidated_tag_takes_keys_from_views_that_were_made_before() {
    let (tags, store) = tagged();
    zoo(&tags, &store);
    let (list, hash) = (store.list::<String>("list"), store.hash::<i64>("hash"));
    let set = store.set_of::<String>("set");
    let sorted = store.sorted_set::<String>("sorted");
    assert_eq!(sorted.score("a"), Ok(Some(1.0)));
    tags.invalidate("all");
    assert_eq!(list.len(), Ok(0));
    assert_eq!(hash.get("a"), Ok(None));
    assert_eq!(set.add("a"), Ok(true));
    assert_eq!(sorted.score("a"), Ok(None));
}

#[test]
fn an_invalidated_tag_takes_keys_of_every_type_from_every_call() {
    let (tags, store) = tagged();
    let keys = zoo(&tags, &store);
    store.set("untagged", 1).expect("small");
    tags.invalidate("all");
    assert_eq!(store.keys("*"), [b"untagged"]);
    assert_eq!(store.get::<String>("string"), Ok(None));
    assert_eq!(store.incr("int", 1), Ok(1));
    assert_eq!(store.list::<String>("list").len(), Ok(0));
    assert_eq!(store.hash::<i64>("hash").get("a"), Ok(None));
    assert_eq!(store.set_of::<String>("set").contains("a"), Ok(false));
    assert_eq!(store.sorted_set::<String>("sorted").score("a"), Ok(None));
    assert_eq!(store.exists_many(&keys), 1, "the new counter");
    assert_eq!(store.key_type("large"), None);
    assert_eq!(store.len(), 2);
}

#[test]
fn only_the_keys_of_the_tag_go() {
    let (tags, store) = tagged();
    let keys = zoo(&tags, &store);
    tags.invalidate("hash");
    for key in keys {
        assert_eq!(store.exists(key), key != "hash", "{key}");
    }
    tags.invalidate_softly("list");
    assert!(!store.exists("list"), "a store has no fallbacks");
}

#[test]
fn upkeep_removes_what_nobody_asks_for() {
    let (tags, store) = tagged();
    for number in 0..10_000 {
        let key = format!("key:{number}");
        let stamp = tags.stamp([if number % 2 == 0 {
            "even".into()
        } else {
            "odd".into()
        }]);
        let set = store.set_tagged(&key, number, SetOptions::new(), stamp);
        assert!(set.expect("small").set);
    }
    tags.invalidate("even");
    assert_eq!(store.len(), 10_000);
    store.tick();
    assert_eq!(store.len(), 5_000);
    assert!(
        store.core.tagged.pending().is_none(),
        "nothing more to look for"
    );
    assert!(store.exists("key:1") && !store.exists("key:2"));
}

#[test]
fn what_is_written_after_an_invalidation_stays_and_what_was_read_before_it_is_not_stored() {
    let (tags, store) = tagged();
    store.set("a", "old").expect("small");
    store.tag("a", tags.stamp(["group".into()]));
    let early = tags.stamp(["group".into()]);
    tags.invalidate("group");
    store.set("a", "new").expect("small");
    assert_eq!(store.get::<String>("a"), Ok(Some("new".to_owned())));
    // The new value has no tags.
    tags.invalidate("group");
    assert!(store.exists("a"));
    let late = store.set_tagged("b", "slow", SetOptions::new(), early.clone());
    assert!(!late.expect("small").set && !store.exists("b"));
    store.set("c", "slow").expect("small");
    assert!(!store.tag("c", early) && !store.exists("c"));
}

#[test]
fn tags_stay_through_writes_and_go_with_the_key_or_on_request() {
    let (tags, store) = tagged();
    store.set("n", 1).expect("small");
    store.tag("n", tags.stamp(["group".into()]));
    store.incr("n", 1).expect("an integer");
    tags.invalidate("group");
    assert!(!store.exists("n"));
    assert!(!store.tag("none", tags.stamp(["group".into()])));
    for number in 0..100_000 {
        let key = number.to_string();
        let stamp = tags.stamp(["group".into()]);
        store
            .set_tagged(&key, 1, SetOptions::new(), stamp)
            .expect("small");
        store.remove(&key);
        if number % 1000 == 0 {
            store.tick();
        }
    }
    assert!(
        store.core.tagged_keys() < 80_000,
        "{}",
        store.core.tagged_keys()
    );
    store.set("a", 1).expect("small");
    store.tag("a", tags.stamp(["group".into()]));
    assert!(store.untag("a") && !store.untag("a"));
}

#[test]
fn a_transaction_sees_its_keys_as_they_were_when_it_began() {
    let (tags, store) = tagged();
    store.set("a", 1).expect("small");
    store.tag("a", tags.stamp(["group".into()]));
    let sum = store.atomic(["a", "b"], |tx| {
        tags.invalidate("group");
        tx.incr("a", 1)
    });
    assert_eq!(sum, Ok(2));
    assert!(!store.exists("a"));
    store.set("a", 1).expect("small");
    store.tag("a", tags.stamp(["group".into()]));
    tags.invalidate("group");
    let sum = store.atomic(["a"], |tx| tx.incr("a", 1));
    assert_eq!(sum, Ok(1));
    store.tag("a", tags.stamp(["group".into()]));
    tags.invalidate("group");
    let sum = store.atomic_all(|tx| tx.incr("a", 1));
    assert_eq!(sum, Ok(1));
}

#[test]
fn no_call_that_begins_after_an_invalidation_sees_the_key_and_none_loses_a_later_write() {
    let tags = Tags::new();
    let store = Store::builder().tags(&tags).build().expect("sound");
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (tags, store) = (&tags, &store);
            scope.spawn(move || {
                for round in 0..3_000 {
                    let key = format!("key:{thread}:{}", round % 7);
                    let stamp = tags.stamp([(&key).into()]);
                    let set = store.set_tagged(&key, round, SetOptions::new(), stamp);
                    assert!(set.expect("small").set);
                    assert_eq!(store.get::<i64>(&key), Ok(Some(round)));
                    tags.invalidate(&key);
                    assert_eq!(store.get::<i64>(&key), Ok(None));
                    store.set(&key, round).expect("small");
                    assert_eq!(store.get::<i64>(&key), Ok(Some(round)));
                }
            });
        }
        scope.spawn(|| (0..200).for_each(|_| store.tick()));
    });
}
