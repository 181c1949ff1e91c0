//! Runs a stream of commands on larder and on each server, and compares.

use std::env;
use std::time::{Duration, Instant};

use larder_redis::{Databases, RespSession, Session};
use larder_tests::servers::{Program, Server, Shape, pack};

use crate::COMMANDS;
use crate::differences::{Outcome, allowed, is_unordered, leveled};
use crate::draw::{Draw, Words};
use crate::record::Compared;

/// Commands that are sent in one go.
const BATCH: usize = 200;
/// Commands of one seed; then everything begins anew.
const STREAM: usize = 2_000;
/// Where a batch took longer than this, on a busy machine or for a costly command, both sides set deadlines at moments too far
/// apart to compare what is told of them.
const STALL: Duration = Duration::from_millis(1_500);

/// How long a stream may take: keys that are given the shortest deadline, 100 s, are not to expire in it, as they would on
/// either side at another command.
const LONGEST: Duration = Duration::from_secs(50);

/// Commands per kind.
pub(crate) fn count() -> usize {
    let said = env::var("LARDER_DIFFERENTIAL").ok();
    said.map_or(COMMANDS, |said| {
        said.parse().expect("LARDER_DIFFERENTIAL is a number")
    })
}

/// The first seed; a run that failed at one is repeated from there.
pub(crate) fn first_seed() -> usize {
    let said = env::var("LARDER_DIFFERENTIAL_SEED").ok();
    said.map_or(0, |said| {
        said.parse().expect("LARDER_DIFFERENTIAL_SEED is a number")
    })
}

/// larder behind the same bytes.
pub(crate) struct Local(RespSession);

impl Local {
    pub(crate) fn new() -> Self {
        Local(RespSession::new(Session::of(&Databases::default())))
    }

    pub(crate) fn ask(&mut self, words: &Words) -> Shape {
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
        let (mut compared, mut differing, mut seed) = (0, 0, first_seed());
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

/// Every second stream is in RESP3.
fn speaks_resp3(seed: usize) -> bool {
    seed % 2 == 1
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
    let stream_began = Instant::now();
    let mut local = Local::new();
    let mut draw = Draw::new(seed as u64);
    let mut history: Vec<Words> = Vec::new();
    let (mut queue, mut differing, mut slowest) = (Vec::new(), 0, Duration::ZERO);
    let words = |line: &str| -> Words { line.split(' ').map(|word| word.into()).collect() };
    let begin = ["FLUSHALL", "CONFIG SET notify-keyspace-events "];
    wire.ask(&begin.map(words)).expect("the server answers");
    if speaks_resp3(seed) {
        local.ask(&words("HELLO 3"));
        wire.ask(&[words("HELLO 3")]).expect("the server answers");
    }
    while history.len() < STREAM.min(count()) {
        if stream_began.elapsed() > LONGEST {
            break;
        }
        let batch: Vec<Words> = (0..BATCH).map(|_| command(&mut draw)).collect();
        let began = Instant::now();
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
            let verdict = judge(version, words, &queue, &ours, &theirs);
            note(&mut queue, words, &theirs);
            slowest = slowest.max(began.elapsed());
            if verdict == Verdict::Wrong && tells_time(words) && slowest > STALL {
                return (history.len() - 1 - differing, differing);
            }
            differing += usize::from(verdict != Verdict::Same);
            match verdict {
                Verdict::Same | Verdict::Listed(Outcome::Alike) => {}
                Verdict::Listed(Outcome::Apart) => return (history.len() - differing, differing),
                Verdict::Wrong => tell(version, seed, &history, &ours, &theirs),
            }
        }
    }
    (history.len() - differing, differing)
}

/// What two replies to one command come to.
#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Same,
    /// They differ as the table of differences says.
    Listed(Outcome),
    Wrong,
}

impl Verdict {
    /// What both come to together.
    fn and(self, other: Verdict) -> Verdict {
        let worst = [Verdict::Wrong, Verdict::Listed(Outcome::Apart), other, self];
        let both = [self, other];
        let found = worst
            .into_iter()
            .find(|worst| both.contains(worst) && *worst != Verdict::Same);
        found.unwrap_or(Verdict::Same)
    }
}

/// Judges two replies; those of EXEC one by one, each as of the command that it is of.
fn judge(version: &str, words: &Words, queue: &[Words], ours: &Shape, theirs: &Shape) -> Verdict {
    if ours == theirs || is_unordered(words) && ours.clone().sorted() == theirs.clone().sorted() {
        return Verdict::Same;
    }
    if words[0].eq_ignore_ascii_case(b"EXEC")
        && let (Shape::Items(_, Some(our)), Shape::Items(_, Some(their))) = (ours, theirs)
        && (our.len(), their.len()) == (queue.len(), queue.len())
    {
        let each = queue.iter().zip(our.iter().zip(their));
        return each.fold(Verdict::Same, |all, (words, (ours, theirs))| {
            all.and(judge(version, words, &[], ours, theirs))
        });
    }
    let listed = if is_unordered(words) {
        let (ours, theirs) = (leveled(ours).sorted(), leveled(theirs).sorted());
        allowed(version, words, &ours, &theirs)
    } else {
        allowed(version, words, ours, theirs)
    };
    listed.map_or(Verdict::Wrong, Verdict::Listed)
}

/// Keeps the commands of a transaction until it ends.
fn note(queue: &mut Vec<Words>, words: &Words, theirs: &Shape) {
    match theirs {
        Shape::Line(line) if line == b"+QUEUED" => queue.push(words.clone()),
        Shape::Line(line) if line.starts_with(b"-") => {}
        _ => queue.clear(),
    }
}

/// Whether the reply says how long a key is to live, or has been idle.
fn tells_time(words: &Words) -> bool {
    let name = words[0].to_ascii_uppercase();
    name.ends_with(b"TTL") || name.ends_with(b"EXPIRETIME") || name == b"OBJECT"
}

/// Where two replies first differ: the places of the items that lead there, and both sides.
pub(crate) fn first_apart(ours: &Shape, theirs: &Shape) -> String {
    if let (Shape::Items(_, Some(our)), Shape::Items(_, Some(their))) = (ours, theirs)
        && our.len() == their.len()
        && let Some(at) = our.iter().zip(their).position(|(our, their)| our != their)
    {
        return format!("[{at}]{}", first_apart(&our[at], &their[at]));
    }
    let shown = |shape: &Shape| {
        let mut text = format!("{shape:?}");
        text.truncate(600);
        text
    };
    format!("\nlarder: {}\nserver: {}", shown(ours), shown(theirs))
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
    panic!(
        "{version}, seed {seed}, command {}:\n  {}\nfirst apart: {}",
        history.len(),
        led.join("\n  "),
        first_apart(ours, theirs)
    );
}
