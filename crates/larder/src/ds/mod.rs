//! Single-threaded or word-atomic structures; none of them knows what a cache is.

pub(crate) mod arena;
pub(crate) mod ghost;
pub(crate) mod ring;
pub(crate) mod stable;
pub(crate) mod table;
pub(crate) mod wheel;

/// Names an entry inside one stripe; the stripe's store of entries says what it means.
pub(crate) type Ref = u32;
