//! Freshness, tags, refreshes elsewhere, loads of many keys, writes of the source: each rule, and what goes wrong.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier};
use std::task::Poll;
use std::time::Duration;

use proptest::prelude::*;

use super::{gate, poll};
use crate::{
    Cache, CacheBuilder, Cause, Freshness, LoadError, Loaded, ManualClock, Tag, Tags, Ttl,
};

const SECOND: Duration = Duration::from_secs(1);

type Failure = LoadError<&'static str>;
type Job = Box<dyn FnOnce() + Send>;

fn builder(time: &ManualClock, rules: Freshness) -> CacheBuilder<u32, u32> {
    let cache = Cache::builder().max_entries(1000).stripes(2);
    cache.freshness(rules).clock(time.clock()).seed(1)
}

fn fresh(time: &ManualClock, rules: Freshness) -> Cache<u32, u32> {
    builder(time, rules)
        .build()
        .expect("the settings are valid")
}

/// A cache whose refreshes are run by the test, when it likes.
fn deferred(time: &ManualClock, rules: Freshness) -> (Cache<u32, u32>, Receiver<Job>) {
    let (sender, jobs) = channel();
    let executor = move |job| drop(sender.send(job));
    let cache = builder(time, rules).executor(executor).build();
    (cache.expect("the settings are valid"), jobs)
}

fn ok(value: u32) -> Result<Loaded<u32>, &'static str> {
    Ok(Loaded::new(value))
}

fn ten_seconds() -> Freshness {
    Freshness::new(10 * SECOND)
}

#[test]
fn a_value_is_fresh_for_its_time_and_absent_to_all_but_loading_calls_after_it() {
    let time = ManualClock::new();
    let cache = fresh(&time, ten_seconds().stale_if_error(10 * SECOND));
    cache.insert(1, 10);
    assert_eq!(cache.ttl(&1), Ttl::Left(10 * SECOND));
    time.advance(10 * SECOND);
    assert_eq!((cache.get(&1), cache.peek(&1)), (None, None));
    assert!(!cache.contains(&1));
    assert_eq!(cache.update(&1, |value| *value += 1), None);
    assert_eq!(cache.iter().count(), 0);
    assert_eq!(
        (cache.ttl(&1), cache.get_stale(&1)),
        (Ttl::Absent, Some(10))
    );
    time.advance(10 * SECOND);
    assert_eq!(cache.get_stale(&1), None);
    cache.tick();
    time.advance(SECOND);
    cache.tick();
    assert!(cache.is_empty());
    cache.assert_invariants();
}

#[test]
fn jitter_spreads_the_ends_of_what_was_loaded_together() {
    let time = ManualClock::new();
    let cache = fresh(&time, ten_seconds().jitter(0.5));
    for key in 0..500 {
        cache.insert(key, key);
    }
    let alive = || (0..500).filter(|key| cache.contains(key)).count();
    time.advance(5 * SECOND - Duration::from_millis(1));
    assert_eq!(alive(), 500);
    time.advance(Duration::from_millis(2_500));
    assert!((180..320).contains(&alive()), "half of them: {}", alive());
    time.advance(Duration::from_millis(2_501));
    assert_eq!(alive(), 0);
}

#[test]
fn ahead_of_the_end_one_caller_refreshes_and_the_others_have_the_present_value() {
    let time = ManualClock::new();
    let (cache, jobs) = deferred(&time, ten_seconds().refresh_at(0.8));
    let load = |value| cache.get_or_refresh(&1, move || ok(value));
    assert_eq!(load(10), Ok(10));
    time.advance(8 * SECOND - Duration::from_millis(1));
    assert_eq!(load(11), Ok(10));
    assert!(jobs.try_recv().is_err());
    time.advance(Duration::from_millis(1));
    for value in 12..20 {
        assert_eq!(load(value), Ok(10));
    }
    jobs.try_recv().expect("one refresh was begun")();
    assert!(jobs.try_recv().is_err());
    assert_eq!((cache.get(&1), load(20)), (Some(12), Ok(12)));
    time.advance(10 * SECOND - Duration::from_millis(1));
    assert_eq!(cache.get(&1), Some(12));
    cache.assert_invariants();
}

#[test]
fn a_stale_value_serves_while_it_is_revalidated_and_no_longer_than_allowed() {
    let time = ManualClock::new();
    let (cache, jobs) = deferred(&time, ten_seconds().stale_for(5 * SECOND));
    cache.insert(1, 10);
    time.advance(14 * SECOND);
    assert_eq!(cache.get_or_refresh(&1, || ok(11)), Ok(10));
    assert_eq!(cache.get_or_refresh(&1, || ok(12)), Ok(10));
    jobs.try_recv().expect("a refresh was begun")();
    assert_eq!(cache.get(&1), Some(11));
    time.advance(15 * SECOND);
    assert_eq!(cache.get_or_refresh(&1, || ok(13)), Ok(13));
}

#[test]
fn without_an_executor_the_caller_with_the_turn_refreshes_in_its_call() {
    let time = ManualClock::new();
    let cache = fresh(&time, ten_seconds().stale_for(5 * SECOND));
    cache.insert(1, 10);
    time.advance(12 * SECOND);
    let mine = cache.fetch(&1, || {
        let others = cache.get_or_load(&1, || unreachable!("one refreshes"));
        assert_eq!(others, Ok(10));
        ok(11)
    });
    assert_eq!((mine, cache.get(&1)), (Ok(11), Some(11)));
}

#[test]
fn a_stale_value_is_returned_if_the_load_fails_and_the_next_try_waits() {
    let time = ManualClock::new();
    let rules = ten_seconds().stale_if_error(60 * SECOND);
    let cache = fresh(&time, rules.retry_after(2 * SECOND));
    cache.insert(1, 10);
    time.advance(20 * SECOND);
    let tries = Cell::new(0);
    let fail = || {
        cache.get_or_try_load(&1, || {
            tries.set(tries.get() + 1);
            Err("down")
        })
    };
    assert_eq!((fail(), fail(), fail()), (Ok(10), Ok(10), Ok(10)));
    assert_eq!(tries.get(), 1);
    time.advance(2 * SECOND);
    assert_eq!((fail(), tries.get()), (Ok(10), 2));
    time.advance(2 * SECOND);
    assert_eq!(cache.fetch(&1, || ok(11)), Ok(11));
    time.advance(70 * SECOND);
    assert_eq!(fail(), Err(LoadError::Failed("down")));
    cache.assert_invariants();
}

#[test]
fn callers_that_waited_for_a_load_that_failed_do_not_try_one_after_the_other() {
    let time = ManualClock::new();
    let cache = fresh(&time, ten_seconds().stale_if_error(60 * SECOND));
    cache.insert(1, 10);
    time.advance(20 * SECOND);
    let (tries, barrier) = (AtomicUsize::new(0), Barrier::new(8));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                let value = cache.get_or_try_load(&1, || {
                    tries.fetch_add(1, Ordering::Relaxed);
                    Err("down")
                });
                assert_eq!(value, Ok(10));
            });
        }
    });
    assert_eq!(tries.load(Ordering::Relaxed), 1);
    cache.assert_invariants();
}

#[test]
fn a_load_that_never_returns_costs_its_callers_the_soft_timeout_or_the_hard_one() {
    let time = ManualClock::new();
    let rules = ten_seconds().stale_if_error(60 * SECOND);
    let rules = rules.soft_timeout(SECOND).hard_timeout(3 * SECOND);
    let (cache, jobs) = deferred(&time, rules);
    cache.insert(1, 10);
    time.advance(20 * SECOND);
    let stale = pin!(cache.get_or_refresh_async(&1, async { ok(11) }));
    let new = pin!(cache.get_or_refresh_async(&2, async { ok(22) }));
    let (mut stale, mut new) = (stale, new);
    assert_eq!(poll(&mut stale), Poll::Pending);
    assert_eq!(poll(&mut new), Poll::Pending);
    time.advance(SECOND);
    assert_eq!(poll(&mut stale), Poll::Ready(Ok(10)));
    assert_eq!(poll(&mut new), Poll::Pending);
    // Who comes while it is still under way has the same patience.
    let mut follower = pin!(cache.fetch_async(&1, async { ok(12) }));
    assert_eq!(poll(&mut follower), Poll::Pending);
    time.advance(2 * SECOND);
    assert_eq!(poll(&mut follower), Poll::Ready(Ok(10)));
    assert_eq!(poll(&mut new), Poll::Ready(Err(LoadError::TimedOut)));
    // The loads go on, and land when they come.
    jobs.try_iter().for_each(|job| job());
    assert_eq!((cache.get(&1), cache.get(&2)), (Some(11), Some(22)));
    cache.assert_invariants();
}

#[test]
fn a_thread_gives_up_at_the_hard_timeout_too() {
    let time = ManualClock::new();
    let (cache, jobs) = deferred(&time, ten_seconds().hard_timeout(SECOND));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| cache.get_or_refresh(&1, || ok(11)));
        let job = jobs.recv().expect("the load was handed over");
        time.advance(SECOND);
        let given_up = waiting.join().expect("it returns");
        assert_eq!(given_up, Err(LoadError::TimedOut));
        job();
    });
    assert_eq!(cache.get(&1), Some(11));
}

#[test]
fn the_cost_of_a_load_makes_its_early_refresh_likelier() {
    let time = ManualClock::new();
    let cache = fresh(&time, ten_seconds().early(1.0));
    let loads = Cell::new(0);
    let load = |took: Duration| {
        cache.fetch(&1, || {
            loads.set(loads.get() + 1);
            time.advance(took);
            ok(10)
        })
    };
    load(2 * SECOND).expect("loaded");
    time.advance(8 * SECOND);
    // Two seconds left, two seconds a load: each call refreshes with a chance of 37 %.
    let before = loads.get();
    while loads.get() == before {
        load(2 * SECOND).expect("loaded");
    }
    assert_eq!(cache.ttl(&1), Ttl::Left(10 * SECOND), "before its end");
    load(Duration::ZERO).expect("loaded");
    let quick = fresh(&time, ten_seconds().early(1.0));
    quick.insert(1, 10);
    time.advance(10 * SECOND - Duration::from_millis(1));
    let cheap = |_| quick.get_or_load(&1, || unreachable!("a load that costs nothing"));
    assert!((0..100).map(cheap).all(|value| value == Ok(10)));
}

#[test]
fn negative_results_and_errors_have_times_of_their_own() {
    let time = ManualClock::new();
    let nothing: Cache<u32, Option<u32>> = Cache::builder()
        .max_entries(10)
        .freshness(ten_seconds().stale_if_error(SECOND))
        .none_ttl(2 * SECOND)
        .clock(time.clock())
        .build()
        .expect("the settings are valid");
    assert_eq!(nothing.get_or_load(&1, || None), Ok(None));
    nothing.insert(2, Some(20));
    time.advance(2 * SECOND);
    assert_eq!((nothing.get(&1), nothing.get(&2)), (None, Some(Some(20))));

    let errors: Cache<u32, Result<u32, &str>> = Cache::builder()
        .max_entries(10)
        .freshness(ten_seconds().stale_if_error(60 * SECOND))
        .error_ttl(3 * SECOND)
        .clock(time.clock())
        .build()
        .expect("the settings are valid");
    assert_eq!(errors.get_or_load(&1, || Err("down")), Ok(Err("down")));
    assert_eq!(
        errors.get_or_load(&1, || unreachable!("it is kept")),
        Ok(Err("down"))
    );
    time.advance(3 * SECOND);
    assert_eq!(errors.get_or_load(&1, || Ok(10)), Ok(Ok(10)));
    time.advance(10 * SECOND);
    assert_eq!(
        errors.get_or_load(&1, || Err("down")),
        Ok(Ok(10)),
        "an error does not take its place"
    );
}

#[test]
fn the_loader_chooses_time_to_live_and_tags() {
    let (time, tags) = (ManualClock::new(), Tags::new());
    let cache = builder(&time, ten_seconds()).tags(&tags).build();
    let cache = cache.expect("the settings are valid");
    let load = |key, ttl: Duration, tag: &str| {
        let loaded = Loaded::new(key).ttl(ttl).tag(tag);
        cache.fetch(&key, || Ok::<_, &str>(loaded)).expect("loaded");
    };
    load(1, SECOND, "odd");
    load(2, 60 * SECOND, "even");
    load(3, 60 * SECOND, "odd");
    time.advance(SECOND);
    assert_eq!(
        (cache.get(&1), cache.get(&2), cache.get(&3)),
        (None, Some(2), Some(3))
    );
    tags.invalidate("odd");
    assert_eq!((cache.get(&2), cache.get(&3)), (Some(2), None));
    assert_eq!(cache.get_stale(&3), None);
    load(3, 60 * SECOND, "odd");
    assert_eq!(cache.get(&3), Some(3));
}

#[test]
fn a_load_that_began_before_its_tag_was_invalidated_brings_nothing_that_is_valid() {
    let tags = Tags::new();
    let cache: Cache<u32, u32> = Cache::builder()
        .max_entries(10)
        .tags(&tags)
        .build()
        .expect("valid");
    let loaded = cache.fetch(&1, || {
        tags.invalidate("a");
        Ok::<_, &str>(Loaded::new(10).tag("a"))
    });
    assert_eq!((loaded, cache.get(&1)), (Ok(10), None));
    assert_eq!(cache.len(), 1);
    assert_eq!(cache.get_or_load(&1, || 11), Ok(11));
}

#[test]
fn one_registry_serves_many_caches_and_tags_follow_from_keys() {
    let tags = Tags::new();
    let cache = || -> Cache<String, u32> {
        let by_prefix = |key: &String, tags: &mut Vec<Tag>| {
            let ends = key.match_indices(':').map(|(end, _)| &key[..end]);
            tags.extend(ends.map(Tag::new));
        };
        let cache = Cache::builder().max_entries(100).tags(&tags);
        cache
            .tag_by(by_prefix)
            .build()
            .expect("the settings are valid")
    };
    let (one, two) = (cache(), cache());
    for cache in [&one, &two] {
        cache.insert("user:1:name".to_owned(), 1);
        cache.insert("user:2:name".to_owned(), 2);
        cache.compute("user:1:mail".to_owned(), |_| crate::Change::Insert(3));
    }
    tags.invalidate("user:1");
    for cache in [&one, &two] {
        assert_eq!(
            (cache.get("user:1:name"), cache.get("user:1:mail")),
            (None, None)
        );
        assert_eq!(cache.get("user:2:name"), Some(2));
    }
    tags.invalidate("user");
    assert_eq!(one.get("user:2:name").or(two.get("user:2:name")), None);
}

#[test]
fn a_soft_invalidation_leaves_the_old_value_as_a_fallback() {
    let (time, tags) = (ManualClock::new(), Tags::new());
    let cache = builder(&time, ten_seconds().stale_if_error(SECOND))
        .tags(&tags)
        .build();
    let cache = cache.expect("the settings are valid");
    cache.insert_loaded(1, Loaded::new(10).tag("a"));
    tags.invalidate_softly("a");
    assert_eq!(cache.get(&1), None);
    assert_eq!(cache.get_or_try_load(&1, || Err("down")), Ok(10));
    time.advance(SECOND);
    assert_eq!(cache.fetch(&1, || ok(11)), Ok(11));
    assert_eq!(cache.get(&1), Some(11));
}

#[test]
fn an_end_of_life_that_is_moved_moves_freshness_and_keeps_the_tags() {
    let (time, tags) = (ManualClock::new(), Tags::new());
    let cache = builder(&time, ten_seconds())
        .tags(&tags)
        .build()
        .expect("valid");
    cache.insert_loaded(1, Loaded::new(10).tag("a"));
    assert!(cache.expire(&1, 60 * SECOND));
    time.advance(59 * SECOND);
    assert!(cache.persist(&1));
    time.advance(3600 * SECOND);
    assert_eq!((cache.get(&1), cache.ttl(&1)), (Some(10), Ttl::Forever));
    assert!(cache.touch(&1));
    assert_eq!(cache.ttl(&1), Ttl::Left(10 * SECOND));
    tags.invalidate("a");
    assert!(!cache.expire(&1, SECOND));
    assert_eq!(cache.get(&1), None);
}

#[test]
fn a_loader_that_panics_elsewhere_strands_nobody() {
    let time = ManualClock::new();
    let rules = ten_seconds().stale_for(5 * SECOND).hard_timeout(SECOND);
    let (cache, jobs) = deferred(&time, rules);
    let mut waiting = pin!(cache.get_or_refresh_async(&1, async { panic!("by intent") }));
    let mut follower = pin!(cache.fetch_async(&1, async { ok(11) }));
    assert_eq!(poll(&mut waiting), Poll::Pending);
    assert_eq!(poll(&mut follower), Poll::Pending);
    let job = jobs.try_recv().expect("the load was handed over");
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).is_err());
    let abandoned: Poll<Result<u32, Failure>> = poll(&mut waiting);
    assert_eq!(abandoned, Poll::Ready(Err(LoadError::Abandoned)));
    assert_eq!(poll(&mut follower), Poll::Ready(Ok(11)));
    // An executor that drops what it is given.
    time.advance(12 * SECOND);
    assert_eq!(cache.get_or_refresh(&1, || ok(12)), Ok(11));
    drop(jobs.try_recv().expect("a refresh was begun"));
    assert_eq!(cache.get_or_refresh(&1, || ok(13)), Ok(11));
    jobs.try_recv().expect("another was begun")();
    assert_eq!(cache.get(&1), Some(13));
    cache.assert_invariants();
}

#[test]
fn a_loader_that_asks_for_its_own_key_is_told_so_or_has_what_is_stale() {
    let time = ManualClock::new();
    let cache = fresh(&time, ten_seconds().stale_if_error(60 * SECOND));
    let inner = |value| cache.fetch(&1, || cache.fetch(&1, || ok(value)).map(Loaded::new));
    assert_eq!(inner(1), Err(LoadError::Failed(LoadError::Reentrant)));
    cache.insert(1, 10);
    time.advance(20 * SECOND);
    assert_eq!(inner(2), Ok(10));
    let written = cache.write_with(&2, || cache.write_with(&2, || ok(1)).map(Loaded::new));
    assert_eq!(written, Err(LoadError::Failed(LoadError::Reentrant)));
    cache.assert_invariants();
}

#[test]
fn the_refresh_thread_refreshes_and_ends_with_the_cache() {
    let time = ManualClock::new();
    let cache = builder(&time, ten_seconds().stale_for(60 * SECOND))
        .refresh_thread()
        .build();
    let cache = cache.expect("the settings are valid");
    let kept = Arc::new(());
    cache.insert(1, 10);
    time.advance(20 * SECOND);
    let (told, news) = channel();
    let held = Arc::clone(&kept);
    let present = cache.get_or_refresh(&1, move || {
        let _held = held;
        let thread = std::thread::current();
        told.send(thread.name().map(ToOwned::to_owned))
            .expect("the test listens");
        ok(11)
    });
    assert_eq!(present, Ok(10));
    assert_eq!(
        news.recv().expect("it runs").as_deref(),
        Some("larder-refresh")
    );
    drop(cache);
    while Arc::strong_count(&kept) > 1 {
        std::thread::yield_now();
    }
}

#[test]
fn a_clock_that_jumps_far_ends_everything_and_breaks_nothing() {
    let time = ManualClock::new();
    let cache = fresh(
        &time,
        Freshness::new(Duration::MAX)
            .stale_for(Duration::MAX)
            .early(3.0),
    );
    cache.insert(1, 10);
    cache.insert_with_ttl(2, 20, SECOND);
    time.advance(Duration::from_secs(u64::MAX / 2000));
    assert_eq!(
        (cache.get(&1), cache.get(&2), cache.get_stale(&2)),
        (Some(10), None, Some(20))
    );
    assert_eq!(cache.fetch(&2, || ok(21)), Ok(21));
    cache.assert_invariants();
}

#[test]
fn many_keys_are_loaded_in_one_call_and_each_once_among_all_callers() {
    let cache = Cache::<u32, u32>::new(1000);
    let (loaded, barrier) = (AtomicUsize::new(0), Barrier::new(8));
    std::thread::scope(|scope| {
        for thread in 0..8u32 {
            let (cache, loaded, barrier) = (&cache, &loaded, &barrier);
            scope.spawn(move || {
                let mut keys: Vec<u32> = (0..100).collect();
                if thread % 2 == 1 {
                    keys.reverse();
                }
                barrier.wait();
                let values = cache.get_many_or_load(&keys, |missing| {
                    loaded.fetch_add(missing.len(), Ordering::Relaxed);
                    Ok::<_, Failure>(missing.into_iter().map(|key| (*key, key * 2)))
                });
                let expected: Vec<_> = keys.iter().map(|key| Some(key * 2)).collect();
                assert_eq!(values, Ok(expected));
            });
        }
    });
    assert_eq!(loaded.load(Ordering::Relaxed), 100);
    cache.assert_invariants();
}

#[test]
fn keys_that_repeat_are_missing_or_belong_to_others_are_answered_each_in_its_place() {
    let cache = Cache::<u32, u32>::new(100);
    let open = RefCell::new(None);
    let mut other = pin!(cache.get_or_load_async(&3, gate(&open)));
    assert_eq!(poll(&mut other), Poll::Pending);
    let asked = RefCell::new(VecDeque::new());
    let mut many = pin!(cache.get_many_or_load_async(&[1, 2, 1, 3], |missing| {
        asked.borrow_mut().push_back(missing.clone());
        let found = missing.into_iter().filter(|key| **key != 2);
        let pairs: Vec<_> = found.map(|key| (*key, key * 10)).collect();
        async move { Ok::<_, Failure>(pairs) }
    }));
    assert_eq!(poll(&mut many), Poll::Pending);
    assert_eq!(
        cache.get(&1),
        Some(10),
        "what is loaded does not wait for others"
    );
    *open.borrow_mut() = Some(33);
    assert_eq!(poll(&mut other), Poll::Ready(Ok(33)));
    let answers = vec![Some(10), None, Some(10), Some(33)];
    assert_eq!(poll(&mut many), Poll::Ready(Ok(answers)));
    assert_eq!(*asked.borrow(), [vec![&1, &2]]);
    cache.assert_invariants();
}

#[test]
fn a_load_of_many_keys_that_fails_says_so_or_returns_what_is_stale() {
    let time = ManualClock::new();
    let cache = fresh(&time, ten_seconds().stale_if_error(60 * SECOND));
    let fail =
        |keys: &'static [u32]| cache.get_many_or_load(keys, |_| Err::<Vec<(u32, u32)>, _>("down"));
    assert_eq!(fail(&[1, 2]), Err(LoadError::Failed("down")));
    cache.insert(1, 10);
    time.advance(20 * SECOND);
    assert_eq!(fail(&[1]), Ok(vec![Some(10)]));
    assert_eq!(fail(&[1, 2]), Err(LoadError::Failed("down")));
    cache.assert_invariants();
}

#[test]
fn a_load_that_began_before_a_write_of_the_source_does_not_land() {
    let cache = Cache::<u32, u32>::new(100);
    let loaded = cache.get_or_load(&1, || {
        let written = cache.write_with(&1, || ok(20));
        assert_eq!(written, Ok(20));
        10
    });
    assert_eq!((loaded, cache.get(&1)), (Ok(10), Some(20)));
    cache.assert_invariants();
}

#[test]
fn writers_of_one_source_take_turns_and_readers_who_miss_wait_for_what_they_wrote() {
    let cache = Cache::<u32, u32>::new(100);
    let (first, second) = (RefCell::new(None), RefCell::new(None));
    let mut one = pin!(cache.write_with_async(&1, gate(&first)));
    let mut two = pin!(cache.write_with_async(&1, gate(&second)));
    let mut reader = pin!(cache.get_or_load_async(&1, async { unreachable!("it waits") }));
    assert_eq!(poll(&mut one), Poll::Pending);
    *second.borrow_mut() = Some(ok(2));
    assert_eq!(poll(&mut two), Poll::Pending);
    assert_eq!(poll(&mut reader), Poll::Pending);
    *first.borrow_mut() = Some(ok(1));
    assert_eq!(poll(&mut one), Poll::Ready(Ok(1)));
    assert_eq!(poll(&mut reader), Poll::Ready(Ok(1)));
    assert_eq!(poll(&mut two), Poll::Ready(Ok(2)));
    assert_eq!(cache.get(&1), Some(2));
    cache.assert_invariants();
}

#[test]
fn a_write_that_fails_panics_or_is_dropped_leaves_nothing_behind() {
    let cache = Cache::<u32, u32>::new(100);
    let begin = || assert!(!cache.insert(1, 10).is_rejected());
    begin();
    assert_eq!(
        cache.write_with(&1, || Err("full")),
        Err(LoadError::Failed("full"))
    );
    assert_eq!(cache.get(&1), None);
    begin();
    let panics = || cache.write_with(&1, || -> Result<_, &str> { panic!("by intent") });
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
    assert_eq!(cache.get(&1), None);
    begin();
    {
        let never = RefCell::new(None);
        let mut dropped = pin!(cache.write_with_async(&1, gate::<Result<_, &str>>(&never)));
        assert_eq!(poll(&mut dropped), Poll::Pending);
        assert_eq!(cache.get(&1), Some(10), "until the write has ended");
    }
    // `pin!` keeps the future until the end of the block above.
    assert_eq!(cache.get(&1), None);
    cache.assert_invariants();
}

#[test]
fn a_key_that_is_written_past_a_write_of_its_source_is_doubtful_and_removed() {
    for clears in [false, true] {
        let cache = Cache::<u32, u32>::new(100);
        let written = cache.write_with(&1, || {
            if clears {
                cache.clear();
            } else {
                cache.insert(1, 30);
            }
            ok(20)
        });
        assert_eq!((written, cache.get(&1)), (Ok(20), None));
        cache.assert_invariants();
    }
}

#[test]
fn what_the_source_accepts_and_the_cache_has_no_room_for_takes_the_old_value_along() {
    let cache: Cache<u32, u32> = Cache::builder()
        .max_weight(100)
        .weigher(|_, value: &u32| u64::from(*value))
        .build()
        .expect("the settings are valid");
    cache.insert(1, 10);
    assert_eq!(cache.write_with(&1, || ok(1000)), Ok(1000));
    assert_eq!(cache.get(&1), None);
    cache.assert_invariants();
}

#[test]
fn the_listener_is_told_of_a_stale_value_that_gives_way_as_expired() {
    let time = ManualClock::new();
    let (told, causes) = channel();
    let cache = builder(&time, ten_seconds().stale_for(60 * SECOND))
        .listener(move |_, value, cause| told.send((*value, cause)).expect("the test listens"))
        .build()
        .expect("the settings are valid");
    cache.insert(1, 10);
    time.advance(20 * SECOND);
    cache.fetch(&1, || ok(11)).expect("loaded");
    cache.insert(1, 12);
    let causes: Vec<_> = causes.try_iter().collect();
    assert_eq!(causes, [(10, Cause::Expired), (11, Cause::Replaced)]);
}

#[test]
fn what_is_wrong_with_the_settings_is_said() {
    let faults = |builder: CacheBuilder<u32, u32>| {
        let error = builder.max_entries(10).build().expect_err("they are wrong");
        error.faults().to_vec()
    };
    let builder = Cache::<u32, u32>::builder;
    assert_eq!(
        faults(builder().freshness(ten_seconds().jitter(2.0)).ttl(SECOND)),
        [
            "jitter must be from 0 to 1",
            "freshness has a ttl: do not give another"
        ]
    );
    assert_eq!(faults(builder().tag_by(|_, _| ())), ["tag_by needs tags"]);
}

/// What a model cache knows of a key.
#[derive(Clone, Copy)]
struct Modelled {
    value: u32,
    written: u64,
    outdated: bool,
}

proptest! {
    #[test]
    fn a_cache_with_rules_agrees_with_a_model(
        steps in proptest::collection::vec((0u8..7, 0u32..4, 0u64..8), 1..80),
    ) {
        let (time, tags) = (ManualClock::new(), Tags::new());
        let rules = ten_seconds().stale_for(5 * SECOND).stale_if_error(20 * SECOND);
        let cache = builder(&time, rules.retry_after(Duration::ZERO)).tags(&tags)
            .tag_by(|key, tags| tags.push(Tag::new(key.to_le_bytes()))).build().expect("valid");
        let mut model: [Option<Modelled>; 4] = [None; 4];
        for (number, (step, key, wait)) in steps.into_iter().enumerate() {
            let (value, now) = (number as u32, time.elapsed().as_secs());
            let slot = &mut model[key as usize];
            let age = slot.map(|held| (now - held.written, held.outdated));
            let is_fresh = matches!(age, Some((0..10, false)));
            let is_due = matches!(age, Some((10..15, false)));
            let is_kept = matches!(age, Some((0..30, _)));
            let old = slot.map(|held| held.value);
            let new = Some(Modelled { value, written: now, outdated: false });
            match step {
                0 => { cache.insert(key, value); *slot = new; }
                1 => prop_assert_eq!(cache.get(&key), old.filter(|_| is_fresh)),
                2 => {
                    let expected = if is_fresh { old } else { *slot = new; Some(value) };
                    prop_assert_eq!(cache.get_or_load(&key, || value).ok(), expected);
                }
                3 => {
                    let failed = cache.get_or_try_load(&key, || Err::<u32, _>(())).ok();
                    prop_assert_eq!(failed, old.filter(|_| is_fresh || is_due || is_kept));
                }
                4 => { tags.invalidate(&key.to_le_bytes()); *slot = None; }
                5 => {
                    tags.invalidate_softly(&key.to_le_bytes());
                    if let Some(held) = slot { held.outdated = true; }
                }
                _ => time.advance(Duration::from_secs(wait)),
            }
            cache.assert_invariants();
        }
    }
}
