//! `Command`: what the words on the command line ask for.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::trace::Trace;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
A tour of larder: a cache in front of SQLite, serving a recorded access trace.

Usage: cargo run --release --example tour -- [OPTIONS]

Options:
  --trace FILE   requests to serve: one decimal 64-bit key per line; plain, gzip or zstd
                 [default: the look-ups of a cargo build, in benches/traces]
  --entries N    entries that the cache has room for [default: 10 % of the trace's keys]
  --threads N    threads that serve requests, 1 to 64 [default: one per core, 2 to 4]
  --help         print this
";

/// The trace that comes with larder.
const OWN_TRACE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../benches/traces/capture-cargo-paths.txt.zst"
);

/// More threads than this measure the scheduler.
const MOST_THREADS: usize = 64;

/// What the user asked for cannot be done as it was asked.
#[derive(Debug)]
pub(crate) struct Refused(String);

impl Refused {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Refused {}

/// What to do.
pub(crate) enum Command {
    /// Say what there is to ask for.
    Help,
    /// Go on the tour.
    Tour(Options),
}

/// How to go on the tour.
pub(crate) struct Options {
    /// The file of the trace.
    pub(crate) trace: PathBuf,
    /// Room in the cache, if it was named.
    entries: Option<usize>,
    /// Threads that serve.
    pub(crate) threads: usize,
}

impl Command {
    /// Reads the words after the program's name. Of an option given twice the last one counts.
    pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self, Refused> {
        let mut words = words.into_iter();
        let mut options = Options::default();
        while let Some(word) = words.next() {
            let text = word.to_string_lossy();
            let (name, joined) = match text.split_once('=') {
                Some((name, value)) => (name, Some(OsString::from(value))),
                None => (text.as_ref(), None),
            };
            let mut value = |what: &str| {
                let given = joined.clone().or_else(|| words.next());
                given
                    .filter(|value| !value.is_empty() && !value.to_string_lossy().starts_with("--"))
                    .ok_or_else(|| Refused::new(format!("{name} needs {what}")))
            };
            match name {
                "--trace" => options.trace = value("a file")?.into(),
                "--entries" => options.entries = Some(number(name, &value("a whole number")?)?),
                "--threads" => options.threads = number(name, &value("a whole number")?)?,
                "--help" | "-h" if joined.is_none() => return Ok(Command::Help),
                _ => return Err(unknown(&text)),
            }
        }
        options.checked().map(Command::Tour)
    }
}

impl Default for Options {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            trace: OWN_TRACE.into(),
            entries: None,
            threads: cores.clamp(2, 4),
        }
    }
}

impl Options {
    fn checked(self) -> Result<Self, Refused> {
        if self.entries == Some(0) {
            return Err(Refused::new("--entries must be at least 1"));
        }
        if !(1..=MOST_THREADS).contains(&self.threads) {
            let reason = format!("--threads must be between 1 and {MOST_THREADS}");
            return Err(Refused::new(reason));
        }
        Ok(self)
    }

    /// Room in the cache for this trace.
    pub(crate) fn entries_for(&self, trace: &Trace) -> usize {
        let tenth = trace.keys.len() / 10;
        self.entries.unwrap_or(tenth.max(1))
    }
}

fn number<T: FromStr>(name: &str, value: &OsString) -> Result<T, Refused> {
    let text = value.to_string_lossy();
    text.parse()
        .map_err(|_| Refused::new(format!("{name} needs a whole number, not {text:?}")))
}

fn unknown(word: &str) -> Refused {
    Refused::new(format!(
        "unknown option {word:?}; --help lists those there are"
    ))
}
