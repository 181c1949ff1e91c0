//! `Tagged`: the places at which a block's tags are the one that is looked for.
//!
//! Cost: some eight instructions for eight tags.

/// The places of elements with a tag; see the module's text.
pub(super) struct Tagged<'a> {
    tags: &'a [u8],
    tag: u8,
    /// The first place that was not compared.
    next: usize,
    /// A bit at the top of each byte, of the eight before `next`, that is to be looked at.
    same: u64,
}

impl<'a> Tagged<'a> {
    pub(super) fn new(tags: &'a [u8], tag: u8) -> Self {
        Tagged {
            tags,
            tag,
            next: 0,
            same: 0,
        }
    }
}

impl Iterator for Tagged<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        const ONES: u64 = u64::MAX / 255;
        const TOPS: u64 = ONES << 7;
        loop {
            while self.same != 0 {
                let at = self.next - 8 + self.same.trailing_zeros() as usize / 8;
                self.same &= self.same - 1;
                // One above the same tag may be marked without being the same.
                if self.tags.get(at) == Some(&self.tag) {
                    return Some(at);
                }
            }
            let rest = self.tags.get(self.next..).filter(|rest| !rest.is_empty())?;
            self.same = match rest.first_chunk() {
                Some(word) => {
                    let differ = u64::from_le_bytes(*word) ^ (ONES * u64::from(self.tag));
                    differ.wrapping_sub(ONES) & !differ & TOPS
                }
                None => TOPS,
            };
            self.next += 8;
        }
    }
}
