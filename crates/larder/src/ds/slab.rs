//! `Slab`: values named by number, in chunks of a page that never move once they are full.
//!
//! The first chunk doubles up to its size; each further one is allocated whole. So a slab grows without a stall, and
//! freeing it frees few, large allocations. Numbers are used again.

use std::ops::{Index, IndexMut};

/// Bytes of a chunk, about.
const CHUNK_BYTES: usize = 4096;
/// What the allocator takes, at most, beside an allocation.
const ALLOCATED: usize = 16;

/// See the module's text.
#[derive(Clone)]
pub(crate) struct Slab<T> {
    chunks: Vec<Vec<T>>,
    free: Vec<u32>,
    bytes: u64,
}

impl<T: Default> Slab<T> {
    /// Values of a chunk: a power of two, so that a number splits by shifting.
    const CHUNK: usize = if size_of::<T>() > CHUNK_BYTES / 2 {
        1
    } else {
        1 << (CHUNK_BYTES / size_of::<T>()).ilog2()
    };
    /// Bytes that a new chunk takes at most.
    pub(crate) const MOST_MORE: u64 = (Self::CHUNK * size_of::<T>() + ALLOCATED) as u64;

    pub(crate) fn new() -> Self {
        Slab {
            chunks: Vec::new(),
            free: Vec::new(),
            bytes: 0,
        }
    }

    /// Bytes held, apart from what the values hold themselves.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
            + (self.chunks.capacity() * size_of::<Vec<T>>()
                + self.free.capacity() * size_of::<u32>()) as u64
    }

    pub(crate) fn insert(&mut self, value: T) -> u32 {
        if let Some(number) = self.free.pop() {
            self[number] = value;
            return number;
        }
        if self
            .chunks
            .last()
            .is_none_or(|last| last.len() == Self::CHUNK)
        {
            let first = self.chunks.is_empty();
            let size = if first { 1 } else { Self::CHUNK };
            self.chunks.push(Vec::with_capacity(size));
            self.bytes += (size * size_of::<T>() + ALLOCATED) as u64;
        }
        let chunks = self.chunks.len();
        let last = &mut self.chunks[chunks - 1];
        if last.len() == last.capacity() {
            let held = last.capacity();
            last.reserve_exact(held);
            self.bytes += ((last.capacity() - held) * size_of::<T>()) as u64;
        }
        last.push(value);
        ((chunks - 1) * Self::CHUNK + last.len() - 1) as u32
    }

    /// Takes a value out; its number will name another.
    pub(crate) fn remove(&mut self, number: u32) -> T {
        self.free.push(number);
        std::mem::take(&mut self[number])
    }
}

impl<T: Default> Index<u32> for Slab<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, number: u32) -> &T {
        &self.chunks[number as usize / Self::CHUNK][number as usize % Self::CHUNK]
    }
}

impl<T: Default> IndexMut<u32> for Slab<T> {
    #[inline(always)]
    fn index_mut(&mut self, number: u32) -> &mut T {
        &mut self.chunks[number as usize / Self::CHUNK][number as usize % Self::CHUNK]
    }
}
