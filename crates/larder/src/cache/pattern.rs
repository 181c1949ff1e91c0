//! Removing groups of entries by what their keys look like.
//!
//! These walk over all entries. Where a group is known when an entry is written, a tag does the same in one write
//! ([`Tags`](crate::Tags), [`CacheBuilder::tag_by`](crate::CacheBuilder::tag_by)).

use crate::glob::Glob;

use super::Cache;

impl<K: AsRef<[u8]>, V, S> Cache<K, V, S> {
    /// Removes the entries whose keys begin with a prefix, and returns how many.
    ///
    /// ```
    /// let cache = larder::Cache::<String, u32>::new(100);
    /// cache.insert("user:1:name".to_owned(), 1);
    /// cache.insert("user:10:name".to_owned(), 2);
    /// assert_eq!(cache.remove_prefix("user:1:"), 1);
    /// ```
    ///
    /// # Cost
    ///
    /// As [`retain`](Cache::retain): O(n).
    ///
    /// # Consistency
    ///
    /// As [`retain`](Cache::retain).
    pub fn remove_prefix(&self, prefix: impl AsRef<[u8]>) -> u64 {
        let prefix = prefix.as_ref();
        self.retain(|key, _| !key.as_ref().starts_with(prefix))
    }

    /// Removes the entries whose keys match any of several patterns, in one walk, and returns how many.
    ///
    /// ```
    /// use larder::Glob;
    ///
    /// let cache = larder::Cache::<String, u32>::new(100);
    /// for key in ["user:1", "user:1:name", "orders:user:1:7", "user:2"] {
    ///     cache.insert(key.to_owned(), 0);
    /// }
    /// let globs = ["user:1", "user:1:*", "orders:user:1:*"].map(Glob::new);
    /// assert_eq!(cache.remove_matching(&globs), 3);
    /// ```
    ///
    /// # Cost
    ///
    /// As [`retain`](Cache::retain): O(n), times the patterns.
    ///
    /// # Consistency
    ///
    /// As [`retain`](Cache::retain).
    pub fn remove_matching<'g>(&self, globs: impl IntoIterator<Item = &'g Glob>) -> u64 {
        let globs: Vec<&Glob> = globs.into_iter().collect();
        self.retain(|key, _| !globs.iter().any(|glob| glob.matches(key.as_ref())))
    }
}
