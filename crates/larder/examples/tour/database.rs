//! `Database`: a table of rows in SQLite, in a temporary file that goes with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, Result, params};
use tempfile::TempDir;

use crate::Failure;
use crate::replay::progress;

/// Bytes that a row carries.
pub(crate) const PAYLOAD_BYTES: usize = 200;

/// Rows that are written between two steps of the progress bar.
const STEP: usize = 1_000;

/// A row of the table.
pub(crate) struct Row {
    pub(crate) key: u64,
    pub(crate) payload: Vec<u8>,
}

/// A database with one row for each key.
pub(crate) struct Database {
    /// Holds the file, and what SQLite puts beside it, until the database is dropped.
    _folder: TempDir,
    path: PathBuf,
    /// Rows that readers have read so far.
    reads: AtomicU64,
    /// How long it took to write the rows.
    pub(crate) filled_in: Duration,
}

/// A connection that reads rows, for one thread.
pub(crate) struct Reader<'a> {
    connection: Connection,
    reads: &'a AtomicU64,
}

impl Database {
    /// Creates the database and writes a row for each key.
    pub(crate) fn filled(keys: &[u64]) -> Result<Self, Failure> {
        let begun = Instant::now();
        let folder = tempfile::Builder::new().prefix("larder-tour-").tempdir()?;
        let path = folder.path().join("tour.sqlite");
        fill(&path, keys)?;
        Ok(Self {
            _folder: folder,
            path,
            reads: AtomicU64::new(0),
            filled_in: begun.elapsed(),
        })
    }

    /// A connection that only reads.
    pub(crate) fn reader(&self) -> Result<Reader<'_>> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(Reader {
            connection: Connection::open_with_flags(&self.path, flags)?,
            reads: &self.reads,
        })
    }

    /// Rows that all readers have read so far.
    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Size of the file in bytes.
    pub(crate) fn file_bytes(&self) -> std::io::Result<u64> {
        Ok(std::fs::metadata(&self.path)?.len())
    }
}

impl Reader<'_> {
    /// Reads the row of a key.
    pub(crate) fn load(&self, key: u64) -> Result<Arc<Row>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let mut select = self
            .connection
            .prepare_cached("SELECT payload FROM entry WHERE key = ?1")?;
        let payload = select.query_row([key.cast_signed()], |row| row.get(0))?;
        Ok(Arc::new(Row { key, payload }))
    }
}

impl Row {
    /// Whether the row starts with what was written for its key: a full comparison would cost more than a hit.
    pub(crate) fn is_intact(&self) -> bool {
        let first = words(self.key).next().map(u64::to_le_bytes);
        first.is_some_and(|bytes| self.payload.starts_with(&bytes))
    }
}

/// Writes the rows in one transaction. No crash is to be survived, so nothing waits for the disk.
fn fill(path: &Path, keys: &[u64]) -> Result<()> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "synchronous", "off")?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.execute_batch(
        "CREATE TABLE entry (key INTEGER PRIMARY KEY, payload BLOB NOT NULL) STRICT",
    )?;
    let bar = progress("filling SQLite", keys.len() as u64);
    let rows = connection.transaction()?;
    {
        let mut insert = rows.prepare("INSERT INTO entry (key, payload) VALUES (?1, ?2)")?;
        for some in keys.chunks(STEP) {
            for &key in some {
                insert.execute(params![key.cast_signed(), payload(key)])?;
            }
            bar.inc(some.len() as u64);
        }
    }
    rows.commit()?;
    bar.finish_and_clear();
    Ok(())
}

/// What the row of a key carries.
fn payload(key: u64) -> Vec<u8> {
    words(key)
        .flat_map(u64::to_le_bytes)
        .take(PAYLOAD_BYTES)
        .collect()
}

/// Words drawn from a key by SplitMix64.
fn words(key: u64) -> impl Iterator<Item = u64> {
    let mut state = key;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    })
}
