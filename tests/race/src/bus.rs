//! The files of the bus that race.

#[path = "../../../crates/larder/src/bus/mailbox.rs"]
mod mailbox;
#[path = "../../../crates/larder/src/bus/message.rs"]
mod message;
#[path = "../../../crates/larder/src/bus/overflow.rs"]
mod overflow;
#[path = "../../../crates/larder/src/bus/reader.rs"]
mod reader;
#[path = "../../../crates/larder/src/bus/ring.rs"]
mod ring;
#[path = "../../../crates/larder/src/bus/segment.rs"]
mod segment;
#[path = "../../../crates/larder/src/bus/sending.rs"]
mod sending;
#[path = "../../../crates/larder/src/bus/state.rs"]
mod state;

pub mod races;
