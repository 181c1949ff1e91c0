//! The usual guide to sessions with Redis, section by section: its way, where it fails, and larder's.
//!
//! The guide's own ways are written against a store's strings, as it writes them against a server's. Time is moved by
//! hand.

use larder::{ManualClock, Sessions, SetOptions, Store};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

fn timed() -> (ManualClock, Sessions<Vec<&'static str>>) {
    let time = ManualClock::new();
    let sessions = Sessions::builder()
        .idle(DAY)
        .lifetime(7 * DAY)
        .clock(time.clock())
        .build()
        .expect("the settings are sound");
    (time, sessions)
}

fn read(store: &Store, key: &str) -> Option<String> {
    store.get(key).expect("a text")
}

fn write(store: &Store, key: &str, value: &str) {
    store
        .set_with(key, value, SetOptions::new().ttl(DAY))
        .expect("it fits");
}

mod create_and_get {
    use super::*;

    #[test]
    fn a_session_is_found_by_its_id_and_holds_what_it_was_given() {
        let (_, sessions) = timed();
        let id = sessions
            .create("ada", vec!["tea"])
            .expect("the system is random");
        let session = sessions.get(&id).expect("it was made");
        assert_eq!(
            (session.user(), session.data().as_slice()),
            ("ada", &["tea"][..])
        );
    }

    #[test]
    fn reading_a_session_keeps_it_alive() {
        let (time, sessions) = timed();
        let id = sessions
            .create("ada", vec![])
            .expect("the system is random");
        for _ in 0..6 {
            time.advance(23 * HOUR);
            assert!(sessions.get(&id).is_some());
        }
        time.advance(24 * HOUR);
        assert!(sessions.get(&id).is_none());
    }

    #[test]
    fn in_the_guides_way_a_session_that_is_read_every_day_never_ends() {
        let time = ManualClock::new();
        let store = Store::builder()
            .clock(time.clock())
            .build()
            .expect("the defaults are sound");
        write(&store, "session:1", "ada");
        for _ in 0..365 {
            time.advance(23 * HOUR);
            assert!(read(&store, "session:1").is_some());
            store.expire("session:1", DAY).expect("a positive time");
        }
    }

    #[test]
    fn a_session_has_an_end_however_often_it_is_read() {
        let (time, sessions) = timed();
        let id = sessions
            .create("ada", vec![])
            .expect("the system is random");
        let hours = (0..1_000).take_while(|_| {
            time.advance(HOUR);
            sessions.get(&id).is_some()
        });
        assert_eq!(hours.count(), 7 * 24 - 1);
    }
}

mod update {
    use super::*;

    #[test]
    fn trap_lost_updates_two_at_once_both_count_where_the_guides_second_undoes_the_first() {
        let store = Store::new();
        write(&store, "session:1", "cart:");
        let [one, other] = [(); 2].map(|()| read(&store, "session:1").expect("it is there"));
        write(&store, "session:1", &format!("{one}tea,"));
        write(&store, "session:1", &format!("{other}milk,"));
        let kept = read(&store, "session:1");
        assert_eq!(kept.as_deref(), Some("cart:milk,"), "the guide's way");

        let (_, sessions) = timed();
        let id = sessions
            .create("ada", vec![])
            .expect("the system is random");
        std::thread::scope(|scope| {
            for item in ["tea", "milk"] {
                let (sessions, id) = (&sessions, &id);
                scope.spawn(move || sessions.update(id, |cart| cart.push(item)));
            }
        });
        assert_eq!(
            sessions.get(&id).map(|session| session.data().len()),
            Some(2)
        );
    }
}

mod destroy {
    use super::*;

    #[test]
    fn trap_resurrected_sessions_nothing_brings_one_back_where_an_update_under_way_does_in_the_guides_way()
     {
        let store = Store::new();
        write(&store, "session:1", "ada");
        let under_way = read(&store, "session:1").expect("it is there");
        assert!(store.remove("session:1"));
        write(&store, "session:1", &under_way);
        assert!(read(&store, "session:1").is_some(), "the guide's way");

        let (_, sessions) = timed();
        let id = sessions
            .create("ada", vec![])
            .expect("the system is random");
        let under_way = sessions.get(&id).expect("it is there");
        assert!(sessions.destroy(&id));
        assert!(
            sessions
                .update(&id, |cart| cart.clone_from(under_way.data()))
                .is_none()
        );
        assert!(sessions.get(&id).is_none());
        assert!(sessions.of_user("ada").is_empty());
    }
}

mod sessions_of_a_user {
    use super::*;

    #[test]
    fn trap_scans_a_users_sessions_are_named_by_an_index_where_the_guide_reads_everybodys() {
        let store = Store::new();
        for number in 0..1_000 {
            write(
                &store,
                &format!("session:{number}"),
                if number == 7 { "ada" } else { "bob" },
            );
        }
        let mut reads = 0;
        let of_ada = store.scan().filter(|key| {
            reads += 1;
            store.get::<String>(key).expect("a text").as_deref() == Some("ada")
        });
        assert_eq!(of_ada.count(), 1);
        assert_eq!(reads, 1_000, "the guide's way");

        let (time, sessions) = timed();
        for number in 0..1_000 {
            sessions
                .create(&format!("user {number}"), vec![])
                .expect("the system is random");
        }
        let [phone, laptop, tablet] = [(); 3].map(|()| {
            sessions
                .create("ada", vec![])
                .expect("the system is random")
        });
        assert_eq!(sessions.of_user("ada"), [phone, laptop, tablet]);
        sessions.destroy(&laptop);
        assert_eq!(sessions.of_user("ada"), [phone, tablet]);
        assert_eq!(sessions.destroy_others("ada", &tablet), 1);
        assert_eq!(sessions.of_user("ada"), [tablet]);
        time.advance(DAY);
        assert!(sessions.of_user("ada").is_empty());
    }
}
