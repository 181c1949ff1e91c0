//! Expiry: deadlines of keys, from and to durations and the wall clock.
//!
//! Inside, a deadline is in milliseconds of the store's clock. Durations are rounded up to whole milliseconds, so that
//! nothing expires early. What lies so far ahead that Redis' 64-bit Unix milliseconds could not say it is refused.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::core::Store;
use super::options::Lease;
use super::seat::Refusal;
use super::site::Site;
use crate::error::Error;
use crate::time::{Clock, Millis, Present, Ttl, checked_millis};

/// A moment of the wall clock in Unix milliseconds; one before 1970 is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(Option<u64>);

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        Moment(
            time.duration_since(UNIX_EPOCH)
                .map_or(Some(0), checked_millis),
        )
    }
}

impl Moment {
    /// The moment on the store's clock; one before its origin is 0.
    pub(crate) fn deadline(self, clock: &Clock) -> Result<Millis, Error> {
        let unix = self
            .0
            .filter(|unix| *unix <= i64::MAX as u64)
            .ok_or(Error::InvalidExpiry)?;
        Ok(unix.saturating_sub(clock.unix_origin()))
    }

    /// What a deadline at this moment comes to.
    pub(crate) fn lease(self, time: &Present<'_>) -> Result<Lease, Error> {
        let deadline = self.deadline(time.clock())?;
        Ok(if time.has_passed(deadline) {
            Lease::Over
        } else {
            Lease::Until(deadline)
        })
    }
}

/// The deadline of what lives this long from now.
pub(crate) fn deadline_in(ttl: Duration, time: &Present<'_>) -> Result<Millis, Error> {
    let room = (i64::MAX as u64)
        .saturating_sub(time.clock().unix_origin())
        .saturating_sub(time.up());
    let ttl = checked_millis(ttl)
        .filter(|ttl| *ttl <= room)
        .ok_or(Error::InvalidExpiry)?;
    Ok(time.after(ttl))
}

/// When [`Store::expire_if`] sets a deadline.
///
/// ```
/// use larder::{Condition, Store};
/// use std::time::Duration;
///
/// let store = Store::new();
/// store.set("key", 1)?;
/// assert!(store.expire_if("key", Duration::from_secs(60), Condition::HasNone)?);
/// assert!(!store.expire_if("key", Duration::from_secs(90), Condition::HasNone)?);
/// assert!(store.expire_if("key", Duration::from_secs(90), Condition::Later)?);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// If the key has no deadline.
    #[doc(alias = "NX")]
    HasNone,
    /// If the key has a deadline.
    #[doc(alias = "XX")]
    HasOne,
    /// If it is later than the key's; without one, a key lives for ever, and nothing is later.
    #[doc(alias = "GT")]
    Later,
    /// If it is earlier than the key's, or the key has none.
    #[doc(alias = "LT")]
    Earlier,
}

impl Condition {
    pub(crate) fn holds(self, present: Option<Millis>, deadline: Millis) -> bool {
        match self {
            Condition::HasNone => present.is_none(),
            Condition::HasOne => present.is_some(),
            Condition::Later => present.is_some_and(|present| deadline > present),
            Condition::Earlier => present.is_none_or(|present| deadline < present),
        }
    }
}

impl Site<'_> {
    pub(crate) fn expire(
        self,
        key: &[u8],
        ttl: Duration,
        condition: Option<Condition>,
    ) -> Result<bool, Error> {
        let time = self.present();
        let deadline = deadline_in(ttl, &time)?;
        self.redate(key, deadline, condition, &time)
    }

    pub(crate) fn expire_at(
        self,
        key: &[u8],
        moment: SystemTime,
        condition: Option<Condition>,
    ) -> Result<bool, Error> {
        let time = self.present();
        let deadline = Moment::from(moment).deadline(time.clock())?;
        self.redate(key, deadline, condition, &time)
    }

    pub(crate) fn persist(self, key: &[u8]) -> bool {
        let persisted = self.write(self.key(key), |seat| Ok(seat.persist()?));
        persisted.unwrap_or(false)
    }

    pub(crate) fn expire_time(self, key: &[u8]) -> Option<SystemTime> {
        let deadline = self.deadline(key)??;
        let unix = deadline.saturating_add(self.core().clock.unix_origin());
        UNIX_EPOCH.checked_add(Duration::from_millis(unix))
    }

    pub(crate) fn ttl(self, key: &[u8]) -> Ttl {
        let time = self.exact_present();
        match self.deadline_by(&time, key) {
            None => Ttl::Absent,
            Some(None) => Ttl::Forever,
            Some(Some(deadline)) => {
                Ttl::Left(Duration::from_millis(deadline.saturating_sub(time.up())))
            }
        }
    }

    /// Sets the deadline, or removes the key where it has passed, if the condition holds for the present one.
    fn redate(
        self,
        key: &[u8],
        deadline: Millis,
        condition: Option<Condition>,
        time: &Present<'_>,
    ) -> Result<bool, Error> {
        let over = time.has_passed(deadline);
        self.write_by(time, self.key(key), |seat| {
            if !seat.exists()
                || !condition.is_none_or(|condition| condition.holds(seat.deadline(), deadline))
            {
                return Ok(false);
            }
            if over {
                return Ok(seat.delete());
            }
            seat.expire(deadline).map_err(Refusal::from)?;
            Ok(true)
        })
    }
}

impl Store {
    /// Lets a key live this long from now; `false` if there is no such key.
    ///
    /// A duration of zero removes the key at once, which counts as success.
    ///
    /// ```
    /// use larder::Store;
    /// use std::time::Duration;
    ///
    /// let store = Store::new();
    /// store.set("session", "alice")?;
    /// assert!(store.expire("session", Duration::from_secs(60))?);
    /// assert!(store.ttl("session").left() <= Some(Duration::from_secs(60)));
    /// assert!(store.expire("session", Duration::ZERO)?);
    /// assert!(!store.exists("session"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), one stripe's lock; the value is not copied unless the deadline lies more than 49 days ahead.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidExpiry`] if the duration is beyond what 64-bit Unix milliseconds can say.
    #[doc(alias("EXPIRE", "PEXPIRE"))]
    pub fn expire(&self, key: impl AsRef<[u8]>, ttl: Duration) -> Result<bool, Error> {
        self.site().expire(key.as_ref(), ttl, None)
    }

    /// Lets a key live this long from now if the condition holds for the deadline that it has.
    ///
    /// ```
    /// use larder::{Condition, Store};
    /// use std::time::Duration;
    ///
    /// let store = Store::new();
    /// store.set("key", 1)?;
    /// assert!(!store.expire_if("key", Duration::from_secs(9), Condition::HasOne)?);
    /// assert!(store.expire_if("key", Duration::from_secs(9), Condition::Earlier)?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::expire`].
    ///
    /// # Errors
    ///
    /// As [`Store::expire`].
    #[doc(alias("EXPIRE", "PEXPIRE"))]
    pub fn expire_if(
        &self,
        key: impl AsRef<[u8]>,
        ttl: Duration,
        condition: Condition,
    ) -> Result<bool, Error> {
        self.site().expire(key.as_ref(), ttl, Some(condition))
    }

    /// Lets a key live until a moment; `false` if there is no such key.
    ///
    /// A moment that has passed removes the key at once, which counts as success.
    ///
    /// ```
    /// use larder::Store;
    /// use std::time::{Duration, SystemTime};
    ///
    /// let store = Store::new();
    /// store.set("key", 1)?;
    /// assert!(store.expire_at("key", SystemTime::now() + Duration::from_secs(60))?);
    /// assert!(store.expire_at("key", SystemTime::UNIX_EPOCH)?);
    /// assert!(!store.exists("key"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::expire`].
    ///
    /// # Errors
    ///
    /// As [`Store::expire`].
    #[doc(alias("EXPIREAT", "PEXPIREAT"))]
    pub fn expire_at(&self, key: impl AsRef<[u8]>, moment: SystemTime) -> Result<bool, Error> {
        self.site().expire_at(key.as_ref(), moment, None)
    }

    /// Lets a key live until a moment if the condition holds for the deadline that it has.
    ///
    /// ```
    /// use larder::{Condition, Store};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let store = Store::new();
    /// store.set("key", 1)?;
    /// let moment = SystemTime::now() + Duration::from_secs(60);
    /// assert!(!store.expire_at_if("key", moment, Condition::Later)?);
    /// assert!(store.expire_at_if("key", moment, Condition::Earlier)?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::expire`].
    ///
    /// # Errors
    ///
    /// As [`Store::expire`].
    #[doc(alias("EXPIREAT", "PEXPIREAT"))]
    pub fn expire_at_if(
        &self,
        key: impl AsRef<[u8]>,
        moment: SystemTime,
        condition: Condition,
    ) -> Result<bool, Error> {
        self.site().expire_at(key.as_ref(), moment, Some(condition))
    }

    /// Takes the deadline off a key; `false` if there is no such key, or it had none.
    ///
    /// ```
    /// use larder::{Store, Ttl};
    /// use std::time::Duration;
    ///
    /// let store = Store::new();
    /// store.set("key", 1)?;
    /// store.expire("key", Duration::from_secs(60))?;
    /// assert!(store.persist("key"));
    /// assert_eq!(store.ttl("key"), Ttl::Forever);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::expire`].
    #[doc(alias = "PERSIST")]
    pub fn persist(&self, key: impl AsRef<[u8]>) -> bool {
        self.site().persist(key.as_ref())
    }

    /// The moment at which a key expires; `None` if there is no such key, or it has no deadline.
    ///
    /// ```
    /// use larder::Store;
    /// use std::time::{Duration, UNIX_EPOCH};
    ///
    /// let store = Store::new();
    /// store.set("key", 1)?;
    /// let moment = UNIX_EPOCH + Duration::from_secs(33_177_117_420);
    /// store.expire_at("key", moment)?;
    /// assert_eq!(store.expire_time("key"), Some(moment));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), no lock.
    #[doc(alias("EXPIRETIME", "PEXPIRETIME"))]
    #[must_use]
    pub fn expire_time(&self, key: impl AsRef<[u8]>) -> Option<SystemTime> {
        self.site().expire_time(key.as_ref())
    }

    /// How long a key will live.
    ///
    /// ```
    /// use larder::{ManualClock, SetOptions, Store, Ttl};
    /// use std::time::Duration;
    ///
    /// let time = ManualClock::new();
    /// let store = Store::builder().clock(time.clock()).build().expect("valid");
    /// store.set_with("key", 1, SetOptions::new().ttl(Duration::from_secs(10)))?;
    /// time.advance(Duration::from_millis(2_500));
    /// assert_eq!(store.ttl("key"), Ttl::Left(Duration::from_millis(7_500)));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), no lock.
    #[doc(alias("TTL", "PTTL"))]
    #[must_use]
    pub fn ttl(&self, key: impl AsRef<[u8]>) -> Ttl {
        self.site().ttl(key.as_ref())
    }
}
