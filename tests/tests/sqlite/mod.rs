//! Users in an SQLite database, as a backing that counts its queries.

#![allow(dead_code, reason = "each of the tests that share it uses a part")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use larder::{Sink, Source};
use rusqlite::{Connection, Error, OptionalExtension, params, params_from_iter};

pub(crate) struct Users {
    connection: Mutex<Connection>,
    pub(crate) queries: AtomicUsize,
    pub(crate) writes: AtomicUsize,
}

impl Users {
    /// A database in memory with so many users, named after their numbers.
    pub(crate) fn numbered(count: u32) -> Self {
        let connection = Connection::open_in_memory().expect("SQLite opens a database");
        connection
            .execute_batch("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
            .expect("the table is made");
        for id in 0..count {
            connection
                .execute(
                    "INSERT INTO users VALUES (?1, ?2)",
                    params![id, format!("User {id}")],
                )
                .expect("the row is new");
        }
        Users {
            connection: Mutex::new(connection),
            queries: AtomicUsize::new(0),
            writes: AtomicUsize::new(0),
        }
    }

    /// The connection, for what goes past the cache.
    pub(crate) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().expect("no test panics with it")
    }

    /// What the database has, not counted.
    pub(crate) fn name(&self, id: u32) -> Option<String> {
        let row = "SELECT name FROM users WHERE id = ?1";
        let name = self.connection().query_row(row, [id], |row| row.get(0));
        name.optional().expect("the query is right")
    }
}

impl Source<u32, String> for Users {
    type Error = Error;

    fn load(&self, id: &u32) -> Result<Option<String>, Error> {
        self.queries.fetch_add(1, Ordering::Relaxed);
        Ok(self.name(*id))
    }

    fn load_many(&self, ids: &[&u32]) -> Result<Vec<(u32, String)>, Error> {
        self.queries.fetch_add(1, Ordering::Relaxed);
        let places = vec!["?"; ids.len()].join(",");
        let connection = self.connection();
        let rows = format!("SELECT id, name FROM users WHERE id IN ({places})");
        let mut query = connection.prepare(&rows)?;
        let rows = query.query_map(params_from_iter(ids), |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    }
}

impl Sink<u32, String> for Users {
    type Error = Error;

    fn store(&self, id: &u32, name: &String) -> Result<(), Error> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.connection()
            .execute(
                "INSERT OR REPLACE INTO users VALUES (?1, ?2)",
                params![id, name],
            )
            .map(drop)
    }

    fn remove(&self, id: &u32) -> Result<(), Error> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let removed = self
            .connection()
            .execute("DELETE FROM users WHERE id = ?1", [id]);
        removed.map(drop)
    }
}
