//! The databases that a name stands for, as long as a client, a connection or a session of them lives.
//!
//! One list for the process: clients of every version of the `redis` crate find the same databases.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::databases::{Databases, WeakDatabases};

static NAMED: Mutex<Option<HashMap<String, WeakDatabases>>> = Mutex::new(None);

impl Databases {
    /// The databases of a name; no name stands for new ones.
    #[expect(clippy::disallowed_methods, reason = "this file owns the lock")]
    pub(crate) fn named(name: &str) -> Self {
        if name.is_empty() {
            return Databases::default();
        }
        let mut named = NAMED.lock();
        let named = named.get_or_insert_default();
        if let Some(databases) = named.get(name).and_then(WeakDatabases::upgrade) {
            return databases;
        }
        named.retain(|_, databases| databases.upgrade().is_some());
        let databases = Databases::default();
        named.insert(name.to_owned(), databases.downgrade());
        databases
    }
}
