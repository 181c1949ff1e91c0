//! `Packed`: a block of up to some hundred elements in one run of bytes, found by key.
//!
//! ```text
//! count  tags        codes            elements
//! u16    1 B each    1 or 2 B each    key value | key value | due? lengths key value | …
//!        above 16
//! ```
//!
//! An element is a key, a value, and maybe a deadline. Its code says both lengths when they are short; otherwise they are
//! written out before the key. How codes are shared between the two lengths is `SHORT`, the number of value lengths that
//! a code of one byte can say: with 1, for blocks without values, keys of up to 251 bytes are short; with 21, keys of up to
//! 11 bytes with values of up to 20. A block with longer ones has codes of two bytes (see `codes`), for keys of up to 126
//! bytes with values of up to 511.
//!
//! A look-up compares tags, sixteen at a time, then finds the element by adding up the codes before it, which is one pass
//! over contiguous bytes without a branch. Blocks of up to sixteen elements have no tags and are walked. Tags come from
//! the key alone, not from a seeded hash: whoever makes them collide gains a walk over one block.
//!
//! The bytes say all there is: opening a block is free. New elements go to the end; removing one closes the gap.
//! Cost: 1 or 2 bytes per element up to sixteen, one more above, 2 per block; a change moves the bytes behind it.

mod codes;
mod tags;

use std::ops::Range;

use codes::{Code, Codes, Width, length_size, read_length, write_length};
use tags::{equal_tags, tag_of};

/// No deadline.
pub(crate) const NEVER: u64 = u64::MAX;

/// Bytes of the count.
pub(crate) const HEAD: usize = 2;
/// Blocks of up to so many elements have no tags.
const PLAIN: usize = 16;
/// In the count: the codes are wide. The highest bit is not a block's: it tells sets of integers from blocks.
const WIDE: u16 = 1 << 14;
/// Blocks grow in steps of so many bytes: with 36 elements of 16 bytes, some 5 % are unused.
const STEP: usize = 64;

/// A longer block grows by no more than this beyond what it needs.
const MOST_SPARE: usize = 256;

/// Most bytes that a block spends on an element beside its key and value: tag, code, deadline and two lengths.
pub(crate) const MOST_OVERHEAD: usize = 3 + 8 + 2 * 5;
/// Most bytes that a block is allocated beyond what it needs, when it is.
pub(crate) const MOST_ROUNDING: usize = MOST_SPARE + STEP;
/// Most bytes that a block holds unused after [`Packed::trim`], beside an eighth of its length.
pub(crate) const MOST_SLACK: usize = 3 * STEP;

/// One element of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    /// Milliseconds, or [`NEVER`].
    pub(crate) due: u64,
}

/// A block of elements; see the module's text.
#[derive(Debug, Default, Clone)]
pub(crate) struct Packed<const SHORT: usize> {
    /// Empty, or with the count.
    bytes: Vec<u8>,
}

/// Where the parts of an element are.
struct Place {
    key: usize,
    value: usize,
    end: usize,
    due: u64,
}

impl<const SHORT: usize> Packed<SHORT> {
    /// The block that these bytes are.
    pub(crate) fn open(bytes: Vec<u8>) -> Self {
        Packed { bytes }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    #[inline]
    fn head(&self) -> u16 {
        self.bytes
            .first_chunk::<HEAD>()
            .map_or(0, |head| u16::from_le_bytes(*head))
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        usize::from(self.head() & !WIDE)
    }

    #[inline]
    fn width(&self) -> Width {
        if self.head() & WIDE == 0 {
            Width::Narrow
        } else {
            Width::Wide
        }
    }

    fn tags(count: usize) -> usize {
        if count > PLAIN { count } else { 0 }
    }

    #[inline]
    fn codes(&self) -> Codes<'_, SHORT> {
        let (count, width) = (self.len(), self.width());
        let at = HEAD + Self::tags(count);
        let bytes = self.bytes.get(at..at + count * width.bytes());
        Codes {
            width,
            bytes: bytes.unwrap_or_default(),
        }
    }

    /// Where the first element starts.
    fn data(count: usize, width: Width) -> usize {
        HEAD + Self::tags(count) + count * width.bytes()
    }

    /// Bytes that an element takes beside its tag and its code.
    fn size(element: Element<'_>, width: Width) -> usize {
        let (key, value) = (element.key.len(), element.value.len());
        let lengths = || length_size(key) + length_size(value);
        key + value
            + match Codes::<SHORT>::of(element, width) {
                Code::Timed => 8 + lengths(),
                Code::Long => lengths(),
                Code::Short { .. } => 0,
            }
    }

    /// Length of a block of these elements.
    fn length_of<'e>(elements: impl Iterator<Item = Element<'e>>, width: Width) -> usize {
        let (count, size) = elements.fold((0, 0), |(count, size), element| {
            (count + 1, size + Self::size(element, width))
        });
        Self::data(count, width) + size
    }

    /// Length of the block once this element is pushed.
    pub(crate) fn len_with(&self, element: Element<'_>) -> usize {
        let (count, width) = (self.len(), self.width());
        if width == Width::Narrow && Codes::<SHORT>::width_for(element) == Width::Wide {
            return Self::length_of(self.iter().chain([element]), Width::Wide);
        }
        let data = self.bytes.len().saturating_sub(Self::data(count, width));
        Self::data(count + 1, width) + data + Self::size(element, width)
    }

    /// The elements, with another in the place of one.
    fn replaced<'e>(
        &'e self,
        index: usize,
        element: Element<'e>,
    ) -> impl Iterator<Item = Element<'e>> {
        let each = self.iter().enumerate();
        each.map(move |(at, other)| if at == index { element } else { other })
    }

    /// The width of the codes once an element's key has another value and deadline.
    fn width_replaced(&self, index: usize, element: Element<'_>) -> Width {
        match Codes::<SHORT>::width_for(element) {
            Width::Wide => Width::Wide,
            Width::Narrow => self.codes().width_without(index),
        }
    }

    /// Length of the block once an element's key has another value and deadline.
    pub(crate) fn len_replaced(&self, index: usize, element: Element<'_>) -> usize {
        let width = self.width();
        let width_then = self.width_replaced(index, element);
        if width_then != width {
            return Self::length_of(self.replaced(index, element), width_then);
        }
        self.bytes.len() - Self::size(self.get(index), width) + Self::size(element, width)
    }

    /// Where the parts of the element are that starts here.
    #[inline(always)]
    fn place(&self, code: Code, mut at: usize) -> Place {
        if let Code::Short { key, value } = code {
            return Place {
                key: at,
                value: at + key,
                end: at + key + value,
                due: NEVER,
            };
        }
        let due = if code == Code::Timed {
            let bytes = self.bytes[at..].first_chunk();
            at += 8;
            u64::from_le_bytes(*bytes.expect("a deadline is inside its block"))
        } else {
            NEVER
        };
        let key = read_length(&self.bytes, &mut at);
        let value = read_length(&self.bytes, &mut at);
        Place {
            key: at,
            value: at + key,
            end: at + key + value,
            due,
        }
    }

    fn element(&self, place: &Place) -> Element<'_> {
        Element {
            key: &self.bytes[place.key..place.value],
            value: &self.bytes[place.value..place.end],
            due: place.due,
        }
    }

    /// Where an element starts.
    fn start(&self, index: usize) -> usize {
        let codes = self.codes();
        let data = Self::data(self.len(), codes.width);
        match codes.sum_before(index) {
            Some(sum) => data + sum,
            None => (0..index).fold(data, |at, before| self.place(codes.get(before), at).end),
        }
    }

    /// The element of an index below the length.
    pub(crate) fn get(&self, index: usize) -> Element<'_> {
        self.element(&self.place(self.codes().get(index), self.start(index)))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Element<'_>> {
        let (count, codes) = (self.len(), self.codes());
        let mut at = Self::data(count, codes.width);
        (0..count).map(move |index| {
            let place = self.place(codes.get(index), at);
            at = place.end;
            self.element(&place)
        })
    }

    /// The index of a key.
    #[inline]
    pub(crate) fn find(&self, key: &[u8]) -> Option<usize> {
        let count = self.len();
        if count <= PLAIN {
            return self.iter().position(|element| element.key == key);
        }
        let tag = tag_of(key);
        let tags = &self.bytes[HEAD..HEAD + count];
        let (chunks, rest) = tags.as_chunks::<16>();
        let mut last = [0; 16];
        last[..rest.len()].copy_from_slice(rest);
        let ends = (1_u32 << rest.len()) - 1;
        let masks = chunks.iter().map(|chunk| equal_tags(*chunk, tag));
        let masks = masks.chain(std::iter::once(equal_tags(last, tag) & ends));
        for (chunk, mut mask) in masks.enumerate() {
            while mask != 0 {
                let index = chunk * 16 + mask.trailing_zeros() as usize;
                if self.get(index).key == key {
                    return Some(index);
                }
                mask &= mask - 1;
            }
        }
        None
    }

    /// Whether some elements have deadlines.
    #[inline]
    pub(crate) fn is_timed(&self) -> bool {
        self.codes().is_timed()
    }

    /// The earliest deadline.
    pub(crate) fn next_due(&self) -> u64 {
        if !self.is_timed() {
            return NEVER;
        }
        self.iter()
            .map(|element| element.due)
            .min()
            .unwrap_or(NEVER)
    }

    /// Makes the buffer `length` bytes long, which are not fewer than now.
    fn lengthen(&mut self, length: usize) {
        if length > self.bytes.capacity() {
            let spare = (length / 32).min(MOST_SPARE);
            let wanted = (length + spare).next_multiple_of(STEP);
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
        self.bytes.resize(length, 0);
    }

    /// Gives back what is unused above a few steps.
    pub(crate) fn trim(&mut self) {
        if self.bytes.capacity() - self.bytes.len() > MOST_SLACK + self.bytes.len() / 8 {
            self.bytes
                .shrink_to(self.bytes.len().next_multiple_of(STEP));
        }
    }

    fn set_head(&mut self, count: usize, width: Width) {
        let count = u16::try_from(count).unwrap_or(WIDE);
        assert!(
            count < WIDE,
            "a block is split long before it has 16,384 elements"
        );
        let wide = match width {
            Width::Narrow => 0,
            Width::Wide => WIDE,
        };
        self.bytes[..HEAD].copy_from_slice(&(count | wide).to_le_bytes());
    }

    /// Writes an element where there is room for it.
    fn write(&mut self, element: Element<'_>, width: Width, mut at: usize) {
        let code = Codes::<SHORT>::of(element, width);
        if code == Code::Timed {
            self.bytes[at..at + 8].copy_from_slice(&element.due.to_le_bytes());
            at += 8;
        }
        if !matches!(code, Code::Short { .. }) {
            at += write_length(element.key.len(), &mut self.bytes[at..]);
            at += write_length(element.value.len(), &mut self.bytes[at..]);
        }
        self.bytes[at..at + element.key.len()].copy_from_slice(element.key);
        at += element.key.len();
        self.bytes[at..at + element.value.len()].copy_from_slice(element.value);
    }

    /// Adds an element whose key is not there.
    pub(crate) fn push(&mut self, element: Element<'_>) {
        let (count, mut width) = (self.len(), self.width());
        if width == Width::Narrow && Codes::<SHORT>::width_for(element) == Width::Wide {
            if count > 0 {
                let all: Vec<Element<'_>> = self.iter().chain([element]).collect();
                *self = Packed::of(&all);
                return;
            }
            width = Width::Wide;
        }
        let (tags, tags_then) = (Self::tags(count), Self::tags(count + 1));
        let (codes, codes_then) = (HEAD + tags, HEAD + tags_then);
        let (data, data_then) = (Self::data(count, width), Self::data(count + 1, width));
        let end = self.bytes.len().max(data);
        let length = data_then + end - data + Self::size(element, width);
        let mut fresh = [0; PLAIN + 1];
        if tags == 0 && tags_then > 0 {
            for (tag, old) in fresh.iter_mut().zip(self.iter()) {
                *tag = tag_of(old.key);
            }
        }
        self.lengthen(length);
        self.bytes.copy_within(data..end, data_then);
        self.bytes.copy_within(codes..data, codes_then);
        if tags == 0 && tags_then > 0 {
            self.bytes[HEAD..codes_then].copy_from_slice(&fresh);
        }
        if tags_then > 0 {
            self.bytes[HEAD + count] = tag_of(element.key);
        }
        let at = codes_then + count * width.bytes();
        let code = Codes::<SHORT>::of(element, width);
        Codes::<SHORT>::write(code, width, &mut self.bytes[at..]);
        self.set_head(count + 1, width);
        self.write(element, width, length - Self::size(element, width));
    }

    /// A block of these elements, whose keys differ.
    pub(crate) fn of(elements: &[Element<'_>]) -> Self {
        let count = elements.len();
        if count == 0 {
            return Packed::default();
        }
        let wide = |element: &Element<'_>| Codes::<SHORT>::width_for(*element) == Width::Wide;
        let width = if elements.iter().any(wide) {
            Width::Wide
        } else {
            Width::Narrow
        };
        let mut block = Packed::default();
        block.lengthen(Self::length_of(elements.iter().copied(), width));
        block.set_head(count, width);
        let codes = HEAD + Self::tags(count);
        let mut at = Self::data(count, width);
        for (index, &element) in elements.iter().enumerate() {
            if codes > HEAD {
                block.bytes[HEAD + index] = tag_of(element.key);
            }
            let code = codes + index * width.bytes();
            let short = Codes::<SHORT>::of(element, width);
            Codes::<SHORT>::write(short, width, &mut block.bytes[code..]);
            block.write(element, width, at);
            at += Self::size(element, width);
        }
        block
    }

    /// Takes an element out.
    pub(crate) fn remove(&mut self, index: usize) {
        let (count, width) = (self.len(), self.width());
        if count == 1 {
            self.bytes.clear();
            return;
        }
        if self.codes().width_without(index) != width {
            let each = self.iter().enumerate().filter(|(at, _)| *at != index);
            let others: Vec<Element<'_>> = each.map(|(_, element)| element).collect();
            *self = Packed::of(&others);
            return;
        }
        let start = self.start(index);
        let end = self.place(self.codes().get(index), start).end;
        let (tags, tags_then) = (Self::tags(count), Self::tags(count - 1));
        let (codes, codes_then) = (HEAD + tags, HEAD + tags_then);
        let code = width.bytes();
        let mut to = codes_then;
        let mut pull = |bytes: &mut Vec<u8>, from: Range<usize>| {
            let length = from.len();
            bytes.copy_within(from, to);
            to += length;
        };
        if tags_then > 0 {
            self.bytes
                .copy_within(HEAD + index + 1..codes, HEAD + index);
        }
        let data = codes + count * code;
        pull(&mut self.bytes, codes..codes + index * code);
        pull(&mut self.bytes, codes + (index + 1) * code..data);
        pull(&mut self.bytes, data..start);
        let length = self.bytes.len();
        pull(&mut self.bytes, end..length);
        debug_assert!(to >= Self::data(count - 1, width));
        self.bytes.truncate(to);
        self.set_head(count - 1, width);
    }

    /// Gives an element's key another value and deadline.
    pub(crate) fn replace(&mut self, index: usize, element: Element<'_>) {
        let width = self.width();
        if self.width_replaced(index, element) != width {
            let all: Vec<Element<'_>> = self.replaced(index, element).collect();
            *self = Packed::of(&all);
            return;
        }
        let start = self.start(index);
        let end = self.place(self.codes().get(index), start).end;
        let end_then = start + Self::size(element, width);
        let length = self.bytes.len();
        let length_then = length - end + end_then;
        if length_then > length {
            self.lengthen(length_then);
        }
        self.bytes.copy_within(end..length, end_then);
        self.bytes.truncate(length_then);
        let at = HEAD + Self::tags(self.len()) + index * width.bytes();
        let code = Codes::<SHORT>::of(element, width);
        Codes::<SHORT>::write(code, width, &mut self.bytes[at..]);
        self.write(element, width, start);
    }

    /// Gives an element's key another value, where that has the same length and neither has a deadline; where the value
    /// stands. Otherwise nothing is done.
    pub(crate) fn overwrite(&mut self, index: usize, element: Element<'_>) -> Option<Range<usize>> {
        let code = self.codes().get(index);
        if code == Code::Timed || code != Codes::<SHORT>::of(element, self.width()) {
            return None;
        }
        let Place { value, end, .. } = self.place(code, self.start(index));
        if end - value != element.value.len() {
            return None;
        }
        self.bytes[value..end].copy_from_slice(element.value);
        Some(value..end)
    }
}

#[cfg(test)]
mod tests {
    use super::tags::equal_tags_one_by_one;
    use super::*;
    use proptest::prelude::*;

    impl<const SHORT: usize> Packed<SHORT> {
        /// Checks that the parts fill the block, and that tags and keys agree.
        pub(crate) fn assert_invariants(&self) {
            let count = self.len();
            let Some(last) = count.checked_sub(1) else {
                assert!(self.bytes.is_empty());
                return;
            };
            let (codes, width) = (self.codes(), self.width());
            let end = self.place(codes.get(last), self.start(last)).end;
            assert_eq!(end, self.bytes.len());
            let wide = |element: Element<'_>| Codes::<SHORT>::width_for(element) == Width::Wide;
            assert_eq!(self.iter().any(wide), width == Width::Wide);
            for (index, element) in self.iter().enumerate() {
                assert_eq!(self.find(element.key), Some(index));
                assert_eq!(self.get(index), element);
                assert_eq!(codes.get(index), Codes::<SHORT>::of(element, width));
            }
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Put(Vec<u8>, Vec<u8>, Option<u64>),
        Remove(usize),
    }

    fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            8 => prop::collection::vec(b'a'..b'f', 0..3),
            2 => prop::collection::vec(any::<u8>(), 0..30),
            1 => prop::collection::vec(any::<u8>(), 100..400),
        ]
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let due = prop_oneof![4 => Just(None), 1 => any::<u64>().prop_map(Some)];
        let step = prop_oneof![
            3 => (any_bytes(), any_bytes(), due).prop_map(|(key, value, due)| Step::Put(key, value, due)),
            2 => any::<usize>().prop_map(Step::Remove),
        ];
        prop::collection::vec(step, 0..120)
    }

    fn follows_a_vector<const SHORT: usize>(steps: Vec<Step>, valued: bool) {
        let mut block = Packed::<SHORT>::default();
        let mut model: Vec<(Vec<u8>, Vec<u8>, u64)> = Vec::new();
        for step in steps {
            match step {
                Step::Put(key, value, due) => {
                    let value = if valued { value } else { Vec::new() };
                    let element = Element {
                        key: &key,
                        value: &value,
                        due: due.unwrap_or(NEVER),
                    };
                    let at = model.iter().position(|row| row.0 == key);
                    assert_eq!(block.find(&key), at);
                    if let Some(at) = at {
                        let length = block.len_replaced(at, element);
                        let (_, had, was_due) = &model[at];
                        let alike = had.len() == value.len() && *was_due == NEVER;
                        let overwritten = block.overwrite(at, element);
                        assert_eq!(overwritten.is_some(), alike && element.due == NEVER);
                        match overwritten {
                            Some(bytes) => assert_eq!(block.bytes()[bytes], value[..]),
                            None => block.replace(at, element),
                        }
                        assert_eq!(block.bytes().len(), length);
                        model[at] = (key.clone(), value.clone(), element.due);
                    } else {
                        let length = block.len_with(element);
                        block.push(element);
                        assert_eq!(block.bytes().len(), length);
                        model.push((key.clone(), value.clone(), element.due));
                    }
                }
                Step::Remove(at) if !model.is_empty() => {
                    let at = at % model.len();
                    block.remove(at);
                    block.trim();
                    model.remove(at);
                }
                Step::Remove(_) => {}
            }
            block.assert_invariants();
            let rows = block
                .iter()
                .map(|e| (e.key.to_vec(), e.value.to_vec(), e.due));
            assert_eq!(rows.collect::<Vec<_>>(), model);
            let next = model.iter().map(|row| row.2).min().unwrap_or(NEVER);
            assert_eq!(block.next_due(), next);
            let all: Vec<_> = block.iter().collect();
            assert_eq!(Packed::<SHORT>::of(&all).bytes(), block.bytes());
            block = Packed::open(block.into_bytes());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_block_of_pairs_follows_a_vector(steps in steps()) {
            follows_a_vector::<21>(steps, true);
        }

        #[test]
        fn a_block_of_keys_follows_a_vector(steps in steps()) {
            follows_a_vector::<1>(steps, false);
        }

        #[test]
        fn tags_match_alike_with_and_without_vectors(tags: [u8; 16], tag in 0..4_u8) {
            let few = tags.map(|byte| byte % 4);
            prop_assert_eq!(equal_tags(few, tag), equal_tags_one_by_one(few, tag));
        }
    }

    #[test]
    fn ten_short_pairs_cost_a_byte_each_and_two() {
        let mut block = Packed::<21>::default();
        for index in 0..10 {
            block.push(Element {
                key: format!("field {index:02}").as_bytes(),
                value: &[7; 16],
                due: NEVER,
            });
        }
        assert_eq!(block.bytes().len(), 2 + 10 * (1 + 8 + 16));
    }

    #[test]
    fn longer_pairs_cost_two_bytes_each_and_are_found_without_a_walk() {
        let mut block = Packed::<21>::default();
        for index in 0..10 {
            block.push(Element {
                key: format!("a longer field {index:02}").as_bytes(),
                value: &[7; 300],
                due: NEVER,
            });
        }
        assert_eq!(block.bytes().len(), 2 + 10 * (2 + 17 + 300));
        assert_eq!(block.codes().sum_before(9), Some(9 * 317));
    }
}
