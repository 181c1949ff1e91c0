//! `Iter`: elements in order, from either end.

use std::ops::Range;

use super::{Place, SkipList, score_of};

/// The elements of some ranks; a block is looked up once, the next one asked for ahead.
#[derive(Clone)]
pub(crate) struct Iter<'a> {
    list: &'a SkipList,
    /// The first element that was not handed out; looked up when it is asked for.
    front: Option<Place>,
    /// The place behind the last that was not handed out.
    back: Option<Place>,
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
        let Place { block, mut at } = list.place_of_rank(self.ranks.start);
        let mut block = &list.blocks[block];
        loop {
            let here = left.min(block.len() - at);
            left -= here;
            if left > 0 {
                list.blocks[block.next].approach();
            }
            for i in at..at + here {
                visit(block.member(i), score_of(block.key(i)));
            }
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
        let mut place = match self.front {
            Some(place) => place,
            None => list.place_of_rank(self.ranks.start),
        };
        if place.at == list.blocks[place.block].len() {
            place = Place {
                block: list.blocks[place.block].next,
                at: 0,
            };
            let next = list.blocks[place.block].next;
            if self.ranks.len() > super::block::MAX_LEN && next != super::NIL {
                list.approach(next);
            }
        }
        self.ranks.start += 1;
        self.front = Some(Place {
            at: place.at + 1,
            ..place
        });
        let block = &list.blocks[place.block];
        Some((block.member(place.at), score_of(block.key(place.at))))
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
        let mut place = match self.back {
            Some(place) => place,
            None => {
                let last = list.place_of_rank(self.ranks.end - 1);
                Place {
                    at: last.at + 1,
                    ..last
                }
            }
        };
        if place.at == 0 {
            let block = list.blocks[place.block].prev;
            place = Place {
                block,
                at: list.blocks[block].len(),
            };
            let prev = list.blocks[block].prev;
            if self.ranks.len() > super::block::MAX_LEN && prev != super::NIL {
                list.approach(prev);
            }
        }
        place.at -= 1;
        self.ranks.end -= 1;
        self.back = Some(place);
        let block = &list.blocks[place.block];
        Some((block.member(place.at), score_of(block.key(place.at))))
    }
}

impl ExactSizeIterator for Iter<'_> {}
