//! Keys: what can be asked and done of a key whatever its value.

use super::core::{Core, Store};
use crate::entry::Entries;
use crate::record::{Head, MAX_KEY};
use crate::stripes::low_bits;
use crate::time::Millis;

impl Core {
    /// The deadline of a live key.
    pub(crate) fn deadline(&self, key: &[u8]) -> Option<Option<Millis>> {
        let hash = self.hash(key);
        let (low, stripe) = (low_bits(hash), self.stripes.of(hash));
        let glance = if key.len() <= MAX_KEY && !stripe.is_exclusive() {
            stripe.table.read(low, |entry| {
                let words = stripe.shared.words(entry)?;
                let head = Head::load(words);
                head.has_key(words, key).then(|| head.deadline(words))
            })
        } else {
            Err(crate::ds::look::Contended)
        };
        let deadline = glance.unwrap_or_else(|_| {
            stripe.read(|table, pages, shard| {
                let (_, entry) = table.find(low, |entry| shard.entries.has_key(pages, entry, key))?;
                Some(shard.entries.deadline(pages, entry))
            })
        })?;
        (!deadline.is_some_and(|deadline| self.clock.has_passed(deadline))).then_some(deadline)
    }
}

impl Store {
    /// Whether a key exists.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("key", 1)?;
    /// assert!(store.exists("key"));
    /// assert!(!store.exists("other"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), no lock.
    #[doc(alias = "EXISTS")]
    #[must_use]
    pub fn exists(&self, key: impl AsRef<[u8]>) -> bool {
        self.core.deadline(key.as_ref()).is_some()
    }

    /// Removes a key; `false` if there was none.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("key", 1)?;
    /// assert!(store.remove("key"));
    /// assert!(!store.remove("key"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), one stripe's lock; a large value is freed after the unlock.
    #[doc(alias("DEL", "UNLINK", "delete"))]
    pub fn remove(&self, key: impl AsRef<[u8]>) -> bool {
        self.core.write(key.as_ref(), |seat| Ok(seat.remove())).unwrap_or(false)
    }
}
