//! Ranges: parts of strings read and written, and strings made longer.

use super::core::Store;
use super::read::Seen;
use super::site::Site;
use super::span::Span;
use super::stored::Stored;
use super::strings::with_buffer;
use crate::bytes::{Raw, ToValue};
use crate::error::Error;
use crate::event::EventKind;
use crate::number::i64_len;

/// Longest string, as a server has it.
const MAX_STRING: usize = 512 << 20;

impl Site<'_> {
    pub(crate) fn append(self, key: &[u8], value: &Raw<'_>) -> Result<usize, Error> {
        let mut scratch = [0; 20];
        let tail = value.bytes(&mut scratch);
        self.write(self.key(key), |seat| {
            let joined = seat.with_string(|old| old.with_text(|old| [old, tail].concat()))?;
            let joined = joined.unwrap_or_else(|| tail.to_vec());
            if joined.len() > MAX_STRING {
                return Err(Error::TooLarge.into());
            }
            if seat.exists() && tail.is_empty() {
                // To a server this is a change.
                seat.mark();
            } else {
                let deadline = seat.deadline();
                seat.put(&Stored::text(&joined), deadline)?;
            }
            seat.tell(EventKind::Append);
            Ok(joined.len())
        })
    }

    pub(crate) fn len_of(self, key: &[u8]) -> Result<usize, Error> {
        let Site::Shared(core) = self else {
            let value = self.string(self.key(key))?;
            return Ok(value.map_or(0, |value| value.as_stored().with_text(<[u8]>::len)));
        };
        let len = core.read(key, |seen| match seen {
            Seen::Record(_, head) => head.value_len(),
            Seen::Int(int) => i64_len(int),
            Seen::Bytes(bytes) => bytes.len(),
            Seen::Large(bytes) => bytes.len(),
            Seen::Elements(_) => 0,
        })?;
        Ok(len.unwrap_or(0))
    }

    pub(crate) fn set_range(
        self,
        key: &[u8],
        offset: usize,
        value: &Raw<'_>,
    ) -> Result<usize, Error> {
        let mut scratch = [0; 20];
        let part = value.bytes(&mut scratch);
        if part.is_empty() {
            return self.len_of(key);
        }
        let end = offset
            .checked_add(part.len())
            .filter(|end| *end <= MAX_STRING)
            .ok_or(Error::TooLarge)?;
        self.write(self.key(key), |seat| {
            let mut text = seat
                .with_string(|old| old.with_text(<[u8]>::to_vec))?
                .unwrap_or_default();
            if text.len() < end {
                text.resize(end, 0);
            }
            text[offset..end].copy_from_slice(part);
            let deadline = seat.deadline();
            seat.put(&Stored::text(&text), deadline)?;
            seat.tell(EventKind::SetRange);
            Ok(text.len())
        })
    }
}

impl Store {
    /// Appends to a string and returns its new length; a missing key counts as empty, and a deadline stays.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// assert_eq!(store.append("log", "one")?, 3);
    /// assert_eq!(store.append("log", ",two")?, 7);
    /// assert_eq!(store.get::<String>("log")?.as_deref(), Some("one,two"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(old and new value), one stripe's lock.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if the result is longer than 512 MiB or does not fit the store's bound.
    #[doc(alias = "APPEND")]
    pub fn append(&self, key: impl AsRef<[u8]>, value: impl ToValue) -> Result<usize, Error> {
        self.site().append(key.as_ref(), &value.to_value())
    }

    /// The length of a string in bytes; 0 if there is none.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("key", -12)?;
    /// assert_eq!(store.len_of("key")?, 3);
    /// assert_eq!(store.len_of("none")?, 0);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1); no lock up to 3.8 KiB.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if the value is not a string.
    #[doc(alias = "STRLEN")]
    pub fn len_of(&self, key: impl AsRef<[u8]>) -> Result<usize, Error> {
        self.site().len_of(key.as_ref())
    }

    /// A part of a string; empty where there is none.
    ///
    /// ```
    /// use larder::Span;
    ///
    /// let store = larder::Store::new();
    /// store.set("key", "This is a string")?;
    /// assert_eq!(store.get_range("key", 10..=100)?, b"string");
    /// assert_eq!(store.get_range("key", Span::new(-3, -1))?, b"ing");
    /// assert_eq!(store.get_range("none", ..)?, b"");
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(value); no lock up to 3.8 KiB.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] if the value is not a string.
    #[doc(alias("GETRANGE", "SUBSTR"))]
    pub fn get_range(
        &self,
        key: impl AsRef<[u8]>,
        span: impl Into<Span>,
    ) -> Result<Vec<u8>, Error> {
        let (key, span) = (key.as_ref(), span.into());
        with_buffer(|buffer| {
            let part = |buffer: &[u8]| buffer[span.of_string(buffer.len())].to_vec();
            Ok(if self.core.read_into(key, buffer)? {
                part(buffer)
            } else {
                Vec::new()
            })
        })
    }

    /// Overwrites a part of a string from an offset on, which is padded with zero bytes as far as needed; returns the
    /// new length.
    ///
    /// Nothing is created to hold an empty value. A deadline stays.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("key", "Hello World")?;
    /// assert_eq!(store.set_range("key", 6, "Redis")?, 11);
    /// assert_eq!(store.get::<String>("key")?.as_deref(), Some("Hello Redis"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(old and new value), one stripe's lock.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if the result is longer than 512 MiB or does not fit the store's bound.
    #[doc(alias = "SETRANGE")]
    pub fn set_range(
        &self,
        key: impl AsRef<[u8]>,
        offset: usize,
        value: impl ToValue,
    ) -> Result<usize, Error> {
        self.site()
            .set_range(key.as_ref(), offset, &value.to_value())
    }
}
