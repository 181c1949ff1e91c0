//! `Fault`: the text with which a command is refused, as Redis has it.

use std::borrow::Cow;
use std::fmt;

use larder::Error;

/// Why a command was refused: a code, a blank, a message.
///
/// ```
/// use larder_redis::Fault;
///
/// let fault = Fault::from(larder::Error::WrongType);
/// assert_eq!(fault.code(), "WRONGTYPE");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Fault(Cow<'static, str>);

impl Fault {
    pub(crate) const SYNTAX: Fault = Fault::fixed("ERR syntax error");
    pub(crate) const NOT_AN_INTEGER: Fault =
        Fault::fixed("ERR value is not an integer or out of range");
    pub(crate) const NOT_A_FLOAT: Fault = Fault::fixed("ERR value is not a valid float");
    pub(crate) const NO_SUCH_KEY: Fault = Fault::fixed("ERR no such key");
    pub(crate) const NOT_POSITIVE: Fault =
        Fault::fixed("ERR value is out of range, must be positive");
    pub(crate) const NESTED_MULTI: Fault = Fault::fixed("ERR MULTI calls can not be nested");
    pub(crate) const EXEC_WITHOUT_MULTI: Fault = Fault::fixed("ERR EXEC without MULTI");
    pub(crate) const DISCARD_WITHOUT_MULTI: Fault = Fault::fixed("ERR DISCARD without MULTI");
    pub(crate) const WATCH_INSIDE_MULTI: Fault =
        Fault::fixed("ERR WATCH inside MULTI is not allowed");
    pub(crate) const ABORTED: Fault =
        Fault::fixed("EXECABORT Transaction discarded because of previous errors.");
    pub(crate) const NO_INT: Fault =
        Fault::fixed("ERR value is out of range, value must between -2147483648 and 2147483647");
    pub(crate) const NO_SUCH_DATABASE: Fault = Fault::fixed("ERR DB index is out of range");

    /// A fault with a fixed text.
    pub(crate) const fn fixed(text: &'static str) -> Self {
        Fault(Cow::Borrowed(text))
    }

    /// A fault with a text made for the case. A line break would end a reply early: it becomes a blank.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.contains(['\r', '\n']) {
            text = text.replace(['\r', '\n'], " ");
        }
        Fault(Cow::Owned(text))
    }

    /// Wrong number of arguments for a command, or for one of its own commands (`client|id`).
    pub(crate) fn arity(name: &str) -> Self {
        Fault::new(format!(
            "ERR wrong number of arguments for '{name}' command"
        ))
    }

    /// A time to live that is not positive or too far ahead.
    pub(crate) fn expire_time(name: &str) -> Self {
        Fault::new(format!("ERR invalid expire time in '{name}' command"))
    }

    /// The first word: what kind of fault it is.
    ///
    /// ```
    /// let fault = larder_redis::Fault::from(larder::Error::NoSuchKey);
    /// assert_eq!(fault.code(), "ERR");
    /// ```
    #[must_use]
    pub fn code(&self) -> &str {
        self.0.split(' ').next().unwrap_or("")
    }

    /// The whole text, as it stands in a reply.
    ///
    /// ```
    /// let fault = larder_redis::Fault::from(larder::Error::NoSuchKey);
    /// assert_eq!(fault.text(), "ERR no such key");
    /// ```
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::fixed(error.redis_text())
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fault({})", self.0)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}
