//! `Element`: one element in a run of elements that can be walked from both ends.
//!
//! A run is elements one behind the other. Each begins and ends with the same mark, so that its size is known from
//! either side; the one-byte elements are their own mark.
//!
//! ```text
//! bytes, up to 127      [len] bytes [len]                      2 bytes beside the element's own
//! bytes, up to 64 KiB   [FE] len:2 bytes len:2 [FE]            6
//! longer                [FF] len:4 bytes len:4 [FF]            10
//! 0 to 109              [90 + value]                           1 in all
//! other integers        [80 + width] value [80 + width]        width + 2 in all; zigzag, in as few bytes as it takes
//! ```
//!
//! The bytes of a canonical integer are kept as the integer, and nobody can tell. Every element has one coded form, so
//! equal elements are found by comparing codes.

use crate::bytes::Raw;
use crate::number::{MAX_I64_LEN, i64_len, parse_i64, write_i64};

/// Longest element whose length is its mark.
const SHORT: usize = 0x7F;
/// The mark of an integer of width zero, which does not occur.
const WIDTH: u8 = 0x80;
/// The mark of 0.
const SMALL: u8 = 0x90;
/// Integers that are their own mark.
const SMALL_INTS: i64 = (LONG - SMALL) as i64;
/// The mark of a length in two bytes.
const LONG: u8 = 0xFE;
/// The mark of a length in four bytes.
const HUGE: u8 = 0xFF;

/// An element on its way in or out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element<'a> {
    /// The canonical text of this integer.
    Int(i64),
    /// Bytes that are no such text.
    Bytes(&'a [u8]),
}

impl<'a> Element<'a> {
    /// The element with these bytes.
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        parse_i64(bytes).map_or(Element::Bytes(bytes), Element::Int)
    }

    /// The element that a value is.
    #[inline]
    pub(crate) fn of(raw: &'a Raw<'_>) -> Self {
        match raw {
            Raw::Int(int) => Element::Int(*int),
            Raw::Bytes(bytes) => Element::new(bytes),
            Raw::Text(text) => Element::new(text.as_bytes()),
            Raw::Owned(bytes) => Element::new(bytes),
        }
    }

    /// Reads the element whose code this is.
    #[inline]
    pub(crate) fn decode(code: &'a [u8]) -> Self {
        match code[0] {
            mark @ 0..WIDTH => Element::Bytes(&code[1..1 + usize::from(mark)]),
            mark @ SMALL..LONG => Element::Int(i64::from(mark - SMALL)),
            LONG => Element::Bytes(&code[3..code.len() - 3]),
            HUGE => Element::Bytes(&code[5..code.len() - 5]),
            mark => {
                let mut value = [0; 8];
                let width = usize::from(mark - WIDTH);
                value[..width].copy_from_slice(&code[1..1 + width]);
                let zigzag = u64::from_le_bytes(value);
                Element::Int((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
            }
        }
    }

    /// Runs `work` on the element's bytes.
    #[inline]
    pub(crate) fn with_bytes<R>(&self, work: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Element::Int(int) => work(write_i64(*int, &mut [0; MAX_I64_LEN])),
            Element::Bytes(bytes) => work(bytes),
        }
    }

    /// Bytes of the element as its owner knows it.
    pub(crate) fn len(&self) -> usize {
        match self {
            Element::Int(int) => i64_len(*int),
            Element::Bytes(bytes) => bytes.len(),
        }
    }

    /// Bytes of its code.
    #[inline]
    pub(crate) fn code_len(&self) -> usize {
        match self {
            Element::Int(0..SMALL_INTS) => 1,
            Element::Int(int) => width(zigzag(*int)) + 2,
            Element::Bytes(bytes) => bytes.len() + 2 * mark_len(bytes.len()),
        }
    }

    /// Writes its code, which fills `to`.
    #[inline]
    pub(crate) fn encode(&self, to: &mut [u8]) {
        match self {
            Element::Int(int @ 0..SMALL_INTS) => to[0] = SMALL + *int as u8,
            Element::Int(int) => {
                let zigzag = zigzag(*int);
                let width = width(zigzag);
                let mark = WIDTH + width as u8;
                to[0] = mark;
                to[1..=width].copy_from_slice(&zigzag.to_le_bytes()[..width]);
                to[width + 1] = mark;
            }
            Element::Bytes(bytes) => encode_bytes(bytes, to),
        }
    }

    /// Its code, on its own.
    pub(crate) fn to_code(self) -> Vec<u8> {
        let mut code = vec![0; self.code_len()];
        self.encode(&mut code);
        code
    }
}

fn encode_bytes(bytes: &[u8], to: &mut [u8]) {
    let (len, side) = (bytes.len(), mark_len(bytes.len()));
    let (head, rest) = to.split_at_mut(side);
    let (body, tail) = rest.split_at_mut(len);
    body.copy_from_slice(bytes);
    let mark = match side {
        1 => len as u8,
        3 => LONG,
        _ => HUGE,
    };
    head[0] = mark;
    tail[side - 1] = mark;
    if side > 1 {
        let len = &(len as u32).to_le_bytes()[..side - 1];
        head[1..].copy_from_slice(len);
        tail[..side - 1].copy_from_slice(len);
    }
}

/// Bytes of the mark and the length on one side of so many bytes.
fn mark_len(len: usize) -> usize {
    match len {
        0..=SHORT => 1,
        0x80..=0xFFFF => 3,
        _ => 5,
    }
}

fn zigzag(int: i64) -> u64 {
    (int << 1 ^ int >> 63) as u64
}

/// Bytes that a number takes, at least one.
fn width(zigzag: u64) -> usize {
    (64 - (zigzag | 1).leading_zeros() as usize).div_ceil(8)
}

fn read_len(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rev()
        .fold(0, |len, byte| len << 8 | usize::from(*byte))
}

/// The size of a code by its mark; `None` if the length stands apart.
#[inline]
fn marked_len(mark: u8) -> Option<usize> {
    match mark {
        0..WIDTH => Some(usize::from(mark) + 2),
        WIDTH..SMALL => Some(usize::from(mark - WIDTH) + 2),
        SMALL..LONG => Some(1),
        LONG | HUGE => None,
    }
}

/// The size of the first code of a run.
#[inline]
pub(crate) fn first_len(run: &[u8]) -> usize {
    marked_len(run[0]).unwrap_or_else(|| match run[0] {
        LONG => read_len(&run[1..3]) + 6,
        _ => read_len(&run[1..5]) + 10,
    })
}

/// The size of the last code of a run.
#[inline]
pub(crate) fn last_len(run: &[u8]) -> usize {
    let end = run.len() - 1;
    marked_len(run[end]).unwrap_or_else(|| match run[end] {
        LONG => read_len(&run[end - 2..end]) + 6,
        _ => read_len(&run[end - 4..end]) + 10,
    })
}

/// Where the element with this index begins, in a run of `count` elements; its end if there are no more.
#[inline]
pub(crate) fn offset_of(run: &[u8], count: usize, index: usize) -> usize {
    if index <= count / 2 {
        (0..index).fold(0, |at, _| at + first_len(&run[at..]))
    } else {
        (index..count).fold(run.len(), |end, _| end - last_len(&run[..end]))
    }
}

/// The codes of a run, from either end.
#[derive(Clone)]
pub(crate) struct Codes<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Codes<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let (first, rest) = self.0.split_at(first_len(self.0));
        self.0 = rest;
        Some(first)
    }
}

impl DoubleEndedIterator for Codes<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let (rest, last) = self.0.split_at(self.0.len() - last_len(self.0));
        self.0 = rest;
        Some(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            any::<i64>().prop_map(|int| int.to_string().into_bytes()),
            (-200..200_i64).prop_map(|int| int.to_string().into_bytes()),
            prop::collection::vec(any::<u8>(), 0..4),
            (
                prop::sample::select(vec![126, 127, 128, 65535, 65536]),
                any::<u8>()
            )
                .prop_map(|(len, byte)| vec![byte; len]),
        ]
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back_from_both_ends(
            texts in prop::collection::vec(text(), 1..20),
        ) {
            let mut run = Vec::new();
            for text in &texts {
                let code = Element::new(text).to_code();
                prop_assert_eq!(Element::decode(&code), Element::new(text));
                prop_assert_eq!(Element::new(text).len(), text.len());
                run.extend(code);
            }
            let read = |code| Element::decode(code).with_bytes(<[u8]>::to_vec);
            prop_assert_eq!(&Codes(&run).map(read).collect::<Vec<_>>(), &texts);
            let mut back: Vec<_> = Codes(&run).rev().map(read).collect();
            back.reverse();
            prop_assert_eq!(&back, &texts);
            for (index, text) in texts.iter().enumerate() {
                let at = offset_of(&run, texts.len(), index);
                let code = Codes(&run[at..]).next().expect("an element begins here");
                prop_assert_eq!(&read(code), text);
            }
        }
    }

    #[test]
    fn small_integers_take_one_byte_and_others_as_few_as_it_takes() {
        let len = |text: &str| Element::new(text.as_bytes()).code_len();
        let sizes = ["0", "109", "110", "-1", "1000", "01", "9223372036854775807"].map(len);
        assert_eq!(sizes, [1, 1, 3, 3, 4, 4, 10]);
    }
}
