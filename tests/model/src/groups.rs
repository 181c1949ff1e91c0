//! Readers without a lock beside a writer of two stripes at once: they see all that it changed, or nothing.

use loom::sync::Arc;
use loom::thread;

use crate::ds::look::Look;
use crate::ds::table::HASH_ONE;
use crate::ds::{Ref, touch};
use crate::entry::Entries;
use crate::every_order;
use crate::shard::Shard;
use crate::stripes::{Stripes, low_bits};
use crate::sync::{AtomicU64, Ordering};
use crate::time::Millis;

/// One entry per stripe, which is a number.
struct Numbers;

/// The only entry.
const ENTRY: Ref = 0;

impl Entries for Numbers {
    type Shared = AtomicU64;
    type Gone = ();

    fn hash(&self, _number: &AtomicU64, _entry: Ref) -> u32 {
        low_bits_of(ENTRY)
    }

    fn approach(&self, _number: &AtomicU64, _entry: Ref) {}

    fn weight(&self, _number: &AtomicU64, _entry: Ref) -> u64 {
        1
    }

    fn deadline(&self, _number: &AtomicU64, _entry: Ref) -> Option<Millis> {
        None
    }

    fn is_young(&self, _number: &AtomicU64, _entry: Ref) -> bool {
        false
    }

    fn set_young(&mut self, _number: &AtomicU64, _entry: Ref, _young: bool) {}

    fn take(&mut self, _number: &AtomicU64, _entry: Ref) {}
}

fn low_bits_of(_entry: Ref) -> u32 {
    HASH_ONE
}

/// Two stripes, whose numbers are 1.
struct Pair(Stripes<Numbers>);

/// The hashes of the entry of each stripe.
const HASHES: [u64; 2] = [HASH_ONE as u64, 1 << 63 | HASH_ONE as u64];

impl Pair {
    fn new() -> Self {
        let stripes = Stripes::new(2, u64::MAX, 0, || {
            (AtomicU64::new(1), Shard { entries: Numbers })
        });
        for hash in HASHES {
            let table = &stripes.of(hash).table;
            touch(table, low_bits(hash));
            table.insert(low_bits(hash), ENTRY, low_bits_of);
            stripes.of(hash).read(|_, _, _| ());
            assert!(!stripes.of(hash).is_exclusive());
        }
        Pair(stripes)
    }

    /// Sets both numbers as one.
    fn set(&self, number: u64) {
        let mut worlds = self.0.lock_many(HASHES.into_iter());
        for hash in HASHES {
            let place = worlds.place(hash);
            let world = worlds.open(place);
            let (slot, _) = world
                .table
                .find(low_bits(hash), |_| true)
                .expect("it is there");
            world
                .table
                .mutate(slot, || world.shared.store(number, Ordering::Relaxed));
        }
    }

    /// As the store reads: without the lock if nobody changes several stripes, under it otherwise.
    fn read(&self, hash: u64) -> u64 {
        let stripe = self.0.of(hash);
        let low = low_bits(hash);
        if !stripe.is_exclusive() {
            let copy = |_| Some(stripe.shared.load(Ordering::Relaxed));
            if let Look::Found(number, sight) = stripe.table.look(low, copy)
                && sight.holds()
            {
                return number;
            }
        }
        stripe.read(|_, number, _| number.load(Ordering::Relaxed))
    }
}

/// Who has seen one change of a group sees the others next.
pub fn who_has_seen_one_change_of_a_group_sees_the_others() {
    every_order(|| {
        let pair = Arc::new(Pair::new());
        let reader = {
            let pair = Arc::clone(&pair);
            thread::spawn(move || HASHES.map(|hash| pair.read(hash)))
        };
        pair.set(2);
        let [first, second] = reader.join().expect("the reader ends");
        assert!(second >= first, "{first} and then {second}");
    });
}

/// What is observed as one was so at one moment.
pub fn what_is_observed_as_one_was_so_at_one_moment() {
    every_order(|| {
        let pair = Arc::new(Pair::new());
        let reader = {
            let pair = Arc::clone(&pair);
            thread::spawn(move || {
                let read = || HASHES.map(|hash| pair.read(hash));
                pair.0.observe(&HASHES, read)
            })
        };
        pair.set(2);
        let [first, second] = reader.join().expect("the reader ends");
        assert_eq!(first, second);
    });
}
