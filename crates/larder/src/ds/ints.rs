//! `Ints`: a set of integers, as a sorted array in one run of bytes.
//!
//! ```text
//! 0   0x80 | width   integers, ascending, each of 2, 4 or 8 bytes
//! ```
//!
//! All have the width of the one that needs most. The second byte tells such a run from a packed block, whose count is
//! lower. Cost: a look-up is a binary search; a change moves the integers above it; a wider integer rewrites all.

use super::dict::ALLOCATION;

/// In the second byte.
const MARK: u8 = 0x80;
const HEAD: usize = 2;
/// The array grows by so many bytes at a time.
const STEP: usize = 64;

/// See the module's text.
#[derive(Debug, Clone)]
pub(crate) struct Ints {
    bytes: Vec<u8>,
}

fn width_of(int: i64) -> usize {
    if i16::try_from(int).is_ok() {
        2
    } else if i32::try_from(int).is_ok() {
        4
    } else {
        8
    }
}

/// The integer of these bytes, of which there are 2, 4 or 8.
#[inline]
fn read(bytes: &[u8]) -> i64 {
    match *bytes {
        [a, b] => i64::from(i16::from_le_bytes([a, b])),
        [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => i64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => unreachable!("integers have 2, 4 or 8 bytes"),
    }
}

impl Ints {
    /// Whether these bytes are those of a set of integers.
    pub(crate) fn is(bytes: &[u8]) -> bool {
        bytes.get(1).is_some_and(|byte| byte & MARK != 0)
    }

    /// The set that these bytes are.
    pub(crate) fn open(bytes: Vec<u8>) -> Self {
        Ints { bytes }
    }

    /// An empty set, in this buffer.
    pub(crate) fn new(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.extend([0, MARK | 2]);
        Ints { bytes: buffer }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Bytes held on the heap.
    pub(crate) fn held(&self) -> u64 {
        (self.bytes.capacity() + ALLOCATION) as u64
    }

    /// Bytes by which so many more integers can make it grow, whichever they are.
    pub(crate) fn growth(&self, ints: usize) -> u64 {
        let most = HEAD + (self.len() + ints) * size_of::<i64>();
        let most = most.next_multiple_of(STEP);
        most.saturating_sub(self.bytes.capacity()) as u64
    }

    /// Gives back room for more than the next step.
    pub(crate) fn tighten(&mut self) {
        self.bytes
            .shrink_to(self.bytes.len().next_multiple_of(STEP));
    }

    fn width(&self) -> usize {
        usize::from(self.bytes[1] & !MARK)
    }

    pub(crate) fn len(&self) -> usize {
        (self.bytes.len() - HEAD) / self.width()
    }

    /// The integer of an index below the length.
    pub(crate) fn get(&self, index: usize) -> i64 {
        let (at, width) = (HEAD + index * self.width(), self.width());
        read(&self.bytes[at..at + width])
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = i64> {
        self.bytes[HEAD..].chunks_exact(self.width()).map(read)
    }

    /// Where an integer is, or would be.
    pub(crate) fn search(&self, int: i64) -> Result<usize, usize> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from.midpoint(to);
            match self.get(middle).cmp(&int) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => to = middle,
                std::cmp::Ordering::Equal => return Ok(middle),
            }
        }
        Err(from)
    }

    /// Adds an integer; tells whether it was not there.
    pub(crate) fn insert(&mut self, int: i64) -> bool {
        let Err(index) = self.search(int) else {
            return false;
        };
        let width = self.width().max(width_of(int));
        if width > self.width() {
            self.widen(width);
        }
        let (at, end) = (HEAD + index * width, self.bytes.len());
        if end + width > self.bytes.capacity() {
            let wanted = (end + width).next_multiple_of(STEP);
            self.bytes.reserve_exact(wanted - end);
        }
        self.bytes.resize(end + width, 0);
        self.bytes.copy_within(at..end, at + width);
        self.bytes[at..at + width].copy_from_slice(&int.to_le_bytes()[..width]);
        true
    }

    fn widen(&mut self, width: usize) {
        let ints: Vec<i64> = self.iter().collect();
        self.bytes.truncate(HEAD);
        let length = HEAD + ints.len() * width;
        self.bytes
            .reserve_exact(length.next_multiple_of(STEP) - HEAD);
        self.bytes[1] = MARK | width as u8;
        for int in ints {
            self.bytes.extend_from_slice(&int.to_le_bytes()[..width]);
        }
    }

    /// Takes out the integer of an index below the length.
    pub(crate) fn remove(&mut self, index: usize) {
        let (at, width) = (HEAD + index * self.width(), self.width());
        self.bytes.drain(at..at + width);
    }

    #[cfg(test)]
    pub(crate) fn assert_invariants(&self) {
        assert!(Self::is(&self.bytes));
        assert!(matches!(self.width(), 2 | 4 | 8));
        assert!(self.iter().is_sorted_by(|a, b| a < b));
        for (index, int) in self.iter().enumerate() {
            assert_eq!(self.search(int), Ok(index));
            assert!(width_of(int) <= self.width());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn any_int() -> impl Strategy<Value = i64> {
        prop_oneof![6 => -40..40_i64, 2 => any::<i16>().prop_map(i64::from), 1 => any::<i32>().prop_map(i64::from), 1 => any::<i64>()]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn integers_follow_an_ordered_set(steps in prop::collection::vec((any::<bool>(), any_int()), 0..150)) {
            let (mut ints, mut model) = (Ints::new(Vec::new()), BTreeSet::new());
            for (add, int) in steps {
                if add {
                    prop_assert_eq!(ints.insert(int), model.insert(int));
                } else {
                    let place = ints.search(int);
                    prop_assert_eq!(place.is_ok(), model.remove(&int));
                    if let Ok(index) = place {
                        ints.remove(index);
                    }
                }
                ints.assert_invariants();
                prop_assert!(ints.iter().eq(model.iter().copied()));
                prop_assert_eq!(ints.len(), model.len());
                ints = Ints::open(ints.into_bytes());
            }
        }
    }
}
