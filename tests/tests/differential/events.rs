//! Keyspace events: the same commands tell the same events in the same order.

use larder_redis::{Databases, RespSession, Session};
use larder_tests::servers::{Program, Server, Shape, Wire, pack};

use crate::draw::{Draw, Words};
use crate::record::Compared;
use crate::run::count;
use crate::{bitmaps, hyperloglogs, keys, strings};

/// Commands of one seed.
const STREAM: usize = 500;

/// Kinds whose events the core tells.
const KINDS: &[fn(&mut Draw) -> Words] = &[
    strings::command,
    keys::command,
    bitmaps::command,
    hyperloglogs::command,
];

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

/// A writer and a listener on a server.
struct There {
    writer: Wire,
    listener: Wire,
}

impl There {
    fn new(server: &Server) -> Self {
        let connect = || server.connect().expect("the server listens");
        let (mut writer, mut listener) = (connect(), connect());
        let begin = [
            words("FLUSHALL"),
            words("CONFIG SET notify-keyspace-events KEA"),
        ];
        writer.ask(&begin).expect("the server answers");
        for begin in ["PSUBSCRIBE __key*", "SUBSCRIBE end"] {
            listener.send(&words(begin)).expect("the server listens");
            listener.reply().expect("the server answers");
        }
        There { writer, listener }
    }

    fn ask(&mut self, words_of: &Words) -> Vec<Shape> {
        let both = [words_of.clone(), words("PUBLISH end .")];
        self.writer.ask(&both).expect("the server answers");
        let mut events = Vec::new();
        loop {
            match self.listener.reply().expect("the server answers") {
                Shape::Items(_, Some(items)) if items.len() == 3 => return events,
                event => events.push(event),
            }
        }
    }
}

/// Whether what is told of a command is another matter for each server, or a matter of chance or of the clock.
fn is_uneven(words: &Words) -> bool {
    let name = words[0].to_ascii_uppercase();
    let in_multi = [&b"MULTI"[..], b"EXEC", b"DISCARD"];
    let by_chance = [&b"SPOP"[..]];
    // Of a key that is set twice in one call, one event is told here.
    let set_twice = name.starts_with(b"MSET") && words.len() > 3 && words[1] == words[3];
    let mut past = words.iter().skip(2);
    // A moment that has passed is told as a removal or as an expiry.
    let may_be_over = name.windows(6).any(|part| part == b"EXPIRE")
        || [&b"GETEX"[..], b"SET"].contains(&&name[..])
            && past.any(|word| {
                word.eq_ignore_ascii_case(b"EXAT") || word.eq_ignore_ascii_case(b"PXAT")
            });
    in_multi.contains(&&name[..])
        || by_chance.contains(&&name[..])
        || may_be_over
        || set_twice
        // A server tells `setbit`, larder `set`: it is the string that is set.
        || name == b"BITFIELD"
        || name == b"FLUSHALL"
        || name == b"FLUSHDB"
        || name == b"SELECT"
}

/// Compares the events that generated commands cause with those of every server.
pub(crate) fn compare() {
    let programs = Program::all();
    if programs.is_empty() {
        eprintln!("skipped: no redis-server or valkey-server to compare events with");
    }
    for program in programs {
        let server = program.start();
        let (mut compared, mut told, mut seed) = (0, 0, 0);
        while compared < count() {
            let (mut here, mut there) = (Here::new(), There::new(&server));
            let mut draw = Draw::new(seed as u64);
            let kind = KINDS[seed % KINDS.len()];
            let mut history = Vec::new();
            while history.len() < STREAM.min(count()) {
                let command = kind(&mut draw);
                if is_uneven(&command) {
                    draw.in_multi = false;
                    continue;
                }
                let (ours, theirs) = (here.ask(&command), there.ask(&command));
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
