//! `List`: a list of byte strings, packed or in blocks.
//!
//! ```text
//! packed   [count][gap] .... element element ...     up to 128 elements, 3584 bytes; walked from both ends
//! blocks   a Deque                                   from there on, until half as much is left
//! ```
//!
//! A packed list has a gap of a few bytes before its first element, where one was taken off or is likely to be put: so a
//! change at either end writes the two bytes of the head and the element, and leaves the others where they are.
//!
//! Every change goes through four primitives: insert an element at an index, remove one, remove equal ones, cut an end
//! off. Each notes its inverse while there is a journal. The inverses go by index, so they hold in either form.
//!
//! Cost: both ends O(1); an index O(blocks) + 4 KiB; in the packed form all is a walk of at most 3.5 KiB.

mod packed;

use std::ops::{ControlFlow, Range};

use super::{Changed, Collection, MAX_PACKED, MAX_PACKED_LEN};
use crate::ds::deque::element::{Codes, Element, offset_of};
use crate::ds::deque::{Deque, End};
use packed::{GAP_PART, HEAD, MAX_GAP, insert_packed, packed_count, packed_run, remove_packed};

/// A list in blocks is packed again when so many elements, in so many bytes, are left.
const FEW: (usize, usize) = (MAX_PACKED_LEN / 2, MAX_PACKED / 2);
/// A trim takes so many elements off one by one: cheaper than to cut a block for them.
const SINGLY: usize = 16;
/// What the allocator takes for itself.
const ALLOCATION: usize = 16;
/// Longest element with a code of two bytes more than itself; a longer one takes up to [`LONG_CODE`] more than that.
const SHORT: usize = 127;
const LONG_CODE: usize = 8;

/// See the module's text.
pub(crate) struct List {
    form: Form,
    journal: Option<Vec<Undo>>,
    /// What was changed of the packed form since it was unpacked.
    changed: Changed,
}

#[derive(Clone)]
enum Form {
    /// The head, the gap, the run of the elements; no bytes at all for none.
    Packed(Vec<u8>),
    Blocks(Deque),
}

/// The inverse of a change.
enum Undo {
    /// An element was inserted here.
    Inserted(usize),
    /// The element with this code was removed here.
    Removed(usize, Box<[u8]>),
    Cut(End, Box<Deque>),
}

/// What to look for in a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search {
    /// From where on.
    pub(crate) from: End,
    /// So many matches are passed over first.
    pub(crate) skip: usize,
    /// So many matches are enough.
    pub(crate) most: usize,
    /// So many elements are looked at.
    pub(crate) looks: usize,
}

/// At most so many bytes are the codes of so many elements with so many bytes together.
fn most_code_bytes(elements: usize, bytes: usize) -> usize {
    bytes + 2 * elements + LONG_CODE * elements.min(bytes / (SHORT + 1))
}

impl Collection for List {
    fn unpack(packed: Vec<u8>) -> Self {
        List {
            form: Form::Packed(packed),
            journal: None,
            changed: Changed::Nothing,
        }
    }

    fn changed(&self) -> Changed {
        self.changed.clone()
    }

    fn packed(&self) -> Option<&[u8]> {
        match &self.form {
            Form::Packed(packed) => Some(packed),
            Form::Blocks(_) => None,
        }
    }

    fn into_buffer(self) -> Vec<u8> {
        match self.form {
            Form::Packed(packed) => packed,
            Form::Blocks(_) => Vec::new(),
        }
    }

    fn len(&self) -> usize {
        match &self.form {
            Form::Packed(packed) => packed_count(packed),
            Form::Blocks(deque) => deque.len(),
        }
    }

    fn bytes(&self) -> u64 {
        match &self.form {
            Form::Packed(packed) if packed.capacity() == 0 => 0,
            Form::Packed(packed) => (packed.capacity() + ALLOCATION) as u64,
            Form::Blocks(deque) => deque.bytes(),
        }
    }

    fn growth(&self, elements: usize, bytes: usize) -> u64 {
        let more = most_code_bytes(elements, bytes);
        match &self.form {
            Form::Packed(packed) => {
                let (len, size) = (self.len() + elements, packed.len().max(HEAD) + more);
                if len <= MAX_PACKED_LEN && size <= MAX_PACKED {
                    // A vector doubles at most, and begins with eight bytes.
                    let size = size + MAX_GAP.min(size / GAP_PART);
                    ((2 * size).max(8) + ALLOCATION) as u64
                } else {
                    Deque::default().growth(len, size)
                }
            }
            Form::Blocks(deque) => deque.growth(elements, more),
        }
    }

    fn begin(&mut self) {
        self.journal = Some(Vec::new());
    }

    fn commit(&mut self) {
        self.journal = None;
    }

    fn rollback(&mut self) {
        let undos = self.journal.take().unwrap_or_default();
        for undo in undos.into_iter().rev() {
            match undo {
                Undo::Inserted(index) => self.remove(index, |_| ()),
                Undo::Removed(index, code) => self.insert(index, Element::decode(&code)),
                Undo::Cut(end, deque) => self.blocks().join(end, *deque),
            }
        }
    }
}

impl Clone for List {
    /// The elements, without a journal.
    fn clone(&self) -> Self {
        List {
            form: self.form.clone(),
            journal: None,
            changed: Changed::All,
        }
    }
}

impl List {
    fn note(&mut self, undo: impl FnOnce() -> Undo) {
        if let Some(journal) = &mut self.journal {
            journal.push(undo());
        }
    }

    /// The list in blocks, which it becomes.
    fn blocks(&mut self) -> &mut Deque {
        if let Form::Packed(packed) = &self.form {
            let deque = Deque::from_run(packed_run(packed), packed_count(packed));
            self.form = Form::Blocks(deque);
        }
        match &mut self.form {
            Form::Blocks(deque) => deque,
            Form::Packed(_) => unreachable!("it was just converted"),
        }
    }

    /// Packs the list if little is left.
    fn pack(&mut self) {
        if let Form::Blocks(deque) = &self.form
            && deque.len() <= FEW.0
            && deque.packed() + HEAD <= FEW.1
        {
            let mut packed = Vec::with_capacity(deque.packed() + HEAD);
            packed.extend([deque.len() as u8, 0]);
            deque.to_run(&mut packed);
            self.form = Form::Packed(packed);
        }
    }

    /// Inserts an element before the one with this index, or at the end.
    pub(crate) fn insert(&mut self, index: usize, element: Element<'_>) {
        let code_len = element.code_len();
        let fits = |packed: &Vec<u8>| {
            packed_count(packed) < MAX_PACKED_LEN
                && HEAD + packed_run(packed).len() + code_len <= MAX_PACKED
        };
        match &mut self.form {
            Form::Packed(packed) if fits(packed) => {
                insert_packed(packed, index, element, &mut self.changed);
            }
            _ => self.blocks().insert(index, element),
        }
        self.note(|| Undo::Inserted(index));
    }

    /// Takes the element with this index out and shows it to `take`.
    pub(crate) fn remove<R>(&mut self, index: usize, take: impl FnOnce(Element<'_>) -> R) -> R {
        let mut noted = None;
        let journal = self.journal.is_some();
        let take = |code: &[u8]| {
            noted = journal.then(|| Box::from(code));
            take(Element::decode(code))
        };
        let result = match &mut self.form {
            Form::Packed(packed) => remove_packed(packed, index, take, &mut self.changed),
            Form::Blocks(deque) => deque.remove(index, take),
        };
        self.pack();
        if let Some(code) = noted {
            self.note(|| Undo::Removed(index, code));
        }
        result
    }

    /// Removes up to `most` elements that equal this one, from an end on; says how many.
    pub(crate) fn remove_equal(&mut self, element: Element<'_>, from: End, most: usize) -> usize {
        let Form::Blocks(deque) = &mut self.form else {
            return self.remove_each(element, from, most);
        };
        let code = element.to_code();
        let journal = &mut self.journal;
        let removed = deque.remove_equal(&code, from, most, |index| {
            if let Some(journal) = journal {
                journal.push(Undo::Removed(index, code[..].into()));
            }
        });
        self.pack();
        removed
    }

    /// [`Self::remove_equal`], one by one.
    fn remove_each(&mut self, element: Element<'_>, from: End, most: usize) -> usize {
        let search = Search {
            from,
            skip: 0,
            most,
            looks: usize::MAX,
        };
        let mut places = self.search(element, search);
        places.sort_unstable_by(|a, b| b.cmp(a));
        for &index in &places {
            self.remove(index, |_| ());
        }
        places.len()
    }

    /// Takes the first or last `count` elements off; what is returned takes time to drop.
    fn cut(&mut self, end: End, count: usize) -> Option<Deque> {
        let is_packed = matches!(self.form, Form::Packed(_));
        if count <= SINGLY || is_packed {
            for _ in 0..count {
                self.pop(end, |_| ());
            }
            return None;
        }
        let cut = self.blocks().cut(end, count);
        self.pack();
        let Some(journal) = &mut self.journal else {
            return Some(cut);
        };
        journal.push(Undo::Cut(end, Box::new(cut)));
        None
    }

    /// Keeps these elements and no others; what is returned takes time to drop.
    #[must_use = "dropped without a lock"]
    pub(crate) fn trim(&mut self, keep: Range<usize>) -> [Option<Deque>; 2] {
        let back = self.cut(End::Back, self.len() - keep.end);
        [self.cut(End::Front, keep.start), back]
    }

    /// Adds an element at an end.
    #[inline]
    pub(crate) fn push(&mut self, end: End, element: Element<'_>) {
        let index = match end {
            End::Front => 0,
            End::Back => self.len(),
        };
        self.insert(index, element);
    }

    /// Takes an element off an end and shows it to `take`.
    #[inline]
    pub(crate) fn pop<R>(&mut self, end: End, take: impl FnOnce(Element<'_>) -> R) -> Option<R> {
        let last = self.len().checked_sub(1)?;
        let index = match end {
            End::Front => 0,
            End::Back => last,
        };
        Some(self.remove(index, take))
    }

    /// Puts another element in the place of one.
    pub(crate) fn set(&mut self, index: usize, element: Element<'_>) {
        self.remove(index, |_| ());
        self.insert(index, element);
    }

    /// Shows elements to `visit`, from this index on or backwards from the one before it, until it breaks.
    pub(crate) fn walk<B>(
        &self,
        index: usize,
        from: End,
        mut visit: impl FnMut(&[u8]) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        match (&self.form, from) {
            (Form::Packed(packed), _) => {
                let run = packed_run(packed);
                let at = offset_of(run, packed_count(packed), index);
                match from {
                    End::Front => Codes(&run[at..]).try_for_each(visit),
                    End::Back => Codes(&run[..at]).rev().try_for_each(visit),
                }
            }
            (Form::Blocks(deque), End::Front) => deque.forward(index).try_for_each(&mut visit),
            (Form::Blocks(deque), End::Back) => deque.backward(index).try_for_each(&mut visit),
        }
    }

    /// Shows the elements of a part, in order.
    pub(crate) fn range(&self, part: Range<usize>, mut visit: impl FnMut(Element<'_>)) {
        let mut rest = part.len();
        if rest == 0 {
            return;
        }
        let _ = self.walk(part.start, End::Front, |code| {
            visit(Element::decode(code));
            rest -= 1;
            if rest == 0 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
    }

    /// Shows the element with this index.
    pub(crate) fn get<R>(&self, index: usize, show: impl FnOnce(Element<'_>) -> R) -> Option<R> {
        if index >= self.len() {
            return None;
        }
        let mut show = Some(show);
        let shown = self.walk(index, End::Front, |code| {
            let show = show.take().expect("the walk ends with the first element");
            ControlFlow::Break(show(Element::decode(code)))
        });
        shown.break_value()
    }

    /// The indexes of elements that equal this one, in the order in which they are met.
    pub(crate) fn search(&self, element: Element<'_>, search: Search) -> Vec<usize> {
        let code = element.to_code();
        let Search {
            from,
            mut skip,
            most,
            looks,
        } = search;
        let len = self.len();
        let start = if from == End::Front { 0 } else { len };
        let (mut found, mut looked) = (Vec::new(), 0);
        let _ = self.walk(start, from, |other| {
            if looked == looks || found.len() == most {
                return ControlFlow::Break(());
            }
            looked += 1;
            if other == code {
                if skip > 0 {
                    skip -= 1;
                } else {
                    found.push(if from == End::Front {
                        looked - 1
                    } else {
                        len - looked
                    });
                }
            }
            ControlFlow::Continue(())
        });
        found
    }

    /// The index of the first element that equals this one.
    pub(crate) fn find(&self, element: Element<'_>) -> Option<usize> {
        let first = Search {
            from: End::Front,
            skip: 0,
            most: 1,
            looks: usize::MAX,
        };
        self.search(element, first).first().copied()
    }
}

#[cfg(test)]
mod tests;
