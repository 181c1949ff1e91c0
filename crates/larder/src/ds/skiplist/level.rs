//! `Node`: a block of an upper level: the heads of blocks below, with how many elements stand before each.
//!
//! What hangs under a node says as which child, so that a way up compares nothing; where children come and go, those behind
//! are told. Counts stand as sums, in groups of children and of groups: a rank reads two of each level, and a change adds
//! to what is behind it in two.
//!
//! A head is a score and the first eight bytes of a member. It need not be the first element of what is below: nothing
//! before it there is greater, nothing from there on is less. Where a searched element equals a head in both, the first
//! element below decides.

use super::search::partition;

/// Heads of a node: searched by halving, eight lines of scores wide; sums stand in four.
pub(super) const FANOUT: usize = 64;

/// Children of a group, and groups of a node: what is added to at a time.
const LANES: usize = 8;

/// All bits of the lanes behind each.
const BEHIND: [[u32; LANES]; LANES] = {
    let mut masks = [[0; LANES]; LANES];
    let mut i = 0;
    while i < LANES * LANES {
        if i % LANES > i / LANES {
            masks[i / LANES][i % LANES] = u32::MAX;
        }
        i += 1;
    }
    masks
};

/// No block, no node.
pub(super) const NIL: u32 = u32::MAX;

/// Where a block or a node hangs: under which node, and as which of its children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Above {
    pub(super) node: u32,
    at: u8,
}

impl Above {
    /// Under no node: the root.
    pub(super) const NONE: Above = Above { node: NIL, at: 0 };

    pub(super) fn new(node: u32, at: usize) -> Self {
        Above { node, at: at as u8 }
    }

    #[inline(always)]
    pub(super) fn at(self) -> usize {
        usize::from(self.at)
    }
}

impl Default for Above {
    fn default() -> Self {
        Above::NONE
    }
}

/// Where a block below begins, and what is under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) head: Head,
    pub(super) child: u32,
    pub(super) count: u32,
}

/// A score and the first bytes of a member: orders as they do, as far as it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Head {
    pub(super) key: u64,
    pub(super) prefix: u64,
}

impl Head {
    /// Before every element.
    pub(super) const LEAST: Head = Head { key: 0, prefix: 0 };

    pub(super) fn of(key: u64, member: &[u8]) -> Self {
        let mut first = [0; 8];
        let len = member.len().min(8);
        first[..len].copy_from_slice(&member[..len]);
        Head {
            key,
            prefix: u64::from_be_bytes(first),
        }
    }
}

/// See the module's text.
#[derive(Clone)]
#[repr(C, align(64))]
pub(crate) struct Node {
    /// Elements under the children before each group of `LANES`; behind the last group, what was there.
    groups: [u32; LANES],
    pub(super) above: Above,
    len: u32,
    /// Elements under all children.
    total: u32,
    keys: [u64; FANOUT],
    prefixes: [u64; FANOUT],
    children: [u32; FANOUT],
    /// Elements under the children before each in its group; behind the last child, what was there.
    sums: [u32; FANOUT],
}

impl Default for Node {
    fn default() -> Self {
        Node {
            groups: [0; LANES],
            above: Above::NONE,
            len: 0,
            total: 0,
            keys: [0; FANOUT],
            prefixes: [0; FANOUT],
            children: [NIL; FANOUT],
            sums: [0; FANOUT],
        }
    }
}

impl Node {
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    pub(super) fn head(&self, i: usize) -> Head {
        Head {
            key: self.keys[i],
            prefix: self.prefixes[i],
        }
    }

    pub(super) fn set_head(&mut self, i: usize, head: Head) {
        self.keys[i] = head.key;
        self.prefixes[i] = head.prefix;
    }

    /// Asks for what a search reads. Lines that are not in use come, too: to leave them out takes longer.
    #[inline]
    pub(super) fn approach(&self) {
        for line in self.keys.as_chunks::<8>().0 {
            crate::ds::approach(line);
        }
    }

    /// Asks for what [`Self::before`] reads, and [`Self::add`] changes.
    #[inline]
    pub(super) fn approach_sum(&self, i: usize) {
        crate::ds::approach(&self.sums[i]);
    }

    pub(super) fn child(&self, i: usize) -> u32 {
        self.children[i]
    }

    pub(super) fn entry(&self, i: usize) -> Entry {
        let behind = if i + 1 < self.len() {
            self.before(i + 1)
        } else {
            self.total()
        };
        Entry {
            head: self.head(i),
            child: self.children[i],
            count: (behind - self.before(i)) as u32,
        }
    }

    /// Adds to a child's count; a wrapped sum subtracts.
    #[inline]
    pub(super) fn add(&mut self, i: usize, by: u32) {
        let group = &mut self.sums.as_chunks_mut().0[i / LANES];
        // All lanes are added to, some of them nothing: where they begin cannot be guessed.
        for (lanes, at) in [(group, i % LANES), (&mut self.groups, i / LANES)] {
            for (sum, mask) in lanes.iter_mut().zip(&BEHIND[at]) {
                *sum = sum.wrapping_add(by & mask);
            }
        }
        self.total = self.total.wrapping_add(by);
    }

    /// Elements under the children before `i`.
    #[inline]
    pub(super) fn before(&self, i: usize) -> usize {
        (self.groups[i / LANES] + self.sums[i]) as usize
    }

    /// Elements under all children.
    pub(super) fn total(&self) -> usize {
        self.total as usize
    }

    /// The child under which the element of this rank stands, and its rank there.
    #[inline]
    pub(super) fn descend(&self, rank: usize) -> (u32, usize) {
        let groups = self.len().div_ceil(LANES);
        let group = partition(1..groups, |g| self.groups[g] as usize <= rank) - 1;
        let (rank, first) = (rank - self.groups[group] as usize, group * LANES);
        let end = self.len().min(first + LANES);
        let i = partition(first + 1..end, |i| self.sums[i] as usize <= rank) - 1;
        (self.children[i], rank - self.sums[i] as usize)
    }

    /// The last child whose head is at or before `wanted`; `decide` says whether an element with the same head as child
    /// `i` is under it or later.
    #[inline]
    pub(super) fn search(&self, wanted: Head, decide: impl Fn(u32) -> bool) -> usize {
        // The first head is before everything here.
        let keys = self.keys.get(1..self.len()).unwrap_or_default();
        let less = keys.partition_point(|&key| key < wanted.key);
        if keys.get(less) != Some(&wanted.key) {
            return less;
        }
        let (mut from, mut to) = (less + 1, self.len());
        while from < to {
            let middle = (from + to) / 2;
            let at_or_after = match self.head(middle).cmp(&wanted) {
                std::cmp::Ordering::Less => true,
                std::cmp::Ordering::Greater => false,
                std::cmp::Ordering::Equal => decide(self.children[middle]),
            };
            if at_or_after {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        from - 1
    }

    pub(super) fn insert(&mut self, i: usize, entry: Entry) {
        let (len, mut counts) = (self.len(), self.counts());
        self.keys.copy_within(i..len, i + 1);
        self.prefixes.copy_within(i..len, i + 1);
        self.children.copy_within(i..len, i + 1);
        counts.copy_within(i..len, i + 1);
        self.set_head(i, entry.head);
        (self.children[i], counts[i]) = (entry.child, entry.count);
        self.len += 1;
        self.sum_up(&counts);
    }

    /// Takes a child out. The one behind a first child takes over its head, so that what lies between is under it.
    pub(super) fn remove(&mut self, i: usize) {
        let (len, head, mut counts) = (self.len(), self.head(i), self.counts());
        self.keys.copy_within(i + 1..len, i);
        self.prefixes.copy_within(i + 1..len, i);
        self.children.copy_within(i + 1..len, i);
        counts.copy_within(i + 1..len, i);
        self.len -= 1;
        self.sum_up(&counts);
        if i == 0 {
            self.set_head(0, head);
        }
    }

    /// Elements under each child.
    fn counts(&self) -> [u32; FANOUT] {
        let mut counts = [0; FANOUT];
        for (i, count) in counts[..self.len()].iter_mut().enumerate() {
            *count = self.entry(i).count;
        }
        counts
    }

    /// Makes the sums anew.
    fn sum_up(&mut self, counts: &[u32; FANOUT]) {
        self.total = 0;
        let all = self.sums[..self.len as usize].iter_mut().zip(counts);
        for (i, (sum, count)) in all.enumerate() {
            let group = &mut self.groups[i / LANES];
            if i % LANES == 0 {
                *group = self.total;
            }
            *sum = self.total - *group;
            self.total += count;
        }
    }

    /// Moves the children from `at` on to a node of their own.
    pub(super) fn split_off(&mut self, at: usize) -> Node {
        let mut right = Node::default();
        for i in at..self.len() {
            right.insert(i - at, self.entry(i));
        }
        self.total -= right.total;
        self.len = at as u32;
        right
    }
}
