//! Walks over all keys, and over what one holds: SCAN, KEYS, RANDOMKEY; SSCAN, HSCAN, ZSCAN.

use larder::{Cursor, KeyType, ScanOptions, Store, ToValue};

use crate::args::{Args, Outcome};
use crate::db::Db;
use crate::fault::Fault;
use crate::reply::Reply;

pub(crate) fn keys(store: &Store, mut args: Args<'_>) -> Outcome {
    Ok(Reply::bulks(store.keys(args.take()?)))
}

pub(crate) fn randomkey(store: &Store, _: Args<'_>) -> Outcome {
    Ok(Reply::option(store.random_key()))
}

/// A cursor as a client writes it.
pub(crate) fn cursor(word: &[u8]) -> Result<u64, Fault> {
    let digits = std::str::from_utf8(word)
        .ok()
        .filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let number = digits.and_then(|text| text.parse().ok());
    number.ok_or(Fault::fixed("ERR invalid cursor"))
}

/// A page: where to go on, and what was found.
pub(crate) fn page(next: u64, found: Reply) -> Reply {
    Reply::Array(vec![Reply::bulk(next.to_string()), found])
}

/// What SCAN and its like may be given behind the cursor.
#[derive(Default)]
pub(crate) struct Words<'a> {
    pub(crate) pattern: Option<&'a [u8]>,
    pub(crate) count: Option<usize>,
    pub(crate) key_type: Option<&'a [u8]>,
}

impl<'a> Words<'a> {
    /// Reads them; TYPE is SCAN's only, and `flag` the word that is the command's own.
    pub(crate) fn read(
        mut args: Args<'a>,
        typed: bool,
        mut flag: impl FnMut(&mut Args<'a>) -> bool,
    ) -> Result<Self, Fault> {
        let mut words = Words::default();
        while !args.is_empty() {
            if args.accept("MATCH") {
                words.pattern = Some(args.take()?);
            } else if args.accept("COUNT") {
                let count = args.int()?;
                let count = usize::try_from(count).ok().filter(|count| *count > 0);
                words.count = Some(count.ok_or(Fault::SYNTAX)?);
            } else if typed && args.accept("TYPE") {
                words.key_type = Some(args.take()?);
            } else if !flag(&mut args) {
                return Err(Fault::SYNTAX);
            }
        }
        Ok(words)
    }

    /// What the core is told of them.
    fn options(&self) -> ScanOptions {
        let mut options = ScanOptions::new();
        if let Some(pattern) = self.pattern {
            options = options.matching(pattern);
        }
        if let Some(count) = self.count {
            options = options.count(count);
        }
        options
    }
}

/// The types that a key may have.
const TYPES: [KeyType; 5] = [
    KeyType::String,
    KeyType::List,
    KeyType::Hash,
    KeyType::Set,
    KeyType::SortedSet,
];

pub(crate) fn scan(store: &Store, mut args: Args<'_>) -> Outcome {
    let start = cursor(args.take()?)?;
    let words = Words::read(args, true, |_| false)?;
    let mut options = words.options();
    if let Some(name) = words.key_type {
        let found = TYPES.iter().find(|kind| crate::args::is(name, kind.name()));
        let Some(key_type) = found else {
            return Ok(page(0, Reply::Array(Vec::new())));
        };
        options = options.of_type(*key_type);
    }
    let found = store.scan_page(Cursor::from(start), &options)?;
    Ok(page(
        found.next.map_or(0, u64::from),
        Reply::bulks(found.keys),
    ))
}

/// The cursor and the options of a walk over what one key holds. Of a missing key nothing more is read.
struct Walk<'a> {
    start: Cursor,
    args: Args<'a>,
}

impl<'a> Walk<'a> {
    fn read(mut args: Args<'a>) -> Result<(&'a [u8], Self), Fault> {
        let (key, start) = (args.take()?, cursor(args.take()?)?);
        let start = Cursor::from(start);
        Ok((key, Walk { start, args }))
    }

    /// The page that `look` finds, as `shown`.
    fn page<T>(
        self,
        is_empty: bool,
        look: impl FnOnce(Cursor, &ScanOptions) -> Result<(Vec<T>, Option<Cursor>), larder::Error>,
        shown: impl Fn(T) -> Vec<Reply>,
    ) -> Outcome {
        if is_empty {
            return Ok(page(0, Reply::Array(Vec::new())));
        }
        let options = Words::read(self.args, false, |_| false)?.options();
        let (found, next) = look(self.start, &options)?;
        let found = found.into_iter().flat_map(shown).collect();
        Ok(page(next.map_or(0, u64::from), Reply::Array(found)))
    }
}

/// SSCAN.
pub(crate) fn members(db: Db<'_>, args: Args<'_>) -> Outcome {
    let (key, walk) = Walk::read(args)?;
    let set = db.set_of::<Vec<u8>>(key);
    walk.page(
        set.is_empty()?,
        |start, options| set.scan_page(start, options),
        |member| vec![Reply::Bulk(member)],
    )
}

/// HSCAN, with NOVALUES.
pub(crate) fn fields(db: Db<'_>, args: Args<'_>) -> Outcome {
    let (key, mut walk) = Walk::read(args)?;
    let hash = db.hash::<Vec<u8>>(key);
    let is_empty = hash.is_empty()?;
    let bare = is_empty || walk.args.accept("NOVALUES");
    walk.page(
        is_empty,
        |start, options| hash.scan_page::<Vec<u8>>(start, options),
        |(field, value)| {
            let value = (!bare).then_some(Reply::Bulk(value));
            [Reply::Bulk(field)].into_iter().chain(value).collect()
        },
    )
}

/// ZSCAN: scores are text in RESP3, too.
pub(crate) fn scored(db: Db<'_>, args: Args<'_>) -> Outcome {
    let (key, walk) = Walk::read(args)?;
    let set = db.sorted_set::<Vec<u8>>(key);
    walk.page(
        set.is_empty()?,
        |start, options| {
            let page = set.scan_page(start, options)?;
            Ok((page.members, page.next))
        },
        |(member, score)| {
            vec![
                Reply::Bulk(member),
                Reply::Bulk(score.to_value().into_vec()),
            ]
        },
    )
}
