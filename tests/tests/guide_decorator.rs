//! The usual guide's decorator: a function whose results are kept under a prefix and its arguments.

#![allow(clippy::disallowed_methods, reason = "counts calls among threads")]

use std::cell::Cell;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use larder::{Cache, Loaded, ManualClock, Tags, memo_evict, memoize};

const HALF_AN_HOUR: Duration = Duration::from_secs(1800);

/// A cached function: the cache beside it, its arguments as the key.
struct Products {
    cache: Cache<(u32, String), String>,
    calls: Cell<u32>,
}

impl Products {
    fn new(time: &ManualClock) -> Self {
        let cache = Cache::builder().max_entries(1000).ttl(HALF_AN_HOUR);
        Products {
            cache: cache
                .clock(time.clock())
                .build()
                .expect("the settings are valid"),
            calls: Cell::new(0),
        }
    }

    fn get(&self, id: u32, language: &str) -> String {
        let load = || {
            self.calls.set(self.calls.get() + 1);
            format!("Product {id} ({language})")
        };
        let key = (id, language.to_owned());
        self.cache
            .get_or_load(&key, load)
            .expect("it does not ask for itself")
    }
}

#[test]
fn a_function_is_called_once_per_arguments_and_half_an_hour() {
    let time = ManualClock::new();
    let products = Products::new(&time);
    for _ in 0..3 {
        assert_eq!(products.get(7, "en"), "Product 7 (en)");
        assert_eq!(products.get(7, "de"), "Product 7 (de)");
    }
    assert_eq!(products.calls.get(), 2);
    time.advance(HALF_AN_HOUR);
    products.get(7, "en");
    assert_eq!(products.calls.get(), 3);
}

/// The guide's key: the prefix and the arguments, joined by colons.
fn guide_key(prefix: &str, arguments: &[&str]) -> String {
    format!("{prefix}:{}", arguments.join(":"))
}

#[test]
fn trap_colliding_keys_tuples_of_arguments_are_different_where_joined_text_is_not() {
    assert_eq!(
        guide_key("p", &["a:b", "c"]),
        guide_key("p", &["a", "b:c"]),
        "the guide's way"
    );

    let cache = Cache::<(String, String), u32>::new(100);
    let keys = [("a:b", "c"), ("a", "b:c")].map(|(one, two)| (one.to_owned(), two.to_owned()));
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(cache.get_or_load(key, || number as u32), Ok(number as u32));
    }
}

#[test]
fn trap_recursion_a_function_may_ask_for_other_arguments_and_is_told_of_its_own() {
    fn fibonacci(cache: &Cache<u64, u64>, n: u64) -> u64 {
        let sum = || fibonacci(cache, n - 1) + fibonacci(cache, n - 2);
        let load = || if n < 2 { n } else { sum() };
        cache.get_or_load(&n, load).expect("smaller arguments only")
    }
    let cache = Cache::new(100);
    assert_eq!(fibonacci(&cache, 90), 2_880_067_194_370_816_120);
    assert_eq!(cache.stats().loads, 91);
    assert!(
        cache
            .get_or_load(&95, || cache.get_or_load(&95, || 0).unwrap_or(1))
            .is_ok_and(|n| n == 1)
    );
}

#[test]
fn results_are_tagged_by_what_they_were_made_from_and_forgotten_together() {
    let tags = Tags::new();
    let pages: Cache<u32, String> = Cache::builder()
        .max_entries(100)
        .tags(&tags)
        .build()
        .expect("the settings are valid");
    let page = |id: u32, author: &str| {
        let made = Loaded::new(format!("{id} by {author}")).tag(&format!("author:{author}"));
        pages
            .fetch(&id, || Ok::<_, String>(made))
            .expect("it is made")
    };
    page(1, "ada");
    page(2, "grace");
    tags.invalidate("author:ada");
    assert_eq!(
        (pages.get(&1), pages.get(&2)),
        (None, Some("2 by grace".to_owned()))
    );
}

static CALLS: AtomicU32 = AtomicU32::new(0);
static TIME: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

#[memoize(ttl = "30m", max_entries = 1000, tags = ["decorated:{id}"], clock = TIME.clock())]
fn product(id: u32, language: &str) -> Result<String, String> {
    CALLS.fetch_add(1, Ordering::Relaxed);
    match id {
        0 => Err("no such product".to_owned()),
        _ => Ok(format!("Product {id} ({language})")),
    }
}

#[memo_evict(tags = ["decorated:{id}"])]
fn change_product(id: u32) {
    let _ = id;
}

#[test]
fn a_decorated_function_is_one_attribute_and_keeps_no_failure() {
    for _ in 0..3 {
        assert_eq!(product(7, "en").as_deref(), Ok("Product 7 (en)"));
        assert_eq!(product(7, "de").as_deref(), Ok("Product 7 (de)"));
    }
    assert_eq!(CALLS.load(Ordering::Relaxed), 2);
    change_product(7);
    assert_eq!(product::peek(&7, "de"), None);
    assert!(product(7, "en").is_ok() && product(0, "en").is_err() && product(0, "en").is_err());
    assert_eq!(CALLS.load(Ordering::Relaxed), 5);
    TIME.advance(HALF_AN_HOUR);
    assert_eq!(product::peek(&7, "en"), None);
}
