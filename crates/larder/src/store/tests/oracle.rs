//! A store and a naive map in lockstep under generated operations; time is moved by hand.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use super::assert_invariants;
use crate::number::{parse_i64, write_i64};
use crate::store::{Condition, GetExpire, SetOptions, Span, Store};
use crate::time::Ttl;
use crate::{Error, ManualClock};

#[derive(Clone, Debug)]
enum Expiry {
    Clear,
    Keep,
    In(u64),
    At(i64),
}

#[derive(Clone, Debug)]
enum Guard {
    None,
    Absent,
    Present,
    Equal(Vec<u8>),
}

#[derive(Clone, Debug)]
enum Op {
    Set(Vec<u8>, Vec<u8>),
    SetWith(Vec<u8>, Vec<u8>, Expiry, Guard),
    Get(Vec<u8>),
    GetDelete(Vec<u8>),
    GetExpire(Vec<u8>, Expiry),
    Append(Vec<u8>, Vec<u8>),
    SetRange(Vec<u8>, usize, Vec<u8>),
    GetRange(Vec<u8>, i64, i64),
    Incr(Vec<u8>, i64),
    Remove(Vec<u8>),
    Expire(Vec<u8>, u64, Option<Condition>),
    Persist(Vec<u8>),
    Rename(Vec<u8>, Vec<u8>),
    RenameIfAbsent(Vec<u8>, Vec<u8>),
    Copy(Vec<u8>, Vec<u8>),
    CopyOver(Vec<u8>, Vec<u8>),
    SetMany(Vec<(Vec<u8>, Vec<u8>)>),
    SetManyIfAbsent(Vec<(Vec<u8>, Vec<u8>)>),
    RemoveMany(Vec<Vec<u8>>),
    Advance(u64),
    Tick,
    Clear,
}

fn keys() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (0..12u8).prop_map(|number| format!("key {number}").into_bytes()),
        1 => Just(Vec::new()),
        1 => Just(vec![0, 255, b'\n']),
        1 => prop_oneof![Just(253), Just(254), Just(255), Just(256), Just(300)].prop_map(|len| vec![b'k'; len]),
    ]
}

fn values() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => any::<i64>().prop_map(|int| int.to_string().into_bytes()),
        1 => (-3..3i64).prop_map(|int| int.to_string().into_bytes()),
        4 => prop::collection::vec(any::<u8>(), 0..80),
        1 => (3_700..4_000usize, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
        1 => Just(vec![b'x'; 9_000]),
    ]
}

fn expiries() -> impl Strategy<Value = Expiry> {
    prop_oneof![
        Just(Expiry::Clear),
        Just(Expiry::Keep),
        (0..200u64).prop_map(Expiry::In),
        (-50..200i64).prop_map(Expiry::At),
        Just(Expiry::In(u64::from(u32::MAX) + 5)),
    ]
}

fn conditions() -> impl Strategy<Value = Option<Condition>> {
    prop_oneof![
        Just(None),
        Just(Some(Condition::HasNone)),
        Just(Some(Condition::HasOne)),
        Just(Some(Condition::Later)),
        Just(Some(Condition::Earlier)),
    ]
}

fn guards() -> impl Strategy<Value = Guard> {
    prop_oneof![
        Just(Guard::None),
        Just(Guard::Absent),
        Just(Guard::Present),
        values().prop_map(Guard::Equal),
        Just(Guard::Equal(b"1".to_vec())),
    ]
}

fn ops() -> impl Strategy<Value = Op> {
    let pairs = || prop::collection::vec((keys(), values()), 0..6);
    prop_oneof![
        4 => (keys(), values()).prop_map(|(k, v)| Op::Set(k, v)),
        4 => (keys(), values(), expiries(), guards()).prop_map(|(k, v, e, g)| Op::SetWith(k, v, e, g)),
        2 => keys().prop_map(Op::Get),
        1 => keys().prop_map(Op::GetDelete),
        1 => (keys(), expiries()).prop_map(|(k, e)| Op::GetExpire(k, e)),
        1 => (keys(), values()).prop_map(|(k, v)| Op::Append(k, v)),
        1 => (keys(), 0..60usize, values()).prop_map(|(k, o, v)| Op::SetRange(k, o, v)),
        1 => (keys(), -90..90i64, -90..90i64).prop_map(|(k, a, b)| Op::GetRange(k, a, b)),
        3 => (keys(), -5..5i64).prop_map(|(k, by)| Op::Incr(k, by)),
        1 => keys().prop_map(Op::Remove),
        2 => (keys(), 0..300u64, conditions()).prop_map(|(k, t, c)| Op::Expire(k, t, c)),
        1 => keys().prop_map(Op::Persist),
        1 => (keys(), keys()).prop_map(|(a, b)| Op::Rename(a, b)),
        1 => (keys(), keys()).prop_map(|(a, b)| Op::RenameIfAbsent(a, b)),
        1 => (keys(), keys()).prop_map(|(a, b)| Op::Copy(a, b)),
        1 => (keys(), keys()).prop_map(|(a, b)| Op::CopyOver(a, b)),
        1 => pairs().prop_map(Op::SetMany),
        1 => pairs().prop_map(Op::SetManyIfAbsent),
        1 => prop::collection::vec(keys(), 0..4).prop_map(Op::RemoveMany),
        3 => (0..60u64).prop_map(Op::Advance),
        1 => Just(Op::Tick),
        1 => prop::bool::weighted(0.1).prop_map(|yes| if yes { Op::Clear } else { Op::Tick }),
    ]
}

/// A map from key to value and deadline.
#[derive(Default)]
struct Naive {
    map: BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>,
    now: u64,
}

impl Naive {
    fn live(&self, key: &[u8]) -> Option<&(Vec<u8>, Option<u64>)> {
        self.map
            .get(key)
            .filter(|(_, at)| at.is_none_or(|at| at > self.now))
    }

    fn value(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.live(key).map(|(value, _)| value.clone())
    }

    fn deadline(&self, key: &[u8]) -> Option<u64> {
        self.live(key).and_then(|(_, at)| *at)
    }

    fn put(&mut self, key: &[u8], value: Vec<u8>, at: Option<u64>) {
        self.map.insert(key.to_vec(), (value, at));
    }

    /// Moves the deadline of a live key.
    fn redate(&mut self, key: &[u8], at: Option<u64>) {
        if let Some(value) = self.value(key) {
            self.put(key, value, at);
        }
    }
}

fn options<'a>(expiry: &Expiry, guard: &'a Guard, now: u64) -> SetOptions<'a> {
    let options = match expiry {
        Expiry::Clear => SetOptions::new(),
        Expiry::Keep => SetOptions::new().keep_ttl(),
        Expiry::In(ms) => SetOptions::new().ttl(Duration::from_millis(*ms)),
        Expiry::At(ms) => SetOptions::new().expire_at(moment(*ms, now)),
    };
    let options = match guard {
        Guard::None => options,
        Guard::Absent => options.if_absent(),
        Guard::Present => options.if_present(),
        Guard::Equal(value) => options.if_equal(value),
    };
    options.return_old()
}

/// A moment so many milliseconds from now, on the manual clock.
fn moment(ms: i64, now: u64) -> std::time::SystemTime {
    let unix = 1_704_067_200_000_u64 + now;
    UNIX_EPOCH + Duration::from_millis(unix.saturating_add_signed(ms))
}

/// The deadline that an expiry comes to; `Err` if it is refused.
fn resolve(expiry: &Expiry, present: Option<u64>, now: u64) -> Result<Option<u64>, Error> {
    match expiry {
        Expiry::Clear => Ok(None),
        Expiry::Keep => Ok(present),
        Expiry::In(0) => Err(Error::InvalidExpiry),
        Expiry::In(ms) => Ok(Some(now + ms)),
        Expiry::At(ms) => Ok(Some(now.saturating_add_signed(*ms))),
    }
}

fn apply(store: &Store, time: &ManualClock, naive: &mut Naive, op: Op) {
    let now = naive.now;
    match op {
        Op::Set(key, value) => {
            assert_eq!(store.set(&key, &value), Ok(()));
            naive.put(&key, value, None);
        }
        Op::SetWith(key, value, expiry, guard) => {
            let outcome = store.set_with(&key, &value, options(&expiry, &guard, now));
            let (old, present) = (naive.value(&key), naive.deadline(&key));
            match resolve(&expiry, present, now) {
                Err(error) => assert_eq!(outcome, Err(error)),
                Ok(deadline) => {
                    let outcome = outcome.unwrap();
                    let set = match &guard {
                        Guard::None => true,
                        Guard::Absent => old.is_none(),
                        Guard::Present => old.is_some(),
                        Guard::Equal(wanted) => old.as_ref() == Some(wanted),
                    };
                    assert_eq!(outcome.is_set(), set);
                    assert_eq!(outcome.old::<Vec<u8>>().unwrap(), old);
                    if set {
                        naive.put(&key, value, deadline);
                    }
                }
            }
        }
        Op::Get(key) => {
            assert_eq!(store.get::<Vec<u8>>(&key).unwrap(), naive.value(&key));
            let len = naive.value(&key).map_or(0, |value| value.len());
            assert_eq!(store.len_of(&key), Ok(len));
            assert_eq!(store.exists(&key), naive.live(&key).is_some());
        }
        Op::GetDelete(key) => {
            assert_eq!(
                store.get_delete::<Vec<u8>>(&key).unwrap(),
                naive.value(&key)
            );
            naive.map.remove(&key);
        }
        Op::GetExpire(key, expiry) => {
            let expire = match &expiry {
                Expiry::Clear => GetExpire::Never,
                Expiry::Keep => GetExpire::Unchanged,
                Expiry::In(ms) => GetExpire::In(Duration::from_millis(*ms)),
                Expiry::At(ms) => GetExpire::At(moment(*ms, now)),
            };
            let got = store.get_expire::<Vec<u8>>(&key, expire);
            match resolve(&expiry, naive.deadline(&key), now) {
                Err(error) => assert_eq!(got, Err(error)),
                Ok(deadline) => {
                    assert_eq!(got.unwrap(), naive.value(&key));
                    naive.redate(&key, deadline);
                }
            }
        }
        Op::Append(key, tail) => {
            let joined = [naive.value(&key).unwrap_or_default(), tail.clone()].concat();
            assert_eq!(store.append(&key, &tail), Ok(joined.len()));
            naive.put(&key, joined, naive.deadline(&key));
        }
        Op::SetRange(key, offset, part) => {
            let mut text = naive.value(&key).unwrap_or_default();
            if part.is_empty() {
                assert_eq!(store.set_range(&key, offset, &part), Ok(text.len()));
                return;
            }
            let end = offset + part.len();
            text.resize(text.len().max(end), 0);
            text[offset..end].copy_from_slice(&part);
            assert_eq!(store.set_range(&key, offset, &part), Ok(text.len()));
            naive.put(&key, text, naive.deadline(&key));
        }
        Op::GetRange(key, first, last) => {
            let text = naive.value(&key).unwrap_or_default();
            let span = Span::new(first, last);
            assert_eq!(
                store.get_range(&key, span).unwrap(),
                text[span.of_string(text.len())]
            );
        }
        Op::Incr(key, by) => {
            let present = naive.value(&key).map_or(Some(0), |value| parse_i64(&value));
            let sum = match present {
                None => Err(Error::NotAnInteger),
                Some(int) => int.checked_add(by).ok_or(Error::Overflow),
            };
            assert_eq!(store.incr(&key, by), sum);
            if let Ok(sum) = sum {
                naive.put(
                    &key,
                    write_i64(sum, &mut [0; 20]).to_vec(),
                    naive.deadline(&key),
                );
            }
        }
        Op::Remove(key) => {
            assert_eq!(store.remove(&key), naive.live(&key).is_some());
            naive.map.remove(&key);
        }
        Op::Expire(key, ms, condition) => {
            let (ttl, at, present) = (Duration::from_millis(ms), now + ms, naive.deadline(&key));
            let suits = match condition {
                None => true,
                Some(Condition::HasNone) => present.is_none(),
                Some(Condition::HasOne) => present.is_some(),
                Some(Condition::Later) => present.is_some_and(|present| at > present),
                Some(Condition::Earlier) => present.is_none_or(|present| at < present),
            };
            let done = suits && naive.live(&key).is_some();
            let answer = match condition {
                None => store.expire(&key, ttl),
                Some(condition) => store.expire_if(&key, ttl, condition),
            };
            assert_eq!(answer, Ok(done));
            if done {
                naive.redate(&key, Some(at));
            }
        }
        Op::Persist(key) => {
            assert_eq!(store.persist(&key), naive.deadline(&key).is_some());
            naive.redate(&key, None);
        }
        Op::Rename(from, to) => {
            let Some(entry) = naive.live(&from).cloned() else {
                return assert_eq!(store.rename(&from, &to), Err(Error::NoSuchKey));
            };
            assert_eq!(store.rename(&from, &to), Ok(()));
            naive.map.remove(&from);
            naive.map.insert(to, entry);
        }
        Op::RenameIfAbsent(from, to) => {
            let Some(entry) = naive.live(&from).cloned() else {
                return assert_eq!(store.rename_if_absent(&from, &to), Err(Error::NoSuchKey));
            };
            let free = naive.live(&to).is_none();
            assert_eq!(store.rename_if_absent(&from, &to), Ok(free));
            if free {
                naive.map.remove(&from);
                naive.map.insert(to, entry);
            }
        }
        Op::Copy(from, to) | Op::CopyOver(from, to) if from == to => {
            assert_eq!(store.copy(&from, &to), Err(Error::SameKey));
        }
        Op::Copy(from, to) => {
            let done = naive.live(&from).is_some() && naive.live(&to).is_none();
            assert_eq!(store.copy(&from, &to), Ok(done));
            if done {
                naive.map.insert(to, naive.map[&from].clone());
            }
        }
        Op::CopyOver(from, to) => {
            let done = naive.live(&from).is_some();
            assert_eq!(store.copy_over(&from, &to), Ok(done));
            if done {
                naive.map.insert(to, naive.map[&from].clone());
            }
        }
        Op::SetMany(pairs) => {
            assert_eq!(store.set_many(pairs.clone()), Ok(()));
            pairs
                .into_iter()
                .for_each(|(key, value)| naive.put(&key, value, None));
        }
        Op::SetManyIfAbsent(pairs) => {
            let free = pairs.iter().all(|(key, _)| naive.live(key).is_none());
            assert_eq!(store.set_many_if_absent(pairs.clone()), Ok(free));
            if free {
                pairs
                    .into_iter()
                    .for_each(|(key, value)| naive.put(&key, value, None));
            }
        }
        Op::RemoveMany(keys) => {
            let mut removed = 0;
            for key in &keys {
                removed += usize::from(naive.live(key).is_some());
                naive.map.remove(key);
            }
            assert_eq!(store.remove_many(&keys), removed);
        }
        Op::Advance(ms) => {
            time.advance(Duration::from_millis(ms));
            naive.now += ms;
        }
        Op::Tick => store.tick(),
        Op::Clear => {
            store.clear();
            naive.map.clear();
        }
    }
}

/// Compares everything that can be asked.
fn compare(store: &Store, naive: &Naive) {
    let live: Vec<Vec<u8>> = naive
        .map
        .keys()
        .filter(|key| naive.live(key).is_some())
        .cloned()
        .collect();
    assert_eq!(store.keys("*"), live);
    let values = store.get_many::<Vec<u8>>(&live).unwrap();
    for (key, value) in live.iter().zip(values) {
        assert_eq!(value, naive.value(key));
        let ttl = naive.deadline(key).map_or(Ttl::Forever, |at| {
            Ttl::Left(Duration::from_millis(at - naive.now))
        });
        assert_eq!(store.ttl(key), ttl);
    }
    assert_eq!(store.exists_many(&live), live.len());
    assert_eq!(store.random_key().is_some(), !live.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_store_does_what_a_map_with_deadlines_does(
        ops in prop::collection::vec(ops(), 1..150),
        bytes in any::<bool>(),
        stripes in prop_oneof![Just(1usize), Just(4)],
    ) {
        let time = ManualClock::new();
        let builder = Store::builder().clock(time.clock()).stripes(stripes).seed(3);
        let builder = if bytes { builder.max_bytes(1 << 30) } else { builder };
        let store = builder.build().unwrap();
        let mut naive = Naive::default();
        for op in ops {
            apply(&store, &time, &mut naive, op);
            assert_invariants(&store);
            compare(&store, &naive);
        }
        time.advance(Duration::from_secs(3));
        naive.now += 3_000;
        store.tick();
        compare(&store, &naive);
        prop_assert!(naive.map.keys().filter(|key| naive.live(key).is_some()).count() == store.len());
    }
}
