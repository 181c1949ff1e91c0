//! The caching guide's ways, written against the `redis` crate as for a server, on larder in the process.

use std::collections::{BTreeSet, HashMap};

use larder_redis::{Client, Connection};
use redis::{Commands, RedisResult};

fn connect() -> RedisResult<Connection> {
    Client::open("larder://")?.get_connection()
}

#[test]
fn strings_with_and_without_a_deadline() -> RedisResult<()> {
    let mut con = connect()?;
    let () = con.set("key", "value")?;
    let () = con.set_ex("session:123", "data", 3600)?;
    assert_eq!(con.get::<_, String>("key")?, "value");
    assert!(con.exists::<_, bool>("key")?);
    assert_eq!(con.del::<_, usize>("key")?, 1);
    let () = con.mset(&[("key1", "value1"), ("key2", "value2")])?;
    assert_eq!(
        con.mget::<_, Vec<String>>(&["key1", "key2"])?,
        ["value1", "value2"]
    );
    assert_eq!(con.incr::<_, _, i64>("counter", 10)?, 10);
    assert_eq!(con.decr::<_, _, i64>("counter", 1)?, 9);
    Ok(())
}

#[test]
fn a_queue_that_is_waited_for() -> RedisResult<()> {
    let mut con = connect()?;
    let () = con.rpush("queue", &["task1", "task2", "task3"])?;
    assert_eq!(con.lrange::<_, Vec<String>>("queue", 0, -1)?.len(), 3);
    let task: (String, String) = con.blpop("queue", 5.0)?;
    assert_eq!(task, ("queue".to_owned(), "task1".to_owned()));
    assert_eq!(con.rpop::<_, String>("queue", None)?, "task3");
    assert_eq!(con.llen::<_, usize>("queue")?, 1);
    Ok(())
}

#[test]
fn a_user_as_a_hash() -> RedisResult<()> {
    let mut con = connect()?;
    let () = con.hset_multiple("user:123", &[("name", "John"), ("age", "30")])?;
    assert_eq!(con.hget::<_, _, String>("user:123", "name")?, "John");
    assert_eq!(con.hincr::<_, _, _, i64>("user:123", "age", 1)?, 31);
    assert_eq!(con.hdel::<_, _, usize>("user:123", "name")?, 1);
    assert!(!con.hexists::<_, _, bool>("user:123", "name")?);
    let user: HashMap<String, String> = con.hgetall("user:123")?;
    assert_eq!(user["age"], "31");
    Ok(())
}

#[test]
fn tags_as_sets() -> RedisResult<()> {
    let mut con = connect()?;
    let () = con.sadd("tags:1", &["python", "redis", "caching"])?;
    let () = con.sadd("tags:2", &["redis", "database"])?;
    assert!(con.sismember::<_, _, bool>("tags:1", "python")?);
    let both: BTreeSet<String> = con.sinter(&["tags:1", "tags:2"])?;
    assert_eq!(both, BTreeSet::from(["redis".to_owned()]));
    assert_eq!(
        con.sunion::<_, BTreeSet<String>>(&["tags:1", "tags:2"])?
            .len(),
        4
    );
    Ok(())
}

#[test]
fn the_leaderboard() -> RedisResult<()> {
    let mut con = connect()?;
    let scores = [(100, "player1"), (200, "player2"), (150, "player3")];
    let () = con.zadd_multiple("leaderboard", &scores)?;
    let top: Vec<(String, f64)> = con.zrevrange_withscores("leaderboard", 0, 1)?;
    assert_eq!(
        top,
        [("player2".to_owned(), 200.0), ("player3".to_owned(), 150.0)]
    );
    assert_eq!(con.zrevrank::<_, _, usize>("leaderboard", "player1")?, 2);
    assert_eq!(
        con.zincr::<_, _, _, f64>("leaderboard", "player1", 50)?,
        150.0
    );
    assert_eq!(
        con.zrangebyscore::<_, _, _, Vec<String>>("leaderboard", 100, 150)?
            .len(),
        2
    );
    Ok(())
}

#[test]
fn the_cache_is_looked_at_first_and_its_keys_are_dropped_by_pattern() -> RedisResult<()> {
    let mut con = connect()?;
    let mut queries = 0;
    let mut user = |con: &mut Connection| -> RedisResult<String> {
        if let Some(cached) = con.get("user:1")? {
            return Ok(cached);
        }
        queries += 1;
        let () = con.set_ex("user:1", "Ada", 3600)?;
        Ok("Ada".to_owned())
    };
    assert_eq!(
        (user(&mut con)?, user(&mut con)?),
        ("Ada".to_owned(), "Ada".to_owned())
    );
    assert_eq!(queries, 1);
    let keys: RedisResult<Vec<String>> = con.scan_match("user:*")?.collect();
    assert_eq!(con.del::<_, usize>(keys?)?, 1);
    assert!(!con.exists::<_, bool>("user:1")?);
    Ok(())
}

#[test]
fn the_limiter_counts_the_requests_in_its_window() -> RedisResult<()> {
    let mut con = connect()?;
    for nth in 0..100 {
        let now = 1000 + nth;
        let (count,): (usize,) = redis::pipe()
            .atomic()
            .zrembyscore("limit:client", 0, now - 60)
            .ignore()
            .zcard("limit:client")
            .zadd("limit:client", now, now)
            .ignore()
            .expire("limit:client", 60)
            .ignore()
            .query(&mut con)?;
        assert_eq!(count, nth.min(59) as usize);
    }
    Ok(())
}
