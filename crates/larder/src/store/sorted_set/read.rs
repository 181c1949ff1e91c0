//! What is asked of a sorted set.

use std::cell::Cell;

use super::select::Select;
use super::{SortedSet, convert, convert_members};
use crate::bytes::{FromValue, Raw, ToValue};
use crate::error::Error;
use crate::store::site::Scope;
use crate::value::Collection;
use crate::value::sorted_set::Rows;

/// A thread's rows are let go when they hold more than this.
const KEPT_BYTES: usize = 64 << 10;

thread_local! {
    /// Copies of parts go here, so that there is no allocation for each; whoever uses it meanwhile gets a new one.
    static KEPT: Cell<Rows> = const { Cell::new(Rows::new()) };
}

impl<T, S: Scope> SortedSet<'_, T, S> {
    /// Counts the members.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add("a", 1.0)?;
    /// assert_eq!(set.len()?, 1);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1); no lock for a packed set, one stripe's, shared, for a large one.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias = "ZCARD")]
    pub fn len(&self) -> Result<usize, Error> {
        self.look(Collection::len)
    }

    /// Whether there is no member.
    ///
    /// ```
    /// assert!(larder::Store::new().sorted_set::<String>("none").is_empty()?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Self::len`].
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.len()? == 0)
    }

    /// The score of a member; `None` if it is absent.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add("a", 1.5)?;
    /// assert_eq!((set.score("a")?, set.score("b")?), (Some(1.5), None));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), the lock as [`Self::len`]; nothing is allocated.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias = "ZSCORE")]
    pub fn score(&self, member: impl ToValue) -> Result<Option<f64>, Error> {
        self.about(&member.to_value(), |set, member| {
            set.score(self.hasher(), member)
        })
    }

    /// The scores of several members, of one moment.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add("a", 1.5)?;
    /// assert_eq!(set.scores(["a", "b"])?, [Some(1.5), None]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(members), the lock as [`Self::len`].
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias = "ZMSCORE")]
    pub fn scores(
        &self,
        members: impl IntoIterator<Item = impl ToValue>,
    ) -> Result<Vec<Option<f64>>, Error> {
        let members: Vec<_> = members
            .into_iter()
            .map(|m| m.to_value().into_vec())
            .collect();
        let scores = self
            .site()
            .look(self.key(), |set: &crate::value::SortedSet| {
                let score = |member: &Vec<u8>| set.score(self.hasher(), member);
                members.iter().map(score).collect()
            })?;
        Ok(scores.unwrap_or_else(|| vec![None; members.len()]))
    }

    /// How many members come before one; `None` if it is absent. The lowest score has rank 0.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("a", 10.0), ("b", 5.0)])?;
    /// assert_eq!((set.rank("a")?, set.rank("none")?), (Some(1), None));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(log n), the lock as [`Self::len`].
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias = "ZRANK")]
    pub fn rank(&self, member: impl ToValue) -> Result<Option<usize>, Error> {
        Ok(self.rank_with_score(member)?.map(|(rank, _)| rank))
    }

    /// How many members come after one; `None` if it is absent. The highest score has rank 0.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("a", 10.0), ("b", 5.0)])?;
    /// assert_eq!(set.rev_rank("a")?, Some(0));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Self::rank`].
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias = "ZREVRANK")]
    pub fn rev_rank(&self, member: impl ToValue) -> Result<Option<usize>, Error> {
        Ok(self.rev_rank_with_score(member)?.map(|(rank, _)| rank))
    }

    /// [`Self::rank`], and the score.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add("a", 10.0)?;
    /// assert_eq!(set.rank_with_score("a")?, Some((0, 10.0)));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Self::rank`].
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias("ZRANK", "WITHSCORE"))]
    pub fn rank_with_score(&self, member: impl ToValue) -> Result<Option<(usize, f64)>, Error> {
        self.about(&member.to_value(), |set, member| {
            set.rank(self.hasher(), member)
        })
    }

    /// [`Self::rev_rank`], and the score.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add("a", 10.0)?;
    /// assert_eq!(set.rev_rank_with_score("a")?, Some((0, 10.0)));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Self::rank`].
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias("ZREVRANK", "WITHSCORE"))]
    pub fn rev_rank_with_score(&self, member: impl ToValue) -> Result<Option<(usize, f64)>, Error> {
        self.about(&member.to_value(), |set, member| {
            let (rank, score) = set.rank(self.hasher(), member)?;
            Some((set.len() - 1 - rank, score))
        })
    }

    /// Counts the members of a part.
    ///
    /// ```
    /// use larder::Select;
    ///
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("a", 1.0), ("b", 2.0), ("c", 3.0)])?;
    /// assert_eq!(set.count(Select::scores(2.0..))?, 2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(log n), the lock as [`Self::len`].
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`]; [`Error::BoundNotANumber`].
    #[doc(alias("ZCOUNT", "ZLEXCOUNT"))]
    pub fn count(&self, part: impl Into<Select>) -> Result<usize, Error> {
        let part = part.into();
        part.check()?;
        self.look(|set| part.ranks_of(set).len())
    }

    fn about<R>(
        &self,
        member: &Raw<'_>,
        work: impl FnOnce(&crate::value::SortedSet, &[u8]) -> Option<R>,
    ) -> Result<Option<R>, Error> {
        let mut scratch = [0; 20];
        let member = member.bytes(&mut scratch);
        self.look(|set| work(set, member))
    }

    /// Copies a part, and runs `work` on the copies, without a lock.
    fn with_rows<R>(
        &self,
        part: &Select,
        work: impl FnOnce(&Rows) -> Result<R, Error>,
    ) -> Result<R, Error> {
        part.check()?;
        let mut rows = KEPT.try_with(Cell::take).unwrap_or_default();
        rows.begin(0);
        self.look(|set| {
            let ranks = part.ranks_of(set);
            rows.begin(ranks.len());
            set.visit(ranks, part.direction(), |member, score| {
                rows.push(member, score);
            });
        })?;
        let result = work(&rows);
        if rows.held() <= KEPT_BYTES {
            // Where the thread is ending, they simply go.
            let _ = KEPT.try_with(|kept| kept.set(rows));
        }
        result
    }

    /// Shows the members of a part, in its order, with their scores; how many there were.
    ///
    /// They are copied before they are shown: `show` may call the store, and nobody waits for it.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("a", 1.0), ("b", 2.0)])?;
    /// let mut sum = 0.0;
    /// assert_eq!(set.range_with(.., |_, score| sum += score)?, 2);
    /// assert_eq!(sum, 3.0);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(log n) and the members of the part; the lock as [`Self::len`]. Nothing is allocated for a part of up to 64 KiB.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`]; [`Error::BoundNotANumber`].
    #[doc(alias("ZRANGE", "ZRANGEBYSCORE", "ZRANGEBYLEX", "WITHSCORES"))]
    pub fn range_with(
        &self,
        part: impl Into<Select>,
        mut show: impl FnMut(&[u8], f64),
    ) -> Result<usize, Error> {
        self.with_rows(&part.into(), |rows| {
            rows.iter().for_each(|(member, score)| show(member, score));
            Ok(rows.len())
        })
    }
}

impl<T: FromValue, S: Scope> SortedSet<'_, T, S> {
    /// The members of a part, in its order.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("b", 2.0), ("a", 1.0)])?;
    /// assert_eq!(set.range(..)?, ["a", "b"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(log n) and the members of the part, which are copied; the lock as [`Self::len`].
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`]; [`Error::BoundNotANumber`]; [`Error::Convert`] if a member is no `T`.
    #[doc(alias(
        "ZRANGE",
        "ZRANGEBYSCORE",
        "ZRANGEBYLEX",
        "ZREVRANGEBYSCORE",
        "ZREVRANGEBYLEX"
    ))]
    pub fn range(&self, part: impl Into<Select>) -> Result<Vec<T>, Error> {
        self.with_rows(&part.into(), convert_members)
    }

    /// The members of a part, in its order, with their scores.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("b", 2.0), ("a", 1.0)])?;
    /// assert_eq!(set.range_with_scores(0..=0)?, [("a".to_owned(), 1.0)]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Self::range`].
    ///
    /// # Errors
    ///
    /// As [`Self::range`].
    #[doc(alias("ZRANGE", "ZRANGEBYSCORE", "ZREVRANGEBYSCORE", "WITHSCORES"))]
    pub fn range_with_scores(&self, part: impl Into<Select>) -> Result<Vec<(T, f64)>, Error> {
        self.with_rows(&part.into(), convert)
    }

    /// The members of a part, the highest score first; ranks count from there.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("a", 1.0), ("b", 2.0), ("c", 3.0)])?;
    /// assert_eq!(set.rev_range(0..=1)?, ["c", "b"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Self::range`].
    ///
    /// # Errors
    ///
    /// As [`Self::range`].
    #[doc(alias("ZREVRANGE", "ZREVRANGEBYSCORE", "ZREVRANGEBYLEX"))]
    pub fn rev_range(&self, part: impl Into<Select>) -> Result<Vec<T>, Error> {
        self.range(part.into().rev())
    }

    /// [`Self::rev_range`], with the scores.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("a", 1.0), ("b", 2.0)])?;
    /// assert_eq!(set.rev_range_with_scores(0..=0)?, [("b".to_owned(), 2.0)]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Self::range`].
    ///
    /// # Errors
    ///
    /// As [`Self::range`].
    #[doc(alias("ZREVRANGE", "WITHSCORES"))]
    pub fn rev_range_with_scores(&self, part: impl Into<Select>) -> Result<Vec<(T, f64)>, Error> {
        self.range_with_scores(part.into().rev())
    }
}
