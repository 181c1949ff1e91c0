//! Looking at a whole store: the keys that are used most and least.
//!
//! Unlike a scan, which remembers nothing between its pages, a walk here knows how many segments there were when it came
//! to a stripe, and so shows every key that stays exactly once; see `ds/walk.rs`.

use super::core::{Core, Store};
use crate::ds::ranking::{End, Ranking};
use crate::ds::walk::Walk;
use crate::entry::Entries;

impl Core {
    /// Up to `n` keys from one end of the order of their counters.
    fn ranked(&self, end: End, n: usize) -> Vec<Vec<u8>> {
        let mut ranking = Ranking::new(end, n);
        let mut walk = Walk::default();
        while let Some(stripe) = self.stripes.iter().nth(walk.table()) {
            let time = self.clock.present();
            stripe.read(|table, pages, shard| {
                walk.step(table, |slot, entry| {
                    let deadline = shard.entries.deadline(pages, entry);
                    if !deadline.is_some_and(|deadline| time.has_passed(deadline)) {
                        ranking.offer(table.counter(slot), || {
                            shard.entries.with_key(pages, entry, <[u8]>::to_vec)
                        });
                    }
                });
            });
        }
        ranking.into_keys()
    }
}

impl Store {
    /// Up to `n` keys that were used most of late, by the policy's 2-bit counters; in no order among equals.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_many([("read", 1), ("left", 2)])?;
    /// store.get::<i64>("read")?;
    /// assert_eq!(store.hottest(1), [b"read"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(all keys), with one stripe's read lock for some thousand keys at a time; at most `4 * n` copies of keys.
    ///
    /// # Consistency
    ///
    /// A key that is there all the while is considered exactly once. Counters go up with use, to 3, and down when the
    /// policy looks for a victim: in a store that evicts nothing, they only go up.
    #[doc(alias("HOTKEYS", "OBJECT FREQ"))]
    #[must_use]
    pub fn hottest(&self, n: usize) -> Vec<Vec<u8>> {
        self.core.ranked(End::Hottest, n)
    }

    /// Up to `n` keys that were used least of late, by the policy's 2-bit counters; in no order among equals.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_many([("read", 1), ("left", 2)])?;
    /// store.get::<i64>("read")?;
    /// assert_eq!(store.coldest(1), [b"left"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::hottest`].
    ///
    /// # Consistency
    ///
    /// As [`Store::hottest`].
    #[doc(alias = "OBJECT FREQ")]
    #[must_use]
    pub fn coldest(&self, n: usize) -> Vec<Vec<u8>> {
        self.core.ranked(End::Coldest, n)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::{ManualClock, SetOptions, Store};

    #[test]
    fn what_has_expired_is_neither_hot_nor_cold() {
        let time = ManualClock::new();
        let store = Store::builder().clock(time.clock()).build().unwrap();
        let options = SetOptions::new().ttl(Duration::from_secs(1));
        store.set_with("timed", 1, options).unwrap();
        store.set("kept", 1).unwrap();
        assert_eq!(store.hottest(9).len(), 2);
        time.advance(Duration::from_secs(1));
        assert_eq!(store.hottest(9), [b"kept"]);
        assert_eq!(store.coldest(9), [b"kept"]);
    }

    #[test]
    fn the_most_read_of_many_keys_come_first_and_the_unread_last() {
        let store = Store::new();
        for number in 0..5_000 {
            store.set(format!("key {number}"), number).unwrap();
        }
        for _ in 0..3 {
            for number in 0..20 {
                store.get::<i64>(format!("key {number}")).unwrap();
            }
        }
        let hot: std::collections::BTreeSet<_> = store.hottest(20).into_iter().collect();
        assert!((0..20).all(|number| hot.contains(format!("key {number}").as_bytes())));
        let coldest = store.coldest(4_980);
        assert!(coldest.iter().all(|key| !hot.contains(key)));
        assert_eq!(store.hottest(usize::MAX).len(), 5_000);
        assert!(store.coldest(0).is_empty());
    }
}
