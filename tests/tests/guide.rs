//! The usual guide to caching with Redis strings, section by section, done with larder and no server.
//!
//! Each test is a paragraph of such a guide. Time is moved by hand.

use larder::{
    Cache, Condition, Error, LoadError, ManualClock, ScanOptions, SetOptions, Store, Ttl,
};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A store whose time stands until it is moved.
fn timed_store() -> (ManualClock, Store) {
    let time = ManualClock::new();
    let store = Store::builder()
        .clock(time.clock())
        .build()
        .expect("nothing is out of bounds");
    (time, store)
}

mod values {
    use super::*;

    #[test]
    fn what_is_set_can_be_got() -> Result<(), Error> {
        let store = Store::new();
        store.set("greeting", "hello")?;
        assert_eq!(store.get::<String>("greeting")?.as_deref(), Some("hello"));
        Ok(())
    }

    #[test]
    fn a_key_that_was_never_set_has_no_value() -> Result<(), Error> {
        assert_eq!(Store::new().get::<String>("greeting")?, None);
        Ok(())
    }

    #[test]
    fn setting_again_replaces_the_value() -> Result<(), Error> {
        let store = Store::new();
        store.set("greeting", "hello")?;
        store.set("greeting", "good evening")?;
        assert_eq!(
            store.get::<String>("greeting")?.as_deref(),
            Some("good evening")
        );
        Ok(())
    }

    #[test]
    fn an_empty_value_is_a_value() -> Result<(), Error> {
        let store = Store::new();
        store.set("nothing", "")?;
        assert!(store.exists("nothing"));
        assert_eq!(store.get::<String>("nothing")?.as_deref(), Some(""));
        Ok(())
    }

    #[test]
    fn bytes_come_back_as_they_went_in() -> Result<(), Error> {
        let store = Store::new();
        let every_byte: Vec<u8> = (0..=u8::MAX).collect();
        store.set("blob", &every_byte)?;
        assert_eq!(store.get::<Vec<u8>>("blob")?, Some(every_byte));
        Ok(())
    }

    #[test]
    fn exists_tells_a_set_key_from_one_that_is_not() -> Result<(), Error> {
        let store = Store::new();
        store.set("greeting", "hello")?;
        assert!(store.exists("greeting"));
        assert!(!store.exists("farewell"));
        assert_eq!(store.exists_many(["greeting", "farewell", "greeting"]), 2);
        Ok(())
    }

    #[test]
    fn a_removed_key_is_gone_and_removing_it_again_does_nothing() -> Result<(), Error> {
        let store = Store::new();
        store.set("greeting", "hello")?;
        assert!(store.remove("greeting"));
        assert_eq!(store.get::<String>("greeting")?, None);
        assert!(!store.remove("greeting"));
        Ok(())
    }

    #[test]
    fn several_keys_are_removed_at_once_and_counted() -> Result<(), Error> {
        let store = Store::new();
        store.set_many([("a", 1), ("b", 2), ("c", 3)])?;
        assert_eq!(store.remove_many(["a", "b", "none"]), 2);
        assert_eq!(store.keys("*"), [b"c"]);
        Ok(())
    }

    #[test]
    fn many_values_are_set_and_got_in_one_call_each() -> Result<(), Error> {
        let store = Store::new();
        store.set_many([("user:1:name", "Ada"), ("user:2:name", "Grace")])?;
        let names = store.get_many::<String>(["user:2:name", "user:3:name", "user:1:name"])?;
        assert_eq!(
            names,
            [Some("Grace".to_owned()), None, Some("Ada".to_owned())]
        );
        Ok(())
    }
}

mod expiry {
    use super::*;

    #[test]
    fn a_value_set_with_a_time_to_live_is_gone_after_it() -> Result<(), Error> {
        let (time, store) = timed_store();
        store.set_with("session", "alice", SetOptions::new().ttl(MINUTE))?;
        time.advance(MINUTE - SECOND);
        assert_eq!(store.get::<String>("session")?.as_deref(), Some("alice"));
        time.advance(SECOND);
        assert_eq!(store.get::<String>("session")?, None);
        assert!(!store.exists("session"));
        Ok(())
    }

    #[test]
    fn the_time_left_can_be_asked_for() -> Result<(), Error> {
        let (time, store) = timed_store();
        store.set("page", "home")?;
        assert_eq!(store.ttl("page"), Ttl::Forever);
        store.expire("page", MINUTE)?;
        time.advance(20 * SECOND);
        assert_eq!(store.ttl("page"), Ttl::Left(40 * SECOND));
        assert_eq!(store.ttl("no page"), Ttl::Absent);
        Ok(())
    }

    #[test]
    fn a_plain_set_takes_the_time_to_live_away() -> Result<(), Error> {
        let (time, store) = timed_store();
        store.set_with("page", "home", SetOptions::new().ttl(MINUTE))?;
        store.set("page", "new home")?;
        time.advance(2 * MINUTE);
        assert_eq!(store.get::<String>("page")?.as_deref(), Some("new home"));
        Ok(())
    }

    #[test]
    fn a_set_may_keep_the_time_to_live() -> Result<(), Error> {
        let (time, store) = timed_store();
        store.set_with("page", "home", SetOptions::new().ttl(MINUTE))?;
        time.advance(20 * SECOND);
        store.set_with("page", "new home", SetOptions::new().keep_ttl())?;
        assert_eq!(store.ttl("page"), Ttl::Left(40 * SECOND));
        Ok(())
    }
}

mod numbers {
    use super::*;

    #[test]
    fn a_counter_starts_at_nought_and_counts_up() -> Result<(), Error> {
        let store = Store::new();
        assert_eq!(store.incr("views", 1)?, 1);
        assert_eq!(store.incr("views", 1)?, 2);
        assert_eq!(store.get::<String>("views")?.as_deref(), Some("2"));
        Ok(())
    }

    #[test]
    fn a_counter_goes_up_and_down_by_any_amount() -> Result<(), Error> {
        let store = Store::new();
        store.set("stock", 10)?;
        assert_eq!(store.incr("stock", 5)?, 15);
        assert_eq!(store.decr("stock", 20)?, -5);
        Ok(())
    }

    #[test]
    fn what_is_not_a_number_cannot_be_counted_and_stays() -> Result<(), Error> {
        let store = Store::new();
        store.set("name", "Ada")?;
        assert_eq!(store.incr("name", 1), Err(Error::NotAnInteger));
        assert_eq!(store.get::<String>("name")?.as_deref(), Some("Ada"));
        Ok(())
    }

    #[test]
    fn no_count_is_lost_between_threads() -> Result<(), Error> {
        let store = Store::new();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..1000).try_for_each(|_| store.incr("views", 1).map(drop)));
            }
        });
        assert_eq!(store.get::<i64>("views")?, Some(8000));
        Ok(())
    }
}

mod cache_aside {
    use super::*;

    #[test]
    fn the_first_read_asks_the_database_and_the_second_does_not() {
        let database = HashMap::from([(7, "Ada")]);
        let cache = Cache::<u32, &str>::new(100);
        let asked = AtomicUsize::new(0);
        let read = |id| {
            cache.get_or_try_load(&id, || {
                asked.fetch_add(1, Ordering::Relaxed);
                database.get(&id).copied().ok_or("no such user")
            })
        };
        assert_eq!(read(7), Ok("Ada"));
        assert_eq!(read(7), Ok("Ada"));
        assert_eq!(asked.into_inner(), 1);
    }

    #[test]
    fn eight_threads_that_miss_one_key_load_it_once() {
        let cache = Cache::<String, u32>::new(100);
        let loads = AtomicUsize::new(0);
        let start = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    let value = cache.get_or_try_load("user:7", || {
                        loads.fetch_add(1, Ordering::Relaxed);
                        // The others get the time to arrive while the load is under way.
                        (0..1000).for_each(|_| thread::yield_now());
                        Ok::<_, Infallible>(42)
                    });
                    assert_eq!(value, Ok(42));
                });
            }
        });
        assert_eq!(loads.into_inner(), 1);
    }

    #[test]
    fn a_failed_load_is_told_and_not_remembered() {
        let cache = Cache::<u32, u32>::new(100);
        let failed = cache.get_or_try_load(&7, || Err("the database is down"));
        assert_eq!(failed, Err(LoadError::Failed("the database is down")));
        assert_eq!(cache.get_or_try_load(&7, || Ok::<_, &str>(42)), Ok(42));
    }

    #[test]
    fn a_cached_value_is_loaded_anew_once_it_has_expired() {
        let time = ManualClock::new();
        let builder = Cache::builder()
            .max_entries(100)
            .ttl(MINUTE)
            .clock(time.clock());
        let cache: Cache<&str, u32> = builder.build().unwrap();
        assert_eq!(cache.get_or_load(&"rate", || 1), Ok(1));
        time.advance(MINUTE - SECOND);
        assert_eq!(cache.get_or_load(&"rate", || 2), Ok(1));
        time.advance(SECOND);
        assert_eq!(cache.get_or_load(&"rate", || 2), Ok(2));
    }
}

mod a_cached_function {
    use super::*;

    /// What a caching decorator makes of a function of two arguments.
    fn joined(
        cache: &Cache<(String, String), usize>,
        runs: &AtomicUsize,
        args: (&str, &str),
    ) -> usize {
        let key = (args.0.to_owned(), args.1.to_owned());
        let value = cache.get_or_load(&key, || {
            runs.fetch_add(1, Ordering::Relaxed);
            args.0.len() * 100 + args.1.len()
        });
        value.expect("the function does not call itself")
    }

    #[test]
    fn it_runs_once_for_the_same_arguments() {
        let (cache, runs) = (Cache::new(100), AtomicUsize::new(0));
        assert_eq!(joined(&cache, &runs, ("ab", "c")), 201);
        assert_eq!(joined(&cache, &runs, ("ab", "c")), 201);
        assert_eq!(runs.into_inner(), 1);
    }

    #[test]
    fn arguments_that_hold_the_separator_do_not_collide() {
        let (cache, runs) = (Cache::new(100), AtomicUsize::new(0));
        assert_eq!(joined(&cache, &runs, ("a:b", "")), 300);
        assert_eq!(joined(&cache, &runs, ("a", "b")), 101);
        assert_eq!(joined(&cache, &runs, ("a", "b:")), 102);
        assert_eq!(joined(&cache, &runs, ("a:b", "")), 300);
        assert_eq!(runs.into_inner(), 3);
    }

    #[test]
    fn the_arguments_swapped_are_other_arguments() {
        let (cache, runs) = (Cache::new(100), AtomicUsize::new(0));
        assert_eq!(joined(&cache, &runs, ("ab", "c")), 201);
        assert_eq!(joined(&cache, &runs, ("c", "ab")), 102);
    }

    #[test]
    fn the_answer_that_there_is_nothing_is_remembered_too() {
        let cache = Cache::<u32, Option<String>>::new(100);
        assert_eq!(cache.get_or_load(&7, || None), Ok(None));
        assert_eq!(
            cache.get_or_load(&7, || unreachable!("nothing is an answer")),
            Ok(None)
        );
        assert_eq!(cache.get(&7), Some(None));
    }

    #[test]
    fn an_empty_answer_is_remembered_too() {
        let cache = Cache::<u32, String>::new(100);
        assert_eq!(cache.get_or_load(&7, String::new), Ok(String::new()));
        let again = cache.get_or_load(&7, || unreachable!("an empty text is an answer"));
        assert_eq!(again, Ok(String::new()));
    }
}

mod write_through {
    use super::*;

    /// A database, and the cache before it.
    struct Users {
        rows: HashMap<u32, String>,
        cache: Cache<u32, Option<String>>,
    }

    impl Users {
        fn new() -> Self {
            let rows = HashMap::from([(7, "Ada".to_owned())]);
            Users {
                rows,
                cache: Cache::new(100),
            }
        }

        fn read(&self, id: u32) -> Option<String> {
            let row = self.cache.get_or_load(&id, || self.rows.get(&id).cloned());
            row.expect("the loader asks the database alone")
        }

        fn write_and_insert(&mut self, id: u32, name: &str) {
            self.rows.insert(id, name.to_owned());
            self.cache.insert(id, Some(name.to_owned()));
        }

        fn write_and_remove(&mut self, id: u32, name: &str) {
            self.rows.insert(id, name.to_owned());
            self.cache.remove(&id);
        }
    }

    #[test]
    fn a_read_after_a_write_that_removes_sees_the_new_row() {
        let mut users = Users::new();
        assert_eq!(users.read(7).as_deref(), Some("Ada"));
        users.write_and_remove(7, "Ada Lovelace");
        assert_eq!(users.cache.get(&7), None);
        assert_eq!(users.read(7).as_deref(), Some("Ada Lovelace"));
    }

    #[test]
    fn a_read_after_a_write_that_inserts_does_not_ask_the_database() {
        let mut users = Users::new();
        users.write_and_insert(7, "Ada Lovelace");
        users.rows.clear();
        assert_eq!(users.read(7).as_deref(), Some("Ada Lovelace"));
    }

    #[test]
    fn a_row_that_was_cached_as_missing_is_seen_once_it_is_written() {
        let mut users = Users::new();
        assert_eq!(users.read(8), None);
        users.write_and_insert(8, "Grace");
        assert_eq!(users.read(8).as_deref(), Some("Grace"));
    }

    #[test]
    fn a_load_that_began_before_a_write_does_not_bring_the_old_row_back() {
        let cache = Cache::<u32, &str>::new(100);
        let loaded = cache.get_or_load(&7, || {
            let old = "Ada";
            // The row changes between the loader's query and its answer.
            cache.remove(&7);
            old
        });
        assert_eq!(loaded, Ok("Ada"));
        assert_eq!(cache.get(&7), None);
    }
}

mod invalidation {
    use super::*;

    fn pages() -> Result<Store, Error> {
        let store = Store::new();
        store.set_many([
            ("user:1:page", "a"),
            ("user:1:feed", "b"),
            ("user:10:page", "c"),
            ("team:1:page", "d"),
        ])?;
        Ok(store)
    }

    #[test]
    fn one_key_is_invalidated_and_the_others_stay() -> Result<(), Error> {
        let store = pages()?;
        assert!(store.remove("user:1:page"));
        assert_eq!(store.keys("user:*"), [&b"user:10:page"[..], b"user:1:feed"]);
        Ok(())
    }

    #[test]
    fn a_scan_shows_the_keys_of_a_pattern() -> Result<(), Error> {
        let mut keys: Vec<_> = pages()?
            .scan_with(ScanOptions::new().matching("user:*:page"))
            .collect();
        keys.sort();
        assert_eq!(keys, [&b"user:10:page"[..], b"user:1:page"]);
        Ok(())
    }

    #[test]
    fn what_a_pattern_matches_is_invalidated() -> Result<(), Error> {
        let store = pages()?;
        assert_eq!(store.remove_matching("*:page"), 3);
        assert_eq!(store.keys("*"), [b"user:1:feed"]);
        Ok(())
    }

    #[test]
    fn what_begins_with_a_prefix_is_invalidated() -> Result<(), Error> {
        let store = pages()?;
        assert_eq!(store.remove_prefix("user:1:"), 2);
        assert_eq!(store.keys("*"), [&b"team:1:page"[..], b"user:10:page"]);
        Ok(())
    }

    #[test]
    fn a_prefix_is_taken_as_it_is_written() -> Result<(), Error> {
        let store = pages()?;
        assert_eq!(store.remove_prefix("*"), 0);
        assert_eq!(store.len(), 4);
        Ok(())
    }
}

mod counters_with_expiry {
    use super::*;

    /// Counts a call. Whoever finds the counter without an expiry sets one, whether or not it made the counter.
    fn count(store: &Store, key: &str) -> Result<i64, Error> {
        let count = store.incr(key, 1)?;
        store.expire_if(key, MINUTE, Condition::HasNone)?;
        Ok(count)
    }

    #[test]
    fn the_first_call_opens_the_window_and_later_ones_do_not_move_it() -> Result<(), Error> {
        let (time, store) = timed_store();
        assert_eq!(count(&store, "calls")?, 1);
        assert_eq!(store.ttl("calls"), Ttl::Left(MINUTE));
        time.advance(20 * SECOND);
        assert_eq!(count(&store, "calls")?, 2);
        assert_eq!(store.ttl("calls"), Ttl::Left(40 * SECOND));
        Ok(())
    }

    #[test]
    fn the_next_window_counts_from_one_and_expires_too() -> Result<(), Error> {
        let (time, store) = timed_store();
        count(&store, "calls")?;
        time.advance(MINUTE);
        assert_eq!(count(&store, "calls")?, 1);
        assert_eq!(store.ttl("calls"), Ttl::Left(MINUTE));
        Ok(())
    }

    #[test]
    fn a_counter_whose_maker_never_set_an_expiry_gets_one_at_the_next_call() -> Result<(), Error> {
        let (time, store) = timed_store();
        store.incr("calls", 1)?;
        assert_eq!(store.ttl("calls"), Ttl::Forever);
        assert_eq!(count(&store, "calls")?, 2);
        assert_eq!(store.ttl("calls"), Ttl::Left(MINUTE));
        time.advance(MINUTE);
        assert!(!store.exists("calls"));
        Ok(())
    }

    #[test]
    fn eight_threads_leave_no_counter_without_an_expiry() -> Result<(), Error> {
        let (_, store) = timed_store();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    (0..400).try_for_each(|call| {
                        count(&store, &format!("calls:{}", call % 100)).map(drop)
                    })
                });
            }
        });
        assert_eq!(store.len(), 100);
        for key in store.scan() {
            assert_eq!(store.ttl(&key), Ttl::Left(MINUTE));
            assert_eq!(store.get::<i64>(&key)?, Some(32));
        }
        Ok(())
    }
}
