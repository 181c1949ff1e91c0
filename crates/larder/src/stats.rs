//! `Counters`: exact event counts that cost a hit one load and one store; `Stats`: what they came to.
//!
//! ```text
//! thread 0 -> cell 0      thread 1 -> cell 1     ...     thread 62 -> cell 62      all later threads -> cell 63
//!             load, store             load, store                     load, store               fetch_add
//! ```
//!
//! Of an instance's 64 cells the one with a thread's leased number (see `lease.rs`) has no other writer, so counting
//! needs no atomic addition, and two threads never write the same line. Threads beyond 63 share the last cell and add
//! atomically. A snapshot sums the cells.
//!
//! Invariant: a cell below [`SHARED`] is written by the holder of its number alone; the number passes from one thread
//! to the next through an acquire-release pair, so no count is lost.
//!
//! Cost: some 1 ns a count; 8 KiB an instance, or nothing when counting is off.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_utils::CachePadded;

use crate::lease;

/// The cell of threads that found no number free.
const SHARED: usize = lease::NONE;
/// Cells of an instance.
const CELLS: usize = SHARED + 1;
/// Counters of a cell: two cache lines, which is what is padded to.
const COUNTERS: usize = 16;

/// What is counted. The first eight share a cache line: they are the frequent ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Count {
    Hits,
    Misses,
    Inserts,
    Replaced,
    Evictions,
    EvictedWeight,
    Expirations,
    Removals,
    Loads,
    LoadFailures,
    LoadNanos,
    Rejections,
    ListenerPanics,
}

type Cells = [CachePadded<[AtomicU64; COUNTERS]>; CELLS];

/// The counters of one store or cache; see the module's text.
pub(crate) struct Counters {
    cells: Option<Box<Cells>>,
}

impl Counters {
    /// Counters at zero.
    pub(crate) fn new() -> Self {
        let cells: Box<[_]> = (0..CELLS).map(|_| CachePadded::default()).collect();
        Counters {
            cells: cells.try_into().ok(),
        }
    }

    /// Counters that count nothing.
    pub(crate) fn off() -> Self {
        Counters { cells: None }
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        self.cells.as_ref().map_or(0, |_| size_of::<Cells>() as u64)
    }

    /// Counts one.
    #[inline(always)]
    pub(crate) fn count(&self, what: Count) {
        self.add(what, 1);
    }

    /// Counts one, for the thread with this leased number.
    #[inline(always)]
    pub(crate) fn count_by(&self, number: usize, what: Count) {
        if let Some(cells) = &self.cells {
            let counter = &cells[number % CELLS][what as usize];
            counter.store(
                counter.load(Ordering::Relaxed).wrapping_add(1),
                Ordering::Relaxed,
            );
        }
    }

    /// Counts several.
    #[inline(always)]
    pub(crate) fn add(&self, what: Count, amount: u64) {
        let Some(cells) = &self.cells else { return };
        if let Some(number) = lease::known() {
            let counter = &cells[number][what as usize];
            counter.store(
                counter.load(Ordering::Relaxed).wrapping_add(amount),
                Ordering::Relaxed,
            );
        } else {
            add_slowly(cells, what, amount);
        }
    }

    /// What was counted up to now by all threads.
    pub(crate) fn sum(&self, what: Count) -> u64 {
        let Some(cells) = &self.cells else { return 0 };
        cells.iter().fold(0, |sum, cell| {
            sum.wrapping_add(cell[what as usize].load(Ordering::Relaxed))
        })
    }

    /// The counted part of a snapshot; the caller adds what is held.
    pub(crate) fn snapshot(&self) -> Stats {
        Stats {
            hits: self.sum(Count::Hits),
            misses: self.sum(Count::Misses),
            inserts: self.sum(Count::Inserts),
            replaced: self.sum(Count::Replaced),
            removals: self.sum(Count::Removals),
            evictions: self.sum(Count::Evictions),
            evicted_weight: self.sum(Count::EvictedWeight),
            expirations: self.sum(Count::Expirations),
            rejections: self.sum(Count::Rejections),
            loads: self.sum(Count::Loads),
            load_failures: self.sum(Count::LoadFailures),
            load_time: Duration::from_nanos(self.sum(Count::LoadNanos)),
            listener_panics: self.sum(Count::ListenerPanics),
            entries: 0,
            weight: 0,
            bytes: 0,
        }
    }
}

/// Counts for a thread that has no cell of its own, or does not know it yet.
#[cold]
fn add_slowly(cells: &Cells, what: Count, amount: u64) {
    let counter = |number: usize| &cells[number % CELLS][what as usize];
    match lease::number() {
        SHARED => {
            counter(SHARED).fetch_add(amount, Ordering::Relaxed);
        }
        own => {
            let counter = counter(own);
            counter.store(
                counter.load(Ordering::Relaxed).wrapping_add(amount),
                Ordering::Relaxed,
            );
        }
    }
}

/// What a cache has done since it was built, and what it holds.
///
/// Each figure is exact; figures of one snapshot that was taken while others work may be a few operations apart.
///
/// ```
/// let cache = larder::Cache::<&str, u32>::new(100);
/// cache.insert("a", 1);
/// cache.get("a");
/// cache.get("b");
/// let stats = cache.stats();
/// assert_eq!((stats.hits, stats.misses, stats.entries), (1, 1, 1));
/// assert_eq!(stats.hit_ratio(), 0.5);
/// assert!(stats.to_string().contains("50.0 % of 2 look-ups"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Look-ups that found a live entry.
    pub hits: u64,
    /// Look-ups that did not.
    pub misses: u64,
    /// Entries that were added under a key that had none.
    pub inserts: u64,
    /// Values that took the place of a live one.
    pub replaced: u64,
    /// Entries that were removed on request.
    pub removals: u64,
    /// Entries that had to make room for others.
    pub evictions: u64,
    /// What the evicted entries weighed together.
    pub evicted_weight: u64,
    /// Entries that were reaped after their deadline.
    pub expirations: u64,
    /// Entries that were refused because they weigh more than the whole budget.
    pub rejections: u64,
    /// Loaders that ran to their end, those that failed included.
    pub loads: u64,
    /// Loaders that returned an error, panicked or were cancelled.
    pub load_failures: u64,
    /// Time spent in loaders.
    pub load_time: Duration,
    /// Panics of the listener, all of them caught.
    pub listener_panics: u64,
    /// Entries held, expired ones that are not reaped yet included.
    pub entries: u64,
    /// What the entries weigh.
    pub weight: u64,
    /// Bytes that the engine holds: table, records, policy, timers and counters; not what keys and values own elsewhere.
    pub bytes: u64,
}

impl Stats {
    /// Hits in all look-ups, between 0 and 1; 0 before the first.
    ///
    /// ```
    /// assert_eq!(larder::Stats::default().hit_ratio(), 0.0);
    /// ```
    #[must_use]
    pub fn hit_ratio(&self) -> f64 {
        let lookups = self.hits + self.misses;
        if lookups == 0 {
            0.0
        } else {
            self.hits as f64 / lookups as f64
        }
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lookups = self.hits + self.misses;
        writeln!(
            f,
            "hits      {:.1} % of {lookups} look-ups",
            100.0 * self.hit_ratio()
        )?;
        writeln!(
            f,
            "loads     {}, {} failed, {:?} in all",
            self.loads, self.load_failures, self.load_time
        )?;
        writeln!(
            f,
            "written   {} added, {} replaced, {} refused",
            self.inserts, self.replaced, self.rejections
        )?;
        writeln!(
            f,
            "left      {} evicted (weight {}), ",
            self.evictions, self.evicted_weight
        )?;
        writeln!(
            f,
            "          {} expired, {} removed",
            self.expirations, self.removals
        )?;
        write!(
            f,
            "held      {} entries, weight {}, {} bytes",
            self.entries, self.weight, self.bytes
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn counts_of_more_threads_than_cells_add_up() {
        let counters = Counters::new();
        let barrier = Barrier::new(100);
        std::thread::scope(|scope| {
            for _ in 0..100 {
                scope.spawn(|| {
                    counters.count(Count::Hits);
                    barrier.wait();
                    for _ in 0..1000 {
                        counters.count(Count::Hits);
                        counters.add(Count::EvictedWeight, 3);
                    }
                });
            }
        });
        assert_eq!(counters.sum(Count::Hits), 100 * 1001);
        assert_eq!(counters.snapshot().evicted_weight, 300_000);
    }

    #[test]
    fn a_thread_that_ends_gives_its_number_to_the_next() {
        let counters = Counters::new();
        for _ in 0..500 {
            std::thread::scope(|scope| {
                scope.spawn(|| counters.count(Count::Misses));
            });
        }
        assert_eq!(counters.sum(Count::Misses), 500);
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a scope may end before its threads' destructors have run"
    )]
    fn counting_in_a_destructor_that_runs_after_the_lease_ended_is_not_lost() {
        static COUNTERS: std::sync::OnceLock<Counters> = std::sync::OnceLock::new();
        struct Late;
        impl Drop for Late {
            fn drop(&mut self) {
                COUNTERS.get_or_init(Counters::new).count(Count::Hits);
            }
        }
        thread_local!(static LATE: Late = const { Late });
        std::thread::spawn(|| {
            LATE.with(|_| {});
            COUNTERS.get_or_init(Counters::new).count(Count::Hits);
        })
        .join()
        .expect("the thread does not panic");
        assert_eq!(COUNTERS.get_or_init(Counters::new).sum(Count::Hits), 2);
    }

    #[test]
    fn counters_that_are_off_cost_no_memory_and_stay_at_zero() {
        let counters = Counters::off();
        counters.count(Count::Hits);
        assert_eq!(
            (counters.bytes(), counters.snapshot()),
            (0, Stats::default())
        );
    }
}
