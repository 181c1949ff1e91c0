//! `peers-values`: larder's hashes, sets and lists beside maps of the standard library's collections behind one mutex,
//! which is what one builds without larder, and, where a server is installed, the bytes that Redis takes for the same.
//!
//! Bytes are resident, per hash, member and element, with the key's part of the tables; a server's are its
//! `used_memory`. Times are of one thread's CPU, interleaved rounds: median, least and greatest; those of single, long
//! calls are the wall's. Every answer is checked. Each part can be run alone:
//!
//! ```text
//! peers-values [bytes] [times] [removals | removals:set | removals:hash | …] [together] [waiters]
//! ```

#![allow(
    clippy::disallowed_methods,
    reason = "a bench measures, and its rival stands behind a mutex"
)]

use std::alloc::System;
use std::process::ExitCode;

use cap::Cap;
use larder_peers::Failure;
use larder_peers::report::joined;
use larder_peers::table::Table;

mod bytes;
mod keyspace;
mod removals;
mod times;
mod together;
mod waiters;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const PARTS: [&str; 5] = ["bytes", "times", "removals", "together", "waiters"];

/// The tables of a part.
fn part(name: &str) -> Result<Vec<Table>, Failure> {
    let (name, case) = name.split_once(':').unwrap_or((name, ""));
    Ok(match name {
        "bytes" => bytes::run()?,
        "times" => times::run(),
        "removals" => removals::run(case),
        "together" => together::run(),
        "waiters" => waiters::run(),
        "held" => {
            bytes::child(case)?;
            Vec::new()
        }
        _ => return Err(format!("no part {name}: there are {}", PARTS.join(", ")).into()),
    })
}

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    // `cargo bench` adds a flag.
    let mut wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    wanted.retain(|word| *word != "--bench");
    if wanted.is_empty() {
        wanted = PARTS.to_vec();
    }
    for name in wanted {
        match part(name) {
            Ok(tables) if tables.is_empty() => {}
            Ok(tables) => println!("{}", joined(&tables)),
            Err(failure) => {
                eprintln!("{failure}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
