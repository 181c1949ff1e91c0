//! Pops that wait: who is served, when, in which order; and that nothing is lost.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::assert_invariants;
use crate::store::Store;
use crate::store::elements::{Edit, Growth};
use crate::time::Ttl;
use crate::value::SortedSet;
use crate::value::sorted_set::AddRule;
use crate::{End, Error, EventKind, ManualClock, MoveOptions};

type Taken = Result<(Vec<u8>, String), Error>;

/// A future that waits, with the number of times that it was woken.
struct Waiting<'a, R> {
    future: Pin<Box<dyn Future<Output = R> + Send + 'a>>,
    bell: Arc<Bell>,
}

#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl<'a, R> Waiting<'a, R> {
    fn new(future: impl Future<Output = R> + Send + 'a) -> Self {
        let mut waiting = Waiting {
            future: Box::pin(future),
            bell: Arc::default(),
        };
        assert!(waiting.poll().is_none(), "it has to wait");
        waiting
    }

    fn poll(&mut self) -> Option<R> {
        let waker = Waker::from(Arc::clone(&self.bell));
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }

    /// What came; it must have been woken for it.
    fn fetch(&mut self) -> R {
        assert_eq!(self.bell.0.load(Ordering::Relaxed), 1, "woken once");
        self.poll().expect("it was woken")
    }
}

fn waits<'a, const N: usize>(store: &'a Store, keys: [&'a str; N], end: End) -> Waiting<'a, Taken> {
    Waiting::new(store.take(keys, end))
}

fn taken(key: &str, element: &str) -> Taken {
    Ok((key.as_bytes().to_vec(), element.to_owned()))
}

fn push(store: &Store, key: &str, elements: &[&str]) -> usize {
    store.list::<String>(key).push_back_many(elements).unwrap()
}

fn len(store: &Store, key: &str) -> usize {
    store.list::<String>(key).len().unwrap()
}

#[test]
fn waiters_are_served_in_the_order_in_which_they_came_and_the_pusher_counts_all() {
    let store = Store::new();
    let mut first = waits(&store, ["q"], End::Front);
    let mut second = waits(&store, ["q"], End::Front);
    let mut third = waits(&store, ["q"], End::Back);
    assert_eq!(push(&store, "q", &["a", "b"]), 2);
    assert_eq!(first.fetch(), taken("q", "a"));
    assert_eq!(second.fetch(), taken("q", "b"));
    assert!(third.poll().is_none());
    assert_eq!(len(&store, "q"), 0);
    push(&store, "q", &["c", "d"]);
    assert_eq!(third.fetch(), taken("q", "d"));
    assert_eq!(len(&store, "q"), 1);
}

#[test]
fn waiters_are_served_after_the_whole_push() {
    let store = Store::new();
    let mut first = waits(&store, ["q"], End::Front);
    store
        .list::<String>("q")
        .push_front_many(["a", "b", "c"])
        .unwrap();
    assert_eq!(first.fetch(), taken("q", "c"));
    assert_eq!(store.list::<String>("q").range(..).unwrap(), ["b", "a"]);
}

#[test]
fn of_several_keys_the_first_in_the_waiters_own_order_is_taken() {
    let store = Store::new();
    let mut first = waits(&store, ["k1", "k2", "k3"], End::Front);
    let all = store.atomic(["k1", "k2", "k3"], |tx| {
        tx.list::<i64>("k3").push_back(1)?;
        tx.list::<i64>("k2").push_back(1)?;
        tx.list::<i64>("k1").push_back(1)
    });
    assert_eq!(all, Ok(1));
    assert_eq!(first.fetch(), taken("k1", "1"));
    let now = store.take_blocking::<String>(["k1", "k3", "k2"], End::Front, None);
    assert_eq!(now, taken("k3", "1").map(Some));
}

#[test]
fn a_push_that_its_transaction_took_back_is_not_seen_and_other_types_wake_nobody() {
    let store = Store::new();
    let mut first = waits(&store, ["q"], End::Front);
    store
        .atomic(["q"], |tx| {
            tx.list::<i64>("q").push_back(1)?;
            tx.remove("q");
            Ok::<_, Error>(())
        })
        .unwrap();
    let failed = store.atomic(["q"], |tx| {
        tx.list::<i64>("q").push_back(1)?;
        Err::<(), _>(Error::OutOfRange)
    });
    assert_eq!(failed, Err(Error::OutOfRange));
    store.set("q", "text").unwrap();
    assert!(first.poll().is_none());
    let refused = store.take_blocking::<String>(["none", "q"], End::Front, None);
    assert_eq!(refused, Err(Error::WrongType));
    store.remove("q");
    push(&store, "q", &["y"]);
    assert_eq!(first.fetch(), taken("q", "y"));
}

#[test]
fn a_chain_of_moves_is_served_by_one_push() {
    let store = Store::new();
    let moving = store.take_to::<String>("a", End::Front, "b", End::Back);
    let mut first = Waiting::new(moving);
    let mut second = waits(&store, ["b"], End::Front);
    push(&store, "a", &["x"]);
    assert_eq!(first.fetch(), Ok("x".to_owned()));
    assert_eq!(second.fetch(), taken("b", "x"));
    assert!(!store.exists("a") && !store.exists("b"));
}

#[test]
fn a_move_that_finds_another_type_is_told_so_and_the_element_stays() {
    let store = Store::new();
    store.set("string", "text").unwrap();
    let moving = store.take_to::<String>("src", End::Front, "string", End::Back);
    let mut first = Waiting::new(moving);
    push(&store, "src", &["x"]);
    assert_eq!(first.fetch(), Err(Error::WrongType));
    assert_eq!(len(&store, "src"), 1);
}

#[test]
fn a_rename_and_a_copy_serve_those_who_wait() {
    let store = Store::new();
    push(&store, "other", &["x", "y"]);
    let mut first = waits(&store, ["q"], End::Front);
    assert_eq!(store.copy("other", "q"), Ok(true));
    assert_eq!(first.fetch(), taken("q", "x"));
    store.remove("q");
    let mut second = waits(&store, ["q"], End::Back);
    store.rename("other", "q").unwrap();
    assert_eq!(second.fetch(), taken("q", "y"));
}

#[test]
fn who_waits_for_so_many_is_passed_over_until_there_are_as_many() {
    let store = Store::new();
    let pair = MoveOptions::exactly(2);
    let moving = store.take_many_to::<String>("q", End::Front, "to", End::Back, pair);
    let mut first = Waiting::new(moving);
    push(&store, "q", &["a"]);
    assert!(first.poll().is_none());
    let mut second = Waiting::new(store.take_many_to::<String>(
        "q",
        End::Front,
        "to",
        End::Back,
        MoveOptions::exactly(3),
    ));
    push(&store, "q", &["b", "c", "d"]);
    assert_eq!(first.fetch(), Ok(vec!["a".to_owned(), "b".to_owned()]));
    assert!(second.poll().is_none());
    assert_eq!((len(&store, "q"), len(&store, "to")), (2, 2));
    push(&store, "q", &["e"]);
    assert_eq!(second.fetch().unwrap().concat(), "cde");
    assert!(!store.exists("q"));
}

#[test]
fn a_batch_is_what_there_is_up_to_its_size() {
    let store = Store::new();
    let batch = store.take_many::<i64>(["l1", "l2"], End::Back, 2);
    let mut first = Waiting::new(batch);
    push(&store, "l2", &["1", "2", "3"]);
    assert_eq!(first.fetch(), Ok((b"l2".to_vec(), vec![3, 2])));
}

/// Adds members to a sorted set.
fn add(store: &Store, key: &str, members: &[(&str, f64)]) {
    let hasher = &store.core.hasher;
    let growth = Growth::of(members.iter().map(|(member, _)| member.as_bytes()));
    let add = |set: &mut SortedSet| {
        for (member, score) in members {
            set.add(hasher, member.as_bytes(), *score, AddRule::default());
        }
        Edit::Changed(())
    };
    let key = store.site().key(key.as_bytes());
    store
        .site()
        .write(key, |seat| seat.change(EventKind::ZAdd, growth, add))
        .unwrap();
}

#[test]
fn members_are_taken_from_either_end_and_in_turn_with_those_who_want_lists() {
    let store = Store::new();
    let mut list = waits(&store, ["z"], End::Front);
    let mut last = Waiting::new(store.take_max::<String>(["z"]));
    let mut first = Waiting::new(store.take_min::<String>(["none", "z"]));
    add(&store, "z", &[("a", 1.0), ("b", 2.0), ("c", 3.0)]);
    assert_eq!(last.fetch(), Ok((b"z".to_vec(), ("c".to_owned(), 3.0))));
    assert_eq!(first.fetch(), Ok((b"z".to_vec(), ("a".to_owned(), 1.0))));
    let rest = store
        .take_min_many_blocking::<String>(["z"], 5, None)
        .unwrap();
    assert_eq!(rest, Some((b"z".to_vec(), vec![("b".to_owned(), 2.0)])));
    assert!(!store.exists("z"));
    push(&store, "z", &["x"]);
    assert_eq!(list.fetch(), taken("z", "x"));
}

#[test]
fn members_that_were_handed_to_a_future_that_is_dropped_go_back() {
    let store = Store::new();
    let gone = Waiting::new(store.take_max_many::<String>(["z"], 2));
    add(&store, "z", &[("a", 1.0), ("b", 2.0), ("c", 3.0)]);
    add(&store, "z", &[("b", 0.5)]);
    drop(gone);
    let all = store
        .take_min_many_blocking::<String>(["z"], 9, None)
        .unwrap()
        .unwrap()
        .1;
    let scores: Vec<_> = all
        .iter()
        .map(|(member, score)| (&member[..], *score))
        .collect();
    assert_eq!(
        scores,
        [("b", 0.5), ("a", 1.0), ("c", 3.0)],
        "what came later stays"
    );
}

#[test]
fn what_was_handed_to_a_future_that_is_dropped_goes_to_the_next_or_back() {
    let store = Store::new();
    let first = waits(&store, ["q"], End::Front);
    let gone = waits(&store, ["q"], End::Front);
    let mut third = waits(&store, ["q"], End::Front);
    drop(gone);
    push(&store, "q", &["a"]);
    assert_eq!(len(&store, "q"), 0, "it was handed over");
    drop(first);
    assert_eq!(third.fetch(), taken("q", "a"));

    let batch = Waiting::new(store.take_many::<String>(["q"], End::Back, 2));
    store
        .list::<String>("q")
        .push_back_many(["a", "b", "c"])
        .unwrap();
    store.expire("q", Duration::from_secs(100)).unwrap();
    drop(batch);
    assert_eq!(
        store.list::<String>("q").range(..).unwrap(),
        ["a", "b", "c"]
    );
    assert!(matches!(store.ttl("q"), Ttl::Left(_)));
    assert!(
        !store
            .core
            .waiting
            .any(store.core.stripes.number(store.core.hash(b"q")))
    );
}

#[test]
fn a_newcomer_queues_up_behind_those_who_wait_for_something_else() {
    let store = Store::new();
    push(&store, "have", &["x"]);
    let mut first = waits(&store, ["want", "have2"], End::Front);
    let mut second = waits(&store, ["want"], End::Front);
    push(&store, "want", &["a"]);
    assert_eq!(first.fetch(), taken("want", "a"));
    let now = store.take_blocking::<String>(["want", "have"], End::Front, None);
    assert_eq!(now, taken("have", "x").map(Some));
    push(&store, "want", &["b"]);
    assert_eq!(second.fetch(), taken("want", "b"));
}

#[test]
fn a_wait_ends_at_its_limit_and_leaves_no_trace() {
    let time = ManualClock::new();
    let store = Store::builder().clock(time.clock()).build().unwrap();
    let none = store.take_blocking::<String>(["q"], End::Front, Duration::ZERO);
    assert_eq!(none, Ok(None));
    let wait = Duration::from_secs(5);
    std::thread::scope(|scope| {
        let waiter =
            scope.spawn(|| store.take_to_blocking::<String>("q", End::Front, "r", End::Back, wait));
        while !store
            .core
            .waiting
            .any(store.core.stripes.number(store.core.hash(b"q")))
        {
            std::hint::spin_loop();
        }
        time.advance(wait);
        assert_eq!(waiter.join().unwrap(), Ok(None));
    });
    push(&store, "q", &["a"]);
    assert_eq!(len(&store, "q"), 1);
}

#[test]
fn waiters_on_other_keys_leave_a_writer_alone() {
    let store = Store::new();
    let names: Vec<String> = (0..10_000).map(|number| format!("key{number}")).collect();
    let mut all: Vec<_> = names
        .iter()
        .map(|name| waits(&store, [name.as_str()], End::Front))
        .collect();
    push(&store, "mine", &["a"]);
    assert_eq!(len(&store, "mine"), 1);
    push(&store, "key77", &["b"]);
    assert_eq!(all[77].fetch(), taken("key77", "b"));
    drop(all);
    assert!((0..store.core.stripes.iter().count()).all(|stripe| !store.core.waiting.any(stripe)));
}

#[test]
fn threads_that_push_wait_move_and_leave_lose_and_double_nothing() {
    const EACH: u64 = 2000;
    let store = Store::new();
    let (sum, count) = (AtomicU64::new(0), AtomicU64::new(0));
    let got = |number: u64| {
        sum.fetch_add(number, Ordering::Relaxed);
        count.fetch_add(1, Ordering::Relaxed);
    };
    let is_done = || count.load(Ordering::Relaxed) == 2 * EACH;
    let soon = Duration::from_millis(1);
    std::thread::scope(|scope| {
        for part in 0..2 {
            let store = &store;
            scope.spawn(move || {
                let key = ["in1", "in2"][part as usize];
                for number in 0..EACH {
                    store
                        .list::<u64>(key)
                        .push_back(part * EACH + number)
                        .unwrap();
                }
            });
        }
        // Moves from one list to the next.
        scope.spawn(|| {
            while !is_done() {
                store
                    .take_to_blocking::<u64>("in1", End::Front, "out", End::Back, soon)
                    .unwrap();
            }
        });
        // Waits for several lists.
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_done() {
                    if let Some((_, number)) = store
                        .take_blocking::<u64>(["in2", "out"], End::Front, soon)
                        .unwrap()
                    {
                        got(number);
                    }
                }
            });
        }
        // Polls, and drops now and then what it may just have been given.
        scope.spawn(|| {
            let mut turn = 0_u32;
            while !is_done() {
                let mut future = Box::pin(store.take::<u64>(["in2", "out"], End::Front));
                let mut context = Context::from_waker(Waker::noop());
                for _ in 0..turn % 4 {
                    if let Poll::Ready(taken) = future.as_mut().poll(&mut context) {
                        got(taken.unwrap().1);
                        break;
                    }
                    std::thread::yield_now();
                }
                turn += 1;
            }
        });
    });
    assert_eq!(sum.into_inner(), (0..2 * EACH).sum::<u64>());
    assert!(["in1", "in2", "out"].iter().all(|key| !store.exists(key)));
    assert_invariants(&store);
}

#[test]
fn one_waiter_at_a_time_gets_elements_in_the_order_of_the_pushes() {
    let store = Store::new();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let next = |_| {
                store
                    .take_blocking::<u64>(["q"], End::Front, None)
                    .unwrap()
                    .unwrap()
                    .1
            };
            (0..3000).map(next).collect::<Vec<u64>>()
        });
        let list = store.list::<u64>("q");
        for number in 0..3000 {
            list.push_back(number).unwrap();
        }
        assert!(reader.join().unwrap().into_iter().eq(0..3000));
    });
}
