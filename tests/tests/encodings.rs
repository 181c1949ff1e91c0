//! How values are stored, as their caller can see it: small ones packed in their record, large ones in a structure, up at
//! once and down at half; and what `inspect` tells of them.

use larder::{Encoding, End, KeyType, ManualClock, Store};
use std::time::Duration;

/// Most elements of a value that is packed.
const PACKED: usize = 128;
const KEY: &str = "key";

/// A type of value: how an element with a number comes, and how it goes.
struct Kind {
    key_type: KeyType,
    add: fn(&Store, usize),
    remove: fn(&Store, usize),
}

const DONE: &str = "a valid call succeeds";

fn name(number: usize) -> String {
    format!("element {number}")
}

const KINDS: [Kind; 4] = [
    Kind {
        key_type: KeyType::List,
        add: |store, number| {
            let list = store.list::<String>(KEY);
            list.push_back(name(number)).expect(DONE);
        },
        remove: |store, number| {
            let last = store.list::<String>(KEY).pop_many(End::Back, 1);
            assert_eq!(last, Ok(vec![name(number)]));
        },
    },
    Kind {
        key_type: KeyType::Hash,
        add: |store, number| {
            let hash = store.hash::<usize>(KEY);
            assert_eq!(hash.set(name(number), number), Ok(true));
        },
        remove: |store, number| {
            let hash = store.hash::<usize>(KEY);
            assert_eq!(hash.remove(name(number)), Ok(true));
        },
    },
    Kind {
        key_type: KeyType::Set,
        add: |store, number| {
            let set = store.set_of::<String>(KEY);
            assert_eq!(set.add(name(number)), Ok(true));
        },
        remove: |store, number| {
            let set = store.set_of::<String>(KEY);
            assert_eq!(set.remove(name(number)), Ok(true));
        },
    },
    Kind {
        key_type: KeyType::SortedSet,
        add: |store, number| {
            let set = store.sorted_set::<String>(KEY);
            assert_eq!(set.add(name(number), number as f64), Ok(true));
        },
        remove: |store, number| {
            let set = store.sorted_set::<String>(KEY);
            assert_eq!(set.remove(name(number)), Ok(true));
        },
    },
];

fn seen(store: &Store) -> (KeyType, Encoding) {
    let seen = store.inspect(KEY).expect("it is there");
    (seen.key_type, seen.encoding)
}

#[test]
fn a_value_becomes_large_with_one_element_too_many_and_small_again_at_half() {
    for kind in KINDS {
        let store = Store::new();
        let (packed, large) = (
            (kind.key_type, Encoding::Packed),
            (kind.key_type, Encoding::Structure),
        );
        (0..PACKED).for_each(|number| (kind.add)(&store, number));
        assert_eq!(seen(&store), packed);
        (kind.add)(&store, PACKED);
        assert_eq!(seen(&store), large);
        (PACKED / 2 + 1..=PACKED)
            .rev()
            .for_each(|number| (kind.remove)(&store, number));
        assert_eq!(seen(&store), large, "what goes to and fro stays as it is");
        (kind.remove)(&store, PACKED / 2);
        assert_eq!(seen(&store), packed);
        (PACKED / 2..PACKED).for_each(|number| (kind.add)(&store, number));
        assert_eq!(seen(&store), packed);
    }
}

#[test]
fn one_element_that_is_too_long_for_a_record_makes_a_value_large() {
    let store = Store::new();
    let long = "x".repeat(4_000);
    store.list::<String>(KEY).push_back(&long).expect(DONE);
    assert_eq!(seen(&store), (KeyType::List, Encoding::Structure));
    store.remove(KEY);
    store.hash::<String>(KEY).set("field", &long).expect(DONE);
    assert_eq!(seen(&store), (KeyType::Hash, Encoding::Structure));
    store.remove(KEY);
    store.set_of::<String>(KEY).add(&long).expect(DONE);
    assert_eq!(seen(&store), (KeyType::Set, Encoding::Structure));
    store.remove(KEY);
    store.sorted_set::<String>(KEY).add(&long, 1.0).expect(DONE);
    assert_eq!(seen(&store), (KeyType::SortedSet, Encoding::Structure));
}

#[test]
fn an_inspection_tells_bytes_uses_and_idle_time_and_is_no_use_itself() {
    let time = ManualClock::new();
    let store = Store::builder()
        .clock(time.clock())
        .idle_times(1_000)
        .build()
        .expect("valid");
    let list = store.list::<String>(KEY);
    list.push_back("a").expect(DONE);
    let first = store.inspect(KEY).expect("it is there");
    for _ in 0..10 {
        assert_eq!(list.get(0), Ok(Some("a".to_owned())));
    }
    time.advance(Duration::from_secs(7));
    let used = store.inspect(KEY).expect("it is there");
    assert!(used.uses > first.uses && used.uses <= 3);
    assert_eq!(used.idle, Some(Duration::from_secs(7)));
    assert_eq!(store.inspect(KEY), Some(used), "a look is no use");
    list.push_back("b".repeat(100_000)).expect(DONE);
    let grown = store.inspect(KEY).expect("it is there");
    assert!(grown.bytes >= first.bytes + 100_000);
    assert_eq!(grown.idle, Some(Duration::ZERO));
    assert_eq!(store.inspect("none"), None);
}
