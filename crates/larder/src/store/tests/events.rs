//! Keyspace events: which, in which order, to whom.

use std::time::Duration;

use crate::{
    BitField, Event, EventKind, EventMask, GetExpire, KeyEvent, ManualClock, Message, SetOptions,
    Store, Subscription,
};
use std::sync::Arc;
use std::time::SystemTime;

/// The events that have come, as a server's client would write them.
fn told(events: &mut Subscription<Arc<KeyEvent>>) -> String {
    let mut all = Vec::new();
    while let Ok(Event::Message(event)) = events.try_recv() {
        let key = String::from_utf8_lossy(event.key()).into_owned();
        all.push(format!("{} {key}", event.kind()));
    }
    all.join(", ")
}

/// The messages that have come on a server's channels.
fn heard(messages: &mut Subscription<Message>) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut all = Vec::new();
    while let Ok(Event::Message(message)) = messages.try_recv() {
        all.push((text(message.channel()), text(message.payload())));
    }
    all
}

#[test]
fn strings_tell_what_a_server_tells() {
    let store = Store::new();
    let mut events = store.events(EventMask::ALL, "*");
    let hour = Duration::from_secs(3600);
    let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    macro_rules! tells {
        ($call:expr, $expected:literal) => {
            let _ = $call;
            assert_eq!(told(&mut events), $expected, stringify!($call));
        };
    }
    tells!(store.set("k", "v"), "set k");
    tells!(
        store.set_with("past", "v", SetOptions::new().expire_at(past)),
        "set past, expire past, expired past"
    );
    tells!(
        store.set_with("k", "v", SetOptions::new().ttl(hour)),
        "set k, expire k"
    );
    tells!(
        store.set_with("k", "v", SetOptions::new().keep_ttl()),
        "set k"
    );
    tells!(store.set_with("k", "v", SetOptions::new().if_absent()), "");
    tells!(store.get_delete::<String>("k"), "del k");
    tells!(store.get_delete::<String>("k"), "");
    tells!(
        store.set_many([("z", 1), ("y", 1), ("x", 1), ("a", 1)]),
        "set z, set y, set x, set a"
    );
    tells!(store.set_many_if_absent([("a", 1), ("c", 1)]), "");
    tells!(store.append("a", "x"), "append a");
    tells!(store.append("a", ""), "append a");
    tells!(
        store.set_many([("m", 1), ("a", 2), ("m", 3), ("b", 4), ("m", 5)]),
        "set m, set a, set m, set b, set m"
    );
    tells!(
        store
            .bits("f")
            .fields([BitField::unsigned(8).unwrap().incr(1)]),
        "setbit f"
    );
    tells!(
        store
            .bits("f")
            .fields([BitField::unsigned(8).unwrap().set(1)]),
        ""
    );
    tells!(
        store
            .bits("f")
            .fields([BitField::unsigned(8).unwrap().get()]),
        ""
    );
    tells!(store.set_range("a", 0, "y"), "setrange a");
    tells!(store.set_range("none", 0, ""), "");
    tells!(store.set("n", 1), "set n");
    tells!(store.incr("n", 1), "incrby n");
    tells!(store.decr("n", 5), "incrby n");
    tells!(store.incr_by_float("n", 1.5), "incrbyfloat n");
    tells!(store.incr("n", 1), "");
    tells!(
        store.get_expire::<f64>("n", GetExpire::In(hour)),
        "expire n"
    );
    tells!(store.get_expire::<f64>("n", GetExpire::Never), "persist n");
    tells!(store.get_expire::<f64>("n", GetExpire::Never), "");
    tells!(store.get_expire::<f64>("n", GetExpire::Unchanged), "");
    tells!(store.get_expire::<f64>("n", GetExpire::At(past)), "del n");
    tells!(store.expire("a", hour), "expire a");
    tells!(store.persist("a"), "persist a");
    tells!(store.persist("a"), "");
    tells!(store.expire("a", Duration::ZERO), "del a");
    tells!(store.expire("none", hour), "");
    tells!(store.set("a", 1), "set a");
    tells!(store.remove_many(["a", "none"]), "del a");
    tells!(store.remove("a"), "");
}

#[test]
fn renames_and_copies_tell_of_both_names() {
    let store = Store::new();
    store.set("a", 1).unwrap();
    let mut events = store.events(EventMask::ALL, "*");
    store.rename("a", "b").unwrap();
    assert_eq!(told(&mut events), "rename_from a, rename_to b");
    store.copy("b", "c").unwrap();
    assert_eq!(told(&mut events), "copy_to c");
    store.copy("b", "c").unwrap();
    store.rename_if_absent("b", "c").unwrap();
    assert_eq!(told(&mut events), "");
}

#[test]
fn what_expired_is_told_at_the_next_tick_and_apart_from_what_was_evicted() {
    let time = ManualClock::new();
    let builder = Store::builder().clock(time.clock()).max_entries(2);
    let store = builder.build().unwrap();
    let mut events = store.events(EventKind::Expired | EventKind::Evicted, "*");
    let second = Duration::from_secs(1);
    let short = SetOptions::new().ttl(second);
    store.set_with("short", 1, short).unwrap();
    assert_eq!(told(&mut events), "");
    time.advance(second);
    store.tick();
    assert_eq!(told(&mut events), "expired short");
    for key in ["a", "b", "c"] {
        store.set(key, 1).unwrap();
    }
    let evicted = told(&mut events);
    assert!(evicted.starts_with("evicted "), "{evicted}");
    assert_eq!(evicted.matches("ed ").count(), 1, "{evicted}");
}

#[test]
fn a_write_tells_first_that_the_key_had_expired() {
    let time = ManualClock::new();
    let store = Store::builder().clock(time.clock()).build().unwrap();
    let mut events = store.events(EventMask::ALL, "*");
    let second = Duration::from_secs(1);
    store.set("b", 1).unwrap();
    store.expire("b", second).unwrap();
    time.advance(second);
    store.set("b", 2).unwrap();
    assert_eq!(told(&mut events), "set b, expire b, expired b, set b");
}

#[test]
fn masks_and_patterns_choose() {
    let store = Store::new();
    let mut dels = store.events(EventKind::Del, "user:*");
    store.set("user:1", 1).unwrap();
    store.set("other", 1).unwrap();
    store.remove_many(["user:1", "other"]);
    assert_eq!(told(&mut dels), "del user:1");
}

#[test]
fn a_transaction_tells_at_its_end_and_nothing_if_taken_back() {
    let store = Store::new();
    let mut events = store.events(EventMask::ALL, "*");
    let _ = store.atomic(["a"], |tx| {
        tx.set("a", 1)?;
        Err::<(), _>(crate::Error::OutOfRange)
    });
    assert_eq!(told(&mut events), "");
    store
        .atomic(["a", "b"], |tx| {
            tx.set("a", 1)?;
            tx.incr("b", 1)
        })
        .unwrap();
    assert_eq!(told(&mut events), "set a, incrby b");
}

#[test]
fn a_servers_channels_are_heard_by_those_who_subscribe() {
    let store = Store::new();
    let mut by_event = store.subscribe(["__keyevent@0__:set"]);
    let mut by_key = store.psubscribe(["__keyspace@0__:user:*"]);
    store.set("user:1", 1).unwrap();
    store.incr("user:1", 1).unwrap();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(heard(&mut by_event), [pair("__keyevent@0__:set", "user:1")]);
    assert_eq!(
        heard(&mut by_key),
        [
            pair("__keyspace@0__:user:1", "set"),
            pair("__keyspace@0__:user:1", "incrby")
        ]
    );
    by_event.subscribe(["__keyevent@0__:del"]);
    store.remove("user:1");
    assert_eq!(heard(&mut by_event), [pair("__keyevent@0__:del", "user:1")]);
}

#[test]
fn nothing_is_wanted_when_nobody_listens() {
    let store = Store::new();
    assert_eq!(store.core.wanted(), EventMask::NONE);
    let news = store.subscribe(["news"]);
    assert_eq!(store.core.wanted(), EventMask::NONE);
    let on_bus = store.psubscribe(["__keyevent@0__:*"]);
    assert!(store.core.wanted().has(EventKind::Expired));
    drop((news, on_bus));
    assert_eq!(store.core.wanted(), EventMask::NONE);
    let typed = store.events(EventKind::Del, "*");
    assert_eq!(store.core.wanted(), EventKind::Del.into());
    drop(typed);
    store.set("a", 1).unwrap();
    store.remove("a");
    assert_eq!(store.core.wanted(), EventMask::NONE);
}

#[test]
fn a_closure_that_is_told_may_use_the_store() {
    let store = Store::new();
    let mut events = store.events(EventKind::Set, "a");
    store.set("a", 1).unwrap();
    let Ok(Event::Message(event)) = events.try_recv() else {
        panic!("an event");
    };
    store.set(event.key(), 2).unwrap();
    assert_eq!(told(&mut events), "set a");
}

#[test]
fn new_keys_and_clears_are_told_to_those_who_ask_for_them_by_name() {
    let store = Store::new();
    let mut all = store.events(EventMask::ALL, "*");
    let mut asked = store.events(EventKind::New | EventKind::Clear | EventKind::SAdd, "x*");
    store.set_of::<i64>("x").add(1).unwrap();
    store.set_of::<i64>("x").add(2).unwrap();
    store.clear();
    assert_eq!(told(&mut all), "sadd x, sadd x");
    assert_eq!(told(&mut asked), "new x, sadd x, sadd x, flushdb ");
}

#[test]
fn a_pop_that_waited_is_told_after_the_push_that_served_it() {
    let store = Store::new();
    let mut events = store.events(EventMask::ALL, "*");
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut pop = Box::pin(store.take::<String>(["l"], crate::End::Front));
    assert!(pop.as_mut().poll(&mut context).is_pending());
    let mut moving = Box::pin(store.take_min::<String>(["z"]));
    assert!(moving.as_mut().poll(&mut context).is_pending());
    store.list::<String>("l").push_back("a").unwrap();
    assert_eq!(told(&mut events), "rpush l, lpop l, del l");
    store.sorted_set::<String>("z").add("a", 1.0).unwrap();
    assert_eq!(told(&mut events), "zadd z, zpopmin z, del z");
    assert!(pop.as_mut().poll(&mut context).is_ready());
    drop(moving);
    assert_eq!(
        told(&mut events),
        "zadd z",
        "what was not fetched goes back"
    );
}

#[test]
fn fields_that_expire_are_told_by_the_upkeep_and_by_the_next_write() {
    let time = ManualClock::new();
    let store = Store::builder().clock(time.clock()).build().unwrap();
    let hash = store.hash::<String>("h");
    let second = Duration::from_secs(1);
    let mut events = store.events(EventMask::ALL, "*");
    hash.set_many([("a", "1"), ("b", "2")]).unwrap();
    hash.expire(["a"], second, None).unwrap();
    assert_eq!(told(&mut events), "hset h, hexpire h");
    time.advance(second);
    hash.set("b", "3").unwrap();
    assert_eq!(told(&mut events), "hexpired h, hset h");
    hash.expire(["b"], second, None).unwrap();
    hash.persist(["b"]).unwrap();
    hash.expire(["b"], second, None).unwrap();
    assert_eq!(told(&mut events), "hexpire h, hpersist h, hexpire h");
    time.advance(second);
    store.tick();
    assert_eq!(told(&mut events), "hexpired h, del h");
    hash.set_many([("a", "1"), ("b", "2")]).unwrap();
    hash.expire(["a", "b"], Duration::ZERO, None).unwrap();
    assert_eq!(told(&mut events), "hset h, hdel h, del h");
}

#[test]
fn a_transaction_tells_of_elements_in_their_order() {
    let store = Store::new();
    let mut events = store.events(EventMask::ALL, "*");
    store
        .atomic(["l", "x"], |tx| {
            tx.list::<i64>("l").push_front_many([1, 2])?;
            tx.list::<i64>("l").pop_many(crate::End::Back, 5)?;
            tx.set_of::<i64>("x").add(1)
        })
        .unwrap();
    assert_eq!(told(&mut events), "lpush l, rpop l, del l, sadd x");
    let undone = store.atomic(["l"], |tx| {
        tx.list::<i64>("l").push_front_many([1, 2])?;
        Err::<(), _>(crate::Error::OutOfRange)
    });
    assert!(undone.is_err());
    assert_eq!(told(&mut events), "");
}

#[test]
fn values_outside_their_records_tell_as_packed_ones_do() {
    let store = Store::new();
    let set = store.set_of::<i64>("x");
    set.add_many(0..10_000).unwrap();
    let mut events = store.events(EventMask::ALL, "*");
    set.add(1).unwrap();
    set.add(10_000).unwrap();
    assert_eq!(told(&mut events), "sadd x");
    set.remove_many(0..20_000).unwrap();
    assert_eq!(told(&mut events), "srem x, del x");
}

#[test]
fn stores_that_share_a_bus_are_told_apart_by_their_numbers() {
    let bus = crate::Bus::new();
    let mut early = bus.psubscribe(["__keyevent@*__:set"]);
    let stores = [0, 1].map(|number| {
        let builder = Store::builder().bus(&bus).database(number);
        builder.build().unwrap()
    });
    let mut late = bus.subscribe(["__keyspace@1__:a"]);
    let mut typed = stores[1].events(EventMask::ALL, "*");
    stores.iter().for_each(|store| store.set("a", 1).unwrap());
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(
        heard(&mut early),
        [
            pair("__keyevent@0__:set", "a"),
            pair("__keyevent@1__:set", "a")
        ]
    );
    assert_eq!(heard(&mut late), [pair("__keyspace@1__:a", "set")]);
    let Ok(Event::Message(event)) = typed.try_recv() else {
        panic!("an event");
    };
    assert_eq!(event.database(), 1);
}

#[test]
fn a_key_that_is_named_twice_is_new_once() {
    let store = Store::new();
    let mut events = store.events(EventMask::ALL | EventKind::New, "*");
    store
        .set_many([("m", 1), ("a", 2), ("m", 3), ("m", 4)])
        .unwrap();
    assert_eq!(
        told(&mut events),
        "new m, set m, new a, set a, set m, set m"
    );
}

#[test]
fn a_store_that_is_renumbered_tells_under_its_new_number_to_who_listens_there() {
    let store = Store::builder().database(3).build().unwrap();
    let mut old = store.subscribe(["__keyevent@3__:set"]);
    let mut new = store.subscribe(["__keyspace@4__:k"]);
    let mut events = store.events(EventKind::Set, "*");
    store.set("k", 1).unwrap();
    store.renumber(4);
    store.set("k", 2).unwrap();
    assert_eq!(heard(&mut old).len(), 1);
    assert_eq!(heard(&mut new), [("__keyspace@4__:k".into(), "set".into())]);
    let numbers = std::iter::from_fn(|| events.try_recv().ok()?.message());
    assert!(numbers.map(|event| event.database()).eq([3, 4]));
}
