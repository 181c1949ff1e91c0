//! Moves of several elements from list to list.

use std::time::Duration;

use super::List;
use super::take::names;
use crate::bytes::FromValue;
use crate::ds::deque::End;
use crate::error::Error;
use crate::store::core::Store;
use crate::store::site::Scope;
use crate::store::wish::Wish;

/// How many elements are moved at once, and in which order they arrive.
///
/// ```
/// use larder::{End, MoveOptions, Store};
///
/// let store = Store::new();
/// let todo = store.list::<String>("todo");
/// todo.push_back_many(["a", "b", "c", "d"])?;
/// let two = MoveOptions::up_to(2);
/// assert_eq!(todo.move_many_to(End::Front, "doing", End::Front, two)?, Some(vec!["a".to_owned(), "b".to_owned()]));
/// assert_eq!(store.list::<String>("doing").range(..)?, ["b", "a"]);
/// assert_eq!(todo.move_many_to(End::Front, "doing", End::Front, MoveOptions::exactly(3))?, None);
/// todo.move_many_to(End::Front, "doing", End::Front, two.in_order())?;
/// assert_eq!(store.list::<String>("doing").range(..)?, ["c", "d", "b", "a"]);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoveOptions {
    count: usize,
    amount: Amount,
    order: Order,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Amount {
    UpTo,
    Exactly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// As if they were moved one by one.
    OneByOne,
    /// As they were in the list that they come from.
    Kept,
}

impl MoveOptions {
    /// As many as there are, but at most so many.
    ///
    /// ```
    /// use larder::MoveOptions;
    ///
    /// assert_ne!(MoveOptions::up_to(2), MoveOptions::exactly(2));
    /// ```
    #[doc(alias = "COUNT")]
    #[must_use]
    pub fn up_to(count: usize) -> Self {
        MoveOptions {
            count,
            amount: Amount::UpTo,
            order: Order::OneByOne,
        }
    }

    /// So many, or none.
    ///
    /// ```
    /// use larder::MoveOptions;
    ///
    /// assert_eq!(MoveOptions::exactly(2), MoveOptions::exactly(2));
    /// ```
    #[doc(alias = "EXACTLY")]
    #[must_use]
    pub fn exactly(count: usize) -> Self {
        MoveOptions {
            amount: Amount::Exactly,
            ..MoveOptions::up_to(count)
        }
    }

    /// Has them arrive in the order that they were in, and not turned round where both ends are the same.
    ///
    /// ```
    /// use larder::MoveOptions;
    ///
    /// assert_ne!(MoveOptions::up_to(2).in_order(), MoveOptions::up_to(2));
    /// ```
    #[doc(alias = "BULK")]
    #[must_use]
    pub fn in_order(self) -> Self {
        MoveOptions {
            order: Order::Kept,
            ..self
        }
    }

    /// One element.
    pub(crate) fn one() -> Self {
        MoveOptions::up_to(1)
    }

    /// How many are moved out of so many; `None` if that is no move.
    pub(crate) fn of(self, len: usize) -> Option<usize> {
        match self.amount {
            Amount::UpTo => Some(self.count.min(len)),
            Amount::Exactly => (self.count <= len).then_some(self.count),
        }
    }

    /// Whether the last to leave is the first to arrive.
    pub(crate) fn turns(self, from: End, to: End) -> bool {
        self.order == Order::Kept && from == to
    }
}

impl<T: FromValue, S: Scope> List<'_, T, S> {
    /// Moves elements from an end of this list to an end of another, or of this one, and returns them in the order in
    /// which they left; `None` if there is no list, or not as many as it takes.
    ///
    /// ```
    /// use larder::{End, MoveOptions, Store};
    ///
    /// let store = Store::new();
    /// let todo = store.list::<i64>("todo");
    /// todo.push_back_many([1, 2, 3])?;
    /// let moved = todo.move_many_to(End::Front, "doing", End::Back, MoveOptions::up_to(2))?;
    /// assert_eq!(moved, Some(vec![1, 2]));
    /// assert_eq!(store.list::<i64>("doing").range(..)?, [1, 2]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(moved), the locks of both keys' stripes.
    ///
    /// # Errors
    ///
    /// As [`List::move_to`].
    #[doc(alias = "LMOVEM")]
    pub fn move_many_to(
        &self,
        from: End,
        other: impl AsRef<[u8]>,
        to: End,
        options: MoveOptions,
    ) -> Result<Option<Vec<T>>, Error> {
        let other = self.site().key(other.as_ref());
        let moved = self
            .site()
            .list_move((self.key(), from), (other, to), options)?;
        Ok(moved.map(|copies| copies.convert()).transpose()?)
    }
}

impl Store {
    /// Moves elements from an end of one list to an end of another, or of the same, as soon as there are as many as it
    /// takes, at least one; otherwise as [`Store::take_to`].
    ///
    /// ```
    /// use larder::{End, MoveOptions, Store};
    ///
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     match std::pin::pin!(future).poll(&mut context) {
    /// #         std::task::Poll::Ready(output) => output,
    /// #         std::task::Poll::Pending => unreachable!("there are elements"),
    /// #     }
    /// # }
    /// # block_on(async {
    /// let store = Store::new();
    /// store.list::<i64>("todo").push_back_many([1, 2, 3])?;
    /// let pair = MoveOptions::exactly(2);
    /// let moved = store.take_many_to::<i64>("todo", End::Front, "doing", End::Back, pair).await?;
    /// assert_eq!(moved, [1, 2]);
    /// # Ok::<(), larder::Error>(())
    /// # })?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::take`], and O(moved).
    ///
    /// # Errors
    ///
    /// As [`Store::take_to`].
    #[doc(alias = "BLMOVEM")]
    pub async fn take_many_to<T: FromValue>(
        &self,
        from: impl AsRef<[u8]>,
        from_end: End,
        to: impl AsRef<[u8]>,
        to_end: End,
        options: MoveOptions,
    ) -> Result<Vec<T>, Error> {
        let wish = self.moving(from_end, to.as_ref(), to_end, options);
        let goods = self.core.take(names(&self.core, [from]), wish);
        Ok(goods.await?.copies.convert()?)
    }

    /// [`Store::take_many_to`] for a thread, which is parked; `None` if not as many came within `wait`.
    ///
    /// ```
    /// use larder::{End, MoveOptions, Store};
    /// use std::time::Duration;
    ///
    /// let store = Store::new();
    /// store.list::<i64>("todo").push_back(1)?;
    /// let (pair, soon) = (MoveOptions::exactly(2), Duration::from_millis(1));
    /// let none = store.take_many_to_blocking::<i64>("todo", End::Front, "doing", End::Back, pair, soon)?;
    /// assert_eq!(none, None);
    /// assert_eq!(store.list::<i64>("todo").len()?, 1);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::take_many_to`].
    ///
    /// # Errors
    ///
    /// As [`Store::take_to`].
    #[doc(alias = "BLMOVEM")]
    pub fn take_many_to_blocking<T: FromValue>(
        &self,
        from: impl AsRef<[u8]>,
        from_end: End,
        to: impl AsRef<[u8]>,
        to_end: End,
        options: MoveOptions,
        wait: impl Into<Option<Duration>>,
    ) -> Result<Option<Vec<T>>, Error> {
        let wish = self.moving(from_end, to.as_ref(), to_end, options);
        let names = names(&self.core, [from]);
        let goods = self.core.take_blocking(names, wish, wait.into())?;
        let moved = goods.map(|goods| goods.copies.convert());
        Ok(moved.transpose()?)
    }

    /// What who waits for elements to move wishes for.
    pub(super) fn moving(&self, from: End, to: &[u8], end: End, options: MoveOptions) -> Wish {
        Wish::Move {
            from,
            to: (self.core.hash(to), to.to_vec()),
            end,
            options: MoveOptions {
                count: options.count.max(1),
                ..options
            },
        }
    }
}
