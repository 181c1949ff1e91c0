//! Arguments that make no sense, or are at the edge of what can be said: Redis' error where it has one, a clear one
//! otherwise, and the store as it was.

use std::ops::Bound;

use larder::{
    AddRule, Aggregate, Combine, Draw, End, Error, Matches, PositionOptions, Select, Span, Store,
};
use larder_redis::Client;

const NAN: f64 = f64::NAN;
const INFINITY: f64 = f64::INFINITY;

/// A store with one key of each type, and a watch over all of them.
fn filled() -> (Store, larder::WatchedKeys) {
    let store = Store::new();
    store.set("string", "text").expect("a valid call succeeds");
    store
        .set("counter", i64::MAX)
        .expect("a valid call succeeds");
    store
        .list::<i64>("list")
        .push_back_many([1, 2, 3])
        .expect("a valid call succeeds");
    store
        .hash::<i64>("hash")
        .set("f", i64::MIN)
        .expect("a valid call succeeds");
    store
        .set_of::<i64>("set")
        .add_many([1, 2, 3])
        .expect("a valid call succeeds");
    let scored = [("a", 1.0), ("b", INFINITY), ("c", -INFINITY)];
    store
        .sorted_set::<String>("zset")
        .add_many(scored)
        .expect("a valid call succeeds");
    let watched = store.watch_keys(["string", "counter", "list", "hash", "set", "zset", "to"]);
    (store, watched)
}

#[test]
fn a_score_that_is_not_a_number_is_refused_wherever_one_is_given() {
    let (store, watched) = filled();
    let set = store.sorted_set::<String>("zset");
    assert_eq!(set.add("x", NAN), Err(Error::NotAFloat));
    assert_eq!(
        set.add("x", NAN).unwrap_err().redis_text(),
        "ERR value is not a valid float"
    );
    assert_eq!(
        set.add_many([("x", 1.0), ("y", NAN)]),
        Err(Error::NotAFloat)
    );
    assert_eq!(
        set.add_with(AddRule::IfAbsent, [("x", NAN)]),
        Err(Error::NotAFloat)
    );
    assert_eq!(set.incr("a", NAN), Err(Error::NotAFloat));
    assert_eq!(
        set.count(Select::scores(NAN..)),
        Err(Error::BoundNotANumber)
    );
    assert_eq!(
        set.range(Select::scores(..=NAN)),
        Err(Error::BoundNotANumber)
    );
    assert_eq!(
        set.remove_range(Select::scores((Bound::Excluded(NAN), Bound::Unbounded))),
        Err(Error::BoundNotANumber)
    );
    let weighted = Combine::union(["zset", "set"]).weights([1.0, NAN]);
    assert_eq!(
        store.combine::<String>(&weighted),
        Err(Error::WeightNotANumber)
    );
    assert_eq!(
        store.sorted_set::<String>("to").store_combined(&weighted),
        Err(Error::WeightNotANumber)
    );
    assert!(watched.are_unchanged());
}

#[test]
fn opposite_infinities_make_no_score() {
    let (store, watched) = filled();
    let set = store.sorted_set::<String>("zset");
    let refused = set.incr("b", -INFINITY);
    assert_eq!(refused, Err(Error::ScoreNotANumber));
    assert_eq!(
        refused.unwrap_err().redis_text(),
        "ERR resulting score is not a number (NaN)"
    );
    assert_eq!(set.incr("c", INFINITY), Err(Error::ScoreNotANumber));
    assert!(watched.are_unchanged());
    // Where sets are combined, a server says zero.
    store
        .sorted_set::<String>("other")
        .add("b", -INFINITY)
        .expect("a valid call succeeds");
    let sum = Combine::intersection(["zset", "other"]).aggregate(Aggregate::Sum);
    assert_eq!(store.combine(&sum), Ok(vec![("b".to_owned(), 0.0)]));
}

#[test]
fn infinities_are_scores_at_both_ends_and_a_negative_zero_is_a_zero() {
    let (store, _) = filled();
    let set = store.sorted_set::<String>("zset");
    set.add("zero", -0.0).expect("a valid call succeeds");
    assert_eq!(
        set.score("zero")
            .expect("a valid call succeeds")
            .map(f64::to_bits),
        Some(0.0_f64.to_bits())
    );
    assert_eq!(
        set.range(..).expect("a valid call succeeds"),
        ["c", "zero", "a", "b"]
    );
    assert_eq!(
        set.range(Select::scores(-INFINITY..=INFINITY))
            .expect("a valid call succeeds")
            .len(),
        4
    );
    assert_eq!(
        set.range(Select::scores((
            Bound::Excluded(-INFINITY),
            Bound::Excluded(INFINITY)
        )))
        .expect("a valid call succeeds"),
        ["zero", "a"]
    );
    assert_eq!(
        set.count(Select::scores(0.0..=-0.0)),
        Ok(1),
        "both zeros are one bound"
    );
    assert_eq!(set.add("zero", 0.0), Ok(false));
    assert_eq!(set.incr("zero", -0.0).map(f64::to_bits), Ok(0));
    // A range that ends before it begins is empty.
    assert_eq!(set.range(Select::scores(INFINITY..=-INFINITY)), Ok(vec![]));
    assert_eq!(set.remove_range(Select::scores(5.0..1.0)), Ok(0));
}

#[test]
fn counters_that_would_overflow_keep_their_value() {
    let (store, watched) = filled();
    let refused = store.incr("counter", 1);
    assert_eq!(refused, Err(Error::Overflow));
    assert_eq!(
        refused.unwrap_err().redis_text(),
        "ERR increment or decrement would overflow"
    );
    assert_eq!(
        store.decr("counter", i64::MIN),
        Err(Error::DecrementOverflow)
    );
    assert_eq!(
        store.hash::<i64>("hash").incr("f", -1),
        Err(Error::Overflow)
    );
    assert_eq!(
        store.hash::<i64>("hash").incr("f", i64::MIN),
        Err(Error::Overflow)
    );
    assert_eq!(store.incr("string", 1), Err(Error::NotAnInteger));
    assert_eq!(store.incr_by_float("string", 1.0), Err(Error::NotAFloat));
    assert_eq!(
        store.incr_by_float("counter", INFINITY),
        Err(Error::NotFinite)
    );
    assert_eq!(store.incr_by_float("counter", NAN), Err(Error::NotAFloat));
    assert_eq!(
        store.hash::<i64>("hash").incr_by_float("f", INFINITY),
        Err(Error::NotFinite)
    );
    assert!(watched.are_unchanged());
    assert_eq!(store.hash::<i64>("hash").get("f"), Ok(Some(i64::MIN)));
}

#[test]
fn indexes_beyond_both_ends_find_nothing_and_write_nothing() {
    let (store, watched) = filled();
    let list = store.list::<i64>("list");
    for index in [3, 4, -4, i64::MAX, i64::MIN] {
        assert_eq!(list.get(index), Ok(None), "{index}");
        let refused = list.set(index, 9);
        assert_eq!(refused, Err(Error::IndexOutOfRange), "{index}");
        assert_eq!(refused.unwrap_err().redis_text(), "ERR index out of range");
    }
    assert_eq!(store.list::<i64>("none").set(0, 9), Err(Error::NoSuchKey));
    assert_eq!(list.range(Span::new(i64::MIN, i64::MAX)), Ok(vec![1, 2, 3]));
    assert_eq!(list.range(Span::new(i64::MAX, i64::MIN)), Ok(vec![]));
    assert_eq!(list.range(Span::new(5, 9)), Ok(vec![]));
    let set = store.sorted_set::<String>("zset");
    assert_eq!(
        set.range(Span::new(i64::MIN, i64::MAX))
            .expect("a valid call succeeds")
            .len(),
        3
    );
    assert_eq!(set.rev_range(Span::new(i64::MAX, i64::MIN)), Ok(vec![]));
    assert_eq!(set.remove_range(Span::new(3, i64::MAX)), Ok(0));
    assert_eq!(
        set.range(Select::scores(..).skip(usize::MAX).take(usize::MAX)),
        Ok(vec![])
    );
    assert_eq!(
        store
            .get_range("string", Span::new(i64::MIN, i64::MIN))
            .expect("a valid call succeeds"),
        b"t"
    );
    let beyond = PositionOptions::new()
        .skip(usize::MAX)
        .most(usize::MAX)
        .within(usize::MAX);
    assert_eq!(list.positions(1, beyond), Ok(vec![]));
    assert_eq!(list.remove(1, Matches::First(0)), Ok(0));
    list.trim(Span::new(i64::MIN, i64::MAX))
        .expect("a valid call succeeds");
    assert!(watched.are_unchanged());
    list.trim(Span::new(i64::MAX, i64::MIN))
        .expect("a valid call succeeds");
    assert!(!store.exists("list"), "nothing was to be kept");
}

#[test]
fn counts_larger_than_any_value_take_what_there_is() {
    let (store, watched) = filled();
    assert_eq!(
        store
            .set_of::<i64>("set")
            .random_many(Draw::Distinct(usize::MAX))
            .expect("a valid call succeeds")
            .len(),
        3
    );
    assert_eq!(
        store
            .set_of::<i64>("none")
            .random_many(Draw::Repeated(usize::MAX)),
        Ok(vec![])
    );
    assert_eq!(
        store.intersection_len(["set", "set"], Some(usize::MAX)),
        Ok(3)
    );
    assert_eq!(
        store
            .sorted_set::<String>("zset")
            .random_many(usize::MAX)
            .expect("a valid call succeeds")
            .len(),
        3
    );
    assert_eq!(
        store.list::<i64>("list").pop_many(End::Front, 0),
        Ok(vec![])
    );
    assert_eq!(store.set_of::<i64>("set").pop_many(0), Ok(vec![]));
    assert_eq!(
        store.sorted_set::<String>("zset").pop_min_many(0),
        Ok(vec![])
    );
    assert!(watched.are_unchanged());
    assert_eq!(
        store.list::<i64>("list").pop_many(End::Back, usize::MAX),
        Ok(vec![3, 2, 1])
    );
    assert_eq!(
        store
            .set_of::<i64>("set")
            .pop_many(usize::MAX)
            .expect("a valid call succeeds")
            .len(),
        3
    );
    assert_eq!(
        store
            .sorted_set::<String>("zset")
            .pop_max_many(usize::MAX)
            .expect("a valid call succeeds")
            .len(),
        3
    );
    assert_eq!(store.exists_many(["list", "set", "zset"]), 0);
}

/// The error of a command, as a client of the bridge is told it.
fn refusal(words: &[&str]) -> String {
    let client = Client::open("larder://").expect("the URL is right");
    let mut con = client.get_connection().expect("it is in the process");
    for fill in [
        &["RPUSH", "list", "1", "2", "1"][..],
        &["SADD", "set", "1", "2"],
        &["HSET", "hash", "f", "1"],
        &["ZADD", "zset", "1", "a"],
        &["SET", "counter", "1"],
    ] {
        send(fill)
            .query::<redis::Value>(&mut con)
            .expect("it is right");
    }
    match send(words).query::<redis::Value>(&mut con) {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.to_string(),
    }
}

fn send(words: &[&str]) -> redis::Cmd {
    let mut command = redis::cmd(words[0]);
    for word in &words[1..] {
        command.arg(word);
    }
    command
}

#[test]
fn the_least_integer_as_a_count_is_refused_or_counts_from_the_end_as_with_a_server() {
    let min = i64::MIN.to_string();
    let min = min.as_str();
    let refused = [
        &["SRANDMEMBER", "set", min][..],
        &["ZRANDMEMBER", "zset", min],
        &["HRANDFIELD", "hash", min],
        &["HRANDFIELD", "hash", min, "WITHVALUES"],
        &["SPOP", "set", min],
        &["LPOP", "list", min],
        &["ZPOPMIN", "zset", min],
        &["LPOS", "list", "1", "RANK", min],
        &["LPOS", "list", "1", "COUNT", min],
        &["LMPOP", "1", "list", "LEFT", "COUNT", min],
        &["ZMPOP", "1", "zset", "MIN", "COUNT", min],
        &["SINTERCARD", "1", "set", "LIMIT", min],
        &["DECRBY", "counter", min],
    ];
    for words in refused {
        let told = refusal(words);
        let fits = [
            "out of range",
            "must be positive",
            "can't be",
            "should be",
            "would overflow",
        ];
        assert!(
            fits.iter().any(|text| told.contains(text)),
            "{words:?}: {told}"
        );
    }
    assert_eq!(
        refusal(&["LREM", "list", min, "1"]),
        "int(2)",
        "from the end, as many as there are"
    );
    assert_eq!(refusal(&["LINDEX", "list", min]), "nil");
    assert_eq!(
        refusal(&["ZRANGE", "zset", min, "-1"]),
        refusal(&["ZRANGE", "zset", "0", "-1"])
    );
}

#[test]
fn empty_members_fields_elements_and_keys_are_as_good_as_others() {
    let store = Store::new();
    assert_eq!(store.list::<String>("").push_back(""), Ok(1));
    assert_eq!(store.list::<String>("").position(""), Ok(Some(0)));
    assert_eq!(
        store.list::<String>("").pop_front(),
        Ok(Some(String::new()))
    );
    assert!(!store.exists(""));
    for large in [false, true] {
        let others: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
        let others = if large { &others[..] } else { &others[..2] };
        let (hash, set) = (store.hash::<String>("hash"), store.set_of::<String>("set"));
        let zset = store.sorted_set::<String>("zset");
        hash.set_many(others.iter().map(|name| (name, name)))
            .expect("a valid call succeeds");
        set.add_many(others).expect("a valid call succeeds");
        zset.add_many(others.iter().map(|name| (name, 1.0)))
            .expect("a valid call succeeds");
        assert_eq!(hash.set("", ""), Ok(true));
        assert_eq!(
            (hash.get(""), hash.len_of("")),
            (Ok(Some(String::new())), Ok(0))
        );
        assert_eq!(hash.remove(""), Ok(true));
        assert_eq!((set.add(""), set.add("")), (Ok(true), Ok(false)));
        assert_eq!((set.contains(""), set.remove("")), (Ok(true), Ok(true)));
        assert_eq!((zset.add("", 1.0), zset.rank("")), (Ok(true), Ok(Some(0))));
        assert_eq!(
            zset.range(Select::members(""..="")),
            Ok(vec![String::new()])
        );
        assert_eq!(zset.remove(""), Ok(true));
    }
}

#[test]
fn a_call_on_no_keys_or_elements_changes_nothing() {
    let (store, watched) = filled();
    let none: [&str; 0] = [];
    assert_eq!(store.set_of::<i64>("set").add_many(none), Ok(0));
    assert_eq!(store.set_of::<i64>("to").add_many(none), Ok(0));
    assert_eq!(store.hash::<i64>("to").set_many([("", 0); 0]), Ok(0));
    assert_eq!(
        store.sorted_set::<i64>("to").add_many([("", 0.0); 0]),
        Ok(0)
    );
    assert_eq!(store.list::<i64>("list").push_back_many(none), Ok(3));
    assert_eq!(store.list::<i64>("to").push_back_many(none), Ok(0));
    assert_eq!(store.union::<i64>(none), Ok(vec![]));
    assert_eq!(store.remove_many(none), 0);
    assert!(watched.are_unchanged());
}

/// The large set of a union: ten million where the code is optimized (`cargo test --release`, and `peers-values union`
/// measures it), fewer where it is not.
const MANY: u32 = if cfg!(debug_assertions) {
    200_000
} else {
    10_000_000
};

#[test]
fn a_union_of_millions_of_members_is_made_or_refused_as_a_whole() {
    let store = Store::builder()
        .max_bytes(1 << 40)
        .build()
        .expect("a valid call succeeds");
    let (many, few) = (store.set_of::<u32>("many"), store.set_of::<u32>("few"));
    for start in (0..MANY).step_by(100_000) {
        many.add_many(start..start + 100_000)
            .expect("a valid call succeeds");
    }
    few.add_many(MANY - 5..MANY + 5)
        .expect("a valid call succeeds");
    assert_eq!(
        store.union_len(["many", "few"], None),
        Ok(MANY as usize + 5)
    );
    assert_eq!(
        store.store_union("to", ["many", "few"]),
        Ok(MANY as usize + 5)
    );
    let to = store.set_of::<u32>("to");
    assert_eq!(
        to.contains_many([0, MANY + 4, MANY + 5]),
        Ok(vec![true, true, false])
    );
    // In a store that holds little more than the two, a third does not fit, and nothing is evicted for it.
    store.remove("to");
    let watched = store.watch_keys(["many", "few", "to"]);
    let held = store.bytes();
    store
        .set_capacity(held + held / 10)
        .expect("a valid call succeeds");
    assert_eq!(
        store.store_union("to", ["many", "few"]),
        Err(Error::TooLarge)
    );
    assert!(watched.are_unchanged());
}

#[test]
fn a_list_that_would_outgrow_the_bound_in_one_push_stays_as_it_was_and_evicts_nobody() {
    let store = Store::builder()
        .max_bytes(1 << 20)
        .build()
        .expect("a valid call succeeds");
    store
        .set("bystander", "here")
        .expect("a valid call succeeds");
    for list in ["small", "large"] {
        let list = store.list::<Vec<u8>>(list);
        list.push_back_many((0..3).map(|_| vec![1; 100]))
            .expect("a valid call succeeds");
    }
    store
        .list::<Vec<u8>>("large")
        .push_back_many((0..300).map(|_| vec![1; 100]))
        .expect("a valid call succeeds");
    let watched = store.watch_keys(["bystander", "small", "large", "none"]);
    for key in ["small", "large", "none"] {
        let list = store.list::<Vec<u8>>(key);
        let many = (0..20_000).map(|_| vec![2; 100]);
        assert_eq!(
            list.push_back_many(many),
            Err(Error::TooLarge),
            "{key}: elements"
        );
        assert_eq!(
            list.push_front(vec![3; 2 << 20]),
            Err(Error::TooLarge),
            "{key}: one element"
        );
    }
    let hash = store.hash::<Vec<u8>>("none");
    assert_eq!(hash.set("f", vec![3; 2 << 20]), Err(Error::TooLarge));
    let refused = store.set_of::<Vec<u8>>("none").add(vec![3; 2 << 20]);
    assert_eq!(refused, Err(Error::TooLarge));
    let refused = store
        .sorted_set::<Vec<u8>>("none")
        .add(vec![3; 2 << 20], 1.0);
    assert_eq!(refused, Err(Error::TooLarge));
    assert_eq!(
        refused.unwrap_err().redis_text(),
        "OOM command not allowed when used memory > 'maxmemory'."
    );
    assert!(watched.are_unchanged());
    assert_eq!(store.list::<Vec<u8>>("large").len(), Ok(303));
}
