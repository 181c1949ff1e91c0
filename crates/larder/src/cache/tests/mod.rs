//! What a cache promises, against oracles, races and hand-moved time.

mod bounds;
mod builds;
mod crowd;
mod flights;
mod freshness;
mod lifetimes;
mod listeners;
mod lru;
mod oracle;
mod races;
mod readings;
mod traces;

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use super::Cache;
use crate::ds::table::{BUCKETS, Home};
use crate::entry::Entries;

impl<K, V, S> Cache<K, V, S> {
    /// Walks everything and checks that the books agree with it.
    pub(super) fn assert_invariants(&self) {
        let core = &*self.core;
        let mut spent = 0;
        for stripe in core.stripes.iter() {
            stripe.write(&core.stripes.budget, |world| {
                world.surrender();
                let (mut count, mut weight) = (0, 0);
                for segment in 0..world.table.segments() {
                    for bucket in 0..BUCKETS as u32 {
                        world
                            .table
                            .visit_bucket(Home { segment, bucket }, |_, entry| {
                                assert!(
                                    world.shard.entries.pair(entry).is_some(),
                                    "a slot names a live entry"
                                );
                                count += 1;
                                weight += world.shard.entries.weight(&(), entry);
                            });
                    }
                }
                assert_eq!((count, weight), (world.table.len(), world.shard.weight()));
                assert!(
                    world.shard.entries.flights.is_empty(),
                    "no load is left over"
                );
                spent += weight;
            });
        }
        assert_eq!(
            core.stripes.budget.used(),
            spent,
            "what is spent is what is held"
        );
        assert_eq!(self.weight(), spent);
    }
}

/// Counts how often it was woken.
#[derive(Default)]
struct Bell(std::sync::atomic::AtomicUsize);

impl Bell {
    fn new() -> (Arc<Self>, Waker) {
        let bell = Arc::new(Bell::default());
        (Arc::clone(&bell), Waker::from(bell))
    }

    fn rings(&self) -> usize {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
}

/// Polls once with a waker that does nothing.
fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// A future that is pending until it is told to be ready.
fn gate<T: Clone>(open: &std::cell::RefCell<Option<T>>) -> impl Future<Output = T> + '_ {
    std::future::poll_fn(|_| open.borrow().clone().map_or(Poll::Pending, Poll::Ready))
}
