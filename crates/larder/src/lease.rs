//! A small number for every thread, leased while it lives: for what is kept once per thread, side by side.
//!
//! Every thread that asks gets the lowest number that is free and gives it back when it ends. Numbers pass from one
//! thread to the next through an acquire-release pair, so what the last holder wrote, the next one sees.
//!
//! Invariant: a number below [`NONE`] has at most one holder at any moment.
//!
//! Cost: one thread-local load once the number is leased.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;

/// Numbers that can be leased: one per bit of the word that says which are free, less one.
pub(crate) const NUMBERS: usize = 63;
/// Stands for no number: the thread came too late, or is ending.
pub(crate) const NONE: usize = NUMBERS;
/// A thread that has not asked yet.
const UNASKED: usize = NUMBERS + 1;

/// Numbers not leased, one bit each; the bit of `NONE` is never set.
static FREE: AtomicU64 = AtomicU64::new(u64::MAX >> 1);
/// No number from this one on was ever leased.
static LEASED: AtomicUsize = AtomicUsize::new(0);

/// A word for each number, on lines of its own.
static WORDS: [CachePadded<AtomicUsize>; NUMBERS] =
    [const { CachePadded::new(AtomicUsize::new(0)) }; NUMBERS];

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(UNASKED) };
    static LEASE: Lease = Lease::take();
}

/// A thread's number, given back when the thread ends.
struct Lease(usize);

impl Lease {
    /// Leases the lowest free number.
    fn take() -> Self {
        let mut free = FREE.load(Ordering::Relaxed);
        while free != 0 {
            let rest = free & (free - 1);
            match FREE.compare_exchange_weak(free, rest, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => {
                    let number = free.trailing_zeros() as usize;
                    LEASED.fetch_max(number + 1, Ordering::Relaxed);
                    return Lease(number);
                }
                Err(now) => free = now,
            }
        }
        Lease(NONE)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Destructors that run after this one find no number.
        NUMBER.set(NONE);
        if self.0 != NONE {
            FREE.fetch_or(1 << self.0, Ordering::Release);
        }
    }
}

/// This thread's number, if it is known and below [`NONE`]: the fast half of [`number`].
#[inline(always)]
pub(crate) fn known() -> Option<usize> {
    let number = NUMBER.get();
    (number < NONE).then_some(number)
}

/// This thread's number, leased now if it never asked; [`NONE`] if all are taken, or the thread is ending.
#[cold]
pub(crate) fn number() -> usize {
    let number = NUMBER.get();
    if number != UNASKED {
        return number;
    }
    let number = LEASE.try_with(|lease| lease.0).unwrap_or(NONE);
    NUMBER.set(number);
    number
}

/// The word of a number below [`NONE`]: written by its holder alone, read by anyone.
#[inline(always)]
pub(crate) fn word(number: usize) -> &'static AtomicUsize {
    &WORDS[number]
}

/// One more than the highest number that was leased. A thread's number is counted before it learns of it.
#[inline]
pub(crate) fn leased() -> usize {
    LEASED.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_living_threads_differ_and_those_of_dead_ones_are_leased_again() {
        let mut most = 0;
        for _ in 0..20 {
            let barrier = std::sync::Barrier::new(20);
            let numbers: Vec<usize> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..20)
                    .map(|_| {
                        scope.spawn(|| {
                            let own = number();
                            barrier.wait();
                            own
                        })
                    })
                    .collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().expect("no thread panics"))
                    .collect()
            });
            let mut held: Vec<usize> = numbers
                .into_iter()
                .filter(|&number| number != NONE)
                .collect();
            held.sort_unstable();
            let all = held.len();
            held.dedup();
            assert_eq!(held.len(), all, "two threads had one number");
            most = most.max(held.last().map_or(0, |last| last + 1));
        }
        assert!(leased() >= most && leased() <= NUMBERS);
    }
}
