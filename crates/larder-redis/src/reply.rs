//! `Reply`: what a command answers, in the terms of RESP3; RESP2 has fewer, and the encoder maps down.

use std::borrow::Cow;

use crate::fault::Fault;

/// What a command answers.
///
/// ```
/// use larder_redis::{Reply, Session};
///
/// let mut session = Session::new(larder::Store::new());
/// assert_eq!(session.execute(&[b"SET", b"key", b"value"]), Reply::Ok);
/// assert_eq!(session.execute(&[b"GET", b"key"]), Reply::Bulk(b"value".to_vec()));
/// assert_eq!(session.execute(&[b"GET", b"none"]), Reply::Null);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// `+OK`.
    Ok,
    /// A short status, such as `QUEUED`.
    Status(Cow<'static, str>),
    /// A refusal.
    Error(Fault),
    /// An integer; truth is 1 or 0.
    Int(i64),
    /// A number with a fraction; text in RESP2.
    Double(f64),
    /// A string of bytes.
    Bulk(Vec<u8>),
    /// Text for a person; a plain string in RESP2.
    Text(String),
    /// No value.
    Null,
    /// No array; told apart from [`Reply::Null`] only in RESP2.
    NullArray,
    /// Values in order.
    Array(Vec<Reply>),
    /// Values in no order; an array in RESP2.
    Set(Vec<Reply>),
    /// Keys with values; a flat array in RESP2.
    Map(Vec<(Reply, Reply)>),
    /// Values in order, two and two; a flat array in RESP2.
    Pairs(Vec<(Reply, Reply)>),
    /// A message that nobody asked for just now; an array in RESP2.
    Push(Vec<Reply>),
    /// Several replies in a row, as SUBSCRIBE to several channels has; none where the client wants none.
    Several(Vec<Reply>),
}

impl Reply {
    /// 1 for true, 0 for false.
    pub(crate) fn truth(yes: bool) -> Self {
        Reply::Int(i64::from(yes))
    }

    /// A count.
    pub(crate) fn count(count: usize) -> Self {
        Reply::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// A string.
    pub(crate) fn bulk(bytes: impl Into<Vec<u8>>) -> Self {
        Reply::Bulk(bytes.into())
    }

    /// A value, if there is one.
    pub(crate) fn option(bytes: Option<Vec<u8>>) -> Self {
        bytes.map_or(Reply::Null, Reply::Bulk)
    }

    /// An array of strings.
    pub(crate) fn bulks(items: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        Reply::Array(items.into_iter().map(Reply::bulk).collect())
    }

    /// Whether the command was refused.
    ///
    /// ```
    /// let mut session = larder_redis::Session::new(larder::Store::new());
    /// assert!(session.execute(&[b"NONSENSE"]).is_error());
    /// ```
    #[must_use]
    pub fn is_error(&self) -> bool {
        matches!(self, Reply::Error(_))
    }
}

impl From<Result<Reply, Fault>> for Reply {
    fn from(outcome: Result<Reply, Fault>) -> Self {
        outcome.unwrap_or_else(Reply::Error)
    }
}
