//! A glob pattern over bytes, as `KEYS`, `SCAN MATCH` and `PSUBSCRIBE` understand it.
//!
//! | in the pattern | stands for |
//! |---|---|
//! | `?` | any one byte |
//! | `*` | any bytes, also none |
//! | `[abc]`, `[a-z]`, `[z-a]` | one byte of the class; a range may be written either way round |
//! | `[^abc]` | one byte outside the class (`!` does not negate) |
//! | `\x` | the byte `x`, in a class too; a backslash at the very end is itself |
//!
//! No pattern is an error. A class that is never closed runs to the end of the pattern; an empty class `[]` accepts nothing, `[^]` any byte.
//! In `[a-]` the bracket is the end of the range, so the class stays open.
//!
//! The pattern is compiled once into a literal prefix, compared as a slice, and one token per byte or class behind it. A token other than the star
//! takes exactly one byte, so the shortest match before a star is never worse than a longer one: on a mismatch only the last star can help, by
//! taking one byte more. One place to go back to is therefore exact, and a match takes at most pattern × text steps, without recursion.
//!
//! ```text
//! tokens   *  a  ?  *  b  c          text   x a y b b c
//!                   ^ star           tried      * = "", then "b"; never back to the first star
//! ```

use std::fmt;
use std::hash::{Hash, Hasher};

/// A compiled glob pattern: `?`, `*`, `[a-z]`, `[^a]` and `\` escapes, over bytes and case-sensitive.
///
/// ```
/// let glob = larder::Glob::new("user:[0-9]*");
/// assert!(glob.matches(b"user:42"));
/// assert!(!glob.matches(b"user:x"));
/// assert_eq!(glob.literal_prefix(), b"user:");
/// ```
#[derive(Clone)]
pub struct Glob {
    /// As it was written; decides equality, all else follows from it.
    pattern: Box<[u8]>,
    /// The bytes, escapes resolved, that every match begins with.
    prefix: Box<[u8]>,
    /// What follows the prefix: empty or beginning with a special, no two stars in a row.
    tokens: Box<[Token]>,
}

#[derive(Clone, PartialEq, Eq)]
enum Token {
    Byte(u8),
    Any,
    /// Boxed, to keep the common tokens small.
    Class(Box<ByteSet>),
    Star,
}

impl Token {
    /// Tells whether a token other than the star takes the byte.
    #[inline]
    fn accepts(&self, byte: u8) -> bool {
        match self {
            Self::Byte(own) => *own == byte,
            Self::Any => true,
            Self::Class(set) => set.contains(byte),
            Self::Star => false,
        }
    }
}

impl Glob {
    /// Compiles a pattern; every sequence of bytes is one.
    ///
    /// ```
    /// assert!(larder::Glob::new("h[^e]llo").matches(b"hallo"));
    /// assert!(larder::Glob::new(b"\xff?").matches(b"\xff\x00"));
    /// ```
    ///
    /// # Cost
    ///
    /// O(pattern); allocates in proportion to it.
    pub fn new(pattern: impl AsRef<[u8]>) -> Self {
        let pattern = pattern.as_ref();
        let (mut prefix, mut tokens) = (Vec::new(), Vec::new());
        let mut rest = pattern;
        while let Some((token, behind)) = next_token(rest) {
            match token {
                Token::Byte(byte) if tokens.is_empty() => prefix.push(byte),
                Token::Star if tokens.last() == Some(&Token::Star) => {}
                token => tokens.push(token),
            }
            rest = behind;
        }
        if pattern.len() > 1 && pattern.iter().all(|&byte| byte == b'*') {
            // Redis: `**` does not match the empty text, although `*` does.
            tokens.push(Token::Any);
        }
        Self {
            pattern: pattern.into(),
            prefix: prefix.into(),
            tokens: tokens.into(),
        }
    }

    /// A pattern that only this text matches, whatever is in it.
    ///
    /// ```
    /// use larder::Glob;
    ///
    /// let glob = Glob::literal("50%*");
    /// assert!(glob.matches(b"50%*") && !glob.matches(b"50%1"));
    /// assert_eq!(glob, Glob::new(r"50%\*"));
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Glob::new`].
    pub fn literal(text: impl AsRef<[u8]>) -> Self {
        let mut pattern = Vec::new();
        for byte in text.as_ref() {
            if br"?*[\".contains(byte) {
                pattern.push(b'\\');
            }
            pattern.push(*byte);
        }
        Self::new(pattern)
    }

    /// Tells whether the whole text matches.
    ///
    /// ```
    /// let glob = larder::Glob::new("news.*");
    /// assert!(glob.matches(b"news.tech"));
    /// assert!(!glob.matches(b"old news.tech"));
    /// ```
    ///
    /// # Cost
    ///
    /// O(text) for a prefix and one star, O(pattern × text) at worst; allocates nothing.
    #[inline]
    pub fn matches(&self, text: &[u8]) -> bool {
        match text.strip_prefix(&*self.prefix) {
            None => false,
            Some(rest) => match &*self.tokens {
                [] => rest.is_empty(),
                [Token::Star] => true,
                tokens => matches_tokens(tokens, rest),
            },
        }
    }

    /// Returns the bytes, escapes resolved, that every match begins with.
    ///
    /// ```
    /// assert_eq!(larder::Glob::new(r"a\*b*c").literal_prefix(), b"a*b");
    /// ```
    pub fn literal_prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Tells whether the pattern has no special, so that only [`literal_prefix`](Self::literal_prefix) itself matches.
    ///
    /// ```
    /// assert!(larder::Glob::new(r"what\?").is_literal());
    /// assert!(!larder::Glob::new("what?").is_literal());
    /// ```
    pub fn is_literal(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Returns the pattern as it was written.
    ///
    /// ```
    /// assert_eq!(larder::Glob::new(r"a\*").as_bytes(), br"a\*");
    /// ```
    pub fn as_bytes(&self) -> &[u8] {
        &self.pattern
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glob(\"{}\")", self.pattern.escape_ascii())
    }
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

impl Eq for Glob {}

impl Hash for Glob {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pattern.hash(state);
    }
}

/// Splits the first token off a pattern.
fn next_token(pattern: &[u8]) -> Option<(Token, &[u8])> {
    Some(match pattern {
        [] => return None,
        [b'*', rest @ ..] => (Token::Star, rest),
        [b'?', rest @ ..] => (Token::Any, rest),
        [b'[', rest @ ..] => {
            let (set, rest) = parse_class(rest);
            (Token::Class(Box::new(set)), rest)
        }
        [b'\\', byte, rest @ ..] | [byte, rest @ ..] => (Token::Byte(*byte), rest),
    })
}

/// Reads a class from behind its opening bracket; returns what is behind the closing one, or nothing if there is none.
fn parse_class(pattern: &[u8]) -> (ByteSet, &[u8]) {
    let (negated, mut rest) = match pattern {
        [b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut set = ByteSet::default();
    loop {
        rest = match rest {
            [] => break,
            [b']', behind @ ..] => {
                rest = behind;
                break;
            }
            [b'\\', byte, behind @ ..] => {
                set.insert(*byte, *byte);
                behind
            }
            [from, b'-', to, behind @ ..] => {
                set.insert(*from.min(to), *from.max(to));
                behind
            }
            [byte, behind @ ..] => {
                set.insert(*byte, *byte);
                behind
            }
        };
    }
    (if negated { set.complement() } else { set }, rest)
}

/// Matches by going back to the last star alone. Terminates: each step moves on in the text, or moves the star's end on.
fn matches_tokens(tokens: &[Token], text: &[u8]) -> bool {
    let (mut token, mut byte) = (0, 0);
    // Where to go on after a mismatch: the token behind the last star, and where in the text that star ends.
    let mut star: Option<(usize, usize)> = None;
    loop {
        match (tokens.get(token), text.get(byte)) {
            (Some(Token::Star), _) => {
                token += 1;
                if token == tokens.len() {
                    return true;
                }
                star = Some((token, byte));
            }
            (Some(own), Some(&found)) if own.accepts(found) => {
                token += 1;
                byte += 1;
            }
            (None, None) => return true,
            // The text is spent: a longer star would leave even less of it.
            (Some(_), None) => return false,
            (_, Some(_)) => {
                let Some((behind, end)) = star else {
                    return false;
                };
                star = Some((behind, end + 1));
                (token, byte) = (behind, end + 1);
            }
        }
    }
}

/// A set of bytes, one bit each.
#[derive(Clone, Default, PartialEq, Eq)]
struct ByteSet([u64; 4]);

impl ByteSet {
    fn insert(&mut self, first: u8, last: u8) {
        for byte in first..=last {
            self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
        }
    }

    #[inline]
    fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] & (1 << (byte & 63)) != 0
    }

    fn complement(&self) -> Self {
        Self(self.0.map(|word| !word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEYS: [&str; 9] = [
        "hello", "hallo", "hxllo", "hllo", "heello", "h[llo", "a*b", "a\x08", "",
    ];

    #[test]
    fn patterns_find_the_keys_that_servers_find() {
        for (pattern, found) in [
            ("h?llo", &["hello", "hallo", "hxllo", "h[llo"][..]),
            (
                "h*llo",
                &["hello", "hallo", "hxllo", "hllo", "heello", "h[llo"],
            ),
            ("h[ae]llo", &["hello", "hallo"]),
            ("h[^e]llo", &["hallo", "hxllo", "h[llo"]),
            ("h[a-f]llo", &["hello", "hallo"]),
            ("h[f-a]llo", &["hello", "hallo"]),
            (r"h\[llo", &["h[llo"]),
            (r"a\*b", &["a*b"]),
            ("h[ae", &[]),
            ("h[", &[]),
            ("", &[""]),
            ("H?LLO", &[]),
            ("*", &KEYS),
            ("**", &KEYS[..8]),
            ("h[!e]llo", &["hello"]),
            (r"a\\b", &[]),
        ] {
            let glob = Glob::new(pattern);
            let matched: Vec<&str> = KEYS
                .into_iter()
                .filter(|key| glob.matches(key.as_bytes()))
                .collect();
            assert_eq!(matched, found, "{pattern}");
        }
    }

    #[test]
    fn odd_classes_are_read_as_redis_reads_them() {
        let accepted = |pattern: &str| -> Vec<u8> {
            let glob = Glob::new(pattern);
            (0..=255).filter(|byte| glob.matches(&[*byte])).collect()
        };
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(accepted("[ae"), b"ae");
        assert_eq!(accepted("["), b"");
        assert_eq!(accepted("[]"), b"");
        assert_eq!(accepted("[^]"), all);
        assert_eq!(accepted("[^"), all);
        assert_eq!(accepted(r"[\]a]"), b"]a");
        assert_eq!(accepted(r"[\^a]"), b"^a");
        assert_eq!(accepted(r"[a\"), br"\a");
        assert_eq!(accepted("[a-"), b"-a");
        assert_eq!(accepted("[a-]"), b"]^_`a");
        assert_eq!(accepted("[a-]z]"), b"]^_`az");
        assert_eq!(accepted(r"[\a-c]"), b"-ac");
        assert_eq!(accepted("[--/]"), b"-./");
        assert_eq!(accepted("[a^]"), b"^a");
    }

    #[test]
    fn a_backslash_at_the_end_is_itself() {
        assert!(Glob::new(r"a\").matches(br"a\"));
        assert!(Glob::new(r"a\").is_literal());
        assert!(!Glob::new(r"a\").matches(b"a"));
    }

    #[test]
    fn the_prefix_ends_before_the_first_special() {
        for (pattern, prefix, literal) in [
            ("", "", true),
            ("user:1", "user:1", true),
            (r"a\?b?", "a?b", false),
            ("[a]", "", false),
            (r"\*", "*", true),
        ] {
            let glob = Glob::new(pattern);
            assert_eq!(glob.literal_prefix(), prefix.as_bytes(), "{pattern}");
            assert_eq!(glob.is_literal(), literal, "{pattern}");
            assert_eq!(glob.as_bytes(), pattern.as_bytes());
        }
    }

    #[test]
    fn equal_patterns_are_equal_and_print_readably() {
        assert_eq!(Glob::new("a*"), Glob::new(b"a*"));
        assert_ne!(Glob::new("a*"), Glob::new("a**"));
        assert_eq!(
            format!("{:?}", Glob::new(b"a\"\xff*")),
            r#"Glob("a\"\xff*")"#
        );
    }

    #[test]
    fn a_hostile_pattern_takes_no_more_than_pattern_times_text() {
        let glob = Glob::new("a*".repeat(2000) + "b");
        assert!(!glob.matches("a".repeat(20_000).as_bytes()));
        let glob = Glob::new("*".to_owned() + &"a".repeat(500) + "b*");
        assert!(!glob.matches("a".repeat(20_000).as_bytes()));
    }

    /// The definition, read aloud: every way for a star to end is tried.
    fn naive(pattern: &[u8], text: &[u8]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [b'*', rest @ ..] => (0..=text.len()).any(|taken| naive(rest, &text[taken..])),
            _ => match text {
                [] => false,
                [byte, behind @ ..] => {
                    let (accepted, used) = naive_step(pattern, *byte);
                    accepted && naive(&pattern[used..], behind)
                }
            },
        }
    }

    /// Whether the pattern's first item takes the byte, and how long that item is.
    fn naive_step(pattern: &[u8], byte: u8) -> (bool, usize) {
        match pattern[0] {
            b'?' => (true, 1),
            b'\\' if pattern.len() > 1 => (pattern[1] == byte, 2),
            b'[' => {
                let negated = pattern.get(1) == Some(&b'^');
                let (mut at, mut found) = (1 + usize::from(negated), false);
                while at < pattern.len() && pattern[at] != b']' {
                    let left = pattern.len() - at;
                    let (low, high, used) = if pattern[at] == b'\\' && left >= 2 {
                        (pattern[at + 1], pattern[at + 1], 2)
                    } else if left >= 3 && pattern[at + 1] == b'-' {
                        (pattern[at], pattern[at + 2], 3)
                    } else {
                        (pattern[at], pattern[at], 1)
                    };
                    found |= (low <= byte && byte <= high) || (high <= byte && byte <= low);
                    at += used;
                }
                (found != negated, (at + 1).min(pattern.len()))
            }
            own => (own == byte, 1),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn the_matcher_agrees_with_the_naive_one(pattern in r"[ab*?\[\]\\^-]{0,10}", text in r"[ab\]\\-]{0,10}") {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            let only_stars = pattern.len() > 1 && pattern.iter().all(|&byte| byte == b'*');
            let expected = naive(pattern, text) && !(only_stars && text.is_empty());
            prop_assert_eq!(Glob::new(pattern).matches(text), expected);
        }

        #[test]
        fn stars_among_few_letters_agree_with_the_naive_one(pattern in "[ab*]{0,12}", text in "[ab]{1,14}") {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(Glob::new(pattern).matches(text), naive(pattern, text));
        }

        #[test]
        fn a_match_begins_with_the_prefix(pattern in r"[ab*\\]{0,6}", text in "[ab*]{0,8}") {
            let glob = Glob::new(&pattern);
            let text = text.as_bytes();
            prop_assert!(!glob.matches(text) || text.starts_with(glob.literal_prefix()));
            prop_assert!(!glob.is_literal() || glob.matches(text) == (text == glob.literal_prefix()));
        }
    }
}
