//! `Latch`: a readers-writer lock whose readers write nothing that they share.
//!
//! A lock that counts its readers costs two atomic exchanges on one line per read, and every core that reads pulls that
//! line over. Here a reader says where it is in its thread's slot (the word of its leased number), and a writer looks through the slots:
//!
//! ```text
//! reader                                   writer
//!   own slot := this latch                   lock `raw` exclusively
//!   fence                                    if `mode` is not SHUT:
//!   is `mode` still OPEN? inside               `mode` := CLOSING
//!   else own slot := nothing,                  fence
//!        lock `raw` shared                     wait until no slot names this latch
//!   ..                                         `mode` := SHUT
//!   own slot := nothing
//! ```
//!
//! The fences are sequentially consistent: of a reader that comes in and a writer that looks, at least one sees the other.
//!
//! A shut latch is the `raw` lock and nothing else. Readers open it once so many of them came in a row, without a
//! writer, that looking through the slots will have been worth it: [`PATIENCE`] for each slot that is in use.
//!
//! Cost: a read of an open latch is a store to a line that no other thread writes, a fence, a load and
//! a store. A write
//! pays for the slots only when readers opened the latch since the last one. After Dice and Kogan, "BRAVO: biased
//! locking for reader-writer locks" (ATC 2019); there the slots are found by a hash of thread and lock, here a thread
//! has one, and the bias comes back by counting reads instead of by the clock.
//!
//! # Why `unsafe`
//!
//! `lock_api` turns any [`RawRwLock`] into a lock around data, and asks its implementer for one promise: an exclusive
//! hold excludes every other. That is the only `unsafe` thing here; no pointer is followed.
//!
//! * *Two writers*: both hold `raw` exclusively.
//! * *A writer and a reader that holds `raw` shared*: `raw` excludes them.
//! * *A writer and a reader that is in by its slot*: one of the two fences comes first. If the writer's, the reader
//!   after its own sees `CLOSING`, or what came later, and is not inside. If the reader's, the writer after its own sees
//!   the slot, and the reader's number among those that were [`leased`](crate::lease::leased): both were stored before
//!   the reader's fence. Then it waits until the slot changes. `CLOSING` turns to `SHUT` only after a look that found
//!   nobody, and `mode` turns `OPEN` only by the hand of a reader that holds `raw` shared, so never beside a writer.
//! * *What one writes, the other sees*: every store to a slot is a release and every look at one acquires it, so a writer
//!   that finds a reader gone has all its reads behind it. What a writer wrote before it let go of `raw`, the reader
//!   that opened the latch after it saw when it took `raw`; it stored `OPEN` with release, and readers by slot
//!   acquire that.
//! * *Letting go*: a thread clears its slot if the slot names this latch, and lets go of `raw` otherwise. It is inside
//!   by its slot only while the slot names the latch. If it is inside twice, by the slot and by `raw`, it does not
//!   matter which of the two goes first: the other keeps writers out until the second has gone.

#![expect(
    clippy::disallowed_methods,
    reason = "the lock behind a latch is taken here"
)]

use crate::lease;
use crate::sync::{
    AtomicU32, AtomicUsize, Backoff, GuardNoSend, Ordering, RawRwLock, ReadGuardBy, RwLockBy,
    SystemLock, WriteGuardBy, fence,
};

/// Reads in a row, per slot in use, after which a latch opens: a look at a slot costs a writer about what a read by slot
/// saves its reader.
const PATIENCE: u32 = 4;

/// Readers hold `raw`.
const SHUT: u32 = 0;
/// Readers come in by their slots.
const OPEN: u32 = 1;
/// Readers hold `raw`; some may still be in by their slots.
const CLOSING: u32 = 2;

/// Data behind a latch.
pub(crate) struct Latched<T>(RwLockBy<Latch, T>);

pub(crate) type LatchReadGuard<'a, T> = ReadGuardBy<'a, Latch, T>;
pub(crate) type LatchWriteGuard<'a, T> = WriteGuardBy<'a, Latch, T>;

/// See the module's text.
pub(crate) struct Latch {
    raw: SystemLock,
    mode: AtomicU32,
    /// Reads since the last write while the latch was shut. Some may be lost.
    reads: AtomicU32,
}

/// A reader that is inside by its slot, which names the latch until this is dropped.
struct Visit {
    slot: &'static AtomicUsize,
    number: usize,
}

impl Drop for Visit {
    #[inline(always)]
    fn drop(&mut self) {
        self.slot.store(0, Ordering::Release);
    }
}

/// Data shown to a thread that is inside by its slot.
pub(crate) struct Inside<'a, T> {
    data: &'a T,
    visit: Visit,
}

impl<T> Inside<'_, T> {
    /// The thread's leased number.
    #[inline(always)]
    pub(crate) fn number(&self) -> usize {
        self.visit.number
    }
}

impl<T> std::ops::Deref for Inside<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        self.data
    }
}

/// A shared hold of a latch: by the slot that names it, or else by `raw`.
struct Hold<'a> {
    slot: Option<Visit>,
    latch: &'a Latch,
}

impl Drop for Hold<'_> {
    #[inline(always)]
    #[expect(unsafe_code, reason = "gives back what `Latch::hold` took")]
    fn drop(&mut self) {
        if self.slot.is_none() {
            // SAFETY: taken by `Latch::hold`, which found no way in by a slot.
            unsafe { self.latch.raw.unlock_shared() }
        }
    }
}

impl<T> Latched<T> {
    pub(crate) fn new(data: T) -> Self {
        Latched(RwLockBy::new(data))
    }

    /// Shows the data to `work`, and holds off writers meanwhile.
    #[inline(always)]
    #[expect(
        unsafe_code,
        reason = "a guard that forgets how it came in costs a look at the slot"
    )]
    pub(crate) fn show<R>(&self, work: impl FnOnce(&T) -> R) -> R {
        // SAFETY: nothing is locked or unlocked through it but what `Hold` undoes.
        let latch = unsafe { self.0.raw() };
        let _hold = latch.hold();
        // SAFETY: until that ends, nobody holds the latch exclusively; see the module's text.
        work(unsafe { &*self.0.data_ptr() })
    }

    /// Lets the thread in by its slot, if the latch is open and the slot free.
    #[inline(always)]
    #[expect(unsafe_code, reason = "see `show`")]
    pub(crate) fn enter(&self) -> Option<Inside<'_, T>> {
        // SAFETY: nothing is locked or unlocked through it but what `Visit` undoes.
        let visit = unsafe { self.0.raw() }.enter()?;
        // SAFETY: until the visit ends, nobody holds the latch exclusively; see the module's text.
        let data = unsafe { &*self.0.data_ptr() };
        Some(Inside { data, visit })
    }

    #[inline]
    pub(crate) fn read(&self) -> LatchReadGuard<'_, T> {
        self.0.read()
    }

    #[inline]
    pub(crate) fn write(&self) -> LatchWriteGuard<'_, T> {
        self.0.write()
    }

    pub(crate) fn try_write(&self) -> Option<LatchWriteGuard<'_, T>> {
        self.0.try_write()
    }
}

impl Latch {
    /// What stands for this latch in a slot; it stays where it is while anyone is inside.
    #[inline(always)]
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Comes in by the thread's slot, if that is free and the latch open.
    #[inline(always)]
    fn enter(&self) -> Option<Visit> {
        if self.mode.load(Ordering::Relaxed) != OPEN {
            return None;
        }
        let number = lease::known()?;
        let slot = lease::word(number);
        if slot.load(Ordering::Relaxed) != 0 {
            return None;
        }
        slot.store(self.address(), Ordering::Release);
        let visit = Visit { slot, number };
        fence(Ordering::SeqCst);
        (self.mode.load(Ordering::Acquire) == OPEN).then_some(visit)
    }

    /// Comes in, by the slot or by `raw`.
    #[inline(always)]
    fn hold(&self) -> Hold<'_> {
        let slot = self.enter();
        if slot.is_none() {
            self.lock_shared_slowly();
        }
        Hold { slot, latch: self }
    }

    /// Counts a read of the holder of `raw`, and opens the latch when there were enough.
    fn count(&self) {
        let reads = self.reads.load(Ordering::Relaxed).saturating_add(1);
        self.reads.store(reads, Ordering::Relaxed);
        if reads > PATIENCE * lease::leased() as u32 && self.mode.load(Ordering::Relaxed) != OPEN {
            // So that it knows its number from now on.
            lease::number();
            self.mode.store(OPEN, Ordering::Release);
        }
    }

    #[inline(never)]
    fn lock_shared_slowly(&self) {
        self.raw.lock_shared();
        self.count();
    }

    /// Lets nobody in by a slot any more; says whether nobody is. The caller holds `raw` exclusively.
    fn close(&self) -> bool {
        self.mode.store(CLOSING, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let mut slots = (0..lease::leased()).map(lease::word);
        slots.all(|slot| slot.load(Ordering::Acquire) != self.address())
    }

    /// Shuts the latch for the holder of `raw`, when those have left who are inside by their slots.
    #[inline(never)]
    fn shut(&self) {
        let backoff = Backoff::new();
        while !self.close() {
            backoff.snooze();
        }
        self.mode.store(SHUT, Ordering::Relaxed);
    }
}

#[expect(
    unsafe_code,
    reason = "the promise of an implementer; see the module's text"
)]
// SAFETY: an exclusive hold excludes every other; the argument stands in the module's text.
unsafe impl RawRwLock for Latch {
    const INIT: Self = Latch {
        raw: SystemLock::INIT,
        mode: AtomicU32::new(SHUT),
        reads: AtomicU32::new(0),
    };

    /// A guard must be dropped by the thread whose slot it may be in.
    type GuardMarker = GuardNoSend;

    #[inline(always)]
    fn lock_shared(&self) {
        match self.enter() {
            Some(visit) => std::mem::forget(visit),
            None => self.lock_shared_slowly(),
        }
    }

    fn try_lock_shared(&self) -> bool {
        if let Some(visit) = self.enter() {
            std::mem::forget(visit);
            return true;
        }
        let locked = self.raw.try_lock_shared();
        if locked {
            self.count();
        }
        locked
    }

    #[inline(always)]
    unsafe fn unlock_shared(&self) {
        if let Some(number) = lease::known()
            && lease::word(number).load(Ordering::Relaxed) == self.address()
        {
            lease::word(number).store(0, Ordering::Release);
            return;
        }
        // SAFETY: the caller holds the latch, and not by its slot: so it holds `raw`.
        unsafe { self.raw.unlock_shared() }
    }

    #[inline]
    fn lock_exclusive(&self) {
        self.raw.lock_exclusive();
        if self.mode.load(Ordering::Relaxed) != SHUT {
            self.shut();
        }
        self.reads.store(0, Ordering::Relaxed);
    }

    fn try_lock_exclusive(&self) -> bool {
        if !self.raw.try_lock_exclusive() {
            return false;
        }
        if self.mode.load(Ordering::Relaxed) != SHUT {
            if !self.close() {
                // SAFETY: taken above.
                unsafe { self.raw.unlock_exclusive() };
                return false;
            }
            self.mode.store(SHUT, Ordering::Relaxed);
        }
        self.reads.store(0, Ordering::Relaxed);
        true
    }

    #[inline]
    unsafe fn unlock_exclusive(&self) {
        // SAFETY: the caller holds the latch exclusively, and with it `raw`.
        unsafe { self.raw.unlock_exclusive() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    /// Reads until the latch is open.
    fn open<T: Copy>(latched: &Latched<T>) {
        for _ in 0..=PATIENCE as usize * lease::NUMBERS {
            latched.show(|data| *data);
        }
    }

    #[test]
    fn a_latch_opens_after_enough_reads_and_a_write_shuts_it() {
        let latched = Latched::new(1);
        let mode = |latched: &Latched<i32>| {
            let raw: &Latch = lock_of(latched);
            raw.mode.load(Ordering::Relaxed)
        };
        assert_eq!(mode(&latched), SHUT);
        open(&latched);
        assert_eq!(mode(&latched), OPEN);
        *latched.write() += 1;
        assert_eq!(mode(&latched), SHUT);
        assert_eq!(latched.show(|data| *data), 2);
    }

    #[expect(unsafe_code, reason = "a test looks at the mode")]
    fn lock_of<T>(latched: &Latched<T>) -> &Latch {
        // SAFETY: nothing is locked or unlocked through it.
        unsafe { latched.0.raw() }
    }

    #[test]
    fn a_writer_that_does_not_wait_gives_up_while_a_reader_is_inside_by_its_slot() {
        let latched = Latched::new(1);
        open(&latched);
        latched.show(|_| {
            std::thread::scope(|scope| {
                scope.spawn(|| assert!(latched.try_write().is_none()));
            });
        });
        assert!(latched.try_write().is_some());
    }

    #[test]
    fn a_reader_may_be_inside_several_latches() {
        let (first, second) = (Latched::new(1), Latched::new(2));
        open(&first);
        open(&second);
        let sum = first.show(|a| second.show(|b| a + b));
        let guards = (first.read(), second.read());
        assert_eq!(sum, *guards.0 + *guards.1);
        drop(guards);
        (*first.write(), *second.write()) = (3, 4);
        assert_eq!(first.show(|a| second.show(|b| a + b)), 7);
    }

    #[test]
    fn a_panic_inside_leaves_the_latch() {
        let latched = Latched::new(1);
        open(&latched);
        let inside = || latched.show(|_| panic!("inside"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(inside)).is_err());
        *latched.write() = 2;
        assert_eq!(*latched.read(), 2);
    }

    #[test]
    fn readers_and_writers_exclude_each_other() {
        // Both halves are the same at any moment at which no writer is inside.
        let latched = Latched::new((0_u64, 0_u64));
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut last = 0;
                    while !done.load(Ordering::Relaxed) {
                        let (first, second) = latched.show(|pair| *pair);
                        assert_eq!(first, second, "a writer was inside");
                        assert!(first >= last, "an older state came back");
                        last = first;
                    }
                });
            }
            for round in 0..3_000_u64 {
                if let Some(mut pair) = latched.try_write() {
                    pair.0 += 1;
                    std::hint::spin_loop();
                    pair.1 += 1;
                }
                let mut pair = latched.write();
                pair.0 += 1;
                for _ in 0..round % 50 {
                    std::hint::spin_loop();
                }
                pair.1 += 1;
            }
            done.store(true, Ordering::Relaxed);
        });
        assert!(latched.show(|pair| pair.0) >= 3_000);
    }
}
