//! Code against the `redis` crate, unchanged, on larder and on every real server that is found.

use std::thread;

use larder_redis::{Client, Connection};
use larder_tests::servers::Program;
use redis::{
    Commands, ConnectionLike, ControlFlow, ErrorKind, ExistenceCheck, Pipeline, PubSubCommands,
    RedisResult, SetExpiry, SetOptions,
};

/// Runs `work` with a client of larder, then with one of each server.
fn everywhere(work: impl Fn(&Client) -> RedisResult<()>) {
    let larder = Client::open("larder://").expect("the URL is right");
    work(&larder).expect("larder does it");
    let programs = Program::all();
    if programs.is_empty() {
        eprintln!("skipped: no redis-server or valkey-server to run it on as well");
    }
    for program in programs {
        let server = program.start();
        let url = format!("redis://127.0.0.1:{}", server.port);
        let client = Client::open(url).expect("the URL is right");
        work(&client).unwrap_or_else(|error| panic!("{}: {error}", program.version));
    }
}

fn connect(client: &Client) -> RedisResult<Connection> {
    client.get_connection()
}

#[test]
fn strings_and_counters() {
    everywhere(|client| {
        let mut con = connect(client)?;
        let () = con.set("name", "Ada")?;
        assert_eq!(con.get::<_, String>("name")?, "Ada");
        assert_eq!(con.get::<_, Option<String>>("none")?, None);
        assert_eq!(con.append::<_, _, usize>("name", " L.")?, 6);
        assert_eq!(con.getrange::<_, String>("name", 0, 2)?, "Ada");
        assert_eq!(con.incr::<_, _, i64>("hits", 41)?, 41);
        assert_eq!(con.decr::<_, _, i64>("hits", 1)?, 40);
        assert_eq!(con.incr::<_, _, f64>("ratio", 0.5)?, 0.5);
        let () = con.mset(&[("a", 1), ("b", 2)])?;
        assert_eq!(
            con.mget::<_, Vec<Option<i64>>>(&["a", "none", "b"])?,
            [Some(1), None, Some(2)]
        );
        let once = SetOptions::default().conditional_set(ExistenceCheck::NX);
        let lease = once.with_expiration(SetExpiry::EX(30));
        assert!(con.set_options::<_, _, bool>("lock", "me", lease.clone())?);
        assert!(!con.set_options::<_, _, bool>("lock", "you", lease)?);
        assert!((29..=30).contains(&con.ttl::<_, i64>("lock")?));
        Ok(())
    });
}

#[test]
fn errors_have_their_kind_and_code() {
    everywhere(|client| {
        let mut con = connect(client)?;
        let () = con.set("text", "abc")?;
        let error = con
            .incr::<_, _, i64>("text", 1)
            .expect_err("it is no number");
        assert_eq!(error.code(), Some("ERR"));
        assert_eq!(
            error.detail(),
            Some("value is not an integer or out of range")
        );
        let error = redis::cmd("NONSENSE")
            .exec(&mut con)
            .expect_err("there is no such command");
        assert!(
            error
                .detail()
                .is_some_and(|text| text.starts_with("unknown command 'NONSENSE'"))
        );
        assert!(con.check_connection());
        Ok(())
    });
}

#[test]
fn pipelines_and_transactions() {
    everywhere(|client| {
        let mut con = connect(client)?;
        let (one, all): (i64, Vec<Option<String>>) = redis::pipe()
            .incr("n", 1)
            .cmd("MGET")
            .arg("n")
            .arg("none")
            .query(&mut con)?;
        assert_eq!((one, all), (1, vec![Some("1".into()), None]));
        let (a, b): (i64, i64) = redis::pipe()
            .atomic()
            .set("a", 1)
            .ignore()
            .incr("a", 2)
            .incr("b", 5)
            .query(&mut con)?;
        assert_eq!((a, b), (3, 5));
        Ok(())
    });
}

#[test]
fn a_transaction_with_a_command_that_cannot_be_queued_does_nothing() {
    everywhere(|client| {
        let mut con = connect(client)?;
        let mut pipeline = redis::pipe();
        pipeline.atomic().set("key", 1).cmd("NONSENSE");
        let error = pipeline.exec(&mut con).expect_err("one is not queued");
        assert_eq!(
            error.kind(),
            ErrorKind::Server(redis::ServerErrorKind::ExecAbort)
        );
        assert!(!con.exists::<_, bool>("key")?);
        Ok(())
    });
}

#[test]
fn a_failing_command_leaves_the_rest_of_its_transaction() {
    everywhere(|client| {
        let mut con = connect(client)?;
        let () = con.set("text", "abc")?;
        let mut pipeline = redis::pipe();
        pipeline.atomic().incr("text", 1).set("after", 1);
        assert!(pipeline.query::<(i64, String)>(&mut con).is_err());
        assert!(con.exists::<_, bool>("after")?);
        Ok(())
    });
}

#[test]
fn a_watched_key_that_changes_makes_a_transaction_begin_again() {
    everywhere(|client| {
        let (mut con, mut other) = (connect(client)?, connect(client)?);
        let () = con.set("stock", 5)?;
        let mut rounds = 0;
        let transfer = |con: &mut Connection, pipeline: &mut Pipeline| {
            rounds += 1;
            let stock: i64 = con.get("stock")?;
            if rounds == 1 {
                let () = other.set("stock", 9)?;
            }
            pipeline
                .set("stock", stock - 1)
                .ignore()
                .get("stock")
                .query(con)
        };
        let (left,): (i64,) = redis::transaction(&mut con, &["stock"], transfer)?;
        assert_eq!((left, rounds), (8, 2));
        Ok(())
    });
}

#[test]
fn a_scan_shows_every_key() {
    everywhere(|client| {
        let mut con = connect(client)?;
        let pairs: Vec<(String, i64)> = (0..500).map(|n| (format!("scan:{n:03}"), n)).collect();
        let () = con.mset(&pairs)?;
        let found: RedisResult<Vec<String>> = con.scan_match("scan:*")?.collect();
        let mut found = found?;
        found.sort();
        found.dedup();
        let wanted: Vec<String> = pairs.into_iter().map(|(key, _)| key).collect();
        assert_eq!(found, wanted);
        Ok(())
    });
}

#[test]
fn databases_are_apart() {
    everywhere(|client| {
        let mut con = connect(client)?;
        let () = con.set("key", 0)?;
        let () = redis::cmd("SELECT").arg(1).query(&mut con)?;
        assert!(!con.exists::<_, bool>("key")?);
        let () = redis::cmd("SELECT").arg(0).query(&mut con)?;
        assert!(con.exists::<_, bool>("key")?);
        Ok(())
    });
}

#[test]
fn keys_are_renamed_and_expire() {
    everywhere(|client| {
        let mut con = connect(client)?;
        let () = con.set("from", "value")?;
        let () = con.rename("from", "to")?;
        assert!(con.expire::<_, bool>("to", 100)?);
        assert!(con.persist::<_, bool>("to")?);
        assert_eq!(con.ttl::<_, i64>("to")?, -1);
        assert!(con.pexpire::<_, bool>("to", 0)?);
        assert_eq!(con.ttl::<_, i64>("to")?, -2);
        assert_eq!(con.key_type::<_, String>("to")?, "none");
        Ok(())
    });
}

#[test]
fn lists() {
    everywhere(|client| {
        let mut con = connect(client)?;
        assert_eq!(con.rpush::<_, _, usize>("queue", &["a", "b", "c"])?, 3);
        assert_eq!(con.lpush::<_, _, usize>("queue", "z")?, 4);
        assert_eq!(
            con.lrange::<_, Vec<String>>("queue", 0, -1)?,
            ["z", "a", "b", "c"]
        );
        assert_eq!(
            con.lpop::<_, Option<String>>("queue", None)?.as_deref(),
            Some("z")
        );
        assert_eq!(
            con.lindex::<_, Option<String>>("queue", -1)?.as_deref(),
            Some("c")
        );
        assert_eq!(con.lrem::<_, _, usize>("queue", 1, "b")?, 1);
        assert_eq!(con.llen::<_, usize>("queue")?, 2);
        let error = con.get::<_, String>("queue").expect_err("it is a list");
        assert_eq!(error.code(), Some("WRONGTYPE"));
        Ok(())
    });
}

#[test]
fn a_caller_who_waits_for_a_list_is_served_by_another() {
    everywhere(|client| {
        let (mut waiter, mut pusher) = (connect(client)?, connect(client)?);
        thread::scope(|scope| {
            let served =
                scope.spawn(move || waiter.blpop::<_, Option<(String, String)>>(&["a", "b"], 10.0));
            let pushed: usize = pusher.rpush("b", "element")?;
            assert_eq!(pushed, 1);
            let served = served.join().expect("it does not panic")?;
            assert_eq!(served, Some(("b".into(), "element".into())));
            Ok(())
        })
    });
}

#[test]
fn a_caller_who_waits_for_a_member_is_served_by_another() {
    everywhere(|client| {
        let (mut waiter, mut adder) = (connect(client)?, connect(client)?);
        thread::scope(|scope| {
            let served = scope.spawn(move || {
                waiter.bzpopmin::<_, Option<(String, String, f64)>>(&["a", "b"], 10.0)
            });
            assert_eq!(adder.zadd::<_, _, _, usize>("b", "member", 1.5)?, 1);
            let served = served.join().expect("it does not panic")?;
            assert_eq!(served, Some(("b".into(), "member".into(), 1.5)));
            RedisResult::Ok(())
        })?;
        let mut con = connect(client)?;
        let () = con.zadd_multiple("b", &[(1, "one"), (2, "two"), (3, "three")])?;
        let popped: (String, Vec<(String, f64)>) = redis::cmd("BZMPOP")
            .arg(&["1", "1", "b", "MAX", "COUNT", "2"])
            .query(&mut con)?;
        let wanted = vec![("three".to_owned(), 3.0), ("two".to_owned(), 2.0)];
        assert_eq!(popped, ("b".to_owned(), wanted));
        let none = con.bzpopmax::<_, Option<(String, String, f64)>>("none", 0.01)?;
        assert_eq!(none, None);
        Ok(())
    });
}

#[test]
fn iterators_show_all_that_a_key_holds() {
    everywhere(|client| {
        let mut con = connect(client)?;
        let rows: Vec<(String, usize)> = (0..1000).map(|n| (format!("m{n}"), n)).collect();
        let scored: Vec<(usize, &str)> = rows.iter().map(|(m, n)| (*n, &m[..])).collect();
        let names: Vec<&str> = rows.iter().map(|(m, _)| &m[..]).collect();
        let () = con.hset_multiple("hash", &rows)?;
        let () = con.sadd("set", &names)?;
        let () = con.zadd_multiple("sorted", &scored)?;
        let sorted = |mut found: Vec<(String, usize)>| {
            found.sort_by_key(|(_, number)| *number);
            found.dedup();
            found
        };
        let fields: RedisResult<Vec<(String, usize)>> = con.hscan("hash")?.collect();
        assert_eq!(sorted(fields?), rows);
        let members: RedisResult<Vec<(String, usize)>> = con.zscan("sorted")?.collect();
        assert_eq!(sorted(members?), rows);
        let members: RedisResult<std::collections::HashSet<String>> = con.sscan("set")?.collect();
        assert_eq!(members?.len(), rows.len());
        Ok(())
    });
}

#[test]
fn a_wait_ends_when_its_time_is_over() {
    everywhere(|client| {
        let mut con = connect(client)?;
        assert_eq!(
            con.blpop::<_, Option<(String, String)>>("none", 0.01)?,
            None
        );
        Ok(())
    });
}

#[test]
fn a_subscriber_is_called_back_for_each_message() {
    everywhere(|client| {
        let (mut reader, mut writer) = (connect(client)?, connect(client)?);
        thread::scope(|scope| {
            let heard = scope.spawn(move || {
                let mut heard = Vec::new();
                reader.psubscribe("news.*", |message| {
                    heard.push((
                        message.get_channel_name().to_owned(),
                        message.get_payload::<String>().ok(),
                    ));
                    match heard.len() {
                        2 => ControlFlow::Break(heard.clone()),
                        _ => ControlFlow::Continue,
                    }
                })
            });
            while writer.publish::<_, _, usize>("news.a", "one")? == 0 {
                thread::yield_now();
            }
            let () = writer.publish("olds.a", "none")?;
            let () = writer.publish("news.b", "two")?;
            let heard = heard.join().expect("it does not panic")?;
            let wanted = [("news.a", "one"), ("news.b", "two")];
            let wanted = wanted.map(|(channel, text)| (channel.to_owned(), Some(text.to_owned())));
            assert_eq!(heard, wanted);
            Ok(())
        })
    });
}
