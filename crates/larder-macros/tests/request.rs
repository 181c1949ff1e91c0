//! Memoized functions whose results belong to a request, and are lent.

#![allow(clippy::disallowed_methods, reason = "tests start threads")]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use larder::{Memos, memoize};

#[derive(Default)]
struct Request {
    memos: Memos,
    runs: AtomicU32,
}

impl AsRef<Memos> for Request {
    fn as_ref(&self) -> &Memos {
        &self.memos
    }
}

/// Not `Clone`: it can only be lent.
#[derive(Debug, PartialEq)]
struct User {
    id: u64,
}

#[derive(Debug, PartialEq)]
struct NotFound;

type Answer<T> = Result<T, NotFound>;

#[memoize(scope = cx(request))]
fn me(request: &Request, id: u64) -> User {
    request.runs.fetch_add(1, Ordering::Relaxed);
    User { id }
}

#[test]
fn a_result_is_computed_once_in_a_request_and_lent() {
    let request = Request::default();
    let first: &User = me(&request, 7);
    assert_eq!(first, &User { id: 7 });
    for id in 8..1_000 {
        assert_eq!(me(&request, id).id, id);
    }
    assert!(std::ptr::eq(first, me(&request, 7)));
    assert_eq!(request.runs.load(Ordering::Relaxed), 993);
    assert_eq!(request.memos.len(), 993);
    // Another request knows nothing of it.
    assert_eq!(Request::default().memos.len(), 0);
}

#[memoize(scope = cx(request.memos), skip(rows))]
fn find(request: &Request, rows: &[&str], name: &str) -> Result<usize, NotFound> {
    request.runs.fetch_add(1, Ordering::Relaxed);
    rows.iter().position(|row| *row == name).ok_or(NotFound)
}

#[memoize(scope = cx(request), result)]
fn find_alias<'a>(request: &'a Request, name: &str) -> Answer<usize> {
    find(request, &["ada"], name)
        .map(|place| place + 10)
        .map_err(|_| NotFound)
}

#[test]
fn only_success_is_kept_and_lent() {
    let request = Request::default();
    assert_eq!(find(&request, &[], "ada"), Err(NotFound));
    assert_eq!(find(&request, &["bob", "ada"], "ada"), Ok(&1));
    assert_eq!(find(&request, &[], "ada"), Ok(&1));
    assert_eq!(request.runs.load(Ordering::Relaxed), 2);
    assert_eq!(find_alias(&request, "ada"), Ok(&11));
    assert_eq!(find_alias(&request, "bob"), Err(NotFound));
}

#[memoize(scope = cx(request))]
async fn slow(request: &Request, name: String) -> std::io::Result<String> {
    request.runs.fetch_add(1, Ordering::Relaxed);
    let mut is_second = false;
    poll_fn(|_| match std::mem::replace(&mut is_second, true) {
        false => Poll::Pending,
        true => Poll::Ready(()),
    })
    .await;
    Ok(name + "!")
}

#[test]
fn tasks_of_one_request_share_a_call() {
    let request = Request::default();
    let mut context = Context::from_waker(Waker::noop());
    let (mut one, mut two) = (
        pin!(slow(&request, "a".into())),
        pin!(slow(&request, "a".into())),
    );
    assert!(one.as_mut().poll(&mut context).is_pending());
    assert!(two.as_mut().poll(&mut context).is_pending());
    let Poll::Ready(Ok(first)) = one.as_mut().poll(&mut context) else {
        panic!("it is done");
    };
    let Poll::Ready(Ok(second)) = two.as_mut().poll(&mut context) else {
        panic!("it is done");
    };
    assert!(first == "a!" && std::ptr::eq(first, second));
    assert_eq!(request.runs.load(Ordering::Relaxed), 1);
}

#[memoize(scope = cx(request))]
fn around(request: &Request, id: u64) -> u64 {
    // The inner call has the outer one's arguments, and is not shown to others.
    if request.runs.fetch_add(1, Ordering::Relaxed) == 0 {
        *around(request, id) + 1
    } else {
        id
    }
}

#[test]
fn the_same_call_inside_itself_runs_and_does_not_wait() {
    let request = Request::default();
    assert_eq!(*around(&request, 5), 6);
    assert_eq!(*around(&request, 5), 6);
    assert_eq!(request.runs.load(Ordering::Relaxed), 2);
}

struct Session {
    memos: Memos,
    factor: u64,
}

impl Session {
    #[memoize(scope = cx(self.memos))]
    fn times(&self, number: u64) -> u64 {
        number * self.factor
    }

    #[memoize(scope = cx(self.memos), key: u64 = number / 10)]
    fn tens(&self, number: u64) -> Option<u64> {
        (number != 0).then_some(number * self.factor)
    }
}

#[test]
fn methods_find_their_request_through_self() {
    let session = Session {
        memos: Memos::new(),
        factor: 3,
    };
    assert_eq!((session.times(2), session.times(2)), (&6, &6));
    assert_eq!((session.tens(20), session.tens(29)), (&Some(60), &Some(60)));
    assert_eq!(session.memos.len(), 2);
}

#[test]
fn threads_of_one_request_share_its_results() {
    let request = Request::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..100).for_each(|id| assert_eq!(me(&request, id).id, id)));
        }
    });
    assert_eq!(request.runs.load(Ordering::Relaxed), 100);
}
