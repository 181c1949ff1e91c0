//! `Cache<K, V>`: typed values without serialization.

mod typed;

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::time::Duration;

use ahash::RandomState;
use equivalent::Equivalent;

use crate::entry::Entries;
use crate::evict::{Chosen, Eviction};
use crate::shard::Shard;
use crate::stripes::{Stripes, low_bits};
use crate::time::{Clock, millis};
use typed::{Shape, Typed};

/// A bounded, concurrent cache of typed values.
pub struct Cache<K, V, S = RandomState> {
    core: Arc<Core<K, V, S>>,
}

struct Core<K, V, S> {
    stripes: Stripes<Typed<K, V>>,
    hasher: S,
    clock: Clock,
    ttl: Option<u64>,
}

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    /// temp
    pub fn bounded(max: u64, ttl: Option<Duration>) -> Self {
        let clock = Clock::system();
        let n = 16;
        let stripes = Stripes::new(n, max, |_| {
            let typed = Typed::new(Shape { weighed: false, idle: None });
            ((), Shard::new(typed, Chosen::new(Eviction::S3Fifo, max != u64::MAX), clock.now()))
        });
        Cache { core: Arc::new(Core { stripes, hasher: RandomState::new(), clock, ttl: ttl.map(millis) }) }
    }
}

impl<K: Hash + Eq, V: Clone, S: BuildHasher> Cache<K, V, S> {
    /// get
    #[inline]
    pub fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<V> {
        let core = &*self.core;
        let hash = core.hasher.hash_one(key);
        let low = low_bits(hash);
        let stripe = core.stripes.of(hash);
        stripe.table.approach(low);
        stripe.read(|table, shared, shard| {
            let entries = &shard.entries;
            let (entry, value) = table.hit(low, |r| {
                let (k, v) = entries.pair(r)?;
                key.equivalent(k).then_some((r, v))
            })?;
            if entries.may_expire()
                && let Some(deadline) = entries.deadline(shared, entry)
                && core.clock.has_passed(deadline)
            {
                return None;
            }
            Some(value.clone())
        })
    }

    /// insert
    pub fn insert(&self, key: K, value: V) {
        let core = &*self.core;
        let hash = core.hasher.hash_one(&key);
        let low = low_bits(hash);
        let deadline = core.ttl.map(|t| core.clock.now() + t);
        let mut pair = Some((key, value));
        core.stripes.of(hash).table.approach(low);
        let (_, departed) = core.stripes.write(hash, |world, departed| {
            world.approach(low);
            let (key, value) = pair.take().expect("");
            let found = world.find(low, |e, r| e.pair(r).is_some_and(|p| p.0 == key));
            if let Some((slot, entry)) = found {
                if let Some(p) = world.shard.entries.pair_mut(entry) {
                    pair = Some((key, std::mem::replace(&mut p.1, value)));
                }
                world.table.touch(slot);
                if deadline.is_some() { world.shard.entries.set_deadline(entry, deadline); world.schedule(entry); }
                return Ok(());
            }
            world.make_room(1, None, departed)?;
            let entry = world.shard.entries.put(low, key, value, 1);
            if deadline.is_some() { world.shard.entries.set_deadline(entry, deadline); }
            world.add(low, entry);
            Ok(())
        });
        drop(departed);
    }

    /// remove
    pub fn remove<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<V> {
        let core = &*self.core;
        let hash = core.hasher.hash_one(key);
        let low = low_bits(hash);
        core.stripes.of(hash).write(&core.stripes.budget, |world| {
            let (slot, entry) = world.find(low, |e, r| e.pair(r).is_some_and(|p| key.equivalent(&p.0)))?;
            Some(world.discard(slot, entry, low).1)
        })
    }

    /// len
    pub fn len(&self) -> u64 {
        self.core.stripes.iter().map(|s| u64::from(s.table.len())).sum()
    }
}
