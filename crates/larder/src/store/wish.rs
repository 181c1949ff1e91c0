//! `Wish`: what somebody waits for, and the taking of it.

use super::group::{Group, Key, Name};
use super::list::Copies;
use super::seat::Refusal;
use crate::ds::deque::End;
use crate::error::Error;
use crate::key::KeyType;
use crate::time::Millis;
use crate::wait::Handover;

/// See the module's text.
pub(crate) enum Wish {
    /// Up to `most` elements off an end of a list.
    Pop { end: End, most: usize },
    /// An element off an end of a list, moved to an end of another.
    Move { from: End, to: Name, end: End },
}

/// What was wished for.
pub(crate) struct Goods {
    /// The number of the key that had it.
    pub(crate) nth: usize,
    pub(crate) copies: Copies,
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
        }
    }

    /// The key to which elements are moved.
    pub(crate) fn destination(&self) -> Option<&Name> {
        match &self.wish {
            Wish::Pop { .. } => None,
            Wish::Move { to, .. } => Some(to),
        }
    }

    /// All keys that taking touches.
    pub(crate) fn all_keys(&self) -> Vec<Key<'_>> {
        let keys = self.keys.iter().chain(self.destination());
        keys.map(Key::of).collect()
    }

    /// The first key that has what is wished for; an error if one before it holds another type.
    pub(crate) fn first(&self, group: &mut Group<'_>) -> Result<Option<usize>, Error> {
        for (nth, name) in self.keys.iter().enumerate() {
            match group.seat(Key::of(name), |seat| seat.key_type()) {
                None => {}
                Some(found) if found == self.key_type() => return Ok(Some(nth)),
                Some(_) => return Err(Error::WrongType),
            }
        }
        Ok(None)
    }

    /// [`Self::first`], whatever the keys before it hold.
    pub(crate) fn first_fit(&self, group: &mut Group<'_>) -> Option<usize> {
        let fits = |name| {
            let found = group.seat(Key::of(name), |seat| seat.key_type());
            found == Some(self.key_type())
        };
        self.keys.iter().position(fits)
    }

    /// Takes what is wished for from this key.
    pub(crate) fn take(&self, group: &mut Group<'_>, nth: usize) -> Result<Option<Goods>, Refusal> {
        let key = Key::of(&self.keys[nth]);
        let deadline = group.seat(key, |seat| seat.deadline());
        let copies = match &self.wish {
            Wish::Pop { end, most } => group.seat(key, |seat| seat.pop(*end, *most))?,
            Wish::Move { from, to, end } => {
                group.move_element((key, *from), (Key::of(to), *end))?
            }
        };
        Ok(copies.map(|copies| Goods {
            nth,
            copies,
            deadline,
        }))
    }

    /// Puts goods back that were taken for this waiter, at the end where they were. What was moved has arrived.
    ///
    /// A key that holds another type by now was overwritten, and the goods as if they had been there.
    pub(crate) fn put_back(&self, group: &mut Group<'_>, goods: &Goods) -> Result<(), Refusal> {
        let Wish::Pop { end, .. } = self.wish else {
            return Ok(());
        };
        group.seat(Key::of(&self.keys[goods.nth]), |seat| {
            let is_new = !seat.exists();
            if is_new || seat.key_type() == Some(KeyType::List) {
                seat.unpop(end, &goods.copies)?;
            }
            if is_new {
                seat.set_deadline(goods.deadline)?;
            }
            Ok(())
        })
    }
}
