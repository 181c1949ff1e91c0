//! Readers without a lock against writers of every kind.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::store::Store;

/// A value that says of itself whether it is whole: one byte, repeated as often as the byte says.
fn value_of(byte: u8) -> Vec<u8> {
    vec![byte; 1 + usize::from(byte)]
}

#[test]
fn a_value_is_never_torn() {
    let store = Store::builder().max_entries(64).stripes(2).build().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..60_000_u32 {
                let key = [b'k', (round % 97) as u8];
                let byte = (round.wrapping_mul(2_654_435_761) >> 24) as u8;
                store.set(key, value_of(byte)).unwrap();
                if round % 7 == 0 {
                    store.remove([b'k', (round % 89) as u8]);
                }
                if round % 1_013 == 0 {
                    store.set([b'k', 1], vec![9_u8; 6_000]).unwrap();
                }
            }
            done.store(true, Ordering::Release);
        });
        scope.spawn(|| {
            let mut buffer = Vec::new();
            while !done.load(Ordering::Acquire) {
                for key in 0..97_u8 {
                    if store.get_into([b'k', key], &mut buffer).unwrap() {
                        let byte = buffer[0];
                        assert!(buffer.iter().all(|other| *other == byte));
                        let whole = buffer.len() == 1 + usize::from(byte)
                            || (byte, buffer.len()) == (9, 6_000);
                        assert!(whole, "a torn value");
                    }
                }
            }
        });
    });
    super::assert_invariants(&store);
}

#[test]
fn what_is_set_together_is_never_half_seen() {
    let store = Store::builder().stripes(8).build().unwrap();
    let keys: Vec<String> = (0..9).map(|number| format!("key {number}")).collect();
    store.set_many(keys.iter().map(|key| (key, 0))).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..8_000_i64 {
                store.set_many(keys.iter().map(|key| (key, round))).unwrap();
            }
            done.store(true, Ordering::Release);
        });
        scope.spawn(|| {
            let mut last = 0;
            while !done.load(Ordering::Acquire) {
                let values = store.get_many::<i64>(&keys).unwrap();
                assert!(
                    values.iter().all(|value| *value == values[0]),
                    "half seen: {values:?}"
                );
                // One by one, values may become newer on the way, never older.
                for key in &keys {
                    let value = store.get::<i64>(key).unwrap().unwrap();
                    assert!(value >= last, "{value} after {last}");
                    last = value;
                }
            }
        });
    });
}

#[test]
fn a_key_that_is_renamed_is_always_somewhere() {
    let store = Store::builder().stripes(8).build().unwrap();
    let names = ["here", "there"];
    store.set("here", "value").unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..20_000 {
                store
                    .rename(names[round % 2], names[(round + 1) % 2])
                    .unwrap();
            }
            done.store(true, Ordering::Release);
        });
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                assert_eq!(store.exists_many(names), 1);
                assert_eq!(
                    store
                        .get_many::<String>(names)
                        .unwrap()
                        .iter()
                        .flatten()
                        .count(),
                    1
                );
            }
        });
    });
}

#[test]
fn counters_lose_nothing() {
    let store = Store::new();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for step in 0..20_000 {
                    store.incr(["a", "b"][step % 2], 1).unwrap();
                }
            });
        }
    });
    assert_eq!(
        store.get_many::<i64>(["a", "b"]).unwrap(),
        [Some(30_000), Some(30_000)]
    );
}

#[test]
fn what_is_taken_out_is_taken_once() {
    let store = Store::builder().stripes(2).build().unwrap();
    let taken = std::sync::atomic::AtomicI64::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    store.incr("due", 1).unwrap();
                    if let Some(due) = store.get_delete::<i64>("due").unwrap() {
                        taken.fetch_add(due, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let left = store.get::<i64>("due").unwrap().unwrap_or(0);
    assert_eq!(taken.into_inner() + left, 60_000);
}
