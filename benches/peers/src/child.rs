//! Children: a measurement of memory or of a single stall starts in a fresh process, so that no peer inherits
//! another's heap. A child is this program again, with a subcommand that only it is given.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::peer::{Key, Peer, Value, Visitor, visit_peers};

/// The names of the peers that pass `keep`, in their usual order.
pub fn names<K: Key, V: Value>(keep: impl Fn(&str) -> bool) -> Vec<&'static str> {
    struct Names(Vec<&'static str>);
    impl<K: Key, V: Value> Visitor<K, V> for Names {
        fn visit<P: Peer<K, V>>(&mut self) {
            self.0.push(P::NAME);
        }
    }
    let mut names = Names(Vec::new());
    visit_peers::<K, V>(&mut names);
    names.0.retain(|name| keep(name));
    names.0
}

/// This program's own file.
///
/// # Errors
/// If the system does not tell it.
pub fn own() -> Result<PathBuf, Failure> {
    Ok(std::env::current_exe()?)
}

/// The twin of this program under the counting allocator, built if it is not there and cargo runs us.
pub fn counting() -> Option<PathBuf> {
    let own = own().ok()?;
    let twin = own.with_file_name("peers-footprint");
    let stale = match (
        twin.metadata().and_then(|m| m.modified()),
        own.metadata().and_then(|m| m.modified()),
    ) {
        (Ok(twin), Ok(own)) => twin < own,
        _ => true,
    };
    if stale && let Some(cargo) = std::env::var_os("CARGO") {
        let profile = if own.parent()?.ends_with("debug") {
            "dev"
        } else {
            "bench"
        };
        let mut build = Command::new(cargo);
        build.args([
            "build",
            "--quiet",
            "--package",
            "larder-peers",
            "--bin",
            "peers-footprint",
        ]);
        build
            .args(["--profile", profile])
            .arg("--target-dir")
            .arg(own.parent()?.parent()?);
        if cfg!(feature = "larder") {
            build.args(["--features", "larder"]);
        }
        build
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .ok()?;
    }
    twin.is_file().then_some(twin)
}

/// Runs a child and returns the numbers that it printed on one line, or nothing if it printed a dash.
///
/// # Errors
/// If it cannot be started, fails, or prints something else.
pub fn numbers(program: &Path, words: &[&str]) -> Result<Option<Vec<u64>>, Failure> {
    let output = Command::new(program).args(words).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} failed: {}", words.join(" "), said.trim()).into());
    }
    let text = String::from_utf8(output.stdout)?;
    if text.trim() == "-" {
        return Ok(None);
    }
    let numbers: Result<Vec<u64>, _> = text.split_whitespace().map(str::parse).collect();
    numbers
        .map(Some)
        .map_err(|_| format!("{} printed {text:?}", words.join(" ")).into())
}

/// What a child prints: its numbers on one line, or a dash.
pub fn print(numbers: Option<&[u64]>) {
    let words: Vec<String> = numbers.unwrap_or(&[]).iter().map(u64::to_string).collect();
    println!(
        "{}",
        if words.is_empty() {
            "-".into()
        } else {
            words.join(" ")
        }
    );
}
