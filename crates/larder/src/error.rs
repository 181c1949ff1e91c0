//! The errors of larder's planes: building, the store's commands, loading.

use std::fmt;

use crate::bytes::ConvertError;

/// Everything that is wrong with a builder's settings.
///
/// ```
/// use larder::Cache;
///
/// let error = Cache::<u32, u32>::builder().max_entries(0).build().unwrap_err();
/// assert_eq!(error.to_string(), "max_entries must be at least 1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    faults: Vec<&'static str>,
}

impl BuildError {
    /// An error if there are faults.
    pub(crate) fn check(faults: Vec<&'static str>) -> Result<(), Self> {
        if faults.is_empty() {
            Ok(())
        } else {
            Err(BuildError { faults })
        }
    }

    /// What is wrong, one line each.
    #[must_use]
    pub fn faults(&self) -> &[&'static str] {
        &self.faults
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.faults.join("; "))
    }
}

impl std::error::Error for BuildError {}

/// Why a command of a [`Store`](crate::Store) was refused. A refused command changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The key holds a value of another type.
    WrongType,
    /// The value, or the argument, is not a 64-bit signed integer in canonical form.
    NotAnInteger,
    /// The value, or the argument, is not a finite decimal number.
    NotAFloat,
    /// The value of the field is not a 64-bit signed integer in canonical form.
    FieldNotAnInteger,
    /// The value of the field is not a finite decimal number.
    FieldNotAFloat,
    /// The sum does not fit 64 bits.
    Overflow,
    /// The decrement has no positive counterpart.
    DecrementOverflow,
    /// The sum is not a finite number.
    NotFinite,
    /// A score that would be the sum of opposite infinities.
    ScoreNotANumber,
    /// A bound of a range of scores that is not a number.
    BoundNotANumber,
    /// A weight that is not a number.
    WeightNotANumber,
    /// A time to live that is not positive or too far away.
    InvalidExpiry,
    /// Options that exclude each other.
    Syntax,
    /// The source key does not exist.
    NoSuchKey,
    /// The source and the destination are the same key.
    SameKey,
    /// An offset beyond what a string may have.
    OutOfRange,
    /// A bit field of no bits, or of too many.
    FieldWidth,
    /// An index beyond a list's elements.
    IndexOutOfRange,
    /// What is to be sorted as a number is none.
    NotSortable,
    /// The string is no HyperLogLog.
    NotAHyperLogLog,
    /// The string begins as a HyperLogLog, but its registers make no sense.
    CorruptHyperLogLog,
    /// A longitude beyond 180 degrees, or a latitude beyond 85.05112878.
    NoSuchPlace,
    /// The bytes are no dump, or one of another version.
    BadDump,
    /// The entry is larger than the store's budget, or than a string may be.
    TooLarge,
    /// The transaction did not name this key when it began.
    KeyNotNamed,
    /// A stored value does not convert to the type asked for.
    Convert(ConvertError),
}

impl Error {
    /// The text that Redis answers in this case.
    #[must_use]
    pub fn redis_text(&self) -> &'static str {
        match self {
            Error::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
            Error::NotAnInteger => "ERR value is not an integer or out of range",
            Error::NotAFloat | Error::Convert(_) => "ERR value is not a valid float",
            Error::FieldNotAnInteger => "ERR hash value is not an integer",
            Error::FieldNotAFloat => "ERR hash value is not a float",
            Error::Overflow => "ERR increment or decrement would overflow",
            Error::DecrementOverflow => "ERR decrement would overflow",
            Error::NotFinite => "ERR increment would produce NaN or Infinity",
            Error::ScoreNotANumber => "ERR resulting score is not a number (NaN)",
            Error::BoundNotANumber => "ERR min or max is not a float",
            Error::WeightNotANumber => "ERR weight value is not a float",
            Error::InvalidExpiry => "ERR invalid expire time",
            Error::Syntax => "ERR syntax error",
            Error::NoSuchKey => "ERR no such key",
            Error::SameKey => "ERR source and destination objects are the same",
            Error::OutOfRange => "ERR offset is out of range",
            Error::FieldWidth => {
                "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
            }
            Error::IndexOutOfRange => "ERR index out of range",
            Error::NotSortable => "ERR One or more scores can't be converted into double",
            Error::NotAHyperLogLog => "WRONGTYPE Key is not a valid HyperLogLog string value.",
            Error::CorruptHyperLogLog => "INVALIDOBJ Corrupted HLL object detected",
            Error::NoSuchPlace => "ERR invalid longitude,latitude pair",
            Error::BadDump => "ERR DUMP payload version or checksum are wrong",
            Error::TooLarge => "OOM command not allowed when used memory > 'maxmemory'.",
            Error::KeyNotNamed => "ERR key was not named by the transaction",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::WrongType => "the key holds a value of another type",
            Error::NotAnInteger => "not a 64-bit integer",
            Error::NotAFloat => "not a number",
            Error::FieldNotAnInteger => "the field is not a 64-bit integer",
            Error::FieldNotAFloat => "the field is not a number",
            Error::Overflow => "the sum does not fit 64 bits",
            Error::DecrementOverflow => "the decrement does not fit 64 bits",
            Error::NotFinite => "the sum is not a finite number",
            Error::ScoreNotANumber => "the score would not be a number",
            Error::BoundNotANumber => "a bound is not a number",
            Error::WeightNotANumber => "a weight is not a number",
            Error::InvalidExpiry => "the expiry time is not valid",
            Error::Syntax => "options exclude each other",
            Error::NoSuchKey => "no such key",
            Error::SameKey => "source and destination are the same key",
            Error::OutOfRange => "the offset is out of range",
            Error::FieldWidth => "a bit field has 1 to 64 bits, without a sign to 63",
            Error::IndexOutOfRange => "the index is out of range",
            Error::NotSortable => "an element's weight is not a number",
            Error::NotAHyperLogLog => "the string is no HyperLogLog",
            Error::CorruptHyperLogLog => "the HyperLogLog is corrupt",
            Error::NoSuchPlace => "there is no such longitude or latitude",
            Error::BadDump => "the bytes are no dump of this version",
            Error::TooLarge => "the entry is too large",
            Error::KeyNotNamed => "the transaction did not name the key",
            Error::Convert(error) => return error.fmt(f),
        })
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Convert(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ConvertError> for Error {
    fn from(error: ConvertError) -> Self {
        Error::Convert(error)
    }
}

/// Why a value could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError<E> {
    /// The caller's own loader failed.
    Failed(E),
    /// The loader of this key, further up this thread's or task's stack, asked for the same key.
    Reentrant,
    /// A load took longer than this caller would wait.
    TimedOut,
    /// The load ran elsewhere and brought nothing: its loader panicked, or its executor dropped it.
    Abandoned,
}

impl<E: fmt::Display> fmt::Display for LoadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Failed(error) => error.fmt(f),
            LoadError::Reentrant => f.write_str("the loader asked for the key that it loads"),
            LoadError::TimedOut => f.write_str("the load of the key took too long"),
            LoadError::Abandoned => f.write_str("the load of the key was given up"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for LoadError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LoadError::Failed(error) => Some(error),
            _ => None,
        }
    }
}
