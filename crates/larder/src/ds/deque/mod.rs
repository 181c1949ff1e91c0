//! `Deque`: a list of byte strings in blocks of packed elements.
//!
//! ```text
//! blocks   [ ≤ 4 KiB ][ ≤ 4 KiB ][ one long element ][ ≤ 4 KiB ]      in a ring of 32-byte handles
//! ```
//!
//! Invariants: no block is empty; two neighbours that could share a block hold more than 2 KiB together; a long
//! element is alone. So an element costs its code (see `element`) and a fifth of a byte.
//!
//! Everything goes by index through [`Deque::insert`], [`Deque::remove`] and [`Deque::cut`]: the block is found by
//! adding up counts from the nearer end, the element by walking its block from the nearer end. At the ends both are
//! O(1); in the middle O(blocks) + 4 KiB. A full block splits where the element comes; what shrank merges with a
//! neighbour.
//!
//! The ring of handles doubles: 32 bytes per 4 KiB of list, so that a list of 10 million small elements copies about
//! 1 MiB when it does, which is less than the pages of one such list that are touched per thousand pushes.

mod block;
pub(crate) mod element;
mod end;

use std::collections::VecDeque;

use block::{ALLOCATION, Block, MAX, SOLO, capacity_for};
use element::{Element, first_len};

pub use end::End;

/// Neighbours whose runs take no more together become one.
const MERGE: usize = MAX / 2;
/// A fresh block at an end begins with at most this part of the list, so that a short list wastes little.
const FRESH_PART: usize = 8;

/// See the module's text.
#[derive(Clone, Default)]
pub(crate) struct Deque {
    blocks: VecDeque<Block>,
    len: usize,
    /// Bytes of all runs.
    packed: usize,
    /// Bytes of all blocks' buffers.
    held: u64,
}

impl Deque {
    /// The elements of a run of `count` elements.
    pub(crate) fn from_run(run: &[u8], count: usize) -> Self {
        let mut deque = Deque::default();
        for code in element::Codes(run) {
            deque.insert(deque.len, Element::decode(code));
        }
        debug_assert_eq!(deque.len, count);
        deque
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of all elements' codes.
    pub(crate) fn packed(&self) -> usize {
        self.packed
    }

    /// Bytes held on the heap.
    pub(crate) fn bytes(&self) -> u64 {
        self.held + ring_bytes(self.blocks.capacity())
    }

    /// At most so many bytes more are held after elements with codes of so many bytes were inserted.
    pub(crate) fn growth(&self, elements: usize, code_bytes: usize) -> u64 {
        // A block is closed when less than `SOLO` of it is free; one that splits leaves three with buffers of up to
        // twice their runs; the last one is open.
        let closed = code_bytes + code_bytes.div_ceil(MAX - SOLO) * SOLO;
        let open = (4 * MAX).min(3 * (self.packed + code_bytes) + 256);
        // Long elements may stand between short ones.
        let blocks = (2 * (code_bytes / SOLO) + 3).min(elements + 2);
        let ring = self.blocks.len() + blocks;
        let grown = if ring > self.blocks.capacity() {
            ring_bytes((2 * self.blocks.capacity()).max(ring).max(4))
                .saturating_sub(ring_bytes(self.blocks.capacity()))
        } else {
            0
        };
        (closed + open + blocks * ALLOCATION) as u64 + grown
    }

    /// The block of an index, and the index within it; the last block's end for the list's end.
    #[inline]
    fn locate(&self, index: usize) -> (usize, usize) {
        if index < self.len / 2 {
            let mut rest = index;
            for (number, block) in self.blocks.iter().enumerate() {
                if rest < block.count() {
                    return (number, rest);
                }
                rest -= block.count();
            }
        }
        let mut rest = self.len - index;
        for (number, block) in self.blocks.iter().enumerate().rev() {
            if rest <= block.count() {
                return (number, block.count() - rest);
            }
            rest -= block.count();
        }
        (0, 0)
    }

    /// Runs `change` on a block and books what it holds afterwards.
    #[inline]
    fn with<R>(&mut self, number: usize, change: impl FnOnce(&mut Block) -> R) -> R {
        let block = &mut self.blocks[number];
        let (held, packed) = (block.bytes(), block.len());
        let result = change(block);
        self.held = self.held - held + block.bytes();
        self.packed = self.packed - packed + block.len();
        result
    }

    fn add_block(&mut self, number: usize, block: Block) {
        self.held += block.bytes();
        self.packed += block.len();
        self.blocks.insert(number, block);
    }

    fn take_block(&mut self, number: usize) -> Option<Block> {
        let block = self.blocks.remove(number)?;
        self.held -= block.bytes();
        self.packed -= block.len();
        Some(block)
    }

    /// Inserts an element before the one with this index.
    pub(crate) fn insert(&mut self, index: usize, element: Element<'_>) {
        debug_assert!(index <= self.len);
        let code_len = element.code_len();
        let (number, place) = if index == 0 {
            (0, 0)
        } else {
            self.locate(index)
        };
        self.len += 1;
        if self.try_insert(number, place, code_len, element) {
            return;
        }
        let growing = if index == 0 { End::Front } else { End::Back };
        match self.blocks.get(number).map(Block::count) {
            Some(count) if place == count => self.insert_alone(number + 1, element, growing),
            Some(_) if place > 0 => {
                self.split(number, place);
                if !self.try_insert(number + 1, 0, code_len, element) {
                    self.insert_alone(number + 1, element, growing);
                }
                for number in (number.saturating_sub(1)..number + 3).rev() {
                    self.merge(number);
                }
            }
            _ => self.insert_alone(number, element, growing),
        }
    }

    /// Inserts a fresh block with one element.
    fn insert_alone(&mut self, number: usize, element: Element<'_>, growing: End) {
        let code_len = element.code_len();
        let capacity = if code_len > SOLO {
            code_len
        } else {
            capacity_for(code_len.max((self.packed / FRESH_PART).min(MAX)))
        };
        let mut block = Block::new(capacity, growing);
        block.insert(0, element);
        self.add_block(number, block);
        if number > 0 {
            self.with(number - 1, Block::close);
        }
        if number + 1 < self.blocks.len() {
            self.with(number + 1, Block::close);
        }
    }

    /// Inserts into the block, or next to its border into its neighbour, if one takes the element.
    #[inline]
    fn try_insert(
        &mut self,
        number: usize,
        place: usize,
        code_len: usize,
        element: Element<'_>,
    ) -> bool {
        let Some(block) = self.blocks.get(number) else {
            return false;
        };
        if block.takes(code_len) {
            let offset = if place == block.count() {
                block.len()
            } else {
                block.offset_of(place)
            };
            self.with(number, |block| block.insert(offset, element));
            return true;
        }
        if place == 0 && number > 0 && self.blocks[number - 1].takes(code_len) {
            self.with(number - 1, |block| block.insert(block.len(), element));
            return true;
        }
        false
    }

    /// Splits a block before one of its elements.
    fn split(&mut self, number: usize, place: usize) {
        let after = self.with(number, |block| block.split_off(place));
        self.add_block(number + 1, after);
    }

    /// Takes the element with this index out and shows its code to `take`.
    pub(crate) fn remove<R>(&mut self, index: usize, take: impl FnOnce(&[u8]) -> R) -> R {
        debug_assert!(index < self.len);
        let (number, place) = self.locate(index);
        let block = &self.blocks[number];
        let offset = block.offset_of(place);
        let code_len = first_len(&block.run()[offset..]);
        let result = take(&block.run()[offset..offset + code_len]);
        self.len -= 1;
        self.with(number, |block| block.remove(offset, code_len));
        self.settle(number);
        result
    }

    /// Restores the invariants around a block that became shorter.
    fn settle(&mut self, number: usize) {
        if self.blocks[number].count() == 0 {
            self.take_block(number);
            if number > 0 && number < self.blocks.len() {
                self.merge(number - 1);
            }
            return;
        }
        self.merge(number);
        let number = number - usize::from(number > 0 && self.merge(number - 1));
        let growing = if number == 0 { End::Front } else { End::Back };
        self.with(number, |block| block.shrink(growing));
    }

    /// Merges a block with the next one if they are short enough.
    fn merge(&mut self, number: usize) -> bool {
        let (Some(block), Some(next)) = (self.blocks.get(number), self.blocks.get(number + 1))
        else {
            return false;
        };
        if block.is_solo() || next.is_solo() || block.len() + next.len() > MERGE {
            return false;
        }
        if let Some(next) = self.take_block(number + 1) {
            self.with(number, |block| block.append(next.run(), next.count()));
        }
        true
    }

    /// Takes the first or last `count` elements off.
    pub(crate) fn cut(&mut self, end: End, count: usize) -> Deque {
        debug_assert!(count <= self.len);
        let index = match end {
            End::Front => count,
            End::Back => self.len - count,
        };
        let border = if index == self.len {
            self.blocks.len()
        } else {
            let (number, place) = self.locate(index);
            if place > 0 {
                self.split(number, place);
            }
            number + usize::from(place > 0)
        };
        let mut taken = Deque {
            len: count,
            ..Deque::default()
        };
        taken.blocks = match end {
            End::Front => self.blocks.drain(..border).collect(),
            End::Back => self.blocks.split_off(border),
        };
        taken.held = taken.blocks.iter().map(Block::bytes).sum();
        taken.packed = taken.blocks.iter().map(Block::len).sum();
        self.len -= count;
        self.held -= taken.held;
        self.packed -= taken.packed;
        self.blocks.shrink_to(self.blocks.len() * 2);
        match end {
            End::Front if !self.blocks.is_empty() => self.settle(0),
            End::Back if !self.blocks.is_empty() => self.settle(self.blocks.len() - 1),
            _ => {}
        }
        taken
    }

    /// Puts what was [`cut`](Self::cut) back.
    pub(crate) fn join(&mut self, end: End, mut other: Deque) {
        let border = match end {
            End::Front => {
                std::mem::swap(&mut self.blocks, &mut other.blocks);
                self.blocks.len()
            }
            End::Back => self.blocks.len(),
        };
        self.blocks.append(&mut other.blocks);
        self.len += other.len;
        self.held += other.held;
        self.packed += other.packed;
        if border > 0 && border < self.blocks.len() {
            self.settle(border);
            self.settle(border - 1);
        }
    }

    /// Removes up to `most` elements with this code, from an end on; tells of each the index that it had just then.
    pub(crate) fn remove_equal(
        &mut self,
        code: &[u8],
        from: End,
        most: usize,
        mut note: impl FnMut(usize),
    ) -> usize {
        let (mut removed, mut first) = (0, if from == End::Front { 0 } else { self.len });
        let mut touched: Option<(usize, usize)> = None;
        for step in 0..self.blocks.len() {
            let number = match from {
                End::Front => step,
                End::Back => self.blocks.len() - 1 - step,
            };
            let block = &self.blocks[number];
            let places = matches(block, code, from, most - removed);
            match from {
                End::Front => {
                    let now = places.iter().enumerate();
                    now.for_each(|(nth, place)| note(first + place - removed - nth));
                    first += block.count();
                }
                End::Back => {
                    first -= block.count();
                    places.iter().rev().for_each(|place| note(first + place));
                }
            }
            if !places.is_empty() {
                removed += places.len();
                self.remove_places(number, &places);
                touched = Some((touched.map_or(number, |(one, _)| one), number));
            }
            if removed == most {
                break;
            }
        }
        self.len -= removed;
        match touched {
            Some((one, other)) if one == other => self.settle(one),
            Some(_) => self.compact(),
            None => {}
        }
        removed
    }

    /// Removes the elements of a block at these ascending places.
    fn remove_places(&mut self, number: usize, places: &[usize]) {
        let mut rest = places.iter().peekable();
        let mut place = 0..;
        self.with(number, |block| {
            block.retain(|_| {
                let place = place.next();
                rest.next_if(|next| Some(**next) == place).is_none()
            });
        });
    }

    /// Restores the invariants everywhere, in one pass.
    fn compact(&mut self) {
        let blocks = std::mem::take(&mut self.blocks);
        self.blocks = VecDeque::with_capacity(blocks.len());
        (self.held, self.packed) = (0, 0);
        for block in blocks {
            if block.count() > 0 {
                self.add_block(self.blocks.len(), block);
                let last = self.blocks.len() - 1;
                let last = last - usize::from(last > 0 && self.merge(last - 1));
                self.with(last, |block| block.shrink(End::Back));
            }
        }
        self.blocks.shrink_to(self.blocks.len() * 2);
    }

    /// The codes of the elements from this index on.
    pub(crate) fn forward(&self, index: usize) -> impl Iterator<Item = &[u8]> {
        let (number, place) = self.locate(index);
        let start = self
            .blocks
            .get(number)
            .map_or(0, |block| start_of(block, place));
        self.blocks
            .range(number.min(self.blocks.len())..)
            .enumerate()
            .flat_map(move |(nth, block)| {
                let from = if nth == 0 { start } else { 0 };
                element::Codes(&block.run()[from..])
            })
    }

    /// The codes of the elements before this index, the nearest first.
    pub(crate) fn backward(&self, index: usize) -> impl Iterator<Item = &[u8]> {
        let (number, place) = self.locate(index);
        let end = self
            .blocks
            .get(number)
            .map_or(0, |block| start_of(block, place));
        let upto = (number + 1).min(self.blocks.len());
        self.blocks
            .range(..upto)
            .rev()
            .enumerate()
            .flat_map(move |(nth, block)| {
                let run = if nth == 0 {
                    &block.run()[..end]
                } else {
                    block.run()
                };
                element::Codes(run).rev()
            })
    }

    /// The elements as one run.
    pub(crate) fn to_run(&self, run: &mut Vec<u8>) {
        run.reserve_exact(self.packed);
        for block in &self.blocks {
            run.extend_from_slice(block.run());
        }
    }
}

/// Where an element of a block begins; the run's end for the block's end.
fn start_of(block: &Block, place: usize) -> usize {
    if place == block.count() {
        block.len()
    } else {
        block.offset_of(place)
    }
}

/// The ascending places of a block's elements with this code: of the `most` that are met first from an end.
fn matches(block: &Block, code: &[u8], from: End, most: usize) -> Vec<usize> {
    let all = block.codes().enumerate();
    let mut places: Vec<usize> = all
        .filter_map(|(place, other)| (other == code).then_some(place))
        .collect();
    match from {
        End::Front => places.truncate(most),
        End::Back => drop(places.drain(..places.len().saturating_sub(most))),
    }
    places
}

/// Bytes of a ring of so many handles.
fn ring_bytes(capacity: usize) -> u64 {
    if capacity == 0 {
        0
    } else {
        (capacity * size_of::<Block>() + ALLOCATION) as u64
    }
}

#[cfg(test)]
impl Deque {
    /// Checks what the module's text promises.
    pub(crate) fn assert_invariants(&self) {
        let blocks = self.blocks.iter();
        assert_eq!(self.len, blocks.clone().map(Block::count).sum::<usize>());
        assert_eq!(self.packed, blocks.clone().map(Block::len).sum::<usize>());
        assert_eq!(self.held, blocks.clone().map(Block::bytes).sum::<u64>());
        for block in blocks.clone() {
            assert!(block.count() > 0, "an empty block");
            assert_eq!(block.codes().count(), block.count());
            assert!(block.is_solo() || block.codes().all(|code| code.len() <= SOLO));
            assert!(block.is_solo() || block.len() <= MAX);
        }
        for (block, next) in blocks.clone().zip(blocks.skip(1)) {
            let could_share = !block.is_solo() && !next.is_solo();
            assert!(
                !could_share || block.len() + next.len() > MERGE,
                "short neighbours"
            );
        }
    }
}
