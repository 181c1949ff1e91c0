//! `SessionStore`: the sessions of `tower-sessions`, in a cache.

use std::time::Duration;

use async_trait::async_trait;
use larder::{BuildError, Cache, Change, Outcome};
use time::OffsetDateTime;
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store;

/// Keeps the sessions of `tower-sessions` in memory, at most so many.
///
/// A handle: clones are cheap and share the sessions. Where there are too many, those seldom used go; a new one is never
/// refused. A session is gone at its expiry date, and reaped without being asked for.
///
/// ```
/// use larder_tower::SessionStore;
///
/// let store = SessionStore::new(100_000)?;
/// assert!(store.is_empty());
/// # Ok::<(), larder::BuildError>(())
/// ```
///
/// # Consistency
///
/// `create` never overwrites a session, and `save` never makes one: a request that was under way when its user logged out
/// does not bring the session back. So this is a store, not the front of a `CachingSessionStore`, which fills its front
/// by `save`.
#[derive(Clone, Debug)]
pub struct SessionStore {
    records: Cache<Id, Record>,
}

impl SessionStore {
    /// A store of at most so many sessions.
    ///
    /// # Errors
    ///
    /// If that is none.
    pub fn new(max_sessions: usize) -> Result<Self, BuildError> {
        let records = Cache::builder().max_entries(max_sessions).build()?;
        Ok(SessionStore { records })
    }

    /// How many sessions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Lets a record end at its expiry date.
    fn date(&self, record: &Record) {
        self.records.expire(&record.id, left(record));
    }
}

/// How long a record still lives; zero if it is past.
fn left(record: &Record) -> Duration {
    let left = record.expiry_date - OffsetDateTime::now_utc();
    left.try_into().unwrap_or(Duration::ZERO)
}

#[async_trait]
impl session_store::SessionStore for SessionStore {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        loop {
            let fresh = record.clone();
            let outcome = self.records.compute(record.id, |taken| match taken {
                Some(_) => Change::Keep,
                None => Change::Insert(fresh),
            });
            if matches!(outcome, Outcome::Inserted) {
                self.date(record);
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let fresh = record.clone();
        if self
            .records
            .update(&record.id, |held| *held = fresh)
            .is_some()
        {
            self.date(record);
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        // The wall clock may have been set since the deadline was counted out.
        let record = self.records.get(id);
        Ok(record.filter(|record| !left(record).is_zero()))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.records.remove(id);
        Ok(())
    }
}
