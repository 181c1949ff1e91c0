//! Bytes per entry, counted twice: what the peer holds of the allocator (asked for, live), and what the process
//! grew by (RSS: with the allocator's rounding, without what was reserved but never touched).
//!
//! A peer bounded to N entries is given N keys in a fresh process; bytes are divided by the entries it kept.

use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;

use crate::Failure;
use crate::args::Args;
use crate::child;
use crate::peer::{Key, Peer, Value, Visitor, visit_peers};
use crate::table::{Table, digits};

/// The bytes of key and value themselves.
const PAYLOAD: f64 = 48.0;

/// Longer than any run: nothing may expire while it is measured.
const TTL: Duration = Duration::from_secs(24 * 3600);

/// How keys and values are held: inside of the entry, or as a cache of strings of any length holds them.
const SHAPES: [(&str, &str); 2] = [
    ("inline", "[u8; 16] → [u8; 32]"),
    ("boxed", "Box<[u8]> → Arc<[u8]>"),
];

/// Live bytes and the most that were live at once, as the allocator counts them.
pub type Meter = fn() -> (usize, usize);

/// Measures every wanted peer in children of its own.
///
/// # Errors
/// Arguments that are no numbers, or a child that failed.
pub fn run(args: &Args) -> Result<Vec<Table>, Failure> {
    let mut sizes = vec![args.number(
        "--entries",
        if args.has("--quick") {
            100_000
        } else {
            1_000_000
        },
    )?];
    if args.has("--full") {
        sizes.push(10_000_000);
    }
    let counting = child::counting();
    let program = counting.clone().map_or_else(child::own, Ok)?;
    let peers = child::names::<[u8; 16], [u8; 32]>(|name| args.wants("--peers", name));
    let bar = ProgressBar::new((sizes.len() * SHAPES.len() * 2 * peers.len()) as u64);
    let mut tables = Vec::new();
    for entries in sizes {
        for (shape, types) in SHAPES {
            let columns = [
                "peer",
                "TTL",
                "live B",
                "RSS B",
                "overhead live",
                "overhead RSS",
                "peak live",
                "kept",
            ];
            let mut table = Table::new(format!("Bytes per entry: {entries} × {types}"), columns);
            table.note("16 B key, 32 B value, per entry kept; overhead = bytes − 48; peak while filling, per entry");
            table.note(
                "larder's Store holds its bytes in its own arena whatever the caller's types are",
            );
            if counting.is_none() {
                table.note("RSS only: the counting twin is not built (cargo build --profile bench -p larder-peers)");
            }
            for (peer, ttl) in peers.iter().flat_map(|peer| [(peer, false), (peer, true)]) {
                let count = entries.to_string();
                let mut words = vec![
                    "footprint-child",
                    "--child",
                    peer,
                    "--keys",
                    shape,
                    "--entries",
                    &count,
                ];
                words.extend(ttl.then_some("--ttl"));
                if let Some(found) = child::numbers(&program, &words)? {
                    table.row(cells(peer, ttl, &found, entries));
                }
                bar.inc(1);
            }
            tables.push(table);
        }
    }
    bar.finish_and_clear();
    Ok(tables)
}

/// A row from a child's numbers: live, resident, peak, entries kept.
fn cells(peer: &str, ttl: bool, found: &[u64], entries: usize) -> Vec<String> {
    let &[live, resident, peak, kept] = found else {
        return vec![peer.into(), "?".into()];
    };
    let each = |bytes: u64| bytes as f64 / kept as f64;
    let counted = |number: f64| {
        if live == 0 {
            "–".into()
        } else {
            digits(number)
        }
    };
    vec![
        peer.into(),
        if ttl { "yes" } else { "no" }.into(),
        counted(each(live)),
        digits(each(resident)),
        counted(each(live) - PAYLOAD),
        digits(each(resident) - PAYLOAD),
        counted(each(peak)),
        format!("{} %", digits(kept as f64 * 100.0 / entries as f64)),
    ]
}

/// What the child does: fill one peer, print live, resident and peak bytes and the entries kept.
///
/// # Errors
/// Arguments that are no numbers, or a system that does not tell the resident size.
pub fn child(args: &Args, meter: Meter) -> Result<(), Failure> {
    let entries = args.number("--entries", 0)?;
    let wanted = args.text("--child").unwrap_or_default().to_string();
    let mut filling = Filling {
        wanted,
        entries,
        ttl: args.has("--ttl"),
        meter,
        found: None,
    };
    match args.text("--keys") {
        Some("boxed") => visit_peers::<Box<[u8]>, Arc<[u8]>>(&mut filling),
        _ => visit_peers::<[u8; 16], [u8; 32]>(&mut filling),
    }
    child::print(
        filling
            .found
            .transpose()?
            .as_ref()
            .map(<[u64; 4]>::as_slice),
    );
    Ok(())
}

/// Fills the peer of the wanted name.
struct Filling {
    wanted: String,
    entries: usize,
    ttl: bool,
    meter: Meter,
    found: Option<Result<[u64; 4], Failure>>,
}

impl Filling {
    fn measure<K: Key, V: Value, P: Peer<K, V>>(
        &self,
        new: impl FnOnce() -> Option<P>,
    ) -> Option<Result<[u64; 4], Failure>> {
        let before = (resident(), (self.meter)());
        let peer = new()?;
        (0..self.entries as u64).for_each(|number| peer.insert(K::nth(number), V::of(number)));
        peer.settle();
        let after = (resident(), (self.meter)());
        let kept = peer.count() as u64;
        let all = || -> Result<[u64; 4], Failure> {
            let (base, live) = (before.1.0, after.1);
            let grown = after.0?.saturating_sub(before.0?);
            Ok([
                live.0.saturating_sub(base) as u64,
                grown,
                live.1.saturating_sub(base) as u64,
                kept,
            ])
        };
        Some(all())
    }
}

impl<K: Key, V: Value> Visitor<K, V> for Filling {
    fn visit<P: Peer<K, V>>(&mut self) {
        if P::NAME == self.wanted {
            let new = || {
                if self.ttl {
                    P::with_ttl(self.entries, TTL)
                } else {
                    Some(P::new(self.entries))
                }
            };
            self.found = self.measure::<K, V, P>(new);
        }
    }
}

/// The bytes of this process that are in memory, summed by the kernel page by page.
///
/// # Errors
/// If the kernel does not tell.
pub fn resident() -> Result<u64, Failure> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Rss:"))
        .ok_or("the kernel tells no Rss")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}
