//! `WriteBehind`: a cache before a backing that is written later.
//!
//! ```text
//! set --> pending (one row per key: the last value, a version) --> cache          the caller goes on
//! flush: a row is marked as being written --> backing --> removed, if its version is still the same
//!                                               fails --> told, and due again after a pause that doubles
//! ```
//!
//! What is pending stands in a cache of its own that never evicts and is bounded by refusing, so its rows change
//! atomically. A row is written by one at a time, which with one row per key keeps each key's writes in order; writes of
//! a key between two flushes become one. A load looks at the pending rows before it asks the backing.

use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{error, fmt};

use crate::cache::{Cache, Change};
use crate::error::{BuildError, LoadError};
use crate::time::{Clock, Millis};
use crate::worker::Worker;

use super::backing::{Sink, Source};
use super::backoff::Backoff;

/// Keys that may be pending unless told otherwise.
const CAPACITY: usize = 10_000;
/// Rounds without a single write that succeeds, before what is left at the end is given up.
const LAST_TRIES: u32 = 3;

/// What a [`WriteBehind`] reports.
#[derive(Debug)]
#[non_exhaustive]
pub enum Trouble<'a, K, V, E> {
    /// A write failed and will be tried again.
    Failed {
        /// Of what.
        key: &'a K,
        /// How often in a row.
        failures: u32,
        /// Why; `None` if the backing panicked.
        error: Option<&'a E>,
    },
    /// The `WriteBehind` was dropped, the last tries failed too: whoever is told may save it elsewhere.
    Lost {
        /// Of what.
        key: &'a K,
        /// What was to be stored; `None` for a removal.
        value: Option<&'a V>,
    },
}

/// No more keys may be pending; the value comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full<T>(
    /// What was not accepted.
    pub T,
);

impl<T> fmt::Display for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many writes are pending")
    }
}

impl<T: fmt::Debug> error::Error for Full<T> {}

/// A write that is pending.
#[derive(Clone)]
struct Pending<V> {
    /// `None` for a removal.
    value: Option<V>,
    /// Counts the writes of the key since it became pending.
    version: u64,
    failures: u32,
    /// Not tried before.
    due: Millis,
    is_being_written: bool,
}

type Report<K, V, E> = Box<dyn Fn(Trouble<'_, K, V, E>) + Send + Sync>;

/// What the handle and the thread share.
struct Desk<K, V, B: Sink<K, V>> {
    cache: Cache<K, Option<V>>,
    backing: B,
    pending: Cache<K, Pending<V>>,
    /// How many keys are pending.
    count: AtomicUsize,
    capacity: usize,
    backoff: Backoff,
    clock: Clock,
    report: Option<Report<K, V, B::Error>>,
}

/// A cache and what it stands before: a write returns once the cache has it, and reaches the backing later.
///
/// ```
/// use larder::{Cache, Sink, WriteBehind};
/// use std::{convert::Infallible, sync::{Arc, Mutex}};
///
/// #[derive(Default)]
/// struct Log(Mutex<Vec<(u32, u32)>>);
/// impl Sink<u32, u32> for Log {
///     type Error = Infallible;
///     fn store(&self, key: &u32, value: &u32) -> Result<(), Infallible> {
///         self.0.lock().unwrap().push((*key, *value));
///         Ok(())
///     }
///     fn remove(&self, _: &u32) -> Result<(), Infallible> {
///         Ok(())
///     }
/// }
/// let log = Arc::new(Log::default());
/// let counts = WriteBehind::builder(Cache::new(100), Arc::clone(&log)).build()?;
/// counts.set(&1, 10)?;
/// counts.set(&1, 11)?;
/// assert!(log.0.lock().unwrap().is_empty());
/// counts.flush();
/// assert_eq!(*log.0.lock().unwrap(), [(1, 11)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Consistency
///
/// Reads through it see every write that returned. The backing sees each key's writes in their order, though not each of
/// them. Nothing is dropped silently: when too many keys are pending a write is refused; what fails is reported and tried
/// again; what is pending at the end is written when the `WriteBehind` is dropped, which waits for that, or reported as lost. A process that
/// is killed loses what is pending.
pub struct WriteBehind<
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    B: Sink<K, V>,
> {
    /// Dropped first: it ends the thread.
    worker: Option<Worker>,
    desk: Arc<Desk<K, V, B>>,
}

/// Builds a [`WriteBehind`].
#[must_use]
pub struct WriteBehindBuilder<K, V, B: Sink<K, V>> {
    cache: Cache<K, Option<V>>,
    backing: B,
    capacity: usize,
    backoff: Backoff,
    clock: Clock,
    report: Option<Report<K, V, B::Error>>,
}

impl<K, V, B: Sink<K, V>> WriteBehindBuilder<K, V, B> {
    /// At most so many keys may be pending; 10,000 unless told.
    pub fn capacity(mut self, keys: usize) -> Self {
        self.capacity = keys;
        self
    }

    /// Sets the pauses between tries of a write that fails.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Takes the time of the pauses from here.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Is told of every write that fails, and of what is lost at the end.
    pub fn report(
        mut self,
        report: impl Fn(Trouble<'_, K, V, B::Error>) + Send + Sync + 'static,
    ) -> Self {
        self.report = Some(Box::new(report));
        self
    }
}

impl<K, V, B> WriteBehindBuilder<K, V, B>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    B: Sink<K, V>,
{
    /// Builds it; who calls [`flush`](WriteBehind::flush) or [`flush_due`](WriteBehind::flush_due) writes.
    ///
    /// # Errors
    ///
    /// If no key may be pending.
    pub fn build(self) -> Result<WriteBehind<K, V, B>, BuildError> {
        let faults = (self.capacity == 0).then_some("capacity must be at least 1");
        BuildError::check(faults.into_iter().collect())?;
        let pending = Cache::builder().unbounded().without_stats().build()?;
        Ok(WriteBehind {
            worker: None,
            desk: Arc::new(Desk {
                cache: self.cache,
                backing: self.backing,
                pending,
                count: AtomicUsize::new(0),
                capacity: self.capacity,
                backoff: self.backoff,
                clock: self.clock,
                report: self.report,
            }),
        })
    }

    /// Builds it, with a thread of its own that writes what is due.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build), and if no thread can be had.
    pub fn build_with_thread(self) -> Result<WriteBehind<K, V, B>, BuildError>
    where
        B: Send + Sync + 'static,
        B::Error: 'static,
    {
        let mut behind = self.build()?;
        let desk = Arc::clone(&behind.desk);
        let worker = Worker::start("larder-write-behind", move || desk.flush_due());
        if worker.is_err() {
            BuildError::check(vec!["no thread could be started"])?;
        }
        behind.worker = worker.ok();
        Ok(behind)
    }
}

impl<K, V, B> Desk<K, V, B>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    B: Sink<K, V>,
{
    /// Notes a write; hands it back where no more may be pending.
    fn note(&self, key: &K, value: Option<V>) -> Result<(), Full<Option<V>>> {
        let mut refused = None;
        let stays = |count| (count < self.capacity).then_some(count + 1);
        let mut value = Some(value);
        self.pending.compute(key.clone(), |row| {
            let value = value.take().expect("the closure runs once");
            if let Some(row) = row {
                row.value = value;
                row.version += 1;
                return Change::Keep;
            }
            let order = Ordering::Relaxed;
            if self.count.fetch_update(order, order, stays).is_err() {
                refused = Some(Full(value));
                return Change::Keep;
            }
            Change::Insert(Pending {
                value,
                version: 0,
                failures: 0,
                due: 0,
                is_being_written: false,
            })
        });
        refused.map_or(Ok(()), Err)
    }

    /// Writes one row, if it is due and nobody else writes it; whether it was written.
    fn write(&self, key: &K, now: Millis) -> bool {
        let taken = self.pending.update(key, |row| {
            let is_free = !row.is_being_written && row.due <= now;
            row.is_being_written |= is_free;
            is_free.then(|| (row.value.clone(), row.version))
        });
        let Some((value, version)) = taken.flatten() else {
            return false;
        };
        let written = catch_unwind(AssertUnwindSafe(|| match &value {
            Some(value) => self.backing.store(key, value),
            None => self.backing.remove(key),
        }));
        match written {
            Ok(Ok(())) => {
                self.settle(key, version);
                true
            }
            Ok(Err(error)) => self.fail(key, Some(&error)),
            Err(_) => self.fail(key, None),
        }
    }

    /// Ends a row that was written, unless it was changed meanwhile.
    fn settle(&self, key: &K, version: u64) {
        let removed = self.pending.compute(key.clone(), |row| match row {
            Some(row) if row.version != version => {
                row.is_being_written = false;
                row.failures = 0;
                row.due = 0;
                Change::Keep
            }
            _ => Change::Remove,
        });
        if removed.old().is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Puts a row off whose write failed.
    fn fail(&self, key: &K, error: Option<&B::Error>) -> bool {
        let failures = self.pending.update(key, |row| {
            row.is_being_written = false;
            row.failures = row.failures.saturating_add(1);
            let pause = self.backoff.after(row.failures);
            row.due = self.clock.fine_now().saturating_add(pause);
            row.failures
        });
        if let Some(report) = &self.report {
            report(Trouble::Failed {
                key,
                failures: failures.unwrap_or(1),
                error,
            });
        }
        false
    }

    /// Writes the rows that are due by `now`; says how many remain.
    fn flush(&self, now: Millis) -> usize {
        let mut keys = Vec::new();
        self.pending.for_each(|key, row| {
            if row.due <= now && !row.is_being_written {
                keys.push(key.clone());
            }
        });
        for key in &keys {
            self.write(key, now);
        }
        self.count.load(Ordering::Relaxed)
    }

    /// Writes what is due; says how long until something else is.
    fn flush_due(&self) -> Option<Duration> {
        self.flush(self.clock.fine_now());
        let mut next: Option<Millis> = None;
        self.pending.for_each(|_, row| {
            next = Some(next.map_or(row.due, |next| next.min(row.due)));
        });
        let wait = next?.saturating_sub(self.clock.fine_now());
        // A row that is due again was written a moment ago by another, or changed meanwhile.
        Some(Duration::from_millis(wait.max(1)))
    }
}

impl<K, V, B> WriteBehind<K, V, B>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    B: Sink<K, V>,
{
    /// A builder.
    pub fn builder(cache: Cache<K, Option<V>>, backing: B) -> WriteBehindBuilder<K, V, B> {
        WriteBehindBuilder {
            cache,
            backing,
            capacity: CAPACITY,
            backoff: Backoff::default(),
            clock: Clock::system(),
            report: None,
        }
    }

    /// Accepts a value: reads through this have it at once, the backing has it later.
    ///
    /// Where as many keys are pending as may be, the caller first writes what is due itself.
    ///
    /// # Cost
    ///
    /// Two holds of a stripe's lock, one of them among the pending rows.
    ///
    /// # Errors
    ///
    /// [`Full`] with the value, if that did not help; nothing was changed then.
    pub fn set(&self, key: &K, value: V) -> Result<(), Full<V>> {
        self.accept(key, Some(value))
            .map_err(|Full(value)| Full(value.expect("a value was given")))
    }

    /// Accepts the removal of a key: reads through this see it at once, the backing later.
    ///
    /// # Errors
    ///
    /// As [`set`](WriteBehind::set).
    pub fn remove(&self, key: &K) -> Result<(), Full<()>> {
        self.accept(key, None).map_err(|_| Full(()))
    }

    fn accept(&self, key: &K, value: Option<V>) -> Result<(), Full<Option<V>>> {
        let desk = &*self.desk;
        if let Err(Full(value)) = desk.note(key, value) {
            desk.flush(desk.clock.fine_now());
            desk.note(key, value)?;
        }
        // Not an insert: two writers could come here in another order than to the pending rows. The loader looks there.
        drop(desk.cache.remove(key));
        if let Some(worker) = &self.worker {
            worker.nudge();
        }
        Ok(())
    }

    /// The value of a key: from the cache, from what is pending, or from the backing.
    ///
    /// # Cost
    ///
    /// As [`Cache::get_or_load`].
    ///
    /// # Errors
    ///
    /// As [`Cache::get_or_try_load`].
    pub fn get(&self, key: &K) -> Result<Option<V>, LoadError<<B as Source<K, V>>::Error>>
    where
        B: Source<K, V>,
    {
        let desk = &*self.desk;
        desk.cache
            .get_or_try_load(key, || match desk.pending.peek(key) {
                Some(row) => Ok(row.value),
                None => desk.backing.load(key),
            })
    }

    /// Writes everything that is pending, in its pause or not, and says how many keys remain.
    pub fn flush(&self) -> usize {
        self.desk.flush(Millis::MAX)
    }

    /// Writes what is due, and says how long until more is; `None` if nothing is pending.
    pub fn flush_due(&self) -> Option<Duration> {
        self.desk.flush_due()
    }

    /// How many keys are pending.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.desk.count.load(Ordering::Relaxed)
    }

    /// The cache, for figures.
    pub fn cache(&self) -> &Cache<K, Option<V>> {
        &self.desk.cache
    }
}

impl<K, V, B> Drop for WriteBehind<K, V, B>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    B: Sink<K, V>,
{
    fn drop(&mut self) {
        drop(self.worker.take());
        let (mut left, mut futile) = (self.pending(), 0);
        while left > 0 && futile < LAST_TRIES {
            let before = std::mem::replace(&mut left, self.flush());
            futile = if left < before { 0 } else { futile + 1 };
        }
        if left > 0
            && let Some(report) = &self.desk.report
        {
            for (key, row) in &self.desk.pending {
                report(Trouble::Lost {
                    key: &key,
                    value: row.value.as_ref(),
                });
            }
        }
    }
}

impl<K, V, B> fmt::Debug for WriteBehind<K, V, B>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    B: Sink<K, V>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteBehind")
            .field("pending", &self.pending())
            .finish_non_exhaustive()
    }
}
