//! Measures larder's rate limiter beside governor's keyed one: nanoseconds per check, in interleaved rounds.
//!
//! Keys are `u64`; the quota is so high that nothing is refused, except in the rows that say so. governor answers yes
//! or no; larder's decision also holds what remains and when it resets.

#![allow(clippy::disallowed_methods, reason = "a bench reads clocks")]

use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter as Governor};
use larder::{RateLimiter, Rule};
use larder_peers::clock::{Spread, Stopwatch};
use larder_peers::table::{Table, digits};

const ROUNDS: usize = 9;
const CHECKS: u64 = 1 << 19;
const SECOND: Duration = Duration::from_secs(1);
/// Calls in a second, and at once: more than a row makes.
const PLENTY: u32 = (1 << 24) - 1;
/// Distinct keys of a flood, and how many of them are kept.
const FLOOD: u64 = 10_000_000;
const KEPT: usize = 100_000;
/// What a kept key may take, all counted.
const BYTES_PER_KEY: u64 = 128;

/// What is measured: a check of a key, true if it was allowed.
type Check<'a> = Box<dyn FnMut(u64) -> bool + 'a>;

fn main() {
    let mut table = Table::new(
        "Rate limiter, ns of CPU per check",
        ["limiter", "median", "min", "max"],
    );
    table.note(format!(
        "{CHECKS} checks a round, {ROUNDS} rounds, interleaved, one thread"
    ));
    for keys in [1, 100_000] {
        measure(&mut table, keys, true);
    }
    measure(&mut table, 1, false);
    flood(&mut table);
    print!("{table}");
}

/// Ten million keys that call once each: they stay within the bound, and within its memory.
fn flood(table: &mut Table) {
    let limiter: RateLimiter<u64> = RateLimiter::builder()
        .rule(Rule::token_bucket(10, SECOND))
        .max_keys(KEPT)
        .build()
        .expect("the rule is sound");
    let watch = Stopwatch::start();
    for key in 0..FLOOD {
        assert!(limiter.check(black_box(&key)).allowed);
    }
    let (_, cpu) = watch.elapsed();
    assert!(limiter.len() <= KEPT, "{} keys", limiter.len());
    let bytes = limiter.bytes();
    assert!(bytes <= KEPT as u64 * BYTES_PER_KEY, "{bytes} bytes");
    let nanos = digits(cpu.as_nanos() as f64 / FLOOD as f64);
    let row = format!(
        "larder, {FLOOD} keys once each, {KEPT} kept in {} KiB",
        bytes >> 10
    );
    table.row([row, nanos.clone(), nanos.clone(), nanos]);
}

fn measure(table: &mut Table, keys: u64, allowed: bool) {
    let per_second = if allowed { PLENTY } else { 1 };
    let rate = NonZeroU32::new(per_second).expect("not zero");
    let governor: DefaultKeyedRateLimiter<u64> = Governor::keyed(Quota::per_second(rate));
    let limiter = |rule| RateLimiter::<u64>::new(rule);
    let bucket = limiter(Rule::token_bucket(per_second.into(), SECOND));
    let fixed = limiter(Rule::fixed_window(per_second.into(), SECOND));
    let sliding = limiter(Rule::sliding_window(per_second.into(), SECOND));
    let mut rows: Vec<(&str, Check<'_>, Vec<f64>)> = vec![
        (
            "governor",
            Box::new(|key| governor.check_key(&key).is_ok()),
            vec![],
        ),
        (
            "larder token bucket",
            Box::new(|key| bucket.check(&key).allowed),
            vec![],
        ),
        (
            "larder fixed window",
            Box::new(|key| fixed.check(&key).allowed),
            vec![],
        ),
        (
            "larder sliding window",
            Box::new(|key| sliding.check(&key).allowed),
            vec![],
        ),
    ];
    for round in 0..=ROUNDS {
        for (_, check, samples) in &mut rows {
            let nanos = run(check, keys, allowed);
            // The first round makes the keys.
            if round > 0 {
                samples.push(nanos);
            }
        }
    }
    let what = if allowed { "allowed" } else { "refused" };
    for (name, _, samples) in rows {
        let spread = Spread::of(samples);
        table.row([
            format!("{name}, {keys} keys, {what}"),
            digits(spread.median),
            digits(spread.min),
            digits(spread.max),
        ]);
    }
}

/// Nanoseconds of this thread's time per check.
fn run(check: &mut Check<'_>, keys: u64, allowed: bool) -> f64 {
    let mut state = 0_u64;
    let mut agreed = 0_u64;
    let watch = Stopwatch::start();
    for _ in 0..CHECKS {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let key = ((u128::from(state) * u128::from(keys)) >> 64) as u64;
        agreed += u64::from(check(black_box(key)) == allowed);
    }
    let (_, cpu) = watch.elapsed();
    assert!(
        agreed > CHECKS / 1000 * 999,
        "the limiter decided otherwise"
    );
    cpu.as_nanos() as f64 / CHECKS as f64
}
