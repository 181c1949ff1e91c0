//! The bound holds at all times, whatever the weights, and the books are exact.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use proptest::prelude::*;

use crate::{Cache, Change, Outcome};

fn weighed(max: u64, stripes: usize) -> Cache<u16, u64> {
    let builder = Cache::builder()
        .max_weight(max)
        .weigher(|_, weight| *weight)
        .stripes(stripes)
        .seed(3);
    builder.build().expect("the settings are valid")
}

proptest! {
    #[test]
    fn the_bound_is_never_passed_and_the_books_agree_with_a_walk(
        ops in prop::collection::vec((0..5u8, 0..200u16, 0..1200u64), 1..400),
        stripes in prop::sample::select(vec![1usize, 2, 16]),
    ) {
        let cache = weighed(1000, stripes);
        for (op, key, weight) in ops {
            match op {
                0 | 1 => {
                    let before = (cache.peek(&key), cache.weight());
                    match cache.insert(key, weight) {
                        Outcome::Rejected(value) => {
                            prop_assert!(weight > 1000 && value == weight);
                            prop_assert_eq!((cache.peek(&key), cache.weight()), before);
                        }
                        _ => prop_assert_eq!(cache.peek(&key), Some(weight)),
                    }
                }
                2 => _ = cache.remove(&key),
                3 => {
                    let outcome = cache.compute(key, |_| Change::Insert(weight));
                    prop_assert_eq!(outcome.is_rejected(), weight > 1000);
                }
                _ => {
                    let was = cache.peek(&key);
                    let grown = cache.update(&key, |held| { *held += weight / 3; *held });
                    prop_assert_eq!(grown.is_some(), was.is_some());
                    if let Some(grown) = grown {
                        prop_assert_eq!(cache.peek(&key), (grown <= 1000).then_some(grown));
                    }
                }
            }
            prop_assert!(cache.weight() <= 1000);
            cache.assert_invariants();
        }
    }
}

proptest! {
    #[test]
    fn what_grows_in_place_finds_room_before_anyone_else_can_look(
        ops in prop::collection::vec((0..60u16, 1..900u64), 1..200),
        stripes in prop::sample::select(vec![1usize, 2, 16]),
    ) {
        let shown = Arc::new(OnceLock::<Cache<u16, u64>>::new());
        // Not held by the listener, which the cache holds.
        let (seen, most) = (Arc::downgrade(&shown), Arc::new(AtomicU64::new(0)));
        let noted = Arc::clone(&most);
        let builder = Cache::builder().max_weight(1000).weigher(|_, weight: &u64| *weight).stripes(stripes);
        // Told right after the unlock.
        let cache = builder.listener(move |_, _, _| {
            if let Some(cache) = seen.upgrade().as_ref().and_then(|seen| seen.get()) {
                noted.fetch_max(cache.weight(), Ordering::Relaxed);
            }
        });
        let cache = cache.build().expect("the settings are valid");
        shown.set(cache.clone()).expect("set once");
        for (key, by) in ops {
            cache.compute(key, |held| match held {
                Some(held) if *held + by <= 1000 => {
                    *held += by;
                    Change::Keep
                }
                _ => Change::Insert(by),
            });
            prop_assert!(most.load(Ordering::Relaxed) <= 1000);
            cache.assert_invariants();
        }
    }
}

#[test]
fn a_full_cache_stays_full_and_never_passes_its_bound() {
    for max in [1, 10, 127, 1000, 5000] {
        let cache = Cache::<u64, u64>::new(max);
        for key in 0..max as u64 * 4 {
            cache.insert(key, key);
            assert!(cache.len() <= max);
        }
        assert!(cache.len() * 100 >= max * 98, "{} of {max}", cache.len());
        cache.assert_invariants();
    }
}

#[test]
fn one_entry_may_weigh_as_much_as_the_whole_cache() {
    let cache = weighed(1000, 16);
    for key in 0..500 {
        cache.insert(key, 2);
    }
    assert_eq!(cache.insert(900, 1000), Outcome::Inserted);
    assert_eq!((cache.len(), cache.weight()), (1, 1000));
    assert_eq!(cache.insert(901, 1001), Outcome::Rejected(1001));
    assert_eq!(cache.stats().rejections, 1);
    cache.assert_invariants();
}

#[test]
fn a_stripe_keeps_its_share_however_weights_vary() {
    let cache = weighed(160_000, 16);
    let mut random = 1u64;
    for _ in 0..200_000 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let weight = 1 << (random >> 60 & 7);
        cache.insert((random >> 33) as u16, weight);
    }
    let weights: Vec<u64> = cache
        .core
        .stripes
        .iter()
        .map(|stripe| stripe.weight())
        .collect();
    assert!(
        weights
            .iter()
            .all(|weight| (8_500..=13_000).contains(weight)),
        "{weights:?}"
    );
    cache.assert_invariants();
}

#[test]
fn a_lowered_bound_evicts_at_once_and_a_raised_one_gives_room() {
    let cache = Cache::<u64, u64>::new(10_000);
    for key in 0..10_000 {
        cache.insert(key, key);
    }
    let held = cache.len() as u64;
    assert_eq!(cache.set_capacity(100), held - 100);
    assert_eq!((cache.len(), cache.capacity()), (100, 100));
    assert_eq!(cache.stats().evictions, held - 100);
    assert_eq!(cache.set_capacity(200), 0);
    for key in 0..1000 {
        cache.insert(key, key);
        assert!(cache.len() <= 200);
    }
    assert!(cache.len() > 190);
    let held = cache.len() as u64;
    assert_eq!(cache.set_capacity(0), held);
    assert!(cache.insert(1, 1).is_rejected());
    cache.assert_invariants();
}

#[test]
fn an_unbounded_cache_evicts_nothing() {
    let cache: Cache<u64, u64> = Cache::builder()
        .unbounded()
        .build()
        .expect("the settings are valid");
    for key in 0..50_000 {
        cache.insert(key, key);
    }
    assert_eq!((cache.len(), cache.stats().evictions), (50_000, 0));
    cache.assert_invariants();
}

#[test]
fn what_was_removed_or_has_expired_gives_its_room_back() {
    let cache = weighed(100, 1);
    cache.insert_with_ttl(1, 60, Duration::ZERO);
    cache.insert(2, 40);
    assert_eq!(cache.weight(), 100);
    cache.tick();
    cache.remove(&2);
    cache.insert(3, 100);
    assert_eq!(cache.peek(&3), Some(100));
    cache.assert_invariants();
}

#[test]
fn bytes_follow_what_is_held() {
    let cache = Cache::<u64, [u64; 4]>::new(100_000);
    let empty = cache.bytes();
    for key in 0..100_000 {
        cache.insert(key, [key; 4]);
    }
    let per_entry = (cache.bytes() - empty) as f64 / 100_000.0;
    assert!((40.0..80.0).contains(&per_entry), "{per_entry}");
}

#[test]
fn a_bucket_in_whose_middle_the_hand_stands_is_swept_as_well() {
    // The only other entry stood before the hand in its bucket: nothing was found to evict, and the bound was passed.
    let cache = weighed(1000, 2);
    for (key, weight) in [
        (133, 41),
        (62, 40),
        (0, 961),
        (107, 194),
        (180, 50),
        (43, 206),
    ] {
        cache.insert(key, weight);
    }
    cache.compute(43, |_| Change::Insert(951));
    assert!(cache.weight() <= 1000);
}
