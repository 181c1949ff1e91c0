//! Bytes in words: compared, copied and overwritten a word at a time, from any offset on.
//!
//! Everything is read and written as relaxed words, which a reader without the lock may look at meanwhile: so no length is
//! trusted, and what does not fit is left out.

use crate::sync::{AtomicU64, Ordering};

/// Up to 8 bytes as a word. Two loads that overlap take the place of a copy.
#[inline(always)]
fn short_word(bytes: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return u64::from(first) | u64::from(last) << (8 * (bytes.len() - 4));
    }
    let byte = |at: usize| u64::from(*bytes.get(at).unwrap_or(&0)) << (8 * at);
    byte(0) | byte(1) | byte(2)
}

/// Whether the bytes from a word on are `wanted`.
#[inline(always)]
pub(crate) fn equal(words: &[AtomicU64], first: usize, wanted: &[u8]) -> bool {
    let (chunks, rest) = wanted.as_chunks::<8>();
    let Some(words) = words.get(first..first + wanted.len().div_ceil(8)) else {
        return false;
    };
    let whole = words
        .iter()
        .zip(chunks)
        .all(|(word, chunk)| word.load(Ordering::Relaxed) == u64::from_le_bytes(*chunk));
    if rest.is_empty() || !whole {
        return whole;
    }
    let mask = (1u64 << (8 * rest.len())) - 1;
    words
        .last()
        .is_some_and(|word| word.load(Ordering::Relaxed) & mask == short_word(rest))
}

/// Hands out the words that hold `len` bytes from an offset on, shifted so that the bytes start with the first.
#[inline(always)]
fn each_word(words: &[AtomicU64], at: usize, len: usize, mut take: impl FnMut([u8; 8])) {
    let (first, shift) = (at / 8, (at % 8 * 8) as u32);
    let count = len.div_ceil(8);
    let Some(words) = words.get(first..) else {
        return;
    };
    if shift == 0 {
        for word in words.iter().take(count) {
            take(word.load(Ordering::Relaxed).to_le_bytes());
        }
        return;
    }
    let whole = count.min(words.len().saturating_sub(1));
    for (low, high) in words[..whole]
        .iter()
        .zip(words.get(1..).unwrap_or_default())
    {
        let (low, high) = (low.load(Ordering::Relaxed), high.load(Ordering::Relaxed));
        take((low >> shift | high << (64 - shift)).to_le_bytes());
    }
    // The last bytes may end with the page.
    if whole < count
        && let Some(low) = words.get(whole)
    {
        take((low.load(Ordering::Relaxed) >> shift).to_le_bytes());
    }
}

/// Copies bytes from an offset on.
pub(crate) fn copy(words: &[AtomicU64], at: usize, out: &mut [u8]) {
    let mut next = 0;
    each_word(words, at, out.len(), |bytes| {
        let end = out.len().min(next + 8);
        out[next..end].copy_from_slice(&bytes[..end - next]);
        next = end;
    });
}

/// Replaces what `out` holds by `len` bytes from an offset on.
#[inline(always)]
pub(crate) fn copy_to_vec(words: &[AtomicU64], at: usize, len: usize, out: &mut Vec<u8>) {
    let full = len.next_multiple_of(8);
    // A buffer that held a value of the same size needs no filling.
    if out.len() != full {
        out.resize(full, 0);
    }
    copy_chunks(words, at, len, out.as_chunks_mut().0);
    out.truncate(len);
}

/// Puts `len` bytes from an offset on behind the first `kept` of `out`, which may grow beyond them.
#[inline(always)]
pub(crate) fn copy_behind(
    words: &[AtomicU64],
    at: usize,
    len: usize,
    out: &mut Vec<u8>,
    kept: usize,
) {
    let full = kept + len.next_multiple_of(8);
    // What is filled once serves the values to come as well.
    if out.len() < full {
        out.resize(full.next_power_of_two(), 0);
    }
    copy_chunks(words, at, len, out[kept..full].as_chunks_mut().0);
}

/// Copies `len` bytes from an offset on to whole chunks.
#[inline(always)]
fn copy_chunks(words: &[AtomicU64], at: usize, len: usize, chunks: &mut [[u8; 8]]) {
    if at.is_multiple_of(8) {
        copy_words(words.get(at / 8..).unwrap_or_default(), chunks);
        return;
    }
    let mut chunks = chunks.iter_mut();
    each_word(words, at, len, |bytes| {
        if let Some(chunk) = chunks.next() {
            *chunk = bytes;
        }
    });
}

/// Copies words.
#[inline(always)]
fn copy_words(words: &[AtomicU64], out: &mut [[u8; 8]]) {
    for (word, out) in words.iter().zip(out) {
        *out = word.load(Ordering::Relaxed).to_le_bytes();
    }
}

/// Overwrites bytes from an offset on; the others stay.
#[inline]
pub(crate) fn patch(words: &[AtomicU64], at: usize, bytes: &[u8]) {
    let (mut next, shift) = (at / 8, (at % 8 * 8) as u32);
    let (chunks, rest) = bytes.as_chunks::<8>();
    // What is kept before the bytes, and then what the last word had no room for.
    let mut carry = match shift {
        0 => 0,
        _ => words[next].load(Ordering::Relaxed) & below(shift),
    };
    for chunk in chunks {
        let chunk = u64::from_le_bytes(*chunk);
        words[next].store(carry | chunk << shift, Ordering::Relaxed);
        carry = chunk >> 1 >> (63 - shift);
        next += 1;
    }
    let mut bits = shift + 8 * rest.len() as u32;
    let rest = short_word(rest);
    if bits > 64 {
        words[next].store(carry | rest << shift, Ordering::Relaxed);
        carry = rest >> (64 - shift);
        bits -= 64;
        next += 1;
    } else {
        carry |= rest << shift;
    }
    if bits > 0 {
        let kept = words[next].load(Ordering::Relaxed) & !below(bits);
        words[next].store(kept | carry, Ordering::Relaxed);
    }
}

/// [`patch`] of eight bytes.
#[inline(always)]
pub(crate) fn patch_word(words: &[AtomicU64], at: usize, word: u64) {
    let (first, shift) = (at / 8, (at % 8 * 8) as u32);
    if shift == 0 {
        words[first].store(word, Ordering::Relaxed);
        return;
    }
    let kept = words[first].load(Ordering::Relaxed) & below(shift);
    words[first].store(kept | word << shift, Ordering::Relaxed);
    let kept = words[first + 1].load(Ordering::Relaxed) & !below(shift);
    words[first + 1].store(kept | word >> (64 - shift), Ordering::Relaxed);
}

/// The lowest bits of a word, up to all.
#[inline(always)]
fn below(bits: u32) -> u64 {
    1_u64.checked_shl(bits).map_or(u64::MAX, |bit| bit - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_word_is_put_as_its_bytes_are(at in 0..100usize, word: u64, before: u64) {
            let words = || -> Vec<_> { (0..20).map(|_| AtomicU64::new(before)).collect() };
            let (one, other) = (words(), words());
            patch_word(&one, at, word);
            patch(&other, at, &word.to_le_bytes());
            for (one, other) in one.iter().zip(&other) {
                prop_assert_eq!(one.load(Ordering::Relaxed), other.load(Ordering::Relaxed));
            }
        }

        #[test]
        fn a_patch_changes_its_bytes_only(at in 0..100usize, bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let words: Vec<_> = (0..50).map(|_| AtomicU64::new(u64::MAX)).collect();
            patch(&words, at, &bytes);
            let mut out = vec![0; 200];
            copy(&words, 0, &mut out);
            for (index, &byte) in out.iter().enumerate() {
                let expected = if (at..at + bytes.len()).contains(&index) { bytes[index - at] } else { 255 };
                prop_assert_eq!(byte, expected);
            }
        }
    }
}
