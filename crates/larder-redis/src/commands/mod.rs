//! The handlers of the commands, a file for each kind of value or matter.
//!
//! A handler reads its words in the order in which Redis looks at them, so that of several faults the same is told, and
//! touches the store only when nothing can be wrong any more but what the key holds.

pub(crate) mod bitfield;
pub(crate) mod bits;
pub(crate) mod bounded;
pub(crate) mod client;
pub(crate) mod combine;
pub(crate) mod config;
pub(crate) mod connection;
pub(crate) mod counters;
pub(crate) mod expiry;
pub(crate) mod field_expiry;
pub(crate) mod field_life;
pub(crate) mod geo;
pub(crate) mod guarded;
pub(crate) mod hashes;
pub(crate) mod hyperloglog;
pub(crate) mod info;
pub(crate) mod introspection;
pub(crate) mod keys;
pub(crate) mod lcs;
pub(crate) mod lists;
pub(crate) mod pubsub;
pub(crate) mod scan;
pub(crate) mod server;
pub(crate) mod sets;
pub(crate) mod sort;
pub(crate) mod sorted_sets;
pub(crate) mod strings;
pub(crate) mod transactions;
pub(crate) mod waiting;

use crate::args::Args;
use crate::fault::Fault;

/// A command's own command that there is not, as OBJECT BOGUS.
pub(crate) fn unknown_subcommand(args: Args<'_>) -> Fault {
    let word = args.words().get(1).copied().unwrap_or_default();
    let word = &word[..word.len().min(128)];
    Fault::new(format!(
        "ERR unknown subcommand '{}'. Try {} HELP.",
        String::from_utf8_lossy(word),
        args.name().to_ascii_uppercase()
    ))
}

/// A command's own command that there is not, or not with so many words, as DEBUG has it.
pub(crate) fn unfit_subcommand(args: Args<'_>) -> Fault {
    let word = args.words().get(1).copied().unwrap_or_default();
    let word = &word[..word.len().min(128)];
    Fault::new(format!(
        "ERR unknown subcommand or wrong number of arguments for '{}'. Try {} HELP.",
        String::from_utf8_lossy(word),
        args.name().to_ascii_uppercase()
    ))
}

/// Checks the number of words of a command's own command, with its name and the command's.
pub(crate) fn exactly(args: Args<'_>, words: usize) -> Result<(), Fault> {
    if args.words().len() == words {
        return Ok(());
    }
    Err(subcommand_arity(args))
}

/// A wrong number of words for a command's own command.
pub(crate) fn subcommand_arity(args: Args<'_>) -> Fault {
    let word = args.words().get(1).copied().unwrap_or_default();
    let word = String::from_utf8_lossy(word).to_ascii_lowercase();
    Fault::arity(&format!("{}|{word}", args.name()))
}
