//! Building: everything wrong is told, and odd settings work.

use std::time::Duration;

use crate::{Cache, Outcome};

#[test]
fn a_builder_tells_everything_that_is_wrong_at_once() {
    let builder = Cache::<u32, u32>::builder()
        .max_entries(0)
        .max_weight(0)
        .stripes(3);
    let error = builder
        .ttl(Duration::ZERO)
        .idle(Duration::ZERO)
        .build()
        .unwrap_err();
    assert_eq!(error.faults().len(), 7, "{error}");
    assert_eq!(
        Cache::<u32, u32>::builder()
            .build()
            .unwrap_err()
            .faults()
            .len(),
        1
    );
    assert!(
        Cache::<u32, u32>::builder()
            .max_entries(1)
            .unbounded()
            .build()
            .is_err()
    );
    assert!(
        Cache::<u32, u32>::builder()
            .max_entries(1)
            .weigher(|_, _| 1)
            .build()
            .is_err()
    );
    for count in [0, 3, 2048, usize::MAX] {
        assert!(
            Cache::<u32, u32>::builder()
                .max_entries(1)
                .stripes(count)
                .build()
                .is_err()
        );
    }
}

#[test]
fn a_cache_of_one_entry_holds_the_last_one() {
    for stripes in [1, 2, 64, 1024] {
        let cache: Cache<u32, u32> = Cache::builder()
            .max_entries(1)
            .stripes(stripes)
            .build()
            .expect("the settings are valid");
        for key in 0..100 {
            assert_eq!(cache.insert(key, key), Outcome::Inserted);
            assert_eq!((cache.get(&key), cache.len()), (Some(key), 1));
        }
        cache.assert_invariants();
    }
}

#[test]
fn the_largest_bounds_and_durations_do_not_overflow() {
    let cache: Cache<u32, u32> = Cache::builder()
        .max_weight(u64::MAX)
        .weigher(|_, _| u64::MAX / 2)
        .ttl(Duration::MAX)
        .idle(Duration::MAX)
        .build()
        .expect("the settings are valid");
    for key in 0..10 {
        cache.insert_with_ttl(key, key, Duration::MAX);
        assert_eq!(cache.get(&key), Some(key));
    }
    assert_eq!(cache.len(), 2);
    cache.assert_invariants();
}

#[test]
fn a_hasher_that_gives_small_numbers_does_no_harm() {
    #[derive(Clone, Default)]
    struct Identity(u64);
    impl std::hash::Hasher for Identity {
        fn finish(&self) -> u64 {
            self.0
        }
        fn write(&mut self, bytes: &[u8]) {
            bytes
                .iter()
                .for_each(|byte| self.0 = self.0 << 8 | u64::from(*byte));
        }
        fn write_u64(&mut self, number: u64) {
            self.0 = number;
        }
    }
    let hasher = std::hash::BuildHasherDefault::<Identity>::default();
    let cache: Cache<u64, u64, _> = Cache::builder()
        .max_entries(20_000)
        .stripes(16)
        .hasher(hasher)
        .build()
        .expect("the settings are valid");
    for key in 0..10_000 {
        cache.insert(key, key);
    }
    let lens: Vec<u32> = cache
        .core
        .stripes
        .iter()
        .map(|stripe| stripe.table.len())
        .collect();
    assert!(lens.iter().all(|len| (400..900).contains(len)), "{lens:?}");
    assert!((0..10_000).all(|key| cache.get(&key) == Some(key)));
}

#[test]
fn look_ups_take_whatever_is_equivalent_to_the_key() {
    #[derive(Hash)]
    struct Pair<'a>(u32, &'a str);
    impl equivalent::Equivalent<(u32, String)> for Pair<'_> {
        fn equivalent(&self, key: &(u32, String)) -> bool {
            self.0 == key.0 && self.1 == key.1
        }
    }
    let cache = Cache::<(u32, String), u32>::new(10);
    cache.insert((1, "a".to_owned()), 5);
    assert_eq!(cache.get(&Pair(1, "a")), Some(5));
    assert_eq!(cache.get(&Pair(1, "b")), None);
    assert_eq!(cache.remove(&Pair(1, "a")), Some(5));
}

#[test]
fn a_thousand_small_caches_come_and_go() {
    for _ in 0..1000 {
        let cache = Cache::<u32, u32>::new(10);
        cache.insert_with_ttl(1, 1, Duration::from_secs(100));
        assert_eq!(cache.get(&1), Some(1));
    }
}
