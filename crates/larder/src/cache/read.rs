//! Reading a cache: look-ups that take one stripe's lock for reading.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

use equivalent::Equivalent;

use crate::ds::Ref;
use crate::ds::table::Glance;
use crate::entry::Entries;
use crate::stats::Count;
use crate::stripes::low_bits;
use crate::time::Present;

use super::Cache;
use super::core::Core;
use super::freshness::Standing;
use super::typed::{Typed, Watch};

/// Keys of a batch whose cache misses overlap.
const BATCH: usize = 16;

impl<K, V, S> Core<K, V, S> {
    /// Looks an entry up, counts the look-up and, for the policy, the access, and shows the pair to `read`.
    ///
    /// This is the whole of a plain hit or miss; whatever is out of the common is left to [`Self::get_slowly`]. The `time` is
    /// asked for only where a deadline depends on it.
    #[inline(always)]
    pub(super) fn get<'c, Q: Equivalent<K> + ?Sized, T: Borrow<Present<'c>>, R>(
        &self,
        (key, hash): (&Q, u64),
        time: impl FnOnce() -> T,
        read: impl FnOnce(&V) -> R,
    ) -> Option<R> {
        let stripe = self.stripes.of(hash);
        if let Some(shard) = stripe.enter() {
            let entries = &shard.entries;
            match stripe.table.glance(low_bits(hash)) {
                Glance::Absent => {
                    self.counters.count_by(shard.number(), Count::Misses);
                    return None;
                }
                Glance::Seen(seen) => {
                    let entry = seen.reference();
                    if let Some((held, value)) = entries.pair(entry)
                        && key.equivalent(held)
                    {
                        if !self.admits(entries, entry, time) {
                            self.counters.count_by(shard.number(), Count::Misses);
                            return None;
                        }
                        seen.touch();
                        self.counters.count_by(shard.number(), Count::Hits);
                        return Some(read(value));
                    }
                }
                Glance::Elsewhere => {}
            }
        }
        self.get_slowly((key, hash), time, read)
    }

    /// [`Self::get`] where the stripe's latch is shut, or more than a glance is needed.
    #[inline(never)]
    fn get_slowly<'c, Q: Equivalent<K> + ?Sized, T: Borrow<Present<'c>>, R>(
        &self,
        (key, hash): (&Q, u64),
        time: impl FnOnce() -> T,
        read: impl FnOnce(&V) -> R,
    ) -> Option<R> {
        let found = self.stripes.of(hash).read(|table, _, shard| {
            let entries = &shard.entries;
            let (entry, value) = table.hit(low_bits(hash), |entry| {
                let (held, value) = entries.pair(entry)?;
                key.equivalent(held).then_some((entry, value))
            })?;
            self.admits(entries, entry, time).then(|| read(value))
        });
        self.count_lookup(found.is_some());
        found
    }

    /// Whether a hit may show an entry. What that takes but for the common cases is left to [`Self::use_again`].
    #[inline(always)]
    fn admits<'c, T: Borrow<Present<'c>>>(
        &self,
        entries: &Typed<K, V>,
        entry: Ref,
        time: impl FnOnce() -> T,
    ) -> bool {
        match entries.watch() {
            Watch::Nothing => true,
            Watch::Deadline => {
                let deadline = entries.set_by_caller(entry);
                !deadline.is_some_and(|at| time().borrow().has_passed(at))
            }
            Watch::All => self.use_again(entries, entry, time().borrow()),
        }
    }

    /// Whether an entry is live; notes the use where idle time counts, or its order.
    #[inline(never)]
    fn use_again(&self, entries: &Typed<K, V>, entry: Ref, time: &Present<'_>) -> bool {
        if !self.is_live(entries, entry, time) {
            return false;
        }
        if entries.has_idle_time() {
            entries.note_access(entry, self.access_time(time));
        }
        entries.note_use(&(), entry);
        true
    }

    /// How a key's entry stands before a caller that could load it, and its value; counts the access for the policy.
    pub(super) fn stand<Q: Equivalent<K> + ?Sized>(
        &self,
        key: &Q,
        hash: u64,
    ) -> Option<(Standing, V)>
    where
        V: Clone,
    {
        let (low, time) = (low_bits(hash), self.present());
        self.stripes.of(hash).read(|table, _, shard| {
            let entries = &shard.entries;
            let (entry, value) = table.hit(low, |entry| {
                let (held, value) = entries.pair(entry)?;
                key.equivalent(held).then_some((entry, value))
            })?;
            let standing = self.standing(entries, entry, &time);
            if standing != Standing::Gone && entries.has_idle_time() {
                entries.note_access(entry, self.access_time(&time));
            }
            Some((standing, value.clone()))
        })
    }

    /// Looks an entry up without leaving a trace.
    pub(super) fn look<Q: Equivalent<K> + ?Sized, R>(
        &self,
        key: &Q,
        hash: u64,
        read: impl FnOnce(&Typed<K, V>, Ref, &V) -> R,
    ) -> Option<R> {
        self.look_at(key, hash, &self.clock.present(), read)
    }

    /// [`Self::look`] at a time that the caller goes on with.
    pub(super) fn look_at<Q: Equivalent<K> + ?Sized, R>(
        &self,
        key: &Q,
        hash: u64,
        time: &Present<'_>,
        read: impl FnOnce(&Typed<K, V>, Ref, &V) -> R,
    ) -> Option<R> {
        self.stripes.of(hash).read(|table, _, shard| {
            let entries = &shard.entries;
            let same = |entry| {
                entries
                    .pair(entry)
                    .is_some_and(|held| key.equivalent(&held.0))
            };
            let (_, entry) = table.find(low_bits(hash), same)?;
            if !self.is_live(entries, entry, time) {
                return None;
            }
            Some(read(entries, entry, &entries.pair(entry)?.1))
        })
    }

    /// Brings the record near that may be a hash's, whose bucket was brought near before.
    fn approach_record(&self, hash: u64) {
        let stripe = self.stripes.of(hash);
        if let Some(shard) = stripe.enter()
            && let Glance::Seen(seen) = stripe.table.glance(low_bits(hash))
        {
            shard.entries.approach(&stripe.shared, seen.reference());
        }
    }

    /// Counts a look-up.
    #[inline(always)]
    pub(super) fn count_lookup(&self, hit: bool) {
        self.counters
            .count(if hit { Count::Hits } else { Count::Misses });
    }
}

impl<K, V, S: BuildHasher> Cache<K, V, S> {
    /// Returns a clone of the value of a key.
    ///
    /// ```
    /// let cache = larder::Cache::<String, u32>::new(100);
    /// cache.insert("a".to_owned(), 1);
    /// assert_eq!(cache.get("a"), Some(1));
    /// assert_eq!(cache.get("b"), None);
    /// ```
    ///
    /// # Cost
    ///
    /// O(1); one stripe's lock for reading, under which the value is cloned: keep large values in an `Arc`. No allocation.
    /// The clock is read only if the entry has a deadline.
    ///
    /// # Consistency
    ///
    /// Sees every write that returned before the call. Never returns a value more than 5 ms after its deadline.
    #[inline]
    pub fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<V>
    where
        V: Clone,
    {
        self.get_with(key, V::clone)
    }

    /// Shows the value of a key to a closure, and returns what that returns; the value need not be `Clone`.
    ///
    /// The closure runs under the stripe's lock: it must be short, and must not use this cache, which could deadlock.
    ///
    /// ```
    /// let cache = larder::Cache::<u32, Vec<u8>>::new(100);
    /// cache.insert(1, vec![0; 1000]);
    /// assert_eq!(cache.get_with(&1, Vec::len), Some(1000));
    /// ```
    ///
    /// # Cost
    ///
    /// As [`get`](Cache::get), and the closure, while writers of the stripe wait.
    #[inline]
    pub fn get_with<Q: Hash + Equivalent<K> + ?Sized, R>(
        &self,
        key: &Q,
        read: impl FnOnce(&V) -> R,
    ) -> Option<R> {
        let core = &*self.core;
        let hash = core.hash(key);
        core.get((key, hash), || core.present(), read)
    }

    /// Returns clones of the values of many keys, in their order.
    ///
    /// ```
    /// let cache = larder::Cache::<u32, u32>::new(100);
    /// cache.insert(1, 10);
    /// cache.insert(3, 30);
    /// assert_eq!(cache.get_many(&[1, 2, 3]), [Some(10), None, Some(30)]);
    /// ```
    ///
    /// # Cost
    ///
    /// Per key as [`get`](Cache::get) with a second look at the stripe, but the cache misses of 16 keys overlap.
    /// Allocates the answer.
    ///
    /// # Consistency
    ///
    /// Each look-up is atomic, the whole is not. All keys are judged by one reading of the clock, if any has a deadline.
    pub fn get_many<'a, Q: Hash + Equivalent<K> + 'a>(
        &self,
        keys: impl IntoIterator<Item = &'a Q>,
    ) -> Vec<Option<V>>
    where
        V: Clone,
    {
        let (core, time) = (&*self.core, self.core.present());
        let mut keys = keys.into_iter();
        let mut values = Vec::with_capacity(keys.size_hint().0);
        let mut batch = [None; BATCH];
        loop {
            let mut size = 0;
            for (place, key) in batch.iter_mut().zip(keys.by_ref()) {
                let hash = core.hash(key);
                core.stripes.of(hash).table.approach(low_bits(hash));
                *place = Some((key, hash));
                size += 1;
            }
            for (_, hash) in batch[..size].iter().flatten() {
                core.approach_record(*hash);
            }
            for (key, hash) in batch[..size].iter().flatten() {
                values.push(core.get((*key, *hash), || &time, V::clone));
            }
            if size < BATCH {
                return values;
            }
        }
    }

    /// Returns a clone of a value as [`get`](Cache::get) does, stale ones included that are kept as fallbacks.
    ///
    /// ```
    /// use larder::{Cache, Freshness, ManualClock};
    /// use std::time::Duration;
    ///
    /// let time = ManualClock::new();
    /// let rules = Freshness::new(Duration::from_secs(1)).stale_if_error(Duration::from_secs(9));
    /// let cache: Cache<u32, u32> =
    ///     Cache::builder().max_entries(9).freshness(rules).clock(time.clock()).build()?;
    /// cache.insert(1, 10);
    /// time.advance(Duration::from_secs(5));
    /// assert_eq!((cache.get(&1), cache.get_stale(&1)), (None, Some(10)));
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`get`](Cache::get), and a clock reading.
    ///
    /// # Consistency
    ///
    /// Never returns what was invalidated for good.
    pub fn get_stale<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<V>
    where
        V: Clone,
    {
        let (standing, value) = self.core.stand(key, self.core.hash(key))?;
        (standing != Standing::Gone).then_some(value)
    }

    /// Whether a key has a live value. Neither the policy nor the statistics take notice.
    ///
    /// ```
    /// let cache = larder::Cache::<u32, u32>::new(100);
    /// cache.insert(1, 10);
    /// assert!(cache.contains(&1) && !cache.contains(&2));
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), one stripe's lock for reading, no allocation.
    pub fn contains<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> bool {
        self.core
            .look(key, self.core.hash(key), |_, _, _| ())
            .is_some()
    }

    /// Returns a clone of a value as [`get`](Cache::get) does, but neither the policy, the idle time nor the statistics
    /// take notice.
    ///
    /// ```
    /// let cache = larder::Cache::<u32, u32>::new(100);
    /// cache.insert(1, 10);
    /// assert_eq!(cache.peek(&1), Some(10));
    /// assert_eq!(cache.stats().hits, 0);
    /// ```
    ///
    /// # Cost
    ///
    /// As [`get`](Cache::get).
    pub fn peek<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<V>
    where
        V: Clone,
    {
        self.core
            .look(key, self.core.hash(key), |_, _, value| value.clone())
    }
}
