//! Between the `redis` crate's forms and ours: commands to words, replies to values.

use super::redis;
use super::redis::{Arg, Cmd, ErrorKind, PushKind, RedisError, RedisResult, Value, VerbatimFormat};
use larder::ToValue;

use crate::fault::Fault;
use crate::reply::Reply;
use crate::resp::{Decoder, Limits, Protocol};
use crate::session::{Session, Step};

/// Most words of a command that are collected without an allocation.
const FEW: usize = 16;

/// Executes a command; one that waits parks the thread.
pub(super) fn run(session: &mut Session, cmd: &Cmd) -> Value {
    let reply = match start(session, cmd) {
        Step::Done(reply) => reply,
        Step::Wait(wait) => wait.park().into(),
    };
    value(reply, session.protocol())
}

/// Executes a command, or says what it waits for.
pub(super) fn start(session: &mut Session, cmd: &Cmd) -> Step {
    let mut words = cmd.args_iter();
    let count = words.len();
    let step = if count <= FEW {
        let mut few = [&[][..]; FEW];
        let mut each = few.iter_mut().zip(words.by_ref());
        let plain = each.all(|(place, word)| place_word(place, word));
        plain.then(|| session.start(&few[..count]))
    } else {
        let mut many = vec![&[][..]; count];
        let mut each = many.iter_mut().zip(words);
        let plain = each.all(|(place, word)| place_word(place, word));
        plain.then(|| session.start(&many))
    };
    // The number of a cursor is written into the packed form only.
    step.unwrap_or_else(|| {
        Step::Done(match run_packed(session, &cmd.get_packed_command()) {
            Ok(mut replies) => replies.pop().unwrap_or(Reply::Null),
            Err(fault) => Reply::Error(fault),
        })
    })
}

/// Puts a word where it belongs; a cursor has none.
#[inline]
fn place_word<'w>(place: &mut &'w [u8], word: Arg<&'w [u8]>) -> bool {
    match word {
        Arg::Simple(bytes) => {
            *place = bytes;
            true
        }
        _ => false,
    }
}

/// Executes all commands of packed bytes.
pub(super) fn run_packed(session: &mut Session, bytes: &[u8]) -> Result<Vec<Reply>, Fault> {
    let mut decoder = Decoder::new(Limits::default());
    decoder.feed(bytes);
    let mut replies = Vec::new();
    while let Some(reply) = decoder.next(|words| session.execute(words))? {
        replies.push(reply);
    }
    Ok(replies)
}

/// The values of a pipeline whose first `offset` replies only say whether all were queued.
pub(super) fn pipelined(
    replies: Vec<Reply>,
    offset: usize,
    protocol: Protocol,
) -> RedisResult<Vec<Value>> {
    let refused = replies.iter().take(offset).any(Reply::is_error);
    let mut values = replies
        .into_iter()
        .skip(offset)
        .map(|reply| value(reply, protocol));
    if refused {
        // EXEC's own reply says that the transaction was discarded.
        let said = values.next().map(Value::extract_error);
        return Err(match said {
            Some(Err(error)) => error,
            _ => RedisError::from((ErrorKind::UnexpectedReturnType, "a command was not queued")),
        });
    }
    Ok(values.collect())
}

/// A reply in the shape that a connection of this version would see.
pub(super) fn value(reply: Reply, protocol: Protocol) -> Value {
    let resp3 = protocol == Protocol::Resp3;
    let each = |items: Vec<Reply>| items.into_iter().map(|item| value(item, protocol));
    let flat = |pairs: Vec<(Reply, Reply)>| {
        let items = pairs
            .into_iter()
            .flat_map(|(first, second)| [first, second]);
        Value::Array(items.map(|item| value(item, protocol)).collect())
    };
    let two = |(first, second)| (value(first, protocol), value(second, protocol));
    match reply {
        Reply::Ok => Value::Okay,
        Reply::Bulk(bytes) => Value::BulkString(bytes),
        Reply::Int(int) => Value::Int(int),
        Reply::Null | Reply::NullArray => Value::Nil,
        Reply::Status(text) => Value::SimpleString(text.into_owned()),
        Reply::Error(fault) => error(&fault),
        Reply::Double(number) if resp3 => Value::Double(number),
        Reply::Double(number) => Value::BulkString(number.to_value().into_vec()),
        Reply::Text(text) if resp3 => Value::VerbatimString {
            format: VerbatimFormat::Text,
            text,
        },
        Reply::Text(text) => Value::BulkString(text.into_bytes()),
        Reply::Array(items) => Value::Array(each(items).collect()),
        Reply::Set(items) if resp3 => Value::Set(each(items).collect()),
        Reply::Set(items) => Value::Array(each(items).collect()),
        Reply::Map(pairs) if resp3 => Value::Map(pairs.into_iter().map(two).collect()),
        Reply::Pairs(pairs) if resp3 => {
            let pair = |pair| <[Value; 2]>::from(two(pair)).into();
            Value::Array(pairs.into_iter().map(|it| Value::Array(pair(it))).collect())
        }
        Reply::Map(pairs) | Reply::Pairs(pairs) => flat(pairs),
        Reply::Push(items) if resp3 => push(items, protocol),
        Reply::Push(items) => Value::Array(each(items).collect()),
        Reply::Several(mut replies) => replies
            .pop()
            .map_or(Value::Nil, |last| value(last, protocol)),
    }
}

/// A server's error; only the crate's parser can make one.
#[cold]
fn error(fault: &Fault) -> Value {
    let line = format!("-{}\r\n", fault.text());
    redis::parse_redis_value(line.as_bytes()).unwrap_or_default()
}

fn push(items: Vec<Reply>, protocol: Protocol) -> Value {
    let mut items = items.into_iter().map(|item| value(item, protocol));
    let kind = match items.next() {
        Some(Value::BulkString(name)) => kind(&name),
        _ => PushKind::Other(String::new()),
    };
    Value::Push {
        kind,
        data: items.collect(),
    }
}

fn kind(name: &[u8]) -> PushKind {
    match name {
        b"message" => PushKind::Message,
        b"pmessage" => PushKind::PMessage,
        b"subscribe" => PushKind::Subscribe,
        b"unsubscribe" => PushKind::Unsubscribe,
        b"psubscribe" => PushKind::PSubscribe,
        b"punsubscribe" => PushKind::PUnsubscribe,
        other => PushKind::Other(String::from_utf8_lossy(other).into_owned()),
    }
}
