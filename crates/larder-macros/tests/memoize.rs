//! Memoized functions: what is kept, for whom, how often a body runs.

#![allow(clippy::disallowed_methods, reason = "tests start threads")]

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use larder::{Cache, memo_evict, memo_put, memoize};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

static RUNS: AtomicU32 = AtomicU32::new(0);

#[memoize]
fn slow_square(number: u64) -> u64 {
    RUNS.fetch_add(1, Ordering::Relaxed);
    std::thread::yield_now();
    number * number
}

#[test]
fn a_body_runs_once_for_any_number_of_callers() {
    let barrier = Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                assert_eq!(slow_square(12), 144);
            });
        }
    });
    assert_eq!(RUNS.load(Ordering::Relaxed), 1);
    assert_eq!(slow_square::stats().loads, 1);
}

#[memoize(unbounded)]
fn fibonacci(number: u64) -> u64 {
    if number < 2 {
        number
    } else {
        fibonacci(number - 1) + fibonacci(number - 2)
    }
}

#[test]
fn recursion_works() {
    assert_eq!(fibonacci(90), 2_880_067_194_370_816_120);
    assert_eq!(fibonacci::cache().len(), 91);
}

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

#[memoize]
fn calls_itself(number: u32) -> u32 {
    let depth = DEPTH.replace(DEPTH.get() + 1);
    if depth == 0 {
        calls_itself(number) + 1
    } else {
        number
    }
}

#[test]
fn the_same_call_inside_itself_runs_and_does_not_wait() {
    assert_eq!(calls_itself(5), 6);
    assert_eq!(calls_itself::peek(&5), Some(6));
}

#[derive(Debug, PartialEq)]
struct NotFound;

type Answer<T> = Result<T, NotFound>;

#[memoize(result, skip(rows))]
fn find(rows: &[&str], name: &str) -> Answer<usize> {
    rows.iter().position(|row| *row == name).ok_or(NotFound)
}

#[test]
fn only_success_is_kept_and_errors_need_no_clone() {
    assert_eq!(find(&[], "ada"), Err(NotFound));
    assert_eq!(find(&["bob", "ada"], "ada"), Ok(1));
    // The rows do not belong to the key.
    assert_eq!(find(&[], "ada"), Ok(1));
    assert_eq!(find::peek("ada"), Some(1));
    assert_eq!(find::refresh(&["ada"], "ada"), Ok(0));
    assert_eq!(find(&[], "ada"), Ok(0));
    find::put("bob", 7);
    assert_eq!(find(&[], "bob"), Ok(7));
    assert_eq!(find::uncached(&[], "bob"), Err(NotFound));
    find::clear();
    assert_eq!(find(&[], "bob"), Err(NotFound));
}

struct User {
    id: u64,
    name: String,
}

#[memoize(key: (u64, bool) = (user.id, loud), max_entries = 10)]
fn greeting(user: &User, loud: bool) -> String {
    let greeting = format!("hello {}", user.name);
    if loud {
        greeting.to_uppercase()
    } else {
        greeting
    }
}

#[test]
fn a_key_may_be_made_of_the_arguments() {
    let ada = User {
        id: 1,
        name: "Ada".into(),
    };
    assert_eq!(greeting(&ada, true), "HELLO ADA");
    let renamed = User {
        id: 1,
        name: "Grace".into(),
    };
    assert_eq!(greeting(&renamed, true), "HELLO ADA");
    assert!(greeting::invalidate(&(1, true)));
    assert_eq!(greeting(&renamed, true), "HELLO GRACE");
}

#[memoize]
fn shout(name: String, mark: Option<char>) -> String {
    name.to_uppercase() + &mark.map(String::from).unwrap_or_default()
}

#[test]
fn arguments_may_be_given_away() {
    assert_eq!(shout("ada".into(), Some('!')), "ADA!");
    assert_eq!(shout("ada".into(), Some('!')), "ADA!");
    assert_eq!(shout::stats().loads, 1);
    assert!(shout::invalidate(&"ada".to_owned(), &Some('!')));
}

#[memoize(scope = thread)]
fn here(number: u8) -> std::thread::ThreadId {
    let _ = number;
    std::thread::current().id()
}

#[test]
fn each_thread_may_have_its_own() {
    let mine = here(1);
    let other = std::thread::spawn(|| here(1)).join().expect("no panic");
    assert_ne!(mine, other);
    assert_eq!(here(1), mine);
}

#[memoize(ttl = "1m", max_entries = 100)]
async fn fetch(base: &str, id: u64) -> std::io::Result<Arc<str>> {
    if id == 0 {
        return Err(std::io::ErrorKind::NotFound.into());
    }
    Ok(format!("{base}/{id}").into())
}

#[memo_evict(fetch(&base, &id), all = fetch)]
async fn store(base: String, id: u64) -> Result<u64, String> {
    drop(base);
    Ok(id)
}

#[test]
fn async_functions_are_kept_and_forgotten_as_others() {
    block_on(async {
        assert!(fetch("a", 0).await.is_err());
        assert_eq!(&*fetch("a", 1).await.expect("it exists"), "a/1");
        assert_eq!(fetch::peek("a", &1).as_deref(), Some("a/1"));
        store("a".into(), 1).await.expect("it works");
        assert_eq!(fetch::peek("a", &1), None);
        assert_eq!(&*fetch::refresh("b", 2).await.expect("it exists"), "b/2");
        assert_eq!(fetch::cache().len(), 1);
    });
}

#[memoize]
fn noted(name: &str) -> Result<usize, NotFound> {
    name.parse().map_err(|_| NotFound)
}

#[memo_put(noted(&result.to_string()))]
fn note(number: usize) -> Result<usize, NotFound> {
    if number > 9 {
        Err(NotFound)
    } else {
        Ok(number)
    }
}

#[test]
fn only_success_is_put() {
    note(3).expect("it is small");
    note(10).expect_err("it is large");
    assert_eq!(noted::peek("3"), Some(3));
    assert_eq!(noted::peek("10"), None);
}

#[memoize(max_weight = 100, weigher = |_, text: &String| text.len() as u64)]
fn stars(many: usize) -> String {
    "*".repeat(many)
}

#[test]
fn results_are_bounded_by_what_they_weigh() {
    for many in 30..34 {
        assert_eq!(stars(many).len(), many);
        assert!(stars::cache().weight() <= 100);
    }
    assert_eq!(stars::cache().len(), 3);
    assert_eq!(stars(101).len(), 101);
    assert_eq!(stars::peek(&101), None, "what is too heavy is not kept");
}

struct Repository {
    rows: Vec<String>,
    names: Cache<usize, String>,
    pairs: Cache<(usize, String), String>,
    reads: AtomicU32,
}

impl Repository {
    #[memoize(scope = field(self.names))]
    fn name(&self, id: usize) -> String {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.rows[id].clone()
    }

    #[memoize(scope = field(self.pairs), skip(extra))]
    async fn pair<T: AsRef<str>>(&self, id: usize, name: &str, extra: T) -> String {
        format!("{}{name}{}", self.rows[id], extra.as_ref())
    }
}

#[test]
fn methods_keep_results_in_their_own_field() {
    let repository = Repository {
        rows: vec!["ada".into()],
        names: Cache::new(10),
        pairs: Cache::new(10),
        reads: AtomicU32::new(0),
    };
    assert_eq!(repository.name(0), "ada");
    assert_eq!(repository.name(0), "ada");
    assert_eq!(repository.reads.load(Ordering::Relaxed), 1);
    assert_eq!(repository.names.peek(&0).as_deref(), Some("ada"));
    block_on(async {
        assert_eq!(repository.pair(0, "+", "x").await, "ada+x");
        assert_eq!(repository.pair(0, "+", String::new()).await, "ada+x");
    });
    assert_eq!(repository.pairs.len(), 1);
}

static BULK_CALLS: AtomicU32 = AtomicU32::new(0);

#[memoize(bulk, max_entries = 100, tags = ["price:{key}"])]
fn prices(ids: &[u64]) -> HashMap<u64, u64> {
    BULK_CALLS.fetch_add(1, Ordering::Relaxed);
    ids.iter()
        .filter(|id| **id != 13)
        .map(|id| (*id, id * 100))
        .collect()
}

#[test]
fn a_bulk_function_is_called_once_for_the_keys_that_are_missing() {
    assert_eq!(prices(&[1, 2, 13]), HashMap::from([(1, 100), (2, 200)]));
    assert_eq!(prices::stats().entries, 2);
    assert_eq!(prices(&[2, 3]), HashMap::from([(2, 200), (3, 300)]));
    assert_eq!(prices(&[1, 2, 3]).len(), 3);
    assert_eq!(BULK_CALLS.load(Ordering::Relaxed), 2);
    assert_eq!((prices::peek(&3), prices::peek(&13)), (Some(300), None));
    larder::Tags::shared().invalidate("price:3");
    assert_eq!(prices::peek(&3), None);
    prices::put(&3, 7);
    assert_eq!(prices(&[3])[&3], 7);
    assert!(prices::invalidate(&3));
}

#[memoize(bulk, skip(offset, source))]
async fn names(source: &str, ids: &[u32], offset: String) -> Result<Vec<(u32, String)>, String> {
    if ids.contains(&0) {
        return Err(format!("{source} has no 0"));
    }
    Ok(ids
        .iter()
        .map(|id| (*id, format!("{source}{offset}{id}")))
        .collect())
}

#[test]
fn a_bulk_function_may_be_async_and_fail_and_skip_arguments() {
    let ask = |ids: &[u32]| block_on(names("db", ids, "-".to_owned()));
    assert_eq!(ask(&[1]), Ok(vec![(1, "db-1".to_owned())]));
    assert_eq!(ask(&[1, 0]), Err("db has no 0".to_owned()));
    assert_eq!(ask(&[2, 1]).map(|pairs| pairs.len()), Ok(2));
    assert_eq!(names::stats().entries, 2);
}

struct Shop {
    prices: Cache<u64, u64>,
    markup: u64,
}

impl Shop {
    #[memoize(bulk, scope = field(self.prices))]
    fn prices(&self, ids: &[u64]) -> BTreeMap<u64, u64> {
        ids.iter().map(|id| (*id, id * self.markup)).collect()
    }
}

#[test]
fn a_bulk_method_keeps_its_pairs_in_a_field() {
    let shop = Shop {
        prices: Cache::new(10),
        markup: 3,
    };
    assert_eq!(shop.prices(&[1, 2]), BTreeMap::from([(1, 3), (2, 6)]));
    assert_eq!(shop.prices.peek(&2), Some(6));
}

#[memoize(name = "a function by name")]
fn named(number: u64) -> u64 {
    number
}

#[test]
fn the_statistics_of_all_functions_are_listed_by_name() {
    named(1);
    named(1);
    slow_square(1);
    let all = larder::memo::stats();
    let of = |name: &str| {
        all.iter()
            .find(|(listed, _)| *listed == name)
            .map(|(_, stats)| *stats)
    };
    assert_eq!(of("a function by name").map(|stats| stats.hits), Some(1));
    assert!(of("memoize::slow_square").is_some(), "{all:?}");
}
