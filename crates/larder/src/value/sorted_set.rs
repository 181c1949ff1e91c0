//! `SortedSet`: members with scores, in order of score and, where scores are the same, of bytes.
//!
//! Everything that asks for a part of the set is said in ranks: bounds on scores or members are turned into ranks
//! first, offsets and counts are arithmetic on them, and one walk shows or removes what is meant.
//!
//! Scores are never NaN, and a negative zero is a zero. The face checks, here it is only asserted.

mod algebra;
mod large;
mod packed;
#[cfg(test)]
mod tests;

use std::ops::Range;

use ahash::RandomState;

use super::{Collection, MAX_PACKED, MAX_PACKED_LEN};
pub use algebra::Aggregate;
pub(crate) use algebra::{Rows, Source, difference, intersection, intersection_len, union};
use large::{Large, Sought};
use packed::Packed;

#[derive(Clone)]
enum Form {
    Packed(Packed),
    Large(Box<Large>),
}

/// See the module's text.
#[derive(Clone)]
pub(crate) struct SortedSet {
    form: Form,
    journal: Option<Box<Journal>>,
}

/// What takes the changes back.
#[derive(Clone, Default)]
struct Journal {
    /// What the set was, if it was packed: then nothing else is noted.
    was: Option<Vec<u8>>,
    undos: Vec<Undo>,
    /// The one that the changes came with.
    hasher: Option<RandomState>,
}

/// A member's score before a change; none if it was absent.
#[derive(Clone)]
struct Undo {
    member: Box<[u8]>,
    score: Option<f64>,
}

/// Which scores a member may be given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddRule {
    /// Any; members that are absent are added.
    #[default]
    Always,
    /// Members that are absent are added; the scores of others stay.
    IfAbsent,
    /// Members that are there get the score; none is added.
    IfPresent,
    /// Members that are absent are added; others get a greater score only.
    IfGreater,
    /// Members that are absent are added; others get a lower score only.
    IfLess,
    /// Members that are there get a greater score only; none is added.
    IfPresentAndGreater,
    /// Members that are there get a lower score only; none is added.
    IfPresentAndLess,
}

impl AddRule {
    /// Whether a member may go from a score to another.
    fn admits(self, from: Option<f64>, to: f64) -> bool {
        match (self, from) {
            (AddRule::Always, _) => true,
            (AddRule::IfAbsent, from) => from.is_none(),
            (
                AddRule::IfPresent | AddRule::IfPresentAndGreater | AddRule::IfPresentAndLess,
                None,
            ) => false,
            (AddRule::IfGreater | AddRule::IfPresentAndGreater, from) => {
                from.is_none_or(|from| to > from)
            }
            (AddRule::IfLess | AddRule::IfPresentAndLess, from) => {
                from.is_none_or(|from| to < from)
            }
            (AddRule::IfPresent, Some(_)) => true,
        }
    }
}

/// A member that was looked up; valid until the next change.
struct Found {
    /// The score that it has; none if it is absent.
    score: Option<f64>,
    at: At,
}

enum At {
    Packed(Option<packed::Found>),
    Sought(Sought),
}

/// What became of a member that was to be added.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Added {
    New,
    /// It has another score now.
    Changed,
    /// It had the score.
    Same,
    /// The rule forbids it.
    Refused,
}

/// Why an increment did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoIncrement {
    /// The rule forbids it.
    Refused,
    /// The sum of two infinities.
    NotANumber,
}

/// From which end a part is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}

/// Where a range begins or ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Edge<T> {
    /// Before everything.
    Least,
    /// Before this one.
    Before(T),
    /// Behind this one.
    Behind(T),
    /// Behind everything.
    Most,
}

impl SortedSet {
    pub(crate) fn new() -> Self {
        SortedSet::unpack(Vec::new())
    }

    /// The score of a member.
    pub(crate) fn score(&self, hasher: &RandomState, member: &[u8]) -> Option<f64> {
        match &self.form {
            Form::Packed(packed) => packed.find(member).map(|found| found.score),
            Form::Large(large) => large.find(hasher, member).map(|at| large.list.score(at)),
        }
    }

    /// The rank of a member, and its score.
    pub(crate) fn rank(&self, hasher: &RandomState, member: &[u8]) -> Option<(usize, f64)> {
        match &self.form {
            Form::Packed(packed) => packed.find(member).map(|found| (found.rank, found.score)),
            Form::Large(large) => large.rank(hasher, member),
        }
    }

    /// How many elements are before an edge among the scores.
    pub(crate) fn rank_at_score(&self, edge: Edge<f64>) -> usize {
        match (edge, &self.form) {
            (Edge::Least, _) => 0,
            (Edge::Most, _) => self.len(),
            (Edge::Before(score), Form::Packed(packed)) => packed.rank_of(score, b""),
            (Edge::Before(score), Form::Large(large)) => large.rank_of(score, b""),
            (Edge::Behind(score), Form::Packed(packed)) => packed.rank_where(|at, _| at <= score),
            (Edge::Behind(score), Form::Large(large)) => large.rank_above(score),
        }
    }

    /// How many elements are before an edge among the members, which are in order where all scores are the same.
    pub(crate) fn rank_at_member(&self, edge: Edge<&[u8]>) -> usize {
        match (edge, &self.form) {
            (Edge::Least, _) => 0,
            (Edge::Most, _) => self.len(),
            (Edge::Before(member), Form::Packed(packed)) => packed.rank_where(|_, at| at < member),
            (Edge::Behind(member), Form::Packed(packed)) => packed.rank_where(|_, at| at <= member),
            (Edge::Before(member), Form::Large(large)) => large.rank_by_member(member),
            // The next member in the order of bytes is this one with a zero behind it.
            (Edge::Behind(member), Form::Large(large)) => {
                large.rank_by_member(&[member, &[0]].concat())
            }
        }
    }

    /// Shows the elements of these ranks.
    pub(crate) fn visit<'a>(
        &'a self,
        ranks: Range<usize>,
        direction: Direction,
        visit: impl FnMut(&'a [u8], f64),
    ) {
        let mut visit = visit;
        match (&self.form, direction) {
            (Form::Packed(packed), Direction::Up) => packed.visit(ranks, visit),
            (Form::Packed(packed), Direction::Down) => packed.visit_back(ranks, visit),
            (Form::Large(large), Direction::Up) => large.list.iter(ranks).visit(visit),
            (Form::Large(large), Direction::Down) => {
                let part = large.list.iter(ranks).rev();
                part.for_each(|(member, score)| visit(member, score));
            }
        }
    }

    /// Shows at least `count` elements, if there are so many, from a cursor on; returns the next cursor, zero at the end.
    pub(crate) fn scan<'a>(
        &'a self,
        cursor: u32,
        count: usize,
        visit: impl FnMut(&'a [u8], f64),
    ) -> u32 {
        match &self.form {
            Form::Packed(packed) => {
                packed.visit(0..packed.len(), visit);
                0
            }
            Form::Large(large) => large.scan(cursor, count, visit),
        }
    }

    /// Gives a member a score, if the rule admits it.
    pub(crate) fn add(
        &mut self,
        hasher: &RandomState,
        member: &[u8],
        score: f64,
        rule: AddRule,
    ) -> Added {
        let score = score + 0.0;
        let found = self.seek(hasher, member, score);
        let now = found.score;
        if !rule.admits(now, score) {
            return Added::Refused;
        }
        if now == Some(score) {
            return Added::Same;
        }
        self.put(hasher, found, member, score);
        if now.is_none() {
            Added::New
        } else {
            Added::Changed
        }
    }

    /// Adds to a member's score, if the rule admits it; an absent one has zero.
    pub(crate) fn increment(
        &mut self,
        hasher: &RandomState,
        member: &[u8],
        by: f64,
        rule: AddRule,
    ) -> Result<f64, NoIncrement> {
        let now = self.score(hasher, member);
        let sum = now.unwrap_or(0.0) + by + 0.0;
        if !rule.admits(now, if sum.is_nan() { by } else { sum }) {
            return Err(NoIncrement::Refused);
        }
        if sum.is_nan() {
            return Err(NoIncrement::NotANumber);
        }
        if now != Some(sum) {
            self.set(hasher, member, Some(sum));
        }
        Ok(sum)
    }

    /// Takes a member out; whether it was there.
    pub(crate) fn remove(&mut self, hasher: &RandomState, member: &[u8]) -> bool {
        self.set(hasher, member, None)
    }

    /// Takes the element at one end out, whose member is shown first, and returns its score.
    pub(crate) fn pop(
        &mut self,
        hasher: &RandomState,
        end: Direction,
        show: impl FnOnce(&[u8]),
    ) -> Option<f64> {
        let (len, notes) = (self.len(), self.notes());
        match &mut self.form {
            Form::Large(large) if len > 0 && !notes => {
                let score = large.pop(hasher, end, show);
                self.shrink();
                Some(score)
            }
            _ => {
                let rank = match end {
                    Direction::Up => 0,
                    Direction::Down => len.checked_sub(1)?,
                };
                let (mut popped, mut show) = (None, Some(show));
                self.visit(rank..rank + 1, Direction::Up, |member, score| {
                    popped = show.take().map(|show| show(member)).map(|()| score);
                });
                self.remove_ranks(hasher, rank..len.min(rank + 1));
                popped
            }
        }
    }

    /// Takes the elements of these ranks out.
    pub(crate) fn remove_ranks(&mut self, hasher: &RandomState, ranks: Range<usize>) {
        let mut undos = Vec::new();
        if self.notes() {
            self.visit(ranks.clone(), Direction::Up, |member, score| {
                undos.push(Undo {
                    member: member.into(),
                    score: Some(score),
                });
            });
        }
        self.note(hasher, undos);
        match &mut self.form {
            Form::Packed(packed) => packed.remove(ranks),
            Form::Large(large) => large.remove(hasher, ranks),
        }
        self.shrink();
    }

    /// Gives a member a score, or takes it out; whether it was there.
    fn set(&mut self, hasher: &RandomState, member: &[u8], score: Option<f64>) -> bool {
        let Some(score) = score else {
            return self.take(hasher, member);
        };
        let found = self.seek(hasher, member, score);
        let before = found.score;
        if before != Some(score) {
            self.put(hasher, found, member, score);
        }
        before.is_some()
    }

    /// Looks a member up that is to have a score.
    fn seek(&self, hasher: &RandomState, member: &[u8], score: f64) -> Found {
        match &self.form {
            Form::Packed(packed) => {
                let found = packed.find(member);
                Found {
                    score: found.as_ref().map(|found| found.score),
                    at: At::Packed(found),
                }
            }
            Form::Large(large) => {
                let sought = large.seek(hasher, member, score);
                Found {
                    score: sought.place.map(|place| large.list.score(place)),
                    at: At::Sought(sought),
                }
            }
        }
    }

    /// Gives the member that was sought with this score another one than it has. All changes that add pass here.
    fn put(&mut self, hasher: &RandomState, found: Found, member: &[u8], score: f64) {
        debug_assert!(!score.is_nan() && found.score != Some(score));
        if let Form::Packed(packed) = &self.form
            && !packed.has_room(member)
        {
            self.expand(hasher);
            let found = self.seek(hasher, member, score);
            return self.put(hasher, found, member, score);
        }
        match (&mut self.form, &found.at) {
            (Form::Packed(packed), At::Packed(before)) => {
                if let Some(before) = before {
                    packed.take(before);
                }
                packed.insert(member, score);
            }
            (Form::Large(large), At::Sought(sought)) => large.put(hasher, sought, member),
            _ => unreachable!("what was found is of the form that the set has"),
        }
        self.note_one(hasher, member, found.score);
    }

    /// Takes a member out; whether it was there. All changes that remove one pass here.
    fn take(&mut self, hasher: &RandomState, member: &[u8]) -> bool {
        let before = match &mut self.form {
            Form::Packed(packed) => packed.find(member).map(|found| {
                packed.take(&found);
                found.score
            }),
            Form::Large(large) => large.find(hasher, member).map(|place| {
                let score = large.list.score(place);
                large.take(hasher, place);
                score
            }),
        };
        if before.is_some() {
            self.shrink();
            self.note_one(hasher, member, before);
        }
        before.is_some()
    }

    /// Notes the score that a member had before a change.
    fn note_one(&mut self, hasher: &RandomState, member: &[u8], score: Option<f64>) {
        if self.notes() {
            let undo = Undo {
                member: member.into(),
                score,
            };
            self.note(hasher, [undo]);
        }
    }

    /// Whether single changes are to be noted.
    fn notes(&self) -> bool {
        let journal = self.journal.as_ref();
        journal.is_some_and(|journal| journal.was.is_none())
    }

    fn note(&mut self, hasher: &RandomState, undos: impl IntoIterator<Item = Undo>) {
        if let Some(journal) = &mut self.journal {
            journal.hasher.get_or_insert_with(|| hasher.clone());
            journal.undos.extend(undos);
        }
    }

    /// Becomes large.
    fn expand(&mut self, hasher: &RandomState) {
        if let Form::Packed(packed) = &self.form {
            let mut large = Box::new(Large::new());
            packed.visit(0..packed.len(), |member, score| {
                large.insert(hasher, member, score);
            });
            self.form = Form::Large(large);
        }
    }

    /// Becomes packed at half of what a packed one may hold.
    fn shrink(&mut self) {
        if let Form::Large(large) = &self.form {
            let len = large.list.len();
            if len <= MAX_PACKED_LEN / 2
                && packed::most_bytes(len, large.list.member_bytes()) <= MAX_PACKED / 2
            {
                let mut packed = Packed::default();
                large
                    .list
                    .iter(0..len)
                    .visit(|member, score| packed.insert(member, score));
                self.form = Form::Packed(packed);
            }
        }
    }
}

impl Collection for SortedSet {
    fn unpack(packed: Vec<u8>) -> Self {
        SortedSet {
            form: Form::Packed(Packed { bytes: packed }),
            journal: None,
        }
    }

    fn packed(&self) -> Option<&[u8]> {
        match &self.form {
            Form::Packed(packed) => Some(&packed.bytes),
            Form::Large(_) => None,
        }
    }

    fn into_buffer(self) -> Vec<u8> {
        match self.form {
            Form::Packed(packed) => packed.bytes,
            Form::Large(_) => Vec::new(),
        }
    }

    fn len(&self) -> usize {
        match &self.form {
            Form::Packed(packed) => packed.len(),
            Form::Large(large) => large.list.len(),
        }
    }

    fn bytes(&self) -> u64 {
        match &self.form {
            Form::Packed(packed) if packed.bytes.capacity() == 0 => 0,
            Form::Packed(packed) => packed.bytes.capacity() as u64 + 16,
            Form::Large(large) => large.bytes(),
        }
    }

    fn growth(&self, elements: usize, bytes: usize) -> u64 {
        match &self.form {
            Form::Packed(packed) => {
                // It may become large: what a large one takes at least, and all elements in it.
                let empty = Large::new();
                let all = packed.len() + elements;
                empty.bytes()
                    + empty.growth(all, packed.bytes.len() + bytes)
                    + 2 * MAX_PACKED as u64
            }
            Form::Large(large) => large.growth(elements, bytes),
        }
    }

    fn begin(&mut self) {
        self.journal = Some(Box::new(Journal {
            was: self.packed().map(<[u8]>::to_vec),
            ..Journal::default()
        }));
    }

    fn commit(&mut self) {
        self.journal = None;
    }

    fn rollback(&mut self) {
        let Some(journal) = self.journal.take() else {
            return;
        };
        if let Some(was) = journal.was {
            self.form = Form::Packed(Packed { bytes: was });
            return;
        }
        let Some(hasher) = journal.hasher else { return };
        for undo in journal.undos.iter().rev() {
            self.set(&hasher, &undo.member, undo.score);
        }
    }
}
