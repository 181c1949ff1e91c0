//! How members of a sorted set come, get other scores, and go.

use super::SortedSet;
use super::select::Select;
use crate::bytes::{Raw, ToValue};
use crate::error::Error;
use crate::event::EventKind;
use crate::store::elements::{Edit, Growth};
use crate::store::site::Scope;
use crate::value;
use crate::value::sorted_set::{AddRule, Added, NoIncrement};

/// How many members were added, and how many got another score; see [`SortedSet::add_with`].
///
/// ```
/// assert_eq!(larder::AddCount::default().added, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddCount {
    /// Members that are new.
    pub added: usize,
    /// Members that were there and have another score now.
    pub changed: usize,
}

/// Longest member: what a value may be.
const MAX_MEMBER: usize = 512 << 20;

/// One kind of edit or the other.
pub(super) fn edit<R>(changed: bool, result: R) -> Edit<R> {
    if changed {
        Edit::Changed(result)
    } else {
        Edit::Same(result)
    }
}

fn growth_of(members: &[(Vec<u8>, f64)]) -> Result<Growth, Error> {
    if members.iter().any(|(member, _)| member.len() > MAX_MEMBER) {
        return Err(Error::TooLarge);
    }
    Ok(Growth::of(members.iter().map(|(member, _)| &member[..])))
}

impl<T, S: Scope> SortedSet<'_, T, S> {
    /// Gives a member a score; whether it is new.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// assert!(set.add("a", 1.0)?);
    /// assert!(!set.add("a", 2.0)?);
    /// assert_eq!(set.score("a")?, Some(2.0));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(log n), one stripe's lock; a packed set is written anew.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`]; [`Error::NotAFloat`] for NaN; [`Error::TooLarge`] if the set would not fit the store's
    /// bound. Then nothing has changed.
    #[doc(alias = "ZADD")]
    pub fn add(&self, member: impl ToValue, score: f64) -> Result<bool, Error> {
        if score.is_nan() {
            return Err(Error::NotAFloat);
        }
        let member = member.to_value();
        let mut scratch = [0; 20];
        let member = member.bytes(&mut scratch);
        if member.len() > MAX_MEMBER {
            return Err(Error::TooLarge);
        }
        self.change(EventKind::ZAdd, Growth::of([member]), |set| {
            let added = set.add(self.hasher(), member, score, AddRule::Always);
            let changed = matches!(added, Added::New | Added::Changed);
            edit(changed, added == Added::New)
        })
    }

    /// Gives members scores; how many are new. Of a member that comes twice, the last score counts.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// assert_eq!(set.add_many([("a", 1.0), ("b", 2.0), ("b", 3.0)])?, 2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(log n) for each, one stripe's lock.
    ///
    /// # Errors
    ///
    /// As [`Self::add`].
    #[doc(alias = "ZADD")]
    pub fn add_many(
        &self,
        members: impl IntoIterator<Item = (impl ToValue, f64)>,
    ) -> Result<usize, Error> {
        Ok(self.add_with(AddRule::Always, members)?.added)
    }

    /// Gives members scores as far as a rule admits it.
    ///
    /// ```
    /// use larder::AddRule;
    ///
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add("a", 5.0)?;
    /// let count = set.add_with(AddRule::IfGreater, [("a", 3.0), ("b", 1.0)])?;
    /// assert_eq!((count.added, count.changed), (1, 0));
    /// let count = set.add_with(AddRule::IfPresent, [("a", 3.0), ("c", 1.0)])?;
    /// assert_eq!((count.added, count.changed), (0, 1));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Self::add_many`].
    ///
    /// # Errors
    ///
    /// As [`Self::add`].
    #[doc(alias("ZADD", "NX", "XX", "GT", "LT", "CH"))]
    pub fn add_with(
        &self,
        rule: AddRule,
        members: impl IntoIterator<Item = (impl ToValue, f64)>,
    ) -> Result<AddCount, Error> {
        let members: Vec<_> = members
            .into_iter()
            .map(|(member, score)| (member.to_value().into_vec(), score))
            .collect();
        if members.iter().any(|(_, score)| score.is_nan()) {
            return Err(Error::NotAFloat);
        }
        self.change(EventKind::ZAdd, growth_of(&members)?, |set| {
            let mut count = AddCount::default();
            for (member, score) in &members {
                match set.add(self.hasher(), member, *score, rule) {
                    Added::New => count.added += 1,
                    Added::Changed => count.changed += 1,
                    Added::Same | Added::Refused => {}
                }
            }
            edit(count != AddCount::default(), count)
        })
    }

    /// Adds to a member's score and returns the sum; an absent one counts from 0.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// assert_eq!(set.incr("a", 50.0)?, 50.0);
    /// assert_eq!(set.incr("a", -8.0)?, 42.0);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Self::add`].
    ///
    /// # Errors
    ///
    /// As [`Self::add`]; [`Error::ScoreNotANumber`] for the sum of opposite infinities.
    #[doc(alias = "ZINCRBY")]
    pub fn incr(&self, member: impl ToValue, by: f64) -> Result<f64, Error> {
        let sum = self.incr_with(AddRule::Always, member, by)?;
        sum.ok_or(Error::ScoreNotANumber)
    }

    /// Adds to a member's score if a rule admits the sum, and returns that; `None` if it does not.
    ///
    /// ```
    /// use larder::AddRule;
    ///
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// assert_eq!(set.incr_with(AddRule::IfPresent, "a", 1.0)?, None);
    /// assert_eq!(set.incr_with(AddRule::IfAbsent, "a", 1.0)?, Some(1.0));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Self::add`].
    ///
    /// # Errors
    ///
    /// As [`Self::incr`].
    #[doc(alias("ZADD", "INCR"))]
    pub fn incr_with(
        &self,
        rule: AddRule,
        member: impl ToValue,
        by: f64,
    ) -> Result<Option<f64>, Error> {
        if by.is_nan() {
            return Err(Error::NotAFloat);
        }
        let members = [(member.to_value().into_vec(), by)];
        let [(member, _)] = &members;
        self.change(EventKind::ZIncr, growth_of(&members)?, |set| {
            let before = set.score(self.hasher(), member);
            match set.increment(self.hasher(), member, by, rule) {
                Ok(sum) => edit(before != Some(sum), Ok(Some(sum))),
                Err(NoIncrement::Refused) => Edit::Same(Ok(None)),
                Err(NoIncrement::NotANumber) => Edit::Same(Err(Error::ScoreNotANumber)),
            }
        })?
    }

    /// Removes a member; whether it was there.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add("a", 1.0)?;
    /// assert!(set.remove("a")?);
    /// assert!(!store.exists("set"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Self::add`].
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias = "ZREM")]
    pub fn remove(&self, member: impl ToValue) -> Result<bool, Error> {
        Ok(self.remove_many([member])? == 1)
    }

    /// Removes members; how many were there.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("a", 1.0), ("b", 2.0)])?;
    /// assert_eq!(set.remove_many(["a", "none"])?, 1);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(log n) for each, one stripe's lock.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias = "ZREM")]
    pub fn remove_many(
        &self,
        members: impl IntoIterator<Item = impl ToValue>,
    ) -> Result<usize, Error> {
        let members: Vec<_> = members.into_iter().collect();
        let members: Vec<Raw<'_>> = members.iter().map(ToValue::to_value).collect();
        self.change(EventKind::ZRem, Growth::NONE, |set| {
            let mut removed = 0;
            for member in &members {
                let there = set.remove(self.hasher(), member.bytes(&mut [0; 20]));
                removed += usize::from(there);
            }
            edit(removed > 0, removed)
        })
    }

    /// Removes the members of a part; how many there were.
    ///
    /// ```
    /// use larder::Select;
    ///
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("requests");
    /// set.add_many([("a", 100.0), ("b", 200.0), ("c", 300.0)])?;
    /// assert_eq!(set.remove_range(Select::scores(..=200.0))?, 2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(log n) and the members of the part, one stripe's lock.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`]; [`Error::BoundNotANumber`].
    #[doc(alias("ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "ZREMRANGEBYLEX"))]
    pub fn remove_range(&self, part: impl Into<Select>) -> Result<usize, Error> {
        let part = part.into();
        part.check()?;
        self.site().write(self.key(), |seat| {
            if let Some(removed) = part.is_whole(seat)? {
                seat.remove_whole(part.removal());
                return Ok(removed);
            }
            seat.change(
                part.removal(),
                Growth::NONE,
                |set: &mut value::SortedSet| {
                    let ranks = part.ranks_of(set);
                    let removed = ranks.len();
                    if removed > 0 {
                        set.remove_ranks(self.hasher(), ranks);
                    }
                    edit(removed > 0, removed)
                },
            )
        })
    }
}
