//! Replies that real servers gave.

use std::time::{Duration, UNIX_EPOCH};

use crate::store::{Condition, GetExpire, SetOptions, Span, Store};
use crate::time::Ttl;
use crate::{Error, ManualClock};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn store() -> Store {
    Store::builder()
        .clock(ManualClock::new().clock())
        .build()
        .unwrap()
}

fn text(store: &Store, key: &str) -> Option<String> {
    store.get(key).unwrap()
}

#[test]
fn set_and_its_options_answer_as_servers_do() {
    let store = store();
    store.set("k", "v").unwrap();
    let set = |key: &str, value: &str, options: SetOptions<'_>| {
        let outcome = store.set_with(key, value, options.return_old()).unwrap();
        (outcome.is_set(), outcome.old::<String>().unwrap())
    };
    assert_eq!(
        set("k", "v2", SetOptions::new().if_absent()),
        (false, Some("v".into()))
    );
    assert_eq!(
        set("missing", "v", SetOptions::new().if_present()),
        (false, None)
    );
    assert!(!store.exists("missing"));
    assert_eq!(
        set("fresh", "v", SetOptions::new().if_absent()),
        (true, None)
    );
    let lease = SetOptions::new().ttl(secs(100));
    store.set_with("k", "v", lease.clone()).unwrap();
    assert_eq!(store.ttl("k"), Ttl::Left(secs(100)));
    store.set("k", "v2").unwrap();
    assert_eq!(store.ttl("k"), Ttl::Forever);
    store.set_with("k", "v", lease).unwrap();
    store
        .set_with("k", "v2", SetOptions::new().keep_ttl())
        .unwrap();
    assert_eq!(store.ttl("k"), Ttl::Left(secs(100)));
    let past = SetOptions::new().expire_at(UNIX_EPOCH + secs(1));
    assert_eq!(set("k", "v", past), (true, Some("v2".into())));
    assert!(!store.exists("k"));
    store.set("k", 1).unwrap();
    assert_eq!(
        set("k", "2", SetOptions::new().if_equal("1")),
        (true, Some("1".into()))
    );
    assert_eq!(
        set("k", "3", SetOptions::new().if_equal("1")),
        (false, Some("2".into()))
    );
    assert_eq!(
        set("nokey", "3", SetOptions::new().if_equal("1")),
        (false, None)
    );
}

#[test]
fn options_that_exclude_each_other_and_times_that_cannot_be_are_refused() {
    let store = store();
    let refused = |options: SetOptions<'_>| store.set_with("k", 1, options).unwrap_err();
    assert_eq!(
        refused(SetOptions::new().ttl(secs(9)).keep_ttl()),
        Error::Syntax
    );
    assert_eq!(
        refused(SetOptions::new().if_absent().if_present()),
        Error::Syntax
    );
    assert_eq!(
        refused(SetOptions::new().ttl(Duration::ZERO)),
        Error::InvalidExpiry
    );
    assert_eq!(
        refused(SetOptions::new().ttl(Duration::MAX)),
        Error::InvalidExpiry
    );
    assert_eq!(
        refused(SetOptions::new().ttl(Duration::from_millis(i64::MAX as u64))),
        Error::InvalidExpiry
    );
    assert!(!store.exists("k"));
    store.set("k", 1).unwrap();
    assert_eq!(store.expire("k", Duration::MAX), Err(Error::InvalidExpiry));
    assert_eq!(
        store.get_expire::<i64>("k", GetExpire::In(Duration::ZERO)),
        Err(Error::InvalidExpiry)
    );
    assert_eq!(store.ttl("k"), Ttl::Forever);
}

#[test]
fn writes_keep_or_clear_the_deadline_as_servers_do() {
    let store = store();
    let lease = || SetOptions::new().ttl(secs(100));
    let left = Ttl::Left(secs(100));
    store.set_with("s", "v", lease()).unwrap();
    assert_eq!(store.append("s", "x"), Ok(2));
    assert_eq!(store.set_range("s", 0, "y"), Ok(2));
    assert_eq!(store.ttl("s"), left);
    store.set_with("n", 5, lease()).unwrap();
    assert_eq!(store.incr("n", 1), Ok(6));
    assert_eq!(store.incr_by_float("n", 1.5).unwrap(), "7.5");
    assert_eq!(store.ttl("n"), left);
    store.set_many([("n", 1), ("n2", 2)]).unwrap();
    assert_eq!(store.ttl("n"), Ttl::Forever);
    assert_eq!(store.set_many_if_absent([("n2", 9), ("n3", 9)]), Ok(false));
    assert!(!store.exists("n3"));
    store.set_with("src", "v", lease()).unwrap();
    store
        .set_with("dst", "v", SetOptions::new().ttl(secs(500)))
        .unwrap();
    store.rename("src", "dst").unwrap();
    assert_eq!(store.ttl("dst"), left);
    assert_eq!(store.copy("dst", "dst2"), Ok(true));
    assert_eq!(store.ttl("dst2"), left);
}

#[test]
fn getex_answers_as_servers_do() {
    let store = store();
    store
        .set_with("k", "v", SetOptions::new().ttl(secs(100)))
        .unwrap();
    let get = |expire| store.get_expire::<String>("k", expire).unwrap();
    assert_eq!(get(GetExpire::Unchanged).as_deref(), Some("v"));
    assert_eq!(store.ttl("k"), Ttl::Left(secs(100)));
    get(GetExpire::Never);
    assert_eq!(store.ttl("k"), Ttl::Forever);
    get(GetExpire::In(secs(10)));
    assert_eq!(store.ttl("k"), Ttl::Left(secs(10)));
    assert_eq!(
        get(GetExpire::At(UNIX_EPOCH + secs(1))).as_deref(),
        Some("v")
    );
    assert!(!store.exists("k"));
    assert_eq!(get(GetExpire::In(secs(10))), None);
}

#[test]
fn only_canonical_integers_are_counted() {
    let store = store();
    for refused in [
        " 10",
        "10 ",
        "+10",
        "010",
        "-0",
        "1.0",
        "",
        "9223372036854775808",
    ] {
        store.set("n", refused).unwrap();
        assert_eq!(store.incr("n", 1), Err(Error::NotAnInteger), "{refused:?}");
        assert_eq!(text(&store, "n").as_deref(), Some(refused));
    }
    store.set("n", i64::MAX).unwrap();
    assert_eq!(store.incr("n", 1), Err(Error::Overflow));
    assert_eq!(store.decr("n", -1), Err(Error::Overflow));
    store.set("n", i64::MIN).unwrap();
    assert_eq!(store.decr("n", 1), Err(Error::Overflow));
    assert_eq!(store.decr("n", i64::MIN), Err(Error::DecrementOverflow));
    assert_eq!(text(&store, "n"), Some(i64::MIN.to_string()));
}

#[test]
fn floats_are_added_as_decimals() {
    let store = store();
    let add = |by: &str| store.incr_by_float("f", by);
    assert_eq!(add("0.1").unwrap(), "0.1");
    assert_eq!(add("0.2").unwrap(), "0.3");
    assert_eq!(add("-0.3").unwrap(), "0");
    for (start, by, sum) in [
        ("10.50", "0.1", "10.6"),
        ("5.0e3", "2.0e2", "5200"),
        ("3", "1.0", "4"),
        ("1", "1e20", "100000000000000000001"),
        ("1e-10", "0", "0.0000000001"),
        ("0", "1e-20", "0"),
        ("+1", "+1", "2"),
        ("-1", "1", "0"),
        ("1.1", "-1.1", "0"),
    ] {
        store.set("f", start).unwrap();
        assert_eq!(add(by).as_deref(), Ok(sum), "{start} + {by}");
        assert_eq!(text(&store, "f").as_deref(), Some(sum));
    }
    store.set("f", 0).unwrap();
    assert_eq!(add("inf"), Err(Error::NotFinite));
    assert_eq!(add("nan"), Err(Error::NotAFloat));
    assert_eq!(add("1e5000"), Err(Error::NotAFloat));
    for refused in [" 1", "1 ", "", "abc"] {
        store.set("f", refused).unwrap();
        assert_eq!(add("1"), Err(Error::NotAFloat), "{refused:?}");
    }
}

#[test]
fn ranges_are_cut_as_servers_cut_them() {
    let store = store();
    store.set("s", "This is a string").unwrap();
    for (first, last, part) in [
        (0, 3, "This"),
        (-3, -1, "ing"),
        (0, -1, "This is a string"),
        (10, 100, "string"),
        (5, 3, ""),
        (-1, -3, ""),
        (-100, 3, "This"),
        (100, 200, ""),
        (-100, -90, "T"),
        (i64::MIN, i64::MAX, "This is a string"),
        (i64::MAX, i64::MIN, ""),
    ] {
        assert_eq!(
            store.get_range("s", Span::new(first, last)).unwrap(),
            part.as_bytes(),
            "{first} {last}"
        );
    }
    assert_eq!(store.get_range("nokey", ..).unwrap(), b"");
    assert_eq!(store.set_range("nokey", 0, ""), Ok(0));
    assert!(!store.exists("nokey"));
    assert_eq!(store.set_range("nokey", 5, "hi"), Ok(7));
    assert_eq!(text(&store, "nokey").as_deref(), Some("\0\0\0\0\0hi"));
    assert_eq!(store.set_range("s", 536_870_912, "x"), Err(Error::TooLarge));
    assert_eq!(store.set_range("s", usize::MAX, "x"), Err(Error::TooLarge));
    assert_eq!(store.set_range("s", 100, ""), Ok(16));
    assert_eq!(store.append("newkey", "abc"), Ok(3));
    assert_eq!(store.append("newkey", ""), Ok(3));
    assert_eq!(store.append("empty", ""), Ok(0));
    assert!(store.exists("empty"));
    store.set("n", 100).unwrap();
    assert_eq!(store.len_of("n"), Ok(3));
}

#[test]
fn expire_and_its_conditions_answer_as_servers_do() {
    let store = store();
    let expire = |s, condition| store.expire_if("k", secs(s), condition).unwrap();
    store.set("k", "v").unwrap();
    assert!(!expire(100, Condition::Later));
    assert!(expire(100, Condition::Earlier));
    assert!(!expire(200, Condition::HasNone));
    assert!(!expire(50, Condition::Later));
    assert!(expire(200, Condition::Later));
    assert_eq!(store.ttl("k"), Ttl::Left(secs(200)));
    assert!(!expire(300, Condition::Earlier));
    assert!(expire(100, Condition::HasOne));
    assert_eq!(store.expire("nokey", secs(100)), Ok(false));
    assert!(!expire(0, Condition::Later));
    assert!(store.exists("k"));
    assert_eq!(store.expire("k", Duration::ZERO), Ok(true));
    assert!(!store.exists("k"));
    store.set("p", "v").unwrap();
    assert_eq!(store.expire_time("p"), None);
    assert!(!store.persist("p") && !store.persist("nokey"));
    let far = UNIX_EPOCH + secs(33_177_117_420);
    assert_eq!(store.expire_at("p", far), Ok(true));
    assert_eq!(store.expire_time("p"), Some(far));
    assert!(store.persist("p"));
}

#[test]
fn keys_are_renamed_and_copied_as_servers_do() {
    let store = store();
    assert_eq!(store.random_key(), None);
    store.set_many([("a", 1), ("b", 2)]).unwrap();
    assert_eq!(store.exists_many(["a", "a", "b", "nokey"]), 3);
    assert_eq!(store.remove_many(["a", "a", "b", "nokey"]), 2);
    store.set("a", 1).unwrap();
    assert_eq!(store.rename("a", "a"), Ok(()));
    assert_eq!(store.rename_if_absent("a", "a"), Ok(false));
    assert_eq!(store.rename("nokey", "b"), Err(Error::NoSuchKey));
    assert_eq!(store.rename("nokey", "nokey"), Err(Error::NoSuchKey));
    assert_eq!(store.rename_if_absent("nokey", "b"), Err(Error::NoSuchKey));
    store.set("b", 2).unwrap();
    assert_eq!(store.rename_if_absent("a", "b"), Ok(false));
    assert_eq!(store.rename("a", "b"), Ok(()));
    assert_eq!(text(&store, "b").as_deref(), Some("1"));
    assert_eq!(store.copy("b", "b"), Err(Error::SameKey));
    assert_eq!(store.copy("nokey", "x"), Ok(false));
    store.set("t", 9).unwrap();
    assert_eq!(store.copy("b", "t"), Ok(false));
    assert_eq!(store.copy_over("b", "t"), Ok(true));
    assert_eq!(text(&store, "t").as_deref(), Some("1"));
}

#[test]
fn patterns_find_the_keys_that_servers_find() {
    let store = store();
    let keys = [
        "hello", "hallo", "hxllo", "hllo", "heello", "h[llo", "a*b", "a\\b", "",
    ];
    store.set_many(keys.map(|key| (key, 1))).unwrap();
    let find = |pattern: &str| -> Vec<String> {
        store
            .keys(pattern)
            .into_iter()
            .map(|key| String::from_utf8(key).unwrap())
            .collect()
    };
    assert_eq!(find("h?llo"), ["h[llo", "hallo", "hello", "hxllo"]);
    assert_eq!(find("h[^e]llo"), ["h[llo", "hallo", "hxllo"]);
    assert_eq!(find("h\\[llo"), ["h[llo"]);
    assert_eq!(find("a\\*b"), ["a*b"]);
    assert_eq!(find(""), [""]);
    assert_eq!(find("**").len(), 8);
    assert!(find("H?LLO").is_empty());
}
