//! The connection itself: PING, HELLO, SELECT and what is like them.

use crate::args::{Args, Outcome, int};
use crate::fault::Fault;
use crate::reply::Reply;
use crate::resp::Protocol;
use crate::session::{Session, Wanted};

pub(crate) fn ping(session: &mut Session, mut args: Args<'_>) -> Outcome {
    let listens = session.protocol == Protocol::Resp2 && session.listens_to() > 0;
    if listens && args.left() <= 1 {
        let text = args.peek().unwrap_or_default();
        return Ok(Reply::bulks([b"pong", text]));
    }
    match args.take() {
        Err(_) => Ok(Reply::Status("PONG".into())),
        Ok(text) if args.is_empty() => Ok(Reply::bulk(text)),
        Ok(_) => Err(Fault::arity("ping")),
    }
}

pub(crate) fn echo(_: &mut Session, mut args: Args<'_>) -> Outcome {
    Ok(Reply::bulk(args.take()?))
}

pub(crate) fn select(session: &mut Session, mut args: Args<'_>) -> Outcome {
    let number = args.int()?;
    if i32::try_from(number).is_err() {
        return Err(Fault::fixed(
            "ERR value is out of range, value must between -2147483648 and 2147483647",
        ));
    }
    session.select(number)?;
    Ok(Reply::Ok)
}

pub(crate) fn quit(session: &mut Session, _: Args<'_>) -> Outcome {
    session.closed = true;
    Ok(Reply::Ok)
}

/// Any password will do: there is none.
pub(crate) fn auth(_: &mut Session, args: Args<'_>) -> Outcome {
    match args.left() {
        1 => Err(Fault::fixed(
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
             configuration is correct?",
        )),
        2 => authenticate(args.rest()[0]),
        _ => Err(Fault::SYNTAX),
    }
}

/// There is one user, who needs no password.
fn authenticate(user: &[u8]) -> Outcome {
    if user == b"default" {
        return Ok(Reply::Ok);
    }
    Err(Fault::fixed(
        "WRONGPASS invalid username-password pair or user is disabled.",
    ))
}

pub(crate) fn reset(session: &mut Session, _: Args<'_>) -> Outcome {
    session.queue = None;
    session.forget_watched();
    session.listener = None;
    session.client.change(|facts| facts.name.clear());
    session.speak(Protocol::Resp2);
    session.wanted = Wanted::All;
    session.select(0)?;
    Ok(Reply::Status("RESET".into()))
}

/// Whether a name has only printable characters and no blank.
pub(crate) fn is_printable(name: &[u8]) -> bool {
    name.iter().all(|byte| (b'!'..=b'~').contains(byte))
}

pub(crate) fn hello(session: &mut Session, mut args: Args<'_>) -> Outcome {
    let mut protocol = session.protocol;
    if let Ok(word) = args.take() {
        protocol = match int(word) {
            Ok(2) => Protocol::Resp2,
            Ok(3) => Protocol::Resp3,
            Ok(_) => return Err(Fault::fixed("NOPROTO unsupported protocol version")),
            Err(_) => {
                return Err(Fault::fixed(
                    "ERR Protocol version is not an integer or out of range",
                ));
            }
        };
    }
    let (mut name, mut user) = (None, None);
    while let Some(word) = args.peek() {
        if args.accept("AUTH") && args.left() >= 2 {
            user = Some(args.take_many(2)?[0]);
        } else if args.accept("SETNAME") && args.left() >= 1 {
            let word = args.take()?;
            super::client::check_name(word)?;
            name = Some(word);
        } else {
            let word = String::from_utf8_lossy(word);
            return Err(Fault::new(format!(
                "ERR Syntax error in HELLO option '{word}'"
            )));
        }
    }
    // All options are read before the password is looked at.
    if let Some(user) = user {
        authenticate(user)?;
    }
    if let Some(name) = name {
        super::client::set_name(session, name)?;
    }
    session.speak(protocol);
    Ok(greeting(session))
}

fn greeting(session: &Session) -> Reply {
    let version = match session.protocol {
        Protocol::Resp2 => 2,
        Protocol::Resp3 => 3,
    };
    let id = i64::try_from(session.id).unwrap_or(i64::MAX);
    let field = |name: &str, value| (Reply::bulk(name), value);
    Reply::Map(vec![
        field("server", Reply::bulk("larder")),
        field("version", Reply::bulk(env!("CARGO_PKG_VERSION"))),
        field("proto", Reply::Int(version)),
        field("id", Reply::Int(id)),
        field("mode", Reply::bulk("standalone")),
        field("role", Reply::bulk("master")),
        field("modules", Reply::Array(Vec::new())),
    ])
}
