//! `Segments`: a table's memory, segment by segment, in runs that never move.
//!
//! ```text
//! number    0 .. expected         expected ..            behind a full one
//!           one run: [ first ]    level k: 2^(k-1) more   chained, one by one
//! ```
//!
//! What is expected costs nothing until it is touched. Readers without a lock follow numbers at any time: a run is made before its
//! first number is published, and stays.

use std::sync::OnceLock;

use super::bucket::{BUCKET_BITS, Bucket, Run, Segment};
use super::stable::Stable;
use crate::sync::{AtomicU32, Ordering};

/// Levels of the pool: level `k` holds segments `[2^(k-1), 2^k)`, level 0 the first.
const LEVELS: usize = 17;

/// See the module's text.
pub(super) struct Segments {
    /// The segments, a power of two, that are expected to come into use.
    first: Run,
    expected: u32,
    /// The others.
    levels: [OnceLock<Run>; LEVELS],
    /// Segments chained behind full ones, by the number in those ones' links, from 1.
    chains: Stable<Run>,
    chained: AtomicU32,
}

/// The level of the pool that holds a segment.
#[inline(always)]
fn level_of(segment: u32) -> usize {
    (2 * segment + 1).ilog2() as usize
}

impl Segments {
    /// Memory for so many segments, a power of two, or more.
    pub(super) fn expecting(segments: u32) -> Self {
        Segments {
            first: Run::new(0, segments as usize),
            expected: segments,
            levels: [const { OnceLock::new() }; LEVELS],
            chains: Stable::new(),
            chained: AtomicU32::new(0),
        }
    }

    /// How many are expected.
    pub(super) fn expected(&self) -> u32 {
        self.expected
    }

    /// How many were chained behind full ones.
    pub(super) fn chained(&self) -> u32 {
        self.chained.load(Ordering::Relaxed)
    }

    /// Whether the memory of a segment was made.
    pub(super) fn has(&self, number: u32) -> bool {
        let level = self.levels.get(level_of(number));
        number < self.expected || level.is_some_and(|level| level.get().is_some())
    }

    /// Asks for large pages for what is expected, before anything is in it.
    pub(super) fn prefer_large_pages(&self) {
        self.first.prefer_large_pages();
    }

    /// A line of a segment that exists.
    #[inline(always)]
    pub(super) fn line(&self, line: u32) -> Bucket<'_> {
        self.run_of(line >> BUCKET_BITS).line(line as usize)
    }

    #[inline(always)]
    fn run_of(&self, number: u32) -> &Run {
        if number < self.expected {
            return &self.first;
        }
        self.later_run(number)
    }

    /// [`Self::run_of`], beyond what was expected.
    #[inline(never)]
    fn later_run(&self, number: u32) -> &Run {
        self.levels[level_of(number)]
            .get()
            .expect("a published segment exists")
    }

    /// A segment that exists.
    #[inline(always)]
    pub(super) fn get(&self, number: u32) -> Segment<'_> {
        Segment {
            run: self.run_of(number),
            number,
        }
    }

    /// Makes the level of a segment if it does not exist.
    pub(super) fn ensure(&self, number: u32) {
        if number < self.expected {
            return;
        }
        let level = level_of(number);
        let first = (1 << level) >> 1;
        self.levels[level].get_or_init(|| Run::new(first, first.max(1) as usize));
    }

    /// The segment chained behind this one, if any.
    #[cold]
    pub(super) fn next<'a>(&'a self, segment: Segment<'a>) -> Option<Segment<'a>> {
        match segment.link().load(Ordering::Acquire) {
            0 => None,
            number => Some(Segment {
                run: self.chains.get(number)?,
                number: 0,
            }),
        }
    }

    /// The segment chained behind this one, made if there is none.
    #[cold]
    pub(super) fn next_or_new<'a>(&'a self, here: Segment<'a>) -> Segment<'a> {
        if let Some(next) = self.next(here) {
            return next;
        }
        let number = self.chained.load(Ordering::Relaxed) + 1;
        self.chained.store(number, Ordering::Relaxed);
        let run = self.chains.get_or_set(number, || Box::new(Run::new(0, 1)));
        here.link().store(number, Ordering::Release);
        Segment {
            run: run.expect("fewer chained segments than entries"),
            number: 0,
        }
    }

    /// The segment chained so deep behind this one.
    #[cold]
    pub(super) fn at(&self, number: u32, depth: u16) -> Segment<'_> {
        let mut segment = self.get(number);
        for _ in 0..depth {
            segment = self
                .next(segment)
                .expect("a slot names a segment that exists");
        }
        segment
    }
}
