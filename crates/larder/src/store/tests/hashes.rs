//! Hashes in a store: the replies that real servers gave, deadlines of fields, transactions.

use std::time::{Duration, SystemTime};

use super::assert_invariants;
use crate::store::{Condition, Draw, FieldExpiry, Store};
use crate::time::{ManualClock, Ttl};
use crate::{Cursor, Error, ScanOptions};

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
    assert_eq!(hash.incr("fl", 1), Err(Error::NotAnInteger));
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
        // A large hash is emptied 256 fields at a time, a step per tick of the wheel.
        for _ in 0..10 {
            time.advance(Duration::from_millis(10));
            store.tick();
        }
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
