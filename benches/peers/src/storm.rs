//! A storm of deadlines: a million entries that all fall due within two seconds.
//!
//! Each value is a [`Ticket`] that writes down, when it is dropped, how long after its deadline that was. Twice:
//! nobody calls at all; and one thread reads live keys without pause while its look-ups are timed.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::Failure;
use crate::args::Args;
use crate::child;
use crate::clock::{Stopwatch, quantile};
use crate::larder_peers::visit_expiring_larder;
use crate::table::{Table, digits, nanos};

/// How long before the first deadline the filling may take.
const LEAD: Duration = Duration::from_secs(6);
/// Within this all deadlines lie.
const WINDOW: Duration = Duration::from_secs(2);
/// How long after the last deadline one waits for what is late.
const PATIENCE: Duration = Duration::from_secs(3);
/// Keys that the reader asks for; they do not fall due.
const LIVE: u64 = 10_000;
/// The live keys' time.
const LONG: Duration = Duration::from_secs(3600);
/// Look-ups that the reader remembers one by one; it reads for longer without remembering.
const REMEMBERED: usize = 1 << 25;

/// A value that tells when it is freed.
#[derive(Debug)]
pub struct Ticket {
    due: Instant,
    ledger: Arc<Ledger>,
}

impl Ticket {
    /// How long it still lives.
    pub fn ttl(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.ledger.open.load(Ordering::Relaxed) {
            let now = Instant::now();
            let late = now.saturating_duration_since(self.due).as_millis() as usize;
            let last = self.ledger.late_ms.len() - 1;
            self.ledger.late_ms[late.min(last)].fetch_add(1, Ordering::Relaxed);
            self.ledger
                .early
                .fetch_add(u64::from(now < self.due), Ordering::Relaxed);
        }
    }
}

/// Where tickets write: how many were freed, by milliseconds of lateness.
#[derive(Debug)]
struct Ledger {
    open: AtomicBool,
    early: AtomicU64,
    late_ms: Vec<AtomicU32>,
}

impl Ledger {
    fn new() -> Arc<Self> {
        let late_ms = (0..10_000).map(|_| AtomicU32::new(0)).collect();
        Arc::new(Self {
            open: AtomicBool::new(true),
            early: AtomicU64::new(0),
            late_ms,
        })
    }

    /// Stops writing; returns how many were freed, the median and the greatest lateness in milliseconds.
    fn close(&self) -> [u64; 3] {
        self.open.store(false, Ordering::Relaxed);
        let counts: Vec<u64> = self
            .late_ms
            .iter()
            .map(|count| u64::from(count.load(Ordering::Relaxed)))
            .collect();
        let freed: u64 = counts.iter().sum();
        let mut below = 0;
        let median = counts.iter().position(|count| {
            below += count;
            below * 2 >= freed.max(1)
        });
        let greatest = counts.iter().rposition(|count| *count > 0);
        [
            freed,
            median.unwrap_or(0) as u64,
            greatest.unwrap_or(0) as u64,
        ]
    }
}

/// A cache whose entries each have a time of their own.
pub trait Expiring: Send + Sync {
    /// What tables call it.
    const NAME: &'static str;
    /// A cache bounded to this many entries.
    fn new(capacity: usize) -> Self;
    /// Inserts for as long as the ticket says.
    fn insert(&self, key: u64, ticket: Arc<Ticket>);
    /// Looks up.
    fn get(&self, key: u64) -> Option<Arc<Ticket>>;
}

/// Who wants to see every [`Expiring`].
pub trait ExpiringVisitor {
    /// Is shown one.
    fn visit<P: Expiring>(&mut self);
}

/// moka, with the ticket's own time.
struct Moka(moka::sync::Cache<u64, Arc<Ticket>, ahash::RandomState>);

struct ByTicket;

impl moka::Expiry<u64, Arc<Ticket>> for ByTicket {
    fn expire_after_create(
        &self,
        _key: &u64,
        ticket: &Arc<Ticket>,
        _now: Instant,
    ) -> Option<Duration> {
        Some(ticket.ttl())
    }
}

impl Expiring for Moka {
    const NAME: &'static str = "moka";
    fn new(capacity: usize) -> Self {
        let cache = moka::sync::Cache::builder()
            .max_capacity(capacity as u64)
            .expire_after(ByTicket);
        Self(cache.build_with_hasher(ahash::RandomState::new()))
    }
    fn insert(&self, key: u64, ticket: Arc<Ticket>) {
        self.0.insert(key, ticket);
    }
    fn get(&self, key: u64) -> Option<Arc<Ticket>> {
        self.0.get(&key)
    }
}

fn visit_expiring(visitor: &mut impl ExpiringVisitor) {
    visitor.visit::<Moka>();
    visit_expiring_larder(visitor);
}

/// Runs the storm over every wanted peer, in children of its own.
///
/// # Errors
/// Arguments that are no numbers, or a child that failed.
pub fn run(args: &Args) -> Result<Vec<Table>, Failure> {
    let entries: u64 = args.number(
        "--entries",
        if args.has("--quick") {
            100_000
        } else {
            1_000_000
        },
    )?;
    let columns = [
        "peer",
        "caller",
        "freed late, median",
        "at most",
        "kept after 3 s",
        "early",
    ];
    let reads = [
        "worst get, CPU",
        "wall",
        "p99.99, CPU",
        "worst before, CPU",
        "wall before",
        "worst of nothing, CPU",
        "wall of nothing",
    ];
    let mut table = Table::new(
        format!("Storm: {entries} deadlines within 2 s"),
        columns.into_iter().chain(reads),
    );
    table.note("lateness of those that were freed, by the drop of the value; a reader asks for 10,000 other keys without pause");
    table.note("nothing: the same loop without the look-up, as long as the storm: what the machine does by itself");
    table.note("left out: quick_cache, schnellru, dashmap, papaya (no TTL), mini-moka (no TTL per entry), larder's Store (its bytes have no drop to watch)");
    let mut names = Names(Vec::new());
    visit_expiring(&mut names);
    for name in names
        .0
        .into_iter()
        .filter(|name| args.wants("--peers", name))
    {
        for reader in [false, true] {
            let count = entries.to_string();
            let mut words = vec!["storm-child", "--child", name, "--entries", &count];
            words.extend(reader.then_some("--full"));
            let found = child::numbers(&child::own()?, &words)?
                .ok_or("the storm's child has no such peer")?;
            let caller = if reader { "one reader" } else { "nobody" };
            let kept = (entries - found[0].min(entries)) as f64 * 100.0 / entries as f64;
            let mut cells = vec![
                name.to_string(),
                caller.into(),
                format!("{} ms", found[1]),
                format!("{} ms", found[2]),
            ];
            cells.extend([format!("{} %", digits(kept)), found[3].to_string()]);
            cells.extend(found[4..].iter().map(|ns| nanos(*ns)));
            table.row(cells);
        }
    }
    Ok(vec![table])
}

struct Names(Vec<&'static str>);

impl ExpiringVisitor for Names {
    fn visit<P: Expiring>(&mut self) {
        self.0.push(P::NAME);
    }
}

/// What the child does: one storm over one peer, with a reader if `--full`.
///
/// # Errors
/// Arguments that are no numbers.
pub fn child(args: &Args) -> Result<(), Failure> {
    let entries = args.number("--entries", 0)?;
    let wanted = args.text("--child").unwrap_or_default().to_string();
    let mut storm = Storm {
        wanted,
        entries,
        reader: args.has("--full"),
        found: None,
    };
    visit_expiring(&mut storm);
    child::print(storm.found.as_deref());
    Ok(())
}

struct Storm {
    wanted: String,
    entries: u64,
    reader: bool,
    found: Option<Vec<u64>>,
}

impl ExpiringVisitor for Storm {
    fn visit<P: Expiring>(&mut self) {
        if P::NAME != self.wanted {
            return;
        }
        let cache = P::new((self.entries + LIVE) as usize * 5 / 4);
        let (ledger, unwatched) = (Ledger::new(), Ledger::new());
        for key in 0..LIVE {
            cache.insert(
                key,
                Arc::new(Ticket {
                    due: Instant::now() + LONG,
                    ledger: unwatched.clone(),
                }),
            );
        }
        let first = Instant::now() + LEAD;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
        for key in LIVE..LIVE + self.entries {
            let due = first + WINDOW.mul_f64(rng.random::<f64>());
            cache.insert(
                key,
                Arc::new(Ticket {
                    due,
                    ledger: ledger.clone(),
                }),
            );
        }
        assert!(Instant::now() < first, "filling took longer than the lead");
        let mut reads = Vec::new();
        if self.reader {
            let read = |key| black_box(cache.get(key)).is_some();
            let before = look_until(first, read);
            let during = look_until(first + WINDOW + PATIENCE, read);
            reads.extend([during[0], during[1], during[2], before[0], before[1]]);
        } else {
            thread::sleep((first + WINDOW + PATIENCE).saturating_duration_since(Instant::now()));
        }
        let early = ledger.early.load(Ordering::Relaxed);
        self.found = Some(
            ledger
                .close()
                .into_iter()
                .chain([early])
                .chain(reads)
                .collect(),
        );
        unwatched.open.store(false, Ordering::Relaxed);
        if self.reader {
            let nothing = look_until(Instant::now() + WINDOW + PATIENCE, |key| key < LIVE);
            self.found
                .iter_mut()
                .for_each(|found| found.extend(&nothing[..2]));
        }
    }
}

/// Looks live keys up until then; the worst by CPU and wall, and the 99.99th per cent by CPU, in nanoseconds.
fn look_until(end: Instant, look: impl Fn(u64) -> bool) -> [u64; 3] {
    let mut cpu: Vec<u32> = vec![u32::MAX; REMEMBERED];
    let (mut count, mut worst_wall, mut worst_cpu) = (0, 0, 0);
    while Instant::now() < end {
        for key in 0..LIVE {
            let watch = Stopwatch::start();
            let found = look(black_box(key));
            let (by_wall, by_cpu) = watch.elapsed();
            assert!(found, "a live key was lost");
            worst_wall = worst_wall.max(by_wall.as_nanos() as u64);
            worst_cpu = worst_cpu.max(by_cpu.as_nanos() as u64);
            if let Some(slot) = cpu.get_mut(count) {
                *slot = u32::try_from(by_cpu.as_nanos()).unwrap_or(u32::MAX);
                count += 1;
            }
        }
    }
    [
        worst_cpu,
        worst_wall,
        u64::from(quantile(&mut cpu[..count], 0.9999)),
    ]
}
