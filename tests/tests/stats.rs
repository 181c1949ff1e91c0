//! What a store and a cache count: each event once, under its own cause, beside what they hold.

use std::time::Duration;

use larder::{Cache, Change, Eviction, ManualClock, SetOptions, Stats, Store};

fn second() -> Duration {
    Duration::from_secs(1)
}

#[test]
fn a_store_counts_each_event_under_its_cause() {
    let time = ManualClock::new();
    let store = Store::builder()
        .clock(time.clock())
        .max_entries(4)
        .stripes(1)
        .build()
        .unwrap();
    store.set("kept", 1).unwrap();
    store.set("kept", 2).unwrap();
    assert_eq!(store.get::<i64>("kept").unwrap(), Some(2));
    assert_eq!(
        store.get_many::<i64>(["kept", "none"]).unwrap(),
        [Some(2), None]
    );
    assert_eq!(store.get::<i64>("none").unwrap(), None);
    store
        .set_with("timed", 1, SetOptions::new().ttl(second()))
        .unwrap();
    time.advance(second());
    assert_eq!(store.get::<i64>("timed").unwrap(), None);
    time.advance(second());
    store.tick();
    assert!(store.remove("kept") && !store.remove("kept"));
    let stats = store.stats();
    assert_eq!((stats.hits, stats.misses), (2, 3));
    assert_eq!((stats.inserts, stats.replaced, stats.removals), (2, 1, 1));
    assert_eq!(
        (stats.expirations, stats.evictions, stats.entries),
        (1, 0, 0)
    );
    for number in 0..10 {
        store.set(format!("key {number}"), number).unwrap();
    }
    let stats = store.stats();
    assert_eq!(
        (stats.inserts, stats.evictions, stats.evicted_weight),
        (12, 6, 6)
    );
    assert_eq!((stats.entries, stats.weight), (4, 4));
    assert_eq!(
        (stats.expirations, stats.removals),
        (1, 1),
        "other causes are not touched"
    );
    assert_eq!(stats.bytes, store.bytes());
}

#[test]
fn a_cache_counts_each_event_under_its_cause() {
    let time = ManualClock::new();
    let builder = Cache::builder()
        .max_weight(100)
        .weigher(|_, weight: &u64| *weight);
    let builder = builder
        .clock(time.clock())
        .stripes(1)
        .eviction(Eviction::Lru);
    let cache: Cache<u32, u64> = builder.build().unwrap();
    cache.insert(1, 10);
    cache.insert(1, 20);
    assert_eq!((cache.get(&1), cache.get(&2)), (Some(20), None));
    cache.insert_with_ttl(2, 5, second());
    time.advance(2 * second());
    cache.tick();
    cache.insert(3, 101);
    cache.remove(&1);
    cache.insert(4, 60);
    cache.insert(5, 60);
    cache.compute(5, |_| Change::Remove);
    let stats = cache.stats();
    assert_eq!((stats.inserts, stats.replaced, stats.removals), (4, 1, 2));
    assert_eq!((stats.expirations, stats.rejections), (1, 1));
    assert_eq!((stats.evictions, stats.evicted_weight), (1, 60));
    assert_eq!((stats.entries, stats.weight), (0, 0));
    assert_eq!((stats.hits, stats.hit_ratio()), (1, 0.5));
}

#[test]
fn loads_and_their_failures_and_their_time_are_counted() {
    let time = ManualClock::new();
    let cache: Cache<u32, u32> = Cache::builder()
        .max_entries(9)
        .clock(time.clock())
        .build()
        .unwrap();
    let load = |value| {
        time.advance(second());
        value
    };
    assert_eq!(cache.get_or_load(&1, || load(1)), Ok(1));
    assert_eq!(cache.get_or_load(&1, || load(2)), Ok(1));
    let failed = cache.get_or_try_load(&2, || Err::<u32, _>(load(3)));
    assert!(failed.is_err());
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.load_failures, stats.hits), (2, 1, 1));
}

#[test]
fn hot_and_cold_keys_are_those_that_were_read_most_and_least() {
    let (store, cache) = (Store::new(), Cache::<u32, u32>::new(1000));
    for key in 0..200 {
        store.set(key.to_string(), key).unwrap();
        cache.insert(key, key);
    }
    for key in (0..200).filter(|key| key % 50 != 7).cycle().take(600) {
        store.get::<u32>(key.to_string()).unwrap();
        cache.get(&key);
    }
    for key in [3, 4] {
        store.remove(key.to_string());
        cache.remove(&key);
    }
    let mut coldest = cache.coldest(4);
    coldest.sort_unstable();
    assert_eq!(coldest, [7, 57, 107, 157]);
    let mut coldest = store.coldest(4);
    coldest.sort();
    assert_eq!(coldest, [&b"107"[..], b"157", b"57", b"7"]);
    assert!(
        cache
            .hottest(194)
            .iter()
            .all(|key| key % 50 != 7 && *key != 3)
    );
    assert!(
        store
            .hottest(194)
            .iter()
            .all(|key| !key.ends_with(b"07") && key != b"3")
    );
    assert_eq!(
        (cache.hottest(1000).len(), store.hottest(1000).len()),
        (198, 198)
    );
}

#[test]
fn a_cache_that_counts_nothing_still_knows_what_it_holds() {
    let cache: Cache<u32, u32> = Cache::builder()
        .max_entries(10)
        .without_stats()
        .build()
        .unwrap();
    cache.insert(1, 1);
    cache.get(&1);
    let stats = cache.stats();
    assert_eq!(
        (stats.hits, stats.inserts, stats.entries, stats.weight),
        (0, 0, 1, 1)
    );
    assert_eq!(Stats::default().hits, 0);
}
