//! The pops of sorted sets that wait: each for tasks, and for threads.

use std::time::Duration;

use super::core::Store;
use super::list::{convert, names};
use super::wish::{Goods, Wish};
use crate::bytes::FromValue;
use crate::error::Error;
use crate::value::sorted_set::Direction;

/// A member with its score.
type Scored<T> = (T, f64);
/// A member with its score, and before them the key that had it.
type Found<T> = (Vec<u8>, Scored<T>);
/// Members with their scores, and before them the key that had them.
type Scoreds<T> = (Vec<u8>, Vec<Scored<T>>);

fn members<T: FromValue>(goods: &Goods) -> Result<Vec<Scored<T>>, Error> {
    let each = goods.copies.iter().zip(&goods.scores);
    each.map(|(member, score)| Ok((convert(member)?, *score)))
        .collect()
}

impl Store {
    async fn take_members<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        direction: Direction,
        most: usize,
    ) -> Result<Scoreds<T>, Error> {
        let mut names = names(&self.core, keys);
        let most = most.max(1);
        let wish = Wish::Members { direction, most };
        let goods = self.core.take(names.clone(), wish).await?;
        Ok((names.swap_remove(goods.nth).1, members(&goods)?))
    }

    fn take_members_blocking<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        (direction, most): (Direction, usize),
        wait: Option<Duration>,
    ) -> Result<Option<Scoreds<T>>, Error> {
        let mut names = names(&self.core, keys);
        let most = most.max(1);
        let wish = Wish::Members { direction, most };
        let Some(goods) = self.core.take_blocking(names.clone(), wish, wait)? else {
            return Ok(None);
        };
        Ok(Some((names.swap_remove(goods.nth).1, members(&goods)?)))
    }

    /// Takes the member with the lowest score out of the first of these sorted sets that exists, as soon as one does; says
    /// of which. Otherwise as [`Store::take`]: who waits for a key is served in turn, whatever it waits for.
    ///
    /// ```
    /// use std::task::{Context, Waker};
    ///
    /// let store = larder::Store::new();
    /// let mut waiting = std::pin::pin!(store.take_min::<String>(["due"]));
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(waiting.as_mut().poll(&mut context).is_pending(), "nothing is due");
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::take`].
    ///
    /// # Errors
    ///
    /// As [`Store::take`].
    #[doc(alias = "BZPOPMIN")]
    pub async fn take_min<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Found<T>, Error> {
        let (key, members) = self.take_members(keys, Direction::Up, 1).await?;
        let first = members.into_iter().next().ok_or(Error::NoSuchKey)?;
        Ok((key, first))
    }

    /// [`Store::take_min`] for a thread, which is parked; `None` if nothing came within `wait`.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let store = larder::Store::new();
    /// let soon = Duration::from_millis(1);
    /// assert_eq!(store.take_min_blocking::<String>(["due"], soon)?, None);
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
    #[doc(alias = "BZPOPMIN")]
    pub fn take_min_blocking<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        wait: impl Into<Option<Duration>>,
    ) -> Result<Option<Found<T>>, Error> {
        let taken = self.take_members_blocking(keys, (Direction::Up, 1), wait.into())?;
        let first = |(key, members): Scoreds<T>| Some((key, members.into_iter().next()?));
        Ok(taken.and_then(first))
    }

    /// Takes up to `most` members, at least one, with the lowest scores; otherwise as [`Store::take_min`].
    ///
    /// ```
    /// use std::task::{Context, Waker};
    ///
    /// let store = larder::Store::new();
    /// let mut waiting = std::pin::pin!(store.take_min_many::<String>(["due"], 5));
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(waiting.as_mut().poll(&mut context).is_pending(), "nothing is due");
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::take`], and O(taken).
    ///
    /// # Errors
    ///
    /// As [`Store::take`].
    #[doc(alias = "BZMPOP")]
    pub async fn take_min_many<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        most: usize,
    ) -> Result<Scoreds<T>, Error> {
        self.take_members(keys, Direction::Up, most).await
    }

    /// [`Store::take_min_many`] for a thread, which is parked; `None` if nothing came within `wait`.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let store = larder::Store::new();
    /// let soon = Duration::from_millis(1);
    /// assert_eq!(store.take_min_many_blocking::<String>(["due"], 5, soon)?, None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::take_min_many`].
    ///
    /// # Errors
    ///
    /// As [`Store::take`].
    #[doc(alias = "BZMPOP")]
    pub fn take_min_many_blocking<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        most: usize,
        wait: impl Into<Option<Duration>>,
    ) -> Result<Option<Scoreds<T>>, Error> {
        self.take_members_blocking(keys, (Direction::Up, most), wait.into())
    }

    /// Takes the member with the highest score out of the first of these sorted sets that exists, as soon as one does; says
    /// of which. Otherwise as [`Store::take`]: who waits for a key is served in turn, whatever it waits for.
    ///
    /// ```
    /// use std::task::{Context, Waker};
    ///
    /// let store = larder::Store::new();
    /// let mut waiting = std::pin::pin!(store.take_max::<String>(["due"]));
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(waiting.as_mut().poll(&mut context).is_pending(), "nothing is due");
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::take`].
    ///
    /// # Errors
    ///
    /// As [`Store::take`].
    #[doc(alias = "BZPOPMAX")]
    pub async fn take_max<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Found<T>, Error> {
        let (key, members) = self.take_members(keys, Direction::Down, 1).await?;
        let first = members.into_iter().next().ok_or(Error::NoSuchKey)?;
        Ok((key, first))
    }

    /// [`Store::take_max`] for a thread, which is parked; `None` if nothing came within `wait`.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let store = larder::Store::new();
    /// let soon = Duration::from_millis(1);
    /// assert_eq!(store.take_max_blocking::<String>(["due"], soon)?, None);
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
    #[doc(alias = "BZPOPMAX")]
    pub fn take_max_blocking<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        wait: impl Into<Option<Duration>>,
    ) -> Result<Option<Found<T>>, Error> {
        let taken = self.take_members_blocking(keys, (Direction::Down, 1), wait.into())?;
        let first = |(key, members): Scoreds<T>| Some((key, members.into_iter().next()?));
        Ok(taken.and_then(first))
    }

    /// Takes up to `most` members, at least one, with the highest scores; otherwise as [`Store::take_max`].
    ///
    /// ```
    /// use std::task::{Context, Waker};
    ///
    /// let store = larder::Store::new();
    /// let mut waiting = std::pin::pin!(store.take_max_many::<String>(["due"], 5));
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(waiting.as_mut().poll(&mut context).is_pending(), "nothing is due");
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::take`], and O(taken).
    ///
    /// # Errors
    ///
    /// As [`Store::take`].
    #[doc(alias = "BZMPOP")]
    pub async fn take_max_many<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        most: usize,
    ) -> Result<Scoreds<T>, Error> {
        self.take_members(keys, Direction::Down, most).await
    }

    /// [`Store::take_max_many`] for a thread, which is parked; `None` if nothing came within `wait`.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let store = larder::Store::new();
    /// let soon = Duration::from_millis(1);
    /// assert_eq!(store.take_max_many_blocking::<String>(["due"], 5, soon)?, None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::take_max_many`].
    ///
    /// # Errors
    ///
    /// As [`Store::take`].
    #[doc(alias = "BZMPOP")]
    pub fn take_max_many_blocking<T: FromValue>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        most: usize,
        wait: impl Into<Option<Duration>>,
    ) -> Result<Option<Scoreds<T>>, Error> {
        self.take_members_blocking(keys, (Direction::Down, most), wait.into())
    }
}
