//! The dated report: what it was measured on and with, then every table, won or lost.

use std::fs;
use std::process::Command;

use crate::args::Args;
use crate::table::Table;
use crate::{Failure, accounting, flight, footprint, growth, hits, storm, throughput, timers};

/// The lock file that this program was built with: which version of each rival it holds.
const LOCK: &str = include_str!("../../../Cargo.lock");

/// Runs every bench and writes the report to `--out`, or prints it.
///
/// # Errors
/// If a bench fails or the file cannot be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    let mut text = heading();
    for (name, bench) in benches() {
        eprintln!("{name} ...");
        text += &format!("\n## {name}\n\n{}", joined(&bench(args)?));
        if let Some(out) = args.text("--out") {
            // After each bench, so that a run that is cut short leaves what it had.
            fs::write(out, &text)?;
        }
    }
    if args.text("--out").is_none() {
        print!("{text}");
    }
    Ok(())
}

type Bench = fn(&Args) -> Result<Vec<Table>, Failure>;

fn benches() -> [(&'static str, Bench); 8] {
    [
        ("bytes", footprint::run as Bench),
        ("accounting", accounting::run),
        ("growth", growth::run),
        ("hits", hits::run),
        ("storm", storm::run),
        ("timers", timers::run),
        ("flight", flight::run),
        ("throughput", throughput::run),
    ]
}

/// The bench of this name.
pub fn bench(name: &str) -> Option<Bench> {
    benches()
        .into_iter()
        .find(|(known, _)| *known == name)
        .map(|(_, bench)| bench)
}

/// Tables with an empty line between them.
pub fn joined(tables: &[Table]) -> String {
    tables
        .iter()
        .map(Table::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Date, machine, compiler, commit, versions, command.
fn heading() -> String {
    let cpu = said("lscpu", &[]);
    let field = |name: &str| {
        let line = cpu.lines().find_map(|line| line.strip_prefix(name));
        line.map_or("unknown".to_string(), |text| {
            text.trim_start_matches(':').trim().to_string()
        })
    };
    let dirty = if said("git", &["status", "--porcelain"]).is_empty() {
        ""
    } else {
        ", with uncommitted changes"
    };
    let command: Vec<String> = std::env::args().skip(1).collect();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let lines = [
        format!(
            "# larder beside its rivals, {}",
            said("date", &["-u", "+%F"])
        ),
        String::new(),
        format!(
            "- machine: {}, {} cores, L2 {}, L3 {}",
            field("Model name"),
            field("CPU(s)"),
            field("L2 cache"),
            field("L3 cache")
        ),
        format!(
            "- load when started: {}",
            load.split(' ').take(3).collect::<Vec<_>>().join(" ")
        ),
        format!("- compiler: {}", said("rustc", &["--version"])),
        format!(
            "- commit: {}{dirty}",
            said("git", &["rev-parse", "--short=12", "HEAD"])
        ),
        format!("- crates: {}", versions(LOCK).join(", ")),
        format!("- command: peers {}", command.join(" ")),
        "- hashers: quick_cache its own (foldhash), all others ahash".to_string(),
    ];
    lines.join("\n") + "\n"
}

/// What a command printed, trimmed; "unknown" if it could not run.
fn said(command: &str, words: &[&str]) -> String {
    let output = Command::new(command)
        .args(words)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    output.map_or("unknown".into(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_string()
    })
}

/// Name and version of each crate that this one depends on, from a lock file.
fn versions(lock: &str) -> Vec<String> {
    let packages: Vec<&str> = lock.split("[[package]]").collect();
    let field = |package: &str, name: &str| -> String {
        let line = package
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""));
        line.map_or(String::new(), |text| text.trim_end_matches('"').to_string())
    };
    let Some(own) = packages
        .iter()
        .find(|package| field(package, "name") == "larder-peers")
    else {
        return Vec::new();
    };
    let needed = own
        .lines()
        .filter_map(|line| line.strip_prefix(" \"")?.strip_suffix("\","));
    needed
        .map(|needed| {
            // The lock names a version only where there are several.
            let (name, version) = needed.split_once(' ').unwrap_or((needed, ""));
            let only = packages
                .iter()
                .find(|package| field(package, "name") == name);
            let known = only.map_or(String::new(), |package| field(package, "version"));
            format!(
                "{name} {}",
                if version.is_empty() { &known } else { version }
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_names_the_versions_of_the_rivals() {
        let versions = versions(LOCK);
        assert!(
            versions.iter().any(|line| line.starts_with("moka 0.12.")),
            "{versions:?}"
        );
        assert!(
            versions.iter().any(|line| line.starts_with("dashmap 6.")),
            "{versions:?}"
        );
    }
}
