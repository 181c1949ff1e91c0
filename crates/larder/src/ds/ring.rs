//! `Ring`: a first-in first-out queue of references in fixed chunks.
//!
//! It grows and shrinks by one 1 KiB chunk at a time, so no push ever copies the queue; 4 bytes per reference.

use std::collections::VecDeque;

use super::Ref;

/// References per chunk.
const CHUNK: usize = 256;

/// A queue of references; see the module's text.
#[derive(Default)]
pub(crate) struct Ring {
    chunks: VecDeque<Box<[Ref; CHUNK]>>,
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
        (self.chunks.len() * CHUNK * size_of::<Ref>() + self.chunks.capacity() * size_of::<usize>())
            as u64
    }

    pub(crate) fn push(&mut self, reference: Ref) {
        let at = self.first + self.len;
        if at / CHUNK == self.chunks.len() {
            self.chunks.push_back(Box::new([0; CHUNK]));
        }
        self.chunks[at / CHUNK][at % CHUNK] = reference;
        self.len += 1;
    }

    /// The reference `ahead` places behind the first.
    pub(crate) fn peek(&self, ahead: usize) -> Option<Ref> {
        let at = self.first + ahead;
        (ahead < self.len).then(|| self.chunks[at / CHUNK][at % CHUNK])
    }

    pub(crate) fn pop(&mut self) -> Option<Ref> {
        if self.len == 0 {
            return None;
        }
        let reference = self.chunks[0][self.first];
        self.first += 1;
        self.len -= 1;
        if self.first == CHUNK {
            self.first = 0;
            self.chunks.pop_front();
        }
        Some(reference)
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
                    ring.push(reference as Ref);
                    oracle.push_back(reference as Ref);
                } else {
                    prop_assert_eq!(ring.pop(), oracle.pop_front());
                }
                prop_assert_eq!(ring.len(), oracle.len());
                prop_assert!(ring.chunks.len() * CHUNK < ring.len() + 2 * CHUNK + 1);
            }
        }
    }
}
