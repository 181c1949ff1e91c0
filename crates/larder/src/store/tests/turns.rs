//! Whose turn it is: nobody comes between a push and those who wait for it.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use super::assert_invariants;
use crate::store::Store;
use crate::{End, Error};

const ROUNDS: usize = 300;

/// Spins until somebody waits for a key.
fn until_waited_for(store: &Store, key: &str) {
    let key = store.core.key(key.as_bytes());
    while !store.core.is_waited_for(key) {
        thread::yield_now();
    }
}

/// A key of another of eight stripes than this one's, with a higher number if that is wanted and there is one.
fn elsewhere(store: &Store, key: &str, is_above: bool) -> String {
    let number = |key: &str| store.core.stripes.number(store.core.hash(key.as_bytes()));
    let is_above = match number(key) {
        0 => true,
        7 => false,
        _ => is_above,
    };
    let mut names = (0..).map(|nth| format!("elsewhere {nth}"));
    names
        .find(|name| match is_above {
            true => number(name) > number(key),
            false => number(name) < number(key),
        })
        .expect("there are several stripes")
}

/// Has one thread wait and another push, while a third pops without waiting; the third must get nothing.
fn overtakes(
    store: &Store,
    wait: impl Fn() + Sync,
    push: impl Fn(),
    pop: impl Fn() -> bool + Sync,
) {
    let (done, stolen) = (AtomicBool::new(false), AtomicUsize::new(0));
    let round = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                stolen.fetch_add(usize::from(pop()), Ordering::Relaxed);
            }
        });
        for _ in 0..ROUNDS {
            let waiter = scope.spawn(|| {
                wait();
                round.fetch_add(1, Ordering::Relaxed);
            });
            until_waited_for(store, "q");
            push();
            if waiter.join().is_err() {
                break;
            }
        }
        done.store(true, Ordering::Release);
    });
    assert_eq!(
        (round.into_inner(), stolen.into_inner()),
        (ROUNDS, 0),
        "served, and popped by those who did not wait"
    );
    assert_invariants(store);
}

#[test]
fn a_pop_that_does_not_wait_never_takes_what_somebody_waits_for() {
    let store = Store::new();
    let list = store.list::<u64>("q");
    let wait = || {
        let taken = store.take_blocking::<u64>(["q", "other"], End::Front, None);
        assert_eq!(taken, Ok(Some((b"q".to_vec(), 7))));
    };
    let pop = || list.pop_front().unwrap().is_some();
    overtakes(&store, wait, || assert!(list.push_back(7).is_ok()), pop);
}

#[test]
fn what_is_to_be_moved_to_another_stripe_is_never_taken_by_others() {
    for is_above in [true, false] {
        let store = Store::builder().stripes(8).build().unwrap();
        let to = elsewhere(&store, "q", is_above);
        let list = store.list::<u64>("q");
        let wait = || {
            let moved = store.take_to_blocking::<u64>("q", End::Front, &to, End::Back, None);
            assert_eq!(moved, Ok(Some(7)));
        };
        let pop = || list.pop_front().unwrap().is_some();
        overtakes(&store, wait, || assert!(list.push_back(7).is_ok()), pop);
        assert_eq!(store.list::<u64>(&to).len(), Ok(ROUNDS));
    }
}

#[test]
fn what_a_transaction_pushed_is_handed_over_before_anybody_sees_it() {
    let store = Store::builder().stripes(8).build().unwrap();
    let to = elsewhere(&store, "q", true);
    let wait = || {
        let moved = store.take_to_blocking::<u64>("q", End::Front, &to, End::Back, None);
        assert_eq!(moved, Ok(Some(1)));
    };
    let push = || {
        let pushed = store.atomic(["q", "tally"], |tx| {
            tx.incr("tally", 1)?;
            tx.list::<u64>("q").push_back(1)
        });
        assert_eq!(pushed, Ok(1), "the pusher counts it");
    };
    let pop = || {
        let popped = store.atomic(["q"], |tx| tx.list::<u64>("q").pop_front());
        popped.unwrap().is_some()
    };
    overtakes(&store, wait, push, pop);
}

#[test]
fn a_move_without_room_while_all_stripes_are_held_is_made_once_they_are_let_go() {
    let bound = 1 << 20;
    let store = Store::builder()
        .max_bytes(bound)
        .stripes(8)
        .build()
        .unwrap();
    let to = elsewhere(&store, "q", true);
    let number = |key: &str| store.core.stripes.number(store.core.hash(key.as_bytes()));
    // All room is taken in the stripe of the source, so that of the destination gets some from there only.
    let fillers = (0..).map(|nth| format!("filler {nth}"));
    let fillers = fillers.filter(|key| number(key) == number("q"));
    for key in fillers.take(2000) {
        store.set(key, [0; 1000]).unwrap();
    }
    let moving = store.take_to::<Vec<u8>>("q", End::Front, &to, End::Back);
    let mut moving = std::pin::pin!(moving);
    let mut context = Context::from_waker(Waker::noop());
    assert!(moving.as_mut().poll(&mut context).is_pending());
    let element = vec![7; 3000];
    let pushed = store.atomic_all(|tx| tx.list::<Vec<u8>>("q").push_back(&element[..]));
    assert_eq!(pushed, Ok(1));
    let moved = moving.as_mut().poll(&mut context);
    assert_eq!(moved, Poll::Ready(Ok(element.clone())));
    assert_eq!(store.list::<Vec<u8>>(&to).range(..), Ok(vec![element]));
    assert!(!store.exists("q"));
    assert_invariants(&store);
}

#[test]
fn a_move_for_which_there_is_no_room_at_all_is_refused_and_the_next_in_the_queue_is_served() {
    let store = Store::builder()
        .max_bytes(200_000)
        .stripes(8)
        .build()
        .unwrap();
    let to = elsewhere(&store, "q", true);
    store
        .list::<Vec<u8>>(&to)
        .push_back(vec![1; 100_000])
        .unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut moving = std::pin::pin!(store.take_to::<Vec<u8>>("q", End::Front, &to, End::Back));
    let mut popping = std::pin::pin!(store.take::<Vec<u8>>(["q"], End::Front));
    assert!(moving.as_mut().poll(&mut context).is_pending());
    assert!(popping.as_mut().poll(&mut context).is_pending());
    // Together they would be more than the bound, and a list that grows evicts others, never itself.
    let element = vec![2; 120_000];
    store.list::<Vec<u8>>("q").push_back(&element[..]).unwrap();
    if let Poll::Ready(moved) = moving.as_mut().poll(&mut context) {
        assert_eq!(moved, Err(Error::TooLarge));
    }
    let popped = popping.as_mut().poll(&mut context);
    assert_eq!(popped, Poll::Ready(Ok((b"q".to_vec(), element))));
    assert_invariants(&store);
}

#[test]
fn chains_of_moves_over_many_stripes_end_in_one_push() {
    const LINKS: usize = 20;
    let store = Store::builder().stripes(8).build().unwrap();
    let names: Vec<String> = (0..=LINKS).map(|nth| format!("link {nth}")).collect();
    thread::scope(|scope| {
        for pair in names.windows(2) {
            let store = &store;
            scope.spawn(move || {
                let moved =
                    store.take_to_blocking::<u64>(&pair[0], End::Front, &pair[1], End::Back, None);
                assert_eq!(moved, Ok(Some(5)));
            });
        }
        names[..LINKS]
            .iter()
            .for_each(|name| until_waited_for(&store, name));
        store.list::<u64>("link 0").push_back(5).unwrap();
        let last = store.list::<u64>(&names[LINKS]);
        assert_eq!(last.pop_front(), Ok(Some(5)), "it has arrived by now");
    });
    assert_eq!(store.len(), 0);
    assert_invariants(&store);
}

#[test]
fn moves_in_a_circle_of_stripes_end_and_lock_nobody_out() {
    let store = Store::builder().stripes(8).build().unwrap();
    let names = ["here", "there", "elsewhere"];
    let moved = AtomicUsize::new(0);
    thread::scope(|scope| {
        for nth in 0..3 {
            let (store, moved) = (&store, &moved);
            scope.spawn(move || {
                let (from, to) = (names[nth], names[(nth + 1) % 3]);
                for _ in 0..ROUNDS {
                    store.take_to_blocking::<u64>(from, End::Front, to, End::Back, None)?;
                    moved.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, Error>(())
            });
        }
        for (nth, name) in names.iter().enumerate() {
            store.list::<u64>(name).push_back(nth as u64).unwrap();
        }
    });
    assert_eq!(moved.into_inner(), 3 * ROUNDS);
    let left: usize = names
        .iter()
        .map(|name| store.list::<u64>(name).len().unwrap())
        .sum();
    assert_eq!(left, 3);
    assert_invariants(&store);
}
