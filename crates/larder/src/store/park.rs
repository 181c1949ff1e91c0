//! How a thread waits for a future of the store's calls.

use std::pin::pin;
use std::time::Duration;

use super::core::Store;
use crate::wait::{Limit, block_on};

impl Store {
    /// Parks the thread until a future is ready, or the time is over on the store's clock: then `None`, and the future
    /// is dropped.
    ///
    /// For a wait for one of several things; where it is one of the store's own, its `_blocking` twin does the same.
    ///
    /// ```
    /// use std::time::Duration;
    /// use larder::{End, Store};
    ///
    /// let store = Store::new();
    /// store.list::<i64>("jobs").push_back(7)?;
    /// let job = store.take::<i64>(["jobs"], End::Front);
    /// let found = store.wait_blocking(job, Some(Duration::from_secs(1)));
    /// assert_eq!(found, Some(Ok(("jobs".into(), 7))));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// What the future's polls cost, and a parked thread.
    pub fn wait_blocking<F: Future>(&self, future: F, wait: Option<Duration>) -> Option<F::Output> {
        let mut future = pin!(future);
        let limit = wait.map(|wait| Limit::new(&self.core.clock, wait));
        block_on(|context| future.as_mut().poll(context), limit.as_ref())
    }
}
