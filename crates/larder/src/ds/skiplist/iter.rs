//! `Iter`: elements in order, from either end.

use std::ops::Range;

use super::{SkipList, Spot, score_of};

/// Of so many elements, the lines are not asked for ahead: there may be less of them than in a block.
const FEW: usize = 8;

/// The elements of some ranks; a block is looked up once, the next one asked for ahead.
#[derive(Clone)]
pub(crate) struct Iter<'a> {
    list: &'a SkipList,
    /// The first element that was not handed out; looked up when it is asked for.
    front: Option<Spot>,
    /// The spot behind the last that was not handed out.
    back: Option<Spot>,
    ranks: Range<usize>,
}

impl<'a> Iter<'a> {
    pub(super) fn new(list: &'a SkipList, ranks: Range<usize>) -> Self {
        let to = ranks.end.min(list.len());
        Iter {
            list,
            front: None,
            back: None,
            ranks: ranks.start.min(to)..to,
        }
    }

    /// Runs `visit` on all elements, block by block.
    #[inline]
    pub(crate) fn visit(self, mut visit: impl FnMut(&'a [u8], f64)) {
        let mut left = self.ranks.len();
        if left == 0 {
            return;
        }
        let list = self.list;
        let Spot { block, mut at } = list.spot_of_rank(self.ranks.start);
        let mut block = &list.blocks[block];
        // Elements are in the order of slots, and so on all lines of a block.
        if left > FEW {
            block.approach_all();
        }
        loop {
            let here = left.min(block.len() - at);
            left -= here;
            if left > 0 {
                list.blocks[block.next].approach_all();
            }
            block.visit(at..at + here, |member, key| visit(member, score_of(key)));
            if left == 0 {
                return;
            }
            block = &list.blocks[block.next];
            at = 0;
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.ranks.is_empty() {
            return None;
        }
        let list = self.list;
        let mut spot = match self.front {
            Some(spot) => spot,
            None => list.spot_of_rank(self.ranks.start),
        };
        if spot.at == list.blocks[spot.block].len() {
            spot = Spot {
                block: list.blocks[spot.block].next,
                at: 0,
            };
            let next = list.blocks[spot.block].next;
            if self.ranks.len() > super::block::MAX_LEN && next != super::NIL {
                list.blocks[next].approach_all();
            }
        }
        self.ranks.start += 1;
        self.front = Some(Spot {
            at: spot.at + 1,
            ..spot
        });
        let block = &list.blocks[spot.block];
        let slot = block.slot(spot.at);
        Some((block.member_in(slot), score_of(block.key_in(slot))))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.ranks.len(), Some(self.ranks.len()))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.ranks.is_empty() {
            return None;
        }
        let list = self.list;
        let mut spot = match self.back {
            Some(spot) => spot,
            None => {
                let last = list.spot_of_rank(self.ranks.end - 1);
                Spot {
                    at: last.at + 1,
                    ..last
                }
            }
        };
        if spot.at == 0 {
            let block = list.blocks[spot.block].prev;
            spot = Spot {
                block,
                at: list.blocks[block].len(),
            };
            let prev = list.blocks[block].prev;
            if self.ranks.len() > super::block::MAX_LEN && prev != super::NIL {
                list.blocks[prev].approach_all();
            }
        }
        spot.at -= 1;
        self.ranks.end -= 1;
        self.back = Some(spot);
        let block = &list.blocks[spot.block];
        let slot = block.slot(spot.at);
        Some((block.member_in(slot), score_of(block.key_in(slot))))
    }
}

impl ExactSizeIterator for Iter<'_> {}
