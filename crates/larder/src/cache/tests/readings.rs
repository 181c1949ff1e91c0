//! How often a call reads the clock: never where no deadline depends on it, and once where many do.

use std::time::{Duration, SystemTime};

use crate::time::readings;
use crate::{Cache, CacheBuilder, Change, Clock, Freshness, ManualClock};

type Call = (&'static str, fn(&Cache<u32, u32>));
type Build = fn() -> CacheBuilder<u32, u32>;

const HOUR: Duration = Duration::from_secs(3_600);
const SHORT: Duration = Duration::from_millis(500);
/// Until then, from 1970 on.
const FAR: Duration = Duration::from_secs(33_177_117_420);

/// Whatever a call returns.
fn done<T>(_: T) {}

/// Calls that ask for no deadline of their own.
const PLAIN: [Call; 15] = [
    ("get", |cache| done(cache.get(&1))),
    ("get_with", |cache| done(cache.get_with(&1, |_| ()))),
    ("get_many", |cache| done(cache.get_many(&[1, 1]))),
    ("get_stale", |cache| done(cache.get_stale(&1))),
    ("contains", |cache| done(cache.contains(&1))),
    ("peek", |cache| done(cache.peek(&1))),
    ("get_or_load", |cache| done(cache.get_or_load(&1, || 1))),
    ("insert", |cache| done(cache.insert(1, 2))),
    ("compute", |cache| {
        cache.compute(1, |_| Change::Insert(3));
    }),
    ("update", |cache| {
        done(cache.update(&1, |value| *value += 1))
    }),
    ("persist", |cache| done(cache.persist(&1))),
    ("touch", |cache| done(cache.touch(&1))),
    ("keys", |cache| done(cache.hottest(1))),
    ("retain", |cache| done(cache.retain(|_, _| true))),
    ("remove", |cache| done(cache.remove(&1))),
];

/// Calls that set or tell a deadline.
const TIMED: [Call; 6] = [
    ("insert_with_ttl", |cache| {
        done(cache.insert_with_ttl(1, 2, HOUR))
    }),
    ("insert_with_ttl of nothing", |cache| {
        cache.insert_with_ttl(1, 2, Duration::ZERO);
    }),
    ("ttl", |cache| done(cache.ttl(&1))),
    ("expire", |cache| done(cache.expire(&1, HOUR))),
    ("expire_at", |cache| {
        cache.expire_at(&1, SystemTime::UNIX_EPOCH + FAR);
    }),
    ("expire in the past", |cache| {
        cache.expire_at(&1, SystemTime::UNIX_EPOCH);
    }),
];

fn fresh() -> Freshness {
    Freshness::new(HOUR).stale_for(HOUR).refresh_at(0.9)
}

fn builder() -> CacheBuilder<u32, u32> {
    // One stripe: a walk over all of them is a call for each.
    Cache::builder().max_entries(100).stripes(1)
}

/// How often a call reads the clock of a cache in which its key has been put by `put`.
fn count(build: Build, put: Call, call: Call) -> usize {
    let clocks = [Clock::system(), ManualClock::new().clock()];
    let counts = clocks.map(|clock| {
        let cache = build()
            .clock(clock)
            .build()
            .expect("the settings are valid");
        put.1(&cache);
        readings::during(|| call.1(&cache)).0
    });
    counts.into_iter().max().unwrap_or(0)
}

#[test]
fn no_clock_is_read_where_there_are_no_deadlines() {
    for call in PLAIN {
        let read = count(builder, ("insert", |cache| done(cache.insert(1, 1))), call);
        assert_eq!(read, 0, "{}", call.0);
    }
}

#[test]
fn one_reading_is_enough_for_every_call() {
    let puts: [Call; 2] = [
        ("inserted", |cache| done(cache.insert(1, 1))),
        ("with a deadline", |cache| {
            done(cache.insert_with_ttl(1, 1, HOUR))
        }),
    ];
    let builds: [(&str, Build); 6] = [
        ("plain", builder),
        ("ttl", || builder().ttl(HOUR)),
        ("idle", || builder().idle(HOUR)),
        ("short idle", || builder().ttl(HOUR).idle(SHORT)),
        ("fresh", || builder().freshness(fresh())),
        ("fresh and idle", || builder().freshness(fresh()).idle(HOUR)),
    ];
    for (name, build) in builds {
        for put in puts {
            for call in PLAIN.into_iter().chain(TIMED) {
                let read = count(build, put, call);
                assert!(read <= 1, "{} of {}, {name}: {read}", call.0, put.0);
            }
        }
    }
}

#[test]
fn a_load_reads_the_clock_when_it_starts_and_when_it_ends() {
    let cache = builder().ttl(HOUR).build().expect("the settings are valid");
    let (read, _) = readings::during(|| cache.get_or_load(&1, || 1));
    assert_eq!(read, 2);
}
