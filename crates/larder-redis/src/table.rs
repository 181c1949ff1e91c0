//! The command table: what each command is called, how many words it has, what it does to which keys, and who runs it.
//!
//! One row a command, in `rows.rs`. What COMMAND answers, which keys a transaction locks, and the page `COMMANDS.md` come from here.

use std::sync::LazyLock;

use crate::args::{Args, Outcome, is};
use crate::commands::waiting::Want;
use crate::db::Db;
use crate::fault::Fault;
use crate::group::Group;
use crate::rows::COMMANDS;
use crate::session::Session;

/// Who runs a command.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    /// On the selected store, alone or in a transaction.
    Data(fn(Db<'_>, Args<'_>) -> Outcome),
    /// On the selected store, and it may wait.
    Waiting(fn(Args<'_>) -> Result<Want, Fault>),
    /// On the selected store as a whole: not in a transaction.
    Whole(fn(&larder::Store, Args<'_>) -> Outcome),
    /// On the session.
    Session(fn(&mut Session, Args<'_>) -> Outcome),
    /// As `Data`; but on the session where the words name another database.
    Between(
        fn(Db<'_>, Args<'_>) -> Outcome,
        fn(&mut Session, Args<'_>) -> Outcome,
    ),
}

/// Where the keys of a command are among its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    None,
    /// From a word to a word (negative: from the end), every so many.
    At(i8, i8, i8),
    /// The word of this number says how many follow; the word of the other is one too, if not 0.
    Counted(i8, i8),
    /// The first word says how many pairs of a key and a value follow.
    CountedPairs,
    /// The first word, and the one behind STORE or STOREDIST.
    Stored,
}

/// A row.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// How many words; negative: at least so many.
    pub(crate) arity: i8,
    pub(crate) flags: Flags,
    pub(crate) keys: Keys,
    pub(crate) group: Group,
    pub(crate) handler: Handler,
}

/// What is said of a command, one bit each.
pub(crate) type Flags = u16;

/// Changes keys.
pub(crate) const WRITE: Flags = 1;
/// Reads keys.
pub(crate) const READ: Flags = 1 << 1;
/// May need memory.
pub(crate) const GROWS: Flags = 1 << 2;
/// Takes a constant or logarithmic time.
pub(crate) const FAST: Flags = 1 << 3;
/// Runs at once in a transaction, instead of being queued.
pub(crate) const DIRECT: Flags = 1 << 4;
/// Looks at several values, or at one more than once: runs under the locks of its keys.
pub(crate) const ATOMIC: Flags = 1 << 5;
/// Not in a transaction.
pub(crate) const NO_MULTI: Flags = 1 << 6;
/// For operators and tests.
pub(crate) const ADMIN: Flags = 1 << 7;
/// Publishes or listens.
pub(crate) const PUBSUB: Flags = 1 << 8;
/// May wait.
pub(crate) const BLOCKING: Flags = 1 << 9;

/// Takes the store as a whole, or another: not under the locks of a transaction.
pub(crate) const ALONE: Flags = 1 << 10;
/// Also for a client of RESP2 that listens.
pub(crate) const LISTENER: Flags = 1 << 11;
/// Nothing is to be said.
pub(crate) const PLAIN: Flags = 0;

/// Flags with the names that COMMAND has for them.
const FLAG_NAMES: [(Flags, &str); 8] = [
    (WRITE, "write"),
    (READ, "readonly"),
    (GROWS, "denyoom"),
    (ADMIN, "admin"),
    (PUBSUB, "pubsub"),
    (NO_MULTI, "no_multi"),
    (BLOCKING, "blocking"),
    (FAST, "fast"),
];

impl Command {
    #[inline]
    pub(crate) fn has(&self, flag: Flags) -> bool {
        self.flags & flag != 0
    }

    /// The names that COMMAND has for its flags.
    pub(crate) fn flag_names(&self) -> impl Iterator<Item = &'static str> {
        let named = FLAG_NAMES.iter().filter(|(flag, _)| self.has(*flag));
        named.map(|(_, name)| *name)
    }

    /// Whether so many words are right.
    #[inline]
    pub(crate) fn takes(&self, words: usize) -> bool {
        let wanted = usize::from(self.arity.unsigned_abs());
        if self.arity < 0 {
            words >= wanted
        } else {
            words == wanted
        }
    }

    /// The access categories.
    pub(crate) fn categories(&self) -> impl Iterator<Item = &'static str> {
        let by_flag = [(WRITE, "@write"), (READ, "@read"), (BLOCKING, "@blocking")];
        let speed = if self.has(FAST) { "@fast" } else { "@slow" };
        let flagged = by_flag.into_iter().filter(|(flag, _)| self.has(*flag));
        [self.group.category()]
            .into_iter()
            .chain(flagged.map(|(_, name)| name))
            .chain([speed])
    }

    /// Whether its keys are found by reading its other words.
    pub(crate) fn has_movable_keys(&self) -> bool {
        !matches!(self.keys, Keys::None | Keys::At(..))
    }

    /// The keys among these words; `None` where their count does not fit.
    pub(crate) fn keys_of<'a>(&self, words: &[&'a [u8]]) -> Option<Vec<&'a [u8]>> {
        match self.keys {
            Keys::None => Some(Vec::new()),
            Keys::At(first, last, step) => {
                let last = if last < 0 {
                    words.len().checked_sub(usize::from(last.unsigned_abs()))?
                } else {
                    last.unsigned_abs().into()
                };
                let keys = words.get(first.unsigned_abs().into()..=last)?;
                Some(
                    keys.iter()
                        .copied()
                        .step_by(step.unsigned_abs().into())
                        .collect(),
                )
            }
            Keys::Counted(at, also) => {
                let at: usize = at.unsigned_abs().into();
                let count = crate::args::int(words.get(at)?).ok()?;
                let count = usize::try_from(count).ok().filter(|count| *count > 0)?;
                let mut keys = Vec::new();
                if also > 0 {
                    keys.push(*words.get(usize::from(also.unsigned_abs()))?);
                }
                keys.extend_from_slice(words.get(at + 1..(at + 1).checked_add(count)?)?);
                Some(keys)
            }
            Keys::CountedPairs => {
                let count = crate::args::int(words.get(1)?).ok()?;
                let count = usize::try_from(count).ok().filter(|count| *count > 0)?;
                let pairs = words.get(2..count.checked_mul(2)?.checked_add(2)?)?;
                Some(pairs.iter().copied().step_by(2).collect())
            }
            Keys::Stored => {
                let mut keys = vec![*words.get(1)?];
                let stores = |word: &[u8]| is(word, "STORE") || is(word, "STOREDIST");
                let stored = words.windows(2).skip(2).rev();
                let mut stored = stored.filter(|pair| stores(pair[0]));
                keys.extend(stored.next().map(|pair| pair[1]));
                Some(keys)
            }
        }
    }
}

/// Commands that have commands of their own, with these.
const SUBCOMMANDS: &[(&str, &[&str])] = &[
    (
        "client",
        &[
            "ID", "GETNAME", "SETNAME", "SETINFO", "REPLY", "INFO", "LIST", "UNBLOCK", "GETREDIR",
            "NO-EVICT", "NO-TOUCH",
        ],
    ),
    (
        "command",
        &[
            "COUNT",
            "LIST",
            "INFO",
            "DOCS",
            "GETKEYS",
            "GETKEYSANDFLAGS",
        ],
    ),
    ("config", &["GET", "SET", "RESETSTAT", "REWRITE"]),
    ("memory", &["USAGE"]),
    (
        "object",
        &["HELP", "ENCODING", "REFCOUNT", "IDLETIME", "FREQ"],
    ),
    ("pubsub", &["CHANNELS", "NUMSUB", "NUMPAT"]),
];

/// Whether the second word is one of the command's own commands, where it has any: a transaction does not begin with
/// one that is none.
pub(crate) fn has_subcommand(command: &Command, words: &[&[u8]]) -> bool {
    let Some(own) = subcommands(command) else {
        return true;
    };
    words
        .get(1)
        .is_none_or(|word| own.iter().any(|name| is(word, name)))
}

/// A command's own commands, if it has any.
pub(crate) fn subcommands(command: &Command) -> Option<&'static [&'static str]> {
    let mut all = SUBCOMMANDS.iter();
    let (_, own) = all.find(|(name, _)| *name == command.name)?;
    Some(own)
}

/// The command of this name, in any case of letters.
#[inline]
pub(crate) fn find(name: &[u8]) -> Option<&'static Command> {
    INDEX.find(name)
}

/// Slots of the index; a power of two, some four times the commands.
const SLOTS: usize = 1024;

/// Rows by name: a row's slot is the first free one from where its hash points. Built once.
struct Index([u16; SLOTS]);

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut slots = [0; SLOTS];
    for (number, command) in COMMANDS.iter().enumerate() {
        let mut slot = hash(command.name.as_bytes());
        while slots[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        slots[slot] = u16::try_from(number + 1).expect("there are fewer rows than slots");
    }
    Index(slots)
});

impl Index {
    #[inline]
    fn find(&self, name: &[u8]) -> Option<&'static Command> {
        let mut slot = hash(name);
        loop {
            let command = &COMMANDS[usize::from(self.0[slot]).checked_sub(1)?];
            if is(name, command.name) {
                return Some(command);
            }
            slot = (slot + 1) % SLOTS;
        }
    }
}

/// FNV-1a over the name in lower case; names are short.
#[inline]
fn hash(name: &[u8]) -> usize {
    let hash = name.iter().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte | 0x20)).wrapping_mul(0x0100_0193)
    });
    (hash ^ hash >> 15) as usize % SLOTS
}
