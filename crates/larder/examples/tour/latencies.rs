//! `Latencies`: how long each of many requests took.

use std::time::Instant;

/// Latencies in nanoseconds, rising; at least one.
pub(crate) struct Latencies(Vec<u64>);

impl Latencies {
    /// The latencies of all threads.
    pub(crate) fn merged(parts: Vec<Vec<u64>>) -> Self {
        let mut all = parts.concat();
        all.sort_unstable();
        Self(all)
    }

    /// The latency that so many requests in a thousand did not exceed, in nanoseconds.
    pub(crate) fn per_mille(&self, rank: usize) -> u64 {
        let below = (self.0.len() * rank).div_ceil(1_000);
        self.0[below.saturating_sub(1)]
    }

    /// The largest latency in nanoseconds.
    pub(crate) fn max(&self) -> u64 {
        self.per_mille(1_000)
    }
}

/// What a pair of clock readings takes of each latency measured, in nanoseconds: the median of many.
pub(crate) fn clock_cost() -> u64 {
    let pair = || Instant::now().elapsed().as_nanos() as u64;
    let pairs = std::iter::repeat_with(pair).take(10_001).collect();
    Latencies::merged(vec![pairs]).per_mille(500)
}
