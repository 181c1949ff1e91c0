//! Input that is empty, binary, huge, past, overflowing or no number: an error that says so or what Redis does, nothing lost.

use std::time::{Duration, UNIX_EPOCH};

use larder::{
    Cache, Change, Condition, Error, GetExpire, Glob, Loaded, ManualClock, Outcome, ScanOptions,
    SetOptions, Span, Store, Ttl,
};

const MEBIBYTE: usize = 1 << 20;

/// Keys and values that are empty, no text, or look like something else.
fn odd_bytes() -> Vec<Vec<u8>> {
    let all: Vec<u8> = (0..=255).collect();
    let odd: [&[u8]; 10] = [
        b"",
        b"\0",
        b"\0\0\0\0\0\0\0\0",
        b"\r\n",
        b"*",
        b"[a-",
        b"\\",
        b"\xff\xfe",
        b"\xc3\x28",
        b"-0",
    ];
    let odd = odd.into_iter().map(<[u8]>::to_vec);
    odd.chain([all]).collect()
}

/// A store with an entry that must stay as it is whatever is refused.
fn store_with_neighbour() -> Store {
    let store = Store::new();
    store.set("neighbour", "stays").expect("there is room");
    store
}

fn assert_undisturbed(store: &Store) {
    assert_eq!(
        store
            .get::<String>("neighbour")
            .expect("it is text")
            .as_deref(),
        Some("stays")
    );
}

#[test]
fn a_store_keeps_empty_and_binary_keys_and_values_as_they_are() {
    let store = Store::new();
    for key in odd_bytes() {
        for value in odd_bytes() {
            store.set(&key, &value).unwrap();
            assert_eq!(store.get::<Vec<u8>>(&key).unwrap().as_ref(), Some(&value));
            assert_eq!(
                store.get_with(&key, <[u8]>::to_vec).unwrap().as_ref(),
                Some(&value)
            );
            assert_eq!(
                store.get_many::<Vec<u8>>([&key]).unwrap(),
                [Some(value.clone())]
            );
            assert_eq!(store.len_of(&key), Ok(value.len()));
            assert_eq!(store.append(&key, &key), Ok(value.len() + key.len()));
        }
    }
    let mut keys = odd_bytes();
    keys.sort();
    assert_eq!(store.keys("*"), keys);
    for key in odd_bytes() {
        let exact = ScanOptions::new().matching(Glob::literal(&key).as_bytes());
        assert_eq!(
            store.scan_with(exact).collect::<Vec<_>>(),
            std::slice::from_ref(&key)
        );
        store.rename(&key, [&key[..], b"!"].concat()).unwrap();
        store.rename([&key[..], b"!"].concat(), &key).unwrap();
        assert!(store.copy(&key, "copy").unwrap() && store.remove("copy"));
        assert!(store.remove(&key));
    }
    assert!(store.is_empty());
}

#[test]
fn elements_and_fields_of_a_store_may_be_empty_and_binary_too() {
    let store = Store::new();
    let (list, set) = (store.list::<Vec<u8>>(""), store.set_of::<Vec<u8>>("\0"));
    let (hash, sorted) = (
        store.hash::<Vec<u8>>(b"\xff"),
        store.sorted_set::<Vec<u8>>("\r\n"),
    );
    for odd in odd_bytes() {
        list.push_back(&odd).unwrap();
        assert!(set.add(&odd).unwrap());
        assert!(hash.set(&odd, &odd).unwrap());
        assert!(sorted.add(&odd, 1.0).unwrap());
        assert_eq!(hash.get(&odd).unwrap().as_ref(), Some(&odd));
        assert_eq!(sorted.score(&odd), Ok(Some(1.0)));
        assert_eq!(set.contains(&odd), Ok(true));
    }
    assert_eq!(list.range(..).unwrap(), odd_bytes());
    assert_eq!(store.len(), 4);
}

#[test]
fn bytes_that_are_no_text_are_told_from_text_and_stay() {
    let store = store_with_neighbour();
    store.set("key", b"\xff\xfe").unwrap();
    assert!(matches!(store.get::<String>("key"), Err(Error::Convert(_))));
    assert!(matches!(
        store.get_many::<String>(["key"]),
        Err(Error::Convert(_))
    ));
    assert_eq!(
        store.get::<Vec<u8>>("key").unwrap().as_deref(),
        Some(&b"\xff\xfe"[..])
    );
    let soon = GetExpire::In(Duration::from_secs(1));
    assert!(store.get_expire::<String>("key", soon).is_err());
    assert_eq!(store.ttl("key"), Ttl::Forever);
    assert!(store.get_delete::<String>("key").is_err() && store.exists("key"));
    store
        .atomic(["key"], |tx| {
            assert!(tx.get_expire::<String>("key", soon).is_err());
            assert!(tx.get_delete::<String>("key").is_err() && tx.exists("key"));
            Ok::<(), Error>(())
        })
        .unwrap();
    assert!(store.get_delete::<Vec<u8>>("key").unwrap().is_some());
    assert_undisturbed(&store);
}

#[test]
fn a_cache_keeps_empty_and_binary_keys_and_values_as_they_are() {
    let cache = Cache::<Vec<u8>, Vec<u8>>::new(1000);
    for key in odd_bytes() {
        cache.insert(key.clone(), key.clone());
    }
    for key in odd_bytes() {
        assert_eq!(cache.get(&key[..]).as_ref(), Some(&key));
        assert_eq!(cache.remove_matching([&Glob::literal(&key)]), 1);
    }
    assert!(cache.is_empty());
}

#[test]
fn a_store_keeps_keys_of_a_mebibyte() {
    let store = store_with_neighbour();
    let key = vec![b'k'; MEBIBYTE];
    let other = [&key[..], b"2"].concat();
    store.set(&key, "1").unwrap();
    store.set(&other, "2").unwrap();
    assert_eq!(store.incr(&key, 41), Ok(42));
    assert_eq!(
        store.get_many::<i64>([&key, &other]).unwrap(),
        [Some(42), Some(2)]
    );
    assert!(store.expire(&key, Duration::from_secs(9)).unwrap());
    assert_eq!(store.list::<u32>(&key).len(), Err(Error::WrongType));
    assert_eq!(store.remove_prefix(&key), 2);
    store.hash::<Vec<u8>>("hash").set(&key, &key).unwrap();
    assert_eq!(store.hash::<Vec<u8>>("hash").get(&key).unwrap(), Some(key));
    assert_undisturbed(&store);
}

#[test]
fn a_cache_keeps_keys_of_a_mebibyte() {
    let cache = Cache::<String, u32>::new(10);
    let key = "k".repeat(MEBIBYTE);
    cache.insert(key.clone(), 1);
    cache.insert(format!("{key}2"), 2);
    assert_eq!(
        (cache.get(&key), cache.remove(&format!("{key}2"))),
        (Some(1), Some(2))
    );
}

/// Calls that would make "old" longer than the bound of 10,000 bytes.
fn calls_that_are_too_large(store: &Store) -> Vec<(&'static str, Result<(), Error>)> {
    let huge = vec![0_u8; 20_000];
    let whole = |result: Result<usize, Error>| result.map(drop);
    vec![
        ("SET", store.set("old", &huge)),
        ("SET of a new key", store.set("new", &huge)),
        (
            "SET with options",
            store
                .set_with("old", &huge, SetOptions::new().keep_ttl())
                .map(drop),
        ),
        ("APPEND", whole(store.append("old", &huge))),
        ("SETRANGE", whole(store.set_range("old", 20_000, "x"))),
        (
            "SETRANGE far away",
            whole(store.set_range("old", usize::MAX, "x")),
        ),
        (
            "MSET",
            store.set_many([("old", vec![1; 10]), ("new", huge.clone())]),
        ),
        (
            "MSETNX",
            store.set_many_if_absent([("new", huge.clone())]).map(drop),
        ),
        ("RENAME to a long name", store.rename("old", &huge)),
        ("COPY to a long name", store.copy("old", &huge).map(drop)),
        (
            "RPUSH",
            whole(store.list::<Vec<u8>>("new").push_back(&huge)),
        ),
        ("SADD", store.set_of::<Vec<u8>>("new").add(&huge).map(drop)),
        (
            "HSET",
            store.hash::<Vec<u8>>("new").set("field", &huge).map(drop),
        ),
        (
            "ZADD",
            store.sorted_set::<Vec<u8>>("new").add(&huge, 1.0).map(drop),
        ),
    ]
}

#[test]
fn what_is_larger_than_a_stores_bound_is_refused_and_changes_nothing() {
    let store = Store::builder().max_bytes(10_000).build().unwrap();
    store.set("neighbour", "stays").unwrap();
    store.set("old", "old").unwrap();
    assert!(store.expire("old", Duration::from_secs(60)).unwrap());
    for (call, outcome) in calls_that_are_too_large(&store) {
        assert_eq!(outcome, Err(Error::TooLarge), "{call}");
        assert_eq!(
            store.get::<String>("old").unwrap().as_deref(),
            Some("old"),
            "{call}"
        );
        assert!(store.ttl("old").left().is_some(), "{call}");
        assert_eq!(store.len(), 2, "{call}");
        assert_undisturbed(&store);
    }
    assert!(store.stats().weight <= 10_000);
}

#[test]
fn what_is_heavier_than_a_cache_is_rejected_and_changes_nothing() {
    let builder = Cache::builder().max_weight(100);
    let cache = builder
        .weigher(|_: &char, value: &Vec<u8>| value.len() as u64)
        .build()
        .unwrap();
    cache.insert('n', vec![1; 40]);
    cache.insert('o', vec![2; 40]);
    assert!(cache.insert('o', vec![0; 101]).is_rejected());
    assert!(cache.insert('x', vec![0; 101]).is_rejected());
    assert!(
        cache
            .insert_with_ttl('x', vec![0; 101], Duration::MAX)
            .is_rejected()
    );
    assert!(
        cache
            .insert_loaded('x', Loaded::new(vec![0; 101]))
            .is_rejected()
    );
    assert!(
        cache
            .compute('o', |_| Change::Insert(vec![0; 101]))
            .is_rejected()
    );
    assert_eq!(cache.get_or_load(&'x', || vec![0; 101]), Ok(vec![0; 101]));
    assert_eq!(
        (cache.get(&'n'), cache.get(&'o')),
        (Some(vec![1; 40]), Some(vec![2; 40]))
    );
    assert_eq!((cache.len(), cache.weight()), (2, 80));
    assert_eq!(cache.stats().rejections, 6);
}

/// A store on a clock that stands, with a key.
fn timed_store() -> (Store, ManualClock) {
    let time = ManualClock::new();
    let store = Store::builder()
        .clock(time.clock())
        .build()
        .expect("the settings are valid");
    store.set("neighbour", "stays").expect("there is room");
    store.set("key", "value").expect("there is room");
    (store, time)
}

#[test]
fn a_time_to_live_of_zero_is_refused_with_a_value_and_ends_a_key_that_is_there() {
    let (store, _time) = timed_store();
    let zero = SetOptions::new().ttl(Duration::ZERO);
    assert_eq!(
        store.set_with("key", "new", zero),
        Err(Error::InvalidExpiry)
    );
    assert_eq!(
        store.get_expire::<String>("key", GetExpire::In(Duration::ZERO)),
        Err(Error::InvalidExpiry)
    );
    assert_eq!(
        store.get::<String>("key").unwrap().as_deref(),
        Some("value")
    );
    assert_eq!(store.ttl("key"), Ttl::Forever);
    assert_eq!(store.expire("key", Duration::ZERO), Ok(true));
    assert!(!store.exists("key"));
    assert_eq!(store.expire("key", Duration::ZERO), Ok(false));
    assert_undisturbed(&store);
}

#[test]
fn a_deadline_that_is_past_ends_a_key_at_once() {
    for past in [
        UNIX_EPOCH,
        UNIX_EPOCH + Duration::from_secs(1),
        UNIX_EPOCH - Duration::from_secs(1 << 40),
    ] {
        let (store, time) = timed_store();
        assert_eq!(
            store.expire_at_if("key", past, Condition::HasOne),
            Ok(false)
        );
        assert!(store.exists("key"));
        assert_eq!(store.expire_at("key", past), Ok(true));
        assert!(!store.exists("key"));
        let options = SetOptions::new().expire_at(past);
        assert!(
            store
                .set_with("key", "new", options)
                .is_ok_and(|outcome| outcome.is_set())
        );
        assert!(!store.exists("key"));
        time.advance(Duration::from_secs(1));
        store.tick();
        assert_eq!(store.len(), 1);
        assert_undisturbed(&store);
    }
}

#[test]
fn times_to_live_beyond_all_clocks_are_refused_and_very_long_ones_hold() {
    let (store, time) = timed_store();
    assert_eq!(
        store.expire("key", Duration::MAX),
        Err(Error::InvalidExpiry)
    );
    assert_eq!(
        store.expire_if("key", Duration::MAX, Condition::HasNone),
        Err(Error::InvalidExpiry)
    );
    let options = SetOptions::new().ttl(Duration::MAX);
    assert_eq!(
        store.set_with("key", "new", options),
        Err(Error::InvalidExpiry)
    );
    assert_eq!(
        store.get_expire::<String>("key", GetExpire::In(Duration::MAX)),
        Err(Error::InvalidExpiry)
    );
    assert_eq!(store.hash::<i64>("hash").set("field", 1), Ok(true));
    assert_eq!(
        (
            store.ttl("key"),
            store.get::<String>("key").unwrap().as_deref()
        ),
        (Ttl::Forever, Some("value"))
    );
    let years = Duration::from_secs(86_400 * 365 * 20);
    assert_eq!(store.expire("key", years), Ok(true));
    time.advance(years - Duration::from_millis(1));
    store.tick();
    assert!(store.exists("key"));
    time.advance(Duration::from_millis(1));
    assert!(!store.exists("key"));
    assert_undisturbed(&store);
}

#[test]
fn a_cache_takes_times_to_live_of_zero_past_and_beyond_all_clocks() {
    let time = ManualClock::new();
    let builder = Cache::builder().max_entries(10).clock(time.clock());
    let cache: Cache<u32, u32> = builder.build().unwrap();
    cache.insert(0, 0);
    cache.insert_with_ttl(1, 1, Duration::ZERO);
    assert_eq!((cache.get(&1), cache.ttl(&1)), (None, Ttl::Absent));
    cache.insert_with_ttl(2, 2, Duration::MAX);
    assert!(cache.expire(&2, Duration::MAX));
    time.advance(Duration::from_secs(1 << 36));
    assert_eq!(cache.get(&2), Some(2));
    assert!(cache.expire_at(&2, UNIX_EPOCH));
    assert_eq!(cache.get(&2), None);
    cache.insert(3, 3);
    assert!(cache.expire(&3, Duration::ZERO));
    assert!(!cache.expire(&3, Duration::ZERO));
    assert!(!cache.expire_at(&3, UNIX_EPOCH));
    cache.tick();
    assert_eq!((cache.get(&0), cache.len()), (Some(0), 1));
}

#[test]
fn a_capacity_of_zero_is_a_fault_while_building() {
    let faults = |error: larder::BuildError| error.faults().to_vec();
    assert_eq!(
        faults(Store::builder().max_entries(0).build().unwrap_err()),
        ["max_entries must be at least 1"]
    );
    assert_eq!(
        faults(Store::builder().max_bytes(0).build().unwrap_err()),
        ["max_bytes must be at least 1"]
    );
    assert_eq!(
        faults(
            Cache::<u32, u32>::builder()
                .max_entries(0)
                .build()
                .unwrap_err()
        ),
        ["max_entries must be at least 1"]
    );
    assert_eq!(Cache::<u32, u32>::new(0).capacity(), 1);
}

#[test]
fn a_capacity_of_zero_later_is_refused_by_a_store_and_empties_a_cache() {
    let store = Store::builder().max_entries(10).build().unwrap();
    store.set("neighbour", "stays").unwrap();
    assert!(store.set_capacity(0).is_err());
    assert_undisturbed(&store);
    let cache = Cache::<u32, u32>::new(10);
    cache.insert(1, 1);
    assert_eq!(cache.set_capacity(0), 1);
    assert_eq!(cache.insert(2, 2), Outcome::Rejected(2));
    cache.set_capacity(1);
    assert_eq!(cache.insert(2, 2), Outcome::Inserted);
}

#[test]
fn absurd_numbers_of_stripes_are_faults_and_the_most_that_is_allowed_works() {
    for count in [0, 1025, 1 << 40, usize::MAX] {
        assert_eq!(
            Store::builder()
                .stripes(count)
                .build()
                .unwrap_err()
                .faults()
                .len(),
            1,
            "{count}"
        );
        let builder = Cache::<u32, u32>::builder().max_entries(5);
        assert_eq!(
            builder.stripes(count).build().unwrap_err().faults().len(),
            1,
            "{count}"
        );
    }
    let store = Store::builder()
        .max_entries(3)
        .stripes(1024)
        .build()
        .unwrap();
    for number in 0..100 {
        store.set(format!("key {number}"), number).unwrap();
        assert!(store.len() <= 3);
    }
    assert_eq!(store.get::<i64>("key 99").unwrap(), Some(99));
}

#[test]
fn a_counter_that_would_overflow_stays_as_it_is() {
    let (store, _time) = timed_store();
    for (start, by) in [
        (i64::MAX, 1),
        (i64::MIN, -1),
        (i64::MAX, i64::MAX),
        (i64::MIN, i64::MIN),
    ] {
        store
            .set_with("key", start, SetOptions::new().ttl(Duration::from_secs(9)))
            .unwrap();
        assert_eq!(store.incr("key", by), Err(Error::Overflow));
        assert_eq!(store.get::<i64>("key").unwrap(), Some(start));
        assert_eq!(store.ttl("key"), Ttl::Left(Duration::from_secs(9)));
    }
    assert_eq!(store.decr("key", i64::MIN), Err(Error::DecrementOverflow));
    assert_eq!(store.decr("new", i64::MIN), Err(Error::DecrementOverflow));
    store.set("key", "9e4931").unwrap();
    assert_eq!(store.incr_by_float("key", "9e4931"), Err(Error::NotFinite));
    assert_eq!(
        store.get::<String>("key").unwrap().as_deref(),
        Some("9e4931")
    );
    let hash = store.hash::<i64>("hash");
    hash.set("field", i64::MAX).unwrap();
    assert_eq!(hash.incr("field", 1), Err(Error::Overflow));
    assert_eq!(hash.get("field"), Ok(Some(i64::MAX)));
    assert!(!store.exists("new"));
    assert_undisturbed(&store);
}

#[test]
fn what_is_no_number_is_not_counted_and_stays() {
    let (store, _time) = timed_store();
    for text in [
        "",
        " ",
        "1 ",
        " 1",
        "+1",
        "-0",
        "007",
        "1.5",
        "1e3",
        "0x10",
        "ten",
        "9223372036854775808",
        "\0",
    ] {
        store.set("key", text).unwrap();
        assert_eq!(store.incr("key", 1), Err(Error::NotAnInteger), "{text:?}");
        assert_eq!(store.get::<String>("key").unwrap().as_deref(), Some(text));
    }
    for text in ["", " 1", "1 ", "ten", "1.2.3", "--1", "nan"] {
        store.set("key", text).unwrap();
        assert_eq!(
            store.incr_by_float("key", "1"),
            Err(Error::NotAFloat),
            "{text:?}"
        );
        assert_eq!(
            store.incr_by_float("new", text),
            Err(Error::NotAFloat),
            "{text:?}"
        );
        assert_eq!(store.get::<String>("key").unwrap().as_deref(), Some(text));
    }
    for endless in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        assert!(store.incr_by_float("new", endless).is_err());
    }
    assert!(!store.exists("new"));
    assert_undisturbed(&store);
}

/// First and last index, and what of "0123456789" lies between them.
const RANGES: [(i64, i64, &str); 10] = [
    (i64::MIN, i64::MAX, "0123456789"),
    (i64::MAX, i64::MIN, ""),
    (i64::MIN, i64::MIN, "0"),
    (i64::MAX, i64::MAX, ""),
    (-3, -1, "789"),
    (-1, -3, ""),
    (-100, -90, "0"),
    (5, 2, ""),
    (9, 1 << 40, "9"),
    (10, 20, ""),
];

#[test]
fn negative_and_huge_ranges_name_what_there_is() {
    let store = store_with_neighbour();
    store.set("key", "0123456789").unwrap();
    let list = store.list::<u32>("list");
    list.push_back_many(0..10).unwrap();
    for (first, last, wanted) in RANGES {
        let span = Span::new(first, last);
        assert_eq!(
            store.get_range("key", span).unwrap(),
            wanted.as_bytes(),
            "{span:?}"
        );
        assert_eq!(store.get_range("none", span).unwrap(), b"", "{span:?}");
        let elements: Vec<u32> = list.range(span).unwrap();
        let elements: String = elements.iter().map(u32::to_string).collect();
        // Of a list, unlike of a string, nothing lies before its first element.
        let wanted = if last < -10 { "" } else { wanted };
        assert_eq!(elements, wanted, "{span:?}");
    }
    assert_undisturbed(&store);
}

#[test]
fn writes_beyond_the_longest_string_are_refused() {
    let store = store_with_neighbour();
    for offset in [512 << 20, 1 << 40, usize::MAX - 1, usize::MAX] {
        assert_eq!(
            store.set_range("key", offset, "x"),
            Err(Error::TooLarge),
            "{offset}"
        );
        assert_eq!(store.set_range("key", offset, ""), Ok(0), "{offset}");
    }
    assert!(!store.exists("key"));
    assert_undisturbed(&store);
}

#[test]
fn patterns_that_explode_elsewhere_take_no_longer_than_pattern_times_key() {
    let store = store_with_neighbour();
    let cache = Cache::<String, u32>::new(10);
    let key = "a".repeat(20_000);
    store.set(&key, 1).unwrap();
    cache.insert(key.clone(), 1);
    // A matcher that tries everything would need some 20,000 to the power of 300 steps.
    let hostile = format!("{}b", "a*".repeat(300));
    let classes = format!("{}b", "[!b]*?*".repeat(100));
    for pattern in [&hostile, &classes] {
        assert_eq!(store.keys(pattern), Vec::<Vec<u8>>::new());
        assert_eq!(store.remove_matching(pattern), 0);
        assert_eq!(cache.remove_matching([&Glob::new(pattern)]), 0);
    }
    for odd in ["[", "[^", "[]", "[a-", "[z-a", "\\", "*\\", "[\\", ""] {
        assert_eq!(store.remove_matching(odd), 0, "{odd}");
    }
    let matching = format!("{}*", "a*".repeat(300));
    assert_eq!(store.remove_matching(&matching), 1);
    assert_eq!(cache.remove_matching([&Glob::new(&matching)]), 1);
    assert_undisturbed(&store);
}
