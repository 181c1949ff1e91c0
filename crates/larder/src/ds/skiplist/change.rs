//! How the list changes: elements come and go, blocks and nodes are split and merged.

use std::ops::Range;

use super::block::{self, Block};
use super::level::{Above, Entry, FANOUT, Head, NIL, Node};
use super::{Place, SkipList, Spot};

/// An element that stands elsewhere than before: who names places must follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) from: Place,
    pub(crate) to: Place,
}

impl SkipList {
    /// Adds an element that is not there to the [block in which it belongs](Self::block_for), and returns its place.
    pub(crate) fn insert(
        &mut self,
        block: u32,
        order: u64,
        member: &[u8],
        moved: &mut Vec<Move>,
    ) -> Place {
        let at = self.blocks[block].place_of(order, member);
        let mut spot = Spot { block, at };
        while !self.blocks[spot.block].has_room(member.len()) {
            spot = self.make_room(spot, Head::of(order, member), member.len(), moved);
        }
        self.len += 1;
        self.member_bytes += member.len() as u64;
        let slot = self.edit(spot.block, |block| block.insert(spot.at, order, member));
        self.count(spot.block, 1);
        Place::new(spot.block, slot)
    }

    /// Changes a block, and books what it holds.
    #[inline]
    fn edit<R>(&mut self, number: u32, change: impl FnOnce(&mut Block) -> R) -> R {
        let block = &mut self.blocks[number];
        let held = block.held();
        let result = change(block);
        self.packed = self.packed - held + block.held();
        result
    }

    /// Splits a block that has no room for an element at a spot, and returns the spot where it belongs then: in the
    /// middle of its bytes; behind all where elements come in order; beside the new element if one must stand alone.
    fn make_room(
        &mut self,
        Spot { block, at }: Spot,
        head: Head,
        bytes: usize,
        moved: &mut Vec<Move>,
    ) -> Spot {
        let here = &self.blocks[block];
        let len = here.len();
        let alone = bytes > block::MAX_SHARED || len == 1;
        if at == len && (alone || block == self.last) {
            let block = self.put_behind(block, Block::default(), head);
            return Spot { block, at: 0 };
        }
        let cut = if alone {
            at
        } else {
            here.middle().clamp(1, len - 1)
        };
        let right = self.split(block, cut, moved);
        if at > cut {
            Spot {
                block: right,
                at: at - cut,
            }
        } else {
            Spot { block, at }
        }
    }

    /// Moves the elements of a block from `cut` on to a new block behind it.
    fn split(&mut self, number: u32, cut: usize, moved: &mut Vec<Move>) -> u32 {
        let (right, before) = self.edit(number, |block| block.split_off(cut));
        let head = Head::of(right.key(0), right.member(0));
        let to = self.put_behind(number, right, head);
        moved.extend(before.iter().enumerate().map(|(slot, &from)| Move {
            from: Place::new(number, from.into()),
            to: Place::new(to, slot),
        }));
        self.tighten(number, moved);
        to
    }

    /// Gives back what a block holds for nothing.
    fn tighten(&mut self, number: u32, moved: &mut Vec<Move>) {
        if self.blocks[number].len() == 0 {
            return;
        }
        let slots = self.edit(number, Block::tighten);
        moved.extend(slots.iter().map(|&(from, to)| Move {
            from: Place::new(number, from.into()),
            to: Place::new(number, to.into()),
        }));
    }

    /// Puts a new block behind another.
    fn put_behind(&mut self, number: u32, mut block: Block, head: Head) -> u32 {
        let left = &self.blocks[number];
        let (next, above) = (left.next, left.above);
        (block.prev, block.next) = (number, next);
        self.packed += block.held();
        let count = block.len() as u32;
        let child = self.blocks.insert(block);
        self.blocks[number].next = child;
        match next {
            NIL => self.last = child,
            next => self.blocks[next].prev = child,
        }
        self.promote(above, Entry { head, child, count });
        child
    }

    /// Puts a child that was split off the one that hangs at `left` behind it, splitting nodes on the way up.
    fn promote(&mut self, mut left: Above, mut entry: Entry) {
        for level in 0.. {
            let (number, at) = (left.node, left.at());
            let node = &mut self.nodes[number];
            node.add(at, entry.count.wrapping_neg());
            if node.len() < FANOUT {
                node.insert(at + 1, entry);
                self.adopt(level, number, at + 1);
                return;
            }
            entry = self.split_node(level, number, at + 1, entry);
            left = self.nodes[number].above;
            if left.node == NIL {
                self.grow(number, entry);
                return;
            }
        }
    }

    /// Splits a full node, puts an entry to place `at` of what it was, and returns the entry of the right half.
    fn split_node(&mut self, level: u32, number: u32, at: usize, entry: Entry) -> Entry {
        let node = &mut self.nodes[number];
        let cut = if at == FANOUT { FANOUT } else { FANOUT / 2 };
        let mut right = node.split_off(cut);
        let stays = at < cut || (at == cut && cut < FANOUT);
        if stays {
            node.insert(at, entry);
        } else {
            right.insert(at - cut, entry);
        }
        let (head, count) = (right.head(0), right.total() as u32);
        let to = self.nodes.insert(right);
        if stays {
            self.adopt(level, number, at);
        }
        self.adopt(level, to, 0);
        Entry {
            head,
            child: to,
            count,
        }
    }

    /// Puts a node above the root, which was split.
    fn grow(&mut self, left: u32, right: Entry) {
        let mut top = Node::default();
        top.insert(
            0,
            Entry {
                head: self.nodes[left].head(0),
                child: left,
                count: self.nodes[left].total() as u32,
            },
        );
        top.insert(1, right);
        self.root = self.nodes.insert(top);
        self.height += 1;
        self.nodes[left].above = Above::new(self.root, 0);
        self.nodes[right.child].above = Above::new(self.root, 1);
    }

    /// Tells the children of a node of this level, from `from` on, where they hang; blocks hang under level 0.
    fn adopt(&mut self, level: u32, number: u32, from: usize) {
        for i in from..self.nodes[number].len() {
            let (child, above) = (self.nodes[number].child(i), Above::new(number, i));
            if level == 0 {
                self.blocks[child].above = above;
            } else {
                self.nodes[child].above = above;
            }
        }
    }

    /// Takes elements of one block out.
    pub(crate) fn remove(&mut self, number: u32, range: Range<usize>, moved: &mut Vec<Move>) {
        let n = range.len();
        let bytes = self.blocks[number].member_bytes_of(&range);
        self.member_bytes -= bytes as u64;
        self.len -= n;
        self.edit(number, |block| block.remove(range));
        self.count(number, (n as u32).wrapping_neg());
        let block = &self.blocks[number];
        if block.len() == 0 {
            if self.len > 0 {
                self.unlink(number);
            }
            return;
        }
        // The ends are where elements are popped: what is left there goes soon.
        if block.prev == NIL || block.next == NIL {
            return;
        }
        let small = block.len() < block::MAX_LEN / 2 && block.member_bytes() < block::MAX_BYTES / 2;
        if !(small && self.merge(number, moved)) && self.blocks[number].is_loose() {
            self.tighten(number, moved);
        }
    }

    /// Takes the element at a place out.
    pub(crate) fn take(&mut self, place: Place, moved: &mut Vec<Move>) {
        let at = self.blocks[place.block()].position(place.slot());
        self.remove(place.block(), at..at + 1, moved);
    }

    /// Adds to the counts above a block.
    fn count(&mut self, block: u32, by: u32) {
        let mut above = self.blocks[block].above;
        while above.node != NIL {
            let node = &mut self.nodes[above.node];
            node.add(above.at(), by);
            above = node.above;
        }
    }

    /// Merges a block with a neighbour under the same node, if they fit together well; whether they did.
    fn merge(&mut self, number: u32, moved: &mut Vec<Move>) -> bool {
        let here = &self.blocks[number];
        for other in [here.next, here.prev] {
            let there = &self.blocks[other];
            if there.above.node == here.above.node && here.goes_with(there) {
                let (from, to) = if here.len() < there.len() {
                    (number, other)
                } else {
                    (other, number)
                };
                self.pour(from, to, moved);
                return true;
            }
        }
        false
    }

    /// Moves all elements of a block to its neighbour, and takes the block away.
    fn pour(&mut self, from: u32, to: u32, moved: &mut Vec<Move>) {
        let behind = self.blocks[to].next == from;
        let count = self.blocks[from].len();
        let old = self.edit(from, |block| {
            let empty = Block::new(block.prev, block.next, block.above);
            std::mem::replace(block, empty)
        });
        let slots = self.edit(to, |block| block.take(&old, !behind));
        moved.extend(slots.iter().map(|&(was, is)| Move {
            from: Place::new(from, was.into()),
            to: Place::new(to, is.into()),
        }));
        let node = &mut self.nodes[old.above.node];
        let (source, target) = (old.above.at(), self.blocks[to].above.at());
        if !behind {
            node.set_head(target, node.head(source));
        }
        node.add(target, count as u32);
        node.add(source, (count as u32).wrapping_neg());
        self.unlink(from);
    }

    /// Takes an empty block out, and what is left without children above it.
    fn unlink(&mut self, number: u32) {
        let block = self.blocks.remove(number);
        self.packed -= block.held();
        match block.prev {
            NIL => self.first = block.next,
            prev => self.blocks[prev].next = block.next,
        }
        match block.next {
            NIL => self.last = block.prev,
            next => self.blocks[next].prev = block.prev,
        }
        let mut above = block.above;
        for level in 0.. {
            let node = &mut self.nodes[above.node];
            node.remove(above.at());
            if node.len() > 0 || node.above.node == NIL {
                self.adopt(level, above.node, above.at());
                self.join(level, above.node);
                break;
            }
            above = self.nodes.remove(above.node).above;
        }
        while self.height > 1 && self.nodes[self.root].len() == 1 {
            let child = self.nodes[self.root].child(0);
            self.nodes.remove(self.root);
            self.root = child;
            self.nodes[child].above = Above::NONE;
            self.height -= 1;
        }
    }

    /// Merges nodes that are less than half full with their neighbour under the same node, from this one up.
    fn join(&mut self, mut level: u32, mut number: u32) {
        loop {
            let node = &self.nodes[number];
            let (parent, at) = (node.above.node, node.above.at());
            if parent == NIL || node.len() >= FANOUT / 2 {
                return;
            }
            let above = &self.nodes[parent];
            let left = if at + 1 < above.len() {
                at
            } else if at > 0 {
                at - 1
            } else {
                return;
            };
            let (into, from) = (above.child(left), above.child(left + 1));
            let kept = self.nodes[into].len();
            if kept + self.nodes[from].len() > FANOUT * 3 / 4 {
                return;
            }
            let gone = self.nodes.remove(from);
            for i in 0..gone.len() {
                self.nodes[into].insert(kept + i, gone.entry(i));
            }
            self.adopt(level, into, kept);
            let above = &mut self.nodes[parent];
            above.add(left, gone.total() as u32);
            above.remove(left + 1);
            self.adopt(level + 1, parent, left + 1);
            (level, number) = (level + 1, parent);
        }
    }

    /// Gives an element another score, if the block in which it belongs then is the one where it is; whether it is so.
    pub(crate) fn rescore(&mut self, place: Place, to: u32, order: u64, member: &[u8]) -> bool {
        if place.block() != to {
            return false;
        }
        self.edit(to, |block| {
            let at = block.position(place.slot());
            block.rescore(at, order, member);
        });
        true
    }
}
