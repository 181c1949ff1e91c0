//! `Typed`: a stripe's pairs of key and value, in columns.
//!
//! A record is the pair and 4 bytes: the hash, whose spare top bit marks the entries on probation and which is never
//! zero, so that an empty slot needs no mark of its own. A deadline (4 bytes), the last access (8), a weight (8) and
//! the stamp that LRU goes by (8) take room only in caches that use them.
//!
//! Loads in flight stand beside the pairs, under the same lock, in a map that is empty most of the time. A write of
//! their key takes them out ([`Typed::supersede`]): what they bring is then too old to be stored.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::ds::column::{CHUNK, Column, Records};
use crate::ds::table::HASH_MASK;
use crate::ds::{Ref, approach};
use crate::entry::Entries;
use crate::time::Millis;
use crate::wait::Relay;

use super::freshness::Mark;

const YOUNG: u32 = !HASH_MASK;
/// In the column of deadlines: none.
const NEVER: u32 = 0;
/// In the column of deadlines: too far from `base` for 32 bits of milliseconds, see `far`.
const FAR: u32 = u32::MAX;
/// `base` follows the clock once it is so far behind: 24 days.
const REBASE_MS: Millis = 1 << 31;

/// Which properties the entries of a cache have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Entries that the stripe is made for.
    pub(crate) expected: usize,
    pub(crate) weighed: bool,
    /// Idle time after which an entry expires.
    pub(crate) idle: Option<Millis>,
    /// Whether entries are stamped when they are used.
    pub(crate) stamped: bool,
    /// Whether rules of freshness or tags apply to it.
    pub(crate) marked: bool,
}

/// One entry.
struct Record<K, V> {
    /// The hash and the mark of probation.
    head: NonZeroU32,
    pair: (K, V),
}

/// When each entry was last used, counted in uses of the stripe's entries.
struct Stamps {
    column: Column<AtomicU64>,
    latest: AtomicU64,
}

/// A load under way.
pub(crate) struct Flight<K, V> {
    pub(crate) key: K,
    pub(crate) relay: Arc<Relay<V>>,
    pub(crate) task: Task,
}

/// What the one who runs a flight does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Reads the source. A write of the key takes the flight out.
    Load,
    /// Writes the source. Other writers of this kind queue up.
    Write,
    /// Writes the source, while the key was written past it: nobody can say which of the two is later there.
    DoubtfulWrite,
}

/// What a hit has to do besides returning the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    Nothing,
    /// To look at the deadline that the caller set.
    Deadline,
    /// To look at whatever there is, and to note the use.
    All,
}

/// The entries of one stripe of a `Cache`; see the module's text.
pub(crate) struct Typed<K, V> {
    shape: Shape,
    records: Records<Record<K, V>>,
    /// Milliseconds since `base`, plus one, or `NEVER`, or `FAR`. Made when the first deadline is set.
    deadlines: Option<Column<u32>>,
    base: Millis,
    far: HashMap<Ref, Millis>,
    /// Whether any entry may have a deadline: there is a column of deadlines or of accesses.
    may_expire: bool,
    /// Milliseconds of the last access, for caches with an idle time.
    touched: Option<Column<AtomicU64>>,
    weights: Option<Column<u64>>,
    stamps: Option<Stamps>,
    watch: Watch,
    /// Freshness and tags, for caches that have rules for them.
    marks: Option<Column<Mark>>,
    free: Vec<Ref>,
    slots: u32,
    /// Loads under way, by hash and number.
    pub(crate) flights: BTreeMap<(u32, u64), Flight<K, V>>,
}

impl<K, V> Typed<K, V> {
    pub(crate) fn new(shape: Shape) -> Self {
        Typed {
            shape,
            records: Records::expecting(shape.expected),
            deadlines: None,
            base: 0,
            far: HashMap::new(),
            may_expire: shape.idle.is_some() || shape.marked,
            touched: shape.idle.map(|_| Column::expecting(shape.expected)),
            weights: shape.weighed.then(Column::new),
            stamps: shape.stamped.then(|| Stamps {
                column: Column::new(),
                latest: AtomicU64::new(0),
            }),
            watch: if shape.idle.is_some() || shape.stamped || shape.marked {
                Watch::All
            } else {
                Watch::Nothing
            },
            marks: shape.marked.then(|| Column::expecting(shape.expected)),
            free: Vec::new(),
            slots: 0,
            flights: BTreeMap::new(),
        }
    }

    /// Columns for the same cache, without entries or loads.
    pub(crate) fn successor(&self) -> Self {
        Typed {
            base: self.base,
            ..Typed::new(self.shape)
        }
    }

    /// Takes the pairs out, whatever else is known of them.
    pub(crate) fn into_pairs(mut self) -> impl Iterator<Item = (K, V)> {
        (0..self.slots).filter_map(move |entry| Some(self.records[entry].take()?.pair))
    }

    /// The load of a key that is under way.
    pub(crate) fn flight(
        &self,
        hash: u32,
        same: impl Fn(&K) -> bool,
    ) -> Option<(u64, &Flight<K, V>)> {
        let mut flights = self.flights.range((hash, 0)..=(hash, u64::MAX));
        flights
            .find(|(_, flight)| same(&flight.key))
            .map(|(id, flight)| (id.1, flight))
    }

    /// Takes out the load of a key that is written; what is returned is to be dropped after the unlock.
    #[inline]
    pub(crate) fn supersede(
        &mut self,
        hash: u32,
        same: impl Fn(&K) -> bool,
    ) -> Option<Flight<K, V>> {
        if self.flights.is_empty() {
            return None;
        }
        let id = self.flight(hash, same)?.0;
        let flight = self.flights.get_mut(&(hash, id))?;
        if flight.task == Task::Load {
            return self.flights.remove(&(hash, id));
        }
        flight.task = Task::DoubtfulWrite;
        None
    }

    /// Takes out the load of a key whose source is to be written; another write of it stays.
    pub(crate) fn supersede_load(
        &mut self,
        hash: u32,
        same: impl Fn(&K) -> bool,
    ) -> Option<Flight<K, V>> {
        let (id, flight) = self.flight(hash, same)?;
        let is_load = flight.task == Task::Load;
        is_load.then(|| self.flights.remove(&(hash, id))).flatten()
    }

    /// Takes out all loads, since any key may be written; what is returned is to be dropped after the unlock.
    pub(crate) fn supersede_all(&mut self) -> BTreeMap<(u32, u64), Flight<K, V>> {
        let all = std::mem::take(&mut self.flights);
        let (loads, mut writes): (BTreeMap<_, _>, BTreeMap<_, _>) = all
            .into_iter()
            .partition(|(_, flight)| flight.task == Task::Load);
        for flight in writes.values_mut() {
            flight.task = Task::DoubtfulWrite;
        }
        self.flights = writes;
        loads
    }

    /// The mark of an entry, in caches with rules.
    #[inline]
    pub(crate) fn mark(&self, entry: Ref) -> Option<&Mark> {
        self.marks.as_ref().map(|marks| &marks[entry])
    }

    pub(crate) fn mark_mut(&mut self, entry: Ref) -> Option<&mut Mark> {
        self.marks.as_mut().map(|marks| &mut marks[entry])
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        self.records.bytes()
            + (self.free.capacity() * size_of::<Ref>()) as u64
            + self.deadlines.as_ref().map_or(0, Column::bytes)
            + self.touched.as_ref().map_or(0, Column::bytes)
            + self.weights.as_ref().map_or(0, Column::bytes)
            + self
                .stamps
                .as_ref()
                .map_or(0, |stamps| stamps.column.bytes())
            + self.marks.as_ref().map_or(0, Column::bytes)
            + (self.far.capacity() * (size_of::<(Ref, Millis)>() + 1)) as u64
    }

    /// Puts a pair into a free slot.
    #[inline]
    pub(crate) fn put(&mut self, hash: u32, key: K, value: V, weight: u64) -> Ref {
        let entry = self.free.pop().unwrap_or_else(|| self.fresh());
        let head = NonZeroU32::new(hash & HASH_MASK).expect("a hash is never zero");
        self.records[entry] = Some(Record {
            head,
            pair: (key, value),
        });
        if let Some(weights) = &mut self.weights {
            weights[entry] = weight;
        }
        self.note_use(&(), entry);
        entry
    }

    /// A slot that was never used.
    #[inline(never)]
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
            if let Some(stamps) = &mut self.stamps {
                stamps.column.grow();
            }
            if let Some(column) = &mut self.marks {
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
    #[inline(always)]
    pub(crate) fn set_by_caller(&self, entry: Ref) -> Option<Millis> {
        match self.deadlines.as_ref()?[entry] {
            NEVER => None,
            FAR => self.far_deadline(entry),
            after => Some(self.base + u64::from(after) - 1),
        }
    }

    #[cold]
    fn far_deadline(&self, entry: Ref) -> Option<Millis> {
        self.far.get(&entry).copied()
    }

    /// Sets or clears the deadline.
    pub(crate) fn set_deadline(&mut self, entry: Ref, deadline: Option<Millis>) {
        if self.deadlines.is_none() {
            if deadline.is_none() {
                return;
            }
            let mut column = Column::expecting(self.shape.expected);
            for _ in 0..(self.slots as usize).div_ceil(CHUNK) {
                column.grow();
            }
            self.deadlines = Some(column);
            self.may_expire = true;
            if self.watch == Watch::Nothing {
                self.watch = Watch::Deadline;
            }
        }
        let Some(column) = &mut self.deadlines else {
            return;
        };
        if column[entry] == FAR {
            self.far.remove(&entry);
        }
        column[entry] = match deadline {
            None => NEVER,
            Some(at) => match u32::try_from(at.saturating_sub(self.base).saturating_add(1)) {
                Ok(near) if near != FAR => near,
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
            touched[entry].store(now, Ordering::Relaxed);
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

    #[inline(always)]
    pub(crate) fn watch(&self) -> Watch {
        self.watch
    }

    /// When the first of its two deadlines is.
    fn first_deadline(&self, entry: Ref) -> Option<Millis> {
        match (self.set_by_caller(entry), self.idle_deadline(entry)) {
            (Some(set), Some(idle)) => Some(set.min(idle)),
            (set, idle) => set.or(idle),
        }
    }

    /// When the entry will have been idle for too long.
    fn idle_deadline(&self, entry: Ref) -> Option<Millis> {
        let touched = self.touched.as_ref()?[entry].load(Ordering::Relaxed);
        self.records[entry].as_ref()?;
        Some(touched.saturating_add(self.shape.idle?))
    }

    /// Lets `base` follow the clock, so that 32 bits go on to reach the deadlines of the weeks to come.
    pub(crate) fn rebase(&mut self, now: Millis) {
        let by = now.saturating_sub(self.base);
        if by < REBASE_MS {
            return;
        }
        let base = std::mem::replace(&mut self.base, now);
        let Some(column) = &mut self.deadlines else {
            return;
        };
        for entry in 0..self.slots {
            let deadline = match column[entry] {
                NEVER => continue,
                FAR => self.far.get(&entry).copied().unwrap_or(base),
                after => base + u64::from(after) - 1,
            };
            let after = deadline.saturating_sub(now).saturating_add(1);
            if let Ok(near) = u32::try_from(after)
                && near != FAR
            {
                self.far.remove(&entry);
                column[entry] = near;
            }
        }
    }
}

impl<K, V> Entries for Typed<K, V> {
    type Shared = ();
    type Gone = (K, V);

    #[inline]
    fn hash(&self, _shared: &(), entry: Ref) -> u32 {
        self.records[entry]
            .as_ref()
            .map_or(0, |record| record.head.get() & HASH_MASK)
    }

    #[inline]
    fn approach(&self, _shared: &(), entry: Ref) {
        approach(&self.records[entry]);
    }

    #[inline]
    fn weight(&self, _shared: &(), entry: Ref) -> u64 {
        self.weights.as_ref().map_or(1, |weights| weights[entry])
    }

    #[inline(always)]
    fn deadline(&self, _shared: &(), entry: Ref) -> Option<Millis> {
        if self.touched.is_some() {
            return self.first_deadline(entry);
        }
        self.set_by_caller(entry)
    }

    #[inline]
    fn is_young(&self, _shared: &(), entry: Ref) -> bool {
        self.records[entry]
            .as_ref()
            .is_some_and(|record| record.head.get() & YOUNG != 0)
    }

    #[inline]
    fn set_young(&mut self, _shared: &(), entry: Ref, young: bool) {
        if let Some(record) = &mut self.records[entry] {
            let hash = record.head.get() & HASH_MASK;
            let head = if young { hash | YOUNG } else { hash };
            record.head = NonZeroU32::new(head).unwrap_or(record.head);
        }
    }

    #[inline]
    fn stamp(&self, _shared: &(), entry: Ref) -> Option<u64> {
        let stamps = self.stamps.as_ref()?;
        Some(stamps.column[entry].load(Ordering::Relaxed))
    }

    #[inline]
    fn note_use(&self, _shared: &(), entry: Ref) {
        if let Some(stamps) = &self.stamps {
            let latest = stamps.latest.fetch_add(1, Ordering::Relaxed) + 1;
            stamps.column[entry].store(latest, Ordering::Relaxed);
        }
    }

    #[inline]
    fn take(&mut self, _shared: &(), entry: Ref) -> (K, V) {
        if self.deadlines.is_some() {
            self.set_deadline(entry, None);
        }
        if let Some(mark) = self.mark_mut(entry) {
            *mark = Mark::default();
        }
        let record = self.records[entry]
            .take()
            .expect("only live entries are taken");
        self.free.push(entry);
        record.pair
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_exact_however_far_and_after_the_base_has_moved() {
        let mut typed = Typed::new(Shape {
            expected: 0,
            weighed: false,
            idle: None,
            stamped: false,
            marked: false,
        });
        let deadlines = [
            0,
            1,
            u64::from(u32::MAX) - 2,
            u64::from(u32::MAX),
            1 << 40,
            REBASE_MS + 5,
            u64::MAX,
        ];
        for (number, &deadline) in deadlines.iter().enumerate() {
            let entry = typed.put(number as u32 + 1, number, (), 1);
            typed.set_deadline(entry, Some(deadline));
        }
        for (entry, &deadline) in deadlines.iter().enumerate() {
            assert_eq!(typed.deadline(&(), entry as Ref), Some(deadline));
        }
        let now = REBASE_MS + 1;
        typed.rebase(now);
        for (entry, &deadline) in deadlines.iter().enumerate() {
            // What was past at the base is past still.
            assert_eq!(typed.deadline(&(), entry as Ref), Some(deadline.max(now)));
        }
        assert_eq!(typed.far.len(), 2);
        for entry in 0..deadlines.len() as Ref {
            typed.set_deadline(entry, None);
        }
        assert!(typed.far.is_empty());
    }
}
