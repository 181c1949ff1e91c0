//! Watching: what is there, and then every change, whatever comes between.

use std::time::Duration;

use crate::{
    Error, Event, EventKind, KeyState, ManualClock, Overflow, RecvError, SetOptions, Store, Watch,
};

/// Key, value, kind, as one text each; a gap as its size.
fn shown(watch: &mut Watch<String>) -> Vec<String> {
    let mut all = Vec::new();
    while let Ok(event) = watch.try_recv() {
        all.push(spelled(event));
    }
    all
}

fn spelled(event: Event<KeyState<String>>) -> String {
    match event {
        Event::Gap { missed } => format!("gap of {missed}"),
        Event::Message(state) => {
            let kind = state.kind().map_or("there", EventKind::name);
            let key = String::from_utf8_lossy(state.key()).into_owned();
            match state.value() {
                Ok(Some(value)) => format!("{key}={value} ({kind})"),
                Ok(None) => format!("{key} absent ({kind})"),
                Err(error) => format!("{key}: {error} ({kind})"),
            }
        }
    }
}

#[test]
fn a_watch_of_a_key_begins_with_its_value_and_goes_on_with_every_change() {
    let store = Store::new();
    let mut watch = store.watch_key::<String>("mode*");
    assert_eq!(shown(&mut watch), ["mode* absent (there)"]);
    store.set("mode*", "a").unwrap();
    store.set("mode1", "another key").unwrap();
    store.append("mode*", "b").unwrap();
    assert_eq!(
        shown(&mut watch),
        ["mode*=ab (set)", "mode*=ab (append)"],
        "a value is as new as its event or newer"
    );
    store.remove("mode*");
    assert_eq!(shown(&mut watch), ["mode* absent (del)"]);
    store.list::<i64>("mode*").push_back(1).unwrap();
    let wrong = Error::WrongType;
    assert_eq!(shown(&mut watch), [format!("mode*: {wrong} (rpush)")]);
}

#[test]
fn a_watch_of_a_pattern_begins_with_what_is_there_and_tells_what_comes_and_goes() {
    let store = Store::new();
    for key in ["c:1", "c:2", "c:3", "other"] {
        store.set(key, "v").unwrap();
    }
    let mut watch = store.watch::<String>("c:*");
    store.remove("c:2");
    store.rename("c:3", "c:4").unwrap();
    assert_eq!(
        shown(&mut watch),
        [
            "c:1=v (there)",
            "c:2 absent (del)",
            "c:3 absent (rename_from)",
            "c:4=v (rename_to)"
        ]
    );
}

#[test]
fn who_is_too_slow_is_told_of_a_gap_and_shown_everything_anew() {
    let store = Store::new();
    let mut watch = store
        .watch_with::<String>("*", Overflow::lag(2))
        .expect("a capacity");
    store.set("gone", "v").unwrap();
    store.remove("gone");
    for key in ["a", "b", "c"] {
        store.set(key, "v").unwrap();
    }
    assert_eq!(
        shown(&mut watch),
        [
            "gap of 3",
            "a=v (there)",
            "b=v (there)",
            "c=v (there)",
            "b=v (set)",
            "c=v (set)"
        ]
    );
}

#[test]
fn a_clear_is_a_change_of_the_key_and_a_gap_in_the_pattern() {
    let store = Store::new();
    store.set("a", "v").unwrap();
    let mut key = store.watch_key::<String>("a");
    let mut pattern = store.watch::<String>("*");
    store.clear();
    assert_eq!(shown(&mut key), ["a absent (there)", "a absent (flushdb)"]);
    assert_eq!(shown(&mut pattern), ["gap of 1"]);
}

#[test]
fn what_expires_or_makes_room_is_told() {
    let time = ManualClock::new();
    let builder = Store::builder().clock(time.clock()).max_entries(1);
    let store = builder.build().unwrap();
    let second = Duration::from_secs(1);
    store
        .set_with("a", "v", SetOptions::new().ttl(second))
        .unwrap();
    let mut watch = store.watch_key::<String>("a");
    time.advance(second);
    store.tick();
    assert_eq!(
        shown(&mut watch),
        ["a absent (there)", "a absent (expired)"]
    );
    store.set("a", "v").unwrap();
    store.set("b", "v").unwrap();
    assert_eq!(shown(&mut watch), ["a absent (set)", "a absent (evicted)"]);
}

#[test]
fn a_watch_ends_with_its_store_and_when_it_is_stopped() {
    let store = Store::new();
    let mut stopped = store.watch_key::<String>("a");
    assert!(stopped.remote().stop());
    assert_eq!(stopped.try_recv(), Err(RecvError::Stopped));
    let mut watch = store.watch_key::<String>("a");
    store.set("a", "unread").unwrap();
    drop(store);
    assert_eq!(watch.recv_blocking(None), Err(RecvError::Closed));
    assert_eq!(watch.iter_blocking().count(), 0);
}

#[test]
fn a_task_waits_for_a_change() {
    let store = Store::new();
    let mut watch = store.watch_key::<String>("a");
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut next = |watch: &mut Watch<String>| {
        let mut future = Box::pin(watch.recv());
        future.as_mut().poll(&mut context)
    };
    assert!(next(&mut watch).is_ready());
    assert!(next(&mut watch).is_pending());
    store.set("a", "v").unwrap();
    let std::task::Poll::Ready(Ok(event)) = next(&mut watch) else {
        panic!("a change");
    };
    assert_eq!(spelled(event), "a=v (set)");
}

#[test]
fn no_change_is_lost_between_the_first_look_and_the_first_change() {
    const LAST: u64 = 2_000;
    let store = Store::new();
    for round in 0..20 {
        store.set("number", 0).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| (1..=LAST).for_each(|number| store.set("number", number).unwrap()));
            // It begins somewhere in the middle.
            (0..round * 20).for_each(|_| std::thread::yield_now());
            let mut watch = store.watch_key::<u64>("number");
            let mut seen = 0;
            while seen < LAST {
                let event = watch.recv_blocking(None).unwrap();
                if let Event::Message(state) = event {
                    let value = state.into_value().unwrap().unwrap();
                    assert!(value >= seen, "no value is older than one before");
                    seen = value;
                }
            }
        });
    }
}
