//! `Args`: the words of a command, read one after the other.

use larder::{FromValue, Raw};

use crate::fault::Fault;

/// What a handler returns.
pub(crate) type Outcome = Result<crate::reply::Reply, Fault>;

/// The words of a command, its name the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args<'a> {
    words: &'a [&'a [u8]],
    at: usize,
}

impl<'a> Args<'a> {
    /// Stands behind the name.
    pub(crate) fn new(words: &'a [&'a [u8]]) -> Self {
        Args { words, at: 1 }
    }

    /// The name as a caller wrote it, in lower case.
    pub(crate) fn name(&self) -> String {
        let name = self.words.first().copied().unwrap_or_default();
        String::from_utf8_lossy(name).to_ascii_lowercase()
    }

    /// All words, the name among them.
    pub(crate) fn words(&self) -> &'a [&'a [u8]] {
        self.words
    }

    /// The words that were not read yet.
    pub(crate) fn rest(&self) -> &'a [&'a [u8]] {
        self.words.get(self.at..).unwrap_or_default()
    }

    /// How many words were not read yet.
    pub(crate) fn left(&self) -> usize {
        self.words.len() - self.at
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.left() == 0
    }

    /// The next word, if there is one; it stays.
    pub(crate) fn peek(&self) -> Option<&'a [u8]> {
        self.words.get(self.at).copied()
    }

    /// The next word; none left is a syntax error.
    #[inline]
    pub(crate) fn take(&mut self) -> Result<&'a [u8], Fault> {
        let word = self.words.get(self.at).ok_or(Fault::SYNTAX)?;
        self.at += 1;
        Ok(word)
    }

    /// The next so many words; fewer left is a syntax error.
    pub(crate) fn take_many(&mut self, count: usize) -> Result<&'a [&'a [u8]], Fault> {
        let words = self.rest().get(..count).ok_or(Fault::SYNTAX)?;
        self.at += count;
        Ok(words)
    }

    /// Reads the next word if it is this one, in any case of letters.
    pub(crate) fn accept(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|next| is(next, word));
        self.at += usize::from(found);
        found
    }

    /// An integer.
    pub(crate) fn int(&mut self) -> Result<i64, Fault> {
        int(self.take()?)
    }

    /// A number; NaN is none.
    pub(crate) fn float(&mut self) -> Result<f64, Fault> {
        float(self.take()?).ok_or(Fault::NOT_A_FLOAT)
    }

    /// A count that must not be 0, with the text for one that is not.
    pub(crate) fn positive(&mut self, otherwise: &'static str) -> Result<usize, Fault> {
        let count = int(self.take()?).ok().filter(|count| *count > 0);
        let count = count.ok_or(Fault::fixed(otherwise))?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Nothing may be left.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(Fault::SYNTAX)
        }
    }
}

/// Whether a word is this one, in any case of letters.
#[inline]
pub(crate) fn is(word: &[u8], wanted: &str) -> bool {
    word.eq_ignore_ascii_case(wanted.as_bytes())
}

/// A 64-bit integer in canonical form.
#[inline]
pub(crate) fn int(word: &[u8]) -> Result<i64, Fault> {
    Raw::Bytes(word).int().ok_or(Fault::NOT_AN_INTEGER)
}

/// A number; NaN is none.
pub(crate) fn float(word: &[u8]) -> Option<f64> {
    f64::from_value(word).ok().filter(|number| !number.is_nan())
}
