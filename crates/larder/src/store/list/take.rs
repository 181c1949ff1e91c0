//! The pops of lists that wait: each for tasks, and for threads.

use std::time::Duration;

use super::copies::Copies;
use super::{Batch, MoveOptions};
use crate::bytes::FromValue;
use crate::ds::deque::End;
use crate::error::Error;
use crate::store::core::{Core, Store};
use crate::store::group::Name;
use crate::store::wish::{Goods, Wish};

/// Keys with their hashes, in the caller's order.
pub(crate) fn names(core: &Core, keys: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<Name> {
    let name = |key: &[u8]| (core.hash(key), key.to_vec());
    keys.into_iter().map(|key| name(key.as_ref())).collect()
}

fn single<T: FromValue>(copies: &Copies) -> Result<T, Error> {
    let first = copies.iter().next().ok_or(Error::NoSuchKey)?;
    Ok(super::convert(first)?)
}

/// What was taken, with the name of the key that had it.
fn named(mut names: Vec<Name>, goods: Goods) -> (Vec<u8>, Copies) {
    (names.swap_remove(goods.nth).1, goods.copies)
}

impl Store {
    /// Takes an element off an end of the first of these lists that exists, as soon as one does; says of which.
    ///
    /// Those who wait for one key are served in the order in which they came, when the call or transaction that pushed
    /// is over. The wait begins when the future is first polled. It needs no runtime, and dropping it loses nothing: an
    /// element that was meant for it goes to the next, or back.
    ///
    /// ```
    /// use larder::{End, Store};
    ///
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     match std::pin::pin!(future).poll(&mut context) {
    /// #         std::task::Poll::Ready(output) => output,
    /// #         std::task::Poll::Pending => unreachable!("there is an element"),
    /// #     }
    /// # }
    /// # block_on(async {
    /// let store = Store::new();
    /// store.list::<String>("queue").push_back("task")?;
    /// let (key, task) = store.take::<String>(["urgent", "queue"], End::Front).await?;
    /// assert_eq!((&key[..], &task[..]), (&b"queue"[..], "task"));
    /// # Ok::<(), larder::Error>(())
    /// # })?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(keys), the locks of all their stripes. As long as anybody waits for a key, its writers pay for the serving, and
    /// writers of other keys load a word or two.
    ///
    /// # Consistency
    ///
    /// Who waits is served by whoever pushes, as a part of that call or transaction: nobody comes in between, so a pop that
    /// does not wait never takes what somebody waits for.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if a key before the first list holds another type now; later, such a key is passed over.
    /// [`Error::Convert`] if the element is not a `T`; it is gone all the same. [`Error::Syntax`] without any key, for which
    /// nothing could ever come.
    #[doc(alias("BLPOP", "BRPOP"))]
    pub async fn take<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        end: End,
    ) -> Result<(Vec<u8>, T), Error> {
        let names = names(&self.core, keys);
        let goods = self.core.take(names.clone(), Wish::Pop { end, most: 1 });
        let (key, copies) = named(names, goods.await?);
        Ok((key, single(&copies)?))
    }

    /// [`Store::take`] for a thread, which is parked; `None` if nothing came within `wait`. Without a limit it waits for
    /// ever.
    ///
    /// ```
    /// use larder::{End, Store};
    /// use std::time::Duration;
    ///
    /// let store = Store::new();
    /// std::thread::scope(|scope| {
    ///     let worker = scope.spawn(|| store.take_blocking::<String>(["queue"], End::Front, None));
    ///     store.list::<String>("queue").push_back("task")?;
    ///     let taken = worker.join().expect("the worker does not panic")?;
    ///     assert_eq!(taken, Some((b"queue".to_vec(), "task".to_owned())));
    ///     Ok::<(), larder::Error>(())
    /// })?;
    /// let soon = Duration::from_millis(1);
    /// assert_eq!(store.take_blocking::<String>(["queue"], End::Front, soon)?, None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::take`].
    ///
    /// # Errors
    ///
    /// As [`Store::take`].
    #[doc(alias("BLPOP", "BRPOP"))]
    pub fn take_blocking<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        end: End,
        wait: impl Into<Option<Duration>>,
    ) -> Result<Option<(Vec<u8>, T)>, Error> {
        let names = names(&self.core, keys);
        let wish = Wish::Pop { end, most: 1 };
        let goods = self.core.take_blocking(names.clone(), wish, wait.into())?;
        let Some((key, copies)) = goods.map(|goods| named(names, goods)) else {
            return Ok(None);
        };
        Ok(Some((key, single(&copies)?)))
    }

    /// Takes up to `most` elements, at least one, off an end of the first of these lists that exists, as soon as one
    /// does; otherwise as [`Store::take`].
    ///
    /// ```
    /// use larder::{End, Store};
    ///
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     match std::pin::pin!(future).poll(&mut context) {
    /// #         std::task::Poll::Ready(output) => output,
    /// #         std::task::Poll::Pending => unreachable!("there is an element"),
    /// #     }
    /// # }
    /// # block_on(async {
    /// let store = Store::new();
    /// store.list::<i64>("queue").push_back_many([1, 2, 3])?;
    /// let (_, batch) = store.take_many::<i64>(["queue"], End::Front, 2).await?;
    /// assert_eq!(batch, [1, 2]);
    /// # Ok::<(), larder::Error>(())
    /// # })?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::take`], and O(taken).
    ///
    /// # Errors
    ///
    /// As [`Store::take`].
    #[doc(alias = "BLMPOP")]
    pub async fn take_many<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        end: End,
        most: usize,
    ) -> Result<Batch<T>, Error> {
        let names = names(&self.core, keys);
        let most = most.max(1);
        let goods = self.core.take(names.clone(), Wish::Pop { end, most });
        let (key, copies) = named(names, goods.await?);
        Ok((key, copies.convert()?))
    }

    /// [`Store::take_many`] for a thread, which is parked; `None` if nothing came within `wait`.
    ///
    /// ```
    /// use larder::{End, Store};
    /// use std::time::Duration;
    ///
    /// let store = Store::new();
    /// store.list::<i64>("queue").push_back_many([1, 2, 3])?;
    /// let second = Duration::from_secs(1);
    /// let batch = store.take_many_blocking::<i64>(["queue"], End::Back, 2, second)?;
    /// assert_eq!(batch, Some((b"queue".to_vec(), vec![3, 2])));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::take_many`].
    ///
    /// # Errors
    ///
    /// As [`Store::take`].
    #[doc(alias = "BLMPOP")]
    pub fn take_many_blocking<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        end: End,
        most: usize,
        wait: impl Into<Option<Duration>>,
    ) -> Result<Option<Batch<T>>, Error> {
        let names = names(&self.core, keys);
        let most = most.max(1);
        let wish = Wish::Pop { end, most };
        let goods = self.core.take_blocking(names.clone(), wish, wait.into())?;
        let Some((key, copies)) = goods.map(|goods| named(names, goods)) else {
            return Ok(None);
        };
        Ok(Some((key, copies.convert()?)))
    }

    /// Moves an element from an end of one list to an end of another, or of the same, as soon as there is one, and
    /// returns it; otherwise as [`Store::take`].
    ///
    /// It is nowhere else meanwhile: a worker that dies after the move has left it in the other list.
    ///
    /// ```
    /// use larder::{End, Store};
    ///
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     match std::pin::pin!(future).poll(&mut context) {
    /// #         std::task::Poll::Ready(output) => output,
    /// #         std::task::Poll::Pending => unreachable!("there is an element"),
    /// #     }
    /// # }
    /// # block_on(async {
    /// let store = Store::new();
    /// store.list::<String>("todo").push_back("task")?;
    /// let task: String = store.take_to("todo", End::Front, "doing", End::Back).await?;
    /// assert_eq!(store.list::<String>("doing").range(..)?, [task]);
    /// # Ok::<(), larder::Error>(())
    /// # })?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::take`].
    ///
    /// # Errors
    ///
    /// As [`Store::take`]. If the other key holds another type when there is an element, or has no room for it
    /// ([`Error::TooLarge`]), the element stays where it is.
    #[doc(alias("BLMOVE", "BRPOPLPUSH"))]
    pub async fn take_to<T: FromValue>(
        &self,
        from: impl AsRef<[u8]>,
        from_end: End,
        to: impl AsRef<[u8]>,
        to_end: End,
    ) -> Result<T, Error> {
        let wish = self.moving(from_end, to.as_ref(), to_end, MoveOptions::one());
        let goods = self.core.take(names(&self.core, [from]), wish);
        single(&goods.await?.copies)
    }

    /// [`Store::take_to`] for a thread, which is parked; `None` if nothing came within `wait`.
    ///
    /// ```
    /// use larder::{End, Store};
    /// use std::time::Duration;
    ///
    /// let store = Store::new();
    /// let soon = Duration::from_millis(1);
    /// let none = store.take_to_blocking::<String>("todo", End::Front, "doing", End::Back, soon)?;
    /// assert_eq!(none, None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::take_to`].
    ///
    /// # Errors
    ///
    /// As [`Store::take_to`].
    #[doc(alias("BLMOVE", "BRPOPLPUSH"))]
    pub fn take_to_blocking<T: FromValue>(
        &self,
        from: impl AsRef<[u8]>,
        from_end: End,
        to: impl AsRef<[u8]>,
        to_end: End,
        wait: impl Into<Option<Duration>>,
    ) -> Result<Option<T>, Error> {
        let wish = self.moving(from_end, to.as_ref(), to_end, MoveOptions::one());
        let names = names(&self.core, [from]);
        let goods = self.core.take_blocking(names, wish, wait.into())?;
        goods.map(|goods| single(&goods.copies)).transpose()
    }
}
