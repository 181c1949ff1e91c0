//! `GeoSearch`: what is near a place, and how it is found.

use std::ops::{Bound, Range};

use super::Geo;
use crate::bytes::{FromValue, ToValue};
use crate::error::Error;
use crate::event::EventKind;
use crate::store::group::{Key, Views};
use crate::store::site::Scope;
use crate::store::sorted_set::Select;
use crate::value::SortedSet;
use crate::value::geo::{GeoArea, Position};
use crate::value::sorted_set::{Direction, Rows};

/// What a search is around.
///
/// ```
/// use larder::{Center, Position};
///
/// let here = Position { longitude: 7.44, latitude: 46.95 };
/// assert_eq!(Center::from(here), Center::Position(here));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Center {
    /// A place.
    #[doc(alias = "FROMLONLAT")]
    Position(Position),
    /// Where a member of the set is.
    #[doc(alias = "FROMMEMBER")]
    Member(Vec<u8>),
}

impl From<Position> for Center {
    fn from(position: Position) -> Self {
        Center::Position(position)
    }
}

/// In which order, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// As they come.
    Any,
    Nearest,
    Farthest,
}

/// What to look for: what is within an area around a place or a member, in which order, and how many at most.
///
/// ```
/// use larder::{GeoArea, GeoSearch, Position};
///
/// let here = Position { longitude: 7.44, latitude: 46.95 };
/// let search = GeoSearch::around(here, GeoArea::Circle { radius: 500.0 }).nearest_first().take(3);
/// let store = larder::Store::new();
/// assert!(store.geo::<String>("shops").search(&search)?.is_empty());
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct GeoSearch {
    center: Center,
    area: GeoArea,
    order: Order,
    /// How many of the order's first.
    take: usize,
    /// After so many, looking ends.
    enough: usize,
}

impl GeoSearch {
    /// Around a place.
    ///
    /// ```
    /// use larder::{GeoArea, GeoSearch, Position};
    ///
    /// let here = Position { longitude: 7.44, latitude: 46.95 };
    /// let box_around = GeoSearch::around(here, GeoArea::Rectangle { width: 2_000.0, height: 1_000.0 });
    /// assert_ne!(box_around, GeoSearch::around(here, GeoArea::Circle { radius: 1_000.0 }));
    /// ```
    pub fn around(center: impl Into<Center>, area: GeoArea) -> Self {
        GeoSearch {
            center: center.into(),
            area,
            order: Order::Any,
            take: usize::MAX,
            enough: usize::MAX,
        }
    }

    /// Around a member, which is found as well.
    ///
    /// ```
    /// use larder::{Center, GeoArea, GeoSearch};
    ///
    /// let area = GeoArea::Circle { radius: 1.0 };
    /// assert_eq!(
    ///     GeoSearch::around_member("home", area),
    ///     GeoSearch::around(Center::Member(b"home".to_vec()), area)
    /// );
    /// ```
    pub fn around_member(member: impl ToValue, area: GeoArea) -> Self {
        GeoSearch::around(Center::Member(member.to_value().into_vec()), area)
    }

    /// The nearest first.
    #[doc(alias = "ASC")]
    pub fn nearest_first(mut self) -> Self {
        self.order = Order::Nearest;
        self
    }

    /// The farthest first.
    #[doc(alias = "DESC")]
    pub fn farthest_first(mut self) -> Self {
        self.order = Order::Farthest;
        self
    }

    /// So many at most, of the order's first; the nearest where no order was asked for.
    #[doc(alias = "COUNT")]
    pub fn take(mut self, members: usize) -> Self {
        self.take = members;
        if self.order == Order::Any {
            self.order = Order::Nearest;
        }
        self
    }

    /// So many at most, whichever are found first; an order holds among them only.
    #[doc(alias("COUNT", "ANY"))]
    pub fn take_any(mut self, members: usize) -> Self {
        self.enough = members;
        self
    }

    fn check(&self) -> Result<(), Error> {
        let placed = match self.center {
            Center::Position(position) => position.is_valid(),
            Center::Member(_) => true,
        };
        if placed && self.area.is_valid() {
            Ok(())
        } else {
            Err(Error::NoSuchPlace)
        }
    }

    /// The members that are found, with distances and scores.
    fn run(&self, set: &SortedSet, hasher: &ahash::RandomState) -> Result<Vec<Near>, Error> {
        let centre = match &self.center {
            Center::Position(position) => Some(*position),
            Center::Member(member) => set.score(hasher, member).and_then(Position::of_score),
        };
        let centre = centre.ok_or(Error::NoSuchPlace)?;
        let mut found = Vec::new();
        for scores in self.area.cover(centre) {
            if found.len() >= self.enough {
                break;
            }
            self.look_in(set, scores, centre, &mut found);
        }
        match self.order {
            Order::Any => {}
            Order::Nearest => found.sort_by(|a, b| a.distance.total_cmp(&b.distance)),
            Order::Farthest => found.sort_by(|a, b| b.distance.total_cmp(&a.distance)),
        }
        found.truncate(self.take);
        Ok(found)
    }

    fn look_in(
        &self,
        set: &SortedSet,
        scores: Range<f64>,
        centre: Position,
        found: &mut Vec<Near>,
    ) {
        let range = (Bound::Included(scores.start), Bound::Excluded(scores.end));
        let ranks = Select::scores(range).ranks_of(set);
        set.visit(ranks, Direction::Up, |member, score| {
            let distance = Position::of_score(score)
                .and_then(|place| self.area.distance(centre, place))
                .filter(|_| found.len() < self.enough);
            found.extend(distance.map(|distance| Near {
                member: member.to_vec(),
                score,
                distance,
            }));
        });
    }

    /// The rows to be stored; `row` gives each its score.
    fn rows(
        &self,
        views: Views<'_>,
        key: Key<'_>,
        hasher: &ahash::RandomState,
        score: impl Fn(&Near) -> f64,
    ) -> Result<Rows, Error> {
        let mut rows = Rows::default();
        if let Some(set) = views.get::<SortedSet>(key)? {
            for near in self.run(&set, hasher)? {
                rows.push(&near.member, score(&near));
            }
        }
        Ok(rows)
    }
}

/// A member inside an area.
struct Near {
    member: Vec<u8>,
    score: f64,
    distance: f64,
}

/// What a search found.
///
/// ```
/// use larder::{GeoArea, GeoSearch, Position};
///
/// let store = larder::Store::new();
/// let shops = store.geo::<String>("shops");
/// shops.add("bakery", Position { longitude: 7.44, latitude: 46.95 })?;
/// let found = shops.search(&GeoSearch::around_member("bakery", GeoArea::Circle { radius: 9.0 }))?;
/// assert_eq!((found[0].member.as_str(), found[0].distance), ("bakery", 0.0));
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GeoFound<T> {
    /// The member.
    pub member: T,
    /// Metres from the centre.
    #[doc(alias = "WITHDIST")]
    pub distance: f64,
    /// Where it is: the middle of its cell.
    #[doc(alias = "WITHCOORD")]
    pub position: Position,
    /// The name of its cell: its score.
    #[doc(alias = "WITHHASH")]
    pub cell: u64,
}

impl<T: FromValue, S: Scope> Geo<'_, T, S> {
    /// The members within an area.
    ///
    /// ```
    /// use larder::{GeoArea, GeoSearch, Position};
    ///
    /// let store = larder::Store::new();
    /// let cities = store.geo::<String>("cities");
    /// cities.add("Bern", Position { longitude: 7.44, latitude: 46.95 })?;
    /// cities.add("Basel", Position { longitude: 7.59, latitude: 47.56 })?;
    /// cities.add("Rome", Position { longitude: 12.5, latitude: 41.9 })?;
    /// let near = GeoSearch::around_member("Bern", GeoArea::Circle { radius: 100_000.0 });
    /// let names: Vec<_> = cities.search(&near.nearest_first())?.into_iter().map(|it| it.member).collect();
    /// assert_eq!(names, ["Bern", "Basel"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(log n) for each of up to nine cells as large as the area, and O(1) for each member in them; as a read of a
    /// sorted set.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchPlace`] if the centre or the area is none, or its member is not there; as said of [`Geo`];
    /// [`Error::Convert`].
    #[doc(alias("GEOSEARCH", "GEORADIUS", "GEORADIUSBYMEMBER"))]
    pub fn search(&self, search: &GeoSearch) -> Result<Vec<GeoFound<T>>, Error> {
        search.check()?;
        let found = self
            .set
            .look(|set| Some(search.run(set, self.set.hasher())))?;
        let found = found.transpose()?.unwrap_or_default();
        let convert = |near: Near| {
            Ok(GeoFound {
                member: T::from_value(&near.member)?,
                distance: near.distance,
                position: Position::of_score(near.score).ok_or(Error::NoSuchPlace)?,
                cell: near.score as u64,
            })
        };
        found.into_iter().map(convert).collect()
    }
}

impl<T, S: Scope> Geo<'_, T, S> {
    /// Stores what a search finds among the places of another key here, in the place of whatever is here; how many
    /// members that are.
    ///
    /// ```
    /// use larder::{GeoArea, GeoSearch, Position};
    ///
    /// let store = larder::Store::new();
    /// store.geo::<String>("cities").add("Bern", Position { longitude: 7.44, latitude: 46.95 })?;
    /// let near = GeoSearch::around_member("Bern", GeoArea::Circle { radius: 1_000.0 });
    /// assert_eq!(store.geo::<String>("near").store_search_of("cities", &near)?, 1);
    /// assert!(store.geo::<String>("near").position("Bern")?.is_some());
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// The key's time to live goes, and it goes altogether if nothing is found.
    ///
    /// # Cost
    ///
    /// As [`Self::search`], and O(log n) for each member that is found, under the locks of both keys' stripes.
    ///
    /// # Errors
    ///
    /// As [`Self::search`]; [`Error::TooLarge`] if the set does not fit the store's bound.
    #[doc(alias = "GEOSEARCHSTORE")]
    pub fn store_search_of(
        &self,
        source: impl AsRef<[u8]>,
        search: &GeoSearch,
    ) -> Result<usize, Error> {
        self.store(source.as_ref(), search, |near| near.score)
    }

    /// Stores what a search finds among the places of another key here as a sorted set by distance, in `metres` of them;
    /// how many members that are.
    ///
    /// ```
    /// use larder::{GeoArea, GeoSearch, Position};
    ///
    /// let store = larder::Store::new();
    /// store.geo::<String>("cities").add("Bern", Position { longitude: 7.44, latitude: 46.95 })?;
    /// let near = GeoSearch::around_member("Bern", GeoArea::Circle { radius: 1_000.0 });
    /// let kilometre = 1_000.0;
    /// assert_eq!(store.geo::<String>("near").store_distances_of("cities", &near, kilometre)?, 1);
    /// assert_eq!(store.sorted_set::<String>("near").score("Bern")?, Some(0.0));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Self::store_search_of`].
    ///
    /// # Errors
    ///
    /// As [`Self::store_search_of`].
    #[doc(alias("GEOSEARCHSTORE", "STOREDIST"))]
    pub fn store_distances_of(
        &self,
        source: impl AsRef<[u8]>,
        search: &GeoSearch,
        metres: f64,
    ) -> Result<usize, Error> {
        self.store(source.as_ref(), search, |near| near.distance / metres)
    }

    fn store(
        &self,
        source: &[u8],
        search: &GeoSearch,
        score: impl Fn(&Near) -> f64,
    ) -> Result<usize, Error> {
        search.check()?;
        let (set, hasher) = (&self.set, self.set.hasher());
        let source = set.site().key(source);
        set.site().write_many(&[source, set.key()], |group| {
            let rows = search.rows(group.views(), source, hasher, &score)?;
            let count = rows.len();
            let found = rows.into_set(hasher);
            group.overwrite_from(set.key(), &[source], EventKind::GeoSearchStore, found)?;
            Ok(count)
        })
    }
}
