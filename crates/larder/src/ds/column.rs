//! `Column`: one property of many entries, by reference, in chunks that never move.
//!
//! Entries whose properties live in columns pay only for the properties that are in use, and a walk over one property
//! touches nothing else. Growing adds a chunk; nothing is copied.

use std::ops::{Index, IndexMut};

use super::Ref;

/// Elements of a chunk.
pub(crate) const CHUNK: usize = 256;

/// A chunked array; see the module's text.
pub(crate) struct Column<T> {
    chunks: Vec<Box<[T; CHUNK]>>,
}

impl<T: Default> Column<T> {
    pub(crate) fn new() -> Self {
        Column { chunks: Vec::new() }
    }

    /// Adds a chunk of default elements.
    pub(crate) fn grow(&mut self) {
        let chunk: Box<[T]> = (0..CHUNK).map(|_| T::default()).collect();
        self.chunks.push(
            chunk
                .try_into()
                .ok()
                .expect("the length is that of a chunk"),
        );
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        let each = CHUNK * size_of::<T>();
        (self.chunks.len() * each + self.chunks.capacity() * size_of::<Box<[T; CHUNK]>>()) as u64
    }
}

impl<T> Index<Ref> for Column<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, entry: Ref) -> &T {
        &self.chunks[entry as usize / CHUNK][entry as usize % CHUNK]
    }
}

impl<T> IndexMut<Ref> for Column<T> {
    #[inline(always)]
    fn index_mut(&mut self, entry: Ref) -> &mut T {
        &mut self.chunks[entry as usize / CHUNK][entry as usize % CHUNK]
    }
}

/// A value on a cache line of its own.
#[derive(Default)]
#[repr(align(64))]
struct Line<T>(T);

/// A column of optional records that keeps each on one cache line where that costs little.
///
/// A record of 52 bytes in a packed column lies across two lines three times out of four, and a look-up that misses
/// both takes some 30 % longer. Records of 52 to 64 bytes (and every size up to a quarter below a line) get a line of
/// their own; others are packed.
pub(crate) struct Records<T> {
    packed: Column<Option<T>>,
    lined: Column<Line<Option<T>>>,
}

impl<T> Records<T> {
    /// Whether records get a line each: the padding is at most a quarter.
    const LINED: bool = size_of::<Option<T>>() <= 64 && size_of::<Option<T>>() * 5 >= 64 * 4;

    pub(crate) fn new() -> Self {
        Records {
            packed: Column::new(),
            lined: Column::new(),
        }
    }

    /// Adds a chunk of empty slots.
    pub(crate) fn grow(&mut self) {
        if Self::LINED {
            self.lined.grow()
        } else {
            self.packed.grow()
        }
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        self.packed.bytes() + self.lined.bytes()
    }
}

impl<T> Index<Ref> for Records<T> {
    type Output = Option<T>;

    #[inline(always)]
    fn index(&self, entry: Ref) -> &Option<T> {
        if Self::LINED {
            &self.lined[entry].0
        } else {
            &self.packed[entry]
        }
    }
}

impl<T> IndexMut<Ref> for Records<T> {
    #[inline(always)]
    fn index_mut(&mut self, entry: Ref) -> &mut Option<T> {
        if Self::LINED {
            &mut self.lined[entry].0
        } else {
            &mut self.packed[entry]
        }
    }
}
