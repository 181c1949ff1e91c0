//! `SetOptions`: how a value is set; `SetOutcome`: what came of it.

use std::time::{Duration, SystemTime};

use super::expiry::{Moment, deadline_in};
use super::stored::Value;
use crate::bytes::{FromValue, Raw, ToValue};
use crate::error::Error;
use crate::time::{Millis, Present};

/// What becomes of the deadline; more than one is a fault of the caller.
#[derive(Clone, Copy, Debug)]
enum Expiry {
    In(Duration),
    At(Moment),
    Keep,
}

/// When a value is set.
#[derive(Clone, Debug)]
enum Guard<'a> {
    Absent,
    Present,
    Equal(Raw<'a>),
}

/// How [`Store::set_with`](crate::Store::set_with) sets a value.
///
/// ```
/// use larder::{SetOptions, Store};
/// use std::time::Duration;
///
/// let store = Store::new();
/// let lease = SetOptions::new().if_absent().ttl(Duration::from_secs(30));
/// assert!(store.set_with("lock", "owner 1", lease.clone())?.is_set());
/// assert!(!store.set_with("lock", "owner 2", lease)?.is_set());
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SetOptions<'a> {
    expiry: Option<Expiry>,
    guard: Option<Guard<'a>>,
    return_old: bool,
    conflict: bool,
}

impl<'a> SetOptions<'a> {
    /// No condition, no deadline: as [`Store::set`](crate::Store::set).
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert!(store.set_with("key", 1, larder::SetOptions::new())?.is_set());
    /// # Ok::<(), larder::Error>(())
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    fn with_expiry(mut self, expiry: Expiry) -> Self {
        self.conflict |= self.expiry.replace(expiry).is_some();
        self
    }

    fn with_guard(mut self, guard: Guard<'a>) -> Self {
        self.conflict |= self.guard.replace(guard).is_some();
        self
    }

    /// Lets the value live this long.
    ///
    /// A duration of zero is refused; a part of a millisecond counts as a whole one.
    ///
    /// ```
    /// use larder::{Error, SetOptions, Store};
    /// use std::time::Duration;
    ///
    /// let store = Store::new();
    /// let options = SetOptions::new().ttl(Duration::ZERO);
    /// assert_eq!(store.set_with("key", 1, options), Err(Error::InvalidExpiry));
    /// ```
    #[doc(alias("EX", "PX", "SETEX", "PSETEX"))]
    pub fn ttl(self, ttl: Duration) -> Self {
        self.with_expiry(Expiry::In(ttl))
    }

    /// Lets the value live until a moment; if that has passed, the key is gone at once.
    ///
    /// ```
    /// use larder::{SetOptions, Store};
    /// use std::time::SystemTime;
    ///
    /// let store = Store::new();
    /// let options = SetOptions::new().expire_at(SystemTime::UNIX_EPOCH);
    /// assert!(store.set_with("key", 1, options)?.is_set());
    /// assert!(!store.exists("key"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias("EXAT", "PXAT"))]
    pub fn expire_at(self, moment: SystemTime) -> Self {
        self.with_expiry(Expiry::At(Moment::from(moment)))
    }

    /// Keeps the deadline that the key has; without this, setting clears it.
    ///
    /// ```
    /// use larder::{SetOptions, Store, Ttl};
    /// use std::time::Duration;
    ///
    /// let store = Store::new();
    /// store.set_with("key", 1, SetOptions::new().ttl(Duration::from_secs(60)))?;
    /// store.set_with("key", 2, SetOptions::new().keep_ttl())?;
    /// assert!(matches!(store.ttl("key"), Ttl::Left(_)));
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias = "KEEPTTL")]
    pub fn keep_ttl(self) -> Self {
        self.with_expiry(Expiry::Keep)
    }

    /// Sets only a key that does not exist.
    ///
    /// ```
    /// use larder::{SetOptions, Store};
    ///
    /// let store = Store::new();
    /// assert!(store.set_with("key", 1, SetOptions::new().if_absent())?.is_set());
    /// assert!(!store.set_with("key", 2, SetOptions::new().if_absent())?.is_set());
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias("NX", "SETNX"))]
    pub fn if_absent(self) -> Self {
        self.with_guard(Guard::Absent)
    }

    /// Sets only a key that exists.
    ///
    /// ```
    /// use larder::{SetOptions, Store};
    ///
    /// let store = Store::new();
    /// assert!(!store.set_with("key", 1, SetOptions::new().if_present())?.is_set());
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias = "XX")]
    pub fn if_present(self) -> Self {
        self.with_guard(Guard::Present)
    }

    /// Sets only a key that holds this value.
    ///
    /// ```
    /// use larder::{SetOptions, Store};
    ///
    /// let store = Store::new();
    /// store.set("state", "new")?;
    /// assert!(store.set_with("state", "open", SetOptions::new().if_equal("new"))?.is_set());
    /// assert!(!store.set_with("state", "shut", SetOptions::new().if_equal("new"))?.is_set());
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias = "IFEQ")]
    pub fn if_equal<T: ToValue + ?Sized>(self, value: &'a T) -> Self {
        self.with_guard(Guard::Equal(value.to_value()))
    }

    /// Returns the value that the key had, whether or not another is set.
    ///
    /// ```
    /// use larder::{SetOptions, Store};
    ///
    /// let store = Store::new();
    /// store.set("key", "old")?;
    /// let outcome = store.set_with("key", "new", SetOptions::new().return_old())?;
    /// assert_eq!(outcome.old::<String>()?.as_deref(), Some("old"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias = "GETSET")]
    pub fn return_old(mut self) -> Self {
        self.return_old = true;
        self
    }

    /// As [`Self::resolve`], for fields of a hash: they have no conditions on values, and a time to live of zero ends them.
    pub(crate) fn resolve_for_fields(mut self, time: &Present<'_>) -> Result<Setting<'a>, Error> {
        if self.return_old || matches!(self.guard, Some(Guard::Equal(_))) {
            return Err(Error::Syntax);
        }
        if let Some(Expiry::In(Duration::ZERO)) = self.expiry {
            self.expiry = Some(Expiry::At(Moment::from(SystemTime::UNIX_EPOCH)));
        }
        self.resolve(time)
    }

    /// Checks the options and reads the clock if they need it.
    pub(crate) fn resolve(self, time: &Present<'_>) -> Result<Setting<'a>, Error> {
        if self.conflict {
            return Err(Error::Syntax);
        }
        let expiry = match self.expiry {
            None => Lease::Clear,
            Some(Expiry::Keep) => Lease::Keep,
            Some(Expiry::In(Duration::ZERO)) => return Err(Error::InvalidExpiry),
            Some(Expiry::In(ttl)) => Lease::Until(deadline_in(ttl, time)?),
            Some(Expiry::At(moment)) => moment.lease(time)?,
        };
        Ok(Setting {
            expiry,
            guard: self.guard.map_or(Check::None, Check::from),
            return_old: self.return_old,
        })
    }
}

/// What becomes of a deadline, resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lease {
    Clear,
    Keep,
    Until(Millis),
    /// Its moment has passed.
    Over,
}

/// A condition, resolved.
pub(crate) enum Check<'a> {
    None,
    Absent,
    Present,
    Equal(Raw<'a>),
}

impl<'a> From<Guard<'a>> for Check<'a> {
    fn from(guard: Guard<'a>) -> Self {
        match guard {
            Guard::Absent => Check::Absent,
            Guard::Present => Check::Present,
            Guard::Equal(raw) => Check::Equal(raw),
        }
    }
}

/// Options, checked and resolved.
pub(crate) struct Setting<'a> {
    pub(crate) expiry: Lease,
    pub(crate) guard: Check<'a>,
    pub(crate) return_old: bool,
}

/// What came of [`Store::set_with`](crate::Store::set_with).
///
/// ```
/// use larder::{SetOptions, Store};
///
/// let store = Store::new();
/// store.set("key", 1)?;
/// let outcome = store.set_with("key", 2, SetOptions::new().if_absent().return_old())?;
/// assert!(!outcome.is_set());
/// assert_eq!(outcome.old::<i64>()?, Some(1));
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetOutcome {
    pub(crate) set: bool,
    pub(crate) old: Option<Value>,
}

impl SetOutcome {
    /// Whether the condition held, so that the value was set.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert!(store.set_with("key", 1, larder::SetOptions::new())?.is_set());
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.set
    }

    /// The value that the key had; `None` if it had none, or [`SetOptions::return_old`] was not asked for.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("key", "old")?;
    /// let outcome = store.set_with("key", "new", larder::SetOptions::new().return_old())?;
    /// assert_eq!(outcome.old::<String>()?.as_deref(), Some("old"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Convert`] if the value is not a `T`.
    pub fn old<T: FromValue>(&self) -> Result<Option<T>, Error> {
        Ok(self.old.as_ref().map(Value::convert).transpose()?)
    }
}
