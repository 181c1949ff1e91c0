//! What comes out of a list as the view's type.

use super::copies::Copies;
use super::{List, MoveOptions};
use crate::bytes::FromValue;
use crate::ds::deque::End;
use crate::error::Error;
use crate::store::site::Scope;
use crate::store::span::Span;

fn single<T: FromValue>(copies: &Copies) -> Result<Option<T>, Error> {
    let first = copies.iter().next().map(super::convert);
    Ok(first.transpose()?)
}

impl<T: FromValue, S: Scope> List<'_, T, S> {
    /// Takes the first element out; `None` if there is no list.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let list = store.list::<i64>("list");
    /// list.push_back_many([1, 2])?;
    /// assert_eq!(list.pop_front()?, Some(1));
    /// assert_eq!(list.pop_front()?, Some(2));
    /// assert_eq!(list.pop_front()?, None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), one stripe's lock; a packed list is copied, and what changed is written.
    ///
    /// # Errors
    ///
    /// [`Error::Convert`] if the element is not a `T`; it is gone all the same.
    #[doc(alias = "LPOP")]
    pub fn pop_front(&self) -> Result<Option<T>, Error> {
        single(&self.site().list_pop(self.key(), End::Front, 1)?)
    }

    /// Takes the last element out; `None` if there is no list.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let list = store.list::<i64>("list");
    /// list.push_back_many([1, 2])?;
    /// assert_eq!(list.pop_back()?, Some(2));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`List::pop_front`].
    ///
    /// # Errors
    ///
    /// As [`List::pop_front`].
    #[doc(alias = "RPOP")]
    pub fn pop_back(&self) -> Result<Option<T>, Error> {
        single(&self.site().list_pop(self.key(), End::Back, 1)?)
    }

    /// Takes up to `most` elements off an end, the outermost first.
    ///
    /// ```
    /// use larder::End;
    ///
    /// let store = larder::Store::new();
    /// let list = store.list::<i64>("list");
    /// list.push_back_many([1, 2, 3])?;
    /// assert_eq!(list.pop_many(End::Back, 2)?, [3, 2]);
    /// assert_eq!(list.pop_many(End::Back, 2)?, [1]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(taken), one stripe's lock.
    ///
    /// # Errors
    ///
    /// As [`List::pop_front`].
    #[doc(alias("LPOP", "RPOP"))]
    pub fn pop_many(&self, end: End, most: usize) -> Result<Vec<T>, Error> {
        Ok(self.site().list_pop(self.key(), end, most)?.convert()?)
    }

    /// Moves an element from an end of this list to an end of another, or of this one, and returns it; `None` if there
    /// is no list.
    ///
    /// ```
    /// use larder::{End, Store};
    ///
    /// let store = Store::new();
    /// let todo = store.list::<String>("todo");
    /// todo.push_back_many(["a", "b"])?;
    /// assert_eq!(todo.move_to(End::Front, "doing", End::Back)?.as_deref(), Some("a"));
    /// assert_eq!(store.list::<String>("doing").range(..)?, ["a"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), the locks of both keys' stripes.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if either key holds another type (without a list to take from, the other key is not looked
    /// at), [`Error::TooLarge`] if the other list would not fit the store's bound; then nothing has changed.
    #[doc(alias("LMOVE", "RPOPLPUSH"))]
    pub fn move_to(&self, from: End, other: impl AsRef<[u8]>, to: End) -> Result<Option<T>, Error> {
        let other = self.site().key(other.as_ref());
        let one = MoveOptions::one();
        let moved = self
            .site()
            .list_move((self.key(), from), (other, to), one)?;
        moved.map_or(Ok(None), |copies| single(&copies))
    }

    /// The element with this index, negative from the end.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let list = store.list::<String>("list");
    /// list.push_back_many(["a", "b", "c"])?;
    /// assert_eq!(list.get(0)?.as_deref(), Some("a"));
    /// assert_eq!(list.get(-1)?.as_deref(), Some("c"));
    /// assert_eq!(list.get(3)?, None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(blocks) from the nearer end; no lock while the list is packed, then its stripe's, shared.
    ///
    /// # Errors
    ///
    /// [`Error::Convert`] if the element is not a `T`.
    #[doc(alias = "LINDEX")]
    pub fn get(&self, index: i64) -> Result<Option<T>, Error> {
        single(&self.site().list_get(self.key(), index)?)
    }

    /// The elements of a part, in order; all of them for `..`.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let list = store.list::<i64>("list");
    /// list.push_back_many(1..=5)?;
    /// assert_eq!(list.range(0..=1)?, [1, 2]);
    /// assert_eq!(list.range(-2..)?, [4, 5]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(blocks before it + elements); no lock while the list is packed, then its stripe's, shared.
    ///
    /// # Errors
    ///
    /// [`Error::Convert`] if an element is not a `T`.
    #[doc(alias = "LRANGE")]
    pub fn range(&self, part: impl Into<Span>) -> Result<Vec<T>, Error> {
        Ok(self.site().list_range(self.key(), part.into())?.convert()?)
    }
}
