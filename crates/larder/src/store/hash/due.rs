//! Deadlines of fields: set, read, taken off; and fields taken out when their deadline has come.

use super::commands::{Frame, Pair, copies, growth};
use crate::ds::packed::{Element, NEVER};
use crate::entry::Entries;
use crate::error::Error;
use crate::event::{EventKind, KeyEvent};
use crate::shard::{Departed, World};
use crate::store::core::Core;
use crate::store::elements::{Edit, Growth};
use crate::store::expiry::Condition;
use crate::store::group::Key;
use crate::store::options::{Check, Lease, Setting};
use crate::store::outside::Gone;
use crate::store::seat::{After, Refusal, Seat};
use crate::store::site::Site;
use crate::store::words::Words;
use crate::time::{Millis, Present};
use crate::value::Hash;

/// Fields that are taken out of a hash under one hold of its stripe's lock.
const STEP: usize = 256;

/// What came of a field's new deadline.
///
/// ```
/// use larder::{FieldExpiry, Store};
/// use std::time::Duration;
///
/// let store = Store::new();
/// let hash = store.hash::<i64>("hash");
/// hash.set("a", 1)?;
/// let outcome = hash.expire(["a", "b"], Duration::from_secs(9), None)?;
/// assert_eq!(outcome, [FieldExpiry::Set, FieldExpiry::Absent]);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldExpiry {
    /// There is no such field; servers answer -2.
    Absent,
    /// The condition did not hold; servers answer 0.
    Refused,
    /// The field has the deadline now; servers answer 1.
    Set,
    /// The deadline had passed already, so the field is gone; servers answer 2.
    Removed,
}

impl Seat<'_, '_> {
    /// Gives fields of a hash that is there a deadline, [`NEVER`] for none, where the condition holds.
    fn redate(
        &mut self,
        fields: &[&[u8]],
        frame: &Frame<'_>,
        deadline: Millis,
        condition: Option<Condition>,
    ) -> Result<Vec<FieldExpiry>, Refusal> {
        let growth = self.look(|hash: &Hash| {
            let found = |field: &&[u8]| frame.get(hash, field);
            let found = fields.iter().filter_map(found);
            found.fold(Growth::NONE, |growth, found| Growth {
                elements: growth.elements + 1,
                bytes: growth.bytes + found.key.len() + found.value.len(),
            })
        })?;
        let kind = match deadline {
            NEVER => EventKind::HPersist,
            _ if deadline <= frame.time() => EventKind::HDel,
            _ => EventKind::HExpire,
        };
        self.change_hash(&[kind], growth.unwrap_or_default(), frame, |hash| {
            let mut redate = |field: &&[u8]| {
                let Some(found) = frame.get(hash, field) else {
                    return FieldExpiry::Absent;
                };
                let present = Some(found.due).filter(|due| *due != NEVER);
                if !condition.is_none_or(|condition| condition.holds(present, deadline)) {
                    return FieldExpiry::Refused;
                }
                let now = frame.time();
                if deadline <= now {
                    hash.remove(frame.hasher, field, now);
                    return FieldExpiry::Removed;
                }
                hash.set_due(frame.hasher, field, deadline, now);
                FieldExpiry::Set
            };
            let outcomes: Vec<_> = fields.iter().map(&mut redate).collect();
            let same = |outcome| matches!(outcome, FieldExpiry::Absent | FieldExpiry::Refused);
            if outcomes.iter().copied().all(same) {
                Edit::Same(outcomes)
            } else {
                Edit::Changed(outcomes)
            }
        })
    }
}

impl Site<'_> {
    /// Gives fields a deadline, [`NEVER`] for none, where the condition holds.
    pub(super) fn hash_expire(
        self,
        key: Key<'_>,
        fields: &[&[u8]],
        (deadline, time): (Millis, Present<'_>),
        condition: Option<Condition>,
    ) -> Result<Vec<FieldExpiry>, Error> {
        let frame = self.frame_by(time);
        self.write_by(&frame.time, key, |seat| {
            if !seat.check::<Hash>()? {
                return Ok(vec![FieldExpiry::Absent; fields.len()]);
            }
            seat.redate(fields, &frame, deadline, condition)
        })
    }

    /// Copies of the values of some fields, whose deadlines become others.
    pub(super) fn hash_get_expire(
        self,
        key: Key<'_>,
        fields: &[&[u8]],
        (lease, time): (Lease, Present<'_>),
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        // Taking a deadline off a field that has none is no change.
        let (deadline, condition) = match lease {
            Lease::Keep => return self.hash_get(key, fields),
            Lease::Clear => (NEVER, Some(Condition::HasOne)),
            Lease::Until(deadline) => (deadline, None),
            Lease::Over => (0, None),
        };
        let frame = self.frame_by(time);
        self.write_by(&frame.time, key, |seat| {
            let values = seat.look(|hash: &Hash| copies(hash, &frame, fields))?;
            let Some(values) = values else {
                return Ok(vec![None; fields.len()]);
            };
            seat.redate(fields, &frame, deadline, condition)?;
            Ok(values)
        })
    }

    /// Sets fields, all or none, where the condition holds for all of them; tells whether it did.
    pub(super) fn hash_set_with(
        self,
        key: Key<'_>,
        pairs: &[Pair<'_>],
        (setting, time): (&Setting<'_>, Present<'_>),
    ) -> Result<bool, Error> {
        let (growth, frame) = (growth(pairs)?, self.frame_by(time));
        let kinds: &[EventKind] = match setting.expiry {
            Lease::Clear | Lease::Keep => &[EventKind::HSet],
            Lease::Until(deadline) if deadline > frame.time() => {
                &[EventKind::HSet, EventKind::HExpire]
            }
            Lease::Until(_) | Lease::Over => &[EventKind::HSet, EventKind::HDel],
        };
        self.write_by(&frame.time, key, |seat| {
            let is_there = |hash: &Hash, field: &[u8]| frame.get(hash, field).is_some();
            let there = seat.look(|hash: &Hash| {
                let fields = pairs.iter().map(|(field, _)| *field);
                fields.filter(|field| is_there(hash, field)).count()
            })?;
            let holds = match setting.guard {
                Check::Absent => there.unwrap_or(0) == 0,
                Check::Present => there.unwrap_or(0) == pairs.len(),
                Check::None | Check::Equal(_) => true,
            };
            if pairs.is_empty() || !holds {
                return Ok(holds);
            }
            seat.change_hash(kinds, growth, &frame, |hash| {
                for pair in pairs {
                    put_leased(hash, &frame, pair, setting.expiry);
                }
                Edit::Changed(true)
            })
        })
    }

    /// The deadlines of fields: `None` for a field that is not there, [`NEVER`] for one without.
    pub(super) fn hash_dues(
        self,
        key: Key<'_>,
        fields: &[&[u8]],
        time: Present<'_>,
    ) -> Result<Vec<Option<Millis>>, Error> {
        let frame = self.frame_by(time);
        let dues = self.look_by(&frame.time, key, |hash: &Hash| {
            let due = |field: &&[u8]| frame.get(hash, field);
            let dues = fields.iter().map(due);
            dues.map(|found| found.map(|element| element.due)).collect()
        })?;
        Ok(dues.unwrap_or_else(|| vec![None; fields.len()]))
    }
}

/// Sets a field, with a deadline or without; one whose deadline has passed is taken out.
fn put_leased(hash: &mut Hash, frame: &Frame<'_>, (key, value): &Pair<'_>, lease: Lease) {
    let found = frame.get(hash, key);
    let due = match lease {
        Lease::Clear => NEVER,
        Lease::Keep => found.map_or(NEVER, |found| found.due),
        Lease::Until(deadline) => deadline,
        Lease::Over => 0,
    };
    if due <= frame.time() {
        hash.remove(frame.hasher, key, frame.time());
        return;
    }
    let mut scratch = [0; 20];
    let value = value.bytes(&mut scratch);
    hash.set(frame.hasher, Element { key, value, due }, frame.time());
}

/// A key whose hash has fields that are due, and the key's hash.
pub(crate) struct Ripe {
    key: Vec<u8>,
    hash: u32,
}

impl Core {
    /// Takes fields that are due out of the hashes that a reaping found, as many as one step may; returns the hashes that
    /// have more. The wheel brings these up again, a tick later. What is to be told is added to `events`.
    pub(crate) fn ripen(
        &self,
        world: &mut World<'_, Words>,
        departed: &mut Departed<Gone>,
        events: &mut Vec<KeyEvent>,
        now: Millis,
    ) -> Vec<Ripe> {
        let mut unfinished = Vec::new();
        for entry in departed.ripe() {
            let entries = &world.shard.entries;
            let ripe = Ripe {
                key: entries.with_key(world.shared, entry, <[u8]>::to_vec),
                hash: entries.hash(world.shared, entry),
            };
            if self.ripen_key(world, departed, events, (&ripe, now)) {
                unfinished.push(ripe);
            }
        }
        unfinished
    }

    /// Takes one step's worth of fields that are due out of a hash; whether there may be more.
    pub(crate) fn ripen_key(
        &self,
        world: &mut World<'_, Words>,
        departed: &mut Departed<Gone>,
        events: &mut Vec<KeyEvent>,
        (ripe, now): (&Ripe, Millis),
    ) -> bool {
        let mut after = After::new(self.watched.any());
        after.wanted = self.wanted_under_lock();
        let (key, hash) = (&ripe.key, ripe.hash);
        let mut seat = Seat::open(world, departed, &mut after, key, hash, |_| false);
        // It only shrinks, so there is room; where its record cannot be written, the fields stay and are tried again.
        let taken = seat.change(
            EventKind::HExpired,
            Growth::NONE,
            |value: &mut Hash| match value.expire(&self.hasher, now, STEP) {
                0 => Edit::Same(0),
                taken => Edit::Changed(taken),
            },
        );
        seat.time_hash();
        self.watched.mark(&after.touched);
        events.append(&mut after.events);
        taken.is_ok_and(|taken| taken == STEP)
    }
}
