//! Hit ratios by replaying traces: look up, and insert on a miss; every entry weighs one.
//!
//! Capacities are 1, 5, 10 and 25 % of a trace's different keys, and 303 for the loop of 1,011 keys, where LRU
//! never hits. LRU and the optimum come from the index of the traces; what it lacks is computed, LRU by the
//! exact LRU among the rivals, which is also checked against the index.

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use crate::Failure;
use crate::args::Args;
use crate::larder_peers::{LRU_NAME, visit_larder_lru};
use crate::peer::{Peer, Value, Visitor, visit_peers};
use crate::rivals::LockedLru;
use crate::table::Table;
use crate::trace::{Indexed, Trace, index};

/// Where caches are large enough for their policy to show, not their striping.
const LARGE: usize = 1000;

/// `--quick` leaves out longer traces.
const QUICK_REQUESTS: usize = 1_000_000;

/// The index rounds to two digits; differences up to this are none.
const ROUNDING: f64 = 0.006;

/// A cell that the index lacks: about 30 % of the loop's keys.
const LOOP: (&str, usize) = ("lirs-loop", 303);

/// One trace at one capacity: hits per cent.
struct Cell {
    trace: String,
    capacity: usize,
    lru: f64,
    optimum: f64,
    peers: Vec<(&'static str, f64)>,
}

/// Replays the wanted traces.
///
/// # Errors
/// A trace or index that cannot be read.
pub fn run(args: &Args) -> Result<Vec<Table>, Failure> {
    let Some(dir) = args.traces() else {
        let mut table = Table::new("Hit ratios", ["trace"]);
        table.note("not measured: no folder of traces (set LARDER_TRACES or give --traces DIR)");
        return Ok(vec![table]);
    };
    let indexed = index(&dir)?;
    let mut files = Trace::files(&dir)?;
    files.retain(|path| {
        let name = Trace::name_of(path);
        let long = indexed
            .iter()
            .any(|row| row.trace == name && row.requests >= QUICK_REQUESTS);
        args.wants("--only", &name) && !(long && args.has("--quick"))
    });
    let style = ProgressStyle::with_template("hits: {msg} {wide_bar} {pos}/{len}");
    let bar = ProgressBar::new(files.len() as u64);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut cells = Vec::new();
    for path in &files {
        bar.set_message(Trace::name_of(path));
        cells.extend(replay_trace(args, path, &indexed)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(vec![table(&cells, files.len(), args.has("--quick"))])
}

/// Every capacity of one trace.
fn replay_trace(args: &Args, path: &Path, indexed: &[Indexed]) -> Result<Vec<Cell>, Failure> {
    let trace = Trace::read(path)?;
    let rows: Vec<&Indexed> = indexed
        .iter()
        .filter(|row| row.trace == trace.name)
        .collect();
    if args.has("--quick") && trace.keys.len() >= QUICK_REQUESTS {
        return Ok(Vec::new());
    }
    let mut capacities: Vec<usize> = rows.iter().map(|row| row.capacity).collect();
    if capacities.is_empty() {
        let uniques = trace.uniques();
        capacities = [1, 5, 10, 25]
            .map(|percent| (uniques * percent / 100).max(1))
            .to_vec();
    }
    if trace.name == LOOP.0 && !capacities.contains(&LOOP.1) {
        capacities.push(LOOP.1);
    }
    let cell = |capacity| {
        let mut replays = Replays {
            args,
            keys: &trace.keys,
            capacity,
            found: Vec::new(),
        };
        visit_peers::<u64, [u8; 32]>(&mut replays);
        visit_larder_lru::<u64, [u8; 32]>(&mut replays);
        let row = rows.iter().find(|row| row.capacity == capacity);
        let exact = || replay::<LockedLru<u64, [u8; 32]>>(&trace.keys, capacity);
        Cell {
            trace: trace.name.clone(),
            capacity,
            lru: row.map_or_else(exact, |row| row.lru),
            optimum: row.map_or_else(|| trace.optimum(capacity), |row| row.optimum),
            peers: replays.found,
        }
    };
    Ok(capacities.into_iter().map(cell).collect())
}

/// Replays one trace at one capacity through every peer that has a bound.
struct Replays<'a> {
    args: &'a Args,
    keys: &'a [u64],
    capacity: usize,
    found: Vec<(&'static str, f64)>,
}

impl Visitor<u64, [u8; 32]> for Replays<'_> {
    fn visit<P: Peer<u64, [u8; 32]>>(&mut self) {
        if P::BOUNDED && self.args.wants("--peers", P::NAME) {
            self.found
                .push((P::NAME, replay::<P>(self.keys, self.capacity)));
        }
    }
}

/// Hits per cent.
fn replay<P: Peer<u64, [u8; 32]>>(keys: &[u64], capacity: usize) -> f64 {
    let peer = P::new(capacity);
    let mut buffer = Vec::with_capacity(64);
    let mut hits = 0_u64;
    for key in keys {
        if peer.read(key, &mut buffer).is_some() {
            hits += 1;
        } else {
            peer.insert(*key, Value::of(*key));
        }
    }
    hits as f64 * 100.0 / keys.len().max(1) as f64
}

/// One line per cell, then means and the worst cells against LRU.
fn table(cells: &[Cell], traces: usize, quick: bool) -> Table {
    let names: Vec<&str> = cells.first().map_or(Vec::new(), |cell| {
        cell.peers.iter().map(|(name, _)| *name).collect()
    });
    let columns = ["trace @ capacity", "optimum", "LRU"]
        .into_iter()
        .chain(names.iter().copied());
    let mut table = Table::new("Hit ratios by trace replay", columns);
    table.note("per cent of look-ups, cold start, one thread; a miss inserts; unit weight; one run (hashers are seeded at random)");
    table.note(format!(
        "{traces} traces, {} cells{}",
        cells.len(),
        if quick {
            " (those under 1M requests)"
        } else {
            ""
        }
    ));
    table.note("dashmap and papaya do not evict and are left out");
    for (i, name) in names.iter().enumerate() {
        let over = cells
            .iter()
            .filter(|cell| cell.peers[i].1 > cell.optimum + ROUNDING);
        let largest = over.clone().map(|cell| cell.capacity).max();
        if let Some(largest) = largest {
            table.note(format!("{name} is above the optimum in {} cells, the largest of {largest} entries: there it holds more than its bound", over.count()));
        }
    }
    for complaint in cells.iter().filter_map(disagreement) {
        table.note(complaint);
    }
    let shown = |number: f64| format!("{number:.2}");
    for cell in cells {
        let head = [
            format!("{} @ {}", cell.trace, cell.capacity),
            shown(cell.optimum),
            shown(cell.lru),
        ];
        table.row(
            head.into_iter()
                .chain(cell.peers.iter().map(|(_, hits)| shown(*hits))),
        );
    }
    let large: Vec<&Cell> = cells.iter().filter(|cell| cell.capacity >= LARGE).collect();
    let all: Vec<&Cell> = cells.iter().collect();
    for (label, set) in [
        (format!("mean, {} cells ≥ {LARGE}", large.len()), &large),
        (format!("mean, all {}", all.len()), &all),
    ] {
        let mean = |of: &dyn Fn(&Cell) -> f64| {
            shown(set.iter().map(|cell| of(cell)).sum::<f64>() / set.len() as f64)
        };
        let peers = (0..names.len()).map(|i| mean(&|cell| cell.peers[i].1));
        table.row(
            [label, mean(&|cell| cell.optimum), mean(&|cell| cell.lru)]
                .into_iter()
                .chain(peers),
        );
    }
    for (label, peers) in verdicts(&all, &large, &names) {
        table.row([label, "–".into(), "–".into()].into_iter().chain(peers));
    }
    table
}

/// How the peers stand beside LRU: the index's, and larder's own.
fn verdicts(all: &[&Cell], large: &[&Cell], names: &[&str]) -> Vec<(String, Vec<String>)> {
    let worst_of = |set: &[&Cell], yardstick: &dyn Fn(&Cell) -> f64| {
        let row = (0..names.len()).map(|i| worst(set, i, yardstick));
        row.collect::<Vec<_>>()
    };
    let own = names.iter().position(|name| *name == LRU_NAME);
    let own_lru = |cell: &Cell| own.map_or(f64::NAN, |own| cell.peers[own].1);
    let mut verdicts = vec![
        (
            format!("worst against LRU, ≥ {LARGE}"),
            worst_of(large, &|cell| cell.lru),
        ),
        (
            "worst against LRU, all".into(),
            worst_of(all, &|cell| cell.lru),
        ),
        (
            format!("cells > 1 below LRU, ≥ {LARGE}"),
            below(large, names.len(), &|cell| cell.lru),
        ),
    ];
    if own.is_some() {
        verdicts.push((
            format!("worst against {LRU_NAME}, ≥ {LARGE}"),
            worst_of(large, &own_lru),
        ));
        verdicts.push((
            format!("cells > 1 below {LRU_NAME}, ≥ {LARGE}"),
            below(large, names.len(), &own_lru),
        ));
    }
    verdicts
}

/// For each peer, the number of cells where it is more than a hundredth below a yardstick.
fn below(cells: &[&Cell], peers: usize, yardstick: &dyn Fn(&Cell) -> f64) -> Vec<String> {
    let count = |peer: usize| {
        let below = cells
            .iter()
            .filter(|cell| cell.peers[peer].1 < yardstick(cell) - 1.0);
        below.count().to_string()
    };
    (0..peers).map(count).collect()
}

/// The cell where a peer is furthest below a yardstick.
fn worst(cells: &[&Cell], peer: usize, yardstick: &dyn Fn(&Cell) -> f64) -> String {
    let gaps = cells
        .iter()
        .map(|cell| (cell.peers[peer].1 - yardstick(cell), cell));
    let worst = gaps.min_by(|a, b| a.0.total_cmp(&b.0));
    worst.map_or("–".into(), |(gap, cell)| {
        format!("{gap:+.2} ({} @ {})", cell.trace, cell.capacity)
    })
}

/// What to say if the exact LRU does not find what the index says of LRU: then the replay is wrong.
fn disagreement(cell: &Cell) -> Option<String> {
    let lru = <LockedLru<u64, [u8; 32]> as Peer<u64, [u8; 32]>>::NAME;
    let (_, found) = cell.peers.iter().find(|(name, _)| *name == lru)?;
    let off = (found - cell.lru).abs() > ROUNDING;
    off.then(|| {
        format!(
            "WRONG: {} @ {}: exact LRU finds {found:.3}, the index says {}",
            cell.trace, cell.capacity, cell.lru
        )
    })
}
