//! The lock types that larder uses, named in one place so that a model checker can be put in their stead.

pub(crate) use parking_lot::{
    Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
