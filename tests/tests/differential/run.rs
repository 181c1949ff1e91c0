//! Runs a stream of commands on larder and on each server, and compares.

use std::env;

use larder_redis::{Databases, RespSession, Session};
use larder_tests::servers::{Program, Server, Shape, pack};

use crate::COMMANDS;
use crate::differences::{Outcome, allowed, is_unordered};
use crate::draw::{Draw, Words};
use crate::record::Compared;

/// Commands that are sent in one go.
const BATCH: usize = 200;
/// Commands of one seed; then everything begins anew.
const STREAM: usize = 2_000;

/// Commands per kind.
pub(crate) fn count() -> usize {
    let said = env::var("LARDER_DIFFERENTIAL").ok();
    said.map_or(COMMANDS, |said| {
        said.parse().expect("LARDER_DIFFERENTIAL is a number")
    })
}

/// larder behind the same bytes.
struct Local(RespSession);

impl Local {
    fn new() -> Self {
        Local(RespSession::new(Session::of(&Databases::default())))
    }

    fn ask(&mut self, words: &Words) -> Shape {
        let (mut bytes, mut out) = (Vec::new(), Vec::new());
        pack(words, &mut bytes);
        self.0.feed(&bytes, &mut out);
        let (shape, used) = Shape::read(&out).expect("a whole reply");
        assert_eq!(used, out.len(), "one reply to one command");
        shape
    }
}

/// Compares the replies to generated commands with those of every server that there is.
pub(crate) fn compare(kind: &str, command: fn(&mut Draw) -> Words) {
    compare_with(kind, command, |_| true);
}

/// [`compare`] with the servers that know the commands.
pub(crate) fn compare_with(
    kind: &str,
    command: fn(&mut Draw) -> Words,
    knows: fn(version: &str) -> bool,
) {
    let mut programs = Program::all();
    programs.retain(|program| knows(&program.version));
    if programs.is_empty() {
        eprintln!("skipped: no redis-server or valkey-server to compare {kind} with");
    }
    for program in programs {
        let server = program.start();
        let (mut compared, mut differing, mut seed) = (0, 0, 0);
        while compared < count() {
            let (same, other) = stream(&program.version, &server, command, seed);
            compared += same + other;
            differing += other;
            seed += 1;
        }
        Compared {
            kind,
            server: &program.version,
            commands: compared,
            seeds: seed,
            differing,
        }
        .tell();
    }
}

/// Compares one stream; says how many replies were the same, and how many differed as listed. It ends early where
/// a difference leaves different values behind.
fn stream(
    version: &str,
    server: &Server,
    command: fn(&mut Draw) -> Words,
    seed: usize,
) -> (usize, usize) {
    let mut wire = server.connect().expect("the server listens");
    let mut local = Local::new();
    let mut draw = Draw::new(seed as u64);
    let mut history: Vec<Words> = Vec::new();
    let mut differing = 0;
    let words = |line: &str| line.split(' ').map(|word| word.into()).collect();
    let begin = ["FLUSHALL", "CONFIG SET notify-keyspace-events "];
    wire.ask(&begin.map(words)).expect("the server answers");
    while history.len() < STREAM.min(count()) {
        let batch: Vec<Words> = (0..BATCH).map(|_| command(&mut draw)).collect();
        for words in &batch {
            wire.send(words).expect("the server takes a command");
        }
        for words in batch {
            let ours = local.ask(&words);
            let theirs = wire.reply();
            let theirs =
                theirs.unwrap_or_else(|error| panic!("{version}, seed {seed}: {words:?}: {error}"));
            history.push(words);
            let words = &history[history.len() - 1];
            let unordered = is_unordered(words);
            if ours == theirs || unordered && ours.clone().sorted() == theirs.clone().sorted() {
                continue;
            }
            differing += 1;
            match allowed(version, words, &ours, &theirs) {
                None => tell(version, seed, &history, &ours, &theirs),
                Some(Outcome::Alike) => {}
                Some(Outcome::Apart) => return (history.len() - differing, differing),
            }
        }
    }
    (history.len() - differing, differing)
}

/// Fails with the commands on the same keys that led here.
fn tell(version: &str, seed: usize, history: &[Words], ours: &Shape, theirs: &Shape) -> ! {
    let last = &history[history.len() - 1];
    let about = |words: &&Words| {
        words
            .iter()
            .skip(1)
            .any(|word| word.len() > 1 && last[1..].contains(word))
    };
    // What stands in a transaction is about no key of EXEC's own.
    let whole = last.len() == 1;
    let mut led: Vec<_> = history
        .iter()
        .rev()
        .filter(|words| whole || about(words))
        .take(40)
        .collect();
    led.reverse();
    let line = |words: &Words| {
        let words: Vec<_> = words
            .iter()
            .map(|word| word.escape_ascii().to_string())
            .collect();
        let mut line = words.join(" ");
        line.truncate(100);
        line
    };
    let led: Vec<_> = led.into_iter().map(line).collect();
    let shown = |shape: &Shape| {
        let mut text = format!("{shape:?}");
        text.truncate(600);
        text
    };
    panic!(
        "{version}, seed {seed}, command {}:\n  {}\nlarder: {}\nserver: {}",
        history.len(),
        led.join("\n  "),
        shown(ours),
        shown(theirs)
    );
}
