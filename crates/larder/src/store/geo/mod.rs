//! `Geo`: a sorted set seen as places with names.
//!
//! `search` finds what is near.

mod search;

use std::fmt;

use super::core::Store;
use super::site::{InStore, InTx, Scope};
use super::sorted_set::{AddCount, SortedSet};
use super::tx::Tx;
use crate::bytes::ToValue;
use crate::error::Error;
use crate::value::geo::Position;
use crate::value::sorted_set::AddRule;

pub use search::{Center, GeoFound, GeoSearch};

/// Places by name: a sorted set whose scores are cells of some 0.6 metres.
///
/// It is a view of one key, the same as [`Store::sorted_set`] of it: there a place is removed, and counted.
///
/// ```
/// use larder::{GeoArea, GeoSearch, Position};
///
/// let store = larder::Store::new();
/// let cities = store.geo::<String>("sicily");
/// cities.add("Palermo", Position { longitude: 13.361389, latitude: 38.115556 })?;
/// cities.add("Catania", Position { longitude: 15.087269, latitude: 37.502669 })?;
/// assert_eq!(cities.distance("Palermo", "Catania")?.map(f64::round), Some(166_274.0));
///
/// let centre = Position { longitude: 15.0, latitude: 37.0 };
/// let near = GeoSearch::around(centre, GeoArea::Circle { radius: 100_000.0 });
/// assert_eq!(cities.search(&near)?[0].member, "Catania");
/// # Ok::<(), larder::Error>(())
/// ```
///
/// | command | method |
/// |---|---|
/// | `GEOADD` | [`add`](Self::add), [`add_many`](Self::add_many), [`add_with`](Self::add_with) |
/// | `GEOPOS`, `GEODIST`, `GEOHASH` | [`positions`](Self::positions), [`distance`](Self::distance), [`geohashes`](Self::geohashes) |
/// | `GEOSEARCH`, `GEORADIUS`, `GEORADIUSBYMEMBER` | [`search`](Self::search) |
/// | `GEOSEARCHSTORE` | [`store_search_of`](Self::store_search_of), [`store_distances_of`](Self::store_distances_of) |
///
/// # Errors
///
/// Every call is refused with [`Error::WrongType`] if the key holds no sorted set.
pub struct Geo<'a, T, S = InStore<'a>> {
    set: SortedSet<'a, T, S>,
}

impl<T, S: Scope> Clone for Geo<'_, T, S> {
    fn clone(&self) -> Self {
        Geo {
            set: self.set.clone(),
        }
    }
}

impl<T, S> fmt::Debug for Geo<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Geo").finish_non_exhaustive()
    }
}

impl Store {
    /// A view of a key as places.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert_eq!(store.geo::<String>("none").position("a")?, None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// One hash and one allocation: keep the view where it is used often.
    #[must_use]
    pub fn geo<T>(&self, key: impl AsRef<[u8]>) -> Geo<'_, T> {
        Geo {
            set: self.sorted_set(key),
        }
    }
}

impl<'a, T> From<Geo<'a, T>> for Geo<'a, T, InTx<'a>> {
    /// A view that may be of a store or of a transaction.
    fn from(view: Geo<'a, T>) -> Self {
        Geo {
            set: view.set.into(),
        }
    }
}

impl Tx<'_> {
    /// See [`Store::geo`].
    #[must_use]
    pub fn geo<T>(&self, key: impl AsRef<[u8]>) -> Geo<'_, T, InTx<'_>> {
        Geo {
            set: self.sorted_set(key),
        }
    }
}

impl<T, S: Scope> Geo<'_, T, S> {
    /// Puts a member at a place; whether it is new.
    ///
    /// ```
    /// use larder::{Error, Position};
    ///
    /// let store = larder::Store::new();
    /// let cities = store.geo::<String>("cities");
    /// assert!(cities.add("Bern", Position { longitude: 7.44, latitude: 46.95 })?);
    /// let nowhere = Position { longitude: 7.44, latitude: 90.0 };
    /// assert_eq!(cities.add("Nowhere", nowhere), Err(Error::NoSuchPlace));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`SortedSet::add`].
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchPlace`] beyond what a [`Position`] may be; and as [`SortedSet::add`].
    #[doc(alias = "GEOADD")]
    pub fn add(&self, member: impl ToValue, position: Position) -> Result<bool, Error> {
        Ok(self.add_many([(member, position)])? == 1)
    }

    /// Puts members at places; how many are new. Of a member that comes twice, the last place counts.
    ///
    /// ```
    /// use larder::Position;
    ///
    /// let store = larder::Store::new();
    /// let cities = store.geo::<String>("cities");
    /// let bern = Position { longitude: 7.44, latitude: 46.95 };
    /// let basel = Position { longitude: 7.59, latitude: 47.56 };
    /// assert_eq!(cities.add_many([("Bern", bern), ("Basel", basel)])?, 2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`SortedSet::add_many`].
    ///
    /// # Errors
    ///
    /// As [`Self::add`].
    #[doc(alias = "GEOADD")]
    pub fn add_many(
        &self,
        members: impl IntoIterator<Item = (impl ToValue, Position)>,
    ) -> Result<usize, Error> {
        Ok(self.add_with(AddRule::Always, members)?.added)
    }

    /// Puts members at places as far as a rule admits it.
    ///
    /// ```
    /// use larder::{AddRule, Position};
    ///
    /// let store = larder::Store::new();
    /// let cities = store.geo::<String>("cities");
    /// let bern = Position { longitude: 7.44, latitude: 46.95 };
    /// let count = cities.add_with(AddRule::IfPresent, [("Bern", bern)])?;
    /// assert_eq!(count.added, 0);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`SortedSet::add_many`].
    ///
    /// # Errors
    ///
    /// As [`Self::add`].
    #[doc(alias("GEOADD", "NX", "XX", "CH"))]
    pub fn add_with(
        &self,
        rule: AddRule,
        members: impl IntoIterator<Item = (impl ToValue, Position)>,
    ) -> Result<AddCount, Error> {
        let members: Vec<_> = members.into_iter().collect();
        if !members.iter().all(|(_, position)| position.is_valid()) {
            return Err(Error::NoSuchPlace);
        }
        let scored = members
            .into_iter()
            .map(|(member, position)| (member, position.score()));
        self.set.add_with(rule, scored)
    }

    /// Where a member is: the middle of its cell.
    ///
    /// ```
    /// use larder::Position;
    ///
    /// let store = larder::Store::new();
    /// let cities = store.geo::<String>("cities");
    /// cities.add("Bern", Position { longitude: 7.44, latitude: 46.95 })?;
    /// let bern = cities.position("Bern")?.expect("it was added");
    /// assert!((bern.longitude - 7.44).abs() < 1e-5);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`SortedSet::score`].
    ///
    /// # Errors
    ///
    /// As said of [`Geo`].
    #[doc(alias = "GEOPOS")]
    pub fn position(&self, member: impl ToValue) -> Result<Option<Position>, Error> {
        Ok(self.set.score(member)?.and_then(Position::of_score))
    }

    /// Where members are; `None` for one that there is not.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert_eq!(store.geo::<String>("cities").positions(["Bern"])?, [None]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`SortedSet::scores`].
    ///
    /// # Errors
    ///
    /// As said of [`Geo`].
    #[doc(alias = "GEOPOS")]
    pub fn positions(
        &self,
        members: impl IntoIterator<Item = impl ToValue>,
    ) -> Result<Vec<Option<Position>>, Error> {
        let scores = self.set.scores(members)?.into_iter();
        Ok(scores.map(|score| Position::of_score(score?)).collect())
    }

    /// The metres between two members; `None` if there is one that there is not.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert_eq!(store.geo::<String>("cities").distance("Bern", "Basel")?, None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`SortedSet::scores`] of two.
    ///
    /// # Errors
    ///
    /// As said of [`Geo`].
    #[doc(alias = "GEODIST")]
    pub fn distance(&self, from: impl ToValue, to: impl ToValue) -> Result<Option<f64>, Error> {
        let places = self.positions([from.to_value(), to.to_value()])?;
        Ok(match places[..] {
            [Some(from), Some(to)] => Some(from.distance_to(to)),
            _ => None,
        })
    }

    /// The geohashes of members, of 11 letters; `None` for one that there is not.
    ///
    /// ```
    /// use larder::Position;
    ///
    /// let store = larder::Store::new();
    /// let cities = store.geo::<String>("cities");
    /// cities.add("Palermo", Position { longitude: 13.361389, latitude: 38.115556 })?;
    /// assert_eq!(cities.geohashes(["Palermo", "none"])?, [Some("sqc8b49rny0".to_owned()), None]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`SortedSet::scores`].
    ///
    /// # Errors
    ///
    /// As said of [`Geo`].
    #[doc(alias = "GEOHASH")]
    pub fn geohashes(
        &self,
        members: impl IntoIterator<Item = impl ToValue>,
    ) -> Result<Vec<Option<String>>, Error> {
        let places = self.positions(members)?.into_iter();
        Ok(places.map(|place| Some(place?.geohash())).collect())
    }
}
