//! What the patterns make of keys that were chosen to do harm: that hash alike, or are made to have groups without end.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use larder::{Cache, Glob, RateLimiter, Rule, Store, Tag, Tags};

const HOUR: Duration = Duration::from_secs(3600);

/// A key whose hash says nothing, as if somebody had found out how to make all of them collide.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Alike(u32);

impl Hash for Alike {
    fn hash<H: Hasher>(&self, state: &mut H) {
        0_u32.hash(state);
    }
}

#[test]
fn keys_that_collide_are_loaded_and_kept_apart() {
    let cache = Cache::<Alike, u32>::new(100);
    let loads = AtomicU32::new(0);
    let load = |key: u32| {
        loads.fetch_add(1, Ordering::Relaxed);
        key * 10
    };
    for _ in 0..2 {
        for key in 0..100 {
            assert_eq!(cache.get_or_load(&Alike(key), || load(key)), Ok(key * 10));
        }
    }
    assert_eq!(loads.load(Ordering::Relaxed), 100);
    assert_eq!(cache.remove(&Alike(7)), Some(70));
    assert_eq!(
        (cache.get(&Alike(7)), cache.get(&Alike(8))),
        (None, Some(80))
    );
    // Beyond the bound they evict each other, as others do.
    for key in 100..1_000 {
        cache.insert(Alike(key), key);
    }
    assert_eq!(cache.len(), 100);
}

#[test]
fn keys_that_collide_do_not_wait_for_each_others_loads() {
    let cache = Cache::<Alike, u32>::new(100);
    let outer = cache.get_or_load(&Alike(1), || {
        let inner = cache.get_or_load(&Alike(2), || 20);
        inner.expect("another key's load is no part of this one")
    });
    assert_eq!((outer, cache.get(&Alike(2))), (Ok(20), Some(20)));
}

#[test]
fn keys_that_collide_have_limits_of_their_own_and_stay_within_the_bound() {
    let limiter: RateLimiter<Alike> = RateLimiter::builder()
        .rule(Rule::fixed_window(1, HOUR))
        .max_keys(50)
        .build()
        .expect("the rule is sound");
    for key in 0..50 {
        assert!(limiter.check(&Alike(key)).allowed);
    }
    let refused = (0..50).filter(|key| !limiter.check(&Alike(*key)).allowed);
    assert_eq!(refused.count(), 50);
    for key in 50..500 {
        assert!(limiter.check(&Alike(key)).allowed);
        assert!(limiter.len() <= 50);
    }
}

#[test]
fn a_flood_of_keys_that_each_call_once_takes_no_more_than_its_bound() {
    const KEPT: usize = 10_000;
    let limiter: RateLimiter<u64> = RateLimiter::builder()
        .rule(Rule::token_bucket(10, Duration::from_secs(1)))
        .max_keys(KEPT)
        .build()
        .expect("the rule is sound");
    for key in 0..20 * KEPT as u64 {
        assert!(limiter.check(&key).allowed);
    }
    assert!(limiter.len() <= KEPT);
    // The same at ten million, in `peers-limit`.
    assert!(limiter.bytes() <= 128 * KEPT as u64, "{}", limiter.bytes());
}

#[test]
fn a_key_of_separators_alone_takes_no_more_than_others_and_is_found_by_its_groups() {
    let cache: Cache<String, u32> = Cache::builder()
        .max_entries(10)
        .prefixes(b':')
        .build()
        .expect("the settings are valid");
    let store = Store::builder().prefixes(b':').build().expect("valid");
    let key = ":".repeat(100_000);
    for prefix in [":", &":".repeat(8), &":".repeat(9), &key] {
        cache.insert(key.clone(), 1);
        store.set(&key, 1).expect("it is small enough");
        cache.invalidate_prefix(prefix);
        store.invalidate_prefix(prefix);
        assert_eq!(cache.get(&key), None, "{} separators", prefix.len());
        assert!(!store.exists(&key), "{} separators", prefix.len());
    }
}

#[test]
fn prefixes_by_the_million_take_no_more_room_and_none_of_their_keys_comes_back() {
    let tags = Tags::with_capacity(1_000);
    let cache: Cache<String, u32> = Cache::builder()
        .max_entries(1_000)
        .tags(&tags)
        .prefixes(b':')
        .build()
        .expect("the settings are valid");
    for key in 0..1_000 {
        cache.insert(format!("user:{key}:name"), key);
    }
    for user in 0..1_000_000 {
        cache.invalidate_prefix(format!("user:{user}:"));
    }
    assert!((0..1_000).all(|key| cache.get(&format!("user:{key}:name")).is_none()));
    cache.insert("user:1:name".to_owned(), 2);
    assert_eq!(cache.get("user:1:name"), Some(2));
}

#[test]
fn a_tag_of_any_bytes_is_a_tag_and_no_prefix_of_another_cache() {
    let tags = Tags::new();
    let build = || {
        Cache::builder()
            .max_entries(10)
            .tags(&tags)
            .prefixes(b':')
            .build()
    };
    let caches: [Cache<String, u32>; 2] = [(), ()].map(|()| build().expect("valid"));
    for cache in &caches {
        cache.insert("user:1".to_owned(), 1);
    }
    tags.invalidate(Tag::new("user:"));
    tags.invalidate(Tag::new([]));
    assert!(caches.iter().all(|cache| cache.contains("user:1")));
    caches[0].invalidate_matching([&Glob::new("user:*")]);
    assert!(!caches[0].contains("user:1") && caches[1].contains("user:1"));
}
