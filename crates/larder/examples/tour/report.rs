//! The report of the tour: what was measured, in lines that align.

use std::io::{self, Write};
use std::time::Duration;

use crate::Rows;
use crate::database::{Database, PAYLOAD_BYTES};
use crate::figure::{count, percent, rate, size, time};
use crate::latencies::clock_cost;
use crate::replay::{Replay, Sample};
use crate::trace::Trace;

/// Latencies that the report names: requests in a thousand, and how a person says it.
const RANKS: [(usize, &str); 4] = [(500, "p50"), (900, "p90"), (990, "p99"), (999, "p99.9")];

/// Writes a line: what it is about, and what there is to say.
pub(crate) fn line(out: &mut impl Write, about: &str, text: &str) -> io::Result<()> {
    writeln!(out, "{about:<16}{text}")
}

/// What this is.
pub(crate) fn title(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "larder, an in-process cache, in front of SQLite\n")
}

/// What is asked for.
pub(crate) fn trace(out: &mut impl Write, trace: &Trace) -> io::Result<()> {
    let (requests, keys) = (trace.requests.len(), trace.keys.len());
    let text = format!(
        "{}: {} requests for {} distinct keys",
        trace.name,
        count(requests as u64),
        count(keys as u64),
    );
    line(out, "Trace", &text)
}

/// What is asked: the database, the cache, the threads.
pub(crate) fn setting(
    out: &mut impl Write,
    database: &Database,
    entries: usize,
    trace: &Trace,
    threads: usize,
) -> io::Result<()> {
    let text = format!(
        "{} rows of {PAYLOAD_BYTES} bytes, {} in a temporary file, written in {}",
        count(trace.keys.len() as u64),
        size(database.file_bytes()?),
        time(nanoseconds(database.filled_in)),
    );
    line(out, "Database", &text)?;
    let share = entries as f64 / trace.keys.len() as f64;
    let text = format!(
        "room for {} entries, {} of the keys",
        count(entries as u64),
        percent(share)
    );
    line(out, "Cache", &text)?;
    let text = format!("{threads}, each with a connection and a prepared statement of its own");
    line(out, "Threads", &text)?;
    writeln!(out)
}

/// The two ways to serve, side by side.
pub(crate) fn comparison(
    out: &mut impl Write,
    sample: &Sample<'_>,
    alone: &Replay,
    cached: &Replay,
) -> io::Result<()> {
    writeln!(out, "{:<16}{:>16}{:>16}", "", "SQLite alone", "with larder")?;
    let mut row = |about: &str, figure: &dyn Fn(&Replay) -> String| {
        let (alone, cached) = (figure(alone), figure(cached));
        writeln!(out, "{about:<16}{alone:>16}{cached:>16}")
    };
    row("requests", &|replay| count(replay.requests))?;
    row("database reads", &|replay| count(replay.database_reads))?;
    row("time", &|replay| time(nanoseconds(replay.elapsed)))?;
    row("throughput", &|replay| {
        rate(replay.requests as f64 / replay.elapsed.as_secs_f64())
    })?;
    for (rank, name) in RANKS {
        let about = format!("latency, {name}");
        row(&about, &|replay| time(replay.latencies.per_mille(rank)))?;
    }
    row("latency, max", &|replay| time(replay.latencies.max()))?;
    footnotes(out, sample)
}

/// What to know of the figures above.
fn footnotes(out: &mut impl Write, sample: &Sample<'_>) -> io::Result<()> {
    let clock = time(clock_cost());
    writeln!(out, "Each latency includes {clock} for reading the clock.")?;
    if sample.one_in > 1 {
        let one_in = count(sample.one_in as u64);
        writeln!(
            out,
            "SQLite alone served a sample: one block of requests in {one_in}."
        )?;
    }
    writeln!(out)
}

/// What the cache saved, and what it took; it took `empty_bytes` before the first request.
pub(crate) fn savings(
    out: &mut impl Write,
    trace: &Trace,
    cache: &Rows,
    empty_bytes: u64,
    cached: &Replay,
) -> io::Result<()> {
    let (requests, keys) = (cached.requests, trace.keys.len() as u64);
    let ratio = percent(cache.stats().hit_ratio());
    let most = percent((requests - keys) as f64 / requests as f64);
    let text = format!("{ratio} of the requests; with room for every key {most}");
    line(out, "Hit ratio", &text)?;
    let saved = requests - cached.database_reads;
    let text = format!("{} of {} database reads", count(saved), count(requests));
    line(out, "Reads saved", &text)?;
    line(out, "Memory", &memory(cache, empty_bytes))?;
    writeln!(out)
}

fn memory(cache: &Rows, empty_bytes: u64) -> String {
    let (entries, bytes) = (cache.len() as u64, cache.bytes());
    let each = size(bytes / entries.max(1));
    let (all, empty, entries) = (size(bytes), size(empty_bytes), count(entries));
    format!(
        "{each} per entry: {all} for {entries} entries, {empty} when empty; the rows lie outside"
    )
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
