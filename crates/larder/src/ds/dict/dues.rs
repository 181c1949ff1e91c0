//! `Dues`: for each bucket, a time before which none of its elements is due.
//!
//! Three levels of lower bounds: a bucket's, the least of 64 buckets, the least of all. A deadline that is put lowers
//! them; one that goes leaves them, and they are raised when the time comes and nothing was due. Lowering is O(1),
//! finding a due bucket O(buckets / 64). 8.5 bytes a bucket from the first deadline on, and nothing before it.

use super::super::packed::NEVER;
use super::{ALLOCATION, held_by};

/// Buckets of a group.
const GROUP: usize = 64;

#[derive(Debug, Clone)]
struct Group {
    least: u64,
    bounds: Box<[u64; GROUP]>,
}

/// Lower bounds of the deadlines in each bucket.
#[derive(Debug, Default, Clone)]
pub(super) struct Dues {
    groups: Vec<Group>,
    /// At most the least of the groups; without meaning while there are none.
    least: u64,
}

impl Dues {
    pub(super) fn bytes(&self) -> u64 {
        let group = size_of::<[u64; GROUP]>() + ALLOCATION;
        held_by(self.groups.capacity(), size_of::<Group>()) + (self.groups.len() * group) as u64
    }

    /// What is held at most for so many buckets.
    pub(super) fn most_bytes(buckets: usize) -> u64 {
        let groups = buckets / GROUP + 1;
        let group = 2 * size_of::<Group>() + size_of::<[u64; GROUP]>() + ALLOCATION;
        (groups * group + 4 * size_of::<Group>() + ALLOCATION) as u64
    }

    /// The bound of all buckets.
    pub(super) fn next(&self) -> u64 {
        if self.groups.is_empty() {
            NEVER
        } else {
            self.least
        }
    }

    /// The bound of a bucket.
    pub(super) fn of(&self, bucket: usize) -> u64 {
        match self.groups.get(bucket / GROUP) {
            Some(group) => group.bounds[bucket % GROUP],
            None => NEVER,
        }
    }

    /// Notes that a bucket has an element with this deadline.
    pub(super) fn lower(&mut self, bucket: usize, due: u64) {
        if due == NEVER {
            return;
        }
        if self.groups.is_empty() {
            self.least = NEVER;
        }
        while self.groups.len() <= bucket / GROUP {
            self.groups.push(Group {
                least: NEVER,
                bounds: Box::new([NEVER; GROUP]),
            });
        }
        let group = &mut self.groups[bucket / GROUP];
        let bound = &mut group.bounds[bucket % GROUP];
        *bound = due.min(*bound);
        group.least = due.min(group.least);
        self.least = due.min(self.least);
    }

    /// Sets the bound of a bucket that has one.
    pub(super) fn set(&mut self, bucket: usize, due: u64) {
        let Some(group) = self.groups.get_mut(bucket / GROUP) else {
            return self.lower(bucket, due);
        };
        group.bounds[bucket % GROUP] = due;
        group.least = group.bounds.iter().copied().min().unwrap_or(NEVER);
        self.least = self.least.min(due);
    }

    /// A bucket whose bound has come; raises the bound of all if there is none.
    pub(super) fn first(&mut self, now: u64) -> Option<usize> {
        if self.next() > now {
            return None;
        }
        let Some(at) = self.groups.iter().position(|group| group.least <= now) else {
            let least = self.groups.iter().map(|group| group.least).min();
            self.least = least.unwrap_or(NEVER);
            return None;
        };
        let mut bounds = self.groups[at].bounds.iter();
        let within = bounds.position(|&bound| bound <= now)?;
        Some(at * GROUP + within)
    }

    #[cfg(test)]
    pub(super) fn assert_invariants(&self, buckets: usize) {
        for (at, group) in self.groups.iter().enumerate() {
            let least = group.bounds.iter().copied().min();
            assert_eq!(least, Some(group.least));
            assert!(self.least <= group.least);
            for (within, &bound) in group.bounds.iter().enumerate() {
                assert!(bound == NEVER || at * GROUP + within < buckets);
            }
        }
    }
}
