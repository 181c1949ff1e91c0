//! Strings: reading, setting, and both at once.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use super::core::{Core, Store};
use super::expiry::{Moment, deadline_in};
use super::options::{Check, Lease, SetOptions, SetOutcome, Setting};
use super::read::Seen;
use super::seat::{Refusal, Seat};
use super::site::Site;
use super::stored::{Stored, Value};
use crate::bytes::{FromValue, Raw, ToValue};
use crate::error::Error;
use crate::event::EventKind;
use crate::shard::NoRoom;
use crate::stats::Count;
use crate::time::{Millis, Present};

/// A thread's buffer for copies of values is let go when it has become larger than this.
const KEPT_BUFFER: usize = 64 << 10;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends the thread's buffer; a second borrower inside `work` gets a new one.
#[inline]
pub(crate) fn with_buffer<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    let result = work(&mut buffer);
    if buffer.capacity() <= KEPT_BUFFER {
        // Where the thread is ending, the buffer simply goes.
        let _ = BUFFER.try_with(|kept| kept.set(buffer));
    }
    result
}

/// What a read copied: an integer, or bytes into the buffer.
enum Copied {
    Int(i64),
    Bytes,
}

/// What [`Store::get_expire`] does with the deadline.
///
/// ```
/// use larder::{GetExpire, Store, Ttl};
/// use std::time::Duration;
///
/// let store = Store::new();
/// store.set("key", 1)?;
/// store.get_expire::<i64>("key", GetExpire::In(Duration::from_secs(9)))?;
/// assert!(store.ttl("key").left().is_some());
/// store.get_expire::<i64>("key", GetExpire::Never)?;
/// assert_eq!(store.ttl("key"), Ttl::Forever);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GetExpire {
    /// Lets the key live this long from now.
    #[doc(alias("EX", "PX"))]
    In(Duration),
    /// Lets the key live until then; if that has passed, it is removed.
    #[doc(alias("EXAT", "PXAT"))]
    At(SystemTime),
    /// Takes the deadline off.
    #[doc(alias = "PERSIST")]
    Never,
    /// Leaves the deadline as it is.
    Unchanged,
}

impl GetExpire {
    fn lease(self, time: &Present<'_>) -> Result<Lease, Error> {
        Ok(match self {
            GetExpire::In(Duration::ZERO) => return Err(Error::InvalidExpiry),
            GetExpire::In(ttl) => Lease::Until(deadline_in(ttl, time)?),
            GetExpire::At(moment) => Moment::from(moment).lease(time)?,
            GetExpire::Never => Lease::Clear,
            GetExpire::Unchanged => Lease::Keep,
        })
    }

    /// As [`Self::lease`], for fields of a hash: a time to live of zero ends them.
    pub(crate) fn lease_for_fields(self, time: &Present<'_>) -> Result<Lease, Error> {
        match self {
            GetExpire::In(Duration::ZERO) => Ok(Lease::Over),
            other => other.lease(time),
        }
    }
}

impl Core {
    /// Copies the value of a key, if it has one.
    #[inline]
    fn copy(&self, key: &[u8], out: &mut Vec<u8>) -> Result<Option<Copied>, Error> {
        let found = self.read(key, |seen| match seen {
            Seen::Int(int) => Copied::Int(int),
            other => {
                other.copy_into(out);
                Copied::Bytes
            }
        })?;
        self.counters.count(if found.is_some() {
            Count::Hits
        } else {
            Count::Misses
        });
        Ok(found)
    }
}

/// Whether a condition holds for the value that is there.
#[inline]
pub(crate) fn holds(check: &Check<'_>, seat: &Seat<'_, '_>) -> Result<bool, Error> {
    match check {
        Check::None => Ok(true),
        Check::Absent => Ok(!seat.exists()),
        Check::Present => Ok(seat.exists()),
        Check::Equal(raw) => seat.is(raw),
    }
}

impl Seat<'_, '_> {
    /// Whether the value is this one.
    fn is(&self, raw: &Raw<'_>) -> Result<bool, Error> {
        let mut scratch = [0; 20];
        let wanted = raw.bytes(&mut scratch);
        let same = self.with_string(|stored| stored.with_text(|text| text == wanted))?;
        Ok(same.unwrap_or(false))
    }

    /// Whether the value is still the one that was copied, or still none.
    fn is_still(&self, copy: Option<&Value>) -> Result<bool, Error> {
        let same = self.with_string(|stored| {
            copy.is_some_and(|copy| {
                let copied = copy.as_stored();
                copied.with_text(|then| stored.with_text(|now| then == now))
            })
        })?;
        Ok(same.unwrap_or(copy.is_none()))
    }

    /// A copy of the value, a string.
    pub(crate) fn value(&self) -> Result<Option<Value>, Error> {
        self.with(|stored| stored.into_owned()).transpose()
    }

    /// Sets a value with its deadline, or removes the key where that has passed.
    #[inline]
    pub(crate) fn assign(&mut self, value: &Stored<'_>, lease: Lease) -> Result<(), Refusal> {
        match lease {
            // It is never there, but told as if it were for a moment.
            Lease::Over => {
                self.remove();
                for kind in [EventKind::Set, EventKind::Expire, EventKind::Expired] {
                    self.tell(kind);
                }
            }
            Lease::Clear => self.assign_until(value, None)?,
            Lease::Keep => self.assign_until(value, self.deadline())?,
            Lease::Until(deadline) => {
                self.assign_until(value, Some(deadline))?;
                self.tell(EventKind::Expire);
            }
        }
        Ok(())
    }

    /// Sets a value, for a command that sets strings.
    #[inline]
    pub(crate) fn assign_until(
        &mut self,
        value: &Stored<'_>,
        deadline: Option<Millis>,
    ) -> Result<(), NoRoom> {
        self.put(value, deadline)?;
        self.tell(EventKind::Set);
        Ok(())
    }
}

impl Site<'_> {
    #[inline]
    pub(crate) fn set(self, key: &[u8], value: &Raw<'_>) -> Result<(), Error> {
        let stored = Stored::new(value);
        self.write(self.key(key), |seat| Ok(seat.assign_until(&stored, None)?))
    }

    pub(crate) fn set_with(
        self,
        key: &[u8],
        value: &Raw<'_>,
        options: SetOptions<'_>,
    ) -> Result<SetOutcome, Error> {
        let time = self.present();
        let Setting {
            expiry,
            guard,
            return_old,
        } = options.resolve(&time)?;
        let stored = Stored::new(value);
        self.write_by(&time, self.key(key), |seat| {
            let set = holds(&guard, seat)?;
            let old = if return_old { seat.value()? } else { None };
            if set {
                seat.assign(&stored, expiry)?;
            }
            Ok(SetOutcome { set, old })
        })
    }

    /// Reads a value as a `T` and then changes its key, as one.
    ///
    /// What a value converts to is the caller's code, which runs on a copy while nothing is held, and where it refuses, nothing may have
    /// changed. So it comes before the change, which is made only if the value is still the one that was copied.
    fn take<T: FromValue>(
        self,
        key: &[u8],
        time: &Present<'_>,
        change: impl Fn(&mut Seat<'_, '_>) -> Result<(), Refusal>,
    ) -> Result<Option<T>, Error> {
        let key = self.key(key);
        loop {
            let read = self.peek_string(key, time)?;
            let taken = read.as_ref().map(Value::convert).transpose()?;
            let is_done = self.write_by(time, key, |seat| {
                let is_same = seat.is_still(read.as_ref())?;
                if is_same && read.is_some() {
                    change(seat)?;
                }
                Ok(is_same)
            })?;
            if is_done {
                self.count_look(read.is_some());
                return Ok(taken);
            }
        }
    }

    pub(crate) fn get_delete<T: FromValue>(self, key: &[u8]) -> Result<Option<T>, Error> {
        self.take(key, &self.exact_present(), |seat| {
            seat.delete();
            Ok(())
        })
    }

    pub(crate) fn get_expire<T: FromValue>(
        self,
        key: &[u8],
        expire: GetExpire,
    ) -> Result<Option<T>, Error> {
        let time = self.exact_present();
        let lease = expire.lease(&time)?;
        self.take(key, &time, |seat| {
            match lease {
                Lease::Keep => {}
                Lease::Over => drop(seat.delete()),
                Lease::Clear => drop(seat.persist()?),
                Lease::Until(deadline) => seat.expire(deadline)?,
            }
            seat.touch();
            Ok(())
        })
    }
}

impl Store {
    /// Reads a value.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("name", "Ada")?;
    /// store.set("born", 1815)?;
    /// assert_eq!(store.get::<String>("name")?.as_deref(), Some("Ada"));
    /// assert_eq!(store.get::<u16>("born")?, Some(1815));
    /// assert_eq!(store.get::<String>("died")?, None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(value); no lock, unless the value is larger than 3.8 KiB or the key longer than 254 bytes: then one stripe's
    /// read lock. Allocates what `T` does.
    ///
    /// # Errors
    ///
    /// [`Error::Convert`] if the value is not a `T`.
    #[doc(alias = "GET")]
    #[inline]
    pub fn get<T: FromValue>(&self, key: impl AsRef<[u8]>) -> Result<Option<T>, Error> {
        let key = key.as_ref();
        with_buffer(|buffer| {
            Ok(match self.core.copy(key, buffer)? {
                None => None,
                Some(Copied::Int(int)) => Some(T::from_int(int)?),
                Some(Copied::Bytes) => Some(T::from_value(buffer)?),
            })
        })
    }

    /// Reads a value into `out`, replacing what that held; `false`, and `out` unspecified, if there is none.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("key", "value")?;
    /// let mut buffer = Vec::new();
    /// assert!(store.get_into("key", &mut buffer)?);
    /// assert_eq!(buffer, b"value");
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::get`]; allocates only if `out` is too small.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if the value is not a string.
    #[doc(alias = "GET")]
    #[inline]
    pub fn get_into(&self, key: impl AsRef<[u8]>, out: &mut Vec<u8>) -> Result<bool, Error> {
        let found = self.core.read_into(key.as_ref(), out)?;
        self.core
            .counters
            .count(if found { Count::Hits } else { Count::Misses });
        Ok(found)
    }

    /// Runs `work` on a value's bytes; `None` if there is none.
    ///
    /// No lock is held meanwhile: the bytes are a copy, and `work` may use the store.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("key", "value")?;
    /// assert_eq!(store.get_with("key", <[u8]>::len)?, Some(5));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::get`]; the copy goes into a buffer that the thread keeps.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if the value is not a string.
    #[doc(alias = "GET")]
    #[inline]
    pub fn get_with<R>(
        &self,
        key: impl AsRef<[u8]>,
        work: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>, Error> {
        let key = key.as_ref();
        with_buffer(|buffer| Ok(self.get_into(key, buffer)?.then(|| work(buffer))))
    }

    /// Sets a value, whatever the key held; its deadline is cleared.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("key", "first")?;
    /// store.set(b"key", 2)?;
    /// assert_eq!(store.get::<i64>("key")?, Some(2));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(value), one stripe's lock. An old value of about the same size is overwritten in place.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if the entry is larger than the store's bound; then nothing has changed.
    #[doc(alias = "SET")]
    #[inline]
    pub fn set(&self, key: impl AsRef<[u8]>, value: impl ToValue) -> Result<(), Error> {
        self.site().set(key.as_ref(), &value.to_value())
    }

    /// Sets a value under conditions, with a deadline, or returning the old one.
    ///
    /// ```
    /// use larder::{SetOptions, Store};
    /// use std::time::Duration;
    ///
    /// let store = Store::new();
    /// let options = SetOptions::new().if_absent().ttl(Duration::from_secs(30));
    /// assert!(store.set_with("lock", "mine", options)?.is_set());
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::set`]; reads the clock if there is a deadline, copies the old value if it is asked for.
    ///
    /// # Errors
    ///
    /// [`Error::Syntax`] if two conditions or two deadlines were given, [`Error::InvalidExpiry`] for a duration of zero
    /// or one too long, [`Error::TooLarge`] as [`Store::set`]. Nothing has changed then.
    #[doc(alias("SET", "SETNX", "SETEX", "PSETEX", "GETSET"))]
    pub fn set_with(
        &self,
        key: impl AsRef<[u8]>,
        value: impl ToValue,
        options: SetOptions<'_>,
    ) -> Result<SetOutcome, Error> {
        self.site()
            .set_with(key.as_ref(), &value.to_value(), options)
    }

    /// Removes a key and returns the value that it had.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("token", "once")?;
    /// assert_eq!(store.get_delete::<String>("token")?.as_deref(), Some("once"));
    /// assert_eq!(store.get_delete::<String>("token")?, None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(value), one stripe's lock twice: the value is converted in between, while nothing is held.
    ///
    /// # Errors
    ///
    /// [`Error::Convert`] if the value is not a `T`; then the key stays.
    #[doc(alias = "GETDEL")]
    pub fn get_delete<T: FromValue>(&self, key: impl AsRef<[u8]>) -> Result<Option<T>, Error> {
        self.site().get_delete(key.as_ref())
    }

    /// Reads a value and moves its deadline.
    ///
    /// ```
    /// use larder::{GetExpire, Store};
    /// use std::time::Duration;
    ///
    /// let store = Store::new();
    /// store.set("session", "alice")?;
    /// let sliding = GetExpire::In(Duration::from_secs(1800));
    /// assert_eq!(store.get_expire::<String>("session", sliding)?.as_deref(), Some("alice"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`get_delete`](Self::get_delete).
    ///
    /// # Errors
    ///
    /// [`Error::InvalidExpiry`] for a duration of zero or one too long, also if the key does not exist;
    /// [`Error::Convert`] if the value is not a `T`; then the deadline stays.
    #[doc(alias = "GETEX")]
    pub fn get_expire<T: FromValue>(
        &self,
        key: impl AsRef<[u8]>,
        expire: GetExpire,
    ) -> Result<Option<T>, Error> {
        self.site().get_expire(key.as_ref(), expire)
    }
}
