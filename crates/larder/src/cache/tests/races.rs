//! Threads that do everything at once: the books are right in the end, and no call sees what it must not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::{Cache, Change};

/// Numbers without a pattern.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 8
    }
}

#[test]
fn racing_threads_leave_exact_books_and_never_pass_the_bound() {
    let cache: Cache<u64, u64> = Cache::builder()
        .max_weight(2_000)
        .weigher(|_, value| value % 13)
        .stripes(4)
        .ttl(Duration::from_millis(30))
        .build()
        .expect("the settings are valid");
    std::thread::scope(|scope| {
        for thread in 1..=4 {
            let cache = &cache;
            scope.spawn(move || {
                let mut random = Random(thread * 0x9e37_79b9);
                for _ in 0..20_000 {
                    let (key, value) = (random.next() % 500, random.next() << 16);
                    // A value belongs to its key: none is ever seen under another.
                    let value = value | key;
                    let fits =
                        |seen: Option<u64>| assert!(seen.is_none_or(|seen| seen & 0xffff == key));
                    match random.next() % 16 {
                        0..5 => _ = cache.insert(key, value),
                        5 => {
                            _ = cache.insert_with_ttl(
                                key,
                                value,
                                Duration::from_millis(random.next() % 20),
                            )
                        }
                        6 => fits(cache.remove(&key)),
                        7 => _ = cache.compute(key, |_| Change::Insert(value)),
                        8 => _ = cache.update(&key, |held| *held ^= 1 << 20),
                        9 => fits(cache.get_or_load(&key, || value).ok()),
                        10 if random.next().is_multiple_of(64) => {
                            _ = cache.retain(|_, value| value & 1 << 21 == 0)
                        }
                        10 => _ = cache.expire(&key, Duration::from_millis(random.next() % 20)),
                        11 if random.next().is_multiple_of(256) => cache.clear(),
                        11 => cache.tick(),
                        _ => fits(cache.get(&key)),
                    }
                }
            });
        }
    });
    cache.assert_invariants();
    assert!(cache.weight() <= 2_000);
    cache.clear();
    cache.assert_invariants();
}

#[test]
fn increments_of_many_threads_are_all_counted() {
    let cache = Cache::<u32, u64>::new(100);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..5_000 {
                    let key = n % 7;
                    cache.compute(key, |value| match value {
                        None => Change::Insert(1),
                        Some(count) => {
                            *count += 1;
                            Change::Keep
                        }
                    });
                }
            });
        }
    });
    let mut sum = 0;
    cache.for_each(|_, count| sum += count);
    assert_eq!(sum, 20_000);
}

#[test]
fn inserts_that_need_room_in_all_stripes_at_once_all_succeed() {
    let cache: Cache<u64, u64> = Cache::builder()
        .max_weight(1_000)
        .weigher(|_, weight| *weight)
        .stripes(16)
        .build()
        .expect("the settings are valid");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let cache = &cache;
            scope.spawn(move || {
                for n in 0..3_000_u64 {
                    let weight = if n.is_multiple_of(5) { 900 } else { 1 + n % 50 };
                    assert!(!cache.insert(thread * 10_000 + n, weight).is_rejected());
                    assert!(cache.core.stripes.budget.used() <= 1_000);
                }
            });
        }
    });
    cache.assert_invariants();
}

#[test]
fn a_key_is_loaded_by_one_at_a_time_while_it_expires() {
    let cache = Cache::<u32, u32>::new(10);
    let loading = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..3_000_u32 {
                    let loaded: Result<u32, _> = cache.get_or_try_load(&1, || {
                        let others = loading.swap(true, Ordering::SeqCst);
                        std::thread::yield_now();
                        loading.store(false, Ordering::SeqCst);
                        if others {
                            Err("two loads at once")
                        } else {
                            Ok(n)
                        }
                    });
                    assert!(loaded.is_ok(), "{loaded:?}");
                    if n.is_multiple_of(3) {
                        // Expiring is not an invalidation: no second load may begin beside the first.
                        cache.expire(&1, Duration::ZERO);
                    }
                }
            });
        }
    });
    cache.assert_invariants();
}
