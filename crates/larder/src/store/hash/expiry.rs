//! Deadlines of a hash's fields, in durations and by the wall clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::due::FieldExpiry;
use super::read::convert_all;
use super::{Hash, with_fields};
use crate::bytes::FromValue;
use crate::ds::packed::NEVER;
use crate::error::Error;
use crate::store::expiry::{Condition, Moment, deadline_in};
use crate::store::site::Scope;
use crate::store::strings::GetExpire;
use crate::time::Ttl;

impl<T, S: Scope> Hash<'_, T, S> {
    /// Lets fields live this long from now, where a condition holds for the deadline that they have.
    ///
    /// A duration of zero removes them at once.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// use std::time::Duration;
    /// use larder::{Condition, FieldExpiry};
    /// hash.set("a", 1)?;
    /// let minute = Duration::from_secs(60);
    /// assert_eq!(hash.expire(["a"], minute, None)?, [FieldExpiry::Set]);
    /// assert_eq!(hash.expire(["a"], minute, Condition::HasNone)?, [FieldExpiry::Refused]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1) for each, one stripe's lock; a packed hash is copied, and what changed is written.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidExpiry`] if the duration is beyond what 64-bit Unix milliseconds can say, [`Error::TooLarge`] if the
    /// deadlines would not fit the store's bound.
    #[doc(alias("HEXPIRE", "HPEXPIRE"))]
    pub fn expire(
        &self,
        fields: impl IntoIterator<Item = impl AsRef<[u8]>>,
        ttl: Duration,
        condition: impl Into<Option<Condition>>,
    ) -> Result<Vec<FieldExpiry>, Error> {
        let time = self.site().exact_present();
        let deadline = match ttl {
            Duration::ZERO => 0,
            ttl => deadline_in(ttl, &time)?,
        };
        with_fields(fields, |fields| {
            let deadline = (deadline, time.clone());
            self.site()
                .hash_expire(self.key(), fields, deadline, condition.into())
        })
    }

    /// Lets fields live until a moment; one that has passed removes them. Otherwise as [`Hash::expire`].
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// use std::time::SystemTime;
    /// use larder::FieldExpiry;
    /// hash.set("a", 1)?;
    /// let outcome = hash.expire_at(["a"], SystemTime::UNIX_EPOCH, None)?;
    /// assert_eq!(outcome, [FieldExpiry::Removed]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Hash::expire`].
    ///
    /// # Errors
    ///
    /// As [`Hash::expire`].
    #[doc(alias("HEXPIREAT", "HPEXPIREAT"))]
    pub fn expire_at(
        &self,
        fields: impl IntoIterator<Item = impl AsRef<[u8]>>,
        moment: SystemTime,
        condition: impl Into<Option<Condition>>,
    ) -> Result<Vec<FieldExpiry>, Error> {
        let time = self.site().exact_present();
        let deadline = Moment::from(moment).deadline(time.clock())?;
        with_fields(fields, |fields| {
            let deadline = (deadline, time.clone());
            self.site()
                .hash_expire(self.key(), fields, deadline, condition.into())
        })
    }

    /// Takes the deadlines off fields; tells which had one.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// use std::time::Duration;
    /// hash.set_many([("a", 1), ("b", 2)])?;
    /// hash.expire(["a"], Duration::from_secs(60), None)?;
    /// assert_eq!(hash.persist(["a", "b"])?, [true, false]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Hash::expire`].
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias("HPERSIST"))]
    pub fn persist(
        &self,
        fields: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Vec<bool>, Error> {
        let outcomes = with_fields(fields, |fields| {
            let never = (NEVER, self.site().exact_present());
            let timed = Some(Condition::HasOne);
            self.site().hash_expire(self.key(), fields, never, timed)
        })?;
        let persisted = outcomes.iter().map(|outcome| *outcome == FieldExpiry::Set);
        Ok(persisted.collect())
    }

    /// How long fields still live.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// use larder::Ttl;
    /// hash.set("a", 1)?;
    /// assert_eq!(hash.ttl(["a", "b"])?, [Ttl::Forever, Ttl::Absent]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1); no lock while the hash is packed, then its stripe's, shared.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias("HTTL", "HPTTL"))]
    pub fn ttl(
        &self,
        fields: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Vec<Ttl>, Error> {
        let time = self.site().exact_present();
        let dues = with_fields(fields, |fields| {
            self.site().hash_dues(self.key(), fields, time.clone())
        })?;
        let ttl = |due: &Option<u64>| match *due {
            None => Ttl::Absent,
            Some(NEVER) => Ttl::Forever,
            Some(due) => Ttl::Left(Duration::from_millis(due.saturating_sub(time.up()))),
        };
        Ok(dues.iter().map(ttl).collect())
    }

    /// The moments at which fields expire; `None` for one that is not there, or has no deadline.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// hash.set("a", 1)?;
    /// assert_eq!(hash.expire_times(["a"])?, [None]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1); no lock while the hash is packed, then its stripe's, shared.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias("HEXPIRETIME", "HPEXPIRETIME"))]
    pub fn expire_times(
        &self,
        fields: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Vec<Option<SystemTime>>, Error> {
        let time = self.site().exact_present();
        let dues = with_fields(fields, |fields| {
            self.site().hash_dues(self.key(), fields, time.clone())
        })?;
        let origin = self.site().core().clock.unix_origin();
        let moment = |due: &Option<u64>| {
            let due = due.filter(|due| *due != NEVER)?;
            UNIX_EPOCH.checked_add(Duration::from_millis(due.saturating_add(origin)))
        };
        Ok(dues.iter().map(moment).collect())
    }
}

impl<T: FromValue, S: Scope> Hash<'_, T, S> {
    /// The values of fields, whose deadlines become others.
    ///
    /// A time to live of zero, or a moment that has passed, removes the fields; their values are returned all the same.
    ///
    /// ```
    /// use larder::{GetExpire, Store, Ttl};
    /// use std::time::Duration;
    ///
    /// let store = Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// hash.set("a", 1)?;
    /// let sliding = GetExpire::In(Duration::from_secs(60));
    /// assert_eq!(hash.get_expire(["a", "b"], sliding)?, [Some(1), None]);
    /// assert!(matches!(hash.ttl(["a"])?[..], [Ttl::Left(_)]));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1) for each, one stripe's lock; a packed hash is copied, and what changed is written.
    ///
    /// # Errors
    ///
    /// As [`Hash::expire`]; and [`Error::Convert`] if a value is not a `T`: the deadlines are set all the same.
    #[doc(alias("HGETEX"))]
    pub fn get_expire(
        &self,
        fields: impl IntoIterator<Item = impl AsRef<[u8]>>,
        expire: GetExpire,
    ) -> Result<Vec<Option<T>>, Error> {
        let time = self.site().exact_present();
        let lease = expire.lease_for_fields(&time)?;
        let values = with_fields(fields, |fields| {
            let lease = (lease, time.clone());
            self.site().hash_get_expire(self.key(), fields, lease)
        })?;
        convert_all(&values)
    }
}
