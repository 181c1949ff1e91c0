//! `Combine`: union, intersection and difference of sorted sets, read or stored.

use super::select::Select;
use super::{SortedSet, convert};
use crate::bytes::FromValue;
use crate::error::Error;
use crate::event::EventKind;
use crate::store::core::Store;
use crate::store::group::{Key, View, Views};
use crate::store::site::Scope;
use crate::store::site::Site;
use crate::store::tx::Tx;
use crate::value;
use crate::value::sorted_set::{
    Aggregate, Rows, Source, difference, intersection, intersection_len, union,
};

/// Sets, and how they become one sorted set.
///
/// They are sorted sets, or plain ones, whose members all have the score 1.
///
/// ```
/// use larder::{Aggregate, Combine, Store};
///
/// let store = Store::new();
/// store.sorted_set::<String>("a").add_many([("x", 1.0), ("y", 2.0)])?;
/// store.sorted_set::<String>("b").add_many([("y", 10.0), ("z", 20.0)])?;
/// let both = Combine::intersection(["a", "b"]).weights([2.0, 0.5]).aggregate(Aggregate::Max);
/// assert_eq!(store.combine::<String>(&both)?, [("y".to_owned(), 5.0)]);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Combine {
    keys: Vec<Vec<u8>>,
    how: How,
    weights: Option<Vec<f64>>,
    aggregate: Option<Aggregate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Union,
    Intersection,
    Difference,
}

impl Combine {
    fn new(how: How, keys: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        Combine {
            keys: keys.into_iter().map(|key| key.as_ref().to_vec()).collect(),
            how,
            weights: None,
            aggregate: None,
        }
    }

    /// What is in any of the sets.
    ///
    /// ```
    /// use larder::Combine;
    /// let store = larder::Store::new();
    /// store.sorted_set::<String>("a").add("x", 1.0)?;
    /// assert_eq!(store.combine::<String>(&Combine::union(["a", "a"]))?, [("x".to_owned(), 2.0)]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias("ZUNION", "ZUNIONSTORE"))]
    #[must_use]
    pub fn union(keys: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        Combine::new(How::Union, keys)
    }

    /// What is in all of the sets.
    ///
    /// ```
    /// use larder::Combine;
    /// let store = larder::Store::new();
    /// store.sorted_set::<String>("a").add("x", 1.0)?;
    /// assert_eq!(store.combine::<String>(&Combine::intersection(["a", "none"]))?, []);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias("ZINTER", "ZINTERSTORE"))]
    #[must_use]
    pub fn intersection(keys: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        Combine::new(How::Intersection, keys)
    }

    /// What is in the first set and in no other, with its scores there.
    ///
    /// ```
    /// use larder::Combine;
    /// let store = larder::Store::new();
    /// store.sorted_set::<String>("a").add("x", 1.0)?;
    /// assert_eq!(store.combine::<String>(&Combine::difference(["a", "b"]))?, [("x".to_owned(), 1.0)]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias("ZDIFF", "ZDIFFSTORE"))]
    #[must_use]
    pub fn difference(keys: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        Combine::new(How::Difference, keys)
    }

    /// What the scores of each set are multiplied with, in the order of the keys; 1 unless said.
    ///
    /// ```
    /// use larder::Combine;
    /// let store = larder::Store::new();
    /// store.sorted_set::<String>("a").add("x", 3.0)?;
    /// let twice = Combine::union(["a"]).weights([2.0]);
    /// assert_eq!(store.combine::<String>(&twice)?, [("x".to_owned(), 6.0)]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias = "WEIGHTS")]
    #[must_use]
    pub fn weights(mut self, weights: impl IntoIterator<Item = f64>) -> Self {
        self.weights = Some(weights.into_iter().collect());
        self
    }

    /// How the scores of a member in several sets become one; their sum unless said.
    ///
    /// ```
    /// use larder::{Aggregate, Combine};
    /// let store = larder::Store::new();
    /// store.sorted_set::<String>("a").add("x", 3.0)?;
    /// let same = Combine::union(["a", "a"]).aggregate(Aggregate::Min);
    /// assert_eq!(store.combine::<String>(&same)?, [("x".to_owned(), 3.0)]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias = "AGGREGATE")]
    #[must_use]
    pub fn aggregate(mut self, aggregate: Aggregate) -> Self {
        self.aggregate = Some(aggregate);
        self
    }

    fn check(&self) -> Result<(), Error> {
        let weights = self.weights.as_deref().unwrap_or_default();
        if weights.iter().any(|weight| weight.is_nan()) {
            return Err(Error::WeightNotANumber);
        }
        let said = self.weights.is_some() || self.aggregate.is_some();
        let misplaced = self.how == How::Difference && said;
        let counted = self.weights.is_none() || weights.len() == self.keys.len();
        if self.keys.is_empty() || misplaced || !counted {
            return Err(Error::Syntax);
        }
        Ok(())
    }

    fn keys(&self, site: Site<'_>) -> Vec<Key<'_>> {
        self.keys.iter().map(|key| site.key(key)).collect()
    }

    /// What comes out, while the keys' stripes are held.
    fn rows(&self, site: Site<'_>, views: Views<'_>) -> Result<Rows, Error> {
        let inputs = inputs(views, &self.keys(site))?;
        let hasher = &site.core().hasher;
        let sources: Vec<&dyn Source> = inputs.iter().map(source).collect();
        if self.how == How::Difference {
            return Ok(difference(hasher, &sources));
        }
        let weight = |i: usize| self.weights.as_ref().map_or(1.0, |weights| weights[i]);
        let weighted: Vec<_> = (0..)
            .map(weight)
            .zip(sources)
            .map(|(w, s)| (s, w))
            .collect();
        let aggregate = self.aggregate.unwrap_or_default();
        Ok(match self.how {
            How::Union => union(hasher, &weighted, aggregate),
            _ => intersection(hasher, &weighted, aggregate),
        })
    }

    fn run(&self, site: Site<'_>) -> Result<Rows, Error> {
        self.check()?;
        site.look_many(&self.keys(site), |views| self.rows(site, views))
    }

    fn count(&self, site: Site<'_>, limit: usize) -> Result<usize, Error> {
        if self.how != How::Intersection || limit == 0 {
            return Ok(self.run(site)?.len().min(limit));
        }
        self.check()?;
        let keys = self.keys(site);
        site.look_many(&keys, |views| {
            let inputs = inputs(views, &keys)?;
            let sources: Vec<&dyn Source> = inputs.iter().map(source).collect();
            Ok(intersection_len(&site.core().hasher, &sources, limit))
        })
    }
}

/// A set that takes part: sorted, or plain.
enum Input<'v> {
    Sorted(View<'v, value::SortedSet>),
    Plain(View<'v, value::Set>),
}

fn source<'i>(input: &'i Input<'_>) -> &'i dyn Source {
    match input {
        Input::Sorted(set) => &**set,
        Input::Plain(set) => &**set,
    }
}

/// The sets of these keys, read where they stand; a missing one is empty.
fn inputs<'v>(views: Views<'v>, keys: &[Key<'_>]) -> Result<Vec<Input<'v>>, Error> {
    let input = |key: &Key<'_>| match views.get::<value::SortedSet>(*key) {
        Ok(Some(set)) => Ok(Input::Sorted(set)),
        Ok(None) => Ok(Input::Plain(View::Copied(value::Set::default()))),
        Err(Error::WrongType) => {
            let set = views.get::<value::Set>(*key)?;
            set.map(Input::Plain).ok_or(Error::WrongType)
        }
        Err(error) => Err(error),
    };
    keys.iter().map(input).collect()
}

impl<T, S: Scope> SortedSet<'_, T, S> {
    /// Stores what comes out of other sorted sets here, in the place of whatever is here; how many members that are.
    ///
    /// ```
    /// use larder::{Combine, Store};
    ///
    /// let store = Store::new();
    /// store.sorted_set::<String>("a").add("x", 1.0)?;
    /// store.sorted_set::<String>("b").add("y", 2.0)?;
    /// let all = store.sorted_set::<String>("all");
    /// assert_eq!(all.store_combined(&Combine::union(["a", "b"]))?, 2);
    /// assert_eq!(all.range(..)?, ["x", "y"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// The key may be one of the others. Its time to live goes, and it goes altogether if nothing comes out.
    ///
    /// # Cost
    ///
    /// As [`Store::combine`], and O(log n) for each member that comes out, under the locks of all keys' stripes.
    ///
    /// # Errors
    ///
    /// As [`Store::combine`]; [`Error::TooLarge`] if the set does not fit the store's bound.
    #[doc(alias("ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE"))]
    pub fn store_combined(&self, sets: &Combine) -> Result<usize, Error> {
        sets.check()?;
        let kind = match sets.how {
            How::Union => EventKind::ZUnionStore,
            How::Intersection => EventKind::ZInterStore,
            How::Difference => EventKind::ZDiffStore,
        };
        let keys = sets.keys(self.site());
        self.store_rows(kind, keys, |views| sets.rows(self.site(), views))
    }

    /// Stores a part of another sorted set here, in the place of whatever is here; how many members that are.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.sorted_set::<String>("all").add_many([("a", 1.0), ("b", 2.0), ("c", 3.0)])?;
    /// let top = store.sorted_set::<String>("top");
    /// assert_eq!(top.store_range_of("all", -2..)?, 2);
    /// assert_eq!(top.range(..)?, ["b", "c"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// The key's time to live goes, and it goes altogether if the part is empty.
    ///
    /// # Cost
    ///
    /// O(log n) for each member of the part, the locks of both keys' stripes.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if the other key holds another type; [`Error::BoundNotANumber`]; [`Error::TooLarge`] if the
    /// part does not fit the store's bound.
    #[doc(alias = "ZRANGESTORE")]
    pub fn store_range_of(
        &self,
        source: impl AsRef<[u8]>,
        part: impl Into<Select>,
    ) -> Result<usize, Error> {
        let (key, part) = (self.site().key(source.as_ref()), part.into());
        part.check()?;
        self.store_rows(EventKind::ZRangeStore, vec![key], |views| {
            let mut rows = Rows::default();
            if let Some(set) = views.get::<value::SortedSet>(key)? {
                set.visit(part.ranks_of(&set), part.direction(), |member, score| {
                    rows.push(member, score);
                });
            }
            Ok(rows)
        })
    }

    fn store_rows(
        &self,
        kind: EventKind,
        sources: Vec<Key<'_>>,
        rows: impl Fn(Views<'_>) -> Result<Rows, Error>,
    ) -> Result<usize, Error> {
        let to = self.key();
        let keys: Vec<_> = sources.into_iter().chain([to]).collect();
        self.site().write_many(&keys, |group| {
            let rows = rows(group.views())?;
            let count = rows.len();
            let set = rows.into_set(self.hasher());
            group.overwrite_from(to, &keys, kind, set)?;
            Ok(count)
        })
    }
}

impl Store {
    /// What comes out of several sorted sets, the lowest score first.
    ///
    /// ```
    /// use larder::{Combine, Store};
    ///
    /// let store = Store::new();
    /// store.sorted_set::<String>("a").add_many([("x", 1.0), ("y", 2.0)])?;
    /// store.sorted_set::<String>("b").add("y", 10.0)?;
    /// let rows = store.combine::<String>(&Combine::union(["a", "b"]))?;
    /// assert_eq!(rows, [("x".to_owned(), 1.0), ("y".to_owned(), 12.0)]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// A union looks up each member of each set in all of them, an intersection those of the smallest, a difference
    /// those of the first; what comes out is sorted. The locks of all keys' stripes, shared with other readers.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if a key holds no set, sorted or plain; [`Error::Syntax`] without keys, for weights that are not as
    /// many, and for weights or an aggregate of a difference; [`Error::WeightNotANumber`]; [`Error::Convert`] if a
    /// member is no `T`.
    #[doc(alias("ZUNION", "ZINTER", "ZDIFF"))]
    pub fn combine<T: FromValue>(&self, sets: &Combine) -> Result<Vec<(T, f64)>, Error> {
        convert(&sets.run(self.site())?)
    }

    /// How many members come out of several sorted sets; counting stops at `limit`.
    ///
    /// ```
    /// use larder::{Combine, Store};
    ///
    /// let store = Store::new();
    /// store.sorted_set::<String>("a").add_many([("x", 1.0), ("y", 2.0)])?;
    /// assert_eq!(store.combine_len(&Combine::intersection(["a", "a"]), usize::MAX)?, 2);
    /// assert_eq!(store.combine_len(&Combine::intersection(["a", "a"]), 1)?, 1);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::combine`]; that of an intersection ends at the limit, and allocates nothing for members.
    ///
    /// # Errors
    ///
    /// As [`Store::combine`].
    #[doc(alias = "ZINTERCARD")]
    pub fn combine_len(&self, sets: &Combine, limit: usize) -> Result<usize, Error> {
        sets.count(self.site(), limit)
    }
}

impl Tx<'_> {
    /// See [`Store::combine`].
    ///
    /// # Errors
    ///
    /// Those of the store's call, and [`Error::KeyNotNamed`].
    #[doc(alias("ZUNION", "ZINTER", "ZDIFF"))]
    pub fn combine<T: FromValue>(&self, sets: &Combine) -> Result<Vec<(T, f64)>, Error> {
        convert(&sets.run(self.site)?)
    }

    /// See [`Store::combine_len`].
    ///
    /// # Errors
    ///
    /// Those of the store's call, and [`Error::KeyNotNamed`].
    #[doc(alias = "ZINTERCARD")]
    pub fn combine_len(&self, sets: &Combine, limit: usize) -> Result<usize, Error> {
        sets.count(self.site, limit)
    }
}
