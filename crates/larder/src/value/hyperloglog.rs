//! HyperLogLog: how many different elements were added, from 16,384 registers, off by 0.81 % as a rule.
//!
//! An element's hash names a register and gives it a rank: the place of its lowest set bit. A register keeps the
//! highest rank that it saw. The number of elements follows from how many registers have which rank (Ertl, "New
//! cardinality estimation algorithms for HyperLogLog sketches", 2017).
//!
//! The bytes are laid out as Redis lays them out, so that a value may come from a server and go to one:
//!
//! ```text
//! "HYLL" | form, 3 zeros | 8 bytes: a count that a server kept, the last one's high bit says that it is stale | registers
//! dense:  16,384 times 6 bits, the lowest bits of the lowest byte first: 12 KiB
//! sparse: runs: 00nnnnnn n+1 zeros · 01nnnnnn nnnnnnnn n+1 zeros · 1vvvvvnn n+1 registers of v+1
//! ```
//!
//! A count is computed when it is asked for, and never kept: so a read writes nothing.

const REGISTERS: usize = 1 << INDEX_BITS;
const INDEX_BITS: u32 = 14;
/// Bits of a hash that give the rank.
const RANK_BITS: usize = 64 - INDEX_BITS as usize;
const MAGIC: &[u8; 4] = b"HYLL";
const HEADER: usize = 16;
const DENSE: usize = HEADER + REGISTERS * 6 / 8;
/// Where the form is said, and where a kept count is called stale.
const FORM: usize = 4;
const STALE: usize = 15;
/// Longest sparse form; a server goes over to the dense one at as much.
const MAX_SPARSE: usize = 3000;
/// Highest rank that the sparse form can say.
const MAX_SPARSE_RANK: u8 = 32;
/// Longest runs of the three kinds.
const MAX_ZEROS: usize = 64;
const MAX_MORE_ZEROS: usize = 16384;
const MAX_SAME: usize = 4;

/// What is wrong with a string that is to be a HyperLogLog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It is none.
    NotOne,
    /// It begins as one, but its registers do not make sense.
    Corrupt,
}

/// The register that an element is about, and the rank that it gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sign {
    register: u16,
    rank: u8,
}

impl Sign {
    pub(crate) fn of(element: &[u8]) -> Self {
        let hash = murmur(element);
        let rank = (hash >> INDEX_BITS).trailing_zeros().min(RANK_BITS as u32);
        Sign {
            register: (hash as usize % REGISTERS) as u16,
            rank: rank as u8 + 1,
        }
    }
}

/// So many registers in a row of the same rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    rank: u8,
    len: usize,
}

/// The runs of the sparse form.
fn runs(mut bytes: &[u8]) -> impl Iterator<Item = Result<Run, Flaw>> + '_ {
    std::iter::from_fn(move || {
        let (&first, rest) = bytes.split_first()?;
        bytes = rest;
        let low = usize::from(first & 0x3f);
        Some(Ok(match first >> 6 {
            0 => Run {
                rank: 0,
                len: low + 1,
            },
            1 => {
                let Some((&second, rest)) = bytes.split_first() else {
                    return Some(Err(Flaw::Corrupt));
                };
                bytes = rest;
                let len = (low << 8 | usize::from(second)) + 1;
                Run { rank: 0, len }
            }
            _ => Run {
                rank: (first >> 2 & 0x1f) + 1,
                len: usize::from(first & 3) + 1,
            },
        }))
    })
}

/// The bits of a register in the dense form: the first of its two bytes, and the shift there.
fn place(register: usize) -> (usize, u32) {
    let bit = register * 6;
    (bit / 8, (bit % 8) as u32)
}

/// A HyperLogLog as it is stored, looked over once.
#[derive(Clone, Copy)]
pub(crate) enum Sketch<'a> {
    Dense(&'a [u8]),
    /// Its runs cover all registers, and no more.
    Sparse(&'a [u8]),
}

impl<'a> Sketch<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Flaw> {
        if bytes.len() < HEADER || !bytes.starts_with(MAGIC) {
            return Err(Flaw::NotOne);
        }
        let registers = &bytes[HEADER..];
        match bytes[FORM] {
            0 if bytes.len() == DENSE => Ok(Sketch::Dense(registers)),
            1 => {
                let lengths = runs(registers).map(|run| Ok(run?.len));
                let covered: usize = lengths.sum::<Result<_, _>>()?;
                if covered == REGISTERS {
                    Ok(Sketch::Sparse(registers))
                } else {
                    Err(Flaw::Corrupt)
                }
            }
            _ => Err(Flaw::NotOne),
        }
    }

    /// Whether one of these signs would change a register.
    pub(crate) fn lacks(self, signs: &[Sign]) -> bool {
        match self {
            Sketch::Dense(bytes) => signs
                .iter()
                .any(|sign| dense(bytes, sign.register.into()) < sign.rank),
            Sketch::Sparse(bytes) => signs.iter().any(|sign| {
                let mut before = 0;
                let at = usize::from(sign.register);
                let mut runs = runs(bytes).flatten();
                let run = runs.find(|run| {
                    before += run.len;
                    at < before
                });
                run.is_none_or(|run| run.rank < sign.rank)
            }),
        }
    }
}

fn dense(bytes: &[u8], register: usize) -> u8 {
    let (at, shift) = place(register);
    let next = bytes.get(at + 1).copied().unwrap_or(0);
    (u16::from_le_bytes([bytes[at], next]) >> shift & 0x3f) as u8
}

/// Registers that are changed; [`Self::write`] gives the value to be stored.
#[derive(Clone, Debug)]
pub(crate) enum Registers {
    Dense(Vec<u8>),
    /// No two neighbours have the same rank.
    Sparse(Vec<Run>),
}

impl Default for Registers {
    /// All zero.
    fn default() -> Self {
        Registers::Sparse(vec![Run {
            rank: 0,
            len: REGISTERS,
        }])
    }
}

impl From<Sketch<'_>> for Registers {
    fn from(sketch: Sketch<'_>) -> Self {
        match sketch {
            Sketch::Dense(bytes) => Registers::Dense(bytes.to_vec()),
            Sketch::Sparse(bytes) => {
                let mut joined: Vec<Run> = Vec::new();
                runs(bytes)
                    .flatten()
                    .for_each(|run| append(&mut joined, run));
                Registers::Sparse(joined)
            }
        }
    }
}

/// Puts a run behind others, or makes the last of them longer.
fn append(runs: &mut Vec<Run>, run: Run) {
    match runs.last_mut() {
        Some(last) if last.rank == run.rank => last.len += run.len,
        _ if run.len > 0 => runs.push(run),
        _ => {}
    }
}

impl Registers {
    /// Raises registers; whether any changed.
    pub(crate) fn add(&mut self, signs: &[Sign]) -> bool {
        let mut changed = false;
        for sign in signs {
            changed |= self.raise(sign.register.into(), sign.rank);
        }
        changed
    }

    /// Raises each register to what it is in another sketch.
    pub(crate) fn merge(&mut self, other: Sketch<'_>) {
        match other {
            Sketch::Dense(bytes) => {
                self.make_dense();
                for register in 0..REGISTERS {
                    self.raise(register, dense(bytes, register));
                }
            }
            Sketch::Sparse(bytes) => {
                let mut at = 0;
                for run in runs(bytes).flatten() {
                    for register in at..at + run.len * usize::from(run.rank > 0) {
                        self.raise(register, run.rank);
                    }
                    at += run.len;
                }
            }
        }
    }

    fn raise(&mut self, register: usize, rank: u8) -> bool {
        match self {
            Registers::Dense(bytes) => {
                let raised = dense(bytes, register) < rank;
                if raised {
                    put(bytes, register, rank);
                }
                raised
            }
            Registers::Sparse(runs) => raise_in(runs, register, rank),
        }
    }

    fn make_dense(&mut self) {
        if let Registers::Sparse(runs) = self {
            let mut bytes = vec![0; DENSE - HEADER];
            let mut at = 0;
            for run in runs {
                if run.rank > 0 {
                    (at..at + run.len).for_each(|register| put(&mut bytes, register, run.rank));
                }
                at += run.len;
            }
            *self = Registers::Dense(bytes);
        }
    }

    /// How many different elements were added, as far as the registers tell.
    pub(crate) fn count(&self) -> u64 {
        estimate(&match self {
            Registers::Dense(bytes) => histogram_of_dense(bytes),
            Registers::Sparse(runs) => histogram_of_runs(runs.iter().copied()),
        })
    }

    /// The value: sparse while that is short.
    pub(crate) fn write(mut self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER);
        out.extend_from_slice(MAGIC);
        out.resize(HEADER, 0);
        out[STALE] = 0x80;
        if let Registers::Sparse(runs) = &self {
            out[FORM] = 1;
            if write_runs(runs, &mut out) {
                return out;
            }
            out.truncate(HEADER);
            out[FORM] = 0;
        }
        self.make_dense();
        if let Registers::Dense(bytes) = &self {
            out.extend_from_slice(bytes);
        }
        out
    }
}

impl Sketch<'_> {
    /// How many different elements were added, as far as the registers tell.
    pub(crate) fn count(self) -> u64 {
        estimate(&match self {
            Sketch::Dense(bytes) => histogram_of_dense(bytes),
            Sketch::Sparse(bytes) => histogram_of_runs(runs(bytes).flatten()),
        })
    }
}

/// Writes a register of the dense form.
fn put(bytes: &mut [u8], register: usize, rank: u8) {
    let (at, shift) = place(register);
    let mut set = |at: usize, mask: u8, bits: u8| {
        if let Some(byte) = bytes.get_mut(at) {
            *byte = *byte & !mask | bits;
        }
    };
    let [low_mask, high_mask] = (0x3f_u16 << shift).to_le_bytes();
    let [low, high] = (u16::from(rank) << shift).to_le_bytes();
    set(at, low_mask, low);
    set(at + 1, high_mask, high);
}

/// Raises one register of the runs.
fn raise_in(runs: &mut Vec<Run>, register: usize, rank: u8) -> bool {
    let mut start = 0;
    let Some(at) = runs.iter().position(|run| {
        start += run.len;
        register < start
    }) else {
        return false;
    };
    let old = runs[at];
    if old.rank >= rank {
        return false;
    }
    let behind = start - register - 1;
    let before = old.len - behind - 1;
    let first = at.saturating_sub(1);
    let last = (at + 1).min(runs.len() - 1);
    let mut parts = Vec::with_capacity(5);
    runs[first..at]
        .iter()
        .for_each(|run| append(&mut parts, *run));
    append(&mut parts, Run { len: before, ..old });
    append(&mut parts, Run { rank, len: 1 });
    append(&mut parts, Run { len: behind, ..old });
    runs[at + 1..=last]
        .iter()
        .for_each(|run| append(&mut parts, *run));
    runs.splice(first..=last, parts);
    true
}

/// Writes the sparse form; `false` if it would be too long, or cannot say a rank.
fn write_runs(runs: &[Run], out: &mut Vec<u8>) -> bool {
    for run in runs {
        if run.rank > MAX_SPARSE_RANK || out.len() > MAX_SPARSE {
            return false;
        }
        let mut left = run.len;
        while left > 0 {
            let len = match run.rank {
                0 if left > MAX_ZEROS => left.min(MAX_MORE_ZEROS),
                0 => left,
                _ => left.min(MAX_SAME),
            };
            left -= len;
            let [low, high] = ((len - 1) as u16).to_le_bytes();
            match run.rank {
                0 if len > MAX_ZEROS => out.extend([0x40 | high, low]),
                0 => out.push(low),
                rank => out.push(0x80 | (rank - 1) << 2 | low),
            }
        }
    }
    out.len() <= MAX_SPARSE
}

/// How many registers have which rank.
type Histogram = [u32; 64];

fn histogram_of_runs(runs: impl Iterator<Item = Run>) -> Histogram {
    let mut histogram = [0; 64];
    for run in runs {
        histogram[usize::from(run.rank)] += run.len as u32;
    }
    histogram
}

fn histogram_of_dense(bytes: &[u8]) -> Histogram {
    let mut histogram = [0; 64];
    for three in bytes.chunks_exact(3) {
        let word = u32::from_le_bytes([three[0], three[1], three[2], 0]);
        for shift in [0, 6, 12, 18] {
            histogram[(word >> shift & 0x3f) as usize] += 1;
        }
    }
    histogram
}

/// Ertl's estimate, which needs no table of corrections.
fn estimate(histogram: &Histogram) -> u64 {
    let count = REGISTERS as f64;
    let share = |of: u32| f64::from(of) / count;
    let mut sum = count * tau(1.0 - share(histogram[RANK_BITS + 1]));
    for rank in (1..=RANK_BITS).rev() {
        sum = (sum + f64::from(histogram[rank])) * 0.5;
    }
    sum += count * sigma(share(histogram[0]));
    let factor = 0.5 / std::f64::consts::LN_2;
    (factor * count * count / sum).round() as u64
}

/// What registers at zero add: x + x² + 2x⁴ + 4x⁸ ...; without end for x = 1.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * y;
        y += y;
        if sum == before {
            return sum;
        }
    }
}

/// What registers at the highest rank take away.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        y *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * y;
        if sum == before {
            return sum / 3.0;
        }
    }
}

/// MurmurHash64A with the seed that Redis gives it: elements must be seen alike here and there.
fn murmur(bytes: &[u8]) -> u64 {
    const SEED: u64 = 0xadc8_3b19;
    const FACTOR: u64 = 0xc6a4_a793_5bd1_e995;
    const SHIFT: u32 = 47;
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(FACTOR);
    let (words, tail) = bytes.as_chunks::<8>();
    for word in words {
        let mut word = u64::from_le_bytes(*word).wrapping_mul(FACTOR);
        word ^= word >> SHIFT;
        hash = (hash ^ word.wrapping_mul(FACTOR)).wrapping_mul(FACTOR);
    }
    if !tail.is_empty() {
        let mut word = [0; 8];
        word[..tail.len()].copy_from_slice(tail);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR);
    }
    hash = (hash ^ hash >> SHIFT).wrapping_mul(FACTOR);
    hash ^ hash >> SHIFT
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn registers(value: &[u8]) -> Vec<u8> {
        let mut all = vec![0; REGISTERS];
        match Sketch::read(value).expect("it was written by this module") {
            Sketch::Dense(bytes) => all
                .iter_mut()
                .enumerate()
                .for_each(|(at, rank)| *rank = dense(bytes, at)),
            Sketch::Sparse(bytes) => {
                let ranks = runs(bytes).flatten();
                let ranks = ranks.flat_map(|run| std::iter::repeat_n(run.rank, run.len));
                all.iter_mut().zip(ranks).for_each(|(at, rank)| *at = rank);
            }
        }
        all
    }

    proptest! {
        #[test]
        fn both_forms_hold_what_plain_registers_would(
            signs in prop::collection::vec((0..REGISTERS as u16, 1..=51_u8), 0..400),
            others in prop::collection::vec((0..40_u16, 1..=40_u8), 0..40),
            dense_from in 0..400_usize,
        ) {
            let mut plain = vec![0; REGISTERS];
            let mut value = Registers::default();
            for (at, (register, rank)) in signs.iter().chain(&others).copied().enumerate() {
                if at == dense_from {
                    value.make_dense();
                }
                let sign = Sign { register, rank };
                let stored = value.clone().write();
                let raised = plain[usize::from(register)] < rank;
                prop_assert_eq!(Sketch::read(&stored).map(|it| it.lacks(&[sign])), Ok(raised));
                prop_assert_eq!(value.add(&[sign]), raised);
                plain[usize::from(register)] = rank.max(plain[usize::from(register)]);
            }
            let stored = value.clone().write();
            prop_assert_eq!(registers(&stored), plain);
            let sketch = Sketch::read(&stored).expect("it was just written");
            prop_assert_eq!(sketch.count(), value.count());
            let mut merged = Registers::default();
            merged.merge(sketch);
            prop_assert_eq!(merged.write(), Registers::from(sketch).write());
        }

        #[test]
        fn any_bytes_are_read_or_refused(tail in prop::collection::vec(any::<u8>(), 0..40), form in 0..3_u8) {
            let mut bytes = b"HYLL".to_vec();
            bytes.push(form);
            bytes.resize(HEADER, 0);
            bytes.extend(tail);
            if let Ok(sketch) = Sketch::read(&bytes) {
                sketch.count();
            }
        }
    }

    #[test]
    fn estimates_are_off_by_less_than_three_times_the_standard_error() {
        for count in [1_u64, 10, 100, 1_000, 20_000, 300_000] {
            let mut registers = Registers::default();
            registers.make_dense();
            for element in 0..count {
                registers.add(&[Sign::of(format!("element:{element}").as_bytes())]);
            }
            let off = registers.count().abs_diff(count) as f64 / count as f64;
            assert!(off <= 3.0 * 0.0081, "{count}: off by {off}");
        }
    }

    #[test]
    fn estimates_are_off_by_at_most_0_81_percent_in_the_root_mean_square() {
        let (mut squares, rounds) = (0.0, 64);
        for round in 0..rounds {
            let mut registers = Registers::default();
            registers.make_dense();
            let count = 40_000_u64;
            for element in 0..count {
                registers.add(&[Sign::of(format!("{round}/{element}").as_bytes())]);
            }
            squares += (registers.count() as f64 / count as f64 - 1.0).powi(2);
        }
        // A deviation taken from 64 rounds is itself off by a tenth or so.
        let deviation = (squares / f64::from(rounds)).sqrt();
        assert!(deviation <= 0.0081 * 1.2, "off by {deviation}");
    }

    #[test]
    fn a_few_elements_take_little_and_many_twelve_kibibytes() {
        let mut registers = Registers::default();
        assert_eq!(registers.clone().write().len(), HEADER + 2);
        registers.add(&[Sign::of(b"a"), Sign::of(b"b")]);
        assert!(registers.clone().write().len() < 32);
        for element in 0..10_000_u32 {
            registers.add(&[Sign::of(&element.to_le_bytes())]);
            registers.make_dense();
        }
        assert_eq!(registers.write().len(), DENSE);
    }

    #[test]
    fn what_is_none_is_told_from_what_is_corrupt() {
        assert_eq!(Sketch::read(b"").err(), Some(Flaw::NotOne));
        assert_eq!(Sketch::read(&[b'x'; 40]).err(), Some(Flaw::NotOne));
        let mut value = Registers::default().write();
        value.push(0);
        assert_eq!(Sketch::read(&value).err(), Some(Flaw::Corrupt));
        value.truncate(HEADER + 1);
        assert_eq!(Sketch::read(&value).err(), Some(Flaw::Corrupt));
    }
}
