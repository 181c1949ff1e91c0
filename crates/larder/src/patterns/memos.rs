//! `Memos`: what memoized functions have computed for one request, lent for as long as that lasts.
//!
//! ```text
//! function --> its results:   index  key -> number       a cache, which sees to it that a body runs once per key
//!                             shelf  number -> value     cells that never move, until the request ends
//! ```
//!
//! Nothing is taken out while the request lives: that is what lets a caller have a reference. The values stand in arrays
//! that double and stay where they are; the functions in a chain, in the order in which they were first called.

use std::any::{Any, TypeId};
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use equivalent::Equivalent;

use crate::cache::{Cache, Loaded};
use crate::error::LoadError;
use crate::memo::ToKey;
use crate::reaper::Upkeep;

/// Arrays of a shelf: the first has one cell, each other as many as all before it.
const LEVELS: usize = u32::BITS as usize + 1;

/// The results of memoized functions for one request: `#[memoize(scope = cx(…))]` finds them through an argument, and
/// lends them to its callers.
///
/// ```
/// # #[cfg(feature = "macros")]
/// # {
/// use larder::{Memos, memoize};
///
/// #[derive(Default)]
/// struct Request {
///     memos: Memos,
/// }
///
/// #[memoize(scope = cx(request.memos))]
/// fn user(request: &Request, id: u64) -> String {
///     format!("user {id}")
/// }
///
/// let request = Request::default();
/// let first: &String = user(&request, 7);
/// assert!(std::ptr::eq(first, user(&request, 7)));
/// assert_eq!(request.memos.len(), 1);
/// # }
/// ```
///
/// # Cost
///
/// Nothing until a function is called; for each that is, a cache of one stripe, some tens of KiB. A hit is a
/// [`Cache::get`], and clones nothing: neither the arguments nor the result.
///
/// # Consistency
///
/// A result stays as it is until the request ends, and all of them end with it.
#[derive(Default)]
pub struct Memos {
    first: OnceLock<Box<Link>>,
}

/// The results of one function, and the next function.
struct Link {
    function: TypeId,
    kept: Box<dyn Any + Send + Sync>,
    next: OnceLock<Box<Link>>,
    /// How many results they are.
    len: fn(&(dyn Any + Send + Sync)) -> usize,
}

impl Memos {
    /// Nothing, for a request that begins.
    ///
    /// ```
    /// assert!(larder::Memos::new().is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Memos::default()
    }

    /// How many results are kept, of all functions.
    ///
    /// ```
    /// assert_eq!(larder::Memos::new().len(), 0);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.links().map(|link| (link.len)(&*link.kept)).sum()
    }

    /// Whether no result is kept.
    ///
    /// ```
    /// assert!(larder::Memos::new().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The functions that have been called.
    fn links(&self) -> impl Iterator<Item = &Link> {
        std::iter::successors(self.first.get(), |link| link.next.get()).map(|link| &**link)
    }

    /// The results of a function, which is known by a type of its own; `#[memoize]` calls it.
    #[doc(hidden)]
    pub fn of<F, K, V>(&self) -> &Kept<K, V>
    where
        F: 'static,
        K: Hash + Eq + Send + Sync + 'static,
        V: Send + Sync + 'static,
    {
        let function = TypeId::of::<F>();
        let mut place = &self.first;
        loop {
            let link = place.get_or_init(|| Box::new(Link::new::<K, V>(function)));
            if link.function == function {
                let kept = link.kept.downcast_ref();
                return kept.expect("a function has one type of keys and of results");
            }
            place = &link.next;
        }
    }
}

impl AsRef<Memos> for Memos {
    fn as_ref(&self) -> &Memos {
        self
    }
}

impl fmt::Debug for Memos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memos")
            .field("results", &self.len())
            .finish()
    }
}

impl Link {
    fn new<K, V>(function: TypeId) -> Self
    where
        K: Hash + Eq + Send + Sync + 'static,
        V: Send + Sync + 'static,
    {
        Link {
            function,
            kept: Box::new(Kept::<K, V>::new()),
            next: OnceLock::new(),
            len: |kept| {
                let kept: Option<&Kept<K, V>> = kept.downcast_ref();
                kept.map_or(0, |kept| kept.index.len())
            },
        }
    }
}

/// The results of one function for one request.
#[doc(hidden)]
pub struct Kept<K, V> {
    index: Cache<K, u32>,
    shelf: Shelf<V>,
}

impl<K, V> Kept<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    fn new() -> Self {
        let index = Cache::builder().unbounded().stripes(1);
        let index = index.upkeep(Upkeep::Manual).build();
        Kept {
            index: index.expect("the settings are valid"),
            shelf: Shelf::new(),
        }
    }

    /// The result for a key, computed if there is none.
    pub fn fetch<Q, E>(
        &self,
        key: &Q,
        body: impl FnOnce() -> Result<V, E>,
    ) -> Result<&V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToKey<K> + ?Sized,
    {
        let number = (self.index).fetch(key, || Ok(Loaded::new(self.shelf.put(body()?))))?;
        Ok(self.shelf.at(number))
    }

    /// As [`fetch`](Kept::fetch), with a future.
    pub async fn fetch_async<Q, E>(
        &self,
        key: &Q,
        body: impl Future<Output = Result<V, E>>,
    ) -> Result<&V, LoadError<E>>
    where
        Q: Hash + Equivalent<K> + ToKey<K> + ?Sized,
    {
        let load = async { Ok(Loaded::new(self.shelf.put(body.await?))) };
        let number = self.index.fetch_async(key, load).await?;
        Ok(self.shelf.at(number))
    }

    /// Keeps a result that no key names.
    pub fn hold(&self, value: V) -> &V {
        self.shelf.at(self.shelf.put(value))
    }
}

/// Values by number, which stay where they are.
struct Shelf<V> {
    levels: [OnceLock<Box<[OnceLock<V>]>>; LEVELS],
    next: AtomicU32,
}

impl<V> Shelf<V> {
    fn new() -> Self {
        Shelf {
            levels: [const { OnceLock::new() }; LEVELS],
            next: AtomicU32::new(0),
        }
    }

    /// Puts a value there; returns its number.
    fn put(&self, value: V) -> u32 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (level, offset) = locate(number);
        let cells = self.levels[level].get_or_init(|| {
            let cells = ((1u64 << level) >> 1).max(1);
            (0..cells).map(|_| OnceLock::new()).collect()
        });
        let is_first = cells[offset].set(value).is_ok();
        assert!(is_first, "a request has fewer than four billion results");
        number
    }

    fn at(&self, number: u32) -> &V {
        let (level, offset) = locate(number);
        let cell = self.levels[level].get().map(|cells| &cells[offset]);
        let value = cell.and_then(OnceLock::get);
        value.expect("a number is told once its value is there")
    }
}

/// The array of a number, and the place in it.
fn locate(number: u32) -> (usize, usize) {
    let level = (u32::BITS - number.leading_zeros()) as usize;
    (level, number as usize - ((1usize << level) >> 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One;
    struct Two;

    #[test]
    fn values_stay_where_they_are_while_others_come() {
        let shelf = Shelf::new();
        let first = shelf.at(shelf.put(0u32));
        for number in 1..5_000 {
            assert_eq!(*shelf.at(shelf.put(number)), number);
        }
        assert!(std::ptr::eq(first, shelf.at(0)));
    }

    #[test]
    fn functions_do_not_share_results() {
        let memos = Memos::new();
        let load = |value: u32| move || Ok::<_, ()>(value);
        let one = memos.of::<One, u32, u32>();
        assert_eq!(one.fetch(&1, load(10)), Ok(&10));
        let two = memos.of::<Two, u32, u32>();
        assert_eq!(two.fetch(&1, load(20)), Ok(&20));
        assert_eq!(one.fetch(&1, load(30)), Ok(&10));
        assert_eq!(memos.len(), 2);
        assert_eq!(*one.hold(7), 7);
        assert_eq!(memos.len(), 2);
    }

    #[test]
    fn a_result_is_computed_once_for_all_threads_of_a_request() {
        let memos = Memos::new();
        let runs = AtomicU32::new(0);
        let ask = || {
            let kept = memos.of::<One, u32, u32>();
            *(kept.fetch(&1, || Ok::<_, ()>(runs.fetch_add(1, Ordering::Relaxed)))).unwrap()
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(ask(), 0));
            }
        });
        assert_eq!(runs.load(Ordering::Relaxed), 1);
    }
}
