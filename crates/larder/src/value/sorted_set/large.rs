//! `Large`: a sorted set of many elements: the list that orders them, and the index that finds them by name.
//!
//! The index names the place of each member by its hash. An element keeps its place while it is in its block; of those
//! that a split or a merge moves, the index is told.
//!
//! Cost, in lines that are not near: a look-up waits for one of the index, then for the element's; a change for those,
//! and meanwhile for the block in which the element belongs.

use std::ops::Range;

use ahash::RandomState;

use super::Direction;
use crate::ds::index::Index;
use crate::ds::skiplist::{Move, Place, SkipList, Spot, order_of};

/// So many elements ahead of those that are popped off an end, the line of the index is asked for, and the member at
/// twice the distance.
const AHEAD: usize = 4;

/// See the module's text.
#[derive(Clone)]
pub(super) struct Large {
    pub(super) list: SkipList,
    index: Index,
}

/// Where a member is, and where it belongs with another score; valid until the next change.
pub(super) struct Sought {
    hash: u32,
    pub(super) place: Option<Place>,
    order: u64,
    block: u32,
}

/// The bits of a member's hash that the index keeps.
#[inline]
fn hash_of(hasher: &RandomState, member: &[u8]) -> u32 {
    (hasher.hash_one(member) >> 40) as u32
}

impl Large {
    pub(super) fn new() -> Self {
        Large {
            list: SkipList::new(),
            index: Index::new(),
        }
    }

    /// Bytes held on the heap.
    pub(super) fn bytes(&self) -> u64 {
        self.list.bytes() + self.index.bytes() + size_of::<Large>() as u64 + 16
    }

    pub(super) fn growth(&self, elements: usize, bytes: usize) -> u64 {
        self.list.growth(elements, bytes) + self.index.growth(elements)
    }

    #[inline]
    pub(super) fn find(&self, hasher: &RandomState, member: &[u8]) -> Option<Place> {
        self.find_hashed(hash_of(hasher, member), member)
    }

    /// How many elements come before a member, and its score.
    pub(super) fn rank(&self, hasher: &RandomState, member: &[u8]) -> Option<(usize, f64)> {
        let place = self.index.find(hash_of(hasher, member), |number| {
            let place = Place::numbered(number);
            self.list.approach_rank(place);
            self.list.holds(place, member).then_some(place)
        })?;
        Some((self.list.rank(place), self.list.score(place)))
    }

    #[inline]
    fn find_hashed(&self, hash: u32, member: &[u8]) -> Option<Place> {
        self.index.find(hash, |number| {
            let place = Place::numbered(number);
            self.list.holds(place, member).then_some(place)
        })
    }

    /// Looks a member up that is to have a score.
    pub(super) fn seek(&self, hasher: &RandomState, member: &[u8], score: f64) -> Sought {
        let (hash, order) = (hash_of(hasher, member), order_of(score));
        // The lines of the index come while the list is searched.
        self.index.approach(hash);
        let block = self.list.block_for(order, member);
        Sought {
            hash,
            place: self.find_hashed(hash, member),
            order,
            block,
        }
    }

    /// Gives the member that was sought the score.
    pub(super) fn put(&mut self, hasher: &RandomState, sought: &Sought, member: &[u8]) {
        let mut moved = Vec::new();
        let Sought {
            hash, order, block, ..
        } = *sought;
        if let Some(place) = sought.place
            && self.list.rescore(place, block, order, member)
        {
            return;
        }
        match sought.place {
            Some(place) => self.list.approach_rank(place),
            None => self.index.approach_change(hash),
        }
        let to = self.list.insert(block, order, member, &mut moved);
        let Some(mut from) = sought.place else {
            self.index.insert(hash, to.number());
            self.follow(hasher, &moved);
            return;
        };
        // What made room for it may have moved what it was.
        for step in &moved {
            if step.from == from {
                from = step.to;
            }
        }
        self.follow(hasher, &moved);
        self.index.replace(hash, from.number(), to.number());
        moved.clear();
        self.list.take(from, &mut moved);
        self.follow(hasher, &moved);
    }

    /// Adds an element that is not there.
    pub(super) fn insert(&mut self, hasher: &RandomState, member: &[u8], score: f64) {
        let sought = self.seek(hasher, member, score);
        self.put(hasher, &sought, member);
    }

    /// Names the places in which members stand now.
    fn follow(&mut self, hasher: &RandomState, moved: &[Move]) {
        if moved.is_empty() {
            return;
        }
        let steps = moved.iter();
        let hashes: Vec<u32> = steps
            .map(|step| hash_of(hasher, self.list.member(step.to)))
            .collect();
        for &hash in &hashes {
            self.index.approach(hash);
        }
        for (hash, step) in hashes.into_iter().zip(moved) {
            self.index
                .replace(hash, step.from.number(), step.to.number());
        }
    }

    /// Takes the element at a place out.
    pub(super) fn take(&mut self, hasher: &RandomState, place: Place) {
        let hash = hash_of(hasher, self.list.member(place));
        self.list.approach_rank(place);
        self.index.remove(hash, place.number());
        let mut moved = Vec::new();
        self.list.take(place, &mut moved);
        self.follow(hasher, &moved);
    }

    /// Takes the element at one end, which there is, out, and returns its score.
    pub(super) fn pop(
        &mut self,
        hasher: &RandomState,
        end: Direction,
        show: impl FnOnce(&[u8]),
    ) -> f64 {
        let spot = match end {
            Direction::Up => self.list.first(),
            Direction::Down => self.list.last(),
        };
        let place = self.list.place(spot);
        let member = self.list.member(place);
        show(member);
        let (hash, score) = (hash_of(hasher, member), self.list.score(place));
        self.index.remove(hash, place.number());
        let mut moved = Vec::new();
        self.list
            .remove(spot.block, spot.at..spot.at + 1, &mut moved);
        self.follow(hasher, &moved);
        self.approach_end(hasher, end);
        score
    }

    /// Asks for what popping off this end looks at soon.
    #[inline]
    fn approach_end(&self, hasher: &RandomState, end: Direction) {
        if let Some(member) = self.list.ahead(end == Direction::Up, AHEAD) {
            self.index.approach(hash_of(hasher, member));
        }
    }

    fn take_run(&mut self, hasher: &RandomState, spot: Spot, n: usize) {
        for at in spot.at..spot.at + n {
            let place = self.list.place(Spot { at, ..spot });
            let hash = hash_of(hasher, self.list.member(place));
            self.index.remove(hash, place.number());
        }
        let mut moved = Vec::new();
        self.list
            .remove(spot.block, spot.at..spot.at + n, &mut moved);
        self.follow(hasher, &moved);
    }

    /// Takes the elements of these ranks out, block by block.
    pub(super) fn remove(&mut self, hasher: &RandomState, ranks: Range<usize>) {
        let mut left = ranks.len();
        while left > 0 {
            let spot = self.list.spot_of_rank(ranks.start);
            let here = left.min(self.list.len_of(spot.block) - spot.at);
            self.take_run(hasher, spot, here);
            left -= here;
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
            let place = self.list.place(self.list.spot_of_rank(middle));
            if self.list.member(place) < member {
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
        cursor: u32,
        count: usize,
        mut visit: impl FnMut(&'a [u8], f64),
    ) -> u32 {
        self.index.scan(cursor, count, |_, number| {
            let place = Place::numbered(number);
            visit(self.list.member(place), self.list.score(place));
        })
    }

    #[cfg(test)]
    pub(super) fn assert_invariants(&self, hasher: &RandomState) {
        self.list.assert_invariants();
        self.index.assert_invariants();
        let places = (0..self.list.len()).map(|rank| self.list.place(self.list.spot_of_rank(rank)));
        let mut pairs: Vec<_> = places
            .map(|place| (hash_of(hasher, self.list.member(place)), place.number()))
            .collect();
        pairs.sort_unstable();
        assert_eq!(self.index.pairs(), pairs);
    }
}
