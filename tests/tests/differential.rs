//! The same generated commands to larder and to real servers, replies compared value by value.
//!
//! Each stream begins from an empty database, with a seed that is told when it fails. How many commands: the variable
//! `LARDER_DIFFERENTIAL` (per kind and server), or [`COMMANDS`]. Where replies may differ is said in
//! `differential/differences.rs`, with reasons; nothing else may.

#[path = "differential/bitmaps.rs"]
mod bitmaps;
#[path = "differential/differences.rs"]
mod differences;
#[path = "differential/draw.rs"]
mod draw;
#[path = "differential/hashes.rs"]
mod hashes;
#[path = "differential/keys.rs"]
mod keys;
#[path = "differential/lists.rs"]
mod lists;
#[path = "differential/page.rs"]
mod page;
#[path = "differential/run.rs"]
mod run;
#[path = "differential/sets.rs"]
mod sets;
#[path = "differential/sorted_sets.rs"]
mod sorted_sets;
#[path = "differential/strings.rs"]
mod strings;
#[path = "differential/transactions.rs"]
mod transactions;

/// Commands per kind and server, unless said otherwise.
const COMMANDS: usize = 3_000;

#[test]
fn strings_answer_as_a_server_does() {
    run::compare("strings", strings::command);
}

#[test]
fn keys_and_deadlines_answer_as_a_server_does() {
    run::compare("keys", keys::command);
}

#[test]
fn bitmaps_answer_as_a_server_does() {
    run::compare("bitmaps", bitmaps::command);
}

#[test]
fn lists_answer_as_a_server_does() {
    run::compare("lists", lists::command);
}

#[test]
fn hashes_answer_as_a_server_does() {
    run::compare("hashes", hashes::command);
}

#[test]
fn sets_answer_as_a_server_does() {
    run::compare("sets", sets::command);
}

#[test]
fn sorted_sets_answer_as_a_server_does() {
    run::compare("sorted sets", sorted_sets::command);
}

#[test]
fn transactions_answer_as_a_server_does() {
    run::compare("transactions", transactions::command);
}
