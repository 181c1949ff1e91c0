//! `Record`: one key and its value as words of the arena.
//!
//! ```text
//! byte  0      1        2..4       4..8        8..   then
//!       flags  key len  value len  deadline    key   value
//! ```
//!
//! * Flags: two bits of [`Kind`] (never zero in a live record), one of probation, one that says that the deadline takes
//!   the eight bytes before the key instead, three of the value's [`KeyType`], one that says that some of its elements
//!   have deadlines of their own. A deadline is in milliseconds since the clock's origin, zero for none; 32 bits of it
//!   last for 49 days.
//! * A key of more than [`MAX_KEY`] bytes has length 255 and stands outside with its value; a value of more than
//!   [`MAX_INLINE`] bytes stands outside alone. What is outside is named by 8 bytes in the value's place.
//! * An integer takes 8 bytes, so that it can be counted up in place.
//! * The key starts on a word, so that it is compared word by word.
//!
//! Everything is read and written as relaxed words: a reader without the lock may see a record that is being
//! rewritten, so nothing here trusts a length, and the table's version tells whether what was read was whole.
//!
//! Cost: a 16-byte key is compared with two loads, a 32-byte value copied with four.

use crate::ds::arena::MAX_WORDS;
use crate::ds::word_bytes::{copy, equal, patch, patch_word};
use crate::key::KeyType;
use crate::sync::{AtomicU64, Ordering};
use crate::time::Millis;

/// Longest key that stands in its record.
pub(crate) const MAX_KEY: usize = 254;
/// Longest value that stands in its record: with the longest key and header it fits the largest class.
pub(crate) const MAX_INLINE: usize = MAX_WORDS * 8 - MAX_KEY - 16;
const LONG_KEY: u8 = 255;
const YOUNG: u64 = 1 << 2;
const FAR: u64 = 1 << 3;
const TYPE_SHIFT: u32 = 4;
const TYPE: u64 = 7 << TYPE_SHIFT;
const TIMED: u64 = 1 << 7;

/// What a record's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Bytes in the record: a string, or the packed form of another type.
    Bytes,
    /// A 64-bit integer in the record.
    Int,
    /// The number of something outside.
    Outside,
}

/// What a record is to hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content<'a> {
    Bytes(&'a [u8]),
    Int(i64),
    Outside(u32),
}

/// A record's first word, decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head(u64);

impl Head {
    #[inline(always)]
    pub(crate) fn load(words: &[AtomicU64]) -> Self {
        Head(words.first().map_or(0, |word| word.load(Ordering::Relaxed)))
    }

    /// `None` in a slot that is free.
    #[inline(always)]
    pub(crate) fn kind(self) -> Option<Kind> {
        match self.0 & 3 {
            1 => Some(Kind::Bytes),
            2 => Some(Kind::Int),
            3 => Some(Kind::Outside),
            _ => None,
        }
    }

    #[inline(always)]
    fn key_len(self) -> usize {
        (self.0 >> 8) as usize & 0xff
    }

    /// Whether the record is a string of bytes without a deadline, all in it.
    #[inline(always)]
    pub(crate) fn is_plain(self) -> bool {
        self.0 & (3 | FAR | TYPE) == 1 && self.0 >> 32 == 0
    }

    /// Where the value starts in a record for which [`Self::is_plain`] holds, and whose key is this one.
    #[inline(always)]
    pub(crate) fn plain_value_at(key: &[u8]) -> usize {
        8 + key.len()
    }

    /// The type of the value.
    #[inline(always)]
    pub(crate) fn key_type(self) -> KeyType {
        KeyType::of_bits((self.0 >> TYPE_SHIFT & 7) as u8)
    }

    /// Whether some elements have deadlines of their own.
    pub(crate) fn is_timed(self) -> bool {
        self.0 & TIMED != 0
    }

    /// Notes whether some elements have deadlines of their own. Readers must be kept off.
    pub(crate) fn set_timed(words: &[AtomicU64], timed: bool) {
        let word = words[0].load(Ordering::Relaxed) & !TIMED;
        words[0].store(word | if timed { TIMED } else { 0 }, Ordering::Relaxed);
    }

    /// Whether the key stands outside.
    pub(crate) fn has_long_key(self) -> bool {
        self.key_len() == usize::from(LONG_KEY)
    }

    /// Bytes of the value as it stands in the record.
    #[inline(always)]
    pub(crate) fn value_len(self) -> usize {
        (self.0 >> 16) as usize & 0xffff
    }

    /// The word at which the key starts.
    #[inline(always)]
    fn key_word(self) -> usize {
        1 + (self.0 & FAR != 0) as usize
    }

    pub(crate) fn is_young(self) -> bool {
        self.kind().is_some() && self.0 & YOUNG != 0
    }

    #[inline(always)]
    pub(crate) fn value_at(self) -> usize {
        self.key_word() * 8
            + if self.has_long_key() {
                0
            } else {
                self.key_len()
            }
    }

    /// Words that the record takes.
    pub(crate) fn words(self) -> usize {
        (self.value_at() + self.value_len()).div_ceil(8)
    }

    /// The deadline, if the record has one.
    #[inline(always)]
    pub(crate) fn deadline(self, words: &[AtomicU64]) -> Option<Millis> {
        let near = self.0 >> 32;
        if self.0 & FAR != 0 {
            return words.get(1).map(|word| word.load(Ordering::Relaxed));
        }
        (near != 0).then_some(near)
    }

    /// Whether the record's key, standing in it, is `key`.
    #[inline(always)]
    pub(crate) fn has_key(self, words: &[AtomicU64], key: &[u8]) -> bool {
        self.key_len() == key.len() && self.0 & 3 != 0 && equal(words, self.key_word(), key)
    }

    /// Copies the key, which must stand in the record.
    pub(crate) fn key<'a>(self, words: &[AtomicU64], buffer: &'a mut [u8; 256]) -> &'a [u8] {
        let len = self.key_len().min(MAX_KEY);
        copy(words, self.key_word() * 8, &mut buffer[..len]);
        &buffer[..len]
    }

    /// The integer, or the number of what is outside.
    #[inline]
    pub(crate) fn number(self, words: &[AtomicU64]) -> u64 {
        // As `copy` does it, without the loop.
        let (first, shift) = (self.value_at() / 8, (self.value_at() % 8 * 8) as u32);
        let word = |at: usize| {
            let word: Option<&AtomicU64> = words.get(at);
            word.map_or(0, |word| word.load(Ordering::Relaxed))
        };
        match shift {
            0 => word(first),
            _ => word(first) >> shift | word(first + 1) << (64 - shift),
        }
    }

    /// Whether the deadline can be changed to this one without moving what follows.
    #[inline]
    pub(crate) fn can_redate(self, deadline: Option<Millis>) -> bool {
        (self.0 & FAR != 0) == deadline.is_some_and(|at| at > u64::from(u32::MAX))
    }

    /// Changes the deadline, where [`Self::can_redate`] said so. Readers must be kept off.
    pub(crate) fn redate(words: &[AtomicU64], deadline: Option<Millis>) {
        let (word, at) = (words[0].load(Ordering::Relaxed), deadline.unwrap_or(0));
        if word & FAR != 0 {
            words[1].store(at, Ordering::Relaxed);
            return;
        }
        let near = deadline.map_or(0, |at| at.max(1)) << 32;
        words[0].store(word & u64::from(u32::MAX) | near, Ordering::Relaxed);
    }

    /// Changes the length of the value, which ends the record. Readers must be kept off.
    pub(crate) fn set_value_len(words: &[AtomicU64], len: usize) {
        let word = words[0].load(Ordering::Relaxed) & !(0xffff << 16);
        words[0].store(word | (len as u64) << 16, Ordering::Relaxed);
    }

    pub(crate) fn set_young(words: &[AtomicU64], young: bool) {
        let word = words[0].load(Ordering::Relaxed) & !YOUNG;
        words[0].store(word | if young { YOUNG } else { 0 }, Ordering::Relaxed);
    }
}

/// A record to be written.
pub(crate) struct Draft<'a> {
    /// Empty where the key stands outside.
    pub(crate) key: &'a [u8],
    pub(crate) long_key: bool,
    pub(crate) content: Content<'a>,
    pub(crate) key_type: KeyType,
    pub(crate) deadline: Option<Millis>,
}

impl Draft<'_> {
    #[inline]
    fn value_len(&self) -> usize {
        match self.content {
            Content::Bytes(bytes) => bytes.len(),
            Content::Int(_) | Content::Outside(_) => 8,
        }
    }

    #[inline]
    fn head(&self) -> Head {
        let kind = match self.content {
            Content::Bytes(_) => 1,
            Content::Int(_) => 2,
            Content::Outside(_) => 3,
        };
        let deadline = match self.deadline {
            None => 0,
            // Zero stands for none; a millisecond later does no harm.
            Some(at) if at <= u64::from(u32::MAX) => at.max(1) << 32,
            Some(_) => FAR,
        };
        let key_len = if self.long_key {
            u64::from(LONG_KEY)
        } else {
            self.key.len() as u64
        };
        let key_type = (self.key_type as u64) << TYPE_SHIFT;
        Head(kind | key_type | deadline | key_len << 8 | (self.value_len() as u64) << 16)
    }

    /// Words that the record will take.
    pub(crate) fn words(&self) -> usize {
        self.head().words()
    }

    /// Writes the record. Readers must be kept off, or not know it yet.
    #[inline]
    pub(crate) fn write(&self, words: &[AtomicU64]) {
        let head = self.head();
        words[0].store(head.0, Ordering::Relaxed);
        if let (Some(at), 2) = (self.deadline, head.key_word()) {
            words[1].store(at, Ordering::Relaxed);
        }
        let mut writer = Writer {
            words,
            next: head.key_word(),
            word: 0,
            filled: 0,
        };
        writer.put(self.key);
        match self.content {
            Content::Bytes(bytes) => writer.put(bytes),
            Content::Int(value) => writer.put(&value.to_le_bytes()),
            Content::Outside(number) => writer.put(&u64::from(number).to_le_bytes()),
        }
        writer.finish();
    }
}

/// What is written over a record whose key stays where it is.
pub(crate) struct Overlay<'a> {
    head: Head,
    deadline: Option<Millis>,
    content: Content<'a>,
}

impl<'a> Overlay<'a> {
    /// What turns the record with this head into one of this content; `None` if something stands outside, or the deadline
    /// takes other room.
    #[inline(always)]
    pub(crate) fn new(
        old: Head,
        content: Content<'a>,
        key_type: KeyType,
        deadline: Option<Millis>,
    ) -> Option<Self> {
        let (kind, len) = match content {
            Content::Bytes(bytes) => (1, bytes.len()),
            Content::Int(_) => (2, 8),
            Content::Outside(_) => return None,
        };
        if old.0 & 3 == 3 || !old.can_redate(deadline) {
            return None;
        }
        let kept = old.0 & (YOUNG | FAR | 0xff << 8);
        let near = match deadline {
            Some(at) if old.0 & FAR == 0 => at.max(1) << 32,
            _ => 0,
        };
        let key_type = (key_type as u64) << TYPE_SHIFT;
        Some(Overlay {
            head: Head(kept | kind | key_type | (len as u64) << 16 | near),
            deadline,
            content,
        })
    }

    #[inline(always)]
    pub(crate) fn head(&self) -> Head {
        self.head
    }

    /// Writes it. Readers must be kept off.
    #[inline(always)]
    pub(crate) fn write(&self, words: &[AtomicU64]) {
        words[0].store(self.head.0, Ordering::Relaxed);
        if let (Some(at), 2) = (self.deadline, self.head.key_word()) {
            words[1].store(at, Ordering::Relaxed);
        }
        let at = self.head.value_at();
        match self.content {
            Content::Bytes(bytes) => patch(words, at, bytes),
            Content::Int(value) => patch_word(words, at, value as u64),
            Content::Outside(_) => {}
        }
    }
}

/// Appends bytes to words.
struct Writer<'a> {
    words: &'a [AtomicU64],
    next: usize,
    word: u64,
    /// Bytes in `word`, less than 8.
    filled: usize,
}

impl Writer<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let shift = (self.filled * 8) as u32;
        let (chunks, rest) = bytes.as_chunks::<8>();
        if shift == 0 {
            let end = self.next + chunks.len();
            for (word, chunk) in self.words[self.next..end].iter().zip(chunks) {
                word.store(u64::from_le_bytes(*chunk), Ordering::Relaxed);
            }
            self.next = end;
        } else {
            for chunk in chunks {
                let word = u64::from_le_bytes(*chunk);
                self.store(self.word | word << shift);
                self.word = word >> (64 - shift);
            }
        }
        for &byte in rest {
            self.word |= u64::from(byte) << (8 * self.filled);
            self.filled += 1;
            if self.filled == 8 {
                self.store(self.word);
                (self.word, self.filled) = (0, 0);
            }
        }
    }

    fn store(&mut self, word: u64) {
        self.words[self.next].store(word, Ordering::Relaxed);
        self.next += 1;
    }

    fn finish(mut self) {
        if self.filled > 0 {
            self.store(self.word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words() -> Vec<AtomicU64> {
        (0..MAX_WORDS + 2)
            .map(|_| AtomicU64::new(u64::MAX))
            .collect()
    }

    proptest! {
        #[test]
        fn a_record_gives_back_what_was_written(
            key in prop::collection::vec(any::<u8>(), 0..=MAX_KEY),
            value in prop::collection::vec(any::<u8>(), 0..=MAX_INLINE),
            number: i64,
            kind in 0..3u8,
            key_type in 0..5u8,
            deadline in prop_oneof![Just(None), (1..1u64 << 33).prop_map(Some)],
            young: bool,
            timed: bool,
        ) {
            let words = words();
            let content = match kind {
                0 => Content::Bytes(&value),
                1 => Content::Int(number),
                _ => Content::Outside(number as u32),
            };
            let draft = Draft { key: &key, long_key: false, content, key_type: KeyType::of_bits(key_type), deadline };
            draft.write(&words);
            Head::set_young(&words, young);
            Head::set_timed(&words, timed);
            let head = Head::load(&words);
            prop_assert_eq!(head.words(), draft.words());
            prop_assert!(head.words() <= MAX_WORDS);
            prop_assert_eq!(words[head.words()].load(Ordering::Relaxed), u64::MAX);
            prop_assert_eq!(head.deadline(&words), deadline);
            prop_assert_eq!(head.is_young(), young);
            prop_assert_eq!(head.is_timed(), timed);
            prop_assert_eq!(head.key_type(), draft.key_type);
            prop_assert!(head.has_key(&words, &key));
            let mut other = key.clone();
            if let Some(last) = other.last_mut() {
                *last ^= 1;
                prop_assert!(!head.has_key(&words, &other));
            }
            let mut buffer = [0; 256];
            prop_assert_eq!(head.key(&words, &mut buffer), &key[..]);
            match kind {
                0 => {
                    let mut out = vec![0; head.value_len()];
                    copy(&words, head.value_at(), &mut out);
                    prop_assert_eq!(out, value);
                }
                1 => prop_assert_eq!(head.number(&words) as i64, number),
                _ => prop_assert_eq!(head.number(&words), u64::from(number as u32)),
            }
        }

        #[test]
        fn what_is_written_over_a_record_is_as_if_it_had_been_written_at_first(
            key in prop::collection::vec(any::<u8>(), 0..=40),
            values in [prop::collection::vec(any::<u8>(), 0..=100), prop::collection::vec(any::<u8>(), 0..=100)],
            numbers: [i64; 2],
            kinds in [0..3u8, 0..3u8],
            key_types in [0..5u8, 0..5u8],
            deadlines in [0..3u64, 0..3u64],
            young: bool,
        ) {
            // None, one that fits the head, one that does not.
            let deadlines = deadlines.map(|far| far.checked_sub(1).map(|far| 7 + (far << 33)));
            let content = |nth: usize| match kinds[nth] {
                0 => Content::Bytes(&values[nth]),
                1 => Content::Int(numbers[nth]),
                _ => Content::Outside(numbers[nth] as u32),
            };
            let draft = |nth: usize| Draft {
                key: &key,
                long_key: false,
                content: content(nth),
                key_type: KeyType::of_bits(key_types[nth]),
                deadline: deadlines[nth],
            };
            let (words, fresh) = (words(), words());
            draft(0).write(&words);
            Head::set_young(&words, young);
            draft(1).write(&fresh);
            Head::set_young(&fresh, young);
            let old = Head::load(&words);
            let overlay = Overlay::new(old, content(1), KeyType::of_bits(key_types[1]), deadlines[1]);
            let is_far = |nth: usize| deadlines[nth] > Some(u64::from(u32::MAX));
            prop_assert_eq!(overlay.is_some(), kinds[0] < 2 && kinds[1] < 2 && is_far(0) == is_far(1));
            if let Some(overlay) = overlay {
                overlay.write(&words);
                let (over, head) = (Head::load(&words), Head::load(&fresh));
                prop_assert_eq!(over, head);
                prop_assert_eq!(over.deadline(&words), deadlines[1]);
                prop_assert!(over.has_key(&words, &key));
                let value = |words: &[AtomicU64]| {
                    let mut out = vec![0; head.value_len()];
                    copy(words, head.value_at(), &mut out);
                    out
                };
                prop_assert_eq!(value(&words), value(&fresh));
            }
        }
    }
}
