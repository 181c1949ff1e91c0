//! A number for each thread of a model, given in the order of asking.

use loom::sync::atomic::{AtomicUsize, Ordering};

/// Threads of a model that may have a number.
pub(crate) const NUMBERS: usize = 3;

loom::lazy_static! {
    static ref LEASED: AtomicUsize = AtomicUsize::new(0);
    static ref WORDS: [AtomicUsize; NUMBERS] = std::array::from_fn(|_| AtomicUsize::new(0));
}

loom::thread_local! {
    static NUMBER: std::cell::Cell<Option<usize>> = std::cell::Cell::new(None);
}

pub(crate) fn known() -> Option<usize> {
    NUMBER.with(std::cell::Cell::get)
}

pub(crate) fn number() -> usize {
    if let Some(number) = known() {
        return number;
    }
    let number = LEASED.fetch_add(1, Ordering::Relaxed);
    NUMBER.with(|own| own.set(Some(number)));
    number
}

pub(crate) fn leased() -> usize {
    LEASED.load(Ordering::Relaxed)
}

pub(crate) fn word(number: usize) -> &'static AtomicUsize {
    &WORDS[number]
}
