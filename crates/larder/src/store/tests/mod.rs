//! Tests of the whole store.

mod blocking;
mod budget;
mod crowd;
mod events;
mod graves;
mod hashes;
mod lists;
mod oracle;
mod prefixes;
mod races;
mod readings;
mod recorded;
mod scan;
mod sets;
mod sorted_sets;
mod sorts;
mod tagging;
mod transactions;
mod turns;
mod watch;

use std::collections::BTreeSet;

use super::Store;
use crate::ds::table::{BUCKETS, Home};
use crate::entry::Entries;

/// Walks everything that the store holds and compares it with the books.
fn assert_invariants(store: &Store) {
    let core = &*store.core;
    let mut total = 0;
    for stripe in core.stripes.iter() {
        let weight = stripe.read(|table, pages, shard| {
            let (mut weight, mut seen) = (0, BTreeSet::new());
            for segment in 0..table.segments() {
                for bucket in 0..BUCKETS as u32 {
                    table.visit_bucket(Home { segment, bucket }, |slot, entry| {
                        assert!(seen.insert(entry), "an entry has two slots");
                        weight += shard.entries.weight(pages, entry);
                        let hash = shard.entries.hash(pages, entry);
                        assert_eq!(
                            table.find(hash, |other| other == entry),
                            Some((slot, entry))
                        );
                        let key = shard.entries.with_key(pages, entry, <[u8]>::to_vec);
                        assert!(std::ptr::eq(core.stripes.of(core.hash(&key)), stripe));
                    });
                }
            }
            assert_eq!(seen.len(), table.len() as usize);
            assert_eq!(weight, shard.weight());
            weight
        });
        assert_eq!(weight, stripe.weight());
        assert!(!stripe.is_exclusive());
        total += weight;
    }
    assert_eq!(total, core.stripes.weight());
    assert!(total <= core.stripes.budget.used());
    assert!(core.stripes.budget.used() <= core.stripes.budget.limit());
}
