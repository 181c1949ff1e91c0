//! `Table`: hash to reference, read without a lock, grown one small step at a time.
//!
//! ```text
//! segment = a run of buckets          bucket = one 64-byte line
//! +----+----+----+-- --+----+         +--------+-----------+----------+---------+---------+
//! | b0 | b1 | b2 |     | bn |         | 8 tags | 3 tags, o | counters | 11 refs | version |
//! +----+----+----+-- --+----+         +--------+-----------+----------+---------+---------+
//! ```
//!
//! * A hash has 31 bits: 17 choose the segment, 6 or 7 worth of range the home bucket, 8 are the tag.
//! * An entry sits in its home bucket or, where that is full, in one of the next; every full bucket that it passed
//!   counts it in its overflow count `o`, so a search ends at the first bucket whose count is zero. Nothing leaves a
//!   tombstone. (The counting is F14's.) A segment that is full to the last slot, which only a bad hash brings
//!   about, carries on in a chained one.
//! * Growth is linear hashing over segments: with `n` segments, a hash goes to its low bits modulo the next power of
//!   two, or modulo half of it where that segment does not exist yet. When the average fill passes `ROUND_AT`, the
//!   table doubles in a *round*: every few inserts split one more segment, in order. No directory, no pause longer
//!   than one split, and no memory is ever given back while readers may look at it.
//! * Tables with different `stagger` have segments of different size and so start their rounds at different
//!   lengths: taken together they are never all half empty.
//!
//! **Readers** take no lock: load the bucket's version (even), match tag and record, copy, fence, load the version
//! again. A hit is right if the version held; a miss only if, besides, no segment was added.
//! **Writers** must be serialised by the caller (the stripe's lock), make the version odd while they change a bucket,
//! and a record that the bucket names, and even again after.
//!
//! Cost: one line per hit (1.1 on average), two dependent loads to find it; 64 bytes per 11 slots, filled 43 to 86 %.
//! The 2-bit access counters belong to the entries but live here, where a hit has the line at hand. Readers bump them
//! with plain stores: an increment may get lost, nothing else can.
//!
//! All words are atomics, so a torn read is a wrong value, which the version exposes, and never undefined.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use super::Ref;
use super::stable::Stable;

/// References per bucket: with their tags, counters, overflow count and version they fill one cache line.
const SLOTS: usize = 11;
/// Buckets per segment of the smallest stagger: a split moves some 230 entries, 15 µs.
const MIN_BUCKETS: u32 = 48;
/// A doubling round starts when this part of all slots is taken (of 256): later, long probes; earlier, wasted lines.
const ROUND_AT: u64 = 210;
/// While a round lasts, one split every (slots of a segment / this) inserts: it ends within 5 % more entries.
const PACE: u32 = 24;
/// Segments are named by 17 hash bits.
const MAX_SEGMENTS: u32 = 1 << 17;
/// Bits of a hash that the table and everything beside it use.
pub(crate) const HASH_MASK: u32 = 0x7fff_ffff;
/// Optimistic reads give up after so many disturbed tries, and the caller takes the lock.
const TRIES: u32 = 3;
/// Highest value of an access counter.
pub(crate) const COUNTER_MAX: u32 = 3;

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const LOW_SEVEN: u64 = 0x7f7f_7f7f_7f7f_7f7f;

#[repr(align(64))]
struct Bucket {
    /// Tags of slots 0 to 7, a byte each, zero where the slot is free.
    tags: AtomicU64,
    /// Tags of slots 8 to 10, then the overflow count, which sticks at 255.
    tail: AtomicU32,
    /// Two bits per slot.
    counters: AtomicU32,
    refs: [AtomicU32; SLOTS],
    /// Odd while a writer is inside.
    version: AtomicU32,
}

struct Segment {
    buckets: Box<[Bucket]>,
    /// Where entries go that found the whole segment full.
    next: OnceLock<Box<Segment>>,
}

/// Where an entry's reference stands; valid until the next change of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    segment: u32,
    /// How many chained segments down.
    depth: u16,
    bucket: u8,
    index: u8,
}

/// The home of a hash: names a set of a structure laid out beside the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) segment: u32,
    pub(crate) bucket: u32,
}

/// An optimistic read was disturbed too often: take the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contended;

/// A hash table of references; see the module's text.
pub(crate) struct Table {
    /// Segments in use; published after a new one is filled.
    segments: AtomicU32,
    /// Buckets per segment.
    buckets: u32,
    pool: Stable<Segment>,
    /// Entries. Written under the caller's lock, read by anyone.
    len: AtomicU32,
    /// Inserts since the last split of the present round.
    since_split: AtomicU32,
    /// Chained segments ever made.
    chained: AtomicU32,
}

/// The tags of a bucket as two words.
#[derive(Clone, Copy)]
struct Tags {
    low: u64,
    high: u32,
}

/// Slots whose tag matched, lowest first.
struct Matches(u64);

impl Iterator for Matches {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some((bit >> 3) | ((bit & 1) << 3))
    }
}

/// High bit of every byte of `word` that is zero, exactly.
#[inline(always)]
fn zero_bytes(word: u64) -> u64 {
    !(((word & LOW_SEVEN) + LOW_SEVEN) | word | LOW_SEVEN)
}

impl Tags {
    #[inline(always)]
    fn matches(self, tag: u8) -> Matches {
        let pattern = u64::from(tag) * LOW_BITS;
        let low = zero_bytes(self.low ^ pattern);
        // The fourth byte is the overflow count: it must not match.
        let high = zero_bytes((u64::from(self.high) ^ pattern) & 0xff_ffff | !0xff_ffff);
        Matches((low >> 7) | (high >> 6))
    }

    #[inline(always)]
    fn overflow(self) -> u32 {
        self.high >> 24
    }

    fn occupied(self) -> Matches {
        let low = zero_bytes(self.low) ^ (LOW_BITS << 7);
        let high = zero_bytes(u64::from(self.high) | !0xff_ffff) ^ 0x0080_8080;
        Matches((low >> 7) | (high >> 6))
    }
}

impl Bucket {
    fn new() -> Self {
        Bucket {
            tags: AtomicU64::new(0),
            tail: AtomicU32::new(0),
            counters: AtomicU32::new(0),
            refs: [const { AtomicU32::new(0) }; SLOTS],
            version: AtomicU32::new(0),
        }
    }

    #[inline(always)]
    fn load(&self) -> Tags {
        Tags { low: self.tags.load(Ordering::Relaxed), high: self.tail.load(Ordering::Relaxed) }
    }

    fn set_tag(&self, index: usize, tag: u8) {
        if index < 8 {
            let shift = index * 8;
            let word = self.tags.load(Ordering::Relaxed) & !(0xff << shift);
            self.tags.store(word | u64::from(tag) << shift, Ordering::Relaxed);
        } else {
            let shift = (index - 8) * 8;
            let word = self.tail.load(Ordering::Relaxed) & !(0xff << shift);
            self.tail.store(word | u32::from(tag) << shift, Ordering::Relaxed);
        }
    }

    fn add_overflow(&self) {
        let tail = self.tail.load(Ordering::Relaxed);
        if tail >> 24 != 255 {
            self.tail.store(tail + (1 << 24), Ordering::Relaxed);
        }
    }

    fn sub_overflow(&self) {
        let tail = self.tail.load(Ordering::Relaxed);
        if tail >> 24 != 255 {
            self.tail.store(tail - (1 << 24), Ordering::Relaxed);
        }
    }

    #[inline(always)]
    fn counter(&self, index: usize) -> u32 {
        (self.counters.load(Ordering::Relaxed) >> (2 * index)) & COUNTER_MAX
    }

    fn set_counter(&self, index: usize, value: u32) {
        let word = self.counters.load(Ordering::Relaxed) & !(COUNTER_MAX << (2 * index));
        self.counters.store(word | value << (2 * index), Ordering::Relaxed);
    }

    /// Counts an access; writes nothing once the counter is full.
    #[inline(always)]
    fn touch(&self, index: usize) {
        let word = self.counters.load(Ordering::Relaxed);
        if (word >> (2 * index)) & COUNTER_MAX != COUNTER_MAX {
            self.counters.store(word + (1 << (2 * index)), Ordering::Relaxed);
        }
    }

    fn begin(&self) {
        let version = self.version.load(Ordering::Relaxed);
        debug_assert!(version & 1 == 0, "two writers in one bucket");
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
    }

    fn end(&self) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Release);
    }

    fn fill(&self, index: usize, tag: u8, reference: Ref, counter: u32) {
        self.begin();
        self.refs[index].store(reference, Ordering::Relaxed);
        self.set_counter(index, counter);
        self.set_tag(index, tag);
        self.end();
    }

    fn clear(&self, index: usize) {
        self.begin();
        self.set_tag(index, 0);
        self.set_counter(index, 0);
        self.end();
    }
}

impl Segment {
    fn new(buckets: u32) -> Box<Self> {
        Box::new(Segment { buckets: (0..buckets).map(|_| Bucket::new()).collect(), next: OnceLock::new() })
    }

    fn at(&self, depth: u16) -> &Segment {
        let mut segment = self;
        for _ in 0..depth {
            segment = segment.next.get().expect("a slot names a segment that exists");
        }
        segment
    }

    /// Puts a reference into the first free slot from `home` on, counting the overflow of every bucket passed.
    /// `None` if the segment is full; then nothing was counted.
    fn place(&self, home: usize, tag: u8, reference: Ref, counter: u32) -> Option<(usize, usize)> {
        let count = self.buckets.len();
        let (step, index) = (0..count).find_map(|step| {
            let tags = self.buckets[(home + step) % count].load();
            let free = tags.matches(0).next()?;
            Some((step, free))
        })?;
        for passed in 0..step {
            let bucket = &self.buckets[(home + passed) % count];
            bucket.begin();
            bucket.add_overflow();
            bucket.end();
        }
        let at = (home + step) % count;
        self.buckets[at].fill(index, tag, reference, counter);
        Some((at, index))
    }

    /// Takes back the overflow counts of the buckets from `home` up to `end`, which stays.
    fn uncount(&self, home: usize, end: usize) {
        let count = self.buckets.len();
        let mut at = home;
        while at != end {
            let bucket = &self.buckets[at];
            bucket.begin();
            bucket.sub_overflow();
            bucket.end();
            at = (at + 1) % count;
        }
    }
}

#[inline(always)]
fn tag_of(hash: u32) -> u8 {
    (((hash & HASH_MASK) >> 23) as u8).max(1)
}

impl Table {
    /// A table with one segment. `stagger` in `0..64` sizes its segments, from 48 to 95 buckets.
    pub(crate) fn new(stagger: u32) -> Self {
        let exponent = f64::from(stagger.min(63)) / 64.0;
        let buckets = (f64::from(MIN_BUCKETS) * exponent.exp2()) as u32;
        let table = Table {
            segments: AtomicU32::new(1),
            buckets,
            pool: Stable::new(),
            len: AtomicU32::new(0),
            since_split: AtomicU32::new(0),
            chained: AtomicU32::new(0),
        };
        table.pool.get_or_set(0, || Segment::new(buckets));
        table
    }

    /// Entries held.
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.len.load(Ordering::Relaxed)
    }

    /// Segments in use: the bound of [`Home::segment`].
    #[inline]
    pub(crate) fn segments(&self) -> u32 {
        self.segments.load(Ordering::Relaxed)
    }

    /// Buckets per segment: the bound of [`Home::bucket`].
    #[inline]
    pub(crate) fn buckets(&self) -> u32 {
        self.buckets
    }

    /// Bytes held, segments and spine.
    pub(crate) fn bytes(&self) -> u64 {
        let segments = self.segments() + self.chained.load(Ordering::Relaxed);
        let each = size_of::<Segment>() + self.buckets as usize * size_of::<Bucket>();
        u64::from(segments) * each as u64 + Stable::<Segment>::spine_bytes(self.segments())
    }

    /// The segment of a hash among `segments`.
    #[inline(always)]
    fn address(hash: u32, segments: u32) -> u32 {
        let mask = (u64::from(u32::MAX) >> (segments - 1).leading_zeros()) as u32;
        let full = hash & mask;
        if full < segments { full } else { full & (mask >> 1) }
    }

    /// The home bucket of a hash inside its segment.
    #[inline(always)]
    fn home_bucket(&self, hash: u32) -> usize {
        // 14 bits under the tag; the lowest 8 of them overlap the segment's highest, used only by huge tables.
        ((((hash >> 9) & 0x3fff) * self.buckets) >> 14) as usize
    }

    #[inline(always)]
    fn segment(&self, index: u32) -> &Segment {
        self.pool.get(index).expect("a published segment exists")
    }

    /// Where the entry of this hash would live: for structures that are laid out beside the table.
    pub(crate) fn home(&self, hash: u32) -> Home {
        Home { segment: Self::address(hash, self.segments()), bucket: self.home_bucket(hash) as u32 }
    }

    /// Finds the entry of this hash for which `same` holds. The caller holds the lock.
    #[inline]
    pub(crate) fn find(&self, hash: u32, mut same: impl FnMut(Ref) -> bool) -> Option<(Slot, Ref)> {
        let number = Self::address(hash, self.segments());
        let mut segment = self.segment(number);
        let tag = tag_of(hash);
        let home = self.home_bucket(hash);
        let mut depth = 0;
        loop {
            let mut at = home;
            loop {
                let bucket = &segment.buckets[at];
                let tags = bucket.load();
                for index in tags.matches(tag) {
                    let reference = bucket.refs[index].load(Ordering::Relaxed);
                    if same(reference) {
                        let slot = Slot { segment: number, depth, bucket: at as u8, index: index as u8 };
                        return Some((slot, reference));
                    }
                }
                if tags.overflow() == 0 {
                    return None;
                }
                at = if at + 1 == segment.buckets.len() { 0 } else { at + 1 };
                if at == home {
                    break;
                }
            }
            segment = segment.next.get()?;
            depth += 1;
        }
    }

    /// Reads without a lock: `visit` is shown each reference whose tag matches, and returns what it copied out of the
    /// record if that is the one looked for. What it returned is passed on only if nothing changed meanwhile.
    #[inline(always)]
    pub(crate) fn read<R>(&self, hash: u32, mut visit: impl FnMut(Ref) -> Option<R>) -> Result<Option<R>, Contended> {
        let tag = tag_of(hash);
        let home = self.home_bucket(hash);
        'tries: for _ in 0..TRIES {
            let segments = self.segments.load(Ordering::Acquire);
            let mut segment = self.segment(Self::address(hash, segments));
            'chain: loop {
                let mut at = home;
                loop {
                    let bucket = &segment.buckets[at];
                    let version = bucket.version.load(Ordering::Acquire);
                    if version & 1 == 1 {
                        std::hint::spin_loop();
                        continue 'tries;
                    }
                    let tags = bucket.load();
                    for index in tags.matches(tag) {
                        let found = visit(bucket.refs[index].load(Ordering::Relaxed));
                        if found.is_some() {
                            fence(Ordering::Acquire);
                            if bucket.version.load(Ordering::Relaxed) != version {
                                continue 'tries;
                            }
                            bucket.touch(index);
                            return Ok(found);
                        }
                    }
                    fence(Ordering::Acquire);
                    if bucket.version.load(Ordering::Relaxed) != version {
                        continue 'tries;
                    }
                    if tags.overflow() == 0 {
                        break 'chain;
                    }
                    at = if at + 1 == segment.buckets.len() { 0 } else { at + 1 };
                    if at == home {
                        break;
                    }
                }
                match segment.next.get() {
                    Some(next) => segment = next,
                    None => break,
                }
            }
            if self.segments.load(Ordering::Relaxed) == segments {
                return Ok(None);
            }
        }
        Err(Contended)
    }

    /// Adds a reference whose key is not in the table, and takes the growth step that is due. `hash_of` names the
    /// hash of an entry that is in the table already; it runs for the entries of at most one segment.
    pub(crate) fn insert(&self, hash: u32, reference: Ref, hash_of: impl Fn(Ref) -> u32) -> Slot {
        self.grow(hash_of);
        self.len.store(self.len() + 1, Ordering::Relaxed);
        self.place(Self::address(hash, self.segments()), hash, reference, 0)
    }

    fn place(&self, number: u32, hash: u32, reference: Ref, counter: u32) -> Slot {
        let (tag, home) = (tag_of(hash), self.home_bucket(hash));
        let mut segment = self.segment(number);
        let mut depth = 0;
        loop {
            if let Some((bucket, index)) = segment.place(home, tag, reference, counter) {
                return Slot { segment: number, depth, bucket: bucket as u8, index: index as u8 };
            }
            for bucket in &segment.buckets {
                bucket.begin();
                bucket.add_overflow();
                bucket.end();
            }
            segment = segment.next.get_or_init(|| {
                self.chained.store(self.chained.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                Segment::new(self.buckets)
            });
            depth += 1;
        }
    }

    /// Takes an entry out. `hash` is the hash that it was inserted under.
    pub(crate) fn remove(&self, slot: Slot, hash: u32) {
        self.len.store(self.len() - 1, Ordering::Relaxed);
        self.take(slot, hash);
    }

    fn take(&self, slot: Slot, hash: u32) {
        let home = self.home_bucket(hash);
        let mut segment = self.segment(slot.segment);
        for _ in 0..slot.depth {
            for bucket in &segment.buckets {
                bucket.begin();
                bucket.sub_overflow();
                bucket.end();
            }
            segment = segment.at(1);
        }
        segment.buckets[slot.bucket as usize].clear(slot.index as usize);
        segment.uncount(home, slot.bucket as usize);
    }

    fn bucket(&self, slot: Slot) -> &Bucket {
        &self.segment(slot.segment).at(slot.depth).buckets[slot.bucket as usize]
    }

    /// Makes an entry's slot name another reference; its counter stays.
    pub(crate) fn replace(&self, slot: Slot, reference: Ref) {
        let bucket = self.bucket(slot);
        bucket.begin();
        bucket.refs[slot.index as usize].store(reference, Ordering::Relaxed);
        bucket.end();
    }

    /// Runs `change` on the record that the slot names while readers are kept off it.
    pub(crate) fn mutate<R>(&self, slot: Slot, change: impl FnOnce() -> R) -> R {
        let bucket = self.bucket(slot);
        bucket.begin();
        let result = change();
        bucket.end();
        result
    }

    /// Counts an access.
    #[inline(always)]
    pub(crate) fn touch(&self, slot: Slot) {
        self.bucket(slot).touch(slot.index as usize);
    }

    /// Accesses counted, 0 to 3.
    pub(crate) fn counter(&self, slot: Slot) -> u32 {
        self.bucket(slot).counter(slot.index as usize)
    }

    pub(crate) fn set_counter(&self, slot: Slot, value: u32) {
        self.bucket(slot).set_counter(slot.index as usize, value);
    }

    /// Shows every entry of one bucket (and of the chained buckets behind it) with its slot.
    pub(crate) fn visit_bucket(&self, home: Home, mut show: impl FnMut(Slot, Ref)) {
        let Some(mut segment) = self.pool.get(home.segment) else { return };
        let mut depth = 0;
        loop {
            let bucket = &segment.buckets[home.bucket as usize];
            for index in bucket.load().occupied() {
                let reference = bucket.refs[index].load(Ordering::Relaxed);
                let slot = Slot { segment: home.segment, depth, bucket: home.bucket as u8, index: index as u8 };
                show(slot, reference);
            }
            let Some(next) = segment.next.get() else { return };
            segment = next;
            depth += 1;
        }
    }

    /// Takes every entry out. Memory stays for the next ones.
    pub(crate) fn clear(&self) {
        for number in 0..self.segments() {
            let mut segment = Some(self.segment(number));
            while let Some(here) = segment {
                for bucket in &here.buckets {
                    bucket.begin();
                    bucket.tags.store(0, Ordering::Relaxed);
                    bucket.tail.store(0, Ordering::Relaxed);
                    bucket.counters.store(0, Ordering::Relaxed);
                    bucket.end();
                }
                segment = here.next.get().map(|next| &**next);
            }
        }
        self.len.store(0, Ordering::Relaxed);
    }

    /// Splits one segment if a round is due or under way.
    fn grow(&self, hash_of: impl Fn(Ref) -> u32) {
        let segments = self.segments();
        let slots = self.buckets * SLOTS as u32;
        if segments.is_power_of_two() {
            let taken = u64::from(self.len()) * 256;
            if taken < u64::from(segments) * u64::from(slots) * ROUND_AT || segments == MAX_SEGMENTS {
                return;
            }
        } else {
            let since = self.since_split.load(Ordering::Relaxed) + 1;
            if since < slots / PACE {
                self.since_split.store(since, Ordering::Relaxed);
                return;
            }
        }
        self.since_split.store(0, Ordering::Relaxed);
        self.split(segments, hash_of);
    }

    /// Moves what belongs to segment `fresh` out of the segment that stood for it, then publishes it.
    ///
    /// Readers that still look at the old one find every entry there until the new one is published; what is taken
    /// out after that changes versions, so a miss in the old one is retried in the new.
    fn split(&self, fresh: u32, hash_of: impl Fn(Ref) -> u32) {
        let Some(_) = self.pool.get_or_set(fresh, || Segment::new(self.buckets)) else { return };
        let old = Self::address(fresh, fresh);
        let mut moved = Vec::with_capacity(self.buckets as usize * SLOTS / 2);
        for bucket in 0..self.buckets {
            self.visit_bucket(Home { segment: old, bucket }, |slot, reference| {
                let hash = hash_of(reference);
                if Self::address(hash, fresh + 1) == fresh {
                    moved.push((slot, hash, reference));
                }
            });
        }
        for &(slot, hash, reference) in &moved {
            self.place(fresh, hash, reference, self.counter(slot));
        }
        self.segments.store(fresh + 1, Ordering::Release);
        for &(slot, hash, _) in &moved {
            self.take(slot, hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// Scatters a key over the 31 bits; `bad` leaves only `bad` different hashes.
    fn hash(key: u32, bad: u32) -> u32 {
        let key = if bad == 0 { key } else { key % bad };
        key.wrapping_mul(0x9e37_79b9).rotate_left(15).wrapping_mul(0x85eb_ca6b) & HASH_MASK
    }

    fn assert_invariants(table: &Table, oracle: &HashMap<u32, u32>, bad: u32) {
        assert_eq!(table.len() as usize, oracle.len());
        let mut seen = HashMap::new();
        for segment in 0..table.segments() {
            for bucket in 0..table.buckets() {
                table.visit_bucket(Home { segment, bucket }, |slot, reference| {
                    assert_eq!(slot.segment, segment);
                    assert!(seen.insert(reference, slot).is_none(), "a reference stands twice");
                });
            }
        }
        for (&key, &reference) in oracle {
            let found = table.find(hash(key, bad), |r| r == reference);
            assert_eq!(found, Some((seen[&reference], reference)));
            assert_eq!(table.read(hash(key, bad), |r| (r == reference).then_some(r)), Ok(Some(reference)));
        }
    }

    #[derive(Clone, Debug)]
    enum Op {
        Insert(u32),
        Remove(u32),
        Find(u32),
        Clear,
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            60 => (0..4000u32).prop_map(Op::Insert),
            30 => (0..4000u32).prop_map(Op::Remove),
            20 => (0..4000u32).prop_map(Op::Find),
            1 => Just(Op::Clear),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_table_agrees_with_a_hash_map(
            stagger in 0..64u32,
            bad in prop_oneof![Just(0u32), 1..4u32],
            preload in 0..6000u32,
            ops in prop::collection::vec(op(), 1..800),
        ) {
            let table = Table::new(stagger);
            let mut oracle = HashMap::new();
            for key in 10_000..10_000 + if bad == 0 { preload } else { preload / 4 } {
                table.insert(hash(key, bad), key, |r| hash(r, bad));
                oracle.insert(key, key);
            }
            for op in ops {
                match op {
                    Op::Insert(key) => {
                        if oracle.insert(key, key).is_none() {
                            table.insert(hash(key, bad), key, |r| hash(r, bad));
                        }
                    }
                    Op::Remove(key) => {
                        let found = table.find(hash(key, bad), |r| r == key);
                        assert_eq!(found.is_some(), oracle.remove(&key).is_some());
                        if let Some((slot, _)) = found {
                            table.remove(slot, hash(key, bad));
                        }
                    }
                    Op::Find(key) => {
                        let found = table.find(hash(key, bad), |r| r == key);
                        assert_eq!(found.map(|f| f.1), oracle.get(&key).copied());
                    }
                    Op::Clear => {
                        table.clear();
                        oracle.clear();
                    }
                }
            }
            assert_invariants(&table, &oracle, bad);
        }
    }

    #[test]
    fn a_round_ends_before_segments_overflow() {
        for stagger in [0, 31, 63] {
            let table = Table::new(stagger);
            for key in 0..200_000 {
                table.insert(hash(key, 0), key, |r| hash(r, 0));
            }
            assert_eq!(table.chained.load(Ordering::Relaxed), 0);
            let slots = u64::from(table.segments() * table.buckets()) * SLOTS as u64;
            let fill = f64::from(table.len()) / slots as f64;
            assert!((0.38..0.92).contains(&fill), "fill {fill} at stagger {stagger}");
        }
    }

    #[test]
    fn a_counter_stops_at_three_and_moves_with_its_entry() {
        let table = Table::new(0);
        let mut slot = table.insert(hash(7, 0), 7, |r| hash(r, 0));
        for expected in [1, 2, 3, 3] {
            table.touch(slot);
            assert_eq!(table.counter(slot), expected);
        }
        for key in 8..3000 {
            table.insert(hash(key, 0), key, |r| hash(r, 0));
        }
        slot = table.find(hash(7, 0), |r| r == 7).map(|f| f.0).unwrap();
        assert_eq!(table.counter(slot), 3);
    }

    #[test]
    fn a_reader_beside_a_writer_never_misses_what_stays_nor_sees_a_torn_record() {
        use std::sync::atomic::AtomicBool;
        let table = Table::new(0);
        // The record of reference r is (records[2r], records[2r + 1]), both the same word at any quiet moment.
        let records: Vec<AtomicU64> = (0..64).map(|i| AtomicU64::new(i / 2)).collect();
        for key in 0..32u32 {
            table.insert(hash(key, 0), key, |r| hash(r, 0));
        }
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..60_000u32 {
                    let key = round % 32;
                    let (slot, r) = table.find(hash(key, 0), |r| r == key).unwrap();
                    table.mutate(slot, || {
                        let word = u64::from(round) << 8 | u64::from(key);
                        records[2 * r as usize].store(word, Ordering::Relaxed);
                        records[2 * r as usize + 1].store(word, Ordering::Relaxed);
                    });
                    table.insert(hash(100 + round, 0), 100 + round, |r| hash(r, 0));
                    if round % 3 != 0 {
                        let (slot, _) = table.find(hash(100 + round, 0), |r| r == 100 + round).unwrap();
                        table.remove(slot, hash(100 + round, 0));
                    }
                }
                done.store(true, Ordering::Relaxed);
            });
            scope.spawn(|| {
                let mut key = 0u32;
                while !done.load(Ordering::Relaxed) {
                    key = (key + 1) % 32;
                    let read = table.read(hash(key, 0), |r| {
                        let at = 2 * r as usize;
                        (r == key).then(|| (records[at].load(Ordering::Relaxed), records[at + 1].load(Ordering::Relaxed)))
                    });
                    if let Ok(found) = read {
                        let (first, second) = found.expect("the key is in the table all the time");
                        assert_eq!(first, second, "torn");
                        assert_eq!(first & 0xff, u64::from(key));
                    }
                }
            });
        });
    }
}
