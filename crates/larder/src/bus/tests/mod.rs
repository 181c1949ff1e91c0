//! What the bus promises.

mod channels;
mod ends;
mod oracle;
mod policies;
mod threads;

use super::{Event, RecvError, Subscription};

/// Everything that is there to read.
fn drain<T: Clone>(subscription: &mut Subscription<T>) -> Vec<Event<T>> {
    std::iter::from_fn(|| subscription.try_recv().ok()).collect()
}

/// The numbers of messages, and the sizes of gaps.
fn tally<T: Clone>(events: &[Event<std::sync::Arc<T>>]) -> (Vec<T>, u64) {
    let (mut messages, mut missed) = (Vec::new(), 0);
    for event in events {
        match event {
            Event::Message(message) => messages.push(T::clone(message)),
            Event::Gap { missed: gap } => missed += gap,
        }
    }
    (messages, missed)
}

/// Whether nothing is there now, and more may come.
fn is_empty<T: Clone>(subscription: &mut Subscription<T>) -> bool {
    matches!(subscription.try_recv(), Err(RecvError::Empty))
}
