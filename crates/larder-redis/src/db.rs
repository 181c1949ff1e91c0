//! `Db`: what a handler runs on, the store or an open transaction; both have the same calls.

use larder::{Bits, Geo, Hash, InTx, List, Set, SortedSet, Store, Tx};

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

impl<'a> Db<'a> {
    pub(crate) fn list<T>(self, key: &[u8]) -> List<'a, T, InTx<'a>> {
        match self {
            Db::Store(store) => store.list(key).into(),
            Db::Tx(tx) => tx.list(key),
        }
    }

    pub(crate) fn hash<T>(self, key: &[u8]) -> Hash<'a, T, InTx<'a>> {
        match self {
            Db::Store(store) => store.hash(key).into(),
            Db::Tx(tx) => tx.hash(key),
        }
    }

    pub(crate) fn set_of<T>(self, key: &[u8]) -> Set<'a, T, InTx<'a>> {
        match self {
            Db::Store(store) => store.set_of(key).into(),
            Db::Tx(tx) => tx.set_of(key),
        }
    }

    pub(crate) fn sorted_set<T>(self, key: &[u8]) -> SortedSet<'a, T, InTx<'a>> {
        match self {
            Db::Store(store) => store.sorted_set(key).into(),
            Db::Tx(tx) => tx.sorted_set(key),
        }
    }

    pub(crate) fn geo<T>(self, key: &[u8]) -> Geo<'a, T, InTx<'a>> {
        match self {
            Db::Store(store) => store.geo(key).into(),
            Db::Tx(tx) => tx.geo(key),
        }
    }

    pub(crate) fn bits(self, key: &[u8]) -> Bits<'a, InTx<'a>> {
        match self {
            Db::Store(store) => store.bits(key).into(),
            Db::Tx(tx) => tx.bits(key),
        }
    }
}

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
