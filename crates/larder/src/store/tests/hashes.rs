//! Hashes in a store: the replies that real servers gave, deadlines of fields, transactions.

use std::time::{Duration, SystemTime};

use super::assert_invariants;
use crate::store::{Condition, Draw, FieldExpiry, Store};
use crate::time::{ManualClock, Ttl};
use crate::{Cursor, Error, GetExpire, ScanOptions, SetOptions};

fn timed() -> (ManualClock, Store) {
    let time = ManualClock::new();
    let store = Store::builder().clock(time.clock()).build();
    (time, store.expect("the settings are valid"))
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn fields_answer_as_servers_do() {
    let store = Store::new();
    let hash = store.hash::<String>("h");
    assert_eq!(hash.set_many([("a", 1), ("b", 2)]), Ok(2));
    assert_eq!(hash.set_many([("a", 9), ("c", 3)]), Ok(1));
    assert_eq!(hash.set_if_absent("a", 0), Ok(false));
    assert_eq!(hash.set_if_absent("d", 4), Ok(true));
    assert_eq!(hash.get("nope"), Ok(None));
    let some = hash.get_many(["a", "nope", "b"]).unwrap();
    assert_eq!(some, [Some("9".into()), None, Some("2".into())]);
    let mut fields = hash.fields::<String>().unwrap();
    fields.sort();
    assert_eq!(fields, ["a", "b", "c", "d"]);
    assert_eq!(hash.remove_many(["a", "a", "nope"]), Ok(1));
    assert_eq!(hash.remove_many(["b", "c", "d"]), Ok(3));
    assert!(!store.exists("h"));
    assert_eq!((hash.incr("n", 5), hash.incr("n", -7)), (Ok(5), Ok(-2)));
    assert_eq!(hash.incr_by_float("fl", "10.5").as_deref(), Ok("10.5"));
    assert_eq!(hash.incr("fl", 1), Err(Error::FieldNotAnInteger));
    assert_eq!(
        hash.random_many::<String>(Draw::Distinct(10))
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        hash.random_many::<String>(Draw::Repeated(10))
            .unwrap()
            .len(),
        10
    );
    assert_eq!(
        hash.take_many(["n", "nope"]),
        Ok(vec![Some("-2".into()), None])
    );
    assert_invariants(&store);
}

#[test]
fn another_type_is_refused_and_untouched() {
    let store = Store::new();
    store.set("s", "x").unwrap();
    let hash = store.hash::<String>("s");
    assert_eq!(hash.get("a"), Err(Error::WrongType));
    assert_eq!(hash.set("a", 1), Err(Error::WrongType));
    assert_eq!(hash.ttl(["a"]), Err(Error::WrongType));
    assert_eq!(hash.expire(["a"], seconds(9), None), Err(Error::WrongType));
    assert_eq!(store.get::<String>("s").unwrap().as_deref(), Some("x"));
}

#[test]
fn deadlines_of_fields_answer_as_servers_do() {
    use FieldExpiry::{Absent, Refused, Removed, Set};
    let (_, store) = timed();
    let hash = store.hash::<String>("h");
    hash.set_many([("a", 1), ("b", 2), ("c", 3)]).unwrap();
    assert_eq!(
        hash.expire(["a", "nope"], seconds(100), None),
        Ok(vec![Set, Absent])
    );
    let ttl = |left| Ttl::Left(seconds(left));
    assert_eq!(
        hash.ttl(["a", "b", "nope"]),
        Ok(vec![ttl(100), Ttl::Forever, Ttl::Absent])
    );
    assert_eq!(
        hash.expire(["a"], seconds(50), Condition::HasNone),
        Ok(vec![Refused])
    );
    assert_eq!(
        hash.expire(["a", "b"], seconds(50), Condition::HasOne),
        Ok(vec![Set, Refused])
    );
    assert_eq!(
        hash.expire(["a", "b"], seconds(40), Condition::Later),
        Ok(vec![Refused; 2])
    );
    assert_eq!(
        hash.expire(["a", "c"], seconds(40), Condition::Earlier),
        Ok(vec![Set; 2])
    );
    assert_eq!(
        hash.ttl(["a", "b", "c"]),
        Ok(vec![ttl(40), Ttl::Forever, ttl(40)])
    );
    assert_eq!(hash.expire(["b"], Duration::ZERO, None), Ok(vec![Removed]));
    assert_eq!(hash.contains("b"), Ok(false));
    assert_eq!(
        hash.expire_at(["c"], SystemTime::UNIX_EPOCH, None),
        Ok(vec![Removed])
    );
    hash.set("a", 9).unwrap();
    assert_eq!(hash.ttl(["a"]), Ok(vec![Ttl::Forever]));
    hash.expire(["a"], seconds(100), None).unwrap();
    assert_eq!(hash.incr("a", 1), Ok(10));
    assert_eq!(hash.ttl(["a"]), Ok(vec![ttl(100)]));
    assert_eq!(hash.persist(["a", "nope"]), Ok(vec![true, false]));
    assert_eq!(hash.persist(["a"]), Ok(vec![false]));
}

#[test]
fn what_is_no_number_is_told_from_a_bad_increment() {
    let store = Store::new();
    let hash = store.hash::<String>("h");
    hash.set("a", "x").unwrap();
    let text = |error: Result<String, Error>| error.unwrap_err().redis_text();
    let refused = text(hash.incr("a", 1).map(|sum| sum.to_string()));
    assert_eq!(refused, "ERR hash value is not an integer");
    let refused = text(hash.incr_by_float("a", 1));
    assert_eq!(refused, "ERR hash value is not a float");
    let refused = text(hash.incr_by_float("a", "one"));
    assert_eq!(refused, "ERR value is not a valid float");
    assert_eq!(hash.incr_by_float("new", "one"), Err(Error::NotAFloat));
    assert_eq!(hash.entries::<String>(), Ok(vec![("a".into(), "x".into())]));
}

#[test]
fn fields_set_and_read_with_deadlines_answer_as_servers_do() {
    let (_, store) = timed();
    let hash = store.hash::<String>("h");
    let set = |pairs: &[(&str, u8)], options: SetOptions<'_>| {
        hash.set_many_with(pairs.iter().copied(), options)
    };
    let (ttl, ex) = (
        |left| Ttl::Left(seconds(left)),
        |count| SetOptions::new().ttl(seconds(count)),
    );
    assert_eq!(set(&[("a", 1), ("b", 2)], ex(100)), Ok(true));
    assert_eq!(hash.ttl(["a", "b"]), Ok(vec![ttl(100); 2]));
    assert_eq!(
        set(&[("a", 5), ("z", 6)], SetOptions::new().if_absent()),
        Ok(false)
    );
    assert_eq!(
        set(&[("a", 5), ("z", 6)], SetOptions::new().if_present()),
        Ok(false)
    );
    assert_eq!(set(&[("a", 5), ("b", 6)], ex(50).if_present()), Ok(true));
    assert_eq!(
        hash.ttl(["a", "b", "z"]),
        Ok(vec![ttl(50), ttl(50), Ttl::Absent])
    );
    assert_eq!(set(&[("a", 7)], SetOptions::new().keep_ttl()), Ok(true));
    assert_eq!(hash.ttl(["a"]), Ok(vec![ttl(50)]));
    assert_eq!(set(&[("a", 7)], SetOptions::new()), Ok(true));
    assert_eq!(hash.ttl(["a"]), Ok(vec![Ttl::Forever]));
    assert_eq!(set(&[("a", 7)], ex(0)), Ok(true));
    assert_eq!(
        set(
            &[("a", 7)],
            SetOptions::new().expire_at(SystemTime::UNIX_EPOCH)
        ),
        Ok(true)
    );
    assert_eq!(hash.entries::<String>(), Ok(vec![("b".into(), "6".into())]));
    assert_eq!(
        set(&[("a", 7)], SetOptions::new().return_old()),
        Err(Error::Syntax)
    );
    assert_eq!(set(&[("a", 7)], ex(9).keep_ttl()), Err(Error::Syntax));
    let none = store.hash::<String>("none");
    assert_eq!(
        none.set_many_with([("a", 1)], SetOptions::new().if_present()),
        Ok(false)
    );
    assert_eq!(none.set_many_with([("a", 1)], ex(0)), Ok(true));
    assert!(!store.exists("none"));

    let six = || Some("6".to_owned());
    let get = |expire| hash.get_expire(["b"], expire);
    let ten = GetExpire::In(seconds(10));
    assert_eq!(hash.get_expire(["b", "nope"], ten), Ok(vec![six(), None]));
    assert_eq!(hash.ttl(["b", "nope"]), Ok(vec![ttl(10), Ttl::Absent]));
    assert_eq!(get(GetExpire::Unchanged), Ok(vec![six()]));
    assert_eq!(hash.ttl(["b"]), Ok(vec![ttl(10)]));
    assert_eq!(get(GetExpire::Never), Ok(vec![six()]));
    assert_eq!(hash.ttl(["b"]), Ok(vec![Ttl::Forever]));
    assert_eq!(get(GetExpire::In(Duration::ZERO)), Ok(vec![six()]));
    assert_eq!(get(ten), Ok(vec![None]));
    assert!(!store.exists("h"));
    store.set("s", "x").unwrap();
    assert_eq!(
        store.hash::<String>("s").get_expire(["b"], ten),
        Err(Error::WrongType)
    );
    assert_invariants(&store);
}

#[test]
fn deadlines_set_with_the_fields_are_kept_by_the_wheel() {
    for fields in [3, 1000_u32] {
        let (time, store) = timed();
        let hash = store.hash::<u32>("h");
        let pairs = || (0..fields).map(|n| (n.to_string(), n));
        let options = SetOptions::new().ttl(seconds(10));
        assert_eq!(hash.set_many_with(pairs(), options), Ok(true));
        time.advance(seconds(11));
        store.tick();
        assert_eq!(store.len(), 0);
        assert_invariants(&store);
    }
}

#[test]
fn one_tick_reaps_all_that_is_due_in_many_large_hashes() {
    let (time, store) = timed();
    let keys = || (0..20).map(|key| format!("h{key}"));
    for key in keys() {
        let hash = store.hash::<u32>(key);
        hash.set_many((0..600).map(|n: u32| (n.to_string(), n)))
            .unwrap();
        hash.expire((0..600).map(|n: u32| n.to_string()), seconds(10), None)
            .unwrap();
    }
    time.advance(seconds(11));
    store.tick();
    assert_eq!(store.len(), 0);
    assert_invariants(&store);
}

#[test]
fn due_fields_are_absent_at_once_and_reaped_by_the_tick() {
    for fields in [3, 2000_u32] {
        let (time, store) = timed();
        let hash = store.hash::<u32>("h");
        hash.set_many((0..fields).map(|n| (n.to_string(), n)))
            .unwrap();
        hash.expire((1..fields).map(|n| n.to_string()), seconds(10), None)
            .unwrap();
        time.advance(seconds(11));
        assert_eq!(
            (hash.len(), hash.get("1"), hash.get("0")),
            (Ok(1), Ok(None), Ok(Some(0)))
        );
        let before = store.bytes();
        store.tick();
        assert!(fields < 100 || store.bytes() < before);
        assert_eq!(hash.entries::<String>(), Ok(vec![("0".into(), 0)]));
        hash.expire(["0"], seconds(10), None).unwrap();
        time.advance(seconds(11));
        store.tick();
        assert!(!store.exists("h"));
        assert_eq!(store.len(), 0);
        assert_invariants(&store);
    }
}

#[test]
fn a_scan_shows_all_fields_of_a_large_hash() {
    let store = Store::new();
    let hash = store.hash::<u32>("h");
    hash.set_many((0..3000).map(|n| (format!("field {n}"), n)))
        .unwrap();
    let (mut seen, mut next) = (Vec::new(), Some(Cursor::START));
    while let Some(cursor) = next {
        let (page, then) = hash
            .scan_page::<String>(cursor, &ScanOptions::new())
            .unwrap();
        seen.extend(page.into_iter().map(|(_, n)| n));
        next = then;
    }
    seen.sort();
    assert_eq!(seen, (0..3000).collect::<Vec<_>>());
    assert_invariants(&store);
}

#[test]
fn a_transaction_takes_changes_of_hashes_back() {
    for fields in [3, 2000_u32] {
        let store = Store::new();
        let hash = store.hash::<u32>("h");
        hash.set_many((0..fields).map(|n| (n.to_string(), n)))
            .unwrap();
        let refused: Result<(), Error> = store.atomic(["h"], |tx| {
            let inside = tx.hash::<u32>("h");
            inside.set("1", 99)?;
            inside.remove_many((0..fields).map(|n| n.to_string()))?;
            inside.set("new", 1)?;
            Err(Error::NoSuchKey)
        });
        assert!(refused.is_err());
        assert_eq!(
            (hash.len(), hash.get("1")),
            (Ok(fields as usize), Ok(Some(1)))
        );
        assert_invariants(&store);
    }
}

#[test]
fn a_value_of_the_same_length_is_written_over_the_old_one_and_nothing_else_changes() {
    let store = Store::builder().max_bytes(1 << 20).build().unwrap();
    let hash = store.hash::<String>("hash");
    let fields: Vec<String> = (0..40).map(|number| format!("field {number:02}")).collect();
    let value = |round: usize, field: &str| format!("value {:06}", round * 41 + field.len());
    for field in &fields {
        hash.set(field, value(0, field)).unwrap();
    }
    let weight = store.stats().weight;
    let watched = store.watch_keys(["hash"]);
    for round in 1..5 {
        for field in &fields {
            assert_eq!(hash.set(field, value(round, field)), Ok(false));
            assert_eq!(hash.get(field), Ok(Some(value(round, field))));
        }
        assert_eq!(hash.incr("counter", 1).map(|_| ()), Ok(()));
    }
    assert!(!watched.are_unchanged());
    let counted = hash.remove("counter");
    assert_eq!(counted, Ok(true));
    assert_eq!(store.stats().weight, weight);
    let mut entries = hash.entries::<String>().unwrap();
    entries.sort();
    let expected: Vec<_> = fields
        .iter()
        .map(|field| (field.clone(), value(4, field)))
        .collect();
    assert_eq!(entries, expected);
    super::assert_invariants(&store);
}
