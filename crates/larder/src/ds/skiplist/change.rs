//! How the list changes: elements come and go, blocks and nodes are split and merged.

use std::ops::Range;

use super::block::{self, Block, Element};
use super::level::{Entry, FANOUT, Head, NIL, Node};
use super::{Place, SkipList};

/// Elements that stand in another block than before: who names blocks must follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// Their places in `to`.
    pub(crate) places: Range<usize>,
}

impl SkipList {
    /// Adds an element that is not there, and returns its block; if that block was split then, the element may be among
    /// what has moved.
    pub(crate) fn insert(&mut self, order: u64, tag: u8, member: &[u8]) -> (u32, Option<Moved>) {
        let head = Head::of(order, member);
        let mut child = self.root;
        for level in (0..self.height).rev() {
            let i = self.child_of(child, level, head, member);
            let node = &mut self.nodes[child];
            node.add(i, 1);
            child = node.child(i);
        }
        let at = self.blocks[child].place_of(order, member);
        self.put(
            Place { block: child, at },
            Element {
                key: order,
                tag,
                member,
            },
        )
    }

    /// Puts an element, counted already, to its place.
    fn put(&mut self, place: Place, element: Element<'_>) -> (u32, Option<Moved>) {
        self.len += 1;
        self.member_bytes += element.member.len() as u64;
        self.edit(place.block, |block| block.insert(place.at, element));
        let block = &self.blocks[place.block];
        if block.len() <= block::MAX_LEN && (block.used() <= block::MAX_BYTES || block.len() == 1) {
            return (place.block, None);
        }
        let cut = self.cut_of(place);
        (place.block, Some(self.split(place.block, cut)))
    }

    /// Changes a block, and books what it holds.
    fn edit<R>(&mut self, number: u32, change: impl FnOnce(&mut Block) -> R) -> R {
        let block = &mut self.blocks[number];
        let held = block.held();
        let result = change(block);
        self.packed = self.packed - held + block.held();
        result
    }

    /// Where a block is split after an element was put there: in the middle of its bytes, and where elements come in
    /// order, before the new one.
    fn cut_of(&self, place: Place) -> usize {
        let block = &self.blocks[place.block];
        let len = block.len();
        if place.block == self.last && place.at + 1 == len {
            return len - 1;
        }
        block.middle().clamp(1, len - 1)
    }

    /// Moves the elements of a block from `cut` on to a new block behind it.
    fn split(&mut self, number: u32, cut: usize) -> Moved {
        let mut right = self.edit(number, |block| block.split_off(cut));
        let left = &self.blocks[number];
        let (next, parent) = (left.next, left.parent);
        (right.prev, right.next, right.parent) = (number, next, parent);
        self.packed += right.held();
        let count = right.len();
        let entry = Entry {
            head: Head::of(right.key(0), right.member(0)),
            child: self.blocks.insert(right),
            count: count as u32,
        };
        let to = entry.child;
        self.blocks[number].next = to;
        match next {
            NIL => self.last = to,
            next => self.blocks[next].prev = to,
        }
        self.promote(parent, number, entry);
        Moved {
            from: number,
            to,
            places: 0..count,
        }
    }

    /// Puts a child that was split off `left` behind it, splitting nodes on the way up.
    fn promote(&mut self, mut parent: u32, mut left: u32, mut entry: Entry) {
        for level in 0.. {
            let node = &mut self.nodes[parent];
            let at = node.place_of(left);
            node.add(at, entry.count.wrapping_neg());
            if node.len() < FANOUT {
                node.insert(at + 1, entry);
                self.set_parent(level, entry.child, parent);
                return;
            }
            let right = self.split_node(level, parent, at + 1, entry);
            let grandparent = self.nodes[parent].parent;
            if grandparent == NIL {
                self.grow(parent, right);
                return;
            }
            (left, parent, entry) = (parent, grandparent, right);
        }
    }

    /// Splits a full node, puts an entry to place `at` of what it was, and returns the entry of the right half.
    fn split_node(&mut self, level: u32, number: u32, at: usize, entry: Entry) -> Entry {
        let node = &mut self.nodes[number];
        let cut = if at == FANOUT { FANOUT } else { FANOUT / 2 };
        let mut right = node.split_off(cut);
        right.parent = node.parent;
        let stays = at < cut || (at == cut && cut < FANOUT);
        if stays {
            node.insert(at, entry);
        } else {
            right.insert(at - cut, entry);
        }
        let (head, count) = (right.head(0), right.total() as u32);
        let to = self.nodes.insert(right);
        if stays {
            self.set_parent(level, entry.child, number);
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
        self.nodes[left].parent = self.root;
        self.nodes[right.child].parent = self.root;
    }

    /// Tells the children of a node of this level, from `from` on, who is above them.
    fn adopt(&mut self, level: u32, number: u32, from: usize) {
        for i in from..self.nodes[number].len() {
            let child = self.nodes[number].child(i);
            self.set_parent(level, child, number);
        }
    }

    /// `level` is that of the parent: blocks are under level 0.
    fn set_parent(&mut self, level: u32, child: u32, parent: u32) {
        if level == 0 {
            self.blocks[child].parent = parent;
        } else {
            self.nodes[child].parent = parent;
        }
    }

    /// Takes elements of one block out.
    pub(crate) fn remove(&mut self, number: u32, range: Range<usize>) -> Option<Moved> {
        let n = range.len();
        let block = &self.blocks[number];
        self.member_bytes -= block.member_bytes(&range) as u64;
        // Of the first block only: what is gone from its front is the only room that is held for nothing.
        if block.prev == NIL && range.start == 0 && n < block.len() {
            self.edit(number, |block| block.remove_front(n));
        } else {
            self.edit(number, |block| block.remove(range));
        }
        self.len -= n;
        self.count(number, (n as u32).wrapping_neg());
        let block = &self.blocks[number];
        if block.len() == 0 {
            if self.len > 0 {
                self.unlink(number);
            }
            return None;
        }
        // The ends are where elements are popped: what is left there goes soon.
        let ends = block.prev == NIL || block.next == NIL;
        if ends || block.len() >= block::MAX_LEN / 2 || block.used() >= block::MAX_BYTES / 2 {
            return None;
        }
        self.merge(number)
    }

    /// Adds to the counts above a block.
    fn count(&mut self, block: u32, by: u32) {
        let (mut child, mut number) = (block, self.blocks[block].parent);
        while number != NIL {
            let node = &mut self.nodes[number];
            node.add(node.place_of(child), by);
            (child, number) = (number, node.parent);
        }
    }

    /// Merges a block with a neighbour under the same node, if they fit together well.
    fn merge(&mut self, number: u32) -> Option<Moved> {
        let here = &self.blocks[number];
        for other in [here.next, here.prev] {
            let there = &self.blocks[other];
            if there.parent == here.parent
                && here.len() + there.len() <= block::MAX_LEN * 3 / 4
                && here.used() + there.used() <= block::MAX_BYTES * 3 / 4
            {
                let (from, to) = if here.len() < there.len() {
                    (number, other)
                } else {
                    (other, number)
                };
                return Some(self.pour(from, to));
            }
        }
        None
    }

    /// Moves all elements of a block to its neighbour, and takes the block away.
    fn pour(&mut self, from: u32, to: u32) -> Moved {
        let behind = self.blocks[to].next == from;
        let count = self.blocks[from].len();
        let old = self.edit(from, std::mem::take);
        (self.blocks[from].prev, self.blocks[from].next) = (old.prev, old.next);
        self.blocks[from].parent = old.parent;
        let start = if behind { self.blocks[to].len() } else { 0 };
        self.edit(to, |block| block.take(&old, 0..count));
        let node = &mut self.nodes[old.parent];
        let (source, target) = (node.place_of(from), node.place_of(to));
        if !behind {
            node.set_head(target, node.head(source));
        }
        node.add(target, count as u32);
        node.add(source, (count as u32).wrapping_neg());
        self.unlink(from);
        Moved {
            from,
            to,
            places: start..start + count,
        }
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
        let (mut child, mut parent) = (number, block.parent);
        for level in 0.. {
            let node = &mut self.nodes[parent];
            node.remove(node.place_of(child));
            let above = node.parent;
            if node.len() > 0 || above == NIL {
                self.join(level, parent);
                break;
            }
            self.nodes.remove(parent);
            (child, parent) = (parent, above);
        }
        while self.height > 1 && self.nodes[self.root].len() == 1 {
            let child = self.nodes[self.root].child(0);
            self.nodes.remove(self.root);
            self.root = child;
            self.nodes[child].parent = NIL;
            self.height -= 1;
        }
    }

    /// Merges nodes that are less than half full with their neighbour under the same node, from this one up.
    fn join(&mut self, mut level: u32, mut number: u32) {
        loop {
            let node = &self.nodes[number];
            let parent = node.parent;
            if parent == NIL || node.len() >= FANOUT / 2 {
                return;
            }
            let above = &self.nodes[parent];
            let at = above.place_of(number);
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
            (level, number) = (level + 1, parent);
        }
    }

    /// Gives the element at `place` another score if it belongs in the same block then; whether it does.
    pub(crate) fn rescore(&mut self, place: Place, order: u64, member: &[u8]) -> bool {
        if !self.stays(place, order, member) {
            return false;
        }
        self.edit(place.block, |block| {
            let tag = block.element(place.at).tag;
            block.remove(place.at..place.at + 1);
            let at = block.place_of(order, member);
            block.insert(
                at,
                Element {
                    key: order,
                    tag,
                    member,
                },
            );
        });
        true
    }

    /// Whether an element with another score belongs in the same block as before.
    fn stays(&self, place: Place, order: u64, member: &[u8]) -> bool {
        let block = &self.blocks[place.block];
        let last = block.len() - 1;
        let after_first = if place.at == 0 {
            block.prev == NIL
        } else {
            block.compare(0, order, member).is_lt()
        };
        let before_last = if place.at == last {
            block.next == NIL
        } else {
            block.compare(last, order, member).is_gt()
        };
        last > 0 && after_first && before_last
    }
}
