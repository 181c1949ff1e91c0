//! `Span`: first and last index as Redis counts them, both inclusive, negative ones from the end.

use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive};

/// A part of a string: from the first to the last byte, both included; negative indexes count from the end.
///
/// ```
/// use larder::{Span, Store};
///
/// let store = Store::new();
/// store.set("key", "This is a string")?;
/// assert_eq!(store.get_range("key", Span::new(0, 3))?, b"This");
/// assert_eq!(store.get_range("key", -3..)?, b"ing");
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    first: i64,
    last: i64,
}

impl Span {
    /// From the first to the last index; `-1` is the last of all.
    ///
    /// ```
    /// assert_eq!(larder::Span::new(0, -1), larder::Span::from(..));
    /// ```
    #[must_use]
    pub fn new(first: i64, last: i64) -> Self {
        Span { first, last }
    }

    /// The bytes of a string of this length; empty if there are none.
    ///
    /// An index before the start is taken for the first byte, even the last one: `-100..=-90` names one byte.
    pub(crate) fn of_string(self, len: usize) -> Range<usize> {
        let Span { first, last } = self;
        if len == 0 || (first < 0 && last < 0 && first > last) {
            return 0..0;
        }
        let len = len as i64;
        let from_start = |index: i64| {
            if index < 0 {
                index.saturating_add(len).max(0)
            } else {
                index
            }
        };
        let (first, last) = (from_start(first), from_start(last).min(len - 1));
        if first > last {
            0..0
        } else {
            first as usize..last as usize + 1
        }
    }
}

impl Span {
    /// The elements of a row of this length; empty if there are none.
    ///
    /// An index before the start is taken for the first element as a beginning, and for none as an end.
    pub(crate) fn of_elements(self, len: usize) -> Range<usize> {
        let len = i64::try_from(len).unwrap_or(i64::MAX);
        let from_start = |index: i64| {
            if index < 0 {
                index.saturating_add(len)
            } else {
                index
            }
        };
        let (first, last) = (
            from_start(self.first).max(0),
            from_start(self.last).min(len - 1),
        );
        if first > last {
            0..0
        } else {
            first as usize..last as usize + 1
        }
    }
}

impl From<RangeInclusive<i64>> for Span {
    fn from(range: RangeInclusive<i64>) -> Self {
        Span::new(*range.start(), *range.end())
    }
}

impl From<RangeFrom<i64>> for Span {
    fn from(range: RangeFrom<i64>) -> Self {
        Span::new(range.start, -1)
    }
}

impl From<RangeFull> for Span {
    fn from(_: RangeFull) -> Self {
        Span::new(0, -1)
    }
}
