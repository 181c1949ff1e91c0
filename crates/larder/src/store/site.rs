//! `Site`: where a command runs: in the store, or in a transaction that holds the stripes already.
//!
//! Every typed view has one, so that the same commands serve both. A view says by its type which of them it may be
//! ([`Scope`]): that of a store alone goes from thread to thread, that of a transaction stays with its locks.

use std::fmt;

use super::core::Core;
use super::group::{Group, Key, Views, hash_key};
use super::seat::{Refusal, Seat};
use super::stored::Value;
use crate::error::Error;
use crate::key::KeyType;
use crate::stats::Count;
use crate::time::{Millis, Present};
use crate::value::Variant;

mod sealed {
    /// What has a site.
    pub trait Sited: Copy {
        /// The site, as one that may be of either kind.
        fn sited(&self) -> super::InTx<'_>;
    }
}

/// Where the calls of a view run: [`InStore`] or [`InTx`].
pub trait Scope: sealed::Sited {}

impl<S: sealed::Sited> Scope for S {}

/// The site of a scope.
pub(crate) fn site_of<S: Scope>(scope: &S) -> Site<'_> {
    scope.sited().0
}

/// The scope of a view whose calls stand alone: it is [`Send`] and [`Sync`].
///
/// ```
/// use larder::{List, Store};
///
/// // What a task holds across an await may have to go to another thread with it.
/// fn goes_along(_: impl Send + Sync) {}
/// let store = Store::new();
/// let queue: List<'_, String> = store.list("queue");
/// goes_along(queue);
/// ```
#[derive(Clone, Copy)]
pub struct InStore<'a>(pub(super) &'a Core);

/// The scope of a view whose calls may be part of a transaction, which the thread that runs it keeps.
///
/// A view of a store can be turned into one, where code is to serve both.
///
/// ```
/// use larder::{Error, InTx, List, Store};
///
/// fn drain(list: &List<'_, i64, InTx<'_>>) -> Result<i64, Error> {
///     let mut sum = 0;
///     while let Some(number) = list.pop_front()? {
///         sum += number;
///     }
///     Ok(sum)
/// }
///
/// let store = Store::new();
/// store.list::<i64>("a").push_back_many([1, 2])?;
/// assert_eq!(store.atomic(["a"], |tx| drain(&tx.list("a")))?, 3);
/// assert_eq!(drain(&store.list("a").into())?, 0);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct InTx<'a>(pub(super) Site<'a>);

impl sealed::Sited for InStore<'_> {
    fn sited(&self) -> InTx<'_> {
        InTx(Site::Shared(self.0))
    }
}

impl sealed::Sited for InTx<'_> {
    fn sited(&self) -> InTx<'_> {
        *self
    }
}

impl<'a> From<InStore<'a>> for InTx<'a> {
    fn from(InStore(core): InStore<'a>) -> Self {
        InTx(Site::Shared(core))
    }
}

impl fmt::Debug for InStore<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InStore").finish_non_exhaustive()
    }
}

impl fmt::Debug for InTx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InTx").finish_non_exhaustive()
    }
}

/// A transaction under way, whose stripes are held.
pub(crate) trait Enter {
    fn core(&self) -> &Core;

    /// Runs `work` on the group of stripes.
    fn enter(&self, work: &mut dyn FnMut(&mut Group<'_>));

    /// An error if a key was not named when the transaction began.
    fn admit(&self, key: Key<'_>) -> Result<(), Error>;
}

/// See the module's text.
#[derive(Clone, Copy)]
pub(crate) enum Site<'a> {
    Shared(&'a Core),
    Open(&'a (dyn Enter + 'a)),
}

impl<'a> Site<'a> {
    pub(crate) fn core(self) -> &'a Core {
        match self {
            Site::Shared(core) => core,
            Site::Open(open) => open.core(),
        }
    }

    /// A key with its hash.
    #[inline]
    pub(crate) fn key<'k>(self, bytes: &'k [u8]) -> Key<'k> {
        match self {
            Site::Shared(core) => core.key(bytes),
            // Its tags were looked at when the transaction began, before its stripe was held.
            Site::Open(open) => Key {
                bytes,
                hash: open.core().hash_held(bytes),
            },
        }
    }

    /// A key that is used by a view, which has its hash.
    #[inline]
    pub(crate) fn known<'k>(self, bytes: &'k [u8], hash: u64) -> Key<'k> {
        let core = self.core();
        if let (Site::Shared(_), Some(tagging)) = (self, core.tagged.pending()) {
            core.settle(tagging, bytes);
        }
        core.note_use(hash);
        Key { bytes, hash }
    }

    /// The hash of a key that a view is made of: a view is no use.
    #[inline]
    pub(crate) fn hash(self, key: &[u8]) -> u64 {
        hash_key(&self.core().hasher, key)
    }

    /// The time as a call sees it that begins now.
    #[inline]
    pub(crate) fn present(self) -> Present<'a> {
        self.core().clock.present()
    }

    /// [`Self::present`], exact from the first.
    pub(crate) fn exact_present(self) -> Present<'a> {
        self.core().clock.exact_present()
    }

    /// The time by which elements with deadlines are judged: the call's own, or that of its transaction. The latter cannot be
    /// asked for once the call is under way.
    pub(crate) fn element_time(self, time: Present<'a>) -> Present<'a> {
        match self {
            Site::Shared(_) => time,
            Site::Open(open) => {
                let now = enter(open, |group| group.time.exact());
                open.core().clock.present_at(now)
            }
        }
    }

    /// Runs `work` on the seat of a key, under its stripe's lock; again, after others made room, where it finds none.
    /// It must make room before it changes anything.
    #[inline]
    pub(crate) fn write<R>(
        self,
        key: Key<'_>,
        work: impl FnMut(&mut Seat<'_, '_>) -> Result<R, Refusal>,
    ) -> Result<R, Error> {
        self.write_by(&self.present(), key, work)
    }

    /// [`Self::write`] in a call that needs the time for more than its key. A transaction has a time of its own.
    #[inline]
    pub(crate) fn write_by<R>(
        self,
        time: &Present<'_>,
        key: Key<'_>,
        mut work: impl FnMut(&mut Seat<'_, '_>) -> Result<R, Refusal>,
    ) -> Result<R, Error> {
        match self {
            Site::Shared(core) => core.write_at(key, time, work),
            Site::Open(open) => {
                open.admit(key)?;
                insist(open, |group| group.seat(key, &mut work))
            }
        }
    }

    /// Runs `work` on the seats of several keys, under the locks of all their stripes; as [`Self::write`].
    pub(crate) fn write_many<R>(
        self,
        keys: &[Key<'_>],
        work: impl FnMut(&mut Group<'_>) -> Result<R, Refusal>,
    ) -> Result<R, Error> {
        match self {
            Site::Shared(core) => core.write_many(keys, work),
            Site::Open(open) => {
                keys.iter().try_for_each(|key| open.admit(*key))?;
                insist(open, work)
            }
        }
    }

    /// Runs `work` on the value of a key, if it has one.
    pub(crate) fn look<C: Variant, R>(
        self,
        key: Key<'_>,
        work: impl FnOnce(&C) -> R,
    ) -> Result<Option<R>, Error> {
        self.look_by(&self.present(), key, work)
    }

    /// [`Self::look`] in a call that needs the time for more than its key.
    pub(crate) fn look_by<C: Variant, R>(
        self,
        time: &Present<'_>,
        key: Key<'_>,
        work: impl FnOnce(&C) -> R,
    ) -> Result<Option<R>, Error> {
        let found = match self {
            Site::Shared(core) => core.look(key, time, work),
            Site::Open(open) => {
                open.admit(key)?;
                enter(open, |group| {
                    let value = group.views().get::<C>(key)?;
                    Ok(value.map(|value| work(&value)))
                })
            }
        }?;
        self.count_look(found.is_some());
        Ok(found)
    }

    /// Runs `work` on the values of several keys, none of which changes meanwhile.
    pub(crate) fn look_many<R>(
        self,
        keys: &[Key<'_>],
        work: impl FnOnce(Views<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.look_many_by(&self.exact_present(), keys, work)
    }

    fn look_many_by<R>(
        self,
        time: &Present<'_>,
        keys: &[Key<'_>],
        work: impl FnOnce(Views<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        match self {
            Site::Shared(core) => core.read_many(keys, time, work),
            Site::Open(open) => {
                keys.iter().try_for_each(|key| open.admit(*key))?;
                enter(open, |group| work(group.views()))
            }
        }
    }

    /// A copy of a string.
    pub(crate) fn string(self, key: Key<'_>) -> Result<Option<Value>, Error> {
        let found = self.peek_string(key, &self.exact_present())?;
        self.count_look(found.is_some());
        Ok(found)
    }

    /// [`Self::string`], uncounted.
    pub(crate) fn peek_string(
        self,
        key: Key<'_>,
        time: &Present<'_>,
    ) -> Result<Option<Value>, Error> {
        self.look_many_by(time, &[key], |views| {
            views.with(key, |stored| stored.into_owned()).transpose()
        })
    }

    /// The deadline of a key, if it exists.
    pub(crate) fn deadline(self, key: &[u8]) -> Option<Option<Millis>> {
        self.deadline_by(&self.present(), key)
    }

    /// [`Self::deadline`] in a call that needs the time for more than its key.
    pub(crate) fn deadline_by(self, time: &Present<'_>, key: &[u8]) -> Option<Option<Millis>> {
        match self {
            Site::Shared(core) => core.deadline(key, time),
            Site::Open(_) => {
                let key = self.key(key);
                self.look_many(&[key], |views| Ok(views.deadline(key)))
                    .ok()?
            }
        }
    }

    /// The type of a key's value, if it exists.
    pub(crate) fn key_type(self, key: &[u8]) -> Option<KeyType> {
        match self {
            Site::Shared(core) => core.key_type(key),
            Site::Open(_) => {
                let key = self.key(key);
                self.look_many(&[key], |views| Ok(views.key_type(key)))
                    .ok()?
            }
        }
    }

    /// Counts a look-up.
    pub(crate) fn count_look(self, found: bool) {
        self.core()
            .counters
            .count(if found { Count::Hits } else { Count::Misses });
    }
}

/// Runs `work` on the group of an open transaction.
fn enter<R>(open: &dyn Enter, work: impl FnOnce(&mut Group<'_>) -> R) -> R {
    let (mut work, mut result) = (Some(work), None);
    open.enter(&mut |group| result = work.take().map(|work| work(group)));
    result.expect("a transaction enters its group once")
}

/// Runs `work` on the group of an open transaction; again, with more room, where there was too little.
fn insist<R>(
    open: &dyn Enter,
    work: impl FnMut(&mut Group<'_>) -> Result<R, Refusal>,
) -> Result<R, Error> {
    enter(open, |group| group.insist(work))
}
