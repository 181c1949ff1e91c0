//! The command line of the rivals' bench; run without a subcommand it tells what there is.

use std::process::ExitCode;

use larder_peers::args::Args;
use larder_peers::{Failure, accounting, footprint, growth, report, storm};

const USAGE: &str = "\
peers: measures larder beside its rivals, in one process and one run

usage: cargo run --profile bench -p larder-peers -- SUBCOMMAND [options]

  throughput   ns per operation: get, get of 16, miss, mixed, insert with eviction, remove
  bytes        bytes per entry, counted and resident, with and without TTL
  accounting   bytes() against resident bytes, resident bytes against max_bytes; larder only
  growth       the worst single insert while growing
  hits         hit ratios by replaying traces
  storm        a million entries falling due within 2 s
  timers       what a deadline costs the caller who sets it
  flight       64 callers of one missing key; a hit through the loading call
  all          all of them; --out FILE writes a dated Markdown report

  --quick          smaller and shorter: to see that it runs, not to quote
  --full           bytes, accounting and growth also at 10 million entries
  --peers A,B      only peers whose name has one of these parts
  --only A,B       only workloads, traces or cases whose name has one of these parts
  --keys A,B       throughput: only these types of key (u64, [u8; 16], String)
  --threads N      throughput: 1 or 2 only
  --rounds N       throughput 7, timers 5, growth 3
  --entries N      instead of 1 million
  --ops N          throughput: operations a round, 1048576
  --traces DIR     hits: where the traces are (or LARDER_TRACES)
";

fn main() -> ExitCode {
    match Args::parse(std::env::args().skip(1)).and_then(|args| run(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Failure> {
    match args.command() {
        "all" => report::run(args),
        "footprint-child" => footprint::child(args, || (0, 0)),
        "accounting-child" => accounting::child(args),
        "growth-child" => growth::child(args),
        "storm-child" => storm::child(args),
        "" | "help" | "--help" => {
            print!("{USAGE}");
            Ok(())
        }
        name => {
            let bench =
                report::bench(name).ok_or_else(|| format!("no subcommand {name}\n\n{USAGE}"))?;
            print!("{}", report::joined(&bench(args)?));
            Ok(())
        }
    }
}
