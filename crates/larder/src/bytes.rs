//! The conversion pair between Rust's values and the bytes that a store keeps.
//!
//! ```text
//! &str, Vec<u8>, …    Raw::Bytes ──┐                     ┌── from_value(bytes) ──  String, Vec<u8>, Arc<str>, …
//! i64, u8, 5.0, true  Raw::Int   ──┼──  stored value  ───┤
//! 0.1, u64::MAX       Raw::Text  ──┤                     └── from_int(i64)  ─────  i64, u8, f64, …
//! what you encode     Raw::Owned ──┘
//! ```
//!
//! Nothing is copied or printed on the way in: byte-like values are borrowed, integers stay integers, and other numbers are printed on the stack. A store
//! that keeps an integer as an integer hands it out as one. The two ways are the same: `from_int(n)` is `from_value` of the canonical text of `n`.
//!
//! Numbers have the one text of Redis (see the module `number`), so what is written here is what any client of a server reads, and the reverse.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::number::{
    MAX_I64_LEN, NumberText, format_f32, format_f64, i64_len, is_integer, parse_f64, parse_i64,
    whole, write_i64,
};

/// A value on its way into a store, in the form that costs least.
///
/// ```
/// use larder::{Raw, ToValue};
///
/// assert_eq!("hello".to_value(), Raw::Bytes(b"hello"));
/// assert_eq!(7_u8.to_value(), Raw::Int(7));
/// assert_eq!(7_u8.to_value().into_vec(), b"7");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Raw<'a> {
    /// Bytes that the value holds anyway.
    Bytes(&'a [u8]),
    /// An integer; its canonical decimal text is meant.
    Int(i64),
    /// A number that is no `i64`, printed on the stack.
    Text(NumberText),
    /// Bytes that had to be made, as by an encoder.
    Owned(Vec<u8>),
}

impl Raw<'_> {
    /// Returns the value's bytes, printing an integer into `scratch`.
    ///
    /// ```
    /// use larder::ToValue;
    ///
    /// assert_eq!((-5_i32).to_value().bytes(&mut [0; 20]), b"-5");
    /// assert_eq!("abc".to_value().bytes(&mut [0; 20]), b"abc");
    /// ```
    #[inline]
    pub fn bytes<'b>(&'b self, scratch: &'b mut [u8; MAX_I64_LEN]) -> &'b [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Int(value) => write_i64(*value, scratch),
            Self::Text(text) => text.as_bytes(),
            Self::Owned(bytes) => bytes,
        }
    }

    /// Returns the value's bytes as a vector.
    ///
    /// ```
    /// assert_eq!(larder::Raw::Int(12).into_vec(), b"12");
    /// ```
    pub fn into_vec(self) -> Vec<u8> {
        match self {
            Self::Owned(bytes) => bytes,
            other => other.bytes(&mut [0; MAX_I64_LEN]).to_vec(),
        }
    }

    /// Returns the integer whose canonical text the value is, in whichever form it comes.
    ///
    /// ```
    /// use larder::Raw;
    ///
    /// assert_eq!(Raw::Int(12).int(), Some(12));
    /// assert_eq!(Raw::Bytes(b"12").int(), Some(12));
    /// assert_eq!(Raw::Bytes(b"012").int(), None);
    /// ```
    #[inline]
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Bytes(bytes) => parse_i64(bytes),
            Self::Int(value) => Some(*value),
            Self::Text(text) => parse_i64(text.as_bytes()),
            Self::Owned(bytes) => parse_i64(bytes),
        }
    }

    /// Counts the value's bytes, without printing them.
    ///
    /// ```
    /// assert_eq!(larder::Raw::Int(-12).len(), 3);
    /// ```
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Int(value) => i64_len(*value),
            Self::Text(text) => text.as_bytes().len(),
            Self::Owned(bytes) => bytes.len(),
        }
    }

    /// Tells whether the value has no bytes.
    ///
    /// ```
    /// use larder::ToValue;
    ///
    /// assert!("".to_value().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What can be written into a store: bytes, strings, numbers as Redis prints them, `bool` as `1` and `0`.
///
/// A whole float within ±2^62 is passed as an integer, for it prints as one; `-0.0` becomes `0`. NaN is written as `nan`, which no float reads back.
///
/// Own types implement it by lending bytes, or by making some:
///
/// ```
/// use larder::{ConvertError, FromValue, Raw, ToValue};
///
/// #[derive(Debug, PartialEq)]
/// struct Point { x: u8, y: u8 }
///
/// impl ToValue for Point {
///     fn to_value(&self) -> Raw<'_> {
///         Raw::Owned(vec![self.x, self.y])
///     }
/// }
///
/// impl FromValue for Point {
///     fn from_value(bytes: &[u8]) -> Result<Self, ConvertError> {
///         let &[x, y] = bytes else { return Err(ConvertError::OutOfRange) };
///         Ok(Self { x, y })
///     }
/// }
///
/// let stored = Point { x: 3, y: 4 }.to_value().into_vec();
/// assert_eq!(Point::from_value(&stored), Ok(Point { x: 3, y: 4 }));
/// ```
pub trait ToValue {
    /// Returns the value in the form that costs least.
    ///
    /// ```
    /// use larder::{Raw, ToValue};
    ///
    /// assert_eq!(0.5_f64.to_value().into_vec(), b"0.5");
    /// assert_eq!(5.0_f64.to_value(), Raw::Int(5));
    /// ```
    fn to_value(&self) -> Raw<'_>;
}

macro_rules! lent_as_bytes {
    ($($type:ty)*) => {$(
        impl ToValue for $type {
            #[inline]
            fn to_value(&self) -> Raw<'_> {
                Raw::Bytes(self.as_ref())
            }
        }
    )*};
}

lent_as_bytes!([u8] Vec<u8> str String);

impl<const N: usize> ToValue for [u8; N] {
    #[inline]
    fn to_value(&self) -> Raw<'_> {
        Raw::Bytes(self)
    }
}

macro_rules! passed_through {
    ($($pointer:ty)*) => {$(
        impl<T: ToValue + ?Sized> ToValue for $pointer {
            #[inline]
            fn to_value(&self) -> Raw<'_> {
                (**self).to_value()
            }
        }
    )*};
}

passed_through!(&T &mut T Box<T> Arc<T>);

impl<T: ToValue + ToOwned + ?Sized> ToValue for Cow<'_, T> {
    #[inline]
    fn to_value(&self) -> Raw<'_> {
        (**self).to_value()
    }
}

impl ToValue for bool {
    #[inline]
    fn to_value(&self) -> Raw<'_> {
        Raw::Int(i64::from(*self))
    }
}

impl ToValue for Raw<'_> {
    fn to_value(&self) -> Raw<'_> {
        match self {
            Self::Bytes(bytes) => Raw::Bytes(bytes),
            Self::Int(value) => Raw::Int(*value),
            Self::Text(text) => Raw::Text(*text),
            Self::Owned(bytes) => Raw::Bytes(bytes),
        }
    }
}

/// Why a stored value could not be read as the type that was asked for.
///
/// ```
/// use larder::{ConvertError, FromValue};
///
/// assert_eq!(u8::from_value(b"256"), Err(ConvertError::OutOfRange));
/// assert_eq!(u8::from_value(b"two"), Err(ConvertError::NotAnInteger));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConvertError {
    /// A string was asked for, and the bytes are not UTF-8.
    NotUtf8,
    /// An integer was asked for, and the bytes are not the canonical text of one.
    NotAnInteger,
    /// A float was asked for, and the bytes are not the decimal text of one.
    NotAFloat,
    /// A `bool` was asked for, and the bytes are none of `1`, `0`, `true` and `false`.
    NotABool,
    /// A `Json` was asked for, and the bytes are not the JSON text of one; or a value has none.
    NotJson,
    /// The value is of the right kind but does not fit the type.
    OutOfRange,
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUtf8 => "value is not valid utf-8",
            Self::NotAnInteger => "value is not an integer",
            Self::NotAFloat => "value is not a float",
            Self::NotABool => "value is not a bool",
            Self::NotJson => "value is not json of the type asked for",
            Self::OutOfRange => "value does not fit the type asked for",
        })
    }
}

impl Error for ConvertError {}

/// What can be read out of a store: the types of [`ToValue`] that own what they hold.
///
/// Integers are read in their canonical form only (`007` and `+7` are not integers), floats in any decimal form. For an own type see [`ToValue`].
pub trait FromValue: Sized {
    /// Reads the value from its bytes.
    ///
    /// ```
    /// use larder::FromValue;
    ///
    /// assert_eq!(String::from_value(b"hello").as_deref(), Ok("hello"));
    /// assert_eq!(i64::from_value(b"-42"), Ok(-42));
    /// assert_eq!(bool::from_value(b"true"), Ok(true));
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConvertError`], if the bytes are not of this type.
    fn from_value(bytes: &[u8]) -> Result<Self, ConvertError>;

    /// Reads the value from an integer that is stored as such; the same as reading its decimal text.
    ///
    /// ```
    /// use larder::FromValue;
    ///
    /// assert_eq!(u16::from_int(42), Ok(42));
    /// assert_eq!(String::from_int(42).as_deref(), Ok("42"));
    /// ```
    ///
    /// # Errors
    ///
    /// As [`from_value`](Self::from_value).
    fn from_int(value: i64) -> Result<Self, ConvertError> {
        Self::from_value(write_i64(value, &mut [0; MAX_I64_LEN]))
    }
}

macro_rules! copied_from_bytes {
    ($($type:ty)*) => {$(
        impl FromValue for $type {
            fn from_value(bytes: &[u8]) -> Result<Self, ConvertError> {
                Ok(bytes.into())
            }
        }
    )*};
}

copied_from_bytes!(Vec<u8> Box<[u8]> Arc<[u8]>);

/// Bytes of exactly this number; others do not fit.
impl<const N: usize> FromValue for [u8; N] {
    #[inline]
    fn from_value(bytes: &[u8]) -> Result<Self, ConvertError> {
        bytes.try_into().map_err(|_| ConvertError::OutOfRange)
    }
}

macro_rules! copied_from_utf8 {
    ($($type:ty)*) => {$(
        impl FromValue for $type {
            fn from_value(bytes: &[u8]) -> Result<Self, ConvertError> {
                std::str::from_utf8(bytes).map(Self::from).map_err(|_| ConvertError::NotUtf8)
            }
        }
    )*};
}

copied_from_utf8!(String Box<str> Arc<str>);

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl ToValue for $type {
            #[inline]
            fn to_value(&self) -> Raw<'_> {
                i64::try_from(*self).map_or_else(|_| Raw::Text(NumberText::print(format_args!("{self}"))), Raw::Int)
            }
        }

        impl FromValue for $type {
            fn from_value(bytes: &[u8]) -> Result<Self, ConvertError> {
                parse_i64(bytes).map_or_else(|| parse_wide(bytes), Self::from_int)
            }

            #[inline]
            fn from_int(value: i64) -> Result<Self, ConvertError> {
                value.try_into().map_err(|_| ConvertError::OutOfRange)
            }
        }
    )*};
}

integers!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

/// Reads what is no `i64`: an integer that only a wider type holds, or none at all.
#[cold]
fn parse_wide<T: std::str::FromStr>(bytes: &[u8]) -> Result<T, ConvertError> {
    if !is_integer(bytes) {
        return Err(ConvertError::NotAnInteger);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ConvertError::NotAnInteger)?;
    text.parse().map_err(|_| ConvertError::OutOfRange)
}

impl ToValue for f64 {
    #[inline]
    fn to_value(&self) -> Raw<'_> {
        whole(*self).map_or_else(|| Raw::Text(format_f64(*self)), Raw::Int)
    }
}

impl FromValue for f64 {
    fn from_value(bytes: &[u8]) -> Result<Self, ConvertError> {
        parse_f64(bytes).ok_or_else(|| match parse_text::<Self>(bytes) {
            Some(value) if !value.is_nan() => ConvertError::OutOfRange,
            _ => ConvertError::NotAFloat,
        })
    }

    #[inline]
    fn from_int(value: i64) -> Result<Self, ConvertError> {
        Ok(value as Self)
    }
}

impl ToValue for f32 {
    #[inline]
    fn to_value(&self) -> Raw<'_> {
        whole(f64::from(*self)).map_or_else(|| Raw::Text(format_f32(*self)), Raw::Int)
    }
}

impl FromValue for f32 {
    fn from_value(bytes: &[u8]) -> Result<Self, ConvertError> {
        let wide = f64::from_value(bytes)?;
        // Read from the text again: rounding twice can give a neighbour.
        let value = parse_text::<Self>(bytes).ok_or(ConvertError::NotAFloat)?;
        let fits = value.is_finite() == wide.is_finite() && (value == 0.0) == (wide == 0.0);
        if fits {
            Ok(value)
        } else {
            Err(ConvertError::OutOfRange)
        }
    }

    #[inline]
    fn from_int(value: i64) -> Result<Self, ConvertError> {
        Ok(value as Self)
    }
}

fn parse_text<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

impl FromValue for bool {
    fn from_value(bytes: &[u8]) -> Result<Self, ConvertError> {
        match bytes {
            b"1" | b"true" => Ok(true),
            b"0" | b"false" => Ok(false),
            _ => Err(ConvertError::NotABool),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn byte_like_values_are_lent() {
        let (text, bytes) = ("abc".to_owned(), b"abc".to_vec());
        let boxed: Box<[u8]> = (*bytes).into();
        let shared: Arc<str> = "abc".into();
        let (borrowed, owned) = (Cow::Borrowed("abc"), Cow::<[u8]>::Owned(bytes.clone()));
        let values: [&dyn ToValue; 10] = [
            &"abc", &text, &&text, &bytes, &&*bytes, &b"abc", &boxed, &shared, &borrowed, &owned,
        ];
        for value in values {
            assert_eq!(value.to_value(), Raw::Bytes(b"abc"));
        }
        assert!(std::ptr::eq(
            text.to_value().bytes(&mut [0; 20]),
            text.as_bytes()
        ));
    }

    #[test]
    fn integers_and_whole_floats_stay_integers() {
        let values: [&dyn ToValue; 9] = [
            &7_i8,
            &7_u8,
            &7_i32,
            &7_u64,
            &7_i128,
            &7_usize,
            &7.0_f64,
            &7.0_f32,
            &Raw::Int(7),
        ];
        for value in values {
            assert_eq!(value.to_value(), Raw::Int(7));
        }
        assert_eq!(i64::MIN.to_value(), Raw::Int(i64::MIN));
        assert_eq!((-0.0_f64).to_value(), Raw::Int(0));
        assert_eq!(
            (true.to_value(), false.to_value()),
            (Raw::Int(1), Raw::Int(0))
        );
    }

    #[test]
    fn other_numbers_become_short_text() {
        let cases: [(&dyn ToValue, &str); 8] = [
            (&u64::MAX, "18446744073709551615"),
            (&i128::MIN, "-170141183460469231731687303715884105728"),
            (&u128::MAX, "340282366920938463463374607431768211455"),
            (&0.1_f32, "0.1"),
            (&(0.1 + 0.2), "0.30000000000000004"),
            (&5e18, "5e+18"),
            (&f64::NEG_INFINITY, "-inf"),
            (&f64::NAN, "nan"),
        ];
        for (value, text) in cases {
            let raw = value.to_value();
            assert!(matches!(raw, Raw::Text(_)), "{raw:?}");
            assert_eq!(raw.len(), text.len());
            assert_eq!(raw.into_vec(), text.as_bytes());
        }
    }

    #[test]
    fn every_form_of_the_same_integer_is_seen_as_one() {
        for raw in [
            Raw::Int(-12),
            Raw::Bytes(b"-12"),
            Raw::Owned(b"-12".to_vec()),
        ] {
            assert_eq!(
                (raw.int(), raw.len(), raw.is_empty()),
                (Some(-12), 3, false)
            );
            assert_eq!(raw.to_value().bytes(&mut [0; 20]), b"-12");
            assert_eq!(raw.into_vec(), b"-12");
        }
        assert_eq!(u64::MAX.to_value().int(), None);
        assert!(Raw::Bytes(b"").is_empty());
    }

    #[test]
    fn strings_are_checked_and_bytes_are_not() {
        assert_eq!(String::from_value(b"\xff"), Err(ConvertError::NotUtf8));
        assert_eq!(Arc::<str>::from_value(b"\xff"), Err(ConvertError::NotUtf8));
        assert_eq!(Box::<str>::from_value("é".as_bytes()).as_deref(), Ok("é"));
        assert_eq!(Vec::from_value(b"\xff"), Ok(vec![0xff]));
        assert_eq!(Arc::<[u8]>::from_value(b"\xff").as_deref(), Ok(&[0xff][..]));
        assert_eq!(Box::<[u8]>::from_int(-3).as_deref(), Ok(&b"-3"[..]));
    }

    #[test]
    fn an_integer_that_does_not_fit_is_told_from_what_is_no_integer() {
        assert_eq!(u64::from_value(b"18446744073709551615"), Ok(u64::MAX));
        assert_eq!(
            i128::from_value(b"-18446744073709551615"),
            Ok(-i128::from(u64::MAX))
        );
        assert_eq!(
            u64::from_value(b"18446744073709551616"),
            Err(ConvertError::OutOfRange)
        );
        assert_eq!(
            i64::from_value(b"9223372036854775808"),
            Err(ConvertError::OutOfRange)
        );
        assert_eq!(u64::from_value(b"-1"), Err(ConvertError::OutOfRange));
        assert_eq!(
            u128::from_value(b"-18446744073709551615"),
            Err(ConvertError::OutOfRange)
        );
        assert_eq!(i8::from_int(128), Err(ConvertError::OutOfRange));
        for text in ["", "+1", "01", "-0", "1.0", " 1", "1 ", "abc"] {
            assert_eq!(
                i32::from_value(text.as_bytes()),
                Err(ConvertError::NotAnInteger),
                "{text:?}"
            );
            assert_eq!(
                u128::from_value(text.as_bytes()),
                Err(ConvertError::NotAnInteger),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_float_that_does_not_fit_is_told_from_what_is_no_float() {
        assert_eq!(f64::from_value(b"1.50"), Ok(1.5));
        assert_eq!(f32::from_value(b"-inf"), Ok(f32::NEG_INFINITY));
        assert_eq!(f32::from_value(b"0e5"), Ok(0.0));
        assert_eq!(f64::from_int(1 << 60), Ok((1_u64 << 60) as f64));
        for text in ["1e400", "-1e400", "1e-400"] {
            assert_eq!(
                f64::from_value(text.as_bytes()),
                Err(ConvertError::OutOfRange),
                "{text}"
            );
        }
        for text in ["1e39", "1e-60", "1e400"] {
            assert_eq!(
                f32::from_value(text.as_bytes()),
                Err(ConvertError::OutOfRange),
                "{text}"
            );
        }
        for text in ["", "nan", "0x10", " 1", "abc"] {
            assert_eq!(
                f32::from_value(text.as_bytes()),
                Err(ConvertError::NotAFloat),
                "{text:?}"
            );
        }
        assert_eq!(f64::from_value(b"\xff"), Err(ConvertError::NotAFloat));
    }

    #[test]
    fn an_array_is_as_many_bytes_as_it_has_and_no_others() {
        assert_eq!(<[u8; 3]>::from_value(b"abc"), Ok(*b"abc"));
        assert_eq!(<[u8; 2]>::from_int(42), Ok(*b"42"));
        for other in [&b""[..], b"ab", b"abcd"] {
            let read = <[u8; 3]>::from_value(other);
            assert_eq!(read, Err(ConvertError::OutOfRange));
        }
    }

    #[test]
    fn a_bool_is_one_of_four_words() {
        assert_eq!(
            (bool::from_value(b"1"), bool::from_value(b"false")),
            (Ok(true), Ok(false))
        );
        assert_eq!(
            (bool::from_int(0), bool::from_int(2)),
            (Ok(false), Err(ConvertError::NotABool))
        );
        assert_eq!(bool::from_value(b"TRUE"), Err(ConvertError::NotABool));
    }

    #[test]
    fn an_error_says_in_lower_case_what_is_wrong_and_never_the_value() {
        let errors = [
            ConvertError::NotUtf8,
            ConvertError::NotAnInteger,
            ConvertError::NotAFloat,
            ConvertError::NotABool,
            ConvertError::OutOfRange,
        ];
        for error in errors {
            let text = error.to_string();
            assert!(
                text.starts_with("value ") && !text.ends_with('.') && text == text.to_lowercase(),
                "{text}"
            );
        }
    }

    fn round_trip<T: ToValue + FromValue>(value: &T) -> Result<T, ConvertError> {
        let raw = value.to_value();
        let read = T::from_value(raw.bytes(&mut [0; 20]));
        if let Raw::Int(int) = raw {
            T::from_int(int).and(read)
        } else {
            read
        }
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(
            int in any::<i64>(), small in any::<u8>(), wide in any::<u64>(), wider in any::<i128>(), flag in any::<bool>(),
            text in any::<String>(), bytes in any::<Vec<u8>>(),
            double in any::<f64>().prop_filter("nan", |v| !v.is_nan()), single in any::<f32>().prop_filter("nan", |v| !v.is_nan()),
        ) {
            prop_assert_eq!(round_trip(&int), Ok(int));
            prop_assert_eq!(round_trip(&small), Ok(small));
            prop_assert_eq!(round_trip(&wide), Ok(wide));
            prop_assert_eq!(round_trip(&wider), Ok(wider));
            prop_assert_eq!(round_trip(&flag), Ok(flag));
            prop_assert_eq!(round_trip(&text), Ok(text));
            prop_assert_eq!(round_trip(&bytes), Ok(bytes));
            prop_assert_eq!(round_trip(&double), Ok(double));
            prop_assert_eq!(round_trip(&single), Ok(single));
        }

        #[test]
        fn an_integer_reads_as_its_text_does(int in any::<i64>(), shift in 0..64_u32) {
            let int = int >> shift;
            let text = int.to_string();
            prop_assert_eq!(u8::from_int(int), u8::from_value(text.as_bytes()));
            prop_assert_eq!(u128::from_int(int), u128::from_value(text.as_bytes()));
            prop_assert_eq!(f32::from_int(int), f32::from_value(text.as_bytes()));
            prop_assert_eq!(f64::from_int(int), f64::from_value(text.as_bytes()));
            prop_assert_eq!(bool::from_int(int), bool::from_value(text.as_bytes()));
            prop_assert_eq!(String::from_int(int), Ok(text));
        }
    }
}
