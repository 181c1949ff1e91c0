//! Where larder's replies may differ from a server's, and why.

use larder_tests::servers::Shape;

use crate::draw::Words;

/// What a difference leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The same values.
    Alike,
    /// Different ones: the rest of the stream cannot be compared.
    Apart,
}

/// A difference: the command, whose replies it is about, why.
struct Difference {
    command: &'static str,
    holds: fn(version: &str, words: &Words, ours: &Shape, theirs: &Shape) -> bool,
    leaves: Outcome,
    why: &'static str,
}

fn text(shape: &Shape) -> &[u8] {
    match shape {
        Shape::Line(text) | Shape::Bulk(Some(text)) => text,
        _ => b"",
    }
}

const KEPT_COUNT: &str =
    "a server keeps the last count in a HyperLogLog's bytes, larder counts when it is asked";

const DIFFERENCES: &[Difference] = &[
    Difference {
        command: "OBJECT",
        holds: |_, words, _, _| {
            words
                .get(1)
                .is_some_and(|word| word.eq_ignore_ascii_case(b"ENCODING"))
        },
        leaves: Outcome::Alike,
        why: "how a value is held is larder's own matter; the names are Redis' nearest",
    },
    Difference {
        command: "OBJECT",
        holds: |_, words, _, _| {
            words
                .get(1)
                .is_some_and(|word| word.eq_ignore_ascii_case(b"REFCOUNT"))
        },
        leaves: Outcome::Alike,
        why: "a server shares small integers, and says so",
    },
    Difference {
        command: "OBJECT",
        holds: |_, words, ours, theirs| {
            let apart = number(ours).zip(number(theirs)).map(|(a, b)| (a - b).abs());
            let is_idle = words
                .get(1)
                .is_some_and(|word| word.eq_ignore_ascii_case(b"IDLETIME"));
            is_idle && apart.is_some_and(|apart| apart <= 3.0)
        },
        leaves: Outcome::Alike,
        why: "two clocks",
    },
    Difference {
        command: "OBJECT",
        holds: |version, words, ours, theirs| {
            let is_idle = has(words, b"IDLETIME");
            is_idle && version.starts_with("Redis 7.0") && number(ours) < number(theirs)
        },
        leaves: Outcome::Alike,
        why: "Redis 7.0 shares small integers, and with them the time at which one was used",
    },
    Difference {
        command: "SCAN",
        holds: |_, words, _, _| words.len() == 2,
        leaves: Outcome::Alike,
        why: "where a page ends is each one's own matter",
    },
    Difference {
        command: "SCAN",
        holds: |version, words, _, _| version.starts_with("Valkey") && has(words, b"TYPE"),
        leaves: Outcome::Alike,
        why: "of a type that there is not, Valkey says so, Redis finds nothing",
    },
    Difference {
        command: "SSCAN",
        holds: |_, words, _, _| words.len() == 3,
        leaves: Outcome::Alike,
        why: "where a page ends is each one's own matter",
    },
    Difference {
        command: "HSCAN",
        holds: |_, words, _, _| words.len() == 3,
        leaves: Outcome::Alike,
        why: "where a page ends is each one's own matter",
    },
    Difference {
        command: "ZSCAN",
        holds: |_, words, _, _| words.len() == 3,
        leaves: Outcome::Alike,
        why: "where a page ends is each one's own matter",
    },
    Difference {
        command: "BOGUS",
        holds: |_, _, ours, theirs| {
            text(ours).starts_with(b"-ERR unknown") && text(theirs).starts_with(b"-ERR unknown")
        },
        leaves: Outcome::Alike,
        why: "an error's text is text: what is no UTF-8 of an argument that it repeats is shown as such",
    },
    Difference {
        command: "COMMAND",
        holds: |_, words, _, _| words.len() == 1 || words.len() == 2 && has(words, b"INFO"),
        leaves: Outcome::Alike,
        why: "the whole table: each has its own commands, larder says less of each",
    },
    Difference {
        command: "COMMAND",
        holds: |version, words, _, _| version.starts_with("Redis 7.0") && words.len() == 3,
        leaves: Outcome::Alike,
        why: "COMMAND GETKEYS of a command without arguments is too short for Redis 7.0",
    },
    Difference {
        command: "DEBUG",
        holds: |_, _, ours, theirs| {
            text(ours).starts_with(b"-ERR value is not") && text(theirs) == b"+OK"
        },
        leaves: Outcome::Alike,
        why: "what is no number is refused; a server takes it for 0",
    },
    Difference {
        command: "DEBUG",
        holds: |version, words, _, _| version.starts_with("Valkey") && words.len() == 4,
        leaves: Outcome::Alike,
        why: "Valkey takes a word behind DEBUG OBJECT's key",
    },
    Difference {
        command: "MEMORY",
        holds: |_, _, ours, theirs| number(ours).is_some() && number(theirs).is_some(),
        leaves: Outcome::Alike,
        why: "how many bytes a key takes is each one's own matter",
    },
    Difference {
        command: "BITCOUNT",
        holds: |_, _, ours, theirs| text(ours).starts_with(b"-ERR") && text(theirs) == b":0",
        leaves: Outcome::Alike,
        why: "of a missing key and wrong words, Redis 7.0 tells the missing key, newer servers the words",
    },
    Difference {
        command: "BITCOUNT",
        holds: |version, words, _, _| version.starts_with("Valkey") && words.len() == 3,
        leaves: Outcome::Alike,
        why: "a start alone is a syntax error for Redis, a range to the end for Valkey",
    },
    Difference {
        command: "BITPOS",
        holds: |_, _, ours, theirs| {
            text(ours).starts_with(b"-ERR") && [&b":0"[..], b":-1"].contains(&text(theirs))
        },
        leaves: Outcome::Alike,
        why: "of a missing key and wrong words, Redis 7.0 tells the missing key, newer servers the words",
    },
    kept_count("GET"),
    kept_count("GETDEL"),
    kept_count("GETEX"),
    kept_count("GETRANGE"),
    kept_count("GETSET"),
    kept_count("MGET"),
    kept_count("SET"),
    Difference {
        command: "DEL",
        holds: |_, words, ours, theirs| {
            let hashes = ["h0", "h1", "h2"].map(|name| name.as_bytes().to_vec());
            words[1..] == hashes && number(ours).is_some() && number(theirs).is_some()
        },
        leaves: Outcome::Alike,
        why: "a hash whose last field has expired counts until that field was come upon, each in its own time",
    },
    Difference {
        command: "PFADD",
        holds: |_, _, ours, theirs| {
            text(ours) == b"-INVALIDOBJ Corrupted HLL object detected"
                && text(theirs).starts_with(b":")
        },
        leaves: Outcome::Apart,
        why: "a HyperLogLog with bytes behind its registers, as APPEND leaves it, is refused; a server looks no further than it changes it",
    },
    Difference {
        command: "CLIENT",
        holds: |_, words, ours, _| has_zero(words) && is_about_a_name(ours),
        leaves: Outcome::Apart,
        why: "a name with a byte that is zero is refused; a server looks at what stands before it only",
    },
    Difference {
        command: "CLIENT",
        holds: |version, words, _, _| version.starts_with("Valkey") && words.len() == 5,
        leaves: Outcome::Alike,
        why: "Valkey takes words behind CLIENT UNBLOCK's reason",
    },
    Difference {
        command: "HELLO",
        holds: |_, words, ours, _| has_zero(words) && is_about_a_name(ours),
        leaves: Outcome::Apart,
        why: "a name with a byte that is zero is refused; a server looks at what stands before it only",
    },
    Difference {
        command: "LSET",
        holds: |_, _, ours, _| text(ours) == b"-ERR index out of range",
        leaves: Outcome::Apart,
        why: "an index of more than 32 bits is out of range; a server looks at the low ones only",
    },
    Difference {
        command: "LPOS",
        holds: |version, words, _, _| {
            version.starts_with("Redis 7.0") && has(words, b"-9223372036854775808")
        },
        leaves: Outcome::Alike,
        why: "the least RANK is refused, by Redis 7.0 not yet",
    },
    Difference {
        command: "HINCRBYFLOAT",
        holds: |_, _, ours, theirs| close(ours, theirs),
        leaves: Outcome::Apart,
        why: "sums are exact decimals here, 80-bit floats there",
    },
    Difference {
        command: "SPOP",
        holds: |_, words, _, _| words.len() == 2,
        leaves: Outcome::Apart,
        why: "which one is chance",
    },
    Difference {
        command: "SRANDMEMBER",
        holds: |_, words, _, _| words.len() == 2,
        leaves: Outcome::Alike,
        why: "which one is chance",
    },
    Difference {
        command: "HRANDFIELD",
        holds: |_, words, _, _| words.len() == 2,
        leaves: Outcome::Alike,
        why: "which one is chance",
    },
    Difference {
        command: "ZRANDMEMBER",
        holds: |_, words, _, _| words.len() == 2,
        leaves: Outcome::Alike,
        why: "which one is chance",
    },
    Difference {
        command: "ZRANK",
        holds: |version, words, _, _| version.starts_with("Redis 7.0") && words.len() == 4,
        leaves: Outcome::Alike,
        why: "WITHSCORE came with Redis 7.2",
    },
    Difference {
        command: "ZREVRANK",
        holds: |version, words, _, _| version.starts_with("Redis 7.0") && words.len() == 4,
        leaves: Outcome::Alike,
        why: "WITHSCORE came with Redis 7.2",
    },
    Difference {
        command: "Z*",
        holds: |version, _, ours, theirs| {
            version.starts_with("Redis 7.0") && same_numbers(ours, theirs)
        },
        leaves: Outcome::Alike,
        why: "scores are printed with as few digits as tell them apart; Redis 7.0 prints 17",
    },
    Difference {
        command: "Z*",
        holds: |_, _, ours, theirs| same_numbers(ours, theirs),
        leaves: Outcome::Alike,
        why: "scores are printed with as few digits as tell them apart; servers print one more of some",
    },
    Difference {
        command: "Z*",
        holds: |_, _, ours, theirs| same_but_zero(ours, theirs),
        leaves: Outcome::Alike,
        why: "a zero that came of a negative weight is printed without a sign",
    },
    Difference {
        command: "BZ*",
        holds: |_, _, ours, theirs| same_numbers(ours, theirs),
        leaves: Outcome::Alike,
        why: "scores are printed with as few digits as tell them apart; Redis 7.0 prints 17, newer servers one more of some",
    },
    Difference {
        command: "GEO*",
        holds: |version, _, ours, theirs| {
            version.starts_with("Redis 8") && same_numbers(ours, theirs)
        },
        leaves: Outcome::Alike,
        why: "coordinates are printed with as few digits as tell them apart; Redis 8 prints one more of some",
    },
    Difference {
        command: "GEO*",
        holds: |version, _, ours, theirs| {
            !version.starts_with("Redis 8") && same_places(ours, theirs)
        },
        leaves: Outcome::Alike,
        why: "coordinates are printed with as few digits as tell them apart, as Redis 8 does; others print 17",
    },
    Difference {
        command: "TTL",
        holds: |_, _, ours, theirs| near(ours, theirs, 3),
        leaves: Outcome::Alike,
        why: "two clocks: the commands arrive at two moments",
    },
    Difference {
        command: "PTTL",
        holds: |_, _, ours, theirs| near(ours, theirs, 4_000),
        leaves: Outcome::Alike,
        why: "two clocks",
    },
    Difference {
        command: "EXPIRETIME",
        holds: |_, _, ours, theirs| near(ours, theirs, 3),
        leaves: Outcome::Alike,
        why: "two clocks",
    },
    Difference {
        command: "PEXPIRETIME",
        holds: |_, _, ours, theirs| near(ours, theirs, 4_000),
        leaves: Outcome::Alike,
        why: "two clocks",
    },
    Difference {
        command: "HTTL",
        holds: |_, _, ours, theirs| each_near(ours, theirs, 3),
        leaves: Outcome::Alike,
        why: "two clocks",
    },
    Difference {
        command: "HPTTL",
        holds: |_, _, ours, theirs| each_near(ours, theirs, 4_000),
        leaves: Outcome::Alike,
        why: "two clocks",
    },
    Difference {
        command: "HEXPIRETIME",
        holds: |_, _, ours, theirs| each_near(ours, theirs, 3),
        leaves: Outcome::Alike,
        why: "two clocks",
    },
    Difference {
        command: "HPEXPIRETIME",
        holds: |_, _, ours, theirs| each_near(ours, theirs, 4_000),
        leaves: Outcome::Alike,
        why: "two clocks",
    },
    Difference {
        command: "CLIENT",
        holds: |version, words, _, _| version.starts_with("Redis 7.0") && has(words, b"SETINFO"),
        leaves: Outcome::Alike,
        why: "SETINFO came with Redis 7.2",
    },
    Difference {
        command: "GEO*",
        holds: |version, _, ours, theirs| {
            let one_of = b"-ERR exactly one of BYRADIUS";
            version.starts_with("Valkey")
                && text(ours).starts_with(one_of)
                && text(theirs).starts_with(one_of)
        },
        leaves: Outcome::Alike,
        why: "Valkey's fault names BYPOLYGON, which there is not",
    },
    Difference {
        command: "GEO*",
        holds: |version, _, ours, theirs| {
            version.starts_with("Valkey")
                && text(ours) == b"-ERR could not decode requested zset member"
                && text(theirs).starts_with(b"-ERR member ")
        },
        leaves: Outcome::Alike,
        why: "Valkey's fault names the member",
    },
    Difference {
        command: "RANDOMKEY",
        holds: |_, _, ours, theirs| {
            matches!((ours, theirs), (Shape::Bulk(Some(_)), Shape::Bulk(Some(_))))
        },
        leaves: Outcome::Alike,
        why: "any key is right",
    },
    Difference {
        command: "GETEX",
        holds: |version, _, ours, _| version.starts_with("Valkey") && is_null(ours),
        leaves: Outcome::Alike,
        why: "of a missing key and a wrong time, Redis tells the missing key, Valkey the time",
    },
    Difference {
        command: "INCRBYFLOAT",
        holds: |_, _, ours, theirs| close(ours, theirs),
        leaves: Outcome::Apart,
        why: "sums are exact decimals here, 80-bit floats there",
    },
    Difference {
        command: "INCRBYFLOAT",
        holds: |_, _, ours, _| text(ours) == b"-ERR value is not a valid float",
        leaves: Outcome::Apart,
        why: "hexadecimal floats are refused",
    },
];

fn is_null(shape: &Shape) -> bool {
    *shape == Shape::Bulk(None) || text(shape) == b"_"
}

fn has(words: &Words, word: &[u8]) -> bool {
    words.iter().any(|other| other.eq_ignore_ascii_case(word))
}

/// A command that shows the bytes of HyperLogLogs as a string.
const fn kept_count(command: &'static str) -> Difference {
    Difference {
        command,
        holds: |_, _, ours, theirs| same_but_kept_count(ours, theirs),
        leaves: Outcome::Alike,
        why: KEPT_COUNT,
    }
}

/// Whether both have the same items, but for the count that stands in the bytes of a HyperLogLog.
fn same_but_kept_count(ours: &Shape, theirs: &Shape) -> bool {
    match (ours, theirs) {
        (Shape::Items(_, Some(ours)), Shape::Items(_, Some(theirs))) => {
            let mut both = ours.iter().zip(theirs);
            ours.len() == theirs.len()
                && both.all(|(ours, theirs)| same_but_kept_count(ours, theirs))
        }
        // Its first byte, and what follows the fourth, may have been written over.
        (Shape::Bulk(Some(ours)), Shape::Bulk(Some(theirs))) if ours.get(1..3) == Some(b"YL") => {
            let but_count = |bytes: &[u8]| {
                let parts = bytes.split_at_checked(8).zip(bytes.get(16..));
                parts.map(|((head, _), registers)| [head, registers].concat())
            };
            ours == theirs || but_count(ours).is_some() && but_count(ours) == but_count(theirs)
        }
        _ => ours == theirs,
    }
}

fn has_zero(words: &Words) -> bool {
    words.iter().any(|word| word.contains(&0))
}

/// Whether it is refused for the name that a client, or its library, is to have.
fn is_about_a_name(ours: &Shape) -> bool {
    text(ours).ends_with(b"cannot contain spaces, newlines or special characters.")
}

fn number(shape: &Shape) -> Option<f64> {
    std::str::from_utf8(text(shape))
        .ok()?
        .trim_start_matches([':', ','])
        .parse()
        .ok()
}

/// The same with every number printed in one way: what is to be sorted must not depend on how it was printed.
pub(crate) fn leveled(shape: &Shape) -> Shape {
    match (shape, number(shape)) {
        (Shape::Items(mark, Some(items)), _) => {
            Shape::Items(*mark, Some(items.iter().map(leveled).collect()))
        }
        (_, Some(number)) => Shape::Bulk(Some(number.to_string().into_bytes())),
        (other, None) => other.clone(),
    }
}

/// Whether both are numbers that are no further apart than this.
fn near(ours: &Shape, theirs: &Shape, by: i64) -> bool {
    match (number(ours), number(theirs)) {
        (Some(ours), Some(theirs)) => {
            ours > 0.0 && theirs > 0.0 && (ours - theirs).abs() <= by as f64
        }
        _ => false,
    }
}

/// Whether both have the same items, and where they differ, the same numbers.
fn same_numbers(ours: &Shape, theirs: &Shape) -> bool {
    match (ours, theirs) {
        (Shape::Items(_, Some(ours)), Shape::Items(_, Some(theirs))) => {
            let mut both = ours.iter().zip(theirs);
            ours.len() == theirs.len() && both.all(|(ours, theirs)| same_numbers(ours, theirs))
        }
        _ => ours == theirs || number(ours).is_some() && number(ours) == number(theirs),
    }
}

/// Whether both have the same items, but for zeros with a sign on the server's side.
fn same_but_zero(ours: &Shape, theirs: &Shape) -> bool {
    match (ours, theirs) {
        (Shape::Items(_, Some(ours)), Shape::Items(_, Some(theirs))) => {
            let mut both = ours.iter().zip(theirs);
            ours.len() == theirs.len() && both.all(|(ours, theirs)| same_but_zero(ours, theirs))
        }
        _ => {
            let zeros = [(&b"0"[..], &b"-0"[..]), (b",0", b",-0")];
            ours == theirs || zeros.contains(&(text(ours), text(theirs)))
        }
    }
}

/// Whether both have the same items, numbers but for the 17th digit behind the point.
fn same_places(ours: &Shape, theirs: &Shape) -> bool {
    match (ours, theirs) {
        (Shape::Items(_, Some(ours)), Shape::Items(_, Some(theirs))) => {
            let mut both = ours.iter().zip(theirs);
            ours.len() == theirs.len() && both.all(|(ours, theirs)| same_places(ours, theirs))
        }
        _ => {
            let near = |(ours, theirs): (f64, f64)| {
                (ours - theirs).abs() <= 1.5e-17_f64.max(theirs.abs() * 1e-15)
            };
            ours == theirs || number(ours).zip(number(theirs)).is_some_and(near)
        }
    }
}

/// Whether both have as many numbers, none further apart from its other than this.
fn each_near(ours: &Shape, theirs: &Shape, by: i64) -> bool {
    match (ours, theirs) {
        (Shape::Items(_, Some(ours)), Shape::Items(_, Some(theirs))) => {
            let mut both = ours.iter().zip(theirs);
            let alike = |(ours, theirs): (&Shape, &Shape)| ours == theirs || near(ours, theirs, by);
            ours.len() == theirs.len() && both.all(alike)
        }
        _ => false,
    }
}

/// Whether both are the same number but for the last digits.
fn close(ours: &Shape, theirs: &Shape) -> bool {
    match (number(ours), number(theirs)) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() <= 1e-14 * theirs.abs().max(1e-3),
        _ => false,
    }
}

impl Difference {
    /// Whether it is about this command; a star stands for any ending.
    fn is_about(&self, name: &[u8]) -> bool {
        match self.command.strip_suffix('*') {
            Some(beginning) => name
                .get(..beginning.len())
                .is_some_and(|begins| begins.eq_ignore_ascii_case(beginning.as_bytes())),
            None => name.eq_ignore_ascii_case(self.command.as_bytes()),
        }
    }
}

/// What a difference leaves behind, if it is one of the table.
pub(crate) fn allowed(
    version: &str,
    words: &Words,
    ours: &Shape,
    theirs: &Shape,
) -> Option<Outcome> {
    let named = |it: &&Difference| it.is_about(&words[0]);
    let mut named = DIFFERENCES.iter().filter(named);
    Some(
        named
            .find(|it| (it.holds)(version, words, ours, theirs))?
            .leaves,
    )
}

/// Why the replies of a command may differ.
pub(crate) fn all(command: &str) -> impl Iterator<Item = &'static str> + use<'_> {
    let named = DIFFERENCES
        .iter()
        .filter(move |it| it.is_about(command.as_bytes()));
    named.map(|it| it.why)
}

/// Commands whose replies have no promised order.
const UNORDERED: &[&str] = &[
    "KEYS",
    "SCAN",
    "HGETALL",
    "HKEYS",
    "HVALS",
    "HRANDFIELD",
    "SMEMBERS",
    "SPOP",
    "SRANDMEMBER",
    "SINTER",
    "SUNION",
    "SDIFF",
    "SSCAN",
    "HSCAN",
    "ZSCAN",
    "ZRANDMEMBER",
];

/// Whether the order of the reply's items is nobody's promise.
pub(crate) fn is_unordered(words: &Words) -> bool {
    UNORDERED
        .iter()
        .any(|name| words[0].eq_ignore_ascii_case(name.as_bytes()))
}
