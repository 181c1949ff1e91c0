//! What is read of a hash.

use super::commands::{push_field, push_row};
use super::{Hash, with_fields};
use crate::bytes::FromValue;
use crate::error::Error;
use crate::store::draw::Draw;
use crate::store::list::{Copies, convert};
use crate::store::site::Scope;
use crate::store::{scan::Cursor, scan_options::ScanOptions};

/// A page of fields and values, and where to go on.
type Page<F, T> = (Vec<(F, T)>, Option<Cursor>);

/// Values as the type asked for.
pub(super) fn convert_all<T: FromValue>(
    values: &[Option<Vec<u8>>],
) -> Result<Vec<Option<T>>, Error> {
    let convert = |value: &Option<Vec<u8>>| Ok(value.as_deref().map(T::from_value).transpose()?);
    values.iter().map(convert).collect()
}

/// Fields and values, which come in turn.
fn rows<F: FromValue, T: FromValue>(copies: &Copies) -> Result<Vec<(F, T)>, Error> {
    let (mut parts, mut rows) = (copies.iter(), Vec::with_capacity(copies.len() / 2));
    while let (Some(field), Some(value)) = (parts.next(), parts.next()) {
        rows.push((convert(field)?, convert(value)?));
    }
    Ok(rows)
}

impl<T, S: Scope> Hash<'_, T, S> {
    /// The number of fields; zero if there is no hash.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// assert_eq!(hash.len()?, 0);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), or O(fields) while some are due and not reaped yet; no lock while the hash is packed, then its stripe's, shared.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias("HLEN"))]
    pub fn len(&self) -> Result<usize, Error> {
        self.site()
            .hash_look(self.key(), |hash, now| hash.len_at(now))
    }

    /// Whether there is no hash.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// assert!(hash.is_empty()?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Hash::len`].
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`].
    #[doc(alias("HLEN"))]
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.len()? == 0)
    }

    /// Whether a field is there.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// hash.set("a", 1)?;
    /// assert!(hash.contains("a")? && !hash.contains("b")?);
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
    #[doc(alias("HEXISTS"))]
    pub fn contains(&self, field: impl AsRef<[u8]>) -> Result<bool, Error> {
        let found = self.site().hash_field(self.key(), field.as_ref(), |_| ())?;
        Ok(found.is_some())
    }

    /// The number of bytes of a field's value; zero if it is not there.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// hash.set("a", 123)?;
    /// assert_eq!(hash.len_of("a")?, 3);
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
    #[doc(alias("HSTRLEN"))]
    pub fn len_of(&self, field: impl AsRef<[u8]>) -> Result<usize, Error> {
        let len = self
            .site()
            .hash_field(self.key(), field.as_ref(), <[u8]>::len)?;
        Ok(len.unwrap_or(0))
    }

    /// All fields, in no particular order.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// hash.set("a", 1)?;
    /// assert_eq!(hash.fields::<String>()?, ["a"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(fields).
    ///
    /// # Errors
    ///
    /// [`Error::Convert`] if a field is not an `F`.
    #[doc(alias("HKEYS"))]
    pub fn fields<F: FromValue>(&self) -> Result<Vec<F>, Error> {
        let copies = self.site().hash_rows(self.key())?;
        let fields = copies.iter().step_by(2);
        Ok(fields.map(convert).collect::<Result<_, _>>()?)
    }

    /// As [`Hash::scan_page`], without the values.
    ///
    /// ```
    /// use larder::{Cursor, ScanOptions, Store};
    ///
    /// let store = Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// hash.set_many([("a1", 1), ("b1", 2)])?;
    /// let options = ScanOptions::new().matching("a*");
    /// let (page, next) = hash.scan_fields_page::<String>(Cursor::START, &options)?;
    /// assert_eq!((page, next), (vec!["a1".to_owned()], None));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Hash::scan_page`].
    ///
    /// # Errors
    ///
    /// [`Error::Syntax`] if the count is 0, and as [`Hash::fields`].
    #[doc(alias("HSCAN", "NOVALUES"))]
    pub fn scan_fields_page<F: FromValue>(
        &self,
        cursor: Cursor,
        options: &ScanOptions,
    ) -> Result<(Vec<F>, Option<Cursor>), Error> {
        let (copies, next) = self
            .site()
            .hash_page(self.key(), cursor, options, push_field)?;
        Ok((copies.convert()?, next))
    }
}

impl<T: FromValue, S: Scope> Hash<'_, T, S> {
    /// The value of a field; `None` if it is not there.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// hash.set("a", 1)?;
    /// assert_eq!((hash.get("a")?, hash.get("b")?), (Some(1), None));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1); no lock while the hash is packed, then its stripe's, shared.
    ///
    /// # Errors
    ///
    /// [`Error::Convert`] if a value is not a `T`.
    #[doc(alias("HGET"))]
    pub fn get(&self, field: impl AsRef<[u8]>) -> Result<Option<T>, Error> {
        let value = self.site().hash_value(self.key(), field.as_ref())?;
        let value = value.map(|value| T::from_value(value.bytes()));
        Ok(value.transpose()?)
    }

    /// The values of fields, all of one moment.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// hash.set("a", 1)?;
    /// assert_eq!(hash.get_many(["a", "b"])?, [Some(1), None]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Hash::get`], for each.
    ///
    /// # Errors
    ///
    /// [`Error::Convert`] if a value is not a `T`.
    #[doc(alias("HMGET"))]
    pub fn get_many(
        &self,
        fields: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Vec<Option<T>>, Error> {
        let values = with_fields(fields, |fields| self.site().hash_get(self.key(), fields))?;
        convert_all(&values)
    }

    /// All fields with their values, in no particular order.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// hash.set("a", 1)?;
    /// assert_eq!(hash.entries::<String>()?, [("a".to_owned(), 1)]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(fields); no lock while the hash is packed, then its stripe's, shared.
    ///
    /// # Errors
    ///
    /// [`Error::Convert`] if a field is not an `F` or a value not a `T`.
    #[doc(alias("HGETALL"))]
    pub fn entries<F: FromValue>(&self) -> Result<Vec<(F, T)>, Error> {
        rows(&self.site().hash_rows(self.key())?)
    }

    /// All values, in no particular order.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// hash.set("a", 1)?;
    /// assert_eq!(hash.values()?, [1]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Hash::entries`].
    ///
    /// # Errors
    ///
    /// [`Error::Convert`] if a value is not a `T`.
    #[doc(alias("HVALS"))]
    pub fn values(&self) -> Result<Vec<T>, Error> {
        let copies = self.site().hash_rows(self.key())?;
        let values = copies.iter().skip(1).step_by(2);
        Ok(values.map(convert).collect::<Result<_, _>>()?)
    }

    /// Fields at random, with their values.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// hash.set_many([("a", 1), ("b", 2)])?;
    /// assert_eq!(hash.random_many::<String>(larder::Draw::Distinct(9))?.len(), 2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(drawn), or O(fields) where more than a third of them is drawn.
    ///
    /// # Errors
    ///
    /// As [`Hash::entries`].
    #[doc(alias("HRANDFIELD"))]
    pub fn random_many<F: FromValue>(&self, draw: Draw) -> Result<Vec<(F, T)>, Error> {
        rows(&self.site().hash_draw(self.key(), draw)?)
    }

    /// Some fields that match, with their values, and where to go on; `None` at the end.
    ///
    /// A field that is there from beginning to end is shown at least once, whatever is added and removed meanwhile.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let hash = store.hash::<i64>("hash");
    /// use larder::{Cursor, ScanOptions};
    /// hash.set_many([("a1", 1), ("b1", 2)])?;
    /// let options = ScanOptions::new().matching("a*");
    /// let (page, next) = hash.scan_page::<String>(Cursor::START, &options)?;
    /// assert_eq!((page, next), (vec![("a1".to_owned(), 1)], None));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(count), or all of a small hash at once.
    ///
    /// # Errors
    ///
    /// [`Error::Syntax`] if the count is 0, and as [`Hash::entries`].
    #[doc(alias("HSCAN"))]
    pub fn scan_page<F: FromValue>(
        &self,
        cursor: Cursor,
        options: &ScanOptions,
    ) -> Result<Page<F, T>, Error> {
        let (copies, next) = self
            .site()
            .hash_page(self.key(), cursor, options, push_row)?;
        Ok((rows(&copies)?, next))
    }
}
