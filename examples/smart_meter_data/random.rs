//! The only random number generator: small, seeded, and the same on every machine.

/// `SplitMix64`: one addition and three mixing steps per number. Every seed is a good seed.
pub(super) struct Random(u64);

impl Random {
    /// Returns the stream of one meter point, which doesn't depend on the number of others.
    pub(super) fn of(seed: u64, stream: u64) -> Self {
        let mut mixed = Self(seed);
        Self(mixed.next() ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a number below `bound`, which must be at least 1.
    #[expect(clippy::cast_possible_truncation, reason = "the upper half of the product is below the bound")]
    pub(super) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}
