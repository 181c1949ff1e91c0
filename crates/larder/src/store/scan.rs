//! Scan: walking the keys in pages, with a cursor that needs no memory in the store.
//!
//! ```text
//! cursor   [ stripe : 10 | position : 16 | bucket : 6 ]   + 1, so that it is never 0
//! ```
//!
//! A stripe's table has segments `0..n`, which split one at a time. 16 bits of a hash choose the segment: with a mask
//! `m` of `k` ones, segment `g` holds the hashes whose low `k` of these bits are `g`, or `k - 1` bits if `g + 2^(k-1)`
//! does not exist yet. So *reverse* the 16 bits and call the result the position: every segment then holds one
//! interval of positions `[r, r + 2^(16-k))` with `r` the reversed `g`, the intervals of all segments tile `0..2^16`,
//! and a split cuts an interval into two halves: the lower stays with the old segment, the upper goes to the new one.
//! (This is Redis' reverse-binary order.)
//!
//! The walk goes through stripes, then positions, then the 64 buckets of a segment. **Why it misses nothing that stays:**
//! * A cursor at bucket 0 stands at the lower end of an interval. Splits that come later only add ends, so it still
//!   does; every position before it has been visited, whatever was split since.
//! * A cursor at bucket `b` stands inside a segment whose buckets before `b` have been visited. If the segment
//!   splits, those of its entries that stay do not move at all (a split takes entries out and shifts none, also where
//!   one has overflowed into a later bucket, around the end), so the rest of them is ahead in buckets from `b` on. Those
//!   that moved are in the upper half, which comes next and is visited from its bucket 0.
//! * Nothing else moves an entry between buckets: overwriting and evacuation change what a slot names, not where
//!   it is. Tables never shrink.
//!
//! What was visited before its segment split may be shown twice; nothing that was not there is shown.
//!
//! Cost: a page holds one stripe's read lock for at most one segment (64 buckets) at a time.

use std::sync::Arc;

use super::core::{Core, Store};
use super::scan_options::ScanOptions;
use super::words::Words;
use crate::ds::arena::Pages;
use crate::ds::table::{BUCKETS, Home, Table};
use crate::entry::Entries;
use crate::error::Error;
use crate::key::KeyType;
use crate::shard::Shard;

const BUCKET_BITS: u32 = BUCKETS.trailing_zeros();
const POSITION_BITS: u32 = 16;
/// Entries looked at for a page by the iterators.
const ITERATED: usize = 512;
/// A page also ends after so many buckets per entry that it may look at, so that an empty table does not stall it.
const BUCKETS_PER_ENTRY: usize = 64;

/// Where a scan stands; keep it to go on later.
///
/// As a number it is what a client of a server knows as a cursor: 0 is the start.
///
/// ```
/// use larder::Cursor;
///
/// assert_eq!(u64::from(Cursor::START), 0);
/// assert_eq!(Cursor::from(17), Cursor::from(17));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor(u64);

impl Cursor {
    /// The start of a scan.
    pub const START: Cursor = Cursor(0);

    fn at(stripe: usize, position: u32, bucket: u32) -> Self {
        let position = (stripe as u64) << POSITION_BITS | u64::from(position);
        Cursor((position << BUCKET_BITS | u64::from(bucket)) + 1)
    }

    /// Stripe, position and bucket.
    fn place(self) -> (usize, u32, u32) {
        let place = self.0.saturating_sub(1);
        let (bucket, position) = (place % BUCKETS as u64, place >> BUCKET_BITS);
        (
            position as usize >> POSITION_BITS,
            position as u32 & 0xffff,
            bucket as u32,
        )
    }
}

impl From<u64> for Cursor {
    fn from(number: u64) -> Self {
        Cursor(number)
    }
}

impl From<Cursor> for u64 {
    fn from(cursor: Cursor) -> Self {
        cursor.0
    }
}

/// Some keys of a scan, and where it goes on.
///
/// ```
/// use larder::{Cursor, ScanOptions, Store};
///
/// let store = Store::new();
/// store.set("a", 1)?;
/// let page = store.scan_page(Cursor::START, &ScanOptions::new().count(1_000_000))?;
/// assert_eq!((page.keys, page.next), (vec![b"a".to_vec()], None));
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScanPage {
    /// The keys that suit, of those that were looked at.
    pub keys: Vec<Vec<u8>>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

/// The keys of a store, a page at a time; see [`Store::scan`].
///
/// ```
/// let store = larder::Store::new();
/// store.set("a", 1)?;
/// assert_eq!(store.scan().collect::<Vec<_>>(), [b"a"]);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scan {
    store: Store,
    options: ScanOptions,
    keys: std::vec::IntoIter<Vec<u8>>,
    next: Option<Cursor>,
}

impl Iterator for Scan {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(key) = self.keys.next() {
                return Some(key);
            }
            let page = self.store.core.valid_page(self.next?, &self.options);
            (self.keys, self.next) = (page.keys.into_iter(), page.next);
        }
    }
}

/// What a page may still do.
struct Work {
    entries: usize,
    buckets: usize,
}

impl Core {
    /// Collects a page.
    pub(crate) fn page(&self, cursor: Cursor, options: &ScanOptions) -> ScanPage {
        let (mut stripe, mut position, mut bucket) = cursor.place();
        let buckets = options.count.saturating_mul(BUCKETS_PER_ENTRY);
        let mut work = Work {
            entries: options.count,
            buckets,
        };
        let mut keys = Vec::new();
        while let Some(here) = self.stripes.iter().nth(stripe) {
            while position < 1 << POSITION_BITS {
                if work.entries == 0 || work.buckets == 0 {
                    return ScanPage {
                        keys,
                        next: Some(Cursor::at(stripe, position, bucket)),
                    };
                }
                (position, bucket) = here.read(|table, pages, shard| {
                    let segment = segment_at(table, position);
                    let reached = self.visit(
                        table,
                        pages,
                        shard,
                        (segment.0, bucket),
                        &mut work,
                        |key, key_type| {
                            if options.suits(key, key_type) {
                                keys.push(key.to_vec());
                            }
                        },
                    );
                    if reached < BUCKETS as u32 {
                        (position, reached)
                    } else {
                        (segment.1, 0)
                    }
                });
            }
            (stripe, position) = (stripe + 1, 0);
        }
        ScanPage { keys, next: None }
    }

    /// Shows the live keys of a segment from a bucket on; returns the bucket where work ran out.
    fn visit(
        &self,
        table: &Table,
        pages: &Arc<Pages>,
        shard: &Shard<Words>,
        (segment, from): (u32, u32),
        work: &mut Work,
        mut show: impl FnMut(&[u8], KeyType),
    ) -> u32 {
        let time = self.clock.present();
        for bucket in from..BUCKETS as u32 {
            if work.entries == 0 || work.buckets == 0 {
                return bucket;
            }
            work.buckets -= 1;
            table.visit_bucket(Home { segment, bucket }, |_, entry| {
                work.entries = work.entries.saturating_sub(1);
                let deadline = shard.entries.deadline(pages, entry);
                if !deadline.is_some_and(|deadline| time.has_passed(deadline)) {
                    let key_type = shard.entries.key_type(pages, entry);
                    shard
                        .entries
                        .with_key(pages, entry, |key| show(key, key_type));
                }
            });
        }
        BUCKETS as u32
    }
}

/// The segment whose interval holds a position, and the end of the interval.
fn segment_at(table: &Table, position: u32) -> (u32, u32) {
    let reversed = |bits: u32| u32::from((bits as u16).reverse_bits());
    let segments = table.segments();
    let bits = segments.next_power_of_two().trailing_zeros();
    let full = reversed(position) & ((1 << bits) - 1);
    let upper = (1 << bits) >> 1;
    // A segment whose upper half has not been split off in this round still holds both halves.
    let whole = upper > 0 && full | upper >= segments;
    let (segment, bits) = if whole {
        (full & !upper, bits - 1)
    } else {
        (full, bits)
    };
    (segment, reversed(segment) + (1 << (POSITION_BITS - bits)))
}

impl Store {
    /// The keys, a page at a time: an iterator that holds no lock and needs no cursor.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_many([("a", 1), ("b", 2)])?;
    /// let mut keys: Vec<_> = store.scan().collect();
    /// keys.sort();
    /// assert_eq!(keys, [b"a", b"b"]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(keys) in all; 512 at a time are copied under the read lock of one stripe.
    ///
    /// # Consistency
    ///
    /// A key that is there from beginning to end is shown at least once, and again only if the table grew past it. One
    /// that is added, removed or renamed meanwhile may be shown or not.
    #[doc(alias = "SCAN")]
    #[must_use]
    pub fn scan(&self) -> Scan {
        self.scan_with(ScanOptions::new())
    }

    /// The keys that suit, a page at a time.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_many([("user:1", 1), ("order:1", 2)])?;
    /// let users = larder::ScanOptions::new().matching("user:*");
    /// assert_eq!(store.scan_with(users).count(), 1);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::scan`]; [`ScanOptions::count`] is raised to 512 if it is less.
    ///
    /// # Consistency
    ///
    /// As [`Store::scan`].
    #[doc(alias = "SCAN")]
    #[must_use]
    pub fn scan_with(&self, options: ScanOptions) -> Scan {
        let count = options.count.max(ITERATED);
        let (store, keys) = (self.clone(), Vec::new().into_iter());
        Scan {
            store,
            options: options.count(count),
            keys,
            next: Some(Cursor::START),
        }
    }

    /// One page of a scan; hand its `next` in again to go on, at any later time.
    ///
    /// ```
    /// use larder::{Cursor, ScanOptions, Store};
    ///
    /// let store = Store::new();
    /// store.set_many((0..100).map(|number| (format!("key {number}"), number)))?;
    /// let (mut seen, mut next) = (0, Some(Cursor::START));
    /// while let Some(cursor) = next {
    ///     let page = store.scan_page(cursor, &ScanOptions::new())?;
    ///     (seen, next) = (seen + page.keys.len(), page.next);
    /// }
    /// assert_eq!(seen, 100);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(count), with one stripe's read lock at a time. The store remembers nothing of a scan.
    ///
    /// # Consistency
    ///
    /// As [`Store::scan`].
    ///
    /// # Errors
    ///
    /// [`Error::Syntax`] if the count is 0.
    #[doc(alias = "SCAN")]
    pub fn scan_page(&self, cursor: Cursor, options: &ScanOptions) -> Result<ScanPage, Error> {
        if options.count == 0 {
            return Err(Error::Syntax);
        }
        Ok(self.core.valid_page(cursor, options))
    }

    /// All keys that match a pattern, sorted.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_many([("hello", 1), ("hallo", 2), ("other", 3)])?;
    /// assert_eq!(store.keys("h[ae]llo").len(), 2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(all keys × pattern); prefer [`Store::scan_with`] where there are many.
    ///
    /// # Consistency
    ///
    /// As [`Store::scan`], but nothing is shown twice.
    #[doc(alias = "KEYS")]
    #[must_use]
    pub fn keys(&self, pattern: impl AsRef<[u8]>) -> Vec<Vec<u8>> {
        let mut keys: Vec<_> = self
            .scan_with(ScanOptions::new().matching(pattern))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Removes all keys that begin with a prefix; returns how many they were.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_many([("user:1:name", "Ada"), ("user:1:born", "1815"), ("user:2:name", "Bob")])?;
    /// assert_eq!(store.remove_prefix("user:1:"), 2);
    /// assert_eq!(store.len(), 1);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(all keys).
    ///
    /// # Consistency
    ///
    /// Key by key: what is added meanwhile may stay.
    pub fn remove_prefix(&self, prefix: impl AsRef<[u8]>) -> usize {
        let prefix = prefix.as_ref();
        self.scan()
            .filter(|key| key.starts_with(prefix) && self.remove(key))
            .count()
    }

    /// Removes all keys that match a pattern; returns how many they were.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set_many([("a1", 1), ("a2", 2), ("b1", 3)])?;
    /// assert_eq!(store.remove_matching("a*"), 2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(all keys × pattern).
    ///
    /// # Consistency
    ///
    /// As [`Store::remove_prefix`].
    pub fn remove_matching(&self, pattern: impl AsRef<[u8]>) -> usize {
        let matching = self.scan_with(ScanOptions::new().matching(pattern));
        matching.filter(|key| self.remove(key)).count()
    }
}
