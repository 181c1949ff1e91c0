//! `SessionsBuilder`: the settings of a session store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Cache, Cause};
use crate::error::BuildError;
use crate::reaper::Upkeep;
use crate::time::Clock;

use super::id::SessionId;
use super::sessions::{Index, Session, Sessions};

/// Told of every session that ends.
type Listener<T> = Box<dyn Fn(&SessionId, &Session<T>, Cause) + Send + Sync>;

/// Sessions that are kept, unless told otherwise.
const MAX_SESSIONS: usize = 1 << 20;
/// How long a session lasts that is not used, unless told otherwise.
const IDLE: Duration = Duration::from_secs(24 * 3600);
/// How long any session lasts, unless told otherwise.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// Builds [`Sessions`].
///
/// ```
/// use larder::Sessions;
/// use std::time::Duration;
///
/// let sessions: Sessions<String> = Sessions::builder()
///     .idle(Duration::from_secs(1800))
///     .lifetime(Duration::from_secs(86_400))
///     .max_per_user(5)
///     .build()?;
/// # Ok::<(), larder::BuildError>(())
/// ```
#[must_use]
pub struct SessionsBuilder<T> {
    max_sessions: usize,
    max_per_user: usize,
    idle: Duration,
    lifetime: Duration,
    clock: Clock,
    upkeep: Upkeep,
    listener: Option<Listener<T>>,
}

impl<T> SessionsBuilder<T> {
    pub(super) fn new() -> Self {
        SessionsBuilder {
            max_sessions: MAX_SESSIONS,
            max_per_user: usize::MAX,
            idle: IDLE,
            lifetime: LIFETIME,
            clock: Clock::system(),
            upkeep: Upkeep::default(),
            listener: None,
        }
    }

    /// Keeps at most so many sessions (1,048,576 without this); beyond it, those seldom used go. A new one is never refused.
    pub fn max_sessions(mut self, max: usize) -> Self {
        self.max_sessions = max;
        self
    }

    /// Lets a user have at most so many sessions; one more ends the oldest.
    pub fn max_per_user(mut self, max: usize) -> Self {
        self.max_per_user = max;
        self
    }

    /// Ends a session that was not used for so long (a day without this).
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Ends a session so long after it was created, used or not (30 days without this).
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Takes the time from here.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Chooses who ends sessions that have expired.
    pub fn upkeep(mut self, upkeep: Upkeep) -> Self {
        self.upkeep = upkeep;
        self
    }

    /// Is told of every session that ends, and why: [`Cause::Expired`], [`Cause::Removed`] if it was destroyed or gave way
    /// to a newer one of its user, [`Cause::Evicted`] where there was no room.
    ///
    /// It runs without a lock, in the thread whose call ended the session; for those that expire usually in the shared
    /// thread of [`Upkeep::Shared`].
    ///
    /// ```
    /// use larder::{Cause, Sessions};
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// static LOGOUTS: AtomicU32 = AtomicU32::new(0);
    /// let sessions: Sessions<()> = Sessions::builder()
    ///     .listener(|_, session, cause| {
    ///         assert_eq!((session.user(), cause), ("ada", Cause::Removed));
    ///         LOGOUTS.fetch_add(1, Ordering::Relaxed);
    ///     })
    ///     .build()?;
    /// let id = sessions.create("ada", ())?;
    /// sessions.destroy(&id);
    /// assert_eq!(LOGOUTS.load(Ordering::Relaxed), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn listener(
        mut self,
        listener: impl Fn(&SessionId, &Session<T>, Cause) + Send + Sync + 'static,
    ) -> Self {
        self.listener = Some(Box::new(listener));
        self
    }

    /// Everything that is wrong.
    fn faults(&self) -> Vec<&'static str> {
        let all = [
            (self.max_sessions == 0, "max_sessions must be at least 1"),
            (self.max_per_user == 0, "max_per_user must be at least 1"),
            (self.idle.is_zero(), "idle must be longer than zero"),
            (self.lifetime.is_zero(), "lifetime must be longer than zero"),
        ];
        all.into_iter()
            .filter_map(|(wrong, what)| wrong.then_some(what))
            .collect()
    }

    /// Builds the store.
    ///
    /// # Errors
    ///
    /// Says everything that is wrong: a bound or a duration of zero.
    pub fn build(self) -> Result<Sessions<T>, BuildError>
    where
        T: Send + Sync + 'static,
    {
        BuildError::check(self.faults())?;
        let index = Index::new(self.max_per_user)?;
        let of_user = index.clone();
        let listener = self.listener;
        let live = Cache::builder()
            .max_entries(self.max_sessions)
            .idle(self.idle)
            .ttl(self.lifetime)
            .clock(self.clock)
            .upkeep(self.upkeep)
            .listener(move |id: &SessionId, session: &Arc<Session<T>>, cause| {
                // An update replaces a session by its successor, which goes on.
                if cause == Cause::Replaced {
                    return;
                }
                of_user.remove(session.user(), id);
                if let Some(listener) = &listener {
                    listener(id, session, cause);
                }
            })
            .build()?;
        Ok(Sessions { live, index })
    }
}

impl<T> fmt::Debug for SessionsBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsBuilder")
            .field("max_sessions", &self.max_sessions)
            .field("max_per_user", &self.max_per_user)
            .field("idle", &self.idle)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}
