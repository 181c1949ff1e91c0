//! The bound: never passed, exactly accounted, and a refused write changes nothing.

use std::time::Duration;

use proptest::prelude::*;

use super::assert_invariants;
use crate::store::{SetOptions, Store};
use crate::{Error, Eviction, ManualClock};

#[derive(Clone, Debug)]
enum Op {
    Set(u16, usize),
    SetMany(Vec<(u16, usize)>),
    Timed(u16, usize, u64),
    Append(u16, usize),
    Expire(u16, u64),
    Rename(u16, u16),
    Copy(u16, u16),
    Incr(u16),
    Remove(u16),
    Advance(u64),
}

fn ops() -> impl Strategy<Value = Op> {
    let key = || 0..400_u16;
    let len = || prop_oneof![8 => 0..200usize, 1 => 3_000..6_000usize];
    prop_oneof![
        6 => (key(), len()).prop_map(|(k, l)| Op::Set(k, l)),
        1 => prop::collection::vec((key(), len()), 1..8).prop_map(Op::SetMany),
        2 => (key(), len(), 0..300u64).prop_map(|(k, l, t)| Op::Timed(k, l, t + 1)),
        1 => (key(), len()).prop_map(|(k, l)| Op::Append(k, l)),
        1 => (key(), 0..300u64).prop_map(|(k, t)| Op::Expire(k, t)),
        1 => (key(), key()).prop_map(|(a, b)| Op::Rename(a, b)),
        1 => (key(), key()).prop_map(|(a, b)| Op::Copy(a, b)),
        1 => key().prop_map(Op::Incr),
        1 => key().prop_map(Op::Remove),
        1 => (0..50u64).prop_map(Op::Advance),
    ]
}

fn apply(store: &Store, time: &ManualClock, op: Op) {
    let key = |number: u16| format!("key {number}");
    match op {
        Op::Set(number, len) => store.set(key(number), vec![b'v'; len]).unwrap(),
        Op::SetMany(pairs) => {
            let pairs = pairs
                .into_iter()
                .map(|(number, len)| (key(number), vec![b'v'; len]));
            let done = store.set_many(pairs);
            assert!(done.is_ok() || done == Err(Error::TooLarge));
        }
        Op::Timed(number, len, ms) => {
            let options = SetOptions::new().ttl(Duration::from_millis(ms));
            assert!(
                store
                    .set_with(key(number), vec![b'v'; len], options)
                    .unwrap()
                    .is_set()
            );
        }
        Op::Append(number, len) => {
            let done = store.append(key(number), vec![b'v'; len]);
            assert!(done.is_ok() || done == Err(Error::TooLarge));
        }
        Op::Expire(number, ms) => drop(
            store
                .expire(key(number), Duration::from_millis(ms))
                .unwrap(),
        ),
        Op::Rename(from, to) => drop(store.rename(key(from), key(to))),
        Op::Copy(from, to) => drop(store.copy_over(key(from), key(to))),
        Op::Incr(number) => drop(store.incr(key(number), 1)),
        Op::Remove(number) => drop(store.remove(key(number))),
        Op::Advance(ms) => time.advance(Duration::from_millis(ms)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_bound_is_never_passed_and_every_byte_is_accounted_for(
        ops in prop::collection::vec(ops(), 1..400),
        entries in any::<bool>(),
        stripes in prop_oneof![Just(1usize), Just(4)],
    ) {
        let time = ManualClock::new();
        let builder = Store::builder().clock(time.clock()).stripes(stripes).seed(5);
        let builder = if entries { builder.max_entries(40) } else { builder.max_bytes(20_000) };
        let store = builder.build().unwrap();
        for op in ops {
            apply(&store, &time, op);
            assert_invariants(&store);
            prop_assert!(!entries || store.len() <= 40);
        }
    }
}

#[test]
fn a_value_larger_than_the_bound_is_refused_and_the_old_one_stays() {
    let store = Store::builder().max_bytes(10_000).build().unwrap();
    store.set("key", "old").unwrap();
    store.set("other", "stays").unwrap();
    assert_eq!(store.set("key", vec![0_u8; 20_000]), Err(Error::TooLarge));
    assert_eq!(
        store.append("key", vec![0_u8; 20_000]),
        Err(Error::TooLarge)
    );
    assert_eq!(
        store.set_many([("key", vec![0_u8; 6_000]), ("more", vec![0_u8; 6_000])]),
        Err(Error::TooLarge)
    );
    assert_eq!(
        store.rename("key", vec![b'k'; 20_000]),
        Err(Error::TooLarge)
    );
    assert_eq!(store.get::<String>("key").unwrap().as_deref(), Some("old"));
    assert_eq!(
        store.get::<String>("other").unwrap().as_deref(),
        Some("stays")
    );
    assert!(!store.exists("more"));
    assert_invariants(&store);
}

#[test]
fn a_heavy_entry_gets_room_from_every_stripe() {
    let store = Store::builder()
        .max_bytes(200_000)
        .stripes(16)
        .build()
        .unwrap();
    for number in 0..4_000 {
        store
            .set(format!("key {number}"), "a value of some bytes")
            .unwrap();
    }
    store.set("heavy", vec![1_u8; 150_000]).unwrap();
    assert_eq!(store.len_of("heavy"), Ok(150_000));
    assert_invariants(&store);
}

#[test]
fn keys_and_values_of_a_mebibyte_are_kept() {
    let store = Store::new();
    let (key, value) = (vec![7_u8; 1 << 20], vec![9_u8; 1 << 20]);
    store.set(&key, &value).unwrap();
    assert_eq!(store.get::<Vec<u8>>(&key).unwrap().as_ref(), Some(&value));
    store.set(&key, 41).unwrap();
    assert_eq!(store.incr(&key, 1), Ok(42));
    assert!(store.expire(&key, Duration::from_secs(9)).unwrap());
    assert!(store.ttl(&key).left().is_some());
    assert_eq!(store.keys("*"), std::slice::from_ref(&key));
    store.rename(&key, "short").unwrap();
    assert_eq!(store.get::<i64>("short").unwrap(), Some(42));
    assert_invariants(&store);
    assert!(store.remove("short"));
    assert!(store.is_empty());
}

#[test]
fn a_lower_bound_evicts_down_to_it() {
    let store = Store::builder().max_entries(1_000).build().unwrap();
    for number in 0..1_000 {
        store.set(format!("key {number}"), number).unwrap();
    }
    store.set_capacity(100).unwrap();
    assert_eq!(store.len(), 100);
    assert_invariants(&store);
    assert!(store.set_capacity(0).is_err());
    assert!(Store::new().set_capacity(5).is_err());
}

#[test]
fn pages_that_empty_serve_other_sizes() {
    let store = Store::builder().stripes(1).build().unwrap();
    for round in 0..12_usize {
        for number in 0..4_000 {
            store
                .set(
                    format!("{round}:{number}"),
                    vec![b'v'; 40 + 90 * (round % 6)],
                )
                .unwrap();
        }
        for number in 0..4_000 {
            // One in sixteen stays, so that no page is quite empty.
            if number % 16 != 0 {
                store.remove(format!("{round}:{number}"));
            }
        }
    }
    assert_invariants(&store);
    let live = 12 * 250 * (500 + 60);
    assert!(
        store.bytes() < 2 * live + 4_000 * 700,
        "{} bytes",
        store.bytes()
    );
}

#[test]
fn every_fault_of_a_builder_is_reported() {
    let error = Store::builder()
        .max_entries(0)
        .max_bytes(0)
        .stripes(usize::MAX)
        .build()
        .unwrap_err();
    assert_eq!(error.faults().len(), 4);
}

#[test]
fn under_lru_a_key_that_is_read_again_and_again_outlives_a_scan() {
    let builder = Store::builder().max_entries(100).eviction(Eviction::Lru);
    let store = builder.build().unwrap();
    store.set("read", 1).unwrap();
    for number in 0..1_000 {
        store.set(format!("scanned {number}"), number).unwrap();
        if number % 50 == 0 {
            assert!(store.get::<i64>("read").unwrap().is_some());
        }
    }
    assert_eq!(store.len(), 100);
    for number in 950..1_000 {
        assert!(store.exists(format!("scanned {number}")));
    }
    assert_invariants(&store);
}

/// Fuzzing found that a value which grew by more than there was room for was itself evicted as the heaviest, and its
/// tail stored alone.
#[test]
fn what_grows_evicts_others_and_never_itself() {
    for stripes in [1, 2, 16] {
        let builder = Store::builder().max_bytes(30_000).stripes(stripes);
        let store = builder.build().unwrap();
        for round in 0..50 {
            let key = format!("grows {round}");
            store.set(&key, vec![b'7'; 14_135]).unwrap();
            store
                .set(format!("other {round}"), vec![b'+'; 12_593])
                .unwrap();
            if store.exists(&key) {
                assert_eq!(store.append(&key, vec![b'+'; 14_135]), Ok(2 * 14_135));
            }
            assert!(store.stats().weight <= 30_000);
        }
        assert_invariants(&store);
    }
}
