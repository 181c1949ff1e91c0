//! `Loaded`: a value as its source hands it over, with what only the source knows: for how long it is good, and which
//! tags it has.

use std::time::Duration;

use crate::tags::Tag;

/// A value with its own time to live and tags, as a loader may return it.
///
/// ```
/// use larder::{Cache, Loaded, ManualClock};
/// use std::time::Duration;
///
/// let time = ManualClock::new();
/// let cache: Cache<u32, String> = Cache::builder().max_entries(100).clock(time.clock()).build()?;
/// let token = || Ok::<_, String>(Loaded::new("secret".to_owned()).ttl(Duration::from_secs(5)));
/// assert_eq!(cache.get_or_refresh(&1, token).as_deref(), Ok("secret"));
/// time.advance(Duration::from_secs(5));
/// assert_eq!(cache.get(&1), None);
/// # Ok::<(), larder::BuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Loaded<V> {
    pub(super) value: V,
    pub(super) ttl: Option<Duration>,
    pub(super) tags: Vec<Tag>,
    pub(super) keep: Keep,
}

/// What becomes of a value besides going to those who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Stored,
    Passed,
}

impl<V> Loaded<V> {
    /// A value with the cache's own time to live, and no tags but those that its key gives it.
    ///
    /// ```
    /// assert_eq!(*larder::Loaded::new(1).value(), 1);
    /// ```
    pub fn new(value: V) -> Self {
        Loaded {
            value,
            ttl: None,
            tags: Vec::new(),
            keep: Keep::Stored,
        }
    }

    /// Gives it to those who asked, and stores nothing: what is there already stays as it is.
    ///
    /// ```
    /// use larder::{Cache, Loaded};
    ///
    /// let cache = Cache::<u32, u32>::new(100);
    /// let half = || Ok::<_, String>(Loaded::new(5).unstored());
    /// assert_eq!(cache.fetch(&1, half), Ok(5));
    /// assert_eq!(cache.get(&1), None);
    /// ```
    pub fn unstored(mut self) -> Self {
        self.keep = Keep::Passed;
        self
    }

    /// Gives it a time to live of its own.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Adds a tag. Tags take effect in caches that were built with [`tags`](crate::CacheBuilder::tags).
    pub fn tag(mut self, tag: impl Into<Tag>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// The value.
    ///
    /// ```
    /// assert_eq!(*larder::Loaded::new("a").tag("t").value(), "a");
    /// ```
    #[must_use]
    pub fn value(&self) -> &V {
        &self.value
    }
}

impl<V> From<V> for Loaded<V> {
    fn from(value: V) -> Self {
        Loaded::new(value)
    }
}
