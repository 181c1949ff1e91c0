//! Every call on a key that holds another type is refused, alone and in a transaction, and changes nothing; so is a call on
//! five keys of which only the third is wrong.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use larder::{
    BitOp, Combine, Cursor, Draw, End, Error, GetExpire, KeyType, Matches, MoveOptions,
    PositionOptions, ScanOptions, Select, SetOptions, SortOptions, Store, Tx,
};

/// A call on one key, on the store and in a transaction.
struct Call {
    name: &'static str,
    alone: fn(&Store, &str) -> Result<(), Error>,
    within: fn(&Tx<'_>, &str) -> Result<(), Error>,
}

macro_rules! calls {
    ($store:ident, $key:ident; $($name:literal $call:expr,)*) => {
        vec![$(Call {
            name: $name,
            alone: |$store, $key| $call.map(drop),
            within: |$store, $key| $call.map(drop),
        }),*]
    };
}

fn on_strings() -> Vec<Call> {
    calls![store, key;
        "GET" store.get::<String>(key),
        "GETDEL" store.get_delete::<String>(key),
        "GETEX" store.get_expire::<String>(key, GetExpire::Never),
        "INCRBY" store.incr(key, 1),
        "DECRBY" store.decr(key, 1),
        "INCRBYFLOAT" store.incr_by_float(key, 0.5),
        "APPEND" store.append(key, "more"),
        "STRLEN" store.len_of(key),
        "GETRANGE" store.get_range(key, 0..=1),
        "SETRANGE" store.set_range(key, 1, "x"),
        "GETBIT" store.bits(key).get(0),
        "SETBIT" store.bits(key).set(7),
        "SETBIT 0" store.bits(key).clear(7),
        "BITCOUNT" store.bits(key).count(..),
        "BITPOS" store.bits(key).first_set(..),
        "PFADD" store.hyperloglog(key).add("x"),
        "PFCOUNT" store.hyperloglog(key).count(),
    ]
}

fn on_lists() -> Vec<Call> {
    calls![store, key;
        "LPUSH" store.list::<String>(key).push_front("x"),
        "RPUSH" store.list::<String>(key).push_back_many(["x", "y"]),
        "RPUSHX" store.list::<String>(key).push_existing(End::Back, ["x"]),
        "LPOP" store.list::<String>(key).pop_front(),
        "RPOP" store.list::<String>(key).pop_back(),
        "LPOP COUNT" store.list::<String>(key).pop_many(End::Front, 2),
        "LLEN" store.list::<String>(key).len(),
        "LINDEX" store.list::<String>(key).get(0),
        "LRANGE" store.list::<String>(key).range(..),
        "LSET" store.list::<String>(key).set(0, "x"),
        "LINSERT BEFORE" store.list::<String>(key).insert_before("1", "x"),
        "LINSERT AFTER" store.list::<String>(key).insert_after("1", "x"),
        "LREM" store.list::<String>(key).remove("1", Matches::All),
        "LTRIM" store.list::<String>(key).trim(1..),
        "LPOS" store.list::<String>(key).position("1"),
        "LPOS COUNT" store.list::<String>(key).positions("1", PositionOptions::new()),
        "LMOVE from" store.list::<String>(key).move_to(End::Front, "to", End::Back),
        "LMOVE to" store.list::<String>("a list").move_to(End::Front, key, End::Back),
        "LMOVEM to" store.list::<String>("a list").move_many_to(End::Front, key, End::Back, MoveOptions::up_to(2)),
    ]
}

fn on_hashes() -> Vec<Call> {
    calls![store, key;
        "HSET" store.hash::<String>(key).set("f", "x"),
        "HMSET" store.hash::<String>(key).set_many([("f", "x"), ("g", "y")]),
        "HSETNX" store.hash::<String>(key).set_if_absent("f", "x"),
        "HSETEX" store.hash::<String>(key).set_many_with([("f", "x")], SetOptions::new()),
        "HGET" store.hash::<String>(key).get("f"),
        "HMGET" store.hash::<String>(key).get_many(["f", "g"]),
        "HGETALL" store.hash::<String>(key).entries::<String>(),
        "HKEYS" store.hash::<String>(key).fields::<String>(),
        "HVALS" store.hash::<String>(key).values(),
        "HLEN" store.hash::<String>(key).len(),
        "HSTRLEN" store.hash::<String>(key).len_of("f"),
        "HEXISTS" store.hash::<String>(key).contains("f"),
        "HDEL" store.hash::<String>(key).remove_many(["f"]),
        "HGETDEL" store.hash::<String>(key).take_many(["f"]),
        "HINCRBY" store.hash::<String>(key).incr("f", 1),
        "HINCRBYFLOAT" store.hash::<String>(key).incr_by_float("f", 0.5),
        "HRANDFIELD" store.hash::<String>(key).random_many::<String>(Draw::Distinct(2)),
        "HSCAN" store.hash::<String>(key).scan_page::<String>(Cursor::START, &ScanOptions::new()),
        "HEXPIRE" store.hash::<String>(key).expire(["f"], Duration::from_secs(9), None),
        "HEXPIREAT" store.hash::<String>(key).expire_at(["f"], SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000), None),
        "HPERSIST" store.hash::<String>(key).persist(["f"]),
        "HTTL" store.hash::<String>(key).ttl(["f"]),
        "HEXPIRETIME" store.hash::<String>(key).expire_times(["f"]),
        "HGETEX" store.hash::<String>(key).get_expire(["f"], GetExpire::Never),
    ]
}

fn on_sets() -> Vec<Call> {
    calls![store, key;
        "SADD" store.set_of::<String>(key).add_many(["x", "y"]),
        "SREM" store.set_of::<String>(key).remove_many(["1"]),
        "SPOP" store.set_of::<String>(key).pop(),
        "SPOP COUNT" store.set_of::<String>(key).pop_many(2),
        "SMOVE from" store.set_of::<String>(key).move_to("to", "1"),
        "SMOVE to" store.set_of::<String>("a set").move_to(key, "1"),
        "SCARD" store.set_of::<String>(key).len(),
        "SISMEMBER" store.set_of::<String>(key).contains("1"),
        "SMISMEMBER" store.set_of::<String>(key).contains_many(["1"]),
        "SMEMBERS" store.set_of::<String>(key).members(),
        "SRANDMEMBER" store.set_of::<String>(key).random(),
        "SRANDMEMBER COUNT" store.set_of::<String>(key).random_many(Draw::Repeated(3)),
        "SSCAN" store.set_of::<String>(key).scan_page(Cursor::START, &ScanOptions::new()),
    ]
}

fn on_sorted_sets() -> Vec<Call> {
    calls![store, key;
        "ZADD" store.sorted_set::<String>(key).add("x", 1.0),
        "ZADD many" store.sorted_set::<String>(key).add_many([("x", 1.0), ("y", 2.0)]),
        "ZINCRBY" store.sorted_set::<String>(key).incr("x", 1.0),
        "ZREM" store.sorted_set::<String>(key).remove("1"),
        "ZREMRANGEBYRANK" store.sorted_set::<String>(key).remove_range(..),
        "ZREMRANGEBYSCORE" store.sorted_set::<String>(key).remove_range(Select::scores(..)),
        "ZSCORE" store.sorted_set::<String>(key).score("1"),
        "ZMSCORE" store.sorted_set::<String>(key).scores(["1"]),
        "ZCARD" store.sorted_set::<String>(key).len(),
        "ZRANK" store.sorted_set::<String>(key).rank("1"),
        "ZREVRANK" store.sorted_set::<String>(key).rev_rank_with_score("1"),
        "ZRANGE" store.sorted_set::<String>(key).range(..),
        "ZREVRANGE" store.sorted_set::<String>(key).rev_range_with_scores(..),
        "ZCOUNT" store.sorted_set::<String>(key).count(Select::scores(0.0..1.0)),
        "ZLEXCOUNT" store.sorted_set::<String>(key).count(Select::members("a".."b")),
        "ZPOPMIN" store.sorted_set::<String>(key).pop_min(),
        "ZPOPMAX COUNT" store.sorted_set::<String>(key).pop_max_many(2),
        "ZRANDMEMBER" store.sorted_set::<String>(key).random(),
        "ZSCAN" store.sorted_set::<String>(key).scan_page(Cursor::START, &ScanOptions::new()),
        "ZRANGESTORE" store.sorted_set::<String>("to").store_range_of(key, ..),
    ]
}

/// Two keys of each type, one of three elements and one of a thousand, and what calls take or write beside them.
fn filled() -> (Store, Vec<(String, KeyType)>) {
    let (store, mut keys) = (Store::new(), Vec::new());
    for elements in [3, 1000] {
        let name = |kind: &str| format!("{kind} of {elements}");
        let texts: Vec<String> = (0..elements).map(|number| number.to_string()).collect();
        let pairs = || texts.iter().map(|text| (text, text));
        let scored = || texts.iter().map(|text| (text, 1.0));
        store
            .set(name("string"), texts.concat())
            .expect("a call of the right type succeeds");
        store
            .list::<String>(name("list"))
            .push_back_many(&texts)
            .expect("a call of the right type succeeds");
        store
            .hash::<String>(name("hash"))
            .set_many(pairs())
            .expect("a call of the right type succeeds");
        store
            .set_of::<String>(name("set"))
            .add_many(&texts)
            .expect("a call of the right type succeeds");
        store
            .sorted_set::<String>(name("zset"))
            .add_many(scored())
            .expect("a call of the right type succeeds");
        let kinds = [
            ("string", KeyType::String),
            ("list", KeyType::List),
            ("hash", KeyType::Hash),
            ("set", KeyType::Set),
            ("zset", KeyType::SortedSet),
        ];
        keys.extend(kinds.map(|(kind, key_type)| (name(kind), key_type)));
    }
    store
        .list::<i64>("a list")
        .push_back_many([1, 2, 3])
        .expect("a call of the right type succeeds");
    store
        .set_of::<i64>("a set")
        .add_many([1, 2, 3])
        .expect("a call of the right type succeeds");
    store
        .list::<i64>("to")
        .push_back(7)
        .expect("a call of the right type succeeds");
    store
        .expire("string of 3", Duration::from_secs(1000))
        .expect("a call of the right type succeeds");
    (store, keys)
}

/// Every key's value, as it is dumped, and deadline.
type State = BTreeMap<Vec<u8>, (Option<Vec<u8>>, Option<SystemTime>)>;

/// What a store holds: by key, its value as a dump and its deadline.
fn state(store: &Store) -> State {
    let keys = store.keys("*");
    let held = |key: &Vec<u8>| {
        (
            store.dump(key).expect("a call of the right type succeeds"),
            store.expire_time(key),
        )
    };
    keys.into_iter()
        .map(|key| {
            let held = held(&key);
            (key, held)
        })
        .collect()
}

#[test]
fn every_call_on_a_key_of_another_type_is_refused_and_changes_nothing() {
    let (store, keys) = filled();
    let before = state(&store);
    let watched = store.watch_keys(before.keys());
    let tables = [
        (KeyType::String, on_strings()),
        (KeyType::List, on_lists()),
        (KeyType::Hash, on_hashes()),
        (KeyType::Set, on_sets()),
        (KeyType::SortedSet, on_sorted_sets()),
    ];
    for (wanted, calls) in &tables {
        for call in calls {
            for (key, _) in keys.iter().filter(|(_, key_type)| key_type != wanted) {
                let name = call.name;
                assert_eq!(
                    (call.alone)(&store, key),
                    Err(Error::WrongType),
                    "{name} on {key}"
                );
                let all = [key.as_str(), "a list", "a set", "to"];
                let within = store.atomic(all, |tx| {
                    tx.incr("a list", 1).unwrap_err();
                    (call.within)(tx, key)
                });
                assert_eq!(
                    within,
                    Err(Error::WrongType),
                    "{name} on {key} in a transaction"
                );
            }
        }
    }
    assert!(watched.are_unchanged());
    assert_eq!(state(&store), before);
}

/// A call that names five keys, and the type of the four that are right.
type OnFive = (
    &'static str,
    KeyType,
    fn(&Store, &[&str; 5]) -> Result<(), Error>,
);

/// Calls that look at all of their keys.
fn on_five() -> Vec<OnFive> {
    vec![
        ("SINTER", KeyType::Set, |s, k| {
            s.intersection::<String>(k).map(drop)
        }),
        ("SUNION", KeyType::Set, |s, k| {
            s.union::<String>(k).map(drop)
        }),
        ("SDIFF", KeyType::Set, |s, k| {
            s.difference::<String>(k).map(drop)
        }),
        ("SINTERCARD", KeyType::Set, |s, k| {
            s.intersection_len(k, Some(1)).map(drop)
        }),
        ("SUNIONCARD", KeyType::Set, |s, k| {
            s.union_len(k, None).map(drop)
        }),
        ("SDIFFCARD", KeyType::Set, |s, k| {
            s.difference_len(k, None).map(drop)
        }),
        ("SINTERSTORE", KeyType::Set, |s, k| {
            s.store_intersection("to", k).map(drop)
        }),
        ("SUNIONSTORE", KeyType::Set, |s, k| {
            s.store_union("to", k).map(drop)
        }),
        ("SDIFFSTORE", KeyType::Set, |s, k| {
            s.store_difference("to", k).map(drop)
        }),
        ("ZUNION", KeyType::SortedSet, |s, k| {
            s.combine::<String>(&Combine::union(k)).map(drop)
        }),
        ("ZINTER", KeyType::SortedSet, |s, k| {
            s.combine::<String>(&Combine::intersection(k)).map(drop)
        }),
        ("ZDIFF", KeyType::SortedSet, |s, k| {
            s.combine::<String>(&Combine::difference(k)).map(drop)
        }),
        ("ZINTERCARD", KeyType::SortedSet, |s, k| {
            s.combine_len(&Combine::intersection(k), 1).map(drop)
        }),
        ("ZUNIONSTORE", KeyType::SortedSet, |s, k| {
            s.sorted_set::<String>("to")
                .store_combined(&Combine::union(k))
                .map(drop)
        }),
        ("ZINTERSTORE", KeyType::SortedSet, |s, k| {
            s.sorted_set::<String>("to")
                .store_combined(&Combine::intersection(k))
                .map(drop)
        }),
        ("BITOP", KeyType::String, |s, k| {
            s.combine_bits(BitOp::Or, "to", k).map(drop)
        }),
    ]
}

#[test]
fn a_call_on_five_keys_of_which_the_third_is_wrong_is_refused_and_changes_nothing() {
    let (store, keys) = filled();
    for (name, wanted, call) in on_five() {
        let right = keys.iter().filter(|(_, key_type)| *key_type == wanted);
        let right: Vec<&str> = right.map(|(key, _)| key.as_str()).collect();
        for (wrong, _) in keys.iter().filter(|(_, key_type)| *key_type != wanted) {
            // A sorted set is made from plain sets as well.
            if wanted == KeyType::SortedSet && wrong.starts_with("set") {
                continue;
            }
            let before = state(&store);
            let five = [right[0], right[1], wrong, right[0], right[1]];
            assert_eq!(
                call(&store, &five),
                Err(Error::WrongType),
                "{name} with {wrong}"
            );
            assert_eq!(state(&store), before, "{name} with {wrong}");
        }
    }
}

#[test]
fn a_pop_of_five_keys_is_refused_at_the_third_where_those_before_it_are_absent() {
    let (store, _) = filled();
    let before = state(&store);
    let now = Duration::ZERO;
    for wrong in ["string of 3", "hash of 1000", "set of 3"] {
        let five = ["none", "absent", wrong, "list of 3", "zset of 3"];
        let refused = [
            (
                "LMPOP",
                store.pop_any::<String>(five, End::Front, 1).map(drop),
            ),
            ("ZMPOP", store.pop_min_any::<String>(five, 1).map(drop)),
            ("ZMPOP MAX", store.pop_max_any::<String>(five, 1).map(drop)),
            (
                "BLPOP",
                store
                    .take_blocking::<String>(five, End::Front, now)
                    .map(drop),
            ),
            (
                "BLMPOP",
                store
                    .take_many_blocking::<String>(five, End::Back, 2, now)
                    .map(drop),
            ),
            (
                "BZPOPMIN",
                store.take_min_blocking::<String>(five, now).map(drop),
            ),
            (
                "BZMPOP",
                store
                    .take_max_many_blocking::<String>(five, 2, now)
                    .map(drop),
            ),
        ];
        for (name, result) in refused {
            assert_eq!(result, Err(Error::WrongType), "{name} with {wrong}");
        }
    }
    assert_eq!(state(&store), before);
}

#[test]
fn a_waiting_move_from_or_to_another_type_is_refused_and_changes_nothing() {
    let (store, _) = filled();
    let before = state(&store);
    let (front, back, now) = (End::Front, End::Back, Duration::ZERO);
    for (from, to) in [("hash of 3", "to"), ("list of 3", "set of 1000")] {
        let moved = store.take_to_blocking::<String>(from, front, to, back, now);
        assert_eq!(moved, Err(Error::WrongType), "{from} to {to}");
    }
    assert_eq!(state(&store), before);
}

#[test]
fn sorting_what_is_no_collection_is_refused_and_leaves_the_destination() {
    let (store, _) = filled();
    let before = state(&store);
    for wrong in ["string of 3", "hash of 1000"] {
        let sorted = store.sort::<String>(wrong, SortOptions::new());
        assert_eq!(sorted, Err(Error::WrongType));
        let stored = store.sort_into(wrong, SortOptions::new(), "to");
        assert_eq!(stored, Err(Error::WrongType));
    }
    assert_eq!(state(&store), before);
}
