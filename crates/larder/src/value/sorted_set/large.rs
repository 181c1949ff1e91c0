//! `Large`: a sorted set of many elements: the list that orders them, and the index that finds them by name.
//!
//! The index names the block of each member by its hash; in the block, eight bits of the same hash find its place.

use std::ops::Range;

use ahash::RandomState;

use crate::ds::index::Index;
use crate::ds::skiplist::{Moved, Place, SkipList, order_of};

/// See the module's text.
#[derive(Clone)]
pub(super) struct Large {
    pub(super) list: SkipList,
    index: Index,
    /// Bytes of all members.
    pub(super) member_bytes: usize,
}

/// The bits of a member's hash that the index keeps.
fn hash_of(hasher: &RandomState, member: &[u8]) -> u32 {
    (hasher.hash_one(member) >> 40) as u32
}

/// The bits of them that stand in the block.
fn tag_of(hash: u32) -> u8 {
    hash as u8
}

impl Large {
    pub(super) fn new() -> Self {
        Large {
            list: SkipList::new(),
            index: Index::new(),
            member_bytes: 0,
        }
    }

    /// Bytes held on the heap.
    pub(super) fn bytes(&self) -> u64 {
        self.list.bytes() + self.index.bytes() + size_of::<Large>() as u64 + 16
    }

    pub(super) fn growth(&self, elements: usize, bytes: usize) -> u64 {
        self.list.growth(elements, bytes) + self.index.growth(elements)
    }

    pub(super) fn find(&self, hasher: &RandomState, member: &[u8]) -> Option<Place> {
        let hash = hash_of(hasher, member);
        self.index.find(hash, |block| {
            self.list.approach(block);
            self.list.find(block, tag_of(hash), member)
        })
    }

    /// Adds an element that is not there.
    pub(super) fn insert(&mut self, hasher: &RandomState, member: &[u8], score: f64) {
        let hash = hash_of(hasher, member);
        self.index.approach(hash);
        let (block, moved) = self.list.insert(order_of(score), tag_of(hash), member);
        self.index.insert(hash, block);
        self.member_bytes += member.len();
        self.follow(hasher, moved);
    }

    /// Names the blocks in which members stand now.
    fn follow(&mut self, hasher: &RandomState, moved: Option<Moved>) {
        let Some(Moved { from, to, places }) = moved else {
            return;
        };
        let member = |at| self.list.member(Place { block: to, at });
        let hashes: Vec<u32> = places.map(|at| hash_of(hasher, member(at))).collect();
        for &hash in &hashes {
            self.index.approach(hash);
        }
        for hash in hashes {
            self.index.replace(hash, from, to);
        }
    }

    pub(super) fn rescore(
        &mut self,
        hasher: &RandomState,
        place: Place,
        member: &[u8],
        score: f64,
    ) {
        let order = order_of(score);
        if self.list.rescore(place, order, member) {
            return;
        }
        let hash = hash_of(hasher, member);
        self.index.remove(hash, place.block);
        let merged = self.list.remove(place.block, place.at..place.at + 1);
        self.follow(hasher, merged);
        let (block, moved) = self.list.insert(order, tag_of(hash), member);
        self.index.insert(hash, block);
        self.follow(hasher, moved);
    }

    /// Takes the element at a place out.
    pub(super) fn take(&mut self, hasher: &RandomState, place: Place) {
        self.take_run(hasher, place, 1);
    }

    fn take_run(&mut self, hasher: &RandomState, place: Place, n: usize) {
        for at in place.at..place.at + n {
            let member = self.list.member(Place { at, ..place });
            self.member_bytes -= member.len();
            self.index.remove(hash_of(hasher, member), place.block);
        }
        let moved = self.list.remove(place.block, place.at..place.at + n);
        self.follow(hasher, moved);
    }

    /// Takes the elements of these ranks out, block by block.
    pub(super) fn remove(&mut self, hasher: &RandomState, ranks: Range<usize>) {
        let mut left = ranks.len();
        while left > 0 {
            let place = self.list.place_of_rank(ranks.start);
            let here = left.min(self.list.len_of(place.block) - place.at);
            self.take_run(hasher, place, here);
            left -= here;
        }
        if ranks.start == 0 && self.list.len() > 0 {
            // What is popped next: its index line is wanted then.
            let first = self.list.member(self.list.place_of_rank(0));
            self.index.approach(hash_of(hasher, first));
        }
    }

    pub(super) fn rank_of(&self, score: f64, member: &[u8]) -> usize {
        self.list.rank_of(order_of(score), member)
    }

    /// How many members come before `member`, where scores may differ but members are in order all the same.
    pub(super) fn rank_by_member(&self, member: &[u8]) -> usize {
        if let Some((first, last)) = self.list.extremes()
            && first == last
        {
            return self.rank_of(first, member);
        }
        let (mut from, mut to) = (0, self.list.len());
        while from < to {
            let middle = (from + to) / 2;
            if self.list.member(self.list.place_of_rank(middle)) < member {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        from
    }

    /// How many elements have this score or a lower one.
    pub(super) fn rank_above(&self, score: f64) -> usize {
        self.list.rank_of(order_of(score) + 1, b"")
    }

    pub(super) fn scan<'a>(
        &'a self,
        hasher: &RandomState,
        cursor: u32,
        count: usize,
        mut visit: impl FnMut(&'a [u8], f64),
    ) -> u32 {
        self.index.scan(cursor, count, |hash, block| {
            for place in self.list.tagged(block, tag_of(hash)) {
                let member = self.list.member(place);
                if hash_of(hasher, member) == hash {
                    visit(member, self.list.score(place));
                }
            }
        })
    }

    #[cfg(test)]
    pub(super) fn assert_invariants(&self, hasher: &RandomState) {
        self.list.assert_invariants();
        self.index.assert_invariants();
        let mut pairs = Vec::new();
        for rank in 0..self.list.len() {
            let place = self.list.place_of_rank(rank);
            let hash = hash_of(hasher, self.list.member(place));
            assert!(
                self.list
                    .tagged(place.block, tag_of(hash))
                    .any(|at| at == place)
            );
            pairs.push((hash, place.block));
        }
        pairs.sort_unstable();
        assert_eq!(self.index.pairs(), pairs);
    }
}
