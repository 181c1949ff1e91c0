//! A dict beside a map: changes, scans while it grows and shrinks, draws, bytes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;

use super::super::packed::{Element, NEVER};
use super::{Dict, SEGMENT};

/// Spreads well enough for tests, and the same in each run.
fn hash_of(key: &[u8]) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64;
    let hash = key.iter().fold(start, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    (hash ^ (hash >> 29))
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(32)
}

fn put<const SHORT: usize>(dict: &mut Dict<SHORT>, key: &[u8], value: &[u8], due: u64) -> bool {
    let new = dict.put(hash_of(key), Element { key, value, due });
    dict.grow(hash_of);
    new
}

fn remove<const SHORT: usize>(dict: &mut Dict<SHORT>, key: &[u8]) -> bool {
    let Some(spot) = dict.spot(hash_of(key), key) else {
        return false;
    };
    dict.remove(spot);
    dict.shrink();
    true
}

fn key(number: u32) -> Vec<u8> {
    format!("member:{number:09}").into_bytes()
}

#[derive(Debug, Clone)]
enum Step {
    Put(u32, usize, Option<u64>),
    PutMany(u32, u32),
    Remove(u32),
    RemoveMany(u32, u32),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = || 0..600_u32;
    let due = prop_oneof![2 => Just(None), 1 => (0..1000_u64).prop_map(Some)];
    let step = prop_oneof![
        4 => (number(), 0..60_usize, due).prop_map(|(n, size, due)| Step::Put(n, size, due)),
        1 => (number(), number()).prop_map(|(n, many)| Step::PutMany(n, many)),
        2 => number().prop_map(Step::Remove),
        1 => (number(), number()).prop_map(|(n, many)| Step::RemoveMany(n, many)),
        1 => (0..100_u64).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_dict_follows_a_map(steps in steps()) {
        let mut dict = Dict::<21>::default();
        let mut model: BTreeMap<Vec<u8>, (Vec<u8>, u64)> = BTreeMap::new();
        let mut now = 0;
        for step in steps {
            let before = dict.bytes();
            let mut room = None;
            match step {
                Step::Put(n, size, due) => {
                    let (key, value, due) = (key(n), vec![b'v'; size], due.unwrap_or(NEVER));
                    room = Some(dict.growth(1, key.len() + size));
                    let new = put(&mut dict, &key, &value, due);
                    prop_assert_eq!(new, model.insert(key, (value, due)).is_none());
                }
                Step::PutMany(n, many) => {
                    room = Some(dict.growth(many as usize, 16 * many as usize));
                    for n in n..n + many {
                        put(&mut dict, &key(n), b"", NEVER);
                        model.insert(key(n), (Vec::new(), NEVER));
                    }
                }
                Step::Remove(n) => {
                    prop_assert_eq!(remove(&mut dict, &key(n)), model.remove(&key(n)).is_some());
                }
                Step::RemoveMany(n, many) => {
                    for n in n..n + many {
                        prop_assert_eq!(remove(&mut dict, &key(n)), model.remove(&key(n)).is_some());
                    }
                }
                Step::Pass(time) => {
                    now += time;
                    prop_assert_eq!(dict.count_due(now), model.values().filter(|row| row.1 <= now).count());
                    while let Some(spot) = dict.due(now) {
                        let due = dict.at(spot).key.to_vec();
                        prop_assert!(model.remove(&due).is_some_and(|row| row.1 <= now));
                        dict.remove(spot);
                    }
                    prop_assert!(model.values().all(|row| row.1 > now));
                    prop_assert!(dict.next_due() > now);
                }
            }
            dict.assert_invariants(hash_of);
            dict.clone().assert_invariants(hash_of);
            if let Some(room) = room {
                prop_assert!(dict.bytes() <= before + room, "{} + {room} < {}", before, dict.bytes());
            }
            let rows: BTreeMap<_, _> = dict.iter().map(|e| (e.key.to_vec(), (e.value.to_vec(), e.due))).collect();
            prop_assert_eq!(&rows, &model);
            prop_assert_eq!(dict.len(), model.len());
        }
    }

    #[test]
    fn a_scan_sees_what_stays_whatever_comes_and_goes(
        count in 1..80_usize,
        changes in prop::collection::vec((any::<bool>(), 0..400_u32), 0..30),
    ) {
        let mut dict = Dict::<1>::default();
        let stays: BTreeSet<_> = (0..300).map(key).collect();
        for key in &stays {
            put(&mut dict, key, b"", NEVER);
        }
        let (mut seen, mut cursor, mut guests) = (BTreeSet::new(), 0, 1_000_000);
        for turn in 0.. {
            cursor = dict.scan(cursor, count, &mut |element| {
                seen.insert(element.key.to_vec());
            });
            if cursor == 0 {
                break;
            }
            prop_assert!(turn < 5000);
            if let Some(&(add, many)) = changes.get(turn) {
                for _ in 0..many {
                    if add {
                        put(&mut dict, &key(guests), b"", NEVER);
                        guests += 1;
                    } else if guests > 1_000_000 {
                        guests -= 1;
                        remove(&mut dict, &key(guests));
                    }
                }
            }
        }
        prop_assert!(stays.is_subset(&seen));
    }
}

#[test]
fn a_scan_of_a_dict_at_rest_sees_each_element_once() {
    for len in [1, 40, 100, 1000, 5000] {
        let mut dict = Dict::<1>::default();
        for n in 0..len {
            put(&mut dict, &key(n), b"", NEVER);
        }
        let (mut seen, mut cursor) = (Vec::new(), 0);
        loop {
            cursor = dict.scan(cursor, 10, &mut |element| seen.push(element.key.to_vec()));
            if cursor == 0 {
                break;
            }
        }
        seen.sort();
        assert_eq!(seen, (0..len).map(key).collect::<Vec<_>>());
    }
}

#[test]
fn each_element_is_drawn_about_as_often() {
    let mut dict = Dict::<1>::default();
    for n in 0..1000 {
        put(&mut dict, &key(n), b"", NEVER);
    }
    let mut state = 7_u64;
    let mut draw = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let mut drawn: HashMap<Vec<u8>, u32> = HashMap::new();
    for _ in 0..50_000 {
        let spot = dict.draw(&mut draw).expect("it has elements");
        *drawn.entry(dict.at(spot).key.to_vec()).or_default() += 1;
    }
    assert_eq!(drawn.len(), 1000);
    assert!(drawn.values().all(|&times| (15..110).contains(&times)));
}

#[test]
fn a_broken_source_of_numbers_still_draws() {
    let mut dict = Dict::<1>::default();
    for n in 0..200 {
        put(&mut dict, &key(n), b"", NEVER);
    }
    assert!(dict.draw(&mut || u64::MAX).is_some());
}

#[test]
fn sixteen_byte_keys_cost_some_twenty_bytes_each() {
    let mut dict = Dict::<1>::default();
    for n in 0..40_000 {
        put(&mut dict, &key(n), b"", NEVER);
        let each = dict.bytes() as f64 / f64::from(n + 1);
        assert!(n < 1000 || each < 22.0, "{each} at {n}");
    }
    for n in 0..39_000 {
        remove(&mut dict, &key(n));
    }
    let each = dict.bytes() as f64 / 1000.0;
    assert!(each < 36.0, "a third full at worst: {each}");
}

#[test]
fn values_of_kilobytes_are_spread_over_as_many_blocks() {
    let mut dict = Dict::<21>::default();
    for n in 0..2 * SEGMENT as u32 {
        put(&mut dict, &key(n), &[b'v'; 5000], NEVER);
    }
    dict.assert_invariants(hash_of);
    assert!(dict.fullest < 12, "{}", dict.fullest);
}
