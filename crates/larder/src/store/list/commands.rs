//! The commands of lists, as they run in a store or in a transaction.

use std::ops::ControlFlow;

use super::copies::Copies;
use super::moves::MoveOptions;
use super::options::{Matches, PositionOptions};
use crate::bytes::Raw;
use crate::ds::deque::End;
use crate::ds::deque::element::Element;
use crate::error::Error;
use crate::event::EventKind;
use crate::store::elements::{Edit, Growth};
use crate::store::group::{Group, Key};
use crate::store::seat::{Refusal, Seat};
use crate::store::site::Site;
use crate::store::span::Span;
use crate::value::{Collection, List};

/// Longest element: its length is kept in four bytes.
const MAX_ELEMENT: usize = u32::MAX as usize;

/// On which side of a pivot.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Beside {
    Before,
    After,
}

/// What a push does about a list that does not exist.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Missing {
    Made,
    LeftOut,
}

/// An index as Redis counts, from the end if it is negative, in a list of this length.
fn resolve(index: i64, len: usize) -> Option<usize> {
    let from_start = usize::try_from(index.unsigned_abs()).ok()?;
    if index < 0 {
        len.checked_sub(from_start)
    } else {
        (from_start < len).then_some(from_start)
    }
}

/// What a push to an end is told as.
fn pushed(end: End) -> EventKind {
    match end {
        End::Front => EventKind::LPush,
        End::Back => EventKind::RPush,
    }
}

/// What a pop off an end is told as.
fn popped(end: End) -> EventKind {
    match end {
        End::Front => EventKind::LPop,
        End::Back => EventKind::RPop,
    }
}

fn growth(values: &[Raw<'_>]) -> Result<Growth, Error> {
    let bytes = values.iter().map(Raw::len);
    if bytes.clone().any(|len| len > MAX_ELEMENT) {
        return Err(Error::TooLarge);
    }
    Ok(Growth {
        elements: values.len(),
        bytes: bytes.sum(),
    })
}

impl Seat<'_, '_> {
    /// Pushes elements one after the other; the list's length then.
    fn push<'e>(
        &mut self,
        end: End,
        growth: Growth,
        elements: impl Iterator<Item = Element<'e>>,
    ) -> Result<usize, Refusal> {
        self.change(pushed(end), growth, |list: &mut List| {
            elements.for_each(|element| list.push(end, element));
            if growth.elements == 0 {
                Edit::Same(list.len())
            } else {
                Edit::Changed(list.len())
            }
        })
    }

    /// Pushes what was popped from this end before.
    pub(crate) fn unpop(&mut self, end: End, copies: &Copies) -> Result<(), Refusal> {
        let growth = Growth {
            elements: copies.len(),
            bytes: copies.text_len(),
        };
        let elements: Vec<_> = copies.iter().collect();
        self.push(end, growth, elements.into_iter().rev())?;
        Ok(())
    }

    /// Takes up to `most` elements off an end; `None` if there is no list.
    pub(crate) fn pop(&mut self, end: End, most: usize) -> Result<Option<Copies>, Refusal> {
        if !self.check::<List>()? {
            return Ok(None);
        }
        self.change(popped(end), Growth::NONE, |list: &mut List| {
            let count = most.min(list.len());
            let mut copies = Copies::with_capacity(count);
            for _ in 0..count {
                list.pop(end, |element| copies.push(element));
            }
            if count == 0 {
                Edit::Same(Some(copies))
            } else {
                Edit::Changed(Some(copies))
            }
        })
    }
}

impl Group<'_> {
    /// Moves elements from an end of a list to an end of another, or of the same; `None` if there is no list, or not as
    /// many.
    ///
    /// The destination has them before the source is without them: there is room for them, or nothing changes.
    pub(crate) fn move_elements(
        &mut self,
        (from, from_end): (Key<'_>, End),
        (to, to_end): (Key<'_>, End),
        options: MoveOptions,
    ) -> Result<Option<Copies>, Refusal> {
        let leaving = self.seat(from, |seat| {
            seat.look(|list: &List| {
                let count = options.of(list.len())?;
                Some(leaving(list, from_end, count))
            })
        })?;
        let Some(moved) = leaving.flatten() else {
            return Ok(None);
        };
        if moved.len() == 0 {
            return Ok(Some(moved));
        }
        let mut arriving: Vec<_> = moved.iter().collect();
        if options.turns(from_end, to_end) {
            arriving.reverse();
        }
        if from.bytes == to.bytes {
            self.seat(from, |seat| seat.rotate((from_end, to_end), &arriving))?;
        } else {
            let growth = growth_of(&arriving);
            let weight = self.seat(to, |seat| {
                let more = if seat.is_weighed() { growth.bytes } else { 0 };
                seat.weight() + more as u64
            });
            self.check_beside(to, &[from], weight)?;
            self.seat(to, |seat| {
                seat.push(to_end, growth, arriving.iter().copied())
            })?;
            self.seat(from, |seat| seat.pop(from_end, moved.len()))?;
        }
        Ok(Some(moved))
    }
}

/// Copies of the elements at an end, in the order in which they would leave it.
fn leaving(list: &List, end: End, count: usize) -> Copies {
    let mut copies = Copies::with_capacity(count);
    let start = match end {
        End::Front => 0,
        End::Back => list.len(),
    };
    let _ = list.walk(start, end, |code| {
        if copies.len() == count {
            return ControlFlow::Break(());
        }
        copies.push(Element::decode(code));
        ControlFlow::Continue(())
    });
    copies
}

fn growth_of(elements: &[Element<'_>]) -> Growth {
    Growth {
        elements: elements.len(),
        bytes: elements.iter().map(Element::len).sum(),
    }
}

impl Seat<'_, '_> {
    /// Takes as many elements off an end as there are here, and puts these at an end.
    fn rotate(&mut self, (from, to): (End, End), elements: &[Element<'_>]) -> Result<(), Refusal> {
        self.change(pushed(to), growth_of(elements), |list: &mut List| {
            for _ in elements {
                list.pop(from, |_| ());
            }
            elements.iter().for_each(|element| list.push(to, *element));
            Edit::Changed(())
        })?;
        self.tell(popped(from));
        Ok(())
    }
}

impl Site<'_> {
    pub(crate) fn list_push(
        self,
        key: Key<'_>,
        end: End,
        values: &[Raw<'_>],
        missing: Missing,
    ) -> Result<usize, Error> {
        let growth = growth(values)?;
        self.write(key, |seat| {
            if matches!(missing, Missing::LeftOut) && !seat.check::<List>()? {
                return Ok(0);
            }
            seat.push(end, growth, values.iter().map(Element::of))
        })
    }

    pub(crate) fn list_pop(self, key: Key<'_>, end: End, most: usize) -> Result<Copies, Error> {
        let popped = self.write(key, |seat| seat.pop(end, most))?;
        self.count_look(popped.is_some());
        Ok(popped.unwrap_or_default())
    }

    /// Pops from the first of these keys that has a list; says which.
    pub(crate) fn list_pop_any(
        self,
        keys: &[Key<'_>],
        end: End,
        most: usize,
    ) -> Result<Option<(usize, Copies)>, Error> {
        self.write_many(keys, |group| {
            for (nth, key) in keys.iter().enumerate() {
                if let Some(popped) = group.seat(*key, |seat| seat.pop(end, most))? {
                    return Ok(Some((nth, popped)));
                }
            }
            Ok(None)
        })
    }

    pub(crate) fn list_move(
        self,
        from: (Key<'_>, End),
        to: (Key<'_>, End),
        options: MoveOptions,
    ) -> Result<Option<Copies>, Error> {
        self.write_many(&[from.0, to.0], |group| {
            group.move_elements(from, to, options)
        })
    }

    pub(crate) fn list_len(self, key: Key<'_>) -> Result<usize, Error> {
        Ok(self.look(key, |list: &List| list.len())?.unwrap_or(0))
    }

    /// Copies of a part.
    pub(crate) fn list_range(self, key: Key<'_>, span: Span) -> Result<Copies, Error> {
        let copies = self.look(key, |list: &List| {
            let part = span.of_elements(list.len());
            let mut copies = Copies::with_capacity(part.len());
            list.range(part, |element| copies.push(element));
            copies
        })?;
        Ok(copies.unwrap_or_default())
    }

    pub(crate) fn list_get(self, key: Key<'_>, index: i64) -> Result<Copies, Error> {
        let copies = self.look(key, |list: &List| {
            let mut copies = Copies::default();
            if let Some(index) = resolve(index, list.len()) {
                list.get(index, |element| copies.push(element));
            }
            copies
        })?;
        Ok(copies.unwrap_or_default())
    }

    pub(crate) fn list_set(self, key: Key<'_>, index: i64, value: &Raw<'_>) -> Result<(), Error> {
        let growth = growth(std::slice::from_ref(value))?;
        self.write(key, |seat| {
            if !seat.check::<List>()? {
                return Err(Error::NoSuchKey.into());
            }
            let len = seat.look(|list: &List| list.len())?.unwrap_or(0);
            let index = resolve(index, len).ok_or(Error::IndexOutOfRange)?;
            seat.change(EventKind::LSet, growth, |list: &mut List| {
                list.set(index, Element::of(value));
                Edit::Changed(())
            })
        })
    }

    /// Inserts beside the first element that equals the pivot: the length then, zero if there is no list, `None` if
    /// there is no such element.
    pub(crate) fn list_insert(
        self,
        key: Key<'_>,
        beside: Beside,
        pivot: &Raw<'_>,
        value: &Raw<'_>,
    ) -> Result<Option<usize>, Error> {
        let growth = growth(std::slice::from_ref(value))?;
        self.write(key, |seat| {
            if !seat.check::<List>()? {
                return Ok(Some(0));
            }
            seat.change(EventKind::LInsert, growth, |list: &mut List| {
                let Some(place) = list.find(Element::of(pivot)) else {
                    return Edit::Same(None);
                };
                let index = match beside {
                    Beside::Before => place,
                    Beside::After => place + 1,
                };
                list.insert(index, Element::of(value));
                Edit::Changed(Some(list.len()))
            })
        })
    }

    pub(crate) fn list_remove(
        self,
        key: Key<'_>,
        value: &Raw<'_>,
        matches: Matches,
    ) -> Result<usize, Error> {
        self.write(key, |seat| {
            if !seat.check::<List>()? {
                return Ok(0);
            }
            seat.change(EventKind::LRem, Growth::NONE, |list: &mut List| {
                let (from, most) = matches.end_and_most();
                match list.remove_equal(Element::of(value), from, most) {
                    0 => Edit::Same(0),
                    removed => Edit::Changed(removed),
                }
            })
        })
    }

    pub(crate) fn list_trim(self, key: Key<'_>, span: Span) -> Result<(), Error> {
        // Dropped after the unlock.
        let mut cut = [None, None];
        self.write(key, |seat| {
            if !seat.check::<List>()? {
                return Ok(());
            }
            seat.amend(Growth::NONE, |list: &mut List| {
                let (before, keep) = (list.len(), span.of_elements(list.len()));
                if keep.len() == before {
                    return Edit::Same(());
                }
                cut = list.trim(if keep.is_empty() { 0..0 } else { keep });
                Edit::Changed(())
            })?;
            // A trim is told of even where it cut nothing.
            seat.tell_change(&[EventKind::LTrim]);
            Ok(())
        })
    }

    pub(crate) fn list_positions(
        self,
        key: Key<'_>,
        value: &Raw<'_>,
        options: PositionOptions,
    ) -> Result<Vec<usize>, Error> {
        let found = self.look(key, |list: &List| {
            list.search(Element::of(value), options.search())
        })?;
        Ok(found.unwrap_or_default())
    }
}
