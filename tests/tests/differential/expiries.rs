//! Keys and fields that end: both sides are given the same moments, on the one clock of the machine.
//!
//! ```text
//! now ── commands that set deadlines at `now + SOON`, and others ── until behind it ── what is there still
//! ```
//!
//! A round whose commands were not all answered before the moment is not counted, and everything begins anew.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use larder_tests::servers::{Program, Server, Shape, Wire};

use crate::differences::{Outcome, allowed, is_unordered};
use crate::draw::{Draw, Words};
use crate::record::Compared;
use crate::run::{Local, count, first_apart, first_seed};

/// How long a round's keys live, in milliseconds: time for its commands on a busy machine.
const SOON: u64 = 150;
/// How far behind the moment both sides are asked, in milliseconds.
const BEHIND: u64 = 3;
/// Commands of a round before the moment, and behind it.
const WRITES: usize = 300;
const READS: usize = 150;
/// Rounds of one seed; then everything begins anew.
const ROUNDS: usize = 10;
/// Rounds that may be too late before one was not.
const MOST_LATE: usize = 1_000;

/// `{d}` is the moment in milliseconds.
const WRITE_LINES: &[&str] = &[
    "SET {k} {v} PXAT {d}",
    "SET {k} {e} PXAT {d} NX",
    "SET {k} {e} PXAT {d} XX GET",
    "SET {k} {i}",
    "SET {k} {v} KEEPTTL",
    "GETEX {k} PXAT {d}",
    "GETEX {k} PERSIST",
    "GETSET {k} {v}",
    "INCR {k}",
    "APPEND {k} {e}",
    "SETRANGE {k} 3 {e}",
    "SETBIT {k} 7 1",
    "MSET {k} {v} {k} {v}",
    "RPUSH {k} {e} {e}",
    "LPOP {k}",
    "SADD {k} {e} {e}",
    "HSET {k} {f} {v}",
    "ZADD {k} {s} {e}",
    "PFADD {k} {e}",
    "PEXPIREAT {k} {d}",
    "PEXPIREAT {k} {d}",
    "PEXPIREAT {k} {d} NX",
    "PEXPIREAT {k} {d} XX",
    "PEXPIREAT {k} {d} GT",
    "PEXPIREAT {k} {d} LT",
    "PEXPIREAT {k} 33177117420123 XX",
    "PERSIST {k}",
    "PEXPIRETIME {k}",
    "RENAME {k} {k}",
    "RENAMENX {k} {k}",
    "COPY {k} {k}",
    "COPY {k} {k} REPLACE",
    "SUNIONSTORE {k} {k} {k}",
    "ZUNIONSTORE {k} 1 {k}",
    "LMOVE {k} {k} LEFT RIGHT",
    "BITOP OR {k} {k} {k}",
    "GETDEL {k}",
    "DEL {k}",
    "TYPE {k}",
];

/// Of fields, for servers that know their deadlines: on hashes of their own, `{h}`, since to a server a hash is there until it
/// has come upon its last field.
const FIELD_LINES: &[&str] = &[
    "HSET {h} {f} {v} {f} {v}",
    "HPEXPIREAT {h} {d} FIELDS 1 {f}",
    "HPEXPIREAT {h} {d} FIELDS 2 {f} {f}",
    "HPEXPIREAT {h} {d} LT FIELDS 1 {f}",
    "HPERSIST {h} FIELDS 1 {f}",
    "HSETEX {h} PXAT {d} FIELDS 1 {f} {v}",
    "HGETEX {h} PXAT {d} FIELDS 1 {f}",
    "HINCRBY {h} {f} 1",
    "HDEL {h} {f}",
];

/// What keys and fields are asked, once the moment is behind them. DBSIZE and HLEN of a server count what it has not come
/// upon yet.
const READ_LINES: &[&str] = &[
    "GET {k}",
    "STRLEN {k}",
    "EXISTS {k} {k}",
    "TYPE {k}",
    "PTTL {k}",
    "PEXPIRETIME {k}",
    "MGET {k} {k} {k}",
    "LRANGE {k} 0 -1",
    "LLEN {k}",
    "SMEMBERS {k}",
    "SCARD {k}",
    "ZRANGE {k} 0 -1 WITHSCORES",
    "HGETALL {k}",
    "HGETALL {h}",
    "HGET {h} {f}",
    "HEXISTS {h} {f}",
    "HMGET {h} {f} {f}",
    "HSETNX {h} {f} {e}",
    "PFCOUNT {k}",
    "GETBIT {k} 7",
    "KEYS k*",
    "SET {k} {e} NX",
    "SET {k} {e} XX",
    "INCR {k}",
    "LPUSHX {k} {e}",
    "HSETNX {k} {f} {e}",
    "PERSIST {k}",
    "RENAMENX {k} {k}",
    "COPY {k} {k}",
    "TOUCH {k} {k}",
    "DEL {k}",
];

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("the machine's clock is past 1970").as_millis() as u64
}

/// Waits until the machine's clock shows this.
fn wait_until(moment: u64) {
    while let Some(left) = moment.checked_sub(now()).filter(|left| *left > 0) {
        // The server is another process, with no clock that could be moved: time has to pass.
        thread::sleep(Duration::from_millis(left));
    }
}

/// Both sides, and what led here.
struct Scene<'s> {
    version: &'s str,
    seed: usize,
    here: Local,
    there: Wire,
    history: Vec<String>,
    compared: usize,
    differing: usize,
    /// A difference that is allowed left different values behind.
    apart: bool,
}

impl<'s> Scene<'s> {
    fn new(version: &'s str, server: &Server, seed: usize) -> Self {
        let mut there = server.connect().expect("the server listens");
        let begin = ["FLUSHALL", "CONFIG SET notify-keyspace-events "];
        let words = |line: &str| line.split(' ').map(|word| word.into()).collect();
        there.ask(&begin.map(words)).expect("the server answers");
        Scene {
            version,
            seed,
            here: Local::new(),
            there,
            history: Vec::new(),
            compared: 0,
            differing: 0,
            apart: false,
        }
    }

    fn draw(&self, draw: &mut Draw, lines: &[&str], moment: u64) -> Words {
        let line = draw.one(lines);
        let mut words = draw.fill(line);
        for word in &mut words {
            match &word[..] {
                b"{d}" => *word = moment.to_string().into_bytes(),
                b"{h}" => *word = format!("h{}", draw.below(3)).into_bytes(),
                _ => {}
            }
        }
        words
    }

    /// The commands with both sides' replies.
    fn replies(&mut self, commands: Vec<Words>) -> Vec<(Words, Shape, Shape)> {
        let theirs = self.there.ask(&commands).expect("the server answers");
        let both = commands.into_iter().zip(theirs);
        both.map(|(words, theirs)| {
            let ours = self.here.ask(&words);
            (words, ours, theirs)
        })
        .collect()
    }

    fn compare(&mut self, replies: Vec<(Words, Shape, Shape)>) {
        for (words, ours, theirs) in replies {
            let line: Vec<_> = words
                .iter()
                .map(|word| word.escape_ascii().to_string())
                .collect();
            let mut line = line.join(" ");
            line.truncate(100);
            self.history.push(line);
            if self.apart {
                return;
            }
            self.compared += 1;
            let unordered =
                is_unordered(&words) && ours.clone().sorted() == theirs.clone().sorted();
            if ours == theirs || unordered {
                continue;
            }
            self.differing += 1;
            match allowed(self.version, &words, &ours, &theirs) {
                Some(outcome) => self.apart = outcome == Outcome::Apart,
                None => panic!(
                    "{}, seed {}:\n  {}\nfirst apart: {}",
                    self.version,
                    self.seed,
                    self.history[self.history.len().saturating_sub(WRITES + READS)..].join("\n  "),
                    first_apart(&ours, &theirs)
                ),
            }
        }
    }

    /// Runs a round; `false`, and nothing compared, if the machine was too slow for the moment.
    fn round(&mut self, draw: &mut Draw) -> bool {
        let knows_fields = !self.version.starts_with("Redis 7");
        let moment = now() + SOON;
        let commands = (0..WRITES).map(|_| match draw.once_in(4) {
            true if knows_fields => self.draw(draw, FIELD_LINES, moment),
            _ => self.draw(draw, WRITE_LINES, moment),
        });
        let commands = commands.collect();
        let writes = self.replies(commands);
        if now() >= moment {
            return false;
        }
        self.compare(writes);
        wait_until(moment + BEHIND);
        let commands = (1..READS).map(|_| self.draw(draw, READ_LINES, moment));
        // Redis gives a field that has expired, and that it has not come upon, a new deadline where it is asked to.
        let end = ["DEL", "h0", "h1", "h2"].map(|word| word.into());
        let commands = commands.chain([end.into()]).collect();
        let reads = self.replies(commands);
        self.compare(reads);
        true
    }
}

/// Compares what is left behind deadlines with what is left on every server.
pub(crate) fn compare() {
    let programs = Program::all();
    if programs.is_empty() {
        eprintln!("skipped: no redis-server or valkey-server to compare expiries with");
    }
    for program in programs {
        let server = program.start();
        let (mut compared, mut differing, mut seed, mut late) = (0, 0, first_seed(), 0);
        while compared < count() {
            let mut scene = Scene::new(&program.version, &server, seed);
            let mut draw = Draw::new(seed as u64);
            for _ in 0..ROUNDS {
                let in_time = scene.round(&mut draw);
                late += usize::from(!in_time);
                if !in_time || scene.apart {
                    break;
                }
            }
            compared += scene.compared;
            assert!(
                late <= MOST_LATE + compared,
                "the machine is too slow for deadlines of {SOON} ms"
            );
            differing += scene.differing;
            seed += 1;
        }
        Compared {
            kind: "expiries",
            server: &program.version,
            commands: compared,
            seeds: seed,
            differing,
        }
        .tell();
    }
}
