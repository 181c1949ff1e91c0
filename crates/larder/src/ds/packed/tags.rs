//! Tags: a byte of each key, compared sixteen at a time.

/// The tag of a key: a byte of all its bytes.
#[inline]
pub(super) fn tag_of(key: &[u8]) -> u8 {
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
pub(super) fn equal_tags(tags: [u8; 16], tag: u8) -> u32 {
    use safe_arch::{cmp_eq_mask_i8_m128i, m128i, move_mask_i8_m128i};
    let mask = cmp_eq_mask_i8_m128i(m128i::from(tags), m128i::from([tag; 16]));
    move_mask_i8_m128i(mask) as u32
}

/// One bit per tag that equals `tag`.
#[cfg(any(test, not(target_feature = "sse2")))]
#[inline(always)]
pub(super) fn equal_tags_one_by_one(tags: [u8; 16], tag: u8) -> u32 {
    let bits = tags.iter().enumerate();
    bits.fold(0, |mask, (at, &byte)| mask | u32::from(byte == tag) << at)
}

#[cfg(not(target_feature = "sse2"))]
pub(super) use equal_tags_one_by_one as equal_tags;
