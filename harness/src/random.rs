//! Chance that can be repeated.

/// A stream of numbers (SplitMix64; Steele, Lea and Flood, OOPSLA 2014): the same seed gives the same ones on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// One in `0..end`; 0 where that is empty.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end.max(1)
    }

    /// A place in something of this length.
    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        std::iter::repeat_with(|| (self.number() >> 56) as u8).take(length).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    /// The first numbers of the algorithm's reference implementation.
    #[test]
    fn a_seed_says_which_numbers_come() {
        let mut random = Random::new(1_234_567);
        let first: Vec<u64> = std::iter::repeat_with(|| random.number()).take(3).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
        assert!((0..100).all(|_| random.below(7) < 7) && random.below(0) == 0);
    }
}
