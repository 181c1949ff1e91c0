//! A table that reads alike in a terminal and in a Markdown file: columns padded to one width.

use std::fmt;

/// A heading, remarks, columns and rows of the same number of cells.
#[derive(Clone, Debug)]
pub struct Table {
    title: String,
    notes: Vec<String>,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new<C: Into<String>>(
        title: impl Into<String>,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        let columns = columns.into_iter().map(Into::into).collect();
        Self {
            title: title.into(),
            notes: Vec::new(),
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a remark, printed above the rows.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Adds a row; missing cells are filled with a dash.
    pub fn row<C: Into<String>>(&mut self, cells: impl IntoIterator<Item = C>) {
        let mut row: Vec<String> = cells.into_iter().map(Into::into).collect();
        row.resize(self.columns.len(), "–".into());
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### {}\n", self.title)?;
        for note in &self.notes {
            writeln!(f, "- {note}")?;
        }
        if !self.notes.is_empty() {
            writeln!(f)?;
        }
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|i| {
                let cells = self.rows.iter().map(|row| row[i].chars().count());
                cells
                    .chain([self.columns[i].chars().count()])
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        line(f, &self.columns, &widths)?;
        let rules: Vec<String> = (0..widths.len())
            .map(|i| {
                if i == 0 {
                    "-".repeat(widths[i])
                } else {
                    "-".repeat(widths[i].max(2) - 1) + ":"
                }
            })
            .collect();
        line(f, &rules, &widths)?;
        self.rows.iter().try_for_each(|row| line(f, row, &widths))
    }
}

/// One line: the first cell to the left, the others, which are numbers, to the right.
fn line(f: &mut fmt::Formatter<'_>, cells: &[String], widths: &[usize]) -> fmt::Result {
    for (i, (cell, width)) in cells.iter().zip(widths).enumerate() {
        if i == 0 {
            write!(f, "| {cell:<width$} ")?;
        } else {
            write!(f, "| {cell:>width$} ")?;
        }
    }
    writeln!(f, "|")
}

/// A number with as many digits as are worth reading.
pub fn digits(number: f64) -> String {
    match number {
        n if !n.is_finite() => "–".into(),
        n if n.abs() >= 100.0 => format!("{n:.0}"),
        n if n.abs() >= 10.0 => format!("{n:.1}"),
        n => format!("{n:.2}"),
    }
}

/// Nanoseconds in the unit that fits.
pub fn nanos(ns: u64) -> String {
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{} µs", digits(ns as f64 / 1e3)),
        _ => format!("{} ms", digits(ns as f64 / 1e6)),
    }
}
