//! `Ready`: waiting for a limiter, first come, first served per key.
//!
//! ```text
//! refused -> join the key's relay -> not first: sleep until the turn comes
//!                                 -> first: check; refused: an alarm at its end of waiting, sleep; allowed: pass the turn on
//! ```
//!
//! Only the first in a queue asks the limiter and has an alarm; the others sleep until it passes the turn on, served or
//! dropped. A queue lives as long as somebody is in it.
//!
//! Invariant: a queue that somebody is in has one who runs, or a turn that is offered to one.

use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::cache::{Cache, Change};
use crate::error::BuildError;
use crate::reaper::{Upkeep, Upkept, Watch};
use crate::time::{Clock, Millis, millis};
use crate::wait::{AlarmId, Alarms, News, Relay, block_on};

use super::decision::Decision;
use super::limiter::RateLimiter;

/// The queue of one key.
struct Line {
    relay: Relay<()>,
    /// How many are in it: added to under the map's lock, so that a queue that is taken out of the map is empty.
    members: AtomicUsize,
}

/// The queues of a limiter, by key.
pub(super) struct Queues<K> {
    lines: Cache<K, Arc<Line>>,
    alarms: Alarms,
    clock: Clock,
    watch: Watch,
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> Queues<K> {
    pub(super) fn new(clock: Clock, upkeep: Upkeep) -> Result<Arc<Self>, BuildError> {
        // Bounded by who waits, each of whom holds a future or a thread.
        let lines = Cache::builder()
            .unbounded()
            .stripes(1)
            .without_stats()
            .build()?;
        Ok(Arc::new_cyclic(|who: &Weak<Self>| Queues {
            lines,
            alarms: Alarms::default(),
            watch: Watch::new(upkeep, &clock, who.clone()),
            clock,
        }))
    }

    /// Joins a key's queue; without a ticket it is the caller's turn.
    fn join(&self, key: &K) -> (Arc<Line>, Option<u64>) {
        let mut joined = None;
        self.lines.compute(key.clone(), |line| match line {
            Some(line) => {
                line.members.fetch_add(1, Ordering::Relaxed);
                joined = Some((Arc::clone(line), line.relay.join()));
                Change::Keep
            }
            None => {
                let line = Arc::new(Line {
                    relay: Relay::running(),
                    members: AtomicUsize::new(1),
                });
                joined = Some((Arc::clone(&line), None));
                Change::Insert(line)
            }
        });
        joined.expect("the closure runs once")
    }

    /// Leaves a queue, after the turn was passed on, and forgets it if it is empty.
    fn quit(&self, key: &K, line: &Arc<Line>) {
        if line.members.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.lines.remove_if(key, |named| {
                Arc::ptr_eq(named, line) && named.members.load(Ordering::Relaxed) == 0
            });
        }
    }
}

impl<K> Queues<K> {
    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Wakes whose time has come.
    pub(super) fn ring(&self) {
        drop(self.alarms.ring(self.clock.fine_now()));
    }
}

impl<K: Send + Sync> Upkept for Queues<K> {
    fn step(&self) -> Option<Millis> {
        self.ring();
        self.alarms.next_due()
    }

    fn watch(&self) -> &Watch {
        &self.watch
    }
}

/// How far a wait has come.
enum Stage {
    New,
    Queued(Arc<Line>, u64),
    First(Arc<Line>),
    Over,
}

/// What [`RateLimiter::until_ready`] returns: await it, or [`wait_blocking`](Ready::wait_blocking).
///
/// Safe to drop at any time: who is behind moves up, and nothing is charged.
#[must_use = "a future does nothing unless it is awaited"]
pub struct Ready<'a, K: Hash + Eq + Clone + Send + Sync + 'static> {
    limiter: &'a RateLimiter<K>,
    key: K,
    cost: u64,
    /// When patience ends.
    until: Option<Millis>,
    stage: Stage,
    alarm: Option<AlarmId>,
}

impl<'a, K: Hash + Eq + Clone + Send + Sync + 'static> Ready<'a, K> {
    pub(super) fn new(limiter: &'a RateLimiter<K>, key: K) -> Self {
        Ready {
            limiter,
            key,
            cost: 1,
            until: None,
            stage: Stage::New,
            alarm: None,
        }
    }

    /// Waits for a call that counts as so many.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let limiter = RateLimiter::<String>::new(Rule::token_bucket(10, Duration::from_secs(1)));
    /// assert_eq!(limiter.until_ready("ada").cost(10).wait_blocking().remaining, 0);
    /// ```
    pub fn cost(mut self, cost: u64) -> Self {
        self.cost = cost;
        self
    }

    /// Waits no longer than so, from now on; and not at all once it is first and knows that this would be too short.
    ///
    /// ```
    /// use larder::{RateLimiter, Rule};
    /// use std::time::Duration;
    ///
    /// let limiter = RateLimiter::<String>::new(Rule::fixed_window(1, Duration::from_secs(60)));
    /// assert!(limiter.check("ada").allowed);
    /// let refused = limiter.until_ready("ada").within(Duration::from_millis(5)).wait_blocking();
    /// assert!(!refused.allowed);
    /// ```
    pub fn within(mut self, patience: Duration) -> Self {
        let now = self.limiter.queues.clock.fine_now();
        self.until = Some(now.saturating_add(millis(patience)));
        self
    }

    /// Blocks the thread until the call is allowed, or never will be.
    ///
    /// With a [`ManualClock`](crate::ManualClock) or [`Upkeep::Manual`](crate::Upkeep) another thread has to call
    /// [`tick`](RateLimiter::tick).
    pub fn wait_blocking(mut self) -> Decision {
        block_on(|context| self.poll_turn(context), None).expect("there is no limit")
    }

    fn poll_turn(&mut self, context: &Context<'_>) -> Poll<Decision> {
        if matches!(self.stage, Stage::New) {
            // Nobody waits for any key: no queue is needed to be fair.
            if self.limiter.queues.is_empty()
                && let Ok(decision) = self.ask()
            {
                self.stage = Stage::Over;
                return Poll::Ready(decision);
            }
            self.stage = match self.limiter.queues.join(&self.key) {
                (line, Some(ticket)) => Stage::Queued(line, ticket),
                (line, None) => Stage::First(line),
            };
        }
        let polled = match &self.stage {
            Stage::Queued(line, ticket) => line.relay.poll(*ticket, context),
            _ => Poll::Ready(News::Turn),
        };
        let answer = match polled {
            Poll::Ready(_) => {
                if let Stage::Queued(line, _) = &self.stage {
                    self.stage = Stage::First(Arc::clone(line));
                }
                self.ask()
            }
            Poll::Pending => self.patience(),
        };
        match answer {
            Ok(decision) => {
                self.leave();
                Poll::Ready(decision)
            }
            Err(due) => {
                self.sleep(due, context);
                Poll::Pending
            }
        }
    }

    /// Asks the limiter: the final answer, or when to ask again.
    fn ask(&self) -> Result<Decision, Millis> {
        let decision = self.limiter.check_finely(&self.key, self.cost);
        let Some(wait) = decision.retry_after else {
            return Ok(decision);
        };
        // Rounded up twice: the wait to whole milliseconds, and the present, which is rounded down.
        let wait = millis(wait.saturating_add(Duration::from_nanos(1_999_999)));
        let due = self.limiter.queues.clock.fine_now().saturating_add(wait);
        match self.until {
            Some(until) if until < due => Ok(decision),
            _ => Err(due),
        }
    }

    /// A refusal once patience has ended, or when it will.
    fn patience(&self) -> Result<Decision, Millis> {
        let until = self.until.unwrap_or(Millis::MAX);
        if self.limiter.queues.clock.fine_now() < until {
            return Err(until);
        }
        Ok(Decision {
            allowed: false,
            ..self.limiter.peek(&self.key)
        })
    }

    /// Has the task woken at `due`.
    fn sleep(&mut self, due: Millis, context: &Context<'_>) {
        if due == Millis::MAX {
            return;
        }
        let queues = &self.limiter.queues;
        let waker = context.waker().clone();
        self.alarm = Some(queues.alarms.set(due, waker, self.alarm));
        queues.watch.note(due);
    }

    /// Lets go of the place in the queue, and of the alarm.
    fn leave(&mut self) {
        let queues = &self.limiter.queues;
        if let Some(alarm) = self.alarm.take() {
            queues.alarms.cancel(alarm);
        }
        let (line, has_turn) = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::First(line) => (line, true),
            Stage::Queued(line, ticket) => {
                let has_turn = line.relay.leave(ticket);
                (line, has_turn)
            }
            Stage::New | Stage::Over => return,
        };
        if has_turn {
            drop(line.relay.pass().1);
        }
        queues.quit(&self.key, &line);
    }
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static + Unpin> Future for Ready<'_, K> {
    type Output = Decision;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Decision> {
        self.poll_turn(context)
    }
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> Drop for Ready<'_, K> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> fmt::Debug for Ready<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready")
            .field("cost", &self.cost)
            .finish_non_exhaustive()
    }
}
