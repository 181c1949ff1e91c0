//! Transactions: all or nothing, for others and for the store.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::assert_invariants;
use crate::error::Error;
use crate::store::{SetOptions, Store};
use crate::time::{ManualClock, Ttl};

#[test]
fn what_fails_is_taken_back() {
    let store = Store::new();
    store
        .set_many([("a", "1"), ("b", "two")])
        .expect("no bound");
    let large = "x".repeat(10_000);
    store.set("large", &large).expect("no bound");
    let result: Result<(), Error> = store.atomic(["a", "b", "c", "large"], |tx| {
        tx.incr("a", 5)?;
        tx.set("c", "new")?;
        tx.set("large", "small")?;
        assert!(tx.remove("b"));
        assert_eq!(tx.get::<i64>("a")?, Some(6));
        tx.incr("c", 1).map(drop)
    });
    assert_eq!(result, Err(Error::NotAnInteger));
    assert_eq!(store.get::<i64>("a"), Ok(Some(1)));
    assert_eq!(store.get::<String>("b"), Ok(Some("two".into())));
    assert_eq!(store.get::<String>("large"), Ok(Some(large)));
    assert!(!store.exists("c"));
    assert_invariants(&store);
}

#[test]
fn a_panic_takes_everything_back() {
    let store = Store::new();
    store.set("a", 1).expect("no bound");
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        store.atomic(["a", "b"], |tx| -> Result<(), Error> {
            tx.set("a", 2)?;
            tx.rename("a", "b")?;
            panic!("on purpose");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(store.get_many::<i64>(["a", "b"]), Ok(vec![Some(1), None]));
    store.set("a", 3).expect("nothing is locked");
    assert_invariants(&store);
}

#[test]
fn deadlines_come_back_as_well() {
    let time = ManualClock::new();
    let store = Store::builder().clock(time.clock()).build().expect("valid");
    let minute = Duration::from_secs(60);
    store
        .set_with("a", 1, SetOptions::new().ttl(minute))
        .expect("no bound");
    let result: Result<(), Error> = store.atomic(["a"], |tx| {
        assert!(tx.persist("a"));
        assert_eq!(tx.ttl("a"), Ttl::Forever);
        Err(Error::Syntax)
    });
    assert!(result.is_err());
    assert_eq!(store.ttl("a"), Ttl::Left(minute));
    time.advance(minute);
    store.tick();
    assert_eq!(store.len(), 0);
    assert_invariants(&store);
}

#[test]
fn a_key_that_was_not_named_is_an_error() {
    let store = Store::new();
    let result = store.atomic(["a"], |tx| tx.set("b", 1));
    assert_eq!(result, Err(Error::KeyNotNamed));
}

#[test]
fn a_bound_holds_in_transactions_and_when_they_are_taken_back() {
    let store = Store::builder().max_bytes(100_000).build().expect("valid");
    for number in 0..2000 {
        store
            .set(number.to_string(), [b'x'; 40].as_slice())
            .expect("small");
    }
    let keys: Vec<String> = (0..200).map(|number| format!("new {number}")).collect();
    let fill = |fail: bool| {
        store.atomic(&keys, |tx| {
            for key in &keys {
                tx.set(key, [b'y'; 200].as_slice())?;
            }
            if fail { Err(Error::Syntax) } else { Ok(()) }
        })
    };
    assert_eq!(fill(true), Err(Error::Syntax));
    assert!(!store.exists("new 0"));
    assert_invariants(&store);
    assert_eq!(fill(false), Ok(()));
    assert_invariants(&store);
    let too_much = store.atomic(["big"], |tx| tx.set("big", vec![0; 200_000]));
    assert_eq!(too_much, Err(Error::TooLarge));
    assert_invariants(&store);
}

#[test]
fn a_watched_key_that_changed_stops_the_transaction() {
    let store = Store::new();
    store.set_many([("a", 1), ("b", 1)]).expect("no bound");
    let watched = store.watch_keys(["a"]);
    store.set("b", 2).expect("no bound");
    assert!(watched.are_unchanged());
    assert_eq!(
        store.atomic_if_unchanged(&watched, ["a"], |tx| tx.incr("a", 1)),
        Ok(Some(2))
    );
    assert!(!watched.are_unchanged());
    type Change = fn(&Store);
    let changes: [Change; 5] = [
        |store| {
            let _ = store.remove("a");
        },
        |store| {
            let _ = store.set("a", 1);
        },
        |store| {
            let _ = store.expire("a", Duration::from_secs(9));
        },
        |store| {
            let _ = store.rename("a", "c");
        },
        |store| store.clear(),
    ];
    for change in changes {
        store.set("a", 1).expect("no bound");
        let watched = store.watch_keys(["a"]);
        change(&store);
        assert_eq!(
            store.atomic_if_unchanged(&watched, ["a"], |tx| tx.set("a", 2)),
            Ok(None)
        );
    }
    drop(watched);
    assert!(!store.core.watched.any());
}

#[test]
fn transfers_lose_nothing_and_nobody_sees_half_of_one() {
    let store = Store::new();
    let accounts: Vec<String> = (0..8).map(|number| format!("account {number}")).collect();
    for account in &accounts {
        store.set(account, 100).expect("no bound");
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3)
            .map(|worker| {
                let (store, accounts) = (&store, &accounts);
                scope.spawn(move || {
                    for round in 0..2000 {
                        let from = &accounts[(worker + round * 3) % 8];
                        let to = &accounts[(worker * 5 + round) % 8];
                        let result = store.atomic([from, to], |tx| {
                            tx.incr(to, 7)?;
                            let left = tx.decr(from, 7)?;
                            if left < 0 {
                                Err(Error::OutOfRange)
                            } else {
                                Ok(())
                            }
                        });
                        assert!(matches!(result, Ok(()) | Err(Error::OutOfRange)));
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let all = store.get_many::<i64>(&accounts).expect("integers");
                assert_eq!(all.into_iter().flatten().sum::<i64>(), 800);
            }
        });
        for worker in workers {
            worker.join().expect("no panic");
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_invariants(&store);
}

#[test]
fn a_call_of_a_pipeline_that_fails_is_taken_back_and_the_others_stand() {
    let store = Store::new();
    let watched = store.watch_keys(["a"]);
    let results = store
        .pipeline()
        .call(["a"], |tx| tx.incr("a", 1))
        .call(["a", "b"], |tx| {
            tx.incr("a", 10)?;
            tx.list::<u32>("b").push_back_many(0..1000)?;
            Err(Error::Syntax)
        })
        .call(["b"], |tx| tx.incr("b", 5))
        .run();
    assert_eq!(results, [Ok(1), Err(Error::Syntax), Ok(5)]);
    assert_eq!(
        store.get_many::<i64>(["a", "b"]),
        Ok(vec![Some(1), Some(5)])
    );
    assert!(!watched.are_unchanged());
    assert_invariants(&store);
}

#[test]
fn large_collections_come_back_whole_from_under_other_keys() {
    let store = Store::builder().max_bytes(10 << 20).build().expect("valid");
    let members: Vec<u32> = (0..5000).collect();
    store
        .list::<u32>("list")
        .push_back_many(&members)
        .expect("room");
    store.set_of::<u32>("set").add_many(&members).expect("room");
    let result: Result<(), Error> = store.atomic(["list", "set", "other"], |tx| {
        tx.list::<u32>("list").pop_front()?;
        tx.rename("list", "other")?;
        tx.list::<u32>("other").push_back(7)?;
        tx.set_of::<u32>("set").remove_many(&members[..4990])?;
        assert_eq!(tx.set_of::<u32>("set").len()?, 10);
        tx.copy_over("set", "other")?;
        assert!(tx.remove("set"));
        Err(Error::Syntax)
    });
    assert_eq!(result, Err(Error::Syntax));
    assert_eq!(store.list::<u32>("list").range(..), Ok(members));
    assert_eq!(store.set_of::<u32>("set").len(), Ok(5000));
    assert!(!store.exists("other"));
    assert_invariants(&store);
}
