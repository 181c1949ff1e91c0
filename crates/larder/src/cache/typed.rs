//! `Typed`: a stripe's pairs of key and value, in columns.
//!
//! A record is the pair and 4 bytes: the hash, whose spare top bit marks the entries on probation and which is never
//! zero, so that an empty slot needs no mark of its own. A deadline (4 bytes), the last access (4) and a weight (8)
//! take room only in caches that use them.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::ds::{Ref, approach};
use crate::ds::column::{CHUNK, Column, Records};
use crate::ds::table::HASH_MASK;
use crate::entry::Entries;
use crate::time::Millis;

const YOUNG: u32 = !HASH_MASK;
/// In the column of deadlines: none.
const NEVER: u32 = 0;
/// In the column of deadlines: too far for 32 bits of milliseconds, see `far`.
const FAR: u32 = u32::MAX;

/// Which properties the entries of a cache have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) weighed: bool,
    /// Idle time after which an entry expires.
    pub(crate) idle: Option<Millis>,
}

/// One entry.
struct Record<K, V> {
    /// The hash and the mark of probation.
    head: NonZeroU32,
    pair: (K, V),
}

/// The entries of one stripe of a `Cache`; see the module's text.
pub(crate) struct Typed<K, V> {
    shape: Shape,
    records: Records<Record<K, V>>,
    /// Milliseconds since the clock's origin, or `NEVER`, or `FAR`. Made when the first deadline is set.
    deadlines: Option<Column<u32>>,
    far: HashMap<Ref, Millis>,
    /// Whether any entry may have a deadline: there is a column of deadlines or of accesses.
    may_expire: bool,
    /// Milliseconds of the last access, for caches with an idle time.
    touched: Option<Column<AtomicU32>>,
    weights: Option<Column<u64>>,
    free: Vec<Ref>,
    slots: u32,
}

impl<K, V> Typed<K, V> {
    pub(crate) fn new(shape: Shape) -> Self {
        Typed {
            shape,
            records: Records::new(),
            deadlines: None,
            far: HashMap::new(),
            may_expire: shape.idle.is_some(),
            touched: shape.idle.map(|_| Column::new()),
            weights: shape.weighed.then(Column::new),
            free: Vec::new(),
            slots: 0,
        }
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        self.records.bytes()
            + (self.free.capacity() * size_of::<Ref>()) as u64
            + self.deadlines.as_ref().map_or(0, Column::bytes)
            + self.touched.as_ref().map_or(0, Column::bytes)
            + self.weights.as_ref().map_or(0, Column::bytes)
            + (self.far.capacity() * (size_of::<(Ref, Millis)>() + 1)) as u64
    }

    /// Puts a pair into a free slot.
    pub(crate) fn put(&mut self, hash: u32, key: K, value: V, weight: u64) -> Ref {
        let entry = self.free.pop().unwrap_or_else(|| self.fresh());
        let head = NonZeroU32::new(hash & HASH_MASK).expect("a hash is never zero");
        self.records[entry] = Some(Record { head, pair: (key, value) });
        if let Some(weights) = &mut self.weights {
            weights[entry] = weight;
        }
        entry
    }

    /// A slot that was never used.
    fn fresh(&mut self) -> Ref {
        if (self.slots as usize).is_multiple_of(CHUNK) {
            self.records.grow();
            if let Some(column) = &mut self.deadlines {
                column.grow();
            }
            if let Some(column) = &mut self.touched {
                column.grow();
            }
            if let Some(column) = &mut self.weights {
                column.grow();
            }
        }
        self.slots += 1;
        self.slots - 1
    }

    /// The pair of a live entry.
    #[inline(always)]
    pub(crate) fn pair(&self, entry: Ref) -> Option<&(K, V)> {
        self.records[entry].as_ref().map(|record| &record.pair)
    }

    pub(crate) fn pair_mut(&mut self, entry: Ref) -> Option<&mut (K, V)> {
        self.records[entry].as_mut().map(|record| &mut record.pair)
    }

    pub(crate) fn set_weight(&mut self, entry: Ref, weight: u64) {
        if let Some(weights) = &mut self.weights {
            weights[entry] = weight;
        }
    }

    /// The deadline that was set, idle time left aside.
    #[inline]
    pub(crate) fn set_by_caller(&self, entry: Ref) -> Option<Millis> {
        match self.deadlines.as_ref()?[entry] {
            NEVER => None,
            FAR => self.far.get(&entry).copied(),
            at => Some(u64::from(at)),
        }
    }

    /// Sets or clears the deadline.
    pub(crate) fn set_deadline(&mut self, entry: Ref, deadline: Option<Millis>) {
        if self.deadlines.is_none() {
            if deadline.is_none() {
                return;
            }
            let mut column = Column::new();
            for _ in 0..(self.slots as usize).div_ceil(CHUNK) {
                column.grow();
            }
            self.deadlines = Some(column);
            self.may_expire = true;
        }
        let Some(column) = &mut self.deadlines else { return };
        if column[entry] == FAR {
            self.far.remove(&entry);
        }
        column[entry] = match deadline {
            None => NEVER,
            Some(at) => match u32::try_from(at) {
                Ok(near) if near != FAR => near.max(1),
                _ => {
                    self.far.insert(entry, at);
                    FAR
                }
            },
        };
    }

    /// Notes an access, for the idle time.
    #[inline]
    pub(crate) fn note_access(&self, entry: Ref, now: Millis) {
        if let Some(touched) = &self.touched {
            touched[entry].store(now as u32, Ordering::Relaxed);
        }
    }

    /// Whether entries expire when they are left alone.
    #[inline(always)]
    pub(crate) fn has_idle_time(&self) -> bool {
        self.touched.is_some()
    }

    /// Whether any entry may have a deadline.
    #[inline(always)]
    pub(crate) fn may_expire(&self) -> bool {
        self.may_expire
    }

    /// When the entry will have been idle for too long. `now` resolves the 49 days that 32 bits span.
    fn idle_deadline(&self, entry: Ref) -> Option<Millis> {
        let touched = self.touched.as_ref()?[entry].load(Ordering::Relaxed);
        Some(u64::from(touched).saturating_add(self.shape.idle?))
    }
}

impl<K, V> Entries for Typed<K, V> {
    type Shared = ();
    type Gone = (K, V);

    #[inline]
    fn hash(&self, _shared: &(), entry: Ref) -> u32 {
        self.records[entry].as_ref().map_or(0, |record| record.head.get() & HASH_MASK)
    }

    #[inline]
    fn approach(&self, _shared: &(), entry: Ref) {
        approach(&self.records[entry]);
    }

    #[inline]
    fn weight(&self, _shared: &(), entry: Ref) -> u64 {
        self.weights.as_ref().map_or(1, |weights| weights[entry])
    }

    #[inline]
    fn deadline(&self, _shared: &(), entry: Ref) -> Option<Millis> {
        if !self.may_expire || self.records[entry].is_none() {
            return None;
        }
        match (self.set_by_caller(entry), self.idle_deadline(entry)) {
            (Some(set), Some(idle)) => Some(set.min(idle)),
            (set, idle) => set.or(idle),
        }
    }

    #[inline]
    fn is_young(&self, _shared: &(), entry: Ref) -> bool {
        self.records[entry].as_ref().is_some_and(|record| record.head.get() & YOUNG != 0)
    }

    #[inline]
    fn set_young(&mut self, _shared: &(), entry: Ref, young: bool) {
        if let Some(record) = &mut self.records[entry] {
            let hash = record.head.get() & HASH_MASK;
            let head = if young { hash | YOUNG } else { hash };
            record.head = NonZeroU32::new(head).unwrap_or(record.head);
        }
    }

    fn take(&mut self, _shared: &(), entry: Ref) -> (K, V) {
        self.set_deadline(entry, None);
        let record = self.records[entry].take().expect("only live entries are taken");
        self.free.push(entry);
        record.pair
    }
}
