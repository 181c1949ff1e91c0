//! One reader without a lock beside one writer: what it returns stood there, whole, at one moment.
//!
//! Every key's home is one bucket, and all have one tag, so that a look-up must compare records.

use loom::sync::Arc;
use loom::thread;

use crate::ds::look::Look;
use crate::ds::table::{HASH_ONE, Table};
use crate::ds::word_bytes::copy;
use crate::ds::{Ref, split, touch};
use crate::every_order;
use crate::key::KeyType;
use crate::record::{Content, Draft, Head};
use crate::sync::{AtomicU64, Ordering};

/// Words of a record here: header, key, two of value.
const RECORD_WORDS: usize = 4;
const KEYS: [[u8; 8]; 2] = [*b"key zero", *b"key one "];

/// A table and the records that it names, by the number of their place.
struct Keyspace {
    table: Table,
    records: [[AtomicU64; RECORD_WORDS]; 2],
}

/// What a reader found: the value, both of whose words are the same at any quiet moment.
type Found = Option<[u8; 16]>;

fn hash(key: usize) -> u32 {
    // They differ in the bit that tells the segments apart once the first is split: key 0 is the one that moves.
    (1 - key as u32) << 7 | HASH_ONE
}

fn value(number: u8) -> [u8; 16] {
    [number; 16]
}

impl Keyspace {
    fn new() -> Self {
        let record = || std::array::from_fn(|_| AtomicU64::new(0));
        let table = Table::new(0);
        touch(&table, hash(0));
        Keyspace {
            table,
            records: [record(), record()],
        }
    }

    fn write(&self, place: Ref, key: usize, number: u8) {
        let draft = Draft {
            key: &KEYS[key],
            long_key: false,
            content: Content::Bytes(&value(number)),
            key_type: KeyType::String,
            deadline: None,
        };
        draft.write(&self.records[place as usize]);
    }

    fn insert(&self, place: Ref, key: usize, number: u8) {
        self.write(place, key, number);
        self.table.insert(hash(key), place, hash_of);
    }

    fn copy(&self, place: Ref, key: usize) -> Found {
        let words = &self.records[place as usize];
        let head = Head::load(words);
        let mut out = [0; 16];
        head.has_key(words, &KEYS[key]).then(|| {
            copy(words, head.value_at(), &mut out);
            out
        })
    }

    /// One look at the home bucket; `None` if it does not settle the matter.
    fn look(&self, key: usize) -> Option<Found> {
        match self.table.look(hash(key), |place| self.copy(place, key)) {
            Look::Absent => Some(None),
            Look::Found(found, sight) => sight.holds().then_some(Some(found)),
            Look::Unsettled => None,
        }
    }

    /// A search that tries several times; `None` where only the lock would help.
    fn search(&self, key: usize) -> Option<Found> {
        self.table
            .read(hash(key), |place| self.copy(place, key))
            .ok()
    }
}

/// Places hold the key of their number in the models where the table grows.
fn hash_of(place: Ref) -> u32 {
    hash(place as usize)
}

/// Runs `write` beside a reader of key 0, whose value is 1 at first, and says what that may find.
fn race(
    read: fn(&Keyspace, usize) -> Option<Found>,
    set_up: fn(&Keyspace),
    write: fn(&Keyspace),
    may_find: fn(Found) -> bool,
) -> impl Fn() + Send + Sync + 'static {
    move || {
        let keyspace = Arc::new(Keyspace::new());
        keyspace.insert(0, 0, 1);
        set_up(&keyspace);
        let reader = {
            let keyspace = Arc::clone(&keyspace);
            thread::spawn(move || read(&keyspace, 0))
        };
        write(&keyspace);
        if let Some(found) = reader.join().expect("the reader ends") {
            assert!(may_find(found), "found {found:?}");
        }
    }
}

/// A value that is rewritten in place is seen as it was or as it is.
pub fn a_value_rewritten_in_place_is_never_torn() {
    every_order(race(
        Keyspace::look,
        |_| {},
        |keyspace| {
            let (slot, place) = keyspace
                .table
                .find(hash(0), |place| place == 0)
                .expect("it is there");
            keyspace.table.mutate(slot, || keyspace.write(place, 0, 2));
        },
        |found| found == Some(value(1)) || found == Some(value(2)),
    ));
}

/// A record that moves, and whose old place is written anew for another key, is never missed or mistaken.
pub fn a_record_that_moves_is_never_missed_nor_mistaken_for_who_takes_its_place() {
    every_order(race(
        Keyspace::look,
        |_| {},
        |keyspace| {
            let (slot, _) = keyspace
                .table
                .find(hash(0), |place| place == 0)
                .expect("it is there");
            keyspace.write(1, 0, 1);
            keyspace.table.replace(slot, 1);
            keyspace.insert(0, 1, 9);
        },
        |found| found == Some(value(1)),
    ));
}

/// A key that is removed, and whose slot and place go to another with the same tag, is there or not.
pub fn a_key_whose_slot_and_place_go_to_another_is_there_whole_or_not_at_all() {
    every_order(race(
        Keyspace::look,
        |_| {},
        |keyspace| {
            let (slot, _) = keyspace
                .table
                .find(hash(0), |place| place == 0)
                .expect("it is there");
            keyspace.table.remove(slot, hash(0));
            keyspace.insert(0, 1, 9);
        },
        |found| found.is_none() || found == Some(value(1)),
    ));
}

/// A key that leaves and comes back with another value is never seen with half of each.
pub fn a_key_that_comes_back_is_seen_with_one_of_its_values() {
    every_order(race(
        Keyspace::look,
        |_| {},
        |keyspace| {
            let (slot, _) = keyspace
                .table
                .find(hash(0), |place| place == 0)
                .expect("it is there");
            keyspace.table.remove(slot, hash(0));
            keyspace.insert(0, 0, 2);
        },
        |found| found.is_none() || found == Some(value(1)) || found == Some(value(2)),
    ));
}

/// A key that moves to another segment while the table grows is never missed.
pub fn a_key_that_a_split_moves_is_never_missed() {
    every_order(race(
        Keyspace::search,
        |keyspace| keyspace.insert(1, 1, 9),
        |keyspace| split(&keyspace.table, hash_of),
        |found| found == Some(value(1)),
    ));
}
