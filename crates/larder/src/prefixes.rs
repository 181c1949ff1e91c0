//! `Prefixes`: groups of keys by what they begin with, as tags.
//!
//! ```text
//! user:1:name, separator `:`   ->   group `user:`   group `user:1:`   key `user:1:name`
//! ```
//!
//! A key is in the group of each of its prefixes that ends with the separator, down to [`DEEPEST`], and in one of its
//! own. Invalidating a group is invalidating its tag. The tags are of one cache or store, whatever registry they are in:
//! what another one calls `user:1:` is another tag.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::glob::Glob;
use crate::tags::Tag;

/// Levels of groups that a key is in, so that a key of separators alone takes no more than 72 bytes for its tags.
const DEEPEST: usize = 8;

/// What a tag of a group stands for.
#[derive(Clone, Copy, Hash)]
enum Of {
    Group,
    Key,
}

/// See the module's text.
#[derive(Clone, Debug)]
pub(crate) struct Prefixes {
    /// Whose groups they are.
    owner: u64,
    separator: u8,
}

impl Prefixes {
    /// Groups of a new owner.
    pub(crate) fn new(separator: u8) -> Self {
        static OWNERS: AtomicU64 = AtomicU64::new(0);
        Prefixes {
            owner: OWNERS.fetch_add(1, Ordering::Relaxed),
            separator,
        }
    }

    fn tag(&self, of: Of, name: &[u8]) -> Tag {
        Tag::of((self.owner, of, name))
    }

    /// The ends of a key's prefixes that are groups.
    fn ends(&self, key: &[u8]) -> impl Iterator<Item = usize> {
        let is_end = |(place, byte): (usize, &u8)| (*byte == self.separator).then_some(place + 1);
        key.iter().enumerate().filter_map(is_end).take(DEEPEST)
    }

    /// The tags of a key.
    pub(crate) fn of_key(&self, key: &[u8]) -> impl Iterator<Item = Tag> {
        let groups = self.ends(key).map(|end| self.tag(Of::Group, &key[..end]));
        groups.chain([self.tag(Of::Key, key)])
    }

    /// The tag of all keys that begin with a prefix, if they are a group.
    pub(crate) fn of_prefix(&self, prefix: &[u8]) -> Option<Tag> {
        let is_group = self.ends(prefix).last() == Some(prefix.len());
        is_group.then(|| self.tag(Of::Group, prefix))
    }

    /// The tag of all keys that match a pattern, if they are a group or it names one key.
    pub(crate) fn of_glob(&self, glob: &Glob) -> Option<Tag> {
        let literal = glob.literal_prefix();
        if glob.is_literal() {
            return Some(self.tag(Of::Key, literal));
        }
        let is_prefix = glob.as_bytes().strip_suffix(b"*") == Some(literal);
        self.of_prefix(literal).filter(|_| is_prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(prefixes: &Prefixes, key: &str) -> Vec<Tag> {
        prefixes.of_key(key.as_bytes()).collect()
    }

    #[test]
    fn a_key_is_in_the_group_of_each_prefix_that_ends_with_the_separator() {
        let prefixes = Prefixes::new(b':');
        let held = tags(&prefixes, "user:1:name");
        for prefix in ["user:", "user:1:"] {
            let tag = prefixes.of_prefix(prefix.as_bytes());
            assert!(tag.is_some_and(|tag| held.contains(&tag)), "{prefix}");
        }
        let other = prefixes.of_prefix(b"user:10:").expect("it is a group");
        assert!(!held.contains(&other));
        assert_eq!(held.len(), 3);
        for prefix in ["user", "user:1", ""] {
            assert_eq!(prefixes.of_prefix(prefix.as_bytes()), None, "{prefix}");
        }
    }

    #[test]
    fn a_pattern_is_a_group_or_a_key_or_neither() {
        let prefixes = Prefixes::new(b':');
        let of = |pattern: &str| prefixes.of_glob(&Glob::new(pattern));
        assert_eq!(of("user:1:*"), prefixes.of_prefix(b"user:1:"));
        assert!(tags(&prefixes, "user:1").contains(&of("user:1").expect("one key")));
        // A key that ends with the separator is one, and not the group.
        assert_ne!(of("user:"), of("user:*"));
        for pattern in ["user:*:name", "user:?*", "user*", "*", "user:[12]:*"] {
            assert_eq!(of(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn two_owners_have_different_tags() {
        let (one, other) = (Prefixes::new(b':'), Prefixes::new(b':'));
        assert_ne!(one.of_prefix(b"a:"), other.of_prefix(b"a:"));
    }

    #[test]
    fn a_key_of_separators_alone_is_in_a_bounded_number_of_groups() {
        let prefixes = Prefixes::new(b':');
        let key = ":".repeat(10_000);
        assert_eq!(tags(&prefixes, &key).len(), DEEPEST + 1);
        assert!(prefixes.of_prefix(&[b':'; DEEPEST]).is_some());
        assert_eq!(prefixes.of_prefix(&[b':'; DEEPEST + 1]), None);
    }
}
