//! Large values that are removed: who frees them, and when.

use std::thread;

use crate::store::Store;
use crate::{ManualClock, Upkeep};

/// More than a remover frees by itself.
const MANY: u64 = 50_000;

#[test]
fn what_is_large_is_freed_by_upkeep_that_nobody_had_to_wake() {
    let store = Store::new();
    let set = store.set_of::<u64>("set");
    set.add_many(0..100).unwrap();
    assert!(!store.core.graves.has_vigil());
    set.add_many(0..MANY).unwrap();
    assert!(store.core.graves.has_vigil());
    store.remove("set");
    while !store.core.graves.is_empty() || store.core.graves.has_vigil() {
        thread::yield_now();
    }
    set.add_many(0..MANY).unwrap();
    assert!(store.core.graves.has_vigil(), "and begins anew");
}

#[test]
fn where_there_is_no_thread_whoever_removes_a_value_frees_it() {
    let manual = Store::builder().upkeep(Upkeep::Manual).build().unwrap();
    let still = Store::builder()
        .clock(ManualClock::new().clock())
        .build()
        .unwrap();
    for store in [manual, still] {
        store.set_of::<u64>("set").add_many(0..MANY).unwrap();
        store.remove("set");
        assert!(store.core.graves.is_empty() && !store.core.graves.has_vigil());
    }
}
