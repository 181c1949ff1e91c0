//! What bounds a store.

use super::builder::Measure;
use super::core::Store;

impl Store {
    /// The bound in bytes; `None` without one, or with one of entries.
    ///
    /// ```
    /// use larder::Store;
    ///
    /// let store = Store::builder().max_bytes(1 << 20).build()?;
    /// assert_eq!(store.max_bytes(), Some(1 << 20));
    /// assert_eq!(Store::new().max_bytes(), None);
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// A stripe's lock, shared with readers.
    #[doc(alias = "maxmemory")]
    #[must_use]
    pub fn max_bytes(&self) -> Option<u64> {
        let mut stripes = self.core.stripes.iter();
        let measure = stripes.next()?.read(|_, _, shard| shard.entries.measure());
        (measure == Measure::Bytes).then(|| self.core.stripes.budget.limit())
    }

    /// Whether there is a bound, of bytes or of entries: then entries may be evicted.
    ///
    /// ```
    /// assert!(!larder::Store::new().is_bounded());
    /// ```
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.core.stripes.budget.limit() != u64::MAX
    }
}
