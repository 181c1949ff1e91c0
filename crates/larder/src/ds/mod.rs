//! Single-threaded or word-atomic structures; none of them knows what a cache is.

pub(crate) mod arena;
pub(crate) mod bucket;
pub(crate) mod column;
pub(crate) mod deque;
pub(crate) mod dict;
mod drain;
pub(crate) mod ghost;
mod grow;
pub(crate) mod huge;
pub(crate) mod index;
pub(crate) mod ints;
pub(crate) mod latch;
pub(crate) mod look;
pub(crate) mod packed;
mod pages;
pub(crate) mod ranking;
pub(crate) mod ring;
mod segments;
mod sizes;
pub(crate) mod skiplist;
pub(crate) mod slab;
mod slot;
pub(crate) mod stable;
pub(crate) mod table;
#[cfg(test)]
mod tests;
pub(crate) mod walk;
pub(crate) mod wheel;
pub(crate) mod word_bytes;

/// Names an entry inside one stripe; the stripe's store of entries says what it means.
pub(crate) type Ref = u32;

/// Asks the processor to bring a value's first cache line near; waits for nothing.
#[inline(always)]
pub(crate) fn approach<T>(value: &T) {
    #[cfg(target_feature = "sse")]
    safe_arch::prefetch_t0(value);
    #[cfg(not(target_feature = "sse"))]
    let _ = value;
}
