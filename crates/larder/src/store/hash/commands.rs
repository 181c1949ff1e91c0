//! The commands of hashes, as they run in a store or in a transaction.

use std::borrow::Cow;

use crate::bytes::Raw;
use crate::decimal::add_decimal;
use crate::ds::deque::element::Element as Copied;
use crate::ds::packed::{Element, NEVER};
use crate::error::Error;
use crate::event::EventKind;
use crate::number::{NumberError, parse_i64, write_i64};
use crate::store::draw::Draw;
use crate::store::elements::{Edit, Growth};
use crate::store::group::Key;
use crate::store::list::Copies;
use crate::store::seat::{Refusal, Seat};
use crate::store::site::Site;
use crate::store::{scan::Cursor, scan_options::ScanOptions};
use crate::time::{Millis, Present};
use crate::value::Hash;

/// Longest field or value: its length is kept in five bytes of seven bits.
const MAX_PART: usize = u32::MAX as usize;
/// Fields that are due and taken out by a write, before it does its own work.
const PURGED: usize = 16;
/// Draws with repetition are allocated for at once up to this number: a count is the caller's, and may be anything.
const EXPECTED: usize = 1 << 16;

/// A field and the value that it is to have.
pub(crate) type Pair<'a> = (&'a [u8], Raw<'a>);

/// Where a hash's fields are judged and found, by one call.
pub(super) struct Frame<'a> {
    pub(super) hasher: &'a ahash::RandomState,
    /// The time of the call, exact.
    pub(super) time: Present<'a>,
}

impl Frame<'_> {
    /// The time of the call.
    pub(super) fn time(&self) -> Millis {
        self.time.exact()
    }

    /// The time by which the fields of a hash are judged. A clock takes as long to read as a field: it is asked only
    /// where some field has a deadline.
    pub(super) fn now(&self, hash: &Hash) -> Millis {
        if hash.is_timed() { self.time() } else { 0 }
    }

    /// A field with its value and deadline.
    pub(super) fn get<'h>(&self, hash: &'h Hash, field: &[u8]) -> Option<Element<'h>> {
        hash.get(self.hasher, field, self.now(hash))
    }

    fn set(&self, hash: &mut Hash, element: Element<'_>) -> bool {
        let now = self.now(hash);
        hash.set(self.hasher, element, now)
    }
}

/// A copy of a value, without an allocation where it is short.
pub(super) enum Snippet {
    Short([u8; SHORT], u8),
    Long(Vec<u8>),
}

/// Longest value that is copied without an allocation.
const SHORT: usize = 62;

impl Snippet {
    fn of(bytes: &[u8]) -> Self {
        if bytes.len() > SHORT {
            return Snippet::Long(bytes.to_vec());
        }
        let mut short = [0; SHORT];
        short[..bytes.len()].copy_from_slice(bytes);
        Snippet::Short(short, bytes.len() as u8)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Snippet::Short(bytes, len) => &bytes[..usize::from(*len)],
            Snippet::Long(bytes) => bytes,
        }
    }
}

pub(super) fn growth(pairs: &[Pair<'_>]) -> Result<Growth, Error> {
    let long = |(field, value): &Pair<'_>| field.len().max(value.len()) > MAX_PART;
    if pairs.iter().any(long) {
        return Err(Error::TooLarge);
    }
    let bytes = pairs.iter().map(|(field, value)| field.len() + value.len());
    Ok(Growth {
        elements: pairs.len(),
        bytes: bytes.sum(),
    })
}

/// Copies of the values of some fields.
pub(super) fn copies(hash: &Hash, frame: &Frame<'_>, fields: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
    let found = |field: &&[u8]| frame.get(hash, field);
    let copy = |field: &&[u8]| found(field).map(|element| element.value.to_vec());
    fields.iter().map(copy).collect()
}

impl Seat<'_, '_> {
    /// Changes a hash, after some of what is due in it was taken out, and tells of both.
    pub(super) fn change_hash<R>(
        &mut self,
        kinds: &[EventKind],
        growth: Growth,
        frame: &Frame<'_>,
        work: impl FnOnce(&mut Hash) -> Edit<R>,
    ) -> Result<R, Refusal> {
        let (mut purged, mut is_changed) = (0, false);
        let edit = self.amend(growth, |hash: &mut Hash| {
            if hash.is_timed() {
                purged = hash.expire(frame.hasher, frame.time(), PURGED);
            }
            let edit = work(hash);
            is_changed = matches!(edit, Edit::Changed(_));
            match edit {
                Edit::Same(result) if purged > 0 => Edit::Changed(result),
                edit => edit,
            }
        })?;
        if purged > 0 {
            self.tell(EventKind::HExpired);
        }
        match edit {
            Edit::Changed(result) => {
                self.tell_change(if is_changed { kinds } else { &[] });
                Ok(result)
            }
            Edit::Same(result) => Ok(result),
        }
    }

    /// Sets a field, keeping its deadline.
    fn put_field(
        &mut self,
        kind: EventKind,
        (field, value): (&[u8], &[u8]),
        frame: &Frame<'_>,
    ) -> Result<(), Refusal> {
        let growth = growth(&[(field, Raw::Bytes(value))])?;
        self.change_hash(&[kind], growth, frame, |hash| {
            let due = frame.get(hash, field).map_or(NEVER, |found| found.due);
            let key = field;
            frame.set(hash, Element { key, value, due });
            Edit::Changed(())
        })
    }
}

impl<'a> Site<'a> {
    pub(super) fn frame(self) -> Frame<'a> {
        self.frame_by(self.exact_present())
    }

    /// [`Self::frame`] of a call that has looked at the time, exactly.
    pub(super) fn frame_by(self, time: Present<'a>) -> Frame<'a> {
        Frame {
            hasher: &self.core().hasher,
            time: self.element_time(time),
        }
    }

    /// Sets fields and clears their deadlines; returns how many were not there.
    pub(crate) fn hash_set(self, key: Key<'_>, pairs: &[Pair<'_>]) -> Result<usize, Error> {
        let (growth, frame) = (growth(pairs)?, self.frame());
        self.write_by(&frame.time, key, |seat| {
            if pairs.is_empty() {
                seat.check::<Hash>()?;
                return Ok(0);
            }
            seat.change_hash(&[EventKind::HSet], growth, &frame, |hash| {
                let fresh = |(key, value): &&Pair<'_>| {
                    let (mut scratch, due) = ([0; 20], NEVER);
                    let value = value.bytes(&mut scratch);
                    frame.set(hash, Element { key, value, due })
                };
                Edit::Changed(pairs.iter().filter(fresh).count())
            })
        })
    }

    /// Sets a field unless it is there.
    pub(crate) fn hash_set_if_absent(self, key: Key<'_>, pair: &Pair<'_>) -> Result<bool, Error> {
        let (growth, frame) = (growth(std::slice::from_ref(pair))?, self.frame());
        let (field, mut scratch) = (pair.0, [0; 20]);
        let value = pair.1.bytes(&mut scratch);
        self.write_by(&frame.time, key, |seat| {
            seat.change_hash(&[EventKind::HSet], growth, &frame, |hash| {
                if frame.get(hash, field).is_some() {
                    return Edit::Same(false);
                }
                let (key, due) = (field, NEVER);
                frame.set(hash, Element { key, value, due });
                Edit::Changed(true)
            })
        })
    }

    /// Copies of the values of some fields.
    pub(crate) fn hash_get(
        self,
        key: Key<'_>,
        fields: &[&[u8]],
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let frame = self.frame();
        let values = self.look_by(&frame.time, key, |hash: &Hash| copies(hash, &frame, fields))?;
        Ok(values.unwrap_or_else(|| vec![None; fields.len()]))
    }

    /// What `look` sees of a field that is there.
    pub(super) fn hash_field<R>(
        self,
        key: Key<'_>,
        field: &[u8],
        look: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>, Error> {
        let frame = self.frame();
        let seen = self.look_by(&frame.time, key, |hash: &Hash| {
            frame.get(hash, field).map(|element| look(element.value))
        })?;
        Ok(seen.flatten())
    }

    /// A copy of the value of a field.
    pub(super) fn hash_value(self, key: Key<'_>, field: &[u8]) -> Result<Option<Snippet>, Error> {
        self.hash_field(key, field, Snippet::of)
    }

    /// Runs `work` on a hash that is there, with the time by which its fields are judged.
    pub(crate) fn hash_look<R: Default>(
        self,
        key: Key<'_>,
        work: impl FnOnce(&Hash, Millis) -> R,
    ) -> Result<R, Error> {
        let frame = self.frame();
        let found = self.look_by(&frame.time, key, |hash: &Hash| work(hash, frame.now(hash)))?;
        Ok(found.unwrap_or_default())
    }

    /// Fields and values, in turn.
    pub(crate) fn hash_rows(self, key: Key<'_>) -> Result<Copies, Error> {
        self.hash_look(key, |hash, now| {
            let mut copies = Copies::default();
            hash.iter(now).for_each(|row| push_row(&mut copies, row));
            copies
        })
    }

    pub(crate) fn hash_remove(
        self,
        key: Key<'_>,
        fields: &[&[u8]],
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let frame = self.frame();
        self.write_by(&frame.time, key, |seat| {
            if !seat.check::<Hash>()? {
                return Ok(vec![None; fields.len()]);
            }
            seat.change_hash(&[EventKind::HDel], Growth::NONE, &frame, |hash| {
                let mut take = |field: &&[u8]| {
                    let value = frame.get(hash, field)?.value.to_vec();
                    let now = frame.now(hash);
                    hash.remove(frame.hasher, field, now);
                    Some(value)
                };
                let taken: Vec<_> = fields.iter().map(&mut take).collect();
                if taken.iter().all(Option::is_none) {
                    Edit::Same(taken)
                } else {
                    Edit::Changed(taken)
                }
            })
        })
    }

    pub(crate) fn hash_incr(self, key: Key<'_>, field: &[u8], by: i64) -> Result<i64, Error> {
        let frame = self.frame();
        self.write_by(&frame.time, key, |seat| {
            let now = seat.look(|hash: &Hash| {
                frame
                    .get(hash, field)
                    .map(|element| parse_i64(element.value))
            })?;
            let now = match now.flatten() {
                None => 0,
                Some(int) => int.ok_or(Error::FieldNotAnInteger)?,
            };
            let sum = now.checked_add(by).ok_or(Error::Overflow)?;
            let mut scratch = [0; 20];
            let text = write_i64(sum, &mut scratch);
            seat.put_field(EventKind::HIncrBy, (field, text), &frame)?;
            Ok(sum)
        })
    }

    pub(crate) fn hash_incr_by_float(
        self,
        key: Key<'_>,
        field: &[u8],
        by: &Raw<'_>,
    ) -> Result<String, Error> {
        let (frame, mut scratch) = (self.frame(), [0; 20]);
        let by = by.bytes(&mut scratch);
        // What is wrong with the increment is told first, and whatever the field holds.
        let alone = add_decimal(b"0", by)?;
        self.write_by(&frame.time, key, |seat| {
            let sum = seat.look(|hash: &Hash| {
                frame
                    .get(hash, field)
                    .map(|element| add_decimal(element.value, by))
            })?;
            let sum = match sum.flatten() {
                None => Cow::Borrowed(&alone),
                Some(Err(NumberError::NotAFloat)) => return Err(Error::FieldNotAFloat.into()),
                Some(sum) => Cow::Owned(sum.map_err(Error::from)?),
            };
            seat.put_field(EventKind::HIncrByFloat, (field, sum.as_bytes()), &frame)?;
            Ok(sum.into_owned())
        })
    }

    /// Fields and values, in turn.
    pub(crate) fn hash_draw(self, key: Key<'_>, draw: Draw) -> Result<Copies, Error> {
        let core = self.core();
        self.hash_look(key, |hash, now| {
            let mut copies = Copies::default();
            match draw {
                Draw::Distinct(count) => {
                    hash.sample(count, &mut || core.draw(), now, &mut |row| {
                        push_row(&mut copies, row);
                    });
                }
                Draw::Repeated(count) => {
                    copies = Copies::with_capacity(count.min(EXPECTED));
                    for _ in 0..count {
                        if let Some(row) = hash.draw(&mut || core.draw(), now) {
                            push_row(&mut copies, row);
                        }
                    }
                }
            }
            copies
        })
    }

    /// What `push` takes of the elements that match.
    pub(crate) fn hash_page(
        self,
        key: Key<'_>,
        cursor: Cursor,
        options: &ScanOptions,
        push: impl Fn(&mut Copies, Element<'_>),
    ) -> Result<(Copies, Option<Cursor>), Error> {
        let count = options.page()?;
        self.hash_look(key, |hash, now| {
            let mut copies = Copies::default();
            let next = hash.scan(cursor.into(), count, now, &mut |row| {
                if options.admits(row.key) {
                    push(&mut copies, row);
                }
            });
            (copies, (next != 0).then(|| Cursor::from(next)))
        })
    }
}

pub(super) fn push_field(copies: &mut Copies, row: Element<'_>) {
    copies.push(Copied::Bytes(row.key));
}

pub(super) fn push_row(copies: &mut Copies, row: Element<'_>) {
    copies.push(Copied::Bytes(row.key));
    copies.push(Copied::Bytes(row.value));
}
