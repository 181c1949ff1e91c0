//! The worst single insert while a cache grows: where a table doubles at once, one caller pays for all.
//!
//! Each insert is timed by both clocks. The wall's worst contains whatever else the machine did; the thread's
//! own clock does not, but is slow to read, so the median of empty readings is taken off. Each peer runs in
//! fresh children.

use indicatif::ProgressBar;

use crate::Failure;
use crate::args::Args;
use crate::child;
use crate::clock::{Spread, Stopwatch, quantile};
use crate::peer::{Key, Peer, Value, Visitor, visit_peers};
use crate::table::{Table, nanos};

/// What the table calls the loop that only reads the clocks: what it shows is the machine's.
const NOTHING: &str = "nothing but the clocks";

/// Runs per peer; the table shows the middle one of each column.
const RUNS: usize = 3;

/// Measures every wanted peer in children of its own.
///
/// # Errors
/// Arguments that are no numbers, or a child that failed.
pub fn run(args: &Args) -> Result<Vec<Table>, Failure> {
    let entries: usize = args.number(
        "--entries",
        if args.has("--full") {
            10_000_000
        } else {
            1_000_000
        },
    )?;
    let runs = args.number("--rounds", RUNS)?;
    let columns = [
        "peer",
        "worst, CPU",
        "p99.99, CPU",
        "p99.9, CPU",
        "median, CPU",
        "worst, wall",
        "p99.99, wall",
    ];
    let mut table = Table::new(
        format!("Growth to {entries} entries: u64 → [u8; 32]"),
        columns,
    );
    table.note(format!("single inserts, one thread, bound a quarter above the entries; median of {runs} fresh processes"));
    table.note("quick_cache a second time with `reserve` called beforehand");
    table.note("CPU less the clock's own cost (the median of empty readings)");
    let peers = child::names::<u64, [u8; 32]>(|name| args.wants("--peers", name));
    let bar = ProgressBar::new((runs * (2 * peers.len() + 1)) as u64);
    let rows = peers
        .iter()
        .flat_map(|peer| [(*peer, false), (*peer, true)]);
    for (peer, reserve) in rows.chain([(NOTHING, false)]) {
        let mut found: Vec<Vec<u64>> = Vec::new();
        for _ in 0..runs {
            let count = entries.to_string();
            let mut words = vec!["growth-child", "--child", peer, "--entries", &count];
            words.extend(reserve.then_some("--reserve"));
            found.extend(child::numbers(&child::own()?, &words)?);
            bar.inc(1);
        }
        if let Some(columns) = found.first().map(Vec::len) {
            let middle = |i: usize| Spread::of(found.iter().map(|run| run[i] as f64)).median as u64;
            let name = if reserve {
                format!("{peer}, reserved")
            } else {
                peer.to_string()
            };
            table.row(
                [name]
                    .into_iter()
                    .chain((0..columns).map(|i| nanos(middle(i)))),
            );
        }
    }
    bar.finish_and_clear();
    Ok(vec![table])
}

/// What the child does: grow one peer and print its worst inserts in nanoseconds.
///
/// # Errors
/// Arguments that are no numbers.
pub fn child(args: &Args) -> Result<(), Failure> {
    let entries = args.number("--entries", 0)?;
    let wanted = args.text("--child").unwrap_or_default().to_string();
    let mut growing = Growing {
        wanted,
        entries,
        reserve: args.has("--reserve"),
        found: None,
    };
    if growing.wanted == NOTHING {
        growing.found = Some(timed(entries, |_| ()));
    }
    visit_peers::<u64, [u8; 32]>(&mut growing);
    child::print(growing.found.as_ref().map(<[u64; 6]>::as_slice));
    Ok(())
}

/// What an empty measurement shows on the thread's own clock: the median, in nanoseconds.
fn cost_of_reading() -> u64 {
    let readings = (0..10_001).map(|_| Stopwatch::start().elapsed().1.as_nanos() as f64);
    Spread::of(readings).median as u64
}

/// Times each of so many calls: the worst, 99.99th and 99.9th per cent and median by CPU, the first two by the wall.
fn timed(count: usize, mut work: impl FnMut(u64)) -> [u64; 6] {
    // Written once beforehand, so that recording takes no page faults.
    let (mut wall, mut cpu) = (vec![u32::MAX; count], vec![u32::MAX; count]);
    let short = |time: std::time::Duration| u32::try_from(time.as_nanos()).unwrap_or(u32::MAX);
    for number in 0..count {
        let watch = Stopwatch::start();
        work(number as u64);
        let (by_wall, by_cpu) = watch.elapsed();
        (wall[number], cpu[number]) = (short(by_wall), short(by_cpu));
    }
    let at = |samples: &mut [u32], share| u64::from(quantile(samples, share));
    let reading = cost_of_reading();
    let mut own = |share| at(&mut cpu, share).saturating_sub(reading);
    [
        own(1.0),
        own(0.9999),
        own(0.999),
        own(0.5),
        at(&mut wall, 1.0),
        at(&mut wall, 0.9999),
    ]
}

/// Grows the peer of the wanted name.
struct Growing {
    wanted: String,
    entries: usize,
    reserve: bool,
    found: Option<[u64; 6]>,
}

impl<K: Key, V: Value> Visitor<K, V> for Growing {
    fn visit<P: Peer<K, V>>(&mut self) {
        if P::NAME != self.wanted {
            return;
        }
        let capacity = self.entries + self.entries / 4;
        let peer = if self.reserve {
            P::reserved(capacity)
        } else {
            Some(P::new(capacity))
        };
        let Some(peer) = peer else { return };
        let found = timed(self.entries, |number| {
            peer.insert(K::nth(number), V::of(number));
        });
        peer.settle();
        assert!(
            peer.count() >= self.entries * 99 / 100,
            "{} lost entries while growing",
            P::NAME
        );
        self.found = Some(found);
    }
}
