//! `Draw`: how many elements are drawn, and whether one may come twice.

/// How many elements of a set or hash are drawn.
///
/// ```
/// use larder::{Draw, Store};
///
/// let store = Store::new();
/// let set = store.set_of::<i64>("set");
/// set.add_many(0..3)?;
/// assert_eq!(set.random_many(Draw::Distinct(10))?.len(), 3);
/// assert_eq!(set.random_many(Draw::Repeated(10))?.len(), 10);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// Up to so many, each at most once: what servers do for a positive count.
    Distinct(usize),
    /// So many, each drawn from all: what servers do for a negative count.
    Repeated(usize),
}
