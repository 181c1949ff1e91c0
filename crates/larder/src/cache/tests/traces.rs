//! Policies by what they hit: a recorded trace, and patterns that are known to fool one policy or another.

use std::io::{BufRead, BufReader};

use crate::{Cache, Eviction};

/// Look-ups of paths by a build; what the best policy can reach is in its folder's README.
const TRACE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../benches/traces/capture-cargo-paths.txt.zst"
);

fn recorded() -> Vec<u64> {
    let file = std::fs::File::open(TRACE).expect("the trace is in the repository");
    let lines = BufReader::new(zstd::Decoder::new(file).expect("it is compressed")).lines();
    lines
        .map(|line| line.expect("it is text").parse().expect("of numbers"))
        .collect()
}

/// Hits per cent where every miss is followed by an insert.
fn hits(keys: &[u64], capacity: usize, eviction: Eviction) -> f64 {
    let builder = Cache::builder().max_entries(capacity);
    let cache = builder.eviction(eviction).stripes(1).build().unwrap();
    let hits = keys.iter().filter(|&&key| {
        let hit = cache.get(&key).is_some();
        if !hit {
            cache.insert(key, ());
        }
        hit
    });
    let hits = hits.count();
    cache.assert_invariants();
    hits as f64 * 100.0 / keys.len() as f64
}

/// Spreads numbers.
fn scatter(number: u64) -> u64 {
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93) >> 32
}

#[test]
fn the_recorded_trace_is_served_no_worse_than_by_lru() {
    let keys = recorded();
    for capacity in [65, 329, 658, 1647] {
        let (own, lru) = (
            hits(&keys, capacity, Eviction::S3Fifo),
            hits(&keys, capacity, Eviction::Lru),
        );
        assert!(own >= lru - 1.0, "{own} against {lru} at {capacity}");
    }
}

#[test]
fn a_loop_that_is_three_times_too_long_is_hit_all_the_same() {
    let keys: Vec<u64> = (0..200_000).map(|number| number % 1011).collect();
    assert_eq!(hits(&keys, 303, Eviction::Lru), 0.0);
    let own = hits(&keys, 303, Eviction::S3Fifo);
    assert!(own >= 25.0, "{own}");
}

#[test]
fn keys_that_come_back_once_and_soon_are_nearly_all_hit() {
    // Each key is asked for twice, up to 1,600 keys apart, and never again: a tenth of the room would see few of them again.
    let keys: Vec<u64> = (1600..41_600)
        .flat_map(|number| [number, number - scatter(number) % 1600])
        .collect();
    let (own, lru) = (
        hits(&keys, 2000, Eviction::S3Fifo),
        hits(&keys, 2000, Eviction::Lru),
    );
    assert!(own >= lru - 5.0, "{own} against {lru}");
}
