//! `Table`: hash to reference, read without a lock, grown one small step at a time.
//!
//! ```text
//! segment = a run of buckets          bucket = one 64-byte line
//! +----+----+----+-- --+----+         +--------+-----------+----------+---------+---------+
//! | b0 | b1 | b2 |     | bn |         | 8 tags | 3 tags, o | counters | 11 refs | version |
//! +----+----+----+-- --+----+         +--------+-----------+----------+---------+---------+
//! ```
//!
//! * A hash has 31 bits: the lowest is always set (so that a hash is never zero), the next 6 choose the home bucket in a
//!   segment, then 16 the segment, the top 8 are the tag.
//! * An entry sits in its home bucket or, where that is full, in one of the next; every full bucket that it passed
//!   counts it in its overflow count `o`, so a search ends at the first bucket whose count is zero. Nothing leaves a
//!   tombstone. (The counting is F14's.) A segment that is full to the last slot, which only a bad hash brings
//!   about, carries on in a chained one.
//! * Growth is linear hashing over segments: with `n` segments, a hash goes to its low bits modulo the next power of
//!   two, or modulo half of it where that segment does not exist yet. When the average fill passes `ROUND_AT`, the
//!   table doubles in a *round*: every few inserts split one more segment, in order. No directory, no pause longer
//!   than one split, and no memory is ever given back while readers may look at it.
//!
//! **Readers** take no lock: see `look.rs`.
//! **Writers** must be serialised by the caller (the stripe's lock), make the version odd while they change a bucket,
//! and a record that the bucket names, and even again after.
//!
//! Cost: one line per hit (1.1 on average), one dependent load to find it; 64 bytes per 11 slots, filled 44 to 91 %.
//! The 2-bit access counters belong to the entries but live here, where a hit has the line at hand. Readers bump them
//! with plain stores: an increment may get lost, nothing else can. A torn read is a wrong value, which the version exposes.

use std::sync::atomic::AtomicBool;

use super::Ref;
use super::bucket::{BUCKET_BITS, Bucket, REFS};
use super::grow::segments_for;
use super::segments::Segments;
pub(super) use super::slot::{after, home_bucket, tag_of};
use crate::sync::{AtomicU32, AtomicU64, Ordering};

pub(crate) use super::bucket::{BUCKETS, COUNTER_MAX};
pub(crate) use super::slot::{Glance, Home, Place, Seen, Slot, Spot};

/// Bits of a hash that the table and everything beside it use.
pub(crate) const HASH_MASK: u32 = 0x7fff_ffff;
/// The lowest bit of a hash, always set.
pub(crate) const HASH_ONE: u32 = 1;

/// A hash table of references; see the module's text.
pub(crate) struct Table {
    /// Lines in use, and above them the next power of two less one; published after a new segment is filled.
    pub(super) shape: AtomicU64,
    pub(super) memory: Segments,
    /// Entries. Written under the caller's lock, read by anyone.
    len: AtomicU32,
    /// Entries at which the next segment is split.
    pub(super) grow_at: AtomicU32,
    /// Whether a round waits until its memory was made.
    pub(super) held_back: AtomicBool,
}

impl Table {
    /// A table with one segment, for so many entries or more.
    pub(crate) fn new(entries: u64) -> Self {
        Table {
            memory: Segments::expecting(segments_for(entries)),
            shape: AtomicU64::new(Self::shape_of(1)),
            len: AtomicU32::new(0),
            grow_at: AtomicU32::new(0),
            held_back: AtomicBool::new(false),
        }
    }

    /// So many tables for so many entries each, or more. They lie side by side, so that they can share large pages.
    pub(crate) fn row(tables: usize, entries: u64) -> Vec<Table> {
        let tables: Vec<Table> = (0..tables).map(|_| Table::new(entries)).collect();
        for table in &tables {
            table.memory.prefer_large_pages();
        }
        tables
    }

    /// Entries held.
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.len.load(Ordering::Relaxed)
    }

    /// Segments in use: the bound of [`Home::segment`].
    #[inline]
    pub(crate) fn segments(&self) -> u32 {
        self.shape.load(Ordering::Relaxed) as u32 >> BUCKET_BITS
    }

    /// The line of a hash's home bucket in a table of this shape: its segment, and the bucket in that.
    #[inline(always)]
    pub(super) fn line_of(hash: u32, shape: u64) -> u32 {
        let (lines, mask) = (shape as u32, (shape >> 32) as u32);
        let full = hash >> 1 & mask;
        if full < lines {
            full
        } else {
            full & (mask >> 1)
        }
    }

    /// The segment of a hash in a table of this shape.
    #[inline(always)]
    pub(super) fn address(hash: u32, shape: u64) -> u32 {
        Self::line_of(hash, shape) >> BUCKET_BITS
    }

    /// The shape of a table with so many segments.
    pub(super) fn shape_of(segments: u32) -> u64 {
        let mask = (segments.next_power_of_two() << BUCKET_BITS) - 1;
        u64::from(mask) << 32 | u64::from(segments << BUCKET_BITS)
    }

    /// Where the entry of this hash would live: for structures that are laid out beside the table.
    #[inline(always)]
    pub(crate) fn home(&self, hash: u32) -> Home {
        Home {
            segment: Self::address(hash, self.shape.load(Ordering::Relaxed)),
            bucket: home_bucket(hash) as u32,
        }
    }

    /// What the home bucket of a hash says at first sight. The caller holds a lock, or takes it for a hint.
    #[inline(always)]
    pub(crate) fn glance(&self, hash: u32) -> Glance<'_> {
        let bucket = self.spot(hash).bucket;
        let tags = bucket.load();
        match tags.matches(tag_of(hash)).next() {
            Some(index) => Glance::Seen(Seen { bucket, index }),
            None if tags.overflow() == 0 => Glance::Absent,
            None => Glance::Elsewhere,
        }
    }

    /// Where a hash belongs.
    #[inline(always)]
    pub(crate) fn spot(&self, hash: u32) -> Spot<'_> {
        let line = Self::line_of(hash, self.shape.load(Ordering::Relaxed));
        Spot {
            hash,
            home: Home {
                segment: line >> BUCKET_BITS,
                bucket: line % BUCKETS as u32,
            },
            bucket: self.memory.line(line),
        }
    }

    /// Finds the entry of this hash for which `same` holds. The caller holds the lock.
    #[inline(always)]
    pub(crate) fn find(&self, hash: u32, same: impl FnMut(Ref) -> bool) -> Option<(Slot, Ref)> {
        let (place, reference) = self.find_at(self.spot(hash), same)?;
        Some((place.slot, reference))
    }

    /// [`Self::find`], of the hash of a spot.
    #[inline(always)]
    pub(crate) fn find_at<'a>(
        &'a self,
        spot: Spot<'a>,
        mut same: impl FnMut(Ref) -> bool,
    ) -> Option<(Place<'a>, Ref)> {
        self.search(
            spot,
            |reference| same(reference).then_some(reference),
            |place, reference| (place, reference),
        )
    }

    /// Shows the references whose tag matches until `pick` takes one, and counts the access. The caller holds a lock.
    #[inline(always)]
    pub(crate) fn hit<R>(&self, hash: u32, pick: impl FnMut(Ref) -> Option<R>) -> Option<R> {
        self.search(self.spot(hash), pick, |place, picked| {
            place.bucket.touch(place.slot.index as usize);
            picked
        })
    }

    #[inline(always)]
    fn search<'a, T, R>(
        &'a self,
        Spot { hash, home, bucket }: Spot<'a>,
        mut pick: impl FnMut(Ref) -> Option<T>,
        found: impl FnOnce(Place<'a>, T) -> R,
    ) -> Option<R> {
        let tags = bucket.load();
        for index in tags.matches(tag_of(hash)) {
            if let Some(picked) = pick(bucket.reference(index)) {
                let slot = Slot {
                    segment: home.segment,
                    depth: 0,
                    bucket: home.bucket as u8,
                    index: index as u8,
                };
                return Some(found(Place { slot, bucket }, picked));
            }
        }
        if tags.overflow() == 0 {
            return None;
        }
        let (slot, picked) = self.search_on(hash, home, pick)?;
        let bucket = self.bucket(slot);
        Some(found(Place { slot, bucket }, picked))
    }

    /// The rest of a search whose home bucket has overflowed.
    #[inline(never)]
    fn search_on<T>(
        &self,
        hash: u32,
        home: Home,
        mut pick: impl FnMut(Ref) -> Option<T>,
    ) -> Option<(Slot, T)> {
        let (number, home) = (home.segment, home.bucket as usize);
        let mut segment = self.memory.get(number);
        let tag = tag_of(hash);
        let (mut depth, mut at) = (0, after(home));
        loop {
            let bucket = segment.bucket(at);
            let tags = bucket.load();
            for index in tags.matches(tag) {
                if let Some(picked) = pick(bucket.reference(index)) {
                    return Some((
                        Slot {
                            segment: number,
                            depth,
                            bucket: at as u8,
                            index: index as u8,
                        },
                        picked,
                    ));
                }
            }
            if tags.overflow() == 0 {
                return None;
            }
            at = after(at);
            if at == home {
                segment = self.memory.next(segment)?;
                depth += 1;
            }
        }
    }

    /// Takes the growth step that is due before an entry more, and returns where its spot is then. `hash_of` names the hash
    /// of an entry that is in the table; it runs for the entries of at most one segment, and `near` brings each of them near
    /// beforehand.
    #[inline(always)]
    pub(crate) fn prepare<'a>(
        &'a self,
        spot: Spot<'a>,
        hash_of: impl Fn(Ref) -> u32,
        near: impl Fn(Ref),
    ) -> Spot<'a> {
        if self.len() < self.grow_at.load(Ordering::Relaxed) {
            return spot;
        }
        self.grow(hash_of, near);
        self.spot(spot.hash)
    }

    /// Adds a reference whose key is not in the table, and takes the growth step that is due.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "tests and models insert in one step")
    )]
    pub(crate) fn insert(&self, hash: u32, reference: Ref, hash_of: impl Fn(Ref) -> u32) -> Slot {
        let spot = self.prepare(self.spot(hash), hash_of, |_| {});
        self.insert_at(spot, reference)
    }

    /// Adds a reference whose key is not in the table.
    #[inline(always)]
    pub(crate) fn insert_at(&self, spot: Spot<'_>, reference: Ref) -> Slot {
        self.len.store(self.len() + 1, Ordering::Relaxed);
        let Spot { hash, home, bucket } = spot;
        let Some(index) = bucket.load().matches(0).next() else {
            return self.place(home.segment, hash, reference, 0);
        };
        bucket.fill(index, tag_of(hash), reference, 0);
        Slot {
            segment: home.segment,
            depth: 0,
            bucket: home.bucket as u8,
            index: index as u8,
        }
    }

    /// Puts a reference into the first free slot of a segment from its home bucket on.
    #[inline(never)]
    pub(super) fn place(&self, number: u32, hash: u32, reference: Ref, counter: u32) -> Slot {
        let (tag, home) = (tag_of(hash), home_bucket(hash));
        let mut segment = self.memory.get(number);
        let mut depth = 0;
        loop {
            if let Some((bucket, index)) = segment.place(home, tag, reference, counter) {
                return Slot {
                    segment: number,
                    depth,
                    bucket: bucket as u8,
                    index: index as u8,
                };
            }
            for bucket in segment.iter() {
                bucket.change(Bucket::add_overflow);
            }
            segment = self.memory.next_or_new(segment);
            depth += 1;
        }
    }

    /// Takes an entry out. `hash` is the hash that it was inserted under.
    #[inline]
    pub(crate) fn remove(&self, slot: Slot, hash: u32) {
        self.len.store(self.len() - 1, Ordering::Relaxed);
        self.take(slot, hash);
    }

    #[inline]
    pub(super) fn take(&self, slot: Slot, hash: u32) {
        if slot.depth == 0 && slot.bucket as usize == home_bucket(hash) {
            self.bucket(slot).clear(slot.index as usize);
            return;
        }
        self.take_away(slot, hash);
    }

    /// [`Self::take`] of an entry that is not in its home bucket.
    #[inline(never)]
    fn take_away(&self, slot: Slot, hash: u32) {
        for depth in 0..slot.depth {
            for bucket in self.memory.at(slot.segment, depth).iter() {
                bucket.change(Bucket::sub_overflow);
            }
        }
        let segment = self.memory.at(slot.segment, slot.depth);
        segment
            .bucket(slot.bucket as usize)
            .clear(slot.index as usize);
        segment.uncount(home_bucket(hash), slot.bucket as usize);
    }

    #[inline(always)]
    fn bucket(&self, slot: Slot) -> Bucket<'_> {
        let segment = if slot.depth == 0 {
            self.memory.get(slot.segment)
        } else {
            self.memory.at(slot.segment, slot.depth)
        };
        segment.bucket(slot.bucket as usize)
    }

    /// Makes an entry's slot name another reference; its counter stays.
    pub(crate) fn replace(&self, slot: Slot, reference: Ref) {
        self.bucket(slot)
            .change(|bucket| bucket.set_reference(slot.index as usize, reference));
    }

    /// Runs `change` on the record that the slot names while readers are kept off it.
    pub(crate) fn mutate<R>(&self, slot: Slot, change: impl FnOnce() -> R) -> R {
        self.bucket(slot).change(|_| change())
    }

    /// Counts an access.
    #[inline(always)]
    pub(crate) fn touch(&self, slot: Slot) {
        self.bucket(slot).touch(slot.index as usize);
    }

    /// Accesses counted, 0 to 3.
    #[inline]
    pub(crate) fn counter(&self, slot: Slot) -> u32 {
        self.bucket(slot).counter(slot.index as usize)
    }

    #[inline]
    pub(crate) fn set_counter(&self, slot: Slot, value: u32) {
        self.bucket(slot).set_counter(slot.index as usize, value);
    }

    /// Brings the home bucket of a hash near.
    #[inline(always)]
    pub(crate) fn approach(&self, hash: u32) {
        self.spot(hash).approach();
    }

    /// Shows every entry of one bucket (and of the chained buckets behind it) with its slot.
    pub(crate) fn visit_bucket(&self, home: Home, mut show: impl FnMut(Slot, Ref)) {
        self.search_bucket(home, |slot, reference| {
            show(slot, reference);
            false
        });
    }

    /// Shows entries of one bucket until one `suits`, and returns that.
    pub(crate) fn search_bucket(
        &self,
        home: Home,
        mut suits: impl FnMut(Slot, Ref) -> bool,
    ) -> Option<(Slot, Ref)> {
        let mut segment = self.memory.get(home.segment);
        let mut depth = 0;
        loop {
            let bucket = segment.bucket(home.bucket as usize);
            for index in bucket.load().occupied() {
                let reference = bucket.reference(index);
                let slot = Slot {
                    segment: home.segment,
                    depth,
                    bucket: home.bucket as u8,
                    index: index as u8,
                };
                if suits(slot, reference) {
                    return Some((slot, reference));
                }
            }
            segment = self.memory.next(segment)?;
            depth += 1;
        }
    }

    /// Takes every entry out. Memory stays for the next ones.
    pub(crate) fn clear(&self) {
        for number in 0..self.segments() {
            let mut segment = Some(self.memory.get(number));
            while let Some(here) = segment {
                for bucket in here.iter() {
                    bucket.change(|bucket| {
                        for word in &bucket.0[..REFS] {
                            word.store(0, Ordering::Relaxed);
                        }
                    });
                }
                segment = self.memory.next(here);
            }
        }
        self.len.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::bucket::SLOTS;
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// Scatters a key over the 31 bits; `bad` leaves only `bad` different hashes.
    fn hash(key: u32, bad: u32) -> u32 {
        let key = if bad == 0 { key } else { key % bad };
        key.wrapping_mul(0x9e37_79b9)
            .rotate_left(15)
            .wrapping_mul(0x85eb_ca6b)
            & HASH_MASK
            | HASH_ONE
    }

    fn assert_invariants(table: &Table, oracle: &HashMap<u32, u32>, bad: u32) {
        assert_eq!(table.len() as usize, oracle.len());
        let mut seen = HashMap::new();
        for segment in 0..table.segments() {
            for bucket in 0..BUCKETS as u32 {
                table.visit_bucket(Home { segment, bucket }, |slot, reference| {
                    assert_eq!(slot.segment, segment);
                    assert!(
                        seen.insert(reference, slot).is_none(),
                        "a reference stands twice"
                    );
                });
            }
        }
        for (&key, &reference) in oracle {
            let found = table.find(hash(key, bad), |r| r == reference);
            assert_eq!(found, Some((seen[&reference], reference)));
            assert_eq!(
                table.read(hash(key, bad), |r| (r == reference).then_some(r)),
                Ok(Some(reference))
            );
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
            bad in prop_oneof![Just(0u32), 1..4u32],
            preload in 0..6000u32,
            ops in prop::collection::vec(op(), 1..800),
        ) {
            let table = Table::new(0);
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
        let table = Table::new(9_000);
        for key in 0..400_000 {
            table.insert(hash(key, 0), key, |r| hash(r, 0));
        }
        assert_eq!(table.memory.chained(), 0);
        let fill = f64::from(table.len()) / (table.segments() as usize * BUCKETS * SLOTS) as f64;
        assert!((0.43..0.92).contains(&fill), "fill {fill}");
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
                        let (slot, _) = table
                            .find(hash(100 + round, 0), |r| r == 100 + round)
                            .unwrap();
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
                        (r == key).then(|| {
                            (
                                records[at].load(Ordering::Relaxed),
                                records[at + 1].load(Ordering::Relaxed),
                            )
                        })
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
