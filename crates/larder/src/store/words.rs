//! `Words`: a stripe's keys and values as records in an arena, and what is too large for one beside it.

use std::sync::Arc;

use ahash::RandomState;

use super::builder::Measure;
use super::events::{Told, wants_departures};
use super::group::hash_key;
use super::outside::{Gone, Large, OUTSIDE_BYTES, Outside, Outsides};
use super::stored::Stored;
use crate::ds::arena::{Arena, Pages, rounded};
use crate::ds::{Ref, approach};
use crate::entry::{Entries, Holding};
use crate::key::KeyType;
use crate::record::{Content, Draft, Head, Kind, MAX_KEY};
use crate::stripes::low_bits;
use crate::time::Millis;
use crate::value::Any;

/// What an entry costs beside its record, at worst: its part of the table, the ghost and the small queue.
const SEAT_BYTES: u64 = 16;
/// What a timer costs.
const TIMER_BYTES: u64 = 5;

/// The entries of one stripe of a `Store`; see the module's text.
pub(crate) struct Words {
    pub(super) arena: Arena,
    pub(super) outside: Outsides,
    hasher: RandomState,
    measure: Measure,
    /// Who is told of keys that come and go.
    pub(super) told: Told,
}

impl Words {
    pub(crate) fn new(hasher: RandomState, measure: Measure, told: Told) -> Self {
        Words {
            arena: Arena::new(u32::MAX),
            outside: Outsides::default(),
            hasher,
            measure,
            told,
        }
    }

    pub(crate) fn measure(&self) -> Measure {
        self.measure
    }

    /// Whether the entry has this key.
    #[inline]
    pub(crate) fn has_key(&self, pages: &Arc<Pages>, entry: Ref, key: &[u8]) -> bool {
        let Some(words) = self.arena.words(pages, entry) else {
            return false;
        };
        let head = Head::load(words);
        if key.len() <= MAX_KEY {
            return head.has_key(words, key);
        }
        head.has_long_key()
            && self
                .outside
                .get(head.number(words))
                .and_then(|o| o.key.as_deref())
                == Some(key)
    }

    /// Runs `work` on the entry's key.
    pub(crate) fn with_key<R>(
        &self,
        pages: &Arc<Pages>,
        entry: Ref,
        work: impl FnOnce(&[u8]) -> R,
    ) -> R {
        let words = self.arena.words(pages, entry).unwrap_or_default();
        let head = Head::load(words);
        if head.has_long_key() {
            return work(
                self.outside
                    .get(head.number(words))
                    .and_then(|o| o.key.as_deref())
                    .unwrap_or_default(),
            );
        }
        work(head.key(words, &mut [0; 256]))
    }

    /// Runs `work` on the entry's value.
    pub(crate) fn with_value<R>(
        &self,
        pages: &Arc<Pages>,
        entry: Ref,
        work: impl FnOnce(Stored<'_>) -> R,
    ) -> R {
        let words = self.arena.words(pages, entry).unwrap_or_default();
        let head = Head::load(words);
        match head.kind() {
            Some(Kind::Int) => work(Stored::Int(head.number(words) as i64)),
            Some(Kind::Outside) => match self.outside.get(head.number(words)).map(|o| &o.value) {
                Some(Large::Bytes(bytes)) => work(Stored::Large(Arc::clone(bytes))),
                Some(Large::Elements(elements)) => {
                    work(Stored::Elements(elements.key_type(), elements.bytes()))
                }
                Some(Large::Vacant(key_type, bytes)) => work(Stored::Elements(*key_type, *bytes)),
                None => work(Stored::Bytes(&[])),
            },
            _ => {
                let stored = |bytes| match head.key_type() {
                    KeyType::String => Stored::Bytes(bytes),
                    key_type => Stored::Packed(key_type, bytes),
                };
                let mut short = [0; 128];
                let len = head.value_len();
                if len <= short.len() {
                    crate::ds::word_bytes::copy(words, head.value_at(), &mut short[..len]);
                    return work(stored(&short[..len]));
                }
                let mut long = vec![0; len];
                crate::ds::word_bytes::copy(words, head.value_at(), &mut long);
                work(stored(&long))
            }
        }
    }

    /// The type of the entry's value.
    #[inline]
    pub(crate) fn key_type(&self, pages: &Arc<Pages>, entry: Ref) -> KeyType {
        Head::load(self.arena.words(pages, entry).unwrap_or_default()).key_type()
    }

    /// Replaces what `out` holds by the packed form of the entry's value; `false` if it stands outside.
    pub(crate) fn packed_into(&self, pages: &Arc<Pages>, entry: Ref, out: &mut Vec<u8>) -> bool {
        let words = self.arena.words(pages, entry).unwrap_or_default();
        let head = Head::load(words);
        if head.kind() != Some(Kind::Bytes) {
            return false;
        }
        crate::ds::word_bytes::copy_to_vec(words, head.value_at(), head.value_len(), out);
        true
    }

    /// The value with elements that the entry holds outside.
    pub(crate) fn elements(&self, pages: &Arc<Pages>, entry: Ref) -> Option<&Any> {
        let words = self.arena.words(pages, entry)?;
        let head = Head::load(words);
        if head.kind() != Some(Kind::Outside) {
            return None;
        }
        match &self.outside.get(head.number(words))?.value {
            Large::Elements(elements) => Some(elements),
            _ => None,
        }
    }

    /// Runs `work` on the value with elements that the entry holds outside.
    pub(crate) fn change_elements<R>(
        &mut self,
        pages: &Arc<Pages>,
        entry: Ref,
        work: impl FnOnce(&mut Any) -> R,
    ) -> Option<R> {
        let words = self.arena.words(pages, entry)?;
        let head = Head::load(words);
        if head.kind() != Some(Kind::Outside) {
            return None;
        }
        self.outside
            .change(head.number(words), |value| match value {
                Large::Elements(elements) => Some(work(elements)),
                _ => None,
            })?
    }

    /// A moment at or before the first at which an element of the entry's value expires.
    pub(crate) fn element_due(&self, pages: &Arc<Pages>, entry: Ref) -> Option<Millis> {
        if let Some(any) = self.elements(pages, entry) {
            return any.next_due();
        }
        let mut packed = Vec::new();
        self.packed_into(pages, entry, &mut packed);
        Any::unpack(self.key_type(pages, entry), packed)?.next_due()
    }

    /// Notes whether elements of the entry's value have deadlines. Readers must be kept off.
    pub(crate) fn set_timed(&mut self, pages: &Arc<Pages>, entry: Ref, timed: bool) {
        if let Some(words) = self.arena.words(pages, entry) {
            Head::set_timed(words, timed);
        }
    }

    /// Takes the value with elements out of the entry, whose seat it keeps.
    pub(crate) fn lift(&mut self, pages: &Arc<Pages>, entry: Ref) -> Option<Box<Any>> {
        let words = self.arena.words(pages, entry)?;
        let number = Head::load(words).number(words);
        self.outside.change(number, Large::lift)?
    }

    /// Moves a value with elements into the entry that was put for it.
    pub(crate) fn fill(&mut self, pages: &Arc<Pages>, entry: Ref, elements: Box<Any>) {
        let words = self.arena.words(pages, entry).unwrap_or_default();
        let number = Head::load(words).number(words);
        self.outside
            .change(number, |value| *value = Large::Elements(elements));
    }

    /// What is to be written for this key and value; `number` names what stands outside, if anything does.
    fn draft<'a>(
        key: &'a [u8],
        value: &'a Stored<'a>,
        deadline: Option<Millis>,
        number: u32,
    ) -> Draft<'a> {
        let long_key = key.len() > MAX_KEY;
        let content = match value {
            _ if Outside::holds(key, value) => Content::Outside(number),
            Stored::Int(int) => Content::Int(*int),
            other => Content::Bytes(other.bytes()),
        };
        Draft {
            key: if long_key { &[] } else { key },
            long_key,
            content,
            key_type: value.key_type(),
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
        let outside = match value.outside_bytes() {
            Some(bytes) => bytes + long_key as u64 + OUTSIDE_BYTES,
            None if long_key == 0 => 0,
            None => (long_key + value.with_text(<[u8]>::len)) as u64 + OUTSIDE_BYTES,
        };
        charge(
            Self::draft(key, value, deadline, 0).words(),
            deadline.is_some(),
        ) + outside
    }

    /// What the entry would weigh with this deadline.
    pub(crate) fn weight_redated(
        &self,
        pages: &Arc<Pages>,
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

    /// Writes a new record. Its key is not in the stripe, or its old record is about to be replaced by this one.
    #[inline]
    pub(crate) fn put(
        &mut self,
        pages: &Arc<Pages>,
        key: &[u8],
        value: &Stored<'_>,
        deadline: Option<Millis>,
    ) -> Option<Ref> {
        let mut draft = Self::draft(key, value, deadline, 0);
        let entry = self.alloc(pages, draft.words())?;
        if let Content::Outside(number) = &mut draft.content
            && let Some(outside) = Outside::of(key, value)
        {
            *number = self.outside.put(outside);
        }
        draft.write(self.arena.words(pages, entry)?);
        Some(entry)
    }

    /// Whether the entry's record takes as much room with this value and deadline.
    #[inline]
    pub(crate) fn fits(
        &self,
        pages: &Arc<Pages>,
        entry: Ref,
        key: &[u8],
        value: &Stored<'_>,
        deadline: Option<Millis>,
    ) -> bool {
        let words = Head::load(self.arena.words(pages, entry).unwrap_or_default()).words();
        rounded(words) == rounded(Self::draft(key, value, deadline, 0).words())
    }

    /// Rewrites a record that [`Self::fits`] in place; readers must be kept off.
    pub(crate) fn rewrite(
        &mut self,
        pages: &Arc<Pages>,
        entry: Ref,
        key: &[u8],
        value: &Stored<'_>,
        deadline: Option<Millis>,
    ) -> Gone {
        let young = self.is_young(pages, entry);
        let gone = Gone::new(self.take_outside(pages, entry));
        let number = Outside::of(key, value).map_or(0, |outside| self.outside.put(outside));
        if let Some(words) = self.arena.words(pages, entry) {
            Self::draft(key, value, deadline, number).write(words);
            if young {
                Head::set_young(words, true);
            }
        }
        gone
    }

    /// The integer that the entry holds in place, if it does.
    #[inline]
    pub(crate) fn int(&self, pages: &Arc<Pages>, entry: Ref) -> Option<i64> {
        let words = self.arena.words(pages, entry)?;
        let head = Head::load(words);
        (head.kind() == Some(Kind::Int)).then(|| head.number(words) as i64)
    }

    /// Whether the entry's deadline can be changed to this one in place.
    pub(crate) fn can_redate(
        &self,
        pages: &Arc<Pages>,
        entry: Ref,
        deadline: Option<Millis>,
    ) -> bool {
        self.arena
            .words(pages, entry)
            .is_some_and(|words| Head::load(words).can_redate(deadline))
    }

    /// Changes the entry's deadline in place; readers must be kept off.
    pub(crate) fn redate(&mut self, pages: &Arc<Pages>, entry: Ref, deadline: Option<Millis>) {
        if let Some(words) = self.arena.words(pages, entry) {
            Head::redate(words, deadline);
        }
    }

    fn alloc(&mut self, pages: &Arc<Pages>, words: usize) -> Option<Ref> {
        if !self.arena.has_room(words) && !self.arena.add_page(pages) {
            return None;
        }
        self.arena.alloc(pages, words)
    }

    fn take_outside(&mut self, pages: &Arc<Pages>, entry: Ref) -> Option<Outside> {
        let words = self.arena.words(pages, entry)?;
        let head = Head::load(words);
        if head.kind() != Some(Kind::Outside) {
            return None;
        }
        self.outside.take(head.number(words))
    }

    /// Rewrites an integer in place; readers must be kept off.
    pub(crate) fn set_int(&mut self, pages: &Arc<Pages>, entry: Ref, value: i64) {
        let Some(words) = self.arena.words(pages, entry) else {
            return;
        };
        crate::ds::word_bytes::patch_word(words, Head::load(words).value_at(), value as u64);
    }

    /// Bytes that the entry takes.
    #[inline]
    pub(crate) fn bytes_of(&self, pages: &Arc<Pages>, entry: Ref) -> u64 {
        let words = self.arena.words(pages, entry).unwrap_or_default();
        let head = Head::load(words);
        let outside = match head.kind() {
            Some(Kind::Outside) => self
                .outside
                .get(head.number(words))
                .map_or(0, Outside::bytes),
            _ => 0,
        };
        charge(head.words(), head.deadline(words).is_some()) + outside
    }
}

/// What a record of so many words weighs.
fn charge(words: usize, timed: bool) -> u64 {
    rounded(words) as u64 * 8 + SEAT_BYTES + if timed { TIMER_BYTES } else { 0 }
}

impl Entries for Words {
    type Shared = Arc<Pages>;
    type Gone = Gone;

    fn hash(&self, pages: &Arc<Pages>, entry: Ref) -> u32 {
        self.with_key(pages, entry, |key| low_bits(hash_key(&self.hasher, key)))
    }

    #[inline]
    fn approach(&self, pages: &Arc<Pages>, entry: Ref) {
        if let Some(words) = self.arena.words(pages, entry) {
            approach(&words[0]);
        }
    }

    #[inline]
    fn weight(&self, pages: &Arc<Pages>, entry: Ref) -> u64 {
        if self.measure == Measure::Entries {
            return 1;
        }
        self.bytes_of(pages, entry)
    }

    #[inline]
    fn deadline(&self, pages: &Arc<Pages>, entry: Ref) -> Option<Millis> {
        let words = self.arena.words(pages, entry)?;
        let head = Head::load(words);
        head.kind()?;
        head.deadline(words)
    }

    #[inline]
    fn due(&self, pages: &Arc<Pages>, entry: Ref) -> Option<Millis> {
        let words = self.arena.words(pages, entry)?;
        let head = Head::load(words);
        head.kind()?;
        let deadline = head.deadline(words);
        if !head.is_timed() {
            return deadline;
        }
        deadline
            .into_iter()
            .chain(self.element_due(pages, entry))
            .min()
    }

    #[inline]
    fn is_timed(&self, pages: &Arc<Pages>, entry: Ref) -> bool {
        self.arena
            .words(pages, entry)
            .is_some_and(|words| Head::load(words).is_timed())
    }

    #[inline]
    fn is_young(&self, pages: &Arc<Pages>, entry: Ref) -> bool {
        self.arena
            .words(pages, entry)
            .is_some_and(|words| Head::load(words).is_young())
    }

    #[inline]
    fn set_young(&mut self, pages: &Arc<Pages>, entry: Ref, young: bool) {
        if let Some(words) = self.arena.words(pages, entry) {
            Head::set_young(words, young);
        }
    }

    fn holding(&self) -> Option<Holding> {
        self.weighs_memory().then(|| self.held())
    }

    #[inline]
    fn weighs_memory(&self) -> bool {
        self.measure == Measure::Bytes
    }

    #[inline]
    fn is_slack(&self) -> bool {
        self.arena.is_slack()
    }

    fn movers(&mut self, pages: &Arc<Pages>, most: usize) -> Vec<Ref> {
        self.choose_movers(pages, most)
    }

    fn relocate(&mut self, pages: &Arc<Pages>, entry: Ref) -> Option<Ref> {
        self.move_record(pages, entry)
    }

    fn forsake(&mut self, pages: &Arc<Pages>, entry: Ref) {
        self.arena.free(pages, entry);
    }

    fn take(&mut self, pages: &Arc<Pages>, entry: Ref) -> Gone {
        let key = wants_departures(&self.told.wanted)
            .then(|| self.with_key(pages, entry, |key| key.into()));
        let mut gone = Gone::new(self.take_outside(pages, entry));
        gone.key = key;
        self.arena.free(pages, entry);
        gone
    }
}
