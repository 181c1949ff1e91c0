//! `Tags`: groups of entries that become invalid at once, at the price of one write.
//!
//! An entry remembers its tags and the epoch at which its load began ([`Stamp`]). Invalidating a tag begins a new epoch
//! and notes it beside the tag. An entry is valid if none of its tags was invalidated in a later epoch than its own. So
//! nobody looks for the entries of a tag, a load that was under way is covered, and tags that were never invalidated
//! take no room, were there millions.
//!
//! ```text
//! tag -> 64-bit hash -> bucket (one cache line)   [ way way way way way way way | floor ]
//!                                          way = 20 bits of the hash | 44 bits of epoch
//! ```
//!
//! The registry is bounded: a bucket that is full forgets its oldest invalidation and lifts its floor to that epoch.
//! A tag that is not found is judged by the floor, so that forgetting can make a valid entry invalid, never the other
//! way round. Equal hashes err on the same side.
//!
//! There is no lock: a way is one word, replaced by compare-and-swap after the floor was lifted; a reader looks at the
//! floor after the ways. There are two ledgers under one count of epochs: all invalidations, and those for good.
//!
//! Cost: nothing but one load while nothing was invalidated since an entry was last looked at; otherwise one or two cache
//! lines per tag, once: an entry found valid is stamped anew, unless an invalidation is just being noted.
//! An invalidation writes four words.

use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use ahash::RandomState;

/// Ways of a bucket: with the floor they fill a cache line.
const WAYS: usize = 7;
/// Bits of an epoch in a way: at a million invalidations a second they last for 200 days.
const EPOCH_BITS: u32 = 44;
/// The last epoch: once it is reached, whatever has a tag is invalid.
const LAST_EPOCH: u64 = (1 << EPOCH_BITS) - 1;
/// Invalidated tags that a registry remembers unless told otherwise; its two ledgers then take 1 MiB.
const CAPACITY: usize = WAYS << 13;

/// A tag: the hash of its name, with which entries carry it.
///
/// ```
/// use larder::Tag;
///
/// assert_eq!(Tag::new("user:7"), Tag::from("user:7"));
/// assert_ne!(Tag::new("user:7"), Tag::new("user:8"));
/// ```
///
/// # Consistency
///
/// Hashes are seeded anew in every process: do not store them. Two names may have one hash, once in 2⁶⁴ pairs; then
/// invalidating one invalidates the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag(NonZeroU64);

impl Tag {
    /// The tag of a name.
    ///
    /// ```
    /// assert_eq!(larder::Tag::new("a"), larder::Tag::new(b"a"));
    /// ```
    ///
    /// # Cost
    ///
    /// One hash of the name; no allocation.
    #[must_use]
    pub fn new(name: impl AsRef<[u8]>) -> Self {
        Tag::of(name.as_ref())
    }

    /// The tag of whatever has a hash.
    pub(crate) fn of(name: impl Hash) -> Self {
        static SEEDS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Tag(NonZeroU64::new(SEEDS.hash_one(name)).unwrap_or(NonZeroU64::MIN))
    }
}

impl<N: AsRef<[u8]> + ?Sized> From<&N> for Tag {
    fn from(name: &N) -> Self {
        Tag::new(name)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({:016x})", self.0)
    }
}

/// What an entry remembers of its tags: which they are, and when its load began.
///
/// ```
/// use larder::Tags;
///
/// let tags = Tags::new();
/// let stamp = tags.stamp(["user:7".into(), "org:1".into()]);
/// assert!(tags.is_valid(&stamp));
/// tags.invalidate("org:1");
/// assert!(!tags.is_valid(&stamp));
/// ```
#[derive(Debug, Default)]
pub struct Stamp {
    /// None of the tags was invalidated between the load and this epoch: a check that finds so lifts it.
    epoch: AtomicU64,
    /// At hand, so that a check of an entry with one tag follows no pointer.
    first: Option<Tag>,
    /// Behind a thin pointer, since most entries have none.
    others: Option<Box<Box<[Tag]>>>,
}

impl Clone for Stamp {
    fn clone(&self) -> Self {
        Stamp {
            epoch: AtomicU64::new(self.epoch()),
            first: self.first,
            others: self.others.clone(),
        }
    }
}

impl Stamp {
    pub(crate) fn new(epoch: u64, tags: impl IntoIterator<Item = Tag>) -> Self {
        let mut tags = tags.into_iter();
        let first = tags.next();
        let others: Box<[Tag]> = tags.collect();
        Stamp {
            epoch: AtomicU64::new(epoch),
            first,
            others: (!others.is_empty()).then(|| Box::new(others)),
        }
    }

    #[inline]
    fn tags(&self) -> impl Iterator<Item = Tag> {
        let others = self.others.iter().flat_map(|others| others.iter());
        self.first.into_iter().chain(others.copied())
    }

    #[inline]
    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// The same with more tags.
    pub(crate) fn with(self, tags: impl Iterator<Item = Tag>) -> Self {
        Stamp::new(self.epoch(), self.tags().chain(tags))
    }

    /// The same with no tags but these; `None` if it has no others.
    pub(crate) fn without_others(&self, tags: impl Iterator<Item = Tag>) -> Option<Self> {
        let tags: Vec<Tag> = tags.collect();
        (tags.len() < self.tags().count()).then(|| Stamp::new(self.epoch(), tags))
    }

    /// Bytes behind the stamp.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        let others = self.others.iter();
        let blocks = others.map(|others| size_of::<Box<[Tag]>>() + size_of_val(&***others));
        blocks.sum()
    }
}

/// How a stamp stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validity {
    Valid,
    /// Invalidated softly: good as a fallback.
    Outdated,
    Invalid,
}

/// Ways, and the floor; see the module's text.
#[derive(Default)]
#[repr(align(64))]
struct Bucket([AtomicU64; WAYS + 1]);

/// One kind of invalidation: the last epochs of the tags that were invalidated.
struct Ledger {
    buckets: Box<[Bucket]>,
}

impl Ledger {
    fn new(buckets: usize) -> Self {
        Ledger {
            buckets: (0..buckets).map(|_| Bucket::default()).collect(),
        }
    }

    fn of(&self, tag: Tag) -> (&[AtomicU64; WAYS + 1], u64) {
        let hash = tag.0.get();
        let bucket = hash as usize & (self.buckets.len() - 1);
        (&self.buckets[bucket].0, hash >> EPOCH_BITS)
    }

    /// Notes that a tag was invalidated.
    fn note(&self, tag: Tag, epoch: u64) {
        let (bucket, print) = self.of(tag);
        let way = print << EPOCH_BITS | epoch;
        loop {
            let words = bucket[..WAYS].iter().map(|way| way.load(Ordering::Acquire));
            let own = words.clone().position(|word| is_of(word, print));
            let Some((place, held)) = own
                .map(|place| (place, bucket[place].load(Ordering::Acquire)))
                .or_else(|| words.enumerate().min_by_key(|(_, word)| word & LAST_EPOCH))
            else {
                return;
            };
            if is_of(held, print) && held & LAST_EPOCH >= epoch {
                return;
            }
            if !is_of(held, print) {
                bucket[WAYS].fetch_max(held & LAST_EPOCH, Ordering::AcqRel);
            }
            if bucket[place]
                .compare_exchange(held, way, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
            {
                return;
            }
        }
    }

    /// Whether a tag was invalidated, or may have been, after an epoch.
    #[inline]
    fn is_later(&self, tag: Tag, epoch: u64) -> bool {
        let (bucket, print) = self.of(tag);
        let later = |way: &AtomicU64| {
            let word = way.load(Ordering::Acquire);
            is_of(word, print) && word & LAST_EPOCH > epoch
        };
        // The floor last: it was lifted before a way was given to another tag.
        bucket[..WAYS].iter().any(later) || bucket[WAYS].load(Ordering::Acquire) > epoch
    }
}

/// Whether a way holds a tag; an empty one holds none.
#[inline]
fn is_of(word: u64, print: u64) -> bool {
    word >> EPOCH_BITS == print && word & LAST_EPOCH != 0
}

struct Registry {
    /// The last epoch that an invalidation was given.
    epoch: AtomicU64,
    /// How many invalidations have been noted. If it is as high as `epoch` was afterwards, all up to that one are in the
    /// ledgers.
    noted: AtomicU64,
    /// Invalidations for good.
    hard: Ledger,
    /// All invalidations, so that a look at a valid entry's tags ends here.
    any: Ledger,
}

/// A registry of tags, by which caches, memoized functions and stores invalidate groups of entries at once.
///
/// A handle: clones share one registry.
///
/// ```
/// use larder::{Cache, Loaded, Tags};
///
/// let tags = Tags::new();
/// let users: Cache<u32, String> = Cache::builder().max_entries(100).tags(&tags).build()?;
/// users.insert_loaded(7, Loaded::new("Ada".to_owned()).tag("org:1"));
/// assert_eq!(users.get(&7).as_deref(), Some("Ada"));
/// tags.invalidate("org:1");
/// assert_eq!(users.get(&7), None);
/// # Ok::<(), larder::BuildError>(())
/// ```
///
/// # Consistency
///
/// What was loaded or inserted before an invalidation is invalid for every call that begins after it returned, and so
/// is what a load brings that began before it. A registry remembers a bounded number of invalidated tags; once it
/// forgets one, entries that are older than that invalidation may be invalid without need, never valid without right.
#[derive(Clone)]
pub struct Tags {
    registry: Arc<Registry>,
}

impl Tags {
    /// A registry that remembers some 57,000 invalidated tags, in 1 MiB.
    ///
    /// ```
    /// let tags = larder::Tags::new();
    /// tags.invalidate("a");
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Tags::with_capacity(CAPACITY)
    }

    /// A registry that remembers about so many invalidated tags, in 18 to 37 bytes each; tags that were not invalidated take
    /// no room.
    ///
    /// ```
    /// let tags = larder::Tags::with_capacity(1000);
    /// tags.invalidate("a");
    /// ```
    #[must_use]
    pub fn with_capacity(invalidated: usize) -> Self {
        let buckets = invalidated.div_ceil(WAYS).clamp(1, 1 << 32);
        let buckets = buckets.next_power_of_two();
        Tags {
            registry: Arc::new(Registry {
                epoch: AtomicU64::new(0),
                noted: AtomicU64::new(0),
                hard: Ledger::new(buckets),
                any: Ledger::new(buckets),
            }),
        }
    }

    /// The registry of the whole process, for those who need no other.
    ///
    /// ```
    /// larder::Tags::shared().invalidate("org:1");
    /// ```
    pub fn shared() -> &'static Tags {
        static SHARED: LazyLock<Tags> = LazyLock::new(Tags::new);
        &SHARED
    }

    /// Makes every entry with a tag invalid.
    ///
    /// ```
    /// let tags = larder::Tags::new();
    /// let stamp = tags.stamp(["a".into()]);
    /// tags.invalidate("a");
    /// assert!(!tags.is_valid(&stamp));
    /// ```
    ///
    /// # Cost
    ///
    /// O(1), however many entries have the tag: two cache lines; no lock. The entries leave when they are asked for,
    /// evicted, or expire.
    pub fn invalidate(&self, tag: impl Into<Tag>) {
        let (tag, epoch) = (tag.into(), self.next_epoch());
        self.registry.hard.note(tag, epoch);
        self.registry.any.note(tag, epoch);
        self.registry.noted.fetch_add(1, Ordering::SeqCst);
    }

    /// Makes every entry with a tag outdated: a new value is loaded for who asks, and the old one remains as what is
    /// returned if that load fails or takes too long, as the cache's [`Freshness`](crate::Freshness) allows.
    ///
    /// ```
    /// let tags = larder::Tags::new();
    /// let stamp = tags.stamp(["a".into()]);
    /// tags.invalidate_softly("a");
    /// assert!(!tags.is_valid(&stamp));
    /// ```
    ///
    /// # Cost
    ///
    /// As [`invalidate`](Tags::invalidate).
    pub fn invalidate_softly(&self, tag: impl Into<Tag>) {
        self.registry.any.note(tag.into(), self.next_epoch());
        self.registry.noted.fetch_add(1, Ordering::SeqCst);
    }

    /// A stamp for something that is read from its source from now on.
    ///
    /// ```
    /// let tags = larder::Tags::new();
    /// tags.invalidate("a");
    /// assert!(tags.is_valid(&tags.stamp(["a".into()])));
    /// ```
    #[must_use]
    pub fn stamp(&self, tags: impl IntoIterator<Item = Tag>) -> Stamp {
        Stamp::new(self.epoch(), tags)
    }

    /// Whether none of a stamp's tags was invalidated, for good or softly, since it was made.
    ///
    /// ```
    /// let tags = larder::Tags::new();
    /// let stamp = tags.stamp(["a".into()]);
    /// tags.invalidate("b");
    /// assert!(tags.is_valid(&stamp));
    /// ```
    ///
    /// # Cost
    ///
    /// One load while nothing was invalidated since the stamp was made or found valid; else a cache line or two per tag. No
    /// lock.
    #[must_use]
    pub fn is_valid(&self, stamp: &Stamp) -> bool {
        self.validity(stamp) == Validity::Valid
    }

    /// The present epoch.
    pub(crate) fn epoch(&self) -> u64 {
        self.registry.epoch.load(Ordering::SeqCst)
    }

    /// The present epoch, if all invalidations up to it are in the ledgers: `None` while one is being noted.
    pub(crate) fn noted_epoch(&self) -> Option<u64> {
        // In this order: what was begun by `now` has been noted if there was no more of it.
        let noted = self.registry.noted.load(Ordering::SeqCst);
        let now = self.epoch();
        (noted == now).then_some(now)
    }

    #[inline]
    pub(crate) fn validity(&self, stamp: &Stamp) -> Validity {
        let epoch = stamp.epoch();
        if stamp.first.is_none() || epoch >= self.epoch() && epoch < LAST_EPOCH {
            return Validity::Valid;
        }
        self.ask_ledgers(stamp, epoch)
    }

    /// What the ledgers say about a stamp that is as of an epoch. If it is valid, nobody need ask again until another
    /// invalidation.
    fn ask_ledgers(&self, stamp: &Stamp, epoch: u64) -> Validity {
        let Registry { hard, any, .. } = &*self.registry;
        let now = self.noted_epoch();
        let later = |ledger: &Ledger| stamp.tags().any(|tag| ledger.is_later(tag, epoch));
        if epoch < LAST_EPOCH && !later(any) {
            if let Some(now) = now {
                stamp.epoch.fetch_max(now, Ordering::Relaxed);
            }
            Validity::Valid
        } else if epoch >= LAST_EPOCH || later(hard) {
            Validity::Invalid
        } else {
            Validity::Outdated
        }
    }

    fn next_epoch(&self) -> u64 {
        let before = self.registry.epoch.fetch_add(1, Ordering::SeqCst);
        (before + 1).min(LAST_EPOCH)
    }
}

impl Default for Tags {
    fn default() -> Self {
        Tags::new()
    }
}

impl fmt::Debug for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tags")
            .field("epoch", &self.epoch())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn tag(number: u64) -> Tag {
        Tag::new(number.to_le_bytes())
    }

    #[test]
    fn an_invalidated_tag_outdates_what_was_stamped_before_it_and_nothing_else() {
        let tags = Tags::new();
        let (one, both) = (tags.stamp([tag(1)]), tags.stamp([tag(1), tag(2)]));
        tags.invalidate(tag(2));
        assert!(tags.is_valid(&one) && !tags.is_valid(&both));
        assert!(tags.is_valid(&tags.stamp([tag(2)])));
        assert!(tags.is_valid(&tags.stamp([])));
    }

    #[test]
    fn a_soft_invalidation_is_told_from_one_for_good() {
        let tags = Tags::new();
        let stamp = tags.stamp([tag(1)]);
        tags.invalidate_softly(tag(1));
        assert_eq!(tags.validity(&stamp), Validity::Outdated);
        tags.invalidate(tag(1));
        assert_eq!(tags.validity(&stamp), Validity::Invalid);
    }

    #[test]
    fn a_million_invalidated_tags_take_no_more_room_and_none_of_them_is_valid_again() {
        let tags = Tags::with_capacity(1000);
        let old: Vec<_> = (0..1000).map(|number| tags.stamp([tag(number)])).collect();
        for number in 0..1_000_000 {
            tags.invalidate(tag(number));
        }
        assert!(old.iter().all(|stamp| !tags.is_valid(stamp)));
        assert_eq!(tags.registry.hard.buckets.len(), 256);
        assert_eq!((old[0].bytes(), size_of::<Stamp>()), (0, 24));
        // What is stamped now is judged by what comes from now on.
        assert!(tags.is_valid(&tags.stamp([tag(5)])));
    }

    #[test]
    fn the_last_epoch_makes_everything_with_a_tag_invalid() {
        let tags = Tags::with_capacity(1);
        tags.registry.epoch.store(LAST_EPOCH, Ordering::SeqCst);
        assert!(!tags.is_valid(&tags.stamp([tag(1)])));
        tags.invalidate(tag(1));
        assert!(!tags.is_valid(&tags.stamp([tag(1)])));
    }

    proptest! {
        #[test]
        fn an_invalidated_stamp_is_never_valid_again_and_a_roomy_registry_is_exact(
            steps in proptest::collection::vec((0u64..12, 0u64..12, 0u8..3), 1..200),
            capacity in prop_oneof![Just(1usize), Just(8), Just(1 << 12)],
        ) {
            let tags = Tags::with_capacity(capacity);
            let mut stamps = Vec::new();
            let (mut hard, mut soft): (HashMap<_, _>, HashMap<_, _>) = Default::default();
            for (now, (one, two, step)) in steps.into_iter().enumerate() {
                match step {
                    0 => stamps.push((now, [one, two], tags.stamp([tag(one), tag(two)]))),
                    1 => { hard.insert(one, now); tags.invalidate(tag(one)); }
                    _ => { soft.insert(one, now); tags.invalidate_softly(tag(one)); }
                }
                for (made, names, stamp) in &stamps {
                    let since = |ledger: &HashMap<u64, usize>| {
                        names.iter().any(|name| ledger.get(name).is_some_and(|at| at > made))
                    };
                    let expected = match (since(&hard), since(&soft)) {
                        (true, _) => Validity::Invalid,
                        (_, true) => Validity::Outdated,
                        _ => Validity::Valid,
                    };
                    let told = tags.validity(stamp);
                    if capacity == 1 << 12 {
                        prop_assert_eq!(told, expected);
                    } else {
                        prop_assert!(told as u8 >= expected as u8);
                    }
                }
            }
        }
    }

    #[test]
    fn a_look_at_a_stamp_hides_no_invalidation_that_is_just_being_noted() {
        let tags = Tags::new();
        for round in 0..2_000 {
            let stamp = tags.stamp([tag(round)]);
            std::thread::scope(|scope| {
                scope.spawn(|| (0..20).for_each(|_| tags.invalidate(tag(1 << 40))));
                scope.spawn(|| while tags.is_valid(&stamp) {});
                tags.invalidate(tag(round));
                assert!(!tags.is_valid(&stamp));
            });
        }
    }

    #[test]
    fn a_stamp_found_valid_need_not_be_looked_up_again() {
        let tags = Tags::new();
        let stamp = tags.stamp([tag(1)]);
        tags.invalidate(tag(2));
        assert!(tags.is_valid(&stamp));
        assert_eq!(stamp.epoch(), tags.epoch());
        tags.invalidate(tag(1));
        assert!(!tags.is_valid(&stamp) && stamp.epoch() < tags.epoch());
    }

    #[test]
    fn no_invalidation_is_lost_among_threads() {
        let tags = Tags::with_capacity(7);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let tags = &tags;
                scope.spawn(move || {
                    for number in 0..5_000 {
                        let name = tag(thread * 5_000 + number);
                        let stamp = tags.stamp([name]);
                        tags.invalidate(name);
                        assert!(!tags.is_valid(&stamp));
                    }
                });
            }
        });
    }
}
