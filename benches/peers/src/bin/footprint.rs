//! The child of `peers bytes`: fills one peer under an allocator that counts.

use std::alloc::System;
use std::process::ExitCode;

use cap::Cap;
use larder_peers::args::Args;
use larder_peers::footprint;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

fn main() -> ExitCode {
    let args = Args::parse(std::env::args().skip(1));
    let meter = || (ALLOCATOR.allocated(), ALLOCATOR.max_allocated());
    match args.and_then(|args| footprint::child(&args, meter)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
