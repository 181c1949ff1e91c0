//! Access traces: reading them, the table that goes with them, and Belady's optimum.
//!
//! A trace is `NAME.txt.zst`: one decimal `u64` key per line. `index.tsv` beside them, if present, has the hit
//! ratios of LRU and of the optimum for some capacities.

use std::collections::{BinaryHeap, HashMap};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::Failure;

/// Never asked for again.
const NEVER: u32 = u32::MAX;

/// A trace in memory.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The file's name without its endings.
    pub name: String,
    /// The keys in the order of the requests.
    pub keys: Vec<u64>,
}

impl Trace {
    /// The files of the traces in a folder, by name.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn files(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
        let entries: Result<Vec<_>, _> = std::fs::read_dir(dir)?.collect();
        let paths = entries?.into_iter().map(|entry| entry.path());
        let mut files: Vec<PathBuf> = paths
            .filter(|path| path.to_string_lossy().ends_with(".txt.zst"))
            .collect();
        files.sort();
        Ok(files)
    }

    /// The trace's name, from its file's.
    pub fn name_of(path: &Path) -> String {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.trim_end_matches(".txt.zst").to_string()
    }

    /// Reads a trace.
    ///
    /// # Errors
    /// If the file cannot be read or has a line that is no number.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let reader = BufReader::new(zstd::Decoder::new(std::fs::File::open(path)?)?);
        let mut keys = Vec::new();
        for line in reader.lines() {
            keys.push(line?.trim().parse()?);
        }
        Ok(Self {
            name: Self::name_of(path),
            keys,
        })
    }

    /// How many different keys there are.
    pub fn uniques(&self) -> usize {
        self.keys
            .iter()
            .collect::<std::collections::HashSet<_, ahash::RandomState>>()
            .len()
    }

    /// Belady's hit ratio in per cent, with the right to turn the newcomer away.
    ///
    /// Of the cache and the newcomer, whoever is asked for last goes. A heap holds every entry by its next use;
    /// what it says of an entry that has been used since is stale and skipped. O(n log n).
    pub fn optimum(&self, capacity: usize) -> f64 {
        let next = self.next_uses();
        let mut cached: HashMap<u64, u32, ahash::RandomState> = HashMap::default();
        let mut latest: BinaryHeap<(u32, u64)> = BinaryHeap::new();
        let mut hits = 0_u64;
        for (&key, &use_again) in self.keys.iter().zip(&next) {
            hits += u64::from(cached.insert(key, use_again).is_some());
            latest.push((use_again, key));
            while cached.len() > capacity {
                let Some((when, victim)) = latest.pop() else {
                    break;
                };
                if cached.get(&victim) == Some(&when) {
                    cached.remove(&victim);
                }
            }
        }
        hits as f64 * 100.0 / self.keys.len().max(1) as f64
    }

    /// For each request, the position of the next one for the same key.
    fn next_uses(&self) -> Vec<u32> {
        let mut next = vec![NEVER; self.keys.len()];
        let mut seen: HashMap<u64, u32, ahash::RandomState> = HashMap::default();
        for (position, key) in self.keys.iter().enumerate().rev() {
            next[position] = seen.insert(*key, position as u32).unwrap_or(NEVER);
        }
        next
    }
}

/// A row of `index.tsv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Indexed {
    /// The trace.
    pub trace: String,
    /// Requests in it.
    pub requests: usize,
    /// Entries of the cache.
    pub capacity: usize,
    /// Hits of LRU, per cent.
    pub lru: f64,
    /// Hits of the optimum, per cent.
    pub optimum: f64,
}

/// Reads the index of a folder of traces; empty if it has none.
///
/// # Errors
/// If a row lacks a column or a number.
pub fn index(dir: &Path) -> Result<Vec<Indexed>, Failure> {
    let Ok(text) = std::fs::read_to_string(dir.join("index.tsv")) else {
        return Ok(Vec::new());
    };
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| {
        header
            .iter()
            .position(|at| *at == name)
            .ok_or(format!("the index has no {name}"))
    };
    let columns = [
        column("name")?,
        column("requests")?,
        column("capacity")?,
        column("lru_pct")?,
        column("opt_pct")?,
    ];
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let cell = |i: usize| cells.get(columns[i]).copied().unwrap_or_default();
            Ok(Indexed {
                trace: cell(0).into(),
                requests: cell(1).parse()?,
                capacity: cell(2).parse()?,
                lru: cell(3).parse()?,
                optimum: cell(4).parse()?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn optimum(keys: &[u64], capacity: usize) -> f64 {
        Trace {
            name: String::new(),
            keys: keys.to_vec(),
        }
        .optimum(capacity)
            * keys.len() as f64
            / 100.0
    }

    #[test]
    fn the_optimum_keeps_part_of_a_loop() {
        let keys: Vec<u64> = (0..10).cycle().take(100).collect();
        // Nine passes over ten keys; four stay, and the fifth place serves one more hit now and then.
        assert!(optimum(&keys, 4) >= 36.0);
        assert_eq!(optimum(&keys, 10), 90.0);
    }

    #[test]
    fn the_optimum_may_turn_a_newcomer_away() {
        assert_eq!(optimum(&[1, 2, 1, 3, 1], 1), 2.0);
    }
}
