//! `Ghost`: which hashes left not long ago, as 16-bit fingerprints beside the table's buckets.
//!
//! For every bucket of the table there are two memories.
//! * One word of 128 bits for those that were on probation: a queue of up to eight fingerprints, newest lowest, where
//!   remembering shifts the oldest out, so that the place of a fingerprint tells its age. The policy says how many, so that a
//!   table that is little filled does not remember far more than it holds.
//! * One fingerprint for the last one that left main. These stand together, 64 in two cache lines: the hand goes over the
//!   buckets in order, and finds them at hand.
//!
//! The bucket gives the rest of the hash, so a wrong match is about 1 in 7,000. The memory is bounded by the table: 18 bytes
//! per bucket, some 2.5 bytes per entry; it is made segment by segment when something is first remembered there, so a
//! cache that never evicts has none.

use super::approach;
use super::table::{BUCKETS, Home};

/// Fingerprints of a bucket.
const DEPTH: usize = 8;
/// The lowest bit of each fingerprint in half a queue, and the highest.
const LOW: u64 = 0x0001_0001_0001_0001;
const HIGH: u64 = LOW << 15;
/// What is kept of a queue in which so many fingerprints are remembered; at least one is.
const KEPT: [u128; DEPTH + 1] = {
    let mut kept = [u128::MAX; DEPTH + 1];
    let mut depth = 0;
    while depth < DEPTH {
        let lanes = if depth == 0 { 1 } else { depth };
        kept[depth] = u128::MAX >> (128 - 16 * lanes);
        depth += 1;
    }
    kept
};

/// The memories of a segment's buckets.
struct Sets {
    queues: [u128; BUCKETS],
    lost: [u16; BUCKETS],
}

/// What is known of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// Nothing.
    Unknown,
    /// It was on probation; so many of its bucket were since.
    Probation(u32),
    /// It was the last of its bucket to leave main.
    Main,
}

/// Recently evicted hashes; see the module's text.
#[derive(Default)]
pub(crate) struct Ghost {
    segments: Vec<Option<Box<Sets>>>,
    held: u64,
}

/// A fingerprint from the hash bits that choose neither segment nor bucket in all but huge tables; never zero.
fn fingerprint(hash: u32) -> u16 {
    ((hash >> 15) as u16 ^ hash as u16).max(1)
}

/// Marks the fingerprints in half a queue that equal the one that fills `pattern`: the lowest mark is right, those above it
/// need not be.
#[inline(always)]
fn equal(half: u64, pattern: u64) -> u64 {
    let differing = half ^ pattern;
    differing.wrapping_sub(LOW) & !differing & HIGH
}

impl Ghost {
    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        self.held + (self.segments.capacity() * size_of::<Option<Box<Sets>>>()) as u64
    }

    /// Brings what is known of a home near.
    #[inline]
    pub(crate) fn approach(&self, home: Home) {
        if let Some(Some(sets)) = self.segments.get(home.segment as usize) {
            approach(&sets.queues[home.bucket as usize % BUCKETS]);
            approach(&sets.lost[home.bucket as usize % BUCKETS]);
        }
    }

    /// The memories of a segment, made if need be.
    #[inline]
    fn sets(&mut self, segment: usize) -> Option<&mut Sets> {
        if !matches!(self.segments.get(segment), Some(Some(_))) {
            self.make(segment);
        }
        self.segments.get_mut(segment)?.as_deref_mut()
    }

    #[cold]
    fn make(&mut self, segment: usize) {
        if segment >= self.segments.len() {
            self.segments.resize_with(segment + 1, || None);
        }
        self.held += size_of::<Sets>() as u64;
        self.segments[segment] = Some(Box::new(Sets {
            queues: [0; BUCKETS],
            lost: [0; BUCKETS],
        }));
    }

    /// Remembers a hash on probation, and of its bucket the last `depth` in all.
    #[inline]
    pub(crate) fn remember(&mut self, home: Home, hash: u32, depth: u32) {
        if let Some(sets) = self.sets(home.segment as usize) {
            let queue = &mut sets.queues[home.bucket as usize % BUCKETS];
            let kept = KEPT[(depth as usize).min(DEPTH)];
            *queue = (*queue << 16 | u128::from(fingerprint(hash))) & kept;
        }
    }

    /// Remembers that a hash left main.
    #[inline]
    pub(crate) fn lose(&mut self, home: Home, hash: u32) {
        if let Some(sets) = self.sets(home.segment as usize) {
            sets.lost[home.bucket as usize % BUCKETS] = fingerprint(hash);
        }
    }

    /// Forgets a hash; says what was known of it.
    #[inline]
    pub(crate) fn forget(&mut self, home: Home, hash: u32) -> Memory {
        let Some(Some(sets)) = self.segments.get_mut(home.segment as usize) else {
            return Memory::Unknown;
        };
        let bucket = home.bucket as usize % BUCKETS;
        let (queue, lost, fingerprint) = (
            &mut sets.queues[bucket],
            &mut sets.lost[bucket],
            fingerprint(hash),
        );
        let pattern = LOW * u64::from(fingerprint);
        let low = equal(*queue as u64, pattern);
        let high = equal((*queue >> 64) as u64, pattern);
        if low | high != 0 {
            return Memory::Probation(take_out(queue, low, high));
        }
        if *lost == fingerprint {
            *lost = 0;
            return Memory::Main;
        }
        Memory::Unknown
    }
}

/// Takes the newest of the marked fingerprints out of a queue; says its place.
#[inline(never)]
fn take_out(queue: &mut u128, low: u64, high: u64) -> u32 {
    let place = if low != 0 {
        low.trailing_zeros() / 16
    } else {
        4 + high.trailing_zeros() / 16
    };
    let newer = *queue & ((1u128 << (16 * place)) - 1);
    let older = (*queue >> (16 * place) >> 16) << (16 * place);
    *queue = older | newer;
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    proptest! {
        #[test]
        fn a_bucket_remembers_its_last_few(
            depth in 1..=8u32,
            ops in prop::collection::vec((any::<bool>(), 0..40u32), 0..300),
        ) {
            let home = Home { segment: 3, bucket: 5 };
            let (mut ghost, mut oracle) = (Ghost::default(), VecDeque::new());
            for (remember, key) in ops {
                let hash = key << 15;
                if remember {
                    ghost.remember(home, hash, depth);
                    oracle.push_front(fingerprint(hash));
                    oracle.truncate(depth as usize);
                } else {
                    let at = oracle.iter().position(|&f| f == fingerprint(hash));
                    let known = at.map_or(Memory::Unknown, |at| Memory::Probation(at as u32));
                    prop_assert_eq!(ghost.forget(home, hash), known);
                    if let Some(at) = at {
                        oracle.remove(at);
                    }
                }
            }
            let elsewhere = Home { segment: 2, bucket: 5 };
            prop_assert_eq!(ghost.forget(elsewhere, 7), Memory::Unknown);
        }
    }

    #[test]
    fn a_bucket_remembers_the_last_one_that_left_main_once() {
        let (here, there) = (
            Home {
                segment: 0,
                bucket: 63,
            },
            Home {
                segment: 0,
                bucket: 62,
            },
        );
        let mut ghost = Ghost::default();
        ghost.lose(here, 5 << 15);
        assert_eq!(ghost.forget(there, 5 << 15), Memory::Unknown);
        ghost.lose(here, 6 << 15);
        assert_eq!(ghost.forget(here, 5 << 15), Memory::Unknown);
        assert_eq!(ghost.forget(here, 6 << 15), Memory::Main);
        assert_eq!(ghost.forget(here, 6 << 15), Memory::Unknown);
    }
}
