//! Removing and invalidating groups of entries by what their keys look like.
//!
//! Removing walks over all entries, and counts. Invalidating is one write where the group was known when its entries were
//! written: by its prefix ([`CacheBuilder::prefixes`](crate::CacheBuilder::prefixes)), or else by a tag
//! ([`CacheBuilder::tag_by`](crate::CacheBuilder::tag_by)).

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

    /// Makes all entries invalid whose keys begin with a prefix: at once where they are a group of
    /// [`prefixes`](crate::CacheBuilder::prefixes), otherwise in a walk that removes them.
    ///
    /// ```
    /// use larder::Cache;
    ///
    /// let cache: Cache<String, u32> = Cache::builder().max_entries(100).prefixes(b':').build()?;
    /// cache.insert("user:1:name".to_owned(), 1);
    /// cache.invalidate_prefix("user:1:"); // no entry is looked at
    /// assert_eq!(cache.get("user:1:name"), None);
    /// cache.insert("user:1:name".to_owned(), 2);
    /// cache.invalidate_prefix("use"); // a walk: it does not end with the separator
    /// assert_eq!(cache.get("user:1:name"), None);
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// Of a group as [`Tags::invalidate`](crate::Tags::invalidate): O(1), no lock; its entries leave when they are asked
    /// for, evicted, or expire. Otherwise as [`retain`](Cache::retain): O(n).
    ///
    /// # Consistency
    ///
    /// What was loaded or inserted before is invalid for every call that begins afterwards, and what a load brings that
    /// began before is not kept. [`len`](Cache::len) counts invalid entries until they leave.
    pub fn invalidate_prefix(&self, prefix: impl AsRef<[u8]>) {
        let prefix = prefix.as_ref();
        let rules = self.core.rules.as_deref();
        if !rules.is_some_and(|rules| rules.invalidate(|groups| groups.of_prefix(prefix))) {
            self.remove_prefix(prefix);
        }
    }

    /// Makes all entries invalid whose keys match any of several patterns: those that name a key or a group of
    /// [`prefixes`](crate::CacheBuilder::prefixes) at once, the others in one walk that removes them.
    ///
    /// ```
    /// use larder::{Cache, Glob};
    ///
    /// let cache: Cache<String, u32> = Cache::builder().max_entries(100).prefixes(b':').build()?;
    /// for key in ["user:1", "user:1:name", "orders:user:1:7", "user:2"] {
    ///     cache.insert(key.to_owned(), 0);
    /// }
    /// let globs = ["user:1", "user:1:*", "orders:user:1:*"].map(Glob::new);
    /// cache.invalidate_matching(&globs); // no entry is looked at
    /// assert_eq!((cache.get("user:1:name"), cache.get("user:2")), (None, Some(0)));
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// For each pattern as [`invalidate_prefix`](Cache::invalidate_prefix); one walk for all that need one.
    ///
    /// # Consistency
    ///
    /// As [`invalidate_prefix`](Cache::invalidate_prefix), pattern by pattern.
    pub fn invalidate_matching<'g>(&self, globs: impl IntoIterator<Item = &'g Glob>) {
        let rules = self.core.rules.as_deref();
        let mut walked: Vec<&Glob> = globs.into_iter().collect();
        walked.retain(|glob| {
            !rules.is_some_and(|rules| rules.invalidate(|groups| groups.of_glob(glob)))
        });
        if !walked.is_empty() {
            self.remove_matching(walked);
        }
    }
}
