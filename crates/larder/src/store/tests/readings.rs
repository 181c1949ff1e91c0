//! How often a call reads the clock: never where no deadline depends on it, and once where many do.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use crate::time::readings;
use crate::{Clock, GetExpire, ManualClock, ScanOptions, SetOptions, Store};

type Call = (&'static str, fn(&Store));

const HOUR: Duration = Duration::from_secs(3_600);
/// Until then, from 1970 on.
const FAR: Duration = Duration::from_secs(33_177_117_420);

/// Whatever a call returns.
fn done<T>(_: T) {}

/// Calls that ask for no deadline of their own.
const PLAIN: [Call; 32] = [
    ("get", |store| done(store.get::<i64>("key"))),
    ("get_into", |store| {
        done(store.get_into("key", &mut Vec::new()))
    }),
    ("get_with", |store| done(store.get_with("key", |_| ()))),
    ("get_many", |store| {
        done(store.get_many::<i64>(["key", "other"]))
    }),
    ("get_range", |store| done(store.get_range("key", 0..=1))),
    ("len_of", |store| done(store.len_of("key"))),
    ("set", |store| store.set("key", 2).unwrap()),
    ("set_with", |store| {
        store
            .set_with("key", "3", SetOptions::new().if_present().return_old())
            .unwrap();
    }),
    ("keep_ttl", |store| {
        store
            .set_with("key", 4, SetOptions::new().keep_ttl())
            .unwrap();
    }),
    ("set_many", |store| {
        store.set_many([("key", 5), ("other", 6)]).unwrap()
    }),
    ("incr", |store| done(store.incr("key", 1))),
    ("append", |store| done(store.append("key", "7"))),
    ("exists", |store| done(store.exists("key"))),
    ("exists_many", |store| {
        done(store.exists_many(["key", "other"]))
    }),
    ("key_type", |store| done(store.key_type("key"))),
    ("expire_time", |store| done(store.expire_time("key"))),
    ("touch", |store| done(store.touch("key"))),
    ("inspect", |store| done(store.inspect("key"))),
    ("random_key", |store| done(store.random_key())),
    ("hottest", |store| done(store.hottest(1))),
    ("scan", |store| {
        done(store.scan_page(Default::default(), &ScanOptions::new()))
    }),
    ("copy", |store| done(store.copy("key", "copy"))),
    ("rename", |store| done(store.rename("key", "other"))),
    ("dump", |store| done(store.dump("key"))),
    ("persist", |store| done(store.persist("key"))),
    ("get_delete", |store| done(store.get_delete::<i64>("key"))),
    ("remove", |store| done(store.remove("key"))),
    ("remove_many", |store| {
        done(store.remove_many(["key", "other"]))
    }),
    ("list", |store| done(store.list::<i64>("list").push_back(1))),
    ("set of", |store| done(store.set_of::<i64>("set").add(1))),
    ("sorted set", |store| {
        done(store.sorted_set::<i64>("sorted").add(1, 1.0))
    }),
    ("union", |store| {
        done(store.store_union("sum", ["set", "other set"]))
    }),
];

/// Calls that set or tell a deadline.
const TIMED: [Call; 9] = [
    ("set for a time", |store| {
        store
            .set_with("key", 2, SetOptions::new().ttl(HOUR))
            .unwrap();
    }),
    ("set until", |store| {
        let until = SystemTime::UNIX_EPOCH + FAR;
        store
            .set_with("key", 2, SetOptions::new().expire_at(until))
            .unwrap();
    }),
    ("ttl", |store| done(store.ttl("key"))),
    ("expire", |store| done(store.expire("key", HOUR))),
    ("expire_at", |store| {
        done(store.expire_at("key", SystemTime::UNIX_EPOCH + FAR))
    }),
    ("expire now", |store| {
        done(store.expire("key", Duration::ZERO))
    }),
    ("expire in the past", |store| {
        done(store.expire_at("key", SystemTime::UNIX_EPOCH))
    }),
    ("get_expire", |store| {
        done(store.get_expire::<i64>("key", GetExpire::In(HOUR)))
    }),
    ("restore", |store| {
        let options = SetOptions::new().ttl(HOUR);
        store.restore("key", &DUMP, options).unwrap();
    }),
];

static DUMP: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let store = Store::new();
    store.set("key", 1).unwrap();
    store.dump("key").unwrap().unwrap()
});

/// Calls on a hash.
const HASH: [Call; 9] = [
    ("set", |store| done(store.hash::<i64>("hash").set("a", 2))),
    ("get", |store| done(store.hash::<i64>("hash").get("a"))),
    ("incr", |store| done(store.hash::<i64>("hash").incr("a", 2))),
    ("entries", |store| {
        done(store.hash::<i64>("hash").entries::<String>())
    }),
    ("ttl", |store| done(store.hash::<i64>("hash").ttl(["a"]))),
    ("expire", |store| {
        done(store.hash::<i64>("hash").expire(["a", "b"], HOUR, None))
    }),
    ("get_expire", |store| {
        let hash = store.hash::<i64>("hash");
        done(hash.get_expire(["a", "b"], GetExpire::In(HOUR)));
    }),
    ("set_many_with", |store| {
        let hash = store.hash::<i64>("hash");
        hash.set_many_with([("a", 1), ("c", 2)], SetOptions::new().ttl(HOUR))
            .unwrap();
    }),
    ("remove", |store| {
        done(store.hash::<i64>("hash").remove_many(["a"]))
    }),
];

/// How often a call reads the clock of a store that was prepared so.
fn count(put: fn(&Store), call: Call) -> usize {
    let clocks = [Clock::system(), ManualClock::new().clock()];
    let counts = clocks.map(|clock| {
        // One stripe: a walk over all of them is a call for each.
        let store = Store::builder().stripes(1).clock(clock).build().unwrap();
        put(&store);
        readings::during(|| call.1(&store)).0
    });
    counts.into_iter().max().unwrap_or(0)
}

fn put(store: &Store) {
    LazyLock::force(&DUMP);
    store.set_many([("key", 1), ("other", 2)]).unwrap();
    store.list::<i64>("list").push_back(1).unwrap();
    store.set_of::<i64>("set").add(1).unwrap();
    store.sorted_set::<i64>("sorted").add(1, 1.0).unwrap();
    store
        .hash::<i64>("hash")
        .set_many([("a", 1), ("b", 2)])
        .unwrap();
}

fn put_timed(store: &Store) {
    put(store);
    for key in ["key", "other", "list", "set", "sorted", "hash"] {
        assert!(store.expire(key, HOUR).unwrap());
    }
}

#[test]
fn no_clock_is_read_where_there_are_no_deadlines() {
    for call in PLAIN.into_iter().chain(HASH.into_iter().take(5)) {
        // The time to live of a field is told with the clock at hand.
        if call.0 != "ttl" {
            assert_eq!(count(put, call), 0, "{}", call.0);
        }
    }
}

#[test]
fn one_reading_is_enough_for_every_call() {
    for (name, put) in [("plain", put as fn(&Store)), ("timed", put_timed)] {
        for call in PLAIN.into_iter().chain(TIMED) {
            let read = count(put, call);
            assert!(read <= 1, "{}, {name}: {read}", call.0);
        }
    }
}

#[test]
fn a_hash_with_deadlines_of_its_own_and_of_its_fields_is_judged_by_one_reading() {
    fn put_fields(store: &Store) {
        put_timed(store);
        done(store.hash::<i64>("hash").expire(["b"], HOUR, None));
    }
    for put in [put as fn(&Store), put_timed, put_fields] {
        for call in HASH {
            let read = count(put, call);
            assert!(read <= 1, "{}: {read}", call.0);
        }
    }
}

#[test]
fn a_transaction_has_one_time_and_its_calls_read_the_clock_for_new_deadlines_only() {
    let store = Store::new();
    put_timed(&store);
    let (read, done) = readings::during(|| {
        store.atomic(["key", "other", "hash"], |tx| {
            tx.incr("key", 1)?;
            tx.set("other", 1)?;
            tx.hash::<i64>("hash").set("a", 2)?;
            tx.expire("key", HOUR)
        })
    });
    assert_eq!((read, done), (2, Ok(true)));
}
