//! `Pairs`: keys with values and deadlines, what sets and hashes are made of: one packed block, or a dict of blocks.
//!
//! ```text
//! small   one block                    up to 128 elements, 3584 bytes
//! large   a dict of blocks             from there on, until half as much is left
//! ```
//!
//! Every change is a put or a removal, and each notes what was there before while there is a journal. A small value's
//! journal is its bytes, and a large one's goes back by hash and key; it stays large while it has one.
//!
//! Cost: small, a look-up compares up to 128 tags and a change moves up to 3.5 KiB; large, see [`Dict`].

use std::collections::HashSet;

use ahash::RandomState;

use super::{Changed, MAX_PACKED, MAX_PACKED_LEN};
use crate::ds::dict::{ALLOCATION, Dict, Spot, below};
use crate::ds::packed::{Element, NEVER, Packed};

/// A draw of several picks places at random while they are fewer than this part of all, and walks otherwise.
const SPARSE: usize = 3;

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Pairs<const SHORT: usize> {
    form: Form<SHORT>,
    journal: Option<Box<Journal>>,
    /// What was changed of a small value's block since it was unpacked.
    changed: Changed,
}

#[derive(Debug, Clone)]
enum Form<const SHORT: usize> {
    Small(Packed<SHORT>),
    Large(Dict<SHORT>),
}

#[derive(Debug)]
enum Journal {
    /// The value, which was small.
    Whole(Vec<u8>),
    Each(Vec<Undo>),
}

/// What a key had before a change.
#[derive(Debug)]
struct Undo {
    hash: u64,
    key: Box<[u8]>,
    had: Option<(Box<[u8]>, u64)>,
}

/// Where an element is, until the next change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Small(usize),
    Large(Spot),
}

impl<const SHORT: usize> Default for Form<SHORT> {
    fn default() -> Self {
        Form::Small(Packed::default())
    }
}

impl<const SHORT: usize> Clone for Pairs<SHORT> {
    fn clone(&self) -> Self {
        Pairs {
            form: self.form.clone(),
            journal: None,
            changed: Changed::All,
        }
    }
}

impl<const SHORT: usize> Pairs<SHORT> {
    pub(crate) fn unpack(packed: Vec<u8>) -> Self {
        Pairs {
            form: Form::Small(Packed::open(packed)),
            journal: None,
            changed: Changed::Nothing,
        }
    }

    pub(crate) fn packed(&self) -> Option<&[u8]> {
        match &self.form {
            Form::Small(block) => Some(block.bytes()),
            Form::Large(_) => None,
        }
    }

    pub(crate) fn changed(&self) -> Changed {
        self.changed.clone()
    }

    pub(crate) fn into_buffer(self) -> Vec<u8> {
        match self.form {
            Form::Small(block) => block.into_bytes(),
            Form::Large(_) => Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match &self.form {
            Form::Small(block) => block.len(),
            Form::Large(dict) => dict.len(),
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        match &self.form {
            Form::Small(block) if block.capacity() == 0 => 0,
            Form::Small(block) => (block.capacity() + ALLOCATION) as u64,
            Form::Large(dict) => dict.bytes(),
        }
    }

    pub(crate) fn growth(&self, elements: usize, bytes: usize) -> u64 {
        match &self.form {
            Form::Small(block) => {
                let (len, used) = (block.len(), block.bytes().len());
                Dict::<SHORT>::default().growth(len + elements, used + bytes)
            }
            Form::Large(dict) => dict.growth(elements, bytes),
        }
    }

    pub(crate) fn begin(&mut self) {
        self.journal = Some(Box::new(match &self.form {
            Form::Small(block) => Journal::Whole(block.bytes().to_vec()),
            Form::Large(_) => Journal::Each(Vec::new()),
        }));
    }

    pub(crate) fn commit(&mut self) {
        self.journal = None;
    }

    pub(crate) fn rollback(&mut self) {
        match self.journal.take().map(|journal| *journal) {
            None => {}
            Some(Journal::Whole(bytes)) => {
                self.form = Form::Small(Packed::open(bytes));
                self.changed = Changed::All;
            }
            Some(Journal::Each(changes)) => changes
                .into_iter()
                .rev()
                .for_each(|undo| self.take_back(&undo)),
        }
    }

    fn take_back(&mut self, undo: &Undo) {
        let Form::Large(dict) = &mut self.form else {
            return;
        };
        match &undo.had {
            Some((value, due)) => {
                let (key, due) = (&*undo.key, *due);
                dict.put(undo.hash, Element { key, value, due });
            }
            None => {
                if let Some(spot) = dict.spot(undo.hash, &undo.key) {
                    dict.remove(spot);
                }
            }
        }
    }

    /// Whether no journal is kept.
    pub(crate) fn is_unwatched(&self) -> bool {
        self.journal.is_none()
    }

    /// Notes what a key has, before it is changed.
    fn note(&mut self, hash: u64, key: &[u8]) {
        if let (Some(journal), Form::Large(dict)) = (&mut self.journal, &self.form)
            && let Journal::Each(changes) = &mut **journal
        {
            let had = dict.find(hash, key);
            changes.push(Undo {
                hash,
                key: key.into(),
                had: had.map(|element| (element.value.into(), element.due)),
            });
        }
    }

    /// The place of a key.
    #[inline]
    pub(crate) fn place(&self, hasher: &RandomState, key: &[u8]) -> Option<Place> {
        match &self.form {
            Form::Small(block) => block.find(key).map(Place::Small),
            Form::Large(dict) => dict.spot(hasher.hash_one(key), key).map(Place::Large),
        }
    }

    /// The element at a place, which is of this value as it is now.
    pub(crate) fn at(&self, place: Place) -> Element<'_> {
        match (&self.form, place) {
            (Form::Small(block), Place::Small(index)) => block.get(index),
            (Form::Large(dict), Place::Large(spot)) => dict.at(spot),
            _ => unreachable!("a place is used before the next change"),
        }
    }

    #[inline]
    pub(crate) fn find(&self, hasher: &RandomState, key: &[u8]) -> Option<Element<'_>> {
        Some(self.at(self.place(hasher, key)?))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Element<'_>> {
        let (small, large) = match &self.form {
            Form::Small(block) => (Some(block.iter()), None),
            Form::Large(dict) => (None, Some(dict.iter())),
        };
        small
            .into_iter()
            .flatten()
            .chain(large.into_iter().flatten())
    }

    /// Puts an element, in place of that with its key if there is one; tells whether there was none.
    pub(crate) fn put(&mut self, hasher: &RandomState, element: Element<'_>) -> bool {
        if let Form::Small(block) = &mut self.form {
            let index = block.find(element.key);
            let bytes = index.and_then(|index| block.overwrite(index, element));
            if let Some(bytes) = bytes {
                let bytes = bytes.start as u16..bytes.end as u16;
                self.changed = match self.changed {
                    Changed::Nothing => Changed::Parts([bytes, 0..0]),
                    _ => Changed::All,
                };
                return false;
            }
            self.changed = Changed::All;
            let length = match index {
                Some(index) => block.len_replaced(index, element),
                None => block.len_with(element),
            };
            let count = block.len() + usize::from(index.is_none());
            if length <= MAX_PACKED && count <= MAX_PACKED_LEN {
                match index {
                    Some(index) => block.replace(index, element),
                    None => block.push(element),
                }
                return index.is_none();
            }
            self.enlarge(hasher);
        }
        let hash = hasher.hash_one(element.key);
        self.note(hash, element.key);
        let Form::Large(dict) = &mut self.form else {
            unreachable!("it was enlarged");
        };
        let new = dict.put(hash, element);
        dict.grow(|key| hasher.hash_one(key));
        new
    }

    fn enlarge(&mut self, hasher: &RandomState) {
        let mut dict = Dict::default();
        for element in self.iter() {
            dict.put(hasher.hash_one(element.key), element);
            dict.grow(|key| hasher.hash_one(key));
        }
        self.form = Form::Large(dict);
    }

    /// Takes out the element at a place.
    pub(crate) fn remove(&mut self, hasher: &RandomState, place: Place) {
        self.changed = Changed::All;
        if self.journal.is_some() && matches!(self.form, Form::Large(_)) {
            let key = self.at(place).key.to_vec();
            self.note(hasher.hash_one(&key[..]), &key);
        }
        match (&mut self.form, place) {
            (Form::Small(block), Place::Small(index)) => block.remove(index),
            (Form::Large(dict), Place::Large(spot)) => {
                dict.remove(spot);
                dict.shrink();
            }
            _ => unreachable!("a place is used before the next change"),
        }
        self.reduce();
    }

    /// Packs a large value that has become small.
    fn reduce(&mut self) {
        let Form::Large(dict) = &self.form else {
            return;
        };
        let few = dict.len() <= MAX_PACKED_LEN / 2 && dict.used() <= MAX_PACKED as u64 / 2;
        if few && self.journal.is_none() {
            let all: Vec<_> = dict.iter().collect();
            self.form = Form::Small(Packed::of(&all));
        }
    }

    /// Visits some elements from a cursor on, as [`Dict::scan`]; a small value whole.
    pub(crate) fn scan(
        &self,
        cursor: u64,
        count: usize,
        visit: &mut dyn FnMut(Element<'_>),
    ) -> u64 {
        match &self.form {
            Form::Small(block) => {
                block.iter().for_each(visit);
                0
            }
            Form::Large(dict) => dict.scan(cursor, count, visit),
        }
    }

    /// A place, each with the same chance.
    pub(crate) fn draw(&self, draw: &mut dyn FnMut() -> u64) -> Option<Place> {
        match &self.form {
            Form::Small(block) if block.len() == 0 => None,
            Form::Small(block) => Some(Place::Small(below(block.len(), draw()))),
            Form::Large(dict) => dict.draw(draw).map(Place::Large),
        }
    }

    /// Visits up to `count` different elements, each with the same chance.
    pub(crate) fn sample(
        &self,
        count: usize,
        draw: &mut dyn FnMut() -> u64,
        visit: &mut dyn FnMut(Element<'_>),
    ) {
        let (mut wanted, mut left) = (count.min(self.len()), self.len());
        if wanted < left / SPARSE {
            let mut picked = HashSet::with_capacity(wanted);
            while picked.len() < wanted {
                if let Some(place) = self.draw(draw)
                    && picked.insert(place)
                {
                    visit(self.at(place));
                }
            }
            return;
        }
        for element in self.iter() {
            if below(left, draw()) < wanted {
                visit(element);
                wanted -= 1;
            }
            left -= 1;
        }
    }

    /// Whether some elements may have deadlines.
    #[inline]
    pub(crate) fn is_timed(&self) -> bool {
        match &self.form {
            Form::Small(block) => block.is_timed(),
            Form::Large(dict) => dict.next_due() != NEVER,
        }
    }

    /// No deadline is earlier.
    pub(crate) fn next_due(&self) -> u64 {
        match &self.form {
            Form::Small(block) => block.next_due(),
            Form::Large(dict) => dict.next_due(),
        }
    }

    /// The place of an element that is due.
    pub(crate) fn due(&mut self, now: u64) -> Option<Place> {
        match &mut self.form {
            Form::Small(block) => {
                let mut elements = block.iter();
                let index = elements.position(|element| element.due <= now);
                index.map(Place::Small)
            }
            Form::Large(dict) => dict.due(now).map(Place::Large),
        }
    }

    /// How many elements are due.
    pub(crate) fn count_due(&self, now: u64) -> usize {
        match &self.form {
            Form::Small(_) if self.next_due() > now => 0,
            Form::Small(block) => block.iter().filter(|element| element.due <= now).count(),
            Form::Large(dict) => dict.count_due(now),
        }
    }

    #[cfg(test)]
    pub(crate) fn assert_invariants(&self, hasher: &RandomState) {
        match &self.form {
            Form::Small(block) => {
                block.assert_invariants();
                assert!(block.bytes().len() <= MAX_PACKED && block.len() <= MAX_PACKED_LEN);
            }
            Form::Large(dict) => dict.assert_invariants(|key| hasher.hash_one(key)),
        }
    }
}
