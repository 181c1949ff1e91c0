//! What a cache or store holds stays in proportion to its entries, whatever is done to it.

use std::time::Duration;

use larder::{Cache, ManualClock, SetOptions, Store, Upkeep};

#[test]
fn timers_of_entries_that_left_early_do_not_pile_up() {
    let time = ManualClock::new();
    let cache: Cache<u64, u64> = Cache::builder()
        .max_entries(1_000)
        .ttl(Duration::from_secs(3_600))
        .clock(time.clock())
        .upkeep(Upkeep::Manual)
        .build()
        .expect("the settings are valid");
    let mut most = 0;
    for key in 0..300_000 {
        cache.insert(key, key);
        if key % 1_000 == 0 {
            time.advance(Duration::from_millis(70));
        }
        if key > 20_000 {
            most = most.max(cache.bytes());
        }
    }
    assert_eq!(cache.len(), 1_000);
    assert!(most < 700_000, "1,000 entries hold {most} bytes");
}

#[test]
fn a_deadline_that_moves_to_and_fro_keeps_the_store_small() {
    let time = ManualClock::new();
    let store = Store::builder()
        .clock(time.clock())
        .upkeep(Upkeep::Manual)
        .build()
        .expect("the settings are valid");
    store
        .set("key", "value")
        .expect("an unbounded store takes everything");
    let before = store.bytes();
    for round in 0..200_000u64 {
        let ttl = Duration::from_secs(if round % 2 == 0 { 10 } else { 100_000 });
        let set = store.set_with("key", "value", SetOptions::new().ttl(ttl));
        set.expect("an unbounded store takes everything");
    }
    assert!(
        store.bytes() < before + 300_000,
        "one entry holds {} bytes",
        store.bytes()
    );
}

#[test]
fn sizes_that_shift_do_not_leave_the_store_full_of_holes() {
    let store = Store::builder()
        .max_entries(20_000)
        .upkeep(Upkeep::Manual)
        .build()
        .expect("the settings are valid");
    for key in 0..20_000u32 {
        store
            .set(key.to_le_bytes(), vec![1; 40])
            .expect("a small value fits");
    }
    let small = store.bytes();
    for round in 0..6usize {
        let value = vec![2; 40 + round * 24];
        for key in 0..20_000u32 {
            store
                .set(key.to_le_bytes(), &value)
                .expect("a small value fits");
        }
    }
    let live = small + 20_000 * (6 * 24);
    assert!(
        store.bytes() < live * 5 / 4,
        "{} bytes for {live} live ones",
        store.bytes()
    );
}
