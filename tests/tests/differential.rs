//! The same generated commands to larder and to real servers, replies compared value by value.
//!
//! Each stream begins from an empty database, with a seed that is told when it fails; every second one is in RESP3. How
//! many commands: the variable `LARDER_DIFFERENTIAL` (per kind and server), or [`COMMANDS`]; from which seed on:
//! `LARDER_DIFFERENTIAL_SEED`; what a full run compared is kept, see `record`. Where replies may differ is said in
//! `differential/differences.rs`, with reasons; nothing else may.

#![allow(
    clippy::disallowed_methods,
    reason = "servers are other processes, whose time is the machine's"
)]

#[path = "differential/bitmaps.rs"]
mod bitmaps;
#[path = "differential/blocking.rs"]
mod blocking;
#[path = "differential/differences.rs"]
mod differences;
#[path = "differential/draw.rs"]
mod draw;
#[path = "differential/events.rs"]
mod events;
#[path = "differential/expiries.rs"]
mod expiries;
#[path = "differential/field_lives.rs"]
mod field_lives;
#[path = "differential/geo.rs"]
mod geo;
#[path = "differential/hashes.rs"]
mod hashes;
#[path = "differential/hyperloglogs.rs"]
mod hyperloglogs;
#[path = "differential/keys.rs"]
mod keys;
#[path = "differential/lists.rs"]
mod lists;
#[path = "differential/newer.rs"]
mod newer;
#[path = "differential/page.rs"]
mod page;
#[path = "differential/record.rs"]
mod record;
#[path = "differential/run.rs"]
mod run;
#[path = "differential/server.rs"]
mod server;
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

#[test]
fn hyperloglogs_answer_as_a_server_does() {
    run::compare("hyperloglogs", hyperloglogs::command);
}

#[test]
fn places_answer_as_a_server_does() {
    run::compare("geo", geo::command);
}

#[test]
fn fields_with_deadlines_answer_as_a_server_does() {
    let knows = |version: &str| !version.starts_with("Redis 7");
    run::compare_with("field deadlines", field_lives::command, knows);
}

#[test]
fn newer_commands_answer_as_a_server_does() {
    let knows = |version: &str| version.starts_with("Valkey 9");
    run::compare_with("newer commands", newer::command, knows);
}

#[test]
fn connections_and_databases_answer_as_a_server_does() {
    run::compare("connections", server::command);
}

#[test]
fn passwords_are_refused_as_by_a_server() {
    let reads_first_and_answers_at_once = |version: &str| version.starts_with("Valkey");
    run::compare_with(
        "passwords",
        server::password,
        reads_first_and_answers_at_once,
    );
}

#[test]
fn what_expires_is_gone_when_it_is_for_a_server() {
    expiries::compare();
}

#[test]
fn clients_that_wait_are_served_as_by_a_server() {
    blocking::compare();
}

#[test]
fn keyspace_events_are_told_as_by_a_server() {
    events::compare();
}
