//! `Column`: one property of many entries, by reference, in memory that never moves.
//!
//! Entries whose properties live in columns pay only for the properties that are in use, and a walk over one property
//! touches nothing else. As many elements as are expected stand in a row, whose memory the system gives when they are first
//! written; the others come in chunks. Nothing is ever copied.
//!
//! ```text
//! reference   0 .. expected     expected ..
//!             [ first        ]  [ 256 ] [ 256 ] ..
//! ```

use std::ops::{Index, IndexMut};

use super::{Ref, huge};

/// Elements of a chunk.
pub(crate) const CHUNK: usize = 256;
/// Bytes that are set aside at the most: a bound may be far above what will be stored.
const MOST_EXPECTED: usize = 64 << 20;
/// So many bytes in a row are worth large pages, of which each column may take one before it needs it.
const LARGE: usize = 2 << 20;

/// A growable array; see the module's text.
pub(crate) struct Column<T> {
    first: Vec<T>,
    chunks: Vec<Box<[T; CHUNK]>>,
}

impl<T: Default> Column<T> {
    pub(crate) fn new() -> Self {
        Self::expecting(0)
    }

    /// A column for so many elements or more.
    pub(crate) fn expecting(elements: usize) -> Self {
        let elements = elements.min(MOST_EXPECTED / size_of::<T>().max(1)) / CHUNK * CHUNK;
        let mut first = Vec::new();
        // Where that much cannot be had, all go into chunks.
        let _ = first.try_reserve_exact(elements);
        Column {
            first,
            chunks: Vec::new(),
        }
    }

    /// Adds a chunk of default elements.
    pub(crate) fn grow(&mut self) {
        let grown = self.first.len() + CHUNK;
        if grown <= self.first.capacity() {
            let spare = self.first.spare_capacity_mut();
            if grown == CHUNK && size_of_val(spare) >= LARGE {
                huge::prefer(spare);
            }
            self.first.resize_with(grown, T::default);
            return;
        }
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
        let elements = self.first.len() + self.chunks.len() * CHUNK;
        let chunks = self.chunks.capacity() * size_of::<Box<[T; CHUNK]>>();
        (elements * size_of::<T>() + chunks) as u64
    }
}

impl<T> Index<Ref> for Column<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, entry: Ref) -> &T {
        let entry = entry as usize;
        match self.first.get(entry) {
            Some(element) => element,
            None => &self.chunks[(entry - self.first.len()) / CHUNK][entry % CHUNK],
        }
    }
}

impl<T> IndexMut<Ref> for Column<T> {
    #[inline(always)]
    fn index_mut(&mut self, entry: Ref) -> &mut T {
        let entry = entry as usize;
        if entry < self.first.len() {
            return &mut self.first[entry];
        }
        &mut self.chunks[(entry - self.first.len()) / CHUNK][entry % CHUNK]
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

    /// Slots for so many records or more.
    pub(crate) fn expecting(records: usize) -> Self {
        let (packed, lined) = if Self::LINED {
            (0, records)
        } else {
            (records, 0)
        };
        Records {
            packed: Column::expecting(packed),
            lined: Column::expecting(lined),
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
