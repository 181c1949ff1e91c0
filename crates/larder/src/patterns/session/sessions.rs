//! `Sessions<T>`: the calls, and the index of ids by user.

use std::fmt;
use std::sync::Arc;

use crate::cache::{Cache, Change};
use crate::error::BuildError;

use super::builder::SessionsBuilder;
use super::id::{NoRandomness, SessionId};

/// One session: whose it is, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session<T> {
    user: Arc<str>,
    data: T,
}

impl<T> Session<T> {
    /// The user it belongs to.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// What it holds.
    #[must_use]
    pub fn data(&self) -> &T {
        &self.data
    }
}

/// The ids of each user, oldest first. A user without any has no entry.
#[derive(Clone)]
pub(super) struct Index {
    ids: Cache<Arc<str>, Vec<SessionId>>,
    most: usize,
}

impl Index {
    pub(super) fn new(most: usize) -> Result<Self, BuildError> {
        // Bounded by the sessions: their listener takes every id out that it holds.
        let ids = Cache::builder().unbounded().without_stats().build()?;
        Ok(Index { ids, most })
    }

    /// Adds an id, and takes the oldest out that are too many.
    fn add(&self, user: &Arc<str>, id: SessionId) -> Vec<SessionId> {
        let mut oldest = Vec::new();
        self.ids.compute(Arc::clone(user), |ids| match ids {
            None => Change::Insert(vec![id]),
            Some(ids) => {
                ids.push(id);
                oldest.extend(ids.drain(..ids.len().saturating_sub(self.most)));
                Change::Keep
            }
        });
        oldest
    }

    /// Takes an id out, and the user with the last one.
    pub(super) fn remove(&self, user: &str, id: &SessionId) {
        self.ids.compute(user.into(), |ids| match ids {
            Some(ids) => {
                ids.retain(|other| other != id);
                if ids.is_empty() {
                    Change::Remove
                } else {
                    Change::Keep
                }
            }
            None => Change::Keep,
        });
    }

    /// Takes all ids of a user out but one.
    fn take(&self, user: &str, except: Option<&SessionId>) -> Vec<SessionId> {
        let mut taken = Vec::new();
        self.ids.compute(user.into(), |ids| match ids {
            Some(ids) => {
                taken.extend(ids.iter().copied().filter(|id| Some(id) != except));
                ids.retain(|id| Some(id) == except);
                if ids.is_empty() {
                    Change::Remove
                } else {
                    Change::Keep
                }
            }
            None => Change::Keep,
        });
        taken
    }

    fn of(&self, user: &str) -> Vec<SessionId> {
        self.ids.get(user).unwrap_or_default()
    }

    fn has(&self, user: &str, id: &SessionId) -> bool {
        self.ids.get_with(user, |ids| ids.contains(id)) == Some(true)
    }

    #[cfg(test)]
    pub(super) fn users(&self) -> usize {
        self.ids.len()
    }
}

/// Sessions by id and by user: created, used, changed and ended, each in one step.
///
/// A handle: clones are cheap and share the sessions. A session ends when it was not used for the idle time, at the end
/// of its lifetime, when it is destroyed, or where there is no room for it. Ended, it never comes back: nothing but
/// [`create`](Sessions::create) makes a session, and that makes a new id.
///
/// ```
/// use larder::Sessions;
///
/// let sessions: Sessions<Vec<&str>> = Sessions::new();
/// let id = sessions.create("ada", vec![])?;
/// sessions.update(&id, |cart| cart.push("tea"));
/// assert_eq!(sessions.get(&id).map(|session| session.data().clone()), Some(vec!["tea"]));
/// assert_eq!(sessions.of_user("ada"), [id]);
/// sessions.destroy(&id);
/// assert_eq!(sessions.get(&id), None);
/// # Ok::<(), larder::NoRandomness>(())
/// ```
pub struct Sessions<T> {
    pub(super) live: Cache<SessionId, Arc<Session<T>>>,
    pub(super) index: Index,
}

impl<T: Send + Sync + 'static> Sessions<T> {
    /// At most 1,048,576 sessions, which end after a day without use, or 30 days.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build().expect("the defaults are sound")
    }

    /// A builder, for everything else.
    pub fn builder() -> SessionsBuilder<T> {
        SessionsBuilder::new()
    }

    /// Makes a session for a user and returns its id, which nobody can guess.
    ///
    /// ```
    /// use larder::Sessions;
    ///
    /// let sessions: Sessions<u32> = Sessions::builder().max_per_user(2).build()?;
    /// let oldest = sessions.create("ada", 1)?;
    /// sessions.create("ada", 2)?;
    /// sessions.create("ada", 3)?;
    /// assert_eq!(sessions.get(&oldest), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the system gives no random numbers.
    ///
    /// # Cost
    ///
    /// O(sessions of the user); two stripes' locks, one after the other, a third to check; a call to the system for the id.
    ///
    /// # Consistency
    ///
    /// A [`destroy_user`](Self::destroy_user) that runs at the same time ends it or comes before it; none slips through.
    /// One that expired, but was not reaped yet, counts among its user's.
    pub fn create(&self, user: &str, data: T) -> Result<SessionId, NoRandomness> {
        let id = SessionId::random()?;
        let user: Arc<str> = user.into();
        for oldest in self.index.add(&user, id) {
            self.live.remove(&oldest);
        }
        let session = Session {
            user: Arc::clone(&user),
            data,
        };
        self.live.insert(id, Arc::new(session));
        // Who ended all of the user's sessions since may have looked for this one too early.
        if !self.index.has(&user, &id) {
            self.live.remove(&id);
        }
        Ok(id)
    }

    /// Returns a session, and lets its idle time begin anew.
    ///
    /// # Cost
    ///
    /// O(1); one stripe's lock for reading; nothing is copied.
    pub fn get(&self, id: &SessionId) -> Option<Arc<Session<T>>> {
        self.live.get(id)
    }

    /// Returns a session without using it: its idle time goes on.
    ///
    /// # Cost
    ///
    /// As [`get`](Self::get).
    pub fn peek(&self, id: &SessionId) -> Option<Arc<Session<T>>> {
        self.live.peek(id)
    }

    /// Changes what a session holds, in one step, and returns what the closure returns; `None` if it has ended.
    ///
    /// The closure runs under the stripe's lock: it must be short, and must not use these sessions, which would deadlock.
    ///
    /// ```
    /// let sessions: larder::Sessions<u32> = larder::Sessions::new();
    /// let id = sessions.create("ada", 1)?;
    /// assert_eq!(sessions.update(&id, |visits| { *visits += 1; *visits }), Some(2));
    /// sessions.destroy(&id);
    /// assert_eq!(sessions.update(&id, |visits| *visits), None);
    /// # Ok::<(), larder::NoRandomness>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1); one stripe's lock for writing. Copies the data if somebody still holds what [`get`](Self::get) returned.
    ///
    /// # Consistency
    ///
    /// Atomic: no update is lost, and none brings a session back. Its idle time begins anew, its lifetime does not.
    pub fn update<R>(&self, id: &SessionId, change: impl FnOnce(&mut T) -> R) -> Option<R>
    where
        T: Clone,
    {
        self.live
            .update(id, |session| change(&mut Arc::make_mut(session).data))
    }

    /// Ends a session; whether there was one.
    ///
    /// # Cost
    ///
    /// O(sessions of its user); two stripes' locks for writing, one after the other.
    pub fn destroy(&self, id: &SessionId) -> bool {
        self.live.remove(id).is_some()
    }

    /// The ids of a user's sessions, oldest first.
    ///
    /// ```
    /// let sessions: larder::Sessions<()> = larder::Sessions::new();
    /// let (phone, laptop) = (sessions.create("ada", ())?, sessions.create("ada", ())?);
    /// assert_eq!(sessions.of_user("ada"), [phone, laptop]);
    /// assert!(sessions.of_user("bob").is_empty());
    /// # Ok::<(), larder::NoRandomness>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(sessions of the user), however many others there are.
    #[must_use]
    pub fn of_user(&self, user: &str) -> Vec<SessionId> {
        let mut ids = self.index.of(user);
        ids.retain(|id| self.live.contains(id));
        ids
    }

    /// Ends all of a user's sessions, and says how many.
    ///
    /// # Cost
    ///
    /// O(sessions of the user).
    ///
    /// # Consistency
    ///
    /// Every session that was created before the call is ended when it returns.
    pub fn destroy_user(&self, user: &str) -> usize {
        self.end(self.index.take(user, None))
    }

    /// Ends all of a user's sessions but one ("log out everywhere else"), and says how many.
    ///
    /// ```
    /// let sessions: larder::Sessions<()> = larder::Sessions::new();
    /// let (phone, laptop) = (sessions.create("ada", ())?, sessions.create("ada", ())?);
    /// assert_eq!(sessions.destroy_others("ada", &laptop), 1);
    /// assert_eq!(sessions.of_user("ada"), [laptop]);
    /// # Ok::<(), larder::NoRandomness>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(sessions of the user).
    pub fn destroy_others(&self, user: &str, except: &SessionId) -> usize {
        self.end(self.index.take(user, Some(except)))
    }

    fn end(&self, ids: Vec<SessionId>) -> usize {
        ids.iter().filter(|id| self.destroy(id)).count()
    }
}

impl<T> Sessions<T> {
    /// How many sessions there are, those included that have expired and were not reaped yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// Ends everything that has expired by now.
    ///
    /// Needed only with [`Upkeep::Manual`](crate::Upkeep) or a [`ManualClock`](crate::ManualClock), to free memory and to
    /// have the listener told: an expired session is never returned.
    pub fn tick(&self) {
        self.live.tick();
    }
}

impl<T: Send + Sync + 'static> Default for Sessions<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Sessions<T> {
    fn clone(&self) -> Self {
        Sessions {
            live: self.live.clone(),
            index: self.index.clone(),
        }
    }
}

impl<T> fmt::Debug for Sessions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
