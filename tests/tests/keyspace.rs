//! Calls on keys of every type at once: what they are, when they were used, how long they live, and scans that choose.

use std::time::{Duration, UNIX_EPOCH};

use larder::{Condition, Error, KeyType, ManualClock, ScanOptions, Store, Ttl};

/// A key of each type, and its type.
const TYPES: [(&str, KeyType); 5] = [
    ("string", KeyType::String),
    ("list", KeyType::List),
    ("set", KeyType::Set),
    ("hash", KeyType::Hash),
    ("sorted", KeyType::SortedSet),
];

fn store_of_all_types() -> Result<(Store, ManualClock), Error> {
    let time = ManualClock::new();
    let store = Store::builder()
        .clock(time.clock())
        .build()
        .expect("the settings are valid");
    for copy in 0..20 {
        store.set(format!("string:{copy}"), copy)?;
        store.list::<u32>(format!("list:{copy}")).push_back(copy)?;
        store.set_of::<u32>(format!("set:{copy}")).add(copy)?;
        store
            .hash::<u32>(format!("hash:{copy}"))
            .set("field", copy)?;
        store
            .sorted_set::<u32>(format!("sorted:{copy}"))
            .add(copy, 1.0)?;
    }
    Ok((store, time))
}

#[test]
fn a_scan_shows_the_keys_of_one_type_or_pattern_or_of_both() -> Result<(), Error> {
    let (store, _time) = store_of_all_types()?;
    for (name, key_type) in TYPES {
        let mut found: Vec<Vec<u8>> = store
            .scan_with(ScanOptions::new().of_type(key_type).count(3))
            .collect();
        found.sort();
        found.dedup();
        assert_eq!(found, store.keys(format!("{name}:*")));
        assert_eq!(found.len(), 20);
        let both = ScanOptions::new().of_type(key_type).matching("*:1?");
        assert_eq!(store.scan_with(both).count(), 10);
        let neither = ScanOptions::new().of_type(key_type).matching("none*");
        assert_eq!(store.scan_with(neither).count(), 0);
    }
    assert_eq!(store.scan().count(), 100);
    Ok(())
}

#[test]
fn keys_of_every_type_are_looked_at_renamed_copied_and_removed_alike() -> Result<(), Error> {
    let (store, _time) = store_of_all_types()?;
    for (name, key_type) in TYPES {
        let (key, other) = (format!("{name}:1"), format!("{name}:other"));
        assert_eq!(store.key_type(&key), Some(key_type));
        assert!(store.touch(&key) && !store.touch("none"));
        store.rename(&key, &other)?;
        assert_eq!(
            (store.key_type(&key), store.key_type(&other)),
            (None, Some(key_type))
        );
        assert!(store.copy(&other, &key)? && !store.copy(&other, &key)?);
        assert!(!store.rename_if_absent(&other, &key)?);
        assert_eq!(
            store.remove_many([&key, &other, "none"].map(String::from)),
            2
        );
        assert_eq!(store.key_type(&other), None);
    }
    assert_eq!(store.key_type("none"), None);
    assert_eq!(store.len(), 95);
    Ok(())
}

#[test]
fn keys_of_every_type_have_times_to_live_on_the_same_conditions() -> Result<(), Error> {
    let (store, time) = store_of_all_types()?;
    // Where the clock that is moved by hand begins.
    let start = UNIX_EPOCH + Duration::from_secs(1_704_067_200);
    let at = |secs| start + Duration::from_secs(secs);
    for (name, _) in TYPES {
        let key = format!("{name}:1");
        assert_eq!(
            (store.ttl(&key), store.expire_time(&key)),
            (Ttl::Forever, None)
        );
        assert!(!store.expire_at_if(&key, at(10), Condition::HasOne)?);
        assert!(!store.expire_at_if(&key, at(10), Condition::Later)?);
        assert!(store.expire_at_if(&key, at(10), Condition::HasNone)?);
        assert!(!store.expire_at_if(&key, at(20), Condition::Earlier)?);
        assert!(store.expire_at_if(&key, at(20), Condition::Later)?);
        assert!(store.expire_if(&key, Duration::from_secs(5), Condition::Earlier)?);
        assert_eq!(store.expire_time(&key), Some(at(5)));
        assert!(store.persist(&key) && !store.persist(&key));
        assert!(store.expire_at(&key, at(7))?);
        assert_eq!(store.ttl(&key), Ttl::Left(Duration::from_secs(7)));
    }
    assert_eq!(store.ttl("none"), Ttl::Absent);
    time.advance(Duration::from_secs(7));
    for (name, _) in TYPES {
        assert!(!store.exists(format!("{name}:1")));
        assert_eq!(store.key_type(format!("{name}:1")), None);
    }
    store.tick();
    assert_eq!(store.len(), 95);
    Ok(())
}

#[test]
fn values_are_read_into_a_buffer_and_shown_where_they_are() -> Result<(), Error> {
    let (store, time) = store_of_all_types()?;
    let mut buffer = b"before ".to_vec();
    for (key, value) in [
        ("a", "short".to_owned()),
        ("b", "long".repeat(5_000)),
        ("c", "17".to_owned()),
    ] {
        store.set(key, &value)?;
        assert!(store.expire(key, Duration::from_secs(1))?);
        buffer.clear();
        assert!(store.get_into(key, &mut buffer)?);
        assert_eq!(buffer, value.as_bytes());
        assert_eq!(store.get_with(key, <[u8]>::len)?, Some(value.len()));
    }
    time.advance(Duration::from_secs(1));
    buffer.clear();
    assert!(!store.get_into("a", &mut buffer)?);
    assert_eq!((buffer.len(), store.get_with("a", <[u8]>::len)?), (0, None));
    assert_eq!(store.get_into("list:1", &mut buffer), Err(Error::WrongType));
    assert_eq!(store.get_with("set:1", <[u8]>::len), Err(Error::WrongType));
    assert!(buffer.is_empty());
    Ok(())
}

#[test]
fn a_random_key_is_one_that_is_there_and_in_time_each() -> Result<(), Error> {
    let (store, _time) = store_of_all_types()?;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20_000 {
        let key = store.random_key().expect("there are keys");
        assert!(store.exists(&key));
        seen.insert(key);
    }
    assert_eq!(seen.len(), 100);
    store.clear();
    assert_eq!((store.random_key(), store.len()), (None, 0));
    Ok(())
}

#[test]
fn groups_of_keys_go_by_prefix_and_by_pattern_whatever_their_type() -> Result<(), Error> {
    let (store, _time) = store_of_all_types()?;
    assert_eq!(store.remove_prefix("list:"), 20);
    assert_eq!(store.remove_prefix("*"), 0);
    assert_eq!(store.remove_matching("*:[12]"), 8);
    assert_eq!(store.remove_matching("s*"), 54);
    assert_eq!(store.keys("*"), store.keys("hash:*"));
    assert_eq!(store.len(), 18);
    Ok(())
}
