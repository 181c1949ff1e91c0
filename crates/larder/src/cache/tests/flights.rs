//! One load for all: threads and tasks, errors, panics, dropped futures, re-entry, overtaking writes, limits.

use std::cell::RefCell;
use std::pin::pin;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::task::{Context, Poll};
use std::time::Duration;

use super::{Bell, gate, poll};
use crate::{Cache, LoadError, ManualClock};

/// Waits until so many callers are queued up for a key.
fn await_followers(cache: &Cache<u32, u32>, key: u32, count: usize) {
    let core = &*cache.core;
    let hash = core.hash(&key);
    let queued = || {
        core.stripes.of(hash).read(|_, _, shard| {
            let flight = shard
                .entries
                .flight(crate::stripes::low_bits(hash), |other| *other == key);
            flight.map_or(0, |(_, flight)| flight.relay.followers())
        })
    };
    while queued() < count {
        std::thread::yield_now();
    }
}

#[test]
fn sixty_four_threads_that_ask_for_one_key_load_it_once() {
    let cache = Cache::<u32, u32>::new(100);
    let loads = AtomicUsize::new(0);
    let barrier = Barrier::new(64);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                barrier.wait();
                let value = cache.get_or_load(&1, || {
                    await_followers(&cache, 1, 63);
                    loads.fetch_add(1, Ordering::Relaxed) as u32 + 10
                });
                assert_eq!(value, Ok(10));
            });
        }
    });
    assert_eq!(loads.load(Ordering::Relaxed), 1);
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.load_failures, stats.misses), (1, 0, 64));
    cache.assert_invariants();
}

#[test]
fn other_keys_of_the_stripe_do_not_wait_for_a_load() {
    let cache: Cache<u32, u32> = Cache::builder()
        .max_entries(100)
        .stripes(1)
        .build()
        .expect("the settings are valid");
    let value = cache.get_or_load(&1, || {
        cache.insert(2, 20);
        cache.get(&2).unwrap_or(0) + cache.get_or_load(&3, || 30).unwrap_or(0)
    });
    assert_eq!(value, Ok(50));
    assert_eq!(cache.len(), 3);
}

#[test]
fn an_error_goes_to_its_caller_and_the_turn_to_the_next() {
    let cache = Cache::<u32, u32>::new(100);
    let order = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let failing = scope.spawn(|| {
            cache.get_or_try_load(&1, || {
                await_followers(&cache, 1, 3);
                Err("no")
            })
        });
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                while cache
                    .core
                    .stripes
                    .iter()
                    .all(|s| s.read(|_, _, shard| shard.entries.flights.is_empty()))
                {
                    std::thread::yield_now();
                }
                scope.spawn(|| {
                    cache.get_or_try_load(&1, || match order.fetch_add(1, Ordering::Relaxed) {
                        0 => Err("no again"),
                        n => Ok(n as u32),
                    })
                })
            })
            .collect();
        assert_eq!(
            failing.join().expect("no panic"),
            Err(LoadError::Failed("no"))
        );
        let results: Vec<_> = waiting
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect();
        assert_eq!(
            results
                .iter()
                .filter(|result| **result == Err(LoadError::Failed("no again")))
                .count(),
            1
        );
        assert_eq!(results.iter().filter(|result| **result == Ok(1)).count(), 2);
    });
    assert_eq!(order.load(Ordering::Relaxed), 2);
    assert_eq!((cache.stats().loads, cache.stats().load_failures), (3, 2));
    cache.assert_invariants();
}

#[test]
fn a_panic_stays_with_its_caller_and_the_turn_goes_to_the_next() {
    let cache = Cache::<u32, u32>::new(100);
    std::thread::scope(|scope| {
        let (started, running) = channel();
        let cache = &cache;
        let panicking = scope.spawn(move || {
            cache.get_or_load(&1, || {
                started.send(()).expect("the test listens");
                await_followers(cache, 1, 1);
                panic!("the loader's own")
            })
        });
        running.recv().expect("the loader starts");
        assert_eq!(cache.get_or_load(&1, || 7), Ok(7));
        assert!(panicking.join().is_err());
    });
    assert_eq!(cache.get(&1), Some(7));
    cache.assert_invariants();
}

#[test]
fn a_dropped_future_hands_its_turn_to_a_task_and_that_one_to_a_thread() {
    let cache = Cache::<u32, u32>::new(100);
    let never = RefCell::new(None::<u32>);
    let mut first = Box::pin(cache.get_or_load_async(&1, gate(&never)));
    let mut second = Box::pin(cache.get_or_load_async(&1, gate(&never)));
    let (bell, waker) = Bell::new();
    assert!(poll(&mut first).is_pending());
    assert!(
        second
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop(first);
    assert_eq!(bell.rings(), 1);
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| cache.get_or_load(&1, || 5));
        await_followers(&cache, 1, 1);
        // It was woken and never polled again: the turn goes on.
        drop(second);
        assert_eq!(thread.join().expect("no panic"), Ok(5));
    });
    cache.assert_invariants();
}

#[test]
fn threads_and_tasks_share_one_load_whoever_runs_it() {
    let cache = Cache::<u32, u32>::new(100);
    let open = RefCell::new(None);
    let mut leader = Box::pin(cache.get_or_load_async(&1, gate(&open)));
    let mut follower =
        Box::pin(cache.get_or_load_async(&1, async { unreachable!("one load is enough") }));
    assert!(poll(&mut leader).is_pending() && poll(&mut follower).is_pending());
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| cache.get_or_load(&1, || unreachable!("one load is enough")));
        await_followers(&cache, 1, 2);
        *open.borrow_mut() = Some(9);
        assert_eq!(poll(&mut leader), Poll::Ready(Ok(9)));
        assert_eq!(thread.join().expect("no panic"), Ok(9));
    });
    assert_eq!(poll(&mut follower), Poll::Ready(Ok(9)));
    assert_eq!(cache.stats().loads, 1);
    cache.assert_invariants();
}

#[test]
fn futures_that_are_dropped_in_any_order_leave_nothing_behind() {
    for dropped in 0..3 {
        for polls in 0..4 {
            let cache = Cache::<u32, u32>::new(100);
            let never = RefCell::new(None::<u32>);
            let mut futures: Vec<_> = (0..3)
                .map(|_| Box::pin(cache.get_or_load_async(&1, gate(&never))))
                .collect();
            for future in futures.iter_mut().take(polls) {
                assert!(poll(future).is_pending());
            }
            drop(futures.remove(dropped));
            futures
                .iter_mut()
                .for_each(|future| assert!(poll(future).is_pending()));
            *never.borrow_mut() = Some(3);
            while !futures.is_empty() {
                futures.retain_mut(|future| poll(future).is_pending());
            }
            assert_eq!(cache.get(&1), Some(3));
            cache.assert_invariants();
        }
    }
}

#[test]
fn a_loader_that_asks_for_its_own_key_gets_an_error_not_a_deadlock() {
    let cache = Cache::<u32, u32>::new(100);
    let value = cache.get_or_load(&1, || {
        let again = cache.get_or_load(&2, || cache.get_or_load(&1, || 0).unwrap_or(11));
        assert_eq!(cache.get_or_load(&1, || 0), Err(LoadError::Reentrant));
        again.unwrap_or(0)
    });
    assert_eq!(value, Ok(11));
    let nested = async {
        let inner = cache.get_or_load_async(&3, async { 0 }).await;
        assert_eq!(inner, Err(LoadError::Reentrant));
        33
    };
    let mut future = Box::pin(cache.get_or_load_async(&3, nested));
    assert_eq!(poll(&mut future), Poll::Ready(Ok(33)));
    assert_eq!(cache.get(&3), Some(33));
}

#[test]
fn a_task_that_awaits_two_loads_of_one_key_side_by_side_is_not_re_entrant() {
    let cache = Cache::<u32, u32>::new(100);
    let open = RefCell::new(None);
    let mut first = pin!(cache.get_or_load_async(&1, gate(&open)));
    let mut second = pin!(cache.get_or_load_async(&1, async { 0 }));
    let mut context = Context::from_waker(std::task::Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(second.as_mut().poll(&mut context).is_pending());
    *open.borrow_mut() = Some(4);
    assert_eq!(first.as_mut().poll(&mut context), Poll::Ready(Ok(4)));
    assert_eq!(second.as_mut().poll(&mut context), Poll::Ready(Ok(4)));
}

#[test]
fn a_load_is_returned_but_not_stored_over_what_was_written_meanwhile() {
    type Overtaking = (&'static str, fn(&Cache<u32, u32>), Option<u32>);
    let overtake: [Overtaking; 6] = [
        ("insert", |cache| _ = cache.insert(1, 100), Some(100)),
        ("remove", |cache| _ = cache.remove(&1), None),
        (
            "insert and remove",
            |cache| _ = (cache.insert(1, 100), cache.remove(&1)),
            None,
        ),
        ("clear", |cache| cache.clear(), None),
        ("retain", |cache| _ = cache.retain(|_, _| true), None),
        (
            "compute",
            |cache| _ = cache.compute(1, |_| crate::Change::Insert(5)),
            Some(5),
        ),
    ];
    for (name, overtaking, expected) in overtake {
        let cache = Cache::<u32, u32>::new(100);
        let loaded = cache.get_or_load(&1, || {
            overtaking(&cache);
            7
        });
        assert_eq!((loaded, cache.get(&1)), (Ok(7), expected), "{name}");
        cache.assert_invariants();
    }
}

#[test]
fn who_asks_after_a_removal_does_not_get_what_a_load_began_before_it() {
    let cache = Cache::<u32, u32>::new(100);
    let open = RefCell::new(None);
    let mut old = Box::pin(cache.get_or_load_async(&1, gate(&open)));
    let mut early = Box::pin(cache.get_or_load_async(&1, async { 0 }));
    assert!(poll(&mut old).is_pending() && poll(&mut early).is_pending());
    cache.remove(&1);
    assert_eq!(cache.get_or_load(&1, || 2), Ok(2));
    *open.borrow_mut() = Some(1);
    assert_eq!(poll(&mut old), Poll::Ready(Ok(1)));
    assert_eq!(poll(&mut early), Poll::Ready(Ok(1)));
    assert_eq!(cache.get(&1), Some(2));
}

#[test]
fn followers_of_a_load_that_was_overtaken_and_failed_start_anew() {
    let cache = Cache::<u32, u32>::new(100);
    let never = RefCell::new(None::<u32>);
    let mut leader = Box::pin(cache.get_or_load_async(&1, gate(&never)));
    let mut follower = Box::pin(cache.get_or_load_async(&1, async { 0 }));
    assert!(poll(&mut leader).is_pending() && poll(&mut follower).is_pending());
    cache.insert(1, 6);
    drop(leader);
    assert_eq!(poll(&mut follower), Poll::Ready(Ok(6)));
    cache.assert_invariants();
}

#[test]
fn a_follower_waits_no_longer_than_it_will_and_the_load_goes_on() {
    let time = ManualClock::new();
    let cache: Cache<u32, u32> = Cache::builder()
        .max_entries(9)
        .clock(time.clock())
        .build()
        .expect("the settings are valid");
    let open = RefCell::new(None);
    let mut leader = Box::pin(cache.get_or_load_async(&1, gate(&open)));
    assert!(poll(&mut leader).is_pending());
    let patient = cache.patient(Duration::from_secs(1));
    let mut follower = Box::pin(patient.get_or_load_async(&1, async { 0 }));
    let (bell, waker) = Bell::new();
    assert!(
        follower
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| cache.patient(Duration::from_secs(1)).get_or_load(&1, || 0));
        await_followers(&cache, 1, 2);
        time.advance(Duration::from_secs(1));
        assert_eq!(thread.join().expect("no panic"), Err(LoadError::TimedOut));
    });
    assert_eq!(bell.rings(), 0);
    cache.tick();
    assert_eq!(bell.rings(), 1);
    assert_eq!(poll(&mut follower), Poll::Ready(Err(LoadError::TimedOut)));
    assert_eq!(
        cache.patient(Duration::ZERO).get_or_load(&1, || 0),
        Err(LoadError::TimedOut)
    );
    *open.borrow_mut() = Some(8);
    assert_eq!(poll(&mut leader), Poll::Ready(Ok(8)));
    cache.assert_invariants();
}

#[test]
fn the_shared_thread_wakes_a_task_at_its_limit_when_nobody_calls() {
    let cache = Cache::<u32, u32>::new(9);
    let never = RefCell::new(None::<u32>);
    let mut leader = Box::pin(cache.get_or_load_async(&1, gate(&never)));
    assert!(poll(&mut leader).is_pending());
    let patient = cache.patient(Duration::from_millis(5));
    let mut follower = pin!(patient.get_or_load_async(&1, async { 0 }));
    let result = crate::wait::block_on(|context| follower.as_mut().poll(context), None);
    assert_eq!(result, Some(Err(LoadError::TimedOut)));
}

#[test]
fn a_loaded_value_that_is_too_heavy_is_returned_and_not_stored() {
    let cache: Cache<u32, u32> = Cache::builder()
        .max_weight(10)
        .weigher(|_, value| u64::from(*value))
        .build()
        .expect("the settings are valid");
    assert_eq!(cache.get_or_load(&1, || 11), Ok(11));
    assert_eq!((cache.len(), cache.stats().rejections), (0, 1));
    cache.assert_invariants();
}

#[test]
fn an_expired_value_is_loaded_anew() {
    let time = ManualClock::new();
    let cache: Cache<u32, u32> = Cache::builder()
        .max_entries(9)
        .ttl(Duration::from_secs(1))
        .clock(time.clock())
        .build()
        .expect("the settings are valid");
    assert_eq!(cache.get_or_load(&1, || 1), Ok(1));
    time.advance(Duration::from_secs(1));
    assert_eq!(cache.get_or_load(&1, || 2), Ok(2));
    assert_eq!((cache.len(), cache.stats().expirations), (1, 1));
}

#[test]
fn the_time_that_loads_take_is_counted() {
    let time = ManualClock::new();
    let cache: Cache<u32, u32> = Cache::builder()
        .max_entries(9)
        .clock(time.clock())
        .build()
        .expect("the settings are valid");
    let loaded = cache.get_or_load(&1, || {
        time.advance(Duration::from_millis(250));
        1
    });
    assert_eq!(
        (loaded, cache.stats().load_time),
        (Ok(1), Duration::from_millis(250))
    );
}

#[test]
fn loading_futures_can_be_sent_to_other_threads() {
    fn assert_send<T: Send>(_: &T) {}
    let cache = Cache::<String, u32>::new(9);
    assert_send(&cache.get_or_load_async("a", async { 1 }));
    assert_send(
        &cache
            .patient(Duration::ZERO)
            .get_or_try_load_async("a", async { Err(()) }),
    );
}
