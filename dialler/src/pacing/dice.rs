//! Chance that can be thrown again: SplitMix64 (Steele, Lea and Flood, 2014), and the laws that telephones have. For whoever simulates a
//! campaign: rehearsals, and the tests of the pacing.

/// Dice of a seed.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Exponential, of this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.share()).ln()
    }

    /// Log-normal, of this median (Box and Muller).
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        let (one, other) = (1.0 - self.share(), self.share());
        let normal = (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos();
        median * (sigma * normal).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(mut draw: impl FnMut() -> f64) -> f64 {
        (0..20_000).map(|_| draw()).sum::<f64>() / 20_000.0
    }

    #[test]
    fn the_same_seed_throws_the_same() {
        // The first number of the generator's reference for seed 0.
        assert_eq!(Dice::new(0).next(), 0xe220_a839_7b1d_cdaf);
        let (mut one, mut other) = (Dice::new(7), Dice::new(7));
        assert!((0..100).all(|_| one.next() == other.next()));
        assert_ne!(Dice::new(7).next(), Dice::new(8).next());
    }

    #[test]
    fn laws_have_their_means() {
        let mut dice = Dice::new(1);
        assert!((mean(|| dice.share()) - 0.5).abs() < 0.01);
        assert!((mean(|| dice.exponential(90.0)) - 90.0).abs() < 2.0);
        // Median by e to the half of the width's square.
        let expected = 9.0 * (0.55_f64 * 0.55 / 2.0).exp();
        assert!((mean(|| dice.log_normal(9.0, 0.55)) - expected).abs() < 0.2);
    }
}
