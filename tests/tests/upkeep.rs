//! The one thread that does the upkeep of all instances: there on demand, gone with the last of them.
#![cfg(target_os = "linux")]

use std::fs;
use std::time::Duration;

use larder::{Cache, SetOptions, Store, Upkeep};

/// Threads of this process that do upkeep.
fn upkeep_threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("the system shows a process its threads");
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names
        .filter(|name| name.trim_end() == "larder-reaper")
        .count()
}

/// Looks until so many do upkeep: a thread takes a moment to start, and to end.
fn await_upkeep_threads(wanted: usize) {
    let seen = (0..200_000).any(|_| {
        std::thread::yield_now();
        upkeep_threads() == wanted
    });
    assert!(seen, "{} instead of {wanted}", upkeep_threads());
}

fn in_an_hour() -> SetOptions<'static> {
    SetOptions::new().ttl(Duration::from_secs(3600))
}

// One test, since it counts the threads of the whole process.
#[test]
fn one_thread_starts_with_the_first_deadline_serves_all_and_ends_with_the_last_instance() {
    let (store, cache) = (Store::new(), Cache::<u32, u32>::new(100));
    store.set("key", 1).unwrap();
    cache.insert(1, 1);
    assert_eq!(upkeep_threads(), 0, "nothing expires");
    let manual = Store::builder().upkeep(Upkeep::Manual).build().unwrap();
    manual.set_with("key", 1, in_an_hour()).unwrap();
    assert_eq!(upkeep_threads(), 0, "the owner ticks");
    for _ in 0..2 {
        let mut stores = Vec::new();
        let mut caches = Vec::new();
        for _ in 0..20 {
            let (store, cache) = (Store::new(), Cache::<u32, u32>::new(100));
            store.set_with("key", 1, in_an_hour()).unwrap();
            cache.insert_with_ttl(1, 1, Duration::from_secs(3600));
            stores.push(store);
            caches.push(cache);
        }
        await_upkeep_threads(1);
        drop(stores);
        // The others are still served.
        let late = &caches[0];
        late.insert_with_ttl(2, 2, Duration::from_millis(1));
        while late.len() > 1 {
            std::thread::yield_now();
        }
        assert_eq!(upkeep_threads(), 1);
        drop(caches);
        await_upkeep_threads(0);
    }
}
