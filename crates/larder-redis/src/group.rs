//! `Group`: what a command is about, with the names that Redis has for it.

/// What a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Generic,
    String,
    Bitmap,
    List,
    Hash,
    Set,
    SortedSet,
    HyperLogLog,
    Geo,
    Publishing,
    Connection,
    Server,
    Transactions,
}

impl Group {
    /// The name that COMMAND DOCS has.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Group::Generic => "generic",
            Group::String => "string",
            Group::Bitmap => "bitmap",
            Group::List => "list",
            Group::Hash => "hash",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::HyperLogLog => "hyperloglog",
            Group::Geo => "geo",
            Group::Publishing => "pubsub",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Transactions => "transactions",
        }
    }

    /// The access category of its commands.
    pub(crate) fn category(self) -> &'static str {
        match self {
            Group::Generic => "@keyspace",
            Group::String => "@string",
            Group::Bitmap => "@bitmap",
            Group::List => "@list",
            Group::Hash => "@hash",
            Group::Set => "@set",
            Group::SortedSet => "@sortedset",
            Group::HyperLogLog => "@hyperloglog",
            Group::Geo => "@geo",
            Group::Publishing => "@pubsub",
            Group::Connection => "@connection",
            Group::Server => "@admin",
            Group::Transactions => "@transaction",
        }
    }
}
