//! The synthetic signals the golden numbers were computed from.

use std::f64::consts::TAU;

use vox_core::media::silero::Rate;

#[derive(Clone, Copy, Debug)]
pub enum Signal {
    Zeros,
    Noise,
    Vowel,
}

impl Signal {
    /// The signal from its beginning, 16-bit mono.
    pub fn samples(self, rate: Rate, count: usize) -> Vec<i16> {
        match self {
            Self::Zeros => vec![0; count],
            Self::Noise => noise(count),
            Self::Vowel => vowel(f64::from(rate.hertz()), count),
        }
    }
}

/// A linear congruential generator's upper half, a tenth of full scale.
fn noise(count: usize) -> Vec<i16> {
    let mut x: u32 = 1;
    let next = || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let centred = i64::from(x >> 16) - 32_768;
        i16::try_from(centred.div_euclid(10)).expect("a tenth of full scale")
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// Harmonics of 120 Hz under three formants, swelling four times a second.
fn vowel(rate: f64, count: usize) -> Vec<i16> {
    let formant = |f: f64, centre: f64, width: f64| (-((f - centre) / width).powi(2)).exp();
    let loudness =
        |f| formant(f, 700.0, 250.0) + 0.6 * formant(f, 1200.0, 300.0) + 0.15 * formant(f, 2600.0, 400.0);
    let harmonics: Vec<(f64, f64)> = (1..=30)
        .map(|k| f64::from(k) * 120.0)
        .take_while(|f| *f < rate / 2.0 - 200.0)
        .map(|f| (f, loudness(f) + 0.05))
        .collect();
    let sample = |i: usize| {
        let t = i as f64 / rate;
        let sum: f64 = harmonics.iter().map(|(f, a)| a * (TAU * f * t).sin()).sum();
        let swell = 0.5 - 0.5 * (TAU * 4.0 * t).cos();
        (sum * swell * 4000.0 + 0.5).floor().clamp(-32_768.0, 32_767.0) as i16
    };
    (0..count).map(sample).collect()
}
