//! `Index`: 24-bit hashes to 32-bit numbers in seven bytes each, packed.
//!
//! ```text
//! segment (of some hundred)   [ hash number | hash number | … ]     sorted by hash, no gaps
//! ```
//!
//! * The low bits of a hash choose the segment, by linear hashing: with `n` segments, the low bits modulo the next power
//!   of two, or half of it where that segment does not exist yet. One segment is split when there are more than `MEAN`
//!   entries for each, the last one merged when there are few, so growth never stops for long.
//! * In a segment the hash itself says where its entry stands, within a few places: the hashes are spread evenly, and
//!   sorted. So a search reads one or two lines, and no place is empty.
//! * The whole hash is in the entry: splitting looks at nothing else.
//!
//! Equal hashes may have several numbers, and the same one several times; who asks must compare. With 24 bits, some of
//! ten million entries share their hash with another, and cost a look at one element more.
//!
//! Cost: 7.5 bytes an entry and a header of 40 for some hundred; a search misses the header's line (in the cache up to
//! some millions) and one or two of the segment; inserting moves half a segment.

use super::slab::Slab;

/// Entries for each segment: few are quick to change, many share a header.
const MEAN: usize = 128;
/// An entry stands some five places from where it should, with as many entries as that.
const NEAR: usize = 5;
/// Capacities grow by so many entries.
const STEP: usize = 16;
/// What the allocator takes, at most, beside an allocation.
const ALLOCATED: u64 = 16;

/// A number and a hash of 24 bits.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Entry([u8; 7]);

impl Entry {
    #[inline]
    fn new(hash: u32, number: u32) -> Self {
        debug_assert!(hash <= Index::HASH_MASK);
        let [a, b, c, d, e, f, g, _] = (u64::from(hash) << 32 | u64::from(number)).to_le_bytes();
        Entry([a, b, c, d, e, f, g])
    }

    #[inline(always)]
    fn hash(self) -> u32 {
        // Read as four bytes: three take two loads.
        let [_, _, _, d, e, f, g] = self.0;
        u32::from_le_bytes([d, e, f, g]) >> 8
    }

    #[inline(always)]
    fn number(self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_le_bytes([a, b, c, d])
    }
}

#[derive(Clone, Default)]
struct Segment {
    entries: Vec<Entry>,
}

/// See the module's text.
#[derive(Clone)]
pub(crate) struct Index {
    segments: Slab<Segment>,
    /// Segments in use.
    count: u32,
    len: usize,
    /// Bytes that segments hold in their own allocations.
    packed: u64,
}

impl Segment {
    /// Where a hash should stand, if all were spread evenly.
    #[inline(always)]
    fn guess(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.entries.len() as u64) >> 24) as usize
    }

    /// Asks for the lines that a search from a guess reads, as a rule.
    #[inline(always)]
    fn approach(&self, at: usize) {
        let far = self.entries.len().saturating_sub(1);
        for near in [at.saturating_sub(NEAR), at + NEAR] {
            if let Some(entry) = self.entries.get(near.min(far)) {
                super::approach(entry);
            }
        }
    }

    /// The first entry whose hash is not less.
    #[inline]
    fn place_of(&self, hash: u32) -> usize {
        let (len, mut at) = (self.entries.len(), self.guess(hash));
        self.approach(at);
        while at > 0 && self.entries[at - 1].hash() >= hash {
            at -= 1;
        }
        while at < len && self.entries[at].hash() < hash {
            at += 1;
        }
        at
    }

    fn held(&self) -> u64 {
        match self.entries.capacity() {
            0 => 0,
            capacity => (capacity * size_of::<Entry>()) as u64 + ALLOCATED,
        }
    }

    fn reserve(&mut self) {
        if self.entries.len() == self.entries.capacity() {
            self.entries.reserve_exact(STEP);
        }
    }

    fn trim(&mut self) {
        if self.entries.len() + 2 * STEP <= self.entries.capacity() {
            self.entries
                .shrink_to(self.entries.len().next_multiple_of(STEP));
        }
    }
}

impl Index {
    /// The bits of a hash.
    pub(crate) const HASH_MASK: u32 = (1 << 24) - 1;

    pub(crate) fn new() -> Self {
        let mut segments = Slab::new();
        segments.insert(Segment::default());
        Index {
            segments,
            count: 1,
            len: 0,
            packed: 0,
        }
    }

    /// Bytes held on the heap.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.bytes() + self.packed
    }

    /// At most so many bytes more are held with so many entries more.
    pub(crate) fn growth(&self, entries: usize) -> u64 {
        let segments = (entries / MEAN + 1) as u64;
        let each = entries as u64 * (STEP * size_of::<Entry>()) as u64;
        let all = ((self.len + entries) * size_of::<Entry>()) as u64
            + (u64::from(self.count) + segments) * (3 * STEP * size_of::<Entry>()) as u64;
        // A split has two new allocations beside what the entries take.
        let splits = segments * (2 * (STEP * size_of::<Entry>()) as u64 + ALLOCATED);
        each.min(all.saturating_sub(self.packed))
            + splits
            + segments * 2 * size_of::<Segment>() as u64
            + self.segments.bytes() / 16
            + Slab::<Segment>::MOST_MORE
    }

    /// The segment of a hash.
    #[inline]
    fn address(&self, hash: u32) -> u32 {
        let mask = self.count.next_power_of_two() - 1;
        let full = hash & mask;
        if full < self.count {
            full
        } else {
            full & (mask >> 1)
        }
    }

    /// Asks for the lines that [`Self::find`] reads.
    #[inline]
    pub(crate) fn approach(&self, hash: u32) {
        let segment = &self.segments[self.address(hash)];
        segment.approach(segment.guess(hash));
    }

    /// Asks for the lines that [`Self::insert`] and [`Self::remove`] move.
    #[inline]
    pub(crate) fn approach_change(&self, hash: u32) {
        let segment = &self.segments[self.address(hash)];
        let from = segment.guess(hash).min(segment.entries.len());
        for line in segment.entries[from..].chunks(64 / size_of::<Entry>()) {
            super::approach(&line[0]);
        }
    }

    /// Shows the numbers of a hash until `pick` takes one.
    #[inline]
    pub(crate) fn find<R>(&self, hash: u32, mut pick: impl FnMut(u32) -> Option<R>) -> Option<R> {
        let segment = &self.segments[self.address(hash)];
        let same = segment.entries[segment.place_of(hash)..].iter();
        same.take_while(|entry| entry.hash() == hash)
            .find_map(|entry| pick(entry.number()))
    }

    /// Adds a number to a hash.
    pub(crate) fn insert(&mut self, hash: u32, number: u32) {
        let address = self.address(hash);
        self.edit(address, |segment| {
            segment.reserve();
            let at = segment.place_of(hash);
            segment.entries.insert(at, Entry::new(hash, number));
        });
        self.len += 1;
        if self.len > MEAN * self.count as usize {
            self.split();
        }
    }

    /// Takes a number that is there from a hash.
    pub(crate) fn remove(&mut self, hash: u32, number: u32) {
        let address = self.address(hash);
        self.edit(address, |segment| {
            let at = segment.place_of(hash);
            let wanted = Entry::new(hash, number);
            let same = segment.entries[at..].iter();
            let at = at
                + same
                    .take_while(|entry| entry.hash() == hash)
                    .position(|entry| *entry == wanted)
                    .expect("what is removed was inserted");
            segment.entries.remove(at);
            segment.trim();
        });
        self.len -= 1;
        // Well below the mean, so that what comes and goes does not split and merge.
        if self.count > 1 && self.len < MEAN / 2 * self.count as usize {
            self.merge();
        }
    }

    /// Gives a hash that has the number `from` the number `to` instead.
    pub(crate) fn replace(&mut self, hash: u32, from: u32, to: u32) {
        let address = self.address(hash);
        let segment = &mut self.segments[address];
        let at = segment.place_of(hash);
        let wanted = Entry::new(hash, from);
        let found = segment.entries[at..].iter_mut();
        let found = found
            .take_while(|entry| entry.hash() == hash)
            .find(|entry| **entry == wanted);
        *found.expect("what is replaced was inserted") = Entry::new(hash, to);
    }

    /// Changes a segment, and books what it holds.
    fn edit<R>(&mut self, address: u32, change: impl FnOnce(&mut Segment) -> R) -> R {
        let segment = &mut self.segments[address];
        let held = segment.held();
        let result = change(segment);
        self.packed = self.packed - held + segment.held();
        result
    }

    /// Moves the hashes that differ in one more bit from the next segment in turn to a new one.
    fn split(&mut self) {
        let new = self.count;
        let bit = 1 << new.ilog2();
        let old = new - bit;
        let moved = self.edit(old, |segment| {
            let (moved, stay): (Vec<_>, Vec<_>) = segment
                .entries
                .iter()
                .copied()
                .partition(|entry| entry.hash() & bit != 0);
            segment.entries = exactly(&[&stay]);
            exactly(&[&moved])
        });
        let right = Segment { entries: moved };
        self.packed += right.held();
        let at = self.segments.insert(right);
        debug_assert_eq!(at, new, "segments come and go in order");
        self.count += 1;
    }

    /// Moves the entries of the last segment back to the one that it was split from.
    fn merge(&mut self) {
        let last = self.count - 1;
        let buddy = last - (1 << last.ilog2());
        let gone = self.segments.remove(last);
        self.packed -= gone.held();
        self.edit(buddy, |segment| {
            segment.entries = exactly(&[&segment.entries, &gone.entries]);
            segment.entries.sort_unstable_by_key(|entry| entry.hash());
        });
        self.count = last;
    }

    /// Shows some `count` entries from `cursor` on, and returns where to go on, zero for the end. Cursors are hashes
    /// with their bits reversed: in that order a segment's hashes stand together, however many segments there are. So
    /// what is there from the first call to the last is shown, whatever comes and goes meanwhile.
    pub(crate) fn scan(&self, cursor: u32, count: usize, mut visit: impl FnMut(u32, u32)) -> u32 {
        let (mut cursor, mut left) = (cursor & Self::HASH_MASK, count.max(1));
        loop {
            let hash = reversed(cursor);
            let address = self.address(hash);
            let mut here: Vec<_> = self.segments[address]
                .entries
                .iter()
                .map(|entry| (reversed(entry.hash()), entry.number()))
                .filter(|(at, _)| *at >= cursor)
                .collect();
            here.sort_unstable();
            here.dedup();
            for (i, &(at, number)) in here.iter().enumerate() {
                if left == 0 && (i == 0 || here[i - 1].0 != at) {
                    return at;
                }
                left = left.saturating_sub(1);
                visit(reversed(at), number);
            }
            match self.behind(address) {
                0 => return 0,
                next if left == 0 => return next,
                next => cursor = next,
            }
        }
    }

    /// The first cursor behind a segment's, zero for the end.
    fn behind(&self, address: u32) -> u32 {
        let full = self.count.next_power_of_two();
        // A segment that was not split in this round yet covers twice as much.
        let split = full == self.count || address >= full / 2 || address + full / 2 < self.count;
        let bits = if split { full } else { full / 2 }.trailing_zeros();
        let span = 1 << (24 - bits);
        (reversed(address) + span) & Self::HASH_MASK
    }
}

/// A hash with its 24 bits in reverse, and back.
fn reversed(hash: u32) -> u32 {
    hash.reverse_bits() >> 8
}

/// One vector of these entries, with room up to the next step.
fn exactly(parts: &[&[Entry]]) -> Vec<Entry> {
    let len = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut all = Vec::new();
    all.reserve_exact((len + 1).next_multiple_of(STEP));
    for part in parts {
        all.extend_from_slice(part);
    }
    all
}

#[cfg(test)]
impl Index {
    pub(crate) fn assert_invariants(&self) {
        let (mut len, mut held) = (0, 0);
        for address in 0..self.count {
            let segment = &self.segments[address];
            assert!(segment.entries.is_sorted_by_key(|entry| entry.hash()));
            assert!(
                segment
                    .entries
                    .iter()
                    .all(|entry| self.address(entry.hash()) == address)
            );
            len += segment.entries.len();
            held += segment.held();
        }
        assert_eq!((self.len, self.packed), (len, held));
    }

    /// All that is held, sorted.
    pub(crate) fn pairs(&self) -> Vec<(u32, u32)> {
        let segments = (0..self.count).map(|address| &self.segments[address]);
        let entries = segments.flat_map(|segment| &segment.entries);
        let mut pairs: Vec<_> = entries
            .map(|entry| (entry.hash(), entry.number()))
            .collect();
        pairs.sort_unstable();
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Hashes that are spread, and some that many share.
    fn pair() -> impl Strategy<Value = (u32, u32)> {
        let hash = prop_oneof![9 => 0..=Index::HASH_MASK, 1 => 0..4u32];
        (hash, any::<u32>())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn the_index_is_a_sorted_list_of_pairs(
            rounds in prop::collection::vec((prop::collection::vec(pair(), 1..900), 0..900usize), 1..5),
        ) {
            let (mut index, mut naive) = (Index::new(), Vec::new());
            for (pairs, removed) in rounds {
                for (hash, number) in pairs {
                    let most = index.bytes() + index.growth(1);
                    index.insert(hash, number);
                    prop_assert!(index.bytes() <= most);
                    naive.push((hash, number));
                }
                for (hash, number) in naive.iter_mut().step_by(3) {
                    index.replace(*hash, *number, *number ^ 1);
                    *number ^= 1;
                }
                for _ in 0..removed.min(naive.len()) {
                    let (hash, number) = naive.swap_remove(removed % naive.len());
                    prop_assert_eq!(index.find(hash, |n| (n == number).then_some(n)), Some(number));
                    index.remove(hash, number);
                }
                index.assert_invariants();
                let mut sorted = naive.clone();
                sorted.sort_unstable();
                prop_assert_eq!(index.pairs(), sorted);
            }
        }

        #[test]
        fn a_scan_shows_what_stays_while_the_index_grows_and_shrinks(
            stay in prop::collection::hash_set(pair(), 1..500),
            others in prop::collection::vec(pair(), 0..1500),
            count in 1..60usize,
            shrink in any::<bool>(),
        ) {
            let mut index = Index::new();
            stay.iter().for_each(|&(hash, number)| index.insert(hash, number));
            if shrink {
                others.iter().for_each(|&(hash, number)| index.insert(hash, number));
            }
            let mut seen = std::collections::HashSet::new();
            let (mut cursor, mut changes) = (0, others.chunks(100));
            loop {
                cursor = index.scan(cursor, count, |hash, number| { seen.insert((hash, number)); });
                for &(hash, number) in changes.next().unwrap_or_default() {
                    if shrink {
                        index.remove(hash, number);
                    } else {
                        index.insert(hash, number);
                    }
                }
                if cursor == 0 {
                    break;
                }
            }
            prop_assert!(stay.is_subset(&seen));
        }
    }
}
