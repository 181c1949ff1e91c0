//! Reading a table without a lock.
//!
//! Load the bucket's version (even), match tag and record, copy, fence, load the version again: if it held, what was
//! copied is what stood there. A miss is right only if, besides, no segment was added meanwhile. The fences are those
//! of a sequence lock over relaxed atomics: a reader that saw any word of a change sees, after its acquire fence, the
//! odd version that the writer's release fence came after.

use super::Ref;
use super::bucket::Bucket;
use super::table::{Table, after, home_bucket, tag_of};
use crate::sync::Ordering;

/// Optimistic reads give up after so many disturbed tries, and the caller takes the lock.
const TRIES: u32 = 3;

/// An optimistic read was disturbed too often: take the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contended;

/// What a look at a home bucket found.
pub(crate) enum Look<'a, T> {
    Found(T, Sight<'a>),
    /// The key is in no bucket.
    Absent,
    /// The bucket was being changed, or the entry may be in another slot: see [`Table::read`].
    Unsettled,
}

/// A slot seen without a lock.
pub(crate) struct Sight<'a> {
    bucket: Bucket<'a>,
    version: u32,
    index: usize,
}

impl Sight<'_> {
    /// Whether what was read of the slot and its record since is right; counts the access if so.
    #[inline(always)]
    pub(crate) fn holds(self) -> bool {
        let holds = self.bucket.is_still(self.version);
        if holds {
            self.bucket.touch(self.index);
        }
        holds
    }
}

impl Table {
    /// Looks into the home bucket of a hash without a lock: `pick` is shown the first reference whose tag matches, and
    /// takes it if its record has the key. What is then copied out of the record is right if the [`Sight`] still
    /// holds after that.
    #[inline(always)]
    pub(crate) fn look<T>(&self, hash: u32, pick: impl FnOnce(Ref) -> Option<T>) -> Look<'_, T> {
        let shape = self.shape.load(Ordering::Acquire);
        let bucket = self.memory.line(Self::line_of(hash, shape));
        let version = bucket.version(Ordering::Acquire);
        let tags = bucket.load();
        if let Some(index) = tags.matches(tag_of(hash)).next() {
            let sight = Sight {
                bucket,
                version,
                index,
            };
            return pick(bucket.reference(index))
                .map_or(Look::Unsettled, |picked| Look::Found(picked, sight));
        }
        if tags.overflow() == 0
            && bucket.is_still(version)
            && self.shape.load(Ordering::Relaxed) == shape
        {
            return Look::Absent;
        }
        Look::Unsettled
    }

    /// Reads without a lock, wherever the entry is: `visit` is shown each reference whose tag matches, and returns what
    /// it copied out of the record if that is the one looked for. What it returned is passed on only if nothing changed
    /// meanwhile.
    #[inline(never)]
    pub(crate) fn read<R>(
        &self,
        hash: u32,
        mut visit: impl FnMut(Ref) -> Option<R>,
    ) -> Result<Option<R>, Contended> {
        let (tag, home) = (tag_of(hash), home_bucket(hash));
        'tries: for _ in 0..TRIES {
            let shape = self.shape.load(Ordering::Acquire);
            let mut segment = Some(self.memory.get(Self::address(hash, shape)));
            'chain: while let Some(here) = segment {
                let mut at = home;
                loop {
                    let bucket = here.bucket(at);
                    let version = bucket.version(Ordering::Acquire);
                    let tags = bucket.load();
                    for index in tags.matches(tag) {
                        if let Some(found) = visit(bucket.reference(index)) {
                            if !bucket.is_still(version) {
                                continue 'tries;
                            }
                            bucket.touch(index);
                            return Ok(Some(found));
                        }
                    }
                    if !bucket.is_still(version) {
                        std::hint::spin_loop();
                        continue 'tries;
                    }
                    if tags.overflow() == 0 {
                        break 'chain;
                    }
                    at = after(at);
                    if at == home {
                        break;
                    }
                }
                segment = self.memory.next(here);
            }
            if self.shape.load(Ordering::Relaxed) == shape {
                return Ok(None);
            }
        }
        Err(Contended)
    }
}
