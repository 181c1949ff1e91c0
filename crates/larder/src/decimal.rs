//! Sums of float texts, exact.
//!
//! Both texts are decimals, so they are added as decimals, and `0.1 + 0.2` is `0.3`. Servers add in the long double of
//! their processor, which agrees for every ordinary value and differs between processors for the others.
//!
//! Cost: a sum allocates in proportion to its digits, which are bounded by `MAX_TEXT`, `MAX_LEAD` and `MIN_LEAD`
//! whatever the exponents say.

use crate::number::NumberError;

/// Longest float text that is added, as on servers; a longer one is not a float.
pub(crate) const MAX_TEXT: usize = 5 * 1024 - 1;

/// Highest power of ten of a leading digit: a long double of 80 or 128 bits ends at 1.19e4932.
const MAX_LEAD: i64 = 4931;

/// Lowest power of ten of a leading digit, that of the smallest 80-bit long double; servers refuse smaller texts too.
const MIN_LEAD: i64 = -4951;

/// Digits kept behind the point.
pub(crate) const FRACTION: usize = 17;

/// A finite decimal: the integer that the digits spell, times ten to the power of `last`.
struct Decimal {
    negative: bool,
    /// Values 0 to 9, most significant first, no zero at either end; empty for zero.
    digits: Vec<u8>,
    /// The power of ten of the last digit; 0 for zero.
    last: i64,
}

/// Adds two float texts as exact decimals and prints the sum without exponent, rounded half to even to 17 digits behind the point.
///
/// # Errors
///
/// [`NumberError::NotAFloat`] if either is no decimal float, [`NumberError::NotFinite`] if either is infinite or the sum is out of range.
pub(crate) fn add_decimal(value: &[u8], increment: &[u8]) -> Result<String, NumberError> {
    let (value, increment) = match (parse_decimal(value), parse_decimal(increment)) {
        (Ok(value), Ok(increment)) => (value, increment),
        (Err(NumberError::NotAFloat), _) | (_, Err(NumberError::NotAFloat)) => {
            return Err(NumberError::NotAFloat);
        }
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    let places = Places::covering(&value, &increment);
    let (negative, mut sum) = places.add(&value, &increment);
    places.round(&mut sum);
    let (integer, fraction) = sum.split_at(places.above);
    print_decimal(negative, integer, fraction)
}

/// Reads a decimal; an infinity is [`NumberError::NotFinite`].
fn parse_decimal(text: &[u8]) -> Result<Decimal, NumberError> {
    if text.len() > MAX_TEXT {
        return Err(NumberError::NotAFloat);
    }
    let (negative, body) = split_sign(text);
    if body.eq_ignore_ascii_case(b"inf") || body.eq_ignore_ascii_case(b"infinity") {
        return Err(NumberError::NotFinite);
    }
    let (mantissa, exponent) = match body
        .iter()
        .position(|byte| byte.eq_ignore_ascii_case(&b'e'))
    {
        Some(at) => (&body[..at], parse_exponent(&body[at + 1..])?),
        None => (body, 0),
    };
    let (integer, fraction) = match mantissa.iter().position(|&byte| byte == b'.') {
        Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
        None => (mantissa, &mantissa[..0]),
    };
    let mut digits = [integer, fraction].concat();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NumberError::NotAFloat);
    }
    for digit in &mut digits {
        *digit -= b'0';
    }
    Decimal {
        negative,
        digits,
        last: exponent - fraction.len() as i64,
    }
    .trimmed()
}

fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    }
}

/// Reads `[+-]?[0-9]+`; what no text of [`MAX_TEXT`] bytes could bring back into range is cut to the range of `i32`.
fn parse_exponent(text: &[u8]) -> Result<i64, NumberError> {
    let (negative, digits) = split_sign(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NumberError::NotAFloat);
    }
    let magnitude = digits.iter().fold(0_i32, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(i32::from(digit - b'0'))
    });
    Ok(i64::from(if negative { -magnitude } else { magnitude }))
}

impl Decimal {
    /// Drops the zeros at both ends, then refuses what is out of range.
    fn trimmed(mut self) -> Result<Self, NumberError> {
        let Some(first) = self.digits.iter().position(|&digit| digit != 0) else {
            return Ok(Self {
                negative: false,
                digits: Vec::new(),
                last: 0,
            });
        };
        while self.digits.last() == Some(&0) {
            self.digits.pop();
            self.last += 1;
        }
        self.digits.drain(..first);
        if (MIN_LEAD..=MAX_LEAD).contains(&(self.above() - 1)) {
            Ok(self)
        } else {
            Err(NumberError::NotAFloat)
        }
    }

    /// The power of ten just above the leading digit.
    fn above(&self) -> i64 {
        self.last + self.digits.len() as i64
    }
}

/// The columns in which two decimals are added: `above` before the point, one of them for the carry, and `below` behind it.
struct Places {
    above: usize,
    below: usize,
}

impl Places {
    /// Within `MAX_LEAD + 2` columns before the point and `-MIN_LEAD + MAX_TEXT` behind it, as both decimals are in range.
    fn covering(a: &Decimal, b: &Decimal) -> Self {
        let above = a.above().max(b.above()).max(0) + 1;
        let below = -a.last.min(b.last).min(0);
        Self {
            above: above as usize,
            below: below as usize,
        }
    }

    /// Writes a decimal's digits into their columns.
    fn columns(&self, decimal: &Decimal) -> Vec<u8> {
        let mut columns = vec![0; self.above + self.below];
        let start = (self.above as i64 - decimal.above()) as usize;
        columns[start..start + decimal.digits.len()].copy_from_slice(&decimal.digits);
        columns
    }

    /// Returns the sign of the sum and its digits.
    fn add(&self, a: &Decimal, b: &Decimal) -> (bool, Vec<u8>) {
        let (mut left, mut right) = (self.columns(a), self.columns(b));
        if a.negative == b.negative {
            add_columns(&mut left, &right);
            (a.negative, left)
        } else if left >= right {
            subtract_columns(&mut left, &right);
            (a.negative, left)
        } else {
            subtract_columns(&mut right, &left);
            (b.negative, right)
        }
    }

    /// Cuts the digits to [`FRACTION`] behind the point, half to even. The carry fits: the first column is at most 1 after one addition.
    fn round(&self, digits: &mut Vec<u8>) {
        if self.below <= FRACTION {
            return;
        }
        let kept = self.above + FRACTION;
        let odd = digits[kept - 1] % 2 == 1;
        let up = match digits[kept] {
            0..5 => false,
            5 => odd || digits[kept + 1..].iter().any(|&digit| digit != 0),
            _ => true,
        };
        digits.truncate(kept);
        if up {
            let mut one = vec![0; kept];
            one[kept - 1] = 1;
            add_columns(digits, &one);
        }
    }
}

/// Adds the right digits to the left ones; the first column has room for the carry.
fn add_columns(left: &mut [u8], right: &[u8]) {
    let mut carry = 0;
    for (digit, other) in left.iter_mut().zip(right).rev() {
        let sum = *digit + other + carry;
        carry = sum / 10;
        *digit = sum % 10;
    }
    debug_assert_eq!(carry, 0);
}

/// Subtracts the right digits from the left ones, which are not smaller.
fn subtract_columns(left: &mut [u8], right: &[u8]) {
    let mut borrow = 0;
    for (digit, other) in left.iter_mut().zip(right).rev() {
        let difference = *digit + 10 - other - borrow;
        borrow = u8::from(difference < 10);
        *digit = difference % 10;
    }
    debug_assert_eq!(borrow, 0);
}

/// Prints digits without needless zeros; a sum with more digits than [`MAX_LEAD`] allows is not finite.
fn print_decimal(negative: bool, integer: &[u8], fraction: &[u8]) -> Result<String, NumberError> {
    let first = integer
        .iter()
        .position(|&digit| digit != 0)
        .unwrap_or(integer.len());
    let integer = &integer[first..];
    let used = fraction
        .iter()
        .rposition(|&digit| digit != 0)
        .map_or(0, |at| at + 1);
    let fraction = &fraction[..used];
    if integer.len() as i64 - 1 > MAX_LEAD {
        return Err(NumberError::NotFinite);
    }
    let mut text = String::with_capacity(integer.len() + fraction.len() + 3);
    if negative && !(integer.is_empty() && fraction.is_empty()) {
        text.push('-');
    }
    if integer.is_empty() {
        text.push('0');
    }
    text.extend(integer.iter().map(|digit| char::from(b'0' + digit)));
    if !fraction.is_empty() {
        text.push('.');
        text.extend(fraction.iter().map(|digit| char::from(b'0' + digit)));
    }
    Ok(text)
}
