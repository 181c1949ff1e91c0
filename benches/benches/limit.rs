//! `RateLimiter::check`: each algorithm, one key and many, allowed and refused; two rules at once. One thread.

use criterion::{BenchmarkId, Criterion};
use larder::{RateLimiter, Rule};
use larder_benches::{Draws, run};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const TENTH: Duration = Duration::from_millis(100);
/// More than a bench calls in a tenth of a second; two such counts and a time fit a word.
const PLENTY: u64 = (1 << 24) - 1;
const KEYS: [(u64, &str); 2] = [(1, "1"), (100_000, "100K")];

fn main() {
    run(|criterion| {
        for (keys, count) in KEYS {
            let name = |what: &str| BenchmarkId::new(what, format!("key=8B keys={count}"));
            let one = |rule| RateLimiter::<u64>::new(rule);
            bench(
                criterion,
                name("token bucket"),
                keys,
                &one(Rule::token_bucket(PLENTY, TENTH)),
            );
            bench(
                criterion,
                name("fixed window"),
                keys,
                &one(Rule::fixed_window(PLENTY, TENTH)),
            );
            bench(
                criterion,
                name("sliding window"),
                keys,
                &one(Rule::sliding_window(PLENTY, TENTH)),
            );
            let two = RateLimiter::builder()
                .rule(Rule::token_bucket(PLENTY, TENTH).named("burst"))
                .rule(Rule::sliding_window(1 << 40, 24 * HOUR).named("daily"))
                .build()
                .expect("the rules are sound");
            bench(criterion, name("two rules"), keys, &two);
        }
        refused(criterion);
    });
}

fn bench(criterion: &mut Criterion, id: BenchmarkId, keys: u64, limiter: &RateLimiter<u64>) {
    let mut draws = Draws::default();
    criterion
        .benchmark_group("limit")
        .bench_function(id, |bencher| {
            bencher.iter(|| assert!(limiter.check(&draws.below(keys)).allowed));
        });
}

fn refused(criterion: &mut Criterion) {
    let limiter = RateLimiter::<u64>::new(Rule::fixed_window(0, HOUR));
    criterion
        .benchmark_group("limit")
        .bench_function("refused key=8B keys=1", |bencher| {
            bencher.iter(|| assert!(!limiter.check(&7).allowed));
        });
}
