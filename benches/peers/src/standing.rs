//! How peers stand beside each other: the throughput tables, with ratios paired round by round.
//!
//! A ratio is the median, over the rounds, of one peer's time divided by the other's in the same round: what
//! disturbs a round disturbs both.

use crate::clock::Spread;
use crate::table::{Table, digits};

/// The peers that the targets name.
const YARDSTICKS: [&str; 2] = ["quick_cache", "moka"];

/// The rounds of one peer on one workload.
#[derive(Clone, Debug)]
pub struct Measured {
    keys: &'static str,
    workload: &'static str,
    threads: usize,
    peer: &'static str,
    wall: Vec<f64>,
    cpu: Vec<f64>,
    wrong: Option<String>,
}

impl Measured {
    /// No rounds yet.
    pub fn new(
        keys: &'static str,
        workload: &'static str,
        threads: usize,
        peer: &'static str,
    ) -> Self {
        Self {
            keys,
            workload,
            threads,
            peer,
            wall: Vec::new(),
            cpu: Vec::new(),
            wrong: None,
        }
    }

    /// Adds a round: nanoseconds per operation, and what was wrong with its answers.
    pub fn push(&mut self, wall_ns: f64, cpu_ns: f64, wrong: Option<String>) {
        self.wall.push(wall_ns);
        self.cpu.push(cpu_ns);
        self.wrong = self.wrong.take().or(wrong);
    }

    fn beside(&self, other: &Self) -> bool {
        (self.keys, self.workload, self.threads) == (other.keys, other.workload, other.threads)
    }
}

/// The paired ratio of CPU times, or a dash where the yardstick has no such row.
fn ratio(all: &[Measured], row: &Measured, yardstick: &str) -> String {
    let Some(other) = all
        .iter()
        .find(|other| other.peer == yardstick && other.beside(row))
    else {
        return "–".into();
    };
    digits(Spread::of(row.cpu.iter().zip(&other.cpu).map(|(a, b)| a / b)).median)
}

/// An overview per key type and number of threads, then every row with its spread.
pub fn tables(all: &[Measured], scale: &str) -> Vec<Table> {
    let mut groups: Vec<(&str, usize)> = Vec::new();
    for row in all {
        if !groups.contains(&(row.keys, row.threads)) {
            groups.push((row.keys, row.threads));
        }
    }
    let of = |(keys, threads): &(&str, usize)| -> Vec<Measured> {
        let rows = all
            .iter()
            .filter(|row| row.keys == *keys && row.threads == *threads);
        rows.cloned().collect()
    };
    let overviews = groups
        .iter()
        .map(|group| overview(&of(group), *group, scale));
    let details = groups.iter().map(|group| detail(&of(group), *group, scale));
    overviews.chain(details).collect()
}

fn title(what: &str, (keys, threads): (&str, usize)) -> String {
    format!(
        "{what}: keys {keys}, {threads} thread{}",
        if threads == 1 { "" } else { "s" }
    )
}

/// One line per workload, one column per peer.
fn overview(rows: &[Measured], group: (&str, usize), scale: &str) -> Table {
    let mut peers: Vec<&str> = Vec::new();
    let mut workloads: Vec<&str> = Vec::new();
    for row in rows {
        if !peers.contains(&row.peer) {
            peers.push(row.peer);
        }
        if !workloads.contains(&row.workload) {
            workloads.push(row.workload);
        }
    }
    let columns = ["workload"].into_iter().chain(peers.iter().copied());
    let mut table = Table::new(title("Overview", group), columns);
    table.note(format!(
        "thread CPU ns per operation and thread, median; {scale}"
    ));
    table.note("a dash: the peer has no bound and cannot evict; an exclamation mark: wrong answers, see below");
    for workload in workloads {
        let cells = peers.iter().map(|peer| {
            let row = rows
                .iter()
                .find(|row| row.peer == *peer && row.workload == workload);
            row.map_or("–".into(), |row| {
                let mark = if row.wrong.is_some() { " !" } else { "" };
                digits(Spread::of(row.cpu.iter().copied()).median) + mark
            })
        });
        table.row([workload.to_string()].into_iter().chain(cells));
    }
    table
}

/// One line per workload and peer.
fn detail(rows: &[Measured], group: (&str, usize), scale: &str) -> Table {
    let mut columns: Vec<String> =
        vec!["workload, peer".into(), "wall ns".into(), "min..max".into()];
    columns.extend(["CPU ns".into(), "min..max".into()]);
    columns.extend(YARDSTICKS.map(|name| format!("CPU / {name}")));
    columns.push("answers".into());
    let mut table = Table::new(title("Throughput", group), columns);
    table.note(format!(
        "per operation and thread: median and range; ratios paired by round; {scale}"
    ));
    for row in rows {
        let (wall, cpu) = (
            Spread::of(row.wall.iter().copied()),
            Spread::of(row.cpu.iter().copied()),
        );
        let range = |spread: Spread| format!("{}..{}", digits(spread.min), digits(spread.max));
        let mut cells = vec![format!("{}: {}", row.workload, row.peer)];
        cells.extend([
            digits(wall.median),
            range(wall),
            digits(cpu.median),
            range(cpu),
        ]);
        cells.extend(YARDSTICKS.map(|name| ratio(rows, row, name)));
        cells.push(row.wrong.clone().unwrap_or_else(|| "right".into()));
        table.row(cells);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_paired_by_round() {
        let mut fast = Measured::new("u64", "get", 1, "larder Cache");
        let mut slow = Measured::new("u64", "get", 1, "quick_cache");
        for noise in [1.0, 5.0, 2.0] {
            fast.push(noise, noise, None);
            slow.push(2.0 * noise, 2.0 * noise, None);
        }
        assert_eq!(ratio(&[fast.clone(), slow], &fast, "quick_cache"), "0.50");
        assert_eq!(ratio(&[], &fast, "moka"), "–");
    }
}
