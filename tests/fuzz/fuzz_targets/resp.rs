//! Any bytes to a session of RESP, in any division: no panic, the same answer, and what grows is bounded.
#![no_main]

use larder::Store;
use larder_redis::{Limits, RespSession, Session};
use libfuzzer_sys::fuzz_target;

fn session() -> RespSession {
    let limits = Limits::default()
        .bulk_bytes(1 << 16)
        .words(1 << 10)
        .request_bytes(1 << 20);
    let store = Store::builder().stripes(1).build();
    let store = store.expect("nothing is wrong with it");
    RespSession::with_limits(Session::new(store), limits)
}

/// Commands that wait, sleep, tell the time, or answer by chance.
const UNEVEN: [&[u8]; 13] = [
    b"bl",
    b"br",
    b"debug",
    b"time",
    b"info",
    b"client",
    b"hello",
    b"randomkey",
    b"scan",
    b"keys",
    b"ttl",
    b"expire",
    b"memory",
];

fuzz_target!(|input: (&[u8], Vec<u8>)| {
    let (bytes, pieces) = input;
    let lower = bytes.to_ascii_lowercase();
    if UNEVEN
        .iter()
        .any(|word| lower.windows(word.len()).any(|part| part == *word))
    {
        return;
    }
    let mut whole = Vec::new();
    session().feed(bytes, &mut whole);
    let (mut divided, mut divided_out, mut rest) = (session(), Vec::new(), bytes);
    let mut lengths = pieces
        .iter()
        .map(|length| usize::from(*length).max(1))
        .cycle();
    while !rest.is_empty() {
        let length = lengths.next().unwrap_or(rest.len()).min(rest.len());
        divided.feed(&rest[..length], &mut divided_out);
        rest = &rest[length..];
    }
    assert_eq!(whole, divided_out);
});
