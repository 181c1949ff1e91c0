//! `benches/record/differential.tsv`: what the last full comparison compared, for the page of commands.
//!
//! A run with `LARDER_DIFFERENTIAL_RECORD` set to the day's date writes its counts there.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{env, fs};

/// Tests run beside each other, and write one file.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

const HEAD: &str = "kind\tserver\tcommands\tseeds from 0\tdiffer as listed\tdate\n";

/// What was compared.
pub(crate) struct Compared<'a> {
    pub(crate) kind: &'a str,
    pub(crate) server: &'a str,
    pub(crate) commands: usize,
    pub(crate) seeds: usize,
    pub(crate) differing: usize,
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/record/differential.tsv")
}

fn rows() -> BTreeMap<(String, String), String> {
    let text = fs::read_to_string(path()).unwrap_or_default();
    let row = |line: &str| {
        let mut fields = line.splitn(3, '\t').map(str::to_owned);
        Some(((fields.next()?, fields.next()?), fields.next()?))
    };
    text.lines().skip(1).filter_map(row).collect()
}

impl Compared<'_> {
    /// Tells what was compared, and writes it down if that is asked for.
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    pub(crate) fn tell(&self) {
        let Compared {
            kind,
            server,
            commands,
            seeds,
            differing,
        } = self;
        eprintln!(
            "{server}: {commands} {kind} compared, {seeds} seeds, {differing} differ as listed"
        );
        let Ok(date) = env::var("LARDER_DIFFERENTIAL_RECORD") else {
            return;
        };
        let _guard = ONE_AT_A_TIME.lock();
        let mut rows = rows();
        let row = format!("{commands}\t{seeds}\t{differing}\t{date}");
        rows.insert(((*kind).to_owned(), (*server).to_owned()), row);
        let mut text = HEAD.to_owned();
        for ((kind, server), row) in rows {
            writeln!(text, "{kind}\t{server}\t{row}").expect("a string takes text");
        }
        fs::write(path(), text).expect("the record can be written");
    }
}

/// The record as a table of the page.
pub(crate) fn table() -> String {
    let mut table = String::new();
    let mut line = |fields: &str| {
        writeln!(table, "| {} |", fields.replace('\t', " | ")).expect("a string takes text");
    };
    line(HEAD.trim_end());
    line("---\t---\t---\t---\t---\t---");
    for ((kind, server), row) in rows() {
        line(&format!("{kind}\t{server}\t{row}"));
    }
    table
}
