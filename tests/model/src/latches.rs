//! Readers of an open latch, who come in by their slots, beside writers.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use crate::ds::latch::Latched;
use crate::{every_order, lease};

/// What a latch guards: loom says so if it is read while it is written.
struct Guarded(Latched<UnsafeCell<u32>>);

// SAFETY: the latch sees to it; that is what is tried.
unsafe impl Sync for Guarded {}
// SAFETY: as above.
unsafe impl Send for Guarded {}

impl Guarded {
    /// A latch that readers by slot may enter.
    fn open() -> Arc<Self> {
        lease::number();
        let guarded = Guarded(Latched::new(UnsafeCell::new(0)));
        for _ in 0..5 {
            guarded.get();
        }
        Arc::new(guarded)
    }

    fn get(&self) -> u32 {
        // SAFETY: loom checks the access.
        self.0.show(|cell| cell.with(|value| unsafe { *value }))
    }

    fn add(&self) {
        // SAFETY: loom checks the access.
        self.0.write().with_mut(|value| unsafe { *value += 1 });
    }
}

/// A reader by its slot and a writer exclude each other, and the reader sees an older value or the newer one.
pub fn a_reader_by_its_slot_and_a_writer_exclude_each_other() {
    every_order(|| {
        let guarded = Guarded::open();
        let reader = thread::spawn({
            let guarded = Arc::clone(&guarded);
            move || {
                lease::number();
                let first = guarded.get();
                let second = guarded.get();
                assert!(first <= second && second <= 1);
            }
        });
        guarded.add();
        assert_eq!(guarded.get(), 1);
        reader.join().expect("the reader does not panic");
    });
}

/// A writer that gives up leaves the latch such that the next writer still waits for who is inside by a slot.
pub fn a_writer_that_gives_up_does_not_let_the_next_one_in_too_early() {
    every_order(|| {
        let guarded = Guarded::open();
        let reader = thread::spawn({
            let guarded = Arc::clone(&guarded);
            move || {
                lease::number();
                guarded.get()
            }
        });
        drop(guarded.0.try_write());
        guarded.add();
        assert!(reader.join().expect("the reader does not panic") <= 1);
        assert_eq!(guarded.get(), 1);
    });
}
