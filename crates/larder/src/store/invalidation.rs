//! Invalidating groups of keys by what they look like: at once where the store knows them, otherwise key by key.

use super::Store;
use crate::glob::Glob;
use crate::prefixes::Prefixes;
use crate::tags::Tag;

impl Store {
    /// Makes all keys invalid that begin with a prefix: at once where they are a group of
    /// [`prefixes`](crate::StoreBuilder::prefixes), otherwise key by key in a walk.
    ///
    /// ```
    /// use larder::Store;
    ///
    /// let store = Store::builder().prefixes(b':').build()?;
    /// store.set_many([("user:1", "Ada"), ("user:1:mail", "a@b"), ("user:2", "Bob")]).expect("they are small");
    /// store.invalidate_prefix("user:1:"); // no key is looked at
    /// assert_eq!(store.keys("*"), [b"user:1", b"user:2"]);
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// Of a group O(1), no lock; until upkeep has gone through the stamps of the keys once, each call on a key looks
    /// at its own. Otherwise as [`remove_prefix`](Store::remove_prefix): O(all keys).
    ///
    /// # Consistency
    ///
    /// Of a group: all of it is gone for every call that begins afterwards, and what is added then stays. The rest as for
    /// [`tag`](Store::tag). In a walk as [`remove_prefix`](Store::remove_prefix).
    pub fn invalidate_prefix(&self, prefix: impl AsRef<[u8]>) {
        let prefix = prefix.as_ref();
        if !self.invalidate_group(|groups| groups.of_prefix(prefix)) {
            self.remove_prefix(prefix);
        }
    }

    /// Makes all keys invalid that match any of several patterns: those that name a key or a group of
    /// [`prefixes`](crate::StoreBuilder::prefixes) at once, the others in a walk for each.
    ///
    /// ```
    /// use larder::{Glob, Store};
    ///
    /// let store = Store::builder().prefixes(b':').build()?;
    /// for key in ["user:1", "user:1:name", "orders:user:1:7", "user:2"] {
    ///     store.set(key, 0).expect("it is small");
    /// }
    /// let globs = ["user:1", "user:1:*", "orders:user:1:*"].map(Glob::new);
    /// store.invalidate_matching(&globs); // no key is looked at
    /// assert_eq!(store.keys("*"), [b"user:2"]);
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// For each pattern as [`invalidate_prefix`](Store::invalidate_prefix).
    ///
    /// # Consistency
    ///
    /// As [`invalidate_prefix`](Store::invalidate_prefix), pattern by pattern.
    pub fn invalidate_matching<'g>(&self, globs: impl IntoIterator<Item = &'g Glob>) {
        for glob in globs {
            if self.invalidate_group(|groups| groups.of_glob(glob)) {
                continue;
            }
            if glob.is_literal() {
                self.remove(glob.literal_prefix());
            } else {
                self.remove_matching(glob.as_bytes());
            }
        }
    }

    /// Invalidates the keys that a group's tag is for, if keys are in groups and `tag` knows of one.
    fn invalidate_group(&self, tag: impl FnOnce(&Prefixes) -> Option<Tag>) -> bool {
        let grouping = self.core.tagged.grouping();
        let tag = grouping.and_then(|tagging| tag(tagging.prefixes.as_ref()?));
        match (grouping, tag) {
            (Some(tagging), Some(tag)) => {
                tagging.tags.invalidate(tag);
                true
            }
            _ => false,
        }
    }
}
