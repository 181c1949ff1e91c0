//! `Pipeline`: several calls, sent together.

use std::fmt;

use super::core::Store;
use super::tx::{Open, Tx};
use crate::error::Error;

type Call<'p, R> = Box<dyn FnOnce(&Tx<'_>) -> Result<R, Error> + 'p>;

/// Calls that run one after the other, with nobody in between; made by [`Store::pipeline`].
///
/// ```
/// use larder::{Error, Store};
///
/// let store = Store::new();
/// store.set("name", "Ada")?;
/// let results = store
///     .pipeline()
///     .call(["visits"], |tx| tx.incr("visits", 1))
///     .call(["name"], |tx| tx.incr("name", 1))
///     .call(["visits"], |tx| tx.incr("visits", 10))
///     .run();
/// assert_eq!(results, [Ok(1), Err(Error::NotAnInteger), Ok(11)]);
/// # Ok::<(), larder::Error>(())
/// ```
#[must_use = "nothing happens before it is run"]
pub struct Pipeline<'p, R> {
    store: &'p Store,
    keys: Vec<Vec<u8>>,
    calls: Vec<Call<'p, R>>,
}

impl<R> fmt::Debug for Pipeline<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("calls", &self.calls.len())
            .finish_non_exhaustive()
    }
}

impl<'p, R> Pipeline<'p, R> {
    /// Adds a call on these keys.
    pub fn call(
        mut self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        call: impl FnOnce(&Tx<'_>) -> Result<R, Error> + 'p,
    ) -> Self {
        let keys = keys.into_iter().map(|key| key.as_ref().to_vec());
        self.keys.extend(keys);
        self.calls.push(Box::new(call));
        self
    }

    /// Runs all calls, in order, and returns what each returned.
    ///
    /// A call that fails is taken back, and the next one runs all the same.
    ///
    /// # Cost
    ///
    /// As [`Store::atomic`] on the keys of all calls: each stripe is locked once.
    ///
    /// # Consistency
    ///
    /// Nobody sees the state between two of the calls.
    pub fn run(self) -> Vec<Result<R, Error>> {
        let core = &self.store.core;
        let open = Open::new(core, Some(core.name(self.keys)));
        let run = |call: Call<'p, R>| open.one(call);
        self.calls.into_iter().map(run).collect()
    }
}

impl Store {
    /// Begins a row of calls that are to run together.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let keys = ["a", "b", "c"];
    /// let batch = keys.iter().fold(store.pipeline(), |batch, key| batch.call([key], move |tx| tx.incr(key, 1)));
    /// assert_eq!(batch.run(), [Ok(1), Ok(1), Ok(1)]);
    /// ```
    pub fn pipeline<R>(&self) -> Pipeline<'_, R> {
        Pipeline {
            store: self,
            keys: Vec::new(),
            calls: Vec::new(),
        }
    }
}
