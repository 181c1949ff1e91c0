//! `Hash`: fields with values, each field with a deadline of its own if it has one.
//!
//! A field whose deadline has come is absent to every method that takes `now`, whether [`Hash::expire`] has taken it out
//! or not. What is asked for all fields (`len`, the draws) is exact: where some may be due, it walks; else it is O(1).

use ahash::RandomState;

use super::pairs::{Pairs, Place};
use super::{Changed, Collection};
use crate::ds::dict::below;
use crate::ds::packed::{Element, NEVER};

/// Value lengths that a packed block's codes can say: fields of up to 11 bytes with values of up to 20 take one byte
/// more than themselves.
const SHORT: usize = 21;

/// See the module's text.
#[derive(Debug, Default, Clone)]
pub(crate) struct Hash {
    pairs: Pairs<SHORT>,
}

impl Collection for Hash {
    fn unpack(packed: Vec<u8>) -> Self {
        Hash {
            pairs: Pairs::unpack(packed),
        }
    }

    fn packed(&self) -> Option<&[u8]> {
        self.pairs.packed()
    }

    fn changed(&self) -> Changed {
        self.pairs.changed()
    }

    fn into_buffer(self) -> Vec<u8> {
        self.pairs.into_buffer()
    }

    fn len(&self) -> usize {
        self.pairs.len()
    }

    fn bytes(&self) -> u64 {
        self.pairs.bytes()
    }

    fn growth(&self, elements: usize, bytes: usize) -> u64 {
        self.pairs.growth(elements, bytes)
    }

    fn next_due(&self) -> Option<u64> {
        Some(self.pairs.next_due()).filter(|due| *due != NEVER)
    }

    fn begin(&mut self) {
        self.pairs.begin();
    }

    fn commit(&mut self) {
        self.pairs.commit();
    }

    fn rollback(&mut self) {
        self.pairs.rollback();
    }
}

impl Hash {
    /// Whether some fields may have deadlines.
    #[inline]
    pub(crate) fn is_timed(&self) -> bool {
        self.pairs.is_timed()
    }

    /// The field with its value and deadline.
    #[inline]
    pub(crate) fn get(&self, hasher: &RandomState, field: &[u8], now: u64) -> Option<Element<'_>> {
        let found = self.pairs.find(hasher, field);
        found.filter(|element| element.due > now)
    }

    /// Sets a field, with its deadline; tells whether it was not there.
    pub(crate) fn set(&mut self, hasher: &RandomState, element: Element<'_>, now: u64) -> bool {
        let was_due = self.pairs.next_due() <= now && self.get(hasher, element.key, now).is_none();
        self.pairs.put(hasher, element) || was_due
    }

    /// Gives a field that is there another deadline.
    pub(crate) fn set_due(&mut self, hasher: &RandomState, field: &[u8], due: u64, now: u64) {
        let value = self
            .get(hasher, field, now)
            .map(|found| found.value.to_vec());
        if let Some(value) = value {
            let (key, value) = (field, &value[..]);
            self.pairs.put(hasher, Element { key, value, due });
        }
    }

    /// Removes a field; tells whether it was there.
    pub(crate) fn remove(&mut self, hasher: &RandomState, field: &[u8], now: u64) -> bool {
        let Some(place) = self.pairs.place(hasher, field) else {
            return false;
        };
        let live = self.pairs.at(place).due > now;
        self.pairs.remove(hasher, place);
        live
    }

    /// The number of fields.
    pub(crate) fn len_at(&self, now: u64) -> usize {
        self.pairs.len() - self.pairs.count_due(now)
    }

    pub(crate) fn iter(&self, now: u64) -> impl Iterator<Item = Element<'_>> {
        self.pairs.iter().filter(move |element| element.due > now)
    }

    /// A field, each with the same chance.
    pub(crate) fn draw(&self, draw: &mut dyn FnMut() -> u64, now: u64) -> Option<Element<'_>> {
        if self.pairs.next_due() > now {
            return self.pairs.draw(draw).map(|place| self.pairs.at(place));
        }
        match self.len_at(now) {
            0 => None,
            live => self.iter(now).nth(below(live, draw())),
        }
    }

    /// Visits up to `count` different fields, each with the same chance.
    pub(crate) fn sample(
        &self,
        count: usize,
        draw: &mut dyn FnMut() -> u64,
        now: u64,
        visit: &mut dyn FnMut(Element<'_>),
    ) {
        if self.pairs.next_due() > now {
            return self.pairs.sample(count, draw, visit);
        }
        let mut left = self.len_at(now);
        let mut wanted = count.min(left);
        for element in self.iter(now) {
            if below(left, draw()) < wanted {
                visit(element);
                wanted -= 1;
            }
            left -= 1;
        }
    }

    /// Visits some fields from a cursor on; the next cursor, 0 at the end.
    pub(crate) fn scan(
        &self,
        cursor: u64,
        count: usize,
        now: u64,
        visit: &mut dyn FnMut(Element<'_>),
    ) -> u64 {
        self.pairs.scan(cursor, count, &mut |element| {
            if element.due > now {
                visit(element);
            }
        })
    }

    /// Takes out up to `most` fields that are due; says how many they were.
    pub(crate) fn expire(&mut self, hasher: &RandomState, now: u64, most: usize) -> usize {
        let mut expired = 0;
        while expired < most
            && let Some(place) = self.due(now)
        {
            self.pairs.remove(hasher, place);
            expired += 1;
        }
        expired
    }

    fn due(&mut self, now: u64) -> Option<Place> {
        if self.pairs.next_due() > now {
            return None;
        }
        self.pairs.due(now)
    }
}

#[cfg(test)]
mod tests;
