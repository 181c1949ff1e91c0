//! `Db`: what a handler runs on, the store or an open transaction; both have the same calls.

use larder::{Store, Tx};

use crate::fault::Fault;

/// See the module's text.
#[derive(Clone, Copy)]
pub(crate) enum Db<'a> {
    Store(&'a Store),
    Tx(&'a Tx<'a>),
}

/// Makes a call on either.
macro_rules! on {
    ($db:expr, |$it:ident| $call:expr) => {
        match $db {
            $crate::db::Db::Store($it) => $call,
            $crate::db::Db::Tx($it) => $call,
        }
    };
}
pub(crate) use on;

impl Db<'_> {
    /// Runs `work` on these keys as one call; in a transaction everything is.
    pub(crate) fn atomic<R>(
        self,
        keys: &[&[u8]],
        work: impl FnOnce(Db<'_>) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        match self {
            Db::Store(store) => store.atomic(keys, |tx| work(Db::Tx(tx))),
            Db::Tx(_) => work(self),
        }
    }
}
