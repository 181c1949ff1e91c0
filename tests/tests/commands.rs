//! The page of commands: what a user of a server looks for stands in the table on `Store`'s page, beside a method that a
//! search of the documentation for the command's name finds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const KEYS: &str = "COPY DEL EXISTS EXPIRE EXPIREAT EXPIRETIME KEYS OBJECT_ENCODING OBJECT_FREQ OBJECT_IDLETIME PERSIST \
    PEXPIRE PEXPIREAT PEXPIRETIME PTTL RANDOMKEY RENAME RENAMENX SCAN SORT SORT_RO TOUCH TTL TYPE UNLINK MEMORY_USAGE";
const LISTS: &str = "BLMOVE BLMOVEM BLMPOP BLPOP BRPOP BRPOPLPUSH LINDEX LINSERT LLEN LMOVE LMOVEM LMPOP LPOP LPOS LPUSH LPUSHX LRANGE \
    LREM LSET LTRIM RPOP RPOPLPUSH RPUSH RPUSHX";
const HASHES: &str = "HDEL HEXISTS HEXPIRE HEXPIREAT HEXPIRETIME HGET HGETALL HGETDEL HGETEX HINCRBY HINCRBYFLOAT HKEYS \
    HLEN HMGET HMSET HPERSIST HPEXPIRE HPEXPIREAT HPEXPIRETIME HPTTL HRANDFIELD HSCAN HSET HSETEX HSETNX HSTRLEN HTTL \
    HVALS";
const SETS: &str = "SADD SCARD SDIFF SDIFFCARD SDIFFSTORE SINTER SINTERCARD SINTERSTORE SISMEMBER SMEMBERS SMISMEMBER \
    SMOVE SPOP SRANDMEMBER SREM SSCAN SUNION SUNIONCARD SUNIONSTORE";
const SORTED_SETS: &str = "BZMPOP BZPOPMAX BZPOPMIN ZADD ZCARD ZCOUNT ZDIFF ZDIFFSTORE ZINCRBY ZINTER ZINTERCARD \
    ZINTERSTORE ZLEXCOUNT ZMPOP ZMSCORE ZPOPMAX ZPOPMIN ZRANDMEMBER ZRANGE ZRANGEBYLEX ZRANGEBYSCORE ZRANGESTORE ZRANK \
    ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE \
    ZUNION ZUNIONSTORE";
const TRANSACTIONS: &str = "DISCARD EXEC MULTI UNWATCH WATCH";

/// Names of commands, in which a blank is written as a line.
fn names(list: &str) -> impl Iterator<Item = String> {
    list.split_whitespace().map(|name| match name {
        "SORT_RO" => name.to_owned(),
        _ => name.replace('_', " "),
    })
}

fn engine() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/larder/src")
}

fn sources(folder: &Path, texts: &mut Vec<String>) {
    let entries = fs::read_dir(folder).expect("the engine's sources are there");
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, texts);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            texts.push(fs::read_to_string(&path).expect("a source is text"));
        }
    }
}

/// What stands between marks, pair by pair.
fn between(text: &str, mark: char) -> impl Iterator<Item = &str> {
    text.split(mark).skip(1).step_by(2)
}

/// The names under which methods and fields can be found: alias, and the names of what has it.
fn aliases() -> BTreeMap<String, BTreeSet<String>> {
    let (mut texts, mut found) = (Vec::new(), BTreeMap::new());
    sources(&engine(), &mut texts);
    for text in &texts {
        for part in text.split("#[doc(alias").skip(1) {
            let (attribute, rest) = part.split_once(")]").unwrap_or((part, ""));
            let item = rest.split("pub ").nth(1).unwrap_or_default();
            let words = item.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let mut words =
                words.filter(|word| !["fn", "async", "const", "struct", ""].contains(word));
            let Some(item) = words.next() else { continue };
            for alias in between(attribute, '"') {
                let items: &mut BTreeSet<String> = found.entry(alias.to_owned()).or_default();
                items.insert(item.to_owned());
            }
        }
    }
    found
}

/// The rows of the table on `Store`'s page: commands, and the methods named beside them.
fn table() -> Vec<(Vec<String>, Vec<String>)> {
    let text = fs::read_to_string(engine().join("store/core.rs")).expect("the page is there");
    let rows = text.lines().filter_map(|line| line.strip_prefix("/// | `"));
    let row = |row: &str| {
        let (commands, methods) = row.split_once('|')?;
        let commands = format!("`{commands}");
        let methods = between(methods, '`').filter_map(|name| name.rsplit("::").next());
        Some((
            between(&commands, '`').map(str::to_owned).collect(),
            methods.map(str::to_owned).collect(),
        ))
    };
    rows.filter_map(row).collect()
}

#[test]
fn every_command_stands_in_the_table() {
    let listed: BTreeSet<String> = table()
        .into_iter()
        .flat_map(|(commands, _)| commands)
        .collect();
    let all = [KEYS, LISTS, HASHES, SETS, SORTED_SETS, TRANSACTIONS];
    let missing: Vec<String> = all
        .into_iter()
        .flat_map(names)
        .filter(|name| !listed.contains(name))
        .collect();
    assert_eq!(missing, [""; 0], "not in the table of `Store`'s page");
}

#[test]
fn every_command_of_the_table_finds_a_method_of_its_row() {
    let aliases = aliases();
    let mut faults = Vec::new();
    for (commands, methods) in table() {
        for command in commands {
            let found = aliases.get(&command);
            if !found.is_some_and(|items| methods.iter().any(|method| items.contains(method))) {
                faults.push(format!("{command} is no alias of any of {methods:?}"));
            }
        }
    }
    assert_eq!(faults, [""; 0]);
}

#[test]
fn no_command_has_two_rows_of_one_kind() {
    let mut seen = BTreeSet::new();
    let doubled: Vec<_> = table()
        .into_iter()
        .filter(|row| !seen.insert(row.clone()))
        .collect();
    assert!(doubled.is_empty(), "{doubled:?}");
}
