//! Deadlines of fields: set, read, taken off; and fields taken out when their deadline has come.

use crate::ds::Ref;
use crate::ds::packed::NEVER;
use crate::entry::Entries;
use crate::error::Error;
use crate::shard::{Departed, World};
use crate::store::core::Core;
use crate::store::elements::{Edit, Growth};
use crate::store::expiry::Condition;
use crate::store::group::Key;
use crate::store::outside::Gone;
use crate::store::seat::{After, Seat};
use crate::store::site::Site;
use crate::store::words::Words;
use crate::time::Millis;
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

impl Site<'_> {
    /// Gives fields a deadline, [`NEVER`] for none, where the condition holds.
    pub(super) fn hash_expire(
        self,
        key: Key<'_>,
        fields: &[&[u8]],
        deadline: Millis,
        condition: Option<Condition>,
    ) -> Result<Vec<FieldExpiry>, Error> {
        let frame = self.frame();
        self.write(key, |seat| {
            if !seat.check::<Hash>()? {
                return Ok(vec![FieldExpiry::Absent; fields.len()]);
            }
            let growth = seat.look(|hash: &Hash| {
                let mut growth = Growth::NONE;
                for field in fields {
                    if let Some(found) = hash.get(frame.hasher, field, frame.now) {
                        growth.elements += 1;
                        growth.bytes += found.key.len() + found.value.len();
                    }
                }
                growth
            })?;
            seat.change_hash(growth.unwrap_or_default(), frame, |hash| {
                let mut redate = |field: &&[u8]| {
                    let Some(found) = hash.get(frame.hasher, field, frame.now) else {
                        return FieldExpiry::Absent;
                    };
                    let present = Some(found.due).filter(|due| *due != NEVER);
                    if !condition.is_none_or(|condition| condition.holds(present, deadline)) {
                        return FieldExpiry::Refused;
                    }
                    if deadline <= frame.now {
                        hash.remove(frame.hasher, field, frame.now);
                        return FieldExpiry::Removed;
                    }
                    hash.set_due(frame.hasher, field, deadline, frame.now);
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
        })
    }

    /// The deadlines of fields: `None` for a field that is not there, [`NEVER`] for one without.
    pub(super) fn hash_dues(
        self,
        key: Key<'_>,
        fields: &[&[u8]],
    ) -> Result<Vec<Option<Millis>>, Error> {
        let frame = self.frame();
        let dues = self.look(key, |hash: &Hash| {
            let due = |field: &&[u8]| hash.get(frame.hasher, field, frame.now);
            let dues = fields.iter().map(due);
            dues.map(|found| found.map(|element| element.due)).collect()
        })?;
        Ok(dues.unwrap_or_else(|| vec![None; fields.len()]))
    }
}

impl Core {
    /// Takes fields that are due out of the hashes that a reaping found, as many as one step may.
    pub(crate) fn ripen(
        &self,
        world: &mut World<'_, Words>,
        departed: &mut Departed<Gone>,
        now: Millis,
    ) {
        let mut after = After::new(self.watched.any());
        for entry in std::mem::take(&mut departed.ripe) {
            let key = world
                .shard
                .entries
                .with_key(world.shared, entry, <[u8]>::to_vec);
            self.ripen_key(world, departed, &mut after, (entry, &key), now);
        }
        self.watched.mark(&after.touched);
    }

    fn ripen_key(
        &self,
        world: &mut World<'_, Words>,
        departed: &mut Departed<Gone>,
        after: &mut After,
        (entry, key): (Ref, &[u8]),
        now: Millis,
    ) {
        let hash = world.shard.entries.hash(world.shared, entry);
        let mut seat = Seat::open(world, departed, after, key, hash, |_| false);
        // It only shrinks, so there is room; where its record cannot be written, the fields stay and are tried again.
        let _ = seat.change(Growth::NONE, |value: &mut Hash| {
            match value.expire(&self.hasher, now, STEP) {
                0 => Edit::Same(()),
                _ => Edit::Changed(()),
            }
        });
        seat.time_elements();
    }
}
