//! `Ring`: a first-in first-out queue of references with their hashes, in fixed chunks.
//!
//! It grows and shrinks by one 2 KiB chunk at a time, of which it keeps a spare one, so no push ever copies the queue; 8 bytes per
//! reference. The hash
//! leads to the reference's bucket without a look at the entry, which would be a cache miss before another.

use std::collections::VecDeque;

use super::Ref;

/// References per chunk.
const CHUNK: usize = 256;

/// A reference and the hash that it stood under when it was pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queued {
    pub(crate) entry: Ref,
    pub(crate) hash: u32,
}

/// A queue of references; see the module's text.
#[derive(Default)]
pub(crate) struct Ring {
    chunks: VecDeque<Box<[Queued; CHUNK]>>,
    /// The last one that became empty, for the next that is needed.
    spare: Option<Box<[Queued; CHUNK]>>,
    /// Place of the first reference in the first chunk.
    first: usize,
    len: usize,
}

impl Ring {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes held beyond the ring itself.
    pub(crate) fn bytes(&self) -> u64 {
        let chunks = self.chunks.len() + usize::from(self.spare.is_some());
        (chunks * CHUNK * size_of::<Queued>() + self.chunks.capacity() * size_of::<usize>()) as u64
    }

    #[inline]
    pub(crate) fn push(&mut self, queued: Queued) {
        let at = self.first + self.len;
        if at / CHUNK == self.chunks.len() {
            self.grow();
        }
        self.chunks[at / CHUNK][at % CHUNK] = queued;
        self.len += 1;
    }

    #[cold]
    fn grow(&mut self) {
        let spare = self.spare.take();
        let fresh = || Box::new([Queued::default(); CHUNK]);
        self.chunks.push_back(spare.unwrap_or_else(fresh));
    }

    /// The reference `ahead` places behind the first.
    #[inline]
    pub(crate) fn peek(&self, ahead: usize) -> Option<Queued> {
        let at = self.first + ahead;
        (ahead < self.len).then(|| self.chunks[at / CHUNK][at % CHUNK])
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Queued> {
        if self.len == 0 {
            return None;
        }
        let queued = self.chunks[0][self.first];
        self.first += 1;
        self.len -= 1;
        if self.first == CHUNK {
            self.first = 0;
            self.spare = self.chunks.pop_front();
        }
        Some(queued)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_ring_agrees_with_a_deque(ops in prop::collection::vec(any::<(bool, bool)>(), 0..4000)) {
            let (mut ring, mut oracle) = (Ring::default(), VecDeque::new());
            for (reference, (push, more)) in ops.into_iter().enumerate() {
                if push || more {
                    let entry = reference as Ref;
                    let queued = Queued { entry, hash: !entry };
                    ring.push(queued);
                    oracle.push_back(queued);
                } else {
                    prop_assert_eq!(ring.pop(), oracle.pop_front());
                }
                prop_assert_eq!(ring.len(), oracle.len());
                prop_assert!(ring.chunks.len() * CHUNK < ring.len() + 2 * CHUNK + 1);
            }
        }
    }
}
