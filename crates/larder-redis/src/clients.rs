//! `Clients`: what the sessions of some databases may know of each other, and how one ends another's wait.
//!
//! ```text
//! a session waits ── its waker is here ── CLIENT UNBLOCK of another: the end is noted, the waker called ── it answers
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use crate::fault::Fault;
use crate::reply::Reply;
use crate::resp::Protocol;

/// How a wait ends that another client ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As if its time were over.
    TimeOver,
    /// With an error.
    Error,
}

impl Ending {
    /// What the client gets that waited.
    pub(crate) fn outcome(self, nothing: Reply) -> Result<Reply, Fault> {
        match self {
            Ending::TimeOver => Ok(nothing),
            Ending::Error => Err(Fault::fixed(
                "UNBLOCKED client unblocked via CLIENT UNBLOCK",
            )),
        }
    }
}

/// What a client does.
#[derive(Default)]
enum Doing {
    #[default]
    Runs,
    Waits(Option<Waker>),
    Ended(Ending),
}

/// What CLIENT LIST tells of a client.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) id: u64,
    pub(crate) name: Vec<u8>,
    /// Name and version of the library that speaks, as it says.
    pub(crate) library: [Vec<u8>; 2],
    pub(crate) database: usize,
    pub(crate) protocol: Protocol,
}

/// A session as others see it.
pub(crate) struct Client {
    facts: Mutex<Facts>,
    doing: Mutex<Doing>,
}

/// All sessions of some databases, by number.
#[derive(Default)]
pub(crate) struct Clients(Mutex<BTreeMap<u64, Weak<Client>>>);

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clients").finish_non_exhaustive()
    }
}

/// Runs `work` under a lock of this file.
#[expect(clippy::disallowed_methods, reason = "this file owns the locks")]
fn with<T, R>(lock: &Mutex<T>, work: impl FnOnce(&mut T) -> R) -> R {
    work(&mut lock.lock())
}

impl Clients {
    pub(crate) fn enter(&self, facts: Facts) -> Arc<Client> {
        let id = facts.id;
        let client = Arc::new(Client {
            facts: Mutex::new(facts),
            doing: Mutex::default(),
        });
        with(&self.0, |all| all.insert(id, Arc::downgrade(&client)));
        client
    }

    pub(crate) fn leave(&self, id: u64) {
        with(&self.0, |all| all.remove(&id));
    }

    pub(crate) fn find(&self, id: u64) -> Option<Arc<Client>> {
        with(&self.0, |all| all.get(&id)?.upgrade())
    }

    /// All, in the order in which they came.
    pub(crate) fn all(&self) -> Vec<Arc<Client>> {
        with(&self.0, |all| {
            all.values().filter_map(Weak::upgrade).collect()
        })
    }
}

impl Client {
    pub(crate) fn facts(&self) -> Facts {
        with(&self.facts, |facts| facts.clone())
    }

    pub(crate) fn change(&self, work: impl FnOnce(&mut Facts)) {
        with(&self.facts, work);
    }

    pub(crate) fn is_waiting(&self) -> bool {
        with(&self.doing, |doing| matches!(doing, Doing::Waits(_)))
    }

    /// Ends its wait, if it waits.
    pub(crate) fn unblock(&self, ending: Ending) -> bool {
        let waker = with(&self.doing, |doing| match doing {
            Doing::Waits(waker) => {
                let waker = waker.take();
                *doing = Doing::Ended(ending);
                Some(waker)
            }
            _ => None,
        });
        let found = waker.is_some();
        if let Some(waker) = waker.flatten() {
            waker.wake();
        }
        found
    }

    /// From here on it waits, until the guard is dropped.
    pub(crate) fn wait(&self) -> Waiting<'_> {
        with(&self.doing, |doing| *doing = Doing::Waits(None));
        Waiting(self)
    }
}

/// A client that waits.
pub(crate) struct Waiting<'a>(&'a Client);

impl Waiting<'_> {
    /// Whether another ended the wait.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<Ending> {
        with(&self.0.doing, |doing| match doing {
            Doing::Ended(ending) => Poll::Ready(*ending),
            _ => {
                *doing = Doing::Waits(Some(context.waker().clone()));
                Poll::Pending
            }
        })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        with(&self.0.doing, |doing| *doing = Doing::Runs);
    }
}
