//! What the benches of larder share: keys and the order in which they come.
//!
//! An entry is a number; its key and its value follow from the number, so that every answer can be checked without a
//! second copy of the data. Keys come from a bijection (the finish of SplitMix64, by Steele, Lea and Flood, 2014):
//! different numbers have different keys, and neighbours in number are strangers as keys. The same numbers are drawn in
//! every run. Drawing a number and making its key cost a few multiplications, no memory, and are part of what is
//! measured.

#![forbid(unsafe_code)]

use criterion::Criterion;
use std::hash::Hash;
use std::time::Duration;

/// The numbers of entries that are measured, with their names: one fits a core's cache, the other does not.
pub const SIZES: [(u64, &str); 2] = [(1 << 12, "4K"), (1 << 20, "1M")];

/// The odd step from draw to draw, and from place to place: 2⁶⁴ divided by the golden ratio, so that neighbours lie apart.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A key that follows from the number of its entry.
pub trait NumberedKey: Copy + Eq + Hash + Send + Sync + 'static {
    /// The size, as the names of benches show it.
    const SIZE: &str;

    /// The key of an entry; different numbers have different keys.
    ///
    /// ```
    /// use larder_benches::NumberedKey;
    ///
    /// assert_ne!(u64::numbered(1), u64::numbered(2));
    /// assert!(<[u8; 16]>::numbered(1).iter().all(u8::is_ascii_lowercase));
    /// ```
    fn numbered(number: u64) -> Self;
}

impl NumberedKey for u64 {
    const SIZE: &str = "8B";

    #[inline]
    fn numbered(number: u64) -> Self {
        mixed(number)
    }
}

/// Sixteen letters from `a` to `p`, one for every four bits: text, for the stores' sake.
impl NumberedKey for [u8; 16] {
    const SIZE: &str = "16B";

    #[inline]
    fn numbered(number: u64) -> Self {
        let letters = |bits: u64| (bits & 0x0f0f_0f0f_0f0f_0f0f) + 0x6161_6161_6161_6161;
        let bits = mixed(number);
        let text = u128::from(letters(bits)) << 64 | u128::from(letters(bits >> 4));
        text.to_le_bytes()
    }
}

/// The value of a key in a store: 32 bytes of text, the key twice.
///
/// ```
/// use larder_benches::{NumberedKey, doubled};
///
/// let key = <[u8; 16]>::numbered(1);
/// assert_eq!(doubled(&key)[16..], key);
/// ```
#[inline]
#[must_use]
pub fn doubled(key: &[u8; 16]) -> [u8; 32] {
    let mut value = [0; 32];
    value[..16].copy_from_slice(key);
    value[16..].copy_from_slice(key);
    value
}

/// Numbers drawn uniformly, the same in every run.
///
/// A bench makes one before its samples: begun anew in each, it would draw the same few numbers, soon warm.
#[derive(Clone, Debug, Default)]
pub struct Draws(u64);

impl Draws {
    /// The next number below `end`.
    ///
    /// ```
    /// let mut draws = larder_benches::Draws::default();
    /// assert!((0..1000).all(|_| draws.below(7) < 7));
    /// ```
    #[inline]
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        let wide = u128::from(mixed(self.0)) * u128::from(end);
        (wide >> 64) as u64
    }
}

/// The number at a place in a scattered order of the numbers below `end`, a power of two; each comes once in `end`
/// places.
///
/// ```
/// let mut numbers: Vec<u64> = (0..8).map(|place| larder_benches::scattered(place, 8)).collect();
/// numbers.sort();
/// assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7]);
/// ```
#[inline]
#[must_use]
pub fn scattered(place: u64, end: u64) -> u64 {
    debug_assert!(
        end.is_power_of_two(),
        "an odd step visits every number of a power of two only"
    );
    place.wrapping_mul(GOLDEN) & (end - 1)
}

/// Runs benches for a second each, as the command line says: enough to see a path change, not to compare with rivals.
pub fn run(benches: impl FnOnce(&mut Criterion)) {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    benches(&mut criterion);
    criterion.final_summary();
}

/// The finish of SplitMix64: a bijection of 64 bits in which every bit in changes half the bits out.
#[inline]
fn mixed(number: u64) -> u64 {
    let bits = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
