//! Counters: strings that are added to.

use super::core::Store;
use super::seat::{Refusal, Seat};
use super::site::Site;
use super::stored::{Stored, Value};
use crate::bytes::{Raw, ToValue};
use crate::decimal::add_decimal;
use crate::error::Error;
use crate::event::EventKind;
use crate::number::{NumberError, parse_i64};

impl From<NumberError> for Error {
    fn from(error: NumberError) -> Self {
        match error {
            NumberError::NotAnInteger => Error::NotAnInteger,
            NumberError::NotAFloat => Error::NotAFloat,
            NumberError::Overflow => Error::Overflow,
            NumberError::NotFinite => Error::NotFinite,
        }
    }
}

impl Seat<'_, '_> {
    /// Adds to the integer that is there, or to zero.
    #[inline]
    fn add(&mut self, by: i64) -> Result<i64, Refusal> {
        if let Some(now) = self.int() {
            let sum = now.checked_add(by).ok_or(Error::Overflow)?;
            self.set_int(sum);
            self.tell(EventKind::IncrBy);
            return Ok(sum);
        }
        let now = match self.with_string(|stored| stored.integer())? {
            None => 0,
            Some(int) => int.ok_or(Error::NotAnInteger)?,
        };
        let sum = now.checked_add(by).ok_or(Error::Overflow)?;
        let deadline = self.deadline();
        self.put(&Stored::Int(sum), deadline)?;
        self.tell(EventKind::IncrBy);
        Ok(sum)
    }
}

impl Site<'_> {
    #[inline]
    pub(crate) fn incr(self, key: &[u8], by: i64) -> Result<i64, Error> {
        self.write(self.key(key), |seat| seat.add(by))
    }

    pub(crate) fn incr_by_float(self, key: &[u8], by: &Raw<'_>) -> Result<String, Error> {
        let mut scratch = [0; 20];
        let by = by.bytes(&mut scratch);
        self.write(self.key(key), |seat| {
            let sum = seat.with_string(|stored| stored.with_text(|text| add_decimal(text, by)))?;
            let sum = match sum {
                None => add_decimal(b"0", by),
                Some(sum) => sum,
            };
            let sum = sum.map_err(Error::from)?;
            let value = parse_i64(sum.as_bytes())
                .map_or_else(|| Value::Bytes(sum.clone().into()), Value::Int);
            let deadline = seat.deadline();
            seat.put(&value.as_stored(), deadline)?;
            seat.tell(EventKind::IncrByFloat);
            Ok(sum)
        })
    }
}

impl Store {
    /// Adds to an integer and returns the sum; a missing key counts from 0, and a deadline stays.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert_eq!(store.incr("visits", 1)?, 1);
    /// assert_eq!(store.incr("visits", 10)?, 11);
    /// store.set("name", "Ada")?;
    /// assert_eq!(store.incr("name", 1), Err(larder::Error::NotAnInteger));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), one stripe's lock; an integer is changed in place.
    ///
    /// # Errors
    ///
    /// [`Error::NotAnInteger`] if the value is not the canonical text of a 64-bit integer, [`Error::Overflow`] if the
    /// sum is not one, [`Error::TooLarge`] if a new counter does not fit the store's bound.
    #[doc(alias("INCR", "INCRBY"))]
    #[inline]
    pub fn incr(&self, key: impl AsRef<[u8]>, by: i64) -> Result<i64, Error> {
        self.site().incr(key.as_ref(), by)
    }

    /// Subtracts from an integer and returns the difference; a missing key counts from 0, and a deadline stays.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("stock", 5)?;
    /// assert_eq!(store.decr("stock", 2)?, 3);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::incr`].
    ///
    /// # Errors
    ///
    /// As [`Store::incr`], and [`Error::DecrementOverflow`] for `i64::MIN`, which has no positive counterpart.
    #[doc(alias("DECR", "DECRBY"))]
    #[inline]
    pub fn decr(&self, key: impl AsRef<[u8]>, by: i64) -> Result<i64, Error> {
        self.incr(key, by.checked_neg().ok_or(Error::DecrementOverflow)?)
    }

    /// Adds to a decimal number and returns the sum as it is stored: exact, with at most 17 digits behind the point.
    ///
    /// The increment is a number or its text, so that no digit need be lost on the way.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("sum", "0.1")?;
    /// assert_eq!(store.incr_by_float("sum", 0.2)?, "0.3");
    /// assert_eq!(store.incr_by_float("sum", "1e3")?, "1000.3");
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(digits), one stripe's lock.
    ///
    /// # Errors
    ///
    /// [`Error::NotAFloat`] if the value or the increment is not a decimal number, [`Error::NotFinite`] if the sum is
    /// not, [`Error::TooLarge`] if it does not fit the store's bound.
    #[doc(alias = "INCRBYFLOAT")]
    pub fn incr_by_float(&self, key: impl AsRef<[u8]>, by: impl ToValue) -> Result<String, Error> {
        self.site().incr_by_float(key.as_ref(), &by.to_value())
    }
}
