//! COMMAND: the command table as clients ask for it.

use larder::Glob;

use super::{subcommand_arity, unknown_subcommand};
use crate::args::{Args, Outcome, is};
use crate::fault::Fault;
use crate::reply::Reply;
use crate::rows::COMMANDS;
use crate::session::Session;
use crate::table::{self, Command, Keys, WRITE};

pub(crate) fn command(_: &mut Session, mut args: Args<'_>) -> Outcome {
    let Ok(word) = args.take() else {
        return Ok(Reply::Array(COMMANDS.iter().map(row).collect()));
    };
    match &word.to_ascii_uppercase()[..] {
        b"COUNT" if args.is_empty() => Ok(Reply::count(COMMANDS.len())),
        b"LIST" if args.is_empty() => Ok(Reply::bulks(COMMANDS.iter().map(|row| row.name))),
        b"LIST" => filtered(args),
        b"COUNT" => Err(subcommand_arity(args)),
        b"INFO" if args.is_empty() => Ok(Reply::Array(COMMANDS.iter().map(row).collect())),
        b"INFO" => {
            let found = |name: &&[u8]| table::find(name).map_or(Reply::Null, row);
            Ok(Reply::Array(args.rest().iter().map(found).collect()))
        }
        b"DOCS" => Ok(docs(args)),
        b"GETKEYS" | b"GETKEYSANDFLAGS" if args.is_empty() => Err(subcommand_arity(args)),
        b"GETKEYS" => Ok(Reply::bulks(keys(args.rest())?.1)),
        b"GETKEYSANDFLAGS" => keys_and_flags(args.rest()),
        _ => Err(unknown_subcommand(args)),
    }
}

/// A row of the table, in Redis' order of fields.
fn row(command: &Command) -> Reply {
    let (first, last, step) = match command.keys {
        Keys::At(first, last, step) => (first, last, step),
        Keys::Stored => (1, 1, 1),
        Keys::None | Keys::Counted(..) | Keys::CountedPairs => (0, 0, 0),
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
    if command.has_movable_keys() {
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

/// LIST FILTERBY.
fn filtered(mut args: Args<'_>) -> Outcome {
    if !args.accept("FILTERBY") || args.left() != 2 {
        return Err(Fault::SYNTAX);
    }
    let (by, what) = (args.take()?, args.take()?);
    let glob = Glob::new(what.to_ascii_lowercase());
    let wanted = |row: &&Command| match by {
        _ if is(by, "PATTERN") => glob.matches(row.name.as_bytes()),
        _ if is(by, "ACLCAT") => row
            .categories()
            .any(|category| is(what, category.trim_start_matches('@'))),
        // There are no modules.
        _ => false,
    };
    if !["PATTERN", "ACLCAT", "MODULE"]
        .iter()
        .any(|known| is(by, known))
    {
        return Err(Fault::SYNTAX);
    }
    let rows = COMMANDS.iter().filter(wanted);
    Ok(Reply::bulks(rows.map(|row| row.name)))
}

/// The command that words are of, and its keys among them.
fn keys<'a>(words: &[&'a [u8]]) -> Result<(&'static Command, Vec<&'a [u8]>), Fault> {
    let unknown = Fault::fixed("ERR Invalid command specified");
    let command = table::find(words[0]).ok_or(unknown.clone())?;
    if !table::has_subcommand(command, words) {
        return Err(unknown);
    }
    // What stands alone is no command of OBJECT's or MEMORY's with a key.
    let alone = words.len() == 1 && table::subcommands(command).is_some();
    if alone || command.keys == Keys::None {
        return Err(Fault::fixed("ERR The command has no key arguments"));
    }
    let arity = Fault::fixed("ERR Invalid number of arguments specified for command");
    if !command.takes(words.len()) {
        return Err(arity);
    }
    // The one command with keys whose subcommands have a number of words of their own.
    if command.name == "object" && words.len() != 3 {
        return Err(arity);
    }
    let keys = command.keys_of(words);
    let keys = keys.ok_or(Fault::fixed("ERR Invalid arguments specified for command"))?;
    Ok((command, keys))
}

/// The keys, each with whether it is read or written; a server tells more.
fn keys_and_flags(words: &[&[u8]]) -> Outcome {
    let (command, keys) = keys(words)?;
    let flag = if command.has(WRITE) { "RW" } else { "RO" };
    let row = |key| {
        let flags = Reply::Set(vec![Reply::Status(flag.into())]);
        Reply::Array(vec![Reply::bulk(key), flags])
    };
    Ok(Reply::Array(keys.into_iter().map(row).collect()))
}
