//! `Ranking`: the keys with the highest or the lowest access counters among many.
//!
//! Counters have two bits, so keys are sorted by putting them into one of four lists; a key that cannot be among those
//! wanted is not asked for.
//!
//! Cost: four lengths are added up per entry that is offered; at most four times as many keys as wanted are held.

use super::table::COUNTER_MAX;

/// Which end of a ranking is wanted.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Hottest,
    Coldest,
}

/// Up to so many keys, those with the highest or the lowest counters.
pub(crate) struct Ranking<K> {
    end: End,
    most: usize,
    by_rank: [Vec<K>; COUNTER_MAX as usize + 1],
}

impl<K> Ranking<K> {
    pub(crate) fn new(end: End, most: usize) -> Self {
        Ranking {
            end,
            most,
            by_rank: Default::default(),
        }
    }

    /// Takes notice of an entry; asks for its key only where that may be among those wanted.
    pub(crate) fn offer(&mut self, counter: u32, key: impl FnOnce() -> K) {
        let rank = match self.end {
            End::Hottest => COUNTER_MAX - counter,
            End::Coldest => counter,
        } as usize;
        let before: usize = self.by_rank[..=rank].iter().map(Vec::len).sum();
        if before < self.most {
            self.by_rank[rank].push(key());
        }
    }

    /// The keys, the end that was wanted first.
    pub(crate) fn into_keys(self) -> Vec<K> {
        self.by_rank.into_iter().flatten().take(self.most).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ranking_keeps_the_best_however_they_come() {
        let counters = [1, 0, 3, 2, 3, 0, 1];
        let ranked = |end, most| {
            let mut ranking = Ranking::new(end, most);
            for counter in counters {
                ranking.offer(counter, || counter);
            }
            ranking.into_keys()
        };
        for most in 0..9 {
            let mut sorted = counters.to_vec();
            sorted.sort_unstable();
            assert_eq!(ranked(End::Coldest, most), sorted[..most.min(7)]);
            sorted.reverse();
            assert_eq!(ranked(End::Hottest, most), sorted[..most.min(7)]);
        }
    }
}
