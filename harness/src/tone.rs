//! Tones, and how much of one is in what is heard.

use std::f64::consts::TAU;

/// Peak of a tone, 16-bit samples.
const PEAK: f64 = 7000.0;
/// A frame is 20 ms.
const FRAMES_PER_SECOND: u32 = 50;

/// Frames of 20 ms of a tone at this sample rate, one after another.
pub fn tone(rate_hz: u32, hz: f64) -> impl FnMut() -> Vec<i16> + Send {
    let (mut phase, step) = (0.0_f64, TAU * hz / f64::from(rate_hz));
    move || {
        let mut next = || {
            phase = (phase + step) % TAU;
            (phase.sin() * PEAK) as i16
        };
        (0..rate_hz / FRAMES_PER_SECOND).map(|_| next()).collect()
    }
}

/// The part of the energy that is at this frequency, 0 to 1 (Goertzel).
pub fn power(rate_hz: u32, pcm: &[i16], hz: f64) -> f64 {
    let coefficient = 2.0 * (TAU * hz / f64::from(rate_hz)).cos();
    let (mut one, mut two, mut all) = (0.0_f64, 0.0_f64, 1.0_f64);
    for sample in pcm {
        let sample = f64::from(*sample);
        (two, one) = (one, sample + coefficient * one - two);
        all += sample * sample;
    }
    let found = one * one + two * two - coefficient * one * two;
    2.0 * found / (all * pcm.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::{power, tone};

    #[test]
    fn a_tone_is_found_at_its_own_frequency_alone() {
        for rate_hz in [8000, 16_000, 48_000] {
            let mut next = tone(rate_hz, 440.0);
            let pcm: Vec<i16> = (0..20).flat_map(|_| next()).collect();
            assert_eq!(pcm.len(), rate_hz as usize * 2 / 5);
            assert!(power(rate_hz, &pcm, 440.0) > 0.99);
            assert!(power(rate_hz, &pcm, 700.0) < 0.01);
        }
        assert!(power(8000, &[0; 160], 440.0) < 0.01, "silence holds no tone");
    }
}
