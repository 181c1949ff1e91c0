//! `Ghost`: which hashes left not long ago, as 16-bit fingerprints beside the table's buckets.
//!
//! For every bucket of the table there is one word of 128 bits: a queue of up to eight fingerprints, newest lowest,
//! where remembering shifts the oldest out. The policy says how many, so that a table that is little filled does not
//! remember far more than it holds. The bucket gives the rest of the hash, so a wrong match is about 1 in 8,000.
//! The memory is bounded by the table: 16 bytes per bucket, some 2.3 bytes per entry; it is made segment by
//! segment when something is first remembered there, so a cache that never evicts has none.

use super::approach;
use super::table::{BUCKETS, Home};

/// Fingerprints of a bucket.
const DEPTH: usize = 8;
const LANES: u128 = u128::MAX / 0xffff;
/// What is kept of a set in which so many fingerprints are remembered; at least one is.
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

/// Recently evicted hashes; see the module's text.
#[derive(Default)]
pub(crate) struct Ghost {
    segments: Vec<Option<Box<[u128; BUCKETS]>>>,
    held: u64,
}

/// A fingerprint from the hash bits that choose neither segment nor bucket in all but huge tables; never zero.
fn fingerprint(hash: u32) -> u16 {
    ((hash >> 15) as u16 ^ hash as u16).max(1)
}

impl Ghost {
    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        self.held + (self.segments.capacity() * size_of::<Option<Box<[u128; BUCKETS]>>>()) as u64
    }

    /// Brings the set of a home near.
    #[inline]
    pub(crate) fn approach(&self, home: Home) {
        if let Some(Some(sets)) = self.segments.get(home.segment as usize) {
            approach(&sets[home.bucket as usize]);
        }
    }

    /// Remembers a hash, and of its bucket the last `depth` in all.
    #[inline]
    pub(crate) fn remember(&mut self, home: Home, hash: u32, depth: u32) {
        if !matches!(self.segments.get(home.segment as usize), Some(Some(_))) {
            self.make(home.segment as usize);
        }
        let Some(Some(sets)) = self.segments.get_mut(home.segment as usize) else {
            return;
        };
        let set = &mut sets[home.bucket as usize % BUCKETS];
        *set = (*set << 16 | u128::from(fingerprint(hash))) & KEPT[(depth as usize).min(DEPTH)];
    }

    /// Makes the sets of a segment.
    #[cold]
    fn make(&mut self, segment: usize) {
        if segment >= self.segments.len() {
            self.segments.resize_with(segment + 1, || None);
        }
        self.held += size_of::<[u128; BUCKETS]>() as u64;
        self.segments[segment] = Some(Box::new([0; BUCKETS]));
    }

    /// Forgets a hash; says whether it was remembered.
    #[inline]
    pub(crate) fn forget(&mut self, home: Home, hash: u32) -> bool {
        let Some(Some(sets)) = self.segments.get_mut(home.segment as usize) else {
            return false;
        };
        let set = &mut sets[home.bucket as usize % BUCKETS];
        let (low, high) = (*set as u64, (*set >> 64) as u64);
        let pattern = LANES as u64 * u64::from(fingerprint(hash));
        if has_zero_lane(low ^ pattern) || has_zero_lane(high ^ pattern) {
            return take_out(set, fingerprint(hash));
        }
        false
    }
}

/// Whether one of four lanes is zero.
#[inline(always)]
fn has_zero_lane(word: u64) -> bool {
    const LOW: u64 = LANES as u64;
    word.wrapping_sub(LOW) & !word & (LOW << 15) != 0
}

/// Takes the newest lane with this fingerprint out of a set; says whether there was one.
#[inline(never)]
fn take_out(set: &mut u128, fingerprint: u16) -> bool {
    let differing = *set ^ (LANES * u128::from(fingerprint));
    for lane in 0..DEPTH {
        if (differing >> (16 * lane)) as u16 == 0 {
            let newer = *set & ((1u128 << (16 * lane)) - 1);
            let older = (*set >> (16 * lane) >> 16) << (16 * lane);
            *set = older | newer;
            return true;
        }
    }
    false
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
                    prop_assert_eq!(ghost.forget(home, hash), at.is_some());
                    if let Some(at) = at {
                        oracle.remove(at);
                    }
                }
            }
            let elsewhere = Home { segment: 2, bucket: 5 };
            prop_assert!(!ghost.forget(elsewhere, 7));
        }
    }
}
