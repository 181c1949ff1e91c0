//! `Packed`: a block of up to some hundred elements in one run of bytes, found by key.
//!
//! ```text
//! count  tags        codes      elements
//! u16    1 B each    1 B each   key value | key value | due? lengths key value | …
//!        above 16
//! ```
//!
//! An element is a key, a value, and maybe a deadline. Its code says both lengths when they are short; otherwise they are
//! written out before the key. How codes are shared between the two lengths is `SHORT`, the number of value lengths that
//! a code can say: with 1, for blocks without values, keys of up to 251 bytes are short; with 21, keys of up to 11 bytes
//! with values of up to 20.
//!
//! A look-up compares tags, sixteen at a time, then finds the element by adding up the codes before it, which is one pass
//! over contiguous bytes without a branch. Blocks of up to sixteen elements have no tags and are walked. Tags come from
//! the key alone, not from a seeded hash: whoever makes them collide gains a walk over one block.
//!
//! The bytes say all there is: opening a block is free. New elements go to the end; removing one closes the gap.
//! Cost: 1 byte per element up to sixteen, 2 above, 2 per block; a change moves the bytes behind it.

/// No deadline.
pub(crate) const NEVER: u64 = u64::MAX;

/// Bytes of the count.
pub(crate) const HEAD: usize = 2;
/// Blocks of up to so many elements have no tags.
const PLAIN: usize = 16;
/// Codes from here on: the lengths stand before the key.
const WRITTEN: u8 = 252;
/// A code whose lengths are written out.
const LONG: u8 = 254;
/// A code whose deadline and lengths are written out.
const TIMED: u8 = 255;
/// Blocks grow in steps of so many bytes: with 36 elements of 16 bytes, some 5 % are unused.
const STEP: usize = 64;

/// A longer block grows by no more than this beyond what it needs.
const MOST_SPARE: usize = 256;

/// Most bytes that a block spends on an element beside its key and value: tag, code, deadline and two lengths.
pub(crate) const MOST_OVERHEAD: usize = 2 + 8 + 2 * 5;
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

/// The tag of a key: a byte of all its bytes.
#[inline]
fn tag_of(key: &[u8]) -> u8 {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let (words, rest) = key.as_chunks::<8>();
    let mut mixed = key.len() as u64;
    for word in words {
        mixed = (mixed.rotate_left(23) ^ u64::from_le_bytes(*word)).wrapping_mul(MIX);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mixed = (mixed.rotate_left(23) ^ u64::from_le_bytes(last)).wrapping_mul(MIX);
    (mixed >> 56) as u8
}

/// One bit per tag that equals `tag`.
#[cfg(target_feature = "sse2")]
#[inline(always)]
fn equal_tags(tags: [u8; 16], tag: u8) -> u32 {
    use safe_arch::{cmp_eq_mask_i8_m128i, m128i, move_mask_i8_m128i};
    let mask = cmp_eq_mask_i8_m128i(m128i::from(tags), m128i::from([tag; 16]));
    move_mask_i8_m128i(mask) as u32
}

/// One bit per tag that equals `tag`.
#[cfg(any(test, not(target_feature = "sse2")))]
#[inline(always)]
fn equal_tags_one_by_one(tags: [u8; 16], tag: u8) -> u32 {
    let bits = tags.iter().enumerate();
    bits.fold(0, |mask, (at, &byte)| mask | u32::from(byte == tag) << at)
}

#[cfg(not(target_feature = "sse2"))]
use equal_tags_one_by_one as equal_tags;

/// Bytes of a length written out, seven bits each.
fn length_size(length: usize) -> usize {
    (length.max(1).ilog2() / 7 + 1) as usize
}

fn write_length(mut length: usize, out: &mut [u8]) -> usize {
    let mut at = 0;
    while length >= 128 {
        out[at] = length as u8 | 128;
        length >>= 7;
        at += 1;
    }
    out[at] = length as u8;
    at + 1
}

fn read_length(bytes: &[u8], at: &mut usize) -> usize {
    let (mut length, mut shift) = (0, 0);
    loop {
        let byte = bytes[*at];
        *at += 1;
        length |= usize::from(byte & 127) << shift;
        if byte < 128 {
            return length;
        }
        shift += 7;
    }
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
    pub(crate) fn len(&self) -> usize {
        match self.bytes.first_chunk::<HEAD>() {
            Some(head) => usize::from(u16::from_le_bytes(*head)),
            None => 0,
        }
    }

    fn tags(count: usize) -> usize {
        if count > PLAIN { count } else { 0 }
    }

    #[inline]
    fn codes(&self) -> &[u8] {
        let count = self.len();
        if count == 0 {
            return &[];
        }
        let at = HEAD + Self::tags(count);
        &self.bytes[at..at + count]
    }

    /// Where the first element starts.
    fn data(count: usize) -> usize {
        HEAD + Self::tags(count) + count
    }

    /// The code of an element.
    fn code(element: Element<'_>) -> u8 {
        let (key, value) = (element.key.len(), element.value.len());
        if element.due != NEVER {
            TIMED
        } else if value < SHORT && key < usize::from(WRITTEN) / SHORT {
            (key * SHORT + value) as u8
        } else {
            LONG
        }
    }

    /// Bytes that an element takes beside its tag and its code.
    fn size(element: Element<'_>) -> usize {
        let (key, value) = (element.key.len(), element.value.len());
        let lengths = || length_size(key) + length_size(value);
        key + value
            + match Self::code(element) {
                TIMED => 8 + lengths(),
                LONG => lengths(),
                _ => 0,
            }
    }

    /// Length of the block once this element is pushed.
    pub(crate) fn len_with(&self, element: Element<'_>) -> usize {
        let count = self.len();
        let data = self.bytes.len().saturating_sub(Self::data(count));
        Self::data(count + 1) + data + Self::size(element)
    }

    /// Length of the block once an element's key has another value and deadline.
    pub(crate) fn len_replaced(&self, index: usize, element: Element<'_>) -> usize {
        self.bytes.len() - Self::size(self.get(index)) + Self::size(element)
    }

    /// Where the parts of the element are that starts here.
    #[inline(always)]
    fn place(&self, code: u8, mut at: usize) -> Place {
        if code < WRITTEN {
            let code = usize::from(code);
            let (key, value) = (at, at + code / SHORT);
            return Place {
                key,
                value,
                end: value + code % SHORT,
                due: NEVER,
            };
        }
        let due = if code == TIMED {
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
        let data = Self::data(self.len());
        let before = &self.codes()[..index];
        let (mut sum, mut most) = (0_u32, 0);
        for &code in before {
            let (key, value) = (
                u32::from(code) / SHORT as u32,
                u32::from(code) % SHORT as u32,
            );
            sum += key + value;
            most = most.max(code);
        }
        if most < WRITTEN {
            return data + sum as usize;
        }
        before
            .iter()
            .fold(data, |at, &code| self.place(code, at).end)
    }

    /// The element of an index below the length.
    pub(crate) fn get(&self, index: usize) -> Element<'_> {
        self.element(&self.place(self.codes()[index], self.start(index)))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Element<'_>> {
        let mut at = Self::data(self.len());
        self.codes().iter().map(move |&code| {
            let place = self.place(code, at);
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

    /// The earliest deadline.
    pub(crate) fn next_due(&self) -> u64 {
        if !self.codes().contains(&TIMED) {
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

    fn set_len(&mut self, count: usize) {
        let count =
            u16::try_from(count).expect("a block is split long before it has 65,536 elements");
        self.bytes[..HEAD].copy_from_slice(&count.to_le_bytes());
    }

    /// Writes an element where there is room for it.
    fn write(&mut self, element: Element<'_>, mut at: usize) {
        let code = Self::code(element);
        if code == TIMED {
            self.bytes[at..at + 8].copy_from_slice(&element.due.to_le_bytes());
            at += 8;
        }
        if code >= WRITTEN {
            at += write_length(element.key.len(), &mut self.bytes[at..]);
            at += write_length(element.value.len(), &mut self.bytes[at..]);
        }
        self.bytes[at..at + element.key.len()].copy_from_slice(element.key);
        at += element.key.len();
        self.bytes[at..at + element.value.len()].copy_from_slice(element.value);
    }

    /// Adds an element whose key is not there.
    pub(crate) fn push(&mut self, element: Element<'_>) {
        let count = self.len();
        let (tags, tags_then) = (Self::tags(count), Self::tags(count + 1));
        let (codes, codes_then) = (HEAD + tags, HEAD + tags_then);
        let (data, data_then) = (codes + count, codes_then + count + 1);
        let length = self.len_with(element);
        let end = self.bytes.len().max(data);
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
        self.bytes[codes_then + count] = Self::code(element);
        self.set_len(count + 1);
        self.write(element, length - Self::size(element));
    }

    /// A block of these elements, whose keys differ.
    pub(crate) fn of(elements: &[Element<'_>]) -> Self {
        let count = elements.len();
        if count == 0 {
            return Packed::default();
        }
        let sizes = elements.iter().map(|&element| Self::size(element));
        let length = Self::data(count) + sizes.sum::<usize>();
        let mut block = Packed::default();
        block.lengthen(length);
        block.set_len(count);
        let codes = HEAD + Self::tags(count);
        let mut at = Self::data(count);
        for (index, &element) in elements.iter().enumerate() {
            if codes > HEAD {
                block.bytes[HEAD + index] = tag_of(element.key);
            }
            block.bytes[codes + index] = Self::code(element);
            block.write(element, at);
            at += Self::size(element);
        }
        block
    }

    /// Takes an element out.
    pub(crate) fn remove(&mut self, index: usize) {
        let count = self.len();
        if count == 1 {
            self.bytes.clear();
            return;
        }
        let start = self.start(index);
        let end = self.place(self.codes()[index], start).end;
        let (tags, tags_then) = (Self::tags(count), Self::tags(count - 1));
        let (codes, codes_then) = (HEAD + tags, HEAD + tags_then);
        let data_then = codes_then + count - 1;
        let mut to = codes_then;
        let mut pull = |bytes: &mut Vec<u8>, from: std::ops::Range<usize>| {
            let length = from.len();
            bytes.copy_within(from, to);
            to += length;
        };
        if tags_then > 0 {
            self.bytes
                .copy_within(HEAD + index + 1..codes, HEAD + index);
        }
        pull(&mut self.bytes, codes..codes + index);
        pull(&mut self.bytes, codes + index + 1..codes + count);
        pull(&mut self.bytes, codes + count..start);
        let length = self.bytes.len();
        pull(&mut self.bytes, end..length);
        debug_assert!(to >= data_then);
        self.bytes.truncate(to);
        self.set_len(count - 1);
    }

    /// Gives an element's key another value and deadline.
    pub(crate) fn replace(&mut self, index: usize, element: Element<'_>) {
        let start = self.start(index);
        let end = self.place(self.codes()[index], start).end;
        let end_then = start + Self::size(element);
        let length = self.bytes.len();
        let length_then = length - end + end_then;
        if length_then > length {
            self.lengthen(length_then);
        }
        self.bytes.copy_within(end..length, end_then);
        self.bytes.truncate(length_then);
        let codes = HEAD + Self::tags(self.len());
        self.bytes[codes + index] = Self::code(element);
        self.write(element, start);
    }

    /// Checks that the parts fill the block, and that tags and keys agree.
    #[cfg(test)]
    pub(crate) fn assert_invariants(&self) {
        let count = self.len();
        let Some(last) = count.checked_sub(1) else {
            assert!(self.bytes.is_empty());
            return;
        };
        let end = self.place(self.codes()[last], self.start(last)).end;
        assert_eq!(end, self.bytes.len());
        for (index, element) in self.iter().enumerate() {
            assert_eq!(self.find(element.key), Some(index));
            assert_eq!(self.get(index), element);
            assert_eq!(self.codes()[index], Self::code(element));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
                        block.replace(at, element);
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
}
