//! `Node`: a block of an upper level: the heads of blocks below, with how many elements stand under each.
//!
//! A head is a score and the first eight bytes of a member. It need not be the first element of what is below: nothing
//! before it there is greater, nothing from there on is less. Where a searched element equals a head in both, the first
//! element below decides.

/// Heads of a node: searched by halving, four lines of scores wide at most; counts add up in a few lines.
pub(super) const FANOUT: usize = 64;

/// No block, no node.
pub(super) const NIL: u32 = u32::MAX;

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
pub(crate) struct Node {
    keys: [u64; FANOUT],
    prefixes: [u64; FANOUT],
    children: [u32; FANOUT],
    counts: [u32; FANOUT],
    pub(super) parent: u32,
    len: u32,
}

impl Default for Node {
    fn default() -> Self {
        Node {
            keys: [0; FANOUT],
            prefixes: [0; FANOUT],
            children: [NIL; FANOUT],
            counts: [0; FANOUT],
            parent: NIL,
            len: 0,
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

    /// Asks for what a search reads.
    #[inline]
    pub(super) fn approach(&self) {
        for line in self.keys[..self.len()].chunks(8) {
            crate::ds::approach(&line[0]);
        }
    }

    /// Asks for what finding a child and adding counts reads.
    #[inline]
    pub(super) fn approach_counts(&self) {
        for lines in [&self.children, &self.counts] {
            for line in lines[..self.len()].chunks(16) {
                crate::ds::approach(&line[0]);
            }
        }
    }

    pub(super) fn child(&self, i: usize) -> u32 {
        self.children[i]
    }

    pub(super) fn entry(&self, i: usize) -> Entry {
        Entry {
            head: self.head(i),
            child: self.children[i],
            count: self.counts[i],
        }
    }

    /// The place of a child. All are compared, some at a time: where it is cannot be guessed.
    #[inline]
    pub(super) fn place_of(&self, child: u32) -> usize {
        let place = |(at, &here): (usize, &u32)| if here == child { at as u32 } else { 0 };
        let places = self.children.iter().enumerate().map(place);
        let place = places.fold(0, |found, place| found | place) as usize;
        debug_assert_eq!(self.children[place], child, "a child stands in its node");
        place
    }

    /// Adds to a child's count; a wrapped sum subtracts.
    #[inline]
    pub(super) fn add(&mut self, i: usize, by: u32) {
        self.counts[i] = self.counts[i].wrapping_add(by);
    }

    /// Elements under the children before `i`.
    #[inline]
    pub(super) fn before(&self, i: usize) -> usize {
        // In 32 bits, four at a time: the index of names has no room for as many elements as they can count.
        let count = |(at, &count): (usize, &u32)| if (at as u32) < i as u32 { count } else { 0 };
        let counts = self.counts.iter().enumerate().map(count);
        counts.fold(0_u32, u32::wrapping_add) as usize
    }

    /// Elements under all children.
    pub(super) fn total(&self) -> usize {
        self.before(self.len())
    }

    /// The child under which the element of this rank stands, and its rank there.
    pub(super) fn descend(&self, mut rank: usize) -> (u32, usize) {
        let last = self.len() - 1;
        let mut i = 0;
        while i < last && rank >= self.counts[i] as usize {
            rank -= self.counts[i] as usize;
            i += 1;
        }
        (self.children[i], rank)
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
        let len = self.len();
        self.keys.copy_within(i..len, i + 1);
        self.prefixes.copy_within(i..len, i + 1);
        self.children.copy_within(i..len, i + 1);
        self.counts.copy_within(i..len, i + 1);
        self.set_head(i, entry.head);
        self.children[i] = entry.child;
        self.counts[i] = entry.count;
        self.len += 1;
    }

    /// Takes a child out. The one behind a first child takes over its head, so that what lies between is under it.
    pub(super) fn remove(&mut self, i: usize) {
        let (len, head) = (self.len(), self.head(i));
        self.keys.copy_within(i + 1..len, i);
        self.prefixes.copy_within(i + 1..len, i);
        self.children.copy_within(i + 1..len, i);
        self.counts.copy_within(i + 1..len, i);
        self.len -= 1;
        self.children[len - 1] = NIL;
        if i == 0 {
            self.set_head(0, head);
        }
    }

    /// Moves the children from `at` on to a node of their own.
    pub(super) fn split_off(&mut self, at: usize) -> Node {
        let mut right = Node::default();
        for i in at..self.len() {
            right.insert(i - at, self.entry(i));
        }
        self.children[at..].fill(NIL);
        self.len = at as u32;
        right
    }
}
