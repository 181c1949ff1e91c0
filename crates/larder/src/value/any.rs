//! `Any`: a value with elements, whatever its type.

use super::Collection;
use crate::key::KeyType;

/// What a boxed value takes beside what it holds, the allocator's share included.
const BOX_BYTES: u64 = size_of::<Any>() as u64 + 16;

/// A type of which `Any` has a variant.
pub(crate) trait Variant: Collection {
    const TYPE: KeyType;

    fn of(any: &Any) -> Option<&Self>;

    fn of_mut(any: &mut Any) -> Option<&mut Self>;

    fn into_any(self) -> Any;
}

macro_rules! variants {
    ($($name:ident,)*) => {
        /// A value with elements that stands outside its record.
        #[derive(Clone)]
        pub(crate) enum Any {
            $($name(super::$name),)*
        }

        $(impl Variant for super::$name {
            const TYPE: KeyType = KeyType::$name;

            fn of(any: &Any) -> Option<&Self> {
                if let Any::$name(value) = any { Some(value) } else { None }
            }

            fn of_mut(any: &mut Any) -> Option<&mut Self> {
                if let Any::$name(value) = any { Some(value) } else { None }
            }

            fn into_any(self) -> Any {
                Any::$name(self)
            }
        })*

        impl Any {
            /// The value of this type that was packed.
            pub(crate) fn unpack(key_type: KeyType, packed: Vec<u8>) -> Option<Self> {
                match key_type {
                    $(KeyType::$name => Some(Any::$name(super::$name::unpack(packed))),)*
                    _ => None,
                }
            }

            pub(crate) fn key_type(&self) -> KeyType {
                match *self { $(Any::$name(_) => KeyType::$name),* }
            }

            /// Bytes held in a box.
            pub(crate) fn bytes(&self) -> u64 {
                let held: u64 = match *self { $(Any::$name(ref value) => value.bytes()),* };
                BOX_BYTES + held
            }

            pub(crate) fn packed(&self) -> Option<&[u8]> {
                match *self { $(Any::$name(ref value) => value.packed()),* }
            }

            pub(crate) fn begin(&mut self) {
                match *self { $(Any::$name(ref mut value) => value.begin()),* }
            }

            pub(crate) fn commit(&mut self) {
                match *self { $(Any::$name(ref mut value) => value.commit()),* }
            }

            pub(crate) fn rollback(&mut self) {
                match *self { $(Any::$name(ref mut value) => value.rollback()),* }
            }

            pub(crate) fn next_due(&self) -> Option<u64> {
                match *self { $(Any::$name(ref value) => value.next_due()),* }
            }
        }
    };
}

variants! {
    List,
    SortedSet,
    Hash,
    Set,
}
