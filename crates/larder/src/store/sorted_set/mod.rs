//! `SortedSet`: a sorted set of a store, seen as members of one type.
//!
//! `read` asks, `change` adds and removes, `pop` takes from the ends, `sample` shows some, `select` says which part is
//! meant, `combine` makes one of several.

mod change;
mod combine;
mod pop;
mod read;
mod sample;
mod select;

use std::fmt;
use std::marker::PhantomData;

use super::core::Store;
use super::elements::{Edit, Growth};
use super::group::Key;
use super::name::Name;
use super::site::{InStore, InTx, Scope, Site, site_of};
use super::tx::Tx;
use crate::bytes::FromValue;
use crate::error::Error;
use crate::event::EventKind;
use crate::value;
use crate::value::sorted_set::Rows;

pub use change::AddCount;
pub use combine::Combine;
pub(crate) use pop::popped;
pub use sample::MemberPage;
pub use select::Select;

/// A sorted set: members, each once, in the order of their scores, and where scores are the same of their bytes.
///
/// It is a view of one key: cheap, without a lock, and there whether the key exists or not. A sorted set is made by the
/// first member and gone with its last. Members are written from whatever [`ToValue`](crate::ToValue) takes, and read
/// as `T`. A score is any number but NaN.
///
/// ```
/// let store = larder::Store::new();
/// let board = store.sorted_set::<String>("leaderboard");
/// board.add_many([("player1", 100.0), ("player2", 200.0), ("player3", 150.0)])?;
/// assert_eq!(board.rev_range_with_scores(0..=1)?, [("player2".to_owned(), 200.0), ("player3".to_owned(), 150.0)]);
/// assert_eq!(board.rev_rank("player1")?, Some(2));
/// # Ok::<(), larder::Error>(())
/// ```
///
/// | command | method |
/// |---|---|
/// | `ZADD` | [`add`](Self::add), [`add_many`](Self::add_many), [`add_with`](Self::add_with) |
/// | `ZINCRBY`, `ZADD INCR` | [`incr`](Self::incr), [`incr_with`](Self::incr_with) |
/// | `ZREM` | [`remove`](Self::remove), [`remove_many`](Self::remove_many) |
/// | `ZCARD`, `ZSCORE`, `ZMSCORE` | [`len`](Self::len), [`score`](Self::score), [`scores`](Self::scores) |
/// | `ZRANK`, `ZREVRANK` | [`rank`](Self::rank), [`rev_rank`](Self::rev_rank), [`rank_with_score`](Self::rank_with_score), [`rev_rank_with_score`](Self::rev_rank_with_score) |
/// | `ZRANGE`, `ZRANGEBYSCORE`, `ZRANGEBYLEX`, `ZREVRANGE`, `ZREVRANGEBYSCORE`, `ZREVRANGEBYLEX` | [`range`](Self::range), [`range_with_scores`](Self::range_with_scores), [`range_with`](Self::range_with) with a [`Select`]; [`rev_range`](Self::rev_range) |
/// | `ZCOUNT`, `ZLEXCOUNT` | [`count`](Self::count) |
/// | `ZREMRANGEBYRANK`, `ZREMRANGEBYSCORE`, `ZREMRANGEBYLEX` | [`remove_range`](Self::remove_range) |
/// | `ZPOPMIN`, `ZPOPMAX`, `ZMPOP` | [`pop_min`](Self::pop_min), [`pop_max`](Self::pop_max), [`pop_min_many`](Self::pop_min_many), [`pop_max_many`](Self::pop_max_many), [`Store::pop_min_any`], [`Store::pop_max_any`] |
/// | `ZRANDMEMBER`, `ZSCAN` | [`random`](Self::random), [`random_many`](Self::random_many), [`random_with_repeats`](Self::random_with_repeats), [`scan_page`](Self::scan_page) |
/// | `ZRANGESTORE`, `ZUNIONSTORE`, `ZINTERSTORE`, `ZDIFFSTORE` | [`store_range_of`](Self::store_range_of), [`store_combined`](Self::store_combined) |
/// | `ZUNION`, `ZINTER`, `ZDIFF`, `ZINTERCARD` | [`Store::combine`], [`Store::combine_len`] |
///
/// # Cost
///
/// Up to 128 members in 3.5 KiB are packed in the key's record: every call is a walk over at most that. A larger set is
/// a skiplist of packed blocks with an index of its members: scores are found in O(1), all else in O(log n), and a
/// member costs 12 to 20 bytes more than itself.
///
/// # Errors
///
/// Every call is refused with [`Error::WrongType`] if the key holds a value of another type. What else may be wrong is
/// said with the call.
pub struct SortedSet<'a, T, S = InStore<'a>> {
    pub(super) scope: S,
    hash: u64,
    key: Name,
    read_as: PhantomData<fn() -> (&'a (), T)>,
}

impl<T, S: Scope> Clone for SortedSet<'_, T, S> {
    fn clone(&self) -> Self {
        SortedSet {
            key: self.key.clone(),
            ..*self
        }
    }
}

impl<T, S> fmt::Debug for SortedSet<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SortedSet").finish_non_exhaustive()
    }
}

impl Store {
    /// A view of a key as a sorted set.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert!(store.sorted_set::<String>("none").is_empty()?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// One hash, and one allocation for a key of more than 30 bytes: keep the view where it is used often.
    #[must_use]
    pub fn sorted_set<T>(&self, key: impl AsRef<[u8]>) -> SortedSet<'_, T> {
        SortedSet::new(InStore(&self.core), key.as_ref())
    }
}

impl<'a, T> From<SortedSet<'a, T>> for SortedSet<'a, T, InTx<'a>> {
    /// A view that may be of a store or of a transaction.
    fn from(view: SortedSet<'a, T>) -> Self {
        SortedSet {
            scope: view.scope.into(),
            hash: view.hash,
            key: view.key,
            read_as: PhantomData,
        }
    }
}

impl Tx<'_> {
    /// See [`Store::sorted_set`].
    #[must_use]
    pub fn sorted_set<T>(&self, key: impl AsRef<[u8]>) -> SortedSet<'_, T, InTx<'_>> {
        SortedSet::new(InTx(self.site), key.as_ref())
    }
}

impl<T, S: Scope> SortedSet<'_, T, S> {
    fn new(scope: S, key: &[u8]) -> Self {
        SortedSet {
            scope,
            hash: site_of(&scope).hash(key),
            key: Name::new(key),
            read_as: PhantomData,
        }
    }

    pub(super) fn site(&self) -> Site<'_> {
        site_of(&self.scope)
    }

    pub(super) fn key(&self) -> Key<'_> {
        self.site().known(&self.key, self.hash)
    }

    pub(super) fn hasher(&self) -> &ahash::RandomState {
        &self.site().core().hasher
    }

    /// Runs `work` on the set; what it would be without one if there is none.
    pub(super) fn look<R: Default>(
        &self,
        work: impl FnOnce(&value::SortedSet) -> R,
    ) -> Result<R, Error> {
        Ok(self.site().look(self.key(), work)?.unwrap_or_default())
    }

    fn change<R>(
        &self,
        kind: EventKind,
        growth: Growth,
        mut work: impl FnMut(&mut value::SortedSet) -> Edit<R>,
    ) -> Result<R, Error> {
        self.site()
            .write(self.key(), |seat| seat.change(kind, growth, &mut work))
    }
}

/// The members as the type asked for, with their scores.
fn convert<T: FromValue>(rows: &Rows) -> Result<Vec<(T, f64)>, Error> {
    // Collecting results would not know how many there are.
    let mut all = Vec::with_capacity(rows.len());
    for (member, score) in rows.iter() {
        all.push((T::from_value(member)?, score));
    }
    Ok(all)
}

/// The members as the type asked for.
fn convert_members<T: FromValue>(rows: &Rows) -> Result<Vec<T>, Error> {
    let mut all = Vec::with_capacity(rows.len());
    for (member, _) in rows.iter() {
        all.push(T::from_value(member)?);
    }
    Ok(all)
}
