//! The usual guide's cache-aside, before a real SQLite database: the function that tries the cache first, and what is
//! wrong with it.

#![allow(
    clippy::disallowed_methods,
    reason = "the guide's own way needs a lock and threads"
)]

mod sqlite;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use larder::{Aside, Cache, Freshness, LoadError, ManualClock, Source};
use sqlite::Users;

const HOUR: Duration = Duration::from_secs(3600);

fn users(time: &ManualClock) -> Aside<u32, String, Arc<Users>> {
    let cache = Cache::builder()
        .max_entries(1000)
        .freshness(Freshness::new(HOUR))
        .none_ttl(HOUR / 60)
        .clock(time.clock())
        .build()
        .expect("the settings are valid");
    Aside::new(cache, Arc::new(Users::numbered(100)))
}

fn queries(users: &Aside<u32, String, Arc<Users>>) -> usize {
    users.backing().queries.load(Ordering::Relaxed)
}

#[test]
fn the_cache_is_tried_first_and_the_database_asked_once_an_hour() {
    let time = ManualClock::new();
    let users = users(&time);
    for _ in 0..10 {
        assert_eq!(users.get(&7), Ok(Some("User 7".to_owned())));
    }
    assert_eq!(queries(&users), 1);
    time.advance(HOUR);
    assert_eq!(users.get(&7), Ok(Some("User 7".to_owned())));
    assert_eq!(queries(&users), 2);
}

#[test]
fn many_users_are_one_query() {
    let users = users(&ManualClock::new());
    users.get(&3).expect("it is there");
    let names = users
        .get_many(&[1, 2, 3, 1000])
        .expect("the query is right");
    let named = |id: u32| Some(format!("User {id}"));
    assert_eq!(names, [named(1), named(2), named(3), None]);
    assert_eq!(queries(&users), 2);
    users.get_many(&[1, 2, 3, 1000]).expect("all is known");
    assert_eq!(queries(&users), 2);
}

/// The guide's function: looks, asks, stores; three steps that know nothing of each other.
fn guide_get(
    cache: &Mutex<HashMap<u32, String>>,
    id: u32,
    load: impl FnOnce() -> Option<String>,
) -> Option<String> {
    let cached = cache.lock().expect("no panic").get(&id).cloned();
    if cached.as_ref().is_some_and(|name| !name.is_empty()) {
        return cached;
    }
    let loaded = load();
    if let Some(name) = &loaded {
        cache.lock().expect("no panic").insert(id, name.clone());
    }
    loaded
}

#[test]
fn trap_stampede_all_who_miss_at_once_are_one_query_where_the_guide_asks_for_each() {
    const CALLERS: usize = 16;
    let (cache, asked, barrier) = (Mutex::default(), AtomicUsize::new(0), Barrier::new(CALLERS));
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                guide_get(&cache, 7, || {
                    barrier.wait(); // all of them are inside the load before any of them ends
                    asked.fetch_add(1, Ordering::Relaxed);
                    Some("User 7".to_owned())
                })
            });
        }
    });
    assert_eq!(asked.load(Ordering::Relaxed), CALLERS, "the guide's way");

    let users = users(&ManualClock::new());
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| assert_eq!(users.get(&7), Ok(Some("User 7".to_owned()))));
        }
    });
    assert_eq!(queries(&users), 1);
}

#[test]
fn trap_falsy_values_what_is_empty_or_absent_is_remembered_where_the_guide_asks_again() {
    let (cache, asked) = (Mutex::default(), AtomicUsize::new(0));
    let ask = |answer: Option<&str>| {
        let load = || {
            asked.fetch_add(1, Ordering::Relaxed);
            answer.map(ToOwned::to_owned)
        };
        guide_get(&cache, 7, load);
    };
    ask(Some(""));
    ask(Some(""));
    ask(None);
    assert_eq!(asked.load(Ordering::Relaxed), 3, "the guide's way");

    let time = ManualClock::new();
    let users = users(&time);
    users
        .set(&7, &String::new())
        .expect("the database takes it");
    for _ in 0..3 {
        assert_eq!(users.get(&7), Ok(Some(String::new())));
        assert_eq!(users.get(&1000), Ok(None));
    }
    assert_eq!(queries(&users), 2);
    time.advance(HOUR / 60);
    assert_eq!(users.get(&1000), Ok(None));
    assert_eq!(
        queries(&users),
        3,
        "what is absent is asked for again sooner"
    );
}

#[test]
fn trap_slow_load_what_was_read_before_a_write_is_not_stored_after_it() {
    let cache = Mutex::default();
    let stale = guide_get(&cache, 7, || {
        let read = Some("old".to_owned());
        cache.lock().expect("no panic").remove(&7); // another writes the database and drops the entry
        read
    });
    assert_eq!(
        stale,
        cache.lock().expect("no panic").get(&7).cloned(),
        "the guide's way"
    );

    let users = users(&ManualClock::new());
    let read = users.cache().get_or_load(&7, || {
        let read = users.backing().name(7);
        users
            .set(&7, &"new".to_owned())
            .expect("the database takes it");
        read
    });
    assert_eq!(read, Ok(Some("User 7".to_owned())));
    assert_eq!(users.get(&7), Ok(Some("new".to_owned())));
}

/// A source that is down.
struct Down;

impl Source<u32, String> for Down {
    type Error = &'static str;

    fn load(&self, _: &u32) -> Result<Option<String>, &'static str> {
        Err("down")
    }
}

#[test]
fn a_database_that_is_down_costs_nothing_while_there_is_something_stale() {
    let time = ManualClock::new();
    let cache = Cache::builder()
        .max_entries(10)
        .freshness(Freshness::new(HOUR).stale_if_error(24 * HOUR))
        .clock(time.clock())
        .build()
        .expect("the settings are valid");
    let users = Aside::new(cache, Down);
    users.cache().insert(7, Some("User 7".to_owned()));
    time.advance(2 * HOUR);
    assert_eq!(users.get(&7), Ok(Some("User 7".to_owned())));
    assert_eq!(users.get(&8), Err(LoadError::Failed("down")));
}
