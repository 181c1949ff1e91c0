//! What the code that `#[memoize]` writes stands on: arguments as borrowed keys, and results that may fail.

use std::borrow::ToOwned;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash, Hasher};
use std::time::Duration;

use equivalent::Equivalent;

use crate::stats::Stats;
use crate::sync::Mutex;

/// The arguments of a call, borrowed, as the key that they make when owned: a hit clones none of them.
///
/// One argument stands for itself, several for their tuple. An argument `&str` stands for a `String`, a slice for a
/// `Vec`, as [`Borrow`](std::borrow::Borrow) has it.
///
/// ```
/// use larder::{Cache, memo::Args};
///
/// let cache: Cache<(u64, String), f64> = Cache::new(100);
/// cache.insert((7, "eur".to_owned()), 1.5);
/// assert_eq!(cache.get(&Args((&7, "eur"))), Some(1.5));
///
/// let names: Cache<String, u64> = Cache::new(100);
/// names.insert("ada".to_owned(), 1);
/// assert_eq!(names.get(&Args(("ada",))), Some(1));
/// ```
// Not `Clone`: then it would be its own owned form, in the eyes of `ToKey`.
#[derive(Debug)]
pub struct Args<T>(pub T);

/// How a load makes the key of what was asked for, if it has to: by [`ToOwned`], and of [`Args`]
/// the tuple of what they borrow.
///
/// ```
/// use larder::memo::{Args, ToKey};
///
/// let key: String = "ada".to_key();
/// assert_eq!(key, "ada");
/// let key: (u64, String) = Args((&7, "ada")).to_key();
/// assert_eq!(key, (7, "ada".to_owned()));
/// ```
///
/// # Cost
///
/// A clone of each part. Loads call it on a miss, never on a hit.
pub trait ToKey<K> {
    /// The key, owned.
    #[must_use]
    fn to_key(&self) -> K;
}

impl<K, Q: ToOwned<Owned = K> + ?Sized> ToKey<K> for Q {
    fn to_key(&self) -> K {
        self.to_owned()
    }
}

/// A tuple of one argument is hashed and compared as the argument.
impl<Q: Hash + ?Sized> Hash for Args<(&Q,)> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.0.hash(state);
    }
}

impl<Q: Eq + ?Sized, A: std::borrow::Borrow<Q>> Equivalent<A> for Args<(&Q,)> {
    fn equivalent(&self, key: &A) -> bool {
        self.0.0 == key.borrow()
    }
}

impl<Q: ToOwned + ?Sized> ToKey<Q::Owned> for Args<(&Q,)> {
    fn to_key(&self) -> Q::Owned {
        self.0.0.to_owned()
    }
}

macro_rules! arguments {
    ($($borrowed:ident $owned:ident $place:tt),*) => {
        impl<$($borrowed: Hash + ?Sized),*> Hash for Args<($(&$borrowed,)*)> {
            fn hash<Z: Hasher>(&self, state: &mut Z) {
                $(self.0.$place.hash(state);)*
            }
        }

        impl<$($borrowed: Eq + ?Sized, $owned: std::borrow::Borrow<$borrowed>),*>
            Equivalent<($($owned,)*)> for Args<($(&$borrowed,)*)>
        {
            fn equivalent(&self, key: &($($owned,)*)) -> bool {
                $(self.0.$place == key.$place.borrow())&&*
            }
        }

        impl<$($borrowed: ToOwned + ?Sized),*> ToKey<($($borrowed::Owned,)*)>
            for Args<($(&$borrowed,)*)>
        {
            fn to_key(&self) -> ($($borrowed::Owned,)*) {
                ($(self.0.$place.to_owned(),)*)
            }
        }
    };
}

arguments!(A B 0, C D 1);
arguments!(A B 0, C D 1, E F 2);
arguments!(A B 0, C D 1, E F 2, G H 3);
arguments!(A B 0, C D 1, E F 2, G H 3, I J 4);
arguments!(A B 0, C D 1, E F 2, G H 3, I J 4, K L 5);

/// A result of which only the success is kept: [`Result`], whatever a program calls it.
///
/// ```
/// use larder::memo::Fallible;
///
/// type Checked = std::io::Result<u32>;
/// assert_eq!(Checked::of_value(1).into_result().ok(), Some(1));
/// ```
pub trait Fallible {
    /// What is kept.
    type Value;
    /// What is not.
    type Error;

    /// The success or the failure.
    #[expect(clippy::missing_errors_doc, reason = "it is the result itself")]
    fn into_result(self) -> Result<Self::Value, Self::Error>;

    /// A success.
    fn of_value(value: Self::Value) -> Self;

    /// A failure.
    fn of_error(error: Self::Error) -> Self;
}

impl<T, E> Fallible for Result<T, E> {
    type Value = T;
    type Error = E;

    fn into_result(self) -> Result<T, E> {
        self
    }

    fn of_value(value: T) -> Self {
        Ok(value)
    }

    fn of_error(error: E) -> Self {
        Err(error)
    }
}

/// What a `bulk` function returns: pairs of keys and values, in a map or in a row.
///
/// ```
/// use larder::memo::Pairs;
/// use std::collections::HashMap;
///
/// fn total<P: Pairs<Value = u32>>(pairs: P) -> u32 {
///     pairs.into_iter().map(|(_, value)| value).sum()
/// }
/// assert_eq!(total(HashMap::from([("a", 1), ("b", 2)])), 3);
/// assert_eq!(total(vec![("a", 1), ("b", 2)]), 3);
/// ```
pub trait Pairs:
    IntoIterator<Item = (Self::Key, Self::Value)> + FromIterator<(Self::Key, Self::Value)>
{
    /// What is asked for.
    type Key;
    /// What is kept under it.
    type Value;
}

impl<K: Hash + Eq, V, S: BuildHasher + Default> Pairs for HashMap<K, V, S> {
    type Key = K;
    type Value = V;
}

impl<K: Ord, V> Pairs for BTreeMap<K, V> {
    type Key = K;
    type Value = V;
}

impl<K, V> Pairs for Vec<(K, V)> {
    type Key = K;
    type Value = V;
}

/// Whether a rule keeps a value; `#[memoize]` calls it.
#[doc(hidden)]
pub fn is_kept<V>(value: &V, rule: impl FnOnce(&V) -> bool) -> bool {
    rule(value)
}

/// For how long a rule keeps a value; `#[memoize]` calls it.
#[doc(hidden)]
pub fn lifetime<V, T: Into<Option<Duration>>>(
    value: &V,
    rule: impl FnOnce(&V) -> T,
) -> Option<Duration> {
    rule(value).into()
}

/// A memoized function by its name, and how to ask what its cache has done.
type Listed = (&'static str, fn() -> Stats);

/// The memoized functions that have been called: bounded by the program's text.
static LISTED: Mutex<Vec<Listed>> = Mutex::new(Vec::new());

/// What the caches of all memoized functions have done, by name, for metrics: those with a cache for the whole process, as
/// soon as they have been called.
///
/// The name is what `#[memoize(name = "users")]` says, or else the function's path.
///
/// ```
/// # #[cfg(feature = "macros")]
/// # {
/// #[larder::memoize(name = "squares")]
/// fn square(number: u64) -> u64 {
///     number * number
/// }
///
/// square(3);
/// square(3);
/// let (_, squares) = larder::memo::stats().into_iter().find(|(name, _)| *name == "squares").unwrap();
/// assert_eq!((squares.hits, squares.misses), (1, 1));
/// # }
/// ```
///
/// # Cost
///
/// As [`Cache::stats`](crate::Cache::stats) for each function.
#[must_use]
pub fn stats() -> Vec<(&'static str, Stats)> {
    let listed = listed();
    let tell = |(name, stats): (_, fn() -> Stats)| (name, stats());
    listed.into_iter().map(tell).collect()
}

#[expect(clippy::disallowed_methods, reason = "this file owns the list's lock")]
fn listed() -> Vec<Listed> {
    LISTED.lock().clone()
}

/// Lists a memoized function; `#[memoize]` calls it.
#[doc(hidden)]
#[expect(clippy::disallowed_methods, reason = "this file owns the list's lock")]
pub fn list(name: &'static str, stats: fn() -> Stats) {
    LISTED.lock().push((name, stats));
}
