//! LCS: the longest common subsequence of two strings.
//!
//! The table of the textbook, O(n·m) in time and memory; bounded, since two strings of a megabyte would need terabytes.

use crate::args::{Args, Outcome};
use crate::db::{Db, on};
use crate::fault::Fault;
use crate::reply::Reply;

/// Most cells of the table, of 4 bytes each.
const MOST_CELLS: usize = 1 << 28;

#[derive(Default)]
struct Options {
    len: bool,
    idx: bool,
    min: i64,
    with_len: bool,
}

impl Options {
    fn read(mut args: Args<'_>) -> Result<Self, Fault> {
        let mut options = Options::default();
        while !args.is_empty() {
            if args.accept("LEN") {
                options.len = true;
            } else if args.accept("IDX") {
                options.idx = true;
            } else if args.accept("WITHMATCHLEN") {
                options.with_len = true;
            } else if args.accept("MINMATCHLEN") {
                options.min = args.int()?.max(0);
            } else {
                return Err(Fault::SYNTAX);
            }
        }
        if options.len && options.idx {
            return Err(Fault::fixed(
                "ERR If you want both the length and indexes, please just use IDX.",
            ));
        }
        Ok(options)
    }
}

/// Lengths of the longest common subsequences of all pairs of prefixes.
struct Table {
    width: usize,
    cells: Vec<u32>,
}

impl Table {
    fn new(a: &[u8], b: &[u8]) -> Result<Self, Fault> {
        let width = b.len() + 1;
        let size = (a.len() + 1)
            .checked_mul(width)
            .filter(|size| *size <= MOST_CELLS);
        let size = size.ok_or(Fault::fixed(
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
        ))?;
        let mut table = Table {
            width,
            cells: vec![0; size],
        };
        for (i, x) in a.iter().enumerate() {
            for (j, y) in b.iter().enumerate() {
                table.cells[(i + 1) * width + j + 1] = if x == y {
                    table.at(i, j) + 1
                } else {
                    table.at(i, j + 1).max(table.at(i + 1, j))
                };
            }
        }
        Ok(table)
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.cells[i * self.width + j]
    }

    /// The pairs of positions, from the last to the first.
    fn walk(&self, a: &[u8], b: &[u8]) -> Vec<(usize, usize)> {
        let (mut i, mut j) = (a.len(), b.len());
        let mut found = Vec::new();
        while i > 0 && j > 0 {
            if a[i - 1] == b[j - 1] {
                (i, j) = (i - 1, j - 1);
                found.push((i, j));
            } else if self.at(i - 1, j) > self.at(i, j - 1) {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        found
    }
}

/// First positions in both, and the length.
type Run = (usize, usize, usize);

/// Joins positions that follow each other; from the last to the first.
fn runs(pairs: &[(usize, usize)]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for &(i, j) in pairs {
        match runs.last_mut() {
            Some((first_i, first_j, length)) if i + 1 == *first_i && j + 1 == *first_j => {
                (*first_i, *first_j, *length) = (i, j, *length + 1);
            }
            _ => runs.push((i, j, 1)),
        }
    }
    runs
}

fn matches(options: &Options, pairs: &[(usize, usize)]) -> Reply {
    let long = |run: &Run| run.2 as i64 >= options.min;
    let span =
        |first, length| Reply::Array(vec![Reply::count(first), Reply::count(first + length - 1)]);
    let shown = runs(pairs).into_iter().filter(long).map(|(i, j, length)| {
        let mut item = vec![span(i, length), span(j, length)];
        if options.with_len {
            item.push(Reply::count(length));
        }
        Reply::Array(item)
    });
    Reply::Map(vec![
        (Reply::bulk("matches"), Reply::Array(shown.collect())),
        (Reply::bulk("len"), Reply::count(pairs.len())),
    ])
}

pub(crate) fn lcs(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (first, second) = (args.take()?, args.take()?);
    let text = |key: &[u8]| -> Result<Vec<u8>, Fault> {
        let value: Option<Vec<u8>> = on!(db, |d| d.get(key))
            .map_err(|_| Fault::fixed("ERR The specified keys must contain string values"))?;
        Ok(value.unwrap_or_default())
    };
    let (a, b) = (text(first)?, text(second)?);
    let options = Options::read(args)?;
    let table = Table::new(&a, &b)?;
    if options.len {
        return Ok(Reply::Int(table.at(a.len(), b.len()).into()));
    }
    let pairs = table.walk(&a, &b);
    if options.idx {
        return Ok(matches(&options, &pairs));
    }
    Ok(Reply::Bulk(
        pairs.iter().rev().map(|(i, _)| a[*i]).collect(),
    ))
}
