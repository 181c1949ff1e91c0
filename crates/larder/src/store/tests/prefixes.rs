//! Groups of keys by their prefixes: what an invalidation takes, and what becomes of groups as keys come and go.

use super::super::{SetOptions, Store};
use crate::reaper::Upkeep;
use crate::tags::Tags;
use crate::time::ManualClock;

fn grouped() -> (Tags, Store) {
    let tags = Tags::new();
    let builder = Store::builder().tags(&tags).prefixes(b':');
    let builder = builder.clock(ManualClock::new().clock());
    let store = builder.upkeep(Upkeep::Manual).build();
    (tags, store.expect("the settings are sound"))
}

#[test]
fn keys_of_every_type_are_in_their_groups() {
    let (_, store) = grouped();
    store.set("a:string", "a value").expect("small");
    store.set("a:large", vec![7; 100_000]).expect("small");
    store.incr("a:int", 1).expect("small");
    store.append("a:appended", "text").expect("small");
    store
        .list::<String>("a:list")
        .push_back("a")
        .expect("small");
    store.hash::<i64>("a:hash").set("a", 1).expect("small");
    store.set_of::<String>("a:set").add("a").expect("small");
    let sorted = store.sorted_set::<String>("a:sorted");
    sorted.add("a", 1.0).expect("small");
    store
        .set_many([("a:many", 1), ("b:many", 2)])
        .expect("small");
    store.set("a", 1).expect("small");
    store.invalidate_prefix("a:");
    assert_eq!(store.keys("*"), [&b"a"[..], b"b:many"]);
    store.tick();
    assert_eq!(store.len(), 2);
}

#[test]
fn a_key_that_is_renamed_or_copied_is_in_the_groups_of_its_new_name() {
    let (_, store) = grouped();
    store.set_many([("a:1", 1), ("a:2", 2)]).expect("small");
    assert_eq!(store.rename("a:1", "b:1"), Ok(()));
    assert_eq!(store.copy("a:2", "b:2"), Ok(true));
    store.invalidate_prefix("a:");
    assert_eq!(store.keys("*"), [b"b:1", b"b:2"]);
    store.invalidate_prefix("b:");
    assert!(store.keys("*").is_empty());
}

#[test]
fn what_is_written_after_an_invalidation_stays_also_where_the_old_key_was() {
    let (_, store) = grouped();
    store.set("a:1", 1).expect("small");
    store.set("a:2", 1).expect("small");
    store.invalidate_prefix("a:");
    assert_eq!(store.incr("a:1", 5), Ok(5));
    store.tick();
    assert_eq!(
        (store.get("a:1"), store.get::<i64>("a:2")),
        (Ok(Some(5)), Ok(None))
    );
    assert_eq!((store.len(), store.core.tagged_keys()), (1, 1));
}

#[test]
fn a_key_keeps_its_groups_beside_the_tags_that_it_is_given_and_loses() {
    let (tags, store) = grouped();
    for key in ["a:1", "a:2", "a:3"] {
        store.set(key, 1).expect("small");
        assert!(store.tag(key, tags.stamp(["org:1".into()])));
    }
    assert!(store.untag("a:1"));
    assert!(!store.untag("a:1"), "it has no tags but its groups");
    tags.invalidate("org:1");
    assert_eq!(store.keys("*"), [b"a:1"]);
    let stamp = tags.stamp(["org:1".into()]);
    let set = store.set_tagged("a:2", 2, SetOptions::new(), stamp);
    assert!(set.expect("small").set);
    store.invalidate_prefix("a:");
    assert!(store.keys("*").is_empty());
}

#[test]
fn a_transaction_that_is_taken_back_leaves_keys_in_their_groups() {
    let (tags, store) = grouped();
    store.set("a:1", 1).expect("small");
    store.tag("a:1", tags.stamp(["org:1".into()]));
    let failed = store.atomic(["a:1", "a:2"], |tx| {
        tx.remove("a:1");
        tx.set("a:2", 2)?;
        Err::<(), _>(crate::Error::TooLarge)
    });
    assert!(failed.is_err());
    assert_eq!(store.keys("*"), [b"a:1"]);
    tags.invalidate("org:1");
    assert!(!store.exists("a:1"), "its tags have outlasted it");
}

#[test]
fn what_is_kept_of_keys_is_bounded_by_the_keys_that_there_are() {
    let tags = Tags::new();
    let store = Store::builder()
        .tags(&tags)
        .prefixes(b':')
        .max_entries(1_000);
    let store = store.upkeep(Upkeep::Manual).build().expect("sound");
    for number in 0..50_000 {
        store
            .set(format!("user:{number}:name"), number)
            .expect("small");
        if number % 1_000 == 0 {
            store.tick();
        }
    }
    store.tick();
    let kept = store.core.tagged_keys();
    assert!(kept <= 40_000, "{kept} stamps for {} keys", store.len());
}
