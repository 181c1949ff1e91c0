//! Numbers as text, in the one form that Redis reads and prints.
//!
//! Two rules live here, each pure and each over bytes (sums of float texts are in `decimal.rs`):
//!
//! - An **integer** is a canonical `i64`: `-?[1-9][0-9]*` or `0`, nothing else. So the text and the number stand for each other: a value that
//!   parses can be kept as eight bytes and printed again, and nobody can tell.
//! - A **score** is a finite or infinite `f64`, never NaN. It is printed from the shortest digits that read back as the same float, laid out
//!   as current servers do (see [`format_f64`]).
//!
//! Hexadecimal floats, which `strtod` takes, are refused everywhere.
//!
//! Cost: nothing here allocates.

use std::error::Error;
use std::fmt::{self, Write as _};

/// Why a number could not be read or changed; the text is the one that clients of Redis know.
///
/// ```
/// assert_eq!(larder::NumberError::NotAFloat.to_string(), "value is not a valid float");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NumberError {
    /// The text is not the canonical form of an `i64`.
    NotAnInteger,
    /// The text is not a decimal float, or one far outside any float's range.
    NotAFloat,
    /// The integer result would leave the range of `i64`.
    Overflow,
    /// The float result would be infinite or not a number.
    NotFinite,
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnInteger => "value is not an integer or out of range",
            Self::NotAFloat => "value is not a valid float",
            Self::Overflow => "increment or decrement would overflow",
            Self::NotFinite => "increment would produce NaN or Infinity",
        })
    }
}

impl Error for NumberError {}

/// Bytes of the longest `i64`, `-9223372036854775808`.
pub(crate) const MAX_I64_LEN: usize = 20;

/// So many digits never overflow a `u64`, and every `i64` has no more: `10^18 < 2^63 < 10^19 < 2^64`.
const SAFE_DIGITS: usize = 19;

/// Reads a canonical `i64`: no plus, no leading zero, no `-0`, no blanks.
#[inline]
pub(crate) fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'1'..=b'9', ..] if digits.len() <= SAFE_DIGITS => {}
        [b'0'] if !negative => return Some(0),
        _ => return None,
    }
    let mut magnitude = 0_u64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        magnitude = magnitude * 10 + u64::from(digit);
    }
    if negative {
        0_i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}

/// Tells whether the text has the shape of a canonical integer of any width.
pub(crate) fn is_integer(text: &[u8]) -> bool {
    match text.strip_prefix(b"-").unwrap_or(text) {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// `00` to `99`: with it, printing takes one division for two digits.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut value = 0;
    while value < 100 {
        pairs[value] = [b'0' + (value / 10) as u8, b'0' + (value % 10) as u8];
        value += 1;
    }
    pairs
};

/// Prints an integer at the end of the buffer and returns the part that holds it.
#[inline]
pub(crate) fn write_i64(value: i64, buffer: &mut [u8; MAX_I64_LEN]) -> &[u8] {
    let mut start = MAX_I64_LEN;
    let mut rest = value.unsigned_abs();
    while rest >= 10 {
        start -= 2;
        buffer[start..start + 2].copy_from_slice(&PAIRS[(rest % 100) as usize]);
        rest /= 100;
    }
    if rest > 0 || start == MAX_I64_LEN {
        start -= 1;
        buffer[start] = b'0' + rest as u8;
    }
    if value < 0 {
        start -= 1;
        buffer[start] = b'-';
    }
    &buffer[start..]
}

/// Counts the bytes that [`write_i64`] would print.
#[inline]
pub(crate) fn i64_len(value: i64) -> usize {
    let digits = value.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
    digits + usize::from(value < 0)
}

/// Reads a score: a decimal float or an infinity in any case, never NaN, never hexadecimal, no blanks.
///
/// A finite text that only an infinity or a zero could stand for (`1e400`, `1e-400`) is refused, as `strtod` reports it out of range.
pub(crate) fn parse_f64(text: &[u8]) -> Option<f64> {
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    if value.is_nan() || (value.is_infinite() && text.iter().any(u8::is_ascii_digit)) {
        return None;
    }
    (value != 0.0 || mantissa_is_zero(text)).then_some(value)
}

/// Tells whether a well-formed float text has only zeros before its exponent.
fn mantissa_is_zero(text: &[u8]) -> bool {
    text.iter()
        .take_while(|byte| !byte.eq_ignore_ascii_case(&b'e'))
        .all(|byte| !matches!(byte, b'1'..=b'9'))
}

/// Room for the longest text kept here, an `i128`; the longest float takes 25 bytes.
const MAX_NUMBER_LEN: usize = 40;

/// A number printed into a few bytes on the stack.
///
/// ```
/// use larder::{Raw, ToValue};
///
/// let Raw::Text(text) = 0.1_f64.to_value() else { panic!("a fraction is passed as text") };
/// assert_eq!(text.as_str(), "0.1");
/// assert_eq!(text.as_bytes(), b"0.1");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NumberText {
    /// ASCII up to `len`, zeros behind it.
    buffer: [u8; MAX_NUMBER_LEN],
    len: u8,
}

impl NumberText {
    fn new() -> Self {
        Self {
            buffer: [0; MAX_NUMBER_LEN],
            len: 0,
        }
    }

    /// Prints what fits into [`MAX_NUMBER_LEN`] bytes of ASCII.
    pub(crate) fn print(arguments: fmt::Arguments<'_>) -> Self {
        let mut text = Self::new();
        Pen(&mut text)
            .write_fmt(arguments)
            .expect("a pen never fails");
        text
    }

    fn extend(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.is_ascii());
        let start = usize::from(self.len);
        let end = start + bytes.len();
        self.buffer[start..end].copy_from_slice(bytes);
        self.len = end as u8;
    }

    fn extend_zeros(&mut self, count: usize) {
        for _ in 0..count {
            self.extend(b"0");
        }
    }

    /// Appends digits with a point behind the first `integer` of them, unless none follow.
    fn extend_pointed(&mut self, digits: &[u8], integer: usize) {
        let (integer, fraction) = digits.split_at(integer);
        self.extend(integer);
        if !fraction.is_empty() {
            self.extend(b".");
            self.extend(fraction);
        }
    }

    /// Returns the text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer[..usize::from(self.len)]
    }

    /// Returns the text as a string.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("a number is ASCII")
    }
}

impl fmt::Debug for NumberText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NumberText").field(&self.as_str()).finish()
    }
}

impl fmt::Display for NumberText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Lets `write!` reach a [`NumberText`] without making that public.
struct Pen<'a>(&'a mut NumberText);

impl fmt::Write for Pen<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend(text.as_bytes());
        Ok(())
    }
}

/// Floats up to this magnitude, 2^62, are printed as integers if they are whole.
const MAX_WHOLE: f64 = (1_u64 << 62) as f64;

/// Returns the integer that a float prints as, if it is whole and within ±2^62; `-0.0` is 0.
pub(crate) fn whole(value: f64) -> Option<i64> {
    (value.abs() <= MAX_WHOLE && value.trunc() == value).then_some(value as i64)
}

/// Prints a double in the layout of Redis 8 and Valkey 9.
///
/// Infinities are `inf` and `-inf`; a whole number within ±2^62 has all its digits; anything else is the shortest digits `d` (n of them) with the
/// exponent `k` of the last one, and with `e = |k + n - 1|`:
///
/// ```text
/// k >= 0, e < n + 7          12345678901234567000     digits, then zeros
/// k < 0, k > -7 or e < 4     0.000001  123456.789     plain decimal
/// else                       1e+20  1.234e-6          scientific
/// ```
pub(crate) fn format_f64(value: f64) -> NumberText {
    format_float(value, value)
}

/// Prints a float in the layout of [`format_f64`], from the shortest digits that read back as the same `f32`.
pub(crate) fn format_f32(value: f32) -> NumberText {
    format_float(f64::from(value), value)
}

/// Prints `value` with the digits of `narrow`, the same number in the width that decides which digits are enough.
fn format_float(value: f64, narrow: impl fmt::LowerExp) -> NumberText {
    let mut text = NumberText::new();
    if let Some(integer) = whole(value) {
        text.extend(write_i64(integer, &mut [0; MAX_I64_LEN]));
    } else if value.is_nan() {
        text.extend(b"nan");
    } else {
        if value < 0.0 {
            text.extend(b"-");
        }
        if value.is_infinite() {
            text.extend(b"inf");
        } else {
            lay_out(
                NumberText::print(format_args!("{narrow:e}")).as_str(),
                &mut text,
            );
        }
    }
    text
}

/// Appends the digits of Rust's scientific notation (`-1.25e-7`), without the sign, in the layout of [`format_f64`].
fn lay_out(scientific: &str, text: &mut NumberText) {
    let (mantissa, lead) = scientific
        .split_once('e')
        .expect("scientific notation has an exponent");
    let lead: i32 = lead.parse().expect("the exponent is an integer");
    let mut digits = NumberText::new();
    for part in mantissa.trim_start_matches('-').split('.') {
        digits.extend(part.as_bytes());
    }
    let digits = digits.as_bytes();
    let count = digits.len() as i32;
    let last = lead + 1 - count;
    let distance = lead.abs();

    if last >= 0 && distance < count + 7 {
        text.extend(digits);
        text.extend_zeros(last as usize);
    } else if last >= 0 || (last <= -7 && distance >= 4) {
        text.extend_pointed(digits, 1);
        text.extend(NumberText::print(format_args!("e{lead:+}")).as_bytes());
    } else if lead >= 0 {
        text.extend_pointed(digits, lead as usize + 1);
    } else {
        text.extend(b"0.");
        text.extend_zeros(lead.unsigned_abs() as usize - 1);
        text.extend(digits);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::decimal::{FRACTION, MAX_TEXT, add_decimal};
    use proptest::prelude::*;

    fn sum(value: &str, increment: &str) -> Result<String, NumberError> {
        add_decimal(value.as_bytes(), increment.as_bytes())
    }

    #[test]
    fn only_the_canonical_text_of_an_i64_is_an_integer() {
        for text in [
            "0",
            "7",
            "-7",
            "10",
            "9223372036854775807",
            "-9223372036854775808",
        ] {
            assert_eq!(
                parse_i64(text.as_bytes()),
                Some(text.parse().unwrap()),
                "{text}"
            );
            assert!(is_integer(text.as_bytes()), "{text}");
        }
        let refused = [
            " 10", "10 ", "+10", "010", "-0", "-", "1.0", "", "abc", "0x1", "00", "-01", "1e3",
            "1\0", "١",
        ];
        for text in refused {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text:?}");
            assert!(!is_integer(text.as_bytes()), "{text:?}");
        }
        let wide = [
            "9223372036854775808",
            "-9223372036854775809",
            "9999999999999999999",
            "18446744073709551616",
        ];
        for text in wide
            .into_iter()
            .chain(["100000000000000000000000000000000000000000"])
        {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text}");
            assert!(is_integer(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn integers_at_the_edges_print_as_std_prints_them() {
        let powers = (0..19).flat_map(|power| [10_i64.pow(power) - 1, 10_i64.pow(power)]);
        for value in powers.chain([i64::MAX, i64::MIN]) {
            for value in [value, value.wrapping_neg()] {
                assert_eq!(write_i64(value, &mut [0; 20]), value.to_string().as_bytes());
                assert_eq!(i64_len(value), value.to_string().len());
            }
        }
    }

    #[test]
    fn scores_are_read_as_servers_read_them() {
        let infinity = f64::INFINITY;
        for (text, value) in [
            ("3.0", 3.0),
            ("+1", 1.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("1E5", 1e5),
            ("-1.5e-3", -0.0015),
            ("inf", infinity),
            ("+inf", infinity),
            ("-INF", -infinity),
            ("Infinity", infinity),
            ("-infinity", -infinity),
            ("5e-324", 5e-324),
            ("1.7976931348623157e308", f64::MAX),
            ("0e999", 0.0),
            ("-0.000", 0.0),
        ] {
            assert_eq!(parse_f64(text.as_bytes()), Some(value), "{text}");
        }
        let refused = [
            "", " 1", "1 ", "abc", "nan", "-NaN", "0x10", "1e", "e5", ".", "+", "1e400", "-1e400",
            "1e-400", "1_0", "infin",
        ];
        for text in refused {
            assert_eq!(parse_f64(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse_f64(b"1\xff"), None);
    }

    #[test]
    fn doubles_print_as_current_servers_print_them() {
        for (score, text) in [
            ("3.0", "3"),
            ("3.14", "3.14"),
            ("1e5", "100000"),
            ("1e15", "1000000000000000"),
            ("1e16", "10000000000000000"),
            ("1e17", "100000000000000000"),
            ("123456789012345678", "123456789012345680"),
            ("9007199254740993", "9007199254740992"),
            ("4e18", "4000000000000000000"),
            ("-4e18", "-4000000000000000000"),
            ("4611686018427387904", "4611686018427387904"),
            ("4.7e18", "4.7e+18"),
            ("5e18", "5e+18"),
            ("-5e18", "-5e+18"),
            ("1e19", "1e+19"),
            ("12345678901234567890", "12345678901234567000"),
            ("1e20", "1e+20"),
            ("1e21", "1e+21"),
            ("1e22", "1e+22"),
            ("1e100", "1e+100"),
            ("1.5e300", "1.5e+300"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("-1.5", "-1.5"),
            ("0.1", "0.1"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("123456.789", "123456.789"),
            ("1234567890.12345678", "1.2345678901234567e+9"),
            ("0.0001", "0.0001"),
            ("1e-5", "0.00001"),
            ("1e-6", "0.000001"),
            ("1e-7", "1e-7"),
            ("1.25e-7", "1.25e-7"),
            ("0.000001234", "1.234e-6"),
            ("0.00000123456789", "1.23456789e-6"),
            ("2.5e-8", "2.5e-8"),
            ("5e-324", "5e-324"),
            ("0", "0"),
            ("-0", "0"),
            ("+inf", "inf"),
            ("-infinity", "-inf"),
        ] {
            let value = parse_f64(score.as_bytes()).unwrap();
            assert_eq!(format_f64(value).as_str(), text, "{score}");
        }
        assert_eq!(format_f64(f64::NAN).as_str(), "nan");
    }

    #[test]
    fn a_single_prints_with_the_digits_that_a_single_needs() {
        assert_eq!(format_f32(0.1).as_str(), "0.1");
        assert_eq!(format_f32(-3.25e-20).as_str(), "-3.25e-20");
        assert_eq!(format_f32(16_777_216.0).as_str(), "16777216");
        assert_eq!(format_f32(f32::MAX).as_str(), "3.4028235e+38");
    }

    #[test]
    fn float_sums_are_those_of_servers() {
        for (value, increment, expected) in [
            ("0", "0.1", "0.1"),
            ("0.1", "0.2", "0.3"),
            ("0.3", "-0.3", "0"),
            ("10.50", "0.1", "10.6"),
            ("5.0e3", "2.0e2", "5200"),
            ("3", "1.0", "4"),
            ("1e-10", "0", "0.0000000001"),
            ("0", "1e-20", "0"),
            ("+1", "+1", "2"),
            ("-1", "1", "0"),
            ("1.1", "-1.1", "0"),
            ("6", "1.5", "7.5"),
            ("-3", "1.5", "-1.5"),
            ("0", "10.5", "10.5"),
            ("3", "0.5", "3.5"),
        ] {
            assert_eq!(
                sum(value, increment).unwrap(),
                expected,
                "{value} + {increment}"
            );
        }
        for value in [" 1", "1 ", "", "abc", "nan", "1e5000", "0x10"] {
            assert_eq!(sum(value, "1"), Err(NumberError::NotAFloat), "{value:?}");
            assert_eq!(sum("1", value), Err(NumberError::NotAFloat), "{value:?}");
        }
    }

    #[test]
    fn sums_that_a_long_double_would_round_are_exact() {
        assert_eq!(
            sum("12345678901234567", "0.1").unwrap(),
            "12345678901234567.1"
        );
        assert_eq!(sum("1", "1e20").unwrap(), "100000000000000000001");
        assert_eq!(
            sum("100000000000000000001", "1e25").unwrap(),
            "10000100000000000000000001"
        );
        assert_eq!(
            sum("1e308", "1e308").unwrap(),
            format!("2{}", "0".repeat(308))
        );
    }

    #[test]
    fn an_infinity_is_never_a_sum() {
        for (value, increment) in [
            ("0", "inf"),
            ("-Infinity", "1"),
            ("inf", "-inf"),
            ("9e4931", "9e4931"),
        ] {
            assert_eq!(
                sum(value, increment),
                Err(NumberError::NotFinite),
                "{value} + {increment}"
            );
        }
        assert_eq!(sum("inf", "abc"), Err(NumberError::NotAFloat));
    }

    #[test]
    fn the_eighteenth_digit_rounds_half_to_even() {
        let tail = |digits: &str| format!("0.0000000000000000{digits}");
        assert_eq!(sum(&tail("15"), "0").unwrap(), tail("2"));
        assert_eq!(sum(&tail("25"), "0").unwrap(), tail("2"));
        assert_eq!(sum(&tail("250001"), "0").unwrap(), tail("3"));
        assert_eq!(sum(&tail("25"), "1e-400").unwrap(), tail("3"));
        assert_eq!(sum(&tail("25"), "-1e-400").unwrap(), tail("2"));
        assert_eq!(sum(&tail("05"), "0").unwrap(), "0");
        assert_eq!(sum(&tail("06"), "0").unwrap(), tail("1"));
        assert_eq!(sum("-1e-18", "0").unwrap(), "0");
        assert_eq!(sum("0.999999999999999999", "0").unwrap(), "1");
        assert_eq!(sum("-9.999999999999999999", "0").unwrap(), "-10");
    }

    #[test]
    fn wild_exponents_cost_no_more_than_a_long_double_has_digits() {
        for (value, digits) in [
            ("1e4931", 4932),
            ("1e-4951", 1),
            ("0e999999999999999999", 1),
        ] {
            assert_eq!(sum(value, "0").unwrap().len(), digits, "{value}");
        }
        for value in [
            "1e4932",
            "1e-4952",
            "1e99999999999999999999",
            "-1e-99999999999999999999",
        ] {
            assert_eq!(sum(value, "0"), Err(NumberError::NotAFloat), "{value}");
        }
        let longest = "1".repeat(MAX_TEXT - 6) + "e-5000";
        assert_eq!(sum(&longest, "1e4931").unwrap().len(), 4932 + 1 + FRACTION);
        assert_eq!(sum(&"0".repeat(MAX_TEXT), "2").unwrap(), "2");
        assert_eq!(
            sum(&"0".repeat(MAX_TEXT + 1), "2"),
            Err(NumberError::NotAFloat)
        );
    }

    /// A decimal as a big integer: the mantissa times ten to the power of `exponent + 20`.
    fn scaled(mantissa: i64, exponent: i32) -> i128 {
        i128::from(mantissa) * 10_i128.pow((exponent + 20) as u32)
    }

    /// Prints a big integer that counts units of 10^-20, rounded half to even to 17 digits behind the point.
    fn print_scaled(units: i128) -> String {
        let (magnitude, tail) = (units.unsigned_abs() / 1000, units.unsigned_abs() % 1000);
        let magnitude = magnitude + u128::from(tail > 500 || (tail == 500 && magnitude % 2 == 1));
        let text = format!(
            "{}.{:017}",
            magnitude / 10_u128.pow(17),
            magnitude % 10_u128.pow(17)
        );
        let text = text.trim_end_matches('0').trim_end_matches('.');
        if units < 0 && magnitude != 0 {
            format!("-{text}")
        } else {
            text.to_owned()
        }
    }

    fn decimal() -> impl Strategy<Value = (i64, i32)> {
        (-999_999_999..=999_999_999_i64, -20..=8_i32)
    }

    proptest! {
        #[test]
        fn a_sum_is_that_of_big_integers((m1, e1) in decimal(), (m2, e2) in decimal()) {
            let sum = sum(&format!("{m1}e{e1}"), &format!("{m2}E{e2:+}")).unwrap();
            prop_assert_eq!(sum, print_scaled(scaled(m1, e1) + scaled(m2, e2)));
        }

        #[test]
        fn a_sum_has_no_order_and_undoes_itself(a in "[0-9]{1,40}\\.[0-9]{0,17}", b in "-?[0-9]{0,40}\\.[0-9]{1,17}") {
            let there = sum(&a, &b).unwrap();
            prop_assert_eq!(&there, &sum(&b, &a).unwrap());
            let back = sum(&there, &format!("-{a}")).unwrap();
            prop_assert_eq!(back, sum(&b, "0").unwrap());
        }

        #[test]
        fn sums_take_the_floats_that_std_takes(text in "[-+]?[0-9.]{0,6}([eE][-+]?[0-9]{0,3})?[ .x]?") {
            prop_assert_eq!(sum(&text, "0").is_ok(), text.parse::<f64>().is_ok(), "{:?}", text);
        }

        #[test]
        fn a_text_is_an_integer_if_it_prints_back(text in "[-+]?0?[0-9]{0,20}[ .a]?") {
            let naive = text.parse::<i64>().ok().filter(|value| value.to_string() == text);
            prop_assert_eq!(parse_i64(text.as_bytes()), naive);
            let naive = text.parse::<i128>().is_ok_and(|value| value.to_string() == text);
            prop_assert_eq!(is_integer(text.as_bytes()), naive);
        }

        #[test]
        fn an_integer_comes_back_from_its_text(value in any::<i64>(), shift in 0..64_u32) {
            let value = value >> shift;
            let mut buffer = [0; 20];
            let text = write_i64(value, &mut buffer);
            prop_assert_eq!(text.len(), i64_len(value));
            prop_assert_eq!(parse_i64(text), Some(value));
        }

        #[test]
        fn a_double_comes_back_from_its_text(value in any::<f64>()) {
            let text = format_f64(value);
            let back = parse_f64(text.as_bytes());
            prop_assert_eq!(back, Some(value).filter(|value| !value.is_nan()));
            prop_assert_eq!(format_f32(value as f32).as_str().parse::<f32>().ok().filter(|v| !v.is_nan()),
                Some(value as f32).filter(|v| !v.is_nan()));
        }

        #[test]
        fn a_decimal_near_one_comes_back_from_its_text(mantissa in any::<i64>(), exponent in -25..5_i32) {
            let value: f64 = format!("{mantissa}e{exponent}").parse().unwrap();
            prop_assert_eq!(parse_f64(format_f64(value).as_bytes()), Some(value));
        }
    }
}
