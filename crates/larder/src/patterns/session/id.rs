//! `SessionId`: 128 bits from the system's random source, which nobody can guess.

use std::fmt;
use std::str::FromStr;

/// Characters of an id as text.
const DIGITS: usize = 32;

/// Names a session: 128 random bits, as text always 32 lower-case hexadecimal digits.
///
/// Whoever knows it is logged in, so `{:?}` does not show it; `to_string` does.
///
/// ```
/// use larder::{SessionId, Sessions};
///
/// let sessions: Sessions<()> = Sessions::new();
/// let id = sessions.create("ada", ())?;
/// let cookie = id.to_string();
/// assert_eq!(cookie.len(), 32);
/// assert_eq!(cookie.parse(), Ok(id));
/// assert_eq!("guess".parse::<SessionId>().ok(), None);
/// # Ok::<(), larder::NoRandomness>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId([u8; 16]);

impl SessionId {
    /// An id that was never given out before, and that nobody can guess.
    pub(super) fn random() -> Result<Self, NoRandomness> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(NoRandomness)?;
        Ok(SessionId(bytes))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

/// A text that is no [`SessionId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session id is 32 lower-case hexadecimal digits")
    }
}

impl std::error::Error for InvalidId {}

impl FromStr for SessionId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != DIGITS || !text.bytes().all(is_digit) {
            return Err(InvalidId);
        }
        let bits = u128::from_str_radix(text, 16).map_err(|_| InvalidId)?;
        Ok(SessionId(bits.to_be_bytes()))
    }
}

/// The system gave no random numbers, so no id can be made that nobody could guess.
#[derive(Clone, Copy, Debug)]
pub struct NoRandomness(getrandom::Error);

impl fmt::Display for NoRandomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the system gave no random numbers")
    }
}

impl std::error::Error for NoRandomness {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}
