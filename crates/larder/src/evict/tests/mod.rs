//! Policies in lockstep with plain models of them.

mod lru;
mod naive;
mod s3fifo;
mod scale;
mod stage;

use std::sync::LazyLock;

use crate::ds::table::{HASH_MASK, HASH_ONE};

/// Hashes of keys: all different, and so that no two that may share a bucket look alike to the ghost, which would take one
/// for the other once in a while.
static HASHES: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let mut looks = std::collections::HashSet::new();
    let scattered = (1..8000u32).map(|key| {
        key.wrapping_mul(0x9e37_79b9)
            .rotate_left(15)
            .wrapping_mul(0x85eb_ca6b)
            & HASH_MASK
            | HASH_ONE
    });
    scattered
        .filter(|hash| looks.insert((hash % 128, (hash >> 15) as u16 ^ *hash as u16)))
        .collect()
});

/// The hash of a key; keys beyond the last begin again.
fn hash_of(key: u32) -> u32 {
    HASHES[key as usize % HASHES.len()]
}
