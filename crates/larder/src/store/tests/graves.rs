//! Large values that are removed: who frees them, and when.

use std::sync::Arc;
use std::thread;

use crate::store::Store;
use crate::store::graves::{Graves, SMALL};
use crate::store::outside::{Gone, Outside};
use crate::store::stored::Stored;
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

/// A set of ten million members was held for good: it was removed after upkeep had cleared the graves and before it had
/// looked for what is large. Its remover relied on the vigil, which upkeep then ended.
#[test]
fn what_is_buried_while_the_vigil_ends_is_looked_at_once_more() {
    let graves = Graves::default();
    graves.begin_vigil();
    graves.clear();
    let value = Arc::new(vec![0; SMALL as usize]);
    let gone = Gone::new(Outside::of(b"key", &Stored::Large(value)));
    assert!(!graves.bury(vec![gone]), "nobody is told");
    assert!(graves.end_vigil(), "so there is something to look at");
    graves.clear();
    assert!(!graves.end_vigil());
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
