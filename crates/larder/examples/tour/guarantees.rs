//! Three guarantees of larder, each shown and checked: one load for many callers, expiry, exact counting.

use std::io::Write;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use larder::{Cache, ManualClock, Store};

use crate::database::Database;
use crate::figure::count;
use crate::report::line;
use crate::{Failure, Rows};

/// Callers at once.
const THREADS: usize = 4;

/// What each of them adds to a counter, one by one.
const STEPS: i64 = 25_000;

/// How long a row is kept where time is shown.
const TTL: Duration = Duration::from_secs(30);

/// The last moment before an end: larder counts time in milliseconds.
const MOMENT: Duration = Duration::from_millis(1);

/// Shows each guarantee.
pub(crate) fn show(out: &mut impl Write, database: &Database, key: u64) -> Result<(), Failure> {
    let reads = one_load_for_many(database, key)?;
    let text =
        format!("{THREADS} threads asked for one missing row at once: {reads} database read");
    line(out, "Single flight", &text)?;
    expiry(database, key)?;
    let (end, before) = (TTL.as_secs_f64(), (TTL - MOMENT).as_secs_f64());
    let text = format!("a row kept for {end} s was there after {before} s, and gone after {end} s");
    line(out, "Expiry", &text)?;
    let total = count(counter()?.unsigned_abs());
    let steps = count(STEPS.unsigned_abs());
    let text = format!("{THREADS} threads added 1 to it {steps} times each: it says {total}");
    line(out, "Counter", &text)?;
    Ok(())
}

/// Threads that miss a key together: one of them reads the database, the others get its row.
fn one_load_for_many(database: &Database, key: u64) -> Result<u64, Failure> {
    let cache: Rows = Cache::builder().max_entries(100).build()?;
    let before = database.reads();
    let together = Barrier::new(THREADS);
    let ask = || -> Result<(), Failure> {
        let reader = database.reader();
        together.wait();
        let reader = reader?;
        let row = cache.get_or_try_load(&key, || reader.load(key))?;
        assert_eq!(row.key, key);
        Ok(())
    };
    in_threads(ask)?;
    let reads = database.reads() - before;
    assert_eq!(reads, 1);
    Ok(reads)
}

/// An entry with a time to live is there until it is over, to the millisecond. The clock is moved by hand.
fn expiry(database: &Database, key: u64) -> Result<(), Failure> {
    let time = ManualClock::new();
    let cache: Rows = Cache::builder()
        .max_entries(100)
        .clock(time.clock())
        .build()?;
    let row = database.reader()?.load(key)?;
    cache.insert_with_ttl(key, row, TTL);
    time.advance(TTL - MOMENT);
    assert!(cache.get(&key).is_some());
    time.advance(MOMENT);
    assert!(cache.get(&key).is_none());
    cache.tick();
    assert_eq!(cache.len(), 0);
    Ok(())
}

/// A counter that several threads add to loses nothing.
fn counter() -> Result<i64, Failure> {
    let store = Store::new();
    store.set("served by", "larder")?;
    let add = || -> Result<(), Failure> {
        for _ in 0..STEPS {
            store.incr("served", 1)?;
        }
        Ok(())
    };
    in_threads(add)?;
    let total = store.incr("served", 0)?;
    assert_eq!(total, STEPS * THREADS as i64);
    assert_eq!(store.get::<String>("served")?, Some(total.to_string()));
    assert_eq!(store.get::<String>("served by")?.as_deref(), Some("larder"));
    Ok(total)
}

/// Does the same in several threads at once.
fn in_threads(work: impl Fn() -> Result<(), Failure> + Sync) -> Result<(), Failure> {
    thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(&work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}
