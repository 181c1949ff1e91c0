//! Tests of sessions: their ends, the index beside a model, races.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::cache::Cause;
use crate::time::ManualClock;

const MINUTE: Duration = Duration::from_secs(60);

fn timed(per_user: usize) -> (ManualClock, Sessions<u32>) {
    let time = ManualClock::new();
    let sessions = Sessions::builder()
        .idle(10 * MINUTE)
        .lifetime(60 * MINUTE)
        .max_per_user(per_user)
        .clock(time.clock())
        .build()
        .expect("the settings are sound");
    (time, sessions)
}

fn create(sessions: &Sessions<u32>, user: &str) -> SessionId {
    sessions.create(user, 0).expect("the system is random")
}

#[test]
fn a_session_lasts_while_it_is_used_but_not_beyond_its_lifetime() {
    let (time, sessions) = timed(9);
    let id = create(&sessions, "ada");
    for _ in 0..6 {
        assert!(sessions.get(&id).is_some());
        assert!(sessions.update(&id, |_| ()).is_some());
        time.advance(9 * MINUTE);
    }
    assert!(sessions.get(&id).is_some());
    time.advance(6 * MINUTE);
    assert!(sessions.get(&id).is_none());
}

#[test]
fn a_session_that_is_only_peeked_at_expires() {
    let (time, sessions) = timed(9);
    let id = create(&sessions, "ada");
    time.advance(6 * MINUTE);
    assert!(sessions.peek(&id).is_some());
    time.advance(4 * MINUTE);
    assert!(sessions.peek(&id).is_none());
    assert_eq!(sessions.update(&id, |_| ()), None);
}

#[test]
fn an_expired_session_leaves_the_index_and_its_user_with_the_last_one() {
    let (time, sessions) = timed(9);
    create(&sessions, "ada");
    time.advance(5 * MINUTE);
    let later = create(&sessions, "ada");
    time.advance(6 * MINUTE);
    assert_eq!(sessions.of_user("ada"), [later]);
    sessions.tick();
    assert_eq!((sessions.len(), sessions.index.users()), (1, 1));
    time.advance(20 * MINUTE);
    sessions.tick();
    assert_eq!((sessions.len(), sessions.index.users()), (0, 0));
}

#[test]
fn an_evicted_session_leaves_the_index() {
    let sessions: Sessions<u32> = Sessions::builder()
        .max_sessions(10)
        .build()
        .expect("the settings are sound");
    for user in 0..1_000 {
        create(&sessions, &user.to_string());
    }
    assert_eq!((sessions.len(), sessions.index.users()), (10, 10));
}

#[test]
fn one_session_too_many_ends_the_users_oldest_and_nobody_elses() {
    let (_, sessions) = timed(2);
    let other = create(&sessions, "bob");
    let ids: Vec<_> = (0..4).map(|_| create(&sessions, "ada")).collect();
    assert_eq!(sessions.of_user("ada"), ids[2..]);
    assert_eq!(sessions.of_user("bob"), [other]);
    assert_eq!(sessions.len(), 3);
}

#[test]
fn the_listener_is_told_of_every_end_and_its_cause_but_not_of_updates() {
    let time = ManualClock::new();
    let told: Arc<[AtomicUsize; 2]> = Arc::default();
    let ends = Arc::clone(&told);
    let sessions: Sessions<u32> = Sessions::builder()
        .max_per_user(1)
        .clock(time.clock())
        .listener(move |_, session, cause| {
            assert_eq!(session.user(), "ada");
            let place = usize::from(cause == Cause::Expired);
            ends[place].fetch_add(1, Ordering::Relaxed);
        })
        .build()
        .expect("the settings are sound");
    create(&sessions, "ada");
    let id = create(&sessions, "ada");
    sessions.update(&id, |visits| *visits += 1);
    time.advance(Duration::from_secs(90_000));
    sessions.tick();
    let told = [&told[0], &told[1]].map(|count| count.load(Ordering::Relaxed));
    assert_eq!(told, [1, 1]);
}

#[test]
fn what_was_read_before_an_update_does_not_change() {
    let (_, sessions) = timed(9);
    let id = create(&sessions, "ada");
    let before = sessions.get(&id).expect("it lives");
    sessions.update(&id, |visits| *visits = 7);
    let after = sessions.get(&id).expect("it lives");
    assert_eq!((*before.data(), *after.data()), (0, 7));
}

#[test]
fn ids_differ_show_nothing_and_have_one_form() {
    let (_, sessions) = timed(usize::MAX);
    let mut texts: Vec<_> = (0..1_000)
        .map(|_| create(&sessions, "ada").to_string())
        .collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 1_000);
    for text in &texts {
        let id: SessionId = text.parse().expect("its own form");
        assert_eq!(
            (id.to_string(), format!("{id:?}")),
            (text.clone(), "SessionId(..)".to_owned())
        );
        assert_eq!(
            text.to_uppercase().parse::<SessionId>().is_ok(),
            !text.contains(char::is_alphabetic)
        );
        for wrong in [&text[1..], &format!("{text}0"), &format!("+{}", &text[1..])] {
            assert_eq!(wrong.parse::<SessionId>(), Err(InvalidId));
        }
    }
}

#[test]
fn no_update_is_lost_between_threads() {
    let (_, sessions) = timed(9);
    let id = create(&sessions, "ada");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                (0..1_000).for_each(|_| assert!(sessions.update(&id, |n| *n += 1).is_some()))
            });
        }
    });
    assert_eq!(
        sessions.get(&id).map(|session| *session.data()),
        Some(4_000)
    );
}

#[test]
fn an_update_that_races_a_logout_never_brings_the_session_back() {
    for _ in 0..300 {
        let (_, sessions) = timed(9);
        let id = create(&sessions, "ada");
        let start = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                (0..20).for_each(|_| sessions.update(&id, |n| *n += 1).unwrap_or(()));
            });
            start.wait();
            assert!(sessions.destroy(&id));
        });
        assert_eq!((sessions.len(), sessions.index.users()), (0, 0));
    }
}

#[test]
fn a_login_that_races_a_logout_everywhere_is_in_the_index_or_not_there() {
    for _ in 0..300 {
        let (_, sessions) = timed(3);
        let start = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                for _ in 0..10 {
                    create(&sessions, "ada");
                }
            });
            start.wait();
            for _ in 0..10 {
                sessions.destroy_user("ada");
            }
        });
        assert_eq!(sessions.of_user("ada").len(), sessions.len());
        sessions.destroy_user("ada");
        assert_eq!((sessions.len(), sessions.index.users()), (0, 0));
    }
}

#[derive(Clone, Debug)]
enum Step {
    Create(usize),
    Destroy(usize),
    DestroyUser(usize),
    DestroyOthers(usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_usize..4).prop_map(Step::Create),
        2 => (0_usize..12).prop_map(Step::Destroy),
        1 => (0_usize..4).prop_map(Step::DestroyUser),
        1 => (0_usize..12).prop_map(Step::DestroyOthers),
        2 => (1_u64..700).prop_map(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_index_holds_exactly_the_sessions_that_live(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        const USERS: [&str; 4] = ["ada", "bob", "eve", "dan"];
        let (time, sessions) = timed(3);
        // Users and their ids in order of creation, with the second of creation.
        let mut model: HashMap<&str, Vec<(SessionId, u64)>> = HashMap::new();
        let mut now = 0;
        for step in steps {
            let some = |place: usize| {
                let all: Vec<_> = USERS.iter().flat_map(|user| {
                    model.get(user).into_iter().flatten().map(move |(id, _)| (*user, *id))
                }).collect();
                (!all.is_empty()).then(|| all[place % all.len()])
            };
            match step {
                Step::Create(user) => {
                    let ids = model.entry(USERS[user]).or_default();
                    ids.push((create(&sessions, USERS[user]), now));
                    let many = ids.len().saturating_sub(3);
                    ids.drain(..many);
                }
                Step::Destroy(place) => if let Some((user, id)) = some(place) {
                    prop_assert!(sessions.destroy(&id));
                    prop_assert!(!sessions.destroy(&id));
                    model.entry(user).or_default().retain(|(other, _)| *other != id);
                },
                Step::DestroyUser(user) => {
                    let many = model.remove(USERS[user]).unwrap_or_default().len();
                    prop_assert_eq!(sessions.destroy_user(USERS[user]), many);
                }
                Step::DestroyOthers(place) => if let Some((user, id)) = some(place) {
                    let ids = model.entry(user).or_default();
                    let many = ids.len() - 1;
                    ids.retain(|(other, _)| *other == id);
                    prop_assert_eq!(sessions.destroy_others(user, &id), many);
                },
                Step::Pass(secs) => {
                    time.advance(Duration::from_secs(secs));
                    now += secs;
                    model.values_mut().for_each(|ids| ids.retain(|(_, at)| now - at < 600));


                    sessions.tick();
                }
            }
            for user in USERS {
                let ids: Vec<_> = model.get(user).into_iter().flatten().map(|(id, _)| *id).collect();
                prop_assert_eq!(sessions.of_user(user), ids);
            }
        }
        time.advance(61 * MINUTE);
        sessions.tick();
        prop_assert_eq!((sessions.len(), sessions.index.users()), (0, 0));
    }
}
