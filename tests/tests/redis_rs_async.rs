//! Asynchronous code against the `redis` crate, unchanged, on larder and on every real server that is found.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use larder_redis::{AsyncConnection, Client};
use larder_tests::servers::Program;
use redis::aio::ConnectionLike;
use redis::{AsyncCommands, RedisResult};

/// How often the clients are asked for before they are taken to be what they will be: seconds, with a server.
const ASKS: usize = 100_000;

/// Runs `work` with a client of larder, then with one of each server.
fn everywhere<F: Future<Output = RedisResult<()>>>(work: impl Fn(Client) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime can be made");
    let larder = Client::open("larder://").expect("the URL is right");
    runtime.block_on(work(larder)).expect("larder does it");
    let programs = Program::all();
    if programs.is_empty() {
        eprintln!("skipped: no redis-server or valkey-server to run it on as well");
    }
    for program in programs {
        let server = program.start();
        let url = format!("redis://127.0.0.1:{}", server.port);
        let client = Client::open(url).expect("the URL is right");
        let done = runtime.block_on(work(client));
        done.unwrap_or_else(|error| panic!("{}: {error}", program.version));
    }
}

/// What any asynchronous connection does.
async fn basics(con: &mut (impl ConnectionLike + Send + Sync)) -> RedisResult<()> {
    let () = con.set("key", "value").await?;
    assert_eq!(con.get::<_, String>("key").await?, "value");
    let (a, b): (i64, i64) = redis::pipe()
        .atomic()
        .incr("a", 1)
        .incr("b", 2)
        .query_async(con)
        .await?;
    assert_eq!((a, b), (1, 2));
    let both: (i64, Option<String>) = redis::pipe()
        .incr("a", 1)
        .get("none")
        .query_async(con)
        .await?;
    assert_eq!(both, (2, None));
    let pairs: Vec<(String, i64)> = (0..300).map(|n| (format!("scan:{n}"), n)).collect();
    let () = con.mset(&pairs).await?;
    let mut keys = con.scan_match::<_, String>("scan:*").await?;
    let mut found = Vec::new();
    while let Some(key) = keys.next_item().await {
        found.push(key?);
    }
    drop(keys);
    found.sort();
    found.dedup();
    assert_eq!(found.len(), pairs.len());
    redis::cmd("FLUSHALL").exec_async(con).await
}

#[test]
fn commands_pipelines_and_scans() {
    everywhere(|client| async move { basics(&mut client.get_async_connection().await?).await });
}

#[test]
fn the_crates_own_multiplexed_connection() {
    everywhere(|client| async move {
        basics(&mut client.get_multiplexed_async_connection().await?).await
    });
}

#[test]
fn a_watched_key_that_changes_makes_a_transaction_begin_again() {
    everywhere(|client| async move {
        let con = client.get_async_connection().await?;
        let mut other = client.get_async_connection().await?;
        let () = other.set("stock", 5).await?;
        let mut rounds = 0;
        let sell = |mut con: AsyncConnection, mut pipeline: redis::Pipeline| {
            rounds += 1;
            let (first, mut other) = (rounds == 1, other.clone());
            async move {
                let stock: i64 = con.get("stock").await?;
                if first {
                    let () = other.set("stock", 9).await?;
                }
                pipeline
                    .set("stock", stock - 1)
                    .ignore()
                    .get("stock")
                    .query_async(&mut con)
                    .await
            }
        };
        let (left,): (i64,) = redis::aio::transaction_async(con, &["stock"], sell).await?;
        assert_eq!((left, rounds), (8, 2));
        Ok(())
    });
}

#[test]
fn a_subscriber_reads_a_stream_of_messages() {
    everywhere(|client| async move {
        let mut con = client.get_async_connection().await?;
        let mut news = client.get_async_pubsub().await?;
        news.subscribe("news").await?;
        news.psubscribe("n*").await?;
        assert_eq!(con.publish::<_, _, usize>("news", "hello").await?, 2);
        let mut stream = pin!(news.on_message());
        for _ in 0..2 {
            let next = stream.next().await.expect("there is a message");
            assert_eq!(next.get_payload::<String>()?, "hello");
        }
        Ok(())
    });
}

/// Runs a future to its end, and beside it a wait that has none meanwhile.
async fn beside<T>(wait: &mut (impl Future + Unpin), work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|context| {
        let done = work.as_mut().poll(context);
        let waits = pin!(&mut *wait).poll(context).is_pending();
        assert!(waits, "nothing is there that could end the wait");
        done
    })
    .await
}

/// Asks for the list of clients until it is as wanted.
async fn until(con: &mut AsyncConnection, is: impl Fn(&str) -> bool) -> RedisResult<()> {
    for _ in 0..ASKS {
        let clients: String = redis::cmd("CLIENT").arg("LIST").query_async(con).await?;
        if is(&clients) {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
    panic!("the clients are not as they should come to be");
}

/// larder's end of the pipe once served the wait of a connection that was gone: the element was lost.
#[test]
fn a_connection_that_is_dropped_while_it_waits_takes_nothing_with_it() {
    everywhere(|client| async move {
        let mut con = client.get_async_connection().await?;
        let mut waiter = client.get_multiplexed_async_connection().await?;
        let mut wait = Box::pin(async move {
            let () = waiter.set("before", 1).await?;
            waiter.blpop::<_, (String, String)>("queue", 0.0).await
        });
        let waits = until(&mut con, |clients| clients.contains("flags=b"));
        beside(&mut wait, waits).await?;
        drop(wait);
        until(&mut con, |clients| clients.lines().count() == 1).await?;
        assert_eq!(con.rpush::<_, _, usize>("queue", "one").await?, 1);
        assert_eq!(con.llen::<_, usize>("queue").await?, 1);
        Ok(())
    });
}

/// What is asked in one go with a command that waits is answered before that.
#[test]
fn who_asked_before_a_wait_is_answered_before_it() {
    everywhere(|client| async move {
        let mut con = client.get_async_connection().await?;
        let shared = client.get_multiplexed_async_connection().await?;
        let (mut one, mut other) = (shared.clone(), shared);
        let set = async move { one.set::<_, _, ()>("before", 1).await };
        let mut wait =
            Box::pin(async move { other.blpop::<_, (String, String)>("queue", 0.0).await });
        beside(&mut wait, set).await?;
        assert_eq!(con.rpush::<_, _, usize>("queue", "one").await?, 1);
        assert_eq!(wait.await?, ("queue".into(), "one".into()));
        Ok(())
    });
}

#[test]
fn a_wait_on_larder_holds_up_no_other_clone_and_loses_nothing_when_dropped() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime can be made");
    let done: RedisResult<()> = runtime.block_on(async {
        let client = Client::open("larder://")?;
        let mut con = client.get_async_connection().await?;
        let mut waiter = con.clone();
        let mut wait = Box::pin(waiter.blpop::<_, (String, String)>("queue", 0.0));
        poll_fn(|context| {
            assert!(wait.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        assert_eq!(con.rpush::<_, _, usize>("queue", "one").await?, 1);
        // It was served, but never saw the element: that goes back.
        drop(wait);
        assert_eq!(
            con.lpop::<_, Option<String>>("queue", None)
                .await?
                .as_deref(),
            Some("one")
        );
        let over = con.blpop::<_, Option<(String, String)>>("queue", 0.001);
        let over = tokio::time::timeout(Duration::from_secs(20), over).await;
        assert_eq!(over.expect("its own time is shorter")?, None);
        let () = con.zadd("sorted", "member", 2).await?;
        let mut waiter = con.clone();
        let mut wait =
            Box::pin(waiter.bzpopmax::<_, (String, String, f64)>(&["later", "none"], 0.0));
        poll_fn(|context| {
            assert!(wait.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        let () = con.rename("sorted", "later").await?;
        assert_eq!(wait.await?, ("later".into(), "member".into(), 2.0));
        Ok(())
    });
    done.expect("larder does it");
}
