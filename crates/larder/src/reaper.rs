//! `Reaper`: the one background thread of the process, which does the upkeep of every store and cache that asked for it.
//!
//! ```text
//! write --> timer filed under the stripe's lock --> watch.note(deadline)
//!                                                    | not earlier than what is planned: done (one load)
//!                                                    v earlier: plan it, wake the thread (start it, if there is none)
//! thread: sleep until the earliest plan --> open the watch --> step --> plan what the step said is next
//! ```
//!
//! The thread starts with the first deadline that anyone files and ends when the last instance that has filed one is
//! dropped. It holds instances weakly. A step is bounded, so instances with much to reap take turns.
//!
//! Why no deadline is missed: before a step the thread forgets what was planned ([`Watch::open`]); a write that files
//! its timer after the step has looked at the stripe has taken the stripe's lock after it, so it sees that nothing is
//! planned and plans its own.
//!
//! Cost: a write with a deadline loads one word that rarely changes. Nothing runs for instances without deadlines,
//! for manual clocks, and with [`Upkeep::Manual`].

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Weak};
use std::time::Duration;

use crate::sync::{Condvar, Mutex};
use crate::time::{Clock, Millis};

/// Who does the upkeep of a store or cache: reaping what has expired, and waking waiters whose time is over.
///
/// ```
/// use larder::{Cache, Upkeep};
/// use std::time::Duration;
///
/// let cache: Cache<&str, u32> =
///     Cache::builder().max_entries(100).upkeep(Upkeep::Manual).build()?;
/// cache.insert_with_ttl("a", 1, Duration::ZERO);
/// assert_eq!(cache.get("a"), None); // an expired entry is never returned, upkeep or not
/// cache.tick();
/// # Ok::<(), larder::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Upkeep {
    /// One thread for the whole process, started when the first deadline is set. The default.
    ///
    /// With a [`ManualClock`](crate::ManualClock) there is no thread: call `tick()`.
    #[default]
    Shared,
    /// No thread: writes that set a deadline reap a little, the rest is up to whoever calls `tick()`.
    Manual,
}

/// An instance that the reaper can look after.
pub(crate) trait Upkept: Send + Sync {
    /// Does a bounded part of what is due, holding no lock for long. Returns when it wants the next step, on its own clock,
    /// or [`AT_ONCE`].
    fn step(&self) -> Option<Millis>;

    /// The instance's watch.
    fn watch(&self) -> &Watch;
}

/// In [`Watch::planned`]: nothing is.
const NOTHING: Millis = Millis::MAX;
/// Earlier than any deadline.
pub(crate) const AT_ONCE: Millis = 0;

/// An instance's line to the reaper. Dropping it ends the reaper's interest.
pub(crate) struct Watch {
    /// The step that is planned, on the instance's clock. [`AT_ONCE`] where upkeep is manual: nothing is earlier.
    planned: AtomicU64,
    /// Names the instance at the reaper.
    id: u64,
    /// From the instance's clock to the reaper's.
    shift: i64,
    who: Option<Weak<dyn Upkept>>,
}

impl Watch {
    /// A watch kept by the shared thread.
    fn shared(clock: &Clock, who: Weak<dyn Upkept>) -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        Watch {
            planned: AtomicU64::new(NOTHING),
            id: IDS.fetch_add(1, Ordering::Relaxed),
            shift: clock.origin_after(&REAPER.clock),
            who: Some(who),
        }
    }

    /// A watch that nobody keeps: the owner calls `tick()`.
    fn manual() -> Self {
        Watch {
            planned: AtomicU64::new(AT_ONCE),
            id: 0,
            shift: 0,
            who: None,
        }
    }

    /// The watch for a store or cache with these settings; `who` is the instance.
    pub(crate) fn new(upkeep: Upkeep, clock: &Clock, who: Weak<dyn Upkept>) -> Self {
        match upkeep {
            Upkeep::Shared if !clock.is_manual() => Self::shared(clock, who),
            _ => Self::manual(),
        }
    }

    /// Whether nobody keeps the watch.
    #[inline]
    pub(crate) fn is_manual(&self) -> bool {
        self.who.is_none()
    }

    /// Sees to it that a step is taken at `due`. Call it after the timer was filed and the stripe unlocked.
    #[inline]
    pub(crate) fn note(&self, due: Millis) {
        if due < self.planned.load(Ordering::Relaxed) {
            self.plan(due);
        }
    }

    #[cold]
    fn plan(&self, due: Millis) {
        if self.planned.fetch_min(due, Ordering::Relaxed) <= due {
            return;
        }
        if let Some(who) = &self.who {
            REAPER.plan(self.id, who, self.shifted(due));
        }
    }

    /// A moment of the instance's clock on the reaper's.
    fn shifted(&self, due: Millis) -> Millis {
        match due {
            AT_ONCE | NOTHING => due,
            _ => due.saturating_add_signed(self.shift),
        }
    }

    /// Forgets what was planned: a step begins.
    fn open(&self) {
        self.planned.store(NOTHING, Ordering::Relaxed);
    }

    /// A step ended; `due` is planned.
    fn close(&self, due: Millis) {
        self.planned.fetch_min(due, Ordering::Relaxed);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.who.is_some() {
            REAPER.dismiss(self.id);
        }
    }
}

static REAPER: LazyLock<Reaper> = LazyLock::new(|| Reaper {
    clock: Clock::system(),
    state: Mutex::default(),
    changed: Condvar::new(),
});

/// See the module's text.
struct Reaper {
    /// Plans of instances with different clocks are compared on this one.
    clock: Clock,
    state: Mutex<State>,
    /// A plan became earlier, or an instance left.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    watched: BTreeMap<u64, Watched>,
    /// Whether the thread runs; it clears this under the lock, right before it ends.
    running: bool,
}

struct Watched {
    who: Weak<dyn Upkept>,
    /// The next step on the reaper's clock.
    at: Millis,
}

/// What the thread does next.
enum Task {
    Step(u64, Weak<dyn Upkept>),
    Sleep(Option<Duration>),
    End,
}

impl State {
    fn next_task(&mut self, now: Millis) -> Task {
        let Some((&id, watched)) = self
            .watched
            .iter_mut()
            .min_by_key(|(_, watched)| watched.at)
        else {
            return Task::End;
        };
        if watched.at > now {
            let asleep = watched.at - now;
            return Task::Sleep((watched.at != NOTHING).then(|| Duration::from_millis(asleep)));
        }
        watched.at = NOTHING;
        Task::Step(id, watched.who.clone())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts a thread; it owns the lock of its plans"
)]
impl Reaper {
    /// Plans a step.
    fn plan(&'static self, id: u64, who: &Weak<dyn Upkept>, at: Millis) {
        let mut state = self.state.lock();
        let watched = state.watched.entry(id).or_insert_with(|| Watched {
            who: who.clone(),
            at: NOTHING,
        });
        watched.at = watched.at.min(at);
        if !state.running {
            // Where no thread can be had, expired entries stay invisible and are reaped by `tick()`.
            let name = "larder-reaper".to_owned();
            state.running = std::thread::Builder::new()
                .name(name)
                .spawn(|| self.run())
                .is_ok();
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Forgets an instance.
    fn dismiss(&self, id: u64) {
        let gone = self.state.lock().watched.remove(&id);
        if gone.is_some() {
            self.changed.notify_one();
        }
    }

    /// The thread.
    fn run(&self) {
        let mut state = self.state.lock();
        loop {
            match state.next_task(self.clock.fine_now()) {
                Task::End => break,
                Task::Sleep(None) => self.changed.wait(&mut state),
                Task::Sleep(Some(duration)) => {
                    self.changed.wait_for(&mut state, duration);
                }
                Task::Step(id, who) => {
                    drop(state);
                    let next = step(&who);
                    drop(who);
                    state = self.state.lock();
                    self.book(&mut state, id, next);
                }
            }
        }
        state.running = false;
    }

    /// Plans what an instance wants after its step.
    fn book(&self, state: &mut State, id: u64, next: Option<Millis>) {
        match next {
            None => drop(state.watched.remove(&id)),
            Some(at) => {
                // Behind those who have waited longer.
                let at = if at == AT_ONCE {
                    self.clock.fine_now()
                } else {
                    at
                };
                if let Some(watched) = state.watched.get_mut(&id) {
                    watched.at = watched.at.min(at);
                }
            }
        }
    }
}

/// Lets an instance take a step, and returns when the next one is to be; `None` if it is gone. A panic (of a listener's or
/// a value's destructor) ends the step.
fn step(who: &Weak<dyn Upkept>) -> Option<Millis> {
    let instance = who.upgrade()?;
    let next = catch_unwind(AssertUnwindSafe(|| {
        let watch = instance.watch();
        watch.open();
        let due = instance.step().unwrap_or(NOTHING);
        watch.close(due);
        let next = watch.shifted(due);
        // The last handle may have gone meanwhile: then the instance's values are dropped here.
        drop(instance);
        next
    }));
    Some(next.unwrap_or(AT_ONCE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// An instance with one timer, which tells when it was reaped.
    struct Timer {
        clock: Clock,
        due: Mutex<Option<Millis>>,
        watch: Watch,
        told: Mutex<Sender<Millis>>,
    }

    impl Timer {
        fn new() -> (Arc<Self>, Receiver<Millis>) {
            let (told, reaped) = channel();
            let clock = Clock::system();
            let timer = Arc::new_cyclic(|who: &Weak<Self>| Timer {
                due: Mutex::new(None),
                watch: Watch::shared(&clock, who.clone()),
                clock,
                told: Mutex::new(told),
            });
            (timer, reaped)
        }

        #[expect(clippy::disallowed_methods, reason = "the test's own lock")]
        fn file(&self, wait: Millis) -> Millis {
            let due = self.clock.fine_now() + wait;
            *self.due.lock() = Some(due);
            self.watch.note(due);
            due
        }
    }

    impl Upkept for Timer {
        #[expect(clippy::disallowed_methods, reason = "the test's own lock")]
        fn step(&self) -> Option<Millis> {
            let now = self.clock.fine_now();
            let mut due = self.due.lock();
            if due.is_some_and(|due| due <= now) {
                *due = None;
                self.told.lock().send(now).expect("the test listens");
            }
            *due
        }

        fn watch(&self) -> &Watch {
            &self.watch
        }
    }

    #[test]
    fn a_timer_is_reaped_when_nobody_calls_and_never_early() {
        let (timer, reaped) = Timer::new();
        let due = timer.file(20);
        assert!(reaped.recv().expect("the thread reaps") >= due);
    }

    #[test]
    fn an_earlier_timer_wakes_the_thread_that_sleeps_for_a_later_one() {
        let (timer, reaped) = Timer::new();
        timer.file(3_600_000);
        let due = timer.file(5);
        assert!(reaped.recv().expect("the thread reaps") >= due);
    }

    #[test]
    fn no_timer_is_missed_that_is_filed_while_a_step_is_taken() {
        let (timer, reaped) = Timer::new();
        for _ in 0..2_000 {
            timer.file(0);
            reaped.recv().expect("the thread reaps");
        }
    }

    /// An instance that never comes to its end.
    struct Endless {
        steps: AtomicU64,
        watch: Watch,
    }

    impl Upkept for Endless {
        fn step(&self) -> Option<Millis> {
            self.steps.fetch_add(1, Ordering::Relaxed);
            Some(AT_ONCE)
        }

        fn watch(&self) -> &Watch {
            &self.watch
        }
    }

    #[test]
    fn an_instance_that_wants_step_after_step_keeps_no_other_waiting() {
        let clock = Clock::system();
        let [one, other] = [(), ()].map(|()| {
            Arc::new_cyclic(|who: &Weak<Endless>| Endless {
                steps: AtomicU64::new(0),
                watch: Watch::shared(&clock, who.clone()),
            })
        });
        one.watch.note(AT_ONCE);
        other.watch.note(AT_ONCE);
        let (timer, reaped) = Timer::new();
        for _ in 0..5 {
            timer.file(5);
            reaped.recv().expect("the thread reaps");
        }
        assert!(one.steps.load(Ordering::Relaxed) > 0);
        assert!(other.steps.load(Ordering::Relaxed) > 0);
    }

    #[test]
    fn a_dropped_instance_is_forgotten() {
        let (timer, reaped) = Timer::new();
        timer.file(3_600_000);
        let id = timer.watch.id;
        drop(timer);
        #[expect(clippy::disallowed_methods, reason = "a look at the reaper's plans")]
        let watched = REAPER.state.lock().watched.contains_key(&id);
        assert!(!watched);
        assert!(reaped.recv().is_err());
    }

    #[test]
    fn a_manual_watch_plans_nothing() {
        let watch = Watch::manual();
        watch.note(1);
        assert!(watch.is_manual());
    }
}
