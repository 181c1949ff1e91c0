//! `Copies`: elements on their way out of the store, one behind the other.
//!
//! What an element converts to is the caller's code, which must not run under a lock: so elements are copied first, all
//! into one buffer.

use crate::bytes::{ConvertError, FromValue};
use crate::ds::deque::element::Element;

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    bytes: Vec<u8>,
    items: Vec<Item>,
}

#[derive(Debug)]
enum Item {
    Int(i64),
    /// The bytes up to here, from where the item before ends.
    Bytes(usize),
}

impl Copies {
    pub(crate) fn with_capacity(elements: usize) -> Self {
        Copies {
            bytes: Vec::new(),
            items: Vec::with_capacity(elements),
        }
    }

    pub(crate) fn push(&mut self, element: Element<'_>) {
        self.items.push(match element {
            Element::Int(int) => Item::Int(int),
            Element::Bytes(bytes) => {
                self.bytes.extend_from_slice(bytes);
                Item::Bytes(self.bytes.len())
            }
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Bytes of all elements, as their owner knows them.
    pub(crate) fn text_len(&self) -> usize {
        self.iter().map(|element| element.len()).sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Element<'_>> {
        let mut start = 0;
        self.items.iter().map(move |item| match item {
            Item::Int(int) => Element::Int(*int),
            Item::Bytes(end) => {
                let bytes = &self.bytes[start..*end];
                start = *end;
                Element::Bytes(bytes)
            }
        })
    }

    /// The elements as the type asked for.
    pub(crate) fn convert<T: FromValue>(&self) -> Result<Vec<T>, ConvertError> {
        self.iter().map(convert).collect()
    }
}

/// An element as the type asked for.
pub(crate) fn convert<T: FromValue>(element: Element<'_>) -> Result<T, ConvertError> {
    match element {
        Element::Int(int) => T::from_int(int),
        Element::Bytes(bytes) => T::from_value(bytes),
    }
}
