//! Measures a memoized function's hit beside the hit of the cache that it stands for, and beside `cached`'s macros and moka
//! by hand: nanoseconds per call, in interleaved rounds, one thread.
//!
//! Two functions, one of a number and one of a number and a text; 1,000 results, all of them kept.

#![allow(clippy::disallowed_methods, reason = "a bench reads clocks")]

use std::hint::black_box;

use cached::macros::{cached, concurrent_cached};
use larder::{Cache, CacheBuilder, Loaded, Tags};
use larder_peers::clock::{Spread, Stopwatch};
use larder_peers::table::{Table, digits};

const ROUNDS: usize = 9;
const CALLS: u64 = 1 << 19;
const KEYS: u64 = 1_000;
const TEXT: &str = "a text";

fn of_number(number: u64) -> u64 {
    number * 2
}

fn of_text(number: u64, text: &str) -> u64 {
    number * 2 + text.len() as u64
}

#[larder::memoize(max_entries = 10_000)]
fn larder_number(number: u64) -> u64 {
    of_number(number)
}

#[larder::memoize(max_entries = 10_000)]
fn larder_text(number: u64, text: &str) -> u64 {
    of_text(number, text)
}

#[cached(max_size = 10_000)]
fn cached_number(number: u64) -> u64 {
    of_number(number)
}

#[concurrent_cached(max_size = 10_000)]
fn sharded_number(number: u64) -> u64 {
    of_number(number)
}

// cached's key is the arguments, owned: a call site has to make them.
#[cached(max_size = 10_000)]
fn cached_text(number: u64, text: String) -> u64 {
    of_text(number, &text)
}

#[concurrent_cached(max_size = 10_000)]
fn sharded_text(number: u64, text: String) -> u64 {
    of_text(number, &text)
}

/// What is measured: a call for a number.
type Call<'a> = Box<dyn FnMut(u64) -> u64 + 'a>;

fn main() {
    let mut table = Table::new(
        "Memoized functions, ns of CPU per hit",
        ["what", "median", "min", "max"],
    );
    table.note(format!(
        "{CALLS} calls a round, {ROUNDS} rounds, interleaved, one thread, {KEYS} results"
    ));
    numbers(&mut table);
    texts(&mut table);
    print!("{table}");
    tags();
}

/// What it costs to keep groups that may be invalidated at once: hits of entries with a tag, against moka's predicates,
/// the nearest to it; `cached` has nothing of the kind.
fn tags() {
    let mut table = Table::new(
        "Hits of entries in groups, ns of CPU",
        ["what", "median", "min", "max"],
    );
    table.note(format!(
        "{KEYS} entries; `after others`: groups of other entries are invalidated before every {KEYS} hits"
    ));
    let kept = |tags: Option<&Tags>| {
        let builder = Cache::builder().max_entries(10_000);
        let builder = tags.into_iter().fold(builder, CacheBuilder::tags);
        let cache: Cache<u64, u64> = builder.build().expect("the settings are valid");
        for number in 0..KEYS {
            let loaded = Loaded::new(of_number(number)).tag(&number.to_le_bytes());
            cache.insert_loaded(number, loaded);
        }
        cache
    };
    let (quiet, busy) = (Tags::new(), Tags::new());
    let [plain, tagged, troubled] = [None, Some(&quiet), Some(&busy)].map(kept);
    let moka = |predicates: bool| {
        let moka = moka::sync::Cache::<u64, u64>::builder().max_capacity(10_000);
        let moka = if predicates {
            moka.support_invalidation_closures()
        } else {
            moka
        };
        let moka = moka.build();
        (0..KEYS).for_each(|number| moka.insert(number, of_number(number)));
        moka
    };
    let (others, by_predicate) = (moka(false), moka(true));
    let (mut calls, mut moka_calls) = (0_u64, 0_u64);
    let hit = |cache: &Cache<u64, u64>, number| cache.get(&number).expect("all are kept");
    let rows: Vec<(&str, Call<'_>)> = vec![
        ("larder, no tags", Box::new(|number| hit(&plain, number))),
        ("larder, one tag", Box::new(|number| hit(&tagged, number))),
        (
            "larder, one tag, after others",
            Box::new(|number| {
                calls += 1;
                if calls.is_multiple_of(KEYS) {
                    busy.invalidate(&(KEYS + number).to_le_bytes());
                }
                hit(&troubled, number)
            }),
        ),
        (
            "moka, no predicates",
            Box::new(|number| others.get(&number).expect("all are kept")),
        ),
        (
            "moka, a predicate, after others",
            Box::new(|number| {
                moka_calls += 1;
                if moka_calls.is_multiple_of(KEYS) {
                    let other = move |key: &u64, _: &u64| *key == KEYS + number;
                    drop(by_predicate.invalidate_entries_if(other));
                }
                by_predicate.get(&number).expect("all are kept")
            }),
        ),
    ];
    measure(&mut table, "u64", rows, of_number);
    print!("{table}");
}

fn numbers(table: &mut Table) {
    let cache: Cache<u64, u64> = Cache::new(10_000);
    let moka = moka::sync::Cache::<u64, u64>::new(10_000);
    for number in 0..KEYS {
        cache.insert(number, of_number(number));
    }
    let rows: Vec<(&str, Call<'_>)> = vec![
        (
            "larder Cache::get",
            Box::new(|number| cache.get(&number).expect("all are kept")),
        ),
        ("larder memoize", Box::new(larder_number)),
        ("cached cached", Box::new(cached_number)),
        ("cached concurrent_cached", Box::new(sharded_number)),
        (
            "moka get_with",
            Box::new(|number| moka.get_with(number, || of_number(number))),
        ),
    ];
    measure(table, "u64", rows, of_number);
}

fn texts(table: &mut Table) {
    let cache: Cache<(u64, String), u64> = Cache::new(10_000);
    let moka = moka::sync::Cache::<(u64, String), u64>::new(10_000);
    for number in 0..KEYS {
        cache.insert((number, TEXT.to_owned()), of_text(number, TEXT));
    }
    // The key is there already: what a hit costs that has to make none.
    let mut key = (0, TEXT.to_owned());
    let rows: Vec<(&str, Call<'_>)> = vec![
        (
            "larder Cache::get",
            Box::new(move |number| {
                key.0 = number;
                cache.get(&key).expect("all are kept")
            }),
        ),
        (
            "larder memoize",
            Box::new(|number| larder_text(number, TEXT)),
        ),
        (
            "cached cached",
            Box::new(|number| cached_text(number, TEXT.to_owned())),
        ),
        (
            "cached concurrent_cached",
            Box::new(|number| sharded_text(number, TEXT.to_owned())),
        ),
        (
            "moka get_with",
            Box::new(|number| {
                let key = (number, TEXT.to_owned());
                moka.get_with(key, || of_text(number, TEXT))
            }),
        ),
    ];
    measure(table, "(u64, text)", rows, |number| of_text(number, TEXT));
}

fn measure(
    table: &mut Table,
    key: &str,
    rows: Vec<(&str, Call<'_>)>,
    expected: impl Fn(u64) -> u64,
) {
    let mut rows: Vec<_> = rows
        .into_iter()
        .map(|(name, call)| (name, call, Vec::new()))
        .collect();
    for round in 0..=ROUNDS {
        for (_, call, samples) in &mut rows {
            let nanos = run(call, &expected);
            // The first round makes the results.
            if round > 0 {
                samples.push(nanos);
            }
        }
    }
    for (name, _, samples) in rows {
        let spread = Spread::of(samples);
        table.row([
            format!("{name}, {key}"),
            digits(spread.median),
            digits(spread.min),
            digits(spread.max),
        ]);
    }
}

/// Nanoseconds of this thread's time per call.
fn run(call: &mut Call<'_>, expected: &impl Fn(u64) -> u64) -> f64 {
    let (mut state, mut wrong) = (0_u64, 0_u64);
    let watch = Stopwatch::start();
    for _ in 0..CALLS {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let number = ((u128::from(state) * u128::from(KEYS)) >> 64) as u64;
        wrong += u64::from(call(black_box(number)) != expected(number));
    }
    let (_, cpu) = watch.elapsed();
    assert_eq!(wrong, 0, "a result is another's");
    cpu.as_nanos() as f64 / CALLS as f64
}
