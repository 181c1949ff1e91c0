//! Sorting: the elements of a value in an order of their own, or of what other keys hold for them.
//!
//! ```text
//! elements ── weights (their own, or of `weight_*` with the element for the star) ── sort ── part ── what is asked for
//! ```
//!
//! Elements of equal weight are in the order of their bytes, so that the outcome is defined.

use std::cmp::Ordering;

use super::core::Store;
use super::group::{Key, Views};
use super::list::Copies;
use super::site::Site;
use crate::bytes::{FromValue, ToValue};
use crate::ds::deque::End;
use crate::ds::deque::element::Element;
use crate::error::Error;
use crate::event::EventKind;
use crate::number::parse_f64;
use crate::value::sorted_set::Direction;
use crate::value::{Collection, List, Set, SortedSet, owned};

/// How [`Store::sort`] sorts: by the elements as numbers, smallest first, unless said otherwise.
///
/// ```
/// use larder::{SortOptions, Store};
///
/// let store = Store::new();
/// store.list::<i64>("numbers").push_back_many([3, 1, 10, 2])?;
/// assert_eq!(store.sort::<i64>("numbers", SortOptions::new())?, [1, 2, 3, 10]);
/// let top = SortOptions::new().descending().most(2);
/// assert_eq!(store.sort::<i64>("numbers", top)?, [10, 3]);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortOptions {
    by: By,
    order: Order,
    skip: usize,
    most: usize,
    get: Vec<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum By {
    Elements,
    /// What the keys of this pattern hold.
    Weights(Vec<u8>),
    /// Nothing: the elements stay as they are.
    Nothing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Order {
    alphabetic: bool,
    descending: bool,
}

impl Default for SortOptions {
    fn default() -> Self {
        SortOptions::new()
    }
}

impl SortOptions {
    /// By the elements as numbers, smallest first.
    ///
    /// ```
    /// assert_eq!(larder::SortOptions::new(), larder::SortOptions::default());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        SortOptions {
            by: By::Elements,
            order: Order {
                alphabetic: false,
                descending: false,
            },
            skip: 0,
            most: usize::MAX,
            get: Vec::new(),
        }
    }

    /// Sorts by the strings that other keys hold: of each element the one whose name is this pattern with the element
    /// in the place of the first `*`. With `->` and a field behind, the key holds a hash, and its field counts. A
    /// missing one counts as zero; without a star nothing is sorted.
    ///
    /// ```
    /// use larder::{SortOptions, Store};
    ///
    /// let store = Store::new();
    /// store.list::<String>("users").push_back_many(["ann", "bob"])?;
    /// store.set_many([("age:ann", 40), ("age:bob", 30)])?;
    /// let by_age = SortOptions::new().by("age:*");
    /// assert_eq!(store.sort::<String>("users", by_age)?, ["bob", "ann"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias = "BY")]
    #[must_use]
    pub fn by(self, pattern: impl AsRef<[u8]>) -> Self {
        let pattern = pattern.as_ref().to_vec();
        let by = if pattern.contains(&b'*') {
            By::Weights(pattern)
        } else {
            By::Nothing
        };
        SortOptions { by, ..self }
    }

    /// Compares bytes, not numbers.
    ///
    /// ```
    /// use larder::{SortOptions, Store};
    ///
    /// let store = Store::new();
    /// store.list::<i64>("numbers").push_back_many([3, 1, 10])?;
    /// assert_eq!(store.sort::<i64>("numbers", SortOptions::new().alphabetic())?, [1, 10, 3]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias = "ALPHA")]
    #[must_use]
    pub fn alphabetic(mut self) -> Self {
        self.order.alphabetic = true;
        self
    }

    /// The largest comes first.
    ///
    /// ```
    /// use larder::SortOptions;
    ///
    /// assert_ne!(SortOptions::new().descending(), SortOptions::new());
    /// ```
    #[doc(alias = "DESC")]
    #[must_use]
    pub fn descending(mut self) -> Self {
        self.order.descending = true;
        self
    }

    /// Leaves out so many at the beginning.
    ///
    /// ```
    /// use larder::SortOptions;
    ///
    /// assert_eq!(SortOptions::new().skip(0), SortOptions::new());
    /// ```
    #[doc(alias = "LIMIT")]
    #[must_use]
    pub fn skip(self, skip: usize) -> Self {
        SortOptions { skip, ..self }
    }

    /// Is content with so many.
    ///
    /// ```
    /// use larder::SortOptions;
    ///
    /// assert_ne!(SortOptions::new().most(10), SortOptions::new());
    /// ```
    #[doc(alias = "LIMIT")]
    #[must_use]
    pub fn most(self, most: usize) -> Self {
        SortOptions { most, ..self }
    }

    /// Asks, instead of for the element, for the string that the key of this pattern holds, or its hash in the field
    /// behind `->`; `#` is the element. Asked for more than once, each element has as many answers.
    ///
    /// ```
    /// use larder::{SortOptions, Store};
    ///
    /// let store = Store::new();
    /// store.list::<i64>("ids").push_back_many([2, 1])?;
    /// store.set("name:1", "ann")?;
    /// let names = SortOptions::new().get("#").get("name:*");
    /// let answers = store.sort_get::<String>("ids", names)?;
    /// assert_eq!(answers, [Some("1".into()), Some("ann".into()), Some("2".into()), None]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias = "GET")]
    #[must_use]
    pub fn get(mut self, pattern: impl AsRef<[u8]>) -> Self {
        self.get.push(pattern.as_ref().to_vec());
        self
    }

    /// Whether keys are read whose names only the elements tell.
    fn needs_others(&self) -> bool {
        matches!(self.by, By::Weights(_)) || !self.get.is_empty()
    }
}

/// What an element is sorted by.
enum Weight {
    Number(f64),
    /// Without bytes it comes before any that has some.
    Text(Option<Vec<u8>>),
}

impl Weight {
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Weight::Number(one), Weight::Number(other)) => one.total_cmp(other),
            (Weight::Text(one), Weight::Text(other)) => one.cmp(other),
            _ => Ordering::Equal,
        }
    }
}

/// A weight as a number. No text is zero, and minus zero is.
fn number(text: &[u8]) -> Result<f64, Error> {
    if text.is_empty() {
        return Ok(0.0);
    }
    parse_f64(text)
        .map(|number| number + 0.0)
        .ok_or(Error::NotSortable)
}

/// The name of a key, the pattern with the element in the place of its first star; and the field of a hash, if one
/// follows behind `->`.
fn place<'p>(pattern: &'p [u8], element: &[u8]) -> Option<(Vec<u8>, Option<&'p [u8]>)> {
    let star = pattern.iter().position(|byte| *byte == b'*')?;
    let (before, behind) = (&pattern[..star], &pattern[star + 1..]);
    let arrow = behind.windows(2).position(|pair| pair == b"->");
    // An arrow that nothing follows is a part of the name.
    let (behind, field) = match arrow.filter(|at| at + 2 < behind.len()) {
        Some(at) => (&behind[..at], Some(&behind[at + 2..])),
        None => (behind, None),
    };
    Some(([before, element, behind].concat(), field))
}

/// The elements of a list, set or sorted set, in the order in which they stand: those of a set in that of their bytes.
fn elements(
    views: Views<'_>,
    key: Key<'_>,
    options: &SortOptions,
) -> Result<Option<Vec<Vec<u8>>>, Error> {
    let mut elements = Vec::new();
    // What is not sorted comes from the other end.
    let back = options.by == By::Nothing && options.order.descending;
    match views.get::<List>(key) {
        Err(Error::WrongType) => {}
        list => {
            return Ok(list?.map(|list| {
                list.range(0..list.len(), |element| {
                    elements.push(element.with_bytes(<[u8]>::to_vec));
                });
                if back {
                    elements.reverse();
                }
                elements
            }));
        }
    }
    if let Ok(Some(set)) = views.get::<SortedSet>(key) {
        let direction = if back { Direction::Down } else { Direction::Up };
        set.visit(0..set.len(), direction, |member, _| {
            elements.push(member.to_vec());
        });
        return Ok(Some(elements));
    }
    let set = views.get::<Set>(key)?;
    Ok(set.map(|set| {
        elements.extend(set.iter().map(|member| owned(member).into_owned()));
        if options.by == By::Nothing {
            elements.sort_unstable();
        }
        if back {
            elements.reverse();
        }
        elements
    }))
}

impl Site<'_> {
    /// The string that the key of a pattern holds for an element, or its hash in a field.
    fn counterpart(self, pattern: &[u8], element: &[u8]) -> Option<Vec<u8>> {
        let (name, field) = place(pattern, element)?;
        let key = self.key(&name);
        if let Some(field) = field {
            let hasher = &self.core().hasher;
            let value = self.hash_look(key, |hash, now| {
                hash.get(hasher, field, now).map(|row| row.value.to_vec())
            });
            return value.ok()?;
        }
        let value = self.string(key).ok()??;
        Some(value.as_stored().with_text(<[u8]>::to_vec))
    }

    fn weight(self, element: &[u8], options: &SortOptions) -> Result<Weight, Error> {
        let text = match &options.by {
            By::Weights(pattern) => self.counterpart(pattern, element),
            By::Elements | By::Nothing => Some(element.to_vec()),
        };
        if options.order.alphabetic {
            Ok(Weight::Text(text))
        } else {
            number(&text.unwrap_or_default()).map(Weight::Number)
        }
    }

    /// The sorted elements, of the part that is asked for.
    fn sorted(self, key: &[u8], options: &SortOptions) -> Result<Vec<Vec<u8>>, Error> {
        let key = self.key(key);
        let found = self.look_many(&[key], |views| elements(views, key, options))?;
        self.count_look(found.is_some());
        let elements = found.unwrap_or_default();
        let part = |elements: Vec<Vec<u8>>| {
            let wanted = elements.into_iter().skip(options.skip).take(options.most);
            wanted.collect()
        };
        if options.by == By::Nothing {
            return Ok(part(elements));
        }
        let weigh = |element: Vec<u8>| Ok((self.weight(&element, options)?, element));
        let mut rows: Vec<_> = elements
            .into_iter()
            .map(weigh)
            .collect::<Result<_, Error>>()?;
        rows.sort_unstable_by(|(weight, element), (other_weight, other)| {
            let order = weight.order(other_weight).then_with(|| element.cmp(other));
            if options.order.descending {
                order.reverse()
            } else {
                order
            }
        });
        Ok(part(rows.into_iter().map(|(_, element)| element).collect()))
    }

    /// The answers for the sorted elements.
    fn sort(self, key: &[u8], options: &SortOptions) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let elements = self.sorted(key, options)?;
        if options.get.is_empty() {
            return Ok(elements.into_iter().map(Some).collect());
        }
        let answer = |element: &Vec<u8>, pattern: &Vec<u8>| match &pattern[..] {
            b"#" => Some(element.clone()),
            pattern => self.counterpart(pattern, element),
        };
        let answers = elements.iter().flat_map(|element| {
            let each = options.get.iter();
            each.map(move |pattern| answer(element, pattern))
        });
        Ok(answers.collect())
    }

    /// Replaces a value by a list, without a deadline; by nothing if that is empty.
    fn put_list(self, key: &[u8], copies: &Copies) -> Result<(), Error> {
        self.write(self.key(key), |seat| {
            let mut list = List::unpack(Vec::new());
            copies.iter().for_each(|one| list.push(End::Back, one));
            seat.overwrite(EventKind::SortStore, list)
        })
    }
}

impl Store {
    /// Runs `work` on a value alone if that is all it needs, and else on all keys as one.
    fn sorting<R>(
        &self,
        options: &SortOptions,
        work: impl FnOnce(Site<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        if options.needs_others() {
            self.atomic_all(|tx| work(tx.site))
        } else {
            work(self.site())
        }
    }

    /// The elements of a list, set or sorted set, sorted; the value stays as it is.
    ///
    /// ```
    /// use larder::{SortOptions, Store};
    ///
    /// let store = Store::new();
    /// store.list::<i64>("numbers").push_back_many([3, 1, 2])?;
    /// assert_eq!(store.sort::<i64>("numbers", SortOptions::new())?, [1, 2, 3]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(n log n), on a copy, without a lock. With [`SortOptions::by`] or [`SortOptions::get`], under all locks of the
    /// store.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`]; [`Error::NotSortable`] if a weight is no number; [`Error::NoSuchKey`] if a key that was
    /// asked for by [`SortOptions::get`] is missing, for which see [`Store::sort_get`]; [`Error::Convert`].
    #[doc(alias("SORT", "SORT_RO"))]
    pub fn sort<T: FromValue>(
        &self,
        key: impl AsRef<[u8]>,
        options: SortOptions,
    ) -> Result<Vec<T>, Error> {
        let answers = self.sorting(&options, |site| site.sort(key.as_ref(), &options))?;
        let each = answers.into_iter();
        each.map(|text| Ok(T::from_value(&text.ok_or(Error::NoSuchKey)?)?))
            .collect()
    }

    /// [`Store::sort`], where what [`SortOptions::get`] asks for may be missing.
    ///
    /// ```
    /// use larder::{SortOptions, Store};
    ///
    /// let store = Store::new();
    /// store.list::<i64>("ids").push_back(1)?;
    /// let names = store.sort_get::<String>("ids", SortOptions::new().get("name:*"))?;
    /// assert_eq!(names, [None]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::sort`].
    ///
    /// # Errors
    ///
    /// As [`Store::sort`].
    #[doc(alias("SORT", "SORT_RO"))]
    pub fn sort_get<T: FromValue>(
        &self,
        key: impl AsRef<[u8]>,
        options: SortOptions,
    ) -> Result<Vec<Option<T>>, Error> {
        let answers = self.sorting(&options, |site| site.sort(key.as_ref(), &options))?;
        let convert = |text: Option<Vec<u8>>| text.map(|text| T::from_value(&text)).transpose();
        Ok(answers.into_iter().map(convert).collect::<Result<_, _>>()?)
    }

    /// Sorts into another list, whatever that key held, without a deadline; its length. What is missing is empty there.
    ///
    /// ```
    /// use larder::{SortOptions, Store};
    ///
    /// let store = Store::new();
    /// store.list::<i64>("numbers").push_back_many([3, 1, 2])?;
    /// assert_eq!(store.sort_into("numbers", SortOptions::new(), "sorted")?, 3);
    /// assert_eq!(store.list::<i64>("sorted").range(..)?, [1, 2, 3]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(n log n), under the locks of both keys' stripes, or all of them as for [`Store::sort`].
    ///
    /// # Errors
    ///
    /// As [`Store::sort`], and [`Error::TooLarge`] if the list does not fit the store's bound.
    #[doc(alias("SORT", "STORE"))]
    pub fn sort_into(
        &self,
        key: impl AsRef<[u8]>,
        options: SortOptions,
        destination: impl AsRef<[u8]>,
    ) -> Result<usize, Error> {
        let (key, to) = (key.as_ref(), destination.as_ref());
        let work = |site: Site<'_>| {
            let mut copies = Copies::default();
            for answer in site.sort(key, &options)? {
                copies.push(Element::of(&answer.unwrap_or_default().to_value()));
            }
            site.put_list(to, &copies)?;
            Ok(copies.len())
        };
        if options.needs_others() {
            self.atomic_all(|tx| work(tx.site))
        } else {
            self.atomic([key, to], |tx| work(tx.site))
        }
    }
}
