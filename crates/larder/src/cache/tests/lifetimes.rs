//! Deadlines and idle time, moved by hand; and by the shared thread.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant, SystemTime};

use crate::{Cache, Cause, ManualClock, Ttl, Upkeep};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn cache(time: &ManualClock) -> Cache<u32, u32> {
    Cache::builder()
        .max_entries(100_000)
        .clock(time.clock())
        .build()
        .expect("the settings are valid")
}

#[test]
fn an_entry_is_there_until_the_millisecond_of_its_deadline() {
    let time = ManualClock::new();
    let cache = cache(&time);
    cache.insert_with_ttl(1, 1, ms(1000));
    time.advance(ms(999));
    assert_eq!((cache.get(&1), cache.ttl(&1)), (Some(1), Ttl::Left(ms(1))));
    time.advance(ms(1));
    assert_eq!(
        (cache.get(&1), cache.ttl(&1), cache.contains(&1)),
        (None, Ttl::Absent, false)
    );
    assert_eq!(cache.remove(&1), None);
}

#[test]
fn a_tick_frees_all_that_is_due_and_nothing_else() {
    let time = ManualClock::new();
    let cache = cache(&time);
    for key in 0..10_000 {
        cache.insert_with_ttl(key, key, ms(u64::from(key % 100) * 100 + 100));
    }
    for second in 1..=100 {
        time.advance(ms(100));
        cache.tick();
        assert_eq!(cache.len(), 10_000 - second * 100);
    }
    assert_eq!(cache.stats().expirations, 10_000);
    cache.assert_invariants();
}

#[test]
fn a_key_that_is_written_again_and_again_keeps_one_timer() {
    let time = ManualClock::new();
    let cache: Cache<u32, u32> = Cache::builder()
        .max_entries(9)
        .ttl(Duration::from_secs(60))
        .clock(time.clock())
        .build()
        .expect("the settings are valid");
    cache.insert(1, 0);
    let bytes = cache.bytes();
    for n in 0..100_000 {
        cache.insert(1, n);
        cache.touch(&1);
        cache.expire(&1, Duration::from_secs(60));
    }
    cache.expire(&1, Duration::from_secs(90));
    assert_eq!(cache.bytes(), bytes);
    time.advance(Duration::from_secs(89));
    cache.tick();
    assert_eq!(cache.len(), 1);
    time.advance(Duration::from_secs(1));
    cache.tick();
    assert_eq!(cache.len(), 0);
}

#[test]
fn a_deadline_that_is_brought_forward_is_kept() {
    let time = ManualClock::new();
    let cache = cache(&time);
    cache.insert_with_ttl(1, 1, Duration::from_secs(1000));
    cache.expire(&1, ms(50));
    time.advance(ms(50));
    cache.tick();
    assert_eq!(cache.len(), 0);
}

#[test]
fn years_pass_and_deadlines_stay_exact() {
    let time = ManualClock::new();
    let cache = cache(&time);
    let day = Duration::from_secs(86_400);
    cache.insert_with_ttl(1, 1, day * 400);
    for days in 0..400 {
        assert_eq!(cache.ttl(&1), Ttl::Left(day * (400 - days)));
        cache.insert_with_ttl(2, 2, ms(70));
        time.advance(ms(69));
        assert_eq!(cache.get(&2), Some(2));
        time.advance(ms(1));
        assert_eq!(cache.get(&2), None);
        cache.tick();
        time.advance(day - ms(70));
    }
    assert_eq!(cache.get(&1), None);
    cache.tick();
    assert!(cache.is_empty());
    cache.assert_invariants();
}

#[test]
fn idle_time_starts_anew_with_every_use_and_an_end_of_life_does_not() {
    let time = ManualClock::new();
    let cache: Cache<u32, u32> = Cache::builder()
        .max_entries(9)
        .ttl(ms(1000))
        .idle(ms(300))
        .clock(time.clock())
        .build()
        .expect("the settings are valid");
    cache.insert(1, 1);
    for _ in 0..4 {
        time.advance(ms(200));
        cache.tick();
        assert_eq!(cache.get(&1), Some(1));
    }
    assert_eq!(cache.ttl(&1), Ttl::Left(ms(200)));
    time.advance(ms(200));
    assert_eq!(cache.get(&1), None);
    cache.tick();
    assert!(cache.is_empty());
}

#[test]
fn writes_reap_a_little_where_nobody_ticks() {
    let time = ManualClock::new();
    let cache: Cache<u32, u32> = Cache::builder()
        .unbounded()
        .stripes(1)
        .ttl(ms(100))
        .clock(time.clock())
        .upkeep(Upkeep::Manual)
        .build()
        .expect("the settings are valid");
    for key in 0..10_000 {
        cache.insert(key, key);
        time.advance(ms(1));
    }
    assert!(cache.len() < 300, "{}", cache.len());
}

#[test]
fn the_shared_thread_frees_what_has_expired_when_nobody_calls() {
    let (told, expired) = channel();
    let cache: Cache<u32, u32> = Cache::builder()
        .max_entries(10_000)
        .listener(move |_: &u32, value: &u32, cause| _ = told.send((*value, cause)))
        .build()
        .expect("the settings are valid");
    for key in 0..1000 {
        cache.insert_with_ttl(key, key, ms(5));
    }
    let mut seen: Vec<u32> = (0..1000)
        .map(|_| {
            let (value, cause) = expired.recv().expect("the cache lives");
            assert_eq!(cause, Cause::Expired);
            value
        })
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..1000).collect::<Vec<_>>());
    assert!(cache.is_empty());
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the system's clock is what is tested"
)]
fn on_the_system_clock_nothing_ends_early_and_what_is_over_is_not_returned() {
    let cache: Cache<u32, u32> = Cache::builder()
        .max_entries(100)
        .upkeep(Upkeep::Manual)
        .build()
        .expect("the settings are valid");
    for round in 0..40 {
        let before = Instant::now();
        cache.insert_with_ttl(1, round, ms(3));
        let after = Instant::now();
        loop {
            let asked = after.elapsed();
            if cache.get(&1).is_none() {
                break;
            }
            assert!(asked < ms(8), "returned more than 5 ms late");
        }
        assert!(before.elapsed() >= ms(3), "gone early");
    }
}

#[test]
fn a_moment_of_the_wall_clock_is_a_deadline_like_any_other() {
    let time = ManualClock::new();
    let cache = cache(&time);
    cache.insert(1, 1);
    // Where every manual clock starts.
    let origin = SystemTime::UNIX_EPOCH + Duration::from_secs(1_704_067_200);
    assert!(cache.expire_at(&1, origin + ms(1_500)));
    assert_eq!(cache.ttl(&1), Ttl::Left(ms(1_500)));
    time.advance(ms(1_500));
    assert_eq!(cache.get(&1), None);
    assert!(!cache.expire_at(&1, origin + ms(9_000)));
    cache.insert(2, 2);
    assert!(cache.expire_at(&2, origin));
    assert_eq!(cache.get(&2), None);
    cache.tick();
    assert!(cache.is_empty());
}
