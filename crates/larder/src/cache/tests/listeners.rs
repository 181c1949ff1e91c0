//! The listener is told of everything that leaves, once, with its cause and without a lock.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::{Cache, Cause, Change, ManualClock};

type Told = Receiver<(u32, u32, Cause)>;

fn heard(time: &ManualClock, max: usize) -> (Cache<u32, u32>, Told) {
    let (tell, told) = channel();
    let builder = Cache::builder()
        .max_entries(max)
        .stripes(1)
        .clock(time.clock());
    let builder =
        builder.listener(move |key: &u32, value: &u32, cause| _ = tell.send((*key, *value, cause)));
    (builder.build().expect("the settings are valid"), told)
}

#[test]
fn every_way_to_leave_is_told_with_its_cause() {
    let time = ManualClock::new();
    let (cache, told) = heard(&time, 3);
    let causes = || told.try_iter().collect::<Vec<_>>();
    cache.insert(1, 10);
    assert_eq!(causes(), []);
    cache.insert(1, 11);
    assert_eq!(causes(), [(1, 10, Cause::Replaced)]);
    cache.remove(&1);
    assert_eq!(causes(), [(1, 11, Cause::Removed)]);
    cache.insert_with_ttl(2, 20, Duration::ZERO);
    cache.insert(2, 21);
    assert_eq!(causes(), [(2, 20, Cause::Expired)]);
    cache.compute(2, |_| Change::Remove);
    assert_eq!(causes(), [(2, 21, Cause::Removed)]);
    cache.insert_with_ttl(3, 30, Duration::ZERO);
    time.advance(Duration::from_millis(10));
    cache.tick();
    assert_eq!(causes(), [(3, 30, Cause::Expired)]);
    (0..4).for_each(|key| _ = cache.insert(key, key));
    assert_eq!(
        causes()
            .iter()
            .filter(|told| told.2 == Cause::Evicted)
            .count(),
        1
    );
    cache.retain(|key, _| *key == 3);
    assert_eq!(
        causes()
            .iter()
            .filter(|told| told.2 == Cause::Removed)
            .count(),
        2
    );
    cache.clear();
    assert_eq!(causes(), [(3, 3, Cause::Cleared)]);
}

#[test]
fn every_value_that_was_inserted_is_told_of_or_still_there() {
    let time = ManualClock::new();
    let (cache, told) = heard(&time, 50);
    for n in 0..5_000u32 {
        cache.insert(n.wrapping_mul(2_654_435_761) >> 25, n);
    }
    let mut values: Vec<u32> = told
        .try_iter()
        .map(|told| told.1)
        .chain(cache.iter().map(|pair| pair.1))
        .collect();
    values.sort_unstable();
    assert_eq!(values, (0..5_000).collect::<Vec<_>>());
}

#[test]
fn a_panic_of_the_listener_is_caught_and_counted_and_changes_nothing() {
    let cache: Cache<u32, u32> = Cache::builder()
        .max_entries(10)
        .listener(|_: &u32, _: &u32, _| panic!("the listener's own"))
        .build()
        .expect("the settings are valid");
    cache.insert(1, 1);
    assert_eq!(cache.insert(1, 2).old(), Some(1));
    assert_eq!(cache.remove(&1), Some(2));
    assert_eq!(cache.stats().listener_panics, 2);
    cache.assert_invariants();
}

#[test]
fn the_listener_may_use_the_cache() {
    static CACHE: OnceLock<Cache<u32, u32>> = OnceLock::new();
    let cache = CACHE.get_or_init(|| {
        let builder = Cache::builder().max_entries(100).stripes(1).listener(
            |key: &u32, value: &u32, cause| {
                if cause == Cause::Removed {
                    CACHE.get().expect("it was built").insert(*key, value + 1);
                }
            },
        );
        builder.build().expect("the settings are valid")
    });
    cache.insert(1, 1);
    cache.remove(&1);
    assert_eq!(cache.get(&1), Some(2));
}

#[test]
fn values_are_dropped_outside_the_lock_and_all_of_them_with_the_cache() {
    struct Nosy(Arc<()>, Option<Cache<u32, Arc<Nosy>>>);
    impl Drop for Nosy {
        fn drop(&mut self) {
            // Would deadlock under the stripe's lock.
            if let Some(cache) = &self.1 {
                cache.insert(99, Arc::new(Nosy(Arc::clone(&self.0), None)));
            }
        }
    }
    let count = Arc::new(());
    let cache: Cache<u32, Arc<Nosy>> = Cache::builder()
        .max_entries(2)
        .stripes(1)
        .build()
        .expect("the settings are valid");
    for key in 0..10 {
        cache.insert(key, Arc::new(Nosy(Arc::clone(&count), Some(cache.clone()))));
    }
    cache.clear();
    cache.clear();
    cache.insert(1, Arc::new(Nosy(Arc::clone(&count), None)));
    drop(cache);
    assert_eq!(Arc::strong_count(&count), 1);
}
