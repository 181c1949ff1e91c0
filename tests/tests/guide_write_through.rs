//! The usual guide's write-through, before a real SQLite database: the database first, then the cache; and writing
//! behind, before a backing that fails now and then.

#![allow(
    clippy::disallowed_methods,
    reason = "backings of tests need locks, races need threads"
)]

mod sqlite;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use larder::{Aside, Backoff, Cache, Full, LoadError, ManualClock, Sink, Source, Trouble};
use larder::{WriteBehind, WriteThrough};
use sqlite::Users;

type Rows = HashMap<u32, u32>;

fn named(name: &str) -> Option<String> {
    Some(name.to_owned())
}

#[test]
fn a_write_reaches_the_database_and_the_cache() {
    let users = WriteThrough::new(Cache::new(1000), Users::numbered(10));
    users
        .set(&7, "Ada".to_owned())
        .expect("the database takes it");
    assert_eq!(
        (users.backing().name(7), users.get(&7)),
        (named("Ada"), Ok(named("Ada")))
    );
    users.remove(&7).expect("the database removes it");
    assert_eq!((users.backing().name(7), users.get(&7)), (None, Ok(None)));
    assert_eq!(
        users.backing().queries.load(Ordering::Relaxed),
        0,
        "the cache knew"
    );
    assert_eq!(users.get(&3), Ok(named("User 3")));
}

#[test]
fn a_write_around_drops_the_entry_and_the_next_read_loads() {
    let users = Aside::new(Cache::new(1000), Users::numbered(10));
    assert_eq!(users.get(&7), Ok(named("User 7")));
    users
        .set(&7, &"Ada".to_owned())
        .expect("the database takes it");
    assert_eq!(users.cache().get(&7), None);
    assert_eq!(users.get(&7), Ok(named("Ada")));
}

/// A backing in memory that fails on every third write, after it wrote or before.
#[derive(Default)]
struct Flaky {
    rows: Mutex<Rows>,
    writes: AtomicUsize,
    /// All writes of each key that came through, in their order.
    log: Mutex<HashMap<u32, Vec<u32>>>,
}

impl Flaky {
    fn write(&self, key: u32, value: Option<u32>) -> Result<(), &'static str> {
        let number = self.writes.fetch_add(1, Ordering::Relaxed) + 1;
        if number.is_multiple_of(6) {
            return Err("failed before it wrote");
        }
        let mut rows = self.rows.lock().expect("no test panics with it");
        match value {
            Some(value) => drop(rows.insert(key, value)),
            None => drop(rows.remove(&key)),
        }
        let mut log = self.log.lock().expect("no test panics with it");
        log.entry(key).or_default().extend(value);
        if number.is_multiple_of(3) {
            return Err("failed after it wrote");
        }
        Ok(())
    }

    fn row(&self, key: u32) -> Option<u32> {
        self.rows
            .lock()
            .expect("no test panics with it")
            .get(&key)
            .copied()
    }
}

impl Source<u32, u32> for Flaky {
    type Error = &'static str;

    fn load(&self, key: &u32) -> Result<Option<u32>, &'static str> {
        Ok(self.row(*key))
    }
}

impl Sink<u32, u32> for Flaky {
    type Error = &'static str;

    fn store(&self, key: &u32, value: &u32) -> Result<(), &'static str> {
        self.write(*key, Some(*value))
    }

    fn remove(&self, key: &u32) -> Result<(), &'static str> {
        self.write(*key, None)
    }
}

/// The guide's class: the database first, then the cache; it is reads that find out.
#[derive(Default)]
struct Guide {
    database: Flaky,
    cache: Mutex<Rows>,
}

#[test]
fn trap_failed_writes_what_the_database_has_is_what_is_read_where_the_guide_keeps_the_old() {
    let guide = Guide::default();
    let set = |value| {
        guide.database.store(&1, &value)?;
        guide.cache.lock().expect("no panic").insert(1, value);
        Ok::<_, &str>(())
    };
    assert_eq!(
        (set(1), set(2), set(3)),
        (Ok(()), Ok(()), Err("failed after it wrote"))
    );
    let cached = guide.cache.lock().expect("no panic").get(&1).copied();
    assert_ne!(cached, guide.database.row(1), "the guide's way");

    let scores = WriteThrough::new(Cache::new(100), Flaky::default());
    for value in 1..100 {
        let result = scores.set(&1, value);
        assert_eq!(result.is_err(), value.is_multiple_of(3));
        assert_eq!(scores.get(&1), Ok(scores.backing().row(1)));
    }
}

#[test]
fn trap_racing_writers_the_cache_ends_with_what_the_database_ends_with() {
    // The guide's way: two writers, the second to the database is the first to the cache.
    let guide = Guide::default();
    guide.database.store(&1, &1).expect("the first write");
    guide.database.store(&1, &2).expect("the second write");
    for value in [2, 1] {
        guide.cache.lock().expect("no panic").insert(1, value);
    }
    let cached = guide.cache.lock().expect("no panic").get(&1).copied();
    assert_ne!(cached, guide.database.row(1), "the guide's way");

    let scores = WriteThrough::new(Cache::new(100), Flaky::default());
    let numbers = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..500 {
                    let value = numbers.fetch_add(1, Ordering::Relaxed);
                    let written = scores.set(&(round % 3), value);
                    assert!(matches!(written, Ok(()) | Err(LoadError::Failed(_))));
                    scores.get(&(round % 3)).expect("reads do not fail");
                }
            });
        }
    });
    for key in 0..3 {
        assert_eq!(scores.get(&key), Ok(scores.backing().row(key)));
    }
}

#[test]
fn trap_slow_loads_a_load_that_began_before_a_write_is_not_stored_after_it() {
    let scores = WriteThrough::new(Cache::new(100), Flaky::default());
    let read = scores.cache().get_or_load(&1, || {
        scores.set(&1, 20).expect("the first write");
        Some(10) // read before that
    });
    assert_eq!((read, scores.get(&1)), (Ok(Some(10)), Ok(Some(20))));
}

/// What a `WriteBehind` reported: key and failures in a row, or what was lost.
type Reports = Arc<Mutex<Vec<(u32, u32)>>>;

fn behind(
    time: &ManualClock,
    backing: &Arc<Flaky>,
) -> (WriteBehind<u32, u32, Arc<Flaky>>, Reports) {
    let reports = Reports::default();
    let told = Arc::clone(&reports);
    let scores = WriteBehind::builder(Cache::new(4), Arc::clone(backing))
        .capacity(100)
        .backoff(Backoff {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(4),
        })
        .clock(time.clock())
        .report(move |trouble| {
            if let Trouble::Failed { key, failures, .. } = trouble {
                told.lock().expect("no panic").push((*key, failures));
            }
        });
    (scores.build().expect("the settings are valid"), reports)
}

#[test]
fn a_write_behind_is_read_at_once_written_later_and_writes_of_a_key_become_one() {
    let (backing, time) = (Arc::default(), ManualClock::new());
    let (scores, _) = behind(&time, &backing);
    for value in 0..10 {
        scores.set(&1, value).expect("there is room");
        assert_eq!(scores.get(&1), Ok(Some(value)));
    }
    assert_eq!((backing.row(1), scores.pending()), (None, 1));
    assert_eq!(scores.flush(), 0);
    assert_eq!(
        (backing.row(1), backing.writes.load(Ordering::Relaxed)),
        (Some(9), 1)
    );
    scores.remove(&1).expect("there is room");
    assert_eq!((scores.get(&1), backing.row(1)), (Ok(None), Some(9)));
    scores.flush();
    assert_eq!((scores.get(&1), backing.row(1)), (Ok(None), None));
}

#[test]
fn what_is_evicted_before_it_was_written_is_read_all_the_same() {
    let (backing, time) = (Arc::default(), ManualClock::new());
    let (scores, _) = behind(&time, &backing);
    (0..100).for_each(|key| scores.set(&key, key + 1).expect("there is room"));
    assert!((0..100).all(|key| scores.get(&key) == Ok(Some(key + 1))));
    assert_eq!(backing.writes.load(Ordering::Relaxed), 0);
}

#[test]
fn writes_that_fail_are_reported_and_tried_again_after_pauses_that_double() {
    let (backing, time): (Arc<Flaky>, _) = (Arc::default(), ManualClock::new());
    let (scores, reports) = behind(&time, &backing);
    backing.writes.store(5, Ordering::Relaxed);
    scores.set(&1, 10).expect("there is room");
    assert_eq!(scores.flush_due(), Some(Duration::from_secs(1)));
    assert_eq!(backing.row(1), None);
    backing.writes.store(5, Ordering::Relaxed);
    assert_eq!(scores.flush_due(), Some(Duration::from_secs(1)), "not yet");
    time.advance(Duration::from_secs(1));
    assert_eq!(scores.flush_due(), Some(Duration::from_secs(2)));
    backing.writes.store(0, Ordering::Relaxed);
    time.advance(Duration::from_secs(2));
    assert_eq!(scores.flush_due(), None);
    assert_eq!((backing.row(1), scores.pending()), (Some(10), 0));
    assert_eq!(*reports.lock().expect("no panic"), [(1, 1), (1, 2)]);
}

#[test]
fn too_many_pending_keys_are_refused_and_nothing_else() {
    let backing = Arc::new(Flaky::default());
    let scores = WriteBehind::builder(Cache::new(100), Arc::clone(&backing))
        .capacity(1)
        .build();
    let scores = scores.expect("the settings are valid");
    backing.writes.store(5, Ordering::Relaxed);
    scores.set(&1, 10).expect("there is room");
    assert_eq!(
        scores.set(&2, 20),
        Err(Full(20)),
        "the caller's own flush failed"
    );
    scores.set(&1, 11).expect("the key is pending already");
    assert_eq!((scores.get(&1), scores.get(&2)), (Ok(Some(11)), Ok(None)));
    scores.flush();
    scores.set(&2, 20).expect("there is room again");
}

#[test]
fn what_is_pending_at_the_end_is_written_or_reported_as_lost() {
    let backing = Arc::new(Flaky::default());
    let (scores, _) = behind(&ManualClock::new(), &backing);
    (0..100).for_each(|key| scores.set(&key, key).expect("there is room"));
    drop(scores);
    assert!((0..100).all(|key| backing.row(key) == Some(key)));

    struct Broken;
    impl Sink<u32, u32> for Broken {
        type Error = &'static str;
        fn store(&self, _: &u32, _: &u32) -> Result<(), &'static str> {
            panic!("by intent")
        }
        fn remove(&self, _: &u32) -> Result<(), &'static str> {
            Err("no")
        }
    }
    let (told, lost) = channel();
    let scores = WriteBehind::builder(Cache::new(100), Broken).report(move |trouble| {
        if let Trouble::Lost { key, value } = trouble {
            told.send((*key, value.copied())).expect("the test listens");
        }
    });
    let scores = scores.build().expect("the settings are valid");
    scores.set(&1, 10).expect("there is room");
    scores.remove(&2).expect("there is room");
    drop(scores);
    let mut lost: Vec<_> = lost.iter().collect();
    lost.sort_unstable();
    assert_eq!(lost, [(1, Some(10)), (2, None)]);
}

#[test]
fn each_key_is_written_in_order_and_ends_right_among_threads_with_a_thread_that_flushes() {
    let backing = Arc::new(Flaky::default());
    let scores = WriteBehind::builder(Cache::new(4), Arc::clone(&backing))
        .backoff(Backoff {
            first: Duration::from_millis(1),
            longest: Duration::from_millis(2),
        })
        .build_with_thread()
        .expect("the settings are valid");
    thread::scope(|scope| {
        for key in 0..4 {
            let scores = &scores;
            scope.spawn(move || {
                for value in 0..500 {
                    scores.set(&key, value).expect("there is room");
                    assert_eq!(scores.get(&key), Ok(Some(value)));
                }
            });
        }
    });
    drop(scores);
    let log = backing.log.lock().expect("no panic");
    for key in 0..4 {
        assert!(log[&key].is_sorted(), "a write never goes back");
        assert_eq!(backing.row(key), Some(499));
    }
}

#[test]
fn sqlite_takes_what_was_written_behind() {
    let database = Arc::new(Users::numbered(10));
    let users = WriteBehind::builder(Cache::new(100), Arc::clone(&database)).build();
    let users = users.expect("the settings are valid");
    for _ in 0..5 {
        users.set(&7, "Ada".to_owned()).expect("there is room");
    }
    assert_eq!(
        (users.get(&7), database.name(7)),
        (Ok(named("Ada")), named("User 7"))
    );
    drop(users);
    assert_eq!(database.name(7), named("Ada"));
    assert_eq!(database.writes.load(Ordering::Relaxed), 1);
}
