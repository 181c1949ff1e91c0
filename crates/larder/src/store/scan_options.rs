//! `ScanOptions`: what a scan shows, and how much it does for a page.

use crate::error::Error;
use crate::glob::Glob;
use crate::key::KeyType;

/// Entries looked at for a page, unless said otherwise; as a server does.
const COUNT: usize = 10;

/// What a scan shows, and how much it does for a page.
///
/// ```
/// use larder::{Cursor, ScanOptions, Store};
///
/// let store = Store::new();
/// store.set_many([("user:1", 1), ("user:2", 2), ("order:1", 3)])?;
/// let users = ScanOptions::new().matching("user:*").count(100);
/// let page = store.scan_page(Cursor::START, &users)?;
/// assert_eq!(page.keys.len(), 2);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ScanOptions {
    pub(super) glob: Option<Glob>,
    pub(super) count: usize,
    pub(super) key_type: Option<KeyType>,
}

impl Default for ScanOptions {
    fn default() -> Self {
        ScanOptions {
            glob: None,
            count: COUNT,
            key_type: None,
        }
    }
}

impl ScanOptions {
    /// All keys, some 10 a page.
    ///
    /// ```
    /// use larder::{Cursor, ScanOptions, Store};
    ///
    /// let page = Store::new().scan_page(Cursor::START, &ScanOptions::new())?;
    /// assert!(page.keys.is_empty());
    /// # Ok::<(), larder::Error>(())
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows only keys that match a pattern.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_many([("a1", 1), ("b1", 2)])?;
    /// let options = larder::ScanOptions::new().matching("a?");
    /// assert_eq!(store.scan_with(options).collect::<Vec<_>>(), [b"a1"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias = "MATCH")]
    pub fn matching(mut self, pattern: impl AsRef<[u8]>) -> Self {
        self.glob = Some(Glob::new(pattern));
        self
    }

    /// Sets how many entries are looked at for a page, about; a page may be empty and not be the last.
    ///
    /// ```
    /// use larder::{Cursor, Error, ScanOptions, Store};
    ///
    /// let refused = Store::new().scan_page(Cursor::START, &ScanOptions::new().count(0));
    /// assert_eq!(refused.unwrap_err(), Error::Syntax);
    /// ```
    #[doc(alias = "COUNT")]
    pub fn count(mut self, count: usize) -> Self {
        self.count = count;
        self
    }

    /// Shows only keys whose value is of this type.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("a", 1)?;
    /// let options = larder::ScanOptions::new().of_type(larder::KeyType::String);
    /// assert_eq!(store.scan_with(options).count(), 1);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[doc(alias = "TYPE")]
    pub fn of_type(mut self, key_type: KeyType) -> Self {
        self.key_type = Some(key_type);
        self
    }

    /// Whether an element suits.
    pub(crate) fn admits(&self, element: &[u8]) -> bool {
        self.glob.as_ref().is_none_or(|glob| glob.matches(element))
    }

    /// How many elements are looked at for a page.
    pub(crate) fn page(&self) -> Result<usize, Error> {
        match self.count {
            0 => Err(Error::Syntax),
            count => Ok(count),
        }
    }

    pub(super) fn suits(&self, key: &[u8], key_type: KeyType) -> bool {
        self.key_type.is_none_or(|wanted| wanted == key_type)
            && self.glob.as_ref().is_none_or(|glob| glob.matches(key))
    }
}
