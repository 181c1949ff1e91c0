//! `Replay`: requests served by several threads, each one timed.
//!
//! The threads take the next block of requests from a common counter, so the order of the recording is kept but for
//! the few blocks in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::Failure;
use crate::database::{Database, Reader, Row};
use crate::latencies::Latencies;

/// Requests that a thread takes at a time: few enough to keep the order, enough to leave the counter alone.
const BLOCK: usize = 64;

/// Every so-manieth block of a recording.
pub(crate) struct Sample<'a> {
    blocks: Vec<&'a [u64]>,
    /// One block in so many was taken.
    pub(crate) one_in: usize,
}

impl<'a> Sample<'a> {
    /// Blocks spread evenly over all requests, with about `most` requests.
    pub(crate) fn of(requests: &'a [u64], most: usize) -> Self {
        let one_in = requests.len().div_ceil(most);
        let blocks = requests.chunks(BLOCK).step_by(one_in).collect();
        Self { blocks, one_in }
    }

    /// How many requests were taken.
    pub(crate) fn len(&self) -> u64 {
        self.blocks.iter().map(|block| block.len() as u64).sum()
    }
}

/// What serving requests took.
pub(crate) struct Replay {
    pub(crate) requests: u64,
    pub(crate) database_reads: u64,
    /// From the first thread's start to the last one's end.
    pub(crate) elapsed: Duration,
    pub(crate) latencies: Latencies,
}

/// Serves the requests from several threads, each with a reader of its own, and checks every row served.
pub(crate) fn replay<F>(
    title: &'static str,
    database: &Database,
    requests: &Sample<'_>,
    threads: usize,
    serve: F,
) -> Result<Replay, Failure>
where
    F: Fn(&Reader<'_>, u64) -> Result<Arc<Row>, Failure> + Sync,
{
    let bar = progress(title, requests.len());
    let next = AtomicUsize::new(0);
    let reads_before = database.reads();
    let begun = Instant::now();
    let work = || serve_blocks(&database.reader()?, &requests.blocks, &next, &bar, &serve);
    let parts: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let joined = workers.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let elapsed = begun.elapsed();
    bar.finish_and_clear();
    Ok(Replay {
        requests: requests.len(),
        database_reads: database.reads() - reads_before,
        elapsed,
        latencies: Latencies::merged(parts.into_iter().collect::<Result<_, _>>()?),
    })
}

/// One thread's part: how long each request took, in nanoseconds.
fn serve_blocks<F>(
    reader: &Reader<'_>,
    blocks: &[&[u64]],
    next: &AtomicUsize,
    bar: &ProgressBar,
    serve: &F,
) -> Result<Vec<u64>, Failure>
where
    F: Fn(&Reader<'_>, u64) -> Result<Arc<Row>, Failure>,
{
    let mut nanoseconds = Vec::new();
    while let Some(block) = blocks.get(next.fetch_add(1, Ordering::Relaxed)) {
        for &key in *block {
            let begun = Instant::now();
            let row = serve(reader, key)?;
            nanoseconds.push(begun.elapsed().as_nanos() as u64);
            assert!(
                row.key == key && row.is_intact(),
                "a row of another key was served"
            );
        }
        bar.inc(block.len() as u64);
    }
    Ok(nanoseconds)
}

/// A progress bar; shown on a terminal only.
pub(crate) fn progress(title: &'static str, steps: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{msg:<14} [{bar:40}] {human_pos} of {human_len}, {eta} to go",
    )
    .expect("the template is well-formed")
    .progress_chars("=> ");
    ProgressBar::new(steps)
        .with_style(style)
        .with_message(title)
}
