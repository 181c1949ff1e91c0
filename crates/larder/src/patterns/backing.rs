//! What a cache may stand before: a database, a service, a second tier.

use std::future::Future;
use std::sync::Arc;

/// Something to load from.
///
/// ```
/// use larder::{Aside, Cache, Source};
///
/// struct Squares;
/// impl Source<u32, u32> for Squares {
///     type Error = std::convert::Infallible;
///     fn load(&self, key: &u32) -> Result<Option<u32>, Self::Error> {
///         Ok(key.checked_mul(*key))
///     }
/// }
/// let squares = Aside::new(Cache::new(100), Squares);
/// assert_eq!(squares.get(&12), Ok(Some(144)));
/// ```
pub trait Source<K, V> {
    /// Why it failed.
    type Error;

    /// The value of a key; `None` if it has none.
    ///
    /// # Errors
    ///
    /// If nobody can say.
    fn load(&self, key: &K) -> Result<Option<V>, Self::Error>;

    /// The values of many keys; those without one are left out. One query where the source can do that.
    ///
    /// # Errors
    ///
    /// If nobody can say for one of them.
    fn load_many(&self, keys: &[&K]) -> Result<Vec<(K, V)>, Self::Error>
    where
        K: Clone,
    {
        let loaded = keys.iter().map(|key| {
            let value = self.load(key)?;
            Ok(value.map(|value| ((*key).clone(), value)))
        });
        loaded.filter_map(Result::transpose).collect()
    }
}

/// Something to write to. A call that fails may have written or not.
pub trait Sink<K, V> {
    /// Why it failed.
    type Error;

    /// Stores a value.
    ///
    /// # Errors
    ///
    /// If it may not have been stored.
    fn store(&self, key: &K, value: &V) -> Result<(), Self::Error>;

    /// Removes a key, if it is there.
    ///
    /// # Errors
    ///
    /// If it may not have been removed.
    fn remove(&self, key: &K) -> Result<(), Self::Error>;
}

/// Something to load from, for tasks; as [`Source`].
pub trait AsyncSource<K, V> {
    /// Why it failed.
    type Error;

    /// The value of a key; `None` if it has none.
    fn load(&self, key: &K) -> impl Future<Output = Result<Option<V>, Self::Error>> + Send;
}

/// Something to write to, for tasks; as [`Sink`]. A future that is dropped may have written or not.
pub trait AsyncSink<K, V> {
    /// Why it failed.
    type Error;

    /// Stores a value.
    fn store(&self, key: &K, value: &V) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Removes a key, if it is there.
    fn remove(&self, key: &K) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

impl<K, V, B: Source<K, V> + ?Sized> Source<K, V> for Arc<B> {
    type Error = B::Error;

    fn load(&self, key: &K) -> Result<Option<V>, B::Error> {
        (**self).load(key)
    }

    fn load_many(&self, keys: &[&K]) -> Result<Vec<(K, V)>, B::Error>
    where
        K: Clone,
    {
        (**self).load_many(keys)
    }
}

impl<K, V, B: Sink<K, V> + ?Sized> Sink<K, V> for Arc<B> {
    type Error = B::Error;

    fn store(&self, key: &K, value: &V) -> Result<(), B::Error> {
        (**self).store(key, value)
    }

    fn remove(&self, key: &K) -> Result<(), B::Error> {
        (**self).remove(key)
    }
}
