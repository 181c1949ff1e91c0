//! The packed form of a list: head, gap, and the run of its elements.

use std::ops::Range;

use super::super::{Changed, MAX_PACKED};
use crate::ds::deque::element::{Element, first_len, offset_of};

/// Bytes of a packed list before its gap: the number of elements, the bytes of the gap.
pub(super) const HEAD: usize = 2;
/// The gap is no longer than a byte can say,
pub(super) const MAX_GAP: usize = 255;
/// nor than this part of the elements: what is wasted is no more than a rounding up.
pub(super) const GAP_PART: usize = 8;

/// Where the elements of a packed list begin.
pub(super) fn packed_start(packed: &[u8]) -> usize {
    HEAD + packed.get(1).copied().map_or(0, usize::from)
}

pub(super) fn packed_run(packed: &[u8]) -> &[u8] {
    packed.get(packed_start(packed)..).unwrap_or_default()
}

pub(super) fn packed_count(packed: &[u8]) -> usize {
    packed.first().copied().map_or(0, usize::from)
}

impl Changed {
    /// The head was changed, and these bytes.
    fn head_and(&mut self, part: Range<usize>) {
        let head = 0..HEAD as u16;
        let part = part.start as u16..part.end as u16;
        *self = match std::mem::take(self) {
            Changed::Nothing => Changed::Parts([head, part]),
            Changed::Parts([_, earlier]) if part.is_empty() => Changed::Parts([head, earlier]),
            Changed::Parts([_, earlier]) if earlier.is_empty() => Changed::Parts([head, part]),
            Changed::Parts([_, earlier]) if earlier.end == part.start => {
                Changed::Parts([head, earlier.start..part.end])
            }
            Changed::Parts([_, earlier]) if part.end == earlier.start => {
                Changed::Parts([head, part.start..earlier.end])
            }
            _ => Changed::All,
        };
    }
}

/// Closes the gap.
pub(super) fn compact(packed: &mut Vec<u8>, changed: &mut Changed) {
    packed.drain(HEAD..packed_start(packed));
    packed[1] = 0;
    *changed = Changed::All;
}

pub(super) fn insert_packed(
    packed: &mut Vec<u8>,
    index: usize,
    element: Element<'_>,
    changed: &mut Changed,
) {
    if packed.is_empty() {
        packed.extend([0; HEAD]);
        *changed = Changed::All;
    }
    let (count, need) = (packed_count(packed), element.code_len());
    let start = packed_start(packed);
    if index == 0 && count > 0 && start - HEAD >= need {
        element.encode(&mut packed[start - need..start]);
        packed[1] -= need as u8;
        changed.head_and(start - need..start);
    } else if index == 0 && count > 0 {
        let at = open_front(packed, need);
        element.encode(&mut packed[at..at + need]);
        *changed = Changed::All;
    } else {
        if packed.len() + need > MAX_PACKED {
            compact(packed, changed);
        }
        let end = packed.len();
        let at = packed_start(packed) + offset_of(packed_run(packed), count, index);
        packed.resize(end + need, 0);
        packed.copy_within(at..end, at + need);
        element.encode(&mut packed[at..at + need]);
        changed.head_and(at..end + need);
    }
    packed[0] += 1;
}

/// Makes room for so many bytes before the first element, and a gap before them; where they begin.
pub(super) fn open_front(packed: &mut Vec<u8>, need: usize) -> usize {
    let (start, end) = (packed_start(packed), packed.len());
    let run = end - start;
    let gap = (run / GAP_PART)
        .min(MAX_GAP)
        .min(MAX_PACKED - HEAD - run - need);
    let first = HEAD + gap + need;
    packed.resize(end.max(first + run), 0);
    packed.copy_within(start..end, first);
    packed.truncate(first + run);
    packed[1] = gap as u8;
    HEAD + gap
}

pub(super) fn remove_packed<R>(
    packed: &mut Vec<u8>,
    index: usize,
    take: impl FnOnce(&[u8]) -> R,
    changed: &mut Changed,
) -> R {
    let (start, count) = (packed_start(packed), packed_count(packed));
    let at = start + offset_of(packed_run(packed), count, index);
    let code = at..at + first_len(&packed[at..]);
    let result = take(&packed[code.clone()]);
    packed[0] -= 1;
    let gap = code.end - HEAD;
    if count == 1 {
        packed.truncate(HEAD);
        packed[1] = 0;
        *changed = Changed::All;
    } else if index == 0 && gap <= MAX_GAP.min((packed.len() - code.end) / GAP_PART) {
        packed[1] = gap as u8;
        changed.head_and(0..0);
    } else if index == 0 {
        packed.drain(HEAD..code.end);
        packed[1] = 0;
        *changed = Changed::All;
    } else {
        packed.drain(code);
        changed.head_and(at..packed.len());
    }
    result
}
