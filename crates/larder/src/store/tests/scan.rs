//! What a scan promises, while keys come, go and expire.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use crate::ManualClock;
use crate::store::{Cursor, ScanOptions, SetOptions, Store};

#[derive(Clone, Debug)]
enum Meanwhile {
    Add(u16),
    Remove(u16),
    Expire,
}

fn meanwhile() -> impl Strategy<Value = Meanwhile> {
    prop_oneof![
        4 => (1..900u16).prop_map(Meanwhile::Add),
        2 => (1..300u16).prop_map(Meanwhile::Remove),
        1 => Just(Meanwhile::Expire),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_scan_shows_every_key_that_stays_and_none_that_was_never_there(
        staying in 1..3_000u32,
        leaving in 0..600u32,
        count in 1..300usize,
        between in prop::collection::vec(meanwhile(), 0..60),
        seed in any::<u64>(),
    ) {
        let time = ManualClock::new();
        let store = Store::builder().clock(time.clock()).stripes(2).seed(seed).build().unwrap();
        for number in 0..staying {
            store.set(format!("stays {number}"), number).unwrap();
        }
        for number in 0..leaving {
            let options = SetOptions::new().ttl(Duration::from_secs(1));
            store.set_with(format!("leaves {number}"), number, options).unwrap();
        }
        let (mut added, mut removed) = (0_u32, 0_u32);
        let (mut seen, mut next) = (BTreeSet::new(), Some(Cursor::START));
        let (mut between, mut expired) = (between.into_iter(), false);
        while let Some(cursor) = next {
            let page = store.scan_page(cursor, &ScanOptions::new().count(count)).unwrap();
            for key in page.keys {
                let text = String::from_utf8(key).unwrap();
                prop_assert!(!(expired && text.starts_with("leaves")), "expired: {}", text);
                seen.insert(text);
            }
            next = page.next.map(|cursor| Cursor::from(u64::from(cursor)));
            match between.next() {
                Some(Meanwhile::Add(many)) => for _ in 0..many {
                    store.set(format!("comes {added}"), added).unwrap();
                    added += 1;
                },
                Some(Meanwhile::Remove(many)) => for _ in 0..many {
                    store.remove(format!("comes {removed}"));
                    removed += 1;
                },
                Some(Meanwhile::Expire) => {
                    time.advance(Duration::from_secs(2));
                    expired = true;
                }
                None => {}
            }
        }
        for number in 0..staying {
            prop_assert!(seen.contains(&format!("stays {number}")), "stays {number} was missed");
        }
        for key in &seen {
            prop_assert!(["stays", "comes", "leaves"].iter().any(|known| key.starts_with(known)));
        }
    }
}

#[test]
fn a_scan_of_what_does_not_change_shows_each_key_once() {
    let store = Store::new();
    for number in 0..20_000 {
        store.set(format!("key {number}"), number).unwrap();
    }
    let keys: Vec<_> = store.scan().collect();
    assert_eq!(keys.len(), 20_000);
    assert_eq!(keys.into_iter().collect::<BTreeSet<_>>().len(), 20_000);
}

#[test]
fn any_number_is_a_cursor() {
    let store = Store::new();
    store.set("a", 1).unwrap();
    for number in [1, 63, 64, 1 << 22, (1 << 32) + 5, u64::MAX - 1, u64::MAX] {
        let page = store
            .scan_page(Cursor::from(number), &ScanOptions::new().count(1 << 20))
            .unwrap();
        assert!(page.keys.len() <= 1);
    }
}

#[test]
fn a_page_of_an_emptied_store_ends() {
    let store = Store::builder().stripes(1).build().unwrap();
    for number in 0..50_000 {
        store.set(format!("key {number}"), number).unwrap();
    }
    store.clear();
    let page = store
        .scan_page(Cursor::START, &ScanOptions::new().count(1))
        .unwrap();
    assert!(page.keys.is_empty() && page.next.is_some());
    assert_eq!(store.scan().count(), 0);
}
