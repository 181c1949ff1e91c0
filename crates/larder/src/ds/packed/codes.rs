//! `Codes`: how long the parts of a block's elements are.
//!
//! ```text
//! narrow   u8     0..252    key length * SHORT + value length           254 written out   255 with a deadline
//! wide     u16    0..65024  key length * WIDE_SHORT + value length      65534             65535
//! ```
//!
//! A block has narrow codes as long as they can say the lengths of all its elements without a deadline, and wide ones from
//! there on: so the place of an element is a sum of codes, and not a walk through the elements before it.

use super::{Element, NEVER};

/// Narrow codes from here on: the lengths stand before the key.
const WRITTEN: u8 = 252;
const LONG: u8 = 254;
const TIMED: u8 = 255;
/// Wide codes from here on likewise.
const WIDE_WRITTEN: u16 = 65024;
const WIDE_LONG: u16 = 65534;
const WIDE_TIMED: u16 = 65535;

/// How long an element's parts are, or where that is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Short {
        key: usize,
        value: usize,
    },
    /// The lengths are written out.
    Long,
    /// A deadline is written out, then the lengths.
    Timed,
}

/// How wide the codes of a block are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Narrow,
    Wide,
}

impl Width {
    /// Bytes of a code.
    #[inline(always)]
    pub(super) fn bytes(self) -> usize {
        match self {
            Width::Narrow => 1,
            Width::Wide => 2,
        }
    }
}

/// The codes of a block; see the module's text.
#[derive(Clone, Copy)]
pub(super) struct Codes<'a, const SHORT: usize> {
    pub(super) width: Width,
    pub(super) bytes: &'a [u8],
}

impl<const SHORT: usize> Codes<'_, SHORT> {
    /// Value lengths that a wide code can say: with values, 511 of them beside 126 of keys.
    const WIDE_SHORT: usize = if SHORT == 1 { 1 } else { 512 };

    /// The code of an element.
    pub(super) fn of(element: Element<'_>, width: Width) -> Code {
        let (key, value) = (element.key.len(), element.value.len());
        let (short, written) = match width {
            Width::Narrow => (SHORT, usize::from(WRITTEN)),
            Width::Wide => (Self::WIDE_SHORT, usize::from(WIDE_WRITTEN)),
        };
        if element.due != NEVER {
            Code::Timed
        } else if value < short && key < written / short {
            Code::Short { key, value }
        } else {
            Code::Long
        }
    }

    /// Whether a narrow code would not say these lengths.
    fn is_broad(code: Code) -> bool {
        match code {
            Code::Timed => false,
            Code::Long => true,
            Code::Short { key, value } => value >= SHORT || key >= usize::from(WRITTEN) / SHORT,
        }
    }

    /// The width of the codes that an element wants.
    pub(super) fn width_for(element: Element<'_>) -> Width {
        match Self::of(element, Width::Narrow) {
            Code::Long => Width::Wide,
            _ => Width::Narrow,
        }
    }

    /// The width that the block would need without the element of an index.
    pub(super) fn width_without(self, index: usize) -> Width {
        if self.width == Width::Narrow {
            return Width::Narrow;
        }
        let count = self.bytes.len() / 2;
        let others = (0..count).filter(|other| *other != index);
        match others.map(|other| self.get(other)).any(Self::is_broad) {
            true => Width::Wide,
            false => Width::Narrow,
        }
    }

    /// Writes a code of this width at the start of `to`.
    #[inline]
    pub(super) fn write(code: Code, width: Width, to: &mut [u8]) {
        match width {
            Width::Narrow => {
                to[0] = match code {
                    Code::Short { key, value } => (key * SHORT + value) as u8,
                    Code::Long => LONG,
                    Code::Timed => TIMED,
                }
            }
            Width::Wide => {
                let raw = match code {
                    Code::Short { key, value } => (key * Self::WIDE_SHORT + value) as u16,
                    Code::Long => WIDE_LONG,
                    Code::Timed => WIDE_TIMED,
                };
                to[..2].copy_from_slice(&raw.to_le_bytes());
            }
        }
    }

    #[inline(always)]
    pub(super) fn get(self, index: usize) -> Code {
        match self.width {
            Width::Narrow => match self.bytes[index] {
                TIMED => Code::Timed,
                LONG => Code::Long,
                raw => Code::Short {
                    key: usize::from(raw) / SHORT,
                    value: usize::from(raw) % SHORT,
                },
            },
            Width::Wide => {
                match u16::from_le_bytes([self.bytes[2 * index], self.bytes[2 * index + 1]]) {
                    WIDE_TIMED => Code::Timed,
                    WIDE_LONG => Code::Long,
                    raw => Code::Short {
                        key: usize::from(raw) / Self::WIDE_SHORT,
                        value: usize::from(raw) % Self::WIDE_SHORT,
                    },
                }
            }
        }
    }

    /// Bytes of the elements before one; `None` if some of their lengths are written out.
    #[inline]
    pub(super) fn sum_before(self, index: usize) -> Option<usize> {
        let (mut sum, mut most) = (0_u32, 0);
        match self.width {
            Width::Narrow => {
                for &code in &self.bytes[..index] {
                    let code = u32::from(code);
                    sum += code / SHORT as u32 + code % SHORT as u32;
                    most = most.max(code);
                }
                (most < u32::from(WRITTEN)).then_some(sum as usize)
            }
            Width::Wide => {
                let (codes, _) = self.bytes[..2 * index].as_chunks::<2>();
                for &code in codes {
                    let code = u32::from(u16::from_le_bytes(code));
                    sum += code / Self::WIDE_SHORT as u32 + code % Self::WIDE_SHORT as u32;
                    most = most.max(code);
                }
                (most < u32::from(WIDE_WRITTEN)).then_some(sum as usize)
            }
        }
    }

    /// Whether some elements have deadlines.
    #[inline]
    pub(super) fn is_timed(self) -> bool {
        match self.width {
            Width::Narrow => self.bytes.contains(&TIMED),
            Width::Wide => {
                let (codes, _) = self.bytes.as_chunks::<2>();
                codes.contains(&WIDE_TIMED.to_le_bytes())
            }
        }
    }
}

/// Bytes of a length written out, seven bits each.
pub(super) fn length_size(length: usize) -> usize {
    (length.max(1).ilog2() / 7 + 1) as usize
}

pub(super) fn write_length(mut length: usize, out: &mut [u8]) -> usize {
    let mut at = 0;
    while length >= 128 {
        out[at] = length as u8 | 128;
        length >>= 7;
        at += 1;
    }
    out[at] = length as u8;
    at + 1
}

pub(super) fn read_length(bytes: &[u8], at: &mut usize) -> usize {
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
