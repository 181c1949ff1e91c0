//! `COMMANDS`: the rows of the command table.

use crate::args::{Args, Outcome};
use crate::commands as c;
use crate::commands::waiting::Want;
use crate::db::Db;
use crate::fault::Fault;
use crate::group::Group;
use crate::session::Session;
use crate::table::{
    ADMIN, ALONE, ATOMIC, BLOCKING, Command, DIRECT, FAST, Flags, GROWS, Handler, Keys, LISTENER,
    PLAIN, PUBSUB, READ, WRITE,
};

const NONE: Keys = Keys::None;
const ONE: Keys = Keys::At(1, 1, 1);
const TWO: Keys = Keys::At(1, 2, 1);
const ALL: Keys = Keys::At(1, -1, 1);
/// Every second word, as MSET has it.
const PAIRS: Keys = Keys::At(1, -1, 2);
/// All words but the first.
const BEHIND: Keys = Keys::At(2, -1, 1);
/// All but the last word, which is a time.
const BUT_LAST: Keys = Keys::At(1, -2, 1);
/// The word behind a command's own command, as OBJECT has it.
const OBJECT: Keys = Keys::At(2, 2, 1);

const GENERIC: Group = Group::Generic;
const STRING: Group = Group::String;
const BITMAP: Group = Group::Bitmap;
const LIST: Group = Group::List;
const HASH: Group = Group::Hash;
const SET: Group = Group::Set;
const SORTED_SET: Group = Group::SortedSet;
const HYPERLOGLOG: Group = Group::HyperLogLog;
const GEO: Group = Group::Geo;
const PUBLISHING: Group = Group::Publishing;
const CONNECTION: Group = Group::Connection;
const SERVER: Group = Group::Server;
const TRANSACTIONS: Group = Group::Transactions;

const fn data(
    name: &'static str,
    arity: i8,
    flags: Flags,
    keys: Keys,
    group: Group,
    run: fn(Db<'_>, Args<'_>) -> Outcome,
) -> Command {
    let handler = Handler::Data(run);
    Command {
        name,
        arity,
        flags,
        keys,
        group,
        handler,
    }
}

const fn waiting(
    name: &'static str,
    arity: i8,
    keys: Keys,
    group: Group,
    read: fn(Args<'_>) -> Result<Want, Fault>,
) -> Command {
    Command {
        name,
        arity,
        flags: WRITE | GROWS | BLOCKING,
        keys,
        group,
        handler: Handler::Waiting(read),
    }
}

const fn whole(
    name: &'static str,
    arity: i8,
    flags: Flags,
    group: Group,
    run: fn(&larder::Store, Args<'_>) -> Outcome,
) -> Command {
    let handler = Handler::Whole(run);
    Command {
        name,
        arity,
        flags,
        keys: NONE,
        group,
        handler,
    }
}

const fn session(
    name: &'static str,
    arity: i8,
    flags: Flags,
    keys: Keys,
    group: Group,
    run: fn(&mut Session, Args<'_>) -> Outcome,
) -> Command {
    let handler = Handler::Session(run);
    Command {
        name,
        arity,
        flags,
        keys,
        group,
        handler,
    }
}

const fn between(
    name: &'static str,
    arity: i8,
    flags: Flags,
    keys: Keys,
    group: Group,
    run: fn(Db<'_>, Args<'_>) -> Outcome,
    run_between: fn(&mut Session, Args<'_>) -> Outcome,
) -> Command {
    let handler = Handler::Between(run, run_between);
    Command {
        name,
        arity,
        flags,
        keys,
        group,
        handler,
    }
}

/// All commands.
#[rustfmt::skip]
pub(crate) static COMMANDS: &[Command] = &[
    // Strings.
    data("get", 2, READ | FAST, ONE, STRING, c::strings::get),
    data("set", -3, WRITE | GROWS, ONE, STRING, c::strings::set),
    data("setnx", 3, WRITE | GROWS | FAST, ONE, STRING, c::strings::setnx),
    data("setex", 4, WRITE | GROWS, ONE, STRING, c::strings::setex),
    data("psetex", 4, WRITE | GROWS, ONE, STRING, c::strings::setex),
    data("getset", 3, WRITE | GROWS | FAST, ONE, STRING, c::strings::getset),
    data("getdel", 2, WRITE | FAST, ONE, STRING, c::strings::getdel),
    data("getex", -2, WRITE | FAST, ONE, STRING, c::strings::getex),
    data("mget", -2, READ | FAST, ALL, STRING, c::strings::mget),
    data("mset", -3, WRITE | GROWS, PAIRS, STRING, c::strings::mset),
    data("msetnx", -3, WRITE | GROWS, PAIRS, STRING, c::strings::msetnx),
    data("append", 3, WRITE | GROWS | FAST, ONE, STRING, c::strings::append),
    data("strlen", 2, READ | FAST, ONE, STRING, c::strings::strlen),
    data("getrange", 4, READ, ONE, STRING, c::strings::getrange),
    data("substr", 4, READ, ONE, STRING, c::strings::getrange),
    data("setrange", 4, WRITE | GROWS, ONE, STRING, c::strings::setrange),
    data("incr", 2, WRITE | GROWS | FAST, ONE, STRING, c::counters::incr),
    data("decr", 2, WRITE | GROWS | FAST, ONE, STRING, c::counters::decr),
    data("incrby", 3, WRITE | GROWS | FAST, ONE, STRING, c::counters::incrby),
    data("decrby", 3, WRITE | GROWS | FAST, ONE, STRING, c::counters::decrby),
    data("incrbyfloat", 3, WRITE | GROWS | FAST, ONE, STRING, c::counters::incrbyfloat),
    data("lcs", -3, READ | ATOMIC, TWO, STRING, c::lcs::lcs),
    data("msetex", -4, WRITE | GROWS, Keys::CountedPairs, STRING, c::guarded::msetex),
    data("delex", -2, WRITE | FAST, ONE, STRING, c::guarded::delex),
    data("digest", 2, READ | FAST, ONE, STRING, c::guarded::digest),
    data("delifeq", 3, WRITE | FAST, ONE, STRING, c::guarded::delifeq),
    data("increx", -2, WRITE | GROWS | FAST, ONE, STRING, c::bounded::increx),
    // Strings as bits.
    data("getbit", 3, READ | FAST, ONE, BITMAP, c::bits::getbit),
    data("setbit", 4, WRITE | GROWS, ONE, BITMAP, c::bits::setbit),
    data("bitcount", -2, READ, ONE, BITMAP, c::bits::bitcount),
    data("bitpos", -3, READ | ATOMIC, ONE, BITMAP, c::bits::bitpos),
    data("bitop", -4, WRITE | GROWS, BEHIND, BITMAP, c::bits::bitop),
    data("bitfield", -2, WRITE | GROWS | ATOMIC, ONE, BITMAP, c::bitfield::bitfield),
    data("bitfield_ro", -2, READ | FAST, ONE, BITMAP, c::bitfield::bitfield),
    // HyperLogLogs.
    data("pfadd", -2, WRITE | GROWS | FAST, ONE, HYPERLOGLOG, c::hyperloglog::add),
    data("pfcount", -2, READ, ALL, HYPERLOGLOG, c::hyperloglog::count),
    data("pfmerge", -2, WRITE | GROWS, ALL, HYPERLOGLOG, c::hyperloglog::merge),
    // Lists.
    data("lpush", -3, WRITE | GROWS | FAST, ONE, LIST, c::lists::push),
    data("rpush", -3, WRITE | GROWS | FAST, ONE, LIST, c::lists::push),
    data("lpushx", -3, WRITE | GROWS | FAST, ONE, LIST, c::lists::pushx),
    data("rpushx", -3, WRITE | GROWS | FAST, ONE, LIST, c::lists::pushx),
    data("lpop", -2, WRITE | FAST, ONE, LIST, c::lists::pop),
    data("rpop", -2, WRITE | FAST, ONE, LIST, c::lists::pop),
    data("llen", 2, READ | FAST, ONE, LIST, c::lists::len),
    data("lindex", 3, READ, ONE, LIST, c::lists::index),
    data("lrange", 4, READ, ONE, LIST, c::lists::range),
    data("lset", 4, WRITE | GROWS, ONE, LIST, c::lists::set),
    data("linsert", 5, WRITE | GROWS, ONE, LIST, c::lists::insert),
    data("lrem", 4, WRITE, ONE, LIST, c::lists::remove),
    data("ltrim", 4, WRITE, ONE, LIST, c::lists::trim),
    data("lpos", -3, READ, ONE, LIST, c::lists::position),
    data("lmove", 5, WRITE | GROWS, TWO, LIST, c::lists::move_between),
    data("rpoplpush", 3, WRITE | GROWS, TWO, LIST, c::lists::rpoplpush),
    data("lmovem", -5, WRITE | GROWS, TWO, LIST, c::lists::move_many),
    data("lmpop", -4, WRITE, Keys::Counted(1, 0), LIST, c::lists::pop_any),
    waiting("blpop", -3, BUT_LAST, LIST, c::waiting::pop),
    waiting("brpop", -3, BUT_LAST, LIST, c::waiting::pop),
    waiting("blmpop", -5, Keys::Counted(2, 0), LIST, c::waiting::pop_many),
    waiting("blmove", 6, TWO, LIST, c::waiting::move_between),
    waiting("blmovem", -6, TWO, LIST, c::waiting::move_many),
    waiting("brpoplpush", 4, TWO, LIST, c::waiting::rpoplpush),
    // Hashes.
    data("hset", -4, WRITE | GROWS | FAST, ONE, HASH, c::hashes::set),
    data("hmset", -4, WRITE | GROWS | FAST, ONE, HASH, c::hashes::set),
    data("hsetnx", 4, WRITE | GROWS | FAST, ONE, HASH, c::hashes::setnx),
    data("hget", 3, READ | FAST, ONE, HASH, c::hashes::get),
    data("hmget", -3, READ | FAST, ONE, HASH, c::hashes::mget),
    data("hgetall", 2, READ, ONE, HASH, c::hashes::getall),
    data("hkeys", 2, READ, ONE, HASH, c::hashes::keys),
    data("hvals", 2, READ, ONE, HASH, c::hashes::vals),
    data("hlen", 2, READ | FAST, ONE, HASH, c::hashes::len),
    data("hexists", 3, READ | FAST, ONE, HASH, c::hashes::exists),
    data("hstrlen", 3, READ | FAST, ONE, HASH, c::hashes::strlen),
    data("hdel", -3, WRITE | FAST, ONE, HASH, c::hashes::del),
    data("hincrby", 4, WRITE | GROWS | FAST, ONE, HASH, c::hashes::incrby),
    data("hincrbyfloat", 4, WRITE | GROWS | FAST, ONE, HASH, c::hashes::incrbyfloat),
    data("hrandfield", -2, READ, ONE, HASH, c::hashes::randfield),
    data("hscan", -3, READ, ONE, HASH, c::scan::fields),
    data("hexpire", -6, WRITE | FAST, ONE, HASH, c::field_expiry::expire),
    data("hpexpire", -6, WRITE | FAST, ONE, HASH, c::field_expiry::expire),
    data("hexpireat", -6, WRITE | FAST, ONE, HASH, c::field_expiry::expire),
    data("hpexpireat", -6, WRITE | FAST, ONE, HASH, c::field_expiry::expire),
    data("httl", -5, READ | FAST, ONE, HASH, c::field_expiry::ttl),
    data("hpttl", -5, READ | FAST, ONE, HASH, c::field_expiry::ttl),
    data("hexpiretime", -5, READ | FAST | ATOMIC, ONE, HASH, c::field_expiry::expiretime),
    data("hpexpiretime", -5, READ | FAST | ATOMIC, ONE, HASH, c::field_expiry::expiretime),
    data("hpersist", -5, WRITE | FAST | ATOMIC, ONE, HASH, c::field_expiry::persist),
    data("hgetdel", -5, WRITE | FAST, ONE, HASH, c::field_expiry::getdel),
    data("hgetex", -5, WRITE | FAST, ONE, HASH, c::field_life::getex),
    data("hsetex", -6, WRITE | GROWS | FAST, ONE, HASH, c::field_life::setex),
    // Sets.
    data("sadd", -3, WRITE | GROWS | FAST, ONE, SET, c::sets::add),
    data("srem", -3, WRITE | FAST, ONE, SET, c::sets::remove),
    data("scard", 2, READ | FAST, ONE, SET, c::sets::card),
    data("sismember", 3, READ | FAST, ONE, SET, c::sets::is_member),
    data("smismember", -3, READ | FAST, ONE, SET, c::sets::are_members),
    data("smembers", 2, READ, ONE, SET, c::sets::all),
    data("smove", 4, WRITE | FAST, TWO, SET, c::sets::move_to),
    data("spop", -2, WRITE | FAST, ONE, SET, c::sets::pop),
    data("srandmember", -2, READ, ONE, SET, c::sets::random),
    data("sinter", -2, READ, ALL, SET, c::sets::combine),
    data("sunion", -2, READ, ALL, SET, c::sets::combine),
    data("sdiff", -2, READ, ALL, SET, c::sets::combine),
    data("sinterstore", -3, WRITE | GROWS, ALL, SET, c::sets::store_combined),
    data("sunionstore", -3, WRITE | GROWS, ALL, SET, c::sets::store_combined),
    data("sdiffstore", -3, WRITE | GROWS, ALL, SET, c::sets::store_combined),
    data("sintercard", -3, READ, Keys::Counted(1, 0), SET, c::sets::combined_card),
    data("sunioncard", -3, READ, Keys::Counted(1, 0), SET, c::sets::combined_card),
    data("sdiffcard", -3, READ, Keys::Counted(1, 0), SET, c::sets::combined_card),
    data("sscan", -3, READ, ONE, SET, c::scan::members),
    // Sorted sets.
    data("zadd", -4, WRITE | GROWS | FAST, ONE, SORTED_SET, c::sorted_sets::add),
    data("zincrby", 4, WRITE | GROWS | FAST, ONE, SORTED_SET, c::sorted_sets::incrby),
    data("zcard", 2, READ | FAST, ONE, SORTED_SET, c::sorted_sets::card),
    data("zscore", 3, READ | FAST, ONE, SORTED_SET, c::sorted_sets::score_of),
    data("zmscore", -3, READ | FAST, ONE, SORTED_SET, c::sorted_sets::scores_of),
    data("zrem", -3, WRITE | FAST, ONE, SORTED_SET, c::sorted_sets::remove),
    data("zrank", -3, READ | FAST, ONE, SORTED_SET, c::sorted_sets::rank),
    data("zrevrank", -3, READ | FAST, ONE, SORTED_SET, c::sorted_sets::rank),
    data("zpopmin", -2, WRITE | FAST, ONE, SORTED_SET, c::sorted_sets::pop),
    data("zpopmax", -2, WRITE | FAST, ONE, SORTED_SET, c::sorted_sets::pop),
    data("zrange", -4, READ, ONE, SORTED_SET, c::sorted_sets::range),
    data("zrevrange", -4, READ, ONE, SORTED_SET, c::sorted_sets::range),
    data("zrangebyscore", -4, READ, ONE, SORTED_SET, c::sorted_sets::range),
    data("zrevrangebyscore", -4, READ, ONE, SORTED_SET, c::sorted_sets::range),
    data("zrangebylex", -4, READ, ONE, SORTED_SET, c::sorted_sets::range),
    data("zrevrangebylex", -4, READ, ONE, SORTED_SET, c::sorted_sets::range),
    data("zcount", 4, READ | FAST, ONE, SORTED_SET, c::sorted_sets::count),
    data("zlexcount", 4, READ | FAST, ONE, SORTED_SET, c::sorted_sets::count),
    data("zremrangebyrank", 4, WRITE, ONE, SORTED_SET, c::sorted_sets::remove_range),
    data("zremrangebyscore", 4, WRITE, ONE, SORTED_SET, c::sorted_sets::remove_range),
    data("zremrangebylex", 4, WRITE, ONE, SORTED_SET, c::sorted_sets::remove_range),
    data("zrangestore", -5, WRITE | GROWS, TWO, SORTED_SET, c::sorted_sets::store_range),
    data("zrandmember", -2, READ, ONE, SORTED_SET, c::sorted_sets::random),
    data("zscan", -3, READ, ONE, SORTED_SET, c::scan::scored),
    data("zmpop", -4, WRITE, Keys::Counted(1, 0), SORTED_SET, c::sorted_sets::pop_any),
    data("zunion", -3, READ, Keys::Counted(1, 0), SORTED_SET, c::combine::combine),
    data("zinter", -3, READ, Keys::Counted(1, 0), SORTED_SET, c::combine::combine),
    data("zdiff", -3, READ, Keys::Counted(1, 0), SORTED_SET, c::combine::combine),
    data("zunionstore", -4, WRITE | GROWS, Keys::Counted(2, 1), SORTED_SET, c::combine::store),
    data("zinterstore", -4, WRITE | GROWS, Keys::Counted(2, 1), SORTED_SET, c::combine::store),
    data("zdiffstore", -4, WRITE | GROWS, Keys::Counted(2, 1), SORTED_SET, c::combine::store),
    data("zintercard", -3, READ, Keys::Counted(1, 0), SORTED_SET, c::combine::intersection_card),
    waiting("bzpopmin", -3, BUT_LAST, SORTED_SET, c::waiting::pop_member),
    waiting("bzpopmax", -3, BUT_LAST, SORTED_SET, c::waiting::pop_member),
    waiting("bzmpop", -5, Keys::Counted(2, 0), SORTED_SET, c::waiting::pop_members),
    // Places.
    data("geoadd", -5, WRITE | GROWS, ONE, GEO, c::geo::add),
    data("geopos", -2, READ, ONE, GEO, c::geo::positions),
    data("geohash", -2, READ, ONE, GEO, c::geo::hashes),
    data("geodist", -4, READ, ONE, GEO, c::geo::dist),
    data("geosearch", -7, READ, ONE, GEO, c::geo::search),
    data("geosearchstore", -8, WRITE | GROWS, TWO, GEO, c::geo::search_store),
    data("georadius", -6, WRITE | GROWS, Keys::Stored, GEO, c::geo::radius),
    data("georadius_ro", -6, READ, ONE, GEO, c::geo::radius),
    data("georadiusbymember", -5, WRITE | GROWS, Keys::Stored, GEO, c::geo::radius),
    data("georadiusbymember_ro", -5, READ, ONE, GEO, c::geo::radius),
    // Keys.
    data("del", -2, WRITE, ALL, GENERIC, c::keys::del),
    data("unlink", -2, WRITE | FAST, ALL, GENERIC, c::keys::del),
    data("exists", -2, READ | FAST, ALL, GENERIC, c::keys::exists),
    data("touch", -2, READ | FAST, ALL, GENERIC, c::keys::touch),
    data("type", 2, READ | FAST, ONE, GENERIC, c::keys::type_of),
    data("rename", 3, WRITE, TWO, GENERIC, c::keys::rename),
    data("renamenx", 3, WRITE | FAST, TWO, GENERIC, c::keys::renamenx),
    between("copy", -3, WRITE | GROWS, TWO, GENERIC, c::keys::copy, c::keys::copy_between),
    session("move", 3, WRITE | FAST | ALONE, ONE, GENERIC, c::keys::move_to),
    data("dump", 2, READ, ONE, GENERIC, c::keys::dump),
    data("restore", -4, WRITE | GROWS, ONE, GENERIC, c::keys::restore),
    data("expire", -3, WRITE | FAST, ONE, GENERIC, c::expiry::expire),
    data("pexpire", -3, WRITE | FAST, ONE, GENERIC, c::expiry::expire),
    data("expireat", -3, WRITE | FAST, ONE, GENERIC, c::expiry::expire),
    data("pexpireat", -3, WRITE | FAST, ONE, GENERIC, c::expiry::expire),
    data("ttl", 2, READ | FAST, ONE, GENERIC, c::expiry::ttl),
    data("pttl", 2, READ | FAST, ONE, GENERIC, c::expiry::ttl),
    data("expiretime", 2, READ | FAST, ONE, GENERIC, c::expiry::expiretime),
    data("pexpiretime", 2, READ | FAST, ONE, GENERIC, c::expiry::expiretime),
    data("persist", 2, WRITE | FAST, ONE, GENERIC, c::expiry::persist),
    session("object", -2, READ | ALONE, OBJECT, GENERIC, c::keys::object),
    whole("keys", 2, READ, GENERIC, c::scan::keys),
    whole("scan", -2, READ, GENERIC, c::scan::scan),
    whole("randomkey", 1, READ, GENERIC, c::scan::randomkey),
    Command { keys: Keys::Stored, ..whole("sort", -2, WRITE | GROWS, GENERIC, c::sort::sort) },
    Command { keys: ONE, ..whole("sort_ro", -2, READ, GENERIC, c::sort::sort) },
    // Publishing.
    session("subscribe", -2, PUBSUB | LISTENER, NONE, PUBLISHING, c::pubsub::subscribe),
    session("psubscribe", -2, PUBSUB | LISTENER, NONE, PUBLISHING, c::pubsub::subscribe),
    session("unsubscribe", -1, PUBSUB | LISTENER, NONE, PUBLISHING, c::pubsub::unsubscribe),
    session("punsubscribe", -1, PUBSUB | LISTENER, NONE, PUBLISHING, c::pubsub::unsubscribe),
    session("publish", 3, PUBSUB | FAST, NONE, PUBLISHING, c::pubsub::publish),
    session("pubsub", -2, PUBSUB, NONE, PUBLISHING, c::pubsub::pubsub),
    // Connections.
    session("ping", -1, FAST | LISTENER, NONE, CONNECTION, c::connection::ping),
    session("echo", 2, FAST, NONE, CONNECTION, c::connection::echo),
    session("select", 2, FAST | ALONE, NONE, CONNECTION, c::connection::select),
    session("hello", -1, FAST, NONE, CONNECTION, c::connection::hello),
    session("client", -2, PLAIN, NONE, CONNECTION, c::client::client),
    session("quit", -1, FAST | DIRECT | LISTENER, NONE, CONNECTION, c::connection::quit),
    session("reset", 1, FAST | DIRECT | LISTENER, NONE, CONNECTION, c::connection::reset),
    session("auth", -2, FAST, NONE, CONNECTION, c::connection::auth),
    // The server.
    session("time", 1, FAST, NONE, SERVER, c::server::time),
    whole("dbsize", 1, READ | FAST, SERVER, c::server::dbsize),
    whole("flushdb", -1, WRITE, SERVER, c::server::flushdb),
    session("flushall", -1, WRITE | ALONE, NONE, SERVER, c::server::flushall),
    session("swapdb", 3, WRITE | FAST | ALONE, NONE, SERVER, c::server::swapdb),
    session("memory", -2, READ | ALONE, OBJECT, SERVER, c::server::memory),
    session("info", -1, ALONE, NONE, SERVER, c::info::info),
    session("config", -2, ADMIN, NONE, SERVER, c::config::config),
    session("debug", -2, ADMIN | ALONE, NONE, SERVER, c::server::debug),
    session("command", -1, PLAIN, NONE, SERVER, c::introspection::command),
    // Transactions.
    session("multi", 1, FAST | DIRECT, NONE, TRANSACTIONS, c::transactions::multi),
    session("exec", 1, DIRECT, NONE, TRANSACTIONS, c::transactions::exec),
    session("discard", 1, FAST | DIRECT, NONE, TRANSACTIONS, c::transactions::discard),
    session("watch", -2, FAST | DIRECT, ALL, TRANSACTIONS, c::transactions::watch),
    session("unwatch", 1, FAST, NONE, TRANSACTIONS, c::transactions::unwatch),
];
