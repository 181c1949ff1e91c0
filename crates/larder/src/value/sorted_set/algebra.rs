//! Union, intersection and difference of several sets, whose members have scores or, in plain sets, count as one.
//!
//! Each walks one set and looks its members up in the others; what comes out is gathered in one buffer and sorted once.
//! Scores are joined from the smallest set to the largest, as a server does it: with infinities, the order matters.
//! Cost: O(members walked × sets), and O(n log n) for the n members that come out.

use std::ops::ControlFlow;

use ahash::RandomState;

use super::{AddRule, Collection, Direction, SortedSet};
use crate::ds::deque::element::Element;
use crate::number::MAX_I64_LEN;
use crate::value::set::{Set, text};

/// A set that takes part.
pub(crate) trait Source {
    /// How many members it has.
    fn size(&self) -> usize;

    /// The score of a member.
    fn score_in(&self, hasher: &RandomState, member: &[u8]) -> Option<f64>;

    /// Shows the members, until told to stop.
    fn each(&self, visit: &mut dyn FnMut(&[u8], f64) -> ControlFlow<()>);
}

impl Source for SortedSet {
    fn size(&self) -> usize {
        self.len()
    }

    fn score_in(&self, hasher: &RandomState, member: &[u8]) -> Option<f64> {
        self.score(hasher, member)
    }

    fn each(&self, visit: &mut dyn FnMut(&[u8], f64) -> ControlFlow<()>) {
        let mut flow = ControlFlow::Continue(());
        SortedSet::visit(
            self,
            0..Collection::len(self),
            Direction::Up,
            |member, score| {
                if flow.is_continue() {
                    flow = visit(member, score);
                }
            },
        );
    }
}

/// All members have the score 1.
impl Source for Set {
    fn size(&self) -> usize {
        self.len()
    }

    fn score_in(&self, hasher: &RandomState, member: &[u8]) -> Option<f64> {
        self.contains(hasher, Element::Bytes(member)).then_some(1.0)
    }

    fn each(&self, visit: &mut dyn FnMut(&[u8], f64) -> ControlFlow<()>) {
        for member in self.iter() {
            if visit(text(member, &mut [0; MAX_I64_LEN]), 1.0).is_break() {
                return;
            }
        }
    }
}

/// How the scores of one member in several sets become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Aggregate {
    /// Their sum; that of two opposite infinities is zero.
    #[default]
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

impl Aggregate {
    pub(super) fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Aggregate::Sum => number(a + b),
            Aggregate::Min => a.min(b),
            Aggregate::Max => a.max(b),
        }
    }
}

/// Zero for what is not a number: infinity times zero, or less infinity.
fn number(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// Most bytes that are reserved for members before they are seen.
const MOST_AHEAD: usize = 64 << 10;

/// Members with scores that came out, in one buffer.
#[derive(Default)]
pub(crate) struct Rows {
    bytes: Vec<u8>,
    /// Score, and where the member ends; it starts where the one before it does.
    rows: Vec<(f64, usize)>,
}

impl Rows {
    pub(crate) const fn new() -> Self {
        Rows {
            bytes: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// No rows yet, and room for so many.
    pub(crate) fn with_room(rows: usize) -> Self {
        Rows {
            bytes: Vec::new(),
            rows: Vec::with_capacity(rows),
        }
    }

    /// Forgets all rows, and has room for so many.
    pub(crate) fn begin(&mut self, rows: usize) {
        self.bytes.clear();
        self.rows.clear();
        self.rows.reserve(rows);
    }

    /// Bytes held.
    pub(crate) fn held(&self) -> usize {
        self.bytes.capacity() + self.rows.capacity() * size_of::<(f64, usize)>()
    }

    #[inline]
    pub(crate) fn push(&mut self, member: &[u8], score: f64) {
        if self.rows.is_empty() {
            // As a rule others are as long.
            let all = member.len().saturating_mul(self.rows.capacity());
            self.bytes.reserve(all.min(MOST_AHEAD));
        }
        self.bytes.extend_from_slice(member);
        self.rows.push((score, self.bytes.len()));
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], f64)> {
        let mut start = 0;
        self.rows.iter().map(move |&(score, end)| {
            let member = &self.bytes[start..end];
            start = end;
            (member, score)
        })
    }

    /// In order of score and member.
    fn sorted(self) -> Self {
        let mut rows: Vec<_> = self.iter().collect();
        rows.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then_with(|| a.0.cmp(b.0)));
        let mut sorted = Rows {
            bytes: Vec::with_capacity(self.bytes.len()),
            rows: Vec::with_capacity(self.rows.len()),
        };
        for (member, score) in rows {
            sorted.push(member, score);
        }
        sorted
    }

    /// The set of these rows.
    pub(crate) fn into_set(self, hasher: &RandomState) -> SortedSet {
        let mut set = SortedSet::new();
        for (member, score) in self.iter() {
            set.add(hasher, member, score, AddRule::Always);
        }
        set
    }
}

/// The weighted score, never a negative zero, so that total order is numeric order.
fn weighted(score: f64, weight: f64) -> f64 {
    score * weight + 0.0
}

/// The smallest first; of sets of one size, as they stand.
fn by_size<'s>(sources: &[(&'s dyn Source, f64)]) -> Vec<(&'s dyn Source, f64)> {
    let mut sources = sources.to_vec();
    sources.sort_by_key(|(source, _)| source.size());
    sources
}

/// What is in any of the sets, each with its weight.
pub(crate) fn union(
    hasher: &RandomState,
    sources: &[(&dyn Source, f64)],
    aggregate: Aggregate,
) -> Rows {
    let (mut rows, sources) = (Rows::default(), by_size(sources));
    for (i, (source, weight)) in sources.iter().enumerate() {
        let (earlier, later) = (&sources[..i], &sources[i + 1..]);
        source.each(&mut |member, score| {
            let seen = |(other, _): &(&dyn Source, f64)| other.score_in(hasher, member).is_some();
            if !earlier.iter().any(seen) {
                let scores = later.iter().filter_map(|(other, weight)| {
                    let score = other.score_in(hasher, member)?;
                    Some(number(weighted(score, *weight)))
                });
                let own = number(weighted(score, *weight));
                rows.push(member, scores.fold(own, |a, b| aggregate.of(a, b)));
            }
            ControlFlow::Continue(())
        });
    }
    rows.sorted()
}

/// Walks the smallest set, and shows what is in all of them.
///
/// Infinity times zero is zero there. In another set it is nothing to be less or greater than, and makes a sum zero.
fn common(
    hasher: &RandomState,
    sources: &[(&dyn Source, f64)],
    aggregate: Aggregate,
    visit: &mut dyn FnMut(&[u8], f64) -> ControlFlow<()>,
) {
    let sources = by_size(sources);
    let Some(((smallest, weight), others)) = sources.split_first() else {
        return;
    };
    smallest.each(&mut |member, score| {
        let mut all = number(weighted(score, *weight));
        for (source, weight) in others {
            let Some(score) = source.score_in(hasher, member) else {
                return ControlFlow::Continue(());
            };
            all = aggregate.of(all, weighted(score, *weight));
        }
        visit(member, all)
    });
}

/// What is in all of the sets, each with its weight.
pub(crate) fn intersection(
    hasher: &RandomState,
    sources: &[(&dyn Source, f64)],
    aggregate: Aggregate,
) -> Rows {
    let mut rows = Rows::default();
    common(hasher, sources, aggregate, &mut |member, score| {
        rows.push(member, score);
        ControlFlow::Continue(())
    });
    rows.sorted()
}

/// How many members are in all of the sets; counting stops at `limit`.
pub(crate) fn intersection_len(
    hasher: &RandomState,
    sources: &[&dyn Source],
    limit: usize,
) -> usize {
    let sources: Vec<_> = sources.iter().map(|source| (*source, 1.0)).collect();
    let mut len = 0;
    common(hasher, &sources, Aggregate::Sum, &mut |_, _| {
        len += 1;
        if len < limit {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    len.min(limit)
}

/// What is in the first set and in no other.
pub(crate) fn difference(hasher: &RandomState, sources: &[&dyn Source]) -> Rows {
    let mut rows = Rows::default();
    let Some((first, others)) = sources.split_first() else {
        return rows;
    };
    first.each(&mut |member, score| {
        if others
            .iter()
            .all(|other| other.score_in(hasher, member).is_none())
        {
            rows.push(member, score);
        }
        ControlFlow::Continue(())
    });
    rows.sorted()
}
