//! The builder's settings of freshness and tags.

use std::sync::mpsc::channel;
use std::time::Duration;

use crate::prefixes::Prefixes;
use crate::tags::{Tag, Tags};
use crate::worker::Worker;

use super::builder::CacheBuilder;
use super::core::{Executor, Judge, Tagger};
use super::freshness::{Freshness, Rules};

/// What a builder was told of freshness and tags.
pub(super) struct Ruling<K, V> {
    freshness: Option<Freshness>,
    tags: Option<Tags>,
    tag_by: Vec<Tagger<K>>,
    prefixes: Option<Prefixes>,
    judge: Judge<V>,
    executor: Option<Executor>,
    has_no_thread: bool,
}

impl<K, V> Default for Ruling<K, V> {
    fn default() -> Self {
        Ruling {
            freshness: None,
            tags: None,
            tag_by: Vec::new(),
            prefixes: None,
            judge: Judge {
                ttl_of: None,
                is_failure: None,
            },
            executor: None,
            has_no_thread: false,
        }
    }
}

/// A ruling as the cache carries it out.
pub(super) struct Ruled<K, V> {
    pub(super) rules: Option<Box<Rules>>,
    pub(super) judge: Judge<V>,
    pub(super) tag_by: Vec<Tagger<K>>,
    pub(super) executor: Option<Executor>,
}

impl<K, V> Ruling<K, V> {
    /// Whether entries have marks.
    pub(super) fn are_given(&self) -> bool {
        self.freshness.is_some() || self.tags.is_some() || self.prefixes.is_some()
    }

    pub(super) fn ttl(&self) -> Option<Duration> {
        self.freshness.as_ref().map(|freshness| freshness.ttl)
    }

    /// Everything that is wrong.
    pub(super) fn faults(&self, has_ttl: bool) -> Vec<(bool, &'static str)> {
        let mut faults = match &self.freshness {
            Some(freshness) => freshness.faults(),
            None => Vec::new(),
        };
        faults.extend([
            (
                has_ttl && self.freshness.is_some(),
                "freshness has a ttl: do not give another",
            ),
            (
                !self.tag_by.is_empty() && self.tags.is_none() && self.prefixes.is_none(),
                "tag_by needs tags",
            ),
            (self.has_no_thread, "no thread could be started"),
        ]);
        faults
    }

    pub(super) fn rule(self) -> Ruled<K, V> {
        let rules = self.are_given().then(|| {
            let rules = self
                .freshness
                .as_ref()
                .map_or_else(Rules::plain, Rules::new);
            // Groups of keys are tags: of a registry that nobody else knows, unless one was given.
            let tags = self.tags.or(self.prefixes.is_some().then(Tags::new));
            Box::new(rules.with_tags(tags, self.prefixes))
        });
        Ruled {
            rules,
            judge: self.judge,
            tag_by: self.tag_by,
            executor: self.executor,
        }
    }
}

impl<K, V, S> CacheBuilder<K, V, S> {
    /// Sets for how long values are fresh, and what happens around the end of that.
    ///
    /// Costs 64 bytes per entry.
    pub fn freshness(mut self, freshness: Freshness) -> Self {
        self.rules.freshness = Some(freshness);
        self
    }

    /// Lets entries have tags, and their tags be invalidated through this registry.
    ///
    /// Costs 64 bytes per entry, and for each tag beyond the first 8, in a block of their own.
    pub fn tags(mut self, tags: &Tags) -> Self {
        self.rules.tags = Some(tags.clone());
        self
    }

    /// Gives every entry tags that follow from its key, besides those that its loader chose.
    ///
    /// Called under the stripe's lock when an entry is written: it must not use the cache.
    ///
    /// ```
    /// use larder::{Cache, Tag, Tags};
    ///
    /// let tags = Tags::new();
    /// let cache: Cache<String, u32> = Cache::builder()
    ///     .max_entries(100)
    ///     .tags(&tags)
    ///     .tag_by(|key: &String, tags| tags.extend(key.split(':').next().map(Tag::new)))
    ///     .build()?;
    /// cache.insert("user:1".to_owned(), 1);
    /// cache.insert("page:1".to_owned(), 2);
    /// tags.invalidate("user");
    /// assert_eq!((cache.get("user:1"), cache.get("page:1")), (None, Some(2)));
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn tag_by(mut self, tag_by: impl Fn(&K, &mut Vec<Tag>) + Send + Sync + 'static) -> Self {
        self.rules.tag_by.push(Box::new(tag_by));
        self
    }

    /// Lets groups of keys be invalidated at once by what they begin with, down to a separator.
    ///
    /// Every entry is in a group for each prefix of its key that ends with the separator, up to eight, and
    /// [`invalidate_prefix`](crate::Cache::invalidate_prefix) and [`invalidate_matching`](crate::Cache::invalidate_matching) then look at
    /// no entry. The groups are tags, of the registry that [`tags`](Self::tags) gives, or of one of the cache's own.
    ///
    /// ```
    /// use larder::Cache;
    ///
    /// let cache: Cache<String, u32> = Cache::builder().max_entries(100).prefixes(b':').build()?;
    /// cache.insert("user:1:name".to_owned(), 1);
    /// cache.insert("user:10:name".to_owned(), 2);
    /// cache.invalidate_prefix("user:1:");
    /// assert_eq!((cache.get("user:1:name"), cache.get("user:10:name")), (None, Some(2)));
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// 64 bytes per entry, 16 in a block of its own if its key has a separator, and 8 for each; as many hashes, and one
    /// more, when it is written. The
    /// registry takes 1 MiB where none was given.
    pub fn prefixes(mut self, separator: u8) -> Self
    where
        K: AsRef<[u8]> + 'static,
    {
        let prefixes = Prefixes::new(separator);
        self.rules.prefixes = Some(prefixes.clone());
        self.tag_by(move |key: &K, tags| tags.extend(prefixes.of_key(key.as_ref())))
    }

    /// Lets values have a time to live that follows from what they are; `None` leaves it to the cache.
    ///
    /// A time that the loader chose comes first.
    ///
    /// ```
    /// use larder::{Cache, ManualClock};
    /// use std::time::Duration;
    ///
    /// let time = ManualClock::new();
    /// let cache: Cache<&str, u32> = Cache::builder()
    ///     .max_entries(100)
    ///     .ttl_of(|value| (*value == 0).then_some(Duration::from_secs(1)))
    ///     .clock(time.clock())
    ///     .build()?;
    /// cache.insert("a", 0);
    /// cache.insert("b", 1);
    /// time.advance(Duration::from_secs(1));
    /// assert_eq!((cache.get("a"), cache.get("b")), (None, Some(1)));
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn ttl_of(
        mut self,
        ttl_of: impl Fn(&V) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        self.rules.judge.ttl_of = Some(Box::new(ttl_of));
        self
    }

    /// Runs refreshes through this: a thread pool, a runtime's threads for blocking work, or whatever runs a closure
    /// sometime.
    ///
    /// Without one, and without [`refresh_thread`](Self::refresh_thread), the caller who has the turn loads within its
    /// call. It must not run the closure within the call, on the caller's thread: then the caller waits.
    ///
    /// ```
    /// use larder::{Cache, Freshness};
    /// use std::time::Duration;
    ///
    /// let cache: Cache<u32, u32> = Cache::builder()
    ///     .max_entries(100)
    ///     .freshness(Freshness::new(Duration::from_secs(60)).stale_for(Duration::from_secs(30)))
    ///     .executor(|refresh| drop(std::thread::spawn(refresh)))
    ///     .build()?;
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn executor(
        mut self,
        execute: impl Fn(Box<dyn FnOnce() + Send>) + Send + Sync + 'static,
    ) -> Self {
        self.rules.executor = Some(Box::new(execute));
        self
    }

    /// Starts a thread of the cache's own that runs its refreshes, one after the other, and ends with the cache.
    ///
    /// ```
    /// use larder::Cache;
    ///
    /// let cache: Cache<u32, u32> = Cache::builder().max_entries(100).refresh_thread().build()?;
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn refresh_thread(mut self) -> Self {
        // At most one refresh per key is queued.
        let (sender, queue) = channel::<Box<dyn FnOnce() + Send>>();
        let worker = Worker::start("larder-refresh", move || {
            let refresh = queue.try_recv().ok()?;
            refresh();
            Some(Duration::ZERO)
        });
        match worker {
            Ok(worker) => self.executor(move |refresh| {
                // The thread keeps the other end for as long as this one is kept.
                drop(sender.send(refresh));
                worker.nudge();
            }),
            Err(_) => {
                self.rules.has_no_thread = true;
                self
            }
        }
    }
}

impl<K, T, S> CacheBuilder<K, Option<T>, S> {
    /// Gives negative results a time to live of their own.
    ///
    /// ```
    /// use larder::{Cache, ManualClock};
    /// use std::time::Duration;
    ///
    /// let time = ManualClock::new();
    /// let cache: Cache<u32, Option<u32>> = Cache::builder()
    ///     .max_entries(100)
    ///     .none_ttl(Duration::from_secs(5))
    ///     .clock(time.clock())
    ///     .build()?;
    /// assert_eq!(cache.get_or_load(&1, || None), Ok(None));
    /// assert_eq!(cache.get(&1), Some(None));
    /// time.advance(Duration::from_secs(5));
    /// assert_eq!(cache.get(&1), None);
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn none_ttl(self, ttl: Duration) -> Self
    where
        T: 'static,
    {
        self.ttl_of(move |value: &Option<T>| value.is_none().then_some(ttl))
    }
}

impl<K, T, E, S> CacheBuilder<K, Result<T, E>, S> {
    /// Gives errors a time to live of their own. An error does not take the place of a stale value that may still be
    /// returned.
    ///
    /// ```
    /// use larder::{Cache, ManualClock};
    /// use std::time::Duration;
    ///
    /// let time = ManualClock::new();
    /// let cache: Cache<u32, Result<u32, String>> = Cache::builder()
    ///     .max_entries(100)
    ///     .error_ttl(Duration::from_secs(2))
    ///     .clock(time.clock())
    ///     .build()?;
    /// cache.insert(1, Err("down".to_owned()));
    /// time.advance(Duration::from_secs(2));
    /// assert_eq!(cache.get(&1), None);
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    pub fn error_ttl(mut self, ttl: Duration) -> Self
    where
        T: 'static,
        E: 'static,
    {
        self.rules.judge.is_failure = Some(Result::is_err);
        self.ttl_of(move |value: &Result<T, E>| value.is_err().then_some(ttl))
    }
}
