//! A tour of larder: a cache in front of a real database, serving a recorded access trace.
//!
//! 1. A SQLite database in a temporary file gets one row for each key of the trace.
//! 2. A few threads serve the trace from SQLite alone, then through a [`larder::Cache`] in front of it: a request
//!    that misses loads its row, and however many threads miss the same key at once, one of them loads.
//! 3. The tour prints what the cache saved, then shows single flight, expiry and a counter at work.
//!
//! Every row served is compared with its key, and every count with another that must agree: a tour that comes to its
//! end has checked its answers.
#![allow(
    clippy::disallowed_methods,
    reason = "an example measures, and its threads wait for each other"
)]

#[path = "tour/database.rs"]
mod database;
#[path = "tour/figure.rs"]
mod figure;
#[path = "tour/guarantees.rs"]
mod guarantees;
#[path = "tour/latencies.rs"]
mod latencies;
#[path = "tour/options.rs"]
mod options;
#[path = "tour/replay.rs"]
mod replay;
#[path = "tour/report.rs"]
mod report;
#[path = "tour/trace.rs"]
mod trace;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use larder::Cache;

use database::{Database, Row};
use options::{Command, Options, Refused};
use replay::{Replay, Sample, replay};
use trace::Trace;

/// What went wrong while the tour ran; what was asked wrongly is [`Refused`].
type Failure = Box<dyn Error + Send + Sync>;

/// What the tour caches: the rows of the database by their keys.
type Rows = Cache<u64, Arc<Row>>;

/// SQLite alone serves about this many requests at most, so that a long trace does not take minutes twice.
const BASELINE_REQUESTS: usize = 200_000;

fn main() -> ExitCode {
    let outcome = match asked() {
        Ok(None) => write!(io::stdout(), "{}", options::HELP).map_err(Failure::from),
        Ok(Some((options, trace))) => tour(&options, &trace),
        Err(refused) => {
            eprintln!("tour: {refused}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if nobody_reads(&failure) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("tour: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The options and the trace they name; nothing if help was asked for.
fn asked() -> Result<Option<(Options, Trace)>, Refused> {
    match Command::parse(std::env::args_os().skip(1))? {
        Command::Help => Ok(None),
        Command::Tour(options) => {
            let trace = Trace::read(&options.trace)?;
            Ok(Some((options, trace)))
        }
    }
}

/// Whether the output was closed by its reader, as `head` does.
fn nobody_reads(failure: &Failure) -> bool {
    let error = failure.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The tour itself.
fn tour(options: &Options, trace: &Trace) -> Result<(), Failure> {
    let out = &mut io::stdout().lock();
    let entries = options.entries_for(trace);
    let cache: Rows = Cache::builder().max_entries(entries).build()?;
    let empty_bytes = cache.bytes();

    report::title(out)?;
    report::trace(out, trace)?;
    let database = Database::filled(&trace.keys)?;
    report::setting(out, &database, entries, trace, options.threads)?;

    let sample = Sample::of(&trace.requests, BASELINE_REQUESTS);
    let alone = serve_from_sqlite(&database, &sample, options.threads)?;
    let whole = Sample::of(&trace.requests, usize::MAX);
    let cached = serve_through_larder(&cache, &database, &whole, options.threads)?;

    report::comparison(out, &sample, &alone, &cached)?;
    report::savings(out, trace, &cache, empty_bytes, &cached)?;
    guarantees::show(out, &database, trace.keys[0])
}

/// Every request is a read of the database.
fn serve_from_sqlite(
    database: &Database,
    requests: &Sample<'_>,
    threads: usize,
) -> Result<Replay, Failure> {
    let served = replay(
        "SQLite alone",
        database,
        requests,
        threads,
        |reader, key| Ok(reader.load(key)?),
    )?;
    assert_eq!(served.database_reads, requests.len());
    Ok(served)
}

/// The cache is asked first; only a miss reads the database.
fn serve_through_larder(
    cache: &Rows,
    database: &Database,
    requests: &Sample<'_>,
    threads: usize,
) -> Result<Replay, Failure> {
    let served = replay("with larder", database, requests, threads, |reader, key| {
        Ok(cache.get_or_try_load(&key, || reader.load(key))?)
    })?;
    let stats = cache.stats();
    assert_eq!(stats.hits + stats.misses, requests.len());
    assert_eq!(stats.loads, served.database_reads);
    Ok(served)
}
