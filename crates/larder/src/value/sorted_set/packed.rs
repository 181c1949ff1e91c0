//! `Packed`: a small sorted set as one run of bytes.
//!
//! ```text
//! count | head [len high] score member | head … | …        in order of score and member; no bytes at all if empty
//! ```
//!
//! The head's upper two bits say how the score is held (an integer of 1, 2 or 4 bytes, or a float of 8), its lower six
//! the member's length; 63 says that the length follows in two bytes.
//!
//! Cost: everything walks from the start, over 3.5 KiB at most.

use std::ops::Range;

use crate::value::{MAX_PACKED, MAX_PACKED_LEN};

/// The length in a head that says that two bytes follow.
const LONG: usize = 63;

/// See the module's text.
#[derive(Clone, Default)]
pub(super) struct Packed {
    pub(super) bytes: Vec<u8>,
}

/// A member that was looked up; valid until the next change.
pub(super) struct Found {
    pub(super) rank: usize,
    pub(super) score: f64,
    bytes: Range<usize>,
}

/// An element where it stands.
#[derive(Clone, Copy)]
struct Seen<'a> {
    /// Where it begins and ends in the bytes.
    from: usize,
    to: usize,
    member: &'a [u8],
    score: f64,
}

/// Elements from the start.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Walk<'a> {
    type Item = Seen<'a>;

    fn next(&mut self) -> Option<Seen<'a>> {
        let from = self.at;
        let head = *self.bytes.get(from)?;
        let mut at = from + 1;
        let mut len = usize::from(head) & LONG;
        if len == LONG {
            len = usize::from(u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]));
            at += 2;
        }
        let rest = &self.bytes[at..];
        let (score, width) = match head >> 6 {
            0 => (f64::from(rest[0] as i8), 1),
            1 => (f64::from(i16::from_le_bytes([rest[0], rest[1]])), 2),
            2 => {
                let int = i32::from_le_bytes([rest[0], rest[1], rest[2], rest[3]]);
                (f64::from(int), 4)
            }
            _ => {
                let bits = rest[..8].try_into().expect("eight bytes were taken");
                (f64::from_le_bytes(bits), 8)
            }
        };
        self.at = at + width + len;
        Some(Seen {
            from,
            to: self.at,
            member: &rest[width..width + len],
            score,
        })
    }
}

/// An element as bytes.
fn write(out: &mut Vec<u8>, member: &[u8], score: f64) {
    let int = score as i32;
    let (form, held) = if f64::from(int) != score {
        (3, 8)
    } else if i8::try_from(int).is_ok() {
        (0, 1)
    } else if i16::try_from(int).is_ok() {
        (1, 2)
    } else {
        (2, 4)
    };
    let len = member.len().min(LONG);
    out.push(form << 6 | len as u8);
    if len == LONG {
        out.extend_from_slice(&(member.len() as u16).to_le_bytes());
    }
    if form == 3 {
        out.extend_from_slice(&score.to_le_bytes());
    } else {
        out.extend_from_slice(&int.to_le_bytes()[..held]);
    }
    out.extend_from_slice(member);
}

/// Most bytes of these elements.
pub(super) fn most_bytes(elements: usize, member_bytes: usize) -> usize {
    1 + elements * 11 + member_bytes
}

impl Packed {
    pub(super) fn len(&self) -> usize {
        self.bytes.first().copied().unwrap_or_default().into()
    }

    /// Whether such a member can be added.
    pub(super) fn has_room(&self, member: &[u8]) -> bool {
        self.len() < MAX_PACKED_LEN && self.bytes.len() + most_bytes(1, member.len()) <= MAX_PACKED
    }

    fn walk(&self) -> Walk<'_> {
        Walk {
            bytes: &self.bytes,
            at: 1,
        }
    }

    /// Where a member is, its rank and its score.
    pub(super) fn find(&self, member: &[u8]) -> Option<Found> {
        let (mut from, mut rank) = (1, 0);
        while from < self.bytes.len() {
            let (start, to) = self.bounds(from);
            if to - start == member.len() && self.bytes[start..to] == *member {
                let seen = Walk {
                    bytes: &self.bytes,
                    at: from,
                }
                .next();
                let score = seen.map(|seen| seen.score)?;
                return Some(Found {
                    rank,
                    score,
                    bytes: from..to,
                });
            }
            (from, rank) = (to, rank + 1);
        }
        None
    }

    /// Where the member of the element that begins here starts and ends.
    #[inline]
    fn bounds(&self, from: usize) -> (usize, usize) {
        let head = usize::from(self.bytes[from]);
        let (mut at, mut len) = (from + 1, head & LONG);
        if len == LONG {
            len = usize::from(u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]));
            at += 2;
        }
        // Scores of one, two, four, eight bytes.
        let start = at + (1 << (head >> 6));
        (start, start + len)
    }

    /// Takes an element out that was found.
    pub(super) fn take(&mut self, found: &Found) {
        self.bytes.drain(found.bytes.clone());
        self.bytes[0] -= 1;
        if self.bytes[0] == 0 {
            self.bytes.clear();
        }
    }

    /// How many elements come before a score and member.
    pub(super) fn rank_of(&self, score: f64, member: &[u8]) -> usize {
        let before =
            |seen: &Seen<'_>| seen.score < score || (seen.score == score && seen.member < member);
        self.walk().take_while(before).count()
    }

    /// How many elements from the start are on the near side of a boundary.
    pub(super) fn rank_where(&self, near: impl Fn(f64, &[u8]) -> bool) -> usize {
        let before = |seen: &Seen<'_>| near(seen.score, seen.member);
        self.walk().take_while(before).count()
    }

    /// Where the element of this rank begins.
    fn start_of(&self, rank: usize) -> usize {
        match rank {
            0 => self.bytes.len().min(1),
            rank => self
                .walk()
                .nth(rank - 1)
                .map_or(self.bytes.len(), |seen| seen.to),
        }
    }

    /// Adds an element that is not there and fits.
    pub(super) fn insert(&mut self, member: &[u8], score: f64) {
        if self.bytes.is_empty() {
            self.bytes.push(0);
        }
        let before =
            |seen: &Seen<'_>| seen.score < score || (seen.score == score && seen.member < member);
        let last = self.walk().take_while(before).last();
        let at = last.map_or(1, |seen| seen.to);
        let end = self.bytes.len();
        write(&mut self.bytes, member, score);
        let added = self.bytes.len() - end;
        self.bytes[at..].rotate_right(added);
        self.bytes[0] += 1;
    }

    pub(super) fn remove(&mut self, ranks: Range<usize>) {
        if ranks.is_empty() {
            return;
        }
        let (from, to) = (self.start_of(ranks.start), self.start_of(ranks.end));
        self.bytes.drain(from..to);
        self.bytes[0] -= ranks.len() as u8;
        if self.bytes[0] == 0 {
            self.bytes.clear();
        }
    }

    /// Shows the elements of these ranks in order.
    pub(super) fn visit<'a>(&'a self, ranks: Range<usize>, mut visit: impl FnMut(&'a [u8], f64)) {
        let part = self.walk().skip(ranks.start).take(ranks.len());
        part.for_each(|seen| visit(seen.member, seen.score));
    }

    /// Shows the elements of these ranks, the last first.
    pub(super) fn visit_back<'a>(
        &'a self,
        ranks: Range<usize>,
        mut visit: impl FnMut(&'a [u8], f64),
    ) {
        let mut starts = [0; MAX_PACKED_LEN];
        let all = self.walk().skip(ranks.start).take(ranks.len());
        let len = all
            .zip(&mut starts)
            .map(|(seen, out)| *out = seen.from)
            .count();
        for &at in starts[..len].iter().rev() {
            let seen = Walk {
                bytes: &self.bytes,
                at,
            }
            .next();
            let seen = seen.expect("an element begins there");
            visit(seen.member, seen.score);
        }
    }
}
