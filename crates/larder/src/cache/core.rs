//! `Core`: what all handles of one cache share, and the tail of every write.
//!
//! A write walks straight: hash, stripe, shard, unlock, tail. The tail ([`Core::depart`]) runs without a lock: it counts,
//! tells the listener, and drops what left.

use std::hash::{BuildHasher, Hash};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::ds::Ref;
use crate::ds::table::Slot;
use crate::entry::Entries;
use crate::reaper::Watch;
use crate::shard::{Departed, Departure, NoRoom, World};
use crate::stats::{Count, Counters};
use crate::stripes::Stripes;
use crate::tags::{Stamp, Tag};
use crate::time::{Clock, Millis, Present, millis};
use crate::wait::Alarms;

use super::freshness::{Rules, Standing};
use super::listener::Cause;
use super::typed::Typed;
use super::write::find_at;

/// What an entry counts against `max_weight`.
pub(super) type Weigher<K, V> = Box<dyn Fn(&K, &V) -> u64 + Send + Sync>;
/// Told of every value that left.
pub(super) type Listener<K, V> = Box<dyn Fn(&K, &V, Cause) + Send + Sync>;
/// Gives every entry the tags that follow from its key.
pub(super) type Tagger<K> = Box<dyn Fn(&K, &mut Vec<Tag>) + Send + Sync>;
/// Runs a refresh sometime, elsewhere.
pub(super) type Executor = Box<dyn Fn(Box<dyn FnOnce() + Send>) + Send + Sync>;
/// The time to live of a value.
pub(super) type TtlOf<V> = Box<dyn Fn(&V) -> Option<Duration> + Send + Sync>;
/// The holder's view of a stripe.
pub(super) type Open<'a, K, V> = World<'a, Typed<K, V>>;
/// What left on the way.
pub(super) type Left<K, V> = Departed<(K, V)>;

/// Idle times below this are counted by the fine clock; longer ones end some milliseconds late.
const FINE_BELOW_MS: Millis = 1_000;
/// Timers that a write looks at where nobody else does.
const PIGGYBACK: usize = 8;
/// An odd constant without structure, for mixing: the golden ratio's bits.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// See the module's text.
pub(super) struct Core<K, V, S> {
    pub(super) stripes: Stripes<Typed<K, V>>,
    pub(super) hasher: S,
    /// Whether hashes are mixed once more: they come from a hasher that we do not know.
    pub(super) mixes: bool,
    pub(super) clock: Clock,
    pub(super) ttl: Option<Millis>,
    pub(super) idle: Option<Millis>,
    pub(super) weigher: Option<Weigher<K, V>>,
    pub(super) listener: Option<Listener<K, V>>,
    /// Freshness and tags, where entries have marks.
    pub(super) rules: Option<Box<Rules>>,
    pub(super) judge: Judge<V>,
    pub(super) tag_by: Vec<Tagger<K>>,
    pub(super) executor: Option<Executor>,
    pub(super) counters: Counters,
    pub(super) watch: Watch,
    /// Callers whose willingness to wait has an end.
    pub(super) alarms: Alarms,
}

/// When a new value starts and ends.
pub(super) struct Life<'c> {
    /// The time of the call that writes it.
    pub(super) time: Present<'c>,
    /// From when its idle time counts; known only where something depends on it.
    pub(super) now: Option<Millis>,
    pub(super) deadline: Option<Millis>,
    /// Before the deadline where stale values are kept.
    pub(super) fresh_until: Option<Millis>,
}

impl<'c> Life<'c> {
    /// That of a value without a deadline.
    #[inline]
    pub(super) fn endless(time: Present<'c>) -> Self {
        Life {
            time,
            now: None,
            deadline: None,
            fresh_until: None,
        }
    }
}

/// What follows from a value itself.
pub(super) struct Judge<V> {
    pub(super) ttl_of: Option<TtlOf<V>>,
    /// Whether it stands for a load that failed.
    pub(super) is_failure: Option<fn(&V) -> bool>,
}

impl<V> Judge<V> {
    pub(super) fn is_failure(&self, value: &V) -> bool {
        self.is_failure.is_some_and(|is_failure| is_failure(value))
    }
}

/// Where a value comes from.
#[derive(Default)]
pub(super) struct Origin {
    /// The tags' epoch when its source was asked.
    pub(super) epoch: u64,
    pub(super) load_nanos: u64,
    /// Besides those that follow from its key.
    pub(super) tags: Vec<Tag>,
}

/// What a key had before it was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    Nothing,
    Live,
    /// A value whose deadline had passed.
    Expired,
}

impl Before {
    /// The value that gave way, whose key is the one that was written.
    #[inline(always)]
    pub(super) fn displaced<K, V>(self, pair: Option<(K, V)>) -> Option<Displaced<K, V>> {
        let expired = self == Before::Expired;
        pair.map(|pair| Displaced { pair, expired })
    }
}

/// A value that gave way to another.
pub(super) struct Displaced<K, V> {
    pub(super) pair: (K, V),
    /// Whether its deadline had passed, so that it was no longer there as far as anyone could tell.
    pub(super) expired: bool,
}

impl<K, V, S: BuildHasher> Core<K, V, S> {
    #[inline(always)]
    pub(super) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        let hash = self.hasher.hash_one(key);
        if self.mixes { mix(hash) } else { hash }
    }
}

/// Spreads what a poor hasher leaves in some bits over all.
fn mix(hash: u64) -> u64 {
    let product = u128::from(hash ^ MIX) * u128::from(MIX);
    (product >> 64) as u64 ^ product as u64
}

impl<K, V, S> Core<K, V, S> {
    /// What a pair weighs; at least 1, so that a bound on weight bounds the number of entries too.
    #[inline]
    pub(super) fn weigh(&self, key: &K, value: &V) -> u64 {
        self.weigher
            .as_ref()
            .map_or(1, |weigher| weigher(key, value).max(1))
    }

    /// The life of a value that is written now with the cache's own time to live.
    #[inline]
    pub(super) fn life(&self) -> Life<'_> {
        self.life_at(self.clock.present())
    }

    /// [`Self::life`] in a call that has looked at the time, or goes on to.
    #[inline]
    fn life_at<'c>(&self, time: Present<'c>) -> Life<'c> {
        if self.ttl.is_none() && self.idle.is_none() {
            return Life::endless(time);
        }
        self.life_of(self.ttl, time)
    }

    /// The life of a value that is written now, as the value itself and its source have it.
    #[inline]
    pub(super) fn life_by<'c>(
        &self,
        value: &V,
        ttl: Option<Duration>,
        time: Present<'c>,
    ) -> Life<'c> {
        if ttl.is_none() && self.judge.ttl_of.is_none() {
            return self.life_at(time);
        }
        let judged = || self.judge.ttl_of.as_ref()?(value);
        let ttl = ttl.or_else(judged).map(millis);
        self.life_of(ttl.or(self.ttl), time)
    }

    /// The life of a value that is written now.
    fn life_of<'c>(&self, ttl: Option<Millis>, time: Present<'c>) -> Life<'c> {
        let (ttl, grace) = match &self.rules {
            Some(rules) => (ttl.map(|ttl| rules.jittered(ttl)), rules.grace()),
            None => (ttl, 0),
        };
        let fresh_until = ttl.map(|ttl| time.after(ttl));
        Life {
            now: Some(self.access_time(&time)),
            deadline: fresh_until.map(|until| until.saturating_add(grace)),
            fresh_until,
            time,
        }
    }

    /// The time as a call sees it that may count as an access.
    #[inline]
    pub(super) fn present(&self) -> Present<'_> {
        if self.has_short_idle() {
            self.clock.exact_present()
        } else {
            self.clock.present()
        }
    }

    /// From when idle time counts after an access: not before it, so that no entry expires early.
    #[inline]
    pub(super) fn access_time(&self, time: &Present<'_>) -> Millis {
        if self.has_short_idle() {
            time.up()
        } else {
            time.soon()
        }
    }

    #[inline]
    fn has_short_idle(&self) -> bool {
        self.idle.is_some_and(|idle| idle < FINE_BELOW_MS)
    }

    /// The life of a value that is written now and ends after `ttl`.
    pub(super) fn life_for(&self, ttl: Duration) -> Life<'_> {
        self.life_of(Some(millis(ttl)), self.clock.present())
    }

    /// Whether an entry that the table names is there as far as callers can tell.
    #[inline]
    pub(super) fn is_live(&self, entries: &Typed<K, V>, entry: Ref, time: &Present<'_>) -> bool {
        if !entries.may_expire() {
            return true;
        }
        if let (Some(rules), Some(mark)) = (&self.rules, entries.mark(entry)) {
            return rules.is_fresh(mark, time)
                && (!entries.has_idle_time() || is_kept(entries, entry, time));
        }
        is_kept(entries, entry, time)
    }

    /// How an entry stands before a caller that could load it.
    pub(super) fn standing(
        &self,
        entries: &Typed<K, V>,
        entry: Ref,
        time: &Present<'_>,
    ) -> Standing {
        match (&self.rules, entries.mark(entry)) {
            _ if !is_kept(entries, entry, time) => Standing::Gone,
            (Some(rules), Some(mark)) => rules.standing(mark, time),
            _ => Standing::Use,
        }
    }

    /// The present epoch of the tags.
    pub(super) fn epoch(&self) -> u64 {
        self.rules.as_ref().map_or(0, |rules| rules.epoch())
    }

    /// The origin of a value that is at hand now; `None` where nobody asks.
    #[inline]
    pub(super) fn origin(&self) -> Option<Origin> {
        self.rules.as_ref().map(|rules| Origin {
            epoch: rules.epoch(),
            ..Origin::default()
        })
    }

    /// Notes an entry's tags, and what its load knew.
    #[inline]
    pub(super) fn sign(&self, world: &mut Open<'_, K, V>, entry: Ref, origin: Option<&mut Origin>) {
        if let Some(origin) = origin
            && self.rules.is_some()
        {
            self.sign_with(world, entry, origin);
        }
    }

    fn sign_with(&self, world: &mut Open<'_, K, V>, entry: Ref, origin: &mut Origin) {
        let entries = &mut world.shard.entries;
        let mut tags = std::mem::take(&mut origin.tags);
        if let Some((key, _)) = entries.pair(entry) {
            self.tag_by.iter().for_each(|tag_by| tag_by(key, &mut tags));
        }
        if let Some(mark) = entries.mark_mut(entry) {
            mark.sign(origin.load_nanos, Stamp::new(origin.epoch, tags));
        }
    }

    /// Stores a pair, for whose key `hash` is known, and takes out what it displaces. Returns where it stands, too.
    pub(super) fn place(
        &self,
        world: &mut Open<'_, K, V>,
        left: &mut Left<K, V>,
        hash: u32,
        pair: &mut Option<(K, V)>,
        weight_and_life: (u64, &Life<'_>),
    ) -> Result<(Ref, Option<Displaced<K, V>>), NoRoom>
    where
        K: Eq,
    {
        let (entry, before) = self.settle(world, left, hash, pair, weight_and_life)?;
        Ok((entry, before.displaced(pair.take())))
    }

    /// [`Self::place`], which leaves what it displaces in `pair`.
    #[inline(always)]
    pub(super) fn settle(
        &self,
        world: &mut Open<'_, K, V>,
        left: &mut Left<K, V>,
        hash: u32,
        pair: &mut Option<(K, V)>,
        (weight, life): (u64, &Life<'_>),
    ) -> Result<(Ref, Before), NoRoom>
    where
        K: Eq,
    {
        self.piggyback(world, left, life);
        let (key, value) = pair.as_mut().expect("a pair is placed once");
        let spot = world.table.spot(hash);
        if let Some(place) = find_at(world, spot, key) {
            let before = self.displace(world, left, place, value, (weight, life))?;
            return Ok((place.1, before));
        }
        let spot = world.approach(spot);
        world.make_room(weight, None, left)?;
        let (key, value) = pair.take().expect("a pair is placed once");
        let entry = world.shard.entries.put(hash, key, value, weight);
        self.begin(world, entry, life);
        world.add(spot, entry);
        Ok((entry, Before::Nothing))
    }

    /// Exchanges a value for that of an entry.
    #[inline(always)]
    fn displace(
        &self,
        world: &mut Open<'_, K, V>,
        left: &mut Left<K, V>,
        (slot, entry): (Slot, Ref),
        value: &mut V,
        (weight, life): (u64, &Life<'_>),
    ) -> Result<Before, NoRoom> {
        let old = world.shard.entries.weight(world.shared, entry);
        if weight > old {
            world.make_room(weight - old, Some(entry), left)?;
        }
        let held = world.shard.entries.pair_mut(entry);
        std::mem::swap(&mut held.expect("the table names live entries").1, value);
        self.reweigh(world, entry, old, weight);
        world.touch(slot, entry);
        if life.now.is_none() && !world.shard.entries.may_expire() {
            return Ok(Before::Live);
        }
        Ok(self.begin_anew(world, entry, life))
    }

    /// Starts another life of an entry; tells how the one before stood.
    #[inline(never)]
    fn begin_anew(&self, world: &mut Open<'_, K, V>, entry: Ref, life: &Life<'_>) -> Before {
        let was_live = self.is_live(&world.shard.entries, entry, &life.time);
        let filed = world.shard.entries.deadline(world.shared, entry);
        self.begin_timed(world, entry, life);
        refile(world, entry, filed);
        if was_live {
            Before::Live
        } else {
            Before::Expired
        }
    }

    /// Takes an entry out.
    pub(super) fn discard(
        &self,
        world: &mut Open<'_, K, V>,
        (slot, entry): (Slot, Ref),
        hash: u32,
        time: &Present<'_>,
    ) -> Displaced<K, V> {
        let expired = !self.is_live(&world.shard.entries, entry, time);
        let pair = world.discard(slot, entry, hash);
        Displaced { pair, expired }
    }

    /// Books another weight of an entry, for which room was made.
    #[inline]
    pub(super) fn reweigh(&self, world: &mut Open<'_, K, V>, entry: Ref, old: u64, new: u64) {
        if new != old {
            world.shard.entries.set_weight(entry, new);
            world.revise(entry, entry, old);
            world.return_room(old.saturating_sub(new));
        }
    }

    /// Sets an entry's deadline and notes the access.
    #[inline(always)]
    fn begin(&self, world: &mut Open<'_, K, V>, entry: Ref, life: &Life<'_>) {
        if life.now.is_some() || world.shard.entries.may_expire() {
            self.begin_timed(world, entry, life);
        }
    }

    /// [`Self::begin`] where anything has a deadline.
    #[inline(never)]
    fn begin_timed(&self, world: &mut Open<'_, K, V>, entry: Ref, life: &Life<'_>) {
        let entries = &mut world.shard.entries;
        entries.set_deadline(entry, life.deadline);
        if let (Some(rules), Some(mark)) = (&self.rules, entries.mark_mut(entry)) {
            *mark = rules.mark(life);
        }
        if let Some(now) = life.now {
            entries.note_access(entry, now);
        }
    }

    /// Reaps a little where no thread does.
    #[inline]
    fn piggyback(&self, world: &mut Open<'_, K, V>, left: &mut Left<K, V>, life: &Life<'_>) {
        if life.now.is_some() && self.watch.is_manual() {
            world.reap(life.time.now(), PIGGYBACK, left);
        }
    }

    /// Sees to it that the end of a life is watched. Call it after the unlock.
    #[inline]
    pub(super) fn watch_over(&self, life: &Life<'_>) {
        if let Some(now) = life.now {
            let idle = self.idle.map(|idle| now.saturating_add(idle));
            if let Some(due) = life.deadline.into_iter().chain(idle).min() {
                self.watch.note(due);
            }
        }
    }

    /// The tail of everything that may evict or expire entries.
    #[inline(always)]
    pub(super) fn depart(&self, mut left: Left<K, V>) {
        if !left.is_empty() {
            self.part(&mut left);
        }
    }

    fn part(&self, left: &mut Left<K, V>) {
        if left.evicted_weight > 0 {
            self.counters.add(Count::EvictedWeight, left.evicted_weight);
        }
        left.each(|departure, (key, value)| {
            let (count, cause) = match departure {
                Departure::Evicted => (Count::Evictions, Cause::Evicted),
                Departure::Expired => (Count::Expirations, Cause::Expired),
            };
            self.counters.count(count);
            self.tell(&key, &value, cause);
        });
    }

    /// Tells the listener; its panics end here.
    #[inline]
    pub(super) fn tell(&self, key: &K, value: &V, cause: Cause) {
        if let Some(listener) = &self.listener
            && catch_unwind(AssertUnwindSafe(|| listener(key, value, cause))).is_err()
        {
            self.counters.count(Count::ListenerPanics);
        }
    }
}

/// Whether an entry's deadline has not passed; what is kept may be stale.
#[inline]
fn is_kept<K, V>(entries: &Typed<K, V>, entry: Ref, time: &Present<'_>) -> bool {
    let deadline = entries.deadline(&(), entry);
    !deadline.is_some_and(|at| time.has_passed(at))
}

/// Files a timer if the entry now ends earlier than it did: a later end is noticed when the old timer fires.
pub(super) fn refile<K, V>(world: &mut Open<'_, K, V>, entry: Ref, before: Option<Millis>) {
    let Some(after) = world.shard.entries.deadline(world.shared, entry) else {
        return;
    };
    if before.is_none_or(|before| after < before) {
        world.schedule(entry);
    }
}
