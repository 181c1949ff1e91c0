//! `WriteThrough`: a cache before a backing that is read and written through it.

use std::hash::Hash;

use crate::cache::{Cache, Loaded};
use crate::error::LoadError;

use super::aside::Aside;
use super::backing::{AsyncSink, AsyncSource, Sink, Source};

/// A cache and what it stands before: a write goes to the backing, then to the cache.
///
/// ```
/// use larder::{Cache, Sink, WriteThrough};
/// use std::{convert::Infallible, sync::Mutex};
///
/// #[derive(Default)]
/// struct Log(Mutex<Vec<(u32, u32)>>);
/// impl Sink<u32, u32> for Log {
///     type Error = Infallible;
///     fn store(&self, key: &u32, value: &u32) -> Result<(), Infallible> {
///         self.0.lock().unwrap().push((*key, *value));
///         Ok(())
///     }
///     fn remove(&self, _: &u32) -> Result<(), Infallible> {
///         Ok(())
///     }
/// }
/// let cache = Cache::new(100);
/// let scores = WriteThrough::new(cache.clone(), Log::default());
/// scores.set(&1, 10)?;
/// assert_eq!(cache.get(&1), Some(Some(10)));
/// assert_eq!(*scores.backing().0.lock().unwrap(), [(1, 10)]);
/// # Ok::<(), larder::LoadError<Infallible>>(())
/// ```
///
/// # Consistency
///
/// Writers of one key take turns, so that the cache ends with what the backing ends with. A load that began before a
/// write is not stored. Who misses while a write is under way waits for it; who hits has the old value until it ends. A
/// write that fails leaves the key out of the cache, since nobody knows what the backing has.
#[derive(Clone, Debug)]
pub struct WriteThrough<K, V, B> {
    aside: Aside<K, V, B>,
}

impl<K, V, B> WriteThrough<K, V, B> {
    /// Puts a cache before a backing.
    pub fn new(cache: Cache<K, Option<V>>, backing: B) -> Self {
        WriteThrough {
            aside: Aside::new(cache, backing),
        }
    }

    /// The cache, for invalidation and figures.
    pub fn cache(&self) -> &Cache<K, Option<V>> {
        self.aside.cache()
    }

    /// What is behind.
    pub fn backing(&self) -> &B {
        self.aside.backing()
    }
}

impl<K: Hash + Eq + Clone, V: Clone, B> WriteThrough<K, V, B> {
    /// As [`Aside::get`].
    ///
    /// # Errors
    ///
    /// As [`Aside::get`].
    pub fn get(&self, key: &K) -> Result<Option<V>, LoadError<B::Error>>
    where
        B: Source<K, V>,
    {
        self.aside.get(key)
    }

    /// As [`Aside::get_async`].
    ///
    /// # Errors
    ///
    /// As [`Aside::get`].
    pub async fn get_async(&self, key: &K) -> Result<Option<V>, LoadError<B::Error>>
    where
        B: AsyncSource<K, V>,
    {
        self.aside.get_async(key).await
    }

    /// Stores a value in the backing, then in the cache.
    ///
    /// # Cost
    ///
    /// The backing's, and two holds of a stripe's lock; no lock while the backing works.
    ///
    /// # Errors
    ///
    /// As [`Cache::write_with`].
    pub fn set(&self, key: &K, value: V) -> Result<(), LoadError<B::Error>>
    where
        B: Sink<K, V>,
    {
        let write = || {
            self.backing().store(key, &value)?;
            Ok(Loaded::new(Some(value)))
        };
        self.cache().write_with(key, write).map(drop)
    }

    /// Removes a key from the backing; the cache remembers that it has no value.
    ///
    /// # Errors
    ///
    /// As [`set`](WriteThrough::set).
    pub fn remove(&self, key: &K) -> Result<(), LoadError<B::Error>>
    where
        B: Sink<K, V>,
    {
        let write = || {
            self.backing().remove(key)?;
            Ok(Loaded::new(None))
        };
        self.cache().write_with(key, write).map(drop)
    }

    /// As [`set`](WriteThrough::set), for tasks.
    ///
    /// # Errors
    ///
    /// As [`set`](WriteThrough::set).
    pub async fn set_async(&self, key: &K, value: V) -> Result<(), LoadError<B::Error>>
    where
        B: AsyncSink<K, V>,
    {
        let write = async {
            self.backing().store(key, &value).await?;
            Ok(Loaded::new(Some(value)))
        };
        self.cache().write_with_async(key, write).await.map(drop)
    }

    /// As [`remove`](WriteThrough::remove), for tasks.
    ///
    /// # Errors
    ///
    /// As [`set`](WriteThrough::set).
    pub async fn remove_async(&self, key: &K) -> Result<(), LoadError<B::Error>>
    where
        B: AsyncSink<K, V>,
    {
        let write = async {
            self.backing().remove(key).await?;
            Ok(Loaded::new(None))
        };
        self.cache().write_with_async(key, write).await.map(drop)
    }
}
