//! Intersection, union and difference of several sets, member by member: nothing is kept but what the visitor keeps.
//!
//! Each walks some of the sets and looks every member up in others: an intersection walks the smallest and asks the
//! next larger ones first; a union walks all, the largest first, and shows what none before had; a difference walks the
//! first. O(members walked × sets).

use std::ops::ControlFlow;

use ahash::RandomState;

use super::{Member, Set};
use crate::value::Collection;

/// What is shown each member; it may have seen enough.
type Visit<'v> = &'v mut dyn FnMut(Member<'_>) -> ControlFlow<()>;

/// Visits the members that all sets have. Of no sets, there are none.
pub(crate) fn intersection(sets: &[&Set], hasher: &RandomState, visit: Visit<'_>) {
    let mut sets = sets.to_vec();
    sets.sort_by_key(|set| set.len());
    let Some((smallest, others)) = sets.split_first() else {
        return;
    };
    let shared = |member: &Member<'_>| others.iter().all(|set| set.contains(hasher, *member));
    let _ = smallest.iter().filter(shared).try_for_each(visit);
}

/// Visits the members that any of the sets has.
pub(crate) fn union(sets: &[&Set], hasher: &RandomState, visit: Visit<'_>) {
    let mut sets = sets.to_vec();
    sets.sort_by_key(|set| std::cmp::Reverse(set.len()));
    for (nth, set) in sets.iter().enumerate() {
        let before = &sets[..nth];
        let fresh = |member: &Member<'_>| !before.iter().any(|set| set.contains(hasher, *member));
        if set
            .iter()
            .filter(fresh)
            .try_for_each(&mut *visit)
            .is_break()
        {
            return;
        }
    }
}

/// Visits the members of the first set that no other has.
pub(crate) fn difference(first: &Set, others: &[&Set], hasher: &RandomState, visit: Visit<'_>) {
    let own = |member: &Member<'_>| !others.iter().any(|set| set.contains(hasher, *member));
    let _ = first.iter().filter(own).try_for_each(visit);
}
