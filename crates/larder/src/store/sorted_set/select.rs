//! `Select`: which part of a sorted set is meant, and in which order.

use std::ops::{Bound, Range, RangeBounds};

use crate::error::Error;
use crate::event::EventKind;
use crate::store::seat::Seat;
use crate::store::span::Span;
use crate::value;
use crate::value::Collection;
use crate::value::sorted_set::{Direction, Edge};

/// A part of a sorted set: by ranks, scores or members, upwards or downwards, the first few skipped, so many taken.
///
/// A range of indexes is a part by ranks; see [`Span`] for how they count.
///
/// ```
/// use larder::{Select, Store};
///
/// let store = Store::new();
/// let set = store.sorted_set::<String>("set");
/// set.add_many([("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0)])?;
/// assert_eq!(set.range(-2..)?, ["c", "d"]);
/// assert_eq!(set.range(Select::scores(2.0..=3.0))?, ["b", "c"]);
/// assert_eq!(set.range(Select::scores(..4.0).rev().skip(1).take(2))?, ["b", "a"]);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    by: By,
    direction: Direction,
    skip: usize,
    take: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum By {
    /// Counted in the select's direction.
    Ranks(Span),
    Scores(Bound<f64>, Bound<f64>),
    Members(Bound<Vec<u8>>, Bound<Vec<u8>>),
}

impl<S: Into<Span>> From<S> for Select {
    fn from(span: S) -> Self {
        Select::ranks(span)
    }
}

/// An edge before the first that is meant.
fn lower<T>(bound: Bound<T>) -> Edge<T> {
    match bound {
        Bound::Unbounded => Edge::Least,
        Bound::Included(at) => Edge::Before(at),
        Bound::Excluded(at) => Edge::Behind(at),
    }
}

/// An edge behind the last that is meant.
fn upper<T>(bound: Bound<T>) -> Edge<T> {
    match bound {
        Bound::Unbounded => Edge::Most,
        Bound::Included(at) => Edge::Behind(at),
        Bound::Excluded(at) => Edge::Before(at),
    }
}

impl Select {
    /// What removing this part is told as.
    pub(super) fn removal(&self) -> EventKind {
        match self.by {
            By::Ranks(_) => EventKind::ZRemRangeByRank,
            By::Scores(..) => EventKind::ZRemRangeByScore,
            By::Members(..) => EventKind::ZRemRangeByLex,
        }
    }

    fn new(by: By) -> Self {
        Select {
            by,
            direction: Direction::Up,
            skip: 0,
            take: usize::MAX,
        }
    }

    /// From the first to the last rank, both included; negative ranks count from the end.
    ///
    /// ```
    /// use larder::{Select, Span};
    /// assert_eq!(Select::ranks(0..=2), Select::from(Span::new(0, 2)));
    /// ```
    #[must_use]
    pub fn ranks(span: impl Into<Span>) -> Self {
        Select::new(By::Ranks(span.into()))
    }

    /// Members whose scores are in a range: `1.0..=5.0`, `..3.0`, or a pair of bounds to leave the lower one out.
    ///
    /// ```
    /// use larder::Select;
    /// use std::ops::Bound::{Excluded, Unbounded};
    ///
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("a", 1.0), ("b", 2.0)])?;
    /// assert_eq!(set.count(Select::scores((Excluded(1.0), Unbounded)))?, 1);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias = "BYSCORE")]
    #[must_use]
    pub fn scores(range: impl RangeBounds<f64>) -> Self {
        let (from, to) = (range.start_bound().cloned(), range.end_bound().cloned());
        Select::new(By::Scores(from, to))
    }

    /// Members between two members in the order of their bytes, in a set in which all scores are the same.
    ///
    /// ```
    /// use larder::Select;
    ///
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("words");
    /// set.add_many([("apple", 0.0), ("apricot", 0.0), ("banana", 0.0)])?;
    /// assert_eq!(set.range(Select::members("ap".."aq"))?, ["apple", "apricot"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Consistency
    ///
    /// Where scores differ and members are not in order, what it means is unspecified, as it is with Redis.
    #[doc(alias = "BYLEX")]
    #[must_use]
    pub fn members<B: AsRef<[u8]>>(range: impl RangeBounds<B>) -> Self {
        let owned = |bound: Bound<&B>| bound.map(|member| member.as_ref().to_vec());
        Select::new(By::Members(
            owned(range.start_bound()),
            owned(range.end_bound()),
        ))
    }

    /// Downwards: the highest score first. Ranks count from there too.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("a", 1.0), ("b", 2.0)])?;
    /// assert_eq!(set.range(larder::Select::ranks(0..=0).rev())?, ["b"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias = "REV")]
    #[must_use]
    pub fn rev(mut self) -> Self {
        self.direction = match self.direction {
            Direction::Up => Direction::Down,
            Direction::Down => Direction::Up,
        };
        self
    }

    /// Leaves the first few out; the part begins behind them.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("a", 1.0), ("b", 2.0)])?;
    /// assert_eq!(set.range(larder::Select::scores(..).skip(1))?, ["b"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(log n), however many are skipped.
    #[doc(alias("LIMIT", "OFFSET"))]
    #[must_use]
    pub fn skip(mut self, members: usize) -> Self {
        self.skip = members;
        self
    }

    /// Takes so many at most.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("a", 1.0), ("b", 2.0)])?;
    /// assert_eq!(set.range(larder::Select::scores(..).take(1))?, ["a"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias("LIMIT", "COUNT"))]
    #[must_use]
    pub fn take(mut self, members: usize) -> Self {
        self.take = members;
        self
    }

    pub(super) fn direction(&self) -> Direction {
        self.direction
    }

    /// An error if a bound is not a number.
    pub(super) fn check(&self) -> Result<(), Error> {
        let nan = |bound: &Bound<f64>| matches!(bound, Bound::Included(at) | Bound::Excluded(at) if at.is_nan());
        match &self.by {
            By::Scores(from, to) if nan(from) || nan(to) => Err(Error::BoundNotANumber),
            _ => Ok(()),
        }
    }

    /// The number of members, if the key has a large set and all of them are meant.
    pub(super) fn is_whole(&self, seat: &Seat<'_, '_>) -> Result<Option<usize>, Error> {
        if seat.elements().is_none() {
            return Ok(None);
        }
        let all = seat.look(|set: &value::SortedSet| {
            let meant = self.ranks_of(set).len();
            (meant == set.len()).then_some(meant)
        })?;
        Ok(all.flatten())
    }

    /// The ranks that are meant, counted upwards.
    pub(in crate::store) fn ranks_of(&self, set: &value::SortedSet) -> Range<usize> {
        let len = set.len();
        let down = self.direction == Direction::Down;
        let (from, to) = match &self.by {
            By::Ranks(span) => {
                let Range { start, end } = span.of_elements(len);
                if down {
                    (len - end, len - start)
                } else {
                    (start, end)
                }
            }
            By::Scores(from, to) => (
                set.rank_at_score(lower(*from)),
                set.rank_at_score(upper(*to)),
            ),
            By::Members(from, to) => (
                set.rank_at_member(lower(from.as_ref().map(Vec::as_slice))),
                set.rank_at_member(upper(to.as_ref().map(Vec::as_slice))),
            ),
        };
        let here = to.saturating_sub(from);
        let skip = self.skip.min(here);
        let take = self.take.min(here - skip);
        if down {
            to.max(from) - skip - take..to.max(from) - skip
        } else {
            from + skip..from + skip + take
        }
    }
}
