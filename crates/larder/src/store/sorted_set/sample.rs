//! Members at random, and pages of all.

use std::collections::HashSet;

use super::{SortedSet, convert};
use crate::bytes::FromValue;
use crate::error::Error;
use crate::store::site::Scope;
use crate::store::{scan::Cursor, scan_options::ScanOptions};
use crate::value::Collection;
use crate::value::sorted_set::{Direction, Rows};

/// Some members with their scores, and where to go on; see [`SortedSet::scan_page`].
///
/// ```
/// let page = larder::MemberPage::<String>::default();
/// assert!(page.members.is_empty() && page.next.is_none());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MemberPage<T> {
    /// The members that suit, of those that were looked at.
    pub members: Vec<(T, f64)>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

impl<T> Default for MemberPage<T> {
    fn default() -> Self {
        MemberPage {
            members: Vec::new(),
            next: None,
        }
    }
}

impl<T: FromValue, S: Scope> SortedSet<'_, T, S> {
    /// A member at random, with its score; `None` if there is none.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add("a", 1.0)?;
    /// assert_eq!(set.random()?, Some(("a".to_owned(), 1.0)));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(log n), the lock as [`Self::len`].
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`]; [`Error::Convert`] if the member is no `T`.
    #[doc(alias = "ZRANDMEMBER")]
    pub fn random(&self) -> Result<Option<(T, f64)>, Error> {
        Ok(self.random_many(1)?.pop())
    }

    /// So many different members at random, all if there are fewer, with their scores, in no order that means anything.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("a", 1.0), ("b", 2.0)])?;
    /// assert_eq!(set.random_many(5)?.len(), 2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(log n) for each, the lock as [`Self::len`].
    ///
    /// # Errors
    ///
    /// As [`Self::random`].
    #[doc(alias = "ZRANDMEMBER")]
    pub fn random_many(&self, members: usize) -> Result<Vec<(T, f64)>, Error> {
        let core = self.site().core();
        convert(&self.look(|set| rows_at(set, distinct(set.len(), members, || core.draw())))?)
    }

    /// So many members at random, each time one of all, with their scores; none if there is none.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add("a", 1.0)?;
    /// assert_eq!(set.random_with_repeats(3)?.len(), 3);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Self::random_many`].
    ///
    /// # Errors
    ///
    /// As [`Self::random`].
    #[doc(alias = "ZRANDMEMBER")]
    pub fn random_with_repeats(&self, members: usize) -> Result<Vec<(T, f64)>, Error> {
        let core = self.site().core();
        convert(&self.look(|set| {
            let len = set.len().max(1) as u64;
            let drawn = std::iter::repeat_with(|| (core.draw() % len) as usize);
            rows_at(set, drawn.take(members))
        })?)
    }

    /// A page of members with their scores, from a cursor on.
    ///
    /// ```
    /// use larder::{Cursor, ScanOptions};
    ///
    /// let store = larder::Store::new();
    /// let set = store.sorted_set::<String>("set");
    /// set.add_many([("a1", 1.0), ("b1", 2.0)])?;
    /// let page = set.scan_page(Cursor::START, &ScanOptions::new().matching("a*"))?;
    /// assert_eq!((page.members, page.next), (vec![("a1".to_owned(), 1.0)], None));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(count), the lock as [`Self::len`]; a packed set is one page.
    ///
    /// # Consistency
    ///
    /// Members that are there from the first page to the last are shown; what comes or goes meanwhile may be. A member
    /// may be shown twice.
    ///
    /// # Errors
    ///
    /// [`Error::Syntax`] for a count of zero, or a type, which members have none of; [`Error::WrongType`];
    /// [`Error::Convert`] if a member is no `T`.
    #[doc(alias = "ZSCAN")]
    pub fn scan_page(&self, cursor: Cursor, options: &ScanOptions) -> Result<MemberPage<T>, Error> {
        if options.count == 0 || options.key_type.is_some() {
            return Err(Error::Syntax);
        }
        // Larger numbers are no cursor of a sorted set: nothing is behind them.
        let Ok(from) = u32::try_from(u64::from(cursor)) else {
            return Ok(MemberPage::default());
        };
        let suits = |member: &[u8]| {
            options
                .glob
                .as_ref()
                .is_none_or(|glob| glob.matches(member))
        };
        let (rows, next) = self.look(|set| {
            let mut rows = Rows::default();
            let next = set.scan(from, options.count, |member, score| {
                if suits(member) {
                    rows.push(member, score);
                }
            });
            (rows, next)
        })?;
        Ok(MemberPage {
            members: convert(&rows)?,
            next: (next != 0).then(|| Cursor::from(u64::from(next))),
        })
    }
}

/// The elements of these ranks.
fn rows_at(set: &crate::value::SortedSet, ranks: impl IntoIterator<Item = usize>) -> Rows {
    let mut rows = Rows::default();
    for rank in ranks {
        set.visit(rank..rank + 1, Direction::Up, |member, score| {
            rows.push(member, score);
        });
    }
    rows
}

/// So many different numbers below `len`, all if there are fewer. (Floyd's way: one draw for each, none in vain.)
fn distinct(len: usize, wanted: usize, mut draw: impl FnMut() -> u64) -> Vec<usize> {
    if wanted >= len {
        return (0..len).collect();
    }
    let mut taken = HashSet::with_capacity(wanted);
    let mut numbers = Vec::with_capacity(wanted);
    for top in len - wanted..len {
        let drawn = (draw() % (top as u64 + 1)) as usize;
        let number = if taken.insert(drawn) { drawn } else { top };
        taken.insert(number);
        numbers.push(number);
    }
    numbers
}
