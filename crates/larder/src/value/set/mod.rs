//! `Set`: byte strings, each once: integers in an array, or members in blocks.
//!
//! ```text
//! ints     a sorted array     while all members are integers, up to 512 of them; beside its record above 3584 bytes
//! members  see `Pairs`        from the first other member on
//! ```
//!
//! Nobody can tell the two apart: an integer's member is its canonical text. `algebra` has what takes several sets.

mod algebra;

use std::borrow::Cow;

use ahash::RandomState;

use super::pairs::{Pairs, Place};
use super::{Collection, MAX_PACKED};
use crate::ds::deque::element::Element as Member;
use crate::ds::dict::below;
use crate::ds::ints::Ints;
use crate::ds::packed::{Element, NEVER};
use crate::number::{MAX_I64_LEN, parse_i64, write_i64};

pub(crate) use algebra::{difference, intersection, union};

/// Most integers of the array: 4 KiB of 8 bytes each, found by nine comparisons.
const MAX_INTS: usize = 512;

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Set {
    form: Form,
    /// The bytes of the integers that the set was, when the journal began.
    #[expect(clippy::box_collection, reason = "a word where there is no journal")]
    whole: Option<Box<Vec<u8>>>,
}

#[derive(Debug, Clone)]
enum Form {
    Ints(Ints),
    Members(Pairs<1>),
}

/// Where a member is, until the next change.
enum Spot {
    Int(usize),
    Member(Place),
}

/// The bytes of a member.
pub(crate) fn text<'a>(member: Member<'a>, scratch: &'a mut [u8; MAX_I64_LEN]) -> &'a [u8] {
    match member {
        Member::Int(int) => write_i64(int, scratch),
        Member::Bytes(bytes) => bytes,
    }
}

fn alone(key: &[u8]) -> Element<'_> {
    Element {
        key,
        value: &[],
        due: NEVER,
    }
}

impl Clone for Set {
    fn clone(&self) -> Self {
        Set {
            form: self.form.clone(),
            whole: None,
        }
    }
}

impl Default for Set {
    fn default() -> Self {
        Set::unpack(Vec::new())
    }
}

impl Collection for Set {
    fn unpack(packed: Vec<u8>) -> Self {
        let form = if Ints::is(&packed) {
            Form::Ints(Ints::open(packed))
        } else {
            Form::Members(Pairs::unpack(packed))
        };
        Set { form, whole: None }
    }

    fn packed(&self) -> Option<&[u8]> {
        match &self.form {
            Form::Ints(ints) => Some(ints.as_bytes()).filter(|bytes| bytes.len() <= MAX_PACKED),
            Form::Members(pairs) => pairs.packed(),
        }
    }

    fn into_buffer(self) -> Vec<u8> {
        match self.form {
            Form::Ints(ints) => ints.into_bytes(),
            Form::Members(pairs) => pairs.into_buffer(),
        }
    }

    fn tighten(&mut self) {
        if let Form::Ints(ints) = &mut self.form {
            ints.tighten();
        }
    }

    fn len(&self) -> usize {
        match &self.form {
            Form::Ints(ints) => ints.len(),
            Form::Members(pairs) => pairs.len(),
        }
    }

    fn bytes(&self) -> u64 {
        match &self.form {
            Form::Ints(ints) => ints.held(),
            Form::Members(pairs) => pairs.bytes(),
        }
    }

    fn growth(&self, elements: usize, bytes: usize) -> u64 {
        match &self.form {
            Form::Ints(ints) => {
                let texts = bytes + ints.len() * MAX_I64_LEN;
                let as_texts = Pairs::<1>::default().growth(ints.len() + elements, texts);
                as_texts.max(ints.growth(elements))
            }
            Form::Members(pairs) => pairs.growth(elements, bytes),
        }
    }

    fn begin(&mut self) {
        match &mut self.form {
            Form::Ints(ints) => self.whole = Some(Box::new(ints.as_bytes().to_vec())),
            Form::Members(pairs) => pairs.begin(),
        }
    }

    fn commit(&mut self) {
        self.whole = None;
        if let Form::Members(pairs) = &mut self.form {
            pairs.commit();
        }
    }

    fn rollback(&mut self) {
        if let Some(whole) = self.whole.take() {
            self.form = Form::Ints(Ints::open(*whole));
        } else if let Form::Members(pairs) = &mut self.form {
            pairs.rollback();
        }
    }
}

impl Set {
    /// Adds a member; tells whether it was not there.
    pub(crate) fn insert(&mut self, hasher: &RandomState, member: &[u8]) -> bool {
        let int = parse_i64(member);
        if int.is_some()
            && let Form::Members(pairs) = &mut self.form
            && pairs.len() == 0
            && pairs.is_unwatched()
        {
            let buffer = std::mem::take(pairs).into_buffer();
            self.form = Form::Ints(Ints::new(buffer));
        }
        if let Form::Ints(ints) = &mut self.form {
            if let Some(int) = int
                && (ints.len() < MAX_INTS || ints.search(int).is_ok())
            {
                return ints.insert(int);
            }
            self.spell(hasher);
        }
        match &mut self.form {
            Form::Members(pairs) => pairs.put(hasher, alone(member)),
            Form::Ints(_) => unreachable!("it was spelt out"),
        }
    }

    /// Turns integers into members.
    fn spell(&mut self, hasher: &RandomState) {
        if let Form::Ints(ints) = &self.form {
            let mut pairs = Pairs::default();
            for int in ints.iter() {
                pairs.put(hasher, alone(write_i64(int, &mut [0; MAX_I64_LEN])));
            }
            self.form = Form::Members(pairs);
        }
    }

    fn spot(&self, hasher: &RandomState, member: &[u8]) -> Option<Spot> {
        match &self.form {
            Form::Ints(ints) => ints.search(parse_i64(member)?).ok().map(Spot::Int),
            Form::Members(pairs) => pairs.place(hasher, member).map(Spot::Member),
        }
    }

    fn at(&self, spot: &Spot) -> Member<'_> {
        match (&self.form, spot) {
            (Form::Ints(ints), Spot::Int(index)) => Member::Int(ints.get(*index)),
            (Form::Members(pairs), Spot::Member(place)) => Member::Bytes(pairs.at(*place).key),
            _ => unreachable!("a spot is used before the next change"),
        }
    }

    fn take(&mut self, hasher: &RandomState, spot: &Spot) {
        match (&mut self.form, spot) {
            (Form::Ints(ints), Spot::Int(index)) => ints.remove(*index),
            (Form::Members(pairs), Spot::Member(place)) => pairs.remove(hasher, *place),
            _ => unreachable!("a spot is used before the next change"),
        }
    }

    /// Removes a member; tells whether it was there.
    pub(crate) fn remove(&mut self, hasher: &RandomState, member: &[u8]) -> bool {
        let Some(spot) = self.spot(hasher, member) else {
            return false;
        };
        self.take(hasher, &spot);
        true
    }

    pub(crate) fn contains(&self, hasher: &RandomState, member: Member<'_>) -> bool {
        match (&self.form, member) {
            (Form::Ints(ints), Member::Int(int)) => ints.search(int).is_ok(),
            (_, member) => {
                let mut scratch = [0; MAX_I64_LEN];
                self.spot(hasher, text(member, &mut scratch)).is_some()
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Member<'_>> {
        let (ints, pairs) = match &self.form {
            Form::Ints(ints) => (Some(ints.iter().map(Member::Int)), None),
            Form::Members(pairs) => {
                let members = pairs.iter().map(|element| Member::Bytes(element.key));
                (None, Some(members))
            }
        };
        ints.into_iter()
            .flatten()
            .chain(pairs.into_iter().flatten())
    }

    fn draw_spot(&self, draw: &mut dyn FnMut() -> u64) -> Option<Spot> {
        match &self.form {
            Form::Ints(ints) if ints.len() == 0 => None,
            Form::Ints(ints) => Some(Spot::Int(below(ints.len(), draw()))),
            Form::Members(pairs) => pairs.draw(draw).map(Spot::Member),
        }
    }

    /// A member, each with the same chance.
    pub(crate) fn draw(&self, draw: &mut dyn FnMut() -> u64) -> Option<Member<'_>> {
        Some(self.at(&self.draw_spot(draw)?))
    }

    /// Removes up to `count` members, each with the same chance, and shows them.
    pub(crate) fn pop(
        &mut self,
        hasher: &RandomState,
        count: usize,
        draw: &mut dyn FnMut() -> u64,
        show: &mut dyn FnMut(Member<'_>),
    ) {
        for _ in 0..count {
            let Some(spot) = self.draw_spot(draw) else {
                return;
            };
            show(self.at(&spot));
            self.take(hasher, &spot);
        }
    }

    /// Visits up to `count` different members, each with the same chance.
    pub(crate) fn sample(
        &self,
        count: usize,
        draw: &mut dyn FnMut() -> u64,
        visit: &mut dyn FnMut(Member<'_>),
    ) {
        match &self.form {
            Form::Ints(ints) => {
                let (mut wanted, mut left) = (count.min(ints.len()), ints.len());
                for int in ints.iter() {
                    if below(left, draw()) < wanted {
                        visit(Member::Int(int));
                        wanted -= 1;
                    }
                    left -= 1;
                }
            }
            Form::Members(pairs) => {
                pairs.sample(count, draw, &mut |element| {
                    visit(Member::Bytes(element.key))
                });
            }
        }
    }

    /// Visits some members from a cursor on, integers all at once; the next cursor, 0 at the end.
    pub(crate) fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Member<'_>)) -> u64 {
        match &self.form {
            Form::Ints(ints) => {
                ints.iter().map(Member::Int).for_each(visit);
                0
            }
            Form::Members(pairs) => pairs.scan(cursor, count, &mut |element| {
                visit(Member::Bytes(element.key))
            }),
        }
    }
}

/// A copy of a member's bytes.
pub(crate) fn owned(member: Member<'_>) -> Cow<'_, [u8]> {
    match member {
        Member::Int(int) => Cow::Owned(write_i64(int, &mut [0; MAX_I64_LEN]).to_vec()),
        Member::Bytes(bytes) => Cow::Borrowed(bytes),
    }
}

#[cfg(test)]
mod tests;
