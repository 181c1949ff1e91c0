//! `Aside`: a cache before a backing that is read through it and written around it.
//!
//! That a key has no value is remembered like a value, so that asking for what is not there does not ask the backing
//! each time; [`CacheBuilder::none_ttl`](crate::CacheBuilder::none_ttl) says for how long.

use std::hash::Hash;

use crate::cache::Cache;
use crate::error::LoadError;

use super::backing::{AsyncSink, AsyncSource, Sink, Source};

/// A cache and what it stands before: reads go through the cache, writes around it.
///
/// ```
/// use larder::{Aside, Cache, Sink, Source};
/// use std::{collections::HashMap, convert::Infallible, sync::Mutex};
///
/// struct Table(Mutex<HashMap<u32, String>>);
/// impl Source<u32, String> for Table {
///     type Error = Infallible;
///     fn load(&self, key: &u32) -> Result<Option<String>, Infallible> {
///         Ok(self.0.lock().unwrap().get(key).cloned())
///     }
/// }
/// impl Sink<u32, String> for Table {
///     type Error = Infallible;
///     fn store(&self, key: &u32, value: &String) -> Result<(), Infallible> {
///         self.0.lock().unwrap().insert(*key, value.clone());
///         Ok(())
///     }
///     fn remove(&self, key: &u32) -> Result<(), Infallible> {
///         self.0.lock().unwrap().remove(key);
///         Ok(())
///     }
/// }
/// let users = Aside::new(Cache::new(100), Table(Mutex::default()));
/// assert_eq!(users.get(&7), Ok(None));
/// users.set(&7, &"Ada".to_owned())?;
/// assert_eq!(users.get(&7), Ok(Some("Ada".to_owned())));
/// # Ok::<(), Infallible>(())
/// ```
///
/// # Consistency
///
/// A load that began before a write of the same key through this `Aside` is not stored. Writes that go past it are seen
/// when the entry ends, or is removed from the [`cache`](Aside::cache).
#[derive(Clone, Debug)]
pub struct Aside<K, V, B> {
    cache: Cache<K, Option<V>>,
    backing: B,
}

impl<K, V, B> Aside<K, V, B> {
    /// Puts a cache before a backing.
    pub fn new(cache: Cache<K, Option<V>>, backing: B) -> Self {
        Aside { cache, backing }
    }

    /// The cache, for invalidation and figures.
    pub fn cache(&self) -> &Cache<K, Option<V>> {
        &self.cache
    }

    /// What is behind.
    pub fn backing(&self) -> &B {
        &self.backing
    }
}

impl<K: Hash + Eq + Clone, V: Clone, B> Aside<K, V, B> {
    /// The value of a key, from the cache or through it; one load for any number of callers.
    ///
    /// # Cost
    ///
    /// As [`Cache::get_or_load`].
    ///
    /// # Errors
    ///
    /// As [`Cache::get_or_try_load`].
    pub fn get(&self, key: &K) -> Result<Option<V>, LoadError<B::Error>>
    where
        B: Source<K, V>,
    {
        self.cache.get_or_try_load(key, || self.backing.load(key))
    }

    /// The values of many keys in their order, with one call of the backing for all that this caller has to load.
    ///
    /// # Cost
    ///
    /// As [`Cache::get_many_or_load`].
    ///
    /// # Errors
    ///
    /// As [`Cache::get_many_or_load`].
    pub fn get_many<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k K>,
    ) -> Result<Vec<Option<V>>, LoadError<B::Error>>
    where
        B: Source<K, V>,
        K: 'k,
    {
        let values = self.cache.get_many_or_load(keys, |missing| {
            let mut loaded: std::collections::HashMap<K, V> =
                self.backing.load_many(&missing)?.into_iter().collect();
            let pair = move |key: &K| (key.clone(), loaded.remove(key));
            Ok(missing.into_iter().map(pair))
        })?;
        Ok(values.into_iter().map(Option::flatten).collect())
    }

    /// As [`get`](Aside::get), for tasks.
    ///
    /// # Errors
    ///
    /// As [`get`](Aside::get).
    pub async fn get_async(&self, key: &K) -> Result<Option<V>, LoadError<B::Error>>
    where
        B: AsyncSource<K, V>,
    {
        let load = self.backing.load(key);
        self.cache.get_or_try_load_async(key, load).await
    }

    /// Stores a value in the backing and drops what the cache has of the key.
    ///
    /// # Errors
    ///
    /// The backing's; the cache forgets the key then too, since nobody knows what the backing has.
    pub fn set(&self, key: &K, value: &V) -> Result<(), B::Error>
    where
        B: Sink<K, V>,
    {
        let _forget = Forget(self, key);
        self.backing.store(key, value)
    }

    /// Removes a key from the backing and from the cache.
    ///
    /// # Errors
    ///
    /// As [`set`](Aside::set).
    pub fn remove(&self, key: &K) -> Result<(), B::Error>
    where
        B: Sink<K, V>,
    {
        let _forget = Forget(self, key);
        self.backing.remove(key)
    }

    /// As [`set`](Aside::set), for tasks.
    ///
    /// # Errors
    ///
    /// As [`set`](Aside::set).
    pub async fn set_async(&self, key: &K, value: &V) -> Result<(), B::Error>
    where
        B: AsyncSink<K, V>,
    {
        let _forget = Forget(self, key);
        self.backing.store(key, value).await
    }

    /// As [`remove`](Aside::remove), for tasks.
    ///
    /// # Errors
    ///
    /// As [`set`](Aside::set).
    pub async fn remove_async(&self, key: &K) -> Result<(), B::Error>
    where
        B: AsyncSink<K, V>,
    {
        let _forget = Forget(self, key);
        self.backing.remove(key).await
    }
}

/// Makes the cache forget a key once the backing was written, however that ended.
struct Forget<'a, K: Hash + Eq, V, B>(&'a Aside<K, V, B>, &'a K);

impl<K: Hash + Eq, V, B> Drop for Forget<'_, K, V, B> {
    fn drop(&mut self) {
        drop(self.0.cache.remove(self.1));
    }
}
