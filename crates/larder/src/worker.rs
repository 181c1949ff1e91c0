//! `Worker`: a thread of one owner, for work that may take long.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A thread that takes a step whenever it is nudged, and when the last step said that it wants the next.
///
/// Dropping it lets the step under way end and waits for that, unless it is dropped by its own thread.
pub(crate) struct Worker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts a thread. A step that panics is taken as one that wants nothing.
    #[expect(clippy::disallowed_methods, reason = "the one thread of one owner")]
    pub(crate) fn start(
        name: &str,
        mut step: impl FnMut() -> Option<Duration> + Send + 'static,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let run = move || {
            while !stopped.load(Ordering::Acquire) {
                match catch_unwind(AssertUnwindSafe(&mut step)) {
                    Ok(Some(wait)) => thread::park_timeout(wait),
                    _ => thread::park(),
                }
            }
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Worker {
            stop,
            thread: Some(thread),
        })
    }

    /// Lets the thread take a step; a nudge during one is good for another.
    pub(crate) fn nudge(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.nudge();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            // Its panics were caught.
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_worker_steps_when_nudged_survives_panics_and_ends_with_its_owner() {
        let (told, steps) = channel();
        let mut number = 0;
        let worker = Worker::start("test", move || {
            number += 1;
            told.send(number).expect("the test listens");
            assert_ne!(number, 2, "a step that panics");
            None
        });
        let worker = worker.expect("a thread can be had");
        for number in 1..=3 {
            assert_eq!(steps.recv(), Ok(number));
            worker.nudge();
        }
        drop(worker);
        assert!(steps.iter().count() <= 1);
    }
}
