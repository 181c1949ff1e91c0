//! What a search in a list looks for.

use crate::ds::deque::End;
use crate::value::Search;

/// Which of the elements that equal a value are removed.
///
/// ```
/// use larder::{Matches, Store};
///
/// let store = Store::new();
/// let list = store.list::<String>("letters");
/// list.push_back_many(["a", "b", "a", "a"])?;
/// assert_eq!(list.remove("a", Matches::Last(2))?, 2);
/// assert_eq!(list.range(..)?, ["a", "b"]);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Matches {
    /// Every one.
    All,
    /// So many, from the front on.
    First(usize),
    /// So many, from the back on.
    Last(usize),
}

impl Matches {
    pub(crate) fn end_and_most(self) -> (End, usize) {
        match self {
            Matches::All => (End::Front, usize::MAX),
            Matches::First(most) => (End::Front, most),
            Matches::Last(most) => (End::Back, most),
        }
    }
}

/// How a list is searched: for all matches from the front on, unless said otherwise.
///
/// ```
/// use larder::{End, PositionOptions, Store};
///
/// let store = Store::new();
/// let list = store.list::<String>("letters");
/// list.push_back_many(["a", "b", "c", "b", "b"])?;
/// let last_two = PositionOptions::new().from(End::Back).most(2);
/// assert_eq!(list.positions("b", last_two)?, [4, 3]);
/// assert_eq!(list.positions("b", PositionOptions::new().skip(1))?, [3, 4]);
/// assert_eq!(list.positions("b", PositionOptions::new().within(3))?, [1]);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionOptions {
    from: End,
    skip: usize,
    most: usize,
    within: usize,
}

impl Default for PositionOptions {
    fn default() -> Self {
        PositionOptions::new()
    }
}

impl PositionOptions {
    /// All matches, from the front on.
    ///
    /// ```
    /// use larder::PositionOptions;
    ///
    /// assert_eq!(PositionOptions::new(), PositionOptions::default());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        PositionOptions {
            from: End::Front,
            skip: 0,
            most: usize::MAX,
            within: usize::MAX,
        }
    }

    /// Starts at this end.
    ///
    /// ```
    /// use larder::{End, PositionOptions};
    ///
    /// assert_ne!(PositionOptions::new().from(End::Back), PositionOptions::new());
    /// ```
    #[doc(alias = "RANK")]
    #[must_use]
    pub fn from(self, from: End) -> Self {
        PositionOptions { from, ..self }
    }

    /// Passes over so many matches first.
    ///
    /// ```
    /// use larder::PositionOptions;
    ///
    /// assert_eq!(PositionOptions::new().skip(0), PositionOptions::new());
    /// ```
    #[doc(alias = "RANK")]
    #[must_use]
    pub fn skip(self, skip: usize) -> Self {
        PositionOptions { skip, ..self }
    }

    /// Is content with so many matches.
    ///
    /// ```
    /// use larder::PositionOptions;
    ///
    /// assert_ne!(PositionOptions::new().most(1), PositionOptions::new());
    /// ```
    #[doc(alias = "COUNT")]
    #[must_use]
    pub fn most(self, most: usize) -> Self {
        PositionOptions { most, ..self }
    }

    /// Looks at so many elements only.
    ///
    /// ```
    /// use larder::PositionOptions;
    ///
    /// assert_ne!(PositionOptions::new().within(100), PositionOptions::new());
    /// ```
    #[doc(alias = "MAXLEN")]
    #[must_use]
    pub fn within(self, within: usize) -> Self {
        PositionOptions { within, ..self }
    }

    pub(crate) fn search(self) -> Search {
        Search {
            from: self.from,
            skip: self.skip,
            most: self.most,
            looks: self.within,
        }
    }
}
