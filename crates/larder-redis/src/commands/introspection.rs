//! COMMAND: the command table as clients ask for it.

use super::{subcommand_arity, unknown_subcommand};
use crate::args::{Args, Outcome};
use crate::fault::Fault;
use crate::reply::Reply;
use crate::rows::COMMANDS;
use crate::session::Session;
use crate::table::{self, Command, Keys};

pub(crate) fn command(_: &mut Session, mut args: Args<'_>) -> Outcome {
    let Ok(word) = args.take() else {
        return Ok(Reply::Array(COMMANDS.iter().map(row).collect()));
    };
    match &word.to_ascii_uppercase()[..] {
        b"COUNT" if args.is_empty() => Ok(Reply::count(COMMANDS.len())),
        b"LIST" if args.is_empty() => Ok(Reply::bulks(COMMANDS.iter().map(|row| row.name))),
        b"COUNT" | b"LIST" => Err(subcommand_arity(args)),
        b"INFO" if args.is_empty() => Ok(Reply::Array(COMMANDS.iter().map(row).collect())),
        b"INFO" => {
            let found = |name: &&[u8]| table::find(name).map_or(Reply::NullArray, row);
            Ok(Reply::Array(args.rest().iter().map(found).collect()))
        }
        b"DOCS" => Ok(docs(args)),
        b"GETKEYS" if args.is_empty() => Err(subcommand_arity(args)),
        b"GETKEYS" => keys(args.rest()),
        _ => Err(unknown_subcommand(args)),
    }
}

/// A row of the table, in Redis' order of fields.
fn row(command: &Command) -> Reply {
    let (first, last, step) = match command.keys {
        Keys::At(first, last, step) => (first, last, step),
        Keys::None | Keys::Counted(..) => (0, 0, 0),
    };
    let statuses = |names: Vec<&'static str>| {
        Reply::Set(
            names
                .into_iter()
                .map(|name| Reply::Status(name.into()))
                .collect(),
        )
    };
    let mut flags: Vec<_> = command.flag_names().collect();
    if matches!(command.keys, Keys::Counted(..)) {
        flags.push("movablekeys");
    }
    Reply::Array(vec![
        Reply::bulk(command.name),
        Reply::Int(command.arity.into()),
        statuses(flags),
        Reply::Int(first.into()),
        Reply::Int(last.into()),
        Reply::Int(step.into()),
        statuses(command.categories().collect()),
        Reply::Array(Vec::new()),
        Reply::Array(Vec::new()),
        Reply::Array(Vec::new()),
    ])
}

fn docs(args: Args<'_>) -> Reply {
    let asked: Vec<&Command> = if args.is_empty() {
        COMMANDS.iter().collect()
    } else {
        args.rest()
            .iter()
            .filter_map(|name| table::find(name))
            .collect()
    };
    let doc = |command: &&Command| {
        let group = (Reply::bulk("group"), Reply::bulk(command.group.name()));
        (Reply::bulk(command.name), Reply::Map(vec![group]))
    };
    Reply::Map(asked.iter().map(doc).collect())
}

fn keys(words: &[&[u8]]) -> Outcome {
    let command = table::find(words[0]).ok_or(Fault::fixed("ERR Invalid command specified"))?;
    if command.keys == Keys::None {
        return Err(Fault::fixed("ERR The command has no key arguments"));
    }
    let arity = Fault::fixed("ERR Invalid number of arguments specified for command");
    if !command.takes(words.len()) {
        return Err(arity);
    }
    let keys = command.keys_of(words).ok_or(arity)?;
    Ok(Reply::bulks(keys))
}
