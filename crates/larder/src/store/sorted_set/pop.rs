//! How members are popped off the ends of a sorted set.

use super::change::edit;
use super::select::Select;
use super::{SortedSet, convert};
use crate::bytes::FromValue;
use crate::error::Error;
use crate::event::EventKind;
use crate::store::core::Store;
use crate::store::elements::Growth;
use crate::store::group::Key;
use crate::store::seat::{Refusal, Seat};
use crate::store::site::{Scope, Site};
use crate::store::strings::with_buffer;
use crate::store::tx::Tx;
use crate::value;
use crate::value::sorted_set::{Direction, Rows};

/// What popping an end is told as.
pub(crate) fn popped(direction: Direction) -> EventKind {
    match direction {
        Direction::Up => EventKind::ZPopMin,
        Direction::Down => EventKind::ZPopMax,
    }
}

impl<T, S: Scope> SortedSet<'_, T, S> {
    fn take(&self, part: Select) -> Result<Rows, Error> {
        take(self.site(), self.key(), &part)
    }
}

/// Removes the members of a part, and returns them.
fn take(site: Site<'_>, key: Key<'_>, part: &Select) -> Result<Rows, Error> {
    site.write(key, |seat| take_at(site, seat, part))
}

/// Takes a part of the set of a key.
fn take_at(site: Site<'_>, seat: &mut Seat<'_, '_>, part: &Select) -> Result<Rows, Refusal> {
    let kind = popped(part.direction());
    if part.is_whole(seat)?.is_some() {
        let rows = seat.look(|set: &value::SortedSet| rows_of(set, part))?;
        seat.remove_whole(kind);
        return Ok(rows.unwrap_or_default());
    }
    seat.change(kind, Growth::NONE, |set: &mut value::SortedSet| {
        let rows = rows_of(set, part);
        if rows.len() > 0 {
            set.remove_ranks(&site.core().hasher, part.ranks_of(set));
        }
        edit(rows.len() > 0, rows)
    })
}

/// Copies of a part of a set.
fn rows_of(set: &value::SortedSet, part: &Select) -> Rows {
    let ranks = part.ranks_of(set);
    let mut rows = Rows::with_room(ranks.len());
    set.visit(ranks, part.direction(), |member, score| {
        rows.push(member, score);
    });
    rows
}

/// Removes the member at one end.
fn take_end<T: FromValue>(
    site: Site<'_>,
    key: Key<'_>,
    direction: Direction,
) -> Result<Option<(T, f64)>, Error> {
    with_buffer(|buffer| {
        let taken = site.write(key, |seat| {
            let kind = popped(direction);
            seat.change(kind, Growth::NONE, |set: &mut value::SortedSet| {
                let taken = set.pop(&site.core().hasher, direction, |member| {
                    buffer.clear();
                    buffer.extend_from_slice(member);
                });
                edit(taken.is_some(), taken)
            })
        })?;
        let member = |score| Ok((T::from_value(buffer)?, score));
        taken.map(member).transpose()
    })
}

/// So many from one end.
fn end(direction: Direction, members: usize) -> Select {
    let all = Select::ranks(..).take(members);
    match direction {
        Direction::Up => all,
        Direction::Down => all.rev(),
    }
}

impl<T: FromValue, S: Scope> SortedSet<'_, T, S> {
    /// Removes the member with the lowest score and returns both; `None` if there is none.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("a", 1.0), ("b", 2.0)])?;
    /// assert_eq!(set.pop_min()?, Some(("a".to_owned(), 1.0)));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(log n), one stripe's lock.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`]; [`Error::Convert`] if the member is no `T`: it is gone all the same.
    #[doc(alias = "ZPOPMIN")]
    pub fn pop_min(&self) -> Result<Option<(T, f64)>, Error> {
        take_end(self.site(), self.key(), Direction::Up)
    }

    /// Removes the member with the highest score and returns both; `None` if there is none.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("a", 1.0), ("b", 2.0)])?;
    /// assert_eq!(set.pop_max()?, Some(("b".to_owned(), 2.0)));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Self::pop_min`].
    ///
    /// # Errors
    ///
    /// As [`Self::pop_min`].
    #[doc(alias = "ZPOPMAX")]
    pub fn pop_max(&self) -> Result<Option<(T, f64)>, Error> {
        take_end(self.site(), self.key(), Direction::Down)
    }

    /// Removes so many members, the lowest scores first, and returns them.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("a", 1.0), ("b", 2.0)])?;
    /// assert_eq!(set.pop_min_many(5)?.len(), 2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(log n) and the members, one stripe's lock.
    ///
    /// # Errors
    ///
    /// As [`Self::pop_min`].
    #[doc(alias = "ZPOPMIN")]
    pub fn pop_min_many(&self, members: usize) -> Result<Vec<(T, f64)>, Error> {
        convert(&self.take(end(Direction::Up, members))?)
    }

    /// Removes so many members, the highest scores first, and returns them.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("a", 1.0), ("b", 2.0)])?;
    /// assert_eq!(set.pop_max_many(1)?, [("b".to_owned(), 2.0)]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Self::pop_min_many`].
    ///
    /// # Errors
    ///
    /// As [`Self::pop_min`].
    #[doc(alias = "ZPOPMAX")]
    pub fn pop_max_many(&self, members: usize) -> Result<Vec<(T, f64)>, Error> {
        convert(&self.take(end(Direction::Down, members))?)
    }
}

/// What was popped, and off which key.
type Popped<T> = Option<(Vec<u8>, Vec<(T, f64)>)>;

fn pop_any<T: FromValue>(
    site: Site<'_>,
    keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    part: &Select,
) -> Result<Popped<T>, Error> {
    let names: Vec<_> = keys.into_iter().collect();
    let keys: Vec<_> = names.iter().map(|name| site.key(name.as_ref())).collect();
    let popped = site.write_many(&keys, |group| {
        for key in &keys {
            let rows = group.seat(*key, |seat| take_at(site, seat, part))?;
            if rows.len() > 0 {
                return Ok(Some((key.bytes.to_vec(), rows)));
            }
        }
        Ok(None)
    })?;
    popped
        .map(|(key, rows)| Ok((key, convert(&rows)?)))
        .transpose()
}

impl Store {
    /// Pops so many members with the lowest scores off the first of these sorted sets that exists; says off which.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.sorted_set::<String>("b").add("x", 1.0)?;
    /// let popped = store.pop_min_any::<String>(["a", "b"], 10)?;
    /// assert_eq!(popped, Some((b"b".to_vec(), vec![("x".to_owned(), 1.0)])));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(keys + log n + members), the locks of all the keys' stripes.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if a key before that set holds another type; [`Error::Convert`] if a member is no `T`: it
    /// is gone all the same.
    #[doc(alias = "ZMPOP")]
    pub fn pop_min_any<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        members: usize,
    ) -> Result<Popped<T>, Error> {
        pop_any(self.site(), keys, &end(Direction::Up, members))
    }

    /// [`Store::pop_min_any`] with the highest scores.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.sorted_set::<String>("b").add_many([("x", 1.0), ("y", 2.0)])?;
    /// let popped = store.pop_max_any::<String>(["a", "b"], 1)?;
    /// assert_eq!(popped, Some((b"b".to_vec(), vec![("y".to_owned(), 2.0)])));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::pop_min_any`].
    ///
    /// # Errors
    ///
    /// As [`Store::pop_min_any`].
    #[doc(alias = "ZMPOP")]
    pub fn pop_max_any<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        members: usize,
    ) -> Result<Popped<T>, Error> {
        pop_any(self.site(), keys, &end(Direction::Down, members))
    }
}

impl Tx<'_> {
    /// See [`Store::pop_min_any`].
    ///
    /// # Errors
    ///
    /// Those of the store's call, and [`Error::KeyNotNamed`].
    #[doc(alias = "ZMPOP")]
    pub fn pop_min_any<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        members: usize,
    ) -> Result<Popped<T>, Error> {
        pop_any(self.site, keys, &end(Direction::Up, members))
    }

    /// See [`Store::pop_max_any`].
    ///
    /// # Errors
    ///
    /// Those of the store's call, and [`Error::KeyNotNamed`].
    #[doc(alias = "ZMPOP")]
    pub fn pop_max_any<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        members: usize,
    ) -> Result<Popped<T>, Error> {
        pop_any(self.site, keys, &end(Direction::Down, members))
    }
}
