//! `Decoder`: requests out of bytes that arrive in any division.
//!
//! ```text
//! *2\r\n $3\r\nGET\r\n $3\r\nkey\r\n        an array of strings
//! GET key\r\n                              or a line of words, with quotes as in a shell
//! ```
//!
//! The bytes stay where they arrived until a request is whole; its words are slices of them. Each byte of a header is
//! looked at once: where a look for a line's end stopped, the next one goes on. Nothing is reserved on the word of
//! a length: memory grows with what has arrived, and every length is bounded ([`Limits`]).

use std::ops::Range;

use larder::Raw;

use crate::fault::Fault;

/// Longest line: an inline request, or the header of an array or a string.
const MAX_LINE: usize = 64 << 10;
/// An empty buffer that is larger than this is let go.
const KEPT: usize = 64 << 10;

/// How large a request may be; more ends the session with a protocol error.
///
/// ```
/// use larder_redis::{Limits, RespSession, Session};
///
/// let limits = Limits::default().bulk_bytes(1024);
/// let mut session = RespSession::with_limits(Session::new(larder::Store::new()), limits);
/// let mut out = Vec::new();
/// session.feed(b"*1\r\n$1025\r\n", &mut out);
/// assert_eq!(out, b"-ERR Protocol error: invalid bulk length\r\n");
/// assert!(session.is_closed());
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Limits {
    bulk: usize,
    words: usize,
    request: usize,
}

impl Default for Limits {
    /// 512 MiB for a string and 2^31 - 1 words, as a server has it; 1 GiB for a request.
    fn default() -> Self {
        Limits {
            bulk: 512 << 20,
            words: i32::MAX as usize,
            request: 1 << 30,
        }
    }
}

impl Limits {
    /// Longest string.
    ///
    /// ```
    /// let limits = larder_redis::Limits::default().bulk_bytes(1 << 20);
    /// # let _ = limits;
    /// ```
    pub fn bulk_bytes(mut self, bytes: usize) -> Self {
        self.bulk = bytes;
        self
    }

    /// Most words of a request.
    ///
    /// ```
    /// let limits = larder_redis::Limits::default().words(1000);
    /// # let _ = limits;
    /// ```
    pub fn words(mut self, words: usize) -> Self {
        self.words = words;
        self
    }

    /// Most bytes of a whole request.
    ///
    /// ```
    /// let limits = larder_redis::Limits::default().request_bytes(16 << 20);
    /// # let _ = limits;
    /// ```
    pub fn request_bytes(mut self, bytes: usize) -> Self {
        self.request = bytes;
        self
    }
}

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    limits: Limits,
    bytes: Vec<u8>,
    /// Everything before is done with.
    start: usize,
    /// Where the next part of the request begins.
    at: usize,
    /// No line's end lies between `at` and here.
    looked: usize,
    /// Words of the array that are still to come; none before its header.
    missing: Option<usize>,
    /// The length of the string whose header was read.
    bulk: Option<usize>,
    words: Vec<Range<usize>>,
}

/// What became of a look for the next part of a request.
enum Part {
    /// There is none yet.
    Wait,
    /// It was read; there may be more.
    Read,
    /// The request is whole.
    Whole,
}

impl Decoder {
    pub(crate) fn new(limits: Limits) -> Self {
        Decoder {
            limits,
            ..Decoder::default()
        }
    }

    /// Adds bytes; those that are done with make room.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let done = std::mem::take(&mut self.start);
        if done > 0 {
            self.bytes.drain(..done);
            self.at -= done;
            self.looked = self.looked.max(done) - done;
            for word in &mut self.words {
                *word = word.start - done..word.end - done;
            }
            if self.bytes.is_empty() {
                self.bytes.shrink_to(KEPT);
            }
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Runs `work` on the words of the next request, if it is whole. An empty request is passed over.
    pub(crate) fn next<R>(&mut self, work: impl FnOnce(&[&[u8]]) -> R) -> Result<Option<R>, Fault> {
        loop {
            match self.part()? {
                Part::Wait => return Ok(None),
                Part::Read => {}
                Part::Whole if self.words.is_empty() => self.conclude(),
                Part::Whole => {
                    let words: Vec<&[u8]> = self
                        .words
                        .iter()
                        .map(|word| &self.bytes[word.clone()])
                        .collect();
                    let result = work(&words);
                    self.conclude();
                    return Ok(Some(result));
                }
            }
        }
    }

    /// The request that ends at `at` is done with.
    fn conclude(&mut self) {
        self.words.clear();
        self.missing = None;
        self.start = self.at;
    }

    fn part(&mut self) -> Result<Part, Fault> {
        if self.at - self.start > self.limits.request {
            return Err(protocol_error("too big request"));
        }
        if let Some(length) = self.bulk {
            return Ok(self.string(length));
        }
        let Some(first) = self.bytes.get(self.at) else {
            return Ok(Part::Wait);
        };
        match (self.missing, first) {
            (None, b'*') => self.array_header(),
            (None, _) => self.inline(),
            (Some(_), _) => self.string_header(),
        }
    }

    /// The line that begins at `at`, without its end, if it is whole. The end is `\r` and another byte.
    fn line(&mut self, too_long: &str) -> Result<Option<Range<usize>>, Fault> {
        let from = self.at.max(self.looked);
        let end = self.bytes[from..].iter().position(|byte| *byte == b'\r');
        match end.map(|end| from + end) {
            Some(end) if end + 1 < self.bytes.len() => {
                let line = self.at..end;
                self.at = end + 2;
                self.looked = self.at;
                Ok(Some(line))
            }
            Some(end) => {
                self.looked = end;
                Ok(None)
            }
            None if self.bytes.len() - self.at > MAX_LINE => Err(protocol_error(too_long)),
            None => {
                self.looked = self.bytes.len();
                Ok(None)
            }
        }
    }

    fn array_header(&mut self) -> Result<Part, Fault> {
        let Some(line) = self.line("too big mbulk count string")? else {
            return Ok(Part::Wait);
        };
        let count = Raw::Bytes(&self.bytes[line.start + 1..line.end]).int();
        let count = count
            .filter(|count| usize::try_from(*count).unwrap_or(0) <= self.limits.words)
            .ok_or_else(|| protocol_error("invalid multibulk length"))?;
        self.missing = Some(usize::try_from(count).unwrap_or(0));
        Ok(if count <= 0 { Part::Whole } else { Part::Read })
    }

    fn string_header(&mut self) -> Result<Part, Fault> {
        let Some(line) = self.line("too big bulk count string")? else {
            return Ok(Part::Wait);
        };
        let first = self.bytes[line.start];
        if first != b'$' {
            let got = format!("expected '$', got '{}'", char::from(first));
            return Err(protocol_error(&got));
        }
        let length = Raw::Bytes(&self.bytes[line.start + 1..line.end]).int();
        let length = length
            .and_then(|length| usize::try_from(length).ok())
            .filter(|length| *length <= self.limits.bulk)
            .ok_or_else(|| protocol_error("invalid bulk length"))?;
        self.bulk = Some(length);
        Ok(Part::Read)
    }

    /// The string of this length, with its two closing bytes, whatever they are.
    fn string(&mut self, length: usize) -> Part {
        if self.bytes.len() - self.at < length + 2 {
            return Part::Wait;
        }
        self.words.push(self.at..self.at + length);
        self.at += length + 2;
        self.bulk = None;
        let missing = self.missing.map_or(0, |missing| missing - 1);
        self.missing = Some(missing);
        if missing == 0 {
            Part::Whole
        } else {
            Part::Read
        }
    }

    /// A line of words. What has escapes is written out behind the bytes, where a slice can reach it.
    fn inline(&mut self) -> Result<Part, Fault> {
        let from = self.at.max(self.looked);
        let Some(end) = self.bytes[from..].iter().position(|byte| *byte == b'\n') else {
            if self.bytes.len() - self.at > MAX_LINE {
                return Err(protocol_error("too big inline request"));
            }
            self.looked = self.bytes.len();
            return Ok(Part::Wait);
        };
        let end = from + end;
        let line = self.bytes[self.at..end].to_vec();
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let words = split(line).ok_or_else(|| protocol_error("unbalanced quotes in request"))?;
        // The words are never longer than the line that they came from.
        let mut at = self.at;
        for word in words {
            self.bytes[at..at + word.len()].copy_from_slice(&word);
            self.words.push(at..at + word.len());
            at += word.len();
        }
        self.at = end + 1;
        self.looked = self.at;
        Ok(Part::Whole)
    }
}

fn protocol_error(what: &str) -> Fault {
    Fault::new(format!("ERR Protocol error: {what}"))
}

/// Splits a line into words: blanks part them, double quotes hold escapes (`\n`, `\x41`), single quotes only `\'`.
fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return Some(words);
        }
        let mut word = Vec::new();
        while let Some((&byte, after)) = rest.split_first() {
            if byte.is_ascii_whitespace() || byte == 0 {
                rest = after;
                break;
            }
            rest = match byte {
                b'"' => quoted(after, &mut word)?,
                b'\'' => single_quoted(after, &mut word)?,
                _ => {
                    word.push(byte);
                    after
                }
            };
        }
        words.push(word);
    }
}

/// After a closing quote a blank must follow.
fn closed(rest: &[u8]) -> Option<&[u8]> {
    rest.first()
        .is_none_or(u8::is_ascii_whitespace)
        .then_some(rest)
}

fn quoted<'l>(mut rest: &'l [u8], word: &mut Vec<u8>) -> Option<&'l [u8]> {
    loop {
        let (byte, skip) = match rest {
            [b'\\', b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex(*high) << 4 | hex(*low), 4)
            }
            [b'\\', escaped, ..] => (unescaped(*escaped), 2),
            [b'"', after @ ..] => return closed(after),
            [byte, ..] => (*byte, 1),
            [] => return None,
        };
        word.push(byte);
        rest = &rest[skip..];
    }
}

fn single_quoted<'l>(mut rest: &'l [u8], word: &mut Vec<u8>) -> Option<&'l [u8]> {
    loop {
        let (byte, skip) = match rest {
            [b'\\', b'\'', ..] => (b'\'', 2),
            [b'\'', after @ ..] => return closed(after),
            [byte, ..] => (*byte, 1),
            [] => return None,
        };
        word.push(byte);
        rest = &rest[skip..];
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Words = Vec<Vec<u8>>;

    /// All requests of these bytes, fed in pieces of these lengths, and the fault that ended them.
    fn decode(bytes: &[u8], pieces: &[usize]) -> (Vec<Words>, Option<Fault>) {
        let mut decoder = Decoder::new(Limits::default().bulk_bytes(1 << 20));
        let mut requests = Vec::new();
        let mut rest = bytes;
        let mut lengths = pieces.iter().cycle();
        while !rest.is_empty() {
            let length = lengths
                .next()
                .map_or(rest.len(), |length| (*length).clamp(1, rest.len()));
            let (piece, after) = rest.split_at(length);
            decoder.feed(piece);
            rest = after;
            loop {
                match decoder.next(|words| words.iter().map(|word| word.to_vec()).collect()) {
                    Ok(Some(words)) => requests.push(words),
                    Ok(None) => break,
                    Err(fault) => return (requests, Some(fault)),
                }
            }
        }
        (requests, None)
    }

    fn encode(requests: &[Words]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for words in requests {
            bytes.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
            for word in words {
                bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
                bytes.extend_from_slice(word);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        bytes
    }

    fn fault_of(bytes: &[u8]) -> Option<String> {
        decode(bytes, &[]).1.map(|fault| fault.text().to_owned())
    }

    #[test]
    fn lengths_that_cannot_be_are_refused_in_redis_words() {
        for (bytes, what) in [
            (&b"*x\r\n"[..], "invalid multibulk length"),
            (b"*2147483648\r\n", "invalid multibulk length"),
            (b"*1\r\n$-1\r\n", "invalid bulk length"),
            (b"*1\r\n$1048577\r\n", "invalid bulk length"),
            (b"*1\r\n$01\r\n", "invalid bulk length"),
            (b"*1\r\n:1\r\n", "expected '$', got ':'"),
            (b"*1\r\n*1\r\n", "expected '$', got '*'"),
            (b"GET \"a\r\n", "unbalanced quotes in request"),
            (b"GET 'a'b\r\n", "unbalanced quotes in request"),
        ] {
            let text = format!("ERR Protocol error: {what}");
            assert_eq!(fault_of(bytes), Some(text), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn lines_without_an_end_are_refused_once_they_are_too_long() {
        for (start, what) in [
            (&b"*"[..], "too big mbulk count string"),
            (b"*1\r\n$", "too big bulk count string"),
            (b"GET ", "too big inline request"),
        ] {
            let mut bytes = start.to_vec();
            bytes.resize(bytes.len() + MAX_LINE + 1, b'1');
            assert_eq!(
                fault_of(&bytes),
                Some(format!("ERR Protocol error: {what}"))
            );
        }
    }

    #[test]
    fn a_request_beyond_its_bound_is_refused() {
        let mut decoder = Decoder::new(Limits::default().request_bytes(100));
        decoder.feed(&encode(&[vec![vec![0; 60]; 3]]));
        assert!(decoder.next(|_| ()).is_err());
    }

    #[test]
    fn an_inline_request_is_split_as_a_shell_would() {
        let (requests, fault) = decode(b"SET k \"a \\x41\\n\" 'it\\'s'\r\n\r\nPING\n", &[]);
        assert_eq!(fault, None);
        assert_eq!(
            requests,
            [
                vec![
                    b"SET".to_vec(),
                    b"k".to_vec(),
                    b"a A\n".to_vec(),
                    b"it's".to_vec()
                ],
                vec![b"PING".to_vec()],
            ]
        );
    }

    #[test]
    fn an_empty_array_is_passed_over() {
        let (requests, fault) = decode(b"*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n", &[3]);
        assert_eq!((requests, fault), (vec![vec![b"PING".to_vec()]], None));
    }

    #[test]
    fn a_buffer_does_not_grow_under_a_steady_stream() {
        let mut decoder = Decoder::default();
        let request = encode(&[vec![vec![7; 1000]]]);
        // Always half a request ahead, so that the buffer never empties by itself.
        decoder.feed(&request[..500]);
        for _ in 0..1000 {
            decoder.feed(&request[500..]);
            decoder.feed(&request[..500]);
            assert_eq!(decoder.next(|words| words.len()), Ok(Some(1)));
            assert_eq!(decoder.next(|words| words.len()), Ok(None));
        }
        assert!(decoder.bytes.capacity() < KEPT);
    }

    proptest! {
        #[test]
        fn any_division_of_the_bytes_gives_the_same_requests(
            requests in prop::collection::vec(
                prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..6), 0..6),
            pieces in prop::collection::vec(1_usize..30, 1..10),
        ) {
            let bytes = encode(&requests);
            prop_assert_eq!(decode(&bytes, &pieces), (requests, None));
        }

        #[test]
        fn any_bytes_end_the_same_however_they_are_divided(
            bytes in prop::collection::vec(
                prop_oneof![Just(b'*'), Just(b'$'), Just(b'\r'), Just(b'\n'), Just(b'1'), Just(b'"'),
                    Just(b'0'), Just(b' '), any::<u8>()], 0..60),
            pieces in prop::collection::vec(1_usize..9, 1..6),
        ) {
            prop_assert_eq!(decode(&bytes, &pieces), decode(&bytes, &[]));
        }
    }
}
