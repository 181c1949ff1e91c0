//! Looking at entries whatever their deadlines: for values that know by themselves whether they still count.

use std::hash::{BuildHasher, Hash};

use equivalent::Equivalent;

use crate::ds::table::Glance;
use crate::stripes::low_bits;

use super::Cache;

impl<K, V, S: BuildHasher> Cache<K, V, S> {
    /// Shows the value of a key to a closure, past its deadline too until it is reaped. Counts for the policy, not for the
    /// statistics.
    ///
    /// The closure runs under the stripe's lock for reading: what it changes has to be atomic.
    ///
    /// # Cost
    ///
    /// O(1); one stripe's lock for reading; neither a deadline nor the clock is read.
    #[inline(always)]
    pub(crate) fn resident_with<Q: Hash + Equivalent<K> + ?Sized, R>(
        &self,
        key: &Q,
        read: impl FnOnce(&V) -> R,
    ) -> Option<R> {
        let core = &*self.core;
        let hash = core.hash(key);
        let low = low_bits(hash);
        core.stripes.of(hash).read(|table, _, shard| {
            let same = |entry| {
                let (held, value) = shard.entries.pair(entry)?;
                key.equivalent(held).then_some(value)
            };
            // One call of `read`, so that it becomes a part of its caller.
            let value = match table.glance(low) {
                Glance::Absent => return None,
                Glance::Seen(seen) => match same(seen.reference()) {
                    Some(value) => {
                        seen.touch();
                        value
                    }
                    None => table.hit(low, same)?,
                },
                Glance::Elsewhere => table.hit(low, same)?,
            };
            Some(read(value))
        })
    }
}
