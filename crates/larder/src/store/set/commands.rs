//! The commands of sets, as they run in a store or in a transaction.

use std::ops::ControlFlow;

use crate::bytes::Raw;
use crate::ds::deque::element::Element as Member;
use crate::error::Error;
use crate::event::EventKind;
use crate::store::draw::Draw;
use crate::store::elements::{Edit, Growth};
use crate::store::group::{Key, View, Views};
use crate::store::list::Copies;
use crate::store::site::Site;
use crate::store::{scan::Cursor, scan_options::ScanOptions};
use crate::value::{Collection, Set, difference, intersection, owned, union};

/// Longest member: its length is kept in five bytes of seven bits.
const MAX_MEMBER: usize = u32::MAX as usize;
/// Draws with repetition are allocated for at once up to this number: a count is the caller's, and may be anything.
const EXPECTED: usize = 1 << 16;

/// What is made of several sets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Combination {
    Intersection,
    Union,
    Difference,
}

impl Combination {
    /// What storing it is told as.
    fn stored(self) -> EventKind {
        match self {
            Combination::Intersection => EventKind::SInterStore,
            Combination::Union => EventKind::SUnionStore,
            Combination::Difference => EventKind::SDiffStore,
        }
    }
}

pub(super) fn growth(members: &[Raw<'_>]) -> Result<Growth, Error> {
    if members.iter().any(|member| member.len() > MAX_MEMBER) {
        return Err(Error::TooLarge);
    }
    Ok(Growth {
        elements: members.len(),
        bytes: members.iter().map(Raw::len).sum(),
    })
}

/// Copies of all members.
fn all_of(set: &Set) -> Copies {
    let mut copies = Copies::with_capacity(set.len());
    set.iter().for_each(|member| copies.push(member));
    copies
}

impl Site<'_> {
    pub(crate) fn set_add(self, key: Key<'_>, members: &[Raw<'_>]) -> Result<usize, Error> {
        let (growth, hasher) = (growth(members)?, &self.core().hasher);
        self.write(key, |seat| {
            seat.change(EventKind::SAdd, growth, |set: &mut Set| {
                let fresh = |member: &&Raw<'_>| set.insert(hasher, member.bytes(&mut [0; 20]));
                match members.iter().filter(fresh).count() {
                    0 => Edit::Same(0),
                    added => Edit::Changed(added),
                }
            })
        })
    }

    pub(crate) fn set_remove(self, key: Key<'_>, members: &[Raw<'_>]) -> Result<usize, Error> {
        let hasher = &self.core().hasher;
        self.write(key, |seat| {
            if !seat.check::<Set>()? {
                return Ok(0);
            }
            seat.change(EventKind::SRem, Growth::NONE, |set: &mut Set| {
                let there = |member: &&Raw<'_>| set.remove(hasher, member.bytes(&mut [0; 20]));
                match members.iter().filter(there).count() {
                    0 => Edit::Same(0),
                    removed => Edit::Changed(removed),
                }
            })
        })
    }

    pub(crate) fn set_contains(
        self,
        key: Key<'_>,
        members: &[Raw<'_>],
    ) -> Result<Vec<bool>, Error> {
        let hasher = &self.core().hasher;
        let found = self.look(key, |set: &Set| {
            let members = members.iter().map(Member::of);
            members.map(|member| set.contains(hasher, member)).collect()
        })?;
        Ok(found.unwrap_or_else(|| vec![false; members.len()]))
    }

    pub(crate) fn set_len(self, key: Key<'_>) -> Result<usize, Error> {
        Ok(self.look(key, |set: &Set| set.len())?.unwrap_or(0))
    }

    pub(crate) fn set_members(self, key: Key<'_>) -> Result<Copies, Error> {
        Ok(self.look(key, all_of)?.unwrap_or_default())
    }

    pub(crate) fn set_draw(self, key: Key<'_>, draw: Draw) -> Result<Copies, Error> {
        let core = self.core();
        let copies = self.look(key, |set: &Set| {
            let mut copies = Copies::default();
            match draw {
                Draw::Distinct(count) => {
                    set.sample(count, &mut || core.draw(), &mut |member| {
                        copies.push(member);
                    });
                }
                Draw::Repeated(count) => {
                    copies = Copies::with_capacity(count.min(EXPECTED));
                    for _ in 0..count {
                        if let Some(member) = set.draw(&mut || core.draw()) {
                            copies.push(member);
                        }
                    }
                }
            }
            copies
        })?;
        Ok(copies.unwrap_or_default())
    }

    pub(crate) fn set_pop(self, key: Key<'_>, count: usize) -> Result<Copies, Error> {
        let core = self.core();
        self.write(key, |seat| {
            let mut copies = Copies::default();
            if !seat.check::<Set>()? {
                return Ok(copies);
            }
            // Who takes all need not take them out one by one.
            let all = seat.look(|set: &Set| (count >= set.len()).then(|| all_of(set)))?;
            if let Some(all) = all.flatten() {
                seat.remove_whole(EventKind::SPop);
                return Ok(all);
            }
            seat.change(EventKind::SPop, Growth::NONE, |set: &mut Set| {
                set.pop(&core.hasher, count, &mut || core.draw(), &mut |member| {
                    copies.push(member);
                });
                if copies.len() == 0 {
                    Edit::Same(copies)
                } else {
                    Edit::Changed(copies)
                }
            })
        })
    }

    pub(crate) fn set_page(
        self,
        key: Key<'_>,
        cursor: Cursor,
        options: &ScanOptions,
    ) -> Result<(Copies, Option<Cursor>), Error> {
        let count = options.page()?;
        let page = self.look(key, |set: &Set| {
            let mut copies = Copies::default();
            let next = set.scan(cursor.into(), count, &mut |member| {
                if options.admits(&owned(member)) {
                    copies.push(member);
                }
            });
            (copies, (next != 0).then(|| Cursor::from(next)))
        })?;
        Ok(page.unwrap_or_default())
    }

    /// Moves a member to another set; `false` if it is not there.
    pub(crate) fn set_move(
        self,
        from: Key<'_>,
        to: Key<'_>,
        member: &Raw<'_>,
    ) -> Result<bool, Error> {
        let members = std::slice::from_ref(member);
        let (growth, hasher) = (growth(members)?, &self.core().hasher);
        let mut scratch = [0; 20];
        let bytes = member.bytes(&mut scratch);
        self.write_many(&[from, to], |group| {
            if !group.seat(from, |seat| seat.check::<Set>())? {
                return Ok(false);
            }
            group.seat(to, |seat| seat.check::<Set>())?;
            let there = group.seat(from, |seat| {
                seat.look(|set: &Set| set.contains(hasher, Member::of(member)))
            })?;
            if there != Some(true) || from.bytes == to.bytes {
                return Ok(there == Some(true));
            }
            let told = group.after.events.len();
            group.seat(to, |seat| {
                let kind = EventKind::SAdd;
                seat.change(kind, growth, |set: &mut Set| {
                    match set.insert(hasher, bytes) {
                        true => Edit::Changed(()),
                        false => Edit::Same(()),
                    }
                })
            })?;
            // Room comes before the removal, but the removal is told first.
            let arrival = group.after.events.split_off(told);
            let removed = group.seat(from, |seat| {
                seat.change(EventKind::SRem, Growth::NONE, |set: &mut Set| {
                    set.remove(hasher, bytes);
                    Edit::Changed(true)
                })
            });
            group.after.events.extend(arrival);
            removed
        })
    }

    /// Shows the members of a combination, until it has seen enough.
    fn set_combine(
        self,
        views: Views<'_>,
        keys: &[Key<'_>],
        combination: Combination,
        show: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let hasher = &self.core().hasher;
        let found: Vec<Option<View<'_, Set>>> = keys
            .iter()
            .map(|key| views.get::<Set>(*key))
            .collect::<Result<_, _>>()?;
        let sets: Vec<&Set> = found.iter().flatten().map(|view| &**view).collect();
        match combination {
            Combination::Intersection if sets.len() < keys.len() => {}
            Combination::Intersection => intersection(&sets, hasher, show),
            Combination::Union => union(&sets, hasher, show),
            Combination::Difference => {
                if let Some(Some(first)) = found.first() {
                    difference(first, &sets[1..], hasher, show);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn set_combined(
        self,
        keys: &[Key<'_>],
        combination: Combination,
    ) -> Result<Copies, Error> {
        self.look_many(keys, |views| {
            let mut copies = Copies::default();
            self.set_combine(views, keys, combination, &mut |member| {
                copies.push(member);
                ControlFlow::Continue(())
            })?;
            Ok(copies)
        })
    }

    /// The number of members of a combination, counted no further than to `limit`.
    pub(crate) fn set_count(
        self,
        keys: &[Key<'_>],
        combination: Combination,
        limit: usize,
    ) -> Result<usize, Error> {
        self.look_many(keys, |views| {
            let mut count = 0;
            self.set_combine(views, keys, combination, &mut |_| {
                count += 1;
                if count < limit {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })?;
            Ok(count.min(limit))
        })
    }

    /// Stores a combination in place of whatever the destination held; its number of members.
    pub(crate) fn set_store(
        self,
        to: Key<'_>,
        keys: &[Key<'_>],
        combination: Combination,
    ) -> Result<usize, Error> {
        let hasher = &self.core().hasher;
        let all: Vec<Key<'_>> = std::iter::once(to).chain(keys.iter().copied()).collect();
        self.write_many(&all, |group| {
            let mut set = Set::default();
            self.set_combine(group.views(), keys, combination, &mut |member| {
                set.insert(hasher, &owned(member));
                ControlFlow::Continue(())
            })?;
            let len = set.len();
            group.overwrite_from(to, keys, combination.stored(), set)?;
            Ok(len)
        })
    }
}
