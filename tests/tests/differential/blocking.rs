//! Several clients that wait for elements: who is served, with what, and in which order.
//!
//! After each command the replies of those who wait are collected, on the server behind two round trips of another
//! connection, here by polling each once. Nobody waits for a time: replies that come are those that a command caused.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use larder_redis::{AsyncConnection, Client, Databases};
use larder_tests::servers::{Program, Server, Shape, Wire};
use redis::aio::ConnectionLike;
use redis::{Cmd, RedisResult, Value};

use crate::draw::{Draw, Words};
use crate::record::Compared;
use crate::run::{count, first_seed};

/// Clients that act; of them so many may wait at once.
const CLIENTS: usize = 6;
const MOST_WAITING: usize = 4;
/// Commands of one seed.
const STREAM: usize = 500;

const WAITS: &[&str] = &[
    "BLPOP {q} {q} 0",
    "BLPOP {q} 0",
    "BRPOP {q} {q} 0",
    "BLMOVE {q} {q} LEFT RIGHT 0",
    "BLMOVE {q} {q} RIGHT LEFT 0",
    "BRPOPLPUSH {q} {q} 0",
    "BLMPOP 0 2 {q} {q} LEFT COUNT 2",
    "BZPOPMIN {z} {z} 0",
    "BZPOPMAX {z} 0",
    "BZMPOP 0 2 {z} {z} MIN COUNT 2",
];

const FEEDS: &[&str] = &[
    "RPUSH {q} {v}",
    "RPUSH {q} a b c d",
    "LPUSH {q} {e} {e}",
    "LPUSHX {q} {e}",
    "ZADD {z} 1 {e}",
    "ZADD {z} 3 x 2 y 1 z",
    "ZINCRBY {z} 2 {e}",
    "DEL {q}",
    "DEL {z} {q}",
    "RENAME {q} {q}",
    "RENAME {z} {z}",
    "LMOVE {q} {q} LEFT LEFT",
    "LPOP {q}",
    "LLEN {q}",
    "ZCARD {z}",
    "TYPE {q}",
];

/// Waits for one key: Redis 7.0 serves who waits for several in the order of what was written, newer servers in that
/// of the keys asked for.
const SINGLE_WAITS: &[&str] = &[
    "BLPOP {q} 0",
    "BRPOP {q} 0",
    "BLMOVE {q} {q} LEFT RIGHT 0",
    "BRPOPLPUSH {q} {q} 0",
    "BLMPOP 0 1 {q} LEFT COUNT 2",
    "BZPOPMIN {z} 0",
    "BZMPOP 0 1 {z} MAX COUNT 2",
];

/// What makes a key hold another type.
const CHANGES: &[&str] = &[
    "SET {q} {v}",
    "SADD {q} {e}",
    "ZADD {q} 1 {e}",
    "SET {z} {v}",
    "RPUSH {z} {e}",
    "HSET {z} {f} {v}",
];

/// Where one of these overwrites a value of another type, a server leaves out to wake who waits for the key; larder does not.
const OVERWRITES: [&[u8]; 3] = [b"SORT", b"ZUNIONSTORE", b"ZRANGESTORE"];

/// What wakes on newer servers only, where it overwrites.
const NEWER_FEEDS: &[&str] = &[
    "COPY {q} {q} REPLACE",
    "SORT {q} ALPHA STORE {q}",
    "SORT {z} ALPHA STORE {q}",
    "ZUNIONSTORE {z} 2 {z} {z}",
    "ZRANGESTORE {z} {z} 0 1",
];

type Pending = Pin<Box<dyn Future<Output = RedisResult<Value>>>>;

/// A client here and there.
struct Pair {
    here: AsyncConnection,
    there: Wire,
    id_here: Vec<u8>,
    id_there: Vec<u8>,
    /// The command that it waits with, and its future here.
    waits: Option<(Words, Pending)>,
    in_multi: bool,
}

/// Polls once.
fn poll(future: &mut Pending) -> Option<Value> {
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(reply) => Some(reply.unwrap_or_else(|error| panic!("a reply, not {error}"))),
        Poll::Pending => None,
    }
}

fn words(line: &str) -> Words {
    line.split(' ')
        .map(|word| word.as_bytes().to_vec())
        .collect()
}

/// A reply of a server as the redis crate reads it.
fn value(shape: &Shape) -> Value {
    match shape {
        Shape::Bulk(None) | Shape::Items(_, None) => Value::Nil,
        Shape::Bulk(Some(bytes)) => Value::BulkString(bytes.clone()),
        Shape::Items(_, Some(items)) => Value::Array(items.iter().map(value).collect()),
        Shape::Line(line) => {
            let line = [line, &b"\r\n"[..]].concat();
            redis::parse_redis_value(&line).expect("a line of a server")
        }
    }
}

impl Pair {
    fn new(client: &Client, server: &Server) -> Self {
        let mut connecting = Box::pin(client.get_async_connection());
        let Poll::Ready(Ok(here)) = connecting
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        else {
            panic!("a connection in this process is there at once");
        };
        let there = server.connect().expect("the server listens");
        let mut pair = Pair {
            here,
            there,
            id_here: Vec::new(),
            id_there: Vec::new(),
            waits: None,
            in_multi: false,
        };
        pair.send(&words("CLIENT ID"));
        let ours = pair.start(&words("CLIENT ID"));
        let theirs = pair.there.reply().expect("the server answers");
        let number = |value: &Value| match value {
            Value::Int(number) => number.to_string().into_bytes(),
            other => panic!("a number, not {other:?}"),
        };
        pair.id_here = number(&poll(&mut { ours }).expect("it does not wait"));
        pair.id_there = number(&value(&theirs));
        pair
    }

    fn send(&mut self, words: &Words) {
        self.there.send(words).expect("the server takes a command");
    }

    fn start(&self, words: &Words) -> Pending {
        let mut cmd = Cmd::new();
        for word in words {
            cmd.arg(word);
        }
        let mut here = self.here.clone();
        Box::pin(async move { here.req_packed_command(&cmd).await })
    }
}

/// Both sides, and what led here.
struct Scene<'s> {
    version: &'s str,
    seed: usize,
    client: Client,
    server: &'s Server,
    control: Wire,
    pairs: Vec<Pair>,
    history: Vec<String>,
    compared: usize,
    /// Whether the command that ran last is one of [`OVERWRITES`].
    overwrote: bool,
    /// A difference that is allowed left different values behind.
    apart: bool,
}

/// What a server of today answers a client whose first key came to hold another type meanwhile, when its second gets an
/// element: an error. Here it is served from the second.
fn is_wrong_type(theirs: &Value) -> bool {
    matches!(theirs, Value::ServerError(error) if error.code() == "WRONGTYPE")
}

impl<'s> Scene<'s> {
    fn new(version: &'s str, server: &'s Server, seed: usize) -> Self {
        let client = Client::from(Databases::default());
        let mut control = server.connect().expect("the server listens");
        control
            .ask(&[words("FLUSHALL")])
            .expect("the server answers");
        let pairs = (0..CLIENTS).map(|_| Pair::new(&client, server)).collect();
        Scene {
            version,
            seed,
            client,
            server,
            control,
            pairs,
            history: Vec::new(),
            compared: 0,
            overwrote: false,
            apart: false,
        }
    }

    fn note(&mut self, who: usize, words: &Words) {
        let line: Vec<_> = words
            .iter()
            .map(|word| word.escape_ascii().to_string())
            .collect();
        self.history.push(format!("{who}: {}", line.join(" ")));
    }

    fn compare(&mut self, who: usize, ours: Option<&Value>, theirs: Option<&Value>) {
        if self.apart {
            return;
        }
        self.compared += 1;
        let served_here_only = self.overwrote && theirs.is_none();
        if ours != theirs && (served_here_only || theirs.is_some_and(is_wrong_type)) {
            self.apart = true;
        } else if ours != theirs {
            let from = self.history.len().saturating_sub(60);
            panic!(
                "{}, seed {}:\n  {}\nclient {who}\nlarder: {ours:?}\nserver: {theirs:?}",
                self.version,
                self.seed,
                self.history[from..].join("\n  "),
            );
        }
    }

    /// Runs a command of a client.
    fn run(&mut self, who: usize, ours: &Words, theirs: &Words) {
        self.note(who, ours);
        self.overwrote = OVERWRITES.contains(&&ours[0][..]);
        let pair = &mut self.pairs[who];
        pair.send(theirs);
        let mut future = pair.start(ours);
        let reply = poll(&mut future);
        let answer = if reply.is_some() {
            Some(pair.there.reply().expect("the server answers"))
        } else {
            self.control
                .ask(&[words("PING")])
                .expect("the server answers");
            self.pairs[who].there.arrived().expect("the server listens")
        };
        let answer = answer.as_ref().map(value);
        self.compare(who, reply.as_ref(), answer.as_ref());
        if reply.is_none() {
            self.pairs[who].waits = Some((ours.clone(), future));
        }
        self.collect();
    }

    /// The replies of those who waited and do so no more.
    fn collect(&mut self) {
        for _ in 0..2 {
            self.control
                .ask(&[words("PING")])
                .expect("the server answers");
        }
        let mut arrived = Vec::new();
        for (who, pair) in self.pairs.iter_mut().enumerate() {
            let Some((_, future)) = &mut pair.waits else {
                continue;
            };
            let reply = poll(future);
            let answer = pair.there.arrived().expect("the server listens");
            if reply.is_some() {
                pair.waits = None;
            }
            if reply.is_some() || answer.is_some() {
                arrived.push((who, reply, answer.as_ref().map(value)));
            }
        }
        // What one client was refused, another got.
        self.apart |= arrived.iter().any(|(_, reply, answer)| {
            reply != answer && answer.as_ref().is_some_and(is_wrong_type)
        });
        for (who, reply, answer) in arrived {
            self.compare(who, reply.as_ref(), answer.as_ref());
        }
    }

    /// A client leaves, perhaps while it waits, and another comes in its place.
    fn replace(&mut self, who: usize) {
        self.history.push(format!("{who}: leaves"));
        self.pairs[who] = Pair::new(&self.client, self.server);
        self.collect();
    }

    fn step(&mut self, draw: &mut Draw) {
        let idle: Vec<usize> = (0..CLIENTS)
            .filter(|who| self.pairs[*who].waits.is_none())
            .collect();
        let waiting: Vec<usize> = (0..CLIENTS)
            .filter(|who| self.pairs[*who].waits.is_some())
            .collect();
        if draw.once_in(40) {
            return self.replace(draw.below(CLIENTS));
        }
        let who = idle[draw.below(idle.len())];
        if let (Some(other), true) = (waiting.first(), draw.once_in(25)) {
            let ending = draw.one(&["TIMEOUT", "ERROR", ""]);
            let unblock = |id: &[u8]| {
                let mut words = words("CLIENT UNBLOCK");
                words.push(id.to_vec());
                words.extend(
                    Some(ending)
                        .filter(|word| !word.is_empty())
                        .map(|word| word.into()),
                );
                words
            };
            let other = &self.pairs[*other];
            let (ours, theirs) = (unblock(&other.id_here), unblock(&other.id_there));
            if !self.pairs[who].in_multi {
                return self.run(who, &ours, &theirs);
            }
        }
        let pair = &mut self.pairs[who];
        let waits = if self.version.starts_with("Redis 7.0") {
            SINGLE_WAITS
        } else {
            WAITS
        };
        let may_multi = !self.version.starts_with("Redis 7.0");
        let line = match () {
            () if pair.in_multi && draw.once_in(4) => {
                pair.in_multi = false;
                "EXEC"
            }
            () if !pair.in_multi && may_multi && draw.once_in(15) => {
                pair.in_multi = true;
                "MULTI"
            }
            () if waiting.len() < MOST_WAITING && draw.once_in(2) => draw.one(waits),
            () if draw.once_in(12) => draw.one(CHANGES),
            // SORT parts a transaction in two here.
            () if may_multi && !pair.in_multi && draw.once_in(4) => draw.one(NEWER_FEEDS),
            () => draw.one(FEEDS),
        };
        let words = draw.fill(line);
        self.run(who, &words, &words);
    }
}

/// Compares what clients that wait are given with what every server gives.
pub(crate) fn compare() {
    let programs = Program::all();
    if programs.is_empty() {
        eprintln!("skipped: no redis-server or valkey-server to compare blocking with");
    }
    for program in programs {
        let server = program.start();
        let (mut compared, mut seed, mut apart) = (0, first_seed(), 0);
        while compared < count() {
            let mut scene = Scene::new(&program.version, &server, seed);
            let mut draw = Draw::new(seed as u64);
            for _ in 0..STREAM.min(count()) {
                if scene.apart {
                    break;
                }
                scene.step(&mut draw);
            }
            compared += scene.compared;
            apart += usize::from(scene.apart);
            seed += 1;
        }
        Compared {
            kind: "waiting clients",
            server: &program.version,
            commands: compared,
            seeds: seed,
            differing: apart,
        }
        .tell();
    }
}
