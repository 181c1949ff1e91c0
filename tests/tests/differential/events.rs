//! Keyspace events: the same commands tell the same events in the same order.

use larder_redis::{Databases, RespSession, Session};
use larder_tests::servers::{Program, Server, Shape, Wire, pack};

use crate::draw::{Draw, Words};
use crate::record::Compared;
use crate::run::{count, first_seed};
use crate::{
    bitmaps, field_lives, geo, hashes, hyperloglogs, keys, lists, server, sets, sorted_sets,
    strings, transactions,
};

/// Commands of one seed.
const STREAM: usize = 500;

/// Kinds of commands, one a seed.
const KINDS: &[fn(&mut Draw) -> Words] = &[
    strings::command,
    keys::command,
    bitmaps::command,
    hyperloglogs::command,
    lists::command,
    hashes::command,
    sets::command,
    sorted_sets::command,
    geo::command,
    transactions::command,
    server::command,
    field_lives::command,
];
/// The last of them, which servers before Redis 8 do not know.
const SINCE_REDIS_8: usize = 1;

fn words(line: &str) -> Words {
    line.split(' ')
        .map(|word| word.as_bytes().to_vec())
        .collect()
}

/// A writer and a listener here.
struct Here {
    writer: RespSession,
    listener: RespSession,
}

/// The replies that these bytes are.
fn shapes(mut bytes: &[u8]) -> Vec<Shape> {
    let mut all = Vec::new();
    while let Some((shape, used)) = Shape::read(bytes) {
        bytes = &bytes[used..];
        all.push(shape);
    }
    all
}

impl Here {
    fn new() -> Self {
        let databases = Databases::default();
        let session = || RespSession::new(Session::of(&databases));
        let (mut writer, mut listener) = (session(), session());
        writer.feed(
            b"CONFIG SET notify-keyspace-events KEA\r\n",
            &mut Vec::new(),
        );
        listener.feed(b"PSUBSCRIBE __key*\r\n", &mut Vec::new());
        Here { writer, listener }
    }

    fn ask(&mut self, words: &Words) -> Vec<Shape> {
        let (mut bytes, mut out) = (Vec::new(), Vec::new());
        pack(words, &mut bytes);
        self.writer.feed(&bytes, &mut out);
        out.clear();
        self.listener.pushes(&mut out);
        shapes(&out)
    }
}

/// A writer and a listener on a server, and who marks the end of a command's events: the writer's own mark would be queued
/// where it has opened a transaction.
struct There {
    writer: Wire,
    listener: Wire,
    marker: Wire,
}

impl There {
    fn new(server: &Server) -> Self {
        let connect = || server.connect().expect("the server listens");
        let (mut writer, mut listener, marker) = (connect(), connect(), connect());
        let begin = [
            words("FLUSHALL"),
            words("CONFIG SET notify-keyspace-events KEA"),
        ];
        writer.ask(&begin).expect("the server answers");
        for begin in ["PSUBSCRIBE __key*", "SUBSCRIBE end"] {
            listener.send(&words(begin)).expect("the server listens");
            listener.reply().expect("the server answers");
        }
        There {
            writer,
            listener,
            marker,
        }
    }

    /// What a command tells. `touches` are sent in one go with it.
    fn ask(&mut self, command: &Words, touches: Option<Words>) -> Vec<Shape> {
        let both: Vec<Words> = [command.clone()].into_iter().chain(touches).collect();
        self.writer.ask(&both).expect("the server answers");
        let mark = [words("PUBLISH end .")];
        self.marker.ask(&mark).expect("the server answers");
        let mut events = Vec::new();
        loop {
            match self.listener.reply().expect("the server answers") {
                Shape::Items(_, Some(items)) if items.len() == 3 => return events,
                event => events.push(event),
            }
        }
    }
}

/// Whether a deadline of this command may have passed already.
fn may_be_over(command: &Words) -> bool {
    let name = command[0].to_ascii_uppercase();
    let at = |word: &Vec<u8>| [&b"EXAT"[..], b"PXAT"].contains(&&word.to_ascii_uppercase()[..]);
    name.windows(6).any(|part| part == b"EXPIRE")
        || name.ends_with(b"EX") && command.len() > 2
        || name == b"SET" && command.iter().skip(2).any(at)
}

/// Looks at all keys that a command may have been about: a server tells of a deadline that had passed when it was set, when
/// it next comes upon the key; larder at once.
fn look_at(command: &Words) -> Words {
    let mut look = words("EXISTS");
    look.extend(command[1..].iter().cloned());
    look
}

/// Whether what is told of a command is chance, or differs from server to server.
fn is_uneven(version: &str, command: &Words, in_multi: bool) -> bool {
    let name = command[0].to_ascii_uppercase();
    // Valkey tells `expired` of what is over at once, or nothing; Redis `del`, or `expired` when it comes upon the key,
    // which in a transaction is later than the look at it.
    may_be_over(command) && (version.starts_with("Valkey") || in_multi)
        // One of several members goes, by chance.
        || name == b"SPOP" && command.len() == 2
        // The sums may have other digits, the events would be of other commands then.
        || name == b"HINCRBYFLOAT"
        || name == b"INCRBYFLOAT"
        // The server looks at the low bits of an index only.
        || name == b"LSET" && command.get(2).is_some_and(|index| index.len() > 9)
}

/// An event of GEOSEARCHSTORE as GEORADIUS with STORE tells it.
fn rename_geo(event: &mut Shape) {
    let Shape::Items(_, Some(words)) = event else {
        return;
    };
    for word in words {
        if let Shape::Bulk(Some(text)) = word
            && text.ends_with(b"geosearchstore")
        {
            text.truncate(text.len() - b"geosearchstore".len());
            text.extend_from_slice(b"georadiusstore");
        }
    }
}

/// Compares the events that generated commands cause with those of every server.
pub(crate) fn compare() {
    let programs = Program::all();
    if programs.is_empty() {
        eprintln!("skipped: no redis-server or valkey-server to compare events with");
    }
    for program in programs {
        let server = program.start();
        let (mut compared, mut told, mut seed) = (0, 0, first_seed());
        while compared < count() {
            let (mut here, mut there) = (Here::new(), There::new(&server));
            let mut draw = Draw::new(seed as u64);
            let kinds = if program.version.starts_with("Redis 7") {
                &KINDS[..KINDS.len() - SINCE_REDIS_8]
            } else {
                KINDS
            };
            let kind = kinds[seed % kinds.len()];
            let mut history = Vec::new();
            while history.len() < STREAM.min(count()) {
                let in_multi = draw.in_multi;
                let command = kind(&mut draw);
                if is_uneven(&program.version, &command, in_multi) {
                    continue;
                }
                let touches = (may_be_over(&command) && !in_multi).then(|| look_at(&command));
                let (mut ours, theirs) = (here.ask(&command), there.ask(&command, touches));
                // One event for what both commands store.
                if command[0].to_ascii_uppercase().starts_with(b"GEORADIUS") {
                    ours.iter_mut().for_each(rename_geo);
                }
                let line: Vec<_> = command
                    .iter()
                    .map(|word| word.escape_ascii().to_string())
                    .collect();
                let mut line = line.join(" ");
                line.truncate(200);
                history.push(line);
                if ours != theirs {
                    let from = history.len().saturating_sub(30);
                    panic!(
                        "{}, seed {seed}:\n  {}\nlarder: {ours:?}\nserver: {theirs:?}",
                        program.version,
                        history[from..].join("\n  ")
                    );
                }
                told += ours.len();
            }
            compared += history.len();
            seed += 1;
        }
        eprintln!("{}: {told} events of {compared} commands", program.version);
        Compared {
            kind: "keyspace events",
            server: &program.version,
            commands: compared,
            seeds: seed,
            differing: 0,
        }
        .tell();
    }
}
