//! `Words`: a stripe's keys and values as records in an arena, and what is too large for one beside it.

use std::sync::Arc;

use ahash::RandomState;

use super::stored::Stored;
use crate::ds::arena::{Arena, Pages, rounded};
use crate::ds::{Ref, approach};
use crate::entry::Entries;
use crate::record::{Content, Draft, Head, Kind, MAX_INLINE, MAX_KEY};
use crate::stripes::low_bits;
use crate::time::Millis;

/// What an entry costs beside its record, at worst: its part of the table, the ghost and the small queue.
const SEAT_BYTES: u64 = 16;
/// What a timer costs.
const TIMER_BYTES: u64 = 5;
/// What something outside costs beside its bytes: its slot, the counts, the allocator's own.
const OUTSIDE_BYTES: u64 = 64;

/// A value outside the arena.
#[derive(Clone, Debug)]
pub(crate) enum Large {
    Bytes(Arc<Vec<u8>>),
}

/// Something outside: a large value, or any value with a long key.
struct Outside {
    /// The key, where it is too long for the record.
    key: Option<Box<[u8]>>,
    value: Large,
}

/// What is left of an entry that was taken out.
pub(crate) struct Gone {
    /// What was outside; freed when this is dropped.
    outside: Option<Outside>,
}

impl Gone {
    /// Whether dropping it frees something.
    pub(crate) fn is_large(&self) -> bool {
        self.outside.is_some()
    }
}

/// Whether a bound counts entries or bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Entries,
    Bytes,
}

/// The entries of one stripe of a `Store`; see the module's text.
pub(crate) struct Words {
    arena: Arena,
    outside: Vec<Option<Outside>>,
    outside_free: Vec<u32>,
    outside_bytes: u64,
    hasher: RandomState,
    measure: Measure,
}

impl Words {
    pub(crate) fn new(hasher: RandomState, measure: Measure) -> Self {
        let (outside, outside_free) = (Vec::new(), Vec::new());
        Words {
            arena: Arena::new(),
            outside,
            outside_free,
            outside_bytes: 0,
            hasher,
            measure,
        }
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        self.arena.bytes() + self.outside_bytes
    }

    /// Whether the entry has this key.
    #[inline]
    pub(crate) fn has_key(&self, pages: &Pages, entry: Ref, key: &[u8]) -> bool {
        let Some(words) = pages.words(entry) else {
            return false;
        };
        let head = Head::load(words);
        if key.len() <= MAX_KEY {
            return head.has_key(words, key);
        }
        head.has_long_key()
            && self
                .outside_of(head.number(words))
                .and_then(|o| o.key.as_deref())
                == Some(key)
    }

    fn outside_of(&self, number: u64) -> Option<&Outside> {
        self.outside.get(number as usize)?.as_ref()
    }

    /// Runs `work` on the entry's key.
    pub(crate) fn with_key<R>(
        &self,
        pages: &Pages,
        entry: Ref,
        work: impl FnOnce(&[u8]) -> R,
    ) -> R {
        let words = pages.words(entry).unwrap_or_default();
        let head = Head::load(words);
        if head.has_long_key() {
            return work(
                self.outside_of(head.number(words))
                    .and_then(|o| o.key.as_deref())
                    .unwrap_or_default(),
            );
        }
        work(head.key(words, &mut [0; 256]))
    }

    /// Runs `work` on the entry's value.
    pub(crate) fn with_value<R>(
        &self,
        pages: &Pages,
        entry: Ref,
        work: impl FnOnce(Stored<'_>) -> R,
    ) -> R {
        let words = pages.words(entry).unwrap_or_default();
        let head = Head::load(words);
        match head.kind() {
            Some(Kind::Int) => work(Stored::Int(head.number(words) as i64)),
            Some(Kind::Outside) => match self.outside_of(head.number(words)).map(|o| &o.value) {
                Some(Large::Bytes(bytes)) => work(Stored::Large(Arc::clone(bytes))),
                None => work(Stored::Bytes(&[])),
            },
            _ => {
                let mut short = [0; 128];
                let len = head.value_len();
                if len <= short.len() {
                    crate::record::copy(words, head.value_at(), &mut short[..len]);
                    return work(Stored::Bytes(&short[..len]));
                }
                let mut long = vec![0; len];
                crate::record::copy(words, head.value_at(), &mut long);
                work(Stored::Bytes(&long))
            }
        }
    }

    /// Whether a value stands outside the arena under this key.
    fn is_outside(key: &[u8], value: &Stored<'_>) -> bool {
        key.len() > MAX_KEY
            || match value {
                Stored::Bytes(bytes) => bytes.len() > MAX_INLINE,
                Stored::Int(_) => false,
                Stored::Large(_) => true,
            }
    }

    /// What is to be written for this key and value; `number` names what stands outside, if anything does.
    fn draft<'a>(
        key: &'a [u8],
        value: &Stored<'a>,
        deadline: Option<Millis>,
        number: u32,
    ) -> Draft<'a> {
        let long_key = key.len() > MAX_KEY;
        let content = match value {
            _ if Self::is_outside(key, value) => Content::Outside(number),
            Stored::Bytes(bytes) => Content::Bytes(bytes),
            Stored::Int(int) => Content::Int(*int),
            Stored::Large(_) => Content::Outside(number),
        };
        Draft {
            key: if long_key { &[] } else { key },
            long_key,
            content,
            deadline,
        }
    }

    /// What an entry with this key, value and deadline would weigh.
    #[inline]
    pub(crate) fn weight_of(
        &self,
        key: &[u8],
        value: &Stored<'_>,
        deadline: Option<Millis>,
    ) -> u64 {
        if self.measure == Measure::Entries {
            return 1;
        }
        let long_key = if key.len() > MAX_KEY { key.len() } else { 0 };
        let outside = if Self::is_outside(key, value) {
            (long_key + value.len()) as u64 + OUTSIDE_BYTES
        } else {
            0
        };
        charge(
            Self::draft(key, value, deadline, 0).words(),
            deadline.is_some(),
        ) + outside
    }

    /// What the entry would weigh with this deadline.
    pub(crate) fn weight_redated(
        &self,
        pages: &Pages,
        entry: Ref,
        deadline: Option<Millis>,
    ) -> u64 {
        let weight = self.weight(pages, entry);
        if self.measure == Measure::Entries {
            return weight;
        }
        let timer = |timed: bool| if timed { TIMER_BYTES } else { 0 };
        weight - timer(self.deadline(pages, entry).is_some()) + timer(deadline.is_some())
    }

    /// What stands outside for this key and value.
    fn outside_for(key: &[u8], value: &Stored<'_>) -> Option<Outside> {
        if !Self::is_outside(key, value) {
            return None;
        }
        let bytes = match value {
            Stored::Large(bytes) => Arc::clone(bytes),
            other => Arc::new(other.with_text(<[u8]>::to_vec)),
        };
        Some(Outside {
            key: (key.len() > MAX_KEY).then(|| key.into()),
            value: Large::Bytes(bytes),
        })
    }

    /// Writes a new record. Its key is not in the stripe, or its old record is about to be replaced by this one.
    #[inline]
    pub(crate) fn put(
        &mut self,
        pages: &Pages,
        key: &[u8],
        value: &Stored<'_>,
        deadline: Option<Millis>,
    ) -> Option<Ref> {
        let entry = self.alloc(pages, Self::draft(key, value, deadline, 0).words())?;
        let number = Self::outside_for(key, value).map_or(0, |outside| self.put_outside(outside));
        Self::draft(key, value, deadline, number).write(pages.words(entry)?);
        Some(entry)
    }

    /// Whether the entry's record takes as much room with this value and deadline.
    #[inline]
    pub(crate) fn fits(
        &self,
        pages: &Pages,
        entry: Ref,
        key: &[u8],
        value: &Stored<'_>,
        deadline: Option<Millis>,
    ) -> bool {
        let words = Head::load(pages.words(entry).unwrap_or_default()).words();
        rounded(words) == rounded(Self::draft(key, value, deadline, 0).words())
    }

    /// Rewrites a record that [`Self::fits`] in place; readers must be kept off.
    pub(crate) fn rewrite(
        &mut self,
        pages: &Pages,
        entry: Ref,
        key: &[u8],
        value: &Stored<'_>,
        deadline: Option<Millis>,
    ) -> Gone {
        let young = self.is_young(pages, entry);
        let gone = Gone {
            outside: self.take_outside(pages, entry),
        };
        let number = Self::outside_for(key, value).map_or(0, |outside| self.put_outside(outside));
        if let Some(words) = pages.words(entry) {
            Self::draft(key, value, deadline, number).write(words);
            if young {
                Head::set_young(words, true);
            }
        }
        gone
    }

    /// The integer that the entry holds in place, if it does.
    #[inline]
    pub(crate) fn int(&self, pages: &Pages, entry: Ref) -> Option<i64> {
        let words = pages.words(entry)?;
        let head = Head::load(words);
        (head.kind() == Some(Kind::Int)).then(|| head.number(words) as i64)
    }

    /// Whether the entry's deadline can be changed to this one in place.
    pub(crate) fn can_redate(&self, pages: &Pages, entry: Ref, deadline: Option<Millis>) -> bool {
        pages
            .words(entry)
            .is_some_and(|words| Head::load(words).can_redate(deadline))
    }

    /// Changes the entry's deadline in place; readers must be kept off.
    pub(crate) fn redate(&mut self, pages: &Pages, entry: Ref, deadline: Option<Millis>) {
        if let Some(words) = pages.words(entry) {
            Head::redate(words, deadline);
        }
    }

    fn alloc(&mut self, pages: &Pages, words: usize) -> Option<Ref> {
        if !self.arena.has_room(words) && !self.arena.add_page(pages) {
            return None;
        }
        self.arena.alloc(pages, words)
    }

    fn put_outside(&mut self, outside: Outside) -> u32 {
        self.outside_bytes += outside.bytes();
        let number = self.outside_free.pop().unwrap_or_else(|| {
            self.outside.push(None);
            self.outside.len() as u32 - 1
        });
        self.outside[number as usize] = Some(outside);
        number
    }

    fn take_outside(&mut self, pages: &Pages, entry: Ref) -> Option<Outside> {
        let words = pages.words(entry)?;
        let head = Head::load(words);
        if head.kind() != Some(Kind::Outside) {
            return None;
        }
        let number = head.number(words) as u32;
        let outside = self.outside.get_mut(number as usize)?.take()?;
        self.outside_free.push(number);
        self.outside_bytes -= outside.bytes();
        Some(outside)
    }

    /// Rewrites an integer in place; readers must be kept off.
    pub(crate) fn set_int(&mut self, pages: &Pages, entry: Ref, value: i64) {
        let Some(words) = pages.words(entry) else {
            return;
        };
        crate::record::patch(words, Head::load(words).value_at(), &value.to_le_bytes());
    }

    /// Whether there may be a sparse page.
    #[inline]
    pub(crate) fn may_be_sparse(&self) -> bool {
        self.arena.may_be_sparse()
    }

    /// A sparse page's records, to be moved with [`Self::relocate`].
    pub(crate) fn sparse(&mut self, pages: &Pages) -> Option<Vec<Ref>> {
        let page = self.arena.sparse()?;
        Some(self.arena.residents(pages, page))
    }

    /// Copies a record elsewhere and frees nothing; the caller replaces the reference, then calls [`Self::forsake`].
    pub(crate) fn relocate(&mut self, pages: &Pages, entry: Ref) -> Option<Ref> {
        let words = Head::load(pages.words(entry)?).words();
        let to = self.alloc(pages, words)?;
        for (from, to) in pages.words(entry)?.iter().zip(pages.words(to)?).take(words) {
            to.store(
                from.load(std::sync::atomic::Ordering::Relaxed),
                std::sync::atomic::Ordering::Relaxed,
            );
        }
        Some(to)
    }

    /// Frees the slot of a record that was copied elsewhere.
    pub(crate) fn forsake(&mut self, pages: &Pages, entry: Ref) {
        self.arena.free(pages, entry);
    }
}

/// What a record of so many words weighs.
fn charge(words: usize, timed: bool) -> u64 {
    rounded(words) as u64 * 8 + SEAT_BYTES + if timed { TIMER_BYTES } else { 0 }
}

impl Outside {
    fn bytes(&self) -> u64 {
        let Large::Bytes(bytes) = &self.value;
        (self.key.as_ref().map_or(0, |key| key.len()) + bytes.len()) as u64 + OUTSIDE_BYTES
    }
}

impl Entries for Words {
    type Shared = Pages;
    type Gone = Gone;

    fn hash(&self, pages: &Pages, entry: Ref) -> u32 {
        self.with_key(pages, entry, |key| low_bits(self.hasher.hash_one(key)))
    }

    #[inline]
    fn approach(&self, pages: &Pages, entry: Ref) {
        if let Some(words) = pages.words(entry) {
            approach(&words[0]);
        }
    }

    #[inline]
    fn weight(&self, pages: &Pages, entry: Ref) -> u64 {
        if self.measure == Measure::Entries {
            return 1;
        }
        let words = pages.words(entry).unwrap_or_default();
        let head = Head::load(words);
        let outside = match head.kind() {
            Some(Kind::Outside) => self
                .outside_of(head.number(words))
                .map_or(0, Outside::bytes),
            _ => 0,
        };
        charge(head.words(), head.deadline(words).is_some()) + outside
    }

    #[inline]
    fn deadline(&self, pages: &Pages, entry: Ref) -> Option<Millis> {
        let words = pages.words(entry)?;
        let head = Head::load(words);
        head.kind()?;
        head.deadline(words)
    }

    #[inline]
    fn is_young(&self, pages: &Pages, entry: Ref) -> bool {
        pages
            .words(entry)
            .is_some_and(|words| Head::load(words).is_young())
    }

    #[inline]
    fn set_young(&mut self, pages: &Pages, entry: Ref, young: bool) {
        if let Some(words) = pages.words(entry) {
            Head::set_young(words, young);
        }
    }

    fn take(&mut self, pages: &Pages, entry: Ref) -> Gone {
        let gone = Gone {
            outside: self.take_outside(pages, entry),
        };
        self.arena.free(pages, entry);
        gone
    }
}
