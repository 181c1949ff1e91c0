//! Keyspace events beside those of real servers: the same commands, the same events, in the same order.
//!
//! Both sides are asked under a server's own channels, with every class of events switched on that larder knows. A server
//! that does not know a command is not asked for it, and says so.

use std::sync::Arc;

use larder::{Event, EventKind, EventMask, KeyEvent, Message, Store, Subscription};
use larder_redis::{Databases, Session};
use larder_tests::servers::{Program, Server, Shape, Wire};

/// Everything but key misses: `A` for the classes, `n` for new keys.
const CLASSES: &str = "KEAn";
/// Parts the events of one command from the next one's.
const MARK: &str = "end of the command";

/// Where Valkey tells of `expired` or `hexpired`, Redis and larder of `del` or `hdel`.
const VALKEYS_OWN: &[&str] = &["EXPIRE n 0", "HEXPIRE h 0 FIELDS 1 e"];

/// Commands of every type. Each line stands alone but for the keys that lines before it made.
const LINES: &str = "
    SET s v | SET s v EX 100 | SET s v KEEPTTL | SET s v NX | SETNX t v | GETSET s w | GETDEL s | GETDEL s
    SETEX s 100 v | PSETEX s 100000 v | APPEND s x | APPEND fresh x | SETRANGE s 1 y | SETRANGE none 0 \"\" | MSET a 1 b 2
    MSETNX a 1 c 1 | MSETNX c 1 d 1 | SETBIT bits 7 1 | SETBIT bits 7 0 | BITOP OR bits2 bits s | BITOP OR bits2 none
    INCR n | INCRBY n 4 | DECR n | DECRBY n 2 | INCRBYFLOAT n 1.5 | INCR s | GETEX n EX 50 | GETEX n PERSIST | GETEX n
    EXPIRE n 100 | EXPIRE n 50 GT | PERSIST n | PERSIST n | EXPIRE n 0 | EXPIRE n 100 | DEL a none b | UNLINK c d
    SET r 1 | RENAME r q | SET r 2 | RENAME r q | RENAMENX q q2 | COPY q2 q3 | COPY q2 q3 | COPY q2 q3 REPLACE | TOUCH q2 | DEL q2 q3

    LPUSH l a b c | RPUSH l d e | LPUSHX l z | RPUSHX none z | LPOP l | RPOP l 2 | LPOP none | LSET l 0 x | LSET l 9 x
    LINSERT l BEFORE x y | LINSERT l AFTER nothing y | LREM l 1 y | LREM l 0 nothing | LTRIM l 0 -1 | LTRIM l 0 0 | LTRIM none 0 0
    RPUSH l b c | LMOVE l l LEFT RIGHT | RPOPLPUSH l l | LMOVE l m LEFT LEFT | LMOVE l m RIGHT RIGHT | LMOVE l m LEFT RIGHT | LMOVE l m LEFT LEFT
    LMPOP 2 none m LEFT | LMPOP 1 m RIGHT COUNT 9 | RPUSH l a | LREM l 0 a | RPUSH l a | LTRIM l 5 6 | RPUSH l a b | BLPOP none l 1 | BRPOP l 1
    RPUSH l a b | BLMPOP 1 1 l LEFT COUNT 5 | RPUSH l a | BLMOVE l m LEFT RIGHT 1 | BRPOPLPUSH m m 1 | LPOP m 5

    HSET h f v g w | HSET h f v | HSETNX h f x | HSETNX h new x | HMSET h f 1 | HINCRBY h f 5 | HINCRBYFLOAT h f 0.5 | HINCRBY h2 f 1
    HDEL h g none | HDEL h none | HDEL h2 f | HEXPIRE h 100 FIELDS 1 f | HPERSIST h FIELDS 1 f | HPERSIST h FIELDS 1 f
    HGETEX h EX 100 FIELDS 1 f | HGETEX h PERSIST FIELDS 1 f | HGETDEL h FIELDS 1 new | HSETEX h EX 100 FIELDS 1 e v
    HEXPIRE h 0 FIELDS 1 e | HDEL h f e

    SADD x a b c | SADD x a | SREM x a none | SREM x none | SPOP x | SPOP none | SPOP x 9 | SADD x a b | SMOVE x y a | SADD x a | SMOVE x y a
    SMOVE x y none | SMOVE x x b | SMOVE x y b | SADD x a q | SUNIONSTORE u x y | SINTERSTORE u x y | SDIFFSTORE u x y | SINTERSTORE u x none
    SINTERSTORE u x none | SREM x a q | SREM y a b

    ZADD z 1 a 2 b 3 c | ZADD z 1 a | ZADD z 5 a | ZADD z NX 9 a | ZADD z XX 9 none | ZADD z INCR 2 a | ZINCRBY z 1 a | ZINCRBY z 0 a | ZINCRBY z 0 fresh
    ZREM z fresh none | ZREM z none | ZPOPMIN z | ZPOPMAX z | ZPOPMIN none | ZPOPMIN z 9 | ZADD z 1 a 2 b 3 c 4 d 5 e 6 f
    ZREMRANGEBYRANK z 0 0 | ZREMRANGEBYSCORE z 2 2 | ZREMRANGEBYLEX z [c [c | ZREMRANGEBYRANK z 50 60 | ZREMRANGEBYSCORE z -inf +inf
    ZADD z 1 a 2 b | ZADD z2 1 b 2 c | ZUNIONSTORE zu 2 z z2 | ZINTERSTORE zu 2 z z2 | ZDIFFSTORE zu 2 z z2 | ZINTERSTORE zu 2 z none | ZINTERSTORE zu 2 z none
    ZRANGESTORE zu z 0 -1 | ZRANGESTORE zu z 9 9 | ZMPOP 2 none z MIN | ZMPOP 1 z MAX COUNT 9 | BZPOPMIN z2 1 | BZPOPMAX z2 1
    ZADD z2 1 a | BZMPOP 1 1 z2 MIN

    RPUSH numbers 3 1 2 | SORT numbers STORE sorted | SORT numbers LIMIT 0 0 STORE sorted | SORT none STORE sorted | DEL numbers
    SET l v | SADD l x | SUNIONSTORE l numbers l2 | SET s v | RPUSH s x | SADD a x | RENAME a s | FLUSHALL
    MULTI | SET s v | RPUSH l a | LPOP l | SADD x a | INCR s | EXEC | MULTI | SET s v | DISCARD
";

/// The words of a line; two quotes stand for an empty one.
fn words(line: &str) -> Vec<Vec<u8>> {
    let word = |word: &str| word.replace('"', "").into_bytes();
    line.split_whitespace().map(word).collect()
}

fn lines() -> impl Iterator<Item = &'static str> {
    LINES
        .split(['|', '\n'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Channel and payload of a message that a pattern brought.
fn told(shape: Shape) -> (String, String) {
    let Shape::Items(_, Some(items)) = shape else {
        panic!("a message");
    };
    let mut last = items.into_iter().rev().map(|item| match item {
        Shape::Bulk(Some(bytes)) => text(&bytes),
        other => panic!("a text, not {other:?}"),
    });
    let payload = last.next().expect("a payload");
    (last.next().expect("a channel"), payload)
}

/// A server, asked and heard.
struct Remote {
    asking: Wire,
    /// It says where the events of a command end; `asking` may be in a transaction.
    marking: Wire,
    hearing: Wire,
}

impl Remote {
    fn of(server: &Server) -> Self {
        let connect = || server.connect().expect("it listens");
        let mut remote = Remote {
            asking: connect(),
            marking: connect(),
            hearing: connect(),
        };
        let switch = format!("CONFIG SET notify-keyspace-events {CLASSES}");
        let switched = remote.asking.ask(&[words(&switch)]);
        switched.expect("the server answers");
        let subscribe = [b"PSUBSCRIBE".to_vec(), b"__key*__:*".to_vec(), MARK.into()];
        let subscribed = remote.hearing.ask(&[subscribe.to_vec()]);
        subscribed.expect("the server answers");
        let second = remote.hearing.reply();
        second.expect("the second pattern is confirmed");
        remote
    }

    /// What is told of a command, by its channels; `None` if the server does not know the command.
    fn tell(&mut self, line: &str) -> Option<Vec<(String, String)>> {
        let reply = self.asking.ask(&[words(line)]).expect("the server answers");
        let mark = vec![b"PUBLISH".to_vec(), MARK.into(), Vec::new()];
        self.marking.ask(&[mark]).expect("the server answers");
        let mut all = Vec::new();
        loop {
            let (channel, payload) = told(self.hearing.reply().expect("the mark comes"));
            if channel == MARK {
                break;
            }
            all.push((channel, payload));
        }
        let unknown = |text: &[u8]| text.starts_with(b"-ERR unknown command");
        let unknown = matches!(&reply[0], Shape::Line(text) if unknown(text));
        (!unknown).then_some(all)
    }
}

/// larder behind the same commands, and who listens to it: under a server's channels, and typed.
struct Local {
    session: Session,
    heard: Subscription<Message>,
    typed: Subscription<Arc<KeyEvent>>,
    differences: Vec<String>,
}

impl Local {
    fn new() -> Self {
        let databases = Databases::from(Store::new());
        let store = databases.get(0).expect("there is one");
        Local {
            session: Session::of(&databases),
            heard: store.psubscribe(["__key*__:*"]),
            typed: store.events(EventMask::ALL | EventKind::New, "*"),
            differences: Vec::new(),
        }
    }

    /// Compares what is told of a command.
    fn compare(&mut self, version: &str, line: &str, theirs: Option<Vec<(String, String)>>) {
        let words = words(line);
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        self.session.execute(&words);
        let (mut heard, mut typed) = (Vec::new(), Vec::new());
        while let Ok(Event::Message(message)) = self.heard.try_recv() {
            heard.push((text(message.channel()), text(message.payload())));
        }
        while let Ok(Event::Message(event)) = self.typed.try_recv() {
            let channel = format!("__keyevent@{}__:{}", event.database(), event.kind());
            typed.push((channel, text(event.key())));
        }
        let Some(mut theirs) = theirs else { return };
        let by_event = |(channel, _): &&(String, String)| channel.starts_with("__keyevent");
        let events: Vec<_> = theirs.iter().filter(by_event).cloned().collect();
        if typed != events {
            let difference = format!("{version}, typed: {line}: {typed:?}, not {events:?}");
            self.differences.push(difference);
        }
        // New keys are told under their channel to those who ask for it by name.
        theirs.retain(|(channel, payload)| channel != "__keyevent@0__:new" && payload != "new");
        if heard != theirs {
            let difference = format!("{version}: {line}: {heard:?}, not {theirs:?}");
            self.differences.push(difference);
        }
    }
}

#[test]
fn commands_of_every_type_tell_what_a_server_tells_in_its_order() {
    let programs = Program::all();
    if programs.is_empty() {
        eprintln!("skipped: no redis-server or valkey-server to compare keyspace events with");
    }
    for program in programs {
        let version = &program.version;
        let server = program.start();
        let mut remote = Remote::of(&server);
        let mut local = Local::new();
        let (mut compared, mut unknown) = (0, 0);
        for line in lines() {
            let Some(theirs) = remote.tell(line) else {
                unknown += 1;
                continue;
            };
            let is_own = version.starts_with("Valkey") && VALKEYS_OWN.contains(&line);
            local.compare(version, line, (!is_own).then_some(theirs));
            compared += 1;
        }
        assert!(
            local.differences.is_empty(),
            "{}",
            local.differences.join("\n")
        );
        eprintln!("{version}: events of {compared} commands compared, {unknown} unknown to it");
    }
}
