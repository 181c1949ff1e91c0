//! Replies into bytes, in RESP2 or RESP3.

use larder::ToValue;

use crate::reply::Reply;

/// The version of RESP that a client has asked for.
///
/// ```
/// use larder_redis::{Protocol, Session};
///
/// let mut session = Session::new(larder::Store::new());
/// assert_eq!(session.protocol(), Protocol::Resp2);
/// session.execute(&[b"HELLO", b"3"]);
/// assert_eq!(session.protocol(), Protocol::Resp3);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Strings, integers, errors and arrays.
    #[default]
    Resp2,
    /// Also maps, sets, doubles and pushes.
    Resp3,
}

/// Appends a reply.
pub(crate) fn encode(reply: &Reply, protocol: Protocol, out: &mut Vec<u8>) {
    let resp3 = protocol == Protocol::Resp3;
    match reply {
        Reply::Ok => out.extend_from_slice(b"+OK\r\n"),
        Reply::Status(text) => line(b'+', text.as_bytes(), out),
        Reply::Error(fault) => line(b'-', fault.text().as_bytes(), out),
        Reply::Int(int) => header(b':', *int, out),
        Reply::Double(number) if resp3 => line(b',', &number.to_value().into_vec(), out),
        Reply::Double(number) => bulk(b'$', &number.to_value().into_vec(), out),
        Reply::Bulk(bytes) => bulk(b'$', bytes, out),
        Reply::Text(text) if resp3 => bulk(b'=', format!("txt:{text}").as_bytes(), out),
        Reply::Text(text) => bulk(b'$', text.as_bytes(), out),
        Reply::Null | Reply::NullArray if resp3 => out.extend_from_slice(b"_\r\n"),
        Reply::Null => out.extend_from_slice(b"$-1\r\n"),
        Reply::NullArray => out.extend_from_slice(b"*-1\r\n"),
        Reply::Array(items) => list(b'*', items, protocol, out),
        Reply::Set(items) => list(if resp3 { b'~' } else { b'*' }, items, protocol, out),
        Reply::Push(items) => list(if resp3 { b'>' } else { b'*' }, items, protocol, out),
        Reply::Map(pairs) if resp3 => {
            header(b'%', pairs.len() as i64, out);
            flat(pairs, protocol, out);
        }
        Reply::Pairs(pairs) if resp3 => {
            header(b'*', pairs.len() as i64, out);
            for pair in pairs {
                header(b'*', 2, out);
                flat(std::slice::from_ref(pair), protocol, out);
            }
        }
        Reply::Map(pairs) | Reply::Pairs(pairs) => {
            header(b'*', 2 * pairs.len() as i64, out);
            flat(pairs, protocol, out);
        }
        Reply::Several(replies) => {
            for reply in replies {
                encode(reply, protocol, out);
            }
        }
    }
}

fn line(kind: u8, text: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

fn header(kind: u8, number: i64, out: &mut Vec<u8>) {
    line(kind, number.to_value().bytes(&mut [0; 20]), out);
}

fn bulk(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    header(kind, bytes.len() as i64, out);
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

fn list(kind: u8, items: &[Reply], protocol: Protocol, out: &mut Vec<u8>) {
    header(kind, items.len() as i64, out);
    for item in items {
        encode(item, protocol, out);
    }
}

fn flat(pairs: &[(Reply, Reply)], protocol: Protocol, out: &mut Vec<u8>) {
    for (first, second) in pairs {
        encode(first, protocol, out);
        encode(second, protocol, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    fn both(reply: &Reply) -> (String, String) {
        let text = |protocol| {
            let mut out = Vec::new();
            encode(reply, protocol, &mut out);
            String::from_utf8_lossy(&out).replace("\r\n", " ")
        };
        (text(Protocol::Resp2), text(Protocol::Resp3))
    }

    #[test]
    fn resp2_says_with_fewer_forms_what_resp3_says() {
        let pair = vec![(Reply::bulk("a"), Reply::Double(0.5))];
        for (reply, resp2, resp3) in [
            (Reply::Ok, "+OK ", "+OK "),
            (
                Reply::Error(Fault::SYNTAX),
                "-ERR syntax error ",
                "-ERR syntax error ",
            ),
            (Reply::Null, "$-1 ", "_ "),
            (Reply::NullArray, "*-1 ", "_ "),
            (Reply::Double(1e300), "$6 1e+300 ", ",1e+300 "),
            (Reply::Double(f64::NEG_INFINITY), "$4 -inf ", ",-inf "),
            (Reply::Text("hi".into()), "$2 hi ", "=6 txt:hi "),
            (Reply::Set(vec![Reply::Int(1)]), "*1 :1 ", "~1 :1 "),
            (Reply::Push(vec![Reply::Int(1)]), "*1 :1 ", ">1 :1 "),
            (Reply::Map(pair.clone()), "*2 $1 a $3 0.5 ", "%1 $1 a ,0.5 "),
            (Reply::Pairs(pair), "*2 $1 a $3 0.5 ", "*1 *2 $1 a ,0.5 "),
            (
                Reply::Several(vec![Reply::Ok, Reply::Int(2)]),
                "+OK :2 ",
                "+OK :2 ",
            ),
        ] {
            assert_eq!(
                both(&reply),
                (resp2.to_owned(), resp3.to_owned()),
                "{reply:?}"
            );
        }
    }
}
