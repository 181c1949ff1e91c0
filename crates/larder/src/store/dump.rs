//! `Dump`: a value as bytes that any store can take in.
//!
//! ```text
//! version | type | string: its bytes
//!                | list, set: elements · sorted set: score, member · hash: deadline, field, value | FNV-1a of all before
//! ```
//!
//! Numbers are little-endian, lengths of 4 bytes before what they are of. A deadline is in milliseconds since 1970, all
//! ones for none; a key's own is not part of a dump. Bytes that no store wrote are refused, whatever they are.

use super::core::Store;
use super::group::{Key, Views};
use super::options::{Check, Lease, SetOptions};
use super::site::Site;
use super::stored::Stored;
use super::tx::Tx;
use super::whole::Whole;
use crate::bytes::Raw;
use crate::ds::deque::element::Element;
use crate::ds::packed::{Element as Pair, NEVER};
use crate::error::Error;
use crate::event::EventKind;
use crate::key::KeyType;
use crate::value::sorted_set::{AddRule, Direction};
use crate::value::{Collection, Hash, List, Set, SortedSet, Variant, owned};

/// The layout that is written, and read.
const VERSION: u8 = 1;
const CHECKSUM: usize = 8;

/// The types by their numbers in a dump.
const TYPES: [KeyType; 5] = [
    KeyType::String,
    KeyType::List,
    KeyType::Hash,
    KeyType::Set,
    KeyType::SortedSet,
];

/// FNV-1a: against accidents, not against forgers.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Appends bytes behind their length.
fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("no element is longer than 512 MiB");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
}

/// What was not read yet.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Error::BadDump)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(bytes))
    }

    fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let mut length = [0; 4];
        length.copy_from_slice(self.take(4)?);
        self.take(u32::from_le_bytes(length) as usize)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A value with elements on its way into a key.
fn whole<C: Variant>(value: C) -> Result<Whole, Error> {
    if value.len() == 0 {
        return Err(Error::BadDump);
    }
    Ok(match value.packed() {
        Some(packed) => Whole::Packed(C::TYPE, packed.to_vec()),
        None => Whole::Elements(Box::new(value.into_any())),
    })
}

impl Site<'_> {
    /// The elements of a value, as a dump has them.
    fn write_elements(
        self,
        views: Views<'_>,
        key: Key<'_>,
        key_type: KeyType,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let core = self.core();
        match key_type {
            KeyType::List => {
                if let Some(list) = views.get::<List>(key)? {
                    list.range(0..list.len(), |element| {
                        element.with_bytes(|bytes| put(out, bytes));
                    });
                }
            }
            KeyType::Set => {
                if let Some(set) = views.get::<Set>(key)? {
                    set.iter().for_each(|member| put(out, &owned(member)));
                }
            }
            KeyType::SortedSet => {
                if let Some(set) = views.get::<SortedSet>(key)? {
                    set.visit(0..set.len(), Direction::Up, |member, score| {
                        out.extend_from_slice(&score.to_le_bytes());
                        put(out, member);
                    });
                }
            }
            KeyType::Hash => {
                if let Some(hash) = views.get::<Hash>(key)? {
                    let origin = core.clock.unix_origin();
                    for Pair { key, value, due } in hash.iter(views.time.exact()) {
                        let due = if due == NEVER { due } else { due + origin };
                        out.extend_from_slice(&due.to_le_bytes());
                        put(out, key);
                        put(out, value);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn dump(self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let key = self.key(key);
        let found = self.look_many(&[key], |views| {
            let Some(key_type) = views.key_type(key) else {
                return Ok(None);
            };
            let number = TYPES.iter().position(|known| *known == key_type);
            let mut out = vec![VERSION, number.unwrap_or(0) as u8];
            if key_type == KeyType::String {
                views.with(key, |stored| {
                    stored.with_text(|text| out.extend_from_slice(text));
                });
            } else {
                self.write_elements(views, key, key_type, &mut out)?;
            }
            out.extend_from_slice(&checksum(&out).to_le_bytes());
            Ok(Some(out))
        })?;
        self.count_look(found.is_some());
        Ok(found)
    }

    /// The value that a dump is of.
    pub(super) fn read_dump(self, dump: &[u8]) -> Result<Whole, Error> {
        let (body, sum) = dump
            .len()
            .checked_sub(CHECKSUM)
            .map(|length| dump.split_at(length))
            .ok_or(Error::BadDump)?;
        if checksum(body).to_le_bytes() != sum {
            return Err(Error::BadDump);
        }
        let [VERSION, number, rest @ ..] = body else {
            return Err(Error::BadDump);
        };
        match TYPES.get(usize::from(*number)) {
            Some(KeyType::String) => {
                let raw = Raw::Bytes(rest);
                Whole::of(&Stored::new(&raw)).ok_or(Error::BadDump)
            }
            Some(key_type) => self.read_elements(*key_type, Reader(rest)),
            None => Err(Error::BadDump),
        }
    }

    fn read_elements(self, key_type: KeyType, mut rest: Reader<'_>) -> Result<Whole, Error> {
        let (hasher, origin) = (&self.core().hasher, self.core().clock.unix_origin());
        match key_type {
            KeyType::List => {
                let mut list = List::unpack(Vec::new());
                while !rest.is_empty() {
                    list.push(crate::ds::deque::End::Back, Element::new(rest.bytes()?));
                }
                whole(list)
            }
            KeyType::Set => {
                let mut set = Set::default();
                while !rest.is_empty() {
                    set.insert(hasher, rest.bytes()?);
                }
                whole(set)
            }
            KeyType::SortedSet => {
                let mut set = SortedSet::new();
                while !rest.is_empty() {
                    let score = f64::from_bits(rest.number()?);
                    let member = rest.bytes()?;
                    if score.is_nan() {
                        return Err(Error::BadDump);
                    }
                    set.add(hasher, member, score, AddRule::Always);
                }
                whole(set)
            }
            _ => {
                let mut hash = Hash::default();
                while !rest.is_empty() {
                    let due = match rest.number()? {
                        NEVER => NEVER,
                        due => due.saturating_sub(origin),
                    };
                    let (key, value) = (rest.bytes()?, rest.bytes()?);
                    hash.set(hasher, Pair { key, value, due }, 0);
                }
                whole(hash)
            }
        }
    }

    fn restore(self, key: &[u8], dump: &[u8], options: SetOptions<'_>) -> Result<bool, Error> {
        let time = self.present();
        let setting = options.resolve(&time)?;
        let whole = self.read_dump(dump)?;
        self.write_by(&time, self.key(key), |seat| {
            let admitted = match setting.guard {
                Check::None => true,
                Check::Absent => !seat.exists(),
                Check::Present => seat.exists(),
                Check::Equal(_) => return Err(Error::Syntax.into()),
            };
            if !admitted {
                return Ok(false);
            }
            let deadline = match setting.expiry {
                Lease::Clear => None,
                Lease::Keep => seat.deadline(),
                Lease::Until(deadline) => Some(deadline),
                Lease::Over => {
                    seat.delete();
                    return Ok(true);
                }
            };
            seat.put_whole(whole.clone(), deadline)?;
            seat.tell(EventKind::Restore);
            Ok(true)
        })
    }
}

impl Store {
    /// A key's value as bytes that [`Store::restore`] takes in, in this or another process; `None` if there is no such
    /// key. Its time to live is not part of it.
    ///
    /// ```
    /// use larder::{SetOptions, Store};
    ///
    /// let (here, there) = (Store::new(), Store::new());
    /// here.list::<i64>("list").push_back_many([1, 2, 3])?;
    /// let dump = here.dump("list")?.expect("it is there");
    /// assert!(there.restore("copy", &dump, SetOptions::new())?);
    /// assert_eq!(there.list::<i64>("copy").range(..)?, [1, 2, 3]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// The bytes are larder's own, not a server's.
    ///
    /// # Cost
    ///
    /// O(elements), one stripe's lock, shared with other readers.
    ///
    /// # Errors
    ///
    /// None at present.
    #[doc(alias = "DUMP")]
    pub fn dump(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        self.site().dump(key.as_ref())
    }

    /// Puts what [`Store::dump`] gave in the place of whatever the key held, as the options say; whether it did.
    ///
    /// ```
    /// use larder::{Error, SetOptions, Store};
    ///
    /// let store = Store::new();
    /// store.set("key", "value")?;
    /// let dump = store.dump("key")?.expect("it is there");
    /// assert!(!store.restore("key", &dump, SetOptions::new().if_absent())?);
    /// assert_eq!(store.restore("key", &dump[1..], SetOptions::new()), Err(Error::BadDump));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(elements), made before one stripe's lock is taken.
    ///
    /// # Errors
    ///
    /// [`Error::BadDump`] for bytes that are none; [`Error::TooLarge`] if the value does not fit the store's bound;
    /// [`Error::Syntax`] for options that exclude each other, and for [`SetOptions::if_equal`];
    /// [`Error::InvalidExpiry`].
    #[doc(alias = "RESTORE")]
    pub fn restore(
        &self,
        key: impl AsRef<[u8]>,
        dump: &[u8],
        options: SetOptions<'_>,
    ) -> Result<bool, Error> {
        self.site().restore(key.as_ref(), dump, options)
    }
}

impl Tx<'_> {
    /// See [`Store::dump`].
    ///
    /// # Errors
    ///
    /// [`Error::KeyNotNamed`].
    #[doc(alias = "DUMP")]
    pub fn dump(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        self.site.dump(key.as_ref())
    }

    /// See [`Store::restore`].
    ///
    /// # Errors
    ///
    /// Those of the store's call, and [`Error::KeyNotNamed`].
    #[doc(alias = "RESTORE")]
    pub fn restore(
        &self,
        key: impl AsRef<[u8]>,
        dump: &[u8],
        options: SetOptions<'_>,
    ) -> Result<bool, Error> {
        self.site.restore(key.as_ref(), dump, options)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use proptest::prelude::*;

    use super::*;
    use crate::time::{ManualClock, Ttl};

    fn filled() -> Store {
        let store = Store::new();
        let many = || (0..300).map(|n| format!("element{n}"));
        store.set("string", "text").expect("it fits");
        store.set("number", 42).expect("it fits");
        store.set("long", vec![b'x'; 10_000]).expect("it fits");
        for key in ["list", "lists"] {
            let list = store.list::<String>(key);
            let few = if key == "list" { 3 } else { 300 };
            list.push_back_many(many().take(few)).expect("it fits");
            let set = store.set_of::<String>(format!("set:{key}"));
            set.add_many(many().take(few)).expect("it fits");
            let sorted = store.sorted_set::<String>(format!("sorted:{key}"));
            sorted
                .add_many(many().take(few).zip((0..).map(f64::from)))
                .expect("it fits");
            let hash = store.hash::<String>(format!("hash:{key}"));
            hash.set_many(many().take(few).zip(many()))
                .expect("it fits");
        }
        store
    }

    #[test]
    fn a_value_of_every_type_and_size_comes_back_from_its_dump() {
        let (here, there) = (filled(), Store::new());
        for key in here.keys("*") {
            let dump = here.dump(&key).expect("no error").expect("it is there");
            assert_eq!(there.restore(&key, &dump, SetOptions::new()), Ok(true));
            let mut again = there.dump(&key).expect("no error").expect("it is there");
            let (mut sorted, mut sorted_again) = (dump.clone(), std::mem::take(&mut again));
            // Sets and hashes have no order.
            sorted.sort_unstable();
            sorted_again.sort_unstable();
            assert_eq!(sorted.len(), sorted_again.len());
            assert_eq!(there.key_type(&key), here.key_type(&key));
        }
        assert_eq!(there.len(), here.len());
        let all = |store: &Store| store.list::<String>("lists").range(..);
        assert_eq!(all(&here), all(&there));
        let rows = |store: &Store| {
            store
                .sorted_set::<String>("sorted:lists")
                .range_with_scores(..)
        };
        assert_eq!(rows(&here), rows(&there));
        let fields = |store: &Store| {
            let mut fields = store
                .hash::<String>("hash:lists")
                .entries::<String>()
                .expect("a hash");
            fields.sort();
            fields
        };
        assert_eq!(fields(&here), fields(&there));
    }

    #[test]
    fn fields_keep_their_deadlines_in_a_dump() {
        let (store, hour) = (Store::new(), Duration::from_secs(3600));
        let hash = store.hash::<i64>("hash");
        hash.set_many([("a", 1), ("b", 2)]).expect("it fits");
        hash.expire(["a"], hour, None).expect("a hash");
        let dump = store.dump("hash").expect("no error").expect("it is there");
        assert_eq!(store.restore("copy", &dump, SetOptions::new()), Ok(true));
        let left = store.hash::<i64>("copy").ttl(["a", "b"]).expect("a hash");
        assert!(matches!(left[..], [Ttl::Left(left), Ttl::Forever] if left > hour / 2));
    }

    #[test]
    fn a_restored_key_has_the_time_to_live_that_it_is_given() {
        let clock = ManualClock::new();
        let store = Store::builder()
            .clock(clock.clock())
            .build()
            .expect("a store");
        store.set("key", 1).expect("it fits");
        let dump = store.dump("key").expect("no error").expect("it is there");
        let minute = SetOptions::new().ttl(Duration::from_secs(60));
        assert_eq!(store.restore("copy", &dump, minute), Ok(true));
        assert_eq!(store.ttl("copy"), Ttl::Left(Duration::from_secs(60)));
        let past = SetOptions::new().expire_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        assert_eq!(store.restore("copy", &dump, past), Ok(true));
        assert!(!store.exists("copy"));
    }

    proptest! {
        #[test]
        fn bytes_that_are_no_dump_change_nothing(bytes in prop::collection::vec(any::<u8>(), 0..60), sum in any::<bool>()) {
            let store = Store::new();
            let mut bytes = bytes;
            if sum {
                if let Some(first) = bytes.first_mut() {
                    *first = VERSION;
                }
                bytes.extend(checksum(&bytes).to_le_bytes());
            }
            if store.restore("key", &bytes, SetOptions::new()).is_err() {
                prop_assert_eq!(store.len(), 0);
            }
        }
    }
}
