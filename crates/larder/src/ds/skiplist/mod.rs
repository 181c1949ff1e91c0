//! `SkipList`: elements in order of score and member, indexable by rank; a skiplist of blocks.
//!
//! ```text
//! level 2   [ head count | head count ]                        nodes: ≤ 64 heads with what stands under each
//!              │             └────────────────┐
//! level 1   [ head count | … ]        [ head count | … ]
//!              │      └──────┐
//! level 0   [128 elements ] ⇄ [ … ] ⇄ [ … ] ⇄ …                blocks: packed elements, linked both ways
//! ```
//!
//! * A score is eight bytes that compare as unsigned integers (see [`order_of`]). Elements are ordered by score, then by
//!   member; every element is there once.
//! * Searching goes down from the top: the last head that is not past the wanted element, level by level, then by
//!   halving in the block. The rank is the sum of the counts that are passed.
//! * From a block, found by the index of names, the rank is summed on the way up.
//! * A block that overflows is split in its middle; at the end of the list the new element gets a block of its own, so
//!   that what comes in order fills its blocks. A block that is less than half full is merged with a neighbour if three
//!   quarters of a block hold both. The nodes follow the same rules.
//!
//! A skiplist of blocks promotes the head of a block by a coin; here the split promotes it. The walks are the
//! same, the levels too, but every block stays at least partly full whatever is removed, and no seed decides how long a
//! search takes. Blocks and nodes are numbers in slabs, so nothing points anywhere and dropping frees chunk by chunk.
//!
//! * An element is named by its place, a block and a slot in it, until a change says that it has moved: a split or a
//!   merge moves half a block, all else nothing.
//!
//! Cost at a million elements: three levels of nodes, of which the upper two stay in the cache. The lines of a node or a
//! block are asked for at once, so a search waits for one of each level that is not near, not for each step of the
//! halving. Beside the element: a byte of order, 0 to 8 of score, 3 of span where lengths differ, some 4 for slots to
//! spare, the head of the block and the levels above.

mod block;
mod change;
mod frame;
mod iter;
mod level;
mod search;
mod shape;
#[cfg(test)]
mod tests;

use super::slab::Slab;
use block::Block;
use level::{Above, Head, NIL, Node};

pub(crate) use change::Move;
pub(crate) use iter::Iter;

/// The bits of a score in an order that unsigned integers have: `-inf` first, `inf` last, both zeros the same.
#[inline]
pub(crate) fn order_of(score: f64) -> u64 {
    // Adding zero makes a negative zero positive.
    let bits = (score + 0.0).to_bits();
    bits ^ (((bits as i64 >> 63) as u64) | 1 << 63)
}

/// The score of these bits.
#[inline]
pub(crate) fn score_of(order: u64) -> f64 {
    let mask = if order >> 63 == 1 { 1 << 63 } else { u64::MAX };
    f64::from_bits(order ^ mask)
}

/// Where an element stands, for as long as it is there and no [`Move`] says otherwise: a block and a slot in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u32);

impl Place {
    const SLOT_BITS: u32 = block::MAX_LEN.trailing_zeros();

    #[inline]
    fn new(block: u32, slot: usize) -> Self {
        assert!(
            block >> (32 - Self::SLOT_BITS) == 0,
            "fewer than 2^25 blocks are held"
        );
        Place(block << Self::SLOT_BITS | slot as u32)
    }

    /// The place of this number.
    #[inline(always)]
    pub(crate) fn numbered(number: u32) -> Self {
        Place(number)
    }

    #[inline(always)]
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    #[inline(always)]
    fn block(self) -> u32 {
        self.0 >> Self::SLOT_BITS
    }

    #[inline(always)]
    fn slot(self) -> usize {
        self.0 as usize % block::MAX_LEN
    }
}

/// An element in the order of a block; valid until the next change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) block: u32,
    pub(crate) at: usize,
}

/// See the module's text.
#[derive(Clone)]
pub(crate) struct SkipList {
    blocks: Slab<Block>,
    nodes: Slab<Node>,
    root: u32,
    /// Levels of nodes, at least one.
    height: u32,
    first: u32,
    last: u32,
    len: usize,
    /// Bytes that blocks hold in their own allocations.
    packed: u64,
    /// Bytes of all members.
    member_bytes: u64,
}

impl SkipList {
    /// A list without elements: one node over one empty block.
    pub(crate) fn new() -> Self {
        let (mut blocks, mut nodes) = (Slab::new(), Slab::new());
        let mut top = Node::default();
        let root = 0;
        let first = blocks.insert(Block::new(NIL, NIL, Above::new(root, 0)));
        top.insert(
            0,
            level::Entry {
                head: Head::LEAST,
                child: first,
                count: 0,
            },
        );
        nodes.insert(top);
        SkipList {
            blocks,
            nodes,
            root,
            height: 1,
            first,
            last: first,
            len: 0,
            packed: 0,
            member_bytes: 0,
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of all members.
    pub(crate) fn member_bytes(&self) -> usize {
        self.member_bytes as usize
    }

    /// The elements of a block.
    pub(crate) fn len_of(&self, block: u32) -> usize {
        self.blocks[block].len()
    }

    /// Bytes held on the heap.
    pub(crate) fn bytes(&self) -> u64 {
        self.blocks.bytes() + self.nodes.bytes() + self.packed
    }

    /// At most so many bytes more are held with so many elements with so many bytes of members more.
    pub(crate) fn growth(&self, elements: usize, bytes: usize) -> u64 {
        let (n, more) = (elements as u64, bytes as u64);
        // Every insert may split its block, and have two blocks, or three with one for a large member, written anew.
        let each = n * 3 * block::MOST_BESIDE + 2 * more;
        let nodes = n.div_ceil(16) + 2 * u64::from(self.height) + 2;
        let all = block::most_held(
            self.len as u64 + n,
            self.member_bytes + more,
            2 * (self.blocks_now() + n),
        );
        let packed = each.min(all.saturating_sub(self.packed));
        packed
            + nodes * (size_of::<Node>() as u64 + 16)
            + n * 2 * size_of::<Block>() as u64
            + self.blocks.bytes() / 16
            + Slab::<Block>::MOST_MORE
            + Slab::<Node>::MOST_MORE
    }

    fn blocks_now(&self) -> u64 {
        self.blocks.bytes() / size_of::<Block>() as u64
    }

    /// Whether an element is this member.
    #[inline]
    pub(crate) fn holds(&self, place: Place, member: &[u8]) -> bool {
        let block = &self.blocks[place.block()];
        // Both lines at once: whoever compares wants the score next.
        block.approach_slot(place.slot(), member);
        block.member_in(place.slot()) == member
    }

    #[inline]
    pub(crate) fn score(&self, place: Place) -> f64 {
        score_of(self.blocks[place.block()].key_in(place.slot()))
    }

    #[inline]
    pub(crate) fn member(&self, place: Place) -> &[u8] {
        self.blocks[place.block()].member_in(place.slot())
    }

    /// The place of the element at a spot.
    #[inline]
    pub(crate) fn place(&self, spot: Spot) -> Place {
        Place::new(spot.block, self.blocks[spot.block].slot(spot.at))
    }

    /// The first element, of a list that has one.
    #[inline]
    pub(crate) fn first(&self) -> Spot {
        Spot {
            block: self.first,
            at: 0,
        }
    }

    /// The last element, of a list that has one.
    #[inline]
    pub(crate) fn last(&self) -> Spot {
        Spot {
            block: self.last,
            at: self.blocks[self.last].len() - 1,
        }
    }

    /// The member so many from an end, the first or the last; asks for the one twice as far. None where the block at that
    /// end has fewer.
    #[inline]
    pub(crate) fn ahead(&self, first: bool, skipped: usize) -> Option<&[u8]> {
        let block = &self.blocks[if first { self.first } else { self.last }];
        let last = block
            .len()
            .checked_sub(1)
            .filter(|&last| last >= 2 * skipped)?;
        let at = |skipped| if first { skipped } else { last - skipped };
        block.approach_member(block.slot(at(2 * skipped)));
        Some(block.member_in(block.slot(at(skipped))))
    }

    /// The first and the last score.
    pub(crate) fn extremes(&self) -> Option<(f64, f64)> {
        let last = &self.blocks[self.last];
        (self.len > 0).then(|| {
            (
                score_of(self.blocks[self.first].key(0)),
                score_of(last.key(last.len() - 1)),
            )
        })
    }

    /// Asks for what [`Self::rank`] and [`Self::take`] read.
    #[inline]
    pub(crate) fn approach_rank(&self, place: Place) {
        let block = &self.blocks[place.block()];
        block.approach_order();
        let above = block.above;
        self.nodes[above.node].approach_sum(above.at());
    }

    /// How many elements come before the one at a place.
    pub(crate) fn rank(&self, place: Place) -> usize {
        let block = &self.blocks[place.block()];
        let (mut rank, mut above) = (block.position(place.slot()), block.above);
        while above.node != NIL {
            let node = &self.nodes[above.node];
            rank += node.before(above.at());
            above = node.above;
        }
        rank
    }

    /// Where the element of this rank stands; where one would be added, for the length.
    pub(crate) fn spot_of_rank(&self, rank: usize) -> Spot {
        let (mut child, mut at) = (self.root, rank);
        for _ in 0..self.height {
            (child, at) = self.nodes[child].descend(at);
        }
        Spot { block: child, at }
    }

    /// How many elements come before a score and member, whether they are there or not.
    pub(crate) fn rank_of(&self, order: u64, member: &[u8]) -> usize {
        let head = Head::of(order, member);
        let (mut child, mut rank) = (self.root, 0);
        for level in (0..self.height).rev() {
            let i = self.child_of(child, level, head, member);
            let node = &self.nodes[child];
            rank += node.before(i);
            child = node.child(i);
        }
        rank + self.blocks[child].place_of(order, member)
    }

    /// The block in which an element belongs; what is needed to put it there is on its way then.
    #[inline]
    pub(crate) fn block_for(&self, order: u64, member: &[u8]) -> u32 {
        let head = Head::of(order, member);
        let mut child = self.root;
        for level in (0..self.height).rev() {
            let i = self.child_of(child, level, head, member);
            if level == 0 {
                self.nodes[child].approach_sum(i);
            }
            child = self.nodes[child].child(i);
            if level > 0 {
                self.nodes[child].approach();
            }
        }
        self.blocks[child].approach();
        child
    }

    /// The child of a node under which an element belongs.
    #[inline]
    fn child_of(&self, node: u32, level: u32, head: Head, member: &[u8]) -> usize {
        self.nodes[node].search(head, |child| {
            let mut first = child;
            for _ in 0..level {
                first = self.nodes[first].child(0);
            }
            // The heads are the same, and with them the scores.
            self.blocks[first].compare(0, head.key, member).is_le()
        })
    }

    /// The elements of these ranks, in order.
    pub(crate) fn iter(&self, ranks: std::ops::Range<usize>) -> Iter<'_> {
        Iter::new(self, ranks)
    }
}
