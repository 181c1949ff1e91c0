//! `Name`: the key of a view, in place where it is short, so that making a view allocates nothing.

use std::ops::Deref;

/// Longest key that is held in place: with its length and what tells the two forms apart, four words.
const SHORT: usize = 30;

/// See the module's text.
#[derive(Clone)]
pub(crate) enum Name {
    Short(u8, [u8; SHORT]),
    Long(Box<[u8]>),
}

impl Name {
    #[inline]
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut short = [0; SHORT];
        match short.get_mut(..key.len()) {
            Some(place) => {
                place.copy_from_slice(key);
                Name::Short(key.len() as u8, short)
            }
            None => Name::Long(key.into()),
        }
    }
}

impl Deref for Name {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Name::Short(length, key) => &key[..usize::from(*length)],
            Name::Long(key) => key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_key_whatever_its_length() {
        let key: Vec<u8> = (0..=255).collect();
        for length in 0..=key.len() {
            let name = Name::new(&key[..length]);
            assert_eq!(&*name, &key[..length]);
            assert_eq!(matches!(name, Name::Short(..)), length <= SHORT);
        }
        assert_eq!(size_of::<Name>(), 32);
    }
}
