//! `Cause`: why a value left a cache, as the listener is told.

/// Why a value left.
///
/// ```
/// use larder::{Cache, Cause};
/// use std::sync::{Arc, Mutex};
///
/// let seen = Arc::new(Mutex::new(Vec::new()));
/// let log = Arc::clone(&seen);
/// let cache: Cache<&str, u32> = Cache::builder()
///     .max_entries(100)
///     .listener(move |key: &&str, value: &u32, cause| log.lock().unwrap().push((*key, *value, cause)))
///     .build()?;
/// cache.insert("a", 1);
/// cache.insert("a", 2);
/// cache.remove("a");
/// assert_eq!(*seen.lock().unwrap(), [("a", 1, Cause::Replaced), ("a", 2, Cause::Removed)]);
/// # Ok::<(), larder::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// Another value was written under its key.
    Replaced,
    /// It was removed on request.
    Removed,
    /// It made room for another.
    Evicted,
    /// Its deadline passed.
    Expired,
    /// The whole cache was cleared.
    Cleared,
}

impl Cause {
    /// Whether the cache let go of it by itself.
    ///
    /// ```
    /// use larder::Cause;
    ///
    /// assert!(Cause::Evicted.is_automatic() && !Cause::Removed.is_automatic());
    /// ```
    #[must_use]
    pub fn is_automatic(self) -> bool {
        matches!(self, Cause::Evicted | Cause::Expired)
    }
}
