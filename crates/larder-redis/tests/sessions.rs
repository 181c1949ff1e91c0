//! What sessions do with each other, and with what is none of their commands.

#![allow(
    clippy::disallowed_methods,
    reason = "a client that waits has a thread of its own"
)]

use std::thread;
use std::time::Duration;

use larder_redis::{Databases, Limits, Protocol, Reply, RespSession, Session};

fn words(line: &str) -> Vec<&[u8]> {
    line.split(' ').map(str::as_bytes).collect()
}

fn run(session: &mut Session, line: &str) -> Reply {
    session.execute(&words(line))
}

fn text(text: &str) -> Reply {
    Reply::Bulk(text.into())
}

fn error(reply: &Reply) -> &str {
    match reply {
        Reply::Error(fault) => fault.text(),
        other => panic!("an error, not {other:?}"),
    }
}

/// The bytes that bytes are answered with, and whether the session has ended.
fn answer(bytes: &[u8]) -> (String, bool) {
    let mut session = RespSession::new(Session::of(&Databases::default()));
    let mut out = Vec::new();
    session.feed(bytes, &mut out);
    (
        String::from_utf8_lossy(&out).into_owned(),
        session.is_closed(),
    )
}

#[test]
fn what_is_no_request_is_refused_and_ends_the_session() {
    for (bytes, wanted) in [
        (&b"*1\r\n+OK\r\n"[..], "expected '$', got '+'"),
        (b"*1\r\n*1\r\n$1\r\na\r\n", "expected '$', got '*'"),
        (b"*1\r\n$-5\r\n", "invalid bulk length"),
        (b"*1\r\n$abc\r\n", "invalid bulk length"),
        (b"*9999999999\r\n", "invalid multibulk length"),
        (b"*1\r\n$99999999999\r\n", "invalid bulk length"),
        (b"GET \"open\r\n", "unbalanced quotes in request"),
    ] {
        let (text, closed) = answer(bytes);
        assert!(text.starts_with("-ERR Protocol error"), "{text}");
        assert!(text.contains(wanted), "{text}");
        assert!(closed);
    }
}

#[test]
fn a_request_that_is_cut_off_waits_for_its_rest() {
    let whole = b"*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n";
    for length in 0..whole.len() {
        assert_eq!(answer(&whole[..length]), (String::new(), false));
    }
    assert_eq!(answer(whole).0, "$5\r\nhello\r\n");
}

#[test]
fn negative_counts_and_blank_lines_are_passed_over() {
    assert_eq!(
        answer(b"*-1\r\n\r\n*0\r\nPING\r\n"),
        ("+PONG\r\n".into(), false)
    );
}

#[test]
fn a_mebibyte_goes_in_and_comes_out() {
    let value = vec![b'x'; 1 << 20];
    let mut session = Session::of(&Databases::default());
    assert_eq!(session.execute(&[b"SET", b"key", &value]), Reply::Ok);
    assert_eq!(
        session.execute(&[b"GET", b"key"]),
        Reply::Bulk(value.clone())
    );
    let long: Vec<&[u8]> = vec![&value; 3];
    assert!(error(&session.execute(&[b"NONSENSE", long[0]])).len() < 400);
    assert!(error(&session.execute(&long)).len() < 400);
}

#[test]
fn what_is_larger_than_its_limits_is_refused() {
    let limits = Limits::default().bulk_bytes(100).words(3);
    let mut session = RespSession::with_limits(Session::of(&Databases::default()), limits);
    let mut out = Vec::new();
    session.feed(b"*2\r\n$4\r\nECHO\r\n$101\r\n", &mut out);
    assert_eq!(out, b"-ERR Protocol error: invalid bulk length\r\n");
    assert!(session.is_closed());
}

#[test]
fn commands_that_there_are_not_and_wrong_numbers_of_words_are_refused() {
    let mut session = Session::of(&Databases::default());
    assert_eq!(
        error(&run(&mut session, "BOGUS a b")),
        "ERR unknown command 'BOGUS', with args beginning with: 'a' 'b' "
    );
    assert_eq!(
        error(&run(&mut session, "GET")),
        "ERR wrong number of arguments for 'get' command"
    );
    assert_eq!(
        error(&run(&mut session, "CLIENT LIST ID")),
        "ERR syntax error"
    );
    let unfit = "ERR unknown subcommand or wrong number of arguments for";
    for line in [
        "DEBUG OBJECT key extra",
        "PUBSUB CHANNELS a b",
        "CLIENT UNBLOCK 1 ERROR extra",
    ] {
        assert!(error(&run(&mut session, line)).starts_with(unfit), "{line}");
    }
    assert!(error(&run(&mut session, "EVAL return 0")).starts_with("ERR larder runs no scripts"));
}

#[test]
fn a_transaction_that_is_misused_is_discarded_and_leaves_nothing() {
    let mut session = Session::of(&Databases::default());
    assert_eq!(error(&run(&mut session, "EXEC")), "ERR EXEC without MULTI");
    assert_eq!(
        error(&run(&mut session, "DISCARD")),
        "ERR DISCARD without MULTI"
    );
    run(&mut session, "MULTI");
    assert_eq!(
        error(&run(&mut session, "MULTI")),
        "ERR MULTI calls can not be nested"
    );
    assert_eq!(
        error(&run(&mut session, "WATCH key")),
        "ERR WATCH inside MULTI is not allowed"
    );
    run(&mut session, "SET key value");
    run(&mut session, "SET key");
    assert!(error(&run(&mut session, "EXEC")).starts_with("EXECABORT"));
    assert_eq!(run(&mut session, "EXISTS key"), Reply::Int(0));
    run(&mut session, "MULTI");
    assert!(error(&run(&mut session, "OBJECT BOGUS key")).contains("unknown subcommand"));
    assert!(error(&run(&mut session, "EXEC")).starts_with("EXECABORT"));
}

#[test]
fn a_greeting_and_a_password_wait_for_their_transaction() {
    let mut session = Session::of(&Databases::default());
    run(&mut session, "MULTI");
    for line in ["HELLO 3", "AUTH default x"] {
        assert_eq!(
            run(&mut session, line),
            Reply::Status("QUEUED".into()),
            "{line}"
        );
    }
    assert_eq!(session.protocol(), Protocol::Resp2);
    assert!(matches!(&run(&mut session, "EXEC"), Reply::Array(all) if all.len() == 2));
    assert_eq!(session.protocol(), Protocol::Resp3);
}

#[test]
fn settings_are_looked_at_all_before_one_is_set() {
    let mut session = Session::of(&Databases::default());
    for (line, fault) in [
        (
            "CONFIG SET notify-keyspace-events @ bogus 1",
            "CONFIG SET - 'bogus'",
        ),
        (
            "CONFIG SET notify-keyspace-events KEA maxmemory x",
            "'maxmemory'",
        ),
        ("CONFIG SET maxmemory 0 maxmemory 0", "duplicate parameter"),
    ] {
        assert!(error(&run(&mut session, line)).contains(fault), "{line}");
    }
    let none = Reply::Map(vec![(text("notify-keyspace-events"), text(""))]);
    assert_eq!(run(&mut session, "CONFIG GET notify-keyspace-events"), none);
}

#[test]
fn a_subscription_in_a_transaction_begins_when_it_is_executed() {
    let databases = Databases::default();
    let (mut reader, mut writer) = (Session::of(&databases), Session::of(&databases));
    run(&mut reader, "HELLO 3");
    run(&mut reader, "MULTI");
    assert_eq!(
        run(&mut reader, "SUBSCRIBE news"),
        Reply::Status("QUEUED".into())
    );
    assert_eq!(run(&mut writer, "PUBLISH news early"), Reply::Int(0));
    assert!(!run(&mut reader, "EXEC").is_error());
    assert_eq!(run(&mut writer, "PUBLISH news late"), Reply::Int(1));
    assert!(matches!(reader.take_push(), Some(Reply::Push(_))));
}

#[test]
fn a_listener_of_resp2_may_do_nothing_else() {
    let mut session = Session::of(&Databases::default());
    run(&mut session, "SUBSCRIBE news");
    assert!(error(&run(&mut session, "GET key")).starts_with("ERR Can't execute 'get': only"));
    let exec = run(&mut session, "EXEC");
    assert!(error(&exec).starts_with("EXECABORT Transaction discarded because of: Can't execute"));
    assert_eq!(run(&mut session, "RESET"), Reply::Status("RESET".into()));
    assert_eq!(session.protocol(), Protocol::Resp2);
    assert_eq!(run(&mut session, "GET key"), Reply::Null);
}

/// Runs `work` while another session of the same databases waits; what that one got.
fn beside_a_waiting_session(line: &'static str, work: impl FnOnce(&mut Session)) -> Reply {
    let databases = Databases::default();
    let mut waiting = Session::of(&databases);
    let mut other = Session::of(&databases);
    thread::scope(|scope| {
        let waits = scope.spawn(move || run(&mut waiting, line));
        loop {
            let Reply::Text(lines) = run(&mut other, "CLIENT LIST") else {
                panic!("CLIENT LIST answers with text");
            };
            if lines.contains("flags=b") {
                break;
            }
            thread::yield_now();
        }
        work(&mut other);
        waits.join().expect("the session does not panic")
    })
}

/// The number of the session that waits.
fn number_of_waiting(session: &mut Session) -> String {
    let Reply::Text(lines) = run(session, "CLIENT LIST") else {
        panic!("CLIENT LIST answers with text");
    };
    let line = lines.lines().find(|line| line.contains("flags=b"));
    let number = line.and_then(|line| line.strip_prefix("id=")?.split(' ').next());
    number.expect("one waits").to_owned()
}

#[test]
fn another_client_ends_a_wait() {
    let timed_out = beside_a_waiting_session("BLPOP list 0", |other| {
        let number = number_of_waiting(other);
        assert_eq!(
            run(other, &format!("CLIENT UNBLOCK {number}")),
            Reply::Int(1)
        );
    });
    assert_eq!(timed_out, Reply::NullArray);
    let refused = beside_a_waiting_session("BZPOPMIN set 0", |other| {
        let number = number_of_waiting(other);
        let line = format!("CLIENT UNBLOCK {number} ERROR");
        assert_eq!(run(other, &line), Reply::Int(1));
        assert_eq!(run(other, "CLIENT UNBLOCK 0"), Reply::Int(0));
    });
    assert_eq!(
        error(&refused),
        "UNBLOCKED client unblocked via CLIENT UNBLOCK"
    );
}

#[test]
fn a_waiting_client_is_served_and_its_time_ends() {
    let served = beside_a_waiting_session("BLPOP list 0", |other| {
        assert_eq!(run(other, "RPUSH list a"), Reply::Int(1));
    });
    assert_eq!(
        served,
        Reply::Array(vec![Reply::Bulk(b"list".into()), Reply::Bulk(b"a".into())])
    );
    let mut session = Session::of(&Databases::default());
    assert_eq!(run(&mut session, "BLPOP list 0.01"), Reply::NullArray);
    assert_eq!(
        run(&mut session, "BLMOVE a b LEFT LEFT 0.01"),
        Reply::NullArray
    );
}

#[test]
fn keys_go_from_one_database_to_another() {
    let mut session = Session::of(&Databases::default());
    for line in ["SET key value", "HSET hash a 1", "EXPIRE hash 100"] {
        assert!(!run(&mut session, line).is_error());
    }
    assert_eq!(run(&mut session, "MOVE key 1"), Reply::Int(1));
    assert_eq!(run(&mut session, "COPY hash other DB 1"), Reply::Int(1));
    assert_eq!(run(&mut session, "COPY hash other DB 1"), Reply::Int(0));
    assert_eq!(
        run(&mut session, "COPY hash other DB 1 REPLACE"),
        Reply::Int(1)
    );
    run(&mut session, "SELECT 1");
    assert_eq!(run(&mut session, "GET key"), Reply::Bulk(b"value".into()));
    assert_eq!(run(&mut session, "HGET other a"), Reply::Bulk(b"1".into()));
    assert_eq!(run(&mut session, "TTL other"), Reply::Int(100));
}

/// A server finds fault with a database before it has read what stands behind it; larder once read all words first.
#[test]
fn a_copy_is_refused_for_the_first_of_its_faults() {
    let mut session = Session::of(&Databases::default());
    let wanted = [
        ("COPY a b DB 99 bogus", "ERR DB index is out of range"),
        (
            "COPY a b REPLACE DB -1 bogus",
            "ERR DB index is out of range",
        ),
        ("COPY a b DB 9 bogus", "ERR syntax error"),
        ("COPY a b bogus DB 99", "ERR syntax error"),
    ];
    for (line, fault) in wanted {
        assert_eq!(error(&run(&mut session, line)), fault, "{line}");
    }
    run(&mut session, "MULTI");
    for (line, _) in wanted {
        run(&mut session, line);
    }
    let Reply::Array(replies) = run(&mut session, "EXEC") else {
        panic!("EXEC answers with what each command did");
    };
    let faults: Vec<_> = replies.iter().map(error).collect();
    assert_eq!(faults, wanted.map(|(_, fault)| fault));
}

#[test]
fn databases_are_swapped_under_the_sessions_that_selected_them() {
    let databases = Databases::default();
    let (mut one, mut other) = (Session::of(&databases), Session::of(&databases));
    run(&mut other, "SELECT 1");
    run(&mut one, "SET key here");
    run(&mut other, "WATCH key");
    assert_eq!(run(&mut one, "SWAPDB 0 1"), Reply::Ok);
    assert_eq!(run(&mut one, "EXISTS key"), Reply::Int(0));
    assert_eq!(run(&mut other, "GET key"), Reply::Bulk(b"here".into()));
    run(&mut other, "MULTI");
    run(&mut other, "SET key again");
    assert_eq!(run(&mut other, "EXEC"), Reply::NullArray);
    assert_eq!(databases.get(1).map(larder::Store::len), Some(1));
}

#[test]
fn a_dump_is_restored_and_other_bytes_are_not() {
    let mut session = Session::of(&Databases::default());
    run(&mut session, "RPUSH list a b c");
    let Reply::Bulk(dump) = run(&mut session, "DUMP list") else {
        panic!("there is a list");
    };
    let mut restore = |key: &[u8], rest: &[&[u8]]| {
        let words: Vec<&[u8]> = [&b"RESTORE"[..], key, b"0"]
            .into_iter()
            .chain(rest.iter().copied())
            .collect();
        session.execute(&words)
    };
    assert_eq!(restore(b"copy", &[&dump]), Reply::Ok);
    assert!(error(&restore(b"copy", &[&dump])).starts_with("BUSYKEY"));
    assert_eq!(restore(b"copy", &[&dump, b"REPLACE"]), Reply::Ok);
    assert!(error(&restore(b"new", &[&dump[1..]])).starts_with("ERR DUMP payload"));
    assert_eq!(run(&mut session, "LLEN copy"), Reply::Int(3));
}

#[test]
fn a_counter_with_bounds_stops_at_them() {
    let ints = |one, other| Reply::Array(vec![Reply::Int(one), Reply::Int(other)]);
    let mut session = Session::of(&Databases::default());
    assert_eq!(run(&mut session, "INCREX n"), ints(1, 1));
    assert_eq!(
        run(&mut session, "INCREX n BYINT 98 UBOUND 100 EX 60 ENX"),
        ints(99, 98)
    );
    assert_eq!(run(&mut session, "TTL n"), Reply::Int(60));
    assert_eq!(
        run(&mut session, "INCREX n BYINT 5 UBOUND 100"),
        ints(99, 0)
    );
    assert_eq!(
        run(
            &mut session,
            "INCREX n BYINT 5 UBOUND 100 SATURATE EX 90 ENX"
        ),
        ints(100, 1)
    );
    assert_eq!(run(&mut session, "TTL n"), Reply::Int(60));
    assert_eq!(
        run(
            &mut session,
            "INCREX n BYINT -300 LBOUND -5 SATURATE PERSIST"
        ),
        ints(-5, -105)
    );
    assert_eq!(run(&mut session, "TTL n"), Reply::Int(-1));
    assert!(run(&mut session, "INCREX n BYINT 1 BYFLOAT 1").is_error());
    assert!(run(&mut session, "INCREX n LBOUND 5 UBOUND 1").is_error());
    assert_eq!(
        run(&mut session, "INCREX x BYFLOAT 1.5 UBOUND 2"),
        Reply::Array(vec![Reply::Double(1.5), Reply::Double(1.5)])
    );
}

#[test]
fn elements_move_in_numbers_one_by_one_or_as_a_block() {
    let mut session = Session::of(&Databases::default());
    let list = |session: &mut Session, key: &str| match run(session, &format!("LRANGE {key} 0 -1"))
    {
        Reply::Array(items) => items
            .into_iter()
            .map(|item| match item {
                Reply::Bulk(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                other => panic!("an element, not {other:?}"),
            })
            .collect::<Vec<_>>()
            .join(" "),
        other => panic!("a list, not {other:?}"),
    };
    for (ends, left, right) in [
        ("LEFT LEFT COUNT 2 OBO", "3 4", "2 1"),
        ("LEFT LEFT COUNT 2 BULK", "3 4", "1 2"),
        ("LEFT RIGHT COUNT 2 BULK", "3 4", "1 2"),
        ("RIGHT RIGHT EXACTLY 2 BULK", "1 2", "3 4"),
        ("RIGHT RIGHT EXACTLY 2 OBO", "1 2", "4 3"),
        ("RIGHT LEFT COUNT 9 BULK", "", "1 2 3 4"),
        ("LEFT LEFT EXACTLY 9 BULK", "1 2 3 4", ""),
    ] {
        run(&mut session, "DEL a b");
        run(&mut session, "RPUSH a 1 2 3 4");
        run(&mut session, &format!("LMOVEM a b {ends}"));
        assert_eq!(
            (list(&mut session, "a"), list(&mut session, "b")),
            (left.into(), right.into()),
            "{ends}"
        );
    }
    run(&mut session, "DEL a");
    run(&mut session, "RPUSH a a b c");
    run(&mut session, "LMOVEM a a LEFT LEFT EXACTLY 2 OBO");
    assert_eq!(list(&mut session, "a"), "b a c");
}

#[test]
fn who_waits_for_a_number_of_elements_is_served_when_there_are_as_many() {
    let arrived = beside_a_waiting_session("BLMOVEM a b LEFT LEFT 0 EXACTLY 2 OBO", |other| {
        assert_eq!(run(other, "RPUSH a 1"), Reply::Int(1));
        assert_eq!(run(other, "LLEN a"), Reply::Int(1));
        assert_eq!(run(other, "RPUSH a 2 3"), Reply::Int(3));
        assert_eq!(run(other, "LLEN a"), Reply::Int(1));
    });
    assert_eq!(arrived, Reply::Array(vec![text("2"), text("1")]));
    let arrived = beside_a_waiting_session("BLMOVEM a b LEFT LEFT 0 COUNT 2 BULK", |other| {
        assert_eq!(run(other, "RPUSH a 1 2 3"), Reply::Int(3));
    });
    assert_eq!(arrived, Reply::Array(vec![text("1"), text("2")]));
    let mut session = Session::of(&Databases::default());
    assert_eq!(
        run(&mut session, "BLMOVEM a b LEFT LEFT 0.001"),
        Reply::NullArray
    );
    run(&mut session, "MULTI");
    run(&mut session, "BLMOVEM a b LEFT RIGHT 0");
    run(&mut session, "BLMOVEM a b LEFT RIGHT 0 EXACTLY 2 OBO");
    let nothing = Reply::Array(vec![Reply::Array(Vec::new()), Reply::Null]);
    assert_eq!(run(&mut session, "EXEC"), nothing);
    assert!(run(&mut session, "BLMOVEM a b LEFT LEFT -1 COUNT 1 OBO").is_error());
    assert!(run(&mut session, "BLMOVEM a b LEFT LEFT 0 COUNT 1").is_error());
}

#[test]
fn digests_stand_for_the_strings_that_they_are_of() {
    let mut session = Session::of(&Databases::default());
    session.execute(&[b"SET", b"key", b"Hello world"]);
    assert_eq!(run(&mut session, "DIGEST key"), text("b6acb9d84a38ff74"));
    assert_eq!(run(&mut session, "DIGEST none"), Reply::Null);
    run(&mut session, "RPUSH list a");
    assert!(error(&run(&mut session, "DIGEST list")).starts_with("WRONGTYPE"));
    let other = "0000000000000000";
    assert_eq!(
        run(&mut session, &format!("SET key new IFDEQ {other}")),
        Reply::Null
    );
    assert_eq!(
        run(&mut session, &format!("SET none new IFDEQ {other}")),
        Reply::Null
    );
    assert_eq!(
        run(&mut session, "SET key new IFDEQ B6ACB9D84A38FF74"),
        Reply::Ok
    );
    assert_eq!(
        run(&mut session, &format!("SET none new IFDNE {other}")),
        Reply::Ok
    );
    assert_eq!(
        run(&mut session, "DELEX key IFDEQ b6acb9d84a38ff74"),
        Reply::Int(0)
    );
    assert_eq!(
        run(&mut session, &format!("DELEX key IFDNE {other}")),
        Reply::Int(1)
    );
    assert_eq!(
        run(&mut session, &format!("DELEX key IFDNE {other}")),
        Reply::Int(0)
    );
    for line in ["SET key new IFDEQ abc", "DELEX key IFDNE xxxxxxxxxxxxxxxx"] {
        assert!(
            error(&run(&mut session, line)).contains("hexadecimal"),
            "{line}"
        );
    }
    let both = "SET key new IFEQ a IFDEQ b6acb9d84a38ff74";
    assert_eq!(error(&run(&mut session, both)), "ERR syntax error");
}

#[test]
fn strings_go_only_if_they_are_what_was_named() {
    let mut session = Session::of(&Databases::default());
    run(&mut session, "SET lock me");
    assert_eq!(run(&mut session, "DELEX lock IFEQ you"), Reply::Int(0));
    assert_eq!(run(&mut session, "DELIFEQ lock you"), Reply::Int(0));
    assert_eq!(run(&mut session, "SET lock you IFNE me"), Reply::Null);
    assert_eq!(run(&mut session, "SET new you IFNE me"), Reply::Ok);
    assert_eq!(run(&mut session, "DELEX lock IFNE you"), Reply::Int(1));
    assert_eq!(run(&mut session, "DELEX new"), Reply::Int(1));
}

#[test]
fn the_keys_of_a_command_are_told_or_why_there_are_none() {
    let mut session = Session::of(&Databases::default());
    let keys = |names: &[&str]| Reply::Array(names.iter().map(|name| text(name)).collect());
    for (line, wanted) in [
        ("SORT k BY w* STORE d", &["k", "d"][..]),
        ("ZUNIONSTORE d 2 a b WEIGHTS 1 2", &["d", "a", "b"]),
        ("OBJECT ENCODING k", &["k"]),
        ("MSET a 1 b 2", &["a", "b"]),
    ] {
        let reply = run(&mut session, &format!("COMMAND GETKEYS {line}"));
        assert_eq!(reply, keys(wanted), "{line}");
    }
    for (line, fault) in [
        (
            "ZUNIONSTORE d 2 a",
            "ERR Invalid arguments specified for command",
        ),
        (
            "ZUNIONSTORE d 0 a",
            "ERR Invalid arguments specified for command",
        ),
        (
            "GET a b",
            "ERR Invalid number of arguments specified for command",
        ),
        ("OBJECT", "ERR The command has no key arguments"),
        ("PING", "ERR The command has no key arguments"),
        ("BOGUS", "ERR Invalid command specified"),
    ] {
        let reply = run(&mut session, &format!("COMMAND GETKEYS {line}"));
        assert_eq!(error(&reply), fault, "{line}");
    }
}

#[test]
fn a_session_that_is_gone_is_listed_no_more() {
    let databases = Databases::default();
    let mut session = Session::of(&databases);
    let other = Session::of(&databases);
    let count = |session: &mut Session| match run(session, "CLIENT LIST") {
        Reply::Text(lines) => lines.lines().count(),
        other => panic!("text, not {other:?}"),
    };
    assert_eq!(count(&mut session), 2);
    drop(other);
    assert_eq!(count(&mut session), 1);
}

#[test]
fn how_a_value_is_held_is_told_in_a_servers_words() {
    let mut session = Session::of(&Databases::default());
    for (line, wanted) in [
        ("SET key 12", "int"),
        ("SET key text", "embstr"),
        ("SADD set 1 2 3", "intset"),
        ("SADD words a b", "listpack"),
        ("RPUSH list a", "listpack"),
        ("HSET hash a b", "listpack"),
        ("ZADD sorted 1 a", "listpack"),
    ] {
        run(&mut session, line);
        let key = line.split(' ').nth(1).expect("a key");
        let encoding = run(&mut session, &format!("OBJECT ENCODING {key}"));
        assert_eq!(encoding, Reply::Bulk(wanted.into()), "{line}");
        let bytes = run(&mut session, &format!("MEMORY USAGE {key}"));
        assert!(
            matches!(bytes, Reply::Int(bytes) if (1..500).contains(&bytes)),
            "{bytes:?}"
        );
    }
    let waited = Duration::ZERO;
    assert_eq!(
        run(&mut session, &format!("DEBUG SLEEP {}", waited.as_secs())),
        Reply::Ok
    );
    assert_eq!(run(&mut session, "OBJECT ENCODING none"), Reply::Null);
}

#[test]
fn what_follows_a_swap_in_a_transaction_sees_the_swapped_databases() {
    let mut session = Session::of(&Databases::default());
    run(&mut session, "SET key zero");
    for line in ["MULTI", "SWAPDB 0 1", "EXISTS key", "COPY other key DB 1"] {
        run(&mut session, line);
    }
    let wanted = [Reply::Ok, Reply::Int(0), Reply::Int(0)];
    assert_eq!(run(&mut session, "EXEC"), Reply::Array(wanted.into()));
}

#[test]
fn every_database_tells_its_events_under_the_number_that_it_has() {
    let databases = Databases::default();
    let mut session = Session::of(&databases);
    run(&mut session, "CONFIG SET notify-keyspace-events KEA");
    let mut listener = Session::of(&databases);
    run(&mut listener, "PSUBSCRIBE __keyevent@*");
    let mut told = |session: &mut Session, line| {
        run(session, line);
        let mut channels = Vec::new();
        while let Some(Reply::Push(push)) = listener.take_push() {
            let Reply::Bulk(channel) = &push[2] else {
                panic!("a channel, not {:?}", push[2]);
            };
            channels.push(String::from_utf8_lossy(channel).into_owned());
        }
        channels.join(" ")
    };
    assert_eq!(told(&mut session, "SET key 0"), "__keyevent@0__:set");
    run(&mut session, "SELECT 5");
    assert_eq!(told(&mut session, "SET key 5"), "__keyevent@5__:set");
    assert_eq!(
        told(&mut session, "MOVE key 7"),
        "__keyevent@5__:move_from __keyevent@7__:move_to"
    );
    run(&mut session, "SWAPDB 5 0");
    assert_eq!(told(&mut session, "SET key 0"), "__keyevent@5__:set");
    // Made only now, after the swap.
    run(&mut session, "SWAPDB 9 10");
    run(&mut session, "SELECT 9");
    assert_eq!(told(&mut session, "SET key 9"), "__keyevent@9__:set");
}

#[test]
fn a_bound_is_moved_where_there_is_one_and_refused_where_there_is_none() {
    let bounded = larder::Store::builder().max_bytes(1 << 20).build();
    let mut session = Session::new(bounded.expect("it is a bound"));
    for number in 0..2_000 {
        run(
            &mut session,
            &format!("SET key{number} {number}-some-bytes-of-a-value"),
        );
    }
    let before = run(&mut session, "DBSIZE");
    assert_eq!(run(&mut session, "CONFIG SET maxmemory 32kb"), Reply::Ok);
    let pair = (text("maxmemory"), text("32768"));
    assert_eq!(
        run(&mut session, "CONFIG GET maxmemory"),
        Reply::Map(vec![pair])
    );
    assert_ne!(run(&mut session, "DBSIZE"), before);
    for (line, why) in [
        ("CONFIG SET maxmemory 0", "has to have one"),
        ("CONFIG SET maxmemory lots", "must be a memory value"),
        (
            "CONFIG SET maxmemory 99999999999gb",
            "must be a memory value",
        ),
        (
            "CONFIG SET maxmemory-policy noeviction",
            "from when it was built",
        ),
        ("CONFIG SET maxmemory 1mb databases 4", "immutable"),
    ] {
        let reply = run(&mut session, line);
        assert!(error(&reply).contains(why), "{line}: {reply:?}");
    }
    let pair = (text("maxmemory"), text("32768"));
    assert_eq!(
        run(&mut session, "CONFIG GET maxmemory"),
        Reply::Map(vec![pair])
    );
    let mut unbounded = Session::new(larder::Store::new());
    assert_eq!(run(&mut unbounded, "CONFIG SET maxmemory 0"), Reply::Ok);
    let reply = run(&mut unbounded, "CONFIG SET maxmemory 1mb");
    assert!(error(&reply).contains("built without a bound"), "{reply:?}");
}

#[test]
fn idle_times_are_told_in_seconds() {
    let time = larder::ManualClock::new();
    let store = larder::Store::builder().clock(time.clock()).idle_times(16);
    let mut session = Session::new(store.build().expect("nothing is wrong with it"));
    run(&mut session, "SET key value");
    time.advance(Duration::from_millis(41_500));
    assert_eq!(run(&mut session, "OBJECT IDLETIME key"), Reply::Int(41));
    run(&mut session, "GET key");
    assert_eq!(run(&mut session, "OBJECT IDLETIME key"), Reply::Int(0));
    assert_eq!(run(&mut session, "OBJECT IDLETIME none"), Reply::Null);
}
