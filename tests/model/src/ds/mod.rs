//! The engine's structures, those that the protocols are made of.

#[path = "../../../../crates/larder/src/ds/bucket.rs"]
pub(crate) mod bucket;
#[path = "../../../../crates/larder/src/ds/grow.rs"]
mod grow;
#[path = "../../../../crates/larder/src/ds/latch.rs"]
pub(crate) mod latch;
#[path = "../../../../crates/larder/src/ds/look.rs"]
pub(crate) mod look;
#[path = "../../../../crates/larder/src/ds/segments.rs"]
mod segments;
#[path = "../../../../crates/larder/src/ds/slot.rs"]
mod slot;
#[path = "../../../../crates/larder/src/ds/stable.rs"]
pub(crate) mod stable;
#[path = "../../../../crates/larder/src/ds/table.rs"]
pub(crate) mod table;
#[path = "../../../../crates/larder/src/ds/word_bytes.rs"]
pub(crate) mod word_bytes;

/// Of the arena, the records know only this.
pub(crate) mod arena {
    pub(crate) const MAX_WORDS: usize = 512;
}

pub(crate) type Ref = u32;

/// The models have no memory to speak of.
pub(crate) mod huge {
    pub(crate) fn prefer<T>(_memory: &[T]) {}
}

/// The models need nothing near.
pub(crate) fn approach<T>(_value: &T) {}

/// Splits a table's first segment, as growth does when it is due.
pub(crate) fn split(table: &table::Table, hash_of: impl Fn(Ref) -> u32) {
    table.split(1, hash_of, |_| {});
}

/// Touches every word of a hash's home bucket.
pub(crate) fn touch(table: &table::Table, hash: u32) {
    let home = table.home(hash);
    let bucket = table.memory.get(home.segment).bucket(home.bucket as usize);
    for word in bucket.0 {
        word.load(crate::sync::Ordering::Relaxed);
    }
}
