//! The names that servers have for how a value is held. Larder has other forms; the nearest name is given.

use larder::{Encoding, Inspection, KeyType, Store};

use crate::fault::Fault;

/// Longest string that a server keeps beside its header.
const EMBEDDED: usize = 44;
/// Most integers of a set that a server keeps as numbers.
const MOST_INTEGERS: usize = 512;

/// How a server of Redis 8 would hold the value; `None` if it is gone meanwhile.
pub(crate) fn name(
    store: &Store,
    key: &[u8],
    seen: &Inspection,
) -> Result<Option<&'static str>, Fault> {
    let packed = seen.encoding == Encoding::Packed;
    Ok(Some(match seen.key_type {
        KeyType::String => {
            let Some(value) = store.get::<Vec<u8>>(key)? else {
                return Ok(None);
            };
            match crate::args::int(&value) {
                Ok(_) => "int",
                Err(_) if value.len() <= EMBEDDED => "embstr",
                Err(_) => "raw",
            }
        }
        KeyType::List if !packed => "quicklist",
        KeyType::Set if is_of_integers(store, key)? => "intset",
        KeyType::Set | KeyType::Hash if !packed => "hashtable",
        KeyType::SortedSet if !packed => "skiplist",
        _ => "listpack",
    }))
}

fn is_of_integers(store: &Store, key: &[u8]) -> Result<bool, Fault> {
    let set = store.set_of::<Vec<u8>>(key);
    if set.len()? > MOST_INTEGERS {
        return Ok(false);
    }
    let members = set.members()?;
    Ok(members
        .iter()
        .all(|member| crate::args::int(member).is_ok()))
}
