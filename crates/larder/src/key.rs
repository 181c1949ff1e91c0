//! `KeyType`: what kind of value a key holds.

/// The type of a value.
///
/// ```
/// use larder::{KeyType, Store};
///
/// let store = Store::new();
/// store.set("key", 1)?;
/// assert_eq!(store.key_type("key"), Some(KeyType::String));
/// assert_eq!(store.key_type("none"), None);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// Bytes, text and numbers.
    String = 0,
    /// Elements in a row, open at both ends.
    List = 1,
    /// Fields with values.
    Hash = 2,
    /// Members, each once.
    Set = 3,
    /// Members, each once, in the order of their scores.
    SortedSet = 4,
}

impl KeyType {
    /// Redis' name of the type.
    ///
    /// ```
    /// assert_eq!(larder::KeyType::SortedSet.name(), "zset");
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            KeyType::String => "string",
            KeyType::List => "list",
            KeyType::Hash => "hash",
            KeyType::Set => "set",
            KeyType::SortedSet => "zset",
        }
    }

    /// The type of this number, which is at most 7.
    pub(crate) fn of_bits(bits: u8) -> Self {
        match bits {
            1 => KeyType::List,
            2 => KeyType::Hash,
            3 => KeyType::Set,
            4 => KeyType::SortedSet,
            _ => KeyType::String,
        }
    }
}
