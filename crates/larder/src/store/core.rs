//! `Core`: what all handles of a store share, and the walk that every write takes.
//!
//! ```text
//! hash ─ stripe ─ lock ─ open the seat ─ command ─ evacuate a little ─ unlock ─ drop, count, plan upkeep
//!                          ^                │ no room
//!                          └── make room in other stripes
//! ```
//!
//! Cost of the walk: one hash, one uncontended lock, the lines of the table and the record; nothing is dropped, counted
//! or planned under the lock.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use ahash::RandomState;

use super::events::Listening;
use super::graves::{GRAVES_TICK, Graves};
use super::group::{Key, hash_key};
use super::idle::Idle;
use super::outside::Gone;
use super::seat::{After, Refusal, Seat};
use super::site::Site;
use super::tagging::Tagged;
use super::waiting::Waiting;
use super::watched::Watched;
use super::wish::Waiter;
use super::words::Words;
use crate::bus::Bus;
use crate::ds::Ref;
use crate::error::Error;
use crate::event::{EventKind, KeyEvent};
use crate::reaper::{AT_ONCE, Watch};
use crate::shard::{Departed, Departure, NoRoom, World};
use crate::stats::{Count, Counters};
use crate::stripes::{Stripes, low_bits};
use crate::time::{Clock, Present};

/// Timers looked at by a write that sets a deadline where nobody else does the upkeep.
const SELF_REAP: usize = 4;

/// A keyspace in the process: every key holds a value of one of Redis' types.
///
/// A store is a handle: clones share the keyspace, from any number of threads, and the last one frees it. Keys are any
/// bytes; values are what [`ToValue`](crate::ToValue) writes and [`FromValue`](crate::FromValue) reads.
///
/// ```
/// use larder::Store;
///
/// let store = Store::new();
/// store.set("greeting", "hello")?;
/// assert_eq!(store.get::<String>("greeting")?.as_deref(), Some("hello"));
/// assert_eq!(store.incr("visits", 1)?, 1);
/// # Ok::<(), larder::Error>(())
/// ```
///
/// | command | method |
/// |---|---|
/// | `GET` | [`get`](Store::get), [`get_into`](Store::get_into), [`get_with`](Store::get_with) |
/// | `SET`, `SETNX`, `SETEX`, `PSETEX`, `GETSET` | [`set`](Store::set), [`set_with`](Store::set_with) |
/// | `GETDEL`, `GETEX` | [`get_delete`](Store::get_delete), [`get_expire`](Store::get_expire) |
/// | `MGET`, `MSET`, `MSETNX` | [`get_many`](Store::get_many), [`set_many`](Store::set_many), [`set_many_if_absent`](Store::set_many_if_absent) |
/// | `INCR`, `INCRBY`, `DECR`, `DECRBY`, `INCRBYFLOAT` | [`incr`](Store::incr), [`decr`](Store::decr), [`incr_by_float`](Store::incr_by_float) |
/// | `APPEND`, `STRLEN`, `GETRANGE`, `SETRANGE` | [`append`](Store::append), [`len_of`](Store::len_of), [`get_range`](Store::get_range), [`set_range`](Store::set_range) |
/// | `EXISTS`, `DEL`, `UNLINK`, `TOUCH`, `TYPE` | [`exists`](Store::exists), [`exists_many`](Store::exists_many), [`remove`](Store::remove), [`remove_many`](Store::remove_many), [`touch`](Store::touch), [`key_type`](Store::key_type) |
/// | `RENAME`, `RENAMENX`, `COPY` | [`rename`](Store::rename), [`rename_if_absent`](Store::rename_if_absent), [`copy`](Store::copy), [`copy_over`](Store::copy_over) |
/// | `EXPIRE`, `PEXPIRE`, `EXPIREAT`, `PEXPIREAT` | [`expire`](Store::expire), [`expire_if`](Store::expire_if), [`expire_at`](Store::expire_at), [`expire_at_if`](Store::expire_at_if) |
/// | `TTL`, `PTTL`, `EXPIRETIME`, `PEXPIRETIME`, `PERSIST` | [`ttl`](Store::ttl), [`expire_time`](Store::expire_time), [`persist`](Store::persist) |
/// | `SCAN`, `KEYS`, `RANDOMKEY` | [`scan`](Store::scan), [`scan_with`](Store::scan_with), [`scan_page`](Store::scan_page), [`keys`](Store::keys), [`random_key`](Store::random_key) |
/// | `DBSIZE`, `FLUSHDB`, `FLUSHALL`, `INFO` | [`len`](Store::len), [`clear`](Store::clear), [`stats`](Store::stats) |
/// | `SETBIT`, `GETBIT`, `BITCOUNT`, `BITPOS` | [`set`](crate::Bits::set), [`clear`](crate::Bits::clear), [`get`](crate::Bits::get), [`count`](crate::Bits::count), [`first_set`](crate::Bits::first_set) of [`bits`](Store::bits) |
/// | `BITFIELD`, `BITOP` | [`fields`](crate::Bits::fields) of [`bits`](Store::bits), [`combine_bits`](Store::combine_bits) |
/// | `OBJECT ENCODING`, `OBJECT FREQ`, `OBJECT IDLETIME`, `OBJECT REFCOUNT`, `MEMORY USAGE` | [`inspect`](Store::inspect) |
/// | `DUMP`, `RESTORE`, `MOVE` | [`dump`](Store::dump), [`restore`](Store::restore), [`move_to`](Store::move_to); between stores also [`copy_to`](Store::copy_to), [`copy_over_to`](Store::copy_over_to) |
/// | `PFADD`, `PFCOUNT`, `PFMERGE` | [`add`](crate::HyperLogLog::add), [`count`](crate::HyperLogLog::count), [`merge`](crate::HyperLogLog::merge) of a [`hyperloglog`](Store::hyperloglog); [`count_distinct`](Store::count_distinct) |
/// | `GEOADD`, `GEOPOS`, `GEODIST`, `GEOHASH`, `GEOSEARCH`, `GEOSEARCHSTORE` | [`add`](crate::Geo::add), [`positions`](crate::Geo::positions), [`distance`](crate::Geo::distance), [`geohashes`](crate::Geo::geohashes), [`search`](crate::Geo::search), [`store_search_of`](crate::Geo::store_search_of) of a [`geo`](Store::geo) |
/// | `SORT`, `SORT_RO` | [`sort`](Store::sort), [`sort_get`](Store::sort_get), [`sort_into`](Store::sort_into) |
/// | `MULTI`, `EXEC`, `DISCARD` | [`atomic`](Store::atomic), [`atomic_all`](Store::atomic_all) |
/// | `WATCH`, `UNWATCH` | [`watch_keys`](Store::watch_keys), [`atomic_if_unchanged`](Store::atomic_if_unchanged) |
/// | `PUBLISH`, `SUBSCRIBE`, `PSUBSCRIBE` | [`publish`](Store::publish), [`subscribe`](Store::subscribe), [`psubscribe`](Store::psubscribe) |
/// | `PUBSUB CHANNELS` | [`channels`](crate::Bus::channels) of [`bus`](Store::bus) |
///
/// **Lists** ([`list`](Store::list)):
///
/// | command | method of [`List`](crate::List) |
/// |---|---|
/// | `LPUSH`, `RPUSH`, `LPUSHX`, `RPUSHX` | [`push_front_many`](crate::List::push_front_many), [`push_back_many`](crate::List::push_back_many), [`push_existing`](crate::List::push_existing) |
/// | `LPOP`, `RPOP` | [`pop_front`](crate::List::pop_front), [`pop_back`](crate::List::pop_back), [`pop_many`](crate::List::pop_many) |
/// | `LLEN`, `LINDEX`, `LRANGE`, `LPOS` | [`len`](crate::List::len), [`get`](crate::List::get), [`range`](crate::List::range), [`position`](crate::List::position), [`positions`](crate::List::positions) |
/// | `LSET`, `LINSERT`, `LREM`, `LTRIM` | [`set`](crate::List::set), [`insert_before`](crate::List::insert_before), [`insert_after`](crate::List::insert_after), [`remove`](crate::List::remove), [`trim`](crate::List::trim) |
/// | `LMOVE`, `RPOPLPUSH`, `LMOVEM`, `LMPOP` | [`move_to`](crate::List::move_to), [`move_many_to`](crate::List::move_many_to), [`Store::pop_any`] |
/// | `BLPOP`, `BRPOP`, `BLMPOP`, `BLMOVE`, `BRPOPLPUSH`, `BLMOVEM` | [`Store::take`], [`Store::take_many`], [`Store::take_to`], [`Store::take_many_to`], and each `_blocking` |
///
/// **Hashes** ([`hash`](Store::hash)):
///
/// | command | method of [`Hash`](crate::Hash) |
/// |---|---|
/// | `HSET`, `HMSET`, `HSETNX` | [`set`](crate::Hash::set), [`set_many`](crate::Hash::set_many), [`set_if_absent`](crate::Hash::set_if_absent) |
/// | `HGET`, `HMGET`, `HGETALL`, `HKEYS`, `HVALS` | [`get`](crate::Hash::get), [`get_many`](crate::Hash::get_many), [`entries`](crate::Hash::entries), [`fields`](crate::Hash::fields), [`values`](crate::Hash::values) |
/// | `HLEN`, `HSTRLEN`, `HEXISTS` | [`len`](crate::Hash::len), [`len_of`](crate::Hash::len_of), [`contains`](crate::Hash::contains) |
/// | `HDEL`, `HGETDEL` | [`remove_many`](crate::Hash::remove_many), [`take_many`](crate::Hash::take_many) |
/// | `HINCRBY`, `HINCRBYFLOAT` | [`incr`](crate::Hash::incr), [`incr_by_float`](crate::Hash::incr_by_float) |
/// | `HRANDFIELD`, `HSCAN` | [`random_many`](crate::Hash::random_many), [`scan_page`](crate::Hash::scan_page) |
/// | `HSETEX`, `HGETEX` | [`set_many_with`](crate::Hash::set_many_with), [`get_expire`](crate::Hash::get_expire) |
/// | `HEXPIRE`, `HPEXPIRE`, `HEXPIREAT`, `HPEXPIREAT` | [`expire`](crate::Hash::expire), [`expire_at`](crate::Hash::expire_at) |
/// | `HTTL`, `HPTTL`, `HEXPIRETIME`, `HPEXPIRETIME`, `HPERSIST` | [`ttl`](crate::Hash::ttl), [`expire_times`](crate::Hash::expire_times), [`persist`](crate::Hash::persist) |
///
/// **Sets** ([`set_of`](Store::set_of)):
///
/// | command | method of [`Set`](crate::Set) |
/// |---|---|
/// | `SADD`, `SREM`, `SPOP`, `SMOVE` | [`add_many`](crate::Set::add_many), [`remove_many`](crate::Set::remove_many), [`pop`](crate::Set::pop), [`pop_many`](crate::Set::pop_many), [`move_to`](crate::Set::move_to) |
/// | `SCARD`, `SISMEMBER`, `SMISMEMBER`, `SMEMBERS` | [`len`](crate::Set::len), [`contains`](crate::Set::contains), [`contains_many`](crate::Set::contains_many), [`members`](crate::Set::members) |
/// | `SRANDMEMBER`, `SSCAN` | [`random`](crate::Set::random), [`random_many`](crate::Set::random_many), [`scan_page`](crate::Set::scan_page) |
/// | `SINTER`, `SUNION`, `SDIFF` | [`Store::intersection`], [`Store::union`], [`Store::difference`] |
/// | `SINTERSTORE`, `SUNIONSTORE`, `SDIFFSTORE` | [`Store::store_intersection`], [`Store::store_union`], [`Store::store_difference`] |
/// | `SINTERCARD`, `SUNIONCARD`, `SDIFFCARD` | [`Store::intersection_len`], [`Store::union_len`], [`Store::difference_len`] |
///
/// **Sorted sets** ([`sorted_set`](Store::sorted_set)):
///
/// | command | method of [`SortedSet`](crate::SortedSet) |
/// |---|---|
/// | `ZADD`, `ZINCRBY` | [`add`](crate::SortedSet::add), [`add_many`](crate::SortedSet::add_many), [`add_with`](crate::SortedSet::add_with), [`incr`](crate::SortedSet::incr) |
/// | `ZREM`, `ZREMRANGEBYRANK`, `ZREMRANGEBYSCORE`, `ZREMRANGEBYLEX` | [`remove_many`](crate::SortedSet::remove_many), [`remove_range`](crate::SortedSet::remove_range) |
/// | `ZSCORE`, `ZMSCORE`, `ZCARD` | [`score`](crate::SortedSet::score), [`scores`](crate::SortedSet::scores), [`len`](crate::SortedSet::len) |
/// | `ZRANK`, `ZREVRANK` | [`rank`](crate::SortedSet::rank), [`rev_rank`](crate::SortedSet::rev_rank), and each `_with_score` |
/// | `ZRANGE`, `ZREVRANGE`, `ZRANGEBYSCORE`, `ZREVRANGEBYSCORE`, `ZRANGEBYLEX`, `ZREVRANGEBYLEX` | [`range`](crate::SortedSet::range), [`rev_range`](crate::SortedSet::rev_range), each `_with_scores`, of a [`Select`](crate::Select) |
/// | `ZCOUNT`, `ZLEXCOUNT` | [`count`](crate::SortedSet::count) |
/// | `ZPOPMIN`, `ZPOPMAX`, `ZMPOP` | [`pop_min`](crate::SortedSet::pop_min), [`pop_max`](crate::SortedSet::pop_max), [`Store::pop_min_any`], [`Store::pop_max_any`] |
/// | `BZPOPMIN`, `BZPOPMAX`, `BZMPOP` | [`Store::take_min`], [`Store::take_max`], [`Store::take_min_many`], [`Store::take_max_many`], and each `_blocking` |
/// | `ZRANDMEMBER`, `ZSCAN` | [`random`](crate::SortedSet::random), [`random_many`](crate::SortedSet::random_many), [`scan_page`](crate::SortedSet::scan_page) |
/// | `ZUNION`, `ZINTER`, `ZDIFF`, `ZINTERCARD` | [`Store::combine`], [`Store::combine_len`] of a [`Combine`](crate::Combine) |
/// | `ZUNIONSTORE`, `ZINTERSTORE`, `ZDIFFSTORE`, `ZRANGESTORE` | [`store_combined`](crate::SortedSet::store_combined), [`store_range_of`](crate::SortedSet::store_range_of) |
///
/// # Consistency
///
/// Every call is atomic. Reads of single strings take no lock; a read sees every write that ended before it began.
#[derive(Clone)]
pub struct Store {
    pub(crate) core: Arc<Core>,
}

impl Store {
    /// Where the store's own calls run.
    pub(crate) fn site(&self) -> Site<'_> {
        Site::Shared(&self.core)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("len", &self.core.stripes.len())
            .finish_non_exhaustive()
    }
}

/// See the module's text.
pub(crate) struct Core {
    pub(crate) stripes: Stripes<Words>,
    pub(crate) hasher: RandomState,
    pub(crate) clock: Clock,
    pub(crate) counters: Counters,
    pub(crate) watch: Watch,
    /// Who wants to know of changes.
    pub(crate) watched: Watched,
    pub(crate) listening: Listening,
    /// Who waits for a key to get elements.
    pub(crate) waiting: Waiting<Waiter>,
    pub(crate) graves: Graves,
    pub(crate) idle: Idle,
    /// Keys that have tags.
    pub(crate) tagged: Tagged,
    /// Made when it is first asked for.
    pub(crate) bus: OnceLock<Bus>,
    /// How often something was drawn.
    pub(crate) draws: AtomicU64,
}

impl Core {
    /// The hash of a key that is used.
    #[inline(always)]
    pub(crate) fn hash(&self, key: &[u8]) -> u64 {
        if let Some(tagging) = self.tagged.pending() {
            self.settle(tagging, key);
        }
        self.hash_held(key)
    }

    /// The hash of a key that is used in a transaction, whose tags were looked at before its stripe was held.
    #[inline(always)]
    pub(crate) fn hash_held(&self, key: &[u8]) -> u64 {
        let hash = hash_key(&self.hasher, key);
        self.note_use(hash);
        hash
    }

    /// Notes that the key with this hash is used.
    #[inline(always)]
    pub(crate) fn note_use(&self, hash: u64) {
        if self.idle.is_kept() {
            self.idle.note(hash, &self.clock);
        }
    }

    /// Runs `work` on the seat of a key; again, after others made room, where it finds none.
    #[inline]
    pub(crate) fn write_at<R>(
        &self,
        Key { bytes: key, hash }: Key<'_>,
        time: &Present<'_>,
        mut work: impl FnMut(&mut Seat<'_, '_>) -> Result<R, Refusal>,
    ) -> Result<R, Error> {
        let (low, mut is_waited_for) = (low_bits(hash), false);
        let mut after = After::new(false);
        let mut departed = Departed::default();
        let result = self.stripes.write(hash, &mut departed, |world, departed| {
            // Under the lock: who watches, waits or listens begins under it as well.
            if self.is_waited_for(Key { bytes: key, hash }) {
                is_waited_for = true;
                return Ok(Err(Error::TooLarge));
            }
            after.observed = self.watched.any();
            after.wanted = self.wanted_under_lock();
            let passed = |at| time.has_passed(at);
            let mut seat = Seat::open(world, departed, &mut after, key, low, passed);
            let result = work(&mut seat);
            let written = seat.entry();
            self.watched.mark(&after.touched);
            self.tidy(world, departed, &mut after, time, written);
            match result {
                Ok(result) => Ok(Ok(result)),
                Err(Refusal::Error(error)) => Ok(Err(error)),
                Err(Refusal::NoRoom) => Err(NoRoom),
            }
        });
        self.conclude(departed, &mut after);
        if is_waited_for {
            let mut result = Err(Error::TooLarge);
            self.write_waited(Key { bytes: key, hash }, &mut |seat| {
                result = Ok(work(seat)?);
                Ok(())
            })?;
            return result;
        }
        result.unwrap_or(Err(Error::TooLarge))
    }

    /// Whether somebody may want to know of changes of a key with this hash; its stripe is held.
    #[inline]
    pub(crate) fn is_observed(&self, hash: u64) -> bool {
        self.watched.any() || self.waiting.any(self.stripes.number(hash))
    }

    /// The bounded upkeep that a write does under the lock that it holds anyway.
    #[inline(always)]
    pub(crate) fn tidy(
        &self,
        world: &mut World<'_, Words>,
        departed: &mut Departed<Gone>,
        after: &mut After,
        time: &Present<'_>,
        written: Option<Ref>,
    ) {
        if after.due != u64::MAX && self.watch.is_manual() {
            self.reap_a_little(world, departed, after, time);
        }
        world.tend(departed, written);
    }

    #[inline(never)]
    fn reap_a_little(
        &self,
        world: &mut World<'_, Words>,
        departed: &mut Departed<Gone>,
        after: &mut After,
        time: &Present<'_>,
    ) {
        let now = time.now();
        world.reap(now, SELF_REAP, departed);
        self.ripen(world, departed, &mut after.events, now);
    }

    /// A number that looks random; with a seed, the next of a fixed row.
    pub(crate) fn draw(&self) -> u64 {
        self.hasher
            .hash_one(self.draws.fetch_add(1, Ordering::Relaxed))
    }

    /// What follows the unlock.
    #[inline(always)]
    pub(crate) fn conclude(&self, departed: Departed<Gone>, after: &mut After) {
        if after.added > 0 {
            self.counters.add(Count::Inserts, after.added);
        }
        if after.replaced > 0 {
            self.counters.add(Count::Replaced, after.replaced);
        }
        if after.removed > 0 {
            self.counters.add(Count::Removals, after.removed);
        }
        if after.due != u64::MAX {
            self.watch.note(after.due);
        }
        if after.large && !self.graves.has_vigil() {
            self.begin_vigil();
        }
        self.part(departed);
        if !after.events.is_empty() {
            self.announce(std::mem::take(&mut after.events));
        }
    }

    /// Has upkeep look at the graves by itself, as long as there is something large.
    #[cold]
    fn begin_vigil(&self) {
        if !self.watch.is_manual() {
            self.graves.begin_vigil();
            self.watch.note(self.clock.now() + GRAVES_TICK);
        }
    }

    /// Gives back a bounded part of what the bound is passed by, after a call that could not do so under its locks.
    pub(crate) fn repay(&self) {
        if let Some(departed) = self.stripes.shed(None) {
            self.part(departed);
        }
    }

    /// Counts and drops what left.
    #[inline(always)]
    pub(crate) fn part(&self, departed: Departed<Gone>) {
        if !departed.is_unused() {
            self.part_with(departed);
        }
    }

    #[inline(never)]
    fn part_with(&self, mut departed: Departed<Gone>) {
        let kept = departed.kept();
        if !kept.is_empty() {
            self.bury(kept);
        }
        if !departed.is_empty() {
            self.count_departed(departed);
        }
    }

    /// Drops values; the thread that does the upkeep, if there is one, frees what is large.
    #[inline(never)]
    pub(crate) fn bury(&self, gone: Vec<Gone>) {
        if !self.watch.is_manual() && self.graves.bury(gone) {
            self.watch.note(AT_ONCE);
        }
    }

    #[inline(never)]
    fn count_departed(&self, mut departed: Departed<Gone>) {
        let weight = departed.evicted_weight;
        let (mut evicted, mut expired) = (0, 0);
        let mut large = Vec::new();
        let mut events = Vec::new();
        departed.each(|cause, mut gone| {
            let kind = match cause {
                Departure::Evicted => EventKind::Evicted,
                Departure::Expired => EventKind::Expired,
            };
            evicted += u64::from(kind == EventKind::Evicted);
            expired += u64::from(kind == EventKind::Expired);
            events.extend(gone.key.take().map(|key| KeyEvent::new(key, kind)));
            if gone.is_large() {
                large.push(gone);
            }
        });
        if !large.is_empty() {
            self.bury(large);
        }
        self.counters.add(Count::Evictions, evicted);
        self.counters.add(Count::EvictedWeight, weight);
        self.counters.add(Count::Expirations, expired);
        if !events.is_empty() {
            self.announce(events);
        }
    }
}
