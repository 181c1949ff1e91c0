//! `Wish`: what somebody waits for, and the taking of it.

use ahash::RandomState;

use super::elements::{Edit, Growth};
use super::group::{Group, Key, Name};
use super::list::{Copies, MoveOptions};
use super::seat::{Refusal, Seat};
use super::sorted_set::popped;
use crate::ds::deque::End;
use crate::ds::deque::element::Element;
use crate::error::Error;
use crate::event::EventKind;
use crate::key::KeyType;
use crate::time::Millis;
use crate::value::sorted_set::{AddRule, Direction};
use crate::value::{Collection, List, SortedSet};
use crate::wait::Handover;

/// See the module's text.
pub(crate) enum Wish {
    /// Up to `most` elements off an end of a list.
    Pop { end: End, most: usize },
    /// Elements off an end of a list, moved to an end of another.
    Move {
        from: End,
        to: Name,
        end: End,
        options: MoveOptions,
    },
    /// Up to `most` members of a sorted set, those with the lowest scores (up) or the highest (down).
    Members { direction: Direction, most: usize },
}

/// What was wished for.
pub(crate) struct Goods {
    /// The number of the key that had it.
    pub(crate) nth: usize,
    pub(crate) copies: Copies,
    /// The scores, of members.
    pub(crate) scores: Vec<f64>,
    /// The deadline of that key.
    pub(crate) deadline: Option<Millis>,
}

/// One who waits.
pub(crate) struct Waiter {
    /// The keys in the order in which they are tried.
    pub(crate) keys: Vec<Name>,
    pub(crate) wish: Wish,
    pub(crate) handover: Handover<Result<Goods, Error>>,
}

impl Waiter {
    pub(crate) fn new(keys: Vec<Name>, wish: Wish) -> Self {
        Waiter {
            keys,
            wish,
            handover: Handover::new(),
        }
    }

    /// The type of value that the wish is for.
    pub(crate) fn key_type(&self) -> KeyType {
        match self.wish {
            Wish::Pop { .. } | Wish::Move { .. } => KeyType::List,
            Wish::Members { .. } => KeyType::SortedSet,
        }
    }

    /// The key to which elements are moved.
    pub(crate) fn destination(&self) -> Option<&Name> {
        match &self.wish {
            Wish::Pop { .. } | Wish::Members { .. } => None,
            Wish::Move { to, .. } => Some(to),
        }
    }

    /// All keys that taking touches.
    pub(crate) fn all_keys(&self) -> Vec<Key<'_>> {
        let keys = self.keys.iter().chain(self.destination());
        keys.map(Key::of).collect()
    }

    /// Whether a key, which holds a value of the right type, has as much as is wished for.
    fn is_enough(&self, seat: &Seat<'_, '_>) -> bool {
        let Wish::Move { options, .. } = &self.wish else {
            return true;
        };
        let enough = seat.look(|list: &List| options.of(list.len()).is_some_and(|count| count > 0));
        enough.is_ok_and(|enough| enough == Some(true))
    }

    /// The first key that has what is wished for; an error if one before it holds another type.
    pub(crate) fn first(&self, group: &mut Group<'_>) -> Result<Option<usize>, Error> {
        for (nth, name) in self.keys.iter().enumerate() {
            let found = group.seat(Key::of(name), |seat| {
                Some((seat.key_type()?, self.is_enough(seat)))
            });
            match found {
                Some((found, _)) if found != self.key_type() => return Err(Error::WrongType),
                Some((_, true)) => return Ok(Some(nth)),
                Some((_, false)) | None => {}
            }
        }
        Ok(None)
    }

    /// [`Self::first`] of those whose stripes are held, whatever the keys before it hold.
    pub(crate) fn first_fit(&self, group: &mut Group<'_>) -> Option<usize> {
        let fits = |name: &Name| {
            group.worlds.find(name.0).is_some()
                && group.seat(Key::of(name), |seat| {
                    seat.key_type() == Some(self.key_type()) && self.is_enough(seat)
                })
        };
        self.keys.iter().position(fits)
    }

    /// Takes what is wished for from the [first that fits](Self::first_fit), if one does.
    pub(crate) fn take_fit(
        &self,
        group: &mut Group<'_>,
    ) -> Result<Option<Result<Goods, Error>>, Refusal> {
        match self.first_fit(group) {
            None => Ok(None),
            Some(nth) => Ok(self.take(group, nth)?.map(Ok)),
        }
    }

    /// Takes what is wished for from this key.
    pub(crate) fn take(&self, group: &mut Group<'_>, nth: usize) -> Result<Option<Goods>, Refusal> {
        let key = Key::of(&self.keys[nth]);
        let deadline = group.seat(key, |seat| seat.deadline());
        let (hasher, mut scores) = (&group.core.hasher, Vec::new());
        let copies = match &self.wish {
            Wish::Pop { end, most } => group.seat(key, |seat| seat.pop(*end, *most))?,
            Wish::Move {
                from,
                to,
                end,
                options,
            } => group.move_elements((key, *from), (Key::of(to), *end), *options)?,
            Wish::Members { direction, most } => group.seat(key, |seat| {
                seat.pop_members(hasher, (*direction, *most), &mut scores)
            })?,
        };
        Ok(copies.map(|copies| Goods {
            nth,
            copies,
            scores,
            deadline,
        }))
    }

    /// Puts goods back that were taken for this waiter, where they were. What was moved has arrived.
    ///
    /// A key that holds another type by now was overwritten, and the goods as if they had been there; so was a member
    /// that is there again.
    pub(crate) fn put_back(&self, group: &mut Group<'_>, goods: &Goods) -> Result<(), Refusal> {
        let hasher = &group.core.hasher;
        group.seat(Key::of(&self.keys[goods.nth]), |seat| {
            let is_new = !seat.exists();
            if !is_new && seat.key_type() != Some(self.key_type()) {
                return Ok(());
            }
            match &self.wish {
                Wish::Pop { end, .. } => seat.unpop(*end, &goods.copies)?,
                Wish::Members { .. } => seat.unpop_members(hasher, goods)?,
                Wish::Move { .. } => return Ok(()),
            }
            if is_new {
                seat.set_deadline(goods.deadline)?;
            }
            Ok(())
        })
    }
}

impl Seat<'_, '_> {
    /// Takes members out from an end of the order, with their scores.
    fn pop_members(
        &mut self,
        hasher: &RandomState,
        (direction, most): (Direction, usize),
        scores: &mut Vec<f64>,
    ) -> Result<Option<Copies>, Refusal> {
        // Where there is no room, it is done again.
        scores.clear();
        self.change(popped(direction), Growth::NONE, |set: &mut SortedSet| {
            let len = set.len();
            let count = most.min(len);
            let ranks = match direction {
                Direction::Up => 0..count,
                Direction::Down => len - count..len,
            };
            let mut copies = Copies::with_capacity(count);
            set.visit(ranks.clone(), direction, |member, score| {
                copies.push(Element::Bytes(member));
                scores.push(score);
            });
            set.remove_ranks(hasher, ranks);
            Edit::Changed(Some(copies))
        })
    }

    fn unpop_members(&mut self, hasher: &RandomState, goods: &Goods) -> Result<(), Refusal> {
        let growth = Growth {
            elements: goods.copies.len(),
            bytes: goods.copies.text_len(),
        };
        self.change(EventKind::ZAdd, growth, |set: &mut SortedSet| {
            for (member, score) in goods.copies.iter().zip(&goods.scores) {
                member.with_bytes(|member| {
                    if set.score(hasher, member).is_none() {
                        set.add(hasher, member, *score, AddRule::default());
                    }
                });
            }
            Edit::Changed(())
        })
    }
}
