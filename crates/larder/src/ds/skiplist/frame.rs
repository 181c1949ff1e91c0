//! `Frame`: how a block holds its scores, as few bytes above its least one.

/// How the scores of a block are held.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) base: u64,
    pub(super) shift: u8,
    pub(super) width: u8,
}

impl Frame {
    /// The narrowest frame of keys of which `first` is the least and `last` the greatest.
    pub(super) fn of(first: u64, last: u64, keys: impl Iterator<Item = u64>) -> Self {
        let differ = keys.fold(first ^ last, |bits, key| bits | (key ^ first));
        if differ == 0 {
            return Frame {
                base: first,
                ..Frame::default()
            };
        }
        let shift = differ.trailing_zeros();
        let width = ((last - first) >> shift).ilog2() / 8 + 1;
        Frame {
            base: first,
            shift: shift as u8,
            width: width as u8,
        }
    }

    /// The greatest distance that its bytes can hold.
    #[inline]
    pub(super) fn most(self) -> u64 {
        (1u64.checked_shl(8 * u32::from(self.width)).unwrap_or(0)).wrapping_sub(1)
    }

    /// Whether a key can be held.
    pub(super) fn holds(self, key: u64) -> bool {
        let Some(distance) = key.checked_sub(self.base) else {
            return false;
        };
        let held = distance >> self.shift;
        held << self.shift == distance && held <= self.most()
    }
}
